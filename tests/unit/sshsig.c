#include "formats/sshsig.h"

#include "tests/unit/ssh_keygen.h"

#include <dirent.h>
#include <sys/stat.h>

#include "formats/sshkey.h"

#define MESSAGE "what was judged\n"

/* The pair "id", the list "signers" that names its holder, and the message as ssh-keygen's input. */
static void make_key(struct cp_seckey *k, const void *message, size_t len)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf signers = CP_BUF(4096);

	unlink(at("id"));
	unlink(at("id.pub"));
	assert_int_equal(cp_sshkey_generate(at("id"), "me", NULL, NULL), CP_OK);
	assert_int_equal(cp_sshkey_read(k, at("id"), NULL, NULL), CP_OK);
	get(&line, "id.pub");
	assert_int_equal(cp_buf_printf(&signers, NULL, "me@here %s", line.data), CP_OK);
	put("signers", signers.data, signers.len);
	put("stdin", message, len);
}

static void sign(struct cp_buf *out, const struct cp_seckey *k, const char *ns, const void *message, size_t len)
{
	cp_buf_clear(out);
	assert_int_equal(cp_sshsig_sign(out, k, ns, message, len, true, NULL), CP_OK);
}

static enum cp_code verify(const char *armor, size_t len)
{
	struct cp_pubkey signer;
	struct cp_err err = { 0 };
	enum cp_code code = cp_sshsig_verify(&signer, armor, len, "git", MESSAGE, strlen(MESSAGE), &err);

	if (code != CP_OK)
		assert_true(err.code == code && err.text[0] != '\0');
	return code;
}

static enum cp_code verify_bytes(const void *bytes, size_t len)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);

	assert_int_equal(cp_ssharmor_add(&armor, "SSH SIGNATURE", bytes, len, NULL), CP_OK);
	return verify(armor.data, armor.len);
}

/* A good signature of MESSAGE, and the bytes inside it. */
static void sample(struct cp_buf *armor, struct cp_buf *blob, struct cp_seckey *k)
{
	make_key(k, MESSAGE, strlen(MESSAGE));
	sign(armor, k, "git", MESSAGE, strlen(MESSAGE));
	assert_true(cp_ssharmor_read(blob, "SSH SIGNATURE", armor->data, armor->len));
	assert_int_equal(blob->len, 173);
	assert_int_equal(verify(armor->data, armor->len), CP_OK);
	assert_int_equal(verify_bytes(blob->data, blob->len), CP_OK);
}

/* Messages of no, one, a few and many bytes, zero bytes among them. */
static const size_t sizes[] = { 0, 1, 17, 1 << 20 };

static void ssh_keygen_accepts_our_signatures(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CP_AUTO(str) char *message = calloc(1, sizes[i] + 1);

		memset(message, 0xa7, sizes[i] / 2);
		make_key(&k, message, sizes[i]);
		sign(&armor, &k, "casepack-bundle", message, sizes[i]);
		put("sig", armor.data, armor.len);
		assert_int_equal(ssh_keygen("-Y", "check-novalidate", "-n", "casepack-bundle", "-s", "sig", NULL), 0);
		assert_int_equal(ssh_keygen("-Y", "verify", "-f", "signers", "-I", "me@here",
				"-n", "casepack-bundle", "-s", "sig", NULL), 0);
		assert_int_not_equal(ssh_keygen("-Y", "verify", "-f", "signers", "-I", "me@here",
				"-n", "git", "-s", "sig", NULL), 0);
		assert_int_not_equal(ssh_keygen("-Y", "verify", "-f", "signers", "-I", "you@here",
				"-n", "casepack-bundle", "-s", "sig", NULL), 0);
		put("stdin", "other", 5);
		assert_int_not_equal(ssh_keygen("-Y", "check-novalidate", "-n", "casepack-bundle", "-s", "sig", NULL), 0);
	}
}

static void we_accept_the_signatures_of_ssh_keygen_which_are_ours_byte_for_byte(void **state)
{
	CP_AUTO(buf) struct cp_buf ours = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	struct cp_pubkey signer, expected;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CP_AUTO(str) char *message = calloc(1, sizes[i] + 1);

		memset(message, 0xa7, sizes[i] / 2);
		make_key(&k, message, sizes[i]);
		put("m", message, sizes[i]);
		unlink(at("m.sig"));
		assert_int_equal(ssh_keygen("-Y", "sign", "-f", "id", "-n", "git", "m", NULL), 0);
		get(&theirs, "m.sig");
		memset(&signer, 0, sizeof signer);
		assert_int_equal(cp_sshsig_verify(&signer, theirs.data, theirs.len, "git", message, sizes[i], NULL), CP_OK);
		cp_seckey_public(&expected, &k);
		assert_memory_equal(&signer, &expected, sizeof signer);
		sign(&ours, &k, "git", message, sizes[i]);
		assert_string_equal(ours.data, theirs.data);
	}
}

static void the_final_newline_is_written_when_asked_and_never_needed(void **state)
{
	CP_AUTO(buf) struct cp_buf with = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf without = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	make_key(&k, "", 0);
	assert_int_equal(cp_buf_puts(&without, "kept", NULL), CP_OK);
	sign(&with, &k, "git", MESSAGE, strlen(MESSAGE));
	assert_int_equal(cp_sshsig_sign(&without, &k, "git", MESSAGE, strlen(MESSAGE), false, NULL), CP_OK);
	assert_memory_equal(without.data, "kept", 4);
	assert_int_equal(without.len - 4 + 1, with.len);
	assert_memory_equal(without.data + 4, with.data, with.len - 1);
	assert_int_equal(with.data[with.len - 1], '\n');
	assert_int_equal(verify(without.data + 4, without.len - 4), CP_OK);
	assert_int_equal(verify(with.data, with.len), CP_OK);
}

static void lines_have_70_columns_also_where_the_last_one_is_full(void **state)
{
	CP_AUTO(seckey) struct cp_seckey k;
	CP_AUTO(buf) struct cp_buf ours = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(CP_TEXT_MAX);
	char ns[128] = "";
	int full = 0;

	(void)state;
	make_key(&k, MESSAGE, strlen(MESSAGE));
	put("m", MESSAGE, strlen(MESSAGE));
	for (size_t n = 1; n < 110; n++) {
		const char *end;

		ns[n - 1] = 'n';
		sign(&ours, &k, ns, MESSAGE, strlen(MESSAGE));
		unlink(at("m.sig"));
		assert_int_equal(ssh_keygen("-Y", "sign", "-f", "id", "-n", ns, "m", NULL), 0);
		get(&theirs, "m.sig");
		assert_string_equal(ours.data, theirs.data);
		end = strstr(ours.data, "\n-----END");
		full += (end - ours.data - (long)strlen("-----BEGIN SSH SIGNATURE-----")) % 71 == 0;
	}
	assert_true(full > 0);
}

static void a_signature_for_another_purpose_is_not_trusted(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	static const char *const others[] = { "file", "gi", "gitt", "Git", "casepack-bundle" };

	(void)state;
	make_key(&k, "", 0);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		sign(&armor, &k, others[i], MESSAGE, strlen(MESSAGE));
		assert_int_equal(verify(armor.data, armor.len), CP_ETRUST);
	}
}

static void a_signature_of_another_message_is_not_trusted(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	struct cp_pubkey signer;
	char message[] = MESSAGE;

	(void)state;
	make_key(&k, "", 0);
	sign(&armor, &k, "git", MESSAGE, strlen(MESSAGE));
	for (size_t bit = 0; bit < 8 * strlen(MESSAGE); bit++) {
		message[bit / 8] = (char)(message[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(cp_sshsig_verify(&signer, armor.data, armor.len, "git", message,
				strlen(MESSAGE), NULL), CP_ETRUST);
		message[bit / 8] = (char)(message[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t n = 0; n < strlen(MESSAGE); n++)
		assert_int_equal(cp_sshsig_verify(&signer, armor.data, armor.len, "git", message, n, NULL), CP_ETRUST);
}

static void a_signature_with_any_bit_flipped_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	sample(&armor, &blob, &k);
	for (size_t bit = 0; bit < 8 * blob.len; bit++) {
		blob.data[bit / 8] = (char)(blob.data[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(verify_bytes(blob.data, blob.len), CP_OK);
		blob.data[bit / 8] = (char)(blob.data[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * armor.len; bit++) {
		armor.data[bit / 8] = (char)(armor.data[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(verify(armor.data, armor.len), CP_OK);
		armor.data[bit / 8] = (char)(armor.data[bit / 8] ^ 1 << bit % 8);
	}
}

static void a_signature_cut_anywhere_or_longer_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	sample(&armor, &blob, &k);
	for (size_t n = 0; n < blob.len; n++)
		assert_int_equal(verify_bytes(blob.data, n), CP_EFORMAT);
	for (size_t n = 0; n < armor.len - 1; n++) /* the last is the newline */
		assert_int_equal(verify(armor.data, n), CP_EFORMAT);
	assert_int_equal(cp_buf_add(&blob, "", 1, NULL), CP_OK);
	assert_int_equal(verify_bytes(blob.data, blob.len), CP_EFORMAT);
}

/* The text with its first from, which must be there, turned into to. */
static enum cp_code verify_changed(const struct cp_buf *text, const char *from, const char *to)
{
	CP_AUTO(buf) struct cp_buf changed = CP_BUF(CP_TEXT_MAX);
	const char *place = strstr(text->data, from);

	assert_non_null(place);
	assert_int_equal(cp_buf_add(&changed, text->data, (size_t)(place - text->data), NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&changed, to, NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&changed, place + strlen(from), NULL), CP_OK);
	return verify(changed.data, changed.len);
}

static void armour_that_ssh_keygen_would_not_write_is_refused(void **state)
{
	static const char *const changes[][2] = {
		{ "-----BEGIN SSH SIGNATURE-----\n", "-----BEGIN SSH SIGNATURE-----\r\n" },
		{ "-----BEGIN SSH SIGNATURE-----\n", "-----BEGIN SSH SIGNATURE-----" },
		{ "-----BEGIN SSH SIGNATURE-----\n", "-----BEGIN SSH SIGNATURE-----\n\n" },
		{ "-----BEGIN SSH SIGNATURE-----\n", " -----BEGIN SSH SIGNATURE-----\n" },
		{ "-----BEGIN SSH SIGNATURE-----\n", "\n-----BEGIN SSH SIGNATURE-----\n" },
		{ "-----BEGIN SSH SIGNATURE-----\n", "-----BEGIN SSH SIGNATURE----- \n" },
		{ "-----BEGIN SSH SIGNATURE-----\n", "-----BEGIN ssh SIGNATURE-----\n" },
		{ "U1NIU0lH", "U1NIU\n0lH" },
		{ "U1NIU0lH", "U1NI U0lH" },
		{ "U1NIU0lH", " U1NIU0lH" },
		{ "U1NIU0lH", "U1NIU0l=" },
		{ "=\n-----END", "\n-----END" },
		{ "=\n-----END", "==\n-----END" },
		{ "=\n-----END", "=-----END" },
		{ "=\n-----END", "=\n\n-----END" },
		{ "=\n-----END", "=\r\n-----END" },
		{ "SIGNATURE-----\n", "SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n" },
		{ "-----END SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n\n" },
		{ "-----END SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\r\n" },
		{ "-----END SSH SIGNATURE-----\n", "-----END SSH SIGNATURE----- " },
		{ "-----END SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\nmore" },
		{ "-----END SSH SIGNATURE-----\n", "-----END PGP SIGNATURE-----\n" },
	};
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf twice = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	sample(&armor, &blob, &k);
	assert_int_equal(verify_changed(&armor, "U1NIU0lH", "U1NIU0lH"), CP_OK);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		assert_int_equal(verify_changed(&armor, changes[i][0], changes[i][1]), CP_EFORMAT);
	assert_int_equal(cp_buf_printf(&twice, NULL, "%s%s", armor.data, armor.data), CP_OK);
	assert_int_equal(verify(twice.data, twice.len), CP_EFORMAT);
	assert_int_equal(cp_buf_add(&armor, "", 1, NULL), CP_OK);
	assert_int_equal(verify(armor.data, armor.len), CP_EFORMAT);
}

/* 173 bytes leave two bits unused in the last digit but one; only zeros are right. */
static void base64_with_unused_bits_set_is_refused(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	char *last;
	size_t value;

	(void)state;
	sample(&armor, &blob, &k);
	last = strstr(armor.data, "=\n-----END") - 1;
	value = (size_t)(strchr(digits, *last) - digits);
	assert_int_equal(value % 4, 0);
	for (size_t more = 1; more < 4; more++) {
		*last = digits[value + more];
		assert_int_equal(verify(armor.data, armor.len), CP_EFORMAT);
	}
}

/* S + L is as good as S in the equation, and must not be another spelling of one signature. */
static void a_signature_with_a_larger_s_is_refused(void **state)
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
	};
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	unsigned carry = 0;

	(void)state;
	sample(&armor, &blob, &k);
	for (size_t i = 0; i < 32; i++) {
		char *byte = blob.data + blob.len - 32 + i;

		carry += (uint8_t)*byte + (unsigned)order[i];
		*byte = (char)carry;
		carry >>= 8;
	}
	assert_int_equal(verify_bytes(blob.data, blob.len), CP_ETRUST);
}

/* With this key and R the equation holds for many messages, so nobody in particular has signed. */
static void a_signature_by_a_key_of_small_order_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	char *key, *sig;

	(void)state;
	sample(&armor, &blob, &k);
	key = blob.data + 6 + 4 + 4 + 4 + 11 + 4;
	sig = blob.data + blob.len - 64;
	memset(key, 0, 32);
	memset(sig, 0, 64);
	key[0] = sig[0] = 1; /* the neutral element, twice, and S = 0 */
	assert_int_equal(verify_bytes(blob.data, blob.len), CP_ETRUST);
}

static void what_other_ssh_keys_and_hashes_sign_is_refused_with_its_name(void **state)
{
	CP_AUTO(buf) struct cp_buf sig = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	struct cp_err err = { 0 };
	struct cp_pubkey signer;

	(void)state;
	make_key(&k, "", 0);
	put("m", MESSAGE, strlen(MESSAGE));
	unlink(at("m.sig"));
	assert_int_equal(ssh_keygen("-Y", "sign", "-O", "hashalg=sha256", "-f", "id", "-n", "git", "m", NULL), 0);
	get(&sig, "m.sig");
	assert_int_equal(cp_sshsig_verify(&signer, sig.data, sig.len, "git", MESSAGE, strlen(MESSAGE), &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "sha256"));

	unlink(at("m.sig"));
	assert_int_equal(ssh_keygen("-q", "-t", "ecdsa", "-N", "", "-f", "ecdsa", NULL), 0);
	assert_int_equal(ssh_keygen("-Y", "sign", "-f", "ecdsa", "-n", "git", "m", NULL), 0);
	get(&sig, "m.sig");
	assert_int_equal(cp_sshsig_verify(&signer, sig.data, sig.len, "git", MESSAGE, strlen(MESSAGE), &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "ecdsa-sha2-nistp256"));
}

/* A namespace of escape codes must not reach a terminal through our words. */
static void words_about_a_signature_never_repeat_control_characters(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;
	struct cp_err err = { 0 };
	struct cp_pubkey signer;

	(void)state;
	make_key(&k, "", 0);
	sign(&armor, &k, "\033[2Jgit\n", MESSAGE, strlen(MESSAGE));
	assert_int_equal(cp_sshsig_verify(&signer, armor.data, armor.len, "git", MESSAGE, strlen(MESSAGE), &err), CP_ETRUST);
	assert_null(strchr(err.text, '\033'));
	assert_null(strchr(err.text, '\n'));
}

static void a_failed_check_names_no_signer_and_a_dropped_key_is_wiped(void **state)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	struct cp_seckey k, zero;
	struct cp_pubkey signer, untouched;

	(void)state;
	make_key(&k, "", 0);
	sign(&armor, &k, "git", MESSAGE, strlen(MESSAGE));
	memset(&signer, 0x5a, sizeof signer);
	untouched = signer;
	assert_int_equal(cp_sshsig_verify(&signer, armor.data, armor.len, "git", "other", 5, NULL), CP_ETRUST);
	assert_memory_equal(&signer, &untouched, sizeof signer);
	memset(&zero, 0, sizeof zero);
	cp_seckey_drop(&k);
	assert_memory_equal(&k, &zero, sizeof k);
	cp_seckey_drop(NULL);
}

/* The bytes of a good signature, with one byte more in one place; lengths are right, and so is the signature. */
static void bytes_that_the_signature_does_not_cover_are_refused(void **state)
{
	static const struct { size_t at, counted_at; } places[] = {
		{ 65, 13 },  /* behind the key, in its string */
		{ 76, 75 },  /* in the reserved field */
		{ 173, 89 }, /* behind the signature, in its string */
	};
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k;

	(void)state;
	sample(&armor, &blob, &k);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		CP_AUTO(buf) struct cp_buf changed = CP_BUF(CP_TEXT_MAX);

		assert_int_equal(cp_buf_add(&changed, blob.data, places[i].at, NULL), CP_OK);
		assert_int_equal(cp_buf_add(&changed, "x", 1, NULL), CP_OK);
		assert_int_equal(cp_buf_add(&changed, blob.data + places[i].at, blob.len - places[i].at, NULL), CP_OK);
		changed.data[places[i].counted_at]++;
		assert_int_equal(verify_bytes(changed.data, changed.len), CP_EFORMAT);
	}
}

/* What the format page shows, made again from the seed that it names. Runs from the project's root. */
static void the_page_shows_a_true_example(void **state)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf plain = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf key = CP_BUF(CP_TEXT_MAX);
	struct cp_seckey k = { .is_set = true };
	struct cp_pubkey public;
	uint8_t seed[32];

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		seed[i] = i;
	crypto_sign_seed_keypair(public.bytes, k.bytes, seed);
	assert_int_equal(cp_file_read(&page, "formats/sshsig.md", NULL), CP_OK);
	for (const char *at_line = page.data; *at_line != '\0'; ) { /* without the four spaces of an example */
		const char *from = strncmp(at_line, "    ", 4) == 0 ? at_line + 4 : at_line;
		size_t len = strcspn(from, "\n") + 1;

		assert_int_equal(cp_buf_add(&plain, from, len, NULL), CP_OK);
		at_line = from + len;
	}
	assert_int_equal(cp_pubkey_print(&key, &public, NULL), CP_OK);
	assert_non_null(strstr(plain.data, key.data));
	sign(&armor, &k, "casepack-bundle", MESSAGE, strlen(MESSAGE));
	assert_non_null(strstr(plain.data, armor.data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh_keygen_accepts_our_signatures),
		cmocka_unit_test(we_accept_the_signatures_of_ssh_keygen_which_are_ours_byte_for_byte),
		cmocka_unit_test(the_final_newline_is_written_when_asked_and_never_needed),
		cmocka_unit_test(lines_have_70_columns_also_where_the_last_one_is_full),
		cmocka_unit_test(a_signature_for_another_purpose_is_not_trusted),
		cmocka_unit_test(a_signature_of_another_message_is_not_trusted),
		cmocka_unit_test(a_signature_with_any_bit_flipped_is_refused),
		cmocka_unit_test(a_signature_cut_anywhere_or_longer_is_refused),
		cmocka_unit_test(armour_that_ssh_keygen_would_not_write_is_refused),
		cmocka_unit_test(base64_with_unused_bits_set_is_refused),
		cmocka_unit_test(a_signature_with_a_larger_s_is_refused),
		cmocka_unit_test(a_signature_by_a_key_of_small_order_is_refused),
		cmocka_unit_test(what_other_ssh_keys_and_hashes_sign_is_refused_with_its_name),
		cmocka_unit_test(words_about_a_signature_never_repeat_control_characters),
		cmocka_unit_test(a_failed_check_names_no_signer_and_a_dropped_key_is_wiped),
		cmocka_unit_test(bytes_that_the_signature_does_not_cover_are_refused),
		cmocka_unit_test(the_page_shows_a_true_example),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
