#include "sync/erase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "sync/cases.h"
#include "sync/content.h"
#include "sync/inner.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* ---- what is due --------------------------------------------------------------------------- */

static const char erasing_sql[] = "CREATE TEMP TABLE IF NOT EXISTS erasing (id BLOB PRIMARY KEY, rev BLOB, content BLOB,"
	" is_forgotten INTEGER) WITHOUT ROWID; CREATE INDEX IF NOT EXISTS temp.erasing_content ON erasing (content);"
	" DELETE FROM temp.erasing";

static enum cp_code add_forgotten(struct cp_store *s, struct cp_err *err)
{
	return cp_run(s, err, "INSERT INTO temp.erasing SELECT id, rev, content, 1 FROM cases c WHERE state = 'forgotten' AND NOT EXISTS"
			" (SELECT 1 FROM erased e WHERE e.case_id = c.id AND e.rev = c.rev)", "");
}

/*
 * A case is done with when each of its assignments is judged, the hub has held every edit of the judgment for that long,
 * and nothing is drafted; one that was taken back before it was judged is no obstacle.
 */
static enum cp_code add_expired(struct cp_store *s, struct cp_err *err)
{
	int64_t days, cutoff, any;

	_Static_assert(CP_T_JUDGMENTS == 11, "the number stands in the statement");
	CP_TRY(cp_query_int(s, &days, 0, err, "SELECT keep_days FROM project WHERE id = ?1", "d", &s->me.project));
	if (s->me.is_hub || days <= 0 || __builtin_mul_overflow(days, DAY_US, &cutoff))
		return CP_OK;
	cutoff = cp_now_us() - cutoff;
	CP_TRY(cp_query_int(s, &any, 0, err, "SELECT EXISTS (SELECT 1 FROM commits WHERE acked_us BETWEEN 1 AND ?1)"
			" OR EXISTS (SELECT 1 FROM assignments WHERE state <> 'given')", "i", cutoff));
	if (!any)
		return CP_OK;
	return cp_run(s, err, "INSERT OR IGNORE INTO temp.erasing SELECT id, rev, content, 0 FROM cases c WHERE state <> 'forgotten'"
			" AND NOT EXISTS (SELECT 1 FROM erased e WHERE e.case_id = c.id)"
			" AND EXISTS (SELECT 1 FROM assignments a WHERE a.case_id = c.id)"
			" AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.case_id = c.id AND (EXISTS (SELECT 1 FROM drafts d WHERE d.id = a.id)"
			"  OR (a.state = 'given' AND NOT EXISTS (SELECT 1 FROM judgments j WHERE j.id = a.id))"
			"  OR EXISTS (SELECT 1 FROM edits e LEFT JOIN commits m ON m.no = e.commit_no WHERE e.doc = a.id AND e.tbl = 11"
			"   AND (coalesce(m.acked_us, 0) = 0 OR m.acked_us > ?1))))", "i", cutoff);
}

static enum cp_code gather_due(struct cp_store *s, int64_t *n, struct cp_err *err)
{
	if (sqlite3_exec(s->db, erasing_sql, NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", s->path);
	CP_TRY(add_forgotten(s, err));
	CP_TRY(add_expired(s, err));
	return cp_query_int(s, n, 0, err, "SELECT count(*) FROM temp.erasing", "");
}

/* ---- documents, and the media that they name ---------------------------------------------------- */

struct media { char name[CP_MEDIA_NAME + 1]; bool is_kept; };
struct erasing {
	struct cp_store *s;
	struct cp_hash *docs; size_t n, room;
	struct media *media; size_t n_media, room_media;
};

static void erasing_drop(struct erasing *e)
{
	free(e->docs);
	free(e->media);
}
#define cp_erasing_drop erasing_drop

/* Whose document it is: that of the case whose id stands in it, else, where it cannot be read, of the one that names it. */
static enum cp_code is_due(struct cp_store *s, const struct cp_hash *hash, const char *doc, size_t len, bool *out, struct cp_err *err)
{
	struct cp_id key;
	int64_t due;
	bool is_known;

	CP_TRY(cp_case_of_document(s, doc, len, &key, &is_known, err));
	CP_TRY(is_known ? cp_query_int(s, &due, 0, err, "SELECT 1 FROM temp.erasing WHERE id = ?1", "d", &key)
			: cp_query_int(s, &due, 0, err, "SELECT 1 FROM temp.erasing WHERE content = ?1", "h", hash));
	*out = due != 0;
	return CP_OK;
}

const char *cp_media_next(const char *at, const char *end)
{
	while (at < end) {
		const char *from = at;

		while (at < end && strchr("0123456789abcdef", *at) != NULL && *at != '\0')
			at++;
		if (at - from == CP_MEDIA_NAME)
			return from;
		at += at == from;
	}
	return NULL;
}

static enum cp_code add_media(struct erasing *e, const char *name, struct cp_err *err)
{
	for (size_t i = 0; i < e->n_media; i++)
		if (memcmp(e->media[i].name, name, CP_MEDIA_NAME) == 0)
			return CP_OK;
	if (e->n_media == e->room_media) {
		struct media *media = reallocarray(e->media, e->room_media * 2 + 16, sizeof *media);

		if (media == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		e->media = media;
		e->room_media = e->room_media * 2 + 16;
	}
	memset(&e->media[e->n_media], 0, sizeof *e->media);
	memcpy(e->media[e->n_media++].name, name, CP_MEDIA_NAME);
	return CP_OK;
}

static enum cp_code add_document(struct erasing *e, const struct cp_hash *hash, struct cp_err *err)
{
	if (e->n == e->room) {
		struct cp_hash *docs = reallocarray(e->docs, e->room * 2 + 64, sizeof *docs);

		if (docs == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		e->docs = docs;
		e->room = e->room * 2 + 64;
	}
	e->docs[e->n++] = *hash;
	return CP_OK;
}

static enum cp_code choose(void *user, const struct cp_hash *hash, const char *doc, size_t len, struct cp_err *err)
{
	struct erasing *e = user;
	bool due;

	CP_TRY(is_due(e->s, hash, doc, len, &due, err));
	if (!due)
		return CP_OK;
	CP_TRY(add_document(e, hash, err));
	for (const char *at = doc; (at = cp_media_next(at, doc + len)) != NULL; at += CP_MEDIA_NAME)
		CP_TRY(add_media(e, at, err));
	return CP_OK;
}

static enum cp_code keep_media(void *user, const struct cp_hash *hash, const char *doc, size_t len, struct cp_err *err)
{
	struct erasing *e = user;
	bool due;

	CP_TRY(is_due(e->s, hash, doc, len, &due, err));
	for (const char *at = doc; !due && (at = cp_media_next(at, doc + len)) != NULL; at += CP_MEDIA_NAME)
		for (size_t i = 0; i < e->n_media; i++)
			e->media[i].is_kept = e->media[i].is_kept || memcmp(e->media[i].name, at, CP_MEDIA_NAME) == 0;
	return CP_OK;
}

/* Before the documents that name them: behind them nobody would know which they are. */
static enum cp_code erase_media(struct erasing *e, int64_t *n, struct cp_err *err)
{
	if (e->n_media > 0)
		CP_TRY(cp_content_each(e->s, keep_media, e, err));
	for (size_t i = 0; i < e->n_media; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/media/%.2s/%s", e->s->path, e->media[i].name, e->media[i].name);
		if (e->media[i].is_kept || !cp_file_exists(path))
			continue;
		CP_TRY(cp_file_erase(path, err));
		++*n;
	}
	return CP_OK;
}

static enum cp_code erase_contents(struct cp_store *s, struct cp_erased *out, struct cp_err *err)
{
	CP_AUTO(erasing) struct erasing e = { .s = s };

	CP_TRY(cp_content_each(s, choose, &e, err));
	CP_TRY(erase_media(&e, &out->media, err));
	for (size_t i = 0; i < e.n; i++)
		CP_TRY(cp_content_delete(s, &e.docs[i], err));
	out->documents += (int64_t)e.n;
	return CP_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

#define FORGOTTEN_SQL "(SELECT a.id FROM assignments a JOIN temp.erasing e ON e.id = a.case_id WHERE e.is_forgotten)"

/* A draft cannot be finished without its case, and may quote it. */
static enum cp_code drop_drafts(struct cp_store *s, int64_t *n, struct cp_err *err)
{
	int64_t drafts;

	CP_TRY(cp_query_int(s, &drafts, 0, err, "SELECT count(*) FROM drafts WHERE id IN " FORGOTTEN_SQL, ""));
	*n += drafts;
	CP_TRY(cp_run(s, err, "DELETE FROM draft_ratings WHERE id IN " FORGOTTEN_SQL, ""));
	return cp_run(s, err, "DELETE FROM drafts WHERE id IN " FORGOTTEN_SQL, "");
}

/* What a rebuild keeps or left beside the database holds drafts of then. One that was cut off may have given the database in use
 * a second name. */
static enum cp_code erase_former(struct cp_store *s, struct cp_err *err)
{
	static const char *const names[] = { "casepack.db.old", "casepack.db.new" }, *const ends[] = { "", "-wal", "-shm" };
	char path[4096];
	struct stat in_use, st;

	snprintf(path, sizeof path, "%s/casepack.db", s->path);
	if (stat(path, &in_use) != 0)
		return cp_fail_errno(err, "%s", path);
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/%s%s", s->path, names[i / 3], ends[i % 3]);
		if (lstat(path, &st) == 0 && (st.st_ino != in_use.st_ino || st.st_dev != in_use.st_dev))
			CP_TRY(cp_file_erase(path, err));
	}
	return CP_OK;
}

static enum cp_code erase_inside(struct cp_store *s, struct cp_erased *out, struct cp_err *err)
{
	int64_t n;

	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT count(*) FROM temp.erasing WHERE is_forgotten", ""));
	out->forgotten += n;
	if (n > 0)
		CP_TRY(erase_former(s, err));
	CP_TRY(erase_contents(s, out, err));
	CP_TRY(drop_drafts(s, &out->drafts, err));
	CP_TRY(cp_query_int(s, &n, 0, err, "SELECT count(*) FROM temp.erasing WHERE NOT is_forgotten", ""));
	out->expired += n;
	CP_TRY(cp_run(s, err, "INSERT OR REPLACE INTO erased(case_id, rev, at_us) SELECT id, rev, ?1 FROM temp.erasing", "i",
			cp_now_us()));
	CP_TRY(cp_meta_set_int(s, "scrub", 1, err));
	return cp_txn_commit(s, err); /* the documents first: what is left of a crash in between is due still */
}

static enum cp_code erase(struct cp_store *s, struct cp_erased *out, struct cp_err *err)
{
	enum cp_code code;

	if (sqlite3_exec(s->db, "PRAGMA secure_delete = ON", NULL, NULL, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", s->path);
	CP_TRY(cp_txn_begin(s, err));
	code = erase_inside(s, out, err);
	if (code != CP_OK)
		cp_txn_rollback(s);
	sqlite3_exec(s->db, "PRAGMA secure_delete = FAST", NULL, NULL, NULL);
	return code;
}

/* Deleted cells were overwritten; the copies that SQLite leaves where it moves cells about go with the old pages. */
static bool is_scrubbed(sqlite3 *db)
{
	return sqlite3_exec(db, "VACUUM", NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK;
}

static enum cp_code scrub(struct cp_store *s, struct cp_erased *out, struct cp_err *err)
{
	int64_t due;

	CP_TRY(cp_meta_int(s, "scrub", &due, err));
	if (!due)
		return CP_OK;
	out->is_unfinished = !is_scrubbed(s->contents) || !is_scrubbed(s->db);
	return out->is_unfinished ? CP_OK : cp_meta_set_int(s, "scrub", 0, err);
}

/* ---- the verbs ---------------------------------------------------------------------------------------- */

enum cp_code cp_erase_due(struct cp_store *s, struct cp_erased *out, struct cp_err *err)
{
	struct cp_erased unused = { 0 };
	int64_t n;

	if (!cp_store_has_project(s))
		return CP_OK;
	out = out != NULL ? out : &unused;
	CP_TRY(gather_due(s, &n, err));
	if (n > 0)
		CP_TRY(erase(s, out, err));
	return scrub(s, out, err);
}

enum cp_code cp_erase_note_receipt(struct cp_store *s, const char *oid, struct cp_err *err)
{
	return cp_run(s, err, "UPDATE commits SET acked_us = ?2 WHERE acked_us = 0 AND no <= (SELECT no FROM commits WHERE oid = ?1)", "ti",
			oid, cp_now_us());
}

enum cp_code cp_erase_note_content(struct cp_store *s, const struct cp_hash *content, struct cp_err *err)
{
	return cp_run(s, err, "DELETE FROM erased WHERE case_id IN (SELECT id FROM temp.named WHERE hash = ?1)", "h", content);
}
