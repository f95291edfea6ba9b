/*
 * Cases: their synced rows, and what they show, which is content and no history.
 */
#ifndef CASEPACK_SYNC_CASES_H
#define CASEPACK_SYNC_CASES_H

#include "sync/store.h"

struct cp_result_in {
	const char *id;                      /* external; required */
	const char *type, *title, *snippet, *url, *side; /* NULL: not given. side of an sxs case: "a" or "b" */
	int64_t rank;                        /* from 1; 0: unranked, the order is that of the list */
};

/* A product metric: of a result by its external id (and side), or of the case where result is NULL. Private. */
struct cp_metric_in { const char *result, *side, *name, *value; };

/* One case as it comes from an import. Strings are UTF-8, stored as they came. */
struct cp_case_in {
	const char *id;                      /* external; NULL: the query is the id */
	const char *kind;                    /* item, serp, sxs */
	const char *query, *locale, *market, *need, *segment; /* NULL: not given */
	const struct cp_result_in *results; size_t n_results;
	const struct cp_metric_in *metrics; size_t n_metrics; /* a lead's hub only */
};

enum cp_case_effect { CP_CASE_NEW, CP_CASE_CHANGED, CP_CASE_SAME, CP_CASE_FORGOTTEN /* and passed over */ };

/* Inside cp_cases_begin .. cp_cases_commit; nothing is kept unless it commits. A dry run does everything
 * and keeps nothing. Two cases of one import with the same id (compared in NFC): CP_EINPUT. */
CP_CHECKED enum cp_code cp_cases_begin(struct cp_store *s, struct cp_err *err);
CP_CHECKED enum cp_code cp_cases_add(struct cp_store *s, const struct cp_case_in *c, enum cp_case_effect *out,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_cases_commit(struct cp_store *s, const char *words, struct cp_err *err);
void cp_cases_abort(struct cp_store *s);

/* A case by what people call it: its external id (compared in NFC), its name in history, or the first
 * 6 or more hex digits of its key. CP_ENOTFOUND; CP_EINPUT when several fit. */
CP_CHECKED enum cp_code cp_case_find(struct cp_store *s, const char *id, struct cp_id *out, struct cp_err *err);

/* Whose document that is, by the id in it; *is_known false where it cannot be read. */
CP_CHECKED enum cp_code cp_case_of_document(struct cp_store *s, const char *doc, size_t len, struct cp_id *out, bool *is_known,
		struct cp_err *err);

/* The names in history of the results that the case of an assignment had in that version, as a JSON array appended.
 * CP_ENOTFOUND: that content is not here (any more). CP_EINPUT: it is another case's. */
CP_CHECKED enum cp_code cp_case_result_names(struct cp_store *s, const struct cp_id *assignment,
		const struct cp_hash *content, struct cp_buf *out, struct cp_err *err);

struct cp_result_view { const char *name, *id, *type, *title, *snippet, *url, *side; int64_t rank; };
struct cp_case_view {
	struct cp_id key;
	const char *name, *id, *kind, *query, *locale, *market, *need, *segment, *state; /* "" where not given */
	const char *reason;                  /* why it was forgotten, else "" */
	struct cp_hash content;
	bool has_content;                    /* false: the content has not come or was erased; id is then the name */
	bool is_forgotten, is_expired;       /* erased: by a lead for ever, or here, where its judgments are done with */
	struct cp_result_view *results; size_t n_results; /* name stands in history, id is the external one */
	void *held;
};
CP_CHECKED enum cp_code cp_case_load(struct cp_store *s, const struct cp_id *key, struct cp_case_view *out,
		struct cp_err *err);
/* The same of a row of cases that stands, or stood: its columns in order, copied. */
struct cp_value;
CP_CHECKED enum cp_code cp_case_view_of(struct cp_store *s, const struct cp_id *key, const struct cp_value *row,
		struct cp_case_view *out, struct cp_err *err);
void cp_case_view_drop(struct cp_case_view *v);

typedef enum cp_code cp_case_each_visit(void *user, const struct cp_case_view *view, struct cp_err *err);
CP_CHECKED enum cp_code cp_case_each(struct cp_store *s, cp_case_each_visit *visit, void *user, struct cp_err *err);

#endif
