/*
 * Bundles that are cut, that have bits flipped or something behind them, and what is no bundle at all.
 */
#include "tests/unit/bundle.h"

#include <fcntl.h>

static void a_bundle_cut_anywhere_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);

	(void)state;
	write_sample("a");
	get(&whole, "a");
	put("cut", whole.data, whole.len);
	for (size_t n = whole.len - 1; n < whole.len; n -= n > 2048 ? 37 : 1) {
		struct cp_err err;

		assert_int_equal(truncate(at("cut"), (off_t)n), 0);
		if (read_all("cut", &cp_limits_default, NULL, &err) != CP_EFORMAT)
			fail_msg("cut to %zu bytes: code %d, %s", n, err.code, err.text);
	}
	put("cut", whole.data, whole.len - 1);
	assert_refused("cut", "cut short");
}

static void anything_behind_a_bundle_is_refused(void **state)
{
	(void)state;
	write_sample("a");
	shell("(cat a; printf '\\0') > b; (cat a; head -c 8704 /dev/zero) > c; cat a a > d");
	assert_refused("b", "something else follows");
	assert_refused("c", "something else follows");
	assert_refused("d", "something else follows");
}

#ifdef __has_feature
#define WITH_ASAN __has_feature(address_sanitizer)
#else
#define WITH_ASAN 0
#endif
#if defined __SANITIZE_ADDRESS__ || WITH_ASAN
enum { FLIP_STRIDE = 5 }; /* all bits take half a minute there; five is odd, so each bit of a byte has its turn */
#else
enum { FLIP_STRIDE = 1 };
#endif

static void every_flipped_bit_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	int fd;

	(void)state;
	write_sample("a");
	get(&whole, "a");
	fd = open(at("a"), O_WRONLY);
	for (size_t i = 0; i < whole.len * 8; i += FLIP_STRIDE) {
		char flipped = (char)(whole.data[i / 8] ^ (1 << (i % 8)));
		enum cp_code code;
		struct cp_err err;

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(i / 8)), 1);
		code = read_all("a", &cp_limits_default, NULL, &err);
		if (code != CP_EFORMAT && code != CP_ETRUST)
			fail_msg("bit %zu of byte %zu: code %d, %s", i % 8, i / 8, code, err.text);
		assert_int_equal(pwrite(fd, &whole.data[i / 8], 1, (off_t)(i / 8)), 1);
	}
	close(fd);
	OK(read_all("a", &cp_limits_default, NULL, err));
}

static void what_is_no_bundle_is_refused(void **state)
{
	struct cp_err err;

	(void)state;
	put("empty", "", 0);
	assert_refused("empty", "not a bundle");
	put("text", "hello\n", 6);
	assert_refused("text", "not a bundle");
	shell("head -c 100000 /dev/zero > zeros; head -c 100000 /dev/urandom > noise; mkdir folder; mkfifo pipe; "
	    "seq 100 > x; tar cf other.tar x");
	assert_refused("zeros", "not a bundle");
	assert_refused("noise", "not a bundle");
	assert_refused("folder", "not a file");
	assert_refused("pipe", "not a file");
	assert_refused("other.tar", "not a bundle");
	assert_int_equal(read_all("absent", &cp_limits_default, NULL, &err), CP_ENOTFOUND);
}

static enum cp_code refuse_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	(void)json;
	(void)len;
	++*(int *)user;
	return cp_fail(err, CP_EINPUT, "the visitor's own words");
}

static void a_visitors_failure_ends_the_visit_in_its_words(void **state)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct cp_err err;
	int calls = 0;

	(void)state;
	write_sample("a");
	assert_int_equal(cp_bundle_open(&b, at("a"), &cp_limits_default, &err), CP_OK);
	assert_int_equal(cp_bundle_each_case(b, refuse_case, &calls, &err), CP_EINPUT);
	assert_string_equal(err.text, "the visitor's own words");
	assert_int_equal(calls, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(a_bundle_cut_anywhere_is_refused),
		TEST(anything_behind_a_bundle_is_refused),
		TEST(every_flipped_bit_is_refused),
		TEST(what_is_no_bundle_is_refused),
		TEST(a_visitors_failure_ends_the_visit_in_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
