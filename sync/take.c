#include "sync/take.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/change.h"
#include "sync/copies.h"
#include "sync/inner.h"
#include "sync/mainline.h"
#include "sync/proof.h"
#include "sync/quarantine.h"
#include "sync/report.h"
#include "sync/refused.h"
#include "sync/rights.h"
#include "sync/succession.h"
#include "sync/token.h"
#include "sync/triple.h"
#include "sync/verdict.h"

#define FAR_US ((int64_t)24 * 3600 * 1000000)

/* Change commits of one branch, taken in one behind the other. */
struct group {
	char branch[80];
	bool is_written;                 /* main has its commit */
	struct cp_ident author;
	struct cp_batch_commit *commits; size_t n, room;
	struct cp_oid tip;               /* of the accepted ones, "" when there is none */
	struct cp_touched touched;
	int64_t accepted, refused, edits;
};

struct cp_taking {
	struct cp_store *s;
	int64_t at_us;
	struct group *groups; size_t n, room;
	struct cp_oid main;              /* the last commit of it that was made here */
	struct cp_triples triples;       /* what is coming in */
	struct cp_refused_line refused;
	int64_t known;
	char why[512];
	bool brings_proofs;
	bool is_relayed;                 /* a relay passes on what others did */
	bool is_done, is_check;          /* is_check: only to see whether the bundle would be refused */
	const struct cp_author *also; size_t n_also; /* in a check */
	struct cp_buf trees;             /* in a check: the names of those that came */
	struct kept_tree { struct cp_oid oid; struct cp_buf tree, changeset; } *kept; size_t n_kept; /* of what this bundle had refused */
};

static cp_triple_visit take_triple;
static cp_triple_find find_tree;

enum cp_code cp_taking_begin(struct cp_store *s, const struct cp_manifest *m, struct cp_taking **out, struct cp_err *err)
{
	struct cp_taking *t = calloc(1, sizeof *t);

	if (t == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	t->s = s;
	t->brings_proofs = m != NULL && cp_has_proofs(m);
	t->is_relayed = m != NULL && m->kind == CP_BUNDLE_RELAY;
	t->at_us = cp_now_us() / 1000000 * 1000000; /* whole seconds, as main's commits keep it */
	t->triples = (struct cp_triples)CP_TRIPLES(take_triple, find_tree, t, &s->limits);
	t->trees = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	*out = t;
	return CP_OK;
}

void cp_taking_free(struct cp_taking *t)
{
	if (t == NULL)
		return;
	if (!t->is_done) {
		cp_repo_forget(t->s->history);
		if (t->s->private != NULL)
			cp_repo_forget(t->s->private);
	}
	for (size_t i = 0; i < t->n; i++) {
		free(t->groups[i].commits);
		cp_touched_drop(&t->groups[i].touched);
	}
	free(t->groups);
	cp_triples_drop(&t->triples);
	cp_buf_drop(&t->trees);
	for (size_t i = 0; i < t->n_kept; i++) {
		cp_buf_drop(&t->kept[i].tree);
		cp_buf_drop(&t->kept[i].changeset);
	}
	free(t->kept);
	free(t);
}

static enum cp_code write_main(struct cp_taking *t, struct group *g, struct cp_err *err);

/*
 * Before anything of that branch changes a row: another branch's commit of main is made now, while the pages show what came
 * with it and before it, and nothing of what follows. Whoever asks git who wrote a line is told the rater.
 */
static enum cp_code turn_to(struct cp_taking *t, const char *branch, struct cp_err *err)
{
	struct group *last = t->n > 0 ? &t->groups[t->n - 1] : NULL;

	return last == NULL || last->is_written || strcmp(last->branch, branch) == 0 ? CP_OK : write_main(t, last, err);
}

static struct group *group_of(struct cp_taking *t, const char *branch)
{
	struct group *g = t->n > 0 ? &t->groups[t->n - 1] : NULL;

	if (g != NULL && !g->is_written && strcmp(g->branch, branch) == 0)
		return g;
	if (t->n == t->room) {
		t->room = t->room * 2 + 4;
		t->groups = reallocarray(t->groups, t->room, sizeof *t->groups);
		assert(t->groups != NULL);
	}
	g = &t->groups[t->n++];
	memset(g, 0, sizeof *g);
	snprintf(g->branch, sizeof g->branch, "%s", branch);
	return g;
}

/* reason: of a refusal, NULL where it is accepted */
static void group_add(struct group *g, const char *oid, const char *reason, bool is_far, int64_t edits)
{
	if (g->n == g->room) {
		g->room = g->room * 2 + 8;
		g->commits = reallocarray(g->commits, g->room, sizeof *g->commits);
		assert(g->commits != NULL);
	}
	snprintf(g->commits[g->n].oid.hex, sizeof g->commits[g->n].oid.hex, "%s", oid);
	g->commits[g->n].is_refused = reason != NULL;
	snprintf(g->commits[g->n].reason, sizeof g->commits[g->n].reason, "%s", reason ? reason : "");
	g->commits[g->n].edits = edits;
	g->commits[g->n++].is_far = is_far;
}

/* ---- one change commit -------------------------------------------------------------------- */

/* A change commit in hand, wherever it came from. */
struct incoming {
	const char *oid;
	const void *commit; size_t commit_len;
	const void *tree; size_t tree_len;
	const void *changeset; size_t len;
	struct cp_change_commit c;
	struct cp_author author;
	bool is_stranger;               /* of a device that the hub has yet to enter into the roster; author: whose it says it is, or nobody */
	bool is_ruled;                  /* a lead has decided to take it in, whatever became of its device */
};

enum cp_code cp_line_choose(struct cp_store *s, struct cp_change_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf parent = CP_BUF(80);
	char hex[CP_ID_HEX];
	int64_t sibling, lines;

	cp_hex(hex, c->replica.bytes, 16);
	if (*c->parent != '\0')
		CP_TRY(cp_query_text(s, &parent, NULL, err, "SELECT branch FROM commits WHERE oid = ?1", "t", c->parent));
	CP_TRY(cp_query_int(s, &sibling, 0, err, "SELECT 1 FROM commits WHERE replica = ?1 AND parent = ?2"
			" AND verdict = 'accepted' AND is_private = 0", "dt", &c->replica, c->parent));
	snprintf(c->branch, sizeof c->branch, "%s", parent.len ? parent.data : "");
	if (parent.len == 0)
		snprintf(c->branch, sizeof c->branch, "replica/%s", hex);
	if (!sibling)
		return CP_OK;
	CP_TRY(cp_query_int(s, &lines, 0, err, "SELECT count(DISTINCT branch) FROM commits WHERE replica = ?1", "d",
			&c->replica));
	snprintf(c->branch, sizeof c->branch, "replica/%s.%" PRId64, hex, lines + 1);
	return CP_OK;
}

/* Where its chain stands: behind a forerunner that is unknown or was refused it waits, and behind one of another device
 * it has no place. */
static enum cp_code check_chain(struct cp_store *s, const struct incoming *in, enum cp_verdict *out, char why[256],
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf verdict = CP_BUF(32);
	int64_t is_own;
	bool found;

	*out = CP_ACCEPT;
	if (*in->c.parent == '\0')
		return CP_OK;
	CP_TRY(cp_query_text(s, &verdict, &found, err, "SELECT verdict FROM commits WHERE oid = ?1", "t", in->c.parent));
	CP_TRY(cp_query_int(s, &is_own, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND replica = ?2 AND is_private = 0", "td",
			in->c.parent, &in->c.replica));
	if (found && !is_own) {
		*out = CP_REFUSE;
		snprintf(why, 256, "its forerunner %.12s is another device's", in->c.parent);
	} else if (!found) {
		*out = CP_WAIT;
		snprintf(why, 256, "its forerunner %.12s has not come yet", in->c.parent);
	} else if (strcmp(verdict.data, "accepted") != 0) {
		*out = CP_WAIT; /* an acceptance may follow a refusal; git must have the parent's object then */
		snprintf(why, 256, "its forerunner %.12s was refused", in->c.parent);
	}
	return CP_OK;
}

static enum cp_code decide(struct cp_store *s, struct incoming *in, enum cp_verdict *out, char why[256], struct cp_err *err)
{
	struct cp_err inner = { 0 };

	if (in->is_stranger) {
		*out = CP_WAIT;
		if (*in->author.pseudonym == '\0')
			snprintf(why, 256, "it is by a device that is not on the roster here");
		else
			snprintf(why, 256, "%s's device goes on under another id, which a lead's hub has to enter into the roster",
					in->author.pseudonym);
		return CP_OK;
	}
	CP_TRY(check_chain(s, in, out, why, err));
	if (*out != CP_ACCEPT)
		return CP_OK;
	if (cp_change_commit_check(&in->c, in->tree, in->tree_len, in->changeset, in->len, false, &inner) != CP_OK) {
		*out = CP_REFUSE;
		snprintf(why, 256, "%.240s", inner.text);
		return CP_OK;
	}
	if (!in->author.is_active && !in->is_ruled) {
		*out = CP_REFUSE;
		snprintf(why, 256, "%s's device is no longer trusted", in->author.pseudonym);
		return CP_OK;
	}
	return cp_rights_check(s, &in->author, in->changeset, in->len, out, why, err);
}

static enum cp_code insert_commit(struct cp_store *s, const struct incoming *in, const char *verdict, const char *why,
		int64_t at_us, bool is_far, struct cp_err *err)
{
	CP_TRY(cp_verdict_put(s, in->oid, &s->me.replica, verdict, why, at_us, is_far, err));
	return cp_run(s, err, "INSERT INTO commits(oid, branch, parent, replica, verdict, reason, received_us, claimed_us,"
			" is_far, edits) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", "tttdttiiii", in->oid, in->c.branch,
			in->c.parent, &in->c.replica, verdict, why, at_us, in->c.clock, (int64_t)is_far, in->c.edits);
}

/* Apply under a savepoint: what the database itself refuses is refused, and leaves nothing. */
static enum cp_code try_apply(struct cp_taking *t, const struct incoming *in, bool is_far, bool *applied, char why[256],
		struct cp_err *err)
{
	struct cp_err inner = { 0 };
	struct cp_store *s = t->s;
	enum cp_code code;

	CP_TRY(cp_run(s, err, "SAVEPOINT taking", ""));
	CP_TRY(insert_commit(s, in, "accepted", "", t->at_us, is_far, err));
	CP_TRY(cp_repo_put(s->history, in->oid, "commit", in->commit, in->commit_len, err));
	CP_TRY(cp_repo_put(s->history, in->c.commit.tree.hex, "tree", in->tree, in->tree_len, err));
	{
		struct cp_oid blob;

		CP_TRY(cp_repo_blob(s->history, in->changeset, in->len, &blob, err));
	}
	code = cp_apply_change(s, in->changeset, in->len, sqlite3_last_insert_rowid(s->db), &inner);
	*applied = code == CP_OK;
	if (code == CP_EFORMAT) {
		snprintf(why, 256, "%.240s", inner.text);
		CP_TRY(cp_run(s, err, "ROLLBACK TO taking", ""));
	} else if (code != CP_OK) {
		return cp_fail(err, code, "%s", inner.text);
	}
	return cp_run(s, err, "RELEASE taking", "");
}

/* Another line of the same bundle may have sealed the same: its tree comes once. */
static enum cp_code keep_tree(struct cp_taking *t, const struct incoming *in, struct cp_err *err)
{
	struct kept_tree *k;

	t->kept = reallocarray(t->kept, t->n_kept + 1, sizeof *t->kept);
	assert(t->kept != NULL);
	k = &t->kept[t->n_kept++];
	*k = (struct kept_tree){ .oid = in->c.commit.tree, .tree = CP_BUF((size_t)1 << 20), .changeset = CP_BUF((size_t)1 << 31) };
	CP_TRY(cp_buf_add(&k->tree, in->tree, in->tree_len, err));
	return cp_buf_add(&k->changeset, in->changeset, in->len, err);
}

static enum cp_code refuse(struct cp_taking *t, struct incoming *in, const char *reason, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(4096); /* what it quotes may be anything */
	const char *why;
	struct group *g;
	char hex[CP_ID_HEX];

	CP_TRY(cp_words_add(&words, reason, err));
	why = words.len ? words.data : "";
	snprintf(in->c.branch, sizeof in->c.branch, "replica/%s", cp_hex(hex, in->c.replica.bytes, 16));
	CP_TRY(keep_tree(t, in, err));
	CP_TRY(turn_to(t, in->c.branch, err));
	CP_TRY(insert_commit(t->s, in, "refused", why, t->at_us, false, err));
	if (t->s->private != NULL)
		CP_TRY(cp_refused_keep(t->s, &t->refused, &(struct cp_refused){ in->oid, in->c.branch, why, in->commit, in->commit_len, in->tree,
				in->tree_len, in->changeset, in->len }, t->at_us, err));
	g = group_of(t, in->c.branch);
	group_add(g, in->oid, why, false, in->c.edits);
	g->author = in->c.commit.author;
	g->refused++;
	if (*t->why == '\0')
		snprintf(t->why, sizeof t->why, "%.12s refused: %.200s", in->oid, why);
	return CP_OK;
}

/* Is its clock, or that of one of its rows, far ahead of its receipt? */
static enum cp_code claims_far(const struct cp_taking *t, const struct incoming *in, bool *out, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	*out = in->c.clock > t->at_us + FAR_US;
	cp_changeset_begin(&r, in->changeset, in->len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		*out = *out || (c.table != CP_T_RATINGS && c.now[CP_C_CLOCK].integer > t->at_us + FAR_US);
	}
}

static enum cp_code accept(struct cp_taking *t, struct incoming *in, char why[256], bool *applied, struct cp_err *err)
{
	struct group *g;
	bool is_far;

	CP_TRY(claims_far(t, in, &is_far, err));
	CP_TRY(cp_line_choose(t->s, &in->c, err));
	CP_TRY(turn_to(t, in->c.branch, err));
	CP_TRY(try_apply(t, in, is_far, applied, why, err));
	if (!*applied)
		return CP_OK;
	g = group_of(t, in->c.branch);
	group_add(g, in->oid, NULL, is_far, in->c.edits);
	g->author = in->c.commit.author;
	snprintf(g->tip.hex, sizeof g->tip.hex, "%s", in->oid);
	g->accepted++;
	g->edits += in->c.edits;
	CP_TRY(cp_touched_add(t->s, &g->touched, in->changeset, in->len, err));
	return cp_repo_staged(t->s->history) > CP_REPO_PACK_MAX ? cp_repo_flush(t->s->history, err) : CP_OK;
}

static enum cp_code let_wait(struct cp_taking *t, const struct incoming *in, const char *why, struct cp_err *err)
{
	if (*t->why == '\0')
		snprintf(t->why, sizeof t->why, "%.12s waits: %.200s", in->oid, why);
	return cp_run(t->s, err, "INSERT OR REPLACE INTO waiting(oid, branch, commit_bytes, tree_bytes, changeset, edits, why,"
			" since_us, parent) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce((SELECT since_us FROM waiting WHERE oid = ?1), ?8), ?9)",
			"ttbbbitit", in->oid, in->c.branch, in->commit, in->commit_len, in->tree, in->tree_len, in->changeset, in->len,
			in->c.edits, why, t->at_us, in->c.parent);
}

static enum cp_code take_one(struct cp_taking *t, struct incoming *in, enum cp_verdict *verdict, struct cp_err *err)
{
	char why[256] = "";
	bool applied = false;

	CP_TRY(decide(t->s, in, verdict, why, err));
	if (*verdict != CP_WAIT) /* it may have waited since an earlier bundle */
		CP_TRY(cp_run(t->s, err, "DELETE FROM waiting WHERE oid = ?1", "t", in->oid));
	if (*verdict == CP_ACCEPT) {
		CP_TRY(accept(t, in, why, &applied, err));
		if (!applied)
			*verdict = CP_REFUSE;
	}
	if (*verdict == CP_REFUSE && t->s->me.is_relay)
		*verdict = CP_WAIT; /* its verdict is provisional: the hub it passes this on to decides */
	if (*verdict == CP_REFUSE)
		return refuse(t, in, why, err);
	return *verdict == CP_WAIT ? let_wait(t, in, why, err) : CP_OK;
}

/* Form, author and signature: what fails here refuses the bundle, since its signer answers for what it carries. A relay may know
 * devices that are not known here (yet, or any more): their work waits, and that of the others is taken. */
static enum cp_code authenticate(struct cp_taking *t, struct incoming *in, struct cp_err *err)
{
	struct cp_pubkey signer;
	bool found;

	if (cp_change_commit_read(&in->c, in->commit, in->commit_len, err) != CP_OK)
		return cp_fail_at(err, "commit %.12s", in->oid);
	if (!cp_id_equal(&in->c.project, &t->s->me.project))
		return cp_fail(err, CP_ETRUST, "commit %.12s is of another project", in->oid);
	CP_TRY(cp_author_find(t->s, &in->c.replica, &in->author, &found, err));
	if (cp_commit_signer(&signer, &in->c.commit, err) != CP_OK)
		return cp_fail_at(err, "commit %.12s", in->oid);
	for (size_t i = 0; !found && i < t->n_also; i++) {
		in->author = t->also[i];
		found = cp_id_equal(&in->author.replica, &in->c.replica);
	}
	in->is_stranger = !found;
	if (!found)
		CP_TRY(cp_copy_stranger(t->s, &signer, &in->author, &found, err));
	if (!found)
		CP_TRY(cp_stranger_find(t->s, &in->c.replica, &in->author, &found, err));
	if (!found && t->is_relayed)
		return CP_OK;
	if (!found)
		return cp_fail(err, CP_ETRUST, "commit %.12s is by a device that is not on the roster", in->oid);
	if (memcmp(&signer, &in->author.key, sizeof signer) != 0)
		return cp_fail(err, CP_ETRUST, "commit %.12s says it is by %s, but another key signed it", in->oid,
				in->author.pseudonym);
	return cp_author_named(&in->author, &in->c.commit, in->oid, err);
}

/* ---- the stream of a bundle ----------------------------------------------------------------- */

static enum cp_code take_triple(void *user, struct cp_triples *c, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_taking *t = user;
	struct incoming in = { .oid = c->commit_oid.hex, .commit = c->commit.data, .commit_len = c->commit.len,
		.tree = c->tree.data, .tree_len = c->tree.len, .changeset = changeset, .len = len };
	enum cp_verdict verdict;
	int64_t known;
	enum cp_code code;

	if (cp_is_outbound(in.commit, in.commit_len)) /* material, which comes back as proof, is nobody's work; cp_proofs_take has it */
		return t->brings_proofs || t->is_check ? CP_OK
			: cp_fail(err, CP_EFORMAT, "commit %.12s says that a hub gave it, but its bundle does not", in.oid);
	CP_TRY(cp_query_int(t->s, &known, 0, err, "SELECT 1 FROM commits WHERE oid = ?1", "t", in.oid));
	if (known) {
		t->known++;
		return CP_OK;
	}
	code = authenticate(t, &in, err);
	if (code == CP_OK && strcmp(in.c.commit.tree.hex, c->tree_oid.hex) != 0)
		code = cp_fail(err, CP_EFORMAT, "commit %.12s is followed by another tree", in.oid);
	if (code == CP_OK)
		code = t->is_check ? cp_buf_printf(&t->trees, err, "%s\n", c->tree_oid.hex) : take_one(t, &in, &verdict, err);
	cp_change_commit_drop(&in.c);
	return code;
}

/* A tree of a commit that was taken in, or that waits. */
static enum cp_code find_tree(void *user, const char *oid, struct cp_buf *tree, struct cp_buf *changeset, struct cp_err *err)
{
	struct cp_taking *t = user;
	sqlite3_stmt *q;
	struct cp_oid name;
	bool row;

	if (t->trees.len > 0 && strstr(t->trees.data, oid) != NULL)
		return CP_OK; /* a check has no use for its bytes */
	if (cp_repo_read_single(t->s->history, oid, "changeset", tree, changeset, NULL) == CP_OK)
		return CP_OK;
	cp_buf_clear(tree);
	for (size_t i = 0; i < t->n_kept; i++)
		if (strcmp(t->kept[i].oid.hex, oid) == 0) {
			CP_TRY(cp_buf_add(tree, t->kept[i].tree.data, t->kept[i].tree.len, err));
			return cp_buf_add(changeset, t->kept[i].changeset.data, t->kept[i].changeset.len, err);
		}
	CP_TRY(cp_query(t->s, &q, err, "SELECT tree_bytes, changeset FROM waiting", ""));
	for (;;) {
		CP_TRY(cp_step(t->s, q, &row, err));
		if (!row)
			return CP_ENOTFOUND;
		CP_TRY(cp_repo_name(&name, "tree", sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), err));
		if (strcmp(name.hex, oid) == 0)
			break;
	}
	CP_TRY(cp_buf_add(tree, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), err));
	CP_TRY(cp_buf_add(changeset, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), err));
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_taking_object(struct cp_taking *t, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	return cp_triples_object(&t->triples, oid, type, bytes, len, err);
}

static enum cp_code check_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_taking_object(user, oid, type, bytes, len, err);
}

enum cp_code cp_taking_check(struct cp_store *s, struct cp_bundle *b, const struct cp_author *also, size_t n_also,
		struct cp_err *err)
{
	struct cp_taking *t;
	enum cp_code code;

	CP_TRY(cp_taking_begin(s, cp_bundle_manifest(b), &t, err));
	t->is_check = true;
	t->also = also;
	t->n_also = n_also;
	code = cp_bundle_each_object(b, check_object, t, err);
	if (code == CP_OK)
		code = cp_triples_end(&t->triples, err);
	cp_taking_free(t);
	return code;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* One that waits, read into buffers of the caller; *found false when there is none behind after. */
static enum cp_code next_waiting(struct cp_store *s, const char *after, struct cp_buf parts[4], bool *found, struct cp_err *err)
{
	sqlite3_stmt *q;
	enum cp_code code = CP_OK;

	CP_TRY(cp_query(s, &q, err, "SELECT oid, commit_bytes, tree_bytes, changeset FROM waiting WHERE oid > ?1 ORDER BY oid LIMIT 1",
			"t", after));
	CP_TRY(cp_step(s, q, found, err));
	for (int i = 0; *found && code == CP_OK && i < 4; i++) {
		cp_buf_clear(&parts[i]);
		code = cp_buf_add(&parts[i], sqlite3_column_blob(q, i), (size_t)sqlite3_column_bytes(q, i), err);
	}
	if (*found)
		sqlite3_reset(q);
	return code;
}

static enum cp_code retry_one(struct cp_taking *t, struct cp_buf parts[4], bool *moved, struct cp_err *err)
{
	struct incoming in = { .oid = parts[0].data, .commit = parts[1].data, .commit_len = parts[1].len, .tree = parts[2].data,
		.tree_len = parts[2].len, .changeset = parts[3].data, .len = parts[3].len };
	enum cp_verdict verdict = CP_WAIT;
	enum cp_code code;

	code = authenticate(t, &in, err);
	if (code == CP_OK)
		code = take_one(t, &in, &verdict, err);
	cp_change_commit_drop(&in.c);
	if (code == CP_ETRUST) /* not by a device of the roster: only that waits, whatever else has come */
		return CP_OK;
	if (code != CP_OK || verdict == CP_WAIT)
		return code;
	*moved = true;
	return CP_OK;
}

/* Until nothing that waits can be moved any more. */
static enum cp_code retry_waiting(struct cp_taking *t, struct cp_err *err)
{
	struct cp_buf parts[4] = { CP_BUF(64), CP_BUF((size_t)1 << 20), CP_BUF((size_t)1 << 20), CP_BUF((size_t)1 << 31) };
	enum cp_code code = CP_OK;

	for (bool moved = true; moved && code == CP_OK;) {
		char after[64] = "";
		bool found = true;

		moved = false;
		while (code == CP_OK) {
			code = next_waiting(t->s, after, parts, &found, err);
			if (!found || code != CP_OK)
				break;
			snprintf(after, sizeof after, "%s", parts[0].data);
			code = retry_one(t, parts, &moved, err);
		}
	}
	for (int i = 0; i < 4; i++)
		cp_buf_drop(&parts[i]);
	return code;
}

static enum cp_code write_main(struct cp_taking *t, struct group *g, struct cp_err *err)
{
	char words[256];
	struct cp_batch batch = { .commits = g->commits, .n = g->n, .words = words, .author = g->author, .at_us = t->at_us };

	snprintf(batch.branch, sizeof batch.branch, "%s", g->branch);
	if (g->accepted > 0)
		snprintf(words, sizeof words, "%s: %" PRId64 " edit%s in %" PRId64 " change commit%s%s", g->author.name,
				g->edits, g->edits == 1 ? "" : "s", g->accepted, g->accepted == 1 ? "" : "s",
				g->refused ? ", others refused" : "");
	else
		snprintf(words, sizeof words, "%s: refused %" PRId64 " change commit%s", g->author.name, g->refused,
				g->refused == 1 ? "" : "s");
	g->is_written = true;
	return cp_main_commit(t->s, &batch, &g->touched, &t->main, err);
}

static enum cp_code move_branches(struct cp_taking *t, struct cp_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct cp_oid old;

		if (*t->groups[i].tip.hex == '\0')
			continue;
		CP_TRY(cp_repo_branch(t->s->history, t->groups[i].branch, &old, err));
		CP_TRY(cp_repo_move(t->s->history, t->groups[i].branch, &old, &t->groups[i].tip, err));
	}
	return CP_OK;
}

enum cp_code cp_taking_end(struct cp_taking *t, struct cp_merged *out, struct cp_err *err)
{
	int64_t conflicts;

	CP_TRY(cp_triples_end(&t->triples, err));
	CP_TRY(retry_waiting(t, err));
	for (size_t i = 0; i < t->n; i++) {
		CP_TRY(t->groups[i].is_written ? CP_OK : write_main(t, &t->groups[i], err));
		out->commits += t->groups[i].accepted;
		out->edits += t->groups[i].edits;
		out->refused += t->groups[i].refused;
	}
	CP_TRY(cp_query_int(t->s, &conflicts, 0, err, "SELECT count(*) FROM conflicts WHERE is_open", ""));
	out->known = t->known;
	CP_TRY(cp_waiting_count(t->s, &out->waiting, err));
	out->conflicts = conflicts;
	CP_TRY(cp_conflict_classes(t->s, out->conflict_classes, sizeof out->conflict_classes, err));
	snprintf(out->why, sizeof out->why, "%s", t->why);
	CP_TRY(cp_repo_flush(t->s->history, err));
	CP_TRY(cp_refused_publish(t->s, &t->refused, err));
	CP_TRY(move_branches(t, err));
	CP_TRY(cp_main_publish(t->s, NULL, NULL, &t->main, err));
	t->is_done = true;
	cp_token_write(t->s);
	return CP_OK;
}

/* ---- without a bundle ---------------------------------------------------------------------------- */

/* A lead has decided about it. What its author may not write stays refused. */
static enum cp_code take_ruled(struct cp_taking *t, struct incoming *in, struct cp_err *err)
{
	enum cp_verdict verdict;
	char why[256] = "";
	bool applied;

	CP_TRY(authenticate(t, in, err));
	CP_TRY(decide(t->s, in, &verdict, why, err));
	if (verdict != CP_ACCEPT)
		return cp_fail(err, CP_EINPUT, "%.12s cannot be accepted: %s", in->oid, why);
	CP_TRY(cp_run(t->s, err, "DELETE FROM commits WHERE oid = ?1 AND verdict = 'refused'", "t", in->oid)); /* it has no edits */
	CP_TRY(accept(t, in, why, &applied, err));
	return applied ? CP_OK : cp_fail(err, CP_EINPUT, "%.12s cannot be accepted: %s", in->oid, why);
}

static enum cp_code take_refused(struct cp_taking *t, const struct cp_refused *r, struct cp_err *err)
{
	struct incoming in = { .oid = r->oid, .commit = r->commit, .commit_len = r->commit_len, .tree = r->tree, .tree_len = r->tree_len,
		.changeset = r->changeset, .len = r->len, .is_ruled = true };
	enum cp_code code = take_ruled(t, &in, err);

	cp_change_commit_drop(&in.c);
	return code;
}

/* One transaction, which takes in whatever waited for that too. */
static enum cp_code take_now(struct cp_store *s, const struct cp_refused *refused, bool is_trial, struct cp_merged *out,
		struct cp_err *err)
{
	struct cp_taking *t = NULL;
	enum cp_code code;

	CP_TRY(cp_txn_begin(s, err));
	code = cp_taking_begin(s, NULL, &t, err);
	if (code == CP_OK && refused != NULL)
		code = take_refused(t, refused, err);
	if (code == CP_OK && !is_trial)
		code = cp_taking_end(t, out, err);
	if (code != CP_OK || is_trial)
		cp_txn_rollback(s);
	cp_taking_free(t);
	return code;
}

enum cp_code cp_take_waiting(struct cp_store *s, struct cp_merged *out, struct cp_err *err)
{
	return take_now(s, NULL, false, out, err);
}

enum cp_code cp_take_refused(struct cp_store *s, const struct cp_refused *refused, bool is_trial, struct cp_merged *out,
		struct cp_err *err)
{
	return take_now(s, refused, is_trial, out, err);
}
