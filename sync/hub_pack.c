/* Hub bundles: what another hub lacks, as its last manifest says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/content.h"
#include "sync/hub_inner.h"
#include "sync/inner.h"
#include "sync/outbound.h"
#include "sync/parcel.h"

struct packing {
	struct cp_store *s;
	struct cp_device hub;
	unsigned how;                /* CP_SEND_... */
	struct cp_bundle_writer *w;
	struct cp_search search;
	struct cp_manifest m;
	struct cp_tips theirs;       /* what they said they hold */
	struct cp_oid main;
	char mine[80];               /* hub/<me> */
	int64_t cases, commits;
};

/* ---- what is held ------------------------------------------------------------------------------ */

static enum cp_code add_branches(struct cp_repo *r, const char *prefix, const char *as, struct cp_tips *out, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(r, prefix, &tips, err);
	char name[80];

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		snprintf(name, sizeof name, "%s%.60s", as, tips.list[i].name + strlen(prefix));
		code = cp_tips_add(out, name, tips.list[i].oid.hex, err);
	}
	cp_tips_drop(&tips);
	return code;
}

/* A case whose content changes or is new, in a change commit. */
typedef enum cp_code on_content(void *user, const struct cp_hash *hash, struct cp_err *err);
struct seeking { struct cp_store *s; on_content *visit; void *user; };

static enum cp_code seek_in_changeset(const struct seeking *k, const char *oid, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	CP_TRY(cp_repo_read_path(k->s->history, oid, "changeset", &changeset, err));
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		struct cp_hash hash;

		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		if (c.table != CP_T_CASES || c.now[7].type != CP_BLOB || c.now[7].len != 32)
			continue;
		memcpy(hash.bytes, c.now[7].bytes, 32);
		CP_TRY(k->visit(k->user, &hash, err));
	}
}

/* The change commits that a commit of main accepts. */
static enum cp_code each_accepted(const struct cp_commit *c, cp_entry_visit *visit, void *user, struct cp_err *err)
{
	const char *text;
	size_t len;

	for (size_t i = 0; cp_commit_trailer(c, "Change-commit", i, &text, &len); i++) {
		char oid[41];

		snprintf(oid, sizeof oid, "%.40s", text);
		if (len > 49 && strncmp(text + 40, " accepted", 9) == 0)
			CP_TRY(visit(user, oid, "commit", err));
	}
	return CP_OK;
}

static enum cp_code seek_one(void *user, const char *oid, const char *type, struct cp_err *err)
{
	(void)type;
	return seek_in_changeset(user, oid, err);
}

static enum cp_code seek(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	(void)oid;
	return each_accepted(c, seek_one, user, err);
}

/* Every content that main's commits since that one name. */
static enum cp_code each_content(struct cp_store *s, const char *main, const char *since, on_content *visit, void *user,
		struct cp_err *err)
{
	struct seeking k = { s, visit, user };
	struct cp_oid hide;

	snprintf(hide.hex, sizeof hide.hex, "%s", cp_repo_has(s->history, since) ? since : "");
	return cp_repo_walk_all(s->history, main, &hide, 1, seek, &k, err);
}

static enum cp_code count_missing(void *user, const struct cp_hash *hash, struct cp_err *err)
{
	struct { struct cp_store *s; int64_t n; } *c = user;
	int64_t stands;
	bool has;

	CP_TRY(cp_content_has(c->s, hash, &has, err));
	if (has)
		return CP_OK;
	CP_TRY(cp_query_int(c->s, &stands, 0, err, "SELECT count(*) FROM cases WHERE content = ?1 AND state <> 'forgotten'", "h", hash));
	c->n += stands;
	return CP_OK;
}

enum cp_code cp_hub_missing(struct cp_store *s, int64_t *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf main = CP_BUF(64), at = CP_BUF(64);
	struct { struct cp_store *s; int64_t n; } c = { s, 0 };

	*out = 0;
	CP_TRY(cp_meta_get(s, "main", &main, err));
	CP_TRY(cp_meta_get(s, "contents_at", &at, err));
	if (main.len == 0 || (at.len > 0 && strcmp(main.data, at.data) == 0))
		return CP_OK;
	CP_TRY(each_content(s, main.data, at.len ? at.data : "", count_missing, &c, err));
	*out = c.n;
	return c.n == 0 ? cp_meta_set(s, "contents_at", main.data, main.len, err) : CP_OK;
}

/* What this hub holds: its main and others', what was given, the private branches, and up to where no content is missing. */
static enum cp_code say_have(struct packing *p, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf at = CP_BUF(64);
	int64_t missing;

	CP_TRY(cp_tips_add(&p->m.have, p->mine, p->main.hex, err));
	CP_TRY(add_branches(p->s->history, "hub/", "hub/", &p->m.have, err));
	CP_TRY(add_branches(p->s->history, "outbound/", "outbound/", &p->m.have, err));
	CP_TRY(add_branches(p->s->private, "replica/", "private/", &p->m.have, err));
	CP_TRY(cp_hub_missing(p->s, &missing, err));
	CP_TRY(cp_meta_get(p->s, "contents_at", &at, err));
	return at.len > 0 ? cp_tips_add(&p->m.have, "contents", at.data, err) : CP_OK;
}

static enum cp_code print_tips(const struct cp_tips *tips, struct cp_buf *out, struct cp_err *err)
{
	for (size_t i = 0; i < tips->n; i++)
		CP_TRY(cp_buf_printf(out, err, "%s %s\n", tips->list[i].name, tips->list[i].oid.hex));
	return CP_OK;
}

static void meta_name(char out[64], const char *what, const struct cp_id *hub)
{
	char hex[CP_ID_HEX];

	snprintf(out, 64, "%s/%s", what, cp_hex(hex, hub->bytes, sizeof hub->bytes));
}

enum cp_code cp_hub_note_have(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	char key[64];

	meta_name(key, "hub_have", &m->sender);
	CP_TRY(print_tips(&m->have, &text, err));
	CP_TRY(cp_run(s, err, "INSERT INTO peers(replica, received_us) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET"
			" received_us = excluded.received_us", "di", &m->sender, cp_now_us()));
	return cp_meta_set(s, key, text.len ? text.data : "", text.len, err);
}

static enum cp_code read_theirs(struct packing *p, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	char key[64], name[80], oid[41];
	int n;

	meta_name(key, "hub_have", &p->hub.replica);
	CP_TRY(cp_meta_get(p->s, key, &text, err));
	for (const char *at = text.len ? text.data : ""; sscanf(at, "%79s %40s%n", name, oid, &n) == 2; at += n)
		CP_TRY(cp_tips_add(&p->theirs, name, oid, err));
	return CP_OK;
}

/* ---- what is owed ---------------------------------------------------------------------------------- */

static struct cp_repo *repo_of(const struct packing *p, const char *name)
{
	return strncmp(name, "private/", 8) == 0 ? p->s->private : p->s->history;
}

/* Where they stand on that branch, "" where it is unknown here or something else. */
static enum cp_code they_hold(struct packing *p, const struct cp_tip *mine, struct cp_oid *out, bool *all, struct cp_err *err)
{
	const char *held = cp_tips_find(&p->theirs, mine->name);
	struct cp_repo *r = repo_of(p, mine->name);
	bool grows;

	out->hex[0] = '\0';
	*all = held != NULL && !cp_repo_has(r, held); /* they are further than we are, or elsewhere */
	if (held == NULL || *all)
		return CP_OK;
	CP_TRY(cp_repo_reaches(r, held, mine->oid.hex, all, err));
	CP_TRY(cp_repo_reaches(r, mine->oid.hex, held, &grows, err));
	if (grows)
		snprintf(out->hex, sizeof out->hex, "%s", held);
	return CP_OK;
}

/* Their own main as far as it came here: what it reaches is not sent, so it too must be there. A hub that was put back has
 * lost it. */
static enum cp_code need_their_own(struct packing *p, struct cp_err *err)
{
	char name[80], hex[CP_ID_HEX];
	const char *own;

	snprintf(name, sizeof name, "hub/%s", cp_hex(hex, p->hub.replica.bytes, 16));
	own = cp_tips_find(&p->theirs, name);
	if (own == NULL || !cp_repo_has(p->s->history, own) || cp_tips_find(&p->m.tips, p->mine) == NULL)
		return CP_OK;
	return cp_tips_add(&p->m.needs, name, own, err);
}

/* Tips that they lack, and what they need to hold for them. */
static enum cp_code plan_tips(struct packing *p, struct cp_err *err)
{
	struct cp_tips all = { 0 };
	enum cp_code code = cp_tips_add(&all, p->mine, p->main.hex, err);

	if (code == CP_OK)
		code = add_branches(p->s->history, "outbound/", "outbound/", &all, err);
	if (code == CP_OK)
		code = add_branches(p->s->private, "replica/", "private/", &all, err);
	for (size_t i = 0; code == CP_OK && i < all.n; i++) {
		struct cp_oid held;
		bool has_all;

		code = they_hold(p, &all.list[i], &held, &has_all, err);
		if (code != CP_OK || has_all)
			continue;
		code = cp_tips_add(&p->m.tips, all.list[i].name, all.list[i].oid.hex, err);
		if (code == CP_OK && *held.hex)
			code = cp_tips_add(&p->m.needs, all.list[i].name, held.hex, err);
	}
	cp_tips_drop(&all);
	return code;
}

static enum cp_code plan(struct packing *p, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf main = CP_BUF(64);
	char hex[CP_ID_HEX];
	int64_t sent;

	snprintf(p->mine, sizeof p->mine, "hub/%s", cp_hex(hex, p->s->me.replica.bytes, 16));
	CP_TRY(cp_meta_get(p->s, "main", &main, err));
	snprintf(p->main.hex, sizeof p->main.hex, "%s", main.len ? main.data : "");
	CP_TRY(read_theirs(p, err));
	cp_parcel_manifest(p->s, &p->m, CP_BUNDLE_HUB);
	CP_TRY(cp_query_int(p->s, &sent, 0, err, "SELECT sent_number FROM peers WHERE replica = ?1", "d", &p->hub.replica));
	p->m.number = (uint64_t)sent + 1;
	CP_TRY(cp_parcel_recipient(&p->m, &p->hub.replica, err));
	CP_TRY(plan_tips(p, err));
	CP_TRY(need_their_own(p, err));
	return say_have(p, err);
}

/* Content that they lack and that is here. */
static enum cp_code owes_content(struct packing *p, bool *out, struct cp_err *err)
{
	const char *theirs = cp_tips_find(&p->theirs, "contents"), *mine = cp_tips_find(&p->m.have, "contents");
	bool reaches = false;

	if (theirs != NULL && mine != NULL && cp_repo_has(p->s->history, theirs))
		CP_TRY(cp_repo_reaches(p->s->history, theirs, mine, &reaches, err));
	*out = mine != NULL && !reaches;
	return CP_OK;
}

static enum cp_code is_owed(struct packing *p, const char *dir, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf told = CP_BUF(CP_TEXT_MAX), have = CP_BUF(CP_TEXT_MAX);
	bool content;
	char key[64];

	meta_name(key, "hub_told", &p->hub.replica);
	CP_TRY(cp_meta_get(p->s, key, &told, err));
	CP_TRY(print_tips(&p->m.have, &have, err));
	CP_TRY(owes_content(p, &content, err));
	*out = p->m.tips.n > 0 || told.len != have.len || memcmp(told.data, have.data, have.len) != 0 ||
		(content && cp_tips_find(&p->theirs, "contents") != NULL);
	if (*out) {
		CP_TRY(cp_parcel_lies_there(p->s, dir, &p->m, p->how, out, err));
		*out = !*out;
	}
	return CP_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static enum cp_code add_object(void *user, const char *oid, const char *type, struct cp_err *err)
{
	struct packing *p = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF((size_t)1 << 31);

	CP_TRY(cp_repo_read(p->s->history, oid, type, &bytes, err));
	return cp_bundle_add_object(p->w, oid, type, bytes.data, bytes.len, err);
}

/* A change commit that main accepts, with its tree and changeset. */
static enum cp_code add_change(void *user, const char *oid, const char *type, struct cp_err *err)
{
	struct packing *p = user;
	CP_AUTO(buf) struct cp_buf tree = CP_BUF((size_t)1 << 20);
	struct cp_commit c = { 0 };
	struct cp_oid blob, name;

	(void)type;
	CP_TRY(cp_repo_read_commit(p->s->history, oid, &c, err));
	name = c.tree;
	cp_commit_drop(&c);
	CP_TRY(cp_repo_read(p->s->history, name.hex, "tree", &tree, err));
	CP_TRY(cp_tree_read_single(&blob, "changeset", tree.data, tree.len, err));
	CP_TRY(add_object(p, oid, "commit", err));
	CP_TRY(add_object(p, name.hex, "tree", err));
	p->commits++;
	return add_object(p, blob.hex, "blob", err);
}

static enum cp_code add_main(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct packing *p = user;
	struct cp_commit before = { 0 };
	enum cp_code code;

	if (c->n_parents > 0)
		CP_TRY(cp_repo_read_commit(p->s->history, c->parents[0].hex, &before, err));
	code = cp_repo_each_new(p->s->history, c->tree.hex, c->n_parents > 0 ? before.tree.hex : NULL, add_object, p, err);
	cp_commit_drop(&before);
	CP_TRY(code);
	CP_TRY(each_accepted(c, add_change, p, err));
	return add_object(p, oid, "commit", err);
}

/* Commits of main that they have: what they said of ours, and of their own as far as it came. */
static enum cp_code add_mains(struct packing *p, const char *held, struct cp_err *err)
{
	struct cp_oid hides[2] = { { "" }, { "" } };
	char name[80], hex[CP_ID_HEX];
	const char *own;

	snprintf(hides[0].hex, sizeof hides[0].hex, "%s", held ? held : "");
	snprintf(name, sizeof name, "hub/%s", cp_hex(hex, p->hub.replica.bytes, 16));
	own = cp_tips_find(&p->theirs, name);
	if (own != NULL && cp_repo_has(p->s->history, own))
		snprintf(hides[1].hex, sizeof hides[1].hex, "%s", own);
	return cp_repo_walk_all(p->s->history, p->main.hex, hides, 2, add_main, p, err);
}

static enum cp_code add_private(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct packing *p = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF((size_t)1 << 31);
	struct cp_oid blob;

	CP_TRY(cp_repo_read(p->s->private, oid, "commit", &bytes, err));
	CP_TRY(cp_bundle_add_private(p->w, oid, "commit", bytes.data, bytes.len, err));
	cp_buf_clear(&bytes);
	CP_TRY(cp_repo_read(p->s->private, c->tree.hex, "tree", &bytes, err));
	CP_TRY(cp_bundle_add_private(p->w, c->tree.hex, "tree", bytes.data, bytes.len, err));
	CP_TRY(cp_tree_read_single(&blob, "changeset", bytes.data, bytes.len, err));
	cp_buf_clear(&bytes);
	CP_TRY(cp_repo_read(p->s->private, blob.hex, "blob", &bytes, err));
	p->commits++;
	return cp_bundle_add_private(p->w, blob.hex, "blob", bytes.data, bytes.len, err);
}

static enum cp_code add_tip(struct packing *p, const struct cp_tip *tip, struct cp_err *err)
{
	const char *held = cp_tips_find(&p->m.needs, tip->name);

	if (strcmp(tip->name, p->mine) == 0)
		return add_mains(p, held, err);
	if (strncmp(tip->name, "private/", 8) == 0)
		return cp_repo_walk(p->s->private, tip->oid.hex, held ? held : "", add_private, p, err);
	return cp_parcel_chain(p->s, p->w, tip->oid.hex, held ? held : "", &p->commits, err);
}

static enum cp_code add_content(void *user, const struct cp_hash *hash, struct cp_err *err)
{
	struct packing *p = user;
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	enum cp_code code = cp_content_get(p->s, hash, &doc, err);

	if (code == CP_ENOTFOUND) /* erased, or not here yet */
		return CP_OK;
	CP_TRY(code);
	p->cases++;
	return cp_bundle_add_case(p->w, doc.data, doc.len, err);
}

static enum cp_code add_contents(struct packing *p, struct cp_err *err)
{
	const char *since = cp_tips_find(&p->theirs, "contents");
	enum cp_code code;

	CP_TRY(cp_content_begin_reading(p->s, err));
	code = each_content(p->s, p->main.hex, since ? since : "", add_content, p, err);
	cp_content_rollback(p->s); /* it only read */
	return code;
}

static enum cp_code remember(struct packing *p, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf have = CP_BUF(CP_TEXT_MAX);
	char key[64];

	meta_name(key, "hub_told", &p->hub.replica);
	CP_TRY(print_tips(&p->m.have, &have, err));
	CP_TRY(cp_meta_set(p->s, key, have.data, have.len, err));
	CP_TRY(cp_meta_set(p->s, "unseen_joins", "", 0, err)); /* somebody sees them now */
	return cp_run(p->s, err, "INSERT INTO peers(replica, sent_number, sent_us) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
			" sent_number = excluded.sent_number, sent_us = excluded.sent_us", "dii", &p->hub.replica, (int64_t)p->m.number,
			p->m.created_us);
}

static enum cp_code write_bundle(struct packing *p, const char *dir, struct cp_sent *sent, struct cp_err *err)
{
	p->search = (struct cp_search){ .s = p->s, .kind = p->m.kind };
	CP_TRY(cp_parcel_begin(&p->search, &p->w, dir, "to", p->hub.pseudonym, &p->m, p->how, sent, err));
	for (size_t i = 0; i < p->m.tips.n; i++)
		CP_TRY(add_tip(p, &p->m.tips.list[i], err));
	CP_TRY(add_contents(p, err));
	CP_TRY(cp_parcel_end(p->s, p->w, &p->m, p->how, sent, err));
	snprintf(sent->to, sizeof sent->to, "%s", p->hub.pseudonym);
	sent->cases = p->cases;
	sent->commits = p->commits;
	return remember(p, err);
}

static enum cp_code pack_one(struct cp_store *s, const struct cp_device *hub, const char *dir, unsigned how,
		cp_sent_visit *visit, void *user, int64_t *out_n, struct cp_err *err)
{
	struct packing p = { .s = s, .hub = *hub, .how = how };
	struct cp_sent sent = { .to = "" };
	bool owed = true;
	enum cp_code code = plan(&p, err);

	if (code == CP_OK && (how & CP_SEND_OWED) != 0)
		code = is_owed(&p, dir, &owed, err);
	if (code == CP_OK && owed)
		code = write_bundle(&p, dir, &sent, err);
	if (code == CP_OK && owed) {
		++*out_n;
		visit(user, &sent);
	}
	cp_bundle_writer_free(p.w);
	cp_manifest_drop(&p.m);
	cp_tips_drop(&p.theirs);
	return code;
}

/* ---- to whom -------------------------------------------------------------------------------------------- */

static enum cp_code hubs_of(struct cp_store *s, const char *pseudonym, struct cp_device **out, int64_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT r.id, p.id, p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE r.is_hub = 1 AND p.role = 'lead' AND r.state = 'active' AND p.state = 'active' AND r.id <> ?2"
			" AND (?1 IS NULL OR p.pseudonym = ?1) ORDER BY p.pseudonym, r.id", "td", pseudonym, &s->me.replica));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		*out = reallocarray(*out, (size_t)*n + 1, sizeof **out);
		if (*out == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		cp_col_id(q, 0, &(*out)[*n].replica);
		cp_col_id(q, 1, &(*out)[*n].person);
		snprintf((*out)[*n].pseudonym, sizeof (*out)[*n].pseudonym, "%s", cp_col_text(q, 2));
		++*n;
	}
}

enum cp_code cp_hub_pack(struct cp_store *s, const char *pseudonym, const char *dir, unsigned how, cp_sent_visit *visit,
		void *user, int64_t *hubs, int64_t *out_n, struct cp_err *err)
{
	struct cp_device *list = NULL;
	enum cp_code code;

	*hubs = 0;
	if (s->private == NULL)
		return CP_OK;
	code = hubs_of(s, pseudonym, &list, hubs, err);
	for (int64_t i = 0; code == CP_OK && i < *hubs; i++)
		code = pack_one(s, &list[i], dir, how, visit, user, out_n, err);
	free(list);
	return code;
}
