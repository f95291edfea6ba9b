/*
 * What the files of sync/verify*.c share; nobody else includes this.
 */
#ifndef CASEPACK_SYNC_VERIFY_INNER_H
#define CASEPACK_SYNC_VERIFY_INNER_H

#include "sync/inner.h"
#include "sync/verify.h"

#define CP_VERIFY_DB "casepack.db.verify" /* being replayed into */
#define CP_VERIFIED_DB "verified.db"      /* what was proven */

struct cp_verify {
	const struct cp_verify_ask *ask;
	struct cp_verified *out;
	const char *path;
	struct cp_store *s;      /* the workspace; NULL: it does not open */
	struct cp_store *again;  /* its replay */
	struct cp_oid known;     /* main's tip when it was proven last; "" : never */
	bool is_replayed;        /* to the end of history */
};

#define CP_NOW_REBUILD "`casepack rebuild` makes the database again"
#define CP_NOW_HISTORY "put it back from another hub, a backup or a clone; until then trust nothing that is behind it"
#define CP_NOW_CONTENT "a bundle or a backup that still has it brings it back"

/* One thing that is wrong. */
void cp_found(struct cp_verify *v, const char *where, const char *now, const char *fmt, ...) CP_PRINTF(4, 5);
/* A failure that is a finding about where (CP_EFORMAT, CP_ETRUST, CP_ENOTFOUND, a database that is damaged): told, and CP_OK;
 * any other is handed on. */
CP_CHECKED enum cp_code cp_found_or(struct cp_verify *v, const char *where, const char *now, enum cp_code code,
		const struct cp_err *why, struct cp_err *err);

/* Objects and refs of one repository. secrets: whose private values no object may hold; NULL: none are known. */
CP_CHECKED enum cp_code cp_verify_repo(struct cp_verify *v, struct cp_repo *r, const char *name, bool is_private, struct cp_err *err);
/* Replay into v->again, checking each commit on the way. */
CP_CHECKED enum cp_code cp_verify_replay(struct cp_verify *v, struct cp_err *err);
/* Every branch holds what main says, and nothing else. Behind the replay. */
CP_CHECKED enum cp_code cp_verify_branches(struct cp_verify *v, struct cp_err *err);
/* Rows of the database in use (attached to v->again as `old`) against the replay. */
CP_CHECKED enum cp_code cp_verify_rows(struct cp_verify *v, struct cp_err *err);
/* What was refused here, and what waits. */
CP_CHECKED enum cp_code cp_verify_kept(struct cp_verify *v, struct cp_err *err);
/* Content, media, and the databases as files. */
CP_CHECKED enum cp_code cp_verify_stored(struct cp_verify *v, struct cp_err *err);
/* *is_whole: turns false where it cannot be read through. */
CP_CHECKED enum cp_code cp_verify_sound(struct cp_verify *v, sqlite3 *db, const char *name, bool *is_whole, struct cp_err *err);
/* Does history hold that commit still? */
CP_CHECKED enum cp_code cp_verify_checkpoint(struct cp_verify *v, const struct cp_checkpoint *c, struct cp_err *err);

/* What was proven before, if all of it is as it was left: opens v->again over it. v->known is set in any case. */
CP_CHECKED enum cp_code cp_memory_open(struct cp_verify *v, struct cp_err *err);
CP_CHECKED enum cp_code cp_memory_knows(struct cp_verify *v, const char *file, const struct cp_hash *hash, bool *out, struct cp_err *err);
/* Closes v->again, and remembers it. What cannot be remembered is no failure: it is read again. */
void cp_memory_keep(struct cp_verify *v);

#endif
