/*
 * A point of history: a commit of main, and the ways to name one.
 *
 *     3f9c2e1      a commit of main, by 4 or more digits of its name
 *     8a51d07      a change commit: the commit of main that took it in
 *     2026-03-01   a day (its end), or a time 2026-03-01T14:05:09Z: the last commit of main received until then, by the
 *                  clock of the hub that wrote it; what is left out of a time means its end, and its zone UTC
 *     now, main    main as it is
 *     POINT~N      N commits before it, by first parents; POINT~ is POINT~1
 */
#ifndef CASEPACK_SYNC_POINT_H
#define CASEPACK_SYNC_POINT_H

#include "sync/repo.h"
#include "sync/store.h"

struct cp_point {
	struct cp_oid oid, tree;
	int64_t at_us;               /* when it was written: received, by its hub's clock; whole seconds */
};

/*
 * CP_ENOTFOUND: nothing of that name, a time before main's first commit, a change commit that main has not taken in.
 * CP_EINPUT: several commits begin so, or this workspace has no main of a lead's hub. CP_EUSAGE: what is no name at all.
 */
CP_CHECKED enum cp_code cp_point_find(struct cp_store *s, const char *name, struct cp_point *out, struct cp_err *err);

/* A commit by the first 4 or more digits of its name, in either letter case. */
enum cp_named_kind { CP_NAMED_MAIN, CP_NAMED_CHANGE, CP_NAMED_OUTBOUND };
struct cp_named {
	struct cp_oid oid;
	enum cp_named_kind kind;
	bool is_private;             /* a change commit of private.git */
	bool is_known;               /* a change commit that the database knows, with one of: */
	char verdict[16];            /* accepted, refused, waiting */
};
/* May that word be meant so? 4 to 40 hex digits. */
bool cp_named_may_be(const char *word);
/* CP_ENOTFOUND; CP_EINPUT: several begin so. */
CP_CHECKED enum cp_code cp_named_find(struct cp_store *s, const char *digits, struct cp_named *out, struct cp_err *err);

/* The commit of main that took that change commit in (or, of one that was refused, that says so): this hub's own where it
 * said so too. out->oid.hex is "" when there is none. */
CP_CHECKED enum cp_code cp_point_of_change(struct cp_store *s, const char *oid, const char *verdict, struct cp_point *out,
		struct cp_err *err);

#endif
