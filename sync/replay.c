#include "sync/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/change.h"
#include "sync/copies.h"
#include "sync/inner.h"
#include "sync/mainline.h"
#include "sync/outbound.h"

/* ---- one branch after another -------------------------------------------------------------------- */

struct replaying { struct cp_store *s; struct cp_repo *repo; const char *branch; bool is_private; };

static enum cp_code replay_change(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_change_commit c;
	int64_t known;
	enum cp_code code;

	(void)unused;
	CP_TRY(cp_query_int(r->s, &known, 0, err, "SELECT 1 FROM commits WHERE oid = ?1", "t", oid));
	if (known)
		return CP_OK;
	CP_TRY(cp_repo_read(r->repo, oid, "commit", &bytes, err));
	CP_TRY(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	code = cp_repo_read_path(r->repo, oid, "changeset", &changeset, err);
	if (code == CP_OK)
		code = cp_run(r->s, err, "INSERT INTO commits(oid, is_private, branch, parent, replica, verdict, received_us,"
				" claimed_us, edits) VALUES(?1, ?2, ?3, ?4, ?5, 'accepted', ?6, ?6, ?7)", "tittdii", oid,
				(int64_t)r->is_private, r->branch, c.parent, &c.replica, c.clock, c.edits);
	if (code == CP_OK)
		code = cp_apply_change(r->s, changeset.data, changeset.len, sqlite3_last_insert_rowid(r->s->db), err);
	cp_change_commit_drop(&c);
	return code;
}

/* The branch of what was given to me, not by me. */
static bool is_given_to_me(const struct cp_store *s, const char *branch)
{
	char hex[CP_ID_HEX];

	return strncmp(branch, "outbound/", 9) == 0 && strncmp(branch + 9, cp_hex(hex, s->me.replica.bytes, 16), 32) == 0;
}

/* A device puts the rows in place, and knows its hub again and what of it it holds: also of one that gave before, which
 * goes on where it ended when the device comes back to it. Of what was given under a former id only the rows count. */
static enum cp_code replay_given_to_me(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	bool is_mine = is_given_to_me(r->s, r->branch), is_present = is_mine && strchr(r->branch, '.') == NULL;
	struct cp_id hub;
	char hex[CP_ID_HEX];
	int64_t n = 0;

	snprintf(hex, sizeof hex, "%.32s", c->committer.email);
	if (!cp_unhex(hub.bytes, 16, hex))
		return cp_fail(err, CP_EFORMAT, "%s: is by no hub", oid);
	CP_TRY(cp_repo_read_path(r->repo, oid, "changeset", &changeset, err));
	CP_TRY(cp_outbound_apply(r->s, changeset.data, changeset.len, &n, &n, err));
	CP_TRY(cp_run(r->s, err, "INSERT INTO peers(replica, outbound, received_us) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
			" outbound = excluded.outbound, received_us = excluded.received_us", "dti", &hub, is_mine ? oid : "",
			c->committer.seconds * 1000000));
	return is_present ? cp_meta_set(r->s, "applied", oid, 40, err) : CP_OK;
}

/* What a hub gave, from its own outbound commits. */
static enum cp_code replay_outbound(void *user, const char *oid, const struct cp_commit *commit, struct cp_err *err)
{
	struct replaying *r = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_id device;
	char hex[CP_ID_HEX];

	cp_hex(hex, r->s->me.replica.bytes, 16);
	if (is_given_to_me(r->s, r->branch) || !cp_unhex(device.bytes, 16, r->branch + strlen("outbound/")) ||
			strncmp(commit->committer.email, hex, strlen(hex)) != 0)
		return CP_OK; /* not by me, or a chain that was left */
	CP_TRY(cp_repo_read_path(r->repo, oid, "changeset", &changeset, err));
	return cp_outbound_record(r->s, &device, oid, changeset.data, changeset.len, err);
}

/* From where the database knows that chain; from its beginning, where it grew from somewhere else. */
static enum cp_code replay_given_by_me(struct cp_store *s, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(s->history, "outbound/", &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		struct replaying r = { s, s->history, tips.list[i].name, false };
		CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
		bool is_behind = false;

		code = cp_query_text(s, &known, NULL, err, "SELECT outbound FROM peers WHERE lower(hex(replica)) = ?1", "t",
				tips.list[i].name + strlen("outbound/"));
		if (code == CP_OK && known.len > 0)
			code = cp_repo_reaches(s->history, tips.list[i].oid.hex, known.data, &is_behind, err);
		if (code == CP_OK)
			code = cp_repo_walk(s->history, tips.list[i].oid.hex, is_behind ? known.data : "", replay_outbound, &r, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* Its clock, which no hub that knew of it wrote behind, to the microsecond; commits' own times are whole seconds of any clock. */
static int64_t clock_of(const struct cp_commit *c)
{
	const char *text;
	size_t len;

	return cp_commit_trailer(c, "Casepack-Clock", 0, &text, &len) ? strtoll(text, NULL, 10) : 0;
}

/* By the clock of their last commit. */
static enum cp_code by_age(struct cp_repo *r, struct cp_tips *tips, struct cp_err *err)
{
	for (size_t i = 1; i < tips->n; i++)
		for (size_t k = i; k > 0; k--) {
			struct cp_commit a = { 0 }, b = { 0 };
			struct cp_tip swap = tips->list[k];
			bool is_younger;

			CP_TRY(cp_repo_read_commit(r, tips->list[k - 1].oid.hex, &a, err));
			CP_TRY(cp_repo_read_commit(r, tips->list[k].oid.hex, &b, err));
			is_younger = clock_of(&a) > clock_of(&b);
			cp_commit_drop(&a);
			cp_commit_drop(&b);
			if (!is_younger)
				break;
			tips->list[k] = tips->list[k - 1];
			tips->list[k - 1] = swap;
		}
	return CP_OK;
}

static enum cp_code replay_branches(struct cp_store *s, struct cp_repo *repo, const char *prefix, bool is_private,
		cp_commit_visit *visit, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(repo, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		struct replaying r = { s, repo, tips.list[i].name, is_private };

		code = cp_repo_walk(repo, tips.list[i].oid.hex, "", visit, &r, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* What a device was given, in the order in which it was: chains that were left before the present one, and that up to
 * that commit ("": nothing); NULL is all that its branch holds. */
static enum cp_code replay_given(struct cp_store *s, const char *until, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	char present[80], hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(present, sizeof present, "outbound/%s", cp_hex(hex, s->me.replica.bytes, 16));
	code = cp_repo_branches(s->history, "outbound/", &tips, err);
	if (code == CP_OK)
		code = by_age(s->history, &tips, err);
	for (int is_present = 0; is_present < 2; is_present++)
		for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
			struct replaying r = { s, s->history, tips.list[i].name, false };

			const char *tip = is_present && until != NULL ? until : tips.list[i].oid.hex;

			if ((strcmp(r.branch, present) == 0) == is_present && *tip != '\0' &&
					(!s->me.is_hub || is_given_to_me(s, r.branch)))
				code = cp_repo_walk(s->history, tip, "", replay_given_to_me, &r, err);
		}
	cp_tips_drop(&tips);
	return code;
}

/* My lines, the oldest first. */
static enum cp_code replay_my_branches(struct cp_store *s, struct cp_err *err)
{
	struct cp_id ids[CP_MAX_LINES];
	char branch[80], hex[CP_ID_HEX];
	size_t n;

	CP_TRY(cp_copy_lines(s, ids, &n, err));
	for (size_t i = 0; i < n; i++) {
		snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, ids[i].bytes, 16));
		CP_TRY(replay_branches(s, s->history, branch, false, replay_change, err));
	}
	return CP_OK;
}

static enum cp_code highest(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, "SELECT coalesce(max(no), 0) FROM commits", "");
}

static enum cp_code replay_before_main(struct cp_replay *r, struct cp_err *err)
{
	CP_TRY(cp_txn_begin(r->s, err));
	if (r->s->private != NULL)
		CP_TRY(replay_branches(r->s, r->s->private, "replica/", true, replay_change, err));
	if (!r->s->me.is_hub || r->s->me.is_relay)
		CP_TRY(replay_given(r->s, r->until, err));
	CP_TRY(highest(r->s, &r->before_main, err));
	return cp_txn_commit(r->s, err);
}

static enum cp_code replay_behind_main(struct cp_replay *r, struct cp_err *err)
{
	struct cp_store *s = r->s;
	int64_t clock;

	CP_TRY(cp_txn_begin(s, err));
	CP_TRY(highest(s, &r->behind_main, err));
	if (s->me.is_hub)
		CP_TRY(replay_given_by_me(s, err));
	CP_TRY(replay_my_branches(s, err));
	CP_TRY(cp_query_int(s, &clock, 0, err, "SELECT coalesce(max(claimed_us), 0) FROM commits WHERE replica = ?1 OR ?2",
			"di", &s->me.replica, (int64_t)!s->me.is_hub));
	CP_TRY(cp_meta_set_int(s, "clock", clock, err)); /* mine never goes back */
	return cp_txn_commit(s, err);
}

enum cp_code cp_replay(struct cp_replay *r, struct cp_err *err)
{
	CP_TRY(replay_before_main(r, err));
	CP_TRY(r->main ? r->main(r->user, err) : cp_main_replay(r->s, err));
	return replay_behind_main(r, err);
}

struct visiting { const char *branch; cp_branch_visit *visit; void *user; };

static enum cp_code visit_commit(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	const struct visiting *v = user;

	return v->visit(v->user, v->branch, oid, c, err);
}

enum cp_code cp_replay_branches(struct cp_repo *repo, const char *prefix, cp_branch_visit *visit, void *user, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(repo, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		struct visiting v = { tips.list[i].name, visit, user };

		code = cp_repo_walk(repo, tips.list[i].oid.hex, "", visit_commit, &v, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* ---- what no history holds yet --------------------------------------------------------------------- */

/* The last outbox row that my branch of that repository holds: 0 when there is none. */
static enum cp_code last_sealed(struct cp_store *s, struct cp_repo *r, int64_t *out, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_commit c;
	struct cp_oid tip;
	const char *text;
	size_t len;

	*out = 0;
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	CP_TRY(cp_repo_branch(r, branch, &tip, err));
	if (*tip.hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read_commit(r, tip.hex, &c, err));
	if (cp_commit_trailer(&c, "Casepack-Outbox", 0, &text, &len))
		*out = strtoll(text, NULL, 10);
	cp_commit_drop(&c);
	return CP_OK;
}

enum cp_code cp_replay_sealed(struct cp_store *s, int64_t sealed[2], struct cp_err *err)
{
	sealed[0] = sealed[1] = 0;
	CP_TRY(last_sealed(s, s->history, &sealed[0], err));
	return s->private != NULL ? last_sealed(s, s->private, &sealed[1], err) : CP_OK;
}

enum cp_code cp_replay_unsealed(struct cp_store *s, const int64_t sealed[2], int64_t *n, struct cp_err *err)
{
	int64_t seq = 0;

	for (;;) {
		CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);

		CP_TRY(cp_query_int(s, &seq, 0, err, "SELECT min(seq) FROM old.outbox WHERE seq > ?1"
				" AND seq > CASE is_private WHEN 0 THEN ?2 ELSE ?3 END", "iii", seq, sealed[0], sealed[1]));
		if (seq == 0)
			return CP_OK;
		CP_TRY(cp_run(s, err, "INSERT INTO main.outbox SELECT * FROM old.outbox WHERE seq = ?1", "i", seq));
		CP_TRY(cp_changeset_of(s, -seq, &changeset, err));
		CP_TRY(cp_changeset_check(changeset.data, changeset.len, cp_shapes, CP_T_COUNT, NULL, err));
		CP_TRY(cp_apply_change(s, changeset.data, changeset.len, -seq, err));
		++*n;
	}
}
