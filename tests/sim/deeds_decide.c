/* What leads decide: between candidates, about final answers, and which policy decides meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"
#include "sync/policy.h"
#include "sync/rule.h"
#include "sync/settle.h"
#include "tests/sim/deeds.h"

/* ---- what disagrees at a hub -------------------------------------------------------- */

struct disputes { struct cp_conflict *list; size_t n; };

static bool is_settled_here(const struct cp_conflict *c)
{
	static const char *const tables[] = { "judgments", "settlements", "cases", "assignments", "adjudications", "project" };

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(c->table, tables[i]) == 0)
			return strcmp(c->class, "fork") == 0 || strcmp(c->class, "hard") == 0;
	return false;
}

/* Those that a lead can settle. */
static enum cp_code add_dispute(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct disputes *d = user;

	(void)err;
	if (!is_settled_here(c))
		return CP_OK;
	d->list = reallocarray(d->list, d->n + 1, sizeof *d->list);
	if (d->list == NULL)
		abort();
	d->list[d->n++] = *c;
	memset(c, 0, sizeof *c);
	return CP_OK;
}

static void disputes_drop(struct disputes *d)
{
	for (size_t i = 0; i < d->n; i++)
		cp_conflict_drop(&d->list[i]);
	free(d->list);
}

static struct disputes disputes_of(struct world *w, struct cp_store *hub, enum cp_conflict_state state, const char *class)
{
	struct cp_conflict_filter f = { .state = state, .class = class };
	struct disputes d = { NULL, 0 };

	MUST(w, cp_conflict_each(hub, &f, add_dispute, &d, err));
	return d;
}

/* What a lead would call it. */
static json_t *name_of(struct world *w, struct cp_store *hub, const struct cp_conflict *c)
{
	struct cp_case_view v = { .id = "" };
	json_t *name;

	if (c->has_case)
		MUST(w, cp_case_load(hub, &c->case_id, &v, err));
	name = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "table", c->table, "case", v.id, "person", c->person, "pass",
			(json_int_t)c->pass, "name", c->name, "column", c->column);
	if (c->has_case)
		cp_case_view_drop(&v);
	return name;
}

/* "What her laptop wrote at ten past three." */
static json_t *candidate_of(const struct cp_candidate *c)
{
	return json_pack("[s, I]", c->device, (json_int_t)c->clock);
}

/* ---- settling ----------------------------------------------------------------------- */

static const char *const reasons[] = { "because", "on second thoughts", "agreed on the phone" };

static const char *some_reason(struct world *w)
{
	return reasons[chance_below(&w->chance, 3)];
}

/* One of those that are open, or one that was settled, again: that undoes the first. */
void deed_resolve(struct world *w)
{
	enum cp_conflict_state state = chance_is(&w->chance, 70) ? CP_CONFLICTS_OPEN : CP_CONFLICTS_SETTLED;
	struct place *hub = world_hub(w);
	struct cp_store *s = world_store(w, hub);
	struct disputes all = disputes_of(w, s, state, NULL);
	const char *reason = some_reason(w);
	json_t *name = json_null(), *taken = json_null();

	if (all.n == 0) {
		state = state == CP_CONFLICTS_OPEN ? CP_CONFLICTS_SETTLED : CP_CONFLICTS_OPEN;
		all = disputes_of(w, s, state, NULL);
	}
	if (all.n > 0) {
		struct cp_conflict *c = &all.list[chance_below(&w->chance, all.n)];
		size_t candidate = chance_below(&w->chance, c->n);

		MUST(w, cp_settling_begin(s, err));
		MUST(w, cp_settle_take(s, c, candidate, reason, err));
		MUST(w, cp_settling_commit(s, "settled", err));
		name = name_of(w, s, c);
		taken = candidate_of(&c->candidates[candidate]);
	}
	w->has_decided = true;
	world_log(w, json_pack("{s:s, s:s, s:I, s:s, s:i, s:o, s:o, s:s}", "op", "resolve", "at", hub->name, "clock",
			(json_int_t)world_clock(w, hub), "of", state == CP_CONFLICTS_OPEN ? "open" : "settled", "told", (int)all.n,
			"conflict", name, "take", taken, "reason", reason));
	disputes_drop(&all);
}

/* All forks that fall under a rule, as one edit. */
void deed_rule(struct world *w)
{
	static const char *const names[] = { "unanimous", "latest", "standing" };
	const char *name = names[chance_below(&w->chance, 3)], *reason = some_reason(w);
	struct place *hub = world_hub(w);
	struct cp_store *s = world_store(w, hub);
	struct disputes all = disputes_of(w, s, CP_CONFLICTS_OPEN, "fork");
	enum cp_rule rule;
	int n = 0;

	if (!cp_rule_named(name, &rule))
		abort();
	MUST(w, cp_settling_begin(s, err));
	for (size_t i = 0; i < all.n; i++) {
		size_t candidate = cp_rule_choose(rule, &all.list[i]);

		if (candidate == SIZE_MAX)
			continue;
		MUST(w, cp_settle_take(s, &all.list[i], candidate, reason, err));
		n++;
	}
	MUST(w, cp_settling_commit(s, "settled by rule", err));
	w->has_decided = true;
	world_log(w, json_pack("{s:s, s:s, s:I, s:s, s:i, s:s}", "op", "rule", "at", hub->name, "clock",
			(json_int_t)world_clock(w, hub), "rule", name, "told", n, "reason", reason));
	disputes_drop(&all);
}

/* ---- final answers ------------------------------------------------------------------ */

static const struct { const char *field; bool of_result; const char *values[4]; } asked[] = {
	{ "grade",   true,  { "0", "1", "2", "3" } },
	{ "off",     false, { "true", "false", "true", "false" } },
	{ "harm",    true,  { "no", "mild", "bad", "worst" } },
	{ "why",     false, { "one", "two", "three", "four" } },
	{ "verdict", false, { "keep", "drop", "ask", "keep" } },
	{ "seen",    true,  { "true", "false", "true", "false" } },
	{ "extra2",  true,  { "true", "false", "true", "false" } },
	{ "extra3",  false, { "true", "false", "true", "false" } },
};

/* Two fields a form, in their order, then what forms have gained; mostly one that some form has. */
static size_t some_field(struct world *w)
{
	size_t n = sizeof asked / sizeof *asked, field = chance_below(&w->chance, n);

	for (int tries = 0; tries < 4 && (field >= 2 * MAX_FORMS || !knows_text(world_store(w, world_hub(w)), true, lead_forms[field / 2])); tries++)
		field = chance_below(&w->chance, n);
	return field;
}

/* Sometimes a field that no form has, a result that is not shown, a value off the scale: refused. */
static struct cp_final imagine_final(struct world *w)
{
	static const char *const results[] = { "r1", "r2", "r3", "r4" };
	static const char *const causes[] = { "disagreement", "gold", "policy", "error", "other" };
	size_t field = some_field(w);
	bool is_asked_so = chance_is(&w->chance, 95) ? asked[field].of_result : !asked[field].of_result;
	struct cp_final f = { .field = asked[field].field, .cause = causes[chance_below(&w->chance, 5)], .reason = some_reason(w) };

	f.result = is_asked_so ? results[chance_below(&w->chance, 4)] : "";
	f.value = chance_is(&w->chance, 10) ? "" : chance_is(&w->chance, 5) ? "nonsense" : asked[field].values[chance_below(&w->chance, 4)];
	return f;
}

static const char *adjudicate(struct world *w, struct cp_store *s, const char *case_id, struct cp_final *f)
{
	struct cp_err why = { 0 };
	enum cp_code code;
	bool changed;

	MUST(w, cp_case_find(s, case_id, &f->case_id, err));
	MUST(w, cp_settling_begin(s, err));
	code = cp_adjudicate(s, f, &changed, &why);
	if (code != CP_OK && code != CP_EINPUT)
		world_fails(w, "cp_adjudicate", &why);
	if (code == CP_OK)
		MUST(w, cp_settling_commit(s, "final", err));
	cp_settling_abort(s);
	return code != CP_OK ? "refused" : changed ? "changed" : "as it was";
}

void deed_adjudicate(struct world *w)
{
	size_t n = chance_below(&w->chance, chance_is(&w->chance, 60) ? 2 : (size_t)MAX_CASES);
	struct place *hub = world_hub(w);
	struct cp_store *s = world_store(w, hub);
	struct cp_final f = imagine_final(w);
	char case_id[8];
	const char *told;

	snprintf(case_id, sizeof case_id, "c%zu", n + 1);
	if (!knows_case(s, case_id))
		return;
	told = adjudicate(w, s, case_id, &f);
	world_log(w, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "op", "adjudicate", "at", hub->name, "clock",
			(json_int_t)world_clock(w, hub), "case", case_id, "field", f.field, "result", f.result, "value", f.value, "cause",
			f.cause, "reason", f.reason, "told", told));
}

/* ---- policies ----------------------------------------------------------------------- */

/* For a table, a column, a field; and taken back. */
void deed_policy(struct world *w)
{
	static const char *const keys[] = { "judgments", "judgments", "judgments.grade", "judgments.off", "judgments.harm",
		"judgments.verdict", "judgments.extra2", "adjudications", "adjudications.value", "cases.segment", "assignments" };
	static const char *const policies[] = { "latest", "severest", "review", NULL };
	const char *key = keys[chance_below(&w->chance, sizeof keys / sizeof *keys)];
	const char *policy = policies[chance_below(&w->chance, 4)];
	struct place *hub = world_hub(w);
	struct cp_err why = { 0 };
	bool changed = false;
	enum cp_code code = cp_policy_set(world_store(w, hub), key, policy, &changed, &why);

	if (code != CP_OK && code != CP_EINPUT)
		world_fails(w, "cp_policy_set", &why);
	w->has_decided = true;
	world_log(w, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "op", "policy", "at", hub->name, "clock",
			(json_int_t)world_clock(w, hub), "key", key, "policy", policy ? policy : "", "told",
			code != CP_OK ? "refused" : changed ? "changed" : "as it was"));
}
