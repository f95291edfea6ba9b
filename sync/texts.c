#include "sync/texts.h"

#include <string.h>

#include "formats/text.h"
#include "sync/edit.h"
#include "sync/inner.h"

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

/* What stands now of a text: the newest revision. */
struct standing { bool exists; int64_t number; struct cp_id id; struct cp_buf body; };

static enum cp_code standing_of(struct cp_store *s, bool is_form, const struct cp_id *text, struct standing *out,
		struct cp_err *err)
{
	sqlite3_stmt *q;

	out->body = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	CP_TRY(cp_query(s, &q, err, is_form
			? "SELECT number, id, body FROM form_versions WHERE parent_doc = ?1 ORDER BY number DESC, id LIMIT 1"
			: "SELECT number, id, body FROM guideline_revisions WHERE parent_doc = ?1 ORDER BY number DESC, id LIMIT 1",
			"d", text));
	CP_TRY(cp_step(s, q, &out->exists, err));
	if (!out->exists)
		return CP_OK;
	out->number = sqlite3_column_int64(q, 0);
	cp_col_id(q, 1, &out->id);
	CP_TRY(cp_buf_add(&out->body, sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2), err));
	sqlite3_reset(q);
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
	if (!cp_utf8_valid(t->body, t->len) || t->len == 0)
		return cp_fail(err, CP_EINPUT, "%s %s: the text is empty or not UTF-8", what, t->name);
	if (t->revision != NULL && strcmp(t->revision, "editorial") != 0 && strcmp(t->revision, "clarifying") != 0 &&
			strcmp(t->revision, "breaking") != 0)
		return cp_fail(err, CP_EUSAGE, "\"%s\" is none of editorial, clarifying, breaking", t->revision);
	return CP_OK;
}

/* A form is stored in canonical form, and follows its forerunner. */
static enum cp_code canonical(const struct cp_text_add *t, const struct standing *now, struct cp_buf *body,
		struct cp_buf *title, struct cp_err *err)
{
	struct cp_form next, before;
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
	if (code == CP_OK && now->exists) {
		code = cp_form_read(&before, now->body.data, now->body.len, err);
		if (code == CP_OK) {
			code = cp_form_may_follow(&before, &next, err);
			cp_form_drop(&before);
		}
	}
	cp_form_drop(&next);
	return code;
}

static enum cp_code write_revision(struct cp_store *s, const struct cp_text_add *t, const struct cp_id *text,
		const struct standing *now, const struct cp_buf *body, const char *title, struct cp_err *err)
{
	bool is_form = t->kind == CP_FORM;
	size_t parents = now->exists ? 16 : 0;
	struct cp_id id;
	char words[256];

	cp_id_derive(&id, "revision", 3, (const void *const[]){ text->bytes, body->data, now->id.bytes },
			(const size_t[]){ 16, body->len, parents });
	CP_TRY(cp_edit_begin(s, err));
	/* The kind last: an SOP that is revised stays one. */
	CP_TRY(cp_edit_document(s, text_table(is_form), text, (struct cp_set[]){ { "name", cp_v_text(t->name) },
			{ "title", cp_v_text(title) },
			{ "kind", cp_v_text(t->kind == CP_FORM ? "form" : t->kind == CP_SOP ? "sop" : "guideline") } },
			now->exists ? 2 : 3, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, revision_table(is_form), &id, (struct cp_set[]){
			{ "parent_doc", cp_v_blob(text->bytes, 16) }, { "parents", cp_v_blob(now->id.bytes, parents) },
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

enum cp_code cp_text_put(struct cp_store *s, const struct cp_text_add *t, int64_t *out_number, bool *out_changed,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf title = CP_BUF(4096);
	struct standing now = { 0 };
	struct cp_id text;
	enum cp_code code;

	/* Written elsewhere it would be refused by the hub, and with it all that this device writes after. */
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: %s are written at the hub", s->path,
				t->kind == CP_FORM ? "forms" : "guidelines");
	text_key(s, t->kind == CP_FORM, t->name, &text);
	code = standing_of(s, t->kind == CP_FORM, &text, &now, err);
	if (code == CP_OK)
		code = check_text(t, &now, err);
	if (code == CP_OK)
		code = canonical(t, &now, &body, &title, err);
	*out_changed = code == CP_OK && !(now.exists && now.body.len == body.len &&
			memcmp(now.body.data, body.data, body.len) == 0);
	*out_number = now.number + *out_changed;
	if (*out_changed)
		code = write_revision(s, t, &text, &now, &body, t->title ? t->title : title.data ? title.data : t->name, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	cp_buf_drop(&now.body);
	return code;
}

/* ---- reading ------------------------------------------------------------------------------- */

#define ROWS(texts, revisions) \
	"SELECT v.id, t.id, t.kind, t.name, t.title, v.kind, v.note, coalesce(p.pseudonym, ''), v.number, v.clock," \
	" v.number = (SELECT max(number) FROM " revisions " w WHERE w.parent_doc = t.id), v.body" \
	" FROM " texts " t JOIN " revisions " v ON v.parent_doc = t.id LEFT JOIN persons p ON p.id = v.person"

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
		r.body = cp_col_text(q, 11);
		r.len = (size_t)sqlite3_column_bytes(q, 11);
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_text_each(struct cp_store *s, bool is_form, const char *name, cp_text_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t n;

	if (name == NULL)
		CP_TRY(cp_query(s, &q, err, is_form
				? ROWS("forms", "form_versions") " WHERE v.number = (SELECT max(number) FROM"
					" form_versions w WHERE w.parent_doc = t.id) ORDER BY t.name"
				: ROWS("guidelines", "guideline_revisions") " WHERE v.number = (SELECT max(number) FROM"
					" guideline_revisions w WHERE w.parent_doc = t.id) ORDER BY t.name", ""));
	else
		CP_TRY(cp_query(s, &q, err, is_form
				? ROWS("forms", "form_versions") " WHERE t.name = ?1 ORDER BY v.number, v.id"
				: ROWS("guidelines", "guideline_revisions") " WHERE t.name = ?1 ORDER BY v.number, v.id", "t", name));
	CP_TRY(visit_rows(s, q, visit, user, &n, err));
	return name == NULL || n > 0 ? CP_OK
		: cp_fail(err, CP_ENOTFOUND, is_form ? "form %s: is not here; `casepack form list` shows those that are"
			: "guideline %s: is not here; `casepack guideline list` shows those that are", name);
}

enum cp_code cp_text_get(struct cp_store *s, bool is_form, const char *name, int64_t number, struct cp_buf *out,
		struct cp_id *out_id, struct cp_err *err)
{
	struct cp_id text;
	sqlite3_stmt *q;
	bool row;

	text_key(s, is_form, name, &text);
	CP_TRY(cp_query(s, &q, err, is_form
			? "SELECT id, body FROM form_versions WHERE parent_doc = ?1 AND ?2 IN (0, number) ORDER BY number DESC, id LIMIT 1"
			: "SELECT id, body FROM guideline_revisions WHERE parent_doc = ?1 AND ?2 IN (0, number)"
				" ORDER BY number DESC, id LIMIT 1", "di", &text, number));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return number == 0 ? cp_fail(err, CP_ENOTFOUND, is_form
				? "form %s: is not here; `casepack form list` shows those that are"
				: "guideline %s: is not here; `casepack guideline list` shows those that are", name)
			: cp_fail(err, CP_ENOTFOUND, "%s %s: has no %s %lld", is_form ? "form" : "guideline", name,
					is_form ? "version" : "revision", (long long)number);
	if (out_id != NULL)
		cp_col_id(q, 0, out_id);
	CP_TRY(cp_buf_add(out, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), err));
	sqlite3_reset(q);
	return CP_OK;
}
