/*
 * A story while it is gathered: story.c puts events in order, story_tell.c makes them of edits, story_facts.c of what follows
 * from edits, story_all.c tells of every case.
 */
#ifndef CASEPACK_SYNC_STORY_INNER_H
#define CASEPACK_SYNC_STORY_INNER_H

#include "sync/attest.h"
#include "sync/report.h"

struct cp_told {
	char what[24], guideline[96], whom[64]; /* whom: whose assignment or judgment it is about */
	int64_t guideline_number;
	struct cp_attest by;
	size_t table; struct cp_rev rev; bool is_edit; /* of an edit: which */
	int fate;                    /* enum cp_fate; -1: no edit */
	struct cp_buf detail, reason;
	struct cp_event_change *changes; size_t n_changes; /* strings owned */
	struct cp_rev *behind; size_t n_behind;        /* edits before which it cannot have been */
	int64_t at_us; size_t depth;   /* where it stands; depth 0: not known yet */
};
struct cp_story { struct cp_store *s; struct cp_attests attests; struct cp_told *list; size_t n, room; char case_name[128]; };
void cp_story_drop(struct cp_story *t);

/* A new event; valid until the next one. */
struct cp_told *cp_story_add(struct cp_story *t, const char *what);
void cp_told_behind(struct cp_told *e, const void *revs, size_t len); /* revs joined */

/* The edits of one document, each an event; only those in that commit, unless it is 0. */
CP_CHECKED enum cp_code cp_story_document(struct cp_story *t, size_t table, const struct cp_id *id, const char *whom,
		int64_t commit_no, struct cp_err *err);
/* What follows from the edits told so far: superseded, conflicted, late, stale, opened, exported. */
CP_CHECKED enum cp_code cp_story_superseded(struct cp_story *t, struct cp_err *err);
CP_CHECKED enum cp_code cp_story_conflicts(struct cp_story *t, size_t table, const struct cp_id *doc, const char *whom, struct cp_err *err);
CP_CHECKED enum cp_code cp_story_opened(struct cp_story *t, struct cp_err *err);
CP_CHECKED enum cp_code cp_story_exports(struct cp_story *t, struct cp_err *err);

/* The value that an edit's first parent line last gave that cell before it, or with it; NULL when none did. */
const struct cp_value *cp_value_before(const struct cp_document *d, const struct cp_doc_edit *e, const char *name);
const struct cp_value *cp_value_under(const struct cp_document *d, const struct cp_doc_edit *e, const char *name);
/* Guideline and number of the revision of that id; "" and 0 where there is none. */
CP_CHECKED enum cp_code cp_revision_name(struct cp_store *s, const struct cp_value *id, char out[96], int64_t *number,
		struct cp_err *err);

/* An edit as people find it again: the first digits of its change commit; of its rev, where none holds it yet. */
CP_CHECKED enum cp_code cp_story_edit_name(struct cp_story *t, size_t table, const struct cp_id *doc, const struct cp_rev *rev,
		struct cp_buf *out, struct cp_err *err);

void cp_story_sort(struct cp_story *t);
/* One event to the visitor, if the filter lets it through. */
CP_CHECKED enum cp_code cp_story_visit(const struct cp_story *t, const struct cp_told *e, const struct cp_story_filter *f,
		bool *out_told, cp_event_visit *visit, void *user, struct cp_err *err);

#endif
