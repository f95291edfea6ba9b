/*
 * What each change commit wrote of one document, cut out of its changeset when it is applied: whoever asks about one
 * document reads a few rows, however large the change commits are in which it occurs, and however many packs hold them.
 * Derived: made again by a rebuild, and for an older workspace when it is opened.
 */
#ifndef CASEPACK_SYNC_CHANGES_H
#define CASEPACK_SYNC_CHANGES_H

#include "formats/changeset.h"
#include "sync/store.h"

/* The documents of a changeset, each with the number under which its rows are kept. A judgment's ratings are its rows. */
struct cp_cuts { struct cp_cut *list; size_t n; };
void cp_cuts_drop(struct cp_cuts *c);
/* Keep the rows of a changeset that has been read strictly. Inside the caller's transaction, which indexes the edits. */
CP_CHECKED enum cp_code cp_changes_cut(struct cp_store *s, const void *changeset, size_t len, struct cp_cuts *out,
		struct cp_err *err);
int64_t cp_cut_number(const struct cp_cuts *c, size_t table, const void *doc);

/* A document's rows and those of its answers, in the order written, from that commit or outbox row (as cp_changeset_of takes
 * it), or from all (0), those of one commit together; c is borrowed for the visit. */
typedef void cp_change_visit(void *user, const struct cp_change *c, int64_t commit_no);
CP_CHECKED enum cp_code cp_changes_each(struct cp_store *s, size_t table, const struct cp_id *doc, int64_t commit_no,
		cp_change_visit *visit, void *user, struct cp_err *err);

/* Keep the commit object of that number, where history holds it. */
CP_CHECKED enum cp_code cp_change_keep_commit(struct cp_store *s, int64_t commit_no, struct cp_err *err);
/* That object's bytes, from where they are kept, or from history. CP_ENOTFOUND. */
CP_CHECKED enum cp_code cp_change_commit_bytes(struct cp_store *s, int64_t commit_no, struct cp_buf *out, struct cp_err *err);

/* The rows that are kept of that commit are cut from its changeset anew, and the commit object is kept: what was saved one by
 * one is sealed as one, and stands then as any other workspace has it. */
CP_CHECKED enum cp_code cp_changes_recut(struct cp_store *s, int64_t commit_no, struct cp_err *err);

/* The rows of edits that an older casepack indexed without them; nothing to do most of the time. */
CP_CHECKED enum cp_code cp_changes_reindex(struct cp_store *s, struct cp_err *err);

#endif
