/*
 * A fresh casepack.db beside the one in use, over the same repositories and
 * content: for replaying history into it.
 */
#ifndef CASEPACK_SYNC_FRESH_H
#define CASEPACK_SYNC_FRESH_H

#include "sync/store.h"

/* dbname: of the file to make in the workspace dir. me: project, replica, person and whether it is a hub.
 * Takes no lock: the caller holds the workspace's, or the workspace has no database. */
CP_CHECKED enum cp_code cp_fresh_open(struct cp_store **out, const char *dir, const char *dbname, const struct cp_me *me,
		struct cp_err *err);

/* The same, over a database that such a one left: CP_EFORMAT where it is of another schema. */
CP_CHECKED enum cp_code cp_fresh_again(struct cp_store **out, const char *dir, const char *dbname, const struct cp_me *me,
		struct cp_err *err);

/* Take the workspace's lock for it, where nobody else holds it. CP_EBUSY: another casepack is at work there. */
CP_CHECKED enum cp_code cp_fresh_lock(struct cp_store *s, struct cp_err *err);

/* A database file with what SQLite keeps beside it. */
void cp_fresh_remove(const char *path);
/* One that is closed gets a second name; what a dead process left beside it moves there. Where there are no hard
 * links it moves too. 0, or -1 and errno. */
int cp_fresh_keep(const char *from, const char *to);

#endif
