/*
 * What the files of the revision tree share; for sync/tree*.c alone.
 *
 * tree_grow.c     edits into a graph: copies folded, twins joined, what counts in order
 * tree_cells.c    what the edits write: columns and values as small numbers, whole contents
 * tree_heads.c    the heads of one column or of a judgment, and the choice between them
 * tree.c          the state of a document, from these
 *
 * Arrays are indexed by edit (0 .. n_edits - 1, distinct edits sorted by rev, then
 * hash) or by node. Nodes are the edits and, behind them, the revs: an edit's parents
 * are the nodes of the revs it replaced, a rev's parents are its twins. So a rev
 * stands for all its twins, and however many they are, naming it costs one link.
 */
#ifndef CASEPACK_SYNC_TREE_INNER_H
#define CASEPACK_SYNC_TREE_INNER_H

#include "sync/tree.h"

#define CP_NONE SIZE_MAX

struct cp_treeedit {
	const struct cp_edit *given; /* the copy that it goes by */
	size_t index;                /* of that copy */
	struct cp_id replica;        /* lowest of its copies */
	int64_t clock;
	bool is_far, is_resolve;
	size_t rev;                  /* node of its rev */
};

struct cp_treerev { size_t first, n; }; /* its twins among the edits, by hash */

/* A run of nodes, each the only child of its only parent but for the first. */
struct cp_segment {
	uint64_t *above; size_t n_words; /* bit i: the segment with number i is above it, whole */
	size_t number;                   /* CP_NONE while nothing grows from its end */
};

struct cp_revtree {
	const struct cp_edit *given; size_t n_given;
	size_t *edit_of;             /* [n_given] */
	struct cp_treeedit *edits; size_t n_edits;
	struct cp_treerev *revs; size_t n_revs;
	size_t n_nodes;              /* n_edits + n_revs */
	size_t *parents_at, *parents; /* of node v: parents[parents_at[v] .. parents_at[v + 1] - 1] */
	bool *is_orphan;             /* [n_edits] names a rev that is not here */
	size_t *order, n_order;      /* the nodes that count, parents first */
	size_t *rank;                /* [n_nodes] place in order; CP_NONE: waits */
	size_t *n_kids;              /* [n_nodes] links from children that count */
	size_t *segment;             /* [n_nodes] */
	struct cp_segment *segments; size_t n_segments;
};
CP_CHECKED enum cp_code cp_revtree_grow(struct cp_revtree *out, const struct cp_edit *edits, size_t n,
		struct cp_err *err);
void cp_revtree_drop(struct cp_revtree *t);

static inline bool cp_revtree_counts(const struct cp_revtree *t, size_t node)
{
	return t->rank[node] != CP_NONE;
}
static inline bool cp_revtree_is_leaf(const struct cp_revtree *t, size_t edit)
{
	return cp_revtree_counts(t, edit) && t->n_kids[t->edits[edit].rev] == 0;
}
/* The twins of a rev, or NULL when it is not here. */
const struct cp_treerev *cp_revtree_find(const struct cp_revtree *t, const struct cp_rev *rev);
/* Is node above below, or the same? Both count. Constant time. */
bool cp_revtree_reaches(const struct cp_revtree *t, size_t above, size_t below);
/* Marks (in is_marked, [n_nodes]) a node that counts and all that are above it. */
CP_CHECKED enum cp_code cp_revtree_mark(const struct cp_revtree *t, size_t node, bool *is_marked,
		struct cp_err *err);

/* One write of an edit that counts. */
struct cp_cell {
	size_t edit;
	const struct cp_write *write;
	size_t column;               /* columns are numbered in order of name */
	size_t value;                /* equal values of a column have one number, different ones never */
};
struct cp_cells {
	struct cp_cell *cells; size_t n_cells; /* by edit */
	size_t *at;                  /* [n_edits + 1] */
	struct cp_cell **sorted;     /* by column, value, edit */
	size_t n_columns;
};
CP_CHECKED enum cp_code cp_cells_read(struct cp_cells *out, const struct cp_revtree *t, struct cp_err *err);
void cp_cells_drop(struct cp_cells *c);

/*
 * Each edit's whole content as a number, in out[n_edits]: equal contents have one
 * number, different ones never. Edits that do not count get CP_NONE.
 */
CP_CHECKED enum cp_code cp_cells_contents(size_t *out, const struct cp_cells *c, const struct cp_revtree *t,
		struct cp_err *err);
/* The cell that holds each column in the content of edit, or NULL; out has n_columns. */
void cp_cells_whole(const struct cp_cell **out, const struct cp_cells *c, const struct cp_revtree *t,
		size_t edit);

/* What is decided at once: one column, or a judgment. Arrays are [n_edits]. */
struct cp_contest {
	const struct cp_revtree *tree;
	enum cp_policy policy;
	size_t *value;               /* number of what the edit writes; CP_NONE: it takes no part */
	int *severity;               /* read only for heads, under CP_SEVEREST */
	bool *is_beaten;             /* set by cp_contest_run */
	bool *is_overruled;          /* beaten by a resolve between several, with another value */
	size_t *heads; size_t n_heads; /* ascending */
	size_t shown, stands;        /* set by cp_contest_choose; CP_NONE: nothing stands */
	bool is_open;                /* a conflict */
};
CP_CHECKED enum cp_code cp_contest_init(struct cp_contest *out, const struct cp_revtree *t, struct cp_err *err);
void cp_contest_drop(struct cp_contest *c);
/* From policy and value: is_beaten, is_overruled, heads. */
CP_CHECKED enum cp_code cp_contest_run(struct cp_contest *c, struct cp_err *err);
/* Between heads, at least one: shown, stands, is_open. */
void cp_contest_choose(struct cp_contest *c);
bool cp_contest_has_several(const struct cp_contest *c);

/* A zeroed array, NULL without memory; of n = 0 too it is one that can be freed. */
void *cp_tree_array(size_t n, size_t size);
enum cp_code cp_tree_no_memory(struct cp_err *err);

#endif
