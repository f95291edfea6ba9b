#include <string.h>
#include <sys/stat.h>

#include "cli/bundles.h"
#include "cli/shown.h"
#include "sync/envelope.h"

/* ---- the balance --------------------------------------------------------------------------- */

struct balance {
	struct cp_out *out;
	bool json, waits;
	int64_t replicas, edits;
	char wrong[CP_ID_HEX]; /* first replica whose edits do not add up */
	enum cp_code code;
	struct cp_err *err;
};

static enum cp_code add_balance(struct balance *t, const struct cp_balance *b)
{
	const int64_t counts[] = { b->exported, b->standing, b->equal, b->superseded, b->overruled,
		b->in_conflict, b->quarantined, b->waiting };
	char brief[9];

	snprintf(brief, sizeof brief, "%.8s", b->replica);
	CP_TRY(cp_out_text(t->out, t->json ? b->replica : brief, t->err));
	CP_TRY(cp_out_text(t->out, b->pseudonym, t->err));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		CP_TRY(cp_out_int(t->out, counts[i], t->err));
	return CP_OK;
}

static void on_balance(void *user, const struct cp_balance *b)
{
	struct balance *t = user;
	int64_t sum = b->standing + b->equal + b->superseded + b->overruled + b->in_conflict + b->quarantined
		+ b->waiting;

	if (t->code != CP_OK)
		return;
	t->replicas++;
	t->edits += b->exported;
	t->waits = t->waits || b->waiting > 0 || b->in_conflict > 0;
	if (sum != b->exported && t->wrong[0] == '\0')
		snprintf(t->wrong, sizeof t->wrong, "%s", b->replica);
	t->code = add_balance(t, b);
}

static enum cp_code print_balance(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "replica", "person", "exported", "standing", "equal", "superseded",
		"overruled", "in_conflict", "quarantined", "waiting" };
	struct balance t = { .json = a->json, .err = err };
	char edits[CP_COUNT], replicas[CP_COUNT];

	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = cp_balance_each(a->store, on_balance, &t, err);
	CP_TRY(cp_out_close(t.out, code == CP_OK ? t.code : code, err));
	a->waits = a->waits || t.waits;
	if (t.wrong[0] != '\0')
		return cp_fail(err, CP_EFORMAT, "the edits of replica %s do not add up to what it exported; "
				"run `casepack verify`", t.wrong);
	if (a->json)
		return CP_OK;
	return cp_line(err, "the balance holds: %s of %s", cp_count(edits, t.edits, "edit", "edits"),
			cp_count(replicas, t.replicas, "replica", "replicas"));
}

/* ---- the command --------------------------------------------------------------------------- */

/* In a folder may lie what is for others; a file that was named is always tried, and so is one that is damaged. */
static enum cp_code is_for_others(struct cp_args *a, const char *path, bool *out, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	bool is_mine = false, is_closed;

	CP_TRY(cp_bundle_is_mine(a->store, path, &is_mine, err));
	*out = !is_mine && (cp_envelope_open(a->store, path, &b, &is_closed, NULL) == CP_OK || is_closed);
	return CP_OK;
}

static enum cp_code merge_paths(struct cp_args *a, const struct cp_paths *p, bool is_folder, struct cp_tally *tally,
		size_t *passed, struct cp_err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		bool is_passed = false;
		cp_progress_show("merging", i, p->n);
		if (is_folder)
			CP_TRY(is_for_others(a, p->list[i], &is_passed, err));
		enum cp_code code = is_passed ? CP_OK : cp_take_merge(a, p->list[i], false, tally, err);
		cp_progress_end();
		CP_TRY(code);
		*passed += is_passed ? 1 : 0;
	}
	return CP_OK;
}

static enum cp_code merge_words(struct cp_args *a, struct cp_tally *tally, struct cp_err *err)
{
	struct stat st;
	size_t passed = 0;
	char n[CP_COUNT];

	for (size_t i = 0; i < a->n; i++) {
		CP_AUTO(paths) struct cp_paths paths = { NULL, 0 };
		bool is_folder = stat(a->words[i], &st) == 0 && S_ISDIR(st.st_mode);
		CP_TRY(cp_paths_of_words(&paths, &a->words[i], 1, err));
		CP_TRY(merge_paths(a, &paths, is_folder, tally, &passed, err));
	}
	if (passed > 0)
		cp_say("%s for others passed over", cp_count(n, (int64_t)passed, "bundle", "bundles"));
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_tally tally = { .taken = 0 };

	CP_TRY(cp_args_want(a, 1, SIZE_MAX, err));
	if (!cp_store_me(a->store)->is_hub)
		return cp_fail(err, CP_EINPUT, "%s: this is a rater's workspace; `casepack open` takes in what the lead sends",
				a->dir);
	CP_TRY(merge_words(a, &tally, err));
	CP_TRY(print_balance(a, err));
	if (tally.failed.code != CP_OK)
		return cp_fail(err, tally.failed.code, "%s", tally.failed.text);
	return CP_OK;
}

static const struct cp_option options[] = {
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack merge inbox", "every bundle in the folder inbox" },
	{ "casepack merge return-lena-3.casepack return-ravi-1.casepack", "in any order, any number of times" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_merge = {
	.name = "merge",
	.usage = "FILE_OR_DIR...",
	.summary = "take in returned work",
	.about = "Takes in each file on its own, whole or not at all, and says in one line what became of it. A "
		"folder stands for its *.casepack and *.casepack.age files, but for those that are for others. Files may "
		"come in any order and any number of times.\n\n"
		"Then prints the balance of every replica, counted in edits: standing + equal + superseded + "
		"overruled + in conflict + quarantined + waiting = exported.\n\n"
		"Exit status 4 when something was refused, 3 when something waits or is in conflict.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
