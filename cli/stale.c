#include <string.h>

#include "cli/keys.h"
#include "cli/names.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "sync/lapse.h"

struct sheet { struct cp_out *out; bool all; int64_t open; };

static enum cp_code on_row(void *user, const struct cp_stale_row *r, struct cp_err *err)
{
	struct sheet *t = user;

	t->open += *r->decision == '\0';
	if (!t->all && *r->decision != '\0')
		return CP_OK;
	CP_TRY(cp_out_text(t->out, r->case_name, err));
	CP_TRY(cp_out_text(t->out, r->rater, err));
	CP_TRY(cp_out_int(t->out, r->pass, err));
	CP_TRY(cp_out_text(t->out, r->text, err));
	CP_TRY(cp_out_int(t->out, r->named, err));
	CP_TRY(cp_out_int(t->out, r->broken_by, err));
	return cp_out_text(t->out, *r->decision ? r->decision : "open", err);
}

static enum cp_code list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "case", "rater", "pass", "text", "judged_under", "broken_by", "decision" };
	struct sheet t = { .all = cp_arg_given(a, "--all") };
	char n[CP_COUNT];

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	CP_TRY(cp_out_close(t.out, cp_stale_each(a->store, cp_arg(a, "--text"), on_row, &t, err), err));
	a->waits = t.open > 0;
	cp_say("%s; `casepack stale keep`, `requeue` or `void` decides", cp_count(n, t.open, "judgment waits for a decision",
			"judgments wait for a decision"));
	return CP_OK;
}

static enum cp_code decide(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(names) struct cp_names people = { NULL, 0, NULL };
	CP_AUTO(names) struct cp_names cases = { NULL, 0, NULL };
	struct cp_stale_settle w = { .decision = a->words[0], .reason = cp_arg(a, "--reason"), .text = cp_arg(a, "--text"),
		.settled_too = cp_arg_given(a, "--again"), .is_dry_run = cp_arg_given(a, "--dry-run") };
	struct cp_stale_settled done;
	char n[CP_COUNT], passes[CP_COUNT];

	CP_TRY(cp_args_want(a, 1, 1, err));
	if (w.reason == NULL)
		return cp_fail(err, CP_EUSAGE, "say why: --reason WORDS");
	CP_TRY(cp_names_split(&people, a, "--from", err));
	CP_TRY(cp_names_all(&cases, a, "--case", err));
	w.people = people.list;
	w.n_people = people.n;
	w.cases = cases.list;
	w.n_cases = cases.n;
	CP_TRY(cp_stale_settle(a->store, &w, &done, err));
	if (a->json)
		CP_TRY(cp_json_line(json_pack("{s:b, s:s, s:I, s:I}", "dry_run", w.is_dry_run, "decision", w.decision,
				"judgments", (json_int_t)done.judgments, "requeued", (json_int_t)done.requeued), err));
	else
		CP_TRY(cp_line(err, "%s%s: %s%s%s", w.is_dry_run ? "would be: " : "", w.decision,
				cp_count(n, done.judgments, "judgment", "judgments"), done.requeued ? ", given once more: " : "",
				done.requeued ? cp_count(passes, done.requeued, "case", "cases") : ""));
	return w.is_dry_run ? CP_OK : cp_seal_if_ready(a->store, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "keep", " --reason --text --case --from --again --dry-run ", decide },
		{ "requeue", " --reason --text --case --from --again --dry-run ", decide },
		{ "void", " --reason --text --case --from --again --dry-run ", decide },
		{ NULL, NULL, NULL },
	};

	return a->n == 0 ? list(a, err) : cp_verb_run(a, verbs, err);
}

static const struct cp_option options[] = {
	{ "--text", "NAME", "only what this guideline or form made stale" },
	{ "--case", "ID...", "only judgments of this case; may be said more than once" },
	{ "--from", "PEOPLE", "only judgments of these raters" },
	{ "--reason", "WORDS", "why; stands in history" },
	{ "--again", NULL, "decide anew where somebody has decided already" },
	{ "--all", NULL, "list those that are decided too" },
	{ "--dry-run", NULL, "say what would be decided, and decide nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack stale", "judgments that a breaking revision has overtaken" },
	{ "casepack stale requeue --text search --reason \"maps count now\"", "have them judged once more" },
	{ "casepack stale keep --case q-1042 --reason \"has no maps\"", "this one holds under the new text too" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_stale = {
	.name = "stale",
	.usage = "[--text NAME] [--all]\n"
		"keep|requeue|void --reason WORDS [--text NAME] [--case ID]... [--from PEOPLE] [--again] [-n]",
	.summary = "judgments made before a breaking revision",
	.about =
		"A judgment is stale when a breaking revision of its guideline or form stands that is not among the "
		"forerunners of the one it was made under. It is kept as it is, and counted apart until a lead decides: "
		"`keep` counts it again, `requeue` gives the case to its rater once more as a further pass, `void` leaves "
		"it out for good. A decision is about the judgment as it stood: when the rater changes it, it is asked again.\n\n"
		"Without a verb lists what is open. Exit status 3 when something is.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
