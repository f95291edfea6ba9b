#include "sync/formset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"

void cp_formset_drop(struct cp_formset *f)
{
	for (size_t i = 0; i < f->n; i++)
		cp_form_drop(&f->list[i].form);
	free(f->list);
	free(f->of);
	memset(f, 0, sizeof *f);
}

/* The form version that an edit names, else the one that its chain of first parents named last. */
static bool form_of_edit(const struct cp_document *d, size_t e, struct cp_id *out)
{
	for (size_t steps = 0; steps <= d->n; steps++) {
		const struct cp_doc_edit *edit = &d->edits[e];
		size_t parent = d->n;

		for (size_t k = 0; k < edit->n_cells; k++)
			if (!edit->cells[k].is_answer && edit->cells[k].column == CP_J_FORM_VERSION &&
					edit->cells[k].value.len == sizeof out->bytes) {
				memcpy(out->bytes, edit->cells[k].value.bytes, sizeof out->bytes);
				return true;
			}
		for (size_t i = 0; edit->n_replaced > 0 && i < d->n && parent == d->n; i++)
			if (memcmp(&d->edits[i].rev, &edit->replaced[0], sizeof(struct cp_rev)) == 0)
				parent = i;
		if (parent == d->n)
			return false;
		e = parent;
	}
	return false;
}

/* Its place in the list, read if need be; SIZE_MAX when it is not here. */
static enum cp_code place_of(struct cp_store *s, struct cp_formset *f, const struct cp_id *id, size_t *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	struct cp_form form;
	bool found;

	for (*out = 0; *out < f->n; ++*out)
		if (cp_id_equal(&f->list[*out].id, id))
			return CP_OK;
	*out = SIZE_MAX;
	CP_TRY(cp_query_text(s, &body, &found, err, "SELECT body FROM form_versions WHERE id = ?1", "d", id));
	if (!found || cp_form_read(&form, body.data, body.len, NULL) != CP_OK)
		return CP_OK;
	f->list = reallocarray(f->list, f->n + 1, sizeof *f->list);
	assert(f->list != NULL);
	f->list[f->n].id = *id;
	f->list[f->n].form = form;
	*out = f->n++;
	return CP_OK;
}

enum cp_code cp_formset_load(struct cp_store *s, const struct cp_document *d, struct cp_formset *out, struct cp_err *err)
{
	enum cp_code code = CP_OK;
	struct cp_id id;

	memset(out, 0, sizeof *out);
	out->of = malloc((d->n + 1) * sizeof *out->of);
	assert(out->of != NULL);
	for (size_t e = 0; e < d->n; e++) {
		out->of[e] = SIZE_MAX;
		if (code == CP_OK && d->table == CP_T_JUDGMENTS && form_of_edit(d, e, &id))
			code = place_of(s, out, &id, &out->of[e], err);
	}
	if (code != CP_OK)
		cp_formset_drop(out);
	return code;
}

static const struct cp_field *field_of(const struct cp_formset *f, size_t e, const struct cp_cell_write *answer)
{
	return answer->is_answer && f->of[e] < f->n ? cp_form_field(&f->list[f->of[e]].form, answer->field) : NULL;
}

enum cp_policy cp_formset_policy(const struct cp_formset *f, size_t e, const struct cp_cell_write *answer)
{
	const struct cp_field *field = field_of(f, e, answer);

	return field != NULL ? field->policy : CP_LATEST;
}

int cp_formset_severity(const struct cp_formset *f, size_t e, const struct cp_cell_write *answer)
{
	const struct cp_field *field = field_of(f, e, answer);

	return field != NULL && answer->value.type == CP_TEXT
		? cp_field_severity(field, (const char *)answer->value.bytes, answer->value.len) : 0;
}
