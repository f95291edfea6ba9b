#include "sync/judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/task.h"

void cp_task_drop(struct cp_task *t)
{
	if (t->held != NULL) {
		struct cp_task_held *h = t->held;

		cp_case_view_drop(&t->view);
		cp_form_drop(&t->form);
		cp_buf_drop(&h->guideline);
		cp_buf_drop(&h->due);
		cp_buf_drop(&h->note);
		free(h);
	}
	memset(t, 0, sizeof *t);
}

/* Mine to judge, or judged: not what a lead took back or forgot. */
#define GIVEN_SQL "a.person = ?1 AND a.state = 'given' AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = a.case_id AND c.state = 'forgotten')"
/* Where I stand with an assignment, in SQL: what the lead forgot or withdrew, my draft, what I submitted, or nothing yet. */
#define STATE_SQL \
	"CASE WHEN EXISTS (SELECT 1 FROM cases c WHERE c.id = a.case_id AND c.state = 'forgotten') THEN 'forgotten'" \
	" WHEN a.state <> 'given' THEN 'withdrawn' WHEN d.id IS NOT NULL THEN 'draft'" \
	" WHEN j.id IS NOT NULL THEN j.state ELSE 'todo' END"
#define MINE_SQL \
	" FROM assignments a LEFT JOIN judgments j ON j.id = a.id LEFT JOIN drafts d ON d.id = a.id" \
	" WHERE a.person = ?1"

static const char *state_name(const char *text)
{
	static const char *const names[] = { "todo", "draft", "submitted", "skipped", "escalated", "withdrawn", "forgotten" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], text) == 0)
			return names[i];
	return "todo";
}

static enum cp_code load_form(struct cp_store *s, const struct cp_id *form, struct cp_task *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	struct cp_task_held *h = t->held;
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id, body FROM form_versions WHERE id = "
			CP_CURRENT("form_versions", "?1"), "d", form));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "the form of this assignment is not here; the bundle that brings it has not come");
	cp_col_id(q, 0, &h->form_version);
	CP_TRY(cp_buf_add(&body, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), err));
	sqlite3_reset(q);
	return cp_form_read(&t->form, body.data, body.len, err);
}

static enum cp_code load_guideline(struct cp_store *s, const struct cp_value *id, struct cp_task *t, struct cp_err *err)
{
	struct cp_task_held *h = t->held;
	sqlite3_stmt *q;
	bool row;

	t->guideline = "";
	if (id->len != 16)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT v.id, g.name, v.number FROM guidelines g JOIN guideline_revisions v"
			" ON v.parent_doc = g.id WHERE g.id = ?1 AND v.id = " CP_CURRENT("guideline_revisions", "?1"), "v", id));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	cp_col_id(q, 0, &h->guideline_revision);
	h->has_guideline = true;
	CP_TRY(cp_buf_puts(&h->guideline, cp_col_text(q, 1), err));
	t->guideline = h->guideline.data;
	t->guideline_number = sqlite3_column_int64(q, 2);
	sqlite3_reset(q);
	return CP_OK;
}

static enum cp_code load_state(struct cp_store *s, struct cp_task *t, struct cp_err *err)
{
	struct cp_task_held *h = t->held;
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT " STATE_SQL ", coalesce(d.note, j.note, ''), a.due" MINE_SQL " AND a.id = ?2",
			"dd", &s->me.person, &t->assignment));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "no such assignment of yours");
	t->state = state_name(cp_col_text(q, 0));
	CP_TRY(cp_buf_puts(&h->note, cp_col_text(q, 1), err));
	CP_TRY(cp_buf_puts(&h->due, cp_col_text(q, 2), err));
	sqlite3_reset(q);
	t->note = h->note.data;
	t->due = h->due.data;
	return CP_OK;
}

static enum cp_code load_inside(struct cp_store *s, struct cp_task *t, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS], guideline;
	struct cp_task_held *h = t->held;
	struct cp_id case_id, form;
	bool found;

	CP_TRY(cp_row_get(s, CP_T_ASSIGNMENTS, &t->assignment, row, &found, err));
	if (!found)
		return cp_fail(err, CP_ENOTFOUND, "no such assignment");
	memcpy(case_id.bytes, row[3].bytes, 16);
	memcpy(form.bytes, row[8].bytes, 16);
	h->assignment_rev_len = row[CP_C_REV].len;
	memcpy(h->assignment_rev, row[CP_C_REV].bytes, row[CP_C_REV].len);
	guideline = row[9];
	CP_TRY(load_guideline(s, &guideline, t, err));
	CP_TRY(load_form(s, &form, t, err));
	CP_TRY(cp_case_load(s, &case_id, &t->view, err));
	return load_state(s, t, err);
}

static enum cp_code load(struct cp_store *s, const struct cp_id *assignment, struct cp_task *t, struct cp_err *err)
{
	struct cp_task_held *h = calloc(1, sizeof *h);
	enum cp_code code;

	assert(h != NULL);
	memset(t, 0, sizeof *t);
	h->guideline = h->due = (struct cp_buf)CP_BUF(4096);
	h->note = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	t->held = h;
	t->assignment = *assignment;
	code = load_inside(s, t, err);
	if (code != CP_OK)
		cp_task_drop(t);
	return code;
}

/* The first column of the first row as an id. */
static enum cp_code first_id(struct cp_store *s, sqlite3_stmt *q, struct cp_id *out, bool *found, struct cp_err *err)
{
	CP_TRY(cp_step(s, q, found, err));
	if (*found) {
		cp_col_id(q, 0, out);
		sqlite3_reset(q);
	}
	return CP_OK;
}

enum cp_code cp_task_find(struct cp_store *s, const struct cp_id *case_id, struct cp_task *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_id id;
	bool found;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM assignments WHERE case_id = ?1 AND person = ?2 ORDER BY pass DESC LIMIT 1",
			"dd", case_id, &s->me.person));
	CP_TRY(first_id(s, q, &id, &found, err));
	if (!found)
		return cp_fail(err, CP_ENOTFOUND, "this case is not assigned to you");
	return load(s, &id, out, err);
}

static enum cp_code count_mine(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, "SELECT count(*) FROM assignments a WHERE " GIVEN_SQL, "d",
			&s->me.person);
}

enum cp_code cp_task_place(struct cp_store *s, struct cp_task *t, struct cp_err *err)
{
	CP_TRY(count_mine(s, &t->total, err));
	return cp_query_int(s, &t->position, 0, err, "SELECT count(*) FROM assignments a, assignments b WHERE b.id = ?2 AND "
			GIVEN_SQL " AND (a.position, a.id) <= (b.position, b.id)", "dd",
			&s->me.person, &t->assignment);
}

enum cp_code cp_task_at(struct cp_store *s, int64_t position, struct cp_task *out, bool *out_found, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_id id;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM assignments a WHERE " GIVEN_SQL " ORDER BY position, id"
			" LIMIT 1 OFFSET ?2", "di", &s->me.person, position - 1));
	CP_TRY(first_id(s, q, &id, out_found, err));
	if (!*out_found)
		return CP_OK;
	CP_TRY(load(s, &id, out, err));
	out->position = position;
	return count_mine(s, &out->total, err);
}

static enum cp_code visit_one(struct cp_store *s, const struct cp_id *id, int64_t position, int64_t total, cp_task_visit *visit,
		void *user, struct cp_err *err)
{
	struct cp_task t;
	enum cp_code code;

	CP_TRY(load(s, id, &t, err));
	t.position = position;
	t.total = total;
	code = visit(user, &t, err);
	cp_task_drop(&t);
	return code;
}

/* Their ids at once: what is visited may ask the store other things. */
static enum cp_code my_ids(struct cp_store *s, struct cp_buf *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_id id;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM assignments a WHERE " GIVEN_SQL " ORDER BY position, id", "d",
			&s->me.person));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		CP_TRY(cp_buf_add(out, &id, sizeof id, err));
	}
}

enum cp_code cp_task_each(struct cp_store *s, cp_task_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf ids = CP_BUF((size_t)1 << 31);
	size_t n;

	CP_TRY(my_ids(s, &ids, err));
	n = ids.len / sizeof(struct cp_id);
	for (size_t i = 0; i < n; i++) {
		struct cp_id id;

		memcpy(&id, ids.data + i * sizeof id, sizeof id);
		CP_TRY(visit_one(s, &id, (int64_t)i + 1, (int64_t)n, visit, user, err));
	}
	return CP_OK;
}

enum cp_code cp_task_next(struct cp_store *s, int64_t from, int64_t *out_position, struct cp_err *err)
{
	return cp_query_int(s, out_position, 0, err, "SELECT n FROM (SELECT row_number() OVER (ORDER BY a.position, a.id) AS n,"
			" " STATE_SQL " AS state" MINE_SQL " AND " GIVEN_SQL ") WHERE state IN ('todo', 'draft') AND n >= ?2"
			" ORDER BY n LIMIT 1", "di", &s->me.person, from);
}

enum cp_code cp_progress(struct cp_store *s, struct cp_progress *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	memset(out, 0, sizeof *out);
	CP_TRY(cp_query(s, &q, err, "SELECT " STATE_SQL ", count(*)" MINE_SQL " AND " GIVEN_SQL " GROUP BY 1", "d",
			&s->me.person));
	for (;;) {
		const char *state;
		int64_t n;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		state = cp_col_text(q, 0);
		n = sqlite3_column_int64(q, 1);
		out->total += n;
		*(strcmp(state, "submitted") == 0 ? &out->submitted : strcmp(state, "skipped") == 0 ? &out->skipped
			: strcmp(state, "escalated") == 0 ? &out->escalated : strcmp(state, "draft") == 0 ? &out->drafts
			: &out->todo) += n;
	}
}

/* The result of that external id or name; NULL when the case has none such. */
const char *cp_task_result(const struct cp_task *t, const char *result)
{
	for (size_t i = 0; i < t->view.n_results; i++)
		if (strcmp(t->view.results[i].name, result) == 0)
			return t->view.results[i].name;
	for (size_t i = 0; i < t->view.n_results; i++)
		if (strcmp(t->view.results[i].id, result) == 0)
			return t->view.results[i].name;
	return NULL;
}

enum cp_code cp_task_answer(struct cp_store *s, const struct cp_task *t, const char *field, const char *result,
		struct cp_buf *out, bool *out_found, struct cp_err *err)
{
	const char *name = *result ? cp_task_result(t, result) : "";
	bool row;

	*out_found = false;
	if (name == NULL)
		return CP_OK;
	cp_buf_clear(out);
	CP_TRY(cp_query_text(s, out, &row, err, "SELECT coalesce(value, '') FROM draft_ratings WHERE id = ?1 AND field = ?2"
			" AND result = ?3", "dtt", &t->assignment, field, name));
	if (!row)
		CP_TRY(cp_query_text(s, out, &row, err, "SELECT coalesce(value, '') FROM ratings WHERE judgment = ?1 AND field = ?2"
				" AND result = ?3", "dtt", &t->assignment, field, name));
	*out_found = out->len > 0;
	return CP_OK;
}
