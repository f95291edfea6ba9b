/*
 * Bundles that are rightly signed and wrong inside. Outside judges make what is wrong: tar, zstd, ssh-keygen.
 */
#include "tests/unit/bundle.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <zstd.h>

/* A frame of plain; flags: 1 no checksum, 2 size not in the header. */
static void frame(struct cp_buf *out, const void *plain, size_t len, int flags)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, !(flags & 1));
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, !(flags & 2));
	assert_int_equal(cp_buf_room(out, ZSTD_compressBound(len), NULL), CP_OK);
	n = ZSTD_compress2(ctx, out->data + out->len, ZSTD_compressBound(len), plain, len);
	assert_false(ZSTD_isError(n));
	out->len += n;
	ZSTD_freeCCtx(ctx);
}

static enum cp_code to_file(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_newfile_add(user, bytes, len, err);
}

/* One bundle with one part, whose bytes and promise are the caller's. */
static void forge(const char *name, const char *part, const struct cp_buf *packed, uint64_t expanded)
{
	CP_AUTO(newfile) struct cp_newfile f = CP_NEWFILE_NONE;
	struct cp_manifest m;
	int fds[CP_MAX_PARTS];

	fill(&m);
	m.n_parts = 1;
	strcpy(m.parts[0].name, part);
	m.parts[0].size = packed->len;
	m.parts[0].expanded = expanded;
	cp_hash_bytes(&m.parts[0].hash, packed->data, packed->len);
	put("part", packed->data, packed->len);
	fds[0] = open(at("part"), O_RDONLY);
	f.path = strdup(name);
	f.fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644); /* no fsync: hundreds are made */
	OK(cp_bundle_assemble(to_file, &f, &m, &key, fds, err));
	close(fds[0]);
	unlink(at("part"));
	cp_manifest_drop(&m);
}

static void forge_plain(const char *name, const char *part, const void *plain, size_t len)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	frame(&packed, plain, len, 0);
	forge(name, part, &packed, len);
}

/* A part made by the tar command in a folder that commands have filled. */
static void forge_tar(const char *name, const char *part, const char *commands)
{
	CP_AUTO(buf) struct cp_buf plain = CP_BUF(CP_TEXT_MAX);

	shell("rm -rf t t.tar && mkdir t && cd t && mkdir objects media && %s", commands);
	get(&plain, "t.tar");
	forge_plain(name, part, plain.data, plain.len);
	shell("rm -rf t t.tar");
}

static enum cp_code into_buf(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_buf_add(user, bytes, len, err);
}

static void our_tar(struct cp_buf *out, const char *const names[], size_t n)
{
	CP_AUTO(tarout) struct cp_tarout t = CP_TAROUT_NONE;

	assert_int_equal(cp_tarout_begin(&t, into_buf, out, NULL), CP_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(cp_tarout_member(&t, names[i], 3, 0, NULL), CP_OK);
		assert_int_equal(cp_tarout_data(&t, "abc", 3, NULL), CP_OK);
	}
	assert_int_equal(cp_tarout_end(&t, NULL), CP_OK);
}

static void assert_name_refused(const char *part, const char *name)
{
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);

	our_tar(&tar, &name, 1);
	forge_plain("x", part, tar.data, tar.len);
	assert_refused("x", "not named");
}

/* ---- another tar --------------------------------------------------------------------- */

static void a_bundle_packed_again_by_another_tar_is_refused(void **state)
{
	(void)state;
	write_sample("a");
	shell("mkdir t && cd t && tar xf ../a && "
	    "S='--owner=:0 --group=:0 --mode=0644 --mtime=@1700000000 -b 1'; "
	    "A='manifest.json manifest.json.sig'; P='history.tar.zst cases.jsonl.zst media.tar.zst'; "
	    "tar --format=gnu $S -cf ../gnu $A $P; tar --format=pax $S -cf ../pax $A $P; "
	    "tar --format=ustar $S -cf ../order manifest.json.sig manifest.json $P; "
	    "tar --format=ustar $S -cf ../parts $A cases.jsonl.zst history.tar.zst media.tar.zst; "
	    "tar --format=ustar $S -cf ../missing $A history.tar.zst cases.jsonl.zst; "
	    "tar --format=ustar $S --hard-dereference -cf ../twice $A $P media.tar.zst; "
	    "tar --format=ustar $S -cf ../extra $A $P manifest.json; "
	    "tar --format=ustar $S -cf ../dots $A --transform 's,^history,../history,' -P $P; "
	    "tar --format=ustar --mode=0600 -cf ../mode $A $P; "
	    "ln -sf /etc/passwd manifest.json; tar --format=ustar $S -cf ../link $A $P");
	assert_refused("gnu", "ustar");
	assert_refused("pax", "ustar");
	assert_refused("order", "not a bundle");
	assert_refused("parts", "not what its manifest makes it");
	assert_refused("missing", "");
	assert_refused("twice", "something else follows");
	assert_refused("extra", "something else follows");
	assert_refused("dots", "not what its manifest makes it");
	assert_refused("mode", "");
	assert_refused("link", "not a regular file");
}

static void a_symlink_in_place_of_a_part_is_refused(void **state)
{
	(void)state;
	write_sample("a");
	shell("mkdir t && cd t && tar xf ../a && ln -sf /etc/passwd history.tar.zst && "
	    "tar --format=ustar --owner=:0 --group=:0 --mode=0644 --mtime=@1700000000 -b 1 -cf ../b "
	    "manifest.json manifest.json.sig history.tar.zst cases.jsonl.zst media.tar.zst");
	assert_refused("b", "");
}

static void members_that_are_no_regular_files_are_refused(void **state)
{
	static const char start[] = "tar -b 1 --format=ustar --owner=:0 --group=:0 --mode=0644 --mtime=@0 -cf ../t.tar";
	char commands[512];

	(void)state;
	snprintf(commands, sizeof commands, "ln -s /etc/passwd objects/%s.blob && %s objects/*", OID_A, start);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "not a regular file");
	snprintf(commands, sizeof commands, "seq 9 > objects/%s.blob && ln objects/%s.blob objects/%s.blob && "
	         "%s objects/*", OID_A, OID_A, OID_B, start);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "not a regular file");
	snprintf(commands, sizeof commands, "mkfifo objects/%s.blob && %s objects/*", OID_A, start);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "not a regular file");
	snprintf(commands, sizeof commands, "seq 9 > objects/%s.blob && %s objects", OID_A, start);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "not a regular file");
}

static void members_packed_by_another_tar_are_refused(void **state)
{
	char commands[512];

	(void)state;
	snprintf(commands, sizeof commands, "seq 9 > objects/%s.blob && tar -b 1 --format=gnu "
	         "--owner=:0 --group=:0 --mode=0644 --mtime=@0 -cf ../t.tar objects/*", OID_A);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "ustar");
	snprintf(commands, sizeof commands, "seq 9 > objects/%s.blob && tar -b 1 --format=pax "
	         "--pax-option=comment=hidden -cf ../t.tar objects/*", OID_A);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "ustar");
	snprintf(commands, sizeof commands, "truncate -s 1M objects/%s.blob && tar -S -b 1 --format=gnu "
	         "-cf ../t.tar objects/*", OID_A);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "");
	snprintf(commands, sizeof commands, "seq 9 > objects/%s.blob && tar -b 1 --format=ustar "
	         "--owner=:0 --group=:0 --mode=0644 --mtime=@1 -cf ../t.tar objects/*", OID_A);
	forge_tar("x", "history.tar.zst", commands);
	assert_refused("x", "not the tar");
}

/* Padding and what follows the end could carry what no visitor sees. */
static void hidden_bytes_in_a_tar_are_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);
	static const char *const names[] = { "objects/" OID_A ".blob" };

	(void)state;
	our_tar(&tar, names, 1);
	forge_plain("x", "history.tar.zst", tar.data, tar.len);
	OK(read_all("x", &cp_limits_default, NULL, err));
	for (size_t at = 515; at < tar.len; at += 100) {
		tar.data[at] = 'x';
		forge_plain("x", "history.tar.zst", tar.data, tar.len);
		assert_refused("x", "");
		tar.data[at] = '\0';
	}
	assert_int_equal(cp_buf_add(&tar, "\0", 1, NULL), CP_OK);
	forge_plain("x", "history.tar.zst", tar.data, tar.len);
	assert_refused("x", "not the tar");
	forge_plain("x", "history.tar.zst", tar.data, tar.len - 513);
	assert_refused("x", "not the tar");
	memset(tar.data, 0, 1024);
	forge_plain("x", "history.tar.zst", tar.data, 1024);
	assert_refused("x", "not the tar");
	forge_plain("x", "history.tar.zst", tar.data, 1);
	assert_refused("x", "");
}

static void members_with_other_names_are_refused(void **state)
{
	static const char *const bad[] = { "../x", "/etc/passwd", "objects/../x", "objects/" OID_A,
		"objects/" OID_A ".tag", "objects/" OID_A ".blob.x", "objects/" OID_A "0.blob",
		"./objects/" OID_A ".blob", "Objects/" OID_A ".blob", "objects//" OID_A ".blob",
		"objects/0123456789ABCDEF0123456789abcdef01234567.blob", "x", "media/" OID_A };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_name_refused("history.tar.zst", bad[i]);
		assert_name_refused("media.tar.zst", bad[i]);
	}
	assert_name_refused("media.tar.zst", "media/" OID_A OID_A "../../x");
}

static void duplicate_members_are_refused(void **state)
{
	static const char *const names[] = { "objects/" OID_A ".blob", "objects/" OID_B ".blob",
		"objects/" OID_A ".blob" };
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);

	(void)state;
	our_tar(&tar, names, 3);
	forge_plain("x", "history.tar.zst", tar.data, tar.len);
	assert_refused("x", "member 3: its name was there before");
}

static void media_that_is_not_what_its_name_says_is_refused(void **state)
{
	char hex[CP_HASH_HEX], name[80];
	const char *names[] = { name };
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);
	struct cp_hash hash;

	(void)state;
	cp_hash_bytes(&hash, "abc", 3);
	snprintf(name, sizeof name, "media/%s", cp_hex(hex, hash.bytes, 32));
	our_tar(&tar, names, 1);
	forge_plain("x", "media.tar.zst", tar.data, tar.len);
	OK(read_all("x", &cp_limits_default, NULL, err));
	tar.data[512] = 'A';
	forge_plain("x", "media.tar.zst", tar.data, tar.len);
	assert_refused("x", "not what its name says");
}

/* ---- another zstd stream ------------------------------------------------------------- */

/* The manifest promises the flip: only the frame itself can notice, or it still says the same. */
static void a_damaged_frame_under_a_right_hash_changes_nothing(void **state)
{
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	static const char *const names[] = { "objects/" OID_A ".blob", "objects/" OID_B ".tree" };
	size_t refused = 0;
	struct cp_err why;

	(void)state;
	our_tar(&tar, names, 2);
	frame(&packed, tar.data, tar.len, 0);
	forge("x", "history.tar.zst", &packed, tar.len);
	OK(read_all("x", &cp_limits_default, &whole, err));
	for (size_t i = 0; i < packed.len * 8; i++) {
		CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
		enum cp_code code;

		packed.data[i / 8] = (char)(packed.data[i / 8] ^ (1 << (i % 8)));
		forge("x", "history.tar.zst", &packed, tar.len);
		code = read_all("x", &cp_limits_default, &notes, &why);
		refused += code == CP_EFORMAT;
		if (code != CP_EFORMAT)
			assert_string_equal(notes.data, whole.data);
		packed.data[i / 8] = (char)(packed.data[i / 8] ^ (1 << (i % 8)));
	}
	assert_true(refused > packed.len * 8 * 9 / 10);
}

static void a_skippable_frame_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf before = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf behind = CP_BUF(CP_TEXT_MAX);
	static const char skippable[] = "\x50\x2a\x4d\x18\x04\0\0\0hide";

	(void)state;
	assert_int_equal(cp_buf_add(&before, skippable, 12, NULL), CP_OK);
	frame(&before, "{}\n", 3, 0);
	frame(&behind, "{}\n", 3, 0);
	assert_int_equal(cp_buf_add(&behind, skippable, 12, NULL), CP_OK);
	forge("x", "cases.jsonl.zst", &before, 3);
	assert_refused("x", "does not begin with a zstd frame");
	forge("x", "cases.jsonl.zst", &behind, 3);
	assert_refused("x", "more follows");
}

static void a_second_frame_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	frame(&packed, "{}\n", 3, 2);
	frame(&packed, "{}\n", 3, 2);
	forge("x", "cases.jsonl.zst", &packed, 6);
	assert_refused("x", "more follows");
	forge("x", "cases.jsonl.zst", &packed, 3);
	assert_refused("x", "more follows");
}

static void a_frame_without_checksum_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	frame(&packed, "{}\n", 3, 1);
	forge("x", "cases.jsonl.zst", &packed, 3);
	assert_refused("x", "no checksum");
}

static void a_frame_cut_short_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	frame(&packed, "{\"a\":1}\n{\"b\":2}\n", 16, 2);
	while (--packed.len > 0) {
		forge("x", "cases.jsonl.zst", &packed, 16);
		assert_refused("x", "");
	}
}

static void another_expanded_size_than_promised_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf sized = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf unsized = CP_BUF(CP_TEXT_MAX);

	(void)state;
	frame(&sized, "{}\n{}\n", 6, 0);
	frame(&unsized, "{}\n{}\n", 6, 2);
	forge("x", "cases.jsonl.zst", &sized, 7);
	assert_refused("x", "another size");
	forge("x", "cases.jsonl.zst", &sized, 5);
	assert_refused("x", "another size");
	forge("x", "cases.jsonl.zst", &unsized, 7);
	assert_refused("x", "7 bytes promised, 6 found");
	forge("x", "cases.jsonl.zst", &unsized, 5);
	assert_refused("x", "expands to more");
	forge("x", "cases.jsonl.zst", &unsized, 6);
	OK(read_all("x", &cp_limits_default, NULL, err));
}

/* Stands before libzstd's function of this name and counts what comes out of it. */
static size_t expanded;

size_t ZSTD_decompressStream(ZSTD_DStream *stream, ZSTD_outBuffer *out, ZSTD_inBuffer *in)
{
	size_t (*real)(ZSTD_DStream *, ZSTD_outBuffer *, ZSTD_inBuffer *), before = out->pos, rc;

	*(void **)&real = dlsym(RTLD_NEXT, "ZSTD_decompressStream");
	assert_non_null(real);
	rc = real(stream, out, in);
	expanded += out->pos - before;
	return rc;
}

/* 3 GB of zeros in some 90 KB, under a promise of 1 MiB and under an honest one. */
static void a_bomb_stops_at_what_was_promised(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	shell("head -c 3000000000 /dev/zero | zstd -q -3 > zeros.zst");
	get(&packed, "zeros.zst");
	forge("x", "cases.jsonl.zst", &packed, 1 << 20);
	expanded = 0;
	assert_refused("x", "expands to more");
	assert_in_range(expanded, 1 << 20, 2 << 20); /* what it looks at, once */
	forge("x", "history.tar.zst", &packed, 1 << 20);
	expanded = 0;
	assert_refused("x", "");
	assert_in_range(expanded, 0, 2 << 20);
	forge("x", "cases.jsonl.zst", &packed, UINT64_C(3000000000));
	expanded = 0;
	assert_refused("x", "over the limit \"ratio\"");
	assert_int_equal(expanded, 0);
}

/* Neither is read: the promise decides, to the byte. */
static void a_part_may_promise_just_as_much_as_the_ratio_allows(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);
	const uint64_t most = 20000 * cp_limits_default.of[CP_LIMIT_RATIO];

	(void)state;
	assert_true(most > CP_RATIO_FREE);
	make_noise(&packed, 20000, 3);
	forge("x", "cases.jsonl.zst", &packed, most);
	assert_refused("x", "begin with a zstd frame");
	forge("x", "cases.jsonl.zst", &packed, most + 1);
	assert_refused("x", "over the limit \"ratio\"");
}

static void a_window_that_needs_too_much_memory_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	shell("head -c 1000000 /dev/zero | zstd -q --ultra --long=28 > wide.zst");
	get(&packed, "wide.zst");
	forge("x", "cases.jsonl.zst", &packed, 1000000);
	assert_refused("x", "over the limit \"window\"");
}

static void a_file_that_changes_after_opening_is_refused(void **state)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf plain = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err why = { CP_OK, "" };

	(void)state;
	forge_plain("a", "cases.jsonl.zst", "{\"a\":1}\n", 8);
	frame(&packed, "{\"a\":1}\n", 8, 0);
	frame(&plain, "{\"b\":1}\n", 8, 0);
	assert_int_equal(plain.len, packed.len);
	get(&whole, "a");
	OK(cp_bundle_open(&b, at("a"), &cp_limits_default, err));
	memcpy(memmem(whole.data, whole.len, packed.data, packed.len), plain.data, plain.len);
	put("a", whole.data, whole.len); /* into the same file: a whole, other frame */
	assert_int_equal(cp_bundle_each_case(b, note_case, &notes, &why), CP_EFORMAT);
	assert_non_null(strstr(why.text, "hash"));
	assert_int_equal(truncate(at("a"), (off_t)whole.len - 1500), 0);
	assert_int_equal(cp_bundle_each_case(b, note_case, &notes, &why), CP_EFORMAT);
}

/* ---- words and limits ---------------------------------------------------------------- */

static void lines_that_are_no_documents_are_refused(void **state)
{
	(void)state;
	forge_plain("x", "cases.jsonl.zst", "{}\n\n{}\n", 7);
	assert_refused("x", "line 2: empty");
	forge_plain("x", "cases.jsonl.zst", "{}\n{}", 5);
	assert_refused("x", "line 2: has no end");
}

static void a_signature_by_somebody_over_something_else_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	struct cp_err err;
	char *number;

	(void)state;
	write_sample("a");
	get(&whole, "a");
	number = memmem(whole.data, whole.len, "\"number\":7", 10);
	assert_non_null(number);
	number[9] = '8';
	put("b", whole.data, whole.len);
	assert_int_equal(read_all("b", &cp_limits_default, NULL, &err), CP_ETRUST);
	assert_int_equal(err.code, CP_ETRUST);
}

/* A manifest from the future, rightly signed: its words must not be those for damage. */
static void a_newer_bundle_is_said_to_be_newer(void **state)
{
	static const char text[] = "{\"dialect\":\"unknown\",\"format\":2,\"reader\":2}\n";
	CP_AUTO(tarout) struct cp_tarout t = CP_TAROUT_NONE;
	CP_AUTO(buf) struct cp_buf sig = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);

	(void)state;
	assert_int_equal(cp_sshsig_sign(&sig, &key, CP_BUNDLE_NAMESPACE, text, strlen(text), true, NULL), CP_OK);
	assert_int_equal(cp_tarout_begin(&t, into_buf, &tar, NULL), CP_OK);
	assert_int_equal(cp_tarout_member(&t, "manifest.json", strlen(text), 0, NULL), CP_OK);
	assert_int_equal(cp_tarout_data(&t, text, strlen(text), NULL), CP_OK);
	assert_int_equal(cp_tarout_member(&t, "manifest.json.sig", sig.len, 0, NULL), CP_OK);
	assert_int_equal(cp_tarout_data(&t, sig.data, sig.len, NULL), CP_OK);
	assert_int_equal(cp_tarout_end(&t, NULL), CP_OK);
	put("x", tar.data, tar.len);
	assert_refused("x", "needs a newer casepack");
}

static void what_is_over_the_limits_is_refused(void **state)
{
	struct cp_limits limits;
	struct cp_err err;

	(void)state;
	write_sample("a");
	limits = cp_limits_default;
	limits.of[CP_LIMIT_BUNDLE] = 5000;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_EFORMAT);
	limits = cp_limits_default;
	limits.of[CP_LIMIT_EXPANDED] = 4000;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_EFORMAT);
	limits = cp_limits_default;
	limits.of[CP_LIMIT_MEMBERS] = 2;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_EFORMAT);
	limits.of[CP_LIMIT_MEMBERS] = 3;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_OK);
	limits.of[CP_LIMIT_OBJECT] = sizeof picture - 2;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_EFORMAT);
	limits.of[CP_LIMIT_OBJECT] = sizeof picture - 1;
	limits.of[CP_LIMIT_DOCUMENT] = 11;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_EFORMAT);
	limits.of[CP_LIMIT_DOCUMENT] = 12;
	assert_int_equal(read_all("a", &limits, NULL, &err), CP_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(a_bundle_packed_again_by_another_tar_is_refused),
		TEST(a_symlink_in_place_of_a_part_is_refused),
		TEST(members_that_are_no_regular_files_are_refused),
		TEST(members_packed_by_another_tar_are_refused),
		TEST(hidden_bytes_in_a_tar_are_refused),
		TEST(members_with_other_names_are_refused),
		TEST(duplicate_members_are_refused),
		TEST(media_that_is_not_what_its_name_says_is_refused),
		TEST(a_damaged_frame_under_a_right_hash_changes_nothing),
		TEST(a_skippable_frame_is_refused),
		TEST(a_second_frame_is_refused),
		TEST(a_frame_without_checksum_is_refused),
		TEST(a_frame_cut_short_is_refused),
		TEST(another_expanded_size_than_promised_is_refused),
		TEST(a_bomb_stops_at_what_was_promised),
		TEST(a_part_may_promise_just_as_much_as_the_ratio_allows),
		TEST(a_window_that_needs_too_much_memory_is_refused),
		TEST(a_file_that_changes_after_opening_is_refused),
		TEST(lines_that_are_no_documents_are_refused),
		TEST(a_signature_by_somebody_over_something_else_is_refused),
		TEST(a_newer_bundle_is_said_to_be_newer),
		TEST(what_is_over_the_limits_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
