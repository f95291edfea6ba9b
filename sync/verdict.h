/*
 * Verdicts on change commits: each hub's own, and what they come to together.
 */
#ifndef CASEPACK_SYNC_VERDICT_H
#define CASEPACK_SYNC_VERDICT_H

#include "sync/store.h"

/* Record the verdict ("accepted" or "refused") that a hub gave on a change commit at that time. A refusal may be
 * followed by an acceptance, never the reverse. Inside the caller's transaction. */
CP_CHECKED enum cp_code cp_verdict_put(struct cp_store *s, const char *oid, const struct cp_id *hub, const char *verdict,
		const char *reason, int64_t received_us, bool is_far, struct cp_err *err);

#endif
