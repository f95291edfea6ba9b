/*
 * A question of a case, and what may answer it: a lead's answers (final ones, gold)
 * are held against the forms here as raters' answers are held against theirs.
 */
#ifndef CASEPACK_SYNC_QUESTION_H
#define CASEPACK_SYNC_QUESTION_H

#include "sync/store.h"

/* The canonical spelling of an answer to that field as the forms ask it that were given for the case, else any form;
 * "" stays "". CP_EINPUT: no form has the field, or it has no such value. Appends. */
CP_CHECKED enum cp_code cp_question_value(struct cp_store *s, const struct cp_id *case_id, const char *field,
		const char *value, struct cp_buf *out, struct cp_err *err);

/* The same, and the result, given by its external id or its name in history ("": the page), by its name in history.
 * CP_EINPUT also: the field is asked of the page and a result is named or the other way round, or the case has no such
 * result. Appends to both; out_result stays empty for the page. */
CP_CHECKED enum cp_code cp_question_answer(struct cp_store *s, const struct cp_id *case_id, const char *field,
		const char *result, const char *value, struct cp_buf *out_result, struct cp_buf *out_value, struct cp_err *err);

/* Key of a document that is about one question of one case: "adjudication", "gold". */
void cp_question_id(struct cp_id *out, const char *kind, const struct cp_id *case_id, const char *field, const char *result);

#endif
