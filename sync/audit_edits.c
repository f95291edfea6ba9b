#include <stdlib.h>
#include <string.h>

#include "sync/audit.h"
#include "sync/document.h"
#include "sync/heads.h"
#include "sync/inner.h"

static void edit_drop(struct cp_audit_edit *e)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		free(e->cells[i].name);
		free(e->cells[i].was);
		free(e->cells[i].now);
	}
	free(e->cells);
	free(e->replaced);
}

void cp_audit_judgments_drop(struct cp_audit_judgments *j)
{
	for (size_t i = 0; i < j->n; i++) {
		for (size_t k = 0; k < j->list[i].n; k++)
			edit_drop(&j->list[i].edits[k]);
		free(j->list[i].edits);
	}
	free(j->list);
	memset(j, 0, sizeof *j);
}

/* ---- cells ------------------------------------------------------------------------------------------ */

static char *copy_text(const struct cp_value *v)
{
	char number[32];

	if (v == NULL || v->type == CP_NULL || v->type == CP_ABSENT)
		return NULL;
	if (v->type == CP_TEXT)
		return strndup((const char *)v->bytes, v->len);
	snprintf(number, sizeof number, "%lld", (long long)v->integer);
	return strdup(number);
}

static const struct cp_doc_edit *edit_of(const struct cp_document *d, const struct cp_rev *rev)
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(&d->edits[i].rev, rev, sizeof *rev) == 0)
			return &d->edits[i];
	return NULL;
}

/* The last word about that cell, from e on along first parents; NULL where none of them says anything. */
static const struct cp_value *value_at(const struct cp_document *d, const struct cp_doc_edit *e, const char *name)
{
	for (size_t steps = 0; e != NULL && steps < d->n; steps++) {
		for (size_t i = 0; i < e->n_cells; i++)
			if (strcmp(e->cells[i].name, name) == 0)
				return &e->cells[i].value;
		e = e->n_replaced > 0 ? edit_of(d, &e->replaced[0]) : NULL;
	}
	return NULL;
}

static void take_id(struct cp_id *out, const struct cp_value *v)
{
	if (v != NULL && v->type == CP_BLOB && v->len == sizeof *out)
		memcpy(out, v->bytes, sizeof *out);
}

static bool is_of_interest(const struct cp_cell_write *c)
{
	return c->is_answer || strcmp(c->name, "state") == 0 || strcmp(c->name, "note") == 0;
}

static enum cp_code add_cell(struct cp_audit_edit *out, const struct cp_document *d, const struct cp_doc_edit *e,
		const struct cp_cell_write *c, struct cp_err *err)
{
	const struct cp_doc_edit *parent = e->n_replaced > 0 ? edit_of(d, &e->replaced[0]) : NULL;
	const struct cp_value *before = parent != NULL ? value_at(d, parent, c->name) : NULL;
	struct cp_audit_cell *cell = &out->cells[out->n_cells];
	size_t len = strlen(c->name);

	if (before != NULL && cp_value_equal(before, &c->value))
		return CP_OK;
	cell->name = strndup(c->name, len > 0 && c->is_answer && c->name[len - 1] == '@' ? len - 1 : len);
	cell->was = copy_text(before);
	cell->now = copy_text(&c->value);
	if (cell->name == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->n_cells++;
	return CP_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct cp_audit_cell *x = a, *y = b;
	bool x_last = strcmp(x->name, "state") == 0 || strcmp(x->name, "note") == 0;
	bool y_last = strcmp(y->name, "state") == 0 || strcmp(y->name, "note") == 0;

	return x_last != y_last ? (x_last ? 1 : -1) : strcmp(x->name, y->name);
}

static enum cp_code add_cells(struct cp_audit_edit *out, const struct cp_document *d, const struct cp_doc_edit *e, struct cp_err *err)
{
	out->cells = calloc(e->n_cells + 1, sizeof *out->cells);
	if (out->cells == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < e->n_cells; i++)
		if (is_of_interest(&e->cells[i]))
			CP_TRY(add_cell(out, d, e, &e->cells[i], err));
	if (out->n_cells > 1)
		qsort(out->cells, out->n_cells, sizeof *out->cells, by_name);
	return CP_OK;
}

/* ---- edits -------------------------------------------------------------------------------------------- */

static enum cp_code attribute(struct cp_store *s, struct cp_audit_edit *out, const struct cp_doc_edit *e, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), coalesce(c.oid, ''), coalesce(c.received_us, 0) FROM (SELECT 1)"
			" LEFT JOIN commits c ON c.no = ?1 LEFT JOIN replicas r ON r.id = ?2 LEFT JOIN persons p ON p.id = r.person", "id",
			e->commit_no, &e->replica));
	CP_TRY(cp_step(s, q, &row, err));
	if (row) {
		snprintf(out->who, sizeof out->who, "%s", cp_col_text(q, 0));
		snprintf(out->commit, sizeof out->commit, "%s", cp_col_text(q, 1));
		out->received_us = sqlite3_column_int64(q, 2);
	}
	sqlite3_reset(q);
	return CP_OK;
}

static enum cp_code add_edit(struct cp_store *s, struct cp_audit_judgment *j, const struct cp_document *d, const struct cp_doc_edit *e,
		const struct cp_rev *standing, struct cp_err *err)
{
	struct cp_audit_edit *out = &j->edits[j->n++];

	out->rev = e->rev;
	out->stands = memcmp(&e->rev, standing, sizeof e->rev) == 0;
	out->claimed_us = e->clock;
	cp_hex(out->device, e->replica.bytes, sizeof e->replica.bytes);
	take_id(&out->revision, value_at(d, e, "guideline_revision"));
	take_id(&out->form_version, value_at(d, e, "form_version"));
	out->replaced = calloc(e->n_replaced + 1, sizeof *out->replaced);
	if (out->replaced == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->n_replaced = e->n_replaced;
	if (e->n_replaced > 0)
		memcpy(out->replaced, e->replaced, e->n_replaced * sizeof *out->replaced);
	CP_TRY(attribute(s, out, e, err));
	return add_cells(out, d, e, err);
}

static int by_clock(const void *a, const void *b)
{
	const struct cp_audit_edit *x = a, *y = b;

	if (x->claimed_us != y->claimed_us)
		return (x->claimed_us > y->claimed_us) - (x->claimed_us < y->claimed_us);
	return memcmp(&x->rev, &y->rev, sizeof x->rev);
}

static enum cp_code load_edits(struct cp_store *s, struct cp_audit_judgment *j, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf rev = CP_BUF(1024);
	struct cp_rev standing = { { 0 } };
	struct cp_document d;
	enum cp_code code = CP_OK;

	CP_TRY(cp_query_text(s, &rev, NULL, err, "SELECT rev FROM judgments WHERE id = ?1", "d", &j->id));
	if (rev.len >= sizeof standing)
		memcpy(&standing, rev.data, sizeof standing);
	CP_TRY(cp_document_load(s, CP_T_JUDGMENTS, &j->id, &d, err));
	j->edits = calloc(d.n + 1, sizeof *j->edits);
	if (j->edits == NULL)
		code = cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; code == CP_OK && i < d.n; i++)
		code = add_edit(s, j, &d, &d.edits[i], &standing, err);
	cp_document_drop(&d);
	if (j->n > 1)
		qsort(j->edits, j->n, sizeof *j->edits, by_clock);
	return code;
}

static enum cp_code list_judgments(struct cp_store *s, const struct cp_id *case_id, struct cp_audit_judgments *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT a.id, coalesce(p.pseudonym, ''), a.pass FROM assignments a JOIN judgments j ON j.id = a.id"
			" LEFT JOIN persons p ON p.id = a.person WHERE a.case_id = ?1 ORDER BY 2, a.pass", "d", case_id));
	for (;;) {
		struct cp_audit_judgment *list;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		list = reallocarray(out->list, out->n + 1, sizeof *list);
		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		out->list = list;
		list += out->n++;
		memset(list, 0, sizeof *list);
		cp_col_id(q, 0, &list->id);
		snprintf(list->person, sizeof list->person, "%s", cp_col_text(q, 1));
		list->pass = sqlite3_column_int64(q, 2);
	}
}

enum cp_code cp_audit_judgments_load(struct cp_store *s, const struct cp_id *case_id, struct cp_audit_judgments *out, struct cp_err *err)
{
	enum cp_code code;

	memset(out, 0, sizeof *out);
	code = list_judgments(s, case_id, out, err);
	for (size_t i = 0; code == CP_OK && i < out->n; i++)
		code = load_edits(s, &out->list[i], err);
	if (code != CP_OK)
		cp_audit_judgments_drop(out);
	return code;
}

/* ---- what they were made under ---------------------------------------------------------------------------- */

#define REVISION_OF(texts, revisions) "SELECT t.name, v.kind, coalesce(p.pseudonym, ''), v.number, v.clock, w.id, w.number FROM " revisions \
	" v JOIN " texts " t ON t.id = v.parent_doc JOIN " revisions " w ON w.id = " CP_CURRENT(revisions, "v.parent_doc") \
	" LEFT JOIN persons p ON p.id = v.person WHERE v.id = ?1"

enum cp_code cp_audit_revision(struct cp_store *s, bool is_form, const struct cp_id *id, struct cp_audit_revision *out,
		struct cp_buf *body, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	memset(out, 0, sizeof *out);
	CP_TRY(cp_query(s, &q, err, is_form ? REVISION_OF("forms", "form_versions") : REVISION_OF("guidelines", "guideline_revisions"), "d", id));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(out->name, sizeof out->name, "%s", cp_col_text(q, 0));
	snprintf(out->kind, sizeof out->kind, "%s", cp_col_text(q, 1));
	snprintf(out->author, sizeof out->author, "%s", cp_col_text(q, 2));
	out->number = sqlite3_column_int64(q, 3);
	out->at_us = sqlite3_column_int64(q, 4);
	cp_col_id(q, 5, &out->current);
	out->current_number = sqlite3_column_int64(q, 6);
	sqlite3_reset(q);
	return body != NULL ? cp_revision_body(s, is_form, id, body, err) : CP_OK;
}
