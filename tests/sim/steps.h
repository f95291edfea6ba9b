/*
 * A small round between a hub and one rater, anna with workspace a, and of a second lead, bea with her hub bea/, each step
 * by the library alone, and what must hold of it. Folders, all in the watched one: hub/, a/, out/ for bundles to her, back/
 * for those from her, post/ for those between hubs, remote.git.
 *
 * Functions that return int give 0 when all is well; else they say what is not, behind `where`, and give 1.
 */
#ifndef CASEPACK_TESTS_SIM_STEPS_H
#define CASEPACK_TESTS_SIM_STEPS_H

#include "formats/hash.h"
#include "sync/store.h"

#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			return complain("%s: %s", #call, ok_err_.text);                \
	} while (0)
#define HOLDS(what)                                                                    \
	do {                                                                           \
		if (!(what))                                                           \
			return complain("does not hold: %s", #what);                   \
	} while (0)
#define WELL(call)                                                                     \
	do {                                                                           \
		if ((call) != 0)                                                       \
			return 1;                                                      \
	} while (0)

extern char folder[64], root[96]; /* of the test; the watched one in it */
extern char where[400];           /* what is being tried: before each complaint */
__attribute__((format(printf, 1, 2))) int complain(const char *format, ...);

/* Paths in the watched folder and beside it; eight and two may be in use at a time. */
const char *at(const char *name);
const char *key(const char *name);
/* A shell command in the watched folder; its last line is kept in said. */
extern char said[1024];
int shell(const char *command);

/* How many steps a child has finished: seen by its parent, in memory that they share. */
struct progress { int steps; };
extern struct progress *progress;

/* Steps; those on a store are not counted, since they are acknowledged later. */
int scene(void);                             /* the hub, two cases, her first bundle, and a with it */
int import(struct cp_store *hub, const char *id);
int assign(struct cp_store *hub);
int grade(const char *workspace, const char *case_id, const char *r2); /* r2 NULL: a draft */
int pack(void);
int open_newest(const char *workspace);      /* the newest bundle of out/ */
int send_back(void);
int merge(void);                             /* every bundle of back/ */

int second_hub(void);                        /* bea's, made of a bundle; and the empty remote */
int send_to_hub(const char *from, const char *lead);
int merge_post(const char *into, const char *lead); /* the newest bundle of post/ for that lead */
int sync_remote(const char *hub);

/* Opens, is sound to SQLite and git, and equals its own history, whose hash it gives. */
int is_sound(const char *workspace, struct cp_hash *hash);
int labels(const char *hub, char out[512]);  /* every answer that it shows */
int submitted(const char *workspace, int64_t want, int64_t drafts); /* at least so many are there */

#endif
