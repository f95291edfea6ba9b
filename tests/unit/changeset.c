/*
 * The strict changeset reader and the writer, judged by SQLite itself: what its
 * session extension records is read as its own iterator reads it, and whatever
 * the reader accepts, however damaged, SQLite must take without harm.
 */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1

#include "formats/changeset.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "formats/file.h"

#define LIMIT ((size_t)256 << 20)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- tables ------------------------------------------------------------------------ */

enum { PLAIN, PAIR, LOOSE, WIDE, TABLES };

static const struct cp_shape shapes[TABLES] = {
	{ "plain", 5, { 1 } },
	{ "pair", 5, { 0, 3, 2, 0, 1 } },
	{ "loose", 4, { 0, 1 } },
	{ "wide", 32, { [30] = 2, [31] = 1 } },
};

/* What a column takes: blob, integer, real, text, * for anything. */
static const char *const kinds[TABLES] = { "birt*", "*tb*i", "*b**", "********************************" };
static const char *const column_names[32] = { "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10",
	"c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19", "c20", "c21", "c22", "c23", "c24", "c25",
	"c26", "c27", "c28", "c29", "c30", "c31", "c32" };
static const char *const keys[TABLES] = { "c1", "c5, c3, c2", "c2", "c32, c31" };

static const char schema[] =
	"CREATE TABLE plain (c1 BLOB NOT NULL PRIMARY KEY, c2 INTEGER, c3 REAL, c4 TEXT, c5 ANY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE pair (c1 ANY, c2 TEXT, c3 BLOB, c4 ANY, c5 INTEGER, PRIMARY KEY (c5, c3, c2))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE loose (c1, c2 PRIMARY KEY NOT NULL, c3, c4);"
	"CREATE TABLE wide (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19,"
	" c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32, PRIMARY KEY (c32, c31)) WITHOUT ROWID;";

#define must(call) assert_int_equal((call), SQLITE_OK)

static sqlite3 *new_database(void)
{
	sqlite3 *db;

	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, schema, NULL, NULL, NULL));
	return db;
}

static sqlite3_session *new_session(sqlite3 *db)
{
	sqlite3_session *session;

	must(sqlite3session_create(db, "main", &session));
	must(sqlite3session_attach(session, NULL));
	return session;
}

/* Appends what the session recorded to out (joining changesets by bytes) and ends it. */
static void end_session(sqlite3_session *session, struct cp_buf *out)
{
	void *bytes;
	int len;

	must(sqlite3session_changeset(session, &len, &bytes));
	assert_int_equal(cp_buf_add(out, bytes, (size_t)len, NULL), CP_OK);
	sqlite3_free(bytes);
	sqlite3session_delete(session);
}

/* ---- chance, from a seed ------------------------------------------------------------- */

static uint64_t chance;

static uint64_t draw(void)
{
	uint64_t z = (chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(size_t n)
{
	return (size_t)(draw() % n);
}

/* Bytes that random texts and blobs are slices of. */
static uint8_t noise[200000];
static char words[4000];

static void fill_noise(void)
{
	static const char *const letters[] = { "a", "Z", " ", "\n", "\x7f", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x9a\xb2",
		"\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\xc2\x80" };
	size_t at = 0;

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)draw();
	while (at < sizeof words - 8) {
		const char *letter = letters[below(COUNT(letters))];

		memcpy(words + at, letter, strlen(letter));
		at += strlen(letter);
	}
	memset(words + at, '.', sizeof words - at);
}

static size_t random_len(size_t most)
{
	static const size_t edges[] = { 0, 1, 7, 127, 128, 129, 300, 3000, 16383, 16384, 16385, 70000 };
	size_t len = below(8) == 0 ? edges[below(COUNT(edges))] : below(20);

	return len < most ? len : most;
}

static struct cp_value random_text(void)
{
	struct cp_value v = { .type = CP_TEXT, .len = random_len(3000) };
	size_t start = below(500);

	while (((uint8_t)words[start] & 0xc0) == 0x80)
		start++;
	while (v.len > 0 && ((uint8_t)words[start + v.len] & 0xc0) == 0x80)
		v.len++;
	v.bytes = (const uint8_t *)words + start;
	return v;
}

static struct cp_value random_value(char kind)
{
	static const int64_t whole[] = { 0, 1, -1, 127, 128, -129, 65536, INT32_MIN, INT64_MAX, INT64_MIN };
	static const double reals[] = { 0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, INFINITY, -INFINITY };

	switch (kind) {
	case 'b':
		return (struct cp_value) { .type = CP_BLOB, .len = random_len(70000), .bytes = noise + below(100000) };
	case 't':
		return random_text();
	case 'i':
		return (struct cp_value) { .type = CP_INT, .integer = below(2) ? whole[below(10)] : (int64_t)draw() };
	case 'r':
		return (struct cp_value) { .type = CP_REAL,
			.real = below(2) ? reals[below(8)] : (double)(int64_t)draw() / 1000.0 };
	default:
		return random_value("birt"[below(4)]);
	}
}

static void random_row(struct cp_value row[], size_t table)
{
	for (size_t i = 0; i < shapes[table].n_columns; i++) {
		row[i] = random_value(kinds[table][i]);
		if (shapes[table].key[i] == 0 && below(5) == 0)
			row[i] = (struct cp_value) { .type = CP_NULL };
	}
}

/* ---- rows into a database ------------------------------------------------------------ */

static void bind(sqlite3_stmt *stmt, size_t place, const struct cp_value *v)
{
	static const char empty[1] = "";
	const void *bytes = v->len > 0 ? (const void *)v->bytes : empty;
	int at = (int)place;

	switch (v->type) {
	case CP_INT:  must(sqlite3_bind_int64(stmt, at, v->integer)); break;
	case CP_REAL: must(sqlite3_bind_double(stmt, at, v->real)); break;
	case CP_TEXT: must(sqlite3_bind_text(stmt, at, bytes, (int)v->len, SQLITE_STATIC)); break;
	case CP_BLOB: must(sqlite3_bind_blob(stmt, at, bytes, (int)v->len, SQLITE_STATIC)); break;
	default:      must(sqlite3_bind_null(stmt, at)); break;
	}
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;

	must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
	return stmt;
}

static void run(sqlite3_stmt *stmt)
{
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	must(sqlite3_finalize(stmt));
}

static void insert_row(sqlite3 *db, size_t table, const struct cp_value row[])
{
	char sql[512];
	size_t at = (size_t)snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO %s VALUES (", shapes[table].name);
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < shapes[table].n_columns; i++)
		at += (size_t)snprintf(sql + at, sizeof sql - at, i == 0 ? "?" : ",?");
	snprintf(sql + at, sizeof sql - at, ")");
	stmt = prepare(db, sql);
	for (size_t i = 0; i < shapes[table].n_columns; i++)
		bind(stmt, i + 1, &row[i]);
	run(stmt);
}

static size_t plain_column(size_t table)
{
	size_t i;

	do
		i = below(shapes[table].n_columns);
	while (shapes[table].key[i] != 0);
	return i;
}

/* Sets two columns, by chance the same one, of a row that is there. */
static void update_row(sqlite3 *db, size_t table)
{
	size_t one = plain_column(table), other = plain_column(table);
	struct cp_value row[CP_MAX_COLUMNS];
	char sql[512];
	sqlite3_stmt *stmt;

	random_row(row, table);
	snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1, %s = ?2 WHERE (%s) = (SELECT %s FROM %s LIMIT 1"
			" OFFSET ?3 %% max(1, (SELECT count(*) FROM %s)))", shapes[table].name, column_names[one],
			column_names[other], keys[table], keys[table], shapes[table].name, shapes[table].name);
	stmt = prepare(db, sql);
	bind(stmt, 1, &row[one]);
	bind(stmt, 2, &row[other]);
	must(sqlite3_bind_int64(stmt, 3, (int64_t)below(10000)));
	run(stmt);
}

/* ---- the judge ------------------------------------------------------------------------- */

static void assert_value(const struct cp_value *v, sqlite3_value *theirs)
{
	double real;

	if (theirs == NULL) {
		assert_int_equal(v->type, CP_ABSENT);
		return;
	}
	assert_int_equal(v->type, sqlite3_value_type(theirs));
	if (v->type == CP_INT)
		assert_true(v->integer == sqlite3_value_int64(theirs));
	if (v->type == CP_REAL) {
		real = sqlite3_value_double(theirs);
		assert_memory_equal(&v->real, &real, sizeof real);
	}
	if (v->type == CP_TEXT || v->type == CP_BLOB) {
		const void *bytes = v->type == CP_TEXT ? (const void *)sqlite3_value_text(theirs) :
			sqlite3_value_blob(theirs);

		assert_int_equal(v->len, sqlite3_value_bytes(theirs));
		assert_true(v->len == 0 || memcmp(v->bytes, bytes, v->len) == 0);
	}
}

static void assert_change(const struct cp_change *c, sqlite3_changeset_iter *it)
{
	const char *name;
	unsigned char *key;
	int columns, op, indirect;
	sqlite3_value *was, *now;

	must(sqlite3changeset_op(it, &name, &columns, &op, &indirect));
	must(sqlite3changeset_pk(it, &key, NULL));
	assert_string_equal(shapes[c->table].name, name);
	assert_int_equal(shapes[c->table].n_columns, columns);
	assert_memory_equal(shapes[c->table].key, key, (size_t)columns);
	assert_int_equal(c->op, op);
	assert_int_equal(indirect, 0);
	for (int i = 0; i < columns; i++) {
		was = now = NULL;
		if (op == SQLITE_UPDATE)
			must(sqlite3changeset_old(it, i, &was));
		must(sqlite3changeset_new(it, i, &now));
		assert_value(&c->was[i], was);
		assert_value(&c->now[i], now);
	}
}

/* Reads data, which must be accepted, beside SQLite's own iterator; returns the changes. */
static size_t read_beside_sqlite(const void *data, size_t len)
{
	static struct cp_change c;
	struct cp_changeset r;
	struct cp_err err = { 0 };
	sqlite3_changeset_iter *it;
	size_t n = 0, end = 0;
	bool more;

	must(sqlite3changeset_start(&it, (int)len, (void *)(uintptr_t)data));
	cp_changeset_begin(&r, data, len, shapes, TABLES);
	for (;; n++) {
		assert_int_equal(cp_changeset_next(&r, &c, &more, &err), CP_OK);
		if (!more)
			break;
		assert_int_equal(sqlite3changeset_next(it), SQLITE_ROW);
		assert_change(&c, it);
		assert_int_equal(c.offset, end == c.header ? end + c.header_len : end);
		end = c.offset + c.len;
	}
	assert_int_equal(end, len);
	assert_int_equal(sqlite3changeset_next(it), SQLITE_DONE);
	must(sqlite3changeset_finalize(it));
	return n;
}

static enum cp_code check(const void *data, size_t len, struct cp_err *err)
{
	return cp_changeset_check(data, len, shapes, TABLES, NULL, err);
}

/* ---- what SQLite writes is read ---------------------------------------------------------- */

/* One sitting of edits on all tables, some of them on rows of sittings before. */
static void work(sqlite3 *db, size_t edits)
{
	struct cp_value row[CP_MAX_COLUMNS];

	for (size_t i = 0; i < edits; i++) {
		size_t table = below(TABLES);

		if (below(2) == 0) {
			update_row(db, table);
		} else {
			random_row(row, table);
			insert_row(db, table, row);
		}
	}
}

static void what_the_session_extension_writes_is_read_as_sqlite_reads_it(void **state)
{
	size_t changes = 0, inserts_and_updates = 0;

	(void)state;
	for (chance = 1; inserts_and_updates < 40; inserts_and_updates++) {
		CP_AUTO(buf) struct cp_buf joined = CP_BUF(LIMIT);
		sqlite3 *db = new_database();

		for (size_t sitting = 1 + below(6); sitting > 0; sitting--) {
			sqlite3_session *session = new_session(db);

			work(db, below(80));
			end_session(session, &joined);
		}
		changes += read_beside_sqlite(joined.data, joined.len);
		sqlite3_close(db);
	}
	assert_true(changes > 2000);
}

static void a_blob_of_many_megabytes_is_read(void **state)
{
	CP_AUTO(buf) struct cp_buf set = CP_BUF(LIMIT);
	sqlite3 *db = new_database();
	sqlite3_session *session = new_session(db);

	(void)state;
	must(sqlite3_exec(db, "INSERT INTO loose VALUES (zeroblob(5000000), 1, 2, zeroblob(268435))", NULL, NULL, NULL));
	end_session(session, &set);
	session = new_session(db);
	must(sqlite3_exec(db, "UPDATE loose SET c1 = zeroblob(3000000)", NULL, NULL, NULL));
	end_session(session, &set);
	assert_int_equal(read_beside_sqlite(set.data, set.len), 2);
	sqlite3_close(db);
}

/* Three tables, inserts and updates, three sittings joined. */
static const char *const sittings[] = {
	"INSERT INTO plain VALUES (x'0102', 7, 0.5, 'd\u00e9j\u00e0', NULL), (x'', -1, NULL, '', x'ff00');"
	"INSERT INTO pair VALUES (1, 'k', x'aa', 2.0, 3);",
	"UPDATE plain SET c2 = 8, c5 = 'note' WHERE c1 = x'0102'; UPDATE pair SET c4 = NULL;"
	"INSERT INTO loose VALUES (1, x'01', 'two', zeroblob(130));",
	"UPDATE pair SET c1 = 'x'; UPDATE plain SET c3 = 1.5, c4 = 'b'; INSERT INTO pair VALUES (NULL, '', x'', '', 0);",
};

static void make_sample(struct cp_buf *out)
{
	sqlite3 *db = new_database();

	for (size_t i = 0; i < COUNT(sittings); i++) {
		sqlite3_session *session = new_session(db);

		must(sqlite3_exec(db, sittings[i], NULL, NULL, NULL));
		end_session(session, out);
	}
	sqlite3_close(db);
}

/* A block of memory of just this size, so that a read past it is noticed by the tools. */
static uint8_t *exact_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	return copy;
}

static void a_change_under_its_header_is_a_changeset_of_its_own(void **state)
{
	static struct cp_change c;
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT), one = CP_BUF(LIMIT);
	struct cp_changeset r;
	size_t n = 0;
	bool more;

	(void)state;
	make_sample(&sample);
	cp_changeset_begin(&r, sample.data, sample.len, shapes, TABLES);
	for (;; n++) {
		assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
		if (!more)
			break;
		cp_buf_clear(&one);
		assert_int_equal(cp_buf_add(&one, sample.data + c.header, c.header_len, NULL), CP_OK);
		assert_int_equal(cp_buf_add(&one, sample.data + c.offset, c.len, NULL), CP_OK);
		assert_int_equal(read_beside_sqlite(one.data, one.len), 1);
	}
	assert_int_equal(n, 10);
}

static void the_key_is_found_in_an_insert_and_in_an_update(void **state)
{
	static struct cp_change c;
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	struct cp_changeset r;
	size_t inserts = 0, updates = 0;
	bool more;

	(void)state;
	make_sample(&sample);
	cp_changeset_begin(&r, sample.data, sample.len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		if (c.table != PAIR || cp_change_key(&c, 4)->integer != 3)
			continue;
		*(c.op == CP_INSERT ? &inserts : &updates) += 1;
		assert_int_equal(cp_change_key(&c, 1)->len, 1);
		assert_int_equal(cp_change_key(&c, 1)->bytes[0], 'k');
		assert_int_equal(cp_change_key(&c, 2)->bytes[0], 0xaa);
	}
	assert_int_equal(inserts, 1);
	assert_int_equal(updates, 2);
}

static void an_empty_changeset_has_no_change(void **state)
{
	struct cp_change c = { .table = 77 };
	struct cp_changeset r;
	bool more = true;

	(void)state;
	cp_changeset_begin(&r, NULL, 0, shapes, TABLES);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
	assert_false(more);
	assert_int_equal(c.table, 77);
}

/* ---- what is written ------------------------------------------------------------------- */

static void an_insert_is_written_as_the_session_extension_writes_it(void **state)
{
	sqlite3 *db = new_database();
	size_t written = 0;

	(void)state;
	chance = 2;
	for (size_t i = 0; i < 2000; i++) {
		CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT), ours = CP_BUF(LIMIT);
		struct cp_value row[CP_MAX_COLUMNS];
		size_t table = below(TABLES);
		sqlite3_session *session = new_session(db);

		random_row(row, table);
		insert_row(db, table, row);
		end_session(session, &theirs);
		if (theirs.len == 0)
			continue; /* that key was there */
		written++;
		assert_int_equal(cp_changeset_add_table(&ours, &shapes[table], NULL), CP_OK);
		assert_int_equal(cp_changeset_add_insert(&ours, &shapes[table], row, NULL), CP_OK);
		assert_int_equal(ours.len, theirs.len);
		assert_memory_equal(ours.data, theirs.data, ours.len);
	}
	assert_true(written > 1500);
	sqlite3_close(db);
}

/* Writes the inserts of set again as they were read, with a header where the table changes. */
static void write_again(struct cp_buf *out, const struct cp_buf *set)
{
	static struct cp_change c;
	struct cp_changeset r;
	size_t table = TABLES;
	bool more;

	cp_changeset_begin(&r, set->data, set->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		if (c.table != table)
			assert_int_equal(cp_changeset_add_table(out, &shapes[c.table], NULL), CP_OK);
		table = c.table;
		assert_int_equal(cp_changeset_add_insert(out, &shapes[table], c.now, NULL), CP_OK);
	}
}

static void many_rows_of_many_tables_are_written_as_the_session_extension_does(void **state)
{
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT), ours = CP_BUF(LIMIT);
	sqlite3 *db = new_database();
	sqlite3_session *session = new_session(db);
	struct cp_value row[CP_MAX_COLUMNS];

	(void)state;
	chance = 3;
	for (size_t i = 0; i < 1000; i++) {
		random_row(row, i % TABLES);
		insert_row(db, i % TABLES, row);
	}
	end_session(session, &theirs);
	write_again(&ours, &theirs);
	assert_int_equal(ours.len, theirs.len);
	assert_memory_equal(ours.data, theirs.data, ours.len);
	assert_true(read_beside_sqlite(ours.data, ours.len) > 800);
	sqlite3_close(db);
}

static void a_row_that_the_reader_would_refuse_is_not_written(void **state)
{
	static const struct { size_t column; struct cp_value value; const char *why; } bad[] = {
		{ 0, { .type = CP_NULL }, "key cannot be NULL" },
		{ 0, { .type = CP_ABSENT }, "every column" },
		{ 3, { .type = CP_ABSENT }, "every column" },
		{ 2, { .type = CP_REAL, .real = NAN }, "not a number" },
		{ 3, { .type = CP_TEXT, .len = 2, .bytes = (const uint8_t *)"\xc3(" }, "not UTF-8" },
		{ 3, { .type = CP_TEXT, .len = 3, .bytes = (const uint8_t *)"a\0b" }, "zero byte" },
		{ 4, { .type = CP_BLOB, .len = CP_VALUE_MAX + 1, .bytes = (const uint8_t *)"" }, "longer" },
	};
	CP_AUTO(buf) struct cp_buf out = CP_BUF(LIMIT);

	(void)state;
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_OK);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct cp_value row[5] = { { .type = CP_BLOB }, { .type = CP_NULL }, { .type = CP_NULL }, { .type = CP_NULL },
			{ .type = CP_NULL } };
		struct cp_err err = { 0 };
		size_t before = out.len;

		row[bad[i].column] = bad[i].value;
		assert_int_equal(cp_changeset_add_insert(&out, &shapes[PLAIN], row, &err), CP_EINPUT);
		assert_non_null(strstr(err.text, bad[i].why));
		assert_int_equal(out.len, before);
	}
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(20);
	struct cp_value row[5] = { { .type = CP_BLOB }, { .type = CP_INT }, { .type = CP_NULL }, { .type = CP_NULL },
		{ .type = CP_NULL } };

	(void)state;
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_OK);
	assert_int_equal(cp_changeset_add_insert(&out, &shapes[PLAIN], row, NULL), CP_EFORMAT);
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_EFORMAT);
	assert_int_equal(out.len, 13);
}

static void values_are_equal_in_type_and_bytes(void **state)
{
	static const struct cp_value distinct[] = {
		{ .type = CP_ABSENT }, { .type = CP_NULL }, { .type = CP_INT, .integer = 1 },
		{ .type = CP_INT, .integer = 2 }, { .type = CP_REAL, .real = 1.0 }, { .type = CP_REAL, .real = 0.0 },
		{ .type = CP_REAL, .real = -0.0 }, { .type = CP_TEXT, .len = 2, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 2, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 1, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 2, .bytes = (const uint8_t *)"ac" }, { .type = CP_BLOB }, { .type = CP_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(distinct); i++)
		for (size_t j = 0; j < COUNT(distinct); j++)
			assert_int_equal(cp_value_equal(&distinct[i], &distinct[j]), i == j);
}
