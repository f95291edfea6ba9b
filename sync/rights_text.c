#include "sync/rights_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/form.h"
#include "formats/text.h"
#include "sync/heads.h"
#include "sync/inner.h"

enum { TEXT = 3, PARENTS, NUMBER, BODY = 9 }; /* columns of both tables of revisions */
#define PARENTS_MOST 64 /* as many as a row has leaves */

void cp_revisions_drop(struct cp_revisions *r)
{
	free(r->list);
	memset(r, 0, sizeof *r);
}

static enum cp_code remember(struct cp_revisions *r, const struct cp_id *id, const struct cp_id *text, int64_t number,
		struct cp_err *err)
{
	if (r->n == r->room) {
		struct cp_revision_seen *list = reallocarray(r->list, r->room * 2 + 16, sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		r->list = list;
		r->room = r->room * 2 + 16;
	}
	r->list[r->n++] = (struct cp_revision_seen){ *id, *text, number };
	return CP_OK;
}

/* Text and number of a revision, of this changeset or here already. */
static enum cp_code find(struct cp_store *s, const struct cp_revisions *r, size_t table, const struct cp_id *id,
		struct cp_revision_seen *out, bool *found, struct cp_err *err)
{
	bool is_form = table == CP_T_FORM_VERSIONS;

	for (size_t i = r->n; i > 0; i--)
		if (cp_id_equal(&r->list[i - 1].id, id)) {
			*out = r->list[i - 1];
			*found = true;
			return CP_OK;
		}
	CP_TRY(cp_query_int(s, &out->number, -1, err, CP_REVISIONS(is_form, "SELECT number FROM ", " WHERE id = ?1"), "d", id));
	*found = out->number >= 0;
	return cp_query_id(s, &out->text, err, CP_REVISIONS(is_form, "SELECT parent_doc FROM ", " WHERE id = ?1"), "d", id);
}

/* Its parents: ids of revisions of the same text, sorted, each once. *number is one above the highest. */
static enum cp_code check_parents(struct cp_store *s, const struct cp_revisions *r, const struct cp_change *c,
		const struct cp_id *text, int64_t *number, enum cp_verdict *out, char why[256], struct cp_err *err)
{
	const struct cp_value *parents = &c->now[PARENTS];
	struct cp_id before = { { 0 } };

	*number = 1;
	for (size_t i = 0; i < parents->len / sizeof before; i++) {
		struct cp_revision_seen parent;
		struct cp_id id;
		bool found;

		memcpy(&id, parents->bytes + i * sizeof id, sizeof id);
		CP_TRY(find(s, r, c->table, &id, &parent, &found, err));
		if (!found && *out == CP_ACCEPT) {
			*out = CP_WAIT;
			snprintf(why, 256, "a revision that it was written on has not come yet");
		}
		if ((i > 0 && memcmp(&before, &id, sizeof id) >= 0) || (found && !cp_id_equal(&parent.text, text))) {
			*out = CP_REFUSE;
			snprintf(why, 256, "a revision on what is no revision of its text");
			return CP_OK;
		}
		*number = found && parent.number >= *number ? parent.number + 1 : *number;
		before = id;
	}
	return CP_OK;
}

static bool is_named_by_its_hash(const struct cp_change *c)
{
	const struct cp_value *body = &c->now[BODY], *parents = &c->now[PARENTS];
	struct cp_id id;

	cp_id_derive(&id, "revision", 3, (const void *const[]){ c->now[TEXT].bytes, body->bytes, parents->bytes },
			(const size_t[]){ c->now[TEXT].len, body->len, parents->len });
	return memcmp(&id, cp_change_key(c, CP_C_ID)->bytes, sizeof id) == 0;
}

static bool can_be_read(const struct cp_change *c)
{
	const struct cp_value *body = &c->now[BODY];
	struct cp_form form;

	if (c->table != CP_T_FORM_VERSIONS)
		return cp_utf8_valid((const char *)body->bytes, body->len);
	if (cp_form_read(&form, (const char *)body->bytes, body->len, NULL) != CP_OK)
		return false;
	cp_form_drop(&form);
	return true;
}

/* What may be said of a revision without knowing another one. NULL: nothing against it. */
static const char *fault_of(const struct cp_change *c)
{
	const struct cp_value *now = c->now;

	if (c->op == CP_UPDATE)
		return now[TEXT].type == CP_ABSENT && now[PARENTS].type == CP_ABSENT && now[NUMBER].type == CP_ABSENT &&
			now[BODY].type == CP_ABSENT ? NULL : "a revision that was changed";
	if (now[TEXT].len != sizeof(struct cp_id) || now[PARENTS].len % sizeof(struct cp_id) != 0 ||
			now[PARENTS].len > PARENTS_MOST * sizeof(struct cp_id) || !is_named_by_its_hash(c))
		return "a revision whose id is not the hash of its text and parents";
	return can_be_read(c) ? NULL : "a revision that is no text, or no form";
}

enum cp_code cp_revision_check(struct cp_store *s, struct cp_revisions *r, const struct cp_change *c,
		enum cp_verdict *out, char why[256], struct cp_err *err)
{
	const char *fault = fault_of(c);
	struct cp_id id, text;
	int64_t number;

	*out = fault == NULL ? CP_ACCEPT : CP_REFUSE;
	if (fault != NULL)
		snprintf(why, 256, "%s", fault);
	if (fault != NULL || c->op == CP_UPDATE)
		return CP_OK;
	memcpy(&id, cp_change_key(c, CP_C_ID)->bytes, sizeof id);
	memcpy(&text, c->now[TEXT].bytes, sizeof text);
	CP_TRY(check_parents(s, r, c, &text, &number, out, why, err));
	if (*out == CP_ACCEPT && c->now[NUMBER].integer != number) {
		*out = CP_REFUSE;
		snprintf(why, 256, "a revision numbered %lld where %lld is next", (long long)c->now[NUMBER].integer, (long long)number);
	}
	return remember(r, &id, &text, c->now[NUMBER].integer, err);
}
