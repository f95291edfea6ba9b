#include <stdlib.h>
#include <string.h>

#include "cli/keys.h"

#define PATH_BYTES 4096

/* A folder that is there is named from the root: "." and ".." cannot be made or replaced by their names. */
static enum cp_code folder_of(const struct cp_args *a, struct cp_buf *out, struct cp_err *err)
{
	const char *given = a->n > 0 ? a->words[0] : a->dir;
	CP_AUTO(str) char *whole = realpath(given, NULL);

	CP_TRY(cp_args_want(a, 0, 1, err));
	if (a->n > 0 && strcmp(a->dir, ".") != 0)
		return cp_fail(err, CP_EUSAGE, "the folder is named twice, by -C and behind init");
	if (*given == '\0')
		return cp_fail(err, CP_EUSAGE, "the name of the folder is empty");
	return cp_buf_puts(out, whole != NULL ? whole : given, err);
}

static enum cp_code refuse(const struct cp_args *a, const char *const *options, const char *why, struct cp_err *err)
{
	for (; *options != NULL; options++)
		if (cp_arg_given(a, *options))
			return cp_fail(err, CP_EUSAGE, "option %s is %s", *options, why);
	return CP_OK;
}

static enum cp_code init_rater(struct cp_args *a, const char *path, const char *key, struct cp_err *err)
{
	static const char *const not_here[] = { "--project", "--name", "--pseudonym", "--show-queries", NULL };

	CP_TRY(refuse(a, not_here, "for a hub; a rater's workspace learns its project from the first bundle", err));
	CP_TRY(cp_device_create(path, key, err));
	cp_say("made %s, an empty workspace; `casepack -C %s open FILE` takes in the first bundle", path, path);
	return CP_OK;
}

/* The first commit is made at once where the key opens without a question. */
static enum cp_code seal_new(struct cp_args *a, const char *path, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *store = NULL;

	CP_TRY(cp_store_open(&store, path, err));
	cp_store_ask_with(store, cp_ask_passphrase, a);
	return cp_seal_if_ready(store, err);
}

/* Said before a key is looked for: the first thing that is missing comes first. */
static enum cp_code check_names(const struct cp_args *a, struct cp_err *err)
{
	const char *project = cp_arg(a, "--project"), *lead = cp_arg(a, "--name");

	if (project == NULL || *project == '\0')
		return cp_fail(err, CP_EUSAGE, "a hub needs the name of its project: --project NAME "
				"(a rater's workspace: --rater)");
	if (strlen(project) > 127)
		return cp_fail(err, CP_EUSAGE, "the name of the project has more than 127 bytes");
	if (lead == NULL || *lead == '\0')
		return cp_fail(err, CP_EUSAGE, "a hub needs the name of its lead, which stays on leads' hubs: --name \"NAME\"");
	return CP_OK;
}

static enum cp_code init_hub(struct cp_args *a, const char *path, const char *key, struct cp_err *err)
{
	const char *pseudonym = cp_arg(a, "--pseudonym");
	struct cp_new_hub hub = {
		.path = path,
		.project_name = cp_arg(a, "--project"),
		.lead_name = cp_arg(a, "--name"),
		.lead_pseudonym = pseudonym != NULL ? pseudonym : "lead",
		.key_path = key,
		.shows_queries = cp_arg_given(a, "--show-queries"),
	};

	CP_TRY(cp_hub_create(&hub, cp_ask_passphrase, a, err));
	cp_say("made the hub %s of the project %s; in its history its lead is called %s", path, hub.project_name,
			hub.lead_pseudonym);
	return seal_new(a, path, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(PATH_BYTES), key = CP_BUF(PATH_BYTES);
	const char *name = cp_arg(a, "--key");

	if (!cp_arg_given(a, "--rater"))
		CP_TRY(check_names(a, err));
	CP_TRY(folder_of(a, &path, err));
	CP_TRY(cp_key_find(&key, name != NULL ? name : CP_KEY_DEFAULT, err));
	return cp_arg_given(a, "--rater") ? init_rater(a, path.data, key.data, err)
		: init_hub(a, path.data, key.data, err);
}

static const struct cp_option options[] = {
	{ "--project", "NAME", "what the evaluation is called" },
	{ "--name", "NAME", "the lead's real name; it stays on leads' hubs" },
	{ "--pseudonym", "NAME", "what the lead is called in history: a-z, 0-9, - and _; lead unless said" },
	{ "--key", "NAME|FILE", "the key of this device; default unless said" },
	{ "--show-queries", NULL, "let query texts stand in the history that auditors read" },
	{ "--rater", NULL, "make an empty workspace that waits for its first bundle" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack init hub --project shoes --name \"Ana Silva\" --key default", "make the hub of a new project" },
	{ "casepack init --rater work --key default", "make a rater's workspace" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_init = {
	.name = "init",
	.usage = "[DIR] --project NAME --name \"LEAD NAME\" [--pseudonym NAME] [--key NAME|FILE] [--show-queries]\n"
		"--rater [DIR] [--key NAME|FILE]",
	.summary = "make a workspace",
	.about =
		"Makes a hub in DIR, which must be new or empty: the project, its first lead, and this device. With "
		"--rater it makes an empty workspace instead, which belongs to no project before its first bundle; "
		"`casepack open` makes one too.\n\n"
		"The history of a project names people by pseudonyms only. Query texts and results are content, which "
		"can be erased, and stay out of the history; --show-queries lets query texts onto its readable pages. "
		"What has once been shown there cannot be taken back.",
	.options = options,
	.examples = examples,
	.run = run,
};
