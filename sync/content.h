/*
 * What cases show: canonical JSON documents by their BLAKE2b-256, in content.db.
 *
 * What is put becomes durable with the open transaction's COMMIT, and before it.
 */
#ifndef CASEPACK_SYNC_CONTENT_H
#define CASEPACK_SYNC_CONTENT_H

#include "sync/store.h"

/* Stores the document under its hash; *out_is_new (may be NULL): it was not there. Inside a transaction. */
CP_CHECKED enum cp_code cp_content_put(struct cp_store *s, const void *doc, size_t len, struct cp_hash *out,
		bool *out_is_new, struct cp_err *err);
/* The same for one that came in a bundle. CP_EFORMAT: not one JSON object as casepack prints it (sorted keys, no spaces). */
CP_CHECKED enum cp_code cp_content_take(struct cp_store *s, const void *doc, size_t len, struct cp_hash *out,
		bool *out_is_new, struct cp_err *err);
/* Appends it; CP_ENOTFOUND when it has not come or was erased, CP_EFORMAT when it does not hash to its name. */
CP_CHECKED enum cp_code cp_content_get(struct cp_store *s, const struct cp_hash *hash, struct cp_buf *out,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_content_has(struct cp_store *s, const struct cp_hash *hash, bool *out, struct cp_err *err);
/* Bytes that it takes here, compressed; -1 when it is not here. */
CP_CHECKED enum cp_code cp_content_size(struct cp_store *s, const struct cp_hash *hash, int64_t *out, struct cp_err *err);

/* Many reads in one view of the file: cheaper than one by one. Ended by cp_content_rollback. */
CP_CHECKED enum cp_code cp_content_begin_reading(struct cp_store *s, struct cp_err *err);

/* Every document; of one that is damaged len is 0. The visit changes nothing here. */
typedef enum cp_code cp_content_visit(void *user, const struct cp_hash *hash, const char *doc, size_t len, struct cp_err *err);
CP_CHECKED enum cp_code cp_content_each(struct cp_store *s, cp_content_visit *visit, void *user, struct cp_err *err);
/* Gone with the open transaction's COMMIT; its bytes are overwritten where they stand. Nothing happens when it is not here. */
CP_CHECKED enum cp_code cp_content_delete(struct cp_store *s, const struct cp_hash *hash, struct cp_err *err);

/* For store.c and db.c: the connection, and its side of a transaction. */
CP_CHECKED enum cp_code cp_content_open(struct cp_store *s, struct cp_err *err);
void cp_content_close(struct cp_store *s);
CP_CHECKED enum cp_code cp_content_commit(struct cp_store *s, struct cp_err *err);
void cp_content_rollback(struct cp_store *s);

#endif
