#include "sync/repo_around.h"

#include <dirent.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>

#include "formats/file.h"
#include "sync/repo_inner.h"

struct looking { cp_repo_wrong *wrong; void *user; struct cp_err *err; enum cp_code code; bool is_bare, has_format; };

/* ---- config ------------------------------------------------------------------------------------------ */

/* Name and value; NULL: any value. None of them runs anything, or names another place that is read. git ends where one that
 * should be yes or no, or a number, is not. */
#define YES_OR_NO "yes or no"
#define NUMBER "a number"
static const struct { const char *name, *value; } ours[] = {
	{ "core.bare", "true" }, { "core.filemode", YES_OR_NO }, { "core.ignorecase", YES_OR_NO }, { "core.precomposeunicode", YES_OR_NO },
	{ "core.symlinks", YES_OR_NO }, { "core.logallrefupdates", YES_OR_NO }, { "core.logallrefupdates", "always" },
	{ "core.repositoryformatversion", "0" }, { "core.compression", NUMBER }, { CP_TEXTCONV_NAME, CP_TEXTCONV },
	{ CP_EXT_DIFF_NAME, CP_EXT_DIFF }, { "gc.auto", NUMBER }, { "gc.autodetach", YES_OR_NO }, { "gc.pruneexpire", NULL },
	{ "pack.threads", NUMBER }, { "pack.windowmemory", NUMBER }, { "user.name", NULL }, { "user.email", NULL },
	{ "gpg.ssh.allowedsignersfile", NULL },
	{ "remote.*.url", NULL }, { "remote.*.fetch", NULL }, { "branch.*.remote", NULL }, { "branch.*.merge", NULL },
};

static bool fits(const char *wanted, const char *value)
{
	int64_t number;
	int yes;

	if (wanted == NULL)
		return true;
	if (strcmp(wanted, YES_OR_NO) == 0)
		return git_config_parse_bool(&yes, value) == 0;
	if (strcmp(wanted, NUMBER) == 0)
		return git_config_parse_int64(&number, value) == 0;
	return value != NULL && strcmp(wanted, value) == 0;
}

static bool is_ours(const git_config_entry *e)
{
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (fnmatch(ours[i].name, e->name, 0) == 0 && fits(ours[i].value, e->value))
			return true;
	return false;
}

static int see_entry(const git_config_entry *e, void *user)
{
	struct looking *l = user;
	char where[256], what[512];

	l->is_bare = l->is_bare || strcmp(e->name, "core.bare") == 0;
	l->has_format = l->has_format || strcmp(e->name, "core.repositoryformatversion") == 0;
	if (is_ours(e))
		return 0;
	snprintf(where, sizeof where, "config: %.200s", e->name);
	snprintf(what, sizeof what, "is \"%.300s\", which casepack does not write: it makes git show or do something else",
			e->value != NULL ? e->value : "");
	l->code = l->wrong(l->user, where, what, l->err);
	return l->code == CP_OK ? 0 : GIT_EUSER;
}

/* What libgit2 reads and git does not: a quotation that does not end, bytes that are no text. */
static bool is_plain(const char *text, size_t len)
{
	bool in_quotes = false;

	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c == '\n' && in_quotes)
			return false;
		if ((c < ' ' && c != '\t' && c != '\n') || c > '~')
			return false;
		in_quotes = in_quotes != (c == '"');
	}
	return !in_quotes;
}

static enum cp_code look_at_config(struct cp_repo *r, struct looking *l)
{
	CP_AUTO(str) char *file = cp_path_join(r->path, "config");
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	git_config *config = NULL;
	int rc;

	if (cp_file_read(&text, file, NULL) != CP_OK || !is_plain(text.data ? text.data : "", text.len))
		return l->wrong(l->user, "config", "is no text that git reads", l->err);
	rc = git_config_open_ondisk(&config, file);
	if (rc == 0)
		rc = git_config_foreach(config, see_entry, l);
	git_config_free(config);
	if (l->code != CP_OK)
		return l->code;
	if (rc != 0)
		return l->wrong(l->user, "config", "cannot be read", l->err);
	return l->is_bare && l->has_format ? CP_OK : l->wrong(l->user, "config", "does not say any more what kind of repository this is", l->err);
}

/* ---- files ---------------------------------------------------------------------------------------------- */

static enum cp_code look_at_text(struct cp_repo *r, struct looking *l, const char *name, const char *text, const char *what)
{
	CP_AUTO(str) char *path = cp_path_join(r->path, name);
	CP_AUTO(buf) struct cp_buf is = CP_BUF(4096);
	struct cp_err why;

	if (!cp_file_exists(path))
		return CP_OK; /* without HEAD it is no repository, and does not open */
	if (cp_file_read(&is, path, &why) == CP_OK && is.len == strlen(text) && memcmp(is.data, text, is.len) == 0)
		return CP_OK;
	return l->wrong(l->user, name, what, l->err);
}

static enum cp_code look_at_hooks(struct cp_repo *r, struct looking *l)
{
	CP_AUTO(str) char *path = cp_path_join(r->path, "hooks");
	enum cp_code code = CP_OK;
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && code == CP_OK && (e = readdir(d)) != NULL) {
		char where[300];

		if (e->d_name[0] == '.' || fnmatch("*.sample", e->d_name, 0) == 0 || strcmp(e->d_name, "README") == 0)
			continue;
		snprintf(where, sizeof where, "hooks/%s", e->d_name);
		code = l->wrong(l->user, where, "is run by git, and is none of casepack's", l->err);
	}
	if (d != NULL)
		closedir(d);
	return code;
}

/* A name of an object and a line's end, as git writes it: libgit2 reads some that git does not. */
static bool is_ref_text(const char *path)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(4096);

	if (cp_file_read(&text, path, NULL) != CP_OK || text.len != 41)
		return false;
	return text.data[40] == '\n' && strspn(text.data, "0123456789abcdef") == 40;
}

static enum cp_code look_at_refs(struct cp_repo *r, struct looking *l)
{
	CP_AUTO(str) char *refs = cp_path_join(r->path, "refs");
	char *roots[] = { refs, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	enum cp_code code = CP_OK;

	if (tree == NULL)
		return cp_fail_errno(l->err, "%s: reading", refs);
	for (FTSENT *e; code == CP_OK && (e = fts_read(tree)) != NULL;)
		if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE || (e->fts_info == FTS_F && !is_ref_text(e->fts_path)))
			code = l->wrong(l->user, e->fts_path + strlen(r->path) + 1, "is no ref as git writes it", l->err);
	fts_close(tree);
	return code;
}

static enum cp_code look_for_masks(struct cp_repo *r, struct looking *l)
{
	static const char *const files[] = { "shallow", "info/grafts", "objects/info/alternates" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		CP_AUTO(str) char *path = cp_path_join(r->path, files[i]);

		if (cp_file_exists(path))
			CP_TRY(l->wrong(l->user, files[i], "makes git show something else than the objects that are here", l->err));
	}
	return CP_OK;
}

enum cp_code cp_repo_around(struct cp_repo *r, cp_repo_wrong *wrong, void *user, struct cp_err *err)
{
	struct looking l = { .wrong = wrong, .user = user, .err = err };

	CP_TRY(cp_repo_ready(r, err));
	CP_TRY(look_at_text(r, &l, "HEAD", "ref: refs/heads/main\n", "is not main: git begins elsewhere"));
	CP_TRY(look_at_config(r, &l));
	CP_TRY(look_at_text(r, &l, "info/attributes", CP_REPO_ATTRIBUTES, "is not as casepack wrote it: git shows files otherwise"));
	CP_TRY(look_at_hooks(r, &l));
	CP_TRY(look_at_refs(r, &l));
	return look_for_masks(r, &l);
}
