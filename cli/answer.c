#include "cli/answer.h"

#include <string.h>

enum cp_code cp_answer_read(struct cp_said_answer *out, char *word, const struct cp_case_view *v, const char *command,
		struct cp_err *err)
{
	char *equals = strchr(word, '='), *at = strchr(word, '@');

	for (size_t i = 0; at != NULL && equals != NULL && at < equals && i < v->n_results; i++) {
		size_t n = strlen(v->results[i].id);

		if (strncmp(at + 1, v->results[i].id, n) == 0 && at[1 + n] == '=' && at + 1 + n > equals)
			equals = at + 1 + n;
	}
	if (equals == NULL || equals == word)
		return cp_fail(err, CP_EUSAGE, "%s: %s is no answer; say FIELD=VALUE or FIELD@RESULT=VALUE", command, word);
	*equals = '\0';
	if (at != NULL && at < equals)
		*at = '\0';
	out->field = word;
	out->result = at != NULL && at < equals ? at + 1 : "";
	out->value = equals + 1;
	return CP_OK;
}
