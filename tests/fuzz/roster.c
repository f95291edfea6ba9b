/*
 * Who may be on the roster: a changeset of persons, devices and rulings that a lead or a rater signs, through the same
 * doors as one that arrives. The first byte chooses the author, and whether the rest is a changeset as it stands or
 * rows in the product's own spelling. A rater's is never accepted. A lead's that is accepted is applied, and every
 * author that the hub then finds has a key and a person; then all of it is rolled back.
 */
#include <stdint.h>

#include "formats/text.h"
#include "sync/apply.h"
#include "sync/rights.h"
#include "tests/fuzz/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cp_store *hub;
static struct cp_author authors[2]; /* lea, a lead, and anna, a rater */

static void set_up(void)
{
	static const char *const keys[] = { "lead.key", "anna.key" };

	hub_make();
	DONE(cp_store_open(&hub, hub_path("hub"), err));
	for (int i = 0; i < 2; i++) {
		struct cp_pubkey key;
		struct cp_id id;
		bool found;

		DONE(cp_public_key(&key, hub_path(keys[i]), err));
		cp_replica_id(&id, &hub->me.project, &key);
		DONE(cp_author_find(hub, &id, &authors[i], &found, err));
		MUST(found);
	}
}

/* ---- rows -------------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t input_left;

static unsigned next_byte(void)
{
	if (input_left == 0)
		return 0;
	input_left--;
	return *input++;
}

static struct cp_value next_bytes(void)
{
	size_t len = next_byte();
	struct cp_value v = { .type = CP_BLOB };

	v.len = len < input_left ? len : input_left;
	v.bytes = input;
	input += v.len;
	input_left -= v.len;
	return v;
}

/* Of the column's type; 16, 32 and 8 bytes where an id, key or rev may stand; of somebody who is there; or anything. */
static struct cp_value next_value(size_t table, size_t column)
{
	static const uint8_t zeros[32];
	static const char *const words[] = { "lead", "relay", "rater", "auditor", "active", "left", "invited", "retired", "revoked",
		"trust", "revoke", "accept", "drop", "keep", "anna", "ben", "lea" };
	struct cp_value v;

	switch (next_byte() % 10) {
	case 1: return next_bytes();
	case 2: v = next_bytes(); v.type = cp_utf8_valid((const char *)v.bytes, v.len) ? CP_TEXT : CP_BLOB; return v;
	case 3: return cp_v_int((int8_t)next_byte());
	case 4: return cp_v_blob(authors[next_byte() % 2].person.bytes, 16);
	case 5: return cp_v_blob(authors[next_byte() % 2].replica.bytes, 16);
	case 6: return cp_v_blob(authors[next_byte() % 2].key.bytes, 32);
	case 7: return cp_v_text(words[next_byte() % (sizeof words / sizeof *words)]);
	case 8: return cp_v_blob(zeros, (size_t[]){ 8, 16, 32 }[next_byte() % 3]);
	case 9: v = next_bytes(); v.type = CP_BLOB; v.len = v.len < 8 ? v.len : 8; return v;
	default: cp_table_default(&v, table, column); return v;
	}
}

static void build(struct cp_buf *out)
{
	static const size_t tables[] = { CP_T_PERSONS, CP_T_REPLICAS, CP_T_RULINGS, CP_T_PROJECT };

	while (input_left > 0 && out->len < 100000) {
		size_t table = tables[next_byte() % 4];
		struct cp_value row[CP_MAX_COLUMNS];
		struct cp_rev rev = { { (uint8_t)next_byte(), (uint8_t)next_byte() } };
		size_t before = out->len;

		for (size_t i = 0; i < cp_shapes[table].n_columns; i++)
			row[i] = next_value(table, i);
		if (row[CP_C_REV].len % 8 != 0 || row[CP_C_REV].type != CP_BLOB || row[CP_C_REV].len == 0)
			row[CP_C_REV] = cp_v_blob(rev.bytes, 8);
		if (row[CP_C_CLOCK].type != CP_INT)
			row[CP_C_CLOCK] = cp_v_int(HUB_NOW_US);
		DONE(cp_changeset_add_table(out, &cp_shapes[table], err));
		if (cp_changeset_add_insert(out, &cp_shapes[table], row, NULL) != CP_OK)
			out->len = before;
	}
}

/* ---- what must hold ------------------------------------------------------------------------- */

static void check_roster(void)
{
	sqlite3_stmt *q;

	MUST(sqlite3_prepare_v2(hub->db, "SELECT id FROM replicas", -1, &q, NULL) == SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		struct cp_author author;
		struct cp_id id;
		bool found;

		cp_col_id(q, 0, &id);
		DONE(cp_author_find(hub, &id, &author, &found, err));
		MUST(!found || strlen(author.pseudonym) < sizeof author.pseudonym);
	}
	sqlite3_finalize(q);
}

static void try_apply(const void *changeset, size_t len)
{
	struct cp_err why = { CP_OK, "" };
	enum cp_code code;

	DONE(cp_txn_begin(hub, err));
	DONE(cp_run(hub, err, "INSERT INTO commits(oid, branch, parent, replica, verdict, received_us, claimed_us, edits)"
			" VALUES('x', 'replica/x', '', ?1, 'accepted', 0, 0, 0)", "d", &authors[0].replica));
	code = cp_apply_change(hub, changeset, len, sqlite3_last_insert_rowid(hub->db), &why);
	MUST(code == CP_OK || code == CP_EFORMAT || code == CP_EIO);
	if (code == CP_OK)
		check_roster();
	else
		MUST(why.text[0] != '\0');
	cp_txn_rollback(hub);
}

static void try_changeset(const struct cp_author *author, const void *changeset, size_t len)
{
	enum cp_verdict verdict;
	char why[256];
	bool hold;

	if (cp_changeset_check(changeset, len, cp_shapes, CP_T_PUBLIC, NULL, NULL) != CP_OK)
		return;
	DONE(cp_rights_types(changeset, len, true, &hold, err));
	DONE(cp_rights_check(hub, author, changeset, len, &verdict, why, err));
	MUST((verdict == CP_ACCEPT) == (why[0] == '\0'));
	MUST(verdict != CP_ACCEPT || author->is_lead || len == 0 || memmem(changeset, len, "judgments", 9) != NULL);
	if (verdict == CP_ACCEPT)
		try_apply(changeset, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CP_AUTO(buf) struct cp_buf built = CP_BUF(CP_TEXT_MAX);

	if (hub == NULL)
		set_up();
	if (size == 0)
		return 0;
	input = data + 1;
	input_left = size - 1;
	if (data[0] & 2)
		build(&built);
	else
		DONE(cp_buf_add(&built, data + 1, size - 1, err));
	try_changeset(&authors[data[0] & 1], built.data ? built.data : "", built.len);
	return 0;
}
