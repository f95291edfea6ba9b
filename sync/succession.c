#include "sync/succession.h"

#include <stdlib.h>
#include <string.h>

#include "sync/again.h"
#include "sync/copies.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/ruling.h"
#include "sync/seal.h"
#include "sync/take.h"
#include "sync/token.h"

#define TRAILER "Casepack-Successor-Of"
#define ARMOR "SSH SIGNATURE"
#define PROOF_MAX ((size_t)1024) /* bytes of base64 */

/* ---- the trailer ------------------------------------------------------------------------------ */

enum cp_code cp_successor_text(struct cp_buf *out, const struct cp_id *project, const struct cp_id *old,
		const struct cp_pubkey *key, struct cp_err *err)
{
	char a[CP_ID_HEX], b[CP_ID_HEX];

	CP_TRY(cp_buf_printf(out, err, "device %s of project %s goes on with ", cp_hex(a, old->bytes, 16), cp_hex(b, project->bytes, 16)));
	CP_TRY(cp_pubkey_print(out, key, err));
	return cp_buf_puts(out, "\n", err);
}

/* The base64 of the armoured signature, in one line. */
static enum cp_code sign(struct cp_buf *out, const struct cp_seckey *key, const struct cp_buf *text, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_SSHSIG_ARMOR_MAX), raw = CP_BUF(CP_SSHSIG_ARMOR_MAX);

	CP_TRY(cp_sshsig_sign(&armor, key, CP_SUCCESSOR_NAMESPACE, text->data, text->len, false, err));
	if (!cp_ssharmor_read(&raw, ARMOR, armor.data, armor.len))
		return cp_fail(err, CP_EIO, "a signature that cannot be read back");
	return cp_base64_add(out, raw.data, raw.len, err);
}

static bool is_signed_by(const struct cp_pubkey *key, const char *proof, size_t len, const struct cp_buf *text)
{
	CP_AUTO(buf) struct cp_buf raw = CP_BUF(CP_SSHSIG_ARMOR_MAX), armor = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	struct cp_pubkey signer;

	return cp_base64_read(&raw, proof, len, NULL) == CP_OK && cp_ssharmor_add(&armor, ARMOR, raw.data, raw.len, NULL) == CP_OK &&
		cp_sshsig_verify(&signer, armor.data, armor.len, CP_SUCCESSOR_NAMESPACE, text->data, text->len, NULL) == CP_OK &&
		memcmp(&signer, key, sizeof signer) == 0;
}

enum cp_code cp_successor_words(struct cp_store *s, struct cp_buf *words, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf proof = CP_BUF(PROOF_MAX);
	char old[CP_ID_HEX];

	CP_TRY(cp_meta_get(s, "succession", &proof, err));
	return cp_buf_printf(words, err, "\n\n" TRAILER ": %s%s%s", cp_hex(old, s->me.copy_of.bytes, 16), proof.len ? " " : "",
			proof.len ? proof.data : "");
}

/* proof and *len: what stands behind the id, "" where nothing does. */
static bool read_trailer(const struct cp_commit *c, struct cp_id *old, const char **proof, size_t *len)
{
	char hex[CP_ID_HEX];
	const char *text;

	if (!cp_commit_trailer(c, TRAILER, 0, &text, len) || *len < 32 || (*len > 32 && text[32] != ' ') || *len > PROOF_MAX)
		return false;
	snprintf(hex, sizeof hex, "%.32s", text);
	*proof = *len > 33 ? text + 33 : "";
	*len = *len > 33 ? *len - 33 : 0;
	return cp_unhex(old->bytes, 16, hex);
}

bool cp_successor_read(const struct cp_commit *c, struct cp_id *old)
{
	const char *proof;
	size_t len;

	return read_trailer(c, old, &proof, &len);
}

static enum cp_code see_first(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_id old;

	(void)oid, (void)err;
	if (c->n_parents == 0)
		*(bool *)user = cp_successor_read(c, &old);
	return CP_OK;
}

enum cp_code cp_is_successor(struct cp_store *s, const struct cp_oid *tip, bool *out, struct cp_err *err)
{
	*out = false;
	return *tip->hex ? cp_repo_walk(s->history, tip->hex, "", see_first, out, err) : CP_OK;
}

/* ---- the device ------------------------------------------------------------------------------- */

enum cp_code cp_is_invited(struct cp_store *s, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM replicas WHERE id = ?1 AND state = 'invited'", "d", &s->me.replica));
	*out = n != 0;
	return CP_OK;
}

/* By the key of the device that the new line will name, where that is the old one and can be opened; for any other a lead lets it
 * in: one that never wrote anything is not heard of. */
static enum cp_code prove(struct cp_store *s, const struct cp_pubkey *key, struct cp_buf *proof, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(1024);
	const struct cp_seckey *old;
	struct cp_author author;
	struct cp_pubkey signer;
	struct cp_id of;
	bool known;

	if (cp_store_key(s, &old, NULL) != CP_OK)
		return CP_OK;
	cp_seckey_public(&signer, old);
	CP_TRY(cp_copy_latest(s, &of, err));
	CP_TRY(cp_copy_author(s, &of, &author, &known, err));
	if (!known || memcmp(&author.key, &signer, sizeof signer) != 0)
		return CP_OK;
	CP_TRY(cp_successor_text(&text, &s->me.project, &of, key, err));
	return sign(proof, old, &text, err);
}

/* Everything on my line that no receipt names. */
static enum cp_code seal_rest_again(struct cp_store *s, int64_t *again, struct cp_err *err)
{
	int64_t no, saved;

	CP_TRY(cp_again_begin(s, &saved, err));
	CP_TRY(cp_query_int(s, &no, 0, err, "SELECT coalesce(max(c.no), 0) FROM commits c JOIN peers p ON p.acked = c.oid WHERE c.replica = ?1",
			"d", &s->me.replica));
	for (;;) {
		CP_TRY(cp_query_int(s, &no, 0, err, "SELECT min(no) FROM commits WHERE replica = ?1 AND no > ?2 AND verdict = 'accepted'"
				" AND is_private = 0", "di", &s->me.replica, no));
		if (no == 0)
			return cp_again_end(s, saved, err);
		CP_TRY(cp_seal_again(s, no, "was signed with a key that is no longer used", again, err));
	}
}

static enum cp_code go_on(struct cp_store *s, const char *key_path, const struct cp_pubkey *key, bool *proven, int64_t *again,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf proof = CP_BUF(PROOF_MAX);

	CP_TRY(prove(s, key, &proof, err));
	CP_TRY(seal_rest_again(s, again, err));
	CP_TRY(cp_copy_go_on(s, key, &(struct cp_id){ { 0 } }, false, err));
	CP_TRY(cp_meta_set(s, "succession", proof.data, proof.len, err));
	CP_TRY(cp_meta_set(s, "key", key_path, strlen(key_path), err));
	*proven = proof.len > 0;
	return CP_OK;
}

static enum cp_code check_may(struct cp_store *s, const struct cp_pubkey *key, struct cp_err *err)
{
	struct cp_id id;
	int64_t known;

	if (!cp_store_has_project(s))
		return cp_fail(err, CP_EINPUT, "%s: has opened no bundle yet; `casepack key use` names another key", s->path);
	if (s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: is a hub, whose devices know it by its key; let a lead add another one with `casepack"
				" person add %s --key FILE.pub%s`", s->path, s->me.pseudonym, s->me.is_relay ? "" : " --hub");
	cp_replica_id(&id, &s->me.project, key);
	CP_TRY(cp_query_int(s, &known, 0, err, "SELECT 1 FROM replicas WHERE public_key = ?1", "b", key->bytes, sizeof key->bytes));
	return known || cp_id_equal(&id, &s->me.replica) ? cp_fail(err, CP_EINPUT, "that key is a device's already; `casepack key new NAME`"
			" makes another one") : CP_OK;
}

enum cp_code cp_succeed(struct cp_store *s, const char *key_path, bool *proven, int64_t *again, struct cp_err *err)
{
	CP_AUTO(str) char *whole = realpath(key_path, NULL);
	struct cp_pubkey key;
	enum cp_code code;

	*proven = false;
	*again = 0;
	if (whole == NULL)
		return cp_fail(err, CP_EKEY, "%s: no such key; `casepack key new` makes one", key_path);
	CP_TRY(cp_public_key(&key, whole, err));
	CP_TRY(check_may(s, &key, err));
	CP_TRY(cp_txn_begin(s, err));
	code = go_on(s, whole, &key, proven, again, err);
	if (code == CP_OK)
		code = cp_txn_commit(s, err);
	if (code != CP_OK) {
		cp_txn_rollback(s);
		return code;
	}
	cp_seckey_drop(&s->key);
	cp_token_write(s);
	return cp_store_read_me(s, err);
}

/* ---- meeting them at a hub ---------------------------------------------------------------------- */

struct noting { struct cp_store *s; struct cp_author *copies; size_t n; /* that the bundle has brought so far */ };

/* A copy that nobody has heard of answers with the key of what it was copied from. */
static enum cp_code note_copy(struct noting *n, const struct cp_change_commit *c, struct cp_err *err)
{
	struct cp_author root;
	struct cp_id copy_of;
	bool is_proven;

	CP_TRY(cp_copy_proves(n->s, c, &root, &copy_of, &is_proven, err));
	if (!is_proven)
		return CP_OK;
	n->copies = reallocarray(n->copies, n->n + 1, sizeof *n->copies);
	if (n->copies == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	root.replica = c->replica;
	n->copies[n->n++] = root;
	return CP_OK;
}

/* Whom a new line says that it goes on for: on the roster, noted itself, or a copy that comes with it. */
static enum cp_code find_old(const struct noting *n, const struct cp_id *id, struct cp_author *old, bool *known, struct cp_err *err)
{
	CP_TRY(cp_author_find(n->s, id, old, known, err));
	if (!*known)
		CP_TRY(cp_stranger_find(n->s, id, old, known, err));
	for (size_t i = 0; !*known && i < n->n; i++) {
		*old = n->copies[i];
		*known = cp_id_equal(&old->replica, id);
	}
	return CP_OK;
}

/* Its id follows from the key that signed. It goes on for no hub, whose id is others' home. */
static enum cp_code note(struct noting *n, const struct cp_change_commit *c, struct cp_err *err)
{
	struct cp_store *s = n->s;
	CP_AUTO(buf) struct cp_buf text = CP_BUF(1024);
	struct cp_author old;
	struct cp_pubkey signer;
	struct cp_id succeeds, id;
	const char *proof;
	int64_t is_hub;
	size_t len;
	bool known;

	if (!read_trailer(&c->commit, &succeeds, &proof, &len) || cp_commit_signer(&signer, &c->commit, NULL) != CP_OK)
		return CP_OK;
	cp_replica_id(&id, &s->me.project, &signer);
	if (!cp_id_equal(&id, &c->replica))
		return CP_OK;
	CP_TRY(find_old(n, &succeeds, &old, &known, err));
	CP_TRY(cp_query_int(s, &is_hub, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", &succeeds));
	if (!known || is_hub)
		return CP_OK;
	CP_TRY(cp_successor_text(&text, &s->me.project, &succeeds, &signer, err));
	return cp_run(s, err, "INSERT OR IGNORE INTO strangers(replica, public_key, succeeds, is_proven, since_us)"
			" VALUES(?1, ?2, ?3, ?4, ?5)", "dbdii", &id, signer.bytes, sizeof signer.bytes, &succeeds,
			(int64_t)is_signed_by(&old.key, proof, len, &text), cp_now_us());
}

static enum cp_code each_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	struct cp_change_commit c;
	enum cp_code code = CP_OK;

	(void)oid;
	if (strcmp(type, "commit") != 0)
		return CP_OK;
	if (cp_change_commit_read(&c, bytes, len, NULL) == CP_OK && *c.parent == '\0') {
		code = note_copy(user, &c, err);
		if (code == CP_OK)
			code = note(user, &c, err);
	}
	cp_change_commit_drop(&c);
	return code;
}

/* The new device stands where the old one did. An invitation has done what it is for; an older key may have signed what
 * is still on its way. */
static enum cp_code enter(struct cp_store *s, const struct cp_id *id, const struct cp_pubkey *key, const struct cp_id *old, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf state = CP_BUF(32);
	struct cp_author author;
	struct cp_id home;
	bool found;

	CP_TRY(cp_author_find(s, old, &author, &found, err));
	if (!found)
		return cp_fail(err, CP_EINPUT, "the device that it goes on for is not on the roster; trust that one first");
	CP_TRY(cp_query_id(s, &home, err, "SELECT home FROM replicas WHERE id = ?1 AND length(home) = 16", "d", old));
	CP_TRY(cp_query_text(s, &state, NULL, err, "SELECT state FROM replicas WHERE id = ?1", "d", old));
	CP_TRY(cp_edit_document(s, CP_T_REPLICAS, id, (struct cp_set[]){
			{ "person", cp_v_blob(author.person.bytes, 16) }, { "public_key", cp_v_blob(key->bytes, 32) },
			{ "copy_of", cp_v_blob(old->bytes, 16) }, { "home", cp_v_blob(home.bytes, cp_id_is_set(&home) ? 16 : 0) } }, 4,
			CP_EDIT_DERIVED, NULL, NULL, err));
	if (strcmp(state.data, "revoked") == 0)
		return CP_OK;
	return cp_edit_document(s, CP_T_REPLICAS, old, (struct cp_set[]){
			{ "state", cp_v_text(strcmp(state.data, "invited") == 0 ? "revoked" : "retired") } }, 1, CP_EDIT_DERIVED, NULL, NULL, err);
}

/* As one edit, with the words for history; ruling: a lead decided it. */
static enum cp_code enter_edit(struct cp_store *s, const struct cp_id *id, const struct cp_pubkey *key, const struct cp_id *old,
		const char *words, bool is_ruled, struct cp_err *err)
{
	char hex[CP_ID_HEX];
	enum cp_code code;

	CP_TRY(cp_edit_begin(s, err));
	code = enter(s, id, key, old, err);
	if (code == CP_OK && is_ruled)
		code = cp_ruling_write(s, cp_hex(hex, id->bytes, 16), "trust", "its key was compared with its owner", NULL, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

/* The next that has proved itself, where nobody else goes on for that device with a key of its own. */
static enum cp_code next_proven(struct cp_store *s, struct cp_id *id, struct cp_id *old, struct cp_pubkey *key, char pseudonym[64],
		bool *found, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT t.replica, t.succeeds, t.public_key, p.pseudonym FROM strangers t JOIN replicas r ON r.id = t.succeeds"
			" JOIN persons p ON p.id = r.person WHERE t.is_proven = 1 AND r.state IN ('active', 'invited') AND p.state = 'active'"
			" AND t.replica NOT IN (SELECT id FROM replicas) AND NOT EXISTS (SELECT 1 FROM replicas o WHERE o.copy_of = r.id"
			"  AND o.public_key <> r.public_key) ORDER BY t.since_us, t.replica LIMIT 1", ""));
	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	cp_col_id(q, 0, id);
	cp_col_id(q, 1, old);
	cp_col_hash(q, 2, (struct cp_hash *)(void *)key);
	snprintf(pseudonym, 64, "%s", cp_col_text(q, 3));
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_successors_enter(struct cp_store *s, struct cp_merged *out, struct cp_err *err)
{
	struct cp_id id, old;
	struct cp_pubkey key;
	char pseudonym[64], a[CP_ID_HEX], b[CP_ID_HEX];
	bool found, any = false;

	for (;;) {
		CP_TRY(next_proven(s, &id, &old, &key, pseudonym, &found, err));
		if (!found)
			return any ? cp_seal(s, NULL, err) : CP_OK;
		snprintf(out->copied, sizeof out->copied, "%s's device %.8s goes on as %.8s with another key, for which the old one signed",
				pseudonym, cp_hex(a, old.bytes, 16), cp_hex(b, id.bytes, 16));
		CP_TRY(enter_edit(s, &id, &key, &old, out->copied, false, err));
		any = true;
	}
}

/* Whoever signed the bundle is on the roster, or is noted. */
static enum cp_code is_by_somebody(struct cp_store *s, const struct cp_pubkey *signer, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM replicas WHERE public_key = ?1 UNION SELECT 1 FROM strangers WHERE public_key = ?1",
			"b", signer->bytes, sizeof signer->bytes));
	*out = n != 0;
	return CP_OK;
}

/* Of a bundle that is malformed anywhere, or that nobody answers for, nobody is noted. */
static enum cp_code note_all(struct cp_store *s, struct cp_bundle *b, struct cp_err *err)
{
	struct noting n = { .s = s };
	struct cp_err why = { CP_OK, "" };
	bool is_sound = false;
	enum cp_code code;

	CP_TRY(cp_txn_begin(s, err));
	code = cp_bundle_each_object(b, each_object, &n, err);
	free(n.copies);
	if (code == CP_OK && cp_taking_check(s, b, NULL, 0, &why) == CP_EFORMAT)
		code = cp_fail(err, why.code, "%s", why.text);
	if (code == CP_OK)
		code = is_by_somebody(s, cp_bundle_signer(b), &is_sound, err);
	if (code == CP_OK && is_sound)
		return cp_txn_commit(s, err);
	cp_txn_rollback(s);
	return code;
}

enum cp_code cp_successors_meet(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err)
{
	const struct cp_manifest *m = cp_bundle_manifest(b);
	struct cp_author sender;
	bool known;

	CP_TRY(cp_author_find(s, &m->sender, &sender, &known, err));
	if (!cp_id_equal(&m->project, &s->me.project) || (known && m->kind != CP_BUNDLE_RELAY))
		return CP_OK;
	CP_TRY(note_all(s, b, err));
	return s->me.is_relay ? CP_OK : cp_successors_enter(s, out, err);
}

/* ---- those who wait ------------------------------------------------------------------------------- */

/* Up to the device of the roster: one may go on for another that waits. */
#define PERSON_OF \
	"WITH RECURSIVE line(id) AS (SELECT t.succeeds UNION SELECT u.succeeds FROM strangers u JOIN line ON u.replica = line.id)" \
	" SELECT r.person FROM line JOIN replicas r ON r.id = line.id LIMIT 1"

enum cp_code cp_stranger_find(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found, struct cp_err *err)
{
	sqlite3_stmt *q;

	memset(out, 0, sizeof *out);
	out->replica = *replica;
	CP_TRY(cp_query(s, &q, err, "SELECT p.id, p.pseudonym, t.public_key FROM strangers t JOIN persons p ON p.id = (" PERSON_OF ")"
			" WHERE t.replica = ?1 AND t.replica NOT IN (SELECT id FROM replicas)", "d", replica));
	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	cp_col_id(q, 0, &out->person);
	snprintf(out->pseudonym, sizeof out->pseudonym, "%s", cp_col_text(q, 1));
	cp_col_hash(q, 2, (struct cp_hash *)(void *)&out->key);
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_stranger_each(struct cp_store *s, cp_stranger_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT t.replica, t.succeeds, t.public_key, p.pseudonym, t.since_us, (SELECT count(*) FROM waiting w"
			" WHERE substr(w.branch, 9, 32) = lower(hex(t.replica))) FROM strangers t JOIN persons p ON p.id = (" PERSON_OF ")"
			" WHERE t.replica NOT IN (SELECT id FROM replicas) ORDER BY p.pseudonym, t.since_us, t.replica", ""));
	for (;;) {
		struct cp_stranger one;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &one.replica);
		cp_col_id(q, 1, &one.succeeds);
		cp_col_hash(q, 2, (struct cp_hash *)(void *)&one.key);
		one.pseudonym = cp_col_text(q, 3);
		one.since_us = sqlite3_column_int64(q, 4);
		one.waiting = sqlite3_column_int64(q, 5);
		code = visit(user, &one, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

struct seeking { const char *pseudonym, *fingerprint; struct cp_stranger found; size_t n; };

static enum cp_code seek(void *user, const struct cp_stranger *one, struct cp_err *err)
{
	struct seeking *k = user;
	bool fits = false;

	if (strcmp(one->pseudonym, k->pseudonym) == 0)
		CP_TRY(cp_pubkey_fits(&one->key, k->fingerprint, &fits, err));
	if (fits) {
		k->found = *one;
		k->n++;
	}
	return CP_OK;
}

enum cp_code cp_stranger_trust(struct cp_store *s, const char *pseudonym, const char *fingerprint, struct cp_merged *out,
		struct cp_err *err)
{
	struct seeking k = { pseudonym, fingerprint, { .waiting = 0 }, 0 };
	char words[160], hex[CP_ID_HEX];

	memset(out, 0, sizeof *out);
	if (!s->me.is_hub || s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: devices are trusted at a lead's hub", s->path);
	CP_TRY(cp_stranger_each(s, seek, &k, err));
	if (k.n == 0)
		return cp_fail(err, CP_ENOTFOUND, "no new key of %s has that fingerprint; `casepack quarantine` lists those that wait", pseudonym);
	snprintf(words, sizeof words, "roster: %s's device %.8s, with a new key", pseudonym, cp_hex(hex, k.found.replica.bytes, 16));
	CP_TRY(enter_edit(s, &k.found.replica, &k.found.key, &k.found.succeeds, words, true, err));
	CP_TRY(cp_seal(s, NULL, err));
	return cp_take_waiting(s, out, err);
}
