#include "formats/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cp_code cp_buf_room(struct cp_buf *b, size_t more, struct cp_err *err)
{
	size_t need, cap = b->cap ? b->cap : 256;
	char *data;

	if (__builtin_add_overflow(b->len, more, &need) || need > b->max)
		return cp_fail(err, CP_EFORMAT, "more than the limit of %zu bytes", b->max);
	if (b->data != NULL && need < b->cap)
		return CP_OK;
	while (cap <= need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu bytes", cap);
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return CP_OK;
}

enum cp_code cp_buf_add(struct cp_buf *b, const void *bytes, size_t len, struct cp_err *err)
{
	CP_TRY(cp_buf_room(b, len, err));
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return CP_OK;
}

enum cp_code cp_buf_puts(struct cp_buf *b, const char *text, struct cp_err *err)
{
	return cp_buf_add(b, text, strlen(text), err);
}

enum cp_code cp_buf_printf(struct cp_buf *b, struct cp_err *err, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		return cp_fail(err, CP_EIO, "cannot print \"%s\"", fmt);
	CP_TRY(cp_buf_room(b, (size_t)n, err));
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
	return CP_OK;
}

void cp_buf_clear(struct cp_buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *cp_buf_detach(struct cp_buf *b)
{
	char *data = b->data;

	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}

void cp_buf_drop(struct cp_buf *b)
{
	if (b == NULL)
		return;
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void cp_str_drop(char **text)
{
	free(*text);
	*text = NULL;
}
