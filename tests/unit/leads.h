/*
 * Three leads, each with a hub of her own, for the unit tests of what they write without
 * knowing of each other. What one's device seals the others take in.
 */
#ifndef CASEPACK_TESTS_LEADS_H
#define CASEPACK_TESTS_LEADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/file.h"
#include "sync/assign.h"
#include "sync/conflict.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/edit.h"
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/seal.h"
#include "sync/take.h"
#include "sync/texts.h"

#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			fail_msg("%s: %s", #call, ok_err_.text);                       \
	} while (0)

#define LEADS 3
static const char *const leads[LEADS] = { "lea", "max", "ida" }; /* each a hub in a folder of that name */
static struct cp_store *hubs[LEADS];
static char folder[64];

static inline const char *at(const char *name)
{
	static char made[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

/* Runs a shell command in the test's folder, and gives what it prints, up to 4 KB, without the last newline. */
static inline const char *shell(const char *fmt, ...) CP_PRINTF(1, 2);
static inline const char *shell(const char *fmt, ...)
{
	static char said[4][4096];
	static int next;
	char command[2048], whole[2200];
	char *out = said[next = (next + 1) % 4];
	size_t n;
	va_list args;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	snprintf(whole, sizeof whole, "cd %s && %s", folder, command);
	f = popen(whole, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof said[0] - 1, f);
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	if (pclose(f) != 0)
		fail_msg("it fails: %s", command);
	return out;
}

/* ---- leads and their hubs ----------------------------------------------------------------- */

static inline void start(int lead)
{
	OK(cp_store_open(&hubs[lead], at(leads[lead]), err));
}

static inline void stop(int lead)
{
	cp_store_close(hubs[lead]);
	hubs[lead] = NULL;
}

static inline enum cp_code write_text(int lead, struct cp_text_add t, struct cp_err *err)
{
	int64_t number;
	bool changed;

	t.len = t.body ? strlen(t.body) : 0;
	CP_TRY(cp_text_put(hubs[lead], &t, &number, &changed, err));
	assert_true(changed);
	return cp_seal(hubs[lead], NULL, err);
}

static inline void revise(int lead, const char *body)
{
	OK(write_text(lead, (struct cp_text_add){ .name = "policy", .body = body }, err));
}

/* A device of its own on the roster as a hub, and a copy of the first one's folder that is now that device's. */
static inline void found_hub(int lead)
{
	struct cp_person_add p = { .pseudonym = leads[lead], .role = "lead" };
	char path[128];
	struct cp_pubkey key;
	struct cp_id replica;
	bool changed;

	snprintf(path, sizeof path, "%s/%s.key.pub", folder, leads[lead]);
	p.key_path = path;
	OK(cp_person_add(hubs[0], &p, &changed, err));
	path[strlen(path) - 4] = '\0';
	OK(cp_public_key(&key, path, err));
	cp_replica_id(&replica, &hubs[0]->me.project, &key);
	OK(cp_edit_begin(hubs[0], err));
	OK(cp_edit_document(hubs[0], CP_T_REPLICAS, &replica, (struct cp_set[]){ { "is_hub", cp_v_int(1) } }, 1, CP_EDIT_PLAIN,
			NULL, NULL, err));
	OK(cp_edit_commit(hubs[0], "a second hub", err));
	OK(cp_seal(hubs[0], NULL, err));
}

static inline void copy_hub(int lead)
{
	stop(0);
	shell("cp -r %s %s", leads[0], leads[lead]);
	shell("sqlite3 %s/casepack.db \"UPDATE meta SET value = (SELECT id FROM persons WHERE pseudonym = '%s') WHERE key = 'person';"
			" UPDATE meta SET value = (SELECT r.id FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = '%s')"
			" WHERE key = 'replica'; UPDATE meta SET value = CAST('%s/%s.key' AS BLOB) WHERE key = 'key';"
			" DELETE FROM meta WHERE key IN ('workspace', 'folder')\"", /* no copy of a device, but another device's */
			leads[lead], leads[lead], leads[lead], folder, leads[lead]);
	start(0);
	start(lead);
}

static inline void give_object(struct cp_taking *t, struct cp_repo *r, const char *oid, const char *type)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

	OK(cp_repo_read(r, oid, type, &bytes, err));
	OK(cp_taking_object(t, oid, type, bytes.data, bytes.len, err));
}

/* The one hub takes in what the other's device has sealed, whatever comes of it. */
static inline struct cp_merged offer(int to, int from)
{
	struct cp_merged m = { .edits = 0 };
	struct cp_taking *t;
	char hex[CP_ID_HEX], list[4096], *at_oid;

	snprintf(list, sizeof list, "%s", shell("git -C %s/history.git rev-list --reverse --format='%%T %%H' replica/%s | grep -v ^commit",
			leads[from], cp_hex(hex, hubs[from]->me.replica.bytes, 16)));
	OK(cp_txn_begin(hubs[to], err));
	OK(cp_taking_begin(hubs[to], &t, err));
	for (char *line = strtok_r(list, "\n", &at_oid); line != NULL; line = strtok_r(NULL, "\n", &at_oid)) {
		const char *blob;

		line[40] = '\0';
		blob = shell("git -C %s/history.git rev-parse %s:changeset", leads[from], line);
		give_object(t, hubs[from]->history, line + 41, "commit");
		give_object(t, hubs[from]->history, line, "tree");
		give_object(t, hubs[from]->history, blob, "blob");
	}
	OK(cp_taking_end(t, &m, err));
	cp_taking_free(t);
	return m;
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
	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/cp-heads-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	for (int i = 0; i < LEADS; i++) {
		char path[128];

		snprintf(path, sizeof path, "%s/%s.key", folder, leads[i]);
		OK(cp_sshkey_generate(path, "", NULL, err));
	}
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("lea"), .project_name = "Texts", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at("lea.key") }, NULL, NULL, err));
	start(0);
	found_hub(1);
	found_hub(2);
	OK(write_text(0, (struct cp_text_add){ .name = "policy", .body = before, .must_be_new = true }, err));
	OK(write_text(0, (struct cp_text_add){ .kind = CP_FORM, .name = "grade", .body = cp_form_preset("relevance-0-3"),
			.must_be_new = true }, err));
	copy_hub(1);
	copy_hub(2);
	return 0;
}

static inline int end(void **state)
{
	char command[128];

	(void)state;
	for (int i = 0; i < LEADS; i++)
		stop(i);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
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

static inline void verifies(int lead)
{
	struct cp_verified r;

	OK(cp_verify_store(hubs[lead], &r, err));
}

static inline int64_t number_of(int lead, const char *sql)
{
	return strtoll(shell("sqlite3 %s/casepack.db \"%s\"", leads[lead], sql), NULL, 10);
}

#endif
