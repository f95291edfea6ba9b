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

static void ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

static void make_device(int d)
{
	struct cp_opened opened;
	char bundle[256];

	for (int i = 0; i < DEVICES; i++) { /* which of both bundles is this device's, opening says */
		struct cp_err err = { 0 };

		snprintf(bundle, sizeof bundle, "%s", shell("ls $PWD/out/*-to-ana-* | sed -n %dp", i + 1));
		if (cp_open(at(names[2 + d]), bundle, at(d ? "d1.key" : "d0.key"), NULL, NULL, &opened, &err) == CP_OK)
			break;
	}
	OK(cp_store_open(&devices[d], at(names[2 + d]), err));
}

static void add_device(int d)
{
	struct cp_person_add p = { .pseudonym = "ana", .role = "rater" };
	char path[128];
	bool changed;

	snprintf(path, sizeof path, "%s/d%d.key", folder, d);
	OK(cp_sshkey_generate(path, "", NULL, err));
	strcat(path, ".pub");
	p.key_path = path;
	OK(cp_person_add(hubs[0], &p, &changed, err));
}

static int begin_all(void **state)
{
	int64_t n;

	if (begin(state) != 0)
		return -1;
	for (int d = 0; d < DEVICES; d++)
		add_device(d);
	OK(cp_cases_begin(hubs[0], err));
	for (unsigned i = 0; i < CASES; i++) {
		struct cp_result_in r = { .id = "r", .rank = 1 };
		struct cp_case_in c = { .id = case_name(i), .kind = "item", .query = "q", .locale = "en", .results = &r, .n_results = 1 };
		enum cp_case_effect effect;

		OK(cp_cases_add(hubs[0], &c, &effect, err));
	}
	OK(cp_cases_commit(hubs[0], "import", err));
	give(0, NULL);
	OK(cp_seal(hubs[0], NULL, err));
	shell("mkdir out");
	OK(cp_pack(hubs[0], "ana", at("out"), 0, ignore, NULL, &n, err));
	assert_int_equal(n, DEVICES);
	for (int d = 0; d < DEVICES; d++)
		make_device(d);
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
	struct cp_judge_result out;
	struct cp_task t;
	struct cp_id id;

	OK(cp_case_find(devices[d], case_name(roll(CASES)), &id, err));
	OK(cp_task_find(devices[d], &id, &t, err));
	OK(cp_judge(devices[d], &t, &a, 1, CP_SUBMIT_IF_COMPLETE, NULL, 10, &out, err));
	cp_task_drop(&t);
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

struct triple { int source; char commit[41], tree[41], blob[41]; };

static size_t sealed_by(int source, struct triple *out, size_t room)
{
	char hex[CP_ID_HEX], list[4096], *rest;
	size_t n = 0;

	snprintf(list, sizeof list, "%s", shell("git -C %s/history.git rev-list --reverse replica/%s 2>/dev/null || true", names[source],
			cp_hex(hex, store_of(source)->me.replica.bytes, 16)));
	for (char *oid = strtok_r(list, "\n", &rest); oid != NULL; oid = strtok_r(NULL, "\n", &rest)) {
		assert_true(n < room);
		out[n].source = source;
		snprintf(out[n].commit, sizeof out[n].commit, "%s", oid);
		snprintf(out[n].tree, sizeof out[n].tree, "%s", shell("git -C %s/history.git rev-parse %s^{tree}", names[source], oid));
		snprintf(out[n].blob, sizeof out[n].blob, "%s", shell("git -C %s/history.git rev-parse %s:changeset", names[source], oid));
		n++;
	}
	return n;
}

static void deliver(int to, const struct triple *t)
{
	struct cp_repo *r = store_of(t->source)->history;
	struct cp_taking *taking;
	struct cp_merged m;

	OK(cp_txn_begin(hubs[to], err));
	OK(cp_taking_begin(hubs[to], &taking, err));
	give_object(taking, r, t->commit, "commit");
	give_object(taking, r, t->tree, "tree");
	give_object(taking, r, t->blob, "blob");
	memset(&m, 0, sizeof m);
	OK(cp_taking_end(taking, &m, err));
	cp_taking_free(taking);
	if (m.refused)
		fail_msg("%s", m.why);
}

static void step(void)
{
	int lead = (int)roll(2), from = (int)roll(SOURCES);
	struct triple all[64];
	size_t n;

	switch (roll(8)) {
	case 0: case 1: judge((int)roll(DEVICES)); break;
	case 2: take_back(lead); break;
	case 3: give(lead, case_name(roll(CASES))); break;
	case 4: write_revision(lead); break;
	case 5: decide(lead); break;
	default: /* the lead learns something */
		n = from == lead ? 0 : sealed_by(from, all, 64);
		for (size_t i = 0; i < n; i++)
			deliver(lead, &all[i]);
	}
	for (int i = 0; i < SOURCES; i++)
		OK(cp_seal(store_of(i), NULL, err));
}

/* Everything to that hub, in an order of its own. */
static void deliver_all(int to)
{
	struct triple all[256], swap;
	size_t n = 0;

	for (int i = 0; i < SOURCES; i++)
		n += i == to && to < 2 ? 0 : sealed_by(i, all + n, 256 - n);
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
static const char *said(int hub)
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
		assert_int_equal(should_be_late(hub, id), number_of(hub, shell("echo \"SELECT count(*) FROM conflicts WHERE class = 'late'"
				" AND doc = x'%s'\"", id)));
	return n;
}

static void every_order_of_arrival_says_the_same(void **state)
{
	static unsigned seed = 1;

	(void)state;
	dice = seed++ * 7919;
	for (int i = 0; i < 2; i++) { /* all know the beginning */
		struct triple first[64];
		size_t n = sealed_by(0, first, 64);

		for (size_t k = 0; k < n; k++)
			deliver(i + 1, &first[k]);
	}
	for (int i = 0; i < STEPS; i++)
		step();
	for (int hub = 0; hub < LEADS; hub++)
		deliver_all(hub);
	for (int hub = 0; hub < LEADS; hub++) {
		assert_int_equal(number_of(hub, "SELECT count(*) FROM waiting"), 0);
		if (strcmp(said(hub), said(0)) != 0)
			fail_msg("%s differs from lea:\n%s", leads[hub], difference(hub));
		follows_the_rules(hub);
	}
	for (int hub = 0; hub < LEADS; hub++)
		verifies(hub);
}

/* ---- a revision that two leads wrote, as different kinds ---------------------------------------- */

static void a_revision_that_breaks_no_longer_makes_nothing_stale(void **state)
{
	struct triple all[64];
	size_t n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		n = sealed_by(0, all, 64);
		for (size_t k = 0; k < n; k++)
			deliver(i + 1, &all[k]);
	}
	dice = 1;
	judge(0);
	OK(cp_seal(devices[0], NULL, err));
	n = sealed_by(2, all, 64);
	for (int to = 0; to < LEADS; to++)
		deliver(to, &all[n - 1]);
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "breaking" }, err));
	OK(write_text(1, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "editorial" }, err));
	n = sealed_by(0, all, 64);
	deliver(2, &all[n - 1]);
	deliver(1, &all[n - 1]);
	assert_int_equal(number_of(2, "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 1);
	n = sealed_by(1, all, 64);
	deliver(2, &all[n - 1]); /* the later one stands meanwhile */
	assert_string_equal(shell("sqlite3 ida/casepack.db \"SELECT kind FROM guideline_revisions ORDER BY number DESC LIMIT 1\""), "editorial");
	assert_int_equal(number_of(2, "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 0);
	assert_int_equal(number_of(1, "SELECT count(*) FROM conflicts WHERE class = 'stale'"), 0);
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
	for (int lead = 0; lead < 2; lead++) {
		struct triple all[64];
		size_t n = sealed_by(lead, all, 64);

		deliver(2, &all[n - 1]);
	}
	return shell("sqlite3 ida/casepack.db \"SELECT class FROM conflicts WHERE is_open AND class = 'hard'\"");
}

static void who_decided_and_why_is_no_question_between_leads_who_decide_alike(void **state)
{
	struct triple all[64];
	size_t n;

	(void)state;
	dice = 1;
	judge(0);
	OK(cp_seal(devices[0], NULL, err));
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .body = "# Policy\n\nMaps.\n", .revision = "breaking" }, err));
	OK(cp_seal(hubs[0], NULL, err));
	for (int to = 1; to < LEADS; to++) {
		n = sealed_by(0, all, 64);
		for (size_t k = 0; k < n; k++)
			deliver(to, &all[k]);
	}
	n = sealed_by(2, all, 64);
	for (int to = 0; to < LEADS; to++)
		deliver(to, &all[n - 1]);
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
