#include "sync/pages.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/text.h"
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/tree.h"

/* The row's columns from..to of the statement as one TSV line. */
static enum cp_code tsv_row(struct cp_buf *out, sqlite3_stmt *q, int from, int to, struct cp_err *err)
{
	for (int c = from; c <= to; c++) {
		CP_TRY(c > from ? cp_buf_puts(out, "\t", err) : CP_OK);
		CP_TRY(cp_text_tsv(out, cp_col_text(q, c), strlen(cp_col_text(q, c)), err));
	}
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code tsv_rows(struct cp_store *s, sqlite3_stmt *q, int columns, struct cp_buf *out, struct cp_err *err)
{
	bool row;

	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(tsv_row(out, q, 0, columns - 1, err));
	}
}

/* A case's file name: its name if every file system takes it, else its key. */
enum cp_code cp_page_case(struct cp_buf *out, const char *name, const struct cp_id *id, struct cp_err *err)
{
	size_t n = strlen(name);
	char hex[CP_ID_HEX];

	cp_hex(hex, id->bytes, sizeof id->bytes);
	if (n > 0 && n <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n &&
			strchr("._-", name[0]) == NULL && name[n - 1] != '.')
		return cp_buf_printf(out, err, "%.2s/%s", hex, name);
	return cp_buf_printf(out, err, "%.2s/%s", hex, hex);
}

static enum cp_code case_path(struct cp_store *s, const struct cp_id *id, const char *folder, const char *ending,
		struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT name FROM cases WHERE id = ?1", "d", id));
	CP_TRY(cp_buf_printf(out, err, "%s/", folder));
	CP_TRY(cp_page_case(out, name.data ? name.data : "", id, err));
	return cp_buf_puts(out, ending, err);
}

static enum cp_code add_json(struct cp_buf *out, json_t *o, struct cp_err *err)
{
	char *text = json_dumps(o, JSON_INDENT(2) | JSON_SORT_KEYS);
	enum cp_code code = text ? cp_text_json(out, text, strlen(text), err) : cp_fail(err, CP_EIO, "out of memory");

	if (code == CP_OK)
		code = cp_buf_puts(out, "\n", err);

	free(text);
	json_decref(o);
	return code;
}

static json_t *hex_json(const void *bytes, size_t len)
{
	char hex[CP_HASH_HEX];

	return json_string(len > 32 ? "" : cp_hex(hex, bytes, len));
}

int cp_page_files(enum cp_page page)
{
	return page == CP_PAGE_TRUST ? 3 : page == CP_PAGE_PROJECT ? 2 : 1;
}

/* ---- one renderer a page ------------------------------------------------------------------- */

static enum cp_code project(struct cp_store *s, int which, struct cp_buf *path, struct cp_buf *text, struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	json_t *o;
	bool found;

	if (which == 1) {
		CP_TRY(cp_buf_puts(path, ".gitattributes", err));
		return cp_buf_puts(text, "changeset diff=casepack\n", err);
	}
	CP_TRY(cp_buf_puts(path, "project.json", err));
	CP_TRY(cp_row_get(s, CP_T_PROJECT, &s->me.project, row, &found, err));
	if (!found)
		return CP_OK;
	o = json_object();
	json_object_set_new(o, "id", hex_json(row[0].bytes, 16));
	json_object_set_new(o, "name", json_stringn((const char *)row[3].bytes, row[3].len));
	json_object_set_new(o, "shows_queries", json_boolean(row[4].integer));
	json_object_set_new(o, "policies", json_loadb((const char *)row[5].bytes, row[5].len, 0, NULL));
	if (row[CP_P_ENCRYPTION].len > 0)
		json_object_set_new(o, "encryption", json_stringn((const char *)row[CP_P_ENCRYPTION].bytes, row[CP_P_ENCRYPTION].len));
	if (row[CP_P_KEEP_DAYS].integer > 0)
		json_object_set_new(o, "keep_days", json_integer(row[CP_P_KEEP_DAYS].integer));
	return add_json(text, o, err);
}

static enum cp_code signers(struct cp_store *s, struct cp_buf *text, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;
	char r[CP_ID_HEX], p[CP_ID_HEX];

	CP_TRY(cp_query(s, &q, err, "SELECT r.id, r.public_key, coalesce(p.pseudonym, '') FROM replicas r"
			" LEFT JOIN persons p ON p.id = r.person ORDER BY r.id", ""));
	for (;;) {
		struct cp_id id;
		struct cp_pubkey key;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_id(q, 0, &id);
		cp_col_hash(q, 1, (struct cp_hash *)(void *)&key);
		CP_TRY(cp_buf_printf(text, err, "%s@%s.invalid namespaces=\"git,casepack-bundle,casepack-successor\" ",
				cp_hex(r, id.bytes, 16), cp_hex(p, s->me.project.bytes, 16)));
		CP_TRY(cp_pubkey_print(text, &key, err));
		CP_TRY(cp_buf_printf(text, err, " %s\n", cp_col_text(q, 2)));
	}
}

/* No file until a lead has decided something. */
static enum cp_code rulings(struct cp_store *s, struct cp_buf *text, struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t any;

	CP_TRY(cp_query_int(s, &any, 0, err, "SELECT 1 FROM rulings LIMIT 1", ""));
	if (!any)
		return CP_OK;
	CP_TRY(cp_buf_puts(text, "about\tdecision\twho\twhen\treason\n", err));
	CP_TRY(cp_query(s, &q, err, "SELECT u.about, u.decision, coalesce(p.pseudonym, lower(hex(u.person))),"
			" strftime('%Y-%m-%dT%H:%M:%SZ', u.clock / 1000000, 'unixepoch'), u.reason FROM rulings u"
			" LEFT JOIN persons p ON p.id = u.person ORDER BY u.about", ""));
	return tsv_rows(s, q, 5, text, err);
}

static enum cp_code trust(struct cp_store *s, int which, struct cp_buf *path, struct cp_buf *text, struct cp_err *err)
{
	sqlite3_stmt *q;

	static const char *const paths[] = { "trust/allowed_signers", "trust/persons.tsv", "trust/rulings.tsv" };

	CP_TRY(cp_buf_puts(path, paths[which], err));
	if (which == 0)
		return signers(s, text, err);
	if (which == 2)
		return rulings(s, text, err);
	CP_TRY(cp_buf_puts(text, "person\trole\tstate\tvendor\tlocales\tdevice\tdevice_state\n", err));
	CP_TRY(cp_query(s, &q, err, "SELECT p.pseudonym, p.role, p.state, p.vendor, p.locales, lower(hex(r.id)), r.state"
			" FROM persons p LEFT JOIN replicas r ON r.person = p.id ORDER BY p.pseudonym, r.id", ""));
	return tsv_rows(s, q, 7, text, err);
}

/* The text that stands; of several heads their merge, both sides marked where they overlap. */
static enum cp_code text_of(struct cp_store *s, const struct cp_id *id, bool is_form, struct cp_buf *out, struct cp_err *err)
{
	struct cp_heads heads;
	size_t overlaps;
	enum cp_code code = cp_heads_load(s, is_form, id, &heads, err);

	if (code == CP_OK && heads.n > 0)
		code = cp_heads_text(s, is_form, id, &heads, out, &overlaps, err);
	cp_heads_drop(&heads);
	return code;
}

static enum cp_code guideline(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT name FROM guidelines WHERE id = ?1", "d", id));
	CP_TRY(cp_buf_printf(path, err, "guidelines/%s.md", name.data ? name.data : ""));
	return text_of(s, id, false, text, err);
}

static enum cp_code form(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	json_t *o;

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT name FROM forms WHERE id = ?1", "d", id));
	CP_TRY(cp_buf_printf(path, err, "forms/%s.json", name.data ? name.data : ""));
	CP_TRY(text_of(s, id, true, &body, err));
	o = json_loadb(body.data ? body.data : "", body.len, 0, NULL);
	return o ? add_json(text, o, err) : CP_OK;
}

static enum cp_code case_page(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	static const char *const names[] = { [3] = "name", "kind", "locale", "segment" };
	json_t *o;
	bool found;

	CP_TRY(case_path(s, id, "cases", ".json", path, err));
	CP_TRY(cp_row_get(s, CP_T_CASES, id, row, &found, err));
	if (!found)
		return CP_OK;
	o = json_object();
	json_object_set_new(o, "id", hex_json(id->bytes, 16));
	for (size_t c = 3; c <= 6; c++)
		json_object_set_new(o, names[c], json_stringn((const char *)row[c].bytes, row[c].len));
	json_object_set_new(o, "content", hex_json(row[7].bytes, row[7].len));
	json_object_set_new(o, "results", json_loadb((const char *)row[8].bytes, row[8].len, 0, NULL));
	json_object_set_new(o, "state", json_stringn((const char *)row[9].bytes, row[9].len));
	if (row[10].len > 0)
		json_object_set_new(o, "reason", json_stringn((const char *)row[10].bytes, row[10].len));
	return add_json(text, o, err);
}

static enum cp_code assignments(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	sqlite3_stmt *q;

	CP_TRY(cp_query_text(s, &name, NULL, err, "SELECT pseudonym FROM persons WHERE id = ?1", "d", id));
	CP_TRY(cp_buf_printf(path, err, "assignments/%s.tsv", name.data ? name.data : "unknown"));
	CP_TRY(cp_buf_puts(text, "position\tcase\tpass\tform\tguideline\tdue\tstate\n", err));
	CP_TRY(cp_query(s, &q, err, "SELECT a.position, coalesce(c.name, lower(hex(a.case_id))), a.pass,"
			" coalesce(f.name, ''), coalesce(g.name, ''), a.due, a.state FROM assignments a"
			" LEFT JOIN cases c ON c.id = a.case_id LEFT JOIN forms f ON f.id = a.form"
			" LEFT JOIN guidelines g ON g.id = a.guideline WHERE a.person = ?1"
			" ORDER BY a.position, a.id", "d", id));
	return tsv_rows(s, q, 7, text, err);
}

/* Rows of a query, each behind whose judgment it is about. */
static enum cp_code lines_of(struct cp_store *s, sqlite3_stmt *j, sqlite3_stmt *q, int last, struct cp_buf *text, struct cp_err *err)
{
	bool row;

	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(tsv_row(text, j, 1, 2, err));
		text->data[text->len - 1] = '\t'; /* go on with the line */
		CP_TRY(tsv_row(text, q, 0, last, err));
	}
}

/* Each breaking revision that has overtaken the judgment, and what was decided about that. */
static enum cp_code stale_lines(struct cp_store *s, sqlite3_stmt *j, const struct cp_id *id, struct cp_buf *text, struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(cp_query(s, &q, err, "SELECT '[stale]', t.name, CASE x.policy WHEN '' THEN 'open' ELSE x.policy END, coalesce(w.reason, ''),"
			" coalesce(p.pseudonym, '') FROM conflicts x JOIN"
			" (SELECT v.id, g.name || ' revision ' || v.number AS name FROM guideline_revisions v JOIN guidelines g ON g.id = v.parent_doc"
			"  UNION ALL SELECT v.id, f.name || ' version ' || v.number FROM form_versions v JOIN forms f ON f.id = v.parent_doc) t"
			"  ON lower(hex(t.id)) = x.col"
			" LEFT JOIN stale_settlements w ON w.judgment = x.doc AND w.cause = t.id AND x.is_open = 0"
			" LEFT JOIN persons p ON p.id = w.person WHERE x.doc = ?1 AND x.tbl = ?2 AND x.class = 'stale' ORDER BY x.col", "di",
			id, (int64_t)CP_T_JUDGMENTS));
	return lines_of(s, j, q, 4, text, err);
}

/* RATER PASS FIELD RESULT VALUE; what the judgment says of itself stands before its answers, in brackets. */
static enum cp_code judgment_lines(struct cp_store *s, sqlite3_stmt *j, struct cp_buf *text, struct cp_err *err)
{
	static const char *const facts[] = { "[state]", "[guideline]", "[form]", "[content]", "[note]", "[late]" };
	sqlite3_stmt *q;
	struct cp_id id;

	for (int i = 0; i < 6; i++) {
		if (*cp_col_text(j, 3 + i) == '\0')
			continue;
		CP_TRY(tsv_row(text, j, 1, 2, err));
		text->data[text->len - 1] = '\t';
		CP_TRY(cp_buf_printf(text, err, "%s\t\t", facts[i]));
		CP_TRY(tsv_row(text, j, 3 + i, 3 + i, err));
	}
	cp_col_id(j, 0, &id);
	CP_TRY(stale_lines(s, j, &id, text, err));
	CP_TRY(cp_query(s, &q, err, "SELECT field, result, value FROM ratings WHERE judgment = ?1 AND value IS NOT NULL"
			" ORDER BY field, result", "d", &id));
	return lines_of(s, j, q, 2, text, err);
}

static enum cp_code judgments(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(case_path(s, id, "judgments", ".tsv", path, err));
	CP_TRY(cp_query(s, &q, err, "SELECT j.id, coalesce(p.pseudonym, lower(hex(a.person))), a.pass, j.state,"
			" coalesce((SELECT g.name || ' revision ' || v.number FROM guideline_revisions v"
			"  JOIN guidelines g ON g.id = v.parent_doc WHERE v.id = j.guideline_revision), ''),"
			" coalesce((SELECT f.name || ' version ' || v.number FROM form_versions v"
			"  JOIN forms f ON f.id = v.parent_doc WHERE v.id = j.form_version), ''),"
			" lower(hex(j.content)), j.note, CASE WHEN EXISTS (SELECT 1 FROM conflicts x WHERE x.doc = j.id AND x.tbl = ?2"
			"  AND x.class = 'late') THEN substr(a.state, 1, instr(a.state || ' ', ' ') - 1) ELSE '' END"
			" FROM assignments a JOIN judgments j ON j.id = a.id LEFT JOIN persons p ON p.id = a.person"
			" WHERE a.case_id = ?1 ORDER BY 2, 3, j.id", "di", id, (int64_t)CP_T_JUDGMENTS));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		CP_TRY(judgment_lines(s, q, text, err));
	}
}

static enum cp_code adjudications(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	sqlite3_stmt *q;

	CP_TRY(case_path(s, id, "adjudications", ".tsv", path, err));
	CP_TRY(cp_query(s, &q, err, "SELECT a.field, a.result, a.value, a.cause, a.reason, coalesce(p.pseudonym, '')"
			" FROM adjudications a LEFT JOIN persons p ON p.id = a.person WHERE a.case_id = ?1"
			" ORDER BY a.field, a.result", "d", id));
	return tsv_rows(s, q, 6, text, err);
}

static enum cp_code conflict(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	char hex[CP_ID_HEX];
	sqlite3_stmt *q;
	bool row;

	cp_hex(hex, id->bytes, sizeof id->bytes);
	CP_TRY(cp_buf_printf(path, err, "conflicts/%.2s/%s.tsv", hex, hex));
	CP_TRY(cp_query(s, &q, err, "SELECT c.tbl, c.col, c.class, CASE WHEN c.is_open THEN 'open' WHEN c.class IN ('fork', 'hard')"
			" THEN 'settled' ELSE '' END, c.policy, c.base, CASE WHEN c.stands = d.rev THEN 'stands' ELSE '' END,"
			" lower(hex(d.rev)), coalesce(p.pseudonym, ''), strftime('%Y-%m-%dT%H:%M:%SZ', d.clock / 1000000, 'unixepoch'),"
			" coalesce(m.oid, ''), d.value FROM conflicts c JOIN candidates d USING (doc, tbl, col)"
			" LEFT JOIN commits m ON m.no = d.commit_no LEFT JOIN replicas r ON r.id = m.replica"
			" LEFT JOIN persons p ON p.id = r.person WHERE c.doc = ?1 AND c.tbl < ?2 AND c.class NOT IN ('late', 'stale')"
			" ORDER BY c.tbl, c.col, c.class, d.rev, m.oid", "di", id, (int64_t)CP_T_PUBLIC));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		if (text->len == 0)
			CP_TRY(cp_buf_puts(text, "table\tcolumn\tclass\topen\tpolicy\tbase\tstands\trev\twho\twhen\tchange_commit\tsays\n", err));
		CP_TRY(cp_buf_printf(text, err, "%s\t", cp_shapes[sqlite3_column_int(q, 0)].name));
		CP_TRY(tsv_row(text, q, 1, 11, err));
	}
}

/* What leads decided about a document: the settlement that stands, and every resolution. */
static enum cp_code settled(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	char hex[CP_ID_HEX];
	sqlite3_stmt *q;
	bool row;

	cp_hex(hex, id->bytes, sizeof id->bytes);
	CP_TRY(cp_buf_printf(path, err, "settlements/%.2s/%s.tsv", hex, hex));
	CP_TRY(cp_query(s, &q, err, "SELECT t.kind, t.tbl, t.stands, t.says, t.policy, coalesce(p.pseudonym, ''),"
			" strftime('%Y-%m-%dT%H:%M:%SZ', t.clock / 1000000, 'unixepoch'), t.reason FROM"
			" (SELECT 'settlement' AS kind, 'judgments' AS tbl, lower(hex(stands)) AS stands, lower(hex(weighed)) AS says, policy,"
			"  person, clock, reason FROM settlements WHERE id = ?1 UNION ALL"
			"  SELECT 'resolution', tbl, lower(hex(edit)), settles, policy, person, clock, reason FROM resolutions WHERE doc = ?1) t"
			" LEFT JOIN persons p ON p.id = t.person ORDER BY t.kind DESC, t.tbl, t.clock, t.stands", "d", id));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		if (text->len == 0)
			CP_TRY(cp_buf_puts(text, "kind\ttable\tstands\tweighed_or_settles\tpolicy\twho\twhen\treason\n", err));
		CP_TRY(tsv_row(text, q, 0, 7, err));
	}
}

static enum cp_code verdicts(struct cp_store *s, const struct cp_id *id, struct cp_buf *path, struct cp_buf *text,
		struct cp_err *err)
{
	char hex[CP_ID_HEX];
	sqlite3_stmt *q;

	CP_TRY(cp_buf_printf(path, err, "verdicts/%s.tsv", cp_hex(hex, id->bytes, sizeof id->bytes)));
	CP_TRY(cp_buf_puts(text, "change_commit\tverdict\treceived\tclock\tedits\thub\treason\n", err));
	CP_TRY(cp_query(s, &q, err, "SELECT v.oid, v.verdict, strftime('%Y-%m-%dT%H:%M:%SZ', v.received_us / 1000000, 'unixepoch'),"
			" CASE v.is_far WHEN 0 THEN 'near' ELSE 'far' END, c.edits, lower(hex(v.hub)), v.reason"
			" FROM verdicts v JOIN commits c ON c.oid = v.oid WHERE c.replica = ?1 AND c.is_private = 0"
			" ORDER BY v.received_us / 1000000, v.oid, v.hub", "d", id)); /* the order of arrival is each hub's own */
	return tsv_rows(s, q, 7, text, err);
}

/* No file until labels have left a hub. */
static enum cp_code exports(struct cp_store *s, struct cp_buf *path, struct cp_buf *text, struct cp_err *err)
{
	sqlite3_stmt *q;
	int64_t any;

	CP_TRY(cp_buf_puts(path, "exports.tsv", err));
	CP_TRY(cp_query_int(s, &any, 0, err, "SELECT 1 FROM exports LIMIT 1", ""));
	if (!any)
		return CP_OK;
	CP_TRY(cp_buf_puts(text, "when\twho\tformat\tscope\tlabels\tfile\tmain\n", err));
	CP_TRY(cp_query(s, &q, err, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', x.clock / 1000000, 'unixepoch'),"
			" coalesce(p.pseudonym, lower(hex(x.person))), x.format, x.scope, x.labels, lower(hex(x.file)), x.main FROM exports x"
			" LEFT JOIN persons p ON p.id = x.person ORDER BY x.clock, x.id", ""));
	return tsv_rows(s, q, 7, text, err);
}

enum cp_code cp_page_render(struct cp_store *s, enum cp_page page, int which, const struct cp_id *id,
		struct cp_buf *path, struct cp_buf *text, struct cp_err *err)
{
	switch (page) {
	case CP_PAGE_PROJECT:       return project(s, which, path, text, err);
	case CP_PAGE_TRUST:         return trust(s, which, path, text, err);
	case CP_PAGE_GUIDELINE:     return guideline(s, id, path, text, err);
	case CP_PAGE_FORM:          return form(s, id, path, text, err);
	case CP_PAGE_CASE:          return case_page(s, id, path, text, err);
	case CP_PAGE_ASSIGNMENTS:   return assignments(s, id, path, text, err);
	case CP_PAGE_JUDGMENTS:     return judgments(s, id, path, text, err);
	case CP_PAGE_ADJUDICATIONS: return adjudications(s, id, path, text, err);
	case CP_PAGE_CONFLICT:      return conflict(s, id, path, text, err);
	case CP_PAGE_SETTLED:       return settled(s, id, path, text, err);
	case CP_PAGE_EXPORTS:       return exports(s, path, text, err);
	case CP_PAGE_VERDICTS:      return verdicts(s, id, path, text, err);
	}
	return CP_OK;
}
