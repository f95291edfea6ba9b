#include "cli/verbs.h"

#include <string.h>

#include "formats/text.h"

const struct cp_option cp_no_options[] = { { NULL, NULL, NULL } };

static void join(char *out, size_t size, const struct cp_verb *verbs)
{
	size_t n = 0;

	out[0] = '\0';
	for (; verbs->name != NULL && n < size; verbs++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "", verbs->name);
}

static enum cp_code check_options(const struct cp_args *a, const struct cp_verb *v, struct cp_err *err)
{
	char wanted[64];

	for (size_t i = 0; i < a->n_set; i++) {
		snprintf(wanted, sizeof wanted, " %s ", a->set[i].name);
		if (v->options == NULL || strstr(v->options, wanted) == NULL)
			return cp_fail(err, CP_EUSAGE, "`%s %s` takes no option %s", a->command->name, v->name,
					a->set[i].name);
	}
	return CP_OK;
}

enum cp_code cp_verb_run(struct cp_args *a, const struct cp_verb *verbs, struct cp_err *err)
{
	char names[256], shown[CP_QUOTE];

	join(names, sizeof names, verbs);
	if (a->n == 0)
		return cp_fail(err, CP_EUSAGE, "%s needs one of: %s", a->command->name, names);
	for (const struct cp_verb *v = verbs; v->name != NULL; v++) {
		if (strcmp(v->name, a->words[0]) != 0)
			continue;
		CP_TRY(check_options(a, v, err));
		return v->run(a, err);
	}
	return cp_fail(err, CP_EUSAGE, "%s does not know %s; one of: %s", a->command->name,
			cp_text_quote(shown, a->words[0], strlen(a->words[0])), names);
}
