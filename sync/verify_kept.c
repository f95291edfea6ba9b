/* Change commits that are in no history: what this hub refused, and what waits. */
#include <stdio.h>
#include <string.h>

#include "sync/change.h"
#include "sync/refused.h"
#include "sync/verify_inner.h"

/* ---- refused ----------------------------------------------------------------------------------------- */

static enum cp_code compare_refused(struct cp_verify *v, const struct cp_refused *r, const char *reason, struct cp_err *err)
{
	struct cp_oid is;
	char where[128];

	snprintf(where, sizeof where, "private.git: refused: %s", r->oid);
	CP_TRY(cp_repo_name(&is, "commit", r->commit, r->commit_len, err));
	if (strcmp(is.hex, r->oid) != 0)
		cp_found(v, where, CP_NOW_HISTORY, "holds another commit, %s", is.hex);
	snprintf(where, sizeof where, "casepack.db: commits \"%s\"", r->oid);
	if (strcmp(r->reason, reason) != 0)
		cp_found(v, where, CP_NOW_REBUILD, "reason is \"%.200s\", and private.git says \"%.200s\"", reason, r->reason);
	return CP_OK;
}

static enum cp_code see_refused(struct cp_verify *v, const char *oid, const char *reason, struct cp_err *err)
{
	struct cp_buf parts[4] = { CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31), CP_BUF((size_t)1 << 31) };
	struct cp_err why = { .code = CP_OK };
	struct cp_refused r;
	char where[128];
	enum cp_code code = cp_refused_read(v->s, oid, parts, &r, &why);

	snprintf(where, sizeof where, "private.git: refused: %s", oid);
	code = code == CP_OK ? compare_refused(v, &r, reason, err) : cp_found_or(v, where, CP_NOW_HISTORY, code, &why, err);
	for (int i = 0; i < 4; i++)
		cp_buf_drop(&parts[i]);
	return code;
}

static enum cp_code each_refused(struct cp_verify *v, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(v->s, &q, err, "WITH mine(id) AS (SELECT ?1 UNION SELECT copy_of FROM replicas JOIN mine USING (id))" /* before it was copied, too */
			" SELECT c.oid, c.reason FROM commits c JOIN verdicts USING (oid) WHERE hub IN mine"
			" AND verdicts.verdict = 'refused' AND c.verdict = 'refused' ORDER BY c.no", "d", &v->s->me.replica));
	for (;;) {
		CP_TRY(cp_step(v->s, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(see_refused(v, cp_col_text(q, 0), cp_col_text(q, 1), err));
	}
}

/* ---- waiting -------------------------------------------------------------------------------------------- */

#define CP_NOW_SENT_AGAIN "delete that row with `sqlite3`; its author sends it again"

/* What its bytes say of themselves; why it waits and since when is this workspace's own note. */
static enum cp_code compare_waiting(struct cp_verify *v, const char *where, sqlite3_stmt *q, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	struct cp_change_commit c;
	struct cp_oid tree;
	char hex[CP_ID_HEX];
	enum cp_code code = cp_change_commit_read(&c, sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2), &why);

	if (code != CP_OK)
		return cp_found_or(v, where, CP_NOW_SENT_AGAIN, code, &why, err);
	code = cp_repo_name(&tree, "tree", sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3), err);
	if (code == CP_OK && strcmp(c.commit.tree.hex, tree.hex) != 0)
		cp_found(v, where, CP_NOW_SENT_AGAIN, "does not hold the tree that was signed");
	if (strncmp(cp_col_text(q, 1), "replica/", 8) != 0 || strncmp(cp_col_text(q, 1) + 8, cp_hex(hex, c.replica.bytes, 16), 32) != 0)
		cp_found(v, where, CP_NOW_SENT_AGAIN, "branch is \"%.80s\", and the commit is by %s", cp_col_text(q, 1), hex);
	if (strcmp(cp_col_text(q, 4), c.parent) != 0)
		cp_found(v, where, CP_NOW_SENT_AGAIN, "parent is \"%.80s\", and the commit says \"%s\"", cp_col_text(q, 4), c.parent);
	if (sqlite3_column_int64(q, 5) != c.edits)
		cp_found(v, where, CP_NOW_SENT_AGAIN, "edits is %lld, and the commit says %lld", sqlite3_column_int64(q, 5), (long long)c.edits);
	cp_change_commit_drop(&c);
	return code;
}

static enum cp_code see_waiting(struct cp_verify *v, sqlite3_stmt *q, struct cp_err *err)
{
	struct cp_oid is;
	char where[128];

	snprintf(where, sizeof where, "casepack.db: waiting \"%.64s\"", cp_col_text(q, 0));
	CP_TRY(cp_repo_name(&is, "commit", sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2), err));
	if (strcmp(is.hex, cp_col_text(q, 0)) == 0)
		return compare_waiting(v, where, q, err);
	cp_found(v, where, CP_NOW_SENT_AGAIN, "holds another commit, %s", is.hex);
	return CP_OK;
}

static enum cp_code each_waiting(struct cp_verify *v, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(v->s, &q, err, "SELECT oid, branch, commit_bytes, tree_bytes, parent, edits FROM waiting ORDER BY oid", ""));
	for (;;) {
		CP_TRY(cp_step(v->s, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(see_waiting(v, q, err));
	}
}

enum cp_code cp_verify_kept(struct cp_verify *v, struct cp_err *err)
{
	if (v->s->private != NULL)
		CP_TRY(each_refused(v, err));
	return each_waiting(v, err);
}
