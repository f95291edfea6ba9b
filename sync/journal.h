/*
 * Changesets and commits in words, for people who read history, and as JSON for
 * scripts: who changed what, by the names that people use.
 */
#ifndef CASEPACK_SYNC_JOURNAL_H
#define CASEPACK_SYNC_JOURNAL_H

#include "formats/changeset.h"
#include "sync/store.h"

/*
 * One value, appended: a number, a text as it is where it is one word, else in quotes and cut at 200 bytes, the hex of a blob, "nothing"
 * for NULL. name: of its column; the "results" of a case are told by their names.
 */
CP_CHECKED enum cp_code cp_words_value(struct cp_buf *out, const char *name, const struct cp_value *v, struct cp_err *err);

/*
 * A changeset, change by change, a judgment together with its answers. s NULL: nothing is known but the changeset itself,
 * and keys stand for names; for git's textconv.
 */
CP_CHECKED enum cp_code cp_changeset_words(struct cp_store *s, const void *changeset, size_t len, struct cp_buf *out,
		struct cp_err *err);
/* The same as a JSON array. */
CP_CHECKED enum cp_code cp_changeset_json(struct cp_store *s, const void *changeset, size_t len, struct cp_buf *out,
		struct cp_err *err);

/*
 * Any commit that is known here, by the first digits of its name (sync/point.h): a change commit, accepted, refused or
 * waiting, public or private; one that gave material; one of main. Whose it is, when, whether its signature is good, and
 * what it changed. CP_ENOTFOUND; CP_EINPUT: several begin so.
 */
CP_CHECKED enum cp_code cp_commit_words(struct cp_store *s, const char *digits, struct cp_buf *out, struct cp_err *err);
CP_CHECKED enum cp_code cp_commit_json(struct cp_store *s, const char *digits, struct cp_buf *out, struct cp_err *err);

#endif
