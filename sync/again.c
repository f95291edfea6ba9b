#include "sync/again.h"

#include "sync/apply.h"
#include "sync/change.h"
#include "sync/inner.h"

static enum cp_code schema_of(struct cp_store *s, const char *oid, int64_t *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);
	struct cp_change_commit c = { .edits = 0 };

	CP_TRY(cp_repo_read(s->history, oid, "commit", &bytes, err));
	CP_TRY(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	*out = c.schema;
	cp_change_commit_drop(&c);
	return CP_OK;
}

/* Does that change belong to an edit which counts, and did not grow from what was refused? */
static enum cp_code counts(struct cp_store *s, const struct cp_change *c, int64_t no, bool *out, struct cp_err *err)
{
	const struct cp_value *key = cp_change_key(c, CP_C_ID);
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM edits WHERE doc = ?1 AND tbl = ?2 AND rev = ?3 AND commit_no = ?4 AND fate <> ?5",
			"bivii", key->bytes, key->len, (int64_t)(c->table == CP_T_RATINGS ? CP_T_JUDGMENTS : c->table),
			&c->now[cp_table_rev(c->table)], no, (int64_t)CP_WAITING));
	*out = n != 0;
	return CP_OK;
}

/* Records copied as they are, each table's header before the first of its. */
struct copying { struct cp_buf changeset; const uint8_t *from; size_t header; int64_t edits; };

static enum cp_code copy_change(struct copying *k, const struct cp_change *c, struct cp_err *err)
{
	if (k->changeset.len == 0 || k->header != c->header)
		CP_TRY(cp_buf_add(&k->changeset, k->from + c->header, c->header_len, err));
	k->header = c->header;
	k->edits += c->table != CP_T_RATINGS;
	return cp_buf_add(&k->changeset, k->from + c->offset, c->len, err);
}

static enum cp_code copy_counting(struct cp_store *s, int64_t no, const struct cp_buf *whole, struct copying *k, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true, is_kept;

	k->from = (const uint8_t *)whole->data;
	cp_changeset_begin(&r, whole->data, whole->len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		CP_TRY(counts(s, &c, no, &is_kept, err));
		if (is_kept)
			CP_TRY(copy_change(k, &c, err));
	}
}

enum cp_code cp_seal_again(struct cp_store *s, int64_t no, const char *why, int64_t *again, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf oid = CP_BUF(64), whole = CP_BUF((size_t)1 << 31), words = CP_BUF(256);
	struct copying k = { .changeset = CP_BUF((size_t)1 << 31) };
	int64_t schema, seq;
	enum cp_code code;

	CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", no));
	CP_TRY(schema_of(s, oid.data, &schema, err));
	CP_TRY(cp_changeset_of(s, no, &whole, err));
	CP_TRY(cp_buf_printf(&words, err, "once more, as change commit %.12s %s", oid.data, why));
	code = copy_counting(s, no, &whole, &k, err);
	if (code == CP_OK && k.edits == 0) {
		cp_buf_drop(&k.changeset);
		return CP_OK;
	}
	if (code == CP_OK)
		code = cp_outbox_number(s, false, &seq, err);
	if (code == CP_OK)
		code = cp_run(s, err, "INSERT INTO outbox(seq, is_private, words, edits, at_us, changeset, schema) SELECT ?6, 0, ?5, ?4,"
				" claimed_us, ?2, ?3 FROM commits WHERE no = ?1", "ibiiti", no, k.changeset.data, k.changeset.len, schema, k.edits,
				words.data, seq);
	if (code == CP_OK)
		code = cp_apply_change(s, k.changeset.data, k.changeset.len, -seq, err);
	*again += k.edits;
	cp_buf_drop(&k.changeset);
	return code;
}

enum cp_code cp_again_begin(struct cp_store *s, int64_t *saved, struct cp_err *err)
{
	return cp_query_int(s, saved, 0, err, "SELECT max(seq) FROM outbox WHERE is_private = 0", "");
}

static enum cp_code renumber(struct cp_store *s, int64_t seq, struct cp_err *err)
{
	int64_t next;

	CP_TRY(cp_outbox_number(s, false, &next, err));
	CP_TRY(cp_run(s, err, "UPDATE outbox SET seq = ?2 WHERE seq = ?1", "ii", seq, next));
	CP_TRY(cp_run(s, err, "UPDATE edits SET commit_no = ?2 WHERE commit_no = ?1", "ii", -seq, -next));
	return cp_run(s, err, "UPDATE candidates SET commit_no = ?2 WHERE commit_no = ?1", "ii", -seq, -next);
}

enum cp_code cp_again_end(struct cp_store *s, int64_t saved, struct cp_err *err)
{
	int64_t last, seq = 0;

	CP_TRY(cp_again_begin(s, &last, err));
	while (last > saved) { /* nothing was added otherwise, and the numbers may stay */
		CP_TRY(cp_query_int(s, &seq, 0, err, "SELECT min(seq) FROM outbox WHERE is_private = 0 AND seq > ?1 AND seq <= ?2", "ii", seq,
				saved));
		if (seq == 0)
			return CP_OK;
		CP_TRY(renumber(s, seq, err));
	}
	return CP_OK;
}
