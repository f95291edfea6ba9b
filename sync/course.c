#include "sync/course.h"

#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"

void cp_course_drop(struct cp_course *c)
{
	cp_document_drop(&c->document);
	free(c->steps);
	memset(c, 0, sizeof *c);
}

/* ---- reading ------------------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
	const struct cp_course_step *x = a, *y = b;

	if (x->order != y->order)
		return (x->order > y->order) - (x->order < y->order);
	return memcmp(&x->edit->rev, &y->edit->rev, sizeof x->edit->rev);
}

static bool has_rev(const struct cp_course_step *step, const struct cp_rev *rev)
{
	return memcmp(&step->edit->rev, rev, sizeof *rev) == 0;
}

static bool replaces(const struct cp_course_step *step, const struct cp_course_step *other)
{
	for (size_t p = 0; p < step->edit->n_replaced; p++)
		if (has_rev(other, &step->edit->replaced[p]))
			return true;
	return false;
}

/* Clocks of two devices may differ: what replaced another edit comes behind it all the same. Forged edits that replace each
 * other are as they are after so many rounds. */
static void put_in_order(struct cp_course *c)
{
	bool moved = true;

	for (size_t i = 0; i < c->n; i++)
		c->steps[i].order = c->steps[i].edit->clock;
	for (size_t round = 0; moved && round < c->n; round++) {
		moved = false;
		for (size_t i = 0; i < c->n; i++)
			for (size_t k = 0; k < c->n; k++)
				if (replaces(&c->steps[i], &c->steps[k]) && c->steps[i].order <= c->steps[k].order) {
					c->steps[i].order = c->steps[k].order + 1;
					moved = true;
				}
	}
	if (c->n > 1)
		qsort(c->steps, c->n, sizeof *c->steps, by_order);
}

/* The step whose edit has that rev, among those in front of number n. */
static struct cp_course_step *step_of(const struct cp_course *c, size_t n, const struct cp_rev *rev)
{
	for (size_t i = n; i-- > 0;)
		if (has_rev(&c->steps[i], rev))
			return &c->steps[i];
	return NULL;
}

/* The cell as that step left it: of an edit it holds only what changed. */
static const struct cp_value *cell_at(const struct cp_course_step *step, const char *name, size_t len)
{
	for (; step != NULL; step = step->before)
		for (size_t i = 0; i < step->edit->n_cells; i++) {
			const struct cp_cell_write *cell = &step->edit->cells[i];

			if (cell->name_len == len && memcmp(cell->name, name, len) == 0)
				return &cell->value;
		}
	return NULL;
}

static enum cp_code fill(struct cp_store *s, struct cp_course_step *step, struct cp_err *err)
{
	const struct cp_value *revision = cell_at(step, "guideline_revision", strlen("guideline_revision"));
	const struct cp_value *state = cell_at(step, "state", strlen("state"));
	sqlite3_stmt *q;
	bool row;

	if (revision != NULL && revision->len == sizeof step->revision)
		memcpy(&step->revision, revision->bytes, sizeof step->revision);
	if (state != NULL)
		snprintf(step->state, sizeof step->state, "%.*s", (int)state->len, (const char *)state->bytes);
	step->claimed_us = step->edit->clock;
	if (step->edit->commit_no < 0)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT oid, received_us FROM commits WHERE no = ?1", "i", step->edit->commit_no));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(step->commit, sizeof step->commit, "%s", cp_col_text(q, 0));
	step->received_us = sqlite3_column_int64(q, 1);
	sqlite3_reset(q);
	return CP_OK;
}

/* What stands, and all that it grew from, is no aside. */
static enum cp_code mark(struct cp_store *s, struct cp_course *c, const struct cp_id *judgment, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_rev stands = { { 0 } };
	bool found;

	CP_TRY(cp_row_get(s, CP_T_JUDGMENTS, judgment, row, &found, err));
	if (found && row[CP_C_REV].len >= sizeof stands)
		memcpy(&stands, row[CP_C_REV].bytes, sizeof stands);
	for (size_t i = c->n; i-- > 0;) {
		struct cp_course_step *step = &c->steps[i];

		step->stands = has_rev(step, &stands);
		step->is_aside = !step->stands;
		for (size_t k = i + 1; step->is_aside && k < c->n; k++)
			step->is_aside = c->steps[k].is_aside || !replaces(&c->steps[k], step);
	}
	return CP_OK;
}

enum cp_code cp_course_load(struct cp_store *s, const struct cp_id *judgment, struct cp_course *out, struct cp_err *err)
{
	enum cp_code code;

	memset(out, 0, sizeof *out);
	CP_TRY(cp_document_load(s, CP_T_JUDGMENTS, judgment, &out->document, err));
	out->steps = calloc(out->document.n + 1, sizeof *out->steps);
	code = out->steps != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; code == CP_OK && i < out->document.n; i++)
		out->steps[out->n++].edit = &out->document.edits[i];
	put_in_order(out);
	for (size_t i = 0; code == CP_OK && i < out->n; i++) {
		const struct cp_doc_edit *e = out->steps[i].edit;

		out->steps[i].before = e->n_replaced > 0 ? step_of(out, i, &e->replaced[0]) : NULL;
		code = fill(s, &out->steps[i], err);
	}
	if (code == CP_OK)
		code = mark(s, out, judgment, err);
	if (code != CP_OK)
		cp_course_drop(out);
	return code;
}

const struct cp_course_step *cp_course_stands(const struct cp_course *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->steps[i].stands)
			return &c->steps[i];
	return NULL;
}

/* ---- answers ------------------------------------------------------------------------------------- */

enum cp_code cp_course_answers(const struct cp_course_step *step, cp_answer_visit *visit, void *user, struct cp_err *err)
{
	for (const struct cp_course_step *at = step; at != NULL; at = at->before)
		for (size_t i = 0; i < at->edit->n_cells; i++) {
			const struct cp_cell_write *cell = &at->edit->cells[i];

			if (!cell->is_answer || cell->value.type != CP_TEXT || cell_at(step, cell->name, cell->name_len) != &cell->value)
				continue; /* no answer, taken back, or given anew since */
			CP_TRY(visit(user, cell->field, cell->result, (const char *)cell->value.bytes, err));
		}
	return CP_OK;
}

/* ---- the judgments of a case --------------------------------------------------------------------- */

enum cp_code cp_judged_each(struct cp_store *s, const struct cp_id *case_id, const char *rater, int64_t pass,
		cp_judged_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT j.id, j.guideline_revision, p.pseudonym, j.state, coalesce((SELECT g.name FROM guidelines g"
			" JOIN guideline_revisions v ON v.parent_doc = g.id WHERE v.id = j.guideline_revision), ''), a.pass, j.clock"
			" FROM assignments a JOIN judgments j ON j.id = a.id JOIN persons p ON p.id = a.person"
			" WHERE a.case_id = ?1 AND (?2 IS NULL OR p.pseudonym = ?2) AND ?3 IN (0, a.pass)"
			" ORDER BY p.pseudonym, a.pass", "dti", case_id, rater, pass));
	for (;;) {
		struct cp_judged j;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &j.judgment);
		cp_col_id(q, 1, &j.revision);
		j.rater = cp_col_text(q, 2);
		j.state = cp_col_text(q, 3);
		j.guideline = cp_col_text(q, 4);
		j.pass = sqlite3_column_int64(q, 5);
		j.judged_us = sqlite3_column_int64(q, 6);
		code = visit(user, &j, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
