#include "sync/rule.h"

#include <jansson.h>
#include <string.h>

const char cp_rule_names[] = "unanimous, latest, standing";

bool cp_rule_named(const char *name, enum cp_rule *out)
{
	static const char *const names[] = { [CP_RULE_UNANIMOUS] = "unanimous", [CP_RULE_LATEST] = "latest",
		[CP_RULE_STANDING] = "standing" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum cp_rule)i;
			return true;
		}
	return false;
}

/* What it was made under, and what was noted beside it, is no answer. */
static bool is_beside(const char *cell)
{
	static const char *const names[] = { "assignment_rev", "content", "form_version", "guideline_revision", "note" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], cell) == 0)
			return true;
	return false;
}

/* Does b have every answer that a has? */
static bool has_answers(json_t *a, json_t *b)
{
	const char *cell;
	json_t *v;

	json_object_foreach(a, cell, v) {
		json_t *other = json_object_get(b, cell);

		if (!is_beside(cell) && (other == NULL || !json_equal(v, other)))
			return false;
	}
	return true;
}

static bool is_unanimous(const struct cp_conflict *c)
{
	json_t *first = json_loads(c->candidates[0].value, 0, NULL);
	bool same = c->table_no == CP_CONFLICT_JUDGMENTS && json_is_object(first);

	for (size_t i = 1; same && i < c->n; i++) {
		json_t *next = json_loads(c->candidates[i].value, 0, NULL);

		same = json_is_object(next) && has_answers(first, next) && has_answers(next, first);
		json_decref(next);
	}
	json_decref(first);
	return same;
}

/* Candidates are in order of their clocks. */
static size_t latest(const struct cp_conflict *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->candidates[i].is_far)
			return SIZE_MAX;
	return c->n - 1;
}

static size_t standing(const struct cp_conflict *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->candidates[i].stands)
			return i;
	return SIZE_MAX;
}

size_t cp_rule_choose(enum cp_rule rule, const struct cp_conflict *c)
{
	if (c->n == 0 || (strcmp(c->class, "fork") != 0 && strcmp(c->class, "hard") != 0))
		return SIZE_MAX;
	switch (rule) {
	case CP_RULE_UNANIMOUS: return is_unanimous(c) ? latest(c) : SIZE_MAX;
	case CP_RULE_LATEST:    return latest(c);
	case CP_RULE_STANDING:  return standing(c);
	}
	return SIZE_MAX;
}
