/*
 * Tables out of hostile hands. The first byte chooses the kind and whether there is
 * a header; the rest is the file. What was read as a row is written as CSV, and must
 * read as the same row again.
 */
#include "formats/rows.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cp_code open_bytes(struct cp_rows **out, int *fd, const void *bytes, size_t len,
		enum cp_rows_kind kind, bool has_header, struct cp_err *err)
{
	char path[64];

	*fd = memfd_create("rows", MFD_CLOEXEC);
	assert(*fd >= 0);
	assert(write(*fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
	return cp_rows_open(out, path, kind, has_header, &cp_limits_default, err);
}

static void check_words(enum cp_code code, const struct cp_err *err)
{
	assert(code == CP_EINPUT);
	assert(err->text[0] != '\0' && !cp_text_has_controls(err->text, strlen(err->text), false));
}

/* One row as CSV; false where it would read as no row at all. */
static bool print_row(struct cp_buf *out, const struct cp_row *row)
{
	cp_buf_clear(out);
	for (size_t i = 0; i < row->n_cells; i++) {
		const struct cp_cell *c = &row->cells[i];

		assert(cp_utf8_valid(c->text, c->len) && c->text[c->len] == '\0');
		assert(c->column == i + 1 && cp_row_cell(row, c->name) != NULL);
		assert(i == 0 || cp_buf_puts(out, ",", NULL) == CP_OK);
		assert(cp_csv_add_cell(out, c->text, c->len, NULL) == CP_OK);
	}
	assert(cp_buf_puts(out, "\r\n", NULL) == CP_OK);
	return row->n_cells > 1 || row->cells[0].len > 0;
}

static void read_again(const struct cp_buf *text, const struct cp_row *row)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	struct cp_row again;
	bool more;
	int fd;

	assert(open_bytes(&r, &fd, text->data, text->len, CP_ROWS_CSV, false, NULL) == CP_OK);
	assert(cp_rows_next(r, &again, &more, NULL) == CP_OK && more);
	assert(again.n_cells == row->n_cells && again.line == 1);
	for (size_t i = 0; i < row->n_cells; i++) {
		assert(again.cells[i].len == row->cells[i].len);
		assert(memcmp(again.cells[i].text, row->cells[i].text, row->cells[i].len) == 0);
	}
	assert(cp_rows_next(r, &again, &more, NULL) == CP_OK && !more);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { 0 };
	struct cp_row row;
	bool more = true;
	size_t last = 0;
	enum cp_code code;
	int fd;

	if (size < 1)
		return 0;
	code = open_bytes(&r, &fd, data + 1, size - 1, (enum cp_rows_kind)(data[0] % 3), data[0] & 4, &err);
	if (code != CP_OK)
		check_words(code, &err);
	while (code == CP_OK && more) {
		enum cp_code next = cp_rows_next(r, &row, &more, &err);

		if (next != CP_OK)
			check_words(next, &err);
		if (next != CP_OK || !more)
			continue;
		assert(row.line > last || last == 0);
		last = row.line;
		/* a byte order mark in front of a file is not part of its first cell */
		if (print_row(&text, &row) && strncmp(text.data, "\xef\xbb\xbf", 3) != 0)
			read_again(&text, &row);
	}
	close(fd);
	return 0;
}
