#include <string.h>

#include "sync/inner.h"
#include "sync/report.h"

/* The case that the rows being visited belong to, loaded once. */
struct current { struct cp_id id; struct cp_case_view view; bool is_set; };

static void current_drop(struct current *c)
{
	if (c->is_set)
		cp_case_view_drop(&c->view);
}
#define cp_current_drop current_drop

static enum cp_code make_current(struct cp_store *s, struct current *c, const struct cp_id *id, struct cp_err *err)
{
	if (c->is_set && cp_id_equal(&c->id, id))
		return CP_OK;
	current_drop(c);
	c->is_set = false;
	CP_TRY(cp_case_load(s, id, &c->view, err));
	c->is_set = true;
	c->id = *id;
	return CP_OK;
}

/* What the sheet of labels says of a result: its external id and rank. */
static void fill_result(struct cp_label *l, const struct cp_case_view *v, const char *name)
{
	l->result = l->result_name = name;
	l->rank = 0;
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0) {
			l->result = v->results[i].id;
			l->rank = v->results[i].rank;
		}
}

/* Of several stale ones the gravest. */
#define LABELS \
	"SELECT a.case_id, p.pseudonym, p.vendor, a.pass, j.state, j.note, lower(hex(j.content)), j.clock, j.active_ms," \
	" coalesce((SELECT g.name FROM guidelines g JOIN guideline_revisions v ON v.parent_doc = g.id" \
	"  WHERE v.id = j.guideline_revision), '')," \
	" coalesce((SELECT number FROM guideline_revisions v WHERE v.id = j.guideline_revision), 0)," \
	" coalesce((SELECT f.name FROM forms f JOIN form_versions v ON v.parent_doc = f.id WHERE v.id = j.form_version), '')," \
	" coalesce((SELECT number FROM form_versions v WHERE v.id = j.form_version), 0)," \
	" coalesce(r.field, ''), coalesce(r.result, ''), coalesce(r.value, '')," \
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'late')," \
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'fork' AND x.is_open)," \
	" coalesce((SELECT CASE x.policy WHEN '' THEN 'open' ELSE x.policy END FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11" \
	"  AND x.class = 'stale' ORDER BY x.is_open DESC, x.policy DESC LIMIT 1), '')," \
	" EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = 11 AND x.class = 'fork' AND x.is_open AND x.stands = x'')," \
	" coalesce(f.value, ''), j.id, j.guideline_revision" \
	" FROM judgments j JOIN assignments a ON a.id = j.id JOIN cases c ON c.id = a.case_id JOIN persons p ON p.id = a.person" \
	" LEFT JOIN ratings r ON r.judgment = j.id AND r.value IS NOT NULL" \
	" LEFT JOIN adjudications f ON f.case_id = a.case_id AND f.field = r.field AND f.result = r.result"
#define ORDER " ORDER BY c.name, c.id, p.pseudonym, a.pass, r.field, r.result"
static const char labels_sql[] = LABELS ORDER;
static const char labels_of_case_sql[] = LABELS " WHERE a.case_id = ?1" ORDER;
#undef LABELS
#undef ORDER

static void fill(struct cp_label *l, sqlite3_stmt *q, const struct cp_case_view *v)
{
	memset(l, 0, sizeof *l);
	l->case_id = v->id;
	l->case_name = v->name;
	l->query = v->query;
	l->locale = v->locale;
	l->segment = v->segment;
	l->kind = v->kind;
	l->is_forgotten = v->is_forgotten;
	l->rater = cp_col_text(q, 1);
	l->vendor = cp_col_text(q, 2);
	l->pass = sqlite3_column_int64(q, 3);
	l->state = cp_col_text(q, 4);
	l->note = cp_col_text(q, 5);
	l->content = cp_col_text(q, 6);
	l->judged_us = sqlite3_column_int64(q, 7);
	l->active_ms = sqlite3_column_int64(q, 8);
	l->guideline = cp_col_text(q, 9);
	l->guideline_number = sqlite3_column_int64(q, 10);
	l->form = cp_col_text(q, 11);
	l->form_number = sqlite3_column_int64(q, 12);
	l->field = cp_col_text(q, 13);
	fill_result(l, v, cp_col_text(q, 14));
	l->value = cp_col_text(q, 15);
	l->is_late = sqlite3_column_int(q, 16) != 0;
	l->in_conflict = sqlite3_column_int(q, 17) != 0;
	l->is_undecided = sqlite3_column_int(q, 19) != 0;
	l->final = cp_col_text(q, 20);
	cp_col_id(q, 21, &l->judgment);
	cp_col_id(q, 22, &l->revision);
	l->stale = cp_col_text(q, 18);
	l->is_stale = *l->stale != '\0' && strcmp(l->stale, "keep") != 0;
}

static enum cp_code visit_all(struct cp_store *s, sqlite3_stmt *q, cp_label_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(current) struct current now = { .is_set = false };
	bool row;

	for (;;) {
		struct cp_label l;
		struct cp_id case_id;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &case_id);
		code = make_current(s, &now, &case_id, err);
		if (code == CP_OK) {
			fill(&l, q, &now.view);
			code = visit(user, &l, err);
		}
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

_Static_assert(CP_T_JUDGMENTS == 11, "the number stands in labels_sql");

enum cp_code cp_label_each(struct cp_store *s, cp_label_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, labels_sql, ""));
	return visit_all(s, q, visit, user, err);
}

enum cp_code cp_label_each_of(struct cp_store *s, const struct cp_id *case_id, cp_label_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, labels_of_case_sql, "d", case_id));
	return visit_all(s, q, visit, user, err);
}
