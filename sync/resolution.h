/*
 * Resolutions: the row that goes with a lead's edit of a document that is decided
 * column by column, and names every column that the edit settles with its value.
 */
#ifndef CASEPACK_SYNC_RESOLUTION_H
#define CASEPACK_SYNC_RESOLUTION_H

#include <jansson.h>

#include "sync/document.h"

/* Columns of the row. */
enum { CP_RES_TBL = 3, CP_RES_DOC, CP_RES_EDIT, CP_RES_SETTLES, CP_RES_POLICY, CP_RES_REASON, CP_RES_PERSON };

/* What leads own and decide column by column. */
bool cp_table_is_resolvable(size_t table);
void cp_resolution_id(struct cp_id *out, size_t table, const struct cp_id *doc, const struct cp_rev *edit);
/* The table that it speaks of, when that is one which can be resolved; else -1. */
int cp_resolution_table(const struct cp_change *c);

/* A value as JSON, blobs in hex. New reference. */
json_t *cp_value_json(const struct cp_value *v);
/* And back, for that column; bytes are put into text, which must live as long. false: not a value of its type. */
bool cp_value_of_json(struct cp_value *out, struct cp_buf *text, size_t table, size_t column, const json_t *v);
/* -1: no column of that name that an edit can write. */
int cp_column_named(size_t table, const char *name);

/*
 * May that row stand in that changeset? It is new, what it settles can be read, and the edit
 * that it goes with is there and says nothing else. why gets one line when *out is false.
 */
CP_CHECKED enum cp_code cp_resolution_check(const struct cp_change *c, const void *changeset, size_t len,
		bool *out, char why[256], struct cp_err *err);

#endif
