#include "cli/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/names.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "formats/file.h"
#include "sync/people.h"

#define REPORT_MAX ((size_t)256 << 20) /* bytes */

/* ---- what was asked for --------------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *ending)
{
	size_t len = strlen(path), n = strlen(ending);

	return len > n && strcasecmp(path + len - n, ending) == 0;
}

static enum cp_code read_kind(const struct cp_args *a, enum cp_paper_kind *out, struct cp_err *err)
{
	const char *path = cp_arg(a, "-o");

	if (path == NULL)
		return cp_fail(err, CP_EUSAGE, "report audit needs -o FILE.html or -o FILE.md");
	*out = ends_in(path, ".md") || ends_in(path, ".markdown") ? CP_PAPER_MARKDOWN : CP_PAPER_HTML;
	if (*out == CP_PAPER_HTML && !ends_in(path, ".html") && !ends_in(path, ".htm"))
		return cp_fail(err, CP_EUSAGE, "report audit writes HTML or Markdown: name the file .html or .md");
	return CP_OK;
}

static int64_t day_us(const char *day, int days_later)
{
	struct tm t = { .tm_isdst = 0 };

	sscanf(day, "%d-%d-%d", &t.tm_year, &t.tm_mon, &t.tm_mday);
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	t.tm_mday += days_later;
	return (int64_t)timegm(&t) * 1000000;
}

static enum cp_code read_period(const struct cp_args *a, struct cp_report *r, struct cp_err *err)
{
	CP_TRY(cp_arg_day(a, "--since", &r->since, err));
	CP_TRY(cp_arg_day(a, "--until", &r->until, err));
	r->filter.since_us = r->since ? day_us(r->since, 0) : INT64_MIN;
	r->filter.until_us = r->until ? day_us(r->until, 1) : INT64_MAX;
	if (r->filter.since_us >= r->filter.until_us)
		return cp_fail(err, CP_EUSAGE, "report audit: --since is behind --until");
	return CP_OK;
}

/* --made-at, else SOURCE_DATE_EPOCH as reproducible builds have it, else now. */
static enum cp_code read_made_at(const struct cp_args *a, int64_t *out, struct cp_err *err)
{
	const char *at = cp_arg(a, "--made-at"), *epoch = getenv("SOURCE_DATE_EPOCH"), *end = "";
	struct tm t = { .tm_isdst = 0 };
	char *rest;
	long long seconds;

	if (at != NULL) {
		end = strptime(at, "%Y-%m-%dT%H:%M:%SZ", &t);
		if (end == NULL || *end != '\0')
			return cp_fail(err, CP_EUSAGE, "report audit: --made-at is a time like 2026-03-01T14:05:09Z");
		*out = (int64_t)timegm(&t) * 1000000;
		return CP_OK;
	}
	if (epoch == NULL || *epoch == '\0') {
		*out = (int64_t)time(NULL) * 1000000;
		return CP_OK;
	}
	seconds = strtoll(epoch, &rest, 10);
	if (*rest != '\0' || seconds < 0 || seconds > 253402300799)
		return cp_fail(err, CP_EUSAGE, "report audit: SOURCE_DATE_EPOCH is a number of seconds since 1970");
	*out = (int64_t)seconds * 1000000;
	return CP_OK;
}

static enum cp_code read_asked(struct cp_args *a, struct cp_report *r, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 1, 2, err));
	r->of_case = a->n > 1 ? a->words[1] : NULL;
	r->rater = cp_arg(a, "--rater");
	r->shows_content = cp_arg_given(a, "--content");
	CP_TRY(read_period(a, r, err));
	CP_TRY(read_made_at(a, &r->made_us, err));
	CP_TRY(cp_arg_int(a, "--full", 0, INT32_MAX, 40, &r->max_full, err));
	CP_TRY(cp_arg_int(a, "--rows", 0, INT32_MAX, 400, &r->max_rows, err));
	if (r->of_case != NULL && (r->rater != NULL || r->since != NULL || r->until != NULL))
		return cp_fail(err, CP_EUSAGE, "report audit: of a case all is told: give it without --rater, --since and --until");
	if (r->of_case != NULL)
		return cp_case_find(r->s, r->of_case, &r->case_id, err);
	if (r->rater == NULL)
		return CP_OK;
	r->filter.person = &r->rater_id;
	return cp_person_find(r->s, r->rater, &r->rater_id, err);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static enum cp_code fill(struct cp_report *r, struct cp_err *err)
{
	CP_TRY(cp_report_head(r, err));
	CP_TRY(r->of_case != NULL ? cp_report_one(r, &r->case_id, err) : cp_report_many(r, err));
	return cp_report_foot(r, err);
}

/* A case by its name in history, whatever it was called by. */
static enum cp_code add_title(const struct cp_report *r, struct cp_buf *out, struct cp_err *err)
{
	struct cp_case_view v;
	enum cp_code code;

	CP_TRY(cp_buf_puts(out, "Audit report: ", err));
	if (r->of_case == NULL)
		return r->rater != NULL ? cp_buf_printf(out, err, "the work of %s", r->rater)
			: cp_buf_printf(out, err, "project %s", cp_store_me(r->s)->project_name);
	CP_TRY(cp_case_load(r->s, &r->case_id, &v, err));
	code = cp_buf_printf(out, err, "case %s", v.name);
	cp_case_view_drop(&v);
	return code;
}

static enum cp_code tell(struct cp_args *a, const struct cp_report *r, size_t bytes, struct cp_err *err)
{
	char size[CP_SIZE];

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "file", cp_json_text(cp_arg(a, "-o")), "bytes",
				(json_int_t)bytes, "main", r->main.hex[0] ? json_string(r->main.hex) : json_null(), "full", (json_int_t)r->full,
				"listed", (json_int_t)r->listed, "disputed", (json_int_t)r->disputed, "left_out", (json_int_t)r->left_out,
				"change_commits", (json_int_t)r->commits.n), err);
	cp_say("%s: %s; %zu %s told in full, %zu change commits named%s", cp_arg(a, "-o"), cp_size_text(size, bytes), r->full,
			r->full == 1 ? "case" : "cases", r->commits.n, r->left_out ? "; some disputed cases are left out, see --full" : "");
	return CP_OK;
}

static enum cp_code audit(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(REPORT_MAX), title = CP_BUF(4096);
	CP_AUTO(report) struct cp_report r = { .s = a->store };
	enum cp_paper_kind kind;

	CP_TRY(read_kind(a, &kind, err));
	CP_TRY(read_asked(a, &r, err));
	CP_TRY(add_title(&r, &title, err));
	cp_paper_begin(&r.paper, kind, title.data, &out);
	CP_TRY(fill(&r, err));
	CP_TRY(cp_paper_end(&r.paper, err));
	CP_TRY(cp_file_write(cp_arg(a, "-o"), 0644, out.data, out.len, err));
	return tell(a, &r, out.len, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "audit", " --rater --since --until -o --content --full --rows --made-at ", audit }, { NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

/* ---- its row -------------------------------------------------------------------------------------------- */

static const struct cp_option options[] = {
	{ "-o", "FILE", "the file, .html or .md; replaced when it is there" },
	{ "--rater", "PERSON", "all work of that person" },
	{ "--since", "DAY", "only what was received on that day, YYYY-MM-DD, or later" },
	{ "--until", "DAY", "only what was received by the end of that day" },
	{ "--content", NULL, "quote queries and titles; without it cases stand under their names in history" },
	{ "--full", "N", "at most N disputed cases in full (40; 0: all)" },
	{ "--rows", "N", "at most N rows in a table (400; 0: all)" },
	{ "--made-at", "TIME", "the time that the report bears; else SOURCE_DATE_EPOCH, else now" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack report audit q-1042 -o q-1042.html", "one case, to be attached to a dispute" },
	{ "casepack report audit --rater ana --since 2026-03-01 -o ana.md", "her work since March" },
	{ "casepack report audit -o project.html", "the whole project" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_report = {
	.name = "report",
	.usage = "audit [CASE | [--rater PERSON] [--since DAY] [--until DAY]] -o FILE [--content] [--full N] [--rows N] [--made-at TIME]",
	.summary = "a report to attach to a dispute",
	.about =
		"`audit` writes one file that stands alone, HTML or Markdown by its name: what it is about and what it does not prove; the life of a "
		"case; each answer as it was given and changed, with notes, guideline and form; conflicts and how they were settled; who could have "
		"known what; the guideline texts and what changed in them since; every change commit named, with its signature, key and verdicts; "
		"and the commands by which anybody checks all that with git and ssh-keygen.\n\n"
		"Without CASE it counts first: people, devices, what leads decided, revisions, what was refused and why; or with --rater that person's "
		"work in order. Then come the disputed cases in full (with a conflict, a final answer, or a change after submission), and a table of the "
		"rest. What is left out is said.\n\n"
		"People stand under their pseudonyms, never their names; gold and what else only leads know is never in it. What cases show is left out "
		"unless --content is given: it may be disturbing. The same state and the same time give the same bytes.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
