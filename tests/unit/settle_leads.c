/*
 * Two leads who write without knowing of each other. Change commits go between their hubs as
 * they would in a bundle, object by object.
 */
#include "tests/unit/settling.h"

static struct cp_store *second; /* the other lead's hub: the first one copied */

static void second_open(void)
{
	add_device(hub, "max", "lead2", "lead");
	declare_hub(hub, "lead2");
	second = copy_hub(&hub, "hub", "hub2", "lead2");
	assert_string_equal(cp_store_me(second)->pseudonym, "max");
}

static int end_two(void **state)
{
	cp_store_drop(&second);
	return end(state);
}

/* Every change commit of that hub's own branch into the other one. */
static void give(struct cp_store *from, struct cp_store *to)
{
	OK(cp_seal(from, NULL, err));
	OK(cp_seal(to, NULL, err)); /* as every merge does */
	assert_int_equal(take_all(to, from).refused, 0);
}

/* Both ways, and then both hold the same. */
static void exchange(void)
{
	struct cp_hash a, b;

	give(second, hub);
	give(hub, second);
	OK(cp_store_hash(hub, &a, err));
	OK(cp_store_hash(second, &b, err));
	assert_memory_equal(&a, &b, sizeof a);
	verifies(hub);
	verifies(second);
}

/* Anna's vendor is a column of what leads own. */
static void set_vendor(struct cp_store *s, const char *vendor, const char *locales)
{
	struct cp_person_add p = { .pseudonym = "anna", .vendor = vendor, .locales = locales };
	bool changed;

	OK(cp_person_add(s, &p, &changed, err));
}

static enum cp_code take_vendor(void *user, const struct cp_person_row *row, struct cp_err *err)
{
	(void)err;
	if (strcmp(row->pseudonym, "anna") == 0)
		snprintf(user, 32, "%s", row->vendor);
	return CP_OK;
}

static const char *vendor(struct cp_store *s)
{
	static char out[32];

	OK(cp_person_each(s, take_vendor, out, err));
	return out;
}

/* ---- what leads own ------------------------------------------------------------------------ */

static void what_both_grew_from_is_named(void **state)
{
	(void)state;
	set_vendor(hub, "first", NULL);
	second_open();
	set_vendor(hub, "mine", NULL);
	set_vendor(second, "theirs", NULL);
	exchange();
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "hard");
	assert_string_equal(c.base, "{\"vendor\":\"first\"}");
	assert_string_equal(c.column, "vendor");
}

static void two_leads_who_settle_differently_without_knowing_are_a_hard_conflict(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	second_open();
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	take(second, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"3\"");
	exchange();
	for (int i = 0; i < 2; i++) {
		CP_AUTO(conflict) struct cp_conflict c = only(i ? second : hub, CP_CONFLICTS_OPEN, "hard");
		assert_string_equal(c.table, "settlements");
		assert_int_equal(c.n, 2);
		assert_string_equal(label(i ? second : hub).value, "3"); /* the later one */
	}
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "hard");
	OK(cp_settling_begin(hub, err));
	OK(cp_settle_take(hub, &c, strcmp(c.candidates[0].who, "lea") == 0 ? 0 : 1, "first come", err));
	OK(cp_settling_commit(hub, "settled", err));
	exchange();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(i ? second : hub, CP_CONFLICTS_OPEN, NULL), 0);
		assert_string_equal(label(i ? second : hub).value, "1");
	}
}

static void two_leads_who_settle_alike_agree_whatever_their_reasons(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	second_open();
	for (int i = 0; i < 2; i++) {
		struct cp_store *s = i ? second : hub;
		CP_AUTO(conflict) struct cp_conflict c = only(s, CP_CONFLICTS_OPEN, "fork");

		OK(cp_settling_begin(s, err));
		OK(cp_settle_take(s, &c, 0, i ? "one reason" : "another", err));
		OK(cp_settling_commit(s, "settled", err));
	}
	exchange();
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	assert_int_equal(count(hub, CP_CONFLICTS_ALL, "identical"), 1);
	assert_string_equal(label(hub).value, label(second).value);
}

static void a_column_that_leads_disagree_on_is_resolved_even_by_the_value_that_stands(void **state)
{
	char stood[32];

	(void)state;
	second_open();
	set_vendor(hub, "mine", NULL);
	set_vendor(second, "theirs", NULL);
	exchange();
	snprintf(stood, sizeof stood, "%s", vendor(hub));
	take(hub, CP_CONFLICTS_OPEN, "hard", stood);
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	exchange();
	assert_int_equal(count(second, CP_CONFLICTS_OPEN, NULL), 0);
	assert_string_equal(vendor(second), stood);
	take(second, CP_CONFLICTS_SETTLED, "hard", strcmp(stood, "mine") == 0 ? "theirs" : "mine"); /* undone, by the other lead */
	exchange();
	assert_string_not_equal(vendor(hub), stood);
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_SETTLED, "hard");
	assert_string_equal(c.settled_by, "max");
	OK(cp_settling_begin(hub, err));
	OK(cp_settle_value(hub, &c, "ours", "agreed", err));
	OK(cp_settling_commit(hub, "settled", err));
	exchange();
	assert_string_equal(vendor(second), "ours");
}

static void under_review_only_a_resolve_closes_a_column(void **state)
{
	(void)state;
	policy("persons.vendor", "review");
	second_open();
	set_vendor(hub, "mine", NULL);
	set_vendor(second, "theirs", NULL);
	exchange();
	set_vendor(hub, "third", NULL); /* an edit over both, by no resolve */
	exchange();
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "hard");
	assert_int_equal(c.n, 3);
	assert_false(c.has_stand);
	take(hub, CP_CONFLICTS_OPEN, "hard", "theirs");
	exchange();
	assert_int_equal(count(second, CP_CONFLICTS_OPEN, NULL), 0);
	assert_string_equal(vendor(second), "theirs");
}

static void different_columns_of_one_row_both_stand_and_are_counted(void **state)
{
	(void)state;
	second_open();
	set_vendor(hub, "mine", NULL);
	set_vendor(second, NULL, "fr-FR");
	exchange();
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	assert_string_equal(vendor(hub), "mine");
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_ALL, "parallel");
	assert_int_equal(c.n, 2);
}

static void two_leads_who_write_the_same_are_identical(void **state)
{
	(void)state;
	second_open();
	set_vendor(hub, "acme", NULL);
	set_vendor(second, "acme", NULL);
	exchange();
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_ALL, "identical");
	assert_string_equal(c.column, "vendor");
}


/* ---- final answers ------------------------------------------------------------------------- */

static void adjudicate(struct cp_store *s, const char *value)
{
	struct cp_final f = { .field = "grade", .result = "r1", .value = value, .cause = "disagreement", .reason = "section 3" };
	bool changed;

	OK(cp_case_find(s, "shoes", &f.case_id, err));
	OK(cp_settling_begin(s, err));
	OK(cp_adjudicate(s, &f, &changed, err));
	OK(cp_settling_commit(s, "final", err));
	assert_true(changed);
}

static void final_answers_of_two_leads_are_one_question_not_three(void **state)
{
	(void)state;
	second_open();
	adjudicate(hub, "1");
	adjudicate(second, "2");
	exchange();
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "hard"); /* of value; not of who and why */
	assert_string_equal(c.column, "value");
	assert_string_equal(c.name, "grade@r1");
	take(second, CP_CONFLICTS_OPEN, "hard", "1");
	exchange();
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
}

static void a_new_value_must_be_one_of_the_form(void **state)
{
	struct cp_err why = { 0 };

	(void)state;
	second_open();
	adjudicate(hub, "1");
	adjudicate(second, "2");
	exchange();
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "hard");
	OK(cp_settling_begin(hub, err));
	assert_int_equal(cp_settle_value(hub, &c, "9", "no such grade", &why), CP_EINPUT);
	assert_int_equal(cp_settle_value(hub, &c, "3", " ", &why), CP_EINPUT);
	OK(cp_settle_value(hub, &c, "3", "agreed", err));
	OK(cp_settling_commit(hub, "settled", err));
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end_two)
	const struct CMUnitTest tests[] = {
		TEST(what_both_grew_from_is_named),
		TEST(two_leads_who_settle_differently_without_knowing_are_a_hard_conflict),
		TEST(two_leads_who_settle_alike_agree_whatever_their_reasons),
		TEST(a_column_that_leads_disagree_on_is_resolved_even_by_the_value_that_stands),
		TEST(under_review_only_a_resolve_closes_a_column),
		TEST(different_columns_of_one_row_both_stand_and_are_counted),
		TEST(two_leads_who_write_the_same_are_identical),
		TEST(final_answers_of_two_leads_are_one_question_not_three),
		TEST(a_new_value_must_be_one_of_the_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
