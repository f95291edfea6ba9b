/*
 * What a bundle must not hold is looked for before the bundle is at its place, and
 * before material is given at all: what was given once stays on its chain.
 *
 * By rows: every change commit in a bundle speaks of public tables only, and each row of
 * material is in its receiver's scope, asked row by row of the tables and not of the
 * statements that gathered it. No object of private.git is among those of the history.
 *
 * By bytes: the project's secret, as it is, in hex and in base64; and in what goes to
 * raters and relays every value of names, side keys, reasons of gold, and metrics. A value
 * counts from 8 bytes on; one of fewer than 24 only where no letter or digit goes on beside it,
 * and a metric's name only when it is more than one plain word. Values of gold are not looked for:
 * they are the values of forms. Bundles for other leads' hubs may hold the values, since
 * those hubs hold private.git; the secret they may hold in their private part alone.
 */
#ifndef CASEPACK_SYNC_SECRETS_H
#define CASEPACK_SYNC_SECRETS_H

#include "formats/bundle.h"
#include "sync/scope.h"
#include "sync/store.h"

/* Read them anew from the private tables, for all that is packed from now on. Where there are none there is nothing to find. */
CP_CHECKED enum cp_code cp_secrets_load(struct cp_store *s, struct cp_err *err);
void cp_secrets_drop(struct cp_store *s);

/* Rows that are about to be given to that device. CP_ETRUST names row and column, what was found, and what to do. */
CP_CHECKED enum cp_code cp_secrets_check_given(struct cp_store *s, const struct cp_device *to, const void *changeset, size_t len,
		struct cp_err *err);

/* Bytes that others see, whatever they are; where: in words. CP_ETRUST: a private value stands there. */
CP_CHECKED enum cp_code cp_secrets_check_bytes(struct cp_store *s, const char *where, const void *bytes, size_t len,
		struct cp_err *err);

/* Looks through one bundle while it is written: fits cp_bundle_watch, with a struct cp_search as user. */
struct cp_search {
	struct cp_store *s;
	enum cp_bundle_kind kind;
	struct cp_device to;          /* of material; else unused */
	struct cp_scope scope;        /* its, once it is needed */
	struct cp_oid tree, changeset; /* of the change commit that is being shown */
};
void cp_search_drop(struct cp_search *k); /* also by CP_AUTO(search) */
CP_CHECKED enum cp_code cp_search_shown(void *user, const char *part, const char *name, const void *bytes, size_t len,
		struct cp_err *err);

#endif
