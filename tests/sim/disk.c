/* The journal of what is written below the watched folder, and the points at which a process may end. */
#include "tests/sim/disk_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct disk disk = { .log = -1 };

/* What is known of open files, by number: asked again where the number now means another file. */
static struct seen { dev_t dev; ino_t ino; bool is_ours; } seen[512];

/* Ranges that a process has ever mapped for writing: their bytes are noted again behind each flush. */
static struct mapped { ino_t ino; off_t off; size_t len; } mapped[64];
static size_t n_mapped;

_Noreturn void disk_die(const char *what)
{
	fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
	_exit(98);
}

/* ---- the journal ------------------------------------------------------------------------ */

void disk_note(struct disk_record r, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct iovec parts[] = { { &r, sizeof r }, { (void *)(uintptr_t)a, a_len }, { (void *)(uintptr_t)b, b_len } };

	r.a_len = (uint32_t)a_len;
	r.b_len = (uint32_t)b_len;
	if (REAL(writev)(disk.log, parts, 3) != (ssize_t)(sizeof r + a_len + b_len))
		disk_die("writing the journal");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_DP ? REAL(rmdir)(path) : REAL(unlink)(path);
}

/* The journal's file has a high number: no program under test meets other numbers than it would. */
void disk_log_start(void)
{
	char path[DISK_PATH + 8];
	int fd;

	nftw(disk.journal, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (REAL(mkdir)(disk.journal, 0700) != 0 || REAL(mkdir)(disk.held, 0700) != 0)
		disk_die(disk.journal);
	snprintf(path, sizeof path, "%s/log", disk.journal);
	fd = REAL(open)(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (disk.log >= 0)
		REAL(close)(disk.log);
	disk.log = fcntl(fd, F_DUPFD_CLOEXEC, 500);
	if (fd < 0 || disk.log < 0)
		disk_die(path);
	REAL(close)(fd);
}

void disk_watch(const char *root)
{
	disk_end();
	if (realpath(root, disk.root) == NULL)
		disk_die(root);
	if ((size_t)snprintf(disk.journal, sizeof disk.journal, "%.4000s.disk", disk.root) >= sizeof disk.journal
			|| (size_t)snprintf(disk.held, sizeof disk.held, "%.4080s/held", disk.journal) >= sizeof disk.held)
		disk_die("the path is too long");
	disk.shared = mmap(NULL, sizeof *disk.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (disk.shared == MAP_FAILED)
		disk_die("memory");
	disk.cut = disk.dropped_names = disk.dropped_writes = 0;
	n_mapped = 0;
	memset(seen, 0, sizeof seen);
	disk_log_start();
	disk.is_on = true;
}

void disk_end(void)
{
	if (!disk.is_on)
		return;
	disk.is_on = false;
	nftw(disk.journal, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	REAL(close)(disk.log);
	disk.log = -1;
	munmap(disk.shared, sizeof *disk.shared);
	disk.shared = NULL;
}

struct disk_count disk_counts(void)
{
	struct disk_count c = { .dropped_writes = disk.dropped_writes, .dropped_names = disk.dropped_names };
	struct stat st;

	c.writes = disk.shared->writes;
	c.flushes = disk.shared->flushes;
	c.names = disk.shared->names;
	c.journal_bytes = fstat(disk.log, &st) == 0 ? (uint64_t)st.st_size : 0;
	return c;
}

/* ---- points ----------------------------------------------------------------------------- */

void disk_point_at(const char *when, const char *call, const char *path)
{
	const char *below = strlen(path) > strlen(disk.root) ? path + strlen(disk.root) + 1 : ".";

	snprintf(disk.shared->point, sizeof disk.shared->point, "%s %s of %s", when, call, below);
	if (++disk.shared->points == disk.cut)
		_exit(DISK_CUT);
}

void disk_cut_at(long n)
{
	disk.cut = n;
	disk.shared->points = 0;
	disk.shared->point[0] = '\0';
}

long disk_points(void)
{
	return disk.shared->points;
}

const char *disk_point(void)
{
	return disk.shared->point;
}

int disk_run(long n, int (*work)(void *user), void *user)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		disk_die("fork");
	if (child == 0) {
		disk_cut_at(n);
		_exit(work(user));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) > DISK_CUT)
		disk_die("the child died of itself");
	return WEXITSTATUS(status);
}

/* ---- which file -------------------------------------------------------------------------- */

static bool is_below(const char *path)
{
	size_t n = strlen(disk.root);

	return disk.is_on && strncmp(path, disk.root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* SQLite's shared memory is made again at every start, and never disk_flushed. */
static bool is_memory(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, "-shm") == 0;
}

/* The path that an open file has now. */
static bool path_of(int fd, char path[DISK_PATH])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, DISK_PATH - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Is this a file or folder below the watched one? *st is its present state then. */
static bool is_ours(int fd, struct stat *st)
{
	struct seen *s = &seen[fd < 0 || fd >= 512 ? 0 : fd];
	char path[DISK_PATH];

	if (!disk.is_on || fd < 0 || fd >= 500 || fstat(fd, st) != 0)
		return false;
	if (s->dev == st->st_dev && s->ino == st->st_ino && s->ino != 0)
		return s->is_ours;
	s->dev = st->st_dev;
	s->ino = st->st_ino;
	s->is_ours = (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && path_of(fd, path) && is_below(path) && !is_memory(path);
	return s->is_ours;
}

bool disk_place_of(struct disk_place *p, int at, const char *path)
{
	char whole[DISK_PATH], *slash;
	struct stat st;
	size_t n;

	if (!disk.is_on || is_memory(path))
		return false;
	if (at == AT_FDCWD || *path == '/')
		n = (size_t)snprintf(whole, sizeof whole, "%s%s", *path == '/' ? "" : "./", path);
	else
		n = (size_t)snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, path);
	while (n > 1 && n < sizeof whole && whole[n - 1] == '/')
		whole[--n] = '\0';
	slash = strrchr(whole, '/');
	if (n >= sizeof whole || slash == NULL || slash == whole)
		return false;
	*slash = '\0';
	if (realpath(whole, p->path) == NULL || !is_below(p->path) || stat(p->path, &st) != 0)
		return false;
	p->dir = st.st_ino;
	n = strlen(p->path);
	if (snprintf(p->path + n, sizeof p->path - n, "/%s", slash + 1) >= (int)(sizeof p->path - n))
		return false;
	p->name = p->path + n + 1;
	p->is_there = lstat(p->path, &p->st) == 0;
	return true;
}

/* Keeps what is about to lose its name. A folder goes there itself: its inode must not be used again. */
void disk_hold(const struct disk_place *p)
{
	char held[DISK_PATH + 32];
	int rc;

	snprintf(held, sizeof held, "%s/%ju", disk.held, (uintmax_t)p->st.st_ino);
	rc = S_ISDIR(p->st.st_mode) ? REAL(rename)(p->path, held) : REAL(link)(p->path, held);
	if (rc != 0 && errno != EEXIST)
		disk_die(held);
}

void disk_note_name(enum disk_kind kind, const struct disk_place *p, uint64_t ino)
{
	disk_note((struct disk_record){ .kind = kind, .ino = ino, .dir = p->dir }, p->name, strlen(p->name) + 1, NULL, 0);
	disk.shared->names++;
}

/* ---- content ----------------------------------------------------------------------------- */

/* Bytes of a file that may be open for writing only. */
static void read_old(int fd, void *to, size_t len, off_t off)
{
	char link[64];

	if (REAL(pread)(fd, to, len, off) == (ssize_t)len)
		return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	fd = REAL(open)(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || REAL(pread)(fd, to, len, off) != (ssize_t)len)
		disk_die("reading what is about to be overwritten");
	REAL(close)(fd);
}

/* Notes the bytes of [off, off + len) as they are, and the size. */
static void note_bytes(int fd, const struct stat *st, off_t off, size_t len)
{
	struct disk_record r = { .kind = DISK_WRITE, .ino = st->st_ino, .off = off, .size = st->st_size };
	size_t old = off >= st->st_size ? 0 : (size_t)(st->st_size - off) < len ? (size_t)(st->st_size - off) : len;
	void *bytes = NULL;

	if (old > 0) {
		bytes = malloc(old);
		if (bytes == NULL)
			disk_die("memory");
		read_old(fd, bytes, old, off);
	}
	disk_note(r, bytes, old, NULL, 0);
	free(bytes);
	disk.shared->writes++;
}

/* off -1: where the file stands. */
void disk_before_write(int fd, off_t off, size_t len)
{
	struct stat st;

	if (!is_ours(fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (off < 0)
		off = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	note_bytes(fd, &st, off, len);
}

void disk_before_truncate(int fd, off_t len)
{
	struct stat st;

	if (is_ours(fd, &st) && S_ISREG(st.st_mode))
		note_bytes(fd, &st, len, len < st.st_size ? (size_t)(st.st_size - len) : 0);
}

static void note_mapped(int fd, const struct stat *st)
{
	for (size_t i = 0; i < n_mapped; i++)
		if (mapped[i].ino == st->st_ino)
			note_bytes(fd, st, mapped[i].off, mapped[i].len);
}

void disk_before_map(int fd, size_t len, int protection, int flags, off_t off)
{
	struct stat st;

	if ((flags & MAP_TYPE) == MAP_PRIVATE || !(protection & PROT_WRITE) || fd < 0 || !is_ours(fd, &st))
		return;
	if (n_mapped == sizeof mapped / sizeof *mapped)
		disk_die("too many mappings");
	mapped[n_mapped++] = (struct mapped){ st.st_ino, off, len };
	note_bytes(fd, &st, off, len);
}

/* The flush itself is left out: the machine stays on, and what is durable is what the journal says. */
bool disk_flushed(int fd, const char *call)
{
	char path[DISK_PATH];
	struct stat st;

	if (!is_ours(fd, &st) || !path_of(fd, path))
		return false;
	disk_point_at("before", call, path);
	disk_note((struct disk_record){ .kind = S_ISDIR(st.st_mode) ? DISK_SYNC_FOLDER : DISK_SYNC, .ino = st.st_ino }, NULL, 0,
			NULL, 0);
	disk.shared->flushes++;
	note_mapped(fd, &st);
	disk_point_at("after", call, path);
	return true;
}
