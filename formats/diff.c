/*
 * The lines become numbers, equal lines the same number; Myers' O(ND) search in
 * linear space marks what goes and what comes; the marks are printed as hunks
 * (cp_text_diff), or say which line is which (cp_text_pair).
 *
 * The search is bounded: where two stretches differ by more than a set cost it
 * splits at the furthest point it has reached. The result is then still a right
 * diff, only perhaps not the shortest one.
 */
#include "formats/text.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORK_MAX ((size_t)1 << 30) /* steps of the search, roughly, over a whole text */
#define COST_MIN 64
#define COST_MAX 4096
#define LINES_MAX ((size_t)1 << 30)

/* A text as lines: line i is the bytes from start[i] to start[i + 1], its newline included. */
struct lines {
	const char *text;
	size_t n;
	size_t *start;
	uint32_t *kind; /* equal lines have equal kinds */
	bool *changed;
};

/*
 * The search. A diagonal is x - y; reach[d] is the furthest x known on it. Both
 * tables have a place in front of the first diagonal and one behind the last.
 */
struct search {
	struct lines *a, *b;
	ptrdiff_t *table;              /* owned: both tables */
	ptrdiff_t *forward, *backward; /* at diagonal 0 */
	ptrdiff_t cost_max;
};

/* A stretch of both texts, ends not included. */
struct box { ptrdiff_t a, a_end, b, b_end; };

struct point { ptrdiff_t x, y; };

/* The diagonals that one side has reached at the present cost: every second one. */
struct front { ptrdiff_t low, high; };

static void cp_lines_drop(struct lines *l)
{
	free(l->start);
	free(l->kind);
	free(l->changed);
}

static size_t count_lines(const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	size_t n = 0;

	while (at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at == NULL ? end : at + 1;
		n++;
	}
	return n;
}

static void find_starts(struct lines *l, size_t len)
{
	const char *at = l->text, *end = l->text + len;

	for (size_t i = 0; i < l->n; i++) {
		l->start[i] = (size_t)(at - l->text);
		at = memchr(at, '\n', (size_t)(end - at));
		at = at == NULL ? end : at + 1;
	}
	l->start[l->n] = len;
}

static enum cp_code split(struct lines *l, const char *text, size_t len, struct cp_err *err)
{
	l->text = len > 0 ? text : "";
	l->n = count_lines(l->text, len);
	if (l->n > LINES_MAX)
		return cp_fail(err, CP_EFORMAT, "%zu lines are too many to compare", l->n);
	l->start = calloc(l->n + 1, sizeof *l->start);
	l->kind = calloc(l->n + 1, sizeof *l->kind);
	l->changed = calloc(l->n + 1, sizeof *l->changed);
	if (l->start == NULL || l->kind == NULL || l->changed == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu lines", l->n);
	find_starts(l, len);
	return CP_OK;
}

struct kind {
	const char *line;
	size_t len;
};

/* All different lines met so far; slot holds 0 or the number of a kind. */
struct kinds {
	struct kind *all;
	uint32_t n, *slot;
	size_t mask;
	unsigned char key[crypto_shorthash_KEYBYTES]; /* a text cannot be made to collide */
};

static void cp_kinds_drop(struct kinds *k)
{
	free(k->all);
	free(k->slot);
}

static enum cp_code kinds_begin(struct kinds *k, size_t most, struct cp_err *err)
{
	size_t slots = 64;

	while (slots < most * 2)
		slots *= 2;
	k->mask = slots - 1;
	k->slot = calloc(slots, sizeof *k->slot);
	k->all = calloc(most + 1, sizeof *k->all);
	if (k->slot == NULL || k->all == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu lines", most);
	randombytes_buf(k->key, sizeof k->key);
	return CP_OK;
}

static uint32_t kind_of(struct kinds *k, const char *line, size_t len)
{
	uint64_t hash;
	size_t at;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)line, len, k->key);
	for (at = (size_t)hash & k->mask; k->slot[at] != 0; at = (at + 1) & k->mask) {
		const struct kind *known = &k->all[k->slot[at]];

		if (known->len == len && memcmp(known->line, line, len) == 0)
			return k->slot[at];
	}
	k->slot[at] = ++k->n;
	k->all[k->n] = (struct kind){ line, len };
	return k->n;
}

static void name_kinds(struct kinds *k, struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->kind[i] = kind_of(k, l->text + l->start[i], l->start[i + 1] - l->start[i]);
}

/* One more edit widens the front, unless the box ends there. edge is worse than any reach. */
static void widen(struct front *f, ptrdiff_t *reach, const struct box *box, ptrdiff_t edge)
{
	if (f->low > box->a - box->b_end)
		reach[--f->low - 1] = edge;
	else
		++f->low;
	if (f->high < box->a_end - box->b)
		reach[++f->high + 1] = edge;
	else
		--f->high;
}

static bool holds(const struct front *f, ptrdiff_t diagonal)
{
	return f->low <= diagonal && diagonal <= f->high;
}

/* The furthest points from the top left at one more edit; true with the point where both sides meet. */
static bool go_forward(struct point *out, const struct search *s, const struct box *box, struct front *f,
		const struct front *other)
{
	ptrdiff_t *reach = s->forward, x, y;

	widen(f, reach, box, -1);
	for (ptrdiff_t d = f->high; d >= f->low; d -= 2) {
		x = reach[d - 1] >= reach[d + 1] ? reach[d - 1] + 1 : reach[d + 1];
		for (y = x - d; x < box->a_end && y < box->b_end && s->a->kind[x] == s->b->kind[y]; y++)
			x++;
		reach[d] = x;
		if (other != NULL && holds(other, d) && s->backward[d] <= x) {
			*out = (struct point){ x, y };
			return true;
		}
	}
	return false;
}

/* The same from the bottom right. */
static bool go_backward(struct point *out, const struct search *s, const struct box *box, struct front *f,
		const struct front *other)
{
	ptrdiff_t *reach = s->backward, x, y;

	widen(f, reach, box, PTRDIFF_MAX);
	for (ptrdiff_t d = f->high; d >= f->low; d -= 2) {
		x = reach[d - 1] < reach[d + 1] ? reach[d - 1] : reach[d + 1] - 1;
		for (y = x - d; x > box->a && y > box->b && s->a->kind[x - 1] == s->b->kind[y - 1]; y--)
			x--;
		reach[d] = x;
		if (other != NULL && holds(other, d) && x <= s->forward[d]) {
			*out = (struct point){ x, y };
			return true;
		}
	}
	return false;
}

/* The point nearest to the end that the forward side has reached. */
static struct point furthest(const struct search *s, const struct box *box, const struct front *f)
{
	struct point best = { box->a, box->b };
	ptrdiff_t x;

	for (ptrdiff_t d = f->low; d <= f->high; d += 2) {
		x = s->forward[d] < box->a_end ? s->forward[d] : box->a_end;
		if (x - d > box->b_end)
			x = box->b_end + d;
		if (x + x - d > best.x + best.y)
			best = (struct point){ x, x - d };
	}
	return best;
}

/* A point through which a shortest way goes, or past the bound some good way. */
static struct point middle(const struct search *s, const struct box *box)
{
	struct front f, g;
	struct point meet = { 0, 0 };
	bool is_odd;

	f.low = f.high = box->a - box->b;
	g.low = g.high = box->a_end - box->b_end;
	is_odd = (f.low - g.low) & 1;
	s->forward[f.low] = box->a;
	s->backward[g.low] = box->a_end;
	for (ptrdiff_t cost = 1;; cost++) {
		if (go_forward(&meet, s, box, &f, is_odd ? &g : NULL))
			return meet;
		if (go_backward(&meet, s, box, &g, is_odd ? NULL : &f))
			return meet;
		if (cost >= s->cost_max)
			return furthest(s, box, &f);
	}
}

static void trim(const struct search *s, struct box *box)
{
	while (box->a < box->a_end && box->b < box->b_end && s->a->kind[box->a] == s->b->kind[box->b])
		box->a++, box->b++;
	while (box->a < box->a_end && box->b < box->b_end &&
			s->a->kind[box->a_end - 1] == s->b->kind[box->b_end - 1])
		box->a_end--, box->b_end--;
}

/* Marks what differs. The first part of a split has half the cost, so this is never deep. */
static void compare(const struct search *s, struct box box)
{
	struct point p;

	for (;;) {
		trim(s, &box);
		if (box.a == box.a_end || box.b == box.b_end)
			break;
		p = middle(s, &box);
		compare(s, (struct box){ box.a, p.x, box.b, p.y });
		box.a = p.x;
		box.b = p.y;
	}
	memset(s->a->changed + box.a, true, (size_t)(box.a_end - box.a));
	memset(s->b->changed + box.b, true, (size_t)(box.b_end - box.b));
}

static enum cp_code search(struct lines *a, struct lines *b, struct cp_err *err)
{
	struct search s = { .a = a, .b = b };
	struct box whole = { 0, (ptrdiff_t)a->n, 0, (ptrdiff_t)b->n };
	size_t diagonals = a->n + b->n + 3, cost = WORK_MAX / diagonals;

	s.cost_max = cost < COST_MIN ? COST_MIN : cost > COST_MAX ? COST_MAX : (ptrdiff_t)cost;
	s.table = calloc(diagonals, 2 * sizeof *s.table);
	if (s.table == NULL)
		return cp_fail(err, CP_EIO, "out of memory to compare %zu lines", a->n + b->n);
	s.forward = s.table + b->n + 1;
	s.backward = s.forward + diagonals;
	compare(&s, whole);
	free(s.table);
	return CP_OK;
}

/*
 * A block of lines that came or went alone is moved down as far as equal lines
 * let it, so that an added paragraph shows as itself and not as two halves.
 */
static void slide(struct lines *l, const struct lines *other)
{
	size_t i = 0, j = 0, end;

	while (i < l->n) {
		if (!l->changed[i]) {
			while (other->changed[j])
				j++;
			i++, j++;
			continue;
		}
		for (end = i; end < l->n && l->changed[end]; end++)
			;
		while (end < l->n && j < other->n && !other->changed[j] && l->kind[i] == l->kind[end]) {
			l->changed[i++] = false;
			l->changed[end++] = true;
			j++;
			while (end < l->n && l->changed[end])
				end++;
		}
		i = end;
	}
}

/* Where one run of changes begins and ends in both texts. */
static bool next_change(struct box *out, const struct lines *a, const struct lines *b, size_t i, size_t j)
{
	while (i < a->n && j < b->n && !a->changed[i] && !b->changed[j])
		i++, j++;
	out->a = (ptrdiff_t)i;
	out->b = (ptrdiff_t)j;
	while (i < a->n && a->changed[i])
		i++;
	while (j < b->n && b->changed[j])
		j++;
	out->a_end = (ptrdiff_t)i;
	out->b_end = (ptrdiff_t)j;
	return out->a < out->a_end || out->b < out->b_end;
}

static enum cp_code add_line(struct cp_buf *out, char sign, const struct lines *l, ptrdiff_t i,
		struct cp_err *err)
{
	size_t len = l->start[i + 1] - l->start[i];
	const char *line = l->text + l->start[i];

	CP_TRY(cp_buf_add(out, &sign, 1, err));
	CP_TRY(cp_buf_add(out, line, len, err));
	if (line[len - 1] == '\n')
		return CP_OK;
	return cp_buf_puts(out, "\n\\ No newline at end of file\n", err);
}

static enum cp_code add_range(struct cp_buf *out, char sign, ptrdiff_t from, ptrdiff_t to, struct cp_err *err)
{
	ptrdiff_t n = to - from;

	if (n == 1)
		return cp_buf_printf(out, err, "%c%td", sign, to);
	return cp_buf_printf(out, err, "%c%td,%td", sign, n == 0 ? from : from + 1, n);
}

static enum cp_code add_hunk(struct cp_buf *out, const struct lines *a, const struct lines *b,
		const struct box *hunk, struct cp_err *err)
{
	ptrdiff_t i = hunk->a, j = hunk->b;

	CP_TRY(cp_buf_puts(out, "@@ ", err));
	CP_TRY(add_range(out, '-', hunk->a, hunk->a_end, err));
	CP_TRY(cp_buf_puts(out, " ", err));
	CP_TRY(add_range(out, '+', hunk->b, hunk->b_end, err));
	CP_TRY(cp_buf_puts(out, " @@\n", err));
	while (i < hunk->a_end || j < hunk->b_end) {
		if (i < hunk->a_end && a->changed[i]) {
			CP_TRY(add_line(out, '-', a, i++, err));
		} else if (j < hunk->b_end && b->changed[j]) {
			CP_TRY(add_line(out, '+', b, j++, err));
		} else {
			CP_TRY(add_line(out, ' ', a, i++, err));
			j++;
		}
	}
	return CP_OK;
}

/* From one run of changes on: the whole hunk, with all runs whose context touches. */
static void grow(struct box *hunk, const struct lines *a, const struct lines *b, ptrdiff_t context)
{
	ptrdiff_t before = hunk->a < context ? hunk->a : context, after;
	struct box next;

	while (next_change(&next, a, b, (size_t)hunk->a_end, (size_t)hunk->b_end) &&
			next.a - hunk->a_end <= 2 * context) {
		hunk->a_end = next.a_end;
		hunk->b_end = next.b_end;
	}
	after = (ptrdiff_t)a->n - hunk->a_end;
	after = after < context ? after : context;
	hunk->a -= before;
	hunk->b -= before;
	hunk->a_end += after;
	hunk->b_end += after;
}

static enum cp_code add_hunks(struct cp_buf *out, const struct lines *a, const struct lines *b,
		ptrdiff_t context, struct cp_err *err)
{
	struct box hunk = { 0, 0, 0, 0 };

	while (next_change(&hunk, a, b, (size_t)hunk.a_end, (size_t)hunk.b_end)) {
		grow(&hunk, a, b, context);
		CP_TRY(add_hunk(out, a, b, &hunk, err));
	}
	return CP_OK;
}

/* Marks in both texts what differs between them. */
static enum cp_code mark(struct lines *old, struct lines *new, const char *a, size_t a_len, const char *b, size_t b_len,
		struct cp_err *err)
{
	CP_AUTO(kinds) struct kinds kinds = { 0 };

	CP_TRY(split(old, a, a_len, err));
	CP_TRY(split(new, b, b_len, err));
	CP_TRY(kinds_begin(&kinds, old->n + new->n, err));
	name_kinds(&kinds, old);
	name_kinds(&kinds, new);
	CP_TRY(search(old, new, err));
	slide(old, new);
	slide(new, old);
	return CP_OK;
}

enum cp_code cp_text_diff(struct cp_buf *out, const char *a, size_t a_len, const char *b, size_t b_len,
		unsigned context, struct cp_err *err)
{
	CP_AUTO(lines) struct lines old = { 0 }, new = { 0 };
	size_t before = out->len;
	enum cp_code code;

	CP_TRY(mark(&old, &new, a, a_len, b, b_len, err));
	code = add_hunks(out, &old, &new, (ptrdiff_t)context, err);
	if (code != CP_OK && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return code;
}

enum cp_code cp_text_pair(size_t **out, size_t *n, const char *a, size_t a_len, const char *b, size_t b_len,
		struct cp_err *err)
{
	CP_AUTO(lines) struct lines old = { 0 }, new = { 0 };
	size_t *from, i = 0;

	CP_TRY(mark(&old, &new, a, a_len, b, b_len, err));
	from = calloc(new.n + 1, sizeof *from);
	if (from == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu lines", new.n);
	for (size_t j = 0; j < new.n; j++) {
		while (!new.changed[j] && old.changed[i])
			i++;
		from[j] = new.changed[j] ? CP_LINE_NEW : i++;
	}
	*out = from;
	*n = new.n;
	return CP_OK;
}
