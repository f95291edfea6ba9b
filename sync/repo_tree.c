#include "sync/repo_inner.h"

#include <stdlib.h>
#include <string.h>

#include "formats/text.h"

/* ---- one folder --------------------------------------------------------------------- */


struct level { struct cp_buf bytes; struct cp_tree_entry *list; size_t n; };

static void cp_level_drop(struct level *l)
{
	cp_buf_drop(&l->bytes);
	free(l->list);
}

static const struct cp_tree_entry *find_entry(const struct cp_tree_entry *list, size_t n,
		const char *name, size_t name_len, bool is_folder)
{
	const struct cp_tree_entry key = { .name = name, .name_len = name_len, .is_folder = is_folder };
	size_t from = 0, to = n;

	while (from < to) {
		const size_t mid = from + (to - from) / 2;
		const int c = cp_tree_order(&key, &list[mid]);

		if (c == 0)
			return &list[mid];
		if (c < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

/* A file and a folder of one name do not stand side by side in git's order, so order alone does not show them. */
static const struct cp_tree_entry *find_twin(const struct cp_tree_entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].is_folder && find_entry(list, n, list[i].name, list[i].name_len, false) != NULL)
			return &list[i];
	return NULL;
}

static enum cp_code list_level(struct level *l, struct cp_err *err)
{
	struct cp_tree_entry entry = { 0 };
	size_t at = 0;

	l->list = malloc((l->bytes.len / 28 + 1) * sizeof(*l->list)); /* "40000 n", zero, 20 bytes */
	if (l->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory for a tree");
	for (;;) {
		CP_TRY(cp_tree_next(&entry, l->bytes.data, l->bytes.len, &at, err));
		if (entry.name == NULL)
			break;
		l->list[l->n++] = entry;
	}
	if (find_twin(l->list, l->n) != NULL)
		return cp_fail(err, CP_EFORMAT, "tree object: a file and a folder of one name");
	return CP_OK;
}

enum cp_code cp_repo_check_tree(const void *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(level) struct level l = { CP_BUF(CP_TEXT_MAX), NULL, 0 };

	CP_TRY(cp_buf_add(&l.bytes, bytes, len, err));
	return list_level(&l, err);
}

static enum cp_code read_level(struct cp_repo *r, const git_oid *id, struct level *l, struct cp_err *err)
{
	CP_TRY(cp_repo_object(r, id, GIT_OBJECT_TREE, &l->bytes, err));
	if (list_level(l, err) != CP_OK)
		return cp_fail_at(err, "%s: tree %s", r->path, git_oid_tostr_s(id));
	return CP_OK;
}

enum cp_code cp_repo_single(struct cp_repo *r, const char *name, const struct cp_oid *blob, struct cp_oid *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(1024);
	struct cp_tree_entry entry = { .name = name, .name_len = strlen(name) };
	git_oid id;

	CP_TRY(cp_repo_oid(&id, blob->hex, err));
	if (!cp_repo_holds(r, &id))
		return cp_repo_absent(r, &id, err);
	memcpy(entry.oid, id.id, sizeof(entry.oid));
	CP_TRY(cp_tree_add(&bytes, &entry, err));
	cp_stage_hint(r->stage, &id, name, entry.name_len);
	CP_TRY(cp_repo_stage(r, GIT_OBJECT_TREE, bytes.data, bytes.len, &id, err));
	git_oid_tostr(out->hex, sizeof(out->hex), &id);
	return CP_OK;
}

static enum cp_code fail_path(struct cp_err *err, const char *path, size_t len, const char *why)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	if (cp_text_shown(&shown, path, len, false, NULL) != CP_OK)
		return cp_fail(err, CP_EINPUT, "a path that is not UTF-8: %s", why);
	return cp_fail(err, CP_EINPUT, "%.600s: %s", shown.data, why);
}

/* Edits of one folder: their paths are alike in the first skip bytes, and sorted. */
struct edits { const struct cp_tree_edit *const *list; size_t n, skip; unsigned depth; };

static enum cp_code edit_level(struct cp_repo *r, const git_oid *base, struct edits e, git_oid *out,
		bool *is_empty, struct cp_err *err);

/* How many of the first edits touch the same entry, and that entry's name and kind. */
static size_t group(const struct edits *e, struct cp_tree_entry *key)
{
	const char *name = e->list[0]->path + e->skip;
	size_t n = 1;

	key->name = name;
	key->name_len = strcspn(name, "/");
	key->is_folder = name[key->name_len] == '/';
	while (key->is_folder && n < e->n && strncmp(e->list[n]->path + e->skip, name, key->name_len + 1) == 0)
		n++;
	return n;
}

/* One entry after its edits; *is_there false when it is gone. old: as it was, or NULL. */
static enum cp_code edit_entry(struct cp_repo *r, const struct edits *e, size_t n,
		const struct cp_tree_entry *old, struct cp_tree_entry *key, bool *is_there, struct cp_err *err)
{
	const struct cp_tree_edit *edit = e->list[0];
	git_oid id;

	if (key->is_folder) {
		const struct edits below = { e->list, n, e->skip + key->name_len + 1, e->depth + 1 };
		bool is_empty;

		if (old != NULL)
			git_oid_fromraw(&id, old->oid);
		CP_TRY(edit_level(r, old == NULL ? NULL : &id, below, &id, &is_empty, err));
		*is_there = !is_empty;
	} else {
		*is_there = edit->blob.hex[0] != '\0';
	}
	if (!*is_there)
		return CP_OK;
	if (!key->is_folder) {
		CP_TRY(cp_repo_oid(&id, edit->blob.hex, err));
		if (!cp_repo_holds(r, &id))
			return cp_repo_absent(r, &id, err);
	}
	cp_stage_hint(r->stage, &id, edit->path, e->skip + key->name_len);
	memcpy(key->oid, id.id, sizeof(key->oid));
	return CP_OK;
}

/* The entries of base and of the edits in one list: both are in git's order, and so is the result. */
static enum cp_code merge_level(struct cp_repo *r, const struct level *base, struct edits e, struct level *merged,
		struct cp_err *err)
{
	size_t i = 0;

	merged->list = malloc((base->n + e.n + 1) * sizeof(*merged->list));
	if (merged->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory for a tree");
	while (e.n > 0) {
		struct cp_tree_entry key = { 0 };
		const struct cp_tree_entry *old = NULL;
		const size_t n = group(&e, &key);
		bool is_there = false;

		while (i < base->n && cp_tree_order(&base->list[i], &key) < 0)
			merged->list[merged->n++] = base->list[i++];
		if (i < base->n && cp_tree_order(&base->list[i], &key) == 0)
			old = &base->list[i++];
		CP_TRY(edit_entry(r, &e, n, old, &key, &is_there, err));
		if (is_there)
			merged->list[merged->n++] = key;
		e.list += n;
		e.n -= n;
	}
	while (i < base->n)
		merged->list[merged->n++] = base->list[i++];
	return CP_OK;
}

static enum cp_code edit_level(struct cp_repo *r, const git_oid *base, struct edits e, git_oid *out,
		bool *is_empty, struct cp_err *err)
{
	CP_AUTO(level) struct level old = { CP_BUF(CP_TEXT_MAX), NULL, 0 };
	CP_AUTO(level) struct level merged = { CP_BUF(CP_TEXT_MAX), NULL, 0 };
	const struct cp_tree_entry *twin;

	if (e.depth > CP_REPO_DEPTH_MAX)
		return fail_path(err, e.list[0]->path, strlen(e.list[0]->path), "too many folders deep");
	if (base != NULL)
		CP_TRY(read_level(r, base, &old, err));
	CP_TRY(merge_level(r, &old, e, &merged, err));
	twin = find_twin(merged.list, merged.n);
	if (twin != NULL)
		return fail_path(err, twin->name, twin->name_len, "cannot be a file and a folder");
	for (size_t i = 0; i < merged.n; i++)
		CP_TRY(cp_tree_add(&merged.bytes, &merged.list[i], err));
	*is_empty = merged.n == 0;
	if (*is_empty && e.depth > 0)
		return CP_OK;
	return cp_repo_stage(r, GIT_OBJECT_TREE, merged.bytes.data, merged.bytes.len, out, err);
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(const struct cp_tree_edit *const *)a)->path, (*(const struct cp_tree_edit *const *)b)->path);
}

/* A "/" ends a folder's name in git's order too, so sorted paths are in git's order on every level. */
static enum cp_code sort_edits(const struct cp_tree_edit **sorted, const struct cp_tree_edit *edits, size_t n,
		struct cp_err *err)
{
	for (size_t i = 0; i < n; i++)
		sorted[i] = &edits[i];
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0)
			return fail_path(err, sorted[i]->path, strlen(sorted[i]->path), "edited twice in one tree");
	return CP_OK;
}

enum cp_code cp_repo_tree(struct cp_repo *r, const struct cp_oid *base, const struct cp_tree_edit *edits,
		size_t n, struct cp_oid *out, struct cp_err *err)
{
	const struct cp_tree_edit **sorted = calloc(n + 1, sizeof(*sorted));
	git_oid base_id, id;
	enum cp_code code = CP_OK;
	bool is_empty;

	if (sorted == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu edits of a tree", n);
	if (base != NULL)
		code = cp_repo_oid(&base_id, base->hex, err);
	if (code == CP_OK)
		code = sort_edits(sorted, edits, n, err);
	if (code == CP_OK)
		code = edit_level(r, base == NULL ? NULL : &base_id, (struct edits){ sorted, n, 0, 0 }, &id,
				&is_empty, err);
	free(sorted);
	if (code == CP_OK)
		git_oid_tostr(out->hex, sizeof(out->hex), &id);
	return code;
}

static enum cp_code find_in_level(struct cp_repo *r, const git_oid *tree, const char *name, size_t len,
		bool is_folder, git_oid *out, struct cp_err *err)
{
	CP_AUTO(level) struct level l = { CP_BUF(CP_TEXT_MAX), NULL, 0 };
	const struct cp_tree_entry *entry;

	CP_TRY(read_level(r, tree, &l, err));
	entry = find_entry(l.list, l.n, name, len, is_folder);
	if (entry == NULL)
		return cp_fail(err, CP_ENOTFOUND, "\"%.*s\" is not in tree %s", (int)len, name, git_oid_tostr_s(tree));
	git_oid_fromraw(out, entry->oid);
	return CP_OK;
}

enum cp_code cp_repo_read_single(struct cp_repo *r, const char *tree_hex, const char *name, struct cp_buf *tree,
		struct cp_buf *bytes, struct cp_err *err)
{
	struct cp_oid blob;

	CP_TRY(cp_repo_read(r, tree_hex, "tree", tree, err));
	CP_TRY(cp_tree_read_single(&blob, name, tree->data, tree->len, err));
	return cp_repo_read(r, blob.hex, "blob", bytes, err);
}

static enum cp_code find_path(struct cp_repo *r, const char *tree_hex, const char *path, git_oid *id, struct cp_err *err)
{
	CP_TRY(cp_repo_oid(id, tree_hex, err));
	for (const char *name = path;;) {
		const size_t len = strcspn(name, "/");
		const bool is_folder = name[len] == '/';

		CP_TRY(find_in_level(r, id, name, len, is_folder, id, err));
		if (!is_folder)
			return CP_OK;
		name += len + 1;
	}
}

enum cp_code cp_repo_entry(struct cp_repo *r, const struct cp_oid *tree, const char *path, struct cp_oid *out, struct cp_err *err)
{
	git_oid id;
	enum cp_code code = find_path(r, tree->hex, path, &id, err);

	out->hex[0] = '\0';
	if (code == CP_OK)
		git_oid_tostr(out->hex, sizeof out->hex, &id);
	return code == CP_ENOTFOUND ? CP_OK : code;
}

enum cp_code cp_repo_read_path(struct cp_repo *r, const char *commit_hex, const char *path, struct cp_buf *out,
		struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit commit = { 0 };
	git_oid id;

	CP_TRY(cp_repo_read_commit(r, commit_hex, &commit, err));
	CP_TRY(find_path(r, commit.tree.hex, path, &id, err));
	return cp_repo_object(r, &id, GIT_OBJECT_BLOB, out, err);
}
