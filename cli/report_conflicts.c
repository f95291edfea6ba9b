/* Conflicts of one case, or of what is in no case: what each candidate says, what stands, who settled it and why. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "sync/conflict.h"

/* ---- what candidates say ---------------------------------------------------------------------------------- */

/* What a candidate was made under, and times: said elsewhere. */
static bool is_inner(const char *name)
{
	static const char *const names[] = { "assignment_rev", "content", "form_version", "guideline_revision", "weighed", "person", "judgment" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* "grade@" is an answer about the whole page. */
static void say_name(struct cp_report *r, const char *name)
{
	size_t len = strlen(name);

	cp_paper_say(&r->paper, "%.*s", (int)(len > 1 && name[len - 1] == '@' ? len - 1 : len), name);
}

static void say_object(struct cp_report *r, const char *text)
{
	json_t *said = json_loads(text, 0, NULL), *value;
	const char *name;
	bool is_first = true;

	json_object_foreach(said, name, value) {
		if (is_inner(name))
			continue;
		cp_paper_say(&r->paper, "%s", is_first ? "" : "; ");
		say_name(r, name);
		cp_paper_say(&r->paper, " ");
		if (json_is_string(value))
			cp_report_value(r, json_string_value(value));
		else if (json_is_integer(value))
			cp_paper_say(&r->paper, "%lld", (long long)json_integer_value(value));
		else
			cp_paper_say(&r->paper, "nothing");
		is_first = false;
	}
	if (is_first)
		cp_paper_say(&r->paper, "nothing");
	json_decref(said);
}

static enum cp_code say_candidate(struct cp_report *r, const struct cp_candidate *k, struct cp_err *err)
{
	char hex[CP_REV_HEX];

	cp_paper_cell(&r->paper);
	cp_report_short(r, cp_hex(hex, k->rev.bytes, sizeof k->rev));
	cp_paper_say(&r->paper, k->stands ? " stands" : "");
	cp_report_cell(r, k->who);
	cp_paper_say(&r->paper, " ");
	cp_report_short(r, k->device);
	cp_report_time_cell(r, k->clock);
	cp_paper_say(&r->paper, k->is_far ? ", FAR AHEAD of its receipt" : "");
	cp_report_time_cell(r, k->received_us);
	cp_paper_cell(&r->paper);
	CP_TRY(cp_report_commit(r, k->commit, err));
	cp_paper_cell(&r->paper);
	say_object(r, k->value);
	return CP_OK;
}

/* ---- one conflict ------------------------------------------------------------------------------------------- */

static bool is_stale(const struct cp_conflict *c)
{
	return strcmp(c->class, "stale") == 0;
}

static void say_decision(struct cp_report *r, const struct cp_conflict *c)
{
	struct cp_paper *p = &r->paper;

	cp_paper_fact(p, "Decision");
	if (c->is_settled) {
		cp_paper_say(p, "settled by %s, ", c->settled_by);
		cp_report_time(r, c->settled_us);
		cp_paper_say(p, ": ");
		cp_paper_said(p, c->reason);
	} else if (c->is_open && is_stale(c)) {
		cp_paper_strong(p, "open");
		cp_paper_say(p, ": kept, and counted apart until a lead counts it, has the case judged once more, or leaves it out");
	} else if (is_stale(c)) {
		cp_paper_say(p, "decided; who, what and why stands under What happened");
	} else if (strcmp(c->class, "late") == 0) {
		cp_paper_say(p, "none is asked for: kept, and marked as surplus");
	} else if (c->is_open) {
		cp_paper_strong(p, "open");
		cp_paper_say(p, c->has_stand ? ": what stands does so until a lead decides" : ": nothing stands until a lead decides");
	} else {
		cp_paper_say(p, "none was needed");
	}
	cp_paper_close(p);
}

/* A judgment that is stale or late, which nobody contradicts, or the column on which edits disagree. */
static enum cp_code say_what(struct cp_report *r, const struct cp_conflict *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf revision = CP_BUF(CP_TEXT_MAX);

	if (is_stale(c))
		CP_TRY(cp_revision_words(r->s, c->column, &revision, err));
	cp_paper_say(&r->paper, "%s%s%s", c->table, *c->column && !is_stale(c) ? "." : "", is_stale(c) ? "" : c->column);
	cp_paper_say(&r->paper, *c->name ? ", %s" : "", c->name);
	cp_paper_say(&r->paper, *c->person ? ", of %s" : "", c->person);
	cp_paper_say(&r->paper, c->pass > 1 ? ", pass %lld" : "", (long long)c->pass);
	if (is_stale(c))
		cp_paper_say(&r->paper, "; it was not made under %s, which is breaking", revision.data ? revision.data : c->column);
	if (strcmp(c->class, "late") == 0)
		cp_paper_say(&r->paper, "; its assignment was taken back by somebody who did not know of it");
	return CP_OK;
}

static enum cp_code say_where(struct cp_report *r, const struct cp_conflict *c, struct cp_err *err)
{
	struct cp_paper *p = &r->paper;

	cp_paper_fact(p, "About");
	CP_TRY(say_what(r, c, err));
	cp_paper_close(p);
	if (c->n == 0)
		return CP_OK;
	cp_paper_fact(p, "Policy");
	cp_paper_say(p, "%s", *c->policy ? c->policy : "none");
	cp_paper_close(p);
	cp_paper_fact(p, "Grown from");
	if (*c->base)
		say_object(r, c->base);
	else
		cp_paper_say(p, "nothing in common: each was written anew");
	cp_paper_close(p);
	return CP_OK;
}

static void say_knowledge(struct cp_report *r, const struct cp_conflict *c)
{
	if (c->n < 2 || (strcmp(c->class, "fork") != 0 && strcmp(c->class, "hard") != 0))
		return;
	cp_paper_para(&r->paper);
	cp_paper_say(&r->paper, "By their signed changesets none of these edits grew from another one: no database showed another one when it was made.");
	cp_paper_close(&r->paper);
}

static enum cp_code say_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	static const char *const columns[] = { "candidate", "who, device", "claimed", "received", "change commit", "says" };
	struct cp_report *r = user;

	cp_paper_heading(&r->paper, 4, NULL, "Conflict %.8s (%s)", c->id, c->class);
	CP_TRY(say_where(r, c, err));
	say_decision(r, c);
	if (c->n == 0)
		return CP_OK;
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < c->n; i++)
		CP_TRY(say_candidate(r, &c->candidates[i], err));
	cp_paper_table_end(&r->paper);
	say_knowledge(r, c);
	return CP_OK;
}

/* Those of private tables stay with the leads. */
static bool is_private(const struct cp_conflict *c)
{
	static const char *const tables[] = { "names", "secrets", "side_keys", "gold", "metrics" };

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(tables[i], c->table) == 0)
			return true;
	return false;
}

struct listed { struct cp_conflict *list; size_t n; bool has_case; };

/* Taken over, since telling one asks the database, too. */
static enum cp_code keep_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct listed *t = user;
	struct cp_conflict *more;

	if (is_private(c) || c->has_case != t->has_case)
		return CP_OK;
	more = reallocarray(t->list, t->n + 1, sizeof *more);
	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	t->list = more;
	t->list[t->n++] = *c;
	memset(c, 0, sizeof *c);
	return CP_OK;
}

enum cp_code cp_report_conflicts(struct cp_report *r, const struct cp_id *case_id, struct cp_err *err)
{
	const struct cp_conflict_filter f = { .state = CP_CONFLICTS_ALL, .case_id = case_id };
	struct listed t = { .has_case = case_id != NULL };
	enum cp_code code = cp_conflict_each(r->s, &f, keep_conflict, &t, err);

	if (code == CP_OK && t.n > 0)
		cp_paper_heading(&r->paper, 3, NULL, case_id != NULL ? "Conflicts, and how they were settled" : "Conflicts about what is in no case");
	for (size_t i = 0; i < t.n; i++) {
		if (code == CP_OK)
			code = say_conflict(r, &t.list[i], err);
		cp_conflict_drop(&t.list[i]);
	}
	free(t.list);
	return code;
}
