/*
 * What a lead's device may call a revision: all else is refused.
 */
#include "tests/unit/leads.h"

static const char below[] = "# Policy\n\nOne.\n\nTwo.\n\nThree.\n\nFour and five.\n";
static const char mine[] = "# Policy\n\nOne.\n\nTwo as Lea has it.\n\nThree.\n\nFour.\n";
static const char yours[] = "# Policy\n\nOne.\n\nTwo as Max has it.\n\nThree.\n\nFour.\n";

/* A revision that Max writes as he pleases: on that one, with that number and, if hashed, the right id. */
static void forge(const char *body, const void *parents, size_t len, int64_t number, bool is_hashed)
{
	struct cp_id text, id;

	OK(cp_query_id(hubs[1], &text, err, "SELECT id FROM guidelines WHERE name = 'policy'", ""));
	cp_id_derive(&id, "revision", 3, (const void *const[]){ text.bytes, body, parents }, (const size_t[]){ 16, strlen(body), len });
	id.bytes[0] ^= !is_hashed;
	OK(cp_edit_begin(hubs[1], err));
	OK(cp_edit_document(hubs[1], CP_T_GUIDELINE_REVISIONS, &id, (struct cp_set[]){ { "parent_doc", cp_v_blob(text.bytes, 16) },
			{ "parents", cp_v_blob(parents, len) }, { "number", cp_v_int(number) }, { "body", cp_v_text(body) } }, 4,
			CP_EDIT_PLAIN, NULL, NULL, err));
	OK(cp_edit_commit(hubs[1], "a revision", err));
	OK(cp_seal(hubs[1], NULL, err));
}

static struct cp_id first_revision(void)
{
	struct cp_id id;

	OK(cp_query_id(hubs[1], &id, err, "SELECT id FROM guideline_revisions WHERE number = 1", ""));
	return id;
}

static void is_refused(const char *words)
{
	struct cp_merged m = offer(0, 1);

	assert_int_equal(m.refused, 1);
	if (strstr(m.why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", m.why, words);
	assert_int_equal(conflict(0).n, 0);
	verifies(hubs[0]);
}

static void a_revision_under_another_name_than_its_hash_is_refused(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	forge(below, first.bytes, 16, 2, false);
	is_refused("not the hash");
}

static void a_revision_that_numbers_itself_on_top_is_refused(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	forge(below, first.bytes, 16, 900, true);
	is_refused("numbered 900 where 2 is next");
}

static void a_revision_of_another_text_is_no_parent(void **state)
{
	struct cp_id other;

	(void)state;
	write_text(1, (struct cp_text_add){ .name = "other", .body = below, .must_be_new = true });
	OK(cp_query_id(hubs[1], &other, err, "SELECT v.id FROM guideline_revisions v JOIN guidelines g ON g.id = v.parent_doc"
			" WHERE g.name = 'other'", ""));
	forge(below, other.bytes, 16, 2, true);
	is_refused("no revision of its text");
}

static void what_was_written_is_never_changed(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	OK(cp_edit_begin(hubs[1], err));
	OK(cp_edit_document(hubs[1], CP_T_GUIDELINE_REVISIONS, &first, (struct cp_set[]){ { "body", cp_v_text("# Mine\n") } }, 1,
			CP_EDIT_PLAIN, NULL, NULL, err));
	OK(cp_edit_commit(hubs[1], "rewrites", err));
	OK(cp_seal(hubs[1], NULL, err));
	is_refused("was changed");
}

static void revisions_sealed_together_may_name_each_other(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		put_text(hubs[1], (struct cp_text_add){ .name = "policy", .body = ((const char *const[]){ mine, yours, below })[i] });
	OK(cp_seal(hubs[1], NULL, err));
	assert_int_equal(take(0, 1).edits, 3);
	assert_int_equal(conflict(0).n, 0);
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(below));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_revision_under_another_name_than_its_hash_is_refused),
		TEST(a_revision_that_numbers_itself_on_top_is_refused),
		TEST(a_revision_of_another_text_is_no_parent),
		TEST(what_was_written_is_never_changed),
		TEST(revisions_sealed_together_may_name_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
