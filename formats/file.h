/*
 * Files that are either the old one or the whole new one.
 *
 * A new file is written beside its place under a temporary name, flushed to the
 * disk, and renamed: until cp_newfile_commit returns CP_OK the path is as it was.
 */
#ifndef CASEPACK_FORMATS_FILE_H
#define CASEPACK_FORMATS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/hash.h"

struct cp_newfile {
	int fd;         /* -1 when none is open */
	char *path;     /* the final name, owned */
	char *temp;     /* the name until commit, owned */
	bool exclusive; /* commit fails with CP_EINPUT rather than replace */
};

#define CP_NEWFILE_NONE { -1, NULL, NULL, false }

/* Mode is that of the finished file, e.g. 0644. CP_EIO names the path. */
CP_CHECKED enum cp_code cp_newfile_begin(struct cp_newfile *f, const char *path, unsigned mode,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_newfile_add(struct cp_newfile *f, const void *bytes, size_t len,
		struct cp_err *err);
/* fsync, rename, fsync of the folder; f is empty afterwards, whatever is returned. */
CP_CHECKED enum cp_code cp_newfile_commit(struct cp_newfile *f, struct cp_err *err);
/* Gives up: removes the temporary file. Safe on an empty one. */
void cp_newfile_drop(struct cp_newfile *f);

/* Whole file into b, at most b->max bytes (more is CP_EFORMAT). Absent: CP_ENOTFOUND. */
CP_CHECKED enum cp_code cp_file_read(struct cp_buf *b, const char *path, struct cp_err *err);
CP_CHECKED enum cp_code cp_file_write(const char *path, unsigned mode, const void *bytes, size_t len,
		struct cp_err *err);

/* Where bytes go, piece by piece. */
typedef enum cp_code cp_sink(void *user, const void *bytes, size_t len, struct cp_err *err);
/* Where they come from: exactly len of them, from offset on. CP_EFORMAT when they are not there. */
typedef enum cp_code cp_read_at(void *user, void *bytes, size_t len, uint64_t offset, struct cp_err *err);

/* Of an open file, whose position is neither used nor moved: all of them, as cp_read_at; or up to len, *n of them, 0 at its end. */
CP_CHECKED enum cp_code cp_file_read_at(int fd, void *bytes, size_t len, uint64_t offset, struct cp_err *err);
CP_CHECKED enum cp_code cp_file_read_some(int fd, void *bytes, size_t len, uint64_t offset, size_t *n, struct cp_err *err);

/* BLAKE2b-256 of a whole file, and its length. CP_EIO also when it is absent. */
CP_CHECKED enum cp_code cp_file_hash(struct cp_hash *out, uint64_t *out_size, const char *path, struct cp_err *err);

bool cp_file_exists(const char *path);
/* Overwritten with zeros, flushed, and removed; a link is only removed. Quietly nothing when absent. */
CP_CHECKED enum cp_code cp_file_erase(const char *path, struct cp_err *err);
/* Every missing folder of path, like mkdir -p. */
CP_CHECKED enum cp_code cp_folder_make(const char *path, struct cp_err *err);
/* A folder of ours with all that is in it, links not followed; quietly nothing when absent. */
void cp_folder_remove(const char *path);
/* A finished folder takes its place: renamed to path, or where an empty folder is there already (somebody may
 * stand in it) its entries moved into that, the one named last in the end: where it is, all is. On the disk when
 * this returns. */
CP_CHECKED enum cp_code cp_folder_settle(const char *temp, const char *path, const char *last, struct cp_err *err);
/* Bytes an ordinary user can still write where path is. */
CP_CHECKED enum cp_code cp_folder_free(uint64_t *out_bytes, const char *path, struct cp_err *err);
/* fsync of a folder; quietly done where the file system has none. */
CP_CHECKED enum cp_code cp_folder_sync(const char *path, struct cp_err *err);

/* DIR "/" NAME, freed by the caller; NULL only without memory, which asserts. */
char *cp_path_join(const char *dir, const char *name);

#endif
