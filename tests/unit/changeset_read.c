/*
 * The strict changeset reader, judged by SQLite itself: what its session extension records is read
 * as its own iterator reads it, and so is the example of the format's page.
 */
#include "tests/unit/changeset.h"

/* One sitting of edits on all tables, some of them on rows of sittings before. */
static void work(sqlite3 *db, size_t edits)
{
	struct cp_value row[CP_MAX_COLUMNS];

	for (size_t i = 0; i < edits; i++) {
		size_t table = below(TABLES);

		if (below(2) == 0) {
			update_row(db, table);
		} else {
			random_row(row, table);
			insert_row(db, table, row);
		}
	}
}

static void what_the_session_extension_writes_is_read_as_sqlite_reads_it(void **state)
{
	size_t changes = 0;

	(void)state;
	chance = 1;
	for (size_t world = 0; world < 40; world++) {
		CP_AUTO(buf) struct cp_buf joined = CP_BUF(LIMIT);
		sqlite3 *db = new_database();

		for (size_t sitting = 1 + below(6); sitting > 0; sitting--) {
			sqlite3_session *session = new_session(db);

			work(db, below(80));
			end_session(session, &joined);
		}
		changes += read_beside_sqlite(joined.data, joined.len);
		sqlite3_close(db);
	}
	assert_true(changes > 2000);
}

static void a_blob_of_many_megabytes_is_read(void **state)
{
	CP_AUTO(buf) struct cp_buf set = CP_BUF(LIMIT);
	sqlite3 *db = new_database();
	sqlite3_session *session = new_session(db);

	(void)state;
	must(sqlite3_exec(db, "INSERT INTO loose VALUES (zeroblob(5000000), 1, 2, zeroblob(268435))", NULL, NULL,
			NULL));
	end_session(session, &set);
	session = new_session(db);
	must(sqlite3_exec(db, "UPDATE loose SET c1 = zeroblob(3000000)", NULL, NULL, NULL));
	end_session(session, &set);
	assert_int_equal(read_beside_sqlite(set.data, set.len), 2);
	sqlite3_close(db);
}

static void a_change_under_its_header_is_a_changeset_of_its_own(void **state)
{
	static struct cp_change c;
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT), one = CP_BUF(LIMIT);
	struct cp_changeset r;
	size_t n = 0;
	bool more;

	(void)state;
	make_sample(&sample);
	cp_changeset_begin(&r, sample.data, sample.len, shapes, TABLES);
	for (;; n++) {
		assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
		if (!more)
			break;
		cp_buf_clear(&one);
		assert_int_equal(cp_buf_add(&one, sample.data + c.header, c.header_len, NULL), CP_OK);
		assert_int_equal(cp_buf_add(&one, sample.data + c.offset, c.len, NULL), CP_OK);
		assert_int_equal(read_beside_sqlite(one.data, one.len), 1);
	}
	assert_int_equal(n, 10);
}

static void the_key_is_found_in_an_insert_and_in_an_update(void **state)
{
	static struct cp_change c;
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	struct cp_changeset r;
	size_t inserts = 0, updates = 0;
	bool more;

	(void)state;
	make_sample(&sample);
	cp_changeset_begin(&r, sample.data, sample.len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		if (c.table != PAIR || cp_change_key(&c, 4)->integer != 3)
			continue;
		*(c.op == CP_INSERT ? &inserts : &updates) += 1;
		assert_int_equal(cp_change_key(&c, 1)->len, 1);
		assert_int_equal(cp_change_key(&c, 1)->bytes[0], 'k');
		assert_int_equal(cp_change_key(&c, 2)->bytes[0], 0xaa);
	}
	assert_int_equal(inserts, 1);
	assert_int_equal(updates, 2);
}

static void an_empty_changeset_has_no_change(void **state)
{
	struct cp_change c = { .table = 77 };
	struct cp_changeset r;
	bool more = true;

	(void)state;
	cp_changeset_begin(&r, NULL, 0, shapes, TABLES);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
	assert_false(more);
	assert_int_equal(c.table, 77);
}

/* ---- the page ------------------------------------------------------------------------ */

/* Hex digits of the page's example: between "```hex" and "```", what stands behind ";" left out. */
static size_t page_example(uint8_t *out, size_t room)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	char hex[3] = "";
	const char *at;
	size_t len = 0, digits = 0;

	assert_int_equal(cp_file_read(&page, "formats/changeset.md", NULL), CP_OK);
	at = strstr(page.data, "```hex\n");
	assert_non_null(at);
	for (at += 7; *at != '`'; at++) {
		if (*at == ';')
			at += strcspn(at, "\n");
		if (*at == ' ' || *at == '\n')
			continue;
		hex[digits++ % 2] = *at;
		if (digits % 2 == 0) {
			assert_true(len < room);
			assert_true(cp_unhex(&out[len++], 1, hex));
		}
	}
	assert_int_equal(digits % 2, 0);
	return len;
}

static void the_example_on_the_page_is_what_sqlite_writes(void **state)
{
	static const struct cp_shape scores[] = { { "scores", 3, { 1 }, 0 } };
	CP_AUTO(buf) struct cp_buf theirs = CP_BUF(LIMIT);
	uint8_t page[512];
	sqlite3_session *session;
	size_t len = page_example(page, sizeof page), changes;
	sqlite3 *db;

	(void)state;
	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, "CREATE TABLE scores (id BLOB NOT NULL PRIMARY KEY, score INTEGER, note TEXT)"
			" STRICT, WITHOUT ROWID", NULL, NULL, NULL));
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO scores VALUES (x'a1b2', 3, NULL)", NULL, NULL, NULL));
	end_session(session, &theirs);
	session = new_session(db);
	must(sqlite3_exec(db, "UPDATE scores SET note = 'd\u00e9j\u00e0 vu' WHERE id = x'a1b2'", NULL, NULL, NULL));
	end_session(session, &theirs);
	assert_int_equal(len, theirs.len);
	assert_memory_equal(page, theirs.data, len);
	assert_int_equal(cp_changeset_check(page, len, scores, 1, &changes, NULL), CP_OK);
	assert_int_equal(changes, 2);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(cp_changeset_check(page, cut, scores, 1, &changes, NULL),
				cut == 0 || cut == 28 ? CP_OK : CP_EFORMAT);
	sqlite3_close(db);
}

static int count_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int n;

	must(sqlite3_prepare_v2(db, sql, -1, &q, NULL));
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return n;
}

static int stop_at_conflicts(void *user, int kind, sqlite3_changeset_iter *it)
{
	(void)user, (void)kind, (void)it;
	return SQLITE_CHANGESET_ABORT;
}

/* A table that got a column since: what was recorded before still reads, and SQLite applies it with the default. */
static void rows_written_before_a_column_was_added_are_read(void **state)
{
	static const struct cp_shape grown[] = { { "grown", 4, { 1 }, 3 } };
	CP_AUTO(buf) struct cp_buf old = CP_BUF(LIMIT);
	sqlite3_session *session;
	struct cp_changeset r;
	struct cp_change c;
	size_t before;
	sqlite3 *db;
	bool more;

	(void)state;
	must(sqlite3_open(":memory:", &db));
	must(sqlite3_exec(db, "CREATE TABLE grown (id BLOB NOT NULL PRIMARY KEY, score INTEGER, note TEXT) STRICT, WITHOUT ROWID",
			NULL, NULL, NULL));
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO grown VALUES (x'01', 3, 'a')", NULL, NULL, NULL));
	end_session(session, &old);
	before = old.len;
	must(sqlite3_exec(db, "DELETE FROM grown; ALTER TABLE grown ADD COLUMN more TEXT NOT NULL DEFAULT 'none'", NULL, NULL, NULL));
	cp_changeset_begin(&r, old.data, old.len, grown, 1);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_OK);
	assert_true(more);
	assert_int_equal(c.now[1].integer, 3);
	assert_int_equal(c.now[3].type, CP_ABSENT);
	must(sqlite3changeset_apply_v2(db, (int)old.len, old.data, NULL, stop_at_conflicts, NULL, NULL, NULL, 0));
	assert_int_equal(count_of(db, "SELECT count(*) FROM grown WHERE id = x'01' AND score = 3 AND more = 'none'"), 1);

	/* Old and new under headers that follow each other: SQLite would read the second by the first one's count. */
	session = new_session(db);
	must(sqlite3_exec(db, "INSERT INTO grown VALUES (x'02', 4, 'b', 'c')", NULL, NULL, NULL));
	end_session(session, &old);
	assert_int_equal(cp_changeset_check(old.data, before, grown, 1, NULL, NULL), CP_OK);
	assert_int_equal(cp_changeset_check(old.data + before, old.len - before, grown, 1, NULL, NULL), CP_OK);
	assert_int_equal(cp_changeset_check(old.data, old.len, grown, 1, NULL, NULL), CP_EFORMAT);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_session_extension_writes_is_read_as_sqlite_reads_it),
		cmocka_unit_test(a_blob_of_many_megabytes_is_read),
		cmocka_unit_test(a_change_under_its_header_is_a_changeset_of_its_own),
		cmocka_unit_test(the_key_is_found_in_an_insert_and_in_an_update),
		cmocka_unit_test(an_empty_changeset_has_no_change),
		cmocka_unit_test(the_example_on_the_page_is_what_sqlite_writes),
		cmocka_unit_test(rows_written_before_a_column_was_added_are_read),
	};

	fill_noise();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
