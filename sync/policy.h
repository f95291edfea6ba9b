/*
 * Policies: what stands meanwhile where several edits disagree, as the project's
 * leads set it for tables, columns and fields, and as forms ask for it.
 */
#ifndef CASEPACK_SYNC_POLICY_H
#define CASEPACK_SYNC_POLICY_H

#include <jansson.h>

#include "sync/document.h"
#include "sync/formset.h"

const char *cp_policy_name(enum cp_policy p);
/* false: no policy of that name. */
bool cp_policy_named(const char *name, enum cp_policy *out);

/* Those in force for one document. */
struct cp_policies { json_t *set; size_t table; enum cp_policy of_judgment; };
CP_CHECKED enum cp_code cp_policies_load(struct cp_store *s, const struct cp_document *d, const struct cp_formset *forms,
		struct cp_policies *out, struct cp_err *err);
void cp_policies_drop(struct cp_policies *p);

/*
 * Of one column; user is a struct cp_policies (fits cp_policy_of). "table.column" of the
 * project, else "table", else latest. A judgment has one for the whole, the strictest of
 * the fields that some edit answers: "judgments.field" of the project, else "judgments",
 * else the form's.
 */
enum cp_policy cp_policy_in_force(void *user, const char *name, size_t name_len);

/* Of one answer of edit number e: its own field's. Only answers whose policy is severest count by their severity: a yes
 * to an ordinary question is no harm. */
enum cp_policy cp_policy_of_answer(const struct cp_policies *p, const struct cp_formset *forms, size_t e,
		const struct cp_cell_write *answer);

/* Set the project's policy for "table", "table.column" or "judgments.field"; policy NULL takes it back. What disagrees
 * is decided anew. CP_EUSAGE: no such policy. CP_EINPUT: nothing of that name, or only a lead may. */
CP_CHECKED enum cp_code cp_policy_set(struct cp_store *s, const char *key, const char *policy, bool *out_changed,
		struct cp_err *err);

typedef enum cp_code cp_policy_visit(void *user, const char *key, const char *policy, struct cp_err *err);
/* The project's, sorted by key. */
CP_CHECKED enum cp_code cp_policy_each(struct cp_store *s, cp_policy_visit *visit, void *user, struct cp_err *err);

#endif
