#include "sync/forget.h"

#include <string.h>

#include "cli/keys.h"
#include "cli/shown.h"

/* ---- the list ------------------------------------------------------------------------------ */

struct sheet { struct cp_out *out; int64_t open; };

static enum cp_code on_row(void *user, const struct cp_forgotten_row *r, struct cp_err *err)
{
	struct sheet *t = user;

	t->open += r->n_unconfirmed > 0;
	CP_TRY(cp_out_text(t->out, r->case_id, err));
	CP_TRY(cp_out_time(t->out, r->at_us, err));
	CP_TRY(cp_out_int(t->out, r->judgments, err));
	CP_TRY(cp_out_text(t->out, r->unconfirmed, err));
	return cp_out_text(t->out, r->reason, err);
}

static enum cp_code list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "case", "forgotten", "judgments", "not_confirmed_by", "reason" };
	struct sheet t = { NULL, 0 };
	char n[CP_COUNT];

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	CP_TRY(cp_out_close(t.out, cp_forgotten_each(a->store, on_row, &t, err), err));
	if (t.open > 0)
		cp_say("%s not confirmed by everybody yet: `pack` and `sync` tell them, and what they send next confirms it",
				cp_count(n, t.open, "case is", "cases are"));
	return CP_OK;
}

/* ---- forgetting ---------------------------------------------------------------------------- */

static enum cp_code print(const struct cp_args *a, const struct cp_forget *f, const struct cp_forgot *done, struct cp_err *err)
{
	char cases[CP_COUNT], judgments[CP_COUNT], documents[CP_COUNT], media[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "dry_run", f->is_dry_run,
				"forgotten", (json_int_t)done->cases, "again", (json_int_t)done->again,
				"judgments", (json_int_t)done->judgments, "documents", (json_int_t)done->erased.documents,
				"media", (json_int_t)done->erased.media, "shown_in_history", (json_int_t)done->shown), err);
	CP_TRY(cp_line(err, "%s%s forgotten; %s kept", f->is_dry_run ? "would be: " : "", cp_count(cases, done->cases, "case", "cases"),
			cp_count(judgments, done->judgments, "judgment is", "judgments are")));
	if (done->again > 0)
		CP_TRY(cp_line(err, "%s forgotten before", cp_count(cases, done->again, "case was", "cases were")));
	return f->is_dry_run ? CP_OK : cp_line(err, "erased here: %s, %s",
			cp_count(documents, done->erased.documents, "version of what they showed", "versions of what they showed"),
			cp_count(media, done->erased.media, "media file", "media files"));
}

static void say_reach(const struct cp_forgot *done)
{
	char n[CP_COUNT];

	if (done->shown > 0)
		cp_say("%s: this project shows queries, and what is in the history of main can only be taken out by writing that history "
				"anew, in every clone", cp_count(n, done->shown, "query stays readable in git", "queries stay readable in git"));
	cp_say("hubs and raters erase it when they take this in (`casepack forget --list`); bundles already written, exported files and "
			"backups are not reached");
}

static enum cp_code forget(struct cp_args *a, struct cp_err *err)
{
	struct cp_forget f = { .cases = a->words, .n_cases = a->n, .reason = cp_arg(a, "--reason"),
		.is_dry_run = cp_arg_given(a, "--dry-run") };
	struct cp_forgot done;

	if (a->n == 0)
		return cp_fail(err, CP_EUSAGE, "name the cases to forget");
	if (f.reason == NULL || *f.reason == '\0')
		return cp_fail(err, CP_EUSAGE, "say why: --reason WORDS");
	CP_TRY(cp_forget(a->store, &f, &done, err));
	CP_TRY(print(a, &f, &done, err));
	a->waits = done.shown > 0;
	say_reach(&done);
	return f.is_dry_run ? CP_OK : cp_seal_if_ready(a->store, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	if (!cp_arg_given(a, "--list"))
		return forget(a, err);
	if (cp_arg_given(a, "--reason") || cp_arg_given(a, "--dry-run"))
		return cp_fail(err, CP_EUSAGE, "forget: --list stands alone");
	return list(a, err);
}

static const struct cp_option options[] = {
	{ "--reason", "WORDS", "why; stands in history, and raters may read it: quote nothing" },
	{ "--list", NULL, "forgotten cases, and who has not confirmed that they are erased" },
	{ "--dry-run", NULL, "say what would be forgotten, and forget nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack forget q-1042 q-1043 --reason \"a person asked for it\"", "erase what these cases show" },
	{ "casepack forget --list", "who still has to confirm" },
	{ "casepack forget --list --json | jq -r 'select(.not_confirmed_by != \"\") | .case'", "for a script" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_forget = {
	.name = "forget",
	.usage = "CASE... --reason WORDS [-n]\n--list",
	.summary = "erase what cases show, for good and everywhere",
	.about =
		"Erases every version of what the cases show, and the media that only they name: here at once, at other leads' hubs, "
		"relays and raters when they take in what comes next from here, and from every bundle written after. There is no way "
		"back; importing such a case again is passed over. Naming a forgotten case once more looks for what came back, as out of "
		"a backup.\n\n"
		"What people wrote stays: judgments, notes, reasons, and the case's row with its name in history, a hash of what it "
		"showed, and the reason. Work on it that arrives later is taken in as if nothing had happened. Drafts that nobody "
		"submitted are dropped with the case, since they may quote it. A case's id that is not plain is erased too: from then "
		"on exports call the case by its name in history.\n\n"
		"Bytes are overwritten and the databases written anew. Not reached are bundles that lie on sticks, exported files, "
		"backups and other copies, and what a disk or its file system keep of old blocks. Where a project shows queries "
		"(`init --show-queries`) and the query is the name of its case, it stands in git and stays there; that is said, with exit "
		"status 3.\n\n"
		"--list names devices and hubs that were given the case and have not confirmed to this hub that they took the news in. "
		"Raters behind a relay are the relay's to list.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
