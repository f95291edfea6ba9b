#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "formats/text.h"
#include "sync/compare.h"

#define DIFF_MAX ((size_t)1 << 30)

/* ---- counting ------------------------------------------------------------------------------ */

struct tally { int64_t added, changed, gone; };

/* What is counted: documents of each kind, and of judgments their answers too. A document's cells come one behind another,
 * but for what makes a judgment stale, which stands among its own. */
struct counts {
	struct tally of[CP_DIFF_KINDS], answers;
	struct cp_buf last;          /* the document that is being told */
	enum cp_differing kind;
	bool is_open, is_new, is_gone;
};

static void count(struct tally *t, bool is_new, bool is_gone)
{
	*(is_new ? &t->added : is_gone ? &t->gone : &t->changed) += 1;
}

static void end_document(struct counts *c)
{
	if (c->is_open)
		count(&c->of[c->kind], c->is_new, c->is_gone);
	c->is_open = false;
}

/* These have several cells, of which one, the state, is there as long as they are. */
static bool has_cells(enum cp_differing kind)
{
	return kind == CP_DIFF_JUDGMENT || kind == CP_DIFF_ASSIGNMENT || kind == CP_DIFF_CASE || kind == CP_DIFF_DEVICE ||
		kind == CP_DIFF_PROJECT;
}

static enum cp_code add_to_counts(struct counts *c, const struct cp_difference *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(CP_TEXT_MAX);

	if (d->kind == CP_DIFF_JUDGMENT && d->is_answer)
		count(&c->answers, d->was == NULL, d->now == NULL);
	if (!has_cells(d->kind)) {
		count(&c->of[d->kind], d->was == NULL, d->now == NULL);
		return CP_OK;
	}
	CP_TRY(cp_buf_printf(&key, err, "%d\t%s\t%s\t%lld\t%s", (int)d->kind, d->case_id, d->who, (long long)d->pass, d->subject));
	if (!c->is_open || strcmp(key.data, c->last.data) != 0) {
		end_document(c);
		cp_buf_clear(&c->last);
		CP_TRY(cp_buf_puts(&c->last, key.data, err));
		c->kind = d->kind;
		c->is_open = true;
		c->is_new = c->is_gone = false;
	}
	c->is_new = c->is_new || (strcmp(d->name, "state") == 0 && d->was == NULL);
	c->is_gone = c->is_gone || (strcmp(d->name, "state") == 0 && d->now == NULL);
	return CP_OK;
}

/* ---- in words -------------------------------------------------------------------------------- */

static enum cp_code add_where(struct cp_buf *out, const struct cp_difference *d, struct cp_err *err)
{
	const char *const parts[] = { d->case_id, d->who };
	const char *comma = "";

	CP_TRY(cp_buf_printf(out, err, "%s ", cp_differing_name(d->kind)));
	for (size_t i = 0; i < 2; i++)
		if (*parts[i] != '\0') {
			CP_TRY(cp_buf_printf(out, err, "%s%s", comma, parts[i]));
			comma = ", ";
		}
	if (d->pass > 1)
		CP_TRY(cp_buf_printf(out, err, ", pass %lld", (long long)d->pass));
	return *d->subject != '\0' ? cp_buf_printf(out, err, "%s%s", comma, d->subject) : CP_OK;
}

static enum cp_code add_side(struct cp_buf *out, const char *value, struct cp_err *err)
{
	return cp_buf_puts(out, value == NULL ? "none" : *value == '\0' ? "nothing" : value, err);
}

static enum cp_code print_cell(const struct cp_difference *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(DIFF_MAX);

	CP_TRY(add_where(&line, d, err));
	if (*d->name != '\0')
		CP_TRY(cp_buf_printf(&line, err, ": %s%s%s", d->name, *d->result ? "@" : "", d->result));
	CP_TRY(cp_buf_puts(&line, d->was == NULL ? " = " : ": ", err));
	if (d->was != NULL) {
		CP_TRY(add_side(&line, d->was, err));
		CP_TRY(cp_buf_puts(&line, " -> ", err));
	}
	CP_TRY(add_side(&line, d->now, err));
	if (*d->reason != '\0')
		CP_TRY(cp_buf_printf(&line, err, "  (%s)", d->reason));
	return cp_line(err, "%s", line.data);
}

static enum cp_code make_diff(const struct cp_difference *d, struct cp_buf *out, struct cp_err *err)
{
	const char *a = d->was != NULL ? d->was : "", *b = d->now != NULL ? d->now : "";

	return cp_text_diff(out, a, strlen(a), b, strlen(b), 3, err);
}

static enum cp_code print_text(const struct cp_difference *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf diff = CP_BUF(DIFF_MAX), words = CP_BUF(DIFF_MAX);

	CP_TRY(make_diff(d, &diff, err));
	CP_TRY(cp_buf_printf(&words, err, "%s %s%s\n", cp_differing_name(d->kind), d->subject, d->was == NULL ? " is new" : ""));
	CP_TRY(cp_buf_add(&words, diff.data != NULL ? diff.data : "", diff.len, err));
	return cp_text_print(words.data, words.len, err);
}

/* ---- for scripts -------------------------------------------------------------------------------- */

static enum cp_code print_json(const struct cp_difference *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf diff = CP_BUF(DIFF_MAX);
	json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "what", cp_differing_name(d->kind),
			"case", cp_json_text(d->case_id), "who", cp_json_text(d->who), "pass", (json_int_t)d->pass,
			"subject", cp_json_text(d->subject), "name", cp_json_text(d->name), "result", cp_json_text(d->result),
			"reason", cp_json_text(d->reason));

	if (d->is_text) {
		enum cp_code code = make_diff(d, &diff, err);

		if (code != CP_OK) {
			json_decref(o);
			return code;
		}
		json_object_set_new(o, "diff", cp_json_text(diff.data != NULL ? diff.data : ""));
		json_object_set_new(o, "is_new", json_boolean(d->was == NULL));
		return cp_json_line(o, err);
	}
	json_object_set_new(o, "was", cp_json_text(d->was));
	json_object_set_new(o, "now", cp_json_text(d->now));
	return cp_json_line(o, err);
}

/* ---- the summary --------------------------------------------------------------------------------- */

static json_t *tally_json(const struct tally *t)
{
	return json_pack("{s:I, s:I, s:I}", "new", (json_int_t)t->added, "changed", (json_int_t)t->changed, "gone", (json_int_t)t->gone);
}

static enum cp_code summary_json(const struct counts *c, const struct cp_point *a, const struct cp_point *b, struct cp_err *err)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:o}", "what", "summary", "from", a->oid.hex, "to", b->oid.hex,
			"answer", tally_json(&c->answers));

	for (int k = 0; k < CP_DIFF_KINDS; k++)
		json_object_set_new(o, cp_differing_name((enum cp_differing)k), tally_json(&c->of[k]));
	return cp_json_line(o, err);
}

static enum cp_code summary_row(struct cp_out *out, const char *what, const struct tally *t, struct cp_err *err)
{
	if (t->added + t->changed + t->gone == 0)
		return CP_OK;
	CP_TRY(cp_out_text(out, what, err));
	CP_TRY(cp_out_int(out, t->added, err));
	CP_TRY(cp_out_int(out, t->changed, err));
	return cp_out_int(out, t->gone, err);
}

static enum cp_code summary_rows(struct cp_out *out, const struct counts *c, struct cp_err *err)
{
	for (int k = 0; k < CP_DIFF_KINDS; k++) {
		CP_TRY(summary_row(out, cp_differing_name((enum cp_differing)k), &c->of[k], err));
		if (k == CP_DIFF_JUDGMENT)
			CP_TRY(summary_row(out, "answer", &c->answers, err));
	}
	return CP_OK;
}

static enum cp_code print_summary(const struct cp_args *a, const struct counts *c, const struct cp_point *from,
		const struct cp_point *to, struct cp_err *err)
{
	static const char *const columns[] = { "what", "new", "changed", "gone" };
	struct cp_out *out;
	char then[32], now[32];

	if (a->json)
		return summary_json(c, from, to, err);
	CP_TRY(cp_out_begin(&out, false, columns, sizeof columns / sizeof *columns, err));
	CP_TRY(cp_out_close(out, summary_rows(out, c, err), err));
	cp_say("from %.12s of main, received %s, to %.12s, received %s", from->oid.hex, cp_time_text(then, from->at_us), to->oid.hex,
			cp_time_text(now, to->at_us));
	return CP_OK;
}

/* ---- the command ---------------------------------------------------------------------------------- */

struct diffing { const struct cp_args *a; bool is_brief; int64_t told; struct counts counts; };

/* Verdicts are counted only: who sent what is what `log` tells. */
static enum cp_code on_difference(void *user, const struct cp_difference *d, struct cp_err *err)
{
	struct diffing *x = user;

	CP_TRY(add_to_counts(&x->counts, d, err));
	if (x->is_brief)
		return CP_OK;
	if (x->a->json)
		return print_json(d, err);
	if (d->kind == CP_DIFF_VERDICT)
		return CP_OK;
	x->told++;
	return d->is_text ? print_text(d, err) : print_cell(d, err);
}

static enum cp_code compare(struct cp_args *a, struct diffing *x, struct cp_err *err)
{
	struct cp_point from, to;

	CP_TRY(cp_point_find(a->store, a->words[0], &from, err));
	CP_TRY(cp_point_find(a->store, a->n > 1 ? a->words[1] : "now", &to, err));
	CP_TRY(cp_compare(a->store, &from, &to, !x->is_brief, on_difference, x, err));
	end_document(&x->counts);
	if (x->told > 0)
		CP_TRY(cp_line(err, "%s", ""));
	return print_summary(a, &x->counts, &from, &to, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	struct diffing x = { .a = a, .is_brief = cp_arg_given(a, "--stat"), .counts.last = CP_BUF(CP_TEXT_MAX) };
	enum cp_code code = cp_args_want(a, 1, 2, err);

	if (code == CP_OK)
		code = compare(a, &x, err);
	cp_buf_drop(&x.counts.last);
	return code;
}

static const struct cp_option options[] = {
	{ "--stat", NULL, "only how many of what" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack diff 2026-03-01", "what has changed since the end of that day" },
	{ "casepack diff 3f9c2e1~ 3f9c2e1", "what that commit of main, or that change commit, changed" },
	{ "casepack diff 2026-02-01 2026-03-01 --stat", "how much February brought" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_diff = {
	.name = "diff",
	.usage = "A [B] [--stat]",
	.summary = "what differs between two points of history",
	.about = "Compares the project as the hub's main had it at A with B, or with now: judgments and their answers, "
		"final answers, assignments, cases, conflicts, settlements, judgments that are stale, people and devices, "
		"cell by cell; guidelines and forms line by line. How many of what is said at the end, change commits that were taken in among "
		"them (verdict). Only pages that differ are read.\n\n"
		"A point of history is one of\n\n"
		"  3f9c2e1      a commit of main, by 4 or more digits of its name\n"
		"  8a51d07      a change commit: the commit of main that took it in\n"
		"  2026-03-01   a day: its end, UTC\n"
		"  2026-03-01T14:05:09Z   a time, also with another zone; without seconds the end of that minute\n"
		"  now          main as it is\n"
		"  POINT~N      N commits before it\n\n"
		"A day or time means the last commit of main that the hub received until then, by its own clock. `show --at` and "
		"`export --at` take the same. What is private, and what was not sealed yet, is on no commit of main.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
