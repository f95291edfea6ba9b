/*
 * Tabular input, one row at a time: CSV (through libcsv), TSV, and JSON lines
 * (through jansson), all as named text cells with their place in the file.
 *
 * CSV is RFC 4180 with LF or CRLF, UTF-8, an optional byte order mark; spaces are part
 * of a cell. TSV has no quoting: a tab always separates. A JSON line is an object of strings, numbers,
 * booleans and nulls (null is an empty cell); nested values are kept as compact JSON text.
 */
#ifndef CASEPACK_FORMATS_ROWS_H
#define CASEPACK_FORMATS_ROWS_H

#include "formats/buf.h"
#include "formats/limits.h"

#include <stdbool.h>

enum cp_rows_kind { CP_ROWS_CSV, CP_ROWS_TSV, CP_ROWS_JSONL };

struct cp_rows; /* opaque */

struct cp_cell {
	const char *name;   /* header name, or "1", "2", ... where the file has no header */
	const char *text;   /* UTF-8 with a final zero byte; "" when empty; never NULL */
	size_t len;
	size_t column;      /* its number in the row, from 1, for messages */
};

struct cp_row {
	size_t line;        /* 1-based line on which the row begins */
	size_t n_cells;
	const struct cp_cell *cells; /* valid until the next call */
};

/* .csv, .tsv/.tab, .jsonl/.ndjson/.json by name; anything else is CP_EUSAGE. */
CP_CHECKED enum cp_code cp_rows_kind_of(enum cp_rows_kind *out, const char *path, struct cp_err *err);

/*
 * has_header is ignored for JSON lines. path "-" is standard input. Spaces around a header's names
 * do not count; a column without a name is named by its number. limits is
 * copied; text, document and depth count. CP_ENOTFOUND: no such file.
 * CP_EINPUT: a header that is missing, bad, or has a name twice; a file in UTF-16.
 */
CP_CHECKED enum cp_code cp_rows_open(struct cp_rows **out, const char *path, enum cp_rows_kind kind,
		bool has_header, const struct cp_limits *limits, struct cp_err *err);

/* The header's names in order (JSON lines: those of the first row). *out_names borrowed until close. */
size_t cp_rows_header(const struct cp_rows *r, const char *const **out_names);

/*
 * The next row; *out_more false at the end. Rows with no cell or one empty cell are passed over.
 * CP_EINPUT with "FILE:LINE:COLUMN: ..." for a bad row (a different number of cells than the
 * header, invalid UTF-8, a NUL byte, bad JSON, unbalanced quotes, anything over a limit); after it
 * the next call goes on with the row behind, so that a caller can report all bad rows, except
 * where the file cannot be read further: then *out_more is false. COLUMN is the number of the cell,
 * in a line that is no JSON that of the character. A row with unbalanced quotes is taken to end with
 * its first line. A row has at most 10000 cells.
 */
CP_CHECKED enum cp_code cp_rows_next(struct cp_rows *r, struct cp_row *out, bool *out_more, struct cp_err *err);

/* The cell of that name or NULL. */
const struct cp_cell *cp_row_cell(const struct cp_row *row, const char *name);

void cp_rows_close(struct cp_rows *r);
void cp_rows_drop(struct cp_rows **r); /* for CP_AUTO(rows) */

/* Writing one cell as RFC 4180 (quoted only where needed), without separator. */
CP_CHECKED enum cp_code cp_csv_add_cell(struct cp_buf *out, const char *text, size_t len, struct cp_err *err);

#endif
