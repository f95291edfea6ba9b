#include "formats/sshkey.h"

#include "tests/unit/ssh_keygen.h"

#include <dirent.h>
#include <dlfcn.h>
#include <libssh/libssh.h>
#include <sys/stat.h>

#define PASSPHRASE "correct horse"

/*
 * Stands before libssh's function of this name and counts who gets through to it: what
 * the header of a file rules out must not, since libssh crashes on some of it.
 */
static int handed_to_libssh;

int ssh_pki_import_privkey_base64(const char *b64_key, const char *passphrase,
		ssh_auth_callback auth_fn, void *auth_data, ssh_key *pkey)
{
	int (*real)(const char *, const char *, ssh_auth_callback, void *, ssh_key *);

	*(void **)&real = dlsym(RTLD_NEXT, "ssh_pki_import_privkey_base64");
	assert_non_null(real);
	handed_to_libssh++;
	return real(b64_key, passphrase, auth_fn, auth_data, pkey);
}

/* Somebody makes a file of this name between our last look and the moment ours gets its name. */
static const char *racing;

int fsync(int fd)
{
	int (*real)(int);
	FILE *f;

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	if (racing != NULL && (f = fopen(racing, "w")) != NULL) {
		fputs("theirs", f);
		fclose(f);
	}
	racing = NULL;
	return real(fd);
}

static void forget(const char *name)
{
	char pub[128];

	snprintf(pub, sizeof pub, "%s.pub", name);
	unlink(at(name));
	unlink(at(pub));
}

static enum cp_code read_key(struct cp_seckey *k, const char *name, const char *passphrase, struct cp_err *err)
{
	return cp_sshkey_read(k, at(name), passphrase, err);
}

static enum cp_code generate(const char *name, const char *comment, const char *passphrase)
{
	return cp_sshkey_generate(at(name), comment, passphrase, NULL);
}

static enum cp_code is_protected(bool *out, const char *name)
{
	return cp_sshkey_is_protected(out, at(name), NULL);
}

/* The key that NAME.pub holds. */
static void public_of(struct cp_pubkey *out, const char *name)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(4096);
	char pub[256];

	snprintf(pub, sizeof pub, "%s.pub", name);
	get(&line, pub);
	assert_int_equal(cp_pubkey_read(out, line.data, line.len, NULL), CP_OK);
}

/* NAME is read with this passphrase, and signs for NAME.pub. */
static void assert_reads(const char *name, const char *passphrase)
{
	CP_AUTO(seckey) struct cp_seckey k = { .is_set = false };
	struct cp_pubkey public, of_secret;
	uint8_t sig[crypto_sign_BYTES];

	assert_int_equal(read_key(&k, name, passphrase, NULL), CP_OK);
	assert_true(k.is_set);
	public_of(&public, name);
	cp_seckey_public(&of_secret, &k);
	assert_memory_equal(&public, &of_secret, sizeof public);
	crypto_sign_detached(sig, NULL, (const uint8_t *)"m", 1, k.bytes);
	assert_int_equal(crypto_sign_verify_detached(sig, (const uint8_t *)"m", 1, public.bytes), 0);
}

/* NAME is refused with this code, these words, and out untouched; whether libssh saw it is as told. */
static void assert_refused(const char *name, const char *passphrase, enum cp_code code, const char *words,
		int libssh)
{
	struct cp_seckey k, untouched;
	struct cp_err err = { 0 };

	memset(&k, 0x5a, sizeof k);
	k.is_set = false;
	untouched = k;
	handed_to_libssh = 0;
	assert_int_equal(read_key(&k, name, passphrase, &err), code);
	assert_int_equal(handed_to_libssh, libssh);
	assert_int_equal(err.code, code);
	assert_null(strchr(err.text, '\n'));
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_memory_equal(&k, &untouched, sizeof k);
}

static void assert_mode(const char *name, unsigned mode)
{
	struct stat st;

	assert_int_equal(stat(at(name), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static int files_in_folder(void)
{
	DIR *d = opendir(folder);
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void blob_of(struct cp_buf *out, const char *name)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	get(&text, name);
	cp_buf_clear(out);
	assert_true(cp_ssharmor_read(out, "OPENSSH PRIVATE KEY", text.data, text.len));
}

static void put_blob(const char *name, const void *bytes, size_t len)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	assert_int_equal(cp_ssharmor_add(&text, "OPENSSH PRIVATE KEY", bytes, len, NULL), CP_OK);
	put(name, text.data, text.len);
}

/* Our pairs */

static void ssh_keygen_reads_a_pair_without_passphrase(void **state)
{
	CP_AUTO(buf) struct cp_buf pub = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf said = CP_BUF(4096);
	const char *comment = "12345678 on Zo\xc3\xab";
	bool locked = true;

	(void)state;
	for (size_t n = 0; n < 9; n++) { /* every length of padding */
		forget("plain");
		assert_int_equal(generate("plain", comment + n, NULL), CP_OK);
		assert_mode("plain", 0600);
		assert_mode("plain.pub", 0644);
		assert_int_equal(is_protected(&locked, "plain"), CP_OK);
		assert_false(locked);
		assert_reads("plain", NULL);
		assert_reads("plain", "not needed");
		assert_int_equal(ssh_keygen("-y", "-P", "", "-f", "plain", NULL), 0);
		get(&said, "said");
		get(&pub, "plain.pub");
		assert_string_equal(said.data, pub.data);
		assert_int_equal(ssh_keygen("-l", "-f", "plain.pub", NULL), 0);
	}
	forget("plain");
	assert_int_equal(generate("plain", NULL, ""), CP_OK);
	assert_reads("plain", NULL);
	assert_int_equal(ssh_keygen("-y", "-P", "", "-f", "plain", NULL), 0);
	get(&said, "said");
	get(&pub, "plain.pub");
	assert_string_equal(said.data, pub.data);
}

static void ssh_keygen_reads_a_pair_with_a_passphrase_and_only_with_it(void **state)
{
	CP_AUTO(buf) struct cp_buf pub = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf said = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(seckey) struct cp_seckey k = { .is_set = false };
	bool locked = false;

	(void)state;
	forget("locked");
	assert_int_equal(generate("locked", "me", PASSPHRASE), CP_OK);
	assert_mode("locked", 0600);
	assert_mode("locked.pub", 0644);
	assert_int_equal(is_protected(&locked, "locked"), CP_OK);
	assert_true(locked);
	assert_reads("locked", PASSPHRASE);
	assert_int_equal(ssh_keygen("-y", "-P", "", "-f", "locked", NULL), 255);
	assert_int_equal(ssh_keygen("-y", "-P", "wrong", "-f", "locked", NULL), 255);
	assert_int_equal(ssh_keygen("-y", "-P", PASSPHRASE, "-f", "locked", NULL), 0);
	get(&said, "said");
	get(&pub, "locked.pub");
	assert_true(said.len > 70 && strncmp(said.data, pub.data, said.len - 1) == 0);
	assert_string_equal(pub.data + said.len - 1, " me\n");

	assert_int_equal(read_key(&k, "locked", PASSPHRASE, NULL), CP_OK);
	blob_of(&blob, "locked");
	assert_null(memmem(blob.data, blob.len, k.bytes, 32)); /* the seed is not in the open */
}

static void a_pair_can_be_locked_anew_by_ssh_keygen_with_aes256_ctr(void **state)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);

	(void)state;
	forget("locked");
	assert_int_equal(generate("locked", "me", PASSPHRASE), CP_OK);
	assert_int_equal(ssh_keygen("-p", "-Z", "aes256-ctr", "-P", PASSPHRASE, "-N", "another one",
			"-f", "locked", NULL), 0);
	blob_of(&blob, "locked");
	assert_non_null(memmem(blob.data, blob.len, "aes256-ctr", 10));
	assert_reads("locked", "another one");
	assert_refused("locked", PASSPHRASE, CP_EKEY, "wrong passphrase", 1);
}

static void two_pairs_are_never_the_same(void **state)
{
	struct cp_pubkey a, b;

	(void)state;
	forget("plain");
	assert_int_equal(generate("plain", "me", NULL), CP_OK);
	public_of(&a, "plain");
	forget("plain");
	assert_int_equal(generate("plain", "me", NULL), CP_OK);
	public_of(&b, "plain");
	assert_memory_not_equal(&a, &b, sizeof a);
}

static void a_file_that_is_there_is_never_replaced(void **state)
{
	static const char *const names[] = { "taken", "taken.pub" };
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);
	int files;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		forget("taken");
		put(names[i], "mine", 4);
		files = files_in_folder();
		assert_int_equal(generate("taken", "me", NULL), CP_EINPUT);
		assert_int_equal(generate("taken", "me", PASSPHRASE), CP_EINPUT);
		get(&text, names[i]);
		assert_string_equal(text.data, "mine");
		assert_int_equal(files_in_folder(), files);

		forget("taken");
		assert_int_equal(symlink("nowhere", at(names[i])), 0);
		assert_int_equal(generate("taken", "me", NULL), CP_EINPUT);
		assert_int_equal(files_in_folder(), files);
		assert_int_equal(access(at("nowhere"), F_OK), -1);
	}
	forget("taken");
	assert_int_equal(generate("taken", "me", NULL), CP_OK);
	assert_int_equal(generate("taken", "me", NULL), CP_EINPUT);
	assert_reads("taken", NULL);
}

static void a_file_that_appears_meanwhile_is_not_replaced_and_no_half_pair_stays(void **state)
{
	static const char *const names[] = { "raced", "raced.pub" };
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);
	int files;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		forget("raced");
		files = files_in_folder();
		racing = at(names[i]);
		assert_int_equal(generate("raced", "me", NULL), CP_EINPUT);
		get(&text, names[i]);
		assert_string_equal(text.data, "theirs");
		assert_int_equal(files_in_folder(), files + 1);
	}
	forget("raced");
}

static void a_comment_that_would_break_the_line_makes_no_files(void **state)
{
	char longest[258];
	int files = files_in_folder();

	(void)state;
	forget("fresh");
	memset(longest, 'x', sizeof longest);
	longest[257] = '\0';
	assert_int_equal(generate("fresh", "me\nssh-ed25519 AAAA", NULL), CP_EINPUT);
	assert_int_equal(generate("fresh", "\033[2J", NULL), CP_EINPUT);
	assert_int_equal(generate("fresh", longest, NULL), CP_EINPUT);
	assert_int_equal(generate("no/such/folder", "me", NULL), CP_EIO);
	assert_int_equal(files_in_folder(), files);
	longest[256] = '\0';
	assert_int_equal(generate("fresh", longest, NULL), CP_OK);
	assert_reads("fresh", NULL);
	assert_int_equal(ssh_keygen("-y", "-P", "", "-f", "fresh", NULL), 0);
}

/* Theirs */

static void make_theirs(const char *cipher, const char *passphrase, const char *rounds)
{
	forget("theirs");
	assert_int_equal(ssh_keygen("-q", "-t", "ed25519", "-C", "them", "-Z", cipher, "-N", passphrase,
			"-a", rounds, "-f", "theirs", NULL), 0);
}

static void keys_of_ssh_keygen_are_read(void **state)
{
	static const char *const ciphers[] = {
		"aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc",
	};
	bool locked;

	(void)state;
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
		make_theirs(ciphers[i], PASSPHRASE, "4");
		assert_int_equal(is_protected(&locked, "theirs"), CP_OK);
		assert_true(locked);
		assert_reads("theirs", PASSPHRASE);
	}
	make_theirs("aes256-ctr", "", "16");
	handed_to_libssh = 0;
	assert_int_equal(is_protected(&locked, "theirs"), CP_OK);
	assert_false(locked);
	assert_reads("theirs", NULL);
	assert_int_equal(handed_to_libssh, 0);
}

static void a_wrong_or_missing_passphrase_and_a_missing_file_are_matters_of_the_key(void **state)
{
	bool locked;

	(void)state;
	make_theirs("aes256-ctr", PASSPHRASE, "4");
	assert_refused("theirs", "wrong", CP_EKEY, "wrong passphrase", 1);
	assert_refused("theirs", PASSPHRASE " ", CP_EKEY, "wrong passphrase", 1);
	assert_refused("theirs", NULL, CP_EKEY, "asks for a passphrase", 0);
	assert_refused("theirs", "", CP_EKEY, "asks for a passphrase", 0);
	assert_refused("absent", PASSPHRASE, CP_EKEY, "no such key file", 0);
	assert_refused("theirs/absent", PASSPHRASE, CP_EKEY, "no such key file", 0);
	assert_int_equal(is_protected(&locked, "absent"), CP_EKEY);
	make_theirs("aes256-cbc", PASSPHRASE, "4");
	assert_refused("theirs", "wrong", CP_EKEY, "wrong passphrase", 1);
}

static void ciphers_that_libssh_cannot_bear_never_reach_it(void **state)
{
	static const char *const ciphers[] = {
		"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "3des-cbc",
	};
	bool locked;

	(void)state;
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
		make_theirs(ciphers[i], PASSPHRASE, "4");
		assert_refused("theirs", PASSPHRASE, CP_EFORMAT, ciphers[i], 0);
		assert_refused("theirs", PASSPHRASE, CP_EFORMAT, "ssh-keygen -p -Z aes256-ctr", 0);
		assert_int_equal(is_protected(&locked, "theirs"), CP_EFORMAT);
		assert_int_equal(ssh_keygen("-p", "-Z", "aes256-ctr", "-P", PASSPHRASE, "-N", PASSPHRASE,
				"-a", "4", "-f", "theirs", NULL), 0); /* the advice helps */
		assert_reads("theirs", PASSPHRASE);
	}
}

/* The rounds are the last 4 bytes of the KDF options, 24 bytes of which stand behind "bcrypt". */
static void put_rounds(const struct cp_buf *blob, uint8_t high, uint8_t low)
{
	CP_AUTO(buf) struct cp_buf changed = CP_BUF(CP_TEXT_MAX);
	char *rounds;

	assert_int_equal(cp_buf_add(&changed, blob->data, blob->len, NULL), CP_OK);
	rounds = (char *)memmem(changed.data, changed.len, "bcrypt", 6) + 6 + 4 + 4 + 16;
	rounds[2] = (char)high;
	rounds[3] = (char)low;
	put_blob("changed", changed.data, changed.len);
}

static void more_kdf_rounds_than_256_never_reach_libssh(void **state)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);

	(void)state;
	make_theirs("aes256-ctr", PASSPHRASE, "500");
	assert_refused("theirs", PASSPHRASE, CP_EFORMAT, "500 KDF rounds", 0);
	assert_refused("theirs", PASSPHRASE, CP_EFORMAT, "ssh-keygen -p -Z aes256-ctr", 0);
	make_theirs("aes256-ctr", PASSPHRASE, "4");
	blob_of(&blob, "theirs");
	put_rounds(&blob, 0, 4);
	assert_refused("changed", "wrong", CP_EKEY, "wrong passphrase", 1); /* the right place was changed */
	put_rounds(&blob, 0, 0);
	assert_refused("changed", PASSPHRASE, CP_EFORMAT, "KDF options", 0);
	put_rounds(&blob, 1, 1);
	assert_refused("changed", PASSPHRASE, CP_EFORMAT, "257 KDF rounds", 0);
	put_rounds(&blob, 1, 0);
	assert_refused("changed", PASSPHRASE, CP_EKEY, "wrong passphrase", 1);
}

static void keys_of_other_types_are_refused_with_their_name(void **state)
{
	(void)state;
	forget("theirs");
	assert_int_equal(ssh_keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "theirs", NULL), 0);
	assert_refused("theirs", NULL, CP_EFORMAT, "ssh-rsa", 0);
	assert_int_equal(ssh_keygen("-p", "-a", "4", "-P", "", "-N", PASSPHRASE, "-f", "theirs", NULL), 0);
	assert_refused("theirs", PASSPHRASE, CP_EFORMAT, "ssh-rsa", 0);
	assert_int_equal(ssh_keygen("-p", "-m", "PEM", "-P", PASSPHRASE, "-N", "", "-f", "theirs", NULL), 0);
	assert_refused("theirs", NULL, CP_EFORMAT, "not an OpenSSH private key", 0);
	forget("theirs");
	assert_int_equal(ssh_keygen("-q", "-t", "ecdsa", "-N", "", "-f", "theirs", NULL), 0);
	assert_refused("theirs", NULL, CP_EFORMAT, "ecdsa-sha2-nistp256", 0);
}

static void files_that_are_no_private_keys_are_refused(void **state)
{
	static const char hollow[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n";
	CP_AUTO(str) char *large = calloc(1, 70000);

	(void)state;
	make_theirs("aes256-ctr", "", "4");
	assert_refused("theirs.pub", NULL, CP_EFORMAT, "public half", 0);
	put("other", "", 0);
	assert_refused("other", NULL, CP_EFORMAT, "not an OpenSSH private key", 0);
	put("other", hollow, strlen(hollow));
	assert_refused("other", NULL, CP_EFORMAT, "damaged", 0);
	put("other", large, 70000);
	assert_refused("other", NULL, CP_EFORMAT, "too large", 0);
	assert_refused(".", NULL, CP_EIO, "cannot read", 0);
}

static void line_ends_of_windows_do_not_spoil_a_key(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf windows = CP_BUF(CP_TEXT_MAX);

	(void)state;
	make_theirs("aes256-ctr", "", "4");
	get(&text, "theirs");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			assert_int_equal(cp_buf_puts(&windows, "\r", NULL), CP_OK);
		assert_int_equal(cp_buf_add(&windows, text.data + i, 1, NULL), CP_OK);
	}
	put("theirs", windows.data, windows.len);
	assert_reads("theirs", NULL);
}

/* Damage */

static void a_key_file_cut_anywhere_or_longer_is_refused(void **state)
{
	static const char *const passphrases[] = { "", PASSPHRASE };
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_theirs("aes256-ctr", passphrases[i], "4");
		blob_of(&blob, "theirs");
		get(&text, "theirs");
		for (size_t n = 0; n < text.len - 1; n++) {
			put("changed", text.data, n);
			assert_refused("changed", passphrases[i], CP_EFORMAT, "changed", 0);
		}
		for (size_t n = 0; n < blob.len; n++) {
			put_blob("changed", blob.data, n);
			assert_refused("changed", passphrases[i], CP_EFORMAT, "changed", 0);
		}
		assert_int_equal(cp_buf_add(&blob, "", 1, NULL), CP_OK);
		put_blob("changed", blob.data, blob.len);
		assert_refused("changed", passphrases[i], CP_EFORMAT, "1 bytes behind its end", 0);
	}
}

/* Only the comment may differ unnoticed: nothing in the file vouches for it or its length. */
static void a_flipped_bit_never_makes_another_key_of_a_file(void **state)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	struct cp_seckey right, k;
	size_t same = 0, comment;

	(void)state;
	make_theirs("aes256-ctr", "", "4");
	blob_of(&blob, "theirs");
	assert_int_equal(read_key(&right, "theirs", NULL, NULL), CP_OK);
	comment = (size_t)((char *)memmem(blob.data, blob.len, "them", 4) - blob.data) - 4;
	handed_to_libssh = 0;
	for (size_t bit = 0; bit < 8 * blob.len; bit++) {
		enum cp_code code;

		blob.data[bit / 8] = (char)(blob.data[bit / 8] ^ 1 << bit % 8);
		put_blob("changed", blob.data, blob.len);
		memset(&k, 0, sizeof k);
		code = read_key(&k, "changed", NULL, NULL);
		assert_true(code == CP_OK || code == CP_EFORMAT);
		if (code == CP_OK) {
			assert_memory_equal(&k, &right, sizeof k);
			assert_true(bit / 8 >= comment && bit / 8 < comment + 4 + strlen("them"));
		}
		same += code == CP_OK;
		blob.data[bit / 8] = (char)(blob.data[bit / 8] ^ 1 << bit % 8);
	}
	assert_true(same >= 8 * strlen("them"));
	assert_int_equal(handed_to_libssh, 0);
}

/* The open half of a locked file says whose it is; it must not be believed over the locked half. */
static void a_locked_file_that_names_another_public_key_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_TEXT_MAX);
	struct cp_pubkey key;
	char *place;

	(void)state;
	make_theirs("aes256-ctr", PASSPHRASE, "4");
	blob_of(&blob, "theirs");
	public_of(&key, "theirs");
	place = memmem(blob.data, blob.len, key.bytes, sizeof key.bytes);
	assert_non_null(place);
	*place = (char)(*place ^ 1);
	put_blob("changed", blob.data, blob.len);
	assert_refused("changed", PASSPHRASE, CP_EFORMAT, "do not fit", 1);
}

/* Public keys */

static void public_keys_print_as_ssh_keygen_wrote_them_and_have_its_fingerprint(void **state)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf said = CP_BUF(4096);
	struct cp_pubkey key;

	(void)state;
	for (int i = 0; i < 8; i++) {
		CP_AUTO(buf) struct cp_buf printed = CP_BUF(4096);
		CP_AUTO(buf) struct cp_buf print = CP_BUF(4096);

		make_theirs("aes256-ctr", "", "4");
		get(&line, "theirs.pub");
		public_of(&key, "theirs");
		assert_int_equal(cp_pubkey_print(&printed, &key, NULL), CP_OK);
		assert_int_equal(cp_buf_puts(&printed, " them\n", NULL), CP_OK);
		assert_string_equal(printed.data, line.data);
		assert_int_equal(ssh_keygen("-lf", "theirs.pub", NULL), 0);
		get(&said, "said");
		assert_int_equal(cp_buf_puts(&print, "256 ", NULL), CP_OK);
		assert_int_equal(cp_pubkey_fingerprint(&print, &key, NULL), CP_OK);
		assert_int_equal(cp_buf_puts(&print, " them (ED25519)\n", NULL), CP_OK);
		assert_string_equal(print.data, said.data);
	}
}

#define GOOD "AAAAC3NzaC1lZDI1NTE5AAAAIPfkC4XrQRcE2cDeSinESkzSyNoA+qfQE66vmf4wz6rY"

static void a_public_key_is_one_line_spelled_in_one_way(void **state)
{
	static const char *const good[] = {
		"ssh-ed25519 " GOOD, "ssh-ed25519 " GOOD "\n", "ssh-ed25519 " GOOD " me", "ssh-ed25519 " GOOD " a b  c\n",
		"ssh-ed25519 " GOOD " ", "ssh-ed25519 " GOOD " Zo\xc3\xab",
	};
	static const char *const bad[] = {
		"", "\n", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519  " GOOD, " ssh-ed25519 " GOOD, GOOD,
		"ssh-ed25519\t" GOOD, "SSH-ED25519 " GOOD, "ssh-rsa " GOOD, "ssh-ed25519 " GOOD "\n\n",
		"ssh-ed25519 " GOOD "\nssh-ed25519 " GOOD, "ssh-ed25519 " GOOD " \033[2J", "ssh-ed25519 " GOOD "A",
		"ssh-ed25519 " GOOD "AAAA", "ssh-ed25519 " GOOD "=", "ssh-ed25519 " GOOD "\r\n", "no-pty ssh-ed25519 " GOOD,
		/* another type, another length within */
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE4AAAAIPfkC4XrQRcE2cDeSinESkzSyNoA+qfQE66vmf4wz6rY",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAH/fkC4XrQRcE2cDeSinESkzSyNoA+qfQE66vmf4wz6rY",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIffkC4XrQRcE2cDeSinESkzSyNoA+qfQE66vmf4wz6rY",
	};
	struct cp_pubkey key, untouched;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		memset(&key, 0, sizeof key);
		assert_int_equal(cp_pubkey_read(&key, good[i], strlen(good[i]), NULL), CP_OK);
		assert_int_equal(key.bytes[0], 0xf7);
		assert_int_equal(key.bytes[31], 0xd8);
	}
	memset(&key, 0x5a, sizeof key);
	untouched = key;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(cp_pubkey_read(&key, bad[i], strlen(bad[i]), NULL), CP_EFORMAT);
	for (size_t n = 0; n < strlen(good[0]); n++)
		assert_int_equal(cp_pubkey_read(&key, good[0], n, NULL), CP_EFORMAT);
	assert_int_equal(cp_pubkey_read(&key, good[0], strlen(good[0]) + 1, NULL), CP_EFORMAT);
	assert_memory_equal(&key, &untouched, sizeof key);
}

static void no_byte_of_a_public_key_stands_for_another(void **state)
{
	char line[] = "ssh-ed25519 " GOOD;
	struct cp_pubkey key, other;

	(void)state;
	line[50] = '/'; /* for which a library may take what it does not know */
	assert_int_equal(cp_pubkey_read(&key, line, strlen(line), NULL), CP_OK);
	for (size_t i = 0; i < strlen(line) * 256; i++) {
		char changed[sizeof line];

		memcpy(changed, line, sizeof line);
		changed[i / 256] = (char)(i % 256);
		if (changed[i / 256] != line[i / 256] && changed[i / 256] != ' ' &&
				cp_pubkey_read(&other, changed, strlen(line), NULL) == CP_OK)
			assert_memory_not_equal(&other, &key, sizeof key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh_keygen_reads_a_pair_without_passphrase),
		cmocka_unit_test(ssh_keygen_reads_a_pair_with_a_passphrase_and_only_with_it),
		cmocka_unit_test(a_pair_can_be_locked_anew_by_ssh_keygen_with_aes256_ctr),
		cmocka_unit_test(two_pairs_are_never_the_same),
		cmocka_unit_test(a_file_that_is_there_is_never_replaced),
		cmocka_unit_test(a_file_that_appears_meanwhile_is_not_replaced_and_no_half_pair_stays),
		cmocka_unit_test(a_comment_that_would_break_the_line_makes_no_files),
		cmocka_unit_test(keys_of_ssh_keygen_are_read),
		cmocka_unit_test(a_wrong_or_missing_passphrase_and_a_missing_file_are_matters_of_the_key),
		cmocka_unit_test(ciphers_that_libssh_cannot_bear_never_reach_it),
		cmocka_unit_test(more_kdf_rounds_than_256_never_reach_libssh),
		cmocka_unit_test(keys_of_other_types_are_refused_with_their_name),
		cmocka_unit_test(files_that_are_no_private_keys_are_refused),
		cmocka_unit_test(line_ends_of_windows_do_not_spoil_a_key),
		cmocka_unit_test(a_key_file_cut_anywhere_or_longer_is_refused),
		cmocka_unit_test(a_flipped_bit_never_makes_another_key_of_a_file),
		cmocka_unit_test(a_locked_file_that_names_another_public_key_is_refused),
		cmocka_unit_test(public_keys_print_as_ssh_keygen_wrote_them_and_have_its_fingerprint),
		cmocka_unit_test(a_public_key_is_one_line_spelled_in_one_way),
		cmocka_unit_test(no_byte_of_a_public_key_stands_for_another),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
