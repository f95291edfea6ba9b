/*
 * Three-way merging of texts by line, as `git merge-file` does it. Pure: bytes in,
 * bytes out; the same answer everywhere.
 */
#ifndef CASEPACK_SYNC_TEXTMERGE_H
#define CASEPACK_SYNC_TEXTMERGE_H

#include <stdbool.h>

#include "formats/buf.h"

/* text may be NULL where len is 0; label is one line, and stands at the marks. */
struct cp_merge_side { const char *label, *text; size_t len; };

/*
 * The merge of n sides (at least one) that all grew from base, appended to out. More than
 * two are folded: the first with the second, what comes of it with the third, and so on.
 * Where two sides changed the same lines differently both stand in out, between marks of
 * seven characters, or of more where a side has a line that begins like one. *out_overlaps
 * counts these places. CP_EFORMAT past out's limit, CP_EIO without memory.
 */
CP_CHECKED enum cp_code cp_textmerge(struct cp_buf *out, size_t *out_overlaps, const struct cp_merge_side *base,
		const struct cp_merge_side *sides, size_t n, struct cp_err *err);

/* Has it a line that begins or ends such a place? */
bool cp_textmerge_is_marked(const char *text, size_t len);

#endif
