#include "sync/rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/apply.h"
#include "sync/change.h"
#include "sync/content.h"
#include "sync/copies.h"
#include "sync/fresh.h"
#include "sync/inner.h"
#include "sync/migrate.h"
#include "sync/mainline.h"
#include "sync/outbound.h"
#include "sync/refusal.h"
#include "sync/rights.h"
#include "sync/seal.h"

/* ---- one branch after another -------------------------------------------------------------------- */

struct replaying { struct cp_store *s; struct cp_repo *repo; const char *branch; bool is_private; };

static enum cp_code replay_change(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_change_commit c;
	int64_t known;
	enum cp_code code;

	(void)unused;
	CP_TRY(cp_query_int(r->s, &known, 0, err, "SELECT 1 FROM commits WHERE oid = ?1", "t", oid));
	if (known)
		return CP_OK;
	CP_TRY(cp_repo_read(r->repo, oid, "commit", &bytes, err));
	CP_TRY(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	code = cp_repo_read_path(r->repo, oid, "changeset", &changeset, err);
	if (code == CP_OK)
		code = cp_run(r->s, err, "INSERT INTO commits(oid, is_private, branch, parent, replica, verdict, received_us,"
				" claimed_us, edits) VALUES(?1, ?2, ?3, ?4, ?5, 'accepted', ?6, ?6, ?7)", "tittdii", oid,
				(int64_t)r->is_private, r->branch, c.parent, &c.replica, c.clock, c.edits);
	if (code == CP_OK)
		code = cp_apply_change(r->s, changeset.data, changeset.len, sqlite3_last_insert_rowid(r->s->db), err);
	cp_change_commit_drop(&c);
	return code;
}

/* The branch of what was given to me, not by me. */
static bool is_given_to_me(const struct cp_store *s, const char *branch)
{
	char hex[CP_ID_HEX];

	return strncmp(branch, "outbound/", 9) == 0 && strncmp(branch + 9, cp_hex(hex, s->me.replica.bytes, 16), 32) == 0;
}

/* A device puts the rows in place, and knows its hub again and what of it it holds: also of one that gave before, which
 * goes on where it ended when the device comes back to it. Of what was given under a former id only the rows count. */
static enum cp_code replay_given_to_me(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	bool is_mine = is_given_to_me(r->s, r->branch), is_present = is_mine && strchr(r->branch, '.') == NULL;
	struct cp_id hub;
	char hex[CP_ID_HEX];
	int64_t n = 0;

	snprintf(hex, sizeof hex, "%.32s", c->committer.email);
	if (!cp_unhex(hub.bytes, 16, hex))
		return cp_fail(err, CP_EFORMAT, "%s: is by no hub", oid);
	CP_TRY(cp_repo_read_path(r->repo, oid, "changeset", &changeset, err));
	CP_TRY(cp_outbound_apply(r->s, changeset.data, changeset.len, &n, &n, err));
	CP_TRY(cp_run(r->s, err, "INSERT INTO peers(replica, outbound, received_us) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
			" outbound = excluded.outbound, received_us = excluded.received_us", "dti", &hub, is_mine ? oid : "",
			c->committer.seconds * 1000000));
	return is_present ? cp_meta_set(r->s, "applied", oid, 40, err) : CP_OK;
}

/* What a hub gave, from its own outbound commits. */
static enum cp_code replay_outbound(void *user, const char *oid, const struct cp_commit *commit, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_id device;
	char hex[CP_ID_HEX];

	cp_hex(hex, r->s->me.replica.bytes, 16);
	if (is_given_to_me(r->s, r->branch) || !cp_unhex(device.bytes, 16, r->branch + strlen("outbound/")) ||
			strncmp(commit->committer.email, hex, strlen(hex)) != 0)
		return CP_OK; /* not by me, or a chain that was left */
	CP_TRY(cp_repo_read_path(r->repo, oid, "changeset", &changeset, err));
	return cp_outbound_record(r->s, &device, oid, changeset.data, changeset.len, err);
}

/* By the time of their last commit. */
static enum cp_code by_age(struct cp_repo *r, struct cp_tips *tips, struct cp_err *err)
{
	for (size_t i = 1; i < tips->n; i++)
		for (size_t k = i; k > 0; k--) {
			struct cp_commit a = { 0 }, b = { 0 };
			struct cp_tip swap = tips->list[k];
			bool is_younger;

			CP_TRY(cp_repo_read_commit(r, tips->list[k - 1].oid.hex, &a, err));
			CP_TRY(cp_repo_read_commit(r, tips->list[k].oid.hex, &b, err));
			is_younger = a.committer.seconds > b.committer.seconds;
			cp_commit_drop(&a);
			cp_commit_drop(&b);
			if (!is_younger)
				break;
			tips->list[k] = tips->list[k - 1];
			tips->list[k - 1] = swap;
		}
	return CP_OK;
}

static enum cp_code replay_branches(struct cp_store *s, struct cp_repo *repo, const char *prefix, bool is_private,
		cp_commit_visit *visit, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(repo, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		struct replaying r = { s, repo, tips.list[i].name, is_private };

		code = cp_repo_walk(repo, tips.list[i].oid.hex, "", visit, &r, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* What a device was given, in the order in which it was: chains that were left before the present one, and that up to
 * that commit ("": nothing); NULL is all that its branch holds. */
static enum cp_code replay_given(struct cp_store *s, const char *until, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	char present[80], hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(present, sizeof present, "outbound/%s", cp_hex(hex, s->me.replica.bytes, 16));
	code = cp_repo_branches(s->history, "outbound/", &tips, err);
	if (code == CP_OK)
		code = by_age(s->history, &tips, err);
	for (int is_present = 0; is_present < 2; is_present++)
		for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
			struct replaying r = { s, s->history, tips.list[i].name, false };

			const char *tip = is_present && until != NULL ? until : tips.list[i].oid.hex;

			if ((strcmp(r.branch, present) == 0) == is_present && *tip != '\0' &&
					(!s->me.is_hub || is_given_to_me(s, r.branch)))
				code = cp_repo_walk(s->history, tip, "", replay_given_to_me, &r, err);
		}
	cp_tips_drop(&tips);
	return code;
}

/* My lines, the oldest first. */
static enum cp_code replay_my_branches(struct cp_store *s, struct cp_err *err)
{
	struct cp_id ids[CP_MAX_LINES];
	char branch[80], hex[CP_ID_HEX];
	size_t n;

	CP_TRY(cp_copy_lines(s, ids, &n, err));
	for (size_t i = 0; i < n; i++) {
		snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, ids[i].bytes, 16));
		CP_TRY(replay_branches(s, s->history, branch, false, replay_change, err));
	}
	return CP_OK;
}

static enum cp_code replay_all(struct cp_store *s, const char *until, struct cp_err *err)
{
	int64_t clock;

	CP_TRY(cp_txn_begin(s, err));
	if (s->private != NULL)
		CP_TRY(replay_branches(s, s->private, "replica/", true, replay_change, err));
	if (!s->me.is_hub || s->me.is_relay)
		CP_TRY(replay_given(s, until, err));
	CP_TRY(cp_txn_commit(s, err));
	CP_TRY(cp_main_replay(s, err));
	CP_TRY(cp_txn_begin(s, err));
	if (s->me.is_hub)
		CP_TRY(replay_branches(s, s->history, "outbound/", false, replay_outbound, err));
	CP_TRY(replay_my_branches(s, err));
	CP_TRY(cp_query_int(s, &clock, 0, err, "SELECT coalesce(max(claimed_us), 0) FROM commits WHERE replica = ?1 OR ?2",
			"di", &s->me.replica, (int64_t)!s->me.is_hub));
	CP_TRY(cp_meta_set_int(s, "clock", clock, err)); /* mine never goes back */
	return cp_txn_commit(s, err);
}

static enum cp_code count_missing(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row, has;

	CP_TRY(cp_query(s, &q, err, "SELECT content FROM cases WHERE state <> 'forgotten' AND id NOT IN (SELECT case_id FROM erased)", ""));
	for (*out = 0;; *out += !has) {
		struct cp_hash hash;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_hash(q, 0, &hash);
		CP_TRY(cp_content_has(s, &hash, &has, err));
	}
}

static enum cp_code count(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_TRY(cp_query_int(s, &out->commits, 0, err, "SELECT count(*) FROM commits", ""));
	CP_TRY(cp_query_int(s, &out->edits, 0, err, "SELECT count(*) FROM edits", ""));
	CP_TRY(count_missing(s, &out->missing_contents, err));
	return cp_store_hash(s, &out->hash, err);
}

/* ---- what no history holds yet --------------------------------------------------------------------- */

/* The last outbox row that my branch of that repository holds: 0 when there is none. */
static enum cp_code last_sealed(struct cp_store *s, struct cp_repo *r, int64_t *out, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_commit c;
	struct cp_oid tip;
	const char *text;
	size_t len;

	*out = 0;
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	CP_TRY(cp_repo_branch(r, branch, &tip, err));
	if (*tip.hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read_commit(r, tip.hex, &c, err));
	if (cp_commit_trailer(&c, "Casepack-Outbox", 0, &text, &len))
		*out = strtoll(text, NULL, 10);
	cp_commit_drop(&c);
	return CP_OK;
}

/* Each save of the old outbox that no commit holds, under its number, and into the rows. */
static enum cp_code take_outbox(struct cp_store *s, const int64_t sealed[2], int64_t *n, struct cp_err *err)
{
	int64_t seq = 0;

	for (;;) {
		CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);

		CP_TRY(cp_query_int(s, &seq, 0, err, "SELECT min(seq) FROM old.outbox WHERE seq > ?1"
				" AND seq > CASE is_private WHEN 0 THEN ?2 ELSE ?3 END", "iii", seq, sealed[0], sealed[1]));
		if (seq == 0)
			return CP_OK;
		CP_TRY(cp_run(s, err, "INSERT INTO main.outbox SELECT * FROM old.outbox WHERE seq = ?1", "i", seq));
		CP_TRY(cp_changeset_of(s, -seq, &changeset, err));
		CP_TRY(cp_changeset_check(changeset.data, changeset.len, cp_shapes, CP_T_COUNT, NULL, err));
		CP_TRY(cp_apply_change(s, changeset.data, changeset.len, -seq, err));
		++*n;
	}
}

/* Numbers go on behind those that were used: a repair goes by them. */
static enum cp_code go_on_behind(struct cp_store *s, const char *key, int64_t sealed, bool is_private, struct cp_err *err)
{
	int64_t waiting;

	CP_TRY(cp_query_int(s, &waiting, 0, err, "SELECT max(seq) FROM main.outbox WHERE is_private = ?1", "i", (int64_t)is_private));
	if (is_private && waiting < CP_OUTBOX_PRIVATE) /* of an older program, like what it sealed */
		waiting = CP_OUTBOX_PRIVATE;
	return cp_meta_set_int(s, key, sealed > waiting ? sealed : waiting, err);
}

static enum cp_code take_over_inside(struct cp_store *s, const int64_t sealed[2], int64_t *n, struct cp_err *err)
{
	CP_TRY(cp_run(s, err, "INSERT INTO main.drafts SELECT * FROM old.drafts", ""));
	CP_TRY(cp_run(s, err, "INSERT INTO main.draft_ratings SELECT * FROM old.draft_ratings", ""));
	CP_TRY(cp_refusals_copy(s, err));
	/* What expired; what is forgotten is looked for again. */
	CP_TRY(cp_run(s, err, "INSERT INTO main.erased SELECT * FROM old.erased WHERE case_id NOT IN (SELECT id FROM main.cases WHERE"
			" state = 'forgotten')", ""));
	CP_TRY(cp_run(s, err, "UPDATE main.commits SET acked_us = coalesce((SELECT acked_us FROM old.commits o WHERE o.oid = commits.oid), 0)",
			""));
	CP_TRY(take_outbox(s, sealed, n, err));
	CP_TRY(go_on_behind(s, "outbox", sealed[0], false, err));
	CP_TRY(go_on_behind(s, "outbox_private", sealed[1], true, err));
	CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO main.meta SELECT key, value FROM old.meta WHERE key IN ('workspace', 'folder',"
			" 'given_out', 'put_back', 'proved') OR key GLOB 'limit/*'", ""));
	CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO main.meta SELECT key, value FROM old.meta WHERE key = 'clock' AND value >"
			" (SELECT value FROM main.meta WHERE key = 'clock')", ""));
	return cp_txn_commit(s, err);
}

/* An older program's database, so that its tables can be copied as they are. */
static enum cp_code upgrade(const char *path)
{
	sqlite3 *db;
	enum cp_code code = CP_EIO;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
		code = cp_schema_migrate(db, path, NULL);
	sqlite3_close(db);
	return code;
}

/* Drafts and unsealed saves of the database that is replaced. One that cannot be read is said, and no obstacle. */
static enum cp_code take_over(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, "casepack.db");
	int64_t sealed[2] = { 0, 0 }, n = 0;
	enum cp_code code;

	CP_TRY(last_sealed(s, s->history, &sealed[0], err));
	if (s->private != NULL)
		CP_TRY(last_sealed(s, s->private, &sealed[1], err));
	CP_TRY(go_on_behind(s, "outbox", sealed[0], false, err));
	CP_TRY(go_on_behind(s, "outbox_private", sealed[1], true, err));
	if (!cp_file_exists(path))
		return CP_OK;
	code = upgrade(path);
	if (code == CP_OK)
		code = cp_run(s, NULL, "ATTACH ?1 AS old", "t", path);
	if (code == CP_OK)
		code = cp_txn_begin(s, NULL);
	if (code == CP_OK)
		code = take_over_inside(s, sealed, &n, NULL);
	out->is_old_unread = code != CP_OK;
	out->unsealed = code == CP_OK ? n : 0;
	if (code != CP_OK)
		cp_txn_rollback(s);
	return CP_OK;
}

/* ---- the two verbs -------------------------------------------------------------------------------- */

/* A commit is genuine when the key that the roster names for its committer has signed it. */
static enum cp_code check_signed(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_store *s = user;
	struct cp_author author;
	struct cp_pubkey signer;
	struct cp_id replica;
	char hex[CP_ID_HEX];
	bool found = false;

	snprintf(hex, sizeof hex, "%.32s", c->committer.email);
	if (cp_unhex(replica.bytes, 16, hex))
		CP_TRY(cp_author_find(s, &replica, &author, &found, err));
	if (!found)
		CP_TRY(cp_copy_author(s, &replica, &author, &found, err));
	if (!found)
		return cp_fail(err, CP_ETRUST, "%s: commit %.12s is by a device that is not on the roster", s->path, oid);
	if (cp_commit_signer(&signer, c, err) != CP_OK)
		return cp_fail_at(err, "%s: commit %.12s", s->path, oid);
	return memcmp(&signer, &author.key, sizeof signer) == 0 ? CP_OK
		: cp_fail(err, CP_ETRUST, "%s: commit %.12s says it is by %s, but another key signed it", s->path, oid,
				author.pseudonym);
}

/* Signed, on its author's chain, and with the changeset that was signed. */
static enum cp_code check_change(struct cp_store *s, struct cp_repo *repo, const char *oid, bool is_private, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), tree = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_change_commit c;
	int64_t follows = 1;
	enum cp_code code;

	CP_TRY(cp_repo_read(repo, oid, "commit", &bytes, err));
	CP_TRY(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	code = check_signed(s, oid, &c.commit, err);
	if (code == CP_OK && *c.parent != '\0')
		code = cp_query_int(s, &follows, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND replica = ?2", "td", c.parent,
				&c.replica);
	if (code == CP_OK && !follows)
		code = cp_fail(err, CP_ETRUST, "%s: commit %.12s does not follow one of its author", s->path, oid);
	if (code == CP_OK)
		code = cp_repo_read(repo, c.commit.tree.hex, "tree", &tree, err);
	if (code == CP_OK)
		code = cp_repo_read_path(repo, oid, "changeset", &changeset, err);
	if (code == CP_OK && cp_change_commit_check(&c, tree.data, tree.len, changeset.data, changeset.len, is_private, err) != CP_OK)
		code = cp_fail_at(err, "%s: commit %.12s", s->path, oid);
	cp_change_commit_drop(&c);
	return code;
}

static enum cp_code check_outbound(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	const struct replaying *r = user;

	return check_signed(r->s, oid, c, err);
}

/* Every commit that made this state: those replayed, main, and what was given. */
static enum cp_code check_commits(struct cp_store *s, struct cp_err *err)
{
	struct cp_oid main;
	int64_t no = 0;

	for (;;) {
		CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);
		int64_t is_private;

		CP_TRY(cp_query_int(s, &no, 0, err, "SELECT min(no) FROM commits WHERE no > ?1 AND verdict = 'accepted'", "i", no));
		if (no == 0)
			break;
		CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", no));
		CP_TRY(cp_query_int(s, &is_private, 0, err, "SELECT is_private FROM commits WHERE no = ?1", "i", no));
		CP_TRY(check_change(s, is_private ? s->private : s->history, oid.data, is_private, err));
	}
	CP_TRY(cp_repo_branch(s->history, "main", &main, err));
	if (*main.hex != '\0')
		CP_TRY(cp_repo_walk(s->history, main.hex, "", check_signed, s, err));
	return replay_branches(s, s->history, "outbound/", false, check_outbound, err);
}

/* What a hub refused is in no history: it is taken from the database that is being verified. */
static enum cp_code take_refusals(struct cp_store *again, const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(path, "casepack.db");
	enum cp_code code;

	CP_TRY(cp_run(again, err, "ATTACH ?1 AS old", "t", db));
	CP_TRY(cp_txn_begin(again, err));
	code = cp_refusals_copy(again, err);
	if (code == CP_OK)
		return cp_txn_commit(again, err);
	cp_txn_rollback(again);
	return code;
}

enum cp_code cp_verify_replay(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(s->path, "casepack.db.verify");
	CP_AUTO(buf) struct cp_buf applied = CP_BUF(64);
	struct cp_store *again = NULL;
	struct cp_hash mine;
	char a[CP_HASH_HEX], b[CP_HASH_HEX];
	enum cp_code code;

	CP_TRY(cp_seal(s, NULL, err));
	CP_TRY(cp_store_hash(s, &mine, err));
	CP_TRY(cp_meta_get(s, "applied", &applied, err)); /* not the branch: a crash may have left it ahead of the rows */
	cp_fresh_remove(temp);
	code = cp_fresh_open(&again, s->path, "casepack.db.verify", &s->me, err);
	if (code == CP_OK) {
		again->is_proving = true;
		code = replay_all(again, applied.len ? applied.data : "", err);
	}
	if (code == CP_OK)
		code = take_refusals(again, s->path, err);
	if (code == CP_OK)
		code = check_commits(again, err);
	if (code == CP_OK)
		code = count(again, out, err);
	cp_store_close(again);
	cp_fresh_remove(temp);
	CP_TRY(code);
	if (memcmp(&mine, &out->hash, sizeof mine) != 0)
		return cp_fail(err, CP_ETRUST, "%s: casepack.db (%.12s) is not what history.git tells (%.12s); `casepack rebuild` makes it again",
				s->path, cp_hex(a, mine.bytes, 32), cp_hex(b, out->hash.bytes, 32));
	return CP_OK;
}

/* The project, from the committer's address of any commit. */
static enum cp_code project_of(struct cp_repo *r, struct cp_id *out, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	struct cp_commit c;
	const char *at;
	bool good = false;
	enum cp_code code = cp_repo_branches(r, "", &tips, err);

	if (code == CP_OK && tips.n == 0)
		code = cp_fail(err, CP_EINPUT, "history.git holds no commit: there is nothing to rebuild from");
	if (code == CP_OK)
		code = cp_repo_read_commit(r, tips.list[0].oid.hex, &c, err);
	cp_tips_drop(&tips);
	CP_TRY(code);
	at = strchr(c.committer.email, '@');
	if (at != NULL && strlen(at) > 33) {
		char hex[CP_ID_HEX];

		snprintf(hex, sizeof hex, "%.32s", at + 1);
		good = cp_unhex(out->bytes, 16, hex);
	}
	cp_commit_drop(&c);
	return good ? CP_OK : cp_fail(err, CP_EFORMAT, "history.git: the newest commit names no project");
}

struct first_commit { struct cp_id replica, copy_of, nonce; bool is_copy; };

static enum cp_code see_first(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct first_commit *first = user;
	char hex[CP_ID_HEX];

	(void)oid, (void)err;
	snprintf(hex, sizeof hex, "%.32s", c->committer.email);
	if (c->n_parents == 0)
		first->is_copy = cp_unhex(first->replica.bytes, 16, hex) && cp_copy_read(c, &first->copy_of, &first->nonce);
	return CP_OK;
}

/* The id that the old database gives, where it can be read and fits the key. */
static bool id_in_use(const char *path, const struct cp_pubkey *key, struct cp_me *me)
{
	CP_AUTO(str) char *file = cp_path_join(path, "casepack.db");
	struct cp_id of[3] = { { { 0 } } }, derived; /* replica, copy_of, nonce */
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;

	if (cp_file_exists(file) && sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
			sqlite3_prepare_v2(db, "SELECT key, value FROM meta WHERE key IN ('replica', 'copy_of', 'nonce')", -1, &q, NULL) == SQLITE_OK)
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *name = (const char *)sqlite3_column_text(q, 0);

			if (sqlite3_column_bytes(q, 1) == 16)
				memcpy(of[*name == 'r' ? 0 : *name == 'c' ? 1 : 2].bytes, sqlite3_column_blob(q, 1), 16);
		}
	sqlite3_finalize(q);
	sqlite3_close(db);
	cp_replica_id_of(&derived, &me->project, key, &of[2]);
	if (!cp_id_equal(&derived, &of[0]))
		return false;
	me->replica = of[0];
	me->copy_of = of[1];
	me->nonce = of[2];
	return true;
}

/* A line whose first commit says that it is a copy of the line me stands at: *found, and me stands there. */
static enum cp_code next_copy(struct cp_repo *r, const struct cp_pubkey *key, struct cp_me *me, bool *found, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(r, "replica/", &tips, err);

	*found = false;
	for (size_t i = 0; code == CP_OK && !*found && i < tips.n; i++) {
		struct first_commit first = { .copy_of = { { 0 } } };
		struct cp_id id;

		code = cp_repo_walk(r, tips.list[i].oid.hex, "", see_first, &first, err);
		cp_replica_id_of(&id, &me->project, key, &first.nonce);
		*found = code == CP_OK && first.is_copy && cp_id_equal(&first.copy_of, &me->replica) && cp_id_equal(&id, &first.replica);
		if (!*found)
			continue;
		me->copy_of = me->replica;
		me->nonce = first.nonce;
		me->replica = id;
	}
	cp_tips_drop(&tips);
	return code;
}

/* The line of that key may go on for one with another key. */
static enum cp_code which_succeeded(struct cp_repo *r, struct cp_me *me, struct cp_err *err)
{
	struct first_commit first = { .is_copy = false };
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;

	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, me->replica.bytes, 16));
	CP_TRY(cp_repo_branch(r, branch, &tip, err));
	if (*tip.hex != '\0')
		CP_TRY(cp_repo_walk(r, tip.hex, "", see_first, &first, err));
	if (first.is_copy)
		me->copy_of = first.copy_of;
	return CP_OK;
}

/* Which of the ids of that key this workspace had: as the old database says, else the last one in history. */
static enum cp_code which_copy(const char *path, struct cp_repo *r, const struct cp_pubkey *key, struct cp_me *me, struct cp_err *err)
{
	bool found = true;

	if (id_in_use(path, key, me))
		return CP_OK;
	cp_replica_id(&me->replica, &me->project, key);
	CP_TRY(which_succeeded(r, me, err));
	while (found)
		CP_TRY(next_copy(r, key, me, &found, err));
	return CP_OK;
}

static enum cp_code who_i_was(const char *path, const char *key_path, struct cp_me *me, struct cp_err *err)
{
	CP_AUTO(str) char *git = cp_path_join(path, "history.git");
	struct cp_repo *r = NULL;
	struct cp_pubkey key;
	struct cp_oid main, given = { "" };
	char outbound[80], hex[CP_ID_HEX];
	enum cp_code code;

	memset(me, 0, sizeof *me);
	me->key_path = key_path;
	CP_TRY(cp_public_key(&key, key_path, err));
	CP_TRY(cp_repo_open(&r, git, true, err));
	code = project_of(r, &me->project, err);
	if (code == CP_OK)
		code = which_copy(path, r, &key, me, err);
	snprintf(outbound, sizeof outbound, "outbound/%s", cp_hex(hex, me->replica.bytes, 16));
	if (code == CP_OK)
		code = cp_repo_branch(r, "main", &main, err);
	if (code == CP_OK)
		code = cp_repo_branch(r, outbound, &given, err);
	cp_repo_free(r);
	CP_TRY(code);
	me->is_hub = *main.hex != '\0';
	me->is_relay = me->is_hub && *given.hex != '\0';
	return CP_OK;
}

/* The person follows from the roster that was replayed. */
static enum cp_code learn_person(struct cp_store *s, struct cp_err *err)
{
	struct cp_pubkey key;
	struct cp_id person;

	CP_TRY(cp_public_key(&key, s->key_path, err));
	CP_TRY(cp_query_id(s, &person, err, "SELECT person FROM replicas WHERE public_key = ?1 AND length(person) = 16"
			" ORDER BY id = ?2 DESC LIMIT 1", "bd", key.bytes, sizeof key.bytes, &s->me.replica));
	if (!cp_id_is_set(&person))
		return cp_fail(err, CP_EKEY, "%s: history.git knows no device with this key", s->key_path);
	return cp_meta_set(s, "person", person.bytes, 16, err);
}

/* The old one has both names until the new one takes its place: at no moment is there none, and a rebuild that
 * was cut off finds what it has to take over. What SQLite removed beside it must be gone for good by then. */
static enum cp_code replace(const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *now = cp_path_join(path, "casepack.db");
	CP_AUTO(str) char *fresh = cp_path_join(path, "casepack.db.new");
	CP_AUTO(str) char *old = cp_path_join(path, "casepack.db.old");
	CP_AUTO(str) char *rest = cp_path_join(path, "casepack.db.new-wal");

	if (cp_file_exists(rest))
		return cp_fail(err, CP_EIO, "%s: could not be written to its end; nothing was changed", fresh);
	if (cp_file_exists(now)) {
		cp_fresh_remove(old);
		if (cp_fresh_keep(now, old) != 0)
			return cp_fail_errno(err, "%s: cannot be kept as %s", now, old);
	}
	CP_TRY(cp_folder_sync(path, err));
	if (rename(fresh, now) != 0)
		return cp_fail_errno(err, "%s: cannot rename", fresh);
	return cp_folder_sync(path, err);
}

enum cp_code cp_rebuild(const char *path, const char *key_path, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(path, "casepack.db.new");
	struct cp_store *s = NULL;
	struct cp_me me;
	enum cp_code code;

	CP_TRY(who_i_was(path, key_path, &me, err));
	cp_fresh_remove(temp);
	CP_TRY(cp_fresh_open(&s, path, "casepack.db.new", &me, err));
	memset(out, 0, sizeof *out);
	code = cp_fresh_lock(s, err);
	if (code == CP_OK)
		code = cp_store_use_key(s, key_path, err);
	if (code == CP_OK)
		code = replay_all(s, NULL, err);
	if (code == CP_OK)
		code = learn_person(s, err);
	if (code == CP_OK)
		code = take_over(s, out, err);
	if (code == CP_OK)
		code = count(s, out, err);
	cp_store_close(s);
	if (code == CP_OK)
		code = replace(path, err);
	if (code != CP_OK)
		cp_fresh_remove(temp);
	return code;
}
