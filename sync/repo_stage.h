/*
 * New git objects in memory, in the order in which they came, as a backend of
 * libgit2's object database: readable there at once, written later as one pack.
 */
#ifndef CASEPACK_SYNC_REPO_STAGE_H
#define CASEPACK_SYNC_REPO_STAGE_H

#include <git2.h>
#include <stdbool.h>

#include "formats/err.h"

struct cp_stage; /* opaque */

/* Becomes odb's first backend; odb ends it. out is set on CP_OK only. */
CP_CHECKED enum cp_code cp_stage_new(struct cp_stage **out, git_odb *odb, struct cp_err *err);

/* An object whose name the caller has computed; bytes are copied. One that is staged already stays. */
CP_CHECKED enum cp_code cp_stage_add(struct cp_stage *s, const git_oid *id, git_object_t type,
		const void *bytes, size_t len, struct cp_err *err);
/* Where the object stands in a tree: like names make good deltas. Nothing happens when it is not staged. */
void cp_stage_hint(struct cp_stage *s, const git_oid *id, const char *path, size_t path_len);

bool cp_stage_has(const struct cp_stage *s, const git_oid *id);
/* *bytes are borrowed until the next call that adds or clears. */
bool cp_stage_find(const struct cp_stage *s, const git_oid *id, git_object_t *type, const void **bytes,
		size_t *len);
size_t cp_stage_bytes(const struct cp_stage *s);
size_t cp_stage_count(const struct cp_stage *s);

/* One pack with its index in folder, flushed to the disk. What is staged stays staged. */
CP_CHECKED enum cp_code cp_stage_pack(struct cp_stage *s, git_repository *repo, const char *folder,
		struct cp_err *err);
void cp_stage_clear(struct cp_stage *s);

/* libgit2's last words behind ours. Disk and memory: CP_EIO; otherwise code. */
enum cp_code cp_fail_git(struct cp_err *err, enum cp_code code, const char *fmt, ...) CP_PRINTF(3, 4);

#endif
