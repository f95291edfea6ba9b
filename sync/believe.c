#include "sync/believe.h"

#include <stdio.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/change.h"
#include "sync/copies.h"
#include "sync/inner.h"
#include "sync/limit.h"
#include "sync/rights.h"
#include "sync/take.h"
#include "sync/verdict.h"

/* ---- whom to believe ---------------------------------------------------------------------- */

static enum cp_code check_copied(struct cp_store *s, const struct cp_pubkey *signer, const char *oid, struct cp_err *err)
{
	int64_t known;

	CP_TRY(cp_query_int(s, &known, 0, err, "SELECT 1 FROM replicas WHERE public_key = ?1 AND state = 'active'", "b",
			signer->bytes, sizeof signer->bytes));
	return known ? CP_OK : cp_fail(err, CP_ETRUST, "commit %.12s is by a device that is not on the roster", oid);
}

/* With no roster yet there is only the id, which is the hash of project and key. */
static enum cp_code check_founder(struct cp_store *s, const struct cp_id *replica, const struct cp_pubkey *signer,
		const char *oid, struct cp_err *err)
{
	struct cp_id id;
	int64_t roster;

	CP_TRY(cp_query_int(s, &roster, 0, err, "SELECT count(*) FROM replicas", ""));
	cp_replica_id(&id, &s->me.project, signer);
	if (roster > 0) /* a copy goes on under an id of its own before the roster names it; what it writes proves that */
		return check_copied(s, signer, oid, err);
	return cp_id_equal(&id, replica) ? CP_OK
		: cp_fail(err, CP_ETRUST, "commit %.12s is by a device that is not on the roster", oid);
}

enum cp_code cp_believe_key(struct cp_store *s, const struct cp_id *replica, const struct cp_commit *c, const char *oid,
		struct cp_err *err)
{
	struct cp_author author;
	struct cp_pubkey signer;
	bool found;

	CP_TRY(cp_commit_signer(&signer, c, err));
	CP_TRY(cp_author_find(s, replica, &author, &found, err));
	if (!found)
		return check_founder(s, replica, &signer, oid, err);
	if (memcmp(&signer, &author.key, sizeof signer) != 0)
		return cp_fail(err, CP_ETRUST, "commit %.12s says it is by %s, but another key signed it", oid, author.pseudonym);
	return cp_author_named(&author, c, oid, err);
}

enum cp_code cp_believe_hub(struct cp_store *s, const char *main_oid, const struct cp_commit *c, struct cp_id *hub,
		struct cp_err *err)
{
	struct cp_id project;
	int64_t is_lead_hub;

	if (!cp_ident_device(&c->committer, hub, &project) || !cp_id_equal(&project, &s->me.project))
		return cp_fail(err, CP_ETRUST, "main commit %.12s is not of this project", main_oid);
	CP_TRY(cp_believe_key(s, hub, c, main_oid, err));
	CP_TRY(cp_query_int(s, &is_lead_hub, -1, err, "SELECT r.is_hub = 1 AND p.role = 'lead' FROM replicas r"
			" JOIN persons p ON p.id = r.person WHERE r.id = ?1", "d", hub));
	if (is_lead_hub < 0) { /* the founder, or a hub that was copied or put back: then its key must be a lead's hub's */
		struct cp_pubkey signer;

		CP_TRY(cp_commit_signer(&signer, c, err));
		CP_TRY(cp_query_int(s, &is_lead_hub, -1, err, "SELECT coalesce(max(r.is_hub = 1 AND p.role = 'lead' AND r.public_key = ?1), -1)"
				" FROM replicas r JOIN persons p ON p.id = r.person", "b", signer.bytes, sizeof signer.bytes));
	}
	if (is_lead_hub == 0 && !cp_id_equal(hub, &s->me.replica)) /* a relay believes itself, until its hub has spoken */
		return cp_fail(err, CP_ETRUST, "main commit %.12s is by %s, who is no lead's hub", main_oid, c->committer.name);
	return CP_OK;
}

/* ---- one change commit --------------------------------------------------------------------- */

/* What a trailer says of one change commit. */
struct word {
	struct cp_id hub;
	int64_t at_us, edits;
	char branch[80], oid[41], verdict[16], reason[512];
	bool is_refused, is_far;
};

static enum cp_code put_objects(struct cp_belief *b, const struct word *w, const struct cp_buf *commit,
		const struct cp_change_commit *c, const struct cp_buf *tree, const struct cp_buf *changeset, struct cp_err *err)
{
	struct cp_repo *history = b->s->history;
	struct cp_oid blob;

	if (b->from == history)
		return CP_OK;
	CP_TRY(cp_repo_put(history, w->oid, "commit", commit->data, commit->len, err));
	CP_TRY(cp_repo_put(history, c->commit.tree.hex, "tree", tree->data, tree->len, err));
	CP_TRY(cp_repo_blob(history, changeset->data, changeset->len, &blob, err));
	return cp_repo_staged(history) > CP_REPO_PACK_MAX ? cp_repo_flush(history, err) : CP_OK;
}

/* Author, signature, shape, chain: the hub that accepted it answers for everything else. */
static enum cp_code check(struct cp_belief *b, const struct word *w, struct cp_change_commit *c, const struct cp_buf *tree,
		const struct cp_buf *changeset, struct cp_err *err)
{
	struct cp_author author;
	struct cp_id copy_of;
	int64_t has_parent = 1, roster;
	bool good, found;

	if (!cp_id_equal(&c->project, &b->s->me.project))
		return cp_fail(err, CP_ETRUST, "commit %.12s is of another project", w->oid);
	CP_TRY(cp_believe_key(b->s, &c->replica, &c->commit, w->oid, err));
	CP_TRY(cp_author_find(b->s, &c->replica, &author, &found, err));
	CP_TRY(cp_query_int(b->s, &roster, 0, err, "SELECT count(*) FROM replicas", ""));
	if (!found && roster > 0)
		CP_TRY(cp_copy_proves(b->s, c, &author, &copy_of, &found, err));
	if (!found && roster > 0)
		return cp_fail(err, CP_ETRUST, "commit %.12s is by a device that is not on the roster", w->oid);
	CP_TRY(cp_change_commit_check(c, tree->data, tree->len, changeset->data, changeset->len, false, err));
	if (b->from != b->s->history && cp_limit_changeset(&b->s->limits, changeset->data, changeset->len, err) != CP_OK)
		return cp_fail_at(err, "commit %.12s", w->oid);
	CP_TRY(cp_rights_types(changeset->data, changeset->len, false, &good, err));
	if (*c->parent != '\0')
		CP_TRY(cp_query_int(b->s, &has_parent, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND replica = ?2 AND verdict = 'accepted'"
				" AND is_private = 0", "td", c->parent, &c->replica));
	if (!good || !has_parent)
		return cp_fail(err, CP_EFORMAT, good ? "commit %.12s was accepted before its forerunner, or follows another device's"
				: "commit %.12s has values of the wrong type or length", w->oid);
	return CP_OK;
}

/* Where it goes: in one's own history the branch that holds it says so. */
static enum cp_code choose_line(struct cp_belief *b, const struct word *w, struct cp_change_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(80);

	CP_TRY(cp_query_text(b->s, &line, NULL, err, "SELECT branch FROM temp.lines WHERE oid = ?1", "t", w->oid));
	if (line.len > 0) {
		snprintf(c->branch, sizeof c->branch, "%s", line.data);
		return CP_OK;
	}
	return cp_line_choose(b->s, c, err);
}

/* Only the first commit of all brings its own author. */
static enum cp_code check_permitted(struct cp_store *s, const struct cp_change_commit *c, const struct cp_buf *changeset,
		const char *oid, struct cp_err *err)
{
	struct cp_author author;
	struct cp_id copy_of;
	enum cp_verdict verdict;
	int64_t is_ruled = 0;
	char why[256];
	bool found;

	CP_TRY(cp_author_find(s, &c->replica, &author, &found, err));
	if (!found) /* a hub that was copied or put back enters itself into the roster */
		CP_TRY(cp_copy_proves(s, c, &author, &copy_of, &found, err));
	if (!found)
		return CP_OK;
	if (!author.is_active) /* unless a lead had decided so */
		CP_TRY(cp_query_int(s, &is_ruled, 0, err, "SELECT 1 FROM rulings WHERE about = ?1 AND decision = 'accept'", "t", oid));
	if (!author.is_active && !is_ruled)
		return cp_fail(err, CP_ETRUST, "%s: change commit %.12s was accepted when %s's device was no longer trusted", s->path, oid,
				author.pseudonym);
	CP_TRY(cp_rights_check(s, &author, changeset->data, changeset->len, &verdict, why, err));
	return verdict != CP_REFUSE ? CP_OK : cp_fail(err, CP_ETRUST, "%s: change commit %.12s is not permitted: %s", s->path,
			oid, why);
}

static enum cp_code apply_read(struct cp_belief *b, const struct word *w, const struct cp_buf *commit,
		struct cp_change_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf tree = CP_BUF((size_t)1 << 20), changeset = CP_BUF((size_t)1 << 31);
	struct cp_store *s = b->s;
	struct cp_oid blob;

	CP_TRY(cp_repo_read(b->from, c->commit.tree.hex, "tree", &tree, err));
	CP_TRY(cp_tree_read_single(&blob, "changeset", tree.data, tree.len, err));
	CP_TRY(cp_repo_read(b->from, blob.hex, "blob", &changeset, err));
	CP_TRY(check(b, w, c, &tree, &changeset, err));
	if (b->is_proving)
		CP_TRY(check_permitted(s, c, &changeset, w->oid, err));
	CP_TRY(choose_line(b, w, c, err));
	CP_TRY(cp_run(s, err, "DELETE FROM waiting WHERE oid = ?1", "t", w->oid));
	CP_TRY(cp_run(s, err, "DELETE FROM commits WHERE oid = ?1", "t", w->oid)); /* refused here until now: it has no edits */
	CP_TRY(cp_run(s, err, "DELETE FROM temp.refused_now WHERE oid = ?1", "t", w->oid));
	b->refused -= sqlite3_changes(s->db);
	CP_TRY(cp_run(s, err, "INSERT INTO commits(oid, branch, parent, replica, verdict, received_us, claimed_us, is_far, edits)"
			" VALUES(?1, ?2, ?3, ?4, 'accepted', ?5, ?6, ?7, ?8)", "tttdiiii", w->oid, c->branch, c->parent, &c->replica,
			w->at_us, c->clock, (int64_t)w->is_far, c->edits));
	CP_TRY(put_objects(b, w, commit, c, &tree, &changeset, err));
	CP_TRY(cp_apply_change(s, changeset.data, changeset.len, sqlite3_last_insert_rowid(s->db), err));
	CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO temp.moves(branch, tip) VALUES(?1, ?2)", "tt", c->branch, w->oid));
	b->commits++;
	b->edits += c->edits;
	b->schema = b->schema == 0 || c->schema < b->schema ? c->schema : b->schema;
	return b->touched ? cp_touched_add(s, b->touched, changeset.data, changeset.len, err) : CP_OK;
}

static enum cp_code apply(struct cp_belief *b, const struct word *w, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);
	struct cp_change_commit c;
	enum cp_code code = cp_repo_read(b->from, w->oid, "commit", &bytes, err);

	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_EFORMAT, "main accepts commit %.12s, which did not come along", w->oid);
	CP_TRY(code);
	memset(&c, 0, sizeof c);
	code = cp_change_commit_read(&c, bytes.data, bytes.len, err);
	if (code == CP_OK)
		code = apply_read(b, w, &bytes, &c, err);
	cp_change_commit_drop(&c);
	return code;
}

/* Refused before anybody here saw it. */
static enum cp_code note_refused(struct cp_belief *b, const struct word *w, struct cp_err *err)
{
	struct cp_id replica;
	char hex[CP_ID_HEX];

	snprintf(hex, sizeof hex, "%.32s", w->branch + strlen("replica/"));
	if (strncmp(w->branch, "replica/", strlen("replica/")) != 0 || !cp_unhex(replica.bytes, 16, hex))
		return cp_fail(err, CP_EFORMAT, "main names no replica for commit %.12s", w->oid);
	b->refused++;
	CP_TRY(cp_run(b->s, err, "INSERT OR IGNORE INTO temp.refused_now(oid) VALUES(?1)", "t", w->oid));
	CP_TRY(cp_run(b->s, err, "DELETE FROM waiting WHERE oid = ?1", "t", w->oid));
	return cp_run(b->s, err, "INSERT INTO commits(oid, branch, parent, replica, verdict, reason, received_us, claimed_us, edits)"
			" VALUES(?1, ?2, '', ?3, 'refused', ?4, ?5, ?5, ?6)", "ttdtii", w->oid, w->branch, &replica, w->reason, w->at_us,
			w->edits);
}

/* ---- what a verdict changes ------------------------------------------------------------------ */

/* Far if any accepting verdict says so: what it wrote is weighed again. */
static enum cp_code set_far(struct cp_belief *b, const char *oid, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_store *s = b->s;
	int64_t is_far, no;

	CP_TRY(cp_query_int(s, &is_far, 0, err, "SELECT is_far FROM commits WHERE oid = ?1", "t", oid));
	if (is_far)
		return CP_OK;
	CP_TRY(cp_query_int(s, &no, 0, err, "SELECT no FROM commits WHERE oid = ?1", "t", oid));
	CP_TRY(cp_run(s, err, "UPDATE commits SET is_far = 1 WHERE no = ?1", "i", no));
	CP_TRY(cp_apply_weighed(s, no, err));
	CP_TRY(cp_changeset_of(s, no, &changeset, err));
	return b->touched ? cp_touched_add(s, b->touched, changeset.data, changeset.len, err) : CP_OK;
}

/* Is it a word that was not heard yet? */
static enum cp_code hear(struct cp_belief *b, const struct word *w, bool *is_new, struct cp_err *err)
{
	int before = sqlite3_total_changes(b->s->db);

	CP_TRY(cp_verdict_put(b->s, w->oid, &w->hub, w->is_refused ? "refused" : "accepted", w->reason, w->at_us, w->is_far, err));
	*is_new = sqlite3_total_changes(b->s->db) != before;
	b->news += *is_new;
	return CP_OK;
}

static enum cp_code touch_verdicts(struct cp_belief *b, const struct word *w, struct cp_err *err)
{
	struct cp_id replica;

	if (b->touched == NULL)
		return CP_OK;
	CP_TRY(cp_query_id(b->s, &replica, err, "SELECT replica FROM commits WHERE oid = ?1", "t", w->oid));
	return cp_touched_verdicts(b->touched, &replica, err);
}

static enum cp_code take_word(struct cp_belief *b, const struct word *w, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(32);
	bool is_new, is_accepted;

	CP_TRY(cp_query_text(b->s, &known, NULL, err, "SELECT verdict FROM commits WHERE oid = ?1", "t", w->oid));
	is_accepted = known.len > 0 && strcmp(known.data, "accepted") == 0;
	CP_TRY(hear(b, w, &is_new, err));
	b->disputed += is_new && known.len > 0 && is_accepted == w->is_refused;
	if (w->is_refused && known.len == 0)
		CP_TRY(note_refused(b, w, err));
	else if (!w->is_refused && !is_accepted)
		CP_TRY(apply(b, w, err));
	else if (is_new && w->is_far && !w->is_refused)
		CP_TRY(set_far(b, w->oid, err));
	return is_new ? touch_verdicts(b, w, err) : CP_OK;
}

/* ---- one commit of main ------------------------------------------------------------------------ */

static enum cp_code read_word(struct word *w, const char *main_oid, const char *text, size_t len, struct cp_err *err)
{
	char line[1024];
	long long edits;
	int end = 0;

	snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
	if (sscanf(line, "%40[0-9a-f] %15s %lld %n", w->oid, w->verdict, &edits, &end) != 3 || strlen(w->oid) != 40)
		return cp_fail(err, CP_EFORMAT, "main commit %.12s: a trailer cannot be read", main_oid);
	w->edits = edits;
	w->is_refused = strcmp(w->verdict, "refused") == 0;
	w->is_far = strcmp(w->verdict, "accepted-far") == 0;
	if (!w->is_refused && !w->is_far && strcmp(w->verdict, "accepted") != 0)
		return cp_fail(err, CP_EFORMAT, "main commit %.12s: \"%s\" is no verdict", main_oid, w->verdict);
	snprintf(w->reason, sizeof w->reason, "%.511s", line + end);
	return CP_OK;
}

enum cp_code cp_believe(struct cp_belief *b, const char *main_oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_store *s = b->s;
	struct word w = { .at_us = c->committer.seconds * 1000000 };
	char mine[80], hex[CP_ID_HEX];
	const char *text;
	size_t len;

	CP_TRY(cp_believe_hub(s, main_oid, c, &w.hub, err));
	if (cp_commit_trailer(c, "Branch", 0, &text, &len))
		snprintf(w.branch, sizeof w.branch, "%.*s", (int)len, text);
	snprintf(mine, sizeof mine, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	for (size_t i = 0; cp_commit_trailer(c, "Change-commit", i, &text, &len); i++) {
		CP_TRY(read_word(&w, main_oid, text, len, err));
		CP_TRY(take_word(b, &w, err));
		if (strcmp(w.branch, mine) == 0 && cp_id_equal(&w.hub, &s->me.replica))
			CP_TRY(cp_meta_set(s, "taken_own", w.oid, 40, err));
	}
	return CP_OK;
}

/* ---- branches ------------------------------------------------------------------------------------ */

struct line { struct cp_store *s; const char *branch; };

static enum cp_code note_line(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	const struct line *line = user;

	(void)c;
	return cp_run(line->s, err, "INSERT OR IGNORE INTO temp.lines(oid, branch) VALUES(?1, ?2)", "tt", oid, line->branch);
}

/* In one's own history branches are there before main names what they hold; which of two lines came first, only they know. */
static enum cp_code note_lines(struct cp_store *s, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(s->history, "replica/", &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		struct line line = { s, tips.list[i].name };
		CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
		struct cp_oid stop;

		code = cp_query_text(s, &known, NULL, err, "SELECT oid FROM commits WHERE branch = ?1 AND is_private = 0 AND"
				" verdict = 'accepted' ORDER BY no DESC LIMIT 1", "t", tips.list[i].name);
		snprintf(stop.hex, sizeof stop.hex, "%s", known.len ? known.data : "");
		if (code == CP_OK)
			code = cp_repo_walk_all(s->history, tips.list[i].oid.hex, &stop, 1, note_line, &line, err);
	}
	cp_tips_drop(&tips);
	return code;
}

enum cp_code cp_believe_begin(struct cp_belief *b, struct cp_err *err)
{
	static const char sql[] = "CREATE TEMP TABLE IF NOT EXISTS lines (oid TEXT PRIMARY KEY, branch TEXT NOT NULL) WITHOUT ROWID;"
		"CREATE TEMP TABLE IF NOT EXISTS moves (branch TEXT PRIMARY KEY, tip TEXT NOT NULL) WITHOUT ROWID;"
		"CREATE TEMP TABLE IF NOT EXISTS refused_now (oid TEXT PRIMARY KEY) WITHOUT ROWID;"
		"DELETE FROM temp.lines; DELETE FROM temp.moves; DELETE FROM temp.refused_now";

	if (sqlite3_exec(b->s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, b->s->db, "%s", b->s->path);
	return b->from == b->s->history ? note_lines(b->s, err) : CP_OK;
}

enum cp_code cp_believe_move(struct cp_belief *b, struct cp_err *err)
{
	struct cp_tips moves = { 0 };
	sqlite3_stmt *q;
	enum cp_code code;
	bool row = true;

	CP_TRY(cp_query(b->s, &q, err, "SELECT branch, tip FROM temp.moves", ""));
	for (code = CP_OK; code == CP_OK && row;) {
		code = cp_step(b->s, q, &row, err);
		if (code == CP_OK && row)
			code = cp_tips_add(&moves, cp_col_text(q, 0), cp_col_text(q, 1), err);
	}
	for (size_t i = 0; code == CP_OK && i < moves.n; i++) {
		struct cp_oid old;
		bool is_held;

		code = cp_repo_branch(b->s->history, moves.list[i].name, &old, err);
		if (code == CP_OK) /* an interrupted exchange may have moved it already */
			code = cp_repo_reaches(b->s->history, old.hex, moves.list[i].oid.hex, &is_held, err);
		if (code == CP_OK && !is_held)
			code = cp_repo_move(b->s->history, moves.list[i].name, &old, &moves.list[i].oid, err);
	}
	cp_tips_drop(&moves);
	return code;
}
