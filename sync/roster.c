#include "sync/roster.h"

#include <inttypes.h>
#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/people.h"
#include "sync/ruling.h"

#define DEVICES_MAX 64

struct choosing { struct cp_id list[DEVICES_MAX]; size_t n; int64_t named; /* of them, by the lead */ };

/* The person's, or the one whose id begins with these hex digits. */
#define CHOSEN "SELECT id FROM replicas WHERE person = ?1 AND state <> 'revoked' AND substr(lower(hex(id)), 1, length(?2)) = ?2"

static enum cp_code choose(struct cp_store *s, const struct cp_id *person, const char *device, struct choosing *c, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query_int(s, &c->named, 0, err, "SELECT count(*) FROM (" CHOSEN ")", "dt", person, device ? device : ""));
	CP_TRY(cp_query(s, &q, err, CP_GONE_WITH(CHOSEN) " SELECT id FROM replicas WHERE id IN gone AND state <> 'revoked' ORDER BY id LIMIT 64", "dt", person,
			device ? device : ""));
	for (c->n = 0;; c->n++) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &c->list[c->n]);
	}
}

static enum cp_code check(struct cp_store *s, const struct choosing *c, const char *pseudonym, const char *device, struct cp_err *err)
{
	if (c->n == 0)
		return cp_fail(err, CP_ENOTFOUND, "%s has no device%s%s that is not revoked; `casepack person devices %s` lists them", pseudonym,
				device ? " " : "", device ? device : "", pseudonym);
	if (device != NULL && c->named > 1)
		return cp_fail(err, CP_EINPUT, "%" PRId64 " devices of %s begin with %s; say more of the id", c->named, pseudonym, device);
	for (size_t i = 0; i < c->n; i++)
		if (cp_id_equal(&c->list[i], &s->me.replica))
			return cp_fail(err, CP_EINPUT, "that is this hub's own device; another lead's hub has to revoke it");
	return CP_OK;
}

static enum cp_code write(struct cp_store *s, const struct choosing *c, const char *reason, struct cp_err *err)
{
	char hex[CP_ID_HEX];

	for (size_t i = 0; i < c->n; i++) {
		CP_TRY(cp_edit_document(s, CP_T_REPLICAS, &c->list[i], (struct cp_set[]){ { "state", cp_v_text("revoked") } }, 1,
				CP_EDIT_PLAIN, NULL, NULL, err));
		CP_TRY(cp_ruling_write(s, cp_hex(hex, c->list[i].bytes, 16), "revoke", reason, NULL, err));
	}
	return CP_OK;
}

enum cp_code cp_roster_revoke(struct cp_store *s, const char *pseudonym, const char *device, const char *reason, int64_t *out_n,
		struct cp_err *err)
{
	struct choosing c;
	struct cp_id person;
	char words[160];
	enum cp_code code;

	*out_n = 0;
	if (!s->me.is_hub || s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: devices are revoked at a lead's hub", s->path);
	CP_TRY(cp_person_find(s, pseudonym, &person, err));
	CP_TRY(choose(s, &person, device, &c, err));
	CP_TRY(check(s, &c, pseudonym, device, err));
	snprintf(words, sizeof words, "roster: %s's device%s revoked", pseudonym, c.n == 1 ? " is" : "s are");
	CP_TRY(cp_edit_begin(s, err));
	code = write(s, &c, reason, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	*out_n = (int64_t)c.n;
	return code;
}

enum cp_code cp_device_each(struct cp_store *s, const char *pseudonym, cp_device_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT r.id, r.copy_of, r.public_key, coalesce(p.pseudonym, ''), coalesce(p.role, ''), r.state, r.is_hub,"
			" (SELECT count(*) FROM commits c WHERE c.replica = r.id AND c.verdict = 'accepted' AND c.is_private = 0) FROM replicas r"
			" LEFT JOIN persons p ON p.id = r.person WHERE ?1 IS NULL OR p.pseudonym = ?1 ORDER BY 4, r.clock, r.id", "t", pseudonym));
	for (;;) {
		struct cp_device_row d;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &d.id);
		cp_col_id(q, 1, &d.goes_on_for);
		cp_col_hash(q, 2, (struct cp_hash *)(void *)&d.key);
		d.pseudonym = cp_col_text(q, 3);
		d.role = cp_col_text(q, 4);
		d.state = cp_col_text(q, 5);
		d.is_hub = sqlite3_column_int(q, 6) != 0;
		d.commits = sqlite3_column_int64(q, 7);
		code = visit(user, &d, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
