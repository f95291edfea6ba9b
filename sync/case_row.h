/*
 * A case's row says of its content what git may hold: kind, locale, segment, names of the
 * results. These are those of the content that stands, and no columns of their own: two
 * leads who import different contents write one cell each, and never leave the results of
 * one beside the content of the other. Internal to sync/.
 */
#ifndef CASEPACK_SYNC_CASE_ROW_H
#define CASEPACK_SYNC_CASE_ROW_H

#include "sync/document.h"
#include "sync/policy.h"
#include "sync/tree.h"

/* Is that column of a case one that follows its content? */
bool cp_case_follows(size_t column);

/* Put into row what follows from row's content. edits are those of d, in its order; the values point into d. */
CP_CHECKED enum cp_code cp_case_follow(const struct cp_document *d, const struct cp_edit *edits, struct cp_policies *p,
		const struct cp_doc_state *state, struct cp_value *row, struct cp_err *err);

#endif
