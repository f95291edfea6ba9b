/*
 * What the tests of settling share: a hub, and Anna, who judges one case on two devices, a and b.
 */
#ifndef CASEPACK_TESTS_SETTLING_H
#define CASEPACK_TESTS_SETTLING_H

#include "tests/unit/hub.h"

#include "sync/policy.h"
#include "sync/settle.h"

static struct cp_store *hub;

static inline int begin(void **state)
{
	folder_make(state);
	hub = make_hub("hub", "lead");
	add_device(hub, "anna", "anna", NULL);
	import(hub, "shoes", "r1 r2");
	put_text(hub, (struct cp_text_add){ .kind = CP_FORM, .name = "relevance", .body = cp_form_preset("relevance-0-3"),
			.must_be_new = true });
	assign_all(hub, "relevance", 1);
	pack(hub, NULL);
	open_bundle("a", "anna");
	add_device(hub, "anna", "anna2", NULL);
	pack(hub, NULL);
	open_bundle("b", "anna2");
	return 0;
}

static inline int end(void **state)
{
	cp_store_drop(&hub);
	return folder_remove(state);
}

/* The answers of one device, taken in by the hub. */
static inline void judged(const char *workspace, const char *r1, const char *r2)
{
	grade(workspace, "shoes", r1, r2);
	send_back(workspace);
	assert_int_equal(merge(hub).refused, 0);
}

/* ---- what is asked ---------------------------------------------------------------------- */

static inline enum cp_code take_first(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct cp_conflict *out = user;

	(void)err;
	if (out->class == NULL) {
		*out = *c;
		memset(c, 0, sizeof *c);
	}
	return CP_OK;
}

static inline enum cp_code count_one(void *user, struct cp_conflict *c, struct cp_err *err)
{
	(void)c;
	(void)err;
	++*(int *)user;
	return CP_OK;
}

static inline int count(struct cp_store *s, enum cp_conflict_state state, const char *class)
{
	struct cp_conflict_filter f = { .state = state, .class = class };
	int n = 0;

	OK(cp_conflict_each(s, &f, count_one, &n, err));
	return n;
}

/* The only one of that state; ended by the caller. */
static inline struct cp_conflict only(struct cp_store *s, enum cp_conflict_state state, const char *class)
{
	struct cp_conflict_filter f = { .state = state, .class = class };
	struct cp_conflict c = { .n = 0 };

	assert_int_equal(count(s, state, class), 1);
	OK(cp_conflict_each(s, &f, take_first, &c, err));
	return c;
}

static inline size_t candidate_saying(const struct cp_conflict *c, const char *text)
{
	for (size_t i = 0; i < c->n; i++)
		if (strstr(c->candidates[i].value, text) != NULL)
			return i;
	fail_msg("no candidate says %s", text);
	return 0;
}

/* Take the candidate of that conflict which says so. */
static inline void take(struct cp_store *s, enum cp_conflict_state state, const char *class, const char *text)
{
	CP_AUTO(conflict) struct cp_conflict c = only(s, state, class);

	OK(cp_settling_begin(s, err));
	OK(cp_settle_take(s, &c, candidate_saying(&c, text), "because", err));
	OK(cp_settling_commit(s, "settled", err));
}

static inline struct shown label(struct cp_store *s)
{
	return shown(s, "grade", 1);
}

static inline void policy(const char *key, const char *name)
{
	bool changed;

	OK(cp_policy_set(hub, key, name, &changed, err));
}

#endif
