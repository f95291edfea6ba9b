#include "sync/called.h"

#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"

static void keep(char **out, const char *text)
{
	char *own = strdup(text);

	if (own == NULL)
		abort();
	free(*out);
	*out = own;
}

void cp_called_drop(struct cp_called *c)
{
	free(c->case_id);
	free(c->person);
	free(c->name);
	free(c->result);
	memset(c, 0, sizeof *c);
}

/* ---- by key ------------------------------------------------------------------------------------ */

/* Columns: name of the case, its key, person, pass, own name, result. */
#define OF_ASSIGNMENT(from) "SELECT coalesce(c.name, ''), a.case_id, coalesce(p.pseudonym, ''), a.pass, '', '' FROM " from \
	" LEFT JOIN cases c ON c.id = a.case_id LEFT JOIN persons p ON p.id = a.person"
#define OF_QUESTION(table, name) "SELECT coalesce(c.name, ''), t.case_id, '', 0, t." name ", t.result FROM " table \
	" t LEFT JOIN cases c ON c.id = t.case_id WHERE t.id = ?1"
#define OF_TEXT(texts, revisions, noun) "SELECT '', x'', '', 0, coalesce(n.name, '') || '" noun "' || r.number, '' FROM " revisions \
	" r LEFT JOIN " texts " n ON n.id = r.parent_doc WHERE r.id = ?1"
static const char *const of_table[CP_T_COUNT] = {
	[CP_T_PROJECT] = "SELECT '', x'', '', 0, name, '' FROM project WHERE id = ?1",
	[CP_T_PERSONS] = "SELECT '', x'', pseudonym, 0, '', '' FROM persons WHERE id = ?1",
	[CP_T_REPLICAS] = "SELECT '', x'', coalesce(p.pseudonym, ''), 0, lower(hex(r.id)), '' FROM replicas r LEFT JOIN persons p ON"
		" p.id = r.person WHERE r.id = ?1",
	[CP_T_CASES] = "SELECT name, id, '', 0, '', '' FROM cases WHERE id = ?1",
	[CP_T_GUIDELINES] = "SELECT '', x'', '', 0, name, '' FROM guidelines WHERE id = ?1",
	[CP_T_GUIDELINE_REVISIONS] = OF_TEXT("guidelines", "guideline_revisions", " revision "),
	[CP_T_FORMS] = "SELECT '', x'', '', 0, name, '' FROM forms WHERE id = ?1",
	[CP_T_FORM_VERSIONS] = OF_TEXT("forms", "form_versions", " version "),
	[CP_T_ASSIGNMENTS] = OF_ASSIGNMENT("assignments a") " WHERE a.id = ?1",
	[CP_T_ADJUDICATIONS] = OF_QUESTION("adjudications", "field"),
	[CP_T_SETTLEMENTS] = OF_ASSIGNMENT("assignments a") " WHERE a.id = ?1",
	[CP_T_JUDGMENTS] = OF_ASSIGNMENT("assignments a") " WHERE a.id = ?1",
	[CP_T_RATINGS] = OF_ASSIGNMENT("assignments a") " WHERE a.id = ?1",
	[CP_T_STALE_SETTLEMENTS] = OF_ASSIGNMENT("stale_settlements s JOIN assignments a ON a.id = s.judgment") " WHERE s.id = ?1",
	[CP_T_RULINGS] = "SELECT '', x'', '', 0, about, '' FROM rulings WHERE id = ?1",
	[CP_T_NAMES] = "SELECT '', x'', pseudonym, 0, '', '' FROM persons WHERE id = ?1",
	[CP_T_SIDE_KEYS] = "SELECT name, id, '', 0, '', '' FROM cases WHERE id = ?1",
	[CP_T_GOLD] = OF_QUESTION("gold", "field"),
	[CP_T_METRICS] = OF_QUESTION("metrics", "name"),
};

static const char *result_id(const struct cp_case_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0)
			return v->results[i].id;
	return name;
}

/* The ids that the case's content gives, where it is here. */
static enum cp_code by_content(struct cp_store *s, const struct cp_id *key, struct cp_called *out, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view v = { .held = NULL };
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_case_load(s, key, &v, &why);

	if (code == CP_ENOTFOUND)
		return CP_OK;
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	keep(&out->case_id, v.id);
	keep(&out->result, result_id(&v, out->result));
	return CP_OK;
}

enum cp_code cp_called_find(struct cp_store *s, size_t table, const struct cp_id *id, struct cp_called *out, struct cp_err *err)
{
	struct cp_id key = { { 0 } };
	sqlite3_stmt *q;
	bool row = false;

	memset(out, 0, sizeof *out);
	if (of_table[table] != NULL) {
		CP_TRY(cp_query(s, &q, err, of_table[table], "d", id));
		CP_TRY(cp_step(s, q, &row, err));
	}
	keep(&out->case_id, row ? cp_col_text(q, 0) : "");
	keep(&out->person, row ? cp_col_text(q, 2) : "");
	keep(&out->name, row ? cp_col_text(q, 4) : "");
	keep(&out->result, row ? cp_col_text(q, 5) : "");
	out->is_known = row;
	if (!row)
		return CP_OK;
	out->pass = sqlite3_column_int64(q, 3);
	cp_col_id(q, 1, &key);
	sqlite3_reset(q);
	return *out->case_id != '\0' ? by_content(s, &key, out, err) : CP_OK;
}

/* ---- by the name in history ------------------------------------------------------------------------ */

void cp_caller_begin(struct cp_caller *c, struct cp_store *s)
{
	memset(c, 0, sizeof *c);
	c->store = s;
}

static void forget(struct cp_caller *c)
{
	if (c->has_view)
		cp_case_view_drop(&c->view);
	free(c->name);
	c->name = NULL;
	c->has_view = false;
}

void cp_caller_drop(struct cp_caller *c)
{
	forget(c);
}

/* Cases are found by name as often as there are lines: once in a while an index is worth it. */
static enum cp_code make_index(struct cp_caller *c, struct cp_err *err)
{
	static const char sql[] = "CREATE TEMP TABLE IF NOT EXISTS called (name TEXT PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;"
		"DELETE FROM temp.called; INSERT OR IGNORE INTO temp.called SELECT name, id FROM cases";

	if (c->has_index)
		return CP_OK;
	if (sqlite3_exec(c->store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, c->store->db, "%s", c->store->path);
	c->has_index = true;
	return CP_OK;
}

static enum cp_code hold(struct cp_caller *c, const char *name, struct cp_err *err)
{
	struct cp_id id;

	if (c->name != NULL && strcmp(c->name, name) == 0)
		return CP_OK;
	forget(c);
	CP_TRY(make_index(c, err));
	CP_TRY(cp_query_id(c->store, &id, err, "SELECT id FROM temp.called WHERE name = ?1", "t", name));
	keep(&c->name, name);
	if (!cp_id_is_set(&id))
		return CP_OK;
	CP_TRY(cp_case_load(c->store, &id, &c->view, err));
	c->has_view = true;
	return CP_OK;
}

enum cp_code cp_caller_case(struct cp_caller *c, const char *name, const char **out, struct cp_err *err)
{
	*out = name;
	if (*name != '~')
		return CP_OK;
	CP_TRY(hold(c, name, err));
	*out = c->has_view ? c->view.id : name;
	return CP_OK;
}

enum cp_code cp_caller_result(struct cp_caller *c, const char *case_name, const char *result, const char **out, struct cp_err *err)
{
	bool has_side = (*result == 'a' || *result == 'b') && result[1] == ':';

	*out = result;
	if (*result != '~' && !has_side)
		return CP_OK;
	CP_TRY(hold(c, case_name, err));
	*out = c->has_view ? result_id(&c->view, result) : result;
	return CP_OK;
}
