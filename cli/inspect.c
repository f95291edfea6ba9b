#include <string.h>
#include <sys/stat.h>

#include "cli/bundles.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "formats/bundle.h"
#include "formats/sshkey.h"
#include "sync/copies.h"
#include "sync/tables.h"

struct found {
	const char *path;
	const struct cp_manifest *m;
	char fingerprint[128];
	const struct cp_pubkey *signer;
	bool is_sender; /* the key that signed is the sender's */
	bool is_encrypted;
};

/* A copied workspace's id is made with a nonce, which its first commit names. */
static enum cp_code see_copy(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	struct found *f = user;
	struct cp_change_commit c;
	struct cp_id copy_of, nonce, derived;
	struct cp_pubkey signer;

	(void)oid, (void)err;
	if (strcmp(type, "commit") != 0)
		return CP_OK;
	if (cp_change_commit_read(&c, bytes, len, NULL) == CP_OK && cp_id_equal(&c.replica, &f->m->sender)
			&& cp_copy_read(&c.commit, &copy_of, &nonce) && cp_commit_signer(&signer, &c.commit, NULL) == CP_OK) {
		cp_replica_id_of(&derived, &f->m->project, f->signer, &nonce);
		f->is_sender = f->is_sender || (cp_id_equal(&derived, &f->m->sender)
			&& memcmp(&signer, f->signer, sizeof signer) == 0);
	}
	cp_change_commit_drop(&c);
	return CP_OK;
}

static enum cp_code find(struct found *f, const char *path, struct cp_bundle *b, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf print = CP_BUF(sizeof f->fingerprint - 1);
	struct cp_id signer;

	f->path = path;
	f->m = cp_bundle_manifest(b);
	f->is_encrypted = cp_bundle_is_encrypted(b);
	CP_TRY(cp_pubkey_fingerprint(&print, cp_bundle_signer(b), err));
	snprintf(f->fingerprint, sizeof f->fingerprint, "%s", print.data);
	cp_replica_id(&signer, &f->m->project, cp_bundle_signer(b));
	f->signer = cp_bundle_signer(b);
	f->is_sender = cp_id_equal(&signer, &f->m->sender);
	return f->is_sender ? CP_OK : cp_bundle_each_object(b, see_copy, f, err);
}

/* ---- for people ---------------------------------------------------------------------------- */

static enum cp_code print_tips(const char *label, const struct cp_tips *tips, struct cp_err *err)
{
	for (size_t i = 0; i < tips->n; i++)
		CP_TRY(cp_line(err, "  %-10s %s  %s", i == 0 ? label : "", tips->list[i].oid.hex, tips->list[i].name));
	return CP_OK;
}

static enum cp_code print_parts(const struct cp_manifest *m, struct cp_err *err)
{
	char size[CP_SIZE], expanded[CP_SIZE], hex[CP_HASH_HEX];

	for (size_t i = 0; i < m->n_parts; i++)
		CP_TRY(cp_line(err, "  %-10s %-16s %10s, %10s expanded  %.16s", i == 0 ? "parts" : "",
				m->parts[i].name, cp_size_text(size, m->parts[i].size),
				cp_size_text(expanded, m->parts[i].expanded),
				cp_hex(hex, m->parts[i].hash.bytes, sizeof m->parts[i].hash.bytes)));
	return CP_OK;
}

static enum cp_code print_head(const struct found *f, struct cp_err *err)
{
	const struct cp_manifest *m = f->m;
	char hex[CP_ID_HEX], created[32], expires[32];

	CP_TRY(cp_line(err, "%s", f->path));
	CP_TRY(cp_line(err, "  %-10s %s, format %d, schema %d%s%s", "kind", cp_bundle_kind_name(m->kind), m->format,
			m->schema, f->is_encrypted ? ", encrypted" : "", m->schema > CP_SCHEMA ? ": needs a newer casepack to be taken in" : ""));
	CP_TRY(cp_line(err, "  %-10s %s  %s", "project", cp_hex(hex, m->project.bytes, sizeof m->project.bytes),
			m->project_name));
	CP_TRY(cp_line(err, "  %-10s %s", "from", cp_hex(hex, m->sender.bytes, sizeof m->sender.bytes)));
	for (size_t i = 0; i < m->n_recipients; i++)
		CP_TRY(cp_line(err, "  %-10s %s", i == 0 ? "for" : "",
				cp_hex(hex, m->recipients[i].bytes, sizeof m->recipients[i].bytes)));
	CP_TRY(cp_line(err, "  %-10s %llu", "number", (unsigned long long)m->number));
	CP_TRY(cp_line(err, "  %-10s %s", "created", cp_time_text(created, m->created_us)));
	CP_TRY(cp_line(err, "  %-10s %s", "expires", m->expires_us == 0 ? "never" : cp_time_text(expires, m->expires_us)));
	if (m->volumes > 1)
		CP_TRY(cp_line(err, "  %-10s %u of %u", "volume", m->volume, m->volumes));
	return CP_OK;
}

static enum cp_code print(const struct found *f, struct cp_err *err)
{
	CP_TRY(print_head(f, err));
	CP_TRY(print_parts(f->m, err));
	CP_TRY(print_tips("tips", &f->m->tips, err));
	CP_TRY(print_tips("needs", &f->m->needs, err));
	CP_TRY(print_tips("have", &f->m->have, err));
	CP_TRY(cp_line(err, "  %-10s %s", "signer", f->fingerprint));
	return cp_line(err, "  %-10s signature and hashes hold; the key is %s", "check",
			f->is_sender ? "the sender's" : "NOT the sender's");
}

/* ---- for scripts --------------------------------------------------------------------------- */

static json_t *tips_json(const struct cp_tips *tips)
{
	json_t *object = json_object();

	for (size_t i = 0; i < tips->n; i++)
		if (json_object_set_new(object, tips->list[i].name, json_string(tips->list[i].oid.hex)) != 0)
			break;
	return object;
}

static json_t *parts_json(const struct cp_manifest *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_parts; i++) {
		const struct cp_part *p = &m->parts[i];
		json_t *part = json_pack("{s:s, s:I, s:I, s:o}", "name", p->name, "size", (json_int_t)p->size,
				"expanded", (json_int_t)p->expanded, "blake2b",
				cp_json_hex(p->hash.bytes, sizeof p->hash.bytes));
		if (json_array_append_new(list, part) != 0)
			break;
	}
	return list;
}

static json_t *recipients_json(const struct cp_manifest *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_recipients; i++)
		if (json_array_append_new(list, cp_json_hex(m->recipients[i].bytes, sizeof m->recipients[i].bytes)) != 0)
			break;
	return list;
}

static enum cp_code print_json(const struct found *f, struct cp_err *err)
{
	const struct cp_manifest *m = f->m;

	return cp_json_line(json_pack("{s:o, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:i, s:i, s:o, s:o, s:o, "
			"s:o, s:s, s:b, s:b, s:b}",
			"file", cp_json_text(f->path), "kind", cp_bundle_kind_name(m->kind), "format", m->format,
			"schema", m->schema, "project", cp_json_hex(m->project.bytes, sizeof m->project.bytes),
			"project_name", cp_json_text(m->project_name),
			"from", cp_json_hex(m->sender.bytes, sizeof m->sender.bytes), "for", recipients_json(m),
			"number", (json_int_t)m->number, "created", cp_json_time(m->created_us),
			"expires", cp_json_time(m->expires_us), "volume", (int)m->volume, "volumes", (int)m->volumes,
			"parts", parts_json(m), "tips", tips_json(&m->tips), "needs", tips_json(&m->needs),
			"have", tips_json(&m->have), "signer", f->fingerprint, "holds", 1,
			"signed_by_sender", (int)f->is_sender, "encrypted", (int)f->is_encrypted), err);
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code damaged(struct cp_args *a, const char *path, const struct cp_err *why, struct cp_err *err)
{
	a->refused = true;
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:b, s:o}", "file", cp_json_text(path), "holds", 0, "why",
				cp_json_text(cp_why(why, path))), err);
	CP_TRY(cp_line(err, "%s", path));
	return cp_line(err, "  %-10s %s: %s", "check", why->code == CP_ETRUST ? "NOT to be trusted" : "DAMAGED",
			cp_why(why, path));
}

/* What can be said without the key. */
static enum cp_code closed(const struct cp_args *a, const char *path, const struct cp_key_search *s, struct cp_err *err)
{
	struct stat st = { .st_size = 0 };
	char size[CP_SIZE], inside[CP_SIZE], n[CP_COUNT];

	if (stat(path, &st) != 0)
		return cp_fail_errno(err, "%s", path);
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:b, s:I, s:I, s:n}", "file", cp_json_text(path), "encrypted", 1, "recipients",
				(json_int_t)s->recipients, "size", (json_int_t)st.st_size, "holds"), err);
	CP_TRY(cp_line(err, "%s", path));
	CP_TRY(cp_line(err, "  %-10s to %s; %s, %s inside", "encrypted", cp_count(n, (int64_t)s->recipients, "recipient", "recipients"),
			cp_size_text(size, (uint64_t)st.st_size), cp_size_text(inside, s->size)));
	return cp_line(err, "  %-10s nothing else can be said without the key of a recipient, which --key names", "check");
}

static enum cp_code inspect(struct cp_args *a, const char *path, struct cp_err *err)
{
	struct cp_key_search search = { .args = a };
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct found f = { .path = path };
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_bundle_open_with(&b, path, &cp_limits_default, cp_key_unlock, &search, &why);

	if (code == CP_EFORMAT || code == CP_ETRUST)
		return damaged(a, path, &why, err);
	if (search.is_closed)
		return closed(a, path, &search, err);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	CP_TRY(find(&f, path, b, err));
	a->refused = a->refused || !f.is_sender;
	return a->json ? print_json(&f, err) : print(&f, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(paths) struct cp_paths paths = { NULL, 0 };

	CP_TRY(cp_args_want(a, 1, SIZE_MAX, err));
	CP_TRY(cp_paths_of_words(&paths, a->words, a->n, err));
	for (size_t i = 0; i < paths.n; i++) {
		if (i > 0 && !a->json)
			CP_TRY(cp_line(err, "%s", ""));
		CP_TRY(inspect(a, paths.list[i], err));
	}
	return CP_OK;
}

static const struct cp_option options[] = {
	{ "--key", "NAME_OR_FILE", "the private key for one that is encrypted; the one that fits otherwise" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack inspect cases-lena-4.casepack", "what it is, whom it is for, and whether it is whole" },
	{ "casepack inspect --json inbox | jq .number", "for scripts" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_inspect = {
	.name = "inspect",
	.usage = "FILE_OR_DIR... [--key NAME_OR_FILE]",
	.summary = "what a bundle is, before it is opened",
	.about = "Reads a bundle's manifest, checks its signature and the hash of every part, and says what it is. "
		"Nothing is unpacked and no workspace is needed. Of an encrypted one all this is inside: without the key of a recipient "
		"only its size, and to how many it is, can be told. Whether the signer belongs to a project's roster is "
		"decided by `open` and `merge`; here only that the key is the one that the sender's id is made from. Of a workspace that was copied this "
		"shows only in a bundle with its first commit.\n\n"
		"Exit status 4 when a file is damaged, its signature does not match, or another key signed it.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
