#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "sync/quarantine.h"

/* ---- the list ------------------------------------------------------------------------------ */

struct sheet { struct cp_args *a; struct cp_out *out; int64_t n; };

/* A change commit by its name, a stranger by its device's id. */
static enum cp_code on_one(void *user, const struct cp_quarantined *one, struct cp_err *err)
{
	struct sheet *t = user;
	const char *name = *one->oid ? one->oid : one->device;
	char brief[13];

	t->n++;
	t->a->waits = t->a->waits || *one->decision == '\0';
	snprintf(brief, sizeof brief, "%.12s", name);
	CP_TRY(cp_out_text(t->out, t->a->json ? name : brief, err));
	CP_TRY(cp_out_text(t->out, one->kind, err));
	CP_TRY(cp_out_text(t->out, one->pseudonym, err));
	CP_TRY(cp_out_int(t->out, one->edits, err));
	CP_TRY(cp_out_time(t->out, one->since_us, err));
	CP_TRY(cp_out_text(t->out, one->decision, err));
	CP_TRY(cp_out_text(t->out, *one->decision_reason && !t->a->json ? one->decision_reason : one->reason, err));
	if (!t->a->json)
		return CP_OK;
	CP_TRY(cp_out_text(t->out, one->decision_reason, err));
	return cp_out_text(t->out, one->device, err);
}

static enum cp_code list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "name", "kind", "who", "edits", "since", "decision", "reason", "decision_reason",
		"device" };
	struct sheet t = { .a = a };

	CP_TRY(cp_args_want(a, 0, 1, err));
	CP_TRY(cp_out_begin(&t.out, a->json, columns, a->json ? 9 : 7, err));
	enum cp_code code = cp_out_close(t.out, cp_quarantine_each(a->store, cp_arg_given(a, "--all"), on_one, &t, err), err);
	if (code == CP_OK && t.n == 0)
		cp_say("nothing is in quarantine");
	return code;
}

/* ---- one of them ----------------------------------------------------------------------------- */

struct explaining { struct cp_args *a; const char *oid; bool found; };

static enum cp_code explain(void *user, const struct cp_quarantined *one, struct cp_err *err)
{
	struct explaining *x = user;

	(void)err;
	if (strcmp(*one->oid ? one->oid : one->device, x->oid) != 0)
		return CP_OK;
	x->found = true;
	cp_say("%.12s, by %s's device %.8s: %s: %s", x->oid, one->pseudonym, one->device, one->kind, one->reason);
	if (*one->decision)
		cp_say("decided: %s: %s", one->decision, one->decision_reason);
	return CP_OK;
}

static enum cp_code on_cell(void *user, const struct cp_quarantine_cell *c, struct cp_err *err)
{
	struct sheet *t = user;
	char brief[9];

	t->n++;
	snprintf(brief, sizeof brief, "%.8s", c->document);
	CP_TRY(cp_out_text(t->out, c->table, err));
	CP_TRY(cp_out_text(t->out, t->a->json ? c->document : brief, err));
	CP_TRY(cp_out_text(t->out, c->is_new ? "new" : "changed", err));
	CP_TRY(cp_out_text(t->out, c->column, err));
	CP_TRY(cp_out_text(t->out, c->was, err));
	return cp_out_text(t->out, c->now, err);
}

static enum cp_code show(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "table", "document", "row", "column", "was", "is" };
	struct sheet t = { .a = a };
	char oid[41];
	struct explaining x = { .a = a, .oid = oid };
	enum cp_code code;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_quarantine_find(a->store, a->words[1], oid, err));
	CP_TRY(cp_quarantine_each(a->store, true, explain, &x, err));
	if (strlen(oid) < 40) /* a device writes nothing by itself */
		return CP_OK;
	CP_TRY(cp_out_begin(&t.out, a->json, columns, 6, err));
	code = cp_quarantine_cells(a->store, oid, on_cell, &t, err);
	return cp_out_close(t.out, code, err);
}

/* ---- deciding ---------------------------------------------------------------------------------- */

static enum cp_code decide(struct cp_args *a, struct cp_err *err)
{
	struct cp_merged m;
	char oid[41], n[CP_COUNT];

	CP_TRY(cp_args_want(a, 2, 65, err));
	if (cp_arg(a, "--reason") == NULL)
		return cp_fail(err, CP_EUSAGE, "quarantine: say why, with --reason: it stays in history beside the decision");
	for (size_t i = 1; i < a->n; i++) {
		CP_TRY(cp_quarantine_find(a->store, a->words[i], oid, err));
		CP_TRY(cp_quarantine_decide(a->store, oid, a->words[0], cp_arg(a, "--reason"), &m, err));
		if (m.edits > 0)
			cp_say("%.12s: taken in, %s", oid, cp_count(n, m.edits, "edit", "edits"));
		else
			cp_say("%.12s: %s", oid, strcmp(a->words[0], "keep") == 0 ? "kept" : "dropped");
	}
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "list", " --all ", list }, { "show", NULL, show }, { "accept", " --reason ", decide },
		{ "drop", " --reason ", decide }, { "keep", " --reason ", decide }, { NULL, NULL, NULL },
	};

	return a->n == 0 ? list(a, err) : cp_verb_run(a, verbs, err);
}

static const struct cp_option options[] = {
	{ "--all", NULL, "with what is decided already" },
	{ "--reason", "TEXT", "why; it is history like the decision" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack quarantine", "what needs a word about trust" },
	{ "casepack quarantine show 3f2a9c1b", "who sent it, why it was refused, and what it would write" },
	{ "casepack quarantine accept 3f2a9c1b --reason \"sent before the laptop was stolen, ana confirms\"", "take it in" },
	{ "casepack quarantine drop 77d01e45 --reason \"made with a test build\"", "leave it out; its author is told why" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_quarantine = {
	.name = "quarantine",
	.usage = "[list] [--all]\nshow NAME\naccept NAME... --reason TEXT\ndrop NAME... --reason TEXT\nkeep NAME... --reason TEXT",
	.summary = "change commits and devices that need a word about trust",
	.about =
		"Every row of every change commit is checked against its author's rights before anything of it is applied; one bad row "
		"keeps the whole out. The list shows what was refused, what waits for something that has not come, devices that "
		"go on with a new key (`stranger`), and what was taken in from a device that was revoked later, or that another hub let in "
		"for it, which counts until `casepack person revoke` ends that too (`review`). "
		"`show` explains one and prints what it would write, cell by cell.\n\n"
		"`accept` takes in what was refused since its device was not trusted. What its author may not write, or what is damaged, "
		"cannot be accepted by anybody: drop it, and let its author do it again. `drop` takes it from the list; what it "
		"was stays in private.git, and its author is told the reason. `keep` says of what is to be reviewed that it is "
		"right; what was accepted is never refused afterwards, but settled with `resolve` and `stale`. Each decision and its reason is an "
		"edit in history, and stands in trust/rulings.tsv on main.\n\n"
		"Exit status 3 while something is undecided.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
