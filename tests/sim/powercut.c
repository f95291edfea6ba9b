/*
 * The power fails at every point of what a rater and a hub do, and what the disk had not been made to write is gone.
 *
 * Each operation is run in a child on a copy of the same folder, cut off at its first, second, ... point, with
 * several disks each; then everything must open, be sound to git and SQLite, hold what was acknowledged, and the
 * operation, done again, must end where it ends without a cut. Long operations are cut at some of their points only;
 * POWERCUT_SEEDS=N cuts at all, with N disks each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/file.h"
#include "formats/sshkey.h"
#include "sync/cases.h"
#include "sync/forget.h"
#include "sync/rebuild.h"
#include "sync/report.h"
#include "sync/seal.h"
#include "tests/sim/disk.h"
#include "tests/sim/steps.h"

/* ---- the operations ----------------------------------------------------------------------------- */

/*
 * prepare makes the folder as it is before; work is cut; after looks at what a cut left, with the steps that were
 * acknowledged; then work again, and final, whose hash and text must be those without a cut.
 */
struct final { struct cp_hash hash; char text[512]; };
struct operation {
	const char *name;
	long stride;  /* it is cut at every so manieth point, and at the last TAIL, where results are put in place */
	int (*prepare)(void);
	int (*work)(void *user);
	int (*after)(int steps);
	int (*final)(struct final *f);
};

static int nothing(void)
{
	return 0;
}

static int rate_and_return(void *user)
{
	(void)user;
	WELL(grade("a", "shoes", "3"));
	WELL(grade("a", "boots", NULL));
	return send_back();
}

static int after_rating(int steps)
{
	struct cp_hash hash;

	WELL(is_sound("a", &hash));
	WELL(submitted("a", steps > 0, steps > 1));
	if (steps > 2)
		WELL(shell("ls back/*.casepack.age"));
	return 0;
}

static int final_rating(struct final *f)
{
	struct cp_hash hash;

	WELL(is_sound("a", &hash));
	WELL(submitted("a", 1, 1));
	WELL(merge());
	WELL(is_sound("hub", &hash));
	return labels("hub", f->text);
}

static int before_merge(void)
{
	struct cp_store *hub = NULL;

	WELL(rate_and_return(NULL));
	OK(cp_store_open(&hub, at("hub"), err)); /* the hub has edits of its own to seal first, public and private */
	WELL(import(hub, "socks"));
	cp_store_close(hub);
	return 0;
}

static int merge_all(void *user)
{
	(void)user;
	return merge();
}

static int after_merge(int steps)
{
	struct cp_hash hash;

	WELL(is_sound("hub", &hash));
	if (steps > 0) {
		char text[512];

		WELL(labels("hub", text));
		HOLDS(strcmp(text, "") != 0);
	}
	return 0;
}

static int final_merge(struct final *f)
{
	WELL(is_sound("hub", &f->hash));
	return labels("hub", f->text);
}

static int open_first(void *user)
{
	(void)user;
	return open_newest("new");
}

static int after_first_open(int steps)
{
	struct cp_hash hash;

	return steps > 0 ? is_sound("new", &hash) : 0;
}

static int final_first_open(struct final *f)
{
	WELL(is_sound("new", &f->hash));
	WELL(grade("new", "boots", "1"));
	return submitted("new", 1, 0);
}

/* A first bundle opened, and then a judgment in it. */
static int open_and_rate(void *user)
{
	(void)user;
	WELL(open_newest("new"));
	return grade("new", "boots", "1");
}

static int after_open_and_rate(int steps)
{
	struct cp_hash hash;

	if (steps == 0)
		return 0;
	WELL(is_sound("new", &hash));
	return submitted("new", steps > 1, 0);
}

static int final_open_and_rate(struct final *f)
{
	struct cp_hash hash;

	(void)f;
	WELL(is_sound("new", &hash));
	return submitted("new", 1, 0);
}

static int before_next(void)
{
	struct cp_store *hub = NULL;

	OK(cp_store_open(&hub, at("hub"), err));
	WELL(import(hub, "socks"));
	WELL(assign(hub));
	cp_store_close(hub);
	WELL(pack());
	return rate_and_return(NULL);
}

static int open_next(void *user)
{
	(void)user;
	return open_newest("a");
}

static int after_next_open(int steps)
{
	struct cp_hash hash;
	struct cp_store *s = NULL;
	struct cp_status st;

	WELL(is_sound("a", &hash));
	WELL(submitted("a", 1, 0));
	OK(cp_store_open(&s, at("a"), err));
	OK(cp_status(s, &st, err));
	cp_store_close(s);
	HOLDS(st.assignments == 3 || (steps == 0 && st.assignments == 2));
	return 0;
}

static int final_next_open(struct final *f)
{
	return is_sound("a", &f->hash);
}

static int pack_more(void *user)
{
	struct cp_store *hub = NULL;

	(void)user;
	OK(cp_store_open(&hub, at("hub"), err));
	WELL(import(hub, "socks"));
	WELL(assign(hub));
	progress->steps++;
	cp_store_close(hub);
	return pack();
}

static int after_packing(int steps)
{
	struct cp_store *hub = NULL;
	struct cp_hash hash;
	struct cp_status st;

	WELL(is_sound("hub", &hash));
	OK(cp_store_open(&hub, at("hub"), err));
	OK(cp_status(hub, &st, err));
	cp_store_close(hub);
	HOLDS(steps == 0 || (st.cases == 3 && st.assignments == 3));
	return steps < 2 ? 0 : open_newest("a");
}

static int final_packing(struct final *f)
{
	struct cp_hash hash;

	(void)f;
	WELL(is_sound("hub", &hash));
	WELL(open_newest("a"));
	WELL(is_sound("a", &hash));
	WELL(grade("a", "socks", "1"));
	return submitted("a", 1, 0);
}

static int before_rebuild(void)
{
	WELL(grade("a", "shoes", "3"));
	return grade("a", "boots", NULL);
}

static int rebuild(void *user)
{
	struct cp_rebuilt r;

	(void)user;
	OK(cp_rebuild(at("a"), key("anna"), &r, err));
	progress->steps++;
	return 0;
}

static int after_rebuild(int steps)
{
	struct cp_hash hash;

	(void)steps;
	WELL(is_sound("a", &hash));
	return submitted("a", 1, 1);
}

static int final_rebuild(struct final *f)
{
	WELL(is_sound("a", &f->hash));
	return submitted("a", 1, 1);
}

static int found(void *user)
{
	(void)user;
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("second"), .project_name = "Second", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = key("lead") }, NULL, NULL, err));
	progress->steps++;
	return 0;
}

static int after_founding(int steps)
{
	struct cp_hash hash;

	return steps > 0 || cp_file_exists(at("second/casepack.db")) ? is_sound("second", &hash) : 0;
}

/* A hub that is there stays: to found it again is refused. */
static int found_again(void *user)
{
	return cp_file_exists(at("second/casepack.db")) ? 0 : found(user);
}

static int final_founding(struct final *f)
{
	struct cp_hash hash;

	(void)f;
	return is_sound("second", &hash);
}

/* Both hubs hold work that the other lacks, and edits that are not sealed yet. */
static int before_meeting(void)
{
	struct cp_store *s = NULL;

	WELL(second_hub());
	WELL(rate_and_return(NULL));
	WELL(merge());
	OK(cp_store_open(&s, at("hub"), err));
	WELL(import(s, "socks"));
	cp_store_close(s);
	OK(cp_store_open(&s, at("bea"), err));
	WELL(import(s, "hats"));
	cp_store_close(s);
	return 0;
}

static int meet_by_bundles(void *user)
{
	(void)user;
	WELL(send_to_hub("hub", "bea"));
	WELL(merge_post("bea", "bea"));
	WELL(send_to_hub("bea", "lea"));
	return merge_post("hub", "lea");
}

static int meet_at_remote(void *user)
{
	(void)user;
	WELL(sync_remote("hub"));
	WELL(sync_remote("bea"));
	return sync_remote("hub");
}

static int after_meeting(int steps)
{
	struct cp_hash hash;
	char mine[512], theirs[512];

	WELL(is_sound("hub", &hash));
	WELL(is_sound("bea", &hash));
	WELL(shell("git -C remote.git fsck --strict --no-dangling"));
	WELL(labels("hub", mine));
	WELL(labels("bea", theirs));
	HOLDS(steps < 2 || strcmp(mine, theirs) == 0);
	return 0;
}

static int final_meeting(struct final *f)
{
	struct cp_hash theirs;

	WELL(is_sound("hub", &f->hash));
	WELL(is_sound("bea", &theirs));
	HOLDS(memcmp(&f->hash, &theirs, sizeof theirs) == 0);
	WELL(shell("[ $(git -C hub/history.git rev-parse 'main^{tree}') = $(git -C bea/history.git rev-parse 'main^{tree}') ]"));
	WELL(shell("git -C remote.git fsck --strict --no-dangling"));
	return labels("bea", f->text);
}

/* ---- forgetting ------------------------------------------------------------------------------------- */

/* The bytes that stand in the file `frame`, in hex, are in no file of a folder. */
#define NOT_IN "python3 -c 'import os, sys; f = bytes.fromhex(open(\"frame\").read()); sys.exit(any(f in open(os.path.join(d, n)," \
	" \"rb\").read() for d, _, names in os.walk(sys.argv[1]) for n in names))'"
#define MEDIA "b289a10a76ad3ff2e3b2ff7e07476414209b2e57bedb1807e94b48dddaed252e"

/* A case that names a media file, which is there. */
static int import_with_media(struct cp_store *hub)
{
	struct cp_result_in r = { .id = "r1", .title = "canary", .url = "media/" MEDIA };
	struct cp_case_in c = { .id = "birds", .kind = "item", .query = "birds", .locale = "en-US", .results = &r, .n_results = 1 };
	enum cp_case_effect effect;

	OK(cp_cases_begin(hub, err));
	OK(cp_cases_add(hub, &c, &effect, err));
	OK(cp_cases_commit(hub, "import", err));
	return 0;
}

/* Both hold it, anna has judged other cases, and a part of its document as it is kept stands in the file `frame`. */
static int before_forgetting(void)
{
	struct cp_store *hub = NULL;

	OK(cp_store_open(&hub, at("hub"), err));
	WELL(import_with_media(hub));
	WELL(assign(hub));
	cp_store_close(hub);
	WELL(pack());
	WELL(open_newest("a"));
	WELL(shell("for w in hub a; do mkdir -p $w/media/b2 && echo canary >$w/media/b2/" MEDIA "; done"));
	WELL(rate_and_return(NULL));
	WELL(merge());
	return shell("sqlite3 hub/content.db \"SELECT hex(substr(frame, 9, 32)) FROM contents ORDER BY rowid DESC LIMIT 1\" >frame"
			" && ! " NOT_IN " hub && ! " NOT_IN " a");
}

static int forget(void *user)
{
	struct cp_forget f = { .cases = (const char *const[]){ "birds" }, .n_cases = 1, .reason = "asked for" };
	struct cp_store *hub = NULL;
	struct cp_forgot done;

	(void)user;
	OK(cp_store_open(&hub, at("hub"), err));
	OK(cp_forget(hub, &f, &done, err));
	progress->steps++;
	OK(cp_seal(hub, NULL, err));
	cp_store_close(hub);
	return 0;
}

/* Nothing in any file there is what the case showed: compressed, as content.db has it, or the media file. */
static int is_erased(const char *workspace)
{
	char command[500];

	snprintf(command, sizeof command, NOT_IN " %s && ! grep -rqa canary %s", workspace, workspace);
	return shell(command);
}

/* Opened again, a workspace where it is forgotten has erased it. */
static int after_forgetting_in(const char *workspace, bool is_acknowledged)
{
	struct cp_store *s = NULL;
	struct cp_status st;
	struct cp_hash hash;

	WELL(is_sound(workspace, &hash));
	OK(cp_store_open(&s, at(workspace), err));
	OK(cp_status(s, &st, err));
	cp_store_close(s);
	HOLDS(st.forgotten == 1 || !is_acknowledged);
	return st.forgotten == 1 ? is_erased(workspace) : 0;
}

static int after_forgetting(int steps)
{
	return after_forgetting_in("hub", steps > 0);
}

static int final_forgetting(struct final *f)
{
	WELL(after_forgetting_in("hub", true));
	WELL(shell("rm -f out/*.casepack.age"));
	WELL(pack());
	WELL(is_erased("out"));
	return labels("hub", f->text);
}

static int before_news_of_it(void)
{
	WELL(before_forgetting());
	WELL(forget(NULL));
	return pack();
}

static int after_news_of_it(int steps)
{
	return after_forgetting_in("a", steps > 0);
}

static int final_news_of_it(struct final *f)
{
	WELL(after_forgetting_in("a", true));
	WELL(submitted("a", 1, 1));
	return is_sound("a", &f->hash);
}

/* ---- the cuts -------------------------------------------------------------------------------------- */

/* A check in a child of its own: what it leaves in memory, or its end by an assertion, touches nobody. */
static int in_child(const struct operation *o, int steps, bool again, const struct final *want)
{
	struct final got = { .text = "" };
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child > 0 && waitpid(child, &status, 0) == child)
		return WIFEXITED(status) ? WEXITSTATUS(status) : complain("died");
	if (!again)
		_exit(o->after(steps));
	if ((o->work == found ? found_again : o->work)(NULL) != 0 || o->final(&got) != 0)
		_exit(1);
	if (memcmp(&got.hash, &want->hash, sizeof got.hash) != 0 || strcmp(got.text, want->text) != 0)
		_exit(complain("done again it ends elsewhere: %s", got.text));
	_exit(0);
}

static int afresh(const char *from)
{
	char command[300];

	disk_end();
	snprintf(command, sizeof command, "rm -rf %s && cp -a %s/%s %s", root, folder, from, root);
	progress->steps = 0;
	return system(command);
}

/* A remote's git, which the cut left behind, comes to its end: what it writes is no power cut's to lose. */
static void wait_for_others(void)
{
	while (wait(NULL) > 0)
		;
}

static int one_cut(const struct operation *o, long n, uint64_t seed, const struct final *want)
{
	int bad, steps;

	if (afresh("prepared") != 0)
		return complain("cannot be prepared");
	disk_watch(root);
	snprintf(where, sizeof where, "%s, point %ld", o->name, n);
	if (disk_run(n, o->work, NULL) == 1)
		return complain("fails");
	wait_for_others();
	steps = progress->steps;
	snprintf(where, sizeof where, "%s, cut at point %ld (%.200s), disk %ju, %d steps done", o->name, n, disk_point(),
			(uintmax_t)seed, steps);
	disk_drop(root, seed);
	disk_end();
	bad = in_child(o, steps, false, want);
	return bad || in_child(o, steps, true, want);
}

static int without_a_cut(const struct operation *o, struct final *f)
{
	memset(f, 0, sizeof *f);
	snprintf(where, sizeof where, "%s, without a cut", o->name);
	if (afresh("base") != 0 || o->prepare() != 0)
		return 1;
	snprintf(said, sizeof said, "rm -rf %s/prepared && cp -a %s %s/prepared", folder, root, folder);
	if (system(said) != 0 || afresh("prepared") != 0)
		return 1;
	return o->work(NULL) != 0 || o->final(f) != 0;
}

#define TAIL 6

/* The points of a run that nobody cuts. */
static int count_points(const struct operation *o, long *out)
{
	if (afresh("prepared") != 0)
		return complain("cannot be prepared");
	disk_watch(root);
	if (disk_run(0, o->work, NULL) != 0)
		return complain("does not work");
	*out = disk_points();
	disk_end();
	return 0;
}

/* The i-th disk for a point: one that wrote nothing it had not to; all; some. */
static uint64_t disk_for(long n, int i)
{
	if (i == 0)
		return 0;
	return i == 1 && n / 2 % 2 == 1 ? 1 : (uint64_t)n * 1000 + (uint64_t)i;
}

static void survives(const struct operation *o)
{
	const char *given = getenv("POWERCUT_SEEDS");
	const int disks = given == NULL ? 2 : atoi(given);
	struct timespec start, now;
	struct final want;
	long points = 0;
	int cuts = 0, bad = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(without_a_cut(o, &want), 0);
	assert_int_equal(count_points(o, &points), 0);
	for (long n = 1; n <= points + 1; n++) { /* the last one ends uncut */
		for (int i = 0; i < disks && (given != NULL || n % o->stride == 0 || n > points - TAIL); i++) {
			bad += one_cut(o, n, disk_for(n, i), &want) != 0;
			cuts++;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	print_message("# %s: %ld points, %d cuts, %d bad, %ld s\n", o->name, points, cuts, bad, (long)(now.tv_sec - start.tv_sec));
	assert_true(points > 10);
	assert_int_equal(bad, 0);
}

#define SURVIVES(test, stride, prepare, work, after, final)                                                   \
	static void test(void **state)                                                                \
	{                                                                                             \
		(void)state;                                                                          \
		survives(&(const struct operation){ #test, stride, prepare, work, after, final });            \
	}
SURVIVES(a_save_a_seal_and_a_return_survive, 9, nothing, rate_and_return, after_rating, final_rating)
SURVIVES(a_merge_survives, 9, before_merge, merge_all, after_merge, final_merge)
SURVIVES(the_first_bundle_survives, 21, nothing, open_first, after_first_open, final_first_open)
SURVIVES(work_on_a_bundle_just_opened_survives, 21, nothing, open_and_rate, after_open_and_rate, final_open_and_rate)
SURVIVES(the_next_bundle_survives, 7, before_next, open_next, after_next_open, final_next_open)
SURVIVES(an_import_and_a_pack_survive, 11, nothing, pack_more, after_packing, final_packing)
SURVIVES(a_rebuild_survives, 7, before_rebuild, rebuild, after_rebuild, final_rebuild)
SURVIVES(a_new_hub_survives, 21, nothing, found, after_founding, final_founding)
SURVIVES(two_hubs_that_meet_by_bundles_survive, 89, before_meeting, meet_by_bundles, after_meeting, final_meeting)
SURVIVES(two_hubs_that_meet_at_a_remote_survive, 127, before_meeting, meet_at_remote, after_meeting, final_meeting)
SURVIVES(forgetting_survives, 17, before_forgetting, forget, after_forgetting, final_forgetting)
SURVIVES(hearing_that_a_case_is_forgotten_survives, 17, before_news_of_it, open_next, after_news_of_it, final_news_of_it)

/* ---- the program ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	char command[400];

	(void)state;
	/* In memory where that can be: the disk that is played needs none. */
	snprintf(folder, sizeof folder, "%s/cp-power-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(root, sizeof root, "%s/disk", folder);
	setenv("HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1); /* tokens would stand on a disk that keeps its power */
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* for wait_for_others */
	snprintf(command, sizeof command, "mkdir -p %s/out %s/back %s/post", root, root, root);
	assert_int_equal(system(command), 0);
	assert_int_equal(cp_sshkey_generate(key("lead"), "", NULL, NULL), CP_OK);
	assert_int_equal(cp_sshkey_generate(key("anna"), "", NULL, NULL), CP_OK);
	assert_int_equal(cp_sshkey_generate(key("bea"), "", NULL, NULL), CP_OK);
	assert_int_equal(scene(), 0);
	snprintf(command, sizeof command, "mv %s %s/base", root, folder);
	return system(command);
}

static int end(void **state)
{
	(void)state;
	cp_folder_remove(folder);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_save_a_seal_and_a_return_survive),
		cmocka_unit_test(a_merge_survives),
		cmocka_unit_test(the_first_bundle_survives),
		cmocka_unit_test(work_on_a_bundle_just_opened_survives),
		cmocka_unit_test(the_next_bundle_survives),
		cmocka_unit_test(an_import_and_a_pack_survive),
		cmocka_unit_test(a_rebuild_survives),
		cmocka_unit_test(a_new_hub_survives),
		cmocka_unit_test(two_hubs_that_meet_by_bundles_survive),
		cmocka_unit_test(two_hubs_that_meet_at_a_remote_survive),
		cmocka_unit_test(forgetting_survives),
		cmocka_unit_test(hearing_that_a_case_is_forgotten_survives),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin, end);
}
