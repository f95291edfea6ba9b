/*
 * Who may settle what: changesets of settlements, resolutions and exports that no honest lead writes.
 */
#include "tests/unit/settling.h"

#include "sync/exports.h"
#include "sync/resolution.h"
#include "sync/rights.h"

/* A resolution alone, as a changeset of its author. */
static void lone_resolution(struct cp_buf *out, const struct cp_id *person)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_id doc, id;
	struct cp_rev rev;

	cp_id_random(&doc);
	cp_rev_random(&rev);
	cp_resolution_id(&id, CP_T_CASES, &doc, &rev);
	for (size_t c = 0; c < cp_shapes[CP_T_RESOLUTIONS].n_columns; c++)
		cp_table_default(&row[c], CP_T_RESOLUTIONS, c);
	row[CP_C_ID] = (struct cp_value){ CP_BLOB, 16, 0, 0, id.bytes };
	row[CP_C_REV] = (struct cp_value){ CP_BLOB, 8, 0, 0, rev.bytes };
	row[CP_C_CLOCK] = (struct cp_value){ CP_INT, 0, 1, 0, NULL };
	row[CP_RES_TBL] = (struct cp_value){ CP_TEXT, 5, 0, 0, (const uint8_t *)"cases" };
	row[CP_RES_DOC] = (struct cp_value){ CP_BLOB, 16, 0, 0, doc.bytes };
	row[CP_RES_EDIT] = (struct cp_value){ CP_BLOB, 8, 0, 0, rev.bytes };
	row[CP_RES_SETTLES] = (struct cp_value){ CP_TEXT, 15, 0, 0, (const uint8_t *)"{\"segment\":\"x\"}" };
	row[CP_RES_PERSON] = (struct cp_value){ CP_BLOB, 16, 0, 0, person->bytes };
	OK(cp_changeset_add_table(out, &cp_shapes[CP_T_RESOLUTIONS], err));
	OK(cp_changeset_add_insert(out, &cp_shapes[CP_T_RESOLUTIONS], row, err));
}

static void a_resolution_without_its_edit_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF(1 << 20);
	struct cp_author lead;
	enum cp_verdict verdict;
	char why[256];
	bool found;

	(void)state;
	OK(cp_author_find(hub, &cp_store_me(hub)->replica, &lead, &found, err));
	assert_true(found && lead.is_lead);
	lone_resolution(&changeset, &lead.person);
	OK(cp_rights_check(hub, &lead, changeset.data, changeset.len, &verdict, why, err));
	assert_int_equal(verdict, CP_REFUSE);
	assert_non_null(strstr(why, "without the edit"));
	lead.is_lead = false;
	OK(cp_rights_check(hub, &lead, changeset.data, changeset.len, &verdict, why, err));
	assert_int_equal(verdict, CP_REFUSE);
	assert_non_null(strstr(why, "only a lead"));
}

/* A lead's settlement in that person's name; what stands and what was weighed have so many bytes. */
static void is_settlement_refused(const struct cp_author *lead, const struct cp_id *person, size_t stands, size_t weighed,
		const char *words)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF(1 << 20);
	struct cp_value row[CP_MAX_COLUMNS];
	enum cp_verdict verdict;
	struct cp_id id, names;
	char why[256];

	cp_id_random(&id);
	cp_id_random(&names);
	for (size_t c = 0; c < cp_shapes[CP_T_SETTLEMENTS].n_columns; c++)
		cp_table_default(&row[c], CP_T_SETTLEMENTS, c);
	row[CP_C_ID] = cp_v_blob(id.bytes, 16);
	row[CP_C_REV] = cp_v_blob(id.bytes, 8);
	row[CP_C_CLOCK] = cp_v_int(1);
	row[CP_S_STANDS] = cp_v_blob(names.bytes, stands);
	row[CP_S_WEIGHED] = cp_v_blob(names.bytes, weighed);
	row[CP_S_PERSON] = cp_v_blob(person->bytes, 16);
	OK(cp_changeset_add_table(&changeset, &cp_shapes[CP_T_SETTLEMENTS], err));
	OK(cp_changeset_add_insert(&changeset, &cp_shapes[CP_T_SETTLEMENTS], row, err));
	OK(cp_rights_check(hub, lead, changeset.data, changeset.len, &verdict, why, err));
	assert_int_equal(verdict, words != NULL ? CP_REFUSE : CP_ACCEPT);
	if (words != NULL && strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void a_settlement_in_another_lead_s_name_is_refused(void **state)
{
	struct cp_author lead;
	struct cp_id other;
	bool found;

	(void)state;
	cp_id_random(&other);
	OK(cp_author_find(hub, &cp_store_me(hub)->replica, &lead, &found, err));
	is_settlement_refused(&lead, &lead.person, 8, 16, NULL);
	is_settlement_refused(&lead, &other, 8, 16, "another person");
}

static void a_settlement_that_does_not_name_edits_is_refused(void **state)
{
	struct cp_author lead;
	bool found;

	(void)state;
	OK(cp_author_find(hub, &cp_store_me(hub)->replica, &lead, &found, err));
	is_settlement_refused(&lead, &lead.person, 7, 8, "does not name edits");
	is_settlement_refused(&lead, &lead.person, 0, 8, "does not name edits");
	is_settlement_refused(&lead, &lead.person, 16, 8, "does not name edits");
	is_settlement_refused(&lead, &lead.person, 8, 0, "does not name edits");
	is_settlement_refused(&lead, &lead.person, 8, 12, "does not name edits");
}

/* What the hub's last edit wrote. */
static enum cp_verdict verdict_on_last(char why[256])
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF(1 << 20);
	struct cp_author lead;
	enum cp_verdict verdict;
	bool found;

	OK(cp_author_find(hub, &cp_store_me(hub)->replica, &lead, &found, err));
	OK(cp_query_text(hub, &changeset, &found, err, "SELECT changeset FROM outbox ORDER BY seq DESC LIMIT 1", ""));
	assert_true(found);
	OK(cp_rights_check(hub, &lead, changeset.data, changeset.len, &verdict, why, err));
	return verdict;
}

static void what_left_a_hub_stays_as_it_was_said_then(void **state)
{
	char why[256];
	struct cp_id id;

	(void)state;
	OK(cp_export_note(hub, &(struct cp_exported){ .format = "csv", .scope = "{}", .file = { { 1 } }, .labels = 2 }, err));
	assert_int_equal(verdict_on_last(why), CP_ACCEPT);
	OK(cp_query_id(hub, &id, err, "SELECT id FROM exports", ""));
	OK(cp_edit_begin(hub, err));
	OK(cp_edit_document(hub, CP_T_EXPORTS, &id, (struct cp_set[]){ { "file", cp_v_blob((uint8_t[32]){ 2 }, 32) } }, 1, CP_EDIT_PLAIN,
			NULL, NULL, err));
	OK(cp_edit_commit(hub, "another file", err));
	assert_int_equal(verdict_on_last(why), CP_REFUSE);
	assert_non_null(strstr(why, "changed later"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_resolution_without_its_edit_is_refused),
		TEST(a_settlement_in_another_lead_s_name_is_refused),
		TEST(a_settlement_that_does_not_name_edits_is_refused),
		TEST(what_left_a_hub_stays_as_it_was_said_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
