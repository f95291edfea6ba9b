/*
 * What the strict changeset reader refuses, and what it accepts beside it. (Damage that knows the
 * format: tests/damage.)
 */
#include "tests/unit/changeset.h"

#include <sys/mman.h>

/* Two columns, the first the key. */
static const struct cp_shape small[] = { { "t", 2, { 1 }, 0 } };
#define HEAD "540201007400"

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t len = strlen(hex) / 2;

	assert_true(cp_unhex(out, len, hex));
	return len;
}

static enum cp_code check_small(const char *hex, size_t *out_changes, struct cp_err *err)
{
	uint8_t bytes[512], *copy;
	size_t len = unhex(bytes, hex);
	enum cp_code code;

	copy = exact_copy(bytes, len);
	code = cp_changeset_check(copy, len, small, 1, out_changes, err);
	free(copy);
	return code;
}

static void well_formed_changes_are_accepted(void **state)
{
	static const struct { const char *hex; size_t changes; } good[] = {
		{ "", 0 },
		{ HEAD "1200" "0401aa" "05", 1 },
		{ HEAD "1200" "010000000000000001" "0302c3a9", 1 },
		{ HEAD "1700" "0401aa" "05" "00" "0300", 1 },
		{ HEAD "1700" "0300" "0300" "00" "0400", 1 },
		{ HEAD "1700" "0401aa" "010000000000000001" "00" "023ff0000000000000", 1 },
		{ HEAD "1200" "0401aa" "05" "1700" "0401aa" "05" "00" "0300", 2 },
		{ HEAD "1200" "0401aa" "05" HEAD "1200" "0401aa" "05", 2 },
		{ HEAD "1200" "0401aa" "027ff0000000000000", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct cp_err err = { 0 };
		size_t changes = 99;

		assert_int_equal(check_small(good[i].hex, &changes, &err), CP_OK);
		assert_int_equal(changes, good[i].changes);
	}
}

static const struct { const char *hex, *why; } refused[] = {
	/* table headers */
	{ "54", "byte 1: a column count" },
	{ "5402", "byte 2: a table header that is cut off" },
	{ "540201", "byte 2: a table header that is cut off" },
	{ "54020100", "byte 4: a table name without its end" },
	{ "5402010074", "byte 4: a table name without its end" },
	{ "5402010074747474747474747474747474747474747474", "a table name without its end" },
	{ HEAD, "no change behind it" },
	{ HEAD HEAD "1200" "0401aa" "05", "byte 6: a table header with no change" },
	{ HEAD "1200" "0401aa" "05" HEAD, "no change behind it" },
	{ "54b401" "01007400", "a table with 6657 columns" },
	{ "5400" "7400", "a table with 0 columns" },
	{ "5421" "01007400", "a table with 33 columns" },
	{ "54ffffffffffffffffff" "01007400", "a column count" },
	{ "548002" "01007400" "1200" "0401aa" "05", "byte 1: a column count" },
	{ "5401" "017400" "1200" "0401aa", "table t with 1 columns, not 2" },
	{ "5403" "0100007400" "1200" "0401aa" "05" "05", "table t with 3 columns, not 2" },
	{ "540200017400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540200007400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540202007400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540201027400" "1200" "0401aa" "05", "table t with another primary key" },
	{ "540201005400" "1200" "0401aa" "05", "no table \"T\"" },
	{ "5402010000" "1200" "0401aa" "05", "no table \"\"" },
	{ "540201007474" "00" "1200" "0401aa" "05", "no table \"tt\"" },
	{ "540201001b5b6d2200" "1200" "0401aa" "05", "no table \"?[m?\"" },
	{ "540201006d61696e2e7400" "1200" "0401aa" "05", "no table \"main.t\"" },
	/* what stands in place of a header or a change */
	{ "50" "0201007400" "1200" "0401aa" "05", "byte 0: a patchset" },
	{ HEAD "1200" "0401aa" "05" "50" "0201007400" "1200" "0401aa" "05", "a patchset" },
	{ "12", "does not begin with a table header" },
	{ "00", "does not begin with a table header" },
	{ HEAD "0900" "0401aa" "05", "byte 6: a DELETE" },
	{ HEAD "0000" "0401aa" "05", "operation 0" },
	{ HEAD "1300" "0401aa" "05", "operation 19" },
	{ HEAD "ff00" "0401aa" "05", "operation 255" },
	{ HEAD "12", "a change that is cut off" },
	{ HEAD "1201" "0401aa" "05", "byte 7: an indirect change" },
	{ HEAD "1701" "0401aa" "05" "00" "0300", "byte 7: an indirect change" },
	{ HEAD "1200" "0401aa" "05" "00", "operation 0" },
	{ HEAD "1200" "0401aa" "05" "05", "operation 5" },
	/* values */
	{ HEAD "1200", "byte 8: table t, column 1: the value is cut off" },
	{ HEAD "1200" "0401aa", "byte 11: table t, column 2: the value is cut off" },
	{ HEAD "1200" "0401aa" "06", "a type that SQLite does not have" },
	{ HEAD "1200" "0401aa" "ff", "a type that SQLite does not have" },
	{ HEAD "1200" "0401aa" "01000000000000", "a number that is cut off" },
	{ HEAD "1200" "0401aa" "0100000000000000", "a number that is cut off" },
	{ HEAD "1200" "0401aa" "02", "a number that is cut off" },
	{ HEAD "1200" "0401aa" "027ff8000000000000", "not a number" },
	{ HEAD "1200" "0401aa" "02fff0000000000001", "not a number" },
	{ HEAD "1200" "0401aa" "03", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "0381", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "0303" "6162", "more bytes promised" },
	{ HEAD "1200" "0401aa" "04" "87ffffff7f", "longer than SQLite" },
	{ HEAD "1200" "0401aa" "04" "ffffffff7f", "longer than SQLite" },
	{ HEAD "1200" "0401aa" "04" "ffffffffff7f", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "04" "ffffffffffffffffff", "a length that is cut off" },
	{ HEAD "1200" "0401aa" "04" "8001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "808001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "8000", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "04" "808080808080808001" "aa", "not in its shortest form" },
	{ HEAD "1200" "0401aa" "0301" "ff", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0302" "c3", "more bytes promised" },
	{ HEAD "1200" "0401aa" "0302" "c080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0303" "eda080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0304" "f4908080", "not UTF-8" },
	{ HEAD "1200" "0401aa" "0303" "610062", "zero byte" },
	/* inserts */
	{ HEAD "1200" "05" "05", "column 1: NULL in the key" },
	{ HEAD "1200" "00" "05", "column 1: missing in an INSERT" },
	{ HEAD "1200" "0401aa" "00", "column 2: missing in an INSERT" },
	/* updates */
	{ HEAD "1700" "0401aa" "05" "00", "column 2: the value is cut off" },
	{ HEAD "1700" "0401aa" "00" "00" "00", "byte 6: table t: an UPDATE that changes nothing" },
	{ HEAD "1700" "0401aa" "05" "00" "05", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "030161" "00" "030161", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "020000000000000000" "00" "028000000000000000", "leaves the value as it was" },
	{ HEAD "1700" "0401aa" "05" "00" "00", "only the old or only the new" },
	{ HEAD "1700" "0401aa" "00" "00" "05", "only the old or only the new" },
	{ HEAD "1700" "0401aa" "05" "0401aa" "0300", "writes the key" },
	{ HEAD "1700" "0401aa" "05" "0401bb" "0300", "writes the key" },
	{ HEAD "1700" "0401aa" "05" "05" "0300", "writes the key" },
	{ HEAD "1700" "00" "05" "00" "0300", "missing in the key" },
	{ HEAD "1700" "05" "05" "00" "0300", "NULL or missing in the key" },
};

static void malformed_changes_are_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct cp_err err = { 0 };
		size_t changes = 99;

		if (check_small(refused[i].hex, &changes, &err) != CP_EFORMAT || strstr(err.text, refused[i].why) == NULL)
			fail_msg("%s: \"%s\" instead of \"%s\"", refused[i].hex, err.text, refused[i].why);
		assert_non_null(strstr(err.text, "changeset refused at byte "));
		assert_null(strchr(err.text, '\n'));
		assert_int_equal(changes, 99);
	}
}

static void a_failed_reader_stays_and_fails_again(void **state)
{
	static const char hex[] = HEAD "1200" "0401aa" "05" HEAD "0900" "0401aa" "05";
	static struct cp_change c;
	struct cp_err first = { 0 }, again = { 0 };
	struct cp_changeset r;
	uint8_t bytes[64];
	bool more;

	(void)state;
	cp_changeset_begin(&r, bytes, unhex(bytes, hex), small, 1);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &first), CP_OK);
	assert_true(more);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &first), CP_EFORMAT);
	assert_false(more);
	assert_int_equal(r.at, 12);
	assert_int_equal(cp_changeset_next(&r, &c, &more, &again), CP_EFORMAT);
	assert_string_equal(first.text, again.text);
	assert_int_equal(cp_changeset_next(&r, &c, &more, NULL), CP_EFORMAT);
}

/* Only the pages that are written exist; the rest of the gigabytes is never looked at. */
static void sizes_that_sqlite_cannot_take_are_refused(void **state)
{
	static const char fits[] = HEAD "1200" "04" "83dceb9400", over[] = HEAD "1200" "04" "83dceb9401";
	size_t room = CP_CHANGESET_MAX + 1, whole = 14 + CP_VALUE_MAX + 1;
	struct cp_err err = { 0 };
	uint8_t *data = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(data != MAP_FAILED);
	assert_int_equal(unhex(data, fits), 14);
	data[whole - 1] = CP_NULL;
	assert_int_equal(cp_changeset_check(data, whole, small, 1, NULL, &err), CP_OK);
	assert_int_equal(cp_changeset_check(data, room, small, 1, NULL, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "longer than SQLite can take"));
	data[whole - 1] = 0;
	data[whole] = CP_NULL;
	assert_int_equal(unhex(data, over), 14);
	assert_int_equal(cp_changeset_check(data, whole + 1, small, 1, NULL, &err), CP_EFORMAT);
	assert_non_null(strstr(err.text, "a value longer than SQLite can take"));
	munmap(data, room);
}

/* ---- damage -------------------------------------------------------------------------- */

/* Offsets at which sample may be cut: its start and the end of each change. */
static size_t clean_cuts(size_t cuts[], const struct cp_buf *sample)
{
	static struct cp_change c;
	struct cp_changeset r;
	size_t n = 1;
	bool more;

	cuts[0] = 0;
	cp_changeset_begin(&r, sample->data, sample->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more)
		cuts[n++] = c.offset + c.len;
	return n;
}

static void a_changeset_cut_anywhere_but_between_changes_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	size_t cuts[32], n, met = 0;

	(void)state;
	make_sample(&sample);
	n = clean_cuts(cuts, &sample);
	assert_int_equal(n, 11);
	for (size_t len = 0; len <= sample.len; len++) {
		uint8_t *copy = exact_copy(sample.data, len);
		struct cp_err err = { 0 };

		if (met < n && len == cuts[met]) {
			assert_int_equal(read_beside_sqlite(copy, len), met);
			met++;
		} else {
			assert_int_equal(check(copy, len, &err), CP_EFORMAT);
		}
		free(copy);
	}
	assert_int_equal(met, n);
}

static void a_byte_behind_the_end_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);

	(void)state;
	make_sample(&sample);
	assert_int_equal(cp_buf_add(&sample, "", 1, NULL), CP_OK);
	for (unsigned byte = 0; byte < 256; byte++) {
		sample.data[sample.len - 1] = (char)byte;
		assert_int_equal(check(sample.data, sample.len, NULL), CP_EFORMAT);
	}
}

/* Bytes of sample that no single flip may change unnoticed: headers, operation, indirect flag. */
static void mark_frames(bool is_frame[], const struct cp_buf *sample)
{
	static struct cp_change c;
	struct cp_changeset r;
	bool more;

	cp_changeset_begin(&r, sample->data, sample->len, shapes, TABLES);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more) {
		memset(is_frame + c.header, true, c.header_len);
		memset(is_frame + c.offset, true, 2);
	}
}

static void a_flipped_bit_is_refused_or_read_as_sqlite_reads_it(void **state)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(LIMIT);
	bool is_frame[2048] = { false };
	size_t accepted = 0, turned_away = 0;
	uint8_t *copy;

	(void)state;
	make_sample(&sample);
	assert_in_range(sample.len, 300, sizeof is_frame);
	mark_frames(is_frame, &sample);
	copy = exact_copy(sample.data, sample.len);
	for (size_t bit = 0; bit < sample.len * 8; bit++) {
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (check(copy, sample.len, NULL) == CP_OK) {
			assert_false(is_frame[bit / 8]);
			assert_true(read_beside_sqlite(copy, sample.len) > 0);
			accepted++;
		} else {
			turned_away++;
		}
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	print_message("%zu flips: %zu refused, %zu read as SQLite reads them\n", accepted + turned_away, turned_away,
			accepted);
	assert_int_equal(accepted + turned_away, sample.len * 8);
	assert_true(accepted > 500 && turned_away > 1000);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_changes_are_accepted),
		cmocka_unit_test(malformed_changes_are_refused_with_the_reason),
		cmocka_unit_test(a_failed_reader_stays_and_fails_again),
		cmocka_unit_test(sizes_that_sqlite_cannot_take_are_refused),
		cmocka_unit_test(a_changeset_cut_anywhere_but_between_changes_is_refused),
		cmocka_unit_test(a_byte_behind_the_end_is_refused),
		cmocka_unit_test(a_flipped_bit_is_refused_or_read_as_sqlite_reads_it),
	};

	fill_noise();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
