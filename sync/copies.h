/*
 * Copied and restored workspaces. A workspace that finds by its token that it was
 * copied, or put back from a backup, goes on as a replica of its own: an id derived
 * from project, key and a random nonce, a branch that begins anew, a chain of
 * material that begins anew. Nothing of the old line is touched or repeated.
 *
 * The first change commit of the new line names whose it was and the nonce, in a
 * trailer `Casepack-Copy-Of: <id> <nonce>`; its signature by the same key is all the
 * proof there is, and all that is needed.
 */
#ifndef CASEPACK_SYNC_COPIES_H
#define CASEPACK_SYNC_COPIES_H

#include "sync/change.h"
#include "sync/deliver.h"
#include "sync/rights.h"
#include "sync/store.h"

/* At opening: ask the token, and take an id of its own where it must. In doubt a new id: it costs some bytes. */
CP_CHECKED enum cp_code cp_copy_notice(struct cp_store *s, struct cp_err *err);

/* A new workspace is in its place: from now on a copy of it is noticed. What fails is tried again at its next opening. */
void cp_copy_begin(const char *path);

bool cp_is_copy(const struct cp_store *s);
/* Where my line has no commit yet and I am a copy, *out is true: the first one must introduce it. */
CP_CHECKED enum cp_code cp_copy_must_introduce(struct cp_store *s, bool *out, struct cp_err *err);
/* Append "\n\nCasepack-Copy-Of: ..." to the words of that first commit. */
CP_CHECKED enum cp_code cp_copy_words(struct cp_store *s, struct cp_buf *words, struct cp_err *err);

/* Inside a transaction: go on under the id that follows from that key and nonce. A nonce of zeros: with another key
 * (sync/succession.h). What was agreed on with others under the old id is agreed on anew. */
CP_CHECKED enum cp_code cp_copy_go_on(struct cp_store *s, const struct cp_pubkey *key, const struct cp_id *nonce, bool is_put_back,
		struct cp_err *err);

/* What the trailer of a change commit says, of a copy or (nonce zeros) of a successor; false: none, or not in its form. */
bool cp_copy_read(const struct cp_commit *c, struct cp_id *copy_of, struct cp_id *nonce);

/* Does its first commit prove a copy: the derivation of a key whose first device the roster trusts, signed by that key?
 * root: that device. */
CP_CHECKED enum cp_code cp_copy_proves(struct cp_store *s, const struct cp_change_commit *c, struct cp_author *root,
		struct cp_id *copy_of, bool *out, struct cp_err *err);

/* Hub: before a bundle is taken in, enter the copies that prove themselves in it into the roster, as sealed edits.
 * What proves nothing is left to the checks that follow. */
CP_CHECKED enum cp_code cp_copies_meet(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err);

/* Relay, which enters nobody into the roster: a device of the roster that has that key, and so answers for what a copy
 * of it signed until the lead's hub has entered that. *found false elsewhere. */
CP_CHECKED enum cp_code cp_copy_stranger(struct cp_store *s, const struct cp_pubkey *key, struct cp_author *out, bool *found,
		struct cp_err *err);

/* For whom this workspace goes on where it takes another id now: the present one, or where nothing was written under that, the one
 * before it. */
CP_CHECKED enum cp_code cp_copy_latest(struct cp_store *s, struct cp_id *out, struct cp_err *err);

/* My own lines, the oldest first: former ids of this workspace, then the present one. */
#define CP_MAX_LINES 64
CP_CHECKED enum cp_code cp_copy_lines(struct cp_store *s, struct cp_id ids[CP_MAX_LINES], size_t *n, struct cp_err *err);

/* For one of these that the roster does not name yet: the author that stands for it, with the key that the line itself proves. */
CP_CHECKED enum cp_code cp_copy_author(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found,
		struct cp_err *err);

/* Was that replica this workspace, or is it now? By the key on the roster. */
CP_CHECKED enum cp_code cp_copy_was_me(struct cp_store *s, const struct cp_id *replica, bool *out, struct cp_err *err);

#endif
