/*
 * Labels that leave a leads' hub, noted in history: who wrote which file, of whose answers, and what it held.
 */
#ifndef CASEPACK_SYNC_EXPORTS_H
#define CASEPACK_SYNC_EXPORTS_H

#include "sync/store.h"

struct cp_exported {
	const char *format;          /* csv, jsonl or qrels */
	const char *scope;           /* JSON object of what was asked for: rater, field, aggregate, ...; {}: everything */
	struct cp_hash file;         /* BLAKE2b-256 of its bytes */
	int64_t labels;              /* its rows */
	const char *main;            /* the commit whose state it holds; NULL: the one that stands */
};
/* One edit at a leads' hub; nothing anywhere else, and nothing where this device has noted the same file before. */
CP_CHECKED enum cp_code cp_export_note(struct cp_store *s, const struct cp_exported *x, struct cp_err *err);

#endif
