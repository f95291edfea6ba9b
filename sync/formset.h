/*
 * The forms that the edits of one judgment were made under: they say how a fork is
 * decided meanwhile, and which answer is the severer one.
 */
#ifndef CASEPACK_SYNC_FORMSET_H
#define CASEPACK_SYNC_FORMSET_H

#include "formats/form.h"
#include "sync/document.h"

struct cp_formset {
	struct cp_formset_one { struct cp_id id; struct cp_form form; } *list; size_t n;
	size_t *of; /* for each edit of the document: its form's place in list, SIZE_MAX where it has none */
};

/* A document of another kind gets an empty set. A form that is not here is left out: it decides nothing. */
CP_CHECKED enum cp_code cp_formset_load(struct cp_store *s, const struct cp_document *d, struct cp_formset *out,
		struct cp_err *err);
void cp_formset_drop(struct cp_formset *f);

/* Of one answer of edit number e, by its own form; latest where that is not here. */
enum cp_policy cp_formset_policy(const struct cp_formset *f, size_t e, const struct cp_cell_write *answer);
/* Likewise; 0 where there is nothing to say. */
int cp_formset_severity(const struct cp_formset *f, size_t e, const struct cp_cell_write *answer);

#endif
