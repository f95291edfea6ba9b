/*
 * The rows of `conflicts` and `candidates` of one document, made anew with each
 * evaluation of it: a pure function of its accepted edits and the policies.
 */
#ifndef CASEPACK_SYNC_CONFLICT_WRITE_H
#define CASEPACK_SYNC_CONFLICT_WRITE_H

#include "sync/policy.h"

/* A document just evaluated. All borrowed; edits are those of doc, in its order. */
struct cp_ruling {
	struct cp_store *s;
	const struct cp_document *doc;
	const struct cp_edit *edits;
	const struct cp_doc_state *state;
	struct cp_policies *policies;
	bool is_settled;              /* a settlement was given to the tree */
};

/*
 * class      when                                              open   candidates
 * fork       leaves of a judgment disagree                      yes    they
 *            a settlement decided between them                  no     what it decided between
 * hard       heads of a column, or settlements, disagree        yes    they
 *            a lead's resolve decided between them              no     the resolve, and what it decided between
 * identical  two or more heads say the same                     no     they
 * parallel   several leaves, and no column of them disagrees    no     the leaves
 */
CP_CHECKED enum cp_code cp_conflicts_write(const struct cp_ruling *r, struct cp_err *err);

#endif
