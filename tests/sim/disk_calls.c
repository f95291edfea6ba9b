/* The calls that write, as the executable's own: they win over libc's in every library that it loads. */
#undef _FORTIFY_SOURCE /* its inline open() and write() would stand in the way of these */
#include "tests/sim/disk_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- names ------------------------------------------------------------------------------- */

static int open_at(int at, const char *path, int flags, mode_t mode)
{
	struct disk_place p;
	struct stat st;
	int fd;

	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !disk_place_of(&p, at, path))
		return REAL(openat)(at, path, flags, mode);
	if (p.is_there && (flags & O_EXCL))
		return REAL(openat)(at, path, flags, mode);
	if (p.is_there && (flags & O_TRUNC)) { /* in two steps: the bytes are read in between */
		fd = REAL(openat)(at, path, flags & ~O_TRUNC, mode);
		if (fd >= 0) {
			disk_before_truncate(fd, 0);
			REAL(ftruncate)(fd, 0);
		}
		return fd;
	}
	fd = REAL(openat)(at, path, flags, mode);
	if (fd >= 0 && !p.is_there && fstat(fd, &st) == 0)
		disk_note_name(DISK_CREATE, &p, st.st_ino);
	return fd;
}

static int make_folder(int at, const char *path, mode_t mode)
{
	struct disk_place p;
	struct stat st;
	int rc;

	if (!disk_place_of(&p, at, path))
		return REAL(mkdirat)(at, path, mode);
	rc = REAL(mkdirat)(at, path, mode);
	if (rc == 0 && stat(p.path, &st) == 0)
		disk_note_name(DISK_MKDIR, &p, st.st_ino);
	return rc;
}

static int add_name(int from_at, const char *from, int to_at, const char *to, int flags)
{
	struct disk_place p;
	struct stat st;
	int rc;

	if (!disk_place_of(&p, to_at, to))
		return REAL(linkat)(from_at, from, to_at, to, flags);
	disk_point_at("before", "link", p.path);
	rc = REAL(linkat)(from_at, from, to_at, to, flags);
	if (rc == 0 && lstat(p.path, &st) == 0)
		disk_note_name(DISK_CREATE, &p, st.st_ino);
	if (rc == 0)
		disk_point_at("after", "link", p.path);
	return rc;
}

static int make_symlink(const char *text, int at, const char *path)
{
	struct disk_place p;
	struct stat st;
	int rc = REAL(symlinkat)(text, at, path);

	if (rc == 0 && disk_place_of(&p, at, path) && lstat(p.path, &st) == 0)
		disk_note_name(DISK_CREATE, &p, st.st_ino);
	return rc;
}

static int remove_file(int at, const char *path)
{
	struct disk_place p;
	int rc;

	if (!disk_place_of(&p, at, path) || !p.is_there || S_ISDIR(p.st.st_mode))
		return REAL(unlinkat)(at, path, 0);
	disk_point_at("before", "unlink", p.path);
	disk_hold(&p);
	rc = REAL(unlinkat)(at, path, 0);
	if (rc == 0)
		disk_note_name(DISK_UNLINK, &p, p.st.st_ino);
	disk_point_at("after", "unlink", p.path);
	return rc;
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	int entries = 0;

	while (d != NULL && readdir(d) != NULL)
		entries++;
	if (d != NULL)
		closedir(d);
	return entries <= 2;
}

static int remove_folder(int at, const char *path)
{
	struct disk_place p;

	if (!disk_place_of(&p, at, path) || !p.is_there || !S_ISDIR(p.st.st_mode) || !is_empty(p.path))
		return REAL(unlinkat)(at, path, AT_REMOVEDIR);
	disk_hold(&p);
	disk_note_name(DISK_RMDIR, &p, p.st.st_ino);
	return 0;
}

static int move_name(int from_at, const char *from, int to_at, const char *to)
{
	struct disk_place a, b;
	struct disk_record r = { .kind = DISK_RENAME };
	bool a_ours = disk_place_of(&a, from_at, from), b_ours = disk_place_of(&b, to_at, to);
	int rc;

	if (!a_ours && !b_ours)
		return REAL(renameat)(from_at, from, to_at, to);
	if (!a_ours || !b_ours)
		disk_die("a rename across the border of the watched folder is not simulated");
	if (!a.is_there || (b.is_there && b.st.st_ino == a.st.st_ino))
		return REAL(renameat)(from_at, from, to_at, to);
	disk_point_at("before", "rename", b.path);
	if (b.is_there && (!S_ISDIR(b.st.st_mode) || is_empty(b.path)))
		disk_hold(&b);
	rc = REAL(renameat)(from_at, from, to_at, to);
	if (rc != 0)
		return rc;
	r.ino = a.st.st_ino;
	r.dir = a.dir;
	r.dir2 = b.dir;
	r.replaced = b.is_there ? b.st.st_ino : 0;
	disk_note(r, a.name, strlen(a.name) + 1, b.name, strlen(b.name) + 1);
	disk.shared->names++;
	disk_point_at("after", "rename", b.path);
	return rc;
}

/* ---- the calls themselves ---------------------------------------------------------------- */

#define MODE_OF(flags, mode)                                                                       \
	mode_t mode = 0;                                                                           \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                                                     \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode = va_arg(args, mode_t);                                                       \
		va_end(args);                                                                      \
	}

int open(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_at(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_at(at, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* libc's would open the file behind our back. */
int mkstemp(char *template)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	size_t n = strlen(template);
	unsigned char random[6];
	int fd;

	if (n < 6 || strcmp(template + n - 6, "XXXXXX") != 0) {
		errno = EINVAL;
		return -1;
	}
	do {
		if (getrandom(random, sizeof random, 0) != sizeof random)
			return -1;
		for (size_t i = 0; i < 6; i++)
			template[n - 6 + i] = letters[random[i] % 32];
		fd = open_at(AT_FDCWD, template, O_RDWR | O_CREAT | O_EXCL, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	disk_before_write(fd, -1, len);
	return REAL(write)(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t off)
{
	disk_before_write(fd, off, len);
	return REAL(pwrite)(fd, bytes, len, off);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t off)
{
	disk_before_write(fd, off, len);
	return REAL(pwrite)(fd, bytes, len, off);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += parts[i].iov_len;
	disk_before_write(fd, -1, len);
	return REAL(writev)(fd, parts, n);
}

int ftruncate(int fd, off_t len)
{
	disk_before_truncate(fd, len);
	return REAL(ftruncate)(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	disk_before_truncate(fd, len);
	return REAL(ftruncate)(fd, len);
}

int truncate(const char *path, off_t len)
{
	int fd = open_at(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	int rc = fd < 0 ? -1 : ftruncate(fd, len);

	if (fd >= 0)
		REAL(close)(fd);
	return rc;
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t off)
{
	disk_before_map(fd, len, protection, flags, off);
	return REAL(mmap)(at, len, protection, flags, fd, off);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t off)
{
	disk_before_map(fd, len, protection, flags, off);
	return REAL(mmap)(at, len, protection, flags, fd, off);
}

int fsync(int fd) { return disk_flushed(fd, "fsync") ? 0 : REAL(fsync)(fd); }
int fdatasync(int fd) { return disk_flushed(fd, "fdatasync") ? 0 : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) { return move_name(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { return move_name(a, from, b, to); }
int link(const char *from, const char *to) { return add_name(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return add_name(a, from, b, to, flags); }
int symlink(const char *text, const char *path) { return make_symlink(text, AT_FDCWD, path); }
int symlinkat(const char *text, int at, const char *path) { return make_symlink(text, at, path); }
int unlink(const char *path) { return remove_file(AT_FDCWD, path); }
int rmdir(const char *path) { return remove_folder(AT_FDCWD, path); }
int mkdir(const char *path, mode_t mode) { return make_folder(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return make_folder(at, path, mode); }

int unlinkat(int at, const char *path, int flags)
{
	return flags & AT_REMOVEDIR ? remove_folder(at, path) : remove_file(at, path);
}

/* libc's would unlink behind our back. */
int remove(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? remove_folder(AT_FDCWD, path) : remove_file(AT_FDCWD, path);
}
