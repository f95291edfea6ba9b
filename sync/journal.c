/* Changesets and change commits in words. */
#include "sync/journal.h"

#include <inttypes.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/tables.h"

enum cp_code cp_words_value(struct cp_buf *out, const struct cp_value *v, struct cp_err *err)
{
	switch (v->type) {
	case CP_INT:  return cp_buf_printf(out, err, "%" PRId64, v->integer);
	case CP_REAL: return cp_buf_printf(out, err, "%.17g", v->real);
	case CP_NULL: return cp_buf_puts(out, "nothing", err);
	case CP_BLOB:
		for (size_t i = 0; i < v->len && i < 32; i++)
			CP_TRY(cp_buf_printf(out, err, "%02x", v->bytes[i]));
		return v->len ? CP_OK : cp_buf_puts(out, "none", err);
	case CP_TEXT:
		CP_TRY(cp_buf_puts(out, "\"", err));
		for (size_t i = 0; i < v->len && i < 200; i++) {
			uint8_t b = v->bytes[i];

			CP_TRY(b < 0x20 || b == 0x7f ? cp_buf_printf(out, err, b == '\n' ? "\\n" : "\\x%02x", b)
					: cp_buf_add(out, &b, 1, err));
		}
		return cp_buf_puts(out, v->len > 200 ? "\"..." : "\"", err);
	default:      return CP_OK;
	}
}

static enum cp_code say_answer(const struct cp_change *c, struct cp_buf *out, struct cp_err *err)
{
	const struct cp_value *field = cp_change_key(c, CP_R_FIELD), *result = cp_change_key(c, CP_R_RESULT);

	CP_TRY(cp_buf_printf(out, err, "  %.*s%s%.*s: ", (int)field->len, (const char *)field->bytes, result->len ? " of " : "",
			(int)result->len, (const char *)result->bytes));
	if (c->op == CP_UPDATE && c->was[CP_R_VALUE].type != CP_ABSENT) {
		CP_TRY(cp_words_value(out, &c->was[CP_R_VALUE], err));
		CP_TRY(cp_buf_puts(out, " -> ", err));
	}
	CP_TRY(cp_words_value(out, &c->now[CP_R_VALUE], err));
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code say_row(const struct cp_change *c, struct cp_buf *out, struct cp_err *err)
{
	const struct cp_value *key = cp_change_key(c, 0);

	CP_TRY(cp_buf_printf(out, err, "%s %s ", c->op == CP_INSERT ? "new" : "changed", cp_shapes[c->table].name));
	CP_TRY(cp_words_value(out, key, err));
	CP_TRY(cp_buf_puts(out, "\n", err));
	for (size_t i = CP_C_CLOCK + 1; i < cp_shapes[c->table].n_columns; i++) {
		struct cp_value def;

		cp_table_default(&def, c->table, i);
		if (c->now[i].type == CP_ABSENT || (c->op == CP_INSERT && cp_value_equal(&def, &c->now[i])))
			continue;
		CP_TRY(cp_buf_printf(out, err, "  %s: ", cp_columns[c->table][i]));
		if (c->op == CP_UPDATE) {
			CP_TRY(cp_words_value(out, &c->was[i], err));
			CP_TRY(cp_buf_puts(out, " -> ", err));
		}
		CP_TRY(cp_words_value(out, &c->now[i], err));
		CP_TRY(cp_buf_puts(out, "\n", err));
	}
	return CP_OK;
}

enum cp_code cp_changeset_words(const void *changeset, size_t len, struct cp_buf *out, struct cp_err *err)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, changeset, len, cp_shapes, CP_T_COUNT);
	for (;;) {
		CP_TRY(cp_changeset_next(&r, &c, &more, err));
		if (!more)
			return CP_OK;
		CP_TRY(c.table == CP_T_RATINGS ? say_answer(&c, out, err) : say_row(&c, out, err));
	}
}

enum cp_code cp_show_commit(struct cp_store *s, const char *oid, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(64);
	CP_AUTO(buf) struct cp_buf changeset = CP_BUF((size_t)1 << 31);
	struct cp_commit c;
	char pattern[48];
	bool found;

	if (strlen(oid) < 4 || strlen(oid) > 40 || strspn(oid, "0123456789abcdef") != strlen(oid))
		return cp_fail(err, CP_ENOTFOUND, "%s: no such change commit", oid);
	snprintf(pattern, sizeof pattern, "%s*", oid);
	CP_TRY(cp_query_text(s, &whole, &found, err, "SELECT oid FROM commits WHERE oid GLOB ?1 AND is_private = 0"
			" AND verdict = 'accepted' LIMIT 1", "t", pattern));
	if (!found)
		return cp_fail(err, CP_ENOTFOUND, "%s: no such change commit", oid);
	CP_TRY(cp_repo_read_commit(s->history, whole.data, &c, err));
	found = cp_buf_printf(out, err, "change commit %s\nby %s <%s>\n\n%s\n", whole.data, c.author.name, c.author.email,
			c.message) == CP_OK;
	cp_commit_drop(&c);
	if (!found)
		return err->code;
	CP_TRY(cp_repo_read_path(s->history, whole.data, "changeset", &changeset, err));
	return cp_changeset_words(changeset.data, changeset.len, out, err);
}
