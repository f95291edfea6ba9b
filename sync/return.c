#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/parcel.h"
#include "sync/repo.h"
#include "sync/seal.h"

struct returning {
	struct cp_store *s;
	struct cp_manifest m;
	struct cp_id hub;
	struct cp_oid acked, applied;        /* what the hub holds of my branch, the last outbound commit */
	char own_branch[80], outbound_branch[80];
	int64_t commits, passed_on;          /* passed_on: waiting ones, which the hub decides about */
};

/* The hub that gave me material: the one on my roster. */
static enum cp_code find_hub(struct returning *r, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT p.replica, p.acked, p.sent_number FROM peers p JOIN replicas h ON h.id = p.replica"
			" WHERE h.is_hub = 1 AND h.id <> ?1 ORDER BY p.replica = (SELECT home FROM replicas WHERE id = ?1) DESC, p.received_us DESC"
			" LIMIT 1", "d", &r->s->me.replica));
	CP_TRY(cp_step(r->s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_EINPUT, "%s: has no hub yet; `casepack open FILE` takes in the first bundle", r->s->path);
	cp_col_id(q, 0, &r->hub);
	snprintf(r->acked.hex, sizeof r->acked.hex, "%s", cp_col_text(q, 1));
	r->m.number = (uint64_t)sqlite3_column_int64(q, 2) + 1;
	sqlite3_reset(q);
	return CP_OK;
}

/* A branch, and up to where the hub holds it. */
static enum cp_code add_branch(struct returning *r, const char *branch, const char *tip, const char *acked, struct cp_err *err)
{
	if (*tip != '\0')
		CP_TRY(cp_tips_add(&r->m.tips, branch, tip, err));
	if (*acked != '\0')
		CP_TRY(cp_tips_add(&r->m.needs, branch, acked, err));
	return CP_OK;
}

/* What a relay has collected: every branch of the devices whose home it is. */
static enum cp_code add_collected(struct returning *r, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT branch, oid, coalesce((SELECT value FROM meta WHERE key = 'acked/' || branch), '')"
			" FROM commits c WHERE is_private = 0 AND verdict = 'accepted' AND replica <> ?1 AND no = (SELECT max(no) FROM commits d"
			" WHERE d.branch = c.branch AND d.is_private = 0 AND d.verdict = 'accepted') ORDER BY branch", "d", &r->s->me.replica));
	for (;;) {
		CP_TRY(cp_step(r->s, q, &row, err));
		if (!row)
			break;
		CP_TRY(add_branch(r, cp_col_text(q, 0), cp_col_text(q, 1), cp_col_text(q, 2), err));
	}
	return cp_query_int(r->s, &r->passed_on, 0, err, "SELECT count(*) FROM waiting", "");
}

static enum cp_code plan(struct returning *r, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf applied = CP_BUF(64);
	struct cp_oid tip;
	char hex[CP_ID_HEX];

	cp_hex(hex, r->s->me.replica.bytes, 16);
	snprintf(r->own_branch, sizeof r->own_branch, "replica/%s", hex);
	snprintf(r->outbound_branch, sizeof r->outbound_branch, "outbound/%s", hex);
	CP_TRY(find_hub(r, err));
	CP_TRY(cp_repo_branch(r->s->history, r->own_branch, &tip, err));
	CP_TRY(cp_meta_get(r->s, "applied", &applied, err)); /* what the database holds, whatever the branch says */
	snprintf(r->applied.hex, sizeof r->applied.hex, "%s", applied.len ? applied.data : "");
	cp_parcel_manifest(r->s, &r->m, r->s->me.is_relay ? CP_BUNDLE_RELAY : CP_BUNDLE_RETURN);
	CP_TRY(cp_parcel_recipient(&r->m, &r->hub, err));
	CP_TRY(add_branch(r, r->own_branch, tip.hex, r->acked.hex, err));
	if (r->s->me.is_relay)
		CP_TRY(add_collected(r, err));
	if (*r->applied.hex)
		CP_TRY(cp_tips_add(&r->m.have, r->outbound_branch, r->applied.hex, err));
	return CP_OK;
}

/* What could not be taken in here: the hub may know more, and its verdict counts. */
static enum cp_code add_waiting(struct returning *r, struct cp_bundle_writer *w, struct cp_err *err)
{
	static const char *const types[] = { "commit", "tree", "blob" };
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT commit_bytes, tree_bytes, changeset FROM waiting ORDER BY since_us, oid", ""));
	for (;;) {
		CP_TRY(cp_step(r->s, q, &row, err));
		if (!row)
			return CP_OK;
		for (int i = 0; i < 3; i++) {
			const void *bytes = sqlite3_column_blob(q, i);
			size_t len = (size_t)sqlite3_column_bytes(q, i);
			struct cp_oid oid;

			CP_TRY(cp_repo_name(&oid, types[i], bytes, len, err));
			CP_TRY(cp_bundle_add_object(w, oid.hex, types[i], bytes, len, err));
		}
		r->commits++;
	}
}

static enum cp_code write_bundle(struct returning *r, const char *dir, struct cp_sent *out, struct cp_err *err)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	const struct cp_seckey *key;

	CP_TRY(cp_store_key(r->s, &key, err));
	CP_TRY(cp_parcel_name(r->s, dir, "from", r->s->me.pseudonym, &r->m, out->path, sizeof out->path, err));
	CP_TRY(cp_bundle_begin(&w, out->path, 0, err));
	for (size_t i = 0; i < r->m.tips.n; i++) {
		const struct cp_tip *tip = &r->m.tips.list[i];
		const char *acked = cp_tips_find(&r->m.needs, tip->name);

		CP_TRY(cp_parcel_chain(r->s, w, tip->oid.hex, acked ? acked : "", &r->commits, err));
	}
	if (r->s->me.is_relay)
		CP_TRY(add_waiting(r, w, err));
	CP_TRY(cp_bundle_commit(w, &r->m, key, &out->bytes, err));
	snprintf(out->to, sizeof out->to, "hub");
	out->number = (int64_t)r->m.number;
	out->commits = r->commits;
	return cp_run(r->s, err, "UPDATE peers SET sent_number = ?2, sent_us = ?3, told = ?4 WHERE replica = ?1", "diit", &r->hub,
			(int64_t)r->m.number, r->m.created_us, r->applied.hex);
}

/* Work the hub has not confirmed, or material whose arrival it has not been told of. */
static enum cp_code is_owed(struct returning *r, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf told = CP_BUF(64);

	CP_TRY(cp_query_text(r->s, &told, NULL, err, "SELECT told FROM peers WHERE replica = ?1", "d", &r->hub));
	*out = r->passed_on > 0;
	for (size_t i = 0; i < r->m.tips.n; i++) {
		const char *acked = cp_tips_find(&r->m.needs, r->m.tips.list[i].name);

		*out = *out || strcmp(r->m.tips.list[i].oid.hex, acked ? acked : "") != 0;
	}
	*out = *out || strcmp(r->applied.hex, told.len ? told.data : "") != 0;
	return CP_OK;
}

enum cp_code cp_return(struct cp_store *s, const char *dir, bool if_owed, struct cp_sent *out, int64_t *out_n,
		struct cp_err *err)
{
	struct returning r = { .s = s };
	struct stat st;
	bool owed;
	enum cp_code code;

	*out_n = 0;
	memset(out, 0, sizeof *out);
	if (s->me.is_hub && !s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: is a hub; `casepack pack` gives to raters", s->path);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return cp_fail(err, CP_EINPUT, "%s: no such folder", dir);
	CP_TRY(cp_seal(s, NULL, err));
	code = plan(&r, err);
	if (code == CP_OK)
		code = is_owed(&r, &owed, err);
	if (code == CP_OK && owed && if_owed)
		code = cp_parcel_lies_there(dir, &r.m, &owed, err);
	if (code == CP_OK && owed) {
		code = write_bundle(&r, dir, out, err);
		*out_n = code == CP_OK;
	}
	cp_manifest_drop(&r.m);
	return code;
}
