#include "sync/rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/copies.h"
#include "sync/edit.h"
#include "sync/fresh.h"
#include "sync/inner.h"
#include "sync/lost_refs.h"
#include "sync/migrate.h"
#include "sync/refusal.h"
#include "sync/replay.h"

static enum cp_code count(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_TRY(cp_query_int(s, &out->commits, 0, err, "SELECT count(*) FROM commits", ""));
	CP_TRY(cp_query_int(s, &out->edits, 0, err, "SELECT count(*) FROM edits", ""));
	CP_TRY(cp_missing_find(s, &out->missing, NULL, NULL, err));
	return cp_store_hash(s, &out->hash, err);
}

/* ---- what no history holds yet --------------------------------------------------------------------- */

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
	CP_TRY(cp_replay_unsealed(s, sealed, n, err));
	CP_TRY(go_on_behind(s, "outbox", sealed[0], false, err));
	CP_TRY(go_on_behind(s, "outbox_private", sealed[1], true, err));
	CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO main.meta SELECT key, value FROM old.meta WHERE key IN ('workspace', 'folder',"
			" 'given_out', 'put_back', 'proved', 'succession') OR key GLOB 'limit/*'", ""));
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

	CP_TRY(cp_replay_sealed(s, sealed, err));
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
	me->role = me->is_relay ? CP_RELAY : me->is_hub ? CP_LEAD : CP_RATER;
	return CP_OK;
}

/* The person follows from the roster that was replayed; of a key that the hub has not told of yet, from the line before it. */
static enum cp_code learn_person(struct cp_store *s, struct cp_err *err)
{
	struct cp_author before;
	struct cp_pubkey key;
	struct cp_id person;
	bool found;

	CP_TRY(cp_public_key(&key, s->key_path, err));
	CP_TRY(cp_query_id(s, &person, err, "SELECT person FROM replicas WHERE public_key = ?1 AND length(person) = 16"
			" ORDER BY id = ?2 DESC LIMIT 1", "bd", key.bytes, sizeof key.bytes, &s->me.replica));
	if (!cp_id_is_set(&person)) {
		CP_TRY(cp_copy_author(s, &s->me.replica, &before, &found, err));
		person = before.person;
	}
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

/* ---- what is gone ------------------------------------------------------------------------------------- */

/* Branches that are gone stand again, first of all at what is here, then at what the sources brought. */
static enum cp_code restore_all(struct cp_repo *r, const char *path, const char *name, bool is_private, const struct cp_refill *how,
		struct cp_rebuilt *out, struct cp_err *err)
{
	struct cp_lacks lacks = { NULL, 0, 0 };
	struct cp_tips set = { NULL, 0 };
	int64_t before = out->objects, closed = 0;
	enum cp_code code = cp_refs_restore(r, is_private, &set, &lacks, err);

	if (code == CP_OK && lacks.n > 0 && how->n > 0)
		code = cp_refill(r, path, name, &lacks, how, &out->objects, &closed, err);
	if (code == CP_OK && out->objects > before) {
		lacks.n = 0;
		code = cp_refs_restore(r, is_private, &set, &lacks, err);
	}
	for (size_t i = 0; i < lacks.n && code == CP_OK; i++)
		code = cp_lacks_add(&out->lacks, lacks.list[i].oid.hex, lacks.list[i].by.hex, err);
	out->refs += (int64_t)set.n;
	if (closed > out->closed)
		out->closed = closed;
	cp_tips_drop(&set);
	cp_lacks_drop(&lacks);
	return code;
}

static enum cp_code restore_repo(const char *path, const char *name, bool is_private, const struct cp_refill *how, struct cp_rebuilt *out,
		struct cp_err *err)
{
	CP_AUTO(str) char *git = cp_path_join(path, name);
	struct cp_repo *r = NULL;
	enum cp_code code;

	if (is_private && !cp_file_exists(git))
		return CP_OK;
	if (!cp_file_exists(git))
		return cp_fail(err, CP_ENOTFOUND, "%s: is gone, and there is nothing else to rebuild from; put it back from a backup, or by"
				" `git clone --mirror` of another hub's or of an exported bundle; casepack.db is as it was", git);
	CP_TRY(cp_repo_open(&r, git, true, err));
	code = restore_all(r, path, name, is_private, how, out, err);
	cp_repo_free(r);
	return code;
}

/* A lead's hub goes on with an empty one. */
static enum cp_code make_private(const char *path, const struct cp_me *me, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_AUTO(str) char *git = cp_path_join(path, "private.git");

	out->is_private_lost = me->is_hub && !me->is_relay && !cp_file_exists(git);
	return out->is_private_lost ? cp_repo_create(git, err) : CP_OK;
}

/* The columns of a private table, with the first of the revs: what is sealed anew is one edit. */
static enum cp_code take_private_table(struct cp_store *s, size_t t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf sql = CP_BUF(4096);

	CP_TRY(cp_buf_printf(&sql, err, "INSERT OR IGNORE INTO main.%s SELECT id, substr(rev, 1, 8)", cp_shapes[t].name));
	for (size_t c = CP_C_CLOCK; c < cp_shapes[t].n_columns; c++)
		CP_TRY(cp_buf_printf(&sql, err, ", %s", cp_columns[t][c]));
	CP_TRY(cp_buf_printf(&sql, err, " FROM old.%s", cp_shapes[t].name));
	return sqlite3_exec(s->db, sql.data, NULL, NULL, NULL) == SQLITE_OK ? CP_OK : cp_fail_sqlite(err, s->db, "%s", s->path);
}

/* Rows that private.git had and the old database still has, as an edit of this device. */
static enum cp_code take_private(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	int before;
	enum cp_code code = CP_OK;

	CP_TRY(cp_edit_begin_private(s, err));
	before = sqlite3_total_changes(s->db);
	for (size_t t = CP_T_PUBLIC; code == CP_OK && t < CP_T_COUNT; t++)
		code = take_private_table(s, t, err);
	out->private_rows = sqlite3_total_changes(s->db) - before;
	if (code == CP_OK)
		return cp_edit_commit(s, "taken over when private.git was lost", err);
	cp_edit_abort(s);
	return code;
}

static enum cp_code restore_private(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, "casepack.db");
	int64_t has_secret;

	if (out->is_private_lost && cp_file_exists(path) && !out->is_old_unread)
		CP_TRY(take_private(s, out, err));
	CP_TRY(cp_query_int(s, &has_secret, 0, err, "SELECT 1 FROM secrets", ""));
	out->is_secret_lost = s->private != NULL && !has_secret;
	return CP_OK;
}

void cp_rebuilt_drop(struct cp_rebuilt *r)
{
	cp_lacks_drop(&r->lacks);
}

enum cp_code cp_rebuild(const char *path, const char *key_path, struct cp_rebuilt *out, struct cp_err *err)
{
	enum cp_code code = cp_rebuild_from(path, key_path, &(struct cp_refill){ .n = 0 }, out, err);

	cp_rebuilt_drop(out);
	return code;
}

/* Why it could not be done, where objects are missing. */
static enum cp_code name_lack(const struct cp_lacks *lacks, enum cp_code code, struct cp_err *err)
{
	const struct cp_lack *first = lacks->list;

	if (lacks->n == 0 || (code != CP_ENOTFOUND && code != CP_EFORMAT && code != CP_ETRUST))
		return code;
	return cp_fail(err, CP_EFORMAT, "%zu objects of history are missing or damaged here, first %s%s%s: `casepack rebuild SOURCE...` takes"
			" them from another workspace, a clone or bundles; casepack.db is as it was", lacks->n, first->oid.hex,
			*first->by.hex ? ", named by " : "", first->by.hex);
}

enum cp_code cp_rebuild_from(const char *path, const char *key_path, const struct cp_refill *how, struct cp_rebuilt *out,
		struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(path, "casepack.db.new");
	struct cp_store *s = NULL;
	struct cp_me me;
	enum cp_code code;

	memset(out, 0, sizeof *out);
	CP_TRY(restore_repo(path, "history.git", false, how, out, err));
	CP_TRY(restore_repo(path, "private.git", true, how, out, err));
	code = who_i_was(path, key_path, &me, err);
	if (code != CP_OK)
		return name_lack(&out->lacks, code, err);
	CP_TRY(make_private(path, &me, out, err));
	cp_fresh_remove(temp);
	CP_TRY(cp_fresh_open(&s, path, "casepack.db.new", &me, err));
	code = cp_fresh_lock(s, err);
	if (code == CP_OK)
		code = cp_store_use_key(s, key_path, err);
	s->me.role = me.role; /* the roster is not replayed yet: texts with several heads hang on it */
	if (code == CP_OK)
		code = cp_replay(&(struct cp_replay){ .s = s }, err);
	if (code == CP_OK)
		code = learn_person(s, err);
	if (code == CP_OK)
		code = take_over(s, out, err);
	if (code == CP_OK)
		code = restore_private(s, out, err);
	if (code == CP_OK)
		code = count(s, out, err);
	cp_store_close(s);
	if (code == CP_OK)
		code = replace(path, err);
	if (code != CP_OK)
		cp_fresh_remove(temp);
	return code == CP_OK ? CP_OK : name_lack(&out->lacks, code, err);
}
