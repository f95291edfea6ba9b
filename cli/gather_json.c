#include "cli/gather_inner.h"

#include <jansson.h>
#include <string.h>

#include "formats/text.h"

/* Where in the file: the cell that holds the list, and which of its results. */
struct place { struct cp_gather *g; size_t line, column, i; };

static void bad(const struct place *p, const char *what, const char *value)
{
	char shown[CP_QUOTE] = "";

	if (value != NULL)
		cp_text_quote(shown, value, strlen(value));
	cp_trouble_note(p->g->trouble, "%s:%zu:%zu: results[%zu]: %s%s%s", p->g->where, p->line, p->column, p->i, what,
			value != NULL ? ": " : "", shown);
}

static const char *text_in(json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL && *text != '\0' ? text : NULL;
}

/* Ids may be numbers in JSON. */
static const char *id_in(json_t *o, char number[32])
{
	json_t *id = json_object_get(o, "id");

	if (!json_is_integer(id))
		return text_in(o, "id");
	snprintf(number, 32, "%lld", (long long)json_integer_value(id));
	return number;
}

static bool rank_in(json_t *o, int64_t *out)
{
	json_t *rank = json_object_get(o, "rank");
	char number[32] = "";

	if (json_is_integer(rank))
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(rank));
	else if (rank != NULL && !json_is_null(rank))
		return false;
	*out = 0;
	return number[0] == '\0' || cp_rank_read(number, out);
}

/* Members that are no part of a result are listed; those that are must be strings. */
static enum cp_code check_members(const struct place *p, json_t *o, bool *is_good, struct cp_err *err)
{
	static const char *const known[] = { "id", "rank", "type", "title", "snippet", "url", "side" };
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value) {
		size_t i = 0;
		char column[256];

		while (i < sizeof known / sizeof *known && strcmp(known[i], name) != 0)
			i++;
		if (i == sizeof known / sizeof *known) {
			snprintf(column, sizeof column, "results[].%s", name);
			CP_TRY(cp_gather_note_unused(p->g, column, err));
		} else if (i > 1 && !json_is_string(value) && !json_is_null(value)) {
			*is_good = false;
			bad(p, "not a string", name);
		}
	}
	return CP_OK;
}

static enum cp_code keep(struct cp_gather *g, const char **text, struct cp_err *err)
{
	return *text != NULL ? cp_pool_add(&g->pool, text, *text, strlen(*text), err) : CP_OK;
}

static enum cp_code add(const struct place *p, size_t number, struct cp_result_in *r, struct cp_err *err)
{
	bool is_new;

	CP_TRY(keep(p->g, &r->id, err));
	CP_TRY(keep(p->g, &r->type, err));
	CP_TRY(keep(p->g, &r->title, err));
	CP_TRY(keep(p->g, &r->snippet, err));
	CP_TRY(keep(p->g, &r->url, err));
	CP_TRY(keep(p->g, &r->side, err));
	CP_TRY(cp_gather_result(p->g, number, r, &is_new, err));
	if (!is_new)
		bad(p, "the case has this result already", r->id);
	return CP_OK;
}

static enum cp_code take(const struct place *p, size_t number, json_t *o, struct cp_err *err)
{
	const char *kind = p->g->list[number].in.kind;
	char digits[32];
	struct cp_result_in r = {
		.id = id_in(o, digits), .type = text_in(o, "type"), .title = text_in(o, "title"),
		.snippet = text_in(o, "snippet"), .url = text_in(o, "url"), .side = text_in(o, "side"),
	};
	bool is_good = true;

	if (!json_is_object(o)) {
		bad(p, "not an object like {\"id\": ..., \"title\": ...}", NULL);
		return CP_OK;
	}
	CP_TRY(check_members(p, o, &is_good, err));
	if (!is_good)
		return CP_OK;
	if (r.id == NULL)
		bad(p, "no id", NULL);
	else if (!rank_in(o, &r.rank))
		bad(p, "a rank is a whole number from 1", NULL);
	else if (!cp_side_is_good(kind, r.side))
		bad(p, strcmp(kind, "sxs") == 0 ? "a result of an sxs case is on side a or b"
				: "only a result of an sxs case has a side", r.side);
	else
		return add(p, number, &r, err);
	return CP_OK;
}

enum cp_code cp_gather_results(struct cp_gather *g, size_t number, size_t line, const struct cp_cell *results,
		struct cp_err *err)
{
	struct place p = { g, line, results->column, 0 };
	json_t *list = json_loadb(results->text, results->len, JSON_REJECT_DUPLICATES, NULL), *o;
	enum cp_code code = CP_OK;

	if (!json_is_array(list)) {
		json_decref(list);
		cp_trouble_note(g->trouble, "%s:%zu:%zu: results: not a list", g->where, line, results->column);
		return CP_OK;
	}
	json_array_foreach(list, p.i, o)
		if (code == CP_OK)
			code = take(&p, number, o, err);
	json_decref(list);
	return code;
}
