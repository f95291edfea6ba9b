/*
 * The pipe to a git server program, for sync/remote.c only.
 */
#ifndef CASEPACK_SYNC_REMOTE_PROGRAM_H
#define CASEPACK_SYNC_REMOTE_PROGRAM_H

#include <git2.h>
#include <git2/sys/transport.h>

/* For git_remote_callbacks.transport: place as payload, borrowed for the life of the transport. */
int cp_remote_transport(git_transport **out, git_remote *owner, void *place);

#endif
