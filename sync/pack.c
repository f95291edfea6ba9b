#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "sync/change.h"
#include "sync/content.h"
#include "sync/copies.h"
#include "sync/deliver.h"
#include "sync/hub.h"
#include "sync/inner.h"
#include "sync/outbound.h"
#include "sync/parcel.h"
#include "sync/people.h"
#include "sync/proof.h"
#include "sync/seal.h"
#include "sync/token.h"

/* ---- what a device is owed -------------------------------------------------------------------- */

struct packing {
	struct cp_store *s;
	struct cp_device device;
	unsigned how;                        /* CP_SEND_... */
	struct cp_manifest m;
	struct cp_oid outbound, acked;       /* tip, and what the device confirmed */
	char outbound_branch[80];
	char told[CP_HASH_HEX];              /* names all that the manifest acknowledges */
	uint64_t estimate;                   /* bytes, generous */
	int64_t cases, assignments, commits;
	int64_t keep_days;                   /* of the project: else what was given once is there still */
};

static enum cp_code read_peer(struct packing *p, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(p->s, &q, err, "SELECT outbound_acked, sent_number FROM peers WHERE replica = ?1", "d",
			&p->device.replica));
	CP_TRY(cp_step(p->s, q, &row, err));
	p->m.number = 1;
	if (!row)
		return CP_OK;
	snprintf(p->acked.hex, sizeof p->acked.hex, "%s", cp_col_text(q, 0));
	p->m.number = (uint64_t)sqlite3_column_int64(q, 1) + 1;
	sqlite3_reset(q);
	if (*p->outbound.hex && !cp_chain_reaches(p->s->history, p->outbound.hex, p->acked.hex))
		p->acked.hex[0] = '\0'; /* what it named is of another chain */
	return CP_OK;
}

/* Each row of q: a name, and what stands there. */
static enum cp_code say_held(struct packing *p, struct cp_hasher *h, sqlite3_stmt *q, struct cp_err *err)
{
	bool row;

	for (;;) {
		const char *name, *oid;

		CP_TRY(cp_step(p->s, q, &row, err));
		if (!row)
			return CP_OK;
		name = cp_col_text(q, 0);
		oid = cp_col_text(q, 1);
		cp_hasher_add_part(h, name, strlen(name));
		cp_hasher_add_part(h, oid, strlen(oid));
		CP_TRY(cp_tips_add(&p->m.have, name, oid, err));
	}
}

/* Lines that the device has left: it goes on under another id, or with another key, and what it did before is owed until it is here. */
static enum cp_code acknowledge_former(struct packing *p, struct cp_hasher *h, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(p->s, &q, err, "WITH RECURSIVE line(id) AS (SELECT copy_of FROM replicas WHERE id = ?1 UNION SELECT r.copy_of FROM"
			" replicas r JOIN line ON r.id = line.id) SELECT branch, oid FROM commits c WHERE is_private = 0 AND verdict = 'accepted'"
			" AND replica IN line AND no = (SELECT max(no) FROM commits d WHERE d.branch = c.branch AND d.is_private = 0"
			"  AND d.verdict = 'accepted') ORDER BY 1", "d", &p->device.replica));
	return say_held(p, h, q, err);
}

/* What I acknowledge is what the database has taken in: after a crash the branch may be ahead of it, and who
 * is told so never sends the rest again. Where the device's own branch, its further lines, and of a relay those of the devices that it collects from stand
 * here; and which of their change commits were refused. */
static enum cp_code acknowledge(struct packing *p, struct cp_err *err)
{
	struct cp_hasher h;
	struct cp_hash all;
	sqlite3_stmt *q;

	CP_TRY(cp_query(p->s, &q, err, "SELECT CASE c.verdict WHEN 'refused' THEN 'refused/' || c.oid ELSE c.branch END, c.oid"
			" FROM commits c WHERE c.is_private = 0 AND (c.replica = ?1 OR c.replica IN (SELECT id FROM replicas WHERE home = ?1))"
			" AND (c.verdict = 'refused' OR c.no = (SELECT max(no) FROM commits d WHERE d.branch = c.branch AND d.is_private = 0"
			"  AND d.verdict = 'accepted')) ORDER BY 1", "d", &p->device.replica));
	cp_hasher_begin(&h);
	CP_TRY(say_held(p, &h, q, err));
	CP_TRY(acknowledge_former(p, &h, err));
	cp_hasher_end(&h, &all);
	if (p->m.have.n > 0)
		cp_hex(p->told, all.bytes, sizeof all.bytes);
	return CP_OK;
}

/* The manifest without its parts: what is carried, what must be there, what I hold. */
static enum cp_code plan(struct packing *p, struct cp_err *err)
{
	struct cp_oid main;
	char hex[CP_ID_HEX];

	cp_hex(hex, p->device.replica.bytes, 16);
	snprintf(p->outbound_branch, sizeof p->outbound_branch, "outbound/%s", hex);
	CP_TRY(read_peer(p, err));
	cp_parcel_manifest(p->s, &p->m, CP_BUNDLE_CASES);
	CP_TRY(cp_parcel_recipient(&p->m, &p->device.replica, err));
	if (*p->outbound.hex)
		CP_TRY(cp_tips_add(&p->m.tips, p->outbound_branch, p->outbound.hex, err));
	if (*p->acked.hex)
		CP_TRY(cp_tips_add(&p->m.needs, p->outbound_branch, p->acked.hex, err));
	CP_TRY(acknowledge(p, err));
	CP_TRY(cp_repo_branch(p->s->history, "main", &main, err));
	if (*main.hex) /* a checkpoint for whoever keeps the bundle */
		CP_TRY(cp_tips_add(&p->m.have, "main", main.hex, err));
	return cp_proofs_held(p->s, &p->device.replica, &p->m.have, err);
}

/* ---- content -------------------------------------------------------------------------------------- */

struct contents { struct packing *p; struct cp_bundle_writer *w; };

/* Once in a bundle. */
static enum cp_code is_packed(struct contents *c, const struct cp_hash *hash, bool *out, struct cp_err *err)
{
	int before = sqlite3_total_changes(c->p->s->db);

	CP_TRY(cp_run(c->p->s, err, "INSERT OR IGNORE INTO temp.packed VALUES(?1)", "h", hash));
	*out = sqlite3_total_changes(c->p->s->db) == before;
	return CP_OK;
}

/* One case row of an outbound commit: its document travels along, unless it was erased. */
static enum cp_code add_content(struct contents *c, const struct cp_value *hash, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	struct cp_hash h;
	int64_t size;
	bool packed;
	enum cp_code code;

	if (hash->type != CP_BLOB || hash->len != 32)
		return CP_OK;
	memcpy(h.bytes, hash->bytes, 32);
	if (c->w == NULL) { /* only measuring */
		CP_TRY(cp_content_size(c->p->s, &h, &size, err));
		c->p->estimate += size > 0 ? (uint64_t)size : 0;
		return CP_OK;
	}
	CP_TRY(is_packed(c, &h, &packed, err));
	if (packed)
		return CP_OK;
	code = cp_content_get(c->p->s, &h, &doc, err);
	if (code == CP_ENOTFOUND)
		return CP_OK;
	CP_TRY(code);
	c->p->cases++;
	return cp_bundle_add_case(c->w, doc.data, doc.len, err);
}

/* Where raters' content expires, that of a case comes again when it is given again. */
static enum cp_code add_content_again(struct contents *c, const struct cp_change *assignment, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf content = CP_BUF(64);
	const struct cp_value *state = &assignment->now[CP_A_STATE];
	struct cp_value hash;

	if (c->p->keep_days == 0 || state->len != strlen("given") || memcmp(state->bytes, "given", state->len) != 0)
		return CP_OK;
	CP_TRY(cp_query_text(c->p->s, &content, NULL, err, "SELECT content FROM cases WHERE id = ?1 AND state <> 'forgotten'", "v",
			&assignment->now[CP_A_CASE]));
	hash = cp_v_blob(content.data, content.len);
	return add_content(c, &hash, err);
}

/* The case shows something else by now, and a later row of the same bundle says so: what should not have been in it need not
 * travel to whom it never came. */
static enum cp_code is_superseded(struct cp_store *s, const struct cp_change *c, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM cases WHERE id = ?1 AND content <> ?2", "vv", &c->now[CP_C_ID], &c->now[7]));
	*out = n != 0;
	return CP_OK;
}

static enum cp_code each_case_row(void *user, const char *oid, const struct cp_commit *commit, struct cp_err *err)
{
	struct contents *c = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_changeset r;
	struct cp_change change;
	bool more = true, is_old;

	(void)commit;
	CP_TRY(cp_repo_read_path(c->p->s->history, oid, "changeset", &changeset, err));
	c->p->estimate += c->w == NULL ? changeset.len : 0;
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &change, &more, err));
		if (!more)
			return CP_OK;
		if (change.table == CP_T_CASES)
			CP_TRY(is_superseded(c->p->s, &change, &is_old, err));
		if (change.table == CP_T_CASES && !is_old)
			CP_TRY(add_content(c, &change.now[7], err));
		if (change.table == CP_T_ASSIGNMENTS)
			CP_TRY(add_content_again(c, &change, err));
		if (change.table == CP_T_ASSIGNMENTS && c->w != NULL)
			c->p->assignments++;
	}
}

static enum cp_code each_owed(struct packing *p, struct cp_bundle_writer *w, struct cp_err *err)
{
	struct contents c = { p, w };

	if (*p->outbound.hex == '\0' || strcmp(p->outbound.hex, p->acked.hex) == 0)
		return CP_OK;
	if (sqlite3_exec(p->s->db, "CREATE TEMP TABLE IF NOT EXISTS packed (hash BLOB PRIMARY KEY) WITHOUT ROWID; DELETE FROM temp.packed",
			NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, p->s->db, "%s", p->s->path);
	CP_TRY(cp_query_int(p->s, &p->keep_days, 0, err, "SELECT keep_days FROM project WHERE id = ?1", "d", &p->s->me.project));
	return cp_repo_walk(p->s->history, p->outbound.hex, p->acked.hex, each_case_row, &c, err);
}

static enum cp_code check_folder(const char *dir, uint64_t need, struct cp_err *err)
{
	uint64_t free_bytes;

	need += 1 << 20;
	CP_TRY(cp_folder_free(&free_bytes, dir, err));
	return free_bytes >= need ? CP_OK
		: cp_fail(err, CP_EIO, "%s: %" PRIu64 " MB are free, about %" PRIu64 " MB are needed; make room or name another folder",
				dir, free_bytes >> 20, (need >> 20) + 1);
}

/* Parts are collected before they are put together; for an encrypted bundle here, not there. */
static enum cp_code check_space(struct packing *p, const char *dir, struct cp_err *err)
{
	CP_TRY(each_owed(p, NULL, err));
	if ((p->how & CP_SEND_PLAIN) != 0)
		return check_folder(dir, 2 * p->estimate, err);
	CP_TRY(check_folder(dir, p->estimate, err));
	return check_folder(p->s->path, p->estimate, err);
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static enum cp_code write_bundle(struct packing *p, const char *dir, struct cp_sent *sent, struct cp_err *err)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(search) struct cp_search search = { .s = p->s, .kind = p->m.kind, .to = p->device };

	CP_TRY(check_space(p, dir, err));
	CP_TRY(cp_parcel_begin(&search, &w, dir, "to", p->device.pseudonym, &p->m, p->how, sent, err));
	if (*p->outbound.hex)
		CP_TRY(cp_parcel_chain(p->s, w, p->outbound.hex, p->acked.hex, &p->commits, err));
	CP_TRY(each_owed(p, w, err));
	CP_TRY(cp_parcel_end(p->s, w, &p->m, p->how, sent, err));
	snprintf(sent->to, sizeof sent->to, "%s", p->device.pseudonym);
	sent->cases = p->cases;
	sent->assignments = p->assignments;
	sent->commits = p->commits;
	return cp_run(p->s, err, "INSERT INTO peers(replica, sent_number, sent_us, outbound, told) VALUES(?1, ?2, ?3, ?4, ?5)"
			" ON CONFLICT DO UPDATE SET sent_number = excluded.sent_number, sent_us = excluded.sent_us,"
			" outbound = excluded.outbound, told = excluded.told", "diitt", &p->device.replica, (int64_t)p->m.number,
			p->m.created_us, p->outbound.hex, p->told);
}

enum cp_code cp_outbound_give(struct cp_store *s, const struct cp_device *d, struct cp_oid *tip, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid old;
	bool is_new;
	enum cp_code code;

	snprintf(branch, sizeof branch, "outbound/%s", cp_hex(hex, d->replica.bytes, 16));
	CP_TRY(cp_repo_branch(s->history, branch, &old, err));
	CP_TRY(cp_txn_begin(s, err));
	code = cp_outbound_make(s, d, tip, &is_new, err);
	if (code == CP_OK && is_new)
		code = cp_repo_flush(s->history, err);
	if (code == CP_OK && is_new)
		code = cp_proof_keep(s, branch, &old, tip, err);
	if (code == CP_OK && is_new)
		code = cp_repo_move(s->history, branch, &old, tip, err);
	if (code == CP_OK)
		code = cp_txn_commit(s, err);
	if (code == CP_OK && is_new)
		cp_token_write(s);
	if (code != CP_OK) {
		cp_txn_rollback(s);
		cp_repo_forget(s->history);
	}
	return code;
}

static enum cp_code is_owed(struct packing *p, const char *dir, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf told = CP_BUF(64);

	CP_TRY(cp_query_text(p->s, &told, NULL, err, "SELECT told FROM peers WHERE replica = ?1", "d", &p->device.replica));
	*out = strcmp(p->outbound.hex, p->acked.hex) != 0 || strcmp(p->told, told.len ? told.data : "") != 0;
	if (*out) {
		CP_TRY(cp_parcel_lies_there(p->s, dir, &p->m, p->how, out, err));
		*out = !*out;
	}
	return CP_OK;
}

static enum cp_code pack_one(struct cp_store *s, const struct cp_device *d, const char *dir, unsigned how,
		cp_sent_visit *visit, void *user, int64_t *out_n, struct cp_err *err)
{
	struct packing p = { .s = s, .device = *d, .how = how };
	struct cp_sent sent = { .to = "" };
	bool owed = true;
	enum cp_code code;

	code = cp_outbound_give(s, d, &p.outbound, err);
	if (code == CP_OK)
		code = plan(&p, err);
	if (code == CP_OK && (how & CP_SEND_OWED) != 0)
		code = is_owed(&p, dir, &owed, err);
	if (code == CP_OK && owed) {
		code = cp_content_begin_reading(s, err);
		if (code == CP_OK)
			code = write_bundle(&p, dir, &sent, err);
		cp_content_rollback(s); /* it only read */
		if (code == CP_OK) {
			++*out_n;
			visit(user, &sent);
		}
	}
	cp_manifest_drop(&p.m);
	return code;
}

enum cp_code cp_outbound_giver(struct cp_store *s, const struct cp_id *device, struct cp_id *out, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_commit c = { 0 };
	struct cp_id project;
	struct cp_oid tip;

	memset(out, 0, sizeof *out);
	snprintf(branch, sizeof branch, "outbound/%s", cp_hex(hex, device->bytes, sizeof device->bytes));
	CP_TRY(cp_repo_branch(s->history, branch, &tip, err));
	if (*tip.hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read_commit(s->history, tip.hex, &c, err));
	if (!cp_ident_device(&c.committer, out, &project))
		memset(out, 0, sizeof *out);
	cp_commit_drop(&c);
	return CP_OK;
}

static enum cp_code is_given_elsewhere(struct cp_store *s, const struct cp_id *device, bool *out, struct cp_err *err)
{
	const struct cp_id none = { { 0 } };
	struct cp_id giver;
	int64_t has_home;
	bool was_me;

	CP_TRY(cp_query_int(s, &has_home, 0, err, "SELECT home <> x'' FROM replicas WHERE id = ?1", "d", device));
	CP_TRY(cp_outbound_giver(s, device, &giver, err));
	CP_TRY(cp_copy_was_me(s, &giver, &was_me, err));
	*out = !has_home && !cp_id_equal(&giver, &none) && !was_me;
	return CP_OK;
}

static enum cp_code drop_given_elsewhere(struct cp_store *s, struct cp_device *list, size_t *n, struct cp_err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		bool elsewhere;

		CP_TRY(is_given_elsewhere(s, &list[i].replica, &elsewhere, err));
		if (!elsewhere)
			list[kept++] = list[i];
	}
	*n = kept;
	return CP_OK;
}

/* Devices first, then one bundle each: packing asks the same tables. A device that was mine and has a relay for its home now is told
 * so once, by the one that it trusts; and again where the person is named. */
static enum cp_code devices_of(struct cp_store *s, const char *pseudonym, struct cp_device **out, size_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT r.id, p.id, p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE (r.is_hub = 0 OR p.role = 'relay') AND r.state IN ('active', 'invited') AND p.state = 'active' AND r.id <> ?2"
			" AND (r.home = ?2 OR (NOT ?3 AND (r.home = x'' OR (EXISTS (SELECT 1 FROM given g WHERE g.replica = r.id AND g.tbl = ?4"
			"   AND g.id = r.id AND (?1 IS NOT NULL OR g.rev <> r.rev))"
			"  AND EXISTS (SELECT 1 FROM replicas h JOIN persons hp ON hp.id = h.person WHERE h.id = r.home AND hp.role = 'relay')))))"
			" AND (?1 IS NULL OR p.pseudonym = ?1) ORDER BY p.pseudonym, r.id", "tdii",
			pseudonym, &s->me.replica, (int64_t)s->me.is_relay, (int64_t)CP_T_REPLICAS));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return drop_given_elsewhere(s, *out, n, err);
		*out = reallocarray(*out, *n + 1, sizeof **out);
		if (*out == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		cp_col_id(q, 0, &(*out)[*n].replica);
		cp_col_id(q, 1, &(*out)[*n].person);
		snprintf((*out)[*n].pseudonym, sizeof (*out)[*n].pseudonym, "%s", cp_col_text(q, 2));
		++*n;
	}
}

static enum cp_code fail_unreachable(struct cp_store *s, const char *pseudonym, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf giver = CP_BUF(256);
	int64_t devices;

	CP_TRY(cp_query_int(s, &devices, 0, err, "SELECT count(*) FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE p.pseudonym = ?1 AND r.state = 'active'", "t", pseudonym));
	CP_TRY(cp_query_text(s, &giver, NULL, err, "SELECT q.pseudonym FROM persons p JOIN replicas r ON r.person = p.id"
			" JOIN replicas h ON h.id = r.home JOIN persons q ON q.id = h.person WHERE p.pseudonym = ?1 LIMIT 1", "t", pseudonym));
	if (devices > 0)
		return cp_fail(err, CP_EINPUT, "%s: is given to by %s; `casepack person home %s %s` takes over", pseudonym,
				giver.len ? giver.data : "another hub", pseudonym, s->me.pseudonym);
	return cp_fail(err, CP_EINPUT, "%s: has no device; `casepack person add %s --key FILE.pub` adds one", pseudonym, pseudonym);
}

enum cp_code cp_pack(struct cp_store *s, const char *pseudonym, const char *dir, unsigned how, cp_sent_visit *visit,
		void *user, int64_t *out_n, struct cp_err *err)
{
	struct cp_device *devices = NULL;
	struct cp_id person;
	struct stat st;
	int64_t hubs = 0;
	size_t n = 0;
	enum cp_code code;

	*out_n = 0;
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: is a rater's workspace; `casepack return` sends work back", s->path);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return cp_fail(err, CP_EINPUT, "%s: no such folder", dir);
	if (pseudonym != NULL)
		CP_TRY(cp_person_find(s, pseudonym, &person, err));
	CP_TRY(cp_parcel_may(s, how, err));
	CP_TRY(cp_seal(s, NULL, err));
	CP_TRY(cp_secrets_load(s, err));
	code = devices_of(s, pseudonym, &devices, &n, err);
	for (size_t i = 0; code == CP_OK && i < n; i++)
		code = pack_one(s, &devices[i], dir, how, visit, user, out_n, err);
	if (code == CP_OK) /* last: what was just given is among what other hubs are told */
		code = cp_hub_pack(s, pseudonym, dir, how, visit, user, &hubs, out_n, err);
	if (code == CP_OK && n == 0 && hubs == 0 && pseudonym != NULL)
		code = fail_unreachable(s, pseudonym, err);
	free(devices);
	return code;
}
