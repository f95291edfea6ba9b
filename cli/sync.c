#include <string.h>
#include <sys/stat.h>

#include "cli/bundles.h"
#include "cli/keys.h"
#include "cli/names.h"
#include "cli/shown.h"
#include "formats/bundle.h"
#include "formats/file.h"
#include "sync/envelope.h"
#include "sync/hub.h"
#include "sync/report.h"

/* ---- what PATH is -------------------------------------------------------------------------- */

static enum cp_code check_path(const char *path, struct cp_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return cp_fail(err, CP_EINPUT, "%s: this is a file; sync takes a folder, `open` and `merge` take files",
				path);
	return CP_OK;
}

/* ---- taking in ----------------------------------------------------------------------------- */

/* A file that is not for us is passed over; one that is damaged might have been, so it is said. */
static enum cp_code say_if_damaged(struct cp_args *a, const char *path, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_envelope_open(a->store, path, &b, NULL, &why);

	return code == CP_OK || code == CP_ENOTFOUND || code == CP_EKEY ? CP_OK : cp_refused_say(a, path, &why, err);
}

/*
 * A workspace of no project yet takes bundles for its key, all of the project of the
 * first one: *project is zero until then.
 */
static enum cp_code is_first_mine(struct cp_args *a, const char *path, struct cp_id *project, bool *out,
		struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	const struct cp_id none = { { 0 } };
	struct cp_pubkey key;
	bool for_others;

	*out = false;
	enum cp_code code = cp_envelope_open(a->store, path, &b, &for_others, err);
	if (code != CP_OK)
		return code == CP_EKEY && !for_others ? code : CP_OK;
	const struct cp_manifest *m = cp_bundle_manifest(b);
	CP_TRY(cp_key_public(&key, NULL, cp_store_me(a->store)->key_path, err));
	*out = m->kind == CP_BUNDLE_CASES && cp_bundle_is_for_key(m, &key)
		&& (cp_id_equal(project, &none) || cp_id_equal(project, &m->project));
	if (*out)
		*project = m->project;
	return CP_OK;
}

static enum cp_code is_mine(struct cp_args *a, const char *path, struct cp_id *project, bool *out, struct cp_err *err)
{
	if (cp_store_has_project(a->store))
		return cp_bundle_is_mine(a->store, path, out, err);
	if (cp_store_me(a->store)->key_path[0] == '\0')
		return cp_fail(err, CP_EKEY, "%s: no key is named here; `casepack key use NAME` names one", a->dir);
	return is_first_mine(a, path, project, out, err);
}

/* Keeps the paths of those bundles in the folder that are for this replica. */
static enum cp_code keep_mine(struct cp_args *a, struct cp_paths *p, struct cp_err *err)
{
	struct cp_id project = { { 0 } };
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool is_kept = false;
		cp_progress_show("reading", i, p->n);
		CP_TRY(is_mine(a, p->list[i], &project, &is_kept, err));
		if (!is_kept) {
			cp_progress_end();
			CP_TRY(say_if_damaged(a, p->list[i], err));
			continue;
		}
		char *path = p->list[i];
		p->list[i] = p->list[kept];
		p->list[kept++] = path;
	}
	cp_progress_end();
	while (p->n > kept) {
		p->n--;
		cp_str_drop(&p->list[p->n]);
	}
	return CP_OK;
}

static enum cp_code merge_all(struct cp_args *a, const struct cp_paths *p, size_t *taken, struct cp_err *err)
{
	struct cp_tally tally = { .taken = 0 };

	for (size_t i = 0; i < p->n; i++)
		CP_TRY(cp_take_merge(a, p->list[i], true, &tally, err));
	*taken = tally.taken;
	return tally.failed.code == CP_OK ? CP_OK : cp_fail(err, tally.failed.code, "%s", tally.failed.text);
}

static enum cp_code open_one(struct cp_args *a, const char *path, size_t *taken, struct cp_err *err)
{
	struct cp_opened opened = { .assignments = 0 };
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_open(a->dir, path, NULL, cp_ask_passphrase, a, &opened, &why);

	if (code == CP_EFORMAT || code == CP_ETRUST)
		return cp_refused_say(a, path, &why, err);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	a->waits = a->waits || opened.refused > 0;
	if (opened.is_old && opened.refused == 0)
		return CP_OK;
	(*taken)++;
	return cp_opened_say(a, path, &opened, err);
}

/* Opening takes the workspace's lock itself, so the store is closed meanwhile. */
static enum cp_code open_all(struct cp_args *a, const struct cp_paths *p, size_t *taken, struct cp_err *err)
{
	struct cp_status before = { .unsent = 0 }, after = { .unsent = 0 };
	enum cp_code code = CP_OK;
	char n[CP_COUNT];

	if (p->n == 0)
		return CP_OK;
	if (cp_store_has_project(a->store))
		CP_TRY(cp_status(a->store, &before, err));
	cp_store_close(a->store);
	a->store = NULL;
	for (size_t i = 0; i < p->n && code == CP_OK; i++)
		code = open_one(a, p->list[i], taken, err);
	CP_TRY(code);
	CP_TRY(cp_store_open(&a->store, a->dir, err));
	cp_store_ask_with(a->store, cp_ask_passphrase, a);
	CP_TRY(cp_status(a->store, &after, err));
	if (after.unsent >= before.unsent)
		return CP_OK;
	(*taken)++;
	return a->json ? CP_OK : cp_line(err, "the hub has confirmed %s of yours",
			cp_count(n, before.unsent - after.unsent, "edit", "edits"));
}

/* A relay opens what the hub sends, and merges what its raters return. */
static enum cp_code take_as_relay(struct cp_args *a, const struct cp_paths *p, size_t *taken, struct cp_err *err)
{
	CP_AUTO(paths) struct cp_paths material = { NULL, 0 };
	CP_AUTO(paths) struct cp_paths work = { NULL, 0 };
	size_t merged = 0;

	for (size_t i = 0; i < p->n; i++) {
		CP_AUTO(bundle) struct cp_bundle *b = NULL;

		CP_TRY(cp_envelope_open(a->store, p->list[i], &b, NULL, err));
		CP_TRY(cp_paths_add(cp_bundle_manifest(b)->kind == CP_BUNDLE_CASES ? &material : &work,
				strdup(p->list[i]), err));
	}
	CP_TRY(open_all(a, &material, taken, err));
	CP_TRY(merge_all(a, &work, &merged, err));
	*taken += merged;
	return CP_OK;
}

/* ---- giving -------------------------------------------------------------------------------- */

struct giving { const struct cp_args *a; enum cp_code code; struct cp_err *err; };

static void on_sent(void *user, const struct cp_sent *sent)
{
	struct giving *g = user;
	char size[CP_SIZE], what[CP_COUNT] = "a receipt";

	if (g->code != CP_OK)
		return;
	if (sent->assignments > 0)
		cp_count(what, sent->assignments, "assignment", "assignments");
	else if (sent->commits > 0)
		cp_count(what, sent->commits, "commit", "commits");
	if (g->a->json)
		g->code = cp_json_line(json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I}",
				"file", cp_json_text(sent->path), "outcome", "written", "to", cp_json_text(sent->to),
				"number", (json_int_t)sent->number, "cases", (json_int_t)sent->cases,
				"assignments", (json_int_t)sent->assignments, "commits", (json_int_t)sent->commits,
				"size", (json_int_t)sent->bytes), g->err);
	else
		g->code = cp_line(g->err, "%s: written for %s, %s, %s", sent->path,
				sent->to[0] != '\0' ? sent->to : "the hub", what, cp_size_text(size, sent->bytes));
}

static enum cp_code give(struct cp_args *a, const char *dir, int64_t *given, struct cp_err *err)
{
	struct giving g = { .a = a, .err = err };
	struct cp_sent sent = { .number = 0 };
	unsigned how = cp_how_to_send(a) | CP_SEND_OWED;
	int64_t returned;

	*given = 0;
	if (cp_store_me(a->store)->is_hub) {
		CP_TRY(cp_pack(a->store, NULL, dir, how, on_sent, &g, given, err));
		CP_TRY(cp_say_without_device(a->store, err));
	}
	if (cp_store_me(a->store)->is_hub && !cp_store_me(a->store)->is_relay)
		return g.code;
	CP_TRY(cp_key_hand_over(a, err));
	CP_TRY(cp_return(a->store, dir, how, &sent, &returned, err));
	if (returned > 0)
		on_sent(&g, &sent);
	*given += returned;
	return g.code;
}

/* ---- a git remote -------------------------------------------------------------------------- */

static enum cp_code say_passed(struct cp_args *a, const struct cp_passed *p, struct cp_err *err)
{
	a->refused = true;
	if (a->json)
		return cp_json_line(json_pack("{s:o, s:o, s:s, s:o}", "remote", cp_json_text(a->words[0]), "branch",
				cp_json_text(p->branch), "outcome", "refused", "why", cp_json_text(p->why)), err);
	return cp_line(err, "%s: branch %s refused: %s; nothing was taken from it, and `git push %s :%s` removes it there", a->words[0],
			p->branch, p->why, a->words[0], p->branch);
}

static enum cp_code say_all_passed(struct cp_args *a, const struct cp_synced *s, struct cp_err *err)
{
	char n[CP_COUNT];

	for (size_t i = 0; i < s->n_passed; i++)
		CP_TRY(say_passed(a, &s->passed[i], err));
	if (s->strangers > 0)
		cp_say("%s: %s there that hubs do not use left alone: %s", a->words[0], cp_count(n, s->strangers, "branch", "branches"),
				s->stranger_names);
	return CP_OK;
}

static enum cp_code say_synced(const struct cp_args *a, const struct cp_synced *s, struct cp_err *err)
{
	char edits[CP_COUNT], commits[CP_COUNT], branches[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "remote", cp_json_text(a->words[0]),
				"outcome", s->commits + s->refused + s->pushed > 0 ? "exchanged" : "known",
				"commits", (json_int_t)s->commits, "edits", (json_int_t)s->edits, "refused", (json_int_t)s->refused,
				"disputed", (json_int_t)s->disputed, "waiting", (json_int_t)s->waiting, "pushed", (json_int_t)s->pushed,
				"missing", (json_int_t)s->missing, "forgotten", (json_int_t)s->erased.forgotten, "is_joined", (int)s->is_joined), err);
	if (s->commits > 0)
		CP_TRY(cp_line(err, "%s: taken, %s in %s%s", a->words[0], cp_count(edits, s->edits, "edit", "edits"),
				cp_count(commits, s->commits, "commit", "commits"), s->is_joined ? "; joined with our main" : ""));
	if (s->refused > 0)
		CP_TRY(cp_line(err, "%s: %s refused by another hub", a->words[0],
				cp_count(commits, s->refused, "commit", "commits")));
	if (s->disputed > 0)
		CP_TRY(cp_line(err, "%s: %s judged otherwise there; `casepack status` lists them", a->words[0],
				cp_count(commits, s->disputed, "commit was", "commits were")));
	if (s->pushed > 0)
		CP_TRY(cp_line(err, "%s: pushed %s", a->words[0], cp_count(branches, s->pushed, "branch", "branches")));
	if (s->erased.forgotten > 0)
		CP_TRY(cp_line(err, "%s: %s forgotten by another lead, and erased here", a->words[0],
				cp_count(edits, s->erased.forgotten, "case was", "cases were")));
	if (s->missing > 0)
		CP_TRY(cp_line(err, "%s: %s without content here; it comes by no git server, nor do real names: `casepack pack --to %s` at another"
				" hub, then `casepack merge` here", a->words[0], cp_count(edits, s->missing, "case", "cases"),
				cp_store_me(a->store)->pseudonym));
	if (s->commits + s->refused + s->disputed + s->pushed == 0)
		cp_say("nothing new");
	return CP_OK;
}

static enum cp_code run_remote(struct cp_args *a, struct cp_err *err)
{
	struct cp_synced synced = { .commits = 0 };

	CP_TRY(cp_hub_sync(a->store, a->words[0], &synced, err));
	a->waits = a->waits || synced.waiting > 0 || synced.conflicts > 0 || synced.disputed > 0;
	CP_TRY(say_all_passed(a, &synced, err));
	return say_synced(a, &synced, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(paths) struct cp_paths paths = { NULL, 0 };
	CP_AUTO(names) struct cp_names may_hold = { NULL, 0, NULL };
	size_t taken = 0;
	int64_t given = 0;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_names_all(&may_hold, a, "--may-hold", err));
	if (cp_remote_looks_like(a->words[0]))
		return run_remote(a, err);
	CP_TRY(check_path(a->words[0], err));
	CP_TRY(cp_paths_of_folder(&paths, a->words[0], err));
	CP_TRY(keep_mine(a, &paths, err));
	if (cp_store_me(a->store)->is_relay)
		CP_TRY(take_as_relay(a, &paths, &taken, err));
	else if (cp_store_me(a->store)->is_hub)
		CP_TRY(merge_all(a, &paths, &taken, err));
	else
		CP_TRY(open_all(a, &paths, &taken, err));
	if (!cp_store_has_project(a->store)) {
		cp_say("nothing for this device in %s yet", a->words[0]);
		return CP_OK;
	}
	cp_may_hold(a->store, may_hold.list, may_hold.n);
	CP_TRY(give(a, a->words[0], &given, err));
	if (taken == 0 && given == 0)
		cp_say("nothing new");
	return CP_OK;
}

static const struct cp_option options[] = {
	{ "--may-hold", "TEXT...", "a hub: a private text that stands in what is sent on purpose; see `casepack help pack`" },
	{ "--plain", NULL, "what is left in DIR is not encrypted: whoever gets the files can read them" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack sync /media/stick", "take in what is there for this device, leave what it owes" },
	{ "casepack sync git@example.org:eval.git", "two leads' hubs exchange through a git server" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_sync = {
	.name = "sync",
	.usage = "DIR_OR_REMOTE [--plain] [--may-hold TEXT]...",
	.summary = "exchange bundles through a folder, or hubs through a git remote",
	.about = "The one command for daily use. DIR is a folder with bundle files: a stick, a share. Takes in "
		"every bundle there that is addressed to this replica, and leaves there what this replica owes to "
		"others and no bundle in DIR brings already. Bundles for others are passed over; nothing in DIR is "
		"changed or removed. What is left is encrypted to its receivers' keys, unless --plain is said; a protected key is asked "
		"for only when something is there for it, or something is to be sealed or written.\n\n"
		"At a lead's hub REMOTE may be a bare git repository: a path, or one behind ssh as git spells it, with ssh's own keys "
		"and known hosts. Hubs exchange change commits and their mains there; each takes in what it lacks, the mains are "
		"joined, and who was slower begins again. What cases show, and what only leads may read, never goes to a git remote: "
		"it comes by a folder or by `pack --to`. How many cases have no content yet is told; whether real names or other private rows "
		"are missing nobody can tell from there, so exchange a hub bundle now and then. The server needs nothing but git. A branch "
		"there that no hub can have pushed is refused and told, and all else is exchanged; where main itself is such, nothing is.\n\n"
		"Exit status 4 when a file or a branch was refused or is damaged, 3 when something waits for a person.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
