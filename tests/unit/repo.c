#include "sync/repo.h"

#include "tests/unit/folder.h"
#include "tests/unit/dice.h"

#include <signal.h>

#define FAILS(code_, call)                                                             \
	do {                                                                           \
		struct cp_err bad_err_ = { 0 };                                        \
		struct cp_err *err = &bad_err_;                                        \
		assert_int_equal((call), code_);                                       \
		assert_true(bad_err_.text[0] != '\0' && strchr(bad_err_.text, '\n') == NULL); \
	} while (0)

static struct cp_seckey key;
static const struct cp_oid none = { "" };

static bool git_has(const char *hex)
{
	return sh("git -C r cat-file -e %s", hex) == 0;
}

/* A new repository "r", open for writing; a new key that git is told of. */
static struct cp_repo *fresh(void)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(1024), line = CP_BUF(1024);
	struct cp_pubkey public_key;
	struct cp_repo *r = NULL;

	assert_int_equal(sh("rm -rf r c c2 w *.git-bundle"), 0);
	crypto_sign_keypair(public_key.bytes, key.bytes);
	key.is_set = true;
	OK(cp_buf_add(&blob, "\0\0\0\013ssh-ed25519\0\0\0\040", 19, err));
	OK(cp_buf_add(&blob, public_key.bytes, sizeof(public_key.bytes), err));
	OK(cp_buf_puts(&line, "hub@p.invalid namespaces=\"git\" ssh-ed25519 ", err));
	OK(cp_base64_add(&line, blob.data, blob.len, err));
	OK(cp_buf_puts(&line, "\n", err));
	OK(cp_file_write(at("allowed"), 0600, line.data, line.len, err));
	OK(cp_repo_create(at("r"), err));
	assert_int_equal(sh("git -C r config gpg.ssh.allowedSignersFile %s/allowed", folder), 0);
	OK(cp_repo_open(&r, at("r"), true, err));
	return r;
}

static struct cp_commit words(const struct cp_oid *tree, const struct cp_oid *parent, int64_t seconds)
{
	static char message[] = "words\n\nSeq: 1\n";
	struct cp_commit c = {
		.tree = *tree,
		.author = { "rater", "r@p.invalid", seconds },
		.committer = { "hub", "hub@p.invalid", seconds },
		.message = message,
	};

	if (parent != NULL && parent->hex[0] != '\0')
		c.parents[c.n_parents++] = *parent;
	return c;
}

/* One commit of one blob on top of parent, staged. */
static struct cp_oid commit_text(struct cp_repo *r, const char *text, const struct cp_oid *parent)
{
	struct cp_oid blob, tree, out;
	struct cp_commit c;

	OK(cp_repo_blob(r, text, strlen(text), &blob, err));
	OK(cp_repo_single(r, "changeset", &blob, &tree, err));
	c = words(&tree, parent, 1700000000);
	OK(cp_repo_commit(r, &c, &key, &out, err));
	return out;
}

/* ---- objects ------------------------------------------------------------------------ */

static void a_new_repository_is_one_that_git_knows(void **state)
{
	struct cp_repo *r = fresh();

	(void)state;
	assert_int_equal(sh("git -C r rev-parse --is-bare-repository && git -C r symbolic-ref HEAD"
			" && git -C r config diff.casepack.textconv"), 0);
	assert_string_equal(said(), "true\nrefs/heads/main\ncasepack show --textconv");
	FAILS(CP_EINPUT, cp_repo_create(at("r"), err));
	assert_int_equal(sh("git -C r fsck --strict"), 0);
	cp_repo_free(r);
	r = NULL;
	FAILS(CP_ENOTFOUND, cp_repo_open(&r, at("absent"), true, err));
	assert_int_equal(sh("mkdir -p empty"), 0);
	FAILS(CP_EFORMAT, cp_repo_open(&r, at("empty"), true, err));
	assert_null(r);
}

static void names_are_those_that_git_hash_object_gives(void **state)
{
	static const char *const texts[] = { "", "x", "line\nline\n" };
	struct cp_repo *r = fresh();
	struct cp_oid oid, blob;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		OK(cp_repo_name(&oid, "blob", texts[i], strlen(texts[i]), err));
		OK(cp_repo_blob(r, texts[i], strlen(texts[i]), &blob, err));
		assert_string_equal(oid.hex, blob.hex);
		assert_int_equal(sh("printf '%s' | git hash-object --stdin", texts[i]), 0);
		assert_string_equal(said(), oid.hex);
	}
	OK(cp_repo_name(&oid, "tree", NULL, 0, err));
	assert_string_equal(oid.hex, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
	FAILS(CP_EFORMAT, cp_repo_name(&oid, "tag", "x", 1, err));
	FAILS(CP_EFORMAT, cp_repo_name(&oid, "", "x", 1, err));
	cp_repo_free(r);
}

static void staged_objects_are_read_by_us_at_once_and_by_git_after_flushing(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(1024), raw = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(commit) struct cp_commit c = { 0 };
	struct cp_repo *r = fresh();
	const struct cp_oid oid = commit_text(r, "hello", NULL);
	struct cp_oid name;

	(void)state;
	assert_true(cp_repo_staged(r) > 5);
	assert_true(cp_repo_has(r, oid.hex));
	assert_false(git_has(oid.hex));
	for (int flushed = 0; flushed < 2; flushed++) {
		cp_buf_clear(&text);
		cp_buf_clear(&raw);
		OK(cp_repo_read_path(r, oid.hex, "changeset", &text, err));
		assert_string_equal(text.data, "hello");
		FAILS(CP_ENOTFOUND, cp_repo_read_path(r, oid.hex, "other", &text, err));
		FAILS(CP_ENOTFOUND, cp_repo_read_path(r, oid.hex, "changeset/x", &text, err));
		OK(cp_repo_read(r, oid.hex, "commit", &raw, err));
		OK(cp_repo_name(&name, "commit", raw.data, raw.len, err));
		assert_string_equal(name.hex, oid.hex);
		FAILS(CP_EFORMAT, cp_repo_read(r, oid.hex, "blob", &raw, err));
		FAILS(CP_ENOTFOUND, cp_repo_read(r, "0123456789012345678901234567890123456789", NULL, &raw, err));
		FAILS(CP_EFORMAT, cp_repo_read(r, "zz", NULL, &raw, err));
		OK(cp_repo_flush(r, err));
		assert_int_equal(cp_repo_staged(r), 0);
	}
	assert_true(git_has(oid.hex));
	OK(cp_repo_read_commit(r, oid.hex, &c, err));
	assert_string_equal(c.committer.email, "hub@p.invalid");
	assert_int_equal(sh("git -C r cat-file blob %s:changeset", oid.hex), 0);
	assert_string_equal(said(), "hello");
	assert_int_equal(sh("git -C r verify-commit %s", oid.hex), 0);
	cp_repo_free(r);
}

static void what_is_staged_is_not_staged_again_and_twice_in_packs_does_no_harm(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid a;

	(void)state;
	OK(cp_repo_blob(r, "twice", 5, &a, err));
	OK(cp_repo_blob(r, "twice", 5, &a, err));
	assert_int_equal(cp_repo_staged(r), 5);
	OK(cp_repo_flush(r, err));
	OK(cp_repo_blob(r, "twice", 5, &a, err));
	OK(cp_repo_blob(r, "and more", 8, &a, err));
	OK(cp_repo_flush(r, err));
	assert_int_equal(sh("git -C r cat-file blob %s", a.hex), 0);
	assert_string_equal(said(), "and more");
	assert_int_equal(sh("git -C r fsck --strict"), 0);
	cp_repo_free(r);
}

static void forgetting_drops_what_is_staged_and_it_can_be_staged_anew(void **state)
{
	CP_AUTO(buf) struct cp_buf raw = CP_BUF(CP_TEXT_MAX);
	struct cp_repo *r = fresh();
	struct cp_oid first = commit_text(r, "kept", NULL), second, again;

	(void)state;
	OK(cp_repo_flush(r, err));
	second = commit_text(r, "gone", &first);
	OK(cp_repo_read(r, second.hex, NULL, &raw, err));
	cp_repo_forget(r);
	assert_int_equal(cp_repo_staged(r), 0);
	assert_false(cp_repo_has(r, second.hex));
	FAILS(CP_ENOTFOUND, cp_repo_read(r, second.hex, NULL, &raw, err));
	FAILS(CP_ENOTFOUND, cp_repo_move(r, "main", &none, &second, err));
	assert_true(cp_repo_has(r, first.hex));
	OK(cp_repo_flush(r, err));
	assert_false(git_has(second.hex));
	again = commit_text(r, "gone", &first);
	assert_string_equal(again.hex, second.hex);
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "main", &none, &again, err));
	assert_int_equal(sh("git -C r fsck --strict && git -C r cat-file blob main:changeset"), 0);
	cp_repo_free(r);
}

static void a_thousand_commits_over_several_flushes_pass_git_fsck(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid tree = none, tip = none, moved = none;
	char want[41];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct cp_tree_edit edits[2];
		char text[64], path[64];
		struct cp_commit c;

		snprintf(text, sizeof(text), "commit %d\n", i);
		snprintf(path, sizeof(path), "judgments/%02x/%d.jsonl", (i * 7) & 31, i % 300);
		edits[0].path = path;
		edits[1].path = "last.txt";
		OK(cp_repo_blob(r, text, strlen(text), &edits[0].blob, err));
		edits[1].blob = edits[0].blob;
		OK(cp_repo_tree(r, i == 0 ? NULL : &tree, edits, 2, &tree, err));
		c = words(&tree, &tip, 1700000000 + i);
		OK(cp_repo_commit(r, &c, &key, &tip, err));
		if (i % 130 == 129 || i == 999) {
			OK(cp_repo_flush(r, err));
			OK(cp_repo_move(r, "main", &moved, &tip, err));
			moved = tip;
		}
	}
	assert_int_equal(sh("git -C r fsck --strict --full"), 0);
	assert_string_equal(said(), "");
	assert_int_equal(sh("git -C r rev-list --count main && git -C r cat-file blob main:last.txt"), 0);
	assert_string_equal(said(), "1000\ncommit 999");
	assert_int_equal(sh("git -C r log --format=%%G? main | sort | uniq -c | tr -d ' '"), 0);
	assert_string_equal(said(), "1000G");
	assert_int_equal(sh("ls r/objects/pack/*.pack | wc -l"), 0);
	assert_string_equal(said(), "8");
	assert_int_equal(sh("git clone -q r c && cat c/last.txt && git -C c rev-parse HEAD"), 0);
	snprintf(want, sizeof(want), "%s", tip.hex);
	assert_non_null(strstr(said(), want));
	cp_repo_free(r);
}

static void a_raw_object_enters_only_under_its_own_name(void **state)
{
	CP_AUTO(buf) struct cp_buf raw = CP_BUF(CP_TEXT_MAX), back = CP_BUF(CP_TEXT_MAX);
	struct cp_repo *r = fresh();
	const struct cp_oid oid = commit_text(r, "x", NULL);
	struct cp_oid blob;

	(void)state;
	OK(cp_repo_read(r, oid.hex, "commit", &raw, err));
	cp_repo_forget(r);
	OK(cp_repo_name(&blob, "blob", "abc", 3, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, blob.hex, "blob", "abd", 3, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, blob.hex, "commit", "abc", 3, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, blob.hex, "note", "abc", 3, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, "abc", "blob", "abc", 3, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, oid.hex, "commit", raw.data, raw.len - 1, err));
	assert_int_equal(cp_repo_staged(r), 0);
	OK(cp_repo_put(r, blob.hex, "blob", "abc", 3, err));
	OK(cp_repo_put(r, oid.hex, "commit", raw.data, raw.len, err));
	OK(cp_repo_put(r, oid.hex, "commit", raw.data, raw.len, err));
	OK(cp_repo_read(r, oid.hex, "commit", &back, err));
	assert_memory_equal(back.data, raw.data, raw.len);
	cp_repo_free(r);
}

/* Under its right name, but not what casepack writes. */
static void put_is_refused(struct cp_repo *r, const char *type, const void *bytes, size_t len)
{
	struct cp_oid oid;

	OK(cp_repo_name(&oid, type, bytes, len, err));
	FAILS(CP_EFORMAT, cp_repo_put(r, oid.hex, type, bytes, len, err));
	assert_false(cp_repo_has(r, oid.hex));
}

static void trees_and_commits_that_git_fsck_would_hate_do_not_enter(void **state)
{
	static const char id[] = "12345678901234567890";
	CP_AUTO(buf) struct cp_buf big = CP_BUF(CP_TEXT_MAX);
	struct cp_repo *r = fresh();
	char tree[128];
	size_t len;

	(void)state;
	len = (size_t)snprintf(tree, sizeof(tree), "40000 .git%c%s", 0, id);
	put_is_refused(r, "tree", tree, len);
	len = (size_t)snprintf(tree, sizeof(tree), "100644 a%c%s100644 a.b%c%s40000 a%c%s", 0, id, 0, id, 0, id);
	put_is_refused(r, "tree", tree, len); /* a file and a folder of one name, apart in git's order */
	put_is_refused(r, "tree", "x", 1);
	put_is_refused(r, "commit", "", 0);
	OK(cp_buf_printf(&big, err, "tree %040d\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\n", 1));
	while (big.len < CP_COMMIT_MAX)
		OK(cp_buf_puts(&big, "x", err));
	OK(cp_buf_puts(&big, "\n", err));
	put_is_refused(r, "commit", big.data, big.len);
	cp_repo_free(r);
}

static void a_commit_needs_its_tree_and_parents_and_stays_small(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid oid = commit_text(r, "x", NULL), out, absent = { "0123456789012345678901234567890123456789" };
	char *large = malloc(CP_COMMIT_MAX + 2);
	struct cp_commit c;

	(void)state;
	assert_non_null(large);
	c = words(&absent, NULL, 1);
	FAILS(CP_ENOTFOUND, cp_repo_commit(r, &c, &key, &out, err));
	c = words(&oid, NULL, 1);
	FAILS(CP_EFORMAT, cp_repo_commit(r, &c, &key, &out, err)); /* a commit is no tree */
	OK(cp_repo_tree(r, NULL, NULL, 0, &oid, err));
	c = words(&oid, &absent, 1);
	FAILS(CP_ENOTFOUND, cp_repo_commit(r, &c, &key, &out, err));
	c = words(&oid, NULL, 1);
	memset(large, 'x', CP_COMMIT_MAX);
	memcpy(large + CP_COMMIT_MAX, "\n", 2);
	c.message = large;
	FAILS(CP_EFORMAT, cp_repo_commit(r, &c, &key, &out, err));
	memcpy(large + 500000, "\n", 2);
	OK(cp_repo_commit(r, &c, &key, &out, err));
	free(large);
	cp_repo_free(r);
}

static void a_damaged_pack_is_said_to_be_damaged(void **state)
{
	CP_AUTO(buf) struct cp_buf raw = CP_BUF(CP_TEXT_MAX);
	struct cp_repo *r = fresh();
	const struct cp_oid oid = commit_text(r, "some text that is long enough to be hit", NULL);

	(void)state;
	OK(cp_repo_flush(r, err));
	cp_repo_free(r);
	/* The first object of a pack begins behind 12 bytes; a commit is inserted last, so hit them all. */
	assert_int_equal(sh("chmod u+w r/objects/pack/*.pack && for i in 40 80 120 160 200 240 280 320; do printf '\\377\\377\\377'"
			" | dd of=$(ls r/objects/pack/*.pack) bs=1 seek=$i conv=notrunc; done"), 0);
	OK(cp_repo_open(&r, at("r"), false, err));
	FAILS(CP_EFORMAT, cp_repo_read(r, oid.hex, "commit", &raw, err));
	cp_repo_free(r);
}

/* ---- trees -------------------------------------------------------------------------- */

static void any_path(char *out, size_t size)
{
	static const char *const names[] = { "d", "d-e", "d.e", "d0", "dd", "ž", "e" };

	switch (dice(4)) {
	case 0: snprintf(out, size, "f%u.txt", dice(6)); break;
	case 1: snprintf(out, size, "%s/f%u", names[dice(7)], dice(6)); break;
	case 2: snprintf(out, size, "%s/%s/f%u", names[dice(7)], names[dice(7)], dice(4)); break;
	default: snprintf(out, size, "%s/%s/%s/g", names[dice(7)], names[dice(7)], names[dice(7)]); break;
	}
}

static void edited_trees_are_those_that_git_writes(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid tree = none;

	(void)state;
	assert_int_equal(sh("rm -f index"), 0);
	for (int round = 0; round < 40; round++) {
		CP_AUTO(buf) struct cp_buf info = CP_BUF(CP_TEXT_MAX);
		struct cp_tree_edit edits[24];
		char paths[24][64];
		size_t n = 0;

		for (size_t want = 1 + dice(round == 20 ? 1 : 24); n < want; n++) {
			char text[16];
			bool is_twice = false;

			any_path(paths[n], sizeof(paths[n]));
			for (size_t k = 0; k < n; k++)
				is_twice = is_twice || strcmp(paths[k], paths[n]) == 0;
			if (is_twice)
				break;
			edits[n].path = paths[n];
			edits[n].blob = none;
			snprintf(text, sizeof(text), "%u", dice(1000));
			if (dice(3) != 0)
				OK(cp_repo_blob(r, text, strlen(text), &edits[n].blob, err));
			OK(cp_buf_printf(&info, err, "%s %s\t%s\n", edits[n].blob.hex[0] ? "100644" : "0",
					edits[n].blob.hex[0] ? edits[n].blob.hex : "0000000000000000000000000000000000000000",
					paths[n]));
		}
		OK(cp_repo_tree(r, round == 0 ? NULL : &tree, edits, n, &tree, err));
		OK(cp_repo_flush(r, err));
		OK(cp_file_write(at("info"), 0600, info.data, info.len, err));
		assert_int_equal(sh("export GIT_INDEX_FILE=$PWD/index; git -C r update-index --add --index-info <info"
				" && git -C r write-tree"), 0);
		assert_string_equal(said(), tree.hex);
	}
	assert_int_equal(sh("git -C r fsck --strict"), 0);
	cp_repo_free(r);
}

static void a_folder_that_loses_its_last_file_vanishes(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_tree_edit edit = { "a/b/c", { "" } };
	struct cp_oid tree, empty;

	(void)state;
	OK(cp_repo_tree(r, NULL, NULL, 0, &empty, err));
	assert_string_equal(empty.hex, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
	OK(cp_repo_blob(r, "x", 1, &edit.blob, err));
	OK(cp_repo_tree(r, NULL, &edit, 1, &tree, err));
	edit.blob = none;
	OK(cp_repo_tree(r, &tree, &edit, 1, &tree, err));
	assert_string_equal(tree.hex, empty.hex);
	OK(cp_repo_tree(r, &tree, &edit, 1, &tree, err)); /* removing what is not there */
	assert_string_equal(tree.hex, empty.hex);
	cp_repo_free(r);
}

static void paths_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = { "", "/a", "a/", "a//b", "..", "a/../b", "./a", ".git/config", "a/.GIT",
		"a/git~1", "a\nb", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19", "dir", "file/x" };
	struct cp_repo *r = fresh();
	struct cp_tree_edit edits[2] = { { "dir/x", { "" } }, { "file", { "" } } };
	struct cp_oid base, blob, out = none;

	(void)state;
	OK(cp_repo_blob(r, "x", 1, &blob, err));
	edits[0].blob = edits[1].blob = blob;
	OK(cp_repo_tree(r, NULL, edits, 2, &base, err));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		edits[0].path = bad[i];
		FAILS(CP_EINPUT, cp_repo_tree(r, &base, edits, 1, &out, err));
	}
	edits[0].path = edits[1].path = "twice";
	FAILS(CP_EINPUT, cp_repo_tree(r, &base, edits, 2, &out, err));
	edits[1].path = "twice/x";
	FAILS(CP_EINPUT, cp_repo_tree(r, &base, edits, 2, &out, err));
	snprintf(edits[0].blob.hex, sizeof(edits[0].blob.hex), "%s", "0123456789012345678901234567890123456789");
	FAILS(CP_ENOTFOUND, cp_repo_tree(r, &base, edits, 1, &out, err));
	FAILS(CP_EINPUT, cp_repo_single(r, ".git", &blob, &out, err));
	assert_string_equal(out.hex, "");
	cp_repo_free(r);
}

/* ---- branches ----------------------------------------------------------------------- */

static void a_branch_moves_only_from_where_it_is_said_to_be(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid a = commit_text(r, "a", NULL), b = commit_text(r, "b", &a), blob, at;

	(void)state;
	FAILS(CP_EIO, cp_repo_move(r, "main", &none, &a, err)); /* not on the disk yet */
	OK(cp_repo_blob(r, "a", 1, &blob, err));
	OK(cp_repo_flush(r, err));
	FAILS(CP_EFORMAT, cp_repo_move(r, "main", &none, &blob, err));
	FAILS(CP_EBUSY, cp_repo_move(r, "main", &a, &b, err)); /* is not there at all */
	OK(cp_repo_branch(r, "main", &at, err));
	assert_string_equal(at.hex, "");
	OK(cp_repo_move(r, "main", &none, &a, err));
	FAILS(CP_EBUSY, cp_repo_move(r, "main", &none, &b, err));
	FAILS(CP_EBUSY, cp_repo_move(r, "main", &b, &a, err));
	assert_int_equal(sh("touch r/refs/heads/main.lock"), 0);
	FAILS(CP_EBUSY, cp_repo_move(r, "main", &a, &b, err));
	assert_int_equal(sh("rm r/refs/heads/main.lock; git -C r rev-parse main; cat r/refs/heads/main"), 0);
	assert_memory_equal(said(), a.hex, 40);
	assert_string_equal(said() + 41, a.hex);
	OK(cp_repo_move(r, "main", &a, &b, err));
	OK(cp_repo_branch(r, "main", &at, err));
	assert_string_equal(at.hex, b.hex);
	FAILS(CP_EINPUT, cp_repo_move(r, "a..b", &none, &a, err));
	FAILS(CP_EINPUT, cp_repo_move(r, "x.lock", &none, &a, err));
	FAILS(CP_EINPUT, cp_repo_branch(r, "../../HEAD", &at, err));
	assert_int_equal(sh("find r -name '*.lock'"), 0);
	assert_string_equal(said(), "");
	cp_repo_free(r);
}

static void a_branch_that_git_packed_away_is_found_and_moved(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid a = commit_text(r, "a", NULL), b = commit_text(r, "b", &a), at;

	(void)state;
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "replica/00ff", &none, &a, err));
	assert_int_equal(sh("git -C r pack-refs --all && git -C r gc -q && ! test -f r/refs/heads/replica/00ff"), 0);
	OK(cp_repo_branch(r, "replica/00ff", &at, err));
	assert_string_equal(at.hex, a.hex);
	FAILS(CP_EBUSY, cp_repo_move(r, "replica/00ff", &b, &a, err));
	OK(cp_repo_move(r, "replica/00ff", &a, &b, err));
	assert_int_equal(sh("git -C r rev-parse replica/00ff"), 0);
	assert_string_equal(said(), b.hex);
	cp_repo_free(r);
}

static void branches_are_listed_by_prefix_in_order(void **state)
{
	static const char *const names[] = { "replica/bb", "main", "replica/aa", "outbound/aa", "replica/aa.2", "replicas" };
	struct cp_repo *r = fresh();
	const struct cp_oid a = commit_text(r, "a", NULL);
	struct cp_tips tips = { 0 };

	(void)state;
	OK(cp_repo_flush(r, err));
	OK(cp_repo_branches(r, "", &tips, err));
	assert_int_equal(tips.n, 0);
	for (size_t i = 0; i < 6; i++)
		OK(cp_repo_move(r, names[i], &none, &a, err));
	assert_int_equal(sh("git -C r pack-refs --all && git -C r tag t replica/aa && git -C r update-ref refs/heads/zz main"), 0);
	OK(cp_repo_branches(r, "replica/", &tips, err));
	assert_int_equal(tips.n, 3);
	assert_string_equal(tips.list[0].name, "replica/aa");
	assert_string_equal(tips.list[1].name, "replica/aa.2");
	assert_string_equal(tips.list[2].name, "replica/bb");
	assert_string_equal(tips.list[2].oid.hex, a.hex);
	cp_tips_drop(&tips);
	OK(cp_repo_branches(r, "", &tips, err));
	assert_int_equal(tips.n, 7);
	cp_tips_drop(&tips);
	assert_int_equal(sh("git -C r symbolic-ref refs/heads/replica/cc refs/heads/main"), 0);
	FAILS(CP_EFORMAT, cp_repo_branches(r, "replica/", &tips, err));
	assert_int_equal(tips.n, 0);
	cp_repo_free(r);
}

struct seen { struct cp_oid list[8]; size_t n, stop_at; };

static enum cp_code see(void *user, const char *oid_hex, const struct cp_commit *c, struct cp_err *err)
{
	struct seen *s = user;

	assert_string_equal(c->committer.name, "hub");
	if (s->n == s->stop_at)
		return cp_fail(err, CP_EINPUT, "enough");
	snprintf(s->list[s->n++].hex, sizeof(s->list[0].hex), "%s", oid_hex);
	return CP_OK;
}

static enum cp_code count(void *user, const char *oid_hex, const struct cp_commit *c, struct cp_err *err)
{
	struct cp_pubkey who;

	assert_int_equal(strlen(oid_hex), 40);
	++*(size_t *)user;
	return cp_commit_signer(&who, c, err);
}

static void a_walk_gives_first_parents_oldest_first(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid chain[4], side = commit_text(r, "side", NULL);
	struct seen s = { .stop_at = 8 };
	struct cp_oid tree;
	struct cp_commit c;

	(void)state;
	chain[0] = commit_text(r, "0", NULL);
	chain[1] = commit_text(r, "1", &chain[0]);
	OK(cp_repo_tree(r, NULL, NULL, 0, &tree, err));
	c = words(&tree, &chain[1], 1);
	c.parents[c.n_parents++] = side;
	OK(cp_repo_commit(r, &c, &key, &chain[2], err));
	chain[3] = commit_text(r, "3", &chain[2]);
	OK(cp_repo_walk(r, chain[3].hex, "", see, &s, err));
	assert_int_equal(s.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(s.list[i].hex, chain[i].hex);
	s.n = 0;
	OK(cp_repo_walk(r, chain[3].hex, chain[1].hex, see, &s, err));
	assert_int_equal(s.n, 2);
	assert_string_equal(s.list[0].hex, chain[2].hex);
	s.n = 0;
	OK(cp_repo_walk(r, chain[3].hex, chain[3].hex, see, &s, err));
	OK(cp_repo_walk(r, "", "", see, &s, err));
	FAILS(CP_EFORMAT, cp_repo_walk(r, chain[3].hex, side.hex, see, &s, err));
	FAILS(CP_ENOTFOUND, cp_repo_walk(r, "0123456789012345678901234567890123456789", "", see, &s, err));
	assert_int_equal(s.n, 0);
	s.stop_at = 1;
	FAILS(CP_EINPUT, cp_repo_walk(r, chain[3].hex, "", see, &s, err));
	assert_int_equal(s.n, 1);
	cp_repo_free(r);
}

/* ---- a git bundle ------------------------------------------------------------------- */

static void git_verifies_and_clones_an_exported_bundle_of_the_named_branches_alone(void **state)
{
	struct cp_repo *r = fresh();
	struct cp_oid tip = none, tree = none, hidden;
	struct cp_tips tips = { 0 };

	(void)state;
	FAILS(CP_EINPUT, cp_repo_export(r, at("out.git-bundle"), &tips, err));
	for (int i = 0; i < 30; i++) {
		struct cp_tree_edit edit;
		char text[64], path[32];
		struct cp_commit c;

		snprintf(text, sizeof(text), "text %d\n", i);
		snprintf(path, sizeof(path), "cases/%x/%d", i & 3, i);
		edit.path = path;
		OK(cp_repo_blob(r, text, strlen(text), &edit.blob, err));
		OK(cp_repo_tree(r, i == 0 ? NULL : &tree, &edit, 1, &tree, err));
		c = words(&tree, &tip, 1700000000 + i);
		OK(cp_repo_commit(r, &c, &key, &tip, err));
	}
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "main", &none, &tip, err));
	tip = commit_text(r, "changes", NULL);
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "replica/aa", &none, &tip, err));
	OK(cp_repo_branches(r, "", &tips, err));
	hidden = commit_text(r, "for one pair of eyes", NULL);
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "outbound/aa", &none, &hidden, err));
	OK(cp_repo_export(r, at("out.git-bundle"), &tips, err));
	assert_int_equal(sh("git -C r bundle verify -q ../out.git-bundle"), 0);
	assert_int_equal(sh("git bundle list-heads out.git-bundle | cut -d' ' -f2"), 0);
	assert_string_equal(said(), "refs/heads/main\nrefs/heads/replica/aa\nHEAD");
	assert_int_equal(sh("git -c transfer.fsckObjects=true clone -q out.git-bundle c && git -C c fsck --strict"), 0);
	assert_int_equal(sh("cat c/cases/1/29 && git -C c branch -r | tr -d ' '"), 0);
	assert_string_equal(said(), "text 29\norigin/HEAD->origin/main\norigin/main\norigin/replica/aa");
	assert_int_equal(sh("test $(git -C c rev-parse origin/main origin/replica/aa | sort | md5sum | cut -c1-32) ="
			" $(git -C r rev-parse main replica/aa | sort | md5sum | cut -c1-32)"), 0);
	assert_int_equal(sh("test $(git -C c rev-list --objects --all | wc -l) ="
			" $(git -C r rev-list --objects main replica/aa | wc -l)"), 0);
	assert_int_not_equal(sh("git -C c cat-file -e %s", hidden.hex), 0);
	assert_int_equal(sh("git -C c count-objects -v | grep in-pack; git -C c rev-list --objects --all | wc -l"), 0);
	assert_string_equal(said(), "in-pack: 153\n153"); /* 30 of commit, 3 trees and file; then 3 more */
	cp_tips_drop(&tips);
	cp_repo_free(r);
}

/* ---- what goes wrong ---------------------------------------------------------------- */

static void what_a_crashed_writer_left_is_removed_by_the_next_writer_only(void **state)
{
	struct cp_repo *r = fresh();
	const struct cp_oid a = commit_text(r, "a", NULL);

	(void)state;
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "replica/aa", &none, &a, err));
	cp_repo_free(r);
	assert_int_equal(sh("cd r && touch HEAD.lock packed-refs.lock config.lock refs/heads/main.lock refs/heads/replica/aa.lock"
			" objects/pack/tmp_pack_x objects/pack/pack_git2_ab objects/pack/pack-ab.tmp"
			" objects/pack/pack_git2_abidx.lock && mkdir refs/heads/x.lock && find . | sort >../before"), 0);
	OK(cp_repo_open(&r, at("r"), false, err));
	cp_repo_free(r);
	assert_int_equal(sh("cd r && find . | sort | cmp - ../before"), 0);
	OK(cp_repo_open(&r, at("r"), true, err));
	assert_true(cp_repo_has(r, a.hex)); /* packs are not looked at before */
	cp_repo_free(r);
	assert_int_equal(sh("cd r && find . | sort | diff - ../before | grep -c '^>'; find . -type f | grep -c 'lock$\\|tmp\\|git2'"
			"; test -d refs/heads/x.lock && git fsck --strict >../fsck 2>&1 && git rev-parse replica/aa"), 0);
	assert_memory_equal(said(), "9\n0\n", 4);
	assert_string_equal(said() + 4, a.hex);
}

/* Commits until it is killed. */
static void commit_forever(void)
{
	struct cp_repo *r = NULL;
	struct cp_oid tip, old;
	char text[32];

	if (cp_repo_open(&r, at("r"), true, NULL) != CP_OK || cp_repo_branch(r, "main", &tip, NULL) != CP_OK)
		_exit(1);
	for (unsigned i = 0;; i++) {
		old = tip;
		for (int k = 0; k < 3; k++) {
			struct cp_oid blob, tree;
			struct cp_commit c;

			snprintf(text, sizeof(text), "%d %u %d", (int)getpid(), i, k);
			if (cp_repo_blob(r, text, strlen(text), &blob, NULL) != CP_OK
					|| cp_repo_single(r, "changeset", &blob, &tree, NULL) != CP_OK)
				_exit(1);
			c = words(&tree, &tip, 1700000000);
			if (cp_repo_commit(r, &c, &key, &tip, NULL) != CP_OK)
				_exit(1);
		}
		if (cp_repo_flush(r, NULL) != CP_OK || cp_repo_move(r, "main", &old, &tip, NULL) != CP_OK)
			_exit(1);
	}
}

static void a_writer_killed_at_any_moment_leaves_a_sound_repository(void **state)
{
	struct cp_repo *r = fresh();
	size_t commits = 0;

	(void)state;
	cp_repo_free(r);
	for (int i = 0; i < 12; i++) {
		const pid_t pid = fork();
		struct cp_oid tip;
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			commit_forever();
		usleep(40000 + dice(120000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status)); /* it has not failed by itself */
		r = NULL;
		OK(cp_repo_open(&r, at("r"), true, err));
		OK(cp_repo_branch(r, "main", &tip, err));
		OK(cp_repo_walk(r, tip.hex, "", count, &commits, err));
		cp_repo_free(r);
		assert_int_equal(sh("git -C r fsck --strict"), 0);
	}
	assert_true(commits > 0);
}

static void what_a_person_keeps_in_gitconfig_does_not_matter(void **state)
{
	struct cp_repo *r = NULL;
	struct cp_oid a;

	(void)state;
	cp_repo_free(fresh());
	assert_int_equal(sh("printf '[core\\nbroken' >.gitconfig"), 0);
	OK(cp_repo_open(&r, at("r"), true, err));
	a = commit_text(r, "a", NULL);
	OK(cp_repo_flush(r, err));
	OK(cp_repo_move(r, "main", &none, &a, err));
	cp_repo_free(r);
	assert_int_equal(sh("rm .gitconfig; git -C r fsck --strict"), 0);
}

static void a_repository_that_belongs_to_somebody_else_opens(void **state)
{
	struct cp_repo *r = NULL;

	(void)state;
	if (geteuid() != 0)
		skip();
	cp_repo_free(fresh());
	assert_int_equal(sh("chown -R 65534:65534 r && ! git -C r rev-parse HEAD"), 0);
	OK(cp_repo_open(&r, at("r"), true, err));
	cp_repo_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_repository_is_one_that_git_knows),
		cmocka_unit_test(names_are_those_that_git_hash_object_gives),
		cmocka_unit_test(staged_objects_are_read_by_us_at_once_and_by_git_after_flushing),
		cmocka_unit_test(what_is_staged_is_not_staged_again_and_twice_in_packs_does_no_harm),
		cmocka_unit_test(forgetting_drops_what_is_staged_and_it_can_be_staged_anew),
		cmocka_unit_test(a_thousand_commits_over_several_flushes_pass_git_fsck),
		cmocka_unit_test(a_raw_object_enters_only_under_its_own_name),
		cmocka_unit_test(trees_and_commits_that_git_fsck_would_hate_do_not_enter),
		cmocka_unit_test(a_commit_needs_its_tree_and_parents_and_stays_small),
		cmocka_unit_test(a_damaged_pack_is_said_to_be_damaged),
		cmocka_unit_test(edited_trees_are_those_that_git_writes),
		cmocka_unit_test(a_folder_that_loses_its_last_file_vanishes),
		cmocka_unit_test(paths_that_cannot_be_are_refused),
		cmocka_unit_test(a_branch_moves_only_from_where_it_is_said_to_be),
		cmocka_unit_test(a_branch_that_git_packed_away_is_found_and_moved),
		cmocka_unit_test(branches_are_listed_by_prefix_in_order),
		cmocka_unit_test(a_walk_gives_first_parents_oldest_first),
		cmocka_unit_test(git_verifies_and_clones_an_exported_bundle_of_the_named_branches_alone),
		cmocka_unit_test(what_a_crashed_writer_left_is_removed_by_the_next_writer_only),
		cmocka_unit_test(a_writer_killed_at_any_moment_leaves_a_sound_repository),
		cmocka_unit_test(what_a_person_keeps_in_gitconfig_does_not_matter),
		cmocka_unit_test(a_repository_that_belongs_to_somebody_else_opens),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
