#include "formats/rows.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/text.h"

#define CHUNK ((size_t)64 << 10)
#define CELLS_MAX 10000

/* A cell while its row is read: places in a buffer that still moves. */
struct slot {
	size_t name_at, text_at, len;
};

struct cp_rows {
	int fd;
	char *where; /* the file's name, fit for messages */
	enum cp_rows_kind kind;
	bool at_end, is_done;

	struct cp_limits limits;
	size_t line_max; /* bytes of a line, and of a row over several lines: its limit, in a size_t */

	struct cp_buf window; /* what is read and not yet let go */
	size_t at;            /* in the window: the next line */
	size_t line;          /* its number */

	struct cp_buf text; /* names and cells of the present row, each with a zero byte behind it */
	struct slot *slots;
	struct cp_cell *cells;
	size_t n_cells, room;
	bool is_whole; /* libcsv has seen the end of the row */
	enum cp_code trouble; /* what a callback of libcsv met */

	struct {
		bool is_there, is_found;
		enum cp_code code;
		struct cp_err err;
		size_t line;
	} first; /* the row that was read at the opening and not yet handed out */

	char **names; /* of the header */
	size_t n_names;
};

/* Messages */

static enum cp_code bad(const struct cp_rows *r, size_t line, size_t column, struct cp_err *err, const char *what)
{
	return cp_fail(err, CP_EINPUT, "%s:%zu:%zu: %s", r->where, line, column, what);
}

/* What is too large: what a person gave, not damage. */
static enum cp_code over(const struct cp_rows *r, enum cp_limit which, const char *what, struct cp_err *err)
{
	(void)cp_limit_over(&r->limits, which, err, "%s", what);
	if (err != NULL)
		err->code = CP_EINPUT;
	return CP_EINPUT;
}

static enum cp_code bad_over(const struct cp_rows *r, size_t line, size_t column, enum cp_limit which, const char *what,
		struct cp_err *err)
{
	struct cp_err why;

	(void)over(r, which, what, &why);
	return bad(r, line, column, err, why.text);
}

static char *shown_name(const char *path)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	if (strcmp(path, "-") == 0)
		return strdup("standard input");
	if (cp_text_shown(&shown, path, strlen(path), false, NULL) != CP_OK)
		return NULL;
	return cp_buf_detach(&shown);
}

/* The window */

/* Lets go of what is behind us, when that is worth a move. */
static void let_go(struct cp_rows *r)
{
	if (r->at < CHUNK || r->at < r->window.len / 2)
		return;
	memmove(r->window.data, r->window.data + r->at, r->window.len - r->at);
	r->window.len -= r->at;
	r->at = 0;
}

/* One more piece of the file into the window. */
static enum cp_code read_more(struct cp_rows *r, struct cp_err *err)
{
	ssize_t n;

	CP_TRY(cp_buf_room(&r->window, CHUNK, err));
	do
		n = read(r->fd, r->window.data + r->window.len, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cp_fail_errno(err, "%s: cannot read", r->where);
	r->window.len += (size_t)n;
	r->window.data[r->window.len] = '\0';
	r->at_end = n == 0;
	return CP_OK;
}

/* Bytes up to the end of the line, the end included; 0 when it is not in sight. */
static size_t line_end(const struct cp_rows *r, size_t from)
{
	const char *data = r->window.data;
	const char *lf = memchr(data + from, '\n', r->window.len - from);
	const char *cr = NULL;
	size_t end = lf != NULL ? (size_t)(lf - data) + 1 : r->at_end ? r->window.len : 0;

	if (r->kind == CP_ROWS_CSV)
		cr = memchr(data + from, '\r', (end > 0 ? end : r->window.len) - from);
	if (cr == NULL || cr + 1 == lf)
		return end;
	if (cr + 1 < data + r->window.len || r->at_end)
		return (size_t)(cr - data) + 1;
	return 0; /* a newline may follow */
}

/*
 * Bytes of the line at r->at, its end included; 0 at the end of the file. A line of more
 * than line_max is returned unfinished.
 */
static enum cp_code peek_line(size_t *out_len, struct cp_rows *r, struct cp_err *err)
{
	size_t from = r->at, end;

	while ((end = line_end(r, from)) == 0 && !r->at_end && r->window.len - r->at <= r->line_max) {
		from = r->window.len > r->at ? r->window.len - 1 : r->at;
		CP_TRY(read_more(r, err));
	}
	*out_len = (end > 0 ? end : r->window.len) - r->at;
	return CP_OK;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Past the line at r->at, however long it is. */
static enum cp_code skip_line(struct cp_rows *r, struct cp_err *err)
{
	size_t len;
	bool is_whole;

	do {
		CP_TRY(peek_line(&len, r, err));
		is_whole = len <= r->line_max || is_line_end(r->window.data[r->at + len - 1]);
		r->at += len;
		let_go(r);
	} while (!is_whole);
	r->line++;
	return CP_OK;
}

/* Cells */

static enum cp_code add_slot(struct cp_rows *r, size_t name_at, size_t text_at, size_t len, struct cp_err *err)
{
	size_t room = r->room > 0 ? r->room * 2 : 32;
	struct slot *slots;
	struct cp_cell *cells;

	if (r->n_cells == r->room) {
		slots = realloc(r->slots, room * sizeof *slots);
		r->slots = slots != NULL ? slots : r->slots;
		cells = realloc(r->cells, room * sizeof *cells);
		r->cells = cells != NULL ? cells : r->cells;
		if (slots == NULL || cells == NULL)
			return cp_fail(err, CP_EIO, "out of memory for %zu cells", room);
		r->room = room;
	}
	r->slots[r->n_cells++] = (struct slot){ name_at, text_at, len };
	return CP_OK;
}

/* Text and a zero byte into the row's buffer; *out_at says where. */
static enum cp_code keep(size_t *out_at, struct cp_rows *r, const char *text, size_t len, struct cp_err *err)
{
	*out_at = r->text.len;
	CP_TRY(cp_buf_add(&r->text, text, len, err));
	return cp_buf_add(&r->text, "", 1, err);
}

static enum cp_code add_cell(struct cp_rows *r, const char *text, size_t len, struct cp_err *err)
{
	size_t at;

	if (r->n_cells == CELLS_MAX)
		return cp_fail(err, CP_EINPUT, "more than %d cells", CELLS_MAX);
	if (len > r->limits.of[CP_LIMIT_TEXT])
		return over(r, CP_LIMIT_TEXT, "a cell", err);
	CP_TRY(keep(&at, r, text, len, err));
	return add_slot(r, SIZE_MAX, at, len, err);
}

/* The place of the cell that could not be added, in front of its words. */
static enum cp_code at_cell(const struct cp_rows *r, size_t line, enum cp_code code, struct cp_err *err)
{
	return code == CP_OK ? CP_OK : cp_fail_at(err, "%s:%zu:%zu", r->where, line, r->n_cells + 1);
}

static void clear_cells(struct cp_rows *r)
{
	cp_buf_clear(&r->text);
	r->n_cells = 0;
	r->is_whole = false;
	r->trouble = CP_OK;
}

/* The row's buffer no longer moves: slots become cells. */
static void point_cells(struct cp_rows *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct slot *s = &r->slots[i];
		const char *name = i < r->n_names ? r->names[i] : "";

		r->cells[i].name = s->name_at == SIZE_MAX ? name : r->text.data + s->name_at;
		r->cells[i].text = r->text.data + s->text_at;
		r->cells[i].len = s->len;
		r->cells[i].column = i + 1;
	}
}

static bool is_blank(const struct cp_rows *r)
{
	return r->n_cells == 0 || (r->kind != CP_ROWS_JSONL && r->n_cells == 1 && r->slots[0].len == 0);
}

/* CSV */

static void on_cell(void *text, size_t len, void *data)
{
	struct cp_rows *r = data;

	if (r->trouble == CP_OK)
		r->trouble = add_cell(r, text != NULL ? text : "", len, NULL);
}

static void on_row(int end, void *data)
{
	struct cp_rows *r = data;

	(void)end;
	r->is_whole = true;
}

static int never_space(unsigned char c)
{
	(void)c;
	return 0; /* spaces are part of a cell */
}

/* Why a row cannot be read; the cell is the one behind those that could. */
static enum cp_code csv_trouble(const struct cp_rows *r, struct csv_parser *p, size_t line,
		struct cp_err *err)
{
	size_t column = r->n_cells + 1;

	if (r->trouble == CP_EIO || csv_error(p) == CSV_ENOMEM)
		return cp_fail(err, CP_EIO, "%s:%zu: out of memory", r->where, line);
	if (r->n_cells == CELLS_MAX)
		return bad(r, line, column, err, "more than 10000 cells in a row");
	if (r->trouble != CP_OK || p->entry_pos > r->limits.of[CP_LIMIT_TEXT])
		return bad_over(r, line, column, CP_LIMIT_TEXT, "a cell (is a quote not closed?)", err);
	if (csv_error(p) != CSV_EPARSE)
		return bad_over(r, line, column, CP_LIMIT_DOCUMENT, "a row (is a quote not closed?)", err);
	return bad(r, line, column, err,
			"unbalanced quotes; put a cell that holds quotes into quotes and double those inside");
}

/* Lines go to libcsv until a row is whole. false: the row is bad. */
static enum cp_code feed_csv(bool *out_good, struct cp_rows *r, struct csv_parser *p, struct cp_err *err)
{
	size_t begin = r->at, len;

	*out_good = false;
	while (!r->is_whole) {
		CP_TRY(peek_line(&len, r, err));
		if (len == 0) {
			*out_good = csv_fini(p, on_cell, on_row, r) == 0 && r->trouble == CP_OK;
			return CP_OK;
		}
		if (r->at + len - begin > r->line_max)
			return CP_OK;
		if (csv_parse(p, r->window.data + r->at, len, on_cell, on_row, r) != len)
			return CP_OK;
		if (r->trouble != CP_OK || p->entry_pos > r->limits.of[CP_LIMIT_TEXT])
			return CP_OK;
		r->at += len;
		r->line++;
	}
	*out_good = true;
	return CP_OK;
}

/*
 * A row that libcsv refuses ends where its first line ends: what swallowed the lines
 * behind it was most likely a quote that nobody closed.
 */
static enum cp_code read_csv(struct cp_rows *r, struct cp_err *err)
{
	struct csv_parser p;
	size_t begin = r->at, line = r->line;
	enum cp_code code;
	bool is_good;

	if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return cp_fail(err, CP_EIO, "%s: out of memory", r->where);
	csv_set_blk_size(&p, 16384); /* it grows by so much at a time: by 128 bytes a long cell takes quadratic time */
	csv_set_space_func(&p, never_space);
	code = feed_csv(&is_good, r, &p, err);
	if (code == CP_OK && !is_good) {
		code = csv_trouble(r, &p, line, err);
		r->at = begin;
		r->line = line;
		if (code == CP_EINPUT && skip_line(r, err) != CP_OK)
			code = CP_EIO;
	}
	csv_free(&p);
	return code;
}

/* TSV */

static enum cp_code read_tsv(struct cp_rows *r, const char *text, size_t len, struct cp_err *err)
{
	const char *end = text + len, *tab;

	for (;; text = tab + 1) {
		tab = memchr(text, '\t', (size_t)(end - text));
		CP_TRY(add_cell(r, text, (size_t)((tab != NULL ? tab : end) - text), err));
		if (tab == NULL)
			return CP_OK;
	}
}

/* JSON lines */

static const char no_object[] = "one object a line is needed; `jq -c '.[]'` makes lines of a JSON array";

static void cp_json_drop(json_t **j)
{
	json_decref(*j);
}

static void cp_cstr_drop(char **text)
{
	free(*text);
}

/* Compact JSON with as few digits as keep every number what it is. */
static char *json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_t *again = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	bool is_same = again != NULL && json_equal(again, value);

	json_decref(again);
	if (is_same)
		return text;
	free(text);
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
}

static enum cp_code add_value(struct cp_rows *r, const json_t *value, struct cp_err *err)
{
	CP_AUTO(cstr) char *text = NULL;

	if (json_is_string(value))
		return add_cell(r, json_string_value(value), json_string_length(value), err);
	if (json_is_null(value))
		return add_cell(r, "", 0, err);
	text = json_text(value);
	if (text == NULL)
		return cp_fail(err, CP_EIO, "out of memory for a JSON value");
	return add_cell(r, text, strlen(text), err);
}

static enum cp_code add_members(struct cp_rows *r, json_t *row, struct cp_err *err)
{
	const char *name;
	json_t *value;
	size_t at;

	json_object_foreach(row, name, value) {
		CP_TRY(keep(&at, r, name, strlen(name), err));
		CP_TRY(add_value(r, value, err));
		r->slots[r->n_cells - 1].name_at = at;
	}
	return CP_OK;
}

static enum cp_code bad_json(const struct cp_rows *r, const json_error_t *why, const char *text, size_t line,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf words = CP_BUF(4096);
	size_t column = why->column > 0 ? (size_t)why->column : 1;

	if (text[0] == '[')
		return bad(r, line, column, err, no_object);
	if (json_error_code(why) == json_error_null_character)
		return bad(r, line, column, err, "the NUL character \\u0000; take it out");
	CP_TRY(cp_text_shown(&words, why->text, strlen(why->text), false, err));
	return bad(r, line, column, err, words.len > 0 ? words.data : "not JSON");
}

static enum cp_code read_json(struct cp_rows *r, const char *text, size_t len, size_t line, struct cp_err *err)
{
	CP_AUTO(json) json_t *row = NULL;
	json_error_t why;

	while (len > 0 && strchr(" \t\r\n", *text) != NULL && *text != '\0')
		text++, len--;
	if (len == 0)
		return CP_OK;
	if (cp_json_measure(text, len).depth > r->limits.of[CP_LIMIT_DEPTH])
		return bad_over(r, line, 1, CP_LIMIT_DEPTH, "how deep its JSON goes", err);
	row = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (row == NULL)
		return bad_json(r, &why, text, line, err);
	if (!json_is_object(row))
		return bad(r, line, 1, err, no_object);
	return at_cell(r, line, add_members(r, row, err), err);
}

/* Rows */

/* One line of TSV or JSON; the line is behind us afterwards, good or bad. */
static enum cp_code read_line(struct cp_rows *r, struct cp_err *err)
{
	const char *text;
	size_t len, line = r->line;

	CP_TRY(peek_line(&len, r, err));
	text = r->window.data + r->at;
	if (len > r->line_max) {
		CP_TRY(skip_line(r, err));
		return bad_over(r, line, 1, CP_LIMIT_DOCUMENT, "the line", err);
	}
	r->at += len;
	r->line++;
	len -= len > 0 && text[len - 1] == '\n';
	len -= len > 0 && text[len - 1] == '\r';
	if (r->kind == CP_ROWS_JSONL)
		return read_json(r, text, len, line, err);
	return at_cell(r, line, read_tsv(r, text, len, err), err);
}

/* Passes over line ends in front of a row, so that it begins on its own line. False at the end. */
static enum cp_code find_row(bool *out_found, struct cp_rows *r, struct cp_err *err)
{
	size_t len;

	for (;;) {
		let_go(r);
		CP_TRY(peek_line(&len, r, err));
		*out_found = len > 0;
		if (len == 0 || !is_line_end(r->window.data[r->at]))
			return CP_OK;
		if (r->window.data[r->at] == '\r' && len != 1 + (r->window.data[r->at + 1] == '\n'))
			return CP_OK; /* a lone carriage return is text in TSV */
		r->at += len;
		r->line++;
	}
}

static enum cp_code check_cells(const struct cp_rows *r, size_t line, struct cp_err *err)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const char *text = r->text.data + r->slots[i].text_at;

		if (memchr(text, '\0', r->slots[i].len) != NULL)
			return bad(r, line, i + 1, err, "a NUL byte; is this a text file in UTF-8?");
		if (!cp_utf8_valid(text, r->slots[i].len))
			return bad(r, line, i + 1, err, "not valid UTF-8; save the file as UTF-8");
	}
	return CP_OK;
}

static enum cp_code check_width(const struct cp_rows *r, size_t line, struct cp_err *err)
{
	size_t n = r->n_cells, want = r->n_names;

	if (r->kind == CP_ROWS_JSONL || want == 0 || n == want)
		return CP_OK;
	return cp_fail(err, CP_EINPUT, "%s:%zu:%zu: %zu cells where the first row has %zu", r->where, line,
			(n < want ? n : want) + 1, n, want);
}

/* The next row that is not blank into r->slots. */
static enum cp_code read_row(struct cp_rows *r, size_t *out_line, bool *out_found, struct cp_err *err)
{
	for (;;) {
		clear_cells(r);
		CP_TRY(find_row(out_found, r, err));
		*out_line = r->line;
		if (!*out_found)
			return CP_OK;
		CP_TRY(r->kind == CP_ROWS_CSV ? read_csv(r, err) : read_line(r, err));
		if (is_blank(r))
			continue;
		CP_TRY(check_cells(r, *out_line, err));
		return check_width(r, *out_line, err);
	}
}

static enum cp_code name_by_number(struct cp_rows *r, struct cp_err *err)
{
	r->names = calloc(r->n_cells, sizeof *r->names);
	for (size_t i = 0; r->names != NULL && i < r->n_cells; i++) {
		if (asprintf(&r->names[i], "%zu", i + 1) < 0)
			return cp_fail(err, CP_EIO, "out of memory for names");
		r->n_names = i + 1;
	}
	return r->names != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory for names");
}

static enum cp_code first_row(struct cp_rows *r, size_t *out_line, bool *out_found, struct cp_err *err)
{
	r->first.is_there = false;
	*out_line = r->first.line;
	*out_found = r->first.is_found;
	if (r->first.code != CP_OK)
		*err = r->first.err;
	return r->first.code;
}

enum cp_code cp_rows_next(struct cp_rows *r, struct cp_row *out, bool *out_more, struct cp_err *err)
{
	struct cp_err spare;
	size_t line = 0;
	enum cp_code code;
	bool is_found = false;

	err = err != NULL ? err : &spare;
	*out = (struct cp_row){ 0, 0, NULL };
	*out_more = false;
	if (r->is_done)
		return CP_OK;
	code = (r->first.is_there ? first_row : read_row)(r, &line, &is_found, err);
	r->is_done = code == CP_OK ? !is_found : code != CP_EINPUT;
	*out_more = !r->is_done;
	if (code != CP_OK || r->is_done)
		return code;
	if (r->kind != CP_ROWS_JSONL && r->n_names == 0)
		CP_TRY(name_by_number(r, err));
	point_cells(r);
	*out = (struct cp_row){ line, r->n_cells, r->cells };
	return CP_OK;
}

const struct cp_cell *cp_row_cell(const struct cp_row *row, const char *name)
{
	for (size_t i = 0; i < row->n_cells; i++)
		if (strcmp(row->cells[i].name, name) == 0)
			return &row->cells[i];
	return NULL;
}

/* Opening */

static enum cp_code check_start(struct cp_rows *r, struct cp_err *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *data;

	while (!r->at_end && r->window.len < 4)
		CP_TRY(read_more(r, err));
	data = r->window.data;
	if (r->window.len >= 3 && memcmp(data, bom, 3) == 0)
		r->at = 3;
	if (r->window.len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
		return bad(r, 1, 1, err, "this is UTF-16; save the file as UTF-8");
	return CP_OK;
}

static enum cp_code check_name(const struct cp_rows *r, size_t line, size_t i, struct cp_err *err)
{
	char shown[CP_QUOTE];

	for (size_t k = 0; k < i; k++)
		if (strcmp(r->names[k], r->names[i]) == 0)
			return cp_fail(err, CP_EINPUT, "%s:%zu:%zu: the header has the name %s twice", r->where, line,
					i + 1, cp_text_quote(shown, r->names[i], strlen(r->names[i])));
	return CP_OK;
}

/* A name without the spaces around it; a column without a name has its number. */
static char *header_name(const char *text, size_t len, size_t column)
{
	char *name = NULL;

	while (len > 0 && text[len - 1] == ' ')
		len--;
	while (len > 0 && *text == ' ')
		text++, len--;
	if (len > 0)
		return strndup(text, len);
	return asprintf(&name, "%zu", column) < 0 ? NULL : name;
}

static enum cp_code keep_header(struct cp_rows *r, size_t line, bool is_json, struct cp_err *err)
{
	r->names = calloc(r->n_cells > 0 ? r->n_cells : 1, sizeof *r->names);
	for (size_t i = 0; r->names != NULL && i < r->n_cells; i++) {
		const struct slot *s = &r->slots[i];

		r->names[i] = is_json ? strdup(r->text.data + s->name_at)
			: header_name(r->text.data + s->text_at, s->len, i + 1);
		if (r->names[i] == NULL)
			return cp_fail(err, CP_EIO, "out of memory for a header");
		r->n_names = i + 1;
		if (!is_json)
			CP_TRY(check_name(r, line, i, err));
	}
	return r->names != NULL ? CP_OK : cp_fail(err, CP_EIO, "out of memory for a header");
}

static enum cp_code read_header(struct cp_rows *r, struct cp_err *err)
{
	bool is_found;
	size_t line;

	CP_TRY(read_row(r, &line, &is_found, err));
	if (!is_found)
		return bad(r, line, 1, err, "the file is empty; its first line must name the columns");
	return keep_header(r, line, false, err);
}

/* The names of a file without a header are those of its first row, which waits to be handed out. */
static enum cp_code peek_names(struct cp_rows *r, struct cp_err *err)
{
	r->first.is_there = true;
	r->first.code = read_row(r, &r->first.line, &r->first.is_found, &r->first.err);
	if (r->first.code != CP_OK || !r->first.is_found)
		return CP_OK; /* the first cp_rows_next says so */
	if (r->kind == CP_ROWS_JSONL)
		return keep_header(r, r->first.line, true, err);
	return name_by_number(r, err);
}

static enum cp_code begin(struct cp_rows *r, const char *path, bool has_header, struct cp_err *err)
{
	r->where = shown_name(path);
	if (r->where == NULL)
		return cp_fail(err, CP_EIO, "out of memory for a file's name");
	r->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0 && errno == ENOENT)
		return cp_fail(err, CP_ENOTFOUND, "%s: no such file", r->where);
	if (r->fd < 0)
		return cp_fail_errno(err, "%s: cannot open", r->where);
	CP_TRY(check_start(r, err));
	if (has_header && r->kind != CP_ROWS_JSONL)
		return read_header(r, err);
	return peek_names(r, err);
}

enum cp_code cp_rows_open(struct cp_rows **out, const char *path, enum cp_rows_kind kind, bool has_header,
		const struct cp_limits *limits, struct cp_err *err)
{
	CP_AUTO(rows) struct cp_rows *r = calloc(1, sizeof *r);
	struct cp_err spare;

	err = err != NULL ? err : &spare;
	if (r == NULL)
		return cp_fail(err, CP_EIO, "out of memory to read a file");
	r->fd = -1;
	r->kind = kind;
	r->line = 1;
	r->limits = *limits;
	r->line_max = (size_t)limits->of[CP_LIMIT_DOCUMENT];
	r->window.max = 4 * (r->line_max + CHUNK);
	r->text.max = CP_TEXT_MAX;
	CP_TRY(begin(r, path, has_header, err));
	*out = r;
	r = NULL;
	return CP_OK;
}

enum cp_code cp_rows_kind_of(enum cp_rows_kind *out, const char *path, struct cp_err *err)
{
	static const struct {
		const char *end;
		enum cp_rows_kind kind;
	} ends[] = {
		{ ".csv", CP_ROWS_CSV }, { ".tsv", CP_ROWS_TSV }, { ".tab", CP_ROWS_TSV },
		{ ".jsonl", CP_ROWS_JSONL }, { ".ndjson", CP_ROWS_JSONL }, { ".json", CP_ROWS_JSONL },
	};
	const char *dot = strrchr(path, '.');
	char shown[CP_QUOTE];

	for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++) {
		if (strcasecmp(dot, ends[i].end) == 0) {
			*out = ends[i].kind;
			return CP_OK;
		}
	}
	return cp_fail(err, CP_EUSAGE, "%s: a file's name must end in .csv, .tsv, .tab, .jsonl, .ndjson or .json",
			cp_text_quote(shown, path, strlen(path)));
}

size_t cp_rows_header(const struct cp_rows *r, const char *const **out_names)
{
	*out_names = (const char *const *)r->names;
	return r->n_names;
}

void cp_rows_close(struct cp_rows *r)
{
	if (r == NULL)
		return;
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	for (size_t i = 0; i < r->n_names; i++)
		free(r->names[i]);
	free(r->names);
	free(r->slots);
	free(r->cells);
	free(r->where);
	cp_buf_drop(&r->window);
	cp_buf_drop(&r->text);
	free(r);
}

void cp_rows_drop(struct cp_rows **r)
{
	cp_rows_close(*r);
	*r = NULL;
}

/* Writing */

enum cp_code cp_csv_add_cell(struct cp_buf *out, const char *text, size_t len, struct cp_err *err)
{
	size_t quotes = 0, special = 0;

	for (size_t i = 0; i < len; i++) {
		quotes += text[i] == '"';
		special += text[i] == ',' || is_line_end(text[i]);
	}
	if (quotes + special == 0)
		return cp_buf_add(out, text, len, err);
	CP_TRY(cp_buf_room(out, len + quotes + 2, err));
	out->len += csv_write(out->data + out->len, len + quotes + 2, text, len);
	out->data[out->len] = '\0';
	return CP_OK;
}
