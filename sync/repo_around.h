/*
 * What stands around the objects of a repository and steers what git shows or does:
 * HEAD, config, hooks, attributes, and the files that hide or lend objects.
 */
#ifndef CASEPACK_SYNC_REPO_AROUND_H
#define CASEPACK_SYNC_REPO_AROUND_H

#include "sync/repo.h"

/* where: a file of the repository, and of config the name; what is wrong there */
typedef enum cp_code cp_repo_wrong(void *user, const char *where, const char *what, struct cp_err *err);

/* Each thing that casepack did not put there and that makes git show or do something else. Signing, remotes to fetch from and
 * how git packs are a person's own. CP_EIO: config cannot be read. */
CP_CHECKED enum cp_code cp_repo_around(struct cp_repo *r, cp_repo_wrong *wrong, void *user, struct cp_err *err);

#endif
