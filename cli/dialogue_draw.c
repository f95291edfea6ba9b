#include "cli/dialogue.h"

#include <string.h>

#include "formats/text.h"

#define BAR 20
#define LABEL_COLUMNS 11

/* ---- lines --------------------------------------------------------------------------------- */

static enum cp_code add_spaces(struct cp_buf *out, size_t n, struct cp_err *err)
{
	return cp_buf_printf(out, err, "%*s", (int)n, "");
}

/* Text made safe, broken at blanks to width; lines after the first begin with indent spaces. */
static enum cp_code add_wrapped(struct cp_buf *out, const char *text, size_t indent, size_t width, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);
	size_t column = indent;

	CP_TRY(cp_text_shown(&shown, text, strlen(text), false, err));
	const char *at = shown.data == NULL ? "" : shown.data;
	for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " "), columns = cp_text_width(at, len);
		if (column > indent && column + 1 + columns > width) {
			CP_TRY(cp_buf_puts(out, "\n", err));
			CP_TRY(add_spaces(out, indent, err));
			column = indent;
		} else if (column > indent) {
			CP_TRY(cp_buf_puts(out, " ", err));
			column++;
		}
		CP_TRY(cp_buf_add(out, at, len, err));
		column += columns;
		at += len;
	}
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code add_fact(struct cp_buf *out, const char *label, const char *text, size_t width,
		struct cp_err *err)
{
	if (text[0] == '\0')
		return CP_OK;
	CP_TRY(cp_buf_printf(out, err, "%-*s", LABEL_COLUMNS, label));
	return add_wrapped(out, text, LABEL_COLUMNS, width, err);
}

/* ---- the head of a case -------------------------------------------------------------------- */

static enum cp_code add_rule(struct cp_buf *out, size_t width, struct cp_err *err)
{
	for (size_t i = 0; i < (width < 72 ? width : 72); i++)
		CP_TRY(cp_buf_puts(out, "-", err));
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code add_progress(struct cp_buf *out, const struct cp_task *t, const struct cp_progress *p,
		struct cp_err *err)
{
	int64_t done = p->submitted + p->skipped + p->escalated;
	int64_t full = p->total > 0 ? done * BAR / p->total : 0;

	CP_TRY(cp_buf_puts(out, "[", err));
	for (int64_t i = 0; i < BAR; i++)
		CP_TRY(cp_buf_puts(out, i < full ? "#" : ".", err));
	CP_TRY(cp_buf_printf(out, err, "] case %lld of %lld, %lld done", (long long)t->position, (long long)t->total,
			(long long)done));
	if (strcmp(t->state, "todo") != 0)
		CP_TRY(cp_buf_printf(out, err, "; this one: %s", t->state));
	return cp_buf_puts(out, "\n", err);
}

enum cp_code cp_draw_case(struct cp_buf *out, const struct cp_dialogue *d, const struct cp_progress *p, size_t width,
		struct cp_err *err)
{
	const struct cp_task *t = d->task;
	CP_AUTO(buf) struct cp_buf place = CP_BUF(CP_TEXT_MAX);
	char guideline[160];

	CP_TRY(cp_buf_puts(out, "\n", err));
	CP_TRY(add_rule(out, width, err));
	CP_TRY(add_progress(out, t, p, err));
	CP_TRY(add_fact(out, "Case", t->view.id, width, err));
	CP_TRY(add_fact(out, "Query", t->view.query, width, err));
	CP_TRY(cp_buf_printf(&place, err, "%s%s%s", t->view.locale, t->view.market[0] == '\0' ? "" : ", market ",
			t->view.market));
	CP_TRY(add_fact(out, "Locale", place.data, width, err));
	CP_TRY(add_fact(out, "Need", t->view.need, width, err));
	if (t->guideline[0] != '\0') {
		snprintf(guideline, sizeof guideline, "%s, revision %lld (press g to read it)", t->guideline,
				(long long)t->guideline_number);
		CP_TRY(add_fact(out, "Guideline", guideline, width, err));
	}
	CP_TRY(add_fact(out, "Due", t->due, width, err));
	return add_fact(out, "Note", d->note == NULL ? "" : d->note, width, err);
}

/* ---- results ------------------------------------------------------------------------------- */

static enum cp_code add_result(struct cp_buf *out, const struct cp_result_view *r, size_t number, size_t width,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf head = CP_BUF(CP_TEXT_MAX);
	const char *side = strcmp(r->side, "a") == 0 ? "left: " : strcmp(r->side, "b") == 0 ? "right: " : "";
	const char *title = r->title[0] != '\0' ? r->title : r->url[0] != '\0' ? r->url : r->id;

	CP_TRY(cp_buf_printf(&head, err, "%s%s%s%s%s", side, title, r->type[0] == '\0' ? "" : "  (", r->type,
			r->type[0] == '\0' ? "" : ")"));
	CP_TRY(cp_buf_printf(out, err, "\n%3zu. ", number));
	CP_TRY(add_wrapped(out, head.data, 5, width, err));
	if (r->snippet[0] != '\0') {
		CP_TRY(add_spaces(out, 5, err));
		CP_TRY(add_wrapped(out, r->snippet, 5, width, err));
	}
	if (r->url[0] != '\0' && title != r->url) {
		CP_TRY(add_spaces(out, 5, err));
		CP_TRY(add_wrapped(out, r->url, 5, width, err));
	}
	return CP_OK;
}

/* A question about the page needs the page: all results, unless they were drawn in this case. */
static enum cp_code add_page(struct cp_buf *out, struct cp_dialogue *d, size_t width, struct cp_err *err)
{
	const struct cp_case_view *v = &d->task->view;

	if (d->has_drawn_results)
		return CP_OK;
	d->has_drawn_results = true;
	for (size_t i = 0; i < v->n_results; i++)
		CP_TRY(add_result(out, &v->results[i], i + 1, width, err));
	return CP_OK;
}

/* ---- questions ----------------------------------------------------------------------------- */

static enum cp_code add_choices(struct cp_buf *out, const struct cp_step *step, size_t width, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);

	for (size_t i = 0; i < cp_choice_count(step->field); i++) {
		char key[2] = { cp_choice_key(step->field, i), '\0' };
		const char *label = cp_choice_label(step->field, i);
		bool is_picked = cp_choice_is_picked(step, i);
		/* A label stays together: its blanks are made ones that do not break. */
		CP_TRY(cp_buf_printf(&line, err, "%s%s%s%s", i == 0 ? "" : "\u00a0 ", is_picked ? "*" : "[", key,
				is_picked ? "*\u00a0" : "]\u00a0"));
		for (const char *p = label; *p != '\0'; p++)
			CP_TRY(*p == ' ' ? cp_buf_puts(&line, "\u00a0", err) : cp_buf_add(&line, p, 1, err));
	}
	CP_TRY(add_spaces(out, 5, err));
	return add_wrapped(out, line.data == NULL ? "" : line.data, 5, width, err);
}

static const char *hint_of(const struct cp_step *step)
{
	if (step->field->type == CP_FREE_TEXT)
		return step->field->is_required ? "Type, then Enter. Esc, then a key, for commands."
			: "Type, then Enter; Enter alone goes on. Esc, then a key, for commands.";
	if (step->field->type == CP_NUMBER)
		return step->field->is_required ? "Type a number, then Enter." : "Type a number, then Enter; Enter alone goes on.";
	if (step->field->type == CP_MULTI)
		return "Any number of them, then Enter.";
	return step->field->is_required ? "" : "Enter goes on without an answer.";
}

/* Is it the first time in this case that the field is asked? Its help is then shown too. */
static bool is_first_time(struct cp_dialogue *d, const struct cp_field *f)
{
	size_t i = (size_t)(f - d->task->form.fields);
	uint64_t bit = i < 64 ? UINT64_C(1) << i : 0;
	bool is_first = (d->helped & bit) == 0;

	d->helped |= bit;
	return is_first;
}

static enum cp_code add_question(struct cp_buf *out, struct cp_dialogue *d, const struct cp_step *step, size_t width,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf head = CP_BUF(CP_TEXT_MAX);
	const struct cp_field *f = step->field;
	const char *hint = hint_of(step), *help = is_first_time(d, f) ? f->help : "";

	CP_TRY(cp_buf_printf(&head, err, "%s%s%s%s%s", f->label[0] == '\0' ? f->name : f->label,
			help[0] == '\0' ? "" : " ", help, hint[0] == '\0' ? "" : " ", hint));
	CP_TRY(add_spaces(out, 5, err));
	CP_TRY(add_wrapped(out, head.data, 5, width, err));
	return cp_step_is_typed(step) ? CP_OK : add_choices(out, step, width, err);
}

/* ---- the summary --------------------------------------------------------------------------- */

static size_t number_of(const struct cp_dialogue *d, const struct cp_result_view *r)
{
	return r == NULL ? 0 : (size_t)(r - d->task->view.results) + 1;
}

/* An answer as a person reads it: with the label of what was picked. */
static enum cp_code add_answer(struct cp_buf *out, const struct cp_step *step, struct cp_err *err)
{
	size_t picked = 0;

	if (step->answer == NULL)
		return cp_buf_puts(out, step->field->is_required ? "MISSING" : "-", err);
	if (cp_step_is_typed(step))
		return cp_buf_puts(out, step->answer, err);
	for (size_t i = 0; i < cp_choice_count(step->field); i++)
		if (cp_choice_is_picked(step, i))
			CP_TRY(cp_buf_printf(out, err, "%s%s", picked++ == 0 ? "" : ", ", cp_choice_label(step->field, i)));
	return CP_OK;
}

static enum cp_code add_summary(struct cp_buf *out, const struct cp_dialogue *d, size_t width, struct cp_err *err)
{
	size_t missing = cp_dialogue_missing(d, NULL);

	CP_TRY(cp_buf_puts(out, "\nYour answers:\n", err));
	for (size_t i = 0; i < d->n; i++) {
		CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
		const struct cp_step *step = &d->steps[i];
		size_t number = number_of(d, step->result);
		CP_TRY(number > 0 ? cp_buf_printf(out, err, "%3zu. ", number) : cp_buf_puts(out, "     ", err));
		CP_TRY(cp_buf_printf(&line, err, "%s: ", step->field->name));
		CP_TRY(add_answer(&line, step, err));
		CP_TRY(add_wrapped(out, line.data, 5, width, err));
	}
	if (missing > 0)
		return cp_buf_printf(out, err, "%zu missing: Enter goes to the first.\n", missing);
	return cp_buf_puts(out, "Enter submits. u takes the last answer back, n writes a note, q leaves it as a draft.\n",
			err);
}

/* ---- a step -------------------------------------------------------------------------------- */

static const char *prompt_words(enum cp_mode mode)
{
	switch (mode) {
	case CP_MODE_NOTE:
		return "Note on this case (it becomes part of the project's history). Enter keeps it, Esc does not.";
	case CP_MODE_SKIP:
		return "Why is this case skipped? Enter skips it, Esc goes back.";
	case CP_MODE_ESCALATE:
		return "What should the lead look at? Enter escalates the case, Esc goes back.";
	case CP_MODE_KEYS:
	case CP_MODE_TYPE:
		break;
	}
	return NULL;
}

enum cp_code cp_draw_step(struct cp_buf *out, struct cp_dialogue *d, size_t width, struct cp_err *err)
{
	const char *prompt = prompt_words(d->mode);

	if (prompt != NULL) {
		CP_TRY(cp_buf_puts(out, "\n", err));
		return add_wrapped(out, prompt, 0, width, err);
	}
	if (d->at == d->n) {
		CP_TRY(d->n == 0 ? add_page(out, d, width, err) : CP_OK);
		d->drawn = NULL;
		return add_summary(out, d, width, err);
	}
	const struct cp_step *step = &d->steps[d->at];
	if (step->result == NULL)
		CP_TRY(add_page(out, d, width, err));
	else if (step->result != d->drawn) {
		CP_TRY(add_result(out, step->result, number_of(d, step->result), width, err));
		d->has_drawn_results = true;
	}
	d->drawn = step->result;
	CP_TRY(add_question(out, d, step, width, err));
	if (d->mode == CP_MODE_KEYS && cp_step_is_typed(step))
		CP_TRY(cp_buf_puts(out, "     Commands: u n s e g ? < > q; Enter goes back to typing.\n", err));
	return CP_OK;
}

/* ---- the line being typed ------------------------------------------------------------------ */

enum cp_code cp_draw_line(struct cp_buf *out, const struct cp_dialogue *d, size_t width, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_buf_puts(out, "> ", err));
	if (d->mode == CP_MODE_KEYS || d->line.len == 0)
		return CP_OK;
	CP_TRY(cp_text_shown(&shown, d->line.data, d->line.len, false, err));
	size_t room = width > 6 ? width - 4 : 2;
	const char *at = shown.data, *end = shown.data + shown.len;
	if (shown.len > room * 8)
		at = end - room * 8;
	/* From the front, one character at a time, until the end fits. */
	while (at < end && ((*at & 0xc0) == 0x80 || cp_text_width(at, (size_t)(end - at)) > room))
		at++;
	return cp_buf_add(out, at, (size_t)(end - at), err);
}

enum cp_code cp_draw_help(struct cp_buf *out, struct cp_err *err)
{
	return cp_buf_puts(out,
		"\nA choice's key answers and goes on; every answer is saved at once.\n"
		"  Enter      go on; at the summary: submit\n"
		"  arrows     to another question without answering\n"
		"  u, Backspace  take back the last answer, in earlier cases too\n"
		"  n          write a note on the case\n"
		"  s          skip the case, saying why\n"
		"  e          escalate the case to the lead\n"
		"  g          read the guideline\n"
		"  < >        to the case before or behind, as it is\n"
		"  ?          this help\n"
		"  q          leave; what is not submitted stays as a draft\n"
		"Where a choice has one of these letters, the capital is the command.\n", err);
}
