/* Judgments and decisions of every case, newest first. */
#include <stdlib.h>
#include <string.h>

#include "sync/inner.h"
#include "sync/story_inner.h"

/* Documents that one commit, or outbox row, wrote; whose they are, and of which case. */
struct wrote { size_t table; struct cp_id id; char whom[64], case_name[128]; };
struct telling { struct cp_store *s; const struct cp_story_filter *f; int64_t told, max; cp_event_visit *visit; void *user; };

static const char wrote_sql[] =
	"SELECT DISTINCT e.tbl, e.doc, coalesce(p.pseudonym, ''), coalesce(c.name, '') FROM edits e"
	" LEFT JOIN stale_settlements t ON e.tbl = 14 AND t.id = e.doc LEFT JOIN adjudications f ON e.tbl = 9 AND f.id = e.doc"
	" LEFT JOIN assignments a ON a.id = coalesce(t.judgment, e.doc) LEFT JOIN cases c ON c.id = coalesce(f.case_id, a.case_id)"
	" LEFT JOIN persons p ON p.id = a.person WHERE e.commit_no = ?1 AND e.tbl IN (9, 10, 11, 14)";
_Static_assert(CP_T_ADJUDICATIONS == 9 && CP_T_SETTLEMENTS == 10 && CP_T_JUDGMENTS == 11 && CP_T_STALE_SETTLEMENTS == 14,
		"the numbers stand in wrote_sql");

static enum cp_code documents_of(struct cp_store *s, int64_t no, struct wrote **out, size_t *n, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row;

	CP_TRY(cp_query(s, &q, err, wrote_sql, "i", no));
	for (size_t room = 0;;) {
		struct wrote *w;

		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		if (*n == room) {
			room = room * 2 + 64;
			*out = reallocarray(*out, room, sizeof **out);
			if (*out == NULL)
				abort();
		}
		w = &(*out)[(*n)++];
		w->table = (size_t)sqlite3_column_int(q, 0);
		cp_col_id(q, 1, &w->id);
		snprintf(w->whom, sizeof w->whom, "%s", cp_col_text(q, 2));
		snprintf(w->case_name, sizeof w->case_name, "%s", cp_col_text(q, 3));
	}
}

/* The last edit of a commit first. */
static int by_clock_down(const void *a, const void *b)
{
	const struct cp_story *x = a, *y = b;
	int64_t s = x->n ? x->list[0].by.claimed_us : 0, t = y->n ? y->list[0].by.claimed_us : 0;

	return s != t ? (s < t) - (s > t) : strcmp(x->case_name, y->case_name);
}

static enum cp_code tell_stories(struct telling *k, struct cp_story *list, size_t n, struct cp_err *err)
{
	if (n > 0)
		qsort(list, n, sizeof *list, by_clock_down);
	for (size_t d = 0; d < n; d++)
		for (size_t i = list[d].n; i > 0; i--) {
			bool told;

			if (k->max > 0 && k->told == k->max)
				return CP_OK;
			CP_TRY(cp_story_visit(&list[d], &list[d].list[i - 1], k->f, &told, k->visit, k->user, err));
			k->told += told;
		}
	return CP_OK;
}

static enum cp_code tell_commit(struct telling *k, int64_t no, struct cp_err *err)
{
	struct wrote *docs = NULL;
	struct cp_story *stories;
	size_t n = 0;
	enum cp_code code = documents_of(k->s, no, &docs, &n, err);

	stories = calloc(n + 1, sizeof *stories);
	if (stories == NULL)
		abort();
	for (size_t i = 0; code == CP_OK && i < n; i++) {
		stories[i].s = stories[i].attests.s = k->s;
		memcpy(stories[i].case_name, docs[i].case_name, sizeof docs[i].case_name);
		code = cp_story_document(&stories[i], docs[i].table, &docs[i].id, docs[i].whom, no, err);
		cp_story_sort(&stories[i]);
	}
	if (code == CP_OK)
		code = tell_stories(k, stories, n, err);
	for (size_t i = 0; i < n; i++)
		cp_story_drop(&stories[i]);
	free(stories);
	free(docs);
	return code;
}

/* A commit that was made and taken in before is passed over unread. */
static const char commits_sql[] =
	"SELECT no FROM (SELECT -seq AS no, 1 AS is_new, seq AS n FROM outbox WHERE is_private = 0 AND at_us >= ?1"
	" UNION ALL SELECT no, 0, no FROM commits WHERE verdict = 'accepted' AND is_private = 0 AND (claimed_us >= ?1 OR received_us >= ?1))"
	" ORDER BY is_new DESC, n DESC";

enum cp_code cp_log_all(struct cp_store *s, const struct cp_story_filter *f, int64_t max, cp_event_visit *visit, void *user,
		struct cp_err *err)
{
	struct telling k = { s, f, 0, max, visit, user };
	CP_AUTO(buf) struct cp_buf list = CP_BUF((size_t)1 << 31);
	sqlite3_stmt *q;
	bool row = true;
	int64_t no;

	CP_TRY(cp_query(s, &q, err, commits_sql, "i", f->since_us));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			break;
		no = sqlite3_column_int64(q, 0);
		CP_TRY(cp_buf_add(&list, &no, sizeof no, err));
	}
	for (size_t i = 0; i < list.len && (max == 0 || k.told < max); i += sizeof no) {
		memcpy(&no, list.data + i, sizeof no);
		CP_TRY(tell_commit(&k, no, err));
	}
	return CP_OK;
}
