#include "cli/gather_inner.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1 << 20)

struct cp_pool_piece {
	struct cp_pool_piece *before;
	size_t used, size;
	char bytes[];
};

static struct cp_pool_piece *room_for(struct cp_pool *p, size_t len)
{
	size_t size = len > PIECE / 4 ? len : PIECE;
	struct cp_pool_piece *piece = p->last;

	if (piece != NULL && piece->size - piece->used >= len)
		return piece;
	piece = malloc(sizeof *piece + size);
	if (piece == NULL)
		return NULL;
	*piece = (struct cp_pool_piece){ .before = p->last, .size = size };
	p->last = piece;
	return piece;
}

enum cp_code cp_pool_add(struct cp_pool *p, const char **out, const char *text, size_t len, struct cp_err *err)
{
	struct cp_pool_piece *piece = room_for(p, len + 1);

	if (piece == NULL)
		return cp_fail(err, CP_EIO, "out of memory for what is imported");
	*out = piece->bytes + piece->used;
	memcpy(piece->bytes + piece->used, text, len);
	piece->bytes[piece->used + len] = '\0';
	piece->used += len + 1;
	return CP_OK;
}

static struct cp_index_slot *slot_of(const struct cp_index *x, const char *key, size_t len)
{
	uint64_t hash;
	size_t at;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, len, x->secret);
	at = (size_t)hash & (x->cap - 1);
	while (x->slots[at].key != NULL && (x->slots[at].len != len || memcmp(x->slots[at].key, key, len) != 0))
		at = (at + 1) & (x->cap - 1);
	return &x->slots[at];
}

/* Never more than half full. */
static enum cp_code grow(struct cp_index *x, struct cp_err *err)
{
	struct cp_index bigger = { .cap = x->cap > 0 ? x->cap * 2 : 256, .n = x->n };

	if (x->cap > x->n * 2)
		return CP_OK;
	randombytes_buf(bigger.secret, sizeof bigger.secret);
	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return cp_fail(err, CP_EIO, "out of memory for what is imported");
	for (size_t i = 0; i < x->cap; i++)
		if (x->slots[i].key != NULL)
			*slot_of(&bigger, x->slots[i].key, x->slots[i].len) = x->slots[i];
	free(x->slots);
	*x = bigger;
	return CP_OK;
}

enum cp_code cp_index_add(struct cp_index *x, struct cp_pool *p, const char *key, size_t len, size_t value,
		size_t *out, bool *is_new, struct cp_err *err)
{
	struct cp_index_slot *slot;

	CP_TRY(grow(x, err));
	slot = slot_of(x, key, len);
	*is_new = slot->key == NULL;
	if (*is_new) {
		CP_TRY(cp_pool_add(p, &slot->key, key, len, err));
		slot->len = len;
		slot->value = value;
		x->n++;
	}
	*out = slot->value;
	return CP_OK;
}

/* ---- the gather itself ------------------------------------------------------------------ */

enum cp_code cp_gather_new(struct cp_gather **out, const struct cp_gather_how *how, struct cp_trouble *trouble,
		struct cp_err *err)
{
	struct cp_gather *g = calloc(1, sizeof *g);

	*out = g;
	if (g == NULL)
		return cp_fail(err, CP_EIO, "out of memory for what is imported");
	g->how = *how;
	g->trouble = trouble;
	g->key.max = CP_TEXT_MAX;
	return CP_OK;
}

void cp_gather_free(struct cp_gather *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++) {
		free(g->list[i].results);
		free(g->list[i].metrics);
	}
	while (g->pool.last != NULL) {
		struct cp_pool_piece *before = g->pool.last->before;

		free(g->pool.last);
		g->pool.last = before;
	}
	free(g->cases.slots);
	free(g->results.slots);
	free(g->columns.slots);
	free(g->metrics.slots);
	free(g->unused);
	free(g->list);
	cp_buf_drop(&g->key);
	free(g);
}

void cp_gather_drop(struct cp_gather **g)
{
	cp_gather_free(*g);
	*g = NULL;
}

enum cp_code cp_gather_begin(struct cp_gather *g, struct cp_gathered **out, const struct cp_case_in *in,
		size_t line, struct cp_err *err)
{
	if (g->n == g->cap) {
		size_t cap = g->cap > 0 ? g->cap * 2 : 256;
		struct cp_gathered *more = realloc(g->list, cap * sizeof *more);

		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory for what is imported");
		g->list = more;
		g->cap = cap;
	}
	*out = &g->list[g->n++];
	**out = (struct cp_gathered){ .in = *in, .path = g->where, .line = line };
	return CP_OK;
}

/* The key of a result: the number of its case, its side, its id. */
static enum cp_code result_key(struct cp_gather *g, size_t number, const struct cp_result_in *r, struct cp_err *err)
{
	cp_buf_clear(&g->key);
	return cp_buf_printf(&g->key, err, "%zu %s %s", number, r->side != NULL ? r->side : "-", r->id);
}

/* By rank; those without one stand behind, in the order of their rows. */
static bool ranks_before(const struct cp_result_in *a, const struct cp_result_in *b)
{
	return a->rank > 0 && (b->rank == 0 || a->rank < b->rank);
}

enum cp_code cp_gather_result(struct cp_gather *g, size_t number, const struct cp_result_in *r, bool *is_new,
		struct cp_err *err)
{
	struct cp_gathered *c = &g->list[number];
	size_t there;

	CP_TRY(result_key(g, number, r, err));
	CP_TRY(cp_index_add(&g->results, &g->pool, g->key.data, g->key.len, 0, &there, is_new, err));
	if (!*is_new)
		return CP_OK;
	if (c->in.n_results == c->cap) {
		size_t cap = c->cap > 0 ? c->cap * 2 : 4;
		struct cp_result_in *more = realloc(c->results, cap * sizeof *more);

		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory for what is imported");
		c->results = more;
		c->cap = cap;
	}
	size_t at = c->in.n_results++;
	for (; at > 0 && ranks_before(r, &c->results[at - 1]); at--)
		c->results[at] = c->results[at - 1];
	c->results[at] = *r;
	c->in.results = c->results;
	return CP_OK;
}

static enum cp_code room_for_metric(struct cp_gathered *c, struct cp_err *err)
{
	size_t cap = c->metrics_cap > 0 ? c->metrics_cap * 2 : 4;
	struct cp_metric_in *more;

	if (c->in.n_metrics < c->metrics_cap)
		return CP_OK;
	more = realloc(c->metrics, cap * sizeof *more);
	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory for what is imported");
	c->in.metrics = c->metrics = more;
	c->metrics_cap = cap;
	return CP_OK;
}

enum cp_code cp_gather_metric(struct cp_gather *g, size_t number, const struct cp_metric_in *m, bool *is_good,
		struct cp_err *err)
{
	struct cp_gathered *c = &g->list[number];
	size_t at;
	bool is_new;

	cp_buf_clear(&g->key);
	CP_TRY(cp_buf_printf(&g->key, err, "%zu %s %s %s", number, m->name, m->side ? m->side : "-", m->result ? m->result : ""));
	CP_TRY(cp_index_add(&g->metrics, &g->pool, g->key.data, g->key.len, c->in.n_metrics, &at, &is_new, err));
	*is_good = is_new || strcmp(c->metrics[at].value, m->value) == 0;
	if (!is_new)
		return CP_OK;
	CP_TRY(room_for_metric(c, err));
	c->metrics[c->in.n_metrics++] = *m;
	return CP_OK;
}

enum cp_code cp_gather_note_unused(struct cp_gather *g, const char *name, struct cp_err *err)
{
	const char **more, *kept;
	size_t there;
	bool is_new;

	CP_TRY(cp_index_add(&g->columns, &g->pool, name, strlen(name), 0, &there, &is_new, err));
	if (!is_new)
		return CP_OK;
	more = realloc(g->unused, (g->n_unused + 1) * sizeof *more);
	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory for what is imported");
	g->unused = more;
	CP_TRY(cp_pool_add(&g->pool, &kept, name, strlen(name), err));
	g->unused[g->n_unused++] = kept;
	return CP_OK;
}

size_t cp_gather_count(const struct cp_gather *g)
{
	return g->n;
}

const struct cp_case_in *cp_gather_case(const struct cp_gather *g, size_t i, const char **path, size_t *line)
{
	if (path != NULL)
		*path = g->list[i].path;
	if (line != NULL)
		*line = g->list[i].line;
	return &g->list[i].in;
}

size_t cp_gather_unused(const struct cp_gather *g, const char *const **out_names)
{
	*out_names = g->unused;
	return g->n_unused;
}
