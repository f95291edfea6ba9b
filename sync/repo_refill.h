/*
 * Objects that a repository names and that are missing or damaged there, taken from
 * others that have them under that very name. Knows nothing of meanings.
 */
#ifndef CASEPACK_SYNC_REPO_REFILL_H
#define CASEPACK_SYNC_REPO_REFILL_H

#include "sync/repo.h"

struct cp_lack { struct cp_oid oid, by; }; /* by: an object that names it, "" where a branch does */
struct cp_lacks { struct cp_lack *list; size_t n, room; };
void cp_lacks_drop(struct cp_lacks *l);
CP_CHECKED enum cp_code cp_lacks_add(struct cp_lacks *l, const char *oid, const char *by, struct cp_err *err);

/* Stages in r each of these that from has whole, and what those name in their turn and r does not have. Nothing else is
 * taken, so what r must not hold stays where it is. *n is raised by the objects. */
CP_CHECKED enum cp_code cp_repo_refill(struct cp_repo *r, struct cp_repo *from, const struct cp_lacks *lacks, int64_t *n,
		struct cp_err *err);

#endif
