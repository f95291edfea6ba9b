/*
 * Answers are read one case at a time: those of all raters, then what they come to
 * for each result. A first reading finds out which field and whose answers there are.
 */
#include "cli/export.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "formats/text.h"

/* One rater's answer on one result. */
struct vote { char *result, *rater, *value, *form, *final; int64_t rank, pass; double grade; };

struct qrels {
	const struct cp_export *x;
	struct cp_sheet sheet, topics;
	bool has_topics;
	/* first reading */
	char field[64];              /* the only field that fits, while x->field is NULL */
	char other_field[64];
	char rater[64], other_rater[64];
	/* the case that is being read */
	char *case_id, *case_name, *query;
	struct vote *votes; size_t n, room;
	int64_t ties, left_out, undecided, finals, fractions;
	bool is_placed;              /* some value counted by its place */
};

static void forget_case(struct qrels *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->votes[i].result);
		free(q->votes[i].rater);
		free(q->votes[i].value);
		free(q->votes[i].form);
		free(q->votes[i].final);
	}
	q->n = 0;
	free(q->case_id);
	free(q->case_name);
	free(q->query);
	q->case_id = q->case_name = q->query = NULL;
}

static void drop(struct qrels *q)
{
	forget_case(q);
	free(q->votes);
	cp_sheet_drop(&q->sheet);
	cp_sheet_drop(&q->topics);
}

static bool counts(const struct qrels *q, const struct cp_label *l)
{
	return strcmp(l->state, "submitted") == 0 && l->field[0] != '\0' && l->result[0] != '\0'
		&& (q->x->rater == NULL || strcmp(l->rater, q->x->rater) == 0)
		&& (q->x->field == NULL || strcmp(l->field, q->x->field) == 0);
}

/* ---- which field, whose answers ------------------------------------------------------------ */

static bool may_be_grade(const struct cp_field *f)
{
	return f != NULL && f->scope == CP_RESULT && (f->type == CP_SCALE || f->type == CP_NUMBER);
}

static void note(char first[64], char other[64], const char *name)
{
	if (first[0] == '\0')
		snprintf(first, 64, "%s", name);
	else if (strcmp(first, name) != 0 && other[0] == '\0')
		snprintf(other, 64, "%s", name);
}

static enum cp_code on_first(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct qrels *q = user;

	(void)err;
	if (!counts(q, l) || !may_be_grade(cp_forms_field(&q->x->forms, l->form, l->field)))
		return CP_OK;
	note(q->field, q->other_field, l->field);
	note(q->rater, q->other_rater, l->rater);
	return CP_OK;
}

static enum cp_code choose(struct qrels *q, struct cp_export *x, struct cp_err *err)
{
	const struct cp_field *f = x->field == NULL ? NULL : cp_forms_field(&x->forms, "", x->field);

	if (x->field != NULL && f->scope == CP_PAGE)
		return cp_fail(err, CP_EINPUT, "%s is asked of the whole page; qrels need a field that is asked of each "
				"result", x->field);
	if (x->field != NULL && !may_be_grade(f))
		return cp_fail(err, CP_EINPUT, "%s is neither a scale nor a number, so it gives no grades", x->field);
	CP_TRY(cp_label_each(x->store, on_first, q, err));
	if (q->field[0] == '\0')
		return cp_fail(err, CP_EINPUT, "there are no submitted answers on a scale, or in numbers, about results");
	if (q->other_field[0] != '\0')
		return cp_fail(err, CP_EUSAGE, "export: several fields give grades; say --field %s or --field %s", q->field,
				q->other_field);
	if (x->rater == NULL && x->aggregate == CP_AGGREGATE_NONE && q->other_rater[0] != '\0')
		return cp_fail(err, CP_EUSAGE, "export: several raters judged; say --rater %s or --aggregate majority",
				q->rater);
	memcpy(x->found_field, q->field, sizeof q->field);
	x->field = x->found_field;
	return CP_OK;
}

/* ---- grades -------------------------------------------------------------------------------- */

static bool as_number(const char *text, double *out)
{
	char *end;

	if (text[0] == '\0' || isspace((unsigned char)text[0]))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && isfinite(*out);
}

/* The number that a value is, or on an ordinal scale its place. */
static enum cp_code grade_of(struct qrels *q, const struct vote *v, const char *value, double *out, struct cp_err *err)
{
	const struct cp_field *f = cp_forms_field(&q->x->forms, v->form, q->x->field);

	if (as_number(value, out))
		return CP_OK;
	for (size_t i = 0; f != NULL && f->level == CP_ORDINAL && i < f->n_choices; i++)
		if (strcmp(f->choices[i].value, value) == 0) {
			*out = (double)i;
			q->is_placed = true;
			return CP_OK;
		}
	return cp_fail(err, CP_EINPUT, "case %s, result %s: %s is no number and has no place on an ordinal scale",
			q->case_id, v->result, value);
}

/* By rank, result, rater; of one rater the latest pass first. */
static int by_result(const void *a, const void *b)
{
	const struct vote *v = a, *w = b;
	int order = (v->rank > w->rank) - (v->rank < w->rank);

	if (order == 0)
		order = strcmp(v->result, w->result);
	if (order == 0)
		order = strcmp(v->rater, w->rater);
	return order != 0 ? order : (v->pass < w->pass) - (v->pass > w->pass);
}

static int by_grade(const void *a, const void *b)
{
	const struct vote *v = a, *w = b;

	return (v->grade > w->grade) - (v->grade < w->grade);
}

static bool same_grade(double a, double b)
{
	return !(a < b) && !(a > b);
}

static enum cp_code majority(struct qrels *q, const struct vote *v, size_t n, double *out, struct cp_err *err)
{
	size_t best = 0, tied = 0;
	double low = 0, high = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && same_grade(v[end].grade, v[i].grade); end++)
			;
		if (end - i > best) {
			best = end - i;
			tied = 0;
			low = v[i].grade;
		}
		if (end - i == best) {
			tied++;
			high = v[i].grade;
		}
	}
	*out = q->x->ties == CP_TIES_HIGH ? high : low;
	if (tied < 2 || q->x->ties != CP_TIES_NONE)
		return CP_OK;
	q->ties++;
	CP_AUTO(buf) struct cp_buf said = CP_BUF(65536);
	for (size_t i = 0; i < n; i++)
		CP_TRY(cp_buf_printf(&said, err, "%s%s by %s", i == 0 ? "" : ", ", v[i].value, v[i].rater));
	cp_say("tie in case %s, result %s: %s", q->case_id, v[0].result, said.data);
	return CP_OK;
}

static double median(const struct qrels *q, const struct vote *v, size_t n)
{
	double low = v[(n - 1) / 2].grade, high = v[n / 2].grade;

	if (q->x->ties == CP_TIES_LOW)
		return low;
	return q->x->ties == CP_TIES_HIGH ? high : (low + high) / 2;
}

static double mean(const struct vote *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].grade;
	return sum / (double)n;
}

/* v: one vote a rater, all on one result; put into order of grade. */
static enum cp_code aggregate(struct qrels *q, struct vote *v, size_t n, double *out, struct cp_err *err)
{
	qsort(v, n, sizeof *v, by_grade);
	switch (q->x->aggregate) {
	case CP_MAJORITY:
		return majority(q, v, n, out, err);
	case CP_MEDIAN:
		*out = median(q, v, n);
		return CP_OK;
	case CP_MEAN:
		*out = mean(v, n);
		return CP_OK;
	case CP_AGGREGATE_NONE:
		break;
	}
	*out = v[0].grade;
	return CP_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Everything at which some reader of qrels splits a line, Python's split() included, and what acts where it is shown. */
static bool has_space(const char *text)
{
	static const char *const blanks[] = { "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
		"\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
		"\u3000", "\xc2\x85" };

	if (text[0] == '\0' || cp_text_acts(text, strlen(text)))
		return true;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ')
			return true;
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
		if (strstr(text, blanks[i]) != NULL)
			return true;
	return false;
}

/* The name in history of a result whose id cannot stand in a line. */
static enum cp_code result_name(struct qrels *q, const char *result, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };
	struct cp_id key;

	CP_TRY(cp_case_find(q->x->store, q->case_name, &key, err));
	CP_TRY(cp_case_load(q->x->store, &key, &view, err));
	for (size_t i = 0; i < view.n_results; i++)
		if (strcmp(view.results[i].id, result) == 0)
			return cp_buf_puts(out, view.results[i].name, err);
	return cp_fail(err, CP_ENOTFOUND, "case %s: the result %s is not in its content", q->case_id, result);
}

static enum cp_code add_line(struct qrels *q, const char *result, double grade, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf docno = CP_BUF(CP_TEXT_MAX);
	struct cp_buf *out = &q->sheet.pending;

	if (has_space(result))
		CP_TRY(result_name(q, result, &docno, err));
	else
		CP_TRY(cp_buf_puts(&docno, result, err));
	CP_TRY(cp_buf_printf(out, err, "%s 0 %s ", has_space(q->case_id) ? q->case_name : q->case_id, docno.data));
	if (same_grade(grade, rint(grade)))
		CP_TRY(cp_buf_printf(out, err, "%lld\n", (long long)grade));
	else {
		q->fractions++;
		CP_TRY(cp_buf_printf(out, err, "%.6g\n", grade));
	}
	return cp_sheet_row(&q->sheet, err);
}

static enum cp_code add_topic(struct qrels *q, struct cp_err *err)
{
	if (!q->has_topics)
		return CP_OK;
	CP_TRY(cp_buf_printf(&q->topics.pending, err, "%s\t", has_space(q->case_id) ? q->case_name : q->case_id));
	CP_TRY(cp_text_shown(&q->topics.pending, q->query, strlen(q->query), false, err));
	CP_TRY(cp_buf_puts(&q->topics.pending, "\n", err));
	return cp_sheet_row(&q->topics, err);
}

/* Keeps of each rater and result the latest pass. The votes are in order. */
static void keep_latest(struct qrels *q)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n; i++) {
		struct vote *last = kept == 0 ? NULL : &q->votes[kept - 1], now = q->votes[i];
		if (last != NULL && strcmp(last->result, now.result) == 0 && strcmp(last->rater, now.rater) == 0)
			continue;
		q->votes[i] = q->votes[kept];
		q->votes[kept++] = now;
	}
	for (size_t i = kept; i < q->n; i++) {
		free(q->votes[i].result);
		free(q->votes[i].rater);
		free(q->votes[i].value);
		free(q->votes[i].form);
		free(q->votes[i].final);
	}
	q->n = kept;
}

/* A lead's final answer goes before what raters come to; who asks for one rater wants that rater's. */
static enum cp_code grade_result(struct qrels *q, struct vote *v, size_t n, double *out, struct cp_err *err)
{
	if (v->final[0] == '\0' || q->x->rater != NULL)
		return aggregate(q, v, n, out, err);
	q->finals++;
	return grade_of(q, v, v->final, out, err);
}

static enum cp_code end_case(struct qrels *q, struct cp_err *err)
{
	if (q->n == 0)
		return CP_OK;
	qsort(q->votes, q->n, sizeof *q->votes, by_result);
	keep_latest(q);
	for (size_t i = 0, end; i < q->n; i = end) {
		double grade = 0;
		for (end = i; end < q->n && strcmp(q->votes[end].result, q->votes[i].result) == 0; end++)
			CP_TRY(grade_of(q, &q->votes[end], q->votes[end].value, &q->votes[end].grade, err));
		CP_TRY(grade_result(q, &q->votes[i], end - i, &grade, err));
		CP_TRY(add_line(q, q->votes[i].result, grade, err));
	}
	return add_topic(q, err);
}

static enum cp_code begin_case(struct qrels *q, const struct cp_label *l, struct cp_err *err)
{
	if (q->case_name != NULL && strcmp(q->case_name, l->case_name) == 0)
		return CP_OK;
	CP_TRY(end_case(q, err));
	forget_case(q);
	q->case_id = strdup(l->case_id);
	q->case_name = strdup(l->case_name);
	q->query = strdup(l->query);
	if (q->case_id == NULL || q->case_name == NULL || q->query == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	return CP_OK;
}

static enum cp_code add_vote(struct qrels *q, const struct cp_label *l, struct cp_err *err)
{
	if (q->n == q->room) {
		size_t room = q->room == 0 ? 64 : q->room * 2;
		struct vote *votes = reallocarray(q->votes, room, sizeof *votes);
		if (votes == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		q->votes = votes;
		q->room = room;
	}
	struct vote *v = &q->votes[q->n++];
	*v = (struct vote){ strdup(l->result), strdup(l->rater), strdup(l->value), strdup(l->form),
		strdup(l->final), l->rank, l->pass, 0 };
	if (v->result == NULL || v->rater == NULL || v->value == NULL || v->form == NULL || v->final == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	return CP_OK;
}

static enum cp_code on_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct qrels *q = user;

	if (!counts(q, l))
		return CP_OK;
	if (l->is_stale || l->is_late) {
		q->left_out++;
		return CP_OK;
	}
	if (l->is_undecided && l->final[0] == '\0') {
		q->undecided++;
		return CP_OK;
	}
	CP_TRY(begin_case(q, l, err));
	return add_vote(q, l, err);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static enum cp_code read_all(struct qrels *q, struct cp_export *x, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(8192);

	CP_TRY(choose(q, x, err));
	q->has_topics = strcmp(x->path, "-") != 0;
	CP_TRY(cp_sheet_begin(&q->sheet, x->path, err));
	if (q->has_topics) {
		CP_TRY(cp_buf_printf(&path, err, "%s.topics.tsv", x->path));
		CP_TRY(cp_sheet_begin(&q->topics, path.data, err));
	}
	CP_TRY(cp_label_each(x->store, on_label, q, err));
	return end_case(q, err);
}

static enum cp_code finish(struct qrels *q, struct cp_err *err)
{
	char n[CP_COUNT];

	if (q->ties > 0)
		return cp_fail(err, CP_EINPUT, "%s; say --ties low or --ties high, or aggregate by median",
				cp_count(n, q->ties, "grade is a tie", "grades are ties"));
	CP_TRY(cp_sheet_end_noted(&q->sheet, q->x, err));
	if (q->has_topics)
		CP_TRY(cp_sheet_end(&q->topics, err));
	if (q->left_out > 0)
		cp_say("%s left out", cp_count(n, q->left_out, "stale or late answer was", "stale or late answers were"));
	if (q->undecided > 0)
		cp_say("%s left out, since nothing stands until a lead decides: `casepack conflicts`", cp_count(n, q->undecided,
				"answer was", "answers were"));
	if (q->finals > 0)
		cp_say("%s a lead's final answer", cp_count(n, q->finals, "grade is", "grades are"));
	if (q->is_placed)
		cp_say("values of %s that are no numbers count by their place on the scale, from 0", q->x->field);
	if (q->fractions > 0)
		cp_say("%s no whole %s; trec_eval takes whole ones only", cp_count(n, q->fractions, "grade is", "grades are"),
				q->fractions == 1 ? "number" : "numbers");
	return CP_OK;
}

enum cp_code cp_export_qrels(struct cp_export *x, int64_t *rows, struct cp_err *err)
{
	struct qrels q = { .x = x, .sheet = CP_SHEET, .topics = CP_SHEET };

	enum cp_code code = read_all(&q, x, err);
	if (code == CP_OK)
		code = finish(&q, err);
	*rows = q.sheet.rows;
	drop(&q);
	return code;
}
