#include "sync/tree.h"

#include "sync/tree_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void cp_doc_state_drop(struct cp_doc_state *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_columns; i++)
		free(s->columns[i].candidates);
	free(s->columns);
	free(s->revs);
	free(s->candidates);
	free(s->fates);
	free(s->is_forged);
	memset(s, 0, sizeof *s);
}

/* ---- what both kinds of document have ----------------------------------------------- */

static size_t index_of(const struct cp_revtree *t, size_t edit)
{
	return edit == CP_NONE ? CP_NONE : t->edits[edit].index;
}

static enum cp_code begin_state(struct cp_doc_state *s, const struct cp_revtree *t, size_t n_columns,
		struct cp_err *err)
{
	s->shown = s->stands = CP_NONE;
	s->n_edits = t->n_given;
	s->fates = cp_tree_array(t->n_given, sizeof *s->fates);
	s->is_forged = cp_tree_array(t->n_given, sizeof *s->is_forged);
	s->columns = cp_tree_array(n_columns, sizeof *s->columns);
	if (s->fates == NULL || s->is_forged == NULL || s->columns == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = 0; i < t->n_given; i++)
		s->is_forged[i] = t->revs[t->edits[t->edit_of[i]].rev - t->n_edits].n > 1;
	return CP_OK;
}

/* The rev cell: what is shown (CP_NONE: nothing is first), then the other leaves, sorted. */
static enum cp_code write_revs(struct cp_doc_state *s, const struct cp_revtree *t, size_t shown, struct cp_err *err)
{
	size_t first = shown == CP_NONE ? CP_NONE : t->edits[shown].rev;

	s->revs = cp_tree_array(t->n_revs + 1, sizeof *s->revs);
	if (s->revs == NULL)
		return cp_tree_no_memory(err);
	if (shown != CP_NONE)
		s->revs[s->n_revs++] = t->edits[shown].given->rev;
	for (size_t i = 0; i < t->n_revs; i++) {
		bool is_leaf = false;

		for (size_t k = 0; k < t->revs[i].n; k++)
			is_leaf |= cp_revtree_is_leaf(t, t->revs[i].first + k);
		if (is_leaf && first != t->n_edits + i)
			s->revs[s->n_revs++] = t->edits[t->revs[i].first].given->rev;
	}
	return CP_OK;
}

/* The heads of a contest as the caller's indexes, where they are several. */
static enum cp_code list_candidates(size_t **out, size_t *out_n, const struct cp_contest *c, struct cp_err *err)
{
	if (c->n_heads < 2)
		return CP_OK;
	*out = cp_tree_array(c->n_heads, sizeof **out);
	if (*out == NULL)
		return cp_tree_no_memory(err);
	for (size_t i = 0; i < c->n_heads; i++)
		(*out)[i] = index_of(c->tree, c->heads[i]);
	*out_n = c->n_heads;
	return CP_OK;
}

/* ---- fates ---------------------------------------------------------------------------- */

/* Of several columns the fate counts that comes first here. */
static int weight(enum cp_fate fate)
{
	static const int weights[CP_FATES] = {
		[CP_STANDING] = 3, [CP_IN_CONFLICT] = 2, [CP_OVERRULED] = 1, [CP_SUPERSEDED] = 0,
	};

	return weights[fate];
}

static enum cp_fate fate_of_head(const struct cp_contest *c, size_t edit)
{
	return !c->is_open || edit == c->stands ? CP_STANDING : CP_IN_CONFLICT;
}

/* What one contest says of its edits, over what others said in fates ([n_edits]). */
static void judge_fates(enum cp_fate *fates, const struct cp_contest *c, const size_t *edits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c->is_overruled[edits[i]] && weight(fates[edits[i]]) < weight(CP_OVERRULED))
			fates[edits[i]] = CP_OVERRULED;
	for (size_t i = 0; i < c->n_heads; i++) {
		enum cp_fate fate = fate_of_head(c, c->heads[i]);

		if (weight(fates[c->heads[i]]) < weight(fate))
			fates[c->heads[i]] = fate;
	}
}

/* From the edits' fates to those of everything given. */
static void hand_out_fates(struct cp_doc_state *s, const struct cp_revtree *t, const enum cp_fate *fates)
{
	for (size_t i = 0; i < t->n_given; i++) {
		size_t e = t->edit_of[i];

		if (t->edits[e].index != i)
			s->fates[i] = CP_EQUAL;
		else
			s->fates[i] = cp_revtree_counts(t, e) ? fates[e] : CP_WAITING;
	}
}

/* ---- column by column ------------------------------------------------------------------- */

struct columns {
	const struct cp_revtree *tree;
	const struct cp_cells *cells;
	struct cp_contest contest;
	const struct cp_write **writes; /* [n_edits] of the column at hand */
	size_t *writers;                /* [n_edits] */
	enum cp_fate *fates;            /* [n_edits] */
};

static void cp_columns_drop(struct columns *c)
{
	cp_contest_drop(&c->contest);
	free(c->writes);
	free(c->writers);
	free(c->fates);
}

static enum cp_code begin_columns(struct columns *c, struct cp_err *err)
{
	size_t n = c->tree->n_edits;

	CP_TRY(cp_contest_init(&c->contest, c->tree, err));
	c->writes = cp_tree_array(n, sizeof(const struct cp_write *));
	c->writers = cp_tree_array(n, sizeof *c->writers);
	c->fates = cp_tree_array(n, sizeof *c->fates);
	if (c->writes == NULL || c->writers == NULL || c->fates == NULL)
		return cp_tree_no_memory(err);
	for (size_t e = 0; e < n; e++) {
		bool is_empty = c->tree->edits[e].given->n_writes == 0;

		c->fates[e] = is_empty && cp_revtree_is_leaf(c->tree, e) ? CP_STANDING : CP_SUPERSEDED;
	}
	return CP_OK;
}

/* Enters the n writes of one column into the contest. */
static void enter_column(struct columns *c, struct cp_cell *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t e = cells[i]->edit;

		c->writers[i] = e;
		c->writes[e] = cells[i]->write;
		c->contest.value[e] = cells[i]->value;
		c->contest.severity[e] = cells[i]->write->severity;
	}
}

static enum cp_code decide_column(struct columns *c, struct cp_column_state *out, size_t n_writers,
		struct cp_err *err)
{
	struct cp_contest *contest = &c->contest;

	CP_TRY(cp_contest_run(contest, err));
	cp_contest_choose(contest);
	*out = (struct cp_column_state){
		.name = c->writes[contest->shown]->name, .name_len = c->writes[contest->shown]->name_len,
		.shown = index_of(c->tree, contest->shown), .value = c->writes[contest->shown]->value,
		.has_conflict = contest->is_open, .stands = index_of(c->tree, contest->stands),
	};
	judge_fates(c->fates, contest, c->writers, n_writers);
	for (size_t i = 0; i < n_writers; i++)
		contest->value[c->writers[i]] = CP_NONE;
	return list_candidates(&out->candidates, &out->n_candidates, contest, err);
}

static enum cp_code decide_columns(struct columns *c, struct cp_doc_state *s, cp_policy_of *policy_of,
		void *user, struct cp_err *err)
{
	const struct cp_cells *cells = c->cells;

	for (size_t from = 0, to; from < cells->n_cells; from = to) {
		struct cp_column_state *column = &s->columns[s->n_columns++];
		const struct cp_write *write = cells->sorted[from]->write;

		for (to = from; to < cells->n_cells && cells->sorted[to]->column == cells->sorted[from]->column;)
			to++;
		enter_column(c, &cells->sorted[from], to - from);
		c->contest.policy = policy_of(user, write->name, write->name_len);
		CP_TRY(decide_column(c, column, to - from, err));
		s->has_conflict |= column->has_conflict;
	}
	return CP_OK;
}

enum cp_code cp_tree_columns(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		cp_policy_of *policy_of, void *user, struct cp_err *err)
{
	CP_AUTO(revtree) struct cp_revtree tree = { 0 };
	CP_AUTO(cells) struct cp_cells cells = { 0 };
	CP_AUTO(columns) struct columns columns = { .tree = &tree, .cells = &cells };
	CP_AUTO(doc_state) struct cp_doc_state state = { 0 };

	CP_TRY(cp_revtree_grow(&tree, edits, n, err));
	CP_TRY(cp_cells_read(&cells, &tree, err));
	CP_TRY(begin_state(&state, &tree, cells.n_columns, err));
	CP_TRY(begin_columns(&columns, err));
	CP_TRY(decide_columns(&columns, &state, policy_of, user, err));
	CP_TRY(write_revs(&state, &tree, CP_NONE, err));
	hand_out_fates(&state, &tree, columns.fates);
	*out = state;
	state = (struct cp_doc_state){ 0 };
	return CP_OK;
}

/* ---- whole -------------------------------------------------------------------------------- */

struct whole {
	const struct cp_revtree *tree;
	const struct cp_cells *cells;
	struct cp_contest contest;
	const struct cp_cell **content; /* [n_columns] */
	bool *is_covered;               /* [n_nodes] weighed by the settlement, or above what was */
	const struct cp_treerev *chosen; /* by the settlement; NULL while that is not here */
	enum cp_fate *fates;            /* [n_edits] */
};

static void cp_whole_drop(struct whole *w)
{
	cp_contest_drop(&w->contest);
	free(w->content);
	free(w->is_covered);
	free(w->fates);
}

static enum cp_code begin_whole(struct whole *w, enum cp_policy policy, struct cp_err *err)
{
	const struct cp_revtree *t = w->tree;

	CP_TRY(cp_contest_init(&w->contest, t, err));
	w->contest.policy = policy;
	w->content = cp_tree_array(w->cells->n_columns, sizeof(const struct cp_cell *));
	w->is_covered = cp_tree_array(t->n_nodes, sizeof *w->is_covered);
	w->fates = cp_tree_array(t->n_edits, sizeof *w->fates);
	if (w->content == NULL || w->is_covered == NULL || w->fates == NULL)
		return cp_tree_no_memory(err);
	return cp_cells_contents(w->contest.value, w->cells, t, err);
}

static bool is_named(const struct cp_settlement *s, const struct cp_rev *rev)
{
	for (size_t i = 0; i < s->n_weighed; i++)
		if (memcmp(&s->weighed[i], rev, sizeof *rev) == 0)
			return true;
	return false;
}

static bool is_chosen(const struct whole *w, size_t edit)
{
	const struct cp_treerev *r = w->chosen;

	return r && edit >= r->first && edit - r->first < r->n && cp_revtree_counts(w->tree, edit);
}

static void find_chosen(struct whole *w, const struct cp_settlement *s)
{
	const struct cp_treerev *r = is_named(s, &s->stands) ? cp_revtree_find(w->tree, &s->stands) : NULL;

	for (size_t e = r ? r->first : 0; r && e < r->first + r->n; e++)
		if (cp_revtree_counts(w->tree, e))
			w->chosen = r;
}

static enum cp_code cover_weighed(struct whole *w, const struct cp_settlement *s, struct cp_err *err)
{
	for (size_t i = 0; i < s->n_weighed; i++) {
		const struct cp_treerev *r = cp_revtree_find(w->tree, &s->weighed[i]);

		for (size_t e = r ? r->first : 0; r && e < r->first + r->n; e++)
			if (cp_revtree_counts(w->tree, e))
				CP_TRY(cp_revtree_mark(w->tree, e, w->is_covered, err));
	}
	return CP_OK;
}

static bool grew_from_chosen(const struct whole *w, size_t head)
{
	for (size_t e = w->chosen->first; e < w->chosen->first + w->chosen->n; e++)
		if (is_chosen(w, e) && cp_revtree_reaches(w->tree, e, head))
			return true;
	return false;
}

/* Has a head that the lead has not weighed grown from what the lead chose? */
static bool is_outgrown(const struct whole *w)
{
	for (size_t i = 0; i < w->contest.n_heads; i++)
		if (!w->is_covered[w->contest.heads[i]] && grew_from_chosen(w, w->contest.heads[i]))
			return true;
	return false;
}

/*
 * What a settlement leaves open: heads that it has not weighed, and what it chose.
 * Under `latest` an edit that grew from what it chose replaces it, and its author
 * needs no lead for that; under the others it opens the question between them again.
 */
static enum cp_code settle(struct whole *w, const struct cp_settlement *s, struct cp_err *err)
{
	struct cp_contest *c = &w->contest;
	bool is_kept;

	if (s)
		find_chosen(w, s);
	if (w->chosen == NULL)
		return CP_OK;
	CP_TRY(cover_weighed(w, s, err));
	is_kept = c->policy != CP_LATEST || !is_outgrown(w);
	for (size_t i = 0; i < c->n_heads; i++)
		w->fates[c->heads[i]] = CP_OVERRULED; /* unless it is a head still, below */
	c->n_heads = 0;
	for (size_t e = 0; e < w->tree->n_edits; e++) {
		bool is_fresh = cp_revtree_counts(w->tree, e) && !c->is_beaten[e] && !w->is_covered[e];

		if (is_fresh || (is_kept && is_chosen(w, e)))
			c->heads[c->n_heads++] = e;
	}
	return CP_OK;
}

static int severity_of(const struct whole *w, size_t edit)
{
	int highest = 0;

	cp_cells_whole(w->content, w->cells, w->tree, edit);
	for (size_t i = 0; i < w->cells->n_columns; i++)
		if (w->content[i] && w->content[i]->write->severity > highest)
			highest = w->content[i]->write->severity;
	return highest;
}

static enum cp_code decide_whole(struct whole *w, const struct cp_settlement *settlement, struct cp_err *err)
{
	struct cp_contest *c = &w->contest;

	CP_TRY(cp_contest_run(c, err));
	for (size_t e = 0; e < w->tree->n_edits; e++)
		w->fates[e] = c->is_overruled[e] ? CP_OVERRULED : CP_SUPERSEDED;
	CP_TRY(settle(w, settlement, err));
	if (c->policy == CP_SEVEREST && cp_contest_has_several(c))
		for (size_t i = 0; i < c->n_heads; i++)
			c->severity[c->heads[i]] = severity_of(w, c->heads[i]);
	cp_contest_choose(c);
	judge_fates(w->fates, c, NULL, 0);
	return CP_OK;
}

/* The content that the row shows, each column with the edit that wrote it. */
static void show_content(struct cp_doc_state *s, struct whole *w)
{
	cp_cells_whole(w->content, w->cells, w->tree, w->contest.shown);
	for (size_t i = 0; i < w->cells->n_columns; i++) {
		const struct cp_cell *cell = w->content[i];
		size_t index;

		if (cell == NULL)
			continue;
		index = index_of(w->tree, cell->edit);
		s->columns[s->n_columns++] = (struct cp_column_state){
			.name = cell->write->name, .name_len = cell->write->name_len,
			.shown = index, .value = cell->write->value,
			.stands = w->contest.stands == CP_NONE ? CP_NONE : index,
		};
	}
}

static enum cp_code write_whole(struct cp_doc_state *s, struct whole *w, struct cp_err *err)
{
	const struct cp_contest *c = &w->contest;

	show_content(s, w);
	s->has_conflict = c->is_open;
	s->shown = index_of(w->tree, c->shown);
	s->stands = index_of(w->tree, c->stands);
	CP_TRY(list_candidates(&s->candidates, &s->n_candidates, c, err));
	return write_revs(s, w->tree, c->shown, err);
}

enum cp_code cp_tree_whole(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		enum cp_policy policy, const struct cp_settlement *settlement, struct cp_err *err)
{
	CP_AUTO(revtree) struct cp_revtree tree = { 0 };
	CP_AUTO(cells) struct cp_cells cells = { 0 };
	CP_AUTO(whole) struct whole whole = { .tree = &tree, .cells = &cells };
	CP_AUTO(doc_state) struct cp_doc_state state = { 0 };

	CP_TRY(cp_revtree_grow(&tree, edits, n, err));
	CP_TRY(cp_cells_read(&cells, &tree, err));
	CP_TRY(begin_state(&state, &tree, cells.n_columns, err));
	CP_TRY(begin_whole(&whole, policy, err));
	if (tree.n_order) {
		CP_TRY(decide_whole(&whole, settlement, err));
		CP_TRY(write_whole(&state, &whole, err));
	}
	hand_out_fates(&state, &tree, whole.fates);
	*out = state;
	state = (struct cp_doc_state){ 0 };
	return CP_OK;
}

enum cp_code cp_tree_knew(bool *out, const struct cp_edit *edits, size_t n, size_t of,
		const struct cp_rev *revs, size_t n_revs, struct cp_err *err)
{
	CP_AUTO(revtree) struct cp_revtree t = { 0 };
	bool has_known = false;

	assert(of < n);
	CP_TRY(cp_revtree_grow(&t, edits, n, err));
	of = t.edit_of[of];
	for (size_t i = 0; cp_revtree_counts(&t, of) && i < n_revs; i++) {
		const struct cp_treerev *r = cp_revtree_find(&t, &revs[i]);

		for (size_t e = r ? r->first : 0; r && e < r->first + r->n; e++)
			has_known |= cp_revtree_counts(&t, e) && cp_revtree_reaches(&t, e, of);
	}
	*out = has_known;
	return CP_OK;
}
