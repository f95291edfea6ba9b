/*
 * Who could have known what: of each edit the earliest and the latest moment, which guideline revisions had reached its device,
 * and whether anybody else's answer could have. Each sentence names what shows it; where nothing does, it says so.
 */
#include <string.h>

#include "cli/report.h"

/* What is known of the device that sealed c: what it was given, where in that it stood (SIZE_MAX: not here), and what its relay was
 * given (NULL: it has none). */
struct knowing { const struct cp_audit_commit *c; const struct cp_given *given, *relay; size_t applied; };

static void say_when(struct cp_report *r, const struct cp_given_commit *c)
{
	cp_paper_say(&r->paper, "outbound commit ");
	cp_report_short(r, c->oid);
	cp_paper_say(&r->paper, " (by %s, ", c->hub);
	cp_report_time(r, c->at_us);
	cp_paper_say(&r->paper, ")");
}

static bool is_hub(const struct cp_audit_commit *c)
{
	return strcmp(c->role, "lead") == 0 || strcmp(c->role, "relay") == 0;
}

/* ---- when it can have been made --------------------------------------------------------------------------- */

static void say_earliest(struct cp_report *r, const struct cp_audit_commit *c, const struct cp_given *g, size_t applied)
{
	struct cp_paper *p = &r->paper;

	cp_paper_item(p);
	if (*c->applied == '\0') {
		cp_paper_say(p, "Not before: its change commit names no material that it had applied%s, so nothing here bounds it from below.",
				is_hub(c) ? " (a hub is given none)" : "");
	} else if (applied == SIZE_MAX) {
		cp_paper_say(p, "Not before: it was sealed behind outbound commit ");
		cp_report_short(r, c->applied);
		cp_paper_say(p, ", which is not in this history: a relay or another hub made it.");
	} else {
		cp_paper_say(p, "Not before: it was sealed when its device had applied ");
		say_when(r, &g->list[applied]);
		cp_paper_say(p, ", which its change commit names under its signature.");
	}
	cp_paper_close(p);
}

static void say_latest(struct cp_report *r, const struct cp_audit_commit *c)
{
	cp_paper_item(&r->paper);
	cp_paper_say(&r->paper, "Not after: it was received ");
	cp_report_time(r, c->received_us);
	cp_paper_say(&r->paper, c->is_far ? "; its clock is FAR AHEAD of that." : ".");
	cp_paper_close(&r->paper);
}

/* ---- guidelines ---------------------------------------------------------------------------------------------- */

/* What a relay has not been given it cannot give. */
static void say_through_relay(struct cp_report *r, const struct knowing *k, const struct cp_id *revision)
{
	size_t at = k->relay != NULL ? cp_given_first(k->relay, CP_GIVEN_REVISION, revision) : SIZE_MAX;

	cp_paper_say(&r->paper, "no outbound commit to this device that is here gave it");
	if (at == SIZE_MAX)
		return;
	cp_paper_say(&r->paper, "; the relay %s, which gives to it, had it no sooner than ", k->c->relay);
	say_when(r, &k->relay->list[at]);
}

static void say_reached(struct cp_report *r, const struct knowing *k, const struct cp_id *revision)
{
	const struct cp_given *g = k->given;
	size_t at = cp_given_first(g, CP_GIVEN_REVISION, revision), applied = k->applied;

	if (at == SIZE_MAX) {
		say_through_relay(r, k, revision);
		return;
	}
	cp_paper_say(&r->paper, "first given by ");
	say_when(r, &g->list[at]);
	if (applied == SIZE_MAX)
		return;
	cp_paper_say(&r->paper, cp_given_had(g, at, applied) ? ", which the device had applied when this was sealed"
			: ", which the device had not applied when this was sealed");
}

static enum cp_code say_guideline(struct cp_report *r, const struct cp_audit_edit *e, const struct knowing *k, struct cp_err *err)
{
	struct cp_audit_revision v;

	if (!cp_id_is_set(&e->revision))
		return CP_OK;
	CP_TRY(cp_audit_revision(r->s, false, &e->revision, &v, NULL, err));
	if (v.name[0] == '\0')
		return CP_OK;
	cp_paper_item(&r->paper);
	cp_paper_say(&r->paper, "Guideline: it names %s revision %lld as the one on screen", v.name, (long long)v.number);
	if (!is_hub(k->c)) {
		cp_paper_say(&r->paper, "; ");
		say_reached(r, k, &e->revision);
	}
	if (!cp_id_equal(&v.current, &e->revision) && !is_hub(k->c)) {
		cp_paper_say(&r->paper, ". Revision %lld, which stands now: ", (long long)v.current_number);
		say_reached(r, k, &v.current);
	}
	cp_paper_say(&r->paper, ".");
	cp_paper_close(&r->paper);
	return CP_OK;
}

/* ---- others' answers -------------------------------------------------------------------------------------------- */

/* A hub holds what it has taken in: by its own verdict on the change commit. */
struct holding { const char *device; int64_t since_us; };

static enum cp_code on_verdict(void *user, const struct cp_audit_verdict *v, struct cp_err *err)
{
	struct holding *h = user;

	(void)err;
	if (strcmp(v->device, h->device) == 0 && strcmp(v->verdict, "accepted") == 0)
		h->since_us = v->received_us;
	return CP_OK;
}

static enum cp_code say_held(struct cp_report *r, const struct cp_audit_judgments *j, const char *person, const struct cp_audit_commit *c,
		struct cp_err *err)
{
	bool is_first = true;

	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->list[i].n; k++) {
			const struct cp_audit_edit *e = &j->list[i].edits[k];
			struct holding h = { c->device, 0 };

			if (strcmp(j->list[i].person, person) == 0 || *e->commit == '\0')
				continue;
			CP_TRY(cp_audit_verdict_each(r->s, e->commit, on_verdict, &h, err));
			if (h.since_us == 0)
				continue;
			cp_paper_say(&r->paper, "%s %s's of change commit ", is_first ? ": since" : ", since", j->list[i].person);
			cp_report_short(r, e->commit);
			cp_paper_say(&r->paper, " ");
			cp_report_time(r, h.since_us);
			is_first = false;
		}
	cp_paper_say(&r->paper, is_first ? ", and none of another person here." : ".");
	return CP_OK;
}

static enum cp_code say_others(struct cp_report *r, const struct cp_audit_judgments *j, const struct cp_audit_judgment *own,
		const struct knowing *known, struct cp_err *err)
{
	const struct cp_audit_commit *c = known->c;
	const struct cp_given *g = known->given;
	struct cp_paper *p = &r->paper;
	size_t rows = 0;

	cp_paper_item(p);
	if (is_hub(c)) {
		cp_paper_say(p, "Others' answers: its device is a %s's, which holds what it collects", c->role);
		CP_TRY(say_held(r, j, own->person, c, err));
		cp_paper_close(p);
		return CP_OK;
	}
	for (size_t i = 0; i < g->n; i++)
		rows += g->list[i].rows;
	if (g->n == 0)
		cp_paper_say(p, "Others' answers: no outbound commit to this device is here, so this history does not say what it was given.");
	else if (g->work == 0 && *c->applied && known->applied == SIZE_MAX)
		cp_paper_say(p, "Others' answers: of the outbound commits to this device that are here, %zu with %zu rows, none holds an answer, a judgment or a "
				"final answer; what the one gave behind which this was sealed, this history does not say.", g->n, rows);
	else if (g->work == 0)
		cp_paper_say(p, "Others' answers: none could have reached it through casepack. All that this history says it was given, until today, %s %zu "
				"outbound %s with %zu rows; no row is an answer, a judgment or a final answer.", g->n == 1 ? "is" : "are", g->n,
				g->n == 1 ? "commit" : "commits", rows);
	else
		cp_paper_strong(p, "Others' answers: its outbound commits hold rows of work, which casepack never gives.");
	cp_paper_close(p);
	return CP_OK;
}

static void say_relay(struct cp_report *r, const struct cp_audit_commit *c)
{
	if (*c->relay == '\0')
		return;
	cp_paper_item(&r->paper);
	cp_paper_say(&r->paper, "The relay %s collects from this device, and could read its answers before they were received here; since when is not recorded here.",
			c->relay);
	cp_paper_close(&r->paper);
}

/* A decision between a rater's own edits is given back to its devices. */
static void say_settlement(struct cp_report *r, const struct cp_audit_judgment *own, const struct cp_given *g, size_t applied)
{
	size_t at = cp_given_first(g, CP_GIVEN_SETTLEMENT, &own->id);

	if (at == SIZE_MAX)
		return;
	cp_paper_item(&r->paper);
	cp_paper_say(&r->paper, "The lead's decision between the edits of this judgment reached this device no sooner than ");
	say_when(r, &g->list[at]);
	cp_paper_say(&r->paper, applied != SIZE_MAX && cp_given_had(g, at, applied) ? ", which it had applied when this was sealed."
			: ", which it had not applied when this was sealed.");
	cp_paper_close(&r->paper);
}

/* The same person's other devices: their work travels as change commits, of which no outbound commit speaks. */
static void say_own_devices(struct cp_report *r, const struct cp_audit_judgment *own, const struct cp_audit_edit *e)
{
	for (size_t i = 0; i < own->n; i++) {
		const struct cp_audit_edit *other = &own->edits[i];
		bool is_replaced = false;

		if (strcmp(other->device, e->device) == 0)
			continue;
		for (size_t k = 0; k < e->n_replaced; k++)
			is_replaced = is_replaced || memcmp(&e->replaced[k], &other->rev, sizeof other->rev) == 0;
		cp_paper_item(&r->paper);
		cp_paper_say(&r->paper, "Edit ");
		char hex[CP_REV_HEX];
		cp_report_short(r, cp_hex(hex, other->rev.bytes, sizeof other->rev));
		cp_paper_say(&r->paper, " of the same person on device ");
		cp_report_short(r, other->device);
		cp_paper_say(&r->paper, is_replaced ? ": this edit replaced it, so its author had it." :
				": this edit does not name it as what it replaced; nothing here shows that its author had it.");
		cp_paper_close(&r->paper);
	}
}

/* ---- one edit ------------------------------------------------------------------------------------------------------ */

static enum cp_code say_sealed(struct cp_report *r, const struct cp_audit_judgments *j, const struct cp_audit_judgment *own,
		const struct cp_audit_edit *e, const struct cp_audit_commit *c, struct cp_err *err)
{
	struct knowing k = { .c = c };

	if (*c->relay_device)
		CP_TRY(cp_report_given(r, c->relay_device, &k.relay, err));
	CP_TRY(cp_report_given(r, e->device, &k.given, err));
	if (*c->relay_device) /* loading one may have moved the other */
		CP_TRY(cp_report_given(r, c->relay_device, &k.relay, err));
	k.applied = *c->applied ? cp_given_at(k.given, c->applied) : SIZE_MAX;
	say_earliest(r, c, k.given, k.applied);
	say_latest(r, c);
	CP_TRY(say_guideline(r, e, &k, err));
	CP_TRY(say_others(r, j, own, &k, err));
	say_relay(r, c);
	say_settlement(r, own, k.given, k.applied);
	say_own_devices(r, own, e);
	return CP_OK;
}

static enum cp_code say_edit(struct cp_report *r, const struct cp_audit_judgments *j, const struct cp_audit_judgment *own,
		const struct cp_audit_edit *e, struct cp_err *err)
{
	struct cp_audit_commit c;
	struct cp_paper *p = &r->paper;
	char hex[CP_REV_HEX];
	enum cp_code code;

	cp_paper_para(p);
	cp_paper_say(p, "%s%s, edit ", own->person, e->n_replaced > 0 ? ", a change" : "");
	cp_report_short(r, cp_hex(hex, e->rev.bytes, sizeof e->rev));
	cp_paper_say(p, *e->commit ? ":" : ": it is not sealed yet, so nothing shows when it was made or what its device knew.");
	cp_paper_close(p);
	if (*e->commit == '\0')
		return CP_OK;
	CP_TRY(cp_audit_commit_load(r->s, e->commit, &c, err));
	code = say_sealed(r, j, own, e, &c, err);
	cp_audit_commit_drop(&c);
	return code;
}

/* ---- leads ---------------------------------------------------------------------------------------------------------- */

static void say_leads(struct cp_report *r, const struct cp_audit_judgments *j)
{
	struct cp_paper *p = &r->paper;
	const char *between = "";
	char hex[CP_REV_HEX];

	cp_paper_para(p);
	cp_paper_say(p, "Leads could read these answers from their receipt on, and weigh them in what they decided later: ");
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->list[i].n; k++) {
			if (j->list[i].edits[k].received_us == 0)
				continue;
			cp_paper_say(p, "%s%s's edit ", between, j->list[i].person);
			cp_report_short(r, cp_hex(hex, j->list[i].edits[k].rev.bytes, sizeof j->list[i].edits[k].rev));
			cp_paper_say(p, " ");
			cp_report_time(r, j->list[i].edits[k].received_us);
			between = ", ";
		}
	cp_paper_say(p, *between ? "." : "none is sealed yet.");
	cp_paper_close(p);
}

enum cp_code cp_report_known(struct cp_report *r, const struct cp_audit_judgments *j, struct cp_err *err)
{
	if (j->n == 0)
		return CP_OK;
	cp_paper_heading(&r->paper, 3, NULL, "Who could have known what");
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->list[i].n; k++)
			CP_TRY(say_edit(r, j, &j->list[i], &j->list[i].edits[k], err));
	say_leads(r, j);
	return CP_OK;
}
