/*
 * What a report to an auditor asks and no other question answers: who signed, what a device had
 * been given before, how a judgment grew, which cases were disputed. Changes nothing.
 */
#ifndef CASEPACK_SYNC_AUDIT_H
#define CASEPACK_SYNC_AUDIT_H

#include "formats/bundle.h"
#include "sync/cases.h"
#include "sync/store.h"

/* ---- change commits -------------------------------------------------------------------------- */

struct cp_audit_commit {
	char oid[41], who[64], device[CP_ID_HEX], fingerprint[64]; /* of the key that signed; "" where none did */
	char role[16];               /* of who; "" where the author is not known */
	const char *signature;       /* static: "good", by the key that the roster has for the device it names; "other key",
	                                right, but by another one; "bad"; "unsigned"; "absent", the object is not here */
	char relay[64], relay_device[CP_ID_HEX]; /* who gives to that device and collects from it now, where it is a relay; else "" */
	char key_state[16];          /* of that device now: invited, active, retired, revoked; "" where it is not on the roster */
	char applied[41];            /* the last outbound commit that the device had applied, as it says; "" */
	char verdict[16], *reason;   /* reason: owned */
	int64_t claimed_us, received_us, edits;
	bool is_far;
};
/* By its whole name. CP_ENOTFOUND. Ended with cp_audit_commit_drop. */
CP_CHECKED enum cp_code cp_audit_commit_load(struct cp_store *s, const char *oid, struct cp_audit_commit *out, struct cp_err *err);
void cp_audit_commit_drop(struct cp_audit_commit *c);

struct cp_audit_verdict { const char *hub, *device, *verdict, *reason; int64_t received_us; bool is_far; };
typedef enum cp_code cp_audit_verdict_visit(void *user, const struct cp_audit_verdict *v, struct cp_err *err);
CP_CHECKED enum cp_code cp_audit_verdict_each(struct cp_store *s, const char *oid, cp_audit_verdict_visit *visit, void *user,
		struct cp_err *err);

/* A lead's decisions, by its clock: settlements, resolutions, decisions about stale judgments, final answers, rulings. about
 * is a case, guideline, person ... by its name in history, a change commit or a device; since_us <= clock < until_us. */
struct cp_audit_decision { int64_t at_us; const char *who, *what, *about, *decision, *reason; };
typedef enum cp_code cp_audit_decision_visit(void *user, const struct cp_audit_decision *d, struct cp_err *err);
CP_CHECKED enum cp_code cp_audit_decision_each(struct cp_store *s, int64_t since_us, int64_t until_us,
		cp_audit_decision_visit *visit, void *user, struct cp_err *err);
/* Of these, what stands about one change commit or device, in words with who and why; "" where nothing does. */
CP_CHECKED enum cp_code cp_audit_ruling(struct cp_store *s, const char *about, struct cp_buf *out, struct cp_err *err);

/* ---- what a device was given ------------------------------------------------------------------ */

/* All outbound commits to one device that are here, chain by chain, oldest first. Chains of relays and of
 * other hubs may not be here. */
struct cp_given_commit { char oid[41], hub[64]; int64_t at_us; size_t chain, rows; };
struct cp_given {
	struct cp_given_commit *list; size_t n;
	struct cp_given_row { size_t table; struct cp_id id; size_t commit; } *rows; size_t n_rows, room; /* each row once: where it came first */
	size_t work;                 /* rows of judgments, answers and final answers in all of them: none is material */
};
void cp_given_drop(struct cp_given *g);
CP_CHECKED enum cp_code cp_given_load(struct cp_store *s, const char *device_hex, struct cp_given *out, struct cp_err *err);
/* SIZE_MAX: none of that name. */
size_t cp_given_at(const struct cp_given *g, const char *oid);
/* Had a device that names `applied` as the last one applied commit i too? Of chains that were left: by their hub's clock. */
bool cp_given_had(const struct cp_given *g, size_t i, size_t applied);
enum cp_given_kind { CP_GIVEN_ASSIGNMENT, CP_GIVEN_REVISION, CP_GIVEN_FORM_VERSION, CP_GIVEN_SETTLEMENT };
/* The commit that gave that row first; SIZE_MAX: none did. */
size_t cp_given_first(const struct cp_given *g, enum cp_given_kind kind, const struct cp_id *id);

/* ---- how judgments grew ------------------------------------------------------------------------ */

struct cp_audit_cell { char *name, *was, *now; }; /* "grade@d1", "note", "state"; NULL: nothing was, or is, said */
struct cp_audit_edit {
	struct cp_rev rev, *replaced; size_t n_replaced;
	char commit[41];             /* "" while unsealed */
	char who[64], device[CP_ID_HEX];
	int64_t claimed_us, received_us; /* received 0 while unsealed */
	bool stands;                 /* what the judgment's row shows first */
	struct cp_id revision, form_version; /* made under; zeros: none */
	struct cp_audit_cell *cells; size_t n_cells; /* what it changed, answers first */
};
struct cp_audit_judgment {
	struct cp_id id;             /* the assignment's */
	char person[64];
	int64_t pass;
	struct cp_audit_edit *edits; size_t n;
};
struct cp_audit_judgments { struct cp_audit_judgment *list; size_t n; };
void cp_audit_judgments_drop(struct cp_audit_judgments *j);
/* Of a case, by person and pass; edits by clock. */
CP_CHECKED enum cp_code cp_audit_judgments_load(struct cp_store *s, const struct cp_id *case_id, struct cp_audit_judgments *out,
		struct cp_err *err);

/* A revision of a guideline (or version of a form) by its id: "policy", 3, its text appended to body (NULL: not wanted). name is
 * "" where it is not here. current: the one that raters work under now. */
struct cp_audit_revision { char name[64], kind[16], author[64]; int64_t number, at_us; struct cp_id current; int64_t current_number; };
CP_CHECKED enum cp_code cp_audit_revision(struct cp_store *s, bool is_form, const struct cp_id *id, struct cp_audit_revision *out,
		struct cp_buf *body, struct cp_err *err);

/* ---- many cases ---------------------------------------------------------------------------------- */

struct cp_audit_filter {
	const struct cp_id *person;  /* NULL: anybody; else whose work is counted */
	int64_t since_us, until_us;  /* when something about the case was received here (for what is made here: sealed) */
};
struct cp_audit_case {
	struct cp_id id;
	char name[72];               /* in history */
	int64_t judgments, edits;
	int64_t changed;             /* judgments of which an edit replaced another one */
	int64_t conflicts, open;     /* forks and hard ones; of those, and of all others, what waits for a person */
	int64_t finals, stale, late, revoked; /* revoked: edits that came from devices revoked since */
	int64_t last_us;             /* the last of these edits by its receipt */
};
static inline bool cp_audit_is_disputed(const struct cp_audit_case *c) { return c->changed + c->conflicts + c->finals > 0; }
typedef enum cp_code cp_audit_case_visit(void *user, const struct cp_audit_case *c, struct cp_err *err);
/* By name. Cases of which nobody judged anything too, but with a person only those that they were given. */
CP_CHECKED enum cp_code cp_audit_case_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_case_visit *visit,
		void *user, struct cp_err *err);

/* A person's judgments, as they stand, in the order of their clocks. last: the change commit of the newest edit by receipt, "" while
 * unsealed. state: "" where nothing stands; stale and late as in struct cp_label. */
struct cp_audit_work {
	const char *case_name, *state, *guideline, *form, *commit;
	int64_t pass, claimed_us, received_us, guideline_number, form_number, edits;
	bool is_stale, is_late;
	bool in_conflict, is_settled; /* two devices disagree; they did, and a lead has decided */
	bool is_revoked;             /* an edit came from a device revoked since */
	bool is_changed;             /* an edit replaced another one */
};
typedef enum cp_code cp_audit_work_visit(void *user, const struct cp_audit_work *w, struct cp_err *err);
CP_CHECKED enum cp_code cp_audit_work_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_work_visit *visit,
		void *user, struct cp_err *err);

struct cp_audit_person {
	const char *pseudonym, *role, *state;
	int64_t devices, revoked, commits, refused, judgments, changed, decisions;
};
typedef enum cp_code cp_audit_person_visit(void *user, const struct cp_audit_person *p, struct cp_err *err);
CP_CHECKED enum cp_code cp_audit_person_each(struct cp_store *s, const struct cp_audit_filter *f, cp_audit_person_visit *visit,
		void *user, struct cp_err *err);

#endif
