/*
 * All edits of one document, gathered from the changesets that hold them.
 */
#ifndef CASEPACK_SYNC_DOCUMENT_H
#define CASEPACK_SYNC_DOCUMENT_H

#include "sync/store.h"
#include "sync/tables.h"
#include "sync/tree.h"

/* One cell that an edit writes. */
struct cp_cell_write {
	char *name; size_t name_len; /* "state", or "grade@78503000" for an answer */
	size_t column;               /* of the table; CP_R_VALUE of ratings for an answer */
	bool is_answer;
	const char *field, *result;  /* of an answer: into name's copy, zero-terminated */
	struct cp_value value;       /* owned by the document */
};

struct cp_doc_edit {
	struct cp_rev rev;
	struct cp_rev *replaced; size_t n_replaced;
	struct cp_cell_write *cells; size_t n_cells, room; /* every cell written, clock and times too */
	int64_t clock, commit_no;
	struct cp_id replica;
	bool is_far, has_row;
	bool is_resolve;             /* a resolution goes with it: what that settles is among the cells */
};

struct cp_document {
	size_t table;
	struct cp_id id;
	struct cp_doc_edit *edits; size_t n, room;
};

/* CP_OK with n == 0 when nobody has written it. */
CP_CHECKED enum cp_code cp_document_load(struct cp_store *s, size_t table, const struct cp_id *id,
		struct cp_document *out, struct cp_err *err);
void cp_document_drop(struct cp_document *d);

/* Times are facts about an edit, not part of what it says: two devices that gave the same
 * answers agree. So are who settled a judgment and why: two leads who chose the same agree. */
bool cp_cell_is_said(size_t table, const struct cp_cell_write *cell);
/* Is it for people to see? What is said, and who settled and why. */
bool cp_cell_is_shown(size_t table, const struct cp_cell_write *cell);

#endif
