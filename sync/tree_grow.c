#include "sync/tree_inner.h"

#include <stdlib.h>
#include <string.h>

void *cp_tree_array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

enum cp_code cp_tree_no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory for the revisions of one document; nothing was changed");
}

void cp_revtree_drop(struct cp_revtree *t)
{
	for (size_t i = 0; i < t->n_segments; i++)
		free(t->segments[i].above);
	free(t->edit_of);
	free(t->edits);
	free(t->revs);
	free(t->parents_at);
	free(t->parents);
	free(t->is_orphan);
	free(t->order);
	free(t->rank);
	free(t->n_kids);
	free(t->segment);
	free(t->segments);
	memset(t, 0, sizeof *t);
}

/* ---- copies and twins ------------------------------------------------------------- */

static int compare_names(const struct cp_edit *a, const struct cp_edit *b)
{
	int c = memcmp(&a->rev, &b->rev, sizeof a->rev);

	return c ? c : memcmp(&a->hash, &b->hash, sizeof a->hash);
}

/* By rev, then hash; among copies the one first that the edit goes by. */
static int compare_edits(const void *x, const void *y)
{
	const struct cp_edit *a = *(const struct cp_edit *const *)x, *b = *(const struct cp_edit *const *)y;
	int c = compare_names(a, b);

	if (c == 0)
		c = memcmp(&a->replica, &b->replica, sizeof a->replica);
	if (c == 0)
		c = (a->clock > b->clock) - (a->clock < b->clock);
	return c ? c : (a > b) - (a < b);
}

static void fold_copy(struct cp_treeedit *e, const struct cp_edit *copy)
{
	if (copy->clock < e->clock)
		e->clock = copy->clock;
	e->is_far |= copy->is_far;
	e->is_resolve |= copy->is_resolve;
}

static void add_edit(struct cp_revtree *t, const struct cp_edit *given)
{
	struct cp_treeedit *e = &t->edits[t->n_edits];

	if (t->n_edits && compare_names(e[-1].given, given) == 0) {
		fold_copy(e - 1, given);
	} else {
		*e = (struct cp_treeedit){ .given = given, .index = (size_t)(given - t->given),
			.replica = given->replica, .clock = given->clock, .is_far = given->is_far,
			.is_resolve = given->is_resolve };
		t->n_edits++;
	}
	t->edit_of[given - t->given] = t->n_edits - 1;
}

/* Fills edits and edit_of, each edit once. */
static enum cp_code fold(struct cp_revtree *t, struct cp_err *err)
{
	const struct cp_edit **sorted = cp_tree_array(t->n_given, sizeof *sorted);

	t->edits = cp_tree_array(t->n_given, sizeof *t->edits);
	t->edit_of = cp_tree_array(t->n_given, sizeof *t->edit_of);
	if (sorted == NULL || t->edits == NULL || t->edit_of == NULL) {
		free(sorted);
		return cp_tree_no_memory(err);
	}
	for (size_t i = 0; i < t->n_given; i++)
		sorted[i] = &t->given[i];
	qsort(sorted, t->n_given, sizeof *sorted, compare_edits);
	for (size_t i = 0; i < t->n_given; i++)
		add_edit(t, sorted[i]);
	free(sorted);
	return CP_OK;
}

static const struct cp_rev *name_of(const struct cp_revtree *t, const struct cp_treerev *r)
{
	return &t->edits[r->first].given->rev;
}

static enum cp_code join_twins(struct cp_revtree *t, struct cp_err *err)
{
	t->revs = cp_tree_array(t->n_edits, sizeof *t->revs);
	if (t->revs == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = 0; i < t->n_edits; i++) {
		struct cp_treerev *last = &t->revs[t->n_revs];

		if (t->n_revs && memcmp(name_of(t, last - 1), &t->edits[i].given->rev, sizeof(struct cp_rev)) == 0)
			last[-1].n++;
		else
			t->revs[t->n_revs++] = (struct cp_treerev){ i, 1 };
		t->edits[i].rev = t->n_edits + t->n_revs - 1;
	}
	t->n_nodes = t->n_edits + t->n_revs;
	return CP_OK;
}

const struct cp_treerev *cp_revtree_find(const struct cp_revtree *t, const struct cp_rev *rev)
{
	size_t low = 0, high = t->n_revs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = memcmp(name_of(t, &t->revs[middle]), rev, sizeof *rev);

		if (c == 0)
			return &t->revs[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- links and order -------------------------------------------------------------- */

static size_t link_edit(struct cp_revtree *t, size_t i, size_t at)
{
	const struct cp_edit *e = t->edits[i].given;

	for (size_t k = 0; k < e->n_replaced; k++) {
		const struct cp_treerev *r = cp_revtree_find(t, &e->replaced[k]);

		if (r == NULL)
			t->is_orphan[i] = true;
		else
			t->parents[at++] = t->n_edits + (size_t)(r - t->revs);
	}
	return at;
}

static enum cp_code link_parents(struct cp_revtree *t, struct cp_err *err)
{
	size_t at = 0, n_links = t->n_edits;

	for (size_t i = 0; i < t->n_edits; i++)
		n_links += t->edits[i].given->n_replaced;
	t->parents_at = cp_tree_array(t->n_nodes + 1, sizeof *t->parents_at);
	t->parents = cp_tree_array(n_links, sizeof *t->parents);
	t->is_orphan = cp_tree_array(t->n_edits, sizeof *t->is_orphan);
	if (t->parents_at == NULL || t->parents == NULL || t->is_orphan == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = 0; i < t->n_edits; i++) {
		t->parents_at[i] = at;
		at = link_edit(t, i, at);
	}
	for (size_t i = 0; i < t->n_revs; i++) {
		t->parents_at[t->n_edits + i] = at;
		for (size_t k = 0; k < t->revs[i].n; k++)
			t->parents[at++] = t->revs[i].first + k;
	}
	t->parents_at[t->n_nodes] = at;
	return CP_OK;
}

/* The links the other way: the children of node v are kids[kids_at[v] .. kids_at[v + 1] - 1]. */
static void turn_links(const struct cp_revtree *t, size_t *kids_at, size_t *kids)
{
	size_t n_links = t->parents_at[t->n_nodes];

	for (size_t i = 0; i < n_links; i++)
		kids_at[t->parents[i] + 1]++;
	for (size_t v = 0; v < t->n_nodes; v++)
		kids_at[v + 1] += kids_at[v];
	for (size_t v = t->n_nodes; v-- > 0;)
		for (size_t i = t->parents_at[v]; i < t->parents_at[v + 1]; i++)
			kids[--kids_at[t->parents[i] + 1]] = v;
	/* kids_at[v + 1] is now where the children of v begin. */
	memmove(kids_at, kids_at + 1, t->n_nodes * sizeof *kids_at);
	kids_at[t->n_nodes] = n_links;
}

/*
 * A node counts once all its parents do; orphans, and rings, wait for ever. Each
 * branch is followed to its end before the next, so that whoever walks the order
 * holds little at a time; ready is room for n_nodes.
 */
static void count_nodes(struct cp_revtree *t, const size_t *kids_at, const size_t *kids, size_t *n_missing,
		size_t *ready)
{
	size_t n_ready = 0;

	for (size_t v = t->n_nodes; v-- > 0;) {
		n_missing[v] = t->parents_at[v + 1] - t->parents_at[v] + (v < t->n_edits && t->is_orphan[v]);
		t->rank[v] = CP_NONE;
		if (n_missing[v] == 0)
			ready[n_ready++] = v;
	}
	while (n_ready) {
		size_t v = ready[--n_ready];

		t->rank[v] = t->n_order;
		t->order[t->n_order++] = v;
		for (size_t k = kids_at[v]; k < kids_at[v + 1]; k++)
			if (--n_missing[kids[k]] == 0)
				ready[n_ready++] = kids[k];
	}
	for (size_t i = 0; i < t->n_order; i++)
		for (size_t k = t->parents_at[t->order[i]]; k < t->parents_at[t->order[i] + 1]; k++)
			t->n_kids[t->parents[k]]++;
}

static enum cp_code put_in_order(struct cp_revtree *t, struct cp_err *err)
{
	size_t *kids_at = cp_tree_array(t->n_nodes + 1, sizeof *kids_at);
	size_t *kids = cp_tree_array(t->parents_at[t->n_nodes], sizeof *kids);
	size_t *n_missing = cp_tree_array(t->n_nodes, sizeof *n_missing);
	size_t *ready = cp_tree_array(t->n_nodes, sizeof *ready);
	enum cp_code code = CP_OK;

	t->order = cp_tree_array(t->n_nodes, sizeof *t->order);
	t->rank = cp_tree_array(t->n_nodes, sizeof *t->rank);
	t->n_kids = cp_tree_array(t->n_nodes, sizeof *t->n_kids);
	if (kids_at && kids && n_missing && ready && t->order && t->rank && t->n_kids) {
		turn_links(t, kids_at, kids);
		count_nodes(t, kids_at, kids, n_missing, ready);
	} else {
		code = cp_tree_no_memory(err);
	}
	free(kids_at);
	free(kids);
	free(n_missing);
	free(ready);
	return code;
}

/* ---- who is above whom ------------------------------------------------------------ */

/*
 * A run of nodes without branches is one segment, and only a segment's end can have
 * children elsewhere: so a segment that is above a node is so with all its nodes, and
 * bits are kept between segments only. A line of any length is a single one; only
 * segments from which others grow have a number, so leaves cost no bit in any row.
 */
static enum cp_code begin_segment(struct cp_revtree *t, size_t node, size_t *n_numbers, struct cp_err *err)
{
	struct cp_segment *s = &t->segments[t->n_segments];
	size_t from = t->parents_at[node], to = t->parents_at[node + 1];

	t->segment[node] = t->n_segments++;
	s->number = CP_NONE;
	for (size_t i = from; i < to; i++) {
		struct cp_segment *p = &t->segments[t->segment[t->parents[i]]];

		if (p->number == CP_NONE)
			p->number = (*n_numbers)++;
	}
	if (from == to)
		return CP_OK;
	s->n_words = (*n_numbers + 63) / 64;
	s->above = cp_tree_array(s->n_words, sizeof *s->above);
	if (s->above == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = from; i < to; i++) {
		const struct cp_segment *p = &t->segments[t->segment[t->parents[i]]];

		s->above[p->number / 64] |= UINT64_C(1) << p->number % 64;
		for (size_t w = 0; w < p->n_words; w++)
			s->above[w] |= p->above[w];
	}
	return CP_OK;
}

static enum cp_code cut_segments(struct cp_revtree *t, struct cp_err *err)
{
	size_t n_numbers = 0;

	t->segment = cp_tree_array(t->n_nodes, sizeof *t->segment);
	t->segments = cp_tree_array(t->n_order, sizeof *t->segments);
	if (t->segment == NULL || t->segments == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = 0; i < t->n_order; i++) {
		size_t v = t->order[i], from = t->parents_at[v];

		if (t->parents_at[v + 1] - from == 1 && t->n_kids[t->parents[from]] == 1)
			t->segment[v] = t->segment[t->parents[from]];
		else
			CP_TRY(begin_segment(t, v, &n_numbers, err));
	}
	return CP_OK;
}

bool cp_revtree_reaches(const struct cp_revtree *t, size_t above, size_t below)
{
	const struct cp_segment *a = &t->segments[t->segment[above]], *b = &t->segments[t->segment[below]];

	if (a == b)
		return t->rank[above] <= t->rank[below];
	return a->number / 64 < b->n_words && (b->above[a->number / 64] >> a->number % 64 & 1);
}

enum cp_code cp_revtree_mark(const struct cp_revtree *t, size_t node, bool *is_marked, struct cp_err *err)
{
	size_t n = 0, *stack = cp_tree_array(t->n_nodes, sizeof *stack);

	if (stack == NULL)
		return cp_tree_no_memory(err);
	if (!is_marked[node])
		stack[n++] = node;
	is_marked[node] = true;
	while (n) {
		size_t v = stack[--n];

		for (size_t i = t->parents_at[v]; i < t->parents_at[v + 1]; i++) {
			if (!is_marked[t->parents[i]])
				stack[n++] = t->parents[i];
			is_marked[t->parents[i]] = true;
		}
	}
	free(stack);
	return CP_OK;
}

enum cp_code cp_revtree_grow(struct cp_revtree *out, const struct cp_edit *edits, size_t n, struct cp_err *err)
{
	CP_AUTO(revtree) struct cp_revtree t = { .given = edits, .n_given = n };

	CP_TRY(fold(&t, err));
	CP_TRY(join_twins(&t, err));
	CP_TRY(link_parents(&t, err));
	CP_TRY(put_in_order(&t, err));
	CP_TRY(cut_segments(&t, err));
	*out = t;
	t = (struct cp_revtree){ 0 };
	return CP_OK;
}
