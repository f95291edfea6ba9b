/* The life of a case. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/document.h"
#include "sync/inner.h"
#include "sync/journal.h"
#include "sync/report.h"
#include "sync/tree.h"

/* ---- the life of a case --------------------------------------------------------------------------- */

/* One event before it is told: events are sorted by their clocks. */
struct told { char what[24], who[64], device[CP_ID_HEX], commit[41], guideline[96]; char *detail; int64_t claimed_us, received_us; };
struct story { struct cp_store *s; struct told *list; size_t n, room; };

static void story_drop(struct story *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->list[i].detail);
	free(t->list);
}
#define cp_story_drop story_drop

static struct told *tell(struct story *t, const char *what)
{
	struct told *e;

	if (t->n == t->room) {
		t->room = t->room * 2 + 16;
		t->list = reallocarray(t->list, t->room, sizeof *t->list);
		if (t->list == NULL)
			abort();
	}
	e = &t->list[t->n++];
	memset(e, 0, sizeof *e);
	snprintf(e->what, sizeof e->what, "%s", what);
	return e;
}

/* Who made an edit, when it was claimed and received, in which commit. */
static enum cp_code attribute(struct story *t, struct told *e, const struct cp_doc_edit *d, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	cp_hex(e->device, d->replica.bytes, 16);
	e->claimed_us = d->clock;
	CP_TRY(cp_query(t->s, &q, err, "SELECT p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person WHERE r.id = ?1", "d",
			&d->replica));
	CP_TRY(cp_step(t->s, q, &row, err));
	snprintf(e->who, sizeof e->who, "%s", row ? cp_col_text(q, 0) : "");
	sqlite3_reset(q);
	if (d->commit_no < 0)
		return CP_OK;
	CP_TRY(cp_query(t->s, &q, err, "SELECT oid, received_us FROM commits WHERE no = ?1", "i", d->commit_no));
	CP_TRY(cp_step(t->s, q, &row, err));
	if (row) {
		snprintf(e->commit, sizeof e->commit, "%s", cp_col_text(q, 0));
		e->received_us = sqlite3_column_int64(q, 1);
		if (e->claimed_us < 1000000) /* derived from an import: no clock of its own */
			e->claimed_us = e->received_us;
		sqlite3_reset(q);
	}
	return CP_OK;
}

static const struct cp_cell_write *cell_of(const struct cp_doc_edit *e, const char *name)
{
	for (size_t i = 0; i < e->n_cells; i++)
		if (strcmp(e->cells[i].name, name) == 0)
			return &e->cells[i];
	return NULL;
}

/* The value that an edit's first parent line last gave that cell, or NULL. */
static const struct cp_value *value_before(const struct cp_document *d, const struct cp_doc_edit *e, const char *name)
{
	for (size_t steps = 0; e->n_replaced > 0 && steps < d->n; steps++) {
		const struct cp_doc_edit *parent = NULL;
		const struct cp_cell_write *cell;

		for (size_t i = 0; i < d->n && parent == NULL; i++)
			if (memcmp(&d->edits[i].rev, &e->replaced[0], 8) == 0)
				parent = &d->edits[i];
		if (parent == NULL)
			return NULL;
		cell = cell_of(parent, name);
		if (cell != NULL)
			return &cell->value;
		e = parent;
	}
	return NULL;
}

static enum cp_code say_cells(const struct cp_document *d, const struct cp_doc_edit *e, struct cp_buf *out, struct cp_err *err)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		const struct cp_cell_write *c = &e->cells[i];
		const struct cp_value *before;

		if (!cp_cell_is_shown(d->table, c) || (!c->is_answer && (c->value.type == CP_BLOB || c->value.len > 64)))
			continue;
		before = value_before(d, e, c->name);
		CP_TRY(cp_buf_printf(out, err, "%s%s", out->len ? ", " : "", c->is_answer ? c->field : c->name));
		if (c->is_answer && *c->result)
			CP_TRY(cp_buf_printf(out, err, " of %s", c->result));
		CP_TRY(cp_buf_puts(out, ": ", err));
		if (before != NULL) {
			CP_TRY(cp_words_value(out, before, err));
			CP_TRY(cp_buf_puts(out, " -> ", err));
		}
		CP_TRY(cp_words_value(out, &c->value, err));
	}
	return CP_OK;
}

static const char *what_happened(const struct cp_document *d, const struct cp_doc_edit *e, char out[24])
{
	const struct cp_cell_write *state = cell_of(e, "state");
	bool first = e->n_replaced == 0;

	switch (d->table) {
	case CP_T_CASES:         return first ? "imported" : state != NULL ? "forgotten" : "changed";
	case CP_T_ASSIGNMENTS:   return first ? "assigned" : "reassigned";
	case CP_T_ADJUDICATIONS: return "adjudicated";
	case CP_T_SETTLEMENTS:   return "settled";
	default:
		if (!first && state == NULL)
			return "changed";
		snprintf(out, 24, "%.*s", (int)(state && state->value.len < 23 ? state->value.len : 0),
				state ? (const char *)state->value.bytes : "");
		return *out ? out : "judged";
	}
}

static enum cp_code guideline_of(struct story *t, struct told *e, const struct cp_document *d, const struct cp_doc_edit *edit,
		struct cp_err *err)
{
	const struct cp_cell_write *c = cell_of(edit, "guideline_revision");
	const struct cp_value *v = c ? &c->value : value_before(d, edit, "guideline_revision");
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);

	if (v == NULL || v->len != 16)
		return CP_OK;
	CP_TRY(cp_query_text(t->s, &text, NULL, err, "SELECT g.name || ' revision ' || r.number FROM guideline_revisions r"
			" JOIN guidelines g ON g.id = r.parent_doc WHERE r.id = ?1", "v", v));
	snprintf(e->guideline, sizeof e->guideline, "%s", text.data ? text.data : "");
	return CP_OK;
}

static enum cp_code tell_document(struct story *t, size_t table, const struct cp_id *id, const char *whom, struct cp_err *err)
{
	struct cp_document d;
	enum cp_code code = CP_OK;
	char made[24] = "";

	CP_TRY(cp_document_load(t->s, table, id, &d, err));
	for (size_t i = 0; code == CP_OK && i < d.n; i++) {
		CP_AUTO(buf) struct cp_buf words = CP_BUF(CP_TEXT_MAX);
		struct told *e = tell(t, what_happened(&d, &d.edits[i], made));

		code = table == CP_T_ASSIGNMENTS ? cp_buf_printf(&words, err, "to %s", whom) : say_cells(&d, &d.edits[i], &words, err);
		if (code == CP_OK)
			code = attribute(t, e, &d.edits[i], err);
		if (code == CP_OK && table == CP_T_JUDGMENTS)
			code = guideline_of(t, e, &d, &d.edits[i], err);
		e->detail = cp_buf_detach(&words);
	}
	cp_document_drop(&d);
	return code;
}

struct given { struct cp_id id; char whom[64]; };

static enum cp_code tell_assignments(struct story *t, const struct cp_id *case_id, struct cp_err *err)
{
	struct given *list = NULL;
	sqlite3_stmt *q;
	size_t n = 0;
	bool row = true;
	enum cp_code code;

	CP_TRY(cp_query(t->s, &q, err, "SELECT a.id, coalesce(p.pseudonym, '') FROM assignments a LEFT JOIN persons p ON p.id = a.person"
			" WHERE a.case_id = ?1 ORDER BY 2, a.pass", "d", case_id));
	for (;;) {
		code = cp_step(t->s, q, &row, err);
		if (code != CP_OK || !row)
			break;
		list = reallocarray(list, n + 1, sizeof *list);
		if (list == NULL)
			abort();
		cp_col_id(q, 0, &list[n].id);
		snprintf(list[n++].whom, sizeof list->whom, "%s", cp_col_text(q, 1));
	}
	for (size_t i = 0; code == CP_OK && i < n; i++) {
		code = tell_document(t, CP_T_ASSIGNMENTS, &list[i].id, list[i].whom, err);
		if (code == CP_OK)
			code = tell_document(t, CP_T_JUDGMENTS, &list[i].id, "", err);
		if (code == CP_OK)
			code = tell_document(t, CP_T_SETTLEMENTS, &list[i].id, "", err);
	}
	free(list);
	return code;
}

static enum cp_code tell_finals(struct story *t, const struct cp_id *case_id, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(t->s, &q, err, "SELECT id FROM adjudications WHERE case_id = ?1 ORDER BY field, result", "d", case_id));
	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(t->s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		CP_TRY(tell_document(t, CP_T_ADJUDICATIONS, &id, "", err));
	}
}

static int by_time(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	if (x->claimed_us != y->claimed_us)
		return (x->claimed_us > y->claimed_us) - (x->claimed_us < y->claimed_us);
	return strcmp(x->commit, y->commit);
}

enum cp_code cp_log_case(struct cp_store *s, const struct cp_id *case_id, cp_event_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(story) struct story t = { .s = s };

	CP_TRY(tell_document(&t, CP_T_CASES, case_id, "", err));
	CP_TRY(tell_assignments(&t, case_id, err));
	CP_TRY(tell_finals(&t, case_id, err));
	if (t.n > 0)
		qsort(t.list, t.n, sizeof *t.list, by_time);
	for (size_t i = 0; i < t.n; i++) {
		const struct told *e = &t.list[i];
		struct cp_event event = { e->what, e->who, e->device, e->detail ? e->detail : "", e->commit, e->guideline,
			e->claimed_us, e->received_us };

		CP_TRY(visit(user, &event, err));
	}
	return CP_OK;
}
