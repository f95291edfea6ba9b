/*
 * The changes of one document in a change commit, found without reading the rest of it
 * again: a rater's commit may hold thousands, and each of them may be asked for.
 */
#ifndef CASEPACK_SYNC_CHANGES_H
#define CASEPACK_SYNC_CHANGES_H

#include "formats/changeset.h"
#include "sync/store.h"

/* A document's rows and those of its answers, in the order written; c is borrowed for the visit. */
typedef void cp_change_visit(void *user, const struct cp_change *c, int64_t commit_no);
/* commit_no as cp_changeset_of takes it. What a commit holds never changes, so it is kept with an index in the store. */
CP_CHECKED enum cp_code cp_changes_each(struct cp_store *s, int64_t commit_no, const struct cp_id *doc,
		cp_change_visit *visit, void *user, struct cp_err *err);

struct cp_changes; /* opaque: the store's */
void cp_changes_free(struct cp_changes *c); /* NULL-safe */

#endif
