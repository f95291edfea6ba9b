#include "sync/inner.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sync/content.h"

enum cp_code cp_fail_sqlite(struct cp_err *err, sqlite3 *db, const char *fmt, ...)
{
	char what[512];
	int rc = sqlite3_errcode(db);
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return cp_fail(err, CP_EBUSY, "%s: another program is at work in this workspace; try again", what);
	if ((rc & 0xff) == SQLITE_IOERR) /* SQLite does not keep errno of all of them */
		return cp_fail(err, CP_EIO, "%s: %s; is the disk full, or gone?", what, sqlite3_errmsg(db));
	return cp_fail(err, rc == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT ? CP_EFORMAT : CP_EIO, "%s: %s", what, sqlite3_errmsg(db));
}

/* The statement of that literal, prepared once. */
static enum cp_code prepared(struct cp_store *s, sqlite3_stmt **out, const char *sql, struct cp_err *err)
{
	size_t at = ((uintptr_t)sql >> 3) % CP_STATEMENTS;

	for (size_t i = 0; i < CP_STATEMENTS; i++, at = (at + 1) % CP_STATEMENTS) {
		if (s->cached[at].sql == sql) {
			*out = s->cached[at].q;
			sqlite3_reset(*out);
			return CP_OK;
		}
		if (s->cached[at].sql != NULL)
			continue;
		if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
			return cp_fail_sqlite(err, s->db, "%s", sql);
		s->cached[at].sql = sql;
		s->cached[at].q = *out;
		return CP_OK;
	}
	assert(0 && "CP_STATEMENTS is too small");
	return CP_EIO;
}

static int bind_value(sqlite3_stmt *q, int at, const struct cp_value *v)
{
	switch (v->type) {
	case CP_INT:  return sqlite3_bind_int64(q, at, v->integer);
	case CP_REAL: return sqlite3_bind_double(q, at, v->real);
	case CP_TEXT: return sqlite3_bind_text64(q, at, v->len ? (const char *)v->bytes : "", v->len,
			SQLITE_STATIC, SQLITE_UTF8);
	case CP_BLOB: return v->len ? sqlite3_bind_blob64(q, at, v->bytes, v->len, SQLITE_STATIC)
			: sqlite3_bind_zeroblob(q, at, 0);
	default:      return sqlite3_bind_null(q, at);
	}
}

static enum cp_code bind_all(struct cp_store *s, sqlite3_stmt *q, const char *binds, va_list args, struct cp_err *err)
{
	int rc = SQLITE_OK;

	for (int at = 1; *binds && rc == SQLITE_OK; binds++, at++) {
		const void *p;
		size_t n;

		switch (*binds) {
		case 'd': rc = sqlite3_bind_blob(q, at, va_arg(args, const void *), 16, SQLITE_STATIC); break;
		case 'r': rc = sqlite3_bind_blob(q, at, va_arg(args, const void *), 8, SQLITE_STATIC); break;
		case 'h': rc = sqlite3_bind_blob(q, at, va_arg(args, const void *), 32, SQLITE_STATIC); break;
		case 't': rc = sqlite3_bind_text(q, at, va_arg(args, const char *), -1, SQLITE_STATIC); break;
		case 'i': rc = sqlite3_bind_int64(q, at, va_arg(args, int64_t)); break;
		case 'v': rc = bind_value(q, at, va_arg(args, const struct cp_value *)); break;
		case 'b':
			p = va_arg(args, const void *);
			n = va_arg(args, size_t);
			rc = n ? sqlite3_bind_blob64(q, at, p, n, SQLITE_STATIC) : sqlite3_bind_zeroblob(q, at, 0);
			break;
		case 's':
			p = va_arg(args, const void *);
			n = va_arg(args, size_t);
			rc = sqlite3_bind_text64(q, at, n ? p : "", n, SQLITE_STATIC, SQLITE_UTF8);
			break;
		default: assert(0 && "unknown bind letter");
		}
	}
	return rc == SQLITE_OK ? CP_OK : cp_fail_sqlite(err, s->db, "binding a value");
}

static enum cp_code query_va(struct cp_store *s, sqlite3_stmt **out, struct cp_err *err, const char *sql,
		const char *binds, va_list args)
{
	CP_TRY(prepared(s, out, sql, err));
	return bind_all(s, *out, binds, args, err);
}

enum cp_code cp_query(struct cp_store *s, sqlite3_stmt **out, struct cp_err *err, const char *sql,
		const char *binds, ...)
{
	enum cp_code code;
	va_list args;

	va_start(args, binds);
	code = query_va(s, out, err, sql, binds, args);
	va_end(args);
	return code;
}

enum cp_code cp_step(struct cp_store *s, sqlite3_stmt *q, bool *row, struct cp_err *err)
{
	int rc = sqlite3_step(q);

	*row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		return CP_OK;
	if (rc != SQLITE_DONE) {
		enum cp_code code = cp_fail_sqlite(err, s->db, "%s", s->path);

		sqlite3_reset(q);
		return code;
	}
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_run(struct cp_store *s, struct cp_err *err, const char *sql, const char *binds, ...)
{
	sqlite3_stmt *q;
	bool row = true;
	enum cp_code code;
	va_list args;

	va_start(args, binds);
	code = query_va(s, &q, err, sql, binds, args);
	va_end(args);
	while (code == CP_OK && row)
		code = cp_step(s, q, &row, err);
	return code;
}

enum cp_code cp_query_int(struct cp_store *s, int64_t *out, int64_t otherwise, struct cp_err *err,
		const char *sql, const char *binds, ...)
{
	sqlite3_stmt *q;
	bool row = false;
	enum cp_code code;
	va_list args;

	va_start(args, binds);
	code = query_va(s, &q, err, sql, binds, args);
	va_end(args);
	if (code == CP_OK)
		code = cp_step(s, q, &row, err);
	if (code == CP_OK) {
		*out = row ? sqlite3_column_int64(q, 0) : otherwise;
		sqlite3_reset(q);
	}
	return code;
}

enum cp_code cp_query_text(struct cp_store *s, struct cp_buf *out, bool *found, struct cp_err *err,
		const char *sql, const char *binds, ...)
{
	sqlite3_stmt *q;
	bool row = false;
	enum cp_code code;
	va_list args;

	va_start(args, binds);
	code = query_va(s, &q, err, sql, binds, args);
	va_end(args);
	if (code == CP_OK)
		code = cp_step(s, q, &row, err);
	if (code == CP_OK && row) {
		code = cp_buf_add(out, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), err);
		sqlite3_reset(q);
	}
	if (found != NULL)
		*found = row;
	return code;
}

enum cp_code cp_query_id(struct cp_store *s, struct cp_id *out, struct cp_err *err, const char *sql,
		const char *binds, ...)
{
	sqlite3_stmt *q;
	bool row = false;
	enum cp_code code;
	va_list args;

	memset(out, 0, sizeof *out);
	va_start(args, binds);
	code = query_va(s, &q, err, sql, binds, args);
	va_end(args);
	if (code == CP_OK)
		code = cp_step(s, q, &row, err);
	if (code == CP_OK && row) {
		cp_col_id(q, 0, out);
		sqlite3_reset(q);
	}
	return code;
}

static void col_fixed(sqlite3_stmt *q, int column, void *out, size_t len)
{
	memset(out, 0, len);
	if ((size_t)sqlite3_column_bytes(q, column) == len)
		memcpy(out, sqlite3_column_blob(q, column), len);
}

void cp_col_id(sqlite3_stmt *q, int column, struct cp_id *out)
{
	col_fixed(q, column, out->bytes, sizeof out->bytes);
}

void cp_col_hash(sqlite3_stmt *q, int column, struct cp_hash *out)
{
	col_fixed(q, column, out->bytes, sizeof out->bytes);
}

const char *cp_col_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text ? text : "";
}

void cp_col_value(sqlite3_stmt *q, int column, struct cp_value *out)
{
	memset(out, 0, sizeof *out);
	switch (sqlite3_column_type(q, column)) {
	case SQLITE_INTEGER: out->type = CP_INT; out->integer = sqlite3_column_int64(q, column); return;
	case SQLITE_FLOAT:   out->type = CP_REAL; out->real = sqlite3_column_double(q, column); return;
	case SQLITE_NULL:    out->type = CP_NULL; return;
	case SQLITE_TEXT:    out->type = CP_TEXT; out->bytes = sqlite3_column_text(q, column); break;
	default:             out->type = CP_BLOB; out->bytes = sqlite3_column_blob(q, column); break;
	}
	out->len = (size_t)sqlite3_column_bytes(q, column);
}

/* ---- meta, transactions, clock ---------------------------------------------------- */

enum cp_code cp_meta_get(struct cp_store *s, const char *key, struct cp_buf *out, struct cp_err *err)
{
	return cp_query_text(s, out, NULL, err, "SELECT value FROM meta WHERE key = ?1", "t", key);
}

enum cp_code cp_meta_int(struct cp_store *s, const char *key, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, "SELECT value FROM meta WHERE key = ?1", "t", key);
}

enum cp_code cp_meta_set(struct cp_store *s, const char *key, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_run(s, err, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)", "tb", key, bytes, len);
}

enum cp_code cp_meta_set_int(struct cp_store *s, const char *key, int64_t value, struct cp_err *err)
{
	return cp_run(s, err, "INSERT OR REPLACE INTO meta(value, key) VALUES(?1, ?2)", "it", value, key);
}

enum cp_code cp_txn_begin(struct cp_store *s, struct cp_err *err)
{
	return cp_run(s, err, "BEGIN IMMEDIATE", "");
}

enum cp_code cp_txn_commit(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(cp_content_commit(s, err)); /* first what rows name, then the rows */
	return cp_run(s, err, "COMMIT", "");
}

void cp_txn_rollback(struct cp_store *s)
{
	cp_content_rollback(s);
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int64_t cp_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

enum cp_code cp_clock_tick(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	int64_t last, now = cp_now_us();

	CP_TRY(cp_meta_int(s, "clock", &last, err));
	*out = now > last ? now : last + 1;
	return cp_meta_set_int(s, "clock", *out, err);
}

/* ---- rows by description ------------------------------------------------------------ */

/* One literal for each table, so that each is its own statement in the cache. */
/* The statement that reads a row by its id, made once from the table's description. */
static const char *get_sql(size_t table)
{
	static char made[CP_T_COUNT][64];

	if (*made[table] == '\0')
		snprintf(made[table], sizeof made[table], "SELECT * FROM %s WHERE id = ?1", cp_shapes[table].name);
	return made[table];
}

/* Copies the row's texts and blobs, each behind a zero byte, so that no statement stays open: one that does
 * keeps SQLite from ever starting its write-ahead log again. */
static enum cp_code hold_row(struct cp_buf *held, struct cp_value *row, size_t n, struct cp_err *err)
{
	size_t at = 1;

	cp_buf_clear(held);
	CP_TRY(cp_buf_add(held, "", 1, err));
	for (size_t c = 0; c < n; c++)
		if (row[c].type == CP_TEXT || row[c].type == CP_BLOB) {
			CP_TRY(cp_buf_add(held, row[c].bytes, row[c].len, err));
			CP_TRY(cp_buf_add(held, "", 1, err));
		}
	for (size_t c = 0; c < n; c++)
		if (row[c].type == CP_TEXT || row[c].type == CP_BLOB) {
			row[c].bytes = (const uint8_t *)held->data + at;
			at += row[c].len + 1;
		}
	return CP_OK;
}

enum cp_code cp_row_get(struct cp_store *s, size_t table, const struct cp_id *id, struct cp_value *out,
		bool *found, struct cp_err *err)
{
	size_t n = cp_shapes[table].n_columns;
	sqlite3_stmt *q;
	enum cp_code code;

	assert(table < CP_T_COUNT && table != CP_T_RATINGS);
	CP_TRY(cp_query(s, &q, err, get_sql(table), "d", id));
	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	for (size_t c = 0; c < n; c++)
		cp_col_value(q, (int)c, &out[c]);
	code = hold_row(&s->held[table], out, n, err);
	sqlite3_reset(q);
	return code;
}

/* The statement that writes a whole row, made once from the table's description. */
static const char *put_sql(size_t table)
{
	static char made[CP_T_COUNT][160];
	char *sql = made[table];

	if (*sql == '\0') {
		int n = snprintf(sql, sizeof made[0], "INSERT OR REPLACE INTO %s VALUES(?", cp_shapes[table].name);

		for (size_t c = 1; c < cp_shapes[table].n_columns; c++)
			n += snprintf(sql + n, sizeof made[0] - (size_t)n, ",?");
		snprintf(sql + n, sizeof made[0] - (size_t)n, ")");
	}
	return sql;
}

enum cp_code cp_run_row(struct cp_store *s, size_t table, const char *sql, const struct cp_value *row,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool more;

	CP_TRY(prepared(s, &q, sql, err));
	for (size_t c = 0; c < cp_shapes[table].n_columns; c++)
		if (bind_value(q, (int)c + 1, &row[c]) != SQLITE_OK)
			return cp_fail_sqlite(err, s->db, "binding a row of %s", cp_shapes[table].name);
	return cp_step(s, q, &more, err);
}

enum cp_code cp_row_put(struct cp_store *s, size_t table, const struct cp_value *row, struct cp_err *err)
{
	return cp_run_row(s, table, put_sql(table), row, err);
}
