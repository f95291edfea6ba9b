#include "cli/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "formats/text.h"

#define GAP 2
#define PAD_MAX 60   /* a longer cell pushes its own row aside, not all others */
#define INDENT 4     /* of a row's further lines */
#define TEXT_MIN 24  /* a column that is cut to what is left of a line gets at least that */

struct column {
	size_t width, natural; /* as it is padded; as its widest cell has it */
	size_t line, at;       /* folded: on which line of a row, from where */
	bool is_right;
};

size_t cp_terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

static size_t more(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void measure(const struct cp_table *t, struct column *cols)
{
	for (size_t c = 0; c < t->n; c++) {
		cols[c].width = cols[c].natural = strlen(t->columns[c]);
		cols[c].is_right = t->cells[c].is_number;
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		struct column *c = &cols[i % t->n];
		size_t width = t->cells[i].width;

		c->natural = more(c->natural, width);
		c->width = more(c->width, width < PAD_MAX ? width : PAD_MAX);
	}
}

/* Of the longest row, unfolded. */
static size_t row_width(const struct cp_table *t, const struct column *cols)
{
	size_t widest = 0;

	for (size_t row = 0; row < t->n_cells; row += t->n) {
		size_t width = 0;

		for (size_t c = 0; c < t->n; c++)
			width += c + 1 == t->n ? t->cells[row + c].width : more(cols[c].width, t->cells[row + c].width) + GAP;
		widest = more(widest, width);
	}
	return widest;
}

/* ---- headings ------------------------------------------------------------------------------------------ */

static size_t heading(char out[64], const char *name)
{
	size_t i = 0;

	for (; name[i] != '\0' && i < 63; i++)
		out[i] = name[i] == '_' ? ' ' : name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
	out[i] = '\0';
	return i;
}

/* ---- side by side -------------------------------------------------------------------------------------- */

static void print_padded(const char *text, size_t len, size_t width, const struct column *c, bool is_last)
{
	size_t space = width < c->width ? c->width - width : 0;

	printf("%*s", c->is_right ? (int)space : 0, "");
	fwrite(text, 1, len, stdout);
	if (is_last)
		putchar('\n');
	else
		printf("%*s", (int)(c->is_right ? 0 : space) + GAP, "");
}

static void print_plain(const struct cp_table *t, const struct column *cols)
{
	char name[64];

	for (size_t c = 0; c < t->n; c++) {
		size_t len = heading(name, t->columns[c]);

		print_padded(name, len, len, &cols[c], c + 1 == t->n);
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		const struct cp_cell *cell = &t->cells[i];
		size_t c = i % t->n;

		print_padded(t->text + cell->at, cell->len, cell->width, &cols[c], c + 1 == t->n);
	}
}

/* ---- folded ---------------------------------------------------------------------------------------------- */

/* Columns in their order: the next one stands on the same line where it fits, or where it is text and enough is left to break it. */
static void fold(struct column *cols, size_t n, size_t terminal)
{
	size_t line = 0, at = 0;

	for (size_t c = 0; c < n; c++) {
		size_t left = at < terminal ? terminal - at : 0;

		if (at > 0 && cols[c].natural > left && (cols[c].is_right || cols[c].natural <= TEXT_MIN || left < TEXT_MIN)) {
			line++;
			at = INDENT;
			left = terminal - INDENT;
		}
		cols[c].line = line;
		cols[c].at = at;
		cols[c].width = cols[c].natural < left ? cols[c].natural : left;
		at += cols[c].width + GAP;
	}
}

/* Bytes of text that fill width and end with a word; a word that is wider stands alone. */
static size_t piece_of(const char *text, size_t len, size_t width)
{
	size_t end = 0;

	while (end < len) {
		size_t next = end + strspn(text + end, " ");

		while (next < len && text[next] != ' ')
			next++;
		if (end > 0 && cp_text_width(text, next) > width)
			break;
		end = next;
	}
	return end;
}

static size_t print_piece(const struct column *c, const char *text, size_t len, size_t column)
{
	size_t width = cp_text_width(text, len);
	size_t at = c->at + (c->is_right && width < c->width ? c->width - width : 0);

	printf("%*s", at > column ? (int)(at - column) : 0, "");
	fwrite(text, 1, len, stdout);
	return more(at, column) + width;
}

/* What is left of the cells that stand on a line; false: nothing was. */
static bool print_line(const struct column *cols, size_t n, size_t line, const char **left, size_t *lens)
{
	size_t column = 0;

	for (size_t c = 0; c < n; c++) {
		size_t len, blanks;

		if (cols[c].line != line || lens[c] == 0)
			continue;
		len = piece_of(left[c], lens[c], cols[c].width);
		column = print_piece(&cols[c], left[c], len, column);
		blanks = strspn(left[c] + len, " ");
		blanks = blanks < lens[c] - len ? blanks : lens[c] - len;
		left[c] += len + blanks;
		lens[c] -= len + blanks;
	}
	if (column > 0)
		putchar('\n');
	return column > 0;
}

/* Further lines on which nothing is said are left out. */
static bool says_something(const struct column *cols, size_t n, size_t line, const char *const *left, const size_t *lens)
{
	for (size_t c = 0; c < n; c++)
		if (cols[c].line == line && (lens[c] != 1 || *left[c] != '-'))
			return true;
	return line == 0;
}

static void print_row(const struct column *cols, size_t n, const char **left, size_t *lens)
{
	for (size_t line = 0; line <= cols[n - 1].line; line++)
		if (says_something(cols, n, line, left, lens))
			while (print_line(cols, n, line, left, lens))
				;
}

static void print_folded(const struct cp_table *t, struct column *cols, const char **left, size_t *lens, char (*names)[64])
{
	fold(cols, t->n, more(cp_terminal_width(), 2 * TEXT_MIN));
	for (size_t c = 0; c < t->n; c++) {
		lens[c] = heading(names[c], t->columns[c]);
		left[c] = names[c];
	}
	print_row(cols, t->n, left, lens);
	for (size_t row = 0; row < t->n_cells; row += t->n) {
		for (size_t c = 0; c < t->n; c++) {
			left[c] = t->text + t->cells[row + c].at;
			lens[c] = t->cells[row + c].len;
		}
		print_row(cols, t->n, left, lens);
	}
}

/* ---- the table --------------------------------------------------------------------------------------------- */

enum cp_code cp_table_print(const struct cp_table *t, struct cp_err *err)
{
	struct column *cols = calloc(t->n, sizeof *cols);
	const char **left = calloc(t->n, sizeof *left);
	size_t *lens = calloc(t->n, sizeof *lens);
	char (*names)[64] = calloc(t->n, sizeof *names);
	bool has_room = cols != NULL && left != NULL && lens != NULL && names != NULL;

	if (has_room) {
		measure(t, cols);
		if (isatty(STDOUT_FILENO) == 1 && row_width(t, cols) > cp_terminal_width())
			print_folded(t, cols, left, lens, names);
		else
			print_plain(t, cols);
	}
	free(cols);
	free(left);
	free(lens);
	free(names);
	if (!has_room)
		return cp_fail(err, CP_EIO, "out of memory for a table");
	return ferror(stdout) ? cp_fail_errno(err, "standard output") : CP_OK;
}
