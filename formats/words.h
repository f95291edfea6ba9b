/*
 * Which words differ between two texts, for a line or two on a screen.
 */
#ifndef CASEPACK_FORMATS_WORDS_H
#define CASEPACK_FORMATS_WORDS_H

#include "formats/buf.h"

/*
 * Append the second text with what it took out as [-so-] and what it put in as {+so+}, and only so
 * many words around; "..." where words are left out. White space between words counts as one space.
 * Nothing when no word differs.
 */
CP_CHECKED enum cp_code cp_words_diff(struct cp_buf *out, const char *a, const char *b, unsigned around,
		struct cp_err *err);

#endif
