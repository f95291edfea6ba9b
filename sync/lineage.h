/*
 * Who is above whom among the edits of one document, for those who explain a
 * decision; the revision tree itself decides without it.
 */
#ifndef CASEPACK_SYNC_LINEAGE_H
#define CASEPACK_SYNC_LINEAGE_H

#include "sync/tree.h"

struct cp_lineage { const struct cp_edit *edits; size_t n; size_t *by_rev; };
/* edits is borrowed until the drop. */
CP_CHECKED enum cp_code cp_lineage_init(struct cp_lineage *out, const struct cp_edit *edits, size_t n,
		struct cp_err *err);
void cp_lineage_drop(struct cp_lineage *l);

/* The edit that bears a rev, of forged twins the one with the lowest hash; SIZE_MAX: not here. */
size_t cp_lineage_find(const struct cp_lineage *l, const struct cp_rev *rev);
/* Marks all edits above that one, not itself; is_above has n entries, and what was marked stays so. */
CP_CHECKED enum cp_code cp_lineage_mark(const struct cp_lineage *l, size_t edit, bool *is_above, struct cp_err *err);

/*
 * Their nearest common ancestor: above all of these, and above no other such one; of
 * several the one with the lowest rev. *out is SIZE_MAX when they share nothing.
 */
CP_CHECKED enum cp_code cp_lineage_base(const struct cp_lineage *l, const size_t *of, size_t n, size_t *out,
		struct cp_err *err);

#endif
