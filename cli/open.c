#include <string.h>

#include "cli/bundles.h"
#include "cli/keys.h"

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_opened opened = { .assignments = 0 };

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_open(a->dir, a->words[0], cp_arg(a, "--key"), cp_ask_passphrase, NULL, &opened, err));
	a->waits = opened.refused > 0;
	return cp_opened_say(a, a->words[0], &opened, err);
}
