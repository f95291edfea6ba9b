#include "sync/content.h"

#include <string.h>

#include "formats/zframe.h"
#include "sync/inner.h"

enum cp_code cp_content_has(struct cp_store *s, const struct cp_hash *hash, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM content.contents WHERE hash = ?1", "h", hash));
	*out = n == 1;
	return CP_OK;
}

enum cp_code cp_content_put(struct cp_store *s, const void *doc, size_t len, struct cp_hash *out, bool *out_is_new,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf frame = CP_BUF(CP_TEXT_MAX);
	bool has;

	cp_hash_bytes(out, doc, len);
	CP_TRY(cp_content_has(s, out, &has, err));
	if (out_is_new != NULL)
		*out_is_new = !has;
	if (has)
		return CP_OK;
	CP_TRY(cp_zframe_pack(&frame, doc, len, err));
	return cp_run(s, err, "INSERT INTO content.contents(hash, size, frame) VALUES(?1, ?2, ?3)", "hib", out,
			(int64_t)len, frame.data, frame.len);
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
	CP_TRY(cp_query(s, &q, err, "SELECT size, frame FROM content.contents WHERE hash = ?1", "h", hash));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "content %.12s is not here; the bundle that brings it has not come", hex);
	code = cp_zframe_unpack(out, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1),
			(size_t)sqlite3_column_int64(q, 0), err);
	sqlite3_reset(q);
	CP_TRY(code);
	cp_hash_bytes(&found, out->data + start, out->len - start);
	return memcmp(&found, hash, sizeof found) == 0 ? CP_OK
		: cp_fail(err, CP_EFORMAT, "content %.12s is damaged in %s/content.db", hex, s->path);
}
