/* The descriptions of the synced tables against the schema that SQLite makes of sync/schema/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "sync/migrate.h"
#include "sync/tables.h"

static sqlite3 *db;

static int make_database(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(cp_schema_create(db, "test", NULL), CP_OK);
	return 0;
}

static int drop_database(void **state)
{
	(void)state;
	return sqlite3_close(db);
}

static sqlite3_stmt *table_info(size_t table)
{
	char sql[96];
	sqlite3_stmt *q;

	snprintf(sql, sizeof sql, "SELECT name, pk, \"notnull\", dflt_value FROM pragma_table_info('%s')", cp_shapes[table].name);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	return q;
}

static void columns_and_keys_stand_in_the_order_of_the_schema(void **state)
{
	(void)state;
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		sqlite3_stmt *q = table_info(t);
		size_t c = 0;

		for (; sqlite3_step(q) == SQLITE_ROW; c++) {
			assert_true(c < cp_shapes[t].n_columns);
			assert_string_equal(sqlite3_column_text(q, 0), cp_columns[t][c]);
			assert_int_equal(sqlite3_column_int(q, 1), cp_shapes[t].key[c]);
			assert_true(cp_shapes[t].key[c] == 0 || sqlite3_column_int(q, 2) == 1);
		}
		assert_int_equal(c, cp_shapes[t].n_columns);
		assert_null(cp_columns[t][c]);
		sqlite3_finalize(q);
	}
}

/* The default as SQLite itself evaluates it. */
static void assert_default(const char *sql_text, const struct cp_value *v)
{
	char sql[256];
	sqlite3_stmt *q;

	snprintf(sql, sizeof sql, "SELECT %s", sql_text ? sql_text : "NULL");
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_int_equal(sqlite3_column_type(q, 0), v->type);
	if (v->type == CP_INT) {
		assert_int_equal(sqlite3_column_int64(q, 0), v->integer);
	} else if (v->type == CP_TEXT || v->type == CP_BLOB) {
		assert_int_equal(sqlite3_column_bytes(q, 0), v->len);
		if (v->len > 0)
			assert_memory_equal(sqlite3_column_blob(q, 0), v->bytes, v->len);
	}
	sqlite3_finalize(q);
}

static void defaults_are_those_of_the_schema(void **state)
{
	(void)state;
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		sqlite3_stmt *q = table_info(t);

		for (size_t c = 0; sqlite3_step(q) == SQLITE_ROW; c++) {
			struct cp_value v;

			if (cp_shapes[t].key[c] != 0 || c == cp_table_rev(t) || (t != CP_T_RATINGS && c == CP_C_CLOCK))
				continue; /* every edit writes those */
			cp_table_default(&v, t, c);
			assert_default((const char *)sqlite3_column_text(q, 3), &v);
		}
		sqlite3_finalize(q);
	}
}

static void no_synced_table_has_what_merging_cannot_bear(void **state)
{
	(void)state;
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		char sql[512];
		sqlite3_stmt *q;

		snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM pragma_foreign_key_list('%s')) + (SELECT count(*) FROM"
				" pragma_index_list('%s') WHERE \"unique\" AND origin <> 'pk') + (SELECT count(*) FROM sqlite_master"
				" WHERE type = 'trigger' AND tbl_name = '%s')", cp_shapes[t].name, cp_shapes[t].name, cp_shapes[t].name);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(q), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(q, 0), 0);
		sqlite3_finalize(q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_and_keys_stand_in_the_order_of_the_schema),
		cmocka_unit_test(defaults_are_those_of_the_schema),
		cmocka_unit_test(no_synced_table_has_what_merging_cannot_bear),
	};

	return cmocka_run_group_tests(tests, make_database, drop_database);
}
