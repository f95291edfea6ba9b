/*
 * SQLite's own iterator as the judge of the strict reader: of what the reader accepts both
 * must give the same changes, value for value.
 */
#ifndef CASEPACK_TESTS_DAMAGE_JUDGE_H
#define CASEPACK_TESTS_DAMAGE_JUDGE_H

#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/changeset.h"

#define MUST(truth)                                                                           \
	do {                                                                                  \
		if (!(truth)) {                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #truth); \
			abort();                                                              \
		}                                                                             \
	} while (0)

/* theirs is NULL where there is no value. */
static inline void judge_value(const struct cp_value *v, sqlite3_value *theirs)
{
	double real;

	if (theirs == NULL) {
		MUST(v->type == CP_ABSENT);
		return;
	}
	MUST((int)v->type == sqlite3_value_type(theirs));
	if (v->type == CP_INT)
		MUST(v->integer == sqlite3_value_int64(theirs));
	if (v->type == CP_REAL) {
		real = sqlite3_value_double(theirs);
		MUST(memcmp(&v->real, &real, sizeof real) == 0);
	}
	if (v->type == CP_TEXT || v->type == CP_BLOB) {
		const void *bytes = v->type == CP_TEXT ? (const void *)sqlite3_value_text(theirs) : sqlite3_value_blob(theirs);

		MUST(v->len == (size_t)sqlite3_value_bytes(theirs));
		MUST(v->len == 0 || memcmp(v->bytes, bytes, v->len) == 0);
	}
}

/* Columns that the writer did not know yet are absent here, and not there at all. */
static inline void judge_change(const struct cp_change *c, sqlite3_changeset_iter *it, const struct cp_shape *shape)
{
	const char *name;
	unsigned char *key;
	int columns, op, indirect;

	MUST(sqlite3changeset_op(it, &name, &columns, &op, &indirect) == SQLITE_OK);
	MUST(sqlite3changeset_pk(it, &key, NULL) == SQLITE_OK);
	MUST(strcmp(shape->name, name) == 0 && columns > 0 && (size_t)columns <= shape->n_columns);
	MUST(memcmp(shape->key, key, (size_t)columns) == 0);
	MUST((int)c->op == op && indirect == 0);
	for (size_t i = 0; i < shape->n_columns; i++) {
		sqlite3_value *was = NULL, *now = NULL;

		if (op == SQLITE_UPDATE && i < (size_t)columns)
			MUST(sqlite3changeset_old(it, (int)i, &was) == SQLITE_OK);
		if (i < (size_t)columns)
			MUST(sqlite3changeset_new(it, (int)i, &now) == SQLITE_OK);
		judge_value(&c->was[i], was);
		judge_value(&c->now[i], now);
	}
}

/* Reads data, which must be accepted, beside SQLite's own iterator; returns the changes. */
static inline size_t judge_changeset(const void *data, size_t len, const struct cp_shape *shapes, size_t n_shapes)
{
	static struct cp_change c;
	struct cp_changeset r;
	sqlite3_changeset_iter *it;
	size_t n = 0, end = 0;
	bool more;

	MUST(sqlite3changeset_start(&it, (int)len, (void *)(uintptr_t)data) == SQLITE_OK);
	cp_changeset_begin(&r, data, len, shapes, n_shapes);
	for (;; n++) {
		MUST(cp_changeset_next(&r, &c, &more, NULL) == CP_OK);
		if (!more)
			break;
		MUST(sqlite3changeset_next(it) == SQLITE_ROW);
		judge_change(&c, it, &shapes[c.table]);
		MUST(c.offset == (end == c.header ? end + c.header_len : end));
		end = c.offset + c.len;
	}
	MUST(end == len);
	MUST(sqlite3changeset_next(it) == SQLITE_DONE);
	MUST(sqlite3changeset_finalize(it) == SQLITE_OK);
	return n;
}

#endif
