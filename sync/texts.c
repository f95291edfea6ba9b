#include "sync/texts.h"

#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/edit.h"
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/textmerge.h"

static size_t text_table(bool is_form) { return is_form ? CP_T_FORMS : CP_T_GUIDELINES; }
static size_t revision_table(bool is_form) { return is_form ? CP_T_FORM_VERSIONS : CP_T_GUIDELINE_REVISIONS; }

static void text_key(const struct cp_store *s, bool is_form, const char *name, struct cp_id *out)
{
	cp_id_derive(out, is_form ? "form" : "guideline", 2, (const void *const[]){ s->me.project.bytes, name },
			(const size_t[]){ 16, strlen(name) });
}

static bool name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n && *name != '_' && *name != '-';
}

/* The line without what is around it. */
static void add_title(const char *line, const char *stop, const char *around, struct cp_buf *out)
{
	while (line < stop && strchr(around, *line) != NULL)
		line++;
	while (stop > line && strchr(around, stop[-1]) != NULL)
		stop--;
	if (cp_buf_add(out, line, (size_t)(stop - line), NULL) != CP_OK)
		cp_buf_clear(out);
}

/* The title that the text gives itself: that of its front matter (lines between two of "---"), else its
 * first heading. */
static void title_of(const char *body, size_t len, struct cp_buf *out)
{
	const char *end = body + len, *line = body, *stop;
	bool is_front = false;

	for (; line < end && out->len == 0; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		if (stop - line >= 3 && memcmp(line, "---", 3) == 0 && (is_front || line == body))
			is_front = !is_front;
		else if (is_front && stop - line > 6 && memcmp(line, "title:", 6) == 0)
			add_title(line + 6, stop, " \t\r'\"", out);
		else if (!is_front && *line == '#')
			add_title(line, stop, "# \t\r", out);
	}
}

/* What stands now of a text: its current revision, and all heads. */
struct standing {
	bool exists;
	int64_t number;
	struct cp_buf body, parents; /* parents: the heads' ids, sorted */
	struct cp_heads heads;
};

static void standing_drop(struct standing *now)
{
	cp_buf_drop(&now->body);
	cp_buf_drop(&now->parents);
	cp_heads_drop(&now->heads);
}
#define cp_standing_drop standing_drop

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cp_id));
}

static enum cp_code standing_of(struct cp_store *s, bool is_form, const struct cp_id *text, struct standing *out,
		struct cp_err *err)
{
	sqlite3_stmt *q;

	out->body = out->parents = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	CP_TRY(cp_heads_load(s, is_form, text, &out->heads, err));
	CP_TRY(cp_query(s, &q, err, is_form
			? "SELECT number, body FROM form_versions WHERE id = " CP_CURRENT("form_versions", "?1")
			: "SELECT number, body FROM guideline_revisions WHERE id = " CP_CURRENT("guideline_revisions", "?1"),
			"d", text));
	CP_TRY(cp_step(s, q, &out->exists, err));
	if (!out->exists)
		return CP_OK;
	out->number = sqlite3_column_int64(q, 0);
	CP_TRY(cp_buf_add(&out->body, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), err));
	sqlite3_reset(q);
	for (size_t i = 0; i < out->heads.n; i++)
		CP_TRY(cp_buf_add(&out->parents, out->heads.list[i].id.bytes, sizeof(struct cp_id), err));
	qsort(out->parents.data, out->heads.n, sizeof(struct cp_id), by_bytes);
	return CP_OK;
}

static enum cp_code check_text(const struct cp_text_add *t, const struct standing *now, struct cp_err *err)
{
	const char *what = t->kind == CP_FORM ? "form" : "guideline";

	if (!name_is_good(t->name))
		return cp_fail(err, CP_EINPUT, "%s \"%s\": a name is 1 to 63 of a-z, 0-9, _ and -", what, t->name);
	if (t->must_be_new && now->exists)
		return cp_fail(err, CP_EINPUT, "%s %s: is there already; `%s revise` makes a new revision", what, t->name, what);
	if (!t->must_be_new && !now->exists)
		return cp_fail(err, CP_ENOTFOUND, "%s %s: is not there; `%s add` makes it", what, t->name, what);
	if (t->len == 0 || !cp_utf8_valid(t->body, t->len))
		return cp_fail(err, CP_EINPUT, "%s %s: the text is empty or not UTF-8", what, t->name);
	if (cp_text_has_controls(t->body, t->len, true))
		return cp_fail(err, CP_EINPUT, "%s %s: the text has control characters, which would act where it is read; take them out",
				what, t->name);
	CP_TRY(cp_limit_check(&cp_limits_default, CP_LIMIT_DOCUMENT, t->len, err, t->name)); /* every hub must be able to take it */
	if (t->revision != NULL && strcmp(t->revision, "editorial") != 0 && strcmp(t->revision, "clarifying") != 0 &&
			strcmp(t->revision, "breaking") != 0)
		return cp_fail(err, CP_EUSAGE, "\"%s\" is none of editorial, clarifying, breaking", t->revision);
	return CP_OK;
}

/* A form follows each of its forerunners. */
static enum cp_code check_follows(struct cp_store *s, const struct cp_form *next, const struct standing *now,
		struct cp_err *err)
{
	for (size_t i = 0; i < now->heads.n; i++) {
		CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
		struct cp_form before;
		enum cp_code code;

		CP_TRY(cp_revision_body(s, true, &now->heads.list[i].id, &body, err));
		CP_TRY(cp_form_read(&before, body.data, body.len, err));
		code = cp_form_may_follow(&before, next, err);
		cp_form_drop(&before);
		CP_TRY(code);
	}
	return CP_OK;
}

/* A form is stored in canonical form. */
static enum cp_code canonical(struct cp_store *s, const struct cp_text_add *t, const struct standing *now,
		struct cp_buf *body, struct cp_buf *title, struct cp_err *err)
{
	struct cp_form next;
	enum cp_code code;

	if (t->kind != CP_FORM) {
		if (t->title == NULL)
			title_of(t->body, t->len, title);
		return cp_buf_add(body, t->body, t->len, err);
	}
	CP_TRY(cp_form_read(&next, t->body, t->len, err));
	code = cp_form_print(body, &next, err);
	if (code == CP_OK && t->title == NULL)
		code = cp_buf_puts(title, next.title, err);
	if (code == CP_OK)
		code = check_follows(s, &next, now, err);
	cp_form_drop(&next);
	return code;
}

static enum cp_code write_revision(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, const struct cp_buf *body, const char *title, struct cp_err *err)
{
	bool is_form = t->kind == CP_FORM;
	struct cp_id id;
	char words[256];

	cp_id_derive(&id, "revision", 3, (const void *const[]){ text->bytes, body->data, now->parents.data },
			(const size_t[]){ 16, body->len, now->parents.len });
	CP_TRY(cp_edit_begin(s, err));
	/* The kind last: an SOP that is revised stays one. */
	CP_TRY(cp_edit_document(s, text_table(is_form), text, (struct cp_set[]){ { "name", cp_v_text(t->name) },
			{ "title", cp_v_text(title) },
			{ "kind", cp_v_text(t->kind == CP_FORM ? "form" : t->kind == CP_SOP ? "sop" : "guideline") } },
			now->exists ? 2 : 3, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, revision_table(is_form), &id, (struct cp_set[]){
			{ "parent_doc", cp_v_blob(text->bytes, 16) }, { "parents", cp_v_blob(now->parents.data, now->parents.len) },
			{ "number", cp_v_int(now->number + 1) },
			{ "kind", cp_v_text(t->revision ? t->revision : "clarifying") },
			{ "note", cp_v_text(t->note ? t->note : "") },
			{ "person", cp_v_blob(s->me.person.bytes, 16) },
			{ "body", { CP_TEXT, body->len, 0, 0, (const uint8_t *)body->data } } },
			7, CP_EDIT_PLAIN, NULL, NULL, err));
	snprintf(words, sizeof words, "%s %s: %s %lld (%s)%s%.120s", is_form ? "form" : "guideline", t->name,
			is_form ? "version" : "revision", (long long)now->number + 1, t->revision ? t->revision : "clarifying",
			t->note && *t->note ? ": " : "", t->note ? t->note : "");
	return cp_edit_commit(s, words, err);
}

/* ---- several heads ------------------------------------------------------------------------- */

static void seen_key(char out[64], const struct cp_id *text)
{
	char hex[CP_ID_HEX];

	snprintf(out, 64, "seen %s", cp_hex(hex, text->bytes, sizeof text->bytes));
}

enum cp_code cp_text_saw(struct cp_store *s, const char *name, struct cp_err *err)
{
	CP_AUTO(standing) struct standing now = { 0 };
	struct cp_id text;
	char key[64];

	text_key(s, false, name, &text);
	CP_TRY(standing_of(s, false, &text, &now, err));
	seen_key(key, &text);
	return now.heads.n > 1 ? cp_meta_set(s, key, now.parents.data, now.parents.len, err) : CP_OK;
}

static enum cp_code check_seen(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf seen = CP_BUF(CP_TEXT_MAX);
	char key[64];

	seen_key(key, text);
	CP_TRY(cp_meta_get(s, key, &seen, err));
	if (seen.len == now->parents.len && memcmp(seen.data, now->parents.data, seen.len) == 0)
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "guideline %s: %zu revisions stand side by side, and you have not seen them as one; "
			"`casepack guideline show %s` shows it; nothing was changed", t->name, now->heads.n, t->name);
}

/* What is written over several heads was written by somebody who knew them. A form that follows all of them was. */
static enum cp_code check_heads(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, struct cp_err *err)
{
	if (t->is_merge && now->exists && now->heads.n < 2)
		return cp_fail(err, CP_EINPUT, "guideline %s: has one revision that stands, nothing to merge; "
				"`casepack guideline revise` makes a new one", t->name);
	if (now->heads.n < 2 || t->kind == CP_FORM)
		return CP_OK;
	if (!t->is_merge)
		CP_TRY(check_seen(s, t, text, now, err));
	if (t->body != NULL && cp_textmerge_is_marked(t->body, t->len))
		return cp_fail(err, CP_EINPUT, "guideline %s: the text still has marks (<<<<<<< or >>>>>>>) where two revisions "
				"overlap; write what shall stand there; nothing was changed", t->name);
	return CP_OK;
}

/* The text of a merge that nobody wrote by hand. */
static enum cp_code derive(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, struct cp_buf *out, struct cp_err *err)
{
	size_t overlaps;

	CP_TRY(cp_heads_text(s, false, text, &now->heads, out, &overlaps, err));
	if (overlaps == 0)
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "guideline %s: its revisions overlap in %zu place%s; `casepack guideline show %s` marks "
			"them, and `casepack guideline merge %s --from FILE` writes what you make of it; nothing was changed",
			t->name, overlaps, overlaps == 1 ? "" : "s", t->name, t->name);
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum cp_code put(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, int64_t *out_number, bool *out_changed, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX), title = CP_BUF(4096);

	CP_TRY(check_text(t, now, err));
	CP_TRY(canonical(s, t, now, &body, &title, err));
	*out_changed = now->heads.n != 1 || now->body.len != body.len || memcmp(now->body.data, body.data, body.len) != 0;
	*out_number = now->number + *out_changed;
	if (!*out_changed)
		return CP_OK;
	return write_revision(s, t, text, now, &body, t->title ? t->title : title.data ? title.data : t->name, err);
}

enum cp_code cp_text_put(struct cp_store *s, const struct cp_text_add *given, int64_t *out_number, bool *out_changed,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf merged = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(standing) struct standing now = { 0 };
	struct cp_text_add t = *given;
	struct cp_id text;
	enum cp_code code;

	/* Written elsewhere it would be refused by the hub, and with it all that this device writes after. */
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: %s are written at the hub", s->path,
				t.kind == CP_FORM ? "forms" : "guidelines");
	text_key(s, t.kind == CP_FORM, t.name, &text);
	CP_TRY(standing_of(s, t.kind == CP_FORM, &text, &now, err));
	CP_TRY(check_heads(s, &t, &text, &now, err));
	if (t.is_merge && t.body == NULL && now.exists) {
		CP_TRY(derive(s, &t, &text, &now, &merged, err));
		t.body = merged.data;
		t.len = merged.len;
	}
	code = put(s, &t, &text, &now, out_number, out_changed, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* ?1 is the table of the texts, ?2 a name or NULL. */
#define ROWS(texts, revisions) \
	"SELECT v.id, t.id, t.kind, t.name, t.title, v.kind, v.note, coalesce(p.pseudonym, ''), v.number, v.clock," \
	" v.id = " CP_CURRENT(revisions, "t.id") ", EXISTS (SELECT 1 FROM candidates d WHERE d.doc = t.id AND d.tbl = ?1" \
	" AND d.col = 'text' AND d.rev = substr(v.rev, 1, 8)), v.body" \
	" FROM " texts " t JOIN " revisions " v ON v.parent_doc = t.id LEFT JOIN persons p ON p.id = v.person" \
	" WHERE CASE WHEN ?2 IS NULL THEN v.id = " CP_CURRENT(revisions, "t.id") " ELSE t.name = ?2 END" \
	" ORDER BY t.name, v.number, v.clock, v.id"

static enum cp_code visit_rows(struct cp_store *s, sqlite3_stmt *q, cp_text_visit *visit, void *user, int64_t *n,
		struct cp_err *err)
{
	for (*n = 0;; ++*n) {
		struct cp_text_row r;
		enum cp_code code;
		bool row;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &r.id);
		cp_col_id(q, 1, &r.text);
		r.kind = strcmp(cp_col_text(q, 2), "form") == 0 ? CP_FORM : strcmp(cp_col_text(q, 2), "sop") == 0 ? CP_SOP
			: CP_GUIDELINE;
		r.name = cp_col_text(q, 3);
		r.title = cp_col_text(q, 4);
		r.revision = cp_col_text(q, 5);
		r.note = cp_col_text(q, 6);
		r.author = cp_col_text(q, 7);
		r.number = sqlite3_column_int64(q, 8);
		r.at_us = sqlite3_column_int64(q, 9);
		r.is_current = sqlite3_column_int(q, 10) != 0;
		r.is_unmerged = sqlite3_column_int(q, 11) != 0;
		r.body = cp_col_text(q, 12);
		r.len = (size_t)sqlite3_column_bytes(q, 12);
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

static enum cp_code is_not_here(bool is_form, const char *name, struct cp_err *err)
{
	const char *what = is_form ? "form" : "guideline";

	return cp_fail(err, CP_ENOTFOUND, "%s %s: is not here; `casepack %s list` shows those that are", what, name, what);
}

enum cp_code cp_text_each(struct cp_store *s, bool is_form, const char *name, cp_text_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t n;

	CP_TRY(cp_query(s, &q, err, is_form ? ROWS("forms", "form_versions") : ROWS("guidelines", "guideline_revisions"), "it",
			(int64_t)text_table(is_form), name));
	CP_TRY(visit_rows(s, q, visit, user, &n, err));
	return name == NULL || n > 0 ? CP_OK : is_not_here(is_form, name, err);
}

enum cp_code cp_text_get(struct cp_store *s, bool is_form, const char *name, int64_t number, struct cp_buf *out,
		struct cp_id *out_id, struct cp_err *err)
{
	struct cp_id text, id;

	text_key(s, is_form, name, &text);
	CP_TRY(cp_query_id(s, &id, err, CP_REVISIONS(is_form, "SELECT id FROM ",
			" WHERE parent_doc = ?1 AND ?2 IN (0, number)" CP_NEWEST_FIRST " LIMIT 1"), "di", &text, number));
	if (sodium_is_zero(id.bytes, sizeof id.bytes))
		return number == 0 ? is_not_here(is_form, name, err)
			: cp_fail(err, CP_ENOTFOUND, "%s %s: has no %s %lld", is_form ? "form" : "guideline", name,
					is_form ? "version" : "revision", (long long)number);
	if (out_id != NULL)
		*out_id = id;
	return cp_revision_body(s, is_form, &id, out, err);
}

static enum cp_code number_of(struct cp_store *s, bool is_form, const struct cp_id *revision, int64_t *out,
		struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, CP_REVISIONS(is_form, "SELECT number FROM ", " WHERE id = ?1"), "d", revision);
}

/* Those of a text that which may mean: by number where number is not negative, else by the beginning of the id. */
static enum cp_code pick_among(struct cp_store *s, bool is_form, const struct cp_id *text, const char *which, int64_t number,
		struct cp_id *out, size_t *n, struct cp_buf *all, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	*n = 0;
	cp_buf_clear(all);
	CP_TRY(cp_query(s, &q, err, CP_REVISIONS(is_form, "SELECT id FROM ", " WHERE parent_doc = ?1 AND CASE WHEN ?3 < 0"
				" THEN substr(lower(hex(id)), 1, length(?2)) = ?2 ELSE number = ?3 END ORDER BY id"), "dti",
			text, which, number));
	for (;; ++*n) {
		char hex[CP_ID_HEX];

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, out);
		CP_TRY(cp_buf_printf(all, err, "%s%.12s", *n > 0 ? ", " : "", cp_hex(hex, out->bytes, sizeof out->bytes)));
	}
}

/* The one revision that which names. */
static enum cp_code named(struct cp_store *s, bool is_form, const char *name, const char *which, struct cp_id *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf all = CP_BUF(CP_TEXT_MAX);
	const char *noun = is_form ? "version" : "revision", *what = is_form ? "form" : "guideline";
	size_t len = strlen(which), n = 0;
	struct cp_id text;

	if (len == 0 || len > 32 || strspn(which, "0123456789abcdef") != len)
		return cp_fail(err, CP_EUSAGE, "\"%.40s\" is neither the number of a %s nor the beginning of its id", which, noun);
	text_key(s, is_form, name, &text);
	if (strspn(which, "0123456789") == len && len < 18)
		CP_TRY(pick_among(s, is_form, &text, which, strtoll(which, NULL, 10), out, &n, &all, err));
	if (n == 0 && len >= 4)
		CP_TRY(pick_among(s, is_form, &text, which, -1, out, &n, &all, err));
	if (n == 0)
		return cp_fail(err, CP_ENOTFOUND, "%s %s: has no %s %s", what, name, noun, which);
	return n == 1 ? CP_OK : cp_fail(err, CP_EINPUT, "%s %s: %zu are %s %s; name one by its id: %s", what, name, n, noun,
			which, all.data);
}

enum cp_code cp_text_pick(struct cp_store *s, bool is_form, const char *name, const char *which, struct cp_buf *out,
		struct cp_id *out_id, int64_t *out_number, struct cp_err *err)
{
	struct cp_id id;

	CP_TRY(cp_text_get(s, is_form, name, 0, out, &id, err));
	if (which != NULL) {
		CP_TRY(named(s, is_form, name, which, &id, err));
		cp_buf_clear(out);
		CP_TRY(cp_revision_body(s, is_form, &id, out, err));
	}
	if (out_id != NULL)
		*out_id = id;
	return out_number == NULL ? CP_OK : number_of(s, is_form, &id, out_number, err);
}

enum cp_code cp_text_before(struct cp_store *s, bool is_form, const struct cp_id *revision, struct cp_buf *out,
		int64_t *out_number, struct cp_err *err)
{
	struct cp_id id;

	CP_TRY(cp_query_id(s, &id, err, is_form
			? "SELECT p.id FROM form_versions v JOIN form_versions p ON p.parent_doc = v.parent_doc AND"
				" instr(v.parents, p.id) % 16 = 1 WHERE v.id = ?1 ORDER BY p.number DESC, p.clock DESC, p.id DESC LIMIT 1"
			: "SELECT p.id FROM guideline_revisions v JOIN guideline_revisions p ON p.parent_doc = v.parent_doc AND"
				" instr(v.parents, p.id) % 16 = 1 WHERE v.id = ?1 ORDER BY p.number DESC, p.clock DESC, p.id DESC LIMIT 1",
			"d", revision));
	if (sodium_is_zero(id.bytes, sizeof id.bytes))
		return cp_fail(err, CP_EINPUT, "the first %s has none before it", is_form ? "version" : "revision");
	CP_TRY(number_of(s, is_form, &id, out_number, err));
	return cp_revision_body(s, is_form, &id, out, err);
}

enum cp_code cp_text_merged(struct cp_store *s, bool is_form, const char *name, struct cp_buf *out,
		struct cp_text_heads *out_heads, struct cp_err *err)
{
	struct cp_heads heads = { 0 };
	struct cp_id text;
	enum cp_code code;

	*out_heads = (struct cp_text_heads){ 1, 0 };
	text_key(s, is_form, name, &text);
	code = cp_heads_load(s, is_form, &text, &heads, err);
	out_heads->n = heads.n;
	if (code == CP_OK && heads.n == 0)
		code = is_not_here(is_form, name, err);
	if (code == CP_OK)
		code = cp_heads_text(s, is_form, &text, &heads, out, &out_heads->overlaps, err);
	cp_heads_drop(&heads);
	return code;
}
