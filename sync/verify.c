#include "sync/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/file.h"
#include "sync/fresh.h"
#include "sync/refusal.h"
#include "sync/replay.h"
#include "sync/verify_inner.h"

/* ---- what is wrong --------------------------------------------------------------------------------- */

void cp_found(struct cp_verify *v, const char *where, const char *now, const char *fmt, ...)
{
	char what[1200];
	struct cp_finding f = { where, what, now };
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	v->out->findings++;
	if (v->ask->visit != NULL)
		v->ask->visit(v->ask->user, &f);
}

enum cp_code cp_found_or(struct cp_verify *v, const char *where, const char *now, enum cp_code code, const struct cp_err *why,
		struct cp_err *err)
{
	switch (code) {
	case CP_OK:
		return CP_OK;
	case CP_EFORMAT:
	case CP_ETRUST:
	case CP_ENOTFOUND:
		cp_found(v, where, now, "%s", why->text);
		return CP_OK;
	case CP_EIO: /* an index that lies makes a library ask for more memory than there is */
		if (v->out->findings > 0) {
			cp_found(v, where, now, "%s", why->text);
			return CP_OK;
		}
		/* fall through */
	default:
		return cp_fail(err, code, "%s", why->text);
	}
}

/* ---- the database beside ------------------------------------------------------------------------------ */

static enum cp_code attach(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *db = cp_path_join(v->path, "casepack.db");

	return cp_run(v->again, err, "ATTACH ?1 AS old", "t", db);
}

/* A device's refusals are in no history: they are taken from the database that is being verified. */
static enum cp_code take_refusals(struct cp_verify *v, struct cp_err *err)
{
	enum cp_code code;

	CP_TRY(cp_txn_begin(v->again, err));
	code = cp_refusals_copy(v->again, err);
	if (code == CP_OK)
		return cp_txn_commit(v->again, err);
	cp_txn_rollback(v->again);
	return code;
}

/* Rows, with what is not sealed yet on top: nothing of that stays. */
static enum cp_code compare_inside(struct cp_verify *v, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	int64_t sealed[2];
	enum cp_code code;

	CP_TRY(cp_replay_sealed(v->again, sealed, err));
	code = cp_replay_unsealed(v->again, sealed, &v->out->unsealed, &why);
	CP_TRY(cp_found_or(v, "casepack.db: outbox", CP_NOW_REBUILD, code, &why, err));
	CP_TRY(cp_query_int(v->again, &v->out->drafts, 0, err, "SELECT count(*) FROM old.drafts", ""));
	CP_TRY(cp_store_hash(v->again, &v->out->hash, err));
	return cp_verify_rows(v, err);
}

static enum cp_code compare(struct cp_verify *v, struct cp_err *err)
{
	enum cp_code code;

	if (v->s == NULL || !v->is_replayed)
		return CP_OK;
	CP_TRY(attach(v, err));
	CP_TRY(take_refusals(v, err));
	CP_TRY(cp_txn_begin(v->again, err));
	code = compare_inside(v, err);
	cp_txn_rollback(v->again);
	v->out->has_state = code == CP_OK;
	CP_TRY(code);
	return cp_run(v->again, err, "DETACH old", "");
}

/* ---- all of it, in order ------------------------------------------------------------------------------- */

static enum cp_code open_again(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(v->path, CP_VERIFY_DB);

	CP_TRY(cp_memory_open(v, err));
	if (v->again != NULL)
		return CP_OK;
	cp_fresh_remove(temp);
	return cp_fresh_open(&v->again, v->path, CP_VERIFY_DB, &v->s->me, err);
}

static enum cp_code check_history(struct cp_verify *v, struct cp_err *err)
{
	CP_TRY(cp_verify_repo(v, v->s->history, "history.git", false, err));
	if (v->s->private != NULL)
		CP_TRY(cp_verify_repo(v, v->s->private, "private.git", true, err));
	CP_TRY(cp_verify_replay(v, err));
	return v->is_replayed ? cp_verify_branches(v, err) : CP_OK;
}

static enum cp_code check_checkpoints(struct cp_verify *v, struct cp_err *err)
{
	struct cp_checkpoint known = { .branch = "main", .oid = v->known };

	snprintf(known.from, sizeof known.from, "what was verified here before");
	if (*v->known.hex != '\0')
		CP_TRY(cp_verify_checkpoint(v, &known, err));
	for (size_t i = 0; i < v->ask->n_against; i++)
		CP_TRY(cp_verify_checkpoint(v, &v->ask->against[i], err));
	return CP_OK;
}

/* One that does not open, or is damaged, is looked at without its database: that is a finding of its own. */
static enum cp_code verify_closed(struct cp_verify *v, struct cp_err *err)
{
	static const char *const names[] = { "history.git", "private.git" };

	for (int i = 0; i < 2; i++) {
		CP_AUTO(str) char *path = cp_path_join(v->path, names[i]);
		struct cp_err why = { .code = CP_OK };
		struct cp_repo *r = NULL;
		enum cp_code code;

		if (!cp_file_exists(path))
			continue;
		code = cp_repo_open(&r, path, false, &why);
		CP_TRY(cp_found_or(v, names[i], CP_NOW_HISTORY, code, &why, err));
		code = r == NULL ? CP_OK : cp_verify_repo(v, r, names[i], i == 1, err);
		cp_repo_free(r);
		CP_TRY(code);
	}
	return CP_OK;
}

static enum cp_code check_without(struct cp_verify *v, struct cp_err *err)
{
	struct cp_store *s = v->s;
	enum cp_code code;

	v->s = NULL;
	code = verify_closed(v, err);
	v->s = s;
	return code;
}

static enum cp_code check_all(struct cp_verify *v, struct cp_err *err)
{
	bool is_whole = true;

	CP_TRY(cp_verify_sound(v, v->s->contents, "content.db", &is_whole, err));
	is_whole = true;
	CP_TRY(cp_verify_sound(v, v->s->db, "casepack.db", &is_whole, err));
	if (!is_whole)
		return check_without(v, err);
	CP_TRY(open_again(v, err));
	CP_TRY(cp_repo_branch(v->s->history, "main", &v->out->main, err));
	CP_TRY(check_history(v, err));
	CP_TRY(compare(v, err));
	CP_TRY(cp_verify_kept(v, err));
	CP_TRY(cp_verify_stored(v, err));
	return check_checkpoints(v, err);
}

static enum cp_code verify_open(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(v->path, CP_VERIFY_DB);
	enum cp_code code = check_all(v, err);

	if (code == CP_OK && v->out->findings == 0)
		cp_memory_keep(v);
	cp_store_close(v->again);
	v->again = NULL;
	cp_fresh_remove(temp);
	return code;
}

/* Where the database knows that branch to stand: it may have gone on, as an interruption leaves it, but not back. */
static enum cp_code compare_end(struct cp_verify *v, struct cp_repo *repo, const char *name, const char *branch, const char *known,
		bool *is_ahead, struct cp_err *err)
{
	struct cp_oid tip;
	char where[128];
	bool goes_on;

	CP_TRY(cp_repo_branch(repo, branch, &tip, err));
	if (strcmp(tip.hex, known) == 0)
		return CP_OK;
	CP_TRY(cp_repo_reaches(repo, tip.hex, known, &goes_on, err));
	*is_ahead = *is_ahead || goes_on || *known == '\0';
	snprintf(where, sizeof where, "%s: %s", name, branch);
	if (!goes_on && *known != '\0')
		cp_found(v, where, CP_NOW_HISTORY, "stands at %.12s, which does not go on from %.12s, where casepack.db stands",
				*tip.hex ? tip.hex : "nothing", known);
	return CP_OK;
}

static enum cp_code compare_mine(struct cp_verify *v, struct cp_repo *repo, const char *name, bool is_private, bool *is_ahead,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
	char branch[80], hex[CP_ID_HEX];

	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, v->s->me.replica.bytes, 16));
	CP_TRY(cp_query_text(v->s, &known, NULL, err, "SELECT oid FROM commits WHERE branch = ?1 AND is_private = ?2"
			" ORDER BY no DESC LIMIT 1", "ti", branch, (int64_t)is_private));
	return compare_end(v, repo, name, branch, known.len ? known.data : "", is_ahead, err);
}

static enum cp_code compare_ends(struct cp_verify *v, bool *is_ahead, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);

	CP_TRY(cp_meta_get(v->s, "main", &known, err));
	CP_TRY(compare_mine(v, v->s->history, "history.git", false, is_ahead, err));
	if (v->s->private != NULL)
		CP_TRY(compare_mine(v, v->s->private, "private.git", true, is_ahead, err));
	return v->s->me.is_hub ? compare_end(v, v->s->history, "history.git", "main", known.len ? known.data : "", is_ahead, err) : CP_OK;
}

/* As it is at rest. Only what an interruption left undone is done first, as any command would. */
static enum cp_code open_it(struct cp_verify *v, struct cp_err *err)
{
	bool is_ahead = false;
	enum cp_code code = cp_store_open_still(&v->s, v->path, err);

	if (code == CP_OK && cp_store_has_project(v->s))
		code = compare_ends(v, &is_ahead, err);
	if (code == CP_OK && (!is_ahead || v->out->findings > 0))
		return CP_OK;
	cp_store_close(v->s);
	v->s = NULL;
	return code == CP_OK || code == CP_EINPUT ? cp_store_open(&v->s, v->path, err) : code;
}

enum cp_code cp_verify(const char *path, const struct cp_verify_ask *ask, struct cp_verified *out, struct cp_err *err)
{
	struct cp_verify v = { .ask = ask, .out = out, .path = path };
	CP_AUTO(str) char *db = cp_path_join(path, "casepack.db");
	struct cp_err why = { .code = CP_OK };
	enum cp_code code;

	memset(out, 0, sizeof *out);
	code = open_it(&v, &why);
	if (code == CP_EBUSY || (code == CP_ENOTFOUND && !cp_file_exists(db)))
		return cp_fail(err, code, "%s", why.text);
	if (code != CP_OK) {
		cp_found(&v, "casepack.db", "`casepack rebuild` makes it again from what is whole", "the workspace does not open: %s", why.text);
		return verify_closed(&v, err);
	}
	code = cp_store_has_project(v.s) ? verify_open(&v, err)
		: cp_fail(err, CP_EINPUT, "%s: is of no project yet; there is nothing to verify", path);
	cp_store_close(v.s);
	return code;
}

struct first { char text[1024]; };

static void keep_first(void *user, const struct cp_finding *f)
{
	struct first *first = user;

	if (*first->text == '\0')
		snprintf(first->text, sizeof first->text, "%s: %s; %s", f->where, f->what, f->now);
}

enum cp_code cp_verify_store(struct cp_store *s, struct cp_verified *out, struct cp_err *err)
{
	struct first first = { "" };
	struct cp_verify_ask ask = { .is_full = true, .visit = keep_first, .user = &first };
	struct cp_verify v = { .ask = &ask, .out = out, .path = s->path, .s = s };

	memset(out, 0, sizeof *out);
	CP_TRY(verify_open(&v, err));
	return out->findings == 0 ? CP_OK : cp_fail(err, CP_ETRUST, "%s: %s", s->path, first.text);
}
