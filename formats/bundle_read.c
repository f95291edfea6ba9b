#include "formats/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "formats/bundle_parts.h"

enum {
	PIECE = 128 << 10,
	TAR_NAME_MAX = 100,
};

struct cp_bundle {
	int fd;
	char *path;
	struct cp_agein *age;  /* NULL: not encrypted */
	uint64_t size;         /* decrypted */
	struct cp_limits limits;
	struct cp_manifest manifest;
	struct cp_pubkey signer;
	uint64_t offsets[CP_MAX_PARTS]; /* of each part's bytes in the file */
	int64_t spent_ms, since_ms;     /* at work on it before, and since when now */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Asked as bytes and members come: neither a slow disk nor much work holds us up for ever. */
static enum cp_code check_time(const struct cp_bundle *b, struct cp_err *err)
{
	uint64_t ms = (uint64_t)(b->spent_ms + now_ms() - b->since_ms);

	return cp_limit_check(&b->limits, CP_LIMIT_SECONDS, (ms + 999) / 1000, err, "the time that it takes");
}

const struct cp_manifest *cp_bundle_manifest(const struct cp_bundle *b)
{
	return &b->manifest;
}

const struct cp_pubkey *cp_bundle_signer(const struct cp_bundle *b)
{
	return &b->signer;
}

bool cp_bundle_is_encrypted(const struct cp_bundle *b)
{
	return b->age != NULL;
}

void cp_bundle_close(struct cp_bundle *b)
{
	if (b == NULL)
		return;
	cp_agein_free(b->age);
	if (b->fd >= 0)
		close(b->fd);
	cp_manifest_drop(&b->manifest);
	free(b->path);
	free(b);
}

void cp_bundle_drop(struct cp_bundle **b)
{
	cp_bundle_close(*b);
	*b = NULL;
}

bool cp_bundle_is_name(const char *name)
{
	static const char *const suffixes[] = { CP_BUNDLE_SUFFIX, CP_BUNDLE_AGE_SUFFIX };
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t m = strlen(suffixes[i]);

		if (name[0] != '.' && n > m && strcasecmp(name + n - m, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* ---- a tar, read ------------------------------------------------------------------ */

/* Where a tar's bytes come from: the next piece, valid until the next call; *len 0 is the end. */
typedef enum cp_code tar_source(void *user, const void **bytes, size_t *len, struct cp_err *err);

struct tarin {
	struct archive *archive;
	tar_source *source;
	void *user;
	struct cp_err failed;        /* the source's, when it failed */
	uint64_t number;             /* of the present member, from 1 */
	char name[TAR_NAME_MAX + 1]; /* of the present member; anything its writer liked */
	uint64_t size;               /* of the present member */
};

#define TARIN_NONE { NULL, NULL, NULL, { CP_OK, "" }, 0, "", 0 }

static void cp_tarin_drop(struct tarin *t)
{
	archive_read_free(t->archive);
	t->archive = NULL;
}

static la_ssize_t tar_read(struct archive *a, void *user, const void **bytes)
{
	struct tarin *t = user;
	size_t len = 0;

	(void)a;
	t->failed.code = t->source(t->user, bytes, &len, &t->failed);
	return t->failed.code == CP_OK ? (la_ssize_t)len : -1;
}

/* The source's words if it was the source; libarchive's may repeat hostile names and are left out. */
static enum cp_code fail_tarin(const struct tarin *t, struct cp_err *err)
{
	if (t->failed.code != CP_OK)
		return cp_fail(err, t->failed.code, "%s", t->failed.text);
	if (archive_errno(t->archive) == ENOMEM)
		return cp_fail(err, CP_EIO, "out of memory");
	return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": damaged, cut short, or not a tar as bundles have it",
	               t->number);
}

static enum cp_code tarin_begin(struct tarin *t, tar_source *source, void *user, struct cp_err *err)
{
	t->source = source;
	t->user = user;
	t->number = 1;
	t->archive = archive_read_new();
	if (t->archive == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (archive_read_support_format_tar(t->archive) != ARCHIVE_OK ||
	    archive_read_open(t->archive, t, NULL, tar_read, NULL) != ARCHIVE_OK)
		return fail_tarin(t, err);
	t->number = 0;
	return CP_OK;
}

/* Only a plain ustar header of a regular file passes: no link, no pax or GNU extension, no sparse file. */
static enum cp_code check_entry(struct tarin *t, struct archive_entry *e, struct cp_err *err)
{
	const char *name = archive_entry_pathname(e);

	if (archive_format(t->archive) != ARCHIVE_FORMAT_TAR_USTAR || name == NULL ||
	    strlen(name) > TAR_NAME_MAX)
		return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": not a plain ustar header", t->number);
	if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) != NULL ||
	    archive_entry_symlink(e) != NULL || !archive_entry_size_is_set(e) || archive_entry_size(e) < 0)
		return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": not a regular file", t->number);
	memcpy(t->name, name, strlen(name) + 1);
	t->size = (uint64_t)archive_entry_size(e);
	return CP_OK;
}

static enum cp_code tarin_next(struct tarin *t, bool *more, struct cp_err *err)
{
	struct archive_entry *e = NULL;
	int rc;

	t->number++;
	rc = archive_read_next_header(t->archive, &e);
	*more = rc == ARCHIVE_OK;
	if (rc == ARCHIVE_EOF && t->failed.code == CP_OK)
		return CP_OK;
	return rc == ARCHIVE_OK ? check_entry(t, e, err) : fail_tarin(t, err);
}

/* Hand every piece of the present member to sink: t->size bytes in all, or it fails. */
static enum cp_code tarin_data(struct tarin *t, cp_sink *sink, void *user, struct cp_err *err)
{
	uint64_t total = 0;

	for (;;) {
		const void *bytes = NULL;
		size_t len = 0;
		la_int64_t offset = 0;
		int rc = archive_read_data_block(t->archive, &bytes, &len, &offset);

		if (rc == ARCHIVE_EOF && total == t->size)
			return CP_OK;
		if (rc != ARCHIVE_OK || (uint64_t)offset != total || len > t->size - total)
			return fail_tarin(t, err);
		total += len;
		CP_TRY(sink(user, bytes, len, err));
	}
}

static enum cp_code to_buf(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_buf_add(user, bytes, len, err);
}

/* ---- the file --------------------------------------------------------------------- */

/* Exactly len bytes of the bundle, decrypted where it is encrypted. */
static enum cp_code read_at(void *user, void *bytes, size_t len, uint64_t offset, struct cp_err *err)
{
	const struct cp_bundle *b = user;

	return b->age != NULL ? cp_agein_read(b->age, bytes, len, offset, err) : cp_file_read_at(b->fd, bytes, len, offset, err);
}

/* The file from its beginning, as a source for a tar. */
struct head {
	struct cp_bundle *b;
	uint64_t at;
	char piece[16 << 10];
};

static enum cp_code next_of_file(void *user, const void **bytes, size_t *len, struct cp_err *err)
{
	struct head *h = user;
	uint64_t left = h->b->size - h->at;

	*bytes = h->piece;
	*len = left < sizeof h->piece ? (size_t)left : sizeof h->piece;
	CP_TRY(read_at(h->b, h->piece, *len, h->at, err));
	h->at += *len;
	return CP_OK;
}

/* What our own tar of the same members would hold, compared with the file. */
struct same {
	struct cp_bundle *b;
	uint64_t at;
	char piece[PIECE];
};

static enum cp_code fail_different(const struct same *s, const char *want, size_t len, struct cp_err *err)
{
	size_t i = 0;

	while (i < len && s->piece[i] == want[i])
		i++;
	return cp_fail(err, CP_EFORMAT, "byte %" PRIu64 " is not what its manifest makes it: damaged, "
	               "or not written as bundles are", s->at + i);
}

static enum cp_code same_as_file(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	struct same *s = user;
	const char *want = bytes;

	while (len > 0) {
		size_t n = len < sizeof s->piece ? len : sizeof s->piece;

		CP_TRY(read_at(s->b, s->piece, n, s->at, err));
		if (memcmp(s->piece, want, n) != 0)
			return fail_different(s, want, n, err);
		want += n;
		len -= n;
		s->at += n;
	}
	return CP_OK;
}

/* ---- opening ---------------------------------------------------------------------- */

/* Damage in the first members is most often another kind of file. */
static enum cp_code no_bundle(enum cp_code code, struct cp_err *err)
{
	return code == CP_EFORMAT ? cp_fail_at(err, "not a bundle, or damaged") : code;
}

static enum cp_code read_member(struct cp_buf *out, struct tarin *t, const char *name, struct cp_err *err)
{
	bool more = false;

	CP_TRY(no_bundle(tarin_next(t, &more, err), err));
	if (!more || strcmp(t->name, name) != 0)
		return cp_fail(err, CP_EFORMAT, "not a bundle, or damaged: %s is not where it must be", name);
	if (t->size == 0 || t->size > out->max)
		return cp_fail(err, CP_EFORMAT, "%s: %" PRIu64 " bytes, the limit is %zu", name, t->size,
		               out->max);
	return tarin_data(t, to_buf, out, err);
}

static enum cp_code read_head(struct cp_buf *text, struct cp_buf *sig, struct cp_bundle *b,
		struct cp_err *err)
{
	CP_AUTO(tarin) struct tarin t = TARIN_NONE;
	struct head h;

	h.b = b;
	h.at = 0;
	CP_TRY(no_bundle(tarin_begin(&t, next_of_file, &h, err), err));
	CP_TRY(read_member(text, &t, CP_MANIFEST_NAME, err));
	CP_TRY(read_member(sig, &t, CP_MANIFEST_SIG_NAME, err));
	if (cp_sshsig_verify(&b->signer, sig->data, sig->len, CP_BUNDLE_NAMESPACE, text->data, text->len,
			err) != CP_OK)
		return cp_fail_at(err, CP_MANIFEST_SIG_NAME);
	if (cp_limit_json(&b->limits, text->data, text->len, err) != CP_OK ||
	    cp_manifest_read(&b->manifest, text->data, text->len, err) != CP_OK)
		return cp_fail_at(err, CP_MANIFEST_NAME);
	return CP_OK;
}

static enum cp_code check_ratio(const struct cp_bundle *b, const struct cp_part *p, struct cp_err *err)
{
	uint64_t ratio = b->limits.of[CP_LIMIT_RATIO];

	if (p->expanded <= CP_RATIO_FREE || (p->expanded + ratio - 1) / ratio <= p->size)
		return CP_OK;
	return cp_limit_over(&b->limits, CP_LIMIT_RATIO, err, "%s: what it expands to", p->name);
}

/* The manifest's promises against the limits. */
static enum cp_code check_limits(const struct cp_bundle *b, struct cp_err *err)
{
	uint64_t expanded = 0;

	CP_TRY(cp_limit_check(&b->limits, CP_LIMIT_BUNDLE, b->size, err, "its size"));
	for (size_t i = 0; i < b->manifest.n_parts; i++) {
		expanded += b->manifest.parts[i].expanded;
		CP_TRY(check_ratio(b, &b->manifest.parts[i], err));
	}
	return cp_limit_check(&b->limits, CP_LIMIT_EXPANDED, expanded, err, "what it expands to");
}

/* And against the length of the file. */
static enum cp_code check_sizes(struct cp_bundle *b, size_t text_len, size_t sig_len, struct cp_err *err)
{
	uint64_t size = cp_tar_member_size(text_len) + cp_tar_member_size(sig_len);

	for (size_t i = 0; i < b->manifest.n_parts; i++) {
		const struct cp_part *p = &b->manifest.parts[i];

		if (p->size > b->size)
			return cp_fail(err, CP_EFORMAT, "%s: %" PRIu64 " bytes promised in a file of %" PRIu64,
			               p->name, p->size, b->size);
		b->offsets[i] = size + 512;
		size += cp_tar_member_size(p->size);
	}
	size += CP_TAR_END_SIZE;
	if (size != b->size)
		return cp_fail(err, CP_EFORMAT, "its manifest makes it %" PRIu64 " bytes, it has %" PRIu64
		               ": cut short, or something else follows", size, b->size);
	return check_limits(b, err);
}

static enum cp_code check_part(struct cp_tarout *again, struct cp_bundle *b, size_t i, char *piece,
		int64_t mtime, struct cp_err *err)
{
	const struct cp_part *p = &b->manifest.parts[i];
	struct cp_hasher hasher;
	struct cp_hash found;

	CP_TRY(cp_tarout_member(again, p->name, p->size, mtime, err));
	cp_hasher_begin(&hasher);
	for (uint64_t at = 0; at < p->size;) {
		size_t n = p->size - at < PIECE ? (size_t)(p->size - at) : PIECE;

		CP_TRY(check_time(b, err));
		CP_TRY(read_at(b, piece, n, b->offsets[i] + at, err));
		cp_hasher_add(&hasher, piece, n);
		CP_TRY(cp_tarout_data(again, piece, n, err));
		at += n;
	}
	cp_hasher_end(&hasher, &found);
	if (memcmp(&found, &p->hash, sizeof found) != 0)
		return cp_fail(err, CP_EFORMAT, "%s: damaged: its hash is not the one in the manifest; ask "
		               "for the bundle again", p->name);
	return CP_OK;
}

/* The whole file must be the tar that we would make of what the manifest promises. */
static enum cp_code check_file(struct cp_bundle *b, const struct cp_buf *text, const struct cp_buf *sig,
		struct cp_err *err)
{
	CP_AUTO(tarout) struct cp_tarout again = CP_TAROUT_NONE;
	CP_AUTO(str) char *piece = malloc(PIECE);
	int64_t mtime = b->manifest.created_us / 1000000;
	struct same same;

	if (piece == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	same.b = b;
	same.at = 0;
	CP_TRY(cp_tarout_begin(&again, same_as_file, &same, err));
	CP_TRY(cp_tarout_member(&again, CP_MANIFEST_NAME, text->len, mtime, err));
	CP_TRY(cp_tarout_data(&again, text->data, text->len, err));
	CP_TRY(cp_tarout_member(&again, CP_MANIFEST_SIG_NAME, sig->len, mtime, err));
	CP_TRY(cp_tarout_data(&again, sig->data, sig->len, err));
	for (size_t i = 0; i < b->manifest.n_parts; i++)
		CP_TRY(check_part(&again, b, i, piece, mtime, err));
	return cp_tarout_end(&again, err);
}

static enum cp_code open_file(struct cp_bundle *b, struct cp_err *err)
{
	struct stat st;

	b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
	if (b->fd < 0 && errno == ENOENT)
		return cp_fail(err, CP_ENOTFOUND, "no such file");
	if (b->fd < 0 || fstat(b->fd, &st) != 0)
		return cp_fail_errno(err, "cannot open");
	if (!S_ISREG(st.st_mode))
		return cp_fail(err, CP_EFORMAT, "not a file");
	b->size = (uint64_t)st.st_size;
	return cp_limit_check(&b->limits, CP_LIMIT_BUNDLE, b->size, err, "its size");
}

/* Who has no key at all learns for how many it is. */
static enum cp_code no_key(void *user, struct cp_agein *a, struct cp_err *err)
{
	(void)user;
	return cp_fail(err, CP_EKEY, "is encrypted to %zu recipient%s, and opens with the key of one of them only",
	               cp_agein_recipients(a), cp_agein_recipients(a) == 1 ? "" : "s");
}

/* Encrypted or not: its first bytes say so, whatever its name. */
static enum cp_code open_lock(struct cp_bundle *b, cp_unlock *unlock, void *user, struct cp_err *err)
{
	char begin[64];
	size_t n = 0;

	CP_TRY(cp_file_read_some(b->fd, begin, sizeof begin, 0, &n, err));
	if (!cp_age_begins(begin, n))
		return CP_OK;
	CP_TRY(cp_agein_open(&b->age, b->fd, err));
	b->size = cp_agein_size(b->age);
	return unlock(user, b->age, err);
}

static enum cp_code open_bundle(struct cp_bundle *b, cp_unlock *unlock, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_MANIFEST_MAX);
	CP_AUTO(buf) struct cp_buf sig = CP_BUF(CP_SIGNATURE_MAX);

	CP_TRY(open_file(b, err));
	CP_TRY(open_lock(b, unlock, user, err));
	CP_TRY(read_head(&text, &sig, b, err));
	CP_TRY(check_sizes(b, text.len, sig.len, err));
	return check_file(b, &text, &sig, err);
}

enum cp_code cp_bundle_open(struct cp_bundle **out, const char *path, const struct cp_limits *limits,
		struct cp_err *err)
{
	return cp_bundle_open_with(out, path, limits, no_key, NULL, err);
}

enum cp_code cp_bundle_open_with(struct cp_bundle **out, const char *path, const struct cp_limits *limits,
		cp_unlock *unlock, void *user, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = calloc(1, sizeof *b);
	struct cp_err local = { CP_OK, "" };

	err = err != NULL ? err : &local;
	if (b == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	b->fd = -1;
	b->limits = *limits;
	b->since_ms = now_ms();
	b->path = strdup(path);
	if (b->path == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (open_bundle(b, unlock, user, err) != CP_OK)
		return cp_fail_at(err, "%s", path);
	b->spent_ms = now_ms() - b->since_ms;
	*out = b;
	b = NULL;
	return CP_OK;
}

enum cp_code cp_bundle_tighten(struct cp_bundle *b, const struct cp_limits *limits, struct cp_err *err)
{
	struct cp_limits before = b->limits;
	enum cp_code code;

	b->limits = *limits;
	code = check_limits(b, err);
	if (code != CP_OK)
		b->limits = before;
	return code;
}

/* ---- visiting --------------------------------------------------------------------- */

/* One pass over a part. A tar is hashed as it comes and as we would write it; both must agree. */
struct visit {
	struct cp_bundle *b;
	struct cp_zin *z;
	struct tarin tar;
	struct cp_tarout again;
	struct cp_hasher as_read, as_written;
	struct cp_nameset names;
	struct cp_buf held;    /* an object, or the beginning of a line */
	uint64_t lines;
	struct cp_hasher media; /* the present file */
	struct cp_hash media_name;
	cp_object_visit *on_object;
	cp_case_visit *on_case;
	cp_media_visit *on_media;
	void *user;
	bool by_visitor;       /* the failure is the visitor's, and its words stay as they are */
};

static void cp_visit_drop(struct visit *v)
{
	cp_tarin_drop(&v->tar);
	cp_tarout_drop(&v->again);
	cp_nameset_drop(&v->names);
	cp_buf_drop(&v->held);
	cp_zin_free(v->z);
}

static enum cp_code heard(struct visit *v, enum cp_code code)
{
	v->by_visitor = code != CP_OK;
	return code;
}

static enum cp_code next_of_part(void *user, const void **bytes, size_t *len, struct cp_err *err)
{
	struct visit *v = user;

	CP_TRY(check_time(v->b, err));
	CP_TRY(cp_zin_next(v->z, bytes, len, err));
	cp_hasher_add(&v->as_read, *bytes, *len);
	return CP_OK;
}

static enum cp_code hash_written(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	struct visit *v = user;

	(void)err;
	cp_hasher_add(&v->as_written, bytes, len);
	return CP_OK;
}

static enum cp_code object_piece(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	struct visit *v = user;

	CP_TRY(cp_tarout_data(&v->again, bytes, len, err));
	return cp_buf_add(&v->held, bytes, len, err);
}

/* objects/<40 hex>.<type>: *type points behind the dot. */
static bool split_object_name(const char *name, struct cp_oid *oid, const char **type)
{
	static const char prefix[] = "objects/";
	size_t at = sizeof prefix - 1;

	if (strncmp(name, prefix, at) != 0 || strlen(name) < at + 42 || name[at + 40] != '.')
		return false;
	memcpy(oid->hex, name + at, 40);
	oid->hex[40] = '\0';
	*type = name + at + 41;
	return cp_oid_valid(oid->hex) && cp_object_type_valid(*type);
}

static enum cp_code take_object(struct visit *v, struct cp_err *err)
{
	const char *type;
	struct cp_oid oid;

	if (!split_object_name(v->tar.name, &oid, &type))
		return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": not named objects/OID.TYPE", v->tar.number);
	cp_buf_clear(&v->held);
	CP_TRY(tarin_data(&v->tar, object_piece, v, err));
	return heard(v, v->on_object(v->user, oid.hex, type, v->held.data != NULL ? v->held.data : "",
	                             v->held.len, err));
}

static enum cp_code media_piece(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	struct visit *v = user;

	CP_TRY(cp_tarout_data(&v->again, bytes, len, err));
	cp_hasher_add(&v->media, bytes, len);
	return len == 0 ? CP_OK : heard(v, v->on_media(v->user, &v->media_name, bytes, len, true, err));
}

static enum cp_code take_media(struct visit *v, struct cp_err *err)
{
	static const char prefix[] = "media/";
	struct cp_hash found;

	if (strncmp(v->tar.name, prefix, sizeof prefix - 1) != 0 ||
	    !cp_unhex(v->media_name.bytes, sizeof v->media_name.bytes, v->tar.name + sizeof prefix - 1))
		return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": not named media/HASH", v->tar.number);
	cp_hasher_begin(&v->media);
	CP_TRY(tarin_data(&v->tar, media_piece, v, err));
	cp_hasher_end(&v->media, &found);
	if (memcmp(&found, &v->media_name, sizeof found) != 0)
		return cp_fail(err, CP_EFORMAT, "%s: its content is not what its name says", v->tar.name);
	return heard(v, v->on_media(v->user, &v->media_name, "", 0, false, err));
}

/* Whether a member may be as long as its header says. */
static enum cp_code check_length(const struct visit *v, struct cp_err *err)
{
	const char *name = v->tar.name, *dot = strrchr(name, '.');
	bool is_blob = v->on_object != NULL && dot != NULL && strcmp(dot, ".blob") == 0;
	enum cp_limit which = is_blob && v->tar.size > v->b->limits.of[CP_LIMIT_CHANGESET] ? CP_LIMIT_CHANGESET
		: CP_LIMIT_OBJECT;

	return v->tar.size <= v->b->limits.of[which] ? CP_OK
		: cp_limit_over(&v->b->limits, which, err, "member %" PRIu64, v->tar.number);
}

/* Before a member's bytes: its size, its number, and that its name is new. */
static enum cp_code admit_member(struct visit *v, struct cp_err *err)
{
	bool is_new = false;

	CP_TRY(check_time(v->b, err));
	CP_TRY(cp_limit_check(&v->b->limits, CP_LIMIT_MEMBERS, v->tar.number, err, "the number of its members"));
	CP_TRY(check_length(v, err));
	CP_TRY(cp_nameset_add(&v->names, v->tar.name, &is_new, err));
	if (!is_new)
		return cp_fail(err, CP_EFORMAT, "member %" PRIu64 ": its name was there before", v->tar.number);
	return cp_tarout_member(&v->again, v->tar.name, v->tar.size, 0, err);
}

/* To the end of the frame, where its promises are checked; then the tar as a whole. */
static enum cp_code end_tar(struct visit *v, struct cp_err *err)
{
	struct cp_hash read, written;
	const void *bytes;
	size_t len;

	do
		CP_TRY(next_of_part(v, &bytes, &len, err));
	while (len > 0);
	CP_TRY(cp_tarout_end(&v->again, err));
	cp_hasher_end(&v->as_read, &read);
	cp_hasher_end(&v->as_written, &written);
	if (v->tar.number == 1 || memcmp(&read, &written, sizeof read) != 0)
		return cp_fail(err, CP_EFORMAT, "not the tar that a bundle has of these members");
	return CP_OK;
}

static enum cp_code visit_tar(struct visit *v, struct cp_err *err)
{
	bool more = false;

	cp_hasher_begin(&v->as_read);
	cp_hasher_begin(&v->as_written);
	CP_TRY(cp_tarout_begin(&v->again, hash_written, v, err));
	CP_TRY(tarin_begin(&v->tar, next_of_part, v, err));
	for (;;) {
		CP_TRY(tarin_next(&v->tar, &more, err));
		if (!more)
			return end_tar(v, err);
		CP_TRY(admit_member(v, err));
		CP_TRY(v->on_object != NULL ? take_object(v, err) : take_media(v, err));
	}
}

static enum cp_code take_line(struct visit *v, const char *line, size_t len, struct cp_err *err)
{
	v->lines++;
	if (len == 0)
		return cp_fail(err, CP_EFORMAT, "line %" PRIu64 ": empty", v->lines);
	CP_TRY(check_time(v->b, err));
	CP_TRY(cp_limit_check(&v->b->limits, CP_LIMIT_MEMBERS, v->lines, err, "the number of its lines"));
	if (cp_limit_json(&v->b->limits, line, len, err) != CP_OK)
		return cp_fail_at(err, "line %" PRIu64, v->lines);
	return heard(v, v->on_case(v->user, line, len, err));
}

/* One piece of the text: whole lines are visited, the beginning of one is held until its end comes. */
static enum cp_code take_text(struct visit *v, const char *at, size_t len, struct cp_err *err)
{
	while (len > 0) {
		const char *end = memchr(at, '\n', len);
		size_t n = end != NULL ? (size_t)(end - at) : len;

		if (n > v->held.max - v->held.len)
			return cp_limit_over(&v->b->limits, CP_LIMIT_DOCUMENT, err, "line %" PRIu64, v->lines + 1);
		if (end == NULL)
			return cp_buf_add(&v->held, at, n, err);
		if (v->held.len == 0) {
			CP_TRY(take_line(v, at, n, err));
		} else {
			CP_TRY(cp_buf_add(&v->held, at, n, err));
			CP_TRY(take_line(v, v->held.data, v->held.len, err));
			cp_buf_clear(&v->held);
		}
		at = end + 1;
		len -= n + 1;
	}
	return CP_OK;
}

static enum cp_code visit_lines(struct visit *v, struct cp_err *err)
{
	for (;;) {
		const void *bytes;
		size_t len;

		CP_TRY(check_time(v->b, err));
		CP_TRY(cp_zin_next(v->z, &bytes, &len, err));
		if (len == 0)
			break;
		CP_TRY(take_text(v, bytes, len, err));
	}
	if (v->held.len > 0)
		return cp_fail(err, CP_EFORMAT, "line %" PRIu64 ": has no end", v->lines + 1);
	return CP_OK;
}

static enum cp_code visit_part(struct visit *v, size_t i, struct cp_err *err)
{
	const struct cp_part *p = &v->b->manifest.parts[i];
	const struct cp_zsum sum = { p->size, p->expanded, p->hash };

	CP_TRY(cp_zin_begin(&v->z, read_at, v->b, v->b->offsets[i], &sum, &v->b->limits, err));
	return v->on_case != NULL ? visit_lines(v, err) : visit_tar(v, err);
}

/* v is filled in as far as the kind of visit goes; an absent part has nothing to visit. */
static enum cp_code visit(struct visit *v, enum cp_part_kind kind, struct cp_err *err)
{
	const struct cp_manifest *m = &v->b->manifest;
	struct cp_err local = { CP_OK, "" };
	enum cp_code code;
	size_t i = 0;

	err = err != NULL ? err : &local;
	while (i < m->n_parts && strcmp(m->parts[i].name, cp_part_names[kind]) != 0)
		i++;
	if (i == m->n_parts)
		return CP_OK;
	v->b->since_ms = now_ms();
	code = visit_part(v, i, err);
	v->b->spent_ms += now_ms() - v->b->since_ms;
	if (code != CP_OK && !v->by_visitor)
		cp_fail_at(err, "%s: %s", v->b->path, m->parts[i].name);
	return code;
}

static size_t as_size(uint64_t limit)
{
	return limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;
}

static enum cp_code each_object(struct cp_bundle *b, enum cp_part_kind kind, cp_object_visit *on_object, void *user,
		struct cp_err *err)
{
	CP_AUTO(visit) struct visit v = { .b = b, .on_object = on_object, .user = user };

	v.held.max = as_size(b->limits.of[CP_LIMIT_OBJECT]);
	return visit(&v, kind, err);
}

enum cp_code cp_bundle_each_object(struct cp_bundle *b, cp_object_visit *on_object, void *user,
		struct cp_err *err)
{
	return each_object(b, CP_PART_HISTORY, on_object, user, err);
}

enum cp_code cp_bundle_each_private(struct cp_bundle *b, cp_object_visit *on_object, void *user,
		struct cp_err *err)
{
	return each_object(b, CP_PART_PRIVATE, on_object, user, err);
}

enum cp_code cp_bundle_each_case(struct cp_bundle *b, cp_case_visit *on_case, void *user,
		struct cp_err *err)
{
	CP_AUTO(visit) struct visit v = { .b = b, .on_case = on_case, .user = user };

	v.held.max = as_size(b->limits.of[CP_LIMIT_DOCUMENT]);
	return visit(&v, CP_PART_CASES, err);
}

enum cp_code cp_bundle_each_media(struct cp_bundle *b, cp_media_visit *on_media, void *user,
		struct cp_err *err)
{
	CP_AUTO(visit) struct visit v = { .b = b, .on_media = on_media, .user = user };

	return visit(&v, CP_PART_MEDIA, err);
}
