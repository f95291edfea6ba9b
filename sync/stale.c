/* Listing stale judgments, and deciding about them: keep, requeue, void. */
#include <stdlib.h>
#include <string.h>

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/lapse.h"
#include "sync/people.h"

/* Name and number of the text that the cause belongs to, and the number of the revision that the judgment names. */
static enum cp_code describe_cause(struct cp_store *s, struct cp_stale_row *r, struct cp_buf *text, struct cp_err *err)
{
	int64_t number;

	cp_buf_clear(text);
	CP_TRY(cp_query_int(s, &number, -1, err, "SELECT number FROM form_versions WHERE id = ?1", "d", &r->cause));
	r->is_form = number >= 0;
	if (r->is_form) {
		r->broken_by = number;
		CP_TRY(cp_query_text(s, text, NULL, err, "SELECT f.name FROM form_versions v JOIN forms f ON f.id = v.parent_doc"
				" WHERE v.id = ?1", "d", &r->cause));
		return cp_query_int(s, &r->named, 0, err, "SELECT v.number FROM judgments j JOIN form_versions v"
				" ON v.id = j.form_version WHERE j.id = ?1", "d", &r->judgment);
	}
	CP_TRY(cp_query_int(s, &r->broken_by, 0, err, "SELECT number FROM guideline_revisions WHERE id = ?1", "d", &r->cause));
	CP_TRY(cp_query_text(s, text, NULL, err, "SELECT g.name FROM guideline_revisions v JOIN guidelines g"
			" ON g.id = v.parent_doc WHERE v.id = ?1", "d", &r->cause));
	return cp_query_int(s, &r->named, 0, err, "SELECT v.number FROM judgments j JOIN guideline_revisions v"
			" ON v.id = j.guideline_revision WHERE j.id = ?1", "d", &r->judgment);
}

enum cp_code cp_stale_each(struct cp_store *s, const char *text, cp_stale_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	sqlite3_stmt *q;
	bool row;
	enum cp_code code;

	CP_TRY(cp_query(s, &q, err, "SELECT x.doc, x.col, x.policy, c.name, p.pseudonym, a.pass FROM conflicts x"
			" JOIN assignments a ON a.id = x.doc JOIN cases c ON c.id = a.case_id JOIN persons p ON p.id = a.person"
			" WHERE x.class = 'stale' ORDER BY x.col, c.name, p.pseudonym, a.pass, x.doc", ""));
	while ((code = cp_step(s, q, &row, err)) == CP_OK && row) {
		struct cp_stale_row r = { .decision = cp_col_text(q, 2), .case_name = cp_col_text(q, 3), .rater = cp_col_text(q, 4),
			.pass = sqlite3_column_int64(q, 5) };

		cp_col_id(q, 0, &r.judgment);
		if (!cp_unhex(r.cause.bytes, 16, cp_col_text(q, 1)))
			continue;
		code = describe_cause(s, &r, &name, err);
		r.text = name.data ? name.data : "";
		if (code == CP_OK && (text == NULL || strcmp(text, r.text) == 0))
			code = visit(user, &r, err);
		if (code != CP_OK)
			break;
	}
	sqlite3_reset(q);
	return code;
}

/* ---- deciding ----------------------------------------------------------------------------- */

struct chosen { struct cp_id judgment, cause; };
struct choosing {
	struct cp_store *s;
	const struct cp_stale_settle *w;
	struct chosen *list; size_t n, room;
	struct cp_id *cases;           /* of w->cases */
};

static void choosing_drop(struct choosing *c)
{
	free(c->list);
	free(c->cases);
}
#define cp_choosing_drop choosing_drop

static enum cp_code fits(struct choosing *c, const struct cp_stale_row *r, bool *out, struct cp_err *err)
{
	const struct cp_stale_settle *w = c->w;
	struct cp_id case_id;
	bool by_case = w->n_cases == 0, by_person = w->n_people == 0;

	CP_TRY(cp_query_id(c->s, &case_id, err, "SELECT case_id FROM assignments WHERE id = ?1", "d", &r->judgment));
	for (size_t i = 0; i < w->n_cases; i++)
		by_case = by_case || cp_id_equal(&c->cases[i], &case_id);
	for (size_t i = 0; i < w->n_people; i++)
		by_person = by_person || strcmp(w->people[i], r->rater) == 0;
	*out = by_case && by_person && (w->settled_too || *r->decision == '\0');
	return CP_OK;
}

static enum cp_code choose(void *user, const struct cp_stale_row *r, struct cp_err *err)
{
	struct choosing *c = user;
	bool is_chosen;

	CP_TRY(fits(c, r, &is_chosen, err));
	if (!is_chosen)
		return CP_OK;
	if (c->n == c->room) {
		struct chosen *list = realloc(c->list, (c->room * 2 + 64) * sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		c->list = list;
		c->room = c->room * 2 + 64;
	}
	c->list[c->n++] = (struct chosen){ r->judgment, r->cause };
	return CP_OK;
}

static enum cp_code settle(struct cp_store *s, const struct cp_stale_settle *w, const struct chosen *c, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_rev weighed;
	struct cp_id key;
	bool found, disputed;

	CP_TRY(cp_row_get(s, CP_T_JUDGMENTS, &c->judgment, row, &found, err));
	if (!found)
		return CP_OK;
	memcpy(weighed.bytes, row[CP_C_REV].bytes, sizeof weighed.bytes);
	cp_id_derive(&key, "stale", 2, (const void *const[]){ c->judgment.bytes, c->cause.bytes }, (const size_t[]){ 16, 16 });
	CP_TRY(cp_row_get(s, CP_T_STALE_SETTLEMENTS, &key, row, &found, err));
	disputed = found && row[CP_C_REV].len > sizeof weighed; /* then one that says what the row shows is an edit too */
	return cp_edit_document(s, CP_T_STALE_SETTLEMENTS, &key, (struct cp_set[]){
			{ "judgment", cp_v_blob(c->judgment.bytes, 16) }, { "cause", cp_v_blob(c->cause.bytes, 16) },
			{ "weighed", cp_v_blob(weighed.bytes, 8) }, { "decision", cp_v_text(w->decision) },
			{ "reason", cp_v_text(w->reason ? w->reason : "") }, { "person", cp_v_blob(s->me.person.bytes, 16) } }, 6,
			disputed ? CP_EDIT_FORCED : CP_EDIT_PLAIN, NULL, NULL, err);
}

/* The same case for the same rater once more, unless a later pass waits for its judgment already, or nobody can see it. */
static enum cp_code requeue(struct cp_store *s, const struct cp_id *assignment, int64_t *n, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	CP_AUTO(buf) struct cp_buf due = CP_BUF(64);
	struct cp_given g;
	int64_t waits, pass;
	bool found;

	CP_TRY(cp_row_get(s, CP_T_ASSIGNMENTS, assignment, row, &found, err));
	if (!found)
		return CP_OK;
	CP_TRY(cp_assignment_read(&g, row, &due, err));
	CP_TRY(cp_query_int(s, &waits, 0, err, "SELECT 1 FROM assignments a WHERE case_id = ?1 AND person = ?2 AND pass > ?3 AND"
			" state = 'given' AND NOT EXISTS (SELECT 1 FROM judgments j WHERE j.id = a.id)"
			" UNION ALL SELECT 1 FROM cases WHERE id = ?1 AND state = 'forgotten' LIMIT 1", "ddi", &g.case_id, &g.person, g.pass));
	if (waits)
		return CP_OK;
	CP_TRY(cp_query_int(s, &pass, 0, err, "SELECT max(pass) + 1 FROM assignments WHERE case_id = ?1 AND person = ?2", "dd",
			&g.case_id, &g.person));
	CP_TRY(cp_query_int(s, &g.position, 0, err, "SELECT max(position) + 1 FROM assignments WHERE person = ?1", "d", &g.person));
	g.pass = pass;
	g.due = "";
	++*n;
	return cp_assignment_give(s, &g, err);
}

static enum cp_code carry_out(struct choosing *c, struct cp_stale_settled *out, struct cp_err *err)
{
	char words[128];
	enum cp_code code = CP_OK;

	CP_TRY(cp_edit_begin(c->s, err));
	for (size_t i = 0; i < c->n && code == CP_OK; i++) {
		code = settle(c->s, c->w, &c->list[i], err);
		if (code == CP_OK && strcmp(c->w->decision, "requeue") == 0)
			code = requeue(c->s, &c->list[i].judgment, &out->requeued, err);
	}
	out->judgments = (int64_t)c->n;
	snprintf(words, sizeof words, "stale judgments: %s %zu", c->w->decision, c->n);
	if (code == CP_OK && !c->w->is_dry_run && c->n > 0)
		return cp_edit_commit(c->s, words, err);
	cp_edit_abort(c->s);
	return code;
}

enum cp_code cp_stale_settle(struct cp_store *s, const struct cp_stale_settle *w, struct cp_stale_settled *out,
		struct cp_err *err)
{
	CP_AUTO(choosing) struct choosing c = { .s = s, .w = w, .cases = calloc(w->n_cases + 1, sizeof *c.cases) };
	struct cp_id unused;

	memset(out, 0, sizeof *out);
	if (c.cases == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: stale judgments are decided about at the hub", s->path);
	for (size_t i = 0; i < w->n_cases; i++)
		CP_TRY(cp_case_find(s, w->cases[i], &c.cases[i], err));
	for (size_t i = 0; i < w->n_people; i++)
		CP_TRY(cp_person_find(s, w->people[i], &unused, err));
	CP_TRY(cp_stale_each(s, w->text, choose, &c, err));
	return carry_out(&c, out, err);
}
