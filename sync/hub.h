/*
 * Two leads' hubs meet: each takes in the change commits and verdicts that it
 * lacks, and the mains are joined. Through a git remote, or by `hub` bundles, by
 * hand or in a folder.
 */
#ifndef CASEPACK_SYNC_HUB_H
#define CASEPACK_SYNC_HUB_H

#include "formats/bundle.h"
#include "sync/deliver.h"
#include "sync/store.h"

/* ---- bundles from hub to hub -------------------------------------------------------------- */

/* Take in an opened hub bundle, whole or not at all. CP_ETRUST: not from a lead's hub on the roster, or it believes what
 * cannot be; CP_EINPUT: it builds on one that never came. */
CP_CHECKED enum cp_code cp_hub_merge(struct cp_store *s, struct cp_bundle *b, struct cp_merged *out, struct cp_err *err);

/* Make the hub's workspace at path (missing or empty) from nothing but the bundle: the founder of the project is trusted on
 * this first use, and named in out. */
CP_CHECKED enum cp_code cp_hub_open(const char *path, struct cp_bundle *b, const char *key_path, cp_passphrase_ask *ask,
		void *user, struct cp_opened *out, struct cp_err *err);

/* Write a hub bundle for each other hub of that person (NULL: of every lead) into dir; how as for cp_pack. *hubs counts
 * the devices that were considered, *out_n is raised by the bundles written. */
CP_CHECKED enum cp_code cp_hub_pack(struct cp_store *s, const char *pseudonym, const char *dir, unsigned how,
		cp_sent_visit *visit, void *user, int64_t *hubs, int64_t *out_n, struct cp_err *err);

/* ---- a git remote ------------------------------------------------------------------------- */

/* A branch there that cannot be believed, and was left where it is. */
struct cp_passed { char branch[80], why[320]; };
#define CP_PASSED_MAX 32

struct cp_synced {
	int64_t commits, edits, refused, disputed, waiting, conflicts, pushed;
	bool is_joined;
	int64_t missing;                             /* cases whose content has not come another way yet */
	struct cp_passed passed[CP_PASSED_MAX]; size_t n_passed;
	struct cp_erased erased;
	int64_t strangers; char stranger_names[200]; /* branches there that are none of hubs' */
};

/* "ssh://...", "user@host:path", or the path of a bare repository. */
bool cp_remote_looks_like(const char *place);

/*
 * Exchange with a git remote: fetch, take in, join, push without force; who was slower than another hub begins again, a
 * few times. Only change commits and mains travel so, never content or private.git.
 *
 * A branch of a hub, a device or of material that cannot be believed is passed over, and the others are exchanged; more than
 * CP_PASSED_MAX of them, or a main that cannot be believed, refuse the whole: CP_ETRUST, CP_EFORMAT, nothing was changed.
 */
CP_CHECKED enum cp_code cp_hub_sync(struct cp_store *s, const char *place, struct cp_synced *out, struct cp_err *err);

/* ---- what both need ------------------------------------------------------------------------- */

/* Cases that stand and whose content is not here. */
CP_CHECKED enum cp_code cp_hub_missing(struct cp_store *s, int64_t *out, struct cp_err *err);

#endif
