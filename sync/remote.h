/*
 * A git remote as git itself reaches it: `git upload-pack` and `git receive-pack`
 * of a repository on this machine, or the same behind the user's own ssh, with its
 * agent, known hosts and configuration. $GIT_SSH_COMMAND and $GIT_SSH are obeyed.
 */
#ifndef CASEPACK_SYNC_REMOTE_H
#define CASEPACK_SYNC_REMOTE_H

#include "sync/repo.h"

/* "ssh://[USER@]HOST[:PORT]/PATH", "[USER@]HOST:PATH", or the path of a repository, bare or with .git in it. */
bool cp_remote_is_place(const char *place);

/* Branches at a remote by which hubs do not meet: how many, their names as far as they fit, and those names of ours that no
 * branch can get there, since one of these stands in a folder of that name. Ended by its owner. */
struct cp_strangers { int64_t n; char names[200]; struct cp_tips blocked; };
void cp_strangers_drop(struct cp_strangers *s);

/* main and <kind>/<id>, <kind>/<id>.<number> of the kinds hub, replica and outbound, as they stand there, become r's own
 * branches, with their objects. r is a scratch repository: what comes has been checked by nobody. *out (empty) is told of
 * the others. CP_EIO: it cannot be reached or read. */
CP_CHECKED enum cp_code cp_remote_fetch(struct cp_repo *r, const char *place, struct cp_strangers *out, struct cp_err *err);

/* Push each commit (objects that r sees) to the branch named there, without force. CP_EBUSY: somebody was faster, or the
 * remote declined one of them, with its words; the others may stand there. */
CP_CHECKED enum cp_code cp_remote_push(struct cp_repo *r, const char *place, const struct cp_tips *branches,
		struct cp_err *err);

#endif
