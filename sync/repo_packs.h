/*
 * The packs of a repository, joined when there are many. Each flush leaves a pack, and whoever looks for
 * an object looks into all of them, so a hub that took in 10,000 bundles would get slower with each.
 */
#ifndef CASEPACK_SYNC_REPO_PACKS_H
#define CASEPACK_SYNC_REPO_PACKS_H

#include "formats/err.h"

#define CP_PACKS_MAX 32

/*
 * With more than CP_PACKS_MAX packs in objects/pack, the small ones become one: as they lie there, byte for
 * byte, each object once, nothing unpacked or compressed anew. It is on the disk before the first of them is removed,
 * so a crash leaves at the most an object in two packs. A pack is copied only into one at least twice its size: of a
 * history of N flushes each byte at the most log2(N) times.
 *
 * Left alone is what another git may have made: a pack with a file beside its .pack and .idx, one whose
 * deltas name places and not objects, all of them where there is an index over many; and a pack that is damaged,
 * for others to find. No pack gets larger than 2 GiB. The caller holds the lock and has no pack open.
 */
CP_CHECKED enum cp_code cp_packs_join(const char *folder, struct cp_err *err);

#endif
