/*
 * What effect.c gathers of one case after the other, and effect_count.c makes of it.
 */
#ifndef CASEPACK_SYNC_EFFECT_INNER_H
#define CASEPACK_SYNC_EFFECT_INNER_H

#include "sync/effect.h"

/* One answer: places of its field, and of its value among that field's. result is owned. */
struct cp_effect_answer { size_t field, value; char *result; };

/* A judgment of the case on one side. */
struct cp_effect_sheet {
	char *rater;                 /* owned */
	int64_t pass;
	int side;
	struct cp_effect_answer *answers; size_t n, room; /* none where it is not submitted */
};
struct cp_effect_case { struct cp_effect_sheet *sheets; size_t n, room; };

/* Beside each field while it grows. */
struct cp_effect_tally {
	size_t *order, room;         /* places of its values, sorted by spelling */
	int64_t *paired[2];          /* n_v of each value */
	double disagreement[2];      /* D */
};
struct cp_effect_growing { struct cp_effect *e; struct cp_effect_tally *tallies; };
void cp_effect_growing_drop(struct cp_effect_growing *g); /* the tallies */

/* The place of that value, new if need be. */
CP_CHECKED enum cp_code cp_effect_value(struct cp_effect_growing *g, size_t field, const char *value, size_t *out,
		struct cp_err *err);
/* One case into the fields. */
CP_CHECKED enum cp_code cp_effect_count(struct cp_effect_growing *g, const struct cp_effect_case *c, struct cp_err *err);
/* Behind the last one: alpha, and everything in order. */
CP_CHECKED enum cp_code cp_effect_finish(struct cp_effect_growing *g, struct cp_err *err);

#endif
