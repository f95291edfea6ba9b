/*
 * The raw limit of merging: sqlite3changeset_apply_v2 of changesets into a fresh database with
 * casepack's tables and pragmas, each in a durable transaction of its own, with nothing checked.
 *
 *     apply DATABASE SCHEMA.sql CHANGESET...
 */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(const char *what, sqlite3 *db)
{
	fprintf(stderr, "apply: %s: %s\n", what, db ? sqlite3_errmsg(db) : "cannot be read");
	exit(1);
}

static char *slurp(const char *path, int *len)
{
	FILE *f = fopen(path, "rb");
	char *bytes;
	long n;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0)
		fail(path, NULL);
	rewind(f);
	bytes = malloc((size_t)n + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)n, f) != (size_t)n)
		fail(path, NULL);
	bytes[n] = '\0';
	fclose(f);
	*len = (int)n;
	return bytes;
}

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(sql, db);
}

static int on_conflict(void *user, int kind, sqlite3_changeset_iter *at)
{
	(void)kind;
	(void)at;
	++*(int *)user;
	return SQLITE_CHANGESET_OMIT;
}

int main(int argc, char **argv)
{
	int len, conflicts = 0;
	sqlite3 *db;
	char *bytes;

	if (argc < 4)
		return 2;
	if (sqlite3_open(argv[1], &db) != SQLITE_OK)
		fail(argv[1], db);
	run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	run(db, "PRAGMA secure_delete = FAST; PRAGMA cache_size = -8192");
	bytes = slurp(argv[2], &len);
	run(db, bytes);
	free(bytes);
	for (int i = 3; i < argc; i++) {
		bytes = slurp(argv[i], &len);
		run(db, "BEGIN IMMEDIATE");
		if (sqlite3changeset_apply_v2(db, len, bytes, NULL, on_conflict, &conflicts, NULL, NULL, 0) != SQLITE_OK)
			fail(argv[i], db);
		run(db, "COMMIT");
		free(bytes);
	}
	sqlite3_close(db);
	if (conflicts > 0)
		fprintf(stderr, "apply: %d conflicts\n", conflicts);
	return conflicts > 0;
}
