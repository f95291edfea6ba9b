/*
 * Is a row of material in the scope of the device that it is given to? Asked of the
 * tables row by row: what gathers material (outbound.c) is not believed.
 */
#ifndef CASEPACK_SYNC_SCOPE_H
#define CASEPACK_SYNC_SCOPE_H

#include "formats/changeset.h"
#include "sync/outbound.h"

struct cp_scope_ids { struct cp_id *list; size_t n, room; }; /* sorted */

struct cp_scope {
	struct cp_store *s;
	struct cp_device to;
	bool is_relay;
	struct cp_scope_ids persons, cases; /* the device's person and, of a relay's device, those whose home it is; what they were assigned */
};

/* As it is now; ended with cp_scope_drop, also by CP_AUTO(scope). Zeros are an empty one. */
CP_CHECKED enum cp_code cp_scope_load(struct cp_scope *k, struct cp_store *s, const struct cp_device *to, struct cp_err *err);
void cp_scope_drop(struct cp_scope *k);

/* is_new: it is about to be given. Later the tables may have moved on, and some rows are passed that were asked then: a
 * relay's, since its raters may have gone, and texts, since an assignment may name others now. */
CP_CHECKED enum cp_code cp_scope_has(struct cp_scope *k, const struct cp_change *c, bool is_new, bool *out, struct cp_err *err);

#endif
