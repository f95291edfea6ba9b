#include <stdlib.h>
#include <string.h>

#include "sync/audit.h"
#include "sync/change.h"
#include "sync/inner.h"

struct reading { struct cp_store *s; struct cp_given *g; size_t chain; };

void cp_given_drop(struct cp_given *g)
{
	free(g->list);
	free(g->rows);
	memset(g, 0, sizeof *g);
}

static bool is_kept(size_t table)
{
	return table == CP_T_ASSIGNMENTS || table == CP_T_GUIDELINE_REVISIONS || table == CP_T_FORM_VERSIONS || table == CP_T_SETTLEMENTS;
}

static enum cp_code keep_row(struct cp_given *g, const struct cp_change *c, struct cp_err *err)
{
	const struct cp_value *id = cp_change_key(c, CP_C_ID);
	size_t room = g->room ? 2 * g->room : 64;
	struct cp_given_row *more;

	if (cp_table_is_work(c->table) || c->table == CP_T_ADJUDICATIONS)
		g->work++;
	if (!is_kept(c->table) || id->len != sizeof g->rows->id)
		return CP_OK;
	if (g->n_rows == g->room) {
		more = reallocarray(g->rows, room, sizeof *more);
		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		g->rows = more;
		g->room = room;
	}
	g->rows[g->n_rows].table = c->table;
	g->rows[g->n_rows].commit = g->n - 1;
	memcpy(&g->rows[g->n_rows++].id, id->bytes, sizeof g->rows->id);
	return CP_OK;
}

static enum cp_code read_rows(struct reading *r, const char *oid, struct cp_given_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_CHANGESET_MAX);
	struct cp_changeset reader;
	struct cp_change change;
	bool more = true;

	CP_TRY(cp_repo_read_path(r->s->history, oid, "changeset", &bytes, err));
	cp_changeset_begin(&reader, bytes.data, bytes.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&reader, &change, &more, err));
		if (!more)
			return CP_OK;
		c->rows++;
		CP_TRY(keep_row(r->g, &change, err));
	}
}

static enum cp_code read_commit(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct reading *r = user;
	struct cp_given_commit *list = reallocarray(r->g->list, r->g->n + 1, sizeof *list), *now;

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	r->g->list = list;
	now = &list[r->g->n++];
	*now = (struct cp_given_commit){ .chain = r->chain, .at_us = c->committer.seconds * 1000000 };
	snprintf(now->oid, sizeof now->oid, "%s", oid);
	snprintf(now->hub, sizeof now->hub, "%.63s", c->committer.name);
	return read_rows(r, oid, now, err);
}

static int by_row(const void *a, const void *b)
{
	const struct cp_given_row *x = a, *y = b;
	int order = x->table != y->table ? (x->table > y->table ? 1 : -1) : memcmp(&x->id, &y->id, sizeof x->id);

	return order != 0 ? order : (x->commit > y->commit) - (x->commit < y->commit);
}

/* Chains that were left have a number behind the name: they are older than the one without. */
static enum cp_code read_chains(struct reading *r, const char *name, const struct cp_tips *tips, struct cp_err *err)
{
	for (size_t i = 0; i < tips->n; i++) {
		const struct cp_tip *tip = &tips->list[(i + 1) % tips->n];

		if (strncmp(tip->name, name, strlen(name)) != 0 || strlen(tip->name) - strlen(name) > 8)
			continue;
		r->chain = i;
		CP_TRY(cp_repo_walk(r->s->history, tip->oid.hex, "", read_commit, r, err));
	}
	return CP_OK;
}

enum cp_code cp_given_load(struct cp_store *s, const char *device_hex, struct cp_given *out, struct cp_err *err)
{
	struct reading r = { s, out, 0 };
	struct cp_tips tips = { 0 };
	char name[80];
	enum cp_code code;

	memset(out, 0, sizeof *out);
	snprintf(name, sizeof name, "outbound/%s", device_hex);
	code = cp_repo_branches(s->history, name, &tips, err);
	if (code == CP_OK)
		code = read_chains(&r, name, &tips, err);
	cp_tips_drop(&tips);
	if (code != CP_OK)
		cp_given_drop(out);
	else if (out->n_rows > 1)
		qsort(out->rows, out->n_rows, sizeof *out->rows, by_row);
	return code;
}

size_t cp_given_at(const struct cp_given *g, const char *oid)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->list[i].oid, oid) == 0)
			return i;
	return SIZE_MAX;
}

bool cp_given_had(const struct cp_given *g, size_t i, size_t applied)
{
	if (g->list[i].chain == g->list[applied].chain)
		return i <= applied;
	return g->list[i].at_us <= g->list[applied].at_us;
}

size_t cp_given_first(const struct cp_given *g, enum cp_given_kind kind, const struct cp_id *id)
{
	static const size_t tables[] = { CP_T_ASSIGNMENTS, CP_T_GUIDELINE_REVISIONS, CP_T_FORM_VERSIONS, CP_T_SETTLEMENTS };
	size_t low = 0, high = g->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct cp_given_row *r = &g->rows[middle];
		int order = r->table != tables[kind] ? (r->table > tables[kind] ? 1 : -1) : memcmp(&r->id, id, sizeof *id);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < g->n_rows && g->rows[low].table == tables[kind] && cp_id_equal(&g->rows[low].id, id) ? g->rows[low].commit : SIZE_MAX;
}
