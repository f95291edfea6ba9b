#include <string.h>

#include "cli/cli.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "formats/file.h"
#include "formats/text.h"
#include "sync/verify.h"

#define FINDINGS_MAX 100 /* told one by one; the others are counted */
#define MISSING_MAX 10

/* ---- what to compare with ------------------------------------------------------------------------ */

static enum cp_code read_file(struct cp_args *a, const char *path, struct cp_checkpoints *out, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf text = CP_BUF(65536);
	struct cp_key_search search = { .args = a };

	if (!cp_bundle_is_name(path)) {
		struct cp_err why = { .code = CP_OK };
		enum cp_code code = cp_checkpoint_git(out, path, &why);

		if (code != CP_ENOTFOUND)
			return code == CP_OK ? CP_OK : cp_fail(err, code, "%s", why.text);
		CP_TRY(cp_file_read(&text, path, err));
		return cp_checkpoint_text(out, text.data ? text.data : "", path, err);
	}
	CP_TRY(cp_bundle_open_with(&b, path, &cp_limits_default, cp_key_unlock, &search, err));
	return cp_checkpoint_manifest(out, cp_bundle_manifest(b), path, err);
}

static enum cp_code read_checkpoints(struct cp_args *a, struct cp_checkpoints *out, struct cp_err *err)
{
	const char *given[64];
	size_t n = cp_arg_all(a, "--against", given, 64);

	for (size_t i = 0; i < n; i++)
		CP_TRY(cp_file_exists(given[i]) ? read_file(a, given[i], out, err) : cp_checkpoint_text(out, given[i], "--against", err));
	return CP_OK;
}

/* ---- what was found ------------------------------------------------------------------------------- */

struct telling { const struct cp_args *a; json_t *list; int64_t n, missing; char last[128]; enum cp_code code; struct cp_err why; };

static void tell(void *user, const struct cp_finding *f)
{
	struct telling *t = user;

	if (++t->n > FINDINGS_MAX)
		return;
	if (t->a->json)
		(void)json_array_append_new(t->list, json_pack("{s:o, s:o, s:o}", "where", cp_json_text(f->where), "what",
				cp_json_text(f->what), "now", cp_json_text(f->now)));
	else if (t->code == CP_OK)
		t->code = cp_line(&t->why, "%s: %s; %s", f->where, f->what, f->now);
}

static void tell_missing(void *user, const char *what)
{
	struct telling *t = user;

	if (t->a->json || strcmp(what, t->last) == 0 || ++t->missing > MISSING_MAX) /* each case that shows it names it once more */
		return;
	snprintf(t->last, sizeof t->last, "%s", what);
	cp_say("not here: %s", what);
}

static void show_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user;
	cp_progress_show(what, done, total);
}

static void say_relied(const struct cp_verified *v)
{
	char at[32], commits[CP_COUNT], files[CP_COUNT];

	if (!v->relied.is)
		return;
	cp_say("relied on what was proven on %s up to main %.12s: %s, %s; --full reads them again", cp_time_text(at, v->relied.at_us),
			v->relied.main.hex, cp_count(commits, v->relied.commits, "change commit", "change commits"),
			cp_count(files, v->relied.files, "file of objects", "files of objects"));
}

static void say_history(const struct cp_verified *v)
{
	char a[CP_COUNT], b[CP_COUNT], c[CP_COUNT], d[CP_COUNT], size[CP_SIZE];

	cp_say("%s hashed (%s), %s", cp_count(a, v->objects, "git object", "git objects"), cp_size_text(size, (uint64_t)v->object_bytes),
			cp_count(b, v->refs, "ref", "refs"));
	cp_say("%s with %s, %s of main, %s: signatures, chains, permissions", cp_count(a, v->commits, "change commit", "change commits"),
			cp_count(b, v->edits, "edit", "edits"), cp_count(c, v->main_commits, "commit", "commits"),
			cp_count(d, v->given, "commit of what was given", "commits of what was given"));
	if (v->main_commits > 0)
		cp_say("%s of main equal to what was accepted by then", cp_count(a, v->trees, "tree", "trees"));
	if (v->older_trees > 0)
		cp_say("%s not compared: an older casepack wrote the pages in another way, or they show what a relay was given by then", cp_count(a, v->older_trees, "tree was", "trees were"));
	if (v->refused > 0)
		cp_say("%s refused, as main says", cp_count(a, v->refused, "change commit was", "change commits were"));
	if (v->ahead > 0)
		cp_say("%s on a device's branch that main has not taken in: a merge that was cut off leaves that, the next one takes it in",
				cp_count(a, v->ahead, "change commit stands", "change commits stand"));
}

static void say_state(const struct cp_verified *v)
{
	char a[CP_COUNT], b[CP_COUNT], c[CP_COUNT];

	cp_say("%s equal to the replay, with %s", cp_count(a, v->rows, "row", "rows"), cp_count(b, v->ratings, "rating", "ratings"));
	cp_say("%s, %s hashed", cp_count(a, v->contents, "content", "contents"), cp_count(b, v->media, "media file", "media files"));
	if (v->missing.contents + v->missing.media > 0)
		cp_say("%s and %s not here", cp_count(a, v->missing.contents, "content", "contents"),
				cp_count(b, v->missing.media, "media file", "media files"));
	if (v->unsealed + v->drafts > 0)
		cp_say("%s and %s are here alone, signed by nobody", cp_count(a, v->unsealed, "unsealed save", "unsealed saves"),
				cp_count(c, v->drafts, "draft", "drafts"));
}

/* What this cannot tell. */
static void say_limits(const struct cp_args *a, const struct cp_verified *v)
{
	if (*v->main.hex == '\0')
		return;
	if (!cp_arg_given(a, "--against"))
		cp_say("not excluded: whoever holds a lead's key could have written all of this anew; --against a checkpoint that somebody"
				" outside kept (any bundle of before has one) would show it");
	cp_say("checkpoint to keep outside: main %s", v->main.hex);
}

static void say_all(const struct cp_args *a, const struct cp_verified *v)
{
	char n[CP_COUNT];

	say_history(v);
	if (v->has_state)
		say_state(v);
	say_relied(v);
	if (v->checkpoints > 0)
		cp_say("compared with %s", cp_count(n, v->checkpoints, "checkpoint", "checkpoints"));
	if (v->beyond > 0)
		cp_say("%s of main, which only a hub can compare", cp_count(n, v->beyond, "checkpoint is", "checkpoints are"));
	if (v->findings > FINDINGS_MAX)
		cp_say("and %lld more findings", (long long)v->findings - FINDINGS_MAX);
	if (v->findings > 0)
		cp_say("%s", v->findings == 1 ? "1 thing is wrong" : "these things are wrong");
	say_limits(a, v);
}

static enum cp_code print_json(const struct cp_args *a, const struct cp_verified *v, json_t *findings, struct cp_err *err)
{
	char hex[CP_HASH_HEX];
	json_t *o = json_pack("{s:b, s:I, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			"holds", v->findings == 0, "findings_n", (json_int_t)v->findings, "findings", findings,
			"objects", (json_int_t)v->objects, "object_bytes", (json_int_t)v->object_bytes, "refs", (json_int_t)v->refs,
			"main_commits", (json_int_t)v->main_commits, "trees", (json_int_t)v->trees, "older_trees", (json_int_t)v->older_trees,
			"commits", (json_int_t)v->commits, "edits", (json_int_t)v->edits, "refused", (json_int_t)v->refused,
			"given", (json_int_t)v->given, "ratings", (json_int_t)v->ratings, "rows", (json_int_t)v->rows,
			"contents", (json_int_t)v->contents, "missing_contents", (json_int_t)v->missing.contents,
			"media", (json_int_t)v->media, "missing_media", (json_int_t)v->missing.media,
			"unsealed", (json_int_t)v->unsealed, "drafts", (json_int_t)v->drafts, "checkpoints", (json_int_t)v->checkpoints,
			"excludes_rewriting", cp_arg_given(a, "--against"));

	json_object_set_new(o, "hash", v->has_state ? json_string(cp_hex(hex, v->hash.bytes, sizeof v->hash.bytes)) : json_null());
	json_object_set_new(o, "checkpoints_of_main", json_integer(v->beyond));
	json_object_set_new(o, "main", *v->main.hex ? json_string(v->main.hex) : json_null());
	json_object_set_new(o, "relied_on", !v->relied.is ? json_null() : json_pack("{s:o, s:s, s:I, s:I}", "at",
			cp_json_time(v->relied.at_us), "main", v->relied.main.hex, "commits", (json_int_t)v->relied.commits, "files",
			(json_int_t)v->relied.files));
	return cp_json_line(o, err);
}

static enum cp_code print(struct cp_args *a, const struct cp_verified *v, json_t *findings, struct cp_err *err)
{
	char hex[CP_HASH_HEX];

	cp_progress_end();
	a->refused = v->findings > 0;
	if (a->json)
		return print_json(a, v, findings, err);
	if (v->has_state && v->findings == 0)
		CP_TRY(cp_line(err, "%s", cp_hex(hex, v->hash.bytes, sizeof v->hash.bytes)));
	say_all(a, v);
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct cp_checkpoints against = { NULL, 0 };
	struct telling telling = { .a = a, .list = json_array() };
	struct cp_verify_ask ask = { .is_full = cp_arg_given(a, "--full"), .visit = tell, .missing = tell_missing, .user = &telling, .progress = show_progress };
	struct cp_verified v;
	enum cp_code code;

	CP_TRY(cp_args_want(a, 0, 0, err));
	code = read_checkpoints(a, &against, err);
	ask.against = against.list;
	ask.n_against = against.n;
	if (code == CP_OK)
		code = cp_verify(a->dir, &ask, &v, err);
	if (code == CP_OK && telling.code != CP_OK)
		code = cp_fail(err, telling.code, "%s", telling.why.text);
	if (code == CP_OK)
		code = print(a, &v, telling.list, err);
	cp_checkpoints_drop(&against);
	json_decref(telling.list);
	return code;
}

static const struct cp_option options[] = {
	{ "--against", "CHECKPOINT...", "prove that history was only added to since: a commit of main, a bundle, a git bundle as an "
		"auditor is given, or a file that names commits" },
	{ "--full", NULL, "read everything, whatever was proven before" },
	{ "--key", "NAME_OR_FILE", "the private key for a bundle that is encrypted; the one that fits otherwise" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack verify", "prints the hash of the state that history proves" },
	{ "casepack verify --against search-eval-to-ana-0003.casepack", "history still holds what that bundle says it held" },
	{ "casepack verify --against audit.bundle", "and what the auditor was given" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_verify = {
	.name = "verify",
	.usage = "[--against CHECKPOINT...] [--full] [--key NAME_OR_FILE]",
	.summary = "was anything altered?",
	.about = "Reads all of a workspace and proves it: every git object hashes to its name, every commit is signed by a device that was "
		"trusted when it arrived, follows its forerunner and holds only what its author might write, every tree of main is what was "
		"accepted by then, every row of casepack.db is what history yields, every content and media file hashes to its name, nothing private is "
		"in history.git, and no ref, configuration, hook or trigger stands there that casepack does not make. Says what it looked at and how much. Needs no key; changes nothing, but for what an interruption left undone; prints the hash of the state.\n\n"
		"Each thing that is wrong is one line: where, what, and what to do now. Exit status 4 then.\n\n"
		"On a lead's hub what was proven is remembered, and the next time only what is new is read of history; rows, contents and media are "
		"always read. --full reads everything.\n\n"
		"Whoever holds a lead's key could write all history anew. Against that helps a checkpoint that somebody outside kept: every bundle names the "
		"commit of main at which it was made. With --against, given once or more, verify proves that history still holds it.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
