/* Many byte strings looked for at once, beside the plain search for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/needles.h"

static const struct cp_id nobody;

static void add(struct cp_needles *n, const char *text, bool is_word, uint32_t kind)
{
	assert_int_equal(cp_needles_add(n, text, strlen(text), is_word, kind, &nobody, NULL), CP_OK);
}

static const struct cp_needle *find(const struct cp_needles *n, const char *text, size_t *at)
{
	return cp_needles_find(n, text, strlen(text), at);
}

static void what_stands_anywhere_is_found(void **state)
{
	struct cp_needles n = CP_NEEDLES;
	size_t at;

	(void)state;
	add(&n, "Eva Mendes", true, 1);
	add(&n, "Eva Mendes-Katz", true, 2);
	add(&n, "0.12345678", true, 3);
	assert_int_equal(cp_needles_ready(&n, NULL), CP_OK);
	assert_int_equal(find(&n, "Eva Mendes", &at)->kind, 1);
	assert_int_equal(at, 0);
	assert_int_equal(find(&n, "ask Eva Mendes-Katz", &at)->kind, 2);
	assert_int_equal(find(&n, "ask Eva Mendes-Ka", &at)->kind, 1);
	assert_int_equal(at, 4);
	assert_int_equal(find(&n, "{\"x\":0.12345678}", NULL)->kind, 3);
	assert_null(find(&n, "Eva Mende", NULL));
	assert_null(find(&n, "", NULL));
	cp_needles_drop(&n);
}

static void a_word_inside_a_longer_one_is_another(void **state)
{
	struct cp_needles n = CP_NEEDLES;

	(void)state;
	add(&n, "Ann Smith", true, 1);
	add(&n, "exactlythis", false, 2);
	add(&n, "+49 30 1234", true, 3);
	assert_int_equal(cp_needles_ready(&n, NULL), CP_OK);
	assert_null(find(&n, "Joann Smithson", NULL));
	assert_null(find(&n, "JoAnn Smith", NULL));
	assert_null(find(&n, "Ann Smithson, Ann Smiths", NULL));
	assert_non_null(find(&n, "Ann Smithson, Ann Smith's", NULL));
	assert_non_null(find(&n, "notexactlythisone", NULL));
	assert_non_null(find(&n, "x+49 30 1234", NULL)); /* its own end is no letter */
	assert_null(find(&n, "+49 30 12345", NULL));
	cp_needles_drop(&n);
}

static void too_short_a_string_is_refused(void **state)
{
	struct cp_needles n = CP_NEEDLES;

	(void)state;
	assert_int_equal(cp_needles_add(&n, "sevenxx", 7, true, 0, &nobody, NULL), CP_EINPUT);
	assert_int_equal(cp_needles_ready(&n, NULL), CP_OK);
	assert_null(find(&n, "sevenxx and nothing else", NULL));
	cp_needles_drop(&n);
}

/* Two letters, so that needles begin with each other and stand everywhere. */
static void random_letters(char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = "ab"[rand() % 2];
	out[len] = '\0';
}

static void every_first_place_is_that_of_the_plain_search(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 3000; round++) {
		struct cp_needles n = CP_NEEDLES;
		char list[40][24], text[200];
		size_t count = (size_t)(rand() % 40), first = SIZE_MAX, at = SIZE_MAX;
		const struct cp_needle *found;

		random_letters(text, (size_t)(rand() % 199));
		for (size_t i = 0; i < count; i++) {
			const char *there;

			random_letters(list[i], 8 + (size_t)(rand() % 14));
			add(&n, list[i], false, (uint32_t)i);
			there = strstr(text, list[i]);
			if (there != NULL && (size_t)(there - text) < first)
				first = (size_t)(there - text);
		}
		assert_int_equal(cp_needles_ready(&n, NULL), CP_OK);
		found = find(&n, text, &at);
		assert_int_equal(found == NULL, first == SIZE_MAX);
		if (found != NULL) {
			assert_int_equal(at, first);
			assert_memory_equal(text + at, list[found->kind], found->len);
		}
		cp_needles_drop(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_anywhere_is_found),
		cmocka_unit_test(a_word_inside_a_longer_one_is_another),
		cmocka_unit_test(too_short_a_string_is_refused),
		cmocka_unit_test(every_first_place_is_that_of_the_plain_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
