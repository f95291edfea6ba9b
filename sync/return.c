#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sync/copies.h"
#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/parcel.h"
#include "sync/proof.h"
#include "sync/repo.h"
#include "sync/seal.h"
#include "sync/succession.h"

/* A branch of mine, and up to where the hub holds it ("": nothing). */
struct line { char branch[80]; struct cp_oid tip, stop; };

struct returning {
	struct cp_store *s;
	struct cp_manifest m;
	struct cp_id hub;
	struct cp_oid acked, applied;        /* what the hub holds of my lines, the last outbound commit */
	struct line lines[CP_MAX_LINES]; size_t n_lines;
	struct cp_tips proofs;               /* chains of material that the hub may not know */
	char outbound_branch[80];
	unsigned how;                        /* CP_SEND_... */
	int64_t commits, passed_on;          /* passed_on: waiting ones, which the hub decides about */
};

/* The hub that gave me material: of those on my roster the one heard from last. */
static enum cp_code find_hub(struct returning *r, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT p.replica, p.acked, p.sent_number, p.outbound FROM peers p JOIN replicas h"
			" ON h.id = p.replica WHERE h.is_hub = 1 AND h.id <> ?1 ORDER BY p.replica = (SELECT home FROM replicas WHERE id = ?1)"
			" DESC, p.received_us DESC LIMIT 1", "d", &r->s->me.replica));
	CP_TRY(cp_step(r->s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_EINPUT, "%s: has no hub yet; `casepack open FILE` takes in the first bundle", r->s->path);
	cp_col_id(q, 0, &r->hub);
	snprintf(r->acked.hex, sizeof r->acked.hex, "%s", (r->how & CP_SEND_FULL) != 0 ? "" : cp_col_text(q, 1));
	r->m.number = (uint64_t)sqlite3_column_int64(q, 2) + 1;
	snprintf(r->applied.hex, sizeof r->applied.hex, "%s", cp_col_text(q, 3)); /* as the database holds it */
	sqlite3_reset(q);
	return CP_OK;
}

/* What that hub holds of a line that was left: in meta, "held/" hub "/" branch. */
static void name_of_held(const struct cp_id *hub, const char *branch, char out[128])
{
	char hex[CP_ID_HEX];

	snprintf(out, 128, "held/%s/%.60s", cp_hex(hex, hub->bytes, 16), branch);
}

enum cp_code cp_line_held_set(struct cp_store *s, const struct cp_id *hub, const char *branch, const struct cp_oid *held,
		struct cp_err *err)
{
	char key[128];

	name_of_held(hub, branch, key);
	return cp_meta_set(s, key, held->hex, strlen(held->hex), err);
}

/* Up to where the hub holds that line: as its last bundle says. Of the line that I was on then it has said so by another name. */
static enum cp_code find_stop(struct returning *r, struct line *l, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf held = CP_BUF(80);
	int64_t is_on_it;
	char key[128];

	if ((r->how & CP_SEND_FULL) != 0)
		return CP_OK;
	CP_TRY(cp_query_int(r->s, &is_on_it, 0, err, "SELECT 1 FROM commits WHERE oid = ?1 AND branch = ?2", "tt", r->acked.hex, l->branch));
	name_of_held(&r->hub, l->branch, key);
	CP_TRY(cp_meta_get(r->s, key, &held, err));
	snprintf(l->stop.hex, sizeof l->stop.hex, "%s", is_on_it ? r->acked.hex : held.len > 0 ? held.data : "");
	return CP_OK;
}

/* Of a line before another key all that was not sealed again with a later one, or waits in the outbox for that. */
static enum cp_code cut_line(struct returning *r, struct line *l, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf last = CP_BUF(80);

	CP_TRY(cp_query_text(r->s, &last, NULL, err, "SELECT c.oid FROM commits c WHERE c.branch = ?1 AND c.verdict = 'accepted' AND c.is_private = 0"
			" AND c.no > coalesce((SELECT no FROM commits WHERE oid = ?2), 0) AND EXISTS (SELECT 1 FROM edits e WHERE e.commit_no = c.no"
			"  AND NOT EXISTS (SELECT 1 FROM edits f LEFT JOIN commits d ON d.no = f.commit_no WHERE f.doc = e.doc AND f.tbl = e.tbl AND f.rev = e.rev"
			"   AND (f.commit_no < 0 OR (d.no > c.no AND d.branch <> c.branch AND d.verdict = 'accepted')))) ORDER BY c.no DESC LIMIT 1", "tt",
			l->branch, l->stop.hex));
	snprintf(l->tip.hex, sizeof l->tip.hex, "%s", last.len > 0 ? last.data : l->stop.hex);
	return CP_OK;
}

static enum cp_code is_on_roster(struct cp_store *s, const struct cp_id *id, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM replicas WHERE id = ?1", "d", id));
	*out = n != 0;
	return CP_OK;
}

/* My present line, which is named even where the hub holds it, and of those before it, oldest first, what it does not. A line that
 * a key goes on for comes along whole until its hub is known to have heard of it. */
static enum cp_code find_lines(struct returning *r, struct cp_err *err)
{
	struct line lines[CP_MAX_LINES];
	struct cp_id ids[CP_MAX_LINES];
	char hex[CP_ID_HEX];
	bool is_successor, is_heard_of;
	size_t n;

	memset(lines, 0, sizeof lines);
	CP_TRY(cp_copy_lines(r->s, ids, &n, err));
	for (size_t i = 0; i < n; i++) {
		snprintf(lines[i].branch, sizeof lines[i].branch, "replica/%s", cp_hex(hex, ids[i].bytes, 16));
		CP_TRY(cp_repo_branch(r->s->history, lines[i].branch, &lines[i].tip, err));
		CP_TRY(find_stop(r, &lines[i], err));
		CP_TRY(cp_is_successor(r->s, &lines[i].tip, &is_successor, err));
		for (size_t k = 0; is_successor && k < i; k++) {
			CP_TRY(is_on_roster(r->s, &ids[k], &is_heard_of, err));
			if (is_heard_of)
				CP_TRY(cut_line(r, &lines[k], err));
		}
	}
	for (size_t i = 0; i < n; i++)
		if (*lines[i].tip.hex != '\0' && (i + 1 == n || strcmp(lines[i].tip.hex, lines[i].stop.hex) != 0))
			r->lines[r->n_lines++] = lines[i];
	return CP_OK;
}

enum cp_code cp_unsent(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	struct returning r = { .s = s };
	enum cp_code code = find_hub(&r, err);

	CP_TRY(code == CP_EINPUT ? CP_OK : code); /* no hub yet, which holds nothing */
	CP_TRY(find_lines(&r, err));
	CP_TRY(cp_query_int(s, out, 0, err, "SELECT coalesce(sum(edits), 0) FROM outbox", ""));
	for (size_t i = 0; i < r.n_lines; i++) {
		int64_t edits;

		CP_TRY(cut_line(&r, &r.lines[i], err)); /* what was sealed again is counted with the later one */
		CP_TRY(cp_query_int(s, &edits, 0, err, "SELECT coalesce(sum(edits), 0) FROM commits WHERE branch = ?1 AND is_private = 0 AND"
				" verdict = 'accepted' AND no > coalesce((SELECT no FROM commits WHERE oid = ?2), 0) AND no <="
				" (SELECT no FROM commits WHERE oid = ?3)", "ttt", r.lines[i].branch, r.lines[i].stop.hex, r.lines[i].tip.hex));
		*out += edits;
	}
	return CP_OK;
}

/* A branch, and up to where the hub holds it. */
static enum cp_code add_branch(struct returning *r, const char *branch, const char *tip, const char *acked, struct cp_err *err)
{
	if (*tip != '\0')
		CP_TRY(cp_tips_add(&r->m.tips, branch, tip, err));
	if (*acked != '\0')
		CP_TRY(cp_tips_add(&r->m.needs, branch, acked, err));
	return CP_OK;
}

/* What a relay has collected: every branch of the devices whose home it is. */
static enum cp_code add_collected(struct returning *r, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT branch, oid, coalesce((SELECT value FROM meta WHERE key = 'acked/' || branch), '')"
			" FROM commits c WHERE is_private = 0 AND verdict = 'accepted' AND replica <> ?1 AND no = (SELECT max(no) FROM commits d"
			" WHERE d.branch = c.branch AND d.is_private = 0 AND d.verdict = 'accepted') ORDER BY branch", "d", &r->s->me.replica));
	for (;;) {
		CP_TRY(cp_step(r->s, q, &row, err));
		if (!row)
			break;
		CP_TRY(add_branch(r, cp_col_text(q, 0), cp_col_text(q, 1), (r->how & CP_SEND_FULL) != 0 ? "" : cp_col_text(q, 2), err));
	}
	return cp_query_int(r->s, &r->passed_on, 0, err, "SELECT count(*) FROM waiting", "");
}

static enum cp_code plan(struct returning *r, struct cp_err *err)
{
	char hex[CP_ID_HEX];

	snprintf(r->outbound_branch, sizeof r->outbound_branch, "outbound/%s", cp_hex(hex, r->s->me.replica.bytes, 16));
	CP_TRY(find_hub(r, err));
	CP_TRY(find_lines(r, err));
	CP_TRY(cp_proofs_owed(r->s, &r->applied, (r->how & CP_SEND_FULL) != 0, &r->proofs, err));
	cp_parcel_manifest(r->s, &r->m, r->s->me.is_relay ? CP_BUNDLE_RELAY : CP_BUNDLE_RETURN);
	CP_TRY(cp_parcel_recipient(&r->m, &r->hub, err));
	for (size_t i = 0; i < r->n_lines; i++)
		CP_TRY(add_branch(r, r->lines[i].branch, r->lines[i].tip.hex, r->lines[i].stop.hex, err));
	if (r->s->me.is_relay)
		CP_TRY(add_collected(r, err));
	for (size_t i = 0; i < r->proofs.n; i++)
		CP_TRY(cp_tips_add(&r->m.tips, r->proofs.list[i].name, r->proofs.list[i].oid.hex, err));
	if (*r->applied.hex)
		CP_TRY(cp_tips_add(&r->m.have, r->outbound_branch, r->applied.hex, err));
	return cp_proofs_named(r->s, r->outbound_branch, &r->m.have, err);
}

/* What could not be taken in here: the hub may know more, and its verdict counts. */
static enum cp_code add_waiting(struct returning *r, struct cp_bundle_writer *w, struct cp_err *err)
{
	static const char *const types[] = { "commit", "tree", "blob" };
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(r->s, &q, err, "SELECT commit_bytes, tree_bytes, changeset FROM waiting ORDER BY since_us, oid", ""));
	for (;;) {
		CP_TRY(cp_step(r->s, q, &row, err));
		if (!row)
			return CP_OK;
		for (int i = 0; i < 3; i++) {
			const void *bytes = sqlite3_column_blob(q, i);
			size_t len = (size_t)sqlite3_column_bytes(q, i);
			struct cp_oid oid;

			CP_TRY(cp_repo_name(&oid, types[i], bytes, len, err));
			CP_TRY(cp_bundle_add_object(w, oid.hex, types[i], bytes, len, err));
		}
		r->commits++;
	}
}

static enum cp_code add_history(struct returning *r, struct cp_bundle_writer *w, struct cp_err *err)
{
	for (size_t i = 0; i < r->m.tips.n; i++) {
		const struct cp_tip *tip = &r->m.tips.list[i];
		const char *acked = cp_tips_find(&r->m.needs, tip->name);
		int64_t n = 0;

		CP_TRY(cp_parcel_chain(r->s, w, tip->oid.hex, acked ? acked : "", &n, err));
		if (cp_tips_find(&r->proofs, tip->name) == NULL)
			r->commits += n;
		else
			CP_TRY(cp_proof_contents(r->s, tip->oid.hex, w, err));
	}
	return r->s->me.is_relay ? add_waiting(r, w, err) : CP_OK;
}

static enum cp_code write_bundle(struct returning *r, const char *dir, struct cp_sent *out, struct cp_err *err)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_search search = { .s = r->s, .kind = r->m.kind };

	CP_TRY(cp_parcel_begin(&search, &w, dir, "from", r->s->me.pseudonym, &r->m, r->how, out, err));
	CP_TRY(add_history(r, w, err));
	CP_TRY(cp_parcel_end(r->s, w, &r->m, r->how, out, err));
	snprintf(out->to, sizeof out->to, "hub");
	out->commits = r->commits;
	return cp_run(r->s, err, "UPDATE peers SET sent_number = ?2, sent_us = ?3, told = ?4 WHERE replica = ?1", "diit", &r->hub,
			(int64_t)r->m.number, r->m.created_us, r->applied.hex);
}

/* Work the hub has not confirmed, material whose arrival it has not been told of, or whose giving it may not know. */
static enum cp_code is_owed(struct returning *r, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf told = CP_BUF(64);

	CP_TRY(cp_query_text(r->s, &told, NULL, err, "SELECT told FROM peers WHERE replica = ?1", "d", &r->hub));
	*out = (r->how & CP_SEND_FULL) != 0 || r->passed_on > 0 || strcmp(r->applied.hex, told.len ? told.data : "") != 0;
	for (size_t i = 0; i < r->m.tips.n; i++) {
		const char *acked = cp_tips_find(&r->m.needs, r->m.tips.list[i].name);

		*out = *out || strcmp(r->m.tips.list[i].oid.hex, acked ? acked : "") != 0;
	}
	return CP_OK;
}

enum cp_code cp_return(struct cp_store *s, const char *dir, unsigned how, struct cp_sent *out, int64_t *out_n,
		struct cp_err *err)
{
	struct returning r = { .s = s, .how = how };
	struct stat st;
	bool owed, lies_there = false;
	enum cp_code code;

	*out_n = 0;
	memset(out, 0, sizeof *out);
	if (s->me.is_hub && !s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: is a hub; `casepack pack` gives to raters", s->path);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return cp_fail(err, CP_EINPUT, "%s: no such folder", dir);
	CP_TRY(cp_parcel_may(s, how, err));
	CP_TRY(cp_seal(s, NULL, err));
	code = plan(&r, err);
	if (code == CP_OK)
		code = is_owed(&r, &owed, err);
	if (code == CP_OK && owed && (how & CP_SEND_OWED) != 0)
		code = cp_parcel_lies_there(s, dir, &r.m, how, &lies_there, err);
	if (code == CP_OK && owed && !lies_there) {
		code = write_bundle(&r, dir, out, err);
		*out_n = code == CP_OK;
	}
	cp_manifest_drop(&r.m);
	cp_tips_drop(&r.proofs);
	return code;
}
