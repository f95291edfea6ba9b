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
	return git_remote_create_anonymous(out, r->git, "casepack") < 0 ? cp_fail_git(err, CP_EIO, "%s", place) : CP_OK;
}

/* ---- fetching ----------------------------------------------------------------------------------- */

enum cp_code cp_remote_fetch(struct cp_repo *r, const char *place, struct cp_err *err)
{
	static const char *const wanted[] = { "+refs/heads/main:refs/heads/main", "+refs/heads/hub/*:refs/heads/hub/*",
		"+refs/heads/replica/*:refs/heads/replica/*", "+refs/heads/outbound/*:refs/heads/outbound/*" };
	char *specs[4];
	const git_strarray list = { specs, 4 };
	git_fetch_options options;
	git_remote *remote = NULL;
	int rc;

	for (size_t i = 0; i < 4; i++)
		specs[i] = (char *)(uintptr_t)wanted[i];
	CP_TRY(open_remote(&remote, r, place, err));
	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	options.callbacks.transport = cp_remote_transport;
	options.callbacks.payload = (void *)(uintptr_t)place;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.update_fetchhead = 0;
	rc = git_remote_fetch(remote, &list, &options, NULL);
	git_remote_free(remote);
	if (rc < 0)
		return cp_fail_git(err, CP_EIO, "%s: cannot fetch from there", place);
	return cp_repo_refresh(r, err);
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
		if (asprintf(&specs[i], "%s:refs/heads/%s", name, t->name) < 0)
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
