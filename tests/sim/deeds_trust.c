/* Whom leads trust: devices that are revoked, keys that are replaced, and what is said about work that was refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/quarantine.h"
#include "sync/roster.h"
#include "sync/succession.h"
#include "tests/sim/deeds.h"

bool trust_is_played(const struct world *w)
{
	struct chance chance = chance_of(w->seed, (uint64_t)1 << 43);

	return chance_is(&chance, 80) && !w->keeps_tokens && !relay_is_played(w->seed);
}

static const char *some_reason(struct world *w)
{
	static const char *const reasons[] = { "because", "stolen on the train", "its owner confirms it" };

	return reasons[chance_below(&w->chance, 3)];
}

/* ---- what was refused, and what is to be looked at -------------------------------------------- */

struct question { char oid[41], device[CP_ID_HEX]; bool is_refused, is_decided; int64_t clock; };
struct questions { struct question *list; size_t n; };

static enum cp_code note_question(void *user, const struct cp_quarantined *one, struct cp_err *err)
{
	struct questions *all = user;
	struct question *q;

	(void)err;
	if (strcmp(one->kind, "refused") != 0 && strcmp(one->kind, "review") != 0)
		return CP_OK;
	all->list = reallocarray(all->list, all->n + 1, sizeof *all->list);
	if (all->list == NULL)
		abort();
	q = &all->list[all->n++];
	memset(q, 0, sizeof *q);
	snprintf(q->oid, sizeof q->oid, "%s", one->oid);
	snprintf(q->device, sizeof q->device, "%s", one->device);
	q->is_refused = strcmp(one->kind, "refused") == 0;
	q->is_decided = *one->decision != '\0';
	return CP_OK;
}

static enum cp_code note_clock(void *user, const struct cp_quarantine_cell *cell, struct cp_err *err)
{
	int64_t *latest = user, clock = strcmp(cell->column, "clock") == 0 ? strtoll(cell->now, NULL, 10) : 0;

	(void)err;
	*latest = clock > *latest ? clock : *latest;
	return CP_OK;
}

/* "What her laptop wrote at ten past three": the time of its last edit, as any hub that has its bytes can show; 0 where it
 * has no edits. */
static int64_t clock_of(struct world *w, const char *oid)
{
	int64_t clock = 0;

	for (int i = 0; i < w->n_hubs; i++)
		if (cp_quarantine_cells(world_store(w, &w->places[w->hubs[i]]), oid, note_clock, &clock, NULL) == CP_OK)
			break;
	return clock;
}

/* Two lines of a device may have sealed the same: then these words mean neither. */
static bool is_named(const struct questions *all, const struct question *q)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += strcmp(all->list[i].device, q->device) == 0 && all->list[i].clock == q->clock;
	return n == 1;
}

/* Mostly one that nobody has decided about, and that was refused. */
void deed_ruling(struct world *w)
{
	struct place *at = world_hub(w);
	struct questions all = { NULL, 0 };
	const char *reason = some_reason(w), *decision;
	struct question *q = NULL;
	struct cp_merged merged;
	struct cp_err why = { 0 };
	enum cp_code code;

	MUST(w, cp_quarantine_each(world_store(w, at), true, note_question, &all, err));
	for (size_t i = 0; i < all.n; i++)
		all.list[i].clock = clock_of(w, all.list[i].oid);
	for (int tries = 0; tries < 4 && all.n > 0 && (q == NULL || q->is_decided || !q->is_refused); tries++)
		q = &all.list[chance_below(&w->chance, all.n)];
	decision = q == NULL || !q->is_refused ? "keep" : chance_is(&w->chance, 55) ? "accept" : "drop";
	if (q != NULL && is_named(&all, q)) {
		code = cp_quarantine_decide(world_store(w, at), q->oid, decision, reason, &merged, &why);
		if (code != CP_OK && code != CP_EINPUT && code != CP_ENOTFOUND)
			world_fails(w, "cp_quarantine_decide", &why);
		world_log_lead(w, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I}", "op", "ruling", "kind", q->is_refused ? "refused" : "review", "device", q->device,
				"of", (json_int_t)q->clock, "decision", decision, "reason", reason, "told", code == CP_OK ? "decided" : "refused",
				"edits", (json_int_t)merged.edits));
	}
	free(all.list);
}

/* ---- devices that are revoked ---------------------------------------------------------- */

/* One device with what goes with it, or all of its person's; told: how many that were. */
static void revoke(struct world *w, const struct device *d)
{
	const char *who = w->people[d->person], *reason = some_reason(w);
	char hex[CP_ID_HEX];
	const char *which = chance_is(&w->chance, 10) ? "" : cp_hex(hex, d->replica.bytes, 16);
	struct cp_err why = { 0 };
	int64_t n;
	enum cp_code code = cp_roster_revoke(world_store(w, world_hub(w)), who, *which ? which : NULL, reason, &n, &why);

	if (code != CP_OK && code != CP_ENOTFOUND)
		world_fails(w, "cp_roster_revoke", &why);
	world_log_lead(w, json_pack("{s:s, s:s, s:s, s:s, s:I}", "op", "revoke", "person", who, "identity", which, "reason", reason,
			"told", (json_int_t)(code == CP_OK ? n : 0)));
}

/* What somebody with that device returns is under way meanwhile: it comes behind the revocation, or to a hub that has not
 * heard of it. */
void deed_revoke(struct world *w)
{
	int device = (int)chance_below(&w->chance, (size_t)w->n_devices), desk = w->desk;
	struct place *p = world_place_of(w, device);
	bool is_under_way = p != NULL && p->exists && chance_is(&w->chance, 70);

	if (is_under_way) {
		rater_rates(w, p, some_case(w));
		is_under_way = rater_return(w, p, false);
	}
	w->desk = desk;
	revoke(w, &w->devices[device]);
	if (is_under_way && chance_is(&w->chance, 70)) {
		if (chance_is(&w->chance, 60))
			carry_to(w, &w->parcels[w->n_parcels - 1]);
		carry_merge(w, &w->parcels[w->n_parcels - 1]);
		if (chance_is(&w->chance, 40))
			deed_ruling(w);
	}
}

/* ---- keys that are replaced -------------------------------------------------------------- */

struct strangers { struct cp_stranger *list; size_t n; json_t *names; };

static enum cp_code note_stranger(void *user, const struct cp_stranger *one, struct cp_err *err)
{
	struct strangers *all = user;
	char hex[CP_ID_HEX];

	(void)err;
	all->list = reallocarray(all->list, all->n + 1, sizeof *all->list);
	if (all->list == NULL)
		abort();
	all->list[all->n++] = *one;
	json_array_append_new(all->names, json_string(cp_hex(hex, one->replica.bytes, 16)));
	return CP_OK;
}

static const char *person_of(const struct world *w, const struct cp_id *replica)
{
	for (int i = 0; i < w->n_devices; i++)
		if (cp_id_equal(&w->devices[i].replica, replica))
			return w->people[w->devices[i].person];
	abort();
}

/* One of those that wait, whose owner has read out its fingerprint. It may go on for one that waits itself. */
void deed_trust(struct world *w)
{
	struct cp_store *hub = world_store(w, world_hub(w));
	struct strangers all = { .names = json_array() };
	CP_AUTO(buf) struct cp_buf words = CP_BUF(256);
	struct cp_merged merged;
	struct cp_err why = { 0 };
	enum cp_code code;
	size_t chosen;

	MUST(w, cp_stranger_each(hub, note_stranger, &all, err));
	if (all.n > 0) {
		chosen = chance_below(&w->chance, all.n);
		MUST(w, cp_pubkey_words(&words, &all.list[chosen].key, err));
		code = cp_stranger_trust(hub, person_of(w, &all.list[chosen].replica), words.data, &merged, &why);
		if (code != CP_OK && code != CP_EINPUT)
			world_fails(w, "cp_stranger_trust", &why);
		world_log_lead(w, json_pack("{s:s, s:O, s:O, s:s}", "op", "trust", "identity", json_array_get(all.names, chosen), "waiting",
				all.names, "told", code == CP_OK ? "trusted" : "refused"));
	}
	json_decref(all.names);
	free(all.list);
}

/* The workspace goes on as another device, whose key has its name. A lost key is not there while that is done; other workspaces
 * of the device may have it still. */
static void replace_key(struct world *w, struct place *p, bool is_lost)
{
	bool proven;
	char old[512], away[520], new[512];
	struct device *d = &w->devices[w->n_devices];
	int64_t again;

	world_close(w, p); /* a key that is open is not lost */
	*d = w->devices[p->device];
	d->root = w->n_devices;
	d->copies = 1;
	snprintf(d->name, sizeof d->name, "%.10s-key%d", w->people[d->person], w->n_devices);
	snprintf(old, sizeof old, "%s", world_key(w, p->device));
	snprintf(away, sizeof away, "%s.away", old);
	snprintf(new, sizeof new, "%s", world_key(w, w->n_devices));
	MUST(w, cp_sshkey_generate(new, "", NULL, err));
	if (is_lost && rename(old, away) != 0)
		abort();
	MUST(w, cp_succeed(world_store(w, p), new, &proven, &again, err));
	if (is_lost && rename(away, old) != 0)
		abort();
	d->replica = cp_store_me(p->store)->replica;
	p->device = w->n_devices++;
	world_log(w, json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:I}", "op", "new key", "at", p->name, "name", d->name, "identity",
			world_identity(w, p->device), "lost", (int)is_lost, "proven", (int)proven, "told", (json_int_t)again));
}

/* What it returns with the new key mostly arrives at once, and where a lead has to be asked she sometimes is. */
void deed_new_key(struct world *w)
{
	struct place *p = some_workspace(w);
	bool is_lost = chance_is(&w->chance, 50);

	if (p == NULL || w->has_mirror || w->n_devices == MAX_DEVICES + MAX_LIVES)
		return;
	replace_key(w, p, is_lost);
	if (!chance_is(&w->chance, 60) || !rater_return(w, p, false))
		return;
	if (chance_is(&w->chance, 80))
		carry_to(w, &w->parcels[w->n_parcels - 1]);
	carry_merge(w, &w->parcels[w->n_parcels - 1]);
	if (is_lost && chance_is(&w->chance, 60))
		deed_trust(w);
}
