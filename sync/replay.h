/*
 * History into a fresh database: private.git, what was given, main, what was given
 * by me, my own branches. For rebuilding the one in use, and for proving it.
 */
#ifndef CASEPACK_SYNC_REPLAY_H
#define CASEPACK_SYNC_REPLAY_H

#include "sync/repo.h"
#include "sync/store.h"

struct cp_replay {
	struct cp_store *s;
	const char *until;      /* of what a device was given: only up to that commit ("": nothing); NULL: all */
	/* Takes main in; NULL: cp_main_replay. Its own transactions. */
	enum cp_code (*main)(void *user, struct cp_err *err);
	void *user;
	int64_t before_main, behind_main; /* set: the highest numbers of change commits then */
};
CP_CHECKED enum cp_code cp_replay(struct cp_replay *r, struct cp_err *err);

/* Every commit of the branches that begin so, oldest first, one branch after another. */
typedef enum cp_code cp_branch_visit(void *user, const char *branch, const char *oid, const struct cp_commit *c, struct cp_err *err);
CP_CHECKED enum cp_code cp_replay_branches(struct cp_repo *repo, const char *prefix, cp_branch_visit *visit, void *user,
		struct cp_err *err);

/* The last outbox rows that my branches of history.git and private.git hold: 0 when there is none. */
CP_CHECKED enum cp_code cp_replay_sealed(struct cp_store *s, int64_t sealed[2], struct cp_err *err);
/* Inside a transaction: each save in the outbox of the database attached as `old` that no commit holds, under its number,
 * and into the rows; *n counts them. */
CP_CHECKED enum cp_code cp_replay_unsealed(struct cp_store *s, const int64_t sealed[2], int64_t *n, struct cp_err *err);

#endif
