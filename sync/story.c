/* The life of a case: its events, and their order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/story_inner.h"

/* ---- events ------------------------------------------------------------------------------------ */

static void told_drop(struct cp_told *e)
{
	cp_buf_drop(&e->detail);
	cp_buf_drop(&e->reason);
	for (size_t i = 0; i < e->n_changes; i++) {
		free((void *)(uintptr_t)e->changes[i].field);
		free((void *)(uintptr_t)e->changes[i].result);
		free((void *)(uintptr_t)e->changes[i].from);
		free((void *)(uintptr_t)e->changes[i].to);
	}
	free(e->changes);
	free(e->behind);
}

void cp_story_drop(struct cp_story *t)
{
	for (size_t i = 0; i < t->n; i++)
		told_drop(&t->list[i]);
	free(t->list);
	cp_attests_drop(&t->attests);
	memset(t, 0, sizeof *t);
}

struct cp_told *cp_story_add(struct cp_story *t, const char *what)
{
	struct cp_told *e;

	if (t->n == t->room) {
		t->room = t->room * 2 + 16;
		t->list = reallocarray(t->list, t->room, sizeof *t->list);
		if (t->list == NULL)
			abort();
	}
	e = &t->list[t->n++];
	memset(e, 0, sizeof *e);
	e->detail = e->reason = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	e->fate = -1;
	e->by.signature = e->by.device_state = "";
	snprintf(e->what, sizeof e->what, "%s", what);
	return e;
}

void cp_told_behind(struct cp_told *e, const void *revs, size_t len)
{
	size_t n = len / sizeof *e->behind;

	e->behind = reallocarray(e->behind, e->n_behind + n + 1, sizeof *e->behind);
	if (e->behind == NULL)
		abort();
	if (n > 0)
		memcpy(e->behind + e->n_behind, revs, n * sizeof *e->behind);
	e->n_behind += n;
}

/* ---- order: by the authors' clocks, but nothing before what it came from ------------------------- */

/* Nobody wrote what a hub had taken in already: a clock that runs ahead is held to the receipt, which another hub tells to the second. */
static int64_t own_time(const struct cp_told *e)
{
	int64_t received = e->by.received_us, latest = received % 1000000 == 0 ? received + 999999 : received;

	return received > 0 && (e->by.claimed_us > latest || e->by.claimed_us == 0) ? received : e->by.claimed_us;
}

static void place(struct cp_story *t, struct cp_told *e)
{
	if (e->depth > 0)
		return;
	e->depth = 1; /* also where a ring of forged edits leads back here */
	e->at_us = own_time(e);
	for (size_t b = 0; b < e->n_behind; b++)
		for (size_t i = 0; i < t->n; i++) {
			struct cp_told *cause = &t->list[i];

			if (cause == e || !cause->is_edit || memcmp(&cause->rev, &e->behind[b], sizeof cause->rev) != 0)
				continue;
			place(t, cause);
			e->at_us = cause->at_us > e->at_us ? cause->at_us : e->at_us;
			e->depth = cause->depth >= e->depth ? cause->depth + 1 : e->depth;
		}
}

static int by_place(const void *a, const void *b)
{
	const struct cp_told *x = a, *y = b;
	int order = (x->at_us > y->at_us) - (x->at_us < y->at_us);

	if (order == 0)
		order = (x->depth > y->depth) - (x->depth < y->depth);
	if (order == 0)
		order = strcmp(x->by.commit, y->by.commit);
	if (order == 0)
		order = memcmp(&x->rev, &y->rev, sizeof x->rev);
	return order ? order : strcmp(x->what, y->what);
}

void cp_story_sort(struct cp_story *t)
{
	for (size_t i = 0; i < t->n; i++)
		place(t, &t->list[i]);
	if (t->n > 0)
		qsort(t->list, t->n, sizeof *t->list, by_place);
}

/* ---- telling -------------------------------------------------------------------------------------- */

static bool has_field(const struct cp_told *e, const char *field)
{
	for (size_t i = 0; i < e->n_changes; i++)
		if (strcmp(e->changes[i].field, field) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct cp_told *e, const struct cp_story_filter *f)
{
	if (f->person != NULL && strcmp(f->person, e->by.who) != 0 && strcmp(f->person, e->whom) != 0)
		return false;
	if (f->field != NULL && !has_field(e, f->field))
		return false;
	if (f->since_us > 0 && e->by.claimed_us < f->since_us && e->by.received_us < f->since_us)
		return false;
	return f->guideline == NULL || (strcmp(f->guideline, e->guideline) == 0 &&
			(f->revision == 0 || f->revision == e->guideline_number));
}

enum cp_code cp_story_visit(const struct cp_story *t, const struct cp_told *e, const struct cp_story_filter *f, bool *out_told,
		cp_event_visit *visit, void *user, struct cp_err *err)
{
	static const char *const fates[] = { "standing", "equal", "superseded", "overruled", "in conflict", "waiting" };
	struct cp_event event = { .what = e->what, .case_name = t->case_name, .who = e->by.who, .whom = e->whom, .device = e->by.device,
		.detail = e->detail.len ? e->detail.data : "", .reason = e->reason.len ? e->reason.data : "", .commit = e->by.commit,
		.guideline = e->guideline, .revision = e->guideline_number, .signature = e->by.signature,
		.device_state = e->by.device_state, .fate = e->fate >= 0 && e->fate < CP_FATES ? fates[e->fate] : "", .applied = e->by.applied,
		.changes = e->changes, .n_changes = e->n_changes, .claimed_us = e->by.claimed_us, .received_us = e->by.received_us,
		.is_far = e->by.is_far };

	*out_told = is_wanted(e, f);
	return *out_told ? visit(user, &event, err) : CP_OK;
}

/* ---- one case --------------------------------------------------------------------------------------- */

/* Documents that a statement names, with whose they are: its rows are all read before the first is told. */
struct named { struct cp_id id; char whom[64]; };
static enum cp_code read_named(struct cp_store *s, sqlite3_stmt *q, struct named **out, size_t *n, struct cp_err *err)
{
	bool row;

	for (;;) {
		struct named *list;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		list = reallocarray(*out, *n + 1, sizeof *list);
		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		*out = list;
		cp_col_id(q, 0, &list[*n].id);
		snprintf(list[(*n)++].whom, sizeof list->whom, "%s", cp_col_text(q, 1));
	}
}

static enum cp_code tell_named(struct cp_story *t, size_t table, const char *sql, const struct cp_id *key, const char *whom,
		struct cp_err *err)
{
	struct named *list = NULL;
	sqlite3_stmt *q;
	size_t n = 0;
	enum cp_code code = cp_query(t->s, &q, err, sql, "d", key);

	if (code == CP_OK)
		code = read_named(t->s, q, &list, &n, err);
	for (size_t i = 0; code == CP_OK && i < n; i++) {
		code = cp_story_document(t, table, &list[i].id, whom, 0, err);
		if (code == CP_OK && table != CP_T_RESOLUTIONS)
			code = cp_story_conflicts(t, table, &list[i].id, whom, err);
	}
	free(list);
	return code;
}

static enum cp_code tell_assignment(struct cp_story *t, const struct named *a, struct cp_err *err)
{
	static const size_t tables[] = { CP_T_ASSIGNMENTS, CP_T_JUDGMENTS, CP_T_SETTLEMENTS };

	for (size_t i = 0; i < 3; i++) {
		CP_TRY(cp_story_document(t, tables[i], &a->id, a->whom, 0, err));
		CP_TRY(cp_story_conflicts(t, tables[i], &a->id, a->whom, err));
	}
	return tell_named(t, CP_T_STALE_SETTLEMENTS, "SELECT id, '' FROM stale_settlements WHERE judgment = ?1", &a->id, a->whom, err);
}

static enum cp_code tell_assignments(struct cp_story *t, const struct cp_id *case_id, struct cp_err *err)
{
	struct named *list = NULL;
	sqlite3_stmt *q;
	size_t n = 0;
	enum cp_code code = cp_query(t->s, &q, err, "SELECT a.id, coalesce(p.pseudonym, '') FROM assignments a LEFT JOIN persons p"
			" ON p.id = a.person WHERE a.case_id = ?1", "d", case_id);

	if (code == CP_OK)
		code = read_named(t->s, q, &list, &n, err);
	for (size_t i = 0; code == CP_OK && i < n; i++)
		code = tell_assignment(t, &list[i], err);
	free(list);
	return code;
}

static enum cp_code gather(struct cp_story *t, const struct cp_id *case_id, struct cp_err *err)
{
	CP_TRY(cp_story_document(t, CP_T_CASES, case_id, "", 0, err));
	CP_TRY(cp_story_conflicts(t, CP_T_CASES, case_id, "", err));
	CP_TRY(tell_assignments(t, case_id, err));
	CP_TRY(tell_named(t, CP_T_ADJUDICATIONS, "SELECT id, '' FROM adjudications WHERE case_id = ?1", case_id, "", err));
	CP_TRY(tell_named(t, CP_T_GOLD, "SELECT id, '' FROM gold WHERE case_id = ?1", case_id, "", err));
	CP_TRY(cp_story_superseded(t, err));
	CP_TRY(cp_story_opened(t, err));
	return cp_story_exports(t, err);
}

enum cp_code cp_log_case(struct cp_store *s, const struct cp_id *case_id, const struct cp_story_filter *f, cp_event_visit *visit,
		void *user, struct cp_err *err)
{
	CP_AUTO(story) struct cp_story t = { .s = s, .attests = { .s = s } };
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	bool told;

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT name FROM cases WHERE id = ?1", "d", case_id));
	snprintf(t.case_name, sizeof t.case_name, "%s", name.len ? name.data : "");
	CP_TRY(gather(&t, case_id, err));
	cp_story_sort(&t);
	for (size_t i = 0; i < t.n; i++)
		CP_TRY(cp_story_visit(&t, &t.list[i], f, &told, visit, user, err));
	return CP_OK;
}
