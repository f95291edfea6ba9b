#include "sync/forget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/cases.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/proof.h"
#include "sync/repo.h"

/* ---- forgetting ---------------------------------------------------------------------------- */

/* What becomes of one case; counted first, since behind it nobody knows what it showed. */
static enum cp_code count_case(struct cp_store *s, const struct cp_id *id, struct cp_forgot *out, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view v = { .held = NULL };
	int64_t judgments;

	CP_TRY(cp_case_load(s, id, &v, err));
	CP_TRY(cp_query_int(s, &judgments, 0, err, "SELECT count(*) FROM judgments j JOIN assignments a ON a.id = j.id"
			" WHERE a.case_id = ?1", "d", id));
	out->judgments += judgments;
	out->cases += !v.is_forgotten;
	out->again += v.is_forgotten;
	out->shown += *v.query != '\0' && strcmp(v.query, v.name) == 0;
	return CP_OK;
}

static enum cp_code forget_case(struct cp_store *s, const struct cp_id *id, const char *reason, struct cp_err *err)
{
	int64_t is_forgotten;

	CP_TRY(cp_query_int(s, &is_forgotten, 0, err, "SELECT state = 'forgotten' FROM cases WHERE id = ?1", "d", id));
	if (is_forgotten) /* its reason stands; what came back in a way of its own is looked for again */
		return cp_run(s, err, "DELETE FROM erased WHERE case_id = ?1", "d", id);
	return cp_edit_document(s, CP_T_CASES, id, (struct cp_set[]){ { "state", cp_v_text("forgotten") },
			{ "reason", cp_v_text(reason) } }, 2, CP_EDIT_PLAIN, NULL, NULL, err);
}

static enum cp_code forget_all(struct cp_store *s, const struct cp_forget *f, const struct cp_id *ids, size_t n,
		struct cp_forgot *out, struct cp_err *err)
{
	char words[64];
	enum cp_code code = CP_OK;

	for (size_t i = 0; i < n; i++)
		CP_TRY(count_case(s, &ids[i], out, err));
	if (f->is_dry_run)
		return CP_OK;
	CP_TRY(cp_edit_begin(s, err));
	for (size_t i = 0; code == CP_OK && i < n; i++)
		code = forget_case(s, &ids[i], f->reason, err);
	snprintf(words, sizeof words, "cases forgotten: %lld", (long long)out->cases);
	if (code == CP_OK)
		return cp_edit_commit(s, words, err);
	cp_edit_abort(s);
	return code;
}

/* Each once. */
static enum cp_code find_cases(struct cp_store *s, const struct cp_forget *f, struct cp_id *ids, size_t *n, struct cp_err *err)
{
	*n = 0;
	for (size_t i = 0; i < f->n_cases; i++) {
		struct cp_id id;
		bool is_known = false;

		CP_TRY(cp_case_find(s, f->cases[i], &id, err));
		for (size_t k = 0; k < *n; k++)
			is_known = is_known || cp_id_equal(&ids[k], &id);
		if (!is_known)
			ids[(*n)++] = id;
	}
	return CP_OK;
}

static enum cp_code check_lead(struct cp_store *s, const char *what, struct cp_err *err)
{
	return s->me.is_hub && s->me.role == CP_LEAD ? CP_OK : cp_fail(err, CP_EINPUT, "%s: %s at a lead's hub", s->path, what);
}

enum cp_code cp_forget(struct cp_store *s, const struct cp_forget *f, struct cp_forgot *out, struct cp_err *err)
{
	struct cp_id *ids = calloc(f->n_cases + 1, sizeof *ids);
	size_t n;
	enum cp_code code;

	memset(out, 0, sizeof *out);
	code = ids != NULL ? check_lead(s, "cases are forgotten", err) : cp_fail(err, CP_EIO, "out of memory");
	if (code == CP_OK && !cp_utf8_valid(f->reason, strlen(f->reason)))
		code = cp_fail(err, CP_EINPUT, "the reason is not UTF-8");
	if (code == CP_OK)
		code = find_cases(s, f, ids, &n, err);
	if (code == CP_OK)
		code = forget_all(s, f, ids, n, out, err);
	free(ids);
	if (code != CP_OK || f->is_dry_run)
		return code;
	CP_TRY(cp_erase_due(s, &out->erased, err));
	return !out->erased.is_unfinished ? CP_OK
		: cp_fail(err, CP_EIO, "%s: forgotten, but the databases could not be written anew without it; make room on the disk, and"
				" the next command ends it", s->path);
}

/* ---- who has not confirmed --------------------------------------------------------------------- */

/*
 * temp.unseen: who is not known to have the tombstone. A device that was given the case has it when the row that it
 * was given is the present one, and no outbound commit that it has not confirmed brings that row; another lead's
 * hub, when every change commit on the case is in a main that it is known to hold.
 */
static const char unseen_sql[] = "CREATE TEMP TABLE IF NOT EXISTS unseen (id BLOB, replica BLOB, PRIMARY KEY (id, replica))"
	" WITHOUT ROWID; DELETE FROM temp.unseen; CREATE TEMP TABLE IF NOT EXISTS unheld (oid TEXT PRIMARY KEY) WITHOUT ROWID";

struct looking { struct cp_store *s; const struct cp_id *replica; };

static enum cp_code see_outbound(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	const struct looking *l = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	(void)unused;
	CP_TRY(cp_repo_read_path(l->s->history, oid, "changeset", &changeset, err));
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		if (c.table == CP_T_CASES)
			CP_TRY(cp_run(l->s, err, "INSERT OR IGNORE INTO temp.unseen SELECT id, ?2 FROM cases WHERE id = ?1 AND state = 'forgotten'",
					"vd", &c.now[CP_C_ID], l->replica));
	}
}

static enum cp_code look_at_device(struct cp_store *s, const struct cp_id *replica, const char *tip, const char *acked,
		struct cp_err *err)
{
	struct looking l = { s, replica };

	if (*acked != '\0' && !cp_chain_reaches(s->history, tip, acked))
		acked = ""; /* of another chain */
	return *tip == '\0' || strcmp(tip, acked) == 0 ? CP_OK : cp_repo_walk(s->history, tip, acked, see_outbound, &l, err);
}

static enum cp_code look_at_devices(struct cp_store *s, struct cp_err *err)
{
	struct cp_tips list = { 0 };
	sqlite3_stmt *q;
	bool row = true;
	enum cp_code code;

	CP_TRY(cp_run(s, err, "INSERT OR IGNORE INTO temp.unseen SELECT c.id, g.replica FROM given g JOIN cases c ON c.id = g.id"
			" WHERE g.tbl = ?1 AND c.state = 'forgotten' AND g.rev <> c.rev", "i", (int64_t)CP_T_CASES));
	code = cp_query(s, &q, err, "SELECT lower(hex(replica)), outbound FROM peers WHERE outbound <> outbound_acked AND outbound <> ''"
			" AND replica IN (SELECT replica FROM given)", "");
	while (code == CP_OK && row) {
		code = cp_step(s, q, &row, err);
		if (code == CP_OK && row)
			code = cp_tips_add(&list, cp_col_text(q, 0), cp_col_text(q, 1), err);
	}
	for (size_t i = 0; code == CP_OK && i < list.n; i++) {
		CP_AUTO(buf) struct cp_buf acked = CP_BUF(64);
		struct cp_id replica;

		if (!cp_unhex(replica.bytes, 16, list.list[i].name))
			continue;
		code = cp_query_text(s, &acked, NULL, err, "SELECT outbound_acked FROM peers WHERE replica = ?1", "d", &replica);
		if (code == CP_OK)
			code = look_at_device(s, &replica, list.list[i].oid.hex, acked.len > 0 ? acked.data : "", err);
	}
	cp_tips_drop(&list);
	return code;
}

static enum cp_code note_unheld(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_store *s = user;
	const char *text;
	size_t len;

	(void)oid;
	for (size_t i = 0; cp_commit_trailer(c, "Change-commit", i, &text, &len); i++)
		if (len > 40)
			CP_TRY(cp_run(s, err, "INSERT OR IGNORE INTO temp.unheld VALUES(?1)", "s", text, (size_t)40));
	return CP_OK;
}

/* Mains that another hub holds: its own as it came here, and ours as far as it said. */
static enum cp_code mains_of(struct cp_store *s, const struct cp_id *hub, struct cp_oid hides[2], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf have = CP_BUF(CP_TEXT_MAX);
	char hex[CP_ID_HEX], name[80], mine[CP_ID_HEX + 8], oid[41];
	int n;

	hides[1].hex[0] = '\0';
	snprintf(name, sizeof name, "hub/%s", cp_hex(hex, hub->bytes, 16));
	CP_TRY(cp_repo_branch(s->history, name, &hides[0], err));
	snprintf(mine, sizeof mine, "hub/%s", cp_hex(hex, s->me.replica.bytes, 16));
	snprintf(name, sizeof name, "hub_have/%s", cp_hex(hex, hub->bytes, 16));
	CP_TRY(cp_meta_get(s, name, &have, err));
	for (const char *at = have.len ? have.data : ""; sscanf(at, "%79s %40s%n", name, oid, &n) == 2; at += n)
		if (strcmp(name, mine) == 0 && cp_repo_has(s->history, oid))
			snprintf(hides[1].hex, sizeof hides[1].hex, "%s", oid);
	return CP_OK;
}

static enum cp_code look_at_hub(struct cp_store *s, const struct cp_id *hub, struct cp_err *err)
{
	struct cp_oid hides[2], main;

	CP_TRY(mains_of(s, hub, hides, err));
	CP_TRY(cp_run(s, err, "DELETE FROM temp.unheld", ""));
	CP_TRY(cp_repo_branch(s->history, "main", &main, err));
	if (*main.hex != '\0')
		CP_TRY(cp_repo_walk_all(s->history, main.hex, hides, 2, note_unheld, s, err));
	return cp_run(s, err, "INSERT OR IGNORE INTO temp.unseen SELECT c.id, ?1 FROM cases c JOIN edits e ON e.doc = c.id AND e.tbl = ?2"
			" LEFT JOIN commits m ON m.no = e.commit_no WHERE c.state = 'forgotten'"
			" AND (m.oid IS NULL OR m.oid IN (SELECT oid FROM temp.unheld))", "di", hub, (int64_t)CP_T_CASES);
}

static enum cp_code look_at_hubs(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf ids = CP_BUF((size_t)1 << 20);
	sqlite3_stmt *q;
	bool row = true;

	if (s->private == NULL)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT r.id FROM replicas r JOIN persons p ON p.id = r.person WHERE r.is_hub = 1 AND p.role = 'lead'"
			" AND r.state = 'active' AND r.id <> ?1 ORDER BY r.id", "d", &s->me.replica));
	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		cp_col_id(q, 0, &id);
		CP_TRY(cp_buf_add(&ids, &id, sizeof id, err));
	}
	for (size_t at = 0; at < ids.len; at += sizeof(struct cp_id)) {
		struct cp_id id;

		memcpy(&id, ids.data + at, sizeof id);
		CP_TRY(look_at_hub(s, &id, err));
	}
	return CP_OK;
}

enum cp_code cp_forgotten_each(struct cp_store *s, cp_forgotten_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	if (sqlite3_exec(s->db, unseen_sql, NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", s->path);
	CP_TRY(look_at_devices(s, err));
	CP_TRY(look_at_hubs(s, err));
	CP_TRY(cp_query(s, &q, err, "SELECT c.name, c.reason, c.clock, (SELECT count(*) FROM judgments j JOIN assignments a ON a.id = j.id"
			"  WHERE a.case_id = c.id),"
			" coalesce((SELECT group_concat(pseudonym, ', ') FROM (SELECT DISTINCT p.pseudonym FROM temp.unseen u JOIN replicas r"
			"  ON r.id = u.replica JOIN persons p ON p.id = r.person WHERE u.id = c.id ORDER BY 1)), ''),"
			" (SELECT count(*) FROM temp.unseen u WHERE u.id = c.id) FROM cases c WHERE state = 'forgotten' ORDER BY c.name, c.id", ""));
	for (;;) {
		struct cp_forgotten_row r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		r.case_id = cp_col_text(q, 0);
		r.reason = cp_col_text(q, 1);
		r.at_us = sqlite3_column_int64(q, 2);
		r.judgments = sqlite3_column_int64(q, 3);
		r.unconfirmed = cp_col_text(q, 4);
		r.n_unconfirmed = sqlite3_column_int64(q, 5);
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- how long raters keep it --------------------------------------------------------------------- */

enum cp_code cp_keep_days_set(struct cp_store *s, int64_t days, bool *changed, struct cp_err *err)
{
	char words[64];
	enum cp_code code;

	CP_TRY(check_lead(s, "how long content is kept is decided", err));
	CP_TRY(cp_edit_begin(s, err));
	code = cp_edit_document(s, CP_T_PROJECT, &s->me.project, (struct cp_set[]){ { "keep_days", cp_v_int(days) } }, 1,
			CP_EDIT_PLAIN, NULL, changed, err);
	snprintf(words, sizeof words, "raters keep content for %lld days", (long long)days);
	if (code == CP_OK)
		return cp_edit_commit(s, words, err);
	cp_edit_abort(s);
	return code;
}

enum cp_code cp_keep_days(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, "SELECT keep_days FROM project WHERE id = ?1", "d", &s->me.project);
}
