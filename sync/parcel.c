#include "sync/parcel.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "sync/envelope.h"
#include "sync/inner.h"

void cp_parcel_manifest(struct cp_store *s, struct cp_manifest *m, enum cp_bundle_kind kind)
{
	m->format = m->reader = CP_BUNDLE_FORMAT;
	m->schema = CP_SCHEMA;
	m->kind = kind;
	m->project = s->me.project;
	snprintf(m->project_name, sizeof m->project_name, "%s", s->me.project_name);
	m->sender = s->me.replica;
	m->created_us = cp_now_us();
	m->volume = m->volumes = 1;
}

enum cp_code cp_parcel_recipient(struct cp_manifest *m, const struct cp_id *replica, struct cp_err *err)
{
	struct cp_id *list = realloc(m->recipients, (m->n_recipients + 1) * sizeof *list);

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	m->recipients = list;
	m->recipients[m->n_recipients++] = *replica;
	return CP_OK;
}

/* ---- what was written already ------------------------------------------------------------------ */

#define MEMORY_MAX 8192 /* bytes for one receiver: some hundred files */

/* "lies/<device>" of meta: what was said last to that device, then size and hash of each file that says so. */
static void memory_key(char out[48], const struct cp_manifest *m)
{
	char hex[CP_ID_HEX];

	snprintf(out, 48, "lies/%s", cp_hex(hex, m->recipients[0].bytes, sizeof m->recipients[0].bytes));
}

/* All but main: that it moved is no news to a receiver. */
static enum cp_code have_but_main(struct cp_tips *out, const struct cp_manifest *m, struct cp_err *err)
{
	for (size_t i = 0; i < m->have.n; i++)
		if (strcmp(m->have.list[i].name, "main") != 0)
			CP_TRY(cp_tips_add(out, m->have.list[i].name, m->have.list[i].oid.hex, err));
	return CP_OK;
}

/* Who sends, and what it brings and acknowledges, encrypted or not; not when, nor as which number. */
static enum cp_code what_it_says(char out[CP_HASH_HEX], const struct cp_manifest *m, unsigned how, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF((size_t)4 << 20);
	struct cp_manifest same = *m;
	struct cp_hash hash;
	enum cp_code code;

	same.number = 1;
	same.created_us = 0;
	same.needs = (struct cp_tips){ NULL, 0 };
	same.n_parts = 0;
	same.have = (struct cp_tips){ NULL, 0 };
	code = have_but_main(&same.have, m, err);
	if (code == CP_OK)
		code = cp_manifest_print(&text, &same, err);
	cp_tips_drop(&same.have);
	CP_TRY(code);
	CP_TRY(cp_buf_puts(&text, (how & CP_SEND_PLAIN) != 0 ? "plain" : "encrypted", err));
	cp_hash_bytes(&hash, text.data, text.len);
	cp_hex(out, hash.bytes, sizeof hash.bytes);
	return CP_OK;
}

/* As it stands in the memory; "" when it cannot be read. */
static void file_line(char out[CP_HASH_HEX + 32], const char *path)
{
	struct cp_hash hash;
	char hex[CP_HASH_HEX];
	uint64_t size;

	if (cp_file_hash(&hash, &size, path, NULL) == CP_OK)
		snprintf(out, CP_HASH_HEX + 32, "\n%" PRIu64 " %s", size, cp_hex(hex, hash.bytes, sizeof hash.bytes));
	else
		out[0] = '\0';
}

static enum cp_code remember(struct cp_store *s, const struct cp_manifest *m, unsigned how, const struct cp_sent *sent,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf memory = CP_BUF(MEMORY_MAX);
	char key[48], says[CP_HASH_HEX], line[CP_HASH_HEX + 32];

	memory_key(key, m);
	CP_TRY(what_it_says(says, m, how, err));
	CP_TRY(cp_meta_get(s, key, &memory, err));
	if (memory.len < CP_HASH_HEX - 1 || memcmp(memory.data, says, CP_HASH_HEX - 1) != 0 || memory.len > MEMORY_MAX / 2) {
		cp_buf_clear(&memory);
		CP_TRY(cp_buf_puts(&memory, says, err));
	}
	file_line(line, sent->path);
	CP_TRY(cp_buf_puts(&memory, line, err));
	return cp_meta_set(s, key, memory.data, memory.len, err);
}

/* Only a file of a length that is remembered is read. */
static bool is_remembered(const char *path, const char *memory)
{
	char line[CP_HASH_HEX + 32];
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	snprintf(line, sizeof line, "\n%" PRIu64 " ", (uint64_t)st.st_size);
	if (strstr(memory, line) == NULL)
		return false;
	file_line(line, path);
	return line[0] != '\0' && strstr(memory, line) != NULL;
}

enum cp_code cp_parcel_lies_there(struct cp_store *s, const char *dir, const struct cp_manifest *m, unsigned how, bool *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf memory = CP_BUF(MEMORY_MAX);
	char key[48], says[CP_HASH_HEX];
	struct dirent *e;
	DIR *d;

	*out = false;
	memory_key(key, m);
	CP_TRY(what_it_says(says, m, how, err));
	CP_TRY(cp_meta_get(s, key, &memory, err));
	if (memory.len < CP_HASH_HEX - 1 || memcmp(memory.data, says, CP_HASH_HEX - 1) != 0)
		return CP_OK;
	d = opendir(dir);
	if (d == NULL)
		return cp_fail_errno(err, "%s", dir);
	while (!*out && (e = readdir(d)) != NULL) {
		CP_AUTO(str) char *path = cp_path_join(dir, e->d_name);

		*out = cp_bundle_is_name(e->d_name) && is_remembered(path, memory.data);
	}
	closedir(d);
	return CP_OK;
}

/* ---- one bundle ---------------------------------------------------------------------------------- */

/* Letters, digits and hyphens only, lower case: a name that every file system takes. */
static void slug(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = text; *p && n + 1 < size && n < 40; p++) {
		if (isalnum((unsigned char)*p))
			out[n++] = (char)tolower((unsigned char)*p);
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		snprintf(out, size, "project");
}

/* A number that no file there has, encrypted or not. */
static enum cp_code choose_name(struct cp_store *s, const char *dir, const char *direction, const char *pseudonym,
		struct cp_manifest *m, bool is_plain, char *out, size_t size, struct cp_err *err)
{
	char project[64];

	slug(s->me.project_name, project, sizeof project);
	for (;; m->number++) {
		CP_AUTO(buf) struct cp_buf path = CP_BUF(size - 1);
		bool is_taken;

		if (cp_buf_printf(&path, err, "%s/%s-%s-%s-%04" PRIu64 CP_BUNDLE_SUFFIX, dir, project, direction, pseudonym,
				m->number) != CP_OK)
			return cp_fail(err, CP_EINPUT, "%s: the path is too long", dir);
		is_taken = cp_file_exists(path.data);
		snprintf(out, size, "%s", path.data);
		snprintf(out + path.len, size - path.len, "%s", &CP_BUNDLE_AGE_SUFFIX[strlen(CP_BUNDLE_SUFFIX)]);
		if (is_taken || cp_file_exists(out))
			continue;
		if (is_plain)
			out[path.len] = '\0';
		return CP_OK;
	}
}

enum cp_code cp_parcel_may(struct cp_store *s, unsigned how, struct cp_err *err)
{
	bool is_required = false;

	if ((how & CP_SEND_PLAIN) != 0)
		CP_TRY(cp_envelope_is_required(s, &is_required, err));
	return is_required ? cp_fail(err, CP_EINPUT, "this project demands that bundles are encrypted; leave --plain out") : CP_OK;
}

enum cp_code cp_parcel_begin(struct cp_search *search, struct cp_bundle_writer **out, const char *dir, const char *direction,
		const char *pseudonym, struct cp_manifest *m, unsigned how, struct cp_sent *sent, struct cp_err *err)
{
	struct cp_store *s = search->s;
	bool is_plain = (how & CP_SEND_PLAIN) != 0;
	const struct cp_seckey *key;

	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(choose_name(s, dir, direction, pseudonym, m, is_plain, sent->path, sizeof sent->path, err));
	if (s->secrets == NULL)
		CP_TRY(cp_secrets_load(s, err));
	CP_TRY(cp_bundle_begin(out, sent->path, 0, err));
	cp_bundle_watch_with(*out, cp_search_shown, search);
	return is_plain ? CP_OK : cp_envelope_address(s, *out, m, err);
}

enum cp_code cp_parcel_end(struct cp_store *s, struct cp_bundle_writer *w, struct cp_manifest *m, unsigned how,
		struct cp_sent *sent, struct cp_err *err)
{
	const struct cp_seckey *key;

	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_bundle_commit(w, m, key, &sent->bytes, err));
	sent->number = (int64_t)m->number;
	sent->device = m->recipients[0];
	return remember(s, m, how, sent, err);
}

/* ---- what it holds -------------------------------------------------------------------------------- */

struct chain { struct cp_store *s; struct cp_bundle_writer *w; int64_t n; };

static enum cp_code add_commit(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct chain *chain = user;
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF((size_t)1 << 31);
	struct cp_oid blob;

	CP_TRY(cp_repo_read(chain->s->history, oid, "commit", &bytes, err));
	CP_TRY(cp_bundle_add_object(chain->w, oid, "commit", bytes.data, bytes.len, err));
	cp_buf_clear(&bytes);
	CP_TRY(cp_repo_read(chain->s->history, c->tree.hex, "tree", &bytes, err));
	CP_TRY(cp_bundle_add_object(chain->w, c->tree.hex, "tree", bytes.data, bytes.len, err));
	CP_TRY(cp_tree_read_single(&blob, "changeset", bytes.data, bytes.len, err));
	cp_buf_clear(&bytes);
	CP_TRY(cp_repo_read(chain->s->history, blob.hex, "blob", &bytes, err));
	chain->n++;
	return cp_bundle_add_object(chain->w, blob.hex, "blob", bytes.data, bytes.len, err);
}

enum cp_code cp_parcel_chain(struct cp_store *s, struct cp_bundle_writer *w, const char *tip, const char *stop, int64_t *n,
		struct cp_err *err)
{
	struct chain chain = { s, w, 0 };

	if (strcmp(tip, stop) != 0)
		CP_TRY(cp_repo_walk(s->history, tip, stop, add_commit, &chain, err));
	*n += chain.n;
	return CP_OK;
}

static enum cp_code pass_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	(void)user, (void)json, (void)len, (void)err;
	return CP_OK;
}

static enum cp_code pass_media(void *user, const struct cp_hash *name, const void *bytes, size_t len, bool more,
		struct cp_err *err)
{
	(void)user, (void)name, (void)bytes, (void)len, (void)more, (void)err;
	return CP_OK;
}

enum cp_code cp_parcel_check_rest(struct cp_bundle *b, struct cp_err *err)
{
	if (cp_bundle_manifest(b)->kind == CP_BUNDLE_RETURN || cp_bundle_manifest(b)->kind == CP_BUNDLE_RELAY)
		CP_TRY(cp_bundle_each_case(b, pass_case, NULL, err));
	return cp_bundle_each_media(b, pass_media, NULL, err);
}
