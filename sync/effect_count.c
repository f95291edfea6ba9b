/* Counting: how often each value was given, who agreed, what moved. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sync/effect_inner.h"

void cp_effect_growing_drop(struct cp_effect_growing *g)
{
	for (size_t i = 0; g->tallies != NULL && i < g->e->n; i++) {
		free(g->tallies[i].order);
		free(g->tallies[i].paired[CP_BEFORE]);
		free(g->tallies[i].paired[CP_AFTER]);
	}
	free(g->tallies);
	g->tallies = NULL;
}

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory");
}

/* ---- values -------------------------------------------------------------------------------------- */

/* Where the value stands in the order, or would. */
static size_t find(const struct cp_effect_field *f, const struct cp_effect_tally *t, const char *value, bool *found)
{
	size_t low = 0, high = f->n_values;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(value, f->values[t->order[middle]].value);

		*found = order == 0;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return *found ? high : low;
}

static enum cp_code make_room(struct cp_effect_field *f, struct cp_effect_tally *t, struct cp_err *err)
{
	size_t room = t->room * 2 + 8;
	struct cp_effect_value *values = reallocarray(f->values, room, sizeof *values);
	size_t *order = reallocarray(t->order, room, sizeof *order);

	f->values = values != NULL ? values : f->values;
	t->order = order != NULL ? order : t->order;
	for (int side = 0; side < 2; side++) {
		int64_t *paired = reallocarray(t->paired[side], room, sizeof *paired);

		if (paired == NULL || values == NULL || order == NULL) {
			t->paired[side] = paired != NULL ? paired : t->paired[side];
			return no_memory(err);
		}
		memset(paired + t->room, 0, (room - t->room) * sizeof *paired);
		t->paired[side] = paired;
	}
	t->room = room;
	return CP_OK;
}

enum cp_code cp_effect_value(struct cp_effect_growing *g, size_t field, const char *value, size_t *out, struct cp_err *err)
{
	struct cp_effect_field *f = &g->e->fields[field];
	struct cp_effect_tally *t = &g->tallies[field];
	bool found;
	size_t at;

	*out = 0;
	if (f->is_text)
		return CP_OK;
	at = find(f, t, value, &found);
	if (found) {
		*out = t->order[at];
		return CP_OK;
	}
	if (f->n_values == t->room)
		CP_TRY(make_room(f, t, err));
	f->values[f->n_values] = (struct cp_effect_value){ .value = strdup(value) };
	if (f->values[f->n_values].value == NULL)
		return no_memory(err);
	memmove(t->order + at + 1, t->order + at, (f->n_values - at) * sizeof *t->order);
	t->order[at] = *out = f->n_values++;
	return CP_OK;
}

static void count_answers(struct cp_effect *e, const struct cp_effect_sheet *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct cp_effect_field *f = &e->fields[s->answers[i].field];

		f->answers[s->side]++;
		if (!f->is_text)
			f->values[s->answers[i].value].n[s->side]++;
	}
}

/* ---- agreement ------------------------------------------------------------------------------------- */

/* No later judgment of the same rater on the same side. */
static bool is_latest(const struct cp_effect_case *c, const struct cp_effect_sheet *s)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct cp_effect_sheet *o = &c->sheets[i];

		if (o->side == s->side && o->pass > s->pass && strcmp(o->rater, s->rater) == 0)
			return false;
	}
	return true;
}

static int by_question(const struct cp_effect_answer *a, const struct cp_effect_answer *b)
{
	return a->field != b->field ? (a->field > b->field) - (a->field < b->field) : strcmp(a->result, b->result);
}

static int by_question_and_value(const void *a, const void *b)
{
	const struct cp_effect_answer *x = a, *y = b;
	int order = by_question(x, y);

	return order != 0 ? order : (x->value > y->value) - (x->value < y->value);
}

/* The answers of one item, equal ones side by side. */
static void count_item(struct cp_effect_growing *g, int side, const struct cp_effect_answer *item, size_t m)
{
	struct cp_effect_agreement *a = &g->e->fields[item->field].agreement[side];
	struct cp_effect_tally *t = &g->tallies[item->field];
	int64_t squares = 0;

	if (m < 2 || g->e->fields[item->field].is_text)
		return;
	for (size_t i = 0, end; i < m; i = end) {
		for (end = i; end < m && item[end].value == item[i].value; end++)
			;
		squares += (int64_t)((end - i) * (end - i));
		t->paired[side][item[i].value] += (int64_t)(end - i);
	}
	a->items++;
	a->pairs += (int64_t)(m * (m - 1) / 2);
	a->agreeing += (squares - (int64_t)m) / 2;
	t->disagreement[side] += (double)((int64_t)(m * m) - squares) / (double)(m - 1);
}

static enum cp_code count_agreement(struct cp_effect_growing *g, const struct cp_effect_case *c, int side, struct cp_err *err)
{
	struct cp_effect_answer *votes;
	size_t n = 0, room = 1;

	for (size_t i = 0; i < c->n; i++)
		room += c->sheets[i].n;
	votes = calloc(room, sizeof *votes);
	if (votes == NULL)
		return no_memory(err);
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; c->sheets[i].side == side && is_latest(c, &c->sheets[i]) && k < c->sheets[i].n; k++)
			votes[n++] = c->sheets[i].answers[k];
	qsort(votes, n, sizeof *votes, by_question_and_value);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && by_question(&votes[i], &votes[end]) == 0; end++)
			;
		count_item(g, side, &votes[i], end - i);
	}
	free(votes);
	return CP_OK;
}

/* ---- moves -------------------------------------------------------------------------------------------- */

/* What the rater of that judgment said of the case before it: the latest; NULL: nothing. */
static const struct cp_effect_sheet *before(const struct cp_effect_case *c, const struct cp_effect_sheet *after)
{
	const struct cp_effect_sheet *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct cp_effect_sheet *s = &c->sheets[i];

		if (s->side == CP_BEFORE && s->pass <= after->pass && strcmp(s->rater, after->rater) == 0 &&
				(best == NULL || s->pass > best->pass))
			best = s;
	}
	return best;
}

static const struct cp_effect_answer *same_question(const struct cp_effect_sheet *s, const struct cp_effect_answer *a)
{
	for (size_t i = 0; i < s->n; i++)
		if (by_question(&s->answers[i], a) == 0)
			return &s->answers[i];
	return NULL;
}

static int by_move(const struct cp_effect_move *a, size_t from, size_t to)
{
	return a->from != from ? (a->from > from) - (a->from < from) : (a->to > to) - (a->to < to);
}

static enum cp_code add_move(struct cp_effect_field *f, size_t from, size_t to, struct cp_err *err)
{
	size_t low = 0, high = f->n_moves;
	struct cp_effect_move *moves;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_move(&f->moves[middle], from, to) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	f->same += from == to;
	f->moved += from != to;
	if (low < f->n_moves && by_move(&f->moves[low], from, to) == 0) {
		f->moves[low].n++;
		return CP_OK;
	}
	moves = reallocarray(f->moves, f->n_moves + 1, sizeof *moves);
	if (moves == NULL)
		return no_memory(err);
	f->moves = moves;
	memmove(moves + low + 1, moves + low, (f->n_moves++ - low) * sizeof *moves);
	moves[low] = (struct cp_effect_move){ from, to, 1 };
	return CP_OK;
}

static enum cp_code count_moves(struct cp_effect *e, const struct cp_effect_sheet *b, const struct cp_effect_sheet *a,
		struct cp_err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct cp_effect_answer *then = &b->answers[i], *now = same_question(a, then);

		if (!e->fields[then->field].is_text)
			CP_TRY(add_move(&e->fields[then->field], then->value, now != NULL ? now->value : SIZE_MAX, err));
	}
	for (size_t i = 0; i < a->n; i++)
		if (!e->fields[a->answers[i].field].is_text && same_question(b, &a->answers[i]) == NULL)
			CP_TRY(add_move(&e->fields[a->answers[i].field], SIZE_MAX, a->answers[i].value, err));
	return CP_OK;
}

/* ---- a case, and the end --------------------------------------------------------------------------------- */

enum cp_code cp_effect_count(struct cp_effect_growing *g, const struct cp_effect_case *c, struct cp_err *err)
{
	bool is_there[2] = { false, false };

	for (size_t i = 0; i < c->n; i++) {
		const struct cp_effect_sheet *s = &c->sheets[i], *then;

		is_there[s->side] = true;
		count_answers(g->e, s);
		then = s->side == CP_AFTER && is_latest(c, s) ? before(c, s) : NULL;
		if (then != NULL)
			CP_TRY(count_moves(g->e, then, s, err));
	}
	for (int side = 0; side < 2; side++) {
		g->e->side[side].cases += is_there[side];
		CP_TRY(count_agreement(g, c, side, err));
	}
	return CP_OK;
}

static void find_alpha(struct cp_effect_field *f, const struct cp_effect_tally *t, int side)
{
	double n = 0, squares = 0;

	for (size_t v = 0; v < f->n_values; v++) {
		n += (double)t->paired[side][v];
		squares += (double)t->paired[side][v] * (double)t->paired[side][v];
	}
	f->agreement[side].has_alpha = n * n > squares;
	if (f->agreement[side].has_alpha)
		f->agreement[side].alpha = 1 - (n - 1) * t->disagreement[side] / (n * n - squares);
}

static bool is_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* Numbers by size, then others by spelling. */
static int by_value(const void *a, const void *b)
{
	const struct cp_effect_value *const *x = a, *const *y = b;
	double m, n;
	bool is_m = is_number((*x)->value, &m), is_n = is_number((*y)->value, &n);

	if (is_m != is_n)
		return is_m ? -1 : 1;
	if (is_m && m != n)
		return m < n ? -1 : 1;
	return strcmp((*x)->value, (*y)->value);
}

static int by_places(const void *a, const void *b)
{
	return by_move(a, ((const struct cp_effect_move *)b)->from, ((const struct cp_effect_move *)b)->to);
}

/* Values in order, and the moves' places with them. */
static enum cp_code put_in_order(struct cp_effect_field *f, struct cp_err *err)
{
	struct cp_effect_value **sorted = calloc(f->n_values + 1, sizeof *sorted), *values = calloc(f->n_values + 1, sizeof *values);
	size_t *place = calloc(f->n_values + 1, sizeof *place);
	bool is_whole = sorted != NULL && values != NULL && place != NULL;

	for (size_t v = 0; is_whole && v < f->n_values; v++)
		sorted[v] = &f->values[v];
	if (is_whole)
		qsort(sorted, f->n_values, sizeof *sorted, by_value);
	for (size_t v = 0; is_whole && v < f->n_values; v++) {
		values[v] = *sorted[v];
		place[sorted[v] - f->values] = v;
	}
	for (size_t i = 0; is_whole && i < f->n_moves; i++) {
		f->moves[i].from = f->moves[i].from == SIZE_MAX ? SIZE_MAX : place[f->moves[i].from];
		f->moves[i].to = f->moves[i].to == SIZE_MAX ? SIZE_MAX : place[f->moves[i].to];
	}
	if (is_whole) {
		free(f->values);
		f->values = values;
		if (f->n_moves > 0)
			qsort(f->moves, f->n_moves, sizeof *f->moves, by_places);
	} else {
		free(values);
	}
	free(sorted);
	free(place);
	return is_whole ? CP_OK : no_memory(err);
}

static int by_form_and_name(const void *a, const void *b)
{
	const struct cp_effect_field *x = a, *y = b;
	int order = strcmp(x->form, y->form);

	return order != 0 ? order : strcmp(x->name, y->name);
}

enum cp_code cp_effect_finish(struct cp_effect_growing *g, struct cp_err *err)
{
	struct cp_effect *e = g->e;

	for (size_t i = 0; i < e->n; i++) {
		find_alpha(&e->fields[i], &g->tallies[i], CP_BEFORE);
		find_alpha(&e->fields[i], &g->tallies[i], CP_AFTER);
		CP_TRY(put_in_order(&e->fields[i], err));
	}
	if (e->n > 0)
		qsort(e->fields, e->n, sizeof *e->fields, by_form_and_name);
	return CP_OK;
}
