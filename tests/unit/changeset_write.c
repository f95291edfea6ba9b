/*
 * Changesets that are written here are, byte for byte, what SQLite writes.
 */
#include "tests/unit/changeset.h"

static void an_insert_is_written_as_the_session_extension_writes_it(void **state)
{
	sqlite3 *db = new_database();
	size_t written = 0;

	(void)state;
	chance = 2;
	for (size_t i = 0; i < 2000; i++) {
		CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT), ours = CP_BUF(LIMIT);
		struct cp_value row[CP_MAX_COLUMNS];
		size_t table = below(TABLES);
		sqlite3_session *session = new_session(db);

		random_row(row, table);
		insert_row(db, table, row);
		end_session(session, &theirs);
		if (theirs.len == 0)
			continue; /* that key was there */
		written++;
		assert_int_equal(cp_changeset_add_table(&ours, &shapes[table], NULL), CP_OK);
		assert_int_equal(cp_changeset_add_insert(&ours, &shapes[table], row, NULL), CP_OK);
		assert_int_equal(ours.len, theirs.len);
		assert_memory_equal(ours.data, theirs.data, ours.len);
	}
	assert_true(written > 1500);
	sqlite3_close(db);
}

/* Writes the inserts of set again as they were read, with a header where the table changes. */
static void write_again(struct cp_buf *out, const struct cp_buf *set)
{
	static struct cp_change c;
	struct cp_changeset r;
	size_t table = TABLES;
	bool more;

	cp_changeset_begin(&r, set->data, set->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		if (c.table != table)
			assert_int_equal(cp_changeset_add_table(out, &shapes[c.table], NULL), CP_OK);
		table = c.table;
		assert_int_equal(cp_changeset_add_insert(out, &shapes[table], c.now, NULL), CP_OK);
	}
}

static void many_rows_of_many_tables_are_written_as_the_session_extension_does(void **state)
{
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT), ours = CP_BUF(LIMIT);
	sqlite3 *db = new_database();
	sqlite3_session *session = new_session(db);
	struct cp_value row[CP_MAX_COLUMNS];

	(void)state;
	chance = 3;
	for (size_t i = 0; i < 1000; i++) {
		random_row(row, i % TABLES);
		insert_row(db, i % TABLES, row);
	}
	end_session(session, &theirs);
	write_again(&ours, &theirs);
	assert_int_equal(ours.len, theirs.len);
	assert_memory_equal(ours.data, theirs.data, ours.len);
	assert_true(read_beside_sqlite(ours.data, ours.len) > 800);
	sqlite3_close(db);
}

static void a_row_that_the_reader_would_refuse_is_not_written(void **state)
{
	static const struct { size_t column; struct cp_value value; const char *why; } bad[] = {
		{ 0, { .type = CP_NULL }, "key cannot be NULL" },
		{ 0, { .type = CP_ABSENT }, "every column" },
		{ 3, { .type = CP_ABSENT }, "every column" },
		{ 2, { .type = CP_REAL, .real = NAN }, "not a number" },
		{ 3, { .type = CP_TEXT, .len = 2, .bytes = (const uint8_t *)"\xc3(" }, "not UTF-8" },
		{ 3, { .type = CP_TEXT, .len = 3, .bytes = (const uint8_t *)"a\0b" }, "zero byte" },
		{ 4, { .type = CP_BLOB, .len = CP_VALUE_MAX + 1, .bytes = (const uint8_t *)"" }, "longer" },
	};
	CP_AUTO(buf) struct cp_buf out = CP_BUF(LIMIT);

	(void)state;
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_OK);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct cp_value row[5] = { { .type = CP_BLOB }, { .type = CP_NULL }, { .type = CP_NULL }, { .type = CP_NULL },
			{ .type = CP_NULL } };
		struct cp_err err = { 0 };
		size_t before = out.len;

		row[bad[i].column] = bad[i].value;
		assert_int_equal(cp_changeset_add_insert(&out, &shapes[PLAIN], row, &err), CP_EINPUT);
		assert_non_null(strstr(err.text, bad[i].why));
		assert_int_equal(out.len, before);
	}
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(20);
	struct cp_value row[5] = { { .type = CP_BLOB }, { .type = CP_INT }, { .type = CP_NULL }, { .type = CP_NULL },
		{ .type = CP_NULL } };

	(void)state;
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_OK);
	assert_int_equal(cp_changeset_add_insert(&out, &shapes[PLAIN], row, NULL), CP_EFORMAT);
	assert_int_equal(cp_changeset_add_table(&out, &shapes[PLAIN], NULL), CP_EFORMAT);
	assert_int_equal(out.len, 13);
}

static void values_are_equal_in_type_and_bytes(void **state)
{
	static const struct cp_value distinct[] = {
		{ .type = CP_ABSENT }, { .type = CP_NULL }, { .type = CP_INT, .integer = 1 },
		{ .type = CP_INT, .integer = 2 }, { .type = CP_REAL, .real = 1.0 }, { .type = CP_REAL, .real = 0.0 },
		{ .type = CP_REAL, .real = -0.0 }, { .type = CP_TEXT, .len = 2, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 2, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 1, .bytes = (const uint8_t *)"ab" },
		{ .type = CP_BLOB, .len = 2, .bytes = (const uint8_t *)"ac" }, { .type = CP_BLOB }, { .type = CP_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(distinct); i++)
		for (size_t j = 0; j < COUNT(distinct); j++)
			assert_int_equal(cp_value_equal(&distinct[i], &distinct[j]), i == j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_insert_is_written_as_the_session_extension_writes_it),
		cmocka_unit_test(many_rows_of_many_tables_are_written_as_the_session_extension_does),
		cmocka_unit_test(a_row_that_the_reader_would_refuse_is_not_written),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(values_are_equal_in_type_and_bytes),
	};

	fill_noise();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
