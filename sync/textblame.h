/*
 * Which version of a text brought in each line of it, as `git blame` has it. Pure: knows
 * neither guidelines nor people.
 *
 * A line is its parent's where the diff of both texts pairs them (cp_text_pair). Of several
 * parents the first that has the line is followed, and a parent with the same text takes
 * all; what no parent has, the version brought in itself. So a merge is credited with what
 * was written in it, and with nothing that it only carried along.
 */
#ifndef CASEPACK_SYNC_TEXTBLAME_H
#define CASEPACK_SYNC_TEXTBLAME_H

#include "formats/buf.h"

/* Versions stand in a list in which each follows its parents; these are places in it. Borrowed. */
struct cp_blame_version { const size_t *parents; size_t n_parents; };

/* Put version number i's text into out, which comes empty. */
typedef enum cp_code cp_blame_load(void *user, size_t i, struct cp_buf *out, struct cp_err *err);

/*
 * (*out)[k] is the version that brought in line k, from 0, of version tip; *n lines, as cp_text_pair counts them. The caller
 * frees *out, which is set on CP_OK only. Each version on the way is read once and compared with each parent once; only
 * one and its parents are held at a time. A failure of load is returned.
 */
CP_CHECKED enum cp_code cp_textblame(size_t **out, size_t *n, const struct cp_blame_version *versions, size_t tip,
		cp_blame_load *load, void *user, struct cp_err *err);

#endif
