/*
 * The bundle file, whole and malformed. Outside judges: tar, zstd, ssh-keygen, jq,
 * git, b2sum, age.
 */
#include "formats/bundle.h"

#include <archive.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "formats/bundle_parts.h"
#include "formats/sshkey.h"

#define OID_A "0123456789abcdef0123456789abcdef01234567"
#define OID_B "fedcba9876543210fedcba9876543210fedcba98"
#define OID_C "00000000000000000000000000000000000000c0"

static struct cp_seckey key;

/* ---- a fresh folder for each test --------------------------------------------------- */

static char dir[64];

static int fresh_folder(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%.30s/casepack-bundle-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) == NULL;
}

/* Run a shell command in the folder; what it prints, without the last newline. Freed by the caller. */
static char *shell(const char *fmt, ...) CP_PRINTF(1, 2);
static char *shell(const char *fmt, ...)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);
	struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	char command[2048], chunk[4096];
	va_list args;
	FILE *pipe;
	size_t n;

	va_start(args, fmt);
	vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	assert_int_equal(cp_buf_printf(&line, NULL, "cd %s && ( %s ) 2>&1", dir, command), CP_OK);
	pipe = popen(line.data, "r");
	assert_non_null(pipe);
	assert_int_equal(cp_buf_puts(&out, "", NULL), CP_OK);
	while ((n = fread(chunk, 1, sizeof chunk, pipe)) > 0)
		assert_int_equal(cp_buf_add(&out, chunk, n, NULL), CP_OK);
	if (pclose(pipe) != 0)
		fail_msg("%s: %s", command, out.data);
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[out.len - 1] = '\0';
	return out.data;
}

static void run(const char *command)
{
	free(shell("%s", command));
}

static void assert_prints(const char *expected, const char *command)
{
	char *got = shell("%s", command);

	assert_string_equal(got, expected);
	free(got);
}

static int no_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static void store(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(in_folder(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void load(struct cp_buf *out, const char *name)
{
	assert_int_equal(cp_file_read(out, in_folder(name), NULL), CP_OK);
}

static unsigned files_in_folder(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* ---- a bundle ----------------------------------------------------------------------- */

static void fill(struct cp_manifest *m)
{
	memset(m, 0, sizeof *m);
	m->format = m->reader = m->schema = 1;
	m->kind = CP_BUNDLE_RETURN;
	memset(m->project.bytes, 0xa1, 16);
	strcpy(m->project_name, "Image search, Q3");
	memset(m->sender.bytes, 0xb2, 16);
	m->recipients = calloc(1, sizeof *m->recipients);
	m->n_recipients = 1;
	memset(m->recipients[0].bytes, 0xc3, 16);
	m->number = 7;
	m->created_us = 1700000000123456;
	m->volume = m->volumes = 1;
	assert_int_equal(cp_tips_add(&m->tips, "replica/b2", OID_A, NULL), CP_OK);
	assert_int_equal(cp_tips_add(&m->have, "main", OID_B, NULL), CP_OK);
}

static void ok(enum cp_code code, const struct cp_err *err)
{
	if (code != CP_OK)
		fail_msg("code %d: %s", code, err->text);
}

static const char picture[] = "\x89PNG not really a picture, but bytes\n";

static void add_sample(struct cp_bundle_writer *w)
{
	struct cp_err err = { CP_OK, "" };
	struct cp_hash hash;

	ok(cp_bundle_add_object(w, OID_A, "commit", "tree 0\n\nfirst\n", 14, &err), &err);
	ok(cp_bundle_add_object(w, OID_B, "tree", "", 0, &err), &err);
	ok(cp_bundle_add_object(w, OID_C, "blob", "\0\1\2 blob", 8, &err), &err);
	ok(cp_bundle_add_case(w, "{\"q\":\"cats\"}", 12, &err), &err);
	ok(cp_bundle_add_case(w, "{\"q\":\"dogs\"}", 12, &err), &err);
	store("picture", picture, sizeof picture - 1);
	cp_hash_bytes(&hash, picture, sizeof picture - 1);
	ok(cp_bundle_add_media(w, &hash, in_folder("picture"), &err), &err);
	unlink(in_folder("picture"));
}

static enum cp_code commit_as(struct cp_bundle_writer *w, uint64_t *size, struct cp_err *err)
{
	struct cp_manifest m;
	enum cp_code code;

	fill(&m);
	code = cp_bundle_commit(w, &m, &key, size, err);
	cp_manifest_drop(&m);
	return code;
}

static void write_sample(const char *name)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };
	uint64_t size = 0;
	struct stat st;

	ok(cp_bundle_begin(&w, in_folder(name), 0, &err), &err);
	add_sample(w);
	ok(commit_as(w, &size, &err), &err);
	assert_int_equal(stat(in_folder(name), &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(st.st_mode & 0777, 0644);
}

/* Everything that visitors are given, as text. */
static enum cp_code note_object(void *user, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	CP_TRY(cp_buf_printf(user, err, "%s %s %zu ", oid, type, len));
	CP_TRY(cp_buf_add(user, bytes, len, err));
	return cp_buf_puts(user, "\n", err);
}

static enum cp_code note_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	return cp_buf_printf(user, err, "case %.*s\n", (int)len, json);
}

static enum cp_code note_media(void *user, const struct cp_hash *name, const void *bytes, size_t len, bool more,
		struct cp_err *err)
{
	char hex[CP_HASH_HEX];

	if (more)
		return cp_buf_add(user, bytes, len, err);
	assert_int_equal(len, 0);
	return cp_buf_printf(user, err, " is %s\n", cp_hex(hex, name->bytes, sizeof name->bytes));
}

/* Opens and visits everything; notes may be NULL. */
static enum cp_code read_all(const char *name, const struct cp_limits *limits, struct cp_buf *notes,
		struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf own = CP_BUF(CP_TEXT_MAX);
	enum cp_code code;

	memset(err, 0, sizeof *err);
	notes = notes != NULL ? notes : &own;
	code = cp_bundle_open(&b, in_folder(name), limits, err);
	if (code != CP_OK) {
		assert_null(b);
		return code;
	}
	CP_TRY(cp_bundle_each_object(b, note_object, notes, err));
	CP_TRY(cp_bundle_each_case(b, note_case, notes, err));
	return cp_bundle_each_media(b, note_media, notes, err);
}

static void assert_refused(const char *name, const char *words)
{
	struct cp_err err;
	enum cp_code code = read_all(name, &cp_limits_default, NULL, &err);

	if (code != CP_EFORMAT || err.code != CP_EFORMAT || strstr(err.text, words) == NULL)
		fail_msg("code %d, \"%s\" where \"%s\" was due", code, err.text, words);
	assert_int_equal(strncmp(err.text, dir, strlen(dir)), 0); /* the path comes first */
	assert_null(strchr(err.text, '\n'));
}

/* ---- forged bundles: rightly signed, wrong inside ------------------------------------- */

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
	struct cp_err err = { CP_OK, "" };
	struct cp_manifest m;
	int fds[CP_MAX_PARTS];

	fill(&m);
	m.n_parts = 1;
	strcpy(m.parts[0].name, part);
	m.parts[0].size = packed->len;
	m.parts[0].expanded = expanded;
	cp_hash_bytes(&m.parts[0].hash, packed->data, packed->len);
	store("part", packed->data, packed->len);
	fds[0] = open(in_folder("part"), O_RDONLY);
	f.path = strdup(name);
	f.fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644); /* no fsync: hundreds are made */
	ok(cp_bundle_assemble(to_file, &f, &m, &key, fds, &err), &err);
	close(fds[0]);
	unlink(in_folder("part"));
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

	free(shell("rm -rf t t.tar && mkdir t && cd t && mkdir objects media && %s", commands));
	load(&plain, "t.tar");
	forge_plain(name, part, plain.data, plain.len);
	run("rm -rf t t.tar");
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

/* ---- the tests: whole bundles ---------------------------------------------------------- */

static void what_was_put_in_comes_out_in_order(void **state)
{
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf expected = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	char hex[CP_HASH_HEX];
	struct cp_hash hash;
	struct cp_pubkey signer;
	struct cp_err err;

	(void)state;
	write_sample("a.casepack");
	assert_int_equal(files_in_folder(), 1);
	ok(read_all("a.casepack", &cp_limits_default, &notes, &err), &err);
	cp_hash_bytes(&hash, picture, sizeof picture - 1);
	assert_int_equal(cp_buf_printf(&expected, NULL, OID_A " commit 14 tree 0\n\nfirst\n\n"
		OID_B " tree 0 \n" OID_C " blob 8 %c\1\2 blob\ncase {\"q\":\"cats\"}\n"
		"case {\"q\":\"dogs\"}\n%s is %s\n", 0, picture, cp_hex(hex, hash.bytes, 32)), CP_OK);
	assert_int_equal(notes.len, expected.len);
	assert_memory_equal(notes.data, expected.data, notes.len);
	ok(cp_bundle_open(&b, in_folder("a.casepack"), &cp_limits_default, &err), &err);
	cp_seckey_public(&signer, &key);
	assert_memory_equal(cp_bundle_signer(b), &signer, sizeof signer);
	assert_int_equal(cp_bundle_manifest(b)->number, 7);
	assert_int_equal(cp_bundle_manifest(b)->n_parts, 3);
	assert_string_equal(cp_tips_find(&cp_bundle_manifest(b)->have, "main"), OID_B);
	cp_buf_clear(&expected);
	ok(cp_bundle_each_object(b, note_object, &expected, &err), &err); /* any number of times */
	ok(cp_bundle_each_object(b, note_object, &expected, &err), &err);
	assert_memory_equal(expected.data, notes.data, expected.len / 2);
}

static void same_input_gives_the_same_bytes(void **state)
{
	(void)state;
	write_sample("a.casepack");
	write_sample("b.casepack");
	run("cmp a.casepack b.casepack");
}

/* Letters that compress somewhat, the same for each seed. */
static void make_noise(struct cp_buf *out, size_t len, unsigned seed)
{
	assert_int_equal(cp_buf_room(out, len, NULL), CP_OK);
	for (; out->len < len; out->len++) {
		seed = seed * 1103515245u + 12345u;
		out->data[out->len] = (char)('a' + (seed >> 16) % 19);
	}
}

static void write_large(const char *name, size_t len)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };

	ok(cp_bundle_begin(&w, in_folder(name), 0, &err), &err);
	make_noise(&noise, len, 1);
	for (unsigned i = 0; i < 4; i++) {
		char oid[41];

		snprintf(oid, sizeof oid, "%040x", i);
		ok(cp_bundle_add_object(w, oid, "blob", noise.data, len, &err), &err);
		ok(cp_bundle_add_case(w, noise.data + i, len - i, &err), &err);
	}
	ok(commit_as(w, NULL, &err), &err);
}

static void large_parts_come_out_whole_and_the_same_each_time(void **state)
{
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err;
	enum { LEN = 3 << 20 };

	(void)state;
	write_large("a", LEN);
	write_large("b", LEN);
	run("cmp a b");
	ok(read_all("a", &cp_limits_default, &notes, &err), &err);
	assert_int_equal(notes.len, 4 * (LEN + strlen(OID_A " blob 3145728 \n")) +
	                 4 * LEN - 6 + 4 * strlen("case \n"));
	run("tar xf a && zstd -tq history.tar.zst && zstd -tq cases.jsonl.zst");
	run("zstd -dc cases.jsonl.zst | awk 'END { exit NR != 4 }'");
}

static void a_part_around_the_size_for_small_ones_comes_out_whole(void **state)
{
	static const size_t lens[] = { CP_ZSTD_SMALL - 2, CP_ZSTD_SMALL - 1, CP_ZSTD_SMALL };
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };

	(void)state;
	make_noise(&noise, CP_ZSTD_SMALL, 9);
	for (size_t i = 0; i < 3; i++) {
		CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
		CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);

		ok(cp_bundle_begin(&w, in_folder("a"), 1, &err), &err);
		ok(cp_bundle_add_case(w, noise.data, lens[i], &err), &err);
		ok(commit_as(w, NULL, &err), &err);
		ok(read_all("a", &cp_limits_default, &notes, &err), &err);
		assert_int_equal(notes.len, lens[i] + strlen("case \n"));
		assert_memory_equal(notes.data + 5, noise.data, lens[i]);
		run("tar xf a && zstd -tq cases.jsonl.zst && rm a");
	}
}

static void a_bundle_may_carry_nothing_but_its_receipts(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };

	(void)state;
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	ok(commit_as(w, NULL, &err), &err);
	ok(read_all("a", &cp_limits_default, &notes, &err), &err);
	assert_int_equal(notes.len, 0);
	assert_prints("manifest.json\nmanifest.json.sig", "tar tf a");
}

static void what_is_added_twice_is_there_once(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };

	(void)state;
	write_sample("a");
	ok(cp_bundle_begin(&w, in_folder("b"), 0, &err), &err);
	add_sample(w);
	ok(cp_bundle_add_object(w, OID_C, "blob", "\0\1\2 blob", 8, &err), &err);
	ok(commit_as(w, NULL, &err), &err);
	run("cmp a b");
}

static void thousands_of_objects_pass(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	char oid[41];

	(void)state;
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(oid, sizeof oid, "%040x", i);
		ok(cp_bundle_add_object(w, oid, "blob", oid, 40, &err), &err);
	}
	ok(commit_as(w, NULL, &err), &err);
	ok(read_all("a", &cp_limits_default, &notes, &err), &err);
	assert_int_equal(notes.len, 5000 * strlen(OID_A " blob 40 " OID_A "\n"));
}

/* ---- outside judges -------------------------------------------------------------------- */

static void tar_zstd_jq_and_b2sum_open_a_bundle(void **state)
{
	(void)state;
	write_sample("a.casepack");
	assert_prints("manifest.json\nmanifest.json.sig\nhistory.tar.zst\ncases.jsonl.zst\nmedia.tar.zst",
	              "tar tf a.casepack");
	assert_prints("-rw-r--r-- 0/0 2023-11-14 22:13", "TZ=UTC tar tvf a.casepack --numeric-owner "
	              "| awk '{ print $1, $2, $4, $5 }' | sort -u");
	run("tar xf a.casepack && zstd -tq *.zst && zstd -dq *.zst");
	assert_prints("{\"q\":\"cats\"}\n{\"q\":\"dogs\"}", "cat cases.jsonl");
	assert_prints("return 7 main", "jq -r '\"\\(.kind) \\(.number) \\(.have | keys[0])\"' manifest.json");
	run("jq -cS . manifest.json | cmp - manifest.json");
	run("jq -r '.parts[] | .blake2b + \"  \" + .name' manifest.json | b2sum -l 256 -c --quiet");
	run("jq -r '.parts[] | \"\\(.size) \\(.name)\"' manifest.json > want; "
	    "stat -c '%s %n' history.tar.zst cases.jsonl.zst media.tar.zst | cmp - want");
	run("jq -r '.parts[] | \"\\(.expanded) \\(.name)\"' manifest.json | sed 's/.zst$//' > want; "
	    "stat -c '%s %n' history.tar cases.jsonl media.tar | cmp - want");
	run("tar xf media.tar && cd media && b2sum -l 256 * | awk '$1 != $2 { exit 1 }'");
	assert_prints("objects/" OID_A ".commit\nobjects/" OID_B ".tree\nobjects/" OID_C ".blob",
	              "tar tf history.tar");
}

static void zstd_finds_a_checksum_in_every_part(void **state)
{
	(void)state;
	write_sample("a");
	assert_prints("3", "tar xf a && zstd -lv *.zst 2>/dev/null | grep -c 'Check: XXH64'");
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
	store("signers", line.data, line.len);
	run("tar xf a && ssh-keygen -Y verify -f signers -I hub -n casepack-bundle -s manifest.json.sig "
	    "< manifest.json");
	run("! ssh-keygen -Y verify -f signers -I hub -n git -s manifest.json.sig < manifest.json");
	run("echo >> manifest.json; ! ssh-keygen -Y verify -f signers -I hub -n casepack-bundle "
	    "-s manifest.json.sig < manifest.json");
}

static void make_repository(void)
{
	run("git init -q r && cd r && git config user.name t && git config user.email t@example.org && "
	    "mkdir d && seq 2000 > d/numbers && git add . && git commit -qm first && "
	    "echo more >> d/numbers && git commit -qam second && "
	    "git cat-file --batch-all-objects --batch-check='%(objectname) %(objecttype)' > ../list");
}

static void git_takes_in_the_objects(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };
	char oid[41], type[8];
	FILE *list;

	(void)state;
	make_repository();
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	list = fopen(in_folder("list"), "r");
	assert_non_null(list);
	while (fscanf(list, "%40s %7s", oid, type) == 2) {
		CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

		free(shell("git -C r cat-file %s %s > object", type, oid));
		load(&bytes, "object");
		ok(cp_bundle_add_object(w, oid, type, bytes.data, bytes.len, &err), &err);
	}
	fclose(list);
	ok(commit_as(w, NULL, &err), &err);
	run("git init -q --bare s && tar xf a && zstd -dcq history.tar.zst | tar xf - && cd s && "
	    "for f in ../objects/*; do n=${f##*/}; "
	    "test $(git hash-object -t ${n#*.} -w $f) = ${n%.*} || exit 1; done && "
	    "git update-ref refs/heads/main $(git -C ../r rev-parse HEAD) && git fsck --strict --no-dangling "
	    "&& git diff --quiet $(git -C ../r rev-parse HEAD) main");
	assert_prints("2", "git -C s rev-list --count main");
}

/* ---- what is refused: damage ------------------------------------------------------------ */

static void a_bundle_cut_anywhere_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);

	(void)state;
	write_sample("a");
	load(&whole, "a");
	store("cut", whole.data, whole.len);
	for (size_t n = whole.len - 1; n < whole.len; n -= n > 2048 ? 37 : 1) {
		struct cp_err err;

		assert_int_equal(truncate(in_folder("cut"), (off_t)n), 0);
		if (read_all("cut", &cp_limits_default, NULL, &err) != CP_EFORMAT)
			fail_msg("cut to %zu bytes: code %d, %s", n, err.code, err.text);
	}
	store("cut", whole.data, whole.len - 1);
	assert_refused("cut", "cut short");
}

static void anything_behind_a_bundle_is_refused(void **state)
{
	(void)state;
	write_sample("a");
	run("(cat a; printf '\\0') > b; (cat a; head -c 8704 /dev/zero) > c; cat a a > d");
	assert_refused("b", "something else follows");
	assert_refused("c", "something else follows");
	assert_refused("d", "something else follows");
}

#ifdef __has_feature
#define WITH_ASAN __has_feature(address_sanitizer)
#else
#define WITH_ASAN 0
#endif
#if defined __SANITIZE_ADDRESS__ || WITH_ASAN
enum { FLIP_STRIDE = 5 }; /* all bits take half a minute there; five is odd, so each bit of a byte has its turn */
#else
enum { FLIP_STRIDE = 1 };
#endif

static void every_flipped_bit_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	int fd;

	(void)state;
	write_sample("a");
	load(&whole, "a");
	fd = open(in_folder("a"), O_WRONLY);
	for (size_t i = 0; i < whole.len * 8; i += FLIP_STRIDE) {
		char flipped = (char)(whole.data[i / 8] ^ (1 << (i % 8)));
		enum cp_code code;
		struct cp_err err;

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(i / 8)), 1);
		code = read_all("a", &cp_limits_default, NULL, &err);
		if (code != CP_EFORMAT && code != CP_ETRUST)
			fail_msg("bit %zu of byte %zu: code %d, %s", i % 8, i / 8, code, err.text);
		assert_int_equal(pwrite(fd, &whole.data[i / 8], 1, (off_t)(i / 8)), 1);
	}
	close(fd);
	ok(read_all("a", &cp_limits_default, NULL, &(struct cp_err){ CP_OK, "" }), NULL);
}

/* The manifest promises the flip: only the frame itself can notice, or it still says the same. */
static void a_damaged_frame_under_a_right_hash_changes_nothing(void **state)
{
	CP_AUTO(buf) struct cp_buf tar = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	static const char *const names[] = { "objects/" OID_A ".blob", "objects/" OID_B ".tree" };
	size_t refused = 0;
	struct cp_err err;

	(void)state;
	our_tar(&tar, names, 2);
	frame(&packed, tar.data, tar.len, 0);
	forge("x", "history.tar.zst", &packed, tar.len);
	ok(read_all("x", &cp_limits_default, &whole, &err), &err);
	for (size_t i = 0; i < packed.len * 8; i++) {
		CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
		enum cp_code code;

		packed.data[i / 8] = (char)(packed.data[i / 8] ^ (1 << (i % 8)));
		forge("x", "history.tar.zst", &packed, tar.len);
		code = read_all("x", &cp_limits_default, &notes, &err);
		refused += code == CP_EFORMAT;
		if (code != CP_EFORMAT)
			assert_string_equal(notes.data, whole.data);
		packed.data[i / 8] = (char)(packed.data[i / 8] ^ (1 << (i % 8)));
	}
	assert_true(refused > packed.len * 8 * 9 / 10);
}

static void what_is_no_bundle_is_refused(void **state)
{
	struct cp_err err;

	(void)state;
	store("empty", "", 0);
	assert_refused("empty", "not a bundle");
	store("text", "hello\n", 6);
	assert_refused("text", "not a bundle");
	run("head -c 100000 /dev/zero > zeros; head -c 100000 /dev/urandom > noise; mkdir folder; mkfifo pipe; "
	    "seq 100 > x; tar cf other.tar x");
	assert_refused("zeros", "not a bundle");
	assert_refused("noise", "not a bundle");
	assert_refused("folder", "not a file");
	assert_refused("pipe", "not a file");
	assert_refused("other.tar", "not a bundle");
	assert_int_equal(read_all("absent", &cp_limits_default, NULL, &err), CP_ENOTFOUND);
}

/* ---- what is refused: another tar ------------------------------------------------------- */

static void a_bundle_packed_again_by_another_tar_is_refused(void **state)
{
	(void)state;
	write_sample("a");
	run("mkdir t && cd t && tar xf ../a && "
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
	run("mkdir t && cd t && tar xf ../a && ln -sf /etc/passwd history.tar.zst && "
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
	ok(read_all("x", &cp_limits_default, NULL, &(struct cp_err){ CP_OK, "" }), NULL);
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
	struct cp_err err;

	(void)state;
	cp_hash_bytes(&hash, "abc", 3);
	snprintf(name, sizeof name, "media/%s", cp_hex(hex, hash.bytes, 32));
	our_tar(&tar, names, 1);
	forge_plain("x", "media.tar.zst", tar.data, tar.len);
	ok(read_all("x", &cp_limits_default, NULL, &err), &err);
	tar.data[512] = 'A';
	forge_plain("x", "media.tar.zst", tar.data, tar.len);
	assert_refused("x", "not what its name says");
}

/* ---- what is refused: another zstd stream ------------------------------------------------ */

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
	ok(read_all("x", &cp_limits_default, NULL, &(struct cp_err){ CP_OK, "" }), NULL);
}

/* 3 GB of zeros in some 90 KB, under a promise of 1 MiB and under an honest one. */
static void a_bomb_stops_at_what_was_promised(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);
	clock_t begin = clock();

	(void)state;
	run("head -c 3000000000 /dev/zero | zstd -q -3 > zeros.zst");
	load(&packed, "zeros.zst");
	begin = clock();
	forge("x", "cases.jsonl.zst", &packed, 1 << 20);
	assert_refused("x", "expands to more");
	forge("x", "history.tar.zst", &packed, 1 << 20);
	assert_refused("x", "");
	forge("x", "cases.jsonl.zst", &packed, UINT64_C(3000000000));
	assert_refused("x", "over the limit \"ratio\"");
	assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
}

static void a_window_that_needs_too_much_memory_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf packed = CP_BUF(CP_TEXT_MAX);

	(void)state;
	run("head -c 1000000 /dev/zero | zstd -q --ultra --long=28 > wide.zst");
	load(&packed, "wide.zst");
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
	struct cp_err err = { CP_OK, "" };

	(void)state;
	forge_plain("a", "cases.jsonl.zst", "{\"a\":1}\n", 8);
	frame(&packed, "{\"a\":1}\n", 8, 0);
	frame(&plain, "{\"b\":1}\n", 8, 0);
	assert_int_equal(plain.len, packed.len);
	load(&whole, "a");
	ok(cp_bundle_open(&b, in_folder("a"), &cp_limits_default, &err), &err);
	memcpy(memmem(whole.data, whole.len, packed.data, packed.len), plain.data, plain.len);
	store("a", whole.data, whole.len); /* into the same file: a whole, other frame */
	assert_int_equal(cp_bundle_each_case(b, note_case, &notes, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "hash"));
	assert_int_equal(truncate(in_folder("a"), (off_t)whole.len - 1500), 0);
	assert_int_equal(cp_bundle_each_case(b, note_case, &notes, &err), CP_EFORMAT);
}

/* ---- what is refused: words and limits ----------------------------------------------------- */

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
	load(&whole, "a");
	number = memmem(whole.data, whole.len, "\"number\":7", 10);
	assert_non_null(number);
	number[9] = '8';
	store("b", whole.data, whole.len);
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
	store("x", tar.data, tar.len);
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

static enum cp_code refuse_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	(void)json;
	(void)len;
	++*(int *)user;
	return cp_fail(err, CP_EINPUT, "the visitor's own words");
}

static void a_visitors_failure_ends_the_visit_in_its_words(void **state)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct cp_err err;
	int calls = 0;

	(void)state;
	write_sample("a");
	assert_int_equal(cp_bundle_open(&b, in_folder("a"), &cp_limits_default, &err), CP_OK);
	assert_int_equal(cp_bundle_each_case(b, refuse_case, &calls, &err), CP_EINPUT);
	assert_string_equal(err.text, "the visitor's own words");
	assert_int_equal(calls, 1);
}

/* ---- writing fails safely -------------------------------------------------------------------- */

static void an_existing_file_is_not_replaced(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };

	(void)state;
	store("a", "mine", 4);
	assert_int_equal(cp_bundle_begin(&w, in_folder("a"), 0, &err), CP_EINPUT);
	assert_null(w);
	ok(cp_bundle_begin(&w, in_folder("b"), 0, &err), &err);
	add_sample(w);
	store("b", "came meanwhile", 14);
	assert_int_equal(commit_as(w, NULL, &err), CP_EINPUT);
	assert_non_null(strstr(err.text, "is there already"));
	cp_bundle_writer_drop(&w);
	assert_prints("mine", "cat a");
	assert_prints("came meanwhile", "cat b");
	assert_int_equal(files_in_folder(), 2);
}

static void a_writer_given_up_leaves_nothing(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };

	(void)state;
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	add_sample(w);
	assert_int_equal(files_in_folder(), 0); /* not even while it works */
	cp_bundle_writer_drop(&w);
	assert_int_equal(files_in_folder(), 0);
}

static void what_no_reader_would_take_is_not_written(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };
	struct cp_hash hash;
	struct cp_manifest m;

	(void)state;
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	assert_int_equal(cp_bundle_add_object(w, "0123", "blob", "", 0, &err), CP_EINPUT);
	assert_int_equal(cp_bundle_add_object(w, OID_A, "tag", "", 0, &err), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "", 0, &err), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "{}\n", 3, &err), CP_EINPUT);
	cp_hash_bytes(&hash, "abc", 3);
	assert_int_equal(cp_bundle_add_media(w, &hash, in_folder("absent"), &err), CP_ENOTFOUND);
	assert_int_equal(cp_bundle_add_media(w, &hash, dir, &err), CP_EINPUT);
	add_sample(w); /* none of these has spoiled anything */
	fill(&m);
	m.number = 0;
	assert_int_equal(cp_bundle_commit(w, &m, &key, NULL, &err), CP_EINPUT);
	cp_manifest_drop(&m);
	assert_int_equal(files_in_folder(), 0);
	assert_int_equal(cp_bundle_begin(&w, in_folder("a"), 23, &err), CP_EINPUT);
}

static void media_that_is_not_what_its_hash_says_spoils_the_bundle(void **state)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };
	struct cp_hash hash;

	(void)state;
	store("m", "abd", 3);
	cp_hash_bytes(&hash, "abc", 3);
	ok(cp_bundle_begin(&w, in_folder("a"), 0, &err), &err);
	assert_int_equal(cp_bundle_add_media(w, &hash, in_folder("m"), &err), CP_EINPUT);
	assert_int_equal(cp_bundle_add_case(w, "{}", 2, &err), CP_EIO);
	assert_int_equal(commit_as(w, NULL, &err), CP_EIO);
	assert_int_equal(files_in_folder(), 1);
}

static enum cp_code write_noise(const struct cp_buf *noise, uint64_t *size, struct cp_err *err)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;

	CP_TRY(cp_bundle_begin(&w, in_folder("a"), 0, err));
	CP_TRY(cp_bundle_add_case(w, noise->data, noise->len, err));
	return commit_as(w, size, err);
}

/* In a child, so that the limit does not stay: 0 when written, 1 when refused as it should be. */
static int write_under_limit(const struct cp_buf *noise, uint64_t bytes)
{
	struct cp_err err = { CP_OK, "" };
	enum cp_code code;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, bytes }) != 0)
		return 2;
	code = write_noise(noise, NULL, &err);
	if (code == CP_OK)
		return 0;
	return code == CP_EIO && strstr(err.text, "File too large") != NULL &&
		strstr(err.text, "/a: ") != NULL ? 1 : 2;
}

/* The disk is full in the part's temporary file, or only in the bundle itself, at its last byte. */
static void a_full_disk_leaves_nothing_beside_the_target(void **state)
{
	CP_AUTO(buf) struct cp_buf noise = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	uint64_t whole = 0;

	(void)state;
	make_noise(&noise, 2 << 20, 5);
	ok(write_noise(&noise, &whole, &err), &err);
	unlink(in_folder("a"));
	const uint64_t limits[] = { 0, 1000, whole / 2, whole - 6000, whole - 3000, whole - 1100, whole - 1, whole };

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int status;
		pid_t child = fork();

		if (child == 0)
			_exit(write_under_limit(&noise, limits[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), limits[i] < whole);
		assert_int_equal(files_in_folder(), limits[i] == whole);
	}
	ok(read_all("a", &cp_limits_default, NULL, &err), &err);
}

static void a_writer_that_is_killed_leaves_nothing_while_it_collects(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct cp_bundle_writer *w = NULL;

		if (cp_bundle_begin(&w, in_folder("a"), 0, NULL) != CP_OK ||
		    cp_bundle_add_object(w, OID_A, "blob", "x", 1, NULL) != CP_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(files_in_folder(), 0);
}

/* The header of a tar is the library's; a library that wrote another one would part old bundles from new. */
static void the_tar_header_has_the_bytes_that_the_format_says(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	char header[512] = "manifest.json";
	unsigned sum = 0;

	(void)state;
	write_sample("a");
	load(&whole, "a");
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

/* ---- in encryption ------------------------------------------------------------------- */

static struct cp_seckey reader; /* ssh-keygen's, in the file `reader` of the folder */

static enum cp_code with_reader(void *user, struct cp_agein *file, struct cp_err *err)
{
	++*(int *)user;
	return cp_agein_unlock(file, &reader, err);
}

static void write_encrypted(const char *name)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_err err = { CP_OK, "" };
	struct cp_pubkey to[2];
	uint64_t size = 0;
	struct stat st;

	run("mkdir -p scratch; [ -e reader ] || ssh-keygen -q -t ed25519 -N '' -f reader");
	ok(cp_sshkey_read(&reader, in_folder("reader"), NULL, &err), &err);
	cp_seckey_public(&to[0], &key);
	cp_seckey_public(&to[1], &reader);
	ok(cp_bundle_begin(&w, in_folder(name), 0, &err), &err);
	ok(cp_bundle_encrypt_to(w, to, 2, in_folder("scratch"), &err), &err);
	add_sample(w);
	assert_prints("0", "ls *.casepack* 2>/dev/null | wc -l"); /* beside it nothing is written before it is whole */
	ok(commit_as(w, &size, &err), &err);
	assert_int_equal(stat(in_folder(name), &st), 0);
	assert_int_equal(st.st_size, size);
	assert_prints("0", "ls scratch | wc -l");
}

static enum cp_code read_encrypted(const char *name, struct cp_buf *notes, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	int asked = 0;

	memset(err, 0, sizeof *err);
	CP_TRY(cp_bundle_open_with(&b, in_folder(name), &cp_limits_default, with_reader, &asked, err));
	assert_int_equal(asked, cp_bundle_is_encrypted(b));
	CP_TRY(cp_bundle_each_object(b, note_object, notes, err));
	CP_TRY(cp_bundle_each_case(b, note_case, notes, err));
	return cp_bundle_each_media(b, note_media, notes, err);
}

static void an_encrypted_bundle_is_the_plain_one_inside(void **state)
{
	CP_AUTO(buf) struct cp_buf plain = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf by_hand = CP_BUF(CP_TEXT_MAX);
	struct cp_err err;

	(void)state;
	write_sample("plain");
	write_encrypted("a.casepack.age");
	run("age -d -i reader a.casepack.age | cmp - plain");
	run("age -R reader.pub -o hand.age plain");
	ok(read_encrypted("plain", &plain, &err), &err);
	ok(read_encrypted("a.casepack.age", &notes, &err), &err);
	ok(read_encrypted("hand.age", &by_hand, &err), &err);
	assert_string_equal(plain.data, notes.data);
	assert_string_equal(plain.data, by_hand.data);
}

static void without_its_key_an_encrypted_bundle_says_for_how_many_it_is(void **state)
{
	struct cp_bundle *b = NULL;
	struct cp_err err = { CP_OK, "" };

	(void)state;
	write_encrypted("a");
	assert_int_equal(cp_bundle_open(&b, in_folder("a"), &cp_limits_default, &err), CP_EKEY);
	assert_non_null(strstr(err.text, "encrypted to 2 recipients"));
	run("rm reader reader.pub; ssh-keygen -q -t ed25519 -N '' -f reader");
	ok(cp_sshkey_read(&reader, in_folder("reader"), NULL, &err), &err);
	assert_int_equal(read_encrypted("a", NULL, &err), CP_EKEY);
	assert_non_null(strstr(err.text, "not to this key"));
	assert_int_equal(strncmp(err.text, dir, strlen(dir)), 0);
}

static void a_damaged_one_in_encryption_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf notes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err;

	(void)state;
	write_encrypted("a");
	load(&whole, "a");
	for (size_t n = 0; n < whole.len; n += 13) {
		store("x", whole.data, n);
		assert_int_equal(read_encrypted("x", &notes, &err), CP_EFORMAT);
	}
	for (size_t i = 0; i < whole.len; i += 7) {
		enum cp_code code;

		whole.data[i] ^= 4;
		store("x", whole.data, whole.len);
		code = read_encrypted("x", &notes, &err);
		assert_true(code == CP_EFORMAT || code == CP_EKEY);
		whole.data[i] ^= 4;
	}
	run("head -c 100000 /dev/zero >zeros; age -R reader.pub -o z.age zeros");
	assert_int_equal(read_encrypted("z.age", &notes, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "not a bundle"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_folder, no_folder)

int main(void)
{
	static const uint8_t seed[32] = "one";
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
		TEST(an_encrypted_bundle_is_the_plain_one_inside),
		TEST(without_its_key_an_encrypted_bundle_says_for_how_many_it_is),
		TEST(a_damaged_one_in_encryption_is_refused),
		TEST(a_bundle_cut_anywhere_is_refused),
		TEST(anything_behind_a_bundle_is_refused),
		TEST(every_flipped_bit_is_refused),
		TEST(a_damaged_frame_under_a_right_hash_changes_nothing),
		TEST(what_is_no_bundle_is_refused),
		TEST(a_bundle_packed_again_by_another_tar_is_refused),
		TEST(a_symlink_in_place_of_a_part_is_refused),
		TEST(members_that_are_no_regular_files_are_refused),
		TEST(members_packed_by_another_tar_are_refused),
		TEST(hidden_bytes_in_a_tar_are_refused),
		TEST(members_with_other_names_are_refused),
		TEST(duplicate_members_are_refused),
		TEST(media_that_is_not_what_its_name_says_is_refused),
		TEST(a_skippable_frame_is_refused),
		TEST(a_second_frame_is_refused),
		TEST(a_frame_without_checksum_is_refused),
		TEST(a_frame_cut_short_is_refused),
		TEST(another_expanded_size_than_promised_is_refused),
		TEST(a_bomb_stops_at_what_was_promised),
		TEST(a_window_that_needs_too_much_memory_is_refused),
		TEST(a_file_that_changes_after_opening_is_refused),
		TEST(lines_that_are_no_documents_are_refused),
		TEST(a_signature_by_somebody_over_something_else_is_refused),
		TEST(a_newer_bundle_is_said_to_be_newer),
		TEST(what_is_over_the_limits_is_refused),
		TEST(a_visitors_failure_ends_the_visit_in_its_words),
		TEST(an_existing_file_is_not_replaced),
		TEST(a_writer_given_up_leaves_nothing),
		TEST(what_no_reader_would_take_is_not_written),
		TEST(media_that_is_not_what_its_hash_says_spoils_the_bundle),
		TEST(a_full_disk_leaves_nothing_beside_the_target),
		TEST(a_writer_that_is_killed_leaves_nothing_while_it_collects),
	};

	cp_hash_setup();
	crypto_sign_seed_keypair((uint8_t[32]){ 0 }, key.bytes, seed);
	key.is_set = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
