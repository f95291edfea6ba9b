/*
 * Plays many people with two devices each, who judge as a file says, and merges what
 * they return in several orders, each into a copy of the hub of its own. It expects
 * nothing: what the hubs then hold is written down, and forks.py is the judge of it.
 *
 *     driver JUDGMENTS FOLDER ORDER...      ORDER: sent, backwards, shuffled
 *
 * JUDGMENTS: worker, item, label, apart by tabs, workers and items as numbers. The first
 * judgment of an item by a worker is made on device 1, all later ones on device 2.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/conflict.h"
#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/texts.h"

/* One step of the play: any failure ends it. */
#define OK(call)                                                                 \
	do {                                                                     \
		struct cp_err ok_err_ = { 0 }, *err = &ok_err_;                  \
		if ((call) != CP_OK)                                             \
			die("%s: %s", #call, ok_err_.text);                      \
	} while (0)

struct judgment { int worker, item, device; char label[8]; };
struct device { struct cp_id replica; char *bundle; };
struct play {
	struct judgment *list; size_t n;   /* by worker, device, and then as they came */
	int workers, items;                /* the highest numbers */
	struct device (*devices)[2];       /* of each worker */
	char **returns; size_t n_returns;
	const char *folder;
};

static const char form[] = "{\"title\":\"Explicitness\",\"fields\":[{\"name\":\"explicit\",\"type\":\"scale\",\"scope\":\"result\","
	"\"required\":true,\"choices\":[{\"value\":\"G\"},{\"value\":\"P\"},{\"value\":\"R\"},{\"value\":\"X\"}]}]}";

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("driver: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *allocated(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		die("out of memory");
	return p;
}

static char *copied(const char *text)
{
	char *p = allocated(strlen(text), 1);

	return memcpy(p, text, strlen(text));
}

/* A path in the folder; eight may be in use at a time. */
static __attribute__((format(printf, 2, 3))) const char *at(const struct play *p, const char *fmt, ...)
{
	static char made[8][512];
	static unsigned next;
	char *out = made[next++ % 8];
	int n = snprintf(out, sizeof made[0], "%s/", p->folder);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + n, sizeof made[0] - (size_t)n, fmt, args);
	va_end(args);
	return out;
}

/* How long each step takes, for people. */
static void done(const char *step)
{
	static struct timespec before;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (before.tv_sec != 0)
		fprintf(stderr, "# %-20s %8.2f s\n", step, (double)(now.tv_sec - before.tv_sec) + (double)(now.tv_nsec - before.tv_nsec) / 1e9);
	before = now;
}

/* ---- what was judged --------------------------------------------------------------------------- */

static int by_worker_and_device(const void *a, const void *b)
{
	const struct judgment *x = a, *y = b;

	return x->worker != y->worker ? x->worker - y->worker : x->device - y->device;
}

/* By counting, since qsort promises no order among equals. */
static void sort_stably(struct play *p)
{
	struct judgment *sorted = allocated(p->n, sizeof *sorted);
	size_t keys = 2 * (size_t)p->workers + 3, *ends = allocated(keys, sizeof *ends);

	for (size_t i = 0; i < p->n; i++)
		ends[2 * p->list[i].worker + p->list[i].device]++;
	for (size_t k = 1; k < keys; k++)
		ends[k] += ends[k - 1];
	for (size_t i = p->n; i-- > 0;)
		sorted[--ends[2 * p->list[i].worker + p->list[i].device]] = p->list[i];
	free(p->list);
	free(ends);
	p->list = sorted;
}

static void read_judgments(struct play *p, const char *path)
{
	FILE *f = fopen(path, "r");
	struct judgment j = { .device = 1 };
	uint8_t *seen;
	size_t room = 0;

	if (f == NULL)
		die("%s: cannot be read", path);
	while (fscanf(f, "%d\t%d\t%7s\n", &j.worker, &j.item, j.label) == 3) {
		if (p->n == room && (p->list = realloc(p->list, (room = room * 2 + 1024) * sizeof *p->list)) == NULL)
			die("out of memory");
		p->list[p->n++] = j;
		p->workers = j.worker > p->workers ? j.worker : p->workers;
		p->items = j.item > p->items ? j.item : p->items;
	}
	fclose(f);
	seen = allocated((size_t)p->workers + 1, (size_t)p->items + 1);
	for (size_t i = 0; i < p->n; i++) {
		size_t pair = (size_t)p->list[i].worker * ((size_t)p->items + 1) + (size_t)p->list[i].item;

		p->list[i].device = seen[pair] ? 2 : 1;
		seen[pair] = 1;
	}
	free(seen);
	sort_stably(p);
	p->devices = allocated((size_t)p->workers + 1, sizeof *p->devices);
	p->returns = allocated(2 * (size_t)p->workers + 2, sizeof *p->returns);
}

/* The judgments made on one device. */
static size_t made_on(const struct play *p, int worker, int device, const struct judgment **out)
{
	struct judgment key = { .worker = worker, .device = device };
	const struct judgment *end;

	*out = bsearch(&key, p->list, p->n, sizeof key, by_worker_and_device);
	if (*out == NULL)
		return 0;
	while (*out > p->list && by_worker_and_device(*out - 1, &key) == 0)
		--*out;
	for (end = *out; end < p->list + p->n && by_worker_and_device(end, &key) == 0;)
		end++;
	return (size_t)(end - *out);
}

/* ---- the hub -------------------------------------------------------------------------------------- */

static void add_person(struct play *p, struct cp_store *hub, int worker)
{
	for (int d = 0; d < 2; d++) {
		char name[64], key[600];
		struct cp_person_add add = { .pseudonym = name, .key_path = key };
		struct cp_pubkey public;
		bool changed;

		snprintf(name, sizeof name, "w%d", worker);
		OK(cp_sshkey_generate(at(p, "keys/w%d-%d", worker, d + 1), "", NULL, err));
		snprintf(key, sizeof key, "%s.pub", at(p, "keys/w%d-%d", worker, d + 1));
		OK(cp_public_key(&public, at(p, "keys/w%d-%d", worker, d + 1), err));
		cp_replica_id(&p->devices[worker][d].replica, &cp_store_me(hub)->project, &public);
		OK(cp_person_add(hub, &add, &changed, err));
	}
}

static void add_people(struct play *p, struct cp_store *hub)
{
	const struct judgment *list;

	for (int w = 1; w <= p->workers; w++)
		if (made_on(p, w, 1, &list) > 0)
			add_person(p, hub, w);
}

static void import_items(struct play *p, struct cp_store *hub)
{
	bool *is_there = allocated((size_t)p->items + 1, sizeof *is_there);

	OK(cp_cases_begin(hub, err));
	for (size_t i = 0; i < p->n; i++) {
		char id[32], result[32], query[64];
		struct cp_result_in r = { .id = result, .rank = 1 };
		struct cp_case_in c = { .id = id, .kind = "item", .query = query, .locale = "en-US", .results = &r, .n_results = 1 };
		enum cp_case_effect effect;

		snprintf(id, sizeof id, "item-%d", p->list[i].item);
		snprintf(result, sizeof result, "site-%d", p->list[i].item);
		snprintf(query, sizeof query, "site number %d", p->list[i].item);
		if (!is_there[p->list[i].item])
			OK(cp_cases_add(hub, &c, &effect, err));
		is_there[p->list[i].item] = true;
	}
	OK(cp_cases_commit(hub, "import", err));
	free(is_there);
}

/* To each the items that it judged: all of them are on device 1. */
static void assign(struct play *p, struct cp_store *hub)
{
	for (int w = 1; w <= p->workers; w++) {
		const struct judgment *list;
		size_t n = made_on(p, w, 1, &list);
		char name[64], (*ids)[32] = allocated(n, sizeof *ids);
		const char *person = name, **cases = allocated(n, sizeof *cases);
		struct cp_assign a = { .form = "explicit", .people = &person, .n_people = 1, .cases = cases, .n_cases = n, .pass = 1 };
		struct cp_assigned given;

		snprintf(name, sizeof name, "w%d", w);
		for (size_t i = 0; i < n; i++) {
			snprintf(ids[i], sizeof ids[i], "item-%d", list[i].item);
			cases[i] = ids[i];
		}
		if (n > 0)
			OK(cp_assign(hub, &a, &given, err));
		free(ids);
		free(cases);
	}
}

static void note_bundle(void *user, const struct cp_sent *sent)
{
	struct play *p = user;
	int worker = atoi(sent->to + 1);

	for (int d = 0; d < 2; d++)
		if (cp_id_equal(&sent->device, &p->devices[worker][d].replica))
			p->devices[worker][d].bundle = copied(sent->path);
}

static void make_hub(struct play *p)
{
	struct cp_text_add t = { .kind = CP_FORM, .name = "explicit", .body = form, .len = sizeof form - 1, .must_be_new = true };
	CP_AUTO(store) struct cp_store *hub = NULL;
	int64_t n;
	bool changed;

	OK(cp_sshkey_generate(at(p, "keys/lead"), "", NULL, err));
	OK(cp_hub_create(&(struct cp_new_hub){ .path = at(p, "hub"), .project_name = "Forks", .lead_name = "Lead",
			.lead_pseudonym = "lead", .key_path = at(p, "keys/lead") }, NULL, NULL, err));
	OK(cp_store_open(&hub, at(p, "hub"), err));
	add_people(p, hub);
	done("people");
	import_items(p, hub);
	OK(cp_text_put(hub, &t, &n, &changed, err));
	done("import");
	assign(p, hub);
	done("assign");
	OK(cp_pack(hub, NULL, at(p, "out"), false, note_bundle, p, &n, err));
	done("pack");
}

/* ---- the devices -------------------------------------------------------------------------------------- */

static void judge(struct cp_store *s, const struct judgment *j)
{
	char item[32], site[32];
	struct cp_answer answer = { "explicit", site, j->label };
	struct cp_judge_result result;
	struct cp_task t;
	struct cp_id id;

	snprintf(item, sizeof item, "item-%d", j->item);
	snprintf(site, sizeof site, "site-%d", j->item);
	OK(cp_case_find(s, item, &id, err));
	OK(cp_task_find(s, &id, &t, err));
	OK(cp_judge(s, &t, &answer, 1, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &result, err));
	if (strcmp(result.state, "submitted") != 0)
		die("%s: is %s", item, result.state);
	cp_task_drop(&t);
}

/* Opens its bundle, judges, returns; the workspace is then gone. */
static void play_device(struct play *p, int worker, int device)
{
	const struct judgment *list;
	size_t n = made_on(p, worker, device, &list);
	struct cp_store *s = NULL;
	struct cp_opened opened;
	struct cp_sent sent;
	int64_t written;

	OK(cp_open(at(p, "device"), p->devices[worker][device - 1].bundle, at(p, "keys/w%d-%d", worker, device), NULL, NULL,
			&opened, err));
	OK(cp_store_open(&s, at(p, "device"), err));
	OK(cp_run(s, err, "PRAGMA synchronous = OFF", "")); /* a power cut only means to begin again */
	for (size_t i = 0; i < n; i++)
		judge(s, &list[i]);
	OK(cp_return(s, at(p, "back"), false, &sent, &written, err));
	if (written > 0)
		p->returns[p->n_returns++] = copied(sent.path);
	cp_store_close(s);
	cp_folder_remove(at(p, "device"));
}

static void play_devices(struct play *p)
{
	const struct judgment *list;

	for (int w = 1; w <= p->workers; w++)
		for (int d = 1; d <= 2 && made_on(p, w, 1, &list) > 0; d++)
			play_device(p, w, d);
	done("judge and return");
}

/* ---- merging ---------------------------------------------------------------------------------------------- */

/* In the order shuffled each file comes a second time, somewhere. */
static size_t order_of(const struct play *p, const char *name, size_t *out)
{
	bool is_shuffled = strcmp(name, "shuffled") == 0;
	size_t n = is_shuffled ? 2 * p->n_returns : p->n_returns;
	uint64_t drawn = 88172645463325252u;

	for (size_t i = 0; i < n; i++)
		out[i] = strcmp(name, "backwards") == 0 ? n - 1 - i : i % p->n_returns;
	for (size_t i = n; is_shuffled && i > 1; i--) {
		size_t swap = out[i - 1], j;

		drawn ^= drawn << 13;
		drawn ^= drawn >> 7;
		drawn ^= drawn << 17;
		j = (size_t)(drawn % i);
		out[i - 1] = out[j];
		out[j] = swap;
	}
	return n;
}

static void merge_all(const struct play *p, struct cp_store *hub, const char *name, FILE *facts)
{
	size_t *order = allocated(2 * p->n_returns, sizeof *order), n = order_of(p, name, order);
	int64_t commits = 0, edits = 0, refused = 0;
	struct cp_merged m = { .waiting = 0 };

	for (size_t i = 0; i < n; i++) {
		OK(cp_merge(hub, p->returns[order[i]], &m, err));
		commits += m.commits;
		edits += m.edits;
		refused += m.refused;
	}
	fprintf(facts, "files\t%zu\ncommits\t%lld\nedits\t%lld\nrefused\t%lld\nwaiting\t%lld\nconflicts\t%lld\n", p->n_returns,
			(long long)commits, (long long)edits, (long long)refused, (long long)m.waiting, (long long)m.conflicts);
	free(order);
}

static enum cp_code write_conflict(void *user, struct cp_conflict *c, struct cp_err *err)
{
	char doc[CP_ID_HEX];

	(void)err;
	cp_hex(doc, c->doc.bytes, sizeof c->doc.bytes);
	for (size_t i = 0; i < c->n; i++) {
		const struct cp_candidate *d = &c->candidates[i];

		fprintf(user, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", c->class, c->table, doc, c->column, d->who, d->commit, d->stands,
				d->value);
	}
	return CP_OK;
}

static enum cp_code write_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	(void)err;
	fprintf(user, "%s\t%s\t%s\t%lld\t%s\t%s\t%s\t%d\n", l->rater, l->case_id, l->result, (long long)l->pass, l->state, l->field,
			l->value, l->in_conflict);
	return CP_OK;
}

static void write_balance(void *user, const struct cp_balance *b)
{
	fprintf(user, "%s\t%s\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n", b->replica, b->pseudonym, (long long)b->exported,
			(long long)b->standing, (long long)b->equal, (long long)b->superseded, (long long)b->overruled,
			(long long)b->in_conflict, (long long)b->quarantined, (long long)b->waiting);
}

static FILE *facts_file(const struct play *p, const char *order, const char *what)
{
	FILE *f = fopen(at(p, "%s.%s", order, what), "w");

	if (f == NULL)
		die("%s.%s: cannot be written", order, what);
	return f;
}

static void write_facts(const struct play *p, struct cp_store *hub, const char *order, FILE *facts)
{
	FILE *conflicts = facts_file(p, order, "conflicts"), *labels = facts_file(p, order, "labels"),
		*balance = facts_file(p, order, "balance");
	struct cp_verified replayed;
	char hex[CP_HASH_HEX];
	struct cp_hash hash;

	OK(cp_conflict_each(hub, &(struct cp_conflict_filter){ .state = CP_CONFLICTS_OPEN }, write_conflict, conflicts, err));
	OK(cp_label_each(hub, write_label, labels, err));
	OK(cp_balance_each(hub, write_balance, balance, err));
	OK(cp_store_hash(hub, &hash, err));
	fprintf(facts, "hash\t%s\n", cp_hex(hex, hash.bytes, sizeof hash.bytes));
	done("report");
	OK(cp_verify_store(hub, &replayed, err));
	fprintf(facts, "replayed\t%s\n", cp_hex(hex, replayed.hash.bytes, sizeof replayed.hash.bytes));
	done("replay");
	fclose(conflicts);
	fclose(labels);
	fclose(balance);
}

static void merge_in_order(const struct play *p, const char *order)
{
	CP_AUTO(store) struct cp_store *hub = NULL;
	FILE *facts = facts_file(p, order, "facts");
	char command[2048];

	snprintf(command, sizeof command, "cp -a '%s' '%s'", at(p, "hub"), at(p, "%s", order));
	if (system(command) != 0)
		die("%s", command);
	OK(cp_store_open(&hub, at(p, "%s", order), err));
	done("copy");
	merge_all(p, hub, order, facts);
	done(order);
	write_facts(p, hub, order, facts);
	if (fclose(facts) != 0)
		die("%s.facts: cannot be written", order);
}

int main(int argc, char **argv)
{
	struct play p = { 0 };

	if (argc < 4) {
		fprintf(stderr, "usage: driver JUDGMENTS FOLDER ORDER...\n");
		return 2;
	}
	cp_hash_setup();
	p.folder = argv[2];
	read_judgments(&p, argv[1]);
	for (int i = 0; i < 3; i++)
		OK(cp_folder_make(at(&p, "%s", (const char *const[]){ "keys", "out", "back" }[i]), err));
	done("");
	make_hub(&p);
	play_devices(&p);
	for (int i = 3; i < argc; i++)
		merge_in_order(&p, argv[i]);
	for (size_t i = 0; i < p.n_returns; i++)
		free(p.returns[i]);
	for (int w = 0; w <= p.workers; w++)
		for (int d = 0; d < 2; d++)
			free(p.devices[w][d].bundle);
	free(p.returns);
	free(p.devices);
	free(p.list);
	return 0;
}
