#include "tests/sim/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/deliver.h"
#include "sync/seal.h"
#include "tests/sim/deeds.h"

/* The hub enters every copy, and whoever goes on with another key, into its roster, as it will not write from now on. */
static void meet_copies(struct world *w)
{
	for (int i = 0; i < w->n_places; i++) {
		struct place *p = &w->places[i];

		if (place_is_hub(p) || !p->exists)
			continue;
		world_store(w, p);
		if (w->devices[p->device].origin != p->device)
			rater_return(w, p, false);
	}
	for (size_t i = w->n_parcels; i-- > 0;)
		if (w->parcels[i].is_return) {
			carry_merge(w, &w->parcels[i]);
			world_drop_parcel(w, i);
		}
}

void settle_make_mirror(struct world *w)
{
	struct place *hub = world_hub(w);

	for (int rounds = w->keeps_tokens ? 1 : trust_is_played(w) ? 3 : 0; rounds > 0; rounds--) /* one may go on for another */
		meet_copies(w);
	MUST(w, cp_seal(world_store(w, hub), NULL, err));
	world_log(w, json_pack("{s:s, s:s, s:I}", "op", "seal", "at", hub->name, "clock", (json_int_t)world_now(w, hub)));
	world_close(w, hub);
	world_copy(w, "hub", "mirror");
	w->has_mirror = true;
	for (size_t i = 0; i < w->n_parcels; i++)
		if (w->parcels[i].is_return && !w->parcels[i].is_to_relay)
			world_mirror(w, &w->parcels[i]);
}

/* ---- hubs --------------------------------------------------------------------------------- */

static void sync_all(struct world *w)
{
	for (bool is_news = w->n_hubs > 1; is_news;) {
		is_news = false;
		for (w->desk = 0; w->desk < w->n_hubs; w->desk++)
			is_news = hub_sync(w) || is_news;
		w->desk = 0;
	}
}

void settle_exchange(struct world *w)
{
	sync_all(w);
	for (int i = 0; i < w->n_hubs && w->n_hubs > 1; i++) {
		const size_t before = w->n_parcels;

		w->desk = i;
		hub_pack(w);
		while (w->n_parcels > before) {
			carry_merge(w, &w->parcels[w->n_parcels - 1]);
			world_drop_parcel(w, w->n_parcels - 1);
		}
	}
	sync_all(w);
	w->desk = 0;
}

/* Every file of a repository with its size and the moment at which it was written. */
static void list_files(struct world *w, const char *repository, char **out, size_t *len)
{
	char command[700];
	FILE *f;
	int c;

	snprintf(command, sizeof command, "find '%s' -type f -printf '%%p %%s %%T@\n' | sort", world_path(w, repository));
	f = popen(command, "r");
	while (f != NULL && (c = fgetc(f)) != EOF) {
		*out = realloc(*out, *len + 2);
		(*out)[(*len)++] = (char)c;
		(*out)[*len] = '\0';
	}
	if (f == NULL || pclose(f) != 0)
		abort();
}

static char *list_histories(struct world *w)
{
	char *out = NULL, path[64];
	size_t len = 0;

	for (int i = 0; i < w->n_hubs; i++) {
		snprintf(path, sizeof path, "%s/history.git", w->places[w->hubs[i]].name);
		list_files(w, path, &out, &len);
	}
	list_files(w, "remote.git", &out, &len);
	return out;
}

const char *settle_quietly(struct world *w)
{
	static char first[256];
	char *before, *after;
	size_t at = 0;

	if (w->n_hubs < 2)
		return "";
	before = list_histories(w);
	sync_all(w);
	after = list_histories(w);
	while (after[at] != '\0' && after[at] == before[at])
		at++;
	while (at > 0 && after[at] != '\0' && after[at - 1] != '\n')
		at--;
	snprintf(first, sizeof first, "%.200s", strcmp(before, after) == 0 ? "" : &after[at]);
	free(before);
	free(after);
	return first;
}

/* ---- everybody ------------------------------------------------------------------------------ */

static void deliver_what_is_under_way(struct world *w)
{
	while (w->n_parcels > 0) {
		size_t i = chance_below(&w->chance, w->n_parcels);

		if (w->parcels[i].is_return) {
			carry_to(w, &w->parcels[i]);
			carry_merge(w, &w->parcels[i]);
		} else if (world_place_of(w, w->parcels[i].to) != NULL) {
			carry_open(w, &w->parcels[i], world_place_of(w, w->parcels[i].to));
		}
		world_drop_parcel(w, i);
	}
}

static void send_home(struct world *w, struct place *p, bool is_full)
{
	w->desk = w->home_of[w->devices[p->device].person];
	if (p->exists && rater_return(w, p, is_full))
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
	relay_passes_on(w, w->devices[p->device].person);
	w->n_parcels = 0;
}

static void send_all_home(struct world *w)
{
	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]))
			send_home(w, &w->places[i], false);
}

/* What is for it of what is under way; false: it lacks something that this builds on. */
static bool open_mine(struct world *w, struct place *p)
{
	bool is_well = true;

	for (size_t k = 0; k < w->n_parcels; k++)
		if (!w->parcels[k].is_return && w->parcels[k].to == p->device)
			is_well = carry_open(w, &w->parcels[k], p);
	return is_well;
}

/* What the hub has for that person comes to each workspace. One that was put back, while the hub does not know that it
 * lacks something, asks for it. Bundles for others get lost. */
static void give_to(struct world *w, int person)
{
	bool asks[MAX_PLACES];

	relay_gives(w, person);
	for (int i = 0; i < w->n_places; i++)
		asks[i] = !open_mine(w, &w->places[i]);
	w->n_parcels = 0;
	for (int i = 0; i < w->n_places; i++) {
		if (!asks[i])
			continue;
		send_home(w, &w->places[i], true);
		relay_gives(w, person);
		if (!open_mine(w, &w->places[i]))
			abort();
		w->n_parcels = 0;
	}
}

static void give_all(struct world *w)
{
	bool is_given[MAX_PEOPLE + MAX_RELAYS] = { false };

	for (int i = 0; i < w->n_places; i++) {
		int person = place_is_hub(&w->places[i]) ? -1 : w->devices[w->places[i].device].person;

		if (person < 0 || is_given[person])
			continue;
		is_given[person] = true;
		give_to(w, person);
	}
}

void settle_deliver(struct world *w)
{
	deliver_what_is_under_way(w);
	for (int round = 0; round < 2; round++) { /* the work of one device may bring material to another */
		send_all_home(w);
		if (round == 0)
			settle_exchange(w);
		give_all(w);
	}
	sync_all(w);
}

void settle_mirror_merges(struct world *w, struct cp_hash *out)
{
	struct cp_store *mirror;

	world_clock(w, world_hub(w));
	setenv("XDG_CONFIG_HOME", "/dev/null", 1); /* it stands for the hub itself */
	MUST(w, cp_store_open(&mirror, world_path(w, "mirror"), err));
	while (w->n_mirrored > 0) {
		size_t i = chance_below(&w->chance, w->n_mirrored);
		struct cp_merged merged;

		MUST(w, cp_merge(mirror, w->mirrored[i].path, &merged, err));
		w->mirrored[i] = w->mirrored[--w->n_mirrored];
	}
	MUST(w, cp_store_hash(mirror, out, err));
	cp_store_close(mirror);
}
