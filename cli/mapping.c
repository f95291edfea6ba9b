#include "cli/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"

#define LIST_MAX 600

static const char *const names[CP_TARGETS] = {
	"id", "query", "result", "title", "snippet", "url", "type", "rank", "side", "locale", "market", "need",
	"segment", "kind",
};

const char *cp_target_name(enum cp_target t)
{
	return names[t];
}

/* ---- reading --map -------------------------------------------------------------------- */

static enum cp_target target_of(const char *name)
{
	enum cp_target t = CP_TO_ID;

	while (t < CP_TARGETS && strcmp(names[t], name) != 0)
		t++;
	return t;
}

/* pair is cut behind its target, column stands behind. *is_one false: it names no metric. */
static enum cp_code read_metric(struct cp_mapping *m, const char *target, const char *column, bool *is_one, struct cp_err *err)
{
	static const char of_result[] = "metric.", of_case[] = "case-metric.";
	bool is_of_case = strncmp(target, of_case, strlen(of_case)) == 0;
	const char *name = target + strlen(is_of_case ? of_case : of_result);

	*is_one = is_of_case || strncmp(target, of_result, strlen(of_result)) == 0;
	if (!*is_one)
		return CP_OK;
	if (!cp_id_is_plain(name, strlen(name)))
		return cp_fail(err, CP_EUSAGE, "option --map: a metric is called by 1 to 64 letters, digits and . _ : # -, like metric.ctr");
	for (size_t i = 0; i < m->n_metrics; i++)
		if (strcmp(m->metrics[i].name, name) == 0 && m->metrics[i].is_of_case == is_of_case)
			return cp_fail(err, CP_EUSAGE, "option --map: %s is named twice", target);
	if (m->n_metrics == CP_MAX_METRICS)
		return cp_fail(err, CP_EUSAGE, "option --map: more than %d metrics", CP_MAX_METRICS);
	m->metrics[m->n_metrics++] = (struct cp_mapped_metric){ name, column, is_of_case };
	return CP_OK;
}

static enum cp_code read_pair(struct cp_mapping *m, char *pair, struct cp_err *err)
{
	bool is_metric;
	char *equals = strchr(pair, '='), shown[CP_QUOTE];
	enum cp_target t;

	cp_text_quote(shown, pair, strlen(pair));
	if (equals == NULL || equals[1] == '\0')
		return cp_fail(err, CP_EUSAGE, "option --map: %s is not TARGET=COLUMN", shown);
	*equals = '\0';
	CP_TRY(read_metric(m, pair, equals + 1, &is_metric, err));
	if (is_metric)
		return CP_OK;
	t = target_of(pair);
	if (t == CP_TARGETS)
		return cp_fail(err, CP_EUSAGE, "option --map: %s begins with none of id, query, result, title, snippet, url, "
				"type, rank, side, locale, market, need, segment, kind, metric.NAME, case-metric.NAME", shown);
	if (m->column[t] != NULL)
		return cp_fail(err, CP_EUSAGE, "option --map: %s is named twice", names[t]);
	m->column[t] = equals + 1;
	return CP_OK;
}

enum cp_code cp_mapping_read(struct cp_mapping *out, const char *text, struct cp_err *err)
{
	char *rest = NULL;

	*out = (struct cp_mapping){ .by_name = text == NULL };
	if (text == NULL) {
		memcpy(out->column, names, sizeof names);
		return CP_OK;
	}
	out->held = strdup(text);
	if (out->held == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (char *pair = strtok_r(out->held, ",", &rest); pair != NULL; pair = strtok_r(NULL, ",", &rest))
		CP_TRY(read_pair(out, pair, err));
	return CP_OK;
}

void cp_mapping_drop(struct cp_mapping *m)
{
	free(m->held);
	*m = (struct cp_mapping){ .by_name = false };
}

/* ---- against a file --------------------------------------------------------------------- */

bool cp_mapping_uses(const struct cp_mapping *m, const char *column)
{
	for (enum cp_target t = CP_TO_ID; t < CP_TARGETS; t++)
		if (m->column[t] != NULL && strcmp(m->column[t], column) == 0)
			return true;
	for (size_t i = 0; i < m->n_metrics; i++)
		if (strcmp(m->metrics[i].column, column) == 0)
			return true;
	return false;
}

static bool has(const char *const *header, size_t n, const char *column)
{
	for (size_t i = 0; column != NULL && i < n; i++)
		if (strcmp(header[i], column) == 0)
			return true;
	return false;
}

/* "a, b, c", made safe and cut where it gets long. */
static void list(char out[LIST_MAX], const char *const *header, size_t n)
{
	CP_AUTO(buf) struct cp_buf all = CP_BUF(1 << 20), shown = CP_BUF(1 << 20);
	enum cp_code code = CP_OK;

	for (size_t i = 0; i < n && code == CP_OK; i++)
		code = cp_buf_printf(&all, NULL, "%s%s", i > 0 ? ", " : "", header[i]);
	if (code == CP_OK && all.len > 0)
		code = cp_text_shown(&shown, all.data, all.len, false, NULL);
	snprintf(out, LIST_MAX, "%s", shown.data != NULL ? shown.data : "none");
}

enum cp_code cp_mapping_check(const struct cp_mapping *m, const char *path, const char *const *header,
		size_t n, struct cp_err *err)
{
	char columns[LIST_MAX], shown[CP_QUOTE];

	list(columns, header, n);
	for (size_t i = 0; i < m->n_metrics; i++)
		if (!has(header, n, m->metrics[i].column))
			return cp_fail(err, CP_EINPUT, "%s: there is no column %s; the columns are: %s", path,
					cp_text_quote(shown, m->metrics[i].column, strlen(m->metrics[i].column)), columns);
	for (enum cp_target t = CP_TO_ID; t < CP_TARGETS && !m->by_name; t++)
		if (m->column[t] != NULL && !has(header, n, m->column[t]))
			return cp_fail(err, CP_EINPUT, "%s: there is no column %s; the columns are: %s", path,
					cp_text_quote(shown, m->column[t], strlen(m->column[t])), columns);
	if (m->by_name && !has(header, n, m->column[CP_TO_RESULT]))
		return cp_fail(err, CP_EINPUT, "%s: no column is the result; say --map query=COLUMN,result=COLUMN; "
				"the columns are: %s", path, columns);
	if (!has(header, n, m->column[CP_TO_ID]) && !has(header, n, m->column[CP_TO_QUERY]))
		return cp_fail(err, CP_EINPUT, "%s: no column is the query or the id of a case; "
				"say --map query=COLUMN,result=COLUMN; the columns are: %s", path, columns);
	return CP_OK;
}

const struct cp_cell *cp_mapping_cell(const struct cp_mapping *m, const struct cp_row *row, enum cp_target t)
{
	const struct cp_cell *cell = m->column[t] != NULL ? cp_row_cell(row, m->column[t]) : NULL;

	return cell != NULL && cell->len > 0 ? cell : NULL;
}
