#include "sync/outbound.h"

#include <inttypes.h>
#include <string.h>

#include "sync/apply.h"
#include "sync/copies.h"
#include "sync/heads.h"
#include "sync/content.h"
#include "sync/inner.h"
#include "sync/proof.h"
#include "sync/rights.h"
#include "sync/secrets.h"

/*
 * What a device may see, table by table in the order of the schema; ?1 is the person, ?2 the device. A
 * relay's device sees what the devices see whose home it is. Never another rater's row, gold, or a private table.
 */
#define US "(SELECT ?1 UNION SELECT person FROM replicas WHERE home = ?2)"
#define HOME "(SELECT home FROM replicas WHERE id = ?2)"
#define OUR_CASES "SELECT case_id FROM assignments WHERE person IN " US
static const struct { enum cp_table table; const char *sql; } scope[] = {
	{ CP_T_PROJECT, "SELECT * FROM project WHERE ?1 = ?1 AND ?2 = ?2" },
	{ CP_T_PERSONS, "SELECT * FROM persons WHERE id IN " US " OR role = 'lead' OR id IN"
		" (SELECT person FROM replicas WHERE id IN " HOME ") ORDER BY id" },
	{ CP_T_REPLICAS, "SELECT * FROM replicas WHERE person IN " US " OR id IN " HOME
		" OR id IN (SELECT id FROM given WHERE replica = ?2 AND tbl = 2)" /* that it moved elsewhere, or is revoked */
		" OR (is_hub = 1 AND person IN (SELECT id FROM persons WHERE role = 'lead')) ORDER BY id" },
	{ CP_T_CASES, "SELECT * FROM cases WHERE id IN (" OUR_CASES ") ORDER BY id" },
	{ CP_T_GUIDELINES, "SELECT * FROM guidelines WHERE id IN (SELECT guideline FROM assignments WHERE person IN " US ")"
		" ORDER BY id" },
	{ CP_T_GUIDELINE_REVISIONS, "SELECT * FROM guideline_revisions v WHERE"
		" ((parent_doc IN (SELECT guideline FROM assignments WHERE person IN " US ") AND id = "
		CP_CURRENT("guideline_revisions", "v.parent_doc") ")"
		" OR id IN (SELECT j.guideline_revision FROM judgments j JOIN assignments a ON a.id = j.id WHERE a.person IN " US "))"
		" ORDER BY id" },
	{ CP_T_FORMS, "SELECT * FROM forms WHERE id IN (SELECT form FROM assignments WHERE person IN " US ") ORDER BY id" },
	{ CP_T_FORM_VERSIONS, "SELECT * FROM form_versions v WHERE"
		" ((parent_doc IN (SELECT form FROM assignments WHERE person IN " US ") AND id = "
		CP_CURRENT("form_versions", "v.parent_doc") ")"
		" OR id IN (SELECT j.form_version FROM judgments j JOIN assignments a ON a.id = j.id WHERE a.person IN " US "))"
		" ORDER BY id" },
	{ CP_T_ASSIGNMENTS, "SELECT * FROM assignments WHERE person IN " US " ORDER BY id" },
	{ CP_T_SETTLEMENTS, "SELECT t.* FROM settlements t JOIN assignments a ON a.id = t.id WHERE a.person IN " US " ORDER BY t.id" },
	{ CP_T_RULINGS, "SELECT * FROM rulings WHERE about IN (SELECT c.oid FROM commits c JOIN replicas r ON r.id = c.replica"
		" WHERE r.person IN " US ") ORDER BY id" },
};

struct giving {
	struct cp_buf changeset; size_t header_of; int64_t rows, assignments;
	struct cp_oid instead_of; /* the end that the device named of a chain that I no longer know */
};

static enum cp_code record_row(struct cp_store *s, const struct cp_id *device, size_t table, const struct cp_value *row,
		struct cp_err *err)
{
	return cp_run(s, err, "INSERT OR REPLACE INTO given(replica, tbl, id, rev) VALUES(?1, ?2, ?3, ?4)", "divv", device,
			(int64_t)table, &row[CP_C_ID], &row[CP_C_REV]);
}

static enum cp_code record_tip(struct cp_store *s, const struct cp_id *device, const char *oid, struct cp_err *err)
{
	return cp_run(s, err, "INSERT INTO peers(replica, outbound) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET"
			" outbound = excluded.outbound", "dt", device, oid);
}

enum cp_code cp_outbound_record(struct cp_store *s, const struct cp_id *device, const char *oid, const void *changeset,
		size_t len, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return record_tip(s, device, oid, err);
		CP_TRY(record_row(s, device, c.table, c.now, err));
	}
}

struct recalling { struct cp_store *s; const struct cp_id *device; };

static enum cp_code recall_one(void *user, const char *oid, const struct cp_commit *unused, struct cp_err *err)
{
	struct recalling *r = user;
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);

	(void)unused;
	CP_TRY(cp_repo_read_path(r->s->history, oid, "changeset", &changeset, err));
	return cp_outbound_record(r->s, r->device, oid, changeset.data, changeset.len, err);
}

/*
 * The branch moved and COMMIT never came. Giving the same rows once more would make a second commit with the same
 * tree, which no bundle can carry beside the first.
 */
static enum cp_code recall(struct cp_store *s, const struct cp_id *device, const char *tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf recorded = CP_BUF(64);
	struct recalling r = { s, device };
	const char *from;

	CP_TRY(cp_query_text(s, &recorded, NULL, err, "SELECT outbound FROM peers WHERE replica = ?1", "d", device));
	from = recorded.len ? recorded.data : "";
	if (*from != '\0' && !cp_chain_reaches(s->history, tip, from)) { /* the chain began anew just then */
		CP_TRY(cp_run(s, err, "DELETE FROM given WHERE replica = ?1", "d", device));
		from = "";
	}
	return strcmp(from, tip) == 0 ? CP_OK : cp_repo_walk(s->history, tip, from, recall_one, &r, err);
}

/* A case that another hub imported may be here before what it shows: it is given with it, not before. */
static enum cp_code has_content(struct cp_store *s, size_t table, const struct cp_value *row, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf content = CP_BUF(64);
	struct cp_hash hash;
	bool found;

	*out = true;
	if (table != CP_T_CASES && table != CP_T_ASSIGNMENTS)
		return CP_OK;
	CP_TRY(cp_query_text(s, &content, &found, err, "SELECT content FROM cases WHERE id = ?1 AND state <> 'forgotten'", "v",
			table == CP_T_CASES ? &row[CP_C_ID] : &row[CP_A_CASE]));
	if (!found || content.len != sizeof hash.bytes)
		return CP_OK;
	memcpy(hash.bytes, content.data, sizeof hash.bytes);
	return cp_content_has(s, &hash, out, err);
}

static enum cp_code give_row(struct cp_store *s, const struct cp_device *d, size_t table, sqlite3_stmt *q,
		struct giving *g, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	int64_t same;
	bool has;

	for (size_t c = 0; c < cp_shapes[table].n_columns; c++)
		cp_col_value(q, (int)c, &row[c]);
	CP_TRY(cp_query_int(s, &same, 0, err, "SELECT rev = ?4 FROM given WHERE replica = ?1 AND tbl = ?2 AND id = ?3", "divv",
			&d->replica, (int64_t)table, &row[CP_C_ID], &row[CP_C_REV]));
	if (same)
		return CP_OK;
	CP_TRY(has_content(s, table, row, &has, err));
	if (!has)
		return CP_OK;
	if (g->header_of != table + 1)
		CP_TRY(cp_changeset_add_table(&g->changeset, &cp_shapes[table], err));
	g->header_of = table + 1;
	g->rows++;
	g->assignments += table == CP_T_ASSIGNMENTS;
	CP_TRY(cp_changeset_add_insert(&g->changeset, &cp_shapes[table], row, err));
	return record_row(s, &d->replica, table, row, err);
}

static enum cp_code gather(struct cp_store *s, const struct cp_device *d, struct giving *g, struct cp_err *err)
{
	for (size_t i = 0; i < sizeof scope / sizeof scope[0]; i++) {
		sqlite3_stmt *q;
		bool row;

		CP_TRY(cp_query(s, &q, err, scope[i].sql, "dd", &d->person, &d->replica));
		for (;;) {
			CP_TRY(cp_step(s, q, &row, err));
			if (!row)
				break;
			CP_TRY(give_row(s, d, scope[i].table, q, g, err));
		}
	}
	return CP_OK;
}

static enum cp_code commit_given(struct cp_store *s, const struct cp_device *d, const struct giving *g, struct cp_oid *tip,
		struct cp_err *err)
{
	char words[512], hex[CP_ID_HEX];
	int64_t now = cp_now_us(), given_out;
	struct cp_oid oid;

	snprintf(words, sizeof words, "material for %s: %" PRId64 " rows, %" PRId64 " assignments\n\nCasepack-Outbound: %s%s%s",
			d->pseudonym, g->rows, g->assignments, cp_hex(hex, d->replica.bytes, 16),
			*g->instead_of.hex ? "\nCasepack-Instead-Of: " : "", g->instead_of.hex);
	CP_TRY(cp_meta_int(s, "given_out", &given_out, err));
	CP_TRY(cp_meta_set_int(s, "given_out", given_out + 1, err));
	CP_TRY(cp_change_commit_make(s, s->history, tip, g->changeset.data, g->changeset.len, words, CP_SCHEMA, g->rows, 0, now, &oid, err));
	*tip = oid;
	return CP_OK;
}

/* By which hub a commit of material is. */
static enum cp_code giver_of(struct cp_store *s, const char *oid, struct cp_id *out, struct cp_err *err)
{
	struct cp_commit c = { 0 };
	char hex[CP_ID_HEX];

	CP_TRY(cp_repo_read_commit(s->history, oid, &c, err));
	snprintf(hex, sizeof hex, "%.32s", c.committer.email);
	if (!cp_unhex(out->bytes, 16, hex))
		memset(out, 0, sizeof *out);
	cp_commit_drop(&c);
	return CP_OK;
}

/* What the first commit of a chain says that it stands for. */
static enum cp_code see_first(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_oid *instead_of = user;
	const char *text;
	size_t len;

	(void)oid, (void)err;
	if (c->n_parents == 0 && cp_commit_trailer(c, "Casepack-Instead-Of", 0, &text, &len) && len == 40)
		snprintf(instead_of->hex, sizeof instead_of->hex, "%.40s", text);
	return CP_OK;
}

/*
 * May the chain go on? It begins anew where I wrote it under a former id (I was copied or put back), and
 * where the device holds material behind it that I do not know (I was put back and nobody noticed).
 */
static enum cp_code begin_anew(struct cp_store *s, const struct cp_device *d, struct cp_oid *tip, struct giving *g,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf named = CP_BUF(64);
	struct cp_oid answered = { "" };
	struct cp_id giver;
	bool is_mine, was_me;

	if (*tip->hex == '\0')
		return CP_OK;
	CP_TRY(cp_query_text(s, &named, NULL, err, "SELECT outbound_acked FROM peers WHERE replica = ?1", "d", &d->replica));
	CP_TRY(giver_of(s, tip->hex, &giver, err));
	CP_TRY(cp_copy_was_me(s, &giver, &was_me, err));
	is_mine = cp_id_equal(&giver, &s->me.replica) || !was_me; /* whose home moved here goes on with the chain it has */
	if (is_mine && (named.len == 0 || cp_chain_reaches(s->history, tip->hex, named.data)))
		return CP_OK;
	CP_TRY(cp_repo_walk(s->history, tip->hex, "", see_first, &answered, err));
	if (is_mine && strcmp(answered.hex, named.data) == 0)
		return CP_OK;
	if (is_mine)
		snprintf(g->instead_of.hex, sizeof g->instead_of.hex, "%s", named.data);
	tip->hex[0] = '\0';
	return cp_run(s, err, "DELETE FROM given WHERE replica = ?1", "d", &d->replica);
}

enum cp_code cp_outbound_make(struct cp_store *s, const struct cp_device *d, struct cp_oid *tip, bool *is_new,
		struct cp_err *err)
{
	struct giving g = { .changeset = CP_BUF((size_t)1 << 31) };
	char branch[80], hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(branch, sizeof branch, "outbound/%s", cp_hex(hex, d->replica.bytes, 16));
	*is_new = false;
	CP_TRY(cp_repo_branch(s->history, branch, tip, err));
	CP_TRY(begin_anew(s, d, tip, &g, err));
	if (*tip->hex)
		CP_TRY(recall(s, &d->replica, tip->hex, err));
	code = gather(s, d, &g, err);
	if (code == CP_OK && g.rows > 0) /* what is given once stays on the chain */
		code = cp_secrets_check_given(s, d, g.changeset.data, g.changeset.len, err);
	if (code == CP_OK && g.rows > 0) {
		*is_new = true;
		code = commit_given(s, d, &g, tip, err);
		if (code == CP_OK)
			code = record_tip(s, &d->replica, tip->hex, err);
	}
	cp_buf_drop(&g.changeset);
	return code;
}

/* ---- the receiving side -------------------------------------------------------------------- */

static bool is_in_scope(size_t table)
{
	for (size_t i = 0; i < sizeof scope / sizeof scope[0]; i++)
		if ((size_t)scope[i].table == table)
			return true;
	return false;
}

/* What a lead settled decides which of the edits here stands, as at the hub. */
static enum cp_code put_row(struct cp_store *s, struct cp_change *c, struct cp_err *err)
{
	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		if (c->now[i].type == CP_ABSENT) /* added to the table since */
			cp_table_default(&c->now[i], c->table, i);
	if (cp_row_put(s, c->table, c->now, err) != CP_OK)
		return (sqlite3_errcode(s->db) & 0xff) != SQLITE_CONSTRAINT ? err->code : cp_fail(err, CP_EFORMAT,
				"material with a row of %s that breaks a rule of the database", cp_shapes[c->table].name);
	return c->table == CP_T_SETTLEMENTS
		? cp_apply_tree(s, CP_T_JUDGMENTS, (const struct cp_id *)c->now[CP_C_ID].bytes, err) : CP_OK;
}

enum cp_code cp_outbound_apply(struct cp_store *s, const void *changeset, size_t len, int64_t *assignments,
		int64_t *cases, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true, has_policies = false, good;

	CP_TRY(cp_rights_types(changeset, len, true, &good, err));
	if (!good)
		return cp_fail(err, CP_EFORMAT, "material with values of the wrong type or length");

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return has_policies ? cp_apply_again(s, err) : CP_OK;
		if (c.op != CP_INSERT || !is_in_scope(c.table))
			return cp_fail(err, CP_EFORMAT, "material with a row of %s", cp_shapes[c.table].name);
		*assignments += c.table == CP_T_ASSIGNMENTS;
		*cases += c.table == CP_T_CASES;
		has_policies = has_policies || c.table == CP_T_PROJECT;
		CP_TRY(put_row(s, &c, err));
	}
}
