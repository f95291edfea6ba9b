/*
 * Between the files of the disk: the journal's records.
 *
 * The journal is a sequence of records, each a struct disk_record and then a_len + b_len bytes. Inodes are their
 * own names: none is used twice, since what is unlinked is kept in the folder held/ of the journal.
 */
#ifndef CASEPACK_TESTS_SIM_DISK_INNER_H
#define CASEPACK_TESTS_SIM_DISK_INNER_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>

#include "tests/sim/disk.h"

enum disk_kind {
	DISK_WRITE,  /* ino had size bytes, and a at offset off; also a file cut shorter */
	DISK_SYNC,   /* the content of ino is durable */
	DISK_CREATE, /* ino has the name a in dir: a new file, or a further name of one */
	DISK_UNLINK, /* ino had the name a in dir; the file is held */
	DISK_RENAME, /* from name a in dir to name b in dir2, where replaced (0: nothing) was, which is held */
	DISK_MKDIR,
	DISK_RMDIR,  /* the folder itself is held, as ino */
	DISK_SYNC_FOLDER, /* the names in ino are durable */
};

struct disk_record {
	enum disk_kind kind;
	uint32_t a_len, b_len; /* names with their NUL */
	uint64_t ino, dir, dir2, replaced;
	int64_t off, size;
};

#define DISK_PATH 4096

/* Seen by parent and children. */
struct disk_shared {
	_Atomic long points, writes, flushes, names;
	char point[DISK_PATH + 64];
};

struct disk {
	bool is_on;
	char root[DISK_PATH], journal[DISK_PATH], held[DISK_PATH];
	int log;
	long cut, dropped_writes, dropped_names;
	struct disk_shared *shared;
};
extern struct disk disk;

void disk_log_start(void); /* an empty journal */
_Noreturn void disk_die(const char *what);

/* A name below the watched folder. */
struct disk_place {
	char path[DISK_PATH];
	const char *name; /* its last part */
	uint64_t dir;
	bool is_there;
	struct stat st;   /* where it is there */
};
/* False: not below, or nothing that is watched. at and path as in openat. */
bool disk_place_of(struct disk_place *p, int at, const char *path);

/* What goes before and behind a call; those of files that are not watched do nothing. */
void disk_point_at(const char *when, const char *call, const char *path);
void disk_note(struct disk_record r, const void *a, size_t a_len, const void *b, size_t b_len);
void disk_note_name(enum disk_kind kind, const struct disk_place *p, uint64_t ino);
void disk_hold(const struct disk_place *p); /* what is about to lose its name */
void disk_before_write(int fd, off_t off, size_t len); /* off -1: where the file stands */
void disk_before_truncate(int fd, off_t len);
void disk_before_map(int fd, size_t len, int protection, int flags, off_t off);
bool disk_flushed(int fd, const char *call); /* false: not watched, nothing was done */

/* libc's function of that name. */
#define REAL(name)                                                                                  \
	({                                                                                          \
		static __typeof__(&name) real_;                                                     \
		if (real_ == NULL)                                                                  \
			*(void **)&real_ = dlsym(RTLD_NEXT, #name);                                 \
		real_;                                                                              \
	})

#endif
