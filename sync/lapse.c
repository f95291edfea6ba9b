#include "sync/lapse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/document.h"
#include "sync/inner.h"

/* ---- late ------------------------------------------------------------------------------- */

/* The revs behind the word in an assignment's state: "withdrawn 0011223344556677 8899aabbccddeeff". */
static size_t revs_known(const char *state, struct cp_rev *out, size_t room)
{
	size_t n = 0;

	for (const char *p = strchr(state, ' '); p != NULL && n < room; p = strchr(p + 1, ' ')) {
		char hex[17] = "";

		memcpy(hex, p + 1, strnlen(p + 1, 16));
		if (cp_unhex(out[n].bytes, sizeof out[n].bytes, hex))
			n++;
	}
	return n;
}

/* Did whoever named those revs know the edit that stands? Then some of them is that edit, or stands above it. */
static enum cp_code was_known(struct cp_store *s, const struct cp_id *judgment, const struct cp_rev *stands,
		const struct cp_rev *revs, size_t n, bool *out, struct cp_err *err)
{
	struct cp_document d;
	struct cp_edit *edits;
	size_t of = SIZE_MAX;
	enum cp_code code = CP_OK;

	CP_TRY(cp_document_load(s, CP_T_JUDGMENTS, judgment, &d, err));
	edits = calloc(d.n + 1, sizeof *edits);
	assert(edits != NULL);
	for (size_t i = 0; i < d.n; i++) {
		edits[i].rev = d.edits[i].rev;
		edits[i].replaced = d.edits[i].replaced;
		edits[i].n_replaced = d.edits[i].n_replaced;
		if (memcmp(&edits[i].rev, stands, sizeof *stands) == 0)
			of = i;
	}
	*out = false;
	if (of != SIZE_MAX)
		code = cp_tree_knew(out, edits, d.n, of, revs, n, err);
	free(edits);
	cp_document_drop(&d);
	return code;
}

static enum cp_code is_late(struct cp_store *s, const struct cp_id *judgment, const struct cp_value *row, bool *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf state = CP_BUF(CP_TEXT_MAX);
	struct cp_rev stands, revs[CP_ROW_REVS];
	int64_t nothing_stands;
	size_t n;
	bool found, known;

	*out = false;
	CP_TRY(cp_query_text(s, &state, &found, err, "SELECT state FROM assignments WHERE id = ?1", "d", judgment));
	if (!found || strcmp(state.data ? state.data : "given", "given") == 0)
		return CP_OK;
	CP_TRY(cp_query_int(s, &nothing_stands, 0, err, "SELECT 1 FROM conflicts WHERE doc = ?1 AND tbl = ?2 AND class = 'fork'"
			" AND length(stands) = 0", "di", judgment, (int64_t)CP_T_JUDGMENTS));
	if (nothing_stands)
		return CP_OK;
	memcpy(&stands, row[CP_C_REV].bytes, sizeof stands);
	n = revs_known(state.data, revs, CP_ROW_REVS);
	CP_TRY(was_known(s, judgment, &stands, revs, n, &known, err));
	*out = !known;
	return CP_OK;
}

/* ---- stale ------------------------------------------------------------------------------ */

struct revision { struct cp_id id; struct cp_id *parents; size_t n_parents; bool is_breaking, is_seen; };
struct revisions { struct revision *list; size_t n, room; };

static void revisions_drop(struct revisions *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].parents);
	free(r->list);
}
#define cp_revisions_of_text_drop revisions_drop

/* All revisions of the text that one of them belongs to. */
static enum cp_code revisions_load(struct cp_store *s, bool is_form, const struct cp_value *one, struct revisions *out,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, is_form ? "SELECT id, parents, kind = 'breaking' FROM form_versions WHERE parent_doc ="
			" (SELECT parent_doc FROM form_versions WHERE id = ?1)"
			: "SELECT id, parents, kind = 'breaking' FROM guideline_revisions WHERE parent_doc ="
			" (SELECT parent_doc FROM guideline_revisions WHERE id = ?1)", "v", one));
	for (;;) {
		struct revision *r;
		size_t bytes;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		if (out->n == out->room) {
			out->room = out->room * 2 + 16;
			out->list = reallocarray(out->list, out->room, sizeof *out->list);
			assert(out->list != NULL);
		}
		r = &out->list[out->n++];
		memset(r, 0, sizeof *r);
		cp_col_id(q, 0, &r->id);
		bytes = (size_t)sqlite3_column_bytes(q, 1) / 16 * 16;
		r->parents = malloc(bytes + 1);
		assert(r->parents != NULL);
		if (bytes > 0)
			memcpy(r->parents, sqlite3_column_blob(q, 1), bytes);
		r->n_parents = bytes / 16;
		r->is_breaking = sqlite3_column_int(q, 2) != 0;
	}
}

static struct revision *revision_of(const struct revisions *all, const struct cp_id *id)
{
	for (size_t i = 0; i < all->n; i++)
		if (cp_id_equal(&all->list[i].id, id))
			return &all->list[i];
	return NULL;
}

/* Marks the revision named and all above it. */
static void see_ancestors(const struct revisions *all, const struct cp_id *named)
{
	struct revision **todo = calloc(all->n + 1, sizeof *todo), *r = revision_of(all, named);
	size_t n = 0;

	assert(todo != NULL);
	if (r != NULL) {
		r->is_seen = true;
		todo[n++] = r;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < todo[i]->n_parents; p++) {
			r = revision_of(all, &todo[i]->parents[p]);
			if (r != NULL && !r->is_seen) {
				r->is_seen = true;
				todo[n++] = r;
			}
		}
	free(todo);
}

static void settlement_key(const struct cp_id *judgment, const struct cp_id *cause, struct cp_id *out)
{
	cp_id_derive(out, "stale", 2, (const void *const[]){ judgment->bytes, cause->bytes }, (const size_t[]){ 16, 16 });
}

/* What was decided about this judgment as it stands; a decision about what stood before asks again. */
static enum cp_code decision_of(struct cp_store *s, const struct cp_id *judgment, const struct cp_id *cause,
		const struct cp_value *row, struct cp_buf *out, struct cp_err *err)
{
	struct cp_id key;

	settlement_key(judgment, cause, &key);
	return cp_query_text(s, out, NULL, err, "SELECT decision FROM stale_settlements WHERE id = ?1 AND weighed = ?2", "db", &key,
			row[CP_C_REV].bytes, (size_t)8);
}

static enum cp_code note_stale(struct cp_store *s, bool is_form, const struct cp_id *judgment, const struct cp_value *row,
		struct cp_err *err)
{
	const struct cp_value *named = &row[is_form ? CP_J_FORM_VERSION : CP_J_GUIDELINE_REVISION];
	CP_AUTO(revisions_of_text) struct revisions all = { 0 };
	struct cp_id id;

	if (named->type != CP_BLOB || named->len != sizeof id.bytes)
		return CP_OK;
	memcpy(id.bytes, named->bytes, sizeof id.bytes);
	CP_TRY(revisions_load(s, is_form, named, &all, err));
	see_ancestors(&all, &id);
	for (size_t i = 0; i < all.n; i++) {
		CP_AUTO(buf) struct cp_buf decision = CP_BUF(64);
		char hex[CP_ID_HEX];

		if (!all.list[i].is_breaking || all.list[i].is_seen)
			continue;
		CP_TRY(decision_of(s, judgment, &all.list[i].id, row, &decision, err));
		CP_TRY(cp_run(s, err, "INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands)"
				" VALUES(?1, ?2, ?3, 'stale', ?4, ?5, ?6)", "dititb", judgment, (int64_t)CP_T_JUDGMENTS,
				cp_hex(hex, all.list[i].id.bytes, 16), (int64_t)(decision.len == 0), decision.data ? decision.data : "",
				row[CP_C_REV].bytes, (size_t)8));
	}
	return CP_OK;
}

/* ---- one judgment, and those that a row concerns ------------------------------------------- */

static enum cp_code note(struct cp_store *s, const struct cp_id *judgment, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found, late;

	CP_TRY(cp_run(s, err, "DELETE FROM conflicts WHERE doc = ?1 AND tbl = ?2 AND class IN ('late', 'stale')", "di", judgment,
			(int64_t)CP_T_JUDGMENTS));
	CP_TRY(cp_row_get(s, CP_T_JUDGMENTS, judgment, row, &found, err));
	if (!found)
		return CP_OK;
	CP_TRY(is_late(s, judgment, row, &late, err));
	if (late)
		CP_TRY(cp_run(s, err, "INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands)"
				" VALUES(?1, ?2, '', 'late', 0, '', ?3)", "dib", judgment, (int64_t)CP_T_JUDGMENTS,
				row[CP_C_REV].bytes, (size_t)8));
	CP_TRY(note_stale(s, false, judgment, row, err));
	return note_stale(s, true, judgment, row, err);
}

/* Every judgment that a query finds; its ids are gathered first, since noting writes. */
static enum cp_code note_each(struct cp_store *s, sqlite3_stmt *q, struct cp_err *err)
{
	struct cp_id *list = NULL;
	size_t n = 0, room = 0;
	bool row = true;
	enum cp_code code;

	while ((code = cp_step(s, q, &row, err)) == CP_OK && row) {
		if (n == room) {
			room = room * 2 + 64;
			list = reallocarray(list, room, sizeof *list);
			assert(list != NULL);
		}
		cp_col_id(q, 0, &list[n++]);
	}
	for (size_t i = 0; i < n && code == CP_OK; i++)
		code = note(s, &list[i], err);
	free(list);
	return code;
}

/* A revision came: where one breaks what went before, every judgment under that text is asked again. */
static enum cp_code text_touched(struct cp_store *s, bool is_form, const struct cp_id *revision, struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t breaks;

	CP_TRY(cp_query_int(s, &breaks, 0, err, is_form ? "SELECT 1 FROM form_versions WHERE kind = 'breaking' AND parent_doc ="
			" (SELECT parent_doc FROM form_versions WHERE id = ?1) LIMIT 1"
			: "SELECT 1 FROM guideline_revisions WHERE kind = 'breaking' AND parent_doc ="
			" (SELECT parent_doc FROM guideline_revisions WHERE id = ?1) LIMIT 1", "d", revision));
	if (!breaks)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, is_form ? "SELECT id FROM judgments WHERE form_version IN (SELECT id FROM form_versions"
			" WHERE parent_doc = (SELECT parent_doc FROM form_versions WHERE id = ?1))"
			: "SELECT id FROM judgments WHERE guideline_revision IN (SELECT id FROM guideline_revisions"
			" WHERE parent_doc = (SELECT parent_doc FROM guideline_revisions WHERE id = ?1))", "d", revision));
	return note_each(s, q, err);
}

/* Most judgments cannot have lapsed: their assignment stands, and nothing breaks. */
static enum cp_code judgment_touched(struct cp_store *s, const struct cp_id *judgment, struct cp_err *err)
{
	int64_t may;

	CP_TRY(cp_query_int(s, &may, 0, err, "SELECT EXISTS (SELECT 1 FROM assignments WHERE id = ?1 AND state <> 'given') OR"
			" EXISTS (SELECT 1 FROM guideline_revisions WHERE kind = 'breaking') OR"
			" EXISTS (SELECT 1 FROM form_versions WHERE kind = 'breaking')", "d", judgment));
	return may ? note(s, judgment, err) : CP_OK;
}

enum cp_code cp_lapse_touched(struct cp_store *s, size_t table, const struct cp_id *doc, struct cp_err *err)
{
	struct cp_id judgment;

	if (!s->me.is_hub || s->me.is_relay) /* who is given material holds only some of the revisions */
		return CP_OK;
	switch (table) {
	case CP_T_JUDGMENTS:
	case CP_T_SETTLEMENTS: /* whose id is the judgment's */
		return judgment_touched(s, doc, err);
	case CP_T_ASSIGNMENTS:
		return note(s, doc, err); /* a judgment's id is its assignment's */
	case CP_T_STALE_SETTLEMENTS:
		CP_TRY(cp_query_id(s, &judgment, err, "SELECT judgment FROM stale_settlements WHERE id = ?1", "d", doc));
		return note(s, &judgment, err);
	case CP_T_GUIDELINE_REVISIONS:
	case CP_T_FORM_VERSIONS:
		return text_touched(s, table == CP_T_FORM_VERSIONS, doc, err);
	default:
		return CP_OK;
	}
}

enum cp_code cp_lapse_again(struct cp_store *s, struct cp_err *err)
{
	sqlite3_stmt *q;

	if (!s->me.is_hub || s->me.is_relay)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT id FROM judgments", ""));
	return note_each(s, q, err);
}
