/*
 * The same project twice, with gold and other cases exchanged: nothing that a rater is given may tell which is which.
 *
 *     driver [--leak NAME] exact FOLDER SEEDS      where chance is the same, every byte is
 *     driver [--leak NAME] spread FOLDER RATERS    where it is free, no order, id, time or size leans to either side
 *
 * Clock and random bytes are ours (tests/sim/chance.h). --leak plants one on purpose: number, clock (exact), alone,
 * touched (spread). Exit 0: nothing was found; 1: something was, and is said; 2: the driver itself failed.
 */
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/bundle.h"
#include "formats/form.h"
#include "sync/assign.h"
#include "sync/cases.h"
#include "sync/deliver.h"
#include "sync/gold.h"
#include "sync/judge.h"
#include "sync/people.h"
#include "sync/seal.h"
#include "sync/tables.h"
#include "sync/texts.h"
#include "tests/sim/chance.h"

#define START_US ((int64_t)1767225600 * 1000000) /* 2026-01-01 */
#define CASES 40
#define GOLD_PERCENT 25

static char folder[256];
static const char *leak = "";

#define MUST(call)                                                                            \
	do {                                                                                  \
		struct cp_err must_err_ = { 0 };                                              \
		struct cp_err *err = &must_err_;                                              \
		if ((call) != CP_OK) {                                                        \
			fprintf(stderr, "driver: %s: %s\n", #call, must_err_.text);           \
			exit(2);                                                              \
		}                                                                             \
	} while (0)

__attribute__((format(printf, 1, 2))) static const char *in(const char *format, ...)
{
	static char made[8][512];
	static int next;
	int n;
	va_list args;

	next = (next + 1) % 8;
	n = snprintf(made[next], sizeof made[0], "%s/", folder);
	va_start(args, format);
	vsnprintf(made[next] + n, sizeof made[0] - (size_t)n, format, args);
	va_end(args);
	return made[next];
}

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	if (system(command) != 0) {
		fprintf(stderr, "driver: failed: %s\n", command);
		exit(2);
	}
}

static struct cp_store *open_store(const char *path)
{
	struct cp_store *s = NULL;

	MUST(cp_store_open(&s, path, err));
	return s;
}

/* ---- a project ------------------------------------------------------------------------------------- */

/* Which cases have gold: those of one half, of the other, or none. */
enum variant { NONE, EVEN, ODD, VARIANTS };
static const char *const variant_names[] = { "no gold", "gold in the one half", "gold in the other" };

static bool is_of(enum variant v, int c)
{
	return v != NONE && c % 2 == (v == ODD);
}

static void import_cases(struct cp_store *hub, enum variant v)
{
	MUST(cp_cases_begin(hub, err));
	for (int c = 0; c < CASES; c++) {
		struct cp_result_in list[] = { { .id = "r1", .title = "one" }, { .id = "r2", .title = "two" } };
		struct cp_metric_in metrics[] = { { "r1", NULL, "clicks", "0.125" }, { NULL, NULL, "dwell", "17" } };
		char id[8], query[32];
		struct cp_case_in one = { .id = id, .kind = "serp", .query = query, .results = list, .n_results = 2,
			.metrics = metrics, .n_metrics = is_of(v, c) ? 2 : 0 };
		enum cp_case_effect effect;

		snprintf(id, sizeof id, "c%02d", c);
		snprintf(query, sizeof query, "query %02d", c);
		MUST(cp_cases_add(hub, &one, &effect, err));
	}
	MUST(cp_cases_commit(hub, "cases imported", err));
}

static void add_form(struct cp_store *hub)
{
	const char *body = cp_form_preset("relevance-0-3");
	struct cp_text_add form = { .kind = CP_FORM, .name = "rel", .body = body, .len = strlen(body), .must_be_new = true };
	int64_t number;
	bool changed;

	MUST(cp_text_put(hub, &form, &number, &changed, err));
}

static void add_rater(struct cp_store *hub, int r)
{
	char who[16], key[512];
	struct cp_person_add p = { .pseudonym = who, .key_path = key };
	bool changed;

	snprintf(who, sizeof who, "r%03d", r);
	snprintf(key, sizeof key, "%s.pub", in("key%d", r));
	MUST(cp_person_add(hub, &p, &changed, err));
}

static void create_hub(const char *path)
{
	MUST(cp_hub_create(&(struct cp_new_hub){ .path = path, .project_name = "Swap", .lead_name = "L", .lead_pseudonym = "lead",
			.key_path = in("lead") }, NULL, NULL, err));
}

/* Gold for some of the half: those of number from, from + by, ... */
static void set_gold(struct cp_store *hub, enum variant v, int from, int by)
{
	MUST(cp_seal(hub, NULL, err));
	if (v == NONE)
		return;
	MUST(cp_gold_begin(hub, err));
	for (int c = from * 2 + (v == ODD); c < CASES; c += by * 2) {
		struct cp_gold g = { .field = "grade", .result = "r1", .value = "2", .reason = "known" };
		char id[8];

		snprintf(id, sizeof id, "c%02d", c);
		MUST(cp_case_find(hub, id, &g.case_id, err));
		MUST(cp_gold_put(hub, &g, NULL, err));
	}
	MUST(cp_gold_commit(hub, "gold", err));
	MUST(cp_seal(hub, NULL, err));
}

static void withdraw_gold(struct cp_store *hub, enum variant v)
{
	struct cp_id id;
	int64_t n;

	MUST(cp_seal(hub, NULL, err));
	if (v == NONE)
		return;
	MUST(cp_case_find(hub, v == ODD ? "c01" : "c00", &id, err));
	MUST(cp_gold_begin(hub, err));
	MUST(cp_gold_withdraw(hub, &id, NULL, NULL, &n, err));
	MUST(cp_gold_commit(hub, "gold withdrawn", err));
	MUST(cp_seal(hub, NULL, err));
}

static void ignore(void *user, const struct cp_sent *sent)
{
	(void)user;
	(void)sent;
}

static void pack_all(struct cp_store *hub, const char *dir)
{
	int64_t n;

	MUST(cp_pack(hub, NULL, dir, CP_SEND_PLAIN, ignore, NULL, &n, err));
}

/* ---- exact ------------------------------------------------------------------------------------------- */

static struct cp_store *reopen(struct cp_store *s, const char *path)
{
	cp_store_close(s);
	return open_store(path);
}

/* What a hub that counts private saves among the others, or ticks for them, would do. */
static struct cp_store *plant(struct cp_store *hub, const char *path, enum variant v)
{
	if (v == NONE || (strcmp(leak, "number") != 0 && strcmp(leak, "clock") != 0))
		return hub;
	cp_store_close(hub);
	shell("sqlite3 %s/casepack.db \"UPDATE meta SET value = value + 1 WHERE key = '%s'\"", path,
			strcmp(leak, "clock") == 0 ? "clock" : "outbox");
	return open_store(path);
}

static void judge_some(const char *path)
{
	struct cp_store *s = open_store(path);

	for (int c = 0; c < CASES; c += 3) {
		struct cp_answer answers[] = { { "grade", "r1", "2" }, { "grade", "r2", "1" } };
		struct cp_judge_result out;
		struct cp_task t;
		struct cp_id id;
		char name[8];

		snprintf(name, sizeof name, "c%02d", c);
		MUST(cp_case_find(s, name, &id, err));
		MUST(cp_task_find(s, &id, &t, err));
		MUST(cp_judge(s, &t, answers, 2, CP_SUBMIT_IF_COMPLETE, NULL, 1000, &out, err));
		cp_task_drop(&t);
	}
	cp_store_close(s);
}

static enum cp_code count_score(void *user, const struct cp_gold_score *score, struct cp_err *err)
{
	(void)err;
	*(int64_t *)user += *score->field == '\0' ? score->answered : 0;
	return CP_OK;
}

/* One whole round at a clock that stands still: whatever ticks or is counted shows. */
static void play(uint64_t seed, enum variant v)
{
	static const char *const pseudonym = "r000";
	char path[512], rater[512];
	struct cp_assign a = { .form = "rel", .people = &pseudonym, .n_people = 1, .pass = 1, .is_shuffled = true, .is_seeded = true,
		.seed = seed };
	struct cp_assigned done;
	struct cp_opened opened = { 0 };
	struct cp_merged merged = { 0 };
	struct cp_sent sent;
	int64_t n, answered = 0;
	struct cp_store *hub, *s;

	snprintf(path, sizeof path, "%s", in("hub%d", v));
	snprintf(rater, sizeof rater, "%s", in("rater%d", v));
	mkdir(in("out%d", v), 0700);
	chance_set_clock(START_US);
	chance_seed_entropy(seed, 1);
	create_hub(path);
	hub = open_store(path);
	chance_seed_entropy(seed, 2);
	add_rater(hub, 0);
	chance_seed_entropy(seed, 3);
	import_cases(hub, v);
	chance_seed_entropy(seed, 4);
	add_form(hub);
	set_gold(hub, v, 0, 2);
	hub = plant(hub, path, v);
	chance_seed_entropy(seed, 5);
	MUST(cp_assign(hub, &a, &done, err));
	set_gold(hub, v, 1, 2);
	chance_seed_entropy(seed, 6);
	pack_all(hub, in("out%d", v));
	chance_seed_entropy(seed, 7);
	MUST(cp_open(rater, in("out%d/swap-to-r000-0001.casepack", v), in("key0"), NULL, NULL, &opened, err));
	judge_some(rater);
	s = open_store(rater);
	MUST(cp_return(s, in("out%d", v), CP_SEND_PLAIN, &sent, &n, err));
	cp_store_close(s);
	chance_seed_entropy(seed, 8);
	MUST(cp_merge(hub, sent.path, &merged, err));
	withdraw_gold(hub, v);
	set_gold(hub, v, 0, 3);
	if (v != NONE)
		MUST(cp_gold_report(hub, count_score, &answered, err));
	if (v != NONE && answered == 0)
		fprintf(stderr, "driver: nothing with gold was judged\n"), exit(2);
	hub = reopen(hub, path);
	chance_seed_entropy(seed, 9);
	a.pass = 2;
	MUST(cp_assign(hub, &a, &done, err));
	chance_seed_entropy(seed, 10);
	pack_all(hub, in("out%d", v));
	cp_store_close(hub);
	shell("cd %s && for f in *; do echo $f; sha256sum <$f; done >../said%d && git -C %s/history.git for-each-ref >>../said%d", in("out%d", v), v, path, v);
}

static int exact(uint64_t seeds)
{
	int found = 0;

	MUST(cp_sshkey_generate(in("lead"), "", NULL, err));
	MUST(cp_sshkey_generate(in("key0"), "", NULL, err));
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		for (enum variant v = NONE; v < VARIANTS; v++)
			play(seed, v);
		for (enum variant v = EVEN; v < VARIANTS; v++) {
			char command[1024];

			snprintf(command, sizeof command, "diff %s %s >%s", in("said0"), in("said%d", v), in("differs"));
			if (system(command) == 0)
				continue;
			found = 1;
			printf("# seed %llu: %s gives other bytes than %s\n", (unsigned long long)seed, variant_names[v], variant_names[NONE]);
			shell("head -6 %s | sed 's/^/#   /'", in("differs"));
		}
		shell("rm -rf %s/hub* %s/rater* %s/out* %s/said*", folder, folder, folder, folder);
	}
	return found;
}

/* ---- spread: what one bundle shows of each case ------------------------------------------------------------ */

enum feature { POSITION, GIVEN_AT, CASE_AT, CONTENT_AT, CONTENT_SIZE, GIVEN_REV, CASE_REV, GIVEN_ID, CASE_ID, GIVEN_CLOCK, CASE_CLOCK,
	CONTENT_HASH, FEATURES };
static const char *const feature_names[] = { "position", "place of its assignment", "place of its row", "place of its content",
	"size of its content", "rev of its assignment", "rev of its row", "id of its assignment", "its id", "clock of its assignment",
	"clock of its row", "hash of its content" };

struct shown { struct cp_id id; int number; double f[FEATURES]; bool is_given; };
struct view { struct shown list[CASES]; size_t n; double place[3]; };

static double number_of(const void *bytes)
{
	const uint8_t *b = bytes;
	double n = 0;

	for (int i = 0; i < 7; i++)
		n = n * 256 + b[i];
	return n;
}

static struct shown *shown_of(struct view *v, const void *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (memcmp(v->list[i].id.bytes, id, 16) == 0)
			return &v->list[i];
	memcpy(v->list[v->n].id.bytes, id, 16);
	return &v->list[v->n++];
}

static void see_row(struct view *v, const struct cp_change *c)
{
	const struct cp_value *now = c->now;

	if (c->table == CP_T_CASES) {
		struct shown *s = shown_of(v, now[CP_C_ID].bytes);

		s->number = atoi((const char *)now[3].bytes + 1);
		s->f[CASE_AT] = v->place[0]++;
		s->f[CASE_REV] = number_of(now[CP_C_REV].bytes);
		s->f[CASE_ID] = number_of(now[CP_C_ID].bytes);
		s->f[CASE_CLOCK] = (double)now[CP_C_CLOCK].integer;
		s->f[CONTENT_HASH] = number_of(now[7].bytes);
	} else if (c->table == CP_T_ASSIGNMENTS) {
		struct shown *s = shown_of(v, now[CP_A_CASE].bytes);

		s->is_given = true;
		s->f[GIVEN_AT] = v->place[1]++;
		s->f[POSITION] = (double)now[CP_A_POSITION].integer;
		s->f[GIVEN_REV] = number_of(now[CP_C_REV].bytes);
		s->f[GIVEN_ID] = number_of(now[CP_C_ID].bytes);
		s->f[GIVEN_CLOCK] = (double)(now[CP_C_CLOCK].integer - START_US);
	}
}

static enum cp_code see_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	(void)oid;
	if (strcmp(type, "blob") != 0)
		return CP_OK;
	cp_changeset_begin(&r, bytes, len, cp_shapes, CP_T_PUBLIC);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		see_row(user, &c);
	}
}

static enum cp_code see_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	struct view *v = user;
	const char *id = strstr(json, "\"id\":\"c");

	(void)err;
	for (size_t i = 0; i < v->n; i++)
		if (id != NULL && v->list[i].number == atoi(id + 7)) {
			v->list[i].f[CONTENT_AT] = v->place[2]++;
			v->list[i].f[CONTENT_SIZE] = (double)len;
		}
	return CP_OK;
}

static double look(struct view *v, const char *path)
{
	struct cp_bundle *b = NULL;
	struct stat st;

	memset(v, 0, sizeof *v);
	MUST(cp_bundle_open(&b, path, &cp_limits_default, err));
	MUST(cp_bundle_each_object(b, see_object, v, err));
	MUST(cp_bundle_each_case(b, see_case, v, err));
	cp_bundle_close(b);
	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

/* ---- ranks ----------------------------------------------------------------------------------------------- */

/* Mann and Whitney's U of the marked against the others, ties counted half, as a standard score; 0 where all are equal. */
static double rank_score(const double *x, const bool *marked, size_t n)
{
	double u = 0, a = 0, b, ties = 0, spread;

	for (size_t i = 0; i < n; i++)
		a += marked[i];
	b = (double)n - a;
	for (size_t i = 0; i < n; i++) {
		double same = 0;

		for (size_t k = 0; k < n; k++) {
			same += x[i] == x[k];
			if (marked[i] && !marked[k])
				u += x[i] > x[k] ? 1 : x[i] == x[k] ? 0.5 : 0;
		}
		ties += same * same - 1; /* summed over each of a tie: t^3 - t */
	}
	spread = a * b / 12 * ((double)n + 1 - ties / ((double)n * ((double)n - 1)));
	return spread > 1e-9 ? (u - a * b / 2) / sqrt(spread) : 0;
}

/* Student's t of the mean; huge where all are the same and not 0. */
static double mean_score(const double *x, size_t n)
{
	double mean = 0, var = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		var += (x[i] - mean) * (x[i] - mean) / (double)(n - 1);
	return fabs(mean) < 1e-9 ? 0 : mean / sqrt(var / (double)n + 1e-12);
}

/* ---- spread: both halves ------------------------------------------------------------------------------------- */

/* 16 figures are held against it, each of some 200 raters: 1 in 100,000 where nothing leans. */
#define LIMIT 5.0

static int hold(const char *what, double score)
{
	if (fabs(score) < LIMIT)
		return 0;
	printf("# %s: leans by %.1f standard deviations\n", what, score);
	return 1;
}

static void touch_gold(struct cp_store *hub, enum variant v)
{
	for (int pass = 0; pass < 2; pass++) {
		MUST(cp_cases_begin(hub, err));
		for (int c = 0; c < CASES; c++) {
			struct cp_result_in list[] = { { .id = "r1", .title = "one" }, { .id = "r2", .title = "two" } };
			char id[8], query[32];
			struct cp_case_in one = { .id = id, .kind = "serp", .query = query, .results = list, .n_results = 2 };
			enum cp_case_effect effect;

			snprintf(id, sizeof id, "c%02d", c);
			snprintf(query, sizeof query, pass ? "query %02d" : "Query %02d", c);
			if (is_of(v, c))
				MUST(cp_cases_add(hub, &one, &effect, err));
		}
		MUST(cp_cases_commit(hub, "corrected", err));
	}
}

static void assign_alone(struct cp_store *hub, enum variant v, const char *who)
{
	struct cp_assign a = { .form = "rel", .people = &who, .n_people = 1, .pass = 1, .is_shuffled = true, .is_seeded = false };
	const char *names[CASES];
	static char made[CASES][8];
	struct cp_assigned done;

	for (int half = 0; half < 2; half++) {
		a.n_cases = 0;
		for (int c = 0; c < CASES; c++)
			if (is_of(v, c) != (half == 1)) {
				snprintf(made[c], sizeof made[c], "c%02d", c);
				names[a.n_cases++] = made[c];
			}
		a.cases = names;
		MUST(cp_assign(hub, &a, &done, err));
	}
}

static void give_out(enum variant v, int raters)
{
	struct cp_store *hub;

	shell("cp -a %s %s && mkdir %s", in("base"), in("half%d", v), in("out%d", v));
	hub = open_store(in("half%d", v));
	chance_seed_entropy(0, 7);
	set_gold(hub, v, 0, 1);
	if (strcmp(leak, "touched") == 0)
		touch_gold(hub, v);
	for (int r = 0; r < raters; r++) {
		char who[16];
		const char *people = who;
		struct cp_assign a = { .form = "rel", .people = &people, .n_people = 1, .pass = 1, .is_shuffled = true, .has_gold = true,
			.gold_percent = GOLD_PERCENT };
		struct cp_assigned done;

		snprintf(who, sizeof who, "r%03d", r);
		chance_set_clock(START_US + r * 1000000);
		chance_seed_entropy((uint64_t)r + 1, (uint64_t)v);
		if (strcmp(leak, "alone") == 0)
			assign_alone(hub, v, who);
		else
			MUST(cp_assign(hub, &a, &done, err));
	}
	chance_set_clock(START_US + (int64_t)raters * 1000000);
	pack_all(hub, in("out%d", v));
	cp_store_close(hub);
}

static double score_of(const struct view *v, enum feature f, enum variant half)
{
	double x[CASES];
	bool marked[CASES];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (!v->list[i].is_given)
			continue;
		x[n] = v->list[i].f[f];
		marked[n++] = is_of(half, v->list[i].number);
	}
	return rank_score(x, marked, n);
}

static int compare(int raters)
{
	double *both = calloc((size_t)raters, sizeof *both), *sizes = calloc(2 * (size_t)raters, sizeof *sizes);
	bool *is_odd = calloc(2 * (size_t)raters, sizeof *is_odd);
	struct view *views = calloc(2 * (size_t)raters, sizeof *views);
	int found = 0;

	for (int r = 0; r < raters; r++)
		for (int h = 0; h < 2; h++) {
			sizes[2 * r + h] = look(&views[2 * r + h], in("out%d/swap-to-r%03d-0001.casepack", EVEN + h, r));
			is_odd[2 * r + h] = h == 1;
		}
	for (enum feature f = 0; f < FEATURES; f++) {
		double squares = 0;

		/* What is the case's own leans once to this side and once to that: only what follows gold stays. */
		for (int r = 0; r < raters; r++) {
			double a = score_of(&views[2 * r], f, EVEN), b = score_of(&views[2 * r + 1], f, ODD);

			both[r] = a + b;
			squares += a * a + b * b;
		}
		found |= hold(feature_names[f], mean_score(both, (size_t)raters));
		if (f == POSITION || f == GIVEN_REV) /* drawn anew for each rater: neither too even nor too far apart */
			found |= hold(f == POSITION ? "how far positions are apart" : "how far revs are apart",
					(squares - 2 * raters) / sqrt(4 * raters));
	}
	found |= hold("size of the bundle", rank_score(sizes, is_odd, 2 * (size_t)raters));
	free(views);
	free(is_odd);
	free(sizes);
	free(both);
	return found;
}

static int spread(int raters)
{
	struct cp_store *hub;

	chance_set_clock(START_US - 1000000);
	chance_seed_entropy(0, 0);
	MUST(cp_sshkey_generate(in("lead"), "", NULL, err));
	create_hub(in("base"));
	hub = open_store(in("base"));
	for (int r = 0; r < raters; r++) {
		MUST(cp_sshkey_generate(in("key%d", r), "", NULL, err));
		add_rater(hub, r);
	}
	import_cases(hub, NONE);
	add_form(hub);
	MUST(cp_seal(hub, NULL, err));
	cp_store_close(hub);
	give_out(EVEN, raters);
	give_out(ODD, raters);
	return compare(raters);
}

int main(int argc, char **argv)
{
	int at = 1, n;

	if (argc > 2 && strcmp(argv[1], "--leak") == 0) {
		leak = argv[2];
		at = 3;
	}
	if (argc != at + 3 || (n = atoi(argv[at + 2])) < 1 || n > 999) {
		fprintf(stderr, "driver: [--leak NAME] exact|spread FOLDER N\n");
		return 2;
	}
	chance_take_over_entropy();
	cp_hash_setup();
	snprintf(folder, sizeof folder, "%s", argv[at + 1]);
	return strcmp(argv[at], "exact") == 0 ? exact((uint64_t)n) : spread(n);
}
