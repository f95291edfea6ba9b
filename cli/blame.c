#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/report.h"

struct sheet { struct cp_out *out; const struct cp_case_view *view; bool json; int64_t n; };

static const char *result_id(const struct cp_case_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0)
			return v->results[i].id;
	return name;
}

static enum cp_code answer_json(const struct sheet *t, const struct cp_blame *b, struct cp_err *err)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
			"field", cp_json_text(b->field), "result", cp_json_text(result_id(t->view, b->result)), "value", cp_json_text(b->value),
			"rater", cp_json_text(b->rater), "pass", (json_int_t)b->pass, "final", b->pass == 0, "who", cp_json_text(b->who),
			"when", cp_json_time(b->claimed_us), "received", cp_json_time(b->received_us), "commit", cp_json_text(b->commit),
			"signature", cp_json_text(b->signature), "device", cp_json_text(b->device), "guideline", cp_json_text(b->guideline),
			"revision", (json_int_t)b->revision, "device_state", cp_json_text(b->device_state), "state", cp_json_text(b->state),
			"reason", cp_json_text(b->reason));

	if (o != NULL)
		json_object_set_new(o, "settled", *b->settled_by == '\0' ? json_null() : json_pack("{s:o, s:o, s:o, s:o}", "who",
				cp_json_text(b->settled_by), "when", cp_json_time(b->settled_us), "commit", cp_json_text(b->settled_commit), "reason",
				cp_json_text(b->settled_reason)));
	return cp_json_line(o, err);
}

/* What a lead decided about it, in words. */
static enum cp_code decided(const struct cp_blame *b, struct cp_buf *out, struct cp_err *err)
{
	if (b->pass == 0)
		return cp_buf_printf(out, err, "final answer: %s", b->reason);
	if (*b->settled_by != '\0')
		return cp_buf_printf(out, err, "settled by %s in %.8s: %s", b->settled_by, b->settled_commit, b->settled_reason);
	return cp_buf_puts(out, b->state, err);
}

static enum cp_code on_answer(void *user, const struct cp_blame *b, struct cp_err *err)
{
	struct sheet *t = user;
	const char *result = result_id(t->view, b->result);
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX), words = CP_BUF(CP_TEXT_MAX);
	char brief[9], under[160];

	t->n++;
	if (t->json)
		return answer_json(t, b, err);
	CP_TRY(cp_buf_printf(&text, err, "%s%s%s", b->field, *result ? "@" : "", result));
	CP_TRY(decided(b, &words, err));
	snprintf(under, sizeof under, *b->guideline ? "%s %lld" : "", b->guideline, (long long)b->revision);
	CP_TRY(cp_out_text(t->out, text.data, err));
	CP_TRY(cp_out_text(t->out, b->value, err));
	CP_TRY(cp_out_text(t->out, b->who, err));
	CP_TRY(cp_out_time(t->out, b->claimed_us, err));
	CP_TRY(cp_out_text(t->out, under, err));
	snprintf(brief, sizeof brief, "%.8s", b->commit);
	CP_TRY(cp_out_text(t->out, brief, err));
	snprintf(under, sizeof under, "%s%s%s", b->signature, *b->device_state ? ", " : "", b->device_state);
	CP_TRY(cp_out_text(t->out, under, err));
	snprintf(brief, sizeof brief, "%.8s", b->device);
	CP_TRY(cp_out_text(t->out, brief, err));
	return cp_out_text(t->out, words.data ? words.data : "", err);
}

static enum cp_code blame(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	static const char *const columns[] = { "answer", "value", "who", "when", "guideline", "commit", "signature", "device", "decided" };
	struct sheet t = { .view = v, .json = a->json };
	enum cp_code code;

	if (!a->json)
		CP_TRY(cp_out_begin(&t.out, false, columns, sizeof columns / sizeof *columns, err));
	code = cp_blame_case(a->store, &v->key, on_answer, &t, err);
	CP_TRY(a->json ? code : cp_out_close(t.out, code, err));
	if (t.n == 0)
		cp_say("no answer about this case is here");
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };
	struct cp_id id;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_case_find(a->store, a->words[0], &id, err));
	CP_TRY(cp_case_load(a->store, &id, &view, err));
	return blame(a, &view, err);
}

static const struct cp_example examples[] = {
	{ "casepack blame q-1042", "who last set each answer, and what proves it" },
	{ "casepack blame q-1042 --json | jq -r .commit", "the change commits, for `casepack show` or git" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_blame = {
	.name = "blame",
	.usage = "CASE",
	.summary = "who gave each answer",
	.about = "One line for each answer that stands: who last set it, when by that person's clock, under which guideline "
		"revision, and in which change commit. That is the edit which gave the answer its value; one that gave the same value again did "
		"not set it. The credit is the rater's: a merge sets nothing, and a lead who settles a conflict chooses, and is named "
		"beside the answer with the reason. A final answer of a lead is a line of its own behind what the raters said.\n\n"
		"Columns are those of `casepack log`. in conflict: this stands meanwhile, by policy; undecided: nothing stands until a "
		"lead decides, and this is only what is shown.",
	.examples = examples,
	.needs_store = true,
	.run = run,
};
