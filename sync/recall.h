/*
 * Taking cases back, while bundles are in the field.
 *
 * An assignment's state and the revs of its judgment that the lead knew are one cell: work that arrives
 * later and was not known is kept as surplus (sync/lapse.h). Nothing is deleted.
 */
#ifndef CASEPACK_SYNC_RECALL_H
#define CASEPACK_SYNC_RECALL_H

#include "sync/store.h"

enum cp_recall_how { CP_WITHDRAW, CP_EXPIRE, CP_REASSIGN };

struct cp_recall {
	enum cp_recall_how how;
	const char *const *people; size_t n_people; /* from whom, by pseudonym; none: from everybody */
	const char *const *cases; size_t n_cases;   /* by id; none: all */
	const char *locale, *segment;               /* exactly; NULL: all */
	int64_t pass;                               /* 0: every pass */
	const char *before;                         /* expire: due before that day, YYYY-MM-DD; required there */
	const char *const *to; size_t n_to;         /* reassign: who gets them; those with fewest first */
	bool judged_too;                            /* also what has been judged already, as the hub knows */
	bool is_dry_run;
};
/* judged: fit, but left alone because they are judged; unplaced: reassigned, but nobody in `to` fits. */
struct cp_recalled { int64_t taken, judged, given, unplaced; };
CP_CHECKED enum cp_code cp_recall(struct cp_store *s, const struct cp_recall *r, struct cp_recalled *out,
		struct cp_err *err);

#endif
