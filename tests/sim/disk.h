/*
 * A disk that loses power.
 *
 * disk.c defines the libc calls that write (open, write, fsync, rename, ...) in the executable, where they win over
 * the shared libraries' own: SQLite, libgit2 and casepack's file code go through them. Below the folder that is
 * watched each change is done, and how to undo it is noted in a journal beside the folder. Content is durable at the
 * next fsync of its file, a name (create, link, rename, unlink, mkdir, rmdir) at the next fsync of a folder that
 * holds it. disk_drop takes back what a power cut may take back. What else is known and what is not: README.md.
 *
 * One thread at a time writes below the folder. What other programs change there is not noticed and counts as
 * durable. A broken rule of this file ends the process with a word on stderr.
 */
#ifndef CASEPACK_TESTS_SIM_DISK_H
#define CASEPACK_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define DISK_CUT 97 /* the exit status of a process that was cut off */

/* Watches this folder from now on: all that is in it is durable. The journal is the folder ROOT.disk, made
 * afresh; it must be on the same file system. Children made by fork go on writing it. */
void disk_watch(const char *root);
/* Ends the watch and removes the journal. */
void disk_end(void);

/*
 * A point lies before and one behind each fsync, fdatasync, rename, link and unlink below the folder: of SQLite's
 * COMMIT these are the flushes of NAME-wal, of a moving branch the rename or link of refs/heads/NAME.lock.
 *
 * disk_cut_at   counts from 0 again, in this process, and ends it with _exit(DISK_CUT) at the n-th point (from 1);
 *               0 is never
 * disk_points   passed since; also the parent sees those of its child
 * disk_point    the last one, e.g. "before fsync of hub/history.git/refs/heads/main.lock"; "" before the first
 */
void disk_cut_at(long n);
long disk_points(void);
const char *disk_point(void);

/* work(user) in a child that is cut off at its n-th point: DISK_CUT, or what work returned (0 to 96); work must
 * not return into its caller's frames. A child that ends in any other way ends this process too. */
int disk_run(long n, int (*work)(void *user), void *user);

/*
 * Puts root to a state in which a power cut now may leave it, for seed 0 to that of a disk that wrote nothing it
 * was not made to, for seed 1 to that of one that wrote everything; other seeds choose, for each file and each name,
 * none, all, a prefix or a torn part of what was not flushed. All that is there afterwards is durable. Nothing may
 * have files open there.
 */
void disk_drop(const char *root, uint64_t seed);

/* What the disk did since disk_watch, in all processes. */
struct disk_count { long writes, flushes, names, dropped_writes, dropped_names; uint64_t journal_bytes; };
struct disk_count disk_counts(void);

#endif
