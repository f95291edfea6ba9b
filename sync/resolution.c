#include "sync/resolution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"

void cp_resolution_id(struct cp_id *out, size_t table, const struct cp_id *doc, const struct cp_rev *edit)
{
	const char *name = cp_shapes[table].name;
	const void *const parts[] = { name, doc->bytes, edit->bytes };
	const size_t lens[] = { strlen(name), sizeof doc->bytes, sizeof edit->bytes };

	cp_id_derive(out, "resolution", 3, parts, lens);
}

/* Judgments are never edited by a lead; settlements are whole; private rows must not stand in public ones. */
bool cp_table_is_resolvable(size_t table)
{
	return table < CP_T_PUBLIC && !cp_table_is_work(table) && table != CP_T_SETTLEMENTS && table != CP_T_RESOLUTIONS &&
		table != CP_T_STALE_SETTLEMENTS;
}

int cp_resolution_table(const struct cp_change *c)
{
	const struct cp_value *name = &c->now[CP_RES_TBL];
	char text[64];
	int table;

	if (c->op != CP_INSERT || name->type != CP_TEXT || name->len >= sizeof text)
		return -1;
	snprintf(text, sizeof text, "%.*s", (int)name->len, (const char *)name->bytes);
	table = cp_table_named(text);
	return table >= 0 && cp_table_is_resolvable((size_t)table) && c->now[CP_RES_DOC].len == 16 && c->now[CP_RES_EDIT].len == 8 ? table : -1;
}

int cp_column_named(size_t table, const char *name)
{
	for (size_t c = CP_C_CLOCK + 1; c < cp_shapes[table].n_columns; c++)
		if (strcmp(cp_columns[table][c], name) == 0)
			return (int)c;
	return -1;
}

json_t *cp_value_json(const struct cp_value *v)
{
	json_t *out;
	char *hex;

	if (v->type == CP_INT)
		return json_integer(v->integer);
	if (v->type == CP_TEXT)
		return json_stringn((const char *)v->bytes, v->len);
	if (v->type != CP_BLOB)
		return json_null();
	hex = malloc(2 * v->len + 1);
	out = hex ? json_string(cp_hex(hex, v->bytes, v->len)) : NULL;
	free(hex);
	return out;
}

static bool blob_of_json(struct cp_value *out, struct cp_buf *text, const json_t *v)
{
	size_t len = json_string_length(v) / 2;

	if (!json_is_string(v) || cp_buf_room(text, len + 1, NULL) != CP_OK ||
			!cp_unhex(text->data + text->len, len, json_string_value(v)))
		return false;
	*out = cp_v_blob(text->data + text->len, len);
	text->len += len;
	return true;
}

bool cp_value_of_json(struct cp_value *out, struct cp_buf *text, size_t table, size_t column, const json_t *v)
{
	struct cp_value def;

	cp_table_default(&def, table, column);
	if (json_is_null(v) && def.type == CP_NULL) {
		*out = def;
		return true;
	}
	if (def.type == CP_BLOB)
		return blob_of_json(out, text, v);
	if (def.type == CP_INT) {
		*out = cp_v_int(json_integer_value(v));
		return json_is_integer(v);
	}
	*out = (struct cp_value){ CP_TEXT, json_string_length(v), 0, 0, (const uint8_t *)json_string_value(v) };
	return json_is_string(v);
}

/* ---- the strict check ----------------------------------------------------------------------------- */

static bool is_its_edit(const struct cp_change *edit, size_t table, const struct cp_change *c)
{
	return edit->table == table && edit->op == CP_UPDATE &&
		memcmp(cp_change_key(edit, CP_C_ID)->bytes, c->now[CP_RES_DOC].bytes, 16) == 0 &&
		edit->now[CP_C_REV].len == 8 && memcmp(edit->now[CP_C_REV].bytes, c->now[CP_RES_EDIT].bytes, 8) == 0;
}

static enum cp_code find_edit(const struct cp_change *c, size_t table, const void *changeset, size_t len,
		struct cp_change *out, bool *found, struct cp_err *err)
{
	struct cp_changeset r;
	bool more = true;

	*found = false;
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	while (!*found) {
		CP_TRY(cp_changeset_next(&r, out, &more, err));
		if (!more)
			return CP_OK;
		*found = is_its_edit(out, table, c);
	}
	return CP_OK;
}

/* Each column is one of the table, of its type, and where the edit changed it the same value. */
static bool settles_fit(const struct cp_change *edit, json_t *settles, char why[256])
{
	const char *name;
	json_t *v;

	json_object_foreach(settles, name, v) {
		CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
		struct cp_value value;
		int column = cp_column_named(edit->table, name);

		if (column >= 0 && cp_value_of_json(&value, &text, edit->table, (size_t)column, v) &&
				(edit->now[column].type == CP_ABSENT || cp_value_equal(&edit->now[column], &value)))
			continue;
		snprintf(why, 256, "a resolution whose %.60s is not what its edit says", name);
		return false;
	}
	return json_object_size(settles) > 0;
}

enum cp_code cp_resolution_check(const struct cp_change *c, const void *changeset, size_t len, bool *out, char why[256],
		struct cp_err *err)
{
	int table = cp_resolution_table(c);
	struct cp_change edit;
	struct cp_id id;
	json_t *settles;
	bool found = false;

	*out = false;
	snprintf(why, 256, "a resolution that names no document which can be resolved, or was changed afterwards");
	if (table < 0)
		return CP_OK;
	cp_resolution_id(&id, (size_t)table, (const struct cp_id *)(const void *)c->now[CP_RES_DOC].bytes,
			(const struct cp_rev *)(const void *)c->now[CP_RES_EDIT].bytes);
	CP_TRY(find_edit(c, (size_t)table, changeset, len, &edit, &found, err));
	snprintf(why, 256, "a resolution without the edit of %s that it goes with", cp_shapes[table].name);
	if (!found || memcmp(id.bytes, c->now[CP_C_ID].bytes, 16) != 0)
		return CP_OK;
	snprintf(why, 256, "a resolution that settles nothing that can be read");
	settles = json_loadb((const char *)c->now[CP_RES_SETTLES].bytes, c->now[CP_RES_SETTLES].len, JSON_REJECT_DUPLICATES, NULL);
	*out = json_is_object(settles) && settles_fit(&edit, settles, why);
	json_decref(settles);
	return CP_OK;
}
