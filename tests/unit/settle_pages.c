/*
 * Conflicts and settlements on main's pages.
 */
#include "tests/unit/settling.h"

static void a_change_of_policy_is_on_main_with_all_it_decided_anew(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	policy("judgments", "review");
	OK(cp_seal(hub, NULL, err));
	assert_string_equal(shell("git -C hub/history.git grep -c 'review' main -- conflicts | cut -d: -f3"), "2");
	assert_string_equal(shell("git -C hub/history.git grep -h '\"judgments\": \"review\"' main -- project.json | wc -l"), "1");
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	OK(cp_seal(hub, NULL, err));
	assert_string_equal(shell("git -C hub/history.git grep -h because main -- settlements | cut -f1,5,6"), "settlement\treview\tlea");
	assert_string_equal(shell("git -C hub/history.git grep -h settled main -- conflicts | wc -l"), "2");
}

/* A conflict of Anna's about that column, as if two leads had written it. */
static void plant_conflict(int table, const char *column, const char *says)
{
	shell("sqlite3 hub/casepack.db \"INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands) SELECT id, %d, '%s', 'hard', 1,"
			" 'latest', x'' FROM persons WHERE pseudonym = 'anna'; INSERT INTO candidates SELECT id, %d, '%s', x'0011223344556677', 1, 1, '%s'"
			" FROM persons WHERE pseudonym = 'anna'; INSERT OR IGNORE INTO tricky SELECT id, %d FROM persons WHERE pseudonym = 'anna'\"",
			table, column, table, column, says, CP_T_NAMES);
}

static void real_names_in_conflict_do_not_come_onto_main_with_what_is_public(void **state)
{
	bool changed;

	(void)state;
	plant_conflict(CP_T_NAMES, "name", "Anna Real");
	plant_conflict(CP_T_PERSONS, "locales", "Anna Public");
	OK(cp_person_add(hub, &(struct cp_person_add){ .pseudonym = "anna", .vendor = "acme" }, &changed, err));
	OK(cp_seal(hub, NULL, err));
	assert_string_equal(shell("git -C hub/history.git grep -h 'Anna Public' main -- conflicts | wc -l"), "1");
	assert_string_equal(shell("git -C hub/history.git grep -l 'Anna Real' main | wc -l"), "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_change_of_policy_is_on_main_with_all_it_decided_anew),
		TEST(real_names_in_conflict_do_not_come_onto_main_with_what_is_public),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
