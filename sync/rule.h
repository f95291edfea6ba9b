/*
 * Rules that choose between the candidates of a conflict, so that a lead can settle many at once.
 */
#ifndef CASEPACK_SYNC_RULE_H
#define CASEPACK_SYNC_RULE_H

#include "sync/conflict.h"

enum cp_rule {
	CP_RULE_UNANIMOUS, /* of a judgment whose candidates give the same answers: the latest */
	CP_RULE_LATEST,    /* that with the latest clock, unless some clock is far off: that decides nothing alone */
	CP_RULE_STANDING,  /* that which stands meanwhile */
};
/* false: no rule of that name. */
bool cp_rule_named(const char *name, enum cp_rule *out);
extern const char cp_rule_names[]; /* for help and messages */

/* The number of the candidate that is taken; SIZE_MAX where the conflict does not fall under the rule, or can be
 * settled by none. */
size_t cp_rule_choose(enum cp_rule rule, const struct cp_conflict *c);

#endif
