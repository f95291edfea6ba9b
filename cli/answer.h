/*
 * Answers on the command line: FIELD=VALUE, or FIELD@RESULT=VALUE.
 */
#ifndef CASEPACK_CLI_ANSWER_H
#define CASEPACK_CLI_ANSWER_H

#include "cli/cli.h"
#include "sync/cases.h"

/* Its parts; result is "" for the page. They point into word, which is taken apart in place. */
struct cp_said_answer { const char *field, *result, *value; };
/* CP_EUSAGE names the command. A result's id may hold "=": what the case's results are called tells where it ends. */
CP_CHECKED enum cp_code cp_answer_read(struct cp_said_answer *out, char *word, const struct cp_case_view *v,
		const char *command, struct cp_err *err);

#endif
