#include <string.h>

#include "cli/cli.h"
#include "cli/dispute.h"
#include "cli/shown.h"

struct sheet { struct cp_args *a; struct cp_out *out; int64_t listed, open; };

/* ---- for people: one line each ----------------------------------------------------------------------- */

static enum cp_code stand_text(const struct cp_dispute *d, struct cp_buf *out, struct cp_err *err)
{
	size_t stands = cp_dispute_stands(d->c);

	if (stands != SIZE_MAX)
		return cp_dispute_says(d, stands, out, err);
	return cp_buf_puts(out, d->c->is_open ? "nothing" : "", err);
}

static enum cp_code who_text(const struct cp_conflict *c, struct cp_buf *out, struct cp_err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		bool is_new = true;

		for (size_t k = 0; k < i; k++)
			is_new = is_new && strcmp(c->candidates[k].who, c->candidates[i].who) != 0;
		if (is_new)
			CP_TRY(cp_buf_printf(out, err, "%s%s", i > 0 ? ", " : "", c->candidates[i].who));
	}
	return CP_OK;
}

static enum cp_code list_line(struct sheet *t, const struct cp_dispute *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf where = CP_BUF(CP_TEXT_MAX), differs = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf stands = CP_BUF(CP_TEXT_MAX), who = CP_BUF(CP_TEXT_MAX);
	const struct cp_conflict *c = d->c;
	char id[9];

	snprintf(id, sizeof id, "%.8s", c->id);
	CP_TRY(cp_dispute_where(d, &where, err));
	CP_TRY(cp_dispute_differs(t->a->store, d, &differs, err));
	CP_TRY(stand_text(d, &stands, err));
	CP_TRY(who_text(c, &who, err));
	CP_TRY(cp_out_text(t->out, id, err));
	CP_TRY(cp_out_text(t->out, c->class, err));
	CP_TRY(cp_out_text(t->out, cp_dispute_state(c), err));
	CP_TRY(cp_out_text(t->out, c->table, err));
	CP_TRY(cp_out_text(t->out, where.data, err));
	CP_TRY(cp_out_text(t->out, differs.data ? differs.data : "", err));
	CP_TRY(cp_out_text(t->out, c->policy, err));
	CP_TRY(cp_out_text(t->out, stands.data ? stands.data : "", err));
	CP_TRY(cp_out_int(t->out, (int64_t)c->n, err));
	CP_TRY(cp_out_text(t->out, who.data ? who.data : "", err));
	return cp_out_time(t->out, c->n > 0 ? c->candidates[c->n - 1].clock : 0, err);
}

/* ---- for scripts: one object a candidate ----------------------------------------------------------------- */

static enum cp_code list_candidate(struct sheet *t, const struct cp_dispute *d, const struct cp_candidate *k, struct cp_err *err)
{
	const struct cp_conflict *c = d->c;
	char hex[CP_ID_HEX], rev[CP_REV_HEX];

	CP_TRY(cp_out_text(t->out, c->id, err));
	CP_TRY(cp_out_text(t->out, c->class, err));
	CP_TRY(cp_out_bool(t->out, c->is_open, err));
	CP_TRY(cp_out_text(t->out, c->table, err));
	CP_TRY(cp_out_text(t->out, cp_hex(hex, c->doc.bytes, sizeof c->doc.bytes), err));
	CP_TRY(cp_out_text(t->out, c->column, err));
	CP_TRY(cp_out_text(t->out, d->has_view ? d->view.id : NULL, err));
	CP_TRY(cp_out_text(t->out, c->person, err));
	CP_TRY(cp_out_text(t->out, c->policy, err));
	CP_TRY(cp_out_bool(t->out, k->stands, err));
	CP_TRY(cp_out_text(t->out, cp_hex(rev, k->rev.bytes, sizeof k->rev.bytes), err));
	CP_TRY(cp_out_text(t->out, k->who, err));
	CP_TRY(cp_out_text(t->out, k->device, err));
	CP_TRY(cp_out_text(t->out, k->value, err));
	CP_TRY(cp_out_text(t->out, c->base[0] ? c->base : NULL, err));
	CP_TRY(cp_out_time(t->out, k->clock, err));
	CP_TRY(cp_out_time(t->out, k->received_us, err));
	CP_TRY(cp_out_bool(t->out, k->is_far, err));
	return cp_out_text(t->out, k->commit, err);
}

static enum cp_code on_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct sheet *t = user;
	struct cp_dispute d;
	enum cp_code code = cp_dispute_init(&d, t->a->store, c, err);

	t->listed++;
	t->open += c->is_open;
	if (code == CP_OK && !t->a->json)
		code = list_line(t, &d, err);
	if (code == CP_OK && t->a->json && c->n == 0)
		code = list_candidate(t, &d, &(struct cp_candidate){ .who = c->person, .value = (char[]){ "{}" } }, err);
	for (size_t i = 0; code == CP_OK && t->a->json && i < c->n; i++)
		code = list_candidate(t, &d, &c->candidates[i], err);
	cp_dispute_drop(&d);
	return code;
}

/* ---- which ----------------------------------------------------------------------------------------------------- */

static enum cp_code list(struct cp_args *a, const struct cp_conflict_filter *f, struct cp_err *err)
{
	static const char *const lines[] = { "conflict", "class", "state", "table", "what", "differs", "policy", "stands",
		"candidates", "who", "latest" };
	static const char *const objects[] = { "conflict", "class", "open", "table", "document", "column", "case", "person",
		"policy", "stands", "rev", "who", "device", "value", "base", "when", "received", "far", "commit" };
	struct sheet t = { .a = a };
	char n[CP_COUNT];

	CP_TRY(a->json ? cp_out_begin(&t.out, true, objects, sizeof objects / sizeof *objects, err)
			: cp_out_begin(&t.out, false, lines, sizeof lines / sizeof *lines, err));
	enum cp_code code = cp_conflict_each(a->store, f, on_conflict, &t, err);
	CP_TRY(cp_out_close(t.out, code, err));
	a->waits = t.open > 0;
	if (t.listed == 0)
		cp_say(f->state == CP_CONFLICTS_OPEN ? "no conflict is open" : "there is none");
	else
		cp_say("%s; `casepack conflicts CONFLICT` explains one", cp_count(n, t.listed, "conflict", "conflicts"));
	return CP_OK;
}

static enum cp_code explain(struct cp_args *a, struct cp_err *err)
{
	struct cp_conflict c;

	CP_TRY(cp_conflict_find(a->store, a->words[0], &c, err));
	a->waits = c.is_open;
	enum cp_code code = cp_dispute_explain(a, &c, err);
	cp_conflict_drop(&c);
	return code;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_conflict_filter f;
	struct cp_id case_id;

	CP_TRY(cp_args_want(a, 0, 1, err));
	CP_TRY(cp_dispute_filter(a, &f, &case_id, err));
	return a->n == 1 ? explain(a, err) : list(a, &f, err);
}

static const struct cp_option options[] = {
	{ "--class", "CLASS", "only of that class: fork, hard, identical, parallel, text, late or stale" },
	{ "--case", "CASE", "only about that case" },
	{ "--person", "PERSON", "only about that person's work, or with a candidate by that person" },
	{ "--table", "TABLE", "only in that table: judgments, adjudications, cases, ..." },
	{ "--open", NULL, "what waits for a person; so it is unless said otherwise" },
	{ "--settled", NULL, "what a lead has decided" },
	{ "--all", NULL, "these, and what was counted only: identical and parallel" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack conflicts", "every open conflict on a line" },
	{ "casepack conflicts 3f9c2e1a", "who wrote what, when, knowing what, and how to settle it" },
	{ "casepack conflicts --json | jq -r .conflict | sort -u", "their names, for a script" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_conflicts = {
	.name = "conflicts",
	.usage = "[--class CLASS] [--case CASE] [--person PERSON] [--table TABLE] [--open | --settled | --all]\nCONFLICT",
	.summary = "where two wrote one cell",
	.about = "Lists conflicts: two replicas wrote the same cell, or the same judgment, without knowing of each other. "
		"Two raters who judged one case are no conflict. Each line says what differs and what stands meanwhile, by "
		"the policy in force (`casepack project`); no candidate is ever dropped. The name in front is the same "
		"on every hub, and its first digits are enough.\n\n"
		"Classes: fork, one person's devices disagree on a judgment; hard, leads disagree on what they own, or on a "
		"settlement; identical, both wrote the same; parallel, each wrote other columns of one row. These two "
		"need nobody, and are shown by --all. text: two leads revised one guideline or form; merges says that it takes only "
		"somebody to write what `casepack guideline show` shows, overlaps that there is something to decide. stale and late: "
		"see `casepack stale`.\n\n"
		"With a name it explains that conflict on a screen: each candidate with its author, device, clock, change "
		"commit, what it knew, the guideline on screen and its answers, those that differ marked, with the words "
		"that differ; and the commands that settle it. With --json a list has one object a candidate.\n\n"
		"Exit status 3 when an open one is shown.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
