#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/gather.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "formats/rows.h"
#include "sync/gold.h"

/* What a lead would see only when it is too late. */
static enum cp_code warn(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf segments = CP_BUF(1 << 20);

	CP_TRY(cp_gold_betrayed(a->store, &segments, err));
	if (segments.len > 0)
		cp_say("every case of segment %s has gold answers, and raters see the segment: import gold cases with the others", segments.data);
	return CP_OK;
}

/* ---- one case ------------------------------------------------------------------------------- */

static enum cp_code say_set(const struct cp_args *a, const struct cp_case_view *v, const struct cp_gold *g, bool changed,
		struct cp_err *err)
{
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:o, s:o, s:o, s:b}", "case", cp_json_text(v->id), "field", cp_json_text(g->field),
				"result", cp_json_text(g->result), "value", cp_json_text(g->value), "changed", (int)changed), err);
	return cp_line(err, "case %s: gold of %s%s%s is %s%s", v->id, g->field, *g->result ? " of " : "", g->result, g->value,
			changed ? "" : " already");
}

static enum cp_code set_word(struct cp_args *a, const struct cp_case_view *v, const char *given, struct cp_err *err)
{
	CP_AUTO(str) char *word = strdup(given);
	struct cp_gold g = { .case_id = v->key, .reason = cp_arg(a, "--reason") };
	struct cp_said_answer said;
	bool changed;

	if (word == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	CP_TRY(cp_answer_read(&said, word, v, "gold set", err));
	g.field = said.field;
	g.result = said.result;
	g.value = said.value;
	CP_TRY(cp_gold_put(a->store, &g, &changed, err));
	return say_set(a, v, &g, changed, err);
}

/* FIELD or FIELD@RESULT; what a result is called may hold anything. */
static enum cp_code withdraw_word(struct cp_args *a, const struct cp_case_view *v, const char *given, int64_t *n, struct cp_err *err)
{
	CP_AUTO(str) char *word = strdup(given);
	char *at;
	const char *result = NULL;
	int64_t here;

	if (word == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	at = strchr(word, '@');
	if (at != NULL) {
		*at = '\0';
		result = at + 1;
	}
	for (size_t i = 0; at != NULL && i < v->n_results; i++)
		if (strcmp(v->results[i].id, at + 1) == 0)
			result = v->results[i].name;
	CP_TRY(cp_gold_withdraw(a->store, &v->key, word, result, &here, err));
	*n += here;
	return here > 0 ? CP_OK : cp_fail(err, CP_EINPUT, "case %s: has no gold answer to %s; `casepack gold list` shows those there are",
			v->id, given);
}

static enum cp_code set_words(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	for (size_t i = 2; i < a->n; i++)
		CP_TRY(set_word(a, v, a->words[i], err));
	return CP_OK;
}

static enum cp_code withdraw_words(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	char count[CP_COUNT];
	int64_t n = 0;

	for (size_t i = 2; i < a->n; i++)
		CP_TRY(withdraw_word(a, v, a->words[i], &n, err));
	if (a->n == 2)
		CP_TRY(cp_gold_withdraw(a->store, &v->key, NULL, NULL, &n, err));
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:I}", "case", cp_json_text(v->id), "withdrawn", (json_int_t)n), err);
	return cp_line(err, "case %s: %s withdrawn", v->id, cp_count(count, n, "gold answer", "gold answers"));
}

static enum cp_code edit_case(struct cp_args *a, enum cp_code do_words(struct cp_args *, const struct cp_case_view *, struct cp_err *),
		const char *what, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };
	struct cp_id key;
	char words[128];
	enum cp_code code;

	CP_TRY(cp_case_find(a->store, a->words[1], &key, err));
	CP_TRY(cp_case_load(a->store, &key, &view, err));
	snprintf(words, sizeof words, "gold of case %.64s %s", view.name, what);
	CP_TRY(cp_gold_begin(a->store, err));
	code = do_words(a, &view, err);
	if (code == CP_OK)
		code = cp_gold_commit(a->store, words, err);
	cp_gold_abort(a->store);
	CP_TRY(code);
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code set(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 3, SIZE_MAX, err));
	CP_TRY(edit_case(a, set_words, "set", err));
	return warn(a, err);
}

static enum cp_code withdraw(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 2, SIZE_MAX, err));
	return edit_case(a, withdraw_words, "withdrawn", err);
}

/* ---- a file ----------------------------------------------------------------------------------- */

enum { CASE, FIELD, RESULT, VALUE, REASON, COLUMNS };
static const char *const targets[COLUMNS] = { "case", "field", "result", "value", "reason" };

struct importing {
	struct cp_args *a;
	const char *path, *columns[COLUMNS], *field; /* field: of rows that name none */
	struct cp_trouble trouble;
	int64_t answers, changed;
};

/* --map case=query,result=docid: in place. */
static enum cp_code read_map(struct importing *in, char *map, struct cp_err *err)
{
	char *rest = NULL;

	memcpy(in->columns, targets, sizeof targets);
	for (char *pair = strtok_r(map, ",", &rest); pair != NULL; pair = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(pair, '=');
		size_t t = 0;

		while (t < COLUMNS && (equals == NULL || strncmp(pair, targets[t], (size_t)(equals - pair)) != 0 ||
				strlen(targets[t]) != (size_t)(equals - pair)))
			t++;
		if (t == COLUMNS || equals[1] == '\0')
			return cp_fail(err, CP_EUSAGE, "option --map: %s is not case, field, result, value or reason, and =COLUMN", pair);
		in->columns[t] = equals + 1;
	}
	return CP_OK;
}

static enum cp_code check_header(const struct importing *in, const struct cp_rows *r, struct cp_err *err)
{
	const char *const *names;
	size_t n = cp_rows_header(r, &names);

	for (int t = CASE; t <= VALUE; t++) {
		bool is_needed = t == CASE || t == VALUE || (t == FIELD && in->field == NULL) ||
			strcmp(in->columns[t], targets[t]) != 0;
		size_t i = 0;

		while (i < n && strcmp(names[i], in->columns[t]) != 0)
			i++;
		if (i == n && is_needed)
			return cp_fail(err, CP_EINPUT, "%s:1: there is no column \"%s\" for %s; --map %s=COLUMN names another%s", in->path,
					in->columns[t], targets[t], targets[t], t == FIELD ? ", --field the field of all rows" : "");
	}
	return CP_OK;
}

static const char *cell(const struct importing *in, const struct cp_row *row, int t)
{
	const struct cp_cell *c = cp_row_cell(row, in->columns[t]);

	return c != NULL ? c->text : "";
}

static enum cp_code put_row(struct importing *in, const struct cp_row *row, struct cp_err *why)
{
	struct cp_gold g = { .field = cell(in, row, FIELD), .result = cell(in, row, RESULT), .value = cell(in, row, VALUE) };
	bool changed;

	if (*g.field == '\0' && in->field != NULL)
		g.field = in->field;
	g.reason = *cell(in, row, REASON) ? cell(in, row, REASON) : cp_arg(in->a, "--reason");
	CP_TRY(cp_case_find(in->a->store, cell(in, row, CASE), &g.case_id, why));
	CP_TRY(cp_gold_put(in->a->store, &g, &changed, why));
	in->answers++;
	in->changed += changed;
	return CP_OK;
}

static enum cp_code put_rows(struct importing *in, struct cp_rows *rows, struct cp_err *err)
{
	struct cp_row row;
	bool more = true;

	CP_TRY(check_header(in, rows, err));
	while (more) {
		struct cp_err why = { .code = CP_OK };
		enum cp_code code = cp_rows_next(rows, &row, &more, &why);

		if (code == CP_EINPUT)
			cp_trouble_note(&in->trouble, "%s", why.text);
		else if (code == CP_OK && more)
			code = put_row(in, &row, &why);
		else if (code == CP_OK)
			break;
		if (code != CP_OK && code != CP_EINPUT && code != CP_ENOTFOUND)
			return cp_fail(err, code, "%s", why.text);
		if (code != CP_OK && more && strncmp(why.text, in->path, strlen(in->path)) != 0)
			cp_trouble_note(&in->trouble, "%s:%zu:1: %s", in->path, row.line, why.text);
	}
	return in->trouble.n == 0 ? CP_OK
		: cp_fail(err, CP_EINPUT, "%s: %zu bad %s; nothing was kept", in->path, in->trouble.n, in->trouble.n == 1 ? "row" : "rows");
}

static enum cp_code import_rows(struct importing *in, struct cp_rows *rows, struct cp_err *err)
{
	char words[64];
	enum cp_code code;

	CP_TRY(cp_gold_begin(in->a->store, err));
	code = put_rows(in, rows, err);
	snprintf(words, sizeof words, "gold: %lld answers from a file", (long long)in->answers);
	if (code == CP_OK && !cp_arg_given(in->a, "--dry-run"))
		code = cp_gold_commit(in->a->store, words, err);
	cp_gold_abort(in->a->store);
	return code;
}

static enum cp_code say_imported(const struct importing *in, struct cp_err *err)
{
	bool is_dry = cp_arg_given(in->a, "--dry-run");
	char n[CP_COUNT];

	if (in->a->json)
		return cp_json_line(json_pack("{s:o, s:I, s:I, s:b}", "file", cp_json_text(in->path), "answers", (json_int_t)in->answers,
				"changed", (json_int_t)in->changed, "dry_run", (int)is_dry), err);
	return cp_line(err, "%s: %s, %lld of them new or changed%s", in->path, cp_count(n, in->answers, "gold answer", "gold answers"),
			(long long)in->changed, is_dry ? "; a dry run, nothing was kept" : "");
}

static enum cp_code import(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(str) char *map = strdup(cp_arg(a, "--map") ? cp_arg(a, "--map") : "");
	CP_AUTO(rows) struct cp_rows *rows = NULL;
	struct importing in = { .a = a, .field = cp_arg(a, "--field") };
	enum cp_rows_kind kind;

	CP_TRY(cp_args_want(a, 2, 2, err));
	in.path = a->words[1];
	if (map == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	CP_TRY(read_map(&in, map, err));
	CP_TRY(cp_rows_kind_of(&kind, in.path, err));
	CP_TRY(cp_rows_open(&rows, in.path, kind, true, cp_store_limits(a->store), err));
	CP_TRY(import_rows(&in, rows, err));
	CP_TRY(say_imported(&in, err));
	if (!cp_arg_given(a, "--dry-run"))
		CP_TRY(cp_seal_if_ready(a->store, err));
	return warn(a, err);
}

/* ---- looking ------------------------------------------------------------------------------------ */

struct listing { struct cp_args *a; struct cp_out *out; struct cp_case_view view; };

static const char *result_id(const struct cp_case_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0)
			return v->results[i].id;
	return name;
}

static enum cp_code on_row(void *user, const struct cp_gold_row *r, struct cp_err *err)
{
	struct listing *l = user;

	if (l->view.held == NULL || !cp_id_equal(&l->view.key, &r->case_id)) {
		cp_case_view_drop(&l->view);
		CP_TRY(cp_case_load(l->a->store, &r->case_id, &l->view, err));
	}
	CP_TRY(cp_out_text(l->out, l->view.id, err));
	CP_TRY(cp_out_text(l->out, r->field, err));
	CP_TRY(cp_out_text(l->out, result_id(&l->view, r->result), err));
	CP_TRY(cp_out_text(l->out, r->value, err));
	CP_TRY(cp_out_text(l->out, r->reason, err));
	return cp_out_time(l->out, r->at_us, err);
}

static enum cp_code list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "case", "field", "result", "value", "reason", "when" };
	struct listing l = { .a = a };
	enum cp_code code;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&l.out, a->json, columns, sizeof columns / sizeof *columns, err));
	code = cp_gold_each(a->store, NULL, on_row, &l, err);
	cp_case_view_drop(&l.view);
	CP_TRY(cp_out_close(l.out, code, err));
	return warn(a, err);
}

static enum cp_code on_score(void *user, const struct cp_gold_score *s, struct cp_err *err)
{
	struct cp_out *o = user;
	char share[16];

	snprintf(share, sizeof share, "%.3f", (double)s->equal / (double)s->answered);
	CP_TRY(cp_out_text(o, s->rater, err));
	CP_TRY(cp_out_text(o, *s->field ? s->field : "all", err));
	CP_TRY(cp_out_int(o, s->answered, err));
	CP_TRY(cp_out_int(o, s->equal, err));
	return cp_out_text(o, share, err);
}

static enum cp_code report(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "rater", "field", "answered", "equal", "share" };
	struct cp_out *out;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, sizeof columns / sizeof *columns, err));
	return cp_out_close(out, cp_gold_report(a->store, on_score, out, err), err);
}

/* ---- the command --------------------------------------------------------------------------------- */

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "set", " --reason ", set },
		{ "import", " --map --field --reason --dry-run ", import },
		{ "list", NULL, list },
		{ "withdraw", NULL, withdraw },
		{ "report", NULL, report },
		{ NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

static const struct cp_option options[] = {
	{ "--reason", "TEXT", "set, import: why this is the answer; only leads read it" },
	{ "--map", "PAIRS", "import: which column is what, like case=query,result=docid,value=grade" },
	{ "--field", "NAME", "import: the field of rows that name none" },
	{ "--dry-run", NULL, "import: check the rows, and keep nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack gold set q-1042 grade@d1=3 grade@d2=0 --reason \"section 3.2\"", "what the results of a case should get" },
	{ "casepack gold import --map case=query,result=docid,value=grade --field grade known.csv", "many from a table" },
	{ "casepack assign --form relevance --overlap 2 --gold 10", "one case in ten of what each person gets is gold" },
	{ "casepack gold report", "how often each rater gave the known answer" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_gold = {
	.name = "gold",
	.usage = "set CASE FIELD[@RESULT]=VALUE... [--reason TEXT]\nimport FILE [--map PAIRS] [--field NAME] [--reason TEXT] [-n]\n"
		"list\nwithdraw CASE [FIELD[@RESULT]]...\nreport",
	.summary = "answers that leads know, to hold raters against",
	.about = "Gold answers are known to leads' hubs alone: they are in no bundle for raters and relays, in no page of main and in "
		"none of its commits, and neither numbers nor clocks nor sizes of what others get tell which case has one. Hubs of "
		"leads exchange them by hub bundles, never by a git remote. Values are checked against the form, as in `rate`.\n\n"
		"`import` reads CSV, TSV or JSON lines with the columns case, field, result, value and, if there is one, reason: every row "
		"fits and all of it is taken, or each bad row is named and nothing is changed. `report` counts, for each rater and "
		"field, the submitted answers to questions with gold, and how many of them are equal to it.\n\n"
		"What only you can keep secret: import gold cases together with the others, with ids, segments, titles and contents of the "
		"same kind, and correct none of them later where the others stay; when gold is set makes no difference. Give them out "
		"with `assign --gold`, which mixes them among the others: cases that are assigned alone, or to everybody where the "
		"others go to two, can be told by that, also by raters who compare what they got. A final answer (`adjudicate`), "
		"its cause included, stands on main.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
