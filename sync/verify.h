/*
 * Was anything altered? Everything that a workspace holds is read, hashed, checked and
 * compared with what history tells: objects and refs, signatures, chains, permissions,
 * the files of main, the rows of casepack.db, content and media.
 *
 * It writes nothing that others see, and needs no key: what no commit holds yet is
 * compared as it is, and counted, since nobody has signed it.
 *
 * What was proven is remembered: the database that was replayed stays beside the one in
 * use (verified.db), and its hash, with main's tip, outside of the workspace beside its
 * token. Where either is not as it was left, everything is read again. Devices and
 * relays, whose history is small, are read anew each time, and so is every row, document
 * and media file of any workspace.
 */
#ifndef CASEPACK_SYNC_VERIFY_H
#define CASEPACK_SYNC_VERIFY_H

#include "sync/checkpoint.h"
#include "sync/missing.h"
#include "sync/store.h"

/* One thing that is wrong: borrowed lines. */
struct cp_finding {
	const char *where; /* file, object, branch, or table and row */
	const char *what;
	const char *now;   /* what to do */
};
typedef void cp_finding_visit(void *user, const struct cp_finding *f);

struct cp_verify_ask {
	bool is_full;                    /* rely on nothing */
	const struct cp_checkpoint *against; size_t n_against; /* borrowed */
	cp_finding_visit *visit;
	cp_missing_visit *missing;       /* each thing that is named and not here; may be NULL */
	void *user;
	void (*progress)(void *user, const char *what, uint64_t done, uint64_t total); /* may be NULL */
};

/* What was looked at, and what came of it. Counts are of now, but for `relied`. */
struct cp_verified {
	int64_t findings;
	int64_t objects, object_bytes, unnamed, refs; /* of both repositories; unnamed: objects that no branch holds */
	int64_t main_commits, trees;     /* of main: signatures; and trees equal to what replay yields */
	int64_t older_trees;             /* with pages as an older casepack wrote them, or as a relay's material stood: not compared */
	int64_t commits, edits;          /* change commits: signed, in their chains, permitted */
	int64_t refused;                 /* change commits that main says were refused */
	int64_t ahead;                   /* change commits on a device's branch, signed by it, that no main takes in yet */
	int64_t given;                   /* outbound commits: signed */
	int64_t ratings, rows;           /* rows equal to their replay, ratings among them */
	int64_t contents, media;
	struct cp_missing missing;
	int64_t unsealed, drafts;        /* here alone, and signed by nobody */
	int64_t checkpoints, beyond;     /* compared; of main, where there is none to compare with */
	struct {
		bool is;                 /* what is below was proven before, and not read again */
		int64_t at_us, commits, files; /* when; change commits, files of objects */
		struct cp_oid main;
	} relied;
	bool has_state;                  /* history could be replayed to its end */
	struct cp_hash hash;             /* of the state, then */
	struct cp_oid main;              /* its tip; "" where there is none */
	char founder[80];                /* fingerprint of the key that main began with; "" */
};

/* CP_OK: it was looked at, whatever was found. CP_EBUSY, CP_ENOTFOUND, CP_EIO: it could not be. */
CP_CHECKED enum cp_code cp_verify(const char *path, const struct cp_verify_ask *ask, struct cp_verified *out, struct cp_err *err);

/* The same in a workspace that is open; fails with the first finding: CP_ETRUST. */
CP_CHECKED enum cp_code cp_verify_store(struct cp_store *s, struct cp_verified *out, struct cp_err *err);

#endif
