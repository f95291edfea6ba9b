#include "sync/repo_refill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/repo_inner.h"

void cp_lacks_drop(struct cp_lacks *l)
{
	free(l->list);
	memset(l, 0, sizeof *l);
}

enum cp_code cp_lacks_add(struct cp_lacks *l, const char *oid, const char *by, struct cp_err *err)
{
	if (l->n == l->room) {
		struct cp_lack *list = reallocarray(l->list, l->room * 2 + 64, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		l->list = list;
		l->room = l->room * 2 + 64;
	}
	memset(&l->list[l->n], 0, sizeof *l->list);
	snprintf(l->list[l->n].oid.hex, sizeof l->list->oid.hex, "%s", oid);
	snprintf(l->list[l->n++].by.hex, sizeof l->list->by.hex, "%s", by);
	return CP_OK;
}

/* ---- what an object names, as far as it is not here -------------------------------------------- */

static enum cp_code want(struct cp_repo *r, struct cp_lacks *todo, const char *oid, const char *by, struct cp_err *err)
{
	return cp_repo_has(r, oid) ? CP_OK : cp_lacks_add(todo, oid, by, err);
}

static enum cp_code want_of_commit(struct cp_repo *r, struct cp_lacks *todo, const char *by, const struct cp_buf *bytes, struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };

	CP_TRY(cp_commit_read(&c, bytes->data, bytes->len, err));
	CP_TRY(want(r, todo, c.tree.hex, by, err));
	for (size_t i = 0; i < c.n_parents; i++)
		CP_TRY(want(r, todo, c.parents[i].hex, by, err));
	return CP_OK;
}

static enum cp_code want_of_tree(struct cp_repo *r, struct cp_lacks *todo, const char *by, const struct cp_buf *bytes, struct cp_err *err)
{
	struct cp_tree_entry e = { 0 };
	size_t at = 0;

	for (;;) {
		char hex[41];

		CP_TRY(cp_tree_next(&e, bytes->data, bytes->len, &at, err));
		if (e.name == NULL)
			return CP_OK;
		CP_TRY(want(r, todo, cp_hex(hex, e.oid, 20), by, err));
	}
}

/* ---- taking ------------------------------------------------------------------------------------- */

/* Of the other repository, whole; *found false where it is not, or damaged there too. */
static enum cp_code read_whole(struct cp_repo *from, const char *oid, const char **type, struct cp_buf *out, bool *found, struct cp_err *err)
{
	git_odb_object *object = NULL;
	git_oid id;
	enum cp_code code;

	*found = false;
	CP_TRY(cp_repo_oid(&id, oid, err));
	if (git_odb_read(&object, from->odb, &id) < 0)
		return CP_OK;
	*found = true;
	*type = git_object_type2string(git_odb_object_type(object));
	code = cp_buf_add(out, git_odb_object_data(object), git_odb_object_size(object), err);
	git_odb_object_free(object);
	return code;
}

static enum cp_code take(struct cp_repo *r, struct cp_repo *from, struct cp_lacks *todo, const struct cp_oid *oid, int64_t *n,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF((size_t)1 << 31);
	const char *type;
	bool found;

	CP_TRY(read_whole(from, oid->hex, &type, &bytes, &found, err));
	if (!found)
		return CP_OK;
	CP_TRY(cp_repo_put_anew(r, oid->hex, type, bytes.data, bytes.len, err));
	*n += 1;
	return strcmp(type, "commit") == 0 ? want_of_commit(r, todo, oid->hex, &bytes, err)
		: strcmp(type, "tree") == 0 ? want_of_tree(r, todo, oid->hex, &bytes, err) : CP_OK;
}

enum cp_code cp_repo_refill(struct cp_repo *r, struct cp_repo *from, const struct cp_lacks *lacks, int64_t *n, struct cp_err *err)
{
	struct cp_lacks todo = { NULL, 0, 0 };
	enum cp_code code = cp_repo_ready(r, err);

	if (code == CP_OK)
		code = cp_repo_ready(from, err);
	for (size_t i = 0; i < lacks->n && code == CP_OK; i++)
		code = cp_lacks_add(&todo, lacks->list[i].oid.hex, "", err);
	while (todo.n > 0 && code == CP_OK) {
		struct cp_oid oid = todo.list[--todo.n].oid;
		git_oid id;

		code = cp_repo_oid(&id, oid.hex, err);
		if (code == CP_OK && !cp_stage_has(r->stage, &id))
			code = take(r, from, &todo, &oid, n, err);
		if (code == CP_OK && cp_repo_staged(r) > CP_REPO_PACK_MAX)
			code = cp_repo_flush(r, err);
	}
	cp_lacks_drop(&todo);
	return code;
}
