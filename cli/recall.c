#include "cli/recall.h"

#include "cli/keys.h"
#include "cli/names.h"
#include "cli/shown.h"
#include "sync/recall.h"

static enum cp_code print(const struct cp_args *a, const struct cp_recall *r, const struct cp_recalled *done,
		struct cp_err *err)
{
	static const char *const verbs[] = { "withdrawn", "expired", "reassigned" };
	char taken[CP_COUNT], judged[CP_COUNT], unplaced[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:b, s:s, s:I, s:I, s:I, s:I}", "dry_run", r->is_dry_run, "how", verbs[r->how],
				"taken", (json_int_t)done->taken, "judged", (json_int_t)done->judged, "given", (json_int_t)done->given,
				"unplaced", (json_int_t)done->unplaced), err);
	CP_TRY(cp_line(err, "%s%s %s", r->is_dry_run ? "would be: " : "", cp_count(taken, done->taken, "assignment", "assignments"),
			verbs[r->how]));
	if (done->judged > 0)
		cp_say("%s left alone; --judged takes them back too",
				cp_count(judged, done->judged, "assignment that is judged was", "assignments that are judged were"));
	if (done->unplaced > 0)
		cp_say("%s given to nobody: who was named has it, or does not read its locale",
				cp_count(unplaced, done->unplaced, "case was", "cases were"));
	return CP_OK;
}

static enum cp_code recall(struct cp_args *a, enum cp_recall_how how, const char *from, const char *to, struct cp_err *err)
{
	CP_AUTO(names) struct cp_names people = { NULL, 0, NULL };
	CP_AUTO(names) struct cp_names heirs = { NULL, 0, NULL };
	CP_AUTO(names) struct cp_names cases = { NULL, 0, NULL };
	struct cp_recalled done;
	struct cp_recall r = { .how = how, .locale = cp_arg(a, "--locale"), .segment = cp_arg(a, "--segment"),
		.judged_too = cp_arg_given(a, "--judged"), .is_dry_run = cp_arg_given(a, "--dry-run") };

	CP_TRY(cp_args_want(a, 1, 1, err));
	CP_TRY(cp_names_split(&people, a, from, err));
	if (to != NULL)
		CP_TRY(cp_names_split(&heirs, a, to, err));
	CP_TRY(cp_names_all(&cases, a, "--case", err));
	CP_TRY(cp_arg_int(a, "--pass", 1, 1000000, 0, &r.pass, err));
	CP_TRY(cp_arg_day(a, "--before", &r.before, err));
	r.people = people.list;
	r.n_people = people.n;
	r.to = heirs.list;
	r.n_to = heirs.n;
	r.cases = cases.list;
	r.n_cases = cases.n;
	if (how == CP_EXPIRE && r.before == NULL)
		return cp_fail(err, CP_EUSAGE, "say which: --before YYYY-MM-DD takes back what was due before that day");
	if (how == CP_REASSIGN && (r.n_to == 0 || r.n_people == 0))
		return cp_fail(err, CP_EUSAGE, "say from whom and to whom: --from PEOPLE --to PEOPLE");
	if (how == CP_WITHDRAW && r.n_people == 0 && r.n_cases == 0 && r.locale == NULL && r.segment == NULL && r.pass == 0)
		return cp_fail(err, CP_EUSAGE, "say which: --from, --case, --locale, --segment or --pass");
	CP_TRY(cp_recall(a->store, &r, &done, err));
	CP_TRY(print(a, &r, &done, err));
	return r.is_dry_run ? CP_OK : cp_seal_if_ready(a->store, err);
}

enum cp_code cp_assign_withdraw(struct cp_args *a, struct cp_err *err)
{
	return recall(a, CP_WITHDRAW, "--from", NULL, err);
}

enum cp_code cp_assign_expire(struct cp_args *a, struct cp_err *err)
{
	return recall(a, CP_EXPIRE, "--from", NULL, err);
}

enum cp_code cp_assign_reassign(struct cp_args *a, struct cp_err *err)
{
	return recall(a, CP_REASSIGN, "--from", "--to", err);
}
