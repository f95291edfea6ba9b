/*
 * Applying changesets that have been read strictly and found permitted, and
 * keeping the index of edits. Inside the caller's transaction; nothing written
 * here is recorded by a session.
 *
 * A document whose row held just the rev that an edit replaced takes the straight
 * way: SQLite applies the rows. Any other goes through its revision tree, all of
 * its rows together, from now on.
 */
#ifndef CASEPACK_SYNC_APPLY_H
#define CASEPACK_SYNC_APPLY_H

#include "sync/store.h"
#include "sync/tree.h"

/* How many edits of documents a changeset holds (its ratings rows belong to judgments). */
CP_CHECKED enum cp_code cp_changeset_edits(const void *changeset, size_t len, size_t *out, struct cp_err *err);

/* Index what this replica has just written itself. commit_no < 0: still in the outbox. */
CP_CHECKED enum cp_code cp_apply_own(struct cp_store *s, const void *changeset, size_t len, int64_t commit_no,
		struct cp_err *err);

/* Apply and index what another replica wrote, in the change commit of that number. */
CP_CHECKED enum cp_code cp_apply_change(struct cp_store *s, const void *changeset, size_t len, int64_t commit_no,
		struct cp_err *err);

/* The commit of that number counts no more: its edits leave the index, and their documents are evaluated again. */
CP_CHECKED enum cp_code cp_apply_without(struct cp_store *s, int64_t commit_no, struct cp_err *err);

/* Evaluate one document from its tree and write its rows, fates, conflicts. */
CP_CHECKED enum cp_code cp_apply_tree(struct cp_store *s, size_t table, const struct cp_id *doc, struct cp_err *err);

/* Evaluate again those documents of a commit that go through their trees, and what follows from them: a verdict came by
 * which its clock is far. */
CP_CHECKED enum cp_code cp_apply_weighed(struct cp_store *s, int64_t commit_no, struct cp_err *err);

/* Evaluate every document that goes through its tree again: after a change of policies, or of how conflicts are kept. */
CP_CHECKED enum cp_code cp_apply_again(struct cp_store *s, struct cp_err *err);

/* The changeset of a commit (commit_no > 0) or of an outbox row (< 0), appended. */
CP_CHECKED enum cp_code cp_changeset_of(struct cp_store *s, int64_t commit_no, struct cp_buf *out, struct cp_err *err);

#endif
