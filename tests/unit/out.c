/* Tables for people, JSON lines for scripts. The outside judges are jansson's reader and date(1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/out.c"

static int file = -1, kept = -1;
static char printed[1 << 16];

/* What is printed from here on goes into memory ... */
static void listen(void)
{
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	file = memfd_create("out", 0);
	assert_true(kept >= 0 && file >= 0);
	assert_true(dup2(file, STDOUT_FILENO) >= 0);
}

/* ... up to here. */
static const char *heard(void)
{
	ssize_t n;

	fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	n = pread(file, printed, sizeof printed - 1, 0);
	assert_true(n >= 0);
	printed[n] = '\0';
	close(kept);
	close(file);
	return printed;
}

static struct cp_out *begin(bool json, const char *const *columns, size_t n)
{
	struct cp_out *o = NULL;

	assert_int_equal(cp_out_begin(&o, json, columns, n, NULL), CP_OK);
	return o;
}

static const char *const two[] = { "case", "open_edits" };

static void a_table_fits_its_content(void **state)
{
	struct cp_out *o;

	(void)state;
	listen();
	o = begin(false, two, 2);
	assert_int_equal(cp_out_text(o, "red shoes", NULL), CP_OK);
	assert_int_equal(cp_out_int(o, 7, NULL), CP_OK);
	assert_int_equal(cp_out_text(o, "", NULL), CP_OK);
	assert_int_equal(cp_out_int(o, -123, NULL), CP_OK);
	assert_int_equal(cp_out_end(o, NULL), CP_OK);
	assert_string_equal(heard(),
		"CASE       OPEN EDITS\n"
		"red shoes           7\n"
		"-                -123\n");
}

static void wide_letters_take_two_columns(void **state)
{
	static const char *const columns[] = { "a", "b" };
	struct cp_out *o;

	(void)state;
	listen();
	o = begin(false, columns, 2);
	assert_int_equal(cp_out_text(o, "\xe6\xbc\xa2\xe5\xad\x97", NULL), CP_OK); /* two Han letters */
	assert_int_equal(cp_out_text(o, "x", NULL), CP_OK);
	assert_int_equal(cp_out_text(o, "e\xcc\x81", NULL), CP_OK); /* e and a combining accent */
	assert_int_equal(cp_out_text(o, "y", NULL), CP_OK);
	assert_int_equal(cp_out_end(o, NULL), CP_OK);
	assert_string_equal(heard(), "A     B\n\xe6\xbc\xa2\xe5\xad\x97  x\ne\xcc\x81     y\n");
}

static void a_long_cell_does_not_push_other_rows(void **state)
{
	char text[200];
	struct cp_out *o;
	const char *second;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	listen();
	o = begin(false, two, 2);
	assert_int_equal(cp_out_text(o, text, NULL), CP_OK);
	assert_int_equal(cp_out_int(o, 1, NULL), CP_OK);
	assert_int_equal(cp_out_text(o, "y", NULL), CP_OK);
	assert_int_equal(cp_out_int(o, 2, NULL), CP_OK);
	assert_int_equal(cp_out_end(o, NULL), CP_OK);
	second = strstr(heard(), "\ny ");
	assert_non_null(second);
	assert_int_equal(strlen(second + 1), 60 + 2 + strlen("OPEN EDITS") + 1);
}

static void a_table_without_rows_prints_nothing(void **state)
{
	(void)state;
	listen();
	assert_int_equal(cp_out_end(begin(false, two, 2), NULL), CP_OK);
	assert_int_equal(cp_out_end(NULL, NULL), CP_OK);
	assert_string_equal(heard(), "");
}

static void a_failed_visit_prints_no_table(void **state)
{
	struct cp_out *o;

	(void)state;
	listen();
	o = begin(false, two, 2);
	assert_int_equal(cp_out_text(o, "half a row", NULL), CP_OK);
	assert_int_equal(cp_out_close(o, CP_EBUSY, NULL), CP_EBUSY);
	assert_string_equal(heard(), "");
}

static void no_cell_acts_on_the_terminal(void **state)
{
	static const char hostile[] = "a\x1b[2Jb\nc\xc2\x9b" "d\xe2\x80\xae" "e\x7f\xd8\x9c" "f";
	struct cp_out *o;
	const char *text;

	(void)state;
	for (int json = 0; json < 2; json++) {
		listen();
		o = begin(json != 0, two, 2);
		assert_int_equal(cp_out_text(o, hostile, NULL), CP_OK);
		assert_int_equal(cp_out_int(o, 1, NULL), CP_OK);
		assert_int_equal(cp_out_end(o, NULL), CP_OK);
		text = heard();
		for (const char *at = text; *at != '\0'; at++)
			assert_true(*at == '\n' || ((unsigned char)*at >= 0x20 && *at != 0x7f));
		assert_null(strstr(text, "\xc2\x9b"));
		assert_null(strstr(text, "\xe2\x80\xae"));
		assert_null(strstr(text, "\xd8\x9c"));
	}
	json_t *read = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(read, "case")), hostile);
	json_decref(read);
}

static void json_keeps_types_and_order(void **state)
{
	static const char *const columns[] = { "text", "number", "yes", "none", "at", "never" };
	struct cp_out *o;

	(void)state;
	listen();
	o = begin(true, columns, 6);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cp_out_text(o, i == 0 ? "" : "bad \xff", NULL), CP_OK);
		assert_int_equal(cp_out_int(o, INT64_MIN, NULL), CP_OK);
		assert_int_equal(cp_out_bool(o, true, NULL), CP_OK);
		assert_int_equal(cp_out_text(o, NULL, NULL), CP_OK);
		assert_int_equal(cp_out_time(o, 1772373909000042, NULL), CP_OK);
		assert_int_equal(cp_out_time(o, 0, NULL), CP_OK);
	}
	assert_int_equal(cp_out_end(o, NULL), CP_OK);
	assert_string_equal(heard(),
		"{\"text\":\"\",\"number\":-9223372036854775808,\"yes\":true,\"none\":null,"
		"\"at\":\"2026-03-01T14:05:09.000042Z\",\"never\":null}\n"
		"{\"text\":\"bad \\\\xff\",\"number\":-9223372036854775808,\"yes\":true,\"none\":null,"
		"\"at\":\"2026-03-01T14:05:09.000042Z\",\"never\":null}\n");
}

static void times_are_what_date_says(void **state)
{
	static const int64_t seconds[] = { 1, 951782399, 951782400, 1772373909, 4102444800, -1, -86401, 253402300799 };
	char command[128], line[64], text[32];

	(void)state;
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		snprintf(command, sizeof command, "date -u -d @%lld +%%Y-%%m-%%dT%%H:%%M:%%SZ", (long long)seconds[i]);
		FILE *date = popen(command, "r");
		assert_non_null(date);
		assert_non_null(fgets(line, sizeof line, date));
		pclose(date);
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(cp_time_text(text, seconds[i] * 1000000 + 999999), line);
	}
	assert_string_equal(cp_time_text(text, INT64_MAX), "-");
	assert_string_equal(cp_time_text(text, INT64_MIN), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_fits_its_content),
		cmocka_unit_test(wide_letters_take_two_columns),
		cmocka_unit_test(a_long_cell_does_not_push_other_rows),
		cmocka_unit_test(a_table_without_rows_prints_nothing),
		cmocka_unit_test(a_failed_visit_prints_no_table),
		cmocka_unit_test(no_cell_acts_on_the_terminal),
		cmocka_unit_test(json_keeps_types_and_order),
		cmocka_unit_test(times_are_what_date_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
