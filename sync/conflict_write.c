#include "sync/conflict_write.h"

#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/lineage.h"
#include "sync/resolution.h"

/* One row of conflicts with its candidates. */
struct finding {
	const char *column; size_t column_len; /* "" of the whole document */
	const char *class;
	bool is_open;
	size_t stands;               /* SIZE_MAX: nothing does */
	size_t *candidates, n;
};

/* Columns that say who wrote the others and why: they follow those, and are no question of their own. */
static bool is_account(size_t table, const struct cp_column_state *c)
{
	static const struct { enum cp_table table; const char *name; } list[] = {
		{ CP_T_ADJUDICATIONS, "cause" }, { CP_T_ADJUDICATIONS, "reason" }, { CP_T_ADJUDICATIONS, "person" },
		{ CP_T_GUIDELINE_REVISIONS, "number" }, { CP_T_GUIDELINE_REVISIONS, "person" },
		{ CP_T_FORM_VERSIONS, "number" }, { CP_T_FORM_VERSIONS, "person" },
		{ CP_T_RULINGS, "reason" }, { CP_T_RULINGS, "person" }, { CP_T_CASES, "reason" },
	};

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if ((size_t)list[i].table == table && strlen(list[i].name) == c->name_len &&
				memcmp(list[i].name, c->name, c->name_len) == 0)
			return true;
	return false;
}

/* ---- what an edit says, for people: JSON, an object of cells ---------------------------------------- */

static void say_cells(json_t *out, const struct cp_document *d, const struct cp_doc_edit *e, const struct finding *f)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		const struct cp_cell_write *c = &e->cells[i];
		bool is_meant = f->column_len == 0 || (c->name_len == f->column_len && memcmp(c->name, f->column, c->name_len) == 0);

		if (is_meant && cp_cell_is_shown(d->table, c))
			json_object_setn_new(out, c->name, c->name_len, cp_value_json(&c->value));
	}
}

/* Its own cells, of a document that is taken whole those of the edits that it grew from too. */
static void say_content(json_t *out, const struct cp_ruling *r, const struct cp_lineage *l, size_t edit,
		const struct finding *f)
{
	size_t *chain = malloc((r->doc->n + 1) * sizeof *chain), n = 0;

	for (size_t at = edit; chain != NULL && at != SIZE_MAX && n <= r->doc->n;) {
		const struct cp_doc_edit *e = &r->doc->edits[at];

		chain[n++] = at;
		at = cp_table_is_whole(r->doc->table) && e->n_replaced > 0 ? cp_lineage_find(l, &e->replaced[0]) : SIZE_MAX;
	}
	while (n > 0)
		say_cells(out, r->doc, &r->doc->edits[chain[--n]], f);
	free(chain);
}

static enum cp_code json_text(struct cp_buf *out, json_t *o, struct cp_err *err)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	enum cp_code code = text ? cp_buf_puts(out, text, err) : cp_fail(err, CP_EIO, "out of memory");

	free(text);
	json_decref(o);
	return code;
}

/* ---- the state that an edit's author knew ------------------------------------------------------------- */

/* Edits above one, as a document of their own: of[i] is the place of its i-th edit in the whole. */
struct known { struct cp_edit *edits; size_t *of, n; struct cp_doc_state state; };

static void cp_known_drop(struct known *k)
{
	cp_doc_state_drop(&k->state);
	free(k->edits);
	free(k->of);
}

static enum cp_code know(struct known *k, const struct cp_ruling *r, const struct cp_lineage *l, size_t edit, bool itself,
		struct cp_err *err)
{
	bool *above = calloc(l->n + 1, sizeof *above);
	enum cp_code code;

	k->edits = calloc(l->n + 1, sizeof *k->edits);
	k->of = calloc(l->n + 1, sizeof *k->of);
	if (above == NULL || k->edits == NULL || k->of == NULL) {
		free(above);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	above[edit] = itself;
	code = cp_lineage_mark(l, edit, above, err);
	for (size_t i = 0; i < l->n; i++)
		if (above[i]) {
			k->edits[k->n] = r->edits[i];
			k->of[k->n++] = i;
		}
	free(above);
	CP_TRY(code);
	return cp_tree_columns(&k->state, k->edits, k->n, cp_policy_in_force, r->policies, err);
}

static const struct cp_column_state *column_in(const struct cp_doc_state *s, const struct finding *f)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (s->columns[i].name_len == f->column_len && memcmp(s->columns[i].name, f->column, f->column_len) == 0)
			return &s->columns[i];
	return NULL;
}

/* ---- what all candidates grew from ----------------------------------------------------------------------- */

static enum cp_code say_base_column(json_t *out, const struct cp_ruling *r, const struct cp_lineage *l, size_t base,
		const struct finding *f, struct cp_err *err)
{
	CP_AUTO(known) struct known k = { 0 };
	const struct cp_column_state *c;
	struct cp_value value;

	CP_TRY(know(&k, r, l, base, true, err));
	c = column_in(&k.state, f);
	for (size_t i = CP_C_CLOCK; c == NULL && i < cp_shapes[r->doc->table].n_columns; i++)
		if (strlen(cp_columns[r->doc->table][i]) == f->column_len &&
				memcmp(cp_columns[r->doc->table][i], f->column, f->column_len) == 0)
			cp_table_default(&value, r->doc->table, i); /* nobody had written it */
	if (c != NULL)
		value = c->value;
	json_object_setn_new(out, f->column, f->column_len, cp_value_json(&value));
	return CP_OK;
}

static enum cp_code say_base(struct cp_buf *out, const struct cp_ruling *r, const struct cp_lineage *l,
		const struct finding *f, struct cp_err *err)
{
	size_t base;
	json_t *o;
	enum cp_code code = CP_OK;

	CP_TRY(cp_lineage_base(l, f->candidates, f->n, &base, err));
	if (base == SIZE_MAX)
		return CP_OK;
	o = json_object();
	if (f->column_len > 0)
		code = say_base_column(o, r, l, base, f, err);
	else
		say_content(o, r, l, base, f);
	if (code == CP_OK)
		return json_text(out, o, err);
	json_decref(o);
	return code;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static enum cp_code write_candidate(const struct cp_ruling *r, const struct cp_lineage *l, const struct finding *f,
		size_t edit, struct cp_err *err)
{
	const struct cp_doc_edit *e = &r->doc->edits[edit];
	CP_AUTO(buf) struct cp_buf words = CP_BUF(CP_TEXT_MAX);
	json_t *o = json_object();

	say_content(o, r, l, edit, f);
	CP_TRY(json_text(&words, o, err));
	return cp_run(r->s, err, "INSERT OR REPLACE INTO candidates(doc, tbl, col, rev, commit_no, clock, value)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", "disriit", &r->doc->id, (int64_t)r->doc->table, f->column,
			f->column_len, &e->rev, e->commit_no, e->clock, words.data);
}

static enum cp_code write_finding(const struct cp_ruling *r, const struct cp_lineage *l, const struct finding *f,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf base = CP_BUF(CP_TEXT_MAX);
	enum cp_policy policy = cp_policy_in_force(r->policies, f->column, f->column_len);

	CP_TRY(say_base(&base, r, l, f, err));
	CP_TRY(cp_run(r->s, err, "INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands, base)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", "distitbt", &r->doc->id, (int64_t)r->doc->table, f->column,
			f->column_len, f->class, (int64_t)f->is_open, cp_policy_name(policy),
			f->stands == SIZE_MAX ? NULL : (const void *)&r->doc->edits[f->stands].rev,
			f->stands == SIZE_MAX ? (size_t)0 : (size_t)8, base.data ? base.data : ""));
	for (size_t i = 0; i < f->n; i++)
		CP_TRY(write_candidate(r, l, f, f->candidates[i], err));
	return CP_OK;
}

/* ---- documents that are taken whole ----------------------------------------------------------------------------- */

/* Between what would it be, had no lead settled it? */
static enum cp_code write_settled(const struct cp_ruling *r, const struct cp_lineage *l, struct cp_err *err)
{
	CP_AUTO(doc_state) struct cp_doc_state before = { 0 };
	struct finding f = { .column = "", .class = "fork", .stands = r->state->stands };

	CP_TRY(cp_tree_whole(&before, r->edits, r->doc->n, cp_policy_in_force(r->policies, "", 0), NULL, err));
	if (!before.has_conflict)
		return CP_OK;
	f.candidates = before.candidates;
	f.n = before.n_candidates;
	return write_finding(r, l, &f, err);
}

static enum cp_code write_whole(const struct cp_ruling *r, const struct cp_lineage *l, struct cp_err *err)
{
	const struct cp_doc_state *state = r->state;
	struct finding f = { .column = "", .is_open = state->has_conflict, .stands = state->stands,
		.candidates = state->candidates, .n = state->n_candidates };

	if (!state->has_conflict && r->is_settled)
		return write_settled(r, l, err);
	if (state->n_candidates < 2)
		return CP_OK;
	f.class = !f.is_open ? "identical" : r->doc->table == CP_T_JUDGMENTS ? "fork" : "hard";
	return write_finding(r, l, &f, err);
}

/* ---- documents that are decided column by column ------------------------------------------------------------------ */

/* What a lead's resolve decided between; behind a resolve of a resolve what that did. */
static enum cp_code gather_resolved(const struct cp_ruling *r, const struct cp_lineage *l, struct finding *f, size_t resolve,
		struct cp_err *err)
{
	for (bool more = true; more;) {
		CP_AUTO(known) struct known k = { 0 };
		const struct cp_column_state *c;

		f->candidates[f->n++] = resolve;
		CP_TRY(know(&k, r, l, resolve, false, err));
		c = column_in(&k.state, f);
		for (size_t i = 0; c != NULL && i < c->n_candidates; i++)
			f->candidates[f->n++] = k.of[c->candidates[i]];
		more = c != NULL && c->n_candidates == 0 && r->edits[k.of[c->shown]].is_resolve;
		if (more)
			resolve = k.of[c->shown];
	}
	return CP_OK;
}

static enum cp_code write_resolved(const struct cp_ruling *r, const struct cp_lineage *l, struct finding *f, size_t resolve,
		struct cp_err *err)
{
	size_t *room = calloc(r->doc->n + 1, sizeof *room);
	enum cp_code code;

	if (room == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	f->candidates = room;
	f->n = 0;
	code = gather_resolved(r, l, f, resolve, err);
	if (code == CP_OK && f->n > 1)
		code = write_finding(r, l, f, err);
	free(room);
	return code;
}

static enum cp_code write_column(const struct cp_ruling *r, const struct cp_lineage *l, const struct cp_column_state *c,
		bool *is_identical, struct cp_err *err)
{
	struct finding f = { .column = c->name, .column_len = c->name_len, .class = "hard", .is_open = c->has_conflict,
		.stands = c->stands, .candidates = c->candidates, .n = c->n_candidates };

	if (is_account(r->doc->table, c))
		return CP_OK;
	if (c->n_candidates == 0)
		return r->edits[c->shown].is_resolve ? write_resolved(r, l, &f, c->shown, err) : CP_OK;
	if (!c->has_conflict)
		f.class = "identical";
	*is_identical = *is_identical || !c->has_conflict;
	return write_finding(r, l, &f, err);
}

static enum cp_code write_parallel(const struct cp_ruling *r, const struct cp_lineage *l, struct cp_err *err)
{
	struct finding f = { .column = "", .class = "parallel", .stands = SIZE_MAX };
	enum cp_code code = CP_OK;

	f.candidates = calloc(r->state->n_revs + 1, sizeof *f.candidates);
	if (f.candidates == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < r->state->n_revs; i++)
		f.candidates[f.n++] = cp_lineage_find(l, &r->state->revs[i]);
	code = write_finding(r, l, &f, err);
	free(f.candidates);
	return code;
}

static enum cp_code write_columns(const struct cp_ruling *r, const struct cp_lineage *l, struct cp_err *err)
{
	bool is_identical = false;

	for (size_t i = 0; i < r->state->n_columns; i++)
		CP_TRY(write_column(r, l, &r->state->columns[i], &is_identical, err));
	if (r->state->n_revs > 1 && !r->state->has_conflict && !is_identical)
		return write_parallel(r, l, err);
	return CP_OK;
}

enum cp_code cp_conflicts_write(const struct cp_ruling *r, struct cp_err *err)
{
	CP_AUTO(lineage) struct cp_lineage l = { 0 };

	/* Column text is heads.c's, class late and stale lapse.c's. */
	CP_TRY(cp_run(r->s, err, "DELETE FROM candidates WHERE doc = ?1 AND tbl = ?2 AND col <> 'text'", "di", &r->doc->id, (int64_t)r->doc->table));
	CP_TRY(cp_run(r->s, err, "DELETE FROM conflicts WHERE doc = ?1 AND tbl = ?2 AND class IN ('identical', 'parallel', 'fork',"
			" 'hard')", "di", &r->doc->id, (int64_t)r->doc->table));
	if (r->state->n_revs == 0)
		return CP_OK;
	CP_TRY(cp_lineage_init(&l, r->edits, r->doc->n, err));
	return cp_table_is_whole(r->doc->table) ? write_whole(r, &l, err) : write_columns(r, &l, err);
}
