/*
 * Is one row of material in the scope of the device that it is given to? Asked of the
 * tables row by row: what gathers material (outbound.c) is not believed.
 */
#ifndef CASEPACK_SYNC_SCOPE_H
#define CASEPACK_SYNC_SCOPE_H

#include "formats/changeset.h"
#include "sync/outbound.h"

/* is_new: it is about to be given. Later the tables may have moved on, and some rows are passed that were asked then: a
 * relay's, since its raters may have gone, and texts, since an assignment may name others now. */
CP_CHECKED enum cp_code cp_scope_has(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool is_new,
		bool *out, struct cp_err *err);

#endif
