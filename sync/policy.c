#include "sync/policy.h"

#include <stdlib.h>
#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/settle.h"

static const char *const names[] = { [CP_LATEST] = "latest", [CP_SEVEREST] = "severest", [CP_REVIEW] = "review" };

const char *cp_policy_name(enum cp_policy p)
{
	return names[p];
}

bool cp_policy_named(const char *name, enum cp_policy *out)
{
	for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum cp_policy)i;
			return true;
		}
	return false;
}

static enum cp_code load(struct cp_store *s, json_t **out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_query_text(s, &text, NULL, err, "SELECT policies FROM project WHERE id = ?1", "d", &s->me.project));
	*out = json_loadb(text.data ? text.data : "{}", text.data ? text.len : 2, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = json_object();
	}
	return *out ? CP_OK : cp_fail(err, CP_EIO, "out of memory");
}

/* "table.name", else "table" of the project, else what the form says. */
static enum cp_policy lookup(const json_t *set, size_t table, const char *name, size_t name_len, enum cp_policy otherwise)
{
	char key[160];

	snprintf(key, sizeof key, "%s.%.*s", cp_shapes[table].name, (int)name_len, name);
	if (cp_policy_named(json_string_value(json_object_get(set, key)), &otherwise))
		return otherwise;
	(void)cp_policy_named(json_string_value(json_object_get(set, cp_shapes[table].name)), &otherwise);
	return otherwise;
}

enum cp_policy cp_policy_of_answer(const struct cp_policies *p, const struct cp_formset *forms, size_t e,
		const struct cp_cell_write *answer)
{
	return lookup(p->set, p->table, answer->field, strlen(answer->field), cp_formset_policy(forms, e, answer));
}

/* The strictest of the answered fields; the enum rises in strictness. */
static enum cp_policy of_judgment(const struct cp_policies *set, const struct cp_document *d, const struct cp_formset *forms)
{
	enum cp_policy strictest = CP_LATEST;
	bool is_answered = false;

	for (size_t e = 0; e < d->n; e++)
		for (size_t k = 0; k < d->edits[e].n_cells; k++) {
			const struct cp_cell_write *cell = &d->edits[e].cells[k];
			enum cp_policy p;

			if (!cell->is_answer)
				continue;
			is_answered = true;
			p = cp_policy_of_answer(set, forms, e, cell);
			strictest = p > strictest ? p : strictest;
		}
	return is_answered ? strictest : lookup(set->set, d->table, "", 0, CP_LATEST);
}

enum cp_code cp_policies_load(struct cp_store *s, const struct cp_document *d, const struct cp_formset *forms,
		struct cp_policies *out, struct cp_err *err)
{
	*out = (struct cp_policies){ NULL, d->table, CP_LATEST };
	CP_TRY(load(s, &out->set, err));
	if (d->table == CP_T_JUDGMENTS)
		out->of_judgment = of_judgment(out, d, forms);
	return CP_OK;
}

void cp_policies_drop(struct cp_policies *p)
{
	json_decref(p->set);
	p->set = NULL;
}

enum cp_policy cp_policy_in_force(void *user, const char *name, size_t name_len)
{
	const struct cp_policies *p = user;

	return p->table == CP_T_JUDGMENTS ? p->of_judgment : lookup(p->set, p->table, name, name_len, CP_LATEST);
}

/* ---- what leads set -------------------------------------------------------------------------- */

static enum cp_code check_field(struct cp_store *s, const char *field, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row, found = false;

	CP_TRY(cp_query(s, &q, err, "SELECT body FROM form_versions", ""));
	for (;;) {
		struct cp_form form;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		if (found || cp_form_read(&form, cp_col_text(q, 0), (size_t)sqlite3_column_bytes(q, 0), NULL) != CP_OK)
			continue;
		found = cp_form_field(&form, field) != NULL;
		cp_form_drop(&form);
	}
	return found ? CP_OK : cp_fail(err, CP_EINPUT, "judgments.%s: no form has a field of that name", field);
}

static enum cp_code check_key(struct cp_store *s, const char *key, struct cp_err *err)
{
	const char *dot = strchr(key, '.');
	char table[64];
	int t;

	snprintf(table, sizeof table, "%.*s", (int)(dot ? dot - key : 63), key);
	t = cp_table_named(table);
	if (t < 0 || t == CP_T_RATINGS || t == CP_T_SETTLEMENTS || t == CP_T_RESOLUTIONS || t == CP_T_STALE_SETTLEMENTS)
		return cp_fail(err, CP_EINPUT, "%s: there is no table \"%s\" that can be in conflict; judgments, adjudications,"
				" cases, assignments are some", key, table);
	if (dot == NULL)
		return CP_OK;
	if (t == CP_T_JUDGMENTS)
		return check_field(s, dot + 1, err);
	for (size_t c = CP_C_CLOCK + 1; c < cp_shapes[t].n_columns; c++)
		if (strcmp(cp_columns[t][c], dot + 1) == 0)
			return CP_OK;
	return cp_fail(err, CP_EINPUT, "%s: %s has no column \"%s\"", key, table, dot + 1);
}

static enum cp_code write_policies(struct cp_store *s, json_t *set, const char *key, const char *policy, bool *changed,
		struct cp_err *err)
{
	char words[256], *text = json_dumps(set, JSON_COMPACT | JSON_SORT_KEYS);
	enum cp_code code = text ? cp_edit_begin(s, err) : cp_fail(err, CP_EIO, "out of memory");

	if (code == CP_OK)
		code = cp_edit_document(s, CP_T_PROJECT, &s->me.project, (struct cp_set[]){ { "policies", cp_v_text(text) } }, 1,
				CP_EDIT_PLAIN, NULL, changed, err);
	snprintf(words, sizeof words, "policy of %.100s: %s", key, policy ? policy : "the default");
	if (code == CP_OK)
		code = cp_edit_commit(s, words, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	free(text);
	return code;
}

enum cp_code cp_policy_set(struct cp_store *s, const char *key, const char *policy, bool *out_changed, struct cp_err *err)
{
	enum cp_policy known;
	json_t *set;
	enum cp_code code;

	CP_TRY(cp_settle_check_lead(s, "sets policies", err));
	if (policy != NULL && !cp_policy_named(policy, &known))
		return cp_fail(err, CP_EUSAGE, "\"%s\" is none of latest, severest, review, default", policy);
	CP_TRY(check_key(s, key, err));
	CP_TRY(load(s, &set, err));
	if (policy != NULL)
		json_object_set_new(set, key, json_string(policy));
	else
		json_object_del(set, key);
	code = write_policies(s, set, key, policy, out_changed, err);
	json_decref(set);
	return code;
}

enum cp_code cp_policy_each(struct cp_store *s, cp_policy_visit *visit, void *user, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT j.key, j.value FROM project p, json_each(iif(json_valid(p.policies), p.policies, '{}')) j WHERE p.id = ?1 ORDER BY j.key",
			"d", &s->me.project));
	for (;;) {
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		code = visit(user, cp_col_text(q, 0), cp_col_text(q, 1), err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}
