/*
 * Material: the rows in one device's scope, as outbound commits of its hub.
 *
 * An outbound commit is a change commit's like: one tree with `changeset`, one
 * blob of inserts of whole rows, signed by the hub, on branch outbound/<device>.
 * Each holds what differs from what the branch has given already.
 */
#ifndef CASEPACK_SYNC_OUTBOUND_H
#define CASEPACK_SYNC_OUTBOUND_H

#include "sync/change.h"
#include "sync/store.h"

/* One device that is given material. */
struct cp_device { struct cp_id replica, person; char pseudonym[64]; };

/* Stage the next outbound commit if anything differs, inside the open transaction; *tip is the branch's tip
 * afterwards ("" when nothing was ever given). What a crash left on the branch without recording it counts as given. */
CP_CHECKED enum cp_code cp_outbound_make(struct cp_store *s, const struct cp_device *d, struct cp_oid *tip, bool *is_new,
		struct cp_err *err);

/* Hub: that outbound commit's rows are given to that device, in the open transaction. */
CP_CHECKED enum cp_code cp_outbound_record(struct cp_store *s, const struct cp_id *device, const char *oid,
		const void *changeset, size_t len, struct cp_err *err);

/* Give it what differs, as an outbound commit of its own; durable before any bundle speaks of it. */
CP_CHECKED enum cp_code cp_outbound_give(struct cp_store *s, const struct cp_device *d, struct cp_oid *tip, struct cp_err *err);

/* Whose first material came from another hub is that hub's, until a lead says otherwise: the one that signed what it was
 * given last; zeros when it was given nothing. */
CP_CHECKED enum cp_code cp_outbound_giver(struct cp_store *s, const struct cp_id *device, struct cp_id *out, struct cp_err *err);

/* Device: put the rows of one outbound commit in place, in the open transaction. Only material is taken. */
CP_CHECKED enum cp_code cp_outbound_apply(struct cp_store *s, const void *changeset, size_t len, int64_t *assignments,
		int64_t *cases, struct cp_err *err);

#endif
