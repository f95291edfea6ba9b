#include "sync/repo.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <git2/sys/repository.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/repo_inner.h"
#include "sync/repo_packs.h"

/* ---- libgit2 ------------------------------------------------------------------------ */

static int library_state; /* set once; libgit2 itself keeps global state */

/* Everything written is flushed. Nothing is cached: a forgotten object would still be found. */
static void library_start(void)
{
	library_state = git_libgit2_init();
	if (library_state >= 0)
		library_state = git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	if (library_state >= 0)
		library_state = git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
}

/* Starting takes several milliseconds, so only those pay who touch a repository. */
static enum cp_code library(struct cp_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, library_start);
	return library_state < 0 ? cp_fail_git(err, CP_EIO, "libgit2 does not start") : CP_OK;
}

enum cp_code cp_repo_oid(git_oid *out, const char *hex, struct cp_err *err)
{
	uint8_t raw[20];

	if (!cp_unhex(raw, sizeof(raw), hex))
		return cp_fail(err, CP_EFORMAT, "\"%.60s\" is not the name of a git object", hex);
	git_oid_fromraw(out, raw);
	return CP_OK;
}

static enum cp_code read_type(git_object_t *out, const char *type, struct cp_err *err)
{
	*out = git_object_string2type(type);
	if (*out != GIT_OBJECT_COMMIT && *out != GIT_OBJECT_TREE && *out != GIT_OBJECT_BLOB)
		return cp_fail(err, CP_EFORMAT, "\"%.20s\" is not a kind of git object that casepack keeps", type);
	return CP_OK;
}

/* ---- a new repository --------------------------------------------------------------- */

static enum cp_code write_config(const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *file = cp_path_join(path, "config");
	git_config *config = NULL;
	enum cp_code code = CP_OK;

	if (git_config_open_ondisk(&config, file) < 0
			|| git_config_set_string(config, CP_TEXTCONV_NAME, CP_TEXTCONV) < 0
			|| git_config_set_string(config, CP_EXT_DIFF_NAME, CP_EXT_DIFF) < 0)
		code = cp_fail_git(err, CP_EIO, "%s: writing", file);
	git_config_free(config);
	return code;
}

/* A bare repository reads no .gitattributes: what makes changesets readable in `git log -p` stands in info/. */
static enum cp_code write_attributes(const char *path, struct cp_err *err)
{
	static const char text[] = CP_REPO_ATTRIBUTES;
	CP_AUTO(str) char *info = cp_path_join(path, "info");
	CP_AUTO(str) char *file = cp_path_join(info, "attributes");

	CP_TRY(cp_folder_make(info, err));
	return cp_file_write(file, 0644, text, sizeof text - 1, err);
}

static enum cp_code sync_file(const char *path, struct cp_err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum cp_code code = CP_OK;

	if (fd < 0 || fsync(fd) < 0)
		code = cp_fail_errno(err, "%s: flushing to the disk", path);
	if (fd >= 0)
		close(fd);
	return code;
}

/* libgit2 flushes what it adds to a repository, but not a new one's own files. */
static enum cp_code sync_all(const char *path, struct cp_err *err)
{
	CP_AUTO(str) char *parent = cp_path_join(path, "..");
	CP_AUTO(str) char *root = cp_path_join(path, ".");
	char *roots[] = { root, NULL };
	enum cp_code code = CP_OK;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (tree == NULL)
		return cp_fail_errno(err, "%s: reading", path);
	for (FTSENT *e; code == CP_OK && (e = fts_read(tree)) != NULL;) {
		if (e->fts_info == FTS_F)
			code = sync_file(e->fts_path, err);
		else if (e->fts_info == FTS_DP)
			code = cp_folder_sync(e->fts_path, err);
	}
	fts_close(tree);
	return code == CP_OK ? cp_folder_sync(parent, err) : code;
}

enum cp_code cp_repo_create(const char *path, struct cp_err *err)
{
	git_repository_init_options options = { .version = GIT_REPOSITORY_INIT_OPTIONS_VERSION };
	git_repository *git = NULL;

	CP_TRY(library(err));
	if (mkdir(path, 0755) < 0) {
		if (errno == EEXIST)
			return cp_fail(err, CP_EINPUT, "%s: is there already; nothing was changed", path);
		return cp_fail_errno(err, "%s: creating", path);
	}
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT;
	options.initial_head = "main";
	if (git_repository_init_ext(&git, path, &options) < 0)
		return cp_fail_git(err, CP_EIO, "%s: creating a git repository", path);
	git_repository_free(git);
	CP_TRY(write_config(path, err));
	CP_TRY(write_attributes(path, err));
	return sync_all(path, err);
}

/* ---- opening ------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* What a writer that died leaves in objects/pack: libgit2's names, git's, ours. */
static bool is_leftover_pack(const char *name)
{
	return strncmp(name, "pack_git2_", 10) == 0 || strncmp(name, "tmp_", 4) == 0
		|| strncmp(name, ".tmp-", 5) == 0 || strstr(name, ".pack.") != NULL || strstr(name, ".idx.") != NULL
		|| (strncmp(name, "pack-", 5) == 0 && (ends_with(name, ".tmp") || ends_with(name, ".lock")));
}

static bool is_lock(const char *name)
{
	return ends_with(name, ".lock");
}

/* Removes the files under folder whose name is stale; links are not followed. */
static enum cp_code sweep(const char *path, const char *folder, bool (*is_stale)(const char *name),
		struct cp_err *err)
{
	CP_AUTO(str) char *root = cp_path_join(path, folder);
	char *roots[] = { root, NULL };
	enum cp_code code = CP_OK;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (tree == NULL)
		return cp_fail_errno(err, "%s: reading", root);
	for (FTSENT *e; code == CP_OK && (e = fts_read(tree)) != NULL;)
		if (e->fts_info == FTS_F && is_stale(e->fts_name) && unlink(e->fts_accpath) < 0 && errno != ENOENT)
			code = cp_fail_errno(err, "%s: removing", e->fts_path);
	fts_close(tree);
	return code;
}

static enum cp_code remove_file(const char *path, const char *name, struct cp_err *err)
{
	CP_AUTO(str) char *file = cp_path_join(path, name);

	if (unlink(file) < 0 && errno != ENOENT)
		return cp_fail_errno(err, "%s: removing", file);
	return CP_OK;
}

static enum cp_code remove_leftovers(const char *path, struct cp_err *err)
{
	CP_TRY(remove_file(path, "HEAD.lock", err));
	CP_TRY(remove_file(path, "packed-refs.lock", err));
	CP_TRY(remove_file(path, "config.lock", err));
	return sweep(path, "refs", is_lock, err);
}

/* The repository's own configuration and no other: what a person keeps in ~/.gitconfig is not ours to obey. */
static enum cp_code use_own_config(struct cp_repo *r, struct cp_err *err)
{
	CP_AUTO(str) char *file = cp_path_join(r->path, "config");
	git_config *config = NULL;
	enum cp_code code = CP_OK;

	if (git_config_open_ondisk(&config, file) < 0 || git_repository_set_config(r->git, config) < 0)
		code = cp_fail_git(err, CP_EFORMAT, "%s: reading", file);
	git_config_free(config);
	return code;
}

/* As git tells one: these three. */
static bool is_repository(const char *path)
{
	static const char *const parts[] = { "HEAD", "objects", "refs" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		CP_AUTO(str) char *part = cp_path_join(path, parts[i]);

		if (!cp_file_exists(part))
			return false;
	}
	return true;
}

static enum cp_code open_into(struct cp_repo *r, const char *path, struct cp_err *err)
{
	r->path = strdup(path);
	if (r->path == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	if (!cp_file_exists(path))
		return cp_fail(err, CP_ENOTFOUND, "%s: there is no such git repository", path);
	if (!is_repository(path))
		return cp_fail(err, CP_EFORMAT, "%s: not a git repository", path);
	return r->for_writing ? remove_leftovers(r->path, err) : CP_OK;
}

enum cp_code cp_repo_ready(struct cp_repo *r, struct cp_err *err)
{
	if (r->stage != NULL)
		return CP_OK;
	CP_TRY(library(err));
	if (r->git == NULL && git_repository_open_bare(&r->git, r->path) < 0)
		return cp_fail_git(err, CP_EFORMAT, "%s: not a git repository", r->path);
	CP_TRY(use_own_config(r, err));
	if (r->for_writing)
		CP_TRY(sweep(r->path, "objects/pack", is_leftover_pack, err));
	if (r->odb == NULL && git_repository_odb(&r->odb, r->git) < 0)
		return cp_fail_git(err, CP_EIO, "%s: opening its objects", r->path);
	return cp_stage_new(&r->stage, r->odb, err);
}

enum cp_code cp_repo_open(struct cp_repo **out, const char *path, bool for_writing, struct cp_err *err)
{
	struct cp_repo *r;
	enum cp_code code;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	r->for_writing = for_writing;
	code = open_into(r, path, err);
	if (code == CP_OK)
		*out = r;
	else
		cp_repo_free(r);
	return code;
}

/* Who left a pack sees to it that they do not get many. Where that fails, as on a full disk, the next one tries. */
static void join_packs(const char *path)
{
	CP_AUTO(str) char *folder = cp_path_join(path, "objects/pack");
	struct cp_err unused = { .code = CP_OK };

	(void)!cp_packs_join(folder, &unused);
}

void cp_repo_free(struct cp_repo *r)
{
	if (r == NULL)
		return;
	if (r->git != NULL) {
		git_odb_free(r->odb);
		git_repository_free(r->git);
	}
	if (r->has_flushed)
		join_packs(r->path);
	free(r->path);
	free(r);
}

/* ---- objects: writing --------------------------------------------------------------- */

bool cp_repo_holds(struct cp_repo *r, const git_oid *id)
{
	if (cp_repo_ready(r, NULL) != CP_OK)
		return false;
	return cp_stage_has(r->stage, id) || git_odb_exists_ext(r->odb, id, GIT_ODB_LOOKUP_NO_REFRESH);
}

enum cp_code cp_repo_stage(struct cp_repo *r, git_object_t type, const void *bytes, size_t len, git_oid *id,
		struct cp_err *err)
{
	CP_TRY(cp_repo_ready(r, err));
	if (git_odb_hash(id, bytes == NULL ? "" : bytes, len, type) < 0)
		return cp_fail_git(err, CP_EIO, "%s: naming an object", r->path);
	/* Not asked of the packs: a miss asks every one of them, and an object that is there twice does no harm. */
	return cp_stage_has(r->stage, id) ? CP_OK : cp_stage_add(r->stage, id, type, bytes, len, err);
}

enum cp_code cp_repo_name(struct cp_oid *out, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	git_object_t kind;
	git_oid id;

	CP_TRY(library(err));
	CP_TRY(read_type(&kind, type, err));
	if (git_odb_hash(&id, bytes == NULL ? "" : bytes, len, kind) < 0)
		return cp_fail_git(err, CP_EIO, "naming a git object");
	git_oid_tostr(out->hex, sizeof(out->hex), &id);
	return CP_OK;
}

enum cp_code cp_repo_blob(struct cp_repo *r, const void *bytes, size_t len, struct cp_oid *out, struct cp_err *err)
{
	git_oid id;

	CP_TRY(cp_repo_stage(r, GIT_OBJECT_BLOB, bytes, len, &id, err));
	git_oid_tostr(out->hex, sizeof(out->hex), &id);
	return CP_OK;
}

bool cp_repo_has(struct cp_repo *r, const char *oid_hex)
{
	git_oid id;

	return cp_repo_oid(&id, oid_hex, NULL) == CP_OK && cp_repo_holds(r, &id);
}

size_t cp_repo_staged(const struct cp_repo *r)
{
	return r->stage == NULL ? 0 : cp_stage_bytes(r->stage);
}

enum cp_code cp_repo_flush(struct cp_repo *r, struct cp_err *err)
{
	CP_AUTO(str) char *folder = cp_path_join(r->path, "objects/pack");

	assert(r->for_writing);
	if (r->stage == NULL || cp_stage_count(r->stage) == 0)
		return CP_OK;
	CP_TRY(cp_stage_pack(r->stage, r->git, folder, err));
	r->has_flushed = true;
	CP_TRY(cp_folder_sync(folder, err));
	if (git_odb_refresh(r->odb) < 0)
		return cp_fail_git(err, CP_EIO, "%s: opening the new pack", folder);
	cp_stage_clear(r->stage);
	return CP_OK;
}

void cp_repo_forget(struct cp_repo *r)
{
	if (r->stage != NULL)
		cp_stage_clear(r->stage);
}

/* ---- objects: reading --------------------------------------------------------------- */

enum cp_code cp_repo_absent(const struct cp_repo *r, const git_oid *id, struct cp_err *err)
{
	char hex[41];

	return cp_fail(err, CP_ENOTFOUND, "%s: object %s is not here", r->path, git_oid_tostr(hex, sizeof(hex), id));
}

static enum cp_code fail_type(const struct cp_repo *r, const git_oid *id, git_object_t is, git_object_t want,
		struct cp_err *err)
{
	char hex[41];

	return cp_fail(err, CP_EFORMAT, "%s: object %s is a %s and not a %s", r->path,
			git_oid_tostr(hex, sizeof(hex), id), git_object_type2string(is), git_object_type2string(want));
}

enum cp_code cp_repo_object(struct cp_repo *r, const git_oid *id, git_object_t want, struct cp_buf *out,
		struct cp_err *err)
{
	git_odb_object *object = NULL;
	git_object_t type;
	const void *bytes;
	enum cp_code code;
	size_t len;
	int rc;

	CP_TRY(cp_repo_ready(r, err));
	if (cp_stage_find(r->stage, id, &type, &bytes, &len)) {
		if (want != GIT_OBJECT_ANY && type != want)
			return fail_type(r, id, type, want, err);
		return cp_buf_add(out, bytes, len, err);
	}
	rc = git_odb_read(&object, r->odb, id);
	if (rc == GIT_ENOTFOUND)
		return cp_repo_absent(r, id, err);
	if (rc < 0)
		return cp_fail_git(err, CP_EFORMAT, "%s: object %s is damaged", r->path, git_oid_tostr_s(id));
	type = git_odb_object_type(object);
	if (want != GIT_OBJECT_ANY && type != want)
		code = fail_type(r, id, type, want, err);
	else
		code = cp_buf_add(out, git_odb_object_data(object), git_odb_object_size(object), err);
	git_odb_object_free(object);
	return code;
}

enum cp_code cp_repo_read(struct cp_repo *r, const char *oid_hex, const char *type, struct cp_buf *out,
		struct cp_err *err)
{
	git_object_t want = GIT_OBJECT_ANY;
	git_oid id;

	CP_TRY(cp_repo_oid(&id, oid_hex, err));
	CP_TRY(cp_repo_ready(r, err));
	if (type != NULL)
		CP_TRY(read_type(&want, type, err));
	return cp_repo_object(r, &id, want, out, err);
}

static enum cp_code read_commit(struct cp_repo *r, const git_oid *id, struct cp_commit *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);

	CP_TRY(cp_repo_object(r, id, GIT_OBJECT_COMMIT, &bytes, err));
	if (cp_commit_read(out, bytes.data, bytes.len, err) != CP_OK)
		return cp_fail_at(err, "%s: commit %s", r->path, git_oid_tostr_s(id));
	return CP_OK;
}

enum cp_code cp_repo_read_commit(struct cp_repo *r, const char *oid_hex, struct cp_commit *out, struct cp_err *err)
{
	git_oid id;

	CP_TRY(cp_repo_oid(&id, oid_hex, err));
	return read_commit(r, &id, out, err);
}

/* ---- commits and what arrives ------------------------------------------------------- */

enum cp_code cp_repo_need(struct cp_repo *r, const char *hex, git_object_t want, struct cp_err *err)
{
	git_object_t type;
	const void *bytes;
	git_oid id;
	size_t len;

	CP_TRY(cp_repo_oid(&id, hex, err));
	CP_TRY(cp_repo_ready(r, err));
	if (!cp_stage_find(r->stage, &id, &type, &bytes, &len)
			&& git_odb_read_header(&len, &type, r->odb, &id) < 0)
		return cp_repo_absent(r, &id, err);
	return type == want ? CP_OK : fail_type(r, &id, type, want, err);
}

enum cp_code cp_repo_commit(struct cp_repo *r, const struct cp_commit *c, const struct cp_seckey *key,
		struct cp_oid *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf payload = CP_BUF(CP_COMMIT_MAX), armor = CP_BUF(CP_COMMIT_MAX);
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(CP_COMMIT_MAX);
	git_oid id;

	CP_TRY(cp_repo_need(r, c->tree.hex, GIT_OBJECT_TREE, err));
	for (size_t i = 0; i < c->n_parents; i++)
		CP_TRY(cp_repo_need(r, c->parents[i].hex, GIT_OBJECT_COMMIT, err));
	CP_TRY(cp_commit_print(&payload, c, err));
	CP_TRY(cp_sshsig_sign(&armor, key, "git", payload.data, payload.len, false, err));
	CP_TRY(cp_commit_print_signed(&whole, c, armor.data, err));
	CP_TRY(cp_repo_stage(r, GIT_OBJECT_COMMIT, whole.data, whole.len, &id, err));
	git_oid_tostr(out->hex, sizeof(out->hex), &id);
	return CP_OK;
}

/* Nothing gets in that casepack would not write: one bad tree, and nobody's git fsck passes again. */
static enum cp_code check_object(git_object_t type, const void *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit commit = { 0 };

	if (type == GIT_OBJECT_COMMIT)
		return cp_commit_read(&commit, bytes, len, err);
	return type == GIT_OBJECT_TREE ? cp_repo_check_tree(bytes, len, err) : CP_OK;
}

static enum cp_code put(struct cp_repo *r, const char *oid_hex, const char *type, const void *bytes, size_t len, bool is_anew,
		struct cp_err *err)
{
	git_object_t kind;
	git_oid id, is;

	CP_TRY(cp_repo_oid(&id, oid_hex, err));
	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(read_type(&kind, type, err));
	if (git_odb_hash(&is, bytes == NULL ? "" : bytes, len, kind) < 0)
		return cp_fail_git(err, CP_EIO, "%s: naming an object", r->path);
	if (!git_oid_equal(&id, &is))
		return cp_fail(err, CP_EFORMAT, "%s %s: its %zu bytes have another name, %s", type, oid_hex, len,
				git_oid_tostr_s(&is));
	if (!is_anew && cp_repo_holds(r, &id))
		return CP_OK;
	if (check_object(kind, bytes, len, err) != CP_OK)
		return cp_fail_at(err, "%s", oid_hex);
	CP_TRY(cp_repo_ready(r, err));
	return cp_stage_add(r->stage, &id, kind, bytes, len, err);
}

enum cp_code cp_repo_put(struct cp_repo *r, const char *oid_hex, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	return put(r, oid_hex, type, bytes, len, false, err);
}

enum cp_code cp_repo_put_anew(struct cp_repo *r, const char *oid_hex, const char *type, const void *bytes, size_t len,
		struct cp_err *err)
{
	return put(r, oid_hex, type, bytes, len, true, err);
}
