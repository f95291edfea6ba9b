/*
 * The insides of a task, for judge.c.
 */
#ifndef CASEPACK_SYNC_TASK_H
#define CASEPACK_SYNC_TASK_H

#include "sync/judge.h"

struct cp_task_held {
	struct cp_id form_version, guideline_revision;
	bool has_guideline;
	uint8_t assignment_rev[512]; size_t assignment_rev_len; /* as the row holds it, joined or not */
	struct cp_buf guideline, due, note;
};

/* The name in history of a result given by its external id or name; NULL when the case has none such. */
const char *cp_task_result(const struct cp_task *t, const char *result);

#endif
