/*
 * The limits of this workspace: formats/limits.h, where nobody made one smaller. They protect this
 * machine, are no data of the project, and travel nowhere.
 */
#ifndef CASEPACK_SYNC_LIMIT_H
#define CASEPACK_SYNC_LIMIT_H

#include "formats/limits.h"
#include "sync/store.h"

/* At most its highest value, and at least 1; else CP_EUSAGE. The highest one takes a smaller one back. */
CP_CHECKED enum cp_code cp_limit_set(struct cp_store *s, enum cp_limit which, uint64_t value, struct cp_err *err);

/* Read into the store when it opens. */
CP_CHECKED enum cp_code cp_limits_load(struct cp_store *s, struct cp_err *err);

/*
 * A changeset that comes from outside: its length, and that of every text and blob in it. What is
 * no changeset is for others to refuse. CP_EFORMAT: the bundle that brought it is refused, no
 * verdict is given, since another hub may take it.
 */
CP_CHECKED enum cp_code cp_limit_changeset(const struct cp_limits *l, const void *changeset, size_t len, struct cp_err *err);

#endif
