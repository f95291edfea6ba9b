#include "sync/mainline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/believe.h"
#include "sync/change.h"
#include "sync/copies.h"
#include "sync/inner.h"
#include "sync/pages.h"
#include "sync/resolution.h"

struct cp_touch { enum cp_page page; struct cp_id id; };

void cp_touched_drop(struct cp_touched *t)
{
	free(t->list);
	memset(t, 0, sizeof *t);
}

static int by_page(const void *a, const void *b)
{
	const struct cp_touch *x = a, *y = b;

	return x->page != y->page ? (x->page > y->page) - (x->page < y->page) : memcmp(&x->id, &y->id, sizeof x->id);
}

/* Sort and drop repeats. */
static void tidy(struct cp_touched *t)
{
	size_t kept = 0;

	if (t->n > 0)
		qsort(t->list, t->n, sizeof *t->list, by_page);
	for (size_t i = 0; i < t->n; i++)
		if (kept == 0 || by_page(&t->list[kept - 1], &t->list[i]) != 0)
			t->list[kept++] = t->list[i];
	t->n = t->sorted = kept;
}

static enum cp_code touch(struct cp_touched *t, enum cp_page page, const struct cp_id *id, struct cp_err *err)
{
	struct cp_touch one = { page, *id };

	if (t->n > t->sorted && by_page(&t->list[t->n - 1], &one) == 0)
		return CP_OK;
	if (t->n > 4096 && t->n > 2 * t->sorted)
		tidy(t);
	if (t->n == t->room) {
		struct cp_touch *list = realloc(t->list, (t->room * 2 + 64) * sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		t->list = list;
		t->room = t->room * 2 + 64;
	}
	t->list[t->n++] = one;
	return CP_OK;
}

enum cp_code cp_touched_join(struct cp_touched *t, const struct cp_touched *more, struct cp_err *err)
{
	for (size_t i = 0; i < more->n; i++)
		CP_TRY(touch(t, more->list[i].page, &more->list[i].id, err));
	return CP_OK;
}

enum cp_code cp_touched_verdicts(struct cp_touched *t, const struct cp_id *replica, struct cp_err *err)
{
	return touch(t, CP_PAGE_VERDICTS, replica, err);
}

/* The id in a row of the database that a change leads to, zeros when there is none. */
static enum cp_code lookup(struct cp_store *s, const char *sql, const struct cp_value *key, struct cp_id *out,
		struct cp_err *err)
{
	return cp_query_id(s, out, err, sql, "b", key->bytes, key->len);
}

/* Cases whose judgments are stale by a revision that has just come, and, since it may have come behind one that grew from
 * it, those whose judgments name it or one below it. */
#define CAME(revisions, named) \
	"SELECT a.case_id FROM conflicts x JOIN assignments a ON a.id = x.doc WHERE x.class = 'stale' AND x.col = lower(hex(?1)) UNION" \
	" SELECT a.case_id FROM judgments j JOIN assignments a ON a.id = j.id WHERE j." named " IN (WITH RECURSIVE below(id) AS" \
	" (SELECT ?1 UNION SELECT v.id FROM below b JOIN " revisions " v ON instr(v.parents, b.id) > 0) SELECT id FROM below)"
/* Cases with judgments under any revision of its text. */
#define UNDER(revisions, named) \
	"SELECT DISTINCT a.case_id FROM judgments j JOIN assignments a ON a.id = j.id WHERE j." named " IN (SELECT v.id FROM " revisions \
	" v WHERE v.parent_doc = (SELECT parent_doc FROM " revisions " WHERE id = ?1))"

/* What a judgment's page says of breaking revisions changes with it, and with what leads decide about that; here are the
 * others: a revision that came, or one that several wrote, which may have been another kind of revision before. */
static enum cp_code touch_stale(struct cp_store *s, struct cp_touched *t, const struct cp_change *c, bool is_tricky,
		struct cp_err *err)
{
	static const char *const came[] = { CAME("guideline_revisions", "guideline_revision"), CAME("form_versions", "form_version") };
	static const char *const under[] = { UNDER("guideline_revisions", "guideline_revision"), UNDER("form_versions", "form_version") };
	bool is_new = c->op == CP_INSERT && !is_tricky, row;
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, (is_new ? came : under)[c->table == CP_T_FORM_VERSIONS], "b", cp_change_key(c, 0)->bytes,
			cp_change_key(c, 0)->len));
	for (;;) {
		struct cp_id of;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &of);
		CP_TRY(touch(t, CP_PAGE_JUDGMENTS, &of, err));
	}
}
#undef CAME
#undef UNDER

/* The page that shows the document itself. */
static enum cp_code touch_document(struct cp_store *s, struct cp_touched *t, size_t table, const struct cp_value *key,
		struct cp_err *err)
{
	struct cp_id id, zero = { { 0 } };

	memcpy(&id, key->bytes, sizeof id);
	switch (table) {
	case CP_T_PROJECT:    return touch(t, CP_PAGE_PROJECT, &zero, err);
	case CP_T_PERSONS:
	case CP_T_RULINGS:
	case CP_T_REPLICAS:   return touch(t, CP_PAGE_TRUST, &zero, err);
	case CP_T_CASES:      return touch(t, CP_PAGE_CASE, &id, err);
	case CP_T_GUIDELINES: return touch(t, CP_PAGE_GUIDELINE, &id, err);
	case CP_T_FORMS:      return touch(t, CP_PAGE_FORM, &id, err);
	case CP_T_GUIDELINE_REVISIONS:
		CP_TRY(lookup(s, "SELECT parent_doc FROM guideline_revisions WHERE id = ?1", key, &id, err));
		CP_TRY(touch(t, CP_PAGE_CONFLICT, &id, err)); /* two leads may have revised it */
		return touch(t, CP_PAGE_GUIDELINE, &id, err);
	case CP_T_FORM_VERSIONS:
		CP_TRY(lookup(s, "SELECT parent_doc FROM form_versions WHERE id = ?1", key, &id, err));
		CP_TRY(touch(t, CP_PAGE_CONFLICT, &id, err));
		return touch(t, CP_PAGE_FORM, &id, err);
	case CP_T_STALE_SETTLEMENTS:
		CP_TRY(lookup(s, "SELECT a.case_id FROM stale_settlements w JOIN assignments a ON a.id = w.judgment WHERE w.id = ?1", key, &id,
				err));
		return touch(t, CP_PAGE_JUDGMENTS, &id, err);
	case CP_T_EXPORTS:    return touch(t, CP_PAGE_EXPORTS, &zero, err);
	case CP_T_ASSIGNMENTS:
		CP_TRY(lookup(s, "SELECT person FROM assignments WHERE id = ?1", key, &id, err));
		return touch(t, CP_PAGE_ASSIGNMENTS, &id, err);
	case CP_T_ADJUDICATIONS:
		CP_TRY(lookup(s, "SELECT case_id FROM adjudications WHERE id = ?1", key, &id, err));
		return touch(t, CP_PAGE_ADJUDICATIONS, &id, err);
	default: /* judgments, ratings, settlements */
		CP_TRY(lookup(s, "SELECT case_id FROM assignments WHERE id = ?1", key, &id, err));
		return touch(t, CP_PAGE_JUDGMENTS, &id, err);
	}
}

/* The policies changed: whatever disagrees was decided anew. */
static enum cp_code touch_tricky(struct cp_store *s, struct cp_touched *t, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT tbl, doc FROM tricky WHERE tbl < ?1", "i", (int64_t)CP_T_PUBLIC));
	for (;;) {
		struct cp_value key;
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 1, &id);
		key = cp_v_blob(id.bytes, sizeof id.bytes);
		CP_TRY(touch(t, CP_PAGE_CONFLICT, &id, err));
		if (sqlite3_column_int(q, 0) == CP_T_ASSIGNMENTS)
			CP_TRY(touch_document(s, t, CP_T_JUDGMENTS, &key, err));
		if (sqlite3_column_int(q, 0) < CP_T_RESOLUTIONS)
			CP_TRY(touch_document(s, t, (size_t)sqlite3_column_int(q, 0), &key, err));
	}
}

static enum cp_code touch_change(struct cp_store *s, struct cp_touched *t, const struct cp_change *c, struct cp_err *err)
{
	const struct cp_value *key = cp_change_key(c, 0);
	struct cp_id id;
	int64_t tricky;

	memcpy(&id, key->bytes, sizeof id);
	CP_TRY(cp_query_int(s, &tricky, 0, err, "SELECT 1 FROM tricky WHERE doc = ?1 LIMIT 1", "d", &id));
	if (tricky)
		CP_TRY(touch(t, CP_PAGE_CONFLICT, &id, err));
	if (c->table == CP_T_GUIDELINE_REVISIONS || c->table == CP_T_FORM_VERSIONS)
		CP_TRY(touch_stale(s, t, c, tricky != 0, err));
	if (c->table == CP_T_RESOLUTIONS) { /* its edit stands in the same changeset */
		if (cp_resolution_table(c) >= 0)
			memcpy(&id, c->now[CP_RES_DOC].bytes, sizeof id);
		return touch(t, CP_PAGE_SETTLED, &id, err);
	}
	if (c->table == CP_T_SETTLEMENTS)
		CP_TRY(touch(t, CP_PAGE_SETTLED, &id, err));
	if (c->table == CP_T_PROJECT && c->now[CP_P_POLICIES].type != CP_ABSENT)
		CP_TRY(touch_tricky(s, t, err));
	if (c->table == CP_T_ASSIGNMENTS && c->op == CP_UPDATE) /* its judgment may be late now */
		CP_TRY(touch_document(s, t, CP_T_JUDGMENTS, key, err));
	return touch_document(s, t, c->table, key, err);
}

enum cp_code cp_touched_add(struct cp_store *s, struct cp_touched *t, const void *changeset, size_t len,
		struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	struct cp_id last = { { 0 } };
	bool more = true, again;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		again = c.table == CP_T_RATINGS && memcmp(&last, cp_change_key(&c, 0)->bytes, sizeof last) == 0;
		memcpy(&last, cp_change_key(&c, 0)->bytes, sizeof last);
		if (!again)
			CP_TRY(touch_change(s, t, &c, err));
	}
}

/* ---- one commit of main ----------------------------------------------------------------------- */

struct edits { struct cp_tree_edit *list; size_t n; };

static void edits_drop(struct edits *e)
{
	for (size_t i = 0; i < e->n; i++)
		free((void *)(uintptr_t)e->list[i].path);
	free(e->list);
}
#define cp_edits_of_tree_drop edits_drop

static enum cp_code render(struct cp_store *s, const struct cp_touch *t, int which, bool is_kept, struct edits *e,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf text = CP_BUF((size_t)1 << 31);
	struct cp_tree_edit *edit;

	CP_TRY(cp_page_render(s, t->page, which, &t->id, &path, &text, err));
	edit = &e->list[e->n++];
	edit->blob.hex[0] = '\0';
	edit->path = cp_buf_detach(&path);
	if (text.len == 0)
		return CP_OK;
	return is_kept ? cp_repo_blob(s->history, text.data, text.len, &edit->blob, err)
		: cp_repo_name(&edit->blob, "blob", text.data, text.len, err);
}

/* is_kept: the pages are staged; else they are only named. */
static enum cp_code render_all(struct cp_store *s, const struct cp_touched *t, bool is_kept, struct edits *e, struct cp_err *err)
{
	e->list = calloc(3 * t->n + 1, sizeof *e->list);
	assert(e->list != NULL);
	for (size_t i = 0; i < t->n; i++) {
		CP_TRY(render(s, &t->list[i], 0, is_kept, e, err));
		for (int which = 1; which < cp_page_files(t->list[i].page); which++)
			CP_TRY(render(s, &t->list[i], which, is_kept, e, err));
		if (cp_repo_staged(s->history) > CP_REPO_PACK_MAX)
			CP_TRY(cp_repo_flush(s->history, err));
	}
	return CP_OK;
}

static enum cp_code main_message(const struct cp_batch *b, struct cp_buf *out, struct cp_err *err)
{
	CP_TRY(cp_buf_printf(out, err, "%s\n\nBranch: %s\n", b->words, b->branch));
	for (size_t i = 0; i < b->n; i++) {
		const struct cp_batch_commit *c = &b->commits[i];

		CP_TRY(cp_buf_printf(out, err, "Change-commit: %s %s %lld", c->oid.hex, c->is_refused ? "refused"
				: c->is_far ? "accepted-far" : "accepted", (long long)c->edits));
		CP_TRY(cp_buf_puts(out, *c->reason ? " " : "", err));
		CP_TRY(cp_words_add(out, c->reason, err));
		CP_TRY(cp_buf_puts(out, "\n", err));
	}
	return CP_OK;
}

static enum cp_code base_of(struct cp_store *s, struct cp_commit *c, struct cp_oid *tree, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf tip = CP_BUF(64);
	struct cp_commit before = { 0 };

	CP_TRY(cp_meta_get(s, "main", &tip, err));
	tree->hex[0] = '\0';
	if (tip.len == 0)
		return CP_OK;
	c->n_parents = 1;
	snprintf(c->parents[0].hex, sizeof c->parents[0].hex, "%s", tip.data);
	CP_TRY(cp_repo_read_commit(s->history, tip.data, &before, err));
	*tree = before.tree;
	cp_commit_drop(&before);
	return CP_OK;
}

/* The pages as edits of a tree, each once. */
static enum cp_code edits_of(struct cp_store *s, const struct cp_touched *touched, bool is_kept, struct edits *e, struct cp_err *err)
{
	struct cp_touched all = *touched;
	enum cp_code code;

	all.list = malloc((touched->n + 1) * sizeof *all.list);
	assert(all.list != NULL);
	all.room = touched->n + 1;
	if (touched->n > 0)
		memcpy(all.list, touched->list, touched->n * sizeof *all.list);
	tidy(&all);
	code = render_all(s, &all, is_kept, e, err);
	cp_touched_drop(&all);
	return code;
}

/* The tree that follows from base ("" : none) when these pages are made anew. */
static enum cp_code tree_with(struct cp_store *s, const struct cp_touched *touched, const struct cp_oid *base,
		struct cp_oid *out, struct cp_err *err)
{
	CP_AUTO(edits_of_tree) struct edits edits = { 0 };

	CP_TRY(edits_of(s, touched, true, &edits, err));
	return cp_repo_tree(s->history, *base->hex ? base : NULL, edits.list, edits.n, out, err);
}

/* Each page that the tree does not have as it is. */
static enum cp_code differing(struct cp_store *s, const struct edits *e, const struct cp_oid *tree, cp_page_visit *visit,
		void *user, struct cp_err *err)
{
	for (size_t i = 0; i < e->n; i++) {
		struct cp_oid is;

		CP_TRY(cp_repo_entry(s->history, tree, e->list[i].path, &is, err));
		if (strcmp(is.hex, e->list[i].blob.hex) != 0)
			CP_TRY(visit(user, e->list[i].path, err));
	}
	return CP_OK;
}

enum cp_code cp_main_compare(struct cp_store *s, const struct cp_touched *t, const struct cp_oid *base,
		const struct cp_oid *tree, bool *same, cp_page_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(edits_of_tree) struct edits edits = { 0 };
	struct cp_oid expected = { "" };
	enum cp_code code;

	CP_TRY(edits_of(s, t, false, &edits, err));
	code = cp_repo_tree(s->history, *base->hex ? base : NULL, edits.list, edits.n, &expected, err);
	cp_repo_forget(s->history);
	*same = code == CP_OK && strcmp(expected.hex, tree->hex) == 0;
	if (code != CP_OK && code != CP_ENOTFOUND) /* not found: a page that nobody has written */
		return code;
	return *same || visit == NULL ? CP_OK : differing(s, &edits, tree, visit, user, err);
}

enum cp_code cp_main_commit(struct cp_store *s, const struct cp_batch *batch, struct cp_touched *touched,
		struct cp_oid *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	const struct cp_seckey *key;
	struct cp_commit c = { 0 };
	struct cp_id whose = { { 0 } };
	struct cp_oid base;
	char hex[CP_ID_HEX];

	CP_TRY(cp_store_key(s, &key, err));
	snprintf(hex, sizeof hex, "%.32s", batch->branch + strlen("replica/"));
	if (!cp_unhex(whose.bytes, 16, hex))
		return cp_fail(err, CP_EFORMAT, "%s: no branch of a replica", batch->branch);
	CP_TRY(cp_touched_verdicts(touched, &whose, err));
	CP_TRY(base_of(s, &c, &base, err));
	CP_TRY(tree_with(s, touched, &base, &c.tree, err));
	CP_TRY(main_message(batch, &text, err));
	c.author = batch->author;
	cp_me_ident(&s->me, batch->at_us, &c.committer);
	c.message = text.data;
	CP_TRY(cp_repo_commit(s->history, &c, key, out, err));
	if (cp_id_equal(&whose, &s->me.replica))
		CP_TRY(cp_meta_set(s, "taken_own", batch->commits[batch->n - 1].oid.hex, 40, err));
	return cp_meta_set(s, "main", out->hex, 40, err);
}

/* ---- joining another hub's ------------------------------------------------------------------------ */

enum cp_code cp_main_tree(struct cp_store *s, const struct cp_touched *touched, struct cp_oid *out, struct cp_err *err)
{
	struct cp_commit c = { 0 };
	struct cp_oid base;

	CP_TRY(base_of(s, &c, &base, err));
	return tree_with(s, touched, &base, out, err);
}

enum cp_code cp_main_join(struct cp_store *s, const struct cp_oid *theirs, const struct cp_oid *tree, const char *words,
		struct cp_oid *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	const struct cp_seckey *key;
	struct cp_commit c = { .tree = *tree };
	struct cp_oid unused;

	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(base_of(s, &c, &unused, err));
	c.parents[c.n_parents++] = *theirs;
	cp_me_ident(&s->me, cp_now_us(), &c.author);
	c.committer = c.author;
	CP_TRY(cp_words_add(&text, words, err));
	CP_TRY(cp_buf_puts(&text, "\n", err));
	c.message = text.data;
	CP_TRY(cp_repo_commit(s->history, &c, key, out, err));
	return cp_meta_set(s, "main", out->hex, 40, err);
}

static enum cp_code move_from_where_it_is(struct cp_repo *r, const char *branch, const struct cp_oid *tip,
		struct cp_err *err)
{
	struct cp_oid old;

	CP_TRY(cp_repo_branch(r, branch, &old, err));
	return strcmp(old.hex, tip->hex) == 0 ? CP_OK : cp_repo_move(r, branch, &old, tip, err);
}

enum cp_code cp_main_publish(struct cp_store *s, const char *branch, const struct cp_oid *tip, const struct cp_oid *main,
		struct cp_err *err)
{
	CP_TRY(cp_repo_flush(s->history, err));
	if (branch != NULL && tip != NULL)
		CP_TRY(move_from_where_it_is(s->history, branch, tip, err));
	if (*main->hex != '\0')
		CP_TRY(move_from_where_it_is(s->history, "main", main, err));
	if (cp_txn_commit(s, err) == CP_OK)
		return CP_OK;
	return cp_fail_at(err, "kept in history; the database follows at the next command");
}

/* ---- replay ------------------------------------------------------------------------------------- */

static enum cp_code replay_one(void *user, const char *main_oid, const struct cp_commit *c, struct cp_err *err)
{
	return cp_believe(user, main_oid, c, err);
}

static enum cp_code replay_inside(struct cp_store *s, const struct cp_oid *from, const struct cp_oid *tip, struct cp_err *err)
{
	struct cp_belief b = { .s = s, .from = s->history };

	CP_TRY(cp_believe_begin(&b, err));
	CP_TRY(cp_repo_walk_all(s->history, tip->hex, from, 1, replay_one, &b, err));
	CP_TRY(cp_meta_set(s, "main", tip->hex, 40, err));
	return cp_txn_commit(s, err);
}

enum cp_code cp_main_replay_until(struct cp_store *s, const struct cp_oid *tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
	struct cp_oid from;
	bool is_back;
	enum cp_code code;

	CP_TRY(cp_meta_get(s, "main", &known, err));
	snprintf(from.hex, sizeof from.hex, "%s", known.len ? known.data : "");
	if (*tip->hex == '\0' || strcmp(tip->hex, from.hex) == 0)
		return CP_OK;
	CP_TRY(cp_repo_reaches(s->history, from.hex, tip->hex, &is_back, err));
	if (is_back)
		return cp_fail(err, CP_EFORMAT, "%s: main has gone back to %.12s behind what was taken in; `casepack rebuild` begins"
				" from there", s->path, tip->hex);
	CP_TRY(cp_txn_begin(s, err));
	code = replay_inside(s, &from, tip, err);
	if (code != CP_OK)
		cp_txn_rollback(s);
	return code;
}

enum cp_code cp_main_replay(struct cp_store *s, struct cp_err *err)
{
	struct cp_oid tip;

	CP_TRY(cp_repo_branch(s->history, "main", &tip, err));
	return cp_main_replay_until(s, &tip, err);
}
