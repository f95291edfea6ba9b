#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "sync/settle.h"

static enum cp_code say_final(const struct cp_args *a, const struct cp_case_view *v, const struct cp_final *f, bool changed,
		struct cp_err *err)
{
	bool is_dry = cp_arg_given(a, "--dry-run");

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:s, s:o, s:o, s:s, s:b, s:b}", "case", cp_json_text(v->id), "field", f->field,
				"result", cp_json_text(f->result), "value", *f->value ? cp_json_text(f->value) : json_null(), "cause", f->cause,
				"changed", (int)changed, "dry_run", (int)is_dry), err);
	return cp_line(err, "case %s: %s%s%s: %s%s%s", v->id, f->field, *f->result ? " of " : "", f->result,
			is_dry ? "would be " : "", *f->value ? "finally " : "without a final answer again", f->value);
}

/* Inside an open settling. */
static enum cp_code adjudicate_word(struct cp_args *a, const struct cp_case_view *v, const char *given, struct cp_err *err)
{
	CP_AUTO(str) char *word = strdup(given);
	struct cp_final f = { .case_id = v->key, .cause = cp_arg(a, "--cause"), .reason = cp_arg(a, "--reason") };
	struct cp_said_answer said;
	bool changed;

	if (word == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	CP_TRY(cp_answer_read(&said, word, v, "adjudicate", err));
	f.field = said.field;
	f.result = said.result;
	f.value = said.value;
	CP_TRY(cp_adjudicate(a->store, &f, &changed, err));
	return say_final(a, v, &f, changed, err);
}

static enum cp_code adjudicate(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	char words[128];
	enum cp_code code = CP_OK;

	snprintf(words, sizeof words, "final answers for case %.64s", v->name);
	CP_TRY(cp_settling_begin(a->store, err));
	for (size_t i = 1; code == CP_OK && i < a->n; i++)
		code = adjudicate_word(a, v, a->words[i], err);
	if (code == CP_OK && !cp_arg_given(a, "--dry-run"))
		code = cp_settling_commit(a->store, words, err);
	cp_settling_abort(a->store);
	CP_TRY(code);
	return cp_arg_given(a, "--dry-run") ? CP_OK : cp_seal_if_ready(a->store, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };
	struct cp_id key;

	CP_TRY(cp_args_want(a, 2, SIZE_MAX, err));
	if (cp_arg(a, "--cause") == NULL)
		return cp_fail(err, CP_EUSAGE, "adjudicate: say why it was needed: --cause, one of %s", cp_adjudicate_causes);
	if (cp_arg(a, "--reason") == NULL)
		return cp_fail(err, CP_EUSAGE, "adjudicate: a final answer needs a reason: --reason \"WHY\"");
	CP_TRY(cp_case_find(a->store, a->words[0], &key, err));
	CP_TRY(cp_case_load(a->store, &key, &view, err));
	return adjudicate(a, &view, err);
}

static const struct cp_option options[] = {
	{ "--cause", "CAUSE", "disagreement, gold, policy, error or other" },
	{ "--reason", "TEXT", "why this is the answer; it stands in history" },
	{ "--dry-run", NULL, "check the answers, and change nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack adjudicate q-1042 grade@d1=2 --cause disagreement --reason \"section 3.2\"", "the final grade of a result" },
	{ "casepack adjudicate q-1042 grade@d1= --cause error --reason \"set by mistake\"", "take it back" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_adjudicate = {
	.name = "adjudicate",
	.usage = "CASE FIELD[@RESULT]=VALUE... --cause CAUSE --reason TEXT [--dry-run]",
	.summary = "set final answers, with cause",
	.about = "The lead's final answer to a question of a case, beside what its raters said: their judgments stay as they "
		"are. `casepack show CASE` lists it, exports have it in the column final, and qrels take it instead of what raters "
		"come to, unless --rater names one. Answers are checked against the form; an empty value takes a final "
		"answer back, and the later of two by one lead counts. All answers of one call are one edit.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
