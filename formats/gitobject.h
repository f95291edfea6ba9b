/*
 * Git commit and tree objects as bytes, read strictly: only what casepack itself
 * writes, so that one object has one meaning (git: Documentation/technical/).
 *
 * A commit is, with nothing left out, repeated or in another order:
 *
 *     tree HEX40
 *     parent HEX40                    none, one or two
 *     author NAME <EMAIL> SECONDS +0000
 *     committer NAME <EMAIL> SECONDS +0000
 *     gpgsig ARMOUR                   at most one; each further line begins with one space
 *     (an empty line)
 *     MESSAGE
 *
 * A name has 1 to 127 bytes, no "<", ">" or control characters, no space at either end; an
 * e-mail address the same and no space at all. SECONDS is decimal without leading zeros, up to
 * the end of the year 9999. The message begins with something other than a newline, ends in
 * exactly one, and has no control characters but newline and tab. All is UTF-8 without NUL.
 */
#ifndef CASEPACK_FORMATS_GITOBJECT_H
#define CASEPACK_FORMATS_GITOBJECT_H

#include "formats/bundle.h"

#define CP_COMMIT_MAX ((size_t)1 << 20)          /* bytes of a commit object */
#define CP_COMMIT_SECONDS_MAX INT64_C(253402300799)

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
 * than +0000, NUL bytes, invalid UTF-8, over 1 MiB. out is set on CP_OK only. */
CP_CHECKED enum cp_code cp_commit_read(struct cp_commit *out, const void *bytes, size_t len, struct cp_err *err);
/* Appends the commit object without signature: the payload to sign. Only tree, parents, author,
 * committer and message are read. CP_EFORMAT when cp_commit_read would refuse the result. */
CP_CHECKED enum cp_code cp_commit_print(struct cp_buf *out, const struct cp_commit *c, struct cp_err *err);
/* Appends the finished object: payload with the gpgsig header put in. */
CP_CHECKED enum cp_code cp_commit_print_signed(struct cp_buf *out, const struct cp_commit *c,
		const char *armor, struct cp_err *err);
/* Who signed (namespace "git"). CP_ETRUST: unsigned, or the signature does not match. CP_EFORMAT:
 * the armour is not one canonical SSHSIG block. */
CP_CHECKED enum cp_code cp_commit_signer(struct cp_pubkey *out, const struct cp_commit *c, struct cp_err *err);

/* The value of "Name: value" in the message's last paragraph, the n-th (from 0) of that name;
 * *out points into the message and *out_len counts its bytes; false when there is none. The first
 * paragraph, which is the subject, has no trailers. */
bool cp_commit_trailer(const struct cp_commit *c, const char *name, size_t n, const char **out, size_t *out_len);

/* The one entry of a tree that holds exactly one regular file (mode 100644) of that name. */
CP_CHECKED enum cp_code cp_tree_read_single(struct cp_oid *out_blob, const char *name, const void *bytes,
		size_t len, struct cp_err *err);

/* ---- trees, entry by entry ---------------------------------------------------------- */

/* What a tree names: a regular file (mode 100644) or a folder (40000), nothing else. */
struct cp_tree_entry {
	const char *name;        /* borrowed; from cp_tree_next it ends in a zero byte. NULL: no entry */
	size_t name_len;
	bool is_folder;
	uint8_t oid[20];
};

/*
 * The next entry of a tree's bytes. Begin with *at 0 and *entry all zero; entry->name is NULL
 * behind the last one. CP_EFORMAT: another mode, a name that may not stand in a tree, not in
 * git's order, cut short, an object name of zeros only.
 */
CP_CHECKED enum cp_code cp_tree_next(struct cp_tree_entry *entry, const void *bytes, size_t len, size_t *at,
		struct cp_err *err);
/* Appends an entry; entries come in git's order, which the caller keeps. */
CP_CHECKED enum cp_code cp_tree_add(struct cp_buf *out, const struct cp_tree_entry *entry, struct cp_err *err);
/* Git's order: bytes, a folder's name as if it ended in "/". Negative, 0, positive. */
int cp_tree_order(const struct cp_tree_entry *a, const struct cp_tree_entry *b);
/* 1 to 255 bytes of UTF-8 without "/", "\\", control, zero-width and direction characters; not
 * ".", "..", nor anything that a file system could take for ".git" (.gitattributes may stand). */
bool cp_tree_name_valid(const char *name, size_t len);

/* The name of an object: SHA-1 of "TYPE LENGTH", a zero byte and its bytes. Without libgit2, which takes 10 ms to start, and without
 * its look for colliding objects: for bytes that were taken in by their name. */
void cp_object_name(struct cp_oid *out, const char *type, const void *bytes, size_t len);

#endif
