#include "sync/store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/apply.h"
#include "sync/changes.h"
#include "sync/content.h"
#include "sync/copies.h"
#include "sync/edit.h"
#include "sync/erase.h"
#include "sync/fresh.h"
#include "sync/inner.h"
#include "sync/limit.h"
#include "sync/migrate.h"
#include "sync/seal.h"
#include "sync/secrets.h"

/* Stands in a workspace that is not whole yet and says the folder's name: a crash may leave it in a finished one,
 * which has another name. */
#define MARK ".casepack-new"

const char *cp_role_name(enum cp_role role)
{
	static const char *const names[] = { "lead", "relay", "rater", "auditor" };

	return names[role];
}

static enum cp_role role_named(const char *name)
{
	for (enum cp_role r = CP_LEAD; r <= CP_AUDITOR; r++)
		if (strcmp(cp_role_name(r), name) == 0)
			return r;
	return CP_RATER;
}

void cp_replica_id(struct cp_id *out, const struct cp_id *project, const struct cp_pubkey *key)
{
	cp_id_derive(out, "replica", 2, (const void *const[]){ project->bytes, key->bytes },
			(const size_t[]){ sizeof project->bytes, sizeof key->bytes });
}

void cp_person_id(struct cp_id *out, const struct cp_id *project, const char *pseudonym)
{
	cp_id_derive(out, "person", 2, (const void *const[]){ project->bytes, pseudonym },
			(const size_t[]){ sizeof project->bytes, strlen(pseudonym) });
}

/* ---- opening ------------------------------------------------------------------------ */

static enum cp_code take_lock(struct cp_store *s, struct cp_err *err)
{
	s->lock = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0)
		return cp_fail_errno(err, "%s", s->path);
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return cp_fail(err, CP_EBUSY, "%s: another casepack is at work in this workspace; try again when it is done",
				s->path);
	return CP_OK;
}

static enum cp_code exec(struct cp_store *s, const char *sql, struct cp_err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CP_OK
		: cp_fail_sqlite(err, s->db, "%s/casepack.db", s->path);
}

/* Connect to the database of that name, making the file when flags allow it. */
static enum cp_code connect(struct cp_store *s, const char *dbname, int flags, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, dbname);

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL) != SQLITE_OK)
		return cp_fail_sqlite(err, s->db, "%s", path);
	sqlite3_busy_timeout(s->db, 2000);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	CP_TRY(exec(s, "PRAGMA journal_mode = WAL", err));
	CP_TRY(exec(s, "PRAGMA synchronous = FULL", err));
	CP_TRY(exec(s, "PRAGMA secure_delete = FAST", err));
	CP_TRY(exec(s, "PRAGMA temp_store = MEMORY", err)); /* nothing is written outside the workspace */
	return exec(s, "PRAGMA cache_size = -8192", err);
}

/* What older schemas left to be evaluated anew. */
static enum cp_code reevaluate(struct cp_store *s, struct cp_err *err)
{
	int64_t due;
	enum cp_code code;

	CP_TRY(cp_meta_int(s, "reevaluate", &due, err));
	if (!due || !cp_store_has_project(s))
		return CP_OK;
	CP_TRY(cp_txn_begin(s, err));
	code = cp_apply_again(s, err);
	if (code == CP_OK)
		code = cp_meta_set_int(s, "reevaluate", 0, err);
	if (code == CP_OK)
		return cp_txn_commit(s, err);
	cp_txn_rollback(s);
	return code;
}

static enum cp_code migrate(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, "casepack.db");

	return cp_schema_migrate(s->db, path, err);
}

static enum cp_code open_repo(struct cp_repo **out, const char *dir, const char *name, bool optional,
		struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(dir, name);

	if (optional && !cp_file_exists(path))
		return CP_OK;
	return cp_repo_open(out, path, true, err);
}

/* One that is being made has no place yet. */
static enum cp_code notice_copy(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(str) char *mark = cp_path_join(s->path, MARK);

	return cp_file_exists(mark) ? CP_OK : cp_copy_notice(s, err);
}

/* What an exchange left that was cut off has been checked by nobody. */
static void sweep_exchange(const struct cp_store *s)
{
	CP_AUTO(str) char *path = cp_path_join(s->path, CP_EXCHANGE);

	cp_folder_remove(path);
}

static enum cp_code open_files(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(cp_limits_load(s, err));
	CP_TRY(cp_content_open(s, err));
	CP_TRY(open_repo(&s->history, s->path, "history.git", false, err));
	return open_repo(&s->private, s->path, "private.git", true, err);
}

static enum cp_code open_still(struct cp_store *s, struct cp_err *err)
{
	int64_t schema, reevaluates, reindexes;

	CP_TRY(take_lock(s, err));
	CP_TRY(connect(s, "casepack.db", 0, err));
	CP_TRY(cp_query_int(s, &schema, 0, err, "PRAGMA user_version", ""));
	if (schema != CP_SCHEMA)
		return cp_fail(err, CP_EINPUT, "%s: another schema", s->path);
	CP_TRY(cp_meta_int(s, "reevaluate", &reevaluates, err));
	CP_TRY(cp_meta_int(s, "reindex", &reindexes, err));
	if (reevaluates || reindexes)
		return cp_fail(err, CP_EINPUT, "%s: an older schema's rows", s->path);
	CP_TRY(open_files(s, err));
	return cp_store_read_me(s, err);
}

static enum cp_code open_inside(struct cp_store *s, struct cp_err *err)
{
	CP_TRY(take_lock(s, err));
	sweep_exchange(s);
	CP_TRY(connect(s, "casepack.db", 0, err));
	CP_TRY(migrate(s, err));
	CP_TRY(open_files(s, err));
	CP_TRY(cp_changes_reindex(s, err));
	CP_TRY(cp_store_read_me(s, err));
	CP_TRY(cp_seal_repair(s, err));
	CP_TRY(notice_copy(s, err));
	CP_TRY(reevaluate(s, err));
	return cp_erase_due(s, NULL, err);
}

static struct cp_store *store_new(const char *path)
{
	struct cp_store *s = calloc(1, sizeof *s);

	assert(s != NULL);
	s->path = strdup(path);
	s->key_path = strdup("");
	assert(s->path != NULL && s->key_path != NULL);
	s->lock = -1;
	s->limits = cp_limits_default;
	for (size_t t = 0; t < CP_T_COUNT; t++)
		s->held[t] = (struct cp_buf)CP_BUF((size_t)1 << 31);
	return s;
}

static enum cp_code open_by(struct cp_store **out, const char *path, enum cp_code (*how)(struct cp_store *, struct cp_err *),
		struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(path, "casepack.db");
	struct cp_store *s;
	enum cp_code code;

	*out = NULL;
	if (!cp_file_exists(db))
		return cp_fail(err, CP_ENOTFOUND, "%s: no workspace here; `casepack init` makes a hub, "
				"`casepack open FILE` a rater's", path);
	s = store_new(path);
	code = how(s, err);
	if (code != CP_OK) {
		cp_store_close(s);
		return code;
	}
	*out = s;
	return CP_OK;
}

enum cp_code cp_store_open(struct cp_store **out, const char *path, struct cp_err *err)
{
	return open_by(out, path, open_inside, err);
}

enum cp_code cp_store_open_still(struct cp_store **out, const char *path, struct cp_err *err)
{
	return open_by(out, path, open_still, err);
}

void cp_store_close(struct cp_store *s)
{
	if (s == NULL)
		return;
	cp_edit_abort(s);
	for (size_t i = 0; i < CP_STATEMENTS; i++)
		sqlite3_finalize(s->cached[i].q);
	cp_content_close(s);
	cp_secrets_drop(s);
	sqlite3_close(s->db);
	cp_repo_free(s->history);
	cp_repo_free(s->private);
	cp_seckey_drop(&s->key);
	for (size_t t = 0; t < CP_T_COUNT; t++)
		cp_buf_drop(&s->held[t]);
	if (s->lock >= 0)
		close(s->lock);
	free(s->path);
	free(s->key_path);
	free(s);
}

void cp_store_drop(struct cp_store **s)
{
	cp_store_close(*s);
	*s = NULL;
}

/* ---- who I am -------------------------------------------------------------------------- */

static enum cp_code meta_id(struct cp_store *s, const char *key, struct cp_id *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf b = CP_BUF(64);

	memset(out, 0, sizeof *out);
	CP_TRY(cp_meta_get(s, key, &b, err));
	if (b.len == sizeof out->bytes)
		memcpy(out->bytes, b.data, sizeof out->bytes);
	return CP_OK;
}

enum cp_code cp_store_read_me(struct cp_store *s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf key = CP_BUF(4096);
	sqlite3_stmt *q;
	bool row;

	CP_TRY(meta_id(s, "project", &s->me.project, err));
	CP_TRY(meta_id(s, "replica", &s->me.replica, err));
	CP_TRY(meta_id(s, "person", &s->me.person, err));
	CP_TRY(meta_id(s, "copy_of", &s->me.copy_of, err));
	CP_TRY(meta_id(s, "nonce", &s->me.nonce, err));
	CP_TRY(cp_meta_get(s, "key", &key, err));
	free(s->key_path);
	s->key_path = strdup(key.data ? key.data : "");
	assert(s->key_path != NULL);
	s->me.path = s->path;
	s->me.key_path = s->key_path;
	s->me.role = CP_RATER;
	/* a copy is what it was made of until the roster names it */
	CP_TRY(cp_query(s, &q, err, "SELECT p.pseudonym, p.role, max(coalesce(r.is_hub, 0)), (SELECT name FROM project WHERE id = ?3)"
			" FROM persons p LEFT JOIN replicas r ON r.person = p.id AND r.id IN (?2, ?4) WHERE p.id = ?1 GROUP BY p.id",
			"dddd", &s->me.person, &s->me.replica, &s->me.project, &s->me.copy_of));
	CP_TRY(cp_step(s, q, &row, err));
	if (!row)
		return CP_OK;
	snprintf(s->me.pseudonym, sizeof s->me.pseudonym, "%s", cp_col_text(q, 0));
	s->me.role = role_named(cp_col_text(q, 1));
	s->me.is_hub = sqlite3_column_int(q, 2) != 0;
	s->me.is_relay = s->me.is_hub && s->me.role == CP_RELAY;
	snprintf(s->me.project_name, sizeof s->me.project_name, "%s", cp_col_text(q, 3));
	sqlite3_reset(q);
	return CP_OK;
}

const struct cp_me *cp_store_me(const struct cp_store *s)
{
	return &s->me;
}

bool cp_store_has_project(const struct cp_store *s)
{
	return !sodium_is_zero(s->me.project.bytes, sizeof s->me.project.bytes);
}

void cp_store_ask_with(struct cp_store *s, cp_passphrase_ask *ask, void *user)
{
	s->ask = ask;
	s->ask_user = user;
}

enum cp_code cp_store_use_key(struct cp_store *s, const char *key_path, struct cp_err *err)
{
	CP_AUTO(str) char *whole = realpath(key_path, NULL);

	if (whole == NULL)
		return cp_fail(err, CP_EKEY, "%s: no such key; `casepack key new` makes one", key_path);
	CP_TRY(cp_meta_set(s, "key", whole, strlen(whole), err));
	return cp_store_read_me(s, err);
}

/* The public half: PATH.pub beside the private file, else that file's own. */
enum cp_code cp_public_key(struct cp_pubkey *out, const char *key_path, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(4096);
	char path[4096];
	enum cp_code code;

	snprintf(path, sizeof path, "%s.pub", key_path);
	if (!cp_file_exists(path) && cp_file_exists(key_path))
		return cp_sshkey_public(out, key_path, err);
	code = cp_file_read(&line, path, err);
	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_EKEY, "%s: no such key; `casepack key new` makes one", path);
	CP_TRY(code);
	return cp_pubkey_read(out, line.data ? line.data : "", line.len, err);
}

bool cp_store_key_is_ready(struct cp_store *s)
{
	bool is_protected = true;

	return s->key.is_set || getenv("CASEPACK_PASSPHRASE") != NULL ||
		(cp_sshkey_is_protected(&is_protected, s->key_path, NULL) == CP_OK && !is_protected);
}

/* Is this the key that the roster names for me? */
static enum cp_code check_key(struct cp_store *s, struct cp_err *err)
{
	struct cp_pubkey k;
	struct cp_id id;

	if (!cp_store_has_project(s))
		return CP_OK;
	cp_seckey_public(&k, &s->key);
	cp_replica_id_of(&id, &s->me.project, &k, &s->me.nonce);
	if (cp_id_equal(&id, &s->me.replica))
		return CP_OK;
	cp_seckey_drop(&s->key);
	return cp_fail(err, CP_EKEY, "%s: is not the key of this workspace; name the right one with `casepack key use FILE`",
			s->key_path);
}

enum cp_code cp_key_read(struct cp_seckey *out, const char *key_path, cp_passphrase_ask *ask, void *user, struct cp_err *err)
{
	char passphrase[1024] = "";
	const char *given = getenv("CASEPACK_PASSPHRASE");
	bool is_protected = false;
	enum cp_code code;

	CP_TRY(cp_sshkey_is_protected(&is_protected, key_path, err));
	if (is_protected && given == NULL) {
		if (ask == NULL || !ask(user, key_path, passphrase, sizeof passphrase))
			return cp_fail(err, CP_EKEY, "%s: is protected, and there is no terminal to ask for its passphrase; "
					"set CASEPACK_PASSPHRASE, or name an open file with --passphrase-fd", key_path);
		given = passphrase;
	}
	code = cp_sshkey_read(out, key_path, is_protected ? given : NULL, err);
	sodium_memzero(passphrase, sizeof passphrase);
	return code;
}

enum cp_code cp_store_key(struct cp_store *s, const struct cp_seckey **out, struct cp_err *err)
{
	*out = &s->key;
	if (s->key.is_set)
		return CP_OK;
	if (*s->key_path == '\0')
		return cp_fail(err, CP_EKEY, "%s: no key is named here; `casepack key use FILE` names one", s->path);
	CP_TRY(cp_key_read(&s->key, s->key_path, s->ask, s->ask_user, err));
	return check_key(s, err);
}

enum cp_code cp_store_secret(struct cp_store *s, uint8_t out[32], struct cp_err *err)
{
	struct cp_value row[CP_MAX_COLUMNS];
	bool found;

	CP_TRY(cp_row_get(s, CP_T_SECRETS, &s->me.project, row, &found, err));
	if (!found || row[3].len != 32)
		return cp_fail(err, CP_ENOTFOUND, "%s: holds no project secret: only a lead's hub can do this", s->path);
	memcpy(out, row[3].bytes, 32);
	return CP_OK;
}

/* ---- creating ------------------------------------------------------------------------- */

/* Missing, or a folder with nothing in it. */
enum cp_code cp_folder_is_new(const char *path, struct cp_err *err)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool is_empty = true;

	if (d == NULL && errno == ENOENT)
		return CP_OK;
	if (d == NULL)
		return cp_fail_errno(err, "%s", path);
	while ((e = readdir(d)) != NULL)
		is_empty = is_empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
	closedir(d);
	return is_empty ? CP_OK : cp_fail(err, CP_EINPUT, "%s: is not empty; name a new folder", path);
}

static enum cp_code create_database(struct cp_store *s, const char *dbname, struct cp_err *err)
{
	CP_TRY(connect(s, dbname, SQLITE_OPEN_CREATE, err));
	CP_TRY(cp_schema_create(s->db, dbname, err));
	return cp_content_open(s, err);
}

/* The files of a workspace, with nothing in them. */
static enum cp_code create_files(struct cp_store *s, bool with_private, struct cp_err *err)
{
	CP_AUTO(str) char *history = cp_path_join(s->path, "history.git");
	CP_AUTO(str) char *private = cp_path_join(s->path, "private.git");
	CP_AUTO(str) char *media = cp_path_join(s->path, "media");

	CP_TRY(cp_folder_make(media, err));
	CP_TRY(take_lock(s, err));
	CP_TRY(cp_repo_create(history, err));
	if (with_private)
		CP_TRY(cp_repo_create(private, err));
	CP_TRY(create_database(s, "casepack.db", err));
	CP_TRY(cp_repo_open(&s->history, history, true, err));
	return with_private ? cp_repo_open(&s->private, private, true, err) : CP_OK;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Marked as unfinished, or interrupted before even the mark was whole. */
static bool is_unfinished(const char *temp)
{
	CP_AUTO(buf) struct cp_buf name = CP_BUF(4096);
	CP_AUTO(str) char *mark = cp_path_join(temp, MARK);
	bool is_ours = true;
	struct dirent *e;
	DIR *d;

	if (cp_file_read(&name, mark, NULL) == CP_OK)
		return name.len == 0 || (name.len == strlen(last_part(temp)) && memcmp(name.data, last_part(temp), name.len) == 0);
	d = opendir(temp);
	while (d != NULL && (e = readdir(d)) != NULL)
		is_ours = is_ours && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
				strncmp(e->d_name, MARK, strlen(MARK)) == 0);
	if (d != NULL)
		closedir(d);
	return d != NULL && is_ours;
}

/* What an interrupted creation left there goes; what is somebody's, or being made right now, stays. */
static enum cp_code sweep(const char *temp, struct cp_err *err)
{
	int fd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum cp_code code = CP_OK;

	if (fd < 0 && errno == ENOENT)
		return CP_OK;
	if (fd < 0 || !is_unfinished(temp))
		code = cp_fail(err, CP_EINPUT, "%s: is in the way; rename it", temp);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		code = cp_fail(err, CP_EBUSY, "%s: is being made by another casepack", temp);
	else
		cp_folder_remove(temp);
	if (fd >= 0)
		close(fd);
	return code;
}

enum cp_code cp_workspace_beside(const char *path, char *out, size_t size, struct cp_err *err)
{
	CP_AUTO(str) char *mark = NULL;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n == 1 && *path == '.')
		n = (size_t)snprintf(out, size, "../casepack.new");
	else
		n = (size_t)snprintf(out, size, "%.*s.new", (int)n, path);
	if (n >= size)
		return cp_fail(err, CP_EINPUT, "%s: the path is too long", path);
	CP_TRY(cp_folder_is_new(path, err));
	CP_TRY(sweep(out, err));
	CP_TRY(cp_folder_make(out, err));
	mark = cp_path_join(out, MARK);
	return cp_file_write(mark, 0600, last_part(out), strlen(last_part(out)), err);
}

enum cp_code cp_workspace_settle(const char *temp, const char *path, enum cp_code code, struct cp_err *err)
{
	CP_AUTO(str) char *mark = cp_path_join(path, MARK);

	if (code == CP_OK)
		code = cp_folder_settle(temp, path, "casepack.db", err);
	if (code == CP_OK)
		unlink(mark);
	else
		cp_folder_remove(temp);
	return code;
}

static enum cp_code fill_empty(const char *temp, const char *key_path, bool with_private, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *s = store_new(temp);

	CP_TRY(create_files(s, with_private, err));
	return *key_path ? cp_store_use_key(s, key_path, err) : CP_OK;
}

enum cp_code cp_device_fill(const char *temp, const char *key_path, struct cp_err *err)
{
	return fill_empty(temp, key_path, false, err);
}

enum cp_code cp_hub_fill(const char *temp, const char *key_path, struct cp_err *err)
{
	return fill_empty(temp, key_path, true, err);
}

enum cp_code cp_device_create(const char *path, const char *key_path, struct cp_err *err)
{
	char temp[4096];

	CP_TRY(cp_workspace_beside(path, temp, sizeof temp, err));
	return cp_workspace_settle(temp, path, cp_device_fill(temp, key_path, err), err);
}

/* The first documents of a project, as one edit. */
static enum cp_code found_project(struct cp_store *s, const struct cp_new_hub *hub, const struct cp_pubkey *key,
		struct cp_err *err)
{
	uint8_t secret[32];
	const struct cp_me *me = &s->me;

	randombytes_buf(secret, sizeof secret);
	CP_TRY(cp_edit_begin(s, err));
	CP_TRY(cp_edit_document(s, CP_T_PROJECT, &me->project, (struct cp_set[]){
			{ "name", cp_v_text(hub->project_name) },
			{ "shows_queries", cp_v_int(hub->shows_queries) } }, 2, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, CP_T_PERSONS, &me->person, (struct cp_set[]){
			{ "pseudonym", cp_v_text(hub->lead_pseudonym) },
			{ "role", cp_v_text("lead") } }, 2, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, CP_T_REPLICAS, &me->replica, (struct cp_set[]){
			{ "person", cp_v_blob(me->person.bytes, 16) },
			{ "public_key", cp_v_blob(key->bytes, 32) },
			{ "is_hub", cp_v_int(1) } }, 3, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, CP_T_NAMES, &me->person, (struct cp_set[]){
			{ "name", cp_v_text(hub->lead_name) } }, 1, CP_EDIT_PLAIN, NULL, NULL, err));
	CP_TRY(cp_edit_document(s, CP_T_SECRETS, &me->project, (struct cp_set[]){
			{ "value", cp_v_blob(secret, sizeof secret) } }, 1, CP_EDIT_PLAIN, NULL, NULL, err));
	return cp_edit_commit(s, "project founded", err);
}

static enum cp_code fill_hub(struct cp_store *s, const struct cp_new_hub *hub, struct cp_err *err)
{
	struct cp_pubkey key;
	struct cp_id project, replica, person;

	CP_TRY(cp_public_key(&key, hub->key_path, err));
	cp_id_random(&project);
	cp_replica_id(&replica, &project, &key);
	cp_person_id(&person, &project, hub->lead_pseudonym);
	CP_TRY(create_files(s, true, err));
	CP_TRY(cp_meta_set(s, "project", project.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "replica", replica.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "person", person.bytes, 16, err));
	CP_TRY(cp_store_use_key(s, hub->key_path, err));
	CP_TRY(found_project(s, hub, &key, err));
	return cp_store_read_me(s, err);
}

enum cp_code cp_hub_create(const struct cp_new_hub *hub, cp_passphrase_ask *ask, void *user, struct cp_err *err)
{
	char temp[4096];
	struct cp_store *s;
	enum cp_code code;

	CP_TRY(cp_workspace_beside(hub->path, temp, sizeof temp, err));
	s = store_new(temp);
	cp_store_ask_with(s, ask, user);
	code = fill_hub(s, hub, err);
	cp_store_close(s);
	code = cp_workspace_settle(temp, hub->path, code, err);
	if (code == CP_OK)
		cp_copy_begin(hub->path);
	return code;
}

/* ---- a database beside the one in use -------------------------------------------------- */

static enum cp_code fill_fresh(struct cp_store *s, const struct cp_me *me, struct cp_err *err)
{
	CP_TRY(open_repo(&s->history, s->path, "history.git", false, err));
	CP_TRY(open_repo(&s->private, s->path, "private.git", true, err));
	CP_TRY(cp_meta_set(s, "project", me->project.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "replica", me->replica.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "person", me->person.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "copy_of", me->copy_of.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "nonce", me->nonce.bytes, 16, err));
	CP_TRY(cp_meta_set(s, "key", me->key_path, strlen(me->key_path), err));
	CP_TRY(cp_store_read_me(s, err));
	s->me.role = me->role; /* the roster is not replayed yet */
	s->me.is_hub = me->is_hub;
	s->me.is_relay = me->is_relay;
	return CP_OK;
}

static enum cp_code connect_again(struct cp_store *s, const char *dbname, struct cp_err *err)
{
	int64_t schema;

	CP_TRY(connect(s, dbname, 0, err));
	CP_TRY(cp_query_int(s, &schema, 0, err, "PRAGMA user_version", ""));
	return schema == CP_SCHEMA ? cp_content_open(s, err) : cp_fail(err, CP_EFORMAT, "%s: is of schema %d", dbname, (int)schema);
}

static enum cp_code open_fresh(struct cp_store **out, const char *dir, const char *dbname, const struct cp_me *me, bool is_new,
		struct cp_err *err)
{
	struct cp_store *s = store_new(dir);
	enum cp_code code = is_new ? create_database(s, dbname, err) : connect_again(s, dbname, err);

	if (code == CP_OK)
		code = fill_fresh(s, me, err);
	*out = code == CP_OK ? s : NULL;
	if (code != CP_OK)
		cp_store_close(s);
	return code;
}

enum cp_code cp_fresh_open(struct cp_store **out, const char *dir, const char *dbname, const struct cp_me *me,
		struct cp_err *err)
{
	return open_fresh(out, dir, dbname, me, true, err);
}

enum cp_code cp_fresh_again(struct cp_store **out, const char *dir, const char *dbname, const struct cp_me *me,
		struct cp_err *err)
{
	return open_fresh(out, dir, dbname, me, false, err);
}

enum cp_code cp_fresh_lock(struct cp_store *s, struct cp_err *err)
{
	return take_lock(s, err);
}

static const char *const beside[] = { "", "-wal", "-shm" };

void cp_fresh_remove(const char *path)
{
	char name[4096];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", path, beside[i]);
		unlink(name);
	}
}

int cp_fresh_keep(const char *from, const char *to)
{
	char a[4096], b[4096];

	for (int i = 1; i < 3; i++) { /* closed databases have neither; a dead one may */
		snprintf(a, sizeof a, "%s%s", from, beside[i]);
		snprintf(b, sizeof b, "%s%s", to, beside[i]);
		if (rename(a, b) != 0 && errno != ENOENT)
			return -1;
	}
	return link(from, to) == 0 ? 0 : rename(from, to);
}
