/* What happens at a vendor's relay: a hub between a lead's hub and its own raters, that writes nothing itself. */
#include <string.h>

#include "sync/deliver.h"
#include "tests/sim/deeds.h"

/* ---- who there is ------------------------------------------------------------------- */

bool relay_is_played(uint64_t seed)
{
	struct chance chance = chance_of(seed, (uint64_t)1 << 41);

	return chance_is(&chance, 33);
}

/* One or two of the people for each relay. */
void relay_begin(struct world *w)
{
	static const char *const names[MAX_RELAYS] = { "vela", "wega" };
	struct chance chance = chance_of(w->seed, (uint64_t)1 << 42);
	int behind, first;

	if (!relay_is_played(w->seed))
		return;
	w->n_people = w->n_people < 2 ? 2 : w->n_people;
	w->n_relays = chance_is(&chance, 25) ? 2 : 1;
	for (int i = 0; i < w->n_relays; i++) {
		w->people[MAX_PEOPLE + i] = names[i];
		w->home_of[MAX_PEOPLE + i] = w->desk = (int)chance_below(&chance, (size_t)w->n_hubs);
		world_add_device(w, MAX_PEOPLE + i);
	}
	behind = w->n_relays + (int)chance_below(&chance, 2);
	first = (int)chance_below(&chance, (size_t)w->n_people);
	for (int i = 0; i < behind; i++)
		w->relay_of[(first + i) % w->n_people] = MAX_PEOPLE + i % w->n_relays;
}

static struct place *relay_place(struct world *w, int relay)
{
	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]) && w->devices[w->places[i].device].person == relay)
			return &w->places[i];
	return NULL;
}

/* ---- what it does --------------------------------------------------------------------- */

/* It is told that it gives nothing to that person where it has not heard of it. */
void relay_pack(struct world *w, struct place *relay, int person)
{
	struct packed k = { w, json_array(), "" };
	const char *who = person < 0 ? NULL : w->people[person];
	struct cp_err why = { 0 };
	int64_t n;
	enum cp_code code;

	snprintf(k.folder, sizeof k.folder, "%s", world_outbox(w));
	code = cp_pack(world_store(w, relay), who, k.folder, w->how, lead_sent, &k, &n, &why);
	if (code != CP_OK && code != CP_EINPUT && code != CP_ENOTFOUND)
		world_fails(w, "cp_pack", &why);
	world_log(w, json_pack("{s:s, s:s, s:s, s:o, s:s}", "op", "relay_pack", "at", relay->name, "person", who ? who : "",
			"bundles", k.bundles, "told", code == CP_OK ? "packed" : "refused"));
}

void relay_merge(struct world *w, const struct parcel *parcel)
{
	struct place *relay = relay_place(w, w->devices[parcel->to].person);
	struct cp_merged merged;

	MUST(w, cp_merge(world_store(w, relay), parcel->path, &merged, err));
	world_log(w, json_pack("{s:s, s:s, s:I, s:i}", "op", "relay_merge", "at", relay->name, "clock",
			(json_int_t)world_clock(w, relay), "bundle", parcel->id));
}

/* What is under way to that device comes there now. */
static void open_all(struct world *w, struct place *p)
{
	for (size_t i = w->n_parcels; i-- > 0;)
		if (!w->parcels[i].is_return && !w->parcels[i].is_between_hubs && w->parcels[i].to == p->device) {
			carry_open(w, &w->parcels[i], p);
			world_drop_parcel(w, i);
		}
}

void relay_start(struct world *w)
{
	for (int relay = MAX_PEOPLE; relay < MAX_PEOPLE + w->n_relays; relay++) {
		if (!chance_is(&w->chance, 80))
			continue;
		open_all(w, relay_place(w, relay));
		relay_pack(w, relay_place(w, relay), -1);
		for (int i = 0; i < w->n_places; i++)
			if (!place_is_hub(&w->places[i]) && w->relay_of[w->devices[w->places[i].device].person] == relay && chance_is(&w->chance, 60))
				open_all(w, &w->places[i]);
	}
}

void relay_is_passed_by(struct world *w, struct parcel *parcel)
{
	parcel->is_to_relay = false;
	parcel->to = w->home_of[w->devices[parcel->to].person];
	if (w->has_mirror)
		world_mirror(w, parcel);
}

/* The hub gives to it, it gives to its own, or it passes on what came. */
void deed_relay(struct world *w)
{
	int relay = MAX_PEOPLE + (int)chance_below(&w->chance, w->n_relays > 0 ? (size_t)w->n_relays : 1);
	struct place *p = w->n_relays > 0 ? relay_place(w, relay) : NULL;
	size_t way = chance_below(&w->chance, 10);
	int person = (int)chance_below(&w->chance, (size_t)w->n_people);

	if (p == NULL)
		return;
	if (way < 3)
		lead_pack(w, relay);
	else if (p->exists && way < 6)
		relay_pack(w, p, w->relay_of[person] == relay ? person : -1);
	else if (p->exists && way < 9)
		rater_return(w, p, false);
	else if (p->exists && chance_is(&w->chance, 40))
		carry_rebuild(w, p);
}

/* ---- the end ---------------------------------------------------------------------------- */

void relay_passes_on(struct world *w, int person)
{
	struct place *p = w->relay_of[person] ? relay_place(w, w->relay_of[person]) : NULL;

	if (p != NULL && p->exists && rater_return(w, p, false))
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
}

void relay_gives(struct world *w, int person)
{
	struct place *p = w->relay_of[person] ? relay_place(w, w->relay_of[person]) : NULL;

	lead_pack(w, person);
	if (p == NULL)
		return;
	open_all(w, p);
	w->n_parcels = 0;
	if (p->exists)
		relay_pack(w, p, person);
}
