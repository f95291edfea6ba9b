/*
 * Whole rounds between a hub and its raters, in one process: what a crash between
 * two steps, a bundle sent again, or a rebuild may not change.
 *
 * A crash is played by putting back the database as it was before a step while the
 * repositories keep what the step did: the branches move first, COMMIT is last.
 */
#include "tests/unit/hub.h"

static struct cp_store *hub;

static const char both[] = "r1 r2", other[] = "r1 r3";

static void person(const char *name, const char *key)
{
	add_device(hub, name, key, NULL);
}

static void hub_open(void)
{
	hub = opened("hub");
}

static void hub_close(void)
{
	cp_store_drop(&hub);
}

static void form(const char *preset, bool is_first)
{
	put_text(hub, (struct cp_text_add){ .kind = CP_FORM, .name = "relevance", .body = cp_form_preset(preset), .must_be_new = is_first });
}

/* A case more, and Anna has it. */
static void give(const char *id)
{
	import(hub, id, both);
	assign_all(hub, "relevance", 1);
	pack(hub, NULL);
}

/* The hub has one case, and Anna has it in the workspace a. */
static int begin(void **state)
{
	folder_make(state);
	hub = make_hub("hub", "lead");
	person("anna", "anna");
	form("relevance-0-3", true);
	give("shoes");
	open_bundle("a", "anna");
	return 0;
}

static int end(void **state)
{
	cp_store_drop(&hub);
	return folder_remove(state);
}

/* ---- crashes ---------------------------------------------------------------------------------- */

static void material_arrives_although_a_crash_left_its_branch_ahead(void **state)
{
	struct cp_store *s;

	(void)state;
	give("boots");
	shell("mkdir kept && cp a/casepack.db* a/content.db* kept/");
	open_bundle("a", "anna");
	shell("cp kept/* a/");
	s = opened("a");
	assert_int_equal(status_of(s).assignments, 1);
	cp_store_close(s);
	assert_int_equal(open_bundle("a", "anna").assignments, 1);
	s = opened("a");
	assert_int_equal(status_of(s).assignments, 2);
	verifies(s);
	cp_store_close(s);
}

static void a_device_reports_only_material_that_its_database_holds(void **state)
{
	(void)state;
	give("boots");
	shell("mkdir kept && cp a/casepack.db* a/content.db* kept/");
	open_bundle("a", "anna");
	shell("cp kept/* a/");
	grade("a", "shoes", "1", "2");
	send_back("a");
	merge(hub);
	pack(hub, NULL); /* must carry it again */
	assert_int_equal(open_bundle("a", "anna").assignments, 1);
}

static void a_hub_acknowledges_only_what_its_database_holds(void **state)
{
	char before[64];

	(void)state;
	grade("a", "shoes", "1", "2");
	send_back("a");
	hub_close();
	snprintf(before, sizeof before, "%s", shell("git -C hub/history.git rev-parse main"));
	shell("mkdir kept && cp hub/casepack.db* kept/");
	hub_open();
	merge(hub);
	hub_close();
	shell("cp kept/* hub/"); /* the crash came between the rater's branch and main */
	shell("git -C hub/history.git update-ref refs/heads/main %s", before);
	hub_open();
	assert_int_equal(status_of(hub).judgments, 0);
	pack(hub, NULL);
	open_bundle("a", "anna");
	send_back("a");
	merge(hub);
	assert_int_equal(status_of(hub).judgments, 1);
	verifies(hub);
}

static void a_merge_whose_commit_was_cut_off_is_taken_from_main(void **state)
{
	(void)state;
	grade("a", "shoes", "1", "2");
	send_back("a");
	hub_close();
	shell("mkdir kept && cp hub/casepack.db* kept/");
	hub_open();
	merge(hub);
	hub_close();
	shell("cp kept/* hub/");
	hub_open();
	assert_int_equal(status_of(hub).judgments, 1);
	verifies(hub);
}

static void a_seal_cut_off_anywhere_is_neither_lost_nor_repeated(void **state)
{
	char before[64];

	(void)state;
	for (int is_main_moved = 0; is_main_moved < 2; is_main_moved++) {
		hub_close();
		snprintf(before, sizeof before, "%s", shell("git -C hub/history.git rev-parse main"));
		hub_open();
		import(hub, is_main_moved ? "boots" : "socks", both);
		hub_close();
		shell("rm -rf kept && mkdir kept && cp hub/casepack.db* kept/");
		hub_open();
		OK(cp_seal(hub, NULL, err));
		hub_close();
		shell("cp kept/* hub/");
		if (!is_main_moved)
			shell("git -C hub/history.git update-ref refs/heads/main %s", before);
		hub_open();
		assert_int_equal(status_of(hub).outbox, 0);
		verifies(hub);
		assert_string_equal(shell("git -C hub/history.git rev-list --count %s..main", before), "1");
	}
}

static void a_database_put_back_alone_is_noticed(void **state)
{
	struct cp_store *s = NULL;
	struct cp_err why = { 0 };

	(void)state;
	shell("mkdir kept && cp a/casepack.db* kept/");
	grade("a", "shoes", "1", "2");
	send_back("a");
	shell("cp kept/* a/");
	assert_int_equal(cp_store_open(&s, at("a"), &why), CP_EIO);
	assert_non_null(strstr(why.text, "casepack rebuild"));
}

/* ---- words ---------------------------------------------------------------------------------------- */

static void words_cut_inside_a_character_can_be_sealed(void **state)
{
	char note[128];

	(void)state;
	memset(note, 'a', sizeof note);
	snprintf(note + 119, sizeof note - 119, "\xc3\xa9\x01\n");
	put_text(hub, (struct cp_text_add){ .kind = CP_GUIDELINE, .name = "rules", .note = note, .body = "# Rules\n", .must_be_new = true });
	OK(cp_seal(hub, NULL, err));
	assert_int_equal(status_of(hub).outbox, 0);
}

/* ---- rebuild --------------------------------------------------------------------------------------- */

static void a_rebuild_keeps_drafts_and_what_is_not_sealed(void **state)
{
	struct cp_answer half = { "grade", "r1", "3" };
	struct cp_rebuilt r;
	struct cp_store *s;
	struct cp_sent sent;
	int64_t n;

	(void)state;
	give("boots");
	open_bundle("a", "anna");
	grade("a", "shoes", "1", "2");
	s = opened("a");
	assert_string_equal(answer(s, "boots", &half, 1).state, "draft");
	cp_store_close(s);
	for (int i = 0; i < 2; i++) {
		OK(cp_rebuild(at("a"), at("anna"), &r, err));
		assert_int_equal(r.unsealed, 1);
		assert_false(r.is_old_unread);
	}
	s = opened("a");
	struct cp_progress p;
	OK(cp_progress(s, &p, err));
	assert_int_equal(p.submitted, 1);
	assert_int_equal(p.drafts, 1);
	shell("rm -rf back && mkdir back");
	OK(cp_return(s, at("back"), 0, &sent, &n, err)); /* it still knows its hub */
	assert_int_equal(n, 1);
	cp_store_close(s);
	assert_int_equal(merge(hub).edits, 1);
	give("socks");
	assert_int_equal(open_bundle("a", "anna").assignments, 1); /* and what it has */
}

static void a_rebuild_appends_nothing_to_main(void **state)
{
	char before[64];
	struct cp_rebuilt r;

	(void)state;
	OK(cp_seal(hub, NULL, err));
	hub_close();
	snprintf(before, sizeof before, "%s", shell("git -C hub/history.git rev-parse main"));
	OK(cp_rebuild(at("hub"), at("lead"), &r, err));
	hub_open();
	OK(cp_seal(hub, NULL, err));
	assert_string_equal(shell("git -C hub/history.git rev-parse main"), before);
}

static enum cp_code take_reason(void *user, const struct cp_commit_row *row, struct cp_err *err)
{
	(void)err;
	if (strcmp(row->verdict, "refused") == 0)
		snprintf(user, 256, "%s", row->reason);
	return CP_OK;
}

static void a_rebuild_knows_why_a_commit_was_refused(void **state)
{
	char before[256] = "", after[256] = "";
	struct cp_rebuilt r;

	(void)state;
	grade("a", "shoes", "1", "2");
	send_back("a");
	OK(cp_seal(hub, NULL, err));
	hub_close(); /* the roster entry of a device that was revoked, put there by hand */
	shell("sqlite3 hub/casepack.db \"UPDATE replicas SET state = 'revoked' WHERE is_hub = 0\"");
	hub_open();
	assert_int_equal(merge(hub).refused, 1);
	OK(cp_log_commits(hub, 0, take_reason, before, err));
	assert_non_null(strstr(before, "no longer trusted"));
	hub_close();
	OK(cp_rebuild(at("hub"), at("lead"), &r, err));
	hub_open();
	OK(cp_log_commits(hub, 0, take_reason, after, err));
	assert_string_equal(before, after);
}

static void a_rebuild_waits_for_no_workspace_that_is_in_use(void **state)
{
	struct cp_rebuilt r;
	struct cp_err why = { 0 };

	(void)state;
	assert_int_equal(cp_rebuild(at("hub"), at("lead"), &r, &why), CP_EBUSY);
}

/* ---- honest work is not refused ----------------------------------------------------------------------- */

static void a_commit_that_waited_is_taken_when_it_is_sent_again(void **state)
{
	struct cp_merged m;

	(void)state;
	hub_close();
	shell("cp -r hub old");
	hub_open();
	give("boots");
	open_bundle("a", "anna");
	grade("a", "boots", "1", "2");
	hub_close();
	shell("rm -rf hub && mv old hub"); /* put back as it was: the assignment is not known there */
	hub_open();
	send_back("a");
	m = merge(hub);
	assert_int_equal(m.waiting, 1);
	import(hub, "boots", both);
	assign_all(hub, "relevance", 1);
	m = merge(hub);
	assert_int_equal(m.edits, 1);
	assert_int_equal(m.waiting, 0);
	assert_int_equal(merge(hub).known, 1);
	verifies(hub);
}

static void a_draft_loses_answers_that_the_case_has_no_place_for(void **state)
{
	struct cp_answer first = { "grade", "r2", "3" };
	struct cp_answer rest[] = { { "grade", "r1", "1" }, { "grade", "r3", "2" } };
	struct cp_store *s = opened("a");
	struct cp_merged m;

	(void)state;
	assert_string_equal(answer(s, "shoes", &first, 1).state, "draft");
	cp_store_close(s);
	import(hub, "shoes", other);
	pack(hub, NULL);
	open_bundle("a", "anna");
	s = opened("a");
	assert_string_equal(answer(s, "shoes", rest, 2).state, "submitted");
	cp_store_close(s);
	send_back("a");
	m = merge(hub);
	assert_string_equal(m.why, "");
	assert_int_equal(m.refused, 0);
	assert_int_equal(status_of(hub).ratings, 2);
}

static void a_case_judged_twice_in_one_transaction_is_one_edit(void **state)
{
	struct cp_answer first[] = { { "grade", "r1", "1" }, { "grade", "r2", "2" } }, then = { "grade", "r1", "3" };
	struct cp_store *s = opened("a");
	struct cp_merged m;

	(void)state;
	OK(cp_judge_begin(s, err));
	answer(s, "shoes", first, 2);
	answer(s, "shoes", &then, 1);
	OK(cp_judge_commit(s, "twice", err));
	cp_store_close(s);
	send_back("a");
	m = merge(hub);
	assert_string_equal(m.why, "");
	assert_int_equal(m.edits, 1);
	assert_int_equal(status_of(hub).ratings, 2);
	verifies(hub);
}

static void an_edit_is_judged_by_the_form_of_the_edit_that_it_builds_on(void **state)
{
	struct cp_answer four = { "grade", "r1", "4" };
	struct cp_merged m;
	struct cp_store *s;

	(void)state;
	person("anna", "anna2");
	pack(hub, NULL); /* form version 1 for both devices */
	open_bundle("b", "anna2");
	form("relevance-0-4", false);
	pack(hub, NULL);
	open_bundle("a", "anna"); /* version 2 for the first */
	grade("a", "shoes", "4", "2");
	send_back("a");
	assert_int_equal(merge(hub).refused, 0);
	grade("b", "shoes", "1", "1");          /* later, under version 1: the row shows this one */
	send_back("b");
	m = merge(hub);
	assert_int_equal(m.refused, 0);
	assert_int_equal(m.conflicts, 1);
	s = opened("a");
	four.result = "r2";
	answer(s, "shoes", &four, 1);         /* version 2 has a 4 */
	cp_store_close(s);
	send_back("a");
	m = merge(hub);
	assert_string_equal(m.why, "");
	assert_int_equal(m.refused, 0);
	assert_int_equal(m.edits, 1);
	verifies(hub);
}

/* Shoes again, under another form. */
static void give_harm(const char *form_text)
{
	put_text(hub, (struct cp_text_add){ .kind = CP_FORM, .name = "harm", .body = form_text, .must_be_new = true });
	assert_int_equal(assign_all(hub, "harm", 2), 1);
	person("anna", "anna2");
	pack(hub, NULL);
	open_bundle("a", "anna");
	open_bundle("b", "anna2");
}

static void judge_harm(const char *workspace, const struct cp_answer *answers, size_t n)
{
	CP_AUTO(store) struct cp_store *s = opened(workspace);

	assert_string_equal(answer(s, "shoes", answers, n).state, "submitted");
	cp_store_drop(&s);
	send_back(workspace);
	assert_int_equal(merge(hub).refused, 0);
}

static void of_two_devices_the_severer_answer_is_shown_where_the_form_asks_for_it(void **state)
{
	(void)state;
	give_harm(cp_form_preset("violation"));
	for (int i = 0; i < 2; i++) { /* the later one says no */
		struct cp_answer answers[] = { { "violation", "r1", i ? "no" : "yes" }, { "violation", "r2", "no" },
			{ "severity", "r1", i ? "0" : "1" }, { "severity", "r2", "0" } };

		judge_harm(i ? "b" : "a", answers, 4);
	}
	assert_string_equal(shown(hub, "violation", 2).value, "yes");
	assert_true(shown(hub, "violation", 2).in_conflict);
	verifies(hub);
}

/* Found by the simulator, seed 91: the yes or no of "off" outweighed a mild harm. */
static void a_yes_to_an_ordinary_question_is_no_severity(void **state)
{
	static const char form_text[] = "{\"fields\":["
		"{\"name\":\"violation\",\"type\":\"choice\",\"scope\":\"result\",\"required\":true,\"policy\":\"severest\",\"choices\":["
		"{\"value\":\"no\"},{\"value\":\"yes\",\"severity\":1}]},{\"name\":\"off\",\"type\":\"bool\"}]}";

	(void)state;
	give_harm(form_text);
	for (int i = 0; i < 2; i++) { /* the later one says no */
		struct cp_answer answers[] = { { "violation", "r1", i ? "no" : "yes" }, { "violation", "r2", "no" },
			{ "off", "", i ? "true" : "false" } };

		judge_harm(i ? "b" : "a", answers, 3);
	}
	assert_string_equal(shown(hub, "violation", 2).value, "yes");
	verifies(hub);
}

static void a_device_sends_again_what_a_hub_put_back_does_not_have(void **state)
{
	(void)state;
	hub_close();
	shell("cp -r hub old");
	hub_open();
	grade("a", "shoes", "1", "2");
	send_back("a");
	merge(hub);
	pack(hub, NULL);
	open_bundle("a", "anna"); /* acknowledged */
	hub_close();
	shell("rm -rf hub && mv old hub");
	hub_open();
	pack(hub, NULL);
	open_bundle("a", "anna"); /* and no longer */
	send_back("a");
	assert_int_equal(merge(hub).edits, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(material_arrives_although_a_crash_left_its_branch_ahead),
		TEST(a_device_reports_only_material_that_its_database_holds),
		TEST(a_hub_acknowledges_only_what_its_database_holds),
		TEST(a_merge_whose_commit_was_cut_off_is_taken_from_main),
		TEST(a_seal_cut_off_anywhere_is_neither_lost_nor_repeated),
		TEST(a_database_put_back_alone_is_noticed),
		TEST(words_cut_inside_a_character_can_be_sealed),
		TEST(a_rebuild_keeps_drafts_and_what_is_not_sealed),
		TEST(a_rebuild_appends_nothing_to_main),
		TEST(a_rebuild_knows_why_a_commit_was_refused),
		TEST(a_rebuild_waits_for_no_workspace_that_is_in_use),
		TEST(a_commit_that_waited_is_taken_when_it_is_sent_again),
		TEST(a_draft_loses_answers_that_the_case_has_no_place_for),
		TEST(a_case_judged_twice_in_one_transaction_is_one_edit),
		TEST(an_edit_is_judged_by_the_form_of_the_edit_that_it_builds_on),
		TEST(of_two_devices_the_severer_answer_is_shown_where_the_form_asks_for_it),
		TEST(a_yes_to_an_ordinary_question_is_no_severity),
		TEST(a_device_sends_again_what_a_hub_put_back_does_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
