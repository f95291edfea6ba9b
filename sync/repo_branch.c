#include "sync/repo_inner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "formats/text.h"

/* ---- names -------------------------------------------------------------------------- */

static enum cp_code bad_branch(const char *branch, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(8192);

	if (cp_text_shown(&shown, branch, strlen(branch), false, NULL) != CP_OK)
		return cp_fail(err, CP_EINPUT, "the name of a branch must be UTF-8");
	return cp_fail(err, CP_EINPUT, "\"%s\" cannot be the name of a branch", shown.data == NULL ? "" : shown.data);
}

enum cp_code cp_repo_ref(struct cp_ref *out, const char *branch, struct cp_err *err)
{
	int is_valid = 0;

	if (strlen(branch) >= sizeof(((struct cp_tip *)0)->name))
		return cp_fail(err, CP_EINPUT, "the name of a branch has at most %zu bytes, not %zu",
				sizeof(((struct cp_tip *)0)->name) - 1, strlen(branch));
	snprintf(out->text, sizeof(out->text), CP_HEADS "%s", branch);
	if (git_reference_name_is_valid(&is_valid, out->text) < 0 || !is_valid)
		return bad_branch(branch, err);
	return CP_OK;
}

/* ---- one branch --------------------------------------------------------------------- */

static enum cp_code read_ref(const struct cp_repo *r, const git_reference *ref, struct cp_oid *out,
		struct cp_err *err)
{
	if (git_reference_type(ref) != GIT_REFERENCE_DIRECT)
		return cp_fail(err, CP_EFORMAT, "%s: %s points to another branch instead of a commit", r->path,
				git_reference_name(ref));
	git_oid_tostr(out->hex, sizeof(out->hex), git_reference_target(ref));
	return CP_OK;
}

/* A name that is a path without surprises; others are libgit2's to judge. */
static bool is_simple(const char *name)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_./";

	return strspn(name, letters) == strlen(name) && strlen(name) < sizeof(((struct cp_tip *)0)->name) && *name != '\0'
		&& *name != '/' && name[strlen(name) - 1] != '/' && strstr(name, "//") == NULL && *name != '.'
		&& strstr(name, "/.") == NULL && strstr(name, "..") == NULL && strstr(name, ".lock") == NULL && name[strlen(name) - 1] != '.';
}

/* What a branch's own file says, which git heeds before packed-refs, without starting libgit2. False: ask that. */
static bool read_plainly(const struct cp_repo *r, const char *name, struct cp_oid *out)
{
	CP_AUTO(str) char *heads = cp_path_join(r->path, "refs/heads");
	CP_AUTO(str) char *file = cp_path_join(heads, name);
	CP_AUTO(str) char *packed = cp_path_join(r->path, "packed-refs");
	CP_AUTO(buf) struct cp_buf text = CP_BUF(41);
	enum cp_code code;
	git_oid id;

	if (r->stage != NULL || !is_simple(name))
		return false;
	out->hex[0] = '\0';
	code = cp_file_read(&text, file, NULL);
	if (code == CP_ENOTFOUND)
		return !cp_file_exists(packed);
	if (code != CP_OK || text.len != 41 || text.data[40] != '\n')
		return false;
	snprintf(out->hex, sizeof(out->hex), "%.40s", text.data);
	return cp_repo_oid(&id, out->hex, NULL) == CP_OK;
}

enum cp_code cp_repo_branch(struct cp_repo *r, const char *name, struct cp_oid *out, struct cp_err *err)
{
	struct cp_ref full;
	git_reference *ref = NULL;
	enum cp_code code;
	int rc;

	if (read_plainly(r, name, out))
		return CP_OK;
	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(cp_repo_ref(&full, name, err));
	rc = git_reference_lookup(&ref, r->git, full.text);
	if (rc == GIT_ENOTFOUND) {
		out->hex[0] = '\0';
		return CP_OK;
	}
	if (rc < 0)
		return cp_fail_git(err, CP_EFORMAT, "%s: reading %s", r->path, full.text);
	code = read_ref(r, ref, out, err);
	git_reference_free(ref);
	return code;
}

/* A new ref may have brought new folders: flush them from the ref upward. */
static enum cp_code sync_folders(const struct cp_repo *r, const char *ref, struct cp_err *err)
{
	struct cp_ref folder;

	snprintf(folder.text, sizeof(folder.text), "%s", ref);
	for (char *slash; (slash = strrchr(folder.text, '/')) != NULL;) {
		CP_AUTO(str) char *path = NULL;

		*slash = '\0';
		path = cp_path_join(r->path, folder.text);
		CP_TRY(cp_folder_sync(path, err));
	}
	return CP_OK;
}

/* The lock, the comparison and the renaming are libgit2's, which git respects. */
static enum cp_code set_ref(struct cp_repo *r, const char *full, const git_oid *old, const git_oid *now,
		struct cp_err *err)
{
	git_reference *ref = NULL;
	const int rc = old == NULL ? git_reference_create(&ref, r->git, full, now, 0, NULL)
			: git_reference_create_matching(&ref, r->git, full, now, 1, old, NULL);

	git_reference_free(ref);
	if (rc == GIT_EEXISTS || rc == GIT_EMODIFIED || rc == GIT_ENOTFOUND)
		return cp_fail(err, CP_EBUSY, "%s: %s has moved meanwhile; try again", r->path, full);
	if (rc == GIT_ELOCKED)
		return cp_fail(err, CP_EBUSY, "%s: %s is locked by another program; try again", r->path, full);
	return rc < 0 ? cp_fail_git(err, CP_EIO, "%s: moving %s", r->path, full) : CP_OK;
}

static enum cp_code end_ref(struct cp_repo *r, const char *full, const git_oid *old, struct cp_err *err)
{
	git_reference *ref = NULL;
	int rc = git_reference_lookup(&ref, r->git, full);

	if (rc == 0 && git_reference_type(ref) == GIT_REFERENCE_DIRECT && git_oid_equal(git_reference_target(ref), old))
		rc = git_reference_delete(ref); /* libgit2 compares once more, under the lock */
	else
		rc = GIT_EMODIFIED;
	git_reference_free(ref);
	if (rc == GIT_EMODIFIED || rc == GIT_ELOCKED)
		return cp_fail(err, CP_EBUSY, "%s: %s has moved meanwhile, or is locked; try again", r->path, full);
	return rc < 0 ? cp_fail_git(err, CP_EIO, "%s: ending %s", r->path, full) : CP_OK;
}

enum cp_code cp_repo_move(struct cp_repo *r, const char *name, const struct cp_oid *old, const struct cp_oid *now,
		struct cp_err *err)
{
	struct cp_ref full;
	git_oid from, to;
	const bool is_new = old->hex[0] == '\0';

	assert(r->for_writing && (!is_new || now->hex[0] != '\0'));
	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(cp_repo_ref(&full, name, err));
	if (!is_new)
		CP_TRY(cp_repo_oid(&from, old->hex, err));
	if (now->hex[0] == '\0') {
		CP_TRY(end_ref(r, full.text, &from, err));
		return sync_folders(r, full.text, err);
	}
	CP_TRY(cp_repo_oid(&to, now->hex, err));
	CP_TRY(cp_repo_need(r, now->hex, GIT_OBJECT_COMMIT, err));
	if (cp_stage_has(r->stage, &to))
		return cp_fail(err, CP_EIO, "%s: %s cannot move to %s, which is not on the disk yet", r->path,
				full.text, now->hex);
	CP_TRY(set_ref(r, full.text, is_new ? NULL : &from, &to, err));
	return is_new ? sync_folders(r, full.text, err) : CP_OK;
}

/* ---- all branches ------------------------------------------------------------------- */

static enum cp_code add_ref(struct cp_repo *r, const git_reference *ref, const char *prefix, struct cp_tips *out,
		struct cp_err *err)
{
	const char *name = git_reference_name(ref);
	struct cp_oid oid;

	if (strncmp(name, CP_HEADS, strlen(CP_HEADS)) != 0)
		return CP_OK;
	name += strlen(CP_HEADS);
	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return CP_OK;
	CP_TRY(read_ref(r, ref, &oid, err));
	return cp_tips_add(out, name, oid.hex, err) == CP_OK ? CP_OK : cp_fail(err, CP_EFORMAT, "%s: has a branch that cannot be one", r->path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct cp_tip *)a)->name, ((const struct cp_tip *)b)->name);
}

static enum cp_code add_refs(struct cp_repo *r, git_reference_iterator *refs, const char *prefix,
		struct cp_tips *out, struct cp_err *err)
{
	enum cp_code code = CP_OK;
	git_reference *ref;
	int rc = 0;

	while (code == CP_OK && (rc = git_reference_next(&ref, refs)) == 0) {
		code = add_ref(r, ref, prefix, out, err);
		git_reference_free(ref);
	}
	if (code == CP_OK && rc != GIT_ITEROVER)
		code = cp_fail_git(err, CP_EFORMAT, "%s: reading its branches", r->path);
	return code;
}

enum cp_code cp_repo_branches(struct cp_repo *r, const char *prefix, struct cp_tips *out, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	git_reference_iterator *refs = NULL;
	enum cp_code code;

	CP_TRY(cp_repo_ready(r, err));
	if (git_reference_iterator_new(&refs, r->git) < 0)
		return cp_fail_git(err, CP_EFORMAT, "%s: reading its branches", r->path);
	code = add_refs(r, refs, prefix, &tips, err);
	git_reference_iterator_free(refs);
	if (code != CP_OK) {
		cp_tips_drop(&tips);
		return code;
	}
	if (tips.n > 1)
		qsort(tips.list, tips.n, sizeof(*tips.list), by_name);
	*out = tips;
	return CP_OK;
}

/* ---- walking ------------------------------------------------------------------------ */

/* 20 bytes a commit, newest first: what is kept while walking. */
struct chain { git_oid *list; size_t n, cap; };

static void cp_chain_drop(struct chain *c)
{
	free(c->list);
}

static enum cp_code chain_add(struct chain *c, const char *hex, struct cp_err *err)
{
	if (c->n == c->cap) {
		const size_t cap = c->cap == 0 ? 64 : c->cap * 2;
		git_oid *list = realloc(c->list, cap * sizeof(*list));

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory for a chain of %zu commits", cap);
		c->list = list;
		c->cap = cap;
	}
	CP_TRY(cp_repo_oid(&c->list[c->n], hex, err));
	c->n++;
	return CP_OK;
}

static enum cp_code follow(struct cp_repo *r, const char *tip_hex, const char *stop_hex, struct chain *chain,
		struct cp_err *err)
{
	struct cp_oid at;

	snprintf(at.hex, sizeof(at.hex), "%s", tip_hex);
	while (at.hex[0] != '\0' && strcmp(at.hex, stop_hex) != 0) {
		CP_AUTO(commit) struct cp_commit commit = { 0 };

		CP_TRY(chain_add(chain, at.hex, err));
		CP_TRY(cp_repo_read_commit(r, at.hex, &commit, err));
		if (commit.n_parents > 0)
			at = commit.parents[0];
		else
			at.hex[0] = '\0';
	}
	if (strcmp(at.hex, stop_hex) != 0)
		return cp_fail(err, CP_EFORMAT, "%s: %s does not descend from %s", r->path, tip_hex, stop_hex);
	return CP_OK;
}

enum cp_code cp_repo_walk(struct cp_repo *r, const char *tip_hex, const char *stop_hex, cp_commit_visit *visit,
		void *user, struct cp_err *err)
{
	CP_AUTO(chain) struct chain chain = { NULL, 0, 0 };

	CP_TRY(follow(r, tip_hex, stop_hex, &chain, err));
	while (chain.n > 0) {
		CP_AUTO(commit) struct cp_commit commit = { 0 };
		char hex[41];

		git_oid_tostr(hex, sizeof(hex), &chain.list[--chain.n]);
		CP_TRY(cp_repo_read_commit(r, hex, &commit, err));
		CP_TRY(visit(user, hex, &commit, err));
	}
	return CP_OK;
}
