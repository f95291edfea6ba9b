/*
 * Commands whose first word is a verb of their own: key new, person add, form list.
 */
#ifndef CASEPACK_CLI_VERBS_H
#define CASEPACK_CLI_VERBS_H

#include "cli/cli.h"

struct cp_verb {
	const char *name;
	const char *options; /* those that this verb takes, each between spaces: " --rev --note "; NULL: none */
	enum cp_code (*run)(struct cp_args *a, struct cp_err *err);
};

/* Finds the verb and runs it; verbs ends with a NULL name. CP_EUSAGE: no verb, an unknown one, or an
 * option of the command that is not one of this verb. words[0] stays the verb. */
CP_CHECKED enum cp_code cp_verb_run(struct cp_args *a, const struct cp_verb *verbs, struct cp_err *err);

/* For commands without any: it ends at once. */
extern const struct cp_option cp_no_options[];

#endif
