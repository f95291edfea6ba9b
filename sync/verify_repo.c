/* Objects and refs: whole, of names that casepack gives, and nothing private among what others see. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/repo_around.h"
#include "sync/repo_check.h"
#include "sync/secrets.h"
#include "sync/verify_inner.h"

struct reading { struct cp_verify *v; const char *name; bool is_private; };

static enum cp_code tell_wrong(void *user, const char *where, const char *what, struct cp_err *err)
{
	struct reading *r = user;
	char place[512];

	(void)err;
	snprintf(place, sizeof place, "%s: %s", r->name, where);
	cp_found(r->v, place, CP_NOW_HISTORY, "%s", what);
	return CP_OK;
}

static enum cp_code is_known(void *user, const char *name, const struct cp_hash *hash, bool *skip, struct cp_err *err)
{
	struct reading *r = user;
	char file[400];

	snprintf(file, sizeof file, "%s/%s", r->name, name);
	CP_TRY(cp_memory_knows(r->v, file, hash, skip, err));
	*skip = *skip && r->v->out->relied.is;
	return CP_OK;
}

static enum cp_code see_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	struct reading *r = user;
	struct cp_store *s = r->v->s;
	struct cp_err why = { .code = CP_OK };
	char place[512];
	enum cp_code code;

	if (r->is_private || s == NULL || s->private == NULL)
		return CP_OK;
	snprintf(place, sizeof place, "%s: %s %s", r->name, type, oid);
	if (strcmp(type, "blob") == 0 && cp_repo_has(s->private, oid)) {
		cp_found(r->v, place, "whoever has a clone has it; change what it tells", "is of private.git");
		return CP_OK;
	}
	code = cp_secrets_check_bytes(s, place, bytes, len, &why);
	return cp_found_or(r->v, r->name, "whoever has a clone has it; change what it tells", code, &why, err);
}

/* replica/<id>, replica/<id>.2 and the like. */
static bool is_of_device(const char *branch, const char *folder)
{
	size_t n = strlen(folder);
	uint8_t id[16];
	char hex[CP_ID_HEX];

	if (strncmp(branch, folder, n) != 0)
		return false;
	snprintf(hex, sizeof hex, "%.32s", branch + n);
	if (!cp_unhex(id, sizeof id, hex))
		return false;
	branch += n + 32;
	return *branch == '\0' || (*branch == '.' && branch[1] != '\0' && strspn(branch + 1, "0123456789") == strlen(branch + 1));
}

static bool is_our_name(const char *ref, bool is_private)
{
	if (strncmp(ref, "refs/heads/", 11) != 0)
		return false;
	ref += 11;
	if (is_private)
		return is_of_device(ref, "replica/") || strcmp(ref, "refused") == 0;
	return strcmp(ref, "main") == 0 || is_of_device(ref, "replica/") || is_of_device(ref, "outbound/") || is_of_device(ref, "hub/");
}

static enum cp_code see_ref(void *user, const char *name, const char *oid, struct cp_err *err)
{
	struct reading *r = user;
	char place[512];

	(void)err;
	r->v->out->refs++;
	snprintf(place, sizeof place, "%s: %s", r->name, name);
	if (!is_our_name(name, r->is_private))
		cp_found(r->v, place, "look what it holds; `git update-ref -d` removes it", "casepack makes no such ref");
	else if (*oid == '\0')
		cp_found(r->v, place, CP_NOW_HISTORY, "points to another ref instead of a commit");
	return CP_OK;
}

static enum cp_code tell_around(void *user, const char *where, const char *what, struct cp_err *err)
{
	struct reading *r = user;
	char place[512];

	(void)err;
	snprintf(place, sizeof place, "%s/%s", r->name, where);
	cp_found(r->v, place, "remove it, or put it back as it was", "%s", what);
	return CP_OK;
}

static enum cp_code check_inside(struct cp_repo *repo, struct reading *r, struct cp_err *err)
{
	struct cp_repo_check check = { .user = r, .file = is_known, .object = see_object, .wrong = tell_wrong, .ref = see_ref };

	CP_TRY(cp_repo_check(repo, &check, err));
	r->v->out->objects += check.objects;
	r->v->out->object_bytes += check.bytes;
	r->v->out->unnamed += r->v->out->relied.is ? 0 : check.unnamed;
	r->v->out->relied.files += check.skipped;
	return CP_OK;
}

/* What a run remembers of files is one transaction. */
enum cp_code cp_verify_repo(struct cp_verify *v, struct cp_repo *repo, const char *name, bool is_private, struct cp_err *err)
{
	struct reading r = { v, name, is_private };
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_repo_around(repo, tell_around, &r, &why);

	CP_TRY(cp_found_or(v, name, CP_NOW_HISTORY, code, &why, err));
	if (v->again == NULL)
		return check_inside(repo, &r, err);
	CP_TRY(cp_txn_begin(v->again, err));
	code = check_inside(repo, &r, err);
	if (code == CP_OK)
		return cp_txn_commit(v->again, err);
	cp_txn_rollback(v->again);
	return code;
}
