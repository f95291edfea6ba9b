#include "sync/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/task.h"

/* ---- drafts: local rows, nothing that travels --------------------------------------------- */

static enum cp_code draft_touch(struct cp_store *s, const struct cp_task *t, const char *note, int64_t active_ms,
		struct cp_err *err)
{
	const struct cp_task_held *h = t->held;

	/* It was begun when the case was first looked at, not when the first answer came. */
	CP_TRY(cp_run(s, err, "INSERT OR IGNORE INTO drafts(id, note, content, form_version, guideline_revision, begun_us, saved_us)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6 - 1000 * ?7, ?6)", "dthdbii", &t->assignment, t->note, &t->view.content, &h->form_version,
			h->has_guideline ? (const void *)&h->guideline_revision : NULL, h->has_guideline ? (size_t)16 : (size_t)0,
			s->edit_clock, active_ms));
	return cp_run(s, err, "UPDATE drafts SET note = coalesce(?2, note), active_ms = active_ms + ?3, saved_us = ?4 WHERE id = ?1",
			"dtii", &t->assignment, note, active_ms, s->edit_clock);
}

/* One answer, made canonical, into the draft. */
static enum cp_code draft_answer(struct cp_store *s, const struct cp_task *t, const struct cp_answer *a, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf value = CP_BUF(CP_TEXT_MAX);
	const struct cp_field *field = cp_form_field(&t->form, a->field);
	const char *name = "";

	if (field == NULL)
		return cp_fail(err, CP_EINPUT, "case %s: the form has no field \"%s\"", t->view.id, a->field);
	if (field->scope == CP_PAGE && *a->result)
		return cp_fail(err, CP_EINPUT, "case %s: %s is asked of the whole page, not of a result", t->view.id, a->field);
	if (field->scope == CP_RESULT && (!*a->result || (name = cp_task_result(t, a->result)) == NULL))
		return cp_fail(err, CP_EINPUT, *a->result ? "case %s: has no result \"%s\"" : "case %s: %s is asked of each result: "
				"say %s@RESULT", t->view.id, *a->result ? a->result : a->field, a->field);
	if (*a->value && cp_field_value(&value, field, a->value, strlen(a->value), err) != CP_OK)
		return cp_fail_at(err, "case %s: %s%s%s", t->view.id, a->field, *a->result ? "@" : "", a->result);
	return cp_run(s, err, "INSERT OR REPLACE INTO draft_ratings(id, field, result, value) VALUES(?1, ?2, ?3, ?4)", "dttt",
			&t->assignment, a->field, name, value.len ? value.data : NULL);
}

static bool still_fits(const struct cp_task *t, const char *name, const char *result, const char *value, size_t len)
{
	const struct cp_field *field = cp_form_field(&t->form, name);

	if (field == NULL || (field->scope == CP_PAGE) != (*result == '\0'))
		return false;
	for (size_t i = 0; *result && i <= t->view.n_results; i++) {
		if (i == t->view.n_results)
			return false;
		if (strcmp(t->view.results[i].name, result) == 0)
			break;
	}
	return len == 0 || cp_field_accepts(field, value, len);
}

/* A draft may be older than the case or the form: an answer that has no place any more is dropped, since a hub
 * refuses it, and with it all that its device writes after. */
static enum cp_code draft_prune(struct cp_store *s, const struct cp_task *t, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT field, result, coalesce(value, '') FROM draft_ratings WHERE id = ?1", "d",
			&t->assignment));
	for (;;) {
		CP_AUTO(str) char *field = NULL, *result = NULL;
		const char *value;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		value = cp_col_text(q, 2);
		if (still_fits(t, cp_col_text(q, 0), cp_col_text(q, 1), value, (size_t)sqlite3_column_bytes(q, 2)))
			continue;
		field = strdup(cp_col_text(q, 0));
		result = strdup(cp_col_text(q, 1));
		sqlite3_reset(q); /* and from the start, without it */
		CP_TRY(cp_run(s, err, "DELETE FROM draft_ratings WHERE id = ?1 AND field = ?2 AND result = ?3", "dtt",
				&t->assignment, field, result));
	}
}

static enum cp_code draft_drop(struct cp_store *s, const struct cp_id *id, struct cp_err *err)
{
	CP_TRY(cp_run(s, err, "DELETE FROM draft_ratings WHERE id = ?1", "d", id));
	return cp_run(s, err, "DELETE FROM drafts WHERE id = ?1", "d", id);
}

/* ---- what is still open -------------------------------------------------------------------- */

static enum cp_code count_one(struct cp_store *s, const struct cp_task *t, const struct cp_field *f,
		const struct cp_result_view *r, struct cp_judge_result *out, struct cp_buf *value, struct cp_err *err)
{
	bool found;

	CP_TRY(cp_task_answer(s, t, f->name, r ? r->name : "", value, &found, err));
	if (found || out->missing++ > 0)
		return CP_OK;
	if (r != NULL)
		snprintf(out->first_missing, sizeof out->first_missing, "%s of result %.100s", f->name, r->id);
	else
		snprintf(out->first_missing, sizeof out->first_missing, "%s", f->name);
	return CP_OK;
}

static enum cp_code count_missing(struct cp_store *s, const struct cp_task *t, struct cp_judge_result *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf value = CP_BUF(CP_TEXT_MAX);

	out->missing = 0;
	out->first_missing[0] = '\0';
	for (size_t i = 0; i < t->form.n_fields; i++) {
		const struct cp_field *f = &t->form.fields[i];

		if (!f->is_required)
			continue;
		if (f->scope == CP_PAGE)
			CP_TRY(count_one(s, t, f, NULL, out, &value, err));
		for (size_t r = 0; f->scope == CP_RESULT && r < t->view.n_results; r++)
			CP_TRY(count_one(s, t, f, &t->view.results[r], out, &value, err));
	}
	return CP_OK;
}

/* ---- submitting ----------------------------------------------------------------------------- */

/* Answers of the draft that differ from what stands. */
static enum cp_code count_news(struct cp_store *s, const struct cp_id *id, int64_t *out, struct cp_err *err)
{
	return cp_query_int(s, out, 0, err, "SELECT count(*) FROM draft_ratings d LEFT JOIN ratings r ON r.judgment = d.id"
			" AND r.field = d.field AND r.result = d.result WHERE d.id = ?1 AND d.value IS NOT r.value", "d", id);
}

static enum cp_code write_answers(struct cp_store *s, const struct cp_id *id, const struct cp_rev *rev, struct cp_err *err)
{
	return cp_run(s, err, "INSERT INTO ratings(judgment, field, result, rev, value)"
			" SELECT d.id, d.field, d.result, ?2, d.value FROM draft_ratings d LEFT JOIN ratings r ON r.judgment = d.id"
			" AND r.field = d.field AND r.result = d.result WHERE d.id = ?1 AND d.value IS NOT r.value"
			" ON CONFLICT DO UPDATE SET rev = excluded.rev, value = excluded.value", "dr", id, rev);
}

static enum cp_code times_of(struct cp_store *s, const struct cp_id *id, int64_t *active_ms, int64_t *wall_ms, struct cp_err *err)
{
	CP_TRY(cp_query_int(s, active_ms, 0, err, "SELECT d.active_ms + coalesce(j.active_ms, 0) FROM drafts d"
			" LEFT JOIN judgments j ON j.id = d.id WHERE d.id = ?1", "d", id));
	return cp_query_int(s, wall_ms, 0, err, "SELECT max((d.saved_us - d.begun_us) / 1000, d.active_ms)"
			" + coalesce(j.wall_ms, 0) FROM drafts d LEFT JOIN judgments j ON j.id = d.id WHERE d.id = ?1", "d", id);
}

static enum cp_code submit(struct cp_store *s, const struct cp_task *t, const char *state, struct cp_judge_result *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf note = CP_BUF(CP_TEXT_MAX);
	const struct cp_task_held *h = t->held;
	int64_t news, active_ms, wall_ms, differs;
	struct cp_rev rev;

	CP_TRY(cp_query_text(s, &note, NULL, err, "SELECT note FROM drafts WHERE id = ?1", "d", &t->assignment));
	CP_TRY(count_news(s, &t->assignment, &news, err));
	CP_TRY(cp_query_int(s, &differs, 1, err, "SELECT state <> ?2 OR note <> ?3 FROM judgments WHERE id = ?1", "dtt",
			&t->assignment, state, note.data ? note.data : ""));
	CP_TRY(times_of(s, &t->assignment, &active_ms, &wall_ms, err));
	out->state = state;
	out->changed = news > 0 || differs;
	if (out->changed) {
		CP_TRY(cp_edit_document(s, CP_T_JUDGMENTS, &t->assignment, (struct cp_set[]){
				{ "assignment_rev", cp_v_blob(h->assignment_rev, h->assignment_rev_len) },
				{ "content", cp_v_blob(t->view.content.bytes, 32) },
				{ "form_version", cp_v_blob(h->form_version.bytes, 16) },
				{ "guideline_revision", cp_v_blob(h->guideline_revision.bytes, h->has_guideline ? 16 : 0) },
				{ "state", cp_v_text(state) }, { "note", cp_v_text(note.data ? note.data : "") },
				{ "active_ms", cp_v_int(active_ms) }, { "wall_ms", cp_v_int(wall_ms) },
				{ "idle_ms", cp_v_int(wall_ms > active_ms ? wall_ms - active_ms : 0) } },
				9, CP_EDIT_FORCED, &rev, NULL, err));
		CP_TRY(write_answers(s, &t->assignment, &rev, err));
	}
	return draft_drop(s, &t->assignment, err);
}

/* ---- the verb ------------------------------------------------------------------------------- */

static enum cp_code judge_inside(struct cp_store *s, const struct cp_task *t, const struct cp_answer *answers, size_t n,
		enum cp_submit how, const char *note, int64_t active_ms, struct cp_judge_result *out, struct cp_err *err)
{
	memset(out, 0, sizeof *out);
	if (strcmp(t->state, "withdrawn") == 0 || t->view.is_forgotten)
		return cp_fail(err, CP_EINPUT, "case %s: was %s by the lead; nothing was changed", t->view.id,
				t->view.is_forgotten ? "forgotten" : "taken back");
	if (note != NULL && !cp_utf8_valid(note, strlen(note)))
		return cp_fail(err, CP_EINPUT, "case %s: the note is not UTF-8", t->view.id);
	if (note != NULL) /* every hub must be able to take it */
		CP_TRY(cp_limit_check(&cp_limits_default, CP_LIMIT_TEXT, strlen(note), err, "the note"));
	if (how == CP_SUBMIT_SKIP && (note == NULL || !*note) && (t->note == NULL || !*t->note))
		return cp_fail(err, CP_EINPUT, "case %s: say why it is skipped (--note)", t->view.id);
	CP_TRY(draft_touch(s, t, note, active_ms, err));
	CP_TRY(draft_prune(s, t, err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(draft_answer(s, t, &answers[i], err));
	CP_TRY(count_missing(s, t, out, err));
	if (how == CP_SUBMIT_SKIP || how == CP_SUBMIT_ESCALATE)
		return submit(s, t, how == CP_SUBMIT_SKIP ? "skipped" : "escalated", out, err);
	if (how == CP_SUBMIT_IF_COMPLETE && out->missing == 0)
		return submit(s, t, "submitted", out, err);
	out->state = "draft";
	out->changed = true;
	return CP_OK;
}

enum cp_code cp_judge_begin(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(cp_edit_begin(s, err));
	s->is_judging = true;
	return CP_OK;
}

enum cp_code cp_judge_commit(struct cp_store *s, const char *words, struct cp_err *err)
{
	s->is_judging = false;
	return cp_edit_commit(s, words, err);
}

void cp_judge_abort(struct cp_store *s)
{
	s->is_judging = false;
	cp_edit_abort(s);
}

enum cp_code cp_judge(struct cp_store *s, const struct cp_task *t, const struct cp_answer *answers, size_t n,
		enum cp_submit how, const char *note, int64_t active_ms, struct cp_judge_result *out, struct cp_err *err)
{
	char words[128];
	enum cp_code code;

	if (s->is_judging)
		return judge_inside(s, t, answers, n, how, note, active_ms, out, err);
	CP_TRY(cp_edit_begin(s, err));
	code = judge_inside(s, t, answers, n, how, note, active_ms, out, err);
	if (code == CP_OK) {
		snprintf(words, sizeof words, "case %s: %s", t->view.name, out->state);
		return cp_edit_commit(s, words, err);
	}
	cp_edit_abort(s);
	return code;
}
