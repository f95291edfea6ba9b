#include "sync/parcel.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
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

enum cp_code cp_parcel_name(struct cp_store *s, const char *dir, const char *direction, const char *pseudonym,
		struct cp_manifest *m, char *out, size_t size, struct cp_err *err)
{
	char project[64];

	slug(s->me.project_name, project, sizeof project);
	for (;; m->number++) {
		int n = snprintf(out, size, "%s/%s-%s-%s-%04" PRIu64 ".casepack", dir, project, direction, pseudonym, m->number);

		if (n < 0 || (size_t)n >= size)
			return cp_fail(err, CP_EINPUT, "%s: the path is too long", dir);
		if (!cp_file_exists(out))
			return CP_OK;
	}
}

enum cp_code cp_parcel_begin(struct cp_search *search, struct cp_bundle_writer **w, const char *path, struct cp_err *err)
{
	if (search->s->secrets == NULL)
		CP_TRY(cp_secrets_load(search->s, err));
	CP_TRY(cp_bundle_begin(w, path, 0, err));
	cp_bundle_watch_with(*w, cp_search_shown, search);
	return CP_OK;
}

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

static bool tips_equal(const struct cp_tips *a, const struct cp_tips *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const char *other = cp_tips_find(b, a->list[i].name);

		if (other == NULL || strcmp(other, a->list[i].oid.hex) != 0)
			return false;
	}
	return a->n == b->n;
}

static bool says_the_same(const struct cp_manifest *a, const struct cp_manifest *b)
{
	return cp_id_equal(&a->project, &b->project) && cp_id_equal(&a->sender, &b->sender) && a->n_recipients == 1 &&
		b->n_recipients == 1 && cp_id_equal(&a->recipients[0], &b->recipients[0]) && tips_equal(&a->tips, &b->tips) &&
		tips_equal(&a->have, &b->have);
}

enum cp_code cp_parcel_lies_there(const char *dir, const struct cp_manifest *m, bool *out, struct cp_err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return cp_fail_errno(err, "%s", dir);
	*out = true;
	while (*out && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		CP_AUTO(bundle) struct cp_bundle *b = NULL;
		CP_AUTO(str) char *path = NULL;

		if (n < 9 || strcmp(e->d_name + n - 9, ".casepack") != 0)
			continue;
		path = cp_path_join(dir, e->d_name);
		if (cp_bundle_open(&b, path, &cp_limits_default, NULL) == CP_OK && says_the_same(m, cp_bundle_manifest(b)))
			*out = false;
	}
	closedir(d);
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
