/*
 * Private key files out of hostile hands. The first byte chooses: 'f' the file, 'k' the bytes inside its armour.
 * One that is locked with at most two rounds is opened with the passphrase "p", and so reaches libssh; more rounds
 * cost too much time here. Under aes256-ctr a change of the locked bytes is the same change of what they hide.
 */
#include "formats/sshkey.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rounds that a file claims, or 0 where none can be found. */
static uint32_t rounds_of(const void *text, size_t len)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	struct cp_sshwire r, skipped, options;
	uint32_t rounds = 0;

	if (!cp_ssharmor_read(&bytes, "OPENSSH PRIVATE KEY", text, len) || bytes.len < 15)
		return 0;
	r = (struct cp_sshwire){ (const uint8_t *)bytes.data + 15, bytes.len - 15 };
	if (!cp_sshwire_string(&r, &skipped) || !cp_sshwire_string(&r, &skipped) || !cp_sshwire_string(&r, &options) ||
			!cp_sshwire_string(&options, &skipped) || !cp_sshwire_u32(&options, &rounds))
		return 0;
	return rounds;
}

static void try_path(const char *path, bool is_opened)
{
	CP_AUTO(seckey) struct cp_seckey key = { .is_set = false };
	struct cp_err err = { CP_OK, "" };
	bool is_protected;
	enum cp_code code = cp_sshkey_is_protected(&is_protected, path, &err);

	assert(code == CP_OK || code == CP_EFORMAT);
	if (code == CP_OK)
		code = cp_sshkey_read(&key, path, is_opened ? "p" : NULL, &err);
	assert(code == CP_OK || code == CP_EFORMAT || code == CP_EKEY);
	assert(code != CP_OK || (key.is_set && (is_opened || !is_protected)));
	assert(code == CP_OK || (!key.is_set && err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
}

static void try_file(const void *bytes, size_t len)
{
	uint32_t rounds = rounds_of(bytes, len);
	int fd = memfd_create("key", MFD_CLOEXEC);
	char path[64];

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	try_path(path, rounds >= 1 && rounds <= 2);
	close(fd);
}

static void try_bytes(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	if (cp_ssharmor_add(&text, "OPENSSH PRIVATE KEY", data, size, NULL) == CP_OK)
		try_file(text.data, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cp_hash_setup();
	if (size > 0 && data[0] == 'f')
		try_file(data + 1, size - 1);
	if (size > 0 && data[0] == 'k')
		try_bytes(data + 1, size - 1);
	return 0;
}
