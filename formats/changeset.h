/*
 * Strict reading and plain writing of SQLite changesets (formats/changeset.md).
 *
 * SQLite's own iterator crashes or hangs on hostile input and skips tables that
 * do not fit, so nothing reaches the session API that this reader has not taken
 * to its last byte. It accepts INSERT and UPDATE, never DELETE or a patchset,
 * and only tables whose name, column count and key flags equal a given shape, or that
 * shape as it was before columns were added at its end.
 */
#ifndef CASEPACK_FORMATS_CHANGESET_H
#define CASEPACK_FORMATS_CHANGESET_H

#include "formats/hash.h"

#define CP_MAX_COLUMNS 32
#define CP_CHANGESET_MAX ((size_t)0x7fffffff) /* bytes; the session API counts in int */
#define CP_VALUE_MAX ((size_t)1000000000)     /* bytes of a text or blob; SQLite's own limit */

enum cp_type { CP_ABSENT = 0, CP_INT = 1, CP_REAL = 2, CP_TEXT = 3, CP_BLOB = 4, CP_NULL = 5 };

/* One SQL value. bytes is borrowed and has no final zero byte. */
struct cp_value {
	enum cp_type type;
	size_t len;           /* bytes, of text and blobs */
	int64_t integer;
	double real;
	const uint8_t *bytes;
};

/* What a table must look like. Column 0 .. n_columns-1 in the order of the schema; no two of one name. */
struct cp_shape {
	const char *name;
	size_t n_columns;
	uint8_t key[CP_MAX_COLUMNS]; /* 1-based position in the primary key, or 0 */
	size_t n_first;              /* columns in its first version, where some were added at its end since; else 0 */
};

enum cp_op { CP_INSERT = 18, CP_UPDATE = 23 };

struct cp_change {
	size_t table;           /* index into the shapes given to the reader */
	enum cp_op op;
	size_t offset, len;     /* of this change's record in the changeset */
	size_t header, header_len; /* of the table header it stands under */
	/*
	 * INSERT: now[] is complete but for columns that were added after it was written, was[] all CP_ABSENT.
	 * UPDATE: was[] holds the key and the old value of each changed column,
	 *         now[] the new ones (key columns absent); both absent elsewhere.
	 * Set for the columns of the table only; what lies behind them is left as it was.
	 */
	struct cp_value was[CP_MAX_COLUMNS], now[CP_MAX_COLUMNS];
};

struct cp_changeset {
	const uint8_t *data;
	size_t len, at;
	const struct cp_shape *shapes;
	size_t n_shapes;
	size_t table, columns;    /* current one, and how many columns its writer knew; n_shapes before the first */
	size_t header, header_len;
};

/* data and shapes are borrowed until the last call. An empty changeset (len 0) has no change. */
void cp_changeset_begin(struct cp_changeset *r, const void *data, size_t len,
		const struct cp_shape *shapes, size_t n_shapes);

/*
 * The next change; *out_more is false at the clean end, and c is then untouched.
 * Its texts and blobs point into data. CP_EFORMAT with the byte offset in the words
 * for anything not accepted: *out_more is false, c holds nothing of use, and the
 * reader stays before that change, so that asking again fails in the same way.
 * A table header may repeat (joined changesets); a header with no change is refused.
 */
CP_CHECKED enum cp_code cp_changeset_next(struct cp_changeset *r, struct cp_change *c, bool *out_more,
		struct cp_err *err);

/* Reads to the end; *out_changes (may be NULL) counts them. */
CP_CHECKED enum cp_code cp_changeset_check(const void *data, size_t len, const struct cp_shape *shapes,
		size_t n_shapes, size_t *out_changes, struct cp_err *err);

/* The key value of column i wherever the operation keeps it. */
const struct cp_value *cp_change_key(const struct cp_change *c, size_t column);

/*
 * Writing: a header, then at least one complete row, byte for byte as the session extension does.
 * Values are written as they are: give them as the column stores them (a REAL column turns
 * 1 into 1.0 and -0.0 into 0.0). Each adds whole or not at all. CP_EINPUT for a row that the
 * reader would refuse (a value missing, NULL in the key, NaN, text that is not UTF-8),
 * CP_EFORMAT past the buffer's limit.
 */
CP_CHECKED enum cp_code cp_changeset_add_table(struct cp_buf *out, const struct cp_shape *shape,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_changeset_add_insert(struct cp_buf *out, const struct cp_shape *shape,
		const struct cp_value row[], struct cp_err *err);

/* Same type and same bytes: 1 is not 1.0, and 0.0 is not -0.0. */
bool cp_value_equal(const struct cp_value *a, const struct cp_value *b);

#endif
