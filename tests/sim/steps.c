#include "tests/sim/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/hub.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/texts.h"

char folder[64], root[96], where[400];

int complain(const char *format, ...)
{
	va_list args;

	printf("# %s: ", where);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return 1;
}

const char *at(const char *name)
{
	static char made[8][1200];
	static int next;

	next = (next + 1) % 8;
	snprintf(made[next], sizeof made[next], "%s/%s", root, name);
	return made[next];
}

const char *key(const char *name)
{
	static char made[2][256];
	static int next;

	next = (next + 1) % 2;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

char said[1024];

int shell(const char *command)
{
	char whole[2048];
	FILE *f;

	snprintf(whole, sizeof whole, "cd %s && { %s; } 2>&1", root, command);
	f = popen(whole, "r");
	said[0] = '\0';
	while (f != NULL && fgets(said, sizeof said, f) != NULL)
		said[strcspn(said, "\n")] = '\0';
	return f != NULL && pclose(f) == 0 ? 0 : complain("%s: %s", command, said);
}

struct progress *progress;

/* ---- what people do -------------------------------------------------------------------------- */

int import(struct cp_store *hub, const char *id)
{
	struct cp_result_in list[2] = { { .id = "r1", .rank = 1 }, { .id = "r2", .rank = 2 } };
	struct cp_case_in c = { .id = id, .kind = "serp", .query = id, .locale = "en-US", .results = list, .n_results = 2 };
	enum cp_case_effect effect;

	OK(cp_cases_begin(hub, err));
	OK(cp_cases_add(hub, &c, &effect, err));
	OK(cp_cases_commit(hub, "import", err));
	return 0;
}

int assign(struct cp_store *hub)
{
	struct cp_assign a = { .form = "relevance", .pass = 1 };
	struct cp_assigned done;

	OK(cp_assign(hub, &a, &done, err));
	return 0;
}

int grade(const char *workspace, const char *case_id, const char *r2)
{
	struct cp_answer answers[] = { { "grade", "r1", "2" }, { "grade", "r2", r2 } };
	struct cp_judge_result out;
	struct cp_store *s = NULL;
	struct cp_task t;
	struct cp_id id;

	OK(cp_store_open(&s, at(workspace), err));
	OK(cp_case_find(s, case_id, &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, answers, r2 == NULL ? 1 : 2, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
	progress->steps++;
	cp_task_drop(&t);
	cp_store_close(s);
	return 0;
}

static void ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

int pack(void)
{
	struct cp_store *hub = NULL;
	int64_t n;

	OK(cp_store_open(&hub, at("hub"), err));
	OK(cp_pack(hub, NULL, at("out"), false, ignore, NULL, &n, err));
	progress->steps++;
	cp_store_close(hub);
	return 0;
}

int send_back(void)
{
	struct cp_store *s = NULL;
	struct cp_sent sent;
	int64_t n;

	OK(cp_store_open(&s, at("a"), err));
	OK(cp_return(s, at("back"), false, &sent, &n, err));
	progress->steps++;
	cp_store_close(s);
	return 0;
}

/* The newest bundle of out/ into that workspace. */
int open_newest(const char *workspace)
{
	struct cp_opened out;
	char path[1200];

	WELL(shell("ls out/*.casepack.age | tail -1"));
	snprintf(path, sizeof path, "%s", at(said));
	OK(cp_open(at(workspace), path, key("anna"), NULL, NULL, &out, err));
	progress->steps++;
	return 0;
}

/* Every bundle of back/ into the hub. */
int merge(void)
{
	struct cp_store *hub = NULL;
	struct cp_merged m;
	char names[1024], *next = names, *name;

	WELL(shell("ls back | grep 'casepack.age$' | tr '\\n' ' '"));
	snprintf(names, sizeof names, "%s", said);
	OK(cp_store_open(&hub, at("hub"), err));
	while ((name = strsep(&next, " ")) != NULL) {
		char path[1400];

		if (*name == '\0')
			continue;
		snprintf(path, sizeof path, "%s/%s", at("back"), name);
		OK(cp_merge(hub, path, &m, err));
		HOLDS(m.refused == 0 && m.waiting == 0);
	}
	progress->steps++;
	cp_store_close(hub);
	return 0;
}

/* ---- what two hubs do ------------------------------------------------------------------------- */

int send_to_hub(const char *from, const char *lead)
{
	struct cp_store *s = NULL;
	int64_t n = 0;

	OK(cp_store_open(&s, at(from), err));
	OK(cp_pack(s, lead, at("post"), false, ignore, NULL, &n, err));
	HOLDS(n == 1);
	progress->steps++;
	cp_store_close(s);
	return 0;
}

static int newest_post(char *out, size_t size, const char *lead)
{
	char command[128];

	snprintf(command, sizeof command, "ls post/*-to-%s-*.casepack.age | tail -1", lead);
	WELL(shell(command));
	snprintf(out, size, "%s", at(said));
	return 0;
}

int merge_post(const char *into, const char *lead)
{
	struct cp_store *s = NULL;
	struct cp_merged m;
	char path[1200];

	WELL(newest_post(path, sizeof path, lead));
	OK(cp_store_open(&s, at(into), err));
	OK(cp_merge(s, path, &m, err));
	HOLDS(m.refused == 0 && m.waiting == 0);
	progress->steps++;
	cp_store_close(s);
	return 0;
}

int sync_remote(const char *hub)
{
	struct cp_store *s = NULL;
	struct cp_synced done;

	OK(cp_store_open(&s, at(hub), err));
	OK(cp_hub_sync(s, at("remote.git"), &done, err));
	HOLDS(done.refused == 0 && done.waiting == 0 && done.n_passed == 0);
	progress->steps++;
	cp_store_close(s);
	return 0;
}

int second_hub(void)
{
	struct cp_person_add p = { .pseudonym = "bea", .role = "lead", .key_path = key("bea.pub"), .is_hub = true };
	struct cp_store *hub = NULL;
	struct cp_opened opened;
	char path[1200];
	bool changed;

	OK(cp_store_open(&hub, at("hub"), err));
	OK(cp_person_add(hub, &p, &changed, err));
	cp_store_close(hub);
	WELL(send_to_hub("hub", "bea"));
	WELL(newest_post(path, sizeof path, "bea"));
	OK(cp_open(at("bea"), path, key("bea"), NULL, NULL, &opened, err));
	return shell("git init -q --bare -b main remote.git && git -C remote.git config gc.auto 0");
}

/* ---- what must hold --------------------------------------------------------------------------- */

/* Opens, is sound to SQLite and git, and equals its own history. */
int is_sound(const char *workspace, struct cp_hash *hash)
{
	struct cp_store *s = NULL;
	struct cp_verified r;
	char command[512];

	OK(cp_store_open(&s, at(workspace), err));
	OK(cp_verify_store(s, &r, err));
	cp_store_close(s);
	*hash = r.hash;
	snprintf(command, sizeof command, "cd %s && for db in casepack content; do [ \"$(sqlite3 $db.db 'PRAGMA integrity_check')\" = ok ]"
			" || { echo $db; exit 1; }; done; for repo in *.git; do git -C $repo fsck --strict --no-dangling || exit 1; done",
			workspace);
	return shell(command);
}

static enum cp_code add_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	return cp_buf_printf(user, err, "%s %s %s=%s;", l->case_id, l->result, l->field, l->value);
}

/* Every answer that the hub shows. */
int labels(const char *workspace, char out[512])
{
	CP_AUTO(buf) struct cp_buf all = CP_BUF(500);
	struct cp_store *hub = NULL;

	OK(cp_store_open(&hub, at(workspace), err));
	OK(cp_label_each(hub, add_label, &all, err));
	cp_store_close(hub);
	snprintf(out, 512, "%s", all.data == NULL ? "" : all.data);
	return 0;
}

int submitted(const char *workspace, int64_t want, int64_t drafts)
{
	struct cp_store *s = NULL;
	struct cp_progress p;

	OK(cp_store_open(&s, at(workspace), err));
	OK(cp_progress(s, &p, err));
	cp_store_close(s);
	if (p.submitted < want || p.drafts < drafts)
		return complain("%d of %d judgments, %d of %d drafts are there", (int)p.submitted, (int)want, (int)p.drafts,
				(int)drafts);
	return 0;
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* A hub, its rater's workspace a, and the bundle that it was made from. */
int scene(void)
{
	struct cp_store *hub = NULL;
	struct cp_person_add p = { .pseudonym = "anna", .key_path = key("anna.pub") };
	const char *body = cp_form_preset("relevance-0-3");
	struct cp_text_add t = { .kind = CP_FORM, .name = "relevance", .body = body, .len = strlen(body), .must_be_new = true };
	int64_t number;
	bool changed;

	OK(cp_hub_create(&(struct cp_new_hub){ .path = at("hub"), .project_name = "Round", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = key("lead") }, NULL, NULL, err));
	OK(cp_store_open(&hub, at("hub"), err));
	OK(cp_person_add(hub, &p, &changed, err));
	WELL(import(hub, "shoes"));
	WELL(import(hub, "boots"));
	OK(cp_text_put(hub, &t, &number, &changed, err));
	WELL(assign(hub));
	cp_store_close(hub);
	WELL(pack());
	return open_newest("a");
}
