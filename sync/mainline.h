/*
 * main: a hub's integrated state as readable files, one commit for each batch of
 * change commits taken in from one replica.
 */
#ifndef CASEPACK_SYNC_MAINLINE_H
#define CASEPACK_SYNC_MAINLINE_H

#include "formats/gitobject.h"
#include "sync/store.h"

/* What a batch touched: each file of main once. */
struct cp_touched { struct cp_touch *list; size_t n, room, sorted; };
void cp_touched_drop(struct cp_touched *t);
/* Every document that a changeset speaks of (public tables only). */
CP_CHECKED enum cp_code cp_touched_add(struct cp_store *s, struct cp_touched *t, const void *changeset, size_t len,
		struct cp_err *err);

/* The verdicts on that replica's change commits. */
CP_CHECKED enum cp_code cp_touched_verdicts(struct cp_touched *t, const struct cp_id *replica, struct cp_err *err);

/* One change commit of a batch. */
struct cp_batch_commit { struct cp_oid oid; bool is_refused, is_far; int64_t edits; char reason[256]; /* of a refusal */ };
struct cp_batch {
	char branch[80];                 /* whose: replica/<id> */
	const struct cp_batch_commit *commits; size_t n;
	const char *words;               /* subject, then what follows */
	struct cp_ident author;
	int64_t at_us;                   /* time of receipt */
};

/*
 * Stage main's next commit from the database's present state, inside the open
 * transaction, and remember it as applied. The caller flushes and moves the branches.
 */
CP_CHECKED enum cp_code cp_main_commit(struct cp_store *s, const struct cp_batch *batch, struct cp_touched *t,
		struct cp_oid *out, struct cp_err *err);

/* The tree that main's next commit would have with these pages made anew, staged. */
CP_CHECKED enum cp_code cp_main_tree(struct cp_store *s, const struct cp_touched *t, struct cp_oid *out, struct cp_err *err);

/* Stage main's next commit with another hub's main as second parent, and remember it as applied, likewise. */
CP_CHECKED enum cp_code cp_main_join(struct cp_store *s, const struct cp_oid *theirs, const struct cp_oid *tree,
		const char *words, struct cp_oid *out, struct cp_err *err);

/* Flush history and private, move branch (may be NULL) from where it is to tip, then main, then COMMIT. */
CP_CHECKED enum cp_code cp_main_publish(struct cp_store *s, const char *branch, const struct cp_oid *tip,
		const struct cp_oid *main, struct cp_err *err);

/* Apply what main says, both parents of a join, was taken in behind the commit that the database knows: after a crash, and to rebuild. */
CP_CHECKED enum cp_code cp_main_replay(struct cp_store *s, struct cp_err *err);
/* The same up to that commit of main. */
CP_CHECKED enum cp_code cp_main_replay_until(struct cp_store *s, const struct cp_oid *tip, struct cp_err *err);

#endif
