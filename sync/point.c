#include "sync/point.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/text.h"
#include "sync/inner.h"

/* ---- a commit by its name ---------------------------------------------------------------------- */

bool cp_named_may_be(const char *word)
{
	size_t n = strlen(word);

	return n >= 4 && n <= 40 && strspn(word, "0123456789abcdefABCDEF") == n;
}

/* Two are enough to see that several begin so. */
struct candidates { struct cp_named list[2]; size_t n; };

static struct cp_named *add_candidate(struct candidates *c, const char *oid)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i].oid.hex, oid) == 0)
			return NULL;
	if (c->n == 2)
		return NULL;
	memset(&c->list[c->n], 0, sizeof c->list[c->n]);
	snprintf(c->list[c->n].oid.hex, sizeof c->list->oid.hex, "%s", oid);
	return &c->list[c->n++];
}

static enum cp_code find_known(struct cp_store *s, const char *digits, struct candidates *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT oid, verdict, is_private FROM commits WHERE oid >= ?1 AND oid < ?1 || 'g' UNION ALL"
			" SELECT oid, 'waiting', 0 FROM waiting WHERE oid >= ?1 AND oid < ?1 || 'g' LIMIT 3", "t", digits));
	for (;;) {
		struct cp_named *c;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		c = add_candidate(out, cp_col_text(q, 0));
		if (c == NULL)
			continue;
		c->kind = CP_NAMED_CHANGE;
		c->is_known = true;
		snprintf(c->verdict, sizeof c->verdict, "%s", cp_col_text(q, 1));
		c->is_private = sqlite3_column_int(q, 2) != 0;
	}
}

static bool says(const struct cp_commit *c, const char *line)
{
	return strstr(c->message, line) != NULL;
}

static enum cp_code find_in_history(struct cp_store *s, const char *digits, struct candidates *out, struct cp_err *err)
{
	struct cp_oid found[3];
	size_t n;

	CP_TRY(cp_repo_named(s->history, digits, found, 3, &n, err));
	for (size_t i = 0; i < n; i++) {
		CP_AUTO(commit) struct cp_commit c = { 0 };
		struct cp_named *named = add_candidate(out, found[i].hex);

		if (named == NULL)
			continue;
		CP_TRY(cp_repo_read_commit(s->history, found[i].hex, &c, err));
		named->kind = says(&c, "\nCasepack-Outbound: ") ? CP_NAMED_OUTBOUND : says(&c, "\nCasepack-Changeset: ")
			? CP_NAMED_CHANGE : CP_NAMED_MAIN;
	}
	return CP_OK;
}

enum cp_code cp_named_find(struct cp_store *s, const char *word, struct cp_named *out, struct cp_err *err)
{
	struct candidates found = { .n = 0 };
	char digits[41];

	snprintf(digits, sizeof digits, "%s", word);
	for (char *p = digits; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (cp_named_may_be(word)) {
		CP_TRY(find_known(s, digits, &found, err));
		CP_TRY(find_in_history(s, digits, &found, err));
	}
	if (found.n > 1)
		return cp_fail(err, CP_EINPUT, "%s: several commits begin so, %.12s and %.12s; give more digits", digits,
				found.list[0].oid.hex, found.list[1].oid.hex);
	if (found.n == 0)
		return cp_fail(err, CP_ENOTFOUND, "%s: no commit of that name", digits);
	*out = found.list[0];
	return CP_OK;
}

/* ---- times ----------------------------------------------------------------------------------------- */

/* That many digits; the text goes on behind them. */
static bool digits(const char **text, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, ++*text) {
		if (!isdigit((unsigned char)**text))
			return false;
		*out = *out * 10 + (**text - '0');
	}
	return true;
}

static bool sign(const char **text, char c)
{
	return **text == c && (++*text, true);
}

static bool read_day(const char **text, struct tm *t)
{
	return digits(text, 4, &t->tm_year) && sign(text, '-') && digits(text, 2, &t->tm_mon) && sign(text, '-')
		&& digits(text, 2, &t->tm_mday) && (t->tm_year -= 1900, t->tm_mon -= 1, true);
}

/* Behind the day: HH:MM, seconds or none, a fraction that does not matter. Without seconds the minute's end is meant. */
static bool read_clock(const char **text, struct tm *t)
{
	if (!digits(text, 2, &t->tm_hour) || !sign(text, ':') || !digits(text, 2, &t->tm_min))
		return false;
	t->tm_sec = 59;
	if (sign(text, ':') && !digits(text, 2, &t->tm_sec))
		return false;
	if (sign(text, '.') || sign(text, ','))
		*text += strspn(*text, "0123456789");
	return t->tm_hour < 24 && t->tm_min < 60 && t->tm_sec <= 60;
}

static bool read_zone(const char **text, int *seconds)
{
	int hours, minutes, direction = **text == '-' ? 1 : -1; /* to UTC */

	*seconds = 0;
	if (**text == '\0')
		return true;
	if (sign(text, 'Z') || sign(text, 'z'))
		return **text == '\0';
	++*text;
	if ((*text)[-1] != '+' && (*text)[-1] != '-')
		return false;
	if (!digits(text, 2, &hours) || !sign(text, ':') || !digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = direction * (hours * 3600 + minutes * 60);
	return **text == '\0';
}

static bool read_time(const char *text, int64_t *out)
{
	struct tm t = { .tm_hour = 23, .tm_min = 59, .tm_sec = 59 }, same;
	int zone = 0;
	time_t at;

	if (!read_day(&text, &t))
		return false;
	same = t;
	same.tm_hour = 12;
	at = timegm(&same);
	if (at < 0 || same.tm_mday != t.tm_mday || same.tm_mon != t.tm_mon) /* the 30th of February */
		return false;
	if (*text != '\0' && !(sign(&text, 'T') || sign(&text, 't') || sign(&text, ' ')))
		return false;
	if (text[-1] == 'T' || text[-1] == 't' || text[-1] == ' ')
		if (!read_clock(&text, &t) || !read_zone(&text, &zone))
			return false;
	*out = (int64_t)timegm(&t) + zone;
	return true;
}

/* ---- on main --------------------------------------------------------------------------------------- */

static void set(struct cp_point *out, const char *oid, const struct cp_commit *c)
{
	snprintf(out->oid.hex, sizeof out->oid.hex, "%s", oid);
	out->tree = c->tree;
	out->at_us = c->committer.seconds * 1000000;
}

static enum cp_code load(struct cp_store *s, const char *oid, struct cp_point *out, struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit c = { 0 };

	CP_TRY(cp_repo_read_commit(s->history, oid, &c, err));
	set(out, oid, &c);
	return CP_OK;
}

struct until { int64_t seconds, first; struct cp_point *out; };

static enum cp_code received_until(void *user, const char *oid, const struct cp_commit *c, bool *is_enough, struct cp_err *err)
{
	struct until *u = user;

	(void)err;
	u->first = c->committer.seconds;
	*is_enough = u->first <= u->seconds;
	if (*is_enough)
		set(u->out, oid, c);
	return CP_OK;
}

static enum cp_code find_time(struct cp_store *s, const char *tip, const char *name, int64_t seconds, struct cp_point *out,
		struct cp_err *err)
{
	struct until u = { seconds, 0, out };
	char day[32];
	time_t first;

	out->oid.hex[0] = '\0';
	CP_TRY(cp_repo_back(s->history, tip, received_until, &u, err));
	if (out->oid.hex[0] != '\0')
		return CP_OK;
	first = (time_t)u.first;
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%SZ", gmtime(&first));
	return cp_fail(err, CP_ENOTFOUND, "%s: history begins later, with a commit of %s", name, day);
}

struct before { int64_t left; struct cp_point *out; };

static enum cp_code step_back(void *user, const char *oid, const struct cp_commit *c, bool *is_enough, struct cp_err *err)
{
	struct before *b = user;

	(void)err;
	*is_enough = b->left-- == 0;
	if (*is_enough)
		set(b->out, oid, c);
	return CP_OK;
}

static enum cp_code go_back(struct cp_store *s, const char *name, int64_t n, struct cp_point *p, struct cp_err *err)
{
	struct before b = { n, p };
	struct cp_oid from = p->oid;

	p->oid.hex[0] = '\0';
	CP_TRY(cp_repo_back(s->history, from.hex, step_back, &b, err));
	return p->oid.hex[0] != '\0' ? CP_OK : cp_fail(err, CP_ENOTFOUND, "%s: %.12s has only %" PRId64 " commits before it", name,
			from.hex, n - b.left - 1);
}

/* ---- who took a change commit in -------------------------------------------------------------------- */

struct taking_in { const char *oid; bool is_refused; int64_t seconds[16]; size_t n; struct cp_point *out; };

static bool names(const struct taking_in *t, const struct cp_commit *c)
{
	const char *text;
	size_t len, n = strlen(t->oid);

	for (size_t i = 0; cp_commit_trailer(c, "Change-commit", i, &text, &len); i++)
		if (len > n + 1 && memcmp(text, t->oid, n) == 0 && (strncmp(text + n, " refused ", 9) == 0) == t->is_refused)
			return true;
	return false;
}

static bool is_taker(const struct taking_in *t, const struct cp_commit *c)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->seconds[i] == c->committer.seconds)
			return names(t, c);
	return false;
}

static enum cp_code see_taker(void *user, const char *oid, const struct cp_commit *c, bool *is_enough, struct cp_err *err)
{
	struct taking_in *t = user;

	(void)err;
	*is_enough = is_taker(t, c);
	if (*is_enough)
		set(t->out, oid, c);
	return CP_OK;
}

static enum cp_code see_any_taker(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	const struct taking_in *t = user;

	(void)err;
	if (t->out->oid.hex[0] == '\0' && is_taker(t, c))
		set(t->out, oid, c);
	return CP_OK;
}

/* When each hub gave that verdict: a commit of main is written then. */
static enum cp_code when_taken(struct cp_store *s, struct taking_in *t, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, "SELECT received_us / 1000000 FROM verdicts WHERE oid = ?1 AND (verdict = 'refused') = ?2 LIMIT 16",
			"ti", t->oid, (int64_t)t->is_refused));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		t->seconds[t->n++] = sqlite3_column_int64(q, 0);
	}
}

enum cp_code cp_point_of_change(struct cp_store *s, const char *oid, const char *verdict, struct cp_point *out, struct cp_err *err)
{
	struct taking_in t = { .oid = oid, .is_refused = strcmp(verdict, "refused") == 0, .out = out };
	struct cp_oid tip;

	out->oid.hex[0] = '\0';
	CP_TRY(when_taken(s, &t, err));
	CP_TRY(cp_repo_branch(s->history, "main", &tip, err));
	if (t.n == 0 || tip.hex[0] == '\0')
		return CP_OK;
	CP_TRY(cp_repo_back(s->history, tip.hex, see_taker, &t, err));
	return out->oid.hex[0] != '\0' ? CP_OK : cp_repo_walk_all(s->history, tip.hex, NULL, 0, see_any_taker, &t, err);
}

static enum cp_code find_change(struct cp_store *s, const struct cp_named *c, struct cp_point *out, struct cp_err *err)
{
	if (c->kind == CP_NAMED_OUTBOUND)
		return cp_fail(err, CP_ENOTFOUND, "%.12s gave material to a device: it is no point of main", c->oid.hex);
	if (c->is_private)
		return cp_fail(err, CP_ENOTFOUND, "%.12s is private: no commit of main speaks of it", c->oid.hex);
	if (!c->is_known || strcmp(c->verdict, "accepted") != 0)
		return cp_fail(err, CP_ENOTFOUND, "change commit %.12s %s: main never took it in", c->oid.hex,
				!c->is_known ? "is unknown" : strcmp(c->verdict, "waiting") == 0 ? "waits" : "was refused");
	CP_TRY(cp_point_of_change(s, c->oid.hex, c->verdict, out, err));
	return out->oid.hex[0] != '\0' ? CP_OK : cp_fail(err, CP_ENOTFOUND, "change commit %.12s: no commit of main names it",
			c->oid.hex);
}

/* ---- any of these -------------------------------------------------------------------------------------- */

static enum cp_code find_commit(struct cp_store *s, const char *tip, const char *name, struct cp_point *out, struct cp_err *err)
{
	struct cp_named named;
	bool is_on_main;

	CP_TRY(cp_named_find(s, name, &named, err));
	if (named.kind != CP_NAMED_MAIN)
		return find_change(s, &named, out, err);
	CP_TRY(cp_repo_reaches(s->history, tip, named.oid.hex, &is_on_main, err));
	return is_on_main ? load(s, named.oid.hex, out, err)
		: cp_fail(err, CP_ENOTFOUND, "%.12s: is a commit that main does not reach", named.oid.hex);
}

static enum cp_code find_base(struct cp_store *s, const char *tip, const char *name, struct cp_point *out, struct cp_err *err)
{
	char shown[CP_QUOTE];
	int64_t seconds;

	if (strcmp(name, "now") == 0 || strcmp(name, "main") == 0)
		return load(s, tip, out, err);
	if (read_time(name, &seconds))
		return find_time(s, tip, name, seconds, out, err);
	if (cp_named_may_be(name))
		return find_commit(s, tip, name, out, err);
	return cp_fail(err, CP_EUSAGE, "%s: is neither a commit (4 to 40 hex digits) nor a day or time (2026-03-01, 2026-03-01T14:05:09Z)",
			cp_text_quote(shown, name, strlen(name)));
}

/* "~" and a number at the end; *n 0 when there is none. */
static bool split(const char *name, char *base, size_t size, int64_t *n)
{
	const char *tilde = strrchr(name, '~');
	size_t len = tilde == NULL ? strlen(name) : (size_t)(tilde - name);

	*n = tilde == NULL ? 0 : tilde[1] == '\0' ? 1 : strtoll(tilde + 1, NULL, 10);
	snprintf(base, size, "%.*s", (int)(len < size ? len : size - 1), name);
	return len < size && (tilde == NULL || (strspn(tilde + 1, "0123456789") == strlen(tilde + 1) && strlen(tilde + 1) < 10));
}

enum cp_code cp_point_find(struct cp_store *s, const char *name, struct cp_point *out, struct cp_err *err)
{
	char base[128], shown[CP_QUOTE];
	struct cp_oid tip;
	int64_t n;

	CP_TRY(cp_repo_branch(s->history, "main", &tip, err));
	if (tip.hex[0] == '\0' || s->me.is_relay)
		return cp_fail(err, CP_EINPUT, "%s has no main of its project: a point of history is asked for at a lead's hub", s->path);
	if (!split(name, base, sizeof base, &n))
		return cp_fail(err, CP_EUSAGE, "%s: is no point of history", cp_text_quote(shown, name, strlen(name)));
	CP_TRY(find_base(s, tip.hex, base, out, err));
	return n == 0 ? CP_OK : go_back(s, name, n, out, err);
}
