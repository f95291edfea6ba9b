#include "sync/change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/apply.h"
#include "sync/inner.h"

void cp_ident_of(const char *pseudonym, const struct cp_id *replica, const struct cp_id *project, int64_t at_us,
		struct cp_ident *out)
{
	char r[CP_ID_HEX], p[CP_ID_HEX];

	snprintf(out->name, sizeof out->name, "%s", pseudonym);
	snprintf(out->email, sizeof out->email, "%s@%s.invalid", cp_hex(r, replica->bytes, 16),
			cp_hex(p, project->bytes, 16));
	out->seconds = at_us / 1000000;
}

void cp_me_ident(const struct cp_me *me, int64_t at_us, struct cp_ident *out)
{
	cp_ident_of(me->pseudonym, &me->replica, &me->project, at_us, out);
}

void cp_change_commit_drop(struct cp_change_commit *c)
{
	cp_commit_drop(&c->commit);
}

enum cp_code cp_words_add(struct cp_buf *out, const char *words, struct cp_err *err)
{
	return cp_text_shown(out, words, strlen(words), false, err);
}

/* Trailers that words bring along stand in one block with the others. */
static const char *glue(const char *words)
{
	const char *last = words;

	for (const char *p = words; (p = strstr(p, "\n\n")) != NULL; p++)
		last = p + 2;
	return last != words && strncmp(last, "Casepack-", strlen("Casepack-")) == 0 ? "\n" : "\n\n";
}

/* ---- making ------------------------------------------------------------------------------ */

static enum cp_code message(struct cp_store *s, struct cp_buf *out, const char *words, const void *changeset, size_t len,
		int64_t schema, int64_t edits, int64_t outbox, int64_t clock, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf applied = CP_BUF(64);
	struct cp_hash hash;
	char hex[CP_HASH_HEX];

	cp_hash_bytes(&hash, changeset, len);
	CP_TRY(cp_meta_get(s, "applied", &applied, err));
	CP_TRY(cp_buf_printf(out, err, "%s%sCasepack-Schema: %" PRId64 "\nCasepack-Edits: %" PRId64 "\nCasepack-Outbox: %" PRId64
			"\nCasepack-Clock: %" PRId64 "\n", words, glue(words), schema, edits, outbox, clock));
	if (applied.len > 0)
		CP_TRY(cp_buf_printf(out, err, "Casepack-Applied: %s\n", applied.data));
	return cp_buf_printf(out, err, "Casepack-Changeset: %s\n", cp_hex(hex, hash.bytes, sizeof hash.bytes));
}

enum cp_code cp_change_commit_make(struct cp_store *s, struct cp_repo *repo, const struct cp_oid *parent,
		const void *changeset, size_t len, const char *words, int64_t schema, int64_t edits, int64_t outbox, int64_t clock,
		struct cp_oid *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	const struct cp_seckey *key;
	struct cp_commit c = { 0 };
	struct cp_oid blob;

	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_repo_blob(repo, changeset, len, &blob, err));
	CP_TRY(cp_repo_single(repo, "changeset", &blob, &c.tree, err));
	CP_TRY(message(s, &text, words, changeset, len, schema, edits, outbox, clock, err));
	cp_me_ident(&s->me, clock, &c.author);
	c.committer = c.author;
	c.message = text.data;
	c.n_parents = *parent->hex != '\0';
	c.parents[0] = *parent;
	return cp_repo_commit(repo, &c, key, out, err);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Each at most once, and in the order of history.md. */
static enum cp_code check_trailers(const struct cp_commit *c, struct cp_err *err)
{
	static const char *const names[] = { "Casepack-Schema", "Casepack-Edits", "Casepack-Outbox", "Casepack-Clock",
		"Casepack-Applied", "Casepack-Changeset" };
	const char *before = c->message, *text, *again;
	size_t len;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!cp_commit_trailer(c, names[i], 0, &text, &len))
			continue;
		if (text < before || cp_commit_trailer(c, names[i], 1, &again, &len))
			return cp_fail(err, CP_EFORMAT, "trailer %s stands there twice, or out of order", names[i]);
		before = text;
	}
	return CP_OK;
}

static enum cp_code trailer_int(const struct cp_commit *c, const char *name, int64_t *out, struct cp_err *err)
{
	const char *text;
	size_t len;
	char digits[24], *end;

	if (!cp_commit_trailer(c, name, 0, &text, &len) || len == 0 || len > 19)
		return cp_fail(err, CP_EFORMAT, "change commit without a proper %s trailer", name);
	memcpy(digits, text, len);
	digits[len] = '\0';
	errno = 0;
	*out = strtoll(digits, &end, 10);
	if (errno != 0 || *end != '\0' || *out < 0 || *digits < '0' || *digits > '9' || (*digits == '0' && len > 1))
		return cp_fail(err, CP_EFORMAT, "change commit without a proper %s trailer", name);
	return CP_OK;
}

bool cp_ident_device(const struct cp_ident *ident, struct cp_id *replica, struct cp_id *project)
{
	char address[128], *at, *dot;

	snprintf(address, sizeof address, "%s", ident->email);
	at = strchr(address, '@');
	dot = at ? strchr(at, '.') : NULL;
	if (dot == NULL || strcmp(dot, ".invalid") != 0)
		return false;
	*at = *dot = '\0';
	return cp_unhex(replica->bytes, 16, address) && cp_unhex(project->bytes, 16, at + 1);
}

static enum cp_code read_inside(struct cp_change_commit *out, const void *bytes, size_t len, struct cp_err *err)
{
	const struct cp_ident *a = &out->commit.author, *b = &out->commit.committer;
	char hex[CP_ID_HEX];

	CP_TRY(cp_commit_read(&out->commit, bytes, len, err));
	if (out->commit.n_parents > 1)
		return cp_fail(err, CP_EFORMAT, "change commit with two parents");
	if (strcmp(a->name, b->name) != 0 || strcmp(a->email, b->email) != 0 || a->seconds != b->seconds)
		return cp_fail(err, CP_EFORMAT, "change commit whose author is not its committer");
	if (!cp_ident_device(b, &out->replica, &out->project))
		return cp_fail(err, CP_EFORMAT, "change commit by \"%s\", which is no device", b->email);
	CP_TRY(check_trailers(&out->commit, err));
	CP_TRY(trailer_int(&out->commit, "Casepack-Schema", &out->schema, err));
	CP_TRY(trailer_int(&out->commit, "Casepack-Edits", &out->edits, err));
	CP_TRY(trailer_int(&out->commit, "Casepack-Outbox", &out->outbox, err));
	CP_TRY(trailer_int(&out->commit, "Casepack-Clock", &out->clock, err));
	out->parent = out->commit.n_parents ? out->commit.parents[0].hex : "";
	snprintf(out->branch, sizeof out->branch, "replica/%s", cp_hex(hex, out->replica.bytes, 16));
	return CP_OK;
}

enum cp_code cp_change_commit_read(struct cp_change_commit *out, const void *bytes, size_t len, struct cp_err *err)
{
	enum cp_code code;

	memset(out, 0, sizeof *out);
	code = read_inside(out, bytes, len, err);
	if (code != CP_OK)
		cp_change_commit_drop(out);
	return code;
}

enum cp_code cp_change_commit_check(const struct cp_change_commit *c, const void *tree, size_t tree_len,
		const void *changeset, size_t len, bool is_private, struct cp_err *err)
{
	struct cp_oid blob, name;
	struct cp_hash hash;
	char hex[CP_HASH_HEX];
	const char *said;
	size_t said_len, edits, first = is_private ? CP_T_PUBLIC : 0;

	CP_TRY(cp_tree_read_single(&blob, "changeset", tree, tree_len, err));
	CP_TRY(cp_repo_name(&name, "blob", changeset, len, err));
	if (strcmp(blob.hex, name.hex) != 0)
		return cp_fail(err, CP_EFORMAT, "the tree names another changeset");
	cp_hash_bytes(&hash, changeset, len);
	cp_hex(hex, hash.bytes, sizeof hash.bytes);
	if (!cp_commit_trailer(&c->commit, "Casepack-Changeset", 0, &said, &said_len) || said_len != 64 ||
			memcmp(said, hex, 64) != 0)
		return cp_fail(err, CP_EFORMAT, "the changeset is not the one that was signed");
	if (c->schema > CP_SCHEMA)
		return cp_fail(err, CP_EFORMAT, "written by a newer casepack (schema %lld); install it here", (long long)c->schema);
	if (c->schema < 1)
		return cp_fail(err, CP_EFORMAT, "there is no schema %lld", (long long)c->schema);
	CP_TRY(cp_changeset_check(changeset, len, cp_shapes + first, is_private ? CP_T_COUNT - CP_T_PUBLIC : CP_T_PUBLIC,
			NULL, err));
	CP_TRY(cp_changeset_edits(changeset, len, &edits, err));
	if ((int64_t)edits != c->edits)
		return cp_fail(err, CP_EFORMAT, "%lld edits were signed, %zu found", (long long)c->edits, edits);
	return CP_OK;
}
