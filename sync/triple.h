/*
 * Change commits as they come in a bundle, each as three objects: commit, tree, changeset.
 * A bundle carries no object twice: where two commits have one tree, it came with the
 * first of them, and the second comes alone.
 *
 *     CP_AUTO(triples) struct cp_triples t = CP_TRIPLES(visit, find, user, limits);
 *     cp_bundle_each_object(b, cp_triples_object, &t, err), then cp_triples_end(&t, err)
 */
#ifndef CASEPACK_SYNC_TRIPLE_H
#define CASEPACK_SYNC_TRIPLE_H

#include "formats/gitobject.h"
#include "formats/limits.h"

struct cp_triples;
/* One that is whole: t->commit, t->tree and their names, each object hashing to its name; that they belong together is
 * for the visitor to check (cp_change_commit_check). Its failure ends the reading. */
typedef enum cp_code cp_triple_visit(void *user, struct cp_triples *t, const void *changeset, size_t len, struct cp_err *err);
/* The tree of that name, which came earlier, and its changeset, appended. Any failure: it did not. */
typedef enum cp_code cp_triple_find(void *user, const char *tree_oid, struct cp_buf *tree, struct cp_buf *changeset,
		struct cp_err *err);

struct cp_triples {
	struct cp_buf commit, tree;
	struct cp_oid commit_oid, tree_oid;
	int expects;                     /* 0 commit, 1 tree, 2 blob */
	cp_triple_visit *visit;
	cp_triple_find *find;
	void *user;
	const struct cp_limits *limits;  /* of changesets and what is in them; borrowed */
};
#define CP_TRIPLES(visit, find, user, limits) \
	{ CP_BUF((size_t)1 << 20), CP_BUF((size_t)1 << 20), { "" }, { "" }, 0, visit, find, user, limits }
void cp_triples_drop(struct cp_triples *t);

/* The next object; a cp_object_visit. CP_EFORMAT: not the one that must come, it does not hash to its name, or it is over a
 * limit. */
CP_CHECKED enum cp_code cp_triples_object(void *triples, const char *oid, const char *type, const void *bytes, size_t len,
		struct cp_err *err);
/* Behind the last one. CP_EFORMAT: it ended within a change commit. */
CP_CHECKED enum cp_code cp_triples_end(struct cp_triples *t, struct cp_err *err);

#endif
