#include "sync/report.h"

#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/hub.h"
#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/quarantine.h"

/* ---- progress ------------------------------------------------------------------------------ */

static int64_t days_since(int64_t us)
{
	return us == 0 ? -1 : (cp_now_us() - us) / ((int64_t)24 * 3600 * 1000000);
}

enum cp_code cp_status_each(struct cp_store *s, cp_rater_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT p.pseudonym, p.vendor, count(a.id),"
			" sum(coalesce(j.state, '') = 'submitted'), sum(coalesce(j.state, '') = 'skipped'),"
			" sum(coalesce(j.state, '') = 'escalated'), sum(a.id IS NOT NULL AND j.id IS NULL),"
			" coalesce((SELECT max(sent_us) FROM peers e JOIN replicas r ON r.id = e.replica WHERE r.person = p.id), 0),"
			" coalesce((SELECT max(received_us) FROM peers e JOIN replicas r ON r.id = e.replica WHERE r.person = p.id), 0),"
			" coalesce((SELECT min(outbound <> '' AND outbound = outbound_acked) FROM peers e JOIN replicas r"
			"  ON r.id = e.replica WHERE r.person = p.id), 0)"
			" FROM persons p LEFT JOIN assignments a ON a.person = p.id AND a.state = 'given'"
			"  AND (EXISTS (SELECT 1 FROM judgments k WHERE k.id = a.id) OR NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = a.case_id"
			"   AND c.state = 'forgotten')) LEFT JOIN judgments j ON j.id = a.id"
			" WHERE p.role = 'rater' OR a.id IS NOT NULL GROUP BY p.id ORDER BY p.pseudonym", ""));
	for (;;) {
		struct cp_rater_status r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		r.pseudonym = cp_col_text(q, 0);
		r.vendor = cp_col_text(q, 1);
		r.assigned = sqlite3_column_int64(q, 2);
		r.submitted = sqlite3_column_int64(q, 3);
		r.skipped = sqlite3_column_int64(q, 4);
		r.escalated = sqlite3_column_int64(q, 5);
		r.owed = sqlite3_column_int64(q, 6);
		r.sent_us = sqlite3_column_int64(q, 7);
		r.received_us = sqlite3_column_int64(q, 8);
		r.acknowledged = sqlite3_column_int(q, 9) != 0;
		r.owed_days = r.owed ? days_since(r.sent_us) : -1;
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* "2 fork, 1 hard" */
enum cp_code cp_conflict_classes(struct cp_store *s, char *out, size_t size, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);

	CP_TRY(cp_query_text(s, &text, NULL, err, "SELECT group_concat(n || ' ' || class, ', ') FROM (SELECT class, count(*) AS n"
			" FROM conflicts WHERE is_open GROUP BY class ORDER BY class)", ""));
	snprintf(out, size, "%s", text.data ? text.data : "");
	return CP_OK;
}

enum cp_code cp_status(struct cp_store *s, struct cp_status *out, struct cp_err *err)
{
	const struct { int64_t *out; const char *sql; } counts[] = {
		{ &out->cases, "SELECT count(*) FROM cases" },
		{ &out->forgotten, "SELECT count(*) FROM cases WHERE state = 'forgotten'" },
		{ &out->unerased, "SELECT value FROM meta WHERE key = 'scrub'" },
		{ &out->persons, "SELECT count(*) FROM persons" },
		{ &out->assignments, "SELECT count(*) FROM assignments WHERE state = 'given'" },
		{ &out->judgments, "SELECT count(*) FROM judgments" },
		{ &out->ratings, "SELECT count(*) FROM ratings WHERE value IS NOT NULL" },
		{ &out->outbox, "SELECT count(*) FROM outbox" },
		{ &out->commits, "SELECT count(*) FROM commits WHERE verdict = 'accepted' AND is_private = 0" },
		{ &out->refused, "SELECT count(*) FROM commits WHERE verdict = 'refused' AND oid NOT IN (SELECT about FROM rulings"
			" WHERE decision <> '')" },
		{ &out->conflicts, "SELECT count(*) FROM conflicts WHERE is_open" },
		{ &out->disputed, "SELECT count(*) FROM (SELECT oid FROM verdicts GROUP BY oid HAVING count(DISTINCT verdict) > 1)" },
	};

	struct cp_quarantine_count quarantine;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		CP_TRY(cp_query_int(s, counts[i].out, 0, err, counts[i].sql, ""));
	CP_TRY(cp_waiting_count(s, &out->waiting, err));
	CP_TRY(cp_quarantine_count(s, &quarantine, err));
	out->review = quarantine.review;
	out->strangers = quarantine.strangers;
	CP_TRY(cp_conflict_classes(s, out->conflict_classes, sizeof out->conflict_classes, err));
	if (!s->me.is_hub)
		CP_TRY(cp_unsent(s, &out->unsent, err));
	else if (!s->me.is_relay)
		CP_TRY(cp_hub_missing(s, &out->missing, err));
	return cp_repo_branch(s->history, "main", &out->main, err);
}

enum cp_code cp_copied_each(struct cp_store *s, cp_copied_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT 0, coalesce(p.pseudonym, ''), lower(hex(r.copy_of)), lower(hex(r.id)),"
			" EXISTS (SELECT 1 FROM replicas o WHERE o.id = r.copy_of AND o.public_key <> r.public_key) FROM replicas r"
			" LEFT JOIN persons p ON p.id = r.person WHERE length(r.copy_of) = 16"
			" UNION SELECT 1, coalesce(p.pseudonym, ''), lower(hex(c.replica)), c.branch, 0 FROM commits c LEFT JOIN replicas r"
			" ON r.id = c.replica LEFT JOIN persons p ON p.id = r.person WHERE c.branch LIKE 'replica/%.%' ORDER BY 1, 2, 3, 4", ""));
	for (;;) {
		struct cp_copied c;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		c.is_line = sqlite3_column_int(q, 0) != 0;
		c.pseudonym = cp_col_text(q, 1);
		c.device = cp_col_text(q, 2);
		c.as = cp_col_text(q, 3);
		c.has_other_key = sqlite3_column_int(q, 4) != 0;
		code = visit(user, &c, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- change commits -------------------------------------------------------------------------- */

/* Those that wait stand in front: what they need may be next to come. */
static const char log_sql[] =
	"SELECT c.oid, c.branch, coalesce(p.pseudonym, ''), c.verdict, c.reason, c.edits, c.claimed_us, c.received_us, c.bytes"
	" FROM (SELECT no, oid, branch, replica, verdict, CASE verdict WHEN 'refused' THEN reason || coalesce((SELECT '; ' || decision ||"
	"         ': ' || u.reason FROM rulings u WHERE u.about = commits.oid), '') ELSE coalesce((SELECT 'refused by '"
	"         || coalesce(h.pseudonym, 'another hub') || ': ' || v.reason FROM verdicts v LEFT JOIN replicas d ON d.id = v.hub"
	"         LEFT JOIN persons h ON h.id = d.person WHERE v.oid = commits.oid AND v.verdict = 'refused' LIMIT 1), reason)"
	"         END AS reason, edits, claimed_us, received_us, x'' AS bytes"
	"        FROM commits WHERE is_private = 0"
	"       UNION ALL SELECT 9223372036854775807, w.oid, w.branch, r.id, 'waiting', w.why, w.edits, 0, w.since_us, w.commit_bytes"
	"        FROM waiting w LEFT JOIN replicas r ON lower(hex(r.id)) = substr(w.branch, 9, 32)) c"
	" LEFT JOIN replicas r ON r.id = c.replica LEFT JOIN persons p ON p.id = r.person"
	" ORDER BY c.no DESC, c.received_us DESC, c.oid LIMIT CASE ?1 WHEN 0 THEN -1 ELSE ?1 END";

/* What the commit in that column says of itself: history does not hold it yet. */
static bool read_waiting(sqlite3_stmt *q, int column, struct cp_commit_row *r, struct cp_commit *c)
{
	struct cp_change_commit change;

	if (cp_change_commit_read(&change, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column), NULL) != CP_OK)
		return false;
	r->claimed_us = change.clock;
	*c = change.commit;
	return true;
}

enum cp_code cp_log_commits(struct cp_store *s, int64_t max, cp_commit_row_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, log_sql, "i", max));
	for (;;) {
		struct cp_commit_row r;
		struct cp_commit c = { .message = NULL };
		char subject[256] = "";
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		r.oid = cp_col_text(q, 0);
		r.branch = cp_col_text(q, 1);
		r.who = cp_col_text(q, 2);
		r.verdict = cp_col_text(q, 3);
		r.reason = cp_col_text(q, 4);
		r.edits = sqlite3_column_int64(q, 5);
		r.claimed_us = sqlite3_column_int64(q, 6);
		r.received_us = sqlite3_column_int64(q, 7);
		if (strcmp(r.verdict, "waiting") == 0 ? read_waiting(q, 8, &r, &c) : strcmp(r.verdict, "accepted") == 0 &&
				cp_repo_read_commit(s->history, r.oid, &c, NULL) == CP_OK)
			snprintf(subject, sizeof subject, "%.*s", (int)strcspn(c.message, "\n"), c.message);
		r.subject = subject;
		code = visit(user, &r, err);
		cp_commit_drop(&c);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- for the auditor ------------------------------------------------------------------------------ */

enum cp_code cp_export_git(struct cp_store *s, const char *path, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	struct cp_oid main;
	enum cp_code code;

	CP_TRY(cp_repo_branch(s->history, "main", &main, err));
	if (*main.hex == '\0')
		return cp_fail(err, CP_EINPUT, "%s: has no history yet", s->path);
	code = cp_repo_branches(s->history, "replica/", &tips, err);
	if (code == CP_OK)
		code = cp_tips_add(&tips, "main", main.hex, err);
	if (code == CP_OK)
		code = cp_repo_export(s->history, path, &tips, err);
	cp_tips_drop(&tips);
	return code;
}
