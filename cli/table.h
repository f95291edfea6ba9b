/*
 * Rows of cells as people read them on stdout: columns side by side; where a terminal is too narrow for that, each row is
 * folded onto further lines, which begin with some spaces.
 */
#ifndef CASEPACK_CLI_TABLE_H
#define CASEPACK_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "formats/err.h"

struct cp_cell {
	size_t at, len, width; /* in the table's text; width in columns of the terminal */
	bool is_number;        /* set to the right */
};
/* All borrowed. cells: row by row, n to a row; their text is safe for a terminal. */
struct cp_table {
	const char *const *columns;
	size_t n;
	const char *text;
	const struct cp_cell *cells;
	size_t n_cells;
};
/* Headings in capitals, then the rows. CP_EIO. */
CP_CHECKED enum cp_code cp_table_print(const struct cp_table *t, struct cp_err *err);

/* Columns of the terminal that stdout is; 80 where it does not say. */
size_t cp_terminal_width(void);

#endif
