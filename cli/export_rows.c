#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/export.h"
#include "cli/shown.h"
#include "formats/rows.h"

/* ---- the columns --------------------------------------------------------------------------- */

enum column { CASE, CASE_NAME, KIND, LOCALE, SEGMENT, QUERY, RESULT, RANK, RATER, VENDOR, PASS, FIELD, VALUE, STATE,
	NOTE, FORM, FORM_VERSION, GUIDELINE, REVISION, CONTENT, LATE, STALE, IN_CONFLICT, UNDECIDED,
	FINAL, FORGOTTEN, JUDGED_AT, ACTIVE_MS, COLUMNS };

static const struct cp_column_meaning columns[COLUMNS] = {
	{ "case", "text", "", "the case's id as it was imported" },
	{ "case_name", "text", "", "its name in history: the id, or ~ and a keyed hash where the id is not plain" },
	{ "kind", "text", "", "item, serp or sxs" },
	{ "locale", "text", "BCP 47", "of the case; empty: not given" },
	{ "segment", "text", "", "of the case; empty: not given" },
	{ "query", "text", "", "what was searched for; empty where the content is not here" },
	{ "result", "text", "", "the result's id as it was imported; empty: the answer is about the whole page" },
	{ "rank", "integer", "position from 1", "of the result; 0: the whole page, or unranked" },
	{ "rater", "text", "", "pseudonym of who judged" },
	{ "vendor", "text", "", "of the rater; empty: none" },
	{ "pass", "integer", "from 1", "how many times the case had been given to this rater" },
	{ "field", "text", "", "the question; empty: the judgment has no answers, it was skipped or escalated" },
	{ "value", "text", "", "the answer, in the field's canonical spelling (see Fields)" },
	{ "state", "text", "", "of the judgment: submitted, skipped, escalated or withdrawn" },
	{ "note", "text", "", "the rater's note on the judgment" },
	{ "form", "text", "", "the form that was filled in" },
	{ "form_version", "integer", "", "its version" },
	{ "guideline", "text", "", "the guideline judged under; empty: none" },
	{ "guideline_revision", "integer", "", "its revision on the rater's screen; 0: none" },
	{ "content", "text", "hex, BLAKE2b-256", "hash of what was on the rater's screen" },
	{ "late", "boolean", "", "the assignment was withdrawn by someone who did not know this judgment" },
	{ "stale", "text", "", "judged before a breaking revision of guideline or form: open, or as decided: keep, requeue, void; empty: not stale" },
	{ "in_conflict", "boolean", "", "another device of the rater wrote the same judgment unknowingly" },
	{ "undecided", "boolean", "", "in conflict, and by the policy nothing stands until a lead decides: value is only what is shown" },
	{ "final", "text", "", "the lead's final answer to the same question; empty: none" },
	{ "forgotten", "boolean", "", "a lead has forgotten the case: what it showed is erased, and ids that were not plain with it" },
	{ "judged_at", "time", "RFC 3339, UTC", "when, by the rater's clock" },
	{ "active_ms", "integer", "milliseconds", "time at work on the judgment, pauses over a minute not counted" },
};

const struct cp_column_meaning *cp_export_columns(const struct cp_export *x, size_t *n)
{
	*n = x->has_no_times ? JUDGED_AT : COLUMNS;
	return columns;
}

/* ---- one answer as cells ------------------------------------------------------------------- */

struct cell { enum { TEXT, INTEGER, BOOLEAN, TIME } type; const char *text; int64_t n; };

static struct cell text(const char *t)
{
	return (struct cell){ TEXT, t, 0 };
}

static struct cell integer(int64_t n)
{
	return (struct cell){ INTEGER, NULL, n };
}

static struct cell boolean(bool b)
{
	return (struct cell){ BOOLEAN, NULL, b };
}

static void cells_of(struct cell out[COLUMNS], const struct cp_label *l)
{
	out[CASE] = text(l->case_id);
	out[CASE_NAME] = text(l->case_name);
	out[KIND] = text(l->kind);
	out[LOCALE] = text(l->locale);
	out[SEGMENT] = text(l->segment);
	out[QUERY] = text(l->query);
	out[RESULT] = text(l->result);
	out[RANK] = integer(l->rank);
	out[RATER] = text(l->rater);
	out[VENDOR] = text(l->vendor);
	out[PASS] = integer(l->pass);
	out[FIELD] = text(l->field);
	out[VALUE] = text(l->value);
	out[STATE] = text(l->state);
	out[NOTE] = text(l->note);
	out[FORM] = text(l->form);
	out[FORM_VERSION] = integer(l->form_number);
	out[GUIDELINE] = text(l->guideline);
	out[REVISION] = integer(l->guideline_number);
	out[CONTENT] = text(l->content);
	out[LATE] = boolean(l->is_late);
	out[STALE] = text(l->stale);
	out[IN_CONFLICT] = boolean(l->in_conflict);
	out[UNDECIDED] = boolean(l->is_undecided);
	out[FINAL] = text(l->final);
	out[FORGOTTEN] = boolean(l->is_forgotten);
	out[JUDGED_AT] = (struct cell){ TIME, NULL, l->judged_us };
	out[ACTIVE_MS] = integer(l->active_ms);
}

/* ---- CSV ----------------------------------------------------------------------------------- */

/* A number can do no harm in a spreadsheet, whatever its sign. */
static bool is_number(const char *t)
{
	char *end;

	if (t[0] == '-' || t[0] == '+')
		t++;
	if (!isdigit((unsigned char)t[0]))
		return false;
	size_t n = strspn(t, "0123456789.");
	(void)strtod(t, &end);
	return t[n] == '\0' && *end == '\0';
}

static bool may_act(const char *t)
{
	return t[0] != '\0' && strchr("=+-@\t\r", t[0]) != NULL && !is_number(t);
}

static enum cp_code add_csv_text(struct cp_buf *out, const char *t, bool is_guarded, struct cp_err *err)
{
	if (!is_guarded || !may_act(t))
		return cp_csv_add_cell(out, t, strlen(t), err);

	CP_AUTO(buf) struct cp_buf guarded = CP_BUF(CP_TEXT_MAX);
	CP_TRY(cp_buf_printf(&guarded, err, "'%s", t));
	return cp_csv_add_cell(out, guarded.data, guarded.len, err);
}

static enum cp_code add_csv_cell(struct cp_buf *out, const struct cell *c, bool is_guarded, struct cp_err *err)
{
	char time[32];

	switch (c->type) {
	case TEXT:
		return add_csv_text(out, c->text, is_guarded, err);
	case INTEGER:
		return cp_buf_printf(out, err, "%lld", (long long)c->n);
	case BOOLEAN:
		return cp_buf_puts(out, c->n != 0 ? "true" : "false", err);
	case TIME:
		break;
	}
	return c->n == 0 ? CP_OK : cp_buf_puts(out, cp_time_text(time, c->n), err);
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct rows { const struct cp_export *x; struct cp_sheet sheet; size_t n_columns; };

static enum cp_code add_csv_row(struct rows *r, const struct cell *cells, struct cp_err *err)
{
	for (size_t i = 0; i < r->n_columns; i++) {
		if (i > 0)
			CP_TRY(cp_buf_puts(&r->sheet.pending, ",", err));
		CP_TRY(add_csv_cell(&r->sheet.pending, &cells[i], r->x->is_guarded, err));
	}
	return cp_buf_puts(&r->sheet.pending, "\r\n", err);
}

static json_t *json_cell(const struct cell *c)
{
	switch (c->type) {
	case TEXT:
		return cp_json_text(c->text);
	case INTEGER:
		return json_integer(c->n);
	case BOOLEAN:
		return json_boolean(c->n != 0);
	case TIME:
		break;
	}
	return cp_json_time(c->n);
}

static enum cp_code add_json_row(struct rows *r, const struct cell *cells, struct cp_err *err)
{
	json_t *object = json_object();
	bool is_whole = object != NULL;

	for (size_t i = 0; is_whole && i < r->n_columns; i++)
		is_whole = json_object_set_new(object, columns[i].name, json_cell(&cells[i])) == 0;
	if (!is_whole) {
		json_decref(object);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	return cp_json_add(&r->sheet.pending, object, err);
}

static bool is_wanted(const struct cp_export *x, const struct cp_label *l)
{
	return (x->rater == NULL || strcmp(x->rater, l->rater) == 0)
		&& (x->field == NULL || strcmp(x->field, l->field) == 0);
}

static enum cp_code on_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct rows *r = user;
	struct cell cells[COLUMNS];

	if (!is_wanted(r->x, l))
		return CP_OK;
	cells_of(cells, l);
	if (r->x->format == CP_EXPORT_CSV)
		CP_TRY(add_csv_row(r, cells, err));
	else
		CP_TRY(add_json_row(r, cells, err));
	CP_TRY(cp_sheet_row(&r->sheet, err));
	if (r->sheet.rows % 4096 == 0)
		cp_progress_show("exporting", (uint64_t)r->sheet.rows, 0);
	return CP_OK;
}

static enum cp_code add_header(struct rows *r, struct cp_err *err)
{
	struct cell names[COLUMNS];

	for (size_t i = 0; i < r->n_columns; i++)
		names[i] = text(columns[i].name);
	return add_csv_row(r, names, err);
}

static enum cp_code write_rows(struct rows *r, struct cp_err *err)
{
	CP_TRY(cp_sheet_begin(&r->sheet, r->x->path, err));
	if (r->x->format == CP_EXPORT_CSV)
		CP_TRY(add_header(r, err));
	CP_TRY(cp_label_each(r->x->store, on_label, r, err));
	return cp_sheet_end_noted(&r->sheet, r->x, err);
}

enum cp_code cp_export_rows(const struct cp_export *x, int64_t *rows, struct cp_err *err)
{
	struct rows r = { .x = x, .sheet = CP_SHEET };

	(void)cp_export_columns(x, &r.n_columns);
	enum cp_code code = write_rows(&r, err);
	cp_progress_end();
	*rows = r.sheet.rows;
	cp_sheet_drop(&r.sheet);
	return code;
}
