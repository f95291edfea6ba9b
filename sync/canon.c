/* The canonical hash: what two databases must share to hold the same state. */
#include <stdio.h>
#include <string.h>

#include "sync/inner.h"

static enum cp_code hash_rows(struct cp_store *s, const char *sql, int columns, struct cp_hasher *h, struct cp_err *err)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		for (int c = 0; rc == SQLITE_ROW && c < columns; c++) {
			struct cp_value v;

			cp_col_value(q, c, &v);
			cp_hash_value(h, &v);
		}
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? CP_OK : cp_fail_sqlite(err, s->db, "%s", sql);
}

enum cp_code cp_store_hash(struct cp_store *s, struct cp_hash *out, struct cp_err *err)
{
	struct cp_hasher h;
	char sql[128];

	cp_hasher_begin(&h);
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		cp_hasher_add_part(&h, cp_shapes[t].name, strlen(cp_shapes[t].name));
		snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1%s", cp_shapes[t].name, t == CP_T_RATINGS ? ", 2, 3" : "");
		CP_TRY(hash_rows(s, sql, (int)cp_shapes[t].n_columns, &h, err));
	}
	cp_hasher_add_part(&h, "verdicts", 8);
	CP_TRY(hash_rows(s, "SELECT oid, verdict FROM commits WHERE is_private = 0 ORDER BY oid", 2, &h, err));
	cp_hasher_end(&h, out);
	return CP_OK;
}
