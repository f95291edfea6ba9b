#include <stdlib.h>
#include <string.h>

#include "formats/gitobject.h"
#include "sync/audit.h"
#include "sync/inner.h"

/* ---- who signed ---------------------------------------------------------------------------------- */

static void keep(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* The key that signed against the one that the roster has for the device. */
static enum cp_code judge_signature(struct cp_audit_commit *out, const struct cp_commit *c, const struct cp_value *known,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf fingerprint = CP_BUF(sizeof out->fingerprint);
	struct cp_pubkey signer;

	out->signature = c->signature == NULL ? "unsigned" : "bad";
	if (c->signature == NULL || cp_commit_signer(&signer, c, NULL) != CP_OK)
		return CP_OK;
	out->signature = known->len == sizeof signer.bytes && memcmp(known->bytes, signer.bytes, sizeof signer.bytes) == 0 ? "good"
		: "other key";
	CP_TRY(cp_pubkey_fingerprint(&fingerprint, &signer, err));
	keep(out->fingerprint, sizeof out->fingerprint, fingerprint.data);
	return CP_OK;
}

static enum cp_code read_object(struct cp_store *s, struct cp_audit_commit *out, const struct cp_value *known, struct cp_err *err)
{
	struct cp_commit c;
	const char *applied;
	size_t len;
	enum cp_code code;

	out->signature = "absent";
	if (cp_repo_read_commit(s->history, out->oid, &c, NULL) != CP_OK)
		return CP_OK;
	code = judge_signature(out, &c, known, err);
	if (cp_commit_trailer(&c, "Casepack-Applied", 0, &applied, &len) && len == 40)
		snprintf(out->applied, sizeof out->applied, "%.40s", applied);
	cp_commit_drop(&c);
	return code;
}

enum cp_code cp_audit_commit_load(struct cp_store *s, const char *oid, struct cp_audit_commit *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_value known;
	struct cp_id device;
	bool row;
	enum cp_code code;

	memset(out, 0, sizeof *out);
	CP_TRY(cp_query(s, &q, err, "SELECT c.oid, coalesce(p.pseudonym, ''), c.replica, coalesce(p.role, ''), coalesce(r.state, ''), c.verdict,"
			" c.reason, c.claimed_us, c.received_us, c.edits, c.is_far, coalesce(r.public_key, x''), coalesce((SELECT w.pseudonym"
			" FROM replicas h JOIN persons w ON w.id = h.person WHERE h.id = r.home AND w.role = 'relay'), ''), lower(hex(r.home)) FROM commits c"
			" LEFT JOIN replicas r ON r.id = c.replica LEFT JOIN persons p ON p.id = r.person"
			" WHERE c.oid = ?1 AND c.is_private = 0", "t", oid));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "change commit %s is not here", oid);
	keep(out->oid, sizeof out->oid, cp_col_text(q, 0));
	keep(out->who, sizeof out->who, cp_col_text(q, 1));
	cp_col_id(q, 2, &device);
	cp_hex(out->device, device.bytes, sizeof device.bytes);
	keep(out->role, sizeof out->role, cp_col_text(q, 3));
	keep(out->key_state, sizeof out->key_state, cp_col_text(q, 4));
	keep(out->verdict, sizeof out->verdict, cp_col_text(q, 5));
	out->reason = strdup(cp_col_text(q, 6));
	out->claimed_us = sqlite3_column_int64(q, 7);
	out->received_us = sqlite3_column_int64(q, 8);
	out->edits = sqlite3_column_int64(q, 9);
	out->is_far = sqlite3_column_int(q, 10) != 0;
	cp_col_value(q, 11, &known);
	keep(out->relay, sizeof out->relay, cp_col_text(q, 12));
	keep(out->relay_device, sizeof out->relay_device, *out->relay ? cp_col_text(q, 13) : "");
	code = out->reason != NULL ? read_object(s, out, &known, err) : cp_fail(err, CP_EIO, "out of memory");
	sqlite3_reset(q);
	return code;
}

void cp_audit_commit_drop(struct cp_audit_commit *c)
{
	free(c->reason);
	memset(c, 0, sizeof *c);
}

/* ---- who accepted it ------------------------------------------------------------------------------ */

enum cp_code cp_audit_verdict_each(struct cp_store *s, const char *oid, cp_audit_verdict_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), lower(hex(v.hub)), v.verdict, v.reason, v.received_us, v.is_far"
			" FROM verdicts v LEFT JOIN replicas r ON r.id = v.hub LEFT JOIN persons p ON p.id = r.person WHERE v.oid = ?1"
			" ORDER BY v.received_us, 2", "t", oid));
	for (;;) {
		struct cp_audit_verdict v;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		v = (struct cp_audit_verdict){ cp_col_text(q, 0), cp_col_text(q, 1), cp_col_text(q, 2), cp_col_text(q, 3),
			sqlite3_column_int64(q, 4), sqlite3_column_int(q, 5) != 0 };
		code = visit(user, &v, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- what leads decided ------------------------------------------------------------------------------ */

/* Rulings are about change commits and devices; all else about what has a name in history. That a case is gold is left out. */
static const char decisions_sql[] =
	"SELECT d.clock, coalesce(p.pseudonym, ''), d.what, d.about, d.decision, d.reason FROM ("
	"SELECT t.clock, t.person, 'settlement' AS what, c.name || ', ' || w.pseudonym || iif(a.pass > 1, ', pass ' || a.pass, '') AS about,"
	"  'edit ' || lower(hex(t.stands)) || ' stands' AS decision, t.reason FROM settlements t JOIN assignments a ON a.id = t.id"
	"  JOIN cases c ON c.id = a.case_id JOIN persons w ON w.id = a.person"
	" UNION ALL SELECT t.clock, t.person, 'resolution', t.tbl || coalesce(' ' || CASE t.tbl"
	"   WHEN 'persons' THEN (SELECT pseudonym FROM persons WHERE id = t.doc) WHEN 'guidelines' THEN (SELECT name FROM guidelines WHERE id = t.doc)"
	"   WHEN 'forms' THEN (SELECT name FROM forms WHERE id = t.doc) WHEN 'cases' THEN (SELECT name FROM cases WHERE id = t.doc)"
	"   WHEN 'adjudications' THEN (SELECT f.field || iif(f.result = '', '', '@' || f.result) || ' of ' || c.name FROM adjudications f"
	"     JOIN cases c ON c.id = f.case_id WHERE f.id = t.doc)"
	"   WHEN 'assignments' THEN (SELECT c.name || ', ' || w.pseudonym FROM assignments a JOIN cases c ON c.id = a.case_id"
	"     JOIN persons w ON w.id = a.person WHERE a.id = t.doc) END, ''), t.settles, t.reason FROM resolutions t"
	"  WHERE t.tbl NOT IN ('names', 'secrets', 'side_keys', 'gold', 'metrics')"
	" UNION ALL SELECT t.clock, t.person, 'stale judgment', c.name || ', ' || w.pseudonym, t.decision, t.reason FROM stale_settlements t"
	"  JOIN assignments a ON a.id = t.judgment JOIN cases c ON c.id = a.case_id JOIN persons w ON w.id = a.person"
	" UNION ALL SELECT t.clock, t.person, 'final answer', c.name, t.field || iif(t.result = '', '', '@' || t.result) || ' = ' ||"
	"  coalesce(t.value, 'nothing') || iif(t.cause IN ('', 'gold'), '', ' (' || t.cause || ')'), t.reason FROM adjudications t JOIN cases c ON c.id = t.case_id"
	" UNION ALL SELECT t.clock, t.person, 'trust', iif(length(t.about) = 40, 'change commit ', 'device ') || t.about, t.decision, t.reason"
	"  FROM rulings t) d LEFT JOIN persons p ON p.id = d.person WHERE d.clock >= ?1 AND d.clock < ?2 ORDER BY d.clock, d.what, d.about";

enum cp_code cp_audit_decision_each(struct cp_store *s, int64_t since_us, int64_t until_us, cp_audit_decision_visit *visit,
		void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, decisions_sql, "ii", since_us, until_us));
	for (;;) {
		struct cp_audit_decision d;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		d = (struct cp_audit_decision){ sqlite3_column_int64(q, 0), cp_col_text(q, 1), cp_col_text(q, 2), cp_col_text(q, 3),
			cp_col_text(q, 4), cp_col_text(q, 5) };
		code = visit(user, &d, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_audit_ruling(struct cp_store *s, const char *about, struct cp_buf *out, struct cp_err *err)
{
	return cp_query_text(s, out, NULL, err, "SELECT t.decision || ' by ' || coalesce(p.pseudonym, 'a lead') || ', ' ||"
			" strftime('%Y-%m-%dT%H:%M:%SZ', t.clock / 1000000, 'unixepoch') || ': ' || t.reason FROM rulings t"
			" LEFT JOIN persons p ON p.id = t.person WHERE t.about = ?1 AND t.decision <> ''", "t", about);
}
