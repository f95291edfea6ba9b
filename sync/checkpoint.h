/*
 * What somebody outside kept of a history: names of commits, at that time the ends of
 * branches. A history that was only added to since still holds each of them.
 */
#ifndef CASEPACK_SYNC_CHECKPOINT_H
#define CASEPACK_SYNC_CHECKPOINT_H

#include "formats/bundle.h"

struct cp_checkpoint {
	char branch[80];     /* main, replica/<id>, outbound/<id>; "" : any branch */
	struct cp_oid oid;
	char from[256];      /* where it comes from, in words */
};

struct cp_checkpoints { struct cp_checkpoint *list; size_t n; };
void cp_checkpoints_drop(struct cp_checkpoints *c);

/* One commit, as it was written down: 40 hex digits, which may follow the name of a branch and a space; or each such line
 * of a file. CP_EINPUT: neither. */
CP_CHECKED enum cp_code cp_checkpoint_text(struct cp_checkpoints *out, const char *text, const char *from, struct cp_err *err);
/*
 * A git bundle, such as an auditor was given: the branches in its head, of which nobody's signature speaks. CP_ENOTFOUND: the file
 * is none; CP_EFORMAT: a head that is none.
 */
CP_CHECKED enum cp_code cp_checkpoint_git(struct cp_checkpoints *out, const char *path, struct cp_err *err);
/* What a signed manifest says: under `tips` what the bundle brings up to, under `have` what its sender holds. What a device
 * returns need not have come to anybody yet, so of a return only `have` counts. */
CP_CHECKED enum cp_code cp_checkpoint_manifest(struct cp_checkpoints *out, const struct cp_manifest *m, const char *from,
		struct cp_err *err);

#endif
