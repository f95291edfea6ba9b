#include "formats/sshsig.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define KEY_TYPE "ssh-ed25519"
#define HASH_NAME "sha512"
#define MAGIC "SSHSIG" /* six bytes, without the zero */
#define MAGIC_LEN 6
#define VERSION 1
#define COLUMNS 70
#define LABEL "SSH SIGNATURE"

/* What a signature says, pointing into its bytes. */
struct sshsig {
	struct cp_pubkey signer;
	struct cp_sshwire ns;
	uint8_t sig[crypto_sign_BYTES];
};

void cp_seckey_drop(struct cp_seckey *k)
{
	if (k != NULL)
		sodium_memzero(k, sizeof *k);
}

void cp_seckey_public(struct cp_pubkey *out, const struct cp_seckey *k)
{
	assert(k->is_set);
	memcpy(out->bytes, k->bytes + 32, sizeof out->bytes);
}

void cp_secret_drop(struct cp_buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->cap);
	cp_buf_drop(b);
}

/* The wire */

bool cp_sshwire_u32(struct cp_sshwire *r, uint32_t *out)
{
	if (r->left < 4)
		return false;
	*out = (uint32_t)r->at[0] << 24 | (uint32_t)r->at[1] << 16 | (uint32_t)r->at[2] << 8 | r->at[3];
	r->at += 4;
	r->left -= 4;
	return true;
}

bool cp_sshwire_string(struct cp_sshwire *r, struct cp_sshwire *out)
{
	struct cp_sshwire rest = *r;
	uint32_t len;

	if (!cp_sshwire_u32(&rest, &len) || len > rest.left)
		return false;
	*out = (struct cp_sshwire){ rest.at, len };
	*r = (struct cp_sshwire){ rest.at + len, rest.left - len };
	return true;
}

bool cp_sshwire_copy(struct cp_sshwire *r, void *out, size_t len)
{
	struct cp_sshwire rest = *r, view;

	if (!cp_sshwire_string(&rest, &view) || view.left != len)
		return false;
	memcpy(out, view.at, len);
	*r = rest;
	return true;
}

bool cp_sshwire_is(const struct cp_sshwire *view, const char *text)
{
	return view->left == strlen(text) && memcmp(view->at, text, view->left) == 0;
}

bool cp_sshwire_expect(struct cp_sshwire *r, const char *text)
{
	struct cp_sshwire rest = *r, view;

	if (!cp_sshwire_string(&rest, &view) || !cp_sshwire_is(&view, text))
		return false;
	*r = rest;
	return true;
}

const char *cp_sshwire_show(char out[64], const struct cp_sshwire *view)
{
	bool is_plain = view->left > 0 && view->left < 64;

	for (size_t i = 0; is_plain && i < view->left; i++)
		is_plain = view->at[i] > 0x20 && view->at[i] < 0x7f;
	if (is_plain)
		snprintf(out, 64, "%.*s", (int)view->left, (const char *)view->at);
	else
		snprintf(out, 64, "of no known name");
	return out;
}

enum cp_code cp_sshwire_add_u32(struct cp_buf *out, uint32_t n, struct cp_err *err)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return cp_buf_add(out, bytes, sizeof bytes, err);
}

enum cp_code cp_sshwire_add(struct cp_buf *out, const void *bytes, size_t len, struct cp_err *err)
{
	assert(len <= UINT32_MAX);
	CP_TRY(cp_sshwire_add_u32(out, (uint32_t)len, err));
	return cp_buf_add(out, bytes, len, err);
}

static enum cp_code add_text(struct cp_buf *out, const char *text, struct cp_err *err)
{
	return cp_sshwire_add(out, text, strlen(text), err);
}

enum cp_code cp_pubkey_add(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err)
{
	CP_TRY(add_text(out, KEY_TYPE, err));
	return cp_sshwire_add(out, k->bytes, sizeof k->bytes, err);
}

bool cp_pubkey_from(struct cp_pubkey *out, struct cp_sshwire view)
{
	struct cp_pubkey found;

	if (!cp_sshwire_expect(&view, KEY_TYPE) || !cp_sshwire_copy(&view, found.bytes, sizeof found.bytes)
	    || view.left != 0)
		return false;
	*out = found;
	return true;
}

/* The armour */

enum cp_code cp_ssharmor_add(struct cp_buf *out, const char *what, const void *bytes, size_t len,
		struct cp_err *err)
{
	CP_AUTO(secret) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_base64_add(&text, bytes, len, err));
	/* room for all at once, so that no copy of a secret stays behind in freed memory */
	CP_TRY(cp_buf_room(out, text.len + text.len / COLUMNS + 2 * strlen(what) + 40, err));
	CP_TRY(cp_buf_printf(out, err, "-----BEGIN %s-----\n", what));
	for (size_t at = 0; at < text.len; at += COLUMNS) {
		size_t n = text.len - at < COLUMNS ? text.len - at : COLUMNS;

		CP_TRY(cp_buf_add(out, text.data + at, n, err));
		CP_TRY(cp_buf_puts(out, "\n", err));
	}
	return cp_buf_printf(out, err, "-----END %s-----", what);
}

/* Both give the length of the line, or 0 when text does not hold it there. */
static size_t first_line(const char *what, const char *text, size_t len)
{
	char line[80];
	size_t n = (size_t)snprintf(line, sizeof line, "-----BEGIN %s-----", what);

	return len > n && memcmp(text, line, n) == 0 && (text[n] == '\n' || text[n] == '\r') ? n : 0;
}

static size_t last_line(const char *what, const char *text, size_t len)
{
	char line[80];
	size_t n = (size_t)snprintf(line, sizeof line, "-----END %s-----", what);

	return len > n && memcmp(text + len - n, line, n) == 0 && text[len - n - 1] == '\n' ? n : 0;
}

bool cp_ssharmor_read(struct cp_buf *out, const char *what, const char *text, size_t len)
{
	size_t head, tail, got = 0;
	const char *end = NULL;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL && text[len - 1] != '\0')
		len--;
	head = first_line(what, text, len);
	tail = last_line(what, text, len);
	if (head == 0 || tail == 0 || head + tail >= len)
		return false;
	text += head;
	len -= head + tail;
	if (cp_buf_room(out, len, NULL) != CP_OK)
		return false;
	if (!cp_base64_spelled(text, len, "\r\n") ||
			sodium_base642bin((unsigned char *)out->data + out->len, len, text, len, "\r\n", &got, &end,
			sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + len)
		return false;
	out->len += got;
	out->data[out->len] = '\0';
	return true;
}

/* Signatures */

/* The bytes that are signed: they name the namespace and the hash, and hold the message's SHA-512. */
static enum cp_code add_signed_bytes(struct cp_buf *out, const char *ns, const void *message, size_t len,
		struct cp_err *err)
{
	uint8_t hash[crypto_hash_sha512_BYTES];

	crypto_hash_sha512(hash, message, len);
	CP_TRY(cp_buf_add(out, MAGIC, MAGIC_LEN, err));
	CP_TRY(add_text(out, ns, err));
	CP_TRY(add_text(out, "", err));
	CP_TRY(add_text(out, HASH_NAME, err));
	return cp_sshwire_add(out, hash, sizeof hash, err);
}

static enum cp_code add_blob(struct cp_buf *out, const struct cp_pubkey *signer, const char *ns,
		const uint8_t sig[crypto_sign_BYTES], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(256);
	CP_AUTO(buf) struct cp_buf inner = CP_BUF(256);

	CP_TRY(cp_pubkey_add(&key, signer, err));
	CP_TRY(add_text(&inner, KEY_TYPE, err));
	CP_TRY(cp_sshwire_add(&inner, sig, crypto_sign_BYTES, err));
	CP_TRY(cp_buf_add(out, MAGIC, MAGIC_LEN, err));
	CP_TRY(cp_sshwire_add_u32(out, VERSION, err));
	CP_TRY(cp_sshwire_add(out, key.data, key.len, err));
	CP_TRY(add_text(out, ns, err));
	CP_TRY(add_text(out, "", err));
	CP_TRY(add_text(out, HASH_NAME, err));
	return cp_sshwire_add(out, inner.data, inner.len, err);
}

enum cp_code cp_sshsig_sign(struct cp_buf *out, const struct cp_seckey *k, const char *ns,
		const void *message, size_t len, bool final_newline, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf what = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	uint8_t sig[crypto_sign_BYTES];
	struct cp_pubkey signer;

	assert(k->is_set && *ns != '\0' && strlen(ns) <= CP_SSHSIG_NAMESPACE_MAX);
	cp_seckey_public(&signer, k);
	CP_TRY(add_signed_bytes(&what, ns, message, len, err));
	crypto_sign_detached(sig, NULL, (const unsigned char *)what.data, what.len, k->bytes);
	CP_TRY(add_blob(&blob, &signer, ns, sig, err));
	CP_TRY(cp_ssharmor_add(&armor, LABEL, blob.data, blob.len, err));
	if (final_newline)
		CP_TRY(cp_buf_puts(&armor, "\n", err));
	return cp_buf_add(out, armor.data, armor.len, err);
}

/* blob gets the bytes in the armour, if it is the very text that cp_ssharmor_add makes of them. */
static enum cp_code read_armor(struct cp_buf *blob, const char *armor, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf again = CP_BUF(2 * CP_SSHSIG_ARMOR_MAX);

	if (len > CP_SSHSIG_ARMOR_MAX)
		return cp_fail(err, CP_EFORMAT, "signature: %zu bytes, more than the limit of %zu", len,
				CP_SSHSIG_ARMOR_MAX);
	if (!cp_ssharmor_read(blob, LABEL, armor, len))
		return cp_fail(err, CP_EFORMAT, "signature: not one whole SSH SIGNATURE block");
	CP_TRY(cp_ssharmor_add(&again, LABEL, blob->data, blob->len, err));
	if (armor[len - 1] == '\n')
		len--;
	if (len != again.len || memcmp(armor, again.data, len) != 0)
		return cp_fail(err, CP_EFORMAT,
				"signature: an SSH SIGNATURE block with other line breaks than ssh-keygen writes");
	return CP_OK;
}

static enum cp_code read_key(struct sshsig *s, struct cp_sshwire view, struct cp_err *err)
{
	struct cp_sshwire rest = view, type;
	char name[64];

	if (!cp_sshwire_string(&rest, &type))
		return cp_fail(err, CP_EFORMAT, "signature: its key is cut short");
	if (!cp_sshwire_is(&type, KEY_TYPE))
		return cp_fail(err, CP_EFORMAT, "signature: by a key %s, but only " KEY_TYPE " is taken",
				cp_sshwire_show(name, &type));
	if (!cp_pubkey_from(&s->signer, view))
		return cp_fail(err, CP_EFORMAT, "signature: its " KEY_TYPE " key is not 32 bytes");
	return CP_OK;
}

static enum cp_code read_blob(struct sshsig *s, const struct cp_buf *blob, struct cp_err *err)
{
	struct cp_sshwire r = { (const uint8_t *)blob->data, blob->len };
	struct cp_sshwire key, reserved, hash, inner;
	uint32_t version;
	char name[64];

	if (r.left < MAGIC_LEN || memcmp(r.at, MAGIC, MAGIC_LEN) != 0)
		return cp_fail(err, CP_EFORMAT, "signature: does not begin with " MAGIC);
	r.at += MAGIC_LEN;
	r.left -= MAGIC_LEN;
	if (!cp_sshwire_u32(&r, &version) || version != VERSION)
		return cp_fail(err, CP_EFORMAT, "signature: its version is not %d", VERSION);
	if (!cp_sshwire_string(&r, &key) || !cp_sshwire_string(&r, &s->ns) || !cp_sshwire_string(&r, &reserved)
	    || !cp_sshwire_string(&r, &hash) || !cp_sshwire_string(&r, &inner) || r.left != 0)
		return cp_fail(err, CP_EFORMAT, "signature: cut short, or longer than its fields");
	CP_TRY(read_key(s, key, err));
	if (s->ns.left == 0 || reserved.left != 0)
		return cp_fail(err, CP_EFORMAT, "signature: its namespace is empty, or its reserved field is not");
	if (!cp_sshwire_is(&hash, HASH_NAME))
		return cp_fail(err, CP_EFORMAT, "signature: over a hash %s, but only " HASH_NAME " is taken",
				cp_sshwire_show(name, &hash));
	if (!cp_sshwire_expect(&inner, KEY_TYPE) || !cp_sshwire_copy(&inner, s->sig, sizeof s->sig)
	    || inner.left != 0)
		return cp_fail(err, CP_EFORMAT, "signature: not one " KEY_TYPE " signature of 64 bytes");
	return CP_OK;
}

enum cp_code cp_sshsig_verify(struct cp_pubkey *out_signer, const char *armor, size_t armor_len,
		const char *ns, const void *message, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	CP_AUTO(buf) struct cp_buf what = CP_BUF(CP_SSHSIG_ARMOR_MAX);
	struct sshsig s;
	char name[64];

	assert(*ns != '\0' && strlen(ns) <= CP_SSHSIG_NAMESPACE_MAX);
	CP_TRY(read_armor(&blob, armor, armor_len, err));
	CP_TRY(read_blob(&s, &blob, err));
	if (!cp_sshwire_is(&s.ns, ns))
		return cp_fail(err, CP_ETRUST, "signature: made for a purpose %s, not for %s",
				cp_sshwire_show(name, &s.ns), ns);
	CP_TRY(add_signed_bytes(&what, ns, message, len, err));
	if (crypto_sign_verify_detached(s.sig, (const unsigned char *)what.data, what.len, s.signer.bytes) != 0)
		return cp_fail(err, CP_ETRUST, "signature: does not match what it stands for");
	*out_signer = s.signer;
	return CP_OK;
}
