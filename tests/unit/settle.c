/*
 * Settling: forks of one person's devices, and two leads who write without knowing of
 * each other. The second lead's hub is the first one copied, and rebuilt under its key;
 * change commits go between them as they would in a bundle, object by object.
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
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/policy.h"
#include "sync/rebuild.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/resolution.h"
#include "sync/rights.h"
#include "sync/rule.h"
#include "sync/seal.h"
#include "sync/settle.h"
#include "sync/take.h"
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

static void import(const char *id)
{
	struct cp_result_in list[2] = { { .id = "r1", .rank = 1 }, { .id = "r2", .rank = 2 } };
	struct cp_case_in c = { .id = id, .kind = "serp", .query = id, .locale = "en-US", .results = list, .n_results = 2 };
	enum cp_case_effect effect;

	OK(cp_cases_begin(hub, err));
	OK(cp_cases_add(hub, &c, &effect, err));
	OK(cp_cases_commit(hub, "import", err));
}

static void form(const char *preset)
{
	const char *body = cp_form_preset(preset);
	struct cp_text_add t = { .kind = CP_FORM, .name = "relevance", .body = body, .len = strlen(body), .must_be_new = true };
	int64_t number;
	bool changed;

	OK(cp_text_put(hub, &t, &number, &changed, err));
	assert_true(changed);
}

static void person(struct cp_store *s, const char *name, const char *key, const char *role)
{
	char path[128];
	struct cp_person_add p = { .pseudonym = name, .key_path = key ? path : NULL, .role = role };
	bool changed;

	snprintf(path, sizeof path, "%s.pub", at(key ? key : "none"));
	OK(cp_person_add(s, &p, &changed, err));
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
static void open_bundle(const char *workspace, const char *pattern, const char *key)
{
	char path[256], command[128];
	struct cp_opened out;

	snprintf(command, sizeof command, "ls -d $PWD/%s", pattern);
	snprintf(path, sizeof path, "%s", shell(command));
	OK(cp_open(at(workspace), path, at(key), NULL, NULL, &out, err));
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

static void verifies(struct cp_store *s)
{
	struct cp_verified r;

	OK(cp_verify_store(s, &r, err));
}

/* ---- two devices of one rater, and a second lead -------------------------------------------------- */

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/cp-settle-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1); /* no tokens: a copied hub plays the second lead */
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	for (int i = 0; i < 4; i++)
		OK(cp_sshkey_generate(at((const char *const[]){ "lead", "lead2", "anna", "anna2" }[i]), "", NULL, err));
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("hub"), .project_name = "Settle", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at("lead") }, NULL, NULL, err));
	hub_open();
	person(hub, "anna", "anna", NULL);
	import("shoes");
	form("relevance-0-3");
	assign_all();
	pack("out");
	open_bundle("a", "out/*0001*", "anna");
	person(hub, "anna", "anna2", NULL);
	pack("out");
	open_bundle("b", "out/*0001*", "anna2");
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

/* The answers of one device, taken in by the hub. */
static void judged(const char *workspace, const char *r1, const char *r2)
{
	grade(workspace, "shoes", r1, r2);
	send_back(workspace);
	assert_int_equal(merge().refused, 0);
}

static struct cp_store *second; /* the other lead's hub */

static void make_hub_of(const char *key)
{
	struct cp_pubkey public;
	struct cp_id id;

	OK(cp_public_key(&public, at(key), err));
	cp_replica_id(&id, &cp_store_me(hub)->project, &public);
	OK(cp_edit_begin(hub, err));
	OK(cp_edit_document(hub, CP_T_REPLICAS, &id, (struct cp_set[]){ { "is_hub", cp_v_int(1) } }, 1, CP_EDIT_PLAIN, NULL, NULL, err));
	OK(cp_edit_commit(hub, "a second hub", err));
}

static void second_open(void)
{
	struct cp_rebuilt r;

	person(hub, "max", "lead2", "lead");
	make_hub_of("lead2");
	OK(cp_seal(hub, NULL, err));
	hub_close();
	shell("cp -r hub hub2");
	hub_open();
	OK(cp_rebuild(at("hub2"), at("lead2"), &r, err));
	second = opened("hub2");
	assert_string_equal(cp_store_me(second)->pseudonym, "max");
}

static int end_two(void **state)
{
	cp_store_close(second);
	second = NULL;
	return end(state);
}

/* One object of a lead's branch into a taking. */
static void give_object(struct cp_taking *t, const char *repo, const char *oid, const char *type)
{
	char command[256];
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(1 << 24);
	char chunk[4096];
	size_t n;
	FILE *f;

	snprintf(command, sizeof command, "git -C %s/%s/history.git cat-file %s %s", folder, repo, type, oid);
	f = popen(command, "r");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		OK(cp_buf_add(&bytes, chunk, n, err));
	assert_int_equal(pclose(f), 0);
	OK(cp_taking_object(t, oid, type, bytes.data, bytes.len, err));
}

/* Every change commit of that hub's own branch into the other one, as a bundle would bring it. */
static struct cp_merged give(struct cp_store *from, const char *repo, struct cp_store *to)
{
	struct cp_merged m = { .commits = 0 };
	struct cp_taking *t;
	char command[512], hex[CP_ID_HEX], commits[64][41];
	size_t n = 0;
	FILE *f;

	OK(cp_seal(from, NULL, err));
	cp_hex(hex, cp_store_me(from)->replica.bytes, 16);
	snprintf(command, sizeof command, "git -C %s/%s/history.git rev-list --reverse replica/%s", folder, repo, hex);
	f = popen(command, "r");
	assert_non_null(f);
	while (n < 64 && fscanf(f, "%40s", commits[n]) == 1)
		n++;
	assert_int_equal(pclose(f), 0);
	OK(cp_seal(to, NULL, err)); /* as every merge does */
	OK(cp_txn_begin(to, err));
	OK(cp_taking_begin(to, &t, err));
	for (size_t i = 0; i < n; i++) {
		char tree[41], blob[41];

		snprintf(command, sizeof command, "git -C %s/history.git rev-parse %.40s^{tree}", repo, commits[i]);
		snprintf(tree, sizeof tree, "%s", shell(command));
		snprintf(command, sizeof command, "git -C %s/history.git rev-parse %.40s:changeset", repo, commits[i]);
		snprintf(blob, sizeof blob, "%s", shell(command));
		give_object(t, repo, commits[i], "commit");
		give_object(t, repo, tree, "tree");
		give_object(t, repo, blob, "blob");
	}
	OK(cp_taking_end(t, &m, err));
	cp_taking_free(t);
	return m;
}

/* Both ways, and then both hold the same. */
static void exchange(void)
{
	struct cp_hash a, b;

	assert_int_equal(give(second, "hub2", hub).refused, 0);
	assert_int_equal(give(hub, "hub", second).refused, 0);
	OK(cp_store_hash(hub, &a, err));
	OK(cp_store_hash(second, &b, err));
	assert_memory_equal(&a, &b, sizeof a);
	verifies(hub);
	verifies(second);
}

/* ---- what is asked ---------------------------------------------------------------------------------- */

static enum cp_code take_first(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct cp_conflict *out = user;

	(void)err;
	if (out->class == NULL) {
		*out = *c;
		memset(c, 0, sizeof *c);
	}
	return CP_OK;
}

static enum cp_code count_one(void *user, struct cp_conflict *c, struct cp_err *err)
{
	(void)c;
	(void)err;
	++*(int *)user;
	return CP_OK;
}

static int count(struct cp_store *s, enum cp_conflict_state state, const char *class)
{
	struct cp_conflict_filter f = { .state = state, .class = class };
	int n = 0;

	OK(cp_conflict_each(s, &f, count_one, &n, err));
	return n;
}

/* The only one of that state; ended by the caller. */
static struct cp_conflict only(struct cp_store *s, enum cp_conflict_state state, const char *class)
{
	struct cp_conflict_filter f = { .state = state, .class = class };
	struct cp_conflict c = { .n = 0 };

	assert_int_equal(count(s, state, class), 1);
	OK(cp_conflict_each(s, &f, take_first, &c, err));
	return c;
}

static size_t candidate_saying(const struct cp_conflict *c, const char *text)
{
	for (size_t i = 0; i < c->n; i++)
		if (strstr(c->candidates[i].value, text) != NULL)
			return i;
	fail_msg("no candidate says %s", text);
	return 0;
}

/* Take the candidate of that conflict which says so. */
static void take(struct cp_store *s, enum cp_conflict_state state, const char *class, const char *text)
{
	CP_AUTO(conflict) struct cp_conflict c = only(s, state, class);

	OK(cp_settling_begin(s, err));
	OK(cp_settle_take(s, &c, candidate_saying(&c, text), "because", err));
	OK(cp_settling_commit(s, "settled", err));
}

struct shown { char value[32]; bool in_conflict, is_undecided; };

static enum cp_code take_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct shown *shown = user;

	(void)err;
	if (strcmp(l->result, "r1") == 0) {
		snprintf(shown->value, sizeof shown->value, "%s", l->value);
		shown->in_conflict = l->in_conflict;
		shown->is_undecided = l->is_undecided;
	}
	return CP_OK;
}

static struct shown label(struct cp_store *s)
{
	struct shown shown = { "", false, false };

	OK(cp_label_each(s, take_label, &shown, err));
	return shown;
}

static void policy(const char *key, const char *name)
{
	bool changed;

	OK(cp_policy_set(hub, key, name, &changed, err));
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

/* ---- forks ------------------------------------------------------------------------------------------- */

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

static int count_rows(struct cp_store *s, const char *sql)
{
	int64_t n;

	OK(cp_query_int(s, &n, -1, err, sql, ""));
	return (int)n;
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
	pack("out");
	open_bundle("a", "out/*0003*", "anna");
	open_bundle("b", "out/*0002*", "anna2");
	s = opened("b");
	assert_int_equal(count_rows(s, "SELECT count(*) FROM settlements"), 1);
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
	pack("out");
	open_bundle("a", "out/*0004*", "anna");
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

/* A folder and its copy both send one edit; the copy's commit claims a clock far ahead, and counts whichever came first. */
static void an_edit_that_two_copies_sent_is_far_when_one_of_them_is(void **state)
{
	(void)state;
	import("boots");
	assign_all();
	pack("out");
	open_bundle("a", "out/*0003*", "anna");
	grade("a", "shoes", "3", "2");
	shell("cp -a a copy");
	shell("sqlite3 copy/casepack.db \"INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 400000) * 1000000)\"");
	send_back("a");
	merge();
	grade("copy", "boots", "1", "1");
	send_back("copy");
	merge();
	judged("b", "1", "2");
	CP_AUTO(conflict) struct cp_conflict c = only(hub, CP_CONFLICTS_OPEN, "fork");
	assert_false(c.has_stand);
	assert_true(c.candidates[candidate_saying(&c, "\"grade@r1\":\"3\"")].is_far);
	assert_int_equal(cp_rule_choose(CP_RULE_LATEST, &c), SIZE_MAX);
}

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

/* ---- two leads ----------------------------------------------------------------------------------------- */

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

/* ---- final answers ----------------------------------------------------------------------------------------- */

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

/* ---- rights ------------------------------------------------------------------------------------------------- */

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

static void a_settlement_in_another_lead_s_name_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF(1 << 20);
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_author lead;
	enum cp_verdict verdict;
	struct cp_id other;
	char why[256];
	bool found;

	(void)state;
	cp_id_random(&other);
	OK(cp_author_find(hub, &cp_store_me(hub)->replica, &lead, &found, err));
	for (size_t c = 0; c < cp_shapes[CP_T_SETTLEMENTS].n_columns; c++)
		cp_table_default(&row[c], CP_T_SETTLEMENTS, c);
	row[CP_C_ID] = (struct cp_value){ CP_BLOB, 16, 0, 0, other.bytes };
	row[CP_C_REV] = row[CP_S_STANDS] = row[CP_S_WEIGHED] = (struct cp_value){ CP_BLOB, 8, 0, 0, other.bytes };
	row[CP_C_CLOCK] = (struct cp_value){ CP_INT, 0, 1, 0, NULL };
	row[CP_S_PERSON] = (struct cp_value){ CP_BLOB, 16, 0, 0, other.bytes };
	OK(cp_changeset_add_table(&changeset, &cp_shapes[CP_T_SETTLEMENTS], err));
	OK(cp_changeset_add_insert(&changeset, &cp_shapes[CP_T_SETTLEMENTS], row, err));
	OK(cp_rights_check(hub, &lead, changeset.data, changeset.len, &verdict, why, err));
	assert_int_equal(verdict, CP_REFUSE);
	assert_non_null(strstr(why, "another person"));
}

/* ---- main ------------------------------------------------------------------------------------------------------ */

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

static void real_names_in_conflict_do_not_come_onto_main(void **state)
{
	(void)state;
	shell("sqlite3 hub/casepack.db \"INSERT INTO conflicts(doc, tbl, col, class, is_open, policy, stands) SELECT id, 16, 'name', 'hard', 1,"
			" 'latest', x'' FROM persons; INSERT INTO candidates SELECT id, 15, 'name', x'0011223344556677', 1, 1, 'Anna Real' FROM persons;"
			" INSERT OR IGNORE INTO tricky SELECT id, 15 FROM persons\"");
	set_vendor(hub, "acme", NULL);
	OK(cp_seal(hub, NULL, err));
	assert_string_equal(shell("git -C hub/history.git grep -l 'Anna Real' main | wc -l"), "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TWO(name) cmocka_unit_test_setup_teardown(name, begin, end_two)
	const struct CMUnitTest tests[] = {
		TEST(a_lead_takes_a_candidate_and_another_resolve_undoes_it),
		TEST(answers_given_twice_are_identical_and_nothing_waits),
		TEST(under_review_nothing_stands_until_a_lead_decides),
		TEST(what_grows_from_the_overruled_is_weighed_against_what_stood),
		TEST(what_grows_from_what_stood_replaces_it_under_latest_alone),
		TEST(a_device_is_given_what_was_settled_of_its_own_forks),
		TEST(a_clock_that_is_far_off_decides_nothing_alone),
		TEST(an_edit_that_two_copies_sent_is_far_when_one_of_them_is),
		TWO(what_both_grew_from_is_named),
		TWO(two_leads_who_settle_differently_without_knowing_are_a_hard_conflict),
		TWO(two_leads_who_settle_alike_agree_whatever_their_reasons),
		TWO(a_column_that_leads_disagree_on_is_resolved_even_by_the_value_that_stands),
		TWO(under_review_only_a_resolve_closes_a_column),
		TWO(different_columns_of_one_row_both_stand_and_are_counted),
		TWO(two_leads_who_write_the_same_are_identical),
		TWO(final_answers_of_two_leads_are_one_question_not_three),
		TWO(a_new_value_must_be_one_of_the_form),
		TEST(a_judgment_gets_no_new_value_from_a_lead),
		TEST(a_resolution_without_its_edit_is_refused),
		TEST(a_settlement_in_another_lead_s_name_is_refused),
		TEST(a_change_of_policy_is_on_main_with_all_it_decided_anew),
		TEST(real_names_in_conflict_do_not_come_onto_main),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
