/* The words of a command line, and asking for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.c"

static const struct cp_option send_options[] = {
	{ "--to", "PERSON", "" }, { "-o", "DIR", "" }, { "--case", "ID...", "" }, { "--dry-run", NULL, "" },
	{ "--overlap", "N", "" }, { NULL, NULL, NULL },
};
static const struct cp_command send = { .name = "send", .usage = "", .options = send_options };
static const struct cp_command plain = { .name = "plain", .usage = "" };
static const struct cp_command *const commands[] = { &send, &plain, NULL };

/* Splits line at spaces and parses it; the words stay alive until the next call. */
static enum cp_code parse(struct cp_args *a, struct cp_err *err, const char *line)
{
	static char held[1024];
	static char *argv[64];
	int argc = 0;

	snprintf(held, sizeof held, "casepack %s", line);
	for (char *word = strtok(held, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return cp_args_parse(a, commands, argc, argv, err);
}

static void assert_usage(const char *line, const char *words)
{
	struct cp_args a;
	struct cp_err err = { .code = CP_OK };

	assert_int_equal(parse(&a, &err, line), CP_EUSAGE);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" gives \"%s\", without \"%s\"", line, err.text, words);
	cp_args_drop(&a);
}

static void options_and_words_may_be_mixed(void **state)
{
	struct cp_args a;

	(void)state;
	assert_int_equal(parse(&a, NULL, "-C hub send one --to ana two -o out three"), CP_OK);
	assert_ptr_equal(a.command, &send);
	assert_string_equal(a.dir, "hub");
	assert_int_equal(a.n, 3);
	assert_string_equal(a.words[0], "one");
	assert_string_equal(a.words[2], "three");
	assert_string_equal(cp_arg(&a, "--to"), "ana");
	assert_string_equal(cp_arg(&a, "-o"), "out");
	assert_null(cp_arg(&a, "--case"));
	cp_args_drop(&a);
}

static void a_value_may_stand_behind_an_equals_sign(void **state)
{
	struct cp_args a;

	(void)state;
	assert_int_equal(parse(&a, NULL, "send --to=a=b --case= --overlap --json"), CP_OK);
	assert_string_equal(cp_arg(&a, "--to"), "a=b");
	assert_string_equal(cp_arg(&a, "--case"), "");
	assert_string_equal(cp_arg(&a, "--overlap"), "--json");
	assert_false(a.json);
	cp_args_drop(&a);
}

static void a_letter_is_its_long_option(void **state)
{
	struct cp_args a;

	(void)state;
	assert_int_equal(parse(&a, NULL, "send -n"), CP_OK);
	assert_true(cp_arg_given(&a, "--dry-run"));
	assert_true(cp_arg_given(&a, "-n"));
	assert_string_equal(cp_arg(&a, "--dry-run"), "");
	cp_args_drop(&a);
	assert_usage("send -n --dry-run", "--dry-run is given twice");
	assert_usage("plain -n", "no option");
}

static void two_dashes_end_the_options(void **state)
{
	struct cp_args a;

	(void)state;
	assert_int_equal(parse(&a, NULL, "send - -- --to -n --"), CP_OK);
	assert_int_equal(a.n, 4);
	assert_string_equal(a.words[0], "-");
	assert_string_equal(a.words[1], "--to");
	assert_string_equal(a.words[3], "--");
	assert_int_equal(a.n_set, 0);
	cp_args_drop(&a);
}

static void only_an_option_with_dots_may_be_repeated(void **state)
{
	struct cp_args a;
	const char *all[2];

	(void)state;
	assert_int_equal(parse(&a, NULL, "send --case a --case b --case c"), CP_OK);
	assert_string_equal(cp_arg(&a, "--case"), "c");
	assert_int_equal(cp_arg_all(&a, "--case", all, 2), 2);
	assert_string_equal(all[0], "a");
	assert_string_equal(all[1], "b");
	cp_args_drop(&a);
	assert_usage("send --to a --to b", "--to is given twice");
	assert_usage("-C a send -C b", "-C is given twice");
}

static void what_is_common_is_known_everywhere(void **state)
{
	struct cp_args a;

	(void)state;
	assert_int_equal(parse(&a, NULL, "--json plain -C x -h"), CP_OK);
	assert_true(a.json);
	assert_true(a.wants_help);
	assert_string_equal(a.dir, "x");
	cp_args_drop(&a);
	assert_int_equal(parse(&a, NULL, "--version"), CP_OK);
	assert_true(a.wants_version);
	assert_null(a.command);
	assert_string_equal(a.dir, ".");
	cp_args_drop(&a);
	assert_usage("plain --version", "no option");
}

static void a_slip_is_met_with_the_nearest_name(void **state)
{
	(void)state;
	assert_usage("snd", "did you mean send?");
	assert_usage("sned", "did you mean send?");
	assert_usage("harvest", "`casepack help` lists them");
	assert_usage("send --ot x", "did you mean --to?");
	assert_usage("send --overlpa 3", "did you mean --overlap?");
	assert_usage("send --shuffle", "no option \"--shuffle\"");
	assert_usage("send -x", "no option \"-x\"");
}

static void a_missing_or_needless_value_is_named(void **state)
{
	(void)state;
	assert_usage("send --to", "--to needs a value: --to PERSON");
	assert_usage("send --dry-run=yes", "--dry-run takes no value");
	assert_usage("-C", "-C needs a value");
}

static void numbers_keep_their_bounds(void **state)
{
	static const char *const bad[] = { "0", "11", "-3", "3x", "x", "+3", "3.0", "99999999999999999999", "0x3" };
	struct cp_args a;
	struct cp_err err;
	char line[64];
	int64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(line, sizeof line, "send --overlap %s", bad[i]);
		assert_int_equal(parse(&a, NULL, line), CP_OK);
		assert_int_equal(cp_arg_int(&a, "--overlap", 1, 10, 5, &n, &err), CP_EUSAGE);
		assert_non_null(strstr(err.text, "--overlap"));
		assert_non_null(strstr(err.text, bad[i]));
		cp_args_drop(&a);
	}
	assert_int_equal(parse(&a, NULL, "send --overlap 10"), CP_OK);
	assert_int_equal(cp_arg_int(&a, "--overlap", 1, 10, 5, &n, NULL), CP_OK);
	assert_int_equal(n, 10);
	assert_int_equal(cp_arg_int(&a, "--to", 1, 10, 5, &n, NULL), CP_OK);
	assert_int_equal(n, 5);
	cp_args_drop(&a);
}

static void too_few_and_too_many_words_are_refused(void **state)
{
	struct cp_args a;
	struct cp_err err;

	(void)state;
	assert_int_equal(parse(&a, NULL, "send one two"), CP_OK);
	assert_int_equal(cp_args_want(&a, 1, 2, &err), CP_OK);
	assert_int_equal(cp_args_want(&a, 3, 4, &err), CP_EUSAGE);
	assert_int_equal(cp_args_want(&a, 0, 1, &err), CP_EUSAGE);
	assert_non_null(strstr(err.text, "two"));
	cp_args_drop(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_words_may_be_mixed),
		cmocka_unit_test(a_value_may_stand_behind_an_equals_sign),
		cmocka_unit_test(a_letter_is_its_long_option),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(only_an_option_with_dots_may_be_repeated),
		cmocka_unit_test(what_is_common_is_known_everywhere),
		cmocka_unit_test(a_slip_is_met_with_the_nearest_name),
		cmocka_unit_test(a_missing_or_needless_value_is_named),
		cmocka_unit_test(numbers_keep_their_bounds),
		cmocka_unit_test(too_few_and_too_many_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
