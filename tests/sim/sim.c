/*
 * One run of the simulated world, from one seed.
 *
 *     sim --seed N --dir DIR [--skip 4,17,...]
 *
 * Leaves DIR/log.jsonl (what everybody wished), DIR/state.json (what everybody then
 * held) and the workspaces. 0: it ran to its end; 3: the product refused what it
 * must do; 4: a property does not hold, and the run cannot go on: stderr says which.
 * Whether what was held is right is model.py's to say.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sync/deliver.h"
#include "tests/sim/cut.h"
#include "tests/sim/deeds.h"
#include "tests/sim/settle.h"

const struct deed_row deeds[] = {
	{ "rate",      36, false, false, deed_rate },
	{ "rate many",  6, false, false, deed_rate_many },
	{ "return",    14, false, false, deed_return },
	{ "merge",     14, false, false, deed_merge },
	{ "pack",       7, false, false, deed_pack },
	{ "open",      16, false, false, deed_open },
	{ "lose",       3, false, false, deed_lose },
	{ "seal",       4, false, false, deed_seal },
	{ "clock",      5, false, false, deed_clock },
	{ "close",      4, false, false, deed_close },
	{ "copy",       4, false, false, deed_copy },
	{ "rebuild",    1, false, false, deed_rebuild },
	{ "import",     6, true,  false, deed_import },
	{ "guideline",  3, true,  false, deed_guideline },
	{ "form",       3, true,  false, deed_form },
	{ "assign",     5, true,  false, deed_assign },
	{ "recall",     4, true,  false, deed_recall },
	{ "stale",      4, true,  false, deed_stale },
	{ "device",     1, true,  false, deed_device },
	{ "merge text", 4, true,  true,  deed_merge_text },
	{ "sync",      10, false, true,  deed_sync },
	{ "hub bundle", 8, false, true,  deed_hub_bundle },
	{ "hub",        2, false, true,  deed_hub },
	{ "both",      12, false, true,  deed_both },
	{ "dispute",   14, false, false, deed_dispute },
	{ "resolve",   14, true,  false, deed_resolve },
	{ "rule",       3, true,  false, deed_rule },
	{ "adjudicate", 3, true,  false, deed_adjudicate },
	{ "policy",     4, true,  false, deed_policy },
	{ "backup",     8, false, false, deed_backup },
	{ "put back",  12, false, false, deed_put_back },
	{ "move",       1, false, false, deed_move },
	{ "new home",   2, false, false, deed_new_home },
	{ "relay",     20, false, false, deed_relay },
	{ "revoke",    12, true,  false, deed_revoke },
	{ "new key",   14, false, false, deed_new_key },
	{ "trust",     25, true,  false, deed_trust },
	{ "ruling",    30, true,  false, deed_ruling },
};
const size_t n_deeds = sizeof deeds / sizeof *deeds;

struct course { struct world world; uint64_t seed; long steps, mirror_at; int most_hubs; bool *skipped;
	int weights[sizeof deeds / sizeof *deeds]; };

/* About half of the seeds have one hub, and only those keep tokens. With several the leads write more, so that they meet
 * in one cell. */
static void choose_hubs(struct course *c)
{
	static const int numbers[] = { 1, 1, 1, 2, 2, 3 };
	struct chance chance = chance_of(c->seed, (uint64_t)1 << 40);

	c->most_hubs = numbers[chance_below(&chance, sizeof numbers / sizeof *numbers)];
	c->world.keeps_tokens = c->world.keeps_tokens && c->most_hubs == 1 && !relay_is_played(c->seed);
	for (size_t i = 0; i < n_deeds; i++)
		if (c->most_hubs == 1)
			c->weights[i] *= !deeds[i].is_between_hubs;
		else
			c->weights[i] *= deeds[i].is_leads || deeds[i].act == deed_rebuild ? 4 : 1;
}

/* Where there are relays, all takes longer, since each thing travels twice. */
static void choose_relays(struct course *c)
{
	bool is_played = relay_is_played(c->seed);

	c->steps *= is_played ? 2 : 1;
	for (size_t i = 0; i < n_deeds; i++)
		if (deeds[i].act == deed_relay)
			c->weights[i] = is_played ? 4 * deeds[i].weight : 0;
		else if (is_played)
			c->weights[i] *= deeds[i].is_leads || deeds[i].is_between_hubs ? 1 : 2;
}

static bool is_one_of(deed *act, deed *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == act)
			return true;
	return false;
}

/* What befalls folders with tokens, and devices whose keys are stolen or lost: in seeds of their own. */
static void choose_misfortunes(struct course *c)
{
	static deed *const of_folders[] = { deed_backup, deed_put_back, deed_move, deed_new_home };
	static deed *const of_trust[] = { deed_revoke, deed_new_key, deed_trust, deed_ruling };
	bool is_trust_played = trust_is_played(&c->world);

	for (size_t i = 0; i < n_deeds; i++) {
		if (is_one_of(deeds[i].act, of_folders, 4))
			c->weights[i] = c->world.keeps_tokens ? 2 * deeds[i].weight : 0;
		if (is_one_of(deeds[i].act, of_trust, 4))
			c->weights[i] = is_trust_played ? (c->most_hubs > 1 ? 2 : 1) * deeds[i].weight : 0;
	}
}

/* Each seed has a climate of its own: some deeds come often, some hardly, some never. */
static void choose_course(struct course *c)
{
	static const int factors[] = { 0, 1, 2, 2, 4 };
	struct chance chance = chance_of(c->seed, 0);
	long mirror_percent;

	c->steps = 20 + (long)chance_below(&chance, 60);
	mirror_percent = 60 + (long)chance_below(&chance, 36);
	for (size_t i = 0; i < n_deeds; i++)
		c->weights[i] = deeds[i].weight * (i < 6 ? 2 : factors[chance_below(&chance, 5)]);
	choose_hubs(c);
	choose_misfortunes(c);
	choose_relays(c);
	c->mirror_at = c->steps * mirror_percent / 100;
}

static const struct deed_row *choose_deed(struct course *c, struct chance *chance, long step)
{
	size_t total = 0, at;

	for (size_t i = 0; i < n_deeds; i++)
		total += (size_t)c->weights[i];
	at = chance_below(chance, total);
	for (size_t i = 0; i < n_deeds; i++) {
		if (at < (size_t)c->weights[i])
			return deeds[i].is_leads && step >= c->mirror_at && c->most_hubs == 1 ? NULL : &deeds[i];
		at -= (size_t)c->weights[i];
	}
	return NULL;
}

/* A hub with people, cases, a form, and a first bundle for everybody. */
static void found(struct course *c)
{
	static const char *const names[MAX_PEOPLE] = { "ada", "ben", "cem", "dia" };
	struct world *w = &c->world;
	struct chance *chance = &w->chance;
	int devices, form;
	bool has_guideline;

	world_add_hub(w);
	if (w->most_hubs > 1)
		world_add_hub(w);
	w->n_people = 1 + (int)(chance_is(chance, 50) ? chance_below(chance, 2) : chance_below(chance, MAX_PEOPLE));
	relay_begin(w);
	for (int i = 0; i < w->n_people; i++) {
		w->people[i] = names[i];
		w->home_of[i] = w->n_hubs > 1 ? (int)chance_below(chance, (size_t)w->n_hubs) : 0;
		if (w->relay_of[i])
			w->home_of[i] = w->home_of[w->relay_of[i]];
		w->desk = w->home_of[i]; /* mostly entered there; a device may be at another hub later */
		devices = 1 + (int)chance_below(chance, 3);
		for (int k = 0; k < devices && w->n_devices < MAX_DEVICES - 2; k++)
			world_add_device(w, i);
	}
	if (w->n_hubs > 1)
		settle_exchange(w);
	w->desk = 0;
	lead_import(w, 3 | (unsigned)chance_below(chance, 1u << MAX_CASES));
	form = (int)chance_below(chance, MAX_FORMS);
	lead_form(w, form);
	has_guideline = chance_is(chance, 60);
	if (has_guideline)
		lead_guideline(w, 0);
	if (w->n_hubs > 1 && chance_is(chance, 70))
		lead_guideline(w, 1);
	lead_assign(w, form, has_guideline ? 0 : -1, ~0u, w->n_hubs > 1 ? 3 : ~0u, 1);
	if (w->n_hubs > 1)
		settle_exchange(w);
	for (w->desk = w->n_hubs - 1; w->desk > 0; w->desk--)
		lead_pack(w, -1);
	lead_pack(w, -1);
	for (size_t i = w->n_parcels; i-- > 0;)
		if (!w->parcels[i].is_return && chance_is(chance, 60)) { /* the others' first bundles are under way still */
			carry_open(w, &w->parcels[i], world_place_of(w, w->parcels[i].to));
			world_drop_parcel(w, i);
		}
	relay_start(w);
}

static void run(struct course *c)
{
	struct world *w = &c->world;
	struct cp_hash mirror;

	chance_seed_entropy(c->seed, 0);
	w->chance = chance_of(c->seed, 1);
	found(c);
	for (w->step = 0; w->step < c->steps; w->step++) {
		const struct deed_row *next;

		w->chance = chance_of(c->seed, 2 + (uint64_t)w->step);
		chance_seed_entropy(c->seed, 2 + (uint64_t)w->step);
		if (w->step == c->mirror_at && w->most_hubs == 1)
			settle_make_mirror(w);
		world_draw_hub(w);
		next = choose_deed(c, &w->chance, w->step);
		if (next == NULL || c->skipped[w->step])
			continue;
		cut_before(w, next->act);
		next->act(w);
	}
	w->is_again = false;
	settle_deliver(w);
	if (w->most_hubs == 1)
		settle_mirror_merges(w, &mirror);
	settle_dump(w, w->most_hubs == 1 ? &mirror : NULL, settle_quietly(w));
}

static int usage(void)
{
	fprintf(stderr, "usage: sim --seed N --dir DIR [--skip STEP,STEP,...] [--bundles encrypted|plain]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct course c;
	const char *dir = NULL, *skip = "";
	unsigned how = CP_SEND_PLAIN;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			c.seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--dir") == 0)
			dir = argv[i + 1];
		else if (strcmp(argv[i], "--skip") == 0)
			skip = argv[i + 1];
		else if (strcmp(argv[i], "--bundles") == 0)
			how = strcmp(argv[i + 1], "encrypted") == 0 ? 0 : CP_SEND_PLAIN;
		else
			return usage();
	}
	if (dir == NULL)
		return usage();
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1); /* no tokens, unless the seed keeps them: a copied workspace is a second line */
	chance_take_over_entropy();
	cp_hash_setup();
	world_begin(&c.world, c.seed, dir);
	c.world.how = how;
	cut_choose(&c.world);
	choose_course(&c);
	c.skipped = calloc((size_t)c.steps, sizeof *c.skipped);
	for (char *end; *skip; skip = *end ? end + 1 : end) {
		long step = strtol(skip, &end, 10);

		if (step >= 0 && step < c.steps)
			c.skipped[step] = true;
		if (end == skip)
			return usage();
	}
	c.world.most_hubs = c.most_hubs;
	run(&c);
	world_end(&c.world);
	free(c.skipped);
	return 0;
}
