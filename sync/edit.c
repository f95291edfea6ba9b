#include "sync/edit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/inner.h"

static enum cp_code session_begin(struct cp_store *s, int which, size_t first, size_t end, struct cp_err *err)
{
	if (sqlite3session_create(s->db, "main", &s->session[which]) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s: cannot record changes", s->path);
	for (size_t t = first; t < end; t++)
		if (sqlite3session_attach(s->session[which], cp_shapes[t].name) != SQLITE_OK)
			return cp_fail_sqlite(err, s->db, "%s: cannot record changes", s->path);
	return CP_OK;
}

static void sessions_end(struct cp_store *s)
{
	for (int which = 0; which < 2; which++) {
		if (s->session[which] != NULL)
			sqlite3session_delete(s->session[which]);
		s->session[which] = NULL;
	}
}

static enum cp_code begin_inside(struct cp_store *s, bool is_public, struct cp_err *err)
{
	if (is_public)
		CP_TRY(session_begin(s, 0, 0, CP_T_PUBLIC, err));
	if (s->private != NULL)
		CP_TRY(session_begin(s, 1, CP_T_PUBLIC, CP_T_COUNT, err));
	CP_TRY(cp_meta_int(s, "clock", &s->clock_before, err));
	return cp_clock_tick(s, &s->edit_clock, err);
}

static enum cp_code begin(struct cp_store *s, bool is_public, struct cp_err *err)
{
	enum cp_code code;

	assert(s->session[0] == NULL && s->session[1] == NULL);
	CP_TRY(cp_txn_begin(s, err));
	code = begin_inside(s, is_public, err);
	if (code != CP_OK) {
		sessions_end(s);
		cp_txn_rollback(s);
	}
	return code;
}

enum cp_code cp_edit_begin(struct cp_store *s, struct cp_err *err)
{
	return begin(s, true, err);
}

enum cp_code cp_edit_begin_private(struct cp_store *s, struct cp_err *err)
{
	assert(s->private != NULL);
	return begin(s, false, err);
}

void cp_edit_abort(struct cp_store *s)
{
	if (s->session[0] == NULL && s->session[1] == NULL)
		return;
	sessions_end(s);
	cp_txn_rollback(s);
}

/* ---- one document ------------------------------------------------------------------- */

static size_t column_named(size_t table, const char *name)
{
	for (size_t c = 0; c < cp_shapes[table].n_columns; c++)
		if (strcmp(cp_columns[table][c], name) == 0)
			return c;
	assert(0 && "no such column");
	return 0;
}

/* Put the sets into row; true when one of them changes it. */
static bool overlay(struct cp_value *row, size_t table, const struct cp_set *sets, size_t n)
{
	bool changes = false;

	for (size_t i = 0; i < n; i++) {
		size_t c = column_named(table, sets[i].column);

		changes = changes || !cp_value_equal(&row[c], &sets[i].value);
		row[c] = sets[i].value;
	}
	return changes;
}

void cp_hash_value(struct cp_hasher *h, const struct cp_value *v)
{
	uint8_t type = (uint8_t)v->type, number[8];
	uint64_t bits = (uint64_t)v->integer;

	if (v->type == CP_REAL)
		memcpy(&bits, &v->real, sizeof bits);
	for (int i = 0; i < 8; i++)
		number[i] = (uint8_t)(bits >> (56 - 8 * i));
	cp_hasher_add(h, &type, 1);
	if (v->type == CP_TEXT || v->type == CP_BLOB)
		cp_hasher_add_part(h, v->bytes, v->len);
	else if (v->type != CP_NULL)
		cp_hasher_add(h, number, sizeof number);
}

/* The rev of a derived edit: of what it replaces and what the row then holds. */
static void derive_rev(struct cp_rev *out, size_t table, const struct cp_value *row, const void *old_rev, size_t old_len)
{
	struct cp_hasher h;
	struct cp_hash whole;

	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, cp_shapes[table].name, strlen(cp_shapes[table].name));
	cp_hasher_add_part(&h, old_rev, old_len);
	for (size_t c = 0; c < cp_shapes[table].n_columns; c++)
		if (c != CP_C_REV && c != CP_C_CLOCK)
			cp_hash_value(&h, &row[c]);
	cp_hasher_end(&h, &whole);
	memcpy(out->bytes, whole.bytes, sizeof out->bytes);
}

/* The statement that inserts or updates a whole row without replacing it, so that the session sees it as such. */
static const char *write_sql(size_t table, bool is_new)
{
	static char made[2][CP_T_COUNT][512];
	char *sql = made[is_new][table];
	size_t n, size = sizeof made[0][0];

	if (*sql != '\0')
		return sql;
	n = (size_t)snprintf(sql, size, is_new ? "INSERT INTO %s VALUES(?1" : "UPDATE %s SET id = ?1", cp_shapes[table].name);
	for (size_t c = 1; c < cp_shapes[table].n_columns; c++)
		n += (size_t)(is_new ? snprintf(sql + n, size - n, ",?%zu", c + 1)
				: snprintf(sql + n, size - n, ", %s = ?%zu", cp_columns[table][c], c + 1));
	snprintf(sql + n, size - n, is_new ? ")" : " WHERE id = ?1");
	return sql;
}

/* Was the row written by the edit that is open? Then it keeps its rev: what one transaction does is one edit. */
static enum cp_code is_of_this_edit(struct cp_store *s, size_t table, const struct cp_value *row, bool *out,
		struct cp_err *err)
{
	int64_t indexed = 0;

	*out = row[CP_C_REV].len == sizeof(struct cp_rev) && row[CP_C_CLOCK].integer == s->edit_clock;
	if (*out)
		CP_TRY(cp_query_int(s, &indexed, 0, err, "SELECT 1 FROM edits WHERE doc = ?1 AND tbl = ?2 AND rev = ?3", "viv",
				&row[CP_C_ID], (int64_t)table, &row[CP_C_REV]));
	*out = *out && !indexed;
	return CP_OK;
}

enum cp_code cp_edit_document(struct cp_store *s, size_t table, const struct cp_id *id, const struct cp_set *sets,
		size_t n, enum cp_edit_mode mode, struct cp_rev *out_rev, bool *out_changed, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_rev rev;
	uint8_t old[512];
	size_t old_len;
	bool found, changes, again = false;

	assert(s->session[cp_table_is_private(table)] != NULL && table != CP_T_RATINGS);
	if (s->me.is_relay && !cp_table_is_work(table))
		return cp_fail(err, CP_EINPUT, "%s: is a relay: it passes on what a lead decides; ask the lead", s->path);
	CP_TRY(cp_row_get(s, table, id, row, &found, err));
	for (size_t c = 0; !found && c < cp_shapes[table].n_columns; c++)
		cp_table_default(&row[c], table, c);
	row[CP_C_ID] = cp_v_blob(id->bytes, sizeof id->bytes);
	old_len = found ? row[CP_C_REV].len : 0;
	if (found)
		memcpy(old, row[CP_C_REV].bytes, old_len);
	if (found && mode != CP_EDIT_DERIVED)
		CP_TRY(is_of_this_edit(s, table, row, &again, err));
	changes = overlay(row, table, sets, n) || !found || mode == CP_EDIT_FORCED;
	if (mode == CP_EDIT_DERIVED)
		derive_rev(&rev, table, row, old, old_len);
	else
		cp_rev_random(&rev);
	if (!changes || again)
		memcpy(rev.bytes, old, sizeof rev.bytes);
	if (out_rev != NULL)
		*out_rev = rev;
	if (out_changed != NULL)
		*out_changed = changes;
	if (!changes)
		return CP_OK;
	row[CP_C_CLOCK] = cp_v_int(mode != CP_EDIT_DERIVED ? s->edit_clock : found ? row[CP_C_CLOCK].integer + 1 : 1);
	row[CP_C_REV] = cp_v_blob(rev.bytes, sizeof rev.bytes);
	return cp_run_row(s, table, write_sql(table, !found), row, err);
}

enum cp_code cp_edit_rating(struct cp_store *s, const struct cp_id *judgment, const char *field, const char *result,
		const struct cp_rev *rev, const char *value, struct cp_err *err)
{
	return cp_run(s, err, "INSERT INTO ratings(judgment, field, result, rev, value) VALUES(?1, ?2, ?3, ?4, ?5)"
			" ON CONFLICT DO UPDATE SET rev = excluded.rev, value = excluded.value",
			"dttrt", judgment, field, result, rev, value);
}

/* ---- commit ------------------------------------------------------------------------- */

/* Older programs counted public and private saves together, and left the counting to SQLite. */
static enum cp_code last_number(struct cp_store *s, bool is_private, int64_t *out, struct cp_err *err)
{
	CP_TRY(cp_meta_int(s, is_private ? "outbox_private" : "outbox", out, err));
	if (*out == 0 && is_private)
		*out = CP_OUTBOX_PRIVATE;
	else if (*out == 0)
		CP_TRY(cp_query_int(s, out, 0, err, "SELECT seq FROM sqlite_sequence WHERE name = 'outbox' AND seq < ?1", "i",
				CP_OUTBOX_PRIVATE));
	return CP_OK;
}

enum cp_code cp_outbox_number(struct cp_store *s, bool is_private, int64_t *out, struct cp_err *err)
{
	int64_t last;

	CP_TRY(last_number(s, false, &last, err)); /* before SQLite has seen a number of the other kind */
	CP_TRY(cp_meta_set_int(s, "outbox", last, err));
	CP_TRY(last_number(s, is_private, &last, err));
	*out = last + 1;
	return cp_meta_set_int(s, is_private ? "outbox_private" : "outbox", *out, err);
}

/* What the session saw goes into the outbox; *out_seq is 0 when it saw nothing. */
static enum cp_code outbox_add(struct cp_store *s, int which, const char *words, int64_t *out_seq,
		struct cp_buf *changeset, struct cp_err *err)
{
	void *bytes = NULL;
	int len = 0;
	size_t edits;
	enum cp_code code;

	*out_seq = 0;
	if (sqlite3session_changeset(s->session[which], &len, &bytes) != SQLITE_OK) {
		sqlite3_free(bytes);
		return cp_fail(err, CP_EIO, "%s: the changes could not be recorded; nothing was changed", s->path);
	}
	code = cp_buf_add(changeset, bytes, (size_t)len, err);
	sqlite3_free(bytes);
	CP_TRY(code);
	if (len == 0)
		return CP_OK;
	CP_TRY(cp_changeset_edits(changeset->data, changeset->len, &edits, err));
	CP_TRY(cp_outbox_number(s, which == 1, out_seq, err));
	return cp_run(s, err, "INSERT INTO outbox(seq, is_private, words, edits, at_us, changeset, schema)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", "iitiibi", *out_seq, (int64_t)which, words, (int64_t)edits, s->edit_clock,
			changeset->data, changeset->len, (int64_t)CP_SCHEMA);
}

static enum cp_code commit_inside(struct cp_store *s, const char *words, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf public = CP_BUF((size_t)1 << 31);
	CP_AUTO(buf) struct cp_buf private = CP_BUF((size_t)1 << 31);
	int64_t seq[2] = { 0, 0 };
	bool is_public = s->session[0] != NULL;

	if (is_public)
		CP_TRY(outbox_add(s, 0, words, &seq[0], &public, err));
	if (s->session[1] != NULL)
		CP_TRY(outbox_add(s, 1, words, &seq[1], &private, err));
	sessions_end(s); /* what the index and the trees write is derived, and is not recorded */
	if (seq[0] == 0 && (seq[1] > 0 || !is_public)) /* the next public edit ticks as if this one had not been */
		CP_TRY(cp_meta_set_int(s, "clock", s->clock_before, err));
	if (seq[0] > 0)
		CP_TRY(cp_apply_own(s, public.data, public.len, -seq[0], err));
	if (seq[1] > 0)
		CP_TRY(cp_apply_own(s, private.data, private.len, -seq[1], err));
	return cp_txn_commit(s, err);
}

enum cp_code cp_edit_commit(struct cp_store *s, const char *words, struct cp_err *err)
{
	enum cp_code code = commit_inside(s, words, err);

	if (code != CP_OK) {
		sessions_end(s);
		cp_txn_rollback(s);
	}
	return code;
}
