/*
 * Hubs and raters in one process: what a test sets up before it begins, and the steps of a
 * round. A workspace is a folder of the test's folder, named as it is called here.
 */
#ifndef CASEPACK_TESTS_HUB_H
#define CASEPACK_TESTS_HUB_H

#include "tests/unit/folder.h"

#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/edit.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/rebuild.h"
#include "sync/report.h"
#include "sync/seal.h"
#include "sync/take.h"
#include "sync/texts.h"
#include "sync/verify.h"

static inline struct cp_store *opened(const char *name)
{
	struct cp_store *s = NULL;

	OK(cp_store_open(&s, at(name), err));
	return s;
}

/* A new hub of the lead "lea", open; its new key is the file key. */
static inline struct cp_store *make_hub(const char *name, const char *key)
{
	OK(cp_sshkey_generate(at(key), "", NULL, err));
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at(name), .project_name = "Project", .lead_name = "Lea",
			.lead_pseudonym = "lea", .key_path = at(key) }, NULL, NULL, err));
	return opened(name);
}

/* A device of that person, whose new key is the file key. The first one makes the person: a rater, where role is NULL. */
static inline void add_device(struct cp_store *hub, const char *person, const char *key, const char *role)
{
	char path[128];
	bool changed;

	OK(cp_sshkey_generate(at(key), "", NULL, err));
	snprintf(path, sizeof path, "%s.pub", key);
	OK(cp_person_add(hub, &(struct cp_person_add){ .pseudonym = person, .role = role, .key_path = at(path) }, &changed, err));
	assert_true(changed);
}

/* ---- a second hub --------------------------------------------------------------------------- */

/* A lead's device that is known is a hub from now on. */
static inline void declare_hub(struct cp_store *hub, const char *key)
{
	struct cp_pubkey public;
	struct cp_id replica;

	OK(cp_public_key(&public, at(key), err));
	cp_replica_id(&replica, &hub->me.project, &public);
	OK(cp_edit_begin(hub, err));
	OK(cp_edit_document(hub, CP_T_REPLICAS, &replica, (struct cp_set[]){ { "is_hub", cp_v_int(1) } }, 1, CP_EDIT_PLAIN,
			NULL, NULL, err));
	OK(cp_edit_commit(hub, "a second hub", err));
	OK(cp_seal(hub, NULL, err));
}

/* A copy of a hub's folder, made the hub of that key and opened; the first is closed meanwhile, and opened again. */
static inline struct cp_store *copy_hub(struct cp_store **first, const char *from, const char *to, const char *key)
{
	struct cp_rebuilt r;

	cp_store_drop(first);
	shell("cp -r %s %s", from, to);
	*first = opened(from);
	OK(cp_rebuild(at(to), at(key), &r, err));
	return opened(to);
}

/* A change commit with its objects, as a branch has them. */
struct sealed { char commit[41], tree[41], blob[41]; };

/* What a workspace sealed itself, the oldest first. */
static inline size_t sealed_by(const struct cp_store *s, struct sealed *out, size_t room)
{
	char hex[CP_ID_HEX];
	const char *list = shell("cd %s/history.git && for c in $(git rev-list --reverse replica/%s 2>/dev/null); do"
			" git rev-parse $c \"$c^{tree}\" $c:changeset | xargs; done", s->path, cp_hex(hex, s->me.replica.bytes, 16));
	size_t n = 0;
	int len;

	for (struct sealed one; sscanf(list, "%40s %40s %40s%n", one.commit, one.tree, one.blob, &len) == 3; list += len) {
		assert_true(n < room);
		out[n++] = one;
	}
	assert_int_equal(*list, '\0');
	return n;
}

static inline void give_object(struct cp_taking *t, struct cp_repo *r, const char *oid, const char *type)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

	OK(cp_repo_read(r, oid, type, &bytes, err));
	OK(cp_taking_object(t, oid, type, bytes.data, bytes.len, err));
}

/* A hub takes in those change commits out of another workspace, as a bundle would bring them, whatever comes of it. */
static inline struct cp_merged take_in(struct cp_store *to, const struct cp_store *from, const struct sealed *list, size_t n)
{
	struct cp_merged m = { .edits = 0 };
	struct cp_taking *t;

	OK(cp_txn_begin(to, err));
	OK(cp_taking_begin(to, NULL, &t, err));
	for (size_t i = 0; i < n; i++) {
		give_object(t, from->history, list[i].commit, "commit");
		give_object(t, from->history, list[i].tree, "tree");
		give_object(t, from->history, list[i].blob, "blob");
	}
	OK(cp_taking_end(t, &m, err));
	cp_taking_free(t);
	return m;
}

/* All that the other one sealed. */
static inline struct cp_merged take_all(struct cp_store *to, const struct cp_store *from)
{
	struct sealed list[64];

	return take_in(to, from, list, sealed_by(from, list, 64));
}

/* ---- what there is to judge -------------------------------------------------------------------- */

/* A case, or its next content; the results' names, a space between each. */
static inline void import(struct cp_store *hub, const char *id, const char *results)
{
	struct cp_result_in list[8] = { { 0 } };
	struct cp_case_in c = { .id = id, .kind = "serp", .query = "what was typed", .locale = "en-US", .results = list };
	char names[256], *rest;
	enum cp_case_effect effect;

	snprintf(names, sizeof names, "%s", results);
	for (char *name = strtok_r(names, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
		assert_true(c.n_results < 8);
		list[c.n_results] = (struct cp_result_in){ .id = name, .rank = (int64_t)c.n_results + 1 };
		c.n_results++;
	}
	OK(cp_cases_begin(hub, err));
	OK(cp_cases_add(hub, &c, &effect, err));
	OK(cp_cases_commit(hub, "import", err));
}

/* A guideline or form that changes by this; len is found out. */
static inline void put_text(struct cp_store *hub, struct cp_text_add t)
{
	int64_t number;
	bool changed;

	t.len = t.body != NULL ? strlen(t.body) : 0;
	OK(cp_text_put(hub, &t, &number, &changed, err));
	assert_true(changed);
}

/* Every case to every rater, once. Returns how many assignments that made. */
static inline int64_t assign_all(struct cp_store *hub, const char *form, int64_t pass)
{
	struct cp_assign a = { .form = form, .pass = pass };
	struct cp_assigned done;

	OK(cp_assign(hub, &a, &done, err));
	return done.made;
}

/* ---- a round ---------------------------------------------------------------------------------- */

static inline void heed_no_bundle(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

/* Bundles for every device, or one person's, into the folder "out", where no others are; how many. */
static inline int64_t pack(struct cp_store *hub, const char *person)
{
	int64_t n;

	shell("rm -rf out && mkdir out");
	OK(cp_pack(hub, person, at("out"), 0, heed_no_bundle, NULL, &n, err));
	return n;
}

/* That bundle of the folder "out" which is for this key, into its workspace, a new one if there is none. */
static inline struct cp_opened open_bundle(const char *workspace, const char *key)
{
	char list[1024], *rest, name[256];
	struct cp_err why = { 0 };
	struct cp_opened out;

	snprintf(list, sizeof list, "%s", shell("ls out"));
	for (char *file = strtok_r(list, "\n", &rest); file != NULL; file = strtok_r(NULL, "\n", &rest)) {
		snprintf(name, sizeof name, "out/%s", file);
		if (cp_open(at(workspace), at(name), at(key), NULL, NULL, &out, &why) == CP_OK)
			return out;
	}
	fail_msg("of what is in out nothing opens with %s: %s", key, why.text);
	return out;
}

static inline struct cp_judge_result answer(struct cp_store *s, const char *case_id, const struct cp_answer *answers, size_t n)
{
	struct cp_judge_result out;
	struct cp_task t;
	struct cp_id id;

	OK(cp_case_find(s, case_id, &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, answers, n, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
	cp_task_drop(&t);
	return out;
}

/* A case of two results, under a form of one field "grade". */
static inline void grade(const char *workspace, const char *case_id, const char *r1, const char *r2)
{
	struct cp_answer answers[] = { { "grade", "r1", r1 }, { "grade", "r2", r2 } };
	CP_AUTO(store) struct cp_store *s = opened(workspace);

	assert_string_equal(answer(s, case_id, answers, 2).state, "submitted");
}

/* One bundle into the folder "back", where no others are. */
static inline void send_back(const char *workspace)
{
	CP_AUTO(store) struct cp_store *s = opened(workspace);
	struct cp_sent sent;
	int64_t n;

	shell("rm -rf back && mkdir back");
	OK(cp_return(s, at("back"), 0, &sent, &n, err));
	assert_int_equal(n, 1);
}

/* The bundle of the folder "back", whatever comes of it. */
static inline struct cp_merged merge(struct cp_store *hub)
{
	char path[256];
	struct cp_merged m;

	snprintf(path, sizeof path, "%s", shell("ls $PWD/back/*"));
	OK(cp_merge(hub, path, &m, err));
	return m;
}

/* ---- what a workspace says ---------------------------------------------------------------------- */

static inline struct cp_status status_of(struct cp_store *s)
{
	struct cp_status st;

	OK(cp_status(s, &st, err));
	return st;
}

/* The first column of the first row, -1 if there is none. sql is a literal: statements are kept by its address. */
static inline int64_t number_in(struct cp_store *s, const char *sql)
{
	int64_t n;

	OK(cp_query_int(s, &n, -1, err, sql, ""));
	return n;
}

static inline void verifies(struct cp_store *s)
{
	struct cp_verified r;

	OK(cp_verify_store(s, &r, err));
}

/* What stands for the result r1, in a workspace of one case. */
struct shown { const char *field; int64_t pass; char value[32]; bool in_conflict, is_undecided; };

static inline enum cp_code take_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	struct shown *shown = user;

	(void)err;
	if (l->pass == shown->pass && strcmp(l->field, shown->field) == 0 && strcmp(l->result, "r1") == 0) {
		snprintf(shown->value, sizeof shown->value, "%s", l->value);
		shown->in_conflict = l->in_conflict;
		shown->is_undecided = l->is_undecided;
	}
	return CP_OK;
}

static inline struct shown shown(struct cp_store *s, const char *field, int64_t pass)
{
	struct shown out = { .field = field, .pass = pass };

	OK(cp_label_each(s, take_label, &out, err));
	return out;
}

#endif
