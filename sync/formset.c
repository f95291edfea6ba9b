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

/* ---- which form an edit was made under ------------------------------------------------------------

 * The version that it names, else the one that its chain of first parents named last. Found once for all edits
 * together: a chain may be as long as there are edits. */

struct named { struct cp_id id; bool has; size_t parent; };
struct by_rev { struct cp_rev rev; size_t at; };

static int compare(const void *a, const void *b)
{
	const struct by_rev *x = a, *y = b;
	int order = memcmp(&x->rev, &y->rev, sizeof x->rev);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* The first edit of that rev, SIZE_MAX where there is none. */
static size_t first_of(const struct by_rev *list, size_t n, const struct cp_rev *rev)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&list[middle].rev, rev, sizeof *rev) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && memcmp(&list[low].rev, rev, sizeof *rev) == 0 ? list[low].at : SIZE_MAX;
}

static void find_parents(const struct cp_document *d, struct named *list)
{
	struct by_rev *order = malloc((d->n + 1) * sizeof *order);

	assert(order != NULL);
	for (size_t i = 0; i < d->n; i++)
		order[i] = (struct by_rev){ d->edits[i].rev, i };
	qsort(order, d->n, sizeof *order, compare);
	for (size_t i = 0; i < d->n; i++)
		list[i].parent = d->edits[i].n_replaced > 0 ? first_of(order, d->n, &d->edits[i].replaced[0]) : SIZE_MAX;
	free(order);
}

static void find_own(const struct cp_doc_edit *e, struct named *out)
{
	out->has = false;
	for (size_t k = 0; k < e->n_cells && !out->has; k++)
		if (!e->cells[k].is_answer && e->cells[k].column == CP_J_FORM_VERSION && e->cells[k].value.len == sizeof out->id.bytes) {
			memcpy(out->id.bytes, e->cells[k].value.bytes, sizeof out->id.bytes);
			out->has = true;
		}
}

/* Up to one that names it, and down again to tell the others; who was told has no parent to ask any more. */
static void inherit(struct named *list, size_t n, size_t e)
{
	size_t at = e, steps = 0;

	while (!list[at].has && list[at].parent != SIZE_MAX && steps++ <= n)
		at = list[at].parent;
	for (size_t next; e != at && list[e].parent != SIZE_MAX; e = next) {
		next = list[e].parent;
		list[e] = (struct named){ list[at].id, list[at].has, SIZE_MAX };
	}
}

static struct named *forms_named(const struct cp_document *d)
{
	struct named *list = calloc(d->n + 1, sizeof *list);

	assert(list != NULL);
	find_parents(d, list);
	for (size_t i = 0; i < d->n; i++)
		find_own(&d->edits[i], &list[i]);
	for (size_t i = 0; i < d->n; i++)
		inherit(list, d->n, i);
	return list;
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
	struct named *named = d->table == CP_T_JUDGMENTS ? forms_named(d) : NULL;
	enum cp_code code = CP_OK;

	memset(out, 0, sizeof *out);
	out->of = malloc((d->n + 1) * sizeof *out->of);
	assert(out->of != NULL);
	for (size_t e = 0; e < d->n; e++) {
		out->of[e] = SIZE_MAX;
		if (code == CP_OK && named != NULL && named[e].has)
			code = place_of(s, out, &named[e].id, &out->of[e], err);
	}
	free(named);
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
