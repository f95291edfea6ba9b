/*
 * Files in encryption, whole and malformed. Outside judges: age, ssh-keygen. What is forged
 * here is derived by functions of the test's own, and age refuses it, too.
 */
#include "formats/age.h"

#include "tests/unit/folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "formats/sshkey.h"

enum { CHUNK = 65536, TAG = 16, LARGE = (5 << 20) + 3 };

static const size_t sizes[] = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, LARGE };
#define N_SIZES (sizeof sizes / sizeof *sizes)

static uint8_t plain[LARGE];
static struct cp_seckey keys[3];
static struct cp_pubkey publics[3];

/* Keys by ssh-keygen: k0, k1, k2; and bytes that repeat nowhere. */
static int fresh(void **state)
{
	struct cp_err err = { CP_OK, "" };

	folder_make(state);
	randombytes_buf_deterministic(plain, sizeof plain, (const uint8_t *)"a seed of thirty-two bytes, here.");
	for (int i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof name, "k%d", i);
		assert_int_equal(sh("ssh-keygen -q -t ed25519 -N '' -C '' -f %s", name), 0);
		assert_int_equal(cp_sshkey_read(&keys[i], at(name), NULL, &err), CP_OK);
		cp_seckey_public(&publics[i], &keys[i]);
	}
	return 0;
}

/* ---- writing and reading as casepack does ------------------------------------------- */

static enum cp_code to_buf(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_buf_add(user, bytes, len, err);
}

/* In pieces of odd sizes; key (may be NULL) is the file's. */
static void seal(struct cp_buf *out, const uint8_t *bytes, size_t len, size_t n_keys, struct cp_filekey *key)
{
	CP_AUTO(ageout) struct cp_ageout *o = NULL;
	size_t piece = 1;

	assert_int_equal(cp_ageout_begin(&o, publics, n_keys, to_buf, out, NULL), CP_OK);
	for (size_t from = 0; from < len; from += piece, piece = piece * 3 % 200001) {
		size_t n = piece < len - from ? piece : len - from;

		assert_int_equal(cp_ageout_add(o, bytes + from, n, NULL), CP_OK);
		piece = n;
	}
	assert_int_equal(cp_ageout_end(o, NULL), CP_OK);
	if (key != NULL)
		*key = *cp_ageout_key(o);
	assert_int_equal(out->len, cp_age_size(len, n_keys));
}

static enum cp_code try_open(struct cp_agein **out, int *fd, const char *name, const struct cp_seckey *key, struct cp_err *err)
{
	memset(err, 0, sizeof *err);
	*fd = open(at(name), O_RDONLY);
	assert_true(*fd >= 0);
	CP_TRY(cp_agein_open(out, *fd, err));
	return cp_agein_unlock(*out, key, err);
}

/* The code, and the words if it is none of success; reads all of it. */
static enum cp_code open_all(const char *name, const struct cp_seckey *key, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(agein) struct cp_agein *a = NULL;
	int fd;
	enum cp_code code = try_open(&a, &fd, name, key, err);

	if (code == CP_OK)
		code = cp_buf_room(out, (size_t)cp_agein_size(a) + 1, err);
	if (code == CP_OK)
		code = cp_agein_read(a, out->data, (size_t)cp_agein_size(a), 0, err);
	if (code == CP_OK)
		out->len = (size_t)cp_agein_size(a);
	close(fd);
	assert_int_equal(code, err->code);
	assert_true(code == CP_OK || (err->text[0] != '\0' && strchr(err->text, '\n') == NULL));
	return code;
}

static enum cp_code code_of(const void *bytes, size_t len, const struct cp_seckey *key, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(LARGE + 1);
	int fd = open(at("tried.age"), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	return open_all("tried.age", key, &out, err);
}

/* age_too: so does age, which looks at no recipient behind the one that fits. */
static void refused(const void *bytes, size_t len, bool age_too, const char *words)
{
	struct cp_err err;
	enum cp_code code = code_of(bytes, len, &keys[0], &err);

	if (code != CP_EFORMAT || strstr(err.text, words) == NULL)
		fail_msg("code %d, \"%s\" where \"%s\" was due", code, err.text, words);
	if (age_too)
		assert_int_not_equal(sh("age -d -i k0 tried.age"), 0);
}

/* ---- both ways -------------------------------------------------------------------- */

static void age_opens_what_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++) {
		CP_AUTO(buf) struct cp_buf file = CP_BUF(2 * LARGE);

		seal(&file, plain, sizes[i], 3, NULL);
		put("a.age", file.data, file.len);
		put("plain", plain, sizes[i]);
		for (int k = 0; k < 3; k++)
			assert_int_equal(sh("age -d -i k%d a.age | cmp - plain", k), 0);
	}
}

static void what_age_wrote_is_read(void **state)
{
	struct cp_err err;

	(void)state;
	assert_int_equal(sh("cat k0.pub k1.pub k2.pub >all.pub"), 0);
	for (size_t i = 0; i < N_SIZES; i++) {
		put("plain", plain, sizes[i]);
		assert_int_equal(sh("age -R all.pub -o a.age plain"), 0);
		for (int k = 0; k < 3; k++) {
			CP_AUTO(buf) struct cp_buf out = CP_BUF(LARGE + 1);

			assert_int_equal(open_all("a.age", &keys[k], &out, &err), CP_OK);
			assert_int_equal(out.len, sizes[i]);
			if (out.len > 0)
				assert_memory_equal(out.data, plain, out.len);
		}
	}
}

static void recipients_of_other_kinds_are_passed_over(void **state)
{
	struct cp_err err;

	(void)state;
	put("plain", plain, 1000);
	assert_int_equal(sh("ssh-keygen -q -t rsa -b 2048 -N '' -f rsa; age-keygen -o x; cat rsa.pub k0.pub >all.pub; "
			"age-keygen -y x >>all.pub; age -R all.pub -o a.age plain"), 0);
	CP_AUTO(buf) struct cp_buf out = CP_BUF(LARGE + 1);
	assert_int_equal(open_all("a.age", &keys[0], &out, &err), CP_OK);
	assert_int_equal(out.len, 1000);
	assert_int_equal(open_all("a.age", &keys[1], &out, &err), CP_EKEY);
	assert_non_null(strstr(err.text, "not to this key"));
}

static void any_place_can_be_read_at_once(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(2 * LARGE);
	CP_AUTO(agein) struct cp_agein *a = NULL;
	struct cp_err err;
	uint8_t got[70000];
	int fd;

	(void)state;
	seal(&file, plain, LARGE, 1, NULL);
	put("a.age", file.data, file.len);
	assert_int_equal(try_open(&a, &fd, "a.age", &keys[0], &err), CP_OK);
	assert_int_equal(cp_agein_size(a), LARGE);
	for (int i = 0; i < 500; i++) {
		size_t len = randombytes_uniform(sizeof got), from = randombytes_uniform((uint32_t)(LARGE - len + 1));

		assert_int_equal(cp_agein_read(a, got, len, from, &err), CP_OK);
		assert_memory_equal(got, plain + from, len);
	}
	assert_int_equal(cp_agein_read(a, got, 2, LARGE - 1, &err), CP_EFORMAT);
	assert_int_equal(cp_agein_read(a, got, 1, UINT64_MAX, &err), CP_EFORMAT);
	close(fd);
}

static void the_header_says_for_whom_without_a_key(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);
	CP_AUTO(agein) struct cp_agein *a = NULL;
	struct cp_err err;
	int fd;

	(void)state;
	seal(&file, plain, 100, 2, NULL);
	put("a.age", file.data, file.len);
	assert_int_equal(try_open(&a, &fd, "a.age", &keys[2], &err), CP_EKEY);
	assert_int_equal(cp_agein_recipients(a), 2);
	assert_int_equal(cp_agein_size(a), 100);
	assert_true(cp_agein_is_to(a, &publics[0]) && cp_agein_is_to(a, &publics[1]) && !cp_agein_is_to(a, &publics[2]));
	assert_int_equal(cp_agein_unlock(a, &keys[1], &err), CP_OK); /* another key may be tried */
	close(fd);
}

/* ---- damage ----------------------------------------------------------------------- */

static void a_file_cut_anywhere_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(2 * LARGE);
	struct cp_err err;

	(void)state;
	seal(&file, plain, 300, 2, NULL);
	for (size_t n = 0; n < file.len; n++)
		assert_int_equal(code_of(file.data, n, &keys[0], &err), CP_EFORMAT);
	cp_buf_clear(&file);
	seal(&file, plain, 4 * CHUNK, 1, NULL);
	for (size_t n = 1; n <= 4; n++) /* around the borders of chunks */
		for (size_t d = 0; d < 40; d++)
			assert_int_equal(code_of(file.data, file.len - (n - 1) * (CHUNK + TAG) - d - 1, &keys[0], &err), CP_EFORMAT);
}

static void every_flipped_bit_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);
	struct cp_err err;

	(void)state;
	seal(&file, plain, 100, 2, NULL);
	for (size_t i = 0; i < 8 * file.len; i++) {
		enum cp_code code;

		file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
		code = code_of(file.data, file.len, &keys[0], &err);
		assert_true(code == CP_EFORMAT || code == CP_EKEY);
		file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(code_of(file.data, file.len, &keys[0], &err), CP_OK);
}

/* A flipped bit of a large file is found where it is read, not before, and never given out. */
static void damage_is_found_where_it_is_read(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(2 * LARGE);
	CP_AUTO(agein) struct cp_agein *a = NULL;
	struct cp_err err;
	uint8_t got[10];
	int fd;

	(void)state;
	seal(&file, plain, 4 * CHUNK, 1, NULL);
	file.data[file.len - 3 * CHUNK] ^= 1;
	put("a.age", file.data, file.len);
	assert_int_equal(try_open(&a, &fd, "a.age", &keys[0], &err), CP_OK);
	assert_int_equal(cp_agein_read(a, got, 10, 3 * CHUNK, &err), CP_OK);
	assert_int_equal(cp_agein_read(a, got, 10, CHUNK, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "chunk 2 of 4"));
	assert_int_equal(cp_agein_read(a, got, 10, 0, &err), CP_OK);
	close(fd);
}

/* ---- forged: rightly authenticated, wrong inside ------------------------------------- */

static void hmac(uint8_t out[32], const void *key, size_t key_len, const void *bytes, size_t len)
{
	crypto_auth_hmacsha256_state h;

	crypto_auth_hmacsha256_init(&h, key, key_len);
	crypto_auth_hmacsha256_update(&h, bytes, len);
	crypto_auth_hmacsha256_final(&h, out);
}

static void hkdf(uint8_t out[32], const void *secret, size_t secret_len, const void *salt, size_t salt_len, const char *info)
{
	uint8_t block[64], middle[32];
	size_t n = strlen(info);

	memcpy(block, info, n);
	block[n] = 1;
	hmac(middle, salt, salt_len, secret, secret_len);
	hmac(out, middle, sizeof middle, block, n + 1);
}

/* lines up to the code of authentication, that code, a salt. */
static void forge_header(struct cp_buf *out, const struct cp_filekey *key, const char *lines, uint8_t payload_key[32])
{
	uint8_t mac_key[32], mac[32], salt[16] = { 7 };
	char text[64];

	assert_int_equal(cp_buf_printf(out, NULL, "%s---", lines), CP_OK);
	hkdf(mac_key, key->bytes, 16, NULL, 0, "header");
	hmac(mac, mac_key, 32, out->data, out->len);
	sodium_bin2base64(text, sizeof text, mac, 32, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	assert_int_equal(cp_buf_printf(out, NULL, " %s\n", text), CP_OK);
	assert_int_equal(cp_buf_add(out, salt, sizeof salt, NULL), CP_OK);
	hkdf(payload_key, key->bytes, 16, salt, 16, "payload");
}

static void forge_chunk(struct cp_buf *out, const uint8_t key[32], unsigned number, bool is_last, size_t len)
{
	static uint8_t sealed[CHUNK + TAG];
	uint8_t nonce[12] = { 0 };

	nonce[10] = (uint8_t)number;
	nonce[11] = is_last;
	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, len, NULL, 0, NULL, nonce, key);
	assert_int_equal(cp_buf_add(out, sealed, len + TAG, NULL), CP_OK);
}

/* The version line and the stanza of a real file, and its key. */
static void real_header(char out[512], struct cp_filekey *key)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);

	seal(&file, plain, 0, 1, key);
	snprintf(out, 512, "%.*s", (int)(strstr(file.data, "---") - file.data), file.data);
}

/* chunks: "f" a full one, "F" the same as the last, "s" and "S" of 10 bytes, "e" and "E" of none. */
static void forge(struct cp_buf *out, const char *chunks)
{
	struct cp_filekey key;
	uint8_t payload_key[32];
	char lines[512];

	real_header(lines, &key);
	forge_header(out, &key, lines, payload_key);
	for (unsigned i = 0; chunks[i] != '\0'; i++)
		forge_chunk(out, payload_key, i, strchr("FSE", chunks[i]) != NULL,
				strchr("fF", chunks[i]) ? CHUNK : strchr("sS", chunks[i]) ? 10 : 0);
}

static void only_whole_rows_of_chunks_are_read(void **state)
{
	static const char *const wrong[] = { "", "s", "f", "e", "ff", "fs", "fE", "ffE", "sS", "FS", "SS", "FF", "fFS" };
	static const char *const right[] = { "E", "S", "F", "fS", "fF", "ffS" };
	struct cp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);

		forge(&file, wrong[i]);
		refused(file.data, file.len, true, "");
	}
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);

		forge(&file, right[i]);
		assert_int_equal(code_of(file.data, file.len, &keys[0], &err), CP_OK);
		assert_int_equal(sh("age -d -i k0 tried.age"), 0);
		assert_int_equal(cp_buf_add(&file, "x", 1, NULL), CP_OK);
		refused(file.data, file.len, true, "");
	}
}

static void chunks_in_another_order_are_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(LARGE);
	static char first[CHUNK + TAG];
	char *at_first;
	struct cp_err err;

	(void)state;
	forge(&file, "ffF");
	assert_int_equal(code_of(file.data, file.len, &keys[0], &err), CP_OK);
	at_first = file.data + file.len - 3 * (CHUNK + TAG);
	memcpy(first, at_first, sizeof first);
	memmove(at_first, at_first + sizeof first, sizeof first);
	memcpy(at_first + sizeof first, first, sizeof first);
	refused(file.data, file.len, true, "chunk 1 of 3");
}

/* A header of the real one's lines with one thing changed; the code of authentication is right. */
enum judgment { GOOD, TWICE, ALONE }; /* refused, too, by age; or by us alone */
static void forge_lines(const char *lines, const struct cp_filekey *key, enum judgment judged, const char *words)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(4 * LARGE);
	uint8_t payload_key[32];
	struct cp_err err;

	forge_header(&file, key, lines, payload_key);
	forge_chunk(&file, payload_key, 0, true, 10);
	if (judged != GOOD) {
		refused(file.data, file.len, judged == TWICE, words);
		return;
	}
	if (code_of(file.data, file.len, &keys[0], &err) != CP_OK)
		fail_msg("%s: %s", lines, err.text);
	assert_int_equal(sh("age -d -i k0 tried.age"), 0);
}

/* What was found first in text, replaced. */
static char *with(const char *text, const char *old, const char *new)
{
	const char *found = strstr(text, old);
	char *out = NULL;

	assert_non_null(found);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(found - text), text, new, found + strlen(old)) > 0);
	return out;
}

#define FULL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" /* 64 columns */
#define SHARE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                           /* 32 zero bytes */

static void headers_are_read_strictly(void **state)
{
	static const char v1[] = "age-encryption.org/v1\n";
	static const struct { const char *more; enum judgment judged; } cases[] = {
		{ "-> other a b c\nAAAA\n", GOOD },
		{ "-> other\n\n", GOOD },
		{ "-> other\n" FULL "\n", GOOD },
		{ "-> other\n" FULL FULL "AAA\n", GOOD },
		{ "-> ssh-ed25519 AAAAAA " SHARE "\n" SHARE "\n", GOOD },       /* somebody else's */
		{ "-> other\n" FULL, TWICE },                                   /* no short last line */
		{ "-> other\nA\n", TWICE },
		{ "-> other\nAAAA=\n", TWICE },
		{ "-> other\nAAB\n", TWICE },                                   /* two bits that are none of a byte's */
		{ "-> other\nAA A\n", TWICE },
		{ "-> other\nAAAAA\r\n", TWICE },
		{ "-> other\n" FULL "AAAA" FULL "\n", TWICE },                  /* a line too long */
		{ "-> other  a\n\n", TWICE },
		{ "-> other \n\n", TWICE },
		{ "->  other\n\n", TWICE },
		{ "-> \n\n", TWICE },
		{ "->\n\n", TWICE },
		{ "-> other \001\n\n", TWICE },
		{ "-> other \303\244\n\n", TWICE },
		{ ">- other\n\n", TWICE },
		{ "\n", TWICE },
		{ "-> ssh-ed25519 AAAAAA\n" SHARE "\n", ALONE },
		{ "-> ssh-ed25519 AAAAAA " SHARE " x\n" SHARE "\n", ALONE },
		{ "-> ssh-ed25519 AAAAAA " SHARE "A\n" SHARE "\n", ALONE },     /* 33 bytes */
		{ "-> ssh-ed25519 AAAAAA AAAA\n" SHARE "\n", ALONE },
		{ "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n" SHARE "\n", ALONE },   /* a password stands alone */
	};
	struct cp_filekey key;
	char lines[512];

	(void)state;
	real_header(lines, &key);
	forge_lines(lines, &key, GOOD, "");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *front = NULL, *behind = NULL;

		assert_true(asprintf(&front, "%s%s%s", v1, cases[i].more, lines + strlen(v1)) > 0);
		assert_true(asprintf(&behind, "%s%s", lines, cases[i].more) > 0);
		forge_lines(front, &key, cases[i].judged, "");
		forge_lines(behind, &key, cases[i].judged, "");
		free(front);
		free(behind);
	}
}

static void other_versions_and_forms_are_told_apart(void **state)
{
	struct cp_filekey key;
	char lines[512];

	(void)state;
	real_header(lines, &key);
	CP_AUTO(str) char *v2 = with(lines, "/v1", "/v2");
	CP_AUTO(str) char *none = with(lines, "/v1", "/");
	CP_AUTO(str) char *wide = with(lines, "/v1\n", "/v1\r\n");
	CP_AUTO(str) char *two = with(lines, "-> ssh", "\n-> ssh");
	forge_lines(v2, &key, TWICE, "needs a newer casepack");
	forge_lines(none, &key, TWICE, "damaged");
	forge_lines(wide, &key, TWICE, "needs a newer casepack, or is damaged");
	forge_lines(two, &key, TWICE, "not a recipient");
	forge_lines("age-encryption.org/v1\n", &key, TWICE, "no recipient");
	put("plain", plain, 100);
	assert_int_equal(sh("age -a -R k0.pub -o a.age plain"), 0);
	CP_AUTO(buf) struct cp_buf out = CP_BUF(LARGE);
	struct cp_err err;
	assert_int_equal(open_all("a.age", &keys[0], &out, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "armour"));
	assert_int_equal(sh("sed '1d;$d' a.age | base64 -d >b.age"), 0); /* as it says */
	assert_int_equal(open_all("b.age", &keys[0], &out, &err), CP_OK);
	assert_true(cp_age_begins("age-encryption.org/v9", 21) && !cp_age_begins("age-encryption.org", 18));
	assert_true(cp_age_begins("-----BEGIN AGE ENCRYPTED FILE-----", 34) && !cp_age_begins("manifest.json", 13));
}

static void the_limits_hold(void **state)
{
	CP_AUTO(buf) struct cp_buf many = CP_BUF(4 * LARGE), long_one = CP_BUF(4 * LARGE), none = CP_BUF(LARGE);
	static struct cp_pubkey to[CP_AGE_MAX_STANZAS + 1];
	struct cp_ageout *o = NULL;
	struct cp_filekey key;
	struct cp_err err = { CP_OK, "" };
	char lines[512];

	(void)state;
	real_header(lines, &key);
	assert_int_equal(cp_buf_puts(&many, lines, NULL), CP_OK);
	for (int i = 1; i < CP_AGE_MAX_STANZAS; i++)
		assert_int_equal(cp_buf_puts(&many, "-> other\n\n", NULL), CP_OK);
	forge_lines(many.data, &key, GOOD, "");
	assert_int_equal(cp_buf_puts(&many, "-> other\n\n", NULL), CP_OK);
	CP_AUTO(buf) struct cp_buf file = CP_BUF(4 * LARGE);
	uint8_t payload_key[32];
	forge_header(&file, &key, many.data, payload_key);
	assert_int_equal(code_of(file.data, file.len, &keys[0], &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "more than 1100"));
	assert_int_equal(cp_buf_puts(&long_one, "age-encryption.org/v1\n-> ", NULL), CP_OK);
	for (int i = 0; i < 1200; i++)
		assert_int_equal(cp_buf_printf(&long_one, NULL, "%01000d", 0), CP_OK);
	assert_int_equal(code_of(long_one.data, long_one.len, &keys[0], &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "longer than the limit"));
	for (int i = 0; i <= CP_AGE_MAX_STANZAS; i++)
		to[i] = publics[0];
	assert_int_equal(cp_ageout_begin(&o, to, 0, to_buf, &none, &err), CP_EINPUT);
	assert_int_equal(cp_ageout_begin(&o, to, CP_AGE_MAX_STANZAS + 1, to_buf, &none, &err), CP_EINPUT);
	assert_int_equal(none.len, 0);
}

/* Points with which every secret makes the same key. */
static void points_of_small_order_are_refused(void **state)
{
	static const struct cp_pubkey small = { { 1 } };
	CP_AUTO(buf) struct cp_buf none = CP_BUF(LARGE);
	struct cp_ageout *o = NULL;
	struct cp_err err = { CP_OK, "" };
	struct cp_filekey key;
	char lines[512], *share;

	(void)state;
	assert_int_equal(cp_ageout_begin(&o, &small, 1, to_buf, &none, &err), CP_EINPUT);
	assert_null(o);
	real_header(lines, &key);
	share = strchr(strstr(lines, "ssh-ed25519 ") + 12, ' ') + 1;
	memcpy(share, SHARE, 43);
	forge_lines(lines, &key, TWICE, "does not open with it");
}

static void a_failing_sink_ends_the_writing(void **state)
{
	CP_AUTO(buf) struct cp_buf little = CP_BUF(1000);
	CP_AUTO(ageout) struct cp_ageout *o = NULL;
	struct cp_err err = { CP_OK, "" };

	(void)state;
	assert_int_equal(cp_ageout_begin(&o, publics, 1, to_buf, &little, &err), CP_OK);
	assert_int_equal(cp_ageout_add(o, plain, 3 * CHUNK, &err), CP_EFORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(age_opens_what_is_written),
		TEST(what_age_wrote_is_read),
		TEST(recipients_of_other_kinds_are_passed_over),
		TEST(any_place_can_be_read_at_once),
		TEST(the_header_says_for_whom_without_a_key),
		TEST(a_file_cut_anywhere_is_refused),
		TEST(every_flipped_bit_is_refused),
		TEST(damage_is_found_where_it_is_read),
		TEST(only_whole_rows_of_chunks_are_read),
		TEST(chunks_in_another_order_are_refused),
		TEST(headers_are_read_strictly),
		TEST(other_versions_and_forms_are_told_apart),
		TEST(the_limits_hold),
		TEST(points_of_small_order_are_refused),
		TEST(a_failing_sink_ends_the_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
