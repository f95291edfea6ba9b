/*
 * What the files of `show` share.
 *
 * show.c         the command
 * show_case.c    a case, now or then
 */
#ifndef CASEPACK_CLI_SHOW_H
#define CASEPACK_CLI_SHOW_H

#include "cli/cli.h"

CP_CHECKED enum cp_code cp_show_case(struct cp_args *a, const struct cp_id *key, struct cp_err *err);
/* point: as sync/point.h has it. */
CP_CHECKED enum cp_code cp_show_case_at(struct cp_args *a, const struct cp_id *key, const char *point, struct cp_err *err);

#endif
