#include "tests/sim/settle.h"

#include <stdlib.h>

#include "sync/deliver.h"
#include "sync/seal.h"
#include "tests/sim/deeds.h"

/* The hub enters every copy into its roster, as it will not write from now on. */
static void meet_copies(struct world *w)
{
	for (int i = 1; i < w->n_places; i++) {
		struct place *p = &w->places[i];

		if (p->exists)
			world_store(w, p);
		if (p->exists && w->devices[p->device].root != p->device)
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

	if (w->keeps_tokens)
		meet_copies(w);
	MUST(w, cp_seal(world_store(w, hub), NULL, err));
	world_log(w, json_pack("{s:s, s:s}", "op", "seal", "at", hub->name));
	world_close(w, hub);
	world_copy(w, "hub", "mirror");
	w->has_mirror = true;
	for (size_t i = 0; i < w->n_parcels; i++)
		if (w->parcels[i].is_return) {
			w->mirrored = reallocarray(w->mirrored, w->n_mirrored + 1, sizeof *w->mirrored);
			w->mirrored[w->n_mirrored++] = w->parcels[i];
		}
}

/* NULL: it has become another one. */
static struct place *first_place_of(struct world *w, int device)
{
	for (int i = 1; i < w->n_places; i++)
		if (w->places[i].device == device)
			return &w->places[i];
	return NULL;
}

static void deliver_what_is_under_way(struct world *w)
{
	while (w->n_parcels > 0) {
		size_t i = chance_below(&w->chance, w->n_parcels);

		if (w->parcels[i].is_return)
			carry_merge(w, &w->parcels[i]);
		else if (first_place_of(w, w->parcels[i].to) != NULL)
			carry_open(w, &w->parcels[i], first_place_of(w, w->parcels[i].to));
		world_drop_parcel(w, i);
	}
}

/* One workspace sends what it owes, and takes in what the hub then has for it. Bundles for others get lost.
 * false: it was put back, and the hub does not know that it lacks something. */
static bool round_trip(struct world *w, struct place *p, bool is_full)
{
	bool is_well = true;

	if (p->exists && rater_return(w, p, is_full))
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
	w->n_parcels = 0;
	lead_pack(w, w->devices[p->device].person);
	for (size_t i = 0; i < w->n_parcels; i++)
		if (w->parcels[i].to == p->device)
			is_well = carry_open(w, &w->parcels[i], p);
	w->n_parcels = 0;
	return is_well;
}

void settle_deliver(struct world *w)
{
	deliver_what_is_under_way(w);
	for (int round = 0; round < 2; round++) /* what is new to one line of a copied folder may be from another */
		for (int i = 1; i < w->n_places; i++)
			if ((round == 0 || w->devices[w->places[i].device].copies > 1 || w->keeps_tokens)
					&& !round_trip(w, &w->places[i], false))
				round_trip(w, &w->places[i], true);
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
