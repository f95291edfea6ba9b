/*
 * What a power cut leaves: the journal is read, what no flush made durable is found, and part of it is undone.
 *
 * Content first, by inode, then names, last to first: each undoing finds the names as its change left them.
 */
#include "tests/sim/disk_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

/* One record and where its bytes are. */
struct change { struct disk_record r; const char *a, *b; bool is_durable, is_kept; };

struct dropping {
	char *journal;
	struct change *list;
	size_t n, cap;
	uint64_t seed, random;
};

/* ---- chance ------------------------------------------------------------------------------ */

static uint64_t next_random(struct dropping *d) /* splitmix64 */
{
	uint64_t x = d->random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static size_t below(struct dropping *d, size_t n)
{
	return (size_t)(next_random(d) % n);
}

/* ---- the journal -------------------------------------------------------------------------- */

static void add(struct dropping *d, struct change c)
{
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 256 : d->cap * 2;
		d->list = realloc(d->list, d->cap * sizeof *d->list);
		if (d->list == NULL)
			disk_die("memory");
	}
	d->list[d->n++] = c;
}

static void read_journal(struct dropping *d)
{
	struct stat st;

	if (fstat(disk.log, &st) != 0)
		disk_die("the journal");
	d->journal = malloc((size_t)st.st_size + 1);
	if (d->journal == NULL || pread(disk.log, d->journal, (size_t)st.st_size, 0) != st.st_size)
		disk_die("reading the journal");
	for (size_t at = 0; at < (size_t)st.st_size;) {
		struct change c = { .is_kept = true };

		memcpy(&c.r, d->journal + at, sizeof c.r);
		at += sizeof c.r;
		c.a = d->journal + at;
		c.b = c.a + c.r.a_len;
		at += c.r.a_len + c.r.b_len;
		add(d, c);
	}
}

static bool is_name(const struct change *c)
{
	return c->r.kind != DISK_WRITE && c->r.kind != DISK_SYNC && c->r.kind != DISK_SYNC_FOLDER;
}

/* ---- which names are durable ---------------------------------------------------------------- */

static bool has_key(const struct change *c, uint64_t dir, const char *name)
{
	return (c->r.dir == dir && strcmp(c->a, name) == 0)
		|| (c->r.kind == DISK_RENAME && c->r.dir2 == dir && strcmp(c->b, name) == 0);
}

/* Is the later one, y, never on the disk without x: they change one name, or x made the folder that y moves to? */
static bool meet(const struct change *x, const struct change *y)
{
	if (x->r.kind == DISK_MKDIR && y->r.kind == DISK_RENAME && y->r.dir2 == x->r.ino)
		return true;
	return has_key(x, y->r.dir, y->a) || (y->r.kind == DISK_RENAME && has_key(x, y->r.dir2, y->b));
}

static bool is_in(const struct change *c, uint64_t dir)
{
	return c->r.dir == dir || (c->r.kind == DISK_RENAME && c->r.dir2 == dir);
}

/* A flush of a folder makes durable what changed in it before, a rename as a whole, and all it rests on. */
static void flush_folder(struct dropping *d, size_t until, uint64_t dir)
{
	for (size_t i = until; i-- > 0;) {
		struct change *c = &d->list[i];
		bool is_needed = is_name(c) && is_in(c, dir);

		if (!is_name(c) || c->is_durable)
			continue;
		for (size_t j = i + 1; !is_needed && j < until; j++)
			is_needed = is_name(&d->list[j]) && d->list[j].is_durable && meet(c, &d->list[j]);
		c->is_durable = is_needed;
	}
}

static void find_durable_names(struct dropping *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].r.kind == DISK_SYNC_FOLDER)
			flush_folder(d, i, d->list[i].r.ino);
}

/* Which of the others the disk wrote too: none, all, those up to one, or any. */
static void choose_names(struct dropping *d)
{
	const size_t how = d->seed < 2 ? (size_t)d->seed : below(d, 4);
	const size_t last = d->n == 0 ? 0 : below(d, d->n);

	for (size_t i = 0; i < d->n; i++) {
		struct change *c = &d->list[i];

		if (!is_name(c) || c->is_durable)
			continue;
		c->is_kept = how == 1 || (how == 2 && i < last) || (how == 3 && below(d, 2) == 0);
		for (size_t j = 0; c->is_kept && j < i; j++)
			c->is_kept = !is_name(&d->list[j]) || d->list[j].is_kept || !meet(&d->list[j], c);
	}
}

/* ---- finding things --------------------------------------------------------------------------- */

static uint64_t wanted;
static char found[DISK_PATH];

static int is_wanted(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)kind;
	(void)at;
	if (st->st_ino != wanted)
		return 0;
	snprintf(found, sizeof found, "%s", path);
	return 1;
}

/* The path of an inode below the folder, or "" when it has none there any more. */
static const char *find_below(const char *folder, uint64_t ino)
{
	wanted = ino;
	found[0] = '\0';
	nftw(folder, is_wanted, 16, FTW_PHYS);
	return found;
}

/* ---- content ------------------------------------------------------------------------------------ */

struct content { char *bytes; size_t len, cap; };

static void resize(struct content *c, size_t len)
{
	if (len > c->cap) {
		c->bytes = realloc(c->bytes, len);
		if (c->bytes == NULL)
			disk_die("memory");
		c->cap = len;
	}
	if (len > c->len)
		memset(c->bytes + c->len, 0, len - c->len);
	c->len = len;
}

static void load(struct content *c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		disk_die(path);
	resize(c, (size_t)st.st_size);
	if (read(fd, c->bytes, c->len) != (ssize_t)c->len)
		disk_die(path);
	close(fd);
}

static void store(const struct content *c, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == EACCES && stat(path, &st) == 0 && chmod(path, 0600) == 0) {
		fd = open(path, O_WRONLY | O_CLOEXEC); /* a pack is for reading only */
		chmod(path, st.st_mode);
	}
	if (fd < 0 || ftruncate(fd, (off_t)c->len) != 0 || pwrite(fd, c->bytes, c->len, 0) != (ssize_t)c->len)
		disk_die(path);
	close(fd);
}

static void undo_write(struct content *c, const struct change *w)
{
	resize(c, (size_t)w->r.size);
	if (w->r.a_len > 0)
		memcpy(c->bytes + w->r.off, w->a, w->r.a_len);
}

/* Sector by sector from one or the other; the length too. */
static void tear(struct dropping *d, struct content *c, const struct content *other)
{
	resize(c, below(d, 2) == 0 ? other->len : c->len);
	for (size_t at = 0; at < c->len && at < other->len; at += SECTOR) {
		size_t end = at + SECTOR;

		end = end < c->len ? end : c->len;
		end = end < other->len ? end : other->len;
		if (below(d, 2) == 0)
			memcpy(c->bytes + at, other->bytes + at, end - at);
	}
}

/* w: the indices of a file's n changes that no flush followed. */
static void drop_content(struct dropping *d, const char *path, const size_t *w, size_t n)
{
	const size_t how = d->seed == 0 ? 0 : below(d, 4);
	const size_t kept = how == 0 ? 0 : how == 1 ? n : below(d, n + 1);
	struct content now = { NULL, 0, 0 }, torn = { NULL, 0, 0 };

	load(&now, path);
	if (how == 3)
		load(&torn, path);
	for (size_t i = n; i-- > kept;)
		undo_write(&now, &d->list[w[i]]);
	if (how == 3)
		tear(d, &now, &torn);
	store(&now, path);
	disk.dropped_writes += (long)(n - kept);
	free(now.bytes);
	free(torn.bytes);
}

/* A file's changes behind its last flush: their indices into w. */
static size_t pending_of(const struct dropping *d, uint64_t ino, size_t *w)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].r.ino != ino)
			continue;
		if (d->list[i].r.kind == DISK_SYNC)
			n = 0;
		else if (d->list[i].r.kind == DISK_WRITE)
			w[n++] = i;
	}
	return n;
}

static void drop_contents(struct dropping *d)
{
	size_t *w = calloc(d->n + 1, sizeof *w);

	if (w == NULL)
		disk_die("memory");
	for (size_t i = 0; i < d->n; i++) {
		const uint64_t ino = d->list[i].r.ino;
		size_t n;

		if (d->list[i].r.kind != DISK_WRITE || d->list[i].is_durable)
			continue;
		n = pending_of(d, ino, w);
		for (size_t j = i; j < d->n; j++) /* this file's are seen to */
			if (d->list[j].r.kind == DISK_WRITE && d->list[j].r.ino == ino)
				d->list[j].is_durable = true;
		if (n > 0 && (*find_below(disk.root, ino) || *find_below(disk.held, ino)))
			drop_content(d, found, w, n);
	}
	free(w);
}

/* ---- names ---------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* The name in the folder of that inode; false where that is gone with all that was in it. */
static bool path_in(char path[DISK_PATH + 256], uint64_t dir, const char *name)
{
	if (*find_below(disk.root, dir) == '\0')
		return false;
	snprintf(path, DISK_PATH + 256, "%s/%s", found, name);
	return true;
}

/* From held/ to its place. A file may have been given back before: it stays there. */
static void give_back(uint64_t ino, const char *path)
{
	char held[DISK_PATH + 32];
	struct stat st;

	snprintf(held, sizeof held, "%s/%ju", disk.held, (uintmax_t)ino);
	if (lstat(held, &st) != 0 || (S_ISDIR(st.st_mode) ? rename(held, path) : link(held, path)) != 0)
		disk_die(path);
}

static void undo_name(const struct change *c)
{
	char path[DISK_PATH + 256], from[DISK_PATH + 256];

	if (!path_in(path, c->r.dir, c->a))
		return;
	if (c->r.kind == DISK_CREATE && unlink(path) != 0)
		disk_die(path);
	if (c->r.kind == DISK_MKDIR)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (c->r.kind == DISK_UNLINK || c->r.kind == DISK_RMDIR)
		give_back(c->r.ino, path);
	if (c->r.kind != DISK_RENAME || !path_in(from, c->r.dir2, c->b))
		return;
	if (rename(from, path) != 0)
		disk_die(from);
	if (c->r.replaced != 0)
		give_back(c->r.replaced, from);
}

static void undo_names(struct dropping *d)
{
	for (size_t i = d->n; i-- > 0;) {
		const struct change *c = &d->list[i];

		if (!is_name(c) || c->is_kept || c->is_durable)
			continue;
		undo_name(c);
		disk.dropped_names++;
	}
}

static int remove_memory(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	size_t n = strlen(path);

	(void)st;
	(void)at;
	return kind == FTW_F && n > 4 && strcmp(path + n - 4, "-shm") == 0 ? unlink(path) : 0;
}

void disk_drop(const char *root, uint64_t seed)
{
	struct dropping d = { .seed = seed, .random = seed };
	char whole[DISK_PATH];

	if (!disk.is_on || realpath(root, whole) == NULL || strcmp(whole, disk.root) != 0)
		disk_die("disk_drop of a folder that is not watched");
	disk.is_on = false; /* what follows is the disk's own doing */
	disk.dropped_names = disk.dropped_writes = 0;
	read_journal(&d);
	find_durable_names(&d);
	choose_names(&d);
	if (seed != 1)
		drop_contents(&d);
	undo_names(&d);
	nftw(disk.root, remove_memory, 16, FTW_PHYS);
	free(d.journal);
	free(d.list);
	disk_log_start();
	disk.is_on = true;
}
