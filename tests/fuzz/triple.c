/*
 * Git objects as they arrive in a bundle: change commits of three objects each. The input is a list of objects, each
 * its type (0 commit, 1 tree, 2 blob; 4 more: under a wrong name), two bytes of length, and its bytes. What is given on
 * as whole hashes to its names, and a change commit that passes all checks names its device and the changeset.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sync/change.h"
#include "sync/proof.h"
#include "sync/triple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_named(const char *oid, const char *type, const void *bytes, size_t len)
{
	struct cp_oid name;

	return cp_repo_name(&name, type, bytes, len, NULL) == CP_OK && strcmp(name.hex, oid) == 0;
}

/* Commits of one tree, of which only the first brings it. */
struct held { struct cp_oid oid; struct cp_buf tree, changeset; };

static enum cp_code see(void *user, struct cp_triples *t, const void *changeset, size_t len, struct cp_err *err)
{
	struct held *held = user;
	struct cp_change_commit c;
	struct cp_pubkey signer;
	struct cp_oid blob;

	assert(is_named(t->commit_oid.hex, "commit", t->commit.data, t->commit.len));
	assert(is_named(t->tree_oid.hex, "tree", t->tree.data, t->tree.len));
	if (cp_is_outbound(t->commit.data, t->commit.len))
		assert(memmem(t->commit.data, t->commit.len, "Casepack-Outbound", 17) != NULL);
	if (*held->oid.hex == '\0') {
		held->oid = t->tree_oid;
		assert(cp_buf_add(&held->tree, t->tree.data, t->tree.len, NULL) == CP_OK);
		assert(cp_buf_add(&held->changeset, changeset, len, NULL) == CP_OK);
	}
	CP_TRY(cp_change_commit_read(&c, t->commit.data, t->commit.len, err));
	assert(strlen(c.branch) == strlen("replica/") + 32 && c.edits >= 0);
	if (cp_commit_signer(&signer, &c.commit, NULL) == CP_OK)
		assert(c.commit.signature != NULL);
	if (strcmp(c.commit.tree.hex, t->tree_oid.hex) == 0 &&
			cp_change_commit_check(&c, t->tree.data, t->tree.len, changeset, len, false, NULL) == CP_OK) {
		assert(cp_tree_read_single(&blob, "changeset", t->tree.data, t->tree.len, NULL) == CP_OK);
		assert(is_named(blob.hex, "blob", changeset, len));
	}
	cp_change_commit_drop(&c);
	return CP_OK;
}

static enum cp_code find(void *user, const char *oid, struct cp_buf *tree, struct cp_buf *changeset, struct cp_err *err)
{
	const struct held *held = user;

	if (strcmp(held->oid.hex, oid) != 0)
		return cp_fail(err, CP_ENOTFOUND, "no such tree");
	CP_TRY(cp_buf_add(tree, held->tree.data, held->tree.len, err));
	return cp_buf_add(changeset, held->changeset.data, held->changeset.len, err);
}

static enum cp_code give(struct cp_triples *t, const uint8_t *data, size_t size, struct cp_err *err)
{
	static const char *const types[] = { "commit", "tree", "blob" };

	while (size >= 3) {
		size_t len = (size_t)data[1] << 8 | data[2];
		const char *type = types[(data[0] & 3) % 3];
		struct cp_oid oid;

		len = len < size - 3 ? len : size - 3;
		CP_TRY(cp_repo_name(&oid, type, data + 3, len, err));
		if (data[0] & 4)
			oid.hex[39] = oid.hex[39] == 'a' ? 'b' : 'a';
		CP_TRY(cp_triples_object(t, oid.hex, type, data + 3, len, err));
		assert(!(data[0] & 4));
		data += 3 + len;
		size -= 3 + len;
	}
	return cp_triples_end(t, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct held held = { { "" }, CP_BUF(CP_TEXT_MAX), CP_BUF(CP_TEXT_MAX) };
	CP_AUTO(triples) struct cp_triples t = CP_TRIPLES(see, find, &held, &cp_limits_default);
	struct cp_err err = { CP_OK, "" };
	enum cp_code code;

	cp_hash_setup();
	code = give(&t, data, size, &err);
	assert(code == CP_OK || (code == CP_EFORMAT && err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
	cp_buf_drop(&held.tree);
	cp_buf_drop(&held.changeset);
	return 0;
}
