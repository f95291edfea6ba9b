/*
 * What was sealed once goes into the outbox again, as it is: the line that holds it
 * hangs on a refused commit, or its key is gone. Edits of one rev are one edit, so that
 * nothing counts twice where the old change commit comes through after all.
 */
#ifndef CASEPACK_SYNC_AGAIN_H
#define CASEPACK_SYNC_AGAIN_H

#include "sync/store.h"

/* Inside a transaction: those edits of change commit no (of `commits`) that count. why ends the words "once more, as
 * change commit ... "; *again is raised by the edits. */
CP_CHECKED enum cp_code cp_seal_again(struct cp_store *s, int64_t no, const char *why, int64_t *again, struct cp_err *err);

/* Before the first of them, and behind the last: what was saved since goes behind what it may have grown from. */
CP_CHECKED enum cp_code cp_again_begin(struct cp_store *s, int64_t *saved, struct cp_err *err);
CP_CHECKED enum cp_code cp_again_end(struct cp_store *s, int64_t saved, struct cp_err *err);

#endif
