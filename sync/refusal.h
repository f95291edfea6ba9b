/*
 * What a hub refused of this device's work, as its receipts say: `refused/<oid>`
 * under `have` of its manifests. Devices and relays only; on a lead's hub a refusal
 * is a verdict on main.
 *
 * The edits of a refused change commit leave the trees of their documents. What the
 * device sealed behind it would wait for ever, since its chain hangs on it: of those
 * edits, what did not grow from the refused ones goes into the outbox once more, as it
 * is, and the line is left. It stays as `replica/<id>.2`, and mine goes on behind the
 * last commit that nobody refused. A refusal may be followed by an acceptance: then the
 * edits count again, and what grew from them goes into the outbox too.
 *
 * Receipts are no history: a rebuild takes them over from the old database, or hears
 * them again with the next bundle.
 */
#ifndef CASEPACK_SYNC_REFUSAL_H
#define CASEPACK_SYNC_REFUSAL_H

#include "formats/bundle.h"
#include "sync/store.h"

/* Before a bundle is taken in that tells of a refusal: what was saved is sealed, on the line where it grew. */
CP_CHECKED enum cp_code cp_refusals_prepare(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err);

/* Inside the transaction that takes the bundle in. Raises *refused by the change commits, *again by the edits that
 * will be sealed once more. */
CP_CHECKED enum cp_code cp_refusals_take(struct cp_store *s, const struct cp_manifest *m, int64_t *refused, int64_t *again,
		struct cp_err *err);

/* Outside of any transaction: leave the line that hangs on a refused commit, if mine does. A crash on the way is
 * repaired by the next call. */
CP_CHECKED enum cp_code cp_refusals_leave(struct cp_store *s, struct cp_err *err);

/* Inside a transaction: what the database attached as `old` knows of refusals, into one that was replayed. */
CP_CHECKED enum cp_code cp_refusals_copy(struct cp_store *s, struct cp_err *err);

#endif
