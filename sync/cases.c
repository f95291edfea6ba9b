#include "sync/cases.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/content.h"
#include "sync/edit.h"
#include "sync/gold.h"
#include "sync/inner.h"

/* ---- names ------------------------------------------------------------------------------ */

/*
 * How an external id stands in history: itself if plain, else "~" and 16 hex digits
 * of its keyed hash. A query that serves as the id is content, however plain it is.
 */
static enum cp_code history_name(struct cp_buf *out, const uint8_t secret[32], const char *id, bool is_content,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf nfc = CP_BUF(CP_TEXT_MAX);
	struct cp_hash hash;
	char hex[CP_HASH_HEX];

	if (!is_content && cp_id_is_plain(id, strlen(id)))
		return cp_buf_puts(out, id, err);
	CP_TRY(cp_text_nfc(&nfc, id, strlen(id), err));
	cp_hash_keyed(&hash, secret, nfc.data, nfc.len);
	return cp_buf_printf(out, err, "~%.16s", cp_hex(hex, hash.bytes, sizeof hash.bytes));
}

static enum cp_code case_key(struct cp_store *s, const char *id, struct cp_id *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf nfc = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_text_nfc(&nfc, id, strlen(id), err));
	cp_id_derive(out, "case", 2, (const void *const[]){ s->me.project.bytes, nfc.data ? nfc.data : "" },
			(const size_t[]){ 16, nfc.len });
	return CP_OK;
}

/* ---- the document -------------------------------------------------------------------------- */

static void put(json_t *o, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		json_object_set_new(o, name, json_string(text));
}

static json_t *result_json(const struct cp_result_in *r, const char *side)
{
	json_t *o = json_object();

	put(o, "id", r->id);
	put(o, "type", r->type);
	put(o, "title", r->title);
	put(o, "snippet", r->snippet);
	put(o, "url", r->url);
	put(o, "side", side);
	if (r->rank > 0)
		json_object_set_new(o, "rank", json_integer(r->rank));
	return o;
}

/* Which system is shown left is decided by the project's secret, not by chance: an import repeated is the same. */
static bool sides_are_swapped(const uint8_t secret[32], const struct cp_id *key)
{
	struct cp_hash h;

	cp_hash_keyed(&h, secret, key->bytes, sizeof key->bytes);
	return h.bytes[31] & 1;
}

static const char *side_shown(const char *side, bool swapped)
{
	if (side == NULL)
		return NULL;
	return (strcmp(side, "a") == 0) != swapped ? "a" : "b";
}

/* Canonical JSON: sorted keys, no white space, with a salt that only who knows the secret can make. */
static enum cp_code document(struct cp_buf *out, const struct cp_case_in *c, const uint8_t secret[32], bool swapped,
		struct cp_err *err)
{
	json_t *o = json_object(), *results = json_array();
	struct cp_hash salt;
	char hex[CP_HASH_HEX], *text;
	enum cp_code code;

	put(o, "id", c->id);
	put(o, "kind", c->kind);
	put(o, "query", c->query);
	put(o, "locale", c->locale);
	put(o, "market", c->market);
	put(o, "need", c->need);
	put(o, "segment", c->segment);
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < c->n_results; i++) {
			const char *shown = side_shown(c->results[i].side, swapped);

			if ((shown != NULL && *shown == 'b') == side)
				json_array_append_new(results, result_json(&c->results[i], shown));
		}
	json_object_set_new(o, "results", results);
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	assert(text != NULL);
	cp_hash_keyed(&salt, secret, text, strlen(text));
	free(text);
	json_object_set_new(o, "salt", json_string(cp_hex(hex, salt.bytes, 16)));
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	assert(text != NULL);
	code = cp_buf_puts(out, text, err);
	free(text);
	return code;
}

/* "a:78503000" for a result of a side, else the id alone. */
static enum cp_code result_name(struct cp_buf *out, const uint8_t secret[32], const char *id, const char *side,
		struct cp_err *err)
{
	if (side != NULL && *side != '\0')
		CP_TRY(cp_buf_printf(out, err, "%s:", side));
	return history_name(out, secret, id, false, err);
}

/* The names of the results as they are shown, as the JSON array that the synced row holds. */
static enum cp_code result_names(struct cp_buf *out, const char *doc, size_t len, const uint8_t secret[32],
		const struct cp_case_in *c, struct cp_err *err)
{
	json_t *o = json_loadb(doc, len, 0, NULL), *names = json_array(), *seen = json_object(), *r;
	enum cp_code code = CP_OK;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(o, "results"), i, r) {
		CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);

		code = result_name(&name, secret, json_string_value(json_object_get(r, "id")),
				json_string_value(json_object_get(r, "side")), err);
		if (code == CP_OK && json_object_get(seen, name.data) != NULL)
			code = cp_fail(err, CP_EINPUT, "case \"%s\": result \"%s\" is there twice", c->id,
					json_string_value(json_object_get(r, "id")));
		if (code != CP_OK)
			break;
		json_object_set_new(seen, name.data, json_true());
		json_array_append_new(names, json_string(name.data));
	}
	text = json_dumps(names, JSON_COMPACT);
	if (code == CP_OK)
		code = cp_buf_puts(out, text ? text : "[]", err);
	free(text);
	json_decref(seen);
	json_decref(names);
	json_decref(o);
	return code;
}

enum cp_code cp_case_result_names(struct cp_store *s, const struct cp_id *assignment, const struct cp_hash *content,
		struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	struct cp_case_in c = { .id = NULL };
	struct cp_id key, wanted;
	uint8_t secret[32];
	bool is_current;
	json_t *o;
	enum cp_code code;

	CP_TRY(cp_query_text(s, out, &is_current, err, "SELECT c.results FROM cases c JOIN assignments a ON a.case_id = c.id"
			" WHERE a.id = ?1 AND c.content = ?2", "dh", assignment, content));
	if (is_current)
		return CP_OK;
	CP_TRY(cp_content_get(s, content, &doc, err));
	CP_TRY(cp_store_secret(s, secret, err));
	CP_TRY(cp_query_id(s, &wanted, err, "SELECT case_id FROM assignments WHERE id = ?1", "d", assignment));
	o = json_loadb(doc.data, doc.len, 0, NULL);
	c.id = json_string_value(json_object_get(o, "id"));
	code = c.id == NULL ? cp_fail(err, CP_EINPUT, "content without an id") : case_key(s, c.id, &key, err);
	if (code == CP_OK && !cp_id_equal(&key, &wanted))
		code = cp_fail(err, CP_EINPUT, "content of another case");
	if (code == CP_OK)
		code = result_names(out, doc.data, doc.len, secret, &c, err);
	json_decref(o);
	return code;
}

/* The id is the first member of a canonical document: it is read without the rest. */
static json_t *id_of(const char *doc, size_t len)
{
	static const char start[] = "{\"id\":";
	size_t n = strlen(start);
	json_t *o, *id;

	if (len > n && memcmp(doc, start, n) == 0)
		return json_loadb(doc + n, len - n, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
	o = json_loadb(doc, len, 0, NULL);
	id = json_incref(json_object_get(o, "id"));
	json_decref(o);
	return id;
}

enum cp_code cp_case_of_document(struct cp_store *s, const char *doc, size_t len, struct cp_id *out, bool *is_known,
		struct cp_err *err)
{
	json_t *id = id_of(doc, len);
	enum cp_code code = CP_OK;

	*is_known = json_is_string(id);
	if (*is_known)
		code = case_key(s, json_string_value(id), out, err);
	json_decref(id);
	return code;
}

/* ---- import ----------------------------------------------------------------------------------- */

enum cp_code cp_cases_begin(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(cp_store_secret(s, s->secret, err));
	CP_TRY(cp_edit_begin(s, err));
	if (sqlite3_exec(s->db, "CREATE TEMP TABLE IF NOT EXISTS importing(id BLOB PRIMARY KEY); DELETE FROM importing",
			NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", s->path);
	return CP_OK;
}

enum cp_code cp_cases_commit(struct cp_store *s, const char *words, struct cp_err *err)
{
	return cp_edit_commit(s, words, err);
}

void cp_cases_abort(struct cp_store *s)
{
	cp_edit_abort(s);
}

static enum cp_code check_case(struct cp_store *s, const struct cp_case_in *c, const struct cp_id *key, struct cp_err *err)
{
	int64_t twice;

	if (strcmp(c->kind, "item") != 0 && strcmp(c->kind, "serp") != 0 && strcmp(c->kind, "sxs") != 0)
		return cp_fail(err, CP_EINPUT, "case \"%s\": kind \"%s\" is none of item, serp, sxs", c->id, c->kind);
	if (strcmp(c->kind, "item") == 0 && c->n_results != 1)
		return cp_fail(err, CP_EINPUT, "case \"%s\": an item is one result, not %zu", c->id, c->n_results);
	for (size_t i = 0; i < c->n_results; i++) {
		const char *side = c->results[i].side;

		if ((strcmp(c->kind, "sxs") == 0) != (side != NULL && *side != '\0') ||
				(side != NULL && *side != '\0' && strcmp(side, "a") != 0 && strcmp(side, "b") != 0))
			return cp_fail(err, CP_EINPUT, "case \"%s\": results of an sxs case, and only those, are of side a or b", c->id);
	}
	CP_TRY(cp_query_int(s, &twice, 0, err, "SELECT 1 FROM temp.importing WHERE id = ?1", "d", key));
	if (twice)
		return cp_fail(err, CP_EINPUT, "case \"%s\" is there twice", c->id);
	return cp_run(s, err, "INSERT INTO temp.importing(id) VALUES(?1)", "d", key);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static enum cp_code put_metrics(struct cp_store *s, const struct cp_id *key, const struct cp_case_in *c, bool swapped,
		struct cp_err *err)
{
	for (size_t i = 0; i < c->n_metrics; i++) {
		const struct cp_metric_in *m = &c->metrics[i];
		CP_AUTO(buf) struct cp_buf result = CP_BUF(4096);

		if (m->result != NULL)
			CP_TRY(result_name(&result, s->secret, m->result, side_shown(m->side, swapped), err));
		CP_TRY(cp_metric_put(s, key, &(struct cp_metric){ result.data ? result.data : "", m->name, m->value }, err));
	}
	return CP_OK;
}

enum cp_code cp_cases_add(struct cp_store *s, const struct cp_case_in *given, enum cp_case_effect *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	CP_AUTO(buf) struct cp_buf name = CP_BUF(256);
	CP_AUTO(buf) struct cp_buf results = CP_BUF((size_t)16 << 20);
	struct cp_case_in c = *given;
	struct cp_hash hash;
	struct cp_id key;
	int64_t known, forgotten, shows;
	bool changed, swapped;

	c.id = c.id && *c.id ? c.id : c.query;
	if (c.id == NULL || *c.id == '\0')
		return cp_fail(err, CP_EINPUT, "a case needs an id or a query");
	CP_TRY(case_key(s, c.id, &key, err));
	CP_TRY(check_case(s, &c, &key, err));
	CP_TRY(cp_query_int(s, &forgotten, 0, err, "SELECT state = 'forgotten' FROM cases WHERE id = ?1", "d", &key));
	*out = CP_CASE_FORGOTTEN;
	if (forgotten)
		return CP_OK;
	swapped = strcmp(c.kind, "sxs") == 0 && sides_are_swapped(s->secret, &key);
	CP_TRY(document(&doc, &c, s->secret, swapped, err));
	CP_TRY(cp_query_int(s, &shows, 0, err, "SELECT shows_queries FROM project WHERE id = ?1", "d", &s->me.project));
	CP_TRY(history_name(&name, s->secret, c.id, !shows && c.query != NULL && strcmp(c.id, c.query) == 0, err));
	CP_TRY(result_names(&results, doc.data, doc.len, s->secret, &c, err));
	CP_TRY(cp_content_put(s, doc.data, doc.len, &hash, NULL, err));
	CP_TRY(cp_query_int(s, &known, 0, err, "SELECT 1 FROM cases WHERE id = ?1", "d", &key));
	if (strcmp(c.kind, "sxs") == 0)
		CP_TRY(cp_edit_document(s, CP_T_SIDE_KEYS, &key, (struct cp_set[]){
				{ "side_a", cp_v_text(swapped ? "b" : "a") }, { "side_b", cp_v_text(swapped ? "a" : "b") } },
				2, CP_EDIT_DERIVED, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, CP_T_CASES, &key, (struct cp_set[]){
			{ "name", cp_v_text(name.data) }, { "kind", cp_v_text(c.kind) },
			{ "locale", cp_v_text(or_empty(c.locale)) }, { "segment", cp_v_text(or_empty(c.segment)) },
			{ "content", cp_v_blob(hash.bytes, 32) }, { "results", cp_v_text(results.data) } },
			6, CP_EDIT_DERIVED, NULL, &changed, err));
	*out = !changed ? CP_CASE_SAME : known ? CP_CASE_CHANGED : CP_CASE_NEW;
	return put_metrics(s, &key, &c, swapped, err);
}

/* ---- finding ------------------------------------------------------------------------------------- */

static enum cp_code find_by(struct cp_store *s, sqlite3_stmt *q, const char *id, struct cp_id *out, bool *found,
		struct cp_err *err)
{
	bool row;

	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	cp_col_id(q, 0, out);
	CP_TRY(cp_step(s, q, &row, err));
	if (row)
		sqlite3_reset(q);
	return row ? cp_fail(err, CP_EINPUT, "case %s: several fit; give more of the id", id) : CP_OK;
}

enum cp_code cp_case_find(struct cp_store *s, const char *id, struct cp_id *out, struct cp_err *err)
{
	size_t n = strlen(id);
	sqlite3_stmt *q;
	int64_t there;
	bool found;
	char pattern[40];

	CP_TRY(case_key(s, id, out, err));
	CP_TRY(cp_query_int(s, &there, 0, err, "SELECT 1 FROM cases WHERE id = ?1", "d", out));
	if (there)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT id FROM cases WHERE name = ?1", "t", id));
	CP_TRY(find_by(s, q, id, out, &found, err));
	if (!found && n >= 6 && n <= 32 && strspn(id, "0123456789abcdef") == n) {
		snprintf(pattern, sizeof pattern, "%s*", id);
		CP_TRY(cp_query(s, &q, err, "SELECT id FROM cases WHERE lower(hex(id)) GLOB ?1", "t", pattern));
		CP_TRY(find_by(s, q, id, out, &found, err));
	}
	return found ? CP_OK : cp_fail(err, CP_ENOTFOUND, "%s: no such case here", id);
}

/* ---- viewing -------------------------------------------------------------------------------------- */

/* What a view points into. */
enum { VIEW_TEXTS = 6 };
struct view_held { json_t *doc, *names; char *texts[VIEW_TEXTS]; };

void cp_case_view_drop(struct cp_case_view *v)
{
	struct view_held *h = v->held;

	if (h != NULL) {
		json_decref(h->doc);
		json_decref(h->names);
		for (int i = 0; i < VIEW_TEXTS; i++)
			free(h->texts[i]);
	}
	free(v->results);
	free(h);
	memset(v, 0, sizeof *v);
}

static const char *said(json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static void view_results(struct cp_case_view *v, struct view_held *h)
{
	json_t *list = json_object_get(h->doc, "results");

	v->n_results = json_array_size(h->names);
	v->results = calloc(v->n_results + 1, sizeof *v->results);
	assert(v->results != NULL);
	for (size_t i = 0; i < v->n_results; i++) {
		struct cp_result_view *r = &v->results[i];
		json_t *o = json_array_get(list, i);

		r->name = json_string_value(json_array_get(h->names, i));
		r->name = r->name ? r->name : "";
		r->id = *said(o, "id") ? said(o, "id") : r->name;
		r->type = said(o, "type");
		r->title = said(o, "title");
		r->snippet = said(o, "snippet");
		r->url = said(o, "url");
		r->side = said(o, "side");
		r->rank = json_integer_value(json_object_get(o, "rank"));
	}
}

static char *owned(const struct cp_value *v)
{
	char *text = strndup(v->len ? (const char *)v->bytes : "", v->len);

	assert(text != NULL);
	return text;
}

enum cp_code cp_case_view_of(struct cp_store *s, const struct cp_id *key, const struct cp_value *row, struct cp_case_view *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf doc = CP_BUF((size_t)16 << 20);
	struct view_held *h = calloc(1, sizeof *h);
	int64_t expired = 0;
	enum cp_code code;

	assert(h != NULL);
	memset(out, 0, sizeof *out);
	out->held = h;
	out->key = *key;
	for (int i = 0; i < 4; i++)
		h->texts[i] = owned(&row[3 + i]);
	h->texts[4] = owned(&row[9]);
	h->texts[5] = owned(&row[10]);
	out->name = h->texts[0];
	out->kind = h->texts[1];
	out->locale = h->texts[2];
	out->segment = h->texts[3];
	out->state = h->texts[4];
	out->reason = h->texts[5];
	out->is_forgotten = strcmp(out->state, "forgotten") == 0;
	if (row[7].len == 32)
		memcpy(out->content.bytes, row[7].bytes, 32);
	h->names = json_loadb((const char *)row[8].bytes, row[8].len, 0, NULL);
	code = cp_content_get(s, &out->content, &doc, err);
	if (code == CP_OK)
		h->doc = json_loadb(doc.data, doc.len, 0, NULL);
	out->has_content = h->doc != NULL;
	out->id = *said(h->doc, "id") ? said(h->doc, "id") : out->name;
	out->query = said(h->doc, "query");
	out->market = said(h->doc, "market");
	out->need = said(h->doc, "need");
	view_results(out, h);
	if (code == CP_ENOTFOUND)
		code = cp_query_int(s, &expired, 0, err, "SELECT 1 FROM erased WHERE case_id = ?1", "d", key);
	out->is_expired = expired && !out->is_forgotten;
	if (code != CP_OK)
		cp_case_view_drop(out);
	return code;
}

enum cp_code cp_case_load(struct cp_store *s, const struct cp_id *key, struct cp_case_view *out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	memset(out, 0, sizeof *out);
	CP_TRY(cp_row_get(s, CP_T_CASES, key, row, &found, err));
	return found ? cp_case_view_of(s, key, row, out, err) : cp_fail(err, CP_ENOTFOUND, "no such case here");
}

enum cp_code cp_case_each(struct cp_store *s, cp_case_each_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT id FROM cases ORDER BY name, id", ""));
	for (;;) {
		struct cp_case_view v;
		struct cp_id id;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		code = cp_case_load(s, &id, &v, err);
		if (code == CP_OK) {
			code = visit(user, &v, err);
			cp_case_view_drop(&v);
		}
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
