/*
 * Bundle files named on the command line, and what taking one in says.
 */
#ifndef CASEPACK_CLI_BUNDLES_H
#define CASEPACK_CLI_BUNDLES_H

#include "cli/cli.h"
#include "sync/deliver.h"

struct cp_paths { char **list; size_t n; }; /* owned */
void cp_paths_drop(struct cp_paths *p);
/* Takes path; NULL is out of memory. */
CP_CHECKED enum cp_code cp_paths_add(struct cp_paths *p, char *path, struct cp_err *err);

/* Every *.casepack and *.casepack.age file in a folder, "-9" before "-10". CP_ENOTFOUND, CP_EINPUT: no folder. */
CP_CHECKED enum cp_code cp_paths_of_folder(struct cp_paths *out, const char *folder, struct cp_err *err);
/* The words in order, each folder replaced by its bundles. CP_EINPUT for a folder that has none. */
CP_CHECKED enum cp_code cp_paths_of_words(struct cp_paths *out, const char *const *words, size_t n,
		struct cp_err *err);

/* What became of several bundles. */
struct cp_tally {
	size_t taken, known, refused;   /* files */
	int64_t waiting, conflicts;
	struct cp_err failed;           /* first failure that is no refusal; code CP_OK when there is none */
};

/*
 * Hub: merge one file and say so in one line (one object under --json). A refused file is counted
 * and is CP_OK; so is one that cannot be read, kept in tally->failed. quiet: nothing is said of
 * a file that brought nothing new.
 */
CP_CHECKED enum cp_code cp_take_merge(struct cp_args *a, const char *path, bool quiet, struct cp_tally *tally,
		struct cp_err *err);

/* The words for what cp_open did, one line on stdout (one object under --json). */
CP_CHECKED enum cp_code cp_opened_say(const struct cp_args *a, const char *path, const struct cp_opened *o,
		struct cp_err *err);

/* Hub: a line for each person who has work and no device, since no bundle can reach them. */
CP_CHECKED enum cp_code cp_say_without_device(struct cp_store *s, struct cp_err *err);

/* What --owed, --full and --plain of the command line mean for cp_pack and cp_return. */
unsigned cp_how_to_send(const struct cp_args *a);

/* Is it addressed to the device whose key this is? */
bool cp_bundle_is_for_key(const struct cp_manifest *m, const struct cp_pubkey *key);

/* One line for a bundle that was refused, and a->refused. */
CP_CHECKED enum cp_code cp_refused_say(struct cp_args *a, const char *path, const struct cp_err *why,
		struct cp_err *err);

#endif
