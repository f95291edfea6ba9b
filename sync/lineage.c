#include "sync/lineage.h"

#include <stdlib.h>
#include <string.h>

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory for the edits of one document; nothing was changed");
}

static int by_rev(const void *x, const void *y, void *user)
{
	const struct cp_edit *edits = user, *a = &edits[*(const size_t *)x], *b = &edits[*(const size_t *)y];
	int c = memcmp(&a->rev, &b->rev, sizeof a->rev);

	return c ? c : memcmp(&a->hash, &b->hash, sizeof a->hash);
}

enum cp_code cp_lineage_init(struct cp_lineage *out, const struct cp_edit *edits, size_t n, struct cp_err *err)
{
	*out = (struct cp_lineage){ edits, n, malloc((n + 1) * sizeof *out->by_rev) };
	if (out->by_rev == NULL)
		return no_memory(err);
	for (size_t i = 0; i < n; i++)
		out->by_rev[i] = i;
	qsort_r(out->by_rev, n, sizeof *out->by_rev, by_rev, (void *)(uintptr_t)edits);
	return CP_OK;
}

void cp_lineage_drop(struct cp_lineage *l)
{
	free(l->by_rev);
	l->by_rev = NULL;
}

/* The place in by_rev of the first that bears it; n when none does. */
static size_t place_of(const struct cp_lineage *l, const struct cp_rev *rev)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&l->edits[l->by_rev[middle]].rev, rev, sizeof *rev) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n && memcmp(&l->edits[l->by_rev[low]].rev, rev, sizeof *rev) == 0 ? low : l->n;
}

size_t cp_lineage_find(const struct cp_lineage *l, const struct cp_rev *rev)
{
	size_t place = place_of(l, rev);

	return place < l->n ? l->by_rev[place] : SIZE_MAX;
}

enum cp_code cp_lineage_mark(const struct cp_lineage *l, size_t edit, bool *is_above, struct cp_err *err)
{
	size_t n = 0, *stack = malloc((l->n + 1) * sizeof *stack);

	if (stack == NULL)
		return no_memory(err);
	stack[n++] = edit;
	while (n > 0) {
		const struct cp_edit *e = &l->edits[stack[--n]];

		for (size_t k = 0; k < e->n_replaced; k++)
			for (size_t p = place_of(l, &e->replaced[k]); p < l->n && memcmp(&l->edits[l->by_rev[p]].rev,
					&e->replaced[k], sizeof e->rev) == 0; p++) {
				if (!is_above[l->by_rev[p]])
					stack[n++] = l->by_rev[p];
				is_above[l->by_rev[p]] = true;
			}
	}
	free(stack);
	return CP_OK;
}

/* Counts in above how many of these each edit is above. */
static enum cp_code count_above(const struct cp_lineage *l, const size_t *of, size_t n, size_t *above, bool *marks,
		struct cp_err *err)
{
	for (size_t i = 0; i < n; i++) {
		memset(marks, 0, l->n * sizeof *marks);
		CP_TRY(cp_lineage_mark(l, of[i], marks, err));
		for (size_t e = 0; e < l->n; e++)
			above[e] += marks[e];
	}
	return CP_OK;
}

/* Of the edits that are above all n, take those away that are above another one of them. */
static enum cp_code keep_nearest(const struct cp_lineage *l, size_t n, size_t *above, bool *marks, struct cp_err *err)
{
	memset(marks, 0, l->n * sizeof *marks);
	for (size_t e = 0; e < l->n; e++)
		if (above[e] == n && !marks[e])
			CP_TRY(cp_lineage_mark(l, e, marks, err));
	for (size_t e = 0; e < l->n; e++)
		if (marks[e])
			above[e] = 0;
	return CP_OK;
}

enum cp_code cp_lineage_base(const struct cp_lineage *l, const size_t *of, size_t n, size_t *out, struct cp_err *err)
{
	size_t *above = calloc(l->n + 1, sizeof *above);
	bool *marks = calloc(l->n + 1, sizeof *marks);
	enum cp_code code = above && marks ? CP_OK : no_memory(err);

	*out = SIZE_MAX;
	if (code == CP_OK)
		code = count_above(l, of, n, above, marks, err);
	if (code == CP_OK)
		code = keep_nearest(l, n, above, marks, err);
	for (size_t p = 0; code == CP_OK && *out == SIZE_MAX && p < l->n; p++)
		if (n > 0 && above[l->by_rev[p]] == n)
			*out = l->by_rev[p];
	free(above);
	free(marks);
	return code;
}
