/*
 * What packing and returning share: manifests, file names, chains of commits.
 */
#ifndef CASEPACK_SYNC_PARCEL_H
#define CASEPACK_SYNC_PARCEL_H

#include "formats/bundle.h"
#include "sync/deliver.h"
#include "sync/secrets.h"
#include "sync/store.h"

/* Parts that nothing is taken from: what is wrong in them refuses the bundle all the same. */
CP_CHECKED enum cp_code cp_parcel_check_rest(struct cp_bundle *b, struct cp_err *err);

/* Project, sender, time, volume 1 of 1. The number is the caller's. */
void cp_parcel_manifest(struct cp_store *s, struct cp_manifest *m, enum cp_bundle_kind kind);
CP_CHECKED enum cp_code cp_parcel_recipient(struct cp_manifest *m, const struct cp_id *replica, struct cp_err *err);

/* Begin a bundle that m describes in how (CP_SEND_...): its name, DIR/<project>-<to|from>-<pseudonym>-<number>.casepack or
 * .casepack.age in lower case, goes into sent; m->number is raised past files that are there. Needs the key. Every bundle
 * begins here: all that is put into it is looked through first. search is the caller's and lives as long as *out. */
CP_CHECKED enum cp_code cp_parcel_begin(struct cp_search *search, struct cp_bundle_writer **out, const char *dir, const char *direction,
		const char *pseudonym, struct cp_manifest *m, unsigned how, struct cp_sent *sent, struct cp_err *err);
/* Sign and name it; what it says and its hash are remembered for cp_parcel_lies_there. */
CP_CHECKED enum cp_code cp_parcel_end(struct cp_store *s, struct cp_bundle_writer *w, struct cp_manifest *m, unsigned how,
		struct cp_sent *sent, struct cp_err *err);
/* CP_EINPUT: plain ones, where the project demands that they are encrypted. */
CP_CHECKED enum cp_code cp_parcel_may(struct cp_store *s, unsigned how, struct cp_err *err);

/* The commits behind stop ("" : all) up to tip, oldest first, each as commit, tree, changeset. */
CP_CHECKED enum cp_code cp_parcel_chain(struct cp_store *s, struct cp_bundle_writer *w, const char *tip, const char *stop,
		int64_t *n, struct cp_err *err);

/* A device: up to where that hub holds a line of this workspace that it has left, as its last bundle says ("": not at all). */
CP_CHECKED enum cp_code cp_line_held_set(struct cp_store *s, const struct cp_id *hub, const char *branch, const struct cp_oid *held,
		struct cp_err *err);

/* Does a bundle that I wrote in that manner lie in dir, whole, and say the same to m's recipient already? What I encrypted I
 * cannot read, so this goes by its hash. */
CP_CHECKED enum cp_code cp_parcel_lies_there(struct cp_store *s, const char *dir, const struct cp_manifest *m, unsigned how,
		bool *out, struct cp_err *err);

#endif
