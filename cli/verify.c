#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/rebuild.h"

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_rebuilt r = { .commits = 0 };
	char hex[CP_HASH_HEX], commits[CP_COUNT], edits[CP_COUNT], contents[CP_COUNT];

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_TRY(cp_verify_replay(a->store, &r, err));
	cp_hex(hex, r.hash.bytes, sizeof r.hash.bytes);
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:I, s:I, s:I}", "hash", hex, "commits", (json_int_t)r.commits,
				"edits", (json_int_t)r.edits, "missing_contents", (json_int_t)r.missing_contents), err);
	CP_TRY(cp_line(err, "%s", hex));
	cp_say("history and state agree: %s, %s", cp_count(commits, r.commits, "commit", "commits"),
			cp_count(edits, r.edits, "edit", "edits"));
	if (r.missing_contents > 0)
		cp_say("%s not here", cp_count(contents, r.missing_contents, "content is", "contents are"));
	return CP_OK;
}

static const struct cp_option options[] = {
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack verify", "prints the hash of the state that history proves" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_verify = {
	.name = "verify",
	.usage = "",
	.summary = "prove that history yields this state",
	.about = "Replays every change commit of history.git into a database of its own, checking signatures, chains "
		"and permissions on the way, and compares the canonical hash with that of the database in use. "
		"Prints the hash.\n\n"
		"Exit status 4 when they differ or something was altered.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
