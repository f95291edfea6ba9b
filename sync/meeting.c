#include "sync/meeting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "sync/change.h"
#include "sync/inner.h"
#include "sync/rights.h"
#include "sync/take.h"

void cp_meeting_drop(struct cp_meeting *m)
{
	cp_touched_drop(&m->touched);
	cp_tips_drop(&m->refs);
}

enum cp_code cp_meeting_scratch(struct cp_store *s, struct cp_repo **out, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, CP_EXCHANGE);

	return cp_repo_scratch(out, path, s->history, err);
}

static enum cp_code note_refs(struct cp_meeting *m, const char *prefix, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(m->s->history, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++)
		code = cp_tips_add(&m->refs, tips.list[i].name, tips.list[i].oid.hex, err);
	cp_tips_drop(&tips);
	return code;
}

enum cp_code cp_meeting_begin(struct cp_meeting *m, struct cp_store *s, struct cp_repo *from, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf main = CP_BUF(64);

	memset(m, 0, sizeof *m);
	m->s = s;
	m->from = from;
	m->belief = (struct cp_belief){ .s = s, .from = from, .touched = &m->touched };
	CP_TRY(cp_meta_get(s, "main", &main, err));
	snprintf(m->main.hex, sizeof m->main.hex, "%s", main.len ? main.data : "");
	m->known[m->n_known++] = m->main;
	CP_TRY(note_refs(m, "hub/", err));
	for (size_t i = 0; i < m->refs.n && m->n_known < CP_MEETING_TIPS / 2; i++)
		m->known[m->n_known++] = m->refs.list[i].oid;
	CP_TRY(note_refs(m, "outbound/", err));
	return cp_believe_begin(&m->belief, err);
}

/* ---- one main ----------------------------------------------------------------------------- */

static enum cp_code keep_entry(void *user, const char *oid, const char *type, struct cp_err *err)
{
	struct cp_meeting *m = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF((size_t)1 << 31);

	if (cp_repo_has(m->s->history, oid))
		return CP_OK;
	CP_TRY(cp_repo_read(m->from, oid, type, &bytes, err));
	CP_TRY(cp_repo_put(m->s->history, oid, type, bytes.data, bytes.len, err));
	return cp_repo_staged(m->s->history) > CP_REPO_PACK_MAX ? cp_repo_flush(m->s->history, err) : CP_OK;
}

/* The commit with what its tree has beyond that of its first parent. */
static enum cp_code keep_main(struct cp_meeting *m, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_commit before = { 0 };
	enum cp_code code = CP_OK;

	if (c->n_parents > 0)
		CP_TRY(cp_repo_read_commit(m->from, c->parents[0].hex, &before, err));
	code = cp_repo_each_new(m->from, c->tree.hex, c->n_parents > 0 ? before.tree.hex : NULL, keep_entry, m, err);
	cp_commit_drop(&before);
	return code == CP_OK ? keep_entry(m, oid, "commit", err) : code;
}

static enum cp_code take_commit(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_meeting *m = user;

	CP_TRY(cp_believe(&m->belief, oid, c, err));
	return keep_main(m, oid, c, err);
}

/* Who stands behind a tip must be trusted now, not only when it spoke. */
static enum cp_code check_tip(struct cp_meeting *m, const char *tip, struct cp_err *err)
{
	struct cp_commit c = { 0 };
	struct cp_id hub;
	int64_t revoked;
	enum cp_code code;

	CP_TRY(cp_repo_read_commit(m->from, tip, &c, err));
	code = cp_believe_hub(m->s, tip, &c, &hub, err);
	if (code == CP_OK)
		code = cp_query_int(m->s, &revoked, 0, err, "SELECT r.state <> 'active' OR p.state <> 'active' FROM replicas r"
				" JOIN persons p ON p.id = r.person WHERE r.id = ?1", "d", &hub);
	if (code == CP_OK && revoked)
		code = cp_fail(err, CP_ETRUST, "main commit %.12s is by %s's hub, which is no longer trusted", tip, c.committer.name);
	cp_commit_drop(&c);
	return code;
}

enum cp_code cp_meeting_take(struct cp_meeting *m, const char *tip, bool *news, struct cp_err *err)
{
	const int64_t before = m->belief.news;

	if (m->n_known == CP_MEETING_TIPS)
		return cp_fail(err, CP_EFORMAT, "more than %d hubs", CP_MEETING_TIPS - 1);
	CP_TRY(cp_repo_walk_all(m->from, tip, m->known, m->n_known, take_commit, m, err));
	CP_TRY(check_tip(m, tip, err));
	snprintf(m->known[m->n_known++].hex, sizeof m->known[0].hex, "%s", tip);
	*news = m->belief.news > before;
	return CP_OK;
}

/* ---- lines of other hubs --------------------------------------------------------------------- */

static enum cp_code set_ref(struct cp_meeting *m, const struct cp_tip *to, struct cp_err *err)
{
	for (size_t i = 0; i < m->refs.n; i++)
		if (strcmp(m->refs.list[i].name, to->name) == 0) {
			m->refs.list[i].oid = to->oid;
			return CP_OK;
		}
	return cp_tips_add(&m->refs, to->name, to->oid.hex, err);
}

enum cp_code cp_meeting_note(struct cp_meeting *m, const char *name, const char *tip, struct cp_err *err)
{
	struct cp_tip line;

	CP_TRY(cp_repo_line(m->from, &m->refs, name, tip, &line, err));
	return *line.name ? set_ref(m, &line, err) : CP_OK;
}

struct proving { struct cp_meeting *m; struct cp_id device; };

static enum cp_code check_proof(struct proving *p, const char *oid, const struct cp_change_commit *c, const struct cp_buf *tree,
		const struct cp_buf *changeset, struct cp_err *err)
{
	char hex[CP_ID_HEX], line[80];
	bool good;

	CP_TRY(cp_believe_key(p->m->s, &c->replica, &c->commit, oid, err));
	CP_TRY(cp_change_commit_check(c, tree->data, tree->len, changeset->data, changeset->len, false, err));
	CP_TRY(cp_rights_types(changeset->data, changeset->len, true, &good, err));
	snprintf(line, sizeof line, "\nCasepack-Outbound: %s\n", cp_hex(hex, p->device.bytes, sizeof p->device.bytes));
	if (!good || strstr(c->commit.message, line) == NULL)
		return cp_fail(err, CP_EFORMAT, "commit %.12s is nothing that was given to %.8s", oid, hex);
	return CP_OK;
}

static enum cp_code prove(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	struct proving *p = user;
	struct cp_meeting *m = p->m;
	CP_AUTO(buf) struct cp_buf commit = CP_BUF(CP_COMMIT_MAX), tree = CP_BUF((size_t)1 << 20);
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_change_commit c;
	struct cp_oid blob;
	enum cp_code code;

	(void)unused;
	CP_TRY(cp_repo_read(m->from, oid, "commit", &commit, err));
	memset(&c, 0, sizeof c);
	CP_TRY(cp_change_commit_read(&c, commit.data, commit.len, err));
	code = cp_repo_read(m->from, c.commit.tree.hex, "tree", &tree, err);
	if (code == CP_OK)
		code = cp_tree_read_single(&blob, "changeset", tree.data, tree.len, err);
	if (code == CP_OK)
		code = cp_repo_read(m->from, blob.hex, "blob", &changeset, err);
	if (code == CP_OK)
		code = check_proof(p, oid, &c, &tree, &changeset, err);
	if (code == CP_OK)
		code = keep_entry(m, blob.hex, "blob", err);
	if (code == CP_OK)
		code = keep_entry(m, c.commit.tree.hex, "tree", err);
	cp_change_commit_drop(&c);
	CP_TRY(code);
	return keep_entry(m, oid, "commit", err);
}

enum cp_code cp_meeting_outbound(struct cp_meeting *m, const char *name, const char *tip, struct cp_err *err)
{
	struct proving p = { .m = m };
	struct cp_oid held[16] = { { "" } };
	char hex[CP_ID_HEX], plain[80];
	struct cp_tip line;
	size_t n = 0;

	snprintf(hex, sizeof hex, "%.32s", name + strlen("outbound/"));
	if (!cp_unhex(p.device.bytes, 16, hex))
		return CP_OK; /* somebody's branch, not ours to judge */
	snprintf(plain, sizeof plain, "outbound/%s", hex);
	CP_TRY(cp_repo_line(m->from, &m->refs, plain, tip, &line, err));
	if (*line.name == '\0')
		return CP_OK;
	for (size_t i = 0; i < m->refs.n && n < 16; i++)
		if (strncmp(m->refs.list[i].name, plain, strlen(plain)) == 0)
			held[n++] = m->refs.list[i].oid;
	CP_TRY(cp_repo_walk_all(m->from, tip, held, n, prove, &p, err));
	return set_ref(m, &line, err);
}

/* ---- joining ------------------------------------------------------------------------------------ */

bool cp_meeting_speaks(const struct cp_commit *c)
{
	const char *text;
	size_t len;

	return cp_commit_trailer(c, "Change-commit", 0, &text, &len);
}

/* Is this commit of ours a join that nobody has seen? */
static enum cp_code is_unseen_join(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct { struct cp_meeting *m; bool all; } *only = user;
	CP_AUTO(buf) struct cp_buf unseen = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_meta_get(only->m->s, "unseen_joins", &unseen, err));
	only->all = only->all && !cp_meeting_speaks(c) && unseen.len > 0 && strstr(unseen.data, oid) != NULL;
	return CP_OK;
}

/* All that ours has and theirs lacks is joins of our own that were never shown. */
static enum cp_code may_give_way(struct cp_meeting *m, const char *tip, bool *out, struct cp_err *err)
{
	struct { struct cp_meeting *m; bool all; } only = { m, true };
	struct cp_oid theirs;

	snprintf(theirs.hex, sizeof theirs.hex, "%s", tip);
	if (*m->main.hex != '\0')
		CP_TRY(cp_repo_walk_all(m->from, m->main.hex, &theirs, 1, is_unseen_join, &only, err));
	*out = only.all;
	return CP_OK;
}

static enum cp_code tree_of(struct cp_repo *r, const char *oid, struct cp_oid *out, struct cp_err *err)
{
	struct cp_commit c = { 0 };

	CP_TRY(cp_repo_read_commit(r, oid, &c, err));
	*out = c.tree;
	cp_commit_drop(&c);
	return CP_OK;
}

static enum cp_code note_unseen(struct cp_store *s, const char *oid, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf unseen = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_meta_get(s, "unseen_joins", &unseen, err));
	CP_TRY(cp_buf_printf(&unseen, err, "%s\n", oid));
	return cp_meta_set(s, "unseen_joins", unseen.data, unseen.len, err);
}

static enum cp_code give_way(struct cp_meeting *m, const char *tip, const struct cp_oid *mine, bool *out, struct cp_err *err)
{
	struct cp_oid theirs;

	*out = *m->main.hex == '\0';
	CP_TRY(tree_of(m->from, tip, &theirs, err));
	if (!*out && strcmp(theirs.hex, mine->hex) == 0)
		CP_TRY(may_give_way(m, tip, out, err));
	if (!*out)
		return CP_OK;
	snprintf(m->main.hex, sizeof m->main.hex, "%s", tip);
	return cp_meta_set(m->s, "main", tip, 40, err);
}

enum cp_code cp_meeting_yield(struct cp_meeting *m, const char *tip, struct cp_err *err)
{
	struct cp_oid mine;
	bool yields;

	if (*m->main.hex != '\0')
		CP_TRY(tree_of(m->from, m->main.hex, &mine, err));
	return give_way(m, tip, &mine, &yields, err);
}

enum cp_code cp_meeting_join(struct cp_meeting *m, const char *tip, bool may_yield, struct cp_err *err)
{
	struct cp_commit c = { 0 };
	struct cp_oid theirs, mine;
	char words[256];
	bool yields = false;

	snprintf(theirs.hex, sizeof theirs.hex, "%s", tip);
	CP_TRY(cp_main_tree(m->s, &m->touched, &mine, err));
	cp_touched_drop(&m->touched);
	if (may_yield || *m->main.hex == '\0')
		CP_TRY(give_way(m, tip, &mine, &yields, err));
	if (yields)
		return CP_OK;
	CP_TRY(cp_repo_read_commit(m->from, tip, &c, err));
	snprintf(words, sizeof words, "joined with the main of %.64s", c.committer.name);
	cp_commit_drop(&c);
	CP_TRY(cp_main_join(m->s, &theirs, &mine, words, &m->main, err));
	m->is_joined = true;
	return note_unseen(m->s, m->main.hex, err);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static enum cp_code move_refs(struct cp_meeting *m, const char *prefix, struct cp_err *err)
{
	for (size_t i = 0; i < m->refs.n; i++) {
		const struct cp_tip *t = &m->refs.list[i];
		struct cp_oid old;

		if (strncmp(t->name, prefix, strlen(prefix)) != 0)
			continue;
		CP_TRY(cp_repo_branch(m->s->history, t->name, &old, err));
		if (strcmp(old.hex, t->oid.hex) != 0)
			CP_TRY(cp_repo_move(m->s->history, t->name, &old, &t->oid, err));
	}
	return CP_OK;
}

/* What waited may have been waiting for this. */
static enum cp_code retry_waiting(struct cp_store *s, struct cp_merged *out, struct cp_err *err)
{
	struct cp_merged more = { .commits = 0 };
	struct cp_taking *t = NULL;
	enum cp_code code;

	CP_TRY(cp_txn_begin(s, err));
	code = cp_taking_begin(s, NULL, &t, err);
	if (code == CP_OK)
		code = cp_taking_end(t, &more, err);
	if (code != CP_OK)
		cp_txn_rollback(s);
	cp_taking_free(t);
	out->commits += more.commits;
	out->edits += more.edits;
	out->refused += more.refused;
	out->waiting = more.waiting;
	out->conflicts = more.conflicts;
	memcpy(out->conflict_classes, more.conflict_classes, sizeof out->conflict_classes);
	return code;
}

enum cp_code cp_meeting_end(struct cp_meeting *m, struct cp_merged *out, struct cp_err *err)
{
	out->commits += m->belief.commits;
	out->edits += m->belief.edits;
	out->refused += m->belief.refused;
	CP_TRY(cp_repo_flush(m->s->history, err));
	CP_TRY(cp_believe_move(&m->belief, err));
	CP_TRY(move_refs(m, "outbound/", err));
	CP_TRY(cp_main_publish(m->s, NULL, NULL, &m->main, err));
	CP_TRY(move_refs(m, "hub/", err)); /* what stands there is believed, and not walked again */
	return retry_waiting(m->s, out, err);
}
