/*
 * Late and stale are a pure function of what was accepted: two leads and a rater with two
 * devices write without knowing of each other, three hubs take everything in in orders of
 * their own, and must say the same, which a naive reading of the rules says too.
 */
#include "tests/unit/leads.h"

#include "sync/document.h"
#include "sync/lapse.h"
#include "sync/recall.h"

enum { CASES = 5, DEVICES = 2, STEPS = 22, SOURCES = 4 };

static struct cp_store *devices[DEVICES];
static const char *const names[SOURCES] = { "lea", "max", "d0", "d1" }; /* who writes: the folders */
static unsigned dice;

static unsigned roll(unsigned n)
{
	dice = dice * 1103515245u + 12345u;
	return (dice >> 16) % n;
}

static struct cp_store *store_of(int source)
{
	return source < 2 ? hubs[source] : devices[source - 2];
}

/* ---- who writes -------------------------------------------------------------------------- */

static const char *case_name(unsigned n)
{
	static char name[2][16];
	static int next;

	next = !next;
	snprintf(name[next], sizeof name[0], "q%u", n);
	return name[next];
}

static void give(int lead, const char *only)
{
	struct cp_assign a = { .form = "grade", .guideline = "policy", .people = (const char *const[]){ "ana" }, .n_people = 1,
		.pass = 1, .cases = &only, .n_cases = only != NULL };
	struct cp_assigned done;

	OK(cp_assign(hubs[lead], &a, &done, err));
}

static int begin_all(void **state)
{
	static const char *const keys[DEVICES] = { "d0.key", "d1.key" };

	begin(state);
	for (int d = 0; d < DEVICES; d++)
		add_device(hubs[0], "ana", keys[d], "rater");
	for (unsigned i = 0; i < CASES; i++)
		import(hubs[0], case_name(i), "r");
	give(0, NULL);
	OK(cp_seal(hubs[0], NULL, err));
	assert_int_equal(pack(hubs[0], "ana"), DEVICES);
	for (int d = 0; d < DEVICES; d++) {
		open_bundle(names[2 + d], keys[d]);
		devices[d] = opened(names[2 + d]);
	}
	return 0;
}

static int end_all(void **state)
{
	for (int d = 0; d < DEVICES; d++)
		cp_store_drop(&devices[d]);
	return end(state);
}

static void judge(int d)
{
	struct cp_answer a = { "grade", "r", (const char *const[]){ "0", "1", "2", "3" }[roll(4)] };

	answer(devices[d], case_name(roll(CASES)), &a, 1);
}

static void take_back(int lead)
{
	const char *one = case_name(roll(CASES));
	struct cp_recall r = { .how = roll(2) ? CP_WITHDRAW : CP_REASSIGN, .cases = &one, .n_cases = 1, .judged_too = true };
	struct cp_recalled done;

	OK(cp_recall(hubs[lead], &r, &done, err));
}

static void decide(int lead)
{
	const char *one = case_name(roll(CASES));
	struct cp_stale_settle w = { .decision = roll(2) ? "keep" : "void", .reason = "why", .cases = &one, .n_cases = 1,
		.settled_too = true };
	struct cp_stale_settled done;

	OK(cp_stale_settle(hubs[lead], &w, &done, err));
}

/* Sometimes both write the same words, as different kinds. */
static void write_revision(int lead)
{
	char body[64];
	struct cp_text_add t = { .name = "policy", .body = body, .revision = roll(2) ? "breaking" : "clarifying" };
	int64_t number;
	bool changed;

	snprintf(body, sizeof body, "# Policy\n\nText %u.\n", roll(3));
	t.len = strlen(body);
	OK(cp_text_saw(hubs[lead], "policy", err));
	OK(cp_text_put(hubs[lead], &t, &number, &changed, err));
}

/* ---- one hub takes in what somebody sealed, commit by commit -------------------------------- */

struct carried { int source; struct sealed commit; };

static size_t carry(int source, struct carried *out, size_t room)
{
	struct sealed list[64];
	size_t n = sealed_by(store_of(source), list, 64);

	assert_true(n <= room);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct carried){ source, list[i] };
	return n;
}

static void deliver(int to, const struct carried *c)
{
	struct cp_merged m = take_in(hubs[to], store_of(c->source), &c->commit, 1);

	if (m.refused)
		fail_msg("%s", m.why);
}

static void deliver_every(int to, int source)
{
	struct carried all[64];
	size_t n = carry(source, all, 64);

	for (size_t i = 0; i < n; i++)
		deliver(to, &all[i]);
}

static void deliver_last(int to, int source)
{
	struct carried all[64];
	size_t n = carry(source, all, 64);

	assert_true(n > 0);
	deliver(to, &all[n - 1]);
}

static void step(void)
{
	int lead = (int)roll(2), from = (int)roll(SOURCES);

	switch (roll(8)) {
	case 0: case 1: judge((int)roll(DEVICES)); break;
	case 2: take_back(lead); break;
	case 3: give(lead, case_name(roll(CASES))); break;
	case 4: write_revision(lead); break;
	case 5: decide(lead); break;
	default: /* the lead learns something */
		if (from != lead)
			deliver_every(lead, from);
	}
	for (int i = 0; i < SOURCES; i++)
		OK(cp_seal(store_of(i), NULL, err));
}

/* Everything to that hub, in an order of its own. */
static void deliver_all(int to)
{
	struct carried all[256], swap;
	size_t n = 0;

	for (int i = 0; i < SOURCES; i++)
		n += i == to && to < 2 ? 0 : carry(i, all + n, 256 - n);
	for (size_t i = n; i > 1; i--) {
		size_t j = roll((unsigned)i);

		swap = all[i - 1];
		all[i - 1] = all[j];
		all[j] = swap;
	}
	for (size_t i = 0; i < n; i++)
		deliver(to, &all[i]);
}

/* ---- what a hub says, and what the rules say -------------------------------------------------- */

/* Every conflict, and every file of main but those that say when this hub received what. */
static const char *told(int hub)
{
	return shell("{ sqlite3 %s/casepack.db \"SELECT class, hex(doc), tbl, col, is_open, policy, hex(stands) FROM conflicts"
			" ORDER BY 1,2,3,4\"; git -C %s/history.git ls-tree -r main | grep -v verdicts/; } | tee %s.said | sha256sum",
			leads[hub], leads[hub], leads[hub]);
}

static const char *difference(int hub)
{
	return shell("diff lea.said %s.said | head -20", leads[hub]);
}

/* Is rev that edit, or does that edit descend from it? By following every parent. */
static bool holds(const struct cp_document *d, const struct cp_rev *edit, const struct cp_rev *rev, int depth)
{
	if (memcmp(edit, rev, sizeof *rev) == 0)
		return true;
	for (size_t i = 0; depth < 64 && i < d->n; i++)
		for (size_t p = 0; memcmp(&d->edits[i].rev, edit, sizeof *edit) == 0 && p < d->edits[i].n_replaced; p++)
			if (holds(d, &d->edits[i].replaced[p], rev, depth + 1))
				return true;
	return false;
}

static bool should_be_late(int hub, const char *judgment)
{
	char state[2048], *rest, *word;
	struct cp_document d;
	struct cp_rev stands, rev;
	struct cp_id id;
	bool late = true;

	assert_true(cp_unhex(id.bytes, 16, judgment));
	assert_true(cp_unhex(stands.bytes, 8, shell("sqlite3 %s/casepack.db \"SELECT lower(hex(substr(rev, 1, 8))) FROM judgments WHERE"
			" id = x'%s'\"", leads[hub], judgment)));
	snprintf(state, sizeof state, "%s", shell("sqlite3 %s/casepack.db \"SELECT state FROM assignments WHERE id = x'%s'\"", leads[hub],
			judgment));
	OK(cp_document_load(hubs[hub], CP_T_JUDGMENTS, &id, &d, err));
	word = strtok_r(state, " ", &rest);
	late = strcmp(word, "given") != 0;
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		assert_true(cp_unhex(rev.bytes, 8, word));
		late = late && !holds(&d, &stands, &rev, 0);
	}
	cp_document_drop(&d);
	return late;
}

/* By SQL's own recursion, not by the program's. */
static const char stale_sql[] =
	"WITH RECURSIVE up(child, id) AS (SELECT id, id FROM guideline_revisions UNION SELECT u.child, substr(r.parents, n.i * 16 + 1, 16)"
	"  FROM up u JOIN guideline_revisions r ON r.id = u.id JOIN (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3) n"
	"  WHERE length(r.parents) > n.i * 16)"
	" SELECT hex(j.id), lower(hex(b.id)), coalesce(s.decision, '') FROM judgments j JOIN guideline_revisions b ON b.kind = 'breaking'"
	" AND NOT EXISTS (SELECT 1 FROM up WHERE child = j.guideline_revision AND id = b.id)"
	" LEFT JOIN stale_settlements s ON s.judgment = j.id AND s.cause = b.id AND s.weighed = substr(j.rev, 1, 8) ORDER BY 1, 2";

static int follows_the_rules(int hub)
{
	char list[4096], *rest;
	int n = 0;

	assert_string_equal(shell("sqlite3 %s/casepack.db \"%s\"", leads[hub], stale_sql), shell("sqlite3 %s/casepack.db \"SELECT hex(doc),"
			" col, policy FROM conflicts WHERE class = 'stale' ORDER BY 1, 2\"", leads[hub]));
	snprintf(list, sizeof list, "%s", shell("sqlite3 %s/casepack.db \"SELECT lower(hex(id)) FROM judgments\"", leads[hub]));
	for (char *id = strtok_r(list, "\n", &rest); id != NULL; id = strtok_r(NULL, "\n", &rest), n++)
		assert_int_equal(should_be_late(hub, id), *shell("sqlite3 %s/casepack.db \"SELECT count(*) FROM conflicts WHERE class = 'late'"
				" AND doc = x'%s'\"", leads[hub], id) == '1');
	return n;
}

static void every_order_of_arrival_says_the_same(void **state)
{
	static unsigned seed = 1;

	(void)state;
	dice = seed++ * 7919;
	for (int to = 1; to < LEADS; to++)
		deliver_every(to, 0); /* all know the beginning */
	for (int i = 0; i < STEPS; i++)
		step();
	for (int hub = 0; hub < LEADS; hub++)
		deliver_all(hub);
	for (int hub = 0; hub < LEADS; hub++) {
		assert_int_equal(number_in(hubs[hub], "SELECT count(*) FROM waiting"), 0);
		if (strcmp(told(hub), told(0)) != 0)
			fail_msg("%s differs from lea:\n%s", leads[hub], difference(hub));
		follows_the_rules(hub);
	}
	for (int hub = 0; hub < LEADS; hub++)
		verifies(hubs[hub]);
}

/* ---- a revision that two leads wrote, as different kinds ---------------------------------------- */

static void a_revision_that_breaks_no_longer_makes_nothing_stale(void **state)
{
	(void)state;
	for (int to = 1; to < LEADS; to++)
		deliver_every(to, 0);
	dice = 1;
	judge(0);
	OK(cp_seal(devices[0], NULL, err));
	for (int to = 0; to < LEADS; to++)
		deliver_last(to, 2);
	write_text(0, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "breaking" });
	write_text(1, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "editorial" });
	deliver_last(2, 0);
	deliver_last(1, 0);
	assert_int_equal(number_in(hubs[2], "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 1);
	deliver_last(2, 1); /* the later one stands meanwhile */
	assert_string_equal(shell("sqlite3 ida/casepack.db \"SELECT kind FROM guideline_revisions ORDER BY number DESC LIMIT 1\""), "editorial");
	assert_int_equal(number_in(hubs[2], "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 0);
	assert_int_equal(number_in(hubs[1], "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 0);
	follows_the_rules(2);
}

/* ---- two leads decide about one stale judgment --------------------------------------------------- */

static void settle_stale(int lead, const char *decision, const char *reason)
{
	struct cp_stale_settle w = { .decision = decision, .reason = reason, .settled_too = true };
	struct cp_stale_settled done;

	OK(cp_stale_settle(hubs[lead], &w, &done, err));
	assert_int_equal(done.judgments, 1);
	OK(cp_seal(hubs[lead], NULL, err));
}

/* What the first two leads sealed last, to the third. */
static const char *questions_of_both(void)
{
	for (int lead = 0; lead < 2; lead++)
		deliver_last(2, lead);
	return shell("sqlite3 ida/casepack.db \"SELECT class FROM conflicts WHERE is_open AND class = 'hard'\"");
}

static void who_decided_and_why_is_no_question_between_leads_who_decide_alike(void **state)
{
	(void)state;
	dice = 1;
	judge(0);
	OK(cp_seal(devices[0], NULL, err));
	write_text(0, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "breaking" });
	OK(cp_seal(hubs[0], NULL, err));
	for (int to = 1; to < LEADS; to++)
		deliver_every(to, 0);
	for (int to = 0; to < LEADS; to++)
		deliver_last(to, 2);
	settle_stale(0, "keep", "it is fine");
	settle_stale(1, "keep", "nothing changed for it");
	assert_string_equal(questions_of_both(), "");
	settle_stale(0, "void", "it is not");
	settle_stale(1, "requeue", "better ask");
	assert_string_equal(questions_of_both(), "hard");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)
		TEST(a_revision_that_breaks_no_longer_makes_nothing_stale),
		TEST(who_decided_and_why_is_no_question_between_leads_who_decide_alike),
		TEST(every_order_of_arrival_says_the_same),
		TEST(every_order_of_arrival_says_the_same),
		TEST(every_order_of_arrival_says_the_same),
		TEST(every_order_of_arrival_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
