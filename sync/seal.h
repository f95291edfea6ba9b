/*
 * Sealing: the outbox becomes one signed change commit on this replica's branch.
 */
#ifndef CASEPACK_SYNC_SEAL_H
#define CASEPACK_SYNC_SEAL_H

#include "sync/store.h"

/* *out_edits (may be NULL): how many were sealed, 0 when the outbox was empty. On a hub main follows.
 * CP_EKEY: no key or passphrase; the outbox is as it was. */
CP_CHECKED enum cp_code cp_seal(struct cp_store *s, int64_t *out_edits, struct cp_err *err);

/* After a crash: finish or forget what was half done. */
CP_CHECKED enum cp_code cp_seal_repair(struct cp_store *s, struct cp_err *err);

/* Is there a commit of mine that main has not taken in yet (a hub, interrupted, whose key was not ready since)? */
CP_CHECKED enum cp_code cp_seal_is_behind(struct cp_store *s, bool *out, struct cp_err *err);

#endif
