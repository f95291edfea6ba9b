/*
 * Gold: answers that leads know, to be held against those of raters; and product
 * metrics of cases. Both are private: they go through private.git, from a lead's hub
 * to a lead's hub, and no public commit, number or clock tells of them.
 *
 *     cp_gold_begin, any number of cp_gold_put and cp_gold_withdraw, cp_gold_commit
 *
 * A lead's hub only: CP_EINPUT elsewhere. Strings in rows are borrowed for the visit.
 */
#ifndef CASEPACK_SYNC_GOLD_H
#define CASEPACK_SYNC_GOLD_H

#include "sync/store.h"

struct cp_gold {
	struct cp_id case_id;
	const char *field, *result; /* result: external id or name in history, "" for the page */
	const char *value;          /* made canonical by the form; not "" */
	const char *reason;         /* NULL: what stands, stays */
};

/* Is this a lead's hub? */
bool cp_gold_is_known(const struct cp_store *s);

/* The public side is not open meanwhile. commit is durable when it returns; abort undoes, and does nothing where none is open. */
CP_CHECKED enum cp_code cp_gold_begin(struct cp_store *s, struct cp_err *err);
CP_CHECKED enum cp_code cp_gold_commit(struct cp_store *s, const char *words, struct cp_err *err);
void cp_gold_abort(struct cp_store *s);

/* *out_changed (may be NULL) false: it stood so already. CP_EINPUT: no such field, result or value. */
CP_CHECKED enum cp_code cp_gold_put(struct cp_store *s, const struct cp_gold *g, bool *out_changed, struct cp_err *err);
/* Those of a case, of a field (NULL: of every one), of a result (NULL: of every one, "": the page). *out_n counts them. */
CP_CHECKED enum cp_code cp_gold_withdraw(struct cp_store *s, const struct cp_id *case_id, const char *field,
		const char *result, int64_t *out_n, struct cp_err *err);

/* Those that stand, by case, field and result. case_id NULL: of every case. */
struct cp_gold_row { struct cp_id case_id; const char *case_name, *field, *result, *value, *reason; int64_t at_us; }; /* names in history */
typedef enum cp_code cp_gold_visit(void *user, const struct cp_gold_row *row, struct cp_err *err);
CP_CHECKED enum cp_code cp_gold_each(struct cp_store *s, const struct cp_id *case_id, cp_gold_visit *visit, void *user,
		struct cp_err *err);

/* Raters held against gold: submitted answers to the same questions. field "": all of the rater's together. */
struct cp_gold_score { const char *rater, *field; int64_t answered, equal; };
typedef enum cp_code cp_gold_score_visit(void *user, const struct cp_gold_score *score, struct cp_err *err);
CP_CHECKED enum cp_code cp_gold_report(struct cp_store *s, cp_gold_score_visit *visit, void *user, struct cp_err *err);

/* Segments whose cases all have gold answers, where other cases are of others: who sees the segment, knows. "a, b" */
CP_CHECKED enum cp_code cp_gold_betrayed(struct cp_store *s, struct cp_buf *out, struct cp_err *err);

/* One measured number of a case, or of one of its results; NULL value: none any more. Inside an edit that has its private side
 * open. result: name in history. The rev is derived, so that two hubs that import one file make one edit. */
struct cp_metric { const char *result, *name, *value; };
CP_CHECKED enum cp_code cp_metric_put(struct cp_store *s, const struct cp_id *case_id, const struct cp_metric *m,
		struct cp_err *err);
typedef enum cp_code cp_metric_visit(void *user, const struct cp_metric *m, struct cp_err *err);
CP_CHECKED enum cp_code cp_metric_each(struct cp_store *s, const struct cp_id *case_id, cp_metric_visit *visit, void *user,
		struct cp_err *err);

#endif
