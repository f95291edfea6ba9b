#include "cli/dispute.h"

#include <stdlib.h>
#include <string.h>

#include "cli/shown.h"
#include "sync/people.h"

/* ---- what candidates say, read -------------------------------------------------------------------- */

/* Answers are named by the external ids of their results, which people know. */
static void rename_results(const struct cp_dispute *d, json_t *said)
{
	for (size_t i = 0; d->has_view && i < d->view.n_results; i++) {
		const struct cp_result_view *r = &d->view.results[i];
		const char *key;
		json_t *v;
		void *next;

		json_object_foreach_safe(said, next, key, v) {
			const char *at = strchr(key, '@');
			CP_AUTO(str) char *name = NULL;

			if (at == NULL || strcmp(at + 1, r->name) != 0 || strcmp(r->name, r->id) == 0 ||
					asprintf(&name, "%.*s@%s", (int)(at - key), key, r->id) < 0)
				continue;
			json_object_set(said, name, v);
			json_object_del(said, key);
		}
	}
}

/* An answer about the whole page is named by its field alone. */
static void drop_empty_results(json_t *said)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(said, next, key, v) {
		size_t n = strlen(key);
		CP_AUTO(str) char *name = NULL;

		if (n < 2 || key[n - 1] != '@')
			continue;
		name = strndup(key, n - 1);
		if (name == NULL)
			continue;
		json_object_set(said, name, v);
		json_object_del(said, key);
	}
}

static json_t *read_said(const struct cp_dispute *d, const char *text)
{
	json_t *said = json_loads(text, 0, NULL);

	if (!json_is_object(said)) {
		json_decref(said);
		return json_object();
	}
	if (d->c->table_no == CP_CONFLICT_JUDGMENTS) {
		rename_results(d, said);
		drop_empty_results(said);
	}
	return said;
}

enum cp_code cp_dispute_init(struct cp_dispute *out, struct cp_store *s, const struct cp_conflict *c, struct cp_err *err)
{
	memset(out, 0, sizeof *out);
	out->c = c;
	if (c->has_case) {
		struct cp_err why = { .code = CP_OK };

		out->has_view = cp_case_load(s, &c->case_id, &out->view, &why) == CP_OK;
	}
	out->said = calloc(c->n + 1, sizeof *out->said);
	if (out->said == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < c->n; i++)
		out->said[i] = read_said(out, c->candidates[i].value);
	if (c->base[0] != '\0')
		out->base = read_said(out, c->base);
	return CP_OK;
}

void cp_dispute_drop(struct cp_dispute *d)
{
	for (size_t i = 0; d->said != NULL && i < d->c->n; i++)
		json_decref(d->said[i]);
	json_decref(d->base);
	free(d->said);
	if (d->has_view)
		cp_case_view_drop(&d->view);
	memset(d, 0, sizeof *d);
}

/* ---- words ---------------------------------------------------------------------------------------- */

enum cp_code cp_dispute_where(const struct cp_dispute *d, struct cp_buf *out, struct cp_err *err)
{
	const struct cp_conflict *c = d->c;
	const char *id = d->has_view ? d->view.id : "";
	char hex[CP_ID_HEX];

	if (!c->has_case)
		return cp_buf_printf(out, err, "%s", c->name[0] ? c->name : cp_hex(hex, c->doc.bytes, sizeof c->doc.bytes));
	if (c->name[0] != '\0')
		return cp_buf_printf(out, err, "%s of %s", c->name, id);
	CP_TRY(cp_buf_puts(out, id, err));
	if (c->person[0] != '\0')
		CP_TRY(cp_buf_printf(out, err, ", %s", c->person));
	return c->pass > 1 ? cp_buf_printf(out, err, ", pass %lld", (long long)c->pass) : CP_OK;
}

/* What it was made under, and what a settlement names: little for a line. Of decisions about a stale judgment it is told
 * which edit of that they were about. */
static bool is_inner(const struct cp_dispute *d, const char *name)
{
	static const char *const names[] = { "assignment_rev", "content", "form_version", "guideline_revision", "weighed",
		"person", "reason", "policy" };

	if (strcmp(name, "weighed") == 0 && strcmp(d->c->table, "stale_settlements") == 0)
		return false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool differs(const struct cp_dispute *d, const char *name)
{
	for (size_t i = 1; i < d->c->n; i++) {
		json_t *a = json_object_get(d->said[0], name), *b = json_object_get(d->said[i], name);

		if ((a == NULL) != (b == NULL) || (a != NULL && !json_equal(a, b)))
			return true;
	}
	return false;
}

/* Visits the name of each cell that some candidate has, once. */
static bool is_first(const struct cp_dispute *d, size_t candidate, const char *name)
{
	for (size_t i = 0; i < candidate; i++)
		if (json_object_get(d->said[i], name) != NULL)
			return false;
	return true;
}

enum cp_code cp_dispute_differs(struct cp_store *s, const struct cp_dispute *d, struct cp_buf *out, struct cp_err *err)
{
	size_t before = out->len;

	if (strcmp(d->c->class, "stale") == 0)
		return cp_revision_words(s, d->c->column, out, err);

	for (int is_second = 0; is_second < 2 && out->len == before; is_second++) /* inner ones only where nothing else differs */
		for (size_t i = 0; i < d->c->n; i++) {
			const char *name;
			json_t *v;

			json_object_foreach(d->said[i], name, v)
				if (is_first(d, i, name) && differs(d, name) && (is_second || !is_inner(d, name)))
					CP_TRY(cp_buf_printf(out, err, "%s%s", out->len > before ? ", " : "", name));
		}
	return CP_OK;
}

static enum cp_code add_json(struct cp_buf *out, const json_t *v, struct cp_err *err)
{
	if (json_is_string(v))
		return cp_buf_puts(out, json_string_value(v), err);
	return json_is_integer(v) ? cp_buf_printf(out, err, "%lld", (long long)json_integer_value(v)) : cp_buf_puts(out, "nothing", err);
}

enum cp_code cp_dispute_says(const struct cp_dispute *d, size_t candidate, struct cp_buf *out, struct cp_err *err)
{
	size_t before = out->len;
	const char *name;
	json_t *v;

	json_object_foreach(d->said[candidate], name, v) {
		if (!differs(d, name) || (is_inner(d, name) && d->c->column[0] == '\0'))
			continue;
		CP_TRY(cp_buf_printf(out, err, "%s%s=", out->len > before ? ", " : "", name));
		CP_TRY(add_json(out, v, err));
	}
	return out->len > before ? CP_OK : cp_buf_puts(out, "the same answers", err);
}

size_t cp_dispute_stands(const struct cp_conflict *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->candidates[i].stands)
			return i;
	return SIZE_MAX;
}

const char *cp_dispute_state(const struct cp_conflict *c)
{
	return c->is_open ? "open" : c->is_settled ? "settled" : "";
}

enum cp_code cp_dispute_filter(const struct cp_args *a, struct cp_conflict_filter *out, struct cp_id *case_id,
		struct cp_err *err)
{
	static const char *const classes[] = { "identical", "parallel", "fork", "hard", "text", "late", "stale", "" };
	struct cp_id person;
	size_t n = 0;

	*out = (struct cp_conflict_filter){ cp_arg_given(a, "--settled") ? CP_CONFLICTS_SETTLED : cp_arg_given(a, "--all")
		? CP_CONFLICTS_ALL : CP_CONFLICTS_OPEN, cp_arg(a, "--class"), cp_arg(a, "--table"), cp_arg(a, "--person"), NULL };
	if (cp_arg_given(a, "--open") + cp_arg_given(a, "--settled") + cp_arg_given(a, "--all") > 1)
		return cp_fail(err, CP_EUSAGE, "say only one of --open, --settled and --all");
	while (out->class != NULL && n < 7 && strcmp(classes[n], out->class) != 0)
		n++;
	if (n == 7)
		return cp_fail(err, CP_EUSAGE, "--class %s is none of identical, parallel, fork, hard, text, late, stale", out->class);
	if (out->person != NULL)
		CP_TRY(cp_person_find(a->store, out->person, &person, err));
	if (cp_arg(a, "--case") == NULL)
		return CP_OK;
	out->case_id = case_id;
	return cp_case_find(a->store, cp_arg(a, "--case"), case_id, err);
}
