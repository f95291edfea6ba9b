/*
 * The changes of one document, out of a change commit that holds many: all of them, in
 * the order written, and no other's, however often they are asked for.
 */
#include "tests/unit/hub.h"

#include "sync/changes.h"

enum { CASES = 50 };

static struct cp_store *hub;

/* The cases first, first + step, ... with another segment each time. */
static void import_some(int first, int step, const char *segment)
{
	enum cp_case_effect effect;

	OK(cp_cases_begin(hub, err));
	for (int i = first; i < CASES; i += step) {
		char id[32];
		struct cp_result_in r = { .id = "r", .rank = 1 };
		struct cp_case_in c = { .id = id, .kind = "item", .query = "q", .locale = "en-US", .segment = segment,
			.results = &r, .n_results = 1 };

		snprintf(id, sizeof id, "case-%d", i);
		OK(cp_cases_add(hub, &c, &effect, err));
	}
	OK(cp_cases_commit(hub, segment, err));
}

/* What became of a case, a letter a change: i inserted, u updated, and the first of its segment. */
struct told { struct cp_id id; char text[32]; };

static void tell(void *user, const struct cp_change *c, int64_t commit_no)
{
	struct told *t = user;
	size_t n = strlen(t->text);

	(void)commit_no;
	assert_true(n + 3 < sizeof t->text);
	assert_int_equal(c->table, CP_T_CASES);
	assert_memory_equal(cp_change_key(c, CP_C_ID)->bytes, &t->id, sizeof t->id);
	t->text[n] = c->op == CP_INSERT ? 'i' : 'u';
	t->text[n + 1] = (char)c->now[6].bytes[0]; /* segment */
}

static const char *story(int64_t commit_no, int n)
{
	static struct told t;
	char id[32];

	memset(&t, 0, sizeof t);
	snprintf(id, sizeof id, "case-%d", n);
	OK(cp_case_find(hub, id, &t.id, err));
	OK(cp_changes_each(hub, CP_T_CASES, &t.id, commit_no, tell, &t, err));
	return t.text;
}

static int begin(void **state)
{
	folder_make(state);
	hub = make_hub("hub", "lead");
	OK(cp_seal(hub, NULL, err));
	return 0;
}

static int end(void **state)
{
	cp_store_drop(&hub);
	return folder_remove(state);
}

static void before_a_seal_each_save_has_its_own(void **state)
{
	int64_t last;

	(void)state;
	import_some(0, 1, "a");
	import_some(0, 2, "b");
	last = number_in(hub, "SELECT max(seq) FROM outbox WHERE is_private = 0");
	assert_string_equal(story(-last, 4), "ub");
	assert_string_equal(story(-last, 5), "");
	assert_string_equal(story(1 - last, 5), "ia");
}

static void a_commit_of_many_saves_gives_all_of_one_document_in_order(void **state)
{
	struct cp_id nobody = { { 1 } };
	struct told none = { .text = "" };
	int64_t last;

	(void)state;
	import_some(0, 1, "a");
	import_some(0, 2, "b");
	import_some(0, 3, "c");
	import_some(0, 2, "d");
	OK(cp_seal(hub, NULL, err));
	last = number_in(hub, "SELECT max(no) FROM commits WHERE is_private = 0");
	for (int again = 0; again < 2; again++)
		for (int i = 0; i < CASES; i++)
			assert_string_equal(story(last, i), i % 6 == 0 ? "iaubucud" : i % 2 == 0 ? "iaubud" : i % 3 == 0 ? "iauc" : "ia");
	OK(cp_changes_each(hub, CP_T_CASES, &nobody, last, tell, &none, err));
	assert_string_equal(none.text, "");
}

static void commits_are_not_taken_for_one_another(void **state)
{
	static const char *const told[] = { "ia", "ub", "uc" };
	int64_t commits[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		import_some(0, 1, (const char *const[]){ "a", "b", "c" }[i]);
		OK(cp_seal(hub, NULL, err));
		commits[i] = number_in(hub, "SELECT max(no) FROM commits WHERE is_private = 0");
	}
	for (int i = 0; i < 12; i++)
		assert_string_equal(story(commits[i % 3], i), told[i % 3]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(before_a_seal_each_save_has_its_own),
		TEST(a_commit_of_many_saves_gives_all_of_one_document_in_order),
		TEST(commits_are_not_taken_for_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
