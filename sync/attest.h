/*
 * Who made an edit, on which device, when by whose clock, in which change commit, and whether that commit is signed by the key
 * that the roster names for the device: looked at again each time, in the commit object itself.
 */
#ifndef CASEPACK_SYNC_ATTEST_H
#define CASEPACK_SYNC_ATTEST_H

#include "sync/document.h"

struct cp_attest {
	char who[64], device[CP_ID_HEX], commit[41]; /* commit "" while unsealed */
	char applied[41];            /* the outbound commit that the device had applied by then, "" when none is named */
	const char *signature;       /* good, bad, unknown (no key on the roster), unsealed; static */
	const char *device_state;    /* "", retired, revoked, copy: what the roster says of the device now; static */
	int64_t claimed_us;          /* the author's clock */
	int64_t received_us;         /* a hub's clock when it took the commit in; on a device its own, when it heard of that; 0: not yet */
	bool is_far;                 /* claimed more than a day ahead of receipt */
};

/* What has been looked at for one question: each commit once. */
struct cp_attests { struct cp_store *s; struct cp_attested *list; size_t n; };
void cp_attests_drop(struct cp_attests *a);
CP_CHECKED enum cp_code cp_attest_edit(struct cp_attests *a, const struct cp_doc_edit *e, struct cp_attest *out,
		struct cp_err *err);

#endif
