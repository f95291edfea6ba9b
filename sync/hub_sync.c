/* Hubs meet at a git remote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/file.h"
#include "sync/change.h"
#include "sync/erase.h"
#include "sync/inner.h"
#include "sync/meeting.h"
#include "sync/remote.h"
#include "sync/seal.h"

#define TRIES 8
#define NOWHERE "0000000000000000000000000000000000000000"

struct syncing {
	struct cp_store *s;
	const char *place;
	struct cp_repo *scratch;
	struct cp_tips there;        /* branches of the remote, and where they will be; NOWHERE: its name is taken, no more */
	const char *at;              /* the branch that is being taken in, and answers for what fails */
	struct cp_tips push;
	struct cp_meeting meeting;
	char mine[80];               /* hub/<me> */
	struct cp_synced *out;
};

bool cp_remote_looks_like(const char *place)
{
	return cp_remote_is_place(place);
}

/* ---- what cannot be believed -------------------------------------------------------------- */

static bool is_there(const struct cp_tip *t, const char *kind)
{
	return strncmp(t->name, kind, strlen(kind)) == 0 && strcmp(t->oid.hex, NOWHERE) != 0;
}

static enum cp_code pass_over(struct syncing *y, const char *branch, const char *why, struct cp_err *err)
{
	struct cp_synced *out = y->out;
	struct cp_passed *p = &out->passed[out->n_passed];

	if (out->n_passed == CP_PASSED_MAX)
		return cp_fail(err, CP_EFORMAT, "more than %d branches there cannot be believed, %s among them", CP_PASSED_MAX, branch);
	snprintf(p->branch, sizeof p->branch, "%s", branch);
	snprintf(p->why, sizeof p->why, "%.310s", why);
	out->n_passed++;
	for (size_t i = 0; i < y->there.n; i++)
		if (strcmp(y->there.list[i].name, p->branch) == 0)
			snprintf(y->there.list[i].oid.hex, sizeof y->there.list[i].oid.hex, "%s", NOWHERE);
	return CP_OK;
}

/* The fault of what stands there, not of this machine? */
static bool is_its_fault(enum cp_code code)
{
	return code == CP_ETRUST || code == CP_EFORMAT || code == CP_ENOTFOUND || code == CP_EINPUT;
}

/* Each must end in a commit; main is looked at when its turn comes. */
static enum cp_code check_tips(struct syncing *y, struct cp_err *err)
{
	for (size_t i = 0; i < y->there.n; i++) {
		struct cp_err why = { .code = CP_OK };
		struct cp_commit c = { 0 };
		enum cp_code code = cp_repo_read_commit(y->scratch, y->there.list[i].oid.hex, &c, &why);

		cp_commit_drop(&c);
		if (code != CP_OK && !is_its_fault(code))
			return cp_fail(err, code, "%s", why.text);
		if (code != CP_OK && strcmp(y->there.list[i].name, "main") != 0)
			CP_TRY(pass_over(y, y->there.list[i].name, "ends in nothing that casepack wrote", err));
	}
	return CP_OK;
}

/* Names that no branch can get there, since another is in a folder of that name. */
static enum cp_code note_blocked(struct syncing *y, const struct cp_tips *blocked, struct cp_err *err)
{
	for (size_t i = 0; i < blocked->n; i++)
		CP_TRY(cp_tips_add(&y->there, blocked->list[i].name, NOWHERE, err));
	return CP_OK;
}

/* The end of a device's line that no main here speaks of: under way, if that device signed it. */
static enum cp_code check_writer(struct syncing *y, const struct cp_tip *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_COMMIT_MAX);
	struct cp_change_commit c;
	char hex[CP_ID_HEX];
	enum cp_code code;

	CP_TRY(cp_repo_read(y->scratch, t->oid.hex, "commit", &bytes, err));
	memset(&c, 0, sizeof c);
	CP_TRY(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	code = strncmp(t->name + strlen("replica/"), cp_hex(hex, c.replica.bytes, sizeof c.replica.bytes), 32) == 0 ? CP_OK
		: cp_fail(err, CP_ETRUST, "commit %.12s is by another device", t->oid.hex);
	if (code == CP_OK)
		code = cp_believe_key(y->s, &c.replica, &c.commit, t->oid.hex, err);
	cp_change_commit_drop(&c);
	return code;
}

/* Nothing is taken from these branches but what a main accepts; yet who keeps the place should know. */
static enum cp_code check_writers(struct syncing *y, struct cp_err *err)
{
	for (size_t i = 0; i < y->there.n; i++) {
		const struct cp_tip *t = &y->there.list[i];
		struct cp_err why = { .code = CP_OK };
		enum cp_code code;

		if (!is_there(t, "replica/") || cp_repo_has(y->s->history, t->oid.hex))
			continue;
		code = check_writer(y, t, &why);
		if (code != CP_OK && !is_its_fault(code))
			return cp_fail(err, code, "%s", why.text);
		if (code != CP_OK)
			CP_TRY(pass_over(y, t->name, why.text, err));
	}
	return CP_OK;
}

/* ---- taking in ------------------------------------------------------------------------------ */

static enum cp_code notice(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	bool *speaks = user;

	(void)oid;
	(void)err;
	*speaks = *speaks || cp_meeting_speaks(c);
	return CP_OK;
}

/* Has our main anything to say that theirs does not have? */
static enum cp_code have_news_for(struct syncing *y, const char *theirs, bool *out, struct cp_err *err)
{
	struct cp_oid hide;

	*out = false;
	snprintf(hide.hex, sizeof hide.hex, "%s", theirs);
	if (*y->meeting.main.hex == '\0')
		return CP_OK;
	return cp_repo_walk_all(y->scratch, y->meeting.main.hex, &hide, 1, notice, out, err);
}

/* The main that stands at the remote. */
static enum cp_code take_joined(struct syncing *y, struct cp_err *err)
{
	const char *tip = cp_tips_find(&y->there, "main");
	bool is_held, news, ours;

	if (tip == NULL)
		return CP_OK;
	CP_TRY(cp_meeting_take(&y->meeting, tip, &news, err));
	CP_TRY(cp_repo_reaches(y->scratch, y->meeting.main.hex, tip, &is_held, err));
	if (is_held)
		return CP_OK;
	CP_TRY(have_news_for(y, tip, &ours, err));
	if (news || ours)
		return cp_meeting_join(&y->meeting, tip, true, err);
	return cp_meeting_yield(&y->meeting, tip, err);
}

/* Without the number of its line: which number a line has is each repository's own. */
static void plain_name(const char *name, char out[80])
{
	const char *dot = strchr(name, '.');

	snprintf(out, 80, "%.*s", (int)(dot ? (size_t)(dot - name) : strlen(name)), name);
}

/* A hub's own main may say more than what was joined. */
static enum cp_code take_hubs(struct syncing *y, struct cp_err *err)
{
	for (size_t i = 0; i < y->there.n; i++) {
		const struct cp_tip *t = &y->there.list[i];
		char plain[80];
		bool is_held, news;

		if (!is_there(t, "hub/"))
			continue;
		y->at = t->name;
		plain_name(t->name, plain);
		CP_TRY(cp_repo_reaches(y->scratch, y->meeting.main.hex, t->oid.hex, &is_held, err));
		if (!is_held) {
			CP_TRY(cp_meeting_take(&y->meeting, t->oid.hex, &news, err));
			if (news)
				CP_TRY(cp_meeting_join(&y->meeting, t->oid.hex, false, err));
		}
		if (strcmp(plain, y->mine) != 0)
			CP_TRY(cp_meeting_note(&y->meeting, plain, t->oid.hex, err));
	}
	return CP_OK;
}

static enum cp_code take_outbound(struct syncing *y, struct cp_err *err)
{
	for (size_t i = 0; i < y->there.n; i++) {
		const struct cp_tip *t = &y->there.list[i];

		if (!is_there(t, "outbound/"))
			continue;
		y->at = t->name;
		CP_TRY(cp_meeting_outbound(&y->meeting, t->name, t->oid.hex, err));
	}
	return CP_OK;
}

static enum cp_code take_all(struct syncing *y, struct cp_merged *merged, struct cp_err *err)
{
	y->at = NULL;
	CP_TRY(cp_meeting_begin(&y->meeting, y->s, y->scratch, err));
	CP_TRY(take_joined(y, err));
	CP_TRY(take_hubs(y, err));
	CP_TRY(take_outbound(y, err));
	y->at = NULL;
	return cp_meeting_end(&y->meeting, merged, err);
}

static enum cp_code take_in(struct syncing *y, struct cp_err *err)
{
	struct cp_merged merged = { .commits = 0 };
	enum cp_code code;

	CP_TRY(cp_txn_begin(y->s, err));
	code = take_all(y, &merged, err);
	if (code != CP_OK) {
		cp_txn_rollback(y->s);
		cp_repo_forget(y->s->history);
	} else {
		y->out->commits += merged.commits;
		y->out->edits += merged.edits;
		y->out->refused += merged.refused;
		y->out->waiting = merged.waiting;
		y->out->conflicts = merged.conflicts;
		y->out->disputed += y->meeting.belief.disputed;
		y->out->is_joined = y->out->is_joined || y->meeting.is_joined;
	}
	cp_meeting_drop(&y->meeting);
	return code;
}

/* A branch that cannot be believed is passed over whole: all is undone, and taken in without it. */
static enum cp_code take_in_what_can_be(struct syncing *y, struct cp_err *err)
{
	for (;;) {
		struct cp_err why = { .code = CP_OK };
		enum cp_code code = take_in(y, &why);

		if (code == CP_OK)
			return check_writers(y, err);
		if (!is_its_fault(code))
			return cp_fail(err, code, "%s", why.text);
		if (y->at == NULL)
			return cp_fail(err, code, "main: %s; nothing was taken in", why.text);
		CP_TRY(pass_over(y, y->at, why.text, err));
	}
}

/* ---- giving ----------------------------------------------------------------------------------- */

/* Where that commit goes there, if it has to go anywhere. */
static enum cp_code plan_branch(struct syncing *y, const char *name, const char *oid, struct cp_err *err)
{
	struct cp_tip line;

	CP_TRY(cp_repo_line(y->scratch, &y->there, name, oid, &line, err));
	if (*line.name == '\0')
		return CP_OK;
	CP_TRY(cp_tips_add(&y->push, line.name, oid, err));
	for (size_t i = 0; i < y->there.n; i++)
		if (strcmp(y->there.list[i].name, line.name) == 0) {
			y->there.list[i].oid = line.oid;
			return CP_OK;
		}
	return cp_tips_add(&y->there, line.name, oid, err);
}

static enum cp_code plan_branches(struct syncing *y, const char *prefix, struct cp_err *err)
{
	struct cp_tips tips = { 0 };
	enum cp_code code = cp_repo_branches(y->s->history, prefix, &tips, err);

	for (size_t i = 0; code == CP_OK && i < tips.n; i++) {
		char name[80];

		plain_name(tips.list[i].name, name);
		code = plan_branch(y, name, tips.list[i].oid.hex, err);
	}
	cp_tips_drop(&tips);
	return code;
}

static enum cp_code plan(struct syncing *y, struct cp_err *err)
{
	const char *stands = cp_tips_find(&y->there, "main");
	struct cp_oid main, there;
	bool grows = true;

	snprintf(there.hex, sizeof there.hex, "%s", stands ? stands : "");
	CP_TRY(cp_repo_refresh(y->scratch, err));
	CP_TRY(plan_branches(y, "replica/", err));
	CP_TRY(plan_branches(y, "outbound/", err));
	CP_TRY(cp_repo_branch(y->s->history, "main", &main, err));
	if (*main.hex == '\0')
		return CP_OK;
	CP_TRY(plan_branch(y, y->mine, main.hex, err));
	if (strcmp(there.hex, main.hex) == 0)
		return CP_OK;
	if (*there.hex != '\0')
		CP_TRY(cp_repo_reaches(y->scratch, main.hex, there.hex, &grows, err));
	return grows ? cp_tips_add(&y->push, "main", main.hex, err) : CP_OK; /* else both say the same: each keeps its own */
}

static enum cp_code give(struct syncing *y, struct cp_err *err)
{
	CP_TRY(plan(y, err));
	if (y->push.n == 0)
		return CP_OK;
	CP_TRY(cp_remote_push(y->scratch, y->place, &y->push, err));
	y->out->pushed += (int64_t)y->push.n;
	return cp_meta_set(y->s, "unseen_joins", "", 0, err); /* somebody sees them now */
}

/* ---- again and again ----------------------------------------------------------------------------- */

static enum cp_code once(struct cp_store *s, const char *place, struct cp_synced *out, struct cp_err *err)
{
	struct syncing y = { .s = s, .place = place, .out = out };
	struct cp_strangers strangers = { .n = 0 };
	char hex[CP_ID_HEX];
	enum cp_code code;

	snprintf(y.mine, sizeof y.mine, "hub/%s", cp_hex(hex, s->me.replica.bytes, 16));
	code = cp_meeting_scratch(s, &y.scratch, err);
	if (code == CP_OK)
		code = cp_remote_fetch(y.scratch, place, &strangers, err);
	if (code == CP_OK)
		code = cp_repo_branches(y.scratch, "", &y.there, err);
	out->n_passed = 0; /* of an earlier try */
	out->strangers = strangers.n;
	snprintf(out->stranger_names, sizeof out->stranger_names, "%s", strangers.names);
	if (code == CP_OK)
		code = check_tips(&y, err);
	if (code == CP_OK)
		code = note_blocked(&y, &strangers.blocked, err);
	if (code == CP_OK)
		code = take_in_what_can_be(&y, err);
	if (code == CP_OK)
		code = give(&y, err);
	cp_repo_scratch_end(y.scratch);
	cp_strangers_drop(&strangers);
	cp_tips_drop(&y.there);
	cp_tips_drop(&y.push);
	return code;
}

/* Two that were at it at the same moment should not meet again. */
static void wait_a_little(int tries)
{
	const long ms = (long)randombytes_uniform(50u << tries) + 10;
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* A workspace's own history.git is its workspace's alone. */
static enum cp_code check_place(const char *place, struct cp_err *err)
{
	CP_AUTO(str) char *beside = cp_path_join(place, "../casepack.db");

	return cp_file_exists(beside) ? cp_fail(err, CP_EINPUT, "%s: belongs to a workspace; make a bare repository for hubs to meet in"
			" (`git init --bare -b main FOLDER`)", place) : CP_OK;
}

enum cp_code cp_hub_sync(struct cp_store *s, const char *place, struct cp_synced *out, struct cp_err *err)
{
	const struct cp_seckey *key;
	enum cp_code code = CP_EBUSY;

	memset(out, 0, sizeof *out);
	if (!s->me.is_hub || s->private == NULL || s->me.role != CP_LEAD)
		return cp_fail(err, CP_EINPUT, "%s: a git remote is for leads' hubs, since whoever can fetch from it sees everybody's work;"
				" name a folder", place);
	CP_TRY(check_place(place, err));
	CP_TRY(cp_store_key(s, &key, err));
	CP_TRY(cp_seal(s, NULL, err));
	for (int i = 0; i < TRIES && code == CP_EBUSY; i++) {
		if (i > 0)
			wait_a_little(i);
		code = once(s, place, out, err);
	}
	if (code == CP_OK)
		code = cp_erase_due(s, &out->erased, err);
	if (code == CP_OK)
		code = cp_hub_missing(s, &out->missing, err);
	if (code == CP_ETRUST || code == CP_EFORMAT)
		return err == NULL ? code : cp_fail_at(err, "%s", place);
	return code;
}
