#include "sync/missing.h"

#include <stdio.h>
#include <string.h>

#include "formats/file.h"
#include "sync/content.h"
#include "sync/erase.h"
#include "sync/inner.h"

struct looking { struct cp_store *s; struct cp_missing *out; cp_missing_visit *visit; void *user; };

static enum cp_code look_for_contents(struct looking *k, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row, has;

	CP_TRY(cp_query(k->s, &q, err, "SELECT content, name FROM cases WHERE state <> 'forgotten' AND id NOT IN (SELECT case_id FROM erased)"
			" ORDER BY name", ""));
	for (;;) {
		char what[512];
		struct cp_hash hash;

		CP_TRY(cp_step(k->s, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_hash(q, 0, &hash);
		CP_TRY(cp_content_has(k->s, &hash, &has, err));
		if (has)
			continue;
		k->out->contents++;
		snprintf(what, sizeof what, "content of case %.200s", cp_col_text(q, 1));
		if (k->visit != NULL)
			k->visit(k->user, what);
	}
}

static enum cp_code look_for_media(void *user, const struct cp_hash *hash, const char *doc, size_t len, struct cp_err *err)
{
	struct looking *k = user;

	(void)hash, (void)err;
	for (const char *at = doc; (at = cp_media_next(at, doc + len)) != NULL; at += CP_MEDIA_NAME) {
		char path[4096], what[128];

		snprintf(what, sizeof what, "media/%.2s/%.64s", at, at);
		snprintf(path, sizeof path, "%s/%s", k->s->path, what);
		if (cp_file_exists(path))
			continue;
		k->out->media++;
		if (k->visit != NULL)
			k->visit(k->user, what);
	}
	return CP_OK;
}

enum cp_code cp_missing_find(struct cp_store *s, struct cp_missing *out, cp_missing_visit *visit, void *user, struct cp_err *err)
{
	struct looking k = { s, out, visit, user };

	*out = (struct cp_missing){ 0 };
	CP_TRY(look_for_contents(&k, err));
	return cp_content_each(s, look_for_media, &k, err);
}
