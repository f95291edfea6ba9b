/* Hub bundles: taking in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "sync/apply.h"
#include "sync/change.h"
#include "sync/content.h"
#include "sync/envelope.h"
#include "sync/hub_inner.h"
#include "sync/inner.h"
#include "sync/meeting.h"
#include "sync/rights.h"
#include "sync/seal.h"
#include "sync/triple.h"

struct taking_in {
	struct cp_store *s;
	struct cp_bundle *b;
	const struct cp_manifest *m;
	struct cp_repo *scratch;
	struct cp_meeting meeting;
	char theirs[80];                  /* hub/<sender> */
};

/* ---- what came ------------------------------------------------------------------------------ */

static enum cp_code each_object(void *user, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_repo *scratch = user;

	CP_TRY(cp_repo_put(scratch, oid, type, bytes, len, err));
	return cp_repo_staged(scratch) > CP_REPO_PACK_MAX ? cp_repo_flush(scratch, err) : CP_OK;
}

/* What it leaves out must be here. */
static enum cp_code check_needs(const struct taking_in *t, struct cp_err *err)
{
	for (size_t i = 0; i < t->m->needs.n; i++) {
		const struct cp_tip *n = &t->m->needs.list[i];
		struct cp_repo *r = strncmp(n->name, "private/", 8) == 0 ? t->s->private : t->s->history;

		if (!cp_repo_has(r, n->oid.hex))
			return cp_fail(err, CP_EINPUT, "builds on %s at %.12s, which is not here; let the other hub take in a bundle from"
					" here first", n->name, n->oid.hex);
	}
	return CP_OK;
}

static enum cp_code take_main(struct taking_in *t, struct cp_err *err)
{
	const char *tip = cp_tips_find(&t->m->tips, t->theirs);
	bool news = false;

	if (tip == NULL)
		return CP_OK;
	if (!cp_repo_has(t->scratch, tip))
		return cp_fail(err, CP_EFORMAT, "its sender's main ends in commit %.12s, which did not come along", tip);
	CP_TRY(cp_meeting_take(&t->meeting, tip, &news, err));
	CP_TRY(cp_meeting_note(&t->meeting, t->theirs, tip, err));
	return news || *t->meeting.main.hex == '\0' ? cp_meeting_join(&t->meeting, tip, false, err) : CP_OK;
}

static enum cp_code take_outbound(struct taking_in *t, struct cp_err *err)
{
	for (size_t i = 0; i < t->m->tips.n; i++)
		if (strncmp(t->m->tips.list[i].name, "outbound/", 9) == 0)
			CP_TRY(cp_meeting_outbound(&t->meeting, t->m->tips.list[i].name, t->m->tips.list[i].oid.hex, err));
	return CP_OK;
}

/* ---- what only leads may read ------------------------------------------------------------------ */

static enum cp_code check_private(struct taking_in *t, const struct cp_change_commit *c, const struct cp_triples *p,
		const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_author author;
	int64_t has_parent = 1;
	bool found, good;

	CP_TRY(cp_believe_key(t->s, &c->replica, &c->commit, p->commit_oid.hex, err));
	CP_TRY(cp_author_find(t->s, &c->replica, &author, &found, err));
	if (!found || !author.is_lead || !cp_id_equal(&c->project, &t->s->me.project))
		return cp_fail(err, CP_ETRUST, "private commit %.12s is by no lead", p->commit_oid.hex);
	CP_TRY(cp_change_commit_check(c, p->tree.data, p->tree.len, bytes, len, true, err));
	CP_TRY(cp_rights_types(bytes, len, false, &good, err));
	if (*c->parent != '\0')
		CP_TRY(cp_query_int(t->s, &has_parent, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND replica = ?2 AND is_private", "td", c->parent,
				&c->replica));
	return good && has_parent ? CP_OK : cp_fail(err, CP_EFORMAT, "private commit %.12s: %s", p->commit_oid.hex,
			good ? "its forerunner did not come along" : "values of the wrong type or length");
}

static enum cp_code apply_private(struct taking_in *t, const struct cp_change_commit *c, const struct cp_triples *p,
		const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_store *s = t->s;
	int64_t known;
	struct cp_oid blob;

	CP_TRY(cp_query_int(s, &known, 0, err, "SELECT 1 FROM commits WHERE oid = ?1", "t", p->commit_oid.hex));
	if (known)
		return CP_OK;
	CP_TRY(check_private(t, c, p, bytes, len, err));
	CP_TRY(cp_run(s, err, "INSERT INTO commits(oid, is_private, branch, parent, replica, verdict, received_us, claimed_us, edits)"
			" VALUES(?1, 1, ?2, ?3, ?4, 'accepted', ?5, ?5, ?6)", "tttdii", p->commit_oid.hex, c->branch, c->parent, &c->replica,
			c->clock, c->edits));
	CP_TRY(cp_repo_put(s->private, p->commit_oid.hex, "commit", p->commit.data, p->commit.len, err));
	CP_TRY(cp_repo_put(s->private, c->commit.tree.hex, "tree", p->tree.data, p->tree.len, err));
	CP_TRY(cp_repo_blob(s->private, bytes, len, &blob, err));
	CP_TRY(cp_apply_change(s, bytes, len, sqlite3_last_insert_rowid(s->db), err));
	t->meeting.belief.commits++;
	t->meeting.belief.edits += c->edits;
	return cp_repo_staged(s->private) > CP_REPO_PACK_MAX ? cp_repo_flush(s->private, err) : CP_OK;
}

static enum cp_code each_private(void *user, struct cp_triples *p, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_change_commit c;
	enum cp_code code;

	CP_TRY(cp_change_commit_read(&c, p->commit.data, p->commit.len, err));
	code = apply_private(user, &c, p, changeset, len, err);
	cp_change_commit_drop(&c);
	return code;
}

static enum cp_code find_private(void *user, const char *oid, struct cp_buf *tree, struct cp_buf *changeset, struct cp_err *err)
{
	const struct taking_in *t = user;

	return cp_repo_read_single(t->s->private, oid, "changeset", tree, changeset, err);
}

/* Branches of private.git, once its objects are on the disk. */
static enum cp_code move_private(struct taking_in *t, struct cp_err *err)
{
	CP_TRY(cp_repo_flush(t->s->private, err));
	for (size_t i = 0; i < t->m->tips.n; i++) {
		const struct cp_tip *tip = &t->m->tips.list[i];
		struct cp_oid old;
		char branch[80];
		bool held;

		if (strncmp(tip->name, "private/", 8) != 0)
			continue;
		snprintf(branch, sizeof branch, "replica/%.60s", tip->name + 8);
		CP_TRY(cp_repo_branch(t->s->private, branch, &old, err));
		CP_TRY(cp_repo_reaches(t->s->private, old.hex, tip->oid.hex, &held, err));
		if (!held)
			CP_TRY(cp_repo_move(t->s->private, branch, &old, &tip->oid, err));
	}
	return CP_OK;
}

/* ---- content --------------------------------------------------------------------------------------- */

/* A document that nothing here names, or a forgotten case, is not taken. */
static enum cp_code each_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	struct cp_store *s = user;
	struct cp_hash hash;
	int64_t named;

	cp_hash_bytes(&hash, json, len);
	CP_TRY(cp_query_int(s, &named, 0, err, "SELECT 1 FROM temp.named WHERE hash = ?1", "h", &hash));
	return named ? cp_content_take(s, json, len, &hash, NULL, err) : CP_OK;
}

static enum cp_code take_contents(struct taking_in *t, struct cp_err *err)
{
	if (sqlite3_exec(t->s->db, "DROP TABLE IF EXISTS temp.named; CREATE TEMP TABLE named AS SELECT content AS hash FROM cases"
			" WHERE state <> 'forgotten' UNION SELECT j.content FROM judgments j LEFT JOIN assignments a ON a.id = j.id"
			" LEFT JOIN cases c ON c.id = a.case_id WHERE coalesce(c.state, '') <> 'forgotten'; CREATE INDEX temp.named_hash ON named(hash)", NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, t->s->db, "%s", t->s->path);
	return cp_bundle_each_case(t->b, each_case, t->s, err);
}

/* ---- one bundle -------------------------------------------------------------------------------------- */

/* Who sends: on the roster as it stands once the bundle is believed, so that a first one can be checked too. */
static enum cp_code check_sender(struct taking_in *t, struct cp_err *err)
{
	struct cp_author sender;
	int64_t is_hub;
	bool found;

	CP_TRY(cp_author_find(t->s, &t->m->sender, &sender, &found, err));
	CP_TRY(cp_query_int(t->s, &is_hub, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", &t->m->sender));
	if (!found || !is_hub || !sender.is_lead || !sender.is_active ||
			memcmp(&sender.key, cp_bundle_signer(t->b), sizeof sender.key) != 0)
		return cp_fail(err, CP_ETRUST, "is not signed by a lead's hub on the roster; nothing was changed");
	return CP_OK;
}

static enum cp_code take_all(struct taking_in *t, struct cp_err *err)
{
	CP_AUTO(triples) struct cp_triples privates = CP_TRIPLES(each_private, find_private, t, &t->s->limits);

	CP_TRY(cp_meeting_begin(&t->meeting, t->s, t->scratch, err));
	CP_TRY(take_main(t, err));
	CP_TRY(check_sender(t, err));
	CP_TRY(take_outbound(t, err));
	CP_TRY(cp_bundle_each_private(t->b, cp_triples_object, &privates, err));
	CP_TRY(cp_triples_end(&privates, err));
	CP_TRY(take_contents(t, err));
	CP_TRY(cp_hub_note_have(t->s, t->m, err));
	return move_private(t, err);
}

static enum cp_code take_in(struct taking_in *t, struct cp_merged *out, struct cp_err *err)
{
	enum cp_code code;

	CP_TRY(cp_bundle_each_object(t->b, each_object, t->scratch, err));
	CP_TRY(cp_repo_flush(t->scratch, err));
	CP_TRY(check_needs(t, err));
	CP_TRY(cp_txn_begin(t->s, err));
	code = take_all(t, err);
	if (code == CP_OK)
		code = cp_meeting_end(&t->meeting, out, err);
	if (code != CP_OK) {
		cp_txn_rollback(t->s);
		cp_repo_forget(t->s->history);
		cp_repo_forget(t->s->private);
	}
	cp_meeting_drop(&t->meeting);
	return code;
}

enum cp_code cp_hub_take_bundle(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	struct taking_in t = { .s = s, .b = b, .m = cp_bundle_manifest(b) };
	char hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(t.theirs, sizeof t.theirs, "hub/%s", cp_hex(hex, t.m->sender.bytes, 16));
	code = cp_meeting_scratch(s, &t.scratch, err);
	if (code == CP_OK)
		code = take_in(&t, out, err);
	if (code == CP_ENOTFOUND) {
		struct cp_err lacks = *err;

		code = cp_fail(err, CP_EFORMAT, "does not bring all that its history names: %s", lacks.text);
	}
	cp_repo_scratch_end(t.scratch);
	return code;
}

/* Before anything is read. A hub that was put back has an id that only its main brings: then its key must be a hub's here. */
static enum cp_code check_signer(struct taking_in *t, struct cp_err *err)
{
	struct cp_author sender;
	int64_t is_hub_key;
	bool found;

	CP_TRY(cp_author_find(t->s, &t->m->sender, &sender, &found, err));
	CP_TRY(cp_query_int(t->s, &is_hub_key, 0, err, "SELECT 1 FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE r.public_key = ?1 AND r.is_hub = 1 AND r.state = 'active' AND p.role = 'lead' AND p.state = 'active'", "b",
			cp_bundle_signer(t->b)->bytes, sizeof cp_bundle_signer(t->b)->bytes));
	return !found && is_hub_key ? CP_OK : check_sender(t, err);
}

enum cp_code cp_hub_merge(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	const struct cp_manifest *m = cp_bundle_manifest(b);
	struct taking_in t = { .s = s, .b = b, .m = m };
	struct cp_author sender;
	bool found;

	if (s->me.is_relay || s->private == NULL)
		return cp_fail(err, CP_EINPUT, "is for a lead's hub; nothing was changed");
	if (!cp_id_equal(&m->project, &s->me.project))
		return cp_fail(err, CP_ETRUST, "is of another project (%s); nothing was changed", m->project_name);
	if (m->schema > CP_SCHEMA)
		return cp_fail(err, CP_EFORMAT, "needs a newer casepack (schema %d, this one knows %d)", m->schema, CP_SCHEMA);
	CP_TRY(check_signer(&t, err));
	CP_TRY(cp_hub_take_bundle(s, b, out, err));
	CP_TRY(cp_author_find(s, &m->sender, &sender, &found, err));
	snprintf(out->from, sizeof out->from, "%s", found ? sender.pseudonym : "");
	return CP_OK;
}

/* ---- a new hub ------------------------------------------------------------------------------------------ */

static enum cp_code learn_myself(struct cp_store *s, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	CP_TRY(cp_row_get(s, CP_T_REPLICAS, &s->me.replica, row, &found, err));
	if (!found || row[3].len != 16)
		return cp_fail(err, CP_EFORMAT, "brings no roster entry for this device; nothing was changed");
	CP_TRY(cp_meta_set(s, "person", row[3].bytes, 16, err));
	CP_TRY(cp_store_read_me(s, err));
	return s->me.is_hub && s->me.role == CP_LEAD ? CP_OK
		: cp_fail(err, CP_ETRUST, "the roster does not name this device a lead's hub; nothing was changed");
}

/* The root of main: who founded the project, with which key. */
static enum cp_code name_founder(struct cp_store *s, struct cp_opened *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(256);
	struct cp_commit c = { 0 };
	struct cp_pubkey key;
	struct cp_oid at;
	enum cp_code code;

	CP_TRY(cp_repo_branch(s->history, "main", &at, err));
	for (;;) {
		CP_TRY(cp_repo_read_commit(s->history, at.hex, &c, err));
		if (c.n_parents == 0)
			break;
		at = c.parents[0];
		cp_commit_drop(&c);
	}
	snprintf(out->founder, sizeof out->founder, "%.63s", c.committer.name);
	code = cp_commit_signer(&key, &c, err);
	cp_commit_drop(&c);
	CP_TRY(code);
	CP_TRY(cp_pubkey_fingerprint(&text, &key, err));
	snprintf(out->fingerprint, sizeof out->fingerprint, "%s", text.data);
	return CP_OK;
}

static enum cp_code fill(struct cp_store *s, struct cp_bundle *b, struct cp_opened *out, struct cp_err *err)
{
	struct cp_merged merged = { .commits = 0 };

	CP_TRY(cp_workspace_adopt(s, cp_bundle_manifest(b), err));
	CP_TRY(cp_hub_take_bundle(s, b, &merged, err));
	CP_TRY(learn_myself(s, err));
	CP_TRY(cp_envelope_check(s, b, err));
	CP_TRY(name_founder(s, out, err));
	snprintf(out->from, sizeof out->from, "%.63s", cp_bundle_manifest(b)->project_name);
	out->commits = merged.commits;
	out->is_new_workspace = true;
	CP_TRY(cp_query_int(s, &out->assignments, 0, err, "SELECT count(*) FROM assignments", ""));
	return cp_query_int(s, &out->cases, 0, err, "SELECT count(*) FROM cases", "");
}

enum cp_code cp_hub_open(const char *path, struct cp_bundle *b, const char *key_path, cp_passphrase_ask *ask, void *user,
		struct cp_opened *out, struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(path, "casepack.db");
	struct cp_store *s = NULL;
	char temp[4096];
	enum cp_code code;

	if (cp_file_exists(db))
		return cp_fail(err, CP_EINPUT, "is from hub to hub; `casepack merge` takes it in at a hub, and `casepack open` makes a new"
				" hub of it in an empty folder");
	CP_TRY(cp_workspace_beside(path, temp, sizeof temp, err));
	code = cp_hub_fill(temp, key_path ? key_path : "", err);
	if (code == CP_OK)
		code = cp_store_open(&s, temp, err);
	if (code == CP_OK) {
		cp_store_ask_with(s, ask, user);
		code = fill(s, b, out, err);
	}
	cp_store_close(s);
	return cp_workspace_settle(temp, path, code, err);
}
