#include <string.h>

#include "sync/copies.h"
#include "sync/deliver.h"
#include "sync/envelope.h"
#include "sync/erase.h"
#include "sync/hub.h"
#include "sync/inner.h"
#include "sync/parcel.h"
#include "sync/proof.h"
#include "sync/rights.h"
#include "sync/seal.h"
#include "sync/succession.h"
#include "sync/take.h"
#include "sync/tree.h"

static enum cp_code each_object(void *user, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	return cp_taking_object(user, oid, type, bytes, len, err);
}

/* Who sends must be on the roster, and have signed with its own key. */
static enum cp_code check_sender(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	const struct cp_manifest *m = cp_bundle_manifest(b);
	struct cp_author sender;
	bool found;

	if (!cp_id_equal(&m->project, &s->me.project))
		return cp_fail(err, CP_ETRUST, "is of another project (%s); nothing was changed", m->project_name);
	if (m->schema > CP_SCHEMA)
		return cp_fail(err, CP_EFORMAT, "needs a newer casepack (schema %d, this one knows %d)", m->schema, CP_SCHEMA);
	if (m->kind != CP_BUNDLE_RETURN && m->kind != CP_BUNDLE_RELAY)
		return cp_fail(err, CP_EINPUT, "is a %s bundle; `casepack open` takes it in at its rater's", cp_bundle_kind_name(m->kind));
	CP_TRY(cp_author_find(s, &m->sender, &sender, &found, err));
	if (!found)
		CP_TRY(cp_copy_stranger(s, cp_bundle_signer(b), &sender, &found, err));
	if (!found)
		CP_TRY(cp_stranger_find(s, &m->sender, &sender, &found, err));
	if (!found || memcmp(&sender.key, cp_bundle_signer(b), sizeof sender.key) != 0)
		return cp_fail(err, CP_ETRUST, found ? "says it is from %s, but another key signed it; nothing was changed"
				: "is from a device that is not on the roster; `casepack person add NAME --key FILE.pub` lets one in (of a workspace that"
				" was copied or put back this hub may want `casepack return --full`); nothing was changed", sender.pseudonym);
	if (m->kind == CP_BUNDLE_RELAY && !sender.is_relay)
		return cp_fail(err, CP_ETRUST, "passes on others' work, but %s is no relay; nothing was changed", sender.pseudonym);
	snprintf(out->from, sizeof out->from, "%s", sender.pseudonym);
	return CP_OK;
}

static bool is_for_me(const struct cp_store *s, const struct cp_manifest *m)
{
	for (size_t i = 0; i < m->n_recipients; i++)
		if (cp_id_equal(&m->recipients[i], &s->me.replica))
			return true;
	return false;
}

/* The manifest's receipt: what the device has applied of what I gave. */
static enum cp_code record_peer(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	const char *applied;

	snprintf(branch, sizeof branch, "outbound/%s", cp_hex(hex, m->sender.bytes, 16));
	applied = cp_tips_find(&m->have, branch);
	if (!is_for_me(s, m)) /* it speaks of another hub's chain, or of the one that I was */
		return cp_run(s, err, "INSERT INTO peers(replica, received_us) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET"
				" received_us = excluded.received_us", "di", &m->sender, cp_now_us());
	CP_TRY(cp_proofs_note(s, m, err));
	return cp_run(s, err, "INSERT INTO peers(replica, received_us, outbound_acked) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
			" received_us = excluded.received_us, outbound_acked = excluded.outbound_acked", "dit", &m->sender, cp_now_us(),
			applied ? applied : "");
}

static enum cp_code merge_inside(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	struct cp_taking *t = NULL;
	enum cp_code code;

	CP_TRY(cp_txn_begin(s, err));
	code = cp_taking_begin(s, cp_bundle_manifest(b), &t, err);
	if (code == CP_OK)
		code = cp_bundle_each_object(b, each_object, t, err);
	if (code == CP_OK)
		code = record_peer(s, cp_bundle_manifest(b), err);
	if (code == CP_OK)
		code = cp_taking_end(t, out, err);
	if (code != CP_OK)
		cp_txn_rollback(s);
	cp_taking_free(t);
	return code;
}

static enum cp_code merge_work(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	CP_TRY(cp_copies_meet(s, b, out, err));
	CP_TRY(check_sender(s, b, out, err));
	CP_TRY(cp_proofs_take(s, b, out, err));
	return merge_inside(s, b, out, err);
}

static enum cp_code merge_bundle(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	CP_TRY(cp_envelope_check(s, b, err));
	CP_TRY(cp_parcel_check_rest(b, err));
	return cp_bundle_manifest(b)->kind == CP_BUNDLE_HUB ? cp_hub_merge(s, b, out, err) : merge_work(s, b, out, err);
}

enum cp_code cp_merge(struct cp_store *s, const char *bundle, struct cp_merged *out, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	const struct cp_seckey *key;
	struct cp_err local = { CP_OK, "" };
	enum cp_code code;
	bool for_others;

	err = err != NULL ? err : &local;
	memset(out, 0, sizeof *out);
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: is a rater's workspace; `casepack open` takes in what the lead sends", s->path);
	code = cp_envelope_open(s, bundle, &b, &for_others, err);
	if (code == CP_EKEY && for_others)
		err->code = CP_EINPUT; /* of this file, and not of the key, which opens the next one */
	if (code != CP_OK)
		return cp_fail_untaken(err, bundle);
	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_seal(s, NULL, err));
	code = merge_bundle(s, b, out, err);
	if (code == CP_OK)
		code = cp_erase_due(s, &out->erased, err);
	if (code == CP_OK)
		return CP_OK;
	return cp_fail_untaken(err, bundle);
}

enum cp_code cp_bundle_is_mine(struct cp_store *s, const char *path, bool *out, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	const struct cp_manifest *m;
	bool for_others;
	enum cp_code code;

	*out = false;
	code = cp_envelope_open(s, path, &b, &for_others, err);
	if (code == CP_EKEY && !for_others)
		return code;
	if (code != CP_OK)
		return CP_OK;
	m = cp_bundle_manifest(b);
	if (!cp_id_equal(&m->project, &s->me.project))
		return CP_OK;
	for (size_t i = 0; i < m->n_recipients && !*out; i++) {
		*out = cp_id_equal(&m->recipients[i], &s->me.replica);
		/* What is for the hub that I was is mine; but what another hub sent goes by what that one held, and comes for me too. */
		if (s->me.is_hub && !*out && m->kind != CP_BUNDLE_HUB)
			CP_TRY(cp_copy_was_me(s, &m->recipients[i], out, err));
	}
	return CP_OK;
}

/* ---- the balance ---------------------------------------------------------------------------------- */

static enum cp_code count_fates(struct cp_store *s, const struct cp_id *replica, struct cp_balance *b, struct cp_err *err)
{
	int64_t *const by_fate[] = { [CP_STANDING] = &b->standing, [CP_EQUAL] = &b->equal, [CP_SUPERSEDED] = &b->superseded,
		[CP_OVERRULED] = &b->overruled, [CP_IN_CONFLICT] = &b->in_conflict, [CP_WAITING] = &b->waiting };
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT e.fate, count(*) FROM commits c JOIN edits e ON e.commit_no = c.no"
			" WHERE c.replica = ?1 AND c.verdict = 'accepted' AND c.is_private = 0 GROUP BY e.fate", "d", replica));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		*by_fate[sqlite3_column_int(q, 0)] += sqlite3_column_int64(q, 1);
	}
}

/* Every replica that has a commit here, or one that waits. */
static const char balance_sql[] =
	"SELECT b.id, coalesce(p.pseudonym, ''), coalesce(sum(b.edits), 0), coalesce(sum(b.refused), 0), coalesce(sum(b.waiting), 0)"
	" FROM (SELECT replica AS id, edits, CASE verdict WHEN 'refused' THEN edits ELSE 0 END AS refused, 0 AS waiting"
	"        FROM commits WHERE is_private = 0"
	"       UNION ALL SELECT r.id, w.edits, 0, w.edits FROM waiting w JOIN replicas r"
	"        ON substr(w.branch, 9, 32) = lower(hex(r.id))) b"
	" LEFT JOIN replicas r ON r.id = b.id LEFT JOIN persons p ON p.id = r.person GROUP BY b.id ORDER BY 2, 1";

enum cp_code cp_balance_each(struct cp_store *s, cp_balance_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, balance_sql, ""));
	for (;;) {
		struct cp_balance b = { .exported = 0 };
		struct cp_id replica;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &replica);
		cp_hex(b.replica, replica.bytes, 16);
		snprintf(b.pseudonym, sizeof b.pseudonym, "%s", cp_col_text(q, 1));
		b.exported = sqlite3_column_int64(q, 2);
		b.quarantined = sqlite3_column_int64(q, 3);
		b.waiting = sqlite3_column_int64(q, 4);
		CP_TRY(count_fates(s, &replica, &b, err));
		visit(user, &b);
	}
}
