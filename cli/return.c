#include "cli/bundles.h"
#include "cli/keys.h"
#include "cli/shown.h"

static enum cp_code say_sent(const struct cp_args *a, const struct cp_sent *sent, struct cp_err *err)
{
	char size[CP_SIZE], commits[CP_COUNT] = "a receipt";

	if (sent->commits > 0)
		cp_count(commits, sent->commits, "commit", "commits");
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:o, s:I, s:I, s:I}", "file", cp_json_text(sent->path),
				"to", cp_json_text(sent->to), "number", (json_int_t)sent->number,
				"commits", (json_int_t)sent->commits, "size", (json_int_t)sent->bytes), err);
	return cp_line(err, "%s: for %s, %s, %s", sent->path, sent->to[0] != '\0' ? sent->to : "the hub",
			commits, cp_size_text(size, sent->bytes));
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_sent sent = { .number = 0 };
	int64_t n = 0;

	CP_TRY(cp_args_want(a, 0, 0, err));
	if (!cp_arg_given(a, "-o"))
		return cp_fail(err, CP_EUSAGE, "return: say -o DIR, the folder for the bundle");
	if (cp_arg_given(a, "--owed") && cp_arg_given(a, "--full"))
		return cp_fail(err, CP_EUSAGE, "return: --owed and --full contradict each other");
	CP_TRY(cp_key_hand_over(a, err));
	CP_TRY(cp_return(a->store, cp_arg(a, "-o"), cp_how_to_send(a), &sent, &n, err));
	if (n == 0) {
		cp_say("nothing to return");
		return CP_OK;
	}
	return say_sent(a, &sent, err);
}

static const struct cp_option options[] = {
	{ "-o", "DIR", "the folder that the bundle is written into" },
	{ "--owed", NULL, "nothing when a bundle in DIR brings it already" },
	{ "--full", NULL, "everything, whatever the hub has confirmed: for a hub that lost something" },
	{ "--plain", NULL, "not encrypted: whoever gets the file can read it" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack return -o /media/stick", "everything that the hub has not confirmed yet" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_return = {
	.name = "return",
	.usage = "-o DIR [--owed | --full] [--plain]",
	.summary = "write finished work for the hub",
	.about = "Seals what was submitted here and writes one bundle for the hub that gave the work. It carries "
		"everything that the hub has not confirmed, so that a lost bundle costs nothing, and deletes nothing "
		"here. Files are numbered and none is ever overwritten. The file is encrypted to the hub's key, in age's format, and is "
		"named *.casepack.age; with --plain it is not, unless the project demands it.\n\n"
		"A hub that was put back from a backup gets what it lost with the next returns, as soon as a bundle of "
		"its own has told what it still holds; --full does not wait for that, and carries what the hub gave "
		"as proof.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
