/*
 * What waits for a lead's word about trust, and the word.
 *
 *     refused    a change commit that its author may not have written, or whose device is not trusted
 *     waiting    one that needs what has not come yet
 *     stranger   a device with a key that is not on the roster and says that it goes on for one that is
 *     review     one that was taken in from a device that was revoked later, or that goes on for such a one by its key alone
 *
 * A decision is a ruling (sync/ruling.h), an edit with its reason. Accepting takes in a refused one: only the trust in its
 * device is the lead's to give; what its author may not write stays refused. Dropping leaves it refused, and the
 * list shows it no more; its author is told why. Keeping says that one to be reviewed was looked at, and is right.
 */
#ifndef CASEPACK_SYNC_QUARANTINE_H
#define CASEPACK_SYNC_QUARANTINE_H

#include "sync/deliver.h"
#include "sync/refused.h"

struct cp_quarantined {
	const char *oid;                /* "" for a stranger */
	const char *kind;               /* refused, waiting, stranger, review */
	const char *pseudonym;          /* "" where the author is not known */
	const char *device;             /* its id in hex */
	const char *reason;             /* why it is here, in words */
	const char *decision, *decision_reason; /* "" while there is none */
	int64_t edits, since_us;
};
typedef enum cp_code cp_quarantine_visit(void *user, const struct cp_quarantined *one, struct cp_err *err);
/* all: with what is decided already. Strangers first, then by kind and time. */
CP_CHECKED enum cp_code cp_quarantine_each(struct cp_store *s, bool all, cp_quarantine_visit *visit, void *user, struct cp_err *err);

/* How many of them a lead has to decide about: refused, to be reviewed, strangers. Waiting ones decide themselves. */
struct cp_quarantine_count { int64_t refused, review, strangers; };
CP_CHECKED enum cp_code cp_quarantine_count(struct cp_store *s, struct cp_quarantine_count *out, struct cp_err *err);

/* Change commits that wait for something; not those behind a dropped one, or of a device that was dropped. */
CP_CHECKED enum cp_code cp_waiting_count(struct cp_store *s, int64_t *out, struct cp_err *err);

/* The one change commit of the list whose name begins with prefix, into oid. CP_ENOTFOUND, CP_EINPUT: none, several. */
CP_CHECKED enum cp_code cp_quarantine_find(struct cp_store *s, const char *prefix, char oid[41], struct cp_err *err);

/* decision: "accept", "drop" or "keep". *out says what an acceptance took in. CP_EINPUT, and nothing was changed, where
 * the decision does not fit. */
CP_CHECKED enum cp_code cp_quarantine_decide(struct cp_store *s, const char *oid, const char *decision, const char *reason,
		struct cp_merged *out, struct cp_err *err);

/* What it would write, cell by cell. CP_EFORMAT: it cannot be read that far; CP_ENOTFOUND: its bytes are elsewhere. */
struct cp_quarantine_cell { const char *table, *column, *was, *now; char document[CP_ID_HEX]; bool is_new; };
typedef enum cp_code cp_quarantine_cell_visit(void *user, const struct cp_quarantine_cell *cell, struct cp_err *err);
CP_CHECKED enum cp_code cp_quarantine_cells(struct cp_store *s, const char *oid, cp_quarantine_cell_visit *visit, void *user,
		struct cp_err *err);

#endif
