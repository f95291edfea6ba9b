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
	const struct cp_write *writes; size_t n_writes;   /* sorted by name, each name once; borrowed */
	struct cp_id replica;    /* who made it */
	int64_t clock;           /* hybrid logical clock, microseconds */
	bool is_resolve;         /* a lead's resolve of a lead-owned document */
	bool is_far;             /* its clock is far from its receipt, by an accepting verdict */
	struct cp_hash hash;     /* of rev, replaced, writes: equal edits are one edit */
	void *user;              /* the caller's */
};

/*
 * Equal edits (rev and hash agree) are one edit. Its replica is the lowest among
 * its copies and its clock the lowest; it is far, or a resolve, when one copy is.
 * It goes by the index of the copy with the lowest replica (then clock, then place
 * in edits), whose writes are read; the other copies are CP_EQUAL.
 *
 * Different edits under one rev are twins, and forged: who names the rev descends
 * from all of them, its content starts from the one with the lowest hash, and it
 * waits until all of them count.
 *
 * An edit counts when all that it replaced counts; until then it waits. What waits
 * is in no column, no candidate and no rev cell.
 */

/*
 * What became of an edit. Each one given has exactly one fate, so the counts of all
 * fates add up to the number given. It is the first of these that is true:
 *
 *   equal        another copy of the same edit is counted
 *   waiting      it does not count yet
 *   standing     in some column it is what stands, or a head while all heads have one
 *                value; or it writes nothing and is a leaf
 *   in conflict  in some column it is a candidate
 *   overruled    in some column a lead's resolve between several values replaced it by
 *                another value; or a settlement that weighed it took it from the heads
 *   superseded   all others: in every column that it wrote, its author or somebody who
 *                knew it has written since
 *
 * A head is a write that no later one replaced, after a settlement what that leaves
 * open; a judgment has no columns here but is one. What stands meanwhile by policy is
 * counted as standing alone, though it is a candidate too.
 */
enum cp_fate {
	CP_STANDING,
	CP_EQUAL,
	CP_SUPERSEDED,
	CP_OVERRULED,
	CP_IN_CONFLICT,
	CP_WAITING,
};
#define CP_FATES 6

/*
 * In a judgment the columns are the content that the row shows: shown is the edit
 * that wrote this column (its rev is the rating's), stands the same edit or, while
 * nothing stands, SIZE_MAX; has_conflict is false, since only the whole can have one.
 * name and the bytes of value are borrowed from the edits given.
 */
struct cp_column_state {
	const char *name; size_t name_len;
	size_t shown;            /* index of the edit whose value the row shows */
	struct cp_value value;
	bool has_conflict;
	size_t stands;           /* index of the edit that stands, SIZE_MAX when none does */
	size_t *candidates; size_t n_candidates; /* owned; the heads where there are several, agreeing or not */
};

struct cp_doc_state {
	/* The rev cell. A judgment: the rev shown first, even if it is no leaf, then the other leaves
	 * sorted; other documents: the leaves sorted. All of them: a row holds the first CP_ROW_REVS. */
	struct cp_rev *revs; size_t n_revs;
	struct cp_column_state *columns; size_t n_columns; /* sorted by name */
	bool has_conflict;       /* of the judgment, or in some column */
	/* judgments only: */
	size_t shown, stands;    /* SIZE_MAX: none */
	size_t *candidates; size_t n_candidates; /* owned; likewise */
	/* of every edit given; a copy is forged when its edit is: */
	enum cp_fate *fates;
	bool *is_forged;
	size_t n_edits;
};
#define CP_ROW_REVS 64
/* Frees what the state owns, and empties it. NULL-safe, and safe on a state of zeroes. */
void cp_doc_state_drop(struct cp_doc_state *s);

/* A lead's settlement of a judgment: what it weighed and which stands. */
struct cp_settlement { const struct cp_rev *weighed; size_t n_weighed; struct cp_rev stands; };

/*
 * The state of a document, in whatever order its edits are given. Indexes in it
 * are into edits, candidates in order of rev, then hash. *out is written whole on
 * CP_OK and not touched otherwise; it borrows from edits, so end it first, with
 * cp_doc_state_drop. CP_EIO without memory is the only failure.
 *
 * In time about n log n for a history with few branches (10,000 edits: hundredths
 * of a second), with memory for the branches only.
 *
 * A lead-owned document, column by column; policy_of is asked once for each column
 * that a counted edit writes.
 */
typedef enum cp_policy cp_policy_of(void *user, const char *name, size_t name_len);
CP_CHECKED enum cp_code cp_tree_columns(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		cp_policy_of *policy_of, void *user, struct cp_err *err);

/*
 * A judgment or a settlement, whole. An edit's content is that of the first rev it
 * replaced with its own writes over it, its severity the highest of that content's
 * writes (0 at the least). settlement may be NULL; one whose standing rev it has not
 * weighed, or is not here yet, changes nothing.
 */
CP_CHECKED enum cp_code cp_tree_whole(struct cp_doc_state *out, const struct cp_edit *edits, size_t n,
		enum cp_policy policy, const struct cp_settlement *settlement, struct cp_err *err);

/*
 * Is one of revs that of edits[of], or of an edit above it? (A withdrawal that names
 * the revs it knew is late when none of them is, of the judgment's standing edit.)
 * False while edits[of] waits.
 */
CP_CHECKED enum cp_code cp_tree_knew(bool *out, const struct cp_edit *edits, size_t n, size_t of,
		const struct cp_rev *revs, size_t n_revs, struct cp_err *err);

#endif
