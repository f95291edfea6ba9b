#include <ctype.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "cli/dispute.h"
#include "formats/file.h"
#include "sync/gold.h"
#include "sync/journal.h"
#include "sync/report.h"
#include "sync/settle.h"

#define CHANGESET_MAX ((size_t)1 << 30)

/* ---- a changeset file: git's textconv ------------------------------------------------------ */

/* Git gives up a whole listing when this fails, so bytes that are no changeset are shown as such. */
static enum cp_code show_file(const char *path, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CHANGESET_MAX);
	CP_AUTO(buf) struct cp_buf words = CP_BUF(CHANGESET_MAX);
	struct cp_err why = { .code = CP_OK };

	CP_TRY(cp_file_read(&bytes, path, err));
	enum cp_code code = cp_changeset_words(bytes.data, bytes.len, &words, &why);
	if (code == CP_EFORMAT)
		return cp_line(err, "(no changeset: %s)", why.text);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	return cp_text_print(words.data == NULL ? "" : words.data, words.len, err);
}

/* ---- a case -------------------------------------------------------------------------------- */

static enum cp_code print_field(const char *label, const char *value, struct cp_err *err)
{
	return value[0] == '\0' ? CP_OK : cp_line(err, "  %-9s %s", label, value);
}

static enum cp_code print_case(const struct cp_case_view *v, struct cp_err *err)
{
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
		return cp_line(err, v->is_forgotten ? "  forgotten by a lead: what it showed is erased"
				: v->is_expired ? "  its content expired: its judgments are done with, and it is erased here" : "  its content has not come");
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
		code = cp_buf_puts(&text, ": ", err);
	if (code == CP_OK)
		code = cp_dispute_differs(a->store, &d, &text, err);
	cp_dispute_drop(&d);
	CP_TRY(code);
	return c->is_open ? cp_line(err, "conflict %.8s open: %s", c->id, text.data)
		: cp_line(err, "conflict %.8s settled by %s: %s: %s", c->id, c->settled_by, text.data, c->reason);
}

static enum cp_code print_conflicts(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	const struct cp_conflict_filter of_case = { .state = CP_CONFLICTS_ALL, .case_id = &v->key };

	return cp_conflict_each(a->store, &of_case, print_conflict, a, err);
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

/* Nothing elsewhere than at a lead's hub. */
static enum cp_code each_private(struct cp_args *a, const struct cp_case_view *v, json_t *gold, json_t *metrics,
		struct cp_err *err)
{
	if (!cp_gold_is_known(a->store))
		return CP_OK;
	CP_TRY(cp_gold_each(a->store, &v->key, on_gold, &(struct finals){ v, gold }, err));
	return cp_metric_each(a->store, &v->key, on_metric, &(struct finals){ v, metrics }, err);
}

/* ---- who judged it how --------------------------------------------------------------------- */

struct judged { const char *name; struct cp_out *out; json_t *list; int64_t n; };

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

	if (strcmp(l->case_name, j->name) != 0)
		return CP_OK;
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

static enum cp_code print_labels(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	static const char *const columns[] = { "rater", "pass", "field", "result", "value", "state", "guideline",
		"when", "note" };
	struct judged j = { .name = v->name };

	CP_TRY(cp_line(err, "%s", ""));
	CP_TRY(cp_out_begin(&j.out, false, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = cp_label_each(a->store, on_row, &j, err);
	CP_TRY(cp_out_close(j.out, code, err));
	if (j.n == 0)
		cp_say("nobody has judged it yet");
	return CP_OK;
}

static enum cp_code on_json(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct judged *j = user;

	if (strcmp(l->case_name, j->name) != 0)
		return CP_OK;
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

static enum cp_code case_json(struct cp_args *a, const struct cp_case_view *v, struct cp_err *err)
{
	struct judged j = { .name = v->name, .list = json_array() };
	struct finals f = { v, json_array() };
	json_t *gold = json_array(), *metrics = json_array();
	enum cp_code code = cp_label_each(a->store, on_json, &j, err);

	if (code == CP_OK)
		code = cp_final_each(a->store, &v->key, on_final, &f, err);
	if (code == CP_OK)
		code = each_private(a, v, gold, metrics, err);
	if (code != CP_OK) {
		json_decref(j.list);
		json_decref(f.list);
		json_decref(gold);
		json_decref(metrics);
		return code;
	}
	return cp_json_line(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}",
			"case", cp_json_text(v->id), "name", cp_json_text(v->name),
			"key", cp_json_hex(v->key.bytes, sizeof v->key.bytes), "kind", cp_json_text(v->kind),
			"query", cp_json_text(v->query), "need", cp_json_text(v->need),
			"locale", cp_json_text(v->locale), "market", cp_json_text(v->market),
			"segment", cp_json_text(v->segment), "state", cp_json_text(v->state), "reason", cp_json_text(v->reason),
			"content", cp_json_hex(v->content.bytes, sizeof v->content.bytes),
			"has_content", (int)v->has_content, "is_expired", (int)v->is_expired, "results", results_json(v), "ratings", j.list, "final", f.list,
			"gold", gold, "metrics", metrics), err);
}

static enum cp_code show_case(struct cp_args *a, const struct cp_id *key, struct cp_err *err)
{
	CP_AUTO(case_view) struct cp_case_view view = { .held = NULL };

	CP_TRY(cp_case_load(a->store, key, &view, err));
	if (a->json)
		return case_json(a, &view, err);
	CP_TRY(print_case(&view, err));
	CP_TRY(print_labels(a, &view, err));
	CP_TRY(cp_final_each(a->store, key, on_final, &(struct finals){ &view, NULL }, err));
	CP_TRY(each_private(a, &view, NULL, NULL, err));
	return print_conflicts(a, &view, err);
}

/* ---- a change commit ----------------------------------------------------------------------- */

static bool may_be_commit(const char *word)
{
	size_t n = strlen(word);

	return n >= 4 && n <= 40 && strspn(word, "0123456789abcdefABCDEF") == n;
}

static enum cp_code show_commit(struct cp_args *a, const char *word, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(CHANGESET_MAX);
	char oid[41];

	snprintf(oid, sizeof oid, "%s", word);
	for (char *p = oid; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	CP_TRY(cp_show_commit(a->store, oid, &words, err));
	const char *text = words.data == NULL ? "" : words.data;
	if (a->json)
		return cp_json_line(json_pack("{s:s, s:o}", "commit", oid, "text", cp_json_text(text)), err);
	return cp_text_print(text, words.len, err);
}

/* ---- the command --------------------------------------------------------------------------- */

static enum cp_code show_word(struct cp_args *a, const char *word, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	struct cp_id key;
	enum cp_code code = cp_case_find(a->store, word, &key, &why);

	if (code == CP_OK)
		return show_case(a, &key, err);
	if (code != CP_ENOTFOUND)
		return cp_fail(err, code, "%s", why.text);
	if (may_be_commit(word))
		code = show_commit(a, word, err);
	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_ENOTFOUND, "%s: there is neither a case nor a change commit of that name", word);
	return code;
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	const char *file = cp_arg(a, "--textconv");

	CP_TRY(cp_args_want(a, file == NULL ? 1 : 0, file == NULL ? 1 : 0, err));
	if (file != NULL)
		return show_file(file, err);
	CP_TRY(cp_store_open(&a->store, a->dir, err));
	return show_word(a, a->words[0], err);
}

static const struct cp_option options[] = {
	{ "--textconv", "FILE", "a changeset file in words; what git calls to show one, needs no workspace" },
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack show q-1042", "what the case shows, who judged it how, and what stands" },
	{ "casepack show 3f9c2e1", "what a change commit changed, in words" },
	{ "git -C history.git log -p --textconv replica/ID", "git reads changesets through this command" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_show = {
	.name = "show",
	.usage = "CASE | COMMIT\n--textconv FILE",
	.summary = "a case, or a change commit",
	.about = "A case: its query and results as the rater saw them, then every answer that stands, with rater, "
		"guideline revision and time, the lead's final answers, and the conflicts about it, open or settled; at a lead's hub "
		"also its gold answers and metrics. A change commit: what it changed, one line a change; four or more "
		"digits of its name are enough.",
	.options = options,
	.examples = examples,
	.needs_store = false,
	.run = run,
};
