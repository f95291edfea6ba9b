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

void deed_hub_bundle(struct world *w)
{
	hub_pack(w);
}
