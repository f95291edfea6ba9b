#include <dirent.h>
#include <string.h>

#include "cli/bundles.h"
#include "cli/keys.h"
#include "formats/bundle.h"
#include "formats/file.h"

/* ---- the key of a new workspace ------------------------------------------------------------ */

/* Is that entry of the key folder the public half of a key that the bundle is for? */
static bool fits(const struct cp_manifest *m, const char *folder, const char *name)
{
	CP_AUTO(str) char *path = cp_path_join(folder, name);
	struct cp_pubkey key;
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".pub") == 0 && cp_key_public(&key, NULL, path, NULL) == CP_OK
		&& cp_bundle_is_for_key(m, &key);
}

/* The private key in the user's folder that the bundle is for; out stays empty when there is none. */
static enum cp_code key_that_fits(struct cp_buf *out, const char *bundle, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(4096);

	if (cp_bundle_open(&b, bundle, &cp_limits_default, err) != CP_OK)
		return cp_fail_untaken(err, bundle);
	CP_TRY(cp_key_folder(&folder, err));
	DIR *d = opendir(folder.data);
	if (d == NULL)
		return CP_OK;
	enum cp_code code = CP_OK;
	for (const struct dirent *e = readdir(d); e != NULL && out->len == 0 && code == CP_OK; e = readdir(d))
		if (fits(cp_bundle_manifest(b), folder.data, e->d_name))
			code = cp_buf_printf(out, err, "%s/%.*s", folder.data, (int)strlen(e->d_name) - 4, e->d_name);
	closedir(d);
	return code;
}

static enum cp_code choose_key(struct cp_buf *out, const struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(a->dir, "casepack.db");

	if (cp_arg_given(a, "--key"))
		return cp_key_find(out, cp_arg(a, "--key"), err);
	if (cp_file_exists(db))
		return CP_OK;
	CP_TRY(key_that_fits(out, a->words[0], err));
	if (out->len == 0)
		return cp_fail(err, CP_EKEY, "%s: none of your keys is one that this bundle is for; name the key with "
				"--key, or send the lead the public one that `casepack key new` makes", a->words[0]);
	return CP_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096);
	struct cp_opened opened = { .assignments = 0 };

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(choose_key(&key, a, err));
	CP_TRY(cp_open(a->dir, a->words[0], key.len > 0 ? key.data : NULL, cp_ask_passphrase, NULL, &opened, err));
	a->waits = opened.refused > 0;
	return cp_opened_say(a, a->words[0], &opened, err);
}

static const struct cp_option options[] = {
	{ "--key", "NAME_OR_FILE", "the private key of this device; the one that fits otherwise" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack -C search-eval open cases-7.casepack", "into a workspace, which is made if it is not there" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_open = {
	.name = "open",
	.usage = "FILE [--key NAME_OR_FILE]",
	.summary = "take in a bundle of cases",
	.about = "Checks a bundle that a hub wrote for this device and takes it in: assignments, cases, forms and "
		"guidelines. The workspace is the folder given by -C, or the current one; it is made when the "
		"folder is missing or empty. A bundle for somebody else, or from a hub that this workspace does "
		"not know, changes nothing.\n\n"
		"Opening the same bundle again does no harm, and neither does opening an older one late. One that "
		"builds on another that never came here, as after a workspace was put back from a backup, says so, with exit status 1, and "
		"changes nothing.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
