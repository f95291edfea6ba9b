/* `guideline show` and `diff`, and those of `form`: texts as they are, and what differs. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "cli/guideline.h"
#include "cli/shown.h"
#include "formats/text.h"

/* ---- show ---------------------------------------------------------------------------------- */

/* A form is kept without white space; people read it with, and nothing in it acts. */
static enum cp_code spread(struct cp_buf *text, struct cp_err *err)
{
	json_t *root = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
	CP_AUTO(str) char *lines = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;

	json_decref(root);
	if (lines == NULL)
		return cp_fail(err, CP_EFORMAT, "the form is no JSON");
	cp_buf_clear(text);
	CP_TRY(cp_text_json(text, lines, strlen(lines), err));
	return cp_buf_puts(text, "\n", err);
}

enum cp_code cp_guideline_print(const struct cp_buf *text, struct cp_err *err)
{
	if (text->len == 0)
		return CP_OK;
	if (isatty(STDOUT_FILENO) == 1)
		return cp_text_print(text->data, text->len, err);
	if (fwrite(text->data, 1, text->len, stdout) != text->len)
		return cp_fail_errno(err, "standard output");
	return CP_OK;
}

/* Revisions that stand side by side, in words and for scripts. */
struct heads { struct cp_buf words; json_t *list; };

static enum cp_code add_head(void *user, const struct cp_text_row *row, struct cp_err *err)
{
	struct heads *h = user;
	char id[CP_ID_HEX];

	if (!row->is_unmerged)
		return CP_OK;
	cp_hex(id, row->id.bytes, sizeof row->id.bytes);
	json_array_append_new(h->list, json_pack("{s:I, s:s, s:o, s:b}", "number", (json_int_t)row->number, "id", id,
			"author", cp_json_text(row->author), "current", row->is_current));
	return cp_buf_printf(&h->words, err, "%s%lld by %s (%.12s)%s", h->words.len > 0 ? "; " : "", (long long)row->number,
			row->author, id, row->is_current ? ", which raters work under" : "");
}

/* What is to be done about them. */
static void say_heads(const struct cp_args *a, const struct cp_text_heads *n, const struct heads *h)
{
	const char *name = a->words[1];
	char places[CP_COUNT];

	cp_say("%s: %zu %ss stand side by side: %s", name, n->n, cp_guideline_noun(a), h->words.data);
	if (cp_guideline_is_form(a))
		cp_say("`casepack form show %s --rev ID` shows each; `casepack form revise %s FILE` writes one over them", name, name);
	else if (n->overlaps == 0)
		cp_say("they merge as shown; `casepack guideline merge %s` writes it", name);
	else
		cp_say("they overlap in %s, marked; `casepack guideline merge %s --from FILE` writes what you make of it",
				cp_count(places, (int64_t)n->overlaps, "place", "places"), name);
}

struct wanted { struct cp_id id; struct heads *heads; size_t overlaps; const struct cp_buf *merged; };

static enum cp_code show_json(void *user, const struct cp_text_row *row, struct cp_err *err)
{
	const struct wanted *w = user;
	char id[CP_ID_HEX];
	json_t *o;

	if (!cp_id_equal(&w->id, &row->id))
		return CP_OK;
	o = json_pack("{s:s, s:s, s:I, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:o}", "name", row->name,
			"kind", cp_guideline_kind(row->kind), "number", (json_int_t)row->number, "revision", row->revision,
			"current", row->is_current, "id", cp_hex(id, row->id.bytes, sizeof row->id.bytes),
			"title", cp_json_text(row->title), "note", cp_json_text(row->note),
			"author", cp_json_text(row->author), "at", cp_json_time(row->at_us),
			"body", json_stringn(row->body, row->len));
	if (json_array_size(w->heads->list) > 0) {
		json_object_set(o, "heads", w->heads->list);
		json_object_set_new(o, "overlaps", json_integer((json_int_t)w->overlaps));
		json_object_set_new(o, "merged", row->kind == CP_FORM ? json_null() : json_stringn(w->merged->data, w->merged->len));
	}
	return cp_json_line(o, err);
}

/* The revision asked for; unless one is, what stands: of several heads of a guideline their merge. */
static enum cp_code show(struct cp_args *a, struct heads *h, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_GUIDELINE_MAX * 4), merged = CP_BUF(CP_GUIDELINE_MAX * 4);
	const char *which = cp_arg(a, "--rev"), *name = a->words[1];
	struct cp_text_heads n = { 1, 0 };
	struct wanted w = { .heads = h, .merged = &merged };

	CP_TRY(cp_text_pick(a->store, cp_guideline_is_form(a), name, which, &text, &w.id, NULL, err));
	if (which == NULL)
		CP_TRY(cp_text_merged(a->store, cp_guideline_is_form(a), name, &merged, &n, err));
	if (n.n > 1)
		CP_TRY(cp_text_each(a->store, cp_guideline_is_form(a), name, add_head, h, err));
	w.overlaps = n.overlaps;
	if (cp_guideline_is_form(a))
		CP_TRY(spread(&text, err));
	CP_TRY(a->json ? cp_text_each(a->store, cp_guideline_is_form(a), name, show_json, &w, err)
		: cp_guideline_print(n.n > 1 && !cp_guideline_is_form(a) ? &merged : &text, err));
	if (n.n < 2)
		return CP_OK;
	say_heads(a, &n, h);
	a->waits = true;
	return cp_guideline_is_form(a) ? CP_OK : cp_text_saw(a->store, name, err);
}

enum cp_code cp_guideline_show(struct cp_args *a, struct cp_err *err)
{
	struct heads h = { CP_BUF(CP_GUIDELINE_MAX), json_array() };
	enum cp_code code = cp_args_want(a, 2, 2, err);

	if (code == CP_OK)
		code = show(a, &h, err);
	cp_buf_drop(&h.words);
	json_decref(h.list);
	return code;
}

/* ---- diff ---------------------------------------------------------------------------------- */

enum cp_code cp_guideline_print_diff(const char *name, const char *noun, int64_t from, int64_t to, const struct cp_buf *diff,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_GUIDELINE_MAX * 16);

	if (diff->len == 0)
		return CP_OK;
	CP_TRY(cp_buf_printf(&whole, err, "--- %s %s %lld\n+++ %s %s %lld\n", name, noun, (long long)from, name, noun,
			(long long)to));
	CP_TRY(cp_buf_add(&whole, diff->data, diff->len, err));
	return cp_guideline_print(&whole, err);
}

static enum cp_code print_diff(const struct cp_args *a, int64_t from, int64_t to, const struct cp_buf *diff,
		struct cp_err *err)
{
	if (!a->json)
		return cp_guideline_print_diff(a->words[1], cp_guideline_noun(a), from, to, diff, err);
	return cp_json_line(json_pack("{s:s, s:I, s:I, s:o}", "name", a->words[1], "from", (json_int_t)from,
			"to", (json_int_t)to, "diff", cp_json_text(diff->data != NULL ? diff->data : "")), err);
}

/* --from and --to; unless said the current revision against the one that it was written on. */
enum cp_code cp_guideline_diff(struct cp_args *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf before = CP_BUF(CP_GUIDELINE_MAX * 4), after = CP_BUF(CP_GUIDELINE_MAX * 4);
	CP_AUTO(buf) struct cp_buf diff = CP_BUF(CP_GUIDELINE_MAX * 12);
	const char *first = cp_arg(a, "--from");
	int64_t from, to;
	struct cp_id id;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_text_pick(a->store, cp_guideline_is_form(a), a->words[1], cp_arg(a, "--to"), &after, &id, &to, err));
	if (first != NULL)
		CP_TRY(cp_text_pick(a->store, cp_guideline_is_form(a), a->words[1], first, &before, NULL, &from, err));
	else if (cp_text_before(a->store, cp_guideline_is_form(a), &id, &before, &from, err) != CP_OK)
		return cp_fail_at(err, "%s", a->words[1]);
	if (cp_guideline_is_form(a)) {
		CP_TRY(spread(&before, err));
		CP_TRY(spread(&after, err));
	}
	CP_TRY(cp_text_diff(&diff, before.data != NULL ? before.data : "", before.len,
			after.data != NULL ? after.data : "", after.len, 3, err));
	return print_diff(a, from, to, &diff, err);
}
