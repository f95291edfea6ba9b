#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/export.h"
#include "cli/shown.h"
#include "sync/people.h"
#include "sync/report.h"
#include "sync/texts.h"

struct sheet { struct cp_out *out; bool json, is_all; const char *verdict; int64_t n, max; };

/* Ids are cut to what tells them apart, for people. */
static enum cp_code add_id(struct sheet *t, const char *id, struct cp_err *err)
{
	char brief[9];

	snprintf(brief, sizeof brief, "%.8s", id);
	return cp_out_text(t->out, t->json ? id : brief, err);
}

/* ---- events ---------------------------------------------------------------------------------- */

static json_t *changes_json(const struct cp_event *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_changes; i++) {
		const struct cp_event_change *c = &e->changes[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "field", cp_json_text(c->field), "result", cp_json_text(c->result),
				"from", cp_json_text(c->from), "to", cp_json_text(c->to)));
	}
	return list;
}

static enum cp_code event_json(const struct cp_event *e, struct cp_err *err)
{
	return cp_json_line(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
			"what", cp_json_text(e->what), "case", cp_json_text(e->case_name), "who", cp_json_text(e->who),
			"whom", cp_json_text(e->whom), "when", cp_json_time(e->claimed_us), "received", cp_json_time(e->received_us),
			"detail", cp_json_text(e->detail), "reason", cp_json_text(e->reason), "guideline", cp_json_text(e->guideline),
			"revision", (json_int_t)e->revision, "changes", changes_json(e), "device", cp_json_text(e->device),
			"device_state", cp_json_text(e->device_state), "commit", cp_json_text(e->commit), "signature", cp_json_text(e->signature),
			"applied", cp_json_text(e->applied), "fate", cp_json_text(e->fate), "far", e->is_far), err);
}

static enum cp_code add_signature(struct cp_out *out, const char *signature, const char *device_state, struct cp_err *err)
{
	char text[48];

	snprintf(text, sizeof text, "%s%s%s", signature, *device_state && *signature ? ", " : "", *signature ? device_state : "");
	return cp_out_text(out, text, err);
}

static enum cp_code add_guideline(struct cp_out *out, const char *name, int64_t revision, struct cp_err *err)
{
	char text[160];

	snprintf(text, sizeof text, *name ? "%s %lld" : "", name, (long long)revision);
	return cp_out_text(out, text, err);
}

static enum cp_code add_detail(struct cp_out *out, const struct cp_event *e, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_buf_printf(&text, err, "%s%s%s", e->detail, *e->detail && *e->reason ? ": " : "", e->reason));
	return cp_out_text(out, text.data, err);
}

/* Of what nobody did: whose judgment it is about. */
static enum cp_code add_what(struct cp_out *out, const struct cp_event *e, struct cp_err *err)
{
	char text[128];

	snprintf(text, sizeof text, *e->who || !*e->whom ? "%s" : "%s (%s)", e->what, e->whom);
	return cp_out_text(out, text, err);
}

static enum cp_code on_event(void *user, const struct cp_event *e, struct cp_err *err)
{
	struct sheet *t = user;

	t->n++;
	if (t->json)
		return event_json(e, err);
	CP_TRY(cp_out_time(t->out, e->claimed_us, err));
	if (t->is_all)
		CP_TRY(cp_out_text(t->out, e->case_name, err));
	CP_TRY(cp_out_text(t->out, e->who, err));
	CP_TRY(add_what(t->out, e, err));
	CP_TRY(add_detail(t->out, e, err));
	CP_TRY(add_guideline(t->out, e->guideline, e->revision, err));
	CP_TRY(cp_out_text(t->out, e->fate, err));
	CP_TRY(add_id(t, e->device, err));
	CP_TRY(add_id(t, e->commit, err));
	CP_TRY(add_signature(t->out, e->signature, e->device_state, err));
	return cp_out_time(t->out, e->received_us, err);
}

/* Of one case, or of all (id NULL). */
static enum cp_code log_events(struct cp_args *a, const char *id, const struct cp_story_filter *f, struct cp_err *err)
{
	static const char *const columns[] = { "when", "case", "who", "what", "detail", "guideline", "fate", "device", "commit",
		"signature", "received" };
	static const char *const of_case[] = { "when", "who", "what", "detail", "guideline", "fate", "device", "commit", "signature",
		"received" };
	struct sheet t = { .json = a->json, .is_all = id == NULL };
	struct cp_id case_id;
	enum cp_code code;

	if (id != NULL)
		CP_TRY(cp_case_find(a->store, id, &case_id, err));
	CP_TRY(cp_arg_int(a, "--max", 1, INT64_MAX, 0, &t.max, err));
	if (!a->json)
		CP_TRY(cp_out_begin(&t.out, false, id ? of_case : columns, id ? 10 : 11, err));
	code = id ? cp_log_case(a->store, &case_id, f, on_event, &t, err) : cp_log_all(a->store, f, t.max, on_event, &t, err);
	CP_TRY(a->json ? code : cp_out_close(t.out, code, err));
	if (t.n == 0)
		cp_say("nothing fits");
	return CP_OK;
}

/* ---- which events ----------------------------------------------------------------------------- */

/* A day, or a second, in UTC. */
static bool read_time(const char *text, int64_t *out_us)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; i < 2; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		struct tm same = tm;
		time_t seconds = end != NULL && *end == '\0' ? timegm(&same) : -1;

		if (seconds >= 0 && same.tm_mday == tm.tm_mday && same.tm_mon == tm.tm_mon) { /* no 30 February */
			*out_us = (int64_t)seconds * 1000000;
			return true;
		}
	}
	return false;
}

static enum cp_code find_field(struct cp_args *a, const char *field, struct cp_err *err)
{
	struct cp_forms forms = { NULL, 0 };
	enum cp_code code = cp_forms_load(&forms, a->store, err);

	if (code == CP_OK && cp_forms_field(&forms, "", field) == NULL)
		code = cp_fail(err, CP_ENOTFOUND, "%s: no form has a field of that name; `casepack form list` lists the forms", field);
	cp_forms_drop(&forms);
	return code;
}

/* NAME or NAME@REV. */
static enum cp_code find_guideline(struct cp_args *a, const char *given, char name[128], struct cp_story_filter *f, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	const char *at = strrchr(given, '@');
	size_t n = at ? (size_t)(at - given) : strlen(given);

	if (n == 0 || n >= 128)
		return cp_fail(err, CP_EUSAGE, "log: --guideline is NAME or NAME@REVISION, not %s", given);
	snprintf(name, 128, "%.*s", (int)n, given);
	f->guideline = name;
	return cp_text_pick(a->store, false, name, at ? at + 1 : NULL, &text, NULL, at ? &f->revision : NULL, err);
}

static enum cp_code read_filter(struct cp_args *a, struct cp_story_filter *f, char name[128], struct cp_err *err)
{
	struct cp_id person;

	*f = (struct cp_story_filter){ .person = cp_arg(a, "--person"), .field = cp_arg(a, "--field") };
	if (cp_arg_given(a, "--since") && !read_time(cp_arg(a, "--since"), &f->since_us))
		return cp_fail(err, CP_EUSAGE, "log: --since is YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, not %s", cp_arg(a, "--since"));
	if (f->person != NULL)
		CP_TRY(cp_person_find(a->store, f->person, &person, err));
	if (f->field != NULL)
		CP_TRY(find_field(a, f->field, err));
	return cp_arg_given(a, "--guideline") ? find_guideline(a, cp_arg(a, "--guideline"), name, f, err) : CP_OK;
}

static bool is_filtered(const struct cp_args *a)
{
	return cp_arg_given(a, "--person") || cp_arg_given(a, "--field") || cp_arg_given(a, "--since") || cp_arg_given(a, "--guideline");
}

/* ---- change commits ------------------------------------------------------------------------ */

static enum cp_code on_commit(void *user, const struct cp_commit_row *c, struct cp_err *err)
{
	struct sheet *t = user;

	if (t->verdict != NULL && strcmp(t->verdict, c->verdict) != 0)
		return CP_OK;
	if (t->max > 0 && t->n == t->max)
		return CP_OK;
	t->n++;
	CP_TRY(add_id(t, c->oid, err));
	CP_TRY(cp_out_time(t->out, c->claimed_us, err));
	CP_TRY(cp_out_text(t->out, c->who, err));
	CP_TRY(cp_out_int(t->out, c->edits, err));
	CP_TRY(cp_out_text(t->out, c->verdict, err));
	CP_TRY(cp_out_text(t->out, c->reason[0] != '\0' && !t->json ? c->reason : c->subject, err));
	if (!t->json)
		return CP_OK;
	CP_TRY(cp_out_text(t->out, c->reason, err));
	CP_TRY(cp_out_text(t->out, c->branch, err));
	return cp_out_time(t->out, c->received_us, err);
}

static enum cp_code log_commits(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "commit", "when", "who", "edits", "verdict", "subject", "reason",
		"branch", "received" };
	struct sheet t = { .json = a->json };

	CP_TRY(cp_arg_int(a, "--max", 1, INT64_MAX, 0, &t.max, err));
	if (cp_arg_given(a, "--refused") && cp_arg_given(a, "--waiting"))
		return cp_fail(err, CP_EUSAGE, "log: say either --refused or --waiting");
	t.verdict = cp_arg_given(a, "--refused") ? "refused" : cp_arg_given(a, "--waiting") ? "waiting" : NULL;
	CP_TRY(cp_out_begin(&t.out, a->json, columns, a->json ? 9 : 6, err));
	enum cp_code code = cp_log_commits(a->store, t.verdict == NULL ? t.max : 0, on_commit, &t, err);
	CP_TRY(cp_out_close(t.out, code, err));
	if (t.n == 0)
		cp_say(t.verdict == NULL ? "no change commit is here yet" : "no change commit is %s", t.verdict);
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	bool is_of_commits = cp_arg_given(a, "--refused") || cp_arg_given(a, "--waiting");
	struct cp_story_filter f;
	char name[128];

	CP_TRY(cp_args_want(a, 0, 1, err));
	if (a->n == 1 && (is_of_commits || cp_arg_given(a, "--max")))
		return cp_fail(err, CP_EUSAGE, "log: --max, --refused and --waiting are not for one case");
	if (is_of_commits && is_filtered(a))
		return cp_fail(err, CP_EUSAGE, "log: --refused and --waiting are for change commits, which are not filtered");
	if (a->n == 0 && !is_filtered(a))
		return log_commits(a, err);
	CP_TRY(read_filter(a, &f, name, err));
	return log_events(a, a->n == 1 ? a->words[0] : NULL, &f, err);
}

static const struct cp_option options[] = {
	{ "--person", "PERSON", "only what that person did, or what is theirs" },
	{ "--field", "FIELD", "only answers to that field, and decisions about them" },
	{ "--since", "DATE", "only what was claimed or received since that day (YYYY-MM-DD, UTC) or second (YYYY-MM-DDTHH:MM:SSZ)" },
	{ "--guideline", "NAME[@REV]", "only what was judged under that guideline, or that revision of it" },
	{ "--max", "N", "at most the newest N" },
	{ "--refused", NULL, "only change commits that were refused" },
	{ "--waiting", NULL, "only change commits that wait for something" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack log q-1042", "who gave, judged and changed this case, and under which guideline" },
	{ "casepack log --person ana --since 2026-03-01", "all that ana judged and changed since that day" },
	{ "casepack log --guideline policy@3 --json", "every judgment under that revision, for a script" },
	{ "casepack log --max 20", "the newest change commits" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_log = {
	.name = "log",
	.usage = "CASE [--person PERSON] [--field FIELD] [--since DATE] [--guideline NAME[@REV]]\n"
		"{--person PERSON | --field FIELD | --since DATE | --guideline NAME[@REV]}... [--max N]\n"
		"[--refused | --waiting] [--max N]",
	.summary = "what happened, and who did it",
	.about = "With a case: its life in order, every step with the person, the device, the guideline revision and "
		"the signed change commit that proves it. A case is named by its id, its name in history, or the "
		"first six or more digits of its key. With filters alone: the judgments and decisions of all cases that fit, what came "
		"last first. With nothing: the change commits taken in, newest first, behind those that wait.\n\n"
		"When is what the author's clock said, received what the hub's clock said (on a device: when it heard that the hub holds it). Steps stand by the author's clock, held to the "
		"receipt, and never before what they came from, whatever a clock says.\n\n"
		"opened: the case was on that device no later than when it was first judged there, by the device's clock. The change commit that holds that "
		"judgment names the outbound commit that the device had taken in when it sealed. When the bundle was opened, or the case first "
		"looked at, nothing records. superseded tells of an "
		"answer that a later edit or a settlement put out of force, under the name of who did that. conflicted, late and stale are "
		"nobody's deed: they stand where what makes them so had come. exported is told where the hub held an answer of the case that "
		"the export asked for. fate is what became of an edit: standing, superseded, overruled by a lead's decision, in "
		"conflict, equal to another copy, waiting.\n\n"
		"signature is looked at again each time: good, when the commit bears the name under which it is known and the key that "
		"the roster names for the device has signed it; bad; unknown, when no key is on the roster; unsealed, for edits that no commit "
		"holds yet. Behind it stands what the roster says of the device now: retired, revoked or copy. The rest is read from "
		"casepack.db, which `casepack verify` holds against history.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
