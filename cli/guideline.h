/*
 * What the files of `guideline` and `form` share: each verb that has a file of its own.
 *
 * guideline.c          the two commands; add, revise, merge, list, presets
 * guideline_show.c     show, diff
 * guideline_history.c  log, blame
 * guideline_of.c       of: the text that a judgment was made under
 * guideline_effect.c   effect: judgments before and after a revision
 */
#ifndef CASEPACK_CLI_GUIDELINE_H
#define CASEPACK_CLI_GUIDELINE_H

#include "cli/cli.h"
#include "sync/texts.h"

#define CP_GUIDELINE_MAX ((size_t)16 << 20) /* bytes of a text; limits may be lower */

/* `form` runs the same verbs. A form has versions, a guideline revisions. */
bool cp_guideline_is_form(const struct cp_args *a);
const char *cp_guideline_noun(const struct cp_args *a);
const char *cp_guideline_kind(enum cp_text_kind kind);

/* A text on stdout: to a file or a pipe byte for byte; to a terminal so that it cannot act there. */
CP_CHECKED enum cp_code cp_guideline_print(const struct cp_buf *text, struct cp_err *err);

/* What differs between two revisions, under the two lines that name them; nothing where nothing does. */
CP_CHECKED enum cp_code cp_guideline_print_diff(const char *name, const char *noun, int64_t from, int64_t to,
		const struct cp_buf *diff, struct cp_err *err);

CP_CHECKED enum cp_code cp_guideline_show(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_guideline_diff(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_guideline_log(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_guideline_blame(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_guideline_of(struct cp_args *a, struct cp_err *err);
CP_CHECKED enum cp_code cp_guideline_effect(struct cp_args *a, struct cp_err *err);

#endif
