/*
 * The disk that loses power, seen by writers that are known to be good or bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "formats/file.h"
#include "sync/repo.h"
#include "tests/sim/disk.h"

#define SEEDS 40

static char folder[64], root[96];

static const char *at(const char *name)
{
	static char made[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", root, name);
	return made[next];
}

static int begin(void **state)
{
	(void)state;
	/* In memory where that can be: thousands of folders are made and removed. */
	snprintf(folder, sizeof folder, "%s/cp-disk-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(root, sizeof root, "%s/disk", folder);
	assert_int_equal(mkdir(root, 0755), 0);
	setenv("HOME", folder, 1);
	cp_hash_setup();
	disk_watch(root);
	return 0;
}

static int end(void **state)
{
	(void)state;
	disk_end();
	cp_folder_remove(folder);
	return 0;
}

/* An empty folder, all of it durable. */
static void afresh(void)
{
	disk_end();
	cp_folder_remove(root);
	assert_int_equal(mkdir(root, 0755), 0);
	disk_watch(root);
}

static void put(const char *name, const char *text, bool flush)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (flush)
		assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void flush_root(void)
{
	assert_int_equal(cp_folder_sync(root, NULL), CP_OK);
}

/* A file's text, or "none" without one. */
static const char *text_of(const char *name)
{
	static char text[4096];
	int fd = open(at(name), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return "none";
	n = read(fd, text, sizeof text - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* ---- content ---------------------------------------------------------------------------------- */

static void bytes_that_nobody_flushed_are_lost_though_their_name_is_not(void **state)
{
	(void)state;
	put("a", "old", true);
	flush_root();
	put("a.new", "new", false); /* write, no fsync, rename */
	assert_int_equal(rename(at("a.new"), at("a")), 0);
	flush_root();
	assert_string_equal(text_of("a"), "new");
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "");
}

static void a_writer_that_flushes_loses_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		afresh();
		assert_int_equal(cp_file_write(at("a"), 0644, "old", 3, NULL), CP_OK);
		assert_int_equal(cp_file_write(at("a"), 0644, "new", 3, NULL), CP_OK);
		disk_drop(root, seed);
		assert_string_equal(text_of("a"), "new");
	}
}

static int write_new(void *user)
{
	(void)user;
	return cp_file_write(at("a"), 0644, "new", 3, NULL) != CP_OK;
}

static int write_badly(void *user)
{
	(void)user;
	put("a.new", "new", false);
	return rename(at("a.new"), at("a")) != 0;
}

/* How often, cut at each of its points, a writer leaves neither the old text nor the new one. */
static int harm_of(int (*writer)(void *user))
{
	long points = 1;
	int harm = 0;

	for (long n = 1; n <= points; n++) {
		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			afresh();
			put("a", "old", true);
			flush_root();
			assert_true(disk_run(n, writer, NULL) == DISK_CUT || n == points);
			points = points > disk_points() ? points : disk_points() + 1;
			disk_drop(root, seed);
			harm += strcmp(text_of("a"), "old") != 0 && strcmp(text_of("a"), "new") != 0;
		}
	}
	assert_true(points > 2);
	return harm;
}

static void a_file_cut_anywhere_is_the_old_one_or_the_new_one(void **state)
{
	(void)state;
	assert_int_equal(harm_of(write_new), 0);
	assert_true(harm_of(write_badly) > 0);
}

static void an_overwritten_file_is_whole_only_behind_its_flush(void **state)
{
	static char old[4000], new[4000];
	bool is_torn = false, is_short = false;
	struct cp_buf now;
	int fd;

	(void)state;
	memset(old, 'o', sizeof old);
	memset(new, 'n', sizeof new);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		afresh();
		assert_int_equal(cp_file_write(at("a"), 0644, old, 2000, NULL), CP_OK);
		fd = open(at("a"), O_WRONLY);
		assert_int_equal(pwrite(fd, new, sizeof new, 0), sizeof new);
		if (seed % 2 == 1)
			assert_int_equal(fdatasync(fd), 0);
		close(fd);
		disk_drop(root, seed);
		now = (struct cp_buf)CP_BUF(sizeof new);
		assert_int_equal(cp_file_read(&now, at("a"), NULL), CP_OK);
		assert_true(now.len == 2000 || now.len == sizeof new);
		if (seed % 2 == 1 || seed == 1)
			assert_memory_equal(now.data, new, sizeof new);
		is_torn = is_torn || (memchr(now.data, 'o', now.len) != NULL && memchr(now.data, 'n', now.len) != NULL);
		is_short = is_short || now.len == 2000;
		if (seed == 0)
			assert_memory_equal(now.data, old, 2000);
		cp_buf_drop(&now);
	}
	assert_true(is_torn && is_short);
}

static void what_was_cut_off_a_file_comes_back(void **state)
{
	(void)state;
	put("a", "0123456789", true);
	put("b", "0123456789", true);
	flush_root();
	assert_int_equal(truncate(at("a"), 4), 0);
	put("b", "x", false); /* O_TRUNC */
	assert_string_equal(text_of("a"), "0123");
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "0123456789");
	assert_string_equal(text_of("b"), "0123456789");
}

static void what_a_mapping_wrote_is_durable_at_the_flush(void **state)
{
	char *map;
	int fd;

	(void)state;
	put("a", "one two three", true);
	flush_root();
	fd = open(at("a"), O_RDWR);
	map = mmap(NULL, 13, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	memcpy(map, "ONE", 3);
	assert_int_equal(fsync(fd), 0);
	memcpy(map + 4, "TWO", 3);
	munmap(map, 13);
	close(fd);
	assert_string_equal(text_of("a"), "ONE TWO three");
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "ONE two three");
}

/* ---- names ------------------------------------------------------------------------------------- */

static void a_new_name_is_durable_at_the_flush_of_its_folder(void **state)
{
	(void)state;
	put("a", "a", true);
	flush_root();
	put("b", "b", true);
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "a");
	assert_string_equal(text_of("b"), "none");
}

static void what_was_removed_comes_back_unless_its_folder_was_flushed(void **state)
{
	(void)state;
	put("a", "a", true);
	put("b", "b", true);
	assert_int_equal(mkdir(at("f"), 0755), 0);
	put("f/c", "c", true);
	assert_int_equal(cp_folder_sync(at("f"), NULL), CP_OK);
	assert_int_equal(unlink(at("b")), 0);
	flush_root();
	cp_folder_remove(at("f"));
	assert_int_equal(unlink(at("a")), 0);
	assert_false(cp_file_exists(at("f")));
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "a");
	assert_string_equal(text_of("b"), "none");
	assert_string_equal(text_of("f/c"), "c");
}

static void a_new_folder_is_gone_with_all_that_was_flushed_in_it(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("f"), 0755), 0);
	put("f/a", "a", true);
	assert_int_equal(cp_folder_sync(at("f"), NULL), CP_OK);
	disk_drop(root, 0);
	assert_false(cp_file_exists(at("f")));
	assert_int_equal(mkdir(at("f"), 0755), 0);
	put("f/a", "a", true);
	assert_int_equal(cp_folder_sync(at("f"), NULL), CP_OK);
	flush_root();
	assert_int_equal(rename(at("f"), at("g")), 0);
	put("g/b", "b", true);
	assert_int_equal(cp_folder_sync(at("g"), NULL), CP_OK);
	disk_drop(root, 0);
	assert_string_equal(text_of("f/a"), "a");
	assert_string_equal(text_of("f/b"), "b");
	assert_false(cp_file_exists(at("g")));
}

static void a_rename_is_one_step(void **state)
{
	int is_undone = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		const char *b;

		afresh();
		assert_int_equal(mkdir(at("f"), 0755), 0);
		put("a", "a", true);
		put("f/b", "b", true);
		assert_int_equal(cp_folder_sync(at("f"), NULL), CP_OK);
		flush_root();
		assert_int_equal(rename(at("a"), at("f/b")), 0);
		put("a", "later", true);
		disk_drop(root, seed);
		b = text_of("f/b");
		is_undone += *b == 'b';
		assert_true(*b == 'a' || *b == 'b');
		if (*text_of("f/b") == 'b')
			assert_string_equal(text_of("a"), "a");
		else
			assert_string_not_equal(text_of("a"), "a");
	}
	assert_in_range(is_undone, 1, SEEDS - 2);
}

static void a_hard_link_is_one_more_name(void **state)
{
	(void)state;
	put("a", "a", true);
	flush_root();
	assert_int_equal(link(at("a"), at("b")), 0);
	assert_int_equal(unlink(at("a")), 0);
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "a");
	assert_string_equal(text_of("b"), "none");
	assert_int_equal(link(at("a"), at("b")), 0);
	assert_int_equal(unlink(at("a")), 0);
	flush_root();
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "none");
	assert_string_equal(text_of("b"), "a");
}

static void a_name_used_again_and_again_comes_back_as_it_was(void **state)
{
	char text[16];

	(void)state;
	put("a", "first", true);
	flush_root();
	assert_int_equal(unlink(at("a")), 0);
	assert_int_equal(symlink("nowhere", at("a")), 0);
	assert_int_equal(unlink(at("a")), 0);
	put("a", "second", true);
	assert_int_equal(rename(at("a"), at("b")), 0);
	assert_int_equal(mkdir(at("a"), 0755), 0);
	assert_int_equal(rmdir(at("a")), 0);
	assert_int_equal(symlink("nowhere", at("a")), 0);
	disk_drop(root, 0);
	assert_string_equal(text_of("a"), "first");
	assert_string_equal(text_of("b"), "none");
	assert_int_equal(symlink("nowhere", at("b")), 0);
	flush_root();
	disk_drop(root, 0);
	assert_int_equal(readlink(at("b"), text, sizeof text), 7);
}

static void a_disk_that_wrote_everything_loses_nothing(void **state)
{
	(void)state;
	put("a", "a", true);
	flush_root();
	put("b", "b", false);
	assert_int_equal(rename(at("b"), at("c")), 0);
	assert_int_equal(unlink(at("a")), 0);
	disk_drop(root, 1);
	assert_string_equal(text_of("a"), "none");
	assert_string_equal(text_of("c"), "b");
}

/* ---- SQLite -------------------------------------------------------------------------------------- */

struct saving { const char *pragmas; int *acknowledged; };

/* Ten rows, each its own transaction. */
static int save_ten(void *user)
{
	const struct saving *s = user;
	sqlite3 *db;

	if (sqlite3_open(at("t.db"), &db) != SQLITE_OK || sqlite3_exec(db, s->pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return 1;
	for (int i = 0; i < 10; i++) {
		if (sqlite3_exec(db, "INSERT INTO t(b) VALUES(randomblob(3000))", NULL, NULL, NULL) != SQLITE_OK)
			return 2;
		*s->acknowledged = i + 1;
	}
	sqlite3_close(db);
	return 0;
}

/* Rows that are there, or -1 when SQLite finds the file damaged. */
static int rows_of(void)
{
	sqlite3_stmt *q = NULL;
	int rows = -1;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(at("t.db"), &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW
			&& strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0) {
		sqlite3_finalize(q);
		if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
			rows = sqlite3_column_int(q, 0);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	return rows;
}

struct harm { int cuts, damaged, lost, unseen; };

static void new_database(const char *pragmas)
{
	sqlite3 *db;

	afresh();
	assert_int_equal(sqlite3_open(at("t.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, pragmas, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	flush_root();
	disk_watch(root);
}

/* Cut at every point, for some seeds each. */
static struct harm harm_to_database(const char *pragmas)
{
	struct harm h = { 0, 0, 0, 0 };
	struct saving s = { pragmas, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	int rc = DISK_CUT;

	for (long n = 1; rc == DISK_CUT; n++) {
		for (uint64_t seed = 0; seed < 6; seed++) {
			int rows;

			new_database(pragmas);
			*s.acknowledged = 0;
			rc = disk_run(n, save_ten, &s);
			assert_true(rc == 0 || rc == DISK_CUT);
			disk_drop(root, seed < 2 ? seed : seed + (uint64_t)n * 100);
			rows = rows_of();
			h.cuts++;
			h.damaged += rows < 0;
			h.lost += rows >= 0 && rows < *s.acknowledged;
			h.unseen += rows > *s.acknowledged + 1;
		}
	}
	munmap(s.acknowledged, 4096);
	return h;
}

static void a_full_commit_is_durable_and_the_file_is_never_damaged(void **state)
{
	static const char *const pragmas[] = {
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4",
		"PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct harm h = harm_to_database(pragmas[i]);

		print_message("# %s: %d cuts\n", pragmas[i], h.cuts);
		assert_true(h.cuts > 100);
		assert_int_equal(h.damaged, 0);
		assert_int_equal(h.lost, 0);
		assert_int_equal(h.unseen, 0);
	}
}

static void a_commit_without_flush_may_be_lost_but_a_wal_damages_nothing(void **state)
{
	struct harm h;

	(void)state;
	h = harm_to_database("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4");
	assert_int_equal(h.damaged, 0);
	assert_true(h.lost > 0);
	h = harm_to_database("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF");
	assert_true(h.damaged + h.lost > 0);
}

/* ---- whose calls these are ------------------------------------------------------------------------ */

static void sqlite_and_libgit2_go_through_this_disk(void **state)
{
	struct disk_count before, behind;
	struct cp_repo *r = NULL;
	struct cp_oid blob;
	sqlite3 *db;

	(void)state;
	before = disk_counts();
	assert_int_equal(sqlite3_open(at("t.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t(a)", NULL, NULL,
			NULL), SQLITE_OK);
	behind = disk_counts();
	assert_true(behind.writes - before.writes >= 4); /* WAL header, two frames of two parts */
	assert_true(behind.flushes - before.flushes >= 3);
	assert_true(behind.names - before.names >= 2);
	sqlite3_close(db);

	assert_int_equal(cp_repo_create(at("r.git"), NULL), CP_OK);
	assert_int_equal(cp_repo_open(&r, at("r.git"), true, NULL), CP_OK);
	assert_int_equal(cp_repo_blob(r, "bytes", 5, &blob, NULL), CP_OK);
	before = disk_counts();
	assert_int_equal(cp_repo_flush(r, NULL), CP_OK);
	behind = disk_counts();
	assert_true(behind.writes - before.writes >= 4);   /* a pack's header, object and end; its index */
	assert_true(behind.flushes - before.flushes >= 3); /* pack, index, folder */
	assert_true(behind.names - before.names >= 4);     /* both made, both renamed */
	cp_repo_free(r);
}

/* A library that writes by a call which this program does not define would write behind the disk's back. */
static void no_library_writes_by_another_call(void **state)
{
	FILE *f = popen("calls='open|open64|openat|openat64|creat|creat64|mkstemp|mkstemp64|mkostemp|mkostemp64|write|pwrite"
			"|pwrite64|writev|pwritev|pwritev64|pwritev2|ftruncate|ftruncate64|truncate|truncate64|fallocate|fallocate64"
			"|posix_fallocate|posix_fallocate64|copy_file_range|sendfile|sendfile64|mmap|mmap64|msync|fsync|fdatasync"
			"|sync_file_range|syncfs|sync|rename|renameat|renameat2|link|linkat|symlink|symlinkat|unlink|unlinkat|remove|mkdir|mkdirat|rmdir'\n"
			"me=$(readlink /proc/$PPID/exe); nm -D --defined-only \"$me\" | awk '{ sub(/@.*/, \"\", $3); print $3 }' | sort -u >$HOME/mine\n"
			"[ -s $HOME/mine ] || echo nm\n"
			"for lib in $(ldd \"$me\" | awk '/libsqlite3|libgit2/ { print $3 }'); do echo $lib >>$HOME/libs\n"
			"nm -D --undefined-only $lib | awk '{ sub(/@.*/, \"\", $2); print $2 }' | grep -xE \"$calls\" | sort -u | comm -23 - $HOME/mine\n"
			"done; [ $(wc -l <$HOME/libs) = 2 ] || echo libraries", "r");
	char line[256];

	(void)state;
	assert_non_null(f);
	if (fgets(line, sizeof line, f) != NULL)
		fail_msg("%s", line);
	pclose(f);
}

/* ---- what it costs -------------------------------------------------------------------------------- */

static double seconds_of_saves(int n)
{
	struct timespec start, now;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(at("t.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t(a, b)", NULL,
			NULL, NULL), SQLITE_OK);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < n; i++)
		assert_int_equal(sqlite3_exec(db, "INSERT INTO t(b) VALUES(randomblob(3000))", NULL, NULL, NULL), SQLITE_OK);
	clock_gettime(CLOCK_MONOTONIC, &now);
	sqlite3_close(db);
	return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

static void a_journal_costs_little(void **state)
{
	double with, without;

	(void)state;
	with = seconds_of_saves(500);
	print_message("# 500 saves: %.0f ms, a journal of %ju kB", with * 1000, (uintmax_t)disk_counts().journal_bytes / 1024);
	assert_true(disk_counts().journal_bytes < 8 << 20);
	disk_end();
	cp_folder_remove(root);
	assert_int_equal(mkdir(root, 0755), 0);
	without = seconds_of_saves(500);
	print_message("; without it %.0f ms\n", without * 1000);
	disk_watch(root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(bytes_that_nobody_flushed_are_lost_though_their_name_is_not),
		TEST(a_writer_that_flushes_loses_nothing),
		TEST(a_file_cut_anywhere_is_the_old_one_or_the_new_one),
		TEST(an_overwritten_file_is_whole_only_behind_its_flush),
		TEST(what_was_cut_off_a_file_comes_back),
		TEST(what_a_mapping_wrote_is_durable_at_the_flush),
		TEST(a_new_name_is_durable_at_the_flush_of_its_folder),
		TEST(what_was_removed_comes_back_unless_its_folder_was_flushed),
		TEST(a_new_folder_is_gone_with_all_that_was_flushed_in_it),
		TEST(a_rename_is_one_step),
		TEST(a_hard_link_is_one_more_name),
		TEST(a_name_used_again_and_again_comes_back_as_it_was),
		TEST(a_disk_that_wrote_everything_loses_nothing),
		TEST(a_full_commit_is_durable_and_the_file_is_never_damaged),
		TEST(a_commit_without_flush_may_be_lost_but_a_wal_damages_nothing),
		TEST(sqlite_and_libgit2_go_through_this_disk),
		TEST(no_library_writes_by_another_call),
		TEST(a_journal_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
