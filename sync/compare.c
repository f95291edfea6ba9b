#include "sync/compare.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tsv.h"
#include "sync/called.h"
#include "sync/inner.h"

const char *cp_differing_name(enum cp_differing kind)
{
	static const char *const names[CP_DIFF_KINDS] = { "final", "assignment", "case", "conflict", "stale", "form", "guideline",
		"judgment", "project", "settlement", "device", "ruling", "verdict", "file" };

	return names[kind];
}

struct comparing {
	struct cp_store *s;
	bool is_named;
	cp_difference_visit *visit;
	void *user;
	struct cp_caller caller;
};

/* ---- a page as lines by key ------------------------------------------------------------------------ */

/* How a page's lines are told apart: by the first n of these columns; the others may differ. */
struct shape {
	enum cp_differing kind;
	const char *columns[CP_TSV_CELLS];
	int key[4], n_key;
	bool has_header;
};

struct line { char *cells[CP_TSV_CELLS]; const struct shape *shape; size_t no; };
struct lines { struct line *list; size_t n, room; };

static void lines_drop(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < CP_TSV_CELLS; k++)
			free(l->list[i].cells[k]);
	free(l->list);
}
#define cp_lines_drop lines_drop

static const char *cell(const struct line *l, int i)
{
	return l->cells[i] != NULL ? l->cells[i] : "";
}

static int by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	for (int i = 0; i < x->shape->n_key; i++) {
		int c = strcmp(cell(x, x->shape->key[i]), cell(y, x->shape->key[i]));

		if (c != 0)
			return c;
	}
	return 0;
}

static int by_key_and_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = by_key(a, b);

	return c != 0 ? c : (x->no > y->no) - (x->no < y->no);
}

static enum cp_code add_line(struct lines *out, const struct shape *shape, const struct cp_tsv *t, struct cp_err *err)
{
	struct line *l;

	if (out->n == out->room) {
		struct line *list = reallocarray(out->list, out->room * 2 + 16, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		out->list = list;
		out->room = out->room * 2 + 16;
	}
	l = &out->list[out->n];
	memset(l, 0, sizeof *l);
	l->shape = shape;
	l->no = out->n++;
	for (size_t i = 0; i < t->n; i++) {
		l->cells[i] = strdup(t->cells[i]);
		if (l->cells[i] == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	return CP_OK;
}

static enum cp_code read_lines(struct comparing *x, const struct shape *shape, const struct cp_oid *blob, struct lines *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF((size_t)1 << 31);
	CP_AUTO(tsv) struct cp_tsv t;
	bool more, is_header = shape->has_header;

	cp_tsv_begin(&t, "", 0);
	if (*blob->hex != '\0')
		CP_TRY(cp_repo_read(x->s->history, blob->hex, "blob", &page, err));
	cp_tsv_begin(&t, page.data, page.len);
	for (;;) {
		CP_TRY(cp_tsv_next(&t, &more, err));
		if (!more)
			break;
		if (!is_header)
			CP_TRY(add_line(out, shape, &t, err));
		is_header = false;
	}
	if (out->n > 1)
		qsort(out->list, out->n, sizeof *out->list, by_key_and_place);
	return CP_OK;
}

/* ---- telling ------------------------------------------------------------------------------------------ */

static enum cp_code tell(struct comparing *x, struct cp_difference *d, struct cp_err *err)
{
	const char **const texts[] = { &d->case_id, &d->who, &d->subject, &d->name, &d->result, &d->reason };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i] == NULL)
			*texts[i] = "";
	return x->visit(x->user, d, err);
}

static enum cp_code call(struct comparing *x, const char *name, const char *result, struct cp_difference *d, struct cp_err *err)
{
	d->case_id = name;
	d->result = result;
	if (!x->is_named || name == NULL)
		return CP_OK;
	if (result != NULL)
		CP_TRY(cp_caller_result(&x->caller, name, result, &d->result, err));
	return cp_caller_case(&x->caller, name, &d->case_id, err);
}

/* "judgments/3f/q1.tsv": q1, or the key where the name is no file's. */
static enum cp_code case_of(struct comparing *x, const char *path, struct cp_buf *out, struct cp_err *err)
{
	const char *slash = strrchr(path, '/') + 1;
	size_t len = strlen(slash) - strlen(".tsv");
	char hex[CP_ID_HEX];
	struct cp_id id;

	CP_TRY(cp_buf_add(out, slash, len, err));
	if (len != 32)
		return CP_OK;
	snprintf(hex, sizeof hex, "%.32s", slash);
	if (!cp_unhex(id.bytes, sizeof id.bytes, hex))
		return CP_OK;
	cp_buf_clear(out);
	CP_TRY(cp_query_text(x->s, out, NULL, err, "SELECT name FROM cases WHERE id = ?1", "d", &id));
	return out->len > 0 ? CP_OK : cp_buf_puts(out, hex, err);
}

/* What a page of that shape says of itself in its path. */
struct place { const char *path, *name; struct cp_called document; };

typedef enum cp_code line_teller(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err);

/* Lines of both sides by key: each that is on one side alone, or differs. */
static enum cp_code merge(struct comparing *x, const struct place *at, const struct lines *a, const struct lines *b, line_teller *teller,
		struct cp_err *err)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int c = i == a->n ? 1 : k == b->n ? -1 : by_key(&a->list[i], &b->list[k]);
		const struct line *was = c <= 0 ? &a->list[i++] : NULL, *now = c >= 0 ? &b->list[k++] : NULL;
		bool differs = c != 0;

		for (int n = 0; !differs && n < CP_TSV_CELLS; n++)
			differs = strcmp(cell(was, n), cell(now, n)) != 0;
		if (differs)
			CP_TRY(teller(x, at, was, now, err));
	}
	return CP_OK;
}

static const char *of(const struct line *l, int i)
{
	return l != NULL ? cell(l, i) : NULL;
}

/* Each column that differs; of a line on one side alone those that say something. */
static enum cp_code tell_columns(struct comparing *x, const struct line *was, const struct line *now, struct cp_difference *d,
		struct cp_err *err)
{
	const struct shape *shape = (now != NULL ? now : was)->shape;

	for (int i = 0; shape->columns[i] != NULL; i++) {
		const char *a = of(was, i), *b = of(now, i);
		bool is_key = false;

		for (int k = 0; k < shape->n_key; k++)
			is_key = is_key || shape->key[k] == i;
		if (is_key || (a != NULL && b != NULL && strcmp(a, b) == 0) || (a == NULL && *b == '\0') || (b == NULL && *a == '\0'))
			continue;
		d->name = shape->columns[i];
		d->was = a;
		d->now = b;
		CP_TRY(tell(x, d, err));
	}
	return CP_OK;
}

/* ---- one teller a page ----------------------------------------------------------------------------------- */

static enum cp_code reason_of(const struct line *l, int who, int cause, int why, struct cp_buf *out, struct cp_err *err)
{
	if (l == NULL)
		return CP_OK;
	CP_TRY(cp_buf_puts(out, cell(l, who), err));
	if (cause >= 0)
		CP_TRY(cp_buf_printf(out, err, ", %s", cell(l, cause)));
	return *cell(l, why) != '\0' ? cp_buf_printf(out, err, ": %s", cell(l, why)) : CP_OK;
}

/* A breaking revision that overtook a judgment, and what was decided about that. */
static enum cp_code tell_stale(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_STALE, .who = cell(l, 0), .pass = strtoll(cell(l, 1), NULL, 10), .subject = cell(l, 3),
		.was = of(was, 4), .now = of(now, 4) };

	if (*cell(l, 6) != '\0')
		CP_TRY(reason_of(l, 6, -1, 5, &why, err));
	CP_TRY(call(x, at->name, NULL, &d, err));
	d.reason = why.data;
	return tell(x, &d, err);
}

static enum cp_code tell_judgment(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_JUDGMENT, .who = cell(l, 0), .pass = strtoll(cell(l, 1), NULL, 10), .was = of(was, 4),
		.now = of(now, 4) };
	const char *field = cell(l, 2);
	char fact[32] = "";

	if (strcmp(field, "[stale]") == 0)
		return tell_stale(x, at, was, now, err);
	d.is_answer = *field != '[';
	if (!d.is_answer)
		snprintf(fact, sizeof fact, "%.*s", (int)strcspn(field + 1, "]"), field + 1);
	CP_TRY(call(x, at->name, cell(l, 3), &d, err));
	d.name = d.is_answer ? field : fact;
	return tell(x, &d, err);
}

static enum cp_code tell_final(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_FINAL, .was = of(was, 2), .now = of(now, 2), .is_answer = true };

	CP_TRY(reason_of(l, 5, 3, 4, &why, err));
	CP_TRY(call(x, at->name, cell(l, 1), &d, err));
	d.name = cell(l, 0);
	d.reason = why.data;
	return tell(x, &d, err);
}

static enum cp_code tell_assignment(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_ASSIGNMENT, .who = at->name, .pass = strtoll(cell(l, 2), NULL, 10) };

	CP_TRY(call(x, cell(l, 1), NULL, &d, err));
	return tell_columns(x, was, now, &d, err);
}

/* A conflict is told once, by what it is: open, settled, or of no consequence. Lines are its candidates. */
static enum cp_code tell_conflict(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	const struct line *l = now != NULL ? now : was;
	CP_AUTO(buf) struct cp_buf name = CP_BUF(CP_TEXT_MAX);
	struct cp_difference d = { .kind = CP_DIFF_CONFLICT, .case_id = at->document.case_id, .who = at->document.person,
		.pass = at->document.pass, .was = of(was, 3), .now = of(now, 3) };

	CP_TRY(cp_buf_printf(&name, err, "%s of %s%s%s%s%s", cell(l, 2), cell(l, 0), *cell(l, 1) ? "." : "", cell(l, 1),
			*at->document.name ? ", " : "", at->document.name));
	d.subject = name.data;
	return tell(x, &d, err);
}

static enum cp_code tell_settlement(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_SETTLEMENT, .case_id = at->document.case_id, .who = at->document.person,
		.pass = at->document.pass, .subject = cell(l, 1), .name = cell(l, 0), .was = of(was, 2), .now = of(now, 2) };

	CP_TRY(reason_of(l, 5, -1, 7, &why, err));
	d.reason = why.data;
	return tell(x, &d, err);
}

static enum cp_code tell_device(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_DEVICE, .who = cell(l, 0), .subject = cell(l, 5) };

	(void)at;
	return tell_columns(x, was, now, &d, err);
}

static enum cp_code tell_ruling(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_RULING, .subject = cell(l, 0), .was = of(was, 1), .now = of(now, 1) };

	(void)at;
	CP_TRY(reason_of(l, 2, -1, 4, &why, err));
	d.reason = why.data;
	return tell(x, &d, err);
}

static enum cp_code tell_verdict(struct comparing *x, const struct place *at, const struct line *was, const struct line *now,
		struct cp_err *err)
{
	const struct line *l = now != NULL ? now : was;
	struct cp_difference d = { .kind = CP_DIFF_VERDICT, .who = at->document.person, .subject = cell(l, 0), .was = of(was, 1),
		.now = of(now, 1), .reason = cell(l, 6) };

	return tell(x, &d, err);
}

/* ---- JSON and texts ------------------------------------------------------------------------------------------ */

static enum cp_code read_json(struct comparing *x, const struct cp_oid *blob, json_t **out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);

	*out = NULL;
	if (*blob->hex == '\0')
		return CP_OK;
	CP_TRY(cp_repo_read(x->s->history, blob->hex, "blob", &page, err));
	*out = json_loadb(page.data ? page.data : "", page.len, 0, NULL);
	return *out != NULL ? CP_OK : cp_fail(err, CP_EFORMAT, "a page of main is no JSON");
}

static char *value_text(const json_t *v)
{
	return v == NULL ? NULL : json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
}

static enum cp_code tell_member(struct comparing *x, struct cp_difference *d, const char *name, const json_t *was, const json_t *now,
		struct cp_err *err)
{
	CP_AUTO(str) char *a = value_text(was);
	CP_AUTO(str) char *b = value_text(now);

	if ((was != NULL && now != NULL && json_equal(was, now)) || (a == NULL && b == NULL))
		return CP_OK;
	d->name = name;
	d->was = a;
	d->now = b;
	return tell(x, d, err);
}

static enum cp_code tell_members(struct comparing *x, struct cp_difference *d, json_t *was, json_t *now, struct cp_err *err)
{
	const char *name;
	json_t *v;

	json_object_foreach(now, name, v)
		if (strcmp(name, "id") != 0 && strcmp(name, "name") != 0)
			CP_TRY(tell_member(x, d, name, json_object_get(was, name), v, err));
	json_object_foreach(was, name, v)
		if (json_object_get(now, name) == NULL)
			CP_TRY(tell_member(x, d, name, v, NULL, err));
	if (d->kind == CP_DIFF_PROJECT)
		CP_TRY(tell_member(x, d, "name", json_object_get(was, "name"), json_object_get(now, "name"), err));
	return CP_OK;
}

static enum cp_code compare_json(struct comparing *x, enum cp_differing kind, const struct cp_oid *was, const struct cp_oid *now,
		struct cp_err *err)
{
	struct cp_difference d = { .kind = kind };
	json_t *a = NULL, *b = NULL;
	enum cp_code code = read_json(x, was, &a, err);
	const char *name;

	if (code == CP_OK)
		code = read_json(x, now, &b, err);
	name = json_string_value(json_object_get(b != NULL ? b : a, "name"));
	if (code == CP_OK && kind == CP_DIFF_CASE)
		code = call(x, name != NULL ? name : "", NULL, &d, err);
	if (code == CP_OK)
		code = tell_members(x, &d, a, b, err);
	json_decref(a);
	json_decref(b);
	return code;
}

static enum cp_code compare_text(struct comparing *x, enum cp_differing kind, const char *name, const struct cp_oid *was,
		const struct cp_oid *now, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf a = CP_BUF(CP_TEXT_MAX), b = CP_BUF(CP_TEXT_MAX);
	struct cp_difference d = { .kind = kind, .subject = name, .is_text = true };

	CP_TRY(cp_buf_puts(&a, "", err));
	CP_TRY(cp_buf_puts(&b, "", err));
	if (*was->hex != '\0')
		CP_TRY(cp_repo_read(x->s->history, was->hex, "blob", &a, err));
	if (*now->hex != '\0')
		CP_TRY(cp_repo_read(x->s->history, now->hex, "blob", &b, err));
	d.was = *was->hex != '\0' ? a.data != NULL ? a.data : "" : NULL;
	d.now = *now->hex != '\0' ? b.data != NULL ? b.data : "" : NULL;
	return tell(x, &d, err);
}

/* ---- one page ----------------------------------------------------------------------------------------------------- */

static const struct shape
	judgments = { CP_DIFF_JUDGMENT, { "rater", "pass", "field", "result", "value" }, { 0, 1, 2, 3 }, 4, false },
	finals = { CP_DIFF_FINAL, { "field", "result", "value", "cause", "reason", "who" }, { 0, 1 }, 2, false },
	assignments = { CP_DIFF_ASSIGNMENT, { "position", "case", "pass", "form", "guideline", "due", "state" }, { 1, 2 }, 2, true },
	conflicts = { CP_DIFF_CONFLICT, { NULL }, { 0, 1, 2 }, 3, true },
	settlements = { CP_DIFF_SETTLEMENT, { NULL }, { 0, 1, 2 }, 3, true },
	devices = { CP_DIFF_DEVICE, { "person", "role", "state", "vendor", "locales", "device", "device_state" }, { 0, 5 }, 2, true },
	rulings = { CP_DIFF_RULING, { NULL }, { 0 }, 1, true },
	verdicts = { CP_DIFF_VERDICT, { NULL }, { 0, 5 }, 2, true };

/* Of each conflict one line is enough. */
static void first_of_each(struct lines *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (kept > 0 && by_key(&l->list[kept - 1], &l->list[i]) == 0) {
			for (size_t k = 0; k < CP_TSV_CELLS; k++)
				free(l->list[i].cells[k]);
			continue;
		}
		l->list[kept++] = l->list[i];
	}
	l->n = kept;
}

/* Candidates come and go; told is when a conflict opens, is settled, or ends. */
static void state_alone(struct lines *l)
{
	first_of_each(l);
	for (size_t i = 0; i < l->n; i++)
		for (int k = 4; k < CP_TSV_CELLS; k++) {
			free(l->list[i].cells[k]);
			l->list[i].cells[k] = NULL;
		}
}

static enum cp_code compare_lines(struct comparing *x, const struct shape *shape, const struct place *at, const struct cp_oid *was,
		const struct cp_oid *now, line_teller *teller, struct cp_err *err)
{
	CP_AUTO(lines) struct lines a = { NULL, 0, 0 };
	CP_AUTO(lines) struct lines b = { NULL, 0, 0 };

	if (read_lines(x, shape, was, &a, err) != CP_OK || read_lines(x, shape, now, &b, err) != CP_OK)
		return cp_fail_at(err, "%s", at->path);
	if (shape == &conflicts) {
		state_alone(&a);
		state_alone(&b);
	}
	return merge(x, at, &a, &b, teller, err);
}

static enum cp_code compare_of_case(struct comparing *x, const struct shape *shape, const char *path, const struct cp_oid *was,
		const struct cp_oid *now, line_teller *teller, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);

	CP_TRY(case_of(x, path, &name, err));
	return compare_lines(x, shape, &(struct place){ .path = path, .name = name.data }, was, now, teller, err);
}

/* Which table the document of a page of conflicts or settlements is of, from one of its lines. */
static enum cp_code table_of(struct comparing *x, const struct shape *shape, const struct cp_oid *blob, size_t *out, struct cp_err *err)
{
	CP_AUTO(lines) struct lines l = { NULL, 0, 0 };
	int table = -1;

	CP_TRY(read_lines(x, shape, blob, &l, err));
	for (size_t i = 0; table < 0 && i < l.n; i++)
		table = cp_table_named(cell(&l.list[i], shape == &conflicts ? 0 : 1));
	*out = table < 0 ? CP_T_JUDGMENTS : (size_t)table;
	return CP_OK;
}

static enum cp_code compare_of_document(struct comparing *x, const struct shape *shape, const char *path, const struct cp_oid *was,
		const struct cp_oid *now, line_teller *teller, struct cp_err *err)
{
	struct place at = { .path = path };
	const char *slash = strrchr(path, '/') + 1;
	char hex[CP_ID_HEX];
	struct cp_id id;
	size_t table = CP_T_REPLICAS;
	enum cp_code code;

	snprintf(hex, sizeof hex, "%.32s", slash);
	if (!cp_unhex(id.bytes, sizeof id.bytes, hex))
		return cp_fail(err, CP_EFORMAT, "%s: names no document", path);
	if (shape != &verdicts)
		CP_TRY(table_of(x, shape, *now->hex ? now : was, &table, err));
	CP_TRY(cp_called_find(x->s, table, &id, &at.document, err));
	code = compare_lines(x, shape, &at, was, now, teller, err);
	cp_called_drop(&at.document);
	return code;
}

/* A file's name without folder and ending. */
static void stem(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');

	snprintf(out, size, "%.*s", (int)(dot != NULL ? dot - name : (ptrdiff_t)strlen(name)), name);
}

static bool is_in(const char *path, const char *folder)
{
	return strncmp(path, folder, strlen(folder)) == 0;
}

static enum cp_code on_path(void *user, const char *path, const struct cp_oid *was, const struct cp_oid *now, struct cp_err *err)
{
	struct comparing *x = user;
	char name[256];

	stem(path, name, sizeof name);
	if (is_in(path, "judgments/"))
		return compare_of_case(x, &judgments, path, was, now, tell_judgment, err);
	if (is_in(path, "adjudications/"))
		return compare_of_case(x, &finals, path, was, now, tell_final, err);
	if (is_in(path, "assignments/"))
		return compare_lines(x, &assignments, &(struct place){ .path = path, .name = name }, was, now, tell_assignment, err);
	if (is_in(path, "conflicts/"))
		return compare_of_document(x, &conflicts, path, was, now, tell_conflict, err);
	if (is_in(path, "settlements/"))
		return compare_of_document(x, &settlements, path, was, now, tell_settlement, err);
	if (is_in(path, "verdicts/"))
		return compare_of_document(x, &verdicts, path, was, now, tell_verdict, err);
	if (is_in(path, "guidelines/"))
		return compare_text(x, CP_DIFF_GUIDELINE, name, was, now, err);
	if (is_in(path, "forms/"))
		return compare_text(x, CP_DIFF_FORM, name, was, now, err);
	if (is_in(path, "cases/"))
		return compare_json(x, CP_DIFF_CASE, was, now, err);
	if (strcmp(path, "project.json") == 0)
		return compare_json(x, CP_DIFF_PROJECT, was, now, err);
	if (strcmp(path, "trust/persons.tsv") == 0)
		return compare_lines(x, &devices, &(struct place){ .path = path }, was, now, tell_device, err);
	if (strcmp(path, "trust/rulings.tsv") == 0)
		return compare_lines(x, &rulings, &(struct place){ .path = path }, was, now, tell_ruling, err);
	if (strcmp(path, "trust/allowed_signers") == 0 || strcmp(path, ".gitattributes") == 0)
		return CP_OK; /* follow from the roster */
	return tell(x, &(struct cp_difference){ .kind = CP_DIFF_FILE, .subject = path, .was = *was->hex ? was->hex : NULL,
			.now = *now->hex ? now->hex : NULL }, err);
}

enum cp_code cp_compare(struct cp_store *s, const struct cp_point *a, const struct cp_point *b, bool is_named,
		cp_difference_visit *visit, void *user, struct cp_err *err)
{
	struct comparing x = { .s = s, .is_named = is_named, .visit = visit, .user = user };
	enum cp_code code;

	cp_caller_begin(&x.caller, s);
	code = cp_repo_compare(s->history, &a->tree, &b->tree, on_path, &x, err);
	cp_caller_drop(&x.caller);
	return code;
}
