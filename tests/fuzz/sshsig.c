/*
 * Signatures, public keys and private key files out of hostile hands. The first
 * byte chooses: 'a' an armour, 'b' the bytes inside one, 'p' a public key's line,
 * 'f' a private key file, 'k' the bytes inside one.
 */
#include "formats/sshsig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/sshkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nobody but the holder of a key can make what is accepted, or it is a block that was made for "m". */
static void try_armor(const char *text, size_t len)
{
	struct cp_err err = { 0 };
	struct cp_pubkey signer;
	enum cp_code code = cp_sshsig_verify(&signer, text, len, "git", "m", 1, &err);

	assert(code == CP_OK || code == CP_EFORMAT || code == CP_ETRUST);
	assert(code == CP_OK || (err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
}

static void try_signature_bytes(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	if (cp_ssharmor_add(&text, "SSH SIGNATURE", data, size, NULL) == CP_OK)
		try_armor(text.data, text.len);
}

/* What is read prints as a line that reads as the same key. */
static void try_public(const char *text, size_t len)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
	struct cp_pubkey key, again;

	if (cp_pubkey_read(&key, text, len, NULL) != CP_OK)
		return;
	if (cp_pubkey_print(&line, &key, NULL) != CP_OK || cp_pubkey_read(&again, line.data, line.len, NULL) != CP_OK
	    || memcmp(&key, &again, sizeof key) != 0)
		abort();
}

/* Without a passphrase, so that nothing gets as far as libssh. */
static void try_file(const void *bytes, size_t len)
{
	CP_AUTO(seckey) struct cp_seckey key = { .is_set = false };
	char path[64];
	int fd = memfd_create("key", 0);
	bool is_protected;

	if (fd < 0)
		return;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (write(fd, bytes, len) == (ssize_t)len
	    && cp_sshkey_is_protected(&is_protected, path, NULL) == CP_OK
	    && cp_sshkey_read(&key, path, NULL, NULL) == CP_OK && (is_protected || !key.is_set))
		abort();
	close(fd);
}

static void try_file_bytes(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	if (cp_ssharmor_add(&text, "OPENSSH PRIVATE KEY", data, size, NULL) == CP_OK)
		try_file(text.data, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cp_hash_setup();
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'a': try_armor((const char *)data + 1, size - 1); break;
	case 'b': try_signature_bytes(data + 1, size - 1); break;
	case 'p': try_public((const char *)data + 1, size - 1); break;
	case 'f': try_file(data + 1, size - 1); break;
	case 'k': try_file_bytes(data + 1, size - 1); break;
	default: break;
	}
	return 0;
}
