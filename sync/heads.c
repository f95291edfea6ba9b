#include "sync/heads.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/textmerge.h"

/* ---- the revisions and who grew from whom -------------------------------------------------- */

struct node {
	struct cp_head head;
	size_t first, n;         /* its parents' places in the graph's list of them */
	size_t reached, seen;    /* from how many heads, and from which last */
	bool is_parent, is_below; /* of any; of one that is reached from all heads */
};

struct graph {
	struct node *list; size_t n, room; /* sorted by id */
	struct cp_id *parents; size_t n_parents;
};

static void graph_drop(struct graph *g)
{
	free(g->list);
	free(g->parents);
}
#define cp_graph_drop graph_drop

static enum cp_code graph_add(struct graph *g, sqlite3_stmt *q, struct cp_err *err)
{
	size_t n = (size_t)sqlite3_column_bytes(q, 4) / sizeof(struct cp_id), rev = (size_t)sqlite3_column_bytes(q, 1);
	struct cp_id *parents = reallocarray(g->parents, g->n_parents + n + 1, sizeof *parents);
	struct node *node;

	if (parents != NULL)
		g->parents = parents;
	if (parents != NULL && g->n == g->room) {
		struct node *list = reallocarray(g->list, g->room * 2 + 16, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		g->list = list;
		g->room = g->room * 2 + 16;
	}
	if (parents == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	node = &g->list[g->n++];
	memset(node, 0, sizeof *node);
	cp_col_id(q, 0, &node->head.id);
	if (rev >= sizeof node->head.rev)
		memcpy(&node->head.rev, sqlite3_column_blob(q, 1), sizeof node->head.rev);
	node->head.number = sqlite3_column_int64(q, 2);
	node->head.clock = sqlite3_column_int64(q, 3);
	node->first = g->n_parents;
	node->n = n;
	if (n > 0)
		memcpy(&g->parents[g->n_parents], sqlite3_column_blob(q, 4), n * sizeof *parents);
	g->n_parents += n;
	return CP_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(&((const struct node *)a)->head.id, &((const struct node *)b)->head.id, sizeof(struct cp_id));
}

/* Parent number i of the node, NULL when it is not here. */
static struct node *parent_of(const struct graph *g, const struct node *node, size_t i)
{
	struct node key = { .head.id = g->parents[node->first + i] };

	return bsearch(&key, g->list, g->n, sizeof key, by_id);
}

static enum cp_code graph_load(struct cp_store *s, bool is_form, const struct cp_id *text, struct graph *g,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, CP_REVISIONS(is_form, "SELECT id, rev, number, clock, parents FROM ",
			" WHERE parent_doc = ?1 ORDER BY id"), "d", text));
	for (;;) {
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		code = graph_add(g, q, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
	for (size_t i = 0; i < g->n; i++)
		for (size_t p = 0; p < g->list[i].n; p++) {
			struct node *parent = parent_of(g, &g->list[i], p);

			if (parent != NULL)
				parent->is_parent = true;
		}
	return CP_OK;
}

/* ---- the nearest common ancestor ------------------------------------------------------------- */

/* All that head number grew from is reached by one more. */
static void climb(const struct graph *g, struct node *head, size_t number, struct node **stack)
{
	size_t depth = 0;

	for (stack[depth++] = head; depth > 0;) {
		const struct node *node = stack[--depth];

		for (size_t i = 0; i < node->n; i++) {
			struct node *parent = parent_of(g, node, i);

			if (parent == NULL || parent->seen == number)
				continue;
			parent->seen = number;
			parent->reached++;
			stack[depth++] = parent;
		}
	}
}

static void find_base(const struct graph *g, struct cp_heads *h)
{
	const struct node *best = NULL;

	for (size_t i = 0; i < g->n; i++)
		for (size_t p = 0; g->list[i].reached == h->n && p < g->list[i].n; p++) {
			struct node *parent = parent_of(g, &g->list[i], p);

			if (parent != NULL)
				parent->is_below = true;
		}
	for (size_t i = 0; i < g->n; i++)
		if (g->list[i].reached == h->n && !g->list[i].is_below && (best == NULL ||
				memcmp(&g->list[i].head.rev, &best->head.rev, sizeof best->head.rev) < 0))
			best = &g->list[i];
	h->has_base = best != NULL;
	if (best != NULL)
		h->base = best->head.id;
}

static enum cp_code climb_from_all(const struct graph *g, struct cp_heads *h, struct cp_err *err)
{
	struct node **stack = malloc((g->n + 1) * sizeof *stack);
	size_t number = 0;

	if (stack == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < g->n; i++)
		if (!g->list[i].is_parent)
			climb(g, &g->list[i], ++number, stack);
	free(stack);
	find_base(g, h);
	return CP_OK;
}

/* ---- the heads ---------------------------------------------------------------------------------- */

void cp_heads_drop(struct cp_heads *h)
{
	free(h->list);
	memset(h, 0, sizeof *h);
}

static int by_rev(const void *a, const void *b)
{
	const struct cp_head *x = a, *y = b;
	int order = memcmp(&x->rev, &y->rev, sizeof x->rev);

	return order != 0 ? order : memcmp(&x->id, &y->id, sizeof x->id);
}

static enum cp_code current_of(struct cp_store *s, bool is_form, const struct cp_id *text, struct cp_id *out,
		struct cp_err *err)
{
	return cp_query_id(s, out, err, is_form ? "SELECT " CP_CURRENT("form_versions", "?1")
			: "SELECT " CP_CURRENT("guideline_revisions", "?1"), "d", text);
}

/* Devices and relays hold some revisions only: what lies between two of them may be missing. */
static bool holds_all(const struct cp_store *s)
{
	return s->me.is_hub && s->me.role == CP_LEAD;
}

enum cp_code cp_heads_load(struct cp_store *s, bool is_form, const struct cp_id *text, struct cp_heads *out,
		struct cp_err *err)
{
	CP_AUTO(graph) struct graph g = { 0 };
	struct cp_id current;

	memset(out, 0, sizeof *out);
	CP_TRY(graph_load(s, is_form, text, &g, err));
	CP_TRY(current_of(s, is_form, text, &current, err));
	out->list = calloc(g.n + 1, sizeof *out->list);
	if (out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < g.n; i++)
		if (holds_all(s) ? !g.list[i].is_parent : cp_id_equal(&g.list[i].head.id, &current))
			out->list[out->n++] = g.list[i].head;
	if (out->n > 1)
		CP_TRY(climb_from_all(&g, out, err));
	qsort(out->list, out->n, sizeof *out->list, by_rev);
	return CP_OK;
}

/* ---- their text ----------------------------------------------------------------------------------- */

enum cp_code cp_revision_body(struct cp_store *s, bool is_form, const struct cp_id *revision, struct cp_buf *out,
		struct cp_err *err)
{
	return cp_query_text(s, out, NULL, err, CP_REVISIONS(is_form, "SELECT body FROM ", " WHERE id = ?1"), "d", revision);
}

static enum cp_code merged(struct cp_store *s, const struct cp_heads *h, struct cp_buf *bodies, struct cp_merge_side *sides,
		struct cp_buf *out, size_t *overlaps, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf before = CP_BUF(CP_TEXT_MAX);
	char (*labels)[64] = calloc(h->n, sizeof *labels);
	enum cp_code code = labels != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory");

	if (code == CP_OK && h->has_base)
		code = cp_revision_body(s, false, &h->base, &before, err);
	for (size_t i = 0; i < h->n && code == CP_OK; i++) {
		char hex[CP_ID_HEX];

		code = cp_revision_body(s, false, &h->list[i].id, &bodies[i], err);
		snprintf(labels[i], sizeof labels[i], "revision %lld (%.12s)", (long long)h->list[i].number,
				cp_hex(hex, h->list[i].id.bytes, sizeof h->list[i].id.bytes));
		sides[i] = (struct cp_merge_side){ labels[i], bodies[i].data, bodies[i].len };
	}
	if (code == CP_OK)
		code = cp_textmerge(out, overlaps, &(struct cp_merge_side){ "before", before.data, before.len }, sides, h->n, err);
	free(labels);
	return code;
}

static enum cp_code merge_all(struct cp_store *s, const struct cp_heads *h, struct cp_buf *out, size_t *overlaps,
		struct cp_err *err)
{
	struct cp_buf *bodies = calloc(h->n, sizeof *bodies);
	struct cp_merge_side *sides = calloc(h->n, sizeof *sides);
	enum cp_code code = bodies != NULL && sides != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory");

	for (size_t i = 0; i < h->n && code == CP_OK; i++)
		bodies[i] = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	if (code == CP_OK)
		code = merged(s, h, bodies, sides, out, overlaps, err);
	for (size_t i = 0; i < h->n && bodies != NULL; i++)
		cp_buf_drop(&bodies[i]);
	free(bodies);
	free(sides);
	return code;
}

enum cp_code cp_heads_text(struct cp_store *s, bool is_form, const struct cp_id *text, const struct cp_heads *h,
		struct cp_buf *out, size_t *overlaps, struct cp_err *err)
{
	struct cp_id current;

	*overlaps = is_form && h->n > 1;
	if (!is_form && h->n > 1)
		return merge_all(s, h, out, overlaps, err);
	CP_TRY(current_of(s, is_form, text, &current, err));
	return cp_revision_body(s, is_form, &current, out, err);
}

/* ---- the conflict ----------------------------------------------------------------------------------- */

/* What a revision is, for people. */
static enum cp_code say_revision(struct cp_store *s, bool is_form, const struct cp_id *id, struct cp_buf *out,
		struct cp_err *err)
{
	char number[24], hex[CP_ID_HEX], *text;
	sqlite3_stmt *q;
	bool row;
	json_t *o;
	enum cp_code code;

	CP_TRY(cp_query(s, &q, err, CP_REVISIONS(is_form, "SELECT number, kind, note FROM ", " WHERE id = ?1"), "d", id));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "a revision is gone"); /* it was there a moment ago */
	snprintf(number, sizeof number, "%lld", (long long)sqlite3_column_int64(q, 0));
	o = json_pack("{s:s, s:s, s:s}", is_form ? "version" : "revision", number, "kind", cp_col_text(q, 1),
			"id", cp_hex(hex, id->bytes, sizeof id->bytes));
	json_object_set_new(o, "note", json_string(cp_col_text(q, 2))); /* left out where it is no UTF-8 */
	sqlite3_reset(q);
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	code = text != NULL ? cp_buf_puts(out, text, err) : cp_fail(err, CP_EIO, "out of memory");
	free(text);
	return code;
}

static enum cp_code write_head(struct cp_store *s, bool is_form, const struct cp_id *text, const struct cp_head *h,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(CP_TEXT_MAX);

	CP_TRY(say_revision(s, is_form, &h->id, &words, err));
	return cp_run(s, err, "INSERT INTO candidates(doc, tbl, col, rev, commit_no, clock, value)"
			" SELECT ?1, ?2, 'text', rev, commit_no, ?6, ?7 FROM edits WHERE doc = ?3 AND tbl = ?4 AND rev = ?5",
			"didirit", text, (int64_t)(is_form ? CP_T_FORMS : CP_T_GUIDELINES), &h->id,
			(int64_t)(is_form ? CP_T_FORM_VERSIONS : CP_T_GUIDELINE_REVISIONS), &h->rev, h->clock, words.data);
}

static enum cp_code write_conflict(struct cp_store *s, bool is_form, const struct cp_id *text, const struct cp_heads *h,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX), base = CP_BUF(CP_TEXT_MAX);
	const struct cp_head *stands = &h->list[0];
	struct cp_id current;
	size_t overlaps;

	CP_TRY(cp_heads_text(s, is_form, text, h, &body, &overlaps, err));
	CP_TRY(current_of(s, is_form, text, &current, err));
	for (size_t i = 0; i < h->n; i++)
		if (cp_id_equal(&h->list[i].id, &current))
			stands = &h->list[i];
	if (h->has_base)
		CP_TRY(say_revision(s, is_form, &h->base, &base, err));
	CP_TRY(cp_run(s, err, "INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands, base)"
			" VALUES(?1, ?2, 'text', 'text', 1, ?3, ?4, ?5)", "ditrt", text,
			(int64_t)(is_form ? CP_T_FORMS : CP_T_GUIDELINES), overlaps > 0 ? "overlaps" : "merges", &stands->rev,
			base.data ? base.data : ""));
	for (size_t i = 0; i < h->n; i++)
		CP_TRY(write_head(s, is_form, text, &h->list[i], err));
	return CP_OK;
}

enum cp_code cp_heads_settle(struct cp_store *s, bool is_form, const struct cp_id *text, struct cp_err *err)
{
	int64_t table = is_form ? CP_T_FORMS : CP_T_GUIDELINES;
	struct cp_heads h;
	enum cp_code code;

	CP_TRY(cp_run(s, err, "DELETE FROM candidates WHERE doc = ?1 AND tbl = ?2 AND col = 'text'", "di", text, table));
	CP_TRY(cp_run(s, err, "DELETE FROM conflicts WHERE doc = ?1 AND tbl = ?2 AND col = 'text'", "di", text, table));
	code = cp_heads_load(s, is_form, text, &h, err);
	if (code == CP_OK && h.n > 1)
		code = write_conflict(s, is_form, text, &h, err);
	cp_heads_drop(&h);
	return code;
}

/* The first text of that kind whose id is behind after. */
static enum cp_code next_text(struct cp_store *s, bool is_form, const struct cp_id *after, struct cp_id *out, bool *found,
		struct cp_err *err)
{
	CP_TRY(cp_query_id(s, out, err, is_form ? "SELECT id FROM forms WHERE id > ?1 ORDER BY id LIMIT 1"
			: "SELECT id FROM guidelines WHERE id > ?1 ORDER BY id LIMIT 1", "d", after));
	*found = !sodium_is_zero(out->bytes, sizeof out->bytes);
	return CP_OK;
}

enum cp_code cp_heads_again(struct cp_store *s, struct cp_err *err)
{
	for (int is_form = 0; is_form < 2; is_form++) {
		struct cp_id text, after = { { 0 } };
		bool found;

		for (;; after = text) {
			CP_TRY(next_text(s, is_form, &after, &text, &found, err));
			if (!found)
				break;
			CP_TRY(cp_heads_settle(s, is_form, &text, err));
		}
	}
	return CP_OK;
}
