#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "formats/file.h"
#include "sync/succession.h"

#define PASSPHRASE_MAX 1024
#define PATH_BYTES 4096

/* ---- new ----------------------------------------------------------------------------- */

/* Twice, so that a slip does not lock the key for ever. Without a terminal: none. */
static enum cp_code ask_twice(char out[PASSPHRASE_MAX], struct cp_err *err)
{
	char again[PASSPHRASE_MAX] = "";
	bool is_same;

	out[0] = '\0';
	if (isatty(STDIN_FILENO) != 1)
		return CP_OK;
	if (!cp_ask_terminal("new passphrase (empty for none): ", out, PASSPHRASE_MAX))
		return cp_fail(err, CP_EKEY, "no passphrase was given; no key was made");
	is_same = out[0] == '\0' ||
		(cp_ask_terminal("the same again: ", again, sizeof again) && strcmp(out, again) == 0);
	sodium_memzero(again, sizeof again);
	return is_same ? CP_OK : cp_fail(err, CP_EKEY, "the two passphrases differ; no key was made");
}

/* user@host: what stands behind the key in its public half. */
static void comment_of(char *out, size_t size)
{
	char host[65] = "";
	const char *user = getenv("USER");

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	snprintf(out, size, "%s@%s", user != NULL && *user != '\0' ? user : "casepack", *host != '\0' ? host : "localhost");
	for (char *p = out; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '_';
}

static enum cp_code generate(const struct cp_args *a, const char *path, struct cp_err *err)
{
	const char *given = a->passphrase.is_given ? a->passphrase.text : getenv("CASEPACK_PASSPHRASE");
	char typed[PASSPHRASE_MAX] = "", comment[160];
	enum cp_code code = CP_OK;

	comment_of(comment, sizeof comment);
	if (given == NULL)
		code = ask_twice(typed, err);
	if (code == CP_OK)
		code = cp_sshkey_generate(path, comment, given != NULL ? given : typed, err);
	sodium_memzero(typed, sizeof typed);
	return code;
}

static enum cp_code show(const struct cp_args *a, const char *name, struct cp_err *err);

/* The folder for named keys, which nobody else may look into. */
static enum cp_code make_folder(struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(PATH_BYTES);

	CP_TRY(cp_key_folder(&folder, err));
	if (cp_file_exists(folder.data))
		return CP_OK;
	CP_TRY(cp_folder_make(folder.data, err));
	return chmod(folder.data, 0700) == 0 ? CP_OK : cp_fail_errno(err, "%s", folder.data);
}

enum cp_code cp_key_make(const struct cp_args *a, const char *name, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(PATH_BYTES), public = CP_BUF(PATH_BYTES);

	CP_TRY(cp_key_path(&path, name, err));
	CP_TRY(cp_key_public_path(&public, name, err));
	if (cp_file_exists(path.data) || cp_file_exists(public.data))
		return cp_fail(err, CP_EINPUT, "%s: there is a key already; give the new one another name",
				cp_file_exists(path.data) ? path.data : public.data);
	if (strcmp(path.data, name) != 0)
		CP_TRY(make_folder(err));
	CP_TRY(generate(a, path.data, err));
	cp_say("made %s; its public half %s is what the lead needs", path.data, public.data);
	return CP_OK;
}

static enum cp_code key_new(struct cp_args *a, struct cp_err *err)
{
	const char *name = a->n > 1 ? a->words[1] : CP_KEY_DEFAULT;

	CP_TRY(cp_args_want(a, 1, 2, err));
	CP_TRY(cp_key_make(a, name, err));
	return show(a, name, err);
}

/* ---- show and list -------------------------------------------------------------------- */

static enum cp_code show(const struct cp_args *a, const char *name, struct cp_err *err)
{
	static const char *const columns[] = { "key", "fingerprint", "words", "path" };
	CP_AUTO(buf) struct cp_buf line = CP_BUF(PATH_BYTES), print = CP_BUF(256), words = CP_BUF(256), path = CP_BUF(PATH_BYTES);
	struct cp_pubkey key;
	struct cp_out *out;

	CP_TRY(cp_key_public(&key, &line, name, err));
	CP_TRY(cp_pubkey_fingerprint(&print, &key, err));
	CP_TRY(cp_pubkey_words(&words, &key, err));
	CP_TRY(cp_key_path(&path, name, err));
	if (!a->json) {
		CP_TRY(cp_line(err, "%s", line.data));
		CP_TRY(cp_line(err, "%s", print.data));
		return cp_line(err, "%s", words.data);
	}
	CP_TRY(cp_out_begin(&out, true, columns, 4, err));
	enum cp_code code = cp_out_text(out, line.data, err);
	if (code == CP_OK)
		code = cp_out_text(out, print.data, err);
	if (code == CP_OK)
		code = cp_out_text(out, words.data, err);
	if (code == CP_OK)
		code = cp_out_text(out, path.data, err);
	return cp_out_close(out, code, err);
}

static enum cp_code key_show(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 1, 2, err));
	return show(a, a->n > 1 ? a->words[1] : CP_KEY_DEFAULT, err);
}

/* A key is there where its public half is; the private one may be on another device. */
static enum cp_code list_one(struct cp_out *out, const char *name, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf print = CP_BUF(256), path = CP_BUF(PATH_BYTES);
	struct cp_err why = { .code = CP_OK };
	struct cp_pubkey key;
	bool is_protected = false;

	if (cp_key_path(&path, name, &why) != CP_OK || cp_key_public(&key, NULL, name, &why) != CP_OK) {
		cp_say("passed over: %s", why.text);
		return CP_OK;
	}
	CP_TRY(cp_pubkey_fingerprint(&print, &key, err));
	if (!cp_file_exists(path.data) || cp_sshkey_is_protected(&is_protected, path.data, NULL) != CP_OK)
		is_protected = false;
	CP_TRY(cp_out_text(out, name, err));
	CP_TRY(cp_out_text(out, print.data, err));
	CP_TRY(cp_out_bool(out, is_protected, err));
	return cp_out_text(out, path.data, err);
}

static int is_public(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && e->d_name[0] != '.' && strcmp(e->d_name + n - 4, ".pub") == 0;
}

static enum cp_code list_all(struct cp_out *out, struct dirent **found, int n, struct cp_err *err)
{
	for (int i = 0; i < n; i++) {
		found[i]->d_name[strlen(found[i]->d_name) - 4] = '\0';
		CP_TRY(list_one(out, found[i]->d_name, err));
	}
	return CP_OK;
}

static enum cp_code key_list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "name", "fingerprint", "protected", "path" };
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(PATH_BYTES);
	struct dirent **found = NULL;
	struct cp_out *out;
	int n;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_key_folder(&folder, err));
	n = scandir(folder.data, &found, is_public, alphasort);
	if (n < 0 && errno != ENOENT)
		return cp_fail_errno(err, "%s", folder.data);
	enum cp_code code = cp_out_begin(&out, a->json, columns, 4, err);
	if (code == CP_OK)
		code = cp_out_close(out, list_all(out, found, n, err), err);
	for (int i = 0; i < n; i++)
		free(found[i]);
	free(found);
	if (n <= 0)
		cp_say("no keys in %s; `casepack key new` makes one", folder.data);
	return code;
}

/* ---- use --------------------------------------------------------------------------------- */

static enum cp_code key_use(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *store = NULL;
	CP_AUTO(buf) struct cp_buf path = CP_BUF(PATH_BYTES);

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_key_find(&path, a->words[1], err));
	CP_TRY(cp_store_open(&store, a->dir, err));
	CP_TRY(cp_store_use_key(store, path.data, err));
	cp_say("this workspace uses %s", cp_store_me(store)->key_path);
	return CP_OK;
}

/* ---- replace ------------------------------------------------------------------------------ */

static enum cp_code say_replaced(const char *path, bool proven, int64_t again, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(256);
	struct cp_pubkey key;
	char n[CP_COUNT];

	CP_TRY(cp_public_key(&key, path, err));
	CP_TRY(cp_pubkey_words(&words, &key, err));
	cp_say("this workspace goes on with %s", path);
	if (again > 0)
		cp_say("%s that the hub has not confirmed will be sealed with it", cp_count(n, again, "edit", "edits"));
	if (proven)
		cp_say("the old key has signed for it: the hub takes it in with the next return");
	else
		cp_say("without the old key the lead has to trust it, behind the next return; read these words to her: %s", words.data);
	return CP_OK;
}

static enum cp_code replace_with(struct cp_store *s, const char *name, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(PATH_BYTES);
	bool proven;
	int64_t again;

	CP_TRY(cp_key_find(&path, name, err));
	CP_TRY(cp_succeed(s, path.data, &proven, &again, err));
	return say_replaced(cp_store_me(s)->key_path, proven, again, err);
}

static enum cp_code key_replace(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *store = NULL;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_store_open(&store, a->dir, err));
	cp_store_ask_with(store, cp_ask_passphrase, a);
	return replace_with(store, a->words[1], err);
}

enum cp_code cp_key_hand_over(struct cp_args *a, struct cp_err *err)
{
	struct cp_store *s = a->store;
	CP_AUTO(buf) struct cp_buf path = CP_BUF(PATH_BYTES);
	bool is_invited;

	CP_TRY(cp_is_invited(s, &is_invited, err));
	if (!is_invited)
		return CP_OK;
	CP_TRY(cp_key_path(&path, CP_KEY_DEFAULT, err));
	if (!cp_file_exists(path.data))
		CP_TRY(cp_key_make(a, CP_KEY_DEFAULT, err));
	return replace_with(s, CP_KEY_DEFAULT, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "new", NULL, key_new }, { "list", NULL, key_list }, { "show", NULL, key_show },
		{ "use", NULL, key_use }, { "replace", NULL, key_replace }, { NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

static const struct cp_example examples[] = {
	{ "casepack key new", "the key of this device" },
	{ "casepack key show", "the line and the fingerprint to send to the lead, who compares them with you" },
	{ "casepack -C hub key use ./id_ed25519", "an OpenSSH key that you have already" },
	{ "casepack -C work key replace second", "the old one is lost; `casepack key new second` has made this one" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_key = {
	.name = "key",
	.usage = "new [NAME]\nlist\nshow [NAME]\nuse NAME|FILE\nreplace NAME|FILE",
	.summary = "make, list, choose and replace keys",
	.about =
		"A key signs what this device sends, and opens what is sent to it. It is an OpenSSH ed25519 key: "
		"`ssh-keygen` reads those made here, and casepack those made there.\n\n"
		"`new` makes a key (NAME is `default` unless said) and prints its public half. On a terminal it asks for "
		"a passphrase, twice; an empty one leaves the key unprotected. CASEPACK_PASSPHRASE in the environment, "
		"or what --passphrase-fd gives, is used instead; a passphrase is never an argument, where others could read it.\n\n"
		"`list` shows the keys that have a name here. `show` prints the public line of one, its fingerprint as "
		"`ssh-keygen -lf` prints it, and the same as eight words to read aloud. `use` says which key this workspace works with.\n\n"
		"`replace` goes on with another key, made with `new` before: the old one is lost, or is to be used no longer. "
		"Nothing is typed again: what the hub has not confirmed is sealed once more with the new key. Where the old key can "
		"still be opened it signs for the new one, and the hub takes that in by itself; else what is returned waits there, until "
		"a lead has compared the words and said `casepack person trust`. A stolen key is for the lead to revoke.\n\n"
		"What holds a slash, or ends in .pub, is a file; anything else is a name in "
		"$XDG_CONFIG_HOME/casepack/keys (~/.config/casepack/keys).",
	.options = cp_no_options,
	.examples = examples,
	.run = run,
};
