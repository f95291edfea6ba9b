#include "cli/cli.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "formats/file.h"
#include "sync/rebuild.h"

/* The key named; else the one that the workspace names, if it still opens; else the default one. */
static enum cp_code choose_key(struct cp_buf *out, const struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *store = NULL;
	struct cp_err why = { .code = CP_OK };

	if (cp_arg_given(a, "--key"))
		return cp_key_find(out, cp_arg(a, "--key"), err);
	enum cp_code code = cp_store_open(&store, a->dir, &why);
	if (code == CP_EBUSY)
		return cp_fail(err, code, "%s", why.text);
	if (code == CP_OK && cp_store_me(store)->key_path[0] != '\0')
		return cp_buf_puts(out, cp_store_me(store)->key_path, err);
	return cp_key_find(out, CP_KEY_DEFAULT, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096);
	struct cp_rebuilt r = { .commits = 0 };
	char hex[CP_HASH_HEX], commits[CP_COUNT], edits[CP_COUNT], contents[CP_COUNT];

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_AUTO(str) char *database = cp_path_join(a->dir, "casepack.db");
	bool is_there = cp_file_exists(database);
	CP_TRY(choose_key(&key, a, err));
	CP_TRY(cp_rebuild(a->dir, key.data, &r, err));
	cp_hex(hex, r.hash.bytes, sizeof r.hash.bytes);
	a->waits = r.missing.contents > 0 || r.is_old_unread;
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "hash", hex, "commits",
				(json_int_t)r.commits, "edits", (json_int_t)r.edits, "unsealed", (json_int_t)r.unsealed,
				"missing_contents", (json_int_t)r.missing.contents, "old_unread",
				(int)r.is_old_unread), err);
	CP_TRY(cp_line(err, "%s", hex));
	cp_say("made again from history: %s, %s%s", cp_count(commits, r.commits, "commit", "commits"),
			cp_count(edits, r.edits, "edit", "edits"), is_there ? "; the old database is casepack.db.old" : "");
	if (r.unsealed > 0)
		cp_say("%s taken over from it", cp_count(contents, r.unsealed, "unsealed save was", "unsealed saves were"));
	if (r.is_old_unread)
		cp_say("the old database could not be read: what was not sealed yet, and drafts, are in it alone");
	if (r.missing.contents > 0)
		cp_say("%s not here; they come with the next bundle",
				cp_count(contents, r.missing.contents, "content is", "contents are"));
	return CP_OK;
}

static const struct cp_option options[] = {
	{ "--key", "NAME_OR_FILE", "the private key of this device; the one in use otherwise" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack -C search-eval rebuild", "after casepack.db was lost or damaged" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_rebuild = {
	.name = "rebuild",
	.usage = "[--key NAME_OR_FILE]",
	.summary = "make the database again from history",
	.about = "casepack.db is derived: this makes it again from history.git, private.git and content.db, and keeps "
		"the old one as casepack.db.old. Prints the canonical hash of the new state.\n\n"
		"Drafts and what is not sealed yet are taken over from the old one. Exit status 3 when it could not be "
		"read for them, or when content is missing.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
