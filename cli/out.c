#include "cli/cli.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/shown.h"
#include "cli/table.h"
#include "formats/text.h"

#define TABLE_MAX ((size_t)1 << 30)

struct cp_out {
	bool json;
	const char **columns;
	size_t n, next;        /* next: column of the cell that comes */
	json_t *object;        /* the row that is being filled, JSON only */
	struct cp_buf text;    /* of all cells, tables only */
	struct cp_cell *cells;
	size_t n_cells, cap;
};

enum cp_code cp_out_begin(struct cp_out **out, bool json, const char *const *columns, size_t n,
		struct cp_err *err)
{
	struct cp_out *o = calloc(1, sizeof *o);

	assert(n > 0);
	*out = NULL;
	if (o != NULL)
		o->columns = malloc(n * sizeof *o->columns);
	if (o == NULL || o->columns == NULL) {
		free(o);
		return cp_fail(err, CP_EIO, "out of memory for a table of %zu columns", n);
	}
	memcpy(o->columns, columns, n * sizeof *o->columns);
	o->json = json;
	o->n = n;
	o->text.max = TABLE_MAX;
	*out = o;
	return CP_OK;
}

static void out_free(struct cp_out *o)
{
	if (o == NULL)
		return;
	json_decref(o->object);
	cp_buf_drop(&o->text);
	free(o->cells);
	free(o->columns);
	free(o);
}

/* ---- JSON lines ---------------------------------------------------------------------- */

static enum cp_code end_object(struct cp_out *o, struct cp_err *err)
{
	json_t *object = o->object;

	o->object = NULL;
	return cp_json_line(object, err);
}

/* Takes value, which may be NULL for want of memory. */
static enum cp_code put_json(struct cp_out *o, json_t *value, struct cp_err *err)
{
	assert(o->json);
	if (o->object == NULL)
		o->object = json_object();
	if (json_object_set_new(o->object, o->columns[o->next], value) != 0)
		return cp_fail(err, CP_EIO, "out of memory for a line of JSON");
	if (++o->next < o->n)
		return CP_OK;
	o->next = 0;
	return end_object(o, err);
}

static enum cp_code put_json_text(struct cp_out *o, const char *text, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(TABLE_MAX);

	if (text == NULL)
		return put_json(o, json_null(), err);
	if (cp_utf8_valid(text, strlen(text)))
		return put_json(o, json_string(text), err);
	CP_TRY(cp_text_shown(&shown, text, strlen(text), true, err));
	return put_json(o, json_string(shown.data), err);
}

/* ---- tables --------------------------------------------------------------------------- */

static enum cp_code put_cell(struct cp_out *o, const char *text, bool is_number, struct cp_err *err)
{
	struct cp_cell *c;

	if (o->n_cells == o->cap) {
		size_t cap = o->cap > 0 ? o->cap * 2 : 64;
		struct cp_cell *more = realloc(o->cells, cap * sizeof *more);

		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory for a table");
		o->cells = more;
		o->cap = cap;
	}
	c = &o->cells[o->n_cells];
	*c = (struct cp_cell){ .at = o->text.len, .is_number = is_number };
	if (text == NULL || *text == '\0')
		text = "-";
	CP_TRY(cp_text_shown(&o->text, text, strlen(text), false, err));
	c->len = o->text.len - c->at;
	c->width = cp_text_width(o->text.data + c->at, c->len);
	o->n_cells++;
	o->next = (o->next + 1) % o->n;
	return CP_OK;
}

static enum cp_code print_table(const struct cp_out *o, struct cp_err *err)
{
	return cp_table_print(&(struct cp_table){ o->columns, o->n, o->text.data, o->cells, o->n_cells }, err);
}

/* ---- cells ------------------------------------------------------------------------------ */

enum cp_code cp_out_text(struct cp_out *o, const char *text, struct cp_err *err)
{
	return o->json ? put_json_text(o, text, err) : put_cell(o, text, false, err);
}

enum cp_code cp_out_int(struct cp_out *o, int64_t n, struct cp_err *err)
{
	char text[32];

	if (o->json)
		return put_json(o, json_integer(n), err);
	snprintf(text, sizeof text, "%lld", (long long)n);
	return put_cell(o, text, true, err);
}

enum cp_code cp_out_bool(struct cp_out *o, bool b, struct cp_err *err)
{
	return o->json ? put_json(o, json_boolean(b), err) : put_cell(o, b ? "yes" : "no", false, err);
}

/* Whole seconds and what is left of them, also before 1970. */
static bool split_time(int64_t us, struct tm *out, int *out_us)
{
	int64_t left = us % 1000000;
	time_t at = (time_t)(us / 1000000);

	if (left < 0) {
		left += 1000000;
		at--;
	}
	*out_us = (int)left;
	return gmtime_r(&at, out) != NULL && out->tm_year >= -1900 && out->tm_year <= 9999 - 1900;
}

char *cp_time_text(char out[32], int64_t us)
{
	struct tm tm;
	int rest;

	if (!split_time(us, &tm, &rest) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(out, "-");
	return out;
}

enum cp_code cp_out_time(struct cp_out *o, int64_t us, struct cp_err *err)
{
	char text[64] = "";
	struct tm tm;
	int rest;

	if (us == 0 || !split_time(us, &tm, &rest))
		return cp_out_text(o, NULL, err);
	strftime(text, sizeof text, o->json ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
	if (o->json)
		snprintf(text + strlen(text), sizeof text - strlen(text), ".%06dZ", rest);
	return cp_out_text(o, text, err);
}

enum cp_code cp_out_end(struct cp_out *o, struct cp_err *err)
{
	return cp_out_close(o, CP_OK, err);
}

enum cp_code cp_out_close(struct cp_out *o, enum cp_code code, struct cp_err *err)
{
	assert(o == NULL || code != CP_OK || o->next == 0); /* no half row */
	if (o != NULL && code == CP_OK && !o->json && o->n_cells > 0)
		code = print_table(o, err);
	out_free(o);
	return code;
}
