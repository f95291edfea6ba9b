/*
 * Guidelines and forms that leads revised without knowing of each other, on real hubs: each
 * lead has a device of her own, and what one seals is taken in by the others. The heads and
 * their nearest common ancestor are judged by git, and so is the text that main shows.
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
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/rebuild.h"
#include "sync/report.h"
#include "sync/seal.h"
#include "sync/take.h"
#include "sync/texts.h"

#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			fail_msg("%s: %s", #call, ok_err_.text);                       \
	} while (0)

#define LEADS 3
static const char *const leads[LEADS] = { "lea", "max", "ida" }; /* each a hub in a folder of that name */
static struct cp_store *hubs[LEADS];
static char folder[64];

static const char *at(const char *name)
{
	static char made[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

/* Runs a shell command in the test's folder, and gives what it prints, up to 4 KB, without the last newline. */
static const char *shell(const char *fmt, ...) CP_PRINTF(1, 2);
static const char *shell(const char *fmt, ...)
{
	static char said[4][4096];
	static int next;
	char command[2048], whole[2200];
	char *out = said[next = (next + 1) % 4];
	size_t n;
	va_list args;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	snprintf(whole, sizeof whole, "cd %s && %s", folder, command);
	f = popen(whole, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof said[0] - 1, f);
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	if (pclose(f) != 0)
		fail_msg("it fails: %s", command);
	return out;
}

/* ---- leads and their hubs ----------------------------------------------------------------- */

static void start(int lead)
{
	OK(cp_store_open(&hubs[lead], at(leads[lead]), err));
}

static void stop(int lead)
{
	cp_store_close(hubs[lead]);
	hubs[lead] = NULL;
}

static enum cp_code write_text(int lead, struct cp_text_add t, struct cp_err *err)
{
	int64_t number;
	bool changed;

	t.len = t.body ? strlen(t.body) : 0;
	CP_TRY(cp_text_put(hubs[lead], &t, &number, &changed, err));
	assert_true(changed);
	return cp_seal(hubs[lead], NULL, err);
}

static void revise(int lead, const char *body)
{
	OK(write_text(lead, (struct cp_text_add){ .name = "policy", .body = body }, err));
}

/* A device of its own on the roster as a hub, and a copy of the first one's folder that is now that device's. */
static void found_hub(int lead)
{
	struct cp_person_add p = { .pseudonym = leads[lead], .role = "lead" };
	char path[128];
	struct cp_pubkey key;
	struct cp_id replica;
	bool changed;

	snprintf(path, sizeof path, "%s/%s.key.pub", folder, leads[lead]);
	p.key_path = path;
	OK(cp_person_add(hubs[0], &p, &changed, err));
	path[strlen(path) - 4] = '\0';
	OK(cp_public_key(&key, path, err));
	cp_replica_id(&replica, &hubs[0]->me.project, &key);
	OK(cp_edit_begin(hubs[0], err));
	OK(cp_edit_document(hubs[0], CP_T_REPLICAS, &replica, (struct cp_set[]){ { "is_hub", cp_v_int(1) } }, 1, CP_EDIT_PLAIN,
			NULL, NULL, err));
	OK(cp_edit_commit(hubs[0], "a second hub", err));
	OK(cp_seal(hubs[0], NULL, err));
}

static void copy_hub(int lead)
{
	stop(0);
	shell("cp -r %s %s", leads[0], leads[lead]);
	shell("sqlite3 %s/casepack.db \"UPDATE meta SET value = (SELECT id FROM persons WHERE pseudonym = '%s') WHERE key = 'person';"
			" UPDATE meta SET value = (SELECT r.id FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = '%s')"
			" WHERE key = 'replica'; UPDATE meta SET value = CAST('%s/%s.key' AS BLOB) WHERE key = 'key'\"",
			leads[lead], leads[lead], leads[lead], folder, leads[lead]);
	start(0);
	start(lead);
}

static void give_object(struct cp_taking *t, struct cp_repo *r, const char *oid, const char *type)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

	OK(cp_repo_read(r, oid, type, &bytes, err));
	OK(cp_taking_object(t, oid, type, bytes.data, bytes.len, err));
}

/* The one hub takes in what the other's device has sealed, whatever comes of it. */
static struct cp_merged offer(int to, int from)
{
	struct cp_merged m = { .edits = 0 };
	struct cp_taking *t;
	char hex[CP_ID_HEX], list[4096], *at_oid;

	snprintf(list, sizeof list, "%s", shell("git -C %s/history.git rev-list --reverse --format='%%T %%H' replica/%s | grep -v ^commit",
			leads[from], cp_hex(hex, hubs[from]->me.replica.bytes, 16)));
	OK(cp_txn_begin(hubs[to], err));
	OK(cp_taking_begin(hubs[to], &t, err));
	for (char *line = strtok_r(list, "\n", &at_oid); line != NULL; line = strtok_r(NULL, "\n", &at_oid)) {
		const char *blob;

		line[40] = '\0';
		blob = shell("git -C %s/history.git rev-parse %s:changeset", leads[from], line);
		give_object(t, hubs[from]->history, line + 41, "commit");
		give_object(t, hubs[from]->history, line, "tree");
		give_object(t, hubs[from]->history, blob, "blob");
	}
	OK(cp_taking_end(t, &m, err));
	cp_taking_free(t);
	return m;
}

static struct cp_merged take(int to, int from)
{
	struct cp_merged m = offer(to, from);

	if (m.refused + m.waiting > 0)
		fail_msg("%s", m.why);
	return m;
}

static const char before[] = "# Policy\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n";

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/cp-heads-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	for (int i = 0; i < LEADS; i++) {
		char path[128];

		snprintf(path, sizeof path, "%s/%s.key", folder, leads[i]);
		OK(cp_sshkey_generate(path, "", NULL, err));
	}
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("lea"), .project_name = "Texts", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at("lea.key") }, NULL, NULL, err));
	start(0);
	found_hub(1);
	found_hub(2);
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .body = before, .must_be_new = true }, err));
	OK(write_text(0, (struct cp_text_add){ .kind = CP_FORM, .name = "grade", .body = cp_form_preset("relevance-0-3"),
			.must_be_new = true }, err));
	copy_hub(1);
	copy_hub(2);
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	for (int i = 0; i < LEADS; i++)
		stop(i);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* ---- what a hub says ------------------------------------------------------------------------ */

static const char *main_has(int lead, const char *path)
{
	return shell("git -C %s/history.git show main:%s 2>/dev/null || true", leads[lead], path);
}

/* The only file of main's folder conflicts. */
static const char *conflict_page(int lead)
{
	const char *path = shell("git -C %s/history.git ls-tree -r --name-only main conflicts/", leads[lead]);

	return *path ? main_has(lead, path) : "";
}

/* As main_has gives a text. */
static const char *trimmed(const char *text)
{
	static char out[4096];

	snprintf(out, sizeof out, "%.*s", (int)strlen(text) - 1, text);
	return out;
}

struct told { int n, standing; char policy[32], class[32], who[64]; };

static enum cp_code hear(void *user, const struct cp_conflict_row *c, struct cp_err *err)
{
	struct told *told = user;

	(void)err;
	assert_string_equal(c->column, "text");
	told->n++;
	told->standing += c->stands;
	snprintf(told->policy, sizeof told->policy, "%s", c->policy);
	snprintf(told->class, sizeof told->class, "%s", c->class);
	if (c->stands)
		snprintf(told->who, sizeof told->who, "%s", c->who);
	return CP_OK;
}

static struct told conflict(int lead)
{
	struct told told = { .n = 0 };

	OK(cp_conflict_each(hubs[lead], hear, &told, err));
	return told;
}

static struct cp_text_heads merged(int lead, const char *name, char *out, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_text_heads heads;

	OK(cp_text_merged(hubs[lead], strcmp(name, "grade") == 0, name, &text, &heads, err));
	snprintf(out, size, "%s", text.data);
	return heads;
}

static void fails(int lead, const struct cp_text_add *t, const char *words)
{
	struct cp_err err = { 0 };
	struct cp_text_add given = *t;
	int64_t number;
	bool changed;

	given.len = given.body ? strlen(given.body) : 0;
	assert_int_equal(cp_text_put(hubs[lead], &given, &number, &changed, &err), CP_EINPUT);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void verifies(int lead)
{
	struct cp_rebuilt r;

	OK(cp_verify_replay(hubs[lead], &r, err));
}

static int64_t number_of(int lead, const char *sql)
{
	return strtoll(shell("sqlite3 %s/casepack.db \"%s\"", leads[lead], sql), NULL, 10);
}

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
	assert_non_null(strstr(conflict_page(0), "guidelines\ttext\ttext\tmerges\t"));
	fails(0, &(struct cp_text_add){ .name = "policy", .body = on_top }, "side by side");
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .revision = "editorial" }, err));
	assert_int_equal(conflict(0).n, 0);
	assert_string_equal(conflict_page(0), "");
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(both));
	assert_int_equal(number_of(0, "SELECT number * 100 + length(parents) FROM guideline_revisions WHERE kind = 'editorial'"), 332);
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true }, "nothing to merge");
	verifies(0);
}

static const char mine[] = "# Policy\n\nOne.\n\nTwo as Lea has it.\n\nThree.\n\nFour.\n";
static const char yours[] = "# Policy\n\nOne.\n\nTwo as Max has it.\n\nThree.\n\nFour.\n";

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
	assert_non_null(strstr(text, "<<<<<<< revision 2 ("));
	assert_non_null(strstr(text, "Two as Lea has it."));
	assert_non_null(strstr(text, "Two as Max has it."));
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true }, "overlap in 1 place;");
	fails(0, &(struct cp_text_add){ .name = "policy", .is_merge = true, .body = text }, "still has marks");
	OK(cp_text_saw(hubs[0], "policy", err));
	fails(0, &(struct cp_text_add){ .name = "policy", .body = text }, "still has marks");
	revise(0, both); /* having seen it */
	assert_int_equal(conflict(0).n, 0);
	assert_int_equal(number_of(0, "SELECT length(parents) FROM guideline_revisions WHERE number = 3"), 32);
	verifies(0);
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
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both }, err));
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
	OK(write_text(1, (struct cp_text_add){ .kind = CP_FORM, .name = "grade", .body = cp_form_preset("relevance-0-4") }, err));
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
		verifies(lead);
	}
	OK(write_text(2, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both }, err));
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
	assert_string_equal(shell("grep -c '^text  *guidelines' said"), "2");
	assert_int_equal(casepack("status"), 0);
	shell("grep -q '^1 conflict open' said");

	assert_int_equal(casepack("guideline revise policy %s", shell("echo old >old; echo $PWD/old")), 1);
	shell("grep -q 'guideline show policy' words");
	assert_int_equal(casepack("guideline merge policy"), 1);
	shell("grep -q 'overlap in 1 place; .*guideline merge policy --from FILE' words && test $(wc -l <words) = 1");
	assert_int_equal(casepack("guideline show policy"), 3);
	shell("grep -q '2 revisions stand side by side: 2 by .*; 2 by ' words");
	assert_string_equal(shell("cat said"), main_has(0, "guidelines/policy.md"));
	shell("cp said marked");
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

static void ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

static void send_to_ana(void)
{
	struct cp_opened opened;
	char path[256];
	int64_t n;

	shell("rm -rf out && mkdir out");
	OK(cp_pack(hubs[0], "ana", at("out"), false, ignore, NULL, &n, err));
	snprintf(path, sizeof path, "%s", shell("ls $PWD/out/*"));
	OK(cp_open(at("ana"), path, at("ana.key"), NULL, NULL, &opened, err));
}

/* What is on Ana's screen is what the hub has as the current one; its number. */
static int64_t number_at_ana(void)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX), current = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(store) struct cp_store *s = NULL;
	struct cp_task t;
	struct cp_id id;
	int64_t number;

	OK(cp_store_open(&s, at("ana"), err));
	OK(cp_case_find(s, "shoes", &id, err));
	OK(cp_task_find(s, &id, &t, err));
	number = t.guideline_number;
	OK(cp_text_get(s, false, t.guideline, number, &shown, NULL, err));
	OK(cp_text_get(hubs[0], false, "policy", 0, &current, NULL, err));
	assert_string_equal(shown.data, current.data);
	cp_task_drop(&t);
	return number;
}

static void ana_judges_and_returns(void)
{
	struct cp_answer answers[] = { { "grade", "r1", "1" } };
	CP_AUTO(store) struct cp_store *s = NULL;
	struct cp_judge_result done;
	struct cp_merged m;
	struct cp_sent sent;
	struct cp_task t;
	struct cp_id id;
	int64_t n;

	OK(cp_store_open(&s, at("ana"), err));
	OK(cp_case_find(s, "shoes", &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, answers, 1, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &done, err));
	assert_string_equal(done.state, "submitted");
	cp_task_drop(&t);
	shell("rm -rf back && mkdir back");
	OK(cp_return(s, at("back"), false, &sent, &n, err));
	OK(cp_merge(hubs[0], sent.path, &m, err));
	assert_int_equal(m.refused + m.waiting, 0);
}

static void ana_joins(void)
{
	struct cp_result_in result = { .id = "r1", .rank = 1 };
	struct cp_case_in c = { .id = "shoes", .kind = "serp", .query = "shoes", .locale = "en-US", .results = &result, .n_results = 1 };
	struct cp_person_add p = { .pseudonym = "ana" };
	struct cp_assign a = { .form = "grade", .guideline = "policy", .pass = 1 };
	enum cp_case_effect effect;
	struct cp_assigned done;
	char path[128];
	bool changed;

	snprintf(path, sizeof path, "%s/ana.key", folder);
	OK(cp_sshkey_generate(path, "", NULL, err));
	strcat(path, ".pub");
	p.key_path = path;
	OK(cp_person_add(hubs[0], &p, &changed, err));
	OK(cp_cases_begin(hubs[0], err));
	OK(cp_cases_add(hubs[0], &c, &effect, err));
	OK(cp_cases_commit(hubs[0], "import", err));
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
	assert_int_equal(number_of(0, "SELECT a.clock > b.clock FROM guideline_revisions a, guideline_revisions b"
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
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .is_merge = true, .body = both }, err));
	send_to_ana();
	assert_int_equal(number_at_ana(), 5);
	assert_int_equal(number_of(0, "SELECT number FROM judgments JOIN guideline_revisions v ON v.id = guideline_revision"), 4);
	assert_int_equal(number_of(0, "SELECT count(*) FROM conflicts"), 0);
	verifies(0);
}

/* ---- what a revision must be ------------------------------------------------------------------------- */

/* A revision that Max writes as he pleases: on that one, with that number and, if hashed, the right id. */
static void forge(const char *body, const void *parents, size_t len, int64_t number, bool is_hashed)
{
	struct cp_id text, id;

	OK(cp_query_id(hubs[1], &text, err, "SELECT id FROM guidelines WHERE name = 'policy'", ""));
	cp_id_derive(&id, "revision", 3, (const void *const[]){ text.bytes, body, parents }, (const size_t[]){ 16, strlen(body), len });
	id.bytes[0] ^= !is_hashed;
	OK(cp_edit_begin(hubs[1], err));
	OK(cp_edit_document(hubs[1], CP_T_GUIDELINE_REVISIONS, &id, (struct cp_set[]){ { "parent_doc", cp_v_blob(text.bytes, 16) },
			{ "parents", cp_v_blob(parents, len) }, { "number", cp_v_int(number) }, { "body", cp_v_text(body) } }, 4,
			CP_EDIT_PLAIN, NULL, NULL, err));
	OK(cp_edit_commit(hubs[1], "a revision", err));
	OK(cp_seal(hubs[1], NULL, err));
}

static struct cp_id first_revision(void)
{
	struct cp_id id;

	OK(cp_query_id(hubs[1], &id, err, "SELECT id FROM guideline_revisions WHERE number = 1", ""));
	return id;
}

static void is_refused(const char *words)
{
	struct cp_merged m = offer(0, 1);

	assert_int_equal(m.refused, 1);
	if (strstr(m.why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", m.why, words);
	assert_int_equal(conflict(0).n, 0);
	verifies(0);
}

static void a_revision_under_another_name_than_its_hash_is_refused(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	forge(below, first.bytes, 16, 2, false);
	is_refused("not the hash");
}

static void a_revision_that_numbers_itself_on_top_is_refused(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	forge(below, first.bytes, 16, 900, true);
	is_refused("numbered 900 where 2 is next");
}

static void a_revision_of_another_text_is_no_parent(void **state)
{
	struct cp_id other;

	(void)state;
	OK(write_text(1, (struct cp_text_add){ .name = "other", .body = below, .must_be_new = true }, err));
	OK(cp_query_id(hubs[1], &other, err, "SELECT v.id FROM guideline_revisions v JOIN guidelines g ON g.id = v.parent_doc"
			" WHERE g.name = 'other'", ""));
	forge(below, other.bytes, 16, 2, true);
	is_refused("no revision of its text");
}

static void what_was_written_is_never_changed(void **state)
{
	struct cp_id first = first_revision();

	(void)state;
	OK(cp_edit_begin(hubs[1], err));
	OK(cp_edit_document(hubs[1], CP_T_GUIDELINE_REVISIONS, &first, (struct cp_set[]){ { "body", cp_v_text("# Mine\n") } }, 1,
			CP_EDIT_PLAIN, NULL, NULL, err));
	OK(cp_edit_commit(hubs[1], "rewrites", err));
	OK(cp_seal(hubs[1], NULL, err));
	is_refused("was changed");
}

static void revisions_sealed_together_may_name_each_other(void **state)
{
	int64_t number;
	bool changed;

	(void)state;
	for (int i = 0; i < 3; i++) {
		const char *body = ((const char *const[]){ mine, yours, below })[i];

		OK(cp_text_put(hubs[1], &(struct cp_text_add){ .name = "policy", .body = body, .len = strlen(body) }, &number,
				&changed, err));
	}
	OK(cp_seal(hubs[1], NULL, err));
	assert_int_equal(take(0, 1).edits, 3);
	assert_int_equal(conflict(0).n, 0);
	assert_string_equal(main_has(0, "guidelines/policy.md"), trimmed(below));
}

/* ---- forms ------------------------------------------------------------------------------------------ */

#define FIELD(name, label) "{\"name\": \"" name "\", \"type\": \"text\", \"label\": \"" label "\", \"scope\": \"page\", \"required\": false}"
#define FORM(fields) "{\"title\": \"Grade\", \"fields\": [" fields "]}"

static void of_two_versions_of_a_form_one_stands_until_a_lead_writes_one_over_both(void **state)
{
	struct cp_text_add t = { .kind = CP_FORM, .name = "more", .body = FORM(FIELD("a", "A")), .must_be_new = true };
	char text[4096];

	(void)state;
	OK(write_text(0, t, err));
	take(1, 0);
	t.must_be_new = false;
	t.body = FORM(FIELD("a", "A") "," FIELD("b", "B"));
	OK(write_text(0, t, err));
	t.body = FORM(FIELD("a", "A") "," FIELD("c", "C"));
	OK(write_text(1, t, err));
	take(0, 1);
	assert_int_equal(conflict(0).n, 2);
	assert_string_equal(conflict(0).policy, "overlaps");
	assert_string_equal(conflict(0).who, "max"); /* whose clock is later */
	assert_int_equal(merged(0, "policy", text, sizeof text).n, 1);
	assert_non_null(strstr(main_has(0, "forms/more.json"), "\"c\""));
	fails(0, &t, "field"); /* it lacks what the other one has */
	t.body = FORM(FIELD("a", "A") "," FIELD("b", "B") "," FIELD("c", "C"));
	OK(write_text(0, t, err));
	assert_int_equal(conflict(0).n, 0);
	assert_int_equal(number_of(0, "SELECT length(parents) FROM form_versions WHERE number = 3"), 32);
	verifies(0);
}

/* ---- the graph, beside git's ------------------------------------------------------------------------ */

static void put_revision(int n, const struct cp_id *text, const uint32_t *parents)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_rev rev;
	struct cp_id id, joined[4];
	size_t n_joined = 0;

	for (size_t c = 0; c < cp_shapes[CP_T_GUIDELINE_REVISIONS].n_columns; c++)
		cp_table_default(&row[c], CP_T_GUIDELINE_REVISIONS, c);
	memset(id.bytes, n, sizeof id.bytes);
	for (int i = 1; i < 32; i++)
		if (*parents >> i & 1)
			memset(joined[n_joined++].bytes, i, sizeof(struct cp_id));
	cp_rev_random(&rev);
	row[CP_C_ID] = cp_v_blob(id.bytes, sizeof id.bytes);
	row[CP_C_REV] = cp_v_blob(rev.bytes, sizeof rev.bytes);
	row[CP_C_CLOCK] = cp_v_int(n);
	row[3] = cp_v_blob(text->bytes, sizeof text->bytes);
	row[4] = cp_v_blob(joined, n_joined * sizeof(struct cp_id));
	OK(cp_row_put(hubs[0], CP_T_GUIDELINE_REVISIONS, row, err));
}

/* A commit in git, with the same parents. */
static void put_commit(FILE *f, int n, uint32_t parents)
{
	const char *word = "from";

	fprintf(f, "reset refs/heads/x\n\ncommit refs/heads/x\nmark :%d\ncommitter a <a> %d +0000\ndata 0\n", n, n);
	for (int i = 1; i < 32; i++)
		if (parents >> i & 1) {
			fprintf(f, "%s :%d\n", word, i);
			word = "merge";
		}
	fprintf(f, "\n");
}

/* The numbers of those in a list of commits, as bits. */
static uint32_t bits_of(const char *command)
{
	uint32_t bits = 0;
	char *list = strdup(shell("%s", command)), *rest;

	for (char *line = strtok_r(list, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		bits |= (uint32_t)1 << strtol(shell("grep %s marks | tr -d : | cut -d' ' -f1", line), NULL, 10);
	free(list);
	return bits;
}

static bool number_in(const char *sql, int a, int b)
{
	struct cp_id x, y;
	int64_t n;

	memset(x.bytes, a, sizeof x.bytes);
	memset(y.bytes, b, sizeof y.bytes);
	OK(cp_query_int(hubs[0], &n, 0, err, sql, "dd", &x, &y));
	return n != 0;
}

static void heads_and_their_nearest_ancestor_are_those_that_git_finds(void **state)
{
	int several = 0, none = 0, many = 0;

	(void)state;
	srand(7);
	shell("git init -q --bare graph.git");
	for (int round = 0; round < 100; round++) {
		FILE *f = fopen(at("stream"), "w");
		uint32_t is_parent = 0, heads = 0, bases;
		char command[1024] = "git -C graph.git merge-base --octopus --all";
		struct cp_heads h;
		struct cp_id text;
		int n = 3 + rand() % 9;

		assert_non_null(f);
		cp_id_random(&text);
		OK(cp_txn_begin(hubs[0], err));
		OK(cp_run(hubs[0], err, "DELETE FROM guideline_revisions WHERE length(parent_doc) = 16 AND person = x''", ""));
		for (int i = 1; i <= n; i++) {
			uint32_t parents = 0;

			/* In odd rounds layers of two or three, whose parents cross; a new root now and then. */
			for (int k = round % 3 == 0 && rand() % 5 == 0 ? 0 : 1 + rand() % 3; i > 1 && k > 0; k--)
				parents |= (uint32_t)1 << (round % 2 && i > 4 ? (i - 1) / 3 * 3 - rand() % 3 : 1 + rand() % (i - 1));
			is_parent |= parents;
			put_revision(i, &text, &parents);
			put_commit(f, i, parents);
		}
		assert_int_equal(fclose(f), 0);
		shell("git -C graph.git fast-import --quiet --force --export-marks=../marks <stream");
		OK(cp_heads_load(hubs[0], false, &text, &h, err));
		for (size_t i = 0; i < h.n; i++) {
			heads |= (uint32_t)1 << h.list[i].id.bytes[0];
			assert_true(i == 0 || memcmp(&h.list[i - 1].rev, &h.list[i].rev, 8) < 0);
			snprintf(command + strlen(command), sizeof command - strlen(command), " %s",
					shell("sed -n 's/^:%d //p' marks", h.list[i].id.bytes[0]));
		}
		assert_int_equal(heads, ~is_parent & (((uint32_t)1 << n) - 1) << 1);
		snprintf(command + strlen(command), sizeof command - strlen(command), " || true");
		bases = bits_of(command);
		if (h.n > 1) {
			several++;
			none += bases == 0;
			many += __builtin_popcount(bases) > 1;
			assert_int_equal(h.has_base, bases != 0);
			if (h.has_base)
				assert_true(bases >> h.base.bytes[0] & 1);
			for (int i = 1; i <= n && h.has_base; i++) /* of several the lowest rev */
				assert_true(!(bases >> i & 1) || number_in("SELECT a.rev <= b.rev FROM guideline_revisions a,"
						" guideline_revisions b WHERE a.id = ?1 AND b.id = ?2", h.base.bytes[0], i));
		}
		cp_heads_drop(&h);
		cp_txn_rollback(hubs[0]);
	}
	assert_true(several > 30 && none > 3 && many > 0); /* else this tried too little */
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
		TEST(a_revision_under_another_name_than_its_hash_is_refused),
		TEST(a_revision_that_numbers_itself_on_top_is_refused),
		TEST(a_revision_of_another_text_is_no_parent),
		TEST(what_was_written_is_never_changed),
		TEST(revisions_sealed_together_may_name_each_other),
		TEST(the_program_says_that_two_stand_and_writes_them_as_one),
		TEST(of_two_versions_of_a_form_one_stands_until_a_lead_writes_one_over_both),
		TEST(heads_and_their_nearest_ancestor_are_those_that_git_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
