#include "cli/export.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/exports.h"
#include "sync/past.h"
#include "sync/people.h"
#include "sync/texts.h"

/* ---- forms --------------------------------------------------------------------------------- */

void cp_forms_drop(struct cp_forms *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].name);
		cp_form_drop(&f->list[i].form);
	}
	free(f->list);
	*f = (struct cp_forms){ NULL, 0 };
}

static enum cp_code on_form(void *user, const struct cp_text_row *row, struct cp_err *err)
{
	struct cp_forms *f = user;
	struct cp_named_form form = { .number = row->number };

	CP_TRY(cp_form_read(&form.form, row->body, row->len, err));
	form.name = strdup(row->name);
	struct cp_named_form *list = reallocarray(f->list, f->n + 1, sizeof *list);
	if (list != NULL)
		f->list = list;
	if (list == NULL || form.name == NULL) {
		free(form.name);
		cp_form_drop(&form.form);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	f->list[f->n++] = form;
	return CP_OK;
}

enum cp_code cp_forms_load(struct cp_forms *out, struct cp_store *s, struct cp_err *err)
{
	return cp_text_each(s, true, NULL, on_form, out, err);
}

const struct cp_field *cp_forms_field(const struct cp_forms *f, const char *form, const char *field)
{
	const struct cp_field *found = NULL;

	for (size_t i = 0; i < f->n; i++) {
		const struct cp_field *here = cp_form_field(&f->list[i].form, field);
		if (here != NULL && (found == NULL || strcmp(f->list[i].name, form) == 0))
			found = here;
	}
	return found;
}

static const char *const format_names[] = { "csv", "jsonl", "qrels", "git", NULL };

/* ---- the file ------------------------------------------------------------------------------ */

#define PENDING_MAX ((size_t)64 << 10)

static enum cp_code write_pending(struct cp_sheet *s, struct cp_err *err)
{
	if (s->pending.len == 0)
		return CP_OK;
	cp_hasher_add(&s->hasher, s->pending.data, s->pending.len);
	if (!s->is_stdout)
		CP_TRY(cp_newfile_add(&s->file, s->pending.data, s->pending.len, err));
	else if (isatty(STDOUT_FILENO) == 1) /* for eyes; a file or a pipe gets it byte for byte */
		CP_TRY(cp_text_print(s->pending.data, s->pending.len, err));
	else if (fwrite(s->pending.data, 1, s->pending.len, stdout) != s->pending.len)
		return cp_fail_errno(err, "standard output");
	cp_buf_clear(&s->pending);
	return CP_OK;
}

enum cp_code cp_sheet_begin(struct cp_sheet *s, const char *path, struct cp_err *err)
{
	cp_hasher_begin(&s->hasher);
	s->is_stdout = strcmp(path, "-") == 0;
	return s->is_stdout ? CP_OK : cp_newfile_begin(&s->file, path, 0644, err);
}

enum cp_code cp_sheet_row(struct cp_sheet *s, struct cp_err *err)
{
	s->rows++;
	return s->pending.len < PENDING_MAX ? CP_OK : write_pending(s, err);
}

enum cp_code cp_sheet_end(struct cp_sheet *s, struct cp_err *err)
{
	CP_TRY(write_pending(s, err));
	return s->is_stdout ? CP_OK : cp_newfile_commit(&s->file, err);
}

/* What was asked for, as history keeps it; freed by the caller. */
static char *scope_of(const struct cp_export *x)
{
	static const char *const aggregates[] = { NULL, "majority", "median", "mean" }, *const ties[] = { NULL, "low", "high" };
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "rater", x->rater ? json_string(x->rater) : NULL); /* NULL sets nothing */
	json_object_set_new(o, "field", x->field ? json_string(x->field) : NULL);
	json_object_set_new(o, "aggregate", x->aggregate ? json_string(aggregates[x->aggregate]) : NULL);
	json_object_set_new(o, "ties", x->ties ? json_string(ties[x->ties]) : NULL);
	json_object_set_new(o, "guard", x->is_guarded ? json_true() : NULL);
	json_object_set_new(o, "no_times", x->has_no_times ? json_true() : NULL);
	json_object_set_new(o, "at", x->at ? json_string(x->at->oid.hex) : NULL);
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	return text;
}

static enum cp_code note(struct cp_sheet *s, const struct cp_export *x, struct cp_err *err)
{
	CP_AUTO(str) char *scope = scope_of(x);
	struct cp_exported exported = { .format = format_names[x->format], .scope = scope, .labels = s->rows,
		.main = x->at ? x->at->oid.hex : NULL };

	if (scope == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	cp_hasher_end(&s->hasher, &exported.file);
	return s->rows > 0 && !s->is_stdout ? cp_export_note(x->here, &exported, err) : CP_OK;
}

enum cp_code cp_sheet_end_noted(struct cp_sheet *s, const struct cp_export *x, struct cp_err *err)
{
	CP_TRY(write_pending(s, err));
	CP_TRY(note(s, x, err)); /* first: what left without a note would be the worse of the two */
	return cp_sheet_end(s, err);
}

void cp_sheet_drop(struct cp_sheet *s)
{
	cp_newfile_drop(&s->file);
	cp_buf_drop(&s->pending);
}

/* ---- the request --------------------------------------------------------------------------- */

static enum cp_code one_of(const struct cp_args *a, const char *option, const char *const *names, int *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf list = CP_BUF(256);
	const char *given = cp_arg(a, option);

	*out = 0;
	for (int i = 0; given != NULL && names[i] != NULL; i++) {
		if (strcmp(given, names[i]) == 0) {
			*out = i + 1;
			return CP_OK;
		}
		CP_TRY(cp_buf_printf(&list, err, "%s%s", i == 0 ? "" : ", ", names[i]));
	}
	return given == NULL ? CP_OK : cp_fail(err, CP_EUSAGE, "export: %s is one of %s, not %s", option, list.data, given);
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n > m && strcmp(path + n - m, suffix) == 0;
}

static enum cp_code read_format(struct cp_export *x, const struct cp_args *a, struct cp_err *err)
{
	int format;

	CP_TRY(one_of(a, "--format", format_names, &format, err));
	for (int i = 0; format == 0 && i < 3; i++) {
		char suffix[8];
		snprintf(suffix, sizeof suffix, ".%s", format_names[i]);
		if (ends_in(x->path, suffix))
			format = i + 1;
	}
	if (format == 0)
		return cp_fail(err, CP_EUSAGE, "export: say --format csv, jsonl, qrels or git");
	x->format = (enum cp_export_format)(format - 1);
	return CP_OK;
}

/* Options that the format does not have are refused rather than ignored. */
static enum cp_code check_options(const struct cp_args *a, enum cp_export_format format, struct cp_err *err)
{
	static const struct { const char *option; unsigned formats; const char *only; } fits[] = {
		{ "--aggregate", 1u << CP_EXPORT_QRELS, "qrels" },
		{ "--ties", 1u << CP_EXPORT_QRELS, "qrels" },
		{ "--guard", 1u << CP_EXPORT_CSV, "csv" },
		{ "--no-times", 1u << CP_EXPORT_CSV | 1u << CP_EXPORT_JSONL, "csv and jsonl" },
		{ "--rater", 7, "csv, jsonl and qrels" },
		{ "--field", 7, "csv, jsonl and qrels" },
		{ "--at", 7, "csv, jsonl and qrels" },
	};

	for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
		if (cp_arg_given(a, fits[i].option) && (fits[i].formats & 1u << format) == 0)
			return cp_fail(err, CP_EUSAGE, "export: %s is for %s", fits[i].option, fits[i].only);
	if (cp_arg_given(a, "--rater") && cp_arg_given(a, "--aggregate"))
		return cp_fail(err, CP_EUSAGE, "export: say either --rater or --aggregate");
	if (cp_arg_given(a, "--ties") && !cp_arg_given(a, "--aggregate"))
		return cp_fail(err, CP_EUSAGE, "export: --ties goes with --aggregate");
	return CP_OK;
}

static enum cp_code read_request(struct cp_export *x, const struct cp_args *a, struct cp_err *err)
{
	static const char *const aggregates[] = { "majority", "median", "mean", NULL };
	static const char *const ties[] = { "low", "high", NULL };
	int aggregate, tie;

	CP_TRY(cp_args_want(a, 0, 0, err));
	x->store = a->store;
	x->path = cp_arg(a, "-o");
	if (x->path == NULL || x->path[0] == '\0')
		return cp_fail(err, CP_EUSAGE, "export: say -o FILE, or -o - for standard output");
	CP_TRY(read_format(x, a, err));
	CP_TRY(check_options(a, x->format, err));
	CP_TRY(one_of(a, "--aggregate", aggregates, &aggregate, err));
	CP_TRY(one_of(a, "--ties", ties, &tie, err));
	x->aggregate = (enum cp_aggregate)aggregate;
	x->ties = (enum cp_ties)tie;
	x->rater = cp_arg(a, "--rater");
	x->field = cp_arg(a, "--field");
	x->is_guarded = cp_arg_given(a, "--guard");
	x->has_no_times = cp_arg_given(a, "--no-times");
	return CP_OK;
}

/* Who and what are named must be there: a slip would give an empty file. */
static enum cp_code check_names(const struct cp_export *x, struct cp_err *err)
{
	struct cp_id person;

	if (x->rater != NULL)
		CP_TRY(cp_person_find(x->store, x->rater, &person, err));
	if (x->field != NULL && cp_forms_field(&x->forms, "", x->field) == NULL)
		return cp_fail(err, CP_ENOTFOUND, "%s: no form has a field of that name; `casepack form list` lists the forms",
				x->field);
	return CP_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code export_git(const struct cp_export *x, struct cp_err *err)
{
	if (strcmp(x->path, "-") == 0)
		return cp_fail(err, CP_EUSAGE, "export: a git bundle needs a file; say -o FILE");
	CP_TRY(cp_export_git(x->store, x->path, err));
	cp_say("%s: a git bundle; `git clone %s` opens it", x->path, x->path);
	return CP_OK;
}

static enum cp_code export_with(struct cp_export *x, struct cp_err *err)
{
	int64_t rows = 0;

	CP_TRY(cp_forms_load(&x->forms, x->store, err));
	CP_TRY(check_names(x, err));
	if (x->format == CP_EXPORT_QRELS)
		CP_TRY(cp_export_qrels(x, &rows, err));
	else
		CP_TRY(cp_export_rows(x, &rows, err));
	if (strcmp(x->path, "-") == 0)
		return CP_OK;
	char n[CP_COUNT];
	CP_TRY(cp_export_dictionary(x, rows, err));
	cp_say("%s: %s; what they mean is in %s.dictionary.md%s", x->path, cp_count(n, rows, "row", "rows"), x->path,
			x->format == CP_EXPORT_QRELS ? ", the topics beside it" : "");
	return CP_OK;
}

static enum cp_code export_now(struct cp_export *x, struct cp_err *err)
{
	enum cp_code code = export_with(x, err);

	cp_forms_drop(&x->forms);
	return code;
}

/* The labels as they stood at a point of history. */
static enum cp_code export_at(struct cp_export *x, const char *name, struct cp_err *err)
{
	CP_AUTO(past) struct cp_past past = { NULL, NULL };
	struct cp_point at;
	char when[32], n[CP_COUNT];
	int64_t missing;

	CP_TRY(cp_point_find(x->store, name, &at, err));
	CP_TRY(cp_past_open(&past, x->store, &at, err));
	x->store = past.store;
	x->at = &at;
	CP_TRY(export_now(x, err));
	CP_TRY(cp_past_missing(&past, &missing, err));
	cp_say("as they stood at %.12s of main, received %s", at.oid.hex, cp_time_text(when, at.at_us));
	if (missing > 0)
		cp_say("what %s showed then is not here any more: queries, ids that were not plain and ranks are missing",
				cp_count(n, missing, "judged case", "judged cases"));
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_export x = { .store = a->store, .here = a->store };

	CP_TRY(read_request(&x, a, err));
	if (x.format == CP_EXPORT_GIT)
		return export_git(&x, err);
	return cp_arg_given(a, "--at") ? export_at(&x, cp_arg(a, "--at"), err) : export_now(&x, err);
}

static const struct cp_option options[] = {
	{ "--format", "FORMAT", "csv, jsonl, qrels or git; by the file's name otherwise" },
	{ "-o", "FILE", "the file to write; - for standard output, then without a dictionary" },
	{ "--at", "POINT", "as it stood then: a commit, a day or a time (`casepack diff -h` says how it is named)" },
	{ "--rater", "PERSON", "only this rater's answers" },
	{ "--field", "FIELD", "only this field" },
	{ "--aggregate", "HOW", "qrels from all raters: majority, median or mean" },
	{ "--ties", "WHICH", "where raters are split evenly take the low or the high grade" },
	{ "--guard", NULL, "csv: an apostrophe before text that a spreadsheet would take for a formula" },
	{ "--no-times", NULL, "without judged_at and active_ms" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack export -o labels.csv", "every answer, one row each, with a data dictionary beside" },
	{ "casepack export -o all.qrels --aggregate majority --ties low", "for trec_eval and its kin" },
	{ "casepack export --format jsonl -o - | jq -r .value", "into a pipe" },
	{ "casepack export --at 2026-03-01 -o march.csv", "what `export` gave at the end of that day, byte for byte" },
	{ "casepack export --format git -o audit.bundle", "what an auditor is given: `git clone audit.bundle`" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_export = {
	.name = "export",
	.usage = "[--format csv | jsonl] -o FILE [--rater PERSON] [--field FIELD] [--guard] [--no-times] [--at POINT]\n"
		"[--format qrels] -o FILE [--rater PERSON | --aggregate HOW [--ties WHICH]] [--field FIELD] [--at POINT]\n"
		"--format git -o FILE",
	.summary = "labels for analysis, history for an auditor",
	.about = "csv (RFC 4180) and jsonl have one row an answer. Beside the file stands FILE.dictionary.md: every "
		"column with type, unit and meaning, every field with its values, and the number of rows.\n\n"
		"qrels are lines `topic 0 docno grade` of one field that is asked of each result: of one rater, or "
		"aggregated over all. A tie of a majority is an error, and listed, unless --ties decides. Topics and "
		"documents whose ids contain white space stand there by their name in history; FILE.topics.tsv gives "
		"each topic's query. Where a lead set a final answer it is the grade, unless --rater names one. Answers that are "
		"stale, late or undecided (in conflict under review) are left out, and counted.\n\n"
		"Texts stand in csv and jsonl as they were written, whatever they hold; on a terminal what would act there is spelled "
		"out, and in jsonl it is escaped, which is the same JSON. --guard alters text, for spreadsheets only.\n\n"
		"At a leads' hub history keeps who exported what: the file's hash, its rows, and the options (exports.tsv on main, "
		"`casepack log CASE`). The same file made again is noted once. What goes to standard output is a look, as with "
		"show, and is not noted.\n\n"
		"--at gives what the same command gave when the hub's main stood there, with its forms and people: main is replayed "
		"up to that point into a database beside the one in use, which takes as long as `rebuild` and is removed again. What "
		"a case showed comes from the content that is here; what was forgotten since is missing, and said. What was not "
		"sealed yet belongs to the next commit of main.\n\n"
		"git is a standard git bundle of main and of every replica's branch.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
