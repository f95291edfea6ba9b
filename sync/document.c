#include "sync/document.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/case_row.h"
#include "sync/changes.h"
#include "sync/inner.h"
#include "sync/resolution.h"

void cp_document_drop(struct cp_document *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct cp_doc_edit *e = &d->edits[i];

		for (size_t k = 0; k < e->n_cells; k++) {
			free(e->cells[k].name);
			free((void *)(uintptr_t)e->cells[k].value.bytes);
		}
		free(e->cells);
		free(e->replaced);
	}
	free(d->edits);
	memset(d, 0, sizeof *d);
}

bool cp_cell_is_said(size_t table, const struct cp_cell_write *cell)
{
	if (cell->is_answer)
		return true;
	if (cell->column <= CP_C_CLOCK)
		return false;
	if (table == CP_T_CASES)
		return !cp_case_follows(cell->column);
	if (table == CP_T_SETTLEMENTS)
		return cell->column == CP_S_STANDS || cell->column == CP_S_WEIGHED;
	if (table == CP_T_STALE_SETTLEMENTS)
		return cell->column <= CP_SS_DECISION;
	return table != CP_T_JUDGMENTS || cell->column < CP_J_ACTIVE_MS;
}

bool cp_cell_is_shown(size_t table, const struct cp_cell_write *cell)
{
	return cp_cell_is_said(table, cell) || ((cp_table_is_settlement(table) || table == CP_T_CASES) && cell->column > CP_C_CLOCK);
}

static void *grown(void *list, size_t *room, size_t size)
{
	*room = *room * 2 + 8;
	list = realloc(list, *room * size);
	assert(list != NULL);
	return list;
}

/* The edit of that rev in that commit, new if need be. */
static struct cp_doc_edit *edit_of(struct cp_document *d, const struct cp_value *rev, int64_t commit_no)
{
	struct cp_doc_edit *e;

	for (size_t i = d->n; i > 0; i--)
		if (d->edits[i - 1].commit_no == commit_no && memcmp(d->edits[i - 1].rev.bytes, rev->bytes, 8) == 0)
			return &d->edits[i - 1];
	if (d->n == d->room)
		d->edits = grown(d->edits, &d->room, sizeof *d->edits);
	e = &d->edits[d->n++];
	memset(e, 0, sizeof *e);
	memcpy(e->rev.bytes, rev->bytes, 8);
	e->commit_no = commit_no;
	return e;
}

static void own_value(struct cp_value *out, const struct cp_value *v)
{
	*out = *v;
	out->bytes = NULL;
	if (v->type == CP_TEXT || v->type == CP_BLOB) {
		uint8_t *copy = malloc(v->len + 1);

		assert(copy != NULL);
		if (v->len > 0)
			memcpy(copy, v->bytes, v->len);
		copy[v->len] = '\0';
		out->bytes = copy;
	}
}

/* The name of an answer's cell: FIELD@RESULT, and behind it both apart. */
static void name_answer(struct cp_cell_write *cell, const struct cp_value *field, const struct cp_value *result)
{
	size_t n = field->len + 1 + result->len;
	char *name = malloc(2 * n + 3);

	assert(name != NULL);
	snprintf(name, n + 1, "%.*s@%.*s", (int)field->len, (const char *)field->bytes, (int)result->len,
			(const char *)result->bytes);
	snprintf(name + n + 1, n + 2, "%.*s%c%.*s", (int)field->len, (const char *)field->bytes, '\0',
			(int)result->len, (const char *)result->bytes);
	memcpy(name + n + 1 + field->len + 1, result->bytes, result->len);
	name[n + 1 + field->len + 1 + result->len] = '\0';
	cell->name = name;
	cell->name_len = n;
	cell->field = name + n + 1;
	cell->result = name + n + 1 + field->len + 1;
	cell->is_answer = true;
}

static struct cp_cell_write *cell_add(struct cp_doc_edit *e, const struct cp_value *v, size_t column)
{
	struct cp_cell_write *cell;

	if (e->n_cells == e->room)
		e->cells = grown(e->cells, &e->room, sizeof *e->cells);
	cell = &e->cells[e->n_cells++];
	memset(cell, 0, sizeof *cell);
	cell->column = column;
	own_value(&cell->value, v);
	return cell;
}

/* A hub refuses an edit that writes its row twice; in history that another one believed the first counts. */
static void take_row(struct cp_document *d, const struct cp_change *c, int64_t commit_no)
{
	struct cp_doc_edit *e = edit_of(d, &c->now[CP_C_REV], commit_no);
	const struct cp_value *parents = &c->was[CP_C_REV];

	if (e->has_row)
		return;
	e->has_row = true;
	e->clock = c->now[CP_C_CLOCK].integer;
	if (c->op == CP_UPDATE && parents->len >= 8) {
		e->n_replaced = parents->len / 8;
		e->replaced = malloc(parents->len);
		assert(e->replaced != NULL);
		memcpy(e->replaced, parents->bytes, e->n_replaced * 8);
	}
	for (size_t i = CP_C_CLOCK; i < cp_shapes[c->table].n_columns; i++) {
		struct cp_value def;
		struct cp_cell_write *cell;

		cp_table_default(&def, c->table, i);
		if (c->now[i].type == CP_ABSENT || (c->op == CP_INSERT && i > CP_C_CLOCK && cp_value_equal(&def, &c->now[i])))
			continue; /* an insert writes only what differs from the default */
		cell = cell_add(e, &c->now[i], i);
		cell->name = strdup(cp_columns[c->table][i]);
		assert(cell->name != NULL);
		cell->name_len = strlen(cell->name);
	}
}

static void take_answer(struct cp_document *d, const struct cp_change *c, int64_t commit_no)
{
	struct cp_doc_edit *e = edit_of(d, &c->now[CP_R_REV], commit_no);
	const struct cp_value *v = &c->now[CP_R_VALUE];

	if (v->type == CP_ABSENT || (c->op == CP_INSERT && v->type == CP_NULL))
		return;
	name_answer(cell_add(e, v, CP_R_VALUE), cp_change_key(c, CP_R_FIELD), cp_change_key(c, CP_R_RESULT));
}

static bool has_cell(const struct cp_doc_edit *e, size_t column)
{
	for (size_t i = 0; i < e->n_cells; i++)
		if (!e->cells[i].is_answer && e->cells[i].column == column)
			return true;
	return false;
}

/* A column that it settles counts as written, changed or not: SQLite records no change where the value stays. */
static void settle_column(struct cp_doc_edit *e, size_t table, const char *name, const json_t *v)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	int column = cp_column_named(table, name);
	struct cp_cell_write *cell;
	struct cp_value value;

	if (column < 0 || has_cell(e, (size_t)column) || !cp_value_of_json(&value, &text, table, (size_t)column, v))
		return;
	cell = cell_add(e, &value, (size_t)column);
	cell->name = strdup(cp_columns[table][column]);
	assert(cell->name != NULL);
	cell->name_len = strlen(cell->name);
}

/* The edit of a document that a resolution may go with. */
struct resolving { struct cp_document *d; struct cp_doc_edit *e; };

static void take_resolution(void *user, const struct cp_change *c, int64_t commit_no)
{
	struct resolving *r = user;
	json_t *settles, *v;
	const char *name;

	(void)commit_no;
	if (c->table != CP_T_RESOLUTIONS || cp_resolution_table(c) != (int)r->d->table ||
			memcmp(c->now[CP_RES_DOC].bytes, r->d->id.bytes, 16) != 0 ||
			memcmp(c->now[CP_RES_EDIT].bytes, r->e->rev.bytes, 8) != 0)
		return;
	r->e->is_resolve = true;
	settles = json_loadb((const char *)c->now[CP_RES_SETTLES].bytes, c->now[CP_RES_SETTLES].len, 0, NULL);
	json_object_foreach(settles, name, v)
		settle_column(r->e, r->d->table, name, v);
	json_decref(settles);
}

/* A resolution stands in the change commit of its edit, under an id that follows from it. */
static enum cp_code take_resolutions(struct cp_store *s, struct cp_document *d, struct cp_err *err)
{
	for (size_t i = 0; cp_table_is_resolvable(d->table) && i < d->n; i++) {
		struct resolving r = { d, &d->edits[i] };
		struct cp_id id;

		if (r.e->n_replaced == 0)
			continue;
		cp_resolution_id(&id, d->table, &d->id, &r.e->rev);
		CP_TRY(cp_changes_each(s, CP_T_RESOLUTIONS, &id, r.e->commit_no, take_resolution, &r, err));
	}
	return CP_OK;
}

static void take_change(void *user, const struct cp_change *c, int64_t commit_no)
{
	struct cp_document *d = user;

	if (c->table == d->table)
		take_row(d, c, commit_no);
	else if (c->table == CP_T_RATINGS && d->table == CP_T_JUDGMENTS)
		take_answer(d, c, commit_no);
}

static int by_name(const void *a, const void *b)
{
	const struct cp_cell_write *x = a, *y = b;
	size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, n);

	return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* Who made it, and whether its clock is to be believed. */
static enum cp_code complete(struct cp_store *s, struct cp_doc_edit *e, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	if (e->n_cells > 0)
		qsort(e->cells, e->n_cells, sizeof *e->cells, by_name);
	e->replica = s->me.replica;
	if (e->commit_no < 0)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT replica, is_far FROM commits WHERE no = ?1", "i", e->commit_no));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return cp_fail(err, CP_EIO, "%s: change commit number %lld is gone", s->path, (long long)e->commit_no);
	cp_col_id(q, 0, &e->replica);
	e->is_far = sqlite3_column_int(q, 1) != 0;
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_document_load(struct cp_store *s, size_t table, const struct cp_id *id, struct cp_document *out,
		struct cp_err *err)
{
	enum cp_code code;

	memset(out, 0, sizeof *out);
	out->table = table;
	out->id = *id;
	code = cp_changes_each(s, table, id, 0, take_change, out, err);
	if (code == CP_OK)
		code = take_resolutions(s, out, err);
	for (size_t i = 0; code == CP_OK && i < out->n; i++)
		code = complete(s, &out->edits[i], err);
	if (code != CP_OK)
		cp_document_drop(out);
	return code;
}
