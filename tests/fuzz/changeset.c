/*
 * Any bytes: refused, or taken by SQLite without harm. What is accepted tiles the
 * input without a gap, comes back byte for byte where it can be written again, is
 * read by SQLite's own iterator to the same end, and applies with no change passed over.
 */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1

#include "formats/changeset.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TABLES 3
#define must(truth)              \
	do {                     \
		if (!(truth))    \
			abort(); \
	} while (0)

static const struct cp_shape shapes[TABLES] = {
	{ "t", 2, { 1 }, 0 },
	{ "plain", 5, { 1 }, 0 },
	{ "pair", 5, { 0, 3, 2, 0, 1 }, 0 },
};

static const char schema[] =
	"CREATE TABLE t (c1 NOT NULL PRIMARY KEY, c2) WITHOUT ROWID;"
	"CREATE TABLE plain (c1 BLOB NOT NULL PRIMARY KEY, c2 INTEGER, c3 REAL, c4 TEXT, c5 ANY)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE pair (c1 ANY, c2 TEXT, c3 BLOB, c4 ANY, c5 INTEGER, PRIMARY KEY (c5, c3, c2))"
	" STRICT, WITHOUT ROWID;"
	"INSERT INTO t VALUES (x'aa', NULL), (x'', 1);"
	"INSERT INTO plain VALUES (x'0102', 7, 0.5, 'd', NULL), (x'', -1, NULL, '', x'ff00');"
	"INSERT INTO pair VALUES (1, 'k', x'aa', 2.0, 3);";

static sqlite3 *database(void)
{
	static sqlite3 *db;

	if (db == NULL) {
		must(sqlite3_open(":memory:", &db) == SQLITE_OK);
		must(sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK);
	}
	return db;
}

/* The header, and an INSERT, written again are the bytes that were read. */
static void write_again(const struct cp_change *c, const uint8_t *data)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_CHANGESET_MAX);

	must(cp_changeset_add_table(&out, &shapes[c->table], NULL) == CP_OK);
	must(out.len == c->header_len && memcmp(out.data, data + c->header, out.len) == 0);
	if (c->op != CP_INSERT)
		return;
	cp_buf_clear(&out);
	must(cp_changeset_add_insert(&out, &shapes[c->table], c->now, NULL) == CP_OK);
	must(out.len == c->len && memcmp(out.data, data + c->offset, out.len) == 0);
}

/* Reads to the end; false where the bytes are refused. */
static bool read_all(size_t *out_changes, const uint8_t *data, size_t size)
{
	static struct cp_change c;
	struct cp_changeset r;
	struct cp_err err = { 0 };
	size_t end = 0;
	bool more;

	*out_changes = 0;
	cp_changeset_begin(&r, data, size, shapes, TABLES);
	for (;;) {
		if (cp_changeset_next(&r, &c, &more, &err) != CP_OK) {
			must(err.code == CP_EFORMAT && err.text[0] != '\0');
			return false;
		}
		if (!more)
			break;
		must(c.offset == end + (c.header == end ? c.header_len : 0));
		end = c.offset + c.len;
		write_again(&c, data);
		++*out_changes;
	}
	must(end == size);
	return true;
}

static void iterate(const uint8_t *data, size_t size, size_t changes)
{
	sqlite3_changeset_iter *it;

	must(sqlite3changeset_start(&it, (int)size, (void *)(uintptr_t)data) == SQLITE_OK);
	while (sqlite3changeset_next(it) == SQLITE_ROW)
		changes--;
	must(sqlite3changeset_finalize(it) == SQLITE_OK);
	must(changes == 0);
}

static int count_conflict(void *count, int what, sqlite3_changeset_iter *it)
{
	(void)it;
	must(what != SQLITE_CHANGESET_FOREIGN_KEY);
	++*(size_t *)count;
	return SQLITE_CHANGESET_OMIT;
}

static void apply(const uint8_t *data, size_t size, size_t changes)
{
	sqlite3 *db = database();
	size_t conflicts = 0;
	int before = sqlite3_total_changes(db);

	must(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
	must(sqlite3changeset_apply_v2(db, (int)size, (void *)(uintptr_t)data, NULL, count_conflict, &conflicts, NULL,
			NULL, 0) == SQLITE_OK);
	must((size_t)(sqlite3_total_changes(db) - before) + conflicts == changes);
	must(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t changes, checked;
	bool is_accepted = read_all(&changes, data, size);

	must(is_accepted == (cp_changeset_check(data, size, shapes, TABLES, &checked, NULL) == CP_OK));
	if (!is_accepted)
		return 0;
	must(checked == changes);
	iterate(data, size, changes);
	apply(data, size, changes);
	return 0;
}
