#include "formats/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct cp_limits cp_limits_default = { {
#define X(id, name, most, unit, what) [CP_LIMIT_##id] = most,
	CP_LIMITS(X)
#undef X
} };

const struct cp_limit_row cp_limit_table[CP_LIMIT_COUNT] = {
#define X(id, name, most, unit, what) [CP_LIMIT_##id] = { name, most, unit, what },
	CP_LIMITS(X)
#undef X
};

int cp_limit_named(const char *name)
{
	for (int i = 0; i < CP_LIMIT_COUNT; i++)
		if (strcmp(cp_limit_table[i].name, name) == 0)
			return i;
	return -1;
}

enum cp_code cp_limit_over(const struct cp_limits *l, enum cp_limit which, struct cp_err *err, const char *what, ...)
{
	const struct cp_limit_row *row = &cp_limit_table[which];
	char words[256];
	va_list args;

	va_start(args, what);
	vsnprintf(words, sizeof words, what, args);
	va_end(args);
	if (l->of[which] == row->most)
		return cp_fail(err, CP_EFORMAT, "%s is over the limit \"%s\" of %" PRIu64 " %s, the highest there is "
		               "(`casepack project limits`)", words, row->name, row->most, row->unit);
	return cp_fail(err, CP_EFORMAT, "%s is over the limit \"%s\" of %" PRIu64 " %s; `casepack project limit %s "
	               "VALUE` changes it", words, row->name, l->of[which], row->unit, row->name);
}

enum cp_code cp_limit_check(const struct cp_limits *l, enum cp_limit which, uint64_t n, struct cp_err *err,
		const char *what)
{
	return n <= l->of[which] ? CP_OK : cp_limit_over(l, which, err, "%s", what);
}

/* Past the string whose opening quote is behind us; *bytes says how long it is. */
static size_t skip_string(const char *text, size_t at, size_t len, uint64_t *bytes)
{
	for (*bytes = 0; at < len && text[at] != '"'; (*bytes)++)
		at += text[at] == '\\' ? text[at + 1 < len ? at + 1 : at] == 'u' ? 6 : 2 : 1;
	return at + 1;
}

struct cp_json_size cp_json_measure(const char *text, size_t len)
{
	struct cp_json_size size = { 0, 0 };
	uint64_t depth = 0, bytes;

	for (size_t at = 0; at < len;) {
		char c = text[at++];

		if (c == '"') {
			at = skip_string(text, at, len, &bytes);
			size.string = bytes > size.string ? bytes : size.string;
		} else if (c == '{' || c == '[') {
			depth++;
			size.depth = depth > size.depth ? depth : size.depth;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return size;
}

enum cp_code cp_limit_json(const struct cp_limits *l, const char *text, size_t len, struct cp_err *err)
{
	struct cp_json_size size = cp_json_measure(text, len);

	CP_TRY(cp_limit_check(l, CP_LIMIT_DEPTH, size.depth, err, "how deep its JSON goes"));
	return cp_limit_check(l, CP_LIMIT_TEXT, size.string, err, "a text in its JSON");
}
