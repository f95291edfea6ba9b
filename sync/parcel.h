/*
 * What packing and returning share: manifests, file names, chains of commits.
 */
#ifndef CASEPACK_SYNC_PARCEL_H
#define CASEPACK_SYNC_PARCEL_H

#include "formats/bundle.h"
#include "sync/secrets.h"
#include "sync/store.h"

/* Parts that nothing is taken from: what is wrong in them refuses the bundle all the same. */
CP_CHECKED enum cp_code cp_parcel_check_rest(struct cp_bundle *b, struct cp_err *err);

/* Project, sender, time, volume 1 of 1. The number is the caller's. */
void cp_parcel_manifest(struct cp_store *s, struct cp_manifest *m, enum cp_bundle_kind kind);
CP_CHECKED enum cp_code cp_parcel_recipient(struct cp_manifest *m, const struct cp_id *replica, struct cp_err *err);

/* DIR/<project>-<to|from>-<pseudonym>-<number>.casepack in lower case; m->number is raised past files that are there. */
CP_CHECKED enum cp_code cp_parcel_name(struct cp_store *s, const char *dir, const char *direction, const char *pseudonym,
		struct cp_manifest *m, char *out, size_t size, struct cp_err *err);

/* Every bundle begins here: all that is put into it is looked through first. search is the caller's and lives as long as *w. */
CP_CHECKED enum cp_code cp_parcel_begin(struct cp_search *search, struct cp_bundle_writer **w, const char *path,
		struct cp_err *err);

/* The commits behind stop ("" : all) up to tip, oldest first, each as commit, tree, changeset. */
CP_CHECKED enum cp_code cp_parcel_chain(struct cp_store *s, struct cp_bundle_writer *w, const char *tip, const char *stop,
		int64_t *n, struct cp_err *err);

/* *out is false when a bundle of mine in dir says the same to the same device already. */
CP_CHECKED enum cp_code cp_parcel_lies_there(const char *dir, const struct cp_manifest *m, bool *out, struct cp_err *err);

#endif
