/*
 * Changesets that end a program which gives them to SQLite's session extension as they are: found on 3.40.1, by
 * chance from a seed. Each FILE named is refused by the strict reader, in words; and in a child, with little time,
 * SQLite is led through the doors that take changesets, to see whether it still dies of them.
 */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1

#include "formats/changeset.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/file.h"

#define PATIENCE_US 60000 /* of processor; an honest changeset of this size takes some microseconds */

static const struct cp_shape shapes[] = { { "t", 2, { 1 }, 0 }, { "u", 4, { 1 }, 0 } };
static const char schema[] =
	"CREATE TABLE t (c1 NOT NULL PRIMARY KEY, c2) WITHOUT ROWID; CREATE TABLE u (a PRIMARY KEY NOT NULL, b, c, d)";

static int omit(void *user, int what, sqlite3_changeset_iter *it)
{
	(void)user, (void)what, (void)it;
	return SQLITE_CHANGESET_OMIT;
}

static void iterate(int len, void *bytes)
{
	sqlite3_changeset_iter *it;

	if (sqlite3changeset_start(&it, len, bytes) != SQLITE_OK)
		return;
	while (sqlite3changeset_next(it) == SQLITE_ROW)
		continue;
	sqlite3changeset_finalize(it);
}

static void apply(int len, void *bytes)
{
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK)
		sqlite3changeset_apply_v2(db, len, bytes, NULL, omit, NULL, NULL, NULL, 0);
	sqlite3_close(db);
}

static void invert(int len, void *bytes)
{
	void *out;

	if (sqlite3changeset_invert(len, bytes, &len, &out) == SQLITE_OK)
		sqlite3_free(out);
}

static void group(int len, void *bytes)
{
	sqlite3_changegroup *g;
	void *out;

	if (sqlite3changegroup_new(&g) != SQLITE_OK)
		return;
	if (sqlite3changegroup_add(g, len, bytes) == SQLITE_OK && sqlite3changegroup_output(g, &len, &out) == SQLITE_OK)
		sqlite3_free(out);
	sqlite3changegroup_delete(g);
}

static const struct { const char *name; void (*lead)(int len, void *bytes); } doors[] = {
	{ "iterator", iterate }, { "apply", apply }, { "invert", invert }, { "changegroup", group },
};
#define DOORS (sizeof doors / sizeof *doors)

/* In a child: what it died of, or NULL. */
static const char *dies_of(size_t door, const struct cp_buf *b)
{
	static char words[64];
	const struct itimerval patience = { { 0, 0 }, { 0, PATIENCE_US } };
	int status, quiet = open("/dev/null", O_WRONLY);
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		void *copy = malloc(b->len);

		dup2(quiet, 2); /* a sanitizer's words are of no use here */
		setitimer(ITIMER_PROF, &patience, NULL);
		if (copy == NULL)
			_exit(0);
		memcpy(copy, b->data, b->len);
		doors[door].lead((int)b->len, copy);
		_exit(0);
	}
	close(quiet);
	if (child < 0 || waitpid(child, &status, 0) != child || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return NULL;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return "never ends";
	snprintf(words, sizeof words, "crashes (%s)", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a sanitizer's word");
	return words;
}

static bool is_refused(const char *name, const struct cp_buf *b)
{
	struct cp_err err = { CP_OK, "" };
	void *copy = malloc(b->len);
	bool good;

	if (copy == NULL)
		return false;
	memcpy(copy, b->data, b->len); /* of just this size */
	good = cp_changeset_check(copy, b->len, shapes, 2, NULL, &err) == CP_EFORMAT && err.text[0] != '\0';
	free(copy);
	printf("%sok - %s, %zu bytes: the reader refuses it: %s\n", good ? "" : "not ", name, b->len, err.text);
	return good;
}

static void say_what_sqlite_does(const char *name, const struct cp_buf *b)
{
	bool is_deadly = false;

	for (size_t i = 0; i < DOORS; i++) {
		const char *what = dies_of(i, b);

		if (what != NULL)
			printf("ok - %s: SQLite %s's %s %s\n", name, sqlite3_libversion(), doors[i].name, what);
		is_deadly = is_deadly || what != NULL;
	}
	if (!is_deadly)
		printf("ok - %s: SQLite %s takes it without harm # SKIP it is no killer any more\n", name, sqlite3_libversion());
}

int main(int argc, char **argv)
{
	bool good = argc > 1;

	for (int i = 1; i < argc; i++) {
		CP_AUTO(buf) struct cp_buf b = CP_BUF(CP_TEXT_MAX);
		const char *name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];

		if (cp_file_read(&b, argv[i], NULL) != CP_OK || b.len == 0)
			return 1;
		good = is_refused(name, &b) && good;
		say_what_sqlite_does(name, &b);
	}
	return !good;
}
