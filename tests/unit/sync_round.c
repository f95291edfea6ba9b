/*
 * Whole rounds between a hub and its raters, in one process: what a crash between
 * two steps, a bundle sent again, or a rebuild may not change.
 *
 * A crash is played by putting back the database as it was before a step while the
 * repositories keep what the step did: the branches move first, COMMIT is last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/file.h"
#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/rebuild.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/seal.h"
#include "sync/texts.h"

#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			fail_msg("%s: %s", #call, ok_err_.text);                       \
	} while (0)

static char folder[64];
static struct cp_store *hub;

/* A path in the test's folder; four may be in use at a time. */
static const char *at(const char *name)
{
	static char made[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

/* Runs a shell command in the test's folder, and gives its first line. */
static const char *shell(const char *command)
{
	static char line[256];
	char whole[1024];
	FILE *f;

	snprintf(whole, sizeof whole, "cd %s && %s", folder, command);
	f = popen(whole, "r");
	assert_non_null(f);
	line[0] = '\0';
	if (fgets(line, sizeof line, f) != NULL)
		line[strcspn(line, "\n")] = '\0';
	assert_int_equal(pclose(f), 0);
	return line;
}

static struct cp_store *opened(const char *name)
{
	struct cp_store *s = NULL;

	OK(cp_store_open(&s, at(name), err));
	return s;
}

static void hub_open(void)
{
	hub = opened("hub");
}

static void hub_close(void)
{
	cp_store_close(hub);
	hub = NULL;
}

static void import(const char *id, const char *const *results, size_t n)
{
	struct cp_result_in list[8] = { { 0 } };
	struct cp_case_in c = { .id = id, .kind = "serp", .query = id, .locale = "en-US", .results = list, .n_results = n };
	enum cp_case_effect effect;

	for (size_t i = 0; i < n; i++) {
		list[i].id = results[i];
		list[i].rank = (int64_t)i + 1;
	}
	OK(cp_cases_begin(hub, err));
	OK(cp_cases_add(hub, &c, &effect, err));
	OK(cp_cases_commit(hub, "import", err));
}

static const char *const both[] = { "r1", "r2" }, *const other[] = { "r1", "r3" };

static void form(const char *preset, bool is_first)
{
	const char *body = cp_form_preset(preset);
	struct cp_text_add t = { .kind = CP_FORM, .name = "relevance", .body = body, .len = strlen(body), .must_be_new = is_first };
	int64_t number;
	bool changed;

	OK(cp_text_put(hub, &t, &number, &changed, err));
	assert_true(changed);
}

static void person(const char *name, const char *key)
{
	char path[128];
	struct cp_person_add p = { .pseudonym = name, .key_path = path };
	bool changed;

	snprintf(path, sizeof path, "%s.pub", at(key));
	OK(cp_person_add(hub, &p, &changed, err));
}

static void assign_all(void)
{
	struct cp_assign a = { .form = "relevance", .pass = 1 };
	struct cp_assigned done;

	OK(cp_assign(hub, &a, &done, err));
}

static void ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

static void pack(const char *dir)
{
	int64_t n;

	shell(strcmp(dir, "out") == 0 ? "rm -rf out && mkdir out" : "mkdir -p back");
	OK(cp_pack(hub, NULL, at(dir), 0, ignore, NULL, &n, err));
}

/* The bundle for device number n (from 0, as they are packed) into its workspace. */
static struct cp_opened open_bundle(const char *workspace, const char *pattern, const char *key)
{
	char path[256], command[128];
	struct cp_opened out;

	snprintf(command, sizeof command, "ls -d $PWD/%s", pattern);
	snprintf(path, sizeof path, "%s", shell(command));
	OK(cp_open(at(workspace), path, at(key), NULL, NULL, &out, err));
	return out;
}

static struct cp_judge_result grade_in(struct cp_store *s, const char *case_id, const struct cp_answer *answers, size_t n)
{
	struct cp_judge_result out;
	struct cp_task t;
	struct cp_id id;

	OK(cp_case_find(s, case_id, &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, answers, n, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
	cp_task_drop(&t);
	return out;
}

static void grade(const char *workspace, const char *case_id, const char *r1, const char *r2)
{
	struct cp_answer answers[] = { { "grade", "r1", r1 }, { "grade", "r2", r2 } };
	struct cp_store *s = opened(workspace);

	grade_in(s, case_id, answers, 2);
	cp_store_close(s);
}

static void send_back(const char *workspace)
{
	struct cp_store *s = opened(workspace);
	struct cp_sent sent;
	int64_t n;

	shell("rm -rf back && mkdir back");
	OK(cp_return(s, at("back"), 0, &sent, &n, err));
	assert_int_equal(n, 1);
	cp_store_close(s);
}

static struct cp_merged merge(void)
{
	char path[256];
	struct cp_merged m;

	snprintf(path, sizeof path, "%s", shell("ls $PWD/back/*.casepack.age"));
	OK(cp_merge(hub, path, &m, err));
	return m;
}

static struct cp_status status_of(struct cp_store *s)
{
	struct cp_status st;

	OK(cp_status(s, &st, err));
	return st;
}

static void verifies(struct cp_store *s)
{
	struct cp_verified r;

	OK(cp_verify_store(s, &r, err));
}

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/cp-round-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	for (int i = 0; i < 3; i++)
		OK(cp_sshkey_generate(at((const char *const[]){ "lead", "anna", "anna2" }[i]), "", NULL, err));
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("hub"), .project_name = "Round", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at("lead") }, NULL, NULL, err));
	hub_open();
	person("anna", "anna");
	import("shoes", both, 2);
	form("relevance-0-3", true);
	assign_all();
	pack("out");
	open_bundle("a", "out/*", "anna");
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	if (hub != NULL)
		hub_close();
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* ---- crashes ---------------------------------------------------------------------------------- */

static void material_arrives_although_a_crash_left_its_branch_ahead(void **state)
{
	struct cp_store *s;

	(void)state;
	import("boots", both, 2);
	assign_all();
	pack("out");
	shell("mkdir kept && cp a/casepack.db* a/content.db* kept/");
	open_bundle("a", "out/*", "anna");
	shell("cp kept/* a/");
	s = opened("a");
	assert_int_equal(status_of(s).assignments, 1);
	cp_store_close(s);
	assert_int_equal(open_bundle("a", "out/*", "anna").assignments, 1);
	s = opened("a");
	assert_int_equal(status_of(s).assignments, 2);
	verifies(s);
	cp_store_close(s);
}

static void a_device_reports_only_material_that_its_database_holds(void **state)
{
	(void)state;
	import("boots", both, 2);
	assign_all();
	pack("out");
	shell("mkdir kept && cp a/casepack.db* a/content.db* kept/");
	open_bundle("a", "out/*", "anna");
	shell("cp kept/* a/");
	grade("a", "shoes", "1", "2");
	send_back("a");
	merge();
	pack("out"); /* must carry it again */
	assert_int_equal(open_bundle("a", "out/*", "anna").assignments, 1);
}

static void a_hub_acknowledges_only_what_its_database_holds(void **state)
{
	char command[256], before[64];

	(void)state;
	grade("a", "shoes", "1", "2");
	send_back("a");
	hub_close();
	snprintf(before, sizeof before, "%s", shell("git -C hub/history.git rev-parse main"));
	shell("mkdir kept && cp hub/casepack.db* kept/");
	hub_open();
	merge();
	hub_close();
	shell("cp kept/* hub/"); /* the crash came between the rater's branch and main */
	snprintf(command, sizeof command, "git -C hub/history.git update-ref refs/heads/main %s", before);
	shell(command);
	hub_open();
	assert_int_equal(status_of(hub).judgments, 0);
	pack("out");
	open_bundle("a", "out/*", "anna");
	send_back("a");
	merge();
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
	merge();
	hub_close();
	shell("cp kept/* hub/");
	hub_open();
	assert_int_equal(status_of(hub).judgments, 1);
	verifies(hub);
}

static void a_seal_cut_off_anywhere_is_neither_lost_nor_repeated(void **state)
{
	char command[256], before[64];

	(void)state;
	for (int is_main_moved = 0; is_main_moved < 2; is_main_moved++) {
		hub_close();
		snprintf(before, sizeof before, "%s", shell("git -C hub/history.git rev-parse main"));
		hub_open();
		import(is_main_moved ? "boots" : "socks", both, 2);
		hub_close();
		shell("rm -rf kept && mkdir kept && cp hub/casepack.db* kept/");
		hub_open();
		OK(cp_seal(hub, NULL, err));
		hub_close();
		shell("cp kept/* hub/");
		snprintf(command, sizeof command, "git -C hub/history.git update-ref refs/heads/main %s", before);
		if (!is_main_moved)
			shell(command);
		hub_open();
		assert_int_equal(status_of(hub).outbox, 0);
		verifies(hub);
		snprintf(command, sizeof command, "git -C hub/history.git rev-list --count %s..main", before);
		assert_string_equal(shell(command), "1");
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
	struct cp_text_add t = { .kind = CP_GUIDELINE, .name = "rules", .note = note, .body = "# Rules\n", .len = 8,
		.must_be_new = true };
	int64_t number;
	bool changed;

	(void)state;
	memset(note, 'a', sizeof note);
	snprintf(note + 119, sizeof note - 119, "\xc3\xa9\x01\n");
	OK(cp_text_put(hub, &t, &number, &changed, err));
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
	import("boots", both, 2);
	assign_all();
	pack("out");
	open_bundle("a", "out/*", "anna");
	grade("a", "shoes", "1", "2");
	s = opened("a");
	assert_string_equal(grade_in(s, "boots", &half, 1).state, "draft");
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
	assert_int_equal(merge().edits, 1);
	import("socks", both, 2);
	assign_all();
	pack("out");
	assert_int_equal(open_bundle("a", "out/*", "anna").assignments, 1); /* and what it has */
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
	assert_int_equal(merge().refused, 1);
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
	import("boots", both, 2);
	assign_all();
	pack("out");
	open_bundle("a", "out/*", "anna");
	grade("a", "boots", "1", "2");
	hub_close();
	shell("rm -rf hub && mv old hub"); /* put back as it was: the assignment is not known there */
	hub_open();
	send_back("a");
	m = merge();
	assert_int_equal(m.waiting, 1);
	import("boots", both, 2);
	assign_all();
	m = merge();
	assert_int_equal(m.edits, 1);
	assert_int_equal(m.waiting, 0);
	assert_int_equal(merge().known, 1);
	verifies(hub);
}

static void a_draft_loses_answers_that_the_case_has_no_place_for(void **state)
{
	struct cp_answer first = { "grade", "r2", "3" };
	struct cp_answer rest[] = { { "grade", "r1", "1" }, { "grade", "r3", "2" } };
	struct cp_store *s = opened("a");
	struct cp_merged m;

	(void)state;
	assert_string_equal(grade_in(s, "shoes", &first, 1).state, "draft");
	cp_store_close(s);
	import("shoes", other, 2);
	pack("out");
	open_bundle("a", "out/*", "anna");
	s = opened("a");
	assert_string_equal(grade_in(s, "shoes", rest, 2).state, "submitted");
	cp_store_close(s);
	send_back("a");
	m = merge();
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
	grade_in(s, "shoes", first, 2);
	grade_in(s, "shoes", &then, 1);
	OK(cp_judge_commit(s, "twice", err));
	cp_store_close(s);
	send_back("a");
	m = merge();
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
	pack("out"); /* form version 1 for both devices */
	open_bundle("b", "out/*0001*", "anna2");
	form("relevance-0-4", false);
	shell("rm -rf out && mkdir out");
	OK(cp_pack(hub, NULL, at("out"), 0, ignore, NULL, &(int64_t){ 0 }, err));
	open_bundle("a", "out/*0003*", "anna"); /* version 2 for the first */
	grade("a", "shoes", "4", "2");
	send_back("a");
	assert_int_equal(merge().refused, 0);
	grade("b", "shoes", "1", "1");          /* later, under version 1: the row shows this one */
	send_back("b");
	m = merge();
	assert_int_equal(m.refused, 0);
	assert_int_equal(m.conflicts, 1);
	s = opened("a");
	four.result = "r2";
	grade_in(s, "shoes", &four, 1);         /* version 2 has a 4 */
	cp_store_close(s);
	send_back("a");
	m = merge();
	assert_string_equal(m.why, "");
	assert_int_equal(m.refused, 0);
	assert_int_equal(m.edits, 1);
	verifies(hub);
}

/* The value that the hub shows for r1 of shoes in the latest pass. */
struct shown { char value[32]; bool in_conflict; };

static enum cp_code take_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct shown *shown = user;

	(void)err;
	if (l->pass == 2 && strcmp(l->result, "r1") == 0 && strcmp(l->field, "violation") == 0) {
		snprintf(shown->value, sizeof shown->value, "%s", l->value);
		shown->in_conflict = l->in_conflict;
	}
	return CP_OK;
}

static void of_two_devices_the_severer_answer_is_shown_where_the_form_asks_for_it(void **state)
{
	struct cp_text_add t = { .kind = CP_FORM, .name = "harm", .body = cp_form_preset("violation"), .must_be_new = true };
	struct cp_assign a = { .form = "harm", .pass = 2 };
	struct cp_assigned done;
	struct shown shown = { "", false };
	int64_t number;
	bool changed;

	(void)state;
	t.len = strlen(t.body);
	OK(cp_text_put(hub, &t, &number, &changed, err));
	OK(cp_assign(hub, &a, &done, err));
	person("anna", "anna2");
	pack("out");
	open_bundle("a", "out/*0002*", "anna");
	open_bundle("b", "out/*0001*", "anna2");
	for (int i = 0; i < 2; i++) { /* the later one says no */
		struct cp_answer answers[] = { { "violation", "r1", i ? "no" : "yes" }, { "violation", "r2", "no" },
			{ "severity", "r1", i ? "0" : "1" }, { "severity", "r2", "0" } };
		struct cp_store *s = opened(i ? "b" : "a");

		assert_string_equal(grade_in(s, "shoes", answers, 4).state, "submitted");
		cp_store_close(s);
		send_back(i ? "b" : "a");
		assert_int_equal(merge().refused, 0);
	}
	OK(cp_label_each(hub, take_label, &shown, err));
	assert_string_equal(shown.value, "yes");
	assert_true(shown.in_conflict);
	verifies(hub);
}

/* Found by the simulator, seed 91: the yes or no of "off" outweighed a mild harm. */
static void a_yes_to_an_ordinary_question_is_no_severity(void **state)
{
	struct cp_text_add t = { .kind = CP_FORM, .name = "harm", .must_be_new = true, .body = "{\"fields\":["
		"{\"name\":\"violation\",\"type\":\"choice\",\"scope\":\"result\",\"required\":true,\"policy\":\"severest\",\"choices\":["
		"{\"value\":\"no\"},{\"value\":\"yes\",\"severity\":1}]},{\"name\":\"off\",\"type\":\"bool\"}]}" };
	struct cp_assign a = { .form = "harm", .pass = 2 };
	struct cp_assigned done;
	struct shown shown = { "", false };
	int64_t number;
	bool changed;

	(void)state;
	t.len = strlen(t.body);
	OK(cp_text_put(hub, &t, &number, &changed, err));
	OK(cp_assign(hub, &a, &done, err));
	person("anna", "anna2");
	pack("out");
	open_bundle("a", "out/*0002*", "anna");
	open_bundle("b", "out/*0001*", "anna2");
	for (int i = 0; i < 2; i++) { /* the later one says no */
		struct cp_answer answers[] = { { "violation", "r1", i ? "no" : "yes" }, { "violation", "r2", "no" },
			{ "off", "", i ? "true" : "false" } };
		struct cp_store *s = opened(i ? "b" : "a");

		assert_string_equal(grade_in(s, "shoes", answers, 3).state, "submitted");
		cp_store_close(s);
		send_back(i ? "b" : "a");
		assert_int_equal(merge().refused, 0);
	}
	OK(cp_label_each(hub, take_label, &shown, err));
	assert_string_equal(shown.value, "yes");
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
	merge();
	pack("out");
	open_bundle("a", "out/*", "anna"); /* acknowledged */
	hub_close();
	shell("rm -rf hub && mv old hub");
	hub_open();
	pack("out");
	open_bundle("a", "out/*", "anna"); /* and no longer */
	send_back("a");
	assert_int_equal(merge().edits, 1);
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
