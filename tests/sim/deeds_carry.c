/* Bundles on their way, clocks, and what befalls workspaces. */
#include <string.h>

#include "sync/deliver.h"
#include "sync/rebuild.h"
#include "tests/sim/deeds.h"

/* ---- arriving ----------------------------------------------------------------------- */

/* CP_EINPUT is what a rater is told where an earlier bundle is missing, CP_ETRUST where the workspace goes on under
 * another id than the bundle is for; with another key it cannot read an encrypted one. */
bool carry_open(struct world *w, const struct parcel *parcel, struct place *p)
{
	struct cp_opened opened;
	struct cp_err why = { 0 };
	enum cp_code code;

	if (p->exists && w->keeps_tokens)
		world_store(w, p); /* one that was copied notices first */
	world_close(w, p);
	world_clock(w, p);
	code = cp_open(world_path(w, p->name), parcel->path, world_key(w, p->device), NULL, NULL, &opened, &why);
	if (code != CP_OK && code != CP_EINPUT && (parcel->to == p->device || (code != CP_ETRUST && code != CP_EKEY)))
		world_fails(w, "cp_open", &why);
	p->exists = p->exists || code == CP_OK;
	world_log(w, json_pack("{s:s, s:s, s:i, s:s}", "op", "open", "at", p->name, "bundle", parcel->id, "told",
			code == CP_OK ? "opened" : code == CP_EINPUT ? "refused" : "not mine"));
	return code != CP_EINPUT;
}

/* CP_ETRUST is what a hub says that has not heard of the device yet. */
void carry_merge(struct world *w, const struct parcel *parcel)
{
	struct cp_merged merged;
	struct cp_err why = { 0 };
	enum cp_code code;

	if (parcel->is_to_relay) {
		relay_merge(w, parcel);
		return;
	}
	if (parcel->is_between_hubs)
		w->desk = parcel->to;
	code = cp_merge(world_store(w, world_hub(w)), parcel->path, &merged, &why);
	if (code != CP_OK && code != CP_ETRUST)
		world_fails(w, "cp_merge", &why);
	world_log_lead(w, json_pack("{s:s, s:i, s:s}", "op", "merge", "bundle", parcel->id, "told", code == CP_OK ? "merged" : "refused"));
}

void carry_to(struct world *w, const struct parcel *parcel)
{
	if (!parcel->is_to_relay)
		w->desk = parcel->to;
}

/* One that is under way, back to the hub or out to a device. */
static bool some_parcel(struct world *w, bool is_return, size_t *out)
{
	size_t n = 0, nth;

	for (size_t i = 0; i < w->n_parcels; i++)
		n += w->parcels[i].is_return == is_return;
	if (n == 0)
		return false;
	nth = chance_below(&w->chance, n);
	for (*out = 0; w->parcels[*out].is_return != is_return || nth-- > 0; ++*out)
		;
	return true;
}

/* A workspace of that device, a copy only where there is one already; where none is that device any more, one that was. */
static struct place *place_of(struct world *w, int device)
{
	struct place *fits[2 * MAX_PLACES];
	size_t n = 0;

	for (int i = 0; i < w->n_places; i++)
		if (w->places[i].device == device)
			fits[n++] = &w->places[i];
	for (int i = 0; i < w->n_places && (n == 0 || (w->keeps_tokens && chance_is(&w->chance, 10))); i++)
		if (!place_is_hub(&w->places[i]) && w->devices[w->places[i].device].origin == w->devices[device].origin && w->places[i].exists)
			fits[n++] = &w->places[i];
	return n == 0 ? NULL : fits[chance_below(&w->chance, n)];
}

void deed_open(struct world *w)
{
	struct place *p;
	size_t i;

	if (!some_parcel(w, false, &i))
		return;
	p = place_of(w, w->parcels[i].to);
	if (p == NULL)
		return;
	carry_open(w, &w->parcels[i], p);
	if (chance_is(&w->chance, 75)) /* else it comes once more */
		world_drop_parcel(w, i);
}

/* Hubs that do not know of each other's verdicts give their own, each by its own clock. */
static void merge_everywhere(struct world *w, size_t i)
{
	for (w->desk = w->n_hubs - 1; w->desk > 0; w->desk--)
		carry_merge(w, &w->parcels[i]);
	carry_merge(w, &w->parcels[i]);
}

void deed_merge(struct world *w)
{
	size_t i;

	if (!some_parcel(w, true, &i))
		return;
	if (w->parcels[i].is_to_relay && chance_is(&w->chance, 15))
		relay_is_passed_by(w, &w->parcels[i]);
	if (w->n_hubs > 1 && !w->parcels[i].is_between_hubs && chance_is(&w->chance, 25))
		merge_everywhere(w, i);
	if (w->n_hubs == 1 || chance_is(&w->chance, 75)) /* else whatever hub it is that acts */
		carry_to(w, &w->parcels[i]);
	carry_merge(w, &w->parcels[i]);
	if (chance_is(&w->chance, 75))
		world_drop_parcel(w, i);
}

void deed_lose(struct world *w)
{
	if (w->n_parcels > 0)
		world_drop_parcel(w, chance_below(&w->chance, w->n_parcels));
}

/* ---- clocks and workspaces ---------------------------------------------------------- */

void deed_clock(struct world *w)
{
	static const int64_t wrong_s[] = { 0, 0, 3600, -3600, 100000, -100000, (int64_t)3 * 365 * 86400, (int64_t)-3 * 365 * 86400 };
	struct place *p = &w->places[chance_below(&w->chance, (size_t)w->n_places)];
	int64_t skew_us = wrong_s[chance_below(&w->chance, sizeof wrong_s / sizeof *wrong_s)] * 1000000;

	/* One that was set back ticks on from what it showed: once more where a deed is done again. */
	if ((w->percent_cut == 0 && (place_is_hub(p) || w->devices[p->device].copies == 1)) || skew_us > p->skew_us)
		p->skew_us = skew_us;
}

void deed_close(struct world *w)
{
	world_close(w, &w->places[chance_below(&w->chance, (size_t)w->n_places)]);
}

void carry_rebuild(struct world *w, struct place *p)
{
	struct cp_rebuilt done;

	if (w->keeps_tokens)
		world_store(w, p);
	world_close(w, p);
	world_clock(w, p);
	MUST(w, cp_rebuild(world_path(w, p->name), world_key(w, p->device), &done, err));
	world_log(w, json_pack("{s:s, s:s}", "op", "rebuild", "at", p->name));
}

void deed_rebuild(struct world *w)
{
	struct place *p = &w->places[chance_below(&w->chance, (size_t)w->n_places)];

	p = w->n_hubs > 1 && chance_is(&w->chance, 50) ? world_hub(w) : p;
	if (p->exists)
		carry_rebuild(w, p);
}
