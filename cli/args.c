#include "cli/args.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"

const struct cp_option cp_common_options[] = {
	{ "-C", "DIR", "the workspace; the current folder otherwise" },
	{ "--json", NULL, "results as one JSON object a line, for scripts" },
	{ "--passphrase-fd", "N", "read the passphrase of the key from open file N, up to the end of a line" },
	{ "--help", NULL, "what the command does, its options and examples" },
	{ NULL, NULL, NULL },
};

static const struct { const char *letter, *word; } spellings[] = {
	{ "-n", "--dry-run" },
	{ "-h", "--help" },
};

/* A letter's long spelling; anything else is its own. */
static const char *spelled_out(const char *name)
{
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
		if (strcmp(spellings[i].letter, name) == 0)
			return spellings[i].word;
	return name;
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(spelled_out(a), spelled_out(b)) == 0;
}

/* ---- the nearest name, for a slip of the finger ------------------------------------ */

#define NAME_MAX_LEN 32

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must change, go, come, or trade places with a neighbour. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* Keeps name in *best when it is nearer to what was typed than what is there. */
static void weigh(const char *typed, const char *name, const char **best, size_t *nearest)
{
	size_t d = distance(typed, name);

	if (d < *nearest && d < strlen(name)) {
		*nearest = d;
		*best = name;
	}
}

static enum cp_code fail_command(const struct cp_command *const *commands, const char *typed, struct cp_err *err)
{
	const char *best = NULL;
	size_t nearest = 3;
	char shown[CP_QUOTE];

	for (size_t i = 0; commands[i] != NULL; i++)
		weigh(typed, commands[i]->name, &best, &nearest);
	cp_text_quote(shown, typed, strlen(typed));
	if (best != NULL)
		return cp_fail(err, CP_EUSAGE, "there is no command %s (did you mean %s?)", shown, best);
	return cp_fail(err, CP_EUSAGE, "there is no command %s; `casepack help` lists them", shown);
}

static enum cp_code fail_option(const struct cp_command *command, const char *typed, struct cp_err *err)
{
	const char *best = NULL;
	size_t nearest = 3;
	char shown[CP_QUOTE];

	for (const struct cp_option *o = command ? command->options : NULL; o != NULL && o->name != NULL; o++)
		weigh(typed, o->name, &best, &nearest);
	cp_text_quote(shown, typed, strlen(typed));
	if (best != NULL)
		return cp_fail(err, CP_EUSAGE, "there is no option %s (did you mean %s?)", shown, best);
	return cp_fail(err, CP_EUSAGE, "there is no option %s", shown);
}

/* ---- taking apart ---------------------------------------------------------------------- */

struct parse {
	struct cp_args *args;
	const struct cp_command *const *commands;
	char *const *argv;
	int argc, at;
	bool has_ended;   /* "--" was met */
	struct cp_err *err;
};

static const struct cp_option *find_in(const struct cp_option *options, const char *name, size_t len)
{
	char whole[64];

	if (options == NULL || len >= sizeof whole)
		return NULL;
	memcpy(whole, name, len);
	whole[len] = '\0';
	for (; options->name != NULL; options++)
		if (is_same(options->name, whole))
			return options;
	return NULL;
}

static bool may_repeat(const struct cp_option *o)
{
	size_t n = o->value != NULL ? strlen(o->value) : 0;

	return n > 3 && strcmp(o->value + n - 3, "...") == 0;
}

/* -C, --json, --passphrase-fd, --help: facts of their own, not in the list of options given. */
static enum cp_code note_common(struct cp_args *a, const struct cp_option *o, const char *value, struct cp_err *err)
{
	const char **place = strcmp(o->name, "-C") == 0 ? &a->dir : &a->passphrase_fd;

	if (value != NULL && *place != NULL)
		return cp_fail(err, CP_EUSAGE, "option %s is given twice", o->name);
	if (value != NULL)
		*place = value;
	else if (strcmp(o->name, "--json") == 0)
		a->json = true;
	else
		a->wants_help = true;
	return CP_OK;
}

static enum cp_code note(struct parse *p, const struct cp_option *o, const char *value)
{
	struct cp_args *a = p->args;

	if (find_in(cp_common_options, o->name, strlen(o->name)) != NULL)
		return note_common(a, o, value, p->err);
	if (cp_arg_given(a, o->name) && !may_repeat(o))
		return cp_fail(p->err, CP_EUSAGE, "option %s is given twice", o->name);
	a->set[a->n_set].name = o->name;
	a->set[a->n_set].value = value != NULL ? value : "";
	a->n_set++;
	return CP_OK;
}

static enum cp_code take_option(struct parse *p, const char *word)
{
	const struct cp_command *c = p->args->command;
	const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
	size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
	const struct cp_option *o = find_in(c != NULL ? c->options : NULL, word, len);
	char typed[64];

	snprintf(typed, sizeof typed, "%.*s", (int)(len < 63 ? len : 63), word);
	if (o == NULL)
		o = find_in(cp_common_options, word, len);
	if (o == NULL)
		return fail_option(c, typed, p->err);
	if (o->value == NULL && equals != NULL)
		return cp_fail(p->err, CP_EUSAGE, "option %s takes no value", o->name);
	if (o->value == NULL || equals != NULL)
		return note(p, o, equals != NULL ? equals + 1 : NULL);
	if (p->at >= p->argc)
		return cp_fail(p->err, CP_EUSAGE, "option %s needs a value: %s %s", o->name, o->name, o->value);
	return note(p, o, p->argv[p->at++]);
}

static enum cp_code take_word(struct parse *p, const char *word)
{
	struct cp_args *a = p->args;

	if (a->command != NULL) {
		a->words[a->n++] = word;
		return CP_OK;
	}
	for (size_t i = 0; p->commands[i] != NULL; i++)
		if (strcmp(p->commands[i]->name, word) == 0)
			a->command = p->commands[i];
	return a->command != NULL ? CP_OK : fail_command(p->commands, word, p->err);
}

static enum cp_code take(struct parse *p, const char *word)
{
	if (p->has_ended || word[0] != '-' || word[1] == '\0')
		return take_word(p, word);
	if (strcmp(word, "--") == 0) {
		p->has_ended = true;
		return CP_OK;
	}
	if (p->args->command == NULL && strcmp(word, "--version") == 0) {
		p->args->wants_version = true;
		return CP_OK;
	}
	return take_option(p, word);
}

enum cp_code cp_args_parse(struct cp_args *out, const struct cp_command *const *commands, int argc,
		char *const *argv, struct cp_err *err)
{
	struct parse p = { out, commands, argv, argc, 1, false, err };
	size_t most = argc > 0 ? (size_t)argc : 1;
	enum cp_code code = CP_OK;

	*out = (struct cp_args){ 0 };
	out->words = calloc(most, sizeof *out->words);
	out->set = calloc(most, sizeof *out->set);
	assert(out->words != NULL && out->set != NULL);
	while (code == CP_OK && p.at < argc)
		code = take(&p, argv[p.at++]);
	if (out->dir == NULL)
		out->dir = ".";
	return code;
}

void cp_args_drop(struct cp_args *a)
{
	free(a->words);
	free(a->set);
	cp_passphrase_drop(&a->passphrase);
	*a = (struct cp_args){ 0 };
}

/* ---- asking -------------------------------------------------------------------------------- */

const char *cp_arg(const struct cp_args *a, const char *option)
{
	for (size_t i = a->n_set; i-- > 0; )
		if (is_same(a->set[i].name, option))
			return a->set[i].value;
	return NULL;
}

bool cp_arg_given(const struct cp_args *a, const char *option)
{
	return cp_arg(a, option) != NULL;
}

size_t cp_arg_all(const struct cp_args *a, const char *option, const char **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_set && n < max; i++)
		if (is_same(a->set[i].name, option))
			out[n++] = a->set[i].value;
	return n;
}

enum cp_code cp_arg_int(const struct cp_args *a, const char *option, int64_t min, int64_t max,
		int64_t otherwise, int64_t *out, struct cp_err *err)
{
	const char *text = cp_arg(a, option);
	char *end, shown[CP_QUOTE];
	long long n;

	*out = otherwise;
	if (text == NULL)
		return CP_OK;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && !isspace((unsigned char)*text) && *text != '+' &&
			n >= min && n <= max) {
		*out = n;
		return CP_OK;
	}
	cp_text_quote(shown, text, strlen(text));
	if (max == INT64_MAX)
		return cp_fail(err, CP_EUSAGE, "option %s needs a whole number from %lld, not %s", option,
				(long long)min, shown);
	return cp_fail(err, CP_EUSAGE, "option %s needs a whole number from %lld to %lld, not %s", option,
			(long long)min, (long long)max, shown);
}

/* The line of the usage that is meant: that of the verb typed, else the first; up to its options. */
static const char *usage_meant(const struct cp_args *a, int *len)
{
	const char *line = a->command->usage;
	size_t n = a->n > 0 ? strlen(a->words[0]) : 0;

	for (const char *at = line; n > 0 && at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, a->words[0], n) == 0 && at[n] == ' ') {
			line = at;
			break;
		}
	}
	*len = (int)strcspn(line, "\n");
	for (int i = 1; i + 1 < *len; i++)
		if (line[i] == ' ' && line[i + 1] == '[')
			*len = i;
	return line;
}

enum cp_code cp_args_want(const struct cp_args *a, size_t min, size_t max, struct cp_err *err)
{
	char shown[CP_QUOTE];
	int len;

	if (a->n < min && a->command != NULL) {
		const char *usage = usage_meant(a, &len);
		return cp_fail(err, CP_EUSAGE, "something is missing: casepack %s %.*s", a->command->name, len, usage);
	}
	if (a->n < min)
		return cp_fail(err, CP_EUSAGE, "something is missing");
	if (a->n > max) {
		cp_text_quote(shown, a->words[max], strlen(a->words[max]));
		return cp_fail(err, CP_EUSAGE, "%s is one word too many", shown);
	}
	return CP_OK;
}
