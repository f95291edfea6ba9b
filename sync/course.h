/*
 * The course of one judgment: its edits, and under which guideline revision each was made.
 */
#ifndef CASEPACK_SYNC_COURSE_H
#define CASEPACK_SYNC_COURSE_H

#include "sync/document.h"

struct cp_course_step {
	const struct cp_doc_edit *edit;
	const struct cp_course_step *before; /* the step that it was made on, of several the first; NULL: none, or not here */
	struct cp_id revision;       /* of the guideline on the rater's screen; zeros: none */
	char state[16];              /* submitted, skipped, escalated, withdrawn */
	int64_t claimed_us, received_us; /* by the rater's clock, and by the clock here (0: made here, or not known) */
	char commit[41];             /* "" while unsealed */
	int64_t order;               /* the clock, or more where it is not behind that of the edit replaced */
	bool stands;                 /* what the judgment's row shows */
	bool is_aside;               /* neither stands nor was grown into what does: another device's line */
};

/* Steps by claimed time, each behind those that it was made on. An edit that two change commits hold is two steps. */
struct cp_course { struct cp_document document; struct cp_course_step *steps; size_t n; };
/* Of the judgment of that assignment; n is 0 when nobody has judged it. Ended by cp_course_drop. */
CP_CHECKED enum cp_code cp_course_load(struct cp_store *s, const struct cp_id *judgment, struct cp_course *out,
		struct cp_err *err);
void cp_course_drop(struct cp_course *c);

/* The step that stands; NULL when none does (of forged twins or a fork that waits for a lead). */
const struct cp_course_step *cp_course_stands(const struct cp_course *c);

/* One answer as a step left it; field and result ("" for the page) are borrowed from the course. */
typedef enum cp_code cp_answer_visit(void *user, const char *field, const char *result, const char *value, struct cp_err *err);
/* Every answer that was given when that step was done. */
CP_CHECKED enum cp_code cp_course_answers(const struct cp_course_step *step, cp_answer_visit *visit, void *user,
		struct cp_err *err);

/* A judgment of a case, and what its row names. Strings are borrowed for the visit. */
struct cp_judged {
	struct cp_id judgment, revision; /* revision zeros: made under no guideline */
	const char *rater, *state, *guideline; /* guideline "": none, or not here */
	int64_t pass, judged_us;
};
typedef enum cp_code cp_judged_visit(void *user, const struct cp_judged *j, struct cp_err *err);
/* By rater and pass. rater NULL: of all; pass 0: every. */
CP_CHECKED enum cp_code cp_judged_each(struct cp_store *s, const struct cp_id *case_id, const char *rater, int64_t pass,
		cp_judged_visit *visit, void *user, struct cp_err *err);

#endif
