#include "sync/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/content.h"
#include "sync/copies.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/rights.h"
#include "sync/seal.h"
#include "sync/take.h"
#include "sync/triple.h"

#define PREFIX "outbound/"
enum { CASE_CONTENT = 7, CASE_STATE = 9, CASE_REASON }; /* columns of cases */

bool cp_is_outbound(const void *commit, size_t len)
{
	static const char line[] = "\nCasepack-Outbound: ";

	return memmem(commit, len, line, strlen(line)) != NULL;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* ---- names of chains -------------------------------------------------------------------------- */

static enum cp_code nothing(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	(void)user, (void)oid, (void)c, (void)err;
	return CP_OK;
}

/* Is old tip or one of its forerunners? */
bool cp_chain_reaches(struct cp_repo *r, const char *tip, const char *old)
{
	return strcmp(tip, old) == 0 || cp_repo_walk(r, tip, old, nothing, NULL, NULL) == CP_OK;
}

enum cp_code cp_proof_keep(struct cp_store *s, const char *branch, const struct cp_oid *tip, const struct cp_oid *next,
		struct cp_err *err)
{
	char name[80];
	struct cp_oid old;

	if (*tip->hex == '\0' || (*next->hex != '\0' && cp_chain_reaches(s->history, next->hex, tip->hex)))
		return CP_OK;
	for (int n = 2;; n++) {
		snprintf(name, sizeof name, "%.60s.%d", branch, n);
		CP_TRY(cp_repo_branch(s->history, name, &old, err));
		if (*old.hex != '\0' && cp_chain_reaches(s->history, old.hex, tip->hex))
			return CP_OK;
		if (*old.hex == '\0' || cp_chain_reaches(s->history, tip->hex, old.hex))
			return cp_repo_move(s->history, name, &old, tip, err);
	}
}

/* ---- the device -------------------------------------------------------------------------------- */

/* By whom a commit of material is, as 32 hex digits. */
static enum cp_code read_giver(struct cp_store *s, const char *oid, char out[CP_ID_HEX], struct cp_err *err)
{
	struct cp_commit c = { 0 };

	*out = '\0';
	if (*oid == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read_commit(s->history, oid, &c, err));
	snprintf(out, CP_ID_HEX, "%.32s", c.committer.email);
	cp_commit_drop(&c);
	return CP_OK;
}

/* What a relay gave proves something to that relay alone. */
static enum cp_code is_anothers_business(struct cp_store *s, const char *oid, const struct cp_oid *present, bool *out,
		struct cp_err *err)
{
	char giver[CP_ID_HEX], here[CP_ID_HEX];
	int64_t is_relay;

	CP_TRY(read_giver(s, oid, giver, err));
	CP_TRY(read_giver(s, present->hex, here, err));
	CP_TRY(cp_query_int(s, &is_relay, 0, err, "SELECT 1 FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE lower(hex(r.id)) = ?1 AND p.role = 'relay'", "t", giver));
	*out = is_relay && strcmp(giver, here) != 0;
	return CP_OK;
}

/* Chains given to that id of mine. */
static enum cp_code proofs_of(struct cp_store *s, const struct cp_id *id, const struct cp_oid *present, bool is_full,
		struct cp_tips *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf held = CP_BUF(CP_TEXT_MAX);
	struct cp_tips all = { 0 };
	char prefix[80], hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(prefix, sizeof prefix, PREFIX "%s", cp_hex(hex, id->bytes, 16));
	CP_TRY(cp_meta_get(s, "proved", &held, err));
	code = cp_repo_branches(s->history, prefix, &all, err);
	for (size_t i = 0; code == CP_OK && i < all.n; i++) {
		const char *oid = all.list[i].oid.hex;
		bool is_known = (held.len > 0 && strstr(held.data, oid) != NULL) ||
			(*present->hex != '\0' && cp_chain_reaches(s->history, present->hex, oid));
		bool is_anothers = false;

		if (is_full || !is_known)
			code = is_anothers_business(s, oid, present, &is_anothers, err);
		if (code == CP_OK && (is_full || !is_known) && !is_anothers)
			code = cp_tips_add(out, all.list[i].name, oid, err);
	}
	cp_tips_drop(&all);
	return code;
}

enum cp_code cp_proofs_owed(struct cp_store *s, const struct cp_oid *present, bool is_full, struct cp_tips *out,
		struct cp_err *err)
{
	struct cp_id ids[CP_MAX_LINES];
	size_t n;

	CP_TRY(cp_copy_lines(s, ids, &n, err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(proofs_of(s, &ids[i], present, is_full, out, err));
	return CP_OK;
}

enum cp_code cp_proofs_named(struct cp_store *s, const char *present_branch, struct cp_tips *have, struct cp_err *err)
{
	struct cp_id ids[CP_MAX_LINES];
	enum cp_code code;
	size_t n;

	code = cp_copy_lines(s, ids, &n, err);
	for (size_t i = 0; code == CP_OK && i < n; i++) {
		char prefix[80], hex[CP_ID_HEX];
		struct cp_tips all = { 0 };

		snprintf(prefix, sizeof prefix, PREFIX "%s", cp_hex(hex, ids[i].bytes, 16));
		code = cp_repo_branches(s->history, prefix, &all, err);
		for (size_t k = 0; code == CP_OK && k < all.n; k++)
			if (strcmp(all.list[k].name, present_branch) != 0)
				code = cp_tips_add(have, all.list[k].name, all.list[k].oid.hex, err);
		cp_tips_drop(&all);
	}
	return code;
}

struct contents { struct cp_store *s; struct cp_bundle_writer *w; };

static enum cp_code add_content(struct contents *c, const struct cp_value *content, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	struct cp_hash hash;
	enum cp_code code;

	if (content->type != CP_BLOB || content->len != sizeof hash.bytes)
		return CP_OK;
	memcpy(hash.bytes, content->bytes, sizeof hash.bytes);
	code = cp_content_get(c->s, &hash, &doc, err);
	if (code == CP_ENOTFOUND)
		return CP_OK;
	CP_TRY(code);
	return cp_bundle_add_case(c->w, doc.data, doc.len, err);
}

static enum cp_code contents_of(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct contents *contents = user;
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	(void)unused;
	CP_TRY(cp_repo_read_path(contents->s->history, oid, "changeset", &changeset, err));
	cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		if (c.table == CP_T_CASES)
			CP_TRY(add_content(contents, &c.now[CASE_CONTENT], err));
	}
}

enum cp_code cp_proof_contents(struct cp_store *s, const char *tip, struct cp_bundle_writer *w, struct cp_err *err)
{
	struct contents c = { s, w };

	return cp_repo_walk(s->history, tip, "", contents_of, &c, err);
}

enum cp_code cp_proofs_acknowledged(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf held = CP_BUF(CP_TEXT_MAX);

	for (size_t i = 0; i < m->have.n; i++)
		if (starts(m->have.list[i].name, PREFIX))
			CP_TRY(cp_buf_printf(&held, err, "%s\n", m->have.list[i].oid.hex));
	return cp_meta_set(s, "proved", held.data ? held.data : "", held.len, err);
}

/* ---- the hub: what it holds ---------------------------------------------------------------------- */

static void name_of_ends(const struct cp_id *device, char out[CP_ID_HEX + 8])
{
	char hex[CP_ID_HEX];

	snprintf(out, CP_ID_HEX + 8, "chains/%s", cp_hex(hex, device->bytes, 16));
}

enum cp_code cp_proofs_note(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf ends = CP_BUF(CP_TEXT_MAX);
	char name[CP_ID_HEX + 8], own[80], hex[CP_ID_HEX];

	name_of_ends(&m->sender, name);
	snprintf(own, sizeof own, PREFIX "%s", cp_hex(hex, m->sender.bytes, 16));
	for (size_t i = 0; i < m->have.n; i++)
		if (starts(m->have.list[i].name, PREFIX) && strcmp(m->have.list[i].name, own) != 0)
			CP_TRY(cp_buf_printf(&ends, err, "%s\n", m->have.list[i].oid.hex));
	return cp_meta_set(s, name, ends.data ? ends.data : "", ends.len, err);
}

/* The end that the device named of the chain that ends in tip; tip where it named none. */
static const char *end_for(struct cp_store *s, const char *ends, const char *tip, char out[41])
{
	for (const char *at = ends; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
		snprintf(out, 41, "%.40s", at);
		if (cp_repo_has(s->history, out) && cp_chain_reaches(s->history, tip, out))
			return out;
	}
	return tip;
}

enum cp_code cp_proofs_held(struct cp_store *s, const struct cp_id *device, struct cp_tips *have, struct cp_err *err)
{
	struct cp_tips all = { 0 };
	CP_AUTO(buf) struct cp_buf ends = CP_BUF(CP_TEXT_MAX);
	struct cp_id at = *device;
	char prefix[80], own[80], hex[CP_ID_HEX], name[CP_ID_HEX + 8], end[41];
	enum cp_code code = CP_OK;

	name_of_ends(device, name);
	CP_TRY(cp_meta_get(s, name, &ends, err));
	snprintf(own, sizeof own, PREFIX "%s", cp_hex(hex, device->bytes, 16));
	for (int n = 0; code == CP_OK && cp_id_is_set(&at) && n < CP_MAX_LINES; n++) {
		snprintf(prefix, sizeof prefix, PREFIX "%s", cp_hex(hex, at.bytes, 16));
		code = cp_repo_branches(s->history, prefix, &all, err);
		for (size_t i = 0; code == CP_OK && i < all.n; i++)
			if (strcmp(all.list[i].name, own) != 0)
				code = cp_tips_add(have, all.list[i].name,
						end_for(s, ends.data ? ends.data : "", all.list[i].oid.hex, end), err);
		cp_tips_drop(&all);
		if (code == CP_OK) {
			struct cp_id of = at;

			code = cp_query_id(s, &at, err, "SELECT copy_of FROM replicas WHERE id = ?1 AND length(copy_of) = 16", "d", &of);
		}
	}
	return code;
}

/* ---- the hub: taking proofs in ------------------------------------------------------------------- */

struct taking {
	struct cp_store *s;
	struct cp_triples triples;
	struct chain { char branch[80]; struct cp_id giver; struct cp_oid tip; } *chains; size_t n; /* as they come */
	struct cp_oid *oids; size_t n_oids;
	struct cp_oid *left; size_t n_left; /* commits of hubs that are not trusted, and what was given behind them */
	int64_t fresh, rows, assignments;  /* commits that were not known; rows taken back */
};

static void taking_drop(struct taking *t)
{
	cp_triples_drop(&t->triples);
	free(t->chains);
	free(t->oids);
	free(t->left);
}

/* Signed by a hub of the roster, for a device of the roster: its branch. *is_trusted: mine, or a lead's whom nobody has revoked. */
static enum cp_code authenticate(struct taking *t, const struct cp_change_commit *c, char branch[80], bool *is_trusted, struct cp_err *err)
{
	struct cp_author giver;
	struct cp_pubkey signer;
	char hex[CP_ID_HEX] = "";
	const char *line = strstr(c->commit.message, "\nCasepack-Outbound: ");
	struct cp_id id;
	int64_t is_hub;
	bool known, is_mine;

	CP_TRY(cp_author_find(t->s, &c->replica, &giver, &known, err));
	CP_TRY(cp_query_int(t->s, &is_hub, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", &c->replica));
	CP_TRY(cp_commit_signer(&signer, &c->commit, err));
	is_mine = cp_id_equal(&c->replica, &t->s->me.replica);
	*is_trusted = is_mine || (giver.is_lead && giver.is_active); /* its rows are taken back as they are */
	if (!known || !is_hub || memcmp(&signer, &giver.key, sizeof signer) != 0 || !cp_id_equal(&c->project, &t->s->me.project))
		return cp_fail(err, CP_ETRUST, "commit %.12s says that a hub gave it, but no hub of this project signed it", t->triples.commit_oid.hex);
	snprintf(hex, sizeof hex, "%.32s", line + strlen("\nCasepack-Outbound: "));
	if (!cp_unhex(id.bytes, 16, hex))
		return cp_fail(err, CP_EFORMAT, "commit %.12s was given to nobody", t->triples.commit_oid.hex);
	snprintf(branch, 80, PREFIX "%s", hex);
	return CP_OK;
}

static enum cp_code remember(struct taking *t, const struct cp_change_commit *c, const char *branch, struct cp_err *err)
{
	struct chain *at = NULL;

	for (size_t i = 0; i < t->n && at == NULL; i++)
		if (*c->parent != '\0' && strcmp(t->chains[i].tip.hex, c->parent) == 0)
			at = &t->chains[i];
	t->oids = reallocarray(t->oids, t->n_oids + 1, sizeof *t->oids);
	if (at == NULL)
		t->chains = reallocarray(t->chains, t->n + 1, sizeof *t->chains);
	if (t->oids == NULL || t->chains == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (at == NULL)
		at = &t->chains[t->n++];
	snprintf(at->branch, sizeof at->branch, "%s", branch);
	at->giver = c->replica;
	at->tip = t->triples.commit_oid;
	t->oids[t->n_oids++] = t->triples.commit_oid;
	return CP_OK;
}

static enum cp_code keep_objects(struct taking *t, const struct cp_change_commit *c, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_repo *r = t->s->history;
	struct cp_oid blob;

	if (cp_repo_has(r, t->triples.commit_oid.hex))
		return CP_OK;
	t->fresh++;
	CP_TRY(cp_repo_put(r, t->triples.commit_oid.hex, "commit", t->triples.commit.data, t->triples.commit.len, err));
	CP_TRY(cp_repo_put(r, c->commit.tree.hex, "tree", t->triples.tree.data, t->triples.tree.len, err));
	return cp_repo_blob(r, changeset, len, &blob, err);
}

static bool is_left(const struct taking *t, const char *oid)
{
	for (size_t i = t->n_left; i > 0; i--)
		if (strcmp(t->left[i - 1].hex, oid) == 0)
			return true;
	return false;
}

static enum cp_code leave(struct taking *t, struct cp_err *err)
{
	t->left = reallocarray(t->left, t->n_left + 1, sizeof *t->left);
	if (t->left == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	t->left[t->n_left++] = t->triples.commit_oid;
	return CP_OK;
}

/* What another hub gave is not taken back, unless it is here already: a relay's chain is its own business, and whoever has stolen
 * a lead's key may have made what is signed with it. The work that was done on it comes all the same, and waits where it names
 * what is not here. */
static enum cp_code take_checked(struct taking *t, const struct cp_change_commit *c, const void *changeset, size_t len, struct cp_err *err)
{
	const char *oid = t->triples.commit_oid.hex;
	char branch[80];
	bool is_trusted;

	CP_TRY(authenticate(t, c, branch, &is_trusted, err));
	CP_TRY(cp_change_commit_check(c, t->triples.tree.data, t->triples.tree.len, changeset, len, false, err));
	if ((!is_trusted && !cp_repo_has(t->s->history, oid)) || is_left(t, c->parent))
		return leave(t, err);
	if (*c->parent != '\0' && !cp_repo_has(t->s->history, c->parent))
		return cp_fail(err, CP_EFORMAT, "commit %.12s was given behind one that is missing", oid);
	CP_TRY(remember(t, c, branch, err));
	return keep_objects(t, c, changeset, len, err);
}

static enum cp_code take_commit(struct taking *t, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_change_commit c;
	enum cp_code code = cp_change_commit_read(&c, t->triples.commit.data, t->triples.commit.len, err);

	if (code == CP_OK)
		code = take_checked(t, &c, changeset, len, err);
	cp_change_commit_drop(&c);
	return code;
}

static enum cp_code each_triple(void *user, struct cp_triples *c, const void *changeset, size_t len, struct cp_err *err)
{
	return cp_is_outbound(c->commit.data, c->commit.len) ? take_commit(user, changeset, len, err) : CP_OK;
}

/* Of work nothing is looked at here. */
static enum cp_code find_tree(void *user, const char *oid, struct cp_buf *tree, struct cp_buf *changeset, struct cp_err *err)
{
	const struct taking *t = user;

	return cp_is_outbound(t->triples.commit.data, t->triples.commit.len)
		? cp_repo_read_single(t->s->history, oid, "changeset", tree, changeset, err) : CP_OK;
}

static bool is_mine(const struct cp_store *s, const struct cp_value *person)
{
	return person->len == sizeof s->me.person.bytes && memcmp(person->bytes, s->me.person.bytes, person->len) == 0;
}

static bool is_forgotten(const struct cp_change *c, const struct cp_value *row)
{
	const struct cp_value *state = &row[CASE_STATE];

	return c->table == CP_T_CASES && state->len == strlen("forgotten") && memcmp(state->bytes, "forgotten", state->len) == 0;
}

/* A case that is here as it was before: the lead's edit is lost, but not that it was made. */
static enum cp_code forget_again(struct taking *t, const struct cp_change *c, struct cp_err *err)
{
	t->rows++;
	return cp_edit_document(t->s, CP_T_CASES, (const struct cp_id *)c->now[CP_C_ID].bytes, (struct cp_set[]){
			{ "state", c->now[CASE_STATE] }, { "reason", c->now[CASE_REASON] } }, 2, CP_EDIT_PLAIN, NULL, NULL, err);
}

/* One row that was given: where the document is not here any more it is taken back as it was. */
static enum cp_code take_back(struct taking *t, struct cp_change *c, struct cp_err *err)
{
	struct cp_value held[CP_MAX_COLUMNS];
	bool found;

	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		if (c->now[i].type == CP_ABSENT) /* added to the table since */
			cp_table_default(&c->now[i], c->table, i);
	if (cp_table_is_work(c->table) || c->now[CP_C_ID].len != 16 || c->now[CP_C_REV].len < 8)
		return CP_OK;
	if (c->table == CP_T_SETTLEMENTS && !is_mine(t->s, &c->now[CP_S_PERSON]))
		return CP_OK; /* nobody decides in another lead's name: that one's hub brings it */
	CP_TRY(cp_row_get(t->s, c->table, (const struct cp_id *)c->now[CP_C_ID].bytes, held, &found, err));
	if (found)
		return is_forgotten(c, c->now) && !is_forgotten(c, held) ? forget_again(t, c, err) : CP_OK;
	c->now[CP_C_REV].len = 8; /* an edit of one rev: of several the one that was shown */
	t->rows++;
	t->assignments += c->table == CP_T_ASSIGNMENTS;
	return cp_row_put(t->s, c->table, c->now, err);
}

/* The newest first: what was given last is how it stood. */
static enum cp_code take_rows(struct taking *t, struct cp_err *err)
{
	for (size_t i = t->n_oids; i > 0; i--) {
		CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
		struct cp_changeset r;
		struct cp_change c;
		bool more = true;

		CP_TRY(cp_repo_read_path(t->s->history, t->oids[i - 1].hex, "changeset", &changeset, err));
		cp_changeset_begin(&r, changeset.data, changeset.len, cp_shapes, CP_T_PUBLIC);
		for (;;) {
			CP_TRY(cp_changeset_next(&r, &c, &more, err));
			if (!more)
				break;
			if (c.op == CP_INSERT)
				CP_TRY(take_back(t, &c, err));
		}
	}
	return CP_OK;
}

/* My own chain that only goes on grows, and what it gave is recorded when it gives next; any other that is new is kept
 * beside. */
static enum cp_code place(struct taking *t, const struct chain *c, struct cp_err *err)
{
	struct cp_store *s = t->s;
	struct cp_oid now;

	CP_TRY(cp_repo_branch(s->history, c->branch, &now, err));
	if (*now.hex != '\0' && cp_chain_reaches(s->history, now.hex, c->tip.hex))
		return CP_OK;
	if (!cp_id_equal(&c->giver, &s->me.replica) || (*now.hex != '\0' && !cp_chain_reaches(s->history, c->tip.hex, now.hex)))
		return cp_proof_keep(s, c->branch, &c->tip, &(struct cp_oid){ "" }, err);
	return cp_repo_move(s->history, c->branch, &now, &c->tip, err);
}

/* A document that a case of mine names, and that is not here. */
static enum cp_code each_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	struct cp_store *s = user;
	struct cp_hash hash;
	int64_t named;
	bool has;

	cp_hash_bytes(&hash, json, len);
	CP_TRY(cp_query_int(s, &named, 0, err, "SELECT 1 FROM cases WHERE content = ?1 AND state <> 'forgotten' LIMIT 1", "h", &hash));
	CP_TRY(cp_content_has(s, &hash, &has, err));
	return named && !has ? cp_content_take(s, json, len, &hash, NULL, err) : CP_OK;
}

static enum cp_code take_inside(struct taking *t, struct cp_bundle *b, struct cp_err *err)
{
	CP_TRY(cp_bundle_each_object(b, cp_triples_object, &t->triples, err));
	CP_TRY(cp_triples_end(&t->triples, err));
	CP_TRY(cp_repo_flush(t->s->history, err));
	for (size_t i = 0; i < t->n; i++)
		CP_TRY(place(t, &t->chains[i], err));
	if (t->s->me.is_relay) /* what a lead decided comes from the lead's hub */
		return CP_OK;
	CP_TRY(take_rows(t, err));
	return cp_bundle_each_case(b, each_case, t->s, err);
}

bool cp_has_proofs(const struct cp_manifest *m)
{
	for (size_t i = 0; i < m->tips.n; i++)
		if (starts(m->tips.list[i].name, PREFIX))
			return true;
	return false;
}

enum cp_code cp_proofs_take(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	struct taking t = { .s = s, .triples = CP_TRIPLES(each_triple, find_tree, &t, &s->limits) };
	enum cp_code code;

	if (!cp_has_proofs(cp_bundle_manifest(b)))
		return CP_OK;
	CP_TRY(cp_taking_check(s, b, NULL, 0, err));
	CP_TRY(cp_edit_begin(s, err));
	code = take_inside(&t, b, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, "taken back: what was given before this hub was put back", err);
	if (code != CP_OK) {
		cp_edit_abort(s);
		cp_repo_forget(s->history);
	}
	out->proofs = t.fresh;
	out->taken_back = t.rows;
	taking_drop(&t);
	return code == CP_OK ? cp_seal(s, NULL, err) : code;
}
