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
};
/* CP_EINPUT: the name is taken (add) or not there (revise, CP_ENOTFOUND), the form does not follow its
 * forerunner, invalid UTF-8. The same text again changes nothing. *out_number: of the revision that stands. */
CP_CHECKED enum cp_code cp_text_put(struct cp_store *s, const struct cp_text_add *t, int64_t *out_number,
		bool *out_changed, struct cp_err *err);

struct cp_text_row {             /* one revision */
	struct cp_id id, text;
	enum cp_text_kind kind;
	const char *name, *title, *revision, *note, *author; /* author's pseudonym */
	int64_t number, at_us;
	bool is_current;
	const char *body; size_t len;
};
typedef enum cp_code cp_text_visit(void *user, const struct cp_text_row *row, struct cp_err *err);
/* name NULL: the current revision of every text; else every revision of that one, oldest first.
 * is_form selects forms, else guidelines and SOPs. */
CP_CHECKED enum cp_code cp_text_each(struct cp_store *s, bool is_form, const char *name, cp_text_visit *visit,
		void *user, struct cp_err *err);
/* One revision; number 0: the current one. body appended to out; its id in *out_id (may be NULL). */
CP_CHECKED enum cp_code cp_text_get(struct cp_store *s, bool is_form, const char *name, int64_t number,
		struct cp_buf *out, struct cp_id *out_id, struct cp_err *err);

#endif
