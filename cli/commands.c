#include "cli/cli.h"

#include <string.h>

/* Every command, in the order in which help shows them. */
#define COMMANDS(X)                                                                              \
	X(init) X(key) X(project) X(person) X(guideline) X(form) X(import) X(assign) X(gold)     \
	X(pack) X(open) X(rate) X(return) X(merge) X(sync)                                       \
	X(status) X(inspect) X(conflicts) X(resolve) X(adjudicate) X(stale) X(quarantine)        \
	X(forget)                                                                                \
	X(log) X(blame) X(show) X(diff) X(verify) X(rebuild)                                     \
	X(export) X(report)                                                                      \
	X(help) X(man) X(completion) X(version)

#define X(name) extern const struct cp_command cp_cmd_##name;
COMMANDS(X)
#undef X

const struct cp_command *const cp_commands[] = {
#define X(name) &cp_cmd_##name,
	COMMANDS(X)
#undef X
	NULL,
};

const struct cp_group cp_groups[] = {
	{ "init", "Setting up an evaluation" },
	{ "pack", "The round trip" },
	{ "status", "What needs a person" },
	{ "log", "History" },
	{ "export", "Results" },
	{ "help", "About casepack itself" },
	{ NULL, NULL },
};

const struct cp_command *cp_command_find(const char *name)
{
	for (size_t i = 0; cp_commands[i] != NULL; i++)
		if (strcmp(cp_commands[i]->name, name) == 0)
			return cp_commands[i];
	return NULL;
}
