/*
 * Merging goes by the whole bytes of every key. Tools that keep a short hash of a text
 * key take two of them for one; these keys collide, and every part of them counts.
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

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/verify.h"
#include "sync/texts.h"

#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			fail_msg("%s: %s", #call, ok_err_.text);                       \
	} while (0)

/* Two names of each pair have one CRC-32, or one FNV-1a of 32 bits. */
#define CRC_FIELDS  "field_599430bd25", "field_f7633dd321"
#define FNV_FIELDS  "field_991ede3530", "field_2f0ff22127"
#define CRC_RESULTS "doc-599430bd25", "doc-f7633dd321"
#define FNV_RESULTS "doc-6a2968e09d", "doc-741a5b6ed3"
static const char *const fields[] = { CRC_FIELDS, FNV_FIELDS }, *const results[] = { CRC_RESULTS, FNV_RESULTS };
static const char *const cases[] = { "one", "two" };
enum { FIELDS = 4, RESULTS = 4, CASES = 2 };

/* What must stand: a number for each case, field and result. */
typedef int sheet[CASES][FIELDS][RESULTS];

static char folder[64];
static struct cp_store *hub;

static const char *at(const char *name)
{
	static char made[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

/* What a shell command in the test's folder prints. */
static const char *shell(const char *command)
{
	static char text[1 << 16];
	char whole[2048];
	FILE *f;
	size_t n;

	snprintf(whole, sizeof whole, "cd %s && %s", folder, command);
	f = popen(whole, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	assert_int_equal(pclose(f), 0);
	return text;
}

static uint32_t crc32_of(const char *text)
{
	uint32_t crc = UINT32_MAX;

	for (; *text; text++) {
		crc ^= (uint8_t)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t fnv1a_of(const char *text)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x01000193u;
	return hash;
}

/* ---- a hub, and a person with two devices ------------------------------------------------------- */

static void put_form(void)
{
	char body[1024] = "{\"fields\":[";
	struct cp_text_add t = { .kind = CP_FORM, .name = "numbers", .body = body, .must_be_new = true };
	int64_t number;
	bool changed;

	for (int f = 0; f < FIELDS; f++)
		snprintf(body + strlen(body), sizeof body - strlen(body),
				"%s{\"name\":\"%s\",\"type\":\"number\",\"scope\":\"result\",\"required\":true}", f ? "," : "", fields[f]);
	strcat(body, "]}");
	t.len = strlen(body);
	OK(cp_text_put(hub, &t, &number, &changed, err));
}

static void import(void)
{
	struct cp_result_in list[RESULTS] = { { 0 } };
	enum cp_case_effect effect;

	OK(cp_cases_begin(hub, err));
	for (int c = 0; c < CASES; c++) {
		struct cp_case_in in = { .id = cases[c], .kind = "serp", .query = "q", .locale = "en-US", .results = list, .n_results = RESULTS };

		for (int r = 0; r < RESULTS; r++)
			list[r] = (struct cp_result_in){ .id = results[r], .rank = r + 1 };
		OK(cp_cases_add(hub, &in, &effect, err));
	}
	OK(cp_cases_commit(hub, "import", err));
}

static void add_device(const char *key)
{
	char path[128];
	struct cp_person_add p = { .pseudonym = "anna", .key_path = path };
	bool changed;

	OK(cp_sshkey_generate(at(key), "", NULL, err));
	snprintf(path, sizeof path, "%s.pub", at(key));
	OK(cp_person_add(hub, &p, &changed, err));
}

/* Each bundle is for one of the two keys. */
static void open_on(void *user, const struct cp_sent *sent)
{
	struct cp_opened opened;
	struct cp_err not_mine = { 0 };

	(void)user;
	if (cp_open(at("first"), sent->path, at("key1"), NULL, NULL, &opened, &not_mine) != CP_OK)
		OK(cp_open(at("second"), sent->path, at("key2"), NULL, NULL, &opened, err));
}

static int begin(void **state)
{
	struct cp_assign a = { .form = "numbers", .pass = 1 };
	struct cp_assigned given;
	int64_t n;

	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/cp-keys-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	OK(cp_sshkey_generate(at("lead"), "", NULL, err));
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("hub"), .project_name = "Keys", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at("lead") }, NULL, NULL, err));
	OK(cp_store_open(&hub, at("hub"), err));
	add_device("key1");
	add_device("key2");
	import();
	put_form();
	OK(cp_assign(hub, &a, &given, err));
	assert_int_equal(given.made, CASES);
	shell("mkdir out back");
	OK(cp_pack(hub, NULL, at("out"), 0, open_on, NULL, &n, err));
	assert_int_equal(n, 2);
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	cp_store_close(hub);
	hub = NULL;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* ---- the round ------------------------------------------------------------------------------------- */

static void answer(struct cp_store *s, int c, const struct cp_answer *answers, size_t n)
{
	struct cp_judge_result out;
	struct cp_task t;
	struct cp_id id;

	OK(cp_case_find(s, cases[c], &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, answers, n, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
	assert_string_equal(out.state, "submitted");
	cp_task_drop(&t);
}

/* Every answer of one case, as the sheet says. */
static void answer_all(struct cp_store *s, int c, sheet want)
{
	struct cp_answer answers[FIELDS * RESULTS];
	char values[FIELDS * RESULTS][16];

	for (int i = 0; i < FIELDS * RESULTS; i++) {
		snprintf(values[i], sizeof values[i], "%d", want[c][i / RESULTS][i % RESULTS]);
		answers[i] = (struct cp_answer){ fields[i / RESULTS], results[i % RESULTS], values[i] };
	}
	answer(s, c, answers, FIELDS * RESULTS);
}

/* One answer, and nothing else, becomes another. */
static void change(struct cp_store *s, sheet want, int c, int f, int r)
{
	char value[16];
	struct cp_answer one = { fields[f], results[r], value };

	snprintf(value, sizeof value, "%d", want[c][f][r] += 1000);
	answer(s, c, &one, 1);
}

static void fill(sheet want)
{
	for (int i = 0; i < CASES * FIELDS * RESULTS; i++)
		want[i / (FIELDS * RESULTS)][i / RESULTS % FIELDS][i % RESULTS] = i;
}

static struct cp_merged merge(const char *path)
{
	struct cp_merged m;

	OK(cp_merge(hub, path, &m, err));
	assert_string_equal(m.why, "");
	assert_int_equal(m.refused + m.waiting, 0);
	return m;
}

static struct cp_sent send_back(struct cp_store *s)
{
	struct cp_sent sent;
	int64_t n;

	OK(cp_return(s, at("back"), 0, &sent, &n, err));
	assert_int_equal(n, 1);
	return sent;
}

/* Both the database, as sqlite3 reads it, and main, as git does, hold the sheet: every key once, with its value. */
static void stands(sheet want)
{
	FILE *file = fopen(at("want"), "w");
	struct cp_verified replayed;

	assert_non_null(file);
	for (int i = 0; i < CASES * FIELDS * RESULTS; i++) {
		int c = i / (FIELDS * RESULTS), f = i / RESULTS % FIELDS, r = i % RESULTS;

		fprintf(file, "%s|%s|%s|%d\n", cases[c], fields[f], results[r], want[c][f][r]);
	}
	assert_int_equal(fclose(file), 0);
	shell("sqlite3 hub/casepack.db \"SELECT c.name, r.field, r.result, r.value FROM ratings r JOIN assignments a ON a.id = r.judgment"
			" JOIN cases c ON c.id = a.case_id\" | sort > got && sort want | diff - got");
	shell("for c in one two; do git -C hub/history.git show main:$(git -C hub/history.git ls-tree -r --name-only main judgments/"
			" | grep /$c.tsv) | grep -v '\\[' | awk -F'\\t' -v OFS='|' -v c=$c '{ print c, $3, $4, $5 }'; done | sort > got"
			" && sort want | diff - got");
	OK(cp_verify_store(hub, &replayed, err));
}

/* ---- the tests ----------------------------------------------------------------------------------------- */

static void the_keys_of_these_tests_collide(void **state)
{
	(void)state;
	assert_int_equal(crc32_of("123456789"), 0xcbf43926u); /* the check value that catalogues give */
	assert_int_equal(fnv1a_of("foobar"), 0xbf9cf968u);    /* and that of FNV's authors */
	assert_int_equal(crc32_of(fields[0]), crc32_of(fields[1]));
	assert_int_equal(crc32_of(results[0]), crc32_of(results[1]));
	assert_int_equal(fnv1a_of(fields[2]), fnv1a_of(fields[3]));
	assert_int_equal(fnv1a_of(results[2]), fnv1a_of(results[3]));
}

static void names_with_one_short_hash_stay_ratings_of_their_own(void **state)
{
	CP_AUTO(store) struct cp_store *s = NULL;
	sheet want;

	(void)state;
	fill(want);
	OK(cp_store_open(&s, at("first"), err));
	answer_all(s, 0, want);
	answer_all(s, 1, want);
	assert_int_equal(merge(send_back(s).path).edits, CASES);
	stands(want);
	for (int i = 0; i < 4; i += 2) { /* of each pair one: its twin stays */
		change(s, want, 0, i, 1);
		change(s, want, 1, 0, i);
	}
	assert_int_equal(merge(send_back(s).path).edits, 4);
	stands(want);
}

static void keys_that_differ_in_one_part_are_merged_apart(void **state)
{
	CP_AUTO(store) struct cp_store *s = NULL;
	sheet want;

	(void)state;
	fill(want);
	OK(cp_store_open(&s, at("first"), err));
	answer_all(s, 0, want);
	answer_all(s, 1, want);
	merge(send_back(s).path);
	change(s, want, 0, 0, 0); /* the key, then one with another result, another field, another judgment */
	assert_int_equal(merge(send_back(s).path).edits, 1);
	stands(want);
	change(s, want, 0, 0, 1);
	assert_int_equal(merge(send_back(s).path).edits, 1);
	stands(want);
	change(s, want, 0, 1, 0);
	assert_int_equal(merge(send_back(s).path).edits, 1);
	stands(want);
	change(s, want, 1, 0, 0);
	assert_int_equal(merge(send_back(s).path).edits, 1);
	stands(want);
}

static void a_device_that_disagrees_in_one_key_stands_whole(void **state)
{
	sheet first, second;
	struct cp_merged m = { .conflicts = 0 };

	(void)state;
	fill(first);
	fill(second);
	for (int device = 0; device < 2; device++) {
		CP_AUTO(store) struct cp_store *s = NULL;

		OK(cp_store_open(&s, at(device ? "second" : "first"), err));
		second[0][3][3] += device;
		answer_all(s, 0, device ? second : first);
		answer_all(s, 1, device ? second : first);
		m = merge(send_back(s).path);
	}
	assert_int_equal(m.conflicts, 1); /* of the one judgment; the other is equal on both */
	stands(second);
}

/* Everything that a merge could change: the state, and every file of main with its history. */
static void take_state(struct cp_hash *hash, char *files, size_t size)
{
	OK(cp_store_hash(hub, hash, err));
	snprintf(files, size, "%s", shell("git -C hub/history.git for-each-ref && git -C hub/history.git ls-tree -r main"));
}

static void the_same_change_commits_merged_again_change_nothing(void **state)
{
	static char files[1 << 16], again[1 << 16];
	struct cp_sent sent[2][2];
	struct cp_hash hash, hash_again;
	sheet want;

	(void)state;
	fill(want);
	for (int device = 0; device < 2; device++) { /* two bundles each; the second holds the first's commit as well */
		CP_AUTO(store) struct cp_store *s = NULL;

		OK(cp_store_open(&s, at(device ? "second" : "first"), err));
		answer_all(s, 0, want);
		sent[device][0] = send_back(s);
		want[1][2][2] += 100;
		answer_all(s, 1, want);
		sent[device][1] = send_back(s);
		merge(sent[device][0].path);
		assert_int_equal(merge(sent[device][1].path).known, 1);
	}
	take_state(&hash, files, sizeof files);
	for (int i = 0; i < 12; i++) {
		struct cp_merged m = merge(sent[i % 2][i / 2 % 2].path);

		assert_int_equal(m.commits + m.edits, 0);
		assert_int_equal(m.conflicts, 1);
		take_state(&hash_again, again, sizeof again);
		assert_memory_equal(&hash, &hash_again, sizeof hash);
		assert_string_equal(files, again);
	}
	stands(want);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_of_these_tests_collide),
		TEST(names_with_one_short_hash_stay_ratings_of_their_own),
		TEST(keys_that_differ_in_one_part_are_merged_apart),
		TEST(a_device_that_disagrees_in_one_key_stands_whole),
		TEST(the_same_change_commits_merged_again_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
