#include <string.h>

#include "cli/cli.h"
#include "cli/export.h"
#include "formats/paper.h"

static const struct cp_column_meaning qrels_columns[] = {
	{ "topic", "text", "", "the case's id; its name in history where the id contains white space" },
	{ "iteration", "text", "", "always 0" },
	{ "docno", "text", "", "the result's id; its name in history where the id contains white space" },
	{ "grade", "number", "", "see above; higher is better" },
};

static enum cp_code add_cell(struct cp_buf *out, const char *text, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, " ", err));
	CP_TRY(cp_markdown_words(out, text, err));
	return cp_buf_puts(out, " |", err);
}

static enum cp_code add_row(struct cp_buf *out, const char *const *cells, size_t n, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "|", err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(add_cell(out, cells[i], err));
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code add_columns(struct cp_buf *out, const struct cp_column_meaning *columns, size_t n,
		struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "\n## Columns\n\n| column | type | unit | meaning |\n|---|---|---|---|\n", err));
	for (size_t i = 0; i < n; i++) {
		const char *const cells[] = { columns[i].name, columns[i].type, columns[i].unit, columns[i].meaning };
		CP_TRY(add_row(out, cells, 4, err));
	}
	return CP_OK;
}

/* ---- fields -------------------------------------------------------------------------------- */

static const char *type_name(enum cp_field_type type)
{
	static const char *const names[] = { "scale", "choice", "multi", "bool", "text", "number", "preference" };

	return names[type];
}

static const char *level_name(enum cp_field_level level)
{
	static const char *const names[] = { "nominal", "ordinal", "interval", "ratio" };

	return names[level];
}

static enum cp_code add_values(struct cp_buf *out, const struct cp_field *f, struct cp_err *err)
{
	switch (f->type) {
	case CP_BOOL:
		return cp_buf_puts(out, "true, false", err);
	case CP_NUMBER:
		return cp_buf_printf(out, err, "%.15g to %.15g", f->min, f->max);
	case CP_FREE_TEXT:
		return cp_buf_printf(out, err, "UTF-8, up to %zu bytes", f->max_len);
	default:
		break;
	}
	for (size_t i = 0; i < f->n_choices; i++)
		CP_TRY(cp_buf_printf(out, err, "%s%s (%s)", i == 0 ? "" : ", ", f->choices[i].value,
				f->choices[i].label));
	return f->type == CP_MULTI ? cp_buf_puts(out, "; several are joined by commas", err) : CP_OK;
}

static enum cp_code add_field(struct cp_buf *out, const struct cp_named_form *form, const struct cp_field *f,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf values = CP_BUF(CP_TEXT_MAX);
	char version[128];

	snprintf(version, sizeof version, "%s %lld", form->name, (long long)form->number);
	CP_TRY(add_values(&values, f, err));
	const char *const cells[] = { f->name, version, f->scope == CP_PAGE ? "the page" : "each result",
		type_name(f->type), level_name(f->level), f->is_required ? "yes" : "no", values.data == NULL ? "" : values.data,
		f->label };
	return add_row(out, cells, sizeof cells / sizeof *cells, err);
}

static enum cp_code add_fields(struct cp_buf *out, const struct cp_export *x, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "\n## Fields\n\n| field | form | asked of | type | level | required | values | question |\n"
			"|---|---|---|---|---|---|---|---|\n", err));
	for (size_t i = 0; i < x->forms.n; i++)
		for (size_t j = 0; j < x->forms.list[i].form.n_fields; j++) {
			const struct cp_field *f = &x->forms.list[i].form.fields[j];
			if (x->field == NULL || strcmp(x->field, f->name) == 0)
				CP_TRY(add_field(out, &x->forms.list[i], f, err));
		}
	return CP_OK;
}

/* ---- the page ------------------------------------------------------------------------------ */

static const char *format_words(const struct cp_export *x)
{
	switch (x->format) {
	case CP_EXPORT_CSV:
		return "CSV (RFC 4180), UTF-8, with a header; one row an answer.";
	case CP_EXPORT_JSONL:
		return "JSON lines, UTF-8; one object an answer.";
	default:
		return "TREC qrels: lines of topic, 0, docno and grade, separated by single spaces, without a header.";
	}
}

static enum cp_code add_grade_words(struct cp_buf *out, const struct cp_export *x, struct cp_err *err)
{
	static const char *const hows[] = { "", "majority of its raters", "median over its raters", "mean over its raters" };

	CP_TRY(cp_buf_printf(out, err, "\nThe grade is the value of the field `%s`, ", x->field));
	if (x->rater != NULL)
		CP_TRY(cp_buf_printf(out, err, "as `%s` judged it. ", x->rater));
	else if (x->aggregate == CP_AGGREGATE_NONE)
		CP_TRY(cp_buf_puts(out, "of the one rater who judged. ", err));
	else
		CP_TRY(cp_buf_printf(out, err, "the %s, each with their latest pass. ", hows[x->aggregate]));
	if (x->ties != CP_TIES_NONE)
		CP_TRY(cp_buf_printf(out, err, "Where they are split evenly, the %s grade. ",
				x->ties == CP_TIES_LOW ? "lower" : "higher"));
	return cp_buf_puts(out, "A value that is no number counts by its place on the scale, from 0. A lead's final answer "
			"goes before them where no rater is named. Answers that are stale, late or undecided are left out.\n", err);
}

/* The canonical hash covers what is private too; of the past only main is known. */
static enum cp_code add_state(struct cp_buf *out, const struct cp_export *x, struct cp_err *err)
{
	struct cp_hash hash;
	char hex[CP_HASH_HEX], when[32];

	if (x->at != NULL)
		return cp_buf_printf(out, err, "State exported: main at `%s`, received %s.\n", x->at->oid.hex, cp_time_text(when, x->at->at_us));
	CP_TRY(cp_store_hash(x->store, &hash, err));
	return cp_buf_printf(out, err, "State exported: `%s` (`casepack status --hash`).\n", cp_hex(hex, hash.bytes, sizeof hash.bytes));
}

static enum cp_code add_head(struct cp_buf *out, const struct cp_export *x, int64_t rows, struct cp_err *err)
{
	const char *slash = strrchr(x->path, '/');
	const char *name = cp_store_me(x->store)->project_name;

	CP_TRY(cp_buf_puts(out, "# Data dictionary of ", err));
	CP_TRY(cp_markdown_words(out, slash == NULL ? x->path : slash + 1, err));
	CP_TRY(cp_buf_puts(out, "\n\nProject: ", err));
	CP_TRY(cp_markdown_words(out, name, err));
	CP_TRY(cp_buf_printf(out, err, ". Rows: %lld. %s\n", (long long)rows, format_words(x)));
	CP_TRY(add_state(out, x, err));
	if (x->format == CP_EXPORT_QRELS)
		return add_grade_words(out, x, err);
	if (x->rater != NULL)
		CP_TRY(cp_buf_printf(out, err, "\nOnly answers of `%s`.\n", x->rater));
	if (x->field != NULL)
		CP_TRY(cp_buf_printf(out, err, "\nOnly answers to `%s`.\n", x->field));
	if (x->is_guarded)
		CP_TRY(cp_buf_puts(out, "\nText that begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no "
				"number has an apostrophe before it.\n", err));
	return CP_OK;
}

enum cp_code cp_export_dictionary(const struct cp_export *x, int64_t rows, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf path = CP_BUF(8192);
	const struct cp_column_meaning *columns = qrels_columns;
	size_t n = sizeof qrels_columns / sizeof *qrels_columns;

	if (strcmp(x->path, "-") == 0)
		return CP_OK;
	if (x->format != CP_EXPORT_QRELS)
		columns = cp_export_columns(x, &n);
	CP_TRY(add_head(&out, x, rows, err));
	CP_TRY(add_columns(&out, columns, n, err));
	CP_TRY(add_fields(&out, x, err));
	CP_TRY(cp_buf_printf(&path, err, "%s.dictionary.md", x->path));
	return cp_file_write(path.data, 0644, out.data, out.len, err);
}
