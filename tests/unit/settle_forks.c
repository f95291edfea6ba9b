/*
 * Forks: one person's devices say different things, and a lead or the policy decides.
 */
#include "tests/unit/settling.h"

#include "sync/recall.h"
#include "sync/rule.h"

static void a_lead_takes_a_candidate_and_another_resolve_undoes_it(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	assert_true(label(hub).in_conflict);
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	assert_string_equal(label(hub).value, "1");
	assert_false(label(hub).in_conflict);
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_SETTLED, "fork");
	assert_int_equal(c.n, 2);
	assert_string_equal(c.settled_by, "lea");
	assert_string_equal(c.reason, "because");
	take(hub, CP_CONFLICTS_SETTLED, "fork", "\"grade@r1\":\"3\"");
	assert_string_equal(label(hub).value, "3");
	verifies(hub);
}

static void answers_given_twice_are_identical_and_nothing_waits(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "1", "2");
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_ALL, "identical");
	assert_int_equal(c.n, 2);
	assert_false(c.is_open);
}

static void under_review_nothing_stands_until_a_lead_decides(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	assert_false(label(hub).is_undecided);
	policy("judgments.grade", "review");
	assert_true(label(hub).is_undecided); /* decided anew */
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	assert_false(c.has_stand);
	assert_string_equal(c.policy, "review");
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	assert_false(label(hub).is_undecided);
	assert_string_equal(label(hub).value, "1");
	policy("judgments.grade", NULL);
	assert_string_equal(label(hub).value, "1"); /* a settlement holds under any policy */
	verifies(hub);
}

static void what_is_set_for_a_field_goes_before_what_is_set_for_all(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	policy("judgments", "review");
	assert_true(label(hub).is_undecided);
	policy("judgments.grade", "latest");
	assert_false(label(hub).is_undecided);
	assert_string_equal(label(hub).value, "3");
	verifies(hub);
}

/* The device whose answer was overruled changes it, not knowing of the settlement. */
static void what_grows_from_the_overruled_is_weighed_against_what_stood(void **state)
{
	static const char *const names[] = { "latest", "severest", "review" };

	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	judged("b", "0", "2");
	for (size_t i = 0; i < 3; i++) {
		policy("judgments", names[i]);
		CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
		assert_int_equal(c.n, 2);
		candidate_saying(&c, "\"grade@r1\":\"1\"");
		candidate_saying(&c, "\"grade@r1\":\"0\"");
		assert_int_equal(label(hub).is_undecided, i == 2);
	}
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"0\"");
	assert_string_equal(label(hub).value, "0");
	verifies(hub);
}

/* The device whose answer stands changes it: under latest its author needs no lead for that. */
static void what_grows_from_what_stood_replaces_it_under_latest_alone(void **state)
{
	static const char *const names[] = { "severest", "review" };

	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	judged("a", "2", "2");
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	assert_string_equal(label(hub).value, "2");
	for (size_t i = 0; i < 2; i++) {
		policy("judgments", names[i]);
		assert_int_equal(count(hub, CP_CONFLICTS_OPEN, "fork"), 1);
		assert_int_equal(label(hub).is_undecided, i == 1);
	}
	policy("judgments", "latest");
	assert_int_equal(count(hub, CP_CONFLICTS_OPEN, NULL), 0);
	verifies(hub);
}

/* Anna's first device judged what a lead then chose, the second one what was overruled. */
static void a_device_is_given_what_was_settled_of_its_own_forks(void **state)
{
	struct cp_store *s;

	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	policy("judgments", "review");
	pack(hub, NULL);
	open_bundle("a", "anna");
	open_bundle("b", "anna2");
	s = opened("b");
	assert_int_equal(number_in(s, "SELECT count(*) FROM settlements"), 1);
	assert_int_equal(count(s, CP_CONFLICTS_ALL, NULL), 0); /* what stands is not here: it changes nothing */
	assert_string_equal(label(s).value, "3");
	verifies(s);
	cp_store_close(s);
	grade("a", "shoes", "2", "2"); /* grew from what the lead chose: the question is open again, as at the hub */
	s = opened("a");
	assert_int_equal(count(s, CP_CONFLICTS_OPEN, "fork"), 1);
	assert_true(label(s).is_undecided);
	verifies(s);
	cp_store_close(s);
	policy("judgments", NULL);
	pack(hub, NULL);
	open_bundle("a", "anna");
	s = opened("a");
	assert_int_equal(count(s, CP_CONFLICTS_OPEN, NULL), 0); /* decided anew under the policy that came */
	assert_string_equal(label(s).value, "2");
	verifies(s);
	cp_store_close(s);
}

static void a_clock_that_is_far_off_decides_nothing_alone(void **state)
{
	(void)state;
	shell("sqlite3 b/casepack.db \"INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 400000) * 1000000)\"");
	judged("a", "1", "2");
	judged("b", "3", "2");
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	assert_string_equal(c.policy, "latest");
	assert_false(c.has_stand);
	assert_true(label(hub).is_undecided);
	assert_true(c.candidates[candidate_saying(&c, "\"grade@r1\":\"3\"")].is_far);
	assert_false(c.candidates[candidate_saying(&c, "\"grade@r1\":\"1\"")].is_far);
	verifies(hub);
}

/* A commit says the right time, one of its rows another. */
static void a_row_that_is_far_off_in_an_honest_commit_decides_nothing_alone(void **state)
{
	(void)state;
	judged("a", "1", "2");
	shell("sqlite3 b/casepack.db \"INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 400000) * 1000000)\"");
	grade("b", "shoes", "3", "2");
	shell("sqlite3 b/casepack.db 'UPDATE outbox SET at_us = unixepoch() * 1000000'");
	send_back("b");
	assert_int_equal(merge(hub).refused, 0);
	assert_int_equal(number_in(hub, "SELECT count(*) FROM commits WHERE claimed_us > (unixepoch() + 86400) * 1000000"), 0);
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	assert_false(c.has_stand);
	assert_true(c.candidates[candidate_saying(&c, "\"grade@r1\":\"3\"")].is_far);
	verifies(hub);
}

/* A folder and its copy both send one edit; the copy's commit claims a clock far ahead, and counts whichever came first. */
static void an_edit_that_two_copies_sent_is_far_when_one_of_them_is(void **state)
{
	(void)state;
	import(hub, "boots", "r1 r2");
	assign_all(hub, "relevance", 1);
	pack(hub, NULL);
	open_bundle("a", "anna");
	grade("a", "shoes", "3", "2");
	shell("cp -a a copy");
	shell("sqlite3 copy/casepack.db \"INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 400000) * 1000000)\"");
	send_back("a");
	merge(hub);
	grade("copy", "boots", "1", "1");
	send_back("copy");
	merge(hub);
	judged("b", "1", "2");
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	assert_false(c.has_stand);
	assert_true(c.candidates[candidate_saying(&c, "\"grade@r1\":\"3\"")].is_far);
	assert_int_equal(cp_rule_choose(CP_RULE_LATEST, &c), SIZE_MAX);
}

/* The device's last judgment, not sealed yet, is given the rev of its first one. */
static void forge_rev(void)
{
	shell("python3 -c \"import sqlite3\n"
			"db = sqlite3.connect('a/casepack.db')\n"
			"first, last = (r[0][:8] for r in (db.execute('SELECT rev FROM edits WHERE tbl = %d AND commit_no > 0 ORDER BY commit_no LIMIT 1').fetchone(),"
			" db.execute('SELECT rev FROM judgments').fetchone()))\n"
			"seq, was = db.execute('SELECT seq, changeset FROM outbox ORDER BY seq DESC LIMIT 1').fetchone()\n"
			"assert first != last and was.count(last) > 1\n"
			"db.execute('UPDATE outbox SET changeset = ? WHERE seq = ?', (was.replace(last, first), seq))\n"
			"db.commit()\"", CP_T_JUDGMENTS);
}

/* Both are one edit then, the first of them. */
static void an_edit_under_the_rev_of_another_does_not_take_its_place(void **state)
{
	(void)state;
	judged("a", "1", "2");
	judged("a", "2", "2");
	grade("a", "shoes", "3", "2");
	forge_rev();
	send_back("a");
	assert_int_equal(merge(hub).edits, 1);
	assert_string_equal(label(hub).value, "1");
	verifies(hub);
}

static int64_t late(void)
{
	return number_in(hub, "SELECT count(*) FROM conflicts WHERE class = 'late'");
}

/* The case is taken back while both devices' answers are on their way. */
static void where_nothing_stands_nothing_is_late(void **state)
{
	struct cp_recall r = { .how = CP_WITHDRAW, .cases = (const char *const[]){ "shoes" }, .n_cases = 1 };
	struct cp_recalled done;

	(void)state;
	policy("judgments", "review");
	OK(cp_recall(hub, &r, &done, err));
	judged("a", "1", "2");
	assert_int_equal(late(), 1);
	judged("b", "3", "2");
	assert_true(label(hub).is_undecided);
	assert_int_equal(late(), 0);
	take(hub, CP_CONFLICTS_OPEN, "fork", "\"grade@r1\":\"1\"");
	assert_int_equal(late(), 1);
	verifies(hub);
}

static void a_judgment_gets_no_new_value_from_a_lead(void **state)
{
	struct cp_err why = { 0 };

	(void)state;
	judged("a", "1", "2");
	judged("b", "3", "2");
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	OK(cp_settling_begin(hub, err));
	assert_int_equal(cp_settle_value(hub, &c, "2", "between them", &why), CP_EINPUT);
	assert_non_null(strstr(why.text, "adjudicate"));
	cp_settling_abort(hub);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_lead_takes_a_candidate_and_another_resolve_undoes_it),
		TEST(answers_given_twice_are_identical_and_nothing_waits),
		TEST(under_review_nothing_stands_until_a_lead_decides),
		TEST(what_is_set_for_a_field_goes_before_what_is_set_for_all),
		TEST(what_grows_from_the_overruled_is_weighed_against_what_stood),
		TEST(what_grows_from_what_stood_replaces_it_under_latest_alone),
		TEST(a_device_is_given_what_was_settled_of_its_own_forks),
		TEST(a_clock_that_is_far_off_decides_nothing_alone),
		TEST(a_row_that_is_far_off_in_an_honest_commit_decides_nothing_alone),
		TEST(an_edit_that_two_copies_sent_is_far_when_one_of_them_is),
		TEST(an_edit_under_the_rev_of_another_does_not_take_its_place),
		TEST(where_nothing_stands_nothing_is_late),
		TEST(a_judgment_gets_no_new_value_from_a_lead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
