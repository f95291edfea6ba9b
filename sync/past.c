#include "sync/past.h"

#include <stdlib.h>

#include "formats/file.h"
#include "sync/content.h"
#include "sync/fresh.h"
#include "sync/inner.h"
#include "sync/mainline.h"

#define NAME "casepack.db.past"

enum cp_code cp_past_open(struct cp_past *out, struct cp_store *s, const struct cp_point *at, struct cp_err *err)
{
	enum cp_code code;

	out->path = cp_path_join(s->path, NAME);
	out->store = NULL;
	cp_fresh_remove(out->path);
	code = cp_fresh_open(&out->store, s->path, NAME, &s->me, err);
	if (code == CP_OK)
		code = cp_main_replay_until(out->store, &at->oid, err);
	if (code == CP_OK)
		code = cp_store_read_me(out->store, err); /* the project's name, as it was */
	if (code != CP_OK)
		cp_past_drop(out);
	return code;
}

void cp_past_drop(struct cp_past *p)
{
	cp_store_close(p->store);
	p->store = NULL;
	if (p->path != NULL)
		cp_fresh_remove(p->path);
	free(p->path);
	p->path = NULL;
}

enum cp_code cp_past_missing(struct cp_past *p, int64_t *out, struct cp_err *err)
{
	sqlite3_stmt *q;
	bool row, has;

	CP_TRY(cp_query(p->store, &q, err, "SELECT content FROM cases WHERE id IN (SELECT a.case_id FROM assignments a JOIN judgments j"
			" ON j.id = a.id)", ""));
	for (*out = 0;; *out += !has) {
		struct cp_hash hash;

		CP_TRY(cp_step(p->store, q, &row, err));
		if (!row)
			return CP_OK;
		cp_col_hash(q, 0, &hash);
		CP_TRY(cp_content_has(p->store, &hash, &has, err));
	}
}
