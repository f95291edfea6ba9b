#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/keys.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "sync/envelope.h"
#include "formats/text.h"
#include "sync/forget.h"
#include "sync/limit.h"
#include "sync/policy.h"

#define KEEP_DAYS_MAX 36500

static enum cp_code add_policy(void *user, const char *key, const char *policy, struct cp_err *err)
{
	(void)err;
	json_object_set_new(user, key, json_string(policy));
	return CP_OK;
}

static enum cp_code print_policy(void *user, const char *key, const char *policy, struct cp_err *err)
{
	(void)user;
	return cp_line(err, "  %-28s %s", key, policy);
}

static enum cp_code show_json(struct cp_args *a, struct cp_err *err)
{
	const struct cp_me *me = cp_store_me(a->store);
	json_t *policies = json_object();
	int64_t keep_days;
	enum cp_code code = cp_policy_each(a->store, add_policy, policies, err);
	bool is_required = false;

	if (code == CP_OK)
		code = cp_keep_days(a->store, &keep_days, err);
	if (code == CP_OK)
		code = cp_envelope_is_required(a->store, &is_required, err);
	if (code != CP_OK) {
		json_decref(policies);
		return code;
	}
	return cp_json_line(json_pack("{s:o, s:o, s:o, s:I, s:s}", "project", cp_json_text(me->project_name),
			"id", cp_json_hex(me->project.bytes, sizeof me->project.bytes), "policies", policies, "keep_days", (json_int_t)keep_days,
			"encryption", is_required ? "required" : "default"), err);
}

static enum cp_code show(struct cp_args *a, struct cp_err *err)
{
	const struct cp_me *me = cp_store_me(a->store);
	char hex[CP_ID_HEX], days[CP_COUNT];
	int64_t keep_days;
	bool is_required;

	if (a->json)
		return show_json(a, err);
	CP_TRY(cp_keep_days(a->store, &keep_days, err));
	CP_TRY(cp_envelope_is_required(a->store, &is_required, err));
	CP_TRY(cp_line(err, "%s  (%s)", me->project_name, cp_hex(hex, me->project.bytes, sizeof me->project.bytes)));
	if (keep_days > 0)
		CP_TRY(cp_line(err, "raters keep what cases show for %s behind the receipt of its judgments",
				cp_count(days, keep_days, "day", "days")));
	CP_TRY(cp_line(err, "encryption of bundles: %s", is_required ? "required" : "unless --plain is said"));
	CP_TRY(cp_line(err, "policies, where edits disagree (latest, or what a form asks for, unless said here):"));
	return cp_policy_each(a->store, print_policy, NULL, err);
}

static enum cp_code policy(struct cp_args *a, struct cp_err *err)
{
	bool is_default, changed;

	CP_TRY(cp_args_want(a, 3, 3, err));
	is_default = strcmp(a->words[2], "default") == 0;
	CP_TRY(cp_policy_set(a->store, a->words[1], is_default ? NULL : a->words[2], &changed, err));
	cp_say(changed ? "%s: %s; what disagrees was decided anew" : "%s: %s already", a->words[1], a->words[2]);
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code set_keep_days(struct cp_args *a, struct cp_err *err)
{
	long days;
	bool changed;

	CP_TRY(cp_args_want(a, 2, 2, err));
	days = strtol(a->words[1], NULL, 10);
	if (*a->words[1] == '\0' || strspn(a->words[1], "0123456789") != strlen(a->words[1]) || days > KEEP_DAYS_MAX)
		return cp_fail(err, CP_EUSAGE, "%s: is no number of days from 0 (for ever) to %d", a->words[1], KEEP_DAYS_MAX);
	CP_TRY(cp_keep_days_set(a->store, days, &changed, err));
	cp_say(changed ? "keep-days: %ld; raters' devices hear of it with what they are sent next" : "keep-days: %ld already", days);
	return cp_seal_if_ready(a->store, err);
}

static enum cp_code encryption(struct cp_args *a, struct cp_err *err)
{
	bool is_required, changed;

	CP_TRY(cp_args_want(a, 2, 2, err));
	is_required = strcmp(a->words[1], "required") == 0;
	if (!is_required && strcmp(a->words[1], "default") != 0)
		return cp_fail(err, CP_EUSAGE, "project encryption is required or default: bundles are encrypted, but for --plain");
	CP_TRY(cp_envelope_require(a->store, is_required, &changed, err));
	cp_say(changed ? "encryption: %s" : "encryption: %s already", a->words[1]);
	return cp_seal_if_ready(a->store, err);
}

/* ---- limits -------------------------------------------------------------------------------- */

static enum cp_code add_limit(struct cp_out *out, const struct cp_limits *l, int which, struct cp_err *err)
{
	const struct cp_limit_row *row = &cp_limit_table[which];

	CP_TRY(cp_out_text(out, row->name, err));
	CP_TRY(cp_out_int(out, (int64_t)l->of[which], err));
	CP_TRY(cp_out_int(out, (int64_t)row->most, err));
	CP_TRY(cp_out_text(out, row->unit, err));
	return cp_out_text(out, row->what, err);
}

static enum cp_code limits(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "limit", "value", "default", "unit", "bounds" };
	enum cp_code code = CP_OK;
	struct cp_out *out;

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_out_begin(&out, a->json, columns, 5, err));
	for (int i = 0; i < CP_LIMIT_COUNT && code == CP_OK; i++)
		code = add_limit(out, cp_store_limits(a->store), i, err);
	return cp_out_close(out, code, err);
}

/* A whole number, or the highest one for `default`. */
static enum cp_code read_value(const char *text, const struct cp_limit_row *row, uint64_t *out, struct cp_err *err)
{
	char shown[CP_QUOTE], *end;

	*out = row->most;
	if (strcmp(text, "default") == 0)
		return CP_OK;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return cp_fail(err, CP_EUSAGE, "%s is no whole number of %s", cp_text_quote(shown, text, strlen(text)), row->unit);
	return CP_OK;
}

static enum cp_code limit(struct cp_args *a, struct cp_err *err)
{
	char shown[CP_QUOTE];
	uint64_t value;
	int which;

	CP_TRY(cp_args_want(a, 3, 3, err));
	which = cp_limit_named(a->words[1]);
	if (which < 0)
		return cp_fail(err, CP_EUSAGE, "there is no limit %s; `casepack project limits` lists them",
				cp_text_quote(shown, a->words[1], strlen(a->words[1])));
	CP_TRY(read_value(a->words[2], &cp_limit_table[which], &value, err));
	CP_TRY(cp_limit_set(a->store, (enum cp_limit)which, value, err));
	cp_say("%s: %" PRIu64 " %s, in this workspace", cp_limit_table[which].name, value, cp_limit_table[which].unit);
	return CP_OK;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const struct cp_verb verbs[] = {
		{ "policy", NULL, policy }, { "keep-days", NULL, set_keep_days }, { "encryption", NULL, encryption },
		{ "limits", NULL, limits }, { "limit", NULL, limit }, { NULL, NULL, NULL },
	};

	return a->n == 0 ? show(a, err) : cp_verb_run(a, verbs, err);
}

#define X(id, name, most, unit, what) " " name ": " what "."
#define CP_LIMIT_NAMES CP_LIMITS(X)

static const struct cp_example examples[] = {
	{ "casepack project", "the project and its policies" },
	{ "casepack project policy judgments.severity severest", "the higher severity stands until a lead looks" },
	{ "casepack project policy cases.segment review", "nothing stands until a lead decides" },
	{ "casepack project policy judgments default", "take it back" },
	{ "casepack project keep-days 30", "raters' devices erase content 30 days behind the receipt of its judgments" },
	{ "casepack project encryption required", "plain bundles are neither written nor taken in any more" },
	{ "casepack project limits", "the most that is accepted here" },
	{ "casepack project limit expanded 2000000000", "no bundle that expands to more than 2 GB" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_project = {
	.name = "project",
	.usage = "\npolicy TABLE[.COLUMN] latest | severest | review | default\nkeep-days N\nencryption required | default\nlimits\nlimit NAME VALUE | default",
	.summary = "the project, its policies, its demands and limits",
	.about = "Shows the project. `policy` says what stands meanwhile where edits disagree, for a table or one of its columns; "
		"for judgments.FIELD, a field of a form: `latest`, the one with the latest clock; `severest`, the one with the "
		"highest severity; `review`, none. Under the last two only a lead's `casepack resolve` closes a conflict. A clock "
		"that is far ahead turns latest into review.\n\n"
		"judgments.FIELD wins over judgments, and that over what the form's field asks for; a judgment is taken whole, by "
		"the strictest policy of the fields that are answered. Every decision records the policy that was in force. A "
		"change of policy decides anew whatever disagrees.\n\n"
		"`keep-days` says how long raters' devices keep what a case shows: N days after they heard that the hub holds their "
		"judgments of it they erase it, as `casepack forget` does; 0 is for ever. A case with anything left to do stays, one that "
		"was taken back before it was judged goes at once, and one that is given again is sent again. The days are the "
		"device's own clock's. Hubs and relays keep content until it is forgotten.\n\n"
		"`encryption required` makes every device of the project, once it knows, refuse --plain and bundles that come plain; by "
		"default bundles are encrypted unless --plain is said. Hubs that meet through a git server are not touched by it.\n\n"
		"`limits` lists what this workspace accepts at the most of what comes from outside, so that no file costs more "
		"before it is refused. `limit` makes one smaller, never larger than its default; it protects this machine, and "
		"travels nowhere. What is over a limit is refused as a whole (status 4), and can be taken in once the limit allows "
		"it.\n\nWhat each bounds." CP_LIMIT_NAMES,
	.options = cp_no_options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
