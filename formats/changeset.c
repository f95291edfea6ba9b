#include "formats/changeset.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "formats/text.h"

#define TABLE_MARK 'T'
#define PATCHSET_MARK 'P'
#define SQL_DELETE 9
#define LENGTH_BYTES 5 /* of a length at most: 35 bits, more than CP_VALUE_MAX needs */

/* ---- values ----------------------------------------------------------------------- */

static uint64_t bits_of(double real)
{
	uint64_t bits;

	memcpy(&bits, &real, sizeof bits);
	return bits;
}

static bool is_nan(double real)
{
	return bits_of(real) << 1 > UINT64_C(0x7ff) << 53;
}

bool cp_value_equal(const struct cp_value *a, const struct cp_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case CP_INT:
		return a->integer == b->integer;
	case CP_REAL:
		return bits_of(a->real) == bits_of(b->real);
	case CP_TEXT:
	case CP_BLOB:
		return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
	case CP_ABSENT:
	case CP_NULL:
		break;
	}
	return true;
}

/* SQLite records no change between 0.0 and -0.0, though it keeps them apart. */
static bool is_no_change(const struct cp_value *old, const struct cp_value *new)
{
	if (old->type == CP_REAL && new->type == CP_REAL)
		return old->real == new->real;
	return cp_value_equal(old, new);
}

static bool is_text(const uint8_t *bytes, size_t len)
{
	return len == 0 || cp_utf8_valid((const char *)bytes, len);
}

const struct cp_value *cp_change_key(const struct cp_change *c, size_t column)
{
	assert(column < CP_MAX_COLUMNS);
	return c->op == CP_INSERT ? &c->now[column] : &c->was[column];
}

/* ---- reading: words --------------------------------------------------------------- */

static enum cp_code refuse(struct cp_err *err, size_t at, const char *fmt, ...) CP_PRINTF(3, 4);

static enum cp_code refuse(struct cp_err *err, size_t at, const char *fmt, ...)
{
	char words[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	return cp_fail(err, CP_EFORMAT, "changeset refused at byte %zu: %s", at, words);
}

static enum cp_code refuse_value(const struct cp_changeset *r, size_t at, size_t column, const char *what,
		struct cp_err *err)
{
	return refuse(err, at, "table %s, column %zu: %s", r->shapes[r->table].name, column + 1, what);
}

/* A table name from outside, made safe to show. */
static void name_shown(char out[static 41], const uint8_t *name, size_t len)
{
	size_t n = len < 40 ? len : 40;

	for (size_t i = 0; i < n; i++)
		out[i] = name[i] >= ' ' && name[i] < 0x7f && name[i] != '"' ? (char)name[i] : '?';
	out[n] = '\0';
}

/* ---- reading: parts --------------------------------------------------------------- */

/* False where a length is cut off, too big for LENGTH_BYTES, or not in its shortest form. */
static bool read_length(size_t *out, struct cp_changeset *r)
{
	uint64_t value = 0;

	for (size_t n = 0; n < LENGTH_BYTES && n < r->len - r->at; n++) {
		uint8_t byte = r->data[r->at + n];

		if (n == 0 && byte == 0x80)
			return false;
		value = value << 7 | (byte & 0x7f);
		if (byte < 0x80) {
			r->at += n + 1;
			*out = (size_t)value;
			return true;
		}
	}
	return false;
}

static enum cp_code read_number(struct cp_value *out, struct cp_changeset *r, size_t column,
		struct cp_err *err)
{
	uint64_t bits = 0;

	if (r->len - r->at < sizeof bits)
		return refuse_value(r, r->at, column, "a number that is cut off", err);
	for (size_t i = 0; i < sizeof bits; i++)
		bits = bits << 8 | r->data[r->at + i];
	if (out->type == CP_INT)
		memcpy(&out->integer, &bits, sizeof bits);
	else
		memcpy(&out->real, &bits, sizeof bits);
	if (out->type == CP_REAL && is_nan(out->real))
		return refuse_value(r, r->at, column, "a real that is not a number", err);
	r->at += sizeof bits;
	return CP_OK;
}

static enum cp_code read_bytes(struct cp_value *out, struct cp_changeset *r, size_t column,
		struct cp_err *err)
{
	if (!read_length(&out->len, r))
		return refuse_value(r, r->at, column, "a length that is cut off or not in its shortest form", err);
	if (out->len > CP_VALUE_MAX)
		return refuse_value(r, r->at, column, "a value longer than SQLite can take", err);
	if (out->len > r->len - r->at)
		return refuse_value(r, r->at, column, "more bytes promised than are there", err);
	out->bytes = r->data + r->at;
	if (out->type == CP_TEXT && !is_text(out->bytes, out->len))
		return refuse_value(r, r->at, column, "text that is not UTF-8 or has a zero byte", err);
	r->at += out->len;
	return CP_OK;
}

static enum cp_code read_value(struct cp_value *out, struct cp_changeset *r, size_t column,
		struct cp_err *err)
{
	memset(out, 0, sizeof *out);
	if (r->at == r->len)
		return refuse_value(r, r->at, column, "the value is cut off", err);
	if (r->data[r->at] > CP_NULL)
		return refuse_value(r, r->at, column, "a type that SQLite does not have", err);
	out->type = (enum cp_type)r->data[r->at++];
	if (out->type == CP_INT || out->type == CP_REAL)
		return read_number(out, r, column, err);
	if (out->type == CP_TEXT || out->type == CP_BLOB)
		return read_bytes(out, r, column, err);
	return CP_OK;
}

static enum cp_code read_row(struct cp_value out[], struct cp_changeset *r, struct cp_err *err)
{
	for (size_t i = 0; i < r->columns; i++)
		CP_TRY(read_value(&out[i], r, i, err));
	for (size_t i = r->columns; i < r->shapes[r->table].n_columns; i++)
		memset(&out[i], 0, sizeof out[i]);
	return CP_OK;
}

/* ---- reading: table headers ------------------------------------------------------- */

/* The shape of exactly that name, or n_shapes. name has its final zero byte. */
static size_t shape_named(const struct cp_changeset *r, const uint8_t *name, size_t len)
{
	size_t i;

	for (i = 0; i < r->n_shapes; i++)
		if (strlen(r->shapes[i].name) == len && memcmp(r->shapes[i].name, name, len) == 0)
			break;
	return i;
}

static enum cp_code fit_shape(struct cp_changeset *r, const uint8_t *name, size_t len, size_t columns,
		const uint8_t *key, struct cp_err *err)
{
	const struct cp_shape *shape;
	size_t before = r->table;
	char shown[41];

	r->table = shape_named(r, name, len);
	if (r->table == r->n_shapes) {
		name_shown(shown, name, len);
		return refuse(err, r->header, "there is no table \"%s\" that may travel", shown);
	}
	shape = &r->shapes[r->table];
	if (columns > shape->n_columns || columns < (shape->n_first ? shape->n_first : shape->n_columns))
		return refuse(err, r->header, "table %s with %zu columns, not %zu", shape->name, columns,
				shape->n_columns);
	if (r->table == before && columns != r->columns) /* SQLite would go on with the count it knows */
		return refuse(err, r->header, "table %s with %zu columns behind one with %zu", shape->name, columns, r->columns);
	r->columns = columns;
	if (memcmp(key, shape->key, columns) != 0)
		return refuse(err, r->header, "table %s with another primary key", shape->name);
	return CP_OK;
}

/* "T", column count, a key byte for each column, name, zero byte. */
static enum cp_code read_header(struct cp_changeset *r, struct cp_err *err)
{
	const uint8_t *key, *name, *end;
	size_t columns;

	r->header = r->at++;
	if (!read_length(&columns, r))
		return refuse(err, r->at, "a column count that is cut off or not in its shortest form");
	if (columns < 1 || columns > CP_MAX_COLUMNS)
		return refuse(err, r->header, "a table with %zu columns; 1 to %d are read", columns, CP_MAX_COLUMNS);
	if (columns > r->len - r->at)
		return refuse(err, r->at, "a table header that is cut off");
	key = r->data + r->at;
	r->at += columns;
	name = r->data + r->at;
	end = memchr(name, '\0', r->len - r->at);
	if (end == NULL)
		return refuse(err, r->at, "a table name without its end");
	r->at += (size_t)(end - name) + 1;
	r->header_len = r->at - r->header;
	return fit_shape(r, name, (size_t)(end - name), columns, key, err);
}

/* ---- reading: changes ------------------------------------------------------------- */

static enum cp_code check_insert(const struct cp_changeset *r, const struct cp_change *c, struct cp_err *err)
{
	const struct cp_shape *shape = &r->shapes[r->table];

	for (size_t i = 0; i < r->columns; i++) {
		if (c->now[i].type == CP_ABSENT)
			return refuse_value(r, c->offset, i, "missing in an INSERT", err);
		if (shape->key[i] != 0 && c->now[i].type == CP_NULL)
			return refuse_value(r, c->offset, i, "NULL in the key", err);
	}
	return CP_OK;
}

/* What is wrong with column i of an UPDATE, or NULL; *changed counts those that it writes. */
static const char *update_fault(const struct cp_value *was, const struct cp_value *now, bool is_key,
		size_t *changed)
{
	if (is_key) {
		if (was->type == CP_ABSENT || was->type == CP_NULL)
			return "NULL or missing in the key of an UPDATE";
		return now->type == CP_ABSENT ? NULL : "an UPDATE that writes the key";
	}
	if (was->type == CP_ABSENT && now->type == CP_ABSENT)
		return NULL;
	if (was->type == CP_ABSENT || now->type == CP_ABSENT)
		return "an UPDATE with only the old or only the new value";
	if (is_no_change(was, now))
		return "an UPDATE that leaves the value as it was";
	++*changed;
	return NULL;
}

static enum cp_code check_update(const struct cp_changeset *r, const struct cp_change *c, struct cp_err *err)
{
	const struct cp_shape *shape = &r->shapes[r->table];
	size_t changed = 0;

	for (size_t i = 0; i < shape->n_columns; i++) {
		const char *fault = update_fault(&c->was[i], &c->now[i], shape->key[i] != 0, &changed);

		if (fault != NULL)
			return refuse_value(r, c->offset, i, fault, err);
	}
	if (changed == 0)
		return refuse(err, c->offset, "table %s: an UPDATE that changes nothing", shape->name);
	return CP_OK;
}

/* Operation and indirect flag. */
static enum cp_code read_op(enum cp_op *out, struct cp_changeset *r, struct cp_err *err)
{
	uint8_t op;

	if (r->at == r->len)
		return refuse(err, r->at, "a table header with no change behind it");
	op = r->data[r->at];
	if (op == TABLE_MARK)
		return refuse(err, r->at, "a table header with no change between it and the next");
	if (op == PATCHSET_MARK)
		return refuse(err, r->at, "a patchset, which has no old values; only changesets are read");
	if (op == SQL_DELETE)
		return refuse(err, r->at, "a DELETE; only INSERT and UPDATE are read");
	if (op != CP_INSERT && op != CP_UPDATE)
		return refuse(err, r->at, "operation %u; only INSERT (18) and UPDATE (23) are read", (unsigned)op);
	if (r->len - r->at < 2)
		return refuse(err, r->at, "a change that is cut off");
	if (r->data[r->at + 1] != 0)
		return refuse(err, r->at + 1, "an indirect change; only direct ones are read");
	r->at += 2;
	*out = (enum cp_op)op;
	return CP_OK;
}

static enum cp_code read_change(struct cp_changeset *r, struct cp_change *c, struct cp_err *err)
{
	c->offset = r->at;
	CP_TRY(read_op(&c->op, r, err));
	c->table = r->table;
	c->header = r->header;
	c->header_len = r->header_len;
	if (c->op == CP_INSERT)
		memset(c->was, 0, r->shapes[r->table].n_columns * sizeof c->was[0]);
	else
		CP_TRY(read_row(c->was, r, err));
	CP_TRY(read_row(c->now, r, err));
	c->len = r->at - c->offset;
	return c->op == CP_INSERT ? check_insert(r, c, err) : check_update(r, c, err);
}

void cp_changeset_begin(struct cp_changeset *r, const void *data, size_t len,
		const struct cp_shape *shapes, size_t n_shapes)
{
	memset(r, 0, sizeof *r);
	r->data = data;
	r->len = len;
	r->shapes = shapes;
	r->n_shapes = n_shapes;
	r->table = n_shapes;
}

/* A header is read together with its first change, so the end of a change is where r may stop. */
enum cp_code cp_changeset_next(struct cp_changeset *r, struct cp_change *c, bool *out_more,
		struct cp_err *err)
{
	struct cp_changeset next = *r;
	uint8_t mark;

	*out_more = false;
	if (r->len > CP_CHANGESET_MAX)
		return refuse(err, CP_CHANGESET_MAX, "longer than SQLite can take");
	if (r->at == r->len)
		return CP_OK;
	mark = r->data[r->at];
	if (mark == TABLE_MARK)
		CP_TRY(read_header(&next, err));
	else if (r->table == r->n_shapes && mark != PATCHSET_MARK)
		return refuse(err, r->at, "it does not begin with a table header");
	CP_TRY(read_change(&next, c, err));
	*r = next;
	*out_more = true;
	return CP_OK;
}

enum cp_code cp_changeset_check(const void *data, size_t len, const struct cp_shape *shapes,
		size_t n_shapes, size_t *out_changes, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	size_t changes = 0;
	bool more;

	cp_changeset_begin(&r, data, len, shapes, n_shapes);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			break;
		changes++;
	}
	if (out_changes != NULL)
		*out_changes = changes;
	return CP_OK;
}

/* ---- writing ---------------------------------------------------------------------- */

static size_t length_size(size_t length)
{
	size_t n = 1;

	while (length >>= 7)
		n++;
	return n;
}

static uint8_t *put_length(uint8_t *at, size_t length)
{
	size_t n = length_size(length);

	for (size_t i = n; i-- > 0; length >>= 7)
		at[i] = (uint8_t)((length & 0x7f) | (i + 1 < n ? 0x80 : 0));
	return at + n;
}

static size_t value_size(const struct cp_value *v)
{
	if (v->type == CP_INT || v->type == CP_REAL)
		return 9;
	if (v->type == CP_TEXT || v->type == CP_BLOB)
		return 1 + length_size(v->len) + v->len;
	return 1;
}

static uint8_t *put_value(uint8_t *at, const struct cp_value *v)
{
	uint64_t bits;

	*at++ = (uint8_t)v->type;
	if (v->type == CP_INT || v->type == CP_REAL) {
		bits = v->type == CP_INT ? (uint64_t)v->integer : bits_of(v->real);
		for (int shift = 56; shift >= 0; shift -= 8)
			*at++ = (uint8_t)(bits >> shift);
	} else if (v->type == CP_TEXT || v->type == CP_BLOB) {
		at = put_length(at, v->len);
		if (v->len > 0)
			memcpy(at, v->bytes, v->len);
		at += v->len;
	}
	return at;
}

/* Why v cannot stand in a row, or NULL: what the reader would refuse is not written. */
static const char *row_fault(const struct cp_value *v, bool is_key)
{
	if (v->type == CP_ABSENT)
		return "a row needs a value in every column";
	if (v->type == CP_NULL && is_key)
		return "a key cannot be NULL";
	if (v->type == CP_REAL && is_nan(v->real))
		return "a real that is not a number";
	if ((v->type == CP_TEXT || v->type == CP_BLOB) && v->len > CP_VALUE_MAX)
		return "a value longer than SQLite can take";
	if (v->type == CP_TEXT && !is_text(v->bytes, v->len))
		return "text that is not UTF-8 or has a zero byte";
	return NULL;
}

enum cp_code cp_changeset_add_table(struct cp_buf *out, const struct cp_shape *shape, struct cp_err *err)
{
	uint8_t *at;
	size_t name_len = strlen(shape->name) + 1;

	assert(shape->n_columns >= 1 && shape->n_columns <= CP_MAX_COLUMNS);
	CP_TRY(cp_buf_room(out, 2 + shape->n_columns + name_len, err));
	at = (uint8_t *)out->data + out->len;
	*at++ = TABLE_MARK;
	at = put_length(at, shape->n_columns);
	memcpy(at, shape->key, shape->n_columns);
	memcpy(at + shape->n_columns, shape->name, name_len);
	out->len += 2 + shape->n_columns + name_len;
	out->data[out->len] = '\0';
	return CP_OK;
}

enum cp_code cp_changeset_add_insert(struct cp_buf *out, const struct cp_shape *shape,
		const struct cp_value row[], struct cp_err *err)
{
	size_t size = 2;
	uint8_t *at;

	assert(shape->n_columns >= 1 && shape->n_columns <= CP_MAX_COLUMNS);
	for (size_t i = 0; i < shape->n_columns; i++) {
		const char *fault = row_fault(&row[i], shape->key[i] != 0);

		if (fault != NULL)
			return cp_fail(err, CP_EINPUT, "table %s, column %zu: %s", shape->name, i + 1, fault);
		size += value_size(&row[i]);
	}
	CP_TRY(cp_buf_room(out, size, err));
	at = (uint8_t *)out->data + out->len;
	*at++ = CP_INSERT;
	*at++ = 0;
	for (size_t i = 0; i < shape->n_columns; i++)
		at = put_value(at, &row[i]);
	out->len += size;
	out->data[out->len] = '\0';
	assert(at == (uint8_t *)out->data + out->len);
	return CP_OK;
}
