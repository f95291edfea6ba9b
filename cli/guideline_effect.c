/* `guideline effect`: the judgments before and after a revision, and how labels moved. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/guideline.h"
#include "cli/shown.h"
#include "sync/effect.h"

#define MATRIX_MAX 12 /* values; more of them are a list */

/* ---- for scripts ------------------------------------------------------------------------------- */

static json_t *side_json(const struct cp_effect_side *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "judgments", (json_int_t)s->judgments,
			"raters", (json_int_t)s->raters, "cases", (json_int_t)s->cases, "submitted", (json_int_t)s->submitted,
			"skipped", (json_int_t)s->skipped, "escalated", (json_int_t)s->escalated, "withdrawn", (json_int_t)s->withdrawn,
			"late", (json_int_t)s->late, "stale", (json_int_t)s->stale, "in_conflict", (json_int_t)s->in_conflict,
			"undecided", (json_int_t)s->undecided, "beside", (json_int_t)s->beside,
			"changed", (json_int_t)s->changed);
}

static double percent(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static json_t *agreement_json(const struct cp_effect_agreement *a)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:o}", "items", (json_int_t)a->items, "pairs", (json_int_t)a->pairs,
			"agreeing", (json_int_t)a->agreeing, "percent", a->pairs > 0 ? json_real(percent(a->agreeing, a->pairs)) : json_null(),
			"alpha", a->has_alpha ? json_real(a->alpha) : json_null());
}

static json_t *value_json(const struct cp_effect_field *f, size_t at)
{
	return at == SIZE_MAX ? json_null() : cp_json_text(f->values[at].value);
}

static json_t *field_json(const struct cp_effect_field *f)
{
	json_t *values = json_array(), *moves = json_array();

	for (size_t v = 0; v < f->n_values; v++)
		json_array_append_new(values, json_pack("{s:o, s:I, s:I}", "value", value_json(f, v),
				"before", (json_int_t)f->values[v].n[CP_BEFORE], "after", (json_int_t)f->values[v].n[CP_AFTER]));
	for (size_t i = 0; i < f->n_moves; i++)
		json_array_append_new(moves, json_pack("{s:o, s:o, s:I}", "from", value_json(f, f->moves[i].from),
				"to", value_json(f, f->moves[i].to), "n", (json_int_t)f->moves[i].n));
	return json_pack("{s:o, s:o, s:b, s:{s:I, s:I}, s:o, s:{s:o, s:o}, s:I, s:I, s:o}", "form", cp_json_text(f->form),
			"field", cp_json_text(f->name), "free_text", (int)f->is_text,
			"answers", "before", (json_int_t)f->answers[CP_BEFORE], "after", (json_int_t)f->answers[CP_AFTER],
			"values", values, "agreement", "before", agreement_json(&f->agreement[CP_BEFORE]),
			"after", agreement_json(&f->agreement[CP_AFTER]), "same", (json_int_t)f->same, "moved", (json_int_t)f->moved,
			"moves", moves);
}

static enum cp_code print_json(const char *name, const struct cp_revision *r, const struct cp_effect *e, struct cp_err *err)
{
	json_t *fields = json_array();
	char id[CP_ID_HEX];

	for (size_t i = 0; i < e->n; i++)
		json_array_append_new(fields, field_json(&e->fields[i]));
	return cp_json_line(json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o}", "name", name, "number", (json_int_t)r->number,
			"revision", r->kind, "id", cp_hex(id, r->id.bytes, sizeof r->id.bytes),
			"before", side_json(&e->side[CP_BEFORE]), "after", side_json(&e->side[CP_AFTER]), "fields", fields), err);
}

/* ---- for people ---------------------------------------------------------------------------------- */

/* What is not nothing: ", 3 late". */
static enum cp_code add_count(struct cp_buf *out, int64_t n, const char *what, struct cp_err *err)
{
	return n == 0 ? CP_OK : cp_buf_printf(out, err, ", %lld %s", (long long)n, what);
}

static enum cp_code print_side(const char *words, const struct cp_effect_side *s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf rest = CP_BUF(4096);
	char judgments[CP_COUNT], cases[CP_COUNT], raters[CP_COUNT];

	CP_TRY(add_count(&rest, s->skipped, "skipped", err));
	CP_TRY(add_count(&rest, s->escalated, "escalated", err));
	CP_TRY(add_count(&rest, s->withdrawn, "withdrawn", err));
	CP_TRY(add_count(&rest, s->late, "late", err));
	CP_TRY(add_count(&rest, s->stale, "stale", err));
	CP_TRY(add_count(&rest, s->in_conflict, "in conflict", err));
	CP_TRY(add_count(&rest, s->undecided, "undecided", err));
	CP_TRY(add_count(&rest, s->changed, "changed after it", err));
	CP_TRY(add_count(&rest, s->beside, "under revisions beside it", err));
	return cp_line(err, "%s %s of %s by %s%s", words, cp_count(judgments, s->judgments, "judgment", "judgments"),
			cp_count(cases, s->cases, "case", "cases"), cp_count(raters, s->raters, "rater", "raters"),
			rest.data != NULL ? rest.data : "");
}

static enum cp_code print_agreement(const char *words, const struct cp_effect_agreement *a, struct cp_err *err)
{
	char items[CP_COUNT], alpha[32] = "";

	if (a->items == 0)
		return cp_line(err, "%s nothing was answered by two raters", words);
	if (a->has_alpha)
		snprintf(alpha, sizeof alpha, ", alpha %.3f", a->alpha);
	return cp_line(err, "%s %.1f %% of %lld pairs of raters, on %s%s", words, percent(a->agreeing, a->pairs),
			(long long)a->pairs, cp_count(items, a->items, "item", "items"), alpha);
}

static enum cp_code add_share(struct cp_out *out, int64_t n, int64_t of, struct cp_err *err)
{
	char share[32];

	snprintf(share, sizeof share, "%.1f %%", percent(n, of));
	CP_TRY(cp_out_int(out, n, err));
	return cp_out_text(out, share, err);
}

static enum cp_code fill_values(struct cp_out *out, const struct cp_effect_field *f, struct cp_err *err)
{
	for (size_t v = 0; v < f->n_values; v++) {
		CP_TRY(cp_out_text(out, f->values[v].value, err));
		CP_TRY(add_share(out, f->values[v].n[CP_BEFORE], f->answers[CP_BEFORE], err));
		CP_TRY(add_share(out, f->values[v].n[CP_AFTER], f->answers[CP_AFTER], err));
	}
	return CP_OK;
}

static enum cp_code print_values(const struct cp_effect_field *f, struct cp_err *err)
{
	static const char *const columns[] = { "value", "before", "share", "after", "share" };
	struct cp_out *out;

	CP_TRY(cp_out_begin(&out, false, columns, sizeof columns / sizeof *columns, err));
	return cp_out_close(out, fill_values(out, f, err), err);
}

static int64_t moves_of(const struct cp_effect_field *f, size_t from, size_t to)
{
	for (size_t i = 0; i < f->n_moves; i++)
		if (f->moves[i].from == from && f->moves[i].to == to)
			return f->moves[i].n;
	return 0;
}

/* The place of row or column i: behind the values comes "no answer". */
static size_t place(const struct cp_effect_field *f, size_t i)
{
	return i < f->n_values ? i : SIZE_MAX;
}

static const char *value_at(const struct cp_effect_field *f, size_t at)
{
	return at == SIZE_MAX ? "no answer" : f->values[at].value;
}

static enum cp_code fill_matrix(struct cp_out *out, const struct cp_effect_field *f, struct cp_err *err)
{
	for (size_t from = 0; from <= f->n_values; from++) {
		CP_TRY(cp_out_text(out, value_at(f, place(f, from)), err));
		for (size_t to = 0; to <= f->n_values; to++)
			CP_TRY(cp_out_int(out, moves_of(f, place(f, from), place(f, to)), err));
	}
	return CP_OK;
}

static enum cp_code print_matrix(const struct cp_effect_field *f, struct cp_err *err)
{
	const char *columns[MATRIX_MAX + 2] = { "from \\ to" };
	struct cp_out *out;

	for (size_t to = 0; to <= f->n_values; to++)
		columns[to + 1] = value_at(f, place(f, to));
	CP_TRY(cp_out_begin(&out, false, columns, f->n_values + 2, err));
	return cp_out_close(out, fill_matrix(out, f, err), err);
}

static enum cp_code fill_moves(struct cp_out *out, const struct cp_effect_field *f, struct cp_err *err)
{
	for (size_t i = 0; i < f->n_moves; i++) {
		CP_TRY(cp_out_text(out, value_at(f, f->moves[i].from), err));
		CP_TRY(cp_out_text(out, value_at(f, f->moves[i].to), err));
		CP_TRY(cp_out_int(out, f->moves[i].n, err));
	}
	return CP_OK;
}

static enum cp_code print_moves(const struct cp_effect_field *f, struct cp_err *err)
{
	static const char *const columns[] = { "from", "to", "times" };
	struct cp_out *out;

	CP_TRY(cp_out_begin(&out, false, columns, 3, err));
	return cp_out_close(out, fill_moves(out, f, err), err);
}

static enum cp_code print_field(const struct cp_effect_field *f, struct cp_err *err)
{
	char before[CP_COUNT], after[CP_COUNT];

	CP_TRY(cp_line(err, "%s", ""));
	CP_TRY(cp_line(err, "%s of form %s: %s before, %lld after", f->name, f->form, cp_count(before, f->answers[CP_BEFORE],
			"answer", "answers"), (long long)f->answers[CP_AFTER]));
	if (f->is_text)
		return CP_OK;
	CP_TRY(print_values(f, err));
	CP_TRY(print_agreement("agreement before:", &f->agreement[CP_BEFORE], err));
	CP_TRY(print_agreement("agreement after: ", &f->agreement[CP_AFTER], err));
	if (f->n_moves == 0)
		return cp_line(err, "no rater judged one case before and after");
	CP_TRY(cp_line(err, "the same case by the same rater before and after: %s the same, %lld moved",
			cp_count(after, f->same, "answer", "answers"), (long long)f->moved));
	return f->n_values <= MATRIX_MAX ? print_matrix(f, err) : print_moves(f, err);
}

static enum cp_code print_words(const char *name, const struct cp_revision *r, const struct cp_effect *e, struct cp_err *err)
{
	char when[32], id[CP_ID_HEX];

	CP_TRY(cp_line(err, "%s revision %lld (%.12s), %s, by %s at %s%s%s", name, (long long)r->number,
			cp_hex(id, r->id.bytes, sizeof r->id.bytes), r->kind, r->author, cp_time_text(when, r->claimed_us),
			*r->note ? ": " : "", r->note));
	CP_TRY(print_side("before it:", &e->side[CP_BEFORE], err));
	CP_TRY(print_side("after it: ", &e->side[CP_AFTER], err));
	for (size_t i = 0; i < e->n; i++)
		CP_TRY(print_field(&e->fields[i], err));
	cp_say("this is what went together with the revision, not what it caused: cases, raters and days differ too");
	return CP_OK;
}

/* ---- the verb --------------------------------------------------------------------------------------- */

static enum cp_code effect(struct cp_args *a, const struct cp_revision_list *all, struct cp_effect *e, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	const char *name = a->words[1], *field = cp_arg(a, "--field");
	struct cp_id id;
	size_t at;

	CP_TRY(cp_text_pick(a->store, false, name, cp_arg(a, "--rev"), &body, &id, NULL, err));
	at = cp_revision_at(all, &id);
	CP_TRY(cp_effect_measure(a->store, all, at, field, e, err));
	if (field != NULL && e->n == 0)
		return cp_fail(err, CP_ENOTFOUND, "guideline %s: no judgment under it answers a field %s", name, field);
	return a->json ? print_json(name, &all->list[at], e, err) : print_words(name, &all->list[at], e, err);
}

enum cp_code cp_guideline_effect(struct cp_args *a, struct cp_err *err)
{
	struct cp_revision_list all = { 0 };
	struct cp_effect e = { .n = 0 };
	enum cp_code code;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_revision_list_load(a->store, false, a->words[1], &all, err));
	code = effect(a, &all, &e, err);
	cp_effect_drop(&e);
	cp_revision_list_drop(&all);
	return code;
}
