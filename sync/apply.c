#include "sync/apply.h"

#include <stdlib.h>
#include <string.h>

#include "sync/changes.h"
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/lapse.h"
#include "sync/resolution.h"

enum cp_code cp_changeset_edits(const void *changeset, size_t len, size_t *out, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	*out = 0;
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		*out += c.table != CP_T_RATINGS;
	}
}

enum cp_code cp_changeset_of(struct cp_store *s, int64_t commit_no, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);
	bool found;
	int64_t is_private;

	if (commit_no < 0) {
		CP_TRY(cp_query_text(s, out, &found, err, "SELECT changeset FROM outbox WHERE seq = ?1", "i", -commit_no));
		return found ? CP_OK : cp_fail(err, CP_EIO, "%s: outbox row %lld is gone", s->path, (long long)-commit_no);
	}
	CP_TRY(cp_query_text(s, &oid, &found, err, "SELECT oid FROM commits WHERE no = ?1", "i", commit_no));
	CP_TRY(cp_query_int(s, &is_private, 0, err, "SELECT is_private FROM commits WHERE no = ?1", "i", commit_no));
	if (!found)
		return cp_fail(err, CP_EIO, "%s: change commit number %lld is gone", s->path, (long long)commit_no);
	return cp_repo_read_path(is_private ? s->private : s->history, oid.data, "changeset", out, err);
}

/* ---- the index of edits --------------------------------------------------------------- */

/* A list of documents, each once, that must go through their trees. */
struct docs {
	struct doc { size_t table; struct cp_id id; } *list; size_t n, room;
	bool is_all;   /* every one that goes through its tree: the policies changed */
};

static void docs_drop(struct docs *d)
{
	free(d->list);
}
#define cp_docs_drop docs_drop

static enum cp_code docs_add(struct docs *d, size_t table, const void *id, struct cp_err *err)
{
	table = table == CP_T_RATINGS ? CP_T_JUDGMENTS : table;
	for (size_t i = d->n; i > 0 && i + 64 > d->n; i--) /* near repeats; the rest costs a second evaluation */
		if (d->list[i - 1].table == table && memcmp(&d->list[i - 1].id, id, 16) == 0)
			return CP_OK;
	if (d->n == d->room) {
		struct doc *list = realloc(d->list, (d->room * 2 + 16) * sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		d->list = list;
		d->room = d->room * 2 + 16;
	}
	d->list[d->n].table = table;
	memcpy(&d->list[d->n++].id, id, 16);
	return CP_OK;
}

static enum cp_code index_edit(struct cp_store *s, const struct cp_change *c, int64_t commit_no, int64_t written,
		struct docs *tricky, struct cp_err *err)
{
	const struct cp_value *key = cp_change_key(c, CP_C_ID), *parents = &c->was[CP_C_REV];
	int64_t is_tricky, is_used;

	CP_TRY(cp_query_int(s, &is_used, 0, err, "SELECT 1 FROM edits WHERE doc = ?1 AND tbl = ?2 AND rev = ?3 LIMIT 1", "biv",
			key->bytes, key->len, (int64_t)c->table, &c->now[CP_C_REV])); /* a copy, or forged */
	CP_TRY(cp_run(s, err, "INSERT OR IGNORE INTO edits(doc, tbl, rev, commit_no, fate, written) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
			"biviii", key->bytes, key->len, (int64_t)c->table, &c->now[CP_C_REV], commit_no, (int64_t)CP_STANDING, written));
	if (c->op == CP_UPDATE)
		CP_TRY(cp_run(s, err, "UPDATE edits SET fate = ?4 WHERE doc = ?1 AND tbl = ?2 AND rev = ?3", "bivi",
				key->bytes, key->len, (int64_t)c->table, parents, (int64_t)CP_SUPERSEDED));
	CP_TRY(cp_query_int(s, &is_tricky, 0, err, "SELECT 1 FROM tricky WHERE doc = ?1 AND tbl = ?2", "bi",
			key->bytes, key->len, (int64_t)c->table));
	if (is_tricky || is_used || parents->len > 8 || c->table == CP_T_SETTLEMENTS)
		CP_TRY(docs_add(tricky, c->table, key->bytes, err));
	if (c->table == CP_T_SETTLEMENTS)
		CP_TRY(docs_add(tricky, CP_T_JUDGMENTS, key->bytes, err));
	if (c->table == CP_T_RESOLUTIONS && cp_resolution_table(c) >= 0)
		CP_TRY(docs_add(tricky, (size_t)cp_resolution_table(c), c->now[CP_RES_DOC].bytes, err));
	tricky->is_all = tricky->is_all || (c->table == CP_T_PROJECT && c->now[CP_P_POLICIES].type != CP_ABSENT);
	return CP_OK;
}

/* An assignment that arrives for the first time in a state other than given. */
static bool is_taken_back(const struct cp_change *c)
{
	const struct cp_value *state = &c->now[CP_A_STATE];

	return state->type == CP_TEXT && (state->len != 5 || memcmp(state->bytes, "given", 5) != 0);
}

/* Documents whose change may make a judgment late or stale, or end that. */
static bool may_lapse(const struct cp_change *c)
{
	return c->table == CP_T_JUDGMENTS || c->table == CP_T_SETTLEMENTS || c->table == CP_T_STALE_SETTLEMENTS || c->table == CP_T_GUIDELINE_REVISIONS ||
		c->table == CP_T_FORM_VERSIONS || (c->table == CP_T_ASSIGNMENTS && (c->op == CP_UPDATE || is_taken_back(c)));
}

static enum cp_code index_changeset(struct cp_store *s, const void *changeset, size_t len, int64_t commit_no,
		struct docs *tricky, struct docs *lapsing, int *out_changes, struct cp_err *err)
{
	CP_AUTO(cuts) struct cp_cuts cuts = { 0 };
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	*out_changes = 0;
	CP_TRY(cp_changes_cut(s, changeset, len, &cuts, err));
	CP_TRY(cp_change_keep_commit(s, commit_no, err));
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		++*out_changes;
		if (c.table != CP_T_RATINGS)
			CP_TRY(index_edit(s, &c, commit_no, cp_cut_number(&cuts, c.table, cp_change_key(&c, CP_C_ID)->bytes), tricky, err));
		if (may_lapse(&c))
			CP_TRY(docs_add(lapsing, c.table, cp_change_key(&c, CP_C_ID)->bytes, err));
	}
}

static enum cp_code apply_trees(struct cp_store *s, const struct docs *d, struct cp_err *err)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].table == CP_T_SETTLEMENTS)   /* before the judgments that they settle */
			CP_TRY(cp_apply_tree(s, d->list[i].table, &d->list[i].id, err));
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].table != CP_T_SETTLEMENTS)
			CP_TRY(cp_apply_tree(s, d->list[i].table, &d->list[i].id, err));
	return CP_OK;
}

/* The conflict that a revision's text is in, with the other heads of that text. */
static enum cp_code settle_text(struct cp_store *s, const struct doc *revision, struct cp_err *err)
{
	bool is_form = revision->table == CP_T_FORM_VERSIONS;
	struct cp_id text;

	if (!is_form && revision->table != CP_T_GUIDELINE_REVISIONS)
		return CP_OK;
	CP_TRY(cp_query_id(s, &text, err, CP_REVISIONS(is_form, "SELECT parent_doc FROM ", " WHERE id = ?1"), "d", &revision->id));
	return cp_heads_settle(s, is_form, &text, err);
}

static enum cp_code note_each(struct cp_store *s, const struct docs *d, struct cp_err *err)
{
	for (size_t i = 0; i < d->n; i++) {
		CP_TRY(cp_lapse_touched(s, d->list[i].table, &d->list[i].id, err));
		CP_TRY(settle_text(s, &d->list[i], err));
	}
	return CP_OK;
}

/* Late and stale, and the heads of texts, are said of rows, so behind the rows; what went through its tree may show
 * what another changeset brought. */
static enum cp_code note_lapses(struct cp_store *s, const struct docs *lapsing, const struct docs *trees, struct cp_err *err)
{
	CP_TRY(note_each(s, lapsing, err));
	return note_each(s, trees, err);
}

/* Rows of table and document. */
static enum cp_code docs_of(struct cp_store *s, sqlite3_stmt *q, struct docs *out, struct cp_err *err)
{
	bool row;

	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 1, &id);
		CP_TRY(docs_add(out, (size_t)sqlite3_column_int(q, 0), id.bytes, err));
	}
}

enum cp_code cp_apply_again(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(docs) struct docs tricky = { 0 };
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT tbl, doc FROM tricky ORDER BY tbl, doc", ""));
	CP_TRY(docs_of(s, q, &tricky, err));
	CP_TRY(apply_trees(s, &tricky, err));
	CP_TRY(cp_heads_again(s, err));
	return cp_lapse_again(s, err);
}

enum cp_code cp_apply_without(struct cp_store *s, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(docs) struct docs docs = { 0 };
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT tbl, doc FROM edits WHERE commit_no = ?1 ORDER BY tbl, doc", "i", commit_no));
	CP_TRY(docs_of(s, q, &docs, err));
	CP_TRY(cp_run(s, err, "DELETE FROM written WHERE no IN (SELECT written FROM edits WHERE commit_no = ?1)", "i", commit_no));
	CP_TRY(cp_run(s, err, "DELETE FROM edits WHERE commit_no = ?1", "i", commit_no));
	CP_TRY(cp_run(s, err, "DELETE FROM commit_objects WHERE no = ?1", "i", commit_no));
	CP_TRY(apply_trees(s, &docs, err));
	return note_each(s, &docs, err);
}

/* Those of one changeset, and where the policies changed all others too. */
static enum cp_code finish(struct cp_store *s, const struct docs *d, struct cp_err *err)
{
	CP_TRY(apply_trees(s, d, err));
	return d->is_all ? cp_apply_again(s, err) : CP_OK;
}

enum cp_code cp_apply_own(struct cp_store *s, const void *changeset, size_t len, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(docs) struct docs tricky = { 0 }, lapsing = { 0 };
	int changes;

	CP_TRY(index_changeset(s, changeset, len, commit_no, &tricky, &lapsing, &changes, err));
	CP_TRY(finish(s, &tricky, err));
	return note_lapses(s, &lapsing, &tricky, err);
}

enum cp_code cp_apply_weighed(struct cp_store *s, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(docs) struct docs tricky = { 0 };
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT tbl, doc FROM edits JOIN tricky USING (doc, tbl) WHERE commit_no = ?1 ORDER BY tbl, doc",
			"i", commit_no));
	CP_TRY(docs_of(s, q, &tricky, err));
	CP_TRY(apply_trees(s, &tricky, err));
	return note_each(s, &tricky, err); /* where nothing stands nothing is late */
}

/* ---- what others wrote ------------------------------------------------------------------ */

struct applying { struct docs *tricky; int refused; struct cp_err *err; enum cp_code code; };

/* SQLite calls this exactly where a row is not what the edit replaced. */
static int on_conflict(void *user, int kind, sqlite3_changeset_iter *it)
{
	struct applying *a = user;
	const char *table;
	int columns, op, indirect, t;
	sqlite3_value *key = NULL;

	if (kind == SQLITE_CHANGESET_FOREIGN_KEY || kind == SQLITE_CHANGESET_CONSTRAINT) {
		a->code = cp_fail(a->err, CP_EFORMAT, "a row breaks a rule of the database");
		return SQLITE_CHANGESET_ABORT;
	}
	sqlite3changeset_op(it, &table, &columns, &op, &indirect);
	t = cp_table_named(table);
	if (op == SQLITE_INSERT)
		sqlite3changeset_new(it, 0, &key);
	else
		sqlite3changeset_old(it, 0, &key);
	a->refused++;
	if (t >= 0 && key != NULL && sqlite3_value_bytes(key) == 16)
		a->code = docs_add(a->tricky, (size_t)t, sqlite3_value_blob(key), a->err);
	return a->code == CP_OK ? SQLITE_CHANGESET_OMIT : SQLITE_CHANGESET_ABORT;
}

enum cp_code cp_apply_change(struct cp_store *s, const void *changeset, size_t len, int64_t commit_no, struct cp_err *err)
{
	CP_AUTO(docs) struct docs tricky = { 0 }, lapsing = { 0 };
	struct applying a = { &tricky, 0, err, CP_OK };
	int changes, before, rc;

	if (len == 0)
		return CP_OK;
	CP_TRY(index_changeset(s, changeset, len, commit_no, &tricky, &lapsing, &changes, err));
	before = sqlite3_total_changes(s->db);
	rc = sqlite3changeset_apply_v2(s->db, (int)len, (void *)(uintptr_t)changeset, NULL, on_conflict, &a, NULL, NULL,
			SQLITE_CHANGESETAPPLY_NOSAVEPOINT);
	if (a.code != CP_OK)
		return a.code;
	if (rc != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "applying a changeset");
	if (sqlite3_total_changes(s->db) - before + a.refused != changes)
		return cp_fail(err, CP_EFORMAT, "%d rows were read, %d applied: the changeset does not fit the tables",
				changes, sqlite3_total_changes(s->db) - before + a.refused);
	CP_TRY(finish(s, &tricky, err));
	return note_lapses(s, &lapsing, &tricky, err);
}
