/*
 * Refused change commits, each kept as one opaque file of private.git, branch `refused`,
 * never as git objects: one hostile tree would make everybody's `git fsck` fail.
 * refused/<xx>/<oid>.json: reason, branch, and the three objects in base64.
 */
#ifndef CASEPACK_SYNC_REFUSED_H
#define CASEPACK_SYNC_REFUSED_H

#include "sync/store.h"

struct cp_refused {
	const char *oid, *branch, *reason;
	const void *commit; size_t commit_len;
	const void *tree; size_t tree_len;
	const void *changeset; size_t len;
};

/* Where the branch stands, and where it will: begin with zeros. */
struct cp_refused_line { struct cp_oid was, now; };
/* Keep it, staged: what comes behind it may refuse the bundle, and then cp_repo_forget forgets it. */
CP_CHECKED enum cp_code cp_refused_keep(struct cp_store *s, struct cp_refused_line *line, const struct cp_refused *r, int64_t at_us,
		struct cp_err *err);
/* All that was kept: flushed, and the branch moved. */
CP_CHECKED enum cp_code cp_refused_publish(struct cp_store *s, const struct cp_refused_line *line, struct cp_err *err);

/* Read it back: out borrows from oid and from parts, four buffers that the caller drops (commit, tree, changeset, texts).
 * CP_ENOTFOUND: it is not kept here. */
CP_CHECKED enum cp_code cp_refused_read(struct cp_store *s, const char *oid, struct cp_buf parts[4], struct cp_refused *out,
		struct cp_err *err);

#endif
