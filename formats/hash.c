#include "formats/hash.h"

#include <assert.h>
#include <string.h>

void cp_hash_setup(void)
{
	int rc = sodium_init();

	assert(rc >= 0);
	(void)rc;
}

void cp_hash_bytes(struct cp_hash *out, const void *bytes, size_t len)
{
	crypto_generichash(out->bytes, sizeof out->bytes, bytes, len, NULL, 0);
}

void cp_hash_keyed(struct cp_hash *out, const uint8_t key[32], const void *bytes, size_t len)
{
	crypto_generichash(out->bytes, sizeof out->bytes, bytes, len, key, 32);
}

void cp_hasher_begin(struct cp_hasher *h)
{
	crypto_generichash_init(&h->state, NULL, 0, sizeof(struct cp_hash));
}

void cp_hasher_add(struct cp_hasher *h, const void *bytes, size_t len)
{
	crypto_generichash_update(&h->state, bytes, len);
}

void cp_hasher_add_part(struct cp_hasher *h, const void *bytes, size_t len)
{
	uint8_t prefix[8];

	for (int i = 0; i < 8; i++)
		prefix[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	cp_hasher_add(h, prefix, sizeof prefix);
	cp_hasher_add(h, bytes, len);
}

void cp_hasher_end(struct cp_hasher *h, struct cp_hash *out)
{
	crypto_generichash_final(&h->state, out->bytes, sizeof out->bytes);
}

void cp_id_derive(struct cp_id *out, const char *kind, size_t n,
		const void *const parts[], const size_t lens[])
{
	struct cp_hasher h;
	struct cp_hash whole;

	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, kind, strlen(kind));
	for (size_t i = 0; i < n; i++)
		cp_hasher_add_part(&h, parts[i], lens[i]);
	cp_hasher_end(&h, &whole);
	memcpy(out->bytes, whole.bytes, sizeof out->bytes);
}

void cp_id_random(struct cp_id *out)
{
	randombytes_buf(out->bytes, sizeof out->bytes);
}

void cp_rev_random(struct cp_rev *out)
{
	randombytes_buf(out->bytes, sizeof out->bytes);
}

bool cp_id_equal(const struct cp_id *a, const struct cp_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

char *cp_hex(char *out, const void *bytes, size_t len)
{
	return sodium_bin2hex(out, 2 * len + 1, bytes, len);
}

bool cp_unhex(void *out, size_t len, const char *hex)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < 2 * len; i++) {
		char c = hex[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] << 4 | digit : digit);
	}
	return hex[2 * len] == '\0';
}

enum cp_code cp_base64_add(struct cp_buf *out, const void *bytes, size_t len, struct cp_err *err)
{
	size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);

	CP_TRY(cp_buf_room(out, room, err));
	sodium_bin2base64(out->data + out->len, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
	out->len += room - 1;
	return CP_OK;
}

bool cp_base64_spelled(const char *text, size_t len, const char *ignored)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
				(c == '\0' || (strchr("+/=", c) == NULL && strchr(ignored, c) == NULL)))
			return false;
	}
	return true;
}

enum cp_code cp_base64_read(struct cp_buf *out, const char *text, size_t len, struct cp_err *err)
{
	size_t got = 0;
	const char *end = NULL;

	CP_TRY(cp_buf_room(out, len, err));
	if (!cp_base64_spelled(text, len, "") || sodium_base642bin((unsigned char *)out->data + out->len, len, text, len, NULL, &got,
			&end, sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + len)
		return cp_fail(err, CP_EFORMAT, "not base64");
	out->len += got;
	out->data[out->len] = '\0';
	return CP_OK;
}
