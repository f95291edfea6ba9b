/*
 * A file in encryption out of hostile hands. The first byte chooses: 'h' any file, 'p' what
 * stands behind the recipient of a header that opens with the key, 'c' one that is decrypted: a
 * payload with bits flipped as the input says.
 */
#include "formats/age.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cp_seckey key = { .is_set = true };
static struct cp_pubkey public;

static enum cp_code to_buf(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_buf_add(user, bytes, len, err);
}

/* What opens is read to its end; was says which bytes it must then be, unless NULL. */
static void try_file(const void *bytes, size_t len, const void *was, size_t was_len)
{
	CP_AUTO(agein) struct cp_agein *a = NULL;
	struct cp_err err = { CP_OK, "" };
	static char plain[1 << 20];
	int fd = memfd_create("age", MFD_CLOEXEC);
	enum cp_code code;

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	code = cp_agein_open(&a, fd, &err);
	if (code == CP_OK)
		code = cp_agein_unlock(a, &key, &err);
	if (code == CP_OK && cp_agein_size(a) <= sizeof plain)
		code = cp_agein_read(a, plain, (size_t)cp_agein_size(a), 0, &err);
	assert(code == CP_OK || code == CP_EFORMAT || code == CP_EKEY);
	assert(code == CP_OK || (err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
	if (code == CP_OK && was != NULL)
		assert(cp_agein_size(a) == was_len && memcmp(plain, was, was_len) == 0);
	close(fd);
}

static void written(struct cp_buf *out, const void *bytes, size_t len)
{
	CP_AUTO(ageout) struct cp_ageout *o = NULL;

	assert(cp_ageout_begin(&o, &public, 1, to_buf, out, NULL) == CP_OK && cp_ageout_add(o, bytes, len, NULL) == CP_OK &&
		cp_ageout_end(o, NULL) == CP_OK);
}

static void try_header(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(CP_TEXT_MAX), real = CP_BUF(CP_TEXT_MAX);

	written(&real, "", 0);
	assert(cp_buf_add(&file, real.data, (size_t)(strstr(real.data, "---") - real.data), NULL) == CP_OK &&
		cp_buf_add(&file, data, size, NULL) == CP_OK);
	try_file(file.data, file.len, NULL, 0);
}

static void try_payload(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(CP_TEXT_MAX);

	written(&file, data, size);
	for (size_t i = 0; i + 2 < size; i += 3) {
		size_t at = (size_t)(data[i] << 8 | data[i + 1]) % file.len;

		file.data[at] = (char)(file.data[at] ^ data[i + 2]);
	}
	try_file(file.data, file.len, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32] = "one";

	cp_hash_setup();
	crypto_sign_seed_keypair(public.bytes, key.bytes, seed);
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'h': try_file(data + 1, size - 1, NULL, 0); break;
	case 'p': try_header(data + 1, size - 1); break;
	case 'c': try_payload(data + 1, size - 1); break;
	default: break;
	}
	return 0;
}
