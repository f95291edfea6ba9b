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

#define LISTED 20 /* of what is missing; the rest is counted */

static void say_missing(void *user, const char *what)
{
	int64_t *n = user;

	if (++*n <= LISTED)
		cp_say("missing: %s", what);
}

static enum cp_code list_missing(const struct cp_args *a, const struct cp_rebuilt *r, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *store = NULL;
	struct cp_missing missing;
	char contents[CP_COUNT], media[CP_COUNT];
	int64_t n = 0;

	CP_TRY(cp_store_open(&store, a->dir, err));
	CP_TRY(cp_missing_find(store, &missing, say_missing, &n, err));
	cp_say("%s and %s not here; a bundle or a backup that has them brings them back",
			cp_count(contents, r->missing.contents, "content is", "contents are"),
			cp_count(media, r->missing.media, "media file is", "media files are"));
	return CP_OK;
}

static void say_gone(const struct cp_rebuilt *r)
{
	char n[CP_COUNT];

	if (r->refs > 0)
		cp_say("%s again", cp_count(n, r->refs, "branch that was gone stands", "branches that were gone stand"));
	if (r->is_private_lost)
		cp_say("missing: private.git, and what only leads know; an empty one was made, and %s taken over from the old database",
				cp_count(n, r->private_rows, "row was", "rows were"));
	if (r->is_secret_lost)
		cp_say("missing: the project's secret; `import` waits until a hub bundle of another lead, or a backup of private.git, brings it");
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
	a->waits = r.missing.contents + r.missing.media > 0 || r.is_old_unread || r.is_private_lost || r.is_secret_lost;
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:I, s:b}", "hash", hex, "commits",
				(json_int_t)r.commits, "edits", (json_int_t)r.edits, "unsealed", (json_int_t)r.unsealed,
				"missing_contents", (json_int_t)r.missing.contents, "old_unread",
				(int)r.is_old_unread, "missing_media", (json_int_t)r.missing.media, "branches_set", (json_int_t)r.refs,
				"private_lost", (int)r.is_private_lost, "private_rows", (json_int_t)r.private_rows, "secret_lost",
				(int)r.is_secret_lost), err);
	CP_TRY(cp_line(err, "%s", hex));
	cp_say("made again from history: %s, %s%s", cp_count(commits, r.commits, "commit", "commits"),
			cp_count(edits, r.edits, "edit", "edits"), is_there ? "; the old database is casepack.db.old" : "");
	if (r.unsealed > 0)
		cp_say("%s taken over from it", cp_count(contents, r.unsealed, "unsealed save was", "unsealed saves were"));
	if (r.is_old_unread)
		cp_say("the old database could not be read: what was not sealed yet, and drafts, are in it alone");
	say_gone(&r);
	return r.missing.contents + r.missing.media > 0 ? list_missing(a, &r, err) : CP_OK;
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
		"Drafts and what is not sealed yet are taken over from the old one. Branches that are gone are set again "
		"from the commits that are here; where private.git is gone an empty one is made, with the rows that the old database still has.\n\n"
		"What is missing is listed, the rest works. Exit status 3 then, and when the old database could not be read.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
