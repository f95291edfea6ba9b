/*
 * A rater's work: drafts, answers, judgments. Each save is on the disk when it returns.
 */
#ifndef CASEPACK_SYNC_JUDGE_H
#define CASEPACK_SYNC_JUDGE_H

#include "formats/form.h"
#include "sync/cases.h"
#include "sync/store.h"

/* One assignment of mine with all that is needed to judge it. */
struct cp_task {
	struct cp_id assignment;
	struct cp_case_view view;
	struct cp_form form;
	const char *guideline;      /* name, "" when none */
	int64_t guideline_number;   /* revision that will be named: the current one here */
	int64_t position, total;    /* of my assignments, in my order, from 1; 0 where nobody asked (cp_task_place) */
	const char *due, *state;    /* state: todo, draft, submitted, skipped, escalated, withdrawn or forgotten (by the lead) */
	const char *note;
	void *held;
};
void cp_task_drop(struct cp_task *t);

/* My assignment on that case, the latest pass. CP_ENOTFOUND when I have none. */
CP_CHECKED enum cp_code cp_task_find(struct cp_store *s, const struct cp_id *case_id, struct cp_task *out,
		struct cp_err *err);
/* Fill in position and total, which takes counting all of mine. */
CP_CHECKED enum cp_code cp_task_place(struct cp_store *s, struct cp_task *t, struct cp_err *err);
/* The n-th (from 1) in my order, its place filled in; *out_found false past the end. */
CP_CHECKED enum cp_code cp_task_at(struct cp_store *s, int64_t position, struct cp_task *out, bool *out_found,
		struct cp_err *err);
/* All of mine, in my order, each borrowed for the call. */
typedef enum cp_code cp_task_visit(void *user, const struct cp_task *t, struct cp_err *err);
CP_CHECKED enum cp_code cp_task_each(struct cp_store *s, cp_task_visit *visit, void *user, struct cp_err *err);
/* Position of the first that is still to do, at or behind from; 0 when there is none. */
CP_CHECKED enum cp_code cp_task_next(struct cp_store *s, int64_t from, int64_t *out_position, struct cp_err *err);

struct cp_progress { int64_t total, submitted, skipped, escalated, drafts, todo; };
CP_CHECKED enum cp_code cp_progress(struct cp_store *s, struct cp_progress *out, struct cp_err *err);

/* The answer that stands or is drafted; result is the external id, or "" for the page. *out_found false when none. */
CP_CHECKED enum cp_code cp_task_answer(struct cp_store *s, const struct cp_task *t, const char *field,
		const char *result, struct cp_buf *out, bool *out_found, struct cp_err *err);

struct cp_answer { const char *field, *result, *value; }; /* result: external id or name, "" for the page; value "" takes it back */

enum cp_submit {
	CP_SUBMIT_IF_COMPLETE, /* else keep as a draft */
	CP_SUBMIT_DRAFT,
	CP_SUBMIT_SKIP,        /* note says why */
	CP_SUBMIT_ESCALATE,
};
struct cp_judge_result {
	const char *state;          /* what it is now: draft, submitted, ... ; static */
	int64_t missing;            /* required answers still open */
	char first_missing[160];    /* "grade of result 78503000", "" when none */
	bool changed;
};
/*
 * Put answers onto a task's draft or standing judgment. Values are made canonical by the form. CP_EINPUT for a
 * field, result or value that does not fit; then nothing is changed. active_ms: time at work on it since the last save.
 */
CP_CHECKED enum cp_code cp_judge(struct cp_store *s, const struct cp_task *t, const struct cp_answer *answers, size_t n,
		enum cp_submit how, const char *note, int64_t active_ms, struct cp_judge_result *out, struct cp_err *err);

/* Many cases in one transaction, all or nothing: cp_judge between begin and commit. abort for a dry run. */
CP_CHECKED enum cp_code cp_judge_begin(struct cp_store *s, struct cp_err *err);
CP_CHECKED enum cp_code cp_judge_commit(struct cp_store *s, const char *words, struct cp_err *err);
void cp_judge_abort(struct cp_store *s);

#endif
