/*
 * A small hub with a rater's device, made once, for programs that throw hostile bytes at
 * them in their own process. Everything is made from one seed and under one clock, so the
 * ids in a stored input mean the same in each run.
 */
#ifndef CASEPACK_TESTS_FUZZ_HUB_H
#define CASEPACK_TESTS_FUZZ_HUB_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/seal.h"
#include "sync/texts.h"
#include "tests/sim/chance.h"

#define HUB_NOW_US INT64_C(1750000000000000)

#define MUST(truth)                                                                           \
	do {                                                                                  \
		if (!(truth)) {                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #truth); \
			abort();                                                              \
		}                                                                             \
	} while (0)

#define DONE(call)                                                                            \
	do {                                                                                  \
		struct cp_err done_err_ = { CP_OK, "" };                                      \
		struct cp_err *err = &done_err_;                                              \
		if ((call) != CP_OK) {                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, done_err_.text); \
			abort();                                                              \
		}                                                                             \
	} while (0)

static char hub_folder[64]; /* holds the workspaces hub and anna, the folders out and back, and the keys */

/* A path in that folder; four may be in use at a time. */
static inline const char *hub_path(const char *name)
{
	static char made[4][512];
	static int next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", hub_folder, name);
	return made[next];
}

static inline void hub_remove(void)
{
	cp_folder_remove(hub_folder);
}

/* ---- folders ------------------------------------------------------------------------ */

static inline void hub_copy(const char *from, const char *to);

static inline void hub_copy_file(const char *from, const char *to)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0644);

	DONE(cp_file_read(&bytes, from, err));
	MUST(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
	close(fd);
}

static inline void hub_copy(const char *from, const char *to)
{
	struct dirent *e;
	DIR *d = opendir(from);

	MUST(d != NULL && mkdir(to, 0755) == 0);
	while ((e = readdir(d)) != NULL) {
		char *source, *target;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		source = cp_path_join(from, e->d_name);
		target = cp_path_join(to, e->d_name);
		if (e->d_type == DT_DIR)
			hub_copy(source, target);
		else
			hub_copy_file(source, target);
		free(source);
		free(target);
	}
	closedir(d);
}

/* The only file of that folder whose name holds part. */
static inline const char *hub_find(const char *folder, const char *part)
{
	static char found[1024];
	struct dirent *e;
	DIR *d = opendir(hub_path(folder));
	int n = 0;

	MUST(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (strstr(e->d_name, part) != NULL) {
			snprintf(found, sizeof found, "%s/%s", hub_path(folder), e->d_name);
			n++;
		}
	closedir(d);
	MUST(n == 1);
	return found;
}

/* ---- what people do ------------------------------------------------------------------ */

static inline void hub_ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

static inline void hub_person(struct cp_store *s, const char *name)
{
	char path[128];
	bool changed;

	snprintf(path, sizeof path, "%s.key.pub", hub_path(name));
	DONE(cp_person_add(s, &(struct cp_person_add){ .pseudonym = name, .key_path = path }, &changed, err));
}

static inline void hub_text(struct cp_store *s, enum cp_text_kind kind, const char *name, const char *body)
{
	int64_t number;
	bool changed;

	DONE(cp_text_put(s, &(struct cp_text_add){ .kind = kind, .name = name, .body = body, .len = strlen(body),
			.must_be_new = true }, &number, &changed, err));
}

static inline void hub_import(struct cp_store *s, const char *name)
{
	struct cp_result_in results[] = { { .id = "d1", .rank = 1 }, { .id = "d2", .rank = 2 } };
	struct cp_case_in c = { .id = name, .kind = "serp", .query = name, .locale = "en-US", .results = results, .n_results = 2 };
	enum cp_case_effect effect;

	DONE(cp_cases_begin(s, err));
	DONE(cp_cases_add(s, &c, &effect, err));
	DONE(cp_cases_commit(s, "import", err));
}

static inline void hub_pack(struct cp_store *s)
{
	int64_t n;

	cp_folder_remove(hub_path("out"));
	MUST(mkdir(hub_path("out"), 0755) == 0);
	DONE(cp_pack(s, NULL, hub_path("out"), CP_SEND_PLAIN, hub_ignore, NULL, &n, err));
}

static inline void hub_judge(struct cp_store *s, const char *name, const char *grade)
{
	struct cp_answer answers[] = { { "grade", "d1", grade }, { "grade", "d2", "0" } };
	struct cp_judge_result out;
	struct cp_task t;
	struct cp_id id;

	DONE(cp_case_find(s, name, &id, err));
	DONE(cp_task_find(s, &id, &t, err));
	DONE(cp_judge(s, &t, answers, 2, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
	cp_task_drop(&t);
}

/* ---- the scene ------------------------------------------------------------------------- */

/* No file of this folder needs to outlive the power: in memory where there is such a place. */
static inline void hub_folder_make(void)
{
	const char *under = getenv("TMPDIR");

	if (under == NULL)
		under = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(hub_folder, sizeof hub_folder, "%.30s/casepack-fuzz-XXXXXX", under);
	MUST(mkdtemp(hub_folder) != NULL);
	atexit(hub_remove);
	setenv("HOME", hub_folder, 1);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1); /* no tokens: a copy is its twin */
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("CASEPACK_PASSPHRASE");
}

/* Opens a rater's bundle in a workspace of that name. */
static inline void hub_give(const char *name)
{
	struct cp_opened opened;
	char part[32], key[32];

	snprintf(part, sizeof part, "-to-%s-", name);
	snprintf(key, sizeof key, "%s.key", name);
	DONE(cp_open(hub_path(name), hub_find("out", part), hub_path(key), NULL, NULL, &opened, err));
}

/* A rater's return, into the folder back. how: CP_SEND_... */
static inline void hub_return_as(const char *name, unsigned how)
{
	struct cp_store *s = NULL;
	struct cp_sent sent;
	int64_t n;

	cp_folder_remove(hub_path("back"));
	MUST(mkdir(hub_path("back"), 0755) == 0);
	DONE(cp_store_open(&s, hub_path(name), err));
	DONE(cp_return(s, hub_path("back"), how, &sent, &n, err));
	MUST(n == 1);
	cp_store_close(s);
}

static inline void hub_return(const char *name)
{
	hub_return_as(name, CP_SEND_PLAIN);
}

/* One judgment, sealed for itself. */
static inline void hub_sit(const char *name, const char *case_name, const char *grade)
{
	struct cp_store *s = NULL;

	DONE(cp_store_open(&s, hub_path(name), err));
	hub_judge(s, case_name, grade);
	DONE(cp_seal(s, NULL, err));
	cp_store_close(s);
}

/*
 * The hub with two cases, each given to anna and ben, whose bundles are in out. Anna has opened hers and judged one
 * case, and the hub has taken that in. Since then she has changed her mind about it, and judged the other; ben has
 * judged one too. Their returns of that are in back.
 */
static inline void hub_make(void)
{
	static const char *const keys[] = { "lead.key", "anna.key", "ben.key", "stranger.key" };
	struct cp_store *s = NULL;
	struct cp_assigned done;
	struct cp_merged merged;

	chance_take_over_entropy();
	chance_seed_entropy(1, 1);
	chance_set_clock(HUB_NOW_US);
	cp_hash_setup();
	hub_folder_make();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		DONE(cp_sshkey_generate(hub_path(keys[i]), "", NULL, err));
	DONE(cp_hub_create(&(struct cp_new_hub){ .path = hub_path("hub"), .project_name = "Fuzz", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = hub_path("lead.key") }, NULL, NULL, err));
	DONE(cp_store_open(&s, hub_path("hub"), err));
	hub_person(s, "anna");
	hub_person(s, "ben");
	hub_import(s, "q1");
	hub_import(s, "q2");
	hub_text(s, CP_GUIDELINE, "guide", "# Guide\n\nJudge the result.\n");
	hub_text(s, CP_FORM, "relevance", cp_form_preset("relevance-0-3"));
	DONE(cp_assign(s, &(struct cp_assign){ .form = "relevance", .guideline = "guide", .pass = 1 }, &done, err));
	hub_pack(s);
	hub_give("anna");
	hub_give("ben");
	hub_sit("anna", "q1", "3");
	hub_return("anna");
	DONE(cp_merge(s, hub_find("back", "-from-anna-"), &merged, err));
	MUST(merged.commits == 1 && merged.refused == 0);
	cp_store_close(s);
	hub_sit("anna", "q1", "2");
	hub_sit("anna", "q2", "1");
	hub_sit("ben", "q1", "0");
	hub_return("anna");
}

#endif
