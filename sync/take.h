/*
 * Taking in change commits that others made: the verdict on each, what waits,
 * what is refused, and main's record of it. Inside the caller's transaction.
 */
#ifndef CASEPACK_SYNC_TAKE_H
#define CASEPACK_SYNC_TAKE_H

#include "sync/deliver.h"
#include "sync/repo.h"
#include "sync/rights.h"
#include "sync/store.h"

struct cp_change_commit;

/*
 * On which branch it goes (c->branch): its replica's, or where its parent has another child already a second line of it,
 * which never overwrites the first.
 */
CP_CHECKED enum cp_code cp_line_choose(struct cp_store *s, struct cp_change_commit *c, struct cp_err *err);

/*
 * Would that bundle be refused as a whole? Reads all its change commits and writes nothing: to be asked before anything
 * else that it brings is taken in. also: devices that would be entered into the roster first.
 */
CP_CHECKED enum cp_code cp_taking_check(struct cp_store *s, struct cp_bundle *b, const struct cp_author *also, size_t n_also,
		struct cp_err *err);

struct cp_taking; /* opaque: what one bundle brings */

/* m: the bundle's, which outlives it; NULL where only what waits is tried. */
CP_CHECKED enum cp_code cp_taking_begin(struct cp_store *s, const struct cp_manifest *m, struct cp_taking **out, struct cp_err *err);

/* One object of the bundle's history, in order: a change commit, its tree, its changeset, then the next.
 * Commits that are known are passed over. CP_EFORMAT, CP_ETRUST: the bundle is refused as a whole. */
CP_CHECKED enum cp_code cp_taking_object(struct cp_taking *t, const char *oid, const char *type, const void *bytes,
		size_t len, struct cp_err *err);

/* Retry what waits, write main, flush, move the branches, COMMIT. */
CP_CHECKED enum cp_code cp_taking_end(struct cp_taking *t, struct cp_merged *out, struct cp_err *err);
void cp_taking_free(struct cp_taking *t); /* forgets staged objects when _end has not succeeded; NULL-safe */

/* Without a bundle: try once more what waits. */
CP_CHECKED enum cp_code cp_take_waiting(struct cp_store *s, struct cp_merged *out, struct cp_err *err);
/* A lead has decided to accept what was refused: its device is trusted for this once. CP_EINPUT: something else is
 * wrong with it, and nothing was changed. is_trial: only find out. */
struct cp_refused;
CP_CHECKED enum cp_code cp_take_refused(struct cp_store *s, const struct cp_refused *refused, bool is_trial, struct cp_merged *out,
		struct cp_err *err);

#endif
