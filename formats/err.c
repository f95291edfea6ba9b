#include "formats/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void write_words(struct cp_err *err, enum cp_code code, const char *fmt, va_list args)
{
	err->code = code;
	vsnprintf(err->text, sizeof err->text, fmt, args);
}

enum cp_code cp_fail(struct cp_err *err, enum cp_code code, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	va_start(args, fmt);
	write_words(err, code, fmt, args);
	va_end(args);
	return code;
}

enum cp_code cp_fail_errno(struct cp_err *err, const char *fmt, ...)
{
	int number = errno;
	size_t used;
	va_list args;

	if (err == NULL)
		return CP_EIO;
	va_start(args, fmt);
	write_words(err, CP_EIO, fmt, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(number));
	return CP_EIO;
}

enum cp_code cp_fail_at(struct cp_err *err, const char *fmt, ...)
{
	char words[sizeof err->text];
	size_t used;
	va_list args;

	if (err == NULL)
		return CP_EIO;
	memcpy(words, err->text, sizeof words);
	va_start(args, fmt);
	write_words(err, err->code, fmt, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof err->text - used, ": %s", words);
	return err->code;
}

static bool begins_with(const char *text, const char *path)
{
	size_t n = strlen(path);

	return strncmp(text, path, n) == 0 && text[n] == ':';
}

enum cp_code cp_fail_untaken(struct cp_err *err, const char *path)
{
	static const char changed[] = "; nothing was changed", ask[] = "; nothing was changed; ask its sender for another";
	bool is_senders;
	size_t used;

	if (err == NULL)
		return CP_EIO;
	if (!begins_with(err->text, path))
		cp_fail_at(err, "%s", path);
	if ((err->code != CP_EFORMAT && err->code != CP_ETRUST) || strstr(err->text, changed) != NULL)
		return err->code;
	used = strnlen(err->text, sizeof err->text - sizeof ask);
	is_senders = strstr(err->text, "a newer casepack") == NULL && strstr(err->text, "over the limit") == NULL;
	snprintf(err->text + used, sizeof err->text - used, "%s", is_senders ? ask : changed);
	return err->code;
}
