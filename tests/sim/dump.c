/*
 * What each workspace holds in the end, as plain rows under the names that people
 * use. The only place of the simulator that looks into a database.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sync/deliver.h"
#include "sync/document.h"
#include "sync/quarantine.h"
#include "sync/verify.h"
#include "sync/report.h"
#include "sync/texts.h"
#include "tests/sim/settle.h"

#define KEY " coalesce(c.name, hex(a.case_id)) || '|' || coalesce(p.pseudonym, hex(a.person)) || '|' || a.pass"
#define OF_ASSIGNMENT " LEFT JOIN cases c ON c.id = a.case_id LEFT JOIN persons p ON p.id = a.person"

static const struct { const char *name, *sql; } queries[] = {
	{ "cases", "SELECT name, kind, locale, segment, content, state, results FROM cases ORDER BY 1" },
	{ "people", "SELECT pseudonym, role, locales, vendor, state FROM persons ORDER BY 1" },
	{ "devices", "SELECT r.id, coalesce(p.pseudonym, hex(r.person)), r.is_hub, r.state FROM replicas r LEFT JOIN persons p ON p.id = r.person ORDER BY 1" },
	{ "guidelines", "SELECT t.name, v.number, v.kind, v.body, v.id, v.parents, v.clock FROM guideline_revisions v LEFT JOIN guidelines t"
		" ON v.parent_doc = t.id ORDER BY 1, 2" },
	{ "forms", "SELECT t.name, v.number, v.kind, v.body, v.id, v.parents, v.clock FROM form_versions v LEFT JOIN forms t"
		" ON v.parent_doc = t.id ORDER BY 1, 2" },
	{ "assignments", "SELECT" KEY ", a.position, a.due, f.name, coalesce(g.name, ''),"
		" substr(a.state, 1, instr(a.state || ' ', ' ') - 1) FROM assignments a" OF_ASSIGNMENT
		" LEFT JOIN forms f ON f.id = a.form LEFT JOIN guidelines g ON g.id = a.guideline ORDER BY 1" },
	{ "judgments", "SELECT" KEY ", j.state, j.note, j.content, j.form_version, j.guideline_revision, j.active_ms,"
		" j.assignment_rev = a.rev FROM judgments j LEFT JOIN assignments a ON a.id = j.id" OF_ASSIGNMENT " ORDER BY 1" },
	{ "answers", "SELECT" KEY ", r.field || '@' || r.result, r.value FROM ratings r LEFT JOIN assignments a ON a.id = r.judgment"
		OF_ASSIGNMENT " WHERE r.value IS NOT NULL ORDER BY 1, 2" },
	{ "conflicts", "SELECT" KEY ", x.col, x.class, x.is_open, x.policy, m.replica, d.clock, d.rev = x.stands, d.value FROM conflicts x"
		" JOIN candidates d USING (doc, tbl, col) JOIN commits m ON m.no = d.commit_no"
		" LEFT JOIN assignments a ON a.id = x.doc" OF_ASSIGNMENT " WHERE x.tbl = 11 AND x.class = 'fork' ORDER BY 1, d.clock" },
	{ "settlements", "SELECT" KEY ", t.stands, t.weighed, t.reason, t.policy, coalesce(q.pseudonym, hex(t.person)) FROM settlements t"
		" LEFT JOIN assignments a ON a.id = t.id" OF_ASSIGNMENT " LEFT JOIN persons q ON q.id = t.person ORDER BY 1" },
	{ "finals", "SELECT coalesce(c.name, hex(f.case_id)), f.field, f.result, f.value, f.cause, f.reason, coalesce(q.pseudonym, hex(f.person))"
		" FROM adjudications f LEFT JOIN cases c ON c.id = f.case_id LEFT JOIN persons q ON q.id = f.person ORDER BY 1, 2, 3" },
	{ "policies", "SELECT policies FROM project" },
	{ "lapses", "SELECT" KEY ", x.class, x.is_open, x.policy, lower(x.col) FROM conflicts x LEFT JOIN assignments a ON a.id = x.doc"
		OF_ASSIGNMENT " WHERE x.tbl = 11 AND x.class IN ('late', 'stale') ORDER BY 1, 2, 5" },
	{ "other conflicts", "SELECT CASE x.tbl WHEN 10 THEN 'settlements' ELSE '' END, x.doc, x.col, x.class, x.is_open, m.replica, d.clock, d.rev = x.stands, d.value FROM conflicts x"
		" LEFT JOIN candidates d USING (doc, tbl, col) LEFT JOIN commits m ON m.no = d.commit_no"
		" WHERE x.tbl <> 11 AND x.class <> 'text' ORDER BY 2, 3" },
	{ "texts", "SELECT 'guideline', t.name, x.policy, d.value, d.rev = x.stands FROM conflicts x JOIN candidates d"
		" USING (doc, tbl, col) JOIN guidelines t ON t.id = x.doc WHERE x.class = 'text' UNION ALL"
		" SELECT 'form', t.name, x.policy, d.value, d.rev = x.stands FROM conflicts x JOIN candidates d"
		" USING (doc, tbl, col) JOIN forms t ON t.id = x.doc WHERE x.class = 'text'" },
	{ "verdicts", "SELECT c.replica, v.hub, iif(v.verdict = 'refused', 'refused', v.is_far), count(*) FROM verdicts v JOIN commits c"
		" USING (oid) GROUP BY 1, 2, 3" },
	{ "rulings", "SELECT u.about, u.decision, u.reason, coalesce(p.pseudonym, hex(u.person)) FROM rulings u LEFT JOIN persons p"
		" ON p.id = u.person ORDER BY 1" },
	{ "change commits", "SELECT oid, lower(hex(replica)) || '@' || claimed_us FROM commits c WHERE is_private = 0 AND EXISTS (SELECT 1"
		" FROM verdicts v WHERE v.oid = c.oid AND (verdict = 'accepted' OR v.hub = (SELECT value FROM meta WHERE key = 'replica')))" },
	{ "documents", "SELECT 'project', '', id FROM project UNION ALL SELECT 'person', pseudonym, id FROM persons UNION ALL"
		" SELECT 'replica', lower(hex(id)), id FROM replicas UNION ALL SELECT 'case', name, id FROM cases UNION ALL"
		" SELECT 'guideline', name, id FROM guidelines UNION ALL SELECT 'form', name, id FROM forms UNION ALL"
		" SELECT 'assignment'," KEY ", a.id FROM assignments a" OF_ASSIGNMENT " UNION ALL"
		" SELECT 'adjudication', coalesce(c.name, hex(f.case_id)) || '|' || f.field || '|' || f.result, f.id FROM adjudications f"
		" LEFT JOIN cases c ON c.id = f.case_id UNION ALL"
		" SELECT 'ruling', about, id FROM rulings UNION ALL"
		" SELECT 'stale'," KEY " || '|' || lower(hex(s.cause)), s.id FROM stale_settlements s LEFT JOIN assignments a"
		" ON a.id = s.judgment" OF_ASSIGNMENT },
	{ "drafts", "SELECT" KEY ", d.note, d.active_ms FROM drafts d JOIN assignments a ON a.id = d.id" OF_ASSIGNMENT " ORDER BY 1" },
	{ "draft answers", "SELECT" KEY ", d.field || '@' || d.result, d.value FROM draft_ratings d JOIN assignments a"
		" ON a.id = d.id" OF_ASSIGNMENT " ORDER BY 1, 2" },
	{ "left behind", "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM waiting)" },
};

static json_t *cell(sqlite3_stmt *q, int c)
{
	CP_AUTO(str) char *hex = NULL;

	switch (sqlite3_column_type(q, c)) {
	case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(q, c));
	case SQLITE_TEXT:    return json_string((const char *)sqlite3_column_text(q, c));
	case SQLITE_BLOB:    break;
	default:             return json_null();
	}
	hex = malloc(2 * (size_t)sqlite3_column_bytes(q, c) + 1);
	return json_string(cp_hex(hex, sqlite3_column_blob(q, c), (size_t)sqlite3_column_bytes(q, c)));
}

static json_t *rows_of(sqlite3 *db, const char *sql)
{
	json_t *rows = json_array();
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
		fprintf(stderr, "sim: %s: %s\n", sql, sqlite3_errmsg(db));
		exit(2);
	}
	while (sqlite3_step(q) == SQLITE_ROW) {
		json_t *row = json_array();

		for (int c = 0; c < sqlite3_column_count(q); c++)
			json_array_append_new(row, cell(q, c));
		json_array_append_new(rows, row);
	}
	sqlite3_finalize(q);
	return rows;
}

static sqlite3 *database_of(const struct world *w, const struct place *p)
{
	char path[600];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/casepack.db", world_path(w, p->name));
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		abort();
	return db;
}

static json_t *tables_of(const struct world *w, const struct place *p)
{
	json_t *out = json_object();
	sqlite3 *db = database_of(w, p);

	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		json_object_set_new(out, queries[i].name, rows_of(db, queries[i].sql));
	sqlite3_close(db);
	return out;
}

/* Who wrote each edit of the judgments that were settled, and when: what their revs stand for. */
static json_t *names_of_revs(struct world *w, const struct place *p, struct cp_store *s)
{
	sqlite3 *db = database_of(w, p);
	json_t *settled = rows_of(db, "SELECT id FROM settlements"), *out = json_object(), *row;
	size_t at;

	sqlite3_close(db);
	json_array_foreach(settled, at, row) {
		char rev[CP_REV_HEX], replica[CP_ID_HEX];
		struct cp_document d;
		struct cp_id id;

		if (!cp_unhex(id.bytes, sizeof id.bytes, json_string_value(json_array_get(row, 0))))
			abort();
		MUST(w, cp_document_load(s, CP_T_JUDGMENTS, &id, &d, err));
		for (size_t i = 0; i < d.n; i++) { /* of equal edits the one of the lowest id is meant */
			const char *known = json_string_value(json_array_get(json_object_get(out, cp_hex(rev, d.edits[i].rev.bytes, 8)), 0));

			cp_hex(replica, d.edits[i].replica.bytes, 16);
			if (known == NULL || strcmp(replica, known) < 0)
				json_object_set_new(out, rev, json_pack("[s, I]", replica, (json_int_t)d.edits[i].clock));
		}
		cp_document_drop(&d);
	}
	json_decref(settled);
	return out;
}

/* ---- what the product itself says --------------------------------------------------- */

static void each_balance(void *user, const struct cp_balance *b)
{
	json_array_append_new(user, json_pack("[s, I, I, I, I, I, I, I, I]", b->replica, (json_int_t)b->exported,
			(json_int_t)b->standing, (json_int_t)b->equal, (json_int_t)b->superseded, (json_int_t)b->overruled,
			(json_int_t)b->in_conflict, (json_int_t)b->quarantined, (json_int_t)b->waiting));
}

static enum cp_code each_quarantined(void *user, const struct cp_quarantined *one, struct cp_err *err)
{
	(void)err;
	json_array_append_new(user, json_pack("[s, s, s, I, s, s]", one->kind, one->device, one->pseudonym, (json_int_t)one->edits,
			one->decision, one->decision_reason));
	return CP_OK;
}

struct told { json_t *list; const char *case_id; };

static enum cp_code each_event(void *user, const struct cp_event *e, struct cp_err *err)
{
	struct told *t = user;

	(void)err;
	if (*e->fate == '\0') /* opened, superseded, conflicted: no edit, but what follows from some */
		return CP_OK;
	json_array_append_new(t->list, json_pack("[s, s, s, I, s, s]", t->case_id, e->who, e->device, (json_int_t)e->claimed_us,
			e->what, e->detail));
	return CP_OK;
}

static enum cp_code each_case(void *user, const struct cp_case_view *v, struct cp_err *err)
{
	json_t *results = json_array();

	(void)err;
	for (size_t i = 0; i < v->n_results; i++)
		json_array_append_new(results, json_pack("{s:s, s:s}", "id", v->results[i].id, "title", v->results[i].title));
	json_object_set_new(user, v->name, json_pack("{s:s, s:s, s:s, s:o}", "id", v->id, "query", v->query, "segment", v->segment,
			"results", results));
	return CP_OK;
}

static enum cp_code each_label(void *user, const struct cp_label *l, struct cp_err *err)
{
	(void)err;
	json_array_append_new(user, json_pack("[s, s, I, s, s, s, s, b, b, b, s, s]", l->case_id, l->rater, (json_int_t)l->pass, l->field,
			l->result, l->value, l->state, (int)l->in_conflict, (int)l->is_undecided, (int)l->is_late, l->stale, l->final));
	return CP_OK;
}

/* Each guideline: how many revisions stand side by side, do they overlap, and what they merge to. */
static json_t *merged_texts(struct world *w, struct cp_store *s)
{
	static const char *const names[] = { "policy", "style" };
	json_t *out = json_object();

	for (int i = 0; i < MAX_GUIDELINES; i++) {
		CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX), merged = CP_BUF(CP_TEXT_MAX);
		struct cp_text_heads heads;

		if (cp_text_get(s, false, names[i], 0, &text, NULL, NULL) != CP_OK)
			continue;
		MUST(w, cp_text_merged(s, false, names[i], &merged, &heads, err));
		json_object_set_new(out, names[i], json_pack("[I, b, s]", (json_int_t)heads.n, heads.overlaps > 0, merged.data));
	}
	return out;
}

/* The life of every case: what `casepack log` tells. */
static json_t *stories(struct world *w, struct cp_store *s)
{
	json_t *list = json_array();
	struct cp_err unknown;

	for (int n = 0; n < MAX_CASES; n++) {
		char case_id[8];
		struct told t = { list, case_id };
		struct cp_id id;

		snprintf(case_id, sizeof case_id, "c%d", n + 1);
		if (cp_case_find(s, case_id, &id, &unknown) != CP_OK)
			continue;
		MUST(w, cp_log_case(s, &id, &(struct cp_story_filter){ .person = NULL }, each_event, &t, err));
	}
	return list;
}

static json_t *hex_of(const struct cp_hash *h)
{
	char hex[CP_HASH_HEX];

	return json_string(cp_hex(hex, h->bytes, sizeof h->bytes));
}

/* Its hash, the hash that a replay of its history gives, its rows. */
static json_t *place_state(struct world *w, struct place *p)
{
	struct cp_store *s = world_store(w, p);
	json_t *out = json_object(), *balance = json_array(), *shown = json_object(), *labels = json_array(),
		*quarantine = json_array();
	struct cp_verified again;
	struct cp_err why = { 0 };
	struct cp_hash now;

	MUST(w, cp_store_hash(s, &now, err));
	if (!place_is_hub(p) && !place_is_relay(w, p) && (w->seed + (uint64_t)(p - w->places)) % 3 != 0)
		json_object_set_new(out, "replayed", hex_of(&now)); /* of the devices each third, for time's sake */
	else if (cp_verify_store(s, &again, &why) == CP_OK)
		json_object_set_new(out, "replayed", hex_of(&again.hash));
	else
		json_object_set_new(out, "replayed", json_string(why.text));
	json_object_set_new(out, "hash", hex_of(&now));
	MUST(w, cp_balance_each(s, each_balance, balance, err));
	json_object_set_new(out, "balance", balance);
	MUST(w, cp_case_each(s, each_case, shown, err));
	json_object_set_new(out, "shown", shown);
	MUST(w, cp_label_each(s, each_label, labels, err));
	json_object_set_new(out, "labels", labels);
	if (place_is_hub(p)) {
		json_object_set_new(out, "stories", stories(w, s));
		json_object_set_new(out, "revs", names_of_revs(w, p, s));
		json_object_set_new(out, "merged", merged_texts(w, s));
		MUST(w, cp_quarantine_each(s, true, each_quarantined, quarantine, err));
		json_object_set(out, "quarantine", quarantine);
	}
	json_decref(quarantine);
	world_close(w, p);
	json_object_set_new(out, "tables", tables_of(w, p));
	return out;
}

void settle_dump(struct world *w, const struct cp_hash *mirror, const char *news)
{
	json_t *places = json_object(), *state;

	for (int i = 0; i < w->n_places; i++)
		if (w->places[i].exists)
			json_object_set_new(places, w->places[i].name, place_state(w, &w->places[i]));
	state = json_pack("{s:o, s:O, s:o, s:s, s:O, s:I}", "places", places, "contents", w->contents, "mirror",
			mirror ? hex_of(mirror) : json_null(), "news", news, "found", w->found, "cuts", (json_int_t)w->cuts);
	if (json_dump_file(state, world_path(w, "state.json"), JSON_COMPACT) != 0)
		abort();
	json_decref(state);
}
