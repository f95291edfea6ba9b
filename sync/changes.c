#include "sync/changes.h"

#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/inner.h"

/* ---- cutting ----------------------------------------------------------------------------------- */

/* One change: where its record stands, and the table header that it needs in front. */
struct slice { struct cp_id doc; size_t table, offset, len, header, header_len; };
struct slices { struct slice *list; size_t n, room; };
struct cp_cut { struct cp_id doc; size_t table; int64_t no; };

static void slices_drop(struct slices *s)
{
	free(s->list);
}
#define cp_slices_drop slices_drop

void cp_cuts_drop(struct cp_cuts *c)
{
	free(c->list);
	*c = (struct cp_cuts){ NULL, 0 };
}

static size_t document_table(size_t table)
{
	return table == CP_T_RATINGS ? CP_T_JUDGMENTS : table;
}

static enum cp_code slice_add(struct slices *s, const struct cp_change *c, struct cp_err *err)
{
	struct slice *list = s->list;

	if (s->n == s->room) {
		s->room = s->room * 2 + 16;
		list = reallocarray(s->list, s->room, sizeof *list);
		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		s->list = list;
	}
	list[s->n] = (struct slice){ .table = document_table(c->table), .offset = c->offset, .len = c->len, .header = c->header,
		.header_len = c->header_len };
	memcpy(&list[s->n++].doc, cp_change_key(c, 0)->bytes, sizeof list->doc);
	return CP_OK;
}

static int by_key(const struct cp_id *a, size_t a_table, const struct cp_id *b, size_t b_table)
{
	return a_table != b_table ? (a_table > b_table) - (a_table < b_table) : memcmp(a, b, sizeof *a);
}

/* By document, then as written. */
static int by_document(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	int order = by_key(&x->doc, x->table, &y->doc, y->table);

	return order ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static enum cp_code slices_of(struct slices *out, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			break;
		CP_TRY(slice_add(out, &c, err));
	}
	if (out->n > 0)
		qsort(out->list, out->n, sizeof *out->list, by_document);
	return CP_OK;
}

/* The slices of one document as a changeset of their own. */
static enum cp_code join(struct cp_buf *out, const uint8_t *changeset, const struct slice *list, size_t n, struct cp_err *err)
{
	cp_buf_clear(out);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || list[i].header_len != list[i - 1].header_len ||
				memcmp(changeset + list[i].header, changeset + list[i - 1].header, list[i].header_len) != 0)
			CP_TRY(cp_buf_add(out, changeset + list[i].header, list[i].header_len, err));
		CP_TRY(cp_buf_add(out, changeset + list[i].offset, list[i].len, err));
	}
	return CP_OK;
}

static enum cp_code keep_slices(struct cp_store *s, const void *changeset, const struct slices *all, struct cp_cuts *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf rows = CP_BUF((size_t)1 << 31);
	size_t end;

	for (size_t i = 0; i < all->n; i = end) {
		const struct slice *first = &all->list[i];

		for (end = i + 1; end < all->n && by_key(&first->doc, first->table, &all->list[end].doc, all->list[end].table) == 0; end++)
			;
		CP_TRY(join(&rows, changeset, first, end - i, err));
		CP_TRY(cp_run(s, err, "INSERT INTO written(rows) VALUES(?1)", "b", rows.data, rows.len));
		out->list[out->n++] = (struct cp_cut){ first->doc, first->table, sqlite3_last_insert_rowid(s->db) };
	}
	return CP_OK;
}

enum cp_code cp_changes_cut(struct cp_store *s, const void *changeset, size_t len, struct cp_cuts *out, struct cp_err *err)
{
	CP_AUTO(slices) struct slices all = { 0 };

	CP_TRY(slices_of(&all, changeset, len, err));
	*out = (struct cp_cuts){ calloc(all.n + 1, sizeof *out->list), 0 };
	if (out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	return keep_slices(s, changeset, &all, out, err);
}

int64_t cp_cut_number(const struct cp_cuts *c, size_t table, const void *doc)
{
	size_t low = 0, high = c->n;
	struct cp_id id;

	memcpy(&id, doc, sizeof id);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = by_key(&c->list[mid].doc, c->list[mid].table, &id, document_table(table));

		if (order == 0)
			return c->list[mid].no;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static enum cp_code visit_rows(const void *rows, size_t len, int64_t commit_no, cp_change_visit *visit, void *user,
		struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, rows, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		visit(user, &c, commit_no);
	}
}

enum cp_code cp_changes_each(struct cp_store *s, size_t table, const struct cp_id *doc, int64_t commit_no,
		cp_change_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT e.commit_no, w.rows FROM (SELECT DISTINCT commit_no, written FROM edits WHERE doc = ?1"
			" AND tbl = ?2 AND (?3 = 0 OR commit_no = ?3)) e JOIN written w ON w.no = e.written ORDER BY e.written", "dii", doc,
			(int64_t)table, commit_no));
	for (;;) {
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		code = visit_rows(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), sqlite3_column_int64(q, 0), visit, user, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- commit objects ------------------------------------------------------------------------------- */

static enum cp_code read_commit(struct cp_store *s, int64_t commit_no, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);
	int64_t is_private;

	CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", commit_no));
	CP_TRY(cp_query_int(s, &is_private, 0, err, "SELECT is_private FROM commits WHERE no = ?1", "i", commit_no));
	if (oid.len == 0 || (is_private && s->private == NULL))
		return cp_fail(err, CP_ENOTFOUND, "%s: change commit number %lld is not here", s->path, (long long)commit_no);
	return cp_repo_read(is_private ? s->private : s->history, oid.data, "commit", out, err);
}

enum cp_code cp_change_keep_commit(struct cp_store *s, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);

	if (commit_no < 0 || read_commit(s, commit_no, &bytes, NULL) != CP_OK)
		return CP_OK;
	return cp_run(s, err, "INSERT OR REPLACE INTO commit_objects(no, bytes) VALUES(?1, ?2)", "ib", commit_no, bytes.data, bytes.len);
}

enum cp_code cp_change_commit_bytes(struct cp_store *s, int64_t commit_no, struct cp_buf *out, struct cp_err *err)
{
	bool found;

	CP_TRY(cp_query_text(s, out, &found, err, "SELECT bytes FROM commit_objects WHERE no = ?1", "i", commit_no));
	return found ? CP_OK : read_commit(s, commit_no, out, err);
}

/* ---- cut anew ---------------------------------------------------------------------------------------- */

enum cp_code cp_changes_recut(struct cp_store *s, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	CP_AUTO(cuts) struct cp_cuts cuts = { 0 };

	CP_TRY(cp_changeset_of(s, commit_no, &changeset, err));
	CP_TRY(cp_run(s, err, "DELETE FROM written WHERE no IN (SELECT written FROM edits WHERE commit_no = ?1)", "i", commit_no));
	CP_TRY(cp_changes_cut(s, changeset.data, changeset.len, &cuts, err));
	for (size_t i = 0; i < cuts.n; i++)
		CP_TRY(cp_run(s, err, "UPDATE edits SET written = ?4 WHERE doc = ?1 AND tbl = ?2 AND commit_no = ?3", "diii",
				&cuts.list[i].doc, (int64_t)cuts.list[i].table, commit_no, cuts.list[i].no));
	return cuts.n > 0 ? cp_change_keep_commit(s, commit_no, err) : CP_OK; /* a copy's first one may be empty */
}

/* What an older casepack left: numbers of commits and outbox rows whose rows are not kept, as int64_t; outbox rows last: they were written behind what is sealed. */
static enum cp_code unindexed(struct cp_store *s, struct cp_buf *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT commit_no FROM (SELECT DISTINCT commit_no FROM edits WHERE written = 0)"
			" ORDER BY commit_no < 0, abs(commit_no)", ""));
	for (;;) {
		int64_t no;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		no = sqlite3_column_int64(q, 0);
		CP_TRY(cp_buf_add(out, &no, sizeof no, err));
	}
}

static enum cp_code reindex_inside(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf list = CP_BUF((size_t)1 << 31);
	int64_t no;

	CP_TRY(unindexed(s, &list, err));
	for (size_t i = 0; i < list.len; i += sizeof no) {
		memcpy(&no, list.data + i, sizeof no);
		CP_TRY(cp_changes_recut(s, no, err));
	}
	return cp_meta_set_int(s, "reindex", 0, err);
}

enum cp_code cp_changes_reindex(struct cp_store *s, struct cp_err *err)
{
	int64_t due;
	enum cp_code code;

	CP_TRY(cp_meta_int(s, "reindex", &due, err));
	if (!due)
		return CP_OK;
	CP_TRY(cp_txn_begin(s, err));
	code = reindex_inside(s, err);
	if (code == CP_OK)
		return cp_txn_commit(s, err);
	cp_txn_rollback(s);
	return code;
}
