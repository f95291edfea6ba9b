/*
 * A token for each workspace, outside of it: in the user's configuration folder, in
 * workspaces/, a small file named by a random id that the database holds. It says
 * where the workspace is and how many steps (commits sealed, taken in, given out) it
 * has made. Who copies the folder, or puts back an older one, takes no token along.
 *
 *     no token, but the folder is the one that the database remembers   a new home folder: the same
 *     no token, another folder                                          a copy
 *     a token of another place, where the workspace still is            a copy
 *     a token of another place, where it is no more                     it was moved: the same
 *     a token that counts more steps than the database                  it was put back
 *     no configuration folder that can be written                       nobody can say; the hub notices
 *
 * The token is written behind the step and may be behind it, never ahead.
 */
#ifndef CASEPACK_SYNC_TOKEN_H
#define CASEPACK_SYNC_TOKEN_H

#include "sync/store.h"

enum cp_token_sign { CP_TOKEN_SAME, CP_TOKEN_COPIED, CP_TOKEN_PUT_BACK };

/* What the token says of this workspace, which has a project. A workspace without a token id gets one; where it is
 * the same the token is brought up to date. A token that cannot be kept is no failure: cp_token_trouble says why. */
CP_CHECKED enum cp_code cp_token_check(struct cp_store *s, enum cp_token_sign *out, struct cp_err *err);

/* Inside a transaction: a workspace of its own from now on; its token is written by cp_token_write. */
CP_CHECKED enum cp_code cp_token_renew(struct cp_store *s, struct cp_err *err);

/* Behind a step that is on the disk. What fails is only remembered. */
void cp_token_write(struct cp_store *s);

/* Where something else about this workspace is kept beside its token, which has that ending. CP_ENOTFOUND: no token is kept. */
CP_CHECKED enum cp_code cp_token_beside(struct cp_store *s, const char *ending, struct cp_buf *path, struct cp_err *err);

/* Why no token is kept: "" when one is. Borrowed from the store. */
const char *cp_token_trouble(const struct cp_store *s);

#endif
