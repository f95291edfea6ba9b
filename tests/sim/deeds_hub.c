/* What happens between leads' hubs. */
#include "sync/hub.h"
#include "tests/sim/deeds.h"

void deed_hub(struct world *w)
{
	if (w->n_hubs < w->most_hubs && w->n_places < MAX_PLACES)
		world_add_hub(w);
}

bool hub_sync(struct world *w)
{
	struct cp_synced done;

	MUST(w, cp_hub_sync(world_store(w, world_hub(w)), world_path(w, "remote.git"), &done, err));
	world_log_lead(w, json_pack("{s:s, s:I}", "op", "sync", "told", (json_int_t)done.commits));
	return done.commits > 0 || done.pushed > 0;
}

void deed_sync(struct world *w)
{
	hub_sync(w);
}

/* Two leads do the same, or the same sort of thing to the same, and do not know of each other. */
void deed_both(struct world *w)
{
	static deed *const acts[] = { deed_import, deed_guideline, deed_form, deed_assign, deed_recall, deed_recall, deed_stale };
	deed *act = acts[chance_below(&w->chance, sizeof acts / sizeof *acts)];
	bool is_same = chance_is(&w->chance, 30);
	struct chance before;

	w->person_at_hand = 1u << chance_below(&w->chance, (size_t)w->n_people);
	w->cases_at_hand = 1u << chance_below(&w->chance, 3) | 1u << chance_below(&w->chance, MAX_CASES);
	before = w->chance;
	for (int i = 0; i < w->n_hubs; i++) {
		w->desk = i;
		w->chance = is_same ? before : w->chance;
		act(w);
	}
	w->person_at_hand = w->cases_at_hand = 0;
}

void deed_hub_bundle(struct world *w)
{
	hub_pack(w);
}
