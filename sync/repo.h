/*
 * A bare git repository through libgit2: objects, packs, branches. Knows nothing
 * of what the objects mean. history.git and private.git are both of this kind.
 *
 * New objects are staged in memory, readable at once, and written by
 * cp_repo_flush into one pack with its index, flushed to the disk. A branch moves
 * only to what has been flushed, so a crash leaves at the most an unused pack.
 */
#ifndef CASEPACK_SYNC_REPO_H
#define CASEPACK_SYNC_REPO_H

#include "formats/gitobject.h"

struct cp_repo; /* opaque */

/* A new bare repository with main as its branch, what shows changesets in words configured (diff.casepack.command
 * and .textconv) and gpg.ssh left alone. Refuses an existing path. */
CP_CHECKED enum cp_code cp_repo_create(const char *path, struct cp_err *err);
/* Opens without the owner check: sticks and shares have owners of their own. Removes stale
 * locks, and when the first object is asked for packs that were never finished: the caller holds the workspace's lock when for_writing is true. */
CP_CHECKED enum cp_code cp_repo_open(struct cp_repo **out, const char *path, bool for_writing,
		struct cp_err *err);
void cp_repo_free(struct cp_repo *r); /* drops what is staged; joins packs where there are many (repo_packs.h) */

/* ---- objects ---------------------------------------------------------------------- */

CP_CHECKED enum cp_code cp_repo_blob(struct cp_repo *r, const void *bytes, size_t len, struct cp_oid *out,
		struct cp_err *err);
/* A tree with one regular file. */
CP_CHECKED enum cp_code cp_repo_single(struct cp_repo *r, const char *name, const struct cp_oid *blob,
		struct cp_oid *out, struct cp_err *err);
/* base (NULL: the empty tree) with files put or, where blob.hex is "", removed; paths as "a/b/c", at most 16
 * folders deep, each once. Folders left empty vanish. Staged bytes count the new trees only. CP_EINPUT: a path
 * that may not be, or is a folder here and a file there. CP_ENOTFOUND: a blob that is not here. */
struct cp_tree_edit { const char *path; struct cp_oid blob; };
CP_CHECKED enum cp_code cp_repo_tree(struct cp_repo *r, const struct cp_oid *base, const struct cp_tree_edit *edits,
		size_t n, struct cp_oid *out, struct cp_err *err);
/* c names tree, parents, people and message; signed with key. CP_ENOTFOUND: no such tree or parent. CP_EFORMAT:
 * over 1 MiB, or people or words that cp_commit_read would refuse. */
CP_CHECKED enum cp_code cp_repo_commit(struct cp_repo *r, const struct cp_commit *c, const struct cp_seckey *key,
		struct cp_oid *out, struct cp_err *err);
/* A raw object under its name: CP_EFORMAT when the bytes do not hash to it, or when a commit or tree is not
 * one that casepack writes (formats/gitobject.h). type: "commit", "tree", "blob". What it refers to need not
 * be here yet: the caller sees to it before it moves a branch. */
CP_CHECKED enum cp_code cp_repo_put(struct cp_repo *r, const char *oid_hex, const char *type, const void *bytes,
		size_t len, struct cp_err *err);
bool cp_repo_has(struct cp_repo *r, const char *oid_hex);
/* The name that bytes would have, without storing them. */
CP_CHECKED enum cp_code cp_repo_name(struct cp_oid *out, const char *type, const void *bytes, size_t len,
		struct cp_err *err);
/* Appends the object's bytes; type (may be NULL for any) must agree. CP_ENOTFOUND when absent. */
CP_CHECKED enum cp_code cp_repo_read(struct cp_repo *r, const char *oid_hex, const char *type, struct cp_buf *out,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_repo_read_commit(struct cp_repo *r, const char *oid_hex, struct cp_commit *out,
		struct cp_err *err);
/* The file at path in a commit's tree. CP_ENOTFOUND when it has none. */
CP_CHECKED enum cp_code cp_repo_read_path(struct cp_repo *r, const char *commit_hex, const char *path,
		struct cp_buf *out, struct cp_err *err);

/* The file at path in a tree; out->hex is "" when it has none. */
CP_CHECKED enum cp_code cp_repo_entry(struct cp_repo *r, const struct cp_oid *tree, const char *path, struct cp_oid *out,
		struct cp_err *err);

/* A tree with the one file name, and that file's bytes, both appended. CP_ENOTFOUND: not here. */
CP_CHECKED enum cp_code cp_repo_read_single(struct cp_repo *r, const char *tree_hex, const char *name, struct cp_buf *tree,
		struct cp_buf *bytes, struct cp_err *err);

/* Bytes staged and not yet flushed; callers flush past CP_REPO_PACK_MAX to bound memory. */
#define CP_REPO_PACK_MAX ((size_t)64 << 20)
size_t cp_repo_staged(const struct cp_repo *r);
CP_CHECKED enum cp_code cp_repo_flush(struct cp_repo *r, struct cp_err *err);
/* Forgets what is staged. After a failed flush everything is still staged. */
void cp_repo_forget(struct cp_repo *r);

/* ---- branches: names without refs/heads/ ------------------------------------------- */

/* out->hex is "" when there is no such branch. */
CP_CHECKED enum cp_code cp_repo_branch(struct cp_repo *r, const char *name, struct cp_oid *out, struct cp_err *err);
/* Moves it from old ("" : must not exist) to now ("" : it ends), on disk when this returns. CP_EBUSY when it is elsewhere
 * or locked; CP_EIO when now is staged and not flushed yet; CP_ENOTFOUND when it is not here. */
CP_CHECKED enum cp_code cp_repo_move(struct cp_repo *r, const char *name, const struct cp_oid *old,
		const struct cp_oid *now, struct cp_err *err);
/* Every branch whose name begins with prefix, sorted by name. */
CP_CHECKED enum cp_code cp_repo_branches(struct cp_repo *r, const char *prefix, struct cp_tips *out,
		struct cp_err *err);
/* First parents from tip down to, without, stop ("" : behind the root), given oldest first. CP_EFORMAT when
 * stop is not reached, CP_ENOTFOUND when a commit on the way is missing; nothing is visited then. Keeps 20
 * bytes a commit. A visitor's failure ends the walk and is returned. */
typedef enum cp_code cp_commit_visit(void *user, const char *oid_hex, const struct cp_commit *c, struct cp_err *err);
CP_CHECKED enum cp_code cp_repo_walk(struct cp_repo *r, const char *tip_hex, const char *stop_hex,
		cp_commit_visit *visit, void *user, struct cp_err *err);

/* First parents from tip on, newest first, until the visitor sets *is_enough. */
typedef enum cp_code cp_back_visit(void *user, const char *oid_hex, const struct cp_commit *c, bool *is_enough, struct cp_err *err);
CP_CHECKED enum cp_code cp_repo_back(struct cp_repo *r, const char *tip_hex, cp_back_visit *visit, void *user,
		struct cp_err *err);

/* Every commit that tip reaches and none of hides does, all parents followed, each behind its parents. */
CP_CHECKED enum cp_code cp_repo_walk_all(struct cp_repo *r, const char *tip_hex, const struct cp_oid *hides, size_t n_hides,
		cp_commit_visit *visit, void *user, struct cp_err *err);
/* Does tip reach that commit, or is it? false (and CP_OK) where either is no commit that is here. */
CP_CHECKED enum cp_code cp_repo_reaches(struct cp_repo *r, const char *tip_hex, const char *oid_hex, bool *out,
		struct cp_err *err);
/* Each tree and blob that the tree holds and base (NULL: nothing) does not have at the same path, a tree behind what it
 * holds. */
typedef enum cp_code cp_entry_visit(void *user, const char *oid_hex, const char *type, struct cp_err *err);
CP_CHECKED enum cp_code cp_repo_each_new(struct cp_repo *r, const char *tree_hex, const char *base_hex,
		cp_entry_visit *visit, void *user, struct cp_err *err);

/* Commits whose names begin with these digits (4 to 40, lower case), at most max; *n of them. Where other objects begin so
 * too, those that branches reach. */
CP_CHECKED enum cp_code cp_repo_named(struct cp_repo *r, const char *digits, struct cp_oid *out, size_t max, size_t *n,
		struct cp_err *err);
/* Each path whose file differs between two trees, in git's order; was or now is "" where there is none. Reads only folders
 * that differ; trees that are staged and not flushed are not found. */
typedef enum cp_code cp_path_visit(void *user, const char *path, const struct cp_oid *was, const struct cp_oid *now,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_repo_compare(struct cp_repo *r, const struct cp_oid *tree_a, const struct cp_oid *tree_b,
		cp_path_visit *visit, void *user, struct cp_err *err);

/*
 * Where a line of that name may stand: *at is the branch (NAME, NAME.2, NAME.3, ...) that tip grows from or is, else the
 * first free one; tips are the branches there are. out->name is "" where one of them reaches tip already.
 */
CP_CHECKED enum cp_code cp_repo_line(struct cp_repo *r, const struct cp_tips *tips, const char *name, const char *tip_hex,
		struct cp_tip *out, struct cp_err *err);

/* An empty repository at path (swept away first) that sees all objects of r and offers its branches when it fetches.
 * Removed again by cp_repo_scratch_end. */
CP_CHECKED enum cp_code cp_repo_scratch(struct cp_repo **out, const char *path, struct cp_repo *r, struct cp_err *err);
void cp_repo_scratch_end(struct cp_repo *scratch);
/* See what came without this handle: fetched, or flushed into the repository that a scratch one looks into. */
CP_CHECKED enum cp_code cp_repo_refresh(struct cp_repo *r, struct cp_err *err);

/* A standard git bundle (v2) of the branches named and all that they reach, nothing else, at path, which is
 * replaced: `git clone FILE` takes it, and checks out main when that is among them. */
CP_CHECKED enum cp_code cp_repo_export(struct cp_repo *r, const char *path, const struct cp_tips *branches,
		struct cp_err *err);

#endif
