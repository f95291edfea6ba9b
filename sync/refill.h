/*
 * What history.git or private.git lacks, from elsewhere: another workspace, a clone, a bundle.
 */
#ifndef CASEPACK_SYNC_REFILL_H
#define CASEPACK_SYNC_REFILL_H

#include "sync/store.h"
#include "sync/repo_refill.h"

struct cp_refill {
	const char *const *sources; size_t n; /* folders of workspaces or repositories, bundle files */
	const char *key_path;                 /* opens the bundles that are encrypted; NULL: plain ones only */
	cp_passphrase_ask *ask; void *user;
};

/* Flush into r, which is repository name ("history.git") of the workspace at path, all that the sources have of what it
 * lacks. *n is raised by the objects, *closed by the bundles that do not open with that key and were passed over. Fails for a
 * source that cannot be read, which changes nothing. */
CP_CHECKED enum cp_code cp_refill(struct cp_repo *r, const char *path, const char *name, const struct cp_lacks *lacks,
		const struct cp_refill *how, int64_t *n, int64_t *closed, struct cp_err *err);

#endif
