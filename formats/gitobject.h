/*
 * Git commit and tree objects as bytes, read strictly: only what casepack itself
 * writes, so that one object has one meaning (git: Documentation/technical/).
 */
#ifndef CASEPACK_FORMATS_GITOBJECT_H
#define CASEPACK_FORMATS_GITOBJECT_H

#include "formats/bundle.h"

struct cp_ident { char name[128]; char email[128]; int64_t seconds; /* since 1970, zone always +0000 */ };

struct cp_commit {
	struct cp_oid tree;
	struct cp_oid parents[2]; size_t n_parents;
	struct cp_ident author, committer;
	char *message;           /* owned, UTF-8, ends in a newline */
	char *signature;         /* owned, the gpgsig armour without final newline; NULL when unsigned */
	char *payload; size_t payload_len; /* owned: what the signature covers */
};
void cp_commit_drop(struct cp_commit *c);

/* CP_EFORMAT for anything else: unknown or repeated headers, more than two parents, a zone other
 * than +0000, NUL bytes, invalid UTF-8, over 1 MiB. */
CP_CHECKED enum cp_code cp_commit_read(struct cp_commit *out, const void *bytes, size_t len, struct cp_err *err);
/* Appends the commit object without signature: the payload to sign. */
CP_CHECKED enum cp_code cp_commit_print(struct cp_buf *out, const struct cp_commit *c, struct cp_err *err);
/* Appends the finished object: payload with the gpgsig header put in. */
CP_CHECKED enum cp_code cp_commit_print_signed(struct cp_buf *out, const struct cp_commit *c,
		const char *armor, struct cp_err *err);
/* Who signed (namespace "git"). CP_ETRUST: unsigned, or the signature does not match. */
CP_CHECKED enum cp_code cp_commit_signer(struct cp_pubkey *out, const struct cp_commit *c, struct cp_err *err);

/* The value of "Name: value" in the message's last paragraph, the n-th (from 0) of that name;
 * *out points into the message and *out_len counts its bytes; false when there is none. */
bool cp_commit_trailer(const struct cp_commit *c, const char *name, size_t n, const char **out, size_t *out_len);

/* The one entry of a tree that holds exactly one regular file (mode 100644) of that name. */
CP_CHECKED enum cp_code cp_tree_read_single(struct cp_oid *out_blob, const char *name, const void *bytes,
		size_t len, struct cp_err *err);

#endif
