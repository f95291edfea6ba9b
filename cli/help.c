#include "cli/help.h"

#include <string.h>

#include "cli/args.h"
#include "cli/verbs.h"

#define WIDTH 78

const struct cp_fact cp_statuses[] = {
	{ "0", "done" },
	{ "1", "failed: a file, a disk, or something given that does not fit; nothing was changed" },
	{ "2", "wrong usage" },
	{ "3", "done, but something waits for a person" },
	{ "4", "refused: not from whom it must be, or damaged" },
	{ "5", "busy: another casepack is at work in the workspace" },
	{ NULL, NULL },
};

const struct cp_fact cp_environment[] = {
	{ "CASEPACK_PASSPHRASE", "the passphrase of the key, where nobody can be asked; --passphrase-fd N is the other way" },
	{ "XDG_CONFIG_HOME", "keys are in its folder casepack/keys; ~/.config otherwise" },
	{ NULL, NULL },
};

const struct cp_fact cp_files[] = {
	{ "casepack.db", "the current state and what is not sealed yet; can be made again with `casepack rebuild`" },
	{ "content.db", "what cases show, by hash" },
	{ "history.git", "a bare git repository: every signed change, readable with git alone" },
	{ "private.git", "on a lead's hub: the same for what only leads may read" },
	{ "~/.config/casepack/keys", "this person's keys" },
	{ NULL, NULL },
};

/* ---- reading a row ------------------------------------------------------------------- */

const char *cp_help_piece(const char **text, size_t *len, bool *is_verbatim)
{
	const char *at = *text, *end;

	while (*at == '\n')
		at++;
	if (*at == '\0')
		return NULL;
	*is_verbatim = *at == ' ';
	end = strchr(at, '\n');
	while (end != NULL && !*is_verbatim && end[1] != '\n' && end[1] != ' ' && end[1] != '\0')
		end = strchr(end + 1, '\n');
	if (end == NULL)
		end = at + strlen(at);
	*len = (size_t)(end - at);
	*text = end;
	return at;
}

bool cp_help_usage(const char **usage, const char **line, size_t *len)
{
	if (*usage == NULL)
		return false;
	*line = *usage;
	*len = strcspn(*line, "\n");
	*usage = (*line)[*len] == '\n' ? *line + *len + 1 : NULL;
	return true;
}

char *cp_help_option(char out[CP_OPTION_TEXT], const struct cp_option *o)
{
	const char *letter = strcmp(o->name, "--dry-run") == 0 ? "-n, " : strcmp(o->name, "--help") == 0 ? "-h, " : "";

	snprintf(out, CP_OPTION_TEXT, "%s%s%s%s", letter, o->name, o->value != NULL ? " " : "",
			o->value != NULL ? o->value : "");
	return out;
}

const char *cp_help_group(const struct cp_command *c)
{
	for (const struct cp_group *g = cp_groups; g->first != NULL; g++)
		if (strcmp(g->first, c->name) == 0)
			return g->title;
	return NULL;
}

/* ---- printing ---------------------------------------------------------------------------- */

/* Bytes of the word that text begins with. In a usage what stands in brackets is one word. */
static size_t word_of(const char *text, size_t len, bool is_usage)
{
	size_t n = 0, depth = 0;

	for (; n < len && text[n] != '\n'; n++) {
		if (text[n] == ' ' && depth == 0)
			break;
		if (is_usage && text[n] == '[')
			depth++;
		else if (is_usage && text[n] == ']' && depth > 0)
			depth--;
	}
	return n;
}

/*
 * Words of text from column at, broken before the margin; further lines begin at
 * indent. Ends with a newline.
 */
static void fill_words(const char *text, size_t len, size_t at, size_t indent, bool is_usage)
{
	size_t i = 0, word;
	bool is_first = true;

	while (i < len) {
		i += strspn(text + i, " \n");
		if (i >= len)
			break;
		word = word_of(text + i, len - i, is_usage);
		if (!is_first && at + 1 + word > WIDTH) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!is_first) {
			putchar(' ');
			at++;
		}
		fwrite(text + i, 1, word, stdout);
		at += word;
		i += word;
		is_first = false;
	}
	putchar('\n');
}

static void fill(const char *text, size_t len, size_t at, size_t indent)
{
	fill_words(text, len, at, indent, false);
}

static void print_usage(const struct cp_command *c)
{
	const char *usage = c->usage, *line;
	size_t len, at;
	bool is_first = true;

	while (cp_help_usage(&usage, &line, &len)) {
		at = (size_t)printf("%s casepack %s%s", is_first ? "usage:" : "      ", c->name, len > 0 ? " " : "");
		fill_words(line, len, at, 16, true);
		is_first = false;
	}
}

static void print_about(const char *about)
{
	const char *piece;
	size_t len;
	bool is_verbatim, was_verbatim = false;

	while ((piece = cp_help_piece(&about, &len, &is_verbatim)) != NULL) {
		if (!is_verbatim || !was_verbatim)
			putchar('\n');
		if (is_verbatim)
			printf("%.*s\n", (int)len, piece);
		else
			fill(piece, len, 0, 0);
		was_verbatim = is_verbatim;
	}
}

/* "  NAME   words": the words beside the name, or under it where it is long. */
static void print_entry(const char *name, const char *words, size_t column)
{
	size_t at = (size_t)printf("  %s", name);

	if (at + 2 > column) {
		printf("\n%*s", (int)column, "");
		at = column;
	}
	printf("%*s", (int)(column - at), "");
	fill(words, strlen(words), column, column);
}

static void print_options(const char *title, const struct cp_option *o)
{
	char text[CP_OPTION_TEXT];

	if (o == NULL || o->name == NULL)
		return;
	printf("\n%s\n", title);
	for (; o->name != NULL; o++)
		print_entry(cp_help_option(text, o), o->help, 26);
}

static void print_examples(const struct cp_example *e)
{
	if (e == NULL || e->line == NULL)
		return;
	printf("\nexamples:\n");
	for (; e->line != NULL; e++) {
		printf("  %s\n      ", e->line);
		fill(e->why, strlen(e->why), 6, 6);
	}
}

static void print_facts(const char *title, const struct cp_fact *f, size_t column)
{
	printf("\n%s\n", title);
	for (; f->name != NULL; f++)
		print_entry(f->name, f->words, column);
}

static enum cp_code check(struct cp_err *err)
{
	return ferror(stdout) ? cp_fail_errno(err, "standard output") : CP_OK;
}

static void print_command(const struct cp_command *c)
{
	printf("casepack %s - %s\n\n", c->name, c->summary);
	print_usage(c);
	print_about(c->about);
	print_options("options:", c->options);
	print_examples(c->examples);
}

enum cp_code cp_help_command(const struct cp_command *c, struct cp_err *err)
{
	print_command(c);
	print_options("options of every command:", cp_common_options);
	print_facts("exit status:", cp_statuses, 6);
	return check(err);
}

enum cp_code cp_help_list(struct cp_err *err)
{
	printf("usage: casepack [-C DIR] [--json] COMMAND ...\n\n"
		"Human evaluation of search where the network does not reach.\n");
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		const char *group = cp_help_group(cp_commands[i]);

		if (group != NULL)
			printf("\n%s\n", group);
		print_entry(cp_commands[i]->name, cp_commands[i]->summary, 14);
	}
	printf("\n`casepack help COMMAND` says more of one, `casepack help --all` of all.\n");
	return check(err);
}

static enum cp_code help_all(struct cp_err *err)
{
	CP_TRY(cp_help_list(err));
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		printf("\n------------------------------------------------------------------------------\n\n");
		print_command(cp_commands[i]);
	}
	print_facts("exit status:", cp_statuses, 6);
	print_facts("environment:", cp_environment, 24);
	print_facts("files:", cp_files, 28);
	return check(err);
}

static enum cp_code run_help(struct cp_args *a, struct cp_err *err)
{
	const struct cp_command *c;

	CP_TRY(cp_args_want(a, 0, 1, err));
	if (cp_arg_given(a, "--all"))
		return help_all(err);
	if (a->n == 0)
		return cp_help_list(err);
	c = cp_command_find(a->words[0]);
	if (c == NULL)
		return cp_fail(err, CP_EUSAGE, "there is no command %s; `casepack help` lists them", a->words[0]);
	return cp_help_command(c, err);
}

static const struct cp_option help_options[] = {
	{ "--all", NULL, "everything about every command" },
	{ NULL, NULL, NULL },
};

static const struct cp_example help_examples[] = {
	{ "casepack help rate", "how cases are judged; `casepack rate --help` says the same" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_help = {
	.name = "help",
	.usage = "[COMMAND]\n--all",
	.summary = "say what a command does",
	.about = "Without a word the list of commands; with one, how that command is used.",
	.options = help_options,
	.examples = help_examples,
	.run = run_help,
};

/* ---- version --------------------------------------------------------------------------------- */

enum cp_code cp_version_print(const struct cp_args *a, struct cp_err *err)
{
	if (a->json)
		printf("{\"version\":\"" CP_VERSION "\"}\n");
	else
		printf("casepack " CP_VERSION "\n");
	return check(err);
}

static enum cp_code run_version(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 0, 0, err));
	return cp_version_print(a, err);
}

static const struct cp_example version_examples[] = {
	{ "casepack version", "to name it in a report of something that went wrong" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "say which casepack this is",
	.about = "Prints the version of this program.",
	.options = cp_no_options,
	.examples = version_examples,
	.run = run_version,
};
