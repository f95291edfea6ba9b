/*
 * A growing byte buffer, born with its upper limit.
 *
 * data is NULL or has a zero byte behind the last one, which len does not count,
 * so a buffer that holds text can be used as a C string.
 */
#ifndef CASEPACK_FORMATS_BUF_H
#define CASEPACK_FORMATS_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "formats/err.h"

struct cp_buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* bytes; adding more fails */
};

#define CP_BUF(limit) { NULL, 0, 0, (limit) }
#define CP_TEXT_MAX ((size_t)64 << 20)

/* Each adds whole or not at all. CP_EFORMAT past the limit, CP_EIO without memory. */
CP_CHECKED enum cp_code cp_buf_add(struct cp_buf *b, const void *bytes, size_t len, struct cp_err *err);
CP_CHECKED enum cp_code cp_buf_puts(struct cp_buf *b, const char *text, struct cp_err *err);
CP_CHECKED enum cp_code cp_buf_printf(struct cp_buf *b, struct cp_err *err, const char *fmt, ...)
	CP_PRINTF(3, 4);

/* Make room for more bytes behind len; the caller writes them and raises len. */
CP_CHECKED enum cp_code cp_buf_room(struct cp_buf *b, size_t more, struct cp_err *err);

/* Forget the content, keep the memory. */
void cp_buf_clear(struct cp_buf *b);

/* Hand the memory to the caller, who frees it; the buffer is empty again. */
char *cp_buf_detach(struct cp_buf *b);

/* Free the memory; the buffer is empty and can be used again. NULL-safe. */
void cp_buf_drop(struct cp_buf *b);

/* free() for CP_AUTO(str) char *text = NULL; */
void cp_str_drop(char **text);

#endif
