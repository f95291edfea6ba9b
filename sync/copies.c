#include "sync/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/rights.h"
#include "sync/seal.h"
#include "sync/succession.h"
#include "sync/take.h"
#include "sync/token.h"

#define TRAILER "Casepack-Copy-Of"

bool cp_id_is_set(const struct cp_id *id)
{
	return !sodium_is_zero(id->bytes, sizeof id->bytes);
}

void cp_replica_id_of(struct cp_id *out, const struct cp_id *project, const struct cp_pubkey *key, const struct cp_id *nonce)
{
	if (!cp_id_is_set(nonce))
		cp_replica_id(out, project, key);
	else
		cp_id_derive(out, "replica", 3, (const void *const[]){ project->bytes, key->bytes, nonce->bytes },
				(const size_t[]){ sizeof project->bytes, sizeof key->bytes, sizeof nonce->bytes });
}

bool cp_is_copy(const struct cp_store *s)
{
	return cp_id_is_set(&s->me.copy_of);
}

/* ---- taking an id of its own ------------------------------------------------------------------ */

/* The key of this workspace, as the roster has it. */
static enum cp_code my_key(struct cp_store *s, struct cp_pubkey *out, bool *found, struct cp_err *err)
{
	struct cp_author me;

	CP_TRY(cp_author_find(s, &s->me.replica, &me, found, err));
	*out = me.key;
	if (!*found && *s->key_path != '\0') /* a copy of a copy that no hub has seen */
		*found = cp_public_key(out, s->key_path, NULL) == CP_OK;
	return CP_OK;
}

/* The row by which the roster knows a copy: the same from every hub that writes it. */
static enum cp_code enter(struct cp_store *s, const struct cp_id *id, const struct cp_author *root, bool is_hub,
		const struct cp_id *copy_of, struct cp_err *err)
{
	struct cp_id home;

	CP_TRY(cp_query_id(s, &home, err, "SELECT home FROM replicas WHERE id = ?1 AND length(home) = 16", "d", &root->replica));
	return cp_edit_document(s, CP_T_REPLICAS, id, (struct cp_set[]){
			{ "person", cp_v_blob(root->person.bytes, 16) },
			{ "public_key", cp_v_blob(root->key.bytes, 32) },
			{ "is_hub", cp_v_int(is_hub) },
			{ "copy_of", cp_v_blob(copy_of->bytes, 16) },
			{ "home", cp_v_blob(home.bytes, cp_id_is_set(&home) ? 16 : 0) } }, 5, CP_EDIT_DERIVED, NULL, NULL, err);
}

/* Nothing was written under the present id: then it was never anybody's. */
static enum cp_code has_line(struct cp_store *s, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM commits WHERE replica = ?1 LIMIT 1", "d", &s->me.replica));
	*out = n != 0 || s->me.is_hub || !cp_is_copy(s);
	return CP_OK;
}

enum cp_code cp_copy_latest(struct cp_store *s, struct cp_id *out, struct cp_err *err)
{
	bool has;

	CP_TRY(has_line(s, &has, err));
	*out = has ? s->me.replica : s->me.copy_of;
	return CP_OK;
}

/* What was agreed on under the old id: of the new one nobody has heard. */
static enum cp_code forget_agreements(struct cp_store *s, struct cp_err *err)
{
	if (s->me.is_hub)
		CP_TRY(cp_run(s, err, "DELETE FROM given", ""));
	else /* the hub knows what it gave under the old one */
		CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO meta(key, value) SELECT 'proved', group_concat(value, ' ') FROM meta"
				" WHERE key IN ('proved', 'applied')", ""));
	CP_TRY(cp_run(s, err, "UPDATE peers SET outbound = '', outbound_acked = '', told = ''", ""));
	return cp_meta_set(s, "applied", "", 0, err);
}

enum cp_code cp_copy_go_on(struct cp_store *s, const struct cp_pubkey *key, const struct cp_id *nonce, bool is_put_back,
		struct cp_err *err)
{
	struct cp_id id, of;

	cp_replica_id_of(&id, &s->me.project, key, nonce);
	CP_TRY(cp_copy_latest(s, &of, err));
	CP_TRY(cp_meta_set(s, "copy_of", of.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "nonce", nonce->bytes, 16, err));
	CP_TRY(cp_meta_set(s, "replica", id.bytes, 16, err));
	CP_TRY(cp_meta_set_int(s, "put_back", is_put_back, err));
	CP_TRY(forget_agreements(s, err));
	return cp_token_renew(s, err);
}

static enum cp_code become(struct cp_store *s, const struct cp_pubkey *key, enum cp_token_sign sign, struct cp_err *err)
{
	struct cp_author me = { .replica = s->me.replica, .person = s->me.person, .key = *key };
	struct cp_id nonce, id;

	cp_id_random(&nonce);
	cp_replica_id_of(&id, &s->me.project, key, &nonce);
	CP_TRY(cp_copy_go_on(s, key, &nonce, sign == CP_TOKEN_PUT_BACK, err));
	return s->me.is_hub ? enter(s, &id, &me, true, &s->me.replica, err) : CP_OK;
}

/* Up to 64 devices whose home that hub is. */
static enum cp_code devices_at(struct cp_store *s, const struct cp_id *hub, struct cp_id list[64], size_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM replicas WHERE home = ?1 ORDER BY id LIMIT 64", "d", hub));
	for (*n = 0;; ++*n) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &list[*n]);
	}
}

static enum cp_code move_homes(struct cp_store *s, const struct cp_id *list, size_t n, struct cp_err *err)
{
	const struct cp_set here = { "home", cp_v_blob(s->me.replica.bytes, 16) };
	enum cp_code code = CP_OK;

	CP_TRY(cp_edit_begin(s, err));
	for (size_t i = 0; i < n && code == CP_OK; i++)
		code = cp_edit_document(s, CP_T_REPLICAS, &list[i], &here, 1, CP_EDIT_PLAIN, NULL, NULL, err);
	if (code == CP_OK)
		return cp_edit_commit(s, "roster: devices follow this hub, which was put back, to its new id", err);
	cp_edit_abort(s);
	return code;
}

/* Where the roster names the former id of a hub that was put back, nobody goes on under that. (Of one that was copied
 * somebody may.) At every opening, since such a row may have been lost too, and have come again. */
static enum cp_code take_homes(struct cp_store *s, struct cp_err *err)
{
	struct cp_id list[64];
	int64_t put_back = 0;
	size_t n;

	if (!s->me.is_hub || s->me.is_relay || !cp_is_copy(s))
		return CP_OK;
	CP_TRY(cp_meta_int(s, "put_back", &put_back, err));
	while (put_back) {
		CP_TRY(devices_at(s, &s->me.copy_of, list, &n, err));
		if (n == 0)
			break;
		CP_TRY(move_homes(s, list, n, err));
	}
	return CP_OK;
}

enum cp_code cp_copy_notice(struct cp_store *s, struct cp_err *err)
{
	enum cp_token_sign sign;
	struct cp_pubkey key;
	bool found, is_behind;
	enum cp_code code;

	if (!cp_store_has_project(s))
		return CP_OK;
	CP_TRY(cp_token_check(s, &sign, err));
	if (sign == CP_TOKEN_SAME)
		return take_homes(s, err);
	if (s->me.is_relay) { /* its raters' home is its id: it keeps it, and chains begin anew where the ends differ */
		CP_TRY(cp_token_renew(s, err));
		cp_token_write(s);
		return CP_OK;
	}
	CP_TRY(my_key(s, &key, &found, err));
	CP_TRY(cp_seal_is_behind(s, &is_behind, err)); /* first what an interruption left is done */
	if (!found || is_behind)
		return CP_OK;
	CP_TRY(cp_edit_begin(s, err));
	code = become(s, &key, sign, err);
	if (code != CP_OK) {
		cp_edit_abort(s);
		return code;
	}
	CP_TRY(cp_edit_commit(s, sign == CP_TOKEN_COPIED ? "roster: this hub was copied" : "roster: this hub was put back", err));
	cp_token_write(s);
	CP_TRY(cp_store_read_me(s, err));
	return take_homes(s, err);
}

void cp_copy_begin(const char *path)
{
	CP_AUTO(store) struct cp_store *s = NULL;

	if (cp_store_open(&s, path, NULL) != CP_OK)
		s = NULL;
}

/* ---- introducing itself -------------------------------------------------------------------------- */

enum cp_code cp_copy_must_introduce(struct cp_store *s, bool *out, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;

	*out = false;
	if (!cp_is_copy(s))
		return CP_OK;
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, s->me.replica.bytes, 16));
	CP_TRY(cp_repo_branch(s->history, branch, &tip, err));
	*out = *tip.hex == '\0';
	return CP_OK;
}

enum cp_code cp_copy_words(struct cp_store *s, struct cp_buf *words, struct cp_err *err)
{
	char old[CP_ID_HEX], nonce[CP_ID_HEX];

	if (!cp_id_is_set(&s->me.nonce))
		return cp_successor_words(s, words, err);
	return cp_buf_printf(words, err, "\n\n" TRAILER ": %s %s", cp_hex(old, s->me.copy_of.bytes, 16),
			cp_hex(nonce, s->me.nonce.bytes, 16));
}

bool cp_copy_read(const struct cp_commit *c, struct cp_id *copy_of, struct cp_id *nonce)
{
	char line[2 * CP_ID_HEX];
	const char *text;
	size_t len;

	memset(nonce, 0, sizeof *nonce);
	if (cp_successor_read(c, copy_of))
		return true;
	if (!cp_commit_trailer(c, TRAILER, 0, &text, &len) || len != 65 || text[32] != ' ')
		return false;
	snprintf(line, sizeof line, "%.65s", text);
	line[32] = '\0';
	return cp_unhex(copy_of->bytes, 16, line) && cp_unhex(nonce->bytes, 16, line + 33);
}

/* ---- meeting copies at the hub ---------------------------------------------------------------------- */

struct meeting {
	struct cp_store *s;
	struct { struct cp_id id, copy_of; struct cp_author root; bool is_hub; } *list; size_t n;
};

/*
 * Is it the derivation of a key that the roster trusts, signed by that key? The first device of the key answers for it:
 * whoever is no longer trusted cannot come back by copying itself.
 */
enum cp_code cp_copy_proves(struct cp_store *s, const struct cp_change_commit *c, struct cp_author *root, struct cp_id *copy_of,
		bool *out, struct cp_err *err)
{
	struct cp_id nonce, derived, first;
	struct cp_pubkey signer;
	struct cp_author old;
	bool known;

	*out = false;
	if (!cp_id_equal(&c->project, &s->me.project) || !cp_copy_read(&c->commit, copy_of, &nonce) || !cp_id_is_set(&nonce) ||
			cp_commit_signer(&signer, &c->commit, NULL) != CP_OK)
		return CP_OK;
	cp_replica_id_of(&derived, &s->me.project, &signer, &nonce);
	cp_replica_id(&first, &s->me.project, &signer);
	if (!cp_id_equal(&derived, &c->replica))
		return CP_OK;
	CP_TRY(cp_author_find(s, copy_of, &old, &known, err));
	if (known && (!old.is_active || memcmp(&old.key, &signer, sizeof signer) != 0))
		return CP_OK;
	CP_TRY(cp_author_find(s, &first, root, &known, err));
	*out = known && root->is_active && memcmp(&root->key, &signer, sizeof signer) == 0;
	return CP_OK;
}

/* Whose it says it is must be known, or have proved itself in this bundle, with the same key. */
static enum cp_code has_origin(const struct meeting *m, const struct cp_id *copy_of, const struct cp_pubkey *key, bool *out,
		struct cp_err *err)
{
	struct cp_author old;

	CP_TRY(cp_author_find(m->s, copy_of, &old, out, err));
	for (size_t i = 0; !*out && i < m->n; i++)
		*out = cp_id_equal(&m->list[i].id, copy_of) && memcmp(&m->list[i].root.key, key, sizeof *key) == 0;
	return CP_OK;
}

static enum cp_code meet_one(struct meeting *m, const struct cp_change_commit *c, struct cp_err *err)
{
	struct cp_author root;
	struct cp_id copy_of;
	int64_t is_hub;
	bool known, proved;

	CP_TRY(cp_author_find(m->s, &c->replica, &root, &known, err));
	if (known)
		return CP_OK;
	CP_TRY(cp_copy_proves(m->s, c, &root, &copy_of, &proved, err));
	if (proved)
		CP_TRY(has_origin(m, &copy_of, &root.key, &proved, err));
	if (!proved)
		return CP_OK;
	CP_TRY(cp_query_int(m->s, &is_hub, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", &root.replica));
	m->list = reallocarray(m->list, m->n + 1, sizeof *m->list);
	if (m->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	m->list[m->n].id = c->replica;
	m->list[m->n].copy_of = copy_of;
	m->list[m->n].is_hub = is_hub != 0;
	m->list[m->n++].root = root;
	return CP_OK;
}

static enum cp_code each_object(void *user, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_change_commit c;
	enum cp_code code = CP_OK;

	(void)oid;
	if (strcmp(type, "commit") != 0)
		return CP_OK;
	if (cp_change_commit_read(&c, bytes, len, NULL) == CP_OK)
		code = meet_one(user, &c, err);
	cp_change_commit_drop(&c);
	return code;
}

/* Does the bundle speak of a replica that is not on the roster? */
static enum cp_code has_strangers(struct cp_store *s, const struct cp_manifest *m, bool *out, struct cp_err *err)
{
	struct cp_author who;
	bool known;

	CP_TRY(cp_author_find(s, &m->sender, &who, &known, err));
	*out = !known;
	for (size_t i = 0; !*out && i < m->tips.n; i++) {
		char hex[CP_ID_HEX];
		struct cp_id id;

		snprintf(hex, sizeof hex, "%.32s", m->tips.list[i].name + strlen("replica/"));
		if (strncmp(m->tips.list[i].name, "replica/", strlen("replica/")) != 0 || !cp_unhex(id.bytes, 16, hex))
			continue;
		CP_TRY(cp_author_find(s, &id, &who, &known, err));
		*out = !known;
	}
	return CP_OK;
}

static enum cp_code enter_all(struct cp_store *s, const struct meeting *m, struct cp_merged *out, struct cp_err *err)
{
	char a[CP_ID_HEX], b[CP_ID_HEX];
	enum cp_code code = CP_OK;

	for (size_t i = 0; code == CP_OK && i < m->n; i++) {
		snprintf(out->copied, sizeof out->copied, "%s's device %.8s was copied, or put back: it goes on as %.8s",
				m->list[i].root.pseudonym, cp_hex(a, m->list[i].copy_of.bytes, 16), cp_hex(b, m->list[i].id.bytes, 16));
		CP_TRY(cp_edit_begin(s, err));
		code = enter(s, &m->list[i].id, &m->list[i].root, m->list[i].is_hub, &m->list[i].copy_of, err);
		if (code == CP_OK)
			code = cp_edit_commit(s, out->copied, err);
		if (code != CP_OK)
			cp_edit_abort(s);
	}
	return code;
}

/* Its sender may go on with another key for one of them (sync/succession.h): then it is known as soon as that one is. */
static enum cp_code add_successor(const struct meeting *m, const struct cp_id *sender, struct cp_author *also, size_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_id of;
	bool row;

	CP_TRY(cp_query(m->s, &q, err, "SELECT succeeds, public_key FROM strangers WHERE replica = ?1", "d", sender));
	CP_TRY(cp_step(m->s, q, &row, err));
	if (!row)
		return CP_OK;
	cp_col_id(q, 0, &of);
	for (size_t i = 0; i < m->n; i++) {
		if (!cp_id_equal(&m->list[i].id, &of))
			continue;
		also[*n] = m->list[i].root;
		also[*n].replica = *sender;
		cp_col_hash(q, 1, (struct cp_hash *)(void *)&also[(*n)++].key);
		break;
	}
	sqlite3_reset(q);
	return CP_OK;
}

/* Will the bundle be taken in once they are on the roster? What would refuse it is a failure here, unless it is its sender,
 * of whom merging speaks itself. */
static enum cp_code check_rest(const struct meeting *m, struct cp_bundle *b, bool *out, struct cp_err *err)
{
	const struct cp_manifest *manifest = cp_bundle_manifest(b);
	struct cp_author *also = calloc(m->n + 1, sizeof *also), sender;
	enum cp_code code;
	size_t n = m->n;
	bool known;

	if (also == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < m->n; i++) {
		also[i] = m->list[i].root;
		also[i].replica = m->list[i].id;
	}
	code = cp_author_find(m->s, &manifest->sender, &sender, &known, err);
	if (code == CP_OK && !known)
		code = add_successor(m, &manifest->sender, also, &n, err);
	for (size_t i = 0; !known && i < n; i++) {
		sender = also[i];
		known = cp_id_equal(&sender.replica, &manifest->sender);
	}
	*out = known && memcmp(&sender.key, cp_bundle_signer(b), sizeof sender.key) == 0 && manifest->schema <= CP_SCHEMA &&
		(manifest->kind == CP_BUNDLE_RETURN || (manifest->kind == CP_BUNDLE_RELAY && sender.is_relay));
	if (code == CP_OK && *out)
		code = cp_taking_check(m->s, b, also, n, err);
	free(also);
	return code;
}

enum cp_code cp_copies_meet(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	const struct cp_manifest *m = cp_bundle_manifest(b);
	struct meeting meeting = { .s = s };
	bool strangers = false, is_good = false;
	enum cp_code code;

	CP_TRY(cp_successors_meet(s, b, out, err));
	if (!cp_id_equal(&m->project, &s->me.project) || s->me.is_relay) /* a relay lets them wait for the lead's hub */
		return CP_OK;
	CP_TRY(has_strangers(s, m, &strangers, err));
	if (!strangers && m->kind != CP_BUNDLE_RELAY)
		return CP_OK;
	code = cp_bundle_each_object(b, each_object, &meeting, err);
	if (code == CP_OK && meeting.n > 0)
		code = check_rest(&meeting, b, &is_good, err);
	if (code == CP_OK && is_good)
		code = enter_all(s, &meeting, out, err);
	if (code == CP_OK && is_good)
		code = cp_successors_enter(s, out, err); /* of one of these, which had to be there first */
	free(meeting.list);
	return code == CP_OK ? cp_seal(s, NULL, err) : code;
}

/* ---- former ids of this workspace --------------------------------------------------------------------- */

static enum cp_code see_first(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_id *copy_of = user, nonce;

	(void)oid, (void)err;
	if (c->n_parents == 0 && !cp_copy_read(c, copy_of, &nonce))
		memset(copy_of, 0, sizeof *copy_of);
	return CP_OK;
}

/* Whose copy that line says it is; zeros for the first. */
static enum cp_code origin_of(struct cp_store *s, const struct cp_id *id, struct cp_id *out, struct cp_err *err)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;

	memset(out, 0, sizeof *out);
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, id->bytes, 16));
	CP_TRY(cp_repo_branch(s->history, branch, &tip, err));
	return *tip.hex ? cp_repo_walk(s->history, tip.hex, "", see_first, out, err) : CP_OK;
}

enum cp_code cp_copy_lines(struct cp_store *s, struct cp_id ids[CP_MAX_LINES], size_t *n, struct cp_err *err)
{
	struct cp_id at = s->me.copy_of;

	ids[0] = s->me.replica;
	for (*n = 1; cp_id_is_set(&at) && *n < CP_MAX_LINES; ++*n) {
		ids[*n] = at;
		CP_TRY(origin_of(s, &ids[*n], &at, err));
	}
	for (size_t i = 0; i < *n / 2; i++) {
		struct cp_id swap = ids[i];

		ids[i] = ids[*n - 1 - i];
		ids[*n - 1 - i] = swap;
	}
	return CP_OK;
}

enum cp_code cp_copy_stranger(struct cp_store *s, const struct cp_pubkey *key, struct cp_author *out, bool *found, struct cp_err *err)
{
	struct cp_id id;

	*found = false;
	if (!s->me.is_relay)
		return CP_OK;
	CP_TRY(cp_query_id(s, &id, err, "SELECT id FROM replicas WHERE public_key = ?1 AND state = 'active' ORDER BY id LIMIT 1", "b",
			key->bytes, sizeof key->bytes));
	return cp_id_is_set(&id) ? cp_author_find(s, &id, out, found, err) : CP_OK;
}

struct line_key { const struct cp_id *project, *line; struct cp_pubkey *key; };

/* The id of a line is derived from the key that signs it. */
static enum cp_code see_key(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct line_key *k = user;
	struct cp_id copy_of, nonce, id;
	struct cp_pubkey signer;

	(void)oid, (void)err;
	if (c->n_parents > 0 || !cp_copy_read(c, &copy_of, &nonce) || cp_commit_signer(&signer, c, NULL) != CP_OK)
		return CP_OK;
	cp_replica_id_of(&id, k->project, &signer, &nonce);
	if (cp_id_equal(&id, k->line))
		*k->key = signer;
	return CP_OK;
}

/* A line's own roster row comes with what the hub gives it: until then former ids answer for it, and it may have another key
 * than those. */
enum cp_code cp_copy_author(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found, struct cp_err *err)
{
	struct line_key k = { &s->me.project, replica, &out->key };
	struct cp_id ids[CP_MAX_LINES];
	char branch[80], hex[CP_ID_HEX];
	bool is_mine = false;
	struct cp_oid tip;
	size_t n;

	CP_TRY(cp_copy_lines(s, ids, &n, err));
	*found = false;
	for (size_t i = 0; i < n; i++)
		is_mine = is_mine || cp_id_equal(&ids[i], replica);
	for (size_t i = 0; is_mine && !*found && i < n; i++)
		CP_TRY(cp_author_find(s, &ids[i], out, found, err));
	if (!*found)
		return CP_OK;
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, replica->bytes, 16));
	CP_TRY(cp_repo_branch(s->history, branch, &tip, err));
	return *tip.hex ? cp_repo_walk(s->history, tip.hex, "", see_key, &k, err) : CP_OK;
}

enum cp_code cp_copy_was_me(struct cp_store *s, const struct cp_id *replica, bool *out, struct cp_err *err)
{
	int64_t same;

	CP_TRY(cp_query_int(s, &same, 0, err, "SELECT 1 FROM replicas a JOIN replicas b ON b.public_key = a.public_key"
			" WHERE a.id = ?1 AND b.id IN (?2, ?3)", "ddd", replica, &s->me.replica, &s->me.copy_of));
	*out = same || cp_id_equal(replica, &s->me.replica);
	return CP_OK;
}
