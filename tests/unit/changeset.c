/*
 * The strict changeset reader and the writer, judged by SQLite itself: what its
 * session extension records is read as its own iterator reads it, and what is written
 * here is what it writes. (Damage that knows the format: tests/damage.)
 */
#include "tests/damage/judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "formats/file.h"

#define LIMIT ((size_t)256 << 20)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- tables ------------------------------------------------------------------------ */

enum { PLAIN, PAIR, LOOSE, WIDE, TABLES };

static const struct cp_shape shapes[TABLES] = {
	{ "plain", 5, { 1 }, 0 },
	{ "pair", 5, { 0, 3, 2, 0, 1 }, 0 },
	{ "loose", 4, { 0, 1 }, 0 },
	{ "wide", 32, { [30] = 2, [31] = 1 }, 0 },
};

/* What a column takes: blob, integer, real, text, * for anything. */
static const char *const kinds[TABLES] = { "birt*", "*tb*i", "*b**", "********************************" };
static const char *const column_names[32] = { "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10",
	"c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19", "c20", "c21", "c22", "c23", "c24", "c25",
	"c26", "c27", "c28", "c29", "c30", "c31", "c32" };
static const char *const keys[TABLES] = { "c1", "c5, c3, c2", "c2", "c32, c31" };

static const char schema[] =
	"CREATE TABLE plain (c1 BLOB NOT NULL PRIMARY KEY, c2 INTEGER, c3 REAL, c4 TEXT, c5 ANY)"
	" STRICT, WITHOUT ROWID;"
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
	static const char *const letters[] = { "a", "Z", " ", "\n", "\x7f", "\xc3\xa9", "\xe6\xbc\xa2",
		"\xf0\x9f\x9a\xb2", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\xc2\x80" };
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
		if (kinds[table][i] == 'r')
			row[i].real += 0.0; /* a REAL column keeps -0.0 as 0.0 */
		if (shapes[table].key[i] == 0 && below(5) == 0)
			row[i] = (struct cp_value) { .type = CP_NULL };
	}
}

/* ---- rows into a database ------------------------------------------------------------ */

static void bind_value(sqlite3_stmt *stmt, size_t place, const struct cp_value *v)
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
		bind_value(stmt, i + 1, &row[i]);
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
	bind_value(stmt, 1, &row[one]);
	bind_value(stmt, 2, &row[other]);
	must(sqlite3_bind_int64(stmt, 3, (int64_t)below(10000)));
	run(stmt);
}

/* ---- the judge ------------------------------------------------------------------------- */

static size_t read_beside_sqlite(const void *data, size_t len)
{
	return judge_changeset(data, len, shapes, TABLES);
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
	size_t changes = 0;

	(void)state;
	chance = 1;
	for (size_t world = 0; world < 40; world++) {
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
	must(sqlite3_exec(db, "INSERT INTO loose VALUES (zeroblob(5000000), 1, 2, zeroblob(268435))", NULL, NULL,
			NULL));
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
	"UPDATE pair SET c1 = 'x'; UPDATE plain SET c3 = 1.5, c4 = 'b';"
	"INSERT INTO pair VALUES (NULL, '', x'', '', 0);",
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

/* ---- what is refused --------------------------------------------------------------------- */

/* Two columns, the first the key. */
static const struct cp_shape small[] = { { "t", 2, { 1 }, 0 } };
#define HEAD "540201007400"

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t len = strlen(hex) / 2;

	assert_true(cp_unhex(out, len, hex));
	return len;
}

static enum cp_code check_small(const char *hex, size_t *out_changes, struct cp_err *err)
{
	uint8_t bytes[512], *copy;
	size_t len = unhex(bytes, hex);
	enum cp_code code;

	copy = exact_copy(bytes, len);
	code = cp_changeset_check(copy, len, small, 1, out_changes, err);
	free(copy);
	return code;
}

static void well_formed_changes_are_accepted(void **state)
{
	static const struct { const char *hex; size_t changes; } good[] = {
		{ "", 0 },
		{ HEAD "1200" "0401aa" "05", 1 },
		{ HEAD "1200" "010000000000000001" "0302c3a9", 1 },
		{ HEAD "1700" "0401aa" "05" "00" "0300", 1 },
		{ HEAD "1700" "0300" "0300" "00" "0400", 1 },
		{ HEAD "1700" "0401aa" "010000000000000001" "00" "023ff0000000000000", 1 },
		{ HEAD "1200" "0401aa" "05" "1700" "0401aa" "05" "00" "0300", 2 },
		{ HEAD "1200" "0401aa" "05" HEAD "1200" "0401aa" "05", 2 },
		{ HEAD "1200" "0401aa" "027ff0000000000000", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct cp_err err = { 0 };
		size_t changes = 99;

		assert_int_equal(check_small(good[i].hex, &changes, &err), CP_OK);
		assert_int_equal(changes, good[i].changes);
	}
}

static const struct { const char *hex, *why; } refused[] = {
	/* table headers */
	{ "54", "byte 1: a column count" },
	{ "5402", "byte 2: a table header that is cut off" },
	{ "540201", "byte 2: a table header that is cut off" },
	{ "54020100", "byte 4: a table name without its end" },
	{ "5402010074", "byte 4: a table name without its end" },
	{ "5402010074747474747474747474747474747474747474", "a table name without its end" },
	{ HEAD, "no change behind it" },
	{ HEAD HEAD "1200" "0401aa" "05", "byte 6: a table header with no change" },
	{ HEAD "1200" "0401aa" "05" HEAD, "no change behind it" },
	{ "54b401" "01007400", "a table with 6657 columns" },
	{ "5400" "7400", "a table with 0 columns" },
	{ "5421" "01007400", "a table with 33 columns" },
	{ "54ffffffffffffffffff" "01007400", "a column count" },
	{ "548002" "01007400" "1200" "0401aa" "05", "byte 1: a column count" },
	{ "5401" "017400" "1200" "0401aa", "table t with 1 columns, not 2" },
	{ "5403" "0100007400" "1200" "0401aa" "05" "05", "table t with 3 columns, not 2" },
	{ "540200017400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540200007400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540202007400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540201027400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540201005400" "1200" "0401aa" "05", "no table \"T\"" },
	{ "5402010000" "1200" "0401aa" "05", "no table \"\"" },
	{ "540201007474" "00" "1200" "0401aa" "05", "no table \"tt\"" },
	{ "540201001b5b6d2200" "1200" "0401aa" "05", "no table \"?[m?\"" },
	{ "540201006d61696e2e7400" "1200" "0401aa" "05", "no table \"main.t\"" },
	/* what stands in place of a header or a change */
	{ "50" "0201007400" "1200" "0401aa" "05", "byte 0: a patchset" },
	{ HEAD "1200" "0401aa" "05" "50" "0201007400" "1200" "0401aa" "05", "a patchset" },
	{ "12", "does not begin with a table header" },
	{ "00", "does not begin with a table header" },
	{ HEAD "0900" "0401aa" "05", "byte 6: a DELETE" },
	{ HEAD "0000" "0401aa" "05", "operation 0" },
	{ HEAD "1300" "0401aa" "05", "operation 19" },
	{ HEAD "ff00" "0401aa" "05", "operation 255" },
	{ HEAD "12", "a change that is cut off" },
	{ HEAD "1201" "0401aa" "05", "byte 7: an indirect change" },
	{ HEAD "1701" "0401aa" "05" "00" "0300", "byte 7: an indirect change" },
	{ HEAD "1200" "0401aa" "05" "00", "operation 0" },
	{ HEAD "1200" "0401aa" "05" "05", "operation 5" },
	/* values */
	{ HEAD "1200", "byte 8: table t, column 1: the value is cut off" },
	{ HEAD "1200" "0401aa", "byte 11: table t, column 2: the value is cut off" },
	{ HEAD "1200" "0401aa" "06", "a type that SQLite does not have" },
	{ HEAD "1200" "0401aa" "ff", "a type that SQLite does not have" },
	{ HEAD "1200" "0401aa" "01000000000000", "a number that is cut off" },
	{ HEAD "1200" "0401aa" "02", "a number that is cut off" },
	{ HEAD "1200" "0401aa" "027ff8000000000000", "not a number" },
	{ HEAD "1200" "0401aa" "02fff0000000000001", "not a number" },
	{ HEAD "1200" "0401aa" "03", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "0381", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "0303" "6162", "more bytes promised" },
	{ HEAD "1200" "0401aa" "04" "87ffffff7f", "longer than SQLite" },
	{ HEAD "1200" "0401aa" "04" "ffffffff7f", "longer than SQLite" },
	{ HEAD "1200" "0401aa" "04" "ffffffffff7f", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "04" "ffffffffffffffffff", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "04" "8001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "808001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "8000", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "808080808080808001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "0301" "ff", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0302" "c3", "more bytes promised" },
	{ HEAD "1200" "0401aa" "0302" "c080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0303" "eda080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0304" "f4908080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0303" "610062", "zero byte" },
	/* inserts */
	{ HEAD "1200" "05" "05", "column 1: NULL in the key" },
	{ HEAD "1200" "00" "05", "column 1: missing in an INSERT" },
	{ HEAD "1200" "0401aa" "00", "column 2: missing in an INSERT" },
	/* updates */
	{ HEAD "1700" "0401aa" "05" "00", "column 2: the value is cut off" },
	{ HEAD "1700" "0401aa" "00" "00" "00", "byte 6: table t: an UPDATE that changes nothing" },
	{ HEAD "1700" "0401aa" "05" "00" "05", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "030161" "00" "030161", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "020000000000000000" "00" "028000000000000000", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "05" "00" "00", "only the old or only the new" },
	{ HEAD "1700" "0401aa" "00" "00" "05", "only the old or only the new" },
	{ HEAD "1700" "0401aa" "05" "0401aa" "0300", "writes the key" },
	{ HEAD "1700" "0401aa" "05" "0401bb" "0300", "writes the key" },
	{ HEAD "1700" "0401aa" "05" "05" "0300", "writes the key" },
	{ HEAD "1700" "00" "05" "00" "0300", "missing in the key" },
	{ HEAD "1700" "05" "05" "00" "0300", "NULL or missing in the key" },
};

static void malformed_changes_are_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct cp_err err = { 0 };
		size_t changes = 99;

		if (check_small(refused[i].hex, &changes, &err) != CP_EFORMAT || strstr(err.text, refused[i].why) == NULL)
			fail_msg("%s: \"%s\" instead of \"%s\"", refused[i].hex, err.text, refused[i].why);
		assert_non_null(strstr(err.text, "changeset refused at byte "));
		assert_null(strchr(err.text, '\n'));
		assert_int_equal(changes, 99);
	}
}

static void a_failed_reader_stays_and_fails_again(void **state)
{
	static const char hex[] = HEAD "1200" "0401aa" "05" HEAD "0900" "0401aa" "05";
	static struct cp_change c;
	struct cp_err first = { 0 }, again = { 0 };
	struct cp_changeset r;
	uint8_t bytes[64];
	bool more;

	(void)state;
	cp_changeset_begin(&r, bytes, unhex(bytes, hex), small, 1);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &first), CP_OK);
	assert_true(more);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &first), CP_EFORMAT);
	assert_false(more);
	assert_int_equal(r.at, 12);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &again), CP_EFORMAT);
	assert_string_equal(first.text, again.text);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_EFORMAT);
}

/* Only the pages that are written exist; the rest of the gigabytes is never looked at. */
static void sizes_that_sqlite_cannot_take_are_refused(void **state)
{
	static const char fits[] = HEAD "1200" "04" "83dceb9400", over[] = HEAD "1200" "04" "83dceb9401";
	size_t room = CP_CHANGESET_MAX + 1, whole = 14 + CP_VALUE_MAX + 1;
	struct cp_err err = { 0 };
	uint8_t *data = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(data != MAP_FAILED);
	assert_int_equal(unhex(data, fits), 14);
	data[whole - 1] = CP_NULL;
	assert_int_equal(cp_changeset_check(data, whole, small, 1, NULL, &err), CP_OK);
	assert_int_equal(cp_changeset_check(data, room, small, 1, NULL, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "longer than SQLite can take"));
	data[whole - 1] = 0;
	data[whole] = CP_NULL;
	assert_int_equal(unhex(data, over), 14);
	assert_int_equal(cp_changeset_check(data, whole + 1, small, 1, NULL, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "a value longer than SQLite can take"));
	munmap(data, room);
}

/* ---- damage ------------------------------------------------------------------------------ */

/* Offsets at which sample may be cut: its start and the end of each change. */
static size_t clean_cuts(size_t cuts[], const struct cp_buf *sample)
{
	static struct cp_change c;
	struct cp_changeset r;
	size_t n = 1;
	bool more;

	cuts[0] = 0;
	cp_changeset_begin(&r, sample->data, sample->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more)
		cuts[n++] = c.offset + c.len;
	return n;
}

static void a_changeset_cut_anywhere_but_between_changes_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	size_t cuts[32], n, met = 0;

	(void)state;
	make_sample(&sample);
	n = clean_cuts(cuts, &sample);
	assert_int_equal(n, 11);
	for (size_t len = 0; len <= sample.len; len++) {
		uint8_t *copy = exact_copy(sample.data, len);
		struct cp_err err = { 0 };

		if (met < n && len == cuts[met]) {
			assert_int_equal(read_beside_sqlite(copy, len), met);
			met++;
		} else {
			assert_int_equal(check(copy, len, &err), CP_EFORMAT);
		}
		free(copy);
	}
	assert_int_equal(met, n);
}

static void a_byte_behind_the_end_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);

	(void)state;
	make_sample(&sample);
	assert_int_equal(cp_buf_add(&sample, "", 1, NULL), CP_OK);
	for (unsigned byte = 0; byte < 256; byte++) {
		sample.data[sample.len - 1] = (char)byte;
		assert_int_equal(check(sample.data, sample.len, NULL), CP_EFORMAT);
	}
}

/* Bytes of sample that no single flip may change unnoticed: headers, operation, indirect flag. */
static void mark_frames(bool is_frame[], const struct cp_buf *sample)
{
	static struct cp_change c;
	struct cp_changeset r;
	bool more;

	cp_changeset_begin(&r, sample->data, sample->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		memset(is_frame + c.header, true, c.header_len);
		memset(is_frame + c.offset, true, 2);
	}
}

static void a_flipped_bit_is_refused_or_read_as_sqlite_reads_it(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	bool is_frame[2048] = { false };
	size_t accepted = 0, turned_away = 0;
	uint8_t *copy;

	(void)state;
	make_sample(&sample);
	assert_in_range(sample.len, 300, sizeof is_frame);
	mark_frames(is_frame, &sample);
	copy = exact_copy(sample.data, sample.len);
	for (size_t bit = 0; bit < sample.len * 8; bit++) {
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (check(copy, sample.len, NULL) == CP_OK) {
			assert_false(is_frame[bit / 8]);
			assert_true(read_beside_sqlite(copy, sample.len) > 0);
			accepted++;
		} else {
			turned_away++;
		}
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	print_message("%zu flips: %zu refused, %zu read as SQLite reads them\n", accepted + turned_away, turned_away,
			accepted);
	assert_int_equal(accepted + turned_away, sample.len * 8);
	assert_true(accepted > 500 && turned_away > 1000);
	free(copy);
}

/* ---- the page ---------------------------------------------------------------------------- */

/* Hex digits of the page's example: between "```hex" and "```", what stands behind ";" left out. */
static size_t page_example(uint8_t *out, size_t room)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	char hex[3] = "";
	const char *at;
	size_t len = 0, digits = 0;

	assert_int_equal(cp_file_read(&page, "formats/changeset.md", NULL), CP_OK);
	at = strstr(page.data, "```hex\n");
	assert_non_null(at);
	for (at += 7; *at != '`'; at++) {
		if (*at == ';')
			at += strcspn(at, "\n");
		if (*at == ' ' || *at == '\n')
			continue;
		hex[digits++ % 2] = *at;
		if (digits % 2 == 0) {
			assert_true(len < room);
			assert_true(cp_unhex(&out[len++], 1, hex));
		}
	}
	assert_int_equal(digits % 2, 0);
	return len;
}

static void the_example_on_the_page_is_what_sqlite_writes(void **state)
{
	static const struct cp_shape scores[] = { { "scores", 3, { 1 }, 0 } };
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT);
	uint8_t page[512];
	sqlite3_session *session;
	size_t len = page_example(page, sizeof page), changes;
	sqlite3 *db;

	(void)state;
	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, "CREATE TABLE scores (id BLOB NOT NULL PRIMARY KEY, score INTEGER, note TEXT)"
			" STRICT, WITHOUT ROWID", NULL, NULL, NULL));
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO scores VALUES (x'a1b2', 3, NULL)", NULL, NULL, NULL));
	end_session(session, &theirs);
	session = new_session(db);
	must(sqlite3_exec(db, "UPDATE scores SET note = 'd\u00e9j\u00e0 vu' WHERE id = x'a1b2'", NULL, NULL, NULL));
	end_session(session, &theirs);
	assert_int_equal(len, theirs.len);
	assert_memory_equal(page, theirs.data, len);
	assert_int_equal(cp_changeset_check(page, len, scores, 1, &changes, NULL), CP_OK);
	assert_int_equal(changes, 2);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(cp_changeset_check(page, cut, scores, 1, &changes, NULL),
				cut == 0 || cut == 28 ? CP_OK : CP_EFORMAT);
	sqlite3_close(db);
}

static int count_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int n;

	must(sqlite3_prepare_v2(db, sql, -1, &q, NULL));
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return n;
}

static int stop_at_conflicts(void *user, int kind, sqlite3_changeset_iter *it)
{
	(void)user, (void)kind, (void)it;
	return SQLITE_CHANGESET_ABORT;
}

/* A table that got a column since: what was recorded before still reads, and SQLite applies it with the default. */
static void rows_written_before_a_column_was_added_are_read(void **state)
{
	static const struct cp_shape grown[] = { { "grown", 4, { 1 }, 3 } };
	CP_AUTO(buf) struct cp_buf old = CP_BUF(LIMIT);
	sqlite3_session *session;
	struct cp_changeset r;
	struct cp_change c;
	size_t before;
	sqlite3 *db;
	bool more;

	(void)state;
	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, "CREATE TABLE grown (id BLOB NOT NULL PRIMARY KEY, score INTEGER, note TEXT) STRICT, WITHOUT ROWID",
			NULL, NULL, NULL));
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO grown VALUES (x'01', 3, 'a')", NULL, NULL, NULL));
	end_session(session, &old);
	before = old.len;
	must(sqlite3_exec(db, "DELETE FROM grown; ALTER TABLE grown ADD COLUMN more TEXT NOT NULL DEFAULT 'none'", NULL, NULL, NULL));
	cp_changeset_begin(&r, old.data, old.len, grown, 1);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
	assert_true(more);
	assert_int_equal(c.now[1].integer, 3);
	assert_int_equal(c.now[3].type, CP_ABSENT);
	must(sqlite3changeset_apply_v2(db, (int)old.len, old.data, NULL, stop_at_conflicts, NULL, NULL, NULL, 0));
	assert_int_equal(count_of(db, "SELECT count(*) FROM grown WHERE id = x'01' AND score = 3 AND more = 'none'"), 1);

	/* Old and new under headers that follow each other: SQLite would read the second by the first one's count. */
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO grown VALUES (x'02', 4, 'b', 'c')", NULL, NULL, NULL));
	end_session(session, &old);
	assert_int_equal(cp_changeset_check(old.data, before, grown, 1, NULL, NULL), CP_OK);
	assert_int_equal(cp_changeset_check(old.data + before, old.len - before, grown, 1, NULL, NULL), CP_OK);
	assert_int_equal(cp_changeset_check(old.data, old.len, grown, 1, NULL, NULL), CP_EFORMAT);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_session_extension_writes_is_read_as_sqlite_reads_it),
		cmocka_unit_test(a_blob_of_many_megabytes_is_read),
		cmocka_unit_test(a_change_under_its_header_is_a_changeset_of_its_own),
		cmocka_unit_test(the_key_is_found_in_an_insert_and_in_an_update),
		cmocka_unit_test(an_empty_changeset_has_no_change),
		cmocka_unit_test(an_insert_is_written_as_the_session_extension_writes_it),
		cmocka_unit_test(many_rows_of_many_tables_are_written_as_the_session_extension_does),
		cmocka_unit_test(a_row_that_the_reader_would_refuse_is_not_written),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(values_are_equal_in_type_and_bytes),
		cmocka_unit_test(well_formed_changes_are_accepted),
		cmocka_unit_test(malformed_changes_are_refused_with_the_reason),
		cmocka_unit_test(a_failed_reader_stays_and_fails_again),
		cmocka_unit_test(sizes_that_sqlite_cannot_take_are_refused),
		cmocka_unit_test(a_changeset_cut_anywhere_but_between_changes_is_refused),
		cmocka_unit_test(a_byte_behind_the_end_is_refused),
		cmocka_unit_test(a_flipped_bit_is_refused_or_read_as_sqlite_reads_it),
		cmocka_unit_test(the_example_on_the_page_is_what_sqlite_writes),
		cmocka_unit_test(rows_written_before_a_column_was_added_are_read),
	};

	fill_noise();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
