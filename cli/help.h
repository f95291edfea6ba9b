/*
 * What the table of commands says for itself: help, the manual page, completion.
 */
#ifndef CASEPACK_CLI_HELP_H
#define CASEPACK_CLI_HELP_H

#include "cli/cli.h"

/* The list of commands, a line each. */
CP_CHECKED enum cp_code cp_help_list(struct cp_err *err);
/* One command: its usage, what it does, options, examples. */
CP_CHECKED enum cp_code cp_help_command(const struct cp_command *c, struct cp_err *err);
CP_CHECKED enum cp_code cp_version_print(const struct cp_args *a, struct cp_err *err);

/* The next paragraph or verbatim line of a text: advances *text, sets *len; NULL at the end. A
 * paragraph ends before an empty line and before a line that begins with a space. */
const char *cp_help_piece(const char **text, size_t *len, bool *is_verbatim);

/* Each line of a usage. Advances *usage; false at the end. */
bool cp_help_usage(const char **usage, const char **line, size_t *len);

/* How an option is written: "--to PERSON", "-n, --dry-run". Returns out. */
#define CP_OPTION_TEXT 96
char *cp_help_option(char out[CP_OPTION_TEXT], const struct cp_option *o);

/* The title of the group that begins with this command, or NULL. */
const char *cp_help_group(const struct cp_command *c);

/* Exit statuses, and what reads the environment: for the manual and `help --all`; end with a NULL name. */
struct cp_fact { const char *name, *words; };
extern const struct cp_fact cp_statuses[], cp_environment[], cp_files[];

#endif
