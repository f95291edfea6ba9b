/*
 * All revisions of one guideline, or versions of one form, with what an auditor asks of each:
 * who wrote it, where and when, on which others, in which change commit.
 */
#ifndef CASEPACK_SYNC_REVISION_H
#define CASEPACK_SYNC_REVISION_H

#include "sync/store.h"

struct cp_revision {
	struct cp_id id;
	int64_t number;
	char kind[16];               /* editorial, clarifying, breaking */
	char author[64];             /* pseudonym */
	char *note;                  /* never NULL */
	char device[CP_ID_HEX];      /* whose change commit it came in; "" where none is here: a device is given rows */
	char commit[41];             /* "" while unsealed, or where none is here */
	int64_t claimed_us, received_us; /* by the author's clock, and by the clock here; 0: not received from anywhere */
	size_t *parents; size_t n_parents; /* places in the list, in the order of the row */
	size_t n_absent;             /* further parents that are not here: a device holds only some revisions */
	bool is_unsealed, is_current, is_unmerged; /* as in struct cp_text_row */
	int64_t judgments;           /* that stand, and name it */
};

/* Sorted by number, then clock, then id: each behind its parents, the current one last. */
struct cp_revision_list { bool is_form; struct cp_id text; struct cp_revision *list; size_t n; };
void cp_revision_list_drop(struct cp_revision_list *r);
/* CP_ENOTFOUND: no such guideline or form. */
CP_CHECKED enum cp_code cp_revision_list_load(struct cp_store *s, bool is_form, const char *name, struct cp_revision_list *out,
		struct cp_err *err);
/* SIZE_MAX when it is none of them. */
size_t cp_revision_at(const struct cp_revision_list *r, const struct cp_id *id);
/* marks has r->n places, all false: sets those of revision i and all that it grew from; of i and all that grew from it. */
void cp_revision_above(const struct cp_revision_list *r, size_t i, bool *marks);
void cp_revision_below(const struct cp_revision_list *r, size_t i, bool *marks);

/*
 * What its change commit's signature is worth here and now: "good" (by the key of the device that the commit names),
 * "revoked" (good, but a lead trusts that device no longer), "bad", "unsealed" (not signed yet), "absent" (the commit is
 * not here).
 */
CP_CHECKED enum cp_code cp_revision_signature(struct cp_store *s, const struct cp_revision *r, const char **out,
		struct cp_err *err);

/* Which revision brought in each line of revision tip: as cp_textblame. */
CP_CHECKED enum cp_code cp_revision_blame(struct cp_store *s, const struct cp_revision_list *r, size_t tip, size_t **out, size_t *n,
		struct cp_err *err);

#endif
