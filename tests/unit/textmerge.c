/*
 * Texts that two leads revised without knowing of each other: the merge by line, judged
 * by git itself, and what a hub makes of several heads.
 */

#include "tests/unit/folder.h"

#include "sync/textmerge.h"

/* ---- the merge, beside git's ------------------------------------------------------------- */

/* What `git merge-file` says: the text appended, and the number of conflicts (which it stops counting at 127). */
static int git_merges(struct cp_buf *out, int size)
{
	int status = sh("git merge-file -q --marker-size=%d -L one -L base -L two ours base theirs", size);

	assert_true(status <= 127);
	get(out, "ours");
	return status;
}

static int agrees(const struct cp_buf *base, const struct cp_buf *ours, const struct cp_buf *theirs, int size)
{
	CP_AUTO(buf) struct cp_buf mine = CP_BUF(CP_TEXT_MAX), gits = CP_BUF(CP_TEXT_MAX);
	const struct cp_merge_side sides[] = { { "one", ours->data, ours->len }, { "two", theirs->data, theirs->len } };
	const struct cp_merge_side from = { "base", base->data, base->len };
	size_t overlaps;
	int conflicts;

	put("base", base->data, base->len);
	put("ours", ours->data, ours->len);
	put("theirs", theirs->data, theirs->len);
	conflicts = git_merges(&gits, size);
	OK(cp_textmerge(&mine, &overlaps, &from, sides, 2, err));
	assert_int_equal(mine.len, gits.len);
	if (mine.len > 0)
		assert_memory_equal(mine.data, gits.data, mine.len);
	assert_int_equal(overlaps < 127 ? overlaps : 127, conflicts);
	assert_int_equal(cp_textmerge_is_marked(mine.data ? mine.data : "", mine.len), conflicts > 0);
	return conflicts;
}

/* A text of few different lines, so that they move and repeat; its last line may lack the newline. */
static void scribble(struct cp_buf *out, int lines)
{
	static const char *const words[] = { "", "", "# Scale", "A map counts.", "A map counts as a result.", "- one", "---",
		"=======", "\tgrade it 3\r", "caf\xc3\xa9" };

	for (int i = 0; i < lines; i++)
		OK(cp_buf_printf(out, err, "%s%s", words[rand() % 10], i + 1 < lines || rand() % 4 ? "\n" : ""));
}

/* Copy text, changing, dropping or adding a line now and then. */
static void edit(struct cp_buf *out, const struct cp_buf *text, int often)
{
	const char *p = text->data ? text->data : "", *end = p + text->len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop + 1 : end;
		int what = rand() % often;
		if (what == 0 || what == 1)
			scribble(out, 1 + rand() % 2);
		if (what != 0)
			OK(cp_buf_add(out, p, (size_t)(stop - p), err));
		p = stop;
	}
}

static void random_texts_merge_as_git_merges_them(void **state)
{
	int clean = 0, marked = 0;

	(void)state;
	srand(20261123);
	for (int round = 0; round < 600; round++) {
		CP_AUTO(buf) struct cp_buf base = CP_BUF(CP_TEXT_MAX), ours = CP_BUF(CP_TEXT_MAX), theirs = CP_BUF(CP_TEXT_MAX);

		scribble(&base, rand() % 60);
		edit(&ours, &base, 3 + rand() % 40);
		edit(&theirs, &base, 3 + rand() % 40);
		*(agrees(&base, &ours, &theirs, 7) > 0 ? &marked : &clean) += 1;
	}
	assert_true(clean > 100 && marked > 100); /* else this tried too little */
}

static void revision(struct cp_buf *out, int number)
{
	char path[128];

	snprintf(path, sizeof path, "samples/guidelines/rev-%04d.md", number);
	OK(cp_file_read(out, path, err));
}

/* Each real revision on the one hand, with another one's changes on the other. */
static void real_revisions_merge_as_git_merges_them(void **state)
{
	int clean = 0, marked = 0;

	(void)state;
	for (int base = 1; base <= 36; base++)
		for (int far = 1; far <= 37; far += 3) {
			CP_AUTO(buf) struct cp_buf b = CP_BUF(CP_TEXT_MAX), o = CP_BUF(CP_TEXT_MAX), t = CP_BUF(CP_TEXT_MAX);

			revision(&b, base);
			revision(&o, base + 1);
			revision(&t, far);
			*(agrees(&b, &o, &t, 7) > 0 ? &marked : &clean) += 1;
		}
	assert_true(clean > 50 && marked > 50);
}

static struct cp_buf text(const char *t)
{
	struct cp_buf b = CP_BUF(CP_TEXT_MAX);

	OK(cp_buf_puts(&b, t, err));
	return b;
}

static void marks_are_longer_than_what_the_text_has_of_its_own(void **state)
{
	CP_AUTO(buf) struct cp_buf base = text("one\n<<<<<<<<< not a mark\ntwo\n"), ours = text("one\n<<<<<<<<< not a mark\nours\n"),
		theirs = text("one\n<<<<<<<<< not a mark\ntheirs\n");

	(void)state;
	assert_int_equal(agrees(&base, &ours, &theirs, 10), 1);
}

static void three_sides_are_folded_and_each_place_counts(void **state)
{
	const struct cp_merge_side base = { "base", "a\nb\nc\nd\ne\n", 10 };
	const struct cp_merge_side clean[] = { { "x", "A\nb\nc\nd\ne\n", 10 }, { "y", "a\nb\nC\nd\ne\n", 10 }, { "z", "a\nb\nc\nd\nE\n", 10 } };
	const struct cp_merge_side open[] = { { "x", "1\nb\nc\nd\ne\n", 10 }, { "y", "2\nb\nc\nd\ne\n", 10 }, { "z", "3\nb\nc\nd\nE\n", 10 } };
	CP_AUTO(buf) struct cp_buf out = CP_BUF(4096);
	size_t overlaps;

	(void)state;
	OK(cp_textmerge(&out, &overlaps, &base, clean, 3, err));
	assert_string_equal(out.data, "A\nb\nC\nd\nE\n");
	assert_int_equal(overlaps, 0);
	cp_buf_clear(&out);
	OK(cp_textmerge(&out, &overlaps, &base, open, 3, err));
	assert_string_equal(out.data, "<<<<<<<< those before it, merged\n<<<<<<< x\n1\n=======\n2\n>>>>>>> y\n========\n3\n"
			">>>>>>>> z\nb\nc\nd\nE\n");
	assert_int_equal(overlaps, 2);
	cp_buf_clear(&out);
	OK(cp_textmerge(&out, &overlaps, &base, open, 1, err));
	assert_string_equal(out.data, "1\nb\nc\nd\ne\n");
	assert_int_equal(overlaps, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(random_texts_merge_as_git_merges_them),
		TEST(real_revisions_merge_as_git_merges_them),
		TEST(marks_are_longer_than_what_the_text_has_of_its_own),
		TEST(three_sides_are_folded_and_each_place_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
