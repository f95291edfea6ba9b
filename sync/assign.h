/*
 * Giving cases to raters.
 */
#ifndef CASEPACK_SYNC_ASSIGN_H
#define CASEPACK_SYNC_ASSIGN_H

#include "formats/changeset.h"
#include "sync/store.h"

/* One assignment as a document. */
struct cp_given {
	struct cp_id case_id, person, form, guideline;
	bool has_guideline;
	int64_t pass, position;
	const char *due;                     /* YYYY-MM-DD or "" */
};
/* Inside an edit: gives it, also where it was taken back before. */
CP_CHECKED enum cp_code cp_assignment_give(struct cp_store *s, const struct cp_given *g, struct cp_err *err);
/* From a row of assignments; due is kept in the buffer. */
CP_CHECKED enum cp_code cp_assignment_read(struct cp_given *out, const struct cp_value *row, struct cp_buf *due,
		struct cp_err *err);
/* en-US fits a case of en-US and en; en fits any en-..; no locale on either side fits all. */
bool cp_locale_fits(const char *locales, const char *locale);

struct cp_assign {
	const char *form;                    /* name; required */
	const char *guideline;               /* name, or NULL */
	const char *const *people; size_t n_people; /* pseudonyms; none: every active rater */
	const char *locale;                  /* only cases of it; NULL: all */
	const char *segment;                 /* likewise */
	const char *const *cases; size_t n_cases;   /* by id; none: all that fit */
	int64_t overlap;                     /* raters for each case; 0: all of them */
	int64_t more;                        /* so many raters more than a case has had; 0: go by overlap */
	const char *disagree_on;             /* only cases, all judged, whose raters disagree on that field; NULL: all */
	int64_t pass;                        /* from 1 */
	const char *due;                     /* YYYY-MM-DD or NULL */
	bool is_shuffled;                    /* another order for each rater */
	bool is_seeded; uint64_t seed;       /* same seed, cases and people, same order; else nobody can draw it again */
	bool has_gold; int64_t gold_percent; /* so much of what each rater gets now has gold answers, mixed among the others, and no
	                                        case that has some is given otherwise; 0 to 90. Only where is_shuffled */
	bool is_dry_run;
};
/* cases: that fit. without_rater: those that got fewer raters than the overlap, or without one nobody. gold: assignments
 * among made, of cases with gold answers, where has_gold; short_of_gold: raters who got fewer than their share. */
struct cp_assigned { int64_t made, there_already, cases, people, without_rater, gold, short_of_gold; };
/* A rater gets only cases of its locales. Cases go to those who fit and have fewest. CP_EINPUT when
 * nobody can take any. The same call again makes nothing new.
 * An assignment that was taken back is given again only to people who are named. */
CP_CHECKED enum cp_code cp_assign(struct cp_store *s, const struct cp_assign *a, struct cp_assigned *out,
		struct cp_err *err);

#endif
