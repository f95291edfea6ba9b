/*
 * casepack.db is derived: made again from history.git, private.git and content.db.
 */
#ifndef CASEPACK_SYNC_REBUILD_H
#define CASEPACK_SYNC_REBUILD_H

#include "sync/store.h"

struct cp_rebuilt { int64_t commits, edits, missing_contents; struct cp_hash hash; };

/* Replay into a fresh casepack.db of the workspace at path; the old one is kept as casepack.db.old.
 * key_path names this device's key (its id follows from it). */
CP_CHECKED enum cp_code cp_rebuild(const char *path, const char *key_path, struct cp_rebuilt *out, struct cp_err *err);

/* Replay into a temporary database and compare the canonical hashes. CP_ETRUST when they differ. */
CP_CHECKED enum cp_code cp_verify_replay(struct cp_store *s, struct cp_rebuilt *out, struct cp_err *err);

#endif
