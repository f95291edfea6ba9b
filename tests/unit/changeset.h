/*
 * Changesets as SQLite's session extension records them, for the strict reader and the writer.
 */
#ifndef CASEPACK_TESTS_CHANGESET_H
#define CASEPACK_TESTS_CHANGESET_H

#include "tests/damage/judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "formats/file.h"

#define LIMIT ((size_t)256 << 20)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- tables -------------------------------------------------------------------------- */

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

static inline sqlite3 *new_database(void)
{
	sqlite3 *db;

	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, schema, NULL, NULL, NULL));
	return db;
}

static inline sqlite3_session *new_session(sqlite3 *db)
{
	sqlite3_session *session;

	must(sqlite3session_create(db, "main", &session));
	must(sqlite3session_attach(session, NULL));
	return session;
}

/* Appends what the session recorded to out (joining changesets by bytes) and ends it. */
static inline void end_session(sqlite3_session *session, struct cp_buf *out)
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

static inline uint64_t draw(void)
{
	uint64_t z = (chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline size_t below(size_t n)
{
	return (size_t)(draw() % n);
}

/* Bytes that random texts and blobs are slices of. */
static uint8_t noise[200000];
static char words[4000];

static inline void fill_noise(void)
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

static inline size_t random_len(size_t most)
{
	static const size_t edges[] = { 0, 1, 7, 127, 128, 129, 300, 3000, 16383, 16384, 16385, 70000 };
	size_t len = below(8) == 0 ? edges[below(COUNT(edges))] : below(20);

	return len < most ? len : most;
}

static inline struct cp_value random_text(void)
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

static inline struct cp_value random_value(char kind)
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

static inline void random_row(struct cp_value row[], size_t table)
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

static inline void bind_value(sqlite3_stmt *stmt, size_t place, const struct cp_value *v)
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

static inline sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;

	must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
	return stmt;
}

static inline void run(sqlite3_stmt *stmt)
{
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	must(sqlite3_finalize(stmt));
}

static inline void insert_row(sqlite3 *db, size_t table, const struct cp_value row[])
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

static inline size_t plain_column(size_t table)
{
	size_t i;

	do
		i = below(shapes[table].n_columns);
	while (shapes[table].key[i] != 0);
	return i;
}

/* Sets two columns, by chance the same one, of a row that is there. */
static inline void update_row(sqlite3 *db, size_t table)
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

/* ---- the judge ----------------------------------------------------------------------- */

static inline size_t read_beside_sqlite(const void *data, size_t len)
{
	return judge_changeset(data, len, shapes, TABLES);
}

static inline enum cp_code check(const void *data, size_t len, struct cp_err *err)
{
	return cp_changeset_check(data, len, shapes, TABLES, NULL, err);
}

/* ---- a sample ------------------------------------------------------------------------ */

/* Three tables, inserts and updates, three sittings joined. */
static const char *const sittings[] = {
	"INSERT INTO plain VALUES (x'0102', 7, 0.5, 'd\u00e9j\u00e0', NULL), (x'', -1, NULL, '', x'ff00');"
	"INSERT INTO pair VALUES (1, 'k', x'aa', 2.0, 3);",
	"UPDATE plain SET c2 = 8, c5 = 'note' WHERE c1 = x'0102'; UPDATE pair SET c4 = NULL;"
	"INSERT INTO loose VALUES (1, x'01', 'two', zeroblob(130));",
	"UPDATE pair SET c1 = 'x'; UPDATE plain SET c3 = 1.5, c4 = 'b';"
	"INSERT INTO pair VALUES (NULL, '', x'', '', 0);",
};

static inline void make_sample(struct cp_buf *out)
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
static inline uint8_t *exact_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	return copy;
}

#endif
