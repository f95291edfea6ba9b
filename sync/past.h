/*
 * The project as it stood at a point of history: main, replayed up to there into a
 * database of its own beside the one in use. What no commit of main says is not in
 * it: what is private, drafts, and what was not sealed yet.
 */
#ifndef CASEPACK_SYNC_PAST_H
#define CASEPACK_SYNC_PAST_H

#include "sync/point.h"

struct cp_past { struct cp_store *store; char *path; };

/* s holds the workspace's lock, and is otherwise left alone. Costs what a rebuild up to there costs, in time and disk. Ended
 * with cp_past_drop, which removes it; what an interrupted one left is removed by the next. */
CP_CHECKED enum cp_code cp_past_open(struct cp_past *out, struct cp_store *s, const struct cp_point *at, struct cp_err *err);
void cp_past_drop(struct cp_past *p);

/* How many of the cases that were judged then show nothing any more: their content was erased, or has not come. */
CP_CHECKED enum cp_code cp_past_missing(struct cp_past *p, int64_t *out, struct cp_err *err);

#endif
