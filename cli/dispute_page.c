/* One conflict in a screenful: who wrote what, when, knowing what, and how to settle it. */
#include <stdlib.h>
#include <string.h>

#include "cli/dispute.h"
#include "cli/shown.h"
#include "formats/words.h"

#define AROUND 6 /* words around those that differ */

static enum cp_code words_of(struct cp_store *s, const json_t *said, const char *name, char *out, size_t size,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);
	const char *hex = json_string_value(json_object_get(said, name));

	if (hex != NULL)
		CP_TRY(cp_revision_words(s, hex, &text, err));
	snprintf(out, size, "%s", text.data ? text.data : "");
	return CP_OK;
}

/* ---- the head: what it is about, and what stands ------------------------------------------------------- */

static enum cp_code print_stand(const struct cp_conflict *c, const char *breaks, struct cp_err *err)
{
	size_t stands = cp_dispute_stands(c);
	char when[32];

	if (strcmp(c->class, "stale") == 0)
		return cp_line(err, "a breaking revision stands that this judgment was not made under: %s", breaks);
	if (c->n == 0)
		return cp_line(err, "the assignment was taken back by someone who did not know this judgment: it is surplus");
	if (c->is_settled)
		return cp_line(err, "settled by %s, %s (policy %s): %s", c->settled_by, cp_time_text(when, c->settled_us), c->policy,
				c->reason);
	if (strcmp(c->class, "text") == 0)
		return cp_line(err, strcmp(c->policy, "merges") == 0 ? "they merge: it takes only somebody to write it"
				: "they overlap: there is something to decide");
	if (!c->has_stand && c->is_open)
		return cp_line(err, "policy %s: nothing stands until a lead decides%s", c->policy,
				strcmp(c->policy, "latest") == 0 ? ", since a clock that is far off decides nothing alone" : "");
	if (c->is_open && stands != SIZE_MAX)
		return cp_line(err, "policy %s: candidate %zu stands meanwhile", c->policy, stands + 1);
	return cp_line(err, "%s", strcmp(c->class, "identical") == 0 ? "they say the same: nothing is to be decided"
			: "each wrote other columns: all of it stands");
}

static enum cp_code print_base(const struct cp_dispute *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	const char *name;
	json_t *v;

	if (d->c->n == 0)
		return CP_OK;
	if (d->base == NULL)
		return cp_line(err, "they share nothing: each was written anew");
	json_object_foreach((json_t *)d->base, name, v)
		if (json_is_string(v) && strlen(json_string_value(v)) < 32 && strcmp(name, "assignment_rev") != 0)
			CP_TRY(cp_buf_printf(&text, err, "%s%s=%s", text.len > 0 ? ", " : "", name, json_string_value(v)));
	return cp_line(err, "grown from %s", text.len > 0 ? text.data : "an edit that says none of this");
}

static enum cp_code print_head(struct cp_store *s, const struct cp_dispute *d, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf where = CP_BUF(CP_TEXT_MAX), breaks = CP_BUF(CP_TEXT_MAX);
	const struct cp_conflict *c = d->c;
	bool is_stale = strcmp(c->class, "stale") == 0; /* its column is the revision's key */

	CP_TRY(cp_dispute_where(d, &where, err));
	CP_TRY(cp_line(err, "conflict %.8s  %s%s%s  %s%s%s: %s", c->id, c->class, *cp_dispute_state(c) ? ", " : "", cp_dispute_state(c),
			c->table, *c->column && !is_stale ? "." : "", is_stale ? "" : c->column, where.data));
	if (is_stale)
		CP_TRY(cp_revision_words(s, c->column, &breaks, err));
	if (d->has_view && d->view.query[0] != '\0' && strcmp(d->view.query, d->view.id) != 0)
		CP_TRY(cp_line(err, "query: %s", d->view.query));
	CP_TRY(print_stand(c, breaks.data ? breaks.data : c->column, err));
	return print_base(d, err);
}

/* ---- a candidate ------------------------------------------------------------------------------------------ */

static enum cp_code print_knowledge(struct cp_args *a, const struct cp_conflict *c, size_t i, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_knew *knew = NULL;
	char when[32];
	size_t n;
	enum cp_code code = cp_candidate_knew(a->store, c, i, &knew, &n, err);

	for (size_t k = 0; code == CP_OK && k < n; k++) {
		char rev[9];

		cp_hex(rev, knew[k].rev.bytes, 4);
		code = cp_buf_printf(&text, err, "%s%s%s%s%s%s", k > 0 ? "; " : "", rev, *knew[k].who ? " by " : "", knew[k].who,
				knew[k].clock ? ", " : "", knew[k].clock ? cp_time_text(when, knew[k].clock) : "");
	}
	free(knew);
	CP_TRY(code);
	return cp_line(err, "   knowing %s", text.len > 0 ? text.data : "nothing that was written before");
}

static enum cp_code print_made_under(struct cp_args *a, const struct cp_dispute *d, size_t i, struct cp_err *err)
{
	char guideline[128], form[128];

	if (d->c->table_no != CP_CONFLICT_JUDGMENTS)
		return CP_OK;
	CP_TRY(words_of(a->store, d->said[i], "guideline_revision", guideline, sizeof guideline, err));
	CP_TRY(words_of(a->store, d->said[i], "form_version", form, sizeof form, err));
	return cp_line(err, "   under %s%s%s", guideline[0] ? guideline : "no guideline", form[0] ? ", form " : "", form);
}

static bool is_other(const struct cp_dispute *d, const char *name)
{
	for (size_t i = 1; i < d->c->n; i++) {
		json_t *x = json_object_get(d->said[0], name), *y = json_object_get(d->said[i], name);

		if (x == NULL || y == NULL ? x != y : !json_equal(x, y))
			return true;
	}
	return false;
}

static bool is_shown(const struct cp_dispute *d, const char *name)
{
	static const char *const hidden[] = { "assignment_rev", "content", "form_version", "guideline_revision", "weighed", "person",
		"judgment", "cause" };

	if (strcmp(name, "weighed") == 0 && strcmp(d->c->table, "stale_settlements") == 0)
		return is_other(d, name); /* decisions about different edits */
	for (size_t i = 0; d->c->column[0] == '\0' && i < sizeof hidden / sizeof *hidden; i++)
		if (strcmp(hidden[i], name) == 0)
			return false;
	return true;
}

/* Cells that differ on lines of their own, marked; those that do not on one together. */
static enum cp_code print_cells(const struct cp_dispute *d, size_t i, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf same = CP_BUF(CP_TEXT_MAX);
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)d->said[i], name, v) {
		char number[32];
		const char *text = json_string_value(v);

		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
		text = text ? text : json_is_integer(v) ? number : "nothing";
		if (!is_shown(d, name))
			continue;
		if (is_other(d, name))
			CP_TRY(cp_line(err, " * %s: %s", name, text));
		else
			CP_TRY(cp_buf_printf(&same, err, "%s%s=%s", same.len > 0 ? ", " : "", name, text));
	}
	return same.len > 0 ? cp_line(err, "   the same: %s", same.data) : CP_OK;
}

static enum cp_code print_candidate(struct cp_args *a, const struct cp_dispute *d, size_t i, struct cp_err *err)
{
	const struct cp_candidate *k = &d->c->candidates[i];
	char rev[9], claimed[32], received[32];

	cp_hex(rev, k->rev.bytes, 4);
	CP_TRY(cp_line(err, "%s", ""));
	CP_TRY(cp_line(err, "%zu  %s  %s on device %.8s%s", i + 1, rev, k->who[0] ? k->who : "?", k->device,
			k->stands ? "  (stands)" : ""));
	CP_TRY(cp_line(err, "   claimed %s, %s%s%s%.8s%s", cp_time_text(claimed, k->clock), k->received_us ? "received " : "not sealed yet",
			k->received_us ? cp_time_text(received, k->received_us) : "", k->commit[0] ? ", commit " : "", k->commit,
			k->is_far ? "; its clock is FAR AHEAD" : ""));
	CP_TRY(print_knowledge(a, d->c, i, err));
	CP_TRY(print_made_under(a, d, i, err));
	return print_cells(d, i, err);
}

/* ---- the foot: words that differ, and what to type ----------------------------------------------------------- */

static enum cp_code print_word_diff(const struct cp_dispute *d, const char *name, struct cp_err *err)
{
	const char *first = json_string_value(json_object_get(d->said[0], name));

	for (size_t i = 1; first != NULL && i < d->c->n; i++) {
		CP_AUTO(buf) struct cp_buf diff = CP_BUF(CP_TEXT_MAX);
		const char *other = json_string_value(json_object_get(d->said[i], name));

		if (other == NULL || strcmp(first, other) == 0 || (strchr(first, ' ') == NULL && strchr(other, ' ') == NULL))
			continue;
		CP_TRY(cp_words_diff(&diff, first, other, AROUND, err));
		if (diff.len > 0)
			CP_TRY(cp_line(err, "%s, 1 to %zu: %s", name, i + 1, diff.data));
	}
	return CP_OK;
}

static enum cp_code print_word_diffs(const struct cp_dispute *d, struct cp_err *err)
{
	const char *name;
	json_t *v;

	if (d->c->n < 2)
		return CP_OK;
	CP_TRY(cp_line(err, "%s", ""));
	json_object_foreach((json_t *)d->said[0], name, v)
		if (is_shown(d, name) && is_other(d, name))
			CP_TRY(print_word_diff(d, name, err));
	return CP_OK;
}

static enum cp_code print_commands(const struct cp_dispute *d, struct cp_err *err)
{
	const struct cp_conflict *c = d->c;

	if (strcmp(c->class, "stale") == 0) {
		CP_TRY(cp_line(err, "to decide:"));
		return cp_line(err, "  casepack stale keep --case %s --from %s --reason \"WHY\"    (or requeue, or void)",
				d->has_view ? d->view.id : "CASE", c->person);
	}
	if (c->n == 0 || (!c->is_open && !c->is_settled))
		return CP_OK;
	if (strcmp(c->class, "text") == 0)
		return cp_line(err, "to settle it: write one revision over them: `casepack %s show %s`, then `casepack %s revise %s FILE`",
				strcmp(c->table, "forms") == 0 ? "form" : "guideline", c->name,
				strcmp(c->table, "forms") == 0 ? "form" : "guideline", c->name);
	CP_TRY(cp_line(err, c->is_open ? "to settle it:" : "to decide otherwise:"));
	for (size_t i = 0; i < c->n; i++) {
		char rev[9];

		if (c->is_open || !c->candidates[i].stands)
			CP_TRY(cp_line(err, "  casepack resolve %.8s --take %s --reason \"WHY\"    (candidate %zu, %s)", c->id,
					cp_hex(rev, c->candidates[i].rev.bytes, 4), i + 1, c->candidates[i].who));
	}
	if (c->table_no == CP_CONFLICT_JUDGMENTS)
		return cp_line(err, "  casepack adjudicate %s FIELD@RESULT=VALUE --cause disagreement --reason \"WHY\"    (a final answer)",
				d->has_view ? d->view.id : "CASE");
	return c->column[0] ? cp_line(err, "  casepack resolve %.8s --value VALUE --reason \"WHY\"    (a new value)", c->id) : CP_OK;
}

static enum cp_code print_page(struct cp_args *a, const struct cp_dispute *d, struct cp_err *err)
{
	CP_TRY(print_head(a->store, d, err));
	for (size_t i = 0; i < d->c->n; i++)
		CP_TRY(print_candidate(a, d, i, err));
	CP_TRY(print_word_diffs(d, err));
	return print_commands(d, err);
}

/* ---- for scripts ----------------------------------------------------------------------------------------------- */

static json_t *knew_json(struct cp_args *a, const struct cp_conflict *c, size_t i)
{
	json_t *list = json_array();
	struct cp_knew *knew = NULL;
	size_t n = 0;

	if (cp_candidate_knew(a->store, c, i, &knew, &n, NULL) == CP_OK)
		for (size_t k = 0; k < n; k++)
			json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "rev", cp_json_hex(knew[k].rev.bytes, 8),
					"who", cp_json_text(knew[k].who), "when", cp_json_time(knew[k].clock)));
	free(knew);
	return list;
}

static enum cp_code candidates_json(struct cp_args *a, const struct cp_dispute *d, json_t *list, struct cp_err *err)
{
	for (size_t i = 0; i < d->c->n; i++) {
		const struct cp_candidate *k = &d->c->candidates[i];
		char guideline[128], form[128];

		CP_TRY(words_of(a->store, d->said[i], "guideline_revision", guideline, sizeof guideline, err));
		CP_TRY(words_of(a->store, d->said[i], "form_version", form, sizeof form, err));
		json_array_append_new(list, json_pack("{s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:O}",
				"number", (int)i + 1, "rev", cp_json_hex(k->rev.bytes, 8), "who", cp_json_text(k->who),
				"device", k->device, "commit", k->commit[0] ? json_string(k->commit) : json_null(),
				"claimed", cp_json_time(k->clock), "received", cp_json_time(k->received_us), "far", (int)k->is_far,
				"stands", (int)k->stands, "guideline", cp_json_text(guideline), "form", cp_json_text(form),
				"knew", knew_json(a, d->c, i), "says", (json_t *)d->said[i]));
	}
	return CP_OK;
}

static enum cp_code print_json(struct cp_args *a, const struct cp_dispute *d, struct cp_err *err)
{
	const struct cp_conflict *c = d->c;
	json_t *list = json_array();
	enum cp_code code = candidates_json(a, d, list, err);

	if (code != CP_OK) {
		json_decref(list);
		return code;
	}
	return cp_json_line(json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o}",
			"conflict", c->id, "class", c->class, "table", c->table, "open", (int)c->is_open, "settled", (int)c->is_settled,
			"document", cp_json_hex(c->doc.bytes, 16), "case", d->has_view ? cp_json_text(d->view.id) : json_null(),
			"person", c->person, "column", cp_json_text(c->column), "policy", c->policy, "has_stand", (int)c->has_stand,
			"settled_by", c->is_settled ? cp_json_text(c->settled_by) : json_null(),
			"reason", c->is_settled ? cp_json_text(c->reason) : json_null(), "settled_at", cp_json_time(c->settled_us),
			"base", d->base ? json_incref(d->base) : json_null(), "candidates", list), err);
}

enum cp_code cp_dispute_explain(struct cp_args *a, const struct cp_conflict *c, struct cp_err *err)
{
	struct cp_dispute d;
	enum cp_code code = cp_dispute_init(&d, a->store, c, err);

	if (code == CP_OK)
		code = a->json ? print_json(a, &d, err) : print_page(a, &d, err);
	cp_dispute_drop(&d);
	return code;
}
