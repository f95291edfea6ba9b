#include "sync/migrate.h"

#include <stdio.h>

#include "schema.h"

static const char *const versions[] = { cp_schema_1, cp_schema_2, cp_schema_3, cp_schema_4 };
_Static_assert(sizeof versions / sizeof versions[0] == CP_SCHEMA, "one file of sync/schema/ for each version");

static enum cp_code exec(sqlite3 *db, const char *name, const char *sql, struct cp_err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? CP_OK : cp_fail_sqlite(err, db, "%s", name);
}

static enum cp_code version_of(sqlite3 *db, const char *name, int *out, struct cp_err *err)
{
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW) {
		sqlite3_finalize(q);
		return cp_fail_sqlite(err, db, "%s", name);
	}
	*out = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return CP_OK;
}

/* Versions from + 1 .. CP_SCHEMA, all or none. */
static enum cp_code bring_up(sqlite3 *db, const char *name, int from, struct cp_err *err)
{
	char pragma[64];
	enum cp_code code;

	CP_TRY(exec(db, name, "BEGIN IMMEDIATE", err));
	snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", CP_SCHEMA);
	code = CP_OK;
	for (int v = from; v < CP_SCHEMA && code == CP_OK; v++)
		code = exec(db, name, versions[v], err);
	if (code == CP_OK)
		code = exec(db, name, pragma, err);
	if (code == CP_OK)
		code = exec(db, name, "PRAGMA application_id = 1128353611", err); /* "CASK" */
	if (code == CP_OK)
		code = exec(db, name, "COMMIT", err);
	if (code != CP_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

enum cp_code cp_schema_create(sqlite3 *db, const char *name, struct cp_err *err)
{
	return bring_up(db, name, 0, err);
}

enum cp_code cp_schema_migrate(sqlite3 *db, const char *name, struct cp_err *err)
{
	int version = 0;

	CP_TRY(version_of(db, name, &version, err));
	if (version > CP_SCHEMA)
		return cp_fail(err, CP_EFORMAT, "%s: made by a newer casepack (schema %d, this one knows %d); install the newer one",
				name, version, CP_SCHEMA);
	if (version < 1)
		return cp_fail(err, CP_EFORMAT, "%s: is not a casepack database", name);
	return version < CP_SCHEMA ? bring_up(db, name, version, err) : CP_OK;
}
