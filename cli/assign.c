#include "sync/assign.h"

#include <sodium.h>

#include "cli/keys.h"
#include "cli/names.h"
#include "cli/recall.h"
#include "cli/shown.h"
#include "cli/verbs.h"

static enum cp_code seed_of(const struct cp_args *a, struct cp_assign *out, struct cp_err *err)
{
	int64_t seed;

	CP_TRY(cp_arg_int(a, "--seed", 0, INT64_MAX, (int64_t)randombytes_uniform(1000000000), &seed, err));
	out->has_gold = cp_arg_given(a, "--gold");
	out->is_shuffled = cp_arg_given(a, "--shuffle") || cp_arg_given(a, "--seed") || out->has_gold;
	out->is_seeded = !out->has_gold || cp_arg_given(a, "--seed"); /* a short number is soon tried out */
	out->seed = (uint64_t)seed;
	return cp_arg_int(a, "--gold", 0, 90, 0, &out->gold_percent, err);
}

static enum cp_code read_args(const struct cp_args *a, struct cp_assign *out, struct cp_err *err)
{
	out->form = cp_arg(a, "--form");
	out->guideline = cp_arg(a, "--guideline");
	out->locale = cp_arg(a, "--locale");
	out->segment = cp_arg(a, "--segment");
	out->is_dry_run = cp_arg_given(a, "--dry-run");
	if (out->form == NULL)
		return cp_fail(err, CP_EUSAGE, "say which form is to be filled in: --form NAME (`casepack form list`)");
	CP_TRY(cp_arg_day(a, "--due", &out->due, err));
	CP_TRY(cp_arg_int(a, "--overlap", 0, 1000000, 0, &out->overlap, err));
	CP_TRY(cp_arg_int(a, "--pass", 1, 1000000, 1, &out->pass, err));
	return seed_of(a, out, err);
}

static enum cp_code print_json(const struct cp_assign *as, const struct cp_assigned *done, struct cp_err *err)
{
	return cp_json_line(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "dry_run", as->is_dry_run,
			"made", (json_int_t)done->made, "there_already", (json_int_t)done->there_already,
			"cases", (json_int_t)done->cases, "people", (json_int_t)done->people,
			"without_rater", (json_int_t)done->without_rater,
			"seed", as->is_shuffled && as->is_seeded ? json_integer((json_int_t)as->seed) : json_null(),
			"gold", as->has_gold ? json_integer((json_int_t)done->gold) : json_null()), err);
}

static enum cp_code print_words(const struct cp_assign *as, const struct cp_assigned *done, struct cp_err *err)
{
	char made[CP_COUNT], cases[CP_COUNT], people[CP_COUNT];

	CP_TRY(cp_line(err, "%s%s, %lld there already: %s, %s", as->is_dry_run ? "would make " : "",
			cp_count(made, done->made, "assignment", "assignments"), (long long)done->there_already,
			cp_count(cases, done->cases, "case", "cases"), cp_count(people, done->people, "person", "people")));
	if (as->has_gold)
		CP_TRY(cp_line(err, "gold among them: %s", cp_count(made, done->gold, "assignment", "assignments")));
	return as->is_shuffled && as->is_seeded ? cp_line(err, "shuffled with --seed %llu", (unsigned long long)as->seed) : CP_OK;
}

static enum cp_code print(const struct cp_args *a, const struct cp_assign *as, const struct cp_assigned *done,
		struct cp_err *err)
{
	char cases[CP_COUNT];

	CP_TRY(a->json ? print_json(as, done, err) : print_words(as, done, err));
	if (done->without_rater > 0)
		cp_say("%s: nobody who was named can take them; see the locales in `casepack person list`",
				cp_count(cases, done->without_rater, "case has too few raters", "cases have too few raters"));
	if (done->short_of_gold > 0)
		cp_say("%s: too few cases with gold answers fit them", cp_count(cases, done->short_of_gold, "person got less gold than that",
				"people got less gold than that"));
	return CP_OK;
}

static enum cp_code assign(struct cp_args *a, struct cp_assign *as, struct cp_err *err)
{
	CP_AUTO(names) struct cp_names people = { NULL, 0, NULL };
	CP_AUTO(names) struct cp_names cases = { NULL, 0, NULL };
	struct cp_assigned done = { .made = 0 };

	CP_TRY(read_args(a, as, err));
	CP_TRY(cp_names_split(&people, a, "--to", err));
	CP_TRY(cp_names_all(&cases, a, "--case", err));
	as->people = people.list;
	as->n_people = people.n;
	as->cases = cases.list;
	as->n_cases = cases.n;
	CP_TRY(cp_assign(a->store, as, &done, err));
	CP_TRY(print(a, as, &done, err));
	return as->is_dry_run ? CP_OK : cp_seal_if_ready(a->store, err);
}

/* More raters for cases that have some already. */
static enum cp_code top_up(struct cp_args *a, struct cp_err *err)
{
	struct cp_assign as = { .disagree_on = cp_arg(a, "--disagree") };

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_arg_int(a, "--add", 1, 1000, 1, &as.more, err));
	if (as.disagree_on == NULL && !cp_arg_given(a, "--case"))
		return cp_fail(err, CP_EUSAGE, "say which cases: --disagree FIELD, or --case ID");
	return assign(a, &as, err);
}

#define SELECTION " --from --case --locale --segment --pass --judged --dry-run "

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "top-up", " --form --guideline --to --locale --case --pass --due --add --disagree --shuffle --seed --dry-run ", top_up },
		{ "withdraw", SELECTION, cp_assign_withdraw },
		{ "expire", SELECTION " --before ", cp_assign_expire },
		{ "reassign", SELECTION " --to ", cp_assign_reassign },
		{ NULL, NULL, NULL },
	};
	struct cp_assign as = { .form = NULL };

	if (a->n > 0)
		return cp_verb_run(a, verbs, err);
	for (const char *const *o = (const char *const[]){ "--from", "--before", "--judged", "--add", "--disagree", NULL }; *o; o++)
		if (cp_arg_given(a, *o))
			return cp_fail(err, CP_EUSAGE, "%s goes with a verb: top-up, withdraw, expire or reassign", *o);
	return assign(a, &as, err);
}

static const struct cp_option options[] = {
	{ "--form", "NAME", "the form to fill in" },
	{ "--guideline", "NAME", "the guideline to judge under" },
	{ "--to", "PEOPLE", "pseudonyms, like ana,ben; every active rater unless said" },
	{ "--overlap", "N", "how many people judge each case; all of them unless said" },
	{ "--locale", "LOCALE", "only cases of this locale" },
	{ "--segment", "NAME", "only cases of this segment" },
	{ "--case", "ID...", "only this case; may be said more than once" },
	{ "--pass", "N", "a further pass gives cases that were judged once more; 1 unless said" },
	{ "--due", "YYYY-MM-DD", "by when" },
	{ "--shuffle", NULL, "another order for each person, not that of the import" },
	{ "--seed", "N", "the order that was drawn with this number; implies --shuffle" },
	{ "--gold", "PERCENT", "so much of what each person gets now has gold answers, drawn and mixed among the others; implies --shuffle" },
	{ "--add", "N", "top-up: so many raters more for each case; 1 unless said" },
	{ "--disagree", "FIELD", "top-up: cases whose raters have all judged, and disagree on this field" },
	{ "--from", "PEOPLE", "withdraw, expire, reassign: from these people" },
	{ "--before", "YYYY-MM-DD", "expire: what was due before that day" },
	{ "--judged", NULL, "withdraw, expire, reassign: also what is judged already" },
	{ "--dry-run", NULL, "say what would be done, and do nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack assign --form relevance --guideline search --overlap 2 --shuffle",
		"two raters for each case, evenly spread" },
	{ "casepack assign --form relevance --to ana --case \"red shoes\" --pass 2", "one case once more, for ana" },
	{ "casepack assign --form relevance --overlap 2 --gold 10", "one case in ten of what each person gets is gold" },
	{ "casepack assign top-up --form relevance --disagree grade", "a further rater where the first ones disagree" },
	{ "casepack assign reassign --from ana --to ben,carla", "ana is ill: what she has not judged goes to two others" },
	{ "casepack assign expire --before 2026-06-01", "take back what is overdue" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_assign = {
	.name = "assign",
	.usage = "--form NAME [--guideline NAME] [--to PEOPLE] [--overlap N] [--locale LOCALE] [--segment NAME] "
		"[--case ID]... [--pass N] [--due YYYY-MM-DD] [--shuffle] [--seed N] [--gold PERCENT] [-n]\n"
		"top-up --form NAME --disagree FIELD|--case ID... [--add N] [--guideline NAME] [--to PEOPLE] [--pass N] [-n]\n"
		"withdraw [--from PEOPLE] [--case ID]... [--locale LOCALE] [--segment NAME] [--pass N] [--judged] [-n]\n"
		"expire --before YYYY-MM-DD [--from PEOPLE] [--case ID]... [--judged] [-n]\n"
		"reassign --from PEOPLE --to PEOPLE [--case ID]... [--judged] [-n]",
	.summary = "give cases to raters",
	.about =
		"Gives cases to raters. A rater gets only cases of the locales on the roster, and whoever fits and "
		"has fewest comes first. The same call again makes nothing new: after a further import it gives only what "
		"was added.\n\n"
		"With --shuffle each person gets the cases in another order. The number that it was drawn with is printed: "
		"the same --seed, cases and people give the same order again.\n\n"
		"With --gold PERCENT cases that have gold answers (`casepack gold`) are given as that share of what each person gets now, "
		"and not otherwise: drawn for each from those that fit, never a second time in one pass, never without others, at "
		"places that nothing but chance decides, so no number is printed unless you name one. Without --gold such "
		"cases are given like all others.\n\n"
		"`top-up` adds raters to cases that have some. `withdraw`, `expire` and `reassign` take cases back while bundles "
		"are in the field: only what is not judged yet, unless --judged is said. A judgment that arrives later, made by "
		"somebody who did not know, is kept, marked late, and counted apart. Nothing is deleted; what was taken back is given "
		"again by naming the person with --to.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
