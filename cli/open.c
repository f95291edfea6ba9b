#include <string.h>

#include "cli/bundles.h"
#include "cli/keys.h"
#include "formats/bundle.h"
#include "formats/file.h"

/* ---- the key of a new workspace ------------------------------------------------------------ */

struct choice { const struct cp_manifest *m; struct cp_buf *path; };

static enum cp_code note_fitting(void *user, const char *path, const struct cp_pubkey *key, bool *stop, struct cp_err *err)
{
	struct choice *c = user;

	*stop = cp_bundle_is_for_key(c->m, key);
	return *stop ? cp_buf_puts(c->path, path, err) : CP_OK;
}

/* The private key in the user's folder that the bundle is for; out stays empty when there is none. */
static enum cp_code key_that_fits(struct cp_buf *out, struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct cp_key_search search = { .args = a };
	struct choice c = { .path = out };
	enum cp_code code = cp_bundle_open_with(&b, a->words[0], &cp_limits_default, cp_key_unlock, &search, err);

	if (search.is_closed)
		return CP_OK;
	if (code != CP_OK)
		return cp_fail_untaken(err, a->words[0]);
	c.m = cp_bundle_manifest(b);
	return cp_key_each(note_fitting, &c, err);
}

static enum cp_code choose_key(struct cp_buf *out, struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(a->dir, "casepack.db");

	if (cp_arg_given(a, "--key"))
		return cp_key_find(out, cp_arg(a, "--key"), err);
	if (cp_file_exists(db))
		return CP_OK;
	CP_TRY(key_that_fits(out, a, err));
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
	CP_TRY(cp_open(a->dir, a->words[0], key.len > 0 ? key.data : NULL, cp_ask_passphrase, a, &opened, err));
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
		"not know, changes nothing. One in encryption opens with this device's key, whose passphrase is asked for if it "
		"has one; a plain one is refused where the project demands encryption.\n\n"
		"Opening the same bundle again does no harm, and neither does opening an older one late. One that "
		"builds on another that never came here, as after a workspace was put back from a backup, says so, with exit status 1, and "
		"changes nothing.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
