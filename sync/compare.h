/*
 * What differs between two points of history, in judgments, assignments, texts and
 * the rest of main's pages. Only pages that differ are read.
 */
#ifndef CASEPACK_SYNC_COMPARE_H
#define CASEPACK_SYNC_COMPARE_H

#include "sync/point.h"

enum cp_differing {
	CP_DIFF_FINAL, CP_DIFF_ASSIGNMENT, CP_DIFF_CASE, CP_DIFF_CONFLICT, CP_DIFF_STALE, CP_DIFF_FORM, CP_DIFF_GUIDELINE,
	CP_DIFF_JUDGMENT, CP_DIFF_PROJECT, CP_DIFF_SETTLEMENT, CP_DIFF_DEVICE, CP_DIFF_RULING, CP_DIFF_VERDICT,
	CP_DIFF_FILE,                /* a page that this casepack does not read */
	CP_DIFF_KINDS
};
/* "final", "assignment", ...: for scripts. */
const char *cp_differing_name(enum cp_differing kind);

/* One cell that differs, or one document as a whole. Strings are borrowed for the visit, "" where there is nothing to say. */
struct cp_difference {
	enum cp_differing kind;
	const char *case_id, *who;   /* external id of the case; whose judgment, assignment or device */
	int64_t pass;                /* 0: none */
	const char *subject;         /* of what is in no case: a text, a device, a change commit, a path; of a conflict and settlement
	                                the column, of a stale judgment the breaking revision */
	const char *name, *result;   /* which cell: a field and the external id of its result, or what the page calls it */
	bool is_answer;
	const char *was, *now;       /* NULL: there was none */
	const char *reason;          /* who decided, and why */
	bool is_text;                /* was and now are two texts, whole; NULL: none */
};
typedef enum cp_code cp_difference_visit(void *user, const struct cp_difference *d, struct cp_err *err);

/* In the order of main's folders. is_named false: cases and results by their names in history, which is faster. */
CP_CHECKED enum cp_code cp_compare(struct cp_store *s, const struct cp_point *a, const struct cp_point *b, bool is_named,
		cp_difference_visit *visit, void *user, struct cp_err *err);

#endif
