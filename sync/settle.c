#include "sync/settle.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/question.h"
#include "sync/resolution.h"

enum cp_code cp_settle_check_lead(struct cp_store *s, const char *what, struct cp_err *err)
{
	if (s->me.is_hub && s->me.role == CP_LEAD)
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "%s: only a lead's hub %s", s->path, what);
}

enum cp_code cp_settling_begin(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(cp_settle_check_lead(s, "settles what disagrees", err));
	return cp_edit_begin(s, err);
}

enum cp_code cp_settling_commit(struct cp_store *s, const char *words, struct cp_err *err)
{
	return cp_edit_commit(s, words, err);
}

void cp_settling_abort(struct cp_store *s)
{
	cp_edit_abort(s);
}

static enum cp_code check_reason(const char *reason, struct cp_err *err)
{
	if (reason == NULL || reason[strspn(reason, " \t\n")] == '\0')
		return cp_fail(err, CP_EINPUT, "a decision needs a reason: --reason \"WHY\"");
	return cp_utf8_valid(reason, strlen(reason)) ? CP_OK : cp_fail(err, CP_EINPUT, "the reason is not UTF-8");
}

/* ---- judgments --------------------------------------------------------------------------------------- */

enum cp_code cp_settle_judgment(struct cp_store *s, const struct cp_id *judgment, const struct cp_rev *stands,
		const struct cp_rev *weighed, size_t n_weighed, const char *policy, const char *reason, struct cp_err *err)
{
	bool is_weighed = false;

	CP_TRY(check_reason(reason, err));
	for (size_t i = 0; i < n_weighed; i++)
		is_weighed = is_weighed || memcmp(&weighed[i], stands, sizeof *stands) == 0;
	if (!is_weighed)
		return cp_fail(err, CP_EINPUT, "the edit that is to stand is none of those that were weighed");
	/* A settlement over settlements that disagree is an edit even where it says what the row shows. */
	return cp_edit_document(s, CP_T_SETTLEMENTS, judgment, (struct cp_set[]){
			{ "stands", cp_v_blob(stands, sizeof *stands) },
			{ "weighed", cp_v_blob(weighed, n_weighed * sizeof *weighed) },
			{ "reason", cp_v_text(reason) }, { "policy", cp_v_text(policy) },
			{ "person", cp_v_blob(s->me.person.bytes, 16) } }, 5, CP_EDIT_FORCED, NULL, NULL, err);
}

static void add_rev(struct cp_rev *list, size_t *n, const void *rev)
{
	for (size_t i = 0; i < *n; i++)
		if (memcmp(&list[i], rev, sizeof *list) == 0)
			return;
	memcpy(&list[(*n)++], rev, sizeof *list);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cp_rev));
}

/* All leaves that the judgment's row holds, and all candidates: under some policies these are not all leaves. */
static enum cp_code weigh(struct cp_store *s, const struct cp_conflict *c, struct cp_rev **out, size_t *n, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	CP_TRY(cp_row_get(s, CP_T_JUDGMENTS, &c->doc, row, &found, err));
	*n = 0;
	*out = calloc((found ? row[CP_C_REV].len / 8 : 0) + c->n + 1, sizeof **out);
	if (*out == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; found && i < row[CP_C_REV].len / 8; i++)
		add_rev(*out, n, row[CP_C_REV].bytes + 8 * i);
	for (size_t i = 0; c->table_no == CP_T_JUDGMENTS && i < c->n; i++)
		add_rev(*out, n, &c->candidates[i].rev);
	return CP_OK;
}

/* Adds revs that stand joined in hex. */
static enum cp_code add_weighed(struct cp_rev **list, size_t *n, const char *hex, struct cp_err *err)
{
	size_t more = strlen(hex) / 16;
	struct cp_rev *grown = reallocarray(*list, *n + more + 1, sizeof *grown);

	if (grown == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	*list = grown;
	for (size_t i = 0; i < more; i++) {
		struct cp_rev rev;
		char one[CP_REV_HEX];

		snprintf(one, sizeof one, "%.16s", hex + 16 * i);
		if (cp_unhex(&rev, sizeof rev, one))
			add_rev(grown, n, &rev);
	}
	return CP_OK;
}

/* Settlements disagree: take what one of them says of the judgment, having weighed what all of them did. */
static enum cp_code read_settlements(const struct cp_conflict *c, size_t candidate, struct cp_rev *stands,
		struct cp_rev **weighed, size_t *n, struct cp_err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		json_t *o = json_loads(c->candidates[i].value, 0, NULL);
		const char *chosen = json_string_value(json_object_get(o, "stands"));
		const char *hex = json_string_value(json_object_get(o, "weighed"));
		bool is_good = chosen != NULL && hex != NULL && (i != candidate || cp_unhex(stands, sizeof *stands, chosen));
		enum cp_code code = is_good ? add_weighed(weighed, n, hex, err)
			: cp_fail(err, CP_EINPUT, "conflict %.8s: a settlement that cannot be read", c->id);

		json_decref(o);
		CP_TRY(code);
	}
	return CP_OK;
}

static enum cp_code take_whole(struct cp_store *s, const struct cp_conflict *c, size_t candidate, const char *reason,
		struct cp_err *err)
{
	struct cp_rev stands = c->candidates[candidate].rev, *weighed = NULL;
	size_t n = 0;
	enum cp_code code = weigh(s, c, &weighed, &n, err);

	if (code == CP_OK && c->table_no == CP_T_SETTLEMENTS)
		code = read_settlements(c, candidate, &stands, &weighed, &n, err);
	if (weighed != NULL)
		qsort(weighed, n, sizeof *weighed, by_bytes); /* two leads who weigh the same say the same */
	if (code == CP_OK)
		code = cp_settle_judgment(s, &c->doc, &stands, weighed, n, c->policy, reason, err);
	free(weighed);
	return code;
}

/* A lead's decision about a stale judgment, once more and over all that disagree with it. */
static enum cp_code take_decision(struct cp_store *s, const struct cp_conflict *c, size_t candidate, const char *reason,
		struct cp_err *err)
{
	static const char *const columns[] = { "judgment", "cause", "weighed", "decision" };
	json_t *o = json_loads(c->candidates[candidate].value, 0, NULL);
	struct cp_buf texts[4] = { CP_BUF(64), CP_BUF(64), CP_BUF(64), CP_BUF(64) };
	struct cp_set sets[6] = { { "reason", cp_v_text(reason) }, { "person", cp_v_blob(s->me.person.bytes, 16) } };
	bool is_good = o != NULL;
	enum cp_code code;

	for (size_t i = 0; i < 4; i++) {
		json_t *v = json_object_get(o, columns[i]);

		sets[2 + i].column = columns[i];
		is_good = is_good && v != NULL && cp_value_of_json(&sets[2 + i].value, &texts[i], c->table_no,
				(size_t)cp_column_named(c->table_no, columns[i]), v);
	}
	code = is_good ? cp_edit_document(s, c->table_no, &c->doc, sets, 6, CP_EDIT_FORCED, NULL, NULL, err)
		: cp_fail(err, CP_EINPUT, "conflict %.8s: a decision that cannot be read", c->id);
	for (size_t i = 0; i < 4; i++)
		cp_buf_drop(&texts[i]);
	json_decref(o);
	return code;
}

/* ---- columns ------------------------------------------------------------------------------------------- */

/* What the resolution of this edit already settles (another column of the same document, a moment ago), and these. */
static enum cp_code add_settles(struct cp_store *s, const struct cp_id *id, const struct cp_settled_column *columns,
		size_t n, char **out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	json_t *o = NULL;
	bool found;

	CP_TRY(cp_row_get(s, CP_T_RESOLUTIONS, id, row, &found, err));
	if (found)
		o = json_loadb((const char *)row[CP_RES_SETTLES].bytes, row[CP_RES_SETTLES].len, 0, NULL);
	if (o == NULL)
		o = json_object();
	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, columns[i].name, cp_value_json(&columns[i].value));
	*out = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	return *out ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
}

enum cp_code cp_resolve_columns(struct cp_store *s, size_t table, const struct cp_id *doc,
		const struct cp_settled_column *columns, size_t n, const char *policy, const char *reason, struct cp_err *err)
{
	CP_AUTO(str) char *settles = NULL;
	struct cp_set sets[CP_MAX_COLUMNS];
	struct cp_rev rev;
	struct cp_id id;

	CP_TRY(check_reason(reason, err));
	for (size_t i = 0; i < n; i++)
		sets[i] = (struct cp_set){ columns[i].name, columns[i].value };
	CP_TRY(cp_edit_document(s, table, doc, sets, n, CP_EDIT_FORCED, &rev, NULL, err));
	cp_resolution_id(&id, table, doc, &rev);
	CP_TRY(add_settles(s, &id, columns, n, &settles, err));
	return cp_edit_document(s, CP_T_RESOLUTIONS, &id, (struct cp_set[]){
			{ "tbl", cp_v_text(cp_shapes[table].name) }, { "doc", cp_v_blob(doc->bytes, 16) },
			{ "edit", cp_v_blob(rev.bytes, 8) }, { "settles", cp_v_text(settles) },
			{ "policy", cp_v_text(policy) }, { "reason", cp_v_text(reason) },
			{ "person", cp_v_blob(s->me.person.bytes, 16) } }, 7, CP_EDIT_PLAIN, NULL, NULL, err);
}

/* A final answer is from now on its who decided, and for that reason. */
static size_t add_account(struct cp_store *s, const struct cp_conflict *c, const char *reason,
		struct cp_settled_column *columns)
{
	if (c->table_no != CP_T_ADJUDICATIONS || strcmp(c->column, "value") != 0)
		return 0;
	columns[0] = (struct cp_settled_column){ "person", cp_v_blob(s->me.person.bytes, 16) };
	columns[1] = (struct cp_settled_column){ "reason", cp_v_text(reason) };
	return 2;
}

static enum cp_code resolve_column(struct cp_store *s, const struct cp_conflict *c, const struct cp_value *value,
		const char *reason, struct cp_err *err)
{
	struct cp_settled_column columns[3] = { { c->column, *value } };
	size_t n = 1 + add_account(s, c, reason, columns + 1);

	return cp_resolve_columns(s, c->table_no, &c->doc, columns, n, c->policy, reason, err);
}

static enum cp_code take_column(struct cp_store *s, const struct cp_conflict *c, size_t candidate, const char *reason,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	json_t *o = json_loads(c->candidates[candidate].value, 0, NULL), *v = json_object_get(o, c->column);
	int column = cp_column_named(c->table_no, c->column);
	struct cp_value value;
	enum cp_code code;

	if (v == NULL || column < 0 || !cp_value_of_json(&value, &text, c->table_no, (size_t)column, v))
		code = cp_fail(err, CP_EINPUT, "conflict %.8s: the candidate writes nothing that can be taken", c->id);
	else
		code = resolve_column(s, c, &value, reason, err);
	json_decref(o);
	return code;
}

enum cp_code cp_settle_check(const struct cp_conflict *c, struct cp_err *err)
{
	if (cp_table_is_private(c->table_no))
		return cp_fail(err, CP_EINPUT, "conflict %.8s: is about private data, and a decision would stand in history; "
				"write the value again instead", c->id);
	if (strcmp(c->class, "fork") == 0 || strcmp(c->class, "hard") == 0)
		return CP_OK;
	if (strcmp(c->class, "text") == 0)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: revisions are merged by writing one over them: `casepack %s revise %s FILE`",
				c->id, c->table_no == CP_T_FORMS ? "form" : "guideline", c->name);
	if (strcmp(c->class, "stale") == 0)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: what becomes of a stale judgment `casepack stale` decides: "
				"keep, requeue or void", c->id);
	return cp_fail(err, CP_EINPUT, "conflict %.8s: there is nothing to settle in what is %s", c->id, c->class);
}

enum cp_code cp_settle_take(struct cp_store *s, const struct cp_conflict *c, size_t candidate, const char *reason,
		struct cp_err *err)
{
	CP_TRY(check_reason(reason, err));
	CP_TRY(cp_settle_check(c, err));
	if (candidate >= c->n)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: has candidates 1 to %zu", c->id, c->n);
	if (c->table_no == CP_T_JUDGMENTS || c->table_no == CP_T_SETTLEMENTS)
		return take_whole(s, c, candidate, reason, err);
	if (c->table_no == CP_T_STALE_SETTLEMENTS)
		return take_decision(s, c, candidate, reason, err);
	return take_column(s, c, candidate, reason, err);
}

/* ---- a new value ------------------------------------------------------------------------------------------ */

static enum cp_code check_new_value(struct cp_store *s, const struct cp_conflict *c, struct cp_err *err)
{
	static const char *const inner[] = { "results", "policies", "body", "parents", "number" };
	struct cp_value def;
	int column = cp_column_named(c->table_no, c->column);

	(void)s;
	CP_TRY(cp_settle_check(c, err));
	if (c->table_no == CP_T_JUDGMENTS || c->table_no == CP_T_SETTLEMENTS)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: a judgment is its rater's, and a lead takes one of the candidates "
				"(--take); `casepack adjudicate` sets a final answer of another value", c->id);
	if (c->table_no == CP_T_STALE_SETTLEMENTS)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: take one of the candidates (--take); `casepack stale` decides anew", c->id);
	if (column < 0)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: is about no single column", c->id);
	cp_table_default(&def, c->table_no, (size_t)column);
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		if (strcmp(c->column, inner[i]) == 0 || def.type == CP_BLOB)
			return cp_fail(err, CP_EINPUT, "conflict %.8s: %s holds no plain value; take one of the candidates", c->id,
					c->column);
	return CP_OK;
}

static bool parse_value(struct cp_value *out, size_t table, size_t column, const char *text)
{
	struct cp_value def;
	char *end;

	cp_table_default(&def, table, column);
	*out = cp_v_text(text);
	if (def.type != CP_INT)
		return cp_utf8_valid(text, strlen(text));
	errno = 0;
	*out = cp_v_int(strtoll(text, &end, 10));
	return errno == 0 && *text != '\0' && *end == '\0';
}

/* The answers of an adjudication are those of its form. */
static enum cp_code canonical_of(struct cp_store *s, const struct cp_conflict *c, const char *value, struct cp_buf *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf field = CP_BUF(4096);

	CP_TRY(cp_query_text(s, &field, NULL, err, "SELECT field FROM adjudications WHERE id = ?1", "d", &c->doc));
	return cp_question_value(s, &c->case_id, field.data ? field.data : "", value, out, err);
}

enum cp_code cp_settle_value(struct cp_store *s, const struct cp_conflict *c, const char *text, const char *reason,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf made = CP_BUF(CP_TEXT_MAX);
	struct cp_err why = { .code = CP_OK };
	struct cp_value value;
	enum cp_code code;

	CP_TRY(check_reason(reason, err));
	CP_TRY(check_new_value(s, c, err));
	if (c->table_no == CP_T_ADJUDICATIONS && strcmp(c->column, "value") == 0)
		CP_TRY(canonical_of(s, c, text, &made, err));
	if (!parse_value(&value, c->table_no, (size_t)cp_column_named(c->table_no, c->column), made.len ? made.data : text))
		return cp_fail(err, CP_EINPUT, "conflict %.8s: \"%.60s\" is no value of %s", c->id, text, c->column);
	code = resolve_column(s, c, &value, reason, &why);
	if (code == CP_EIO && strstr(why.text, "constraint") != NULL)
		return cp_fail(err, CP_EINPUT, "conflict %.8s: \"%.60s\" is no value of %s", c->id, text, c->column);
	return code == CP_OK ? CP_OK : cp_fail(err, code, "%s", why.text);
}

/* ---- final answers -------------------------------------------------------------------------------------------- */

const char cp_adjudicate_causes[] = "disagreement, gold, policy, error, other";

static bool is_cause(const char *cause)
{
	static const char *const causes[] = { "disagreement", "gold", "policy", "error", "other" };

	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
		if (strcmp(causes[i], cause) == 0)
			return true;
	return false;
}

static enum cp_code write_final(struct cp_store *s, const struct cp_final *f, const char *result, const struct cp_value *value,
		bool *changed, struct cp_err *err)
{
	struct cp_id id;

	cp_question_id(&id, "adjudication", &f->case_id, f->field, result);
	return cp_edit_document(s, CP_T_ADJUDICATIONS, &id, (struct cp_set[]){
			{ "case_id", cp_v_blob(f->case_id.bytes, 16) }, { "field", cp_v_text(f->field) },
			{ "result", cp_v_text(result) }, { "value", *value }, { "cause", cp_v_text(f->cause) },
			{ "reason", cp_v_text(f->reason) }, { "person", cp_v_blob(s->me.person.bytes, 16) } }, 7,
			CP_EDIT_PLAIN, NULL, changed, err);
}

enum cp_code cp_adjudicate(struct cp_store *s, const struct cp_final *f, bool *out_changed, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf value = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf result = CP_BUF(4096);

	CP_TRY(check_reason(f->reason, err));
	if (!is_cause(f->cause))
		return cp_fail(err, CP_EUSAGE, "\"%.40s\" is none of %s", f->cause, cp_adjudicate_causes);
	CP_TRY(cp_question_answer(s, &f->case_id, f->field, f->result, f->value, &result, &value, err));
	return write_final(s, f, result.data ? result.data : "", &(struct cp_value){ value.len ? CP_TEXT : CP_NULL, value.len, 0, 0,
			(const uint8_t *)value.data }, out_changed, err);
}

enum cp_code cp_final_each(struct cp_store *s, const struct cp_id *case_id, cp_final_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT a.field, a.result, a.value, a.cause, a.reason, coalesce(p.pseudonym, ''), a.clock"
			" FROM adjudications a LEFT JOIN persons p ON p.id = a.person WHERE a.case_id = ?1 AND a.value IS NOT NULL"
			" ORDER BY a.field, a.result", "d", case_id));
	for (;;) {
		struct cp_final_row r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		r = (struct cp_final_row){ cp_col_text(q, 0), cp_col_text(q, 1), cp_col_text(q, 2), cp_col_text(q, 3), cp_col_text(q, 4),
			cp_col_text(q, 5), sqlite3_column_int64(q, 6) };
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
