#include "sync/quarantine.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/resolution.h"
#include "sync/roster.h"
#include "sync/ruling.h"
#include "sync/seal.h"
#include "sync/succession.h"
#include "sync/take.h"

/* ---- the list ------------------------------------------------------------------------------------- */

#define PEOPLE " LEFT JOIN replicas r ON r.id = c.replica LEFT JOIN persons p ON p.id = r.person"
#define REFUSED "c.verdict = 'refused' AND c.is_private = 0"
/* Another hub may have let in what goes on for a device before it heard of that one's revocation. */
#define REVIEW "c.verdict = 'accepted' AND c.is_private = 0 AND c.replica IN (" CP_GONE_WITH("SELECT id FROM replicas WHERE lower(hex(id))" \
	" IN (SELECT about FROM rulings WHERE decision = 'revoke')") " SELECT id FROM gone UNION SELECT id FROM replicas WHERE state = 'revoked')"
#define STRANGER "t.replica NOT IN (SELECT id FROM replicas)"
/* What hangs on a dropped change commit, or is of a dropped device, asks nobody any more. */
#define IDLE "WITH RECURSIVE idle(oid) AS (SELECT about FROM rulings WHERE decision = 'drop' UNION SELECT w.oid FROM waiting w" \
	" JOIN idle ON w.parent = idle.oid OR substr(w.branch, 9, 32) = idle.oid) "
static const char list_sql[] =
	IDLE "SELECT x.*, coalesce(u.decision, ''), coalesce(u.reason, '') FROM ("
	" SELECT 1, '' AS oid, 'stranger' AS kind, coalesce(p.pseudonym, ''), lower(hex(t.replica)) AS device, '', t.public_key, t.succeeds,"
	"  coalesce((SELECT sum(edits) FROM waiting WHERE substr(branch, 9, 32) = lower(hex(t.replica))), 0), t.since_us AS since"
	"  FROM strangers t LEFT JOIN replicas r ON r.id = t.succeeds LEFT JOIN persons p ON p.id = r.person WHERE " STRANGER
	" UNION ALL SELECT 2, c.oid, 'refused', coalesce(p.pseudonym, ''), lower(hex(c.replica)), c.reason, x'', x'', c.edits, c.received_us"
	"  FROM commits c" PEOPLE " WHERE " REFUSED
	" UNION ALL SELECT 3, c.oid, 'review', coalesce(p.pseudonym, ''), lower(hex(c.replica)), CASE r.state WHEN 'revoked' THEN"
	"  'its device was revoked since' ELSE 'its device goes on for one that was revoked, by that one''s key alone' END, x'', x'',"
	"  c.edits, c.received_us FROM commits c" PEOPLE " WHERE " REVIEW
	" UNION ALL SELECT 4, w.oid, 'waiting', coalesce(p.pseudonym, ''), substr(w.branch, 9, 32), w.why, x'', x'', w.edits, w.since_us"
	"  FROM waiting w LEFT JOIN replicas r ON lower(hex(r.id)) = substr(w.branch, 9, 32) LEFT JOIN persons p ON p.id = r.person"
	"  WHERE ?1 OR w.oid NOT IN (SELECT oid FROM idle)"
	") x LEFT JOIN rulings u ON u.about = iif(x.kind = 'stranger', x.device, x.oid) WHERE ?1 OR coalesce(u.decision, '') = ''"
	" ORDER BY 1, since, oid, device";

/* What a stranger says of itself, with the fingerprint to compare. */
static enum cp_code introduce(sqlite3_stmt *q, struct cp_buf *out, struct cp_err *err)
{
	struct cp_pubkey key;
	struct cp_id old;
	char hex[CP_ID_HEX];

	cp_col_hash(q, 6, (struct cp_hash *)(void *)&key);
	cp_col_id(q, 7, &old);
	CP_TRY(cp_buf_printf(out, err, "goes on for device %.8s with a new key: ", cp_hex(hex, old.bytes, 16)));
	return cp_pubkey_words(out, &key, err);
}

static enum cp_code show(sqlite3_stmt *q, cp_quarantine_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(512);
	struct cp_quarantined one = {
		.oid = cp_col_text(q, 1), .kind = cp_col_text(q, 2), .pseudonym = cp_col_text(q, 3), .device = cp_col_text(q, 4),
		.reason = cp_col_text(q, 5), .edits = sqlite3_column_int64(q, 8), .since_us = sqlite3_column_int64(q, 9),
		.decision = cp_col_text(q, 10), .decision_reason = cp_col_text(q, 11),
	};

	if (*one.oid == '\0') {
		CP_TRY(introduce(q, &words, err));
		one.reason = words.data;
	}
	return visit(user, &one, err);
}

enum cp_code cp_quarantine_each(struct cp_store *s, bool all, cp_quarantine_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	enum cp_code code;

	CP_TRY(cp_query(s, &q, err, list_sql, "i", (int64_t)all));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		code = show(q, visit, user, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_quarantine_count(struct cp_store *s, struct cp_quarantine_count *out, struct cp_err *err)
{
	CP_TRY(cp_query_int(s, &out->refused, 0, err, "SELECT count(*) FROM commits c WHERE " REFUSED
			" AND c.oid NOT IN (SELECT about FROM rulings WHERE decision <> '')", ""));
	CP_TRY(cp_query_int(s, &out->review, 0, err, "SELECT count(*) FROM commits c WHERE " REVIEW
			" AND c.oid NOT IN (SELECT about FROM rulings WHERE decision <> '')", ""));
	return cp_query_int(s, &out->strangers, 0, err, "SELECT count(*) FROM strangers t WHERE " STRANGER
			" AND lower(hex(t.replica)) NOT IN (SELECT about FROM rulings WHERE decision <> '')", "");
}

enum cp_code cp_waiting_count(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, IDLE "SELECT count(*) FROM waiting WHERE oid NOT IN (SELECT oid FROM idle)", "");
}

/* ---- one of them ----------------------------------------------------------------------------------- */

#define NAMES "SELECT oid AS name FROM commits c WHERE " REFUSED " OR " REVIEW " UNION SELECT oid FROM waiting" \
	" UNION SELECT lower(hex(replica)) FROM strangers t WHERE " STRANGER

enum cp_code cp_quarantine_find(struct cp_store *s, const char *prefix, char oid[41], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(64);
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT count(*) FROM (" NAMES ") WHERE substr(name, 1, length(?1)) = ?1", "t", prefix));
	if (n != 1 || strlen(prefix) < 4)
		return cp_fail(err, n == 0 ? CP_ENOTFOUND : CP_EINPUT, n == 0 ? "%s: no such change commit in quarantine; `casepack quarantine"
				" --all` lists them" : "%s: say more of its name, at least 4 digits", prefix);
	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT name FROM (" NAMES ") WHERE substr(name, 1, length(?1)) = ?1", "t", prefix));
	snprintf(oid, 41, "%s", name.data);
	return CP_OK;
}

static enum cp_code kind_of(struct cp_store *s, const char *oid, char kind[16], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(16);

	CP_TRY(cp_query_text(s, &text, NULL, err, "SELECT CASE verdict WHEN 'refused' THEN 'refused' ELSE 'review' END FROM commits WHERE oid = ?1"
			" UNION ALL SELECT 'waiting' FROM waiting WHERE oid = ?1", "t", oid));
	snprintf(kind, 16, "%s", text.len ? text.data : "stranger");
	return CP_OK;
}

static enum cp_code check_fits(const char *kind, const char *decision, const char *oid, struct cp_err *err)
{
	static const struct { const char *kind, *decision, *why; } never[] = {
		{ "refused", "keep", "was refused: accept or drop it" },
		{ "review", "accept", "was taken in already: `keep` says that it is right" },
		{ "review", "drop", "was taken in, and what was accepted stays: `casepack resolve` and `casepack stale` settle what it says" },
		{ "waiting", "accept", "waits for what has not come yet, and is taken in by itself then" },
		{ "waiting", "keep", "waits for what has not come yet, and is taken in by itself then" },
		{ "waiting", "drop", "waits for what has not come yet; nothing is lost by letting it wait" },
		{ "stranger", "accept", "is a device with a new key: `casepack person trust` takes it in, once its owner has read out its fingerprint" },
		{ "stranger", "keep", "is a device with a new key: `casepack person trust` takes it in, once its owner has read out its fingerprint" },
	};

	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (strcmp(never[i].kind, kind) == 0 && strcmp(never[i].decision, decision) == 0)
			return cp_fail(err, CP_EINPUT, "%.12s %s", oid, never[i].why);
	return CP_OK;
}

/* ---- deciding ---------------------------------------------------------------------------------------- */

static enum cp_code rule(struct cp_store *s, const char *about, const char *decision, const char *reason, struct cp_err *err)
{
	char words[160];
	enum cp_code code;

	snprintf(words, sizeof words, "quarantine: %s %.12s", decision, about);
	CP_TRY(cp_edit_begin(s, err));
	code = cp_ruling_write(s, about, decision, reason, NULL, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

/* Tried first: a ruling that could not be carried out would be a word in history that means nothing. */
static enum cp_code accept(struct cp_store *s, const char *oid, const char *reason, struct cp_merged *out, struct cp_err *err)
{
	struct cp_buf parts[4] = { CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF(CP_TEXT_MAX) };
	struct cp_refused refused;
	enum cp_code code;

	code = cp_refused_read(s, oid, parts, &refused, err);
	if (code == CP_OK)
		code = cp_take_refused(s, &refused, true, out, err);
	if (code == CP_OK)
		code = rule(s, oid, "accept", reason, err);
	if (code == CP_OK)
		code = cp_seal(s, NULL, err);
	if (code == CP_OK)
		code = cp_take_refused(s, &refused, false, out, err);
	for (int i = 0; i < 4; i++)
		cp_buf_drop(&parts[i]);
	return code;
}

enum cp_code cp_quarantine_decide(struct cp_store *s, const char *oid, const char *decision, const char *reason,
		struct cp_merged *out, struct cp_err *err)
{
	const struct cp_seckey *key;
	char kind[16];

	memset(out, 0, sizeof *out);
	if (!s->me.is_hub || s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: a lead's hub decides about that", s->path);
	CP_TRY(kind_of(s, oid, kind, err));
	CP_TRY(check_fits(kind, decision, oid, err));
	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_seal(s, NULL, err));
	if (strcmp(decision, "accept") == 0)
		return accept(s, oid, reason, out, err);
	CP_TRY(rule(s, oid, decision, reason, err));
	return cp_seal(s, NULL, err);
}

/* ---- what it says -------------------------------------------------------------------------------------- */

static enum cp_code waiting_bytes(struct cp_store *s, const char *oid, struct cp_buf *out, bool *found, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT changeset FROM waiting WHERE oid = ?1", "t", oid));
	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	enum cp_code code = cp_buf_add(out, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), err);
	sqlite3_reset(q);
	return code;
}

static enum cp_code changeset_of(struct cp_store *s, const char *oid, struct cp_buf *out, struct cp_err *err)
{
	struct cp_buf parts[4] = { CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF(CP_TEXT_MAX) };
	struct cp_refused refused;
	bool found;
	enum cp_code code;

	CP_TRY(waiting_bytes(s, oid, out, &found, err));
	if (found)
		return CP_OK;
	if (cp_repo_has(s->history, oid))
		return cp_repo_read_path(s->history, oid, "changeset", out, err);
	code = cp_refused_read(s, oid, parts, &refused, err);
	if (code == CP_OK)
		code = cp_buf_add(out, refused.changeset, refused.len, err);
	for (int i = 0; i < 4; i++)
		cp_buf_drop(&parts[i]);
	return code;
}

static enum cp_code add_value(struct cp_buf *out, const struct cp_value *v, struct cp_err *err)
{
	json_t *o = cp_value_json(v);
	char *text = o && !json_is_string(o) ? json_dumps(o, JSON_ENCODE_ANY) : NULL;
	enum cp_code code = json_is_string(o) ? cp_buf_add(out, json_string_value(o), json_string_length(o), err)
		: cp_buf_puts(out, text ? text : "", err);

	free(text);
	json_decref(o);
	return code;
}

/* Of an answer its field and result are the name of the cell. */
static enum cp_code name_cell(const struct cp_change *c, size_t column, struct cp_buf *out, struct cp_err *err)
{
	const struct cp_value *field = cp_change_key(c, CP_R_FIELD), *result = cp_change_key(c, CP_R_RESULT);

	if (c->table != CP_T_RATINGS || column != CP_R_VALUE)
		return cp_buf_puts(out, cp_columns[c->table][column], err);
	CP_TRY(add_value(out, field, err));
	if (result->len > 0)
		CP_TRY(cp_buf_puts(out, "@", err));
	return add_value(out, result, err);
}

static enum cp_code show_cell(const struct cp_change *c, size_t column, cp_quarantine_cell_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf was = CP_BUF(CP_TEXT_MAX), now = CP_BUF(CP_TEXT_MAX), name = CP_BUF(CP_TEXT_MAX);
	const struct cp_value *key = cp_change_key(c, 0);
	struct cp_quarantine_cell cell = { .table = cp_shapes[c->table].name, .is_new = c->op == CP_INSERT };

	if (c->now[column].type == CP_ABSENT || cp_shapes[c->table].key[column] != 0)
		return CP_OK;
	if (c->was[column].type != CP_ABSENT)
		CP_TRY(add_value(&was, &c->was[column], err));
	CP_TRY(add_value(&now, &c->now[column], err));
	CP_TRY(name_cell(c, column, &name, err));
	cp_hex(cell.document, key->bytes, key->len > 16 ? 16 : key->len);
	cell.column = name.data;
	cell.was = was.data ? was.data : "";
	cell.now = now.data ? now.data : "";
	return visit(user, &cell, err);
}

enum cp_code cp_quarantine_cells(struct cp_store *s, const char *oid, cp_quarantine_cell_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	CP_TRY(changeset_of(s, oid, &changeset, err));
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		for (size_t i = 0; i < cp_shapes[c.table].n_columns; i++)
			CP_TRY(show_cell(&c, i, visit, user, err));
	}
}
