#include "cli/gather_inner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "formats/text.h"

#define RANK_MAX 1000000000
#define METRIC_MAX 1024 /* bytes */
#define SHOW_EVERY 4096

void cp_trouble_note(struct cp_trouble *t, const char *fmt, ...)
{
	CP_AUTO(str) char *text = NULL;
	va_list list;
	int n;

	if (t->n++ >= CP_TROUBLE_SHOWN)
		return;
	va_start(list, fmt);
	n = vasprintf(&text, fmt, list);
	va_end(list);
	if (n < 0)
		text = NULL;
	else
		cp_say("%s", text);
}

/* ---- what may stand in a cell ----------------------------------------------------------- */

/* Subtags of one to eight letters and digits, as in BCP 47; the first has letters only. */
bool cp_locale_is_good(const char *text)
{
	size_t subtag = 0, n = 0;

	for (; *text != '\0'; text++) {
		bool is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
		bool is_digit = *text >= '0' && *text <= '9';

		if (is_letter || (is_digit && n > 0)) {
			if (++subtag > 8)
				return false;
			continue;
		}
		if (*text != '-' || subtag == 0)
			return false;
		subtag = 0;
		n++;
	}
	return subtag > 0;
}

bool cp_rank_read(const char *text, int64_t *out)
{
	char *end;

	*out = 0;
	if (*text == '\0')
		return true;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && *text >= '0' && *text <= '9' && *out >= 1 && *out <= RANK_MAX;
}

bool cp_side_is_good(const char *kind, const char *side)
{
	if (strcmp(kind, "sxs") != 0)
		return side == NULL;
	return side != NULL && (strcmp(side, "a") == 0 || strcmp(side, "b") == 0);
}

static bool kind_is_good(const char *kind)
{
	return strcmp(kind, "item") == 0 || strcmp(kind, "serp") == 0 || strcmp(kind, "sxs") == 0;
}

/* ---- a row --------------------------------------------------------------------------------- */

struct row {
	const struct cp_row *raw;
	const struct cp_cell *cell[CP_TARGETS]; /* NULL: empty or not there */
	const char *kind;
	int64_t rank;
	bool is_whole;    /* all of its case: a line of JSON with a list of results, or a query without any */
	const struct cp_cell *results;
};

static const char *text_of(const struct row *r, enum cp_target t)
{
	return r->cell[t] != NULL ? r->cell[t]->text : NULL;
}

/* What the row says of its case, or what the command line says of all that say nothing. */
static const char *said(const struct cp_gather *g, const struct row *r, enum cp_target t)
{
	if (r->cell[t] != NULL)
		return r->cell[t]->text;
	return t == CP_TO_KIND ? g->how.kind : t == CP_TO_LOCALE ? g->how.locale : t == CP_TO_MARKET ? g->how.market
		: t == CP_TO_SEGMENT ? g->how.segment : NULL;
}

/* One bad row. The place is that of the column's cell, or the row's first column. */
static void bad_at(struct cp_gather *g, const struct row *r, const char *name, const char *what, const char *value)
{
	const struct cp_cell *cell = name != NULL ? cp_row_cell(r->raw, name) : NULL;
	size_t column = cell != NULL ? cell->column : 1;
	char shown[CP_QUOTE] = "";

	if (value != NULL)
		cp_text_quote(shown, value, strlen(value));
	cp_trouble_note(g->trouble, "%s:%zu:%zu: %s%s%s", g->where, r->raw->line, column, what, value != NULL ? ": " : "",
			shown);
}

static void bad(struct cp_gather *g, const struct row *r, enum cp_target t, const char *what, const char *value)
{
	bad_at(g, r, g->how.mapping->column[t], what, value);
}

static void load(struct cp_gather *g, struct row *r, const struct cp_row *raw, enum cp_rows_kind kind)
{
	const struct cp_mapping *m = g->how.mapping;

	*r = (struct row){ .raw = raw };
	for (enum cp_target t = CP_TO_ID; t < CP_TARGETS; t++) {
		r->cell[t] = cp_mapping_cell(m, raw, t);
		if (m->column[t] != NULL && !g->seen[t])
			g->seen[t] = cp_row_cell(raw, m->column[t]) != NULL;
	}
	for (size_t i = 0; i < m->n_metrics; i++)
		g->seen_metrics[i] = g->seen_metrics[i] || cp_row_cell(raw, m->metrics[i].column) != NULL;
	r->kind = said(g, r, CP_TO_KIND);
	r->results = kind == CP_ROWS_JSONL ? cp_row_cell(raw, "results") : NULL;
	if (r->results != NULL && r->results->text[0] != '[')
		r->results = NULL;
	r->is_whole = r->results != NULL || m->column[CP_TO_RESULT] == NULL; /* queries alone, like a file of topics */
}

/* Says what is wrong with a row; true when nothing is. */
static bool check(struct cp_gather *g, struct row *r)
{
	const char *rank = text_of(r, CP_TO_RANK), *locale = text_of(r, CP_TO_LOCALE);

	if (r->cell[CP_TO_ID] == NULL && r->cell[CP_TO_QUERY] == NULL)
		bad(g, r, CP_TO_ID, "neither an id nor a query", NULL);
	else if (!kind_is_good(r->kind))
		bad(g, r, CP_TO_KIND, "the kind of a case is item, serp or sxs, not this", r->kind);
	else if (locale != NULL && !cp_locale_is_good(locale))
		bad(g, r, CP_TO_LOCALE, "not a locale like en-US", locale);
	else if (r->is_whole)
		return true;
	else if (r->cell[CP_TO_RESULT] == NULL)
		bad(g, r, CP_TO_RESULT, "no result", NULL);
	else if (!cp_rank_read(rank != NULL ? rank : "", &r->rank))
		bad(g, r, CP_TO_RANK, "a rank is a whole number from 1, not this", rank);
	else if (!cp_side_is_good(r->kind, text_of(r, CP_TO_SIDE)))
		bad(g, r, CP_TO_SIDE, strcmp(r->kind, "sxs") == 0 ? "a result of an sxs case is on side a or b"
				: "only a result of an sxs case has a side", text_of(r, CP_TO_SIDE));
	else
		return true;
	return false;
}

/* ---- its case ---------------------------------------------------------------------------------- */

/* Into g->key: the id, else the query; of an item the query and the result. */
static enum cp_code case_id(struct cp_gather *g, const struct row *r, struct cp_err *err)
{
	bool is_item = strcmp(r->kind, "item") == 0 && !r->is_whole;

	cp_buf_clear(&g->key);
	if (r->cell[CP_TO_ID] != NULL)
		return cp_buf_puts(&g->key, r->cell[CP_TO_ID]->text, err);
	CP_TRY(cp_buf_puts(&g->key, r->cell[CP_TO_QUERY]->text, err));
	return is_item ? cp_buf_printf(&g->key, err, " / %s", r->cell[CP_TO_RESULT]->text) : CP_OK;
}

static const struct { enum cp_target target; size_t at; } parts[] = {
	{ CP_TO_KIND, offsetof(struct cp_case_in, kind) },
	{ CP_TO_QUERY, offsetof(struct cp_case_in, query) },
	{ CP_TO_LOCALE, offsetof(struct cp_case_in, locale) },
	{ CP_TO_MARKET, offsetof(struct cp_case_in, market) },
	{ CP_TO_NEED, offsetof(struct cp_case_in, need) },
	{ CP_TO_SEGMENT, offsetof(struct cp_case_in, segment) },
};
#define PARTS (sizeof parts / sizeof *parts)

static const char **part_of(struct cp_case_in *c, size_t i)
{
	return (const char **)((char *)c + parts[i].at);
}

static enum cp_code keep(struct cp_gather *g, const char **out, const char *text, struct cp_err *err)
{
	*out = NULL;
	return text != NULL ? cp_pool_add(&g->pool, out, text, strlen(text), err) : CP_OK;
}

static enum cp_code begin(struct cp_gather *g, const struct row *r, struct cp_err *err)
{
	struct cp_case_in in = { .id = NULL };
	struct cp_gathered *c;

	CP_TRY(keep(g, &in.id, g->key.data, err));
	for (size_t i = 0; i < PARTS; i++)
		CP_TRY(keep(g, part_of(&in, i), said(g, r, parts[i].target), err));
	return cp_gather_begin(g, &c, &in, r->raw->line, err);
}

/* A further row of a case says the same of it, or nothing. */
static enum cp_code agree(struct cp_gather *g, const struct row *r, struct cp_gathered *c, bool *out,
		struct cp_err *err)
{
	for (size_t i = 0; i < PARTS; i++) {
		const char *now = said(g, r, parts[i].target), **before = part_of(&c->in, i);
		char what[160];

		if (now == NULL || (*before != NULL && strcmp(now, *before) == 0))
			continue;
		if (*before == NULL) {
			CP_TRY(keep(g, before, now, err));
			continue;
		}
		*out = false;
		snprintf(what, sizeof what, "the case began in line %zu with another %s than this", c->line,
				cp_target_name(parts[i].target));
		bad(g, r, parts[i].target, what, now);
		return CP_OK;
	}
	return CP_OK;
}

/* The number of the row's case; *is_good false when the row cannot belong to it. */
static enum cp_code find_case(struct cp_gather *g, const struct row *r, size_t *out, bool *is_good,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf nfc = CP_BUF(CP_TEXT_MAX);
	bool is_new;
	struct cp_gathered *c;
	char what[CP_QUOTE];

	*is_good = true;
	CP_TRY(case_id(g, r, err));
	CP_TRY(cp_text_nfc(&nfc, g->key.data, g->key.len, err));
	CP_TRY(cp_index_add(&g->cases, &g->pool, nfc.data, nfc.len, g->n, out, &is_new, err));
	if (is_new)
		return begin(g, r, err);
	c = &g->list[*out];
	if (!r->is_whole && strcmp(r->kind, "item") != 0)
		return agree(g, r, c, is_good, err);
	*is_good = false;
	snprintf(what, sizeof what, "this case is in %.300s:%zu already", c->path, c->line);
	bad(g, r, CP_TO_ID, what, c->in.id);
	return CP_OK;
}

static enum cp_code add_result(struct cp_gather *g, const struct row *r, size_t number, struct cp_err *err)
{
	struct cp_result_in in = { .rank = r->rank };
	bool is_new;

	CP_TRY(keep(g, &in.id, text_of(r, CP_TO_RESULT), err));
	CP_TRY(keep(g, &in.type, text_of(r, CP_TO_TYPE), err));
	CP_TRY(keep(g, &in.title, text_of(r, CP_TO_TITLE), err));
	CP_TRY(keep(g, &in.snippet, text_of(r, CP_TO_SNIPPET), err));
	CP_TRY(keep(g, &in.url, text_of(r, CP_TO_URL), err));
	CP_TRY(keep(g, &in.side, text_of(r, CP_TO_SIDE), err));
	CP_TRY(cp_gather_result(g, number, &in, &is_new, err));
	if (!is_new)
		bad(g, r, CP_TO_RESULT, "the case has this result already", in.id);
	return CP_OK;
}

/* What the row measures, of its result or of its case. An empty cell measures nothing. */
static enum cp_code add_metrics(struct cp_gather *g, const struct row *r, size_t number, struct cp_err *err)
{
	const struct cp_mapping *m = g->how.mapping;

	for (size_t i = 0; i < m->n_metrics; i++) {
		const struct cp_cell *cell = cp_row_cell(r->raw, m->metrics[i].column);
		bool of_case = r->is_whole || m->metrics[i].is_of_case, is_good = true;
		struct cp_metric_in in = { .name = m->metrics[i].name };

		if (cell == NULL || cell->len == 0)
			continue;
		if (cell->len > METRIC_MAX || cp_text_has_controls(cell->text, cell->len, false)) {
			bad_at(g, r, m->metrics[i].column, "a metric is one short line, not this", cell->text);
			continue;
		}
		CP_TRY(keep(g, &in.value, cell->text, err));
		CP_TRY(keep(g, &in.result, of_case ? NULL : text_of(r, CP_TO_RESULT), err));
		CP_TRY(keep(g, &in.side, of_case ? NULL : text_of(r, CP_TO_SIDE), err));
		CP_TRY(cp_gather_metric(g, number, &in, &is_good, err));
		if (!is_good)
			bad_at(g, r, m->metrics[i].column, of_case ? "an earlier row measured another value of the case than this"
					: "the result has another value than this", cell->text);
	}
	return CP_OK;
}

static enum cp_code take(struct cp_gather *g, const struct cp_row *raw, enum cp_rows_kind kind, struct cp_err *err)
{
	struct row r;
	size_t number;
	bool is_good;

	load(g, &r, raw, kind);
	for (size_t i = 0; kind == CP_ROWS_JSONL && i < raw->n_cells; i++)
		if (!cp_mapping_uses(g->how.mapping, raw->cells[i].name) &&
				!(r.is_whole && &raw->cells[i] == r.results))
			CP_TRY(cp_gather_note_unused(g, raw->cells[i].name, err));
	if (!check(g, &r))
		return CP_OK;
	CP_TRY(find_case(g, &r, &number, &is_good, err));
	if (!is_good)
		return CP_OK;
	CP_TRY(add_metrics(g, &r, number, err));
	if (!r.is_whole)
		return add_result(g, &r, number, err);
	return r.results != NULL ? cp_gather_results(g, number, raw->line, r.results, err) : CP_OK;
}

/* ---- a file ---------------------------------------------------------------------------------------- */

static enum cp_code take_header(struct cp_gather *g, const struct cp_rows *rows, struct cp_err *err)
{
	const char *const *names;
	size_t n = cp_rows_header(rows, &names);

	CP_TRY(cp_mapping_check(g->how.mapping, g->where, names, n, err));
	for (size_t i = 0; i < n; i++)
		if (!cp_mapping_uses(g->how.mapping, names[i]))
			CP_TRY(cp_gather_note_unused(g, names[i], err));
	return CP_OK;
}

static enum cp_code take_rows(struct cp_gather *g, struct cp_rows *rows, enum cp_rows_kind kind, size_t *n,
		struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	struct cp_row row;
	bool more = true, is_named = kind == CP_ROWS_JSONL || g->how.has_header;

	for (*n = 0; more; ++*n) {
		enum cp_code code = cp_rows_next(rows, &row, &more, &why);

		if (code == CP_EINPUT)
			cp_trouble_note(g->trouble, "%s", why.text);
		else if (code != CP_OK)
			return err != NULL ? *err = why, code : code;
		else if (!more)
			break;
		else if (is_named)
			CP_TRY(take(g, &row, kind, err));
		else {
			CP_TRY(take_header(g, rows, err));
			CP_TRY(take(g, &row, kind, err));
			is_named = true;
		}
		if (*n % SHOW_EVERY == 0)
			cp_progress_show("reading rows", *n, 0);
	}
	cp_progress_end();
	return CP_OK;
}

/* A column that --map names and no line of JSON has. */
static enum cp_code check_seen(const struct cp_gather *g, struct cp_err *err)
{
	const struct cp_mapping *m = g->how.mapping;
	char shown[CP_QUOTE];

	for (enum cp_target t = CP_TO_ID; t < CP_TARGETS && !m->by_name; t++)
		if (m->column[t] != NULL && !g->seen[t])
			return cp_fail(err, CP_EINPUT, "%s: no line has a member %s, which --map names", g->where,
					cp_text_quote(shown, m->column[t], strlen(m->column[t])));
	for (size_t i = 0; i < m->n_metrics; i++)
		if (!g->seen_metrics[i])
			return cp_fail(err, CP_EINPUT, "%s: no line has a member %s, which --map names", g->where,
					cp_text_quote(shown, m->metrics[i].column, strlen(m->metrics[i].column)));
	return CP_OK;
}

static enum cp_code name_file(struct cp_gather *g, const char *path, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;

	CP_TRY(cp_text_shown(&shown, name, strlen(name), false, err));
	memset(g->seen, 0, sizeof g->seen);
	memset(g->seen_metrics, 0, sizeof g->seen_metrics);
	return cp_pool_add(&g->pool, &g->where, shown.data != NULL ? shown.data : "", shown.len, err);
}

enum cp_code cp_gather_file(struct cp_gather *g, const char *path, enum cp_rows_kind kind, struct cp_err *err)
{
	CP_AUTO(rows) struct cp_rows *rows = NULL;
	size_t n;

	CP_TRY(name_file(g, path, err));
	CP_TRY(cp_rows_open(&rows, path, kind, g->how.has_header, g->how.limits, err));
	if (kind != CP_ROWS_JSONL && g->how.has_header)
		CP_TRY(take_header(g, rows, err));
	CP_TRY(take_rows(g, rows, kind, &n, err));
	if (n == 0) {
		cp_say("%s: no rows", g->where);
		return CP_OK;
	}
	return kind == CP_ROWS_JSONL && g->trouble->n == 0 ? check_seen(g, err) : CP_OK;
}
