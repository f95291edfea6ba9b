#include "sync/assign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cli/keys.h"
#include "cli/shown.h"

struct words { const char **list; size_t n; char *held; };

static void cp_words_drop(struct words *w)
{
	free(w->list);
	free(w->held);
}

/* "ana,ben" becomes two. Empty ones between commas are passed over. */
static enum cp_code split(struct words *out, const char *text, struct cp_err *err)
{
	char *rest = NULL;

	if (text == NULL)
		return CP_OK;
	out->held = strdup(text);
	out->list = calloc(strlen(text) + 1, sizeof *out->list);
	if (out->held == NULL || out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (char *word = strtok_r(out->held, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
		out->list[out->n++] = word;
	return out->n > 0 ? CP_OK : cp_fail(err, CP_EUSAGE, "option --to names nobody");
}

static enum cp_code cases_of(const struct cp_args *a, struct words *out, struct cp_err *err)
{
	out->list = calloc(a->n_set + 1, sizeof *out->list);
	if (out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->n = cp_arg_all(a, "--case", out->list, a->n_set);
	return CP_OK;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* YYYY-MM-DD and a day that is in the calendar. */
static enum cp_code check_due(const char *due, struct cp_err *err)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day, n = 0;

	if (due == NULL)
		return CP_OK;
	if (strlen(due) == 10 && strspn(due, "0123456789-") == 10 && due[4] == '-' && due[7] == '-' &&
			sscanf(due, "%4d-%2d-%2d%n", &year, &month, &day, &n) == 3 && n == 10 &&
			month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && is_leap(year)))
		return CP_OK;
	return cp_fail(err, CP_EUSAGE, "option --due needs a day like 2026-03-31");
}

static enum cp_code seed_of(const struct cp_args *a, struct cp_assign *out, struct cp_err *err)
{
	int64_t seed;

	CP_TRY(cp_arg_int(a, "--seed", 0, INT64_MAX, (int64_t)randombytes_uniform(1000000000), &seed, err));
	out->is_shuffled = cp_arg_given(a, "--shuffle") || cp_arg_given(a, "--seed");
	out->seed = (uint64_t)seed;
	return CP_OK;
}

static enum cp_code read_args(const struct cp_args *a, struct cp_assign *out, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 0, 0, err));
	out->form = cp_arg(a, "--form");
	out->guideline = cp_arg(a, "--guideline");
	out->locale = cp_arg(a, "--locale");
	out->segment = cp_arg(a, "--segment");
	out->due = cp_arg(a, "--due");
	out->is_dry_run = cp_arg_given(a, "--dry-run");
	if (out->form == NULL)
		return cp_fail(err, CP_EUSAGE, "say which form is to be filled in: --form NAME (`casepack form list`)");
	CP_TRY(check_due(out->due, err));
	CP_TRY(cp_arg_int(a, "--overlap", 0, 1000000, 0, &out->overlap, err));
	CP_TRY(cp_arg_int(a, "--pass", 1, 1000000, 1, &out->pass, err));
	return seed_of(a, out, err);
}

static enum cp_code print_json(const struct cp_assign *as, const struct cp_assigned *done, struct cp_err *err)
{
	return cp_json_line(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "dry_run", as->is_dry_run,
			"made", (json_int_t)done->made, "there_already", (json_int_t)done->there_already,
			"cases", (json_int_t)done->cases, "people", (json_int_t)done->people,
			"without_rater", (json_int_t)done->without_rater,
			"seed", as->is_shuffled ? json_integer((json_int_t)as->seed) : json_null()), err);
}

static enum cp_code print_words(const struct cp_assign *as, const struct cp_assigned *done, struct cp_err *err)
{
	char made[CP_COUNT], cases[CP_COUNT], people[CP_COUNT];

	CP_TRY(cp_line(err, "%s%s, %lld there already: %s, %s", as->is_dry_run ? "would make " : "",
			cp_count(made, done->made, "assignment", "assignments"), (long long)done->there_already,
			cp_count(cases, done->cases, "case", "cases"), cp_count(people, done->people, "person", "people")));
	return as->is_shuffled ? cp_line(err, "shuffled with --seed %llu", (unsigned long long)as->seed) : CP_OK;
}

static enum cp_code print(const struct cp_args *a, const struct cp_assign *as, const struct cp_assigned *done,
		struct cp_err *err)
{
	char cases[CP_COUNT];

	CP_TRY(a->json ? print_json(as, done, err) : print_words(as, done, err));
	if (done->without_rater > 0)
		cp_say("%s: nobody who was named can take them; see the locales in `casepack person list`",
				cp_count(cases, done->without_rater, "case has too few raters", "cases have too few raters"));
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	__attribute__((cleanup(cp_words_drop))) struct words people = { NULL, 0, NULL };
	__attribute__((cleanup(cp_words_drop))) struct words cases = { NULL, 0, NULL };
	struct cp_assigned done = { .made = 0 };
	struct cp_assign as = { .form = NULL };

	CP_TRY(read_args(a, &as, err));
	CP_TRY(split(&people, cp_arg(a, "--to"), err));
	CP_TRY(cases_of(a, &cases, err));
	as.people = people.list;
	as.n_people = people.n;
	as.cases = cases.list;
	as.n_cases = cases.n;
	CP_TRY(cp_assign(a->store, &as, &done, err));
	CP_TRY(print(a, &as, &done, err));
	return as.is_dry_run ? CP_OK : cp_seal_if_ready(a->store, err);
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
	{ "--dry-run", NULL, "say what would be made, and make nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack assign --form relevance --guideline search --overlap 2 --shuffle",
		"two raters for each case, evenly spread" },
	{ "casepack assign --form relevance --to ana --case \"red shoes\" --pass 2", "one case once more, for ana" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_assign = {
	.name = "assign",
	.usage = "--form NAME [--guideline NAME] [--to PEOPLE] [--overlap N] [--locale LOCALE] [--segment NAME] "
		"[--case ID]... [--pass N] [--due YYYY-MM-DD] [--shuffle] [--seed N] [-n]",
	.summary = "give cases to raters",
	.about =
		"Gives cases to raters. A rater gets only cases of the locales on the roster, and whoever fits and "
		"has fewest comes first. The same call again makes nothing new: after a further import it gives only what "
		"was added.\n\n"
		"With --shuffle each person gets the cases in another order. The number that it was drawn with is printed: "
		"the same --seed, cases and people give the same order again.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
