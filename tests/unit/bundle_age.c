/*
 * Bundles in encryption. Outside judge: age.
 */
#include "tests/unit/bundle.h"

#include "formats/sshkey.h"

static struct cp_seckey reader; /* ssh-keygen's, in the file `reader` of the folder */

static enum cp_code with_reader(void *user, struct cp_agein *file, struct cp_err *err)
{
	++*(int *)user;
	return cp_agein_unlock(file, &reader, err);
}

static void write_encrypted(const char *name)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_pubkey to[2];
	uint64_t size = 0;
	struct stat st;

	shell("mkdir -p scratch; [ -e reader ] || ssh-keygen -q -t ed25519 -N '' -f reader");
	OK(cp_sshkey_read(&reader, at("reader"), NULL, err));
	cp_seckey_public(&to[0], &key);
	cp_seckey_public(&to[1], &reader);
	OK(cp_bundle_begin(&w, at(name), 0, err));
	OK(cp_bundle_encrypt_to(w, to, 2, at("scratch"), err));
	add_sample(w);
	assert_string_equal(shell("ls *.casepack* 2>/dev/null | wc -l"), "0"); /* beside it nothing is written before it is whole */
	OK(commit_as(w, &size, err));
	assert_int_equal(stat(at(name), &st), 0);
	assert_int_equal(st.st_size, size);
	assert_string_equal(shell("ls scratch | wc -l"), "0");
}

static enum cp_code read_encrypted(const char *name, struct cp_buf *notes, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	int asked = 0;

	memset(err, 0, sizeof *err);
	CP_TRY(cp_bundle_open_with(&b, at(name), &cp_limits_default, with_reader, &asked, err));
	assert_int_equal(asked, cp_bundle_is_encrypted(b));
	CP_TRY(cp_bundle_each_object(b, note_object, notes, err));
	CP_TRY(cp_bundle_each_case(b, note_case, notes, err));
	return cp_bundle_each_media(b, note_media, notes, err);
}

static void an_encrypted_bundle_is_the_plain_one_inside(void **state)
{
	CP_AUTO(buf) struct cp_buf plain = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf by_hand = CP_BUF(CP_TEXT_MAX);

	(void)state;
	write_sample("plain");
	write_encrypted("a.casepack.age");
	shell("age -d -i reader a.casepack.age | cmp - plain");
	shell("age -R reader.pub -o hand.age plain");
	OK(read_encrypted("plain", &plain, err));
	OK(read_encrypted("a.casepack.age", &notes, err));
	OK(read_encrypted("hand.age", &by_hand, err));
	assert_string_equal(plain.data, notes.data);
	assert_string_equal(plain.data, by_hand.data);
}

static void without_its_key_an_encrypted_bundle_says_for_how_many_it_is(void **state)
{
	struct cp_bundle *b = NULL;
	struct cp_err why = { CP_OK, "" };

	(void)state;
	write_encrypted("a");
	assert_int_equal(cp_bundle_open(&b, at("a"), &cp_limits_default, &why), CP_EKEY);
	assert_non_null(strstr(why.text, "encrypted to 2 recipients"));
	shell("rm reader reader.pub; ssh-keygen -q -t ed25519 -N '' -f reader");
	OK(cp_sshkey_read(&reader, at("reader"), NULL, err));
	assert_int_equal(read_encrypted("a", NULL, &why), CP_EKEY);
	assert_non_null(strstr(why.text, "not to this key"));
	assert_int_equal(strncmp(why.text, folder, strlen(folder)), 0);
}

static void a_damaged_one_in_encryption_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err;

	(void)state;
	write_encrypted("a");
	get(&whole, "a");
	for (size_t n = 0; n < whole.len; n += 13) {
		put("x", whole.data, n);
		assert_int_equal(read_encrypted("x", &notes, &err), CP_EFORMAT);
	}
	for (size_t i = 0; i < whole.len; i += 7) {
		enum cp_code code;

		whole.data[i] ^= 4;
		put("x", whole.data, whole.len);
		code = read_encrypted("x", &notes, &err);
		assert_true(code == CP_EFORMAT || code == CP_EKEY);
		whole.data[i] ^= 4;
	}
	shell("head -c 100000 /dev/zero >zeros; age -R reader.pub -o z.age zeros");
	assert_int_equal(read_encrypted("z.age", &notes, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "not a bundle"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(an_encrypted_bundle_is_the_plain_one_inside),
		TEST(without_its_key_an_encrypted_bundle_says_for_how_many_it_is),
		TEST(a_damaged_one_in_encryption_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
