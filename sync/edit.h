/*
 * An edit: one transaction that changes documents, records what it changed with
 * the session extension, and leaves the changeset in the outbox, all or nothing.
 *
 *     cp_edit_begin, any number of cp_edit_document / cp_edit_rating, cp_edit_commit
 *
 * Ownership: everything given is borrowed for the call. After cp_edit_commit has
 * returned CP_OK the change is on the disk.
 */
#ifndef CASEPACK_SYNC_EDIT_H
#define CASEPACK_SYNC_EDIT_H

#include "sync/store.h"
#include "sync/tables.h"

struct cp_set { const char *column; struct cp_value value; };

CP_CHECKED enum cp_code cp_edit_begin(struct cp_store *s, struct cp_err *err);
/* Private tables only, at a lead's hub: no public commit, number or clock follows from it. */
CP_CHECKED enum cp_code cp_edit_begin_private(struct cp_store *s, struct cp_err *err);

/*
 * How an edit gets its rev and clock. DERIVED: from the content, so that two hubs
 * that import one file make one edit. FORCED: new ones even where every column
 * holds its value already (an answer of a judgment is an edit of the judgment).
 */
enum cp_edit_mode { CP_EDIT_PLAIN, CP_EDIT_DERIVED, CP_EDIT_FORCED };

/*
 * Insert the document or update the columns named. Writes a new rev and clock,
 * unless every column named holds its value already: then nothing is written and
 * *out_changed (may be NULL) is false. out_rev (may be NULL): the edit's rev, or
 * where nothing changed the first that the row holds.
 */
CP_CHECKED enum cp_code cp_edit_document(struct cp_store *s, size_t table, const struct cp_id *id,
		const struct cp_set *sets, size_t n, enum cp_edit_mode mode, struct cp_rev *out_rev,
		bool *out_changed, struct cp_err *err);

/* An answer of a judgment whose rev in this edit is rev. value NULL takes it back. */
CP_CHECKED enum cp_code cp_edit_rating(struct cp_store *s, const struct cp_id *judgment, const char *field,
		const char *result, const struct cp_rev *rev, const char *value, struct cp_err *err);

/* words: what a reader of history sees, one line. Commits even when nothing changed (then nothing is recorded). */
CP_CHECKED enum cp_code cp_edit_commit(struct cp_store *s, const char *words, struct cp_err *err);
/* Undo everything since begin. Does nothing when no edit is open. */
void cp_edit_abort(struct cp_store *s);

#endif
