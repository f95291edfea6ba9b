/* Texts under revision at the command line: `guideline` and `form` are the same verbs. */
#include "sync/texts.h"

#include <jansson.h>
#include <string.h>

#include "cli/guideline.h"
#include "cli/keys.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "formats/file.h"
#include "formats/text.h"

extern const struct cp_command cp_cmd_guideline, cp_cmd_form;

bool cp_guideline_is_form(const struct cp_args *a)
{
	return a->command == &cp_cmd_form;
}

const char *cp_guideline_noun(const struct cp_args *a)
{
	return cp_guideline_is_form(a) ? "version" : "revision";
}

/* ---- add and revise ------------------------------------------------------------------- */

static enum cp_code kind_of(const struct cp_args *a, enum cp_text_kind *out, struct cp_err *err)
{
	const char *kind = cp_arg(a, "--kind");

	*out = cp_guideline_is_form(a) ? CP_FORM : CP_GUIDELINE;
	if (kind == NULL || strcmp(kind, "guideline") == 0)
		return CP_OK;
	*out = CP_SOP;
	return strcmp(kind, "sop") == 0 ? CP_OK : cp_fail(err, CP_EUSAGE, "option --kind is guideline or sop");
}

static enum cp_code read_body(const struct cp_limits *l, const char *path, struct cp_buf *out, struct cp_err *err)
{
	enum cp_code code;

	out->max = (size_t)l->of[CP_LIMIT_DOCUMENT];
	code = cp_file_read(out, path, err);
	if (code == CP_EFORMAT)
		return cp_limit_over(l, CP_LIMIT_DOCUMENT, err, "%s", path);
	CP_TRY(code);
	if (out->len > 0 && !cp_utf8_valid(out->data, out->len))
		return cp_fail(err, CP_EINPUT, "%s: is not UTF-8", path);
	return out->len > 0 ? CP_OK : cp_fail(err, CP_EINPUT, "%s: is empty", path);
}

/* The text from the file named last, or from --preset. */
static enum cp_code body_of(const struct cp_args *a, struct cp_buf *out, struct cp_err *err)
{
	const char *preset = cp_arg(a, "--preset");
	char shown[CP_QUOTE];

	CP_TRY(cp_args_want(a, preset != NULL ? 2 : 3, preset != NULL ? 2 : 3, err));
	if (preset == NULL)
		return read_body(cp_store_limits(a->store), a->words[2], out, err);
	if (cp_form_preset(preset) == NULL)
		return cp_fail(err, CP_EUSAGE, "there is no preset %s; `casepack form presets` lists them",
				cp_text_quote(shown, preset, strlen(preset)));
	return cp_buf_puts(out, cp_form_preset(preset), err);
}

static enum cp_code print_put(const struct cp_args *a, const char *name, int64_t number, bool is_changed,
		struct cp_err *err)
{
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:I, s:b}", "name", name, "number", (json_int_t)number,
				"changed", is_changed), err);
	return cp_line(err, "%s %s %lld%s", name, cp_guideline_noun(a), (long long)number,
			is_changed ? "" : " is this text already");
}

/* What all of add, revise and merge say about a revision; body NULL: nothing was given. */
static enum cp_code put(struct cp_args *a, struct cp_text_add *t, const struct cp_buf *body, struct cp_err *err)
{
	int64_t number;
	bool is_changed;

	CP_TRY(kind_of(a, &t->kind, err));
	t->name = a->words[1];
	t->title = cp_arg(a, "--title");
	t->note = cp_arg(a, "--note");
	t->revision = cp_arg(a, "--revision");
	t->body = body->data;
	t->len = body->len;
	CP_TRY(cp_text_put(a->store, t, &number, &is_changed, err));
	CP_TRY(print_put(a, t->name, number, is_changed, err));
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code text_add(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_GUIDELINE_MAX);

	CP_TRY(body_of(a, &body, err));
	return put(a, &(struct cp_text_add){ .must_be_new = true }, &body, err);
}

static enum cp_code text_revise(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_GUIDELINE_MAX);

	CP_TRY(body_of(a, &body, err));
	return put(a, &(struct cp_text_add){ .must_be_new = false }, &body, err);
}

static enum cp_code guideline_merge(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_GUIDELINE_MAX);
	const char *path = cp_arg(a, "--from");

	CP_TRY(cp_args_want(a, 2, 2, err));
	if (path != NULL)
		CP_TRY(read_body(cp_store_limits(a->store), path, &body, err));
	return put(a, &(struct cp_text_add){ .is_merge = true }, &body, err);
}

/* ---- list ------------------------------------------------------------------------------- */

const char *cp_guideline_kind(enum cp_text_kind kind)
{
	return kind == CP_FORM ? "form" : kind == CP_SOP ? "sop" : "guideline";
}

struct counted { struct cp_out *out; size_t n; };

static enum cp_code list_one(void *user, const struct cp_text_row *row, struct cp_err *err)
{
	struct counted *c = user;
	struct cp_out *out = c->out;

	c->n++;
	CP_TRY(cp_out_text(out, row->name, err));
	CP_TRY(cp_out_text(out, cp_guideline_kind(row->kind), err));
	CP_TRY(cp_out_int(out, row->number, err));
	CP_TRY(cp_out_text(out, row->revision, err));
	CP_TRY(cp_out_bool(out, row->is_unmerged, err));
	CP_TRY(cp_out_time(out, row->at_us, err));
	CP_TRY(cp_out_text(out, row->author, err));
	return cp_out_text(out, row->title, err);
}

static enum cp_code text_list(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "name", "kind", "number", "revision", "unmerged", "at", "author", "title" };
	struct cp_out *out;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, sizeof columns / sizeof *columns, err));
	struct counted c = { .out = out };
	CP_TRY(cp_out_close(out, cp_text_each(a->store, cp_guideline_is_form(a), NULL, list_one, &c, err), err));
	if (c.n == 0)
		cp_say(cp_guideline_is_form(a) ? "no form is here yet" : "no guideline is here yet");
	return CP_OK;
}

/* ---- presets ---------------------------------------------------------------------------------- */

static enum cp_code list_preset(struct cp_out *out, const char *name, struct cp_err *err)
{
	const char *json = cp_form_preset(name);
	struct cp_form form = { .title = NULL };
	enum cp_code code;

	CP_TRY(cp_form_read(&form, json, strlen(json), err));
	code = cp_out_text(out, name, err);
	if (code == CP_OK)
		code = cp_out_int(out, (int64_t)form.n_fields, err);
	if (code == CP_OK)
		code = cp_out_text(out, form.title, err);
	cp_form_drop(&form);
	return code;
}

static enum cp_code form_presets(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "preset", "fields", "title" };
	const char *const *names;
	size_t n = cp_form_presets(&names);
	struct cp_out *out;
	enum cp_code code = CP_OK;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, 3, err));
	for (size_t i = 0; i < n && code == CP_OK; i++)
		code = list_preset(out, names[i], err);
	return cp_out_close(out, code, err);
}

/* ---- the two commands ------------------------------------------------------------------------------ */

static enum cp_code run_guideline(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "add", " --title --kind --note ", text_add },
		{ "revise", " --title --revision --note ", text_revise },
		{ "merge", " --from --title --revision --note ", guideline_merge },
		{ "show", " --rev ", cp_guideline_show },
		{ "list", NULL, text_list },
		{ "log", NULL, cp_guideline_log },
		{ "blame", " --rev ", cp_guideline_blame },
		{ "diff", " --from --to ", cp_guideline_diff },
		{ "of", " --rater --pass --to --text ", cp_guideline_of },
		{ "effect", " --rev --field ", cp_guideline_effect },
		{ NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

static enum cp_code run_form(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "add", " --preset --title --note ", text_add },
		{ "presets", NULL, form_presets },
		{ "revise", " --title --revision --note ", text_revise },
		{ "show", " --rev ", cp_guideline_show },
		{ "list", NULL, text_list },
		{ "log", NULL, cp_guideline_log },
		{ "diff", " --from --to ", cp_guideline_diff },
		{ NULL, NULL, NULL },
	};

	return cp_verb_run(a, verbs, err);
}

static const struct cp_option guideline_options[] = {
	{ "--title", "TITLE", "unless said that of the text: of its front matter, or its first heading" },
	{ "--kind", "KIND", "guideline (unless said) or sop" },
	{ "--revision", "KIND", "what the revision does: editorial, clarifying (unless said) or breaking" },
	{ "--note", "WORDS", "why the text was written or changed" },
	{ "--rev", "N|ID", "this revision; unless said what stands, or of several the current one" },
	{ "--from", "N|ID|FILE", "diff: the revision to compare from; unless said the one that --to was written on. "
		"merge: the text to write" },
	{ "--to", "N|ID", "compare to this revision; unless said the current one" },
	{ "--rater", "PERSON", "of: only this rater's judgments" },
	{ "--pass", "N", "of: only of this pass" },
	{ "--text", NULL, "of: the text itself, as the rater had it" },
	{ "--field", "FIELD", "effect: only this field" },
	{ NULL, NULL, NULL },
};

static const struct cp_example guideline_examples[] = {
	{ "casepack guideline add search search.md", "the first revision" },
	{ "casepack guideline revise search search.md --revision breaking --note \"maps count as results\"",
		"a change that makes earlier judgments stale" },
	{ "casepack guideline diff search --from 1", "what has changed since the first revision" },
	{ "casepack guideline blame search", "who brought in which line, when, and in which change commit" },
	{ "casepack guideline of q-1042 --rater ada", "which text ada had in front of her, and what has changed in it since" },
	{ "casepack guideline effect search --rev 3 --field grade", "the grades before and after revision 3" },
	{ "casepack guideline show search > search.md", "two leads revised it: see what that comes to, edit it," },
	{ "casepack guideline merge search --from search.md", "and write it over both" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_guideline = {
	.name = "guideline",
	.usage = "add NAME FILE.md [--title TITLE] [--kind guideline|sop] [--note WORDS]\n"
		"revise NAME FILE.md [--title TITLE] [--revision editorial|clarifying|breaking] [--note WORDS]\n"
		"merge NAME [--from FILE.md] [--title TITLE] [--revision editorial|clarifying|breaking] [--note WORDS]\n"
		"show NAME [--rev N|ID]\n"
		"list\n"
		"log NAME\n"
		"blame NAME [--rev N|ID]\n"
		"diff NAME [--from N|ID] [--to N|ID]\n"
		"of CASE [--rater PERSON] [--pass N] [--to N|ID] [--text]\n"
		"effect NAME [--rev N|ID] [--field FIELD]",
	.summary = "guidelines and SOPs under revision",
	.about =
		"A guideline is Markdown under revision. A revision never changes: every judgment names the one that was "
		"on screen.\n\n"
		"`add` makes the first revision of a new guideline, `revise` the next one. A revision is editorial (the "
		"meaning is as it was), clarifying (as it was meant), or breaking: judgments under earlier revisions are "
		"then counted apart. The same text again makes no revision.\n\n"
		"`show` prints a revision, `list` the current one of each guideline, `diff` what has changed between two. A "
		"revision is named by its number, or where two have that number by the first digits of its id.\n\n"
		"`log` tells of every revision who wrote it, on which device, when by the author's clock and when it was received, on "
		"which others, in which change commit, how many judgments name it, and what the commit's signature is worth: good, "
		"revoked (good, but a lead trusts the device no longer), bad, unsealed (not signed yet), or absent (the commit is not "
		"here). `blame` names for each line of a revision the one that brought it in, through merges, as `git blame` does. "
		"Where lines are alike, empty ones above all, there may be several right answers, and git may give another.\n\n"
		"`of` takes a case: for each judgment the revision that was on the rater's screen, under which ones it was made and "
		"changed, and what in that text has changed since, with the kind of every revision between. --text prints the text "
		"itself.\n\n"
		"`effect` sets the judgments made before a revision beside those made after it (under it, or what grew from it): how "
		"often each answer was given, how far raters agreed, and how the labels of the same case by the same rater moved. A "
		"judgment that was made before and changed after counts on both sides. Agreement is the share of pairs of raters who "
		"gave one answer to one question, and Krippendorff's alpha for nominal data. It shows what went together with the "
		"revision, not what it caused.\n\n"
		"Two leads who revise a guideline without knowing of each other leave two revisions that stand side by side, "
		"`unmerged`. `show` then prints what they come to, line by line, and marks where they overlap, as git does; raters "
		"go on under the current one meanwhile. `merge` writes that text as the next revision, or the one of --from, "
		"which it must be given where they overlap; `revise` does too once `show` has shown it. Exit status 3 while "
		"they wait.",
	.options = guideline_options,
	.examples = guideline_examples,
	.needs_store = true,
	.run = run_guideline,
};

static const struct cp_option form_options[] = {
	{ "--preset", "PRESET", "a form that comes with casepack, instead of a file" },
	{ "--title", "TITLE", "unless said that of the form" },
	{ "--revision", "KIND", "what the new version does: editorial, clarifying (unless said) or breaking" },
	{ "--note", "WORDS", "why the form was written or changed" },
	{ "--rev", "N|ID", "this version, not the current one" },
	{ "--from", "N|ID", "compare from this version; unless said the one that --to was written on" },
	{ "--to", "N|ID", "compare to this version; unless said the current one" },
	{ NULL, NULL, NULL },
};

static const struct cp_example form_examples[] = {
	{ "casepack form presets", "the scales that come with casepack" },
	{ "casepack form add relevance --preset relevance-0-3", "use one of them" },
	{ "casepack form show relevance > relevance.json", "start a form of one's own from it" },
	{ "casepack form revise relevance relevance.json --note \"a field for the reason\"", "and put it to use" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_form = {
	.name = "form",
	.usage = "add NAME FILE.json|--preset PRESET [--title TITLE] [--note WORDS]\n"
		"presets\n"
		"revise NAME FILE.json [--title TITLE] [--revision editorial|clarifying|breaking] [--note WORDS]\n"
		"show NAME [--rev N|ID]\n"
		"list\n"
		"log NAME\n"
		"diff NAME [--from N|ID] [--to N|ID]",
	.summary = "the questions of a case, in versions",
	.about =
		"A form is the list of questions of a case, as JSON, kept in versions. A version never changes: every judgment "
		"names the one that was filled in.\n\n"
		"`add` makes the first version of a new form, `revise` the next one. It may add fields and choices and "
		"change words. A field's type, level or scope stays as it is, and no field or choice goes: make a new field "
		"instead.\n\n"
		"`presets` lists the forms that come with casepack. `show` prints a version, `list` the current one of "
		"each form, `log` all versions of one as `guideline log` does, `diff` what has changed between two. A version is named by its number, or "
		"where two have that number by the first digits of its id.\n\n"
		"Two leads who revise a form without knowing of each other leave two versions that stand side by side, `unmerged`. "
		"Raters fill in the current one meanwhile; what `revise` writes next follows both.",
	.options = form_options,
	.examples = form_examples,
	.needs_store = true,
	.run = run_form,
};
