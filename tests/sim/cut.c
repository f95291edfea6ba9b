#include "tests/sim/cut.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/bundle.h"
#include "formats/file.h"
#include "sync/verify.h"
#include "sync/repo.h"
#include "sync/report.h"
#include "tests/sim/disk.h"

/* What a child leaves to its parent. */
struct shared { int at; bool has_held; char held[CP_HASH_HEX]; size_t bundles; };

void cut_choose(struct world *w)
{
	static const int often[] = { 0, 0, 8, 25 };
	struct chance chance = chance_of(w->seed ^ 0xc07, 0);

	w->percent_cut = often[chance_below(&chance, sizeof often / sizeof *often)];
	w->keeps_tokens = chance_is(&chance, 40);
}

__attribute__((format(printf, 2, 3))) static void find(struct world *w, const char *format, ...)
{
	char text[1400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_array_append_new(w->found, json_string(text));
}

/* ---- bundles -------------------------------------------------------------------------- */

static int is_bundle(const struct dirent *e)
{
	return cp_bundle_is_name(e->d_name);
}

static enum cp_code no_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	(void)user, (void)oid, (void)type, (void)bytes, (void)len, (void)err;
	return CP_OK;
}

static enum cp_code no_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	(void)user, (void)json, (void)len, (void)err;
	return CP_OK;
}

static enum cp_code read_whole(struct world *w, const char *path, struct cp_err *err)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;

	CP_TRY(world_look_into(w, path, &b, err));
	CP_TRY(cp_bundle_each_object(b, no_object, NULL, err));
	return cp_bundle_each_case(b, no_case, NULL, err);
}

/* How many there are in the folder of the next one; each that has its name must be whole. */
static size_t count_bundles(struct world *w, bool are_read)
{
	struct dirent **list;
	char folder[600], path[1200];
	struct cp_err why = { 0 };
	int n;

	snprintf(folder, sizeof folder, "%.500s", world_path(w, "box"));
	snprintf(folder + strlen(folder), 20, "/%d", w->next_parcel);
	n = scandir(folder, &list, is_bundle, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
		if (are_read && read_whole(w, path, &why) != CP_OK)
			find(w, "durable: step %ld: a bundle that was named is not whole: %s", w->step, why.text);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return n > 0 ? (size_t)n : 0;
}

static bool have_one_receiver(struct world *w, const char *path, const char *other)
{
	CP_AUTO(bundle) struct cp_bundle *a = NULL;
	CP_AUTO(bundle) struct cp_bundle *b = NULL;

	return strcmp(path, other) == 0 || (world_look_into(w, path, &a, NULL) == CP_OK &&
			world_look_into(w, other, &b, NULL) == CP_OK &&
			cp_id_equal(&cp_bundle_manifest(a)->recipients[0], &cp_bundle_manifest(b)->recipients[0]));
}

void cut_pick_bundle(struct world *w, const char *folder, char *path, size_t size)
{
	struct dirent **list;
	char fits[32][1024], *one;
	size_t n_fits = 0;
	int n;

	if (!w->is_again || !w->takes_left)
		return;
	n = scandir(folder, &list, is_bundle, alphasort);
	for (int i = 0; i < n; i++) {
		one = fits[n_fits];
		snprintf(one, sizeof fits[0], "%.700s/%.255s", folder, list[i]->d_name);
		n_fits += n_fits < 31 && (*path == '\0' || have_one_receiver(w, path, one));
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	if (n_fits > 0)
		snprintf(path, size, "%s", fits[chance_below(&w->chance, n_fits)]);
}

/* ---- what is there ---------------------------------------------------------------------- */

static void add_rows(struct cp_hasher *h, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	while (rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(q); c++)
			cp_hasher_add_part(h, sqlite3_column_blob(q, c), (size_t)sqlite3_column_bytes(q, c));
	sqlite3_finalize(q);
	if (rc != SQLITE_OK)
		abort();
}

static void add_database(struct world *w, struct place *p, struct cp_hasher *h, const char *file, const char *const *queries, size_t n)
{
	char path[1024];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/%s", world_path(w, p->name), file);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		abort();
	for (size_t i = 0; i < n; i++)
		add_rows(h, db, queries[i]);
	sqlite3_close(db);
}

static void add_branches(struct world *w, struct place *p, struct cp_hasher *h)
{
	struct cp_repo *repo = NULL;
	struct cp_tips tips = { 0 };
	char path[1024];

	snprintf(path, sizeof path, "%s/history.git", world_path(w, p->name));
	MUST(w, cp_repo_open(&repo, path, false, err));
	MUST(w, cp_repo_branches(repo, "", &tips, err));
	for (size_t i = 0; i < tips.n; i++) {
		cp_hasher_add_part(h, tips.list[i].name, strlen(tips.list[i].name));
		cp_hasher_add_part(h, tips.list[i].oid.hex, 40);
	}
	cp_tips_drop(&tips);
	cp_repo_free(repo);
}

/* Of all that its person would miss: rows, verdicts, drafts, work not sealed, contents, branches. */
static void hash_all(struct world *w, struct place *p, char hex[CP_HASH_HEX])
{
	static const char *const work[] = { "SELECT * FROM drafts", "SELECT * FROM draft_ratings", "SELECT * FROM outbox ORDER BY seq",
		"SELECT oid FROM waiting ORDER BY oid" };
	static const char *const shown[] = { "SELECT hash FROM contents ORDER BY hash" };
	struct cp_hasher h;
	struct cp_hash hash;

	MUST(w, cp_store_hash(world_store(w, p), &hash, err));
	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, hash.bytes, sizeof hash.bytes);
	add_database(w, p, &h, "casepack.db", work, sizeof work / sizeof *work);
	add_database(w, p, &h, "content.db", shown, 1);
	add_branches(w, p, &h);
	cp_hasher_end(&h, &hash);
	cp_hex(hex, hash.bytes, sizeof hash.bytes);
}

/* Against a replay of its history, which seals: only where there is nothing to seal, since that would be a deed. A copy
 * may still have to introduce itself. */
static void is_its_history(struct world *w, struct place *p)
{
	struct cp_status status;
	struct cp_verified again;
	struct cp_err why = { 0 };

	MUST(w, cp_status(world_store(w, p), &status, err));
	if (status.outbox > 0 || (!place_is_hub(p) && w->devices[p->device].root != p->device))
		return;
	if (cp_verify_store(world_store(w, p), &again, &why) != CP_OK)
		find(w, "replay: step %ld: %s behind a power cut: %s", w->step, p->name, why.text);
}

/* git and SQLite, who know nothing of casepack. */
static void is_sound(struct world *w, struct place *p)
{
	static const char *const repos[] = { "history.git", "private.git" };
	char line[2400];

	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof line, "cd '%s' && { [ ! -d %s ] || git -C %s fsck --strict --no-dangling --no-progress 2>&1 |"
				" grep -v '^notice:' | { ! grep . >&2; }; }", world_path(w, p->name), repos[i], repos[i]);
		if (system(line) != 0)
			find(w, "fsck: step %ld: %s/%s behind a power cut", w->step, p->name, repos[i]);
	}
	snprintf(line, sizeof line, "cd '%s' && for db in casepack.db content.db; do sqlite3 $db 'PRAGMA integrity_check' |"
			" grep -qx ok || exit 1; done", world_path(w, p->name));
	if (system(line) != 0)
		find(w, "fsck: step %ld: a database of %s behind a power cut", w->step, p->name);
}

/* ---- the cut ------------------------------------------------------------------------------ */

/* One deed, in which the power may fail. */
struct cutting { struct world *w; deed *act; struct shared *shared; struct chance chance; };

static bool is_there(struct world *w, const struct place *p)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/casepack.db", world_path(w, p->name));
	return cp_file_exists(path);
}

/* In the child: the deed, and what is there then. What follows it, and a store's closing too, is lost. */
static int attempt(void *user)
{
	struct cutting *c = user;
	struct world *w = c->w;

	w->worked_at = &c->shared->at;
	w->log = fopen("/dev/null", "w");
	c->act(w);
	if (c->shared->at >= 0 && is_there(w, &w->places[c->shared->at])) {
		c->shared->bundles = count_bundles(w, false);
		hash_all(w, &w->places[c->shared->at], c->shared->held);
		c->shared->has_held = true;
	}
	return 0;
}

/* Opens the workspace, which repairs what there is to repair. One that cannot be opened ends the run. */
static int start(void *user)
{
	struct cutting *c = user;
	struct place *p = &c->w->places[c->shared->at];
	struct cp_err why = { 0 };

	world_clock(c->w, p);
	if (cp_store_open(&p->store, world_path(c->w, p->name), &why) == CP_OK)
		return 0;
	fprintf(stderr, "durable: step %ld: %s cannot be opened behind a power cut: %s\n", c->w->step, p->name, why.text);
	exit(4);
}

/* Mostly among the first points, which are in every deed; 0 is behind the last. */
static long some_point(struct chance *chance)
{
	return (long)chance_below(chance, (size_t)4 << chance_below(chance, 7));
}

/* A disk that kept nothing it was not made to, one that kept everything, or some. */
static uint64_t some_disk(struct chance *chance)
{
	return chance_is(chance, 30) ? 0 : chance_is(chance, 15) ? 1 : chance_next(chance);
}

static void run(struct cutting *c, long point, int (*work)(void *user))
{
	struct world *w = c->w;
	int status;

	chance_seed_entropy(w->seed, 2 + (uint64_t)w->step);
	fflush(w->log);
	status = disk_run(point, work, c);
	if (status != 0 && status != DISK_CUT)
		exit(status); /* it has said why */
	w->cuts++;
	disk_drop(w->dir, some_disk(&c->chance));
}

/* The workspace is opened again, and must hold what was done to its end. */
static void look(struct cutting *c)
{
	struct world *w = c->w;
	struct place *p = &w->places[c->shared->at];
	char held[CP_HASH_HEX];

	if (count_bundles(w, true) < c->shared->bundles)
		find(w, "durable: step %ld: a bundle that was written is gone", w->step);
	if (!is_there(w, p)) {
		if (p->exists || c->shared->has_held)
			find(w, "durable: step %ld: %s is gone", w->step, p->name);
		return;
	}
	if (chance_is(&c->chance, 20))
		run(c, 1 + some_point(&c->chance), start);
	start(c);
	if (c->shared->has_held) {
		hash_all(w, p, held);
		if (strcmp(held, c->shared->held) != 0)
			find(w, "durable: step %ld: %s does not hold what was done in it before the power failed", w->step, p->name);
	}
	if (chance_is(&c->chance, 20))
		is_its_history(w, p);
	world_close(w, p);
	if (chance_is(&c->chance, 10))
		is_sound(w, p);
}

/* What people do first who are not sure. */
static void wonder(struct cutting *c)
{
	struct world *w = c->w;
	struct place *p = &w->places[c->shared->at];
	struct cp_status status;

	if (!p->exists || !chance_is(&c->chance, 40))
		return;
	if (chance_is(&c->chance, 60)) {
		MUST(w, cp_status(world_store(w, p), &status, err));
	} else if (chance_is(&c->chance, 50)) {
		is_its_history(w, p);
	} else { /* receipts are forgotten: a bundle from before promises more than one from now on */
		carry_rebuild(w, p);
		w->takes_left = false;
	}
	world_close(w, p);
}

/* Not what is done in several workspaces, nor what goes by what is open, or written, when it is done. Where leads have
 * decided, a judgment may show another edit than its rater's last, and done again it would be one more. */
static bool can_be_cut(const struct world *w, deed *act)
{
	static deed *const others[] = { deed_lose, deed_clock, deed_close, deed_copy, deed_device, deed_backup, deed_put_back,
		deed_move, deed_new_home, deed_guideline, deed_form, deed_merge_text, deed_sync,
		deed_hub_bundle, deed_hub, deed_both, deed_dispute, deed_resolve, deed_rule, deed_adjudicate, deed_policy,
		deed_revoke, deed_new_key, deed_trust, deed_ruling };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (act == others[i])
			return false;
	return !w->has_decided || (act != deed_rate && act != deed_rate_many);
}

void cut_before(struct world *w, deed *act)
{
	struct cutting c = { .w = w, .act = act, .chance = chance_of(w->seed ^ 0xc07, 1 + (uint64_t)w->step) };

	w->is_again = can_be_cut(w, act) && chance_is(&c.chance, w->percent_cut);
	if (!w->is_again)
		return;
	w->takes_left = true;
	c.shared = mmap(NULL, sizeof *c.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.shared == MAP_FAILED)
		abort();
	for (int i = 0; i < w->n_places; i++)
		world_close(w, &w->places[i]);
	world_outbox(w); /* the folder for a bundle is there before */
	disk_watch(w->dir);
	do {
		memset(c.shared, 0, sizeof *c.shared);
		c.shared->at = -1;
		run(&c, some_point(&c.chance), attempt);
		if (c.shared->at >= 0)
			look(&c);
	} while (chance_is(&c.chance, 20));
	disk_end();
	if (c.shared->at >= 0)
		wonder(&c);
	munmap(c.shared, sizeof *c.shared);
	chance_seed_entropy(w->seed, 2 + (uint64_t)w->step);
}
