/*
 * The rows are read first and gathered by case; then, inside one transaction, each
 * case is loaded once, its rows are checked one by one, and its answers are put on it.
 */
#include "cli/rate.h"

#include <stdlib.h>
#include <string.h>

#include "cli/shown.h"
#include "formats/rows.h"
#include "formats/text.h"
#include "sync/judge.h"

struct given {
	char *case_id, *field, *result, *value;
	size_t line, case_at, field_at, result_at, value_at; /* where they stand, for messages */
};

struct bad { size_t line; char *text; };

struct batch {
	const char *path;
	const struct cp_limits *limits;
	struct given *rows; size_t n, room;
	struct bad *bad; size_t n_bad, bad_room;
	int64_t cases, submitted, drafts, unchanged;
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->rows[i].case_id);
		free(b->rows[i].field);
		free(b->rows[i].result);
		free(b->rows[i].value);
	}
	for (size_t i = 0; i < b->n_bad; i++)
		free(b->bad[i].text);
	free(b->rows);
	free(b->bad);
}

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory");
}

/* ---- what is wrong with the file ----------------------------------------------------------- */

/* Takes text. */
static enum cp_code add_bad(struct batch *b, size_t line, char *text, struct cp_err *err)
{
	if (b->n_bad == b->bad_room) {
		size_t room = b->bad_room == 0 ? 64 : b->bad_room * 2;
		struct bad *bad = reallocarray(b->bad, room, sizeof *bad);
		if (bad == NULL) {
			free(text);
			return no_memory(err);
		}
		b->bad = bad;
		b->bad_room = room;
	}
	b->bad[b->n_bad++] = (struct bad){ line, text };
	return text == NULL ? no_memory(err) : CP_OK;
}

static enum cp_code complain(struct batch *b, const struct given *g, size_t column, const char *why,
		struct cp_err *err)
{
	char *text = NULL;

	if (asprintf(&text, "%s:%zu:%zu: %s", b->path, g->line, column, why) < 0)
		text = NULL;
	return add_bad(b, g->line, text, err);
}

static int by_line(const void *a, const void *b)
{
	const struct bad *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum cp_code check_header(const struct cp_rows *r, const char *path, struct cp_err *err)
{
	static const char *const wanted[] = { "case", "field", "value" };
	const char *const *names;
	size_t n = cp_rows_header(r, &names);

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		size_t at = 0;
		while (at < n && strcmp(names[at], wanted[i]) != 0)
			at++;
		if (at == n)
			return cp_fail(err, CP_EINPUT, "%s:1: there is no column \"%s\"; the columns are case, field, result "
					"and value", path, wanted[i]);
	}
	return CP_OK;
}

static char *cell_copy(const struct cp_row *row, const char *name, size_t *column)
{
	const struct cp_cell *cell = cp_row_cell(row, name);

	*column = cell == NULL ? 1 : cell->column;
	return strdup(cell == NULL ? "" : cell->text);
}

static enum cp_code add_row(struct batch *b, const struct cp_row *row, struct cp_err *err)
{
	if (b->n == b->room) {
		size_t room = b->room == 0 ? 256 : b->room * 2;
		struct given *rows = reallocarray(b->rows, room, sizeof *rows);
		if (rows == NULL)
			return no_memory(err);
		b->rows = rows;
		b->room = room;
	}
	struct given *g = &b->rows[b->n++];
	*g = (struct given){ .line = row->line };
	g->case_id = cell_copy(row, "case", &g->case_at);
	g->field = cell_copy(row, "field", &g->field_at);
	g->result = cell_copy(row, "result", &g->result_at);
	g->value = cell_copy(row, "value", &g->value_at);
	return g->case_id == NULL || g->field == NULL || g->result == NULL || g->value == NULL ? no_memory(err) : CP_OK;
}

/* The line that a message "PATH:LINE:..." speaks of. */
static size_t line_of(const struct batch *b, const char *message)
{
	size_t n = strlen(b->path);

	return strncmp(message, b->path, n) == 0 && message[n] == ':' ? strtoul(message + n + 1, NULL, 10) : SIZE_MAX;
}

static enum cp_code read_rows(struct batch *b, struct cp_rows *r, struct cp_err *err)
{
	struct cp_row row;
	bool more = true;

	CP_TRY(check_header(r, b->path, err));
	while (more) {
		struct cp_err why = { .code = CP_OK };
		enum cp_code code = cp_rows_next(r, &row, &more, &why);
		if (code != CP_OK && code != CP_EINPUT)
			return cp_fail(err, code, "%s", why.text);
		if (code == CP_EINPUT)
			CP_TRY(add_bad(b, line_of(b, why.text), strdup(why.text), err));
		else if (more)
			CP_TRY(add_row(b, &row, err));
	}
	return CP_OK;
}

static enum cp_code read_file(struct batch *b, struct cp_err *err)
{
	CP_AUTO(rows) struct cp_rows *rows = NULL;
	enum cp_rows_kind kind = CP_ROWS_CSV;

	if (strcmp(b->path, "-") != 0)
		CP_TRY(cp_rows_kind_of(&kind, b->path, err));
	CP_TRY(cp_rows_open(&rows, b->path, kind, true, b->limits, err));
	return read_rows(b, rows, err);
}

/* ---- one case ------------------------------------------------------------------------------ */

static int by_case(const void *a, const void *b)
{
	const struct given *x = a, *y = b;
	int order = strcmp(x->case_id, y->case_id);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool has_result(const struct cp_task *t, const char *result)
{
	for (size_t i = 0; i < t->view.n_results; i++)
		if (strcmp(t->view.results[i].id, result) == 0 || strcmp(t->view.results[i].name, result) == 0)
			return true;
	return false;
}

/* What is wrong with a row of that case; *column 0 when nothing is. */
static void check_row(const struct given *g, const struct cp_task *t, size_t *column, struct cp_err *why)
{
	CP_AUTO(buf) struct cp_buf value = CP_BUF(CP_TEXT_MAX);
	const struct cp_field *field = cp_form_field(&t->form, g->field);
	char quoted[CP_QUOTE];

	*column = g->field_at;
	if (field == NULL) {
		cp_fail(why, CP_EINPUT, "the form has no field %s", cp_text_quote(quoted, g->field, strlen(g->field)));
		return;
	}
	*column = g->result_at;
	if (field->scope == CP_PAGE && g->result[0] != '\0') {
		cp_fail(why, CP_EINPUT, "%s is asked of the whole page; leave result empty", g->field);
		return;
	}
	if (field->scope == CP_RESULT && !has_result(t, g->result)) {
		cp_fail(why, CP_EINPUT, g->result[0] == '\0' ? "%s is asked of each result; result is empty%s"
				: "%s: the case has no result %s", g->field,
				g->result[0] == '\0' ? "" : cp_text_quote(quoted, g->result, strlen(g->result)));
		return;
	}
	*column = g->value_at;
	if (g->value[0] != '\0' && cp_field_value(&value, field, g->value, strlen(g->value), why) != CP_OK)
		return;
	*column = 0;
}

static enum cp_code check_twice(struct batch *b, size_t from, size_t i, struct cp_err *err)
{
	char why[96];

	for (size_t j = from; j < i; j++)
		if (strcmp(b->rows[j].field, b->rows[i].field) == 0 && strcmp(b->rows[j].result, b->rows[i].result) == 0) {
			snprintf(why, sizeof why, "the same answer as on line %zu", b->rows[j].line);
			return complain(b, &b->rows[i], b->rows[i].field_at, why, err);
		}
	return CP_OK;
}

static enum cp_code check_rows(struct batch *b, size_t from, size_t end, const struct cp_task *t, struct cp_err *err)
{
	for (size_t i = from; i < end; i++) {
		struct cp_err why = { .code = CP_OK };
		size_t column = 0;
		check_row(&b->rows[i], t, &column, &why);
		if (column > 0)
			CP_TRY(complain(b, &b->rows[i], column, why.text, err));
		else
			CP_TRY(check_twice(b, from, i, err));
	}
	return CP_OK;
}

static void count(struct batch *b, const struct cp_judge_result *r)
{
	b->cases++;
	if (strcmp(r->state, "submitted") == 0)
		b->submitted++;
	else
		b->drafts++;
	if (!r->changed)
		b->unchanged++;
}

static enum cp_code judge(struct cp_args *a, struct batch *b, size_t from, size_t end, const struct cp_task *t,
		struct cp_err *err)
{
	struct cp_answer *answers = calloc(end - from, sizeof *answers);
	struct cp_judge_result r = { .state = "" };
	struct cp_err why = { .code = CP_OK };

	if (answers == NULL)
		return no_memory(err);
	for (size_t i = from; i < end; i++)
		answers[i - from] = (struct cp_answer){ b->rows[i].field, b->rows[i].result, b->rows[i].value };
	enum cp_code code = cp_judge(a->store, t, answers, end - from,
			cp_arg_given(a, "--draft") ? CP_SUBMIT_DRAFT : CP_SUBMIT_IF_COMPLETE, NULL, 0, &r, &why);
	free(answers);
	if (code == CP_EINPUT)
		return complain(b, &b->rows[from], b->rows[from].case_at, why.text, err);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	count(b, &r);
	return CP_OK;
}

/* The rows from .. end - 1 name one case. */
static enum cp_code rate_case(struct cp_args *a, struct batch *b, size_t from, size_t end, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	struct cp_task task = { .held = NULL };
	struct cp_id key;
	size_t bad = b->n_bad;

	enum cp_code code = cp_case_find(a->store, b->rows[from].case_id, &key, &why);
	if (code == CP_OK)
		code = cp_task_find(a->store, &key, &task, &why);
	if (code != CP_OK && code != CP_ENOTFOUND && code != CP_EINPUT)
		return cp_fail(err, code, "%s", why.text);
	if (code != CP_OK) {
		for (size_t i = from; i < end; i++)
			CP_TRY(complain(b, &b->rows[i], b->rows[i].case_at, why.text, err));
		return CP_OK;
	}
	code = check_rows(b, from, end, &task, err);
	if (code == CP_OK && b->n_bad == bad)
		code = judge(a, b, from, end, &task, err);
	cp_task_drop(&task);
	return code;
}

static enum cp_code rate_all(struct cp_args *a, struct batch *b, struct cp_err *err)
{
	if (b->n > 1)
		qsort(b->rows, b->n, sizeof *b->rows, by_case);
	for (size_t i = 0, end; i < b->n; i = end) {
		for (end = i; end < b->n && strcmp(b->rows[end].case_id, b->rows[i].case_id) == 0; end++)
			;
		cp_progress_show("rating", i, b->n);
		CP_TRY(rate_case(a, b, i, end, err));
	}
	cp_progress_end();
	return CP_OK;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static enum cp_code list_bad(struct batch *b, struct cp_err *err)
{
	char n[CP_COUNT];

	qsort(b->bad, b->n_bad, sizeof *b->bad, by_line);
	for (size_t i = 0; i < b->n_bad; i++)
		cp_say("%s", b->bad[i].text);
	return cp_fail(err, CP_EINPUT, "%s: %s; nothing was kept", b->path, cp_count(n, (int64_t)b->n_bad, "bad row",
			"bad rows"));
}

static enum cp_code say_done(const struct cp_args *a, const struct batch *b, struct cp_err *err)
{
	bool is_dry = cp_arg_given(a, "--dry-run");
	char answers[CP_COUNT], cases[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:b}", "file", cp_json_text(b->path),
				"answers", (json_int_t)b->n, "cases", (json_int_t)b->cases, "submitted",
				(json_int_t)b->submitted, "drafts", (json_int_t)b->drafts, "unchanged",
				(json_int_t)b->unchanged, "dry_run", (int)is_dry), err);
	return cp_line(err, "%s: %s on %s; %lld submitted, %lld kept as drafts%s", b->path,
			cp_count(answers, (int64_t)b->n, "answer", "answers"), cp_count(cases, b->cases, "case", "cases"),
			(long long)b->submitted, (long long)b->drafts, is_dry ? "; a dry run, nothing was kept" : "");
}

static enum cp_code rate_inside(struct cp_args *a, struct batch *b, struct cp_err *err)
{
	CP_TRY(rate_all(a, b, err));
	return b->n_bad > 0 ? list_bad(b, err) : CP_OK;
}

static enum cp_code rate_batch(struct cp_args *a, struct batch *b, struct cp_err *err)
{
	char words[64];

	CP_TRY(read_file(b, err));
	CP_TRY(cp_judge_begin(a->store, err));
	enum cp_code code = rate_inside(a, b, err);
	cp_progress_end();
	if (code != CP_OK || cp_arg_given(a, "--dry-run")) {
		cp_judge_abort(a->store);
		return code == CP_OK ? say_done(a, b, err) : code;
	}
	/* Not the file's name: these words are history, and a name may say what must not be there. */
	snprintf(words, sizeof words, "%lld cases rated from a file", (long long)b->cases);
	CP_TRY(cp_judge_commit(a->store, words, err));
	return say_done(a, b, err);
}

enum cp_code cp_rate_file(struct cp_args *a, const char *path, struct cp_err *err)
{
	struct batch b = { .path = path, .limits = cp_store_limits(a->store) };
	enum cp_code code = rate_batch(a, &b, err);

	batch_free(&b);
	return code;
}
