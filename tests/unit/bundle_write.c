/*
 * Writing a bundle fails safely.
 */
#include "tests/unit/bundle.h"

#include <signal.h>
#include <sys/resource.h>

static void an_existing_file_is_not_replaced(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err why = { CP_OK, "" };

	(void)state;
	put("a", "mine", 4);
	assert_int_equal(cp_bundle_begin(&w, at("a"), 0, &why), CP_EINPUT);
	assert_null(w);
	OK(cp_bundle_begin(&w, at("b"), 0, err));
	add_sample(w);
	put("b", "came meanwhile", 14);
	assert_int_equal(commit_as(w, NULL, &why), CP_EINPUT);
	assert_non_null(strstr(why.text, "is there already"));
	cp_bundle_writer_drop(&w);
	assert_string_equal(shell("cat a"), "mine");
	assert_string_equal(shell("cat b"), "came meanwhile");
	assert_int_equal(files_in_folder(), 2);
}

static void a_writer_given_up_leaves_nothing(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;

	(void)state;
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	add_sample(w);
	assert_int_equal(files_in_folder(), 0); /* not even while it works */
	cp_bundle_writer_drop(&w);
	assert_int_equal(files_in_folder(), 0);
}

static void what_no_reader_would_take_is_not_written(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err why = { CP_OK, "" };
	struct cp_hash hash;
	struct cp_manifest m;

	(void)state;
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	assert_int_equal(cp_bundle_add_object(w, "0123", "blob", "", 0, &why), CP_EINPUT);
	assert_int_equal(cp_bundle_add_object(w, OID_A, "tag", "", 0, &why), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "", 0, &why), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "{}\n", 3, &why), CP_EINPUT);
	cp_hash_bytes(&hash, "abc", 3);
	assert_int_equal(cp_bundle_add_media(w, &hash, at("absent"), &why), CP_ENOTFOUND);
	assert_int_equal(cp_bundle_add_media(w, &hash, folder, &why), CP_EINPUT);
	add_sample(w); /* none of these has spoiled anything */
	fill(&m);
	m.number = 0;
	assert_int_equal(cp_bundle_commit(w, &m, &key, NULL, &why), CP_EINPUT);
	cp_manifest_drop(&m);
	assert_int_equal(files_in_folder(), 0);
	assert_int_equal(cp_bundle_begin(&w, at("a"), 23, &why), CP_EINPUT);
}

static void media_that_is_not_what_its_hash_says_spoils_the_bundle(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err why = { CP_OK, "" };
	struct cp_hash hash;

	(void)state;
	put("m", "abd", 3);
	cp_hash_bytes(&hash, "abc", 3);
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	assert_int_equal(cp_bundle_add_media(w, &hash, at("m"), &why), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "{}", 2, &why), CP_EIO);
	assert_int_equal(commit_as(w, NULL, &why), CP_EIO);
	assert_int_equal(files_in_folder(), 1);
}

static enum cp_code write_noise(const struct cp_buf *noise, uint64_t *size, struct cp_err *err)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;

	CP_TRY(cp_bundle_begin(&w, at("a"), 0, err));
	CP_TRY(cp_bundle_add_case(w, noise->data, noise->len, err));
	return commit_as(w, size, err);
}

/* In a child, so that the limit does not stay: 0 when written, 1 when refused as it should be. */
static int write_under_limit(const struct cp_buf *noise, uint64_t bytes)
{
	struct cp_err err = { CP_OK, "" };
	enum cp_code code;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, bytes }) != 0)
		return 2;
	code = write_noise(noise, NULL, &err);
	if (code == CP_OK)
		return 0;
	return code == CP_EIO && strstr(err.text, "File too large") != NULL &&
		strstr(err.text, "/a: ") != NULL ? 1 : 2;
}

/* The disk is full in the part's temporary file, or only in the bundle itself, at its last byte. */
static void a_full_disk_leaves_nothing_beside_the_target(void **state)
{
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);
	uint64_t whole = 0;

	(void)state;
	make_noise(&noise, 2 << 20, 5);
	OK(write_noise(&noise, &whole, err));
	unlink(at("a"));
	const uint64_t limits[] = { 0, 1000, whole / 2, whole - 6000, whole - 3000, whole - 1100, whole - 1, whole };

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int status;
		pid_t child = fork();

		if (child == 0)
			_exit(write_under_limit(&noise, limits[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), limits[i] < whole);
		assert_int_equal(files_in_folder(), limits[i] == whole);
	}
	OK(read_all("a", &cp_limits_default, NULL, err));
}

static void a_writer_that_is_killed_leaves_nothing_while_it_collects(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct cp_bundle_writer *w = NULL;

		if (cp_bundle_begin(&w, at("a"), 0, NULL) != CP_OK ||
		    cp_bundle_add_object(w, OID_A, "blob", "x", 1, NULL) != CP_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(files_in_folder(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(an_existing_file_is_not_replaced),
		TEST(a_writer_given_up_leaves_nothing),
		TEST(what_no_reader_would_take_is_not_written),
		TEST(media_that_is_not_what_its_hash_says_spoils_the_bundle),
		TEST(a_full_disk_leaves_nothing_beside_the_target),
		TEST(a_writer_that_is_killed_leaves_nothing_while_it_collects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
