#include "formats/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* Bytes at the start of text that are ASCII and not NUL. */
static size_t ascii_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)(text[n] - 1) < 0x7f)
		n++;
	return n;
}

/* Reads one code point; returns its bytes. What is no UTF-8 is one byte, with *out -1. */
static size_t next_point(int32_t *out, const char *text, size_t len)
{
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, out);

	if (n > 0)
		return (size_t)n;
	*out = -1;
	return 1;
}

bool cp_utf8_valid(const char *text, size_t len)
{
	size_t at = 0;
	int32_t point;

	while (at < len) {
		at += ascii_run(text + at, len - at);
		if (at == len)
			break;
		at += next_point(&point, text + at, len - at);
		if (point <= 0)
			return false;
	}
	return true;
}

enum cp_code cp_text_nfc(struct cp_buf *out, const char *text, size_t len, struct cp_err *err)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t n;
	enum cp_code code;

	if (ascii_run(text, len) == len)
		return cp_buf_add(out, text, len, err);
	if (!cp_utf8_valid(text, len))
		return cp_fail(err, CP_EFORMAT, "text that is not valid UTF-8; save it as UTF-8");
	n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &mapped,
			UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return cp_fail(err, CP_EIO, "cannot normalise %zu bytes of text: %s", len, utf8proc_errmsg(n));
	code = cp_buf_add(out, mapped, (size_t)n, err);
	free(mapped);
	return code;
}

bool cp_id_is_plain(const char *text, size_t len)
{
	if (len < 1 || len > 64)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || strchr("._:#-", c) == NULL)
			return false;
	}
	return true;
}

#define MARKS_MAX 8 /* on one letter; Hebrew has five */

/* What stands before a character decides of some whether they act. Begins with no letter to carry a mark. */
struct context { int marks; bool joins, varies; };
#define AT_START { MARKS_MAX, false, false }

static bool is_joiner(int32_t point)
{
	return point == 0x200c || point == 0x200d;
}

static bool is_selector(int32_t point)
{
	return (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0xe0100 && point <= 0xe01ef);
}

static bool is_hidden(int32_t point)
{
	return utf8proc_get_property(point)->ignorable || (point >= 0xe0000 && point <= 0xe0fff) ||
		(point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0x200e ||
		point == 0x200f || point == 0x61c || (point >= 0xfff9 && point <= 0xfffb);
}

static bool is_control(int32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

/* A character behind what c knows; c then knows it, too. */
static bool acts(struct context *c, int32_t point)
{
	utf8proc_category_t category;
	bool is_hid;

	if (point < 0 || is_control(point)) {
		*c = (struct context)AT_START;
		return true;
	}
	if (point < 0x7f) {
		*c = (struct context){ 0, false, true };
		return false;
	}
	category = utf8proc_category(point);
	if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME)
		is_hid = is_selector(point) ? !c->varies : is_hidden(point) || c->marks++ >= MARKS_MAX;
	else if (is_joiner(point))
		is_hid = !c->joins;
	else
		is_hid = is_hidden(point);
	if (is_joiner(point) || is_selector(point) || is_hid) {
		c->varies = false;
		c->joins = c->joins && is_selector(point) && !is_hid;
		return is_hid;
	}
	if (category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_ME)
		c->marks = 0;
	c->joins = c->varies = true;
	return false;
}

bool cp_text_has_controls(const char *text, size_t len, bool multiline)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		bool is_end = c == '\n' || (c == '\r' && i + 1 < len && text[i + 1] == '\n');

		if (c == 0x7f || (c < 0x20 && !(multiline && (is_end || c == '\t'))))
			return true;
		if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0)
			return true; /* U+0080 to U+009F */
	}
	return false;
}

char *cp_text_folded(const char *text, size_t len)
{
	utf8proc_uint8_t *mapped = NULL;

	if (!cp_utf8_valid(text, len) || utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len,
			&mapped, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD) < 0)
		return NULL;
	return (char *)mapped;
}

static enum cp_code add_spelled(struct cp_buf *out, const char *text, int32_t point, struct cp_err *err)
{
	if (point < 0)
		return cp_buf_printf(out, err, "\\x%02x", (unsigned)(unsigned char)text[0]);
	if (is_control(point))
		return cp_buf_printf(out, err, "\\x%02x", (unsigned)point);
	return cp_buf_printf(out, err, point > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)point);
}

/* How newline, tab, carriage return and backslash come out; all that acts is spelled. */
enum ends { ONE_LINE, LINES, TSV };

/* NULL: as any other character. */
static const char *end_of(int32_t point, bool before_newline, enum ends ends)
{
	if (ends == TSV)
		return point == '\n' ? "\\n" : point == '\t' ? "\\t" : point == '\r' ? "\\r" : point == '\\' ? "\\\\" : NULL;
	if (point == '\r' && before_newline)
		return "";
	if (point != '\n' && point != '\t')
		return NULL;
	return ends == ONE_LINE ? " " : point == '\n' ? "\n" : "\t";
}

static enum cp_code add_shown(struct cp_buf *out, const char *text, size_t len, enum ends ends, struct cp_err *err)
{
	struct context c = AT_START;
	size_t from = 0, before = out->len, size;
	enum cp_code code = CP_OK;
	int32_t point;

	for (size_t at = 0; at < len && code == CP_OK; at += size) {
		bool is_acting;
		const char *end;

		size = next_point(&point, text + at, len - at);
		is_acting = acts(&c, point);
		end = end_of(point, at + 1 < len && text[at + 1] == '\n', ends);
		if (!is_acting && end == NULL)
			continue;
		code = cp_buf_add(out, text + from, at - from, err);
		if (code == CP_OK)
			code = end != NULL ? cp_buf_puts(out, end, err) : add_spelled(out, text + at, point, err);
		from = at + size;
	}
	if (code == CP_OK && from < len)
		code = cp_buf_add(out, text + from, len - from, err);
	if (code != CP_OK && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return code;
}

enum cp_code cp_text_shown(struct cp_buf *out, const char *text, size_t len, bool multiline,
		struct cp_err *err)
{
	return add_shown(out, text, len, multiline ? LINES : ONE_LINE, err);
}

enum cp_code cp_text_tsv(struct cp_buf *out, const char *text, size_t len, struct cp_err *err)
{
	return add_shown(out, text, len, TSV, err);
}

bool cp_text_acts(const char *text, size_t len)
{
	struct context c = AT_START;
	int32_t point;

	for (size_t at = 0; at < len;) {
		at += next_point(&point, text + at, len - at);
		if (acts(&c, point))
			return true;
	}
	return false;
}

enum cp_code cp_text_json(struct cp_buf *out, const char *json, size_t len, struct cp_err *err)
{
	struct context c = AT_START;
	size_t from = 0, size;
	int32_t point;

	for (size_t at = 0; at < len; at += size) {
		size = next_point(&point, json + at, len - at);
		if (!acts(&c, point) || point < 0x7f)
			continue;
		CP_TRY(cp_buf_add(out, json + from, at - from, err));
		if (point > 0xffff)
			CP_TRY(cp_buf_printf(out, err, "\\u%04x", 0xd800u + (unsigned)((point - 0x10000) >> 10)));
		CP_TRY(cp_buf_printf(out, err, "\\u%04x", point > 0xffff ? 0xdc00u + (unsigned)(point & 0x3ff) : (unsigned)point));
		from = at + size;
	}
	return cp_buf_add(out, json + from, len - from, err);
}

/* Bytes of the first user-perceived character of text, and its columns. */
static size_t next_cluster(size_t *out_columns, const char *text, size_t len)
{
	int32_t point, next, state = 0;
	size_t at = next_point(&point, text, len), size, columns;

	columns = point < 0 ? 1 : (size_t)utf8proc_charwidth(point);
	while (at < len && point >= 0) {
		size = next_point(&next, text + at, len - at);
		if (next < 0 || utf8proc_grapheme_break_stateful(point, next, &state))
			break;
		columns += (size_t)utf8proc_charwidth(next);
		point = next;
		at += size;
	}
	*out_columns = columns;
	return at;
}

size_t cp_text_width(const char *text, size_t len)
{
	size_t columns = 0, at = 0;
	int32_t point;

	while (at < len) {
		at += next_point(&point, text + at, len - at);
		columns += point < 0 ? 1 : (size_t)utf8proc_charwidth(point);
	}
	return columns;
}

/* Bytes of text whose whole characters fit into width columns, and the columns they take. */
static size_t fitting(size_t *out_columns, const char *text, size_t len, size_t width)
{
	size_t at = 0, columns, size;

	*out_columns = 0;
	while (at < len) {
		size = next_cluster(&columns, text + at, len - at);
		if (columns > width - *out_columns)
			break;
		*out_columns += columns;
		at += size;
	}
	return at;
}

enum cp_code cp_text_fit(struct cp_buf *out, const char *text, size_t width, struct cp_err *err)
{
	size_t len = strlen(text), columns, bytes;
	bool is_cut;

	bytes = fitting(&columns, text, len, width);
	is_cut = bytes < len;
	if (is_cut && width > 0) {
		bytes = fitting(&columns, text, len, width - 1);
		columns++;
	}
	CP_TRY(cp_buf_room(out, bytes + strlen(ELLIPSIS) + (width - columns), err));
	CP_TRY(cp_buf_add(out, text, bytes, err));
	if (is_cut && width > 0)
		CP_TRY(cp_buf_puts(out, ELLIPSIS, err));
	memset(out->data + out->len, ' ', width - columns);
	out->len += width - columns;
	out->data[out->len] = '\0';
	return CP_OK;
}

/* As much of text as is worth showing, not ending inside a code point. */
static size_t head_of(const char *text, size_t len)
{
	size_t n = 256;

	if (len <= n)
		return len;
	while (n > 250 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

const char *cp_text_quote(char out[CP_QUOTE], const char *text, size_t len)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(4096);
	size_t head = head_of(text, len), bytes = 0, columns = 0, more, size;

	if (cp_text_shown(&shown, text, head, false, NULL) != CP_OK)
		cp_buf_clear(&shown);
	while (bytes < shown.len) {
		size = next_cluster(&more, shown.data + bytes, shown.len - bytes);
		if (columns + more > 60 || bytes + size > CP_QUOTE - 8)
			break;
		columns += more;
		bytes += size;
	}
	snprintf(out, CP_QUOTE, "\"%.*s%s\"", (int)bytes, bytes > 0 ? shown.data : "",
			bytes < shown.len || head < len ? ELLIPSIS : "");
	return out;
}
