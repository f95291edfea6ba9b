#include "sync/changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/inner.h"

#define KEPT_MAX ((size_t)64 << 20) /* bytes of changesets and indexes; past it all are forgotten but the one asked for */

/* Where a document's change begins: a reader that stands before it. */
struct place { struct cp_id doc; struct cp_changeset before; };
struct kept {
	char oid[41];
	struct cp_buf bytes;
	struct place *places; size_t n, room; /* sorted by document, then as written */
};
struct cp_changes { struct kept *list; size_t n, room, size; };

static void kept_drop(struct kept *k)
{
	cp_buf_drop(&k->bytes);
	free(k->places);
}
#define cp_kept_drop kept_drop

static void forget(struct cp_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		kept_drop(&c->list[i]);
	c->n = c->size = 0;
}

void cp_changes_free(struct cp_changes *c)
{
	if (c == NULL)
		return;
	forget(c);
	free(c->list);
	free(c);
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = memcmp(&x->doc, &y->doc, sizeof x->doc);

	return order ? order : (x->before.at > y->before.at) - (x->before.at < y->before.at);
}

static void place_add(struct kept *k, const struct cp_changeset *before, const struct cp_change *c)
{
	struct place *p;

	if (k->n == k->room) {
		k->room = k->room * 2 + 16;
		k->places = reallocarray(k->places, k->room, sizeof *k->places);
		assert(k->places != NULL);
	}
	p = &k->places[k->n++];
	memcpy(&p->doc, cp_change_key(c, 0)->bytes, sizeof p->doc);
	p->before = *before;
}

static enum cp_code make_index(struct kept *k, struct cp_err *err)
{
	struct cp_changeset r, before;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, k->bytes.data, k->bytes.len, cp_shapes, CP_T_COUNT);
	for (;;) {
		before = r;
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			break;
		place_add(k, &before, &c);
	}
	if (k->n > 0)
		qsort(k->places, k->n, sizeof *k->places, by_place);
	return CP_OK;
}

static struct kept *keep(struct cp_changes *all, struct kept *k)
{
	size_t size = k->bytes.cap + k->room * sizeof *k->places;

	if (all->size + size > KEPT_MAX)
		forget(all);
	if (all->n == all->room) {
		all->room = all->room * 2 + 16;
		all->list = reallocarray(all->list, all->room, sizeof *all->list);
		assert(all->list != NULL);
	}
	all->size += size;
	all->list[all->n] = *k;
	memset(k, 0, sizeof *k);
	return &all->list[all->n++];
}

static enum cp_code kept_of(struct cp_store *s, int64_t commit_no, struct kept **out, struct cp_err *err)
{
	CP_AUTO(kept) struct kept k = { .bytes = CP_BUF((size_t)1 << 31) };
	CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);

	if (s->changes == NULL)
		s->changes = calloc(1, sizeof *s->changes);
	assert(s->changes != NULL);
	CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", commit_no));
	snprintf(k.oid, sizeof k.oid, "%s", oid.len ? oid.data : "");
	for (size_t i = 0; i < s->changes->n; i++) {
		*out = &s->changes->list[i];
		if (strcmp((*out)->oid, k.oid) == 0)
			return CP_OK;
	}
	CP_TRY(cp_changeset_of(s, commit_no, &k.bytes, err));
	CP_TRY(make_index(&k, err));
	*out = keep(s->changes, &k);
	return CP_OK;
}

/* An outbox row holds one transaction: it is read through, and gone when it is sealed. */
static enum cp_code each_unsealed(struct cp_store *s, int64_t commit_no, const struct cp_id *doc, cp_change_visit *visit,
		void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	CP_TRY(cp_changeset_of(s, commit_no, &changeset, err));
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		if (memcmp(cp_change_key(&c, 0)->bytes, doc->bytes, sizeof doc->bytes) == 0)
			visit(user, &c, commit_no);
	}
}

/* The first place of that document, or where it would be. */
static size_t first_of(const struct kept *k, const struct cp_id *doc)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(&k->places[mid].doc, doc, sizeof *doc) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum cp_code cp_changes_each(struct cp_store *s, int64_t commit_no, const struct cp_id *doc, cp_change_visit *visit,
		void *user, struct cp_err *err)
{
	struct kept *k;

	if (commit_no < 0)
		return each_unsealed(s, commit_no, doc, visit, user, err);
	CP_TRY(kept_of(s, commit_no, &k, err));
	for (size_t i = first_of(k, doc); i < k->n && memcmp(&k->places[i].doc, doc, sizeof *doc) == 0; i++) {
		struct cp_changeset r = k->places[i].before;
		struct cp_change c;
		bool more;

		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		visit(user, &c, commit_no);
	}
	return CP_OK;
}
