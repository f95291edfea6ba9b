/*
 * What the files of sync/hub*.c share; nobody else includes this.
 */
#ifndef CASEPACK_SYNC_HUB_INNER_H
#define CASEPACK_SYNC_HUB_INNER_H

#include "sync/hub.h"

/* Remember what the sender says it holds: what it is owed follows from the manifest received last. */
CP_CHECKED enum cp_code cp_hub_note_have(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err);

/* Everything but who may send: into a hub, or into a workspace of this project that has no roster yet. */
CP_CHECKED enum cp_code cp_hub_take_bundle(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err);

#endif
