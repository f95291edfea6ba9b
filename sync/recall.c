#include "sync/recall.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/people.h"

static const char *const words_of[] = { "withdrawn", "expired", "reassigned" };

struct heir { struct cp_id id; char locales[256]; int64_t load, position; };
struct recalling {
	struct cp_store *s;
	const struct cp_recall *r;
	struct cp_id *cases, *people; /* of r->cases, r->people */
	struct heir *heirs;           /* of r->to */
	struct cp_id *taken; size_t n, room;
};

static void recalling_drop(struct recalling *c)
{
	free(c->cases);
	free(c->people);
	free(c->heirs);
	free(c->taken);
}
#define cp_recalling_drop recalling_drop

static enum cp_code find_heir(struct recalling *c, size_t i, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf locales = CP_BUF(256);
	struct heir *h = &c->heirs[i];

	CP_TRY(cp_person_find(c->s, c->r->to[i], &h->id, err));
	CP_TRY(cp_query_text(c->s, &locales, NULL, err, "SELECT locales FROM persons WHERE id = ?1", "d", &h->id));
	snprintf(h->locales, sizeof h->locales, "%s", locales.data ? locales.data : "");
	CP_TRY(cp_query_int(c->s, &h->load, 0, err, "SELECT count(*) FROM assignments WHERE person = ?1 AND state = 'given'", "d",
			&h->id));
	return cp_query_int(c->s, &h->position, 0, err, "SELECT coalesce(max(position), 0) FROM assignments WHERE person = ?1", "d",
			&h->id);
}

static enum cp_code find_names(struct recalling *c, struct cp_err *err)
{
	const struct cp_recall *r = c->r;

	c->cases = calloc(r->n_cases + 1, sizeof *c->cases);
	c->people = calloc(r->n_people + 1, sizeof *c->people);
	c->heirs = calloc(r->n_to + 1, sizeof *c->heirs);
	assert(c->cases != NULL && c->people != NULL && c->heirs != NULL);
	for (size_t i = 0; i < r->n_cases; i++)
		CP_TRY(cp_case_find(c->s, r->cases[i], &c->cases[i], err));
	for (size_t i = 0; i < r->n_people; i++)
		CP_TRY(cp_person_find(c->s, r->people[i], &c->people[i], err));
	for (size_t i = 0; i < r->n_to; i++)
		CP_TRY(find_heir(c, i, err));
	return CP_OK;
}

static bool is_among(const struct cp_id *list, size_t n, const struct cp_id *id)
{
	for (size_t i = 0; i < n; i++)
		if (cp_id_equal(&list[i], id))
			return true;
	return n == 0;
}

/* What fits, in the order of people and positions. */
static enum cp_code gather(struct recalling *c, struct cp_recalled *out, struct cp_err *err)
{
	const struct cp_recall *r = c->r;
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(c->s, &q, err, "SELECT a.id, a.case_id, a.person, EXISTS (SELECT 1 FROM judgments j WHERE j.id = a.id)"
			" FROM assignments a JOIN cases c ON c.id = a.case_id WHERE a.state = 'given' AND c.state <> 'forgotten' AND (?1 IS NULL OR c.locale = ?1)"
			" AND (?2 IS NULL OR c.segment = ?2) AND (?3 = 0 OR a.pass = ?3)"
			" AND (?4 IS NULL OR (a.due <> '' AND a.due < ?4)) ORDER BY a.person, a.position, a.id", "ttit", r->locale, r->segment,
			r->pass, r->how == CP_EXPIRE ? r->before : NULL));
	for (;;) {
		struct cp_id id, case_id, person;

		CP_TRY(cp_step(c->s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		cp_col_id(q, 1, &case_id);
		cp_col_id(q, 2, &person);
		if (!is_among(c->cases, r->n_cases, &case_id) || !is_among(c->people, r->n_people, &person))
			continue;
		if (sqlite3_column_int(q, 3) && !r->judged_too) {
			out->judged++;
			continue;
		}
		if (c->n == c->room) {
			c->room = c->room * 2 + 64;
			c->taken = reallocarray(c->taken, c->room, sizeof *c->taken);
			assert(c->taken != NULL);
		}
		c->taken[c->n++] = id;
	}
}

/* The word, and behind it the revs of the judgment that are known here: one cell, one moment. */
static enum cp_code state_now(struct recalling *c, const struct cp_id *id, struct cp_buf *out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	CP_TRY(cp_buf_puts(out, words_of[c->r->how], err));
	CP_TRY(cp_row_get(c->s, CP_T_JUDGMENTS, id, row, &found, err));
	for (size_t i = 0; found && i + 8 <= row[CP_C_REV].len; i += 8) {
		char hex[17];

		CP_TRY(cp_buf_printf(out, err, " %s", cp_hex(hex, row[CP_C_REV].bytes + i, 8)));
	}
	return CP_OK;
}

/* Of those who fit and do not have the case in that pass, the one with fewest. */
static enum cp_code choose_heir(struct recalling *c, const struct cp_given *g, struct heir **out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf locale = CP_BUF(256);

	*out = NULL;
	CP_TRY(cp_query_text(c->s, &locale, NULL, err, "SELECT locale FROM cases WHERE id = ?1", "d", &g->case_id));
	for (size_t i = 0; i < c->r->n_to; i++) {
		int64_t has;

		CP_TRY(cp_query_int(c->s, &has, 0, err, "SELECT 1 FROM assignments WHERE case_id = ?1 AND person = ?2 AND pass = ?3",
				"ddi", &g->case_id, &c->heirs[i].id, g->pass));
		if (!has && cp_locale_fits(c->heirs[i].locales, locale.data ? locale.data : "") &&
				(*out == NULL || c->heirs[i].load < (*out)->load))
			*out = &c->heirs[i];
	}
	return CP_OK;
}

static enum cp_code hand_on(struct recalling *c, const struct cp_id *from, struct cp_recalled *out, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	CP_AUTO(buf) struct cp_buf due = CP_BUF(64);
	struct cp_given g = { .due = "" };
	struct heir *heir;
	bool found;

	CP_TRY(cp_row_get(c->s, CP_T_ASSIGNMENTS, from, row, &found, err));
	CP_TRY(cp_assignment_read(&g, row, &due, err));
	CP_TRY(choose_heir(c, &g, &heir, err));
	if (heir == NULL) {
		out->unplaced++;
		return CP_OK;
	}
	g.person = heir->id;
	g.position = ++heir->position;
	heir->load++;
	out->given++;
	return cp_assignment_give(c->s, &g, err);
}

static enum cp_code take_back(struct recalling *c, const struct cp_id *id, struct cp_recalled *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf state = CP_BUF(CP_TEXT_MAX);

	CP_TRY(state_now(c, id, &state, err));
	if (c->r->how == CP_REASSIGN)
		CP_TRY(hand_on(c, id, out, err));
	out->taken++;
	return cp_edit_document(c->s, CP_T_ASSIGNMENTS, id, (struct cp_set[]){ { "state", cp_v_text(state.data) } }, 1,
			CP_EDIT_PLAIN, NULL, NULL, err);
}

enum cp_code cp_recall(struct cp_store *s, const struct cp_recall *r, struct cp_recalled *out, struct cp_err *err)
{
	CP_AUTO(recalling) struct recalling c = { .s = s, .r = r };
	char words[128];
	enum cp_code code = CP_OK;

	memset(out, 0, sizeof *out);
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: cases are taken back at the hub", s->path);
	CP_TRY(find_names(&c, err));
	CP_TRY(gather(&c, out, err));
	CP_TRY(cp_edit_begin(s, err));
	for (size_t i = 0; i < c.n && code == CP_OK; i++)
		code = take_back(&c, &c.taken[i], out, err);
	snprintf(words, sizeof words, "assignments %s: %lld", words_of[r->how], (long long)out->taken);
	if (code == CP_OK && !r->is_dry_run && out->taken > 0)
		return cp_edit_commit(s, words, err);
	cp_edit_abort(s);
	return code;
}
