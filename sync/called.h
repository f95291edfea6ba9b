/*
 * What people call a document: which case it is about, whose it is, its own name.
 */
#ifndef CASEPACK_SYNC_CALLED_H
#define CASEPACK_SYNC_CALLED_H

#include "sync/cases.h"
#include "sync/store.h"

struct cp_called {
	char *case_id;               /* the case's external id, or its name in history where its content is not here; "" of none */
	char *person;                /* pseudonym: whose; "" of nobody's */
	int64_t pass;                /* of an assignment or judgment; else 0 */
	char *name;                  /* its own: a text, a device, "policy revision 3", FIELD of a final answer; "" */
	char *result;                /* of a final answer; external id, "" */
	bool is_known;
};
/* As the database knows it now; of what it does not know the fields are "". Owned: ended with cp_called_drop. */
CP_CHECKED enum cp_code cp_called_find(struct cp_store *s, size_t table, const struct cp_id *id, struct cp_called *out,
		struct cp_err *err);
void cp_called_drop(struct cp_called *c);

/* Cases and results by their names in history, for lists of them: the last case is kept at hand. */
struct cp_caller { struct cp_store *store; char *name; struct cp_case_view view; bool has_view, has_index; };
void cp_caller_begin(struct cp_caller *c, struct cp_store *s);
/* Borrowed until the next call. A plain name is the id. */
CP_CHECKED enum cp_code cp_caller_case(struct cp_caller *c, const char *name, const char **out, struct cp_err *err);
CP_CHECKED enum cp_code cp_caller_result(struct cp_caller *c, const char *case_name, const char *result, const char **out,
		struct cp_err *err);
void cp_caller_drop(struct cp_caller *c);

#endif
