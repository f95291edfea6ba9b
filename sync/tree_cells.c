#include "sync/tree_inner.h"

#include <stdlib.h>
#include <string.h>

void cp_cells_drop(struct cp_cells *c)
{
	free(c->cells);
	free(c->at);
	free(c->sorted);
	memset(c, 0, sizeof *c);
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t least = a_len < b_len ? a_len : b_len;
	int c = least ? memcmp(a, b, least) : 0;

	return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* Any order will do as long as only the same value is equal; a real is its bits. */
static int compare_values(const struct cp_value *a, const struct cp_value *b)
{
	if (a->type != b->type)
		return (a->type > b->type) - (a->type < b->type);
	switch (a->type) {
	case CP_INT:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case CP_REAL:
		return memcmp(&a->real, &b->real, sizeof a->real);
	case CP_TEXT:
	case CP_BLOB:
		return compare_bytes(a->bytes, a->len, b->bytes, b->len);
	case CP_ABSENT:
	case CP_NULL:
		break;
	}
	return 0;
}

static int compare_columns(const struct cp_cell *a, const struct cp_cell *b)
{
	return compare_bytes(a->write->name, a->write->name_len, b->write->name, b->write->name_len);
}

static int compare_cells(const void *x, const void *y)
{
	const struct cp_cell *a = *(const struct cp_cell *const *)x, *b = *(const struct cp_cell *const *)y;
	int c = compare_columns(a, b);

	if (c == 0)
		c = compare_values(&a->write->value, &b->write->value);
	return c ? c : (a->edit > b->edit) - (a->edit < b->edit);
}

static void number_cells(struct cp_cells *c)
{
	size_t column = 0, value = 0;

	for (size_t i = 0; i < c->n_cells; i++) {
		struct cp_cell *now = c->sorted[i], *last = i ? c->sorted[i - 1] : now;

		column += compare_columns(last, now) != 0;
		value += compare_values(&last->write->value, &now->write->value) != 0;
		now->column = column;
		now->value = value;
	}
	c->n_columns = c->n_cells ? column + 1 : 0;
}

static void add_cells(struct cp_cells *c, const struct cp_revtree *t)
{
	for (size_t i = 0; i < t->n_edits; i++) {
		const struct cp_edit *e = t->edits[i].given;

		c->at[i] = c->n_cells;
		for (size_t k = 0; cp_revtree_counts(t, i) && k < e->n_writes; k++) {
			c->sorted[c->n_cells] = &c->cells[c->n_cells];
			c->cells[c->n_cells++] = (struct cp_cell){ .edit = i, .write = &e->writes[k] };
		}
	}
	c->at[t->n_edits] = c->n_cells;
}

enum cp_code cp_cells_read(struct cp_cells *out, const struct cp_revtree *t, struct cp_err *err)
{
	CP_AUTO(cells) struct cp_cells c = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->n_edits; i++)
		n += t->edits[i].given->n_writes;
	c.cells = cp_tree_array(n, sizeof *c.cells);
	c.at = cp_tree_array(t->n_edits + 1, sizeof *c.at);
	c.sorted = cp_tree_array(n, sizeof(struct cp_cell *));
	if (c.cells == NULL || c.at == NULL || c.sorted == NULL)
		return cp_tree_no_memory(err);
	add_cells(&c, t);
	qsort(c.sorted, c.n_cells, sizeof(struct cp_cell *), compare_cells);
	number_cells(&c);
	*out = c;
	c = (struct cp_cells){ 0 };
	return CP_OK;
}

/* ---- whole contents ---------------------------------------------------------------- */

/*
 * A content is a binary tree over the columns with the numbers of values at its tips.
 * Nodes are never changed and never made twice, so two contents are equal where their
 * roots are the same node, and a write costs only the nodes on its way down, whatever
 * the content holds beside it. Node 0 is the empty one, at any height.
 */
struct fork { size_t left, right; };
struct forks {
	struct fork *all; size_t n, cap; /* all[0] is the empty one */
	size_t *slots, n_slots;          /* a hash table of indexes; 0: free; n_slots is a power of two */
	unsigned height;
};

static void cp_forks_drop(struct forks *f)
{
	free(f->all);
	free(f->slots);
}

/* Where left and right stand in the table, or would. */
static size_t *find_slot(const struct forks *f, size_t left, size_t right)
{
	uint64_t mix = (uint64_t)left * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)right;

	mix = (mix ^ mix >> 32) * UINT64_C(0xd6e8feb86659fd93);
	for (size_t i = (size_t)(mix ^ mix >> 29) & (f->n_slots - 1);; i = (i + 1) & (f->n_slots - 1)) {
		const struct fork *k = &f->all[f->slots[i]];

		if (f->slots[i] == 0 || (k->left == left && k->right == right))
			return &f->slots[i];
	}
}

static enum cp_code make_room(struct forks *f, struct cp_err *err)
{
	size_t cap = f->cap ? f->cap * 2 : 64;
	struct fork *all = reallocarray(f->all, cap, sizeof *all);

	if (all == NULL)
		return cp_tree_no_memory(err);
	f->all = all;
	f->cap = cap;
	free(f->slots);
	f->slots = cp_tree_array(cap * 2, sizeof *f->slots);
	if (f->slots == NULL)
		return cp_tree_no_memory(err);
	f->n_slots = cap * 2;
	for (size_t i = 1; i < f->n; i++)
		*find_slot(f, all[i].left, all[i].right) = i;
	return CP_OK;
}

static enum cp_code make_fork(struct forks *f, size_t left, size_t right, size_t *out, struct cp_err *err)
{
	size_t *slot;

	if (f->n == f->cap)
		CP_TRY(make_room(f, err));
	slot = find_slot(f, left, right);
	if (*slot == 0) {
		f->all[f->n] = (struct fork){ left, right };
		*slot = f->n++;
	}
	*out = *slot;
	return CP_OK;
}

/* *root with value (not 0) in column. */
static enum cp_code put_value(struct forks *f, size_t *root, size_t column, size_t value, struct cp_err *err)
{
	size_t beside[64], node = *root;

	for (unsigned h = f->height; h-- > 0;) {
		struct fork k = node ? f->all[node] : (struct fork){ 0, 0 };
		bool is_right = column >> h & 1;

		beside[h] = is_right ? k.left : k.right;
		node = is_right ? k.right : k.left;
	}
	node = value;
	for (unsigned h = 0; h < f->height; h++) {
		bool is_right = column >> h & 1;

		CP_TRY(make_fork(f, is_right ? beside[h] : node, is_right ? node : beside[h], &node, err));
	}
	*root = node;
	return CP_OK;
}

/* Whose content an edit starts from: of the first rev it replaced the twin with the lowest hash. */
static size_t content_parent(const struct cp_revtree *t, size_t edit)
{
	if (t->edits[edit].given->n_replaced == 0)
		return CP_NONE;
	return t->revs[t->parents[t->parents_at[edit]] - t->n_edits].first;
}

enum cp_code cp_cells_contents(size_t *out, const struct cp_cells *c, const struct cp_revtree *t,
		struct cp_err *err)
{
	CP_AUTO(forks) struct forks f = { .n = 1 };

	while (f.height < 63 && (size_t)1 << f.height < c->n_columns)
		f.height++;
	CP_TRY(make_room(&f, err));
	for (size_t i = 0; i < t->n_edits; i++)
		out[i] = CP_NONE;
	for (size_t i = 0; i < t->n_order; i++) {
		size_t e = t->order[i], from;

		if (e >= t->n_edits)
			continue;
		from = content_parent(t, e);
		out[e] = from == CP_NONE ? 0 : out[from];
		for (size_t k = c->at[e]; k < c->at[e + 1]; k++)
			CP_TRY(put_value(&f, &out[e], c->cells[k].column, c->cells[k].value + 1, err));
	}
	return CP_OK;
}

void cp_cells_whole(const struct cp_cell **out, const struct cp_cells *c, const struct cp_revtree *t,
		size_t edit)
{
	size_t n_left = c->n_columns;

	for (size_t i = 0; i < c->n_columns; i++)
		out[i] = NULL;
	for (; edit != CP_NONE && n_left; edit = content_parent(t, edit)) {
		for (size_t k = c->at[edit]; k < c->at[edit + 1]; k++) {
			const struct cp_cell **cell = &out[c->cells[k].column];

			n_left -= *cell == NULL;
			*cell = *cell ? *cell : &c->cells[k];
		}
	}
}
