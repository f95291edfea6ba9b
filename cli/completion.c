#include <ctype.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/verbs.h"

/* A usage line that begins with a lower-case word begins with a verb: "new [NAME]". */
static size_t verb_of(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && islower((unsigned char)line[n]))
		n++;
	return n < len && line[n] != ' ' ? 0 : n;
}

/* The verbs of a command, each once, with that put between them. */
static size_t print_verbs(const struct cp_command *c, const char *between)
{
	const char *usage = c->usage, *line, *last = "";
	size_t len, n, last_n = 0, count = 0;

	while (cp_help_usage(&usage, &line, &len)) {
		n = verb_of(line, len);
		if (n == 0 || (n == last_n && strncmp(line, last, n) == 0))
			continue;
		printf("%s%.*s", count > 0 ? between : "", (int)n, line);
		last = line;
		last_n = n;
		count++;
	}
	return count;
}

static void print_names(const struct cp_option *o)
{
	for (; o != NULL && o->name != NULL; o++)
		printf("%s ", o->name);
}

/* ---- bash --------------------------------------------------------------------------- */

static void bash_cases(void)
{
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		const struct cp_command *c = cp_commands[i];

		if (strcmp(c->name, "help") == 0)
			printf("\thelp) verbs=$commands; options=\"");
		else {
			printf("\t%s) verbs=\"", c->name);
			print_verbs(c, " ");
			printf("\"; options=\"");
		}
		print_names(c->options);
		printf("\" ;;\n");
	}
}

static void print_bash(void)
{
	printf("# bash completion for casepack: casepack completion bash > "
		"~/.local/share/bash-completion/completions/casepack\n"
		"_casepack()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command='' verbs='' options='' at=0 i\n"
		"\tlocal commands=\"");
	for (size_t i = 0; cp_commands[i] != NULL; i++)
		printf("%s%s", i > 0 ? " " : "", cp_commands[i]->name);
	printf("\"\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n"
		"\t\t-C) i=$((i + 1)) ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*) command=${COMP_WORDS[i]}; at=$i; break ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tcase $command in\n"
		"\t'') verbs=$commands; options=\"--version \" ;;\n");
	bash_cases();
	printf("\tesac\n"
		"\tCOMPREPLY=()\n"
		"\tif [[ $cur == -* ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options ");
	print_names(cp_common_options);
	printf("\" -- \"$cur\")\n"
		"\telif [[ -n $verbs && ( -z $command || $COMP_CWORD -eq $((at + 1)) ) && ${COMP_WORDS[COMP_CWORD - 1]} != -C ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$cur\")\n"
		"\tfi\n"
		"}\n"
		"complete -o default -F _casepack casepack\n");
}

/* ---- zsh ---------------------------------------------------------------------------------- */

/* Inside '...' and in front of a colon of _describe. */
static void zsh_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (*text == ':')
			fputs("\\:", stdout);
		else
			putchar(*text);
	}
}

static void zsh_entry(const char *name, const char *words)
{
	putchar('\'');
	zsh_text(name);
	putchar(':');
	zsh_text(words);
	fputs("' ", stdout);
}

static void zsh_options(const struct cp_option *o)
{
	for (; o != NULL && o->name != NULL; o++)
		zsh_entry(o->name, o->help);
}

static void zsh_cases(void)
{
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		const struct cp_command *c = cp_commands[i];

		printf("\t(%s) verbs=(", c->name);
		if (strcmp(c->name, "help") == 0)
			printf("$commands");
		else
			print_verbs(c, " ");
		printf("); options=(");
		zsh_options(c->options);
		printf(") ;;\n");
	}
}

static void print_zsh(void)
{
	printf("#compdef casepack\n"
		"# zsh completion for casepack: casepack completion zsh > DIR/_casepack, DIR being in $fpath\n"
		"_casepack() {\n"
		"\tlocal -a commands verbs options common\n"
		"\tlocal command='' at=0 i\n"
		"\tcommands=(");
	for (size_t i = 0; cp_commands[i] != NULL; i++)
		zsh_entry(cp_commands[i]->name, cp_commands[i]->summary);
	printf(")\n\tcommon=(");
	zsh_options(cp_common_options);
	printf(")\n"
		"\tfor ((i = 2; i < CURRENT; i++)); do\n"
		"\t\tcase $words[i] in\n"
		"\t\t(-C) ((i++)) ;;\n"
		"\t\t(-*) ;;\n"
		"\t\t(*) command=$words[i]; at=$i; break ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tcase $command in\n"
		"\t('') verbs=($commands); options=('--version:say which casepack this is') ;;\n");
	zsh_cases();
	printf("\tesac\n"
		"\tif [[ $PREFIX == -* ]]; then\n"
		"\t\t_describe -o option options -- common\n"
		"\telif (( $#verbs && ( at == 0 || CURRENT == at + 1 ) )) && [[ $words[CURRENT-1] != -C ]]; then\n"
		"\t\t_describe command verbs\n"
		"\telse\n"
		"\t\t_files\n"
		"\tfi\n"
		"}\n"
		"if [[ $funcstack[1] == _casepack ]]; then\n"
		"\t_casepack \"$@\"\n"
		"else\n"
		"\tcompdef _casepack casepack\n"
		"fi\n");
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 1, 1, err));
	if (strcmp(a->words[0], "bash") == 0)
		print_bash();
	else if (strcmp(a->words[0], "zsh") == 0)
		print_zsh();
	else
		return cp_fail(err, CP_EUSAGE, "completion is for bash or zsh");
	return ferror(stdout) ? cp_fail_errno(err, "standard output") : CP_OK;
}

static const struct cp_example examples[] = {
	{ "source <(casepack completion bash)", "complete commands and options in this shell" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_completion = {
	.name = "completion",
	.usage = "bash\nzsh",
	.summary = "print completion for a shell",
	.about = "Prints what a shell needs to complete the names of commands, their verbs and their options.",
	.options = cp_no_options,
	.examples = examples,
	.run = run,
};
