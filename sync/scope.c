#include "sync/scope.h"

#include <string.h>

#include "sync/inner.h"

/* The person of the device, and of a relay's device those whose home it is. */
static enum cp_code is_ours(struct cp_store *s, const struct cp_device *to, const struct cp_value *person, bool *out,
		struct cp_err *err)
{
	int64_t n;

	*out = person->type == CP_BLOB && person->len == 16 && memcmp(person->bytes, to->person.bytes, 16) == 0;
	if (*out)
		return CP_OK;
	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT 1 FROM replicas WHERE person = ?1 AND home = ?2", "vd", person, &to->replica));
	*out = n != 0;
	return CP_OK;
}

/* One row of what is asked has a person who is ours. */
static enum cp_code any_is_ours(struct cp_store *s, const struct cp_device *to, const char *sql, const struct cp_value *of,
		bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, sql, "vdd", of, &to->person, &to->replica));
	*out = n != 0;
	return CP_OK;
}

#define OURS(column) "(" column " = ?2 OR EXISTS (SELECT 1 FROM replicas h WHERE h.person = " column " AND h.home = ?3))"
#define ASSIGNED "SELECT 1 FROM assignments a WHERE " OURS("a.person")

static bool is_text(const struct cp_value *v, const char *text)
{
	return v->type == CP_TEXT && v->len == strlen(text) && memcmp(v->bytes, text, v->len) == 0;
}

static enum cp_code has_person(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool *out, struct cp_err *err)
{
	const struct cp_value *role = &c->now[4];

	*out = is_text(role, "lead") || is_text(role, "relay");
	return *out ? CP_OK : is_ours(s, to, &c->now[CP_C_ID], out, err);
}

/* A hub, one of ours, or one that has moved to another home. */
static enum cp_code has_replica(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool is_relay, bool *out,
		struct cp_err *err)
{
	*out = c->now[5].integer == 1 || (is_relay && c->now[8].type == CP_BLOB && c->now[8].len == 16);
	return *out ? CP_OK : is_ours(s, to, &c->now[3], out, err);
}

static enum cp_code has_assignment(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool *out,
		struct cp_err *err)
{
	struct cp_id id;
	uint8_t pass[8];

	for (int i = 0; i < 8; i++)
		pass[i] = (uint8_t)((uint64_t)c->now[CP_A_PASS].integer >> (56 - 8 * i));
	cp_id_derive(&id, "assignment", 3, (const void *const[]){ c->now[CP_A_CASE].bytes, c->now[CP_A_PERSON].bytes, pass },
			(const size_t[]){ c->now[CP_A_CASE].len, c->now[CP_A_PERSON].len, 8 });
	*out = c->now[CP_C_ID].len == 16 && memcmp(c->now[CP_C_ID].bytes, id.bytes, 16) == 0;
	return *out ? is_ours(s, to, &c->now[CP_A_PERSON], out, err) : CP_OK;
}

static enum cp_code is_relay_device(struct cp_store *s, const struct cp_id *device, bool *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT is_hub FROM replicas WHERE id = ?1", "d", device));
	*out = n != 0;
	return CP_OK;
}

static enum cp_code has_text(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool *out, struct cp_err *err)
{
	const struct cp_value *id = &c->now[CP_C_ID], *doc = &c->now[3];

	switch (c->table) {
	case CP_T_GUIDELINES:
		return any_is_ours(s, to, ASSIGNED " AND a.guideline = ?1 LIMIT 1", id, out, err);
	case CP_T_FORMS:
		return any_is_ours(s, to, ASSIGNED " AND a.form = ?1 LIMIT 1", id, out, err);
	case CP_T_GUIDELINE_REVISIONS:
		CP_TRY(any_is_ours(s, to, ASSIGNED " AND a.guideline = ?1 LIMIT 1", doc, out, err));
		return *out ? CP_OK : any_is_ours(s, to, ASSIGNED " AND EXISTS (SELECT 1 FROM judgments j WHERE j.id = a.id AND"
				" j.guideline_revision = ?1) LIMIT 1", id, out, err);
	default:
		CP_TRY(any_is_ours(s, to, ASSIGNED " AND a.form = ?1 LIMIT 1", doc, out, err));
		return *out ? CP_OK : any_is_ours(s, to, ASSIGNED " AND EXISTS (SELECT 1 FROM judgments j WHERE j.id = a.id AND"
				" j.form_version = ?1) LIMIT 1", id, out, err);
	}
}

enum cp_code cp_scope_has(struct cp_store *s, const struct cp_device *to, const struct cp_change *c, bool is_new, bool *out,
		struct cp_err *err)
{
	bool is_relay;

	*out = false;
	if (c->op != CP_INSERT)
		return CP_OK;
	CP_TRY(is_relay_device(s, &to->replica, &is_relay, err));
	switch (c->table) {
	case CP_T_PROJECT:
		*out = c->now[CP_C_ID].len == 16 && memcmp(c->now[CP_C_ID].bytes, s->me.project.bytes, 16) == 0;
		return CP_OK;
	case CP_T_PERSONS: CP_TRY(has_person(s, to, c, out, err)); break;
	case CP_T_REPLICAS: CP_TRY(has_replica(s, to, c, is_relay, out, err)); break;
	case CP_T_ASSIGNMENTS: CP_TRY(has_assignment(s, to, c, out, err)); break;
	case CP_T_CASES:
		CP_TRY(any_is_ours(s, to, ASSIGNED " AND a.case_id = ?1 LIMIT 1", &c->now[CP_C_ID], out, err));
		break;
	case CP_T_SETTLEMENTS:
		CP_TRY(any_is_ours(s, to, ASSIGNED " AND a.id = ?1", &c->now[CP_C_ID], out, err));
		break;
	case CP_T_RULINGS:
		CP_TRY(any_is_ours(s, to, "SELECT 1 FROM replicas r WHERE (lower(hex(r.id)) = ?1 OR r.id IN (SELECT replica FROM commits"
				" WHERE oid = ?1)) AND " OURS("r.person") " LIMIT 1", &c->now[CP_RU_ABOUT], out, err));
		break;
	case CP_T_GUIDELINES: case CP_T_GUIDELINE_REVISIONS: case CP_T_FORMS: case CP_T_FORM_VERSIONS:
		*out = !is_new;
		if (is_new)
			CP_TRY(has_text(s, to, c, out, err));
		return CP_OK;
	default: /* work, what leads decided among themselves: never material */
		return CP_OK;
	}
	*out = *out || (!is_new && is_relay);
	return CP_OK;
}
