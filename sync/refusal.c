#include "sync/refusal.h"

#include <stdio.h>
#include <string.h>

#include "sync/again.h"
#include "sync/apply.h"
#include "sync/change.h"
#include "sync/inner.h"
#include "sync/seal.h"

/* Mine that were refused, all that is behind them, and lines that were left. */
#define HANGING \
	"WITH RECURSIVE hanging(oid) AS (SELECT oid FROM commits WHERE replica = ?1 AND is_private = 0 AND" \
	" (verdict = 'refused' OR instr(branch, '.')) UNION" \
	" SELECT c.oid FROM commits c JOIN hanging h ON c.parent = h.oid WHERE c.is_private = 0)"

static bool is_told(const struct cp_store *s)
{
	return !s->me.is_hub || s->me.is_relay;
}

/* ---- what counts ----------------------------------------------------------------------------- */

/* One that waits here, passed on by a relay: it never counted. */
static enum cp_code refuse_waiting(struct cp_store *s, const char *oid, int64_t *refused, struct cp_err *err)
{
	int64_t waits;

	CP_TRY(cp_query_int(s, &waits, 0, err, "SELECT 1 FROM waiting WHERE oid = ?1", "t", oid));
	*refused += waits;
	CP_TRY(cp_run(s, err, "INSERT OR IGNORE INTO commits(oid, branch, parent, replica, verdict, reason, received_us, claimed_us,"
			" edits) SELECT w.oid, w.branch, '', r.id, 'refused', 'by the hub', ?2, ?2, w.edits FROM waiting w JOIN replicas r"
			" ON substr(w.branch, 9, 32) = lower(hex(r.id)) WHERE w.oid = ?1", "ti", oid, cp_now_us()));
	return cp_run(s, err, "DELETE FROM waiting WHERE oid = ?1", "t", oid);
}

static enum cp_code refuse(struct cp_store *s, const char *oid, int64_t *refused, struct cp_err *err)
{
	int64_t no;

	CP_TRY(cp_query_int(s, &no, 0, err, "SELECT no FROM commits WHERE oid = ?1 AND verdict = 'accepted'", "t", oid));
	if (no == 0)
		return refuse_waiting(s, oid, refused, err);
	++*refused;
	CP_TRY(cp_run(s, err, "UPDATE commits SET verdict = 'refused', reason = 'by the hub' WHERE no = ?1", "i", no));
	return cp_apply_without(s, no, err);
}

/* The commits that are refused, by the manifest. */
static const char *refused_one(const struct cp_manifest *m, size_t *at)
{
	for (; *at < m->have.n; ++*at)
		if (strncmp(m->have.list[*at].name, "refused/", strlen("refused/")) == 0)
			return m->have.list[(*at)++].oid.hex;
	return NULL;
}

static bool is_refused(const struct cp_manifest *m, const char *oid)
{
	const char *one;

	for (size_t at = 0; (one = refused_one(m, &at)) != NULL;)
		if (strcmp(one, oid) == 0)
			return true;
	return false;
}

/* The hub holds it on one of its branches now: a lead has accepted it. A relay holds what it has refused too. */
static enum cp_code count_again(struct cp_store *s, int64_t no, const char *oid, const struct cp_manifest *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	bool is_held = false;

	if (is_refused(m, oid))
		return CP_OK;
	for (size_t i = 0; !is_held && i < m->have.n; i++)
		if (strncmp(m->have.list[i].name, "replica/", strlen("replica/")) == 0)
			CP_TRY(cp_repo_reaches(s->history, m->have.list[i].oid.hex, oid, &is_held, err));
	if (!is_held)
		return CP_OK;
	CP_TRY(cp_run(s, err, "UPDATE commits SET verdict = 'accepted', reason = '' WHERE no = ?1", "i", no));
	CP_TRY(cp_changeset_of(s, no, &changeset, err));
	return cp_apply_change(s, changeset.data, changeset.len, no, err);
}

static enum cp_code take_acceptances(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	int64_t no = 0;

	for (;;) {
		CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);

		CP_TRY(cp_query_int(s, &no, 0, err, "SELECT min(no) FROM commits WHERE verdict = 'refused' AND no > ?1", "i", no));
		if (no == 0)
			return CP_OK;
		CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM commits WHERE no = ?1", "i", no));
		if (cp_repo_has(s->history, oid.data))
			CP_TRY(count_again(s, no, oid.data, m, err));
	}
}

/* ---- what is behind a refused one -------------------------------------------------------------- */

/* The next hanging commit with edits that count and stand nowhere else. */
static enum cp_code next_lost(struct cp_store *s, int64_t *no, struct cp_err *err)
{
	return cp_query_int(s, no, 0, err, HANGING " SELECT min(c.no) FROM commits c WHERE c.oid IN hanging AND c.verdict = 'accepted'"
			" AND c.no > ?2 AND EXISTS (SELECT 1 FROM edits e WHERE e.commit_no = c.no AND e.fate <> ?3 AND NOT EXISTS (SELECT 1"
			"  FROM edits f WHERE f.doc = e.doc AND f.tbl = e.tbl AND f.rev = e.rev AND f.commit_no NOT IN (SELECT no FROM commits"
			"   WHERE oid IN hanging)))", "dii", &s->me.replica, *no, (int64_t)CP_WAITING);
}

static enum cp_code put_lost_again(struct cp_store *s, int64_t *again, struct cp_err *err)
{
	int64_t no = 0;

	for (;;) {
		CP_TRY(next_lost(s, &no, err));
		if (no == 0)
			return CP_OK;
		CP_TRY(cp_seal_again(s, no, "hangs on a refused one", again, err));
	}
}

enum cp_code cp_refusals_prepare(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	int64_t is_news = 0;
	const char *oid;

	for (size_t at = 0; !is_news && (oid = refused_one(m, &at)) != NULL;)
		CP_TRY(cp_query_int(s, &is_news, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND verdict = 'accepted'", "t", oid));
	return is_news ? cp_seal(s, NULL, err) : CP_OK;
}

enum cp_code cp_refusals_take(struct cp_store *s, const struct cp_manifest *m, int64_t *refused, int64_t *again,
		struct cp_err *err)
{
	const char *oid;

	for (size_t at = 0; (oid = refused_one(m, &at)) != NULL;)
		CP_TRY(refuse(s, oid, refused, err));
	CP_TRY(take_acceptances(s, m, err));
	return put_lost_again(s, again, err);
}

/* ---- leaving the line ------------------------------------------------------------------------------ */

/* A further line of that name: one that stands at that commit already, or a free one. */
static enum cp_code further_line(struct cp_store *s, const char *branch, const struct cp_oid *tip, char out[80],
		struct cp_err *err)
{
	struct cp_oid at;

	for (int n = 2;; n++) {
		snprintf(out, 80, "%.64s.%d", branch, n);
		CP_TRY(cp_repo_branch(s->history, out, &at, err));
		if (*at.hex == '\0')
			return cp_repo_move(s->history, out, &at, tip, err);
		if (strcmp(at.hex, tip->hex) == 0)
			return CP_OK;
	}
}

static enum cp_code leave(struct cp_store *s, const char *branch, const struct cp_oid *tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(64);
	struct cp_oid good;
	char further[80];

	CP_TRY(further_line(s, branch, tip, further, err));
	CP_TRY(cp_run(s, err, HANGING " UPDATE commits SET branch = ?3 WHERE branch = ?2 AND oid IN hanging", "dtt",
			&s->me.replica, branch, further));
	CP_TRY(cp_query_text(s, &text, NULL, err, "SELECT oid FROM commits WHERE branch = ?1 AND is_private = 0 ORDER BY no DESC LIMIT 1",
			"t", branch));
	snprintf(good.hex, sizeof good.hex, "%s", text.len ? text.data : "");
	return cp_repo_move(s->history, branch, tip, &good, err);
}

enum cp_code cp_refusals_leave(struct cp_store *s, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;
	int64_t hangs;

	if (!is_told(s))
		return CP_OK;
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	CP_TRY(cp_repo_branch(s->history, branch, &tip, err));
	CP_TRY(cp_query_int(s, &hangs, 0, err, HANGING " SELECT 1 FROM hanging WHERE oid = ?2", "dt", &s->me.replica, tip.hex));
	return hangs ? leave(s, branch, &tip, err) : CP_OK;
}

/* ---- a database that was replayed --------------------------------------------------------------------- */

enum cp_code cp_refusals_copy(struct cp_store *s, struct cp_err *err)
{
	int64_t no = 0, unused = 0;

	if (!is_told(s))
		return CP_OK;
	for (;;) {
		CP_AUTO(buf) struct cp_buf oid = CP_BUF(64);

		CP_TRY(cp_query_int(s, &no, 0, err, "SELECT min(no) FROM old.commits WHERE verdict = 'refused' AND no > ?1", "i", no));
		if (no == 0)
			break;
		CP_TRY(cp_query_text(s, &oid, NULL, err, "SELECT oid FROM old.commits WHERE no = ?1", "i", no));
		CP_TRY(refuse(s, oid.data, &unused, err));
	}
	return cp_run(s, err, "INSERT OR IGNORE INTO main.commits(oid, branch, parent, replica, verdict, reason, received_us, claimed_us,"
			" edits) SELECT oid, branch, parent, replica, verdict, reason, received_us, claimed_us, edits FROM old.commits"
			" WHERE verdict = 'refused'", "");
}
