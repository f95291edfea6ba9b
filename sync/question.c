#include "sync/question.h"

#include <string.h>

#include "formats/form.h"
#include "sync/cases.h"
#include "sync/inner.h"

/* The newest version first. */
static enum cp_code find_field(struct cp_store *s, const struct cp_id *case_id, const char *name, struct cp_form *form,
		const struct cp_field **out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	*out = NULL;
	CP_TRY(cp_query(s, &q, err, "SELECT v.body FROM form_versions v ORDER BY v.parent_doc NOT IN"
			" (SELECT form FROM assignments WHERE case_id = ?1), v.number DESC, v.id", "d", case_id));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return cp_fail(err, CP_EINPUT, "no form has a field \"%.40s\"", name);
		if (cp_form_read(form, cp_col_text(q, 0), (size_t)sqlite3_column_bytes(q, 0), NULL) != CP_OK)
			continue;
		*out = cp_form_field(form, name);
		if (*out != NULL)
			break;
		cp_form_drop(form);
	}
	sqlite3_reset(q);
	return CP_OK;
}

static enum cp_code canonical(struct cp_store *s, const struct cp_id *case_id, const char *field, const char *value,
		enum cp_field_scope *scope, struct cp_buf *out, struct cp_err *err)
{
	const struct cp_field *f;
	struct cp_form form;
	enum cp_code code;

	CP_TRY(find_field(s, case_id, field, &form, &f, err));
	*scope = f->scope;
	code = *value ? cp_field_value(out, f, value, strlen(value), err) : CP_OK;
	cp_form_drop(&form);
	return code == CP_OK ? CP_OK : cp_fail_at(err, "%s", field);
}

enum cp_code cp_question_value(struct cp_store *s, const struct cp_id *case_id, const char *field, const char *value,
		struct cp_buf *out, struct cp_err *err)
{
	enum cp_field_scope scope;

	return canonical(s, case_id, field, value, &scope, out, err);
}

static enum cp_code name_result(struct cp_store *s, const struct cp_id *case_id, const char *result, struct cp_buf *out,
		struct cp_err *err)
{
	struct cp_case_view v;
	const char *name = NULL;
	enum cp_code code;

	CP_TRY(cp_case_load(s, case_id, &v, err));
	for (size_t i = 0; i < v.n_results; i++)
		if (strcmp(v.results[i].id, result) == 0 || strcmp(v.results[i].name, result) == 0)
			name = v.results[i].name;
	code = name ? cp_buf_puts(out, name, err) : cp_fail(err, CP_EINPUT, "case %s: has no result \"%.60s\"", v.id, result);
	cp_case_view_drop(&v);
	return code;
}

enum cp_code cp_question_answer(struct cp_store *s, const struct cp_id *case_id, const char *field, const char *result,
		const char *value, struct cp_buf *out_result, struct cp_buf *out_value, struct cp_err *err)
{
	enum cp_field_scope scope;

	CP_TRY(canonical(s, case_id, field, value, &scope, out_value, err));
	if (scope == CP_PAGE && *result)
		return cp_fail(err, CP_EINPUT, "%s is asked of the whole page, not of a result", field);
	if (scope == CP_RESULT && !*result)
		return cp_fail(err, CP_EINPUT, "%s is asked of each result: say %s@RESULT=VALUE", field, field);
	return *result ? name_result(s, case_id, result, out_result, err) : CP_OK;
}

void cp_question_id(struct cp_id *out, const char *kind, const struct cp_id *case_id, const char *field, const char *result)
{
	const void *const parts[] = { case_id->bytes, field, result };
	const size_t lens[] = { sizeof case_id->bytes, strlen(field), strlen(result) };

	cp_id_derive(out, kind, 3, parts, lens);
}
