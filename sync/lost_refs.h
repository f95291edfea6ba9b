/*
 * Branches that are gone, set again from the commits that are still here.
 */
#ifndef CASEPACK_SYNC_LOST_REFS_H
#define CASEPACK_SYNC_LOST_REFS_H

#include "sync/repo_refill.h"

/* A change commit names its device, an outbound commit whom it was for, a commit of main its hub: where no branch of that
 * name is left, it stands again at the one that is no other one's parent (of several mains the newest that no hub/ branch
 * holds). is_private: there is no main. out: what was set. What refers to it is for the replay to check. lacks: added to,
 * each object that is named, and of which no whole copy is here. */
CP_CHECKED enum cp_code cp_refs_restore(struct cp_repo *r, bool is_private, struct cp_tips *out, struct cp_lacks *lacks,
		struct cp_err *err);

#endif
