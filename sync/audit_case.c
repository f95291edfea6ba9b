#include <string.h>

#include "sync/audit.h"
#include "sync/inner.h"

/* An edit that is no leaf was replaced by another one: its answer was changed. Two devices may leave two leaves, and change nothing. */
#define LEAVES "leaves(doc, n) AS (SELECT doc, count(DISTINCT rev) FROM candidates WHERE tbl = 11 GROUP BY 1)"

/*
 * Counted for the person in ?1 (empty: everybody), of cases about which something was received from ?2 to ?3. Tables
 * by their numbers: 3 cases, 8 assignments, 10 settlements, 11 judgments; an assignment, its judgment and its settlement
 * have one id. What is not sealed yet counts by the time at which it was saved.
 */
_Static_assert(CP_T_JUDGMENTS == 11 && CP_T_PUBLIC <= 32, "the numbers stand in cases_sql");
static const char cases_sql[] =
	"WITH seen(doc, tbl, rev, at, revoked) AS (SELECT e.doc, e.tbl, e.rev, coalesce(k.received_us, o.at_us, 0), coalesce(r.state = 'revoked', 0)"
	"  FROM edits e LEFT JOIN commits k ON k.no = e.commit_no LEFT JOIN outbox o ON e.commit_no < 0 AND o.seq = -e.commit_no"
	"  LEFT JOIN replicas r ON r.id = k.replica WHERE e.tbl IN (3, 8, 9, 10, 11)),"
	" docs(case_id, doc) AS (SELECT id, id FROM cases UNION ALL SELECT case_id, id FROM assignments WHERE length(?1) = 0 OR person = ?1"
	"  UNION ALL SELECT case_id, id FROM adjudications),"
	" touched(case_id, at) AS (SELECT d.case_id, max(s.at) FROM docs d JOIN seen s ON s.doc = d.doc WHERE s.at >= ?2 AND s.at < ?3 GROUP BY 1),"
	" " LEAVES ","
	" work(case_id, id, edits, changed, revoked) AS (SELECT a.case_id, a.id, count(DISTINCT s.rev), count(DISTINCT s.rev) > max(1, coalesce(l.n, 0)), sum(s.revoked)"
	"  FROM assignments a JOIN seen s ON s.doc = a.id AND s.tbl = 11 LEFT JOIN leaves l ON l.doc = a.id WHERE length(?1) = 0 OR a.person = ?1 GROUP BY 2),"
	" counted(case_id, judgments, edits, changed, revoked) AS (SELECT case_id, count(*), sum(edits), sum(changed), sum(revoked) FROM work GROUP BY 1),"
	" disputed(case_id, conflicts, open, stale, late) AS (SELECT d.case_id, sum(x.class IN ('fork', 'hard')), sum(x.is_open), sum(x.class = 'stale'),"
	"  sum(x.class = 'late') FROM docs d JOIN conflicts x ON x.doc = d.doc GROUP BY 1),"
	" final(case_id, n) AS (SELECT case_id, count(*) FROM adjudications GROUP BY 1)"
	" SELECT c.id, c.name, coalesce(w.judgments, 0), coalesce(w.edits, 0), coalesce(w.changed, 0), coalesce(d.conflicts, 0), coalesce(d.open, 0),"
	" coalesce(f.n, 0), coalesce(d.stale, 0), coalesce(d.late, 0), coalesce(w.revoked, 0), t.at"
	" FROM cases c JOIN touched t ON t.case_id = c.id LEFT JOIN counted w ON w.case_id = c.id LEFT JOIN disputed d ON d.case_id = c.id"
	" LEFT JOIN final f ON f.case_id = c.id WHERE length(?1) = 0 OR c.id IN (SELECT case_id FROM assignments WHERE person = ?1)"
	" ORDER BY c.name, c.id";

static void fill_case(struct cp_audit_case *c, sqlite3_stmt *q)
{
	int64_t *const counts[] = { &c->judgments, &c->edits, &c->changed, &c->conflicts, &c->open, &c->finals, &c->stale, &c->late,
		&c->revoked, &c->last_us };

	cp_col_id(q, 0, &c->id);
	snprintf(c->name, sizeof c->name, "%s", cp_col_text(q, 1));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		*counts[i] = sqlite3_column_int64(q, (int)i + 2);
}

enum cp_code cp_audit_case_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_case_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, cases_sql, "bii", f->person ? (const void *)f->person : "", f->person ? sizeof *f->person : (size_t)0,
			f->since_us, f->until_us));
	for (;;) {
		struct cp_audit_case c;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		fill_case(&c, q);
		code = visit(user, &c, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- one person's work --------------------------------------------------------------------------------- */

static const char work_sql[] =
	"WITH " LEAVES ", sent(id, edits, revoked, at, no) AS (SELECT e.doc, count(DISTINCT e.rev), max(coalesce(r.state = 'revoked', 0)),"
	"  max(coalesce(k.received_us, o.at_us, 0)), max(e.commit_no) FROM assignments a JOIN edits e ON e.doc = a.id AND e.tbl = 11"
	"  LEFT JOIN commits k ON k.no = e.commit_no LEFT JOIN outbox o ON e.commit_no < 0 AND o.seq = -e.commit_no"
	"  LEFT JOIN replicas r ON r.id = k.replica WHERE a.person = ?1 GROUP BY 1)"
	" SELECT c.name, j.state, coalesce(g.name, ''), coalesce(f.name, ''), coalesce(k.oid, ''), a.pass, j.clock, coalesce(k.received_us, 0),"
	" coalesce(v.number, 0), coalesce(w.number, 0), s.edits,"
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'stale' AND x.policy <> 'keep'),"
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'late'),"
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'fork' AND x.is_open),"
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'fork' AND NOT x.is_open), s.revoked,"
	" s.edits > max(1, coalesce((SELECT n FROM leaves WHERE doc = s.id), 0))"
	" FROM sent s JOIN judgments j ON j.id = s.id JOIN assignments a ON a.id = s.id JOIN cases c ON c.id = a.case_id"
	" LEFT JOIN commits k ON k.no = s.no LEFT JOIN guideline_revisions v ON v.id = j.guideline_revision"
	" LEFT JOIN guidelines g ON g.id = v.parent_doc LEFT JOIN form_versions w ON w.id = j.form_version LEFT JOIN forms f ON f.id = w.parent_doc"
	" WHERE s.at >= ?2 AND s.at < ?3 ORDER BY j.clock, c.name, a.pass";

static void fill_work(struct cp_audit_work *w, sqlite3_stmt *q)
{
	const char **const texts[] = { &w->case_name, &w->state, &w->guideline, &w->form, &w->commit };
	int64_t *const numbers[] = { &w->pass, &w->claimed_us, &w->received_us, &w->guideline_number, &w->form_number, &w->edits };
	bool *const marks[] = { &w->is_stale, &w->is_late, &w->in_conflict, &w->is_settled, &w->is_revoked, &w->is_changed };
	int column = 0;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = cp_col_text(q, column++);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		*numbers[i] = sqlite3_column_int64(q, column++);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		*marks[i] = sqlite3_column_int(q, column++) != 0;
}

enum cp_code cp_audit_work_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_work_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, work_sql, "dii", f->person, f->since_us, f->until_us));
	for (;;) {
		struct cp_audit_work w;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		fill_work(&w, q);
		code = visit(user, &w, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- people ----------------------------------------------------------------------------------------- */

static const char persons_sql[] =
	"WITH sent(person, verdict, n) AS (SELECT r.person, k.verdict, count(*) FROM commits k JOIN replicas r ON r.id = k.replica"
	"  WHERE k.is_private = 0 AND k.received_us >= ?2 AND k.received_us < ?3 GROUP BY 1, 2),"
	" " LEAVES ","
	" work(person, id, changed) AS (SELECT a.person, a.id, count(DISTINCT e.rev) > max(1, coalesce(l.n, 0)) FROM assignments a"
	"  JOIN edits e ON e.doc = a.id AND e.tbl = 11 LEFT JOIN leaves l ON l.doc = a.id LEFT JOIN commits k ON k.no = e.commit_no LEFT JOIN outbox o ON e.commit_no < 0 AND o.seq = -e.commit_no"
	"  GROUP BY 2 HAVING max(coalesce(k.received_us, o.at_us, 0)) >= ?2 AND min(coalesce(k.received_us, o.at_us, 0)) < ?3),"
	" counted(person, judgments, changed) AS (SELECT person, count(*), sum(changed) FROM work GROUP BY 1),"
	" decided(person, n) AS (SELECT person, count(*) FROM (SELECT person, clock FROM settlements UNION ALL SELECT person, clock FROM resolutions"
	"  WHERE tbl NOT IN ('names', 'secrets', 'side_keys', 'gold', 'metrics')"
	"  UNION ALL SELECT person, clock FROM stale_settlements UNION ALL SELECT person, clock FROM adjudications"
	"  UNION ALL SELECT person, clock FROM rulings) WHERE clock >= ?2 AND clock < ?3 GROUP BY 1)"
	" SELECT p.pseudonym, p.role, p.state, (SELECT count(*) FROM replicas r WHERE r.person = p.id),"
	" (SELECT count(*) FROM replicas r WHERE r.person = p.id AND r.state = 'revoked'),"
	" coalesce((SELECT n FROM sent WHERE person = p.id AND verdict = 'accepted'), 0),"
	" coalesce((SELECT n FROM sent WHERE person = p.id AND verdict = 'refused'), 0),"
	" coalesce(w.judgments, 0), coalesce(w.changed, 0), coalesce(d.n, 0)"
	" FROM persons p LEFT JOIN counted w ON w.person = p.id LEFT JOIN decided d ON d.person = p.id"
	" WHERE length(?1) = 0 OR p.id = ?1 ORDER BY p.pseudonym";

enum cp_code cp_audit_person_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_person_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, persons_sql, "bii", f->person ? (const void *)f->person : "", f->person ? sizeof *f->person : (size_t)0,
			f->since_us, f->until_us));
	for (;;) {
		struct cp_audit_person p;
		int64_t *const counts[] = { &p.devices, &p.revoked, &p.commits, &p.refused, &p.judgments, &p.changed, &p.decisions };
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		p.pseudonym = cp_col_text(q, 0);
		p.role = cp_col_text(q, 1);
		p.state = cp_col_text(q, 2);
		for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
			*counts[i] = sqlite3_column_int64(q, (int)i + 3);
		code = visit(user, &p, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
