#include "sync/triple.h"

#include <string.h>

#include "sync/limit.h"
#include "sync/repo.h"

void cp_triples_drop(struct cp_triples *t)
{
	cp_buf_drop(&t->commit);
	cp_buf_drop(&t->tree);
}

/* A commit alone: its tree came with an earlier one. */
static enum cp_code complete(struct cp_triples *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_commit c;

	CP_TRY(cp_commit_read(&c, t->commit.data, t->commit.len, err));
	t->tree_oid = c.tree;
	cp_commit_drop(&c);
	cp_buf_clear(&t->tree);
	t->expects = 0;
	if (t->find(t->user, t->tree_oid.hex, &t->tree, &changeset, NULL) != CP_OK)
		return cp_fail(err, CP_EFORMAT, "commit %.12s comes without its tree", t->commit_oid.hex);
	return t->visit(t->user, t, changeset.data ? changeset.data : "", changeset.len, err);
}

enum cp_code cp_triples_object(void *triples, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	static const char *const wanted[] = { "commit", "tree", "blob" };
	struct cp_triples *t = triples;
	struct cp_buf *keep;
	struct cp_oid name;

	if (t->expects == 1 && strcmp(type, "commit") == 0)
		CP_TRY(complete(t, err));
	if (strcmp(type, wanted[t->expects]) != 0)
		return cp_fail(err, CP_EFORMAT, "object %.12s is a %s where a %s must come", oid, type, wanted[t->expects]);
	CP_TRY(cp_repo_name(&name, type, bytes, len, err));
	if (strcmp(name.hex, oid) != 0)
		return cp_fail(err, CP_EFORMAT, "object %.12s does not hash to its name", oid);
	if (t->expects == 2) {
		t->expects = 0;
		if (cp_limit_changeset(t->limits, bytes, len, err) != CP_OK)
			return cp_fail_at(err, "commit %.12s", t->commit_oid.hex);
		return t->visit(t->user, t, bytes, len, err);
	}
	if (len > CP_COMMIT_MAX)
		return cp_fail(err, CP_EFORMAT, "%s %.12s: %zu bytes, the limit is %zu", type, oid, len, CP_COMMIT_MAX);
	*(t->expects == 0 ? &t->commit_oid : &t->tree_oid) = name;
	keep = t->expects++ == 0 ? &t->commit : &t->tree;
	cp_buf_clear(keep);
	return cp_buf_add(keep, bytes, len, err);
}

enum cp_code cp_triples_end(struct cp_triples *t, struct cp_err *err)
{
	if (t->expects == 1)
		CP_TRY(complete(t, err));
	return t->expects == 0 ? CP_OK : cp_fail(err, CP_EFORMAT, "the history ends within a change commit");
}
