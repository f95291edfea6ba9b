/*
 * A workspace: casepack.db, content.db, media/, history.git/ and, on leads' hubs,
 * private.git/. Opening takes its lock, repairs what a crash left, and reads who
 * this replica is. One process at a time; everything here is single-threaded.
 */
#ifndef CASEPACK_SYNC_STORE_H
#define CASEPACK_SYNC_STORE_H

#include "formats/bundle.h"
#include "formats/sshkey.h"

struct cp_store; /* opaque; ended with cp_store_close */

enum cp_role { CP_LEAD, CP_RELAY, CP_RATER, CP_AUDITOR };
const char *cp_role_name(enum cp_role role);

struct cp_me {
	struct cp_id project, replica, person;
	struct cp_id copy_of, nonce; /* of a copied workspace: whose it was, and what its id is derived with; else zeros */
	char project_name[128];
	char pseudonym[64];
	enum cp_role role;
	bool is_hub;
	bool is_relay;           /* a hub that is also a device: it takes material from another hub, and passes work on */
	const char *path;        /* of the workspace, borrowed from the store */
	const char *key_path;    /* of the private key; "" when none is named */
};

/*
 * Asked for a passphrase when a protected key is needed; writes it into out and
 * returns true, or returns false when there is none to be had. NULL: never ask.
 */
typedef bool cp_passphrase_ask(void *user, const char *key_path, char *out, size_t size);
void cp_store_ask_with(struct cp_store *s, cp_passphrase_ask *ask, void *user);

/* A new hub at path (made if missing; CP_EINPUT if it holds a workspace, or anything else): project,
 * its secret, the first lead and this device. key_path is an OpenSSH ed25519 key. */
struct cp_new_hub {
	const char *path, *project_name, *lead_name, *lead_pseudonym, *key_path;
	bool shows_queries;
};
CP_CHECKED enum cp_code cp_hub_create(const struct cp_new_hub *hub, cp_passphrase_ask *ask, void *user,
		struct cp_err *err);

/* An empty workspace that waits for its first bundle: of no project yet. */
CP_CHECKED enum cp_code cp_device_create(const char *path, const char *key_path, struct cp_err *err);

/* CP_ENOTFOUND: no workspace there. CP_EBUSY: another casepack is at work in it. */
CP_CHECKED enum cp_code cp_store_open(struct cp_store **out, const char *path, struct cp_err *err);
/* As it is: nothing that an interruption, a copy or a time that is over left to do is done. CP_EINPUT: an older schema's,
 * which only cp_store_open brings up. */
CP_CHECKED enum cp_code cp_store_open_still(struct cp_store **out, const char *path, struct cp_err *err);
void cp_store_close(struct cp_store *s);
void cp_store_drop(struct cp_store **s); /* for CP_AUTO(store) */
const struct cp_me *cp_store_me(const struct cp_store *s);
/* What is accepted here of what comes from outside; borrowed. sync/limit.h makes one smaller. */
const struct cp_limits *cp_store_limits(const struct cp_store *s);
bool cp_store_has_project(const struct cp_store *s);
CP_CHECKED enum cp_code cp_store_use_key(struct cp_store *s, const char *key_path, struct cp_err *err);
/* A device that has not opened a bundle yet knows its id once the project is known. */
void cp_replica_id(struct cp_id *out, const struct cp_id *project, const struct cp_pubkey *key);
/* The id of a copied workspace; a nonce of zeros is none: then the one above. */
void cp_replica_id_of(struct cp_id *out, const struct cp_id *project, const struct cp_pubkey *key, const struct cp_id *nonce);
bool cp_id_is_set(const struct cp_id *id); /* anything but zeros */

void cp_person_id(struct cp_id *out, const struct cp_id *project, const char *pseudonym);

/* The public half of a key, from KEY.pub beside it, else from the key file itself: needs no passphrase. CP_EKEY when
 * neither is there. */
CP_CHECKED enum cp_code cp_public_key(struct cp_pubkey *out, const char *key_path, struct cp_err *err);

/* The private key, its passphrase from CASEPACK_PASSPHRASE or by asking. CP_EKEY: none to be had, or the wrong one. */
CP_CHECKED enum cp_code cp_key_read(struct cp_seckey *out, const char *key_path, cp_passphrase_ask *ask, void *user,
		struct cp_err *err);

/* Is the key usable without asking anybody? (unprotected, or the passphrase is in the environment) */
bool cp_store_key_is_ready(struct cp_store *s);

/* The canonical hash: BLAKE2b-256 over every synced row, typed and length-prefixed, and every verdict. */
CP_CHECKED enum cp_code cp_store_hash(struct cp_store *s, struct cp_hash *out, struct cp_err *err);

#endif
