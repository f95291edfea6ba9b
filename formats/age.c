#include "formats/age.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VERSION "age-encryption.org/"
#define VERSION_LINE VERSION "v1"
#define ARMOR "-----BEGIN AGE ENCRYPTED FILE-----"
#define SSH_LABEL "age-encryption.org/v1/ssh-ed25519"
#define KIND "ssh-ed25519"
#define BASE64 sodium_base64_VARIANT_ORIGINAL_NO_PADDING

enum {
	FILEKEY = sizeof ((struct cp_filekey *)0)->bytes,
	KEY = 32,                           /* every derived key, every point, the MAC */
	MARK = 4,                           /* of a recipient: the first bytes of a hash of its key */
	SALT = 16,                          /* in front of the payload */
	SEAL = crypto_aead_chacha20poly1305_ietf_ABYTES,
	CHUNK = 64 << 10,
	SEALED = CHUNK + SEAL,
	NONCE = crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
	COLUMNS = 64,                       /* of a stanza's body */
	KEY_BASE64 = 43,
	STANZA = 4 + sizeof KIND + 6 + 1 + KEY_BASE64 + 1 + KEY_BASE64, /* bytes of one that we write, with two newlines */
	PIECE = 4096,                       /* of the header, read at once */
};

/* ---- keys ------------------------------------------------------------------------- */

/* HKDF-SHA-256 (RFC 5869), of which one block is always enough. */
static void derive(uint8_t out[KEY], const void *secret, size_t secret_len, const void *salt, size_t salt_len,
		const char *label)
{
	crypto_auth_hmacsha256_state h;
	uint8_t extracted[KEY];

	crypto_auth_hmacsha256_init(&h, salt, salt_len);
	crypto_auth_hmacsha256_update(&h, secret, secret_len);
	crypto_auth_hmacsha256_final(&h, extracted);
	crypto_auth_hmacsha256_init(&h, extracted, sizeof extracted);
	crypto_auth_hmacsha256_update(&h, (const uint8_t *)label, strlen(label));
	crypto_auth_hmacsha256_update(&h, (const uint8_t *)"\1", 1);
	crypto_auth_hmacsha256_final(&h, out);
	sodium_memzero(extracted, sizeof extracted);
	sodium_memzero(&h, sizeof h);
}

/* A recipient as its stanzas see it. */
struct recipient {
	uint8_t point[KEY];  /* its key on Curve25519 */
	uint8_t tweak[KEY];
	uint8_t mark[MARK];
};

/* A wire string of the key's kind, and one of the key: what hashes of SSH keys are made of. */
static void key_wire(uint8_t out[4 + sizeof KIND - 1 + 4 + KEY], const struct cp_pubkey *key)
{
	static const uint8_t kind[] = "\0\0\0\13" KIND "\0\0\0\40";

	memcpy(out, kind, sizeof kind - 1);
	memcpy(out + sizeof kind - 1, key->bytes, KEY);
}

static void mark_of(uint8_t out[MARK], const struct cp_pubkey *key)
{
	uint8_t wire[4 + sizeof KIND - 1 + 4 + KEY], hash[crypto_hash_sha256_BYTES];

	key_wire(wire, key);
	crypto_hash_sha256(hash, wire, sizeof wire);
	memcpy(out, hash, MARK);
}

static bool recipient_of(struct recipient *out, const struct cp_pubkey *key)
{
	uint8_t wire[4 + sizeof KIND - 1 + 4 + KEY];

	key_wire(wire, key);
	mark_of(out->mark, key);
	derive(out->tweak, "", 0, wire, sizeof wire, SSH_LABEL);
	return crypto_sign_ed25519_pk_to_curve25519(out->point, key->bytes) == 0;
}

/* The key that wraps the file's, from our secret and their point; false when a point is of small order. */
static bool wrapping_key(uint8_t out[KEY], const uint8_t secret[KEY], const uint8_t theirs[KEY],
		const uint8_t share[KEY], const struct recipient *r)
{
	uint8_t shared[KEY], tweaked[KEY], salt[2 * KEY];
	bool fits = crypto_scalarmult_curve25519(shared, secret, theirs) == 0 &&
		crypto_scalarmult_curve25519(tweaked, r->tweak, shared) == 0;

	memcpy(salt, share, KEY);
	memcpy(salt + KEY, r->point, KEY);
	if (fits)
		derive(out, tweaked, sizeof tweaked, salt, sizeof salt, SSH_LABEL);
	sodium_memzero(shared, sizeof shared);
	sodium_memzero(tweaked, sizeof tweaked);
	return fits;
}

static void header_mac(uint8_t out[KEY], const struct cp_filekey *key, const char *text, size_t len)
{
	uint8_t mac_key[KEY];

	derive(mac_key, key->bytes, sizeof key->bytes, "", 0, "header");
	crypto_auth_hmacsha256(out, (const uint8_t *)text, len, mac_key);
	sodium_memzero(mac_key, sizeof mac_key);
}

/* The number of a chunk, 11 bytes big-endian, and whether it is the last. */
static void chunk_nonce(uint8_t out[NONCE], uint64_t number, bool is_last)
{
	memset(out, 0, NONCE);
	for (int i = 0; i < 8; i++)
		out[NONCE - 2 - i] = (uint8_t)(number >> 8 * i);
	out[NONCE - 1] = is_last;
}

static const uint8_t no_nonce[NONCE]; /* what a wrapping key wraps is all that it ever wraps */

/* ---- writing ---------------------------------------------------------------------- */

struct cp_ageout {
	cp_sink *sink;
	void *user;
	struct cp_filekey key;
	uint8_t payload_key[KEY];
	uint64_t number;       /* of the present chunk */
	size_t len;            /* of what it holds */
	bool has_ended;
	uint8_t plain[CHUNK], sealed[SEALED];
};

static enum cp_code add_base64(struct cp_buf *out, const uint8_t *bytes, size_t len, const char *end, struct cp_err *err)
{
	char text[sodium_base64_ENCODED_LEN(KEY, BASE64)];

	assert(len <= KEY);
	sodium_bin2base64(text, sizeof text, bytes, len, BASE64);
	return cp_buf_printf(out, err, "%s%s", text, end);
}

static enum cp_code add_stanza(struct cp_buf *out, const struct cp_filekey *key, const struct cp_pubkey *to, struct cp_err *err)
{
	uint8_t secret[KEY], share[KEY], wrap[KEY], body[FILEKEY + SEAL];
	struct recipient r;
	bool fits;

	randombytes_buf(secret, sizeof secret);
	crypto_scalarmult_curve25519_base(share, secret);
	fits = recipient_of(&r, to) && wrapping_key(wrap, secret, r.point, share, &r);
	sodium_memzero(secret, sizeof secret);
	if (!fits)
		return cp_fail(err, CP_EINPUT, "nothing can be encrypted to that public key: it is none");
	crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, key->bytes, FILEKEY, NULL, 0, NULL, no_nonce, wrap);
	sodium_memzero(wrap, sizeof wrap);
	CP_TRY(cp_buf_puts(out, "-> " KIND " ", err));
	CP_TRY(add_base64(out, r.mark, sizeof r.mark, " ", err));
	CP_TRY(add_base64(out, share, sizeof share, "\n", err));
	return add_base64(out, body, sizeof body, "\n", err);
}

static enum cp_code add_header(struct cp_buf *out, const struct cp_filekey *key, const struct cp_pubkey *to, size_t n,
		struct cp_err *err)
{
	uint8_t mac[KEY];

	CP_TRY(cp_buf_puts(out, VERSION_LINE "\n", err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(add_stanza(out, key, &to[i], err));
	CP_TRY(cp_buf_puts(out, "---", err));
	header_mac(mac, key, out->data, out->len);
	CP_TRY(cp_buf_puts(out, " ", err));
	return add_base64(out, mac, sizeof mac, "\n", err);
}

static enum cp_code begin(struct cp_ageout *o, const struct cp_pubkey *to, size_t n, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf header = CP_BUF(CP_AGE_MAX_HEADER);
	uint8_t salt[SALT];

	randombytes_buf(o->key.bytes, sizeof o->key.bytes);
	randombytes_buf(salt, sizeof salt);
	derive(o->payload_key, o->key.bytes, sizeof o->key.bytes, salt, sizeof salt, "payload");
	CP_TRY(add_header(&header, &o->key, to, n, err));
	CP_TRY(cp_buf_add(&header, salt, sizeof salt, err));
	return o->sink(o->user, header.data, header.len, err);
}

enum cp_code cp_ageout_begin(struct cp_ageout **out, const struct cp_pubkey *to, size_t n, cp_sink *sink, void *user,
		struct cp_err *err)
{
	CP_AUTO(ageout) struct cp_ageout *o = NULL;

	if (n == 0 || n > CP_AGE_MAX_STANZAS)
		return cp_fail(err, CP_EINPUT, "%zu keys to encrypt to; 1 to %d can be", n, CP_AGE_MAX_STANZAS);
	o = malloc(sizeof *o);
	if (o == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	o->sink = sink;
	o->user = user;
	o->number = 0;
	o->len = 0;
	o->has_ended = false;
	CP_TRY(begin(o, to, n, err));
	*out = o;
	o = NULL;
	return CP_OK;
}

static enum cp_code seal_chunk(struct cp_ageout *o, bool is_last, struct cp_err *err)
{
	uint8_t nonce[NONCE];
	size_t len = o->len;

	chunk_nonce(nonce, o->number, is_last);
	crypto_aead_chacha20poly1305_ietf_encrypt(o->sealed, NULL, o->plain, len, NULL, 0, NULL, nonce, o->payload_key);
	o->number++;
	o->len = 0;
	return o->sink(o->user, o->sealed, len + SEAL, err);
}

/* A full chunk waits until more comes: the last one may be full. */
enum cp_code cp_ageout_add(struct cp_ageout *o, const void *bytes, size_t len, struct cp_err *err)
{
	const uint8_t *at = bytes;

	assert(!o->has_ended);
	while (len > 0) {
		size_t n = len < CHUNK - o->len ? len : CHUNK - o->len;

		if (n == 0) {
			CP_TRY(seal_chunk(o, false, err));
			continue;
		}
		memcpy(o->plain + o->len, at, n);
		o->len += n;
		at += n;
		len -= n;
	}
	return CP_OK;
}

enum cp_code cp_ageout_end(struct cp_ageout *o, struct cp_err *err)
{
	assert(!o->has_ended);
	o->has_ended = true;
	return seal_chunk(o, true, err);
}

const struct cp_filekey *cp_ageout_key(const struct cp_ageout *o)
{
	return &o->key;
}

void cp_ageout_free(struct cp_ageout *o)
{
	if (o == NULL)
		return;
	sodium_memzero(o, sizeof *o);
	free(o);
}

void cp_ageout_drop(struct cp_ageout **o)
{
	cp_ageout_free(*o);
	*o = NULL;
}

uint64_t cp_age_size(uint64_t size, size_t n)
{
	uint64_t chunks = size == 0 ? 1 : (size + CHUNK - 1) / CHUNK;

	return sizeof VERSION_LINE + n * STANZA + 4 + KEY_BASE64 + 1 + SALT + size + chunks * SEAL;
}

/* ---- the header, read ------------------------------------------------------------- */

struct stanza { uint8_t mark[MARK], share[KEY], body[FILEKEY + SEAL]; };

struct cp_agein {
	int fd;
	struct cp_buf text;           /* of the header, and what was read behind it */
	size_t at;                    /* in text: behind the last line read */
	size_t mac_len;               /* of what the MAC covers */
	uint8_t mac[KEY];
	struct stanza *stanzas;       /* those for SSH keys */
	size_t n_stanzas, n_recipients;
	uint64_t size, chunks;        /* of what is encrypted */
	bool is_open;                 /* unlocked: the key below holds */
	uint8_t payload_key[KEY];
	uint64_t number;              /* of the chunk in plain; UINT64_MAX: none */
	uint8_t plain[CHUNK], sealed[SEALED];
};

struct span { const char *at; size_t len; };

static bool is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* Canonical base64 without padding, into as much room. libsodium takes bytes above 127 for letters. */
static bool decode(uint8_t *out, size_t room, struct span s, size_t *len)
{
	return cp_base64_spelled(s.at, s.len, "") && sodium_base642bin(out, room, s.at, s.len, NULL, len, NULL, BASE64) == 0;
}

/* Of exactly len bytes. */
static bool unbase64(uint8_t *out, size_t len, struct span s)
{
	size_t found = 0;

	return decode(out, len, s, &found) && found == len;
}

static enum cp_code fail_header(const struct cp_agein *a, const char *why, struct cp_err *err)
{
	return cp_fail(err, CP_EFORMAT, "damaged: its age header makes no sense before byte %zu: %s", a->at, why);
}

static enum cp_code more_text(struct cp_agein *a, struct cp_err *err)
{
	size_t n = 0;

	if (a->text.len >= CP_AGE_MAX_HEADER)
		return cp_fail(err, CP_EFORMAT, "its age header is longer than the limit of %zu bytes", CP_AGE_MAX_HEADER);
	CP_TRY(cp_buf_room(&a->text, PIECE, err));
	CP_TRY(cp_file_read_some(a->fd, a->text.data + a->text.len, PIECE, a->text.len, &n, err));
	a->text.len += n;
	return n > 0 ? CP_OK : fail_header(a, "cut short", err);
}

/* The next line without its newline; it holds until the next is read. */
static enum cp_code next_line(struct cp_agein *a, struct span *out, struct cp_err *err)
{
	const char *end = NULL;

	while (a->text.len == 0 || (end = memchr(a->text.data + a->at, '\n', a->text.len - a->at)) == NULL)
		CP_TRY(more_text(a, err));
	out->at = a->text.data + a->at;
	out->len = (size_t)(end - out->at);
	a->at += out->len + 1;
	return CP_OK;
}

/* Words of visible characters with one space between them; the first three are kept, all are counted. */
static bool split_words(struct span line, struct span words[3], size_t *n)
{
	size_t from = 0;

	*n = 0;
	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.at[i] != ' ') {
			if (line.at[i] < '!' || line.at[i] > '~')
				return false;
			continue;
		}
		if (i == from)
			return false;
		if (*n < 3)
			words[*n] = (struct span){ line.at + from, i - from };
		++*n;
		from = i + 1;
	}
	return true;
}

/* The lines of a body, of which the last is shorter than the others. Its first bytes are kept, all are counted. */
static enum cp_code read_body(struct cp_agein *a, uint8_t first[COLUMNS / 4 * 3], size_t *len, struct cp_err *err)
{
	struct span line;

	*len = 0;
	do {
		uint8_t bytes[COLUMNS / 4 * 3];
		size_t n = 0;

		CP_TRY(next_line(a, &line, err));
		if (line.len > COLUMNS || !decode(bytes, sizeof bytes, line, &n))
			return fail_header(a, "not base64 in 64 columns", err);
		if (*len == 0)
			memcpy(first, bytes, n);
		*len += n;
	} while (line.len == COLUMNS);
	return CP_OK;
}

static enum cp_code keep_stanza(struct cp_agein *a, const struct stanza *s, struct cp_err *err)
{
	struct stanza *list = reallocarray(a->stanzas, a->n_stanzas + 1, sizeof *list);

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	a->stanzas = list;
	list[a->n_stanzas++] = *s;
	return CP_OK;
}

static enum cp_code read_stanza(struct cp_agein *a, struct span line, bool *is_password, struct cp_err *err)
{
	struct stanza s = { .mark = { 0 } };
	uint8_t body[COLUMNS / 4 * 3];
	struct span words[3];
	size_t n, len;
	bool is_ssh;

	if (++a->n_recipients > CP_AGE_MAX_STANZAS)
		return cp_fail(err, CP_EFORMAT, "encrypted to more than %d recipients", CP_AGE_MAX_STANZAS);
	if (line.len < 3 || memcmp(line.at, "-> ", 3) != 0 || !split_words((struct span){ line.at + 3, line.len - 3 }, words, &n))
		return fail_header(a, "not a recipient", err);
	is_ssh = is_word(words[0], KIND);
	*is_password = *is_password || is_word(words[0], "scrypt");
	if (is_ssh && (n != 3 || !unbase64(s.mark, sizeof s.mark, words[1]) || !unbase64(s.share, sizeof s.share, words[2])))
		return fail_header(a, "not a recipient with an SSH key", err);
	CP_TRY(read_body(a, body, &len, err));
	if (!is_ssh)
		return CP_OK;
	if (len != sizeof s.body)
		return fail_header(a, "not a key for a recipient with an SSH key", err);
	memcpy(s.body, body, len);
	return keep_stanza(a, &s, err);
}

static enum cp_code read_version(struct cp_agein *a, struct cp_err *err)
{
	struct span line;

	while (a->text.len < sizeof ARMOR - 1)
		CP_TRY(more_text(a, err));
	if (memcmp(a->text.data, ARMOR, sizeof ARMOR - 1) == 0)
		return cp_fail(err, CP_EFORMAT, "is encrypted and armoured as text, which is not read here; `sed '1d;$d' FILE | base64 -d` "
				"takes the armour off");
	CP_TRY(next_line(a, &line, err));
	if (is_word(line, VERSION_LINE))
		return CP_OK;
	if (line.len > sizeof VERSION - 1 && memcmp(line.at, VERSION, sizeof VERSION - 1) == 0)
		return cp_fail(err, CP_EFORMAT, "is encrypted with another version of age than v1: needs a newer casepack, or is damaged");
	return fail_header(a, "no version", err);
}

static enum cp_code read_header(struct cp_agein *a, struct cp_err *err)
{
	bool is_password = false;
	struct span line;

	CP_TRY(read_version(a, err));
	for (;;) {
		CP_TRY(next_line(a, &line, err));
		if (line.len >= 3 && memcmp(line.at, "---", 3) == 0)
			break;
		CP_TRY(read_stanza(a, line, &is_password, err));
	}
	if (a->n_recipients == 0 || line.len != 4 + KEY_BASE64 || line.at[3] != ' ' ||
	    !unbase64(a->mac, sizeof a->mac, (struct span){ line.at + 4, KEY_BASE64 }))
		return fail_header(a, "no recipient, or no code of authentication", err);
	if (is_password && a->n_recipients > 1)
		return fail_header(a, "a password among other recipients", err);
	a->mac_len = (size_t)(line.at + 3 - a->text.data);
	return CP_OK;
}

/* How much it holds follows from how long it is; what is impossible was cut, or has grown. */
static enum cp_code measure(struct cp_agein *a, struct cp_err *err)
{
	struct stat st;
	uint64_t sealed, last;

	if (fstat(a->fd, &st) != 0)
		return cp_fail_errno(err, "cannot look at the file");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < a->at + SALT + SEAL)
		return cp_fail(err, CP_EFORMAT, "cut short: nothing is left behind its age header");
	sealed = (uint64_t)st.st_size - a->at - SALT;
	a->chunks = (sealed + SEALED - 1) / SEALED;
	last = sealed - (a->chunks - 1) * SEALED;
	if (last < SEAL || (last == SEAL && a->chunks > 1))
		return cp_fail(err, CP_EFORMAT, "cut short, or something follows: its last chunk cannot have %" PRIu64 " bytes", last);
	a->size = sealed - a->chunks * SEAL;
	return CP_OK;
}

bool cp_age_begins(const void *bytes, size_t len)
{
	return (len >= sizeof VERSION - 1 && memcmp(bytes, VERSION, sizeof VERSION - 1) == 0) ||
		(len >= sizeof ARMOR - 1 && memcmp(bytes, ARMOR, sizeof ARMOR - 1) == 0);
}

enum cp_code cp_agein_open(struct cp_agein **out, int fd, struct cp_err *err)
{
	CP_AUTO(agein) struct cp_agein *a = calloc(1, sizeof *a);

	if (a == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	a->fd = fd;
	a->text = (struct cp_buf)CP_BUF(CP_AGE_MAX_HEADER + PIECE);
	a->number = UINT64_MAX;
	CP_TRY(read_header(a, err));
	CP_TRY(measure(a, err));
	*out = a;
	a = NULL;
	return CP_OK;
}

void cp_agein_free(struct cp_agein *a)
{
	if (a == NULL)
		return;
	cp_buf_drop(&a->text);
	free(a->stanzas);
	sodium_memzero(a, sizeof *a);
	free(a);
}

void cp_agein_drop(struct cp_agein **a)
{
	cp_agein_free(*a);
	*a = NULL;
}

size_t cp_agein_recipients(const struct cp_agein *a)
{
	return a->n_recipients;
}

uint64_t cp_agein_size(const struct cp_agein *a)
{
	return a->size;
}

bool cp_agein_is_to(const struct cp_agein *a, const struct cp_pubkey *key)
{
	uint8_t mark[MARK];

	mark_of(mark, key);
	for (size_t i = 0; i < a->n_stanzas; i++)
		if (memcmp(a->stanzas[i].mark, mark, sizeof mark) == 0)
			return true;
	return false;
}

/* ---- what is encrypted ------------------------------------------------------------ */

/* Decrypt a chunk into plain. */
static enum cp_code load_chunk(struct cp_agein *a, uint64_t number, struct cp_err *err)
{
	bool is_last = number == a->chunks - 1;
	size_t len = is_last ? (size_t)(a->size - number * CHUNK) + SEAL : SEALED;
	uint8_t nonce[NONCE];

	if (a->number == number)
		return CP_OK;
	a->number = UINT64_MAX;
	CP_TRY(cp_file_read_at(a->fd, a->sealed, len, a->at + SALT + number * SEALED, err));
	chunk_nonce(nonce, number, is_last);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(a->plain, NULL, NULL, a->sealed, len, NULL, 0, nonce, a->payload_key) != 0)
		return cp_fail(err, CP_EFORMAT, "damaged, or cut short: chunk %" PRIu64 " of %" PRIu64 " of what is encrypted does not hold; "
				"ask for the file again", number + 1, a->chunks);
	a->number = number;
	return CP_OK;
}

enum cp_code cp_agein_read(void *user, void *bytes, size_t len, uint64_t offset, struct cp_err *err)
{
	struct cp_agein *a = user;
	uint8_t *out = bytes;

	assert(a->is_open);
	if (offset > a->size || len > a->size - offset)
		return cp_fail(err, CP_EFORMAT, "cut short at byte %" PRIu64 " of what is encrypted", a->size);
	while (len > 0) {
		size_t from = (size_t)(offset % CHUNK);
		size_t n = len < CHUNK - from ? len : CHUNK - from;

		CP_TRY(load_chunk(a, offset / CHUNK, err));
		memcpy(out, a->plain + from, n);
		out += n;
		offset += n;
		len -= n;
	}
	return CP_OK;
}

enum cp_code cp_agein_unlock_with(struct cp_agein *a, const struct cp_filekey *key, struct cp_err *err)
{
	uint8_t mac[KEY], salt[SALT];

	header_mac(mac, key, a->text.data, a->mac_len);
	if (sodium_memcmp(mac, a->mac, sizeof mac) != 0)
		return cp_fail(err, CP_EFORMAT, "damaged: its age header was changed");
	CP_TRY(cp_file_read_at(a->fd, salt, sizeof salt, a->at, err));
	derive(a->payload_key, key->bytes, sizeof key->bytes, salt, sizeof salt, "payload");
	CP_TRY(load_chunk(a, a->chunks - 1, err));
	a->is_open = true;
	return CP_OK;
}

static bool unwrap(struct cp_filekey *out, const struct stanza *s, const struct recipient *r, const uint8_t secret[KEY])
{
	uint8_t wrap[KEY];
	bool fits = wrapping_key(wrap, secret, s->share, s->share, r) &&
		crypto_aead_chacha20poly1305_ietf_decrypt(out->bytes, NULL, NULL, s->body, sizeof s->body, NULL, 0, no_nonce,
				wrap) == 0;

	sodium_memzero(wrap, sizeof wrap);
	return fits;
}

/* The stanzas that name the key, one after the other: their marks are short. */
static enum cp_code find_filekey(struct cp_filekey *out, const struct cp_agein *a, const struct cp_seckey *key, struct cp_err *err)
{
	uint8_t secret[KEY];
	struct recipient r;
	struct cp_pubkey public;
	bool is_named = false, found = false;

	cp_seckey_public(&public, key);
	if (!recipient_of(&r, &public) || crypto_sign_ed25519_sk_to_curve25519(secret, key->bytes) != 0)
		return cp_fail(err, CP_EKEY, "the key is none with which can be decrypted");
	for (size_t i = 0; i < a->n_stanzas && !found; i++) {
		bool is_it = memcmp(a->stanzas[i].mark, r.mark, sizeof r.mark) == 0;

		is_named = is_named || is_it;
		found = is_it && unwrap(out, &a->stanzas[i], &r, secret);
	}
	sodium_memzero(secret, sizeof secret);
	if (found)
		return CP_OK;
	return is_named ? cp_fail(err, CP_EFORMAT, "damaged: its age header names the key, and does not open with it")
		: cp_fail(err, CP_EKEY, "is encrypted, and not to this key");
}

enum cp_code cp_agein_unlock(struct cp_agein *a, const struct cp_seckey *key, struct cp_err *err)
{
	struct cp_filekey file;
	enum cp_code code = find_filekey(&file, a, key, err);

	if (code == CP_OK)
		code = cp_agein_unlock_with(a, &file, err);
	sodium_memzero(&file, sizeof file);
	return code;
}
