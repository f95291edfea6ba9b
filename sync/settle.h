/*
 * What a lead decides: settlements of judgments, resolutions of what leads own, and
 * final answers. Nothing decided removes anything: what was overruled stays in
 * history, and another decision undoes the first.
 *
 *     cp_settling_begin, any number of cp_settle_* and cp_adjudicate, cp_settling_commit
 *
 * All is one edit: it is recorded whole at the commit, or not at all.
 */
#ifndef CASEPACK_SYNC_SETTLE_H
#define CASEPACK_SYNC_SETTLE_H

#include "formats/changeset.h"
#include "sync/conflict.h"

/* CP_EINPUT "only a lead's hub WHAT" elsewhere. */
CP_CHECKED enum cp_code cp_settle_check_lead(struct cp_store *s, const char *what, struct cp_err *err);

CP_CHECKED enum cp_code cp_settling_begin(struct cp_store *s, struct cp_err *err);
/* words: one line of history. What disagreed is decided anew. */
CP_CHECKED enum cp_code cp_settling_commit(struct cp_store *s, const char *words, struct cp_err *err);
void cp_settling_abort(struct cp_store *s); /* does nothing when none is open */

/* Is it one that is settled by a decision between candidates? CP_EINPUT says what to do where it is not: text, stale, late, private. */
CP_CHECKED enum cp_code cp_settle_check(const struct cp_conflict *c, struct cp_err *err);

/*
 * Take a candidate. Of a judgment it stands whole, by a settlement that weighs all its leaves
 * and all candidates; of a column its value is written over all leaves, by a resolution.
 * reason is required. CP_EINPUT: no reason, or nothing that can be settled so (class parallel,
 * identical, a private table).
 */
CP_CHECKED enum cp_code cp_settle_take(struct cp_store *s, const struct cp_conflict *c, size_t candidate,
		const char *reason, struct cp_err *err);
/*
 * Write a new value into the column of a conflict, over all leaves. CP_EINPUT for a judgment (there a
 * candidate is taken; a final answer of another value is an adjudication), for columns that hold no plain
 * value, and for a value that does not fit.
 */
CP_CHECKED enum cp_code cp_settle_value(struct cp_store *s, const struct cp_conflict *c, const char *value,
		const char *reason, struct cp_err *err);

/*
 * The two forms of a decision, by what they write. A settlement names the rev that stands and all that it
 * weighed; a resolution goes with an edit that is made here, and names columns with their values, those
 * that stay included. policy: what was in force.
 */
CP_CHECKED enum cp_code cp_settle_judgment(struct cp_store *s, const struct cp_id *judgment, const struct cp_rev *stands,
		const struct cp_rev *weighed, size_t n_weighed, const char *policy, const char *reason, struct cp_err *err);
struct cp_settled_column { const char *name; struct cp_value value; };
CP_CHECKED enum cp_code cp_resolve_columns(struct cp_store *s, size_t table, const struct cp_id *doc,
		const struct cp_settled_column *columns, size_t n, const char *policy, const char *reason, struct cp_err *err);

/* ---- final answers ------------------------------------------------------------------------------- */

struct cp_final {
	struct cp_id case_id;
	const char *field, *result;  /* result: external id or name in history, "" for the page */
	const char *value;           /* made canonical by the form; "" takes the final answer back */
	const char *cause;           /* disagreement, gold, policy, error, other */
	const char *reason;          /* required */
};
/* *out_changed false: it stood so already. CP_EINPUT: no such field, result or value, no reason; CP_EUSAGE: no such cause. */
CP_CHECKED enum cp_code cp_adjudicate(struct cp_store *s, const struct cp_final *f, bool *out_changed, struct cp_err *err);
extern const char cp_adjudicate_causes[]; /* for help and messages */

struct cp_final_row { const char *field, *result, *value, *cause, *reason, *who; int64_t at_us; }; /* result: name in history */
typedef enum cp_code cp_final_visit(void *user, const struct cp_final_row *row, struct cp_err *err);
/* Those of a case that stand, by field and result. */
CP_CHECKED enum cp_code cp_final_each(struct cp_store *s, const struct cp_id *case_id, cp_final_visit *visit, void *user,
		struct cp_err *err);

#endif
