#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

void cp_names_drop(struct cp_names *names)
{
	free(names->list);
	free(names->held);
	memset(names, 0, sizeof *names);
}

enum cp_code cp_names_split(struct cp_names *out, const struct cp_args *a, const char *option, struct cp_err *err)
{
	const char *text = cp_arg(a, option);
	char *rest = NULL;

	if (text == NULL)
		return CP_OK;
	out->held = strdup(text);
	out->list = calloc(strlen(text) + 1, sizeof *out->list);
	if (out->held == NULL || out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (char *word = strtok_r(out->held, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
		out->list[out->n++] = word;
	return out->n > 0 ? CP_OK : cp_fail(err, CP_EUSAGE, "option %s names nobody", option);
}

enum cp_code cp_names_all(struct cp_names *out, const struct cp_args *a, const char *option, struct cp_err *err)
{
	out->list = calloc(a->n_set + 1, sizeof *out->list);
	if (out->list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->n = cp_arg_all(a, option, out->list, a->n_set);
	return CP_OK;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

enum cp_code cp_arg_day(const struct cp_args *a, const char *option, const char **out, struct cp_err *err)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const char *day_text = cp_arg(a, option);
	int year, month, day, n = 0;

	*out = day_text;
	if (day_text == NULL)
		return CP_OK;
	if (strlen(day_text) == 10 && strspn(day_text, "0123456789-") == 10 && day_text[4] == '-' && day_text[7] == '-' &&
			sscanf(day_text, "%4d-%2d-%2d%n", &year, &month, &day, &n) == 3 && n == 10 &&
			month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && is_leap(year)))
		return CP_OK;
	return cp_fail(err, CP_EUSAGE, "option %s needs a day like 2026-03-31", option);
}
