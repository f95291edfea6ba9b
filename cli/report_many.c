/* A rater, a period or the whole project: counts, decisions, refusals, then the disputed cases in full and the rest as a table. */
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/shown.h"
#include "sync/quarantine.h"
#include "sync/roster.h"
#include "sync/texts.h"

/* Rows of one table: those past the limit are counted, and told. */
struct rows { struct cp_report *r; int64_t n; };

static bool has_room(struct rows *t)
{
	return ++t->n <= t->r->max_rows || t->r->max_rows == 0;
}

static void say_rest(const struct rows *t, const char *how)
{
	if (t->r->max_rows == 0 || t->n <= t->r->max_rows)
		return;
	cp_paper_note(&t->r->paper);
	cp_paper_say(&t->r->paper, "%lld more are left out here; %s, or this report with --rows 0.", (long long)(t->n - t->r->max_rows), how);
	cp_paper_close(&t->r->paper);
}

static bool is_within(const struct cp_report *r, int64_t us)
{
	return us >= r->filter.since_us && us < r->filter.until_us;
}

/* ---- people ------------------------------------------------------------------------------------------- */

static enum cp_code on_person(void *user, const struct cp_audit_person *p, struct cp_err *err)
{
	struct rows *t = user;

	(void)err;
	if (!has_room(t))
		return CP_OK;
	cp_report_cell(t->r, p->pseudonym);
	cp_report_cell(t->r, p->role);
	cp_report_cell(t->r, p->state);
	cp_report_number(t->r, p->devices);
	cp_report_number(t->r, p->revoked);
	cp_report_number(t->r, p->commits);
	cp_report_number(t->r, p->refused);
	cp_report_number(t->r, p->judgments);
	cp_report_number(t->r, p->changed);
	cp_report_number(t->r, p->decisions);
	return CP_OK;
}

static enum cp_code say_people(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "person", "role", "state", "devices", "of these revoked", "change commits", "refused", "judgments",
		"changed after submission", "decisions" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "people", r->rater ? "Counts" : "People");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_audit_person_each(r->s, &r->filter, on_person, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "casepack person list has all");
	return CP_OK;
}

static enum cp_code on_device(void *user, const struct cp_device_row *d, struct cp_err *err)
{
	struct rows *t = user;
	CP_AUTO(buf) struct cp_buf print = CP_BUF(256);
	char hex[CP_ID_HEX];

	if (!has_room(t))
		return CP_OK;
	CP_TRY(cp_pubkey_fingerprint(&print, &d->key, err));
	cp_report_cell(t->r, d->pseudonym);
	cp_paper_cell(&t->r->paper);
	cp_paper_code(&t->r->paper, cp_hex(hex, d->id.bytes, sizeof d->id.bytes));
	cp_report_cell(t->r, d->state);
	cp_paper_say(&t->r->paper, d->is_hub ? ", a hub" : "");
	cp_paper_cell(&t->r->paper);
	cp_paper_code(&t->r->paper, print.data);
	cp_paper_cell(&t->r->paper);
	if (cp_id_is_set(&d->goes_on_for))
		cp_report_short(t->r, cp_hex(hex, d->goes_on_for.bytes, sizeof d->goes_on_for.bytes));
	cp_report_number(t->r, d->commits);
	return CP_OK;
}

static enum cp_code say_devices(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "person", "device", "state", "key", "goes on for", "change commits" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "devices", "Devices");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_device_each(r->s, r->rater, on_device, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "casepack person devices has all");
	return CP_OK;
}

/* ---- a rater's work ----------------------------------------------------------------------------------------- */

static void say_marks(struct cp_report *r, const struct cp_audit_work *w)
{
	const struct { bool is_set; const char *words; } marks[] = { { w->is_changed, "changed after submission" }, { w->in_conflict, "in conflict" },
		{ w->is_settled, "conflict settled" }, { w->is_stale, "stale" }, { w->is_late, "late" }, { w->is_revoked, "from a device revoked since" } };
	const char *between = "";

	cp_paper_cell(&r->paper);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (marks[i].is_set) {
			cp_paper_say(&r->paper, "%s%s", between, marks[i].words);
			between = ", ";
		}
}

static enum cp_code on_work(void *user, const struct cp_audit_work *w, struct cp_err *err)
{
	struct rows *t = user;
	struct cp_report *r = t->r;

	if (!has_room(t))
		return CP_OK;
	cp_report_cell(r, w->case_name);
	cp_paper_say(&r->paper, w->pass > 1 ? ", pass %lld" : "", (long long)w->pass);
	cp_report_time_cell(r, w->claimed_us);
	cp_report_time_cell(r, w->received_us);
	cp_report_cell(r, w->state);
	cp_report_cell(r, w->guideline);
	cp_paper_say(&r->paper, w->guideline_number ? " %lld" : "", (long long)w->guideline_number);
	cp_report_cell(r, w->form);
	cp_paper_say(&r->paper, w->form_number ? " %lld" : "", (long long)w->form_number);
	cp_report_number(r, w->edits);
	say_marks(r, w);
	cp_paper_cell(&r->paper);
	return cp_report_commit(r, w->commit, err);
}

static enum cp_code say_work(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "case", "claimed", "received", "state", "guideline", "form", "edits", "marks", "last change commit" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "work", "Work, in the order in which it was judged");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_audit_work_each(r->s, &r->filter, on_work, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "casepack export has each answer");
	return CP_OK;
}

/* ---- leads' decisions, revisions, refusals --------------------------------------------------------------------- */

static enum cp_code on_decision(void *user, const struct cp_audit_decision *d, struct cp_err *err)
{
	struct rows *t = user;

	(void)err;
	if (!has_room(t))
		return CP_OK;
	cp_report_time_cell(t->r, d->at_us);
	cp_report_cell(t->r, d->who);
	cp_report_cell(t->r, d->what);
	cp_report_cell(t->r, d->about);
	cp_report_cell(t->r, d->decision);
	cp_paper_cell(&t->r->paper);
	if (*d->reason)
		cp_paper_said(&t->r->paper, d->reason);
	return CP_OK;
}

static enum cp_code say_decisions(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "claimed", "who", "what", "about", "decision", "reason" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "decisions", "What leads decided");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_audit_decision_each(r->s, r->filter.since_us, r->filter.until_us, on_decision, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "main has them in settlements/, adjudications/ and trust/");
	return CP_OK;
}

static enum cp_code on_revision(void *user, const struct cp_text_row *v, struct cp_err *err)
{
	struct rows *t = user;

	(void)err;
	if (!is_within(t->r, v->at_us) || !has_room(t))
		return CP_OK;
	cp_report_time_cell(t->r, v->at_us);
	cp_report_cell(t->r, v->author);
	cp_report_cell(t->r, v->name);
	cp_report_number(t->r, v->number);
	cp_report_cell(t->r, v->revision);
	cp_paper_cell(&t->r->paper);
	if (*v->note)
		cp_paper_said(&t->r->paper, v->note);
	cp_report_cell(t->r, v->is_current ? "stands" : v->is_unmerged ? "one of several heads" : "");
	return CP_OK;
}

struct names { char (*list)[64]; size_t n; };

static enum cp_code keep_name(void *user, const struct cp_text_row *v, struct cp_err *err)
{
	struct names *t = user;
	void *more = reallocarray(t->list, t->n + 1, sizeof *t->list);

	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	t->list = more;
	snprintf(t->list[t->n++], sizeof *t->list, "%s", v->name);
	return CP_OK;
}

static enum cp_code each_revision(struct cp_report *r, bool is_form, struct rows *t, struct cp_err *err)
{
	struct names names = { NULL, 0 };
	enum cp_code code = cp_text_each(r->s, is_form, NULL, keep_name, &names, err);

	for (size_t i = 0; code == CP_OK && i < names.n; i++)
		code = cp_text_each(r->s, is_form, names.list[i], on_revision, t, err);
	free(names.list);
	return code;
}

static enum cp_code say_revisions(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "claimed", "who", "guideline or form", "number", "kind", "note", "now" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "revisions", "Revisions of guidelines and forms");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(each_revision(r, false, &t, err));
	CP_TRY(each_revision(r, true, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "casepack guideline log NAME has them");
	return CP_OK;
}

static enum cp_code on_refused(void *user, const struct cp_quarantined *q, struct cp_err *err)
{
	struct rows *t = user;
	struct cp_report *r = t->r;

	(void)err;
	if ((r->rater != NULL && strcmp(q->pseudonym, r->rater) != 0) || !is_within(r, q->since_us) || !has_room(t))
		return CP_OK;
	cp_report_time_cell(r, q->since_us);
	cp_report_cell(r, q->pseudonym);
	cp_paper_say(&r->paper, " ");
	cp_report_short(r, q->device);
	cp_report_cell(r, q->kind);
	cp_paper_cell(&r->paper);
	cp_paper_code(&r->paper, q->oid);
	cp_report_number(r, q->edits);
	cp_report_cell(r, q->reason);
	cp_report_cell(r, q->decision);
	if (*q->decision_reason) {
		cp_paper_say(&r->paper, ": ");
		cp_paper_said(&r->paper, q->decision_reason);
	}
	return CP_OK;
}

static enum cp_code say_refused(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "received", "who, device", "what", "change commit", "edits", "reason", "decision" };
	struct rows t = { r, 0 };

	cp_paper_heading(&r->paper, 2, "refused", "Refused, waiting, or to be reviewed");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_quarantine_each(r->s, true, on_refused, &t, err));
	cp_paper_table_end(&r->paper);
	say_rest(&t, "casepack quarantine --all lists them");
	return CP_OK;
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

struct found { struct cp_audit_case c; size_t place; bool is_full; };
struct cases { struct found *list; size_t n, room; };

static enum cp_code keep_case(void *user, const struct cp_audit_case *c, struct cp_err *err)
{
	struct cases *t = user;
	size_t room = t->room ? 2 * t->room : 256;
	struct found *more;

	if (t->n == t->room) {
		more = reallocarray(t->list, room, sizeof *more);
		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		t->list = more;
		t->room = room;
	}
	t->list[t->n] = (struct found){ *c, t->n, false };
	t->n++;
	return CP_OK;
}

static int64_t gravity(const struct cp_audit_case *c)
{
	return c->open * 1000 + c->conflicts * 100 + c->finals * 10 + c->changed;
}

/* What waits for a person first, then conflicts, final answers, changes; of equal ones by name. */
static int by_gravity(const void *a, const void *b)
{
	const struct found *const *x = a, *const *y = b;
	int64_t p = gravity(&(*x)->c), q = gravity(&(*y)->c);

	return p != q ? (p < q ? 1 : -1) : ((*x)->place > (*y)->place) - ((*x)->place < (*y)->place);
}

static enum cp_code choose(struct cp_report *r, struct cases *t, struct cp_err *err)
{
	struct found **list = calloc(t->n + 1, sizeof *list);
	size_t n = 0;

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < t->n; i++)
		if (cp_audit_is_disputed(&t->list[i].c))
			list[n++] = &t->list[i];
	qsort(list, n, sizeof *list, by_gravity);
	r->disputed = n;
	for (size_t i = 0; i < n && (r->max_full == 0 || (int64_t)i < r->max_full); i++)
		list[i]->is_full = true;
	r->left_out = r->max_full > 0 && n > (size_t)r->max_full ? n - (size_t)r->max_full : 0;
	free(list);
	return CP_OK;
}

static void say_name(struct cp_report *r, const struct found *f)
{
	char hex[CP_ID_HEX], anchor[CP_ID_HEX + 8];

	cp_paper_cell(&r->paper);
	snprintf(anchor, sizeof anchor, "case-%s", cp_hex(hex, f->c.id.bytes, sizeof f->c.id.bytes));
	if (f->is_full)
		cp_paper_link(&r->paper, anchor, f->c.name);
	else
		cp_paper_say(&r->paper, "%s", f->c.name);
}

static void say_case_row(struct cp_report *r, const struct found *f)
{
	const int64_t counts[] = { f->c.judgments, f->c.changed, f->c.conflicts, f->c.open, f->c.finals, f->c.stale, f->c.late, f->c.revoked };

	say_name(r, f);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		cp_report_number(r, counts[i]);
	cp_report_time_cell(r, f->c.last_us);
	cp_report_cell(r, f->is_full ? "below" : cp_audit_is_disputed(&f->c) ? "disputed, left out" : "no dispute");
	r->listed++;
}

/* Disputed cases first: those of the table that are left out have no dispute, as long as there are any. */
static void say_table(struct cp_report *r, const struct cases *t)
{
	static const char *const columns[] = { "case", "judgments", "changed after submission", "conflicts", "open", "final answers", "stale", "late",
		"edits of revoked devices", "last received", "told" };
	struct rows rows = { r, 0 };

	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	for (int disputed = 1; disputed >= 0; disputed--)
		for (size_t i = 0; i < t->n; i++)
			if (cp_audit_is_disputed(&t->list[i].c) == (disputed == 1) && has_room(&rows))
				say_case_row(r, &t->list[i]);
	cp_paper_table_end(&r->paper);
	say_rest(&rows, "casepack report audit CASE -o FILE tells one whole");
}

static void say_totals(struct cp_report *r, const struct cases *t)
{
	struct cp_audit_case sum = { .judgments = 0 };
	struct cp_paper *p = &r->paper;
	char n[CP_COUNT];

	for (size_t i = 0; i < t->n; i++) {
		sum.judgments += t->list[i].c.judgments;
		sum.changed += t->list[i].c.changed;
		sum.conflicts += t->list[i].c.conflicts;
		sum.open += t->list[i].c.open;
		sum.finals += t->list[i].c.finals;
		sum.stale += t->list[i].c.stale;
		sum.late += t->list[i].c.late;
	}
	cp_paper_para(p);
	cp_paper_say(p, "%s, ", cp_count(n, (int64_t)t->n, "case", "cases"));
	cp_paper_say(p, "%s; %lld changed after submission, ", cp_count(n, sum.judgments, "judgment", "judgments"), (long long)sum.changed);
	cp_paper_say(p, "%s, %lld of all questions open, ", cp_count(n, sum.conflicts, "conflict", "conflicts"), (long long)sum.open);
	cp_paper_say(p, "%s, %lld stale and ", cp_count(n, sum.finals, "final answer", "final answers"), (long long)sum.stale);
	cp_paper_say(p, "%s. Disputed, with a conflict, a final answer or a change after submission: ", cp_count(n, sum.late, "late judgment", "late judgments"));
	cp_paper_say(p, "%zu, of which %zu told in full below%s", r->disputed, r->disputed - r->left_out, r->left_out ? ": " : ".");
	if (r->left_out > 0)
		cp_paper_say(p, "what waits for a person first, then conflicts, final answers, changes. The other %zu are told with --full N, or one by one "
				"by casepack report audit CASE -o FILE.", r->left_out);
	cp_paper_close(p);
}

static enum cp_code say_cases(struct cp_report *r, struct cases *t, struct cp_err *err)
{
	CP_TRY(cp_audit_case_each(r->s, &r->filter, keep_case, t, err));
	CP_TRY(choose(r, t, err));
	cp_paper_heading(&r->paper, 2, "cases", "Cases");
	say_totals(r, t);
	if (t->n > 0)
		say_table(r, t);
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].is_full)
			CP_TRY(cp_report_one(r, &t->list[i].c.id, err));
	return CP_OK;
}

enum cp_code cp_report_many(struct cp_report *r, struct cp_err *err)
{
	struct cases t = { NULL, 0, 0 };
	enum cp_code code;

	CP_TRY(say_people(r, err));
	CP_TRY(say_devices(r, err));
	if (r->rater != NULL) {
		CP_TRY(say_work(r, err));
	} else {
		CP_TRY(say_decisions(r, err));
		CP_TRY(say_revisions(r, err));
	}
	CP_TRY(say_refused(r, err));
	if (r->rater == NULL)
		CP_TRY(cp_report_conflicts(r, NULL, err));
	code = say_cases(r, &t, err);
	free(t.list);
	return code;
}
