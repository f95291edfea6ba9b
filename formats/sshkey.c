#include "formats/sshkey.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/file.h"

#define KEY_TYPE "ssh-ed25519"
#define LABEL "OPENSSH PRIVATE KEY"
#define MAGIC "openssh-key-v1" /* with its zero byte */
#define KEY_MAX ((size_t)65536)
#define COMMENT_MAX 256
#define ROUNDS_MAX 256
#define SALT_MAX 64
#define AES_BLOCK 16
#define PLAIN_BLOCK 8

/* The open part of a key file, pointing into its bytes. */
struct header {
	struct cp_pubkey key;
	struct cp_sshwire cipher, kdf, kdf_options;
	struct cp_sshwire hidden; /* the private part, locked or not */
	bool is_protected;
};

/* Reading the file */

/* Into one piece of memory that never moves, so that wiping it wipes all of it. */
static enum cp_code read_secret_file(struct cp_buf *b, const char *path, struct cp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum cp_code code = cp_buf_room(b, KEY_MAX, err);
	ssize_t n = 1;

	if (fd < 0 && code == CP_OK)
		code = errno == ENOENT || errno == ENOTDIR
			? cp_fail(err, CP_EKEY, "%s: no such key file", path)
			: cp_fail_errno(err, "%s: cannot open the key file", path);
	while (code == CP_OK && n != 0 && b->len < KEY_MAX) {
		n = read(fd, b->data + b->len, KEY_MAX - b->len);
		if (n < 0 && errno != EINTR)
			code = cp_fail_errno(err, "%s: cannot read the key file", path);
		else if (n > 0)
			b->len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (code == CP_OK && b->len == KEY_MAX)
		return cp_fail(err, CP_EFORMAT, "%s: too large for a key file", path);
	return code;
}

static enum cp_code fail_not_a_key(const struct cp_buf *text, const char *path, struct cp_err *err)
{
	static const char pub[] = KEY_TYPE " ";

	if (text->len >= sizeof pub - 1 && memcmp(text->data, pub, sizeof pub - 1) == 0)
		return cp_fail(err, CP_EFORMAT,
				"%s: this is the public half of a key; name the private file beside it", path);
	return cp_fail(err, CP_EFORMAT,
			"%s: not an OpenSSH private key, or damaged; ssh-keygen -t ed25519 makes one", path);
}

/* blob gets the bytes of the key file at path. */
static enum cp_code read_blob(struct cp_buf *blob, const char *path, struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf text = CP_BUF(KEY_MAX);

	CP_TRY(read_secret_file(&text, path, err));
	if (!cp_ssharmor_read(blob, LABEL, text.data, text.len))
		return fail_not_a_key(&text, path, err);
	return CP_OK;
}

/* The open part */

static bool is_cipher_taken(const struct cp_sshwire *name)
{
	static const char *const taken[] = {
		"aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc",
	};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (cp_sshwire_is(name, taken[i]))
			return true;
	return false;
}

static enum cp_code check_rounds(const struct header *h, const char *path, struct cp_err *err)
{
	struct cp_sshwire r = h->kdf_options, salt;
	uint32_t rounds;

	if (!cp_sshwire_string(&r, &salt) || !cp_sshwire_u32(&r, &rounds) || r.left != 0
	    || salt.left == 0 || salt.left > SALT_MAX || rounds == 0)
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its KDF options make no sense", path);
	if (rounds > ROUNDS_MAX)
		return cp_fail(err, CP_EFORMAT, "%s: locked with %u KDF rounds, more than the limit of %d; "
				"run: ssh-keygen -p -Z aes256-ctr -a 16 -f %s", path, rounds, ROUNDS_MAX, path);
	return CP_OK;
}

/* Nothing that this refuses may reach libssh. */
static enum cp_code check_lock(const struct header *h, const char *path, struct cp_err *err)
{
	char name[64];

	if (!h->is_protected) {
		if (!cp_sshwire_is(&h->kdf, "none") || h->kdf_options.left != 0)
			return cp_fail(err, CP_EFORMAT, "%s: damaged: not locked, yet with a KDF", path);
		return CP_OK;
	}
	if (!is_cipher_taken(&h->cipher))
		return cp_fail(err, CP_EFORMAT, "%s: locked with a cipher that is not read here: %s; "
				"run: ssh-keygen -p -Z aes256-ctr -f %s",
				path, cp_sshwire_show(name, &h->cipher), path);
	if (!cp_sshwire_is(&h->kdf, "bcrypt"))
		return cp_fail(err, CP_EFORMAT, "%s: locked with a KDF that is not read here: %s; "
				"run: ssh-keygen -p -Z aes256-ctr -f %s",
				path, cp_sshwire_show(name, &h->kdf), path);
	if (h->hidden.left == 0 || h->hidden.left % AES_BLOCK != 0)
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its private part is not whole blocks", path);
	return check_rounds(h, path, err);
}

static enum cp_code check_type(struct header *h, struct cp_sshwire public, const char *path, struct cp_err *err)
{
	struct cp_sshwire rest = public, type;
	char name[64];

	if (!cp_sshwire_string(&rest, &type))
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its public part is cut short", path);
	if (!cp_sshwire_is(&type, KEY_TYPE))
		return cp_fail(err, CP_EFORMAT, "%s: a key of type %s, but only " KEY_TYPE " is taken; "
				"ssh-keygen -t ed25519 makes one", path, cp_sshwire_show(name, &type));
	if (!cp_pubkey_from(&h->key, public))
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its public part is not 32 bytes", path);
	return CP_OK;
}

static enum cp_code read_header(struct header *h, const struct cp_buf *blob, const char *path,
		struct cp_err *err)
{
	struct cp_sshwire r = { (const uint8_t *)blob->data, blob->len }, public;
	uint32_t keys;

	if (r.left < sizeof MAGIC || memcmp(r.at, MAGIC, sizeof MAGIC) != 0)
		return cp_fail(err, CP_EFORMAT, "%s: damaged: does not begin with " MAGIC, path);
	r.at += sizeof MAGIC;
	r.left -= sizeof MAGIC;
	if (!cp_sshwire_string(&r, &h->cipher) || !cp_sshwire_string(&r, &h->kdf)
	    || !cp_sshwire_string(&r, &h->kdf_options) || !cp_sshwire_u32(&r, &keys) || keys != 1
	    || !cp_sshwire_string(&r, &public) || !cp_sshwire_string(&r, &h->hidden))
		return cp_fail(err, CP_EFORMAT, "%s: damaged: cut short, or not one key", path);
	h->is_protected = !cp_sshwire_is(&h->cipher, "none");
	CP_TRY(check_type(h, public, path, err));
	CP_TRY(check_lock(h, path, err));
	if (r.left != 0)
		return cp_fail(err, CP_EFORMAT, "%s: damaged: %zu bytes behind its end", path, r.left);
	return CP_OK;
}

/* The private part */

/* 1, 2, 3 ... to the end of a block. */
static bool is_padding(const struct cp_sshwire *r)
{
	for (size_t i = 0; i < r->left; i++)
		if (r->at[i] != i + 1)
			return false;
	return r->left <= AES_BLOCK;
}

/* The seed in an unlocked private part must make the public key that the part and the file both name. */
static bool read_hidden(struct cp_seckey *out, struct cp_sshwire r, const struct cp_pubkey *key)
{
	CP_AUTO(seckey) struct cp_seckey found = { .is_set = true };
	CP_AUTO(seckey) struct cp_seckey made = { .is_set = true };
	struct cp_sshwire comment;
	struct cp_pubkey public;
	uint32_t check, again;

	if (r.left % PLAIN_BLOCK != 0 || !cp_sshwire_u32(&r, &check) || !cp_sshwire_u32(&r, &again)
	    || check != again || !cp_sshwire_expect(&r, KEY_TYPE)
	    || !cp_sshwire_copy(&r, public.bytes, sizeof public.bytes)
	    || !cp_sshwire_copy(&r, found.bytes, sizeof found.bytes)
	    || !cp_sshwire_string(&r, &comment) || !is_padding(&r))
		return false;
	crypto_sign_seed_keypair(made.bytes + 32, made.bytes, found.bytes);
	memcpy(made.bytes, found.bytes, 32);
	if (sodium_memcmp(made.bytes, found.bytes, sizeof made.bytes) != 0
	    || memcmp(made.bytes + 32, public.bytes, 32) != 0 || memcmp(public.bytes, key->bytes, 32) != 0)
		return false;
	*out = made;
	return true;
}

/* libssh: from locked to open, and back */

static void start_libssh(void)
{
	(void)ssh_init(); /* the shared library does it by itself; a static one waits for us */
}

/* A key file's text, with its lock changed from one passphrase (NULL: none) to another (NULL: none). */
static enum cp_code change_lock(struct cp_buf *out, const struct cp_buf *blob, const char *from,
		const char *to, const char *path, struct cp_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CP_AUTO(secret) struct cp_buf text = CP_BUF(2 * KEY_MAX);
	enum cp_code code = CP_OK;
	ssh_key key = NULL;
	char *changed = NULL;

	pthread_once(&once, start_libssh);
	CP_TRY(cp_ssharmor_add(&text, LABEL, blob->data, blob->len, err));
	CP_TRY(cp_buf_puts(&text, "\n", err));
	if (ssh_pki_import_privkey_base64(text.data, from, NULL, NULL, &key) != SSH_OK)
		return from == NULL ? cp_fail(err, CP_EIO, "%s: libssh does not take the key", path)
			: cp_fail(err, CP_EKEY, "%s: wrong passphrase, or the file is damaged", path);
	if (ssh_key_type(key) != SSH_KEYTYPE_ED25519)
		code = cp_fail(err, CP_EFORMAT, "%s: damaged: its two parts are of different types", path);
	else if (ssh_pki_export_privkey_base64(key, to, NULL, NULL, &changed) != SSH_OK)
		code = cp_fail(err, CP_EIO, "%s: libssh cannot export the key", path);
	else if (!cp_ssharmor_read(out, LABEL, changed, strlen(changed)))
		code = cp_fail(err, CP_EIO, "%s: libssh exported something that is no key", path);
	ssh_key_free(key);
	if (changed != NULL) {
		sodium_memzero(changed, strlen(changed));
		ssh_string_free_char(changed);
	}
	return code;
}

/* Reading */

enum cp_code cp_sshkey_public(struct cp_pubkey *out, const char *path, struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf blob = CP_BUF(KEY_MAX);
	struct header h;

	CP_TRY(read_blob(&blob, path, err));
	CP_TRY(read_header(&h, &blob, path, err));
	*out = h.key;
	return CP_OK;
}

enum cp_code cp_sshkey_is_protected(bool *out, const char *path, struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf blob = CP_BUF(KEY_MAX);
	struct header h;

	CP_TRY(read_blob(&blob, path, err));
	CP_TRY(read_header(&h, &blob, path, err));
	*out = h.is_protected;
	return CP_OK;
}

enum cp_code cp_sshkey_read(struct cp_seckey *out, const char *path, const char *passphrase,
		struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf blob = CP_BUF(KEY_MAX);
	CP_AUTO(secret) struct cp_buf open_blob = CP_BUF(KEY_MAX);
	struct header h, open_h;

	CP_TRY(read_blob(&blob, path, err));
	CP_TRY(read_header(&h, &blob, path, err));
	open_h = h;
	if (h.is_protected) {
		if (passphrase == NULL || *passphrase == '\0')
			return cp_fail(err, CP_EKEY, "%s: asks for a passphrase, and none was given", path);
		CP_TRY(change_lock(&open_blob, &blob, passphrase, NULL, path, err));
		CP_TRY(read_header(&open_h, &open_blob, path, err));
	}
	if (open_h.is_protected || !read_hidden(out, open_h.hidden, &h.key))
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its private and public parts do not fit", path);
	return CP_OK;
}

/* Generating */

static enum cp_code add_hidden(struct cp_buf *out, const struct cp_seckey *k, const char *comment,
		struct cp_err *err)
{
	uint32_t check = randombytes_random();

	CP_TRY(cp_sshwire_add_u32(out, check, err));
	CP_TRY(cp_sshwire_add_u32(out, check, err));
	CP_TRY(cp_sshwire_add(out, KEY_TYPE, strlen(KEY_TYPE), err));
	CP_TRY(cp_sshwire_add(out, k->bytes + 32, 32, err));
	CP_TRY(cp_sshwire_add(out, k->bytes, sizeof k->bytes, err));
	CP_TRY(cp_sshwire_add(out, comment, strlen(comment), err));
	for (char pad = 1; out->len % PLAIN_BLOCK != 0; pad++)
		CP_TRY(cp_buf_add(out, &pad, 1, err));
	return CP_OK;
}

/* The bytes of an unprotected key file. */
static enum cp_code add_open_blob(struct cp_buf *out, const struct cp_seckey *k, const char *comment,
		struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf hidden = CP_BUF(KEY_MAX);
	CP_AUTO(buf) struct cp_buf public = CP_BUF(256);
	struct cp_pubkey pk;

	CP_TRY(cp_buf_room(&hidden, 4096, err)); /* neither moves while it is filled */
	CP_TRY(cp_buf_room(out, 8192, err));
	CP_TRY(add_hidden(&hidden, k, comment, err));
	cp_seckey_public(&pk, k);
	CP_TRY(cp_pubkey_add(&public, &pk, err));
	CP_TRY(cp_buf_add(out, MAGIC, sizeof MAGIC, err));
	CP_TRY(cp_sshwire_add(out, "none", 4, err));
	CP_TRY(cp_sshwire_add(out, "none", 4, err));
	CP_TRY(cp_sshwire_add(out, "", 0, err));
	CP_TRY(cp_sshwire_add_u32(out, 1, err));
	CP_TRY(cp_sshwire_add(out, public.data, public.len, err));
	return cp_sshwire_add(out, hidden.data, hidden.len, err);
}

/* The text of PATH. */
static enum cp_code add_private_text(struct cp_buf *out, const struct cp_seckey *k, const char *comment,
		const char *passphrase, const char *path, struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf blob = CP_BUF(KEY_MAX);
	CP_AUTO(secret) struct cp_buf locked = CP_BUF(KEY_MAX);
	const struct cp_buf *chosen = &blob;

	CP_TRY(add_open_blob(&blob, k, comment, err));
	if (passphrase != NULL && *passphrase != '\0') {
		struct header h;

		CP_TRY(change_lock(&locked, &blob, NULL, passphrase, path, err));
		CP_TRY(read_header(&h, &locked, path, err));
		if (!h.is_protected)
			return cp_fail(err, CP_EIO, "%s: libssh did not lock the key", path);
		chosen = &locked;
	}
	CP_TRY(cp_ssharmor_add(out, LABEL, chosen->data, chosen->len, err));
	return cp_buf_puts(out, "\n", err);
}

/* The text of PATH.pub. */
static enum cp_code add_public_text(struct cp_buf *out, const struct cp_seckey *k, const char *comment,
		struct cp_err *err)
{
	struct cp_pubkey pk;

	cp_seckey_public(&pk, k);
	CP_TRY(cp_pubkey_print(out, &pk, err));
	return cp_buf_printf(out, err, "%s%s\n", *comment ? " " : "", comment);
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

static enum cp_code check_free(const char *path, struct cp_err *err)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return cp_fail(err, CP_EINPUT, "%s: is there already; nothing was written", path);
	return CP_OK;
}

/* A file that got its name although its commit failed later; never somebody else's of that name. */
static void remove_ours(const char *path, const struct stat *ours)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == ours->st_dev && st.st_ino == ours->st_ino)
		unlink(path);
}

/* Both are written beside their places before the first gets its name; half a pair is taken back. */
static enum cp_code write_pair(const char *path, const struct cp_buf *private, const char *pub_path,
		const struct cp_buf *public, struct cp_err *err)
{
	CP_AUTO(newfile) struct cp_newfile key = CP_NEWFILE_NONE;
	CP_AUTO(newfile) struct cp_newfile pub = CP_NEWFILE_NONE;
	struct stat key_st, pub_st;
	enum cp_code code;

	CP_TRY(cp_newfile_begin(&key, path, 0600, err));
	CP_TRY(cp_newfile_begin(&pub, pub_path, 0644, err));
	key.exclusive = pub.exclusive = true;
	CP_TRY(cp_newfile_add(&key, private->data, private->len, err));
	CP_TRY(cp_newfile_add(&pub, public->data, public->len, err));
	if (fstat(key.fd, &key_st) != 0 || fstat(pub.fd, &pub_st) != 0)
		return cp_fail_errno(err, "%s: cannot look at the new key", path);
	code = cp_newfile_commit(&key, err);
	if (code == CP_OK)
		code = cp_newfile_commit(&pub, err);
	if (code != CP_OK) {
		remove_ours(path, &key_st);
		remove_ours(pub_path, &pub_st);
	}
	return code;
}

enum cp_code cp_sshkey_generate(const char *path, const char *comment, const char *passphrase,
		struct cp_err *err)
{
	CP_AUTO(seckey) struct cp_seckey k = { .is_set = true };
	CP_AUTO(secret) struct cp_buf private = CP_BUF(KEY_MAX);
	CP_AUTO(buf) struct cp_buf public = CP_BUF(KEY_MAX);
	CP_AUTO(buf) struct cp_buf pub_path = CP_BUF(KEY_MAX);
	struct cp_pubkey pk;

	if (comment == NULL)
		comment = "";
	if (strlen(comment) > COMMENT_MAX || has_control(comment, strlen(comment)))
		return cp_fail(err, CP_EINPUT, "the key's comment must be one line of at most %d bytes",
				COMMENT_MAX);
	CP_TRY(cp_buf_printf(&pub_path, err, "%s.pub", path));
	CP_TRY(check_free(path, err));
	CP_TRY(check_free(pub_path.data, err));
	crypto_sign_keypair(pk.bytes, k.bytes);
	CP_TRY(add_private_text(&private, &k, comment, passphrase, path, err));
	CP_TRY(add_public_text(&public, &k, comment, err));
	return write_pair(path, &private, pub_path.data, &public, err);
}

/* Public keys */

enum cp_code cp_pubkey_read(struct cp_pubkey *out, const char *line, size_t len, struct cp_err *err)
{
	static const char type[] = KEY_TYPE " ";
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(256);
	const char *base64, *space;
	size_t n;

	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len < sizeof type - 1 || memcmp(line, type, sizeof type - 1) != 0)
		return cp_fail(err, CP_EFORMAT, "not a public key: a line \"" KEY_TYPE " BASE64\" is wanted");
	if (has_control(line, len))
		return cp_fail(err, CP_EFORMAT, "not a public key: more than one line, or control characters");
	base64 = line + sizeof type - 1;
	n = len - (sizeof type - 1);
	space = memchr(base64, ' ', n);
	if (space != NULL)
		n = (size_t)(space - base64);
	if (n > 128 || cp_base64_read(&blob, base64, n, NULL) != CP_OK
	    || !cp_pubkey_from(out, (struct cp_sshwire){ (const uint8_t *)blob.data, blob.len }))
		return cp_fail(err, CP_EFORMAT, "not a public key: its base64 does not hold a " KEY_TYPE " key");
	return CP_OK;
}

enum cp_code cp_pubkey_print(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(256);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(256);

	CP_TRY(cp_pubkey_add(&blob, k, err));
	CP_TRY(cp_buf_puts(&text, KEY_TYPE " ", err));
	CP_TRY(cp_base64_add(&text, blob.data, blob.len, err));
	return cp_buf_add(out, text.data, text.len, err);
}

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ -,.\t"

static enum cp_code fingerprint(uint8_t hash[crypto_hash_sha256_BYTES], const struct cp_pubkey *k, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(256);

	CP_TRY(cp_pubkey_add(&blob, k, err));
	crypto_hash_sha256(hash, (const unsigned char *)blob.data, blob.len);
	return CP_OK;
}

enum cp_code cp_pubkey_fingerprint(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

	CP_TRY(fingerprint(hash, k, err));
	sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return cp_buf_printf(out, err, "SHA256:%s", text);
}

/* A proquint: consonant, vowel, consonant, vowel, consonant, for 4, 2, 4, 2 and 4 bits. */
static void word_of(char out[6], unsigned bits)
{
	static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";

	out[0] = consonants[bits >> 12 & 15];
	out[1] = vowels[bits >> 10 & 3];
	out[2] = consonants[bits >> 6 & 15];
	out[3] = vowels[bits >> 4 & 3];
	out[4] = consonants[bits & 15];
	out[5] = '\0';
}

enum cp_code cp_pubkey_words(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	CP_TRY(fingerprint(hash, k, err));
	for (size_t i = 0; i < CP_FINGERPRINT_WORDS; i++) {
		char word[6];

		word_of(word, (unsigned)hash[2 * i] << 8 | hash[2 * i + 1]);
		CP_TRY(cp_buf_printf(out, err, "%s%s", i > 0 ? "-" : "", word));
	}
	return CP_OK;
}

void cp_passphrase_random(char out[CP_PASSPHRASE_SIZE])
{
	char *at = out;

	for (size_t i = 0; i < CP_PASSPHRASE_WORDS; i++, at += 6) {
		word_of(at, randombytes_uniform(1 << 16));
		at[5] = i + 1 < CP_PASSPHRASE_WORDS ? '-' : '\0';
	}
}

/* Letters only, small. */
static void letters_of(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			out[n++] = (char)(*text | 0x20);
	out[n] = '\0';
}

enum cp_code cp_pubkey_fits(const struct cp_pubkey *k, const char *text, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf print = CP_BUF(256), words = CP_BUF(256);
	char said[64], is[64];

	CP_TRY(cp_pubkey_fingerprint(&print, k, err));
	CP_TRY(cp_pubkey_words(&words, k, err));
	letters_of(said, sizeof said, text);
	letters_of(is, sizeof is, words.data);
	*out = strcmp(text, print.data) == 0 || (strspn(text, WORD_CHARACTERS) == strlen(text) && strcmp(said, is) == 0);
	return CP_OK;
}
