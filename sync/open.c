#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "sync/change.h"
#include "sync/content.h"
#include "sync/copies.h"
#include "sync/deliver.h"
#include "sync/envelope.h"
#include "sync/erase.h"
#include "sync/hub.h"
#include "sync/inner.h"
#include "sync/outbound.h"
#include "sync/parcel.h"
#include "sync/proof.h"
#include "sync/refusal.h"
#include "sync/take.h"
#include "sync/triple.h"

/* One bundle being taken in by the device it is for. */
struct opening {
	struct cp_store *s;
	struct cp_bundle *b;
	const struct cp_manifest *m;
	struct cp_opened *out;
	struct cp_oid tip;                /* the last outbound commit applied */
	char outbound_branch[80];
	bool is_gap;                      /* an earlier bundle has not been opened */
};

/* ---- who sends -------------------------------------------------------------------------------- */

/* A relay speaks to those whose home it is; the hub that it passes on to may always speak. */
static enum cp_code check_relay(struct opening *o, struct cp_err *err)
{
	int64_t strange;

	CP_TRY(cp_query_int(o->s, &strange, 0, err, "SELECT 1 FROM replicas r JOIN persons p ON p.id = r.person WHERE r.id = ?1"
			" AND p.role = 'relay' AND EXISTS (SELECT 1 FROM replicas WHERE id = ?2 AND home <> ?1)", "dd", &o->m->sender,
			&o->s->me.replica));
	return strange ? cp_fail(err, CP_ETRUST, "is from a relay that no longer is this device's hub; nothing was changed") : CP_OK;
}

/* The roster's hub signs; on first use the bundle's own roster must name its signer as the hub. */
static enum cp_code check_sender(struct opening *o, bool is_before, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	const struct cp_pubkey *signer = cp_bundle_signer(o->b);
	bool found;

	CP_TRY(cp_row_get(o->s, CP_T_REPLICAS, &o->m->sender, row, &found, err));
	if (!found && is_before)
		return CP_OK; /* who takes over, or goes on under a new id, is named by what comes: each commit of it is checked */
	if (!found || row[4].len != 32 || memcmp(row[4].bytes, signer->bytes, 32) != 0 || row[5].integer != 1 ||
			row[6].len != strlen("active") || memcmp(row[6].bytes, "active", row[6].len) != 0)
		return cp_fail(err, CP_ETRUST, "is not signed by the hub that this workspace trusts; nothing was changed");
	return check_relay(o, err);
}

/* The hub that gave last has said who gives next, and what that one gave stands. Where neither my home before this bundle nor that
 * behind it is its sender, or one whose line it goes on with, it is of a hub that was put back since and does not know. */
static enum cp_code check_home(const struct opening *o, const struct cp_id *before, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf whose = CP_BUF(64);
	char hex[CP_ID_HEX];
	int64_t is_its;

	if (!cp_id_is_set(before) || o->out->commits == 0)
		return CP_OK;
	CP_TRY(cp_query_int(o->s, &is_its, 0, err, "WITH RECURSIVE line(id) AS (SELECT ?1 UNION SELECT r.copy_of FROM replicas r JOIN line"
			" ON r.id = line.id WHERE length(r.copy_of) = 16) SELECT 1 FROM line WHERE id IN (?2, (SELECT home FROM replicas WHERE id = ?3))", "ddd",
			&o->m->sender, before, &o->s->me.replica));
	if (is_its)
		return CP_OK;
	CP_TRY(cp_query_text(o->s, &whose, NULL, err, "SELECT p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person WHERE r.id = ?1",
			"d", before));
	return cp_fail(err, CP_ETRUST, "is from a hub that gives to this device no longer: %s's does, %.8s, until a lead says another with"
			" `casepack person home`; nothing was changed", whose.len ? whose.data : "another", cp_hex(hex, before->bytes, 16));
}

static bool is_for(const struct cp_manifest *m, const struct cp_id *replica)
{
	for (size_t i = 0; i < m->n_recipients; i++)
		if (cp_id_equal(&m->recipients[i], replica))
			return true;
	return false;
}

/* ---- the history part ---------------------------------------------------------------------------- */

/* A hub that no longer knew my chain says so, and which end of it I named. */
static bool begins_anew(const struct opening *o, const struct cp_change_commit *c)
{
	const char *text;
	size_t len;

	return cp_commit_trailer(&c->commit, "Casepack-Instead-Of", 0, &text, &len) && len == strlen(o->tip.hex) &&
		memcmp(text, o->tip.hex, len) == 0;
}

/* A commit of material is by a hub whose key is trusted here when its turn comes: who takes over from another hub passes on
 * what that one gave last, which names the new one. The first of all founds that trust. A hub that goes on under a new id has
 * the key of an old one. */
static enum cp_code check_giver(struct opening *o, const struct cp_id *giver, const struct cp_pubkey *signer, struct cp_err *err)
{
	int64_t trusted, roster;
	struct cp_id id;

	CP_TRY(cp_query_int(o->s, &trusted, 0, err, "SELECT 1 FROM replicas WHERE public_key = ?1 AND is_hub = 1 AND state = 'active'"
			" AND (id = ?2 OR NOT EXISTS (SELECT 1 FROM replicas WHERE id = ?2))", "bd", signer->bytes, sizeof signer->bytes, giver));
	CP_TRY(cp_query_int(o->s, &roster, 0, err, "SELECT count(*) FROM replicas", ""));
	cp_replica_id(&id, &o->s->me.project, signer);
	if (trusted || (roster == 0 && cp_id_equal(&id, giver)))
		return CP_OK;
	return cp_fail(err, CP_ETRUST, "holds a commit that its hub did not sign; where another hub takes over, what the one before gave last"
			" names it: open that first; nothing was changed");
}

/* Who goes on under a new id is named by what it gives. */
static enum cp_code check_named(struct opening *o, const struct cp_id *giver, const struct cp_pubkey *signer, const char *oid,
		struct cp_err *err)
{
	int64_t named;

	CP_TRY(cp_query_int(o->s, &named, 0, err, "SELECT 1 FROM replicas WHERE id = ?1 AND public_key = ?2", "db", giver,
			signer->bytes, sizeof signer->bytes));
	return named ? CP_OK : cp_fail(err, CP_ETRUST, "commit %.12s is by a hub that the roster does not name", oid);
}

/* What a hub gave to another device, or in another project, is not for this one, whoever passes it on. */
static enum cp_code check_receiver(struct opening *o, const struct cp_change_commit *c, const char *oid, struct cp_err *err)
{
	char line[80], hex[CP_ID_HEX];

	if (!cp_id_equal(&c->project, &o->s->me.project))
		return cp_fail(err, CP_ETRUST, "commit %.12s is of another project", oid);
	snprintf(line, sizeof line, "\nCasepack-Outbound: %s\n", cp_hex(hex, o->s->me.replica.bytes, 16));
	return strstr(c->commit.message, line) != NULL ? CP_OK
		: cp_fail(err, CP_ETRUST, "commit %.12s was given to another device", oid);
}

static enum cp_code apply_outbound(struct opening *o, const struct cp_change_commit *c, const struct cp_triples *t,
		const void *bytes, size_t len, struct cp_err *err)
{
	struct cp_pubkey signer;
	struct cp_oid blob;

	if (strcmp(c->parent, o->tip.hex) != 0 && cp_repo_has(o->s->history, t->commit_oid.hex))
		return CP_OK; /* applied before, whoever gave it */
	CP_TRY(cp_commit_signer(&signer, &c->commit, err));
	CP_TRY(check_giver(o, &c->replica, &signer, err));
	CP_TRY(check_receiver(o, c, t->commit_oid.hex, err));
	CP_TRY(cp_change_commit_check(c, t->tree.data, t->tree.len, bytes, len, false, err));
	if (*c->parent == '\0' && begins_anew(o, c))
		o->tip.hex[0] = '\0';
	if (strcmp(c->parent, o->tip.hex) != 0) { /* what it builds on never came */
		o->is_gap = o->is_gap || !cp_repo_has(o->s->history, t->commit_oid.hex);
		return CP_OK;
	}
	CP_TRY(cp_outbound_apply(o->s, bytes, len, &o->out->assignments, &o->out->cases, err));
	CP_TRY(check_named(o, &c->replica, &signer, t->commit_oid.hex, err));
	CP_TRY(cp_repo_put(o->s->history, t->commit_oid.hex, "commit", t->commit.data, t->commit.len, err));
	CP_TRY(cp_repo_put(o->s->history, c->commit.tree.hex, "tree", t->tree.data, t->tree.len, err));
	CP_TRY(cp_repo_blob(o->s->history, bytes, len, &blob, err));
	o->tip = t->commit_oid;
	o->out->commits++;
	return CP_OK;
}

static enum cp_code each_triple(void *user, struct cp_triples *t, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_change_commit c;
	enum cp_code code;

	CP_TRY(cp_change_commit_read(&c, t->commit.data, t->commit.len, err));
	code = apply_outbound(user, &c, t, changeset, len, err);
	cp_change_commit_drop(&c);
	return code;
}

static enum cp_code find_tree(void *user, const char *oid, struct cp_buf *tree, struct cp_buf *changeset, struct cp_err *err)
{
	const struct opening *o = user;

	return cp_repo_read_single(o->s->history, oid, "changeset", tree, changeset, err);
}

/* What it leaves out because it was acknowledged must be here: it is not where this workspace was put back since, or where
 * another one of the same device acknowledged it. */
static enum cp_code check_needs(const struct opening *o, struct cp_err *err)
{
	const char *needs = cp_tips_find(&o->m->needs, o->outbound_branch);

	if (!o->is_gap && (needs == NULL || cp_repo_has(o->s->history, needs)))
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "is number %ju and builds on an earlier bundle (up to %.12s) that was not opened here; nothing was"
			" changed; `casepack return --full` tells the hub, which sends it again", (uintmax_t)o->m->number, needs ? needs : "");
}

/* A document that no case of mine names, or a forgotten one, is not taken. */
static enum cp_code each_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	struct opening *o = user;
	struct cp_hash hash;
	int64_t named;
	bool is_new;

	cp_hash_bytes(&hash, json, len);
	CP_TRY(cp_query_int(o->s, &named, 0, err, "SELECT 1 FROM temp.named WHERE hash = ?1", "h", &hash));
	if (!named)
		return CP_OK;
	CP_TRY(cp_content_take(o->s, json, len, &hash, &is_new, err));
	return is_new ? cp_erase_note_content(o->s, &hash, err) : CP_OK;
}

/* ---- one transaction --------------------------------------------------------------------------------- */

/* What the hub holds of other devices' branches, where I pass work on. What it names no longer (it was put back) it is
 * owed again. */
static enum cp_code take_receipts(struct opening *o, struct cp_err *err)
{
	CP_TRY(cp_run(o->s, err, "DELETE FROM meta WHERE key LIKE 'acked/%'", ""));
	for (size_t i = 0; i < o->m->have.n; i++) {
		CP_AUTO(buf) struct cp_buf branch = CP_BUF(128);
		const struct cp_tip *tip = &o->m->have.list[i];
		char key[96];

		if (strncmp(tip->name, "replica/", 8) != 0 || !o->s->me.is_relay)
			continue;
		CP_TRY(cp_query_text(o->s, &branch, NULL, err, "SELECT branch FROM commits WHERE oid = ?1", "t", tip->oid.hex));
		if (branch.len == 0)
			continue;
		snprintf(key, sizeof key, "acked/%.80s", branch.data);
		CP_TRY(cp_meta_set(o->s, key, tip->oid.hex, 40, err));
	}
	return CP_OK;
}

/* What the hub holds of my branch: of a clone that went on beside me it holds another line of that name. */
static const char *find_held(const struct opening *o, const char *own)
{
	for (size_t i = 0; i < o->m->have.n; i++) {
		const struct cp_tip *tip = &o->m->have.list[i];

		if (strncmp(tip->name, own, strlen(own)) == 0 && cp_repo_has(o->s->history, tip->oid.hex))
			return tip->oid.hex;
	}
	return NULL;
}

/* How far it holds a line that I left, "" where it does not say: a tip that is unknown here is that of a clone, which went on
 * behind all of mine. */
static enum cp_code find_held_of(struct opening *o, const char *branch, struct cp_oid *out, struct cp_err *err)
{
	int64_t best = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < o->m->have.n; i++) {
		const struct cp_tip *tip = &o->m->have.list[i];
		int64_t no;

		if (strncmp(tip->name, branch, strlen(branch)) != 0)
			continue;
		CP_TRY(cp_query_int(o->s, &no, 0, err, "SELECT no FROM commits WHERE oid = ?1", "t", tip->oid.hex));
		if (no > best)
			*out = tip->oid;
		else if (no == 0 && best == 0)
			CP_TRY(cp_repo_branch(o->s->history, branch, out, err));
		best = no > best ? no : best;
	}
	return CP_OK;
}

/* What it holds of the lines that I left. */
static enum cp_code take_former(struct opening *o, struct cp_err *err)
{
	struct cp_id ids[CP_MAX_LINES];
	size_t n;

	CP_TRY(cp_copy_lines(o->s, ids, &n, err));
	for (size_t i = 0; i + 1 < n; i++) {
		char branch[80], hex[CP_ID_HEX];
		struct cp_oid held;

		snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, ids[i].bytes, 16));
		CP_TRY(find_held_of(o, branch, &held, err));
		CP_TRY(cp_line_held_set(o->s, &o->m->sender, branch, &held, err));
	}
	return CP_OK;
}

static enum cp_code record_peer(struct opening *o, struct cp_err *err)
{
	char own[80], hex[CP_ID_HEX];
	const char *held;
	struct cp_store *s = o->s;

	snprintf(own, sizeof own, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	held = find_held(o, own);
	if (held != NULL && cp_repo_has(s->history, held)) {
		int64_t known;

		CP_TRY(cp_erase_note_receipt(s, held, err));
		CP_TRY(cp_query_int(s, &known, 0, err, "SELECT edits FROM commits WHERE oid = ?1", "t", held));
		o->out->acknowledged = known;
	} else {
		held = "";
	}
	CP_TRY(take_receipts(o, err));
	CP_TRY(take_former(o, err));
	CP_TRY(cp_refusals_take(s, o->m, &o->out->refused, &o->out->again, err));
	CP_TRY(cp_run(s, err, "INSERT INTO peers(replica, received_us, outbound, acked) VALUES(?1, ?2, ?3, ?4)"
			" ON CONFLICT DO UPDATE SET received_us = excluded.received_us, outbound = excluded.outbound,"
			" acked = excluded.acked", "ditt", &o->m->sender, cp_now_us(),
			o->tip.hex, held));
	CP_TRY(cp_proofs_acknowledged(s, o->m, err));
	return cp_meta_set(s, "applied", o->tip.hex, strlen(o->tip.hex), err);
}

static enum cp_code take_in(struct opening *o, struct cp_err *err)
{
	CP_AUTO(triples) struct cp_triples triples = CP_TRIPLES(each_triple, find_tree, o, &o->s->limits);
	CP_AUTO(buf) struct cp_buf applied = CP_BUF(64);
	struct cp_store *s = o->s;
	struct cp_oid old;
	struct cp_id home;

	CP_TRY(cp_query_id(s, &home, err, "SELECT home FROM replicas WHERE id = ?1 AND length(home) = 16", "d", &s->me.replica));
	CP_TRY(cp_repo_branch(s->history, o->outbound_branch, &old, err));
	CP_TRY(cp_query_text(s, &applied, NULL, err, "SELECT outbound FROM peers WHERE replica = ?1", "d", &o->m->sender));
	/* not the branch: a crash may have left it ahead of the rows */
	snprintf(o->tip.hex, sizeof o->tip.hex, "%s", applied.len ? applied.data : "");
	CP_TRY(cp_bundle_each_object(o->b, cp_triples_object, &triples, err));
	CP_TRY(cp_triples_end(&triples, err));
	CP_TRY(check_needs(o, err));
	CP_TRY(check_sender(o, false, err));
	CP_TRY(check_home(o, &home, err));
	CP_TRY(cp_envelope_check(s, o->b, err)); /* of a new workspace only the bundle says what is demanded */
	if (sqlite3_exec(s->db, "DROP TABLE IF EXISTS temp.named; CREATE TEMP TABLE named AS SELECT content AS hash, id FROM cases"
			" WHERE state <> 'forgotten';"
			" CREATE INDEX temp.named_hash ON named(hash)", NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", s->path);
	CP_TRY(cp_bundle_each_case(o->b, each_case, o, err));
	o->out->is_old = o->out->commits == 0;
	CP_TRY(record_peer(o, err));
	CP_TRY(cp_repo_flush(s->history, err));
	if (strcmp(old.hex, o->tip.hex) != 0 && *o->tip.hex) {
		CP_TRY(cp_proof_keep(s, o->outbound_branch, &old, &o->tip, err));
		CP_TRY(cp_repo_move(s->history, o->outbound_branch, &old, &o->tip, err));
	}
	return cp_txn_commit(s, err);
}

static enum cp_code take_in_whole(struct opening *o, struct cp_err *err)
{
	enum cp_code code;

	CP_TRY(cp_txn_begin(o->s, err));
	code = take_in(o, err);
	if (code != CP_OK) {
		cp_txn_rollback(o->s);
		cp_repo_forget(o->s->history);
	}
	return code;
}

/* ---- which workspace ------------------------------------------------------------------------------------ */

enum cp_code cp_workspace_adopt(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	struct cp_pubkey key;
	struct cp_id replica;

	if (*s->key_path == '\0')
		return cp_fail(err, CP_EKEY, "no key is named; say --key, or make one with `casepack key new`");
	CP_TRY(cp_public_key(&key, s->key_path, err));
	cp_replica_id(&replica, &m->project, &key);
	if (!is_for(m, &replica))
		return cp_fail(err, CP_ETRUST, "is not for the holder of %s; nothing was changed", s->key_path);
	CP_TRY(cp_meta_set(s, "project", m->project.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "replica", replica.bytes, 16, err));
	return cp_store_read_me(s, err);
}

static enum cp_code check_mine(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	if (s->me.is_hub && !s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: is a hub; `casepack merge` takes in returned work", s->path);
	if (!cp_id_equal(&m->project, &s->me.project))
		return cp_fail(err, CP_ETRUST, "is of another project (%s); nothing was changed", m->project_name);
	if (is_for(m, &s->me.copy_of))
		return cp_fail(err, CP_ETRUST, "is for this device as it was before it was copied or put back; return your work with"
				" `casepack return --full`, and the hub sends another; nothing was changed");
	if (!is_for(m, &s->me.replica))
		return cp_fail(err, CP_ETRUST, "is for somebody else; nothing was changed");
	return CP_OK;
}

static enum cp_code learn_person(struct cp_store *s, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	CP_TRY(cp_row_get(s, CP_T_REPLICAS, &s->me.replica, row, &found, err));
	if (!found || row[3].len != 16)
		return cp_fail(err, CP_EFORMAT, "brings no roster entry for this device; nothing was changed");
	CP_TRY(cp_meta_set(s, "person", row[3].bytes, 16, err));
	return cp_store_read_me(s, err);
}

/* A relay has collected work that waits for what has come now: its raters hear in its next bundle that it is there. */
static enum cp_code retry_waiting(struct cp_store *s, struct cp_err *err)
{
	struct cp_merged unused = { .commits = 0 };

	return cp_take_waiting(s, &unused, err);
}

static enum cp_code open_into(struct cp_store *s, struct cp_bundle *b, bool is_first, struct cp_opened *out, struct cp_err *err)
{
	struct opening o = { .s = s, .b = b, .m = cp_bundle_manifest(b), .out = out };
	char hex[CP_ID_HEX];

	if (is_first)
		CP_TRY(cp_workspace_adopt(s, o.m, err));
	CP_TRY(check_mine(s, o.m, err));
	if (!is_first) {
		CP_TRY(check_sender(&o, true, err));
		CP_TRY(cp_envelope_check(s, b, err));
	}
	snprintf(o.outbound_branch, sizeof o.outbound_branch, "outbound/%s", cp_hex(hex, s->me.replica.bytes, 16));
	snprintf(out->from, sizeof out->from, "%.63s", o.m->project_name);
	if (!is_first)
		CP_TRY(cp_refusals_prepare(s, o.m, err));
	CP_TRY(cp_parcel_check_rest(b, err));
	CP_TRY(take_in_whole(&o, err));
	CP_TRY(cp_refusals_leave(s, err));
	CP_TRY(learn_person(s, err));
	CP_TRY(s->me.is_relay ? retry_waiting(s, err) : CP_OK);
	return cp_erase_due(s, &out->erased, err);
}

/* A new workspace is made beside its place and moved there when it is whole. */
static enum cp_code open_new(const char *path, const char *key_path, struct cp_bundle *b, struct cp_opened *out, struct cp_err *err)
{
	struct cp_store *s = NULL;
	char temp[4096];
	enum cp_code code;

	CP_TRY(cp_workspace_beside(path, temp, sizeof temp, err));
	code = cp_device_fill(temp, key_path ? key_path : "", err);
	if (code == CP_OK)
		code = cp_store_open(&s, temp, err);
	if (code == CP_OK)
		code = open_into(s, b, true, out, err);
	cp_store_close(s);
	out->is_new_workspace = true;
	code = cp_workspace_settle(temp, path, code, err);
	if (code == CP_OK)
		cp_copy_begin(path);
	return code;
}

static enum cp_code open_there(struct cp_store *s, const char *key_path, struct cp_bundle *b, struct cp_opened *out,
		struct cp_err *err)
{
	bool is_first = !cp_store_has_project(s);
	enum cp_code code;

	if (key_path != NULL && is_first)
		CP_TRY(cp_store_use_key(s, key_path, err));
	code = open_into(s, b, is_first, out, err);
	if (code != CP_OK && is_first) { /* as it was: of no project */
		struct cp_id none = { { 0 } };

		if (cp_meta_set(s, "project", none.bytes, 0, NULL) != CP_OK || cp_meta_set(s, "replica", none.bytes, 0, NULL) != CP_OK)
			return code;
	}
	return code == CP_OK && is_first ? cp_copy_notice(s, err) : code;
}

static enum cp_code check_kind(const struct cp_manifest *m, struct cp_err *err)
{
	if (m->schema > CP_SCHEMA)
		return cp_fail(err, CP_EFORMAT, "needs a newer casepack (schema %d, this one knows %d)", m->schema, CP_SCHEMA);
	if (m->kind == CP_BUNDLE_CASES || m->kind == CP_BUNDLE_HUB)
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "is a %s bundle; `casepack merge` takes it in at the hub", cp_bundle_kind_name(m->kind));
}

/* s: the workspace at path, NULL where there is none yet. */
static enum cp_code open_bundle(const char *path, struct cp_store *s, struct cp_bundle *b, const char *key_path,
		cp_passphrase_ask *ask, void *user, struct cp_opened *out, struct cp_err *err)
{
	CP_TRY(check_kind(cp_bundle_manifest(b), err));
	if (cp_bundle_manifest(b)->kind == CP_BUNDLE_HUB)
		return cp_hub_open(path, b, key_path, ask, user, out, err);
	return s != NULL ? open_there(s, key_path, b, out, err) : open_new(path, key_path, b, out, err);
}

enum cp_code cp_open(const char *path, const char *bundle, const char *key_path, cp_passphrase_ask *ask, void *user,
		struct cp_opened *out, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(store) struct cp_store *s = NULL;
	CP_AUTO(str) char *db = cp_path_join(path, "casepack.db");
	struct cp_err local = { CP_OK, "" };
	enum cp_code code;

	err = err != NULL ? err : &local;
	memset(out, 0, sizeof *out);
	if (cp_file_exists(db)) {
		CP_TRY(cp_store_open(&s, path, err));
		cp_store_ask_with(s, ask, user);
	}
	if (s == NULL || (key_path != NULL && !cp_store_has_project(s)))
		code = cp_envelope_open_with(key_path, ask, user, bundle, &b, err);
	else
		code = cp_envelope_open(s, bundle, &b, NULL, err);
	if (code == CP_OK)
		code = open_bundle(path, s, b, key_path, ask, user, out, err);
	if (code == CP_OK)
		return CP_OK;
	return cp_fail_untaken(err, bundle);
}
