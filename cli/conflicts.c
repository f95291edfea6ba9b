#include <string.h>

#include "cli/cli.h"
#include "cli/shown.h"
#include "sync/report.h"

struct sheet { struct cp_out *out; bool json; int64_t conflicts, candidates; char last[512]; };

/* Columns that say under which material a judgment was made, and mean little to a reader. */
static bool is_inner(const char *column)
{
	static const char *const names[] = { "assignment_rev", "content", "form_version", "guideline_revision" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], column) == 0)
			return true;
	return false;
}

/* What a candidate wrote, for people: "grade@d1=3, state=submitted". What is no object is shown as it is. */
static enum cp_code add_value(struct cp_out *out, const char *value, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	json_t *object = json_loads(value, JSON_DECODE_ANY, NULL), *cell;
	enum cp_code code = CP_OK;
	const char *name;

	if (!json_is_object(object))
		code = cp_buf_puts(&text, json_is_string(object) ? json_string_value(object) : value, err);
	else
		json_object_foreach(object, name, cell)
			if (code == CP_OK && !is_inner(name) && json_is_string(cell))
				code = cp_buf_printf(&text, err, "%s%s=%s", text.len > 0 ? ", " : "", name,
						json_string_value(cell));
	json_decref(object);
	CP_TRY(code);
	return cp_out_text(out, text.data, err);
}

static enum cp_code on_candidate(void *user, const struct cp_conflict_row *c, struct cp_err *err)
{
	struct sheet *t = user;
	char key[512], commit[9], doc[13];

	snprintf(key, sizeof key, "%s %s %s", c->table, c->doc, c->column);
	if (strcmp(key, t->last) != 0)
		t->conflicts++;
	memcpy(t->last, key, sizeof key);
	t->candidates++;
	snprintf(commit, sizeof commit, "%.8s", c->commit);
	snprintf(doc, sizeof doc, "%.12s", c->doc);
	CP_TRY(cp_out_text(t->out, c->class, err));
	CP_TRY(cp_out_text(t->out, c->table, err));
	CP_TRY(cp_out_text(t->out, t->json ? c->doc : doc, err));
	CP_TRY(cp_out_text(t->out, c->column, err));
	CP_TRY(cp_out_text(t->out, c->policy, err));
	CP_TRY(cp_out_bool(t->out, c->stands, err));
	CP_TRY(cp_out_text(t->out, c->who, err));
	CP_TRY(t->json ? cp_out_text(t->out, c->value, err) : add_value(t->out, c->value, err));
	CP_TRY(cp_out_time(t->out, c->clock, err));
	return cp_out_text(t->out, t->json ? c->commit : commit, err);
}

static enum cp_code run(struct cp_args *a, struct cp_err *err)
{
	static const char *const columns[] = { "class", "table", "document", "column", "policy", "stands", "who",
		"value", "when", "commit" };
	struct sheet t = { .json = a->json };
	char conflicts[CP_COUNT], candidates[CP_COUNT];

	CP_TRY(cp_args_want(a, 0, 0, err));
	CP_TRY(cp_out_begin(&t.out, a->json, columns, sizeof columns / sizeof *columns, err));
	enum cp_code code = cp_conflict_each(a->store, on_candidate, &t, err);
	CP_TRY(cp_out_close(t.out, code, err));
	a->waits = t.conflicts > 0;
	if (t.conflicts == 0)
		cp_say("no conflict is open");
	else
		cp_say("%s with %s", cp_count(conflicts, t.conflicts, "open conflict", "open conflicts"),
				cp_count(candidates, t.candidates, "candidate", "candidates"));
	return CP_OK;
}

static const struct cp_option options[] = {
	{ NULL, NULL, NULL },
};

static const struct cp_example examples[] = {
	{ "casepack conflicts", "every open conflict with what each side wrote" },
	{ NULL, NULL },
};

const struct cp_command cp_cmd_conflicts = {
	.name = "conflicts",
	.usage = "",
	.summary = "where two wrote one cell",
	.about = "Lists every candidate of every open conflict: two replicas wrote the same cell, or the same "
		"judgment, without knowing of each other. Stands marks the one that counts meanwhile, by the "
		"field's policy; no candidate is ever dropped. Two raters who judged one case are no conflict.\n\n"
		"Class text: two leads revised one guideline or form; merges says that it takes only somebody to write what "
		"`casepack guideline show` shows, overlaps that there is something to decide.\n\n"
		"Exit status 3 when there is one.",
	.options = options,
	.examples = examples,
	.needs_store = true,
	.run = run,
};
