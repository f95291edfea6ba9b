/*
 * A bundle that tests write, read and damage.
 */
#ifndef CASEPACK_TESTS_BUNDLE_H
#define CASEPACK_TESTS_BUNDLE_H

#include "formats/bundle.h"

#include "tests/unit/folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include "formats/bundle_parts.h"

#define OID_A "0123456789abcdef0123456789abcdef01234567"
#define OID_B "fedcba9876543210fedcba9876543210fedcba98"
#define OID_C "00000000000000000000000000000000000000c0"

static struct cp_seckey key; /* who signs */

static inline int begin(void **state)
{
	static const uint8_t seed[32] = "one";

	folder_make(state);
	crypto_sign_seed_keypair((uint8_t[32]){ 0 }, key.bytes, seed);
	key.is_set = true;
	return 0;
}

static inline unsigned files_in_folder(void)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline void fill(struct cp_manifest *m)
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

static const char picture[] = "\x89PNG not really a picture, but bytes\n";

static inline void add_sample(struct cp_bundle_writer *w)
{
	struct cp_hash hash;

	OK(cp_bundle_add_object(w, OID_A, "commit", "tree 0\n\nfirst\n", 14, err));
	OK(cp_bundle_add_object(w, OID_B, "tree", "", 0, err));
	OK(cp_bundle_add_object(w, OID_C, "blob", "\0\1\2 blob", 8, err));
	OK(cp_bundle_add_case(w, "{\"q\":\"cats\"}", 12, err));
	OK(cp_bundle_add_case(w, "{\"q\":\"dogs\"}", 12, err));
	put("picture", picture, sizeof picture - 1);
	cp_hash_bytes(&hash, picture, sizeof picture - 1);
	OK(cp_bundle_add_media(w, &hash, at("picture"), err));
	unlink(at("picture"));
}

static inline enum cp_code commit_as(struct cp_bundle_writer *w, uint64_t *size, struct cp_err *err)
{
	struct cp_manifest m;
	enum cp_code code;

	fill(&m);
	code = cp_bundle_commit(w, &m, &key, size, err);
	cp_manifest_drop(&m);
	return code;
}

static inline void write_sample(const char *name)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	uint64_t size = 0;
	struct stat st;

	OK(cp_bundle_begin(&w, at(name), 0, err));
	add_sample(w);
	OK(commit_as(w, &size, err));
	assert_int_equal(stat(at(name), &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(st.st_mode & 0777, 0644);
}

/* Everything that visitors are given, as text. */
static inline enum cp_code note_object(void *user, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	CP_TRY(cp_buf_printf(user, err, "%s %s %zu ", oid, type, len));
	CP_TRY(cp_buf_add(user, bytes, len, err));
	return cp_buf_puts(user, "\n", err);
}

static inline enum cp_code note_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	return cp_buf_printf(user, err, "case %.*s\n", (int)len, json);
}

static inline enum cp_code note_media(void *user, const struct cp_hash *name, const void *bytes, size_t len, bool more,
		struct cp_err *err)
{
	char hex[CP_HASH_HEX];

	if (more)
		return cp_buf_add(user, bytes, len, err);
	assert_int_equal(len, 0);
	return cp_buf_printf(user, err, " is %s\n", cp_hex(hex, name->bytes, sizeof name->bytes));
}

/* Opens and visits everything; notes may be NULL. */
static inline enum cp_code read_all(const char *name, const struct cp_limits *limits, struct cp_buf *notes,
		struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf own = CP_BUF(CP_TEXT_MAX);
	enum cp_code code;

	memset(err, 0, sizeof *err);
	notes = notes != NULL ? notes : &own;
	code = cp_bundle_open(&b, at(name), limits, err);
	if (code != CP_OK) {
		assert_null(b);
		return code;
	}
	CP_TRY(cp_bundle_each_object(b, note_object, notes, err));
	CP_TRY(cp_bundle_each_case(b, note_case, notes, err));
	return cp_bundle_each_media(b, note_media, notes, err);
}

static inline void assert_refused(const char *name, const char *words)
{
	struct cp_err err;
	enum cp_code code = read_all(name, &cp_limits_default, NULL, &err);

	if (code != CP_EFORMAT || err.code != CP_EFORMAT || strstr(err.text, words) == NULL)
		fail_msg("code %d, \"%s\" where \"%s\" was due", code, err.text, words);
	assert_int_equal(strncmp(err.text, folder, strlen(folder)), 0); /* the path comes first */
	assert_null(strchr(err.text, '\n'));
}

/* Letters that compress somewhat, the same for each seed. */
static inline void make_noise(struct cp_buf *out, size_t len, unsigned seed)
{
	assert_int_equal(cp_buf_room(out, len, NULL), CP_OK);
	for (; out->len < len; out->len++) {
		seed = seed * 1103515245u + 12345u;
		out->data[out->len] = (char)('a' + (seed >> 16) % 19);
	}
}

#endif
