#include "formats/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/bundle_parts.h"

enum { PIECE = 128 << 10 };

bool cp_object_type_valid(const char *type)
{
	return strcmp(type, "commit") == 0 || strcmp(type, "tree") == 0 || strcmp(type, "blob") == 0;
}

/* ---- tar -------------------------------------------------------------------------- */

/*
 * libarchive never hears of the sink's failure: it would then leak what it holds
 * for us. The failure is kept, nothing more reaches the sink, and each call looks.
 */
static la_ssize_t tar_write(struct archive *a, void *user, const void *bytes, size_t len)
{
	struct cp_tarout *t = user;

	(void)a;
	if (t->failed.code == CP_OK && t->sink != NULL)
		t->failed.code = t->sink(t->user, bytes, len, &t->failed);
	return (la_ssize_t)len;
}

/* The sink's words if it was the sink, else libarchive's. */
static enum cp_code tar_result(const struct cp_tarout *t, bool is_done, struct cp_err *err)
{
	const char *words;

	if (t->failed.code != CP_OK)
		return cp_fail(err, t->failed.code, "%s", t->failed.text);
	if (is_done)
		return CP_OK;
	words = archive_error_string(t->archive);
	return cp_fail(err, CP_EIO, "cannot write a tar: %s", words != NULL ? words : "out of memory");
}

enum cp_code cp_tarout_begin(struct cp_tarout *t, cp_sink *sink, void *user, struct cp_err *err)
{
	*t = (struct cp_tarout)CP_TAROUT_NONE;
	t->sink = sink;
	t->user = user;
	t->archive = archive_write_new();
	t->entry = archive_entry_new();
	if (t->archive == NULL || t->entry == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (archive_write_set_format_ustar(t->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(t->archive, 0) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(t->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(t->archive, t, NULL, tar_write, NULL) != ARCHIVE_OK)
		return tar_result(t, false, err);
	return CP_OK;
}

enum cp_code cp_tarout_member(struct cp_tarout *t, const char *name, uint64_t size, int64_t mtime,
		struct cp_err *err)
{
	assert(t->owed == 0);
	archive_entry_clear(t->entry);
	archive_entry_set_pathname(t->entry, name);
	archive_entry_set_size(t->entry, (la_int64_t)size);
	archive_entry_set_filetype(t->entry, AE_IFREG);
	archive_entry_set_perm(t->entry, 0644);
	archive_entry_set_mtime(t->entry, (time_t)mtime, 0);
	archive_entry_set_uid(t->entry, 0);
	archive_entry_set_gid(t->entry, 0);
	t->owed = size;
	return tar_result(t, archive_write_header(t->archive, t->entry) == ARCHIVE_OK, err);
}

enum cp_code cp_tarout_data(struct cp_tarout *t, const void *bytes, size_t len, struct cp_err *err)
{
	assert(len <= t->owed);
	t->owed -= len;
	return tar_result(t, len == 0 || archive_write_data(t->archive, bytes, len) == (la_ssize_t)len, err);
}

enum cp_code cp_tarout_end(struct cp_tarout *t, struct cp_err *err)
{
	assert(t->owed == 0);
	return tar_result(t, archive_write_close(t->archive) == ARCHIVE_OK, err);
}

void cp_tarout_drop(struct cp_tarout *t)
{
	t->sink = NULL; /* _free would still finish the tar */
	archive_write_free(t->archive);
	archive_entry_free(t->entry);
	*t = (struct cp_tarout)CP_TAROUT_NONE;
}

uint64_t cp_tar_member_size(uint64_t size)
{
	return 512 + (size + 511) / 512 * 512;
}

/* ---- member names ----------------------------------------------------------------- */

/* The slot where print is, or the empty one where it belongs. cap is a power of two. */
static struct cp_nameprint *nameset_slot(struct cp_nameprint *slots, size_t cap, const struct cp_nameprint *print)
{
	size_t i = (size_t)print->half[0] & (cap - 1);

	while ((slots[i].half[0] | slots[i].half[1]) != 0 &&
	       memcmp(&slots[i], print, sizeof *print) != 0)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static enum cp_code nameset_grow(struct cp_nameset *s, struct cp_err *err)
{
	size_t cap = s->cap ? 2 * s->cap : 1024;
	struct cp_nameprint *slots = calloc(cap, sizeof *slots);

	if (slots == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (s->cap == 0)
		randombytes_buf(s->key, sizeof s->key);
	for (size_t i = 0; i < s->cap; i++)
		if ((s->slots[i].half[0] | s->slots[i].half[1]) != 0)
			*nameset_slot(slots, cap, &s->slots[i]) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->cap = cap;
	return CP_OK;
}

enum cp_code cp_nameset_add(struct cp_nameset *s, const char *name, bool *is_new, struct cp_err *err)
{
	struct cp_nameprint print, *slot;

	_Static_assert(sizeof print == crypto_shorthash_siphashx24_BYTES, "128 bits");
	if (s->n >= s->cap / 8 * 7)
		CP_TRY(nameset_grow(s, err));
	crypto_shorthash_siphashx24((unsigned char *)&print, (const unsigned char *)name, strlen(name),
	                            s->key);
	slot = nameset_slot(s->slots, s->cap, &print);
	*is_new = (slot->half[0] | slot->half[1]) == 0;
	if (*is_new) {
		*slot = print;
		s->n++;
	}
	return CP_OK;
}

void cp_nameset_drop(struct cp_nameset *s)
{
	free(s->slots);
	*s = (struct cp_nameset)CP_NAMESET;
}

/* ---- parts ------------------------------------------------------------------------ */

/* A part under way: a compressed temporary file, and a tar in front of it unless it is cases. */
struct outpart {
	bool has_begun;
	struct cp_newfile file;
	struct cp_zout *z;
	struct cp_tarout tar;
	struct cp_nameset names;
};

struct cp_bundle_writer {
	char *path;
	char *scratch;    /* what temporary files are beside */
	int level;
	struct cp_pubkey *to; /* NULL: not encrypted */
	size_t n_to;
	bool is_broken;   /* a part holds half a member */
	bool is_done;
	cp_bundle_watch *watch;
	void *watch_user;
	uint64_t members;
	struct outpart parts[CP_MAX_PARTS];
};

/* The compressor knows no path; its words need one. */
static enum cp_code at_path(const struct outpart *p, enum cp_code code, struct cp_err *err)
{
	return code == CP_OK || err == NULL ? code : cp_fail_at(err, "%s", p->file.path);
}

static enum cp_code to_zout(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	struct outpart *p = user;

	return at_path(p, cp_zout_add(p->z, bytes, len, err), err);
}

static enum cp_code outpart_begin(struct outpart *p, const struct cp_bundle_writer *w, enum cp_part_kind kind,
		struct cp_err *err)
{
	if (p->has_begun)
		return CP_OK;
	CP_TRY(cp_newfile_begin(&p->file, w->scratch, 0600, err));
	if (unlink(p->file.temp) == 0) { /* where files may have no name, a crash leaves none behind */
		free(p->file.temp);
		p->file.temp = NULL;
	}
	CP_TRY(cp_zout_begin(&p->z, p->file.fd, w->level, err));
	if (kind != CP_PART_CASES)
		CP_TRY(cp_tarout_begin(&p->tar, to_zout, p, err));
	p->has_begun = true;
	return CP_OK;
}

static void outpart_drop(struct outpart *p)
{
	cp_tarout_drop(&p->tar);
	cp_zout_free(p->z);
	p->z = NULL;
	cp_newfile_drop(&p->file);
	cp_nameset_drop(&p->names);
}

/* ---- adding ----------------------------------------------------------------------- */

enum cp_code cp_bundle_begin(struct cp_bundle_writer **out, const char *path, int level,
		struct cp_err *err)
{
	struct cp_bundle_writer *w;

	if (level < 0 || level > CP_ZSTD_MAX_LEVEL)
		return cp_fail(err, CP_EINPUT, "zstd has levels 1 to %d, not %d", CP_ZSTD_MAX_LEVEL, level);
	if (cp_file_exists(path))
		return cp_fail(err, CP_EINPUT, "%s: is there already; nothing was written", path);
	w = calloc(1, sizeof *w);
	if (w == NULL || (w->path = strdup(path)) == NULL || (w->scratch = strdup(path)) == NULL) {
		cp_bundle_writer_free(w);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	w->level = level;
	for (size_t i = 0; i < CP_MAX_PARTS; i++)
		w->parts[i].file = (struct cp_newfile)CP_NEWFILE_NONE;
	*out = w;
	return CP_OK;
}

enum cp_code cp_bundle_encrypt_to(struct cp_bundle_writer *w, const struct cp_pubkey *keys, size_t n, const char *folder,
		struct cp_err *err)
{
	assert(w->members == 0 && w->to == NULL && n > 0);
	w->to = calloc(n, sizeof *keys);
	if (w->to == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	memcpy(w->to, keys, n * sizeof *keys);
	w->n_to = n;
	free(w->scratch);
	w->scratch = cp_path_join(folder, "bundle");
	return CP_OK;
}

void cp_bundle_writer_free(struct cp_bundle_writer *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < CP_MAX_PARTS; i++)
		outpart_drop(&w->parts[i]);
	free(w->to);
	free(w->scratch);
	free(w->path);
	free(w);
}

void cp_bundle_writer_drop(struct cp_bundle_writer **w)
{
	cp_bundle_writer_free(*w);
	*w = NULL;
}

void cp_bundle_watch_with(struct cp_bundle_writer *w, cp_bundle_watch *watch, void *user)
{
	w->watch = watch;
	w->watch_user = user;
}

static enum cp_code show(const struct cp_bundle_writer *w, const char *part, const char *name, const void *bytes, size_t len,
		struct cp_err *err)
{
	return w->watch != NULL ? w->watch(w->watch_user, part, name, bytes, len, err) : CP_OK;
}

/* What readers would refuse for its size is not written in the first place. */
static enum cp_code check_room(const struct cp_bundle_writer *w, uint64_t more, struct cp_err *err)
{
	const struct cp_limits *most = &cp_limits_default;
	uint64_t size = 0, expanded = more;

	for (size_t i = 0; i < CP_MAX_PARTS; i++) {
		const struct outpart *p = &w->parts[i];

		size += p->z != NULL ? cp_zout_size(p->z) : 0;
		expanded += p->z != NULL ? cp_zout_expanded(p->z) : 0;
	}
	if (size > most->of[CP_LIMIT_BUNDLE])
		return cp_fail(err, CP_EINPUT, "%s: one bundle holds at most %" PRIu64 " bytes; make several",
		               w->path, most->of[CP_LIMIT_BUNDLE]);
	if (expanded > most->of[CP_LIMIT_EXPANDED] || w->members >= most->of[CP_LIMIT_MEMBERS])
		return cp_fail(err, CP_EINPUT, "%s: one bundle expands to at most %" PRIu64 " bytes and %"
		               PRIu64 " members; make several", w->path, most->of[CP_LIMIT_EXPANDED],
		               most->of[CP_LIMIT_MEMBERS]);
	return CP_OK;
}

/* Common to all that is added; what follows leaves w broken unless it ends in added(). */
static enum cp_code open_part(struct outpart **out, struct cp_bundle_writer *w, enum cp_part_kind kind,
		uint64_t more, struct cp_err *err)
{
	struct outpart *p = &w->parts[kind];

	assert(!w->is_done);
	if (w->is_broken)
		return cp_fail(err, CP_EIO, "%s: nothing can be added after a failure", w->path);
	CP_TRY(check_room(w, more, err));
	w->is_broken = true;
	CP_TRY(outpart_begin(p, w, kind, err));
	*out = p;
	return CP_OK;
}

static enum cp_code added(struct cp_bundle_writer *w)
{
	w->is_broken = false;
	return CP_OK;
}

/* Opens the part for a new member; *is_new false: it is there already, and that is enough. */
static enum cp_code open_member(struct outpart **out, bool *is_new, struct cp_bundle_writer *w,
		enum cp_part_kind kind, const char *name, uint64_t size, struct cp_err *err)
{
	if (size > cp_limits_default.of[CP_LIMIT_OBJECT])
		return cp_fail(err, CP_EINPUT, "%s: %" PRIu64 " bytes are more than the limit of %" PRIu64,
		               name, size, cp_limits_default.of[CP_LIMIT_OBJECT]);
	CP_TRY(open_part(out, w, kind, cp_tar_member_size(size), err));
	CP_TRY(cp_nameset_add(&(*out)->names, name, is_new, err));
	if (!*is_new)
		return CP_OK;
	w->members++;
	return cp_tarout_member(&(*out)->tar, name, size, 0, err);
}

static enum cp_code add_object(struct cp_bundle_writer *w, enum cp_part_kind kind, const char *oid_hex, const char *type,
		const void *bytes, size_t len, struct cp_err *err)
{
	char name[64];
	struct outpart *p = NULL;
	bool is_new = false;

	if (!cp_oid_valid(oid_hex) || !cp_object_type_valid(type))
		return cp_fail(err, CP_EINPUT, "%.60s, a %.20s: not a git object", oid_hex, type);
	snprintf(name, sizeof name, "objects/%s.%s", oid_hex, type);
	CP_TRY(show(w, cp_part_names[kind], name + strlen("objects/"), bytes, len, err));
	CP_TRY(open_member(&p, &is_new, w, kind, name, len, err));
	if (is_new)
		CP_TRY(cp_tarout_data(&p->tar, bytes, len, err));
	return added(w);
}

enum cp_code cp_bundle_add_object(struct cp_bundle_writer *w, const char *oid_hex, const char *type,
		const void *bytes, size_t len, struct cp_err *err)
{
	return add_object(w, CP_PART_HISTORY, oid_hex, type, bytes, len, err);
}

enum cp_code cp_bundle_add_private(struct cp_bundle_writer *w, const char *oid_hex, const char *type,
		const void *bytes, size_t len, struct cp_err *err)
{
	return add_object(w, CP_PART_PRIVATE, oid_hex, type, bytes, len, err);
}

enum cp_code cp_bundle_add_case(struct cp_bundle_writer *w, const void *json, size_t len,
		struct cp_err *err)
{
	struct outpart *p = NULL;

	if (len == 0 || memchr(json, '\n', len) != NULL)
		return cp_fail(err, CP_EINPUT, "a case document must be one line, not empty");
	if (len > cp_limits_default.of[CP_LIMIT_DOCUMENT])
		return cp_fail(err, CP_EINPUT, "a case document has %zu bytes, more than the limit of %" PRIu64,
		               len, cp_limits_default.of[CP_LIMIT_DOCUMENT]);
	CP_TRY(show(w, cp_part_names[CP_PART_CASES], "", json, len, err));
	CP_TRY(open_part(&p, w, CP_PART_CASES, len + 1, err));
	CP_TRY(to_zout(p, json, len, err));
	CP_TRY(to_zout(p, "\n", 1, err));
	return added(w);
}

/* read() of up to len bytes, fewer only at the end of the file. */
static enum cp_code read_piece(size_t *out_len, int fd, void *bytes, size_t len, const char *path,
		struct cp_err *err)
{
	*out_len = 0;
	while (*out_len < len) {
		ssize_t n = read(fd, (char *)bytes + *out_len, len - *out_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cp_fail_errno(err, "%s: cannot read", path);
		if (n == 0)
			break;
		*out_len += (size_t)n;
	}
	return CP_OK;
}

/* size bytes from fd into the open member; hash must be theirs unless it is NULL. */
static enum cp_code copy_file(struct cp_tarout *tar, int fd, uint64_t size, const struct cp_hash *hash,
		const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *piece = malloc(PIECE);
	struct cp_hasher hasher;
	struct cp_hash found;

	if (piece == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	cp_hasher_begin(&hasher);
	for (uint64_t left = size; left > 0;) {
		size_t n, want = left < PIECE ? (size_t)left : PIECE;

		CP_TRY(read_piece(&n, fd, piece, want, path, err));
		if (n < want)
			return cp_fail(err, CP_EINPUT, "%s: became shorter while it was read", path);
		if (hash != NULL)
			cp_hasher_add(&hasher, piece, n);
		CP_TRY(cp_tarout_data(tar, piece, n, err));
		left -= n;
	}
	cp_hasher_end(&hasher, &found);
	if (hash != NULL && memcmp(hash, &found, sizeof found) != 0)
		return cp_fail(err, CP_EINPUT, "%s: its content is not what its hash says", path);
	return CP_OK;
}

static enum cp_code add_media(struct cp_bundle_writer *w, const struct cp_hash *hash, int fd,
		const char *path, struct cp_err *err)
{
	char name[sizeof "media/" + CP_HASH_HEX] = "media/";
	struct outpart *p = NULL;
	bool is_new = false;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cp_fail_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return cp_fail(err, CP_EINPUT, "%s: not a file", path);
	cp_hex(name + strlen(name), hash->bytes, sizeof hash->bytes);
	CP_TRY(open_member(&p, &is_new, w, CP_PART_MEDIA, name, (uint64_t)st.st_size, err));
	if (is_new)
		CP_TRY(copy_file(&p->tar, fd, (uint64_t)st.st_size, hash, path, err));
	return added(w);
}

enum cp_code cp_bundle_add_media(struct cp_bundle_writer *w, const struct cp_hash *hash,
		const char *path, struct cp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
	enum cp_code code;

	if (fd < 0 && errno == ENOENT)
		return cp_fail(err, CP_ENOTFOUND, "%s: no such file", path);
	if (fd < 0)
		return cp_fail_errno(err, "%s: cannot open", path);
	code = add_media(w, hash, fd, path, err);
	close(fd);
	return code;
}

/* ---- putting together ------------------------------------------------------------- */

static enum cp_code to_file(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_newfile_add(user, bytes, len, err);
}

static enum cp_code to_age(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_ageout_add(user, bytes, len, err);
}

static enum cp_code assemble_parts(struct cp_tarout *tar, const struct cp_manifest *m,
		const int fds[CP_MAX_PARTS], int64_t mtime, struct cp_err *err)
{
	for (size_t i = 0; i < m->n_parts; i++) {
		if (lseek(fds[i], 0, SEEK_SET) != 0)
			return cp_fail_errno(err, "%s: cannot go to its beginning", m->parts[i].name);
		CP_TRY(cp_tarout_member(tar, m->parts[i].name, m->parts[i].size, mtime, err));
		CP_TRY(copy_file(tar, fds[i], m->parts[i].size, NULL, m->parts[i].name, err));
	}
	return CP_OK;
}

enum cp_code cp_bundle_assemble(cp_sink *sink, void *user, const struct cp_manifest *m,
		const struct cp_seckey *key, const int fds[CP_MAX_PARTS], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_MANIFEST_MAX);
	CP_AUTO(buf) struct cp_buf sig = CP_BUF(CP_SIGNATURE_MAX);
	CP_AUTO(tarout) struct cp_tarout tar = CP_TAROUT_NONE;
	int64_t mtime = m->created_us / 1000000;

	CP_TRY(cp_manifest_print(&text, m, err));
	CP_TRY(cp_sshsig_sign(&sig, key, CP_BUNDLE_NAMESPACE, text.data, text.len, true, err));
	CP_TRY(cp_tarout_begin(&tar, sink, user, err));
	CP_TRY(cp_tarout_member(&tar, CP_MANIFEST_NAME, text.len, mtime, err));
	CP_TRY(cp_tarout_data(&tar, text.data, text.len, err));
	CP_TRY(cp_tarout_member(&tar, CP_MANIFEST_SIG_NAME, sig.len, mtime, err));
	CP_TRY(cp_tarout_data(&tar, sig.data, sig.len, err));
	CP_TRY(assemble_parts(&tar, m, fds, mtime, err));
	return cp_tarout_end(&tar, err);
}

/* The same in encryption: the key that it was given only this writer and the recipients know. */
static enum cp_code assemble_encrypted(struct cp_filekey *file_key, struct cp_newfile *f, const struct cp_bundle_writer *w,
		const struct cp_manifest *m, const struct cp_seckey *key, const int fds[CP_MAX_PARTS], struct cp_err *err)
{
	CP_AUTO(ageout) struct cp_ageout *age = NULL;

	if (cp_ageout_begin(&age, w->to, w->n_to, to_file, f, err) != CP_OK)
		return cp_fail_at(err, "%s", w->path);
	*file_key = *cp_ageout_key(age);
	CP_TRY(cp_bundle_assemble(to_age, age, m, key, fds, err));
	return cp_ageout_end(age, err);
}

static enum cp_code outpart_end(struct outpart *p, struct cp_part *out, const char *name, struct cp_err *err)
{
	struct cp_zsum sum;

	if (p->tar.archive != NULL)
		CP_TRY(cp_tarout_end(&p->tar, err));
	CP_TRY(at_path(p, cp_zout_end(p->z, &sum, err), err));
	memset(out, 0, sizeof *out);
	memcpy(out->name, name, strlen(name));
	out->size = sum.size;
	out->expanded = sum.expanded;
	out->hash = sum.hash;
	return CP_OK;
}

static enum cp_code end_parts(struct cp_bundle_writer *w, struct cp_manifest *m, int fds[CP_MAX_PARTS],
		struct cp_err *err)
{
	m->n_parts = 0;
	for (size_t i = 0; i < CP_MAX_PARTS; i++) {
		struct outpart *p = &w->parts[i];

		if (!p->has_begun)
			continue;
		CP_TRY(outpart_end(p, &m->parts[m->n_parts], cp_part_names[i], err));
		fds[m->n_parts++] = p->file.fd;
	}
	return CP_OK;
}

static enum cp_code with_filekey(void *user, struct cp_agein *file, struct cp_err *err)
{
	return cp_agein_unlock_with(file, user, err);
}

/* What lies on the disk now must be what we meant, signed by key, and open with file_key if it is encrypted. */
static enum cp_code read_back(const struct cp_newfile *f, const struct cp_manifest *m,
		const struct cp_seckey *key, struct cp_filekey *file_key, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	CP_AUTO(buf) struct cp_buf meant = CP_BUF(CP_MANIFEST_MAX);
	CP_AUTO(buf) struct cp_buf found = CP_BUF(CP_MANIFEST_MAX);
	struct cp_pubkey signer;

	if (fsync(f->fd) != 0)
		return cp_fail_errno(err, "%s: cannot flush to the disk", f->path);
	(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED); /* from the disk, not from memory */
	if (cp_bundle_open_with(&b, f->temp, &cp_limits_default, with_filekey, file_key, err) != CP_OK)
		return cp_fail_at(err, "%s: does not read back as it was written", f->path);
	cp_seckey_public(&signer, key);
	CP_TRY(cp_manifest_print(&meant, m, err));
	CP_TRY(cp_manifest_print(&found, cp_bundle_manifest(b), err));
	if (meant.len != found.len || memcmp(meant.data, found.data, meant.len) != 0 ||
	    memcmp(&signer, cp_bundle_signer(b), sizeof signer) != 0)
		return cp_fail(err, CP_EIO, "%s: does not read back as it was written", f->path);
	return CP_OK;
}

static enum cp_code check_size(const struct cp_bundle_writer *w, const struct cp_manifest *m,
		struct cp_err *err)
{
	uint64_t expanded = 0, size = CP_TAR_END_SIZE + cp_tar_member_size(CP_MANIFEST_MAX) +
		cp_tar_member_size(CP_SIGNATURE_MAX);

	for (size_t i = 0; i < m->n_parts; i++) {
		size += cp_tar_member_size(m->parts[i].size);
		expanded += m->parts[i].expanded;
	}
	if (w->to != NULL)
		size = cp_age_size(size, w->n_to);
	if (size > cp_limits_default.of[CP_LIMIT_BUNDLE] || expanded > cp_limits_default.of[CP_LIMIT_EXPANDED])
		return cp_fail(err, CP_EINPUT, "%s: one bundle holds at most %" PRIu64 " bytes, expanded %"
		               PRIu64 "; make several", w->path, cp_limits_default.of[CP_LIMIT_BUNDLE],
		               cp_limits_default.of[CP_LIMIT_EXPANDED]);
	return CP_OK;
}

static enum cp_code show_manifest(const struct cp_bundle_writer *w, const struct cp_manifest *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_MANIFEST_MAX);

	CP_TRY(cp_manifest_print(&text, m, err));
	return show(w, CP_MANIFEST_NAME, "", text.data, text.len, err);
}

static enum cp_code write_file(struct cp_bundle_writer *w, struct cp_newfile *f, const struct cp_manifest *m,
		const struct cp_seckey *key, const int fds[CP_MAX_PARTS], struct cp_err *err)
{
	struct cp_filekey file_key = { { 0 } };
	enum cp_code code = w->to != NULL ? assemble_encrypted(&file_key, f, w, m, key, fds, err)
		: cp_bundle_assemble(to_file, f, m, key, fds, err);

	if (code == CP_OK)
		code = read_back(f, m, key, &file_key, err);
	sodium_memzero(&file_key, sizeof file_key);
	return code;
}

static enum cp_code commit(struct cp_bundle_writer *w, struct cp_manifest *m, const struct cp_seckey *key,
		uint64_t *out_size, struct cp_err *err)
{
	CP_AUTO(newfile) struct cp_newfile f = CP_NEWFILE_NONE;
	int fds[CP_MAX_PARTS];
	struct stat st;

	m->format = CP_BUNDLE_FORMAT;
	m->reader = CP_BUNDLE_FORMAT;
	CP_TRY(end_parts(w, m, fds, err));
	CP_TRY(check_size(w, m, err));
	CP_TRY(show_manifest(w, m, err));
	CP_TRY(cp_newfile_begin(&f, w->path, 0644, err));
	f.exclusive = true;
	CP_TRY(write_file(w, &f, m, key, fds, err));
	if (fstat(f.fd, &st) != 0)
		return cp_fail_errno(err, "%s", w->path);
	CP_TRY(cp_newfile_commit(&f, err));
	if (out_size != NULL)
		*out_size = (uint64_t)st.st_size;
	return CP_OK;
}

enum cp_code cp_bundle_commit(struct cp_bundle_writer *w, struct cp_manifest *m,
		const struct cp_seckey *key, uint64_t *out_size, struct cp_err *err)
{
	struct cp_err local = { CP_OK, "" };

	assert(!w->is_done);
	if (w->is_broken)
		return cp_fail(err, CP_EIO, "%s: nothing is written after a failure", w->path);
	w->is_done = true;
	return commit(w, m, key, out_size, err != NULL ? err : &local);
}
