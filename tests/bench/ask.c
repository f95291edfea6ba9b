/*
 * What `log CASE` and `blame CASE` cost inside the process: cp_log_case and cp_blame_case on an
 * open hub, of cases evenly spread over all, each case once, the two in turn.
 *
 *     ask WORKSPACE COUNT
 *
 * One line for each: its name, microseconds of the first call, the median, the 99th of a hundred
 * and the most, and rows told by all calls.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sync/inner.h"
#include "sync/report.h"

struct times { double *list, first; size_t n; long rows; };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static enum cp_code on_event(void *user, const struct cp_event *e, struct cp_err *err)
{
	(void)e;
	(void)err;
	((struct times *)user)->rows++;
	return CP_OK;
}

static enum cp_code on_blame(void *user, const struct cp_blame *b, struct cp_err *err)
{
	(void)b;
	(void)err;
	((struct times *)user)->rows++;
	return CP_OK;
}

static void keep(struct times *t, double us)
{
	if (t->n == 0)
		t->first = us;
	t->list[t->n++] = us;
}

static enum cp_code ask(struct cp_store *s, const struct cp_id *id, struct times t[2], struct cp_err *err)
{
	struct cp_story_filter all = { 0 };
	double begun = now_us();

	CP_TRY(cp_log_case(s, id, &all, on_event, &t[0], err));
	keep(&t[0], now_us() - begun);
	begun = now_us();
	CP_TRY(cp_blame_case(s, id, on_blame, &t[1], err));
	keep(&t[1], now_us() - begun);
	return CP_OK;
}

/* The ids are read before the clock runs. */
static enum cp_code ids_of(struct cp_store *s, struct cp_id *out, int64_t count, int64_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	*n = 0;
	CP_TRY(cp_query(s, &q, err, "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at, count(*) OVER () AS n FROM cases)"
			" WHERE at * ?1 / n <> (at - 1) * ?1 / n OR at = 0", "i", count));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row || *n == count)
			return CP_OK;
		cp_col_id(q, 0, &out[(*n)++]);
	}
}

static enum cp_code ask_all(struct cp_store *s, int64_t count, struct times t[2], struct cp_err *err)
{
	struct cp_id *ids = calloc((size_t)count, sizeof *ids);
	enum cp_code code = CP_OK;
	int64_t n = 0;

	assert(ids != NULL);
	code = ids_of(s, ids, count, &n, err);
	for (int64_t i = 0; i < n && code == CP_OK; i++)
		code = ask(s, &ids[i], t, err);
	free(ids);
	return code;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(const char *name, struct times *t)
{
	qsort(t->list, t->n, sizeof *t->list, ascending);
	if (t->n > 0)
		printf("%s %.1f %.1f %.1f %.1f %ld\n", name, t->first, t->list[t->n / 2], t->list[t->n * 99 / 100], t->list[t->n - 1], t->rows);
}

int main(int argc, char **argv)
{
	struct cp_err err = { 0 };
	CP_AUTO(store) struct cp_store *s = NULL;
	int64_t count = argc == 3 ? atoll(argv[2]) : 0;
	struct times t[2] = { 0 };

	if (count < 1)
		return fputs("ask WORKSPACE COUNT\n", stderr), 2;
	t[0].list = calloc((size_t)count, sizeof(double));
	t[1].list = calloc((size_t)count, sizeof(double));
	if (t[0].list == NULL || t[1].list == NULL || cp_store_open(&s, argv[1], &err) || ask_all(s, count, t, &err)) {
		fprintf(stderr, "ask: %s: %s\n", argv[1], err.text);
		return 1;
	}
	print("log", &t[0]);
	print("blame", &t[1]);
	free(t[0].list);
	free(t[1].list);
	return 0;
}
