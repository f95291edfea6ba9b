/* Gathering the judgments before and after a revision, one case after the other. */
#include "sync/effect.h"

#include <stdlib.h>
#include <string.h>

#include "sync/course.h"
#include "sync/effect_inner.h"
#include "sync/inner.h"
#include "sync/report.h"
#include "sync/texts.h"

void cp_effect_drop(struct cp_effect *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct cp_effect_field *f = &e->fields[i];

		free(f->form);
		free(f->name);
		for (size_t v = 0; v < f->n_values; v++)
			free(f->values[v].value);
		free(f->values);
		free(f->moves);
	}
	free(e->fields);
	memset(e, 0, sizeof *e);
}

struct names { char **list; size_t n; };

struct measuring {
	struct cp_store *s;
	const struct cp_revision_list *revisions;
	bool *below, *above;         /* of each revision: is it the one asked about, or did it grow from it; into it? */
	const char *field;
	struct cp_effect_growing g;
	struct names raters[2];
	char *case_name;             /* of the case that is being read; NULL: none yet */
	struct cp_effect_case now;
	struct cp_id judgment;       /* that is being read */
	size_t sheet;                /* its place in now; SIZE_MAX: it gives no answers */
};

static void forget_case(struct measuring *m)
{
	for (size_t i = 0; i < m->now.n; i++) {
		struct cp_effect_sheet *sheet = &m->now.sheets[i];

		for (size_t k = 0; k < sheet->n; k++)
			free(sheet->answers[k].result);
		free(sheet->answers);
		free(sheet->rater);
	}
	m->now.n = 0;
	free(m->case_name);
	m->case_name = NULL;
}

static void cp_measuring_drop(struct measuring *m)
{
	forget_case(m);
	free(m->now.sheets);
	cp_effect_growing_drop(&m->g);
	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < m->raters[side].n; i++)
			free(m->raters[side].list[i]);
		free(m->raters[side].list);
	}
	free(m->below);
	free(m->above);
}

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory");
}

/* ---- fields ------------------------------------------------------------------------------------ */

static enum cp_code is_free_text(struct cp_store *s, const char *form, const char *field, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	struct cp_form f;

	*out = false;
	CP_TRY(cp_text_get(s, true, form, 0, &body, NULL, err));
	CP_TRY(cp_form_read(&f, body.data, body.len, err));
	for (size_t i = 0; i < f.n_fields; i++)
		if (strcmp(f.fields[i].name, field) == 0)
			*out = f.fields[i].type == CP_FREE_TEXT;
	cp_form_drop(&f);
	return CP_OK;
}

static enum cp_code add_field(struct measuring *m, const char *form, const char *name, struct cp_err *err)
{
	struct cp_effect *e = m->g.e;
	struct cp_effect_field *fields = reallocarray(e->fields, e->n + 1, sizeof *fields);
	struct cp_effect_tally *tallies;

	if (fields == NULL)
		return no_memory(err);
	e->fields = fields;
	tallies = reallocarray(m->g.tallies, e->n + 1, sizeof *tallies);
	if (tallies == NULL)
		return no_memory(err);
	m->g.tallies = tallies;
	memset(&tallies[e->n], 0, sizeof *tallies);
	memset(&fields[e->n], 0, sizeof *fields);
	fields[e->n].form = strdup(form);
	fields[e->n].name = strdup(name);
	e->n++;
	if (fields[e->n - 1].form == NULL || fields[e->n - 1].name == NULL)
		return no_memory(err);
	return is_free_text(m->s, form, name, &fields[e->n - 1].is_text, err);
}

static enum cp_code field_of(struct measuring *m, const char *form, const char *name, size_t *out, struct cp_err *err)
{
	struct cp_effect *e = m->g.e;

	for (*out = 0; *out < e->n; ++*out)
		if (strcmp(e->fields[*out].name, name) == 0 && strcmp(e->fields[*out].form, form) == 0)
			return CP_OK;
	return add_field(m, form, name, err);
}

/* ---- sheets -------------------------------------------------------------------------------------- */

static enum cp_code add_sheet(struct measuring *m, const char *rater, int64_t pass, int side, struct cp_err *err)
{
	if (m->now.n == m->now.room) {
		struct cp_effect_sheet *sheets = reallocarray(m->now.sheets, m->now.room * 2 + 8, sizeof *sheets);

		if (sheets == NULL)
			return no_memory(err);
		m->now.sheets = sheets;
		m->now.room = m->now.room * 2 + 8;
	}
	m->now.sheets[m->now.n] = (struct cp_effect_sheet){ .rater = strdup(rater), .pass = pass, .side = side };
	return m->now.sheets[m->now.n++].rater != NULL ? CP_OK : no_memory(err);
}

static enum cp_code add_answer(struct measuring *m, size_t sheet, const char *form, const char *field, const char *result,
		const char *value, struct cp_err *err)
{
	struct cp_effect_sheet *s = &m->now.sheets[sheet];
	struct cp_effect_answer a;

	if (m->field != NULL && strcmp(m->field, field) != 0)
		return CP_OK;
	CP_TRY(field_of(m, form, field, &a.field, err));
	CP_TRY(cp_effect_value(&m->g, a.field, value, &a.value, err));
	if (s->n == s->room) {
		struct cp_effect_answer *answers = reallocarray(s->answers, s->room * 2 + 8, sizeof *answers);

		if (answers == NULL)
			return no_memory(err);
		s->answers = answers;
		s->room = s->room * 2 + 8;
	}
	a.result = strdup(result);
	if (a.result == NULL)
		return no_memory(err);
	s->answers[s->n++] = a;
	return CP_OK;
}

/* ---- counts of judgments ------------------------------------------------------------------------- */

static enum cp_code note_rater(struct measuring *m, int side, const char *rater, struct cp_err *err)
{
	struct names *names = &m->raters[side];
	char **list;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i], rater) == 0)
			return CP_OK;
	list = reallocarray(names->list, names->n + 1, sizeof *list);
	if (list == NULL)
		return no_memory(err);
	names->list = list;
	list[names->n] = strdup(rater);
	m->g.e->side[side].raters++;
	return list[names->n++] != NULL ? CP_OK : no_memory(err);
}

static enum cp_code count_judgment(struct measuring *m, int side, const char *rater, const char *state, struct cp_err *err)
{
	struct cp_effect_side *s = &m->g.e->side[side];

	s->judgments++;
	s->submitted += strcmp(state, "submitted") == 0;
	s->skipped += strcmp(state, "skipped") == 0;
	s->escalated += strcmp(state, "escalated") == 0;
	s->withdrawn += strcmp(state, "withdrawn") == 0;
	return note_rater(m, side, rater, err);
}

/* ---- what a judgment said before it was changed ----------------------------------------------------- */

struct past { struct measuring *m; const char *form; size_t sheet; };

static enum cp_code on_past(void *user, const char *field, const char *result, const char *value, struct cp_err *err)
{
	struct past *p = user;

	return add_answer(p->m, p->sheet, p->form, field, result, value, err);
}

/* The last step on the way to what stands that was made before the revision; NULL: none. */
static const struct cp_course_step *step_before(const struct measuring *m, const struct cp_course *c)
{
	const struct cp_course_step *step = cp_course_stands(c);

	for (; step != NULL; step = step->before) {
		size_t at = cp_revision_at(m->revisions, &step->revision);

		if (at != SIZE_MAX && !m->below[at])
			return step;
	}
	return NULL;
}

static enum cp_code look_back(struct measuring *m, const struct cp_label *l, struct cp_err *err)
{
	const struct cp_course_step *step;
	struct cp_course course;
	int64_t edits;
	enum cp_code code = CP_OK;

	CP_TRY(cp_query_int(m->s, &edits, 0, err, "SELECT count(*) FROM edits WHERE doc = ?1 AND tbl = ?2", "di", &l->judgment,
			(int64_t)CP_T_JUDGMENTS));
	if (edits < 2)
		return CP_OK;
	CP_TRY(cp_course_load(m->s, &l->judgment, &course, err));
	step = step_before(m, &course);
	if (step != NULL) {
		m->g.e->side[CP_BEFORE].changed++;
		code = count_judgment(m, CP_BEFORE, l->rater, step->state, err);
		if (code == CP_OK)
			code = add_sheet(m, l->rater, l->pass, CP_BEFORE, err);
	}
	if (code == CP_OK && step != NULL && strcmp(step->state, "submitted") == 0)
		code = cp_course_answers(step, on_past, &(struct past){ m, l->form, m->now.n - 1 }, err);
	cp_course_drop(&course);
	return code;
}

/* ---- a judgment, a case -------------------------------------------------------------------------------- */

static enum cp_code begin_judgment(struct measuring *m, const struct cp_label *l, size_t at, struct cp_err *err)
{
	int side = m->below[at] ? CP_AFTER : CP_BEFORE;
	struct cp_effect_side *s = &m->g.e->side[side];

	m->judgment = l->judgment;
	m->sheet = SIZE_MAX;
	CP_TRY(count_judgment(m, side, l->rater, l->state, err));
	s->late += l->is_late;
	s->stale += l->is_stale;
	s->in_conflict += l->in_conflict;
	s->undecided += l->is_undecided;
	s->beside += side == CP_BEFORE && !m->above[at];
	if (l->is_undecided)
		return CP_OK;
	if (side == CP_AFTER)
		CP_TRY(look_back(m, l, err));
	CP_TRY(add_sheet(m, l->rater, l->pass, side, err));
	if (strcmp(l->state, "submitted") == 0)
		m->sheet = m->now.n - 1;
	return CP_OK;
}

static enum cp_code end_case(struct measuring *m, struct cp_err *err)
{
	CP_TRY(cp_effect_count(&m->g, &m->now, err));
	forget_case(m);
	return CP_OK;
}

static enum cp_code on_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct measuring *m = user;
	size_t at;

	if (m->case_name == NULL || !cp_id_equal(&m->judgment, &l->judgment)) {
		at = cp_revision_at(m->revisions, &l->revision);
		if (at == SIZE_MAX)
			return CP_OK;
		if (m->case_name != NULL && strcmp(m->case_name, l->case_name) != 0)
			CP_TRY(end_case(m, err));
		if (m->case_name == NULL && (m->case_name = strdup(l->case_name)) == NULL)
			return no_memory(err);
		CP_TRY(begin_judgment(m, l, at, err));
	}
	if (m->sheet == SIZE_MAX || *l->field == '\0')
		return CP_OK;
	return add_answer(m, m->sheet, l->form, l->field, l->result_name, l->value, err);
}

enum cp_code cp_effect_measure(struct cp_store *s, const struct cp_revision_list *revisions, size_t at,
		const char *field, struct cp_effect *out, struct cp_err *err)
{
	CP_AUTO(measuring) struct measuring m = { .s = s, .revisions = revisions, .field = field, .g = { .e = out },
		.below = calloc(revisions->n, sizeof *m.below), .above = calloc(revisions->n, sizeof *m.above) };
	enum cp_code code;

	memset(out, 0, sizeof *out);
	if (m.below == NULL || m.above == NULL)
		return no_memory(err);
	cp_revision_below(revisions, at, m.below);
	cp_revision_above(revisions, at, m.above);
	code = cp_label_each(s, on_label, &m, err);
	if (code == CP_OK)
		code = end_case(&m, err);
	if (code == CP_OK)
		code = cp_effect_finish(&m.g, err);
	if (code != CP_OK)
		cp_effect_drop(out);
	return code;
}
