/*
 * What an arriving revision of a guideline, or version of a form, must be: named by the
 * hash of its text and parents, written on revisions that are here, numbered one above
 * them, and never changed. Heads and the current one follow from that (heads.h).
 */
#ifndef CASEPACK_SYNC_RIGHTS_TEXT_H
#define CASEPACK_SYNC_RIGHTS_TEXT_H

#include "sync/rights.h"
#include "sync/tables.h"

/* The revisions of the changeset that is being read. Starts empty, as zeros; ended by cp_revisions_drop. */
struct cp_revisions {
	struct cp_revision_seen { struct cp_id id, text; int64_t number; } *list;
	size_t n, room;
};
void cp_revisions_drop(struct cp_revisions *r);

/* One change of a table of revisions, its values of the right types; in the order of the changeset. why is written
 * unless it is accepted: CP_WAIT for a parent that is not here. */
CP_CHECKED enum cp_code cp_revision_check(struct cp_store *s, struct cp_revisions *r, const struct cp_change *c,
		enum cp_verdict *out, char why[256], struct cp_err *err);

#endif
