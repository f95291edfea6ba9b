/*
 * Persons and the roster of their devices.
 */
#ifndef CASEPACK_SYNC_PEOPLE_H
#define CASEPACK_SYNC_PEOPLE_H

#include "sync/store.h"

/* NULL or "" where nothing is to be said; on an update that leaves what stands. */
struct cp_person_add {
	const char *pseudonym;   /* [a-z0-9][a-z0-9_-]{0,30}; what stands in history */
	const char *role;        /* lead, relay, rater, auditor; default rater */
	const char *name;        /* real name: private, never in history.git */
	const char *locales;     /* BCP 47, comma separated */
	const char *vendor;
	bool is_hub;             /* that device is a hub: a lead's only */
	const char *key_path;    /* public key file, "ssh-ed25519 ..."; adds a device */
	bool is_invitation;      /* that key is handed over to its owner, who has to replace it (sync/succession.h) */
	const char *home;        /* the relay that gives to this person's devices and collects from them: as in cp_person_home */
};
/* Adds a person, or changes one that is there; a second key is a second device. CP_EINPUT for a bad
 * pseudonym, role, locale or key, or a key that is somebody else's. */
CP_CHECKED enum cp_code cp_person_add(struct cp_store *s, const struct cp_person_add *p, bool *out_changed,
		struct cp_err *err);

/* Every device of these people is given to by that hub from now on: a lead's, or a relay's device, named by its owner's pseudonym
 * or by the first eight hex digits or more of its id. *moved: how many of them were given to by another. CP_EINPUT, and nothing is
 * changed: nobody or several are called so, or another hub gives to one of them that could say so. */
CP_CHECKED enum cp_code cp_person_home(struct cp_store *s, const char *const *pseudonyms, size_t n, const char *hub, size_t *moved,
		struct cp_err *err);

struct cp_person_row {
	struct cp_id id;
	const char *pseudonym, *role, *locales, *vendor, *state, *name; /* name "" where it is not known here */
	int64_t devices, assigned, submitted;
};
typedef enum cp_code cp_person_visit(void *user, const struct cp_person_row *row, struct cp_err *err);
CP_CHECKED enum cp_code cp_person_each(struct cp_store *s, cp_person_visit *visit, void *user, struct cp_err *err);

/* By pseudonym. CP_ENOTFOUND names it. */
CP_CHECKED enum cp_code cp_person_find(struct cp_store *s, const char *pseudonym, struct cp_id *out, struct cp_err *err);

#endif
