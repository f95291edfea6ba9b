#include "sync/content.h"

#include <jansson.h>
#include <string.h>

#include "formats/file.h"
#include "formats/zframe.h"
#include "sync/inner.h"

/*
 * A connection of its own: SQLite commits attached WAL databases one after the
 * other, and a row must never be on the disk before the document that it names.
 * A document that no row names does no harm, the other way round a case is lost.
 */
static const char schema[] =
	"PRAGMA page_size = 16384; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -4096;"
	" CREATE TABLE IF NOT EXISTS contents ("
	" hash BLOB PRIMARY KEY CHECK (length(hash) = 32), size INTEGER NOT NULL, frame BLOB NOT NULL) STRICT";

static const char *const sql[CP_CONTENT_STATEMENTS] = {
	"SELECT size, frame FROM contents WHERE hash = ?1",
	"SELECT length(frame) FROM contents WHERE hash = ?1",
	"INSERT INTO contents(hash, size, frame) VALUES(?1, ?2, ?3)",
	"SELECT hash, size, frame FROM contents",
	"DELETE FROM contents WHERE hash = ?1",
};
enum { GET, SIZE, PUT, EACH, DELETE };

static enum cp_code fail(struct cp_store *s, struct cp_err *err)
{
	return cp_fail_sqlite(err, s->contents, "%s/content.db", s->path);
}

enum cp_code cp_content_open(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, "content.db");

	if (sqlite3_open_v2(path, &s->contents, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail(s, err);
	sqlite3_busy_timeout(s->contents, 2000);
	if (sqlite3_exec(s->contents, schema, NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, err);
	for (int i = 0; i < CP_CONTENT_STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->contents, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->content_sql[i], NULL) != SQLITE_OK)
			return fail(s, err);
	return CP_OK;
}

void cp_content_close(struct cp_store *s)
{
	for (int i = 0; i < CP_CONTENT_STATEMENTS; i++)
		sqlite3_finalize(s->content_sql[i]);
	sqlite3_close(s->contents);
}

enum cp_code cp_content_begin_reading(struct cp_store *s, struct cp_err *err)
{
	return sqlite3_exec(s->contents, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? CP_OK : fail(s, err);
}

enum cp_code cp_content_commit(struct cp_store *s, struct cp_err *err)
{
	if (s->contents == NULL || sqlite3_get_autocommit(s->contents))
		return CP_OK;
	return sqlite3_exec(s->contents, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? CP_OK : fail(s, err);
}

void cp_content_rollback(struct cp_store *s)
{
	if (s->contents != NULL && !sqlite3_get_autocommit(s->contents))
		sqlite3_exec(s->contents, "ROLLBACK", NULL, NULL, NULL);
}

/* The statement with its hash bound, stepped once: a row is there or not. The caller resets it. */
static enum cp_code look(struct cp_store *s, int which, const struct cp_hash *hash, sqlite3_stmt **out, bool *row,
		struct cp_err *err)
{
	int rc;

	*out = s->content_sql[which];
	sqlite3_reset(*out);
	sqlite3_bind_blob(*out, 1, hash->bytes, sizeof hash->bytes, SQLITE_STATIC);
	rc = sqlite3_step(*out);
	*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? CP_OK : fail(s, err);
}

enum cp_code cp_content_size(struct cp_store *s, const struct cp_hash *hash, int64_t *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	enum cp_code code = look(s, SIZE, hash, &q, &row, err);

	*out = code == CP_OK && row ? sqlite3_column_int64(q, 0) : -1;
	sqlite3_reset(q);
	return code;
}

enum cp_code cp_content_has(struct cp_store *s, const struct cp_hash *hash, bool *out, struct cp_err *err)
{
	int64_t size;

	CP_TRY(cp_content_size(s, hash, &size, err));
	*out = size >= 0;
	return CP_OK;
}

static enum cp_code begin_writing(struct cp_store *s, struct cp_err *err)
{
	return !sqlite3_get_autocommit(s->contents) || sqlite3_exec(s->contents, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
		? CP_OK : fail(s, err);
}

enum cp_code cp_content_put(struct cp_store *s, const void *doc, size_t len, struct cp_hash *out, bool *out_is_new,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf frame = CP_BUF(CP_TEXT_MAX);
	sqlite3_stmt *q = s->content_sql[PUT];
	bool has;
	int rc;

	cp_hash_bytes(out, doc, len);
	CP_TRY(cp_content_has(s, out, &has, err));
	if (out_is_new != NULL)
		*out_is_new = !has;
	if (has)
		return CP_OK;
	CP_TRY(begin_writing(s, err));
	CP_TRY(cp_zframe_pack(&frame, doc, len, err));
	sqlite3_bind_blob(q, 1, out->bytes, sizeof out->bytes, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, (int64_t)len);
	sqlite3_bind_blob64(q, 3, frame.data, frame.len, SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return rc == SQLITE_DONE ? CP_OK : fail(s, err);
}

static bool is_canonical(const void *doc, size_t len)
{
	json_t *o = json_loadb(doc, len, JSON_REJECT_DUPLICATES, NULL);
	char *text = json_is_object(o) ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	bool is_same = text != NULL && strlen(text) == len && memcmp(text, doc, len) == 0;

	free(text);
	json_decref(o);
	return is_same;
}

enum cp_code cp_content_take(struct cp_store *s, const void *doc, size_t len, struct cp_hash *out, bool *out_is_new,
		struct cp_err *err)
{
	if (!is_canonical(doc, len))
		return cp_fail(err, CP_EFORMAT, "holds a content that is no canonical JSON object");
	return cp_content_put(s, doc, len, out, out_is_new, err);
}

enum cp_code cp_content_get(struct cp_store *s, const struct cp_hash *hash, struct cp_buf *out, struct cp_err *err)
{
	struct cp_hash found;
	size_t start = out->len;
	sqlite3_stmt *q;
	bool row;
	char hex[CP_HASH_HEX];
	enum cp_code code;

	cp_hex(hex, hash->bytes, sizeof hash->bytes);
	code = look(s, GET, hash, &q, &row, err);
	if (code == CP_OK && !row)
		code = cp_fail(err, CP_ENOTFOUND, "content %.12s is not here; the bundle that brings it has not come", hex);
	if (code == CP_OK)
		code = cp_zframe_unpack(out, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1),
				(size_t)sqlite3_column_int64(q, 0), err);
	sqlite3_reset(q);
	CP_TRY(code);
	cp_hash_bytes(&found, out->data + start, out->len - start);
	return memcmp(&found, hash, sizeof found) == 0 ? CP_OK
		: cp_fail(err, CP_EFORMAT, "content %.12s is damaged in %s/content.db", hex, s->path);
}

/* ---- erasing ------------------------------------------------------------------------------ */

enum cp_code cp_content_each(struct cp_store *s, cp_content_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	sqlite3_stmt *q = s->content_sql[EACH];
	enum cp_code code = CP_OK;
	int rc;

	sqlite3_reset(q);
	while (code == CP_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct cp_hash hash;
		bool is_whole;

		cp_col_hash(q, 0, &hash);
		cp_buf_clear(&doc);
		is_whole = cp_zframe_unpack(&doc, sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2),
				(size_t)sqlite3_column_int64(q, 1), NULL) == CP_OK;
		code = visit(user, &hash, is_whole ? doc.data : "", is_whole ? doc.len : 0, err);
	}
	if (code == CP_OK && rc != SQLITE_DONE)
		code = fail(s, err);
	sqlite3_reset(q);
	return code;
}

enum cp_code cp_content_delete(struct cp_store *s, const struct cp_hash *hash, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	enum cp_code code;

	CP_TRY(begin_writing(s, err));
	code = look(s, DELETE, hash, &q, &row, err);
	sqlite3_reset(q);
	return code;
}
