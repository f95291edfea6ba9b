/*
 * Conflicts as they are asked about: what disagrees, who wrote what, what stands
 * meanwhile, and what a lead has decided.
 */
#ifndef CASEPACK_SYNC_CONFLICT_H
#define CASEPACK_SYNC_CONFLICT_H

#include "sync/store.h"

/* Strings are owned by the conflict, never NULL, "" where there is nothing to say. */
struct cp_candidate {
	struct cp_rev rev;
	char *who, *value;           /* pseudonym; JSON object of what it says */
	char commit[41], device[CP_ID_HEX]; /* "" while unsealed */
	int64_t clock, received_us;  /* received 0 while unsealed */
	bool is_far;                 /* its clock is far from its receipt */
	bool stands;
};
struct cp_conflict {
	char id[CP_REV_HEX];         /* of table, document and column: the same on every hub, always */
	const char *table;           /* static */
	size_t table_no;
	struct cp_id doc;
	char *column;                /* "" : the document as a whole */
	char *class, *policy;
	char *base;                  /* JSON object; "" where the candidates share nothing */
	bool is_open;
	bool is_settled;             /* a lead has decided it */
	bool has_stand;              /* false: nothing stands until a lead decides */
	bool has_case; struct cp_id case_id;
	char *name;                  /* of what is in no case: a person, a text; of a final answer FIELD@RESULT */
	char *person;                /* of a judgment or assignment: whose */
	int64_t pass;
	char *settled_by, *reason;   /* of the decision, where is_settled */
	int64_t settled_us;
	struct cp_candidate *candidates; size_t n;
};
#define CP_CONFLICT_JUDGMENTS 11 /* table_no of judgments */
void cp_conflict_drop(struct cp_conflict *c); /* empties it; safe on zeroes */
void cp_conflict_name(struct cp_conflict *c); /* its id, from table, doc and column */

enum cp_conflict_state { CP_CONFLICTS_OPEN, CP_CONFLICTS_SETTLED, CP_CONFLICTS_ALL };
struct cp_conflict_filter {      /* NULL: any */
	enum cp_conflict_state state;
	const char *class, *table, *person; /* person: whose it is, or who wrote a candidate */
	const struct cp_id *case_id;
};
/* May take the conflict over: copy it, and clear what was given. Else it ends behind the visit. */
typedef enum cp_code cp_conflict_visit(void *user, struct cp_conflict *c, struct cp_err *err);
/* By table, case, document, column. */
CP_CHECKED enum cp_code cp_conflict_each(struct cp_store *s, const struct cp_conflict_filter *f, cp_conflict_visit *visit,
		void *user, struct cp_err *err);
/* By the first 4 or more digits of its id, open or not; ended with cp_conflict_drop. CP_ENOTFOUND; CP_EINPUT: several. */
CP_CHECKED enum cp_code cp_conflict_find(struct cp_store *s, const char *id, struct cp_conflict *out, struct cp_err *err);

/* What the author of a candidate knew: the edits that it replaced. */
struct cp_knew { struct cp_rev rev; char who[64]; int64_t clock; };
CP_CHECKED enum cp_code cp_candidate_knew(struct cp_store *s, const struct cp_conflict *c, size_t candidate,
		struct cp_knew **out, size_t *n, struct cp_err *err); /* *out is freed by the caller */

/* "policy revision 3", "relevance version 1": what a hex id among a candidate's cells is called; "" if unknown. */
CP_CHECKED enum cp_code cp_revision_words(struct cp_store *s, const char *hex, struct cp_buf *out, struct cp_err *err);

#endif
