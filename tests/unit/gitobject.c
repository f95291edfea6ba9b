#include "formats/gitobject.h"

#include "tests/unit/folder.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccc"
#define WHO   "R1 <r1@p.invalid> 1700000000 +0000\n"

static struct cp_seckey key;
static struct cp_pubkey public_key;

static int begin(void **state)
{
	folder_make(state);
	crypto_sign_keypair(public_key.bytes, key.bytes);
	key.is_set = true;
	return 0;
}

/* A commit of the empty tree, as a device would make it; message is borrowed. */
static struct cp_commit sample(const char *message, size_t n_parents)
{
	struct cp_commit c = {
		.tree = { "4b825dc642cb6eb9a060e54bf8d69288fbee4904" },
		.parents = { { HEX_A }, { HEX_B } },
		.n_parents = n_parents,
		.author = { "Bewerter 7 Žižka", "00ff@11ee.invalid", 1700000000 },
		.committer = { "hub", "aa@bb.invalid", 1700000001 },
	};

	c.message = (char *)(uintptr_t)message;
	return c;
}

static void print_signed(struct cp_buf *out, const struct cp_commit *c, const char *ns)
{
	CP_AUTO(buf) struct cp_buf payload = CP_BUF(CP_TEXT_MAX), armor = CP_BUF(CP_TEXT_MAX);

	assert_int_equal(cp_commit_print(&payload, c, NULL), CP_OK);
	assert_int_equal(cp_sshsig_sign(&armor, &key, ns, payload.data, payload.len, false, NULL), CP_OK);
	assert_int_equal(cp_commit_print_signed(out, c, armor.data, NULL), CP_OK);
}

static enum cp_code read_text(const char *text, size_t len)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };
	struct cp_err err = { 0 };
	const enum cp_code code = cp_commit_read(&c, text, len, &err);

	if (code != CP_OK) {
		assert_true(err.text[0] != '\0');
		assert_null(c.message);
	}
	return code;
}

/* ---- commits ------------------------------------------------------------------------ */

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	for (size_t parents = 0; parents <= 2; parents++) {
		CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), payload = CP_BUF(CP_TEXT_MAX);
		CP_AUTO(commit) struct cp_commit c = { 0 };
		const struct cp_commit from = sample("Judged 3 cases\n\nSeq: 4\n", parents);
		struct cp_pubkey who;

		print_signed(&bytes, &from, "git");
		assert_int_equal(cp_commit_print(&payload, &from, NULL), CP_OK);
		assert_int_equal(cp_commit_read(&c, bytes.data, bytes.len, NULL), CP_OK);
		assert_int_equal(c.n_parents, parents);
		assert_string_equal(c.tree.hex, from.tree.hex);
		for (size_t i = 0; i < parents; i++)
			assert_string_equal(c.parents[i].hex, from.parents[i].hex);
		assert_string_equal(c.author.name, from.author.name);
		assert_string_equal(c.author.email, from.author.email);
		assert_int_equal(c.author.seconds, from.author.seconds);
		assert_string_equal(c.committer.name, from.committer.name);
		assert_int_equal(c.committer.seconds, from.committer.seconds);
		assert_string_equal(c.message, from.message);
		assert_int_equal(c.payload_len, payload.len);
		assert_memory_equal(c.payload, payload.data, payload.len);
		assert_int_equal(cp_commit_signer(&who, &c, NULL), CP_OK);
		assert_memory_equal(&who, &public_key, sizeof(who));
	}
}

static void a_commit_without_signature_is_read_but_not_trusted(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(commit) struct cp_commit c = { 0 };
	const struct cp_commit from = sample("x\n", 1);
	struct cp_pubkey who;

	(void)state;
	assert_int_equal(cp_commit_print(&bytes, &from, NULL), CP_OK);
	assert_int_equal(cp_commit_read(&c, bytes.data, bytes.len, NULL), CP_OK);
	assert_null(c.signature);
	assert_int_equal(c.payload_len, bytes.len);
	assert_int_equal(cp_commit_signer(&who, &c, NULL), CP_ETRUST);
}

static void a_signature_over_other_words_or_in_another_namespace_is_not_trusted(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), other = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(commit) struct cp_commit c = { 0 }, d = { 0 };
	const struct cp_commit from = sample("seven\n", 1);
	struct cp_pubkey who;

	(void)state;
	print_signed(&bytes, &from, "git");
	memcpy(bytes.data + bytes.len - 6, "eight\n", 6);
	assert_int_equal(cp_commit_read(&c, bytes.data, bytes.len, NULL), CP_OK);
	assert_int_equal(cp_commit_signer(&who, &c, NULL), CP_ETRUST);
	print_signed(&other, &from, "file");
	assert_int_equal(cp_commit_read(&d, other.data, other.len, NULL), CP_OK);
	assert_int_equal(cp_commit_signer(&who, &d, NULL), CP_ETRUST);
}

static void what_casepack_does_not_write_is_refused(void **state)
{
#define T "tree " HEX_A "\n"
#define P(x) "parent " x "\n"
#define A "author " WHO
#define C "committer " WHO
#define SIG "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n"
	static const char *const good[] = {
		T A C "\nx\n", T P(HEX_A) A C "\nx\n", T P(HEX_A) P(HEX_B) A C SIG "\nx\n\ny\tz\n",
	};
	static const char *const bad[] = {
		"", "tree", T, T A, T A C, T A C "\n", T A C "\n\n", T A C "\n\nx\n", T A C "\nx\n\n",
		T A C "\nx", T A C "\nx\r\n", T A C "\nx\033[1m\n", T A C "\n\xff\n", T A C "\nx\n\xc2",
		T A C "encoding UTF-8\n\nx\n", T A C "mergetag object " HEX_A "\n\nx\n", T A C "Extra: 1\n\nx\n",
		T A C SIG "encoding UTF-8\n\nx\n", T A C SIG SIG "\nx\n", T SIG A C "\nx\n", T A SIG C "\nx\n",
		T T A C "\nx\n", T A A C "\nx\n", T A C C "\nx\n", T C A "\nx\n", P(HEX_A) T A C "\nx\n",
		T P(HEX_A) P(HEX_B) P(HEX_C) A C "\nx\n", T A P(HEX_A) C "\nx\n",
		"tree AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" A C "\nx\n", "tree " HEX_A "a\n" A C "\nx\n",
		"tree  " HEX_A "\n" A C "\nx\n", "tree " HEX_A " \n" A C "\nx\n",
		T "author R <r@p> 1 +0100\n" C "\nx\n", T "author R <r@p> 1 -0000\n" C "\nx\n",
		T "author R <r@p> 01 +0000\n" C "\nx\n", T "author R <r@p> -1 +0000\n" C "\nx\n",
		T "author R <r@p>  1 +0000\n" C "\nx\n", T "author R <r@p> +0000\n" C "\nx\n",
		T "author R <r@p> 253402300800 +0000\n" C "\nx\n", T "author R <r@p> 99999999999999999999 +0000\n" C "\nx\n",
		T "author <r@p> 1 +0000\n" C "\nx\n", T "author  <r@p> 1 +0000\n" C "\nx\n",
		T "author R<r@p> 1 +0000\n" C "\nx\n", T "author R <> 1 +0000\n" C "\nx\n",
		T "author R <r p> 1 +0000\n" C "\nx\n", T "author R <r<p> 1 +0000\n" C "\nx\n",
		T "author R > <r@p> 1 +0000\n" C "\nx\n", T "author R  <r@p> 1 +0000\n" C "\nx\n",
		T "author R\t1 <r@p> 1 +0000\n" C "\nx\n", T "author R <r@p> 1 +0000 \n" C "\nx\n",
		T A C "gpgsig -----BEGIN PGP SIGNATURE-----\n AAAA\n -----END PGP SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n -----END SSH SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n \n -----END SSH SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n AA AA\n -----END SSH SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n  AAAA\n -----END SSH SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n \n\nx\n",
		T A C "gpgsig-sha256 -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n\nx\n",
		T A C "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\nx\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(read_text(good[i], strlen(good[i])), CP_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (read_text(bad[i], strlen(bad[i])) != CP_EFORMAT)
			fail_msg("accepted, number %zu: %s", i, bad[i]);
	}
	assert_int_equal(read_text(T A C "\nx\0y\n", sizeof(T A C "\nx\0y\n") - 1), CP_EFORMAT);
	assert_int_equal(read_text(T A C "\nx\n\0", sizeof(T A C "\nx\n\0") - 1), CP_EFORMAT);
}

/* One object, one meaning: whatever is accepted prints as the same bytes. */
static void check_reprint(const char *bytes, size_t len)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };
	CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_TEXT_MAX);

	if (cp_commit_read(&c, bytes, len, NULL) != CP_OK)
		return;
	if (c.signature == NULL)
		assert_int_equal(cp_commit_print(&again, &c, NULL), CP_OK);
	else
		assert_int_equal(cp_commit_print_signed(&again, &c, c.signature, NULL), CP_OK);
	assert_int_equal(again.len, len);
	assert_memory_equal(again.data, bytes, len);
}

static void a_damaged_commit_is_refused_or_has_one_spelling_and_no_trust(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	const struct cp_commit from = sample("x\n\nSeq: 1\n", 2);

	(void)state;
	print_signed(&bytes, &from, "git");
	for (size_t i = 0; i < bytes.len; i++) {
		CP_AUTO(commit) struct cp_commit whole = { 0 };

		check_reprint(bytes.data, i);
		for (int bit = 0; bit < 8; bit++) {
			CP_AUTO(commit) struct cp_commit c = { 0 };
			struct cp_pubkey who;

			bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
			check_reprint(bytes.data, bytes.len);
			if (cp_commit_read(&c, bytes.data, bytes.len, NULL) == CP_OK)
				assert_int_not_equal(cp_commit_signer(&who, &c, NULL), CP_OK);
			bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
		}
		assert_int_equal(cp_commit_read(&whole, bytes.data, bytes.len, NULL), CP_OK);
	}
}

static void a_commit_over_one_mebibyte_is_neither_read_nor_written(void **state)
{
	CP_AUTO(buf) struct cp_buf message = CP_BUF(CP_TEXT_MAX), bytes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(commit) struct cp_commit c = { 0 };
	struct cp_commit from = sample("x\n", 0);

	(void)state;
	assert_int_equal(cp_commit_print(&bytes, &from, NULL), CP_OK);
	for (size_t left = CP_COMMIT_MAX - bytes.len; left > 0; left--)
		assert_int_equal(cp_buf_puts(&message, "x", NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&message, "x\n", NULL), CP_OK);
	from.message = message.data;
	cp_buf_clear(&bytes);
	assert_int_equal(cp_commit_print(&bytes, &from, NULL), CP_OK);
	assert_int_equal(bytes.len, CP_COMMIT_MAX);
	assert_int_equal(cp_commit_read(&c, bytes.data, bytes.len, NULL), CP_OK);
	memcpy(bytes.data + bytes.len - 1, "x", 1);
	assert_int_equal(cp_buf_puts(&bytes, "\n", NULL), CP_OK);
	assert_int_equal(read_text(bytes.data, bytes.len), CP_EFORMAT);
	memcpy(message.data + message.len - 1, "x", 1);
	assert_int_equal(cp_buf_puts(&message, "\n", NULL), CP_OK);
	from.message = message.data;
	cp_buf_clear(&bytes);
	assert_int_equal(cp_commit_print(&bytes, &from, NULL), CP_EFORMAT);
}

static void people_and_words_that_would_not_be_read_back_are_not_written(void **state)
{
	static const char *const names[] = { "", " a", "a ", "a<b", "a>b", "a\nb", "a\033b", "\xff",
		"X <x@y> 1 +0000\ncommitter Y" };
	static const char *const messages[] = { "", "x", "\nx\n", "x\n\n", "x\033\n", "\xc3\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
		struct cp_commit c = sample("x\n", 0);

		snprintf(c.author.name, sizeof(c.author.name), "%s", names[i]);
		assert_int_equal(cp_commit_print(&out, &c, NULL), CP_EFORMAT);
		c = sample("x\n", 0);
		snprintf(c.committer.email, sizeof(c.committer.email), "%s", names[i]);
		assert_int_equal(cp_commit_print(&out, &c, NULL), CP_EFORMAT);
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
		const struct cp_commit c = sample(messages[i], 0);

		assert_int_equal(cp_commit_print(&out, &c, NULL), CP_EFORMAT);
	}
}

static void check_trailer(const struct cp_commit *c, const char *name, size_t n, const char *want)
{
	const char *at;
	size_t len;

	if (want == NULL) {
		assert_false(cp_commit_trailer(c, name, n, &at, &len));
		return;
	}
	assert_true(cp_commit_trailer(c, name, n, &at, &len));
	assert_int_equal(len, strlen(want));
	assert_memory_equal(at, want, len);
	assert_true(at >= c->message && at + len < c->message + strlen(c->message));
}

static void trailers_are_found_in_the_last_paragraph_only(void **state)
{
	const struct cp_commit c = sample("Seq: 1\n\nSeq: 2\n\nSeq: 3\nReplica: ab\nSeq: 4: x\nSeq:5\nEmpty: \n", 0);
	const struct cp_commit subject = sample("Seq: 1\nSeq: 2\n", 0);

	(void)state;
	check_trailer(&c, "Seq", 0, "3");
	check_trailer(&c, "Seq", 1, "4: x");
	check_trailer(&c, "Seq", 2, NULL);
	check_trailer(&c, "Replica", 0, "ab");
	check_trailer(&c, "Empty", 0, "");
	check_trailer(&c, "replica", 0, NULL);
	check_trailer(&c, "Repl", 0, NULL);
	check_trailer(&subject, "Seq", 0, NULL);
}

/* ---- git and ssh-keygen as judges of commits ---------------------------------------- */

static void allow(const struct cp_pubkey *k, const char *who)
{
	CP_AUTO(buf) struct cp_buf blob = CP_BUF(1024), line = CP_BUF(1024);

	assert_int_equal(cp_buf_add(&blob, "\0\0\0\013ssh-ed25519\0\0\0\040", 19, NULL), CP_OK);
	assert_int_equal(cp_buf_add(&blob, k->bytes, sizeof(k->bytes), NULL), CP_OK);
	assert_int_equal(cp_buf_printf(&line, NULL, "%s namespaces=\"git\" ssh-ed25519 ", who), CP_OK);
	assert_int_equal(cp_base64_add(&line, blob.data, blob.len, NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&line, "\n", NULL), CP_OK);
	put("allowed", line.data, line.len);
}

static void git_takes_and_verifies_what_is_written(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), said = CP_BUF(CP_TEXT_MAX);
	const struct cp_commit from = sample("Judged 3 cases\n\nSeq: 4\n", 0);

	(void)state;
	print_signed(&bytes, &from, "git");
	put("object", bytes.data, bytes.len);
	allow(&public_key, "aa@bb.invalid");
	assert_int_equal(sh("rm -rf g; git init -q --bare g && git -C g hash-object -t tree -w --stdin </dev/null"), 0);
	assert_int_equal(sh("git -C g update-ref refs/heads/main $(git -C g hash-object -t commit -w ../object)"
			" && git -C g fsck --strict"), 0);
	assert_int_equal(sh("git -C g config gpg.ssh.allowedSignersFile $PWD/allowed && git -C g verify-commit main"), 0);
	assert_int_equal(sh("git -C g log -1 --format='%%an|%%ae|%%at|%%cn|%%ce|%%ct|%%G?|%%GS|%%(trailers:key=Seq)|%%s' main"), 0);
	get(&said, "said");
	assert_string_equal(said.data, "Bewerter 7 Žižka|00ff@11ee.invalid|1700000000|hub|aa@bb.invalid|1700000001|"
			"G|aa@bb.invalid|Seq: 4\n|Judged 3 cases\n");
	assert_int_equal(sh("git -C g cat-file commit main"), 0);
	get(&said, "said");
	assert_int_equal(said.len, bytes.len);
	assert_memory_equal(said.data, bytes.data, said.len);
}

static void a_commit_that_git_signs_itself_is_read_and_its_signer_found(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), line = CP_BUF(CP_TEXT_MAX), blob = CP_BUF(1024);
	CP_AUTO(commit) struct cp_commit c = { 0 };
	struct cp_pubkey who;
	char *word;

	(void)state;
	assert_int_equal(sh("rm -f k k.pub; ssh-keygen -q -t ed25519 -N '' -C '' -f k"), 0);
	assert_int_equal(sh("rm -rf w; git init -q w && cd w && TZ=UTC git -c gpg.format=ssh"
			" -c user.signingkey=$PWD/../k -c user.name=R -c user.email=r@p.invalid"
			" commit -q --allow-empty -S -m 'by git' && git cat-file commit HEAD >../object"), 0);
	get(&bytes, "object");
	assert_int_equal(cp_commit_read(&c, bytes.data, bytes.len, NULL), CP_OK);
	assert_string_equal(c.message, "by git\n");
	assert_int_equal(cp_commit_signer(&who, &c, NULL), CP_OK);
	get(&line, "k.pub");
	word = line.data + strlen("ssh-ed25519 ");
	assert_int_equal(cp_base64_read(&blob, word, strcspn(word, " \n"), NULL), CP_OK);
	assert_int_equal(blob.len, 19 + 32);
	assert_memory_equal(who.bytes, blob.data + 19, 32);
	check_reprint(bytes.data, bytes.len);
}

/* ---- trees -------------------------------------------------------------------------- */

static enum cp_code add_raw(struct cp_buf *out, const char *mode, const char *name, char fill)
{
	char oid[20];

	memset(oid, fill, sizeof(oid));
	CP_TRY(cp_buf_printf(out, NULL, "%s %s", mode, name));
	CP_TRY(cp_buf_add(out, "", 1, NULL));
	return cp_buf_add(out, oid, sizeof(oid), NULL);
}

/* Reads all entries, printing them again: the number of entries, or -1. */
static int read_tree(const struct cp_buf *bytes, struct cp_buf *again)
{
	struct cp_tree_entry entry = { 0 };
	size_t at = 0;
	int n = 0;

	for (;; n++) {
		if (cp_tree_next(&entry, bytes->data, bytes->len, &at, NULL) != CP_OK)
			return -1;
		if (entry.name == NULL)
			return n;
		assert_int_equal(cp_tree_add(again, &entry, NULL), CP_OK);
	}
}

static void a_tree_that_git_sorts_is_read_and_printed_the_same(void **state)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), again = CP_BUF(CP_TEXT_MAX);

	(void)state;
	assert_int_equal(sh("rm -rf w; git init -q w && cd w && mkdir -p a ab ž && touch a/x a-b a.b ab/y ž/z .gitattributes"
			" b 'c d' && git add . && git cat-file tree $(git write-tree) >../tree"), 0);
	get(&bytes, "tree");
	assert_int_equal(read_tree(&bytes, &again), 8);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.data, bytes.data, bytes.len);
	for (size_t n = 0; n < bytes.len; n++) { /* cut anywhere but between entries */
		CP_AUTO(buf) struct cp_buf cut = CP_BUF(CP_TEXT_MAX), out = CP_BUF(CP_TEXT_MAX);

		assert_int_equal(cp_buf_add(&cut, bytes.data, n, NULL), CP_OK);
		if (read_tree(&cut, &out) >= 0)
			assert_int_equal(out.len, n);
	}
}

static void trees_that_casepack_does_not_write_are_refused(void **state)
{
	static const struct { const char *mode, *name; } bad[] = {
		{ "100755", "x" }, { "120000", "x" }, { "160000", "x" }, { "040000", "x" }, { "100664", "x" },
		{ "100644", "" }, { "100644", "." }, { "100644", ".." }, { "100644", "a/b" }, { "100644", "a\\b" },
		{ "40000", ".git" }, { "40000", ".GIT" }, { "40000", "git~1" }, { "40000", "GIT~2" },
		{ "40000", ".git " }, { "40000", ".git::$INDEX_ALLOCATION" }, { "100644", ".gitmodules" },
		{ "40000", ".g\xe2\x80\x8cit" }, { "40000", "\xef\xbb\xbf.git" }, { "100644", "a\nb" },
		{ "100644", "\xff" }, { "100644", "a\xe2\x80\xae" "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CP_AUTO(buf) struct cp_buf tree = CP_BUF(CP_TEXT_MAX), again = CP_BUF(CP_TEXT_MAX);

		assert_int_equal(add_raw(&tree, bad[i].mode, bad[i].name, 7), CP_OK);
		if (read_tree(&tree, &again) != -1)
			fail_msg("accepted: %s %s", bad[i].mode, bad[i].name);
	}
}

static void entries_out_of_order_repeated_or_of_zeros_are_refused(void **state)
{
	static const struct { const char *mode[2], *name[2]; char fill; int want; } pairs[] = {
		{ { "100644", "100644" }, { "a", "b" }, 1, 2 },
		{ { "100644", "100644" }, { "b", "a" }, 1, -1 },
		{ { "100644", "100644" }, { "a", "a" }, 1, -1 },
		{ { "100644", "100644" }, { "a", "b" }, 0, -1 },
		{ { "100644", "40000" }, { "a.b", "a" }, 1, 2 },
		{ { "40000", "100644" }, { "a", "a.b" }, 1, -1 },
		{ { "40000", "100644" }, { "a", "a0" }, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		CP_AUTO(buf) struct cp_buf tree = CP_BUF(CP_TEXT_MAX), again = CP_BUF(CP_TEXT_MAX);

		for (int k = 0; k < 2; k++)
			assert_int_equal(add_raw(&tree, pairs[i].mode[k], pairs[i].name[k], pairs[i].fill), CP_OK);
		assert_int_equal(read_tree(&tree, &again), pairs[i].want);
	}
}

static void a_tree_of_one_file_holds_that_file_and_nothing_else(void **state)
{
	CP_AUTO(buf) struct cp_buf one = CP_BUF(1024), folder_tree = CP_BUF(1024);
	struct cp_oid blob = { "" };

	(void)state;
	assert_int_equal(add_raw(&one, "100644", "changeset", 0x5a), CP_OK);
	assert_int_equal(cp_tree_read_single(&blob, "changeset", one.data, one.len, NULL), CP_OK);
	assert_string_equal(blob.hex, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
	assert_int_equal(cp_tree_read_single(&blob, "other", one.data, one.len, NULL), CP_EFORMAT);
	for (size_t n = 0; n < one.len; n++)
		assert_int_equal(cp_tree_read_single(&blob, "changeset", one.data, n, NULL), CP_EFORMAT);
	assert_int_equal(add_raw(&one, "100644", "z", 1), CP_OK);
	assert_int_equal(cp_tree_read_single(&blob, "changeset", one.data, one.len, NULL), CP_EFORMAT);
	assert_int_equal(add_raw(&folder_tree, "40000", "changeset", 1), CP_OK);
	assert_int_equal(cp_tree_read_single(&blob, "changeset", folder_tree.data, folder_tree.len, NULL), CP_EFORMAT);
}

static void an_object_is_called_as_git_calls_it(void **state)
{
	static const size_t lengths[] = { 0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000, 70000 };
	static const char *const types[] = { "blob", "commit", "tree" };
	CP_AUTO(buf) struct cp_buf said = CP_BUF(1024);
	static uint8_t bytes[70000];
	struct cp_oid name;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	for (size_t i = 0; i < 3 * (sizeof(lengths) / sizeof(*lengths)); i++) {
		cp_object_name(&name, types[i % 3], bytes, lengths[i / 3]);
		put("bytes", bytes, lengths[i / 3]);
		assert_int_equal(sh("git hash-object --literally -t %s bytes", types[i % 3]), 0);
		get(&said, "said");
		assert_memory_equal(said.data, name.hex, 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_called_as_git_calls_it),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_commit_without_signature_is_read_but_not_trusted),
		cmocka_unit_test(a_signature_over_other_words_or_in_another_namespace_is_not_trusted),
		cmocka_unit_test(what_casepack_does_not_write_is_refused),
		cmocka_unit_test(a_damaged_commit_is_refused_or_has_one_spelling_and_no_trust),
		cmocka_unit_test(a_commit_over_one_mebibyte_is_neither_read_nor_written),
		cmocka_unit_test(people_and_words_that_would_not_be_read_back_are_not_written),
		cmocka_unit_test(trailers_are_found_in_the_last_paragraph_only),
		cmocka_unit_test(git_takes_and_verifies_what_is_written),
		cmocka_unit_test(a_commit_that_git_signs_itself_is_read_and_its_signer_found),
		cmocka_unit_test(a_tree_that_git_sorts_is_read_and_printed_the_same),
		cmocka_unit_test(trees_that_casepack_does_not_write_are_refused),
		cmocka_unit_test(entries_out_of_order_repeated_or_of_zeros_are_refused),
		cmocka_unit_test(a_tree_of_one_file_holds_that_file_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, begin, folder_remove);
}
