#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "sync/people.h"
#include "sync/roster.h"
#include "sync/succession.h"

/* A key pair in one file, for a person who cannot send a key of her own first. Its public half is in it. */
static enum cp_code invite(const char *path, const char *pseudonym, char passphrase[CP_PASSPHRASE_SIZE], struct cp_buf *public,
		struct cp_err *err)
{
	CP_TRY(cp_buf_printf(public, err, "%s.pub", path));
	cp_passphrase_random(passphrase);
	return cp_sshkey_generate(path, pseudonym, passphrase, err);
}

/* Once: nobody can tell it again. */
static enum cp_code say_invited(const struct cp_args *a, const char *path, const char *pseudonym, const char *passphrase,
		struct cp_err *err)
{
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:o, s:s}", "person", cp_json_text(pseudonym), "file", cp_json_text(path),
				"passphrase", passphrase), err);
	CP_TRY(cp_line(err, "%s: send it to %s with the first bundle, and tell the passphrase another way:", path, pseudonym));
	return cp_line(err, "%s", passphrase);
}

static enum cp_code add_and_invite(struct cp_args *a, struct cp_person_add *p, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf public = CP_BUF(4096);
	const char *path = cp_arg(a, "--invite");
	char passphrase[CP_PASSPHRASE_SIZE];
	bool is_changed;
	enum cp_code code;

	CP_TRY(invite(path, p->pseudonym, passphrase, &public, err));
	p->key_path = public.data;
	p->is_invitation = true;
	code = cp_person_add(a->store, p, &is_changed, err);
	unlink(public.data);
	if (code == CP_OK)
		code = say_invited(a, path, p->pseudonym, passphrase, err);
	else
		unlink(path);
	sodium_memzero(passphrase, sizeof passphrase);
	return code == CP_OK ? cp_seal_if_ready(a->store, err) : code;
}

static enum cp_code person_add(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096), fingerprint = CP_BUF(256);
	struct cp_pubkey public;
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
	if (cp_arg(a, "--invite") != NULL && cp_arg(a, "--key") != NULL)
		return cp_fail(err, CP_EUSAGE, "person: --key and --invite are two ways to let a device in; say one");
	if (cp_arg(a, "--invite") != NULL)
		return add_and_invite(a, &p, err);
	if (cp_arg(a, "--key") != NULL) {
		CP_TRY(cp_key_public(&public, NULL, cp_arg(a, "--key"), err));
		CP_TRY(cp_pubkey_words(&fingerprint, &public, err));
		CP_TRY(cp_key_public_path(&key, cp_arg(a, "--key"), err));
		p.key_path = key.data;
	}
	CP_TRY(cp_person_add(a->store, &p, &is_changed, err));
	cp_say(is_changed ? "%s stands on the roster" : "%s stood on the roster like this already", p.pseudonym);
	if (fingerprint.len > 0)
		cp_say("the words of that key, which its owner reads in `casepack key show`: %s", fingerprint.data);
	return cp_seal_if_ready(a->store, err);
}

/* The last word is the hub. */
static enum cp_code person_home(struct cp_args *a, struct cp_err *err)
{
	const char *hub;
	char n[CP_COUNT];
	size_t moved, people;

	CP_TRY(cp_args_want(a, 3, SIZE_MAX, err));
	people = a->n - 2;
	hub = a->words[a->n - 1];
	CP_TRY(cp_person_home(a->store, a->words + 1, people, hub, &moved, err));
	if (people == 1)
		cp_say(moved ? "%s is given to by %s from now on" : "%s is given to by %s already", a->words[1], hub);
	else
		cp_say("%s moved to %s, %zu there already", cp_count(n, (int64_t)moved, "person", "people"), hub, people - moved);
	return cp_seal_if_ready(a->store, err);
}

/* ---- trust ---------------------------------------------------------------------------------- */

static enum cp_code person_revoke(struct cp_args *a, struct cp_err *err)
{
	char n[CP_COUNT];
	int64_t count;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_roster_revoke(a->store, a->words[1], cp_arg(a, "--device"), cp_arg(a, "--reason"), &count, err));
	cp_say("%s of %s revoked: what comes from now on is refused; `casepack quarantine` lists what was taken in before",
			cp_count(n, count, "device", "devices"), a->words[1]);
	return cp_seal_if_ready(a->store, err);
}

struct strangers { const char *pseudonym; int64_t n; };

static enum cp_code say_stranger(void *user, const struct cp_stranger *one, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(256);
	struct strangers *t = user;

	if (strcmp(one->pseudonym, t->pseudonym) != 0)
		return CP_OK;
	t->n++;
	CP_TRY(cp_pubkey_words(&words, &one->key, err));
	return cp_line(err, "%s", words.data);
}

/* Without words: which keys wait. */
static enum cp_code list_strangers(struct cp_args *a, struct cp_err *err)
{
	struct strangers t = { a->words[1], 0 };

	CP_TRY(cp_stranger_each(a->store, say_stranger, &t, err));
	if (t.n == 0)
		return cp_fail(err, CP_ENOTFOUND, "no new key of %s waits here", a->words[1]);
	a->waits = true;
	cp_say("if %s reads the same words in `casepack key show`, say them: casepack person trust %s WORDS", a->words[1], a->words[1]);
	return CP_OK;
}

static enum cp_code person_trust(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf said = CP_BUF(1024);
	struct cp_merged m;
	char n[CP_COUNT];

	CP_TRY(cp_args_want(a, 2, 2 + CP_FINGERPRINT_WORDS, err));
	if (a->n == 2)
		return list_strangers(a, err);
	for (size_t i = 2; i < a->n; i++)
		CP_TRY(cp_buf_printf(&said, err, "%s%s", i > 2 ? " " : "", a->words[i]));
	CP_TRY(cp_stranger_trust(a->store, a->words[1], said.data, &m, err));
	cp_say("%s's new key stands on the roster; %s taken in", a->words[1], cp_count(n, m.edits, "edit", "edits"));
	if (m.refused > 0)
		cp_say("%s", m.why);
	a->waits = m.refused > 0;
	return CP_OK;
}

static enum cp_code device_one(void *user, const struct cp_device_row *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(256);
	char id[CP_ID_HEX], old[CP_ID_HEX] = "";
	struct cp_out *out = user;

	CP_TRY(cp_pubkey_words(&words, &d->key, err));
	if (cp_id_is_set(&d->goes_on_for))
		cp_hex(old, d->goes_on_for.bytes, 16);
	CP_TRY(cp_out_text(out, d->pseudonym, err));
	CP_TRY(cp_out_text(out, cp_hex(id, d->id.bytes, 16), err));
	CP_TRY(cp_out_text(out, d->state, err));
	CP_TRY(cp_out_bool(out, d->is_hub, err));
	CP_TRY(cp_out_int(out, d->commits, err));
	CP_TRY(cp_out_text(out, old, err));
	return cp_out_text(out, words.data, err);
}

static enum cp_code person_devices(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "pseudonym", "device", "state", "hub", "commits", "goes_on_for", "words" };
	struct cp_out *out;

	CP_TRY(cp_args_want(a, 1, 2, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, sizeof columns / sizeof *columns, err));
	return cp_out_close(out, cp_device_each(a->store, a->n > 1 ? a->words[1] : NULL, device_one, out, err), err);
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
		{ "add", " --name --role --locale --vendor --key --invite --relay --hub ", person_add },
		{ "home", NULL, person_home },
		{ "devices", NULL, person_devices },
		{ "trust", NULL, person_trust },
		{ "revoke", " --device --reason ", person_revoke },
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
	{ "--invite", "FILE", "make a key for a device of this person, locked with a passphrase that is told once" },
	{ "--device", "ID", "only that device, by the first digits of its id" },
	{ "--reason", "TEXT", "why; it stays in history" },
	{ "--hub", NULL, "that device is a hub too: a further lead's, which takes in and gives out by itself" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack person add ana --name \"Ana Silva\" --locale pt-BR --key ana.pub",
		"let ana in, with the key she sent" },
	{ "casepack person add ana --key laptop2.pub", "a second device of hers" },
	{ "casepack person add eva --invite eva.invitation", "a rater who cannot send a key first" },
	{ "casepack person trust ana lusab-babad-gutih-tugad-mofut-zohib-dalaf-kukam", "her new key, whose words she has read to you" },
	{ "casepack person revoke ana --device 3f2a --reason \"stolen on the train\"", "that laptop is trusted no longer" },
	{ "casepack person add acme --role relay --key acme.pub", "a vendor's hub, that hands on and collects" },
	{ "casepack person add bea --role lead --key bea.pub --hub", "a second lead with a hub of her own" },
	{ "casepack person add ben --relay acme --key ben.pub", "a rater who is reached through it" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_person = {
	.name = "person",
	.usage = "add PSEUDONYM [--name NAME] [--role ROLE] [--locale LOCALES] [--vendor NAME] [--relay PERSON] [--key FILE.pub | --invite FILE] [--hub]\nhome PSEUDONYM... HUB\ndevices [PSEUDONYM]\ntrust PSEUDONYM [WORDS]\nrevoke PSEUDONYM [--device ID] --reason TEXT\nlist",
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
		"`home` names, by a pseudonym or by a device's id. The next one goes on where the last ended, once both have exchanged.\n\n"
		"A lead goes on with another key by a second hub: `key new second`, `person add lea --key second.pub --hub`, `pack --to lea`, "
		"and `open` makes the new workspace; then `person home` for everybody and one more `pack --to lea` at the old hub, `merge` and `pack --all` "
		"at the new one, and `person revoke lea --device ID` there once all have opened that. Where the old hub is lost, the new one revokes it and names "
		"itself as home; raters who have opened a bundle since the second was added know it, so add one before you need it. "
		"If the old key is lost and not stolen, merge what raters return first: what only the old hub gave comes back with it, and "
		"behind the revocation work on such assignments waits.\n\n"
		"Who cannot send a key first is invited: `--invite FILE` makes a key for her, locked with a passphrase that is shown once. "
		"She opens the first bundle with it (`casepack open BUNDLE --key FILE`), and when she first returns something her device goes "
		"on with a key of her own, once.\n\n"
		"`devices` lists devices with their state and the words of their keys. `trust` takes in a device that goes on with a new key "
		"(`casepack key replace`) without the old one: its owner reads the eight words of `casepack key show`, and you say them here; without "
		"words it shows which keys wait. `revoke` ends the trust in a person's devices, or in one: what was taken in until then stays and "
		"is to be reviewed, what comes behind it is refused, at whatever time its clock claims that it was made.\n\n"
		"`list` shows everybody, with what they were given and what they have submitted.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
