/* What happens on raters' devices. */
#include <assert.h>
#include <string.h>

#include "sync/deliver.h"
#include "sync/judge.h"
#include "tests/sim/cut.h"
#include "tests/sim/deeds.h"

struct place *some_workspace(struct world *w)
{
	struct place *there[MAX_PLACES];
	size_t n = 0;

	for (int i = 0; i < w->n_places; i++)
		if (w->places[i].exists && !place_is_hub(&w->places[i]) && !place_is_relay(w, &w->places[i]))
			there[n++] = &w->places[i];
	return n == 0 ? NULL : there[chance_below(&w->chance, n)];
}

size_t some_case(struct world *w)
{
	return chance_below(&w->chance, chance_is(&w->chance, 60) ? 2 : (size_t)MAX_CASES);
}

/* ---- rating ------------------------------------------------------------------------- */

#define MAX_ANSWERS 64
struct wish {
	struct cp_answer answers[MAX_ANSWERS];
	size_t n;
	enum cp_submit how;
	char note[16];
	bool has_note;
	int64_t active_ms;
};

static const char *imagine_value(struct world *w, const struct cp_field *f)
{
	static const char *const words[] = { "one", "two", "three" };

	if (chance_is(&w->chance, 6))
		return ""; /* taken back */
	if (f->n_choices > 0)
		return f->choices[chance_below(&w->chance, f->n_choices)].value;
	if (f->type == CP_BOOL)
		return chance_is(&w->chance, 50) ? "true" : "false";
	return words[chance_below(&w->chance, 3)];
}

static void imagine_answer(struct world *w, struct wish *wish, const struct cp_field *f, const char *result, int percent)
{
	if (wish->n < MAX_ANSWERS && chance_is(&w->chance, percent))
		wish->answers[wish->n++] = (struct cp_answer){ f->name, result, imagine_value(w, f) };
}

/* Answers to what this rater sees; mostly to all of it, sometimes a second thought on one field. */
static void imagine_wish(struct world *w, const struct cp_task *t, struct wish *out)
{
	static const enum cp_submit ways[] = { CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_IF_COMPLETE,
		CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_IF_COMPLETE, CP_SUBMIT_DRAFT,
		CP_SUBMIT_SKIP, CP_SUBMIT_ESCALATE };
	bool is_thorough = chance_is(&w->chance, 70);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < t->form.n_fields; i++) {
		const struct cp_field *f = &t->form.fields[i];
		int percent = is_thorough ? f->is_required ? 97 : 40 : 25;

		if (f->scope == CP_PAGE)
			imagine_answer(w, out, f, "", percent);
		for (size_t r = 0; f->scope == CP_RESULT && r < t->view.n_results; r++)
			imagine_answer(w, out, f, t->view.results[r].id, percent);
	}
	out->how = ways[chance_below(&w->chance, sizeof ways / sizeof *ways)];
	out->has_note = out->how == CP_SUBMIT_SKIP ? chance_is(&w->chance, 90) : chance_is(&w->chance, 15);
	snprintf(out->note, sizeof out->note, "note %zu", chance_below(&w->chance, 4));
	out->active_ms = (int64_t)chance_below(&w->chance, w->is_again ? 1 : 5000);
}

static json_t *tell_wish(const char *case_id, const struct wish *wish, const char *told)
{
	static const char *const ways[] = { "submit", "draft", "skip", "escalate" };
	json_t *answers = json_array();

	for (size_t i = 0; i < wish->n; i++)
		json_array_append_new(answers, json_pack("[s, s, s]", wish->answers[i].field, wish->answers[i].result,
				wish->answers[i].value));
	return json_pack("{s:s, s:o, s:s, s:o, s:I, s:s}", "case", case_id, "answers", answers, "how", ways[wish->how], "note",
			wish->has_note ? json_string(wish->note) : json_null(), "ms", (json_int_t)wish->active_ms, "told", told);
}

/* One case as somebody judges it; the intent, and what the screen said then. */
static json_t *judge_one(struct world *w, struct cp_store *s, size_t n)
{
	struct cp_judge_result result;
	struct cp_err why = { 0 };
	struct cp_task task;
	struct cp_id id;
	struct wish wish;
	char case_id[8];
	json_t *told;

	snprintf(case_id, sizeof case_id, "c%zu", n + 1);
	if (cp_case_find(s, case_id, &id, &why) != CP_OK || cp_task_find(s, &id, &task, &why) != CP_OK)
		return json_pack("{s:s, s:s}", "case", case_id, "told", "not mine");
	imagine_wish(w, &task, &wish);
	told = tell_wish(case_id, &wish, cp_judge(s, &task, wish.answers, wish.n, wish.how, wish.has_note ? wish.note : NULL,
			wish.active_ms, &result, &why) == CP_OK ? result.state : "refused");
	cp_task_drop(&task);
	return told;
}

void rater_rates(struct world *w, struct place *p, size_t n)
{
	json_t *told = judge_one(w, world_store(w, p), n);

	world_log(w, json_pack("{s:s, s:s, s:I, s:[o]}", "op", "rate", "at", p->name, "clock", (json_int_t)world_clock(w, p),
			"wishes", told));
}

void deed_rate(struct world *w)
{
	struct place *p = some_workspace(w);

	if (p != NULL)
		rater_rates(w, p, some_case(w));
}

/* Another workspace of the same person that is there, or is once the bundle that is under way to it is opened; NULL when
 * there is none. */
static struct place *beside(struct world *w, const struct place *p)
{
	struct place *there[MAX_PLACES];
	size_t n = 0;

	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]) && &w->places[i] != p && w->devices[w->places[i].device].person == w->devices[p->device].person)
			there[n++] = &w->places[i];
	if (n == 0)
		return NULL;
	n = chance_below(&w->chance, n);
	for (size_t i = 0; i < w->n_parcels && !there[n]->exists; i++)
		if (!w->parcels[i].is_return && w->parcels[i].to == there[n]->device)
			carry_open(w, &w->parcels[i], there[n]);
	return there[n]->exists ? there[n] : NULL;
}

/* One person judges some cases on two devices, and what each says mostly arrives at once. */
void deed_dispute(struct world *w)
{
	struct place *two[2] = { NULL, NULL };
	size_t first = some_case(w), second = some_case(w);

	for (int tries = 0; tries < 6 && two[1] == NULL; tries++) {
		two[0] = some_workspace(w);
		two[1] = two[0] ? beside(w, two[0]) : NULL;
	}
	if (two[1] == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		rater_rates(w, two[i], first);
		rater_rates(w, two[i], second);
		if (!rater_return(w, two[i], false) || !chance_is(&w->chance, 85))
			continue;
		carry_to(w, &w->parcels[w->n_parcels - 1]);
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
	}
}

/* Several in one transaction, sometimes one case twice. A refusal ends it, and nothing was done. */
void deed_rate_many(struct world *w)
{
	struct place *p = some_workspace(w);
	json_t *list = json_array();
	struct cp_store *s;
	size_t n, last;
	unsigned done = 0;
	bool good = true;

	if (p == NULL) {
		json_decref(list);
		return;
	}
	s = world_store(w, p);
	MUST(w, cp_judge_begin(s, err));
	n = 2 + chance_below(&w->chance, 3);
	last = some_case(w);
	for (size_t i = 0; i < n && good; i++) {
		json_t *told = w->is_again && done >> last & 1 ? NULL : judge_one(w, s, last);

		if (told != NULL) { /* a first thought, done again, would be a third one */
			good = strcmp(json_string_value(json_object_get(told, "told")), "refused") != 0;
			json_array_append_new(list, told);
		}
		done |= 1u << last;
		last = chance_is(&w->chance, 20) ? last : some_case(w);
	}
	if (good)
		MUST(w, cp_judge_commit(s, "a batch", err));
	else
		cp_judge_abort(s);
	world_log(w, json_pack("{s:s, s:s, s:I, s:o}", "op", "rate", "at", p->name, "clock", (json_int_t)world_clock(w, p),
			"wishes", list));
}

/* ---- sending back --------------------------------------------------------------------- */

/* To the hub that gives to this person's devices, or to the relay before it. */
static struct parcel *send_return(struct world *w, const char *path, int person)
{
	struct parcel *p;

	if (w->relay_of[person] == 0)
		return world_send(w, path, w->home_of[person], true);
	p = world_send(w, path, world_addressee(w, path), false);
	p->is_return = p->is_to_relay = true;
	return p;
}

bool rater_return(struct world *w, struct place *p, bool is_full)
{
	struct cp_store *s = world_store(w, p);
	struct parcel *parcel = NULL;
	struct cp_sent sent;
	char folder[512], path[512] = "";
	int64_t n;

	snprintf(folder, sizeof folder, "%s", world_outbox(w));
	MUST(w, cp_return(s, folder, w->how | (is_full ? CP_SEND_FULL : 0), &sent, &n, err));
	if (n > 0)
		snprintf(path, sizeof path, "%.500s", sent.path);
	cut_pick_bundle(w, folder, path, sizeof path);
	if (*path)
		parcel = send_return(w, path, w->devices[p->device].person);
	world_log(w, json_pack("{s:s, s:s, s:I, s:o, s:b}", "op", "return", "at", p->name, "clock", (json_int_t)world_now(w, p),
			"bundle", parcel ? json_integer(parcel->id) : json_null(), "full", (int)is_full));
	return parcel != NULL;
}

void deed_return(struct world *w)
{
	struct place *p = some_workspace(w);

	if (p != NULL)
		rater_return(w, p, false);
}

/* ---- a folder copied, and both worked in ------------------------------------------------ */

/* From now on no clock of the lines falls behind what one has shown: a tie of two lines would be broken by
 * the rev, which nobody outside knows. */
static void keep_apart(struct world *w, const struct place *p)
{
	for (int i = 0; i < w->n_places; i++)
		while (w->places[i].device == p->device && world_now(w, &w->places[i]) <= p->latest_us)
			w->places[i].skew_us += (int64_t)86400 * 1000000;
}

void deed_copy(struct world *w)
{
	struct place *p = some_workspace(w), *copy;
	char name[48];

	if (p == NULL || w->n_places == MAX_PLACES || w->devices[p->device].copies > 2)
		return;
	if (w->keeps_tokens && (w->has_mirror || !world_has_room(w))) /* its hub will write of it */
		return;
	snprintf(name, sizeof name, "%.20s-copy%d", w->devices[p->device].name, w->devices[p->device].copies++);
	world_close(w, p);
	world_copy(w, p->name, name);
	copy = world_add_place(w, name, p->device);
	copy->exists = true;
	if (w->keeps_tokens && chance_is(&w->chance, 50))
		copy->home = p->home; /* on the same machine */
	copy->latest_us = p->latest_us;
	copy->skew_us = p->skew_us;
	world_log(w, json_pack("{s:s, s:s, s:s, s:b}", "op", "copy", "at", p->name, "name", copy->name, "tokens",
			(int)w->keeps_tokens));
	keep_apart(w, p);
}
