#include "sync/tree_inner.h"

#include <stdlib.h>
#include <string.h>

/*
 * Heads. A write that knew only one value replaces what it knew. One that knew
 * several replaces all of them under `latest`, or as a lead's resolve; otherwise
 * only the one that it alone grew from, since a choice between candidates is a lead's.
 *
 * What a write knew is, of the writes above it, those that none of these replaced:
 * its known set. Sets travel down the graph with the nodes in order. A node with one
 * parent takes its parent's set over as it is, so a line of edits costs one set.
 */
struct known { size_t *edits, n, cap; };

struct walk {
	struct cp_contest *contest;
	struct known *known;  /* [n_nodes] below each node; empty once all its children took it */
	size_t *n_kids_left;  /* [n_nodes] */
	size_t *n_seen;       /* [n_edits] all 0 between merges */
};

static void cp_walk_drop(struct walk *w)
{
	for (size_t i = 0; w->known && i < w->contest->tree->n_nodes; i++)
		free(w->known[i].edits);
	free(w->known);
	free(w->n_kids_left);
	free(w->n_seen);
}

static void cp_known_drop(struct known *k)
{
	free(k->edits);
	*k = (struct known){ 0 };
}

static enum cp_code known_add(struct known *k, size_t edit, struct cp_err *err)
{
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 2;
		size_t *edits = reallocarray(k->edits, cap, sizeof *edits);

		if (edits == NULL)
			return cp_tree_no_memory(err);
		k->edits = edits;
		k->cap = cap;
	}
	k->edits[k->n++] = edit;
	return CP_OK;
}

/* Is edit, which is in n_seen of these n parents' sets, above one of them whose set lacks it? */
static bool was_replaced(const struct cp_revtree *t, size_t edit, size_t n_seen, const size_t *parents, size_t n)
{
	size_t n_below = 0;

	for (size_t i = 0; n_seen < n && n_below <= n_seen && i < n; i++)
		n_below += cp_revtree_reaches(t, edit, parents[i]);
	return n_below > n_seen;
}

/*
 * The known set of several parents. A write in the set of one was replaced on the way
 * to another exactly when it is above that one and not in its set: so it remains when
 * it is in as many sets as there are parents that it is above.
 */
static enum cp_code merge_known(struct walk *w, struct known *out, const size_t *parents, size_t n,
		struct cp_err *err)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct known *k = &w->known[parents[i]];

		for (size_t j = 0; j < k->n; j++)
			if (w->n_seen[k->edits[j]]++ == 0)
				CP_TRY(known_add(out, k->edits[j], err));
	}
	for (size_t j = 0; j < out->n; j++) {
		size_t edit = out->edits[j];

		if (!was_replaced(w->contest->tree, edit, w->n_seen[edit], parents, n))
			out->edits[n_kept++] = edit;
		w->n_seen[edit] = 0;
	}
	out->n = n_kept;
	return CP_OK;
}

static enum cp_code copy_known(struct known *out, const struct known *from, struct cp_err *err)
{
	for (size_t j = 0; j < from->n; j++)
		CP_TRY(known_add(out, from->edits[j], err));
	return CP_OK;
}

/* What the parents of a node hand down to it. */
static enum cp_code gather_known(struct walk *w, size_t node, struct known *out, struct cp_err *err)
{
	const struct cp_revtree *t = w->contest->tree;
	const size_t *parents = &t->parents[t->parents_at[node]];
	size_t n = t->parents_at[node + 1] - t->parents_at[node];

	if (n == 1 && w->n_kids_left[parents[0]] == 1) {
		*out = w->known[parents[0]];
		w->known[parents[0]] = (struct known){ 0 };
	} else if (n == 1) {
		CP_TRY(copy_known(out, &w->known[parents[0]], err));
	} else {
		CP_TRY(merge_known(w, out, parents, n, err));
	}
	for (size_t i = 0; i < n; i++)
		if (--w->n_kids_left[parents[i]] == 0)
			cp_known_drop(&w->known[parents[i]]);
	return CP_OK;
}

static bool has_several(const size_t *value, const size_t *edits, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (value[edits[i]] != value[edits[0]])
			return true;
	return false;
}

/* The edit writes: it takes what it replaces out of the set, and itself in. */
static enum cp_code write_over(struct walk *w, size_t edit, struct known *k, struct cp_err *err)
{
	struct cp_contest *c = w->contest;
	const struct cp_revtree *t = c->tree;
	bool is_several = has_several(c->value, k->edits, k->n);
	bool is_resolve = t->edits[edit].is_resolve;
	bool takes_all = !is_several || c->policy == CP_LATEST || is_resolve;
	bool has_one = t->parents_at[edit + 1] - t->parents_at[edit] == 1;
	size_t n_kept = 0;

	for (size_t i = 0; i < k->n; i++) {
		size_t old = k->edits[i];

		if (!takes_all && !(has_one && t->parents[t->parents_at[edit]] == t->edits[old].rev)) {
			k->edits[n_kept++] = old;
			continue;
		}
		c->is_beaten[old] = true;
		c->is_overruled[old] |= is_resolve && is_several && c->value[old] != c->value[edit];
	}
	k->n = n_kept;
	return known_add(k, edit, err);
}

static enum cp_code visit(struct walk *w, size_t node, struct cp_err *err)
{
	const struct cp_contest *c = w->contest;
	struct known *k = &w->known[node];

	CP_TRY(gather_known(w, node, k, err));
	if (node < c->tree->n_edits && c->value[node] != CP_NONE)
		CP_TRY(write_over(w, node, k, err));
	if (w->n_kids_left[node] == 0)
		cp_known_drop(k);
	return CP_OK;
}

enum cp_code cp_contest_run(struct cp_contest *c, struct cp_err *err)
{
	const struct cp_revtree *t = c->tree;
	CP_AUTO(walk) struct walk w = { .contest = c };

	w.known = cp_tree_array(t->n_nodes, sizeof *w.known);
	w.n_kids_left = cp_tree_array(t->n_nodes, sizeof *w.n_kids_left);
	w.n_seen = cp_tree_array(t->n_edits, sizeof *w.n_seen);
	if (w.known == NULL || w.n_kids_left == NULL || w.n_seen == NULL)
		return cp_tree_no_memory(err);
	memcpy(w.n_kids_left, t->n_kids, t->n_nodes * sizeof *t->n_kids);
	memset(c->is_beaten, 0, t->n_edits * sizeof *c->is_beaten);
	memset(c->is_overruled, 0, t->n_edits * sizeof *c->is_overruled);
	for (size_t i = 0; i < t->n_order; i++)
		CP_TRY(visit(&w, t->order[i], err));
	c->n_heads = 0;
	for (size_t e = 0; e < t->n_edits; e++)
		if (c->value[e] != CP_NONE && cp_revtree_counts(t, e) && !c->is_beaten[e])
			c->heads[c->n_heads++] = e;
	return CP_OK;
}

/* ---- the choice -------------------------------------------------------------------- */

/* Clock, replica, rev, hash; the edits are sorted by the last two. */
static bool is_later(const struct cp_revtree *t, size_t x, size_t y)
{
	const struct cp_treeedit *a = &t->edits[x], *b = &t->edits[y];
	int c = (a->clock > b->clock) - (a->clock < b->clock);

	if (c == 0)
		c = memcmp(&a->replica, &b->replica, sizeof a->replica);
	return c ? c > 0 : x > y;
}

static bool is_better(const struct cp_contest *c, bool by_severity, size_t x, size_t y)
{
	if (by_severity && c->severity[x] != c->severity[y])
		return c->severity[x] > c->severity[y];
	return is_later(c->tree, x, y);
}

bool cp_contest_has_several(const struct cp_contest *c)
{
	return has_several(c->value, c->heads, c->n_heads);
}

void cp_contest_choose(struct cp_contest *c)
{
	bool is_far = false;

	c->is_open = cp_contest_has_several(c);
	c->shown = c->heads[0];
	for (size_t i = 0; i < c->n_heads; i++) {
		if (is_better(c, c->is_open && c->policy == CP_SEVEREST, c->heads[i], c->shown))
			c->shown = c->heads[i];
		is_far |= c->tree->edits[c->heads[i]].is_far;
	}
	c->stands = c->shown;
	if (c->is_open && (c->policy == CP_REVIEW || (c->policy == CP_LATEST && is_far)))
		c->stands = CP_NONE;
}

enum cp_code cp_contest_init(struct cp_contest *out, const struct cp_revtree *t, struct cp_err *err)
{
	struct cp_contest c = { .tree = t };

	c.value = cp_tree_array(t->n_edits, sizeof *c.value);
	c.severity = cp_tree_array(t->n_edits, sizeof *c.severity);
	c.is_beaten = cp_tree_array(t->n_edits, sizeof *c.is_beaten);
	c.is_overruled = cp_tree_array(t->n_edits, sizeof *c.is_overruled);
	c.heads = cp_tree_array(t->n_edits, sizeof *c.heads);
	*out = c;
	if (!c.value || !c.severity || !c.is_beaten || !c.is_overruled || !c.heads) {
		cp_contest_drop(out);
		return cp_tree_no_memory(err);
	}
	for (size_t i = 0; i < t->n_edits; i++)
		c.value[i] = CP_NONE;
	return CP_OK;
}

void cp_contest_drop(struct cp_contest *c)
{
	free(c->value);
	free(c->severity);
	free(c->is_beaten);
	free(c->is_overruled);
	free(c->heads);
	memset(c, 0, sizeof *c);
}
