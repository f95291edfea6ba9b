/*
 * Conflicts in words: what `conflicts` and `resolve` share.
 */
#ifndef CASEPACK_CLI_DISPUTE_H
#define CASEPACK_CLI_DISPUTE_H

#include "cli/cli.h"
#include "sync/cases.h"
#include "sync/conflict.h"

/* A conflict in hand, with what its candidates say read: an object of cells each, results by their external ids. */
struct cp_dispute {
	const struct cp_conflict *c; /* borrowed */
	struct cp_case_view view; bool has_view;
	void **said;                 /* json_t *, one for each candidate */
	void *base;                  /* json_t *, or NULL: nothing in common */
};
CP_CHECKED enum cp_code cp_dispute_init(struct cp_dispute *out, struct cp_store *s, const struct cp_conflict *c,
		struct cp_err *err);
void cp_dispute_drop(struct cp_dispute *d);

/* "q1, ada", "persons ada", "grade@d1 of q1": what it is about. */
CP_CHECKED enum cp_code cp_dispute_where(const struct cp_dispute *d, struct cp_buf *out, struct cp_err *err);
/* The cells that differ between candidates: "grade@d1, note"; of a stale judgment the revision that breaks with it. */
CP_CHECKED enum cp_code cp_dispute_differs(struct cp_store *s, const struct cp_dispute *d, struct cp_buf *out, struct cp_err *err);
/* What one candidate says in these: "grade@d1=3, note=..." */
CP_CHECKED enum cp_code cp_dispute_says(const struct cp_dispute *d, size_t candidate, struct cp_buf *out, struct cp_err *err);
/* The number of the candidate that stands; SIZE_MAX when none does. */
size_t cp_dispute_stands(const struct cp_conflict *c);
/* "open", "settled", or "" where there is nothing to settle. */
const char *cp_dispute_state(const struct cp_conflict *c);

/* What --class, --case, --person, --table, --open, --settled and --all ask for. case_id is the caller's, and lives as long. */
CP_CHECKED enum cp_code cp_dispute_filter(const struct cp_args *a, struct cp_conflict_filter *out, struct cp_id *case_id,
		struct cp_err *err);

/* One conflict in a screenful on stdout, or as one JSON object. */
CP_CHECKED enum cp_code cp_dispute_explain(struct cp_args *a, const struct cp_conflict *c, struct cp_err *err);

#endif
