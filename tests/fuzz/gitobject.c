/* Commits and trees: whatever is accepted prints as the same bytes, and is signed by nobody unknown. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "formats/gitobject.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_commit(const uint8_t *bytes, size_t len)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };
	CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_TEXT_MAX), payload = CP_BUF(CP_TEXT_MAX);
	struct cp_pubkey who;
	const char *at;
	size_t at_len;

	if (cp_commit_read(&c, bytes, len, NULL) != CP_OK)
		return;
	assert(cp_commit_print(&payload, &c, NULL) == CP_OK);
	assert(payload.len == c.payload_len && memcmp(payload.data, c.payload, payload.len) == 0);
	if (c.signature != NULL) {
		assert(cp_commit_print_signed(&again, &c, c.signature, NULL) == CP_OK);
		assert(again.len == len && memcmp(again.data, bytes, len) == 0);
	} else {
		assert(payload.len == len && memcmp(payload.data, bytes, len) == 0);
		assert(cp_commit_signer(&who, &c, NULL) == CP_ETRUST);
	}
	if (c.signature != NULL && cp_commit_signer(&who, &c, NULL) == CP_OK)
		assert(strncmp(c.signature, "-----BEGIN SSH SIGNATURE-----\n", 30) == 0);
	for (size_t n = 0; cp_commit_trailer(&c, "a", n, &at, &at_len); n++)
		assert(at >= c.message && at + at_len < c.message + strlen(c.message));
}

static void try_tree(const uint8_t *bytes, size_t len)
{
	CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_TEXT_MAX);
	struct cp_tree_entry entry = { 0 };
	struct cp_oid blob;
	size_t at = 0, n = 0;

	for (;; n++) {
		if (cp_tree_next(&entry, bytes, len, &at, NULL) != CP_OK)
			return;
		if (entry.name == NULL)
			break;
		assert(strlen(entry.name) == entry.name_len);
		assert(cp_tree_add(&again, &entry, NULL) == CP_OK);
	}
	assert(again.len == len && (len == 0 || memcmp(again.data, bytes, len) == 0));
	if (cp_tree_read_single(&blob, "changeset", bytes, len, NULL) == CP_OK)
		assert(n == 1 && strlen(blob.hex) == 40);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	cp_hash_setup();
	try_commit(bytes, len);
	try_tree(bytes, len);
	return 0;
}
