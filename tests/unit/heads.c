/*
 * Guidelines and forms that leads revised without knowing of each other: the heads, the text
 * that they merge to, what raters work under, and how somebody writes one over them.
 */
#include "tests/unit/leads.h"

/* ---- two heads --------------------------------------------------------------------------------- */

static const char on_top[] = "# Policy of ours\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n";
static const char below[] = "# Policy\n\nOne.\n\nTwo.\n\nThree.\n\nFour and five.\n";
static const char both[] = "# Policy of ours\n\nOne.\n\nTwo.\n\nThree.\n\nFour and five.\n";

static void two_revisions_of_one_number_merge_by_line_until_someone_writes_it(void **state)
{
	char text[4096];
	struct cp_text_heads h;

	(void)state;
	revise(0, on_top);
	revise(1, below);
	assert_int_equal(take(0, 1).conflicts, 1);
	assert_int_equal(conflict(0).n, 2);
	assert_string_equal(conflict(0).class, "text");
	assert_string_equal(conflict(0).policy, "merges");
	assert_int_equal(conflict(0).standing, 1);
	h = merged(0, "policy", text, sizeof text);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.overlaps, 0);
	assert_string_equal(text, both);
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(both));
	assert_non_null(strstr(conflict_page(0), "guidelines\ttext\ttext\topen\tmerges\t"));
	fails(0, &(struct cp_text_add){ .name = "policy", .body = on_top }, "side by side");
	write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .revision = "editorial" });
	assert_int_equal(conflict(0).n, 0);
	assert_string_equal(conflict_page(0), "");
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(both));
	assert_int_equal(number_in(hubs[0], "SELECT number * 100 + length(parents) FROM guideline_revisions WHERE kind = 'editorial'"), 332);
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true }, "nothing to merge");
	verifies(hubs[0]);
}

static const char mine[] = "# Policy\n\nOne.\n\nTwo as Lea has it.\n\nThree.\n\nFour.\n";
static const char yours[] = "# Policy\n\nOne.\n\nTwo as Max has it.\n\nThree.\n\nFour.\n";

/* The texts of the heads, as sqlite3 has them, merged by git in the order of their revs. */
static const char *merged_by_git(const char *base)
{
	shell("printf '%%s' '%s' >base; sqlite3 lea/casepack.db \"SELECT writefile(row_number() OVER (ORDER BY rev), body),"
			" writefile('label' || row_number() OVER (ORDER BY rev), 'revision ' || number || ' (' ||"
			" substr(lower(hex(id)), 1, 12) || ')') FROM guideline_revisions WHERE number = 2\"", base);
	return shell("{ git merge-file -p -L \"$(cat label1)\" -L base -L \"$(cat label2)\" 1 base 2 || true; }");
}

static void what_overlaps_is_marked_and_waits_for_someone_to_write_it(void **state)
{
	char text[4096];

	(void)state;
	revise(0, mine);
	revise(1, yours);
	take(0, 1);
	assert_string_equal(conflict(0).policy, "overlaps");
	assert_int_equal(merged(0, "policy", text, sizeof text).overlaps, 1);
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(text));
	assert_string_equal(trimmed(text), merged_by_git(before));
	assert_non_null(strstr(text, "Two as Lea has it."));
	assert_non_null(strstr(text, "Two as Max has it."));
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true }, "overlap in 1 place;");
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true, .body = text }, "still has marks");
	OK(cp_text_saw(hubs[0], "policy", err));
	fails(0, &(struct cp_text_add){ .name = "policy", .body = text }, "still has marks");
	revise(0, both); /* having seen it */
	assert_int_equal(conflict(0).n, 0);
	assert_int_equal(number_in(hubs[0], "SELECT length(parents) FROM guideline_revisions WHERE number = 3"), 32);
	verifies(hubs[0]);
}

static void a_third_lead_reopens_what_was_seen(void **state)
{
	(void)state;
	revise(0, mine);
	revise(1, yours);
	take(0, 1);
	OK(cp_text_saw(hubs[0], "policy", err));
	revise(2, below);
	take(0, 2);
	assert_int_equal(conflict(0).n, 3);
	fails(0, &(struct cp_text_add){ .name = "policy", .body = both }, "3 revisions stand side by side");
	write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both });
	assert_int_equal(conflict(0).n, 0);
	assert_int_equal(offer(1, 0).waiting, 1); /* at Max's, where Ida's is not known */
	assert_int_equal(conflict(1).n, 2);
	assert_int_equal(take(1, 2).waiting, 0);
	assert_int_equal(conflict(1).n, 0);
}

/* Everything of main that a text makes, and the state. */
static const char *tree_of(int lead)
{
	return shell("git -C %s/history.git ls-tree main guidelines forms conflicts", leads[lead]);
}

static void hubs_agree_whatever_came_first(void **state)
{
	struct cp_hash a, b;

	(void)state;
	revise(0, mine);
	revise(0, on_top);
	revise(1, yours);
	revise(2, below);
	write_text(1, (struct cp_text_add){ .kind = CP_FORM, .name = "grade", .body = cp_form_preset("relevance-0-4") });
	take(0, 1);
	take(0, 2);
	take(1, 2);
	take(1, 0);
	take(2, 1);
	take(2, 0);
	for (int lead = 0; lead < LEADS; lead++) {
		assert_int_equal(conflict(lead).n, 3);
		assert_string_equal(conflict(lead).who, conflict(0).who);
		assert_string_equal(tree_of(lead), tree_of(0));
		OK(cp_store_hash(hubs[0], &a, err));
		OK(cp_store_hash(hubs[lead], &b, err));
		assert_memory_equal(&a, &b, sizeof a);
		verifies(hubs[lead]);
	}
	write_text(2, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both });
	for (int lead = 0; lead < 2; lead++) {
		take(lead, 2);
		assert_int_equal(conflict(lead).n, 0);
		assert_string_equal(tree_of(lead), tree_of(2));
	}
}

static void a_rebuild_finds_the_same_heads(void **state)
{
	char before_it[4096], tree[4096];
	struct cp_rebuilt r;

	(void)state;
	revise(0, mine);
	revise(1, yours);
	take(0, 1);
	snprintf(before_it, sizeof before_it, "%s", shell("sqlite3 lea/casepack.db 'SELECT hex(doc), tbl, col, class, policy,"
			" hex(stands), hex(c.rev), clock, value, oid FROM conflicts JOIN candidates c USING (doc, tbl, col)"
			" JOIN commits ON no = commit_no ORDER BY c.rev'"));
	snprintf(tree, sizeof tree, "%s", tree_of(0));
	stop(0);
	OK(cp_rebuild(at("lea"), at("lea.key"), &r, err));
	start(0);
	assert_string_equal(before_it, shell("sqlite3 lea/casepack.db 'SELECT hex(doc), tbl, col, class, policy,"
			" hex(stands), hex(c.rev), clock, value, oid FROM conflicts JOIN candidates c USING (doc, tbl, col)"
			" JOIN commits ON no = commit_no ORDER BY c.rev'"));
	assert_true(strlen(before_it) > 100);
	OK(cp_text_saw(hubs[0], "policy", err));
	revise(0, both);
	assert_string_not_equal(tree, tree_of(0));
	assert_int_equal(conflict(0).n, 0);
}

/* ---- as a lead sees it -------------------------------------------------------------------------------- */

/* The program, on Lea's hub: its exit status; what it prints is in the files said and words. */
static int casepack(const char *fmt, ...) CP_PRINTF(1, 2);
static int casepack(const char *fmt, ...)
{
	char args[512], here[4096];
	const char *program = getenv("CASEPACK");
	va_list list;

	va_start(list, fmt);
	vsnprintf(args, sizeof args, fmt, list);
	va_end(list);
	if (program == NULL)
		program = realpath("build/plain/casepack", here);
	assert_non_null(program);
	return atoi(shell("{ %s -C lea %s; } >said 2>words; echo $?", program, args));
}

static void the_program_says_that_two_stand_and_writes_them_as_one(void **state)
{
	char id[16];

	(void)state;
	revise(0, mine);
	revise(1, yours);
	take(0, 1);
	stop(0);
	assert_int_equal(casepack("guideline list --json"), 0);
	assert_string_equal(shell("jq -c '[.number, .unmerged]' said"), "[2,true]");
	assert_int_equal(casepack("guideline log policy --json"), 0);
	assert_string_equal(shell("jq -c '[.number, .current, .unmerged, .author]' said | sort | tr -d '\n'"),
			"[1,false,false,\"lea\"][2,false,true,\"lea\"][2,true,true,\"max\"]");
	assert_int_equal(casepack("conflicts"), 3);
	assert_string_equal(shell("grep -cE '^[0-9a-f]{8} +text +open +guidelines' said"), "1");
	assert_int_equal(casepack("status"), 3);
	shell("grep -q '^1 conflict open' said");

	assert_int_equal(casepack("guideline revise policy %s", shell("echo old >old; echo $PWD/old")), 1);
	shell("grep -q 'guideline show policy' words");
	assert_int_equal(casepack("guideline merge policy"), 1);
	shell("grep -q 'overlap in 1 place; .*guideline merge policy --from FILE' words && test $(wc -l <words) = 1");
	assert_int_equal(casepack("guideline show policy"), 3);
	shell("grep -q '2 revisions stand side by side: 2 by .*; 2 by ' words");
	assert_string_equal(shell("cat said"), main_has(0, "guidelines/policy.md"));
	shell("cp said marked");
	assert_int_equal(casepack("guideline show policy --json"), 3);
	shell("jq -j .merged said | cmp - marked && test $(jq .overlaps said) = 1");
	assert_int_equal(casepack("guideline merge policy --from %s/marked", folder), 1);
	shell("grep -q 'still has marks' words");

	assert_int_equal(casepack("guideline show policy --rev 2"), 1);
	snprintf(id, sizeof id, "%.12s", shell("grep -o ': [0-9a-f]\\{12\\},' words | cut -c3-14"));
	assert_int_equal(casepack("guideline show policy --rev %s", id), 0);
	shell("grep -q '^Two as ' said && ! grep -q '<<<<' said");
	assert_int_equal(casepack("guideline diff policy"), 0);
	shell("grep -q '^+Two as Max has it' said");
	assert_int_equal(casepack("guideline show policy --rev xyz"), 2);

	shell("sed -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d' marked >whole");
	assert_int_equal(casepack("guideline merge policy --from %s/whole --revision breaking --note 'both of us'", folder), 0);
	assert_int_equal(casepack("guideline show policy"), 0);
	shell("cmp said whole && test ! -s words");
	assert_int_equal(casepack("guideline log policy --json"), 0);
	assert_string_equal(shell("jq -c 'select(.current) | [.number, .revision, .note, .unmerged]' said"),
			"[3,\"breaking\",\"both of us\",false]");
	assert_int_equal(casepack("conflicts"), 0);
	assert_int_equal(casepack("verify"), 0);
	start(0);
}

static void a_hub_opened_again_or_evaluated_anew_says_the_same(void **state)
{
	(void)state;
	revise(0, mine);
	revise(1, yours);
	take(0, 1);
	stop(0);
	start(0);
	assert_int_equal(conflict(0).n, 2);
	stop(0);
	shell("sqlite3 lea/casepack.db \"DELETE FROM conflicts; DELETE FROM candidates; INSERT INTO meta(key, value)"
			" VALUES('reevaluate', 1) ON CONFLICT DO UPDATE SET value = 1\""); /* as after a change of the schema */
	start(0);
	assert_int_equal(conflict(0).n, 2);
	assert_string_equal(conflict(0).policy, "overlaps");
}

/* ---- at the rater's --------------------------------------------------------------------------------------- */

static void send_to_ana(void)
{
	assert_int_equal(pack(hubs[0], "ana"), 1);
	open_bundle("ana", "ana.key");
}

/* What is on Ana's screen is what the hub has as the current one; its number. */
static int64_t number_at_ana(void)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX), current = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(store) struct cp_store *s = opened("ana");
	struct cp_task t;
	struct cp_id id;
	int64_t number;

	OK(cp_case_find(s, "shoes", &id, err));
	OK(cp_task_find(s, &id, &t, err));
	number = t.guideline_number;
	OK(cp_text_get(s, false, t.guideline, number, &shown, NULL, err));
	OK(cp_text_get(hubs[0], false, "policy", 0, &current, NULL, err));
	assert_string_equal(shown.data, current.data);
	cp_task_drop(&t);
	return number;
}

/* Of what she was given several are nobody's parent there; that means nothing. */
static void has_one_text_at_ana(void)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(store) struct cp_store *s = opened("ana");
	struct cp_text_heads heads;
	int64_t conflicts;

	shell("sqlite3 ana/casepack.db \"INSERT INTO meta(key, value) VALUES('reevaluate', 1)"
			" ON CONFLICT DO UPDATE SET value = 1\"");
	OK(cp_text_merged(s, false, "policy", &text, &heads, err));
	assert_int_equal(heads.n, 1);
	assert_string_equal(text.data, below);
	OK(cp_query_int(s, &conflicts, 0, err, "SELECT count(*) FROM conflicts", ""));
	assert_int_equal(conflicts, 0);
}

static void ana_judges_and_returns(void)
{
	struct cp_store *s = opened("ana");
	struct cp_merged m;

	assert_string_equal(answer(s, "shoes", (struct cp_answer[]){ { "grade", "r1", "1" } }, 1).state, "submitted");
	cp_store_close(s);
	send_back("ana");
	m = merge(hubs[0]);
	assert_int_equal(m.refused + m.waiting, 0);
}

static void ana_joins(void)
{
	struct cp_assign a = { .form = "grade", .guideline = "policy", .pass = 1 };
	struct cp_assigned done;

	add_device(hubs[0], "ana", "ana.key", NULL);
	import(hubs[0], "shoes", "r1");
	OK(cp_assign(hubs[0], &a, &done, err));
	assert_int_equal(done.made, 1);
}

/* Lea's clock is an hour fast, so that what is written after hers, by others, looks older. */
static void a_rater_works_under_one_revision_the_hubs_current_one_whatever_the_clocks(void **state)
{
	(void)state;
	ana_joins();
	OK(cp_meta_set_int(hubs[0], "clock", cp_now_us() + (int64_t)3600 * 1000000, err));
	revise(0, mine);
	send_to_ana();
	assert_int_equal(number_at_ana(), 2);
	take(1, 0);
	revise(1, yours);
	take(0, 1);
	assert_int_equal(number_in(hubs[0], "SELECT a.clock > b.clock FROM guideline_revisions a, guideline_revisions b"
			" WHERE a.number = 2 AND b.number = 3"), 1);
	send_to_ana();
	assert_int_equal(number_at_ana(), 3);

	revise(0, on_top);
	send_to_ana();
	assert_int_equal(number_at_ana(), 4);
	revise(1, mine);
	take(0, 1);
	assert_int_equal(conflict(0).n, 2);
	send_to_ana();
	assert_int_equal(number_at_ana(), 4);
	ana_judges_and_returns(); /* meanwhile */
	write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both });
	revise(0, below);
	send_to_ana(); /* she is never given the fifth */
	assert_int_equal(number_at_ana(), 6);
	assert_int_equal(number_in(hubs[0], "SELECT number FROM judgments JOIN guideline_revisions v ON v.id = guideline_revision"), 4);
	assert_int_equal(number_in(hubs[0], "SELECT count(*) FROM conflicts"), 0);
	verifies(hubs[0]);
	has_one_text_at_ana();
}

/* ---- forms ------------------------------------------------------------------------------------------ */

#define FIELD(name, label) "{\"name\": \"" name "\", \"type\": \"text\", \"label\": \"" label "\"}"
#define FORM(fields) "{\"title\": \"Grade\", \"fields\": [" fields "]}"

static void of_two_versions_of_a_form_one_stands_until_a_lead_writes_one_over_both(void **state)
{
	struct cp_text_add t = { .kind = CP_FORM, .name = "more", .body = FORM(FIELD("a", "A")), .must_be_new = true };
	char text[4096];

	(void)state;
	write_text(0, t);
	take(1, 0);
	t.must_be_new = false;
	t.body = FORM(FIELD("a", "A") "," FIELD("b", "B"));
	write_text(0, t);
	t.body = FORM(FIELD("a", "A") "," FIELD("c", "C"));
	write_text(1, t);
	take(0, 1);
	assert_int_equal(conflict(0).n, 2);
	assert_string_equal(conflict(0).policy, "overlaps");
	assert_string_equal(conflict(0).who, "max"); /* whose clock is later */
	assert_int_equal(merged(0, "policy", text, sizeof text).n, 1);
	assert_non_null(strstr(main_has(0, "forms/more.json"), "\"c\""));
	stop(0);
	assert_int_equal(casepack("form show more"), 3);
	assert_string_equal(shell("jq -r .fields[].name said | xargs"), "a c");
	shell("grep -q '2 versions stand side by side: .*2 by max ([0-9a-f]*), which raters work under' words");
	shell("grep -q 'form revise more FILE' words");
	assert_int_equal(casepack("form show more --json"), 3);
	assert_string_equal(shell("jq -c '[(.heads | map(.author) | sort), .merged, .current]' said"), "[[\"lea\",\"max\"],null,true]");
	assert_int_equal(casepack("form list --json"), 0);
	assert_string_equal(shell("jq -r 'select(.unmerged).name' said"), "more");
	start(0);
	fails(0, &t, "field"); /* it lacks what the other one has */
	t.body = FORM(FIELD("a", "A") "," FIELD("b", "B") "," FIELD("c", "C"));
	write_text(0, t);
	assert_int_equal(conflict(0).n, 0);
	assert_int_equal(number_in(hubs[0], "SELECT length(parents) FROM form_versions WHERE number = 3"), 32);
	verifies(hubs[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(two_revisions_of_one_number_merge_by_line_until_someone_writes_it),
		TEST(what_overlaps_is_marked_and_waits_for_someone_to_write_it),
		TEST(a_third_lead_reopens_what_was_seen),
		TEST(hubs_agree_whatever_came_first),
		TEST(a_rebuild_finds_the_same_heads),
		TEST(a_hub_opened_again_or_evaluated_anew_says_the_same),
		TEST(a_rater_works_under_one_revision_the_hubs_current_one_whatever_the_clocks),
		TEST(the_program_says_that_two_stand_and_writes_them_as_one),
		TEST(of_two_versions_of_a_form_one_stands_until_a_lead_writes_one_over_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
