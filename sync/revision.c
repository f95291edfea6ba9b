#include "sync/revision.h"

#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/heads.h"
#include "sync/inner.h"
#include "sync/textblame.h"
#include "sync/texts.h"

void cp_revision_list_drop(struct cp_revision_list *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->list[i].note);
		free(r->list[i].parents);
	}
	free(r->list);
	memset(r, 0, sizeof *r);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Of a revision that came more than once (two leads wrote the same) the edit that its row shows, in the first sealed
 * commit. ?1 a name, ?2 the table of the texts, ?3 that of the revisions. */
#define ROWS(texts, revisions, named) \
	"SELECT v.id, v.number, v.kind, v.note, coalesce(p.pseudonym, ''), v.clock, v.parents, t.id," \
	" EXISTS (SELECT 1 FROM candidates d WHERE d.doc = t.id AND d.tbl = ?2 AND d.col = 'text' AND d.rev = substr(v.rev, 1, 8))," \
	" coalesce(c.oid, ''), coalesce(c.received_us, 0), coalesce(lower(hex(c.replica)), '')," \
	" coalesce(e.commit_no, 0) < 0, coalesce(k.n, 0)" \
	" FROM " texts " t JOIN " revisions " v ON v.parent_doc = t.id LEFT JOIN persons p ON p.id = v.person" \
	" LEFT JOIN edits e ON e.doc = v.id AND e.tbl = ?3 AND e.rev = substr(v.rev, 1, 8) AND e.commit_no =" \
	"  (SELECT commit_no FROM edits x WHERE x.doc = v.id AND x.tbl = ?3 AND x.rev = substr(v.rev, 1, 8)" \
	"   ORDER BY commit_no < 0, commit_no LIMIT 1)" \
	" LEFT JOIN commits c ON c.no = e.commit_no" \
	" LEFT JOIN (SELECT " named " AS id, count(*) AS n FROM judgments GROUP BY 1) k ON k.id = v.id" \
	" WHERE t.name = ?1 ORDER BY v.number, v.clock, v.id"

static enum cp_code add(struct cp_store *s, struct cp_revision_list *out, sqlite3_stmt *q, struct cp_buf *parents,
		struct cp_err *err)
{
	struct cp_revision *list = reallocarray(out->list, out->n + 1, sizeof *list), *r;

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->list = list;
	r = &list[out->n];
	memset(r, 0, sizeof *r);
	cp_col_id(q, 0, &r->id);
	r->number = sqlite3_column_int64(q, 1);
	snprintf(r->kind, sizeof r->kind, "%s", cp_col_text(q, 2));
	snprintf(r->author, sizeof r->author, "%s", cp_col_text(q, 4));
	r->claimed_us = sqlite3_column_int64(q, 5);
	r->n_parents = (size_t)sqlite3_column_bytes(q, 6) / sizeof(struct cp_id); /* of the row; counted when all are known */
	CP_TRY(cp_buf_add(parents, sqlite3_column_blob(q, 6), r->n_parents * sizeof(struct cp_id), err));
	cp_col_id(q, 7, &out->text);
	r->is_unmerged = sqlite3_column_int(q, 8) != 0;
	snprintf(r->commit, sizeof r->commit, "%s", cp_col_text(q, 9));
	r->received_us = sqlite3_column_int64(q, 10);
	r->is_unsealed = sqlite3_column_int(q, 12) != 0;
	if (r->is_unsealed)
		cp_hex(r->device, s->me.replica.bytes, sizeof s->me.replica.bytes);
	else
		snprintf(r->device, sizeof r->device, "%s", cp_col_text(q, 11));
	r->judgments = sqlite3_column_int64(q, 13);
	r->note = strdup(cp_col_text(q, 3));
	if (r->note == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->n++;
	return CP_OK;
}

size_t cp_revision_at(const struct cp_revision_list *r, const struct cp_id *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (cp_id_equal(&r->list[i].id, id))
			return i;
	return SIZE_MAX;
}

/* The parents' ids become places in the list. */
static enum cp_code find_parents(struct cp_revision_list *out, const struct cp_buf *ids, struct cp_err *err)
{
	const char *at = ids->data;

	for (size_t i = 0; i < out->n; i++) {
		struct cp_revision *r = &out->list[i];
		size_t n = r->n_parents;

		r->n_parents = 0;
		r->parents = calloc(n + 1, sizeof *r->parents);
		if (r->parents == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		for (; n > 0; n--, at += sizeof(struct cp_id)) {
			struct cp_id id;
			size_t place;

			memcpy(&id, at, sizeof id);
			place = cp_revision_at(out, &id);
			if (place < i)
				r->parents[r->n_parents++] = place;
			else
				r->n_absent++;
		}
	}
	return CP_OK;
}

static enum cp_code read_rows(struct cp_store *s, const char *name, struct cp_revision_list *out, struct cp_buf *parents,
		struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, out->is_form ? ROWS("forms", "form_versions", "form_version")
			: ROWS("guidelines", "guideline_revisions", "guideline_revision"), "tii", name,
			(int64_t)(out->is_form ? CP_T_FORMS : CP_T_GUIDELINES),
			(int64_t)(out->is_form ? CP_T_FORM_VERSIONS : CP_T_GUIDELINE_REVISIONS)));
	for (;;) {
		enum cp_code code;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		code = add(s, out, q, parents, err);
		if (code != CP_OK) {
			sqlite3_reset(q);
			return code;
		}
	}
}

enum cp_code cp_revision_list_load(struct cp_store *s, bool is_form, const char *name, struct cp_revision_list *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf parents = CP_BUF(CP_TEXT_MAX), unused = CP_BUF(CP_TEXT_MAX);
	enum cp_code code;

	memset(out, 0, sizeof *out);
	out->is_form = is_form;
	code = read_rows(s, name, out, &parents, err);
	if (code == CP_OK)
		code = find_parents(out, &parents, err);
	if (code == CP_OK && out->n == 0)
		code = cp_text_get(s, is_form, name, 0, &unused, NULL, err); /* which says what is not here */
	if (code == CP_OK && out->n > 0)
		out->list[out->n - 1].is_current = true;
	if (code != CP_OK)
		cp_revision_list_drop(out);
	return code;
}

/* ---- what grew from what ------------------------------------------------------------------------- */

void cp_revision_above(const struct cp_revision_list *r, size_t i, bool *marks)
{
	marks[i] = true;
	for (size_t k = i + 1; k-- > 0;)
		for (size_t p = 0; marks[k] && p < r->list[k].n_parents; p++)
			marks[r->list[k].parents[p]] = true;
}

void cp_revision_below(const struct cp_revision_list *r, size_t i, bool *marks)
{
	marks[i] = true;
	for (size_t k = i + 1; k < r->n; k++)
		for (size_t p = 0; p < r->list[k].n_parents; p++)
			marks[k] = marks[k] || marks[r->list[k].parents[p]];
}

/* ---- who signed ------------------------------------------------------------------------------------ */

enum cp_code cp_revision_signature(struct cp_store *s, const struct cp_revision *r, const char **out, struct cp_err *err)
{
	struct cp_commit c = { .message = NULL };
	struct cp_pubkey signer;
	struct cp_id device, project;
	char hex[CP_ID_HEX];
	sqlite3_stmt *q;
	bool row;

	*out = r->is_unsealed ? "unsealed" : "absent";
	if (r->commit[0] == '\0' || cp_repo_read_commit(s->history, r->commit, &c, NULL) != CP_OK)
		return CP_OK;
	*out = "bad";
	row = cp_commit_signer(&signer, &c, NULL) == CP_OK && cp_ident_device(&c.committer, &device, &project) &&
		strcmp(cp_hex(hex, device.bytes, sizeof device.bytes), r->device) == 0;
	cp_commit_drop(&c);
	if (!row)
		return CP_OK;
	CP_TRY(cp_query(s, &q, err, "SELECT state FROM replicas WHERE id = ?1 AND public_key = ?2", "db", &device, &signer,
			sizeof signer));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	*out = strcmp(cp_col_text(q, 0), "revoked") == 0 ? "revoked" : "good";
	sqlite3_reset(q);
	return CP_OK;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

/* A revision's text: a cp_blame_load. */
struct bodies { struct cp_store *store; const struct cp_revision_list *revisions; };

static enum cp_code load_body(void *user, size_t i, struct cp_buf *out, struct cp_err *err)
{
	const struct bodies *b = user;

	return cp_revision_body(b->store, b->revisions->is_form, &b->revisions->list[i].id, out, err);
}

enum cp_code cp_revision_blame(struct cp_store *s, const struct cp_revision_list *r, size_t tip, size_t **out, size_t *n,
		struct cp_err *err)
{
	struct bodies bodies = { s, r };
	struct cp_blame_version *versions = calloc(r->n + 1, sizeof *versions);
	enum cp_code code;

	if (versions == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < r->n; i++)
		versions[i] = (struct cp_blame_version){ r->list[i].parents, r->list[i].n_parents };
	code = cp_textblame(out, n, versions, tip, load_body, &bodies, err);
	free(versions);
	return code;
}
