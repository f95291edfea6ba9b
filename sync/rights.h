/*
 * May the author of a change commit write these rows? Judged against what this
 * replica holds: it refuses only where it holds the thing and the thing forbids it.
 */
#ifndef CASEPACK_SYNC_RIGHTS_H
#define CASEPACK_SYNC_RIGHTS_H

#include "formats/gitobject.h"
#include "sync/store.h"

enum cp_verdict { CP_ACCEPT, CP_REFUSE, CP_WAIT };

struct cp_author { struct cp_id replica, person; struct cp_pubkey key; char pseudonym[64]; bool is_lead, is_relay, is_auditor, is_active; };
/* Does the commit call its committer as the roster does? Whoever reads `git log` sees the name alone. CP_ETRUST: no. */
CP_CHECKED enum cp_code cp_author_named(const struct cp_author *author, const struct cp_commit *c, const char *oid,
		struct cp_err *err);

/* *found false: not on the roster. */
CP_CHECKED enum cp_code cp_author_find(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found,
		struct cp_err *err);

/* Keys, revs and cells of every row have the types and lengths of their columns. An edit has a rev of its own; is_material:
 * rows as a hub gives them, with the revs of all their leaves joined. */
CP_CHECKED enum cp_code cp_rights_types(const void *changeset, size_t len, bool is_material, bool *out, struct cp_err *err);

/* why gets one line for CP_REFUSE and CP_WAIT. The changeset has been read strictly already. */
CP_CHECKED enum cp_code cp_rights_check(struct cp_store *s, const struct cp_author *author, const void *changeset,
		size_t len, enum cp_verdict *out, char why[256], struct cp_err *err);

#endif
