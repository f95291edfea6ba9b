#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/report.h"

struct sheet { struct cp_out *out; bool json; const char *verdict; int64_t n, max; };

/* Ids are cut to what tells them apart, for people. */
static enum cp_code add_id(struct sheet *t, const char *id, struct cp_err *err)
{
	char brief[9];

	snprintf(brief, sizeof brief, "%.8s", id);
	return cp_out_text(t->out, t->json ? id : brief, err);
}

/* ---- the life of a case -------------------------------------------------------------------- */

static enum cp_code on_event(void *user, const struct cp_event *e, struct cp_err *err)
{
	struct sheet *t = user;

	t->n++;
	CP_TRY(cp_out_time(t->out, e->claimed_us, err));
	CP_TRY(cp_out_text(t->out, e->who, err));
	CP_TRY(cp_out_text(t->out, e->what, err));
	CP_TRY(cp_out_text(t->out, e->detail, err));
	CP_TRY(cp_out_text(t->out, e->guideline, err));
	CP_TRY(add_id(t, e->device, err));
	CP_TRY(add_id(t, e->commit, err));
	return cp_out_time(t->out, e->received_us, err);
}

static enum cp_code log_case(struct cp_args *a, const char *id, struct cp_err *err)
{
	static const char *const columns[] = { "when", "who", "what", "detail", "guideline", "device", "commit",
		"received" };
	struct sheet t = { .json = a->json };
	struct cp_id case_id;

	CP_TRY(cp_case_find(a->store, id, &case_id, err));
	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = cp_log_case(a->store, &case_id, on_event, &t, err);
	return cp_out_close(t.out, code, err);
}

/* ---- change commits ------------------------------------------------------------------------ */

static enum cp_code on_commit(void *user, const struct cp_commit_row *c, struct cp_err *err)
{
	struct sheet *t = user;

	if (t->verdict != NULL && strcmp(t->verdict, c->verdict) != 0)
		return CP_OK;
	if (t->max > 0 && t->n == t->max)
		return CP_OK;
	t->n++;
	CP_TRY(add_id(t, c->oid, err));
	CP_TRY(cp_out_time(t->out, c->claimed_us, err));
	CP_TRY(cp_out_text(t->out, c->who, err));
	CP_TRY(cp_out_int(t->out, c->edits, err));
	CP_TRY(cp_out_text(t->out, c->verdict, err));
	CP_TRY(cp_out_text(t->out, c->reason[0] != '\0' && !t->json ? c->reason : c->subject, err));
	if (!t->json)
		return CP_OK;
	CP_TRY(cp_out_text(t->out, c->reason, err));
	CP_TRY(cp_out_text(t->out, c->branch, err));
	return cp_out_time(t->out, c->received_us, err);
}

static enum cp_code log_commits(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "commit", "when", "who", "edits", "verdict", "subject", "reason",
		"branch", "received" };
	struct sheet t = { .json = a->json };

	CP_TRY(cp_arg_int(a, "--max", 1, INT64_MAX, 0, &t.max, err));
	if (cp_arg_given(a, "--refused") && cp_arg_given(a, "--waiting"))
		return cp_fail(err, CP_EUSAGE, "log: say either --refused or --waiting");
	t.verdict = cp_arg_given(a, "--refused") ? "refused" : cp_arg_given(a, "--waiting") ? "waiting" : NULL;
	CP_TRY(cp_out_begin(&t.out, a->json, columns, a->json ? 9 : 6, err));
	enum cp_code code = cp_log_commits(a->store, t.verdict == NULL ? t.max : 0, on_commit, &t, err);
	CP_TRY(cp_out_close(t.out, code, err));
	if (t.n == 0)
		cp_say(t.verdict == NULL ? "no change commit is here yet" : "no change commit is %s", t.verdict);
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 0, 1, err));
	if (a->n == 0)
		return log_commits(a, err);
	if (cp_arg_given(a, "--max") || cp_arg_given(a, "--refused") || cp_arg_given(a, "--waiting"))
		return cp_fail(err, CP_EUSAGE, "log: --max, --refused and --waiting are for change commits, not for a case");
	return log_case(a, a->words[0], err);
}

static const struct cp_option options[] = {
	{ "--max", "N", "at most the newest N change commits" },
	{ "--refused", NULL, "only change commits that were refused" },
	{ "--waiting", NULL, "only change commits that wait for something" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack log q-1042", "who gave, judged and changed this case, and under which guideline" },
	{ "casepack log --max 20", "the newest change commits" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_log = {
	.name = "log",
	.usage = "CASE\n[--refused | --waiting] [--max N]",
	.summary = "what happened, and who did it",
	.about = "With a case: its life in order, every step with the person, the device, the guideline revision and "
		"the signed change commit that proves it. A case is named by its id, its name in history, or the "
		"first six or more digits of its key.\n\n"
		"Without one: the change commits taken in, newest first, behind those that wait. When is what the "
		"author's clock said, received what the clock here said.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
