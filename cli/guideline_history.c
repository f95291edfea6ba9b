/* `guideline log` and `blame`, and `form log`: who wrote which revision, and which line of it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/guideline.h"
#include "cli/shown.h"
#include "sync/revision.h"

/* ---- log ----------------------------------------------------------------------------------- */

/* "3", "2, 3": the numbers of the parents; of one that is not here "?". */
static enum cp_code add_parents(struct cp_buf *out, const struct cp_revision_list *all, const struct cp_revision *r,
		struct cp_err *err)
{
	for (size_t p = 0; p < r->n_parents; p++)
		CP_TRY(cp_buf_printf(out, err, "%s%lld", p > 0 ? ", " : "", (long long)all->list[r->parents[p]].number));
	for (size_t p = 0; p < r->n_absent; p++)
		CP_TRY(cp_buf_puts(out, out->len > 0 ? ", ?" : "?", err));
	return CP_OK;
}

static enum cp_code log_row(struct cp_out *out, const struct cp_revision_list *all, const struct cp_revision *r,
		const char *signature, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf parents = CP_BUF(CP_TEXT_MAX);
	char id[CP_ID_HEX], brief[13];

	CP_TRY(add_parents(&parents, all, r, err));
	CP_TRY(cp_out_int(out, r->number, err));
	CP_TRY(cp_out_text(out, r->kind, err));
	CP_TRY(cp_out_bool(out, r->is_current, err));
	CP_TRY(cp_out_bool(out, r->is_unmerged, err));
	CP_TRY(cp_out_text(out, parents.data != NULL ? parents.data : "", err));
	CP_TRY(cp_out_time(out, r->claimed_us, err));
	CP_TRY(cp_out_time(out, r->received_us, err));
	CP_TRY(cp_out_text(out, r->author, err));
	snprintf(brief, sizeof brief, "%.8s", r->device);
	CP_TRY(cp_out_text(out, brief, err));
	snprintf(brief, sizeof brief, "%.8s", r->commit);
	CP_TRY(cp_out_text(out, brief, err));
	CP_TRY(cp_out_text(out, signature, err));
	CP_TRY(cp_out_int(out, r->judgments, err));
	snprintf(brief, sizeof brief, "%.12s", cp_hex(id, r->id.bytes, sizeof r->id.bytes));
	CP_TRY(cp_out_text(out, brief, err));
	return cp_out_text(out, r->note, err);
}

static json_t *parents_json(const struct cp_revision_list *all, const struct cp_revision *r)
{
	json_t *list = json_array();
	char id[CP_ID_HEX];

	for (size_t p = 0; p < r->n_parents; p++) {
		const struct cp_revision *parent = &all->list[r->parents[p]];

		json_array_append_new(list, json_pack("{s:I, s:s}", "number", (json_int_t)parent->number, "id",
				cp_hex(id, parent->id.bytes, sizeof parent->id.bytes)));
	}
	return list;
}

static enum cp_code log_json(const struct cp_revision_list *all, const struct cp_revision *r, const char *signature,
		struct cp_err *err)
{
	char id[CP_ID_HEX];

	return cp_json_line(json_pack("{s:I, s:s, s:b, s:b, s:o, s:I, s:o, s:o, s:o, s:s, s:s, s:s, s:I, s:s, s:o}",
			"number", (json_int_t)r->number, "revision", r->kind, "current", (int)r->is_current,
			"unmerged", (int)r->is_unmerged, "parents", parents_json(all, r), "parents_absent", (json_int_t)r->n_absent,
			"at", cp_json_time(r->claimed_us), "received", cp_json_time(r->received_us),
			"author", cp_json_text(r->author), "device", r->device, "commit", r->commit, "signature", signature,
			"judgments", (json_int_t)r->judgments, "id", cp_hex(id, r->id.bytes, sizeof r->id.bytes),
			"note", cp_json_text(r->note)), err);
}

static enum cp_code log_all(struct cp_args *a, const struct cp_revision_list *all, struct cp_out *out, struct cp_err *err)
{
	for (size_t i = 0; i < all->n; i++) {
		const char *signature;

		CP_TRY(cp_revision_signature(a->store, &all->list[i], &signature, err));
		a->refused = a->refused || strcmp(signature, "bad") == 0;
		CP_TRY(out != NULL ? log_row(out, all, &all->list[i], signature, err)
				: log_json(all, &all->list[i], signature, err));
	}
	return CP_OK;
}

enum cp_code cp_guideline_log(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "number", "revision", "current", "unmerged", "parents", "at", "received", "author",
		"device", "commit", "signature", "judgments", "id", "note" };
	struct cp_revision_list all = { 0 };
	struct cp_out *out = NULL;
	enum cp_code code;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_revision_list_load(a->store, cp_guideline_is_form(a), a->words[1], &all, err));
	code = a->json ? CP_OK : cp_out_begin(&out, false, columns, sizeof columns / sizeof *columns, err);
	if (code == CP_OK)
		code = log_all(a, &all, out, err);
	cp_revision_list_drop(&all);
	return a->json ? code : cp_out_close(out, code, err);
}

/* ---- blame --------------------------------------------------------------------------------- */

/* A text, and which revision brought in each line of it. */
struct blamed { const struct cp_revision_list *all; struct cp_buf text; size_t *who, n; };

static void cp_blamed_drop(struct blamed *b)
{
	cp_buf_drop(&b->text);
	free(b->who);
}

/* The widest number and name, so that lines stand under each other. */
static void widths(const struct blamed *b, int *number, int *author)
{
	for (size_t k = 0; k < b->n; k++) {
		const struct cp_revision *r = &b->all->list[b->who[k]];
		int digits = snprintf(NULL, 0, "%lld", (long long)r->number), name = (int)strlen(r->author);

		*number = digits > *number ? digits : *number;
		*author = name > *author ? name : *author;
	}
}

static enum cp_code blame_json(const struct cp_revision *r, size_t line, const char *text, size_t len, struct cp_err *err)
{
	char id[CP_ID_HEX];

	return cp_json_line(json_pack("{s:I, s:I, s:s, s:s, s:o, s:o, s:s, s:o}", "line", (json_int_t)line,
			"number", (json_int_t)r->number, "revision", r->kind, "id", cp_hex(id, r->id.bytes, sizeof r->id.bytes),
			"author", cp_json_text(r->author), "at", cp_json_time(r->claimed_us), "commit", r->commit,
			"text", json_stringn(text, len)), err);
}

static enum cp_code print_blame(const struct blamed *b, bool json, struct cp_err *err)
{
	const char *at = b->text.data, *end = at + b->text.len;
	int number = 1, author = 1, line = snprintf(NULL, 0, "%zu", b->n);

	widths(b, &number, &author);
	for (size_t k = 0; k < b->n; k++) {
		const struct cp_revision *r = &b->all->list[b->who[k]];
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		char when[32];

		CP_TRY(json ? blame_json(r, k + 1, at, len, err)
			: cp_line(err, "%*lld %-*s %.10s %-8.8s %*zu) %.*s", number, (long long)r->number, author, r->author,
				cp_time_text(when, r->claimed_us), *r->commit ? r->commit : r->is_unsealed ? "unsealed" : "-", line, k + 1,
				(int)len, at));
		at += len + 1;
	}
	return CP_OK;
}

/* What the lines alone do not tell. */
static void say_limits(const struct cp_args *a, const struct blamed *b)
{
	size_t heads = 0, absent = 0;
	char n[CP_COUNT];

	for (size_t i = 0; i < b->all->n; i++) {
		heads += b->all->list[i].is_unmerged;
		absent += b->all->list[i].n_absent;
	}
	if (heads > 1 && cp_arg(a, "--rev") == NULL)
		cp_say("%s stand side by side, and this is the one that raters work under; --rev ID shows another",
				cp_count(n, (int64_t)heads, "revision", "revisions"));
	if (absent > 0)
		cp_say("earlier revisions are not here: the first that is here is credited with what it took over; a lead's hub has all");
}

static enum cp_code blame(struct cp_args *a, struct blamed *b, struct cp_err *err)
{
	struct cp_id id;

	CP_TRY(cp_text_pick(a->store, false, a->words[1], cp_arg(a, "--rev"), &b->text, &id, NULL, err));
	CP_TRY(cp_revision_blame(a->store, b->all, cp_revision_at(b->all, &id), &b->who, &b->n, err));
	CP_TRY(print_blame(b, a->json, err));
	say_limits(a, b);
	return CP_OK;
}

enum cp_code cp_guideline_blame(struct cp_args *a, struct cp_err *err)
{
	struct cp_revision_list all = { 0 };
	CP_AUTO(blamed) struct blamed b = { .all = &all, .text = CP_BUF(CP_TEXT_MAX) };
	enum cp_code code;

	CP_TRY(cp_args_want(a, 2, 2, err));
	CP_TRY(cp_revision_list_load(a->store, false, a->words[1], &all, err));
	code = blame(a, &b, err);
	cp_revision_list_drop(&all);
	return code;
}
