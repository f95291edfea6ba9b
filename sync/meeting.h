/*
 * Taking in another hub's main: sync/hub*.c only.
 */
#ifndef CASEPACK_SYNC_MEETING_H
#define CASEPACK_SYNC_MEETING_H

#include "sync/believe.h"
#include "sync/hub.h"

#define CP_MEETING_TIPS 256

struct cp_meeting {
	struct cp_store *s;
	struct cp_repo *from;                /* scratch: what came, over what is here */
	struct cp_belief belief;
	struct cp_touched touched;
	struct cp_oid main;                  /* ours; "" in a new workspace */
	struct cp_oid known[CP_MEETING_TIPS]; size_t n_known; /* ours and those taken in: walks end there */
	struct cp_tips refs;                 /* hub/ and outbound/ as they stand when this ends */
	bool is_joined;
};
void cp_meeting_drop(struct cp_meeting *m);

/* In the open transaction. A scratch repository in the workspace is made; whoever began ends it. */
CP_CHECKED enum cp_code cp_meeting_scratch(struct cp_store *s, struct cp_repo **out, struct cp_err *err);
CP_CHECKED enum cp_code cp_meeting_begin(struct cp_meeting *m, struct cp_store *s, struct cp_repo *from, struct cp_err *err);

/* Believe a main that stands at tip, and keep its objects. *news: it said something that was not known. */
CP_CHECKED enum cp_code cp_meeting_take(struct cp_meeting *m, const char *tip, bool *news, struct cp_err *err);
/* Keep it as the main of that hub. */
CP_CHECKED enum cp_code cp_meeting_note(struct cp_meeting *m, const char *name, const char *tip, struct cp_err *err);
/* One commit with theirs as second parent; may_yield: or theirs itself, where it says all that ours does and ours was never
 * shown to anybody. */
CP_CHECKED enum cp_code cp_meeting_join(struct cp_meeting *m, const char *tip, bool may_yield, struct cp_err *err);
/* Theirs becomes ours where both say the same and ours was never shown to anybody; else nothing happens. */
CP_CHECKED enum cp_code cp_meeting_yield(struct cp_meeting *m, const char *tip, struct cp_err *err);
/* What a hub gave to a device, as proof; and so that who takes over goes on behind it. */
CP_CHECKED enum cp_code cp_meeting_outbound(struct cp_meeting *m, const char *name, const char *tip, struct cp_err *err);
/* Flush, move every branch, COMMIT; then try again what waits. */
CP_CHECKED enum cp_code cp_meeting_end(struct cp_meeting *m, struct cp_merged *out, struct cp_err *err);

/* Does that commit of main say anything of change commits, or does it only join? */
bool cp_meeting_speaks(const struct cp_commit *c);

#endif
