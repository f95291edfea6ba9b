#include "cli/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "formats/hash.h"
#include "formats/text.h"

static enum cp_code put(const char *bytes, size_t len, struct cp_err *err)
{
	if (len > 0 && fwrite(bytes, 1, len, stdout) != len)
		return cp_fail_errno(err, "standard output");
	return CP_OK;
}

static enum cp_code line_add_v(struct cp_buf *out, struct cp_err *err, const char *fmt, va_list args)
{
	char *raw = NULL;

	if (vasprintf(&raw, fmt, args) < 0)
		return cp_fail(err, CP_EIO, "out of memory");
	enum cp_code code = cp_text_shown(out, raw, strlen(raw), false, err);
	free(raw);
	CP_TRY(code);
	return cp_buf_puts(out, "\n", err);
}

enum cp_code cp_line_add(struct cp_buf *out, struct cp_err *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	enum cp_code code = line_add_v(out, err, fmt, args);
	va_end(args);
	return code;
}

enum cp_code cp_line(struct cp_err *err, const char *fmt, ...)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
	va_list args;

	va_start(args, fmt);
	enum cp_code code = line_add_v(&line, err, fmt, args);
	va_end(args);
	CP_TRY(code);
	return put(line.data, line.len, err);
}

enum cp_code cp_text_print(const char *text, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF((size_t)1 << 31);

	CP_TRY(cp_text_shown(&shown, text, len, true, err));
	if (shown.len > 0 && shown.data[shown.len - 1] != '\n')
		CP_TRY(cp_buf_puts(&shown, "\n", err));
	return put(shown.data, shown.len, err);
}

enum cp_code cp_json_add(struct cp_buf *out, json_t *object, struct cp_err *err)
{
	CP_AUTO(str) char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	json_decref(object);
	if (text == NULL)
		return cp_fail(err, CP_EIO, "out of memory for a line of JSON");
	CP_TRY(cp_text_json(out, text, strlen(text), err));
	return cp_buf_puts(out, "\n", err);
}

enum cp_code cp_json_line(json_t *object, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF((size_t)1 << 31);

	CP_TRY(cp_json_add(&line, object, err));
	return put(line.data, line.len, err);
}

json_t *cp_json_text(const char *text)
{
	if (text == NULL)
		return json_null();
	size_t len = strlen(text);
	if (cp_utf8_valid(text, len))
		return json_stringn(text, len);

	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);
	if (cp_text_shown(&shown, text, len, false, NULL) != CP_OK)
		return NULL;
	return json_stringn(shown.data, shown.len);
}

json_t *cp_json_time(int64_t us)
{
	char text[32];

	return us == 0 ? json_null() : json_string(cp_time_text(text, us));
}

json_t *cp_json_hex(const void *bytes, size_t len)
{
	char hex[CP_HASH_HEX];

	if (len > sizeof(struct cp_hash))
		return NULL;
	return json_string(cp_hex(hex, bytes, len));
}

char *cp_count(char out[CP_COUNT], int64_t n, const char *one, const char *many)
{
	snprintf(out, CP_COUNT, "%lld %s", (long long)n, n == 1 ? one : many);
	return out;
}

char *cp_size_text(char out[CP_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double size = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(out, CP_SIZE, "%d B", (int)bytes);
		return out;
	}
	for (; size >= 999.95 && unit + 1 < sizeof units / sizeof *units; unit++)
		size /= 1000;
	snprintf(out, CP_SIZE, "%.1f %s", size, units[unit]);
	return out;
}

const char *cp_why(const struct cp_err *err, const char *path)
{
	size_t n = strlen(path);

	if (strncmp(err->text, path, n) == 0 && strncmp(err->text + n, ": ", 2) == 0)
		return err->text + n + 2;
	return err->text;
}
