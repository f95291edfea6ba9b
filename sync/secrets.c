#include "sync/secrets.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/gitobject.h"
#include "formats/needles.h"
#include "formats/text.h"
#include "sync/deliver.h"
#include "sync/inner.h"

#define WORD_MAX 24 /* bytes; longer values stand nowhere by chance */

/* Private columns, in the order in which they are read; the secret stands before them. */
static const struct { const char *name, *sql; bool is_of_person; } columns[] = {
	{ "the project's secret", NULL, false },
	{ "names.name", "SELECT name, id FROM names", true },
	{ "names.contact", "SELECT contact, id FROM names", true },
	{ "side_keys.side_a", "SELECT side_a, id FROM side_keys", false },
	{ "side_keys.side_b", "SELECT side_b, id FROM side_keys", false },
	{ "gold.reason", "SELECT reason, case_id FROM gold", false },
	{ "metrics.name", "SELECT name, min(case_id) FROM metrics GROUP BY name", false },
	{ "metrics.value", "SELECT value, case_id FROM metrics WHERE value IS NOT NULL", false },
};
enum { SECRET = 0, COLUMNS = sizeof columns / sizeof *columns };

struct cp_secrets { struct cp_needles all, secret; }; /* secret: what no hub may get in its public parts either */

/* ---- what there is -------------------------------------------------------------------------- */

void cp_secrets_drop(struct cp_store *s)
{
	if (s->secrets == NULL)
		return;
	cp_needles_drop(&s->secrets->all);
	cp_needles_drop(&s->secrets->secret);
	free(s->secrets);
	s->secrets = NULL;
}

static enum cp_code add_secret(struct cp_needles *n, const uint8_t secret[32], const struct cp_id *project, struct cp_err *err)
{
	char hex[CP_HASH_HEX];

	cp_hex(hex, secret, 32);
	CP_TRY(cp_needles_add(n, secret, 32, false, SECRET, project, err));
	CP_TRY(cp_needles_add(n, hex, 64, false, SECRET, project, err));
	for (char *p = hex; *p; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	CP_TRY(cp_needles_add(n, hex, 64, false, SECRET, project, err));
	for (size_t before = 0; before < 3; before++) { /* base64 of it has three faces, by where it begins */
		CP_AUTO(buf) struct cp_buf text = CP_BUF(128);
		uint8_t padded[34] = { 0 };

		memcpy(padded + before, secret, 32);
		CP_TRY(cp_base64_add(&text, padded, 32 + before, err));
		CP_TRY(cp_needles_add(n, text.data + (before * 8 + 5) / 6, 41, false, SECRET, project, err));
	}
	return CP_OK;
}

static bool is_plain_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')))
			return false;
	return true;
}

static bool may_stand(const struct cp_store *s, const char *value)
{
	for (size_t i = 0; i < s->n_may_hold; i++)
		if (strcmp(s->may_hold[i], value) == 0)
			return true;
	return false;
}

static enum cp_code add_column(struct cp_store *s, struct cp_needles *n, uint32_t column, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, columns[column].sql, ""));
	for (;;) {
		struct cp_id owner;
		const char *value;
		size_t len;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		value = cp_col_text(q, 0);
		len = strlen(value);
		cp_col_id(q, 1, &owner);
		if (len < CP_NEEDLE_MIN || may_stand(s, value) ||
				(strcmp(columns[column].name, "metrics.name") == 0 && is_plain_word(value, len)))
			continue;
		CP_TRY(cp_needles_add(n, value, len, len < WORD_MAX, column, &owner, err));
	}
}

static enum cp_code load(struct cp_store *s, struct cp_secrets *k, struct cp_err *err)
{
	uint8_t secret[32];
	enum cp_code code = s->private != NULL ? cp_store_secret(s, secret, err) : CP_ENOTFOUND;

	if (code != CP_OK && code != CP_ENOTFOUND)
		return code;
	if (code == CP_OK) { /* it may have been lost with private.git */
		CP_TRY(add_secret(&k->secret, secret, &s->me.project, err));
		CP_TRY(add_secret(&k->all, secret, &s->me.project, err));
	}
	if (s->private != NULL) {
		for (uint32_t c = SECRET + 1; c < COLUMNS; c++)
			CP_TRY(add_column(s, &k->all, c, err));
	}
	CP_TRY(cp_needles_ready(&k->secret, err));
	return cp_needles_ready(&k->all, err);
}

enum cp_code cp_secrets_load(struct cp_store *s, struct cp_err *err)
{
	cp_secrets_drop(s);
	s->secrets = calloc(1, sizeof *s->secrets);
	if (s->secrets == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	*s->secrets = (struct cp_secrets){ CP_NEEDLES, CP_NEEDLES };
	return load(s, s->secrets, err);
}

void cp_may_hold(struct cp_store *s, const char *const *texts, size_t n)
{
	s->may_hold = texts;
	s->n_may_hold = n;
}

/* ---- what is said ----------------------------------------------------------------------------- */

static enum cp_code name_owner(struct cp_store *s, const struct cp_needle *x, struct cp_buf *out, struct cp_err *err)
{
	return cp_query_text(s, out, NULL, err, columns[x->kind].is_of_person ? "SELECT pseudonym FROM persons WHERE id = ?1"
			: "SELECT name FROM cases WHERE id = ?1", "d", &x->owner);
}

static enum cp_code refuse(struct cp_store *s, const struct cp_needles *n, const struct cp_needle *x, const char *where,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf owner = CP_BUF(4096);
	char quoted[CP_QUOTE];

	if (x->kind == SECRET)
		return cp_fail(err, CP_ETRUST, "%s holds the project's secret; take it out there; nothing was written", where);
	CP_TRY(name_owner(s, x, &owner, err));
	cp_text_quote(quoted, n->bytes.data + x->at, x->len);
	return cp_fail(err, CP_ETRUST, "%s holds what only leads may know, %s of %s: %s; change it there, or say --may-hold %s if it stands"
			" there on purpose; nothing was written", where, columns[x->kind].name, owner.len ? owner.data : "?", quoted, quoted);
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* "vendor of persons, ben" */
static void name_cell(char *out, size_t size, const struct cp_change *c, size_t column)
{
	const struct cp_value *key = cp_change_key(c, CP_C_ID), *name = &c->now[3];
	bool has_name = name->type == CP_TEXT && strcmp(cp_columns[c->table][3], c->table == CP_T_PERSONS ? "pseudonym" : "name") == 0;
	char hex[CP_ID_HEX];

	snprintf(out, size, "%s of %s, %.*s", cp_columns[c->table][column], cp_shapes[c->table].name,
			has_name ? (int)(name->len < 64 ? name->len : 64) : CP_ID_HEX - 1,
			has_name ? (const char *)name->bytes : cp_hex(hex, key->bytes, key->len < 16 ? key->len : 16));
}

static enum cp_code refuse_row(struct cp_store *s, const struct cp_needles *n, const struct cp_change *c, bool *found,
		struct cp_err *err)
{
	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++) {
		const struct cp_value *v = c->now[i].type == CP_ABSENT ? &c->was[i] : &c->now[i];
		const struct cp_needle *x = v->type == CP_TEXT || v->type == CP_BLOB ? cp_needles_find(n, v->bytes, v->len, NULL) : NULL;
		char where[256];

		if (x == NULL)
			continue;
		*found = true;
		name_cell(where, sizeof where, c, i);
		return refuse(s, n, x, where, err);
	}
	return CP_OK;
}

/* Something stands in the whole: say where. */
static enum cp_code refuse_rows(struct cp_store *s, const struct cp_needles *n, const struct cp_needle *x, const void *changeset,
		size_t len, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true, found = false;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	while (more && !found) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (more)
			CP_TRY(refuse_row(s, n, &c, &found, err));
	}
	return refuse(s, n, x, "a changeset", err);
}

static enum cp_code check_scope(struct cp_scope *scope, const void *changeset, size_t len, bool is_new, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true, is_in;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		char where[256];

		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		CP_TRY(cp_scope_has(scope, &c, is_new, &is_in, err));
		if (is_in)
			continue;
		name_cell(where, sizeof where, &c, CP_C_ID);
		return cp_fail(err, CP_ETRUST, "%s is not for %s to see; nothing was written; please report it, and what you did before",
				where, scope->to.pseudonym);
	}
}

enum cp_code cp_secrets_check_given(struct cp_store *s, const struct cp_device *to, const void *changeset, size_t len,
		struct cp_err *err)
{
	CP_AUTO(scope) struct cp_scope scope = { .s = NULL };
	const struct cp_needle *x;

	if (s->secrets == NULL)
		CP_TRY(cp_secrets_load(s, err));
	CP_TRY(cp_scope_load(&scope, s, to, err));
	CP_TRY(check_scope(&scope, changeset, len, true, err));
	x = cp_needles_find(&s->secrets->all, changeset, len, NULL);
	return x == NULL ? CP_OK : refuse_rows(s, &s->secrets->all, x, changeset, len, err);
}

enum cp_code cp_secrets_check_bytes(struct cp_store *s, const char *where, const void *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf owner = CP_BUF(4096);
	const struct cp_needle *x;

	if (s->secrets == NULL)
		CP_TRY(cp_secrets_load(s, err));
	x = cp_needles_find(&s->secrets->all, bytes, len, NULL);
	if (x == NULL)
		return CP_OK;
	if (x->kind != SECRET)
		CP_TRY(name_owner(s, x, &owner, err));
	return cp_fail(err, CP_ETRUST, "%s holds %s%s%s, which only leads may know", where, columns[x->kind].name,
			owner.len ? " of " : "", owner.len ? owner.data : "");
}

/* ---- a bundle ---------------------------------------------------------------------------------- */

/* The changeset of a change commit comes behind the commit and its tree. */
static enum cp_code follow(struct cp_search *k, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_commit c;
	const char *text;
	size_t text_len;

	if (strcmp(type, "commit") == 0) {
		k->tree.hex[0] = '\0';
		CP_TRY(cp_commit_read(&c, bytes, len, err));
		if (cp_commit_trailer(&c, "Casepack-Changeset", 0, &text, &text_len))
			k->tree = c.tree;
		cp_commit_drop(&c);
	} else if (strcmp(type, "tree") == 0 && strcmp(oid, k->tree.hex) == 0) {
		return cp_tree_read_single(&k->changeset, "changeset", bytes, len, err);
	}
	return CP_OK;
}

static enum cp_code check_changeset(struct cp_search *k, const void *bytes, size_t len, struct cp_err *err)
{
	if (k->kind == CP_BUNDLE_CASES && k->scope.s == NULL)
		CP_TRY(cp_scope_load(&k->scope, k->s, &k->to, err));
	if (k->kind == CP_BUNDLE_CASES)
		return check_scope(&k->scope, bytes, len, false, err);
	return cp_changeset_check(bytes, len, cp_shapes, CP_T_PUBLIC, NULL, err);
}

/* name: "<oid>.<type>" */
static enum cp_code check_object(struct cp_search *k, const char *name, const void *bytes, size_t len, struct cp_err *err)
{
	const char *type = name + 41;
	struct cp_oid oid;

	snprintf(oid.hex, sizeof oid.hex, "%.40s", name);
	if (k->s->private != NULL && cp_repo_has(k->s->private, oid.hex))
		return cp_fail(err, CP_ETRUST, "%s %.12s is of private.git; nothing was written", type, oid.hex);
	CP_TRY(follow(k, oid.hex, type, bytes, len, err));
	if (strcmp(type, "blob") != 0)
		return CP_OK;
	if (strcmp(oid.hex, k->changeset.hex) == 0)
		return check_changeset(k, bytes, len, err);
	return k->kind == CP_BUNDLE_HUB ? CP_OK /* a page of main */
		: cp_fail(err, CP_ETRUST, "blob %.12s is no change commit's; nothing was written", oid.hex);
}

void cp_search_drop(struct cp_search *k)
{
	cp_scope_drop(&k->scope);
}

static void name_case(char *out, size_t size, const void *json, size_t len)
{
	json_t *o = json_loadb(json, len, 0, NULL);
	const char *id = json_string_value(json_object_get(o, "id"));

	snprintf(out, size, "content of case %.64s", id ? id : "?");
	json_decref(o);
}

enum cp_code cp_search_shown(void *user, const char *part, const char *name, const void *bytes, size_t len, struct cp_err *err)
{
	struct cp_search *k = user;
	const struct cp_needles *n = k->kind == CP_BUNDLE_HUB ? &k->s->secrets->secret : &k->s->secrets->all;
	const struct cp_needle *x;
	bool is_object = *name != '\0';
	char where[128] = "the manifest";

	if (strcmp(part, "private.tar.zst") == 0)
		return k->kind == CP_BUNDLE_HUB ? CP_OK : cp_fail(err, CP_ETRUST, "a private part is for leads' hubs; nothing was written");
	if (is_object && k->kind != CP_BUNDLE_RELAY) /* what waits at a relay may be of a newer program */
		CP_TRY(check_object(k, name, bytes, len, err));
	x = cp_needles_find(n, bytes, len, NULL);
	if (x == NULL)
		return CP_OK;
	if (is_object && strcmp(name + 41, "blob") == 0 && strncmp(name, k->changeset.hex, 40) == 0)
		return refuse_rows(k->s, n, x, bytes, len, err);
	if (is_object)
		snprintf(where, sizeof where, "%s %.12s", name + 41, name);
	else if (strcmp(part, "manifest.json") != 0)
		name_case(where, sizeof where, bytes, len);
	return refuse(k->s, n, x, where, err);
}
