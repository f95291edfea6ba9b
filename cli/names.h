/*
 * Lists of names from the command line: "ana,ben" of one option, or an option that is said more than once.
 */
#ifndef CASEPACK_CLI_NAMES_H
#define CASEPACK_CLI_NAMES_H

#include "cli/cli.h"

struct cp_names { const char **list; size_t n; char *held; }; /* ended with cp_names_drop, also by CP_AUTO(names) */
void cp_names_drop(struct cp_names *names);

/* The names in option's value, between commas; none where it is not given. CP_EUSAGE where it holds none. */
CP_CHECKED enum cp_code cp_names_split(struct cp_names *out, const struct cp_args *a, const char *option,
		struct cp_err *err);
/* Every value of an option that may be said more than once. */
CP_CHECKED enum cp_code cp_names_all(struct cp_names *out, const struct cp_args *a, const char *option,
		struct cp_err *err);

/* option's value, NULL when not given; CP_EUSAGE unless it is a day of the calendar, YYYY-MM-DD. */
CP_CHECKED enum cp_code cp_arg_day(const struct cp_args *a, const char *option, const char **out, struct cp_err *err);

#endif
