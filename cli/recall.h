/*
 * `assign withdraw`, `assign expire`, `assign reassign`: taking cases back.
 */
#ifndef CASEPACK_CLI_RECALL_H
#define CASEPACK_CLI_RECALL_H

#include "cli/cli.h"

CP_CHECKED enum cp_code cp_assign_withdraw(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_assign_expire(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_assign_reassign(struct cp_args *a, struct cp_err *err);

#endif
