/*
 * Proof of what a hub gave: outbound commits, which the hub signed and the device
 * holds. A hub that was put back from a backup gets those that it no longer knows
 * with the ordinary returns, keeps them, and takes back as edits of its own the rows
 * that it lost with them.
 */
#ifndef CASEPACK_SYNC_PROOF_H
#define CASEPACK_SYNC_PROOF_H

#include "sync/deliver.h"
#include "sync/repo.h"
#include "sync/store.h"

/* Device: chains of material that the hub did not say it holds, as branches of my history: not the one that ends in
 * present, which it goes on with. is_full: all of them. */
CP_CHECKED enum cp_code cp_proofs_owed(struct cp_store *s, const struct cp_oid *present, bool is_full, struct cp_tips *out,
		struct cp_err *err);
/* Device: add to have the ends of all chains but the present one, of that branch: the hub answers which of these it holds. */
CP_CHECKED enum cp_code cp_proofs_named(struct cp_store *s, const char *present_branch, struct cp_tips *have, struct cp_err *err);
/* Device: add to a bundle the contents of the cases that such a chain gave: the hub may have lost them too. */
CP_CHECKED enum cp_code cp_proof_contents(struct cp_store *s, const char *tip, struct cp_bundle_writer *w, struct cp_err *err);

/* Device: what the hub's manifest says that it holds of them. Inside a transaction. */
CP_CHECKED enum cp_code cp_proofs_acknowledged(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err);

/* Hub: remember the ends that a device named. Inside a transaction. */
CP_CHECKED enum cp_code cp_proofs_note(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err);
/* Hub: add to have the chains that it knows of that device, other than the present one: of each the end that the device
 * named, where that is in it, since the device may not know what was given behind it. */
CP_CHECKED enum cp_code cp_proofs_held(struct cp_store *s, const struct cp_id *device, struct cp_tips *have,
		struct cp_err *err);

/* Does a bundle say that it brings proofs? */
bool cp_has_proofs(const struct cp_manifest *m);
/* Hub: before a bundle is taken in, take the proofs in it: those that this hub gave itself, or a lead's that nobody has revoked. The
 * others are left. CP_ETRUST: one that no hub of the roster signed. */
CP_CHECKED enum cp_code cp_proofs_take(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err);

/* Is old tip itself or one of its forerunners? */
bool cp_chain_reaches(struct cp_repo *r, const char *tip, const char *old);

/* Is that commit, as raw bytes, one of material? */
bool cp_is_outbound(const void *commit, size_t len);

/* Before branch (outbound/<device>) moves from tip to next: where next is not behind tip, keep tip under another name,
 * outbound/<device>.2 or the next that is free, unless one of these holds it already. Nothing is ever overwritten. */
CP_CHECKED enum cp_code cp_proof_keep(struct cp_store *s, const char *branch, const struct cp_oid *tip, const struct cp_oid *next,
		struct cp_err *err);

#endif
