/* What follows from the edits of a case: events that nobody wrote down as such. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sync/conflict.h"
#include "sync/inner.h"
#include "sync/story_inner.h"

static bool names(const struct cp_told *e, const struct cp_rev *rev)
{
	for (size_t i = 0; i < e->n_behind; i++)
		if (memcmp(&e->behind[i], rev, sizeof *rev) == 0)
			return true;
	return false;
}

/* ---- superseded ----------------------------------------------------------------------------------- */

/* The edit that put another one out of force: that replaced it, or settled otherwise. SIZE_MAX: none that is here. */
static size_t supersedes(const struct cp_story *t, size_t of)
{
	const struct cp_told *old = &t->list[of];
	size_t wanted = old->table == CP_T_JUDGMENTS && old->fate == CP_OVERRULED ? CP_T_SETTLEMENTS : old->table, best = SIZE_MAX;

	for (size_t i = 0; i < t->n; i++)
		if (i != of && t->list[i].is_edit && t->list[i].table == wanted && names(&t->list[i], &old->rev) &&
				(best == SIZE_MAX || t->list[i].by.claimed_us < t->list[best].by.claimed_us))
			best = i;
	return best;
}

enum cp_code cp_story_superseded(struct cp_story *t, struct cp_err *err)
{
	size_t n = t->n;

	for (size_t i = 0; i < n; i++) {
		size_t by = SIZE_MAX;
		struct cp_told *e;

		if (t->list[i].is_edit && (t->list[i].table == CP_T_JUDGMENTS || t->list[i].table == CP_T_ADJUDICATIONS) &&
				(t->list[i].fate == CP_SUPERSEDED || t->list[i].fate == CP_OVERRULED))
			by = supersedes(t, i);
		if (by == SIZE_MAX)
			continue;
		e = cp_story_add(t, "superseded");
		e->by = t->list[by].by;
		memcpy(e->whom, t->list[i].whom, sizeof e->whom);
		cp_told_behind(e, &t->list[by].rev, sizeof e->rev);
		CP_TRY(cp_buf_printf(&e->detail, err, "%s by %s in %.*s: %s", t->list[i].what, t->list[i].by.who,
				*t->list[i].by.commit ? 8 : 16, *t->list[i].by.commit ? t->list[i].by.commit : "the outbox", t->list[i].detail.len ? t->list[i].detail.data : ""));
	}
	return CP_OK;
}

/* ---- conflicted, late, stale ------------------------------------------------------------------------ */

static int64_t came_at(const struct cp_attest *by)
{
	return by->received_us ? by->received_us : by->claimed_us;
}

/* It was there when the second of what disagrees had come. */
static void when_all_had_come(struct cp_story *t, struct cp_told *e)
{
	e->by.claimed_us = e->by.received_us = 0;
	for (size_t i = 0; i < t->n; i++) {
		int64_t came = came_at(&t->list[i].by);

		if (&t->list[i] != e && t->list[i].is_edit && names(e, &t->list[i].rev) && came > e->by.received_us)
			e->by.received_us = came;
	}
}

static enum cp_code candidates_of(struct cp_story *t, struct cp_told *e, size_t table, const struct cp_id *doc, const char *col,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(t->s, &q, err, "SELECT d.rev, coalesce(p.pseudonym, '') FROM candidates d LEFT JOIN commits m ON m.no = d.commit_no"
			" LEFT JOIN replicas r ON r.id = coalesce(m.replica, ?4) LEFT JOIN persons p ON p.id = r.person"
			" WHERE d.doc = ?1 AND d.tbl = ?2 AND d.col = ?3 ORDER BY d.clock, d.rev", "ditd", doc, (int64_t)table, col,
			&t->s->me.replica));
	for (size_t n = 0;; n++) {
		struct cp_rev rev = { { 0 } };
		char who[64];

		CP_TRY(cp_step(t->s, q, &row, err));
		if (!row)
			return CP_OK;
		if (sqlite3_column_bytes(q, 0) == (int)sizeof rev)
			memcpy(rev.bytes, sqlite3_column_blob(q, 0), sizeof rev);
		cp_told_behind(e, rev.bytes, sizeof rev);
		snprintf(who, sizeof who, "%s", cp_col_text(q, 1));
		CP_TRY(cp_buf_puts(&e->detail, n ? ", " : "between ", err));
		CP_TRY(cp_story_edit_name(t, table, doc, &rev, &e->detail, err));
		CP_TRY(cp_buf_printf(&e->detail, err, " by %s", who));
	}
}

static enum cp_code tell_conflict(struct cp_story *t, size_t table, const struct cp_id *doc, const char *col, const char *class,
		const char *policy, bool is_open, const char *whom, struct cp_err *err)
{
	struct cp_told *e = cp_story_add(t, "conflicted");

	snprintf(e->whom, sizeof e->whom, "%s", whom);
	CP_TRY(cp_buf_printf(&e->detail, err, "%s of %s%s%s, policy %s, %s, ", class, cp_shapes[table].name, *col ? "." : "", col, policy,
			is_open ? "open" : "settled"));
	CP_TRY(candidates_of(t, e, table, doc, col, err));
	when_all_had_come(t, e);
	return CP_OK;
}

/* Nothing was stale before the hub had the revision, either. */
static enum cp_code when_revision_had_come(struct cp_story *t, struct cp_told *e, const char *hex, struct cp_err *err)
{
	static const size_t tables[] = { CP_T_GUIDELINE_REVISIONS, CP_T_FORM_VERSIONS };
	struct cp_id id;
	enum cp_code code = CP_OK;

	for (size_t i = 0; cp_unhex(id.bytes, sizeof id.bytes, hex) && i < 2 && code == CP_OK; i++) {
		struct cp_document d;
		struct cp_attest by;

		CP_TRY(cp_document_load(t->s, tables[i], &id, &d, err));
		if (d.n > 0)
			code = cp_attest_edit(&t->attests, &d.edits[0], &by, err);
		if (code == CP_OK && d.n > 0)
			e->by.received_us = came_at(&by) > e->by.received_us ? came_at(&by) : e->by.received_us;
		cp_document_drop(&d);
	}
	return code;
}

/* A judgment is late, or stale, by all of its edits that stand. */
static enum cp_code tell_lapse(struct cp_story *t, const char *class, const char *col, const char *whom, struct cp_err *err)
{
	struct cp_told *e = cp_story_add(t, class);
	size_t n = t->n - 1;
	bool is_late = strcmp(class, "late") == 0;

	snprintf(e->whom, sizeof e->whom, "%s", whom);
	for (size_t i = 0; i < n; i++)
		if (t->list[i].is_edit && strcmp(t->list[i].whom, whom) == 0 && (t->list[i].table == CP_T_JUDGMENTS ||
				(is_late && t->list[i].table == CP_T_ASSIGNMENTS)))
			cp_told_behind(e, &t->list[i].rev, sizeof t->list[i].rev);
	CP_TRY(cp_buf_puts(&e->detail, is_late ? "the assignment was taken back without knowing of it" : "not made under ", err));
	when_all_had_come(t, e);
	if (is_late)
		return CP_OK;
	CP_TRY(cp_revision_words(t->s, col, &e->detail, err));
	return when_revision_had_come(t, e, col, err);
}

struct found { char col[256], class[16], policy[16]; bool is_open; };

enum cp_code cp_story_conflicts(struct cp_story *t, size_t table, const struct cp_id *doc, const char *whom, struct cp_err *err)
{
	struct found *list = NULL;
	sqlite3_stmt *q;
	size_t n = 0;
	bool row = true;
	enum cp_code code;

	CP_TRY(cp_query(t->s, &q, err, "SELECT col, class, policy, is_open FROM conflicts WHERE doc = ?1 AND tbl = ?2"
			" AND class IN ('fork', 'hard', 'late', 'stale') ORDER BY col, class", "di", doc, (int64_t)table));
	while ((code = cp_step(t->s, q, &row, err)) == CP_OK && row) {
		list = reallocarray(list, n + 1, sizeof *list);
		if (list == NULL)
			abort();
		snprintf(list[n].col, sizeof list->col, "%s", cp_col_text(q, 0));
		snprintf(list[n].class, sizeof list->class, "%s", cp_col_text(q, 1));
		snprintf(list[n].policy, sizeof list->policy, "%s", cp_col_text(q, 2));
		list[n++].is_open = sqlite3_column_int(q, 3) != 0;
	}
	for (size_t i = 0; code == CP_OK && i < n; i++)
		code = *list[i].class == 'f' || *list[i].class == 'h'
			? tell_conflict(t, table, doc, list[i].col, list[i].class, list[i].policy, list[i].is_open, whom, err)
			: tell_lapse(t, list[i].class, list[i].col, whom, err);
	free(list);
	return code;
}

/* ---- opened --------------------------------------------------------------------------------------- */

/* What a device judged it had: no later than the first judgment there, by its clock. The change commit names the outbound commit that
 * the device had taken in when it sealed; which one brought the case, and when it was first looked at, nothing says. */
static bool is_first_of_device(const struct cp_story *t, size_t of)
{
	const struct cp_told *e = &t->list[of];

	for (size_t i = 0; i < t->n; i++)
		if (i != of && t->list[i].is_edit && t->list[i].table == CP_T_JUDGMENTS && strcmp(t->list[i].whom, e->whom) == 0 &&
				strcmp(t->list[i].by.device, e->by.device) == 0 && (t->list[i].by.claimed_us < e->by.claimed_us ||
				(t->list[i].by.claimed_us == e->by.claimed_us && i < of)))
			return false;
	return true;
}

static void open_before(struct cp_story *t, size_t judged)
{
	struct cp_told *e = cp_story_add(t, "opened");
	const struct cp_told *j = &t->list[judged];

	e->by = j->by;
	memcpy(e->whom, j->whom, sizeof e->whom);
	for (size_t i = 0; i < j->n_behind; i++) /* behind the assignment, and the case */
		cp_told_behind(e, &j->behind[i], sizeof *j->behind);
}

enum cp_code cp_story_opened(struct cp_story *t, struct cp_err *err)
{
	size_t n = t->n;

	for (size_t i = 0; i < n; i++) {
		struct cp_told *e;

		if (!t->list[i].is_edit || t->list[i].table != CP_T_JUDGMENTS || *t->list[i].by.applied == '\0' || !is_first_of_device(t, i))
			continue;
		open_before(t, i);
		e = &t->list[t->n - 1];
		CP_TRY(cp_buf_printf(&e->detail, err, "no later than this, when it was judged; sealed behind outbound %.8s",
				e->by.applied));
	}
	return CP_OK;
}

/* ---- exported --------------------------------------------------------------------------------------- */

/* Did the hub hold an answer of this case by then that the export asked for? */
static bool is_held(const struct cp_story *t, const char *rater, const char *field, int64_t at_us)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct cp_told *e = &t->list[i];
		bool has_field = field == NULL;

		for (size_t c = 0; !has_field && c < e->n_changes; c++)
			has_field = strcmp(e->changes[c].field, field) == 0;
		if (e->is_edit && e->table == CP_T_JUDGMENTS && e->by.received_us > 0 && e->by.received_us <= at_us && has_field &&
				(rater == NULL || strcmp(rater, e->whom) == 0))
			return true;
	}
	return false;
}

static bool is_in(const struct cp_story *t, const char *scope, int64_t at_us)
{
	json_t *o = json_loads(scope, 0, NULL);
	bool held = is_held(t, json_string_value(json_object_get(o, "rater")), json_string_value(json_object_get(o, "field")), at_us);

	json_decref(o);
	return held;
}

static enum cp_code tell_export(struct cp_story *t, const struct cp_id *id, const char *words, struct cp_err *err)
{
	size_t n = t->n;

	CP_TRY(cp_story_document(t, CP_T_EXPORTS, id, "", 0, err));
	for (size_t i = n; i < t->n; i++) {
		struct cp_told *e = &t->list[i];

		snprintf(e->what, sizeof e->what, "exported");
		e->fate = -1;
		cp_buf_clear(&e->detail);
		CP_TRY(cp_buf_puts(&e->detail, words, err));
	}
	return CP_OK;
}

enum cp_code cp_story_exports(struct cp_story *t, struct cp_err *err)
{
	struct exported { struct cp_id id; char words[320]; } *list = NULL;
	sqlite3_stmt *q;
	size_t n = 0;
	bool row = true;
	enum cp_code code;

	CP_TRY(cp_query(t->s, &q, err, "SELECT id, clock, scope, format, labels, lower(hex(file)) FROM exports ORDER BY clock, id", ""));
	while ((code = cp_step(t->s, q, &row, err)) == CP_OK && row) {
		if (!is_in(t, cp_col_text(q, 2), sqlite3_column_int64(q, 1)))
			continue;
		list = reallocarray(list, n + 1, sizeof *list);
		if (list == NULL)
			abort();
		cp_col_id(q, 0, &list[n].id);
		snprintf(list[n++].words, sizeof list->words, "%s, %" PRId64 " labels, file %s, of %.120s", cp_col_text(q, 3),
				(int64_t)sqlite3_column_int64(q, 4), cp_col_text(q, 5), cp_col_text(q, 2));
	}
	for (size_t i = 0; code == CP_OK && i < n; i++)
		code = tell_export(t, &list[i].id, list[i].words, err);
	free(list);
	return code;
}
