#include "cli/rate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/shown.h"
#include "sync/judge.h"

#define MAX_ANSWERS 4096

/* ---- FIELD=VALUE, FIELD@RESULT=VALUE ------------------------------------------------------- */

struct answers { struct cp_answer list[MAX_ANSWERS]; char *held[MAX_ANSWERS]; size_t n; };

static void answers_free(struct answers *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->held[i]);
	free(g);
}

/*
 * Where the value begins. A result's id may itself hold an equals sign, so the longest
 * id of the case that fits in front of one is taken; else the first equals sign divides.
 */
static char *find_equals(char *word, const struct cp_task *t)
{
	char *at = strchr(word, '@'), *first = strchr(word, '='), *best = NULL;

	if (at == NULL || first == NULL || at > first)
		return first;
	for (char *e = first; e != NULL; e = strchr(e + 1, '='))
		for (size_t i = 0; i < t->view.n_results; i++) {
			size_t n = (size_t)(e - at - 1);
			const struct cp_result_view *r = &t->view.results[i];
			if ((strlen(r->id) == n && memcmp(r->id, at + 1, n) == 0)
					|| (strlen(r->name) == n && memcmp(r->name, at + 1, n) == 0))
				best = e;
		}
	return best == NULL ? first : best;
}

static enum cp_code parse_answer(struct answers *g, const char *given, const struct cp_task *t, struct cp_err *err)
{
	if (g->n == MAX_ANSWERS)
		return cp_fail(err, CP_EUSAGE, "rate: at most %d answers at a time; use --from FILE", MAX_ANSWERS);
	char *word = strdup(given);
	if (word == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	g->held[g->n++] = word;
	char *equals = find_equals(word, t);
	if (equals == NULL || equals == word)
		return cp_fail(err, CP_EUSAGE, "rate: %s is no answer; say FIELD=VALUE or FIELD@RESULT=VALUE", given);
	*equals = '\0';
	char *at = strchr(word, '@');
	if (at != NULL)
		*at = '\0';
	g->list[g->n - 1] = (struct cp_answer){ word, at == NULL ? "" : at + 1, equals + 1 };
	for (size_t i = 0; i + 1 < g->n; i++)
		if (strcmp(g->list[i].field, word) == 0 && strcmp(g->list[i].result, g->list[g->n - 1].result) == 0)
			return cp_fail(err, CP_EUSAGE, "rate: %s is answered twice", given);
	return CP_OK;
}

/* ---- one case ------------------------------------------------------------------------------ */

static enum cp_code read_how(const struct cp_args *a, enum cp_submit *how, struct cp_err *err)
{
	static const struct { const char *option; enum cp_submit how; } hows[] = {
		{ "--draft", CP_SUBMIT_DRAFT }, { "--skip", CP_SUBMIT_SKIP }, { "--escalate", CP_SUBMIT_ESCALATE },
	};
	size_t given = 0;

	*how = CP_SUBMIT_IF_COMPLETE;
	for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
		if (cp_arg_given(a, hows[i].option)) {
			*how = hows[i].how;
			given++;
		}
	return given < 2 ? CP_OK : cp_fail(err, CP_EUSAGE, "rate: say only one of --draft, --skip and --escalate");
}

static enum cp_code judge(struct cp_args *a, const struct cp_task *t, const struct answers *g, enum cp_submit how,
		struct cp_judge_result *out, struct cp_err *err)
{
	const char *note = cp_arg(a, "--note");

	if (!cp_arg_given(a, "--dry-run"))
		return cp_judge(a->store, t, g->list, g->n, how, note, 0, out, err);
	CP_TRY(cp_judge_begin(a->store, err));
	enum cp_code code = cp_judge(a->store, t, g->list, g->n, how, note, 0, out, err);
	cp_judge_abort(a->store);
	return code;
}

static enum cp_code say_judged(const struct cp_args *a, const struct cp_task *t, const struct cp_judge_result *r,
		struct cp_err *err)
{
	bool is_dry = cp_arg_given(a, "--dry-run");
	char missing[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:s, s:I, s:o, s:b, s:b}", "case", cp_json_text(t->view.id),
				"state", r->state, "missing", (json_int_t)r->missing, "first_missing",
				r->missing > 0 ? cp_json_text(r->first_missing) : json_null(),
				"changed", (int)r->changed, "dry_run", (int)is_dry), err);
	if (r->missing > 0 && strcmp(r->state, "draft") == 0)
		return cp_line(err, "case %s: %s%s; %s missing, the first is %s", t->view.id, is_dry ? "would be " : "",
				r->state, cp_count(missing, r->missing, "answer", "answers"), r->first_missing);
	return cp_line(err, "case %s: %s%s%s", t->view.id, is_dry ? "would be " : "", r->state,
			r->changed ? "" : ", as it was");
}

static enum cp_code rate_task(struct cp_args *a, const struct cp_task *t, struct answers *g, struct cp_err *err)
{
	struct cp_judge_result r = { .state = "" };
	enum cp_submit how;

	CP_TRY(read_how(a, &how, err));
	for (size_t i = 1; i < a->n; i++)
		CP_TRY(parse_answer(g, a->words[i], t, err));
	CP_TRY(judge(a, t, g, how, &r, err));
	return say_judged(a, t, &r, err);
}

static enum cp_code rate_case(struct cp_args *a, struct cp_err *err)
{
	struct cp_task task = { .held = NULL };
	struct cp_id key;

	CP_TRY(cp_case_find(a->store, a->words[0], &key, err));
	CP_TRY(cp_task_find(a->store, &key, &task, err));
	struct answers *g = calloc(1, sizeof *g);
	enum cp_code code = g == NULL ? cp_fail(err, CP_EIO, "out of memory") : rate_task(a, &task, g, err);
	if (g != NULL)
		answers_free(g);
	cp_task_drop(&task);
	return code;
}

/* ---- the list ------------------------------------------------------------------------------ */

struct listing { struct cp_out *out; int64_t n; };

static enum cp_code add_task(void *user, const struct cp_task *t, struct cp_err *err)
{
	struct listing *l = user;

	l->n++;
	CP_TRY(cp_out_int(l->out, t->position, err));
	CP_TRY(cp_out_text(l->out, t->view.id, err));
	CP_TRY(cp_out_text(l->out, t->state, err));
	CP_TRY(cp_out_text(l->out, t->due, err));
	CP_TRY(cp_out_text(l->out, t->view.locale, err));
	return cp_out_text(l->out, t->view.has_content ? t->view.query : t->view.is_expired ? "(its content expired)"
			: "(its content has not come)", err);
}

static enum cp_code list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "n", "case", "state", "due", "locale", "query" };
	struct listing l = { NULL, 0 };

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_TRY(cp_out_begin(&l.out, a->json, columns, sizeof columns / sizeof *columns, err));
	CP_TRY(cp_out_close(l.out, cp_task_each(a->store, add_task, &l, err), err));
	if (l.n == 0)
		cp_say("no case is assigned to you");
	return CP_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static bool has_any(const struct cp_args *a, const char *const *names)
{
	for (; *names != NULL; names++)
		if (cp_arg_given(a, *names))
			return true;
	return false;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const char *const all[] = { "--draft", "--skip", "--escalate", "--note", "--dry-run", NULL };
	static const char *const of_one_case[] = { "--skip", "--escalate", "--note", NULL };
	const char *from = cp_arg(a, "--from");

	if (cp_arg_given(a, "--list")) {
		if (from != NULL || has_any(a, all))
			return cp_fail(err, CP_EUSAGE, "rate: --list stands alone");
		return list(a, err);
	}
	if (from != NULL) {
		CP_TRY(cp_args_want(a, 0, 0, err));
		if (has_any(a, of_one_case))
			return cp_fail(err, CP_EUSAGE, "rate: --skip, --escalate and --note are for one case, not for --from");
		return cp_rate_file(a, from, err);
	}
	if (a->n > 1 || (a->n == 1 && has_any(a, all)))
		return rate_case(a, err);
	if (has_any(a, all))
		return cp_fail(err, CP_EUSAGE, "rate: say which CASE");
	if (a->json || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return cp_fail(err, CP_EUSAGE, "rate: this is no terminal; say CASE FIELD=VALUE..., --from FILE or --list");
	return cp_rate_dialogue(a, a->n == 1 ? a->words[0] : NULL, err);
}

static const struct cp_option options[] = {
	{ "--list", NULL, "your cases, in your order" },
	{ "--from", "FILE", "answers from a .csv, .tsv or .jsonl file with the columns case, field, result, value" },
	{ "--draft", NULL, "keep a draft even when nothing is missing" },
	{ "--skip", NULL, "skip the case; --note says why" },
	{ "--escalate", NULL, "hand the case to the lead" },
	{ "--note", "TEXT", "a note on the case; it becomes part of the project's history" },
	{ "--dry-run", NULL, "check everything and keep nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack rate", "judge case after case in the terminal" },
	{ "casepack rate q-1042 grade@d1=3 grade@d2=0", "from a script; submitted once nothing is missing" },
	{ "casepack rate q-1043 --skip --note 'page does not load'", "skipped, with the reason" },
	{ "casepack rate --from answers.csv -n", "check a whole file and keep nothing" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_rate = {
	.name = "rate",
	.usage = "[CASE]\nCASE FIELD=VALUE... FIELD@RESULT=VALUE... [--draft | --skip | --escalate] [--note TEXT] [-n]\n"
		"--from FILE [--draft] [-n]\n--list",
	.summary = "judge cases",
	.about = "Without answers, on a terminal: shows case after case and asks the form's questions; a choice is one "
		"key. Every answer is on the disk before the next question, and ? shows the keys.\n\n"
		"With answers: FIELD=VALUE for the whole page, FIELD@RESULT=VALUE for one result; an empty value takes "
		"an answer back. A value is a choice's value, label or key. The case is submitted when no required "
		"answer is missing, else kept as a draft. A submitted case can be changed in the same way.\n\n"
		"With --from: all rows or none. Every bad row is listed as FILE:LINE:COLUMN. Other columns than case, "
		"field, result and value are passed over, so an exported file fits.\n\n"
		"Nothing leaves this device before `return` or `sync`.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
