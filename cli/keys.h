/*
 * Where a person's keys are, and sealing with them. Private keys stay outside the
 * workspace, in the user's configuration folder: $XDG_CONFIG_HOME/casepack/keys, or
 * ~/.config/casepack/keys.
 */
#ifndef CASEPACK_CLI_KEYS_H
#define CASEPACK_CLI_KEYS_H

#include "cli/cli.h"
#include "formats/age.h"
#include "formats/sshkey.h"

#define CP_KEY_DEFAULT "default"

/* Append that folder's path; it may not be there yet. CP_EIO when there is no home. */
CP_CHECKED enum cp_code cp_key_folder(struct cp_buf *out, struct cp_err *err);

/*
 * Append the path of a private key. What holds a "/" or ends in ".pub" is a file (of a pair,
 * either half may be named); anything else is a name in the folder above. Nothing is opened.
 * CP_EUSAGE for a name that is none.
 */
CP_CHECKED enum cp_code cp_key_path(struct cp_buf *out, const char *name_or_file, struct cp_err *err);
/* The same for the public half. */
CP_CHECKED enum cp_code cp_key_public_path(struct cp_buf *out, const char *name_or_file, struct cp_err *err);

/* Like cp_key_path, for a key that must be there: CP_EKEY says where it was looked for and what to do. */
CP_CHECKED enum cp_code cp_key_find(struct cp_buf *out, const char *name_or_file, struct cp_err *err);

/* Read the public half; its whole line, without the newline, is appended to line (may be NULL). */
CP_CHECKED enum cp_code cp_key_public(struct cp_pubkey *out, struct cp_buf *line, const char *name_or_file,
		struct cp_err *err);

/* Make that key, which must not be there yet: on a terminal asks for a passphrase, twice. Says so. */
CP_CHECKED enum cp_code cp_key_make(const struct cp_args *a, const char *name, struct cp_err *err);

/* Before anything is returned: who came with an invitation goes on with a key of her own, the default one, made if it is
 * not there. Does nothing for everybody else. */
CP_CHECKED enum cp_code cp_key_hand_over(struct cp_args *a, struct cp_err *err);

/* Each key in the folder above whose public half is there; path is of the private one. Ends early when *stop is set. */
typedef enum cp_code cp_key_visit(void *user, const char *path, const struct cp_pubkey *key, bool *stop, struct cp_err *err);
CP_CHECKED enum cp_code cp_key_each(cp_key_visit *visit, void *user, struct cp_err *err);

/*
 * A cp_unlock for a file of no workspace; user is a struct cp_key_search, of which args is the caller's. The key that --key
 * names, else the first in the folder that the file is to; its passphrase is asked for. CP_EKEY: none fits, is_closed is set.
 */
struct cp_key_search { struct cp_args *args; bool is_closed; size_t recipients; uint64_t size; };
CP_CHECKED enum cp_code cp_key_unlock(void *user, struct cp_agein *file, struct cp_err *err);

/*
 * Seal what a command has edited, when that needs no question. A key that is not there or does not
 * open leaves the edits in the outbox, where the next pack, return or sync seals them: CP_OK, and said.
 */
CP_CHECKED enum cp_code cp_seal_if_ready(struct cp_store *s, struct cp_err *err);

#endif
