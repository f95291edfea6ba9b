#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispute.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "sync/rule.h"
#include "sync/settle.h"

#define LINE_BYTES 4096

/* ---- one decision ---------------------------------------------------------------------------------------- */

/* A candidate by its number on the page, or by the first 6 or more digits of its rev: numbers change when more come in. */
static enum cp_code find_candidate(const struct cp_conflict *c, const char *word, size_t *out, struct cp_err *err)
{
	size_t len = strlen(word), n = 0;
	char hex[CP_REV_HEX];

	if (len < 4 && strspn(word, "0123456789") == len && atoi(word) >= 1 && (size_t)atoi(word) <= c->n) {
		*out = (size_t)atoi(word) - 1;
		return CP_OK;
	}
	for (size_t i = 0; len >= 6 && i < c->n; i++)
		if (strncmp(cp_hex(hex, c->candidates[i].rev.bytes, 8), word, len) == 0) {
			*out = i;
			n++;
		}
	return n == 1 ? CP_OK : cp_fail(err, CP_EINPUT, "%s: is no candidate of conflict %.8s; it has 1 to %zu (`casepack conflicts %.8s`)",
			word, c->id, c->n, c->id);
}

static enum cp_code say_decision(const struct cp_args *a, const struct cp_conflict *c, const char *says, const char *how,
		struct cp_err *err)
{
	bool is_dry = cp_arg_given(a, "--dry-run");

	if (a->json)
		return cp_json_line(json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "conflict", c->id, "class", c->class, "how", how,
				"says", cp_json_text(says), "policy", c->policy, "dry_run", (int)is_dry), err);
	return cp_line(err, "conflict %.8s: %s%s: %s", c->id, is_dry ? "would be " : "", how, says);
}

/* Inside an open settling. */
static enum cp_code take(struct cp_args *a, const struct cp_conflict *c, size_t candidate, const char *reason, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf says = CP_BUF(CP_TEXT_MAX);
	struct cp_dispute d;
	enum cp_code code;

	CP_TRY(cp_settle_take(a->store, c, candidate, reason, err));
	code = cp_dispute_init(&d, a->store, c, err);
	if (code == CP_OK)
		code = cp_buf_printf(&says, err, "%s's ", c->candidates[candidate].who);
	if (code == CP_OK)
		code = cp_dispute_says(&d, candidate, &says, err);
	cp_dispute_drop(&d);
	CP_TRY(code);
	return say_decision(a, c, says.data, "settled", err);
}

static enum cp_code decide(struct cp_args *a, const struct cp_conflict *c, const char *chosen, const char *value,
		const char *reason, struct cp_err *err)
{
	size_t candidate = 0;

	CP_TRY(cp_settle_check(c, err));
	if (chosen != NULL) {
		CP_TRY(find_candidate(c, chosen, &candidate, err));
		return take(a, c, candidate, reason, err);
	}
	CP_TRY(cp_settle_value(a->store, c, value, reason, err));
	return say_decision(a, c, value, "settled with a new value", err);
}

/* All that was decided becomes one edit, or nothing of it in a dry run. */
static enum cp_code finish(struct cp_args *a, enum cp_code code, const char *words, struct cp_err *err)
{
	if (code == CP_OK && !cp_arg_given(a, "--dry-run"))
		code = cp_settling_commit(a->store, words, err);
	cp_settling_abort(a->store);
	CP_TRY(code);
	return cp_arg_given(a, "--dry-run") ? CP_OK : cp_seal_if_ready(a->store, err);
}

static enum cp_code resolve_one(struct cp_args *a, const struct cp_conflict *c, const char *chosen, const char *value,
		const char *reason, struct cp_err *err)
{
	char words[64];

	snprintf(words, sizeof words, "settled conflict %.8s", c->id);
	CP_TRY(cp_settling_begin(a->store, err));
	return finish(a, decide(a, c, chosen, value, reason, err), words, err);
}

/* ---- by rule ---------------------------------------------------------------------------------------------- */

struct conflicts { struct cp_conflict *list; size_t n; };

static void conflicts_drop(struct conflicts *l)
{
	for (size_t i = 0; i < l->n; i++)
		cp_conflict_drop(&l->list[i]);
	free(l->list);
}
#define cp_conflicts_drop conflicts_drop

static enum cp_code on_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct conflicts *l = user;
	struct cp_conflict *list = reallocarray(l->list, l->n + 1, sizeof *list);

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	l->list = list;
	list[l->n++] = *c;
	memset(c, 0, sizeof *c);
	return CP_OK;
}

static enum cp_code decide_all(struct cp_args *a, const struct conflicts *l, enum cp_rule rule, const char *reason, int64_t *n,
		struct cp_err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t candidate = cp_rule_choose(rule, &l->list[i]);

		if (candidate == SIZE_MAX)
			continue;
		CP_TRY(take(a, &l->list[i], candidate, reason, err));
		++*n;
	}
	return CP_OK;
}

static enum cp_code resolve_by_rule(struct cp_args *a, const char *name, const char *reason, struct cp_err *err)
{
	CP_AUTO(conflicts) struct conflicts l = { NULL, 0 };
	struct cp_conflict_filter f;
	struct cp_id case_id;
	enum cp_rule rule;
	char words[80], done[CP_COUNT], left[CP_COUNT];
	int64_t n = 0;

	CP_TRY(cp_args_want(a, 0, 0, err));
	if (!cp_rule_named(name, &rule))
		return cp_fail(err, CP_EUSAGE, "--rule %s is none of %s", name, cp_rule_names);
	CP_TRY(cp_dispute_filter(a, &f, &case_id, err));
	CP_TRY(cp_conflict_each(a->store, &f, on_conflict, &l, err));
	CP_TRY(cp_settling_begin(a->store, err));
	enum cp_code code = decide_all(a, &l, rule, reason, &n, err);
	snprintf(words, sizeof words, "settled %s by the rule %s", cp_count(done, n, "conflict", "conflicts"), name);
	CP_TRY(finish(a, code, words, err));
	a->waits = (int64_t)l.n > n;
	cp_say("%s%s; %s", cp_arg_given(a, "--dry-run") ? "would have " : "", words, cp_count(left, (int64_t)l.n - n,
			"does not fall under it", "do not fall under it"));
	return CP_OK;
}

/* ---- on a terminal ------------------------------------------------------------------------------------------- */

/* A line that was typed, without its end; false at the end of input. */
static bool ask(const char *words, char line[LINE_BYTES])
{
	fputs(words, stderr);
	fflush(stderr);
	if (fgets(line, LINE_BYTES, stdin) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* What is typed in vain is said, and asked again. */
static enum cp_code ask_one(struct cp_args *a, const struct cp_conflict *c, bool *quits, bool *decided, struct cp_err *err)
{
	char chosen[LINE_BYTES], reason[LINE_BYTES];
	struct cp_err why = { .code = CP_OK };
	const char *value = NULL;

	*decided = false;
	if (!ask("\ntake which candidate (a number; =VALUE for a new one; empty: none now; q: stop)? ", chosen)) {
		*quits = true;
		return CP_OK;
	}
	*quits = strcmp(chosen, "q") == 0;
	*decided = *quits || chosen[0] == '\0';
	if (*decided || !ask("why? ", reason))
		return CP_OK;
	if (chosen[0] == '=')
		value = chosen + 1;
	enum cp_code code = resolve_one(a, c, value ? NULL : chosen, value, reason, &why);
	if (code == CP_EINPUT || code == CP_EUSAGE) {
		cp_say("%s", why.text);
		return CP_OK;
	}
	*decided = true;
	return code == CP_OK ? CP_OK : cp_fail(err, code, "%s", why.text);
}

static enum cp_code dialogue(struct cp_args *a, const struct conflicts *l, struct cp_err *err)
{
	bool quits = false;

	for (size_t i = 0; i < l->n && !quits; i++) {
		CP_TRY(cp_line(err, i > 0 ? "\n" : "%s", ""));
		CP_TRY(cp_dispute_explain(a, &l->list[i], err));
		fflush(stdout);
		if (cp_settle_check(&l->list[i], NULL) != CP_OK)
			continue; /* the page says who decides */
		for (bool decided = false; !decided && !quits;)
			CP_TRY(ask_one(a, &l->list[i], &quits, &decided, err));
	}
	return CP_OK;
}

static bool has_terminal(const struct cp_args *a)
{
	return !a->json && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

static enum cp_code resolve_asking(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(conflicts) struct conflicts l = { NULL, 0 };
	struct cp_conflict_filter f;
	struct cp_id case_id;
	struct cp_conflict one;

	CP_TRY(cp_settle_check_lead(a->store, "settles what disagrees", err));
	if (a->n == 1) {
		CP_TRY(cp_conflict_find(a->store, a->words[0], &one, err));
		CP_TRY(on_conflict(&l, &one, err));
		return dialogue(a, &l, err);
	}
	CP_TRY(cp_dispute_filter(a, &f, &case_id, err));
	CP_TRY(cp_conflict_each(a->store, &f, on_conflict, &l, err));
	if (l.n == 0)
		cp_say("no conflict is open");
	return dialogue(a, &l, err);
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static enum cp_code resolve_named(struct cp_args *a, const char *chosen, const char *value, const char *reason, struct cp_err *err)
{
	struct cp_conflict c;

	CP_TRY(cp_args_want(a, 1, 1, err));
	if (chosen != NULL && value != NULL)
		return cp_fail(err, CP_EUSAGE, "resolve: say either --take or --value");
	CP_TRY(cp_conflict_find(a->store, a->words[0], &c, err));
	enum cp_code code = resolve_one(a, &c, chosen, value, reason, err);
	cp_conflict_drop(&c);
	return code;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	const char *chosen = cp_arg(a, "--take"), *value = cp_arg(a, "--value"), *rule = cp_arg(a, "--rule");
	const char *reason = cp_arg(a, "--reason");
	bool is_said = chosen != NULL || value != NULL || rule != NULL;

	CP_TRY(cp_args_want(a, 0, 1, err));
	if (is_said && reason == NULL)
		return cp_fail(err, CP_EUSAGE, "resolve: a decision needs a reason: --reason \"WHY\"");
	if (rule != NULL && (chosen != NULL || value != NULL))
		return cp_fail(err, CP_EUSAGE, "resolve: --rule chooses by itself; leave --take and --value out");
	if (!is_said && !has_terminal(a))
		return cp_fail(err, CP_EUSAGE, "resolve: say CONFLICT --take CANDIDATE, or --rule RULE, with --reason; "
				"on a terminal it asks");
	if (rule != NULL)
		return resolve_by_rule(a, rule, reason, err);
	return is_said ? resolve_named(a, chosen, value, reason, err) : resolve_asking(a, err);
}

static const struct cp_option options[] = {
	{ "--take", "CANDIDATE", "its number as `casepack conflicts CONFLICT` shows it, or the first digits of its rev" },
	{ "--value", "VALUE", "a new value instead, for a column of what leads own" },
	{ "--rule", "RULE", "all that fall under it at once: unanimous, latest or standing" },
	{ "--reason", "TEXT", "why; it stands in history" },
	{ "--class", "CLASS", "with --rule or asking: only of that class" },
	{ "--case", "CASE", "only about that case" },
	{ "--person", "PERSON", "only about that person's work, or with a candidate by that person" },
	{ "--table", "TABLE", "only in that table" },
	{ "--dry-run", NULL, "say what would be settled, and change nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack resolve 3f9c2e1a --take 2 --reason \"the second device was in use that day\"", "let one candidate stand" },
	{ "casepack resolve 77ab01cd --value shoes --reason \"agreed on the phone\"", "a new value for a column" },
	{ "casepack resolve --rule unanimous --reason \"same answers\" --dry-run", "what could be settled without thinking" },
	{ "casepack resolve --rule latest --class fork --reason \"second thoughts count\"", "a batch" },
	{ "casepack resolve", "on a terminal: one after another, asking" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_resolve = {
	.name = "resolve",
	.usage = "CONFLICT --take CANDIDATE --reason TEXT [--dry-run]\nCONFLICT --value VALUE --reason TEXT [--dry-run]\n"
		"--rule RULE [--class CLASS] [--case CASE] [--person PERSON] [--table TABLE] --reason TEXT [--dry-run]\n"
		"[CONFLICT] [--class CLASS] [--case CASE] [--person PERSON] [--table TABLE]",
	.summary = "decide a conflict, with a reason",
	.about = "A lead's decision. Of a judgment one candidate stands whole: its rater's words are never edited. Of what leads "
		"own a candidate's value, or a new one, is written over all that disagrees. What was overruled stays in history, "
		"and another resolve of the same conflict undoes this one (`casepack conflicts --settled` lists them).\n\n"
		"A judgment that changes afterwards on a device that did not know of the decision is weighed against what was "
		"decided: under the policy latest the rater's own later change of it counts, under severest and review the "
		"question is open again.\n\n"
		"--rule settles every open conflict that falls under it, as one edit: `unanimous`, all candidates give the same "
		"answers and differ in notes or revisions alone, the latest is taken; `latest`, the one with the latest clock, "
		"unless some clock is far off; `standing`, the one that stands meanwhile by its policy.\n\n"
		"On a terminal, without --take, --value and --rule, it shows one conflict after another and asks.\n\n"
		"Exit status 3 when --rule left some open.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
