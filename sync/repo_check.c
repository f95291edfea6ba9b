#include "sync/repo_check.h"

#include <dirent.h>
#include <errno.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "sync/repo_inner.h"

/* ---- what was seen -------------------------------------------------------------------------------- */

enum { IS_HERE = 1, IS_NAMED = 2 };

struct seen { git_oid oid; uint32_t by; uint8_t is; };

struct checking {
	struct cp_repo *r;
	struct cp_repo_check *check;
	struct seen *list; uint32_t n, room;
	uint32_t *slots; uint32_t mask; /* index + 1 by hash; 0: free */
	const char *file;               /* that is being read */
	git_odb *odb;                   /* which holds nothing but that */
	enum cp_code code;              /* of a visitor that failed */
	struct cp_err *err;
};

static void checking_drop(struct checking *k)
{
	free(k->list);
	free(k->slots);
}
#define cp_checking_drop checking_drop

static uint32_t slot_of(const struct checking *k, const git_oid *oid)
{
	uint32_t h;

	memcpy(&h, oid->id + 4, sizeof h); /* names are hashes already */
	for (h &= k->mask; k->slots[h] != 0 && !git_oid_equal(&k->list[k->slots[h] - 1].oid, oid);)
		h = (h + 1) & k->mask;
	return h;
}

static enum cp_code grow(struct checking *k, struct cp_err *err)
{
	uint32_t room = k->room == 0 ? 1024 : k->room * 2;
	struct seen *list = realloc(k->list, room * sizeof *list);
	uint32_t *slots = calloc((size_t)room * 2, sizeof *slots);

	if (list != NULL)
		k->list = list;
	if (list == NULL || slots == NULL) {
		free(slots);
		return cp_fail(err, CP_EIO, "out of memory for %u objects", room);
	}
	free(k->slots);
	k->slots = slots;
	k->room = room;
	k->mask = room * 2 - 1;
	for (uint32_t i = 0; i < k->n; i++)
		k->slots[slot_of(k, &k->list[i].oid)] = i + 1;
	return CP_OK;
}

/* by: the object that names it, in the list */
static enum cp_code note(struct checking *k, const git_oid *oid, uint8_t is, uint32_t by, uint32_t *out, struct cp_err *err)
{
	uint32_t slot;

	if (k->n == k->room)
		CP_TRY(grow(k, err));
	slot = slot_of(k, oid);
	if (k->slots[slot] == 0) {
		k->list[k->n] = (struct seen){ .oid = *oid, .by = by };
		k->slots[slot] = ++k->n;
	}
	*out = k->slots[slot] - 1;
	k->list[*out].is |= is;
	return CP_OK;
}

static enum cp_code wrong(struct checking *k, const char *where, const char *what, struct cp_err *err)
{
	return k->check->wrong(k->check->user, where, what, err);
}

/* Is there no other copy that is whole? */
static enum cp_code damaged(struct checking *k, const git_oid *oid, struct cp_err *err)
{
	git_odb_object *object = NULL;
	char hex[41];

	if (k->check->absent == NULL)
		return CP_OK;
	if (git_odb_read(&object, k->r->odb, oid) < 0)
		return k->check->absent(k->check->user, git_oid_tostr(hex, sizeof hex, oid), "", err);
	git_odb_object_free(object);
	return CP_OK;
}

static enum cp_code absent(struct checking *k, const char *oid, const char *by, struct cp_err *err)
{
	return k->check->absent != NULL ? k->check->absent(k->check->user, oid, by, err) : CP_OK;
}

/* ---- one object ------------------------------------------------------------------------------------- */

static enum cp_code name_hex(struct checking *k, const char *hex, uint32_t by, struct cp_err *err)
{
	git_oid oid;
	uint32_t unused;

	CP_TRY(cp_repo_oid(&oid, hex, err));
	return note(k, &oid, IS_NAMED, by, &unused, err);
}

static enum cp_code name_commit(struct checking *k, const void *bytes, size_t len, uint32_t by, struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };

	CP_TRY(cp_commit_read(&c, bytes, len, err));
	CP_TRY(name_hex(k, c.tree.hex, by, err));
	for (size_t i = 0; i < c.n_parents; i++)
		CP_TRY(name_hex(k, c.parents[i].hex, by, err));
	return CP_OK;
}

static enum cp_code name_tree(struct checking *k, const void *bytes, size_t len, uint32_t by, struct cp_err *err)
{
	struct cp_tree_entry e = { 0 };
	size_t at = 0;

	for (;;) {
		git_oid oid;
		uint32_t unused;

		CP_TRY(cp_tree_next(&e, bytes, len, &at, err));
		if (e.name == NULL)
			return CP_OK;
		git_oid_fromraw(&oid, e.oid);
		CP_TRY(note(k, &oid, IS_NAMED, by, &unused, err));
	}
}

/* In its form, and all that it names. */
static enum cp_code name_all(struct checking *k, git_object_t type, const void *bytes, size_t len, uint32_t by, struct cp_err *err)
{
	switch (type) {
	case GIT_OBJECT_COMMIT: return name_commit(k, bytes, len, by, err);
	case GIT_OBJECT_TREE:   return name_tree(k, bytes, len, by, err);
	case GIT_OBJECT_BLOB:   return CP_OK;
	default:                return cp_fail(err, CP_EFORMAT, "is of a kind that casepack does not keep");
	}
}

static enum cp_code read_object(struct checking *k, const git_oid *oid, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	git_odb_object *object = NULL;
	char hex[41], where[300], what[1100];
	enum cp_code code;
	uint32_t at;
	git_oid is;

	git_oid_tostr(hex, sizeof hex, oid);
	snprintf(where, sizeof where, "%s: object %s", k->file, hex);
	CP_TRY(note(k, oid, IS_HERE, UINT32_MAX, &at, err));
	if (git_odb_read(&object, k->odb, oid) < 0) {
		snprintf(what, sizeof what, "is damaged (%s)", git_error_last() ? git_error_last()->message : "cannot be read");
		CP_TRY(wrong(k, where, what, err));
		return damaged(k, oid, err);
	}
	k->check->objects++;
	k->check->bytes += (int64_t)git_odb_object_size(object);
	if (git_odb_hash(&is, git_odb_object_data(object), git_odb_object_size(object), git_odb_object_type(object)) < 0 ||
			!git_oid_equal(&is, oid)) {
		code = wrong(k, where, "its bytes have another name", err);
	} else {
		code = name_all(k, git_odb_object_type(object), git_odb_object_data(object), git_odb_object_size(object), at, &why);
		snprintf(what, sizeof what, "%s", why.text);
		code = code == CP_OK ? CP_OK : wrong(k, where, what, err);
		if (code == CP_OK)
			code = k->check->object(k->check->user, hex, git_object_type2string(git_odb_object_type(object)),
					git_odb_object_data(object), git_odb_object_size(object), err);
	}
	git_odb_object_free(object);
	return code;
}

static int each_object(const git_oid *oid, void *user)
{
	struct checking *k = user;

	k->code = read_object(k, oid, k->err);
	return k->code == CP_OK ? 0 : GIT_EUSER;
}

/* ---- one file ---------------------------------------------------------------------------------------- */

/* All objects of one backend, in the order in which they lie there. */
static enum cp_code read_backend(struct checking *k, git_odb_backend *backend, struct cp_err *err)
{
	int rc;

	if (git_odb_new(&k->odb) < 0 || git_odb_add_backend(k->odb, backend, 1) < 0)
		return cp_fail_git(err, CP_EIO, "%s", k->file);
	k->code = CP_OK;
	k->err = err;
	rc = git_odb_foreach(k->odb, each_object, k);
	git_odb_free(k->odb);
	CP_TRY(k->code);
	return rc < 0 ? wrong(k, k->file, git_error_last() ? git_error_last()->message : "cannot be read", err) : CP_OK;
}

/* Of a pack and its index, as one. */
static enum cp_code hash_pair(struct cp_hash *out, const char *pack, const char *index, struct cp_err *err)
{
	struct cp_hash both[2];
	uint64_t size;

	CP_TRY(cp_file_hash(&both[0], &size, pack, err));
	CP_TRY(cp_file_hash(&both[1], &size, index, err));
	cp_hash_bytes(out, both, sizeof both);
	return CP_OK;
}

static enum cp_code check_pack(struct checking *k, const char *folder, const char *name, struct cp_err *err)
{
	CP_AUTO(str) char *pack = cp_path_join(folder, name);
	CP_AUTO(str) char *index = cp_path_join(folder, name);
	struct cp_err why = { .code = CP_OK };
	git_odb_backend *backend;
	struct cp_hash hash;
	bool skip = false;

	memcpy(index + strlen(index) - 4, "idx", 4);
	k->file = name;
	if (hash_pair(&hash, pack, index, &why) != CP_OK)
		return wrong(k, name, why.text, err);
	CP_TRY(k->check->file(k->check->user, name, &hash, &skip, err));
	k->check->skipped += skip;
	if (skip)
		return CP_OK;
	if (git_odb_backend_one_pack(&backend, index) < 0)
		return wrong(k, name, git_error_last() ? git_error_last()->message : "cannot be read", err);
	return read_backend(k, backend, err);
}

static enum cp_code check_packs(struct checking *k, struct cp_err *err)
{
	CP_AUTO(str) char *folder = cp_path_join(k->r->path, "objects/pack");
	enum cp_code code = CP_OK;
	struct dirent *e;
	DIR *d = opendir(folder);

	if (d == NULL)
		return errno == ENOENT ? CP_OK : cp_fail_errno(err, "%s", folder);
	while (code == CP_OK && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > 5 && strcmp(e->d_name + n - 5, ".pack") == 0)
			code = check_pack(k, folder, e->d_name, err);
	}
	closedir(d);
	return code;
}

static enum cp_code check_loose(struct checking *k, struct cp_err *err)
{
	CP_AUTO(str) char *folder = cp_path_join(k->r->path, "objects");
	git_odb_backend *backend;
	int64_t before = k->check->objects;

	k->file = "loose objects";
	if (git_odb_backend_loose(&backend, folder, -1, 0, 0, 0) < 0)
		return cp_fail_git(err, CP_EIO, "%s", folder);
	CP_TRY(read_backend(k, backend, err));
	k->check->loose = k->check->objects - before;
	return CP_OK;
}

/* ---- refs, and what is missing -------------------------------------------------------------------------- */

static enum cp_code check_ref(struct checking *k, const git_reference *ref, struct cp_err *err)
{
	char hex[41] = "";
	uint32_t unused;

	if (git_reference_type(ref) == GIT_REFERENCE_DIRECT) {
		git_oid_tostr(hex, sizeof hex, git_reference_target(ref));
		CP_TRY(note(k, git_reference_target(ref), IS_NAMED, UINT32_MAX, &unused, err));
		if (!git_odb_exists(k->r->odb, git_reference_target(ref))) {
			char what[80];

			snprintf(what, sizeof what, "stands at %s, which is not here", hex);
			CP_TRY(wrong(k, git_reference_name(ref), what, err));
			CP_TRY(absent(k, hex, "", err));
		}
	}
	return k->check->ref(k->check->user, git_reference_name(ref), hex, err);
}

static enum cp_code check_refs(struct checking *k, struct cp_err *err)
{
	git_reference_iterator *refs = NULL;
	git_reference *ref;
	enum cp_code code = CP_OK;
	int rc = 0;

	if (git_reference_iterator_new(&refs, k->r->git) < 0)
		return wrong(k, "refs", git_error_last() ? git_error_last()->message : "cannot be read", err);
	while (code == CP_OK && (rc = git_reference_next(&ref, refs)) == 0) {
		code = check_ref(k, ref, err);
		git_reference_free(ref);
	}
	git_reference_iterator_free(refs);
	if (code == CP_OK && rc != GIT_ITEROVER)
		code = wrong(k, "refs", git_error_last() ? git_error_last()->message : "cannot be read", err);
	return code;
}

static enum cp_code check_named(struct checking *k, struct cp_err *err)
{
	for (uint32_t i = 0; i < k->n; i++) {
		const struct seen *s = &k->list[i];
		char hex[41], by[41], where[64], what[80];

		k->check->unnamed += (s->is & IS_NAMED) == 0;
		if ((s->is & IS_HERE) != 0 || s->by == UINT32_MAX || git_odb_exists(k->r->odb, &s->oid))
			continue;
		snprintf(where, sizeof where, "object %s", git_oid_tostr(hex, sizeof hex, &s->oid));
		snprintf(what, sizeof what, "is missing; %s names it", git_oid_tostr(by, sizeof by, &k->list[s->by].oid));
		CP_TRY(wrong(k, where, what, err));
		CP_TRY(absent(k, hex, by, err));
	}
	return CP_OK;
}

enum cp_code cp_repo_check(struct cp_repo *r, struct cp_repo_check *check, struct cp_err *err)
{
	CP_AUTO(checking) struct checking k = { .r = r, .check = check };

	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(check_packs(&k, err));
	CP_TRY(check_loose(&k, err));
	CP_TRY(check_refs(&k, err));
	return check_named(&k, err);
}
