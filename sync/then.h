/*
 * One case as it stood at a point of history, from the pages that main had there:
 * what it costs does not grow with the project. Pages have no times of answers, and
 * nothing that is private. What the case showed comes from content.db, by its hash.
 */
#ifndef CASEPACK_SYNC_THEN_H
#define CASEPACK_SYNC_THEN_H

#include "sync/cases.h"
#include "sync/conflict.h"
#include "sync/point.h"
#include "sync/report.h"
#include "sync/settle.h"

struct cp_then {
	struct cp_store *store;
	struct cp_point at;
	struct cp_case_view view;    /* as it was; its document where it is here still */
	bool is_forgotten_since;     /* it was not then, and is now */
	char page[128];              /* "<xx>/<case>" */
};
/* CP_ENOTFOUND: the case was not on main yet. out is empty then. */
CP_CHECKED enum cp_code cp_then_open(struct cp_then *out, struct cp_store *s, const struct cp_point *at, const struct cp_id *case_id,
		struct cp_err *err);
void cp_then_drop(struct cp_then *t);

/* As cp_label_each, cp_final_each and cp_conflict_each have them, but for what pages do not hold: times of answers and of
 * final answers are 0, vendor, final and the other columns of the case are "", and of late judgments there is no conflict. */
CP_CHECKED enum cp_code cp_then_label_each(struct cp_then *t, cp_label_visit *visit, void *user, struct cp_err *err);
CP_CHECKED enum cp_code cp_then_final_each(struct cp_then *t, cp_final_visit *visit, void *user, struct cp_err *err);
CP_CHECKED enum cp_code cp_then_conflict_each(struct cp_then *t, cp_conflict_visit *visit, void *user, struct cp_err *err);

#endif
