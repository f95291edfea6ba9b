#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/bundle.h"
#include "sync/deliver.h"
#include "sync/people.h"

#define START_US ((int64_t)1790000000 * 1000000) /* the year 2026 */
#define STEP_US  ((int64_t)60 * 1000000)

_Noreturn void world_fails(const struct world *w, const char *call, const struct cp_err *err)
{
	fprintf(stderr, "sim: seed %llu, step %ld: %s: %s\n", (unsigned long long)w->seed, w->step, call, err->text);
	exit(3);
}

const char *world_path(const struct world *w, const char *name)
{
	static char made[8][512];
	static int next;

	next = (next + 1) % 8;
	snprintf(made[next], sizeof made[next], "%s/%s", w->dir, name);
	return made[next];
}

const char *world_key(const struct world *w, int device)
{
	char name[64];

	snprintf(name, sizeof name, "keys/%s", device < 0 ? world_lead(-1 - device) : w->devices[w->devices[device].root].name);
	return world_path(w, name);
}

void world_begin(struct world *w, uint64_t seed, const char *dir)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	w->step = -1;
	snprintf(w->dir, sizeof w->dir, "%s", dir);
	mkdir(dir, 0755);
	mkdir(world_path(w, "keys"), 0755);
	mkdir(world_path(w, "box"), 0755);
	w->log = fopen(world_path(w, "log.jsonl"), "w");
	w->contents = json_object();
	w->found = json_array();
	assert(w->log != NULL && w->contents != NULL && w->found != NULL);
}

void world_end(struct world *w)
{
	for (int i = 0; i < w->n_places; i++)
		world_close(w, &w->places[i]);
	json_decref(w->contents);
	json_decref(w->found);
	free(w->parcels);
	free(w->mirrored);
	fclose(w->log);
}

void world_log(struct world *w, json_t *line)
{
	assert(line != NULL);
	json_object_set_new(line, "step", json_integer(w->step));
	json_dumpf(line, w->log, JSON_COMPACT);
	fputc('\n', w->log);
	json_decref(line);
}

void world_log_lead(struct world *w, json_t *line)
{
	struct place *hub = world_hub(w);

	json_object_set_new(line, "at", json_string(hub->name));
	json_object_set_new(line, "clock", json_integer(world_clock(w, hub)));
	world_log(w, line);
}

/* ---- places ------------------------------------------------------------------------- */

struct place *world_hub(struct world *w)
{
	return &w->places[w->hubs[w->desk]];
}

void world_draw_hub(struct world *w)
{
	if (w->n_hubs > 1)
		w->desk = (int)chance_below(&w->chance, (size_t)w->n_hubs);
}

bool place_is_hub(const struct place *p)
{
	return p->device < 0;
}

bool place_is_relay(const struct world *w, const struct place *p)
{
	return !place_is_hub(p) && w->devices[p->device].person >= MAX_PEOPLE;
}

const char *world_lead(int hub)
{
	static const char *const names[MAX_HUBS] = { "lea", "mia", "noa" };

	return names[hub];
}

struct place *world_add_place(struct world *w, const char *name, int device)
{
	struct place *p = &w->places[w->n_places++];

	assert(w->n_places <= MAX_PLACES);
	memset(p, 0, sizeof *p);
	snprintf(p->name, sizeof p->name, "%s", name);
	p->device = device;
	p->home = w->n_places - 1;
	p->backup_device = -1;
	return p;
}

struct place *world_place_of(struct world *w, int device)
{
	for (int i = 0; i < w->n_places; i++)
		if (w->places[i].device == device)
			return &w->places[i];
	return NULL;
}

/* The last three digits are the place's own, so that two lines of one replica never share a clock. */
int64_t world_now(const struct world *w, const struct place *p)
{
	return START_US + (w->step + 1) * STEP_US + p->skew_us + 32 * (p - w->places);
}

int64_t world_clock(struct world *w, struct place *p)
{
	int64_t now = world_now(w, p);

	chance_set_clock(now);
	if (w->keeps_tokens) {
		char config[32];

		snprintf(config, sizeof config, "config/%d", p->home);
		setenv("XDG_CONFIG_HOME", world_path(w, config), 1);
	}
	if (w->worked_at != NULL)
		*w->worked_at = (int)(p - w->places);
	p->latest_us = (now > p->latest_us ? now : p->latest_us) + 16; /* it may tick ahead of the wall */
	return now;
}

static json_t *identity(const struct cp_id *replica)
{
	char hex[CP_ID_HEX];

	return json_string(cp_hex(hex, replica->bytes, sizeof replica->bytes));
}

json_t *world_identity(const struct world *w, int device)
{
	return identity(&w->devices[device].replica);
}

bool world_has_room(const struct world *w)
{
	return w->n_devices < MAX_DEVICES + MAX_LIVES - MAX_PLACES; /* each workspace may become one more */
}

/* It has noticed that it was copied or put back, and is a device of its own from now on. */
static void meet(struct world *w, struct place *p)
{
	const struct cp_me *me = cp_store_me(p->store);
	struct device d;

	if (p->device < 0 || cp_id_equal(&me->replica, &w->devices[p->device].replica))
		return;
	assert(w->n_devices < MAX_DEVICES + MAX_LIVES);
	d = w->devices[w->devices[p->device].root];
	snprintf(d.name + strlen(d.name), sizeof d.name - strlen(d.name), ".%d", w->n_devices);
	d.replica = me->replica;
	d.copies = 2; /* its clock is not set back */
	p->device = w->n_devices++;
	w->devices[p->device] = d;
	world_log(w, json_pack("{s:s, s:s, s:s, s:o, s:I}", "op", "own id", "at", p->name, "name", d.name, "identity",
			identity(&d.replica), "clock", (json_int_t)world_now(w, p)));
}

struct cp_store *world_store(struct world *w, struct place *p)
{
	world_clock(w, p);
	if (p->store == NULL)
		MUST(w, cp_store_open(&p->store, world_path(w, p->name), err));
	meet(w, p);
	return p->store;
}

void world_close(struct world *w, struct place *p)
{
	(void)w;
	cp_store_close(p->store);
	p->store = NULL;
}

void world_copy(const struct world *w, const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof command, "cp -a '%s' '%s'", world_path(w, from), world_path(w, to));
	if (system(command) != 0)
		abort();
}

/* ---- devices ------------------------------------------------------------------------ */

/* Who is said to give to that person's devices; NULL: nothing is said. */
static const char *home_named(const struct world *w, int person)
{
	if (w->relay_of[person])
		return w->people[w->relay_of[person]];
	return w->most_hubs > 1 ? world_lead(w->home_of[person]) : NULL;
}

/* A person's next device: a key, a roster entry, and room for a workspace. Where there are several hubs it is said which
 * one gives to it: two that do not know of each other could both begin. */
void world_add_device(struct world *w, int person)
{
	int id = w->n_devices++, nth = 1;
	struct device *d = &w->devices[id];
	struct cp_store *hub = world_store(w, world_hub(w));
	struct cp_person_add add = { .pseudonym = w->people[person], .locales = "",
		.home = home_named(w, person), .role = person < MAX_PEOPLE ? "rater" : "relay" };
	struct cp_pubkey key;
	char path[512];
	bool changed;

	for (int i = 0; i < id; i++)
		nth += w->devices[i].person == person;
	snprintf(d->name, sizeof d->name, "%.10s%d", w->people[person], nth);
	d->person = person;
	d->root = d->origin = id;
	d->copies = 1;
	MUST(w, cp_sshkey_generate(world_key(w, id), "", NULL, err));
	snprintf(path, sizeof path, "%.400s.pub", world_key(w, id));
	add.key_path = path;
	MUST(w, cp_person_add(hub, &add, &changed, err));
	MUST(w, cp_public_key(&key, world_key(w, id), err));
	cp_replica_id(&d->replica, &cp_store_me(hub)->project, &key);
	world_add_place(w, d->name, id);
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "op", "device", "name", d->name, "person", w->people[person],
			"role", add.role, "home", add.home ? add.home : "", "identity", identity(&d->replica)));
}

/* ---- hubs --------------------------------------------------------------------------- */

/* A place for it, and the id that follows from its key. */
static struct place *new_hub_place(struct world *w, int n)
{
	char name[16] = "hub";
	struct cp_pubkey key;
	struct place *p;

	if (n > 0)
		snprintf(name, sizeof name, "hub%d", n + 1);
	p = world_add_place(w, name, -1 - n);
	w->hubs[n] = w->n_places - 1;
	p->exists = true;
	MUST(w, cp_public_key(&key, world_key(w, p->device), err));
	cp_replica_id(&w->hub_ids[n], &cp_store_me(world_store(w, &w->places[w->hubs[0]]))->project, &key);
	w->n_hubs++;
	return p;
}

static void see_bundle(void *user, const struct cp_sent *sent)
{
	snprintf(user, 512, "%.511s", sent->path);
}

/* The founder. */
static void found_hub(struct world *w)
{
	struct cp_new_hub hub = { .path = world_path(w, "hub"), .project_name = "Simulated", .lead_name = "Lea Real",
		.lead_pseudonym = world_lead(0), .key_path = world_key(w, -1) };
	struct place *p;

	chance_set_clock(START_US);
	MUST(w, cp_sshkey_generate(world_key(w, -1), "", NULL, err));
	MUST(w, cp_hub_create(&hub, NULL, NULL, err));
	p = new_hub_place(w, 0);
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:o}", "op", "found", "name", p->name, "person", world_lead(0), "identity",
			identity(&w->hub_ids[0])));
}

/* Where hubs meet, as its owner would make it with git. */
static void make_remote(const struct world *w)
{
	char command[600];

	snprintf(command, sizeof command, "git init -q --bare -b main '%s' && git -C '%s' config receive.denyNonFastForwards true",
			world_path(w, "remote.git"), world_path(w, "remote.git"));
	if (system(command) != 0)
		abort();
}

/* A further one, as a user makes it: the lead is entered with the key, a hub bundle is packed and opened. */
static void found_further(struct world *w, int n)
{
	struct cp_store *giver = world_store(w, world_hub(w));
	char public[520], bundle[512] = "";
	struct cp_person_add add = { .pseudonym = world_lead(n), .role = "lead", .is_hub = true, .key_path = public };
	struct cp_opened opened;
	struct place *p;
	bool changed;
	int64_t packed;

	MUST(w, cp_sshkey_generate(world_key(w, -1 - n), "", NULL, err));
	snprintf(public, sizeof public, "%.511s.pub", world_key(w, -1 - n));
	MUST(w, cp_person_add(giver, &add, &changed, err));
	MUST(w, cp_pack(giver, world_lead(n), world_outbox(w), w->how, see_bundle, bundle, &packed, err));
	w->next_parcel++;
	p = new_hub_place(w, n);
	world_clock(w, p);
	MUST(w, cp_open(world_path(w, p->name), bundle, world_key(w, p->device), NULL, NULL, &opened, err));
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:o}", "op", "found", "name", p->name, "person", world_lead(n), "identity",
			identity(&w->hub_ids[n])));
}

void world_add_hub(struct world *w)
{
	if (w->n_hubs == 0)
		found_hub(w);
	else
		found_further(w, w->n_hubs);
	if (w->n_hubs == 2)
		make_remote(w);
}

/* ---- bundles under way -------------------------------------------------------------- */

const char *world_outbox(struct world *w)
{
	char name[32];

	snprintf(name, sizeof name, "box/%d", w->next_parcel);
	mkdir(world_path(w, name), 0755);
	return world_path(w, name);
}

struct parcel *world_send(struct world *w, const char *path, int to, bool is_return)
{
	struct parcel *p;

	if (w->n_parcels == w->room) {
		w->room = w->room * 2 + 16;
		w->parcels = reallocarray(w->parcels, w->room, sizeof *w->parcels);
		assert(w->parcels != NULL);
	}
	p = &w->parcels[w->n_parcels++];
	memset(p, 0, sizeof *p);
	p->id = w->next_parcel++;
	p->to = to;
	p->is_return = is_return;
	snprintf(p->path, sizeof p->path, "%s", path);
	if (is_return && w->has_mirror)
		world_mirror(w, p);
	return p;
}

void world_mirror(struct world *w, const struct parcel *p)
{
	w->mirrored = reallocarray(w->mirrored, w->n_mirrored + 1, sizeof *w->mirrored);
	assert(w->mirrored != NULL);
	w->mirrored[w->n_mirrored++] = *p;
}

void world_drop_parcel(struct world *w, size_t i)
{
	w->parcels[i] = w->parcels[--w->n_parcels];
}

static enum cp_code unlock_with_any(void *user, struct cp_agein *file, struct cp_err *why)
{
	struct world *w = user;
	enum cp_code code = CP_EKEY;

	for (int id = -w->n_hubs; id < w->n_devices && code == CP_EKEY; id++) {
		struct cp_seckey key = { .is_set = false };

		MUST(w, cp_sshkey_read(&key, world_key(w, id), NULL, err));
		code = cp_agein_unlock(file, &key, why);
	}
	return code;
}

enum cp_code world_look_into(struct world *w, const char *bundle, struct cp_bundle **out, struct cp_err *err)
{
	return cp_bundle_open_with(out, bundle, &cp_limits_default, unlock_with_any, w, err);
}

int world_addressee(struct world *w, const char *bundle)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;

	MUST(w, world_look_into(w, bundle, &b, err));
	for (int i = 0; i < w->n_hubs; i++)
		if (cp_id_equal(&cp_bundle_manifest(b)->recipients[0], &w->hub_ids[i]))
			return -1 - i;
	for (int i = 0; i < w->n_devices; i++)
		if (cp_id_equal(&cp_bundle_manifest(b)->recipients[0], &w->devices[i].replica))
			return i;
	abort();
}
