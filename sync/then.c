#include "sync/then.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tsv.h"
#include "sync/inner.h"
#include "sync/pages.h"
#include "sync/question.h"

/* The page as it was; *is_there false when there was none. */
static enum cp_code read_page(const struct cp_then *t, const char *path, struct cp_buf *out, bool *is_there, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_repo_read_path(t->store->history, t->at.oid.hex, path, out, &why);

	*is_there = code == CP_OK;
	return code == CP_OK || code == CP_ENOTFOUND ? CP_OK : cp_fail(err, code, "%s", why.text);
}

static enum cp_code read_of_case(const struct cp_then *t, const char *folder, const char *ending, struct cp_buf *out, bool *is_there,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(4096);

	CP_TRY(cp_buf_printf(&path, err, "%s/%s%s", folder, t->page, ending));
	return read_page(t, path.data, out, is_there, err);
}

/* ---- the case ----------------------------------------------------------------------------------- */

/* Where its pages stood: by the name that it has, else by its key. */
static enum cp_code find_page(struct cp_then *t, const struct cp_id *id, struct cp_buf *json, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	bool is_there = false;

	CP_TRY(cp_query_text(t->store, &name, NULL, err, "SELECT name FROM cases WHERE id = ?1", "d", id));
	for (int by_key = 0; by_key < 2 && !is_there; by_key++) {
		CP_AUTO(buf) struct cp_buf page = CP_BUF(sizeof t->page);

		CP_TRY(cp_page_case(&page, by_key || name.data == NULL ? "" : name.data, id, err));
		snprintf(t->page, sizeof t->page, "%s", page.data);
		CP_TRY(read_of_case(t, "cases", ".json", json, &is_there, err));
	}
	return is_there ? CP_OK : cp_fail(err, CP_ENOTFOUND, "%s: was not there yet at %.12s", name.len ? name.data : "the case",
			t->at.oid.hex);
}

static struct cp_value text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return cp_v_text(text != NULL ? text : "");
}

/* A page of cases as the row that it was made of. */
static enum cp_code view_page(struct cp_then *t, const struct cp_id *id, const json_t *o, struct cp_err *err)
{
	static const char *const names[] = { [3] = "name", "kind", "locale", "segment", [9] = "state", "reason" };
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_hash content = { { 0 } };
	char *results = json_dumps(json_object_get(o, "results"), JSON_COMPACT);
	enum cp_code code;

	memset(row, 0, sizeof row);
	for (size_t i = 3; i < sizeof names / sizeof *names; i++)
		if (names[i] != NULL)
			row[i] = text_of(o, names[i]);
	if (cp_unhex(content.bytes, sizeof content.bytes, (const char *)text_of(o, "content").bytes))
		row[7] = cp_v_blob(content.bytes, sizeof content.bytes);
	row[8] = cp_v_text(results != NULL ? results : "[]");
	code = cp_case_view_of(t->store, id, row, &t->view, err);
	free(results);
	return code;
}

static enum cp_code look_since(struct cp_then *t, const struct cp_id *id, struct cp_err *err)
{
	int64_t is_forgotten = 0;
	enum cp_code code = cp_query_int(t->store, &is_forgotten, 0, err, "SELECT state = 'forgotten' FROM cases WHERE id = ?1", "d", id);

	t->is_forgotten_since = is_forgotten && !t->view.is_forgotten;
	if (code != CP_OK)
		cp_then_drop(t);
	return code;
}

enum cp_code cp_then_open(struct cp_then *out, struct cp_store *s, const struct cp_point *at, const struct cp_id *case_id,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf json = CP_BUF(CP_TEXT_MAX);
	json_t *o;
	enum cp_code code;

	memset(out, 0, sizeof *out);
	out->store = s;
	out->at = *at;
	CP_TRY(find_page(out, case_id, &json, err));
	o = json_loadb(json.data, json.len, 0, NULL);
	code = o != NULL ? view_page(out, case_id, o, err) : cp_fail(err, CP_EFORMAT, "cases/%s.json at %.12s is no JSON", out->page,
			at->oid.hex);
	json_decref(o);
	return code == CP_OK ? look_since(out, case_id, err) : code;
}

void cp_then_drop(struct cp_then *t)
{
	cp_case_view_drop(&t->view);
}

/* ---- judgments ------------------------------------------------------------------------------------- */

/* What the page says of a judgment before its answers. */
struct judgment {
	char rater[64], state[32], guideline[128], form[128], content[CP_HASH_HEX];
	char *note;
	int64_t pass, guideline_number, form_number;
	bool is_late, in_conflict, is_undecided;
	char stale[16];
	size_t answers;
};

/* "policy revision 12": name and number. */
static void split_revision(const char *text, const char *noun, char *name, size_t size, int64_t *number)
{
	const char *found = NULL;

	for (const char *p = strstr(text, noun); p != NULL; p = strstr(p + 1, noun))
		found = p;
	*number = found != NULL ? strtoll(found + strlen(noun), NULL, 10) : 0;
	snprintf(name, size, "%.*s", (int)(found != NULL ? found - text : 0), text);
}

static enum cp_code id_of(struct cp_then *t, const char *rater, int64_t pass, struct cp_id *out, struct cp_err *err)
{
	return cp_query_id(t->store, out, err, "SELECT a.id FROM assignments a JOIN persons p ON p.id = a.person WHERE a.case_id = ?1 AND"
			" p.pseudonym = ?2 AND a.pass = ?3", "dti", &t->view.key, rater, pass);
}

/* The forks of a judgment that were open, and whether anything stood meanwhile. */
static enum cp_code read_fork(struct cp_then *t, struct judgment *j, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(tsv) struct cp_tsv lines;
	char path[96], hex[CP_ID_HEX];
	struct cp_id id;
	bool more;

	cp_tsv_begin(&lines, "", 0);
	CP_TRY(id_of(t, j->rater, j->pass, &id, err));
	cp_hex(hex, id.bytes, sizeof id.bytes);
	snprintf(path, sizeof path, "conflicts/%.2s/%s.tsv", hex, hex);
	CP_TRY(read_page(t, path, &page, &more, err));
	cp_tsv_begin(&lines, page.data, page.len);
	for (;;) {
		CP_TRY(cp_tsv_next(&lines, &more, err));
		if (!more)
			return CP_OK;
		if (strcmp(cp_tsv_cell(&lines, 0), "judgments") != 0 || strcmp(cp_tsv_cell(&lines, 2), "fork") != 0 ||
				strcmp(cp_tsv_cell(&lines, 3), "open") != 0)
			continue;
		if (!j->in_conflict)
			j->in_conflict = j->is_undecided = true;
		if (*cp_tsv_cell(&lines, 6) != '\0')
			j->is_undecided = false;
	}
}

/* Of several breaking revisions the gravest counts: what is open before what is decided, then void, requeue, keep. */
static void weigh(char stale[16], const char *decision)
{
	bool was_open = strcmp(stale, "open") == 0;

	if (!was_open && (strcmp(decision, "open") == 0 || strcmp(decision, stale) > 0))
		snprintf(stale, 16, "%s", decision);
}

static void take_fact(struct judgment *j, const char *fact, const char *value)
{
	if (strcmp(fact, "[stale]") == 0)
		weigh(j->stale, value);
	else if (strcmp(fact, "[state]") == 0)
		snprintf(j->state, sizeof j->state, "%s", value);
	else if (strcmp(fact, "[guideline]") == 0)
		split_revision(value, " revision ", j->guideline, sizeof j->guideline, &j->guideline_number);
	else if (strcmp(fact, "[form]") == 0)
		split_revision(value, " version ", j->form, sizeof j->form, &j->form_number);
	else if (strcmp(fact, "[content]") == 0)
		snprintf(j->content, sizeof j->content, "%s", value);
	else if (strcmp(fact, "[late]") == 0)
		j->is_late = true;
	else if (strcmp(fact, "[note]") == 0) {
		free(j->note);
		j->note = strdup(value);
	}
}

static void result_of(const struct cp_case_view *v, struct cp_label *l, const char *name)
{
	l->result = name;
	l->rank = 0;
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0) {
			l->result = v->results[i].id;
			l->rank = v->results[i].rank;
		}
}

static enum cp_code tell_label(struct cp_then *t, struct judgment *j, const char *field, const char *result, const char *value,
		cp_label_visit *visit, void *user, struct cp_err *err)
{
	const struct cp_case_view *v = &t->view;
	struct cp_label l = { .case_id = v->id, .case_name = v->name, .query = v->query, .locale = v->locale, .segment = v->segment,
		.kind = v->kind, .rater = j->rater, .vendor = "", .field = field, .value = value, .pass = j->pass, .state = j->state,
		.guideline = j->guideline, .guideline_number = j->guideline_number, .form = j->form, .form_number = j->form_number,
		.note = j->note != NULL ? j->note : "", .content = j->content, .stale = j->stale, .is_late = j->is_late,
		.in_conflict = j->in_conflict, .is_undecided = j->is_undecided, .is_forgotten = v->is_forgotten, .final = "" };

	l.is_stale = *l.stale != '\0' && strcmp(l.stale, "keep") != 0;
	result_of(v, &l, result);
	j->answers++;
	return visit(user, &l, err);
}

static enum cp_code end_judgment(struct cp_then *t, struct judgment *j, cp_label_visit *visit, void *user, struct cp_err *err)
{
	enum cp_code code = CP_OK;

	if (*j->rater != '\0' && j->answers == 0) {
		code = read_fork(t, j, err);
		if (code == CP_OK)
			code = tell_label(t, j, "", "", "", visit, user, err);
	}
	free(j->note);
	memset(j, 0, sizeof *j);
	return code;
}

static enum cp_code read_line(struct cp_then *t, struct judgment *j, const struct cp_tsv *line, cp_label_visit *visit, void *user,
		struct cp_err *err)
{
	const char *rater = cp_tsv_cell(line, 0), *field = cp_tsv_cell(line, 2);
	int64_t pass = strtoll(cp_tsv_cell(line, 1), NULL, 10);

	if (strcmp(rater, j->rater) != 0 || pass != j->pass) {
		CP_TRY(end_judgment(t, j, visit, user, err));
		snprintf(j->rater, sizeof j->rater, "%s", rater);
		j->pass = pass;
	}
	if (*field == '[') {
		take_fact(j, field, cp_tsv_cell(line, 4));
		return CP_OK;
	}
	if (j->answers == 0)
		CP_TRY(read_fork(t, j, err));
	return tell_label(t, j, field, cp_tsv_cell(line, 3), cp_tsv_cell(line, 4), visit, user, err);
}

enum cp_code cp_then_label_each(struct cp_then *t, cp_label_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF((size_t)1 << 31);
	CP_AUTO(tsv) struct cp_tsv lines;
	struct judgment j = { .note = NULL };
	bool more;
	enum cp_code code;

	cp_tsv_begin(&lines, "", 0);
	CP_TRY(read_of_case(t, "judgments", ".tsv", &page, &more, err));
	cp_tsv_begin(&lines, page.data, page.len);
	for (code = CP_OK; code == CP_OK;) {
		code = cp_tsv_next(&lines, &more, err);
		if (code != CP_OK || !more)
			break;
		code = read_line(t, &j, &lines, visit, user, err);
	}
	if (code == CP_OK)
		return end_judgment(t, &j, visit, user, err);
	free(j.note);
	return code;
}

/* ---- final answers ------------------------------------------------------------------------------------ */

enum cp_code cp_then_final_each(struct cp_then *t, cp_final_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(tsv) struct cp_tsv lines;
	bool more;

	cp_tsv_begin(&lines, "", 0);
	CP_TRY(read_of_case(t, "adjudications", ".tsv", &page, &more, err));
	cp_tsv_begin(&lines, page.data, page.len);
	for (;;) {
		CP_TRY(cp_tsv_next(&lines, &more, err));
		if (!more)
			return CP_OK;
		CP_TRY(visit(user, &(struct cp_final_row){ cp_tsv_cell(&lines, 0), cp_tsv_cell(&lines, 1), cp_tsv_cell(&lines, 2),
				cp_tsv_cell(&lines, 3), cp_tsv_cell(&lines, 4), cp_tsv_cell(&lines, 5), 0 }, err));
	}
}

/* ---- conflicts ------------------------------------------------------------------------------------------- */

struct conflicts { struct cp_conflict *list; size_t n; };

static void conflicts_drop(struct conflicts *c)
{
	for (size_t i = 0; i < c->n; i++)
		cp_conflict_drop(&c->list[i]);
	free(c->list);
}
#define cp_conflicts_drop conflicts_drop

static char *copy(const char *text)
{
	char *own = strdup(text);

	if (own == NULL)
		abort();
	return own;
}

/* What a document is called in a conflict about it. */
struct subject { struct cp_id doc; const char *name, *person; int64_t pass; };

static struct cp_conflict *add_conflict(struct cp_then *t, struct conflicts *all, const struct subject *about, int table,
		const char *column, const char *class)
{
	struct cp_conflict *c;

	for (size_t i = 0; i < all->n; i++) {
		c = &all->list[i];
		if (c->table_no == (size_t)table && cp_id_equal(&c->doc, &about->doc) && strcmp(c->column, column) == 0 &&
				strcmp(c->class, class) == 0)
			return c;
	}
	all->list = reallocarray(all->list, all->n + 1, sizeof *all->list);
	if (all->list == NULL)
		abort();
	c = &all->list[all->n++];
	*c = (struct cp_conflict){ .table = cp_shapes[table].name, .table_no = (size_t)table, .doc = about->doc, .has_case = true,
		.case_id = t->view.key, .column = copy(column), .class = copy(class), .policy = copy(""), .base = copy(""),
		.name = copy(about->name), .person = copy(about->person), .pass = about->pass, .settled_by = copy(""), .reason = copy("") };
	cp_conflict_name(c);
	return c;
}

static void replace(char **out, const char *text)
{
	free(*out);
	*out = copy(text);
}

/* A line of a page of conflicts: one candidate. */
static enum cp_code add_candidate(struct cp_then *t, struct conflicts *all, const struct subject *about, const struct cp_tsv *line,
		struct cp_err *err)
{
	int table = cp_table_named(cp_tsv_cell(line, 0));
	struct cp_conflict *c;
	struct cp_candidate *d;
	struct cp_id device;

	if (table < 0)
		return CP_OK; /* the header */
	c = add_conflict(t, all, about, table, cp_tsv_cell(line, 1), cp_tsv_cell(line, 2));
	c->is_open = strcmp(cp_tsv_cell(line, 3), "open") == 0;
	c->is_settled = strcmp(cp_tsv_cell(line, 3), "settled") == 0;
	replace(&c->policy, cp_tsv_cell(line, 4));
	replace(&c->base, cp_tsv_cell(line, 5));
	c->candidates = reallocarray(c->candidates, c->n + 1, sizeof *c->candidates);
	if (c->candidates == NULL)
		abort();
	d = &c->candidates[c->n++];
	memset(d, 0, sizeof *d);
	d->who = copy(cp_tsv_cell(line, 8));
	d->value = copy(cp_tsv_cell(line, 11));
	d->stands = *cp_tsv_cell(line, 6) != '\0';
	c->has_stand = c->has_stand || d->stands;
	if (!cp_unhex(d->rev.bytes, sizeof d->rev.bytes, cp_tsv_cell(line, 7)))
		return cp_fail(err, CP_EFORMAT, "a page of conflicts at %.12s names no rev", t->at.oid.hex);
	snprintf(d->commit, sizeof d->commit, "%s", cp_tsv_cell(line, 10));
	CP_TRY(cp_query_id(t->store, &device, err, "SELECT replica FROM commits WHERE oid = ?1", "t", d->commit));
	cp_hex(d->device, device.bytes, sizeof device.bytes);
	return CP_OK;
}

/* Who settled it, and why. */
static void add_decision(struct conflicts *all, const struct cp_id *doc, const struct cp_tsv *line)
{
	bool is_settlement = strcmp(cp_tsv_cell(line, 0), "settlement") == 0;

	for (size_t i = 0; i < all->n; i++) {
		struct cp_conflict *c = &all->list[i];

		if (!c->is_settled || !cp_id_equal(&c->doc, doc) || (c->table_no == CP_T_JUDGMENTS) != is_settlement ||
				strcmp(c->table, cp_tsv_cell(line, 1)) != 0)
			continue;
		for (size_t k = 0; k < c->n; k++) {
			char hex[CP_REV_HEX];

			cp_hex(hex, c->candidates[k].rev.bytes, sizeof c->candidates[k].rev.bytes);
			if (is_settlement || (c->candidates[k].stands && strcmp(hex, cp_tsv_cell(line, 2)) == 0)) {
				replace(&c->settled_by, cp_tsv_cell(line, 5));
				replace(&c->reason, cp_tsv_cell(line, 7));
			}
		}
	}
}

static enum cp_code of_document(struct cp_then *t, struct conflicts *all, const struct subject *about, struct cp_err *err)
{
	static const char *const folders[] = { "conflicts", "settlements" };
	char path[96], hex[CP_ID_HEX];

	cp_hex(hex, about->doc.bytes, sizeof about->doc.bytes);
	for (int i = 0; i < 2; i++) {
		CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
		CP_AUTO(tsv) struct cp_tsv lines;
		bool more;

		cp_tsv_begin(&lines, "", 0);
		snprintf(path, sizeof path, "%s/%.2s/%s.tsv", folders[i], hex, hex);
		CP_TRY(read_page(t, path, &page, &more, err));
		cp_tsv_begin(&lines, page.data, page.len);
		for (;;) {
			CP_TRY(cp_tsv_next(&lines, &more, err));
			if (!more)
				break;
			if (i == 0)
				CP_TRY(add_candidate(t, all, about, &lines, err));
			else
				add_decision(all, &about->doc, &lines);
		}
	}
	return CP_OK;
}

/* "policy revision 3": the id of that revision, in hex; "" if it is not known. */
static enum cp_code breaking_of(struct cp_then *t, const char *called, struct cp_buf *out, struct cp_err *err)
{
	return cp_query_text(t->store, out, NULL, err, "SELECT lower(hex(v.id)) FROM guideline_revisions v JOIN guidelines g ON"
			" g.id = v.parent_doc WHERE v.kind = 'breaking' AND g.name || ' revision ' || v.number = ?1 UNION ALL"
			" SELECT lower(hex(v.id)) FROM form_versions v JOIN forms f ON f.id = v.parent_doc WHERE v.kind = 'breaking' AND"
			" f.name || ' version ' || v.number = ?1 LIMIT 1", "t", called);
}

/* Judgments that waited for a decision: each a question of its own, named by the revision that broke with it. */
static enum cp_code of_stale(struct cp_then *t, struct conflicts *all, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF((size_t)1 << 31);
	CP_AUTO(tsv) struct cp_tsv lines;
	bool more;

	cp_tsv_begin(&lines, "", 0);
	CP_TRY(read_of_case(t, "judgments", ".tsv", &page, &more, err));
	cp_tsv_begin(&lines, page.data, page.len);
	for (;;) {
		struct subject about = { .name = "" };
		CP_AUTO(buf) struct cp_buf cause = CP_BUF(64);

		CP_TRY(cp_tsv_next(&lines, &more, err));
		if (!more)
			return CP_OK;
		if (strcmp(cp_tsv_cell(&lines, 2), "[stale]") != 0 || strcmp(cp_tsv_cell(&lines, 4), "open") != 0)
			continue;
		about.person = cp_tsv_cell(&lines, 0);
		about.pass = strtoll(cp_tsv_cell(&lines, 1), NULL, 10);
		CP_TRY(id_of(t, about.person, about.pass, &about.doc, err));
		CP_TRY(breaking_of(t, cp_tsv_cell(&lines, 3), &cause, err));
		add_conflict(t, all, &about, CP_T_JUDGMENTS, cause.len ? cause.data : "", "stale")->is_open = true;
	}
}

/* Assignments, judgments and settlements of the case share their ids. */
static enum cp_code of_assignments(struct cp_then *t, struct conflicts *all, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(t->store, &q, err, "SELECT a.id, coalesce(p.pseudonym, ''), a.pass FROM assignments a LEFT JOIN persons p ON"
			" p.id = a.person WHERE a.case_id = ?1 ORDER BY a.id", "d", &t->view.key));
	for (;;) {
		struct subject about = { .name = "" };
		char person[64];

		CP_TRY(cp_step(t->store, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &about.doc);
		snprintf(person, sizeof person, "%s", cp_col_text(q, 1));
		about.person = person;
		about.pass = sqlite3_column_int64(q, 2);
		CP_TRY(of_document(t, all, &about, err));
	}
}

struct finals { struct cp_then *t; struct conflicts *all; };

static enum cp_code of_final(void *user, const struct cp_final_row *f, struct cp_err *err)
{
	struct finals *x = user;
	CP_AUTO(buf) struct cp_buf name = CP_BUF(8192);
	struct subject about = { .person = "" };

	CP_TRY(cp_buf_printf(&name, err, "%s%s%s", f->field, *f->result ? "@" : "", f->result));
	about.name = name.data;
	cp_question_id(&about.doc, "adjudication", &x->t->view.key, f->field, f->result);
	return of_document(x->t, x->all, &about, err);
}

static int by_place(const void *a, const void *b)
{
	const struct cp_conflict *x = a, *y = b;
	int c = x->table_no != y->table_no ? (x->table_no > y->table_no) - (x->table_no < y->table_no)
		: memcmp(&x->doc, &y->doc, sizeof x->doc);

	return c != 0 ? c : strcmp(x->column, y->column) != 0 ? strcmp(x->column, y->column) : strcmp(x->class, y->class);
}

enum cp_code cp_then_conflict_each(struct cp_then *t, cp_conflict_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(conflicts) struct conflicts all = { NULL, 0 };

	CP_TRY(of_document(t, &all, &(struct subject){ .doc = t->view.key, .name = "", .person = "" }, err));
	CP_TRY(of_assignments(t, &all, err));
	CP_TRY(cp_then_final_each(t, of_final, &(struct finals){ t, &all }, err));
	CP_TRY(of_stale(t, &all, err));
	if (all.n > 0)
		qsort(all.list, all.n, sizeof *all.list, by_place);
	for (size_t i = 0; i < all.n; i++)
		CP_TRY(visit(user, &all.list[i], err));
	return CP_OK;
}
