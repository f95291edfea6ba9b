#include <string.h>

#include "cli/gather.h"
#include "cli/keys.h"
#include "cli/shown.h"

struct effects { int64_t count[4], results, metrics; }; /* by enum cp_case_effect */

/* ---- reading the files --------------------------------------------------------------- */

static enum cp_code format_of(const struct cp_args *a, const char *path, enum cp_rows_kind *out, struct cp_err *err)
{
	static const char *const names[] = { "csv", "tsv", "jsonl" };
	const char *said = cp_arg(a, "--format");

	if (said == NULL && strcmp(path, "-") == 0)
		return cp_fail(err, CP_EUSAGE, "standard input needs --format csv, tsv or jsonl");
	if (said == NULL) {
		enum cp_code code = cp_rows_kind_of(out, path, err);

		return code == CP_OK ? CP_OK : cp_fail(err, CP_EUSAGE, "%s: which format? --format csv, tsv or jsonl", path);
	}
	for (size_t i = 0; i < 3; i++)
		if (strcmp(said, names[i]) == 0) {
			*out = (enum cp_rows_kind[]){ CP_ROWS_CSV, CP_ROWS_TSV, CP_ROWS_JSONL }[i];
			return CP_OK;
		}
	return cp_fail(err, CP_EUSAGE, "option --format is csv, tsv or jsonl");
}

static enum cp_code read_how(const struct cp_args *a, struct cp_mapping *mapping, struct cp_gather_how *out,
		struct cp_err *err)
{
	const char *kind = cp_arg(a, "--kind"), *locale = cp_arg(a, "--locale");

	CP_TRY(cp_mapping_read(mapping, cp_arg(a, "--map"), err));
	if (kind == NULL)
		kind = !mapping->by_name && mapping->column[CP_TO_SIDE] != NULL ? "sxs" : "serp";
	*out = (struct cp_gather_how){ .mapping = mapping, .kind = kind, .locale = locale,
		.limits = cp_store_limits(a->store), .market = cp_arg(a, "--market"), .segment = cp_arg(a, "--segment"),
		.has_header = !cp_arg_given(a, "--no-header") };
	if (strcmp(kind, "item") != 0 && strcmp(kind, "serp") != 0 && strcmp(kind, "sxs") != 0)
		return cp_fail(err, CP_EUSAGE, "option --kind is item, serp or sxs");
	if (locale != NULL && !cp_locale_is_good(locale))
		return cp_fail(err, CP_EUSAGE, "option --locale needs one locale like en-US");
	if (!out->has_header && mapping->by_name)
		return cp_fail(err, CP_EUSAGE, "--no-header needs --map with the numbers of columns, like "
				"--map query=1,result=2");
	return CP_OK;
}

static void say_unused(const struct cp_gather *g)
{
	CP_AUTO(buf) struct cp_buf list = CP_BUF(1 << 16);
	const char *const *names;
	size_t n = cp_gather_unused(g, &names);
	enum cp_code code = CP_OK;

	for (size_t i = 0; i < n && code == CP_OK; i++)
		code = cp_buf_printf(&list, NULL, "%s%s", i > 0 ? ", " : "", names[i]);
	if (n > 0)
		cp_say("not imported: %s %s%s", n == 1 ? "column" : "columns", list.data != NULL ? list.data : "",
				code == CP_OK ? "" : ", ...");
}

/* Bad rows there were: how many more than were shown, and that nothing was done. */
static enum cp_code fail_trouble(const struct cp_trouble *t, struct cp_err *err)
{
	char n[CP_COUNT];

	if (t->n > CP_TROUBLE_SHOWN)
		cp_say("... and %zu more", t->n - CP_TROUBLE_SHOWN);
	return cp_fail(err, CP_EINPUT, "%s not fit; nothing was imported",
			cp_count(n, (int64_t)t->n, "row does", "rows do"));
}

static enum cp_code read_files(const struct cp_args *a, struct cp_gather *g, struct cp_err *err)
{
	enum cp_rows_kind kind;

	for (size_t i = 0; i < a->n; i++)
		CP_TRY(format_of(a, a->words[i], &kind, err));
	for (size_t i = 0; i < a->n; i++) {
		CP_TRY(format_of(a, a->words[i], &kind, err));
		CP_TRY(cp_gather_file(g, a->words[i], kind, err));
	}
	return CP_OK;
}

/* ---- storing --------------------------------------------------------------------------- */

static enum cp_code add_case(struct cp_store *s, const struct cp_gather *g, size_t i, struct effects *e,
		struct cp_trouble *t, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	enum cp_case_effect effect;
	const char *path;
	size_t line;
	const struct cp_case_in *in = cp_gather_case(g, i, &path, &line);
	enum cp_code code = cp_cases_add(s, in, &effect, &why);

	if (code == CP_OK) {
		e->count[effect]++;
		e->results += effect == CP_CASE_FORGOTTEN ? 0 : (int64_t)in->n_results;
		e->metrics += effect == CP_CASE_FORGOTTEN ? 0 : (int64_t)in->n_metrics;
		return CP_OK;
	}
	if (code == CP_EINPUT) {
		cp_trouble_note(t, "%s:%zu:1: %s", path, line, why.text);
		return CP_OK;
	}
	if (err != NULL)
		*err = why;
	return code;
}

static enum cp_code add_all(struct cp_store *s, const struct cp_gather *g, struct effects *e, struct cp_trouble *t,
		struct cp_err *err)
{
	size_t n = cp_gather_count(g);

	for (size_t i = 0; i < n; i++) {
		if (i % 64 == 0)
			cp_progress_show("importing cases", i, n);
		CP_TRY(add_case(s, g, i, e, t, err));
	}
	return t->n == 0 ? CP_OK : fail_trouble(t, err);
}

static enum cp_code store(struct cp_args *a, const struct cp_gather *g, struct effects *e, struct cp_trouble *t,
		struct cp_err *err)
{
	char words[128], cases[CP_COUNT], results[CP_COUNT];
	enum cp_code code = cp_cases_begin(a->store, err);

	if (code == CP_OK)
		code = add_all(a->store, g, e, t, err);
	cp_progress_end();
	if (code != CP_OK || cp_arg_given(a, "--dry-run")) {
		cp_cases_abort(a->store);
		return code;
	}
	snprintf(words, sizeof words, "%s imported, with %s",
			cp_count(cases, e->count[CP_CASE_NEW] + e->count[CP_CASE_CHANGED], "case", "cases"),
			cp_count(results, e->results, "result", "results"));
	return cp_cases_commit(a->store, words, err);
}

static enum cp_code print(const struct cp_args *a, const struct effects *e, struct cp_err *err)
{
	bool is_dry = cp_arg_given(a, "--dry-run");
	char results[CP_COUNT], cases[CP_COUNT], metrics[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "dry_run", is_dry,
				"new", (json_int_t)e->count[CP_CASE_NEW], "changed", (json_int_t)e->count[CP_CASE_CHANGED],
				"same", (json_int_t)e->count[CP_CASE_SAME],
				"forgotten", (json_int_t)e->count[CP_CASE_FORGOTTEN], "results", (json_int_t)e->results,
				"metrics", (json_int_t)e->metrics), err);
	return cp_line(err, "%s%s new, %lld changed, %lld the same, %s%s%s", is_dry ? "would import: " : "",
			cp_count(cases, e->count[CP_CASE_NEW], "case", "cases"), (long long)e->count[CP_CASE_CHANGED],
			(long long)e->count[CP_CASE_SAME], cp_count(results, e->results, "result", "results"), e->metrics > 0 ? ", " : "",
			e->metrics > 0 ? cp_count(metrics, e->metrics, "metric", "metrics") : "");
}

static enum cp_code import(struct cp_args *a, struct cp_gather *g, struct cp_trouble *t, struct cp_err *err)
{
	struct effects e = { .results = 0 };
	char n[CP_COUNT];
	enum cp_code code = read_files(a, g, err);

	say_unused(g);
	CP_TRY(code);
	if (t->n > 0)
		return fail_trouble(t, err);
	CP_TRY(store(a, g, &e, t, err));
	CP_TRY(print(a, &e, err));
	if (e.count[CP_CASE_FORGOTTEN] > 0)
		cp_say("%s passed over: forgotten, and not brought back", cp_count(n, e.count[CP_CASE_FORGOTTEN], "case was", "cases were"));
	return cp_arg_given(a, "--dry-run") ? CP_OK : cp_seal_if_ready(a->store, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(mapping) struct cp_mapping mapping = { .held = NULL };
	CP_AUTO(gather) struct cp_gather *g = NULL;
	struct cp_trouble trouble = { 0 };
	struct cp_gather_how how;

	if (a->n == 0)
		return cp_fail(err, CP_EUSAGE, "name the files to import");
	if (!cp_store_me(a->store)->is_hub)
		return cp_fail(err, CP_EINPUT, "%s: cases are imported at the hub", a->dir);
	CP_TRY(read_how(a, &mapping, &how, err));
	CP_TRY(cp_gather_new(&g, &how, &trouble, err));
	return import(a, g, &trouble, err);
}

static const struct cp_option options[] = {
	{ "--map", "PAIRS", "which column is what, like query=query,result=docid,title=name" },
	{ "--kind", "KIND", "serp: rows of one query are one case (unless said); item: each row is a case; "
		"sxs: two pages side by side" },
	{ "--locale", "LOCALE", "of cases that name none, like en-US" },
	{ "--market", "NAME", "of cases that name none" },
	{ "--segment", "NAME", "of cases that name none" },
	{ "--no-header", NULL, "the first row is a case already; columns are called 1, 2, ..." },
	{ "--format", "FORMAT", "csv, tsv or jsonl; unless said what the name of the file ends in" },
	{ "--dry-run", NULL, "say what would be imported, and import nothing" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack import --map query=query,result=docid,title=name -n results.csv", "look first" },
	{ "casepack import --map query=query,result=docid,title=name --locale en-US results.csv", "then do it" },
	{ "casepack import --map query=q,result=doc,metric.ctr=clicks,case-metric.abandoned=left results.csv",
		"product metrics along, for leads only" },
	{ "casepack import --kind sxs --map query=q,result=doc,side=page pages.tsv", "two systems side by side" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_import = {
	.name = "import",
	.usage = "FILE... [--map PAIRS] [--kind item|serp|sxs] [--locale LOCALE] [--market NAME] [--segment NAME] "
		"[--no-header] [--format csv|tsv|jsonl] [-n]",
	.summary = "bring cases in from tables",
	.about =
		"Reads CSV, TSV or JSON lines (UTF-8) and makes cases of the rows. All files are one step: either every row "
		"fits and all of it is taken, or each bad row is named by file, line and column, and nothing is changed. "
		"Importing the same again changes nothing; a case whose content differs is changed, and one that `casepack forget` has erased is passed over. `-` is the standard "
		"input.\n\n"
		"--map says which column is what: id, query, result, title, snippet, url, type, rank, side, locale, market, "
		"need, segment, kind; metric.NAME is a measured number of the row's result (of its case, where rows are cases), "
		"case-metric.NAME one of its case: what a product measured goes to leads' hubs alone, and `casepack show` lists it "
		"there. Without --map the columns that are called so are taken, and no metrics. All others are listed and "
		"never imported. A mapping without a result makes cases of queries alone.\n\n"
		"In a serp, rows with the same id (without ids: the same query) are one case, its results in the order of "
		"their ranks, or of the rows where none has a rank. An item is one row; without an id it is called by its "
		"query and its result. In an sxs case each result is on side a or b; which system that is never "
		"leaves the hub.\n\n"
		"A line of JSON may hold a whole case:\n\n"
		"    {\"id\": \"q7\", \"query\": \"red shoes\", \"results\": [{\"id\": \"d1\", \"title\": \"Shoes\"}]}",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
