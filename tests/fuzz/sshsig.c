/*
 * Signatures out of hostile hands. The first byte chooses: 'a' an armour, 'b' the
 * bytes inside one.
 */
#include "formats/sshsig.h"

#include <assert.h>
#include <string.h>

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

static void try_bytes(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	if (cp_ssharmor_add(&text, "SSH SIGNATURE", data, size, NULL) == CP_OK)
		try_armor(text.data, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cp_hash_setup();
	if (size > 0 && data[0] == 'a')
		try_armor((const char *)data + 1, size - 1);
	if (size > 0 && data[0] == 'b')
		try_bytes(data + 1, size - 1);
	return 0;
}
