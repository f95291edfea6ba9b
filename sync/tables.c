#include "sync/tables.h"

#include <string.h>

#define NAMES(table, ...) static const char *const names_##table[] = { __VA_ARGS__, NULL }
NAMES(project, "id", "rev", "clock", "name", "shows_queries", "policies", "encryption", "keep_days");
NAMES(persons, "id", "rev", "clock", "pseudonym", "role", "locales", "vendor", "state");
NAMES(replicas, "id", "rev", "clock", "person", "public_key", "is_hub", "state", "copy_of",
	"home");
NAMES(cases, "id", "rev", "clock", "name", "kind", "locale", "segment", "content", "results", "state",
	"reason");
NAMES(guidelines, "id", "rev", "clock", "name", "kind", "title");
NAMES(revisions, "id", "rev", "clock", "parent_doc", "parents", "number", "kind", "note", "person", "body");
NAMES(assignments, "id", "rev", "clock", "case_id", "person", "pass", "position", "due", "form", "guideline",
	"state");
NAMES(adjudications, "id", "rev", "clock", "case_id", "field", "result", "value", "cause", "reason", "person");
NAMES(settlements, "id", "rev", "clock", "stands", "weighed", "reason", "person", "policy");
NAMES(judgments, "id", "rev", "clock", "assignment_rev", "content", "form_version", "guideline_revision", "state",
	"note", "active_ms", "idle_ms", "wall_ms");
NAMES(ratings, "judgment", "field", "result", "rev", "value");
NAMES(resolutions, "id", "rev", "clock", "tbl", "doc", "edit", "settles", "policy", "reason", "person");
NAMES(stale, "id", "rev", "clock", "judgment", "cause", "weighed", "decision", "reason", "person");
NAMES(rulings, "id", "rev", "clock", "about", "decision", "reason", "person");
NAMES(exports, "id", "rev", "clock", "person", "format", "scope", "file", "labels", "main");
NAMES(names, "id", "rev", "clock", "name", "contact");
NAMES(secrets, "id", "rev", "clock", "value");
NAMES(side_keys, "id", "rev", "clock", "side_a", "side_b");
NAMES(gold, "id", "rev", "clock", "case_id", "field", "result", "value", "reason");
NAMES(metrics, "id", "rev", "clock", "case_id", "result", "name", "value");

const char *const *const cp_columns[CP_T_COUNT] = {
	names_project, names_persons, names_replicas, names_cases, names_guidelines, names_revisions,
	names_guidelines, names_revisions, names_assignments, names_adjudications, names_settlements,
	names_judgments, names_ratings, names_resolutions, names_stale, names_rulings, names_exports,
	names_names, names_secrets, names_side_keys, names_gold, names_metrics,
};

#define COUNT(table) (sizeof names_##table / sizeof names_##table[0] - 1)
#define SHAPE(sql, table) { sql, COUNT(table), { 1 }, 0 }
#define GREW(sql, table, first) { sql, COUNT(table), { 1 }, first } /* had only that many columns at first */
const struct cp_shape cp_shapes[CP_T_COUNT] = {
	GREW("project", project, 6), SHAPE("persons", persons), GREW("replicas", replicas, 7), GREW("cases", cases, 10),
	SHAPE("guidelines", guidelines), SHAPE("guideline_revisions", revisions), SHAPE("forms", guidelines),
	SHAPE("form_versions", revisions), SHAPE("assignments", assignments),
	SHAPE("adjudications", adjudications), GREW("settlements", settlements, 7), SHAPE("judgments", judgments),
	{ "ratings", COUNT(ratings), { 1, 2, 3 }, 0 },
	SHAPE("resolutions", resolutions), SHAPE("stale_settlements", stale), SHAPE("rulings", rulings),
	SHAPE("exports", exports),
	SHAPE("names", names), SHAPE("secrets", secrets), SHAPE("side_keys", side_keys), SHAPE("gold", gold), SHAPE("metrics", metrics),
};

/* Defaults other than an empty text: I integer, B empty blob, N null, or a text. */
static const struct { enum cp_table table; const char *column, *value; } defaults[] = {
	{ CP_T_PROJECT, "shows_queries", "I0" }, { CP_T_PROJECT, "policies", "T{}" }, { CP_T_PROJECT, "keep_days", "I0" },
	{ CP_T_PERSONS, "role", "Trater" }, { CP_T_PERSONS, "state", "Tactive" },
	{ CP_T_REPLICAS, "person", "B" }, { CP_T_REPLICAS, "public_key", "B" },
	{ CP_T_REPLICAS, "is_hub", "I0" }, { CP_T_REPLICAS, "state", "Tactive" },
	{ CP_T_REPLICAS, "copy_of", "B" }, { CP_T_REPLICAS, "home", "B" },
	{ CP_T_CASES, "kind", "Tserp" }, { CP_T_CASES, "content", "B" }, { CP_T_CASES, "results", "T[]" },
	{ CP_T_CASES, "state", "Tactive" },
	{ CP_T_GUIDELINES, "kind", "Tguideline" }, { CP_T_FORMS, "kind", "Tform" },
	{ CP_T_GUIDELINE_REVISIONS, "parent_doc", "B" }, { CP_T_GUIDELINE_REVISIONS, "parents", "B" },
	{ CP_T_GUIDELINE_REVISIONS, "number", "I0" }, { CP_T_GUIDELINE_REVISIONS, "kind", "Tclarifying" },
	{ CP_T_GUIDELINE_REVISIONS, "person", "B" },
	{ CP_T_FORM_VERSIONS, "parent_doc", "B" }, { CP_T_FORM_VERSIONS, "parents", "B" },
	{ CP_T_FORM_VERSIONS, "number", "I0" }, { CP_T_FORM_VERSIONS, "kind", "Tclarifying" },
	{ CP_T_FORM_VERSIONS, "person", "B" },
	{ CP_T_ASSIGNMENTS, "case_id", "B" }, { CP_T_ASSIGNMENTS, "person", "B" }, { CP_T_ASSIGNMENTS, "pass", "I1" },
	{ CP_T_ASSIGNMENTS, "position", "I0" }, { CP_T_ASSIGNMENTS, "form", "B" },
	{ CP_T_ASSIGNMENTS, "guideline", "B" }, { CP_T_ASSIGNMENTS, "state", "Tgiven" },
	{ CP_T_ADJUDICATIONS, "case_id", "B" }, { CP_T_ADJUDICATIONS, "value", "N" },
	{ CP_T_ADJUDICATIONS, "person", "B" },
	{ CP_T_SETTLEMENTS, "stands", "B" }, { CP_T_SETTLEMENTS, "weighed", "B" }, { CP_T_SETTLEMENTS, "person", "B" },
	{ CP_T_JUDGMENTS, "assignment_rev", "B" }, { CP_T_JUDGMENTS, "content", "B" },
	{ CP_T_JUDGMENTS, "form_version", "B" }, { CP_T_JUDGMENTS, "guideline_revision", "B" },
	{ CP_T_JUDGMENTS, "active_ms", "I0" }, { CP_T_JUDGMENTS, "idle_ms", "I0" }, { CP_T_JUDGMENTS, "wall_ms", "I0" },
	{ CP_T_RATINGS, "value", "N" },
	{ CP_T_RESOLUTIONS, "doc", "B" }, { CP_T_RESOLUTIONS, "edit", "B" }, { CP_T_RESOLUTIONS, "settles", "T{}" },
	{ CP_T_RESOLUTIONS, "person", "B" },
	{ CP_T_STALE_SETTLEMENTS, "judgment", "B" }, { CP_T_STALE_SETTLEMENTS, "cause", "B" },
	{ CP_T_STALE_SETTLEMENTS, "weighed", "B" }, { CP_T_STALE_SETTLEMENTS, "person", "B" },
	{ CP_T_RULINGS, "person", "B" },
	{ CP_T_EXPORTS, "person", "B" }, { CP_T_EXPORTS, "scope", "T{}" }, { CP_T_EXPORTS, "file", "B" }, { CP_T_EXPORTS, "labels", "I0" },
	{ CP_T_SECRETS, "value", "B" },
	{ CP_T_GOLD, "case_id", "B" }, { CP_T_GOLD, "value", "N" }, { CP_T_METRICS, "case_id", "B" }, { CP_T_METRICS, "value", "N" },
};

void cp_table_default(struct cp_value *out, size_t table, size_t column)
{
	const char *name = cp_columns[table][column], *value = "T";

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if ((size_t)defaults[i].table == table && strcmp(defaults[i].column, name) == 0)
			value = defaults[i].value;
	memset(out, 0, sizeof *out);
	out->bytes = (const uint8_t *)value + 1;
	switch (*value) {
	case 'I': out->type = CP_INT; out->integer = value[1] - '0'; break;
	case 'B': out->type = CP_BLOB; break;
	case 'N': out->type = CP_NULL; break;
	default:  out->type = CP_TEXT; out->len = strlen(value + 1);
	}
}

int cp_table_named(const char *name)
{
	for (int t = 0; t < CP_T_COUNT; t++)
		if (strcmp(cp_shapes[t].name, name) == 0)
			return t;
	return -1;
}
