/* What is not history: content, media, and the databases as files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "sync/content.h"
#include "sync/missing.h"
#include "sync/verify_inner.h"

/* ---- databases -------------------------------------------------------------------------------------- */

static const char *now_of(const char *name)
{
	return strcmp(name, "casepack.db") == 0 ? CP_NOW_REBUILD : CP_NOW_CONTENT;
}

static enum cp_code look_for_damage(struct cp_verify *v, sqlite3 *db, const char *name, bool *is_whole, struct cp_err *err)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(20)", -1, &q, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		if (rc != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0)
			continue;
		*is_whole = false;
		cp_found(v, name, now_of(name), "%.900s", (const char *)sqlite3_column_text(q, 0));
	}
	sqlite3_finalize(q);
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB) {
		*is_whole = false;
		cp_found(v, name, now_of(name), "is damaged");
		return CP_OK;
	}
	return rc == SQLITE_DONE ? CP_OK : cp_fail_sqlite(err, db, "%s/%s", v->path, name);
}

/* Rows that change by themselves, or are read through something else. */
static enum cp_code look_for_strangers(struct cp_verify *v, sqlite3 *db, const char *name, struct cp_err *err)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view')", -1, &q, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		char where[256];

		rc = sqlite3_step(q);
		if (rc != SQLITE_ROW)
			break;
		snprintf(where, sizeof where, "%s: %.8s %.200s", name, (const char *)sqlite3_column_text(q, 0),
				(const char *)sqlite3_column_text(q, 1));
		cp_found(v, where, "drop it with `sqlite3`", "is none of casepack's");
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? CP_OK : cp_fail_sqlite(err, db, "%s/%s", v->path, name);
}

static enum cp_code look_for_tables(struct cp_verify *v, bool *is_whole, struct cp_err *err)
{
	for (int t = 0; t < CP_T_COUNT; t++) {
		int64_t is_there;

		CP_TRY(cp_query_int(v->s, &is_there, 0, err, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1", "t",
				cp_shapes[t].name));
		if (is_there)
			continue;
		*is_whole = false;
		cp_found(v, "casepack.db", CP_NOW_REBUILD, "has no table %s", cp_shapes[t].name);
	}
	return CP_OK;
}

enum cp_code cp_verify_sound(struct cp_verify *v, sqlite3 *db, const char *name, bool *is_whole, struct cp_err *err)
{
	CP_TRY(look_for_damage(v, db, name, is_whole, err));
	if (!*is_whole)
		return CP_OK;
	CP_TRY(look_for_strangers(v, db, name, err));
	return db == v->s->db ? look_for_tables(v, is_whole, err) : CP_OK;
}

/* ---- content ------------------------------------------------------------------------------------------ */

static enum cp_code see_content(void *user, const struct cp_hash *hash, const char *doc, size_t len, struct cp_err *err)
{
	struct cp_verify *v = user;
	struct cp_hash is;
	char where[128], hex[CP_HASH_HEX];

	(void)err;
	v->out->contents++;
	cp_hash_bytes(&is, doc, len);
	if (len > 0 && memcmp(&is, hash, sizeof is) == 0)
		return CP_OK;
	snprintf(where, sizeof where, "content.db: content %s", cp_hex(hex, hash->bytes, sizeof hash->bytes));
	cp_found(v, where, CP_NOW_CONTENT, len == 0 ? "cannot be read" : "does not hash to its name");
	return CP_OK;
}

/* ---- media ----------------------------------------------------------------------------------------------- */

static enum cp_code see_media(struct cp_verify *v, const char *folder, const char *shard, const char *name, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(folder, name);
	char where[600], hex[CP_HASH_HEX];
	struct cp_err why = { .code = CP_OK };
	struct cp_hash is, named;
	struct stat st;
	uint64_t size;
	enum cp_code code;

	snprintf(where, sizeof where, "media/%s/%s", shard, name);
	if (strlen(name) != 64 || !cp_unhex(named.bytes, 32, name) || strncmp(name, shard, 2) != 0) {
		cp_found(v, where, "remove it", "casepack makes no such file");
		return CP_OK;
	}
	v->out->media++;
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		cp_found(v, where, "put the file itself there", "is no file, but leads elsewhere");
		return CP_OK;
	}
	code = cp_file_hash(&is, &size, path, &why);
	if (code != CP_OK)
		return cp_fail(err, code, "%s", why.text);
	if (memcmp(&is, &named, sizeof is) != 0)
		cp_found(v, where, CP_NOW_CONTENT, "holds other bytes, which hash to %.16s...", cp_hex(hex, is.bytes, sizeof is.bytes));
	return CP_OK;
}

static enum cp_code see_folder(struct cp_verify *v, const char *media, const char *shard, struct cp_err *err)
{
	CP_AUTO(str) char *folder = cp_path_join(media, shard);
	enum cp_code code = CP_OK;
	struct dirent *e;
	DIR *d = opendir(folder);

	if (d == NULL)
		return errno == ENOTDIR ? CP_OK : cp_fail_errno(err, "%s", folder);
	while (code == CP_OK && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			code = see_media(v, folder, shard, e->d_name, err);
	closedir(d);
	return code;
}

static enum cp_code each_media(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *media = cp_path_join(v->path, "media");
	enum cp_code code = CP_OK;
	struct dirent *e;
	DIR *d = opendir(media);

	if (d == NULL)
		return errno == ENOENT ? CP_OK : cp_fail_errno(err, "%s", media);
	while (code == CP_OK && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			code = see_folder(v, media, e->d_name, err);
	closedir(d);
	return code;
}

enum cp_code cp_verify_stored(struct cp_verify *v, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_content_each(v->s, see_content, v, &why);

	CP_TRY(cp_found_or(v, "content.db", CP_NOW_CONTENT, code, &why, err));
	code = cp_missing_find(v->s, &v->out->missing, v->ask->missing, v->ask->user, &why);
	CP_TRY(cp_found_or(v, "content.db", CP_NOW_CONTENT, code, &why, err));
	return each_media(v, err);
}
