#include "sync/repo_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"

/* ---- all parents ---------------------------------------------------------------------- */

struct oids { git_oid *list; size_t n, room; };

static void cp_oids_drop(struct oids *o)
{
	free(o->list);
}

static enum cp_code oids_add(struct oids *o, const git_oid *id, struct cp_err *err)
{
	if (o->n == o->room) {
		git_oid *list = reallocarray(o->list, o->room * 2 + 64, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory for a history of %zu commits", o->n);
		o->list = list;
		o->room = o->room * 2 + 64;
	}
	o->list[o->n++] = *id;
	return CP_OK;
}

static enum cp_code fail_walk(const struct cp_repo *r, const char *tip, struct cp_err *err)
{
	return cp_fail_git(err, CP_EFORMAT, "%s: walking the history of %.12s", r->path, tip);
}

static enum cp_code aim(struct cp_repo *r, git_revwalk *walk, const char *tip, const struct cp_oid *hides, size_t n_hides,
		struct cp_err *err)
{
	git_oid id;

	CP_TRY(cp_repo_oid(&id, tip, err));
	if (git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE) < 0 || git_revwalk_push(walk, &id) < 0)
		return fail_walk(r, tip, err);
	for (size_t i = 0; i < n_hides; i++) {
		if (hides[i].hex[0] == '\0')
			continue;
		CP_TRY(cp_repo_oid(&id, hides[i].hex, err));
		if (git_revwalk_hide(walk, &id) < 0)
			return fail_walk(r, hides[i].hex, err);
	}
	return CP_OK;
}

static enum cp_code gather(struct cp_repo *r, const char *tip, const struct cp_oid *hides, size_t n_hides, struct oids *out,
		struct cp_err *err)
{
	git_revwalk *walk = NULL;
	enum cp_code code;
	git_oid id;
	int rc = 0;

	CP_TRY(cp_repo_ready(r, err));
	if (git_revwalk_new(&walk, r->git) < 0)
		return fail_walk(r, tip, err);
	code = aim(r, walk, tip, hides, n_hides, err);
	while (code == CP_OK && (rc = git_revwalk_next(&id, walk)) == 0)
		code = oids_add(out, &id, err);
	if (code == CP_OK && rc != GIT_ITEROVER)
		code = fail_walk(r, tip, err);
	git_revwalk_free(walk);
	return code;
}

enum cp_code cp_repo_walk_all(struct cp_repo *r, const char *tip_hex, const struct cp_oid *hides, size_t n_hides,
		cp_commit_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(oids) struct oids oids = { NULL, 0, 0 };

	CP_TRY(gather(r, tip_hex, hides, n_hides, &oids, err));
	for (size_t i = 0; i < oids.n; i++) {
		CP_AUTO(commit) struct cp_commit commit = { 0 };
		char hex[41];

		git_oid_tostr(hex, sizeof hex, &oids.list[i]);
		CP_TRY(cp_repo_read_commit(r, hex, &commit, err));
		CP_TRY(visit(user, hex, &commit, err));
	}
	return CP_OK;
}

static bool is_commit(struct cp_repo *r, const git_oid *id)
{
	git_object_t type;
	size_t len;

	return cp_repo_holds(r, id) && git_odb_read_header(&len, &type, r->odb, id) == 0 && type == GIT_OBJECT_COMMIT;
}

enum cp_code cp_repo_reaches(struct cp_repo *r, const char *tip_hex, const char *oid_hex, bool *out, struct cp_err *err)
{
	git_oid tip, oid;
	int rc;

	*out = strcmp(tip_hex, oid_hex) == 0;
	if (*out || *tip_hex == '\0' || *oid_hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_oid(&tip, tip_hex, err));
	CP_TRY(cp_repo_oid(&oid, oid_hex, err));
	if (!is_commit(r, &tip) || !is_commit(r, &oid))
		return CP_OK;
	rc = git_graph_descendant_of(r->git, &tip, &oid);
	*out = rc == 1;
	return rc < 0 ? fail_walk(r, tip_hex, err) : CP_OK;
}

/* ---- what a tree brings ----------------------------------------------------------------- */

struct bringing { struct cp_repo *r; cp_entry_visit *visit; void *user; };

/* The entry of that name and kind in a tree's bytes; zeros when there is none. */
static enum cp_code find_entry(const struct cp_buf *tree, const struct cp_tree_entry *like, git_oid *out, struct cp_err *err)
{
	struct cp_tree_entry e = { 0 };
	size_t at = 0;

	memset(out, 0, sizeof *out);
	for (;;) {
		CP_TRY(cp_tree_next(&e, tree->data, tree->len, &at, err));
		if (e.name == NULL)
			return CP_OK;
		if (e.is_folder == like->is_folder && e.name_len == like->name_len && memcmp(e.name, like->name, e.name_len) == 0) {
			git_oid_fromraw(out, e.oid);
			return CP_OK;
		}
	}
}

static enum cp_code visit_oid(const struct bringing *b, const git_oid *id, const char *type, struct cp_err *err)
{
	char hex[41];

	return b->visit(b->user, git_oid_tostr(hex, sizeof hex, id), type, err);
}

static enum cp_code bring_tree(const struct bringing *b, const git_oid *id, const git_oid *base, unsigned depth,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), before = CP_BUF(CP_TEXT_MAX);
	struct cp_tree_entry e = { 0 };
	size_t at = 0;

	if (depth > CP_REPO_DEPTH_MAX)
		return cp_fail(err, CP_EFORMAT, "%s: a tree too many folders deep", b->r->path);
	CP_TRY(cp_repo_object(b->r, id, GIT_OBJECT_TREE, &bytes, err));
	if (!git_oid_is_zero(base))
		CP_TRY(cp_repo_object(b->r, base, GIT_OBJECT_TREE, &before, err));
	for (;;) {
		git_oid now, was;

		CP_TRY(cp_tree_next(&e, bytes.data, bytes.len, &at, err));
		if (e.name == NULL)
			return visit_oid(b, id, "tree", err);
		git_oid_fromraw(&now, e.oid);
		CP_TRY(find_entry(&before, &e, &was, err));
		if (git_oid_equal(&now, &was))
			continue;
		CP_TRY(e.is_folder ? bring_tree(b, &now, &was, depth + 1, err) : visit_oid(b, &now, "blob", err));
	}
}

enum cp_code cp_repo_each_new(struct cp_repo *r, const char *tree_hex, const char *base_hex, cp_entry_visit *visit, void *user,
		struct cp_err *err)
{
	const struct bringing b = { r, visit, user };
	git_oid tree, base;

	CP_TRY(cp_repo_oid(&tree, tree_hex, err));
	memset(&base, 0, sizeof base);
	if (base_hex != NULL)
		CP_TRY(cp_repo_oid(&base, base_hex, err));
	return git_oid_equal(&tree, &base) ? CP_OK : bring_tree(&b, &tree, &base, 0, err);
}

/* ---- lines of one name -------------------------------------------------------------------- */

/* Is that branch NAME or NAME.<number>? */
static bool is_line_of(const char *branch, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(branch, name, n) == 0 && (branch[n] == '\0' || (branch[n] == '.' && branch[n + 1] != '\0' &&
			strspn(branch + n + 1, "0123456789") == strlen(branch + n + 1)));
}

static void first_free(const struct cp_tips *tips, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s", name);
	for (unsigned i = 2; cp_tips_find(tips, out) != NULL; i++)
		snprintf(out, size, "%.60s.%u", name, i);
}

enum cp_code cp_repo_line(struct cp_repo *r, const struct cp_tips *tips, const char *name, const char *tip_hex,
		struct cp_tip *out, struct cp_err *err)
{
	bool is_held, grows;

	memset(out, 0, sizeof *out);
	snprintf(out->oid.hex, sizeof out->oid.hex, "%s", tip_hex);
	for (size_t i = 0; i < tips->n; i++) {
		const struct cp_tip *t = &tips->list[i];

		if (!is_line_of(t->name, name))
			continue;
		CP_TRY(cp_repo_reaches(r, t->oid.hex, tip_hex, &is_held, err));
		CP_TRY(cp_repo_reaches(r, tip_hex, t->oid.hex, &grows, err));
		if (is_held) {
			out->name[0] = '\0';
			return CP_OK;
		}
		if (grows && out->name[0] == '\0')
			snprintf(out->name, sizeof out->name, "%s", t->name);
	}
	if (out->name[0] == '\0')
		first_free(tips, name, out->name, sizeof out->name);
	return CP_OK;
}

/* ---- a repository for what arrives ----------------------------------------------------------- */

/* Fetching offers these branches as what is here already. */
static enum cp_code offer_branches(const char *path, struct cp_repo *r, struct cp_err *err)
{
	CP_AUTO(str) char *file = cp_path_join(path, "packed-refs");
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(r, "", &tips, err);

	if (code == CP_OK)
		code = cp_buf_puts(&text, "# pack-refs with: peeled fully-peeled sorted \n", err);
	for (size_t i = 0; code == CP_OK && i < tips.n; i++)
		code = cp_buf_printf(&text, err, "%s refs/own/%s\n", tips.list[i].oid.hex, tips.list[i].name);
	cp_tips_drop(&tips);
	return code == CP_OK ? cp_file_write(file, 0644, text.data, text.len, err) : code;
}

static enum cp_code see_objects(const char *path, const struct cp_repo *r, struct cp_err *err)
{
	CP_AUTO(str) char *file = cp_path_join(path, "objects/info/alternates");
	CP_AUTO(buf) struct cp_buf text = CP_BUF(8192);
	char *whole = realpath(r->path, NULL);
	enum cp_code code;

	if (whole == NULL)
		return cp_fail_errno(err, "%s", r->path);
	code = cp_buf_printf(&text, err, "%s/objects\n", whole);
	free(whole);
	return code == CP_OK ? cp_file_write(file, 0644, text.data, text.len, err) : code;
}

enum cp_code cp_repo_scratch(struct cp_repo **out, const char *path, struct cp_repo *r, struct cp_err *err)
{
	cp_folder_remove(path);
	CP_TRY(cp_repo_create(path, err));
	CP_TRY(see_objects(path, r, err));
	CP_TRY(offer_branches(path, r, err));
	return cp_repo_open(out, path, true, err);
}

enum cp_code cp_repo_refresh(struct cp_repo *r, struct cp_err *err)
{
	CP_TRY(cp_repo_ready(r, err));
	return git_odb_refresh(r->odb) < 0 ? cp_fail_git(err, CP_EIO, "%s: opening its objects", r->path) : CP_OK;
}

void cp_repo_scratch_end(struct cp_repo *scratch)
{
	CP_AUTO(str) char *path = scratch ? strdup(scratch->path) : NULL;

	cp_repo_free(scratch);
	if (path != NULL)
		cp_folder_remove(path);
}
