/*
 * The simulated world: people with devices, workspaces on them, the bundles that
 * are under way between them, and the log of what everybody wished to do.
 *
 * The log holds intents only, one JSON object a line. What a workspace came to hold
 * is never read back into it: that is the model's to predict.
 */
#ifndef CASEPACK_SIM_WORLD_H
#define CASEPACK_SIM_WORLD_H

#include <jansson.h>
#include <stdio.h>

#include "sync/store.h"
#include "tests/sim/chance.h"

#define MAX_HUBS 3
#define MAX_PEOPLE 4 /* raters; behind them stand the relays' people */
#define MAX_RELAYS 2
#define MAX_PERSONS (MAX_PEOPLE + MAX_RELAYS)
#define MAX_DEVICES 12
#define MAX_LIVES 24 /* of workspaces that were copied or put back, and go on under an id of their own */
#define MAX_PLACES 22
#define MAX_CASES 6
#define MAX_FORMS 3
#define MAX_GUIDELINES 2

struct device {
	char name[24];           /* "ada1" */
	int person;
	struct cp_id replica;
	int root;                /* the device whose key it has: itself, unless it is what a copied workspace has become */
	int origin;              /* the device that it goes on for, from the first on: itself, unless another one became it */
	int copies;              /* workspaces that speak with its key */
};

/* A workspace. */
struct place {
	char name[32];           /* "ada1", "ada1-copy1" */
	int device;              /* -1 - n: hub number n, a lead's */
	int home;                /* the number of its configuration folder, where tokens are kept */
	int backup_device;       /* what it was when a copy of it was put aside; -1: none was */
	bool exists;             /* a device has none before its first bundle */
	struct cp_store *store;  /* NULL while nobody works in it */
	int64_t skew_us;         /* how wrong its clock is */
	int64_t latest_us;       /* no clock of its edits is later than this */
};

/* To a device, or to a hub: returned work, or a hub bundle, which that hub alone merges. What a relay's rater returns is to
 * that relay's device. */
struct parcel { int id; int to; char path[512]; bool is_return, is_between_hubs, is_to_relay; };

struct world {
	uint64_t seed;
	long step;               /* -1 while the world is set up */
	struct chance chance;    /* of this step */
	char dir[256];
	FILE *log;

	int n_people; const char *people[MAX_PERSONS];
	int home_of[MAX_PERSONS]; /* number of the hub that gives to this person's devices, or to their relay */
	int relay_of[MAX_PERSONS]; /* the person whose device stands between them and that hub; 0: nobody's */
	int n_relays;
	int hubs[MAX_HUBS], n_hubs; /* places */
	struct cp_id hub_ids[MAX_HUBS];
	int most_hubs;           /* so many there will be */
	unsigned how;            /* bundles are written: CP_SEND_PLAIN, or 0 */
	int desk;                /* number of the hub that acts */
	unsigned person_at_hand, cases_at_hand; /* bits of what two leads write at the same time; 0: whatever comes to mind */
	struct device devices[MAX_DEVICES + MAX_LIVES]; int n_devices;
	struct place places[MAX_PLACES]; int n_places;
	struct parcel *parcels; size_t n_parcels, room; int next_parcel;

	int form_extras[MAX_FORMS]; /* optional fields and choices that it has gained */
	json_t *contents;        /* hash of a document in hex -> what the lead typed */

	bool keeps_tokens;
	int percent_cut;         /* cut.h: how often the power fails */
	bool is_again;           /* this deed may be done more than once before it is logged: no time counts in it */
	bool takes_left;         /* and a bundle that an earlier attempt left is as good as a new one */
	int *worked_at;          /* where not NULL: the place of the last work, by number */
	long cuts;
	json_t *found;           /* what did not hold, in words */

	bool has_decided;        /* leads have settled something, or set a policy */
	bool has_mirror;         /* a copy of the hub was made; the hub writes no more */
	struct parcel *mirrored; size_t n_mirrored; /* every return since, for the copy to merge in another order */
};

/* A call that must succeed here; ends the program with what it said. */
#define MUST(w, call)                                                        \
	do {                                                                 \
		struct cp_err must_err_ = { 0 };                             \
		struct cp_err *err = &must_err_;                             \
		if ((call) != CP_OK)                                         \
			world_fails(w, #call, &must_err_);                   \
	} while (0)
_Noreturn void world_fails(const struct world *w, const char *call, const struct cp_err *err);

void world_begin(struct world *w, uint64_t seed, const char *dir);
void world_end(struct world *w);

/* DIR/name; a few may be in use at a time. */
const char *world_path(const struct world *w, const char *name);
const char *world_key(const struct world *w, int device); /* as in struct place */

/* What that place believes the time is; _clock makes everything done next happen then. */
int64_t world_now(const struct world *w, const struct place *p);
int64_t world_clock(struct world *w, struct place *p);
/* Its store, opened if need be, when a copied one becomes a device of its own; and closed, for who works on the folder itself. */
struct cp_store *world_store(struct world *w, struct place *p);
void world_close(struct world *w, struct place *p);

/* The hub that acts; world_draw_hub chooses another one, where there are several. */
struct place *world_hub(struct world *w);
void world_draw_hub(struct world *w);
bool place_is_hub(const struct place *p); /* a lead's */
bool place_is_relay(const struct world *w, const struct place *p);
const char *world_lead(int hub); /* who sits there */

struct place *world_add_place(struct world *w, const char *name, int device);
/* The first workspace of that device; NULL: it has become another one. */
struct place *world_place_of(struct world *w, int device);
void world_add_device(struct world *w, int person);
/* Its id, as the log has it; a new reference. */
json_t *world_identity(const struct world *w, int device);
/* For another device that a copied workspace may become. */
bool world_has_room(const struct world *w);
/* The next lead gets a hub out of a bundle of the one that acts. */
void world_add_hub(struct world *w);

/* One intent; takes the reference. The second: of the hub that acts, and when. */
void world_log(struct world *w, json_t *line);
void world_log_lead(struct world *w, json_t *line);

/* A folder of its own for a bundle that is to be written. */
const char *world_outbox(struct world *w);
struct parcel *world_send(struct world *w, const char *path, int to, bool is_return);
/* That return is merged by the copy of the hub too. */
void world_mirror(struct world *w, const struct parcel *p);
void world_drop_parcel(struct world *w, size_t i);
/* Whom a bundle is addressed to, as in struct place. */
/* Whoever it is encrypted to. */
enum cp_code world_look_into(struct world *w, const char *bundle, struct cp_bundle **out, struct cp_err *err);
int world_addressee(struct world *w, const char *bundle);

/* A whole folder again, under another name. */
void world_copy(const struct world *w, const char *from, const char *to);

#endif
