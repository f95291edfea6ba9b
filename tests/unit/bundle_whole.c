/*
 * The bundle file, whole. Outside judges: tar, zstd, ssh-keygen, jq, git, b2sum.
 */
#include "tests/unit/bundle.h"

static void what_was_put_in_comes_out_in_order(void **state)
{
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf expected = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	char hex[CP_HASH_HEX];
	struct cp_hash hash;
	struct cp_pubkey signer;

	(void)state;
	write_sample("a.casepack");
	assert_int_equal(files_in_folder(), 1);
	OK(read_all("a.casepack", &cp_limits_default, &notes, err));
	cp_hash_bytes(&hash, picture, sizeof picture - 1);
	assert_int_equal(cp_buf_printf(&expected, NULL, OID_A " commit 14 tree 0\n\nfirst\n\n"
		OID_B " tree 0 \n" OID_C " blob 8 %c\1\2 blob\ncase {\"q\":\"cats\"}\n"
		"case {\"q\":\"dogs\"}\n%s is %s\n", 0, picture, cp_hex(hex, hash.bytes, 32)), CP_OK);
	assert_int_equal(notes.len, expected.len);
	assert_memory_equal(notes.data, expected.data, notes.len);
	OK(cp_bundle_open(&b, at("a.casepack"), &cp_limits_default, err));
	cp_seckey_public(&signer, &key);
	assert_memory_equal(cp_bundle_signer(b), &signer, sizeof signer);
	assert_int_equal(cp_bundle_manifest(b)->number, 7);
	assert_int_equal(cp_bundle_manifest(b)->n_parts, 3);
	assert_string_equal(cp_tips_find(&cp_bundle_manifest(b)->have, "main"), OID_B);
	cp_buf_clear(&expected);
	OK(cp_bundle_each_object(b, note_object, &expected, err)); /* any number of times */
	OK(cp_bundle_each_object(b, note_object, &expected, err));
	assert_memory_equal(expected.data, notes.data, expected.len / 2);
}

static void same_input_gives_the_same_bytes(void **state)
{
	(void)state;
	write_sample("a.casepack");
	write_sample("b.casepack");
	shell("cmp a.casepack b.casepack");
}

static void write_large(const char *name, size_t len)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);

	OK(cp_bundle_begin(&w, at(name), 0, err));
	make_noise(&noise, len, 1);
	for (unsigned i = 0; i < 4; i++) {
		char oid[41];

		snprintf(oid, sizeof oid, "%040x", i);
		OK(cp_bundle_add_object(w, oid, "blob", noise.data, len, err));
		OK(cp_bundle_add_case(w, noise.data + i, len - i, err));
	}
	OK(commit_as(w, NULL, err));
}

static void large_parts_come_out_whole_and_the_same_each_time(void **state)
{
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	enum { LEN = 3 << 20 };

	(void)state;
	write_large("a", LEN);
	write_large("b", LEN);
	shell("cmp a b");
	OK(read_all("a", &cp_limits_default, &notes, err));
	assert_int_equal(notes.len, 4 * (LEN + strlen(OID_A " blob 3145728 \n")) +
	                 4 * LEN - 6 + 4 * strlen("case \n"));
	shell("tar xf a && zstd -tq history.tar.zst && zstd -tq cases.jsonl.zst");
	shell("zstd -dc cases.jsonl.zst | awk 'END { exit NR != 4 }'");
}

static void a_part_around_the_size_for_small_ones_comes_out_whole(void **state)
{
	static const size_t lens[] = { CP_ZSTD_SMALL - 2, CP_ZSTD_SMALL - 1, CP_ZSTD_SMALL };
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);

	(void)state;
	make_noise(&noise, CP_ZSTD_SMALL, 9);
	for (size_t i = 0; i < 3; i++) {
		CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
		CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);

		OK(cp_bundle_begin(&w, at("a"), 1, err));
		OK(cp_bundle_add_case(w, noise.data, lens[i], err));
		OK(commit_as(w, NULL, err));
		OK(read_all("a", &cp_limits_default, &notes, err));
		assert_int_equal(notes.len, lens[i] + strlen("case \n"));
		assert_memory_equal(notes.data + 5, noise.data, lens[i]);
		shell("tar xf a && zstd -tq cases.jsonl.zst && rm a");
	}
}

static void a_bundle_may_carry_nothing_but_its_receipts(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);

	(void)state;
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	OK(commit_as(w, NULL, err));
	OK(read_all("a", &cp_limits_default, &notes, err));
	assert_int_equal(notes.len, 0);
	assert_string_equal(shell("tar tf a"), "manifest.json\nmanifest.json.sig");
}

static void what_is_added_twice_is_there_once(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;

	(void)state;
	write_sample("a");
	OK(cp_bundle_begin(&w, at("b"), 0, err));
	add_sample(w);
	OK(cp_bundle_add_object(w, OID_C, "blob", "\0\1\2 blob", 8, err));
	OK(commit_as(w, NULL, err));
	shell("cmp a b");
}

static void thousands_of_objects_pass(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	char oid[41];

	(void)state;
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(oid, sizeof oid, "%040x", i);
		OK(cp_bundle_add_object(w, oid, "blob", oid, 40, err));
	}
	OK(commit_as(w, NULL, err));
	OK(read_all("a", &cp_limits_default, &notes, err));
	assert_int_equal(notes.len, 5000 * strlen(OID_A " blob 40 " OID_A "\n"));
}

/* The header of a tar is the library's; a library that wrote another one would part old bundles from new. */
static void the_tar_header_has_the_bytes_that_the_format_says(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	char header[512] = "manifest.json";
	unsigned sum = 0;

	(void)state;
	write_sample("a");
	get(&whole, "a");
	memcpy(header + 100, "000644 ", 8);
	memcpy(header + 108, "000000 ", 8);
	memcpy(header + 116, "000000 ", 8);
	snprintf(header + 124, 13, "%011o ", (unsigned)strcspn(whole.data + 512, "\n") + 1);
	snprintf(header + 136, 13, "%011o ", 1700000000u);
	memcpy(header + 148, "        0", 9);
	memcpy(header + 257, "ustar\0" "00", 8);
	memcpy(header + 329, "000000 ", 8);
	memcpy(header + 337, "000000 ", 8);
	for (size_t i = 0; i < 512; i++)
		sum += (uint8_t)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	assert_memory_equal(whole.data, header, 512);
}

/* ---- outside judges ------------------------------------------------------------------ */

static void tar_zstd_jq_and_b2sum_open_a_bundle(void **state)
{
	(void)state;
	write_sample("a.casepack");
	assert_string_equal(shell("tar tf a.casepack"),
	              "manifest.json\nmanifest.json.sig\nhistory.tar.zst\ncases.jsonl.zst\nmedia.tar.zst");
	assert_string_equal(shell("TZ=UTC tar tvf a.casepack --numeric-owner "
	              "| awk '{ print $1, $2, $4, $5 }' | sort -u"), "-rw-r--r-- 0/0 2023-11-14 22:13");
	shell("tar xf a.casepack && zstd -tq *.zst && zstd -dq *.zst");
	assert_string_equal(shell("cat cases.jsonl"), "{\"q\":\"cats\"}\n{\"q\":\"dogs\"}");
	assert_string_equal(shell("jq -r '\"\\(.kind) \\(.number) \\(.have | keys[0])\"' manifest.json"), "return 7 main");
	shell("jq -cS . manifest.json | cmp - manifest.json");
	shell("jq -r '.parts[] | .blake2b + \"  \" + .name' manifest.json | b2sum -l 256 -c --quiet");
	shell("jq -r '.parts[] | \"\\(.size) \\(.name)\"' manifest.json > want; "
	    "stat -c '%%s %%n' history.tar.zst cases.jsonl.zst media.tar.zst | cmp - want");
	shell("jq -r '.parts[] | \"\\(.expanded) \\(.name)\"' manifest.json | sed 's/.zst$//' > want; "
	    "stat -c '%%s %%n' history.tar cases.jsonl media.tar | cmp - want");
	shell("tar xf media.tar && cd media && b2sum -l 256 * | awk '$1 != $2 { exit 1 }'");
	assert_string_equal(shell("tar tf history.tar"),
	              "objects/" OID_A ".commit\nobjects/" OID_B ".tree\nobjects/" OID_C ".blob");
}

static void zstd_finds_a_checksum_in_every_part(void **state)
{
	(void)state;
	write_sample("a");
	assert_string_equal(shell("tar xf a && zstd -lv *.zst 2>/dev/null | grep -c 'Check: XXH64'"), "3");
}

static void ssh_keygen_verifies_the_signature(void **state)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
	uint8_t wire[51] = "\0\0\0\013ssh-ed25519\0\0\0\040";
	struct cp_pubkey signer;

	(void)state;
	write_sample("a");
	cp_seckey_public(&signer, &key);
	memcpy(wire + 19, signer.bytes, 32);
	assert_int_equal(cp_buf_puts(&line, "hub namespaces=\"casepack-bundle\" ssh-ed25519 ", NULL), CP_OK);
	assert_int_equal(cp_base64_add(&line, wire, sizeof wire, NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&line, "\n", NULL), CP_OK);
	put("signers", line.data, line.len);
	shell("tar xf a && ssh-keygen -Y verify -f signers -I hub -n casepack-bundle -s manifest.json.sig "
	    "< manifest.json");
	shell("! ssh-keygen -Y verify -f signers -I hub -n git -s manifest.json.sig < manifest.json");
	shell("echo >> manifest.json; ! ssh-keygen -Y verify -f signers -I hub -n casepack-bundle "
	    "-s manifest.json.sig < manifest.json");
}

static void make_repository(void)
{
	shell("git init -q r && cd r && git config user.name t && git config user.email t@example.org && "
	    "mkdir d && seq 2000 > d/numbers && git add . && git commit -qm first && "
	    "echo more >> d/numbers && git commit -qam second && "
	    "git cat-file --batch-all-objects --batch-check='%%(objectname) %%(objecttype)' > ../list");
}

static void git_takes_in_the_objects(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	char oid[41], type[8];
	FILE *list;

	(void)state;
	make_repository();
	OK(cp_bundle_begin(&w, at("a"), 0, err));
	list = fopen(at("list"), "r");
	assert_non_null(list);
	while (fscanf(list, "%40s %7s", oid, type) == 2) {
		CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

		shell("git -C r cat-file %s %s > object", type, oid);
		get(&bytes, "object");
		OK(cp_bundle_add_object(w, oid, type, bytes.data, bytes.len, err));
	}
	fclose(list);
	OK(commit_as(w, NULL, err));
	shell("git init -q --bare s && tar xf a && zstd -dcq history.tar.zst | tar xf - && cd s && "
	    "for f in ../objects/*; do n=${f##*/}; "
	    "test $(git hash-object -t ${n#*.} -w $f) = ${n%%.*} || exit 1; done && "
	    "git update-ref refs/heads/main $(git -C ../r rev-parse HEAD) && git fsck --strict --no-dangling "
	    "&& git diff --quiet $(git -C ../r rev-parse HEAD) main");
	assert_string_equal(shell("git -C s rev-list --count main"), "2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(what_was_put_in_comes_out_in_order),
		TEST(same_input_gives_the_same_bytes),
		TEST(large_parts_come_out_whole_and_the_same_each_time),
		TEST(a_part_around_the_size_for_small_ones_comes_out_whole),
		TEST(a_bundle_may_carry_nothing_but_its_receipts),
		TEST(what_is_added_twice_is_there_once),
		TEST(thousands_of_objects_pass),
		TEST(the_tar_header_has_the_bytes_that_the_format_says),
		TEST(tar_zstd_jq_and_b2sum_open_a_bundle),
		TEST(zstd_finds_a_checksum_in_every_part),
		TEST(ssh_keygen_verifies_the_signature),
		TEST(git_takes_in_the_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
