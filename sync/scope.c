#include "sync/scope.h"

#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"

/* ---- who and what is ours ------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cp_id));
}

static enum cp_code add_id(struct cp_scope_ids *ids, const struct cp_id *id, struct cp_err *err)
{
	size_t room = ids->room ? 2 * ids->room : 64;
	struct cp_id *more;

	if (ids->n == ids->room) {
		more = reallocarray(ids->list, room, sizeof *more);
		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		ids->list = more;
		ids->room = room;
	}
	ids->list[ids->n++] = *id;
	return CP_OK;
}

static bool has_id(const struct cp_scope_ids *ids, const struct cp_value *v)
{
	return v->type == CP_BLOB && v->len == sizeof(struct cp_id) && ids->n > 0 &&
		bsearch(v->bytes, ids->list, ids->n, sizeof *ids->list, by_bytes) != NULL;
}

/* The first column of every row. */
static enum cp_code add_ids(struct cp_store *s, sqlite3_stmt *q, struct cp_scope_ids *ids, struct cp_err *err)
{
	bool row;

	for (;;) {
		struct cp_id id;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		cp_col_id(q, 0, &id);
		CP_TRY(add_id(ids, &id, err));
	}
	if (ids->n > 1)
		qsort(ids->list, ids->n, sizeof *ids->list, by_bytes);
	return CP_OK;
}

enum cp_code cp_scope_load(struct cp_scope *k, struct cp_store *s, const struct cp_device *to, struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t is_hub;

	*k = (struct cp_scope){ .s = s, .to = *to };
	CP_TRY(cp_query_int(s, &is_hub, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", &to->replica));
	k->is_relay = is_hub != 0;
	CP_TRY(add_id(&k->persons, &to->person, err));
	CP_TRY(cp_query(s, &q, err, "SELECT DISTINCT person FROM replicas WHERE home = ?1", "d", &to->replica));
	CP_TRY(add_ids(s, q, &k->persons, err));
	for (size_t i = 0; i < k->persons.n; i++) {
		CP_TRY(cp_query(s, &q, err, "SELECT case_id FROM assignments WHERE person = ?1", "d", &k->persons.list[i]));
		CP_TRY(add_ids(s, q, &k->cases, err));
	}
	return CP_OK;
}

void cp_scope_drop(struct cp_scope *k)
{
	free(k->persons.list);
	free(k->cases.list);
	*k = (struct cp_scope){ .s = NULL };
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Is the person that a row of the answer names in its first column ours? */
static enum cp_code names_ours(struct cp_scope *k, const char *sql, const struct cp_value *of, bool *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(k->s, &q, err, sql, "v", of));
	for (*out = false;;) {
		struct cp_value person;

		CP_TRY(cp_step(k->s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_value(q, 0, &person);
		*out = *out || has_id(&k->persons, &person);
	}
}

/* Does one of us have what is asked, by that value and the person? */
static enum cp_code one_has(struct cp_scope *k, const char *sql, const struct cp_value *value, bool *out, struct cp_err *err)
{
	*out = false;
	for (size_t i = 0; !*out && i < k->persons.n; i++) {
		int64_t n;

		CP_TRY(cp_query_int(k->s, &n, 0, err, sql, "vd", value, &k->persons.list[i]));
		*out = n != 0;
	}
	return CP_OK;
}

static bool is_text(const struct cp_value *v, const char *text)
{
	return v->type == CP_TEXT && v->len == strlen(text) && memcmp(v->bytes, text, v->len) == 0;
}

/* A hub, one of ours, or one that has moved from a relay to another home. */
static bool has_replica(const struct cp_scope *k, const struct cp_value *now)
{
	return now[5].integer == 1 || (k->is_relay && now[8].type == CP_BLOB && now[8].len == 16) || has_id(&k->persons, &now[3]);
}

/* Its id says for whom it was made. */
static bool has_assignment(const struct cp_scope *k, const struct cp_value *now)
{
	struct cp_id id;
	uint8_t pass[8];

	for (int i = 0; i < 8; i++)
		pass[i] = (uint8_t)((uint64_t)now[CP_A_PASS].integer >> (56 - 8 * i));
	cp_id_derive(&id, "assignment", 3, (const void *const[]){ now[CP_A_CASE].bytes, now[CP_A_PERSON].bytes, pass },
			(const size_t[]){ now[CP_A_CASE].len, now[CP_A_PERSON].len, 8 });
	return now[CP_C_ID].len == 16 && memcmp(now[CP_C_ID].bytes, id.bytes, 16) == 0 && has_id(&k->persons, &now[CP_A_PERSON]);
}

static enum cp_code has_text(struct cp_scope *k, const struct cp_change *c, bool *out, struct cp_err *err)
{
	const struct cp_value *id = &c->now[CP_C_ID], *doc = &c->now[3];

	switch (c->table) {
	case CP_T_GUIDELINES:
		return one_has(k, "SELECT 1 FROM assignments WHERE guideline = ?1 AND person = ?2 LIMIT 1", id, out, err);
	case CP_T_FORMS:
		return one_has(k, "SELECT 1 FROM assignments WHERE form = ?1 AND person = ?2 LIMIT 1", id, out, err);
	case CP_T_GUIDELINE_REVISIONS:
		CP_TRY(one_has(k, "SELECT 1 FROM assignments WHERE guideline = ?1 AND person = ?2 LIMIT 1", doc, out, err));
		return *out ? CP_OK : one_has(k, "SELECT 1 FROM assignments a JOIN judgments j ON j.id = a.id"
				" WHERE j.guideline_revision = ?1 AND a.person = ?2 LIMIT 1", id, out, err);
	default:
		CP_TRY(one_has(k, "SELECT 1 FROM assignments WHERE form = ?1 AND person = ?2 LIMIT 1", doc, out, err));
		return *out ? CP_OK : one_has(k, "SELECT 1 FROM assignments a JOIN judgments j ON j.id = a.id"
				" WHERE j.form_version = ?1 AND a.person = ?2 LIMIT 1", id, out, err);
	}
}

enum cp_code cp_scope_has(struct cp_scope *k, const struct cp_change *c, bool is_new, bool *out, struct cp_err *err)
{
	const struct cp_value *now = c->now;

	*out = false;
	if (c->op != CP_INSERT)
		return CP_OK;
	switch (c->table) {
	case CP_T_PROJECT:
		*out = now[CP_C_ID].len == 16 && memcmp(now[CP_C_ID].bytes, k->s->me.project.bytes, 16) == 0;
		return CP_OK;
	case CP_T_PERSONS:
		*out = is_text(&now[4], "lead") || is_text(&now[4], "relay") || has_id(&k->persons, &now[CP_C_ID]);
		break;
	case CP_T_REPLICAS: *out = has_replica(k, now); break;
	case CP_T_ASSIGNMENTS: *out = has_assignment(k, now); break;
	case CP_T_CASES: *out = has_id(&k->cases, &now[CP_C_ID]); break;
	case CP_T_SETTLEMENTS:
		CP_TRY(names_ours(k, "SELECT person FROM assignments WHERE id = ?1", &now[CP_C_ID], out, err));
		break;
	case CP_T_RULINGS:
		CP_TRY(names_ours(k, "SELECT person FROM replicas WHERE lower(hex(id)) = ?1 OR id IN (SELECT replica FROM commits"
				" WHERE oid = ?1)", &now[CP_RU_ABOUT], out, err));
		break;
	case CP_T_GUIDELINES: case CP_T_GUIDELINE_REVISIONS: case CP_T_FORMS: case CP_T_FORM_VERSIONS:
		*out = !is_new;
		return is_new ? has_text(k, c, out, err) : CP_OK;
	default: /* work, what leads decided among themselves: never material */
		return CP_OK;
	}
	*out = *out || (!is_new && k->is_relay);
	return CP_OK;
}
