#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "cli/shown.h"
#include "formats/file.h"
#include "formats/text.h"
#include "sync/cases.h"
#include "sync/journal.h"
#include "sync/point.h"

#define CHANGESET_MAX ((size_t)1 << 30)

/* ---- a changeset file: git's textconv ------------------------------------------------------ */

/* Git gives up a whole listing when this fails, so bytes that are no changeset are shown as such. */
static enum cp_code show_file(const char *path, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CHANGESET_MAX);
	CP_AUTO(buf) struct cp_buf words = CP_BUF(CHANGESET_MAX);
	struct cp_err why = { .code = CP_OK };

	CP_TRY(cp_file_read(&bytes, path, err));
	enum cp_code code = cp_changeset_words(NULL, bytes.data, bytes.len, &words, &why);
	if (code == CP_EFORMAT)
		return cp_line(err, "(no changeset: %s)", why.text);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	return cp_text_print(words.data == NULL ? "" : words.data, words.len, err);
}

/*
 * Git calls a diff driver with path, old file, its hash and mode, new file, its hash and mode, and two more of a renamed file;
 * with the path alone where it is unmerged. Each commit's changeset takes the place of the one before, so the new file is all
 * that the commit brings.
 */
static enum cp_code show_brought(struct cp_args *a, struct cp_err *err)
{
	if (a->n < 6)
		return cp_line(err, "(%s: not one changeset)", cp_arg(a, "--ext-diff"));
	if (strcmp(a->words[3], "/dev/null") == 0)
		return cp_line(err, "(%s: is gone)", cp_arg(a, "--ext-diff"));
	return show_file(a->words[3], err);
}

/* ---- a commit ------------------------------------------------------------------------------ */

static enum cp_code show_commit(struct cp_args *a, const char *word, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CHANGESET_MAX), line = CP_BUF(CHANGESET_MAX);

	if (!a->json) {
		CP_TRY(cp_commit_words(a->store, word, &text, err));
		return cp_text_print(text.data, text.len, err);
	}
	CP_TRY(cp_commit_json(a->store, word, &text, err));
	CP_TRY(cp_text_json(&line, text.data, text.len, err));
	return fwrite(line.data, 1, line.len, stdout) == line.len && putchar('\n') != EOF ? CP_OK : cp_fail_errno(err, "standard output");
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code show_word(struct cp_args *a, const char *word, struct cp_err *err)
{
	const char *at = cp_arg(a, "--at");
	struct cp_err why = { .code = CP_OK };
	struct cp_id key;
	enum cp_code code = cp_case_find(a->store, word, &key, &why);

	if (code == CP_OK)
		return at != NULL ? cp_show_case_at(a, &key, at, err) : cp_show_case(a, &key, err);
	if (code != CP_ENOTFOUND)
		return cp_fail(err, code, "%s", why.text);
	if (at == NULL && cp_named_may_be(word))
		code = show_commit(a, word, err);
	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_ENOTFOUND, at != NULL ? "%s: there is no case of that name"
				: "%s: there is neither a case nor a commit of that name", word);
	return code;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	const char *file = cp_arg(a, "--textconv");
	bool is_driver = cp_arg_given(a, "--ext-diff");

	if ((file != NULL || is_driver) && cp_arg_given(a, "--at"))
		return cp_fail(err, CP_EUSAGE, "show: --at is for a case");
	if (file != NULL && is_driver)
		return cp_fail(err, CP_EUSAGE, "show: --textconv and --ext-diff are two ways in which git calls it");
	CP_TRY(cp_args_want(a, file != NULL || is_driver ? 0 : 1, is_driver ? 8 : file != NULL ? 0 : 1, err));
	if (is_driver)
		return show_brought(a, err);
	if (file != NULL)
		return show_file(file, err);
	CP_TRY(cp_store_open(&a->store, a->dir, err));
	return show_word(a, a->words[0], err);
}

static const struct cp_option options[] = {
	{ "--at", "POINT", "the case as it stood then: a commit, a day or a time (`casepack diff -h` says how it is named)" },
	{ "--ext-diff", "PATH", "what git calls in `git log -p --ext-diff`: a commit's changeset in words; needs no workspace" },
	{ "--textconv", "FILE", "a changeset file in words; what git calls wherever it compares two as text; needs no workspace" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack show q-1042", "what the case shows, who judged it how, and what stands" },
	{ "casepack show q-1042 --at 2026-03-01", "the same as it stood at the end of that day" },
	{ "casepack show 3f9c2e1", "what a change commit changed, in words" },
	{ "git -C history.git log -p --ext-diff replica/ID", "a device's branch as a journal, read by git through this command" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_show = {
	.name = "show",
	.usage = "CASE [--at POINT]\nCOMMIT\n--ext-diff PATH [FILE...]\n--textconv FILE",
	.summary = "a case, now or then, or a commit in words",
	.about = "A case: its query and results as the rater saw them, then every answer that stands, with rater, "
		"guideline revision and time, the lead's final answers, and the conflicts about it, open or settled; at a lead's hub "
		"also its gold answers and metrics. --at tells it as it stood at a point of history, from the pages that main "
		"had there: without times of answers, and without what is private.\n\n"
		"A commit, by four or more digits of its name: who made it, on which device, when, whether the signature is that of "
		"the device's key, what each hub said to it, which commit of main took it in, and each change in words, a judgment together "
		"with its answers. So are change commits shown that were accepted, refused or wait, public or private, and material "
		"that was given. A commit of main is shown with the change commits that it took in; `casepack diff COMMIT~ COMMIT` says "
		"what they changed.\n\n"
		"Git reads changesets through this command, as history.git is configured: `git log -p --ext-diff` on a replica's branch reads like a "
		"journal, each commit with what it changed. Keys stand for names there. In a clone one line does it: `git config "
		"diff.casepack.command 'casepack show --ext-diff'`. Without --ext-diff git compares each changeset with that of the commit before, "
		"which says nothing; where it must be text (`git config diff.casepack.textconv 'casepack show --textconv'`), the lines with + "
		"are what the commit changed.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
