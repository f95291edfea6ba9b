/*
 * What rows and documents name and is not here: content of cases, media files.
 */
#ifndef CASEPACK_SYNC_MISSING_H
#define CASEPACK_SYNC_MISSING_H

#include "sync/store.h"

struct cp_missing { int64_t contents, media; };
/* what: "content of case q17", "media/ab/ab…" */
typedef void cp_missing_visit(void *user, const char *what);

/* What was forgotten, or whose time here is over, is not missing. A media file counts once for each document that names it. */
CP_CHECKED enum cp_code cp_missing_find(struct cp_store *s, struct cp_missing *out, cp_missing_visit *visit, void *user,
		struct cp_err *err);

#endif
