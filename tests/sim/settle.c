#include "tests/sim/settle.h"

#include <stdlib.h>

#include "sync/deliver.h"
#include "sync/seal.h"
#include "tests/sim/deeds.h"

void settle_make_mirror(struct world *w)
{
	struct place *hub = world_hub(w);

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

static struct place *first_place_of(struct world *w, int device)
{
	for (int i = 1; i < w->n_places; i++)
		if (w->places[i].device == device)
			return &w->places[i];
	abort();
}

static void deliver_what_is_under_way(struct world *w)
{
	while (w->n_parcels > 0) {
		size_t i = chance_below(&w->chance, w->n_parcels);

		if (w->parcels[i].is_return)
			carry_merge(w, &w->parcels[i]);
		else
			carry_open(w, &w->parcels[i], first_place_of(w, w->parcels[i].to));
		world_drop_parcel(w, i);
	}
}

/* One workspace sends what it owes, and takes in what the hub then has for it. Bundles for others get lost. */
static void round_trip(struct world *w, struct place *p)
{
	if (p->exists && rater_return(w, p))
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
	w->n_parcels = 0;
	lead_pack(w, w->devices[p->device].person);
	for (size_t i = 0; i < w->n_parcels; i++)
		if (w->parcels[i].to == p->device)
			carry_open(w, &w->parcels[i], p);
	w->n_parcels = 0;
}

void settle_deliver(struct world *w)
{
	deliver_what_is_under_way(w);
	for (int round = 0; round < 2; round++) /* the work of a device that sent later may bring material to one that sent before */
		for (int i = 1; i < w->n_places; i++)
			round_trip(w, &w->places[i]);
}

void settle_mirror_merges(struct world *w, struct cp_hash *out)
{
	struct cp_store *mirror;

	world_clock(w, world_hub(w));
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
