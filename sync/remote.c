#include "sync/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "sync/remote_program.h"
#include "sync/repo_inner.h"

static bool is_repository(const char *path)
{
	CP_AUTO(str) char *head = cp_path_join(path, "HEAD");
	CP_AUTO(str) char *objects = cp_path_join(path, "objects");
	CP_AUTO(str) char *git = cp_path_join(path, ".git");

	return (cp_file_exists(head) && cp_file_exists(objects)) || cp_file_exists(git);
}

bool cp_remote_is_place(const char *place)
{
	const char *colon = strchr(place, ':'), *slash = strchr(place, '/');

	if (strncmp(place, "ssh://", 6) == 0)
		return true;
	if (cp_file_exists(place))
		return is_repository(place);
	return colon != NULL && colon > place && (slash == NULL || colon < slash);
}

/* No name of ours is looked up in a configuration: what it reaches is the place and nothing else. */
static enum cp_code open_remote(git_remote **out, struct cp_repo *r, const char *place, struct cp_err *err)
{
	CP_TRY(cp_repo_ready(r, err));
	return git_remote_create_anonymous(out, r->git, "casepack") < 0 ? cp_fail_git(err, CP_EIO, "%s", place) : CP_OK;
}

/* ---- what stands there ---------------------------------------------------------------------------- */

#define HEADS "refs/heads/"

void cp_strangers_drop(struct cp_strangers *s)
{
	cp_tips_drop(&s->blocked);
}

/* How much of it is a name by which hubs meet: <kind>/<id> or <kind>/<id>.<number>; 0: none of it. */
static size_t meeting_name(const char *name)
{
	static const char *const kinds[] = { "hub/", "replica/", "outbound/" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const size_t n = strlen(kinds[i]);
		size_t digits;

		if (strncmp(name, kinds[i], n) != 0 || strspn(name + n, "0123456789abcdef") != 32)
			continue;
		digits = name[n + 32] == '.' ? strspn(name + n + 33, "0123456789") : 0;
		return n + 32 + (digits > 0 && digits < 7 ? digits + 1 : 0);
	}
	return 0;
}

static enum cp_code note_stranger(struct cp_strangers *s, const char *name, size_t ours, const char *oid, struct cp_err *err)
{
	const size_t used = strlen(s->names);
	char folder[80];

	s->n++;
	if (used + strlen(name) + 3 < sizeof s->names)
		snprintf(s->names + used, sizeof s->names - used, "%s%s", used > 0 ? ", " : "", name);
	snprintf(folder, sizeof folder, "%.*s", (int)ours, name);
	if (ours == 0 || name[ours] != '/' || cp_tips_find(&s->blocked, folder) != NULL)
		return CP_OK;
	return cp_tips_add(&s->blocked, folder, oid, err);
}

/* Each branch that is fetched gets a specification of its own, so that no other one comes along. */
static enum cp_code sort_branches(git_remote *remote, char ***specs, size_t *n, struct cp_strangers *out, struct cp_err *err)
{
	const git_remote_head **heads = NULL;
	size_t all = 0;

	if (git_remote_ls(&heads, &all, remote) < 0)
		return cp_fail_git(err, CP_EIO, "listing branches");
	*specs = calloc(all + 1, sizeof **specs);
	if (*specs == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < all; i++) {
		const char *name = heads[i]->name;
		size_t ours;
		char oid[41];

		if (strncmp(name, HEADS, strlen(HEADS)) != 0)
			continue;
		name += strlen(HEADS);
		ours = meeting_name(name);
		if (strcmp(name, "main") != 0 && (ours == 0 || name[ours] != '\0'))
			CP_TRY(note_stranger(out, name, ours, git_oid_tostr(oid, sizeof oid, &heads[i]->oid), err));
		else if (asprintf(&(*specs)[(*n)++], "+" HEADS "%s:" HEADS "%s", name, name) < 0)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	return CP_OK;
}

/* ---- fetching ----------------------------------------------------------------------------------- */

static enum cp_code fetch(git_remote *remote, const char *place, struct cp_strangers *out, struct cp_err *err)
{
	git_fetch_options options;
	git_strarray list = { NULL, 0 };
	enum cp_code code;

	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	options.callbacks.transport = cp_remote_transport;
	options.callbacks.payload = (void *)(uintptr_t)place;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.update_fetchhead = 0;
	if (git_remote_connect(remote, GIT_DIRECTION_FETCH, &options.callbacks, NULL, NULL) < 0)
		return cp_fail_git(err, CP_EIO, "%s: cannot fetch from there", place);
	code = sort_branches(remote, &list.strings, &list.count, out, err);
	if (code == CP_OK && list.count > 0 && git_remote_fetch(remote, &list, &options, NULL) < 0)
		code = cp_fail_git(err, CP_EIO, "%s: cannot fetch from there", place);
	for (size_t i = 0; i < list.count; i++)
		free(list.strings[i]);
	free(list.strings);
	return code;
}

enum cp_code cp_remote_fetch(struct cp_repo *r, const char *place, struct cp_strangers *out, struct cp_err *err)
{
	git_remote *remote = NULL;
	enum cp_code code;

	CP_TRY(open_remote(&remote, r, place, err));
	code = fetch(remote, place, out, err);
	git_remote_free(remote);
	return code == CP_OK ? cp_repo_refresh(r, err) : code;
}

/* ---- pushing ------------------------------------------------------------------------------------- */

struct answering { const char *place; char why[256]; };

static int on_answer(const char *ref, const char *status, void *user)
{
	struct answering *a = user;

	if (status != NULL && a->why[0] == '\0')
		snprintf(a->why, sizeof a->why, "%.100s: %.120s", ref, status);
	return 0;
}

static int to_place(git_transport **out, git_remote *owner, void *user)
{
	const struct answering *a = user;

	return cp_remote_transport(out, owner, (void *)(uintptr_t)a->place);
}

/* libgit2 pushes refs, so each commit gets one. */
static enum cp_code make_specs(struct cp_repo *r, const struct cp_tips *branches, char **specs, struct cp_err *err)
{
	CP_TRY(cp_repo_ready(r, err));
	for (size_t i = 0; i < branches->n; i++) {
		const struct cp_tip *t = &branches->list[i];
		git_reference *ref = NULL;
		char name[64];
		git_oid id;

		snprintf(name, sizeof name, "refs/out/%zu", i);
		CP_TRY(cp_repo_oid(&id, t->oid.hex, err));
		if (git_reference_create(&ref, r->git, name, &id, 1, NULL) < 0)
			return cp_fail_git(err, CP_EIO, "%s: %s", r->path, name);
		git_reference_free(ref);
		if (asprintf(&specs[i], "%s:" HEADS "%s", name, t->name) < 0)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	return CP_OK;
}

static enum cp_code push(struct cp_repo *r, const char *place, const git_strarray *specs, struct cp_err *err)
{
	struct answering answer = { .place = place };
	git_push_options options;
	git_remote *remote = NULL;
	int rc;

	CP_TRY(open_remote(&remote, r, place, err));
	git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	options.callbacks.transport = to_place;
	options.callbacks.push_update_reference = on_answer;
	options.callbacks.payload = &answer;
	options.pb_parallelism = 1;
	rc = git_remote_push(remote, specs, &options);
	git_remote_free(remote);
	if (rc == GIT_ENONFASTFORWARD)
		return cp_fail(err, CP_EBUSY, "%s: somebody else pushed first", place);
	if (rc < 0)
		return cp_fail_git(err, CP_EIO, "%s: cannot push there", place);
	return answer.why[0] == '\0' ? CP_OK : cp_fail(err, CP_EBUSY, "%s: declined %s", place, answer.why);
}

enum cp_code cp_remote_push(struct cp_repo *r, const char *place, const struct cp_tips *branches, struct cp_err *err)
{
	char **specs = calloc(branches->n + 1, sizeof *specs);
	const git_strarray list = { specs, branches->n };
	enum cp_code code;

	if (specs == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	code = cp_repo_refresh(r, err);
	if (code == CP_OK)
		code = make_specs(r, branches, specs, err);
	if (code == CP_OK)
		code = push(r, place, &list, err);
	for (size_t i = 0; i < branches->n; i++)
		free(specs[i]);
	free(specs);
	return code;
}
