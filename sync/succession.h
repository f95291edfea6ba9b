/*
 * Another key for a device: it is lost, or its owner wants a new one, or it came with an
 * invitation. The workspace goes on as a replica of its own, like one that was copied
 * (sync/copies.h): a new id, a branch that begins anew. What the hub does not hold yet of
 * the old line is sealed again on the new one, so that nothing hangs on the old key.
 *
 * The first change commit of the new line says whose it is in a trailer,
 *
 *     Casepack-Successor-Of: <id of the old device> [<proof>]
 *
 * where the proof is an SSHSIG by the old key (namespace casepack-successor, its base64
 * in one line) over the text that cp_successor_text makes. A key that sealed nothing vouches for nobody: the trailer then names
 * the device before it, and has no proof. A line travels with those that go on for it until the roster that
 * came back names it. With a proof a lead's hub enters the new device by itself, once: of two that go on for one device with keys of their own the second waits, like
 * one without proof. What waits is listed, and a lead's cp_stranger_trust takes it in.
 */
#ifndef CASEPACK_SYNC_SUCCESSION_H
#define CASEPACK_SYNC_SUCCESSION_H

#include "sync/change.h"
#include "sync/deliver.h"
#include "sync/rights.h"
#include "sync/store.h"

#define CP_SUCCESSOR_NAMESPACE "casepack-successor"

/* Device: go on with the key at key_path. *proven: the old key could be opened and has signed for the new one. *again:
 * edits that will be sealed once more. CP_EINPUT on a hub or relay, whose id is others' home. */
CP_CHECKED enum cp_code cp_succeed(struct cp_store *s, const char *key_path, bool *proven, int64_t *again, struct cp_err *err);

/* Was this device let in by an invitation, so that it must go on with a key of its own before it returns anything? */
CP_CHECKED enum cp_code cp_is_invited(struct cp_store *s, bool *out, struct cp_err *err);

/* What the old key signs: one line, with its newline. */
CP_CHECKED enum cp_code cp_successor_text(struct cp_buf *out, const struct cp_id *project, const struct cp_id *old,
		const struct cp_pubkey *key, struct cp_err *err);
/* Append "\n\nCasepack-Successor-Of: ..." to the words of the first commit of the new line. */
CP_CHECKED enum cp_code cp_successor_words(struct cp_store *s, struct cp_buf *words, struct cp_err *err);
/* The device that a change commit says it goes on for; false: it says no such thing. */
bool cp_successor_read(const struct cp_commit *c, struct cp_id *old);

/* Does the line that ends there begin as a successor's? */
CP_CHECKED enum cp_code cp_is_successor(struct cp_store *s, const struct cp_oid *tip, bool *out, struct cp_err *err);

/* Hub or relay, before a bundle is taken in: note the successors that it brings, and on a lead's hub enter those who
 * have proved themselves into the roster, as edits. out->copied says so in words. */
CP_CHECKED enum cp_code cp_successors_meet(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err);

/* A lead's hub: enter those who have proved themselves, where the device that they go on for is on the roster by now. */
CP_CHECKED enum cp_code cp_successors_enter(struct cp_store *s, struct cp_merged *out, struct cp_err *err);

/* One that was noted and is not on the roster yet: an author whose work waits. */
CP_CHECKED enum cp_code cp_stranger_find(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found,
		struct cp_err *err);

struct cp_stranger { struct cp_id replica, succeeds; struct cp_pubkey key; const char *pseudonym; int64_t since_us, waiting; };
typedef enum cp_code cp_stranger_visit(void *user, const struct cp_stranger *one, struct cp_err *err);
CP_CHECKED enum cp_code cp_stranger_each(struct cp_store *s, cp_stranger_visit *visit, void *user, struct cp_err *err);

/* A lead's hub: that person's stranger whose key has this fingerprint (as words, or SHA256:...) is on the roster from now on,
 * and what waits of it is taken in. CP_ENOTFOUND: there is none. */
CP_CHECKED enum cp_code cp_stranger_trust(struct cp_store *s, const char *pseudonym, const char *fingerprint,
		struct cp_merged *out, struct cp_err *err);

#endif
