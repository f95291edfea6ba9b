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

static void say_lacks(const struct cp_lacks *l)
{
	char n[CP_COUNT];

	for (size_t i = 0; i < l->n && i < LISTED; i++)
		cp_say("missing: object %s%s%s", l->list[i].oid.hex, *l->list[i].by.hex ? ", which is named by " : ", or damaged", l->list[i].by.hex);
	if (l->n > 0)
		cp_say("%s of history not here, or damaged; `casepack rebuild SOURCE...` takes them from another workspace, a clone or bundles",
				cp_count(n, (int64_t)l->n, "object is", "objects are"));
}

static void say_gone(const struct cp_rebuilt *r)
{
	char n[CP_COUNT];

	if (r->objects > 0)
		cp_say("%s whole again", cp_count(n, r->objects, "object that was missing or damaged is", "objects that were missing or damaged are"));
	if (r->closed > 0)
		cp_say("passed over: %s", cp_count(n, r->closed, "bundle that is encrypted to others", "bundles that are encrypted to others"));
	say_lacks(&r->lacks);

	if (r->refs > 0)
		cp_say("%s again", cp_count(n, r->refs, "branch that was gone stands", "branches that were gone stand"));
	if (r->is_private_lost)
		cp_say("missing: private.git, and what only leads know; an empty one was made, and %s taken over from the old database",
				cp_count(n, r->private_rows, "row was", "rows were"));
	if (r->is_secret_lost)
		cp_say("missing: the project's secret; `import` waits until a hub bundle of another lead, or a backup of private.git, brings it");
}

static enum cp_code say(const struct cp_args *a, const struct cp_rebuilt *r, bool had_one, struct cp_err *err)
{
	char hex[CP_HASH_HEX], commits[CP_COUNT], edits[CP_COUNT], contents[CP_COUNT];

	cp_hex(hex, r->hash.bytes, sizeof r->hash.bytes);
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:I, s:b, s:I, s:I}", "hash", hex, "commits",
				(json_int_t)r->commits, "edits", (json_int_t)r->edits, "unsealed", (json_int_t)r->unsealed,
				"missing_contents", (json_int_t)r->missing.contents, "old_unread",
				(int)r->is_old_unread, "missing_media", (json_int_t)r->missing.media, "branches_set", (json_int_t)r->refs,
				"private_lost", (int)r->is_private_lost, "private_rows", (json_int_t)r->private_rows, "secret_lost",
				(int)r->is_secret_lost, "objects_taken", (json_int_t)r->objects, "missing_objects", (json_int_t)r->lacks.n), err);
	CP_TRY(cp_line(err, "%s", hex));
	cp_say("made again from history: %s, %s%s", cp_count(commits, r->commits, "commit", "commits"),
			cp_count(edits, r->edits, "edit", "edits"), had_one ? "; the old database is casepack.db.old" : "");
	if (r->unsealed > 0)
		cp_say("%s taken over from it", cp_count(contents, r->unsealed, "unsealed save was", "unsealed saves were"));
	if (r->is_old_unread)
		cp_say("the old database could not be read: what was not sealed yet, and drafts, are in it alone");
	say_gone(r);
	return r->missing.contents + r->missing.media > 0 ? list_missing(a, r, err) : CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096);
	CP_AUTO(str) char *database = cp_path_join(a->dir, "casepack.db");
	CP_AUTO(rebuilt) struct cp_rebuilt r = { .commits = 0 };
	bool had_one = cp_file_exists(database);

	CP_TRY(choose_key(&key, a, err));
	CP_TRY(cp_rebuild_from(a->dir, key.data, &(struct cp_refill){ (const char *const *)a->words, a->n, key.data, cp_ask_passphrase, a },
			&r, err));
	a->waits = r.missing.contents + r.missing.media > 0 || r.is_old_unread || r.is_private_lost || r.is_secret_lost || r.lacks.n > 0;
	return say(a, &r, had_one, err);
}

static const struct cp_option options[] = {
	{ "--key", "NAME_OR_FILE", "the private key of this device; the one in use otherwise" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack -C search-eval rebuild", "after casepack.db was lost or damaged" },
	{ "casepack -C search-eval rebuild /mnt/stick/old-hub returns/*.age", "after part of history.git was lost, too" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_rebuild = {
	.name = "rebuild",
	.usage = "[SOURCE...] [--key NAME_OR_FILE]",
	.summary = "make the database again from history",
	.about = "casepack.db is derived: this makes it again from history.git, private.git and content.db, and keeps "
		"the old one as casepack.db.old. Prints the canonical hash of the new state.\n\n"
		"Drafts and what is not sealed yet are taken over from the old one. Branches that are gone are set again "
		"from the commits that are here; where private.git is gone an empty one is made, with the rows that the old database still has.\n\n"
		"Objects of history that are missing or damaged are taken from the sources: other workspaces (any hub's or device's "
		"that had them), clones, bundles of any age. git names objects by their hashes, so whoever keeps them is no matter. Where those "
		"that are missing are needed for the database it is left as it was; what only `git log` and `verify` would read is listed.\n\n"
		"What is missing is listed, the rest works. Exit status 3 then, and when the old database could not be read.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
