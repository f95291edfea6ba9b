#include "formats/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

char *cp_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);

	assert(path != NULL);
	snprintf(path, n, "%s%s%s", dir, *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
	return path;
}

/* The folder that holds path, freed by the caller. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") : slash == path ? strdup("/")
		: strndup(path, (size_t)(slash - path));

	assert(dir != NULL);
	return dir;
}

enum cp_code cp_newfile_begin(struct cp_newfile *f, const char *path, unsigned mode,
		struct cp_err *err)
{
	size_t n = strlen(path) + sizeof ".XXXXXX";

	*f = (struct cp_newfile)CP_NEWFILE_NONE;
	f->path = strdup(path);
	f->temp = malloc(n);
	if (f->path == NULL || f->temp == NULL) {
		cp_newfile_drop(f);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	snprintf(f->temp, n, "%s.XXXXXX", path);
	f->fd = mkstemp(f->temp);
	if (f->fd < 0 || fchmod(f->fd, mode) != 0) {
		enum cp_code code = cp_fail_errno(err, "%s: cannot write here", path);

		if (f->fd < 0) {
			free(f->temp);
			f->temp = NULL;
		}
		cp_newfile_drop(f);
		return code;
	}
	return CP_OK;
}

enum cp_code cp_newfile_add(struct cp_newfile *f, const void *bytes, size_t len, struct cp_err *err)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(f->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cp_fail_errno(err, "%s: cannot write", f->path);
		at += n;
		len -= (size_t)n;
	}
	return CP_OK;
}

enum cp_code cp_folder_sync(const char *path, struct cp_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum cp_code code = CP_OK;

	if (fd < 0)
		return cp_fail_errno(err, "%s: cannot open the folder", path);
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		code = cp_fail_errno(err, "%s: cannot flush the folder", path);
	close(fd);
	return code;
}

enum cp_code cp_newfile_commit(struct cp_newfile *f, struct cp_err *err)
{
	enum cp_code code = CP_OK;
	CP_AUTO(str) char *dir = folder_of(f->path);

	if (fsync(f->fd) != 0)
		code = cp_fail_errno(err, "%s: cannot flush to the disk", f->path);
	if (close(f->fd) != 0 && code == CP_OK)
		code = cp_fail_errno(err, "%s: cannot close", f->path);
	f->fd = -1;
	if (code == CP_OK && f->exclusive) {
		if (link(f->temp, f->path) == 0) {
			unlink(f->temp);
		} else if (errno == EEXIST || access(f->path, F_OK) == 0) {
			code = cp_fail(err, CP_EINPUT, "%s: is there already; nothing was written", f->path);
		} else if (rename(f->temp, f->path) != 0) { /* FAT has no hard links */
			code = cp_fail_errno(err, "%s: cannot rename into place", f->path);
		}
	} else if (code == CP_OK && rename(f->temp, f->path) != 0) {
		code = cp_fail_errno(err, "%s: cannot rename into place", f->path);
	}
	if (code == CP_OK) {
		free(f->temp);
		f->temp = NULL;
		code = cp_folder_sync(dir, err);
	}
	cp_newfile_drop(f);
	return code;
}

void cp_newfile_drop(struct cp_newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->temp != NULL)
		unlink(f->temp);
	free(f->temp);
	free(f->path);
	*f = (struct cp_newfile)CP_NEWFILE_NONE;
}

enum cp_code cp_file_read(struct cp_buf *b, const char *path, struct cp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum cp_code code = CP_OK;

	if (fd < 0 && errno == ENOENT)
		return cp_fail(err, CP_ENOTFOUND, "%s: no such file", path);
	if (fd < 0)
		return cp_fail_errno(err, "%s: cannot open", path);
	for (;;) {
		size_t want = b->max - b->len < 65536 ? b->max - b->len + 1 : 65536;
		char chunk[65536];
		ssize_t n = read(fd, chunk, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = cp_fail_errno(err, "%s: cannot read", path);
		if (n <= 0)
			break;
		code = cp_buf_add(b, chunk, (size_t)n, err);
		if (code != CP_OK) {
			cp_fail_at(err, "%s", path);
			break;
		}
	}
	close(fd);
	return code;
}

enum cp_code cp_file_write(const char *path, unsigned mode, const void *bytes, size_t len,
		struct cp_err *err)
{
	CP_AUTO(newfile) struct cp_newfile f = CP_NEWFILE_NONE;

	CP_TRY(cp_newfile_begin(&f, path, mode, err));
	CP_TRY(cp_newfile_add(&f, bytes, len, err));
	return cp_newfile_commit(&f, err);
}

enum cp_code cp_file_read_some(int fd, void *bytes, size_t len, uint64_t offset, size_t *n, struct cp_err *err)
{
	ssize_t got;

	do
		got = pread(fd, bytes, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return cp_fail_errno(err, "cannot read");
	*n = (size_t)got;
	return CP_OK;
}

enum cp_code cp_file_read_at(int fd, void *bytes, size_t len, uint64_t offset, struct cp_err *err)
{
	for (size_t got = 0, n = 0; got < len; got += n) {
		CP_TRY(cp_file_read_some(fd, (char *)bytes + got, len - got, offset + got, &n, err));
		if (n == 0)
			return cp_fail(err, CP_EFORMAT, "cut short at byte %" PRIu64, offset + got);
	}
	return CP_OK;
}

static enum cp_code hash_open_file(struct cp_hasher *h, uint64_t *size, int fd, struct cp_err *err)
{
	char piece[65536];
	size_t n = 0;

	do {
		CP_TRY(cp_file_read_some(fd, piece, sizeof piece, *size, &n, err));
		cp_hasher_add(h, piece, n);
		*size += n;
	} while (n > 0);
	return CP_OK;
}

enum cp_code cp_file_hash(struct cp_hash *out, uint64_t *out_size, const char *path, struct cp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
	struct cp_hasher h;
	enum cp_code code;

	if (fd < 0)
		return cp_fail_errno(err, "%s: cannot open", path);
	*out_size = 0;
	cp_hasher_begin(&h);
	code = hash_open_file(&h, out_size, fd, err);
	cp_hasher_end(&h, out);
	close(fd);
	return code == CP_OK || err == NULL ? code : cp_fail_at(err, "%s", path);
}

bool cp_file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static enum cp_code fill_with_zeros(int fd, const char *path, struct cp_err *err)
{
	static const char zeros[1 << 16];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cp_fail_errno(err, "%s", path);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = write(fd, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros);

		if (n < 0 && errno != EINTR)
			return cp_fail_errno(err, "%s", path);
		left -= n > 0 ? n : 0;
	}
	return fsync(fd) == 0 ? CP_OK : cp_fail_errno(err, "%s", path);
}

enum cp_code cp_file_erase(const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *folder = folder_of(path);
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	enum cp_code code = CP_OK;

	if (fd < 0 && errno == ENOENT)
		return CP_OK;
	if (fd < 0 && errno != ELOOP)
		return cp_fail_errno(err, "%s", path);
	if (fd >= 0) {
		code = fill_with_zeros(fd, path, err);
		close(fd);
	}
	CP_TRY(code);
	if (unlink(path) != 0)
		return cp_fail_errno(err, "%s", path);
	return cp_folder_sync(folder, err);
}

enum cp_code cp_folder_make(const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *copy = strdup(path);

	assert(copy != NULL);
	for (char *p = copy + 1; *copy != '\0'; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			return cp_fail_errno(err, "%s: cannot make this folder", copy);
		*p = was;
		if (was == '\0')
			break;
	}
	return CP_OK;
}

enum cp_code cp_folder_free(uint64_t *out_bytes, const char *path, struct cp_err *err)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return cp_fail_errno(err, "%s", path);
	*out_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return CP_OK;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void cp_folder_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static enum cp_code move_entry(const char *temp, const char *path, const char *name, struct cp_err *err)
{
	CP_AUTO(str) char *from = cp_path_join(temp, name);
	CP_AUTO(str) char *to = cp_path_join(path, name);

	return rename(from, to) == 0 ? CP_OK : cp_fail_errno(err, "%s: cannot be put in place", to);
}

static enum cp_code settle_whole(const char *temp, const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *parent = cp_path_join(path, "..");

	if (rename(temp, path) != 0)
		return cp_fail_errno(err, "%s: cannot be made", path);
	return cp_folder_sync(parent, err);
}

enum cp_code cp_folder_settle(const char *temp, const char *path, const char *last, struct cp_err *err)
{
	enum cp_code code = CP_OK;
	struct dirent *e;
	DIR *d;

	if (!cp_file_exists(path))
		return settle_whole(temp, path, err);
	d = opendir(temp);
	if (d == NULL)
		return cp_fail_errno(err, "%s", temp);
	while (code == CP_OK && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, last) != 0)
			code = move_entry(temp, path, e->d_name, err);
	closedir(d);
	if (code == CP_OK)
		code = move_entry(temp, path, last, err);
	if (code == CP_OK)
		code = cp_folder_sync(path, err);
	if (code == CP_OK)
		rmdir(temp);
	return code;
}
