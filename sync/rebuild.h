/*
 * casepack.db is derived: made again from history.git, private.git and content.db.
 */
#ifndef CASEPACK_SYNC_REBUILD_H
#define CASEPACK_SYNC_REBUILD_H

#include "sync/missing.h"
#include "sync/refill.h"
#include "sync/store.h"

struct cp_rebuilt {
	int64_t commits, edits;
	struct cp_missing missing;
	int64_t unsealed;        /* saves taken over from the old database, not sealed yet */
	int64_t objects;         /* that were missing or damaged, and are whole again */
	int64_t closed;          /* bundles that were to open for them, and are encrypted to others */
	struct cp_lacks lacks;   /* those that still are, of both repositories */
	int64_t refs;            /* branches that were gone, and stand again */
	bool is_private_lost;    /* private.git was gone: an empty one is there now */
	int64_t private_rows;    /* that the old database still had: they are sealed anew */
	bool is_secret_lost;     /* a lead's hub without the project's secret */
	bool is_old_unread;      /* there is an old database whose unsealed work could not be read */
	struct cp_hash hash;
};

/* Replay into a fresh casepack.db of the workspace at path; drafts and what is not sealed yet are taken over
 * from the old one, which is kept as casepack.db.old. CP_EBUSY: another casepack is at work there.
 * key_path names this device's key (its id follows from it). CP_EFORMAT: objects are missing without which it cannot be
 * done; the words name one. */
CP_CHECKED enum cp_code cp_rebuild(const char *path, const char *key_path, struct cp_rebuilt *out, struct cp_err *err);
/* The same, with what the repositories lack taken from elsewhere before. */
CP_CHECKED enum cp_code cp_rebuild_from(const char *path, const char *key_path, const struct cp_refill *how, struct cp_rebuilt *out,
		struct cp_err *err);
void cp_rebuilt_drop(struct cp_rebuilt *r); /* also behind a failure */

#endif
