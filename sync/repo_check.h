/*
 * Every file of a repository read to its end: each copy of each object hashed again,
 * each thing that an object or ref names looked for. Knows nothing of meanings.
 *
 * Keeps some 40 bytes for each object.
 */
#ifndef CASEPACK_SYNC_REPO_CHECK_H
#define CASEPACK_SYNC_REPO_CHECK_H

#include "formats/hash.h"
#include "sync/repo.h"

struct cp_repo_check {
	void *user;
	/* A pack (with its index) or all loose objects, with a hash of their bytes, before it is read. *skip: those objects
	 * were read once, and have not changed since. */
	enum cp_code (*file)(void *user, const char *name, const struct cp_hash *hash, bool *skip, struct cp_err *err);
	/* One object, whole. Borrowed bytes. */
	enum cp_code (*object)(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err);
	/* where: a file or a ref; what is wrong there */
	enum cp_code (*wrong)(void *user, const char *where, const char *what, struct cp_err *err);
	/* An object of which no whole copy is here, and one that names it, "" where none does: behind what is wrong of it. May be
	 * NULL; may come again. */
	enum cp_code (*absent)(void *user, const char *oid, const char *by, struct cp_err *err);
	/* Every ref by its full name; oid is "" where it is no plain one. */
	enum cp_code (*ref)(void *user, const char *name, const char *oid, struct cp_err *err);
	int64_t objects, bytes, loose; /* read now */
	int64_t skipped;               /* files */
	int64_t unnamed;               /* objects read now that nothing names */
};

/* CP_EIO: it cannot be read at all. What is wrong in it is told, and no failure. */
CP_CHECKED enum cp_code cp_repo_check(struct cp_repo *r, struct cp_repo_check *check, struct cp_err *err);

#endif
