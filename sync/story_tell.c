/* Edits of documents, each told as an event. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/journal.h"
#include "sync/resolution.h"
#include "sync/story_inner.h"

static const struct cp_cell_write *cell_of(const struct cp_doc_edit *e, const char *name)
{
	for (size_t i = 0; i < e->n_cells; i++)
		if (strcmp(e->cells[i].name, name) == 0)
			return &e->cells[i];
	return NULL;
}

static const struct cp_doc_edit *edit_of(const struct cp_document *d, const struct cp_rev *rev)
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(&d->edits[i].rev, rev, sizeof *rev) == 0)
			return &d->edits[i];
	return NULL;
}

const struct cp_value *cp_value_before(const struct cp_document *d, const struct cp_doc_edit *e, const char *name)
{
	for (size_t steps = 0; e->n_replaced > 0 && steps < d->n; steps++) {
		const struct cp_cell_write *cell;

		e = edit_of(d, &e->replaced[0]);
		if (e == NULL)
			return NULL;
		cell = cell_of(e, name);
		if (cell != NULL)
			return &cell->value;
	}
	return NULL;
}

const struct cp_value *cp_value_under(const struct cp_document *d, const struct cp_doc_edit *e, const char *name)
{
	const struct cp_cell_write *cell = cell_of(e, name);

	return cell ? &cell->value : cp_value_before(d, e, name);
}

/* ---- what it changed ---------------------------------------------------------------------------- */

/* A value alone: the text as it is, a number, the hex of a blob; NULL for nothing. */
static char *value_text(const struct cp_value *v)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	if (v == NULL || v->type == CP_NULL || v->type == CP_ABSENT)
		return NULL;
	if (v->type == CP_TEXT)
		return strndup((const char *)v->bytes, v->len);
	return cp_words_value(&text, "", v, NULL) == CP_OK ? cp_buf_detach(&text) : NULL;
}

static void keep_change(struct cp_told *e, const char *field, const char *result, const struct cp_value *from, const struct cp_value *to)
{
	struct cp_event_change *list = reallocarray(e->changes, e->n_changes + 1, sizeof *list);

	if (list == NULL)
		abort();
	e->changes = list;
	list[e->n_changes++] = (struct cp_event_change){ strdup(field), strdup(result), value_text(from), value_text(to) };
}

static enum cp_code say(struct cp_buf *out, const char *field, const char *result, const struct cp_value *before,
		const struct cp_value *now, struct cp_err *err)
{
	CP_TRY(cp_buf_printf(out, err, "%s%s%s%s: ", out->len ? ", " : "", field, *result ? " of " : "", result));
	if (before != NULL) {
		CP_TRY(cp_words_value(out, field, before, err));
		CP_TRY(cp_buf_puts(out, " -> ", err));
	}
	return cp_words_value(out, field, now, err);
}

/* Said apart, or of no use to a person. */
static bool is_aside(const struct cp_document *d, const struct cp_cell_write *c)
{
	if (!cp_cell_is_shown(d->table, c) || strcmp(c->name, "reason") == 0 || strcmp(c->name, "person") == 0)
		return true;
	if (c->is_answer)
		return false;
	return c->value.type == CP_BLOB || (d->table == CP_T_ADJUDICATIONS && strcmp(c->name, "case_id") == 0);
}

static enum cp_code say_cells(struct cp_told *t, const struct cp_document *d, const struct cp_doc_edit *e, struct cp_err *err)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		const struct cp_cell_write *c = &e->cells[i];
		const struct cp_value *before = cp_value_before(d, e, c->name);
		const char *field = c->is_answer ? c->field : c->name, *result = c->is_answer ? c->result : "";

		if (is_aside(d, c))
			continue;
		keep_change(t, field, result, before, &c->value);
		CP_TRY(say(&t->detail, field, result, before, &c->value, err));
	}
	return CP_OK;
}

/* A final answer, or one that leads know: its question is in its first edit. */
static enum cp_code say_answer(struct cp_told *t, const struct cp_document *d, const struct cp_doc_edit *e, struct cp_err *err)
{
	const struct cp_value *field = cp_value_under(d, e, "field"), *result = cp_value_under(d, e, "result");
	const struct cp_cell_write *value = cell_of(e, "value"), *cause = cell_of(e, "cause");
	const struct cp_value nothing = { .type = CP_NULL };
	CP_AUTO(str) char *of = value_text(result);
	CP_AUTO(str) char *name = value_text(field);
	const struct cp_value *before = cp_value_before(d, e, "value");

	keep_change(t, name ? name : "", of ? of : "", before, value ? &value->value : NULL);
	CP_TRY(say(&t->detail, name ? name : "", of ? of : "", before, value ? &value->value : &nothing, err));
	if (cause != NULL && cause->value.len > 0)
		CP_TRY(cp_buf_printf(&t->detail, err, ", %.*s", (int)cause->value.len, (const char *)cause->value.bytes));
	return CP_OK;
}

enum cp_code cp_story_edit_name(struct cp_story *t, size_t table, const struct cp_id *doc, const struct cp_rev *rev,
		struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf commit = CP_BUF(64);
	char hex[CP_REV_HEX];

	CP_TRY(cp_query_text(t->s, &commit, NULL, err, "SELECT c.oid FROM edits e JOIN commits c ON c.no = e.commit_no"
			" WHERE e.doc = ?1 AND e.tbl = ?2 AND e.rev = ?3 ORDER BY c.no LIMIT 1", "dir", doc, (int64_t)table, rev));
	return commit.len > 0 ? cp_buf_printf(out, err, "%.8s", commit.data)
		: cp_buf_printf(out, err, "edit %.8s", cp_hex(hex, rev->bytes, sizeof rev->bytes));
}

/* The edits that a cell names, but one of them. A settlement has the key of the judgment that it is about. */
static enum cp_code say_edits(struct cp_story *s, struct cp_told *t, const struct cp_document *d, const struct cp_value *v,
		const struct cp_value *but, const char *between, struct cp_err *err)
{
	struct cp_rev rev;

	for (size_t i = 0; v != NULL && i + sizeof rev <= v->len; i += sizeof rev) {
		memcpy(rev.bytes, v->bytes + i, sizeof rev);
		if (but != NULL && but->len == sizeof rev && memcmp(but->bytes, rev.bytes, sizeof rev) == 0)
			continue;
		CP_TRY(cp_buf_puts(&t->detail, between, err));
		CP_TRY(cp_story_edit_name(s, CP_T_JUDGMENTS, &d->id, &rev, &t->detail, err));
		between = ", ";
	}
	return CP_OK;
}

static enum cp_code say_settlement(struct cp_story *s, struct cp_told *t, const struct cp_document *d, const struct cp_doc_edit *e,
		struct cp_err *err)
{
	const struct cp_value *stands = cp_value_under(d, e, "stands");

	CP_TRY(cp_buf_printf(&t->detail, err, "what %s said in ", t->whom));
	CP_TRY(say_edits(s, t, d, stands, NULL, "", err));
	CP_TRY(cp_buf_puts(&t->detail, " stands", err));
	return say_edits(s, t, d, cp_value_under(d, e, "weighed"), stands, ", over ", err);
}

static enum cp_code say_assignment(struct cp_told *t, const struct cp_document *d, const struct cp_doc_edit *e, struct cp_err *err)
{
	const struct cp_value *pass = cp_value_under(d, e, "pass");

	CP_TRY(cp_buf_printf(&t->detail, err, "%s %s", e->n_replaced ? "for" : "to", t->whom));
	return pass != NULL && pass->integer > 1 ? cp_buf_printf(&t->detail, err, ", pass %lld", (long long)pass->integer) : CP_OK;
}

static enum cp_code say_edit(struct cp_story *s, struct cp_told *t, const struct cp_document *d, const struct cp_doc_edit *e, struct cp_err *err)
{
	switch (d->table) {
	case CP_T_ASSIGNMENTS:   return say_assignment(t, d, e, err);
	case CP_T_ADJUDICATIONS:
	case CP_T_GOLD:          return say_answer(t, d, e, err);
	case CP_T_SETTLEMENTS:   return say_settlement(s, t, d, e, err);
	case CP_T_STALE_SETTLEMENTS: return cp_buf_printf(&t->detail, err, "the stale judgment of %s", t->whom);
	default:                 return say_cells(t, d, e, err);
	}
}

/* ---- what happened ------------------------------------------------------------------------------- */

/* The first word of a text. */
static void first_word(char out[24], const struct cp_value *v)
{
	size_t n = 0;

	while (n < v->len && n < 23 && v->bytes[n] != ' ')
		n++;
	snprintf(out, 24, "%.*s", (int)n, (const char *)v->bytes);
}

static void name_judgment(char out[24], const struct cp_doc_edit *e, const struct cp_cell_write *state)
{
	if (state != NULL)
		first_word(out, &state->value);
	if (state == NULL || *out == '\0' || (e->n_replaced > 0 && strcmp(out, "submitted") == 0))
		snprintf(out, 24, "%s", e->n_replaced > 0 ? "changed" : "judged");
	else if (strcmp(out, "submitted") == 0)
		snprintf(out, 24, "judged");
}

static void name_event(char out[24], const struct cp_document *d, const struct cp_doc_edit *e)
{
	const struct cp_cell_write *state = cell_of(e, "state"), *decision = cell_of(e, "decision"), *value = cell_of(e, "value");
	bool is_first = e->n_replaced == 0;

	snprintf(out, 24, "%s", is_first ? "new" : "changed");
	switch (d->table) {
	case CP_T_CASES:
		snprintf(out, 24, "%s", is_first ? "imported" : "changed");
		if (state != NULL)
			first_word(out, &state->value);
		break;
	case CP_T_ASSIGNMENTS:
		snprintf(out, 24, "%s", is_first ? "assigned" : state ? "reassigned" : "changed");
		if (state != NULL && (state->value.len < 5 || memcmp(state->value.bytes, "given", 5) != 0))
			first_word(out, &state->value);
		break;
	case CP_T_ADJUDICATIONS: snprintf(out, 24, "adjudicated"); break;
	case CP_T_SETTLEMENTS:   snprintf(out, 24, "settled"); break;
	case CP_T_GOLD:          snprintf(out, 24, "%s", value && value->value.type == CP_NULL ? "gold withdrawn" : "gold"); break;
	case CP_T_STALE_SETTLEMENTS:
		if (decision != NULL)
			first_word(out, &decision->value);
		break;
	case CP_T_JUDGMENTS:     name_judgment(out, e, state); break;
	default: break;
	}
	if (e->is_resolve && d->table != CP_T_ADJUDICATIONS)
		snprintf(out, 24, "settled");
}

static enum cp_code guideline_of(struct cp_story *t, struct cp_told *e, const struct cp_document *d, const struct cp_doc_edit *edit,
		struct cp_err *err)
{
	const struct cp_value *v = cp_value_under(d, edit, "guideline_revision");

	return d->table == CP_T_JUDGMENTS ? cp_revision_name(t->s, v, e->guideline, &e->guideline_number, err) : CP_OK;
}

enum cp_code cp_revision_name(struct cp_store *s, const struct cp_value *id, char out[96], int64_t *number, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	*out = '\0';
	*number = 0;
	if (id == NULL || id->len != 16)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT g.name, r.number FROM guideline_revisions r JOIN guidelines g ON g.id = r.parent_doc"
			" WHERE r.id = ?1", "v", id));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(out, 96, "%s", cp_col_text(q, 0));
	*number = sqlite3_column_int64(q, 1);
	sqlite3_reset(q);
	return CP_OK;
}

/* Why, where its author said so; of a resolve it stands in the resolution. A decision that is made anew for the same reason writes
 * no other one. */
static enum cp_code reason_of(struct cp_story *t, struct cp_told *e, const struct cp_document *d, const struct cp_doc_edit *edit,
		struct cp_err *err)
{
	bool is_decision = cp_table_is_settlement(d->table) || d->table == CP_T_ADJUDICATIONS;
	const struct cp_cell_write *c = cell_of(edit, "reason");
	const struct cp_value *v = is_decision ? cp_value_under(d, edit, "reason") : c != NULL ? &c->value : NULL;
	struct cp_id id;

	if (edit->is_resolve) {
		cp_resolution_id(&id, d->table, &d->id, &edit->rev);
		return cp_query_text(t->s, &e->reason, NULL, err, "SELECT reason FROM resolutions WHERE id = ?1", "d", &id);
	}
	return v != NULL ? cp_buf_add(&e->reason, v->bytes, v->len, err) : CP_OK;
}

/* ---- what it came from ----------------------------------------------------------------------------- */

static void behind_cell(struct cp_told *e, const struct cp_doc_edit *edit, const char *name)
{
	const struct cp_cell_write *c = cell_of(edit, name);

	if (c != NULL && c->value.type == CP_BLOB)
		cp_told_behind(e, c->value.bytes, c->value.len);
}

/* The judgment's revs that whoever took an assignment back knew stand behind the word, in hex. */
static void behind_state(struct cp_told *e, const struct cp_doc_edit *edit)
{
	const struct cp_cell_write *c = cell_of(edit, "state");
	struct cp_rev rev;
	char hex[CP_REV_HEX];

	for (size_t i = 0; c != NULL && i + 17 <= c->value.len; i++) {
		if (c->value.bytes[i] != ' ')
			continue;
		memcpy(hex, c->value.bytes + i + 1, 16);
		hex[16] = '\0';
		if (cp_unhex(rev.bytes, sizeof rev.bytes, hex))
			cp_told_behind(e, rev.bytes, sizeof rev.bytes);
	}
}

static void causes(struct cp_story *t, struct cp_told *e, const struct cp_document *d, const struct cp_doc_edit *edit)
{
	cp_told_behind(e, edit->replaced, edit->n_replaced * sizeof *edit->replaced);
	if (d->table == CP_T_JUDGMENTS)
		behind_cell(e, edit, "assignment_rev");
	if (cp_table_is_settlement(d->table)) {
		behind_cell(e, edit, "weighed");
		behind_cell(e, edit, "stands");
	}
	if (d->table == CP_T_ASSIGNMENTS)
		behind_state(e, edit);
	for (size_t i = 0; d->table != CP_T_CASES && edit->n_replaced == 0 && i < t->n; i++) /* nothing before the case */
		if (t->list[i].is_edit && t->list[i].table == CP_T_CASES && t->list[i].n_behind == 0)
			cp_told_behind(e, t->list[i].rev.bytes, sizeof t->list[i].rev);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static enum cp_code tell_edit(struct cp_story *t, const struct cp_document *d, const struct cp_doc_edit *edit, const char *whom,
		struct cp_err *err)
{
	struct cp_told *e = cp_story_add(t, "");
	int64_t fate;

	name_event(e->what, d, edit);
	snprintf(e->whom, sizeof e->whom, "%s", whom);
	e->is_edit = true;
	e->table = d->table;
	e->rev = edit->rev;
	CP_TRY(cp_query_int(t->s, &fate, -1, err, "SELECT fate FROM edits WHERE doc = ?1 AND tbl = ?2 AND rev = ?3 AND commit_no = ?4",
			"diri", &d->id, (int64_t)d->table, &edit->rev, edit->commit_no));
	e->fate = (int)fate;
	CP_TRY(cp_attest_edit(&t->attests, edit, &e->by, err));
	CP_TRY(say_edit(t, e, d, edit, err));
	CP_TRY(reason_of(t, e, d, edit, err));
	causes(t, e, d, edit);
	return guideline_of(t, e, d, edit, err);
}

enum cp_code cp_story_document(struct cp_story *t, size_t table, const struct cp_id *id, const char *whom, int64_t commit_no,
		struct cp_err *err)
{
	struct cp_document d;
	enum cp_code code = CP_OK;

	CP_TRY(cp_document_load(t->s, table, id, &d, err));
	for (size_t i = 0; code == CP_OK && i < d.n; i++)
		if (commit_no == 0 || d.edits[i].commit_no == commit_no)
			code = tell_edit(t, &d, &d.edits[i], whom, err);
	cp_document_drop(&d);
	return code;
}
