/* `guideline of`: the text that a judgment was made under, and what in it has changed since. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/guideline.h"
#include "cli/shown.h"
#include "formats/text.h"
#include "sync/cases.h"
#include "sync/course.h"
#include "sync/revision.h"

/* One judgment, its guideline's revisions, and the text of the one named (under) and of the one compared to (now). */
struct under {
	struct cp_args *a;
	const char *case_id;
	const struct cp_judged *judged;
	struct cp_course course;
	struct cp_revision_list all;
	size_t under, now;           /* places in all; under is SIZE_MAX where the revision is not here */
	struct cp_buf text, now_text, diff;
	bool *known;                 /* of each revision: is it, or did it grow into, the one named? */
	bool *grown;                 /* did it grow into the one compared to, or is it that one? */
};

static void cp_under_drop(struct under *u)
{
	cp_course_drop(&u->course);
	cp_revision_list_drop(&u->all);
	cp_buf_drop(&u->text);
	cp_buf_drop(&u->now_text);
	cp_buf_drop(&u->diff);
	free(u->known);
	free(u->grown);
}

/* A revision that came since: it leads to the one compared to, and the one named did not know it. */
static bool is_since(const struct under *u, size_t i)
{
	return u->grown[i] && !u->known[i];
}

static const struct cp_revision *revision_of(const struct under *u, const struct cp_id *id)
{
	size_t i = cp_revision_at(&u->all, id);

	return i == SIZE_MAX ? NULL : &u->all.list[i];
}

/* Where some revisions are not here it cannot be told whether one grew from another, unless those that are here show it. */
static bool is_all_here(const struct under *u)
{
	for (size_t i = 0; i < u->all.n; i++)
		if (u->all.list[i].n_absent > 0)
			return false;
	return true;
}

/* ---- gathering ------------------------------------------------------------------------------- */

static enum cp_code compare(struct under *u, struct cp_err *err)
{
	struct cp_id id;
	char hex[CP_ID_HEX];

	CP_TRY(cp_text_pick(u->a->store, false, u->judged->guideline, cp_arg(u->a, "--to"), &u->now_text, &id, NULL, err));
	u->now = cp_revision_at(&u->all, &id);
	CP_TRY(cp_text_pick(u->a->store, false, u->judged->guideline, cp_hex(hex, u->judged->revision.bytes, 16), &u->text, NULL,
			NULL, err));
	u->known = calloc(u->all.n, sizeof *u->known);
	u->grown = calloc(u->all.n, sizeof *u->grown);
	if (u->known == NULL || u->grown == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	cp_revision_above(&u->all, u->under, u->known);
	cp_revision_above(&u->all, u->now, u->grown);
	return cp_text_diff(&u->diff, u->text.data != NULL ? u->text.data : "", u->text.len,
			u->now_text.data != NULL ? u->now_text.data : "", u->now_text.len, 3, err);
}

static enum cp_code gather(struct under *u, struct cp_err *err)
{
	u->under = u->now = SIZE_MAX;
	CP_TRY(cp_course_load(u->a->store, &u->judged->judgment, &u->course, err));
	if (*u->judged->guideline == '\0')
		return CP_OK;
	CP_TRY(cp_revision_list_load(u->a->store, false, u->judged->guideline, &u->all, err));
	u->under = cp_revision_at(&u->all, &u->judged->revision);
	return u->under == SIZE_MAX ? CP_OK : compare(u, err);
}

/* ---- for scripts ------------------------------------------------------------------------------- */

static json_t *revision_json(const struct cp_revision *r)
{
	char id[CP_ID_HEX];

	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:s, s:o}", "number", (json_int_t)r->number,
			"id", cp_hex(id, r->id.bytes, sizeof r->id.bytes), "revision", r->kind, "author", cp_json_text(r->author),
			"at", cp_json_time(r->claimed_us), "commit", r->commit, "note", cp_json_text(r->note));
}

static json_t *course_json(const struct under *u)
{
	json_t *list = json_array();

	for (size_t i = 0; i < u->course.n; i++) {
		const struct cp_course_step *step = &u->course.steps[i];
		const struct cp_revision *r = revision_of(u, &step->revision);

		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:b, s:b}",
				"at", cp_json_time(step->claimed_us), "received", cp_json_time(step->received_us), "state", step->state,
				"guideline_revision", r != NULL ? json_integer(r->number) : json_null(),
				"id", cp_id_is_set(&step->revision) ? cp_json_hex(step->revision.bytes, 16) : json_null(),
				"commit", step->commit, "stands", (int)step->stands, "aside", (int)step->is_aside));
	}
	return list;
}

static json_t *since_json(const struct under *u)
{
	json_t *list = json_array();

	for (size_t i = 0; u->under != SIZE_MAX && i < u->all.n; i++)
		if (is_since(u, i))
			json_array_append_new(list, revision_json(&u->all.list[i]));
	return list;
}

static enum cp_code print_json(const struct under *u, struct cp_err *err)
{
	const struct cp_judged *j = u->judged;
	bool is_here = u->under != SIZE_MAX;

	return cp_json_line(json_pack("{s:o, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"case", cp_json_text(u->case_id), "rater", cp_json_text(j->rater), "pass", (json_int_t)j->pass, "state", j->state,
			"judged_at", cp_json_time(j->judged_us), "guideline", cp_json_text(j->guideline),
			"under", is_here ? revision_json(&u->all.list[u->under]) : json_null(),
			"text", is_here ? json_stringn(u->text.data != NULL ? u->text.data : "", u->text.len) : json_null(),
			"course", course_json(u), "since", since_json(u),
			"to", is_here ? json_integer(u->all.list[u->now].number) : json_null(),
			"apart", is_here && (u->grown[u->under] || is_all_here(u)) ? json_boolean(!u->grown[u->under]) : json_null(),
			"diff", is_here ? cp_json_text(u->diff.data != NULL ? u->diff.data : "") : json_null()), err);
}

/* ---- for people ---------------------------------------------------------------------------------- */

static enum cp_code print_revision(const char *before, const struct cp_revision *r, struct cp_err *err)
{
	char when[32], id[CP_ID_HEX];

	return cp_line(err, "%s%lld %s, by %s at %s, commit %.8s, id %.12s%s%s", before, (long long)r->number, r->kind, r->author,
			cp_time_text(when, r->claimed_us), *r->commit ? r->commit : "-", cp_hex(id, r->id.bytes, sizeof r->id.bytes),
			*r->note ? ": " : "", r->note);
}

/* A judgment that was made once needs no list of its steps. */
static enum cp_code print_course(const struct under *u, struct cp_err *err)
{
	char when[32];

	for (size_t i = 0; u->course.n > 1 && i < u->course.n; i++) {
		const struct cp_course_step *step = &u->course.steps[i];
		const struct cp_revision *r = revision_of(u, &step->revision);

		CP_TRY(cp_line(err, "  %s  %s under revision %lld, commit %.8s%s", cp_time_text(when, step->claimed_us), step->state,
				r != NULL ? (long long)r->number : 0LL, *step->commit ? step->commit : "-",
				step->stands ? ", which stands" : step->is_aside ? ", on another device, which does not stand" : ""));
	}
	return CP_OK;
}

static enum cp_code print_since(const struct under *u, struct cp_err *err)
{
	const struct cp_revision *now = &u->all.list[u->now];

	if (u->now == u->under)
		return cp_line(err, "%s", cp_arg(u->a, "--to") == NULL ? "it is the current one: nothing has changed since"
				: "it is the one compared to");
	if (!u->grown[u->under])
		CP_TRY(cp_line(err, is_all_here(u) ? "revision %lld did not grow from it; below is what they differ in"
				: "not all revisions up to %lld are here; below is what the two differ in", (long long)now->number));
	CP_TRY(cp_line(err, "since then:"));
	for (size_t i = 0; i < u->all.n; i++)
		if (is_since(u, i))
			CP_TRY(print_revision("  revision ", &u->all.list[i], err));
	return cp_guideline_print_diff(u->judged->guideline, "revision", u->all.list[u->under].number, now->number, &u->diff, err);
}

static enum cp_code print_words(const struct under *u, struct cp_err *err)
{
	const struct cp_judged *j = u->judged;
	char when[32], id[CP_ID_HEX];

	CP_TRY(cp_line(err, "%s, %s, pass %lld: %s at %s", u->case_id, j->rater, (long long)j->pass, j->state,
			cp_time_text(when, j->judged_us)));
	if (u->under == SIZE_MAX && cp_id_is_set(&j->revision))
		return cp_line(err, "under a guideline whose revision %.12s is not here; a lead's hub has all",
				cp_hex(id, j->revision.bytes, sizeof j->revision.bytes));
	if (u->under == SIZE_MAX)
		return cp_line(err, "under no guideline");
	CP_TRY(cp_line(err, "under %s, as it was on the rater's screen:", j->guideline));
	CP_TRY(print_revision("  revision ", &u->all.list[u->under], err));
	CP_TRY(print_course(u, err));
	return print_since(u, err);
}

/* ---- the verb --------------------------------------------------------------------------------------- */

struct asked { struct cp_args *a; const char *case_id; size_t n; };

static enum cp_code on_judged(void *user, const struct cp_judged *j, struct cp_err *err)
{
	struct asked *q = user;
	CP_AUTO(under) struct under u = { .a = q->a, .case_id = q->case_id, .judged = j, .text = CP_BUF(CP_TEXT_MAX),
		.now_text = CP_BUF(CP_TEXT_MAX), .diff = CP_BUF(CP_GUIDELINE_MAX * 12) };

	if (cp_arg_given(q->a, "--text") && q->n > 0)
		return cp_fail(err, CP_EUSAGE, "%s has several judgments, and --text prints the text of one: say --rater and --pass",
				q->case_id);
	CP_TRY(gather(&u, err));
	if (q->n++ > 0 && !q->a->json)
		CP_TRY(cp_line(err, "%s", ""));
	if (q->a->json)
		return print_json(&u, err);
	if (!cp_arg_given(q->a, "--text"))
		return print_words(&u, err);
	return u.under != SIZE_MAX ? cp_guideline_print(&u.text, err)
		: cp_fail(err, CP_ENOTFOUND, "%s: the text that it was judged under is not here", q->case_id);
}

enum cp_code cp_guideline_of(struct cp_args *a, struct cp_err *err)
{
	struct asked q = { .a = a };
	const char *rater = cp_arg(a, "--rater");
	struct cp_id case_id;
	int64_t pass;

	CP_TRY(cp_args_want(a, 2, 2, err));
	q.case_id = a->words[1];
	CP_TRY(cp_arg_int(a, "--pass", 1, INT64_MAX, 0, &pass, err));
	CP_TRY(cp_case_find(a->store, q.case_id, &case_id, err));
	CP_TRY(cp_judged_each(a->store, &case_id, rater, pass, on_judged, &q, err));
	if (q.n > 0)
		return CP_OK;
	return cp_fail(err, CP_ENOTFOUND, "%s: %s has judged it%s", q.case_id, rater != NULL ? "no rater of that name" : "nobody",
			pass > 0 ? " in that pass" : "");
}
