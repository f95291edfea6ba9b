#include "sync/assign.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"
#include "sync/edit.h"
#include "sync/gold.h"
#include "sync/inner.h"
#include "sync/people.h"
#include "sync/texts.h"

struct rater { struct cp_id id; char pseudonym[64], locales[256]; int64_t load, last_position; };
struct wanted { struct cp_id id; char locale[64]; bool is_gold; };
struct plan {
	struct rater *raters; size_t n_raters;
	struct wanted *cases; size_t n_cases;
	struct cp_id form, guideline;
	bool has_guideline;
};

static void plan_drop(struct plan *p)
{
	free(p->raters);
	free(p->cases);
}
#define cp_plan_drop plan_drop

bool cp_locale_fits(const char *locales, const char *locale)
{
	if (*locales == '\0' || *locale == '\0')
		return true;
	for (const char *p = locales; *p;) {
		size_t n = strcspn(p, ","), m = strlen(locale), common = n < m ? n : m;

		if (strncasecmp(p, locale, common) == 0 && (n == m || (n > m ? p[m] : locale[n]) == '-'))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static bool is_named(const struct cp_assign *a, const char *pseudonym)
{
	for (size_t i = 0; i < a->n_people; i++)
		if (strcmp(a->people[i], pseudonym) == 0)
			return true;
	return a->n_people == 0;
}

static enum cp_code load_raters(struct cp_store *s, const struct cp_assign *a, struct plan *p, struct cp_err *err)
{
	sqlite3_stmt *q;
	struct cp_id id;
	bool row;

	for (size_t i = 0; i < a->n_people; i++)
		CP_TRY(cp_person_find(s, a->people[i], &id, err));
	CP_TRY(cp_query(s, &q, err, "SELECT p.id, p.pseudonym, p.locales, p.role = 'rater'"
			" FROM persons p WHERE p.state = 'active' AND p.role <> 'auditor' ORDER BY p.pseudonym", ""));
	for (;;) {
		struct rater *r;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		if (!is_named(a, cp_col_text(q, 1)) || (a->n_people == 0 && !sqlite3_column_int(q, 3)))
			continue;
		p->raters = reallocarray(p->raters, p->n_raters + 1, sizeof *p->raters);
		assert(p->raters != NULL);
		r = &p->raters[p->n_raters++];
		cp_col_id(q, 0, &r->id);
		snprintf(r->pseudonym, sizeof r->pseudonym, "%s", cp_col_text(q, 1));
		snprintf(r->locales, sizeof r->locales, "%s", cp_col_text(q, 2));
		/* Asked of those who are chosen only: counting costs as much as there is to count. */
		CP_TRY(cp_query_int(s, &r->load, 0, err, "SELECT count(*) FROM assignments WHERE person = ?1", "d", &r->id));
		CP_TRY(cp_query_int(s, &r->last_position, 0, err, "SELECT max(position) FROM assignments WHERE person = ?1", "d",
				&r->id));
	}
}

static enum cp_code add_case(struct plan *p, size_t *room, const struct cp_id *id, const char *locale)
{
	if (p->n_cases == *room) {
		*room = *room * 2 + 64;
		p->cases = reallocarray(p->cases, *room, sizeof *p->cases);
		assert(p->cases != NULL);
	}
	p->cases[p->n_cases].id = *id;
	p->cases[p->n_cases].is_gold = false;
	snprintf(p->cases[p->n_cases++].locale, sizeof p->cases->locale, "%s", locale);
	return CP_OK;
}

/* Cases of that pass on whose field two raters say different things, with nobody's judgment still to come. */
static enum cp_code load_disagreeing(struct cp_store *s, const struct cp_assign *a, struct plan *p, size_t *room,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT DISTINCT c.id, c.locale FROM cases c JOIN assignments a ON a.case_id = c.id"
			" JOIN judgments j ON j.id = a.id JOIN ratings r ON r.judgment = j.id"
			" WHERE c.state = 'active' AND a.pass = ?1 AND j.state = 'submitted' AND r.field = ?2 AND r.value IS NOT NULL"
			" AND NOT EXISTS (SELECT 1 FROM assignments w WHERE w.case_id = c.id AND w.pass = ?1 AND w.state = 'given'"
			"  AND NOT EXISTS (SELECT 1 FROM judgments k WHERE k.id = w.id))"
			" GROUP BY c.id, r.result HAVING count(DISTINCT r.value) > 1 ORDER BY c.name, c.id", "it", a->pass, a->disagree_on));
	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		if (a->locale == NULL || cp_locale_fits(a->locale, cp_col_text(q, 1)))
			CP_TRY(add_case(p, room, &id, cp_col_text(q, 1)));
	}
}

static enum cp_code load_cases(struct cp_store *s, const struct cp_assign *a, struct plan *p, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	size_t room = 0;

	if (a->disagree_on != NULL)
		return load_disagreeing(s, a, p, &room, err);
	for (size_t i = 0; i < a->n_cases; i++) {
		CP_AUTO(buf) struct cp_buf locale = CP_BUF(256);
		struct cp_id id;
		bool stands;

		CP_TRY(cp_case_find(s, a->cases[i], &id, err));
		CP_TRY(cp_query_text(s, &locale, &stands, err, "SELECT locale FROM cases WHERE id = ?1 AND state <> 'forgotten'", "d", &id));
		if (!stands)
			return cp_fail(err, CP_EINPUT, "case %s: was forgotten; nobody can judge it any more", a->cases[i]);
		CP_TRY(add_case(p, &room, &id, locale.data ? locale.data : ""));
	}
	if (a->n_cases > 0)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT id, locale FROM cases WHERE state = 'active' AND (?1 IS NULL OR segment = ?1)"
			" ORDER BY name, id", "t", a->segment));
	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		if (a->locale == NULL || cp_locale_fits(a->locale, cp_col_text(q, 1)))
			CP_TRY(add_case(p, &room, &id, cp_col_text(q, 1)));
	}
}

static enum cp_code mark_gold(struct cp_store *s, const struct cp_assign *a, struct plan *p, struct cp_err *err)
{
	if (a->has_gold && !cp_gold_is_known(s))
		return cp_fail(err, CP_EINPUT, "%s: only a lead's hub knows gold answers", s->path);
	for (size_t c = 0; a->has_gold && c < p->n_cases; c++) {
		int64_t is_gold;

		CP_TRY(cp_query_int(s, &is_gold, 0, err, "SELECT 1 FROM gold WHERE case_id = ?1 AND value IS NOT NULL", "d",
				&p->cases[c].id));
		p->cases[c].is_gold = is_gold != 0;
	}
	return CP_OK;
}

/* ---- chance ------------------------------------------------------------------------------- */

struct chance { bool is_seeded; uint64_t state; };

/* Below n. With a seed SplitMix64 (Steele, Lea, Flood 2014): the same on every machine. */
static size_t draw(struct chance *c, size_t n)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	if (!c->is_seeded)
		return randombytes_uniform((uint32_t)n);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (size_t)((z ^ z >> 31) % n);
}

/* Fisher and Yates. */
static void shuffle(size_t *order, size_t n, struct chance *chance)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = draw(chance, i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static void assignment_key(const struct cp_id *case_id, const struct cp_id *person, int64_t pass, struct cp_id *out)
{
	uint8_t number[8];

	for (int i = 0; i < 8; i++)
		number[i] = (uint8_t)((uint64_t)pass >> (56 - 8 * i));
	cp_id_derive(out, "assignment", 3, (const void *const[]){ case_id->bytes, person->bytes, number },
			(const size_t[]){ 16, 16, 8 });
}

/* For one case: those who have it, then those who fit and have fewest, until the overlap is reached. */
static enum cp_code choose_raters(struct cp_store *s, const struct cp_assign *a, struct plan *p, const struct wanted *c,
		bool *gets, struct cp_assigned *out, struct cp_err *err)
{
	int64_t have = 0, there, was, want = a->overlap ? a->overlap : (int64_t)p->n_raters;
	struct cp_id id;
	bool *holds = calloc(p->n_raters + 1, sizeof *holds);

	assert(holds != NULL);
	for (size_t r = 0; r < p->n_raters; r++) {
		gets[r] = false;
		assignment_key(&c->id, &p->raters[r].id, a->pass, &id);
		if (cp_query_int(s, &there, 0, err, "SELECT state = 'given' FROM assignments WHERE id = ?1", "d", &id) != CP_OK ||
				cp_query_int(s, &was, 0, err, "SELECT 1 FROM assignments WHERE id = ?1", "d", &id) != CP_OK) {
			free(holds);
			return err->code;
		}
		holds[r] = there || (was && a->n_people == 0); /* what was taken back is given again to the named only */
		have += there;
		out->there_already += there;
	}
	if (a->more)
		want = have + a->more;
	for (bool found = true; have < want && found;) {
		size_t best = SIZE_MAX;

		for (size_t r = 0; r < p->n_raters; r++)
			if (!holds[r] && !gets[r] && cp_locale_fits(p->raters[r].locales, c->locale) &&
					(best == SIZE_MAX || p->raters[r].load < p->raters[best].load))
				best = r;
		found = best != SIZE_MAX;
		if (found) {
			gets[best] = true;
			p->raters[best].load++;
			have++;
		}
	}
	out->without_rater += a->overlap ? have < want : have == 0;
	free(holds);
	return CP_OK;
}

enum cp_code cp_assignment_give(struct cp_store *s, const struct cp_given *g, struct cp_err *err)
{
	struct cp_id id;

	assignment_key(&g->case_id, &g->person, g->pass, &id);
	return cp_edit_document(s, CP_T_ASSIGNMENTS, &id, (struct cp_set[]){
			{ "case_id", cp_v_blob(g->case_id.bytes, 16) }, { "person", cp_v_blob(g->person.bytes, 16) },
			{ "pass", cp_v_int(g->pass) }, { "position", cp_v_int(g->position) }, { "due", cp_v_text(g->due) },
			{ "form", cp_v_blob(g->form.bytes, 16) },
			{ "guideline", cp_v_blob(g->guideline.bytes, g->has_guideline ? 16 : 0) }, { "state", cp_v_text("given") } },
			8, CP_EDIT_PLAIN, NULL, NULL, err);
}

enum cp_code cp_assignment_read(struct cp_given *out, const struct cp_value *row, struct cp_buf *due, struct cp_err *err)
{
	memset(out, 0, sizeof *out);
	if (row[CP_A_CASE].len != 16 || row[CP_A_PERSON].len != 16 || row[CP_A_FORM].len != 16)
		return cp_fail(err, CP_EFORMAT, "an assignment without case, person or form");
	memcpy(out->case_id.bytes, row[CP_A_CASE].bytes, 16);
	memcpy(out->person.bytes, row[CP_A_PERSON].bytes, 16);
	memcpy(out->form.bytes, row[CP_A_FORM].bytes, 16);
	out->has_guideline = row[CP_A_GUIDELINE].len == 16;
	if (out->has_guideline)
		memcpy(out->guideline.bytes, row[CP_A_GUIDELINE].bytes, 16);
	out->pass = row[CP_A_PASS].integer;
	out->position = row[CP_A_POSITION].integer;
	cp_buf_clear(due);
	CP_TRY(cp_buf_add(due, row[CP_A_DUE].bytes, row[CP_A_DUE].len, err));
	out->due = due->data ? due->data : "";
	return CP_OK;
}

/* ---- gold --------------------------------------------------------------------------------- */

/* Does that rater fit the case, and had it not in this pass? */
static enum cp_code may_get(struct cp_store *s, const struct cp_assign *a, const struct rater *r, const struct wanted *c,
		bool *out, struct cp_err *err)
{
	struct cp_id id;
	int64_t was;

	assignment_key(&c->id, &r->id, a->pass, &id);
	CP_TRY(cp_query_int(s, &was, 0, err, "SELECT 1 FROM assignments WHERE id = ?1", "d", &id));
	*out = !was && cp_locale_fits(r->locales, c->locale);
	return CP_OK;
}

/*
 * To the n others that the rater gets now its share of gold, drawn from what fits: gold never travels alone. The whole stays in
 * the order of the cases, so that whoever could undo the shuffle would learn nothing from where a case stood before.
 */
static enum cp_code add_gold(struct cp_store *s, const struct cp_assign *a, const struct plan *p, size_t r, struct chance *chance,
		bool *gets, size_t n, struct cp_assigned *out, struct cp_err *err)
{
	int64_t rest = 100 - a->gold_percent, wanted = ((int64_t)n * a->gold_percent + rest / 2) / rest, given = 0;
	size_t *fits = calloc(p->n_cases + 1, sizeof *fits), n_fits = 0;
	enum cp_code code = CP_OK;

	assert(fits != NULL);
	for (size_t c = 0; code == CP_OK && wanted > 0 && c < p->n_cases; c++) {
		bool may = false;

		if (p->cases[c].is_gold)
			code = may_get(s, a, &p->raters[r], &p->cases[c], &may, err);
		if (may)
			fits[n_fits++] = c;
	}
	for (; given < wanted && n_fits > 0; given++) {
		size_t at = draw(chance, n_fits);

		gets[fits[at] * p->n_raters + r] = true;
		fits[at] = fits[--n_fits];
	}
	out->gold += given;
	out->short_of_gold += given < wanted;
	free(fits);
	return code;
}

static size_t list_share(const struct plan *p, const bool *gets, size_t r, size_t *order)
{
	size_t n = 0;

	for (size_t c = 0; c < p->n_cases; c++)
		if (gets[c * p->n_raters + r])
			order[n++] = c;
	return n;
}

/* Who gets what is chosen in the order of the cases; then each rater's share is put into its order. */
static enum cp_code carry_out(struct cp_store *s, const struct cp_assign *a, struct plan *p, struct cp_assigned *out,
		struct cp_err *err)
{
	bool *gets = calloc(p->n_cases * p->n_raters + 1, sizeof *gets);
	size_t *order = calloc(p->n_cases + 1, sizeof *order);
	enum cp_code code = CP_OK;

	assert(gets != NULL && order != NULL);
	for (size_t c = 0; code == CP_OK && c < p->n_cases; c++)
		if (!p->cases[c].is_gold)
			code = choose_raters(s, a, p, &p->cases[c], &gets[c * p->n_raters], out, err);
	for (size_t r = 0; code == CP_OK && r < p->n_raters; r++) {
		struct chance chance = { a->is_seeded, a->seed + r };
		size_t n = list_share(p, gets, r, order);

		if (a->has_gold) {
			code = add_gold(s, a, p, r, &chance, gets, n, out, err);
			n = list_share(p, gets, r, order);
		}
		if (a->is_shuffled)
			shuffle(order, n, &chance);
		for (size_t i = 0; code == CP_OK && i < n; i++)
			code = cp_assignment_give(s, &(struct cp_given){ p->cases[order[i]].id, p->raters[r].id, p->form, p->guideline,
					p->has_guideline, a->pass, ++p->raters[r].last_position, a->due ? a->due : "" }, err);
		out->made += (int64_t)n;
		out->people += n > 0;
	}
	out->cases = (int64_t)p->n_cases;
	free(gets);
	free(order);
	return code;
}

static bool date_is_good(const char *d)
{
	int month, day;

	if (strlen(d) != 10 || d[4] != '-' || d[7] != '-' || strspn(d, "0123456789-") != 10)
		return false;
	month = atoi(d + 5);
	day = atoi(d + 8);
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static enum cp_code text_named(struct cp_store *s, bool is_form, const char *name, struct cp_id *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_text_get(s, is_form, name, 0, &body, NULL, err));
	CP_TRY(cp_query(s, &q, err, is_form ? "SELECT id FROM forms WHERE name = ?1" : "SELECT id FROM guidelines WHERE name = ?1",
			"t", name));
	CP_TRY(cp_step(s, q, &row, err));
	cp_col_id(q, 0, out);
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_assign(struct cp_store *s, const struct cp_assign *a, struct cp_assigned *out, struct cp_err *err)
{
	CP_AUTO(plan) struct plan p = { 0 };
	char words[128];
	enum cp_code code;

	memset(out, 0, sizeof *out);
	if (!s->me.is_hub)
		return cp_fail(err, CP_EINPUT, "%s: cases are assigned at the hub", s->path);
	if (a->due != NULL && !date_is_good(a->due))
		return cp_fail(err, CP_EUSAGE, "\"%s\" is not a date like 2026-05-31", a->due);
	CP_TRY(text_named(s, true, a->form, &p.form, err));
	p.has_guideline = a->guideline != NULL;
	if (p.has_guideline)
		CP_TRY(text_named(s, false, a->guideline, &p.guideline, err));
	CP_TRY(load_raters(s, a, &p, err));
	CP_TRY(load_cases(s, a, &p, err));
	CP_TRY(mark_gold(s, a, &p, err));
	if (p.n_cases == 0 && a->disagree_on != NULL)
		return CP_OK;
	if (p.n_raters == 0 || p.n_cases == 0)
		return cp_fail(err, CP_EINPUT, p.n_raters ? "no case fits; `casepack import` brings cases"
				: "nobody can take cases; `casepack person add` adds raters");
	if (a->overlap > (int64_t)p.n_raters)
		return cp_fail(err, CP_EINPUT, "overlap %lld, but only %zu raters", (long long)a->overlap, p.n_raters);
	CP_TRY(cp_edit_begin(s, err));
	code = carry_out(s, a, &p, out, err);
	snprintf(words, sizeof words, "assigned %lld cases to %lld raters (%lld assignments, form %.40s)",
			(long long)out->cases, (long long)out->people, (long long)out->made, a->form);
	if (code == CP_OK && !a->is_dry_run)
		return cp_edit_commit(s, words, err);
	cp_edit_abort(s);
	return code;
}
