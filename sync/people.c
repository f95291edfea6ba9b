#include "sync/people.h"

#include <string.h>

#include "formats/file.h"
#include "formats/text.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/outbound.h"
#include "sync/secrets.h"

/* BCP 47 as far as it matters: subtags of letters and digits joined by hyphens, separated by commas. */
static bool locales_are_good(const char *text)
{
	size_t subtag = 0;

	for (const char *p = text; *p; p++) {
		bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');

		if (is_letter && ++subtag > 8)
			return false;
		if (!is_letter && (subtag == 0 || (*p != '-' && *p != ',')))
			return false;
		if (!is_letter)
			subtag = 0;
	}
	return subtag > 0;
}

static enum cp_code check_person(const struct cp_person_add *p, struct cp_err *err)
{
	size_t n = strlen(p->pseudonym);
	static const char *const roles[] = { "lead", "relay", "rater", "auditor" };
	bool known = p->role == NULL || *p->role == '\0';

	if (n < 1 || n > 31 || strspn(p->pseudonym, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n ||
			*p->pseudonym == '_' || *p->pseudonym == '-')
		return cp_fail(err, CP_EINPUT, "\"%s\": a pseudonym is 1 to 31 of a-z, 0-9, _ and -", p->pseudonym);
	for (size_t i = 0; i < 4; i++)
		known = known || strcmp(p->role, roles[i]) == 0;
	if (!known)
		return cp_fail(err, CP_EUSAGE, "\"%s\" is none of lead, relay, rater, auditor", p->role);
	if (p->locales != NULL && *p->locales && !locales_are_good(p->locales))
		return cp_fail(err, CP_EUSAGE, "\"%s\" is not a list of locales like en-US,fr", p->locales);
	if ((p->vendor != NULL && !cp_utf8_valid(p->vendor, strlen(p->vendor))) ||
			(p->name != NULL && !cp_utf8_valid(p->name, strlen(p->name))))
		return cp_fail(err, CP_EINPUT, "%s: name and vendor must be UTF-8", p->pseudonym);
	return CP_OK;
}

static enum cp_code read_key(const char *path, struct cp_pubkey *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(16384);
	enum cp_code code;

	code = cp_file_read(&line, path, err);
	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_EINPUT, "%s: no such key file", path);
	CP_TRY(code);
	code = cp_pubkey_read(out, line.data ? line.data : "", line.len, err);
	return code == CP_OK ? CP_OK : cp_fail(err, CP_EINPUT, "%s: not an ssh-ed25519 public key (the .pub file)", path);
}

static enum cp_code add_device(struct cp_store *s, const struct cp_person_add *p, const struct cp_id *person,
		bool *changed, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_pubkey key;
	struct cp_id id;
	bool found, is_relay, is_lead;

	CP_TRY(read_key(p->key_path, &key, err));
	CP_TRY(cp_row_get(s, CP_T_PERSONS, person, row, &found, err));
	is_relay = found && row[4].len == strlen("relay") && memcmp(row[4].bytes, "relay", row[4].len) == 0;
	is_lead = found && row[4].len == strlen("lead") && memcmp(row[4].bytes, "lead", row[4].len) == 0;
	if (p->is_hub && !is_lead)
		return cp_fail(err, CP_EINPUT, "%s: only a lead's device can be a hub; say --role lead too", p->pseudonym);
	if (p->is_invitation && (is_relay || p->is_hub))
		return cp_fail(err, CP_EINPUT, "%s: a hub's key cannot be replaced, so that it cannot be invited; let its owner make one"
				" with `casepack key new`", p->pseudonym);
	cp_replica_id(&id, &s->me.project, &key);
	CP_TRY(cp_row_get(s, CP_T_REPLICAS, &id, row, &found, err));
	if (found && (row[3].len != 16 || memcmp(row[3].bytes, person->bytes, 16) != 0))
		return cp_fail(err, CP_EINPUT, "%s: this key is somebody else's", p->key_path);
	if (found && row[6].len == strlen("revoked") && memcmp(row[6].bytes, "revoked", row[6].len) == 0)
		return cp_fail(err, CP_EINPUT, "%s: this key was revoked; its owner makes another (`casepack key new`), goes on with it (`casepack key"
				" replace`) and returns; then say `casepack person trust %s`", p->key_path, p->pseudonym);
	return cp_edit_document(s, CP_T_REPLICAS, &id, (struct cp_set[]){
			{ "person", cp_v_blob(person->bytes, 16) }, { "public_key", cp_v_blob(key.bytes, 32) },
			{ "is_hub", cp_v_int(is_relay || p->is_hub || (found && row[5].integer)) },
			{ "state", cp_v_text("invited") } }, p->is_invitation ? 4 : 3, CP_EDIT_PLAIN, NULL, changed, err);
}

/* A lead's hub, or a relay's device: by its owner's pseudonym where she has one, or as its id begins. */
static enum cp_code find_hub(struct cp_store *s, const char *hub, struct cp_id *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	size_t n = 0;

	*out = s->me.replica;
	if (strcmp(hub, s->me.pseudonym) == 0) /* who was put back has another on the roster, which is nobody now */
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT r.id FROM replicas r JOIN persons p ON p.id = r.person WHERE r.is_hub = 1 AND r.state = 'active'"
			" AND (p.pseudonym = ?1 OR (length(?1) >= 8 AND substr(lower(hex(r.id)), 1, length(?1)) = lower(?1)))", "t", hub));
	for (;; n++) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		cp_col_id(q, 0, out);
	}
	if (n == 0)
		return cp_fail(err, CP_EINPUT, "%s: has no hub; `casepack person add %s --key FILE.pub` makes one, of a lead with --role lead --hub,"
				" of a relay with --role relay", hub, hub);
	return n == 1 ? CP_OK : cp_fail(err, CP_EINPUT, "%s: has several hubs; say the first eight digits or more of the device's id, as"
			" `casepack person devices %s` lists them", hub, hub);
}

/* Every device of the person takes its material there from now on. */
static enum cp_code move_home(struct cp_store *s, const struct cp_id *person, const struct cp_id *home, bool *changed,
		struct cp_err *err)
{
	struct cp_id list[64];
	size_t n = 0;
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM replicas WHERE person = ?1 ORDER BY id LIMIT 64", "d", person));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		cp_col_id(q, 0, &list[n++]);
	}
	for (size_t i = 0; i < n; i++) {
		bool one;

		CP_TRY(cp_edit_document(s, CP_T_REPLICAS, &list[i], (struct cp_set[]){ { "home", cp_v_blob(home->bytes, 16) } }, 1,
				CP_EDIT_PLAIN, NULL, &one, err));
		*changed = *changed || one;
	}
	return CP_OK;
}

/* Only who gives to them now can tell them, as the last thing that it gives. */
static enum cp_code check_giver(struct cp_store *s, const struct cp_device *d, struct cp_err *err)
{
	const struct cp_id none = { { 0 } };
	CP_AUTO(buf) struct cp_buf name = CP_BUF(256);
	char hex[CP_ID_HEX];
	struct cp_id giver;

	CP_TRY(cp_outbound_giver(s, &d->replica, &giver, err));
	if (cp_id_equal(&giver, &none) || cp_id_equal(&giver, &s->me.replica))
		return CP_OK;
	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE r.id = ?1 AND r.state = 'active'", "d", &giver));
	return name.len == 0 ? CP_OK : cp_fail(err, CP_EINPUT, "%s: is given to by %s's hub %.8s; say it there, so that its devices learn of it"
			" (if that one is lost, `casepack person revoke %s --device %.8s` first)", d->pseudonym, name.data, cp_hex(hex, giver.bytes, 16),
			name.data, hex);
}

static enum cp_code devices_of(struct cp_store *s, const struct cp_id *person, const char *pseudonym, struct cp_device list[64],
		size_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM replicas WHERE person = ?1 AND state IN ('active', 'invited') ORDER BY id LIMIT 64", "d", person));
	for (*n = 0;; ++*n) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &list[*n].replica);
		list[*n].person = *person;
		snprintf(list[*n].pseudonym, sizeof list[*n].pseudonym, "%s", pseudonym);
	}
}

struct moving { struct cp_id person; struct cp_device list[64]; size_t n; };

static enum cp_code check_moving(struct cp_store *s, const char *pseudonym, struct moving *m, struct cp_err *err)
{
	CP_TRY(cp_person_find(s, pseudonym, &m->person, err));
	CP_TRY(devices_of(s, &m->person, pseudonym, m->list, &m->n, err));
	for (size_t i = 0; i < m->n; i++)
		CP_TRY(check_giver(s, &m->list[i], err));
	return CP_OK;
}

static enum cp_code write_home(struct cp_store *s, const struct cp_id *person, const char *pseudonym, const struct cp_id *home,
		const char *hub, bool *changed, struct cp_err *err)
{
	char words[160];
	enum cp_code code;

	snprintf(words, sizeof words, "roster: %s's devices are given to by %s", pseudonym, hub);
	CP_TRY(cp_edit_begin(s, err));
	code = move_home(s, person, home, changed, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

/* Its devices hear of it from the hub that they know, as the last thing that it gives. */
static enum cp_code move(struct cp_store *s, const char *pseudonym, const struct cp_id *home, const char *hub, size_t *moved,
		struct cp_err *err)
{
	struct moving m;
	bool changed = false;

	CP_TRY(check_moving(s, pseudonym, &m, err));
	CP_TRY(write_home(s, &m.person, pseudonym, home, hub, &changed, err));
	if (!changed)
		return CP_OK;
	++*moved;
	for (size_t i = 0; i < m.n; i++) {
		struct cp_oid tip;

		CP_TRY(cp_outbound_give(s, &m.list[i], &tip, err));
	}
	return CP_OK;
}

enum cp_code cp_person_home(struct cp_store *s, const char *const *pseudonyms, size_t n, const char *hub, size_t *moved, struct cp_err *err)
{
	const struct cp_seckey *key;
	struct moving m;
	struct cp_id home;

	*moved = 0;
	if (!s->me.is_hub || s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s: homes are named at a lead's hub", s->path);
	for (size_t i = 0; i < n; i++)
		CP_TRY(check_moving(s, pseudonyms[i], &m, err));
	CP_TRY(find_hub(s, hub, &home, err));
	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_secrets_load(s, err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(move(s, pseudonyms[i], &home, hub, moved, err));
	return CP_OK;
}

/* A further device is given to by the hub that gives to the others. */
static enum cp_code share_home(struct cp_store *s, const struct cp_id *person, bool *changed, struct cp_err *err)
{
	struct cp_id home;

	CP_TRY(cp_query_id(s, &home, err, "SELECT home FROM replicas WHERE person = ?1 AND length(home) = 16 AND state = 'active'"
			" ORDER BY id LIMIT 1", "d", person));
	return cp_id_is_set(&home) ? move_home(s, person, &home, changed, err) : CP_OK;
}

static enum cp_code write_person(struct cp_store *s, const struct cp_person_add *p, const struct cp_id *id,
		bool *changed, struct cp_err *err)
{
	struct cp_set sets[4] = { { "pseudonym", cp_v_text(p->pseudonym) } };
	const char *const names[] = { "role", "locales", "vendor" };
	const char *const values[] = { p->role, p->locales, p->vendor };
	bool device = false, name = false;
	size_t n = 1;

	for (int i = 0; i < 3; i++)
		if (values[i] != NULL && *values[i])
			sets[n++] = (struct cp_set){ names[i], cp_v_text(values[i]) };
	CP_TRY(cp_edit_document(s, CP_T_PERSONS, id, sets, n, CP_EDIT_PLAIN, NULL, changed, err));
	if (p->name != NULL && *p->name && s->private != NULL)
		CP_TRY(cp_edit_document(s, CP_T_NAMES, id, (struct cp_set[]){ { "name", cp_v_text(p->name) } }, 1,
				CP_EDIT_PLAIN, NULL, &name, err));
	if (p->key_path != NULL && *p->key_path)
		CP_TRY(add_device(s, p, id, &device, err));
	if (device && (p->home == NULL || *p->home == '\0'))
		CP_TRY(share_home(s, id, &device, err));
	if (p->home != NULL && *p->home) {
		struct cp_id home;

		CP_TRY(find_hub(s, p->home, &home, err));
		CP_TRY(move_home(s, id, &home, &device, err));
	}
	*changed = *changed || device || name;
	return CP_OK;
}

enum cp_code cp_person_add(struct cp_store *s, const struct cp_person_add *p, bool *out_changed, struct cp_err *err)
{
	struct cp_id id;
	char words[128];
	enum cp_code code;

	CP_TRY(check_person(p, err));
	if (p->is_hub && (p->key_path == NULL || *p->key_path == '\0'))
		return cp_fail(err, CP_EUSAGE, "%s: --hub is about a device; name its key with --key", p->pseudonym);
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: people are added at the hub", s->path);
	cp_person_id(&id, &s->me.project, p->pseudonym);
	snprintf(words, sizeof words, "roster: %s%s", p->pseudonym, p->key_path && *p->key_path ? " with a device" : "");
	CP_TRY(cp_edit_begin(s, err));
	code = write_person(s, p, &id, out_changed, err);
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

enum cp_code cp_person_each(struct cp_store *s, cp_person_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT p.id, p.pseudonym, p.role, p.locales, p.vendor, p.state, coalesce(n.name, ''),"
			" (SELECT count(*) FROM replicas r WHERE r.person = p.id),"
			" (SELECT count(*) FROM assignments a WHERE a.person = p.id AND a.state = 'given'),"
			" (SELECT count(*) FROM assignments a JOIN judgments j ON j.id = a.id WHERE a.person = p.id)"
			" FROM persons p LEFT JOIN names n ON n.id = p.id ORDER BY p.pseudonym", ""));
	for (;;) {
		struct cp_person_row r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &r.id);
		r.pseudonym = cp_col_text(q, 1);
		r.role = cp_col_text(q, 2);
		r.locales = cp_col_text(q, 3);
		r.vendor = cp_col_text(q, 4);
		r.state = cp_col_text(q, 5);
		r.name = cp_col_text(q, 6);
		r.devices = sqlite3_column_int64(q, 7);
		r.assigned = sqlite3_column_int64(q, 8);
		r.submitted = sqlite3_column_int64(q, 9);
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_person_find(struct cp_store *s, const char *pseudonym, struct cp_id *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM persons WHERE pseudonym = ?1", "t", pseudonym));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_ENOTFOUND, "%s: nobody of that pseudonym; `casepack person list` shows who there is", pseudonym);
	cp_col_id(q, 0, out);
	sqlite3_reset(q);
	return CP_OK;
}
