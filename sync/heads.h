/*
 * Which revisions of a guideline, or versions of a form, stand: the heads are those that
 * are no other one's parent. Two leads who revised one text without knowing of each other
 * leave two. Internal to sync/; cli/ reads texts.h.
 */
#ifndef CASEPACK_SYNC_HEADS_H
#define CASEPACK_SYNC_HEADS_H

#include "sync/store.h"

/*
 * The current one: what raters work under, and what their judgments name, even while
 * several heads wait to be written as one. A revision is numbered above its parents, so
 * this is a head, and the same row where only some of the rows are: a device has but those
 * that its hub gave it, among them this one. Clocks would not do: a child's may be behind
 * its parent's, where two leads' clocks differ.
 */
#define CP_NEWEST_FIRST " ORDER BY number DESC, clock DESC, id DESC"
#define CP_CURRENT(revisions, text) "(SELECT id FROM " revisions " WHERE parent_doc = " text CP_NEWEST_FIRST " LIMIT 1)"

/* A statement about the one table of revisions or the other. */
#define CP_REVISIONS(is_form, front, back) ((is_form) ? front "form_versions" back : front "guideline_revisions" back)

struct cp_head { struct cp_id id; struct cp_rev rev; int64_t number, clock; };

struct cp_heads {
	struct cp_head *list; size_t n; /* in order of rev */
	struct cp_id base; bool has_base; /* the nearest revision that all of them grew from; of several the lowest rev */
};

/* Of the guideline or form of that id; n is 0 when it has no revision here. Ended by cp_heads_drop. Only a lead's hub
 * holds all revisions and can tell; anywhere else it is the current one alone. */
CP_CHECKED enum cp_code cp_heads_load(struct cp_store *s, bool is_form, const struct cp_id *text, struct cp_heads *out,
		struct cp_err *err);
void cp_heads_drop(struct cp_heads *h);

/* The text of one revision, appended. */
CP_CHECKED enum cp_code cp_revision_body(struct cp_store *s, bool is_form, const struct cp_id *revision,
		struct cp_buf *out, struct cp_err *err);

/*
 * The text, appended: of one head its own, of several their merge, with both sides marked where they overlap. *overlaps
 * counts these places. A form's text is no lines: of several heads it is the current one's, and all of it overlaps.
 */
CP_CHECKED enum cp_code cp_heads_text(struct cp_store *s, bool is_form, const struct cp_id *text, const struct cp_heads *h,
		struct cp_buf *out, size_t *overlaps, struct cp_err *err);

/* Make the conflict of that text, class `text`, column `text`, what its revisions now say: of one head none. Its policy
 * is `merges` where nothing overlaps, and someone has only to write it, else `overlaps`. Whoever changes a row of
 * revisions calls this after; inside the caller's transaction. */
CP_CHECKED enum cp_code cp_heads_settle(struct cp_store *s, bool is_form, const struct cp_id *text, struct cp_err *err);
/* Of every text. */
CP_CHECKED enum cp_code cp_heads_again(struct cp_store *s, struct cp_err *err);

#endif
