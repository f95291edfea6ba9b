#include "sync/repo_inner.h"

#include <stdio.h>
#include <string.h>

/* ---- newest first ----------------------------------------------------------------------- */

enum cp_code cp_repo_back(struct cp_repo *r, const char *tip_hex, cp_back_visit *visit, void *user, struct cp_err *err)
{
	struct cp_oid at;
	bool is_enough = false;

	snprintf(at.hex, sizeof at.hex, "%s", tip_hex);
	while (at.hex[0] != '\0' && !is_enough) {
		CP_AUTO(commit) struct cp_commit c = { 0 };

		CP_TRY(cp_repo_read_commit(r, at.hex, &c, err));
		CP_TRY(visit(user, at.hex, &c, &is_enough, err));
		if (c.n_parents > 0)
			at = c.parents[0];
		else
			at.hex[0] = '\0';
	}
	return CP_OK;
}

/* ---- by the first digits of its name -------------------------------------------------------- */

struct finding { const char *digits; struct cp_oid *out; size_t max, n; };

static void add_found(struct finding *f, const git_oid *id)
{
	char hex[41];

	git_oid_tostr(hex, sizeof hex, id);
	if (f->n == f->max || strncmp(hex, f->digits, strlen(f->digits)) != 0)
		return;
	snprintf(f->out[f->n++].hex, sizeof f->out->hex, "%s", hex);
}

/* Several objects begin so; which of them are commits the branches tell. */
static enum cp_code find_in_branches(struct cp_repo *r, struct finding *f, struct cp_err *err)
{
	git_revwalk *walk = NULL;
	git_oid id;
	int rc = git_revwalk_new(&walk, r->git);

	if (rc == 0)
		rc = git_revwalk_push_glob(walk, "heads/*");
	while (rc == 0 && f->n < f->max && (rc = git_revwalk_next(&id, walk)) == 0)
		add_found(f, &id);
	git_revwalk_free(walk);
	return rc == 0 || rc == GIT_ITEROVER ? CP_OK : cp_fail_git(err, CP_EFORMAT, "%s: walking its branches", r->path);
}

enum cp_code cp_repo_named(struct cp_repo *r, const char *digits, struct cp_oid *out, size_t max, size_t *n, struct cp_err *err)
{
	struct finding f = { digits, out, max, 0 };
	git_object_t type;
	git_oid begins, id;
	size_t len;
	int rc;

	CP_TRY(cp_repo_ready(r, err));
	if (git_oid_fromstrn(&begins, digits, strlen(digits)) < 0)
		return cp_fail(err, CP_EFORMAT, "\"%.60s\" begins the name of no git object", digits);
	rc = git_odb_exists_prefix(&id, r->odb, &begins, strlen(digits));
	if (rc == GIT_EAMBIGUOUS)
		CP_TRY(find_in_branches(r, &f, err));
	else if (rc == 0 && git_odb_read_header(&len, &type, r->odb, &id) == 0 && type == GIT_OBJECT_COMMIT)
		add_found(&f, &id);
	else if (rc != 0 && rc != GIT_ENOTFOUND)
		return cp_fail_git(err, CP_EIO, "%s: looking for %s", r->path, digits);
	*n = f.n;
	return CP_OK;
}

/* ---- two trees ---------------------------------------------------------------------------------- */

static enum cp_code visit_delta(const git_diff_delta *d, cp_path_visit *visit, void *user, struct cp_err *err)
{
	struct cp_oid was = { "" }, now = { "" };

	if (d->status != GIT_DELTA_ADDED)
		git_oid_tostr(was.hex, sizeof was.hex, &d->old_file.id);
	if (d->status != GIT_DELTA_DELETED)
		git_oid_tostr(now.hex, sizeof now.hex, &d->new_file.id);
	return visit(user, d->new_file.path, &was, &now, err);
}

enum cp_code cp_repo_compare(struct cp_repo *r, const struct cp_oid *a, const struct cp_oid *b, cp_path_visit *visit, void *user,
		struct cp_err *err)
{
	git_diff_options options;
	git_tree *trees[2] = { NULL, NULL };
	git_diff *diff = NULL;
	git_oid ids[2];
	enum cp_code code = CP_OK;

	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(cp_repo_oid(&ids[0], a->hex, err));
	CP_TRY(cp_repo_oid(&ids[1], b->hex, err));
	if (git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION) < 0)
		return cp_fail_git(err, CP_EIO, "libgit2 compares nothing");
	options.flags = GIT_DIFF_SKIP_BINARY_CHECK;
	if (git_tree_lookup(&trees[0], r->git, &ids[0]) < 0 || git_tree_lookup(&trees[1], r->git, &ids[1]) < 0 ||
			git_diff_tree_to_tree(&diff, r->git, trees[0], trees[1], &options) < 0)
		code = cp_fail_git(err, CP_EFORMAT, "%s: comparing tree %.12s with %.12s", r->path, a->hex, b->hex);
	for (size_t i = 0; code == CP_OK && i < git_diff_num_deltas(diff); i++)
		code = visit_delta(git_diff_get_delta(diff, i), visit, user, err);
	git_diff_free(diff);
	git_tree_free(trees[0]);
	git_tree_free(trees[1]);
	return code;
}
