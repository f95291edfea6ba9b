#include "sync/gold.h"

#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/question.h"

/* ---- writing -------------------------------------------------------------------------------- */

bool cp_gold_is_known(const struct cp_store *s)
{
	return s->private != NULL && s->me.role == CP_LEAD;
}

static enum cp_code check_hub(struct cp_store *s, struct cp_err *err)
{
	return cp_gold_is_known(s) ? CP_OK
		: cp_fail(err, CP_EINPUT, "%s: only a lead's hub knows gold answers", s->path);
}

enum cp_code cp_gold_begin(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(check_hub(s, err));
	return cp_edit_begin_private(s, err);
}

enum cp_code cp_gold_commit(struct cp_store *s, const char *words, struct cp_err *err)
{
	return cp_edit_commit(s, words, err);
}

void cp_gold_abort(struct cp_store *s)
{
	cp_edit_abort(s);
}

enum cp_code cp_gold_put(struct cp_store *s, const struct cp_gold *g, bool *out_changed, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf result = CP_BUF(4096), value = CP_BUF(CP_TEXT_MAX);
	const char *named;
	struct cp_id id;

	if (*g->value == '\0')
		return cp_fail(err, CP_EINPUT, "%s: gold is an answer; `casepack gold withdraw` takes one back", g->field);
	CP_TRY(cp_question_answer(s, &g->case_id, g->field, g->result, g->value, &result, &value, err));
	named = result.data ? result.data : "";
	cp_question_id(&id, "gold", &g->case_id, g->field, named);
	return cp_edit_document(s, CP_T_GOLD, &id, (struct cp_set[]){
			{ "case_id", cp_v_blob(g->case_id.bytes, 16) }, { "field", cp_v_text(g->field) }, { "result", cp_v_text(named) },
			{ "value", cp_v_text(value.data ? value.data : "") }, { "reason", cp_v_text(g->reason ? g->reason : "") } },
			g->reason ? 5 : 4, CP_EDIT_PLAIN, NULL, out_changed, err);
}

enum cp_code cp_gold_withdraw(struct cp_store *s, const struct cp_id *case_id, const char *field, const char *result,
		int64_t *out_n, struct cp_err *err)
{
	for (*out_n = 0;; ++*out_n) {
		struct cp_id id;

		CP_TRY(cp_query_id(s, &id, err, "SELECT id FROM gold WHERE case_id = ?1 AND value IS NOT NULL AND (?2 IS NULL OR field = ?2)"
				" AND (?3 IS NULL OR result = ?3) LIMIT 1", "dtt", case_id, field, result));
		if (!cp_id_is_set(&id))
			return CP_OK;
		CP_TRY(cp_edit_document(s, CP_T_GOLD, &id, (struct cp_set[]){ { "value", { .type = CP_NULL } } }, 1, CP_EDIT_PLAIN, NULL,
				NULL, err));
	}
}

/* ---- reading -------------------------------------------------------------------------------- */

enum cp_code cp_gold_each(struct cp_store *s, const struct cp_id *case_id, cp_gold_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(check_hub(s, err));
	CP_TRY(cp_query(s, &q, err, "SELECT g.case_id, coalesce(c.name, lower(hex(g.case_id))), g.field, g.result, g.value, g.reason, g.clock"
			" FROM gold g LEFT JOIN cases c ON c.id = g.case_id WHERE g.value IS NOT NULL AND (?1 = x'' OR g.case_id = ?1)"
			" ORDER BY 2, g.case_id, g.field, g.result", "b", case_id, case_id ? sizeof case_id->bytes : 0));
	for (;;) {
		struct cp_gold_row r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &r.case_id);
		r.case_name = cp_col_text(q, 1);
		r.field = cp_col_text(q, 2);
		r.result = cp_col_text(q, 3);
		r.value = cp_col_text(q, 4);
		r.reason = cp_col_text(q, 5);
		r.at_us = sqlite3_column_int64(q, 6);
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_gold_report(struct cp_store *s, cp_gold_score_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(check_hub(s, err));
	CP_TRY(cp_query(s, &q, err, "WITH held(rater, field, equal) AS (SELECT p.pseudonym, r.field, r.value = g.value FROM gold g"
			"  JOIN assignments a ON a.case_id = g.case_id JOIN judgments j ON j.id = a.id AND j.state = 'submitted'"
			"  JOIN ratings r ON r.judgment = j.id AND r.field = g.field AND r.result = g.result AND r.value IS NOT NULL"
			"  JOIN persons p ON p.id = a.person WHERE g.value IS NOT NULL)"
			" SELECT rater, '', count(*), sum(equal) FROM held GROUP BY rater"
			" UNION ALL SELECT rater, field, count(*), sum(equal) FROM held GROUP BY rater, field ORDER BY 1, 2", ""));
	for (;;) {
		struct cp_gold_score r;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		r = (struct cp_gold_score){ cp_col_text(q, 0), cp_col_text(q, 1), sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3) };
		code = visit(user, &r, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_gold_betrayed(struct cp_store *s, struct cp_buf *out, struct cp_err *err)
{
	CP_TRY(check_hub(s, err));
	return cp_query_text(s, out, NULL, err, "WITH marked(segment, is_gold) AS (SELECT segment, EXISTS (SELECT 1 FROM gold g"
			"  WHERE g.case_id = c.id AND g.value IS NOT NULL) FROM cases c WHERE state = 'active')"
			" SELECT coalesce(group_concat(segment, ', '), '') FROM (SELECT segment FROM marked WHERE segment <> ''"
			"  GROUP BY segment HAVING min(is_gold) = 1 ORDER BY segment) WHERE EXISTS (SELECT 1 FROM marked WHERE NOT is_gold)", "");
}

/* ---- metrics -------------------------------------------------------------------------------- */

enum cp_code cp_metric_put(struct cp_store *s, const struct cp_id *case_id, const struct cp_metric *m, struct cp_err *err)
{
	struct cp_id id;

	cp_question_id(&id, "metric", case_id, m->name, m->result);
	return cp_edit_document(s, CP_T_METRICS, &id, (struct cp_set[]){
			{ "case_id", cp_v_blob(case_id->bytes, 16) }, { "result", cp_v_text(m->result) }, { "name", cp_v_text(m->name) },
			{ "value", m->value ? cp_v_text(m->value) : (struct cp_value){ .type = CP_NULL } } },
			4, CP_EDIT_DERIVED, NULL, NULL, err);
}

enum cp_code cp_metric_each(struct cp_store *s, const struct cp_id *case_id, cp_metric_visit *visit, void *user,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT result, name, value FROM metrics WHERE case_id = ?1 AND value IS NOT NULL"
			" ORDER BY result, name", "d", case_id));
	for (;;) {
		struct cp_metric m;
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		m = (struct cp_metric){ cp_col_text(q, 0), cp_col_text(q, 1), cp_col_text(q, 2) };
		code = visit(user, &m, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
