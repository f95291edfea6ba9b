/*
 * Saving one judgment of one rating durably: cp_judge on a rater's workspace, and the same rows
 * as a plain INSERT and COMMIT in a database with the same tables and pragmas. One after the
 * other, A B A B; every save is timed alone.
 *
 *     save WORKSPACE PLAIN_DATABASE COUNT
 *
 * One line for each: its name, medians in microseconds of the whole, of what comes before COMMIT
 * begins to write and of what comes after, the mean of the whole, and pages written a save.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sync/inner.h"
#include "sync/judge.h"

struct times { double *whole, *before; size_t n; double begun, committing; int pages; };

struct plain { sqlite3 *db; sqlite3_stmt *begin, *judgment, *rating, *commit; };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "save: %s: %s\n", what, why);
	exit(1);
}

/* ---- the clock --------------------------------------------------------------------------------- */

static int on_commit(void *user)
{
	((struct times *)user)->committing = now_us();
	return 0;
}

static void begin(struct times *t)
{
	t->begun = t->committing = now_us();
}

static void end(struct times *t)
{
	t->whole[t->n] = now_us() - t->begun;
	t->before[t->n++] = t->committing - t->begun;
}

static void times_new(struct times *t, sqlite3 *db, size_t room)
{
	int none;

	memset(t, 0, sizeof *t);
	t->whole = calloc(room, sizeof *t->whole);
	t->before = calloc(room, sizeof *t->before);
	if (t->whole == NULL || t->before == NULL)
		die("times", "out of memory");
	sqlite3_commit_hook(db, on_commit, t);
	sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &t->pages, &none, 1);
	t->pages = 0;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *list, size_t n)
{
	qsort(list, n, sizeof *list, ascending);
	return n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

static void print(const char *name, struct times *t, sqlite3 *db)
{
	double sum = 0, *after = calloc(t->n, sizeof *after);
	int none;

	if (after == NULL)
		die("times", "out of memory");
	for (size_t i = 0; i < t->n; i++) {
		after[i] = t->whole[i] - t->before[i];
		sum += t->whole[i];
	}
	sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &t->pages, &none, 0);
	printf("%s %.1f %.1f %.1f %.1f %.2f\n", name, median(t->whole, t->n), median(t->before, t->n), median(after, t->n),
			sum / (double)t->n, (double)t->pages / (double)t->n);
	free(after);
	free(t->whole);
	free(t->before);
}

/* ---- SQL --------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
	return q;
}

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
}

/*
 * Grow the log to the length at which it is written from its beginning again: before that every
 * save also makes the file longer, which costs more than the save.
 */
static void warm(sqlite3 *db)
{
	run(db, "CREATE TABLE bench_pad(x); INSERT INTO bench_pad VALUES(zeroblob(6000000)); DROP TABLE bench_pad");
	run(db, "PRAGMA wal_checkpoint(RESTART)");
}

/* ---- the plain database ------------------------------------------------------------------------- */

/* The two tables as the workspace has them. */
static void plain_open(struct plain *p, const char *path, sqlite3 *like)
{
	sqlite3_stmt *q = prepare(like, "SELECT sql FROM main.sqlite_schema"
			" WHERE type = 'table' AND name IN ('judgments', 'ratings')");

	if (sqlite3_open(path, &p->db) != SQLITE_OK)
		die(path, sqlite3_errmsg(p->db));
	run(p->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	run(p->db, "PRAGMA secure_delete = FAST; PRAGMA cache_size = -8192");
	while (sqlite3_step(q) == SQLITE_ROW)
		run(p->db, (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	p->begin = prepare(p->db, "BEGIN IMMEDIATE");
	p->judgment = prepare(p->db, "INSERT INTO judgments VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)");
	p->rating = prepare(p->db, "INSERT INTO ratings VALUES(?1,?2,?3,?4,?5)");
	p->commit = prepare(p->db, "COMMIT");
}

static void plain_close(struct plain *p)
{
	sqlite3_finalize(p->begin);
	sqlite3_finalize(p->judgment);
	sqlite3_finalize(p->rating);
	sqlite3_finalize(p->commit);
	sqlite3_close(p->db);
}

static void step(struct plain *p, sqlite3_stmt *q)
{
	if (sqlite3_step(q) != SQLITE_DONE)
		die(sqlite3_sql(q), sqlite3_errmsg(p->db));
	sqlite3_reset(q);
}

/* Bind the row that the workspace has just written, so that both write the same. */
static void copy_row(sqlite3_stmt *to, sqlite3 *from, const char *sql, const struct cp_id *id)
{
	sqlite3_stmt *q = prepare(from, sql);

	sqlite3_bind_blob(q, 1, id->bytes, sizeof id->bytes, SQLITE_STATIC);
	if (sqlite3_step(q) != SQLITE_ROW)
		die("the row that was saved", "is not there");
	for (int c = 0; c < sqlite3_column_count(q); c++)
		sqlite3_bind_value(to, c + 1, sqlite3_column_value(q, c));
	sqlite3_finalize(q);
}

static void save_plain(struct plain *p, struct times *t, sqlite3 *from, const struct cp_id *id)
{
	copy_row(p->judgment, from, "SELECT * FROM judgments WHERE id = ?1", id);
	copy_row(p->rating, from, "SELECT * FROM ratings WHERE judgment = ?1", id);
	begin(t);
	step(p, p->begin);
	step(p, p->judgment);
	step(p, p->rating);
	step(p, p->commit);
	end(t);
}

/* ---- casepack --------------------------------------------------------------------------------------- */

static enum cp_code save_one(struct cp_store *s, struct plain *p, struct times t[2], int64_t position, bool *found,
		struct cp_err *err)
{
	struct cp_task task = { 0 };
	struct cp_judge_result done = { 0 };
	enum cp_code code;

	CP_TRY(cp_task_at(s, position, &task, found, err));
	if (!*found)
		return CP_OK;
	struct cp_answer answer = { task.form.fields[0].name, task.view.results[0].id, task.form.fields[0].choices[0].value };
	begin(&t[0]);
	code = cp_judge(s, &task, &answer, 1, CP_SUBMIT_IF_COMPLETE, NULL, 9000, &done, err);
	end(&t[0]);
	if (code == CP_OK && strcmp(done.state, "submitted") != 0)
		code = cp_fail(err, CP_EINPUT, "%s is missing; the form needs one answer a case", done.first_missing);
	if (code == CP_OK)
		save_plain(p, &t[1], s->db, &task.assignment);
	cp_task_drop(&task);
	return code;
}

int main(int argc, char **argv)
{
	CP_AUTO(store) struct cp_store *s = NULL;
	struct cp_err err = { 0 };
	struct plain p = { 0 };
	struct times t[2];
	int64_t count;
	bool found = true;

	if (argc != 4 || (count = strtoll(argv[3], NULL, 10)) < 1) {
		fprintf(stderr, "usage: save WORKSPACE PLAIN_DATABASE COUNT\n");
		return 2;
	}
	if (cp_store_open(&s, argv[1], &err) != CP_OK)
		die(argv[1], err.text);
	plain_open(&p, argv[2], s->db);
	warm(s->db);
	warm(p.db);
	times_new(&t[0], s->db, (size_t)count);
	times_new(&t[1], p.db, (size_t)count);
	for (int64_t i = 1; i <= count && found; i++)
		if (save_one(s, &p, t, i, &found, &err) != CP_OK)
			die(argv[1], err.text);
	if (t[0].n < (size_t)count)
		die(argv[1], "has too few cases");
	print("casepack", &t[0], s->db);
	print("sqlite", &t[1], p.db);
	plain_close(&p);
	return 0;
}
