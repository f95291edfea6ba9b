/* Row by row: the database in use and what history makes. Both are read once, in the order of their keys. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/verify_inner.h"

/*
 * What is derived beside the synced tables, in words that do not hang on the order of arrival: numbers of change commits
 * are each database's own. %1$s is the database.
 */
#define OF_COMMIT(no) "coalesce((SELECT oid FROM %1$s.commits WHERE no = " no "), " no ")"
#define PUBLIC "tbl < 17"
static_assert(CP_T_PUBLIC == 17, "PUBLIC says it in SQL");
/* Where several hubs took it in, each database has the time of the one that it heard first. */
#define RECEIVED " CASE WHEN (SELECT count(*) FROM %1$s.verdicts v WHERE v.oid = commits.oid) < 2 THEN received_us / 1000000" \
		" ELSE received_us / 1000000 IN (SELECT v.received_us / 1000000 FROM %1$s.verdicts v WHERE v.oid = commits.oid) END"

static const struct derived { const char *name; int keys; const char *const columns[13]; const char *sql; } derived[] = {
	{ "verdicts", 2, { "commit", "hub", "verdict", "far", "received", "reason" },
		"SELECT oid, hub, verdict, is_far, received_us / 1000000, reason FROM %1$s.verdicts ORDER BY oid, hub" },
	{ "commits", 1, { "commit", "private", "branch", "parent", "device", "verdict", "received", "claimed", "far", "edits" },
		"SELECT oid, is_private, CASE verdict WHEN 'accepted' THEN branch END,"
		" CASE verdict WHEN 'accepted' THEN parent END, replica, verdict," RECEIVED ", CASE verdict WHEN 'accepted' THEN claimed_us END,"
		" is_far, edits"
		" FROM %1$s.commits ORDER BY oid" },
	{ "edits", 4, { "document", "table", "rev", "commit", "written" }, "SELECT doc, tbl, rev, " OF_COMMIT("commit_no") " AS c,"
		" (SELECT rows FROM %1$s.written WHERE no = edits.written)"
		" FROM %1$s.edits ORDER BY doc, tbl, rev, c" },
	/* Which of several equal ones counts as the first, each database decides for itself. Private change commits have no main that
	 * says in which order they came, and an edit that arrives before its parents goes through its tree. */
	{ "edits", 4, { "document", "table", "rev", "fate" }, "SELECT doc, tbl, rev, fate FROM %1$s.edits WHERE " PUBLIC
		" ORDER BY doc, tbl, rev, fate" },
	{ "commit_objects", 1, { "commit", "bytes" },
		"SELECT oid, bytes FROM %1$s.commit_objects JOIN %1$s.commits USING (no) ORDER BY oid" },
	{ "tricky", 2, { "document", "table" }, "SELECT doc, tbl FROM %1$s.tricky WHERE " PUBLIC " ORDER BY doc, tbl" },
	{ "conflicts", 4, { "document", "table", "column", "class", "open", "policy", "stands", "base" },
		"SELECT doc, tbl, col, class, is_open, policy, stands, base FROM %1$s.conflicts ORDER BY doc, tbl, col, class" },
	{ "candidates", 5, { "document", "table", "column", "rev", "commit", "clock", "value" },
		"SELECT doc, tbl, col, rev, " OF_COMMIT("commit_no") " AS c, clock, value FROM %1$s.candidates ORDER BY doc, tbl, col, rev, c" },
};

#define FIRST_OF_ALL 1 /* a device notes verdicts of its own, which are in no history */

struct side { sqlite3_stmt *q; bool has; };

struct comparing {
	struct cp_verify *v;
	const char *table;
	const char *const *columns; /* names; NULL: behind the last */
	int n, keys;
	struct side old, again;
};

static void cp_comparing_drop(struct comparing *k)
{
	sqlite3_finalize(k->old.q);
	sqlite3_finalize(k->again.q);
}

static enum cp_code step(struct comparing *k, struct side *side, struct cp_err *err)
{
	int rc = sqlite3_step(side->q);

	side->has = rc == SQLITE_ROW;
	return side->has || rc == SQLITE_DONE ? CP_OK : cp_fail_sqlite(err, k->v->again->db, "%s/casepack.db: %s", k->v->path, k->table);
}

static int rank_of(int type)
{
	return type == SQLITE_NULL ? 0 : type == SQLITE_TEXT ? 2 : type == SQLITE_BLOB ? 3 : 1;
}

/* In the order of SQLite. */
static int by_value(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	int ta = sqlite3_column_type(a, column), tb = sqlite3_column_type(b, column), na, nb, order;

	if (rank_of(ta) != rank_of(tb))
		return rank_of(ta) - rank_of(tb);
	if (ta == SQLITE_INTEGER && tb == SQLITE_INTEGER) {
		int64_t x = sqlite3_column_int64(a, column), y = sqlite3_column_int64(b, column);

		return (x > y) - (x < y);
	}
	if (rank_of(ta) == 1) {
		double x = sqlite3_column_double(a, column), y = sqlite3_column_double(b, column);

		return x != y ? (x > y) - (x < y) : ta - tb;
	}
	na = sqlite3_column_bytes(a, column);
	nb = sqlite3_column_bytes(b, column);
	order = na == 0 || nb == 0 ? 0 : memcmp(sqlite3_column_blob(a, column), sqlite3_column_blob(b, column), (size_t)(na < nb ? na : nb));
	return order != 0 ? order : na - nb;
}

static int by_key(const struct comparing *k)
{
	int order = 0;

	for (int c = 0; order == 0 && c < k->keys; c++)
		order = by_value(k->old.q, k->again.q, c);
	return order;
}

/* ---- in words ------------------------------------------------------------------------------------------- */

static void show_cell(sqlite3_stmt *q, int column, char *out, size_t size)
{
	char quoted[CP_QUOTE], hex[2 * 24 + 1];
	int n = sqlite3_column_bytes(q, column);

	switch (sqlite3_column_type(q, column)) {
	case SQLITE_NULL:
		snprintf(out, size, "nothing");
		return;
	case SQLITE_BLOB:
		cp_hex(hex, sqlite3_column_blob(q, column), (size_t)(n < 24 ? n : 24));
		snprintf(out, size, "%s%s", n == 0 ? "empty" : hex, n > 24 ? "..." : "");
		return;
	case SQLITE_TEXT:
		cp_text_quote(quoted, (const char *)sqlite3_column_text(q, column), (size_t)n);
		snprintf(out, size, "%s", quoted);
		return;
	default:
		snprintf(out, size, "%s", (const char *)sqlite3_column_text(q, column));
	}
}

static void name_row(const struct comparing *k, sqlite3_stmt *q, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "casepack.db: %s", k->table);

	for (int c = 0; c < k->keys && n < size; c++) {
		char cell[CP_QUOTE + 64];

		show_cell(q, c, cell, sizeof cell);
		n += (size_t)snprintf(out + n, size - n, " %s", cell);
	}
}

/* Rows of one key: the first column in which they differ. */
static void compare_row(const struct comparing *k)
{
	char where[1024], is[CP_QUOTE + 64], was[CP_QUOTE + 64];
	int c = k->keys;

	while (c < k->n && by_value(k->old.q, k->again.q, c) == 0)
		c++;
	if (c == k->n)
		return;
	name_row(k, k->old.q, where, sizeof where);
	show_cell(k->old.q, c, is, sizeof is);
	show_cell(k->again.q, c, was, sizeof was);
	cp_found(k->v, where, CP_NOW_REBUILD, "%s is %s, and history says %s", k->columns[c], is, was);
}

/* ---- one table -------------------------------------------------------------------------------------------- */

static enum cp_code next_row(struct comparing *k, struct cp_err *err)
{
	int order = !k->old.has ? 1 : !k->again.has ? -1 : by_key(k);
	char where[1024];

	if (order < 0) {
		name_row(k, k->old.q, where, sizeof where);
		cp_found(k->v, where, CP_NOW_REBUILD, "is in no history");
		return step(k, &k->old, err);
	}
	if (order > 0) {
		name_row(k, k->again.q, where, sizeof where);
		cp_found(k->v, where, CP_NOW_REBUILD, "is missing, and history has it");
		return step(k, &k->again, err);
	}
	compare_row(k);
	k->v->out->rows++;
	CP_TRY(step(k, &k->old, err));
	return step(k, &k->again, err);
}

static enum cp_code prepare(struct comparing *k, struct side *side, const char *sql, const char *database, struct cp_err *err)
{
	char text[1024];

	snprintf(text, sizeof text, sql, database);
	if (sqlite3_prepare_v2(k->v->again->db, text, -1, &side->q, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, k->v->again->db, "%s/casepack.db: %s", k->v->path, k->table);
	return step(k, side, err);
}

static enum cp_code compare(struct comparing *k, const char *sql, struct cp_err *err)
{
	CP_TRY(prepare(k, &k->old, sql, "old", err));
	CP_TRY(prepare(k, &k->again, sql, "main", err));
	k->n = sqlite3_column_count(k->old.q);
	while (k->old.has || k->again.has)
		CP_TRY(next_row(k, err));
	return CP_OK;
}

static enum cp_code compare_synced(struct cp_verify *v, size_t t, struct cp_err *err)
{
	CP_AUTO(comparing) struct comparing k = { .v = v, .table = cp_shapes[t].name, .columns = cp_columns[t],
		.keys = t == CP_T_RATINGS ? 3 : 1 };
	int64_t before = v->out->rows;
	char sql[128];

	snprintf(sql, sizeof sql, "SELECT * FROM %%s.%s ORDER BY 1%s", k.table, t == CP_T_RATINGS ? ", 2, 3" : "");
	CP_TRY(compare(&k, sql, err));
	if (t == CP_T_RATINGS)
		v->out->ratings = v->out->rows - before;
	return CP_OK;
}

enum cp_code cp_verify_rows(struct cp_verify *v, struct cp_err *err)
{
	for (size_t t = 0; t < CP_T_COUNT; t++)
		CP_TRY(compare_synced(v, t, err));
	for (size_t i = v->again->me.is_hub ? 0 : FIRST_OF_ALL; i < sizeof derived / sizeof *derived; i++) {
		CP_AUTO(comparing) struct comparing k = { .v = v, .table = derived[i].name, .columns = derived[i].columns,
			.keys = derived[i].keys };

		CP_TRY(compare(&k, derived[i].sql, err));
	}
	return CP_OK;
}
