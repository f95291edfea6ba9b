#include "sync/conflict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/document.h"
#include "sync/inner.h"

void cp_conflict_drop(struct cp_conflict *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->candidates[i].who);
		free(c->candidates[i].value);
	}
	free(c->candidates);
	free(c->column);
	free(c->class);
	free(c->policy);
	free(c->base);
	free(c->name);
	free(c->person);
	free(c->settled_by);
	free(c->reason);
	memset(c, 0, sizeof *c);
}

static enum cp_code keep(char **out, const char *text, struct cp_err *err)
{
	free(*out);
	*out = strdup(text);
	return *out ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
}

void cp_conflict_name(struct cp_conflict *c)
{
	const void *const parts[] = { c->table, c->doc.bytes, c->column };
	const size_t lens[] = { strlen(c->table), sizeof c->doc.bytes, strlen(c->column) };
	struct cp_id id;

	cp_id_derive(&id, "conflict", 3, parts, lens);
	cp_hex(c->id, id.bytes, sizeof(struct cp_rev));
}

/* ---- one conflict with all that belongs to it ----------------------------------------------------- */

static enum cp_code read_row(struct cp_conflict *c, sqlite3_stmt *q, struct cp_err *err)
{
	c->table_no = (size_t)sqlite3_column_int(q, 0);
	c->table = cp_shapes[c->table_no].name;
	cp_col_id(q, 1, &c->doc);
	CP_TRY(keep(&c->column, cp_col_text(q, 2), err));
	CP_TRY(keep(&c->class, cp_col_text(q, 3), err));
	c->is_open = sqlite3_column_int(q, 4) != 0;
	CP_TRY(keep(&c->policy, cp_col_text(q, 5), err));
	c->has_stand = sqlite3_column_bytes(q, 6) == 8;
	CP_TRY(keep(&c->base, cp_col_text(q, 7), err));
	CP_TRY(keep(&c->person, cp_col_text(q, 8), err));
	c->pass = sqlite3_column_int64(q, 9);
	c->has_case = sqlite3_column_bytes(q, 10) == 16;
	if (c->has_case)
		cp_col_id(q, 10, &c->case_id);
	CP_TRY(keep(&c->name, cp_col_text(q, 11), err));
	CP_TRY(keep(&c->settled_by, "", err));
	CP_TRY(keep(&c->reason, "", err));
	cp_conflict_name(c);
	return CP_OK;
}

static enum cp_code read_candidate(struct cp_candidate *d, sqlite3_stmt *q, struct cp_err *err)
{
	struct cp_id device;

	memcpy(d->rev.bytes, sqlite3_column_blob(q, 0), sizeof d->rev.bytes);
	snprintf(d->commit, sizeof d->commit, "%s", cp_col_text(q, 1));
	cp_col_id(q, 2, &device);
	cp_hex(d->device, device.bytes, sizeof device.bytes);
	CP_TRY(keep(&d->who, cp_col_text(q, 3), err));
	CP_TRY(keep(&d->value, cp_col_text(q, 4), err));
	d->clock = sqlite3_column_int64(q, 5);
	d->received_us = sqlite3_column_int64(q, 6);
	d->is_far = sqlite3_column_int(q, 7) != 0;
	d->stands = sqlite3_column_int(q, 8) != 0;
	return CP_OK;
}

static enum cp_code load_candidates(struct cp_store *s, struct cp_conflict *c, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	if (strcmp(c->class, "late") == 0 || strcmp(c->class, "stale") == 0)
		return CP_OK; /* about one judgment, which nobody disputes */
	CP_TRY(cp_query(s, &q, err, "SELECT d.rev, coalesce(m.oid, ''), coalesce(m.replica, ?5), coalesce(p.pseudonym, ''), d.value,"
			" d.clock, coalesce(m.received_us, 0), coalesce(m.is_far, 0) OR EXISTS (SELECT 1 FROM edits e JOIN commits k" /* a copy sent it too */
			"  ON k.no = e.commit_no WHERE e.doc = d.doc AND e.tbl = d.tbl AND e.rev = d.rev AND k.is_far), d.rev = c.stands"
			" FROM candidates d JOIN conflicts c ON c.doc = d.doc AND c.tbl = d.tbl AND c.col = d.col AND c.class = ?4"
			" LEFT JOIN commits m ON m.no = d.commit_no LEFT JOIN replicas r ON r.id = coalesce(m.replica, ?5)"
			" LEFT JOIN persons p ON p.id = r.person WHERE d.doc = ?1 AND d.tbl = ?2 AND d.col = ?3"
			" ORDER BY d.clock, d.rev, m.oid", "dittd", &c->doc, (int64_t)c->table_no, c->column, c->class, &s->me.replica));
	for (;;) {
		struct cp_candidate *list;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		list = reallocarray(c->candidates, c->n + 1, sizeof *list);
		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		c->candidates = list;
		memset(&list[c->n], 0, sizeof *list);
		CP_TRY(read_candidate(&list[c->n++], q, err));
	}
}

/* Who decided it, and why: the settlement of a judgment, the resolution of the edit that stands. */
static enum cp_code load_decision(struct cp_store *s, struct cp_conflict *c, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	if (c->is_open || (strcmp(c->class, "fork") != 0 && strcmp(c->class, "hard") != 0))
		return CP_OK;
	if (c->table_no == CP_T_JUDGMENTS)
		CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), t.reason, t.clock FROM settlements t"
				" LEFT JOIN persons p ON p.id = t.person WHERE t.id = ?1", "d", &c->doc));
	else
		CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), t.reason, t.clock FROM conflicts c"
				" JOIN resolutions t ON t.doc = c.doc AND t.tbl = ?4 AND t.edit = c.stands"
				" LEFT JOIN persons p ON p.id = t.person WHERE c.doc = ?1 AND c.tbl = ?2 AND c.col = ?3", "ditt",
				&c->doc, (int64_t)c->table_no, c->column, c->table));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	c->is_settled = true;
	c->settled_us = sqlite3_column_int64(q, 2);
	CP_TRY(keep(&c->settled_by, cp_col_text(q, 0), err));
	CP_TRY(keep(&c->reason, cp_col_text(q, 1), err));
	sqlite3_reset(q);
	return CP_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static bool is_by(const struct cp_conflict *c, const char *person)
{
	if (strcmp(c->person, person) == 0)
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->candidates[i].who, person) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct cp_conflict *c, const struct cp_conflict_filter *f)
{
	if (f->state != CP_CONFLICTS_ALL && (f->state == CP_CONFLICTS_OPEN ? !c->is_open : !c->is_settled))
		return false;
	if ((f->class != NULL && strcmp(f->class, c->class) != 0) || (f->table != NULL && strcmp(f->table, c->table) != 0))
		return false;
	if (f->case_id != NULL && (!c->has_case || !cp_id_equal(f->case_id, &c->case_id)))
		return false;
	return f->person == NULL || is_by(c, f->person);
}

#define ROWS \
	"SELECT c.tbl, c.doc, c.col, c.class, c.is_open, c.policy, c.stands, c.base, coalesce(p.pseudonym, ''), coalesce(a.pass, 0)," \
	" CASE WHEN c.tbl = 3 THEN c.doc WHEN c.tbl = 9 THEN (SELECT case_id FROM adjudications WHERE id = c.doc)" \
	"  ELSE coalesce(a.case_id, x'') END," \
	" coalesce(CASE c.tbl WHEN 0 THEN (SELECT name FROM project WHERE id = c.doc)" \
	"  WHEN 1 THEN (SELECT pseudonym FROM persons WHERE id = c.doc) WHEN 4 THEN (SELECT name FROM guidelines WHERE id = c.doc)" \
	"  WHEN 6 THEN (SELECT name FROM forms WHERE id = c.doc)" \
	"  WHEN 9 THEN (SELECT field || iif(result = '', '', '@' || result) FROM adjudications WHERE id = c.doc) END, '')" \
	" FROM conflicts c LEFT JOIN assignments a ON a.id = CASE WHEN c.tbl IN (8, 10, 11) THEN c.doc" \
	"  WHEN c.tbl = 14 THEN (SELECT judgment FROM stale_settlements WHERE id = c.doc) END" \
	" LEFT JOIN persons p ON p.id = a.person WHERE ?1 IN ('', c.class)"
#define IN_ORDER " ORDER BY c.tbl, 11, c.doc, c.col, c.class"
/* ?1: a class, or "" ; ?2: a case, whose documents are few while there may be any number of conflicts. */
static const char rows_sql[] = ROWS " AND ?2 = ?2" IN_ORDER,
	rows_of_case_sql[] = ROWS " AND c.doc IN (SELECT ?2 UNION ALL SELECT id FROM assignments WHERE case_id = ?2 UNION ALL"
	" SELECT id FROM adjudications WHERE case_id = ?2 UNION ALL SELECT w.id FROM assignments o JOIN stale_settlements w ON w.judgment = o.id"
	" WHERE o.case_id = ?2)" IN_ORDER;
_Static_assert(CP_T_PERSONS == 1 && CP_T_GUIDELINES == 4 && CP_T_FORMS == 6 && CP_T_CASES == 3 && CP_T_ASSIGNMENTS == 8 && CP_T_ADJUDICATIONS == 9 && CP_T_SETTLEMENTS == 10 && CP_T_STALE_SETTLEMENTS == 14 &&
		CP_T_JUDGMENTS == 11 && CP_CONFLICT_JUDGMENTS == 11, "the numbers stand in ROWS");

static enum cp_code visit_row(struct cp_store *s, sqlite3_stmt *q, const struct cp_conflict_filter *f,
		cp_conflict_visit *visit, void *user, struct cp_err *err)
{
	struct cp_conflict c = { .n = 0 };
	enum cp_code code = read_row(&c, q, err);

	if (code == CP_OK)
		code = load_candidates(s, &c, err);
	if (code == CP_OK)
		code = load_decision(s, &c, err);
	if (code == CP_OK && is_wanted(&c, f))
		code = visit(user, &c, err);
	cp_conflict_drop(&c);
	return code;
}

enum cp_code cp_conflict_each(struct cp_store *s, const struct cp_conflict_filter *f, cp_conflict_visit *visit, void *user,
		struct cp_err *err)
{
	const struct cp_id none = { { 0 } };
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, f->case_id ? rows_of_case_sql : rows_sql, "td", f->class ? f->class : "",
			f->case_id ? f->case_id : &none));
	for (;;) {
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		code = visit_row(s, q, f, visit, user, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

/* ---- one by its name ------------------------------------------------------------------------------------ */

struct finding { const char *id; struct cp_conflict *out; size_t n; };

static enum cp_code on_found(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct finding *f = user;

	(void)err;
	if (strncmp(c->id, f->id, strlen(f->id)) != 0)
		return CP_OK;
	if (f->n++ > 0)
		return CP_OK;
	*f->out = *c;
	memset(c, 0, sizeof *c);
	return CP_OK;
}

enum cp_code cp_conflict_find(struct cp_store *s, const char *id, struct cp_conflict *out, struct cp_err *err)
{
	struct cp_conflict_filter any = { .state = CP_CONFLICTS_ALL };
	struct finding f = { id, out, 0 };

	memset(out, 0, sizeof *out);
	if (strlen(id) < 4 || strlen(id) > 16 || strspn(id, "0123456789abcdef") != strlen(id))
		return cp_fail(err, CP_ENOTFOUND, "%.40s: is no conflict; `casepack conflicts` lists them with their names", id);
	CP_TRY(cp_conflict_each(s, &any, on_found, &f, err));
	if (f.n == 1)
		return CP_OK;
	cp_conflict_drop(out);
	if (f.n > 1)
		return cp_fail(err, CP_EINPUT, "%s: %zu conflicts begin so; give more digits", id, f.n);
	return cp_fail(err, CP_ENOTFOUND, "%s: there is no such conflict; `casepack conflicts --all` lists them", id);
}

/* ---- what they knew ---------------------------------------------------------------------------------------- */

static enum cp_code who_is(struct cp_store *s, const struct cp_id *replica, char out[64], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT p.pseudonym FROM replicas r JOIN persons p ON p.id = r.person"
			" WHERE r.id = ?1", "d", replica));
	snprintf(out, 64, "%s", name.data ? name.data : "");
	return CP_OK;
}

static const struct cp_doc_edit *edit_named(const struct cp_document *d, const struct cp_rev *rev)
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(&d->edits[i].rev, rev, sizeof *rev) == 0)
			return &d->edits[i];
	return NULL;
}

enum cp_code cp_candidate_knew(struct cp_store *s, const struct cp_conflict *c, size_t candidate, struct cp_knew **out,
		size_t *n, struct cp_err *err)
{
	struct cp_document d;
	const struct cp_doc_edit *e;
	enum cp_code code = CP_OK;

	*out = NULL;
	*n = 0;
	CP_TRY(cp_document_load(s, c->table_no, &c->doc, &d, err));
	e = edit_named(&d, &c->candidates[candidate].rev);
	if (e != NULL)
		*out = calloc(e->n_replaced + 1, sizeof **out);
	for (size_t i = 0; *out != NULL && code == CP_OK && i < e->n_replaced; i++) {
		const struct cp_doc_edit *parent = edit_named(&d, &e->replaced[i]);
		struct cp_knew *k = &(*out)[(*n)++];

		k->rev = e->replaced[i];
		k->clock = parent ? parent->clock : 0;
		if (parent != NULL)
			code = who_is(s, &parent->replica, k->who, err);
	}
	cp_document_drop(&d);
	return code;
}

enum cp_code cp_revision_words(struct cp_store *s, const char *hex, struct cp_buf *out, struct cp_err *err)
{
	struct cp_id id;
	bool found = false;

	if (!cp_unhex(id.bytes, sizeof id.bytes, hex))
		return CP_OK;
	CP_TRY(cp_query_text(s, out, &found, err, "SELECT g.name || ' revision ' || v.number FROM guideline_revisions v"
			" JOIN guidelines g ON g.id = v.parent_doc WHERE v.id = ?1", "d", &id));
	if (found)
		return CP_OK;
	return cp_query_text(s, out, NULL, err, "SELECT f.name || ' version ' || v.number FROM form_versions v"
			" JOIN forms f ON f.id = v.parent_doc WHERE v.id = ?1", "d", &id);
}
