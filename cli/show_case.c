/* `show CASE`: as it stands, or stood. */
#include "cli/show.h"

#include <string.h>

#include "cli/dispute.h"
#include "cli/shown.h"
#include "sync/gold.h"
#include "sync/then.h"

/* A case now, or where then is set as it stood at that point of history. */
struct shown { const struct cp_case_view *view; struct cp_then *then; };

/* ---- a case -------------------------------------------------------------------------------- */

static enum cp_code print_field(const char *label, const char *value, struct cp_err *err)
{
	return value[0] == '\0' ? CP_OK : cp_line(err, "  %-9s %s", label, value);
}

static const char *why_empty(const struct shown *c)
{
	if (c->view->is_forgotten)
		return "  forgotten by a lead: what it showed is erased";
	if (c->then != NULL && c->then->is_forgotten_since)
		return "  forgotten by a lead since: what it showed is erased";
	return c->view->is_expired ? "  its content expired: its judgments are done with, and it is erased here" : "  its content has not come";
}

static enum cp_code print_case(const struct shown *c, struct cp_err *err)
{
	const struct cp_case_view *v = c->view;
	char hex[CP_HASH_HEX];

	CP_TRY(cp_line(err, "%s", v->id));
	if (strcmp(v->id, v->name) != 0)
		CP_TRY(print_field("name", v->name, err));
	CP_TRY(print_field("kind", v->kind, err));
	CP_TRY(print_field("query", v->query, err));
	CP_TRY(print_field("need", v->need, err));
	CP_TRY(print_field("locale", v->locale, err));
	CP_TRY(print_field("market", v->market, err));
	CP_TRY(print_field("segment", v->segment, err));
	CP_TRY(print_field("state", v->state, err));
	CP_TRY(print_field("content", cp_hex(hex, v->content.bytes, sizeof v->content.bytes), err));
	if (v->is_forgotten)
		CP_TRY(print_field("reason", v->reason, err));
	if (!v->has_content)
		return cp_line(err, "%s", why_empty(c));
	for (size_t i = 0; i < v->n_results; i++) {
		const struct cp_result_view *r = &v->results[i];
		CP_TRY(cp_line(err, "%4zu. %s%s%s  [%s]", i + 1, r->side[0] == '\0' ? "" : r->side,
				r->side[0] == '\0' ? "" : ": ", r->title[0] != '\0' ? r->title : r->url, r->id));
		if (r->snippet[0] != '\0')
			CP_TRY(cp_line(err, "      %s", r->snippet));
		if (r->url[0] != '\0' && r->title[0] != '\0')
			CP_TRY(cp_line(err, "      %s", r->url));
	}
	return CP_OK;
}

/* ---- what is open, and what leads decided --------------------------------------------------- */

static enum cp_code print_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct cp_args *a = user;
	struct cp_dispute d;
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	enum cp_code code = CP_OK;

	if (!c->is_open && !c->is_settled)
		return CP_OK;
	a->waits = a->waits || c->is_open;
	code = cp_dispute_init(&d, a->store, c, err);
	if (code == CP_OK)
		code = cp_dispute_where(&d, &text, err);
	if (code == CP_OK)
		code = cp_buf_puts(&text, strcmp(c->class, "stale") == 0 ? ": stale, not made under " : ": ", err);
	if (code == CP_OK)
		code = cp_dispute_differs(a->store, &d, &text, err);
	cp_dispute_drop(&d);
	CP_TRY(code);
	return c->is_open ? cp_line(err, "conflict %.8s open: %s", c->id, text.data)
		: cp_line(err, "conflict %.8s settled by %s: %s: %s", c->id, c->settled_by, text.data, c->reason);
}

static enum cp_code print_conflicts(struct cp_args *a, const struct shown *c, struct cp_err *err)
{
	const struct cp_conflict_filter of_case = { .state = CP_CONFLICTS_ALL, .case_id = &c->view->key };

	return c->then != NULL ? cp_then_conflict_each(c->then, print_conflict, a, err)
		: cp_conflict_each(a->store, &of_case, print_conflict, a, err);
}

static const char *result_id(const struct cp_case_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_results; i++)
		if (strcmp(v->results[i].name, name) == 0)
			return v->results[i].id;
	return name;
}

struct finals { const struct cp_case_view *view; json_t *list; };

static enum cp_code on_final(void *user, const struct cp_final_row *f, struct cp_err *err)
{
	struct finals *t = user;
	const char *result = result_id(t->view, f->result);
	char when[32];

	if (t->list == NULL)
		return cp_line(err, "final answer: %s%s%s = %s  (%s, %s, %s: %s)", f->field, *result ? "@" : "", result, f->value, f->who,
				cp_time_text(when, f->at_us), f->cause, f->reason);
	return json_array_append_new(t->list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "field", cp_json_text(f->field),
			"result", cp_json_text(result), "value", cp_json_text(f->value), "cause", cp_json_text(f->cause),
			"reason", cp_json_text(f->reason), "who", cp_json_text(f->who), "at", cp_json_time(f->at_us))) == 0 ? CP_OK
		: cp_fail(err, CP_EIO, "out of memory");
}

/* ---- what only leads know -------------------------------------------------------------------- */

static enum cp_code on_gold(void *user, const struct cp_gold_row *g, struct cp_err *err)
{
	struct finals *t = user;
	const char *result = result_id(t->view, g->result);

	if (t->list == NULL)
		return cp_line(err, "gold: %s%s%s = %s%s%s", g->field, *result ? "@" : "", result, g->value, *g->reason ? "  " : "", g->reason);
	return json_array_append_new(t->list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "field", cp_json_text(g->field),
			"result", cp_json_text(result), "value", cp_json_text(g->value), "reason", cp_json_text(g->reason),
			"at", cp_json_time(g->at_us))) == 0 ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
}

static enum cp_code on_metric(void *user, const struct cp_metric *m, struct cp_err *err)
{
	struct finals *t = user;
	const char *result = result_id(t->view, m->result);

	if (t->list == NULL)
		return cp_line(err, "metric: %s%s%s = %s", m->name, *result ? " of " : "", result, m->value);
	return json_array_append_new(t->list, json_pack("{s:o, s:o, s:o}", "name", cp_json_text(m->name),
			"result", cp_json_text(result), "value", cp_json_text(m->value))) == 0 ? CP_OK
		: cp_fail(err, CP_EIO, "out of memory");
}

/* Nothing elsewhere than at a lead's hub, and nothing of the past: no commit of main says it. */
static enum cp_code each_private(struct cp_args *a, const struct shown *c, json_t *gold, json_t *metrics, struct cp_err *err)
{
	const struct cp_case_view *v = c->view;

	if (!cp_gold_is_known(a->store) || c->then != NULL)
		return CP_OK;
	CP_TRY(cp_gold_each(a->store, &v->key, on_gold, &(struct finals){ v, gold }, err));
	return cp_metric_each(a->store, &v->key, on_metric, &(struct finals){ v, metrics }, err);
}

/* ---- who judged it how --------------------------------------------------------------------- */

struct judged { struct cp_out *out; json_t *list; int64_t n; };

static enum cp_code each_label(struct cp_args *a, const struct shown *c, cp_label_visit *visit, struct judged *j, struct cp_err *err)
{
	return c->then != NULL ? cp_then_label_each(c->then, visit, j, err) : cp_label_each_of(a->store, &c->view->key, visit, j, err);
}

static enum cp_code each_final(struct cp_args *a, const struct shown *c, json_t *list, struct cp_err *err)
{
	struct finals f = { c->view, list };

	return c->then != NULL ? cp_then_final_each(c->then, on_final, &f, err)
		: cp_final_each(a->store, &c->view->key, on_final, &f, err);
}

static const char *mark(const struct cp_label *l)
{
	if (l->in_conflict)
		return l->is_undecided ? "undecided" : "in conflict";
	return l->is_stale ? "stale" : l->is_late ? "late" : l->state;
}

static void guideline_text(char *out, size_t size, const struct cp_label *l)
{
	snprintf(out, size, l->guideline[0] == '\0' ? "%s" : "%s %lld", l->guideline, (long long)l->guideline_number);
}

static enum cp_code on_row(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct judged *j = user;
	char guideline[128];

	j->n++;
	guideline_text(guideline, sizeof guideline, l);
	CP_TRY(cp_out_text(j->out, l->rater, err));
	CP_TRY(cp_out_int(j->out, l->pass, err));
	CP_TRY(cp_out_text(j->out, l->field, err));
	CP_TRY(cp_out_text(j->out, l->result, err));
	CP_TRY(cp_out_text(j->out, l->value, err));
	CP_TRY(cp_out_text(j->out, mark(l), err));
	CP_TRY(cp_out_text(j->out, guideline, err));
	CP_TRY(cp_out_time(j->out, l->judged_us, err));
	return cp_out_text(j->out, l->note, err);
}

static enum cp_code print_labels(struct cp_args *a, const struct shown *c, struct cp_err *err)
{
	static const char *const columns[] = { "rater", "pass", "field", "result", "value", "state", "guideline",
		"when", "note" };
	struct judged j = { .n = 0 };

	CP_TRY(cp_line(err, "%s", ""));
	CP_TRY(cp_out_begin(&j.out, false, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = each_label(a, c, on_row, &j, err);
	CP_TRY(cp_out_close(j.out, code, err));
	if (j.n == 0)
		cp_say(c->then != NULL ? "nobody had judged it" : "nobody has judged it yet");
	return CP_OK;
}

static enum cp_code on_json(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct judged *j = user;

	json_t *row = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:b, s:b, s:b, s:b}",
			"rater", cp_json_text(l->rater), "pass", (json_int_t)l->pass, "field", cp_json_text(l->field),
			"result", cp_json_text(l->result), "value", cp_json_text(l->value),
			"state", cp_json_text(l->state), "guideline", cp_json_text(l->guideline),
			"guideline_revision", (json_int_t)l->guideline_number, "note", cp_json_text(l->note),
			"judged_at", cp_json_time(l->judged_us), "late", (int)l->is_late, "stale", (int)l->is_stale,
			"in_conflict", (int)l->in_conflict, "undecided", (int)l->is_undecided);
	return json_array_append_new(j->list, row) == 0 ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
}

static json_t *results_json(const struct cp_case_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_results; i++) {
		const struct cp_result_view *r = &v->results[i];
		json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "id", cp_json_text(r->id),
				"name", cp_json_text(r->name), "type", cp_json_text(r->type),
				"title", cp_json_text(r->title), "snippet", cp_json_text(r->snippet),
				"url", cp_json_text(r->url), "side", cp_json_text(r->side), "rank", (json_int_t)r->rank);
		if (json_array_append_new(list, row) != 0)
			break;
	}
	return list;
}

static enum cp_code gather_json(struct cp_args *a, const struct shown *c, json_t *lists[4], struct cp_err *err)
{
	struct judged j = { .list = lists[0] };

	CP_TRY(each_label(a, c, on_json, &j, err));
	CP_TRY(each_final(a, c, lists[1], err));
	return each_private(a, c, lists[2], lists[3], err);
}

static json_t *case_object(const struct shown *c, json_t *const lists[4])
{
	const struct cp_case_view *v = c->view;
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o}",
			"case", cp_json_text(v->id), "name", cp_json_text(v->name),
			"key", cp_json_hex(v->key.bytes, sizeof v->key.bytes), "kind", cp_json_text(v->kind),
			"query", cp_json_text(v->query), "need", cp_json_text(v->need),
			"locale", cp_json_text(v->locale), "market", cp_json_text(v->market),
			"segment", cp_json_text(v->segment), "state", cp_json_text(v->state), "reason", cp_json_text(v->reason),
			"content", cp_json_hex(v->content.bytes, sizeof v->content.bytes),
			"has_content", (int)v->has_content, "is_expired", (int)v->is_expired, "results", results_json(v),
			"ratings", json_incref(lists[0]), "final", json_incref(lists[1]));

	if (c->then == NULL) {
		json_object_set(o, "gold", lists[2]);
		json_object_set(o, "metrics", lists[3]);
	} else {
		json_object_set_new(o, "at", json_pack("{s:s, s:o}", "commit", c->then->at.oid.hex, "received", cp_json_time(c->then->at.at_us)));
	}
	return o;
}

static enum cp_code case_json(struct cp_args *a, const struct shown *c, struct cp_err *err)
{
	json_t *lists[4] = { json_array(), json_array(), json_array(), json_array() };
	enum cp_code code = gather_json(a, c, lists, err);

	if (code == CP_OK)
		code = cp_json_line(case_object(c, lists), err);
	for (int i = 0; i < 4; i++)
		json_decref(lists[i]);
	return code;
}

/* ---- now and then ----------------------------------------------------------------------------- */

static enum cp_code show(struct cp_args *a, const struct shown *c, struct cp_err *err)
{
	if (a->json)
		return case_json(a, c, err);
	CP_TRY(print_case(c, err));
	CP_TRY(print_labels(a, c, err));
	CP_TRY(each_final(a, c, NULL, err));
	CP_TRY(each_private(a, c, NULL, NULL, err));
	return print_conflicts(a, c, err);
}

enum cp_code cp_show_case(struct cp_args *a, const struct cp_id *key, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };

	CP_TRY(cp_case_load(a->store, key, &view, err));
	return show(a, &(struct shown){ &view, NULL }, err);
}

enum cp_code cp_show_case_at(struct cp_args *a, const struct cp_id *key, const char *point, struct cp_err *err)
{
	CP_AUTO(then) struct cp_then then = { .store = NULL };
	struct cp_point at;
	char when[32];

	CP_TRY(cp_point_find(a->store, point, &at, err));
	CP_TRY(cp_then_open(&then, a->store, &at, key, err));
	CP_TRY(show(a, &(struct shown){ &then.view, &then }, err));
	a->waits = false; /* what was open then is nothing to wait for now */
	cp_say("as it stood at %.12s of main, received %s", at.oid.hex, cp_time_text(when, at.at_us));
	return CP_OK;
}
