#include <string.h>

#include "cli/bundles.h"
#include "cli/names.h"
#include "cli/shown.h"

#define MAX_PEOPLE 1024

struct sheet { struct cp_out *out; bool json; enum cp_code code; struct cp_err err; };

static enum cp_code add_row(struct sheet *t, const struct cp_sent *sent)
{
	char size[CP_SIZE];

	CP_TRY(cp_out_text(t->out, sent->path, &t->err));
	CP_TRY(cp_out_text(t->out, sent->to, &t->err));
	CP_TRY(cp_out_int(t->out, sent->number, &t->err));
	CP_TRY(cp_out_int(t->out, sent->cases, &t->err));
	CP_TRY(cp_out_int(t->out, sent->assignments, &t->err));
	if (t->json)
		return cp_out_int(t->out, (int64_t)sent->bytes, &t->err);
	return cp_out_text(t->out, cp_size_text(size, sent->bytes), &t->err);
}

static void on_sent(void *user, const struct cp_sent *sent)
{
	struct sheet *t = user;

	if (t->code == CP_OK)
		t->code = add_row(t, sent);
}

/* The people named by --to and by words behind it. */
static enum cp_code people_of(const struct cp_args *a, const char *out[MAX_PEOPLE], size_t *n, struct cp_err *err)
{
	*n = cp_arg_all(a, "--to", out, MAX_PEOPLE);
	if (*n + a->n > MAX_PEOPLE)
		return cp_fail(err, CP_EUSAGE, "pack: at most %d people at a time; use --all", MAX_PEOPLE);
	if (*n == 0 && a->n > 0)
		return cp_fail(err, CP_EUSAGE, "pack: say --to in front of %s", a->words[0]);
	for (size_t i = 0; i < a->n; i++)
		out[(*n)++] = a->words[i];
	if ((*n == 0) != cp_arg_given(a, "--all"))
		return cp_fail(err, CP_EUSAGE, "pack: say either --to PERSON or --all");
	return CP_OK;
}

static enum cp_code pack_people(struct cp_args *a, const char *const *people, size_t n, struct sheet *t,
		int64_t *written, struct cp_err *err)
{
	const char *dir = cp_arg(a, "-o");
	unsigned how = cp_how_to_send(a);

	*written = 0;
	if (n == 0)
		return cp_pack(a->store, NULL, dir, how, on_sent, t, written, err);
	for (size_t i = 0; i < n; i++) {
		int64_t more = 0;
		cp_progress_show("packing", i, n);
		CP_TRY(cp_pack(a->store, people[i], dir, how, on_sent, t, &more, err));
		*written += more;
	}
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "file", "to", "number", "cases", "assignments", "size" };
	const char *people[MAX_PEOPLE];
	CP_AUTO(names) struct cp_names may_hold = { NULL, 0, NULL };
	struct sheet t = { .json = a->json };
	size_t n;
	int64_t written = 0;

	CP_TRY(people_of(a, people, &n, err));
	CP_TRY(cp_names_all(&may_hold, a, "--may-hold", err));
	cp_may_hold(a->store, may_hold.list, may_hold.n);
	if (!cp_arg_given(a, "-o"))
		return cp_fail(err, CP_EUSAGE, "pack: say -o DIR, the folder for the bundles");
	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = pack_people(a, people, n, &t, &written, err);
	cp_progress_end();
	if (code == CP_OK && t.code != CP_OK)
		code = cp_fail(err, t.code, "%s", t.err.text);
	/* What was written stays, so it is listed even when a later one failed. */
	enum cp_code shown = cp_out_close(t.out, t.code, code == CP_OK ? err : NULL);
	if (code == CP_OK && written == 0)
		cp_say("nothing to send");
	if (code == CP_OK && n == 0)
		code = cp_say_without_device(a->store, err);
	return code == CP_OK ? shown : code;
}

static const struct cp_option options[] = {
	{ "--to", "PERSON...", "whom the bundles are for, by pseudonym; may be given more than once" },
	{ "--all", NULL, "for every active rater and relay" },
	{ "--owed", NULL, "only for those who are owed something that no bundle in DIR brings already" },
	{ "--plain", NULL, "not encrypted: whoever gets the files can read them" },
	{ "-o", "DIR", "the folder that the bundles are written into" },
	{ "--may-hold", "TEXT...", "a private text, like a name, that stands in what is sent on purpose" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack pack --to lena -o outbox", "one bundle for each of lena's devices" },
	{ "casepack pack --all -o /media/stick", "bundles for everybody" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_pack = {
	.name = "pack",
	.usage = "--to PERSON... -o DIR [--owed] [--plain] [--may-hold TEXT]...\n--all -o DIR [--owed] [--plain] [--may-hold TEXT]...",
	.summary = "write bundles for raters",
	.about = "Seals what was done here, then writes one bundle for each device of the people named: their "
		"assignments and all that is needed to judge them, and nothing else. A bundle carries everything "
		"that its receiver has not confirmed yet, so a lost one costs nothing.\n\n"
		"Before a bundle is written it is searched for what its receiver must not see: rows of others, people's names and "
		"contacts, what is known of gold, metrics, the project's secret. Where such a text of 8 bytes or more stands in it, "
		"nothing is written and the exit status is 4; the words say where it stands and whose it is. If it stands there on "
		"purpose (a rater's name that is also a query), --may-hold TEXT lets it pass.\n\n"
		"Each is encrypted to the key that the roster has for its device, in age's format, and named *.casepack.age; with --plain "
		"it is not, unless the project demands it. Not even this hub can read what it encrypted to others.\n\n"
		"Files are numbered and none is ever overwritten.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
