/*
 * Judgments that have lapsed: late, because the assignment was taken back by an edit
 * that did not know them, or stale, because a breaking revision stands that is not among
 * the ancestors of the one they name. They are kept, and counted apart.
 *
 * Rows of class late and stale in conflicts are derived: a pure function of the synced
 * rows and the judgment's edits.
 */
#ifndef CASEPACK_SYNC_LAPSE_H
#define CASEPACK_SYNC_LAPSE_H

#include "sync/store.h"

/* Documents whose lapse may have changed; each may be named any number of times. Inside the caller's transaction,
 * when the documents' own rows are written. */
CP_CHECKED enum cp_code cp_lapse_touched(struct cp_store *s, size_t table, const struct cp_id *doc, struct cp_err *err);

/* Every judgment anew. */
CP_CHECKED enum cp_code cp_lapse_again(struct cp_store *s, struct cp_err *err);

/* One stale judgment and one revision that makes it so. Strings are borrowed for the visit. */
struct cp_stale_row {
	struct cp_id judgment, cause;
	bool is_form;                  /* cause is a form's version, else a guideline's revision */
	const char *case_name, *rater, *text;   /* text: name of the guideline or form */
	int64_t pass, named, broken_by;         /* numbers of the revision named, and of the breaking one */
	const char *decision;          /* "" open, keep, requeue, void */
};
typedef enum cp_code cp_stale_visit(void *user, const struct cp_stale_row *row, struct cp_err *err);
/* text: name of a guideline or form, NULL for all. By text, case, rater, pass. */
CP_CHECKED enum cp_code cp_stale_each(struct cp_store *s, const char *text, cp_stale_visit *visit, void *user,
		struct cp_err *err);

struct cp_stale_settle {
	const char *decision;          /* keep, requeue, void */
	const char *reason;
	const char *text;              /* only judgments that this guideline or form made stale; NULL: any */
	const char *const *cases; size_t n_cases;   /* only of these; none: all */
	const char *const *people; size_t n_people; /* likewise */
	bool settled_too;              /* decide again where somebody has decided already */
	bool is_dry_run;
};
struct cp_stale_settled { int64_t judgments, requeued; };
/* Hub: decide about every stale judgment that fits. requeue gives the case to its rater once more, as a further pass. */
CP_CHECKED enum cp_code cp_stale_settle(struct cp_store *s, const struct cp_stale_settle *w, struct cp_stale_settled *out,
		struct cp_err *err);

#endif
