/* One case in full: its life, each answer as it was given and changed, conflicts, who could have known what. */
#include <string.h>

#include "cli/report.h"
#include "formats/words.h"

#define AROUND 4 /* words around a difference */

/* ---- the case ----------------------------------------------------------------------------------------- */

static void say_fact(struct cp_report *r, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	cp_paper_fact(&r->paper, name);
	cp_paper_say(&r->paper, "%s", value);
	cp_paper_close(&r->paper);
}

/* What somebody wrote into a case, in its own direction. */
static void say_shown(struct cp_report *r, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	cp_paper_fact(&r->paper, name);
	cp_paper_said(&r->paper, value);
	cp_paper_close(&r->paper);
}

static void say_results(struct cp_report *r, const struct cp_case_view *v)
{
	static const char *const columns[] = { "rank", "result", "id", "title", "address" };

	if (v->n_results == 0)
		return;
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < v->n_results; i++) {
		cp_report_number(r, v->results[i].rank ? v->results[i].rank : (int64_t)i + 1);
		cp_report_cell(r, v->results[i].name);
		cp_report_cell(r, v->results[i].id);
		cp_paper_cell(&r->paper);
		if (v->results[i].title[0])
			cp_paper_said(&r->paper, v->results[i].title);
		cp_report_cell(r, v->results[i].url);
	}
	cp_paper_table_end(&r->paper);
}

static void say_content(struct cp_report *r, const struct cp_case_view *v)
{
	if (!r->shows_content)
		return;
	if (!v->has_content) {
		cp_paper_para(&r->paper);
		cp_paper_say(&r->paper, "What it shows is not here: it was erased, or has not come.");
		cp_paper_close(&r->paper);
		return;
	}
	say_shown(r, "Id", v->id);
	say_shown(r, "Query", v->query);
	say_shown(r, "Need", v->need);
	say_results(r, v);
}

static enum cp_code say_case(struct cp_report *r, const struct cp_id *id, struct cp_err *err)
{
	char hex[CP_HASH_HEX], anchor[CP_ID_HEX + 8];
	struct cp_case_view v;

	CP_TRY(cp_case_load(r->s, id, &v, err));
	snprintf(anchor, sizeof anchor, "case-%s", cp_hex(hex, id->bytes, sizeof id->bytes));
	cp_paper_heading(&r->paper, 2, anchor, "Case %s", v.name);
	say_fact(r, "Key", hex);
	say_fact(r, "Kind", v.kind);
	say_fact(r, "Locale", v.locale);
	say_fact(r, "Segment", v.segment);
	say_fact(r, "State", v.state);
	say_shown(r, "Forgotten", v.reason);
	say_fact(r, "Content", cp_hex(hex, v.content.bytes, sizeof v.content.bytes));
	say_content(r, &v);
	cp_case_view_drop(&v);
	return CP_OK;
}

/* ---- its life ------------------------------------------------------------------------------------------- */

/* That a final answer comes from gold is the leads' own, too. */
static void say_detail(struct cp_report *r, const struct cp_event *e)
{
	size_t len = strlen(e->detail), cut = strlen(", gold");
	bool is_gold = strcmp(e->what, "adjudicated") == 0 && len > cut && strcmp(e->detail + len - cut, ", gold") == 0;

	cp_paper_cell(&r->paper);
	cp_paper_say(&r->paper, "%.*s", (int)(is_gold ? len - cut : len), e->detail);
	if (*e->reason == '\0')
		return;
	cp_paper_say(&r->paper, *e->detail ? "; why: " : "why: ");
	cp_paper_said(&r->paper, e->reason);
}

static void say_signature(struct cp_report *r, const struct cp_event *e)
{
	cp_paper_cell(&r->paper);
	if (strcmp(e->signature, "bad") == 0)
		cp_paper_strong(&r->paper, "BAD");
	else
		cp_paper_say(&r->paper, "%s", e->signature);
	cp_paper_say(&r->paper, *e->device_state ? ", device %s%s" : "", e->device_state, strcmp(e->device_state, "revoked") == 0 ? " since" : "");
}

static enum cp_code say_event(void *user, const struct cp_event *e, struct cp_err *err)
{
	struct cp_report *r = user;

	if (strcmp(e->what, "gold") == 0)
		return CP_OK; /* the leads' own */
	cp_report_time_cell(r, e->claimed_us);
	cp_paper_say(&r->paper, e->is_far ? ", FAR AHEAD" : "");
	cp_report_time_cell(r, e->received_us);
	cp_report_cell(r, e->who);
	if (*e->device) {
		cp_paper_say(&r->paper, " ");
		cp_report_short(r, e->device);
	}
	cp_report_cell(r, e->what);
	if (*e->whom && strcmp(e->whom, e->who) != 0 && strncmp(e->detail, "to ", 3) != 0 && strncmp(e->detail, "for ", 4) != 0)
		cp_paper_say(&r->paper, " (%s)", e->whom);
	say_detail(r, e);
	cp_report_cell(r, e->guideline);
	cp_paper_say(&r->paper, *e->guideline ? " %lld" : "", (long long)e->revision);
	cp_paper_cell(&r->paper);
	if (*e->commit || strcmp(e->signature, "unsealed") == 0)
		CP_TRY(cp_report_commit(r, e->commit, err));
	say_signature(r, e);
	return CP_OK;
}

static enum cp_code say_life(struct cp_report *r, const struct cp_id *id, struct cp_err *err)
{
	static const char *const columns[] = { "claimed", "received", "who, device", "what", "from, to, why", "guideline", "change commit", "signature" };
	static const struct cp_story_filter all = { .person = NULL };

	cp_paper_heading(&r->paper, 3, NULL, "What happened");
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	CP_TRY(cp_log_case(r->s, id, &all, say_event, r, err));
	cp_paper_table_end(&r->paper);
	return CP_OK;
}

/* ---- answers ------------------------------------------------------------------------------------------------ */

static void say_replaced(struct cp_report *r, const struct cp_audit_edit *e)
{
	char hex[CP_REV_HEX];

	cp_paper_say(&r->paper, e->n_replaced == 0 ? ". It replaced nothing: its author's database held no answer yet" : ". It replaced ");
	for (size_t i = 0; i < e->n_replaced; i++) {
		cp_paper_say(&r->paper, i > 0 ? ", " : "edit ");
		cp_report_short(r, cp_hex(hex, e->replaced[i].bytes, sizeof e->replaced[i]));
	}
	cp_paper_say(&r->paper, e->stands ? "." : ". It does not stand now.");
}

static enum cp_code say_edit(struct cp_report *r, const struct cp_audit_edit *e, struct cp_err *err)
{
	struct cp_paper *p = &r->paper;
	char hex[CP_REV_HEX];

	cp_paper_para(p);
	cp_paper_say(p, "Edit ");
	cp_report_short(r, cp_hex(hex, e->rev.bytes, sizeof e->rev));
	cp_paper_say(p, " by %s on device ", e->who);
	cp_report_short(r, e->device);
	cp_paper_say(p, ", claimed ");
	cp_report_time(r, e->claimed_us);
	if (e->received_us) {
		cp_paper_say(p, ", received ");
		cp_report_time(r, e->received_us);
	}
	cp_paper_say(p, ", in ");
	CP_TRY(cp_report_commit(r, e->commit, err));
	if (cp_id_is_set(&e->revision)) {
		cp_paper_say(p, ", under ");
		CP_TRY(cp_report_made_under(r, false, &e->revision, err));
	}
	if (cp_id_is_set(&e->form_version)) {
		cp_paper_say(p, ", form ");
		CP_TRY(cp_report_made_under(r, true, &e->form_version, err));
	}
	say_replaced(r, e);
	cp_paper_close(p);
	return CP_OK;
}

static void say_value(struct cp_report *r, const struct cp_audit_cell *c, const char *value)
{
	cp_paper_cell(&r->paper);
	if (value == NULL)
		cp_paper_say(&r->paper, "nothing");
	else if (strcmp(c->name, "state") == 0)
		cp_paper_say(&r->paper, "%s", value);
	else
		cp_report_value(r, value);
}

static enum cp_code say_word_difference(struct cp_report *r, const struct cp_audit_cell *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf diff = CP_BUF(CP_TEXT_MAX);

	if (c->was == NULL || c->now == NULL || (strchr(c->was, ' ') == NULL && strchr(c->now, ' ') == NULL))
		return CP_OK;
	CP_TRY(cp_words_diff(&diff, c->was, c->now, AROUND, err));
	if (diff.len == 0)
		return CP_OK;
	cp_paper_para(&r->paper);
	cp_paper_say(&r->paper, "Words of %s that went [-so-] and came {+so+}: ", c->name);
	cp_paper_said(&r->paper, diff.data);
	cp_paper_close(&r->paper);
	return CP_OK;
}

static enum cp_code say_cells(struct cp_report *r, const struct cp_audit_edit *e, struct cp_err *err)
{
	static const char *const columns[] = { "answer", "before", "after" };

	if (e->n_cells == 0)
		return CP_OK;
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < e->n_cells; i++) {
		cp_report_cell(r, e->cells[i].name);
		say_value(r, &e->cells[i], e->cells[i].was);
		say_value(r, &e->cells[i], e->cells[i].now);
	}
	cp_paper_table_end(&r->paper);
	for (size_t i = 0; i < e->n_cells; i++)
		CP_TRY(say_word_difference(r, &e->cells[i], err));
	return CP_OK;
}

static enum cp_code say_judgment(struct cp_report *r, const struct cp_audit_judgment *j, struct cp_err *err)
{
	cp_paper_heading(&r->paper, 4, NULL, j->pass > 1 ? "By %s, pass %lld" : "By %s", j->person, (long long)j->pass);
	for (size_t i = 0; i < j->n; i++) {
		CP_TRY(say_edit(r, &j->edits[i], err));
		CP_TRY(say_cells(r, &j->edits[i], err));
	}
	return CP_OK;
}

static enum cp_code say_answers(struct cp_report *r, const struct cp_audit_judgments *j, struct cp_err *err)
{
	cp_paper_heading(&r->paper, 3, NULL, "Answers, as they were given and changed");
	if (j->n == 0) {
		cp_paper_para(&r->paper);
		cp_paper_say(&r->paper, "Nobody has judged it.");
		cp_paper_close(&r->paper);
	}
	for (size_t i = 0; i < j->n; i++)
		CP_TRY(say_judgment(r, &j->list[i], err));
	return CP_OK;
}

enum cp_code cp_report_one(struct cp_report *r, const struct cp_id *case_id, struct cp_err *err)
{
	struct cp_audit_judgments j;
	enum cp_code code;

	CP_TRY(say_case(r, case_id, err));
	CP_TRY(say_life(r, case_id, err));
	CP_TRY(cp_audit_judgments_load(r->s, case_id, &j, err));
	code = say_answers(r, &j, err);
	if (code == CP_OK)
		code = cp_report_conflicts(r, case_id, err);
	if (code == CP_OK)
		code = cp_report_known(r, &j, err);
	cp_audit_judgments_drop(&j);
	r->full++;
	return code;
}
