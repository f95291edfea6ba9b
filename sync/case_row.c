#include "sync/case_row.h"

#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/lineage.h"

enum { KIND = 4, LOCALE, SEGMENT, CONTENT, RESULTS };

bool cp_case_follows(size_t column)
{
	return column == KIND || column == LOCALE || column == SEGMENT || column == RESULTS;
}

struct following {
	const struct cp_document *d;
	const struct cp_edit *edits;
	struct cp_policies *p;
	struct cp_lineage lineage;
};

static const struct cp_cell_write *cell_of(const struct cp_doc_edit *e, size_t column)
{
	for (size_t i = 0; i < e->n_cells; i++)
		if (e->cells[i].column == column)
			return &e->cells[i];
	return NULL;
}

/* Of the edits among those the one that brought this content: an import rather than a lead's choice between imports, then
 * the lowest rev. SIZE_MAX: none. */
static size_t bringer(const struct following *f, const bool *among, const struct cp_value *content)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < f->d->n; i++) {
		const struct cp_cell_write *cell = among[i] ? cell_of(&f->d->edits[i], CONTENT) : NULL;

		if (cell == NULL || !cp_value_equal(&cell->value, content))
			continue;
		if (best == SIZE_MAX || f->edits[i].is_resolve < f->edits[best].is_resolve ||
				(f->edits[i].is_resolve == f->edits[best].is_resolve &&
				 memcmp(&f->edits[i].rev, &f->edits[best].rev, sizeof f->edits[i].rev) < 0))
			best = i;
	}
	return best;
}

/* The content that those edits leave; absent where none of them wrote any. */
static enum cp_code content_among(const struct following *f, const bool *among, struct cp_value *out, struct cp_err *err)
{
	CP_AUTO(doc_state) struct cp_doc_state state = { 0 };
	struct cp_edit *edits = calloc(f->d->n + 1, sizeof *edits);
	size_t n = 0;
	enum cp_code code;

	*out = (struct cp_value){ .type = CP_ABSENT };
	if (edits == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < f->d->n; i++)
		if (among[i])
			edits[n++] = f->edits[i];
	code = cp_tree_columns(&state, edits, n, cp_policy_in_force, f->p, err);
	for (size_t i = 0; code == CP_OK && i < state.n_columns; i++)
		if (state.columns[i].name_len == strlen("content") && memcmp(state.columns[i].name, "content", state.columns[i].name_len) == 0)
			*out = state.columns[i].value;
	free(edits);
	return code;
}

/* The importer's row, as her edit found it and as it left it: a session records only what an edit changes. */
static enum cp_code follow(const struct following *f, const bool *among, const struct cp_value *content, struct cp_value *row,
		struct cp_err *err)
{
	size_t e = bringer(f, among, content);
	struct cp_value before;
	bool *above;
	enum cp_code code;

	if (e == SIZE_MAX)
		return CP_OK;
	above = calloc(f->d->n + 1, sizeof *above);
	if (above == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	code = cp_lineage_mark(&f->lineage, e, above, err);
	if (code == CP_OK)
		code = content_among(f, above, &before, err);
	if (code == CP_OK)
		code = follow(f, above, &before, row, err);
	free(above);
	for (size_t i = 0; i < f->d->edits[e].n_cells; i++)
		if (cp_case_follows(f->d->edits[e].cells[i].column))
			row[f->d->edits[e].cells[i].column] = f->d->edits[e].cells[i].value;
	return code;
}

enum cp_code cp_case_follow(const struct cp_document *d, const struct cp_edit *edits, struct cp_policies *p,
		const struct cp_doc_state *state, struct cp_value *row, struct cp_err *err)
{
	struct following f = { .d = d, .edits = edits, .p = p };
	bool *among = calloc(d->n + 1, sizeof *among);
	enum cp_code code = among != NULL ? cp_lineage_init(&f.lineage, edits, d->n, err) : cp_fail(err, CP_EIO, "out of memory");

	for (size_t i = 0; among != NULL && i < d->n; i++)
		among[i] = state->fates[i] != CP_WAITING;
	if (code == CP_OK)
		code = follow(&f, among, &row[CONTENT], row, err);
	cp_lineage_drop(&f.lineage);
	free(among);
	return code;
}
