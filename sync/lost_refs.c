#include "sync/lost_refs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/repo_check.h"

struct end { char branch[80]; struct cp_oid oid, parents[2]; size_t n_parents; int64_t seconds; bool is_parent; };
struct ends { struct end *list; size_t n, room; bool is_private; struct cp_lacks *lacks; };

/* ---- which branch a commit is of ------------------------------------------------------------------------- */

static void name_branch(struct end *e, const struct cp_commit *c)
{
	const char *text;
	size_t len;

	if (cp_commit_trailer(c, "Casepack-Outbound", 0, &text, &len))
		snprintf(e->branch, sizeof e->branch, "outbound/%.*s", (int)(len < 32 ? len : 32), text);
	else if (cp_commit_trailer(c, "Casepack-Changeset", 0, &text, &len))
		snprintf(e->branch, sizeof e->branch, "replica/%.32s", c->committer.email);
	else
		snprintf(e->branch, sizeof e->branch, "main");
}

static enum cp_code see_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	struct ends *ends = user;
	CP_AUTO(commit) struct cp_commit c = { 0 };
	struct end *e;

	if (strcmp(type, "commit") != 0 || cp_commit_read(&c, bytes, len, NULL) != CP_OK)
		return CP_OK;
	if (ends->n == ends->room) {
		struct end *list = reallocarray(ends->list, ends->room * 2 + 64, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		ends->list = list;
		ends->room = ends->room * 2 + 64;
	}
	e = &ends->list[ends->n++];
	memset(e, 0, sizeof *e);
	snprintf(e->oid.hex, sizeof e->oid.hex, "%s", oid);
	memcpy(e->parents, c.parents, sizeof e->parents);
	e->n_parents = c.n_parents;
	e->seconds = c.committer.seconds;
	name_branch(e, &c);
	return CP_OK;
}

static enum cp_code read_all(void *user, const char *name, const struct cp_hash *hash, bool *skip, struct cp_err *err)
{
	(void)user, (void)name, (void)hash, (void)err;
	*skip = false;
	return CP_OK;
}

static enum cp_code go_on(void *user, const char *where, const char *what, struct cp_err *err)
{
	(void)user, (void)where, (void)what, (void)err;
	return CP_OK;
}

static enum cp_code see_absent(void *user, const char *oid, const char *by, struct cp_err *err)
{
	struct ends *ends = user;

	return cp_lacks_add(ends->lacks, oid, by, err);
}

/* ---- ends ------------------------------------------------------------------------------------------------- */

static int by_oid(const void *a, const void *b)
{
	return strcmp(((const struct end *)a)->oid.hex, ((const struct end *)b)->oid.hex);
}

static void mark_parents(struct ends *ends)
{
	if (ends->n > 1)
		qsort(ends->list, ends->n, sizeof *ends->list, by_oid);
	for (size_t i = 0; i < ends->n; i++)
		for (size_t k = 0; k < ends->list[i].n_parents; k++) {
			struct end key = { .oid = ends->list[i].parents[k] };
			struct end *parent = bsearch(&key, ends->list, ends->n, sizeof key, by_oid);

			if (parent != NULL)
				parent->is_parent = true;
		}
}

static bool is_other_hubs(const struct cp_tips *tips, const char *oid)
{
	for (size_t i = 0; i < tips->n; i++)
		if (strncmp(tips->list[i].name, "hub/", 4) == 0 && strcmp(tips->list[i].oid.hex, oid) == 0)
			return true;
	return false;
}

static enum cp_code restore(struct cp_repo *r, struct ends *ends, const struct cp_tips *tips, struct cp_tips *out, struct cp_err *err)
{
	for (size_t i = 0; i < ends->n; i++) {
		const struct end *e = &ends->list[i];
		const struct cp_oid none = { "" };
		bool is_best = true;

		if (e->is_parent || cp_tips_find(tips, e->branch) != NULL || cp_tips_find(out, e->branch) != NULL ||
				is_other_hubs(tips, e->oid.hex) || (ends->is_private && strcmp(e->branch, "main") == 0))
			continue;
		for (size_t k = 0; k < ends->n; k++)
			is_best = is_best && (ends->list[k].is_parent || strcmp(ends->list[k].branch, e->branch) != 0 ||
					ends->list[k].seconds <= e->seconds || is_other_hubs(tips, ends->list[k].oid.hex));
		if (!is_best)
			continue;
		CP_TRY(cp_repo_move(r, e->branch, &none, &e->oid, err));
		CP_TRY(cp_tips_add(out, e->branch, e->oid.hex, err));
	}
	return CP_OK;
}

static enum cp_code see_ref(void *user, const char *name, const char *oid, struct cp_err *err)
{
	(void)user, (void)name, (void)oid, (void)err;
	return CP_OK;
}

enum cp_code cp_refs_restore(struct cp_repo *r, bool is_private, struct cp_tips *out, struct cp_lacks *lacks, struct cp_err *err)
{
	struct ends ends = { .is_private = is_private, .lacks = lacks };
	struct cp_repo_check check = { .user = &ends, .file = read_all, .object = see_object, .wrong = go_on, .absent = see_absent,
		.ref = see_ref };
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(r, "", &tips, err);

	if (code == CP_OK)
		code = cp_repo_check(r, &check, err);
	mark_parents(&ends);
	if (code == CP_OK)
		code = restore(r, &ends, &tips, out, err);
	cp_tips_drop(&tips);
	free(ends.list);
	return code;
}
