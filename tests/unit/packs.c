/* Packs that pile up are joined, and git is the judge of what results. */
#include "sync/repo_packs.h"

#include "tests/unit/folder.h"

#include "formats/sha1.h"
#include "sync/repo.h"

/* Two versions of a text of 200 lines, one a delta of the other. */
static void stage_texts(struct cp_repo *r, int number)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(1 << 16);
	struct cp_oid unused;

	for (int line = 0; line < 200; line++)
		OK(cp_buf_printf(&text, err, "line %d of %d, %d\n", line, number, line * 7919 % 1009 + number));
	OK(cp_repo_blob(r, text.data, text.len, &unused, err));
	OK(cp_buf_printf(&text, err, "one more line\n"));
	OK(cp_repo_blob(r, text.data, text.len, &unused, err));
}

/* A repository "r" with that many packs, open still; each has two texts of its own, and two that the pack before has. */
static struct cp_repo *with_packs(int n)
{
	const char *path = at("r");
	struct cp_repo *r = NULL;

	assert_int_equal(sh("rm -rf r kept"), 0);
	OK(cp_repo_create(path, err));
	OK(cp_repo_open(&r, path, true, err));
	for (int i = 0; i < n; i++) {
		stage_texts(r, i);
		stage_texts(r, i + 1);
		OK(cp_repo_flush(r, err));
	}
	assert_int_equal(sh("git -C r cat-file --batch-all-objects --batch-check | sort >before; ls r/objects/pack/*.pack | wc -l"), 0);
	assert_int_equal(atoi(said()), n);
	return r;
}

/* Whole, with the objects that it had, each pack with the index that git would make; that many packs. */
static void check(int packs)
{
	assert_int_equal(sh("git -C r fsck --full --strict && git -C r cat-file --batch-all-objects --batch-check | sort >after"
			" && cmp before after"), 0);
	assert_int_equal(sh("for p in r/objects/pack/*.pack; do git -C r verify-pack $PWD/$p && git -C r index-pack -o $PWD/again.idx $PWD/$p"
			" && cmp again.idx ${p%%.pack}.idx || exit 1; rm -f again.*; done"), 0);
	assert_int_equal(sh("ls r/objects/pack/*.pack | wc -l"), 0);
	assert_int_equal(atoi(said()), packs);
	assert_int_equal(sh("ls r/objects/pack | grep -vcE '^pack-[0-9a-f]{40}.(pack|idx|keep)$'"), 1);
}

static void few_packs_stay_as_they_are(void **state)
{
	(void)state;
	cp_repo_free(with_packs(CP_PACKS_MAX));
	check(CP_PACKS_MAX);
}

static void many_become_one_with_each_object_once_and_its_deltas(void **state)
{
	(void)state;
	cp_repo_free(with_packs(CP_PACKS_MAX + 8));
	check(1);
	assert_int_equal(sh("cd r && git verify-pack -v objects/pack/*.idx | grep -c blob"), 0);
	assert_int_equal(atoi(said()), 2 * (CP_PACKS_MAX + 9));
	assert_int_equal(sh("cd r && git verify-pack -v objects/pack/*.idx | grep -cE 'blob .* [1-9][0-9]* [0-9a-f]{40}$'"), 0);
	assert_int_equal(atoi(said()), CP_PACKS_MAX + 9); /* as in the packs that they come from */
}

static void a_large_one_is_not_copied_for_some_small_ones(void **state)
{
	struct cp_repo *r = NULL;
	const char *path = at("r");

	(void)state;
	cp_repo_free(with_packs(CP_PACKS_MAX * 3));
	OK(cp_repo_open(&r, path, true, err));
	for (int i = 0; i < CP_PACKS_MAX; i++) {
		stage_texts(r, 1000 + i);
		OK(cp_repo_flush(r, err));
	}
	assert_int_equal(sh("git -C r cat-file --batch-all-objects --batch-check | sort >before; ls -S r/objects/pack/*.pack | head -1 >largest"), 0);
	cp_repo_free(r);
	check(2);
	assert_int_equal(sh("test -f $(cat largest)"), 0);
}

/* It may stop behind each step: then packs are there beside the one that holds them. */
static void what_a_crash_left_is_cleared_by_the_next(void **state)
{
	struct cp_repo *r = NULL;
	const char *path = at("r");
	CP_AUTO(str) char *packs = cp_path_join(path, "objects/pack");

	(void)state;
	r = with_packs(CP_PACKS_MAX + 8);
	assert_int_equal(sh("cp -a r/objects/pack kept"), 0);
	cp_repo_free(r);
	assert_int_equal(sh("cp -a kept/* r/objects/pack && touch r/objects/pack/pack-0123.pack.abcdef r/objects/pack/pack-0123.idx.abcdef"), 0);
	OK(cp_repo_open(&r, path, true, err));
	stage_texts(r, 0);
	assert_int_equal(sh("ls r/objects/pack/*.abcdef"), 2);
	OK(cp_repo_flush(r, err));
	cp_repo_free(r);
	check(1);
	assert_int_equal(sh("cp -a kept/* r/objects/pack"), 0);
	OK(cp_packs_join(packs, err));
	check(1); /* the joined one held all of it, and is not written again */
}

static void what_another_git_made_or_what_is_damaged_is_left_alone(void **state)
{
	struct cp_repo *r = with_packs(CP_PACKS_MAX + 8);

	(void)state;
	assert_int_equal(sh("cd r && touch $(ls objects/pack/*.pack | head -1 | sed s/pack$/keep/) && git cat-file --batch-all-objects"
			" --batch-check='%%(objectname)' | head -40 | git pack-objects -q --delta-base-offset objects/pack/pack"), 0);
	cp_repo_free(r);
	check(3); /* the one that is kept, the one whose deltas name places, all others as one */

	r = with_packs(CP_PACKS_MAX + 8);
	assert_int_equal(sh("p=$(ls r/objects/pack/*.pack | head -1); cp $p sound; chmod u+w $p; printf x | dd of=$p bs=1 seek=100 conv=notrunc"), 0);
	cp_repo_free(r);
	assert_int_equal(sh("ls r/objects/pack/*.pack | wc -l"), 0);
	assert_int_equal(atoi(said()), 2);
	assert_int_not_equal(sh("git -C r fsck --full"), 0);
	assert_int_equal(sh("for p in r/objects/pack/*.pack; do test $(stat -c %%s $p) = $(stat -c %%s sound) && cp -f sound $p; done; true"), 0);
	check(2);

	r = with_packs(CP_PACKS_MAX + 8);
	assert_int_equal(sh("git -C r multi-pack-index write"), 0);
	cp_repo_free(r);
	assert_int_equal(sh("git -C r fsck --full && ls r/objects/pack/*.pack | wc -l && rm r/objects/pack/multi-pack-index"), 0);
	check(CP_PACKS_MAX + 8);
}

static void the_checksum_is_that_of_sha1sum(void **state)
{
	static const size_t lengths[] = { 0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70000 };
	static uint8_t bytes[70000];
	const char *path = at("bytes");
	uint8_t sum[CP_SHA1];
	char hex[2 * CP_SHA1 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct cp_sha1 s;

		cp_sha1_begin(&s);
		for (size_t at = 0; at < lengths[i]; at += 37)
			cp_sha1_add(&s, bytes + at, lengths[i] - at < 37 ? lengths[i] - at : 37);
		cp_sha1_end(&s, sum);
		OK(cp_file_write(path, 0600, bytes, lengths[i], err));
		assert_int_equal(sh("sha1sum <bytes"), 0);
		assert_memory_equal(said(), cp_hex(hex, sum, sizeof sum), 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_packs_stay_as_they_are),
		cmocka_unit_test(many_become_one_with_each_object_once_and_its_deltas),
		cmocka_unit_test(a_large_one_is_not_copied_for_some_small_ones),
		cmocka_unit_test(what_a_crash_left_is_cleared_by_the_next),
		cmocka_unit_test(what_another_git_made_or_what_is_damaged_is_left_alone),
		cmocka_unit_test(the_checksum_is_that_of_sha1sum),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
