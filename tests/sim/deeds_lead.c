/* What happens at the hub's desk. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/judge.h"
#include "sync/lapse.h"
#include "sync/people.h"
#include "sync/recall.h"
#include "sync/seal.h"
#include "sync/texts.h"
#include "tests/sim/cut.h"
#include "tests/sim/deeds.h"

/* ---- cases -------------------------------------------------------------------------- */

/* Case n with some of four results, in some order, each with one of three titles. */
static json_t *imagine_case(struct world *w, int n)
{
	json_t *results = json_array();
	size_t first = chance_below(&w->chance, 4), count = 1 + chance_below(&w->chance, 3);
	char id[8], title[8];

	for (size_t i = 0; i < count; i++) {
		snprintf(id, sizeof id, "r%zu", (first + i) % 4 + 1);
		snprintf(title, sizeof title, "t%zu", chance_below(&w->chance, 3));
		json_array_append_new(results, json_pack("{s:s, s:s}", "id", id, "title", title));
	}
	snprintf(id, sizeof id, "c%d", n + 1);
	return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "query", "a query", "segment",
			chance_is(&w->chance, 80) ? "head" : "tail", "results", results);
}

static const char *said(json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

bool knows_case(struct cp_store *hub, const char *id)
{
	struct cp_id key;

	return cp_case_find(hub, id, &key, NULL) == CP_OK;
}

bool knows_text(struct cp_store *hub, bool is_form, const char *name)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);

	return cp_text_get(hub, is_form, name, 0, &body, NULL, NULL) == CP_OK;
}

static bool knows_person(struct cp_store *hub, const char *pseudonym)
{
	struct cp_id id;

	return cp_person_find(hub, pseudonym, &id, NULL) == CP_OK;
}

static void import_one(struct world *w, struct cp_store *hub, json_t *c)
{
	struct cp_result_in results[4] = { { 0 } };
	struct cp_case_in in = { .id = said(c, "id"), .kind = "serp", .query = said(c, "query"), .locale = "en-US",
		.segment = said(c, "segment"), .results = results };
	json_t *list = json_object_get(c, "results");
	enum cp_case_effect effect;

	for (; in.n_results < json_array_size(list); in.n_results++) {
		json_t *r = json_array_get(list, in.n_results);

		results[in.n_results] = (struct cp_result_in){ .id = said(r, "id"), .title = said(r, "title"),
			.rank = (int64_t)in.n_results + 1 };
	}
	MUST(w, cp_cases_add(hub, &in, &effect, err));
}

/* What a content hash stands for: the words that the lead typed. */
static void remember_content(struct world *w, struct cp_store *hub, json_t *c)
{
	struct cp_case_view view;
	char hex[CP_HASH_HEX];
	struct cp_id id;
	char *typed = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS);

	MUST(w, cp_case_find(hub, said(c, "id"), &id, err));
	MUST(w, cp_case_load(hub, &id, &view, err));
	json_object_set_new(w->contents, cp_hex(hex, view.content.bytes, sizeof view.content.bytes), json_string(typed));
	cp_case_view_drop(&view);
	free(typed);
}

void lead_import(struct world *w, unsigned cases)
{
	struct cp_store *hub = world_store(w, world_hub(w));
	json_t *list = json_array(), *c;
	size_t i;

	MUST(w, cp_cases_begin(hub, err));
	for (int n = 0; n < MAX_CASES; n++)
		if (cases >> n & 1) {
			c = imagine_case(w, n);
			import_one(w, hub, c);
			json_array_append_new(list, c);
		}
	MUST(w, cp_cases_commit(hub, "import", err));
	json_array_foreach(list, i, c)
		remember_content(w, hub, c);
	world_log_lead(w, json_pack("{s:s, s:o}", "op", "import", "cases", list));
}

static unsigned at_hand(unsigned bits, unsigned otherwise)
{
	return bits != 0 ? bits : otherwise;
}

void deed_import(struct world *w)
{
	unsigned cases = 0;

	for (size_t i = 0; i <= chance_below(&w->chance, 3); i++)
		cases |= 1u << chance_below(&w->chance, MAX_CASES);
	lead_import(w, at_hand(w->cases_at_hand, cases));
}

/* ---- texts -------------------------------------------------------------------------- */

static const char *const revisions[] = { "editorial", "clarifying", "breaking" };
static const char *const guidelines[MAX_GUIDELINES] = { "policy", "style" };
const char *const lead_forms[MAX_FORMS] = { "relevance", "harm", "final" };

/* body NULL: the merge of several revisions as it comes. A refusal is told. */
static void put_text(struct world *w, enum cp_text_kind kind, const char *name, const char *body, bool is_merge)
{
	struct cp_store *hub = world_store(w, world_hub(w));
	struct cp_text_add t = { .kind = kind, .name = name, .title = "A title", .revision = revisions[chance_below(&w->chance, 3)],
		.body = body, .len = body ? strlen(body) : 0, .must_be_new = !knows_text(hub, kind == CP_FORM, name),
		.is_merge = is_merge };
	struct cp_err why = { 0 };
	CP_AUTO(buf) struct cp_buf made = CP_BUF(CP_TEXT_MAX);
	int64_t number;
	bool changed;
	enum cp_code code = cp_text_put(hub, &t, &number, &changed, &why);

	if (code != CP_OK && code != CP_EINPUT)
		world_fails(w, "cp_text_put", &why);
	if (code == CP_OK)
		MUST(w, cp_text_get(hub, kind == CP_FORM, name, 0, &made, NULL, err));
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:s?, s:b, s:s, s:s?}", "op", kind == CP_FORM ? "form" : "guideline", "name",
			name, "kind", t.revision, "body", body, "merge", (int)is_merge, "told", code != CP_OK ? "refused"
			: w->is_again ? "done" /* now or before the power failed */ : changed ? "written" : "same", "made", body == NULL ? made.data : NULL));
}

/*
 * A guideline is four rules, each a line, with lines between them that nobody changes: what two leads did to it can be
 * told apart rule by rule.
 */
#define RULES 4
static void write_rules(const int rules[RULES], char *out, size_t size)
{
	int n = snprintf(out, size, "# Rules\n\nSay what you see.\n");

	for (int i = 0; i < RULES; i++)
		n += snprintf(out + n, size - (size_t)n, "\n## Part %d\n\nRule %d: say %d.\n\nThat was part %d.\n", i + 1, i + 1, rules[i], i + 1);
}

/* As the lead reads them at her hub; what she cannot read she makes up. */
static void read_rules(struct world *w, const char *name, int rules[RULES])
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	char wanted[16];

	for (int i = 0; i < RULES; i++) {
		const char *at = NULL;

		snprintf(wanted, sizeof wanted, "\nRule %d: say ", i + 1);
		if (body.len > 0 || cp_text_get(world_store(w, world_hub(w)), false, name, 0, &body, NULL, NULL) == CP_OK)
			at = strstr(body.data, wanted);
		rules[i] = at ? atoi(at + strlen(wanted)) : (int)chance_below(&w->chance, 4);
	}
}

/* One or two rules become others, or what they were. */
static void revise(struct world *w, const char *name, char *out, size_t size)
{
	int rules[RULES];

	read_rules(w, name, rules);
	for (size_t i = 0; i <= chance_below(&w->chance, 2); i++)
		rules[chance_below(&w->chance, RULES)] = (int)chance_below(&w->chance, 4);
	write_rules(rules, out, size);
}

void lead_guideline(struct world *w, int which)
{
	char body[1024];

	revise(w, guidelines[which], body, sizeof body);
	put_text(w, CP_GUIDELINE, guidelines[which], body, false);
}

void deed_guideline(struct world *w)
{
	lead_guideline(w, (int)chance_below(&w->chance, MAX_GUIDELINES));
}

static void look_at(struct world *w, const char *name)
{
	struct cp_store *hub = world_store(w, world_hub(w));

	if (!knows_text(hub, false, name))
		return;
	MUST(w, cp_text_saw(hub, name, err));
	world_log_lead(w, json_pack("{s:s, s:s}", "op", "look", "name", name));
}

/* One of which several revisions stand side by side here, if there is such a one. */
static const char *some_guideline(struct world *w)
{
	const char *name = guidelines[chance_below(&w->chance, MAX_GUIDELINES)];

	for (int i = 0; i < MAX_GUIDELINES; i++) {
		CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
		struct cp_text_heads heads;

		if (cp_text_merged(world_store(w, world_hub(w)), false, guidelines[i], &text, &heads, NULL) == CP_OK && heads.n > 1)
			name = guidelines[i];
	}
	return name;
}

/* Revisions that leads wrote without knowing of each other become one: as they merge, as a lead has it, or revised by one
 * who was shown them. */
void deed_merge_text(struct world *w)
{
	const char *name = some_guideline(w);
	size_t way = chance_below(&w->chance, 4);
	char body[1024];

	if (!knows_text(world_store(w, world_hub(w)), false, name))
		return;
	revise(w, name, body, sizeof body);
	if (way == 3)
		look_at(w, name);
	put_text(w, CP_GUIDELINE, name, way < 2 ? NULL : body, way < 3);
}

/* A form that has grown so often: first a choice more, then a field more, one of them required. */
static void imagine_form(int which, int extras, char *out, size_t size)
{
	static const char *const first[MAX_FORMS] = {
		"{\"name\":\"grade\",\"type\":\"scale\",\"scope\":\"result\",\"required\":true,\"choices\":["
			"{\"value\":\"0\"},{\"value\":\"1\"},{\"value\":\"2\"}%s]},{\"name\":\"off\",\"type\":\"bool\"}",
		"{\"name\":\"harm\",\"type\":\"scale\",\"scope\":\"result\",\"required\":true,\"policy\":\"severest\",\"choices\":["
			"{\"value\":\"no\",\"severity\":0},{\"value\":\"mild\",\"severity\":1},{\"value\":\"bad\",\"severity\":3}%s]},"
			"{\"name\":\"why\",\"type\":\"text\"}",
		"{\"name\":\"verdict\",\"type\":\"scale\",\"scope\":\"page\",\"required\":true,\"policy\":\"review\",\"choices\":["
			"{\"value\":\"keep\"},{\"value\":\"drop\"}%s]},{\"name\":\"seen\",\"type\":\"bool\",\"scope\":\"result\"}",
	};
	static const char *const choice[MAX_FORMS] = { ",{\"value\":\"3\"}", ",{\"value\":\"worst\",\"severity\":4}", ",{\"value\":\"ask\"}" };
	char fields[1024];
	int n;

	_Static_assert(MAX_FORMS == 3, "three forms are told here");
	n = snprintf(fields, sizeof fields, which == 0 ? first[0] : which == 1 ? first[1] : first[2], extras > 0 ? choice[which] : "");
	for (int i = 2; i <= extras; i++)
		n += snprintf(fields + n, sizeof fields - (size_t)n, ",{\"name\":\"extra%d\",\"type\":\"bool\",\"scope\":\"%s\",\"required\":%s}",
				i, i % 2 ? "page" : "result", i == 2 ? "true" : "false");
	snprintf(out, size, "{\"title\":\"%s\",\"fields\":[%s]}", lead_forms[which], fields);
}

void lead_form(struct world *w, int which)
{
	char body[1536];

	if (knows_text(world_store(w, world_hub(w)), true, lead_forms[which]) && w->form_extras[which] < 4 && chance_is(&w->chance, 80))
		w->form_extras[which]++;
	imagine_form(which, w->form_extras[which], body, sizeof body);
	put_text(w, CP_FORM, lead_forms[which], body, false);
}

void deed_form(struct world *w)
{
	lead_form(w, (int)chance_below(&w->chance, MAX_FORMS));
}

/* ---- who gets what ------------------------------------------------------------------ */

void deed_device(struct world *w)
{
	int person = (int)chance_below(&w->chance, (size_t)w->n_people);

	if (w->n_devices < MAX_DEVICES - 1 && w->n_places < MAX_PLACES)
		world_add_device(w, person);
}

static json_t *names(const char *const *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_string(list[i]));
	return out;
}

static const char *const dues[] = { "", "2026-10-01", "2026-11-01", "2026-12-01" };

/* Those of a set of bits that are there. */
static size_t some_people(struct world *w, unsigned bits, const char **out)
{
	struct cp_store *hub = world_store(w, world_hub(w));
	size_t n = 0;

	for (int i = 0; i < w->n_people; i++)
		if (bits >> i & 1 && knows_person(hub, w->people[i]))
			out[n++] = w->people[i];
	return n;
}

static size_t some_cases(struct world *w, unsigned bits, const char **out)
{
	static const char *const ids[MAX_CASES] = { "c1", "c2", "c3", "c4", "c5", "c6" };
	struct cp_store *hub = world_store(w, world_hub(w));
	size_t n = 0;

	for (int i = 0; i < MAX_CASES; i++)
		if (bits >> i & 1 && knows_case(hub, ids[i]))
			out[n++] = ids[i];
	return n;
}

void lead_assign(struct world *w, int form, int guideline, unsigned people, unsigned cases, int pass)
{
	const char *who[MAX_PEOPLE], *what[MAX_CASES], *due = dues[chance_below(&w->chance, 4)];
	struct cp_assign a = { .form = lead_forms[form], .guideline = guideline < 0 ? NULL : guidelines[guideline], .people = who,
		.n_people = some_people(w, people, who), .cases = what, .n_cases = some_cases(w, cases, what), .pass = pass,
		.due = *due ? due : NULL };
	struct cp_assigned done;

	if (a.n_people == 0 || a.n_cases == 0)
		return;
	MUST(w, cp_assign(world_store(w, world_hub(w)), &a, &done, err));
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:s}", "op", "assign", "form", a.form, "guideline",
			a.guideline ? a.guideline : "", "people", names(who, a.n_people), "cases", names(what, a.n_cases), "pass", pass,
			"due", due));
}

void deed_assign(struct world *w)
{
	int form = (int)chance_below(&w->chance, MAX_FORMS), guideline = (int)chance_below(&w->chance, MAX_GUIDELINES + 1) - 1;
	unsigned people = at_hand(w->person_at_hand, (unsigned)chance_next(&w->chance));
	unsigned cases = at_hand(w->cases_at_hand, (unsigned)chance_next(&w->chance));
	int pass = chance_is(&w->chance, 75) ? 1 : 2;
	struct cp_store *hub = world_store(w, world_hub(w));

	if (knows_text(hub, true, lead_forms[form]) && (guideline < 0 || knows_text(hub, false, guidelines[guideline])))
		lead_assign(w, form, guideline, people, cases, pass);
}

/* Cases are taken back from one rater, perhaps for others. */
void deed_recall(struct world *w)
{
	static const char *const ways[] = { "withdrawn", "expired", "reassigned" };
	const char *from[MAX_PEOPLE], *what[MAX_CASES], *to[MAX_PEOPLE];
	unsigned people = at_hand(w->person_at_hand, 1u << chance_below(&w->chance, (size_t)w->n_people));
	unsigned cases = at_hand(w->cases_at_hand, (unsigned)chance_next(&w->chance));
	struct cp_recall r = { .how = (enum cp_recall_how)chance_below(&w->chance, 3), .people = from, .cases = what, .to = to,
		.judged_too = chance_is(&w->chance, 60) };
	struct cp_recalled done;

	r.n_people = some_people(w, people, from);
	r.n_cases = some_cases(w, cases, what);
	r.n_to = r.how == CP_REASSIGN ? some_people(w, ~people, to) : 0;
	r.before = r.how == CP_EXPIRE ? dues[1 + chance_below(&w->chance, 3)] : NULL;
	if (r.how == CP_REASSIGN && w->n_hubs > 1) { /* two hubs may give one position twice, and then ids decide who inherits first */
		r.n_cases = r.n_cases > 0;
		r.pass = 1 + (int)chance_below(&w->chance, 2);
	}
	if (r.n_people == 0 || r.n_cases == 0 || (r.how == CP_REASSIGN && r.n_to == 0))
		return;
	MUST(w, cp_recall(world_store(w, world_hub(w)), &r, &done, err));
	world_log_lead(w, json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:b, s:s}", "op", "recall", "pass", (int)r.pass, "how", ways[r.how], "from", from[0],
			"cases", names(what, r.n_cases), "to", names(to, r.n_to), "judged too", (int)r.judged_too, "before",
			r.before ? r.before : ""));
}

/* What a breaking revision made stale is kept, asked again, or void. */
void deed_stale(struct world *w)
{
	static const char *const decisions[] = { "keep", "requeue", "void" };
	const char *who[MAX_PEOPLE], *what[MAX_CASES];
	struct cp_stale_settle settle = { .decision = decisions[chance_below(&w->chance, 3)], .reason = "because", .people = who,
		.cases = what, .settled_too = chance_is(&w->chance, 30) };
	struct cp_stale_settled done;

	if (w->person_at_hand != 0) { /* two leads at once: of all there is, and with no new passes, whose order only ids tell */
		settle.decision = settle.decision[0] == 'r' ? "keep" : settle.decision;
	} else {
		settle.n_people = some_people(w, (unsigned)chance_next(&w->chance), who);
		settle.n_cases = some_cases(w, (unsigned)chance_next(&w->chance), what);
	}
	MUST(w, cp_stale_settle(world_store(w, world_hub(w)), &settle, &done, err));
	world_log_lead(w, json_pack("{s:s, s:s, s:o, s:o, s:b}", "op", "stale", "decision", settle.decision, "people",
			names(who, settle.n_people), "cases", names(what, settle.n_cases), "settled too", (int)settle.settled_too));
}

void deed_seal(struct world *w)
{
	struct place *p = &w->places[chance_below(&w->chance, (size_t)w->n_places)];

	if (!p->exists)
		return;
	MUST(w, cp_seal(world_store(w, p), NULL, err));
	world_log(w, json_pack("{s:s, s:s, s:I}", "op", "seal", "at", p->name, "clock", (json_int_t)world_now(w, p)));
}

void lead_sent(void *user, const struct cp_sent *sent)
{
	struct packed *k = user;
	int to = world_addressee(k->w, sent->path);
	struct parcel *p;
	char path[512];

	snprintf(path, sizeof path, "%.500s", sent->path);
	cut_pick_bundle(k->w, k->folder, path, sizeof path);
	p = world_send(k->w, path, to < 0 ? -1 - to : to, to < 0);

	p->is_between_hubs = to < 0;
	json_array_append_new(k->bundles, json_pack("{s:i, s:s}", "id", p->id, "to",
			to < 0 ? k->w->places[k->w->hubs[-1 - to]].name : k->w->devices[to].name));
}

/* Has the hub anybody's device to give to? Of a person of whom it has not heard, it has not. */
static bool may_pack(struct world *w, int person)
{
	return person < 0 || knows_person(world_store(w, world_hub(w)), w->people[person]);
}

void lead_pack(struct world *w, int person)
{
	struct packed k = { w, json_array(), "" };
	struct cp_err why = { 0 };
	const char *who;
	enum cp_code code;
	int64_t n;

	if (person >= 0 && w->relay_of[person])
		person = w->relay_of[person];
	who = person < 0 ? NULL : w->people[person];
	if (person >= 0)
		w->desk = w->home_of[person];
	snprintf(k.folder, sizeof k.folder, "%s", world_outbox(w));
	if (may_pack(w, person)) {
		code = cp_pack(world_store(w, world_hub(w)), who, k.folder, w->how, lead_sent, &k, &n, &why);
		if (code != CP_OK && (code != CP_EINPUT || !trust_is_played(w))) /* whose devices are all revoked */
			world_fails(w, "cp_pack", &why);
		world_log_lead(w, json_pack("{s:s, s:s, s:O, s:s}", "op", "pack", "person", who ? who : "", "bundles", k.bundles, "told",
				code == CP_OK ? "packed" : "refused"));
	}
	json_decref(k.bundles);
}

void hub_pack(struct world *w)
{
	for (int i = 0; i < w->n_hubs; i++) {
		struct packed k = { w, NULL, "" };
		int64_t n;

		if (i == w->desk || !knows_person(world_store(w, world_hub(w)), world_lead(i)))
			continue;
		k.bundles = json_array();
		snprintf(k.folder, sizeof k.folder, "%s", world_outbox(w));
		MUST(w, cp_pack(world_store(w, world_hub(w)), world_lead(i), k.folder, w->how, lead_sent, &k, &n, err));
		world_log_lead(w, json_pack("{s:s, s:s, s:o, s:s}", "op", "pack", "person", world_lead(i), "bundles", k.bundles,
				"told", "packed"));
	}
}

void deed_pack(struct world *w)
{
	lead_pack(w, chance_is(&w->chance, 30) ? -1 : (int)chance_below(&w->chance, (size_t)w->n_people));
}
