#include "sync/attest.h"

#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/changes.h"
#include "sync/inner.h"

struct cp_attested { int64_t no; struct cp_attest what; };

void cp_attests_drop(struct cp_attests *a)
{
	free(a->list);
	a->list = NULL;
	a->n = 0;
}

/* ---- the device, as the roster has it ---------------------------------------------------------- */

static enum cp_code read_device(struct cp_store *s, const struct cp_id *replica, struct cp_attest *out, struct cp_pubkey *key,
		bool *has_key, struct cp_err *err)
{
	static const char *const states[] = { "retired", "revoked" };
	sqlite3_stmt *q;
	bool row;

	cp_hex(out->device, replica->bytes, sizeof replica->bytes);
	out->device_state = "";
	*has_key = false;
	CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), r.state, length(r.copy_of) = 16, r.public_key FROM replicas r"
			" LEFT JOIN persons p ON p.id = r.person WHERE r.id = ?1", "d", replica));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(out->who, sizeof out->who, "%s", cp_col_text(q, 0));
	if (sqlite3_column_int(q, 2))
		out->device_state = "copy";
	for (size_t i = 0; i < 2; i++)
		if (strcmp(cp_col_text(q, 1), states[i]) == 0)
			out->device_state = states[i];
	*has_key = sqlite3_column_bytes(q, 3) == (int)sizeof key->bytes;
	if (*has_key)
		memcpy(key->bytes, sqlite3_column_blob(q, 3), sizeof key->bytes);
	sqlite3_reset(q);
	return CP_OK;
}

/* ---- the commit -------------------------------------------------------------------------------- */

static bool is_signed_by(const struct cp_commit *c, const struct cp_pubkey *key)
{
	struct cp_pubkey signer;

	return cp_commit_signer(&signer, c, NULL) == CP_OK && memcmp(signer.bytes, key->bytes, sizeof key->bytes) == 0;
}

/* The object bears the name that the database has for it, and the roster's key has signed it. */
static enum cp_code read_commit(struct cp_store *s, int64_t no, const struct cp_pubkey *key, bool has_key, struct cp_attest *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);
	struct cp_commit c;
	struct cp_oid name;
	const char *text;
	size_t len;

	out->signature = "bad";
	if (cp_change_commit_bytes(s, no, &bytes, NULL) != CP_OK || cp_commit_read(&c, bytes.data, bytes.len, NULL) != CP_OK)
		return CP_OK;
	enum cp_code code = cp_repo_name(&name, "commit", bytes.data, bytes.len, err);
	if (code == CP_OK && strcmp(name.hex, out->commit) == 0)
		out->signature = !has_key ? "unknown" : is_signed_by(&c, key) ? "good" : "bad";
	if (code == CP_OK && cp_commit_trailer(&c, "Casepack-Applied", 0, &text, &len) && len == 40)
		memcpy(out->applied, text, len);
	cp_commit_drop(&c);
	return code;
}

/* A hub has its own time of receipt; a device the first that a hub told it, or when it heard that its hub holds the commit. */
static enum cp_code read_times(struct cp_store *s, int64_t no, struct cp_attest *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT c.oid, CASE WHEN ?2 OR c.is_private THEN c.received_us ELSE coalesce((SELECT min(v.received_us)"
			" FROM verdicts v WHERE v.oid = c.oid AND v.hub <> c.replica AND v.verdict = 'accepted'), c.acked_us) END, c.is_far"
			" FROM commits c WHERE c.no = ?1", "ii", no, (int64_t)s->me.is_hub));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(out->commit, sizeof out->commit, "%s", cp_col_text(q, 0));
	out->received_us = sqlite3_column_int64(q, 1);
	out->is_far = sqlite3_column_int(q, 2) != 0;
	sqlite3_reset(q);
	return CP_OK;
}

static enum cp_code look_at(struct cp_attests *a, const struct cp_doc_edit *e, struct cp_attest *out, struct cp_err *err)
{
	struct cp_pubkey key;
	bool has_key;

	memset(out, 0, sizeof *out);
	out->signature = "unsealed";
	CP_TRY(read_device(a->s, &e->replica, out, &key, &has_key, err));
	if (e->commit_no < 0)
		return CP_OK;
	CP_TRY(read_times(a->s, e->commit_no, out, err));
	return read_commit(a->s, e->commit_no, &key, has_key, out, err);
}

enum cp_code cp_attest_edit(struct cp_attests *a, const struct cp_doc_edit *e, struct cp_attest *out, struct cp_err *err)
{
	struct cp_attested *list;
	size_t i = 0;

	while (i < a->n && a->list[i].no != e->commit_no)
		i++;
	if (i == a->n) {
		list = reallocarray(a->list, a->n + 1, sizeof *list);
		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		a->list = list;
		CP_TRY(look_at(a, e, &list[i].what, err));
		list[i].no = e->commit_no;
		a->n++;
	}
	*out = a->list[i].what;
	out->claimed_us = e->clock;
	if (out->claimed_us < 1000000) /* derived from an import: no clock of its own */
		out->claimed_us = out->received_us;
	return CP_OK;
}
