/*
 * The round trip: what is owed to whom, as bundles out and in.
 */
#ifndef CASEPACK_SYNC_DELIVER_H
#define CASEPACK_SYNC_DELIVER_H

#include "sync/erase.h"
#include "sync/store.h"

/* One bundle written, and the device that it is for. */
struct cp_sent { char path[4096]; char to[64]; struct cp_id device; uint64_t bytes; int64_t number, cases, assignments, commits; };
typedef void cp_sent_visit(void *user, const struct cp_sent *sent);

/*
 * A bundle that holds what its receiver must not see is refused with CP_ETRUST before anything is written
 * (sync/secrets.h). Texts that are private here and stand in public data on purpose: borrowed while it packs.
 */
void cp_may_hold(struct cp_store *s, const char *const *texts, size_t n);

/* How bundles are written, or'ed: else always, in encryption to the keys of their recipients, and of a return what the hub
 * has not acknowledged. */
enum {
	CP_SEND_OWED = 1,   /* only what is owed and no bundle in dir brings already */
	CP_SEND_PLAIN = 2,  /* not encrypted; CP_EINPUT where the project demands that they are */
	CP_SEND_FULL = 4,   /* a return, whatever was acknowledged and with all that the hub gave: for one that was put back */
};

/* Hub: write a bundle for each device of that person (NULL: every active rater and relay) into dir.
 * Seals first. *out_n counts them. */
CP_CHECKED enum cp_code cp_pack(struct cp_store *s, const char *pseudonym, const char *dir, unsigned how,
		cp_sent_visit *visit, void *user, int64_t *out_n, struct cp_err *err);

/* Device: edits that the hub which work is returned to has not confirmed, in the outbox or behind what it holds; all of them
 * where there is none yet. */
CP_CHECKED enum cp_code cp_unsent(struct cp_store *s, int64_t *out, struct cp_err *err);
/* Device: seal, and write the return bundle into dir; *out_n is 0 when nothing is owed. */
CP_CHECKED enum cp_code cp_return(struct cp_store *s, const char *dir, unsigned how, struct cp_sent *out,
		int64_t *out_n, struct cp_err *err);

/* What open did. again: edits that were sealed behind what the hub refused, and will be once more. */
struct cp_opened { int64_t assignments, cases, withdrawn, commits, refused, again, acknowledged; bool is_old, is_new_workspace; char from[64];
	char founder[64], fingerprint[80]; /* of a new hub: whose key is trusted from now on */
	struct cp_erased erased; };
/*
 * Device: take in a bundle for me. path: the workspace, made when missing (key_path then names the key,
 * NULL: the default one that fits). CP_ETRUST: not for this person, or not from the hub that is trusted here;
 * nothing was changed.
 */
CP_CHECKED enum cp_code cp_open(const char *path, const char *bundle, const char *key_path, cp_passphrase_ask *ask,
		void *user, struct cp_opened *out, struct cp_err *err);

/* The balance of one replica, counted in edits. exported is what its commits say they hold. */
struct cp_balance {
	char replica[CP_ID_HEX], pseudonym[64];
	int64_t exported, standing, equal, superseded, overruled, in_conflict, quarantined, waiting;
};
typedef void cp_balance_visit(void *user, const struct cp_balance *b);
CP_CHECKED enum cp_code cp_balance_each(struct cp_store *s, cp_balance_visit *visit, void *user, struct cp_err *err);

/* What merging one file did. */
struct cp_merged {
	char from[64];                  /* pseudonym */
	int64_t commits, edits;         /* taken in now */
	int64_t known;                  /* commits that were here already */
	int64_t refused, waiting, conflicts;
	char conflict_classes[128];     /* those that are open, by class: "2 fork, 1 hard" */
	char why[512];                  /* of the first refused or waiting one */
	int64_t proofs, taken_back;     /* outbound commits that were not known any more; rows that were lost with them */
	char copied[160];               /* a device that turned out to be a copy, in words; "" when none did */
	struct cp_erased erased;
};
/* Hub: take in one bundle, whole or not at all. CP_EFORMAT, CP_ETRUST: refused, nothing was changed; CP_EINPUT: nor was it by one that
 * is not for this hub; CP_EKEY: the key is not to be had, for this one or any. */
CP_CHECKED enum cp_code cp_merge(struct cp_store *s, const char *bundle, struct cp_merged *out, struct cp_err *err);

/* Is this bundle addressed to me? false (and CP_OK) also when it cannot be read, being damaged or encrypted to others.
 * CP_EKEY: it is encrypted to my key, which is not to be had. */
CP_CHECKED enum cp_code cp_bundle_is_mine(struct cp_store *s, const char *path, bool *out, struct cp_err *err);

#endif
