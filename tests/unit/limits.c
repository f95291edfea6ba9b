/* formats/limits.h: the table, and JSON measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "formats/limits.h"

static void every_limit_has_a_name_of_its_own_and_says_what_it_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < CP_LIMIT_COUNT; i++) {
		assert_int_equal(cp_limit_named(cp_limit_table[i].name), i);
		assert_true(cp_limit_table[i].most > 0 && cp_limit_table[i].most == cp_limits_default.of[i]);
		assert_true(strlen(cp_limit_table[i].unit) > 0 && strlen(cp_limit_table[i].what) > 0);
	}
	assert_int_equal(cp_limit_named("none"), -1);
}

static void what_is_over_is_said_with_name_value_and_the_way_to_change_it(void **state)
{
	struct cp_limits l = cp_limits_default;
	struct cp_err err;

	(void)state;
	l.of[CP_LIMIT_TEXT] = 10;
	assert_int_equal(cp_limit_check(&l, CP_LIMIT_TEXT, 10, &err, "a note"), CP_OK);
	assert_int_equal(cp_limit_check(&l, CP_LIMIT_TEXT, 11, &err, "a note"), CP_EFORMAT);
	assert_string_equal(err.text,
		"a note is over the limit \"text\" of 10 bytes; `casepack project limit text VALUE` changes it");
	assert_int_equal(cp_limit_over(&l, CP_LIMIT_DEPTH, &err, "member %d", 7), CP_EFORMAT);
	assert_string_equal(err.text, "member 7 is over the limit \"depth\" of 32 levels, the highest there is "
		"(`casepack project limits`)");
	assert_int_equal(cp_limit_over(&l, CP_LIMIT_DEPTH, NULL, "x"), CP_EFORMAT);
}

/* The judge: jansson's own reading of the same text. */
static void walk(const json_t *value, uint64_t level, struct cp_json_size *size)
{
	const char *name;
	json_t *v;
	size_t i;

	if (json_is_string(value) && json_string_length(value) > size->string)
		size->string = json_string_length(value);
	if (!json_is_object(value) && !json_is_array(value))
		return;
	size->depth = level + 1 > size->depth ? level + 1 : size->depth;
	json_array_foreach(value, i, v)
		walk(v, level + 1, size);
	json_object_foreach((json_t *)(uintptr_t)value, name, v) {
		size->string = strlen(name) > size->string ? strlen(name) : size->string;
		walk(v, level + 1, size);
	}
}

static void json_is_measured_as_a_parser_reads_it(void **state)
{
	static const char *const texts[] = { "{}", "[]", "[[[]]]", "{\"a\":[{\"b\":1}],\"long name\":[]}", "\"[[[[\"",
		"[\"\\\"[[[\",\"\\\\\",[\"}\"]]", "[\"\\u0041\\n\\\"\"]", "7", " [ { \"x\" : [ ] } , [ [ [ 1 ] ] ] ] ",
		"[\"ab\\\\\",[\"cd\"]]" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		struct cp_json_size want = { 0, 0 }, got = cp_json_measure(texts[i], strlen(texts[i]));

		assert_non_null(value);
		walk(value, 0, &want);
		assert_int_equal(got.depth, want.depth);
		assert_int_equal(got.string, want.string);
		json_decref(value);
	}
}

/* Each cut of such a text is read within its bounds; sanitizers watch. */
static void json_that_is_cut_short_is_measured_within_its_bounds(void **state)
{
	static const char text[] = "{\"a\\\\\\u00e4\":[\"x\\\"\",{\"b\":\"\\u";

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = strndup(text, n);

		assert_true(cp_json_measure(copy, n).depth <= 3);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_has_a_name_of_its_own_and_says_what_it_bounds),
		cmocka_unit_test(what_is_over_is_said_with_name_value_and_the_way_to_change_it),
		cmocka_unit_test(json_is_measured_as_a_parser_reads_it),
		cmocka_unit_test(json_that_is_cut_short_is_measured_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
