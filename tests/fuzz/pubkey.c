/* Lines of public keys: what is read prints as a line that reads as the same key. */
#include <stdlib.h>
#include <string.h>

#include "formats/sshkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	struct cp_pubkey key, again;

	cp_hash_setup();
	if (cp_pubkey_read(&key, (const char *)data, size, &err) != CP_OK) {
		if (err.text[0] == '\0' || strchr(err.text, '\n') != NULL)
			abort();
		return 0;
	}
	if (cp_pubkey_print(&line, &key, NULL) != CP_OK || cp_pubkey_read(&again, line.data, line.len, NULL) != CP_OK
	    || memcmp(&key, &again, sizeof key) != 0 || line.len > size || memcmp(line.data, data, line.len) != 0)
		abort();
	return 0;
}
