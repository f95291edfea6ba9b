#include "formats/needles.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void cp_needles_drop(struct cp_needles *n)
{
	free(n->list);
	free(n->pairs);
	free(n->firsts);
	cp_buf_drop(&n->bytes);
	*n = (struct cp_needles)CP_NEEDLES;
}

enum cp_code cp_needles_add(struct cp_needles *n, const void *bytes, size_t len, bool is_word, uint32_t kind,
		const struct cp_id *owner, struct cp_err *err)
{
	size_t room = n->room ? 2 * n->room : 256;
	struct cp_needle *more;

	assert(n->firsts == NULL);
	if (len < CP_NEEDLE_MIN)
		return cp_fail(err, CP_EINPUT, "%zu bytes are too few to look for", len);
	if (n->n == n->room) {
		more = reallocarray(n->list, room, sizeof *more);
		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		n->list = more;
		n->room = room;
	}
	n->list[n->n] = (struct cp_needle){ kind, *owner, is_word, len, n->bytes.len, SIZE_MAX };
	CP_TRY(cp_buf_add(&n->bytes, bytes, len, err));
	n->n++;
	return CP_OK;
}

static const uint8_t *bytes_of(const struct cp_needles *n, const struct cp_needle *needle)
{
	return (const uint8_t *)n->bytes.data + needle->at;
}

static int by_bytes(const void *a, const void *b, void *user)
{
	const struct cp_needle *x = a, *y = b;
	const struct cp_needles *n = user;
	int order = memcmp(bytes_of(n, x), bytes_of(n, y), x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static size_t pair_of(const uint8_t *bytes)
{
	uint16_t pair;

	memcpy(&pair, bytes, sizeof pair);
	return pair;
}

static bool is_marked(const uint64_t *bits, size_t slot)
{
	return (bits[slot / 64] >> slot % 64 & 1) != 0;
}

static void mark(uint64_t *bits, size_t slot)
{
	bits[slot / 64] |= (uint64_t)1 << slot % 64;
}

static size_t slot_of(const uint8_t *bytes, unsigned bits)
{
	uint64_t first;

	memcpy(&first, bytes, sizeof first);
	return (size_t)(first * 0x9e3779b97f4a7c15u >> (64 - bits));
}

static bool begins_with(const struct cp_needles *n, const struct cp_needle *x, const struct cp_needle *with)
{
	return with->len <= x->len && memcmp(bytes_of(n, x), bytes_of(n, with), with->len) == 0;
}

/* In sorted order what one begins with stands before it, and is the one before or one that that begins with. */
static void link_shorter(struct cp_needles *n)
{
	for (size_t i = 1; i < n->n; i++) {
		size_t k = i - 1;

		while (k != SIZE_MAX && !begins_with(n, &n->list[i], &n->list[k]))
			k = n->list[k].shorter;
		n->list[i].shorter = k;
	}
}

enum cp_code cp_needles_ready(struct cp_needles *n, struct cp_err *err)
{
	for (n->bits = 16; n->bits < 26 && (size_t)1 << n->bits < 16 * n->n; n->bits++)
		;
	n->firsts = calloc(((size_t)1 << n->bits) / 64, sizeof *n->firsts);
	n->pairs = calloc(65536 / 64, sizeof *n->pairs);
	if (n->firsts == NULL || n->pairs == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (n->n > 1)
		qsort_r(n->list, n->n, sizeof *n->list, by_bytes, n);
	link_shorter(n);
	for (size_t i = 0; i < n->n; i++) {
		mark(n->pairs, pair_of(bytes_of(n, &n->list[i])));
		mark(n->firsts, slot_of(bytes_of(n, &n->list[i]), n->bits));
	}
	return CP_OK;
}

/* ---- looking ------------------------------------------------------------------------------ */

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool stands_alone(const uint8_t *bytes, size_t len, size_t at, size_t n)
{
	return !(at > 0 && is_alnum(bytes[at]) && is_alnum(bytes[at - 1])) &&
		!(at + n < len && is_alnum(bytes[at + n - 1]) && is_alnum(bytes[at + n]));
}

/* Negative: the needle is before the text that begins at bytes; 0: the text begins with it. */
static int against(const struct cp_needles *n, const struct cp_needle *needle, const uint8_t *bytes, size_t len)
{
	int order = memcmp(bytes_of(n, needle), bytes, needle->len < len ? needle->len : len);

	return order != 0 ? order : needle->len > len;
}

/* The last one that is not behind the text, and those that it begins with, are all that the text can begin with. */
static const struct cp_needle *find_at(const struct cp_needles *n, const uint8_t *bytes, size_t len, size_t at)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (against(n, &n->list[middle], bytes + at, len - at) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t k = low - 1; k != SIZE_MAX; k = n->list[k].shorter) {
		const struct cp_needle *x = &n->list[k];

		if (against(n, x, bytes + at, len - at) == 0 && (!x->is_word || stands_alone(bytes, len, at, x->len)))
			return x;
	}
	return NULL;
}

const struct cp_needle *cp_needles_find(const struct cp_needles *n, const void *bytes, size_t len, size_t *out_at)
{
	const uint8_t *text = bytes;

	assert(n->firsts != NULL);
	if (n->n == 0)
		return NULL;
	for (size_t at = 0; at + CP_NEEDLE_MIN <= len; at++) {
		const struct cp_needle *found;

		if (!is_marked(n->pairs, pair_of(text + at)) || !is_marked(n->firsts, slot_of(text + at, n->bits)))
			continue;
		found = find_at(n, text, len, at);
		if (found != NULL && out_at != NULL)
			*out_at = at;
		if (found != NULL)
			return found;
	}
	return NULL;
}
