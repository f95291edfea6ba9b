/*
 * Texts under revision: guidelines and SOPs (Markdown) and forms (JSON). One
 * mechanism; a revision is immutable and named by the hash of text and parents.
 */
#ifndef CASEPACK_SYNC_TEXTS_H
#define CASEPACK_SYNC_TEXTS_H

#include "formats/form.h"
#include "sync/store.h"

enum cp_text_kind { CP_GUIDELINE, CP_SOP, CP_FORM };

struct cp_text_add {
	enum cp_text_kind kind;
	const char *name;        /* [a-z0-9][a-z0-9_-]{0,62} */
	const char *title;       /* NULL: that of the text (first heading, the form's title) */
	const char *revision;    /* editorial, clarifying, breaking; NULL: clarifying */
	const char *note;        /* why; NULL: none */
	const char *body; size_t len;
	bool must_be_new;        /* true for `add`, false for `revise` */
	bool is_merge;           /* of a guideline: write its heads as one; body NULL: as they merge */
};
/*
 * CP_EINPUT: the name is taken (add) or not there (revise, CP_ENOTFOUND), the form does not follow its
 * forerunner, invalid UTF-8. The same text again changes nothing. *out_number: of the revision that stands.
 *
 * Heads are the revisions that are no other one's parent; there are several where leads revised a text without
 * knowing of each other. What is written then names all of them as parents. CP_EINPUT: `revise` of a guideline whose
 * heads cp_text_saw has not been told of, a merge of overlapping heads without a body, marks left in the body, and a
 * merge where there is one head.
 */
CP_CHECKED enum cp_code cp_text_put(struct cp_store *s, const struct cp_text_add *t, int64_t *out_number,
		bool *out_changed, struct cp_err *err);

struct cp_text_row {             /* one revision */
	struct cp_id id, text;
	enum cp_text_kind kind;
	const char *name, *title, *revision, *note, *author; /* author's pseudonym */
	int64_t number, at_us;
	bool is_current;                                 /* what raters work under */
	bool is_unmerged;                                /* one of several heads; a hub's knowledge */
	const char *body; size_t len;
};
typedef enum cp_code cp_text_visit(void *user, const struct cp_text_row *row, struct cp_err *err);
/* name NULL: the current revision of every text; else every revision of that one, oldest first.
 * is_form selects forms, else guidelines and SOPs. */
CP_CHECKED enum cp_code cp_text_each(struct cp_store *s, bool is_form, const char *name, cp_text_visit *visit,
		void *user, struct cp_err *err);
/* One revision; number 0: the current one. Numbers are labels: of several the current one, else the latest. body
 * appended to out; its id in *out_id (may be NULL). */
CP_CHECKED enum cp_code cp_text_get(struct cp_store *s, bool is_form, const char *name, int64_t number,
		struct cp_buf *out, struct cp_id *out_id, struct cp_err *err);

/* The revision that which names: its number, 4 or more hex digits of its id, or NULL: the current one. CP_EINPUT where
 * these are several, CP_EUSAGE where it can name none. Its text is put into out, which comes empty. out_id, out_number may be NULL. */
CP_CHECKED enum cp_code cp_text_pick(struct cp_store *s, bool is_form, const char *name, const char *which,
		struct cp_buf *out, struct cp_id *out_id, int64_t *out_number, struct cp_err *err);
/* The one that a revision was written on, of several the current one or the latest; CP_EINPUT where there is none. */
CP_CHECKED enum cp_code cp_text_before(struct cp_store *s, bool is_form, const struct cp_id *revision,
		struct cp_buf *out, int64_t *out_number, struct cp_err *err);

/* What stands between the heads, as sync/heads.h has it: of one head its text and no overlap. On a device, which has
 * but what its hub gave it, the current one's. */
struct cp_text_heads { size_t n, overlaps; };
CP_CHECKED enum cp_code cp_text_merged(struct cp_store *s, bool is_form, const char *name, struct cp_buf *out,
		struct cp_text_heads *out_heads, struct cp_err *err);
/* The lead has been shown what cp_text_merged gives now, and may revise it. */
CP_CHECKED enum cp_code cp_text_saw(struct cp_store *s, const char *name, struct cp_err *err);

#endif
