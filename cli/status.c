#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/judge.h"
#include "sync/report.h"
#include "sync/token.h"

/* ---- a hub: its raters --------------------------------------------------------------------- */

struct raters { struct cp_out *out; bool json; int64_t n; };

static enum cp_code on_rater(void *user, const struct cp_rater_status *r, struct cp_err *err)
{
	struct raters *t = user;

	t->n++;
	CP_TRY(cp_out_text(t->out, r->pseudonym, err));
	CP_TRY(cp_out_text(t->out, r->vendor, err));
	CP_TRY(cp_out_int(t->out, r->assigned, err));
	CP_TRY(cp_out_int(t->out, r->submitted, err));
	CP_TRY(cp_out_int(t->out, r->skipped, err));
	CP_TRY(cp_out_int(t->out, r->escalated, err));
	CP_TRY(cp_out_int(t->out, r->owed, err));
	CP_TRY(cp_out_time(t->out, r->sent_us, err));
	CP_TRY(cp_out_time(t->out, r->received_us, err));
	if (t->json || r->owed_days >= 0)
		CP_TRY(cp_out_int(t->out, r->owed_days, err));
	else
		CP_TRY(cp_out_text(t->out, "-", err));
	return cp_out_bool(t->out, r->acknowledged, err);
}

static enum cp_code print_raters(struct cp_args *a, int64_t *n, struct cp_err *err)
{
	static const char *const columns[] = { "person", "vendor", "assigned", "submitted", "skipped", "escalated",
		"owed", "sent", "received", "days", "acknowledged" };
	struct raters t = { .json = a->json };

	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = cp_status_each(a->store, on_rater, &t, err);
	*n = t.n;
	return cp_out_close(t.out, code, err);
}

static enum cp_code hub_json(const struct cp_me *me, const struct cp_status *s, struct cp_err *err)
{
	return cp_json_line(json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:o}",
			"project", cp_json_text(me->project_name), "role", cp_role_name(me->role),
			"replica", cp_json_hex(me->replica.bytes, sizeof me->replica.bytes),
			"cases", (json_int_t)s->cases, "persons", (json_int_t)s->persons,
			"assignments", (json_int_t)s->assignments, "judgments", (json_int_t)s->judgments,
			"ratings", (json_int_t)s->ratings, "outbox", (json_int_t)s->outbox,
			"commits", (json_int_t)s->commits, "refused", (json_int_t)s->refused,
			"waiting", (json_int_t)s->waiting, "review", (json_int_t)s->review,
			"strangers", (json_int_t)s->strangers, "conflicts", (json_int_t)s->conflicts,
			"conflict_classes", cp_json_text(s->conflict_classes),
			"disputed", (json_int_t)s->disputed, "missing", (json_int_t)s->missing,
			"forgotten", (json_int_t)s->forgotten, "main", s->main.hex[0] == '\0' ? json_null() : json_string(s->main.hex)), err);
}

static enum cp_code hub_words(const struct cp_me *me, const struct cp_status *s, struct cp_err *err)
{
	char cases[CP_COUNT], given[CP_COUNT], judged[CP_COUNT], n[CP_COUNT];

	CP_TRY(cp_line(err, "%s", ""));
	CP_TRY(cp_line(err, "%s: %s, %s, %s", me->project_name, cp_count(cases, s->cases, "case", "cases"),
			cp_count(given, s->assignments, "assignment", "assignments"),
			cp_count(judged, s->judgments, "judgment", "judgments")));
	if (s->outbox > 0)
		CP_TRY(cp_line(err, "%s not sealed yet; the next `pack` or `sync` does it",
				cp_count(n, s->outbox, "edit", "edits")));
	if (s->refused > 0)
		CP_TRY(cp_line(err, "%s refused: `casepack quarantine`",
				cp_count(n, s->refused, "change commit", "change commits")));
	if (s->strangers > 0)
		CP_TRY(cp_line(err, "%s: `casepack quarantine`",
				cp_count(n, s->strangers, "device has a new key", "devices have new keys")));
	if (s->review > 0)
		CP_TRY(cp_line(err, "%s from devices that were revoked later: `casepack quarantine`",
				cp_count(n, s->review, "change commit to review", "change commits to review")));
	if (s->waiting > 0)
		CP_TRY(cp_line(err, "%s for what has not arrived: `casepack log --waiting`",
				cp_count(n, s->waiting, "change commit waits", "change commits wait")));
	if (s->disputed > 0)
		CP_TRY(cp_line(err, "%s, one hub refused and another accepted: `casepack log` says which",
				cp_count(n, s->disputed, "change commit to review", "change commits to review")));
	if (s->forgotten > 0)
		CP_TRY(cp_line(err, "%s forgotten; who has not confirmed that: `casepack forget --list`",
				cp_count(n, s->forgotten, "case is", "cases are")));
	if (s->missing > 0)
		CP_TRY(cp_line(err, "%s without content yet; it comes by a folder or a bundle from another hub",
				cp_count(n, s->missing, "case", "cases")));
	if (s->conflicts > 0)
		CP_TRY(cp_line(err, "%s open (%s): `casepack conflicts`", cp_count(n, s->conflicts, "conflict", "conflicts"),
				s->conflict_classes));
	return CP_OK;
}

/* ---- copies and restored workspaces ---------------------------------------------------------- */

static enum cp_code on_copied(void *user, const struct cp_copied *c, struct cp_err *err)
{
	const struct cp_args *a = user;

	if (a->json)
		return cp_json_line(json_pack("{s:s, s:o, s:s, s:s}", "copied", c->is_line ? "line" : c->has_other_key ? "key" : "device",
				"person", cp_json_text(c->pseudonym), "device", c->device, "as", c->as), err);
	if (c->is_line)
		return cp_line(err, "%s's device %.8s has a second line, %s: it was copied or put back; look at both in `casepack log`",
				c->pseudonym, c->device, c->as);
	return cp_line(err, c->has_other_key ? "%s's device %.8s goes on as %.8s with another key"
			: "%s's device %.8s was copied or put back: it goes on as %.8s", c->pseudonym, c->device, c->as);
}

/* What this workspace knows of itself. */
static void say_token(const struct cp_store *s)
{
	if (*cp_token_trouble(s) != '\0')
		cp_say("that this folder is copied or put back is noticed only when work is merged: no token of it can be kept (%s)",
				cp_token_trouble(s));
}

/* What an erasing could not finish. */
static void say_unerased(const struct cp_status *s)
{
	if (s->unerased)
		cp_say("what was erased may still stand in free room of the databases, which could not be written anew: make room on the disk, "
				"and the next command does it");
}

static enum cp_code hub_status(struct cp_args *a, struct cp_err *err)
{
	const struct cp_me *me = cp_store_me(a->store);
	struct cp_status s = { .cases = 0 };
	int64_t raters = 0;

	CP_TRY(cp_status(a->store, &s, err));
	say_unerased(&s);
	a->waits = s.waiting > 0 || s.conflicts > 0 || s.strangers > 0 || s.review > 0;
	CP_TRY(print_raters(a, &raters, err));
	if (raters == 0)
		cp_say("no raters yet; `casepack person add` adds one");
	CP_TRY(a->json ? hub_json(me, &s, err) : hub_words(me, &s, err));
	return cp_copied_each(a->store, on_copied, a, err);
}

/* ---- a device: its own work ---------------------------------------------------------------- */

static enum cp_code device_json(const struct cp_me *me, const struct cp_status *s, const struct cp_progress *p,
		struct cp_err *err)
{
	return cp_json_line(json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			"project", cp_json_text(me->project_name), "role", cp_role_name(me->role),
			"person", cp_json_text(me->pseudonym),
			"replica", cp_json_hex(me->replica.bytes, sizeof me->replica.bytes),
			"assigned", (json_int_t)p->total, "submitted", (json_int_t)p->submitted,
			"skipped", (json_int_t)p->skipped, "escalated", (json_int_t)p->escalated,
			"drafts", (json_int_t)p->drafts, "todo", (json_int_t)p->todo,
			"unsent", (json_int_t)s->unsent, "refused", (json_int_t)s->refused,
			"conflicts", (json_int_t)s->conflicts), err);
}

static enum cp_code device_words(const struct cp_me *me, const struct cp_status *s, const struct cp_progress *p,
		struct cp_err *err)
{
	char n[CP_COUNT];

	CP_TRY(cp_line(err, "%s: %s as %s", me->project_name, cp_role_name(me->role), me->pseudonym));
	if (cp_id_is_set(&me->copy_of))
		CP_TRY(cp_line(err, cp_id_is_set(&me->nonce) ? "this folder was copied or put back: it goes on as a device of its own, and nothing is lost"
				: "this device goes on with another key than before"));
	CP_TRY(cp_line(err, "%lld of %s submitted, %lld skipped, %lld escalated, %lld begun, %lld to do",
			(long long)p->submitted, cp_count(n, p->total, "case", "cases"), (long long)p->skipped,
			(long long)p->escalated, (long long)p->drafts, (long long)p->todo));
	if (s->unsent > 0)
		CP_TRY(cp_line(err, "%s that the hub has not confirmed: `casepack return -o DIR` or `casepack sync DIR`",
				cp_count(n, s->unsent, "edit", "edits")));
	else
		CP_TRY(cp_line(err, "the hub has confirmed everything"));
	if (s->refused > 0)
		CP_TRY(cp_line(err, "%s refused by the hub: `casepack log --refused`",
				cp_count(n, s->refused, "change commit", "change commits")));
	return CP_OK;
}

static enum cp_code device_status(struct cp_args *a, struct cp_err *err)
{
	struct cp_status s = { .cases = 0 };
	struct cp_progress p = { .total = 0 };

	CP_TRY(cp_status(a->store, &s, err));
	say_unerased(&s);
	CP_TRY(cp_progress(a->store, &p, err));
	return a->json ? device_json(cp_store_me(a->store), &s, &p, err)
		: device_words(cp_store_me(a->store), &s, &p, err);
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code print_hash(struct cp_args *a, struct cp_err *err)
{
	struct cp_hash hash;
	char hex[CP_HASH_HEX];

	CP_TRY(cp_store_hash(a->store, &hash, err));
	cp_hex(hex, hash.bytes, sizeof hash.bytes);
	return a->json ? cp_json_line(json_pack("{s:s}", "hash", hex), err) : cp_line(err, "%s", hex);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	CP_TRY(cp_args_want(a, 0, 0, err));
	if (cp_arg_given(a, "--hash"))
		return print_hash(a, err);
	say_token(a->store);
	if (!cp_store_has_project(a->store)) {
		if (a->json)
			return cp_json_line(json_pack("{s:n}", "project"), err);
		return cp_line(err, "this workspace waits for its first bundle: `casepack open FILE`");
	}
	return cp_store_me(a->store)->is_hub ? hub_status(a, err) : device_status(a, err);
}

static const struct cp_option options[] = {
	{ "--hash", NULL, "only the canonical hash of the state, to compare with another replica's" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack status", "who owes what, and what needs a person" },
	{ "casepack status --json | jq -r 'select(.owed > 0) | .person'", "raters with work still out" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_status = {
	.name = "status",
	.usage = "[--hash]",
	.summary = "how far the work is",
	.about = "On a hub: one row for each rater. Owed counts the assignments with no judgment back, days how long "
		"ago they were sent; acknowledged says whether all that was sent is known to have arrived. Below it, "
		"what needs a person: refused and waiting change commits, open conflicts by class, and devices whose folder was "
		"copied or put back from a backup. Exit status 3 when something waits or is in conflict.\n\n"
		"On a rater's device: how many cases are done, and what the hub has not confirmed yet.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
