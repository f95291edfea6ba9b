/*
 * History replayed, and each commit asked on the way, at its place: who signed it, does
 * it follow its forerunner, might its author write that, and is main's tree what follows.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/believe.h"
#include "sync/change.h"
#include "sync/copies.h"
#include "sync/mainline.h"
#include "sync/replay.h"
#include "sync/rights.h"
#include "sync/verify_inner.h"

/* ---- the trees of main -------------------------------------------------------------------------------- */

/*
 * A hub takes in what came together, and writes then one commit of main for each branch, so the files of all of them show
 * what came with the last. So a tree may be what follows at its own place, or at that of a later commit of the same hub and
 * second.
 */
struct page_commit { struct cp_oid oid, tree, base; struct cp_touched touched; bool is_proven; };

#define HEADS_MAX 64 /* mains that were not joined yet, at one place of the walk */
#define CHUNK 256    /* commits of main in one transaction */

struct proving {
	struct cp_verify *v;
	struct cp_belief b;
	struct cp_oid heads[HEADS_MAX]; size_t n_heads; /* commits that none of those walked has as its parent */
	struct page_commit *run; size_t n, room; /* not compared yet */
	char by[160];                    /* who wrote them, and when */
	bool is_older;                   /* an older casepack may have written them */
	struct cp_oid base;              /* tree of the last commit that all those walked are behind */
	struct cp_touched apart;         /* pages touched since, on mains that are not joined yet */
	int64_t walked;
};

static void run_clear(struct proving *p)
{
	for (size_t i = 0; i < p->n; i++)
		cp_touched_drop(&p->run[i].touched);
	p->n = 0;
	p->is_older = false;
}

static void proving_drop(struct proving *p)
{
	run_clear(p);
	free(p->run);
	cp_touched_drop(&p->apart);
}
#define cp_proving_drop proving_drop

struct telling { struct cp_verify *v; const char *oid; int64_t n; };

static enum cp_code tell_page(void *user, const char *path, struct cp_err *err)
{
	struct telling *t = user;
	char where[1200];

	(void)err;
	t->n++;
	snprintf(where, sizeof where, "history.git: main commit %s: %.900s", t->oid, path);
	cp_found(t->v, where, CP_NOW_HISTORY, "is not what was accepted by then");
	return CP_OK;
}

static enum cp_code tell_changed(void *user, const char *path, const struct cp_oid *was, const struct cp_oid *now, struct cp_err *err)
{
	struct telling *t = user;
	char where[1200];

	(void)was, (void)now, (void)err;
	t->n++;
	snprintf(where, sizeof where, "history.git: main commit %s: %.900s", t->oid, path);
	cp_found(t->v, where, CP_NOW_HISTORY, "differs from what its parent has, though its change commits do not touch it");
	return CP_OK;
}

static enum cp_code try_tree(struct proving *p, struct page_commit *c, struct cp_err *err)
{
	if (!c->is_proven)
		CP_TRY(cp_main_compare(p->v->again, &c->touched, &c->base, &c->tree, &c->is_proven, NULL, NULL, err));
	return CP_OK;
}

/* is_older: a difference may be an older casepack's way to write a page, or come of what a relay held then. */
static enum cp_code prove_tree(struct proving *p, struct page_commit *c, bool is_older, struct cp_err *err)
{
	struct telling t = { p->v, c->oid.hex, 0 };
	struct cp_repo *history = p->v->again->history;
	char where[128];

	if (!c->is_proven)
		CP_TRY(cp_main_compare(p->v->again, &c->touched, &c->base, &c->tree, &c->is_proven, is_older ? NULL : tell_page, &t, err));
	p->v->out->trees += c->is_proven;
	if (c->is_proven || t.n > 0)
		return CP_OK;
	p->v->out->older_trees += is_older;
	if (is_older)
		return CP_OK;
	if (*c->base.hex != '\0')
		CP_TRY(cp_repo_compare(history, &c->base, &c->tree, tell_changed, &t, err));
	snprintf(where, sizeof where, "history.git: main commit %s", c->oid.hex);
	if (t.n == 0)
		cp_found(p->v, where, CP_NOW_HISTORY, "has another tree than follows from what was accepted by then");
	return CP_OK;
}

/* What came together ends with one that is proven at its own place. */
static enum cp_code try_run(struct proving *p, struct cp_err *err)
{
	struct page_commit *last = &p->run[p->n - 1];

	CP_TRY(try_tree(p, last, err));
	for (size_t i = 0; last->is_proven && i + 1 < p->n; i++)
		CP_TRY(try_tree(p, &p->run[i], err));
	return CP_OK;
}

/* A relay's pages show its material too, as it stood when they were made, and no history says when that was. */
static enum cp_code prove_run(struct proving *p, struct cp_err *err)
{
	for (size_t i = 0; i < p->n; i++)
		CP_TRY(prove_tree(p, &p->run[i], p->is_older || p->v->again->me.is_relay, err));
	if (p->n > 0)
		p->base = p->run[p->n - 1].tree;
	run_clear(p);
	return CP_OK;
}

static struct page_commit *run_add(struct proving *p, const char *oid, const struct cp_commit *c)
{
	struct page_commit *at;

	if (p->n == p->room) {
		p->room = p->room * 2 + 8;
		p->run = reallocarray(p->run, p->room, sizeof *p->run);
		assert(p->run != NULL);
	}
	at = &p->run[p->n++];
	memset(at, 0, sizeof *at);
	snprintf(at->oid.hex, sizeof at->oid.hex, "%s", oid);
	at->tree = c->tree;
	at->base = p->n > 1 ? p->run[p->n - 2].tree : p->base;
	return at;
}

/* ---- a place in the walk ------------------------------------------------------------------------------------ */

static void by_whom(char out[160], const struct cp_commit *c)
{
	snprintf(out, 160, "%.127s %lld", c->committer.email, (long long)c->committer.seconds);
}

/* Is everything walked so far behind it? */
static bool is_linear(const struct proving *p, const struct cp_commit *c)
{
	return c->n_parents == 0 ? p->n_heads == 0
		: c->n_parents == 1 && p->n_heads == 1 && strcmp(p->heads[0].hex, c->parents[0].hex) == 0;
}

static enum cp_code go_on(struct proving *p, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_heads; i++) {
		bool is_parent = false;

		for (size_t k = 0; k < c->n_parents; k++)
			is_parent = is_parent || strcmp(p->heads[i].hex, c->parents[k].hex) == 0;
		if (!is_parent)
			p->heads[kept++] = p->heads[i];
	}
	if (kept == HEADS_MAX)
		return cp_fail(err, CP_EFORMAT, "main commit %.12s: more than %d mains go on beside each other", oid, HEADS_MAX);
	snprintf(p->heads[kept].hex, sizeof p->heads[kept].hex, "%s", oid);
	p->n_heads = kept + 1;
	return CP_OK;
}

/* A hub that is no longer trusted adds nothing. */
static enum cp_code check_trusted(struct proving *p, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_id hub, project;
	int64_t is_revoked = 0;

	if (cp_ident_device(&c->committer, &hub, &project))
		CP_TRY(cp_query_int(p->v->again, &is_revoked, 0, err, "SELECT 1 FROM replicas WHERE id = ?1 AND state = 'revoked'", "d", &hub));
	return is_revoked ? cp_fail(err, CP_ETRUST, "main commit %.12s is by %s's hub, which was revoked before", oid, c->committer.name) : CP_OK;
}

static enum cp_code believe_linear(struct proving *p, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	char by[160];
	struct page_commit *at;

	by_whom(by, c);
	if (strcmp(by, p->by) != 0)
		CP_TRY(prove_run(p, err));
	snprintf(p->by, sizeof p->by, "%s", by);
	CP_TRY(check_trusted(p, oid, c, err));
	at = run_add(p, oid, c);
	p->b.touched = &at->touched;
	p->b.schema = 0;
	p->b.is_proving = true;
	CP_TRY(cp_believe(&p->b, oid, c, err));
	p->is_older = p->is_older || (p->b.schema != 0 && p->b.schema < CP_SCHEMA);
	return try_run(p, err);
}

/* Mains beside each other: what each accepted was judged by what it held then, which is not what is held here now. */
static enum cp_code believe_apart(struct proving *p, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct page_commit join = { .tree = c->tree };
	enum cp_code code;

	CP_TRY(prove_run(p, err));
	p->by[0] = '\0';
	p->b.touched = &p->apart;
	p->b.is_proving = false;
	CP_TRY(cp_believe(&p->b, oid, c, err));
	p->is_older = p->is_older || (p->b.schema != 0 && p->b.schema < CP_SCHEMA);
	CP_TRY(go_on(p, oid, c, err));
	if (p->n_heads > 1)
		return CP_OK;
	snprintf(join.oid.hex, sizeof join.oid.hex, "%s", oid);
	join.base = p->base;
	join.touched = p->apart; /* borrowed */
	code = prove_tree(p, &join, p->is_older, err);
	p->is_older = false;
	p->base = c->tree;
	cp_touched_drop(&p->apart);
	return code;
}

static enum cp_code prove_main_commit(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct proving *p = user;

	p->v->out->main_commits++;
	if (++p->walked % CHUNK == 0) {
		CP_TRY(cp_txn_commit(p->v->again, err));
		CP_TRY(cp_txn_begin(p->v->again, err));
	}
	if (p->v->ask->progress != NULL)
		p->v->ask->progress(p->v->ask->user, "replaying", (uint64_t)p->walked, 0);
	if (!is_linear(p, c))
		return believe_apart(p, oid, c, err);
	CP_TRY(believe_linear(p, oid, c, err));
	return go_on(p, oid, c, err);
}

/* ---- main ------------------------------------------------------------------------------------------------------ */

static enum cp_code begin_behind(struct proving *p, const struct cp_oid *from, struct cp_err *err)
{
	struct cp_commit c = { 0 };

	CP_TRY(cp_believe_begin(&p->b, err));
	if (*from->hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read_commit(p->v->again->history, from->hex, &c, err));
	p->base = c.tree;
	p->heads[p->n_heads++] = *from;
	cp_commit_drop(&c);
	return CP_OK;
}

static enum cp_code prove_main_inside(struct proving *p, const struct cp_oid *from, const struct cp_oid *tip, struct cp_err *err)
{
	struct cp_store *again = p->v->again;

	CP_TRY(begin_behind(p, from, err));
	CP_TRY(cp_repo_walk_all(again->history, tip->hex, from, 1, prove_main_commit, p, err));
	CP_TRY(prove_run(p, err));
	return cp_meta_set(again, "main", tip->hex, 40, err);
}

static enum cp_code prove_main(void *user, struct cp_err *err)
{
	struct cp_verify *v = user;
	CP_AUTO(proving) struct proving p = { .v = v, .b = { .s = v->again, .from = v->again->history } };
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
	struct cp_oid tip, from;
	enum cp_code code;

	CP_TRY(cp_meta_get(v->again, "main", &known, err));
	snprintf(from.hex, sizeof from.hex, "%s", known.len ? known.data : "");
	CP_TRY(cp_repo_branch(v->again->history, "main", &tip, err));
	if (*tip.hex == '\0' || strcmp(tip.hex, from.hex) == 0)
		return CP_OK;
	CP_TRY(cp_txn_begin(v->again, err));
	code = prove_main_inside(&p, &from, &tip, err);
	v->out->refused += p.b.refused;
	if (code == CP_OK)
		return cp_txn_commit(v->again, err);
	cp_txn_rollback(v->again);
	return code;
}

/* ---- commits that no main speaks for -------------------------------------------------------------------------------- */

/* A commit is genuine when the key that the roster names for its committer has signed it. */
static enum cp_code check_signed(struct cp_store *s, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_author author;
	struct cp_pubkey signer;
	struct cp_id replica, project;
	bool found = false, is_device = cp_ident_device(&c->committer, &replica, &project);

	if (is_device)
		CP_TRY(cp_author_find(s, &replica, &author, &found, err));
	if (is_device && !found)
		CP_TRY(cp_copy_author(s, &replica, &author, &found, err));
	if (!found)
		return cp_fail(err, CP_ETRUST, "commit %.12s is by a device that is not on the roster", oid);
	if (cp_commit_signer(&signer, c, err) != CP_OK)
		return cp_fail_at(err, "commit %.12s", oid);
	return memcmp(&signer, &author.key, sizeof signer) == 0 ? CP_OK
		: cp_fail(err, CP_ETRUST, "commit %.12s says it is by %s, but another key signed it", oid, author.pseudonym);
}

/* On its author's chain, and with the changeset that was signed; what is private is a lead's. */
static enum cp_code check_change(struct cp_store *s, struct cp_repo *repo, const char *oid, const struct cp_change_commit *c,
		bool is_private, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf tree = CP_BUF(CP_TEXT_MAX), changeset = CP_BUF((size_t)1 << 31);
	int64_t follows = 1, is_lead = 1;

	CP_TRY(check_signed(s, oid, &c->commit, err));
	if (*c->parent != '\0')
		CP_TRY(cp_query_int(s, &follows, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND replica = ?2", "td", c->parent, &c->replica));
	if (!follows)
		return cp_fail(err, CP_ETRUST, "commit %.12s does not follow one of its author", oid);
	if (is_private)
		CP_TRY(cp_query_int(s, &is_lead, 1, err, "SELECT p.role = 'lead' FROM replicas r JOIN persons p ON p.id = r.person"
				" WHERE r.id = ?1", "d", &c->replica));
	if (!is_lead)
		return cp_fail(err, CP_ETRUST, "commit %.12s is by %s, who is no lead", oid, c->commit.committer.name);
	CP_TRY(cp_repo_read(repo, c->commit.tree.hex, "tree", &tree, err));
	CP_TRY(cp_repo_read_path(repo, oid, "changeset", &changeset, err));
	return cp_change_commit_check(c, tree.data, tree.len, changeset.data, changeset.len, is_private, err) == CP_OK ? CP_OK
		: cp_fail_at(err, "commit %.12s", oid);
}

static enum cp_code check_other(struct cp_verify *v, struct cp_repo *repo, const char *oid, bool is_private, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	struct cp_err why = { .code = CP_OK };
	struct cp_change_commit c = { .parent = "" };
	enum cp_code code = cp_repo_read(repo, oid, "commit", &bytes, &why);

	if (code == CP_OK)
		code = cp_change_commit_read(&c, bytes.data, bytes.len, &why);
	if (code == CP_OK)
		code = check_change(v->again, repo, oid, &c, is_private, &why);
	cp_change_commit_drop(&c);
	return cp_found_or(v, is_private ? "private.git" : "history.git", CP_NOW_HISTORY, code, &why, err);
}

/* Of private.git, and a device's own: main has seen the others on its way. */
static enum cp_code check_others(struct cp_verify *v, const struct cp_replay *r, int64_t was, struct cp_err *err)
{
	struct cp_store *s = v->again;

	for (int64_t no = was;;) {
		CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);
		int64_t is_private;

		CP_TRY(cp_query_int(s, &no, 0, err, "SELECT min(no) FROM commits WHERE no > ?1 AND verdict = 'accepted'"
				" AND (no <= ?2 OR no > ?3)", "iii", no, r->before_main, r->behind_main));
		if (no == 0)
			return CP_OK;
		CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", no));
		CP_TRY(cp_query_int(s, &is_private, 0, err, "SELECT is_private FROM commits WHERE no = ?1", "i", no));
		CP_TRY(check_other(v, is_private ? s->private : s->history, oid.data, is_private, err));
	}
}

enum cp_code cp_verify_replay(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf applied = CP_BUF(64);
	struct cp_err why = { .code = CP_OK };
	struct cp_replay r = { .s = v->again, .main = prove_main, .user = v };
	int64_t was;
	enum cp_code code;

	CP_TRY(cp_query_int(v->again, &was, 0, err, "SELECT coalesce(max(no), 0) FROM commits", ""));
	CP_TRY(cp_meta_get(v->s, "applied", &applied, err)); /* not the branch: a crash may have left it ahead of the rows */
	r.until = applied.len ? applied.data : "";
	code = cp_replay(&r, &why);
	v->is_replayed = code == CP_OK;
	CP_TRY(cp_found_or(v, "history.git", CP_NOW_HISTORY "; what is behind it was not looked at", code, &why, err));
	if (!v->is_replayed)
		return CP_OK;
	CP_TRY(cp_query_int(v->again, &v->out->commits, 0, err, "SELECT count(*) FROM commits WHERE verdict = 'accepted'", ""));
	CP_TRY(cp_query_int(v->again, &v->out->edits, 0, err, "SELECT coalesce(sum(edits), 0) FROM commits WHERE verdict = 'accepted'", ""));
	return check_others(v, &r, was, err);
}

/* ---- branches --------------------------------------------------------------------------------------------------------- */

/* A merge that was cut off leaves a branch ahead of main: what its own device signed there, the next merge takes in. */
static bool is_ahead(struct cp_verify *v, const char *name, const char *oid, const struct cp_commit *c)
{
	return strncmp(c->committer.email, name + strlen("replica/"), CP_ID_HEX - 1) == 0 && check_signed(v->again, oid, c, NULL) == CP_OK;
}

static enum cp_code see_on_branch(void *user, const char *name, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_verify *v = user;
	char where[256];
	int64_t is_known;

	/* lines of one device begin together */
	CP_TRY(cp_query_int(v->again, &is_known, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND is_private = 0 AND"
			" substr(branch, 1, 40) = substr(?2, 1, 40) UNION ALL SELECT 1 FROM waiting WHERE oid = ?1", "tt", oid, name));
	if (is_known)
		return CP_OK;
	if (is_ahead(v, name, oid, c)) {
		v->out->ahead++;
		return CP_OK;
	}
	snprintf(where, sizeof where, "history.git: %s", name);
	cp_found(v, where, CP_NOW_HISTORY, "holds commit %.12s, which main does not accept there", oid);
	return CP_OK;
}

/* Each branch that accepted change commits stand on still holds the last of them. */
static enum cp_code look_for_lost(struct cp_verify *v, struct cp_repo *repo, bool is_private, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row, is_held;

	CP_TRY(cp_query(v->again, &q, err, "SELECT branch, oid, max(no) FROM commits WHERE verdict = 'accepted' AND is_private = ?1"
			" GROUP BY branch", "i", (int64_t)is_private));
	for (;;) {
		struct cp_oid tip;
		char where[256];

		CP_TRY(cp_step(v->again, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(cp_repo_branch(repo, cp_col_text(q, 0), &tip, err));
		CP_TRY(cp_repo_reaches(repo, tip.hex, cp_col_text(q, 1), &is_held, err));
		snprintf(where, sizeof where, "%s: %s", is_private ? "private.git" : "history.git", cp_col_text(q, 0));
		if (*tip.hex == '\0')
			cp_found(v, where, "`casepack rebuild` sets it again", "is missing; it held %.12s", cp_col_text(q, 1));
		else if (!is_held)
			cp_found(v, where, "`casepack rebuild` sets it again", "stands at %.12s, which is not behind %.12s that was accepted",
					tip.hex, cp_col_text(q, 1));
	}
}

/* Material: signed by a hub, whole rows of public tables alone. */
static enum cp_code check_given(struct cp_verify *v, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);

	CP_TRY(check_signed(v->again, oid, c, err));
	CP_TRY(cp_repo_read_path(v->again->history, oid, "changeset", &changeset, err));
	if (cp_changeset_check(changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC, NULL, err) != CP_OK)
		return cp_fail_at(err, "commit %.12s", oid);
	return CP_OK;
}

static enum cp_code see_given(void *user, const char *name, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_verify *v = user;
	static const char line[] = "\nCasepack-Outbound: ";
	const char *device = strstr(c->message, line);
	struct cp_err why = { .code = CP_OK };
	char where[256];
	enum cp_code code = check_given(v, oid, c, &why);

	v->out->given++;
	snprintf(where, sizeof where, "history.git: %s", name);
	if (device == NULL || strncmp(device + strlen(line), name + strlen("outbound/"), 32) != 0)
		cp_found(v, where, CP_NOW_HISTORY, "holds commit %.12s, which was given to another device", oid);
	return cp_found_or(v, where, CP_NOW_HISTORY, code, &why, err);
}

/* What another hub said, and main has not joined. */
static enum cp_code see_hub(void *user, const char *name, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_verify *v = user;
	struct cp_err why = { .code = CP_OK };
	struct cp_id hub;
	char where[256];
	enum cp_code code = cp_believe_hub(v->again, oid, c, &hub, &why);

	snprintf(where, sizeof where, "history.git: %s", name);
	return cp_found_or(v, where, CP_NOW_HISTORY, code, &why, err);
}

static enum cp_code any_branch_reaches(struct cp_verify *v, const char *prefix, const char *oid, bool *out, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(v->s->history, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && !*out && i < tips.n; i++)
		code = cp_repo_reaches(v->s->history, tips.list[i].oid.hex, oid, out, err);
	cp_tips_drop(&tips);
	return code;
}

/* Some branch of that kind must still hold what the database says of it. */
static enum cp_code want_held(struct cp_verify *v, const char *table, const char *kind, const char *branch, const char *oid, struct cp_err *err)
{
	char where[256];
	bool is_held = false;

	if (strlen(oid) == 40 && strspn(oid, "0123456789abcdef") == 40) {
		CP_TRY(any_branch_reaches(v, branch, oid, &is_held, err)); /* nearly always its own */
		if (!is_held)
			CP_TRY(any_branch_reaches(v, kind, oid, &is_held, err));
	}
	if (!is_held && strcmp(kind, "hub/") == 0)
		CP_TRY(cp_repo_reaches(v->s->history, v->out->main.hex, oid, &is_held, err));
	snprintf(where, sizeof where, "history.git: %s", branch);
	if (!is_held)
		cp_found(v, where, "`casepack rebuild` sets it again", "does not hold %.12s, where %s of casepack.db says that it stood", oid, table);
	return CP_OK;
}

/* No main speaks for what was given, nor for what another hub said last: who gave or took it in has noted where they stood. */
static enum cp_code look_for_given(struct cp_verify *v, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	/* not outbound_acked: a device may name what a hub that was put back gave before, and has no more */
	CP_TRY(cp_query(v->s, &q, err, "SELECT lower(hex(replica)), outbound FROM peers WHERE outbound <> ''", ""));
	for (;;) {
		char branch[80], mine[CP_ID_HEX];

		CP_TRY(cp_step(v->s, q, &row, err));
		if (!row)
			return CP_OK;
		snprintf(branch, sizeof branch, "outbound/%.32s", v->s->me.is_hub ? cp_col_text(q, 0) : cp_hex(mine, v->s->me.replica.bytes, 16));
		CP_TRY(want_held(v, "peers", "outbound/", branch, cp_col_text(q, 1), err));
	}
}

static enum cp_code look_for_said(struct cp_verify *v, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(v->s, &q, err, "SELECT 'hub/' || substr(key, 10), CAST(value AS TEXT) FROM meta WHERE key LIKE 'hub_have/%'", ""));
	for (;;) {
		char branch[80];
		const char *at;

		CP_TRY(cp_step(v->s, q, &row, err));
		if (!row)
			return CP_OK;
		snprintf(branch, sizeof branch, "%.79s", cp_col_text(q, 0));
		at = strstr(cp_col_text(q, 1), branch);
		if (at != NULL && strlen(at) > strlen(branch) + 40) {
			char oid[41];

			snprintf(oid, sizeof oid, "%.40s", at + strlen(branch) + 1);
			if (cp_repo_has(v->s->history, oid)) /* one that was refused never came */
				CP_TRY(want_held(v, "meta", "hub/", branch, oid, err));
		}
	}
}

static bool is_by_me(const struct cp_store *s, const struct cp_commit *c)
{
	struct cp_id hub, project;

	return cp_ident_device(&c->committer, &hub, &project) && cp_id_equal(&hub, &s->me.replica);
}

struct apart { struct cp_verify *v; const char *branch; };

static enum cp_code see_apart(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct apart *a = user;
	char where[256];

	(void)err;
	snprintf(where, sizeof where, "history.git: main, against %s", a->branch);
	if (is_by_me(a->v->s, c))
		cp_found(a->v, where, "compare the two: one was written anew", "commit %.12s of this hub is held there, and main has it no more", oid);
	return CP_OK;
}

/* What another hub joined of this one's main is in this one's main. */
static enum cp_code look_for_rewriting(struct cp_verify *v, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(v->s->history, "hub/", &tips, err);

	for (size_t i = 0; code == CP_OK && *v->out->main.hex != '\0' && i < tips.n; i++) {
		struct apart a = { v, tips.list[i].name };

		code = cp_repo_walk_all(v->s->history, tips.list[i].oid.hex, &v->out->main, 1, see_apart, &a, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* A further line of a device that holds nothing of its own. */
static enum cp_code look_for_idle(struct cp_verify *v, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(v->s->history, "replica/", &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		const char *name = tips.list[i].name;
		bool is_held = false;
		char where[256];

		for (size_t k = 0; code == CP_OK && strlen(name) > 40 && !is_held && k < tips.n; k++)
			if (k != i && strncmp(name, tips.list[k].name, 40) == 0)
				code = cp_repo_reaches(v->s->history, tips.list[k].oid.hex, tips.list[i].oid.hex, &is_held, err);
		snprintf(where, sizeof where, "history.git: %.80s", name);
		if (code == CP_OK && is_held)
			cp_found(v, where, "look what it holds; `git update-ref -d` removes it", "is no further line: another one holds all of it");
	}
	cp_tips_drop(&tips);
	return code;
}

/* One that cannot be walked to its end is a finding about all of that name. */
static enum cp_code walk(struct cp_verify *v, struct cp_repo *repo, const char *prefix, cp_branch_visit *visit, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	char where[64];
	enum cp_code code = cp_replay_branches(repo, prefix, visit, v, &why);

	snprintf(where, sizeof where, "history.git: %s", prefix);
	return cp_found_or(v, where, CP_NOW_HISTORY, code, &why, err);
}

enum cp_code cp_verify_branches(struct cp_verify *v, struct cp_err *err)
{
	struct cp_repo *history = v->again->history;
	struct cp_err why = { .code = CP_OK };
	enum cp_code code;

	CP_TRY(look_for_given(v, err));
	CP_TRY(look_for_said(v, err));
	CP_TRY(look_for_idle(v, err));
	code = look_for_rewriting(v, &why);
	CP_TRY(cp_found_or(v, "history.git: hub/", CP_NOW_HISTORY, code, &why, err));
	CP_TRY(walk(v, history, "replica/", see_on_branch, err));
	CP_TRY(walk(v, history, "outbound/", see_given, err));
	CP_TRY(walk(v, history, "hub/", see_hub, err));
	CP_TRY(look_for_lost(v, history, false, err));
	return v->again->private != NULL ? look_for_lost(v, v->again->private, true, err) : CP_OK;
}

/* ---- checkpoints -------------------------------------------------------------------------------------------------------- */

static bool is_mine(struct cp_verify *v, const char *oid)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };

	return cp_repo_read_commit(v->s->history, oid, &c, NULL) == CP_OK && is_by_me(v->s, &c);
}

/* One's own main also holds the mains that it joined; what another hub said last may stand on its branch alone, but what this one
 * wrote may not. Of lines of one name each repository numbers its own. */
static enum cp_code is_held(struct cp_verify *v, const struct cp_checkpoint *c, bool *out, struct cp_err *err)
{
	char prefix[80];

	*out = false;
	if (strcmp(c->branch, "main") == 0 || strncmp(c->branch, "hub/", 4) == 0) {
		CP_TRY(cp_repo_reaches(v->s->history, v->out->main.hex, c->oid.hex, out, err));
		return *out || is_mine(v, c->oid.hex) ? CP_OK : any_branch_reaches(v, "hub/", c->oid.hex, out, err);
	}
	snprintf(prefix, sizeof prefix, "%s", c->branch);
	if (strchr(prefix, '.') != NULL)
		*strchr(prefix, '.') = '\0';
	return any_branch_reaches(v, prefix, c->oid.hex, out, err);
}

enum cp_code cp_verify_checkpoint(struct cp_verify *v, const struct cp_checkpoint *c, struct cp_err *err)
{
	char where[512];
	bool held;

	if (strcmp(c->branch, "main") == 0 && *v->out->main.hex == '\0') { /* a device has none */
		v->out->beyond++;
		return CP_OK;
	}
	CP_TRY(is_held(v, c, &held, err));
	v->out->checkpoints++;
	if (held)
		return CP_OK;
	snprintf(where, sizeof where, "history.git: %s", *c->branch ? c->branch : "every branch");
	cp_found(v, where, "compare with whoever kept it; what it held then is no longer there",
			"commit %s is gone, which %s names: history was not only added to", c->oid.hex, c->from);
	return CP_OK;
}
