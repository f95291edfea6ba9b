#include "sync/refill.h"

#include <sys/stat.h>

#include "formats/bundle.h"
#include "formats/file.h"
#include "sync/envelope.h"
#include "sync/inner.h"

static enum cp_code each_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_repo_put(user, oid, type, bytes, len, err);
}

/* A bundle's objects, as a repository of their own. */
static enum cp_code from_bundle(struct cp_repo *r, const char *path, const char *source, const struct cp_lacks *lacks,
		const struct cp_refill *how, int64_t *n, struct cp_err *err)
{
	CP_AUTO(str) char *scratch = cp_path_join(path, CP_EXCHANGE);
	struct cp_bundle *b = NULL;
	struct cp_repo *from = NULL;
	enum cp_code code;

	CP_TRY(cp_envelope_open_with(how->key_path, how->ask, how->user, source, &b, err));
	cp_folder_remove(scratch);
	code = cp_repo_create(scratch, err);
	if (code == CP_OK)
		code = cp_repo_open(&from, scratch, true, err);
	if (code == CP_OK)
		code = cp_bundle_each_object(b, each_object, from, err);
	if (code == CP_OK)
		code = cp_repo_refill(r, from, lacks, n, err);
	cp_repo_free(from);
	cp_folder_remove(scratch);
	cp_bundle_close(b);
	return code;
}

/* A workspace's repository of the same name, or the folder itself. */
static enum cp_code from_folder(struct cp_repo *r, const char *name, const char *source, const struct cp_lacks *lacks, int64_t *n,
		struct cp_err *err)
{
	CP_AUTO(str) char *inner = cp_path_join(source, name);
	CP_AUTO(str) char *history = cp_path_join(source, "history.git");
	struct cp_repo *from = NULL;
	enum cp_code code;

	if (cp_file_exists(history) && !cp_file_exists(inner))
		return CP_OK; /* a device has no private.git */
	CP_TRY(cp_repo_open(&from, cp_file_exists(inner) ? inner : source, false, err));
	code = cp_repo_refill(r, from, lacks, n, err);
	cp_repo_free(from);
	return code;
}

enum cp_code cp_refill(struct cp_repo *r, const char *path, const char *name, const struct cp_lacks *lacks, const struct cp_refill *how,
		int64_t *n, int64_t *closed, struct cp_err *err)
{
	for (size_t i = 0; i < how->n; i++) {
		const char *source = how->sources[i];
		struct stat st;
		enum cp_code code;

		if (stat(source, &st) != 0)
			return cp_fail_errno(err, "%s", source);
		if (S_ISDIR(st.st_mode)) {
			CP_TRY(from_folder(r, name, source, lacks, n, err));
			continue;
		}
		code = from_bundle(r, path, source, lacks, how, n, err);
		*closed += code == CP_EKEY;
		if (code != CP_EKEY && code != CP_OK)
			return cp_fail_untaken(err, source);
	}
	return cp_repo_flush(r, err);
}
