#include "formats/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void cp_tsv_begin(struct cp_tsv *t, const char *text, size_t len)
{
	memset(t, 0, sizeof *t);
	t->at = text != NULL ? text : "";
	t->end = t->at + len;
	t->held = (struct cp_buf)CP_BUF((size_t)1 << 31);
}

void cp_tsv_drop(struct cp_tsv *t)
{
	cp_buf_drop(&t->held);
}

const char *cp_tsv_cell(const struct cp_tsv *t, size_t i)
{
	return i < t->n ? t->cells[i] : "";
}

/* A character that was spelled with so many hex digits; *text goes on behind them. */
static bool spelled(struct cp_buf *out, const char **text, const char *end, int digits)
{
	utf8proc_uint8_t bytes[4];
	char hex[9];
	long point;

	if (end - *text < digits || strspn(*text, "0123456789abcdef") < (size_t)digits)
		return false;
	snprintf(hex, sizeof hex, "%.*s", digits, *text);
	point = strtol(hex, NULL, 16);
	if (!utf8proc_codepoint_valid((utf8proc_int32_t)point))
		return false;
	*text += digits;
	return cp_buf_add(out, bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)point, bytes), NULL) == CP_OK;
}

/* Behind a backslash. */
static bool unescape(struct cp_buf *out, const char **text, const char *end)
{
	static const char *const plain = "tnr\\";
	static const char *const means = "\t\n\r\\";
	char c = *text < end ? *(*text)++ : '\0';
	const char *p = c != '\0' ? strchr(plain, c) : NULL;

	if (p != NULL)
		return cp_buf_add(out, means + (p - plain), 1, NULL) == CP_OK;
	return c == 'x' ? spelled(out, text, end, 2) : c == 'u' ? spelled(out, text, end, 4) : c == 'U' && spelled(out, text, end, 8);
}

/* One cell and a zero byte behind it; at ends at its tab or at the line's end. */
static bool read_cell(struct cp_buf *out, const char **at, const char *end)
{
	while (*at < end && **at != '\t') {
		const char *from = *at;

		while (*at < end && **at != '\t' && **at != '\\')
			++*at;
		if (cp_buf_add(out, from, (size_t)(*at - from), NULL) != CP_OK)
			return false;
		if (*at < end && **at == '\\' && (++*at, !unescape(out, at, end)))
			return false;
	}
	return cp_buf_add(out, "", 1, NULL) == CP_OK;
}

enum cp_code cp_tsv_next(struct cp_tsv *t, bool *more, struct cp_err *err)
{
	size_t starts[CP_TSV_CELLS];
	const char *at = t->at, *end;

	t->n = 0;
	*more = t->at < t->end;
	if (!*more)
		return CP_OK;
	end = memchr(t->at, '\n', (size_t)(t->end - t->at));
	end = end != NULL ? end : t->end;
	t->line = t->at;
	t->line_len = (size_t)(end - t->at);
	cp_buf_clear(&t->held);
	for (;;) {
		if (t->n == CP_TSV_CELLS)
			return cp_fail(err, CP_EFORMAT, "a line of more than %d cells", CP_TSV_CELLS);
		starts[t->n++] = t->held.len;
		if (!read_cell(&t->held, &at, end))
			return cp_fail(err, CP_EFORMAT, "a cell that cannot be read");
		if (at == end)
			break;
		at++;
	}
	for (size_t i = 0; i < t->n; i++)
		t->cells[i] = t->held.data + starts[i];
	t->at = end < t->end ? end + 1 : end;
	return CP_OK;
}
