/*
 * Encryption of bundles: to whose keys one is written, with which key one is
 * opened, and whether the project demands it.
 */
#ifndef CASEPACK_SYNC_ENVELOPE_H
#define CASEPACK_SYNC_ENVELOPE_H

#include "formats/bundle.h"
#include "sync/store.h"

/* Open a bundle, plain or encrypted to this workspace's key; that key is asked for only where the file names it.
 * CP_EKEY: it is to others (*for_others, which may be NULL, is then true), or the key is not to be had. */
CP_CHECKED enum cp_code cp_envelope_open(struct cp_store *s, const char *path, struct cp_bundle **out, bool *for_others,
		struct cp_err *err);

/* The same before there is a workspace, with the private key at key_path; NULL: plain ones only. */
CP_CHECKED enum cp_code cp_envelope_open_with(const char *key_path, cp_passphrase_ask *ask, void *user, const char *path,
		struct cp_bundle **out, struct cp_err *err);

/* What w will write is encrypted to the keys that the roster has for m's recipients, and if it is returned work for every
 * other lead's hub; before anything is added. CP_EINPUT: a recipient is not on the roster. */
CP_CHECKED enum cp_code cp_envelope_address(struct cp_store *s, struct cp_bundle_writer *w, const struct cp_manifest *m,
		struct cp_err *err);

/* Does the project demand that every bundle is encrypted? */
CP_CHECKED enum cp_code cp_envelope_is_required(struct cp_store *s, bool *out, struct cp_err *err);
/* A lead's edit. CP_EINPUT: only a lead may. */
CP_CHECKED enum cp_code cp_envelope_require(struct cp_store *s, bool is_required, bool *out_changed, struct cp_err *err);
/* CP_ETRUST: it came plain, and the project demands encryption. */
CP_CHECKED enum cp_code cp_envelope_check(struct cp_store *s, const struct cp_bundle *b, struct cp_err *err);

#endif
