#include "sync/people.h"

#include "cli/keys.h"
#include "cli/verbs.h"

static enum cp_code person_add(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096);
	struct cp_person_add p = {
		.role = cp_arg(a, "--role"),
		.name = cp_arg(a, "--name"),
		.locales = cp_arg(a, "--locale"),
		.vendor = cp_arg(a, "--vendor"),
		.home = cp_arg(a, "--relay"),
		.is_hub = cp_arg_given(a, "--hub"),
	};
	bool is_changed;

	CP_TRY(cp_args_want(a, 2, 2, err));
	p.pseudonym = a->words[1];
	if (cp_arg(a, "--key") != NULL) {
		CP_TRY(cp_key_public(&(struct cp_pubkey){ { 0 } }, NULL, cp_arg(a, "--key"), err));
		CP_TRY(cp_key_public_path(&key, cp_arg(a, "--key"), err));
		p.key_path = key.data;
	}
	CP_TRY(cp_person_add(a->store, &p, &is_changed, err));
	cp_say(is_changed ? "%s stands on the roster" : "%s stood on the roster like this already", p.pseudonym);
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code person_home(struct cp_args *a, struct cp_err *err)
{
	bool is_changed;

	CP_TRY(cp_args_want(a, 3, 3, err));
	CP_TRY(cp_person_home(a->store, a->words[1], a->words[2], &is_changed, err));
	cp_say(is_changed ? "%s is given to by %s from now on" : "%s is given to by %s already", a->words[1], a->words[2]);
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code list_one(void *user, const struct cp_person_row *row, struct cp_err *err)
{
	struct cp_out *out = user;

	CP_TRY(cp_out_text(out, row->pseudonym, err));
	CP_TRY(cp_out_text(out, row->role, err));
	CP_TRY(cp_out_text(out, row->state, err));
	CP_TRY(cp_out_text(out, row->name, err));
	CP_TRY(cp_out_text(out, row->locales, err));
	CP_TRY(cp_out_text(out, row->vendor, err));
	CP_TRY(cp_out_int(out, row->devices, err));
	CP_TRY(cp_out_int(out, row->assigned, err));
	return cp_out_int(out, row->submitted, err);
}

static enum cp_code person_list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "pseudonym", "role", "state", "name", "locales", "vendor", "devices",
		"assigned", "submitted" };
	struct cp_out *out;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, sizeof columns / sizeof *columns, err));
	return cp_out_close(out, cp_person_each(a->store, list_one, out, err), err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "add", " --name --role --locale --vendor --key --relay --hub ", person_add },
		{ "home", NULL, person_home },
		{ "list", NULL, person_list },
		{ NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

static const struct cp_option options[] = {
	{ "--name", "NAME", "the real name; it stays on leads' hubs" },
	{ "--role", "ROLE", "rater (unless said), lead, relay or auditor" },
	{ "--locale", "LOCALES", "what the person can judge, as BCP 47: en-US,fr" },
	{ "--vendor", "NAME", "for whom the person works" },
	{ "--relay", "PERSON", "the relay that gives to this person's devices and collects from them; a lead's name: her hub does so again" },
	{ "--key", "FILE.pub", "the public key of a device of this person; again for a further device" },
	{ "--hub", NULL, "that device is a hub too: a further lead's, which takes in and gives out by itself" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack person add ana --name \"Ana Silva\" --locale pt-BR --key ana.pub",
		"let ana in, with the key she sent" },
	{ "casepack person add ana --key laptop2.pub", "a second device of hers" },
	{ "casepack person add acme --role relay --key acme.pub", "a vendor's hub, that hands on and collects" },
	{ "casepack person add bea --role lead --key bea.pub --hub", "a second lead with a hub of her own" },
	{ "casepack person add ben --relay acme --key ben.pub", "a rater who is reached through it" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_person = {
	.name = "person",
	.usage = "add PSEUDONYM [--name NAME] [--role ROLE] [--locale LOCALES] [--vendor NAME] [--relay PERSON] [--key FILE.pub] [--hub]\nhome PSEUDONYM HUB\nlist",
	.summary = "the people of the project and their devices",
	.about =
		"`add` puts a person on the roster, or changes one who is there: what is not said stays as it is. A "
		"pseudonym begins with a letter or digit, goes on with letters, digits, - and _, all lower case, "
		"and is what history calls this person for ever; the real name is kept on leads' hubs alone. Compare the key's "
		"fingerprint with its owner before you let it in (`casepack key show FILE.pub`).\n\n"
		"A relay is a vendor's hub: `pack` gives it one bundle with what is for its raters and for nobody else, it "
		"gives each their part, merges what they return, and its `return` brings everything back in one bundle, each "
		"change commit signed by its rater still.\n\n"
		"A further lead's hub begins with one bundle: `person add bea --role lead --key bea.pub --hub`, `pack --to bea`, "
		"and she makes her workspace of it with `open`. From then on the two exchange with `sync` through a folder or a "
		"git remote, or with `pack --to` and `merge`.\n\n"
		"A person's devices are given to by one hub at a time: the one that gave to them first, or the one whose person "
		"`home` names. The next one goes on where the last ended, once both have exchanged.\n\n"
		"`list` shows everybody, with what they were given and what they have submitted.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
