/*
 * What can happen in a step. Each deed chooses who and what from w->chance, does it
 * through the product's own interface, and logs the intent; one that is not possible
 * now does nothing. Where a person would be told of a refusal, the log has it as
 * "told", for the model to agree with.
 */
#ifndef CASEPACK_SIM_DEEDS_H
#define CASEPACK_SIM_DEEDS_H

#include "sync/deliver.h"
#include "tests/sim/world.h"

typedef void deed(struct world *w);
struct deed_row {
	const char *name;
	int weight;
	bool is_leads;   /* the hub writes something of its own */
	bool is_between_hubs; /* nothing where there is one */
	deed *act;
};
extern const struct deed_row deeds[];
extern const size_t n_deeds;

/* deeds_lead.c */
deed deed_import, deed_guideline, deed_merge_text, deed_form, deed_device, deed_assign, deed_recall, deed_stale, deed_seal, deed_pack;
void lead_import(struct world *w, unsigned cases); /* bit n: case n */
void lead_guideline(struct world *w, int which);
void lead_form(struct world *w, int which);
void lead_assign(struct world *w, int form, int guideline, unsigned people, unsigned cases, int pass);
extern const char *const lead_forms[MAX_FORMS];
/* What a hub has heard of: with several, not all know the same. */
bool knows_case(struct cp_store *hub, const char *id);
bool knows_text(struct cp_store *hub, bool is_form, const char *name);
/* Bundles that are packed, into a folder of their own: each is under way, and among those that are logged. */
struct packed { struct world *w; json_t *bundles; char folder[512]; };
cp_sent_visit lead_sent;
/* Bundles for every device of that person, -1 for everybody's. */
void lead_pack(struct world *w, int person);

/* deeds_decide.c */
deed deed_resolve, deed_rule, deed_adjudicate, deed_policy;
/* deeds_hub.c */
deed deed_hub, deed_sync, deed_hub_bundle, deed_both;
/* Exchange with the bare repository; true when that brought or left anything. */
bool hub_sync(struct world *w);
/* Bundles for all other hubs. */
void hub_pack(struct world *w);

/* deeds_rater.c */
deed deed_rate, deed_rate_many, deed_dispute, deed_return, deed_copy;
/* false when nothing was owed. is_full: whatever the hub has acknowledged. */
bool rater_return(struct world *w, struct place *p, bool is_full);

/* One of the raters' workspaces that are there; NULL when there is none. */
struct place *some_workspace(struct world *w);
/* The number of a case, often of one that others have too; and somebody judges it there. */
size_t some_case(struct world *w);
void rater_rates(struct world *w, struct place *p, size_t n);

/* deeds_trust.c */
deed deed_revoke, deed_new_key, deed_trust, deed_ruling;
/* In about two of five seeds; not where there are tokens or relays. */
bool trust_is_played(const struct world *w);

/* deeds_copies.c; only where tokens are kept */
deed deed_backup, deed_put_back, deed_move, deed_new_home;

/* deeds_relay.c */
deed deed_relay;
bool relay_is_played(uint64_t seed);
/* Who the relays are, and whom they stand before. Before anybody else is entered. */
void relay_begin(struct world *w);
/* What the hubs gave at the start comes to most of the relays, and to some of their raters. */
void relay_start(struct world *w);
/* Bundles of that relay for every device of that person, -1 for all of its devices. */
void relay_pack(struct world *w, struct place *relay, int person);
void relay_merge(struct world *w, const struct parcel *parcel);
/* What a rater returned to it goes to the hub itself. */
void relay_is_passed_by(struct world *w, struct parcel *parcel);
/* At the end, for a device behind a relay: what came to the relay goes on; what the hub gives comes as far as under way to it. */
void relay_passes_on(struct world *w, int person);
void relay_gives(struct world *w, int person);

/* deeds_carry.c */
deed deed_open, deed_merge, deed_lose, deed_clock, deed_close, deed_rebuild;
/* false: an earlier bundle is missing. */
bool carry_open(struct world *w, const struct parcel *parcel, struct place *p);
/* At the hub that acts; a hub bundle at the one that it is for. */
void carry_merge(struct world *w, const struct parcel *parcel);
void carry_rebuild(struct world *w, struct place *p);
/* The hub acts from now on to which that goes. */
void carry_to(struct world *w, const struct parcel *parcel);
void carry_rebuild(struct world *w, struct place *p);

#endif
