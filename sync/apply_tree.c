#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/case_row.h"
#include "sync/conflict_write.h"
#include "sync/document.h"
#include "sync/formset.h"
#include "sync/inner.h"

/* ---- from gathered edits to the tree's ---------------------------------------------------- */

static void hash_edit(struct cp_hash *out, const struct cp_document *d, const struct cp_doc_edit *e)
{
	struct cp_hasher h;

	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, e->rev.bytes, sizeof e->rev.bytes);
	cp_hasher_add_part(&h, e->replaced, e->n_replaced * 8);
	for (size_t i = 0; i < e->n_cells; i++) {
		cp_hasher_add_part(&h, e->cells[i].name, e->cells[i].name_len);
		cp_hash_value(&h, &e->cells[i].value);
	}
	(void)d;
	cp_hasher_end(&h, out);
}

struct tree_input { struct cp_edit *edits; struct cp_write *writes; size_t n; };

static void tree_input_drop(struct tree_input *in)
{
	free(in->edits);
	free(in->writes);
}
#define cp_tree_input_drop tree_input_drop

static int severity_of(const struct cp_policies *p, const struct cp_formset *forms, size_t e, const struct cp_cell_write *cell)
{
	return cell->is_answer && cp_policy_of_answer(p, forms, e, cell) == CP_SEVEREST ? cp_formset_severity(forms, e, cell) : 0;
}

static void make_input(struct tree_input *in, const struct cp_document *d, const struct cp_policies *p,
		const struct cp_formset *forms)
{
	size_t cells = 0, at = 0;

	for (size_t i = 0; i < d->n; i++)
		cells += d->edits[i].n_cells;
	in->n = d->n;
	in->edits = calloc(d->n + 1, sizeof *in->edits);
	in->writes = calloc(cells + 1, sizeof *in->writes);
	assert(in->edits != NULL && in->writes != NULL);
	for (size_t i = 0; i < d->n; i++) {
		const struct cp_doc_edit *e = &d->edits[i];
		struct cp_edit *t = &in->edits[i];

		t->rev = e->rev;
		t->replaced = e->replaced;
		t->n_replaced = e->n_replaced;
		t->writes = &in->writes[at];
		t->replica = e->replica;
		t->clock = e->clock;
		t->is_far = e->is_far;
		t->is_resolve = e->is_resolve;
		hash_edit(&t->hash, d, e);
		for (size_t k = 0; k < e->n_cells; k++) {
			if (!cp_cell_is_said(d->table, &e->cells[k]))
				continue;
			in->writes[at++] = (struct cp_write){ e->cells[k].name, e->cells[k].name_len, e->cells[k].value,
				severity_of(p, forms, i, &e->cells[k]) };
			t->n_writes++;
		}
	}
}

/* ---- from the tree's state to rows -------------------------------------------------------- */

struct rows {
	struct cp_value row[CP_MAX_COLUMNS];
	struct answer { const struct cp_cell_write *cell; const struct cp_rev *rev; } *answers;
	size_t n_answers, room;
};

static void rows_drop(struct rows *r)
{
	free(r->answers);
}
#define cp_rows_of_doc_drop rows_drop

static void put_answer(struct rows *r, const struct cp_cell_write *cell, const struct cp_rev *rev)
{
	for (size_t i = 0; i < r->n_answers; i++)
		if (strcmp(r->answers[i].cell->field, cell->field) == 0 &&
				strcmp(r->answers[i].cell->result, cell->result) == 0) {
			r->answers[i] = (struct answer){ cell, rev };
			return;
		}
	if (r->n_answers == r->room) {
		r->room = r->room * 2 + 16;
		r->answers = realloc(r->answers, r->room * sizeof *r->answers);
		assert(r->answers != NULL);
	}
	r->answers[r->n_answers++] = (struct answer){ cell, rev };
}

static void put_cells(struct rows *r, const struct cp_doc_edit *e)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		if (e->cells[i].is_answer)
			put_answer(r, &e->cells[i], &e->rev);
		else
			r->row[e->cells[i].column] = e->cells[i].value;
	}
}

/* The edit that bears that rev; of forged twins the one with the lowest hash. */
static size_t bearer(const struct tree_input *in, const struct cp_rev *rev)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < in->n; i++)
		if (memcmp(&in->edits[i].rev, rev, 8) == 0 && (best == SIZE_MAX ||
				memcmp(&in->edits[i].hash, &in->edits[best].hash, 32) < 0))
			best = i;
	return best;
}

/* A judgment as the author of that edit left it: the chain of first parents, oldest first. */
static void whole_rows(struct rows *r, const struct cp_document *d, const struct tree_input *in, size_t shown)
{
	size_t *chain = malloc((d->n + 1) * sizeof *chain), n = 0;

	assert(chain != NULL);
	for (size_t at = shown; at != SIZE_MAX && n <= d->n;) {
		chain[n++] = at;
		at = in->edits[at].n_replaced > 0 ? bearer(in, &in->edits[at].replaced[0]) : SIZE_MAX;
	}
	while (n > 0)
		put_cells(r, &d->edits[chain[--n]]);
	free(chain);
}

static size_t column_of(const struct cp_document *d, const struct cp_column_state *c)
{
	for (size_t i = 0; i < cp_shapes[d->table].n_columns; i++)
		if (strlen(cp_columns[d->table][i]) == c->name_len &&
				memcmp(cp_columns[d->table][i], c->name, c->name_len) == 0)
			return i;
	assert(0 && "a column of another table");
	return 0;
}

/* Every other document: each column by itself, the clock that of the latest edit that counts. */
static void column_rows(struct rows *r, const struct cp_document *d, const struct cp_doc_state *state)
{
	int64_t clock = 0;

	for (size_t i = 0; i < state->n_columns; i++)
		r->row[column_of(d, &state->columns[i])] = state->columns[i].value;
	for (size_t i = 0; i < d->n; i++)
		if (state->fates[i] != CP_WAITING && d->edits[i].clock > clock)
			clock = d->edits[i].clock;
	r->row[CP_C_CLOCK] = cp_v_int(clock);
}

static enum cp_code delete_rows(struct cp_store *s, const struct cp_document *d, struct cp_err *err)
{
	char sql[64];
	sqlite3_stmt *q;
	int rc;

	if (d->table == CP_T_JUDGMENTS)
		CP_TRY(cp_run(s, err, "DELETE FROM ratings WHERE judgment = ?1", "d", &d->id));
	snprintf(sql, sizeof sql, "DELETE FROM %s WHERE id = ?1", cp_shapes[d->table].name);
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", sql);
	sqlite3_bind_blob(q, 1, d->id.bytes, 16, SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? CP_OK : cp_fail_sqlite(err, s->db, "%s", sql);
}

static enum cp_code write_rows(struct cp_store *s, const struct cp_document *d, const struct cp_doc_state *state,
		struct rows *r, struct cp_err *err)
{
	CP_TRY(delete_rows(s, d, err));
	if (state->n_revs == 0)
		return CP_OK; /* nothing counts yet */
	r->row[CP_C_ID] = cp_v_blob(d->id.bytes, 16);
	r->row[CP_C_REV] = cp_v_blob(state->revs, (state->n_revs < CP_ROW_REVS ? state->n_revs : CP_ROW_REVS) * 8);
	CP_TRY(cp_row_put(s, d->table, r->row, err));
	for (size_t i = 0; i < r->n_answers; i++)
		CP_TRY(cp_run(s, err, "INSERT INTO ratings(judgment, field, result, rev, value) VALUES(?1, ?2, ?3, ?4, ?5)",
				"dttrv", &d->id, r->answers[i].cell->field, r->answers[i].cell->result,
				r->answers[i].rev, &r->answers[i].cell->value));
	return CP_OK;
}

/* ---- fates ----------------------------------------------------------------------------- */

static enum cp_code write_fates(struct cp_store *s, const struct cp_document *d, const struct cp_doc_state *state,
		struct cp_err *err)
{
	for (size_t i = 0; i < d->n; i++)
		CP_TRY(cp_run(s, err, "UPDATE edits SET fate = ?5 WHERE doc = ?1 AND tbl = ?2 AND rev = ?3 AND commit_no = ?4",
				"dirii", &d->id, (int64_t)d->table, &d->edits[i].rev, d->edits[i].commit_no,
				(int64_t)state->fates[i]));
	return CP_OK;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static enum cp_code settlement_of(struct cp_store *s, const struct cp_id *judgment, struct cp_settlement *out,
		struct cp_value *row, bool *found, struct cp_err *err)
{
	CP_TRY(cp_row_get(s, CP_T_SETTLEMENTS, judgment, row, found, err));
	if (!*found || row[3].len != 8)
		*found = false;
	if (!*found)
		return CP_OK;
	memcpy(&out->stands, row[3].bytes, 8);
	out->weighed = (const struct cp_rev *)(const void *)row[4].bytes;
	out->n_weighed = row[4].len / 8;
	return CP_OK;
}

static enum cp_code evaluate(struct cp_store *s, const struct cp_document *d, const struct tree_input *in,
		struct cp_policies *p, struct cp_doc_state *state, bool *is_settled, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_settlement settlement;

	if (d->table == CP_T_JUDGMENTS) {
		CP_TRY(settlement_of(s, &d->id, &settlement, row, is_settled, err));
		return cp_tree_whole(state, in->edits, in->n, cp_policy_in_force(p, "", 0), *is_settled ? &settlement : NULL, err);
	}
	if (cp_table_is_settlement(d->table))
		return cp_tree_whole(state, in->edits, in->n, CP_LATEST, NULL, err);
	return cp_tree_columns(state, in->edits, in->n, cp_policy_in_force, p, err);
}

static enum cp_code write_state(struct cp_store *s, const struct cp_document *d, const struct tree_input *in,
		const struct cp_ruling *ruling, struct cp_err *err)
{
	const struct cp_doc_state *state = ruling->state;
	CP_AUTO(rows_of_doc) struct rows r = { .n_answers = 0 };

	for (size_t c = 0; c < cp_shapes[d->table].n_columns; c++)
		cp_table_default(&r.row[c], d->table, c);
	if (state->n_revs > 0 && cp_table_is_whole(d->table))
		whole_rows(&r, d, in, state->shown);
	else if (state->n_revs > 0)
		column_rows(&r, d, state);
	if (state->n_revs > 0 && d->table == CP_T_CASES)
		CP_TRY(cp_case_follow(d, in->edits, ruling->policies, state, r.row, err));
	CP_TRY(write_rows(s, d, state, &r, err));
	CP_TRY(write_fates(s, d, state, err));
	CP_TRY(cp_conflicts_write(ruling, err));
	return cp_run(s, err, "INSERT OR IGNORE INTO tricky(doc, tbl) VALUES(?1, ?2)", "di", &d->id, (int64_t)d->table);
}

static enum cp_code rule(struct cp_store *s, const struct cp_document *d, const struct tree_input *in, struct cp_policies *p,
		struct cp_err *err)
{
	CP_AUTO(doc_state) struct cp_doc_state state = { 0 };
	struct cp_ruling ruling = { s, d, in->edits, &state, p, false };

	CP_TRY(evaluate(s, d, in, p, &state, &ruling.is_settled, err));
	return write_state(s, d, in, &ruling, err);
}

enum cp_code cp_apply_tree(struct cp_store *s, size_t table, const struct cp_id *doc, struct cp_err *err)
{
	struct cp_document d;
	struct cp_policies p = { NULL, table, CP_LATEST };
	struct cp_formset forms;
	CP_AUTO(tree_input) struct tree_input in = { 0 };
	enum cp_code code;

	CP_TRY(cp_document_load(s, table, doc, &d, err));
	code = cp_formset_load(s, &d, &forms, err);
	if (code == CP_OK) {
		code = cp_policies_load(s, &d, &forms, &p, err);
		if (code == CP_OK)
			make_input(&in, &d, &p, &forms);
		cp_formset_drop(&forms);
	}
	if (code == CP_OK)
		code = rule(s, &d, &in, &p, err);
	cp_policies_drop(&p);
	cp_document_drop(&d);
	return code;
}
