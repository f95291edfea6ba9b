#include "sync/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/config.h"
#include "formats/file.h"
#include "sync/inner.h"

#define HEAD "casepack workspace 1"
#define TOKEN_MAX 8192

struct token { char place[4096]; uint64_t device, inode; int64_t steps; };

/* ---- what the workspace says of itself ---------------------------------------------------- */

static enum cp_code id_of(struct cp_store *s, struct cp_id *out, bool *found, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf b = CP_BUF(64);

	CP_TRY(cp_meta_get(s, "workspace", &b, err));
	*found = b.len == sizeof out->bytes;
	if (*found)
		memcpy(out->bytes, b.data, sizeof out->bytes);
	return CP_OK;
}

/* Here and now: place, folder, and how far the database has come. */
static enum cp_code present(struct cp_store *s, struct token *out, struct cp_err *err)
{
	struct stat st;
	int64_t commits, given;

	memset(out, 0, sizeof *out);
	if (realpath(s->path, out->place) == NULL || stat(s->path, &st) != 0)
		return cp_fail_errno(err, "%s", s->path);
	out->device = (uint64_t)st.st_dev;
	out->inode = (uint64_t)st.st_ino;
	CP_TRY(cp_query_int(s, &commits, 0, err, "SELECT coalesce(max(no), 0) FROM commits", ""));
	CP_TRY(cp_meta_int(s, "given_out", &given, err));
	out->steps = commits + given;
	return CP_OK;
}

/* Is this the folder in which the database last saw itself? */
static enum cp_code is_remembered(struct cp_store *s, const struct token *now, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf b = CP_BUF(64);
	char text[64];

	CP_TRY(cp_meta_get(s, "folder", &b, err));
	snprintf(text, sizeof text, "%" PRIu64 ":%" PRIu64, now->device, now->inode);
	*out = b.len > 0 && strcmp(b.data, text) == 0;
	return CP_OK;
}

static enum cp_code remember(struct cp_store *s, const struct token *now, struct cp_err *err)
{
	char text[64];
	bool known;

	CP_TRY(is_remembered(s, now, &known, err));
	if (known)
		return CP_OK;
	snprintf(text, sizeof text, "%" PRIu64 ":%" PRIu64, now->device, now->inode);
	return cp_meta_set(s, "folder", text, strlen(text), err);
}

/* ---- the file ------------------------------------------------------------------------------ */

static enum cp_code token_path(const struct cp_id *id, struct cp_buf *folder, struct cp_buf *file, struct cp_err *err)
{
	char hex[CP_ID_HEX];

	CP_TRY(cp_config_folder(folder, err));
	CP_TRY(cp_buf_puts(folder, "/workspaces", err));
	return cp_buf_printf(file, err, "%s/%s", folder->data, cp_hex(hex, id->bytes, 16));
}

static enum cp_code read_token(const char *path, struct token *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf b = CP_BUF(TOKEN_MAX);

	memset(out, 0, sizeof *out);
	CP_TRY(cp_file_read(&b, path, err));
	if (b.len == 0 || sscanf(b.data, HEAD "\nsteps %" SCNd64 "\ndevice %" SCNu64 "\ninode %" SCNu64 "\nplace %4095[^\n]",
			&out->steps, &out->device, &out->inode, out->place) != 4)
		return cp_fail(err, CP_EFORMAT, "%s: is no token of a workspace", path);
	return CP_OK;
}

static enum cp_code write_token(const struct cp_id *id, const struct token *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(TOKEN_MAX);
	CP_AUTO(buf) struct cp_buf file = CP_BUF(TOKEN_MAX);
	CP_AUTO(buf) struct cp_buf text = CP_BUF(TOKEN_MAX);

	CP_TRY(token_path(id, &folder, &file, err));
	CP_TRY(cp_folder_make(folder.data, err));
	CP_TRY(cp_buf_printf(&text, err, HEAD "\nsteps %" PRId64 "\ndevice %" PRIu64 "\ninode %" PRIu64 "\nplace %s\n", t->steps,
			t->device, t->inode, t->place));
	return cp_file_write(file.data, 0600, text.data, text.len, err);
}

/* Could a token stand there? */
static bool can_keep(const char *folder, struct cp_err *err)
{
	if (cp_folder_make(folder, err) != CP_OK)
		return false;
	if (access(folder, W_OK | X_OK) == 0)
		return true;
	(void)cp_fail_errno(err, "%s", folder);
	return false;
}

/* ---- what it says --------------------------------------------------------------------------- */

/* Does the workspace of that id stand at path? */
static bool stands_at(const char *path, const struct cp_id *id)
{
	CP_AUTO(str) char *file = cp_path_join(path, "casepack.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	bool found = false;

	if (cp_file_exists(file) && sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
			sqlite3_busy_timeout(db, 2000) == SQLITE_OK &&
			sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = 'workspace'", -1, &q, NULL) == SQLITE_OK &&
			sqlite3_step(q) == SQLITE_ROW)
		found = sqlite3_column_bytes(q, 0) == sizeof id->bytes &&
			memcmp(sqlite3_column_blob(q, 0), id->bytes, sizeof id->bytes) == 0;
	sqlite3_finalize(q);
	sqlite3_close(db);
	return found;
}

/* Is this folder another than the one that the token speaks of, and that one still there? */
static bool is_copied(const struct token *t, const struct token *now, const struct cp_id *id)
{
	struct stat st;

	if (strcmp(t->place, now->place) == 0 || (t->device == now->device && t->inode == now->inode))
		return false;
	if (stat(t->place, &st) != 0 || ((uint64_t)st.st_dev == now->device && (uint64_t)st.st_ino == now->inode))
		return false;
	return stands_at(t->place, id);
}

static enum cp_code judge(struct cp_store *s, const struct cp_id *id, const struct token *now, enum cp_token_sign *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(TOKEN_MAX);
	CP_AUTO(buf) struct cp_buf file = CP_BUF(TOKEN_MAX);
	struct cp_err why = { .code = CP_OK };
	struct token t;
	bool known = true;

	if (token_path(id, &folder, &file, &why) != CP_OK)
		return CP_OK; /* no home: nobody can say */
	if (read_token(file.data, &t, &why) == CP_OK) {
		*out = t.steps > now->steps ? CP_TOKEN_PUT_BACK : is_copied(&t, now, id) ? CP_TOKEN_COPIED : CP_TOKEN_SAME;
		return CP_OK;
	}
	if (can_keep(folder.data, &why))
		CP_TRY(is_remembered(s, now, &known, err));
	*out = known ? CP_TOKEN_SAME : CP_TOKEN_COPIED;
	return CP_OK;
}

enum cp_code cp_token_check(struct cp_store *s, enum cp_token_sign *out, struct cp_err *err)
{
	struct token now;
	struct cp_id id;
	bool found;

	*out = CP_TOKEN_SAME;
	CP_TRY(id_of(s, &id, &found, err));
	CP_TRY(present(s, &now, err));
	if (!found)
		CP_TRY(cp_token_renew(s, err));
	else
		CP_TRY(judge(s, &id, &now, out, err));
	if (*out != CP_TOKEN_SAME)
		return CP_OK;
	CP_TRY(remember(s, &now, err));
	cp_token_write(s);
	return CP_OK;
}

enum cp_code cp_token_renew(struct cp_store *s, struct cp_err *err)
{
	struct token now;
	struct cp_id id;

	cp_id_random(&id);
	CP_TRY(present(s, &now, err));
	CP_TRY(cp_meta_set(s, "workspace", id.bytes, sizeof id.bytes, err));
	return remember(s, &now, err);
}

/* Writes nothing where all of it stands there already. */
static enum cp_code bring_up(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(TOKEN_MAX);
	CP_AUTO(buf) struct cp_buf file = CP_BUF(TOKEN_MAX);
	struct token t, now;
	struct cp_id id;
	bool found;

	CP_TRY(id_of(s, &id, &found, err));
	if (!found)
		return CP_OK;
	CP_TRY(present(s, &now, err));
	CP_TRY(token_path(&id, &folder, &file, err));
	if (read_token(file.data, &t, NULL) == CP_OK && t.steps == now.steps && t.device == now.device &&
			t.inode == now.inode && strcmp(t.place, now.place) == 0)
		return CP_OK;
	return write_token(&id, &now, err);
}

void cp_token_write(struct cp_store *s)
{
	struct cp_err why = { .code = CP_OK };

	snprintf(s->token_trouble, sizeof s->token_trouble, "%s", bring_up(s, &why) == CP_OK ? "" : why.text);
}

enum cp_code cp_token_beside(struct cp_store *s, const char *ending, struct cp_buf *path, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(TOKEN_MAX);
	struct cp_id id;
	bool found;

	CP_TRY(id_of(s, &id, &found, err));
	if (!found)
		return cp_fail(err, CP_ENOTFOUND, "%s: has no token", s->path);
	CP_TRY(token_path(&id, &folder, path, err));
	if (!cp_file_exists(path->data))
		return cp_fail(err, CP_ENOTFOUND, "%s: is not there", path->data);
	return cp_buf_puts(path, ending, err);
}

const char *cp_token_trouble(const struct cp_store *s)
{
	return s->token_trouble;
}
