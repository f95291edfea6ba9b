#include "sync/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/changes.h"
#include "sync/copies.h"
#include "sync/inner.h"
#include "sync/mainline.h"
#include "sync/refusal.h"
#include "sync/token.h"
#include "sync/verdict.h"

/* What is to be sealed: public or private outbox rows of one schema, joined. */
struct sealing {
	bool is_private;
	struct cp_buf changeset, words;
	int64_t rows, edits, last, clock, schema;
	struct cp_oid oid;
};

static void sealing_drop(struct sealing *z)
{
	cp_buf_drop(&z->changeset);
	cp_buf_drop(&z->words);
}
#define cp_sealing_drop sealing_drop

static enum cp_code gather(struct cp_store *s, struct sealing *z, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT seq, words, edits, at_us, changeset, schema FROM outbox WHERE is_private = ?1 AND"
			" schema = (SELECT min(schema) FROM outbox WHERE is_private = ?1) ORDER BY seq", "i", (int64_t)z->is_private));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		z->last = sqlite3_column_int64(q, 0);
		z->edits += sqlite3_column_int64(q, 2);
		z->clock = sqlite3_column_int64(q, 3);
		z->schema = sqlite3_column_int64(q, 5);
		if (++z->rows <= 40) {
			CP_TRY(cp_buf_puts(&z->words, z->rows > 1 ? "- " : "", err));
			CP_TRY(cp_words_add(&z->words, cp_col_text(q, 1), err));
			CP_TRY(cp_buf_puts(&z->words, "\n", err));
		}
		CP_TRY(cp_buf_add(&z->changeset, sqlite3_column_blob(q, 4), (size_t)sqlite3_column_bytes(q, 4), err));
	}
}

/* One sitting, one message: the only row's words, or how many and what. */
static enum cp_code say(struct sealing *z, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf all = CP_BUF(CP_TEXT_MAX);

	if (z->rows == 0)
		return cp_buf_puts(&z->words, "goes on as a device of its own", err);
	if (z->rows == 1) {
		z->words.data[--z->words.len] = '\0';
		return CP_OK;
	}
	CP_TRY(cp_buf_printf(&all, err, "%" PRId64 " edits in %" PRId64 " saves\n\n- %s", z->edits, z->rows, z->words.data));
	if (z->rows > 40)
		CP_TRY(cp_buf_printf(&all, err, "- and %" PRId64 " more\n", z->rows - 40));
	all.data[--all.len] = '\0';
	cp_buf_drop(&z->words);
	z->words = all;
	all = (struct cp_buf)CP_BUF(0);
	return CP_OK;
}

/* The database's side of a seal: the commit is known, its edits are its, the outbox is emptied up to the row. */
static enum cp_code record(struct cp_store *s, bool is_private, const char *oid, const char *parent, int64_t last,
		int64_t edits, int64_t clock, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	int64_t no, seq, more = 1;

	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	CP_TRY(cp_run(s, err, "INSERT INTO commits(oid, is_private, branch, parent, replica, verdict, received_us,"
			" claimed_us, edits) VALUES(?1, ?2, ?3, ?4, ?5, 'accepted', ?6, ?6, ?7)", "tittdii", oid,
			(int64_t)is_private, branch, parent, &s->me.replica, clock, edits));
	no = sqlite3_last_insert_rowid(s->db);
	if (!is_private)
		CP_TRY(cp_verdict_put(s, oid, &s->me.replica, "accepted", "", clock, false, err));
	for (seq = last; more; seq = more) {
		CP_TRY(cp_query_int(s, &more, 0, err, "SELECT max(seq) FROM outbox WHERE is_private = ?1 AND seq <= ?2",
				"ii", (int64_t)is_private, seq));
		if (more == 0)
			break;
		CP_TRY(cp_run(s, err, "UPDATE edits SET commit_no = ?1 WHERE commit_no = ?2", "ii", no, -more));
		CP_TRY(cp_run(s, err, "UPDATE candidates SET commit_no = ?1 WHERE commit_no = ?2", "ii", no, -more));
		CP_TRY(cp_run(s, err, "DELETE FROM outbox WHERE seq = ?1", "i", more));
	}
	return cp_changes_recut(s, no, err);
}

static enum cp_code my_branch(struct cp_store *s, struct cp_repo *repo, char name[80], struct cp_oid *tip,
		struct cp_err *err)
{
	char hex[CP_ID_HEX];

	snprintf(name, 80, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	return cp_repo_branch(repo, name, tip, err);
}

static enum cp_code stage(struct cp_store *s, struct sealing *z, struct cp_repo *repo, struct cp_oid *tip,
		struct cp_err *err)
{
	char branch[80];

	CP_TRY(my_branch(s, repo, branch, tip, err));
	CP_TRY(say(z, err));
	if (*tip->hex == '\0' && cp_is_copy(s))
		CP_TRY(cp_copy_words(s, &z->words, err));
	CP_TRY(cp_change_commit_make(s, repo, tip, z->changeset.data, z->changeset.len, z->words.data, z->schema, z->edits,
			z->last, z->clock, &z->oid, err));
	return record(s, z->is_private, z->oid.hex, tip->hex, z->last, z->edits, z->clock, err);
}

/* The private side: its own repository, no main. */
static enum cp_code seal_private(struct cp_store *s, int64_t *edits, struct cp_err *err)
{
	CP_AUTO(sealing) struct sealing z = { .is_private = true, .changeset = CP_BUF((size_t)1 << 31), .words = CP_BUF(CP_TEXT_MAX) };
	char branch[80];
	struct cp_oid tip;

	CP_TRY(gather(s, &z, err));
	if (z.rows == 0)
		return CP_OK;
	CP_TRY(stage(s, &z, s->private, &tip, err));
	CP_TRY(my_branch(s, s->private, branch, &tip, err));
	CP_TRY(cp_repo_flush(s->private, err));
	CP_TRY(cp_repo_move(s->private, branch, &tip, &z.oid, err));
	*edits += z.edits;
	return CP_OK;
}

/* A hub takes in its own commit like any other. */
static enum cp_code take_own(struct cp_store *s, const char *branch, const struct cp_oid *oid, const char *words,
		const struct cp_buf *changeset, int64_t edits, int64_t at_us, struct cp_oid *main, struct cp_err *err)
{
	CP_AUTO(touched) struct cp_touched touched = { 0 };
	struct cp_batch_commit one = { .oid = *oid, .edits = edits };
	struct cp_batch batch = { .commits = &one, .n = 1, .words = words, .at_us = at_us };

	snprintf(batch.branch, sizeof batch.branch, "%s", branch);
	cp_me_ident(&s->me, at_us, &batch.author);
	CP_TRY(cp_touched_add(s, &touched, changeset->data, changeset->len, err));
	return cp_main_commit(s, &batch, &touched, main, err);
}

static enum cp_code seal_public(struct cp_store *s, int64_t *edits, struct cp_err *err)
{
	CP_AUTO(sealing) struct sealing z = { .changeset = CP_BUF((size_t)1 << 31), .words = CP_BUF(CP_TEXT_MAX) };
	char branch[80];
	struct cp_oid tip, main = { "" };
	bool introduces;

	CP_TRY(gather(s, &z, err));
	CP_TRY(cp_copy_must_introduce(s, &introduces, err));
	if (z.rows == 0 && !introduces)
		return cp_txn_commit(s, err);
	if (z.rows == 0) {
		z.schema = CP_SCHEMA;
		CP_TRY(cp_clock_tick(s, &z.clock, err));
	}
	CP_TRY(stage(s, &z, s->history, &tip, err));
	CP_TRY(my_branch(s, s->history, branch, &tip, err));
	if (s->me.is_hub)
		CP_TRY(take_own(s, branch, &z.oid, z.words.data, &z.changeset, z.edits, z.clock, &main, err));
	*edits += z.edits;
	return cp_main_publish(s, branch, &z.oid, &main, err);
}

/* ---- main behind my own branch ------------------------------------------------------------ */

/* Own commits that main has not taken in: the crash came between the two branches. */
static enum cp_code main_is_behind(struct cp_store *s, bool *out, struct cp_oid *tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf taken = CP_BUF(64);
	char branch[80];

	*out = false;
	if (!s->me.is_hub)
		return CP_OK;
	CP_TRY(my_branch(s, s->history, branch, tip, err));
	CP_TRY(cp_meta_get(s, "taken_own", &taken, err));
	*out = *tip->hex != '\0' && (taken.len == 0 || strcmp(taken.data, tip->hex) != 0);
	return CP_OK;
}

enum cp_code cp_seal_is_behind(struct cp_store *s, bool *out, struct cp_err *err)
{
	struct cp_oid tip;

	return main_is_behind(s, out, &tip, err);
}

static enum cp_code catch_up_inside(struct cp_store *s, const struct cp_oid *tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_oid now = { "" }, unused;
	int64_t edits, clock;
	char branch[80];

	CP_TRY(my_branch(s, s->history, branch, &unused, err));
	CP_TRY(cp_repo_read_path(s->history, tip->hex, "changeset", &changeset, err));
	CP_TRY(cp_query_int(s, &edits, 0, err, "SELECT edits FROM commits WHERE oid = ?1", "t", tip->hex));
	CP_TRY(cp_query_int(s, &clock, 0, err, "SELECT received_us FROM commits WHERE oid = ?1", "t", tip->hex));
	CP_TRY(take_own(s, branch, tip, "taken in after an interruption", &changeset, edits, clock, &now, err));
	return cp_main_publish(s, NULL, NULL, &now, err);
}

static enum cp_code catch_up(struct cp_store *s, struct cp_err *err)
{
	struct cp_oid tip;
	bool behind;
	enum cp_code code;

	CP_TRY(main_is_behind(s, &behind, &tip, err));
	if (!behind)
		return CP_OK;
	CP_TRY(cp_txn_begin(s, err));
	code = catch_up_inside(s, &tip, err);
	if (code != CP_OK) {
		cp_txn_rollback(s);
		cp_repo_forget(s->history);
	}
	return code;
}

static enum cp_code seal_one_schema(struct cp_store *s, int64_t *edits, struct cp_err *err)
{
	enum cp_code code;

	CP_TRY(cp_txn_begin(s, err));
	code = s->private != NULL ? seal_private(s, edits, err) : CP_OK;
	if (code == CP_OK)
		code = seal_public(s, edits, err);
	if (code != CP_OK) {
		cp_txn_rollback(s);
		cp_repo_forget(s->history);
		if (s->private != NULL)
			cp_repo_forget(s->private);
	}
	return code;
}

enum cp_code cp_seal(struct cp_store *s, int64_t *out_edits, struct cp_err *err)
{
	const struct cp_seckey *key;
	struct cp_oid tip;
	int64_t edits = 0, rows;
	bool behind, introduces;
	enum cp_code code;

	if (out_edits != NULL)
		*out_edits = 0;
	CP_TRY(cp_query_int(s, &rows, 0, err, "SELECT count(*) FROM outbox", ""));
	CP_TRY(main_is_behind(s, &behind, &tip, err));
	CP_TRY(cp_copy_must_introduce(s, &introduces, err));
	if (rows == 0 && !behind && !introduces)
		return CP_OK;
	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(catch_up(s, err)); /* what an earlier start could not sign */
	for (code = CP_OK; (rows > 0 || introduces) && code == CP_OK; introduces = false) {
		code = seal_one_schema(s, &edits, err);
		if (code == CP_OK)
			code = cp_query_int(s, &rows, 0, err, "SELECT count(*) FROM outbox", "");
	}
	if (out_edits != NULL && code == CP_OK)
		*out_edits = edits;
	cp_token_write(s);
	return code;
}

/* ---- repair ------------------------------------------------------------------------------ */

struct repairing { struct cp_store *s; bool is_private; };

/* A commit of mine that the database has not recorded: the crash came between the branch and COMMIT. */
static enum cp_code repair_one(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct repairing *r = user;
	const char *text;
	size_t len;
	int64_t last = 0, edits = 0, clock = 0, here;

	if (cp_commit_trailer(c, "Casepack-Outbox", 0, &text, &len))
		last = strtoll(text, NULL, 10);
	if (cp_commit_trailer(c, "Casepack-Edits", 0, &text, &len))
		edits = strtoll(text, NULL, 10);
	if (cp_commit_trailer(c, "Casepack-Clock", 0, &text, &len))
		clock = strtoll(text, NULL, 10);
	CP_TRY(cp_query_int(r->s, &here, 0, err, "SELECT coalesce(sum(edits), 0) FROM outbox WHERE is_private = ?1 AND seq <= ?2",
			"ii", (int64_t)r->is_private, last));
	if (here != edits) /* this database never made them: recording the commit would lose its rows */
		return cp_fail(err, CP_EIO, "%s: casepack.db is older than its history; `casepack rebuild` makes it again", r->s->path);
	return record(r->s, r->is_private, oid, c->n_parents ? c->parents[0].hex : "", last, edits, clock, err);
}

static enum cp_code repair_branch(struct cp_store *s, struct cp_repo *repo, bool is_private, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
	struct repairing r = { s, is_private };
	char branch[80];
	struct cp_oid tip;

	CP_TRY(my_branch(s, repo, branch, &tip, err));
	CP_TRY(cp_query_text(s, &known, NULL, err, "SELECT oid FROM commits WHERE branch = ?1 AND is_private = ?2"
			" ORDER BY no DESC LIMIT 1", "ti", branch, (int64_t)is_private));
	if (strcmp(tip.hex, known.len ? known.data : "") == 0)
		return CP_OK;
	return cp_repo_walk(repo, tip.hex, known.len ? known.data : "", repair_one, &r, err) == CP_OK ? CP_OK
		: cp_fail_at(err, "%s", branch);
}

enum cp_code cp_seal_repair(struct cp_store *s, struct cp_err *err)
{
	enum cp_code code;

	if (!cp_store_has_project(s))
		return CP_OK;
	CP_TRY(cp_refusals_leave(s, err));
	CP_TRY(cp_txn_begin(s, err));
	code = repair_branch(s, s->history, false, err);
	if (code == CP_OK && s->private != NULL)
		code = repair_branch(s, s->private, true, err);
	if (code == CP_OK)
		code = cp_txn_commit(s, err);
	if (code == CP_OK && s->me.is_hub)
		code = cp_main_replay(s, err);
	if (code == CP_OK && cp_store_key_is_ready(s)) /* else the next seal asks for the key, and main follows then */
		code = catch_up(s, err);
	if (code != CP_OK)
		cp_txn_rollback(s);
	return code;
}
