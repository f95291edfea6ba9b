/*
 * Believing a main: what its commits say of change commits, taken into the
 * database. One's own main after a crash and to rebuild; another hub's main when
 * two hubs meet. Inside the caller's transaction.
 *
 * A main commit speaks for the hub that signed it, and only a lead's hub on the
 * roster is heard. A change commit that it accepts is applied, whatever we would
 * have said ourselves; its form, signature and chain are always checked. The
 * roster grows as the walk goes; where there is none yet, the root of main founds
 * it, and its key is trusted on first use.
 */
#ifndef CASEPACK_SYNC_BELIEVE_H
#define CASEPACK_SYNC_BELIEVE_H

#include "sync/mainline.h"
#include "sync/repo.h"
#include "sync/store.h"

struct cp_belief {
	struct cp_store *s;
	struct cp_repo *from;         /* holds the objects; what is believed is put into history.git */
	struct cp_touched *touched;   /* pages that change; NULL: not asked for */
	int64_t news;                 /* verdicts that were not known here */
	int64_t commits, edits;       /* change commits applied now */
	int64_t refused;              /* change commits that are refused now and were not known */
	bool is_proving;              /* what is accepted is asked again: was its author trusted, and might write it? */
	int64_t schema;               /* the lowest that a change commit applied now has; 0: none yet */
	int64_t disputed;             /* refused here and accepted there, or the other way round */
};

/* Before the first commit: forgets where branches were to go. */
CP_CHECKED enum cp_code cp_believe_begin(struct cp_belief *b, struct cp_err *err);

/* One commit of main. CP_ETRUST: not by a lead's hub, or it accepts what its author did not sign; CP_EFORMAT. */
CP_CHECKED enum cp_code cp_believe(struct cp_belief *b, const char *main_oid, const struct cp_commit *c, struct cp_err *err);

/* The branches of those applied, moved on the disk; history.git has been flushed. */
CP_CHECKED enum cp_code cp_believe_move(struct cp_belief *b, struct cp_err *err);

/* The hub that a main commit speaks for, its signature checked against the roster. */
CP_CHECKED enum cp_code cp_believe_hub(struct cp_store *s, const char *main_oid, const struct cp_commit *c, struct cp_id *hub,
		struct cp_err *err);

/* The key by which that device's signatures are known: the roster's, or its own where there is no roster yet. */
CP_CHECKED enum cp_code cp_believe_key(struct cp_store *s, const struct cp_id *replica, const struct cp_commit *c,
		const char *oid, struct cp_err *err);

#endif
