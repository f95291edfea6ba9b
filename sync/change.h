/*
 * A change commit: one commit, one tree with the file `changeset`, one blob.
 * Making one, and reading one that arrives.
 */
#ifndef CASEPACK_SYNC_CHANGE_H
#define CASEPACK_SYNC_CHANGE_H

#include "sync/repo.h"
#include "sync/store.h"

struct cp_change_commit {
	struct cp_commit commit;
	struct cp_id replica, project;   /* of the committer's address */
	int64_t edits, clock, outbox, schema;
	char branch[80];                 /* replica/<id> */
	const char *parent;              /* hex, "" for the first */
};
void cp_change_commit_drop(struct cp_change_commit *c);

/* Form only: people, trailers, shape. CP_EFORMAT, and out is empty then. Who signed is checked by cp_commit_signer. */
CP_CHECKED enum cp_code cp_change_commit_read(struct cp_change_commit *out, const void *bytes, size_t len,
		struct cp_err *err);
/* The blob that tree names is the changeset, its BLAKE2b-256 is the one signed, and every row of it can be
 * read strictly; the number of edits is the one signed. */
CP_CHECKED enum cp_code cp_change_commit_check(const struct cp_change_commit *c, const void *tree, size_t tree_len,
		const void *changeset, size_t len, bool is_private, struct cp_err *err);

/* The device and project of an address "<replica>@<project>.invalid"; false when it is no such. */
bool cp_ident_device(const struct cp_ident *ident, struct cp_id *replica, struct cp_id *project);

/* The committer of this replica at that time, for commits of any kind. */
void cp_me_ident(const struct cp_me *me, int64_t at_us, struct cp_ident *out);
void cp_ident_of(const char *pseudonym, const struct cp_id *replica, const struct cp_id *project, int64_t at_us,
		struct cp_ident *out);

/* Append words as a commit can carry them: one line of UTF-8 in which nothing acts (formats/text.h), whatever was typed or cut. */
CP_CHECKED enum cp_code cp_words_add(struct cp_buf *out, const char *words, struct cp_err *err);

/* Stage the change commit of a changeset on parent ("" for none). words: the message's first paragraph(s);
 * schema: of the tables that the changeset speaks of. */
CP_CHECKED enum cp_code cp_change_commit_make(struct cp_store *s, struct cp_repo *repo, const struct cp_oid *parent,
		const void *changeset, size_t len, const char *words, int64_t schema, int64_t edits, int64_t outbox, int64_t clock,
		struct cp_oid *out, struct cp_err *err);

#endif
