/*
 * Many byte strings looked for at once, in one pass over what may hold them.
 */
#ifndef CASEPACK_FORMATS_NEEDLES_H
#define CASEPACK_FORMATS_NEEDLES_H

#include "formats/buf.h"
#include "formats/hash.h"

#define CP_NEEDLE_MIN 8 /* bytes: shorter ones would be found everywhere */

struct cp_needle {
	uint32_t kind;      /* the caller's */
	struct cp_id owner; /* likewise */
	bool is_word;       /* counts only where no ASCII letter or digit goes on beside it, at an end that is one itself */
	size_t len;
	size_t at;          /* in the bytes that the set holds */
	size_t shorter;     /* the longest other one that it begins with; SIZE_MAX: none */
};

struct cp_needles {
	struct cp_needle *list; size_t n, room; /* sorted by their bytes once ready */
	struct cp_buf bytes;
	uint64_t *pairs;                        /* which first two bytes any has: few, and in the nearest cache */
	uint64_t *firsts; unsigned bits;        /* which hashes the first 8 bytes of any have */
};
#define CP_NEEDLES { NULL, 0, 0, CP_BUF((size_t)1 << 31), NULL, NULL, 0 }
void cp_needles_drop(struct cp_needles *n);

/* CP_EINPUT: shorter than CP_NEEDLE_MIN. bytes are copied. */
CP_CHECKED enum cp_code cp_needles_add(struct cp_needles *n, const void *bytes, size_t len, bool is_word, uint32_t kind,
		const struct cp_id *owner, struct cp_err *err);
/* Once, behind the last one. */
CP_CHECKED enum cp_code cp_needles_ready(struct cp_needles *n, struct cp_err *err);

/* The first place of bytes where one of them stands, or NULL. *out_at (may be NULL) is where. */
const struct cp_needle *cp_needles_find(const struct cp_needles *n, const void *bytes, size_t len, size_t *out_at);

#endif
