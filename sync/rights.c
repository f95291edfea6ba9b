#include "sync/rights.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/form.h"
#include "sync/cases.h"
#include "sync/content.h"
#include "sync/document.h"
#include "sync/inner.h"
#include "sync/resolution.h"
#include "sync/rights_text.h"

#define TIME_MOST_MS ((int64_t)1 << 53) /* what every program that reads an export can count */

enum cp_code cp_author_find(struct cp_store *s, const struct cp_id *replica, struct cp_author *out, bool *found,
		struct cp_err *err)
{
	sqlite3_stmt *q;

	memset(out, 0, sizeof *out);
	out->replica = *replica;
	CP_TRY(cp_query(s, &q, err, "SELECT r.person, r.public_key, p.pseudonym, p.role = 'lead', r.state IN ('active', 'retired')"
			" AND p.state = 'active', p.role = 'relay', p.role = 'auditor' FROM replicas r JOIN persons p ON p.id = r.person WHERE r.id = ?1", "d", replica));
	CP_TRY(cp_step(s, q, found, err));
	if (!*found)
		return CP_OK;
	cp_col_id(q, 0, &out->person);
	cp_col_hash(q, 1, (struct cp_hash *)(void *)&out->key);
	snprintf(out->pseudonym, sizeof out->pseudonym, "%s", cp_col_text(q, 2));
	out->is_lead = sqlite3_column_int(q, 3) != 0;
	out->is_active = sqlite3_column_int(q, 4) != 0;
	out->is_relay = sqlite3_column_int(q, 5) != 0;
	out->is_auditor = sqlite3_column_int(q, 6) != 0;
	sqlite3_reset(q);
	return CP_OK;
}

enum cp_code cp_author_named(const struct cp_author *author, const struct cp_commit *c, const char *oid, struct cp_err *err)
{
	return strcmp(c->committer.name, author->pseudonym) == 0 ? CP_OK
		: cp_fail(err, CP_ETRUST, "commit %.12s is by %s, but calls its author %s", oid, author->pseudonym, c->committer.name);
}

/* What is known of the judgment whose rows are being read. */
struct judged {
	struct cp_id id;               /* of the assignment */
	struct cp_rev rev;             /* the edit's rev */
	struct cp_id form_version;
	struct cp_hash content;
	json_t *names; bool has_names; /* of the results that were on screen; NULL: nobody can say any more */
};

struct checking {
	struct cp_store *s;
	const struct cp_author *author;
	const void *changeset; size_t len;
	enum cp_verdict verdict;
	char *why;                     /* 256 bytes */
	struct judged *seen; uint32_t n, room; /* one a judgment edit of this changeset */
	uint32_t *slots;               /* twice room, a power of two: index + 1 by hash; 0: free */
	struct cp_buf written;         /* of each row a hash of 16 bytes: its table, key and rev */
	struct cp_revisions revisions; /* of this changeset */
	struct cp_id form_id; struct cp_form form; bool has_form; /* the last one read */
};

static void checking_drop(struct checking *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		json_decref(c->seen[i].names);
	free(c->seen);
	free(c->slots);
	cp_buf_drop(&c->written);
	cp_revisions_drop(&c->revisions);
	if (c->has_form)
		cp_form_drop(&c->form);
}
#define cp_checking_drop checking_drop

static void say(struct checking *c, enum cp_verdict v, const char *fmt, ...) CP_PRINTF(3, 4);
static void say(struct checking *c, enum cp_verdict v, const char *fmt, ...)
{
	va_list args;

	if (c->verdict == CP_REFUSE || (c->verdict == CP_WAIT && v == CP_WAIT))
		return; /* the first refusal, else the first wait, is the reason */
	c->verdict = v;
	va_start(args, fmt);
	vsnprintf(c->why, 256, fmt, args);
	va_end(args);
}

static const char *short_hex(const void *bytes, char out[17])
{
	return cp_hex(out, bytes, 8);
}

/* ---- judgments -------------------------------------------------------------------------- */

static void take_blob(const struct cp_value *v, void *out, size_t len)
{
	if (v->type == CP_BLOB && v->len == len)
		memcpy(out, v->bytes, len);
}

/* Where that edit is among the slots, or would go. */
static uint32_t slot_of(const struct checking *k, const void *id, const void *rev)
{
	uint32_t mask = 2 * k->room - 1, h;

	memcpy(&h, rev, sizeof h); /* drawn at random */
	for (h &= mask; k->slots[h] != 0; h = (h + 1) & mask) {
		const struct judged *j = &k->seen[k->slots[h] - 1];

		if (memcmp(&j->id, id, 16) == 0 && memcmp(&j->rev, rev, 8) == 0)
			break;
	}
	return h;
}

static struct judged *seen_find(const struct checking *k, const void *id, const void *rev)
{
	uint32_t at = k->n > 0 ? k->slots[slot_of(k, id, rev)] : 0;

	return at > 0 ? &k->seen[at - 1] : NULL;
}

static enum cp_code seen_grow(struct checking *k, struct cp_err *err)
{
	uint32_t room = k->room > 0 ? k->room * 2 : 64;
	struct judged *seen = reallocarray(k->seen, room, sizeof *seen);

	if (seen == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	k->seen = seen;
	free(k->slots);
	k->slots = calloc((size_t)room * 2, sizeof *k->slots);
	if (k->slots == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	k->room = room;
	for (uint32_t i = 0; i < k->n; i++)
		k->slots[slot_of(k, &k->seen[i].id, &k->seen[i].rev)] = i + 1;
	return CP_OK;
}

static enum cp_code seen_add(struct checking *k, const struct judged *j, struct cp_err *err)
{
	if (k->n == k->room)
		CP_TRY(seen_grow(k, err));
	k->seen[k->n++] = *j;
	k->slots[slot_of(k, &j->id, &j->rev)] = k->n;
	return CP_OK;
}

/* Form and content as that edit left them: its own, else those of the edit that it grew from. */
static enum cp_code base_in_tree(struct checking *k, struct judged *j, const uint8_t *rev, bool *known, struct cp_err *err)
{
	struct cp_document d;
	bool has_form = false, has_content = false;

	CP_TRY(cp_document_load(k->s, CP_T_JUDGMENTS, &j->id, &d, err));
	for (size_t steps = 0; rev != NULL && steps <= d.n; steps++) {
		const struct cp_doc_edit *e = NULL;

		for (size_t i = 0; i < d.n && e == NULL; i++)
			if (d.edits[i].has_row && memcmp(d.edits[i].rev.bytes, rev, 8) == 0)
				e = &d.edits[i];
		*known = *known || e != NULL;
		for (size_t i = 0; e != NULL && i < e->n_cells; i++) {
			const struct cp_cell_write *cell = &e->cells[i];

			if (!cell->is_answer && cell->column == CP_J_FORM_VERSION && !has_form)
				take_blob(&cell->value, &j->form_version, 16), has_form = true;
			if (!cell->is_answer && cell->column == CP_J_CONTENT && !has_content)
				take_blob(&cell->value, &j->content, 32), has_content = true;
		}
		rev = e != NULL && e->n_replaced > 0 ? e->replaced[0].bytes : NULL;
	}
	cp_document_drop(&d);
	return CP_OK;
}

/* What an update builds on: an edit of the same changeset, what the row shows, or another one of the tree. Never
 * simply the row: that may show what the other device of its author left. */
static enum cp_code base_of(struct checking *k, const struct cp_change *c, struct judged *j, bool *known, struct cp_err *err)
{
	struct cp_value held[CP_MAX_COLUMNS];
	const uint8_t *parent = c->was[CP_C_REV].bytes;
	const struct judged *here;
	bool has_row;

	*known = c->op == CP_INSERT;
	if (*known)
		return CP_OK;
	here = seen_find(k, &j->id, parent);
	if (here != NULL) {
		j->form_version = here->form_version;
		j->content = here->content;
		*known = true;
		return CP_OK;
	}
	CP_TRY(cp_row_get(k->s, CP_T_JUDGMENTS, &j->id, held, &has_row, err));
	if (!has_row || memcmp(held[CP_C_REV].bytes, parent, 8) != 0)
		return base_in_tree(k, j, parent, known, err);
	take_blob(&held[CP_J_FORM_VERSION], &j->form_version, 16);
	take_blob(&held[CP_J_CONTENT], &j->content, 32);
	*known = true;
	return CP_OK;
}

static enum cp_code check_assignment(struct checking *k, const struct cp_id *id, bool *known, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	char hex[17];

	CP_TRY(cp_row_get(k->s, CP_T_ASSIGNMENTS, id, row, known, err));
	if (!*known)
		say(k, CP_WAIT, "assignment %s is not known here yet", short_hex(id, hex));
	else if (row[4].len != 16 || memcmp(row[4].bytes, k->author->person.bytes, 16) != 0)
		say(k, CP_REFUSE, "judgment %s is another person's", short_hex(id, hex));
	return CP_OK;
}

static enum cp_code check_named(struct checking *k, const struct cp_change *c, const struct judged *j, struct cp_err *err)
{
	const struct cp_value *guideline = &c->now[CP_J_GUIDELINE_REVISION];
	char hex[17];
	int64_t n;
	bool has;

	CP_TRY(cp_query_int(k->s, &n, 0, err, "SELECT 1 FROM form_versions WHERE id = ?1", "d", &j->form_version));
	if (!n)
		say(k, CP_WAIT, "form version %s is not known here yet", short_hex(&j->form_version, hex));
	if (guideline->type == CP_BLOB && guideline->len == 16) {
		CP_TRY(cp_query_int(k->s, &n, 0, err, "SELECT 1 FROM guideline_revisions WHERE id = ?1", "v", guideline));
		if (!n)
			say(k, CP_WAIT, "guideline revision %s is not known here yet", short_hex(guideline->bytes, hex));
	} else if (guideline->type == CP_BLOB && guideline->len != 0) {
		say(k, CP_REFUSE, "a guideline revision of %zu bytes", guideline->len);
	}
	CP_TRY(cp_content_has(k->s, &j->content, &has, err));
	if (!has) /* of a forgotten case no version comes any more */
		CP_TRY(cp_query_int(k->s, &n, 0, err, "SELECT 1 FROM cases WHERE content = ?1 UNION ALL SELECT 1 FROM assignments a"
				" JOIN cases c ON c.id = a.case_id WHERE a.id = ?2 AND c.state = 'forgotten' LIMIT 1", "hd", &j->content, &j->id));
	if (!has && !n)
		say(k, CP_WAIT, "content %s is not known here yet", short_hex(&j->content, hex));
	return CP_OK;
}

static enum cp_code check_judgment(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	static const char *const states[] = { "submitted", "skipped", "escalated", "withdrawn" };
	const struct cp_value *state = &c->now[CP_J_STATE];
	struct judged j = { .has_names = false };
	bool known, has_base, good = state->type == CP_ABSENT;
	char hex[17];

	memcpy(&j.id, cp_change_key(c, 0)->bytes, 16);
	memcpy(&j.rev, c->now[CP_C_REV].bytes, 8);
	CP_TRY(check_assignment(k, &j.id, &known, err));
	CP_TRY(base_of(k, c, &j, &has_base, err));
	take_blob(&c->now[CP_J_FORM_VERSION], &j.form_version, 16);
	take_blob(&c->now[CP_J_CONTENT], &j.content, 32);
	for (size_t i = 0; i < 4; i++)
		good = good || (state->len == strlen(states[i]) && memcmp(state->bytes, states[i], state->len) == 0);
	if (!good)
		say(k, CP_REFUSE, "a judgment in an unknown state");
	for (size_t i = CP_J_ACTIVE_MS; i <= CP_J_WALL_MS; i++)
		if (c->now[i].type == CP_INT && (c->now[i].integer < 0 || c->now[i].integer > TIME_MOST_MS))
			say(k, CP_REFUSE, "a judgment that took %lld ms", (long long)c->now[i].integer);
	if (!has_base)
		say(k, CP_WAIT, "judgment %s builds on an edit that has not come yet", short_hex(&j.id, hex));
	else if (known)
		CP_TRY(check_named(k, c, &j, err));
	return seen_add(k, &j, err);
}

/* ---- answers ------------------------------------------------------------------------------ */

static enum cp_code form_of(struct checking *k, const struct cp_id *version, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	bool found;

	if (k->has_form && cp_id_equal(&k->form_id, version))
		return CP_OK;
	if (k->has_form)
		cp_form_drop(&k->form);
	k->has_form = false;
	CP_TRY(cp_query_text(k->s, &body, &found, err, "SELECT body FROM form_versions WHERE id = ?1", "d", version));
	if (!found)
		return CP_OK;
	CP_TRY(cp_form_read(&k->form, body.data, body.len, err));
	k->has_form = true;
	k->form_id = *version;
	return CP_OK;
}

/* Once for each judgment: its answers do not come one behind the other. */
static enum cp_code names_of(struct checking *k, struct judged *j, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf names = CP_BUF(CP_TEXT_MAX);
	enum cp_code code;

	if (j->has_names)
		return CP_OK;
	j->has_names = true;
	code = cp_case_result_names(k->s, &j->id, &j->content, &names, err);
	if (code == CP_ENOTFOUND)
		return CP_OK; /* erased since: nobody can say any more */
	if (code == CP_EINPUT) {
		say(k, CP_REFUSE, "a judgment of content that is another case's");
		return CP_OK;
	}
	CP_TRY(code);
	j->names = json_loadb(names.data ? names.data : "[]", names.data ? names.len : 2, 0, NULL);
	return CP_OK;
}

static enum cp_code check_result(struct checking *k, struct judged *j, const struct cp_value *result, struct cp_err *err)
{
	bool found = false;
	json_t *v;
	size_t i;

	CP_TRY(names_of(k, j, err));
	if (j->names == NULL)
		return CP_OK;
	json_array_foreach(j->names, i, v)
		found = found || (json_string_length(v) == result->len &&
				memcmp(json_string_value(v), result->bytes, result->len) == 0);
	if (!found)
		say(k, CP_REFUSE, "an answer for result \"%.*s\", which the case does not have", (int)(result->len > 64 ? 64 : result->len),
				(const char *)result->bytes);
	return CP_OK;
}

static enum cp_code check_answer(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	const struct cp_value *field = cp_change_key(c, CP_R_FIELD), *result = cp_change_key(c, CP_R_RESULT);
	const struct cp_value *value = &c->now[CP_R_VALUE];
	const struct cp_field *f;
	struct judged *j = seen_find(k, cp_change_key(c, 0)->bytes, c->now[CP_R_REV].bytes);
	char name[64];

	if (j == NULL) {
		say(k, CP_REFUSE, "an answer whose judgment was not written with it");
		return CP_OK;
	}
	CP_TRY(form_of(k, &j->form_version, err));
	if (!k->has_form || k->verdict == CP_WAIT)
		return CP_OK; /* waits for the form */
	snprintf(name, sizeof name, "%.*s", (int)(field->len > 63 ? 63 : field->len), (const char *)field->bytes);
	f = cp_form_field(&k->form, name);
	if (f == NULL || strlen(f->name) != field->len)
		say(k, CP_REFUSE, "the form has no field \"%s\"", name);
	else if ((f->scope == CP_PAGE) != (result->len == 0))
		say(k, CP_REFUSE, "%s is asked of %s", name, f->scope == CP_PAGE ? "the page" : "each result");
	else if (value->type == CP_TEXT && !cp_field_accepts(f, (const char *)value->bytes, value->len))
		say(k, CP_REFUSE, "%s: \"%.*s\" is not a value of this field", name, (int)(value->len > 64 ? 64 : value->len),
				(const char *)value->bytes);
	else if (result->len > 0)
		return check_result(k, j, result, err);
	return CP_OK;
}

/* ---- settling -----------------------------------------------------------------------------------

 * Who decides signs for it: the person of the row is its author. */

static void check_decider(struct checking *k, const struct cp_change *c, size_t person)
{
	if (c->now[person].type != CP_ABSENT && (c->now[person].len != 16 ||
			memcmp(c->now[person].bytes, k->author->person.bytes, 16) != 0))
		say(k, CP_REFUSE, "a row of %s in another person's name", cp_shapes[c->table].name);
}

static enum cp_code check_resolution(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	char why[256];
	bool good;

	CP_TRY(cp_resolution_check(c, k->changeset, k->len, &good, why, err));
	if (!good)
		say(k, CP_REFUSE, "%s", why);
	check_decider(k, c, CP_RES_PERSON);
	return CP_OK;
}

static void check_settlement(struct checking *k, const struct cp_change *c)
{
	const struct cp_value *stands = &c->now[CP_S_STANDS], *weighed = &c->now[CP_S_WEIGHED];

	check_decider(k, c, CP_S_PERSON);
	if ((stands->type != CP_ABSENT && stands->len != sizeof(struct cp_rev)) ||
			(weighed->type != CP_ABSENT && (weighed->len == 0 || weighed->len % sizeof(struct cp_rev) != 0)))
		say(k, CP_REFUSE, "a settlement that does not name edits");
}

/* What left a hub stays as it was said then. */
static void check_export(struct checking *k, const struct cp_change *c)
{
	const struct cp_value *file = &c->now[CP_EX_FILE];

	check_decider(k, c, CP_EX_PERSON);
	if (c->op != CP_INSERT || file->len != sizeof(struct cp_hash))
		say(k, CP_REFUSE, "an export that is changed later, or names no file");
}

/* ---- all rows ------------------------------------------------------------------------------ */

static bool is_joined(const struct cp_value *rev)
{
	return rev->type == CP_BLOB && rev->len >= 8 && rev->len <= 8 * CP_ROW_REVS && rev->len % 8 == 0;
}

/* Content is named by its hash, or not at all; results are a list of names. */
static bool case_holds(const struct cp_change *c)
{
	const struct cp_value *content = &c->now[7], *results = &c->now[8];
	json_t *names, *v;
	bool good;
	size_t i;

	if (content->type == CP_BLOB && content->len != 0 && content->len != sizeof(struct cp_hash))
		return false;
	if (results->type != CP_TEXT)
		return true;
	names = json_loadb((const char *)results->bytes, results->len, 0, NULL);
	good = json_is_array(names);
	json_array_foreach(names, i, v)
		good = good && json_is_string(v);
	json_decref(names);
	return good;
}

static bool types_hold(const struct cp_change *c, bool is_material)
{
	const struct cp_value *key = cp_change_key(c, 0), *rev = &c->now[cp_table_rev(c->table)];
	const struct cp_value *old = &c->was[cp_table_rev(c->table)];

	if (key->type != CP_BLOB || key->len != 16 || !is_joined(rev) || (!is_material && rev->len != 8))
		return false;
	if (c->op == CP_UPDATE && !is_joined(old))
		return false;
	if (c->table == CP_T_RATINGS)
		return cp_change_key(c, CP_R_FIELD)->type == CP_TEXT && cp_change_key(c, CP_R_RESULT)->type == CP_TEXT &&
			(c->now[CP_R_VALUE].type == CP_TEXT || c->now[CP_R_VALUE].type == CP_NULL ||
			 c->now[CP_R_VALUE].type == CP_ABSENT);
	if (c->now[CP_C_CLOCK].type != CP_INT || c->now[CP_C_CLOCK].integer < 0 || (c->table == CP_T_CASES && !case_holds(c)))
		return false;
	for (size_t i = CP_C_CLOCK + 1; i < cp_shapes[c->table].n_columns; i++) {
		struct cp_value def;

		cp_table_default(&def, c->table, i);
		if (c->now[i].type != CP_ABSENT && c->now[i].type != def.type && !(def.type == CP_NULL && c->now[i].type == CP_TEXT))
			return false;
	}
	return true;
}

enum cp_code cp_rights_types(const void *changeset, size_t len, bool is_material, bool *out, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	*out = true;
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		*out = *out && types_hold(&c, is_material);
	}
}

static enum cp_code check_revision(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	enum cp_verdict verdict;
	char why[256];

	CP_TRY(cp_revision_check(k->s, &k->revisions, c, &verdict, why, err));
	if (verdict != CP_ACCEPT)
		say(k, verdict, "%s", why);
	return CP_OK;
}

static enum cp_code note_written(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	const void *parts[5] = { cp_shapes[c->table].name, c->now[cp_table_rev(c->table)].bytes };
	size_t lens[5] = { strlen(cp_shapes[c->table].name), 8 }, n = 2;
	struct cp_id id;

	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		if (cp_shapes[c->table].key[i] != 0) {
			parts[n] = cp_change_key(c, i)->bytes;
			lens[n++] = cp_change_key(c, i)->len;
		}
	cp_id_derive(&id, "row", n, parts, lens);
	return cp_buf_add(&k->written, id.bytes, sizeof id.bytes, err);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cp_id));
}

/* An edit writes a row once: of two under one rev nobody could say which it meant. */
static void check_written(struct checking *k)
{
	size_t size = sizeof(struct cp_id), n = k->written.len / size;

	if (n > 1)
		qsort(k->written.data, n, size, by_bytes);
	for (size_t i = 1; i < n; i++)
		if (by_bytes(k->written.data + (i - 1) * size, k->written.data + i * size) == 0)
			say(k, CP_REFUSE, "one edit writes a row twice");
}

static enum cp_code check_change(struct checking *k, const struct cp_change *c, struct cp_err *err)
{
	if (!types_hold(c, false)) {
		say(k, CP_REFUSE, "a row of %s with values of the wrong type or length", cp_shapes[c->table].name);
		return CP_OK;
	}
	if (k->author->is_auditor) {
		say(k, CP_REFUSE, "a row of %s by an auditor, who reads and writes nothing", cp_shapes[c->table].name);
		return CP_OK;
	}
	CP_TRY(note_written(k, c, err));
	if (c->table == CP_T_JUDGMENTS)
		return check_judgment(k, c, err);
	if (c->table == CP_T_RATINGS)
		return check_answer(k, c, err);
	if (!k->author->is_lead)
		say(k, CP_REFUSE, "a row of %s, which only a lead may write", cp_shapes[c->table].name);
	else if (c->table == CP_T_RESOLUTIONS)
		return check_resolution(k, c, err);
	else if (c->table == CP_T_SETTLEMENTS)
		check_settlement(k, c);
	else if (c->table == CP_T_RULINGS)
		check_decider(k, c, CP_RU_PERSON);
	else if (c->table == CP_T_EXPORTS)
		check_export(k, c);
	else if (c->table == CP_T_GUIDELINE_REVISIONS || c->table == CP_T_FORM_VERSIONS)
		return check_revision(k, c, err);
	return CP_OK;
}

enum cp_code cp_rights_check(struct cp_store *s, const struct cp_author *author, const void *changeset, size_t len,
		enum cp_verdict *out, char why[256], struct cp_err *err)
{
	CP_AUTO(checking) struct checking k = { .s = s, .author = author, .changeset = changeset, .len = len, .verdict = CP_ACCEPT, .why = why,
		.written = CP_BUF((size_t)1 << 31) };

	why[0] = '\0';
	/* Judgments first: in a joined changeset an answer may stand before or behind its judgment's row. */
	for (int pass = 0; pass < 2; pass++) {
		struct cp_changeset r;
		struct cp_change c;
		bool more = true;

		cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
		for (;;) {
			CP_TRY(cp_changeset_next(&r, &c, &more, err));
			if (!more)
				break;
			if ((c.table == CP_T_RATINGS) == (pass == 1))
				CP_TRY(check_change(&k, &c, err));
		}
	}
	check_written(&k);
	*out = k.verdict;
	return CP_OK;
}
