#include "cli/dialogue.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define COMMANDS "unseg?q<>"
#define MINUTE_MS 60000

/* ---- life ---------------------------------------------------------------------------------- */

static void forget_case(struct cp_dialogue *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->steps[i].answer);
	free(d->steps);
	free(d->note);
	d->steps = NULL;
	d->note = NULL;
	d->n = d->at = 0;
	d->task = NULL;
	d->drawn = NULL;
	d->has_drawn_results = false;
	d->helped = 0;
	cp_buf_clear(&d->line);
}

static void forget_undo(struct cp_undo *u)
{
	free(u->field);
	free(u->result);
	free(u->before);
}

void cp_dialogue_drop(struct cp_dialogue *d)
{
	forget_case(d);
	for (size_t i = 0; i < d->n_undo; i++)
		forget_undo(&d->undo[i]);
	free(d->undo);
	cp_buf_drop(&d->line);
	cp_buf_drop(&d->value);
	cp_buf_drop(&d->words);
	d->undo = NULL;
	d->n_undo = d->room = 0;
}

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory");
}

/* *out is freed and becomes a copy of text, or NULL. */
static enum cp_code keep(char **out, const char *text, struct cp_err *err)
{
	char *copy = text == NULL ? NULL : strdup(text);

	if (text != NULL && copy == NULL)
		return no_memory(err);
	free(*out);
	*out = copy;
	return CP_OK;
}

void cp_activity_key(struct cp_activity *a, int64_t now_ms)
{
	int64_t gap = now_ms - a->last_ms;

	if (a->last_ms != 0 && gap > 0)
		a->active_ms += gap < MINUTE_MS ? gap : MINUTE_MS;
	a->last_ms = now_ms;
}

/* ---- choices ------------------------------------------------------------------------------- */

static const struct cp_choice yes_and_no[] = {
	{ .value = (char[]){ "true" }, .label = (char[]){ "yes" }, .hotkey = 'y' },
	{ .value = (char[]){ "false" }, .label = (char[]){ "no" }, .hotkey = 'n' },
};

size_t cp_choice_count(const struct cp_field *field)
{
	return field->type == CP_BOOL ? 2 : field->n_choices;
}

static const struct cp_choice *choice(const struct cp_field *field, size_t i)
{
	return field->type == CP_BOOL ? &yes_and_no[i] : &field->choices[i];
}

const char *cp_choice_value(const struct cp_field *field, size_t i)
{
	return choice(field, i)->value;
}

const char *cp_choice_label(const struct cp_field *field, size_t i)
{
	return choice(field, i)->label[0] != '\0' ? choice(field, i)->label : choice(field, i)->value;
}

/* The key that the form gives the choice; 0: none. */
static char given_key(const struct cp_field *field, size_t i)
{
	return choice(field, i)->hotkey;
}

static bool is_given(const struct cp_field *field, char key)
{
	for (size_t i = 0; i < cp_choice_count(field); i++)
		if (given_key(field, i) == key)
			return true;
	return false;
}

/* The same, or the digit that is its value: whoever means 3 presses 3. */
static char own_key(const struct cp_field *field, size_t i)
{
	const char *value = cp_choice_value(field, i);
	bool is_digit = value[0] >= '0' && value[0] <= '9' && value[1] == '\0';

	if (given_key(field, i) != '\0')
		return given_key(field, i);
	return is_digit && !is_given(field, value[0]) ? value[0] : '\0';
}

static bool is_taken(const struct cp_field *field, char key)
{
	for (size_t i = 0; i < cp_choice_count(field); i++)
		if (own_key(field, i) == key)
			return true;
	return false;
}

char cp_choice_key(const struct cp_field *field, size_t i)
{
	static const char free_keys[] = "123456789abcdefhijklmoprtvwxyz0";
	const char *k = free_keys;

	if (own_key(field, i) != '\0')
		return own_key(field, i);
	/* The choices without a key of their own take the free ones in order. */
	for (size_t j = 0; j <= i; j++) {
		if (own_key(field, j) != '\0')
			continue;
		while (*k != '\0' && is_taken(field, *k))
			k++;
		if (*k == '\0' || j == i)
			break;
		k++;
	}
	return *k;
}

bool cp_step_is_typed(const struct cp_step *step)
{
	return step->field->type == CP_FREE_TEXT || step->field->type == CP_NUMBER;
}

bool cp_choice_is_picked(const struct cp_step *step, size_t i)
{
	const char *value = cp_choice_value(step->field, i), *at = step->answer;
	size_t n = strlen(value);

	if (at == NULL)
		return false;
	if (step->field->type != CP_MULTI)
		return strcmp(at, value) == 0;
	for (;;) {
		size_t len = strcspn(at, ",");
		if (len == n && memcmp(at, value, n) == 0)
			return true;
		if (at[len] == '\0')
			return false;
		at += len + 1;
	}
}

/* ---- a case -------------------------------------------------------------------------------- */

static size_t count_steps(const struct cp_task *task)
{
	size_t n = 0;

	for (size_t i = 0; i < task->form.n_fields; i++)
		n += task->form.fields[i].scope == CP_RESULT ? task->view.n_results : 1;
	return n;
}

static void lay_out(struct cp_dialogue *d)
{
	const struct cp_task *t = d->task;

	d->n = 0;
	for (size_t r = 0; r < t->view.n_results; r++)
		for (size_t i = 0; i < t->form.n_fields; i++)
			if (t->form.fields[i].scope == CP_RESULT)
				d->steps[d->n++] = (struct cp_step){ &t->form.fields[i], &t->view.results[r], NULL };
	for (size_t i = 0; i < t->form.n_fields; i++)
		if (t->form.fields[i].scope == CP_PAGE)
			d->steps[d->n++] = (struct cp_step){ &t->form.fields[i], NULL, NULL };
}

size_t cp_dialogue_missing(const struct cp_dialogue *d, size_t *first)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->steps[i].field->is_required && d->steps[i].answer == NULL && n++ == 0 && first != NULL)
			*first = i;
	return n;
}

static const char *result_of(const struct cp_step *step)
{
	return step->result == NULL ? "" : step->result->name;
}

/* Be at a step; where one types, what stands is there to be changed. */
static enum cp_code go(struct cp_dialogue *d, size_t at, struct cp_err *err)
{
	d->at = at;
	d->mode = CP_MODE_KEYS;
	cp_buf_clear(&d->line);
	if (at == d->n || !cp_step_is_typed(&d->steps[at]))
		return CP_OK;
	d->mode = CP_MODE_TYPE;
	return d->steps[at].answer == NULL ? CP_OK : cp_buf_puts(&d->line, d->steps[at].answer, err);
}

enum cp_code cp_dialogue_begin(struct cp_dialogue *d, const struct cp_task *task, cp_answer_of *answer_of, void *user,
		struct cp_err *err)
{
	size_t first = 0;

	forget_case(d);
	d->task = task;
	d->steps = calloc(count_steps(task) + 1, sizeof *d->steps);
	if (d->steps == NULL)
		return no_memory(err);
	lay_out(d);
	CP_TRY(keep(&d->note, task->note, err));
	for (size_t i = 0; i < d->n; i++) {
		bool found = false;
		cp_buf_clear(&d->value);
		CP_TRY(answer_of(user, d->steps[i].field->name, result_of(&d->steps[i]), &d->value, &found, err));
		if (found)
			CP_TRY(keep(&d->steps[i].answer, d->value.data, err));
	}
	return go(d, cp_dialogue_missing(d, &first) > 0 ? first : d->n, err);
}

/* ---- undo ---------------------------------------------------------------------------------- */

/* Remember what field and result held. field NULL: only that this case was left. */
static enum cp_code remember(struct cp_dialogue *d, const char *field, const char *result, const char *before,
		struct cp_err *err)
{
	struct cp_undo u = { .position = d->task->position };

	if (d->n_undo == d->room) {
		size_t room = d->room == 0 ? 64 : d->room * 2;
		struct cp_undo *undo = reallocarray(d->undo, room, sizeof *undo);
		if (undo == NULL)
			return no_memory(err);
		d->undo = undo;
		d->room = room;
	}
	if (keep(&u.field, field, err) != CP_OK || keep(&u.result, result, err) != CP_OK
			|| keep(&u.before, before, err) != CP_OK) {
		forget_undo(&u);
		return no_memory(err);
	}
	d->undo[d->n_undo++] = u;
	return CP_OK;
}

static void want_case(struct cp_dialogue *d, int64_t position, struct cp_wish *out)
{
	if (position < 1 || position > d->task->total) {
		out->words = position < 1 ? "This is the first case." : "This is the last case.";
		return;
	}
	out->todo = CP_TODO_CASE;
	out->position = position;
}

/* The step of that name, or n. */
static size_t step_of(const struct cp_dialogue *d, const char *field, const char *result)
{
	size_t i = 0;

	while (i < d->n && (strcmp(d->steps[i].field->name, field) != 0 || strcmp(result_of(&d->steps[i]), result) != 0))
		i++;
	return i;
}

/* Nothing left to undo: only go back, step by step, then case by case. */
static enum cp_code go_back(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	if (d->at > 0) {
		out->todo = CP_TODO_DRAW;
		return go(d, d->at - 1, err);
	}
	want_case(d, d->task->position - 1, out);
	d->is_going_back = out->todo == CP_TODO_CASE;
	return CP_OK;
}

static enum cp_code put_back(struct cp_dialogue *d, struct cp_undo *u, struct cp_wish *out, struct cp_err *err)
{
	out->todo = CP_TODO_DRAW;
	if (u->field == NULL)
		return CP_OK;
	size_t i = step_of(d, u->field, u->result);
	if (i == d->n)
		return CP_OK;
	CP_TRY(keep(&d->steps[i].answer, u->before, err));
	cp_buf_clear(&d->value);
	CP_TRY(cp_buf_puts(&d->value, u->before == NULL ? "" : u->before, err));
	*out = (struct cp_wish){ .todo = CP_TODO_ANSWER, .field = d->steps[i].field->name,
		.result = result_of(&d->steps[i]), .value = d->value.data,
		.words = u->before == NULL ? "Taken back." : "Put back." };
	return go(d, i, err);
}

static enum cp_code undo(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	if (d->n_undo == 0)
		return go_back(d, out, err);
	struct cp_undo *u = &d->undo[d->n_undo - 1];
	if (u->position != d->task->position) {
		d->is_undoing = true;
		want_case(d, u->position, out);
		return CP_OK;
	}
	enum cp_code code = put_back(d, u, out, err);
	forget_undo(u);
	d->n_undo--;
	return code;
}

enum cp_code cp_dialogue_arrive(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	bool is_undoing = d->is_undoing, is_going_back = d->is_going_back;

	*out = (struct cp_wish){ .todo = CP_TODO_DRAW };
	d->is_undoing = d->is_going_back = false;
	if (is_undoing && d->n_undo > 0 && d->undo[d->n_undo - 1].position == d->task->position)
		return undo(d, out, err);
	return is_going_back ? go(d, d->n > 0 ? d->n - 1 : 0, err) : CP_OK;
}

/* ---- answering ----------------------------------------------------------------------------- */

/* value is in d->value; "" takes the answer back. */
static enum cp_code answer(struct cp_dialogue *d, bool moves_on, struct cp_wish *out, struct cp_err *err)
{
	struct cp_step *step = &d->steps[d->at];
	const char *value = d->value.data == NULL ? "" : d->value.data;

	out->todo = CP_TODO_DRAW;
	if (strcmp(step->answer == NULL ? "" : step->answer, value) != 0) {
		CP_TRY(remember(d, step->field->name, result_of(step), step->answer, err));
		CP_TRY(keep(&step->answer, value[0] == '\0' ? NULL : value, err));
		out->todo = CP_TODO_ANSWER;
		out->field = step->field->name;
		out->result = result_of(step);
		out->value = value;
	}
	return moves_on ? go(d, d->at + 1, err) : CP_OK;
}

/* The picked choices with the i-th turned over, in the form's order. */
static enum cp_code toggled(struct cp_dialogue *d, size_t turned, struct cp_err *err)
{
	const struct cp_step *step = &d->steps[d->at];

	for (size_t i = 0; i < cp_choice_count(step->field); i++)
		if (cp_choice_is_picked(step, i) != (i == turned))
			CP_TRY(cp_buf_printf(&d->value, err, "%s%s", d->value.len > 0 ? "," : "",
					cp_choice_value(step->field, i)));
	return CP_OK;
}

static enum cp_code pick(struct cp_dialogue *d, size_t i, struct cp_wish *out, struct cp_err *err)
{
	const struct cp_field *field = d->steps[d->at].field;

	cp_buf_clear(&d->value);
	out->words = cp_choice_label(field, i);
	if (field->type == CP_MULTI) {
		CP_TRY(toggled(d, i, err));
		return answer(d, false, out, err);
	}
	CP_TRY(cp_buf_puts(&d->value, cp_choice_value(field, i), err));
	return answer(d, true, out, err);
}

static enum cp_code enter(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	size_t first = 0;

	out->todo = CP_TODO_DRAW;
	if (d->at < d->n) {
		if (d->steps[d->at].field->is_required && d->steps[d->at].answer == NULL) {
			out->todo = CP_TODO_NOTHING;
			out->words = "An answer is needed here; the arrow keys go on without one.";
			return CP_OK;
		}
		return go(d, d->at + 1, err);
	}
	if (cp_dialogue_missing(d, &first) > 0) {
		out->words = "This answer is missing:";
		return go(d, first, err);
	}
	out->todo = CP_TODO_SUBMIT;
	return CP_OK;
}

/* ---- commands ------------------------------------------------------------------------------ */

static enum cp_code ask(struct cp_dialogue *d, enum cp_mode mode, struct cp_wish *out, struct cp_err *err)
{
	d->mode = mode;
	cp_buf_clear(&d->line);
	out->todo = CP_TODO_DRAW;
	/* A reason becomes the case's note, so what is written there already is not lost. */
	return d->note != NULL ? cp_buf_puts(&d->line, d->note, err) : CP_OK;
}

static enum cp_code command(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err)
{
	switch (key) {
	case 'u':
		return undo(d, out, err);
	case 'n':
		return ask(d, CP_MODE_NOTE, out, err);
	case 's':
		return ask(d, CP_MODE_SKIP, out, err);
	case 'e':
		return ask(d, CP_MODE_ESCALATE, out, err);
	case 'g':
		out->todo = CP_TODO_GUIDE;
		return CP_OK;
	case '?':
		out->todo = CP_TODO_HELP;
		return CP_OK;
	case 'q':
		out->todo = CP_TODO_QUIT;
		return CP_OK;
	case '<':
	case '>':
		want_case(d, d->task->position + (key == '<' ? -1 : 1), out);
		return CP_OK;
	default:
		out->words = "This key means nothing here; ? shows the keys.";
		return CP_OK;
	}
}

static bool has_typed(const struct cp_dialogue *d)
{
	if (d->mode != CP_MODE_TYPE)
		return false;
	const char *there = d->steps[d->at].answer;
	return strcmp(d->line.len == 0 ? "" : d->line.data, there == NULL ? "" : there) != 0;
}

/* The keys that mean the same at every step; *is_taken says whether key was one. */
static enum cp_code everywhere(struct cp_dialogue *d, int key, bool *is_taken, struct cp_wish *out,
		struct cp_err *err)
{
	*is_taken = true;
	if (key == CP_KEY_END) {
		out->todo = CP_TODO_QUIT;
		return CP_OK;
	}
	if ((key == CP_KEY_BACK || key == CP_KEY_FORTH) && has_typed(d)) {
		out->words = "Enter keeps what you typed, Esc forgets it.";
		return CP_OK;
	}
	if (key == CP_KEY_BACK || key == CP_KEY_FORTH) {
		size_t to = key == CP_KEY_BACK ? (d->at > 0 ? d->at - 1 : 0) : d->at < d->n ? d->at + 1 : d->n;
		out->todo = to == d->at ? CP_TODO_NOTHING : CP_TODO_DRAW;
		return to == d->at ? CP_OK : go(d, to, err);
	}
	*is_taken = key == CP_KEY_NONE;
	return CP_OK;
}

static enum cp_code keys(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err)
{
	const struct cp_step *step = d->at < d->n ? &d->steps[d->at] : NULL;
	bool is_typed = step != NULL && cp_step_is_typed(step);

	if (is_typed && (key == CP_KEY_ESCAPE || key == CP_KEY_ENTER)) {
		out->todo = CP_TODO_DRAW;
		return go(d, d->at, err);
	}
	if (key == CP_KEY_ENTER)
		return enter(d, out, err);
	if (key == CP_KEY_BACKSPACE)
		return undo(d, out, err);
	for (size_t i = 0; step != NULL && !is_typed && i < cp_choice_count(step->field); i++)
		if (key != 0 && key == cp_choice_key(step->field, i))
			return pick(d, i, out, err);
	if (key >= CP_KEY_ENTER)
		return CP_OK;
	/* Where a choice has a command's letter, the capital is the command. */
	return command(d, key < 128 ? tolower(key) : key, out, err);
}

/* ---- typing -------------------------------------------------------------------------------- */

static enum cp_code type(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err)
{
	utf8proc_uint8_t bytes[4];
	utf8proc_ssize_t n = key < 0x20 || key == 0x7f ? 0 : utf8proc_encode_char(key, bytes);

	if (n <= 0)
		return CP_OK;
	out->todo = CP_TODO_LINE;
	return cp_buf_add(&d->line, bytes, (size_t)n, err);
}

/* Takes away the last character as a person counts them. */
static void rub_out(struct cp_buf *line)
{
	utf8proc_int32_t before = 0, point, state = 0;
	size_t last = 0;

	for (size_t at = 0; at < line->len;) {
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)line->data + at,
				(utf8proc_ssize_t)(line->len - at), &point);
		if (n <= 0)
			break;
		if (at == 0 || utf8proc_grapheme_break_stateful(before, point, &state))
			last = at;
		before = point;
		at += (size_t)n;
	}
	if (line->len > 0) {
		line->len = last;
		line->data[last] = '\0';
	}
}

/* Blanks at either end are slips. */
static void trim(struct cp_buf *line)
{
	size_t from = line->len == 0 ? 0 : strspn(line->data, " ");

	while (line->len > from && line->data[line->len - 1] == ' ')
		line->len--;
	if (from > 0)
		memmove(line->data, line->data + from, line->len - from);
	line->len -= from;
	if (line->data != NULL)
		line->data[line->len] = '\0';
}

static enum cp_code enter_answer(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	const struct cp_step *step = &d->steps[d->at];
	struct cp_err why = { .code = CP_OK };

	cp_buf_clear(&d->value);
	if (d->line.len == 0 && step->field->is_required)
		return enter(d, out, err);
	if (d->line.len > 0 && cp_field_value(&d->value, step->field, d->line.data, d->line.len, &why) != CP_OK) {
		cp_buf_clear(&d->words);
		CP_TRY(cp_buf_puts(&d->words, why.text, err));
		out->words = d->words.data;
		out->todo = CP_TODO_DRAW;
		return CP_OK;
	}
	return answer(d, true, out, err);
}

static enum cp_code enter_words(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err)
{
	enum cp_mode mode = d->mode;

	if (mode == CP_MODE_SKIP && d->line.len == 0) {
		out->words = "Say why, or press Esc to go back.";
		return CP_OK;
	}
	cp_buf_clear(&d->value);
	CP_TRY(cp_buf_puts(&d->value, d->line.len == 0 ? "" : d->line.data, err));
	out->value = d->value.data;
	if (mode == CP_MODE_NOTE) {
		out->todo = CP_TODO_NOTE;
		CP_TRY(keep(&d->note, d->value.data, err));
		return go(d, d->at, err);
	}
	out->todo = mode == CP_MODE_SKIP ? CP_TODO_SKIP : CP_TODO_ESCALATE;
	d->mode = CP_MODE_KEYS;
	return remember(d, NULL, NULL, NULL, err);
}

static enum cp_code typing(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err)
{
	bool is_answer = d->mode == CP_MODE_TYPE;
	bool is_number = is_answer && d->steps[d->at].field->type == CP_NUMBER;

	if (key == CP_KEY_ENTER) {
		trim(&d->line);
		return is_answer ? enter_answer(d, out, err) : enter_words(d, out, err);
	}
	if (key == CP_KEY_ESCAPE) {
		out->todo = CP_TODO_DRAW;
		CP_TRY(go(d, d->at, err));
		if (is_answer)
			d->mode = CP_MODE_KEYS; /* the next key is a command */
		return CP_OK;
	}
	if (key == CP_KEY_BACKSPACE && d->line.len == 0 && is_answer)
		return undo(d, out, err);
	out->todo = CP_TODO_LINE;
	if (key == CP_KEY_BACKSPACE || key == CP_KEY_KILL) {
		if (key == CP_KEY_KILL)
			cp_buf_clear(&d->line);
		else
			rub_out(&d->line);
		return CP_OK;
	}
	out->todo = CP_TODO_NOTHING;
	/* No number begins with a letter, so a letter is a command. */
	if (is_number && d->line.len == 0 && key < 128 && key != 0 && strchr(COMMANDS, tolower(key)) != NULL)
		return command(d, tolower(key), out, err);
	return key < CP_KEY_ENTER ? type(d, key, out, err) : CP_OK;
}

enum cp_code cp_dialogue_key(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err)
{
	bool is_taken = false;

	*out = (struct cp_wish){ .todo = CP_TODO_NOTHING };
	if (d->mode <= CP_MODE_TYPE || key == CP_KEY_END)
		CP_TRY(everywhere(d, key, &is_taken, out, err));
	if (is_taken)
		return CP_OK;
	return d->mode == CP_MODE_KEYS ? keys(d, key, out, err) : typing(d, key, out, err);
}
