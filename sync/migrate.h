/*
 * The schema of casepack.db: made new, and brought up from an older version.
 * Each version is a file of sync/schema/, never edited once released.
 */
#ifndef CASEPACK_SYNC_MIGRATE_H
#define CASEPACK_SYNC_MIGRATE_H

#include "sync/inner.h"

/* A new database: every version in turn, so that a new one and a migrated one cannot differ. */
CP_CHECKED enum cp_code cp_schema_create(sqlite3 *db, const char *name, struct cp_err *err);

/* Bring an existing one up to CP_SCHEMA in one transaction; nothing to do most of the time. name is for messages.
 * CP_EFORMAT, and nothing changed: not a casepack database, or a newer program's. */
CP_CHECKED enum cp_code cp_schema_migrate(sqlite3 *db, const char *name, struct cp_err *err);

#endif
