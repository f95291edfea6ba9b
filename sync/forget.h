/*
 * Retention: what cases show is forgotten by a lead, for good and everywhere, or kept by raters for so many days.
 *
 * A forgotten case leaves its row as a tombstone, `state` and `reason`, which travels like every edit: hubs erase when
 * they take it in, devices when they open it (sync/erase.h). Nothing that was judged changes, and nothing is late for it.
 * There is no way back; what was never content stays: a case's name in history, and what people wrote.
 */
#ifndef CASEPACK_SYNC_FORGET_H
#define CASEPACK_SYNC_FORGET_H

#include "sync/erase.h"

struct cp_forget {
	const char *const *cases; size_t n_cases; /* by id */
	const char *reason;              /* stands in history, and raters are told */
	bool is_dry_run;
};
struct cp_forgot {
	int64_t cases, again;            /* forgotten now; forgotten before, and looked for once more */
	int64_t judgments;               /* of those cases; they stay */
	int64_t shown;                   /* cases whose query is their name in history, where nothing is erased */
	struct cp_erased erased;         /* here */
};
/* A lead's hub. CP_EIO: they are forgotten, but what is erased may still stand in free room of the databases. */
CP_CHECKED enum cp_code cp_forget(struct cp_store *s, const struct cp_forget *f, struct cp_forgot *out, struct cp_err *err);

/* A forgotten case, and who is not known to have erased it: hubs and devices that it was given to. Borrowed for the visit. */
struct cp_forgotten_row {
	const char *case_id, *reason, *unconfirmed; /* unconfirmed: pseudonyms, comma separated */
	int64_t at_us, judgments, n_unconfirmed;
};
typedef enum cp_code cp_forgotten_visit(void *user, const struct cp_forgotten_row *row, struct cp_err *err);
CP_CHECKED enum cp_code cp_forgotten_each(struct cp_store *s, cp_forgotten_visit *visit, void *user, struct cp_err *err);

/* A lead: how many days raters keep content behind the receipt of its judgments; 0: for ever. */
CP_CHECKED enum cp_code cp_keep_days_set(struct cp_store *s, int64_t days, bool *changed, struct cp_err *err);
CP_CHECKED enum cp_code cp_keep_days(struct cp_store *s, int64_t *out, struct cp_err *err);

#endif
