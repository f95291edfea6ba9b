/*
 * What the files of sync/repo*.c share; nobody else includes this.
 */
#ifndef CASEPACK_SYNC_REPO_INNER_H
#define CASEPACK_SYNC_REPO_INNER_H

#include "sync/repo.h"
#include "sync/repo_stage.h"

struct cp_repo {
	char *path;
	git_repository *git;    /* NULL until cp_repo_ready, like the next two */
	git_odb *odb;
	struct cp_stage *stage; /* belongs to odb */
	bool for_writing, has_flushed;
};

/* libgit2 takes 10 ms to start, most of it for the certificates of a network that casepack never speaks to, so it starts when the
 * first object is asked for: what reads git, odb or stage is behind this. */
CP_CHECKED enum cp_code cp_repo_ready(struct cp_repo *r, struct cp_err *err);
/* CP_EFORMAT: not 40 lower-case hex digits. */
CP_CHECKED enum cp_code cp_repo_oid(git_oid *out, const char *hex, struct cp_err *err);
/* Staged or on disk. Looks once, in the packs that are open: objects come through this handle only. */
bool cp_repo_holds(struct cp_repo *r, const git_oid *id);
/* Names the bytes, and stages them unless they are held. */
CP_CHECKED enum cp_code cp_repo_stage(struct cp_repo *r, git_object_t type, const void *bytes, size_t len,
		git_oid *id, struct cp_err *err);
/* Appends the bytes; want may be GIT_OBJECT_ANY. */
CP_CHECKED enum cp_code cp_repo_object(struct cp_repo *r, const git_oid *id, git_object_t want,
		struct cp_buf *out, struct cp_err *err);
/* As cp_repo_put, also where it is held already: that copy may be damaged. */
CP_CHECKED enum cp_code cp_repo_put_anew(struct cp_repo *r, const char *oid_hex, const char *type, const void *bytes, size_t len,
		struct cp_err *err);
/* The object must be held and of that type. */
CP_CHECKED enum cp_code cp_repo_need(struct cp_repo *r, const char *hex, git_object_t want, struct cp_err *err);
enum cp_code cp_repo_absent(const struct cp_repo *r, const git_oid *id, struct cp_err *err);
/* A tree that casepack would write: entries, order, names, no file and folder of one name. */
CP_CHECKED enum cp_code cp_repo_check_tree(const void *bytes, size_t len, struct cp_err *err);

/* What a new repository is given, so that plain git shows changesets in words. */
#define CP_TEXTCONV_NAME "diff.casepack.textconv"
#define CP_TEXTCONV "casepack show --textconv"
#define CP_EXT_DIFF_NAME "diff.casepack.command"
#define CP_EXT_DIFF "casepack show --ext-diff"
#define CP_REPO_ATTRIBUTES "changeset diff=casepack\n"

/* The full name of a branch. CP_EINPUT: git knows no such names. */
#define CP_HEADS "refs/heads/"
struct cp_ref { char text[sizeof(CP_HEADS) + sizeof(((struct cp_tip *)0)->name)]; };
CP_CHECKED enum cp_code cp_repo_ref(struct cp_ref *out, const char *branch, struct cp_err *err);

#define CP_REPO_DEPTH_MAX 16 /* folders in a path: trees are read and edited by recursion */

#endif
