#include "sync/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/settle.h"

/* ---- opening ---------------------------------------------------------------------------------- */

struct opener { struct cp_store *s; bool for_others; };

/* By the public half beside the key, or else by the roster: neither needs a passphrase. */
static enum cp_code my_public_key(struct cp_store *s, struct cp_pubkey *out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	if (*s->key_path == '\0')
		return cp_fail(err, CP_EKEY, "is encrypted, and no key is named here; `casepack key use FILE` names one");
	if (cp_public_key(out, s->key_path, NULL) == CP_OK)
		return CP_OK;
	CP_TRY(cp_row_get(s, CP_T_REPLICAS, &s->me.replica, row, &found, err));
	if (!found || row[4].len != sizeof out->bytes)
		return cp_public_key(out, s->key_path, err);
	memcpy(out->bytes, row[4].bytes, sizeof out->bytes);
	return CP_OK;
}

static enum cp_code unlock_as_me(void *user, struct cp_agein *file, struct cp_err *err)
{
	struct opener *o = user;
	const struct cp_seckey *key;
	struct cp_pubkey public;

	CP_TRY(my_public_key(o->s, &public, err));
	o->for_others = !cp_agein_is_to(file, &public);
	if (o->for_others)
		return cp_fail(err, CP_EKEY, "is encrypted, and not to this workspace's key");
	CP_TRY(cp_store_key(o->s, &key, err));
	return cp_agein_unlock(file, key, err);
}

enum cp_code cp_envelope_open(struct cp_store *s, const char *path, struct cp_bundle **out, bool *for_others, struct cp_err *err)
{
	struct opener o = { s, false };
	enum cp_code code = cp_bundle_open_with(out, path, &s->limits, unlock_as_me, &o, err);

	if (for_others != NULL)
		*for_others = o.for_others;
	return code;
}

struct key_file { const char *path; cp_passphrase_ask *ask; void *user; };

static enum cp_code unlock_with_file(void *user, struct cp_agein *file, struct cp_err *err)
{
	const struct key_file *k = user;
	CP_AUTO(seckey) struct cp_seckey key = { .is_set = false };
	struct cp_pubkey public;

	if (cp_public_key(&public, k->path, NULL) == CP_OK && !cp_agein_is_to(file, &public))
		return cp_fail(err, CP_EKEY, "is encrypted, and not to the key %s", k->path);
	CP_TRY(cp_key_read(&key, k->path, k->ask, k->user, err));
	return cp_agein_unlock(file, &key, err);
}

enum cp_code cp_envelope_open_with(const char *key_path, cp_passphrase_ask *ask, void *user, const char *path,
		struct cp_bundle **out, struct cp_err *err)
{
	struct key_file k = { key_path, ask, user };

	return key_path == NULL ? cp_bundle_open(out, path, &cp_limits_default, err)
		: cp_bundle_open_with(out, path, &cp_limits_default, unlock_with_file, &k, err);
}

/* ---- writing ---------------------------------------------------------------------------------- */

static enum cp_code recipient_key(struct cp_store *s, const struct cp_id *replica, struct cp_pubkey *out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	char hex[CP_ID_HEX];
	bool found;

	CP_TRY(cp_row_get(s, CP_T_REPLICAS, replica, row, &found, err));
	if (!found || row[4].len != sizeof out->bytes)
		return cp_fail(err, CP_EINPUT, "device %.8s has no key on the roster, so nothing can be encrypted to it",
				cp_hex(hex, replica->bytes, sizeof replica->bytes));
	memcpy(out->bytes, row[4].bytes, sizeof out->bytes);
	return CP_OK;
}

static bool is_recipient(const struct cp_manifest *m, const struct cp_id *replica)
{
	for (size_t i = 0; i < m->n_recipients; i++)
		if (cp_id_equal(&m->recipients[i], replica))
			return true;
	return false;
}

#define MAX_HUBS 64

/* Work is every lead's: where one hub is lost another takes it in, from the same stick. */
static enum cp_code add_leads(struct cp_store *s, const struct cp_manifest *m, struct cp_pubkey *keys, size_t *n, struct cp_err *err)
{
	size_t most = *n + MAX_HUBS;
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT r.id, r.public_key FROM replicas r JOIN persons p ON p.id = r.person WHERE r.is_hub = 1"
			" AND r.state = 'active' AND p.role = 'lead' AND p.state = 'active' AND length(r.public_key) = 32 ORDER BY r.id", ""));
	for (;;) {
		struct cp_id hub;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &hub);
		if (*n < most && !is_recipient(m, &hub))
			memcpy(keys[(*n)++].bytes, sqlite3_column_blob(q, 1), sizeof keys->bytes);
	}
}

enum cp_code cp_envelope_address(struct cp_store *s, struct cp_bundle_writer *w, const struct cp_manifest *m, struct cp_err *err)
{
	struct cp_pubkey *keys = calloc(m->n_recipients + MAX_HUBS, sizeof *keys);
	enum cp_code code = keys != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
	size_t n = 0;

	for (size_t i = 0; code == CP_OK && i < m->n_recipients; i++)
		code = recipient_key(s, &m->recipients[i], &keys[n++], err);
	if (code == CP_OK && (m->kind == CP_BUNDLE_RETURN || m->kind == CP_BUNDLE_RELAY))
		code = add_leads(s, m, keys, &n, err);
	if (code == CP_OK)
		code = cp_bundle_encrypt_to(w, keys, n, s->path, err);
	free(keys);
	return code;
}

/* ---- what the project demands ------------------------------------------------------------------- */

enum cp_code cp_envelope_is_required(struct cp_store *s, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT encryption = 'required' FROM project WHERE id = ?1", "d", &s->me.project));
	*out = n != 0;
	return CP_OK;
}

enum cp_code cp_envelope_require(struct cp_store *s, bool is_required, bool *out_changed, struct cp_err *err)
{
	enum cp_code code;

	CP_TRY(cp_settle_check_lead(s, "sets what the project demands", err));
	CP_TRY(cp_edit_begin(s, err));
	code = cp_edit_document(s, CP_T_PROJECT, &s->me.project, (struct cp_set[]){
			{ "encryption", cp_v_text(is_required ? "required" : "") } }, 1, CP_EDIT_PLAIN, NULL, out_changed, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, is_required ? "bundles must be encrypted" : "bundles may be plain", err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

enum cp_code cp_envelope_check(struct cp_store *s, const struct cp_bundle *b, struct cp_err *err)
{
	bool is_required;

	CP_TRY(cp_envelope_is_required(s, &is_required, err));
	return !is_required || cp_bundle_is_encrypted(b) ? CP_OK
		: cp_fail(err, CP_ETRUST, "is not encrypted, and this project demands it; have its sender write it without --plain;"
				" nothing was changed");
}
