/*
 * Questions that change nothing: progress, the life of a case, labels, conflicts.
 * Strings in rows are borrowed for the visit.
 */
#ifndef CASEPACK_SYNC_REPORT_H
#define CASEPACK_SYNC_REPORT_H

#include "sync/cases.h"
#include "sync/store.h"

struct cp_rater_status {
	const char *pseudonym, *vendor;
	int64_t assigned, submitted, skipped, escalated; /* as the hub knows */
	int64_t sent_us, received_us;                     /* last bundle to and from; 0: never */
	int64_t owed;                                     /* assignments with no judgment back */
	int64_t owed_days;                                /* since what is owed was sent; -1: not sent yet */
	bool acknowledged;                                /* has confirmed all that was sent */
};
typedef enum cp_code cp_rater_visit(void *user, const struct cp_rater_status *row, struct cp_err *err);
CP_CHECKED enum cp_code cp_status_each(struct cp_store *s, cp_rater_visit *visit, void *user, struct cp_err *err);

struct cp_status {
	int64_t cases, persons, assignments, judgments, ratings, outbox, commits, refused, waiting, conflicts;
	int64_t review, strangers;   /* taken in from devices that were revoked since; devices with a new key (sync/quarantine.h) */
	int64_t disputed;            /* change commits that one hub refused and another accepted */
	int64_t forgotten;           /* of the cases */
	int64_t unerased;            /* 1: what was erased may still stand in free room of the databases */
	int64_t missing;             /* hub: cases whose content has not come */
	int64_t unsent;              /* device: edits sealed or not that the hub has not acknowledged */
	char conflict_classes[128];  /* the open ones by class: "2 fork, 1 hard" */
	struct cp_oid main;          /* hub: "" when there is none yet */
};
CP_CHECKED enum cp_code cp_status(struct cp_store *s, struct cp_status *out, struct cp_err *err);
/* The open conflicts by class, as in cp_status; "" when there is none. */
CP_CHECKED enum cp_code cp_conflict_classes(struct cp_store *s, char *out, size_t size, struct cp_err *err);

/* Workspaces that were copied or put back: noticed by themselves (they go on as another device), or only here, as a second
 * line of one device: two change commits with one parent. Strings are borrowed for the visit. */
struct cp_copied { const char *pseudonym, *device, *as; bool is_line, has_other_key; /* as: its id now, or the line's branch */ };
typedef enum cp_code cp_copied_visit(void *user, const struct cp_copied *c, struct cp_err *err);
CP_CHECKED enum cp_code cp_copied_each(struct cp_store *s, cp_copied_visit *visit, void *user, struct cp_err *err);

/* A cell that an event gave another value. Texts as they are; NULL: nothing. */
struct cp_event_change { const char *field, *result, *from, *to; };
/*
 * One step in the life of a case. Never NULL; "" where there is nothing to say.
 *
 * imported, changed, forgotten     the case
 * assigned, reassigned, withdrawn, expired    its assignments
 * opened       a device had the case no later than when it was first judged there; the change commit names what material it had
 *              taken in when it sealed that
 * judged, skipped, escalated, withdrawn, changed    judgments
 * superseded   an edit of a judgment or a final answer that a later edit, or a settlement, put out of force: told of the later
 * conflicted   nobody's deed: when the second of several candidates had come
 * settled, adjudicated, keep, requeue, void    leads' decisions
 * late, stale  nobody's deed: when the judgment and what makes it so had both come
 * exported     a file of labels that held some of this case
 * gold         an answer that leads know; at their hubs alone
 */
struct cp_event {
	const char *what, *case_name;
	const char *who, *whom;      /* pseudonyms: who did it; whose judgment or assignment it is about */
	const char *device;          /* replica id in hex */
	const char *detail, *reason; /* "grade of 78503000: 2 -> 3" */
	const char *commit;          /* oid, "" while unsealed */
	const char *applied;         /* the outbound commit that the device had applied by then */
	const char *guideline; int64_t revision; /* judged under; "" and 0 */
	const char *signature, *device_state; /* sync/attest.h */
	const char *fate;            /* of an edit: standing, equal, superseded, overruled, in conflict, waiting (sync/tree.h) */
	const struct cp_event_change *changes; size_t n_changes;
	int64_t claimed_us, received_us; /* by the author's clock; by the hub's, 0: not yet */
	bool is_far;                 /* claimed more than a day ahead of receipt */
};
typedef enum cp_code cp_event_visit(void *user, const struct cp_event *e, struct cp_err *err);

/* NULL and 0: any. */
struct cp_story_filter {
	const char *person;          /* who did it, or whose it is */
	const char *field;           /* an answer to it was given, changed or decided */
	const char *guideline; int64_t revision; /* judged under it; 0: any of its revisions */
	int64_t since_us;            /* claimed or received then or later */
};
/* In order: by the authors' clocks, held to the receipt, and no event before what it came from. */
CP_CHECKED enum cp_code cp_log_case(struct cp_store *s, const struct cp_id *case_id, const struct cp_story_filter *f,
		cp_event_visit *visit, void *user, struct cp_err *err);
/* Judgments and leads' decisions of all cases, those taken in last first; at most max (0: all). */
CP_CHECKED enum cp_code cp_log_all(struct cp_store *s, const struct cp_story_filter *f, int64_t max, cp_event_visit *visit, void *user,
		struct cp_err *err);

/* An answer that stands, and who gave it that value. Final answers are rows of their own. */
struct cp_blame {
	const char *rater; int64_t pass;       /* "" and 0: a lead's final answer */
	const char *field, *result, *value;    /* result: its name in history, "" for the page */
	const char *who, *device, *commit;     /* of the edit that gave the value */
	const char *guideline; int64_t revision;
	const char *signature, *device_state;
	const char *state;                     /* "", or in conflict, undecided */
	const char *reason;                    /* of a final answer: cause and reason */
	int64_t claimed_us, received_us;
	const char *settled_by, *settled_reason, *settled_commit; int64_t settled_us; /* a lead's choice between edits: "" when none */
};
typedef enum cp_code cp_blame_visit(void *user, const struct cp_blame *b, struct cp_err *err);
/* By field, result, rater, pass; a final answer behind the answers to its question. */
CP_CHECKED enum cp_code cp_blame_case(struct cp_store *s, const struct cp_id *case_id, cp_blame_visit *visit, void *user,
		struct cp_err *err);

/* One change commit taken in, newest first; at most max (0: all). */
struct cp_commit_row { const char *oid, *branch, *who, *verdict, *reason, *subject; int64_t edits, claimed_us, received_us; };
typedef enum cp_code cp_commit_row_visit(void *user, const struct cp_commit_row *row, struct cp_err *err);
CP_CHECKED enum cp_code cp_log_commits(struct cp_store *s, int64_t max, cp_commit_row_visit *visit, void *user,
		struct cp_err *err);

/* One answer as it stands. */
struct cp_label {
	const char *case_id, *case_name, *query, *locale, *segment, *kind; /* case_id is the external one */
	const char *result, *rater, *vendor, *field, *value;               /* result: external id, "" for the page */
	int64_t pass, rank;
	const char *state, *guideline, *form, *note;
	int64_t guideline_number, form_number, judged_us, active_ms;
	const char *content;         /* hash in hex */
	const char *stale;           /* "", open, or what was decided: keep, requeue, void */
	bool is_late, is_stale, in_conflict; /* is_stale: and not kept */
	bool is_forgotten;           /* the case: what it showed is erased */
	bool is_undecided;           /* in conflict, and nothing stands until a lead decides */
	const char *final;           /* the lead's final answer to the same question, "" when there is none */
	const char *result_name;     /* in history */
	struct cp_id judgment, revision; /* revision: of the guideline; zeros where there is none */
};
typedef enum cp_code cp_label_visit(void *user, const struct cp_label *l, struct cp_err *err);
/* Sorted by case name, rater, pass, field, result. Skipped judgments without answers give one row with field "". */
CP_CHECKED enum cp_code cp_label_each(struct cp_store *s, cp_label_visit *visit, void *user, struct cp_err *err);
/* Those of one case. */
CP_CHECKED enum cp_code cp_label_each_of(struct cp_store *s, const struct cp_id *case_id, cp_label_visit *visit, void *user,
		struct cp_err *err);

/* A standard git bundle of main and the replicas' branches. */
CP_CHECKED enum cp_code cp_export_git(struct cp_store *s, const char *path, struct cp_err *err);

#endif
