/*
 * Rulings: what a lead decided about trust, as rows that are history like any other.
 * About a change commit (its name, 40 hex digits): accept, drop, keep; about a device (its
 * id, 32): trust, revoke. There is one about each, which an edit may change.
 */
#ifndef CASEPACK_SYNC_RULING_H
#define CASEPACK_SYNC_RULING_H

#include "sync/store.h"

#define CP_REASON_MAX 2000 /* bytes */

/* Inside an edit (sync/edit.h). CP_EINPUT: no reason, or one that is too long or no UTF-8. */
CP_CHECKED enum cp_code cp_ruling_write(struct cp_store *s, const char *about, const char *decision, const char *reason,
		bool *out_changed, struct cp_err *err);

/* The decision about it, "" where there is none. */
CP_CHECKED enum cp_code cp_ruling_on(struct cp_store *s, const char *about, char decision[16], struct cp_err *err);

#endif
