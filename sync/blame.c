/* Who gave each answer of a case that stands. */
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/story_inner.h"

struct blaming { struct cp_store *s; struct cp_attests attests; cp_blame_visit *visit; void *user; };

/* An answer that stands, before it is told. */
struct answer {
	struct cp_id doc; size_t table;
	char rater[64], field[64], result[128], *value, *reason;
	int64_t pass;
	struct cp_rev rev;
	char state[16];
};
struct answers { struct answer *list; size_t n; };

static void answers_drop(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->list[i].value);
		free(a->list[i].reason);
	}
	free(a->list);
}
#define cp_answers_drop answers_drop

/* A final answer's revs may be joined where leads disagree: the edit whose value the row shows is found by that. */
static const char answers_sql[] =
	"SELECT ?2 AS tbl, a.id, coalesce(p.pseudonym, ''), a.pass, r.field, r.result, r.value, r.rev,"
	" coalesce((SELECT CASE x.stands WHEN x'' THEN 'undecided' ELSE 'in conflict' END FROM conflicts x WHERE x.doc = a.id AND x.tbl = ?2"
	"  AND x.class = 'fork' AND x.is_open), ''), '' AS why, 0 AS is_final FROM assignments a JOIN ratings r ON r.judgment = a.id"
	" LEFT JOIN persons p ON p.id = a.person WHERE a.case_id = ?1 AND r.value IS NOT NULL"
	" UNION ALL SELECT ?3, f.id, '', 0, f.field, f.result, f.value, substr(f.rev, 1, 8), coalesce((SELECT CASE x.stands WHEN x''"
	"  THEN 'undecided' ELSE 'in conflict' END FROM conflicts x WHERE x.doc = f.id AND x.tbl = ?3 AND x.class = 'hard' AND x.is_open LIMIT 1),"
	"  ''), f.cause || ': ' || f.reason, 1 FROM adjudications f WHERE f.case_id = ?1 AND f.value IS NOT NULL"
	" ORDER BY 5, 6, 11, 3, 4";

static enum cp_code read_answers(struct cp_store *s, const struct cp_id *case_id, struct answers *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, answers_sql, "dii", case_id, (int64_t)CP_T_JUDGMENTS, (int64_t)CP_T_ADJUDICATIONS));
	for (;;) {
		struct answer *a;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		out->list = reallocarray(out->list, out->n + 1, sizeof *out->list);
		if (out->list == NULL)
			abort();
		a = &out->list[out->n++];
		memset(a, 0, sizeof *a);
		a->table = (size_t)sqlite3_column_int(q, 0);
		cp_col_id(q, 1, &a->doc);
		snprintf(a->rater, sizeof a->rater, "%s", cp_col_text(q, 2));
		a->pass = sqlite3_column_int64(q, 3);
		snprintf(a->field, sizeof a->field, "%s", cp_col_text(q, 4));
		snprintf(a->result, sizeof a->result, "%s", cp_col_text(q, 5));
		a->value = strdup(cp_col_text(q, 6));
		if (sqlite3_column_bytes(q, 7) == (int)sizeof a->rev)
			memcpy(a->rev.bytes, sqlite3_column_blob(q, 7), sizeof a->rev);
		snprintf(a->state, sizeof a->state, "%s", cp_col_text(q, 8));
		a->reason = strdup(cp_col_text(q, 9));
		if (a->value == NULL || a->reason == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
	}
}

/* ---- the edit that gave it --------------------------------------------------------------------------- */

static const struct cp_value *written(const struct cp_doc_edit *e, const struct answer *a)
{
	for (size_t i = 0; i < e->n_cells; i++) {
		const struct cp_cell_write *c = &e->cells[i];

		if (c->is_answer ? strcmp(c->field, a->field) == 0 && strcmp(c->result, a->result) == 0
				: a->table == CP_T_ADJUDICATIONS && strcmp(c->name, "value") == 0)
			return &c->value;
	}
	return NULL;
}

static bool gave(const struct cp_doc_edit *e, const struct answer *a)
{
	const struct cp_value *v = written(e, a);

	return v != NULL && v->type == CP_TEXT && v->len == strlen(a->value) && memcmp(v->bytes, a->value, v->len) == 0;
}

static const struct cp_doc_edit *parent_of(const struct cp_document *d, const struct cp_doc_edit *e)
{
	for (size_t i = 0; e->n_replaced > 0 && i < d->n; i++)
		if (memcmp(&d->edits[i].rev, &e->replaced[0], sizeof(struct cp_rev)) == 0)
			return &d->edits[i];
	return NULL;
}

/*
 * The row names the edit that wrote the cell; one that wrote the same value again did not set it. Of a final answer in whose column
 * leads disagree any edit that gave the value that stands may have.
 */
static const struct cp_doc_edit *setter(const struct cp_document *d, const struct answer *a)
{
	const struct cp_doc_edit *best = NULL, *e = NULL;

	for (size_t i = 0; i < d->n; i++)
		if (memcmp(&d->edits[i].rev, &a->rev, sizeof a->rev) == 0 && (e == NULL || d->edits[i].clock < e->clock))
			e = &d->edits[i];
	for (size_t steps = 0; e != NULL && steps <= d->n; steps++) {
		if (written(e, a) != NULL && !gave(e, a))
			break;
		best = written(e, a) != NULL ? e : best;
		e = parent_of(d, e);
	}
	for (size_t i = 0; best == NULL && i < d->n; i++)
		best = gave(&d->edits[i], a) ? &d->edits[i] : NULL;
	return best;
}

/* ---- the lead's choice beside it ----------------------------------------------------------------------- */

struct choice { char who[64], commit[41]; struct cp_buf reason; int64_t at_us; };

/* The settlement in force of that judgment, in the change commit that wrote it. */
static enum cp_code choice_of(struct cp_store *s, const struct answer *a, struct choice *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	if (a->table != CP_T_JUDGMENTS)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT coalesce(p.pseudonym, ''), coalesce(m.oid, ''), t.reason, t.clock FROM settlements t"
			" LEFT JOIN persons p ON p.id = t.person LEFT JOIN edits e ON e.doc = t.id AND e.tbl = ?2 AND e.rev = substr(t.rev, 1, 8)"
			" LEFT JOIN commits m ON m.no = e.commit_no WHERE t.id = ?1 LIMIT 1", "di", &a->doc, (int64_t)CP_T_SETTLEMENTS));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(out->who, sizeof out->who, "%s", cp_col_text(q, 0));
	snprintf(out->commit, sizeof out->commit, "%s", cp_col_text(q, 1));
	out->at_us = sqlite3_column_int64(q, 3);
	enum cp_code code = cp_buf_puts(&out->reason, cp_col_text(q, 2), err);
	sqlite3_reset(q);
	return code;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static enum cp_code tell(struct blaming *k, const struct cp_document *d, const struct answer *a, const struct choice *c, struct cp_err *err)
{
	const struct cp_doc_edit *e = setter(d, a);
	struct cp_attest by = { .signature = "", .device_state = "" };
	char guideline[96] = "";
	int64_t revision = 0;

	if (e != NULL)
		CP_TRY(cp_attest_edit(&k->attests, e, &by, err));
	if (e != NULL && a->table == CP_T_JUDGMENTS)
		CP_TRY(cp_revision_name(k->s, cp_value_under(d, e, "guideline_revision"), guideline, &revision, err));
	struct cp_blame b = { .rater = a->rater, .pass = a->pass, .field = a->field, .result = a->result, .value = a->value,
		.who = by.who, .device = by.device, .commit = by.commit, .guideline = guideline, .revision = revision,
		.signature = by.signature, .device_state = by.device_state, .state = a->state, .reason = a->reason,
		.claimed_us = by.claimed_us, .received_us = by.received_us, .settled_by = c->who,
		.settled_reason = c->reason.len ? c->reason.data : "", .settled_commit = c->commit, .settled_us = c->at_us };
	return k->visit(k->user, &b, err);
}

static enum cp_code tell_one(struct blaming *k, const struct answer *a, struct cp_err *err)
{
	struct choice c = { .reason = CP_BUF(CP_TEXT_MAX) };
	struct cp_document d;
	enum cp_code code;

	CP_TRY(cp_document_load(k->s, a->table, &a->doc, &d, err));
	code = choice_of(k->s, a, &c, err);
	if (code == CP_OK)
		code = tell(k, &d, a, &c, err);
	cp_buf_drop(&c.reason);
	cp_document_drop(&d);
	return code;
}

enum cp_code cp_blame_case(struct cp_store *s, const struct cp_id *case_id, cp_blame_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(answers) struct answers answers = { 0 };
	struct blaming k = { s, { .s = s }, visit, user };
	enum cp_code code = read_answers(s, case_id, &answers, err);

	for (size_t i = 0; code == CP_OK && i < answers.n; i++)
		code = tell_one(&k, &answers.list[i], err);
	cp_attests_drop(&k.attests);
	return code;
}
