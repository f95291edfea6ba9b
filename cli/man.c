#include <ctype.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/verbs.h"

/*
 * The manual page in man(7), made from the table: `casepack man | man -l -`.
 * Text between ` and ` is bold.
 */

#ifndef CP_RELEASED
#define CP_RELEASED "2026-11-23" /* the day of this version, YYYY-MM-DD; a build may know another */
#endif

/* One byte so that roff prints it: no request at the start of a line, "-" as it is typed. */
static void put(char c, bool is_start)
{
	if (is_start && (c == '.' || c == '\''))
		fputs("\\&", stdout);
	switch (c) {
	case '\\':
		fputs("\\e", stdout);
		break;
	case '-':
		fputs("\\-", stdout);
		break;
	case '\'':
		fputs("\\(aq", stdout);
		break;
	case '^':
		fputs("\\(ha", stdout);
		break;
	case '~':
		fputs("\\(ti", stdout);
		break;
	default:
		putchar(c);
	}
}

/* Does the line end in front of this space? A sentence ends its line, and lines of the page stay short. */
static bool is_break(const char *text, size_t i, size_t at)
{
	if (i == 0 || text[i] != ' ')
		return false;
	return at + strcspn(text + i + 1, " ") > 70 ||
		(strchr(".:;?!", text[i - 1]) != NULL && isupper((unsigned char)text[i + 1]));
}

/* Text on lines of its own. Ends with a newline. */
static void put_text(const char *text, size_t len)
{
	bool is_bold = false, is_start = true;

	for (size_t i = 0, at = 0; i < len; i++, at++) {
		if (text[i] == '`') {
			is_bold = !is_bold;
			fputs(is_bold ? "\\fB" : "\\fR", stdout);
			continue;
		}
		if (is_break(text, i, at)) {
			putchar('\n');
			is_start = true;
			at = 0;
			continue;
		}
		put(text[i] == '\n' ? ' ' : text[i], is_start);
		is_start = false;
	}
	fputs(is_bold ? "\\fR\n" : "\n", stdout);
}

static void put_words(const char *text)
{
	put_text(text, strlen(text));
}

/* One line as it is, without filling. */
static void put_line(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(text[i], i == 0);
	putchar('\n');
}

/* Words in capitals stand for values: italic; all others as they are typed: bold. */
static void put_usage(const char *text, size_t len)
{
	bool is_value, was_value = false;

	for (size_t i = 0; i < len; i++) {
		if (isalpha((unsigned char)text[i]) && (i == 0 || !isalnum((unsigned char)text[i - 1]))) {
			is_value = isupper((unsigned char)text[i]) != 0;
			if (is_value != was_value)
				fputs(is_value ? "\\fI" : "\\fR", stdout);
			was_value = is_value;
		} else if (was_value && !isalnum((unsigned char)text[i]) && text[i] != '_') {
			fputs("\\fR", stdout);
			was_value = false;
		}
		put(text[i], false);
	}
	fputs(was_value ? "\\fR\n" : "\n", stdout);
}

static void print_usage(const struct cp_command *c)
{
	const char *usage = c->usage, *line;
	size_t len;
	bool is_first = true;

	while (cp_help_usage(&usage, &line, &len)) {
		if (!is_first)
			puts(".br");
		printf("\\fBcasepack %s\\fR%s", c->name, len > 0 ? " " : "");
		put_usage(line, len);
		is_first = false;
	}
}

static void print_about(const char *about)
{
	const char *piece;
	size_t len;
	bool is_verbatim, in_verbatim = false;

	while ((piece = cp_help_piece(&about, &len, &is_verbatim)) != NULL) {
		if (in_verbatim && !is_verbatim)
			puts(".fi\n.RE");
		if (!in_verbatim)
			puts(is_verbatim ? ".PP\n.RS 4\n.nf" : ".PP");
		else if (!is_verbatim)
			puts(".PP");
		if (is_verbatim)
			put_line(piece + strspn(piece, " "), len - strspn(piece, " "));
		else
			put_text(piece, len);
		in_verbatim = is_verbatim;
	}
	if (in_verbatim)
		puts(".fi\n.RE");
}

static void print_options(const struct cp_option *o)
{
	char text[CP_OPTION_TEXT];

	for (; o != NULL && o->name != NULL; o++) {
		puts(".TP");
		cp_help_option(text, o);
		put_usage(text, strlen(text));
		put_words(o->help);
	}
}

static void print_examples(const struct cp_example *e, bool *is_first)
{
	for (; e != NULL && e->line != NULL; e++) {
		if (!*is_first)
			puts(".PP");
		*is_first = false;
		put_words(e->why);
		puts(".PP\n.RS 4\n.nf");
		put_line(e->line, strlen(e->line));
		puts(".fi\n.RE");
	}
}

static void print_facts(const struct cp_fact *f)
{
	for (; f->name != NULL; f++) {
		puts(".TP");
		put_usage(f->name, strlen(f->name));
		put_words(f->words);
	}
}

static void print_commands(void)
{
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		const struct cp_command *c = cp_commands[i];

		printf(".SS %s\n", c->name);
		print_usage(c);
		print_about(c->about);
		print_options(c->options);
	}
}

static void print_list(void)
{
	for (size_t i = 0; cp_commands[i] != NULL; i++) {
		const char *group = cp_help_group(cp_commands[i]);

		if (group != NULL)
			printf(".PD\n.PP\n%s:\n.PD 0\n", group);
		printf(".TP 14\n\\fB%s\\fR\n", cp_commands[i]->name);
		put_words(cp_commands[i]->summary);
	}
	puts(".PD");
}

static void print_front(void)
{
	puts(".TH CASEPACK 1 \"" CP_RELEASED "\" \"casepack " CP_VERSION "\"");
	puts(".SH NAME\ncasepack \\- human evaluation of search where the network does not reach");
	puts(".SH SYNOPSIS\n\\fBcasepack\\fR [\\fB\\-C\\fR \\fIDIR\\fR] [\\fB\\-\\-json\\fR] \\fICOMMAND\\fR ...");
	puts(".SH DESCRIPTION");
	put_words("A lead designs an evaluation on a hub: queries with their results, forms, guidelines, and who judges "
		"what. Each rater gets one file, works on it offline, and gives one file back. Whatever comes back, in any "
		"order and as often as it likes, is merged; what two people changed without knowing of each other is kept "
		"and listed. The history of every answer is signed, and stands in git.");
	puts(".PP");
	put_words("Results are printed on the standard output, words for people on the standard error.");
	print_list();
}

static enum cp_code run_man(struct cp_args *a, struct cp_err *err)
{
	bool is_first = true;

	CP_TRY(cp_args_want(a, 0, 0, err));
	print_front();
	puts(".SH OPTIONS\nEvery command takes these:");
	print_options(cp_common_options);
	puts(".SH COMMANDS");
	print_commands();
	puts(".SH ENVIRONMENT");
	print_facts(cp_environment);
	puts(".SH FILES");
	print_facts(cp_files);
	puts(".SH \"EXIT STATUS\"\nWhere several apply, the first of 1, 5, 4, 3, 0 is given.");
	print_facts(cp_statuses);
	puts(".SH EXAMPLES");
	for (size_t i = 0; cp_commands[i] != NULL; i++)
		print_examples(cp_commands[i]->examples, &is_first);
	puts(".SH \"SEE ALSO\"\n\\fBgit\\fR(1), \\fBssh\\-keygen\\fR(1)");
	return ferror(stdout) ? cp_fail_errno(err, "standard output") : CP_OK;
}

static const struct cp_example examples[] = {
	{ "casepack man | man -l -", "read the manual page without installing it" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_man = {
	.name = "man",
	.usage = "",
	.summary = "print the manual page",
	.about = "Prints this manual page, in the format of man(7), from the same table that `casepack help` reads.",
	.options = cp_no_options,
	.examples = examples,
	.run = run_man,
};
