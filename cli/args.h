/*
 * The words of a command line, taken apart by the table of commands.
 */
#ifndef CASEPACK_CLI_ARGS_H
#define CASEPACK_CLI_ARGS_H

#include "cli/cli.h"

/*
 * casepack [-C DIR] [--json] [--passphrase-fd N] COMMAND [OPTION | WORD]...
 *
 * out       always to be ended with cp_args_drop(); command is NULL when none was given
 * commands  ends with NULL
 * argv      borrowed: names, values and words point into it
 *
 * CP_EUSAGE for an unknown command or option (with the nearest name when there is one), a missing
 * value, a value for a switch, or an option given twice. out->command is then set if it was known.
 */
CP_CHECKED enum cp_code cp_args_parse(struct cp_args *out, const struct cp_command *const *commands, int argc,
		char *const *argv, struct cp_err *err);
void cp_args_drop(struct cp_args *a);

/* Options that every command takes; ends with a NULL name. */
extern const struct cp_option cp_common_options[];

#endif
