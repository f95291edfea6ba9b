/*
 * Changesets and change commits in words, for people who read history.
 */
#ifndef CASEPACK_SYNC_JOURNAL_H
#define CASEPACK_SYNC_JOURNAL_H

#include "formats/changeset.h"
#include "sync/store.h"

/* One value, appended: a number, a text in quotes and cut at 200 bytes, the hex of a blob, "nothing" for NULL. */
CP_CHECKED enum cp_code cp_words_value(struct cp_buf *out, const struct cp_value *v, struct cp_err *err);

/* A changeset in words, one line a change; for `show COMMIT` and git's textconv. */
CP_CHECKED enum cp_code cp_changeset_words(const void *changeset, size_t len, struct cp_buf *out, struct cp_err *err);
/* oid: 4 or more hex digits of a change commit. CP_ENOTFOUND. */
CP_CHECKED enum cp_code cp_show_commit(struct cp_store *s, const char *oid, struct cp_buf *out, struct cp_err *err);

#endif
