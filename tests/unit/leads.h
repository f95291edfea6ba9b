/*
 * Three leads, each with a hub of her own, for the unit tests of what they write without
 * knowing of each other. What one's device seals the others take in.
 */
#ifndef CASEPACK_TESTS_LEADS_H
#define CASEPACK_TESTS_LEADS_H

#include "tests/unit/hub.h"

#include "sync/conflict.h"
#include "sync/heads.h"

#define LEADS 3
static const char *const leads[LEADS] = { "lea", "max", "ida" }; /* each a hub in a folder of that name */
static struct cp_store *hubs[LEADS];

/* ---- leads and their hubs ----------------------------------------------------------------- */

static inline void start(int lead)
{
	hubs[lead] = opened(leads[lead]);
}

static inline void stop(int lead)
{
	cp_store_drop(&hubs[lead]);
}

/* A revision or version that changes the text; sealed. */
static inline void write_text(int lead, struct cp_text_add t)
{
	put_text(hubs[lead], t);
	OK(cp_seal(hubs[lead], NULL, err));
}

static inline void revise(int lead, const char *body)
{
	write_text(lead, (struct cp_text_add){ .name = "policy", .body = body });
}

/* The one hub takes in what the other's device has sealed, whatever comes of it. */
static inline struct cp_merged offer(int to, int from)
{
	return take_all(hubs[to], hubs[from]);
}

static inline struct cp_merged take(int to, int from)
{
	struct cp_merged m = offer(to, from);

	if (m.refused + m.waiting > 0)
		fail_msg("%s", m.why);
	return m;
}

static const char before[] = "# Policy\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n";

static inline int begin(void **state)
{
	static const char *const keys[LEADS] = { "lea.key", "max.key", "ida.key" };

	folder_make(state);
	hubs[0] = make_hub(leads[0], keys[0]);
	for (int i = 1; i < LEADS; i++) {
		add_device(hubs[0], leads[i], keys[i], "lead");
		declare_hub(hubs[0], keys[i]);
	}
	write_text(0, (struct cp_text_add){ .name = "policy", .body = before, .must_be_new = true });
	write_text(0, (struct cp_text_add){ .kind = CP_FORM, .name = "grade", .body = cp_form_preset("relevance-0-3"),
			.must_be_new = true });
	for (int i = 1; i < LEADS; i++)
		hubs[i] = copy_hub(&hubs[0], leads[0], leads[i], keys[i]);
	return 0;
}

static inline int end(void **state)
{
	for (int i = 0; i < LEADS; i++)
		stop(i);
	return folder_remove(state);
}

/* ---- what a hub says ------------------------------------------------------------------------ */

static inline const char *main_has(int lead, const char *path)
{
	return shell("git -C %s/history.git show main:%s 2>/dev/null || true", leads[lead], path);
}

/* The only file of main's folder conflicts. */
static inline const char *conflict_page(int lead)
{
	const char *path = shell("git -C %s/history.git ls-tree -r --name-only main conflicts/", leads[lead]);

	return *path ? main_has(lead, path) : "";
}

/* As main_has gives a text. */
static inline const char *trimmed(const char *text)
{
	static char out[4096];

	snprintf(out, sizeof out, "%.*s", (int)strlen(text) - 1, text);
	return out;
}

struct told { int n, standing; char policy[32], class[32], who[64]; };

static inline enum cp_code hear(void *user, struct cp_conflict *c, struct cp_err *err)
{
	struct told *told = user;

	(void)err;
	assert_string_equal(c->column, "text");
	snprintf(told->policy, sizeof told->policy, "%s", c->policy);
	snprintf(told->class, sizeof told->class, "%s", c->class);
	for (size_t i = 0; i < c->n; i++) {
		told->n++;
		told->standing += c->candidates[i].stands;
		if (c->candidates[i].stands)
			snprintf(told->who, sizeof told->who, "%s", c->candidates[i].who);
	}
	return CP_OK;
}

static inline struct told conflict(int lead)
{
	struct told told = { .n = 0 };

	OK(cp_conflict_each(hubs[lead], &(struct cp_conflict_filter){ .state = CP_CONFLICTS_OPEN }, hear, &told, err));
	return told;
}

static inline struct cp_text_heads merged(int lead, const char *name, char *out, size_t size)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_text_heads heads;

	OK(cp_text_merged(hubs[lead], strcmp(name, "grade") == 0, name, &text, &heads, err));
	snprintf(out, size, "%s", text.data);
	return heads;
}

static inline void fails(int lead, const struct cp_text_add *t, const char *words)
{
	struct cp_err err = { 0 };
	struct cp_text_add given = *t;
	int64_t number;
	bool changed;

	given.len = given.body ? strlen(given.body) : 0;
	assert_int_equal(cp_text_put(hubs[lead], &given, &number, &changed, &err), CP_EINPUT);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

#endif
