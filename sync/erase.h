/*
 * Erasing what cases show: of cases that a lead has forgotten, everywhere; on a rater's device also of those whose
 * judgments the hub has held for as many days as the project keeps content (project.keep_days).
 *
 * Gone are the documents in content.db, every version of them, the media files that no other document names, and of
 * forgotten cases the drafts, which may quote them, and the databases that a rebuild kept. Judgments, ratings and the case's row stay. Bytes are overwritten
 * where they stand, the databases are written anew, and their logs emptied; what the file system or the disk
 * keep of old blocks is beyond this.
 *
 * A document belongs to the case whose id it holds, so no two cases share one.
 */
#ifndef CASEPACK_SYNC_ERASE_H
#define CASEPACK_SYNC_ERASE_H

#include "sync/store.h"

struct cp_erased {
	int64_t forgotten, expired;  /* cases */
	int64_t documents, media, drafts;
	bool is_unfinished;          /* erased, but the databases could not be written anew: the next opening tries again */
};

/*
 * Erase what is due; outside a transaction. One query when nothing is. out is added to, and may be NULL.
 * After a failure, or a crash, what is left is due still: opening a workspace does this first.
 */
CP_CHECKED enum cp_code cp_erase_due(struct cp_store *s, struct cp_erased *out, struct cp_err *err);

/* A device: its hub holds its change commits up to that one, in the open transaction. */
CP_CHECKED enum cp_code cp_erase_note_receipt(struct cp_store *s, const char *oid, struct cp_err *err);
/* What a case shows has come again, in the open transaction: it is due again when it is. */
CP_CHECKED enum cp_code cp_erase_note_content(struct cp_store *s, const struct cp_hash *content, struct cp_err *err);

/* A document names a media file by its hash, 64 hex digits with none before or behind them, wherever they stand: the next
 * place from at on, or NULL. */
#define CP_MEDIA_NAME 64
const char *cp_media_next(const char *at, const char *end);

#endif
