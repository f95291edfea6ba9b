/*
 * The ways to rate that are files of their own.
 */
#ifndef CASEPACK_CLI_RATE_H
#define CASEPACK_CLI_RATE_H

#include "cli/cli.h"

/* cli/rate_file.c: answers of many cases from a CSV, TSV or JSON lines file, all or nothing. */
CP_CHECKED enum cp_code cp_rate_file(struct cp_args *a, const char *path, struct cp_err *err);

/* cli/rate_dialogue.c: on the terminal, from that case on; NULL: the first that is to do. */
CP_CHECKED enum cp_code cp_rate_dialogue(struct cp_args *a, const char *case_id, struct cp_err *err);

#endif
