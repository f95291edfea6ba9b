/*
 * Whom leads trust: devices that are taken off the roster, as edits with a reason.
 *
 * A revocation is a lead's edit at a point of the hub's history, never a date that the holder
 * of a stolen key could choose: what a hub took in before it stands, and is to be
 * looked at (sync/quarantine.h); what comes behind it is refused.
 */
#ifndef CASEPACK_SYNC_ROSTER_H
#define CASEPACK_SYNC_ROSTER_H

#include "sync/store.h"

/* SQL: gone(id), the replicas that a revocation of those that chosen selects is about. Whatever has the same key goes with it, and
 * what goes on for it by that key's word alone: whoever has stolen it may have named a successor. */
#define CP_GONE_WITH(chosen) "WITH RECURSIVE gone(id) AS (" chosen " UNION SELECT r.id FROM gone JOIN replicas g ON g.id = gone.id" \
	" JOIN replicas r ON r.public_key = g.public_key OR (r.copy_of = g.id AND lower(hex(r.id)) NOT IN (SELECT about FROM rulings" \
	"  WHERE decision = 'trust')))"

/* Revoke every device of that person, or the one whose id begins with device (NULL: all); with it those that have its key,
 * and those that go on for it by that key's word. Hubs of leads only, and never
 * this hub's own device. CP_ENOTFOUND: none that is not revoked already. *out_n counts them. */
CP_CHECKED enum cp_code cp_roster_revoke(struct cp_store *s, const char *pseudonym, const char *device, const char *reason,
		int64_t *out_n, struct cp_err *err);

struct cp_device_row {
	struct cp_id id, goes_on_for;   /* zeros: for none */
	struct cp_pubkey key;
	const char *pseudonym, *role, *state;
	bool is_hub;
	int64_t commits;                /* taken in from it */
};
typedef enum cp_code cp_device_visit(void *user, const struct cp_device_row *row, struct cp_err *err);
/* pseudonym NULL: everybody's. */
CP_CHECKED enum cp_code cp_device_each(struct cp_store *s, const char *pseudonym, cp_device_visit *visit, void *user,
		struct cp_err *err);

#endif
