#include "sync/journal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/called.h"
#include "sync/inner.h"
#include "sync/tables.h"
#include "sync/texts.h"

/* ---- one value --------------------------------------------------------------------------------------- */

static enum cp_code add_quoted(struct cp_buf *out, const void *text, size_t len, size_t max, struct cp_err *err)
{
	const uint8_t *bytes = text;

	CP_TRY(cp_buf_puts(out, "\"", err));
	for (size_t i = 0; i < len && i < max; i++)
		CP_TRY(bytes[i] < 0x20 || bytes[i] == 0x7f ? cp_buf_printf(out, err, bytes[i] == '\n' ? "\\n" : "\\x%02x", bytes[i])
				: cp_buf_add(out, &bytes[i], 1, err));
	return cp_buf_puts(out, len > max ? "\"..." : "\"", err);
}

/* A word stands as it is; what has spaces or could be taken for something else is quoted. */
static bool is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] <= ' ' || text[i] == '"' || text[i] == '\\' || text[i] == 0x7f)
			return false;
	return len > 0 && len < 200 && (len != 7 || memcmp(text, "nothing", 7) != 0);
}

/* The results of a case, which are a list in JSON. */
static bool add_list(struct cp_buf *out, const char *text, size_t len)
{
	json_t *list = json_loadb(text, len, 0, NULL), *item;
	bool is_said = json_is_array(list) && json_array_size(list) > 0;
	size_t i;

	json_array_foreach(list, i, item)
		is_said = is_said && json_is_string(item) && is_word(json_string_value(item), json_string_length(item));
	for (i = 0; is_said && (item = json_array_get(list, i)) != NULL; i++)
		is_said = cp_buf_printf(out, NULL, "%s%s", i ? " " : "", json_string_value(item)) == CP_OK;
	json_decref(list);
	return is_said;
}

static enum cp_code add_text(struct cp_buf *out, const char *name, const char *text, size_t len, size_t max, struct cp_err *err)
{
	if (strcmp(name, "results") == 0 && add_list(out, text, len))
		return CP_OK;
	return is_word(text, len) ? cp_buf_add(out, text, len, err) : add_quoted(out, text, len, max, err);
}

enum cp_code cp_words_value(struct cp_buf *out, const char *name, const struct cp_value *v, struct cp_err *err)
{
	switch (v->type) {
	case CP_INT:  return cp_buf_printf(out, err, "%" PRId64, v->integer);
	case CP_REAL: return cp_buf_printf(out, err, "%.17g", v->real);
	case CP_NULL: return cp_buf_puts(out, "nothing", err);
	case CP_BLOB:
		for (size_t i = 0; i < v->len && i < 32; i++)
			CP_TRY(cp_buf_printf(out, err, "%02x", v->bytes[i]));
		return v->len ? CP_OK : cp_buf_puts(out, "none", err);
	case CP_TEXT: return add_text(out, name, (const char *)v->bytes, v->len, 200, err);
	default:      return CP_OK;
	}
}

/* ---- a change as an entry ---------------------------------------------------------------------------- */

/*
 * An entry is a JSON object: what, op, key, and where it is known case, who, pass, name and result; then cells, each with
 * name, was, now, and of an answer result. Words are made of it.
 */
struct journal { struct cp_store *s; };

/* What a document of each table is called in words. */
static const char *const whats[CP_T_COUNT] = {
	"project", "person", "device", "case", "guideline", "guideline revision", "form", "form version", "assignment", "final answer",
	"settlement", "judgment", "answer", "resolution", "decision about a stale judgment", "ruling", "name", "secret", "side key",
	"gold answer", "metric",
};

/* Which table's document the key in that column names; -1: none. */
static int named_by(size_t table, const char *column)
{
	static const struct { const char *column; int table; } keys[] = { { "case_id", CP_T_CASES }, { "person", CP_T_PERSONS },
		{ "form", CP_T_FORMS }, { "guideline", CP_T_GUIDELINES }, { "form_version", CP_T_FORM_VERSIONS },
		{ "guideline_revision", CP_T_GUIDELINE_REVISIONS }, { "judgment", CP_T_JUDGMENTS } };

	if (strcmp(column, "parent_doc") == 0)
		return table == CP_T_FORM_VERSIONS ? CP_T_FORMS : CP_T_GUIDELINES;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].column, column) == 0)
			return keys[i].table;
	return -1;
}

static json_t *hex_json(const struct cp_value *v)
{
	CP_AUTO(buf) struct cp_buf hex = CP_BUF(CP_TEXT_MAX);

	for (size_t i = 0; i < v->len && hex.max > 0; i++)
		if (cp_buf_printf(&hex, NULL, "%02x", v->bytes[i]) != CP_OK)
			return NULL;
	return json_string(hex.data ? hex.data : "");
}

/* "q1", "ada", "policy revision 3": by which people know it; NULL where nobody does. */
static enum cp_code name_json(struct journal *j, int table, const struct cp_value *v, json_t **out, struct cp_err *err)
{
	struct cp_called c;
	struct cp_id id;

	*out = NULL;
	if (j->s == NULL || table < 0 || v->type != CP_BLOB || v->len != sizeof id.bytes)
		return CP_OK;
	memcpy(id.bytes, v->bytes, sizeof id.bytes);
	CP_TRY(cp_called_find(j->s, (size_t)table, &id, &c, err));
	if (c.is_known && *c.case_id && *c.person)
		*out = json_sprintf("%s, %s", c.case_id, c.person);
	else if (c.is_known)
		*out = json_string(*c.name ? c.name : *c.case_id ? c.case_id : c.person);
	cp_called_drop(&c);
	return CP_OK;
}

static enum cp_code value_json(struct journal *j, size_t table, const char *column, const struct cp_value *v, json_t **out,
		struct cp_err *err)
{
	CP_TRY(name_json(j, named_by(table, column), v, out, err));
	if (*out == NULL && strcmp(column, "cause") == 0 && v->len == 16)
		CP_TRY(name_json(j, CP_T_GUIDELINE_REVISIONS, v, out, err));
	if (*out == NULL && strcmp(column, "cause") == 0 && v->len == 16)
		CP_TRY(name_json(j, CP_T_FORM_VERSIONS, v, out, err));
	if (*out != NULL)
		return CP_OK;
	switch (v->type) {
	case CP_INT:  *out = json_integer(v->integer); break;
	case CP_REAL: *out = json_real(v->real); break;
	case CP_TEXT: *out = json_stringn((const char *)v->bytes, v->len); break;
	case CP_BLOB: *out = hex_json(v); break;
	default:      *out = json_null();
	}
	return *out != NULL ? CP_OK : cp_fail(err, CP_EFORMAT, "a value of column %s cannot be shown", column);
}

static enum cp_code add_cell(struct journal *j, json_t *cells, const struct cp_change *c, size_t column, const char *name,
		const char *result, struct cp_err *err)
{
	json_t *cell = json_pack("{s:s}", "name", name), *was = NULL, *now = NULL;
	enum cp_code code = CP_OK;

	if (result != NULL)
		json_object_set_new(cell, "result", json_string(result));
	if (c->op == CP_UPDATE)
		code = value_json(j, c->table, cp_columns[c->table][column], &c->was[column], &was, err);
	if (code == CP_OK)
		code = value_json(j, c->table, cp_columns[c->table][column], &c->now[column], &now, err);
	json_object_set_new(cell, "was", was != NULL ? was : json_null());
	json_object_set_new(cell, "now", now != NULL ? now : json_null());
	json_array_append_new(cells, cell);
	return code;
}

static void say(json_t *o, const char *name, const char *text)
{
	if (*text != '\0')
		json_object_set_new(o, name, json_string(text));
}

/* Names from the database; of what it does not know yet the row itself may tell some. */
static enum cp_code call(struct journal *j, const struct cp_change *c, json_t *o, struct cp_err *err)
{
	const struct cp_value *key = cp_change_key(c, 0);
	struct cp_called called;
	struct cp_id id;

	if (j->s == NULL || key->len != sizeof id.bytes)
		return CP_OK;
	memcpy(id.bytes, key->bytes, sizeof id.bytes);
	CP_TRY(cp_called_find(j->s, c->table, &id, &called, err));
	say(o, "case", called.case_id);
	say(o, "who", called.person);
	say(o, "document", called.name);
	say(o, "result", called.result);
	if (called.pass > 1)
		json_object_set_new(o, "pass", json_integer((json_int_t)called.pass));
	cp_called_drop(&called);
	return CP_OK;
}

/* A row of any table but ratings, whose cells are added behind. */
static enum cp_code entry_of(struct journal *j, const struct cp_change *c, json_t **out, struct cp_err *err)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:o}", "what", whats[c->table], "table", cp_shapes[c->table].name, "op",
			c->op == CP_INSERT ? "new" : "changed", "key", hex_json(cp_change_key(c, 0)));
	json_t *cells = json_array();
	enum cp_code code;

	if (o == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	code = call(j, c, o, err);
	json_object_set_new(o, "cells", cells);
	for (size_t i = CP_C_CLOCK + 1; code == CP_OK && c->table != CP_T_RATINGS && i < cp_shapes[c->table].n_columns; i++) {
		struct cp_value def;

		cp_table_default(&def, c->table, i);
		if (c->now[i].type == CP_ABSENT || (c->op == CP_INSERT && cp_value_equal(&def, &c->now[i])))
			continue;
		code = add_cell(j, cells, c, i, cp_columns[c->table][i], NULL, err);
	}
	*out = o;
	if (code != CP_OK)
		json_decref(o);
	return code;
}

/* The id by which people know the result of an answer. */
static enum cp_code add_answer(struct journal *j, json_t *entry, struct cp_caller *caller, const char *case_name,
		const struct cp_change *c, struct cp_err *err)
{
	const struct cp_value *f = cp_change_key(c, CP_R_FIELD), *r = cp_change_key(c, CP_R_RESULT);
	CP_AUTO(str) char *field = strndup((const char *)f->bytes, f->len);
	CP_AUTO(str) char *result = strndup(r->len ? (const char *)r->bytes : "", r->len);
	const char *called = result;

	if (field == NULL || result == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (j->s != NULL && *case_name != '\0')
		CP_TRY(cp_caller_result(caller, case_name, result, &called, err));
	return add_cell(j, json_object_get(entry, "cells"), c, CP_R_VALUE, field, called, err);
}

/* ---- judgments with their answers ------------------------------------------------------------------- */

/* Where a judgment or an answer stands in the changeset; the reader's state before it. */
struct place { struct cp_id judgment; size_t no; bool is_judgment, is_told; struct cp_changeset at; };
struct places { struct place *list; size_t n, room; };

static void places_drop(struct places *p)
{
	free(p->list);
}
#define cp_places_drop places_drop

static int by_judgment(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = memcmp(&x->judgment, &y->judgment, sizeof x->judgment);

	return c != 0 ? c : (x->no > y->no) - (x->no < y->no);
}

static enum cp_code find_places(const void *changeset, size_t len, struct places *out, struct cp_err *err)
{
	struct cp_changeset r, before;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (size_t no = 0;; no++) {
		before = r;
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			break;
		if (!cp_table_is_work(c.table) || cp_change_key(&c, 0)->len != sizeof out->list->judgment)
			continue;
		if (out->n == out->room) {
			struct place *list = reallocarray(out->list, out->room * 2 + 64, sizeof *list);

			if (list == NULL)
				return cp_fail(err, CP_EIO, "out of memory");
			out->list = list;
			out->room = out->room * 2 + 64;
		}
		out->list[out->n] = (struct place){ .no = no, .is_judgment = c.table == CP_T_JUDGMENTS, .at = before };
		memcpy(&out->list[out->n++].judgment, cp_change_key(&c, 0)->bytes, sizeof out->list->judgment);
	}
	if (out->n > 1)
		qsort(out->list, out->n, sizeof *out->list, by_judgment);
	return CP_OK;
}

static struct place *place_of(const struct places *p, const struct cp_change *c, size_t no)
{
	struct place key = { .no = no };

	if (p->n == 0 || cp_change_key(c, 0)->len != sizeof key.judgment)
		return NULL;
	memcpy(&key.judgment, cp_change_key(c, 0)->bytes, sizeof key.judgment);
	return bsearch(&key, p->list, p->n, sizeof *p->list, by_judgment);
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));

	return t != NULL ? t : "";
}

static int by_question(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int c = strcmp(text(x, "name"), text(y, "name"));

	return c != 0 ? c : strcmp(text(x, "result"), text(y, "result"));
}

/* Answers stand in a changeset by chance: the cells from the one given on are put in order of field and result. */
static enum cp_code sort_answers(json_t *cells, size_t from, struct cp_err *err)
{
	size_t n = json_array_size(cells) - from;
	json_t **list = calloc(n + 1, sizeof *list);

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < n; i++)
		list[i] = json_incref(json_array_get(cells, from + i));
	qsort(list, n, sizeof *list, by_question);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(cells, from + i, list[i]);
	free(list);
	return CP_OK;
}

/* The answers behind a judgment, up to its next change. An answer alone begins a group of its own. */
static enum cp_code add_answers(struct journal *j, json_t *entry, struct cp_caller *caller, const struct places *p, struct place *first,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	json_t *cells = json_object_get(entry, "cells");
	size_t own = first->is_judgment ? json_array_size(cells) : 0; /* cells of the judgment itself */

	if (j->s != NULL)
		CP_TRY(cp_query_text(j->s, &name, NULL, err, "SELECT c.name FROM cases c JOIN assignments a ON a.case_id = c.id WHERE a.id = ?1",
				"d", &first->judgment));
	for (struct place *at = first; at < p->list + p->n && cp_id_equal(&at->judgment, &first->judgment); at++) {
		struct cp_changeset r = at->at;
		struct cp_change c;
		bool more;

		if (at->is_judgment && at != first)
			break;
		at->is_told = true;
		if (at->is_judgment)
			continue;
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		CP_TRY(add_answer(j, entry, caller, name.len ? name.data : "", &c, err));
	}
	return sort_answers(cells, own, err);
}

typedef enum cp_code entry_visit(void *user, json_t *entry, struct cp_err *err);

static enum cp_code each_entry(struct journal *j, const void *changeset, size_t len, entry_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(places) struct places places = { NULL, 0, 0 };
	CP_AUTO(caller) struct cp_caller caller;
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_caller_begin(&caller, j->s);
	CP_TRY(find_places(changeset, len, &places, err));
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (size_t no = 0;; no++) {
		struct place *at;
		json_t *entry = NULL;
		enum cp_code code;

		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		at = cp_table_is_work(c.table) ? place_of(&places, &c, no) : NULL;
		if (at != NULL && at->is_told)
			continue;
		CP_TRY(entry_of(j, &c, &entry, err));
		code = at != NULL ? add_answers(j, entry, &caller, &places, at, err) : CP_OK;
		if (code == CP_OK)
			code = visit(user, entry, err);
		json_decref(entry);
		CP_TRY(code);
	}
}

/* ---- words ------------------------------------------------------------------------------------------------ */

struct wording { struct journal *j; struct cp_buf *out; };

static enum cp_code add_side(struct cp_buf *out, const char *name, const json_t *v, struct cp_err *err)
{
	bool is_whole = strcmp(name, "note") == 0 || strcmp(name, "reason") == 0;
	bool is_name = named_by(CP_T_GUIDELINE_REVISIONS, name) >= 0 || strcmp(name, "cause") == 0;
	const char *t = json_string_value(v);

	if (v == NULL || json_is_null(v))
		return cp_buf_puts(out, "nothing", err);
	if (json_is_integer(v))
		return cp_buf_printf(out, err, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (json_is_real(v))
		return cp_buf_printf(out, err, "%.17g", json_real_value(v));
	return is_name ? cp_buf_puts(out, t, err) : add_text(out, name, t, json_string_length(v), is_whole ? SIZE_MAX : 200, err);
}

/* The text that a revision was written on, "" where there is none here. */
static enum cp_code text_before(struct journal *j, const json_t *entry, bool is_form, struct cp_buf *out, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	struct cp_id id;
	int64_t number;

	if (j->s == NULL || !cp_unhex(id.bytes, sizeof id.bytes, text(entry, "key")))
		return CP_OK;
	enum cp_code code = cp_text_before(j->s, is_form, &id, out, &number, &why);

	return code == CP_OK || code == CP_EINPUT || code == CP_ENOTFOUND ? CP_OK : cp_fail(err, code, "%s", why.text);
}

/* Every line of a text, or of its difference from what it was written on. */
static enum cp_code add_body(struct wording *w, const json_t *entry, const char *body, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf before = CP_BUF(CP_TEXT_MAX), diff = CP_BUF((size_t)1 << 30);
	const char *lines = body;

	CP_TRY(text_before(w->j, entry, strcmp(text(entry, "table"), "form_versions") == 0, &before, err));
	if (before.len > 0) {
		CP_TRY(cp_text_diff(&diff, before.data, before.len, body, strlen(body), 3, err));
		lines = diff.data != NULL ? diff.data : "";
	}
	while (*lines != '\0') {
		size_t n = strcspn(lines, "\n");

		CP_TRY(cp_buf_printf(w->out, err, "    %.*s\n", (int)n, lines));
		lines += n + (lines[n] == '\n');
	}
	return CP_OK;
}

/* What says little to a reader: what the author's database held, and what stands in the heading already. */
static bool is_inner(const json_t *entry, const char *name)
{
	return strcmp(name, "assignment_rev") == 0 || strcmp(name, "parents") == 0 || (strcmp(name, "case_id") == 0 && *text(entry, "case")) ||
		((strcmp(name, "parent_doc") == 0 || strcmp(name, "number") == 0) && *text(entry, "document"));
}

static const char *in_words(const char *column)
{
	static const char *const words[][2] = { { "form_version", "form" }, { "guideline_revision", "guideline" }, { "parent_doc", "of" },
		{ "case_id", "case" }, { "active_ms", "active, in ms" }, { "idle_ms", "idle, in ms" }, { "wall_ms", "in all, in ms" },
		{ "side_a", "side a is" }, { "side_b", "side b is" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i][0], column) == 0)
			return words[i][1];
	return column;
}

static enum cp_code add_cell_words(struct wording *w, const json_t *entry, const json_t *cell, struct cp_err *err)
{
	const char *name = text(cell, "name"), *result = text(cell, "result");
	const json_t *was = json_object_get(cell, "was"), *now = json_object_get(cell, "now");
	bool is_answer = json_object_get(cell, "result") != NULL;

	if (!is_answer && is_inner(entry, name))
		return CP_OK;
	CP_TRY(cp_buf_printf(w->out, err, "  %s%s%s:", in_words(name), *result ? " of " : "", result));
	if (!is_answer && strcmp(name, "body") == 0 && json_is_string(now)) {
		CP_TRY(cp_buf_puts(w->out, "\n", err));
		return add_body(w, entry, json_string_value(now), err);
	}
	CP_TRY(cp_buf_puts(w->out, " ", err));
	if (was != NULL && (!json_is_null(was) || strcmp(text(entry, "op"), "changed") == 0) && !(is_answer && json_is_null(was))) {
		CP_TRY(add_side(w->out, name, was, err));
		CP_TRY(cp_buf_puts(w->out, " -> ", err));
	}
	CP_TRY(add_side(w->out, name, now, err));
	return cp_buf_puts(w->out, "\n", err);
}

/* "new judgment of q1 by ada, pass 2"; by its key where nothing is known. */
static enum cp_code add_heading(struct cp_buf *out, const json_t *e, struct cp_err *err)
{
	const char *is_new = strcmp(text(e, "op"), "new") == 0 ? "new " : "";
	bool is_assigned = strcmp(text(e, "table"), "assignments") == 0;
	bool is_of = is_assigned || strcmp(text(e, "table"), "judgments") == 0 || strcmp(text(e, "table"), "ratings") == 0;
	json_int_t pass = json_integer_value(json_object_get(e, "pass"));
	const char *comma = " ";

	if (strstr(text(e, "what"), " revision") != NULL || strstr(text(e, "what"), " version") != NULL)
		if (*text(e, "document")) /* says what it is */
			return cp_buf_printf(out, err, "%s%s\n", is_new, text(e, "document"));
	if (strcmp(text(e, "table"), "ratings") == 0)
		CP_TRY(cp_buf_puts(out, "answers of judgment", err));
	else
		CP_TRY(cp_buf_printf(out, err, "%s%s", is_new, text(e, "what")));
	if (!*text(e, "case") && !*text(e, "who") && !*text(e, "document"))
		return cp_buf_printf(out, err, " %.12s\n", text(e, "key"));
	if (*text(e, "document")) {
		CP_TRY(cp_buf_printf(out, err, " %s%s%s", text(e, "document"), *text(e, "result") ? " of " : "", text(e, "result")));
		comma = ", ";
	}
	if (*text(e, "case")) {
		CP_TRY(cp_buf_printf(out, err, "%s%s", is_of || *comma == ',' ? " of " : comma, text(e, "case")));
		comma = is_assigned ? " to " : is_of ? " by " : ", ";
	}
	if (*text(e, "who"))
		CP_TRY(cp_buf_printf(out, err, "%s%s", comma, text(e, "who")));
	return pass > 1 ? cp_buf_printf(out, err, ", pass %" JSON_INTEGER_FORMAT "\n", pass) : cp_buf_puts(out, "\n", err);
}

static enum cp_code add_words(void *user, json_t *entry, struct cp_err *err)
{
	struct wording *w = user;
	json_t *cell;
	size_t i;

	CP_TRY(add_heading(w->out, entry, err));
	json_array_foreach(json_object_get(entry, "cells"), i, cell)
		CP_TRY(add_cell_words(w, entry, cell, err));
	return CP_OK;
}

enum cp_code cp_changeset_words(struct cp_store *s, const void *changeset, size_t len, struct cp_buf *out, struct cp_err *err)
{
	struct journal j = { s };

	return each_entry(&j, changeset, len, add_words, &(struct wording){ &j, out }, err);
}

static enum cp_code add_json(void *user, json_t *entry, struct cp_err *err)
{
	struct cp_buf *out = user;
	char *json = json_dumps(entry, JSON_COMPACT);
	enum cp_code code = json != NULL ? cp_buf_printf(out, err, "%s%s", out->data[out->len - 1] == '[' ? "" : ",", json)
		: cp_fail(err, CP_EIO, "out of memory");

	free(json);
	return code;
}

enum cp_code cp_changeset_json(struct cp_store *s, const void *changeset, size_t len, struct cp_buf *out, struct cp_err *err)
{
	struct journal j = { s };

	CP_TRY(cp_buf_puts(out, "[", err));
	CP_TRY(each_entry(&j, changeset, len, add_json, out, err));
	return cp_buf_puts(out, "]", err);
}
