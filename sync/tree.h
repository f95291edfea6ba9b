/*
 * The revision tree of one document: from its accepted edits to its state.
 *
 * State is a pure function of the set of edits; their order here never counts.
 * The rules are those of a judgment (taken whole) and of every other document
 * (column by column). No database, no git.
 */
#ifndef CASEPACK_SYNC_TREE_H
#define CASEPACK_SYNC_TREE_H

#include "formats/changeset.h"
#include "formats/form.h"

/* One column that an edit writes; name is any bytes that tell columns of the document
 * apart ("state", or field and result of a rating). Borrowed. */
struct cp_write {
	const char *name; size_t name_len;
	struct cp_value value;
	int severity;            /* of the value, for `severest` */
};

struct cp_edit {
	struct cp_rev rev;
	const struct cp_rev *replaced; size_t n_replaced; /* parents; none for an insert; borrowed */
	const struct cp_write *writes; size_t n_writes;   /* sorted by name; borrowed */
	struct cp_id replica;    /* who made it */
	int64_t clock;           /* hybrid logical clock, microseconds */
	bool is_resolve;         /* a lead's resolve of a lead-owned document */
	bool is_far;             /* its clock is far from its receipt, by an accepting verdict */
	struct cp_hash hash;     /* of rev, replaced, writes: equal edits are one edit */
	void *user;              /* the caller's */
};

/* What became of an edit. */
enum cp_fate {
	CP_STANDING,    /* it is (part of) what stands */
	CP_EQUAL,       /* the same edit is counted once already */
	CP_SUPERSEDED,  /* its author, or somebody who knew it, wrote over it */
	CP_OVERRULED,   /* it lost by policy or settlement */
	CP_IN_CONFLICT, /* a candidate in an open conflict */
	CP_WAITING,     /* a parent of it has not come */
};

struct cp_column_state {
	const char *name; size_t name_len;
	size_t shown;            /* index of the edit whose value the row shows */
	struct cp_value value;
	bool has_conflict;
	size_t stands;           /* index of the edit that stands, SIZE_MAX when none does */
	size_t *candidates; size_t n_candidates; /* owned; only where has_conflict */
};

struct cp_doc_state {
	struct cp_rev *revs; size_t n_revs;      /* the rev cell: shown first, other leaves sorted */
	struct cp_column_state *columns; size_t n_columns; /* sorted by name */
	/* judgments only: */
	bool has_conflict; size_t shown, stands; /* SIZE_MAX: none */
	size_t *candidates; size_t n_candidates; /* owned */
	/* of every edit given: */
	enum cp_fate *fates;
	bool *is_forged;
	size_t n_edits;
};
void cp_doc_state_drop(struct cp_doc_state *s);

/* A lead's settlement of a judgment: what it weighed and which stands. */
struct cp_settlement { const struct cp_rev *weighed; size_t n_weighed; struct cp_rev stands; };

/* A lead-owned document; policy_of is asked for each column name. */
typedef enum cp_policy cp_policy_of(void *user, const char *name, size_t name_len);
CP_CHECKED enum cp_code cp_tree_columns(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		cp_policy_of *policy_of, void *user, struct cp_err *err);

/* A judgment or a settlement, whole. settlement may be NULL. */
CP_CHECKED enum cp_code cp_tree_whole(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		enum cp_policy policy, const struct cp_settlement *settlement, struct cp_err *err);

#endif
