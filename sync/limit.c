#include "sync/limit.h"

#include <inttypes.h>
#include <stdio.h>

#include "sync/inner.h"

#define KEY "limit/"

const struct cp_limits *cp_store_limits(const struct cp_store *s)
{
	return &s->limits;
}

enum cp_code cp_limits_load(struct cp_store *s, struct cp_err *err)
{
	for (int i = 0; i < CP_LIMIT_COUNT; i++) {
		int64_t value;
		char key[64];

		snprintf(key, sizeof key, KEY "%s", cp_limit_table[i].name);
		CP_TRY(cp_meta_int(s, key, &value, err));
		if (value > 0 && (uint64_t)value < s->limits.of[i])
			s->limits.of[i] = (uint64_t)value;
	}
	return CP_OK;
}

enum cp_code cp_limit_set(struct cp_store *s, enum cp_limit which, uint64_t value, struct cp_err *err)
{
	const struct cp_limit_row *row = &cp_limit_table[which];
	char key[64];

	if (value < 1 || value > row->most)
		return cp_fail(err, CP_EUSAGE, "the limit %s is 1 to %" PRIu64 " %s: it can be made smaller only", row->name,
				row->most, row->unit);
	snprintf(key, sizeof key, KEY "%s", row->name);
	CP_TRY(cp_meta_set_int(s, key, (int64_t)value, err));
	s->limits.of[which] = value;
	return CP_OK;
}

/* Tables whose texts are documents. */
static bool is_document(size_t table)
{
	return table == CP_T_CASES || table == CP_T_GUIDELINE_REVISIONS || table == CP_T_FORM_VERSIONS;
}

static enum cp_code check_change(const struct cp_limits *l, const struct cp_change *c, struct cp_err *err)
{
	enum cp_limit which = is_document(c->table) ? CP_LIMIT_DOCUMENT : CP_LIMIT_TEXT;

	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		for (int now = 0; now < 2; now++) {
			const struct cp_value *v = now ? &c->now[i] : &c->was[i];

			if ((v->type == CP_TEXT || v->type == CP_BLOB) && v->len > l->of[which])
				return cp_limit_over(l, which, err, "%s.%s", cp_shapes[c->table].name, cp_columns[c->table][i]);
		}
	return CP_OK;
}

enum cp_code cp_limit_changeset(const struct cp_limits *l, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more;

	CP_TRY(cp_limit_check(l, CP_LIMIT_CHANGESET, len, err, "a changeset"));
	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more)
		CP_TRY(check_change(l, &c, err));
	return CP_OK;
}
