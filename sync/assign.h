/*
 * Giving cases to raters.
 */
#ifndef CASEPACK_SYNC_ASSIGN_H
#define CASEPACK_SYNC_ASSIGN_H

#include "sync/store.h"

struct cp_assign {
	const char *form;                    /* name; required */
	const char *guideline;               /* name, or NULL */
	const char *const *people; size_t n_people; /* pseudonyms; none: every active rater */
	const char *locale;                  /* only cases of it; NULL: all */
	const char *segment;                 /* likewise */
	const char *const *cases; size_t n_cases;   /* by id; none: all that fit */
	int64_t overlap;                     /* raters for each case; 0: all of them */
	int64_t pass;                        /* from 1 */
	const char *due;                     /* YYYY-MM-DD or NULL */
	bool is_shuffled; uint64_t seed;     /* of each rater's order; same seed, cases and people, same order */
	bool is_dry_run;
};
/* without_rater: cases that got fewer raters than the overlap, or without one nobody. */
struct cp_assigned { int64_t made, there_already, cases, people, without_rater; };
/* A rater gets only cases of its locales. Cases go to those who fit and have fewest. CP_EINPUT when
 * nobody can take any. The same call again makes nothing new. */
CP_CHECKED enum cp_code cp_assign(struct cp_store *s, const struct cp_assign *a, struct cp_assigned *out,
		struct cp_err *err);

#endif
