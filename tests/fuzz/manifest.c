/* Any bytes as a manifest: refused, or printed again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "formats/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	struct cp_manifest m;

	cp_hash_setup();
	if (cp_manifest_read(&m, (const char *)data, size, &err) != CP_OK) {
		if (err.code != CP_EFORMAT || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (cp_manifest_print(&text, &m, &err) != CP_OK || text.len != size ||
	    memcmp(text.data, data, size) != 0)
		abort();
	cp_manifest_drop(&m);
	return 0;
}
