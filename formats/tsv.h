/*
 * A TSV page as cp_text_tsv wrote its cells, read back line by line.
 */
#ifndef CASEPACK_FORMATS_TSV_H
#define CASEPACK_FORMATS_TSV_H

#include <stdbool.h>

#include "formats/buf.h"

#define CP_TSV_CELLS 16

struct cp_tsv {
	const char *at, *end;        /* borrowed: what was not read yet */
	const char *line; size_t line_len; /* the line that was read, as it stands, without its newline */
	const char *cells[CP_TSV_CELLS]; size_t n; /* its cells, exact; valid until the next */
	struct cp_buf held;
};

void cp_tsv_begin(struct cp_tsv *t, const char *text, size_t len); /* text is borrowed */
/* *more false at the end. A line has at most CP_TSV_CELLS cells; CP_EFORMAT for more, and for what cp_text_tsv does not write. */
CP_CHECKED enum cp_code cp_tsv_next(struct cp_tsv *t, bool *more, struct cp_err *err);
/* The cell, "" where the line has none. */
const char *cp_tsv_cell(const struct cp_tsv *t, size_t i);
void cp_tsv_drop(struct cp_tsv *t);

#endif
