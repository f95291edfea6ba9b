/*
 * Merging goes by the whole bytes of every key. Tools that keep a short hash of a text
 * key take two of them for one; these keys collide, and every part of them counts.
 */
#include "tests/unit/hub.h"

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

static struct cp_store *hub;

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

	for (int f = 0; f < FIELDS; f++)
		snprintf(body + strlen(body), sizeof body - strlen(body),
				"%s{\"name\":\"%s\",\"type\":\"number\",\"scope\":\"result\",\"required\":true}", f ? "," : "", fields[f]);
	strcat(body, "]}");
	put_text(hub, (struct cp_text_add){ .kind = CP_FORM, .name = "numbers", .body = body, .must_be_new = true });
}

static int begin(void **state)
{
	char names[128] = "";

	folder_make(state);
	hub = make_hub("hub", "lead");
	add_device(hub, "anna", "key1", NULL);
	add_device(hub, "anna", "key2", NULL);
	for (int r = 0; r < RESULTS; r++)
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", results[r]);
	for (int c = 0; c < CASES; c++)
		import(hub, cases[c], names);
	put_form();
	assert_int_equal(assign_all(hub, "numbers", 1), CASES);
	assert_int_equal(pack(hub, NULL), 2);
	open_bundle("first", "key1");
	open_bundle("second", "key2");
	shell("mkdir back");
	return 0;
}

static int end(void **state)
{
	cp_store_drop(&hub);
	return folder_remove(state);
}

/* ---- the round ------------------------------------------------------------------------------------- */

/* Every answer of one case, as the sheet says. */
static void answer_all(struct cp_store *s, int c, sheet want)
{
	struct cp_answer answers[FIELDS * RESULTS];
	char values[FIELDS * RESULTS][16];

	for (int i = 0; i < FIELDS * RESULTS; i++) {
		snprintf(values[i], sizeof values[i], "%d", want[c][i / RESULTS][i % RESULTS]);
		answers[i] = (struct cp_answer){ fields[i / RESULTS], results[i % RESULTS], values[i] };
	}
	assert_string_equal(answer(s, cases[c], answers, FIELDS * RESULTS).state, "submitted");
}

/* One answer, and nothing else, becomes another. */
static void change(struct cp_store *s, sheet want, int c, int f, int r)
{
	char value[16];
	struct cp_answer one = { fields[f], results[r], value };

	snprintf(value, sizeof value, "%d", want[c][f][r] += 1000);
	assert_string_equal(answer(s, cases[c], &one, 1).state, "submitted");
}

static void fill(sheet want)
{
	for (int i = 0; i < CASES * FIELDS * RESULTS; i++)
		want[i / (FIELDS * RESULTS)][i / RESULTS % FIELDS][i % RESULTS] = i;
}

static struct cp_merged merge_all_of(const char *path)
{
	struct cp_merged m;

	OK(cp_merge(hub, path, &m, err));
	assert_string_equal(m.why, "");
	assert_int_equal(m.refused + m.waiting, 0);
	return m;
}

static struct cp_sent send_more(struct cp_store *s)
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
	verifies(hub);
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
	CP_AUTO(store) struct cp_store *s = opened("first");
	sheet want;

	(void)state;
	fill(want);
	answer_all(s, 0, want);
	answer_all(s, 1, want);
	assert_int_equal(merge_all_of(send_more(s).path).edits, CASES);
	stands(want);
	for (int i = 0; i < 4; i += 2) { /* of each pair one: its twin stays */
		change(s, want, 0, i, 1);
		change(s, want, 1, 0, i);
	}
	assert_int_equal(merge_all_of(send_more(s).path).edits, 4);
	stands(want);
}

static void keys_that_differ_in_one_part_are_merged_apart(void **state)
{
	CP_AUTO(store) struct cp_store *s = opened("first");
	sheet want;

	(void)state;
	fill(want);
	answer_all(s, 0, want);
	answer_all(s, 1, want);
	merge_all_of(send_more(s).path);
	change(s, want, 0, 0, 0); /* the key, then one with another result, another field, another judgment */
	assert_int_equal(merge_all_of(send_more(s).path).edits, 1);
	stands(want);
	change(s, want, 0, 0, 1);
	assert_int_equal(merge_all_of(send_more(s).path).edits, 1);
	stands(want);
	change(s, want, 0, 1, 0);
	assert_int_equal(merge_all_of(send_more(s).path).edits, 1);
	stands(want);
	change(s, want, 1, 0, 0);
	assert_int_equal(merge_all_of(send_more(s).path).edits, 1);
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
		CP_AUTO(store) struct cp_store *s = opened(device ? "second" : "first");

		second[0][3][3] += device;
		answer_all(s, 0, device ? second : first);
		answer_all(s, 1, device ? second : first);
		m = merge_all_of(send_more(s).path);
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
		CP_AUTO(store) struct cp_store *s = opened(device ? "second" : "first");

		answer_all(s, 0, want);
		sent[device][0] = send_more(s);
		want[1][2][2] += 100;
		answer_all(s, 1, want);
		sent[device][1] = send_more(s);
		merge_all_of(sent[device][0].path);
		assert_int_equal(merge_all_of(sent[device][1].path).known, 1);
	}
	take_state(&hash, files, sizeof files);
	for (int i = 0; i < 12; i++) {
		struct cp_merged m = merge_all_of(sent[i % 2][i / 2 % 2].path);

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
