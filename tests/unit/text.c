/* Text: outside judges are iconv, python3's unicodedata, diff and patch. */
#include "formats/text.h"

#include "tests/unit/folder.h"
#include "tests/unit/dice.h"

#include <dirent.h>
#include <iconv.h>

#include "formats/tsv.h"

#define IS(text) (text), strlen(text)

/* UTF-8 */

static bool iconv_accepts(iconv_t judge, const char *bytes, size_t len)
{
	char out[64], *in = (char *)(uintptr_t)bytes, *to = out;
	size_t room = sizeof out;

	iconv(judge, NULL, NULL, NULL, NULL);
	return iconv(judge, &in, &len, &to, &room) != (size_t)-1 && len == 0;
}

static void what_is_utf8_is_what_iconv_reads_except_nul(void **state)
{
	static const unsigned char tails[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	iconv_t judge = iconv_open("UTF-32LE", "UTF-8");
	unsigned accepted = 0, refused = 0;

	(void)state;
	assert_true(judge != (iconv_t)-1);
	for (unsigned a = 1; a < 256; a++)
		for (unsigned b = 1; b < 256; b++)
			for (unsigned c = 1; c < sizeof tails; c++)
				for (unsigned d = 1; d < sizeof tails; d++) {
					char s[4] = { (char)a, (char)b, (char)tails[c], (char)tails[d] };

					for (size_t n = 1; n <= 4; n++) {
						bool is = cp_utf8_valid(s, n);

						if (is != iconv_accepts(judge, s, n))
							fail_msg("%02x %02x %02x %02x, %zu bytes", a, b, tails[c], tails[d], n);
						accepted += is;
						refused += !is;
					}
				}
	iconv_close(judge);
	assert_true(accepted > 1000 && refused > 1000);
	assert_false(cp_utf8_valid("a\0b", 3));
	assert_true(cp_utf8_valid("", 0));
	assert_true(cp_utf8_valid(NULL, 0));
}

static void a_point_beyond_the_last_is_refused(void **state)
{
	(void)state;
	assert_true(cp_utf8_valid(IS("\xf4\x8f\xbf\xbf")));
	assert_false(cp_utf8_valid(IS("\xf4\x90\x80\x80")));
	assert_false(cp_utf8_valid(IS("\xed\xa0\x80")));
	assert_false(cp_utf8_valid(IS("\xc0\xaf")));
}

static size_t put_point(char *out, unsigned c)
{
	size_t n = 0;

	if (c < 0x80)
		out[n++] = (char)c;
	else if (c < 0x800)
		out[n++] = (char)(0xc0 | (c >> 6));
	else {
		out[n++] = (char)(0xe0 | (c >> 12));
		out[n++] = (char)(0x80 | ((c >> 6) & 0x3f));
	}
	if (c >= 0x80)
		out[n++] = (char)(0x80 | (c & 0x3f));
	return n;
}

static void nfc_is_the_nfc_of_unicodedata(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX), ours = CP_BUF(CP_TEXT_MAX), theirs = CP_BUF(CP_TEXT_MAX);
	char point[8];

	(void)state;
	if (!there_is("python3"))
		skip();
	for (unsigned c = 0x20; c < 0xd7a4; c++) {
		size_t n = put_point(point, c);

		assert_int_equal(cp_buf_add(&text, point, n, NULL), CP_OK);
		assert_int_equal(cp_buf_puts(&text, c % 3 ? "\xcc\x81\n" : "\xcc\xa3\xcc\x82", NULL), CP_OK);
	}
	put("text", text.data, text.len);
	assert_int_equal(sh("python3 -c 'import unicodedata as u;open(\"nfc\",\"wb\").write(u.normalize(\"NFC\","
			"open(\"text\",\"rb\").read().decode()).encode())'"), 0);
	get(&theirs, "nfc");
	assert_int_equal(cp_text_nfc(&ours, text.data, text.len, NULL), CP_OK);
	assert_int_equal(ours.len, theirs.len);
	assert_memory_equal(ours.data, theirs.data, ours.len);
	assert_true(ours.len != text.len);
}

static void nfc_of_invalid_text_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(100);
	struct cp_err err = { 0 };

	(void)state;
	assert_int_equal(cp_text_nfc(&out, IS("\xc3"), &err), CP_EFORMAT);
	assert_int_equal(out.len, 0);
}

static void a_plain_id_has_plain_characters_only(void **state)
{
	char longest[66];

	(void)state;
	memset(longest, 'x', 65);
	longest[65] = '\0';
	assert_true(cp_id_is_plain(IS("Case-7:a_b.c#9")));
	assert_true(cp_id_is_plain(longest, 64));
	assert_false(cp_id_is_plain(longest, 65));
	assert_false(cp_id_is_plain("", 0));
	assert_false(cp_id_is_plain("a\0b", 3));
	assert_false(cp_id_is_plain(IS("a b")));
	assert_false(cp_id_is_plain(IS("a/b")));
	assert_false(cp_id_is_plain(IS("\xc3\xa9")));
}

/* Showing */

static void shows(const char *text, bool multiline, const char *wanted)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(1000);

	assert_int_equal(cp_text_shown(&out, IS(text), multiline, NULL), CP_OK);
	assert_string_equal(out.data != NULL ? out.data : "", wanted);
}

static void what_could_act_on_a_terminal_is_spelled_out(void **state)
{
	(void)state;
	shows("\x1b]0;owned\x07", false, "\\x1b]0;owned\\x07");
	shows("a\xc2\x9b" "31m", false, "a\\x9b31m");
	shows("\x7f", false, "\\x7f");
	shows("evil\xe2\x80\xae" "fdp.exe", false, "evil\\u202efdp.exe");
	shows("\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c\xe2\x80\x8e", false, "\\u2066\\u2069\\u061c\\u200e");
	shows("a\tb\nc", false, "a b c");
	shows("a\tb\nc\r\nd\re", true, "a\tb\nc\nd\\x0de");
	shows("half \xe2\x80", false, "half \\xe2\\x80");
	shows("\xd9\x85\xe2\x80\x8c\xd9\x86", false, "\xd9\x85\xe2\x80\x8c\xd9\x86"); /* U+200C joins letters */
	shows("\xd9\x85\xe2\x80\x8c\xe2\x80\x8c\xd9\x86", false, "\xd9\x85\xe2\x80\x8c\\u200c\xd9\x86"); /* but once */
	shows("pass\xe2\x80\x8dword", false, "pass\\u200dword");
	shows("a\xe2\x80\x8b\xc2\xad\xef\xbb\xbf" "b", false, "a\\u200b\\u00ad\\ufeffb");
	shows("\xe3\x85\xa4\xe2\x80\xa8\xe2\x80\xa9\xef\xbf\xb9", false, "\\u3164\\u2028\\u2029\\ufff9");
	shows("tag\xf3\xa0\x81\x81", false, "tag\\U000e0041");
	shows("\xe2\x9d\xa4\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x94\xa5", false, "\xe2\x9d\xa4\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x94\xa5"); /* heart on fire */
	shows("1\xef\xb8\x8f\xe2\x83\xa3 \xef\xb8\x8f\xef\xb8\x8f", false, "1\xef\xb8\x8f\xe2\x83\xa3 \xef\xb8\x8f\\ufe0f");
	shows("\xcc\x81" "a", false, "\\u0301a");
	shows("", false, "");
}

static void a_heap_of_marks_ends_with_the_eighth(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(1000), once = CP_BUF(1000), twice = CP_BUF(1000);

	(void)state;
	assert_int_equal(cp_buf_puts(&text, "z", NULL), CP_OK);
	for (int i = 0; i < 10; i++)
		assert_int_equal(cp_buf_puts(&text, "\xcc\x81", NULL), CP_OK);
	assert_int_equal(cp_text_shown(&once, text.data, text.len, false, NULL), CP_OK);
	assert_int_equal(once.len, 1 + 8 * 2 + 2 * strlen("\\u0301"));
	assert_int_equal(cp_text_shown(&twice, once.data, once.len, false, NULL), CP_OK);
	assert_string_equal(twice.data, once.data);
}

/* Python reads back what TSV and JSON spell out. */
static void what_is_spelled_out_in_tsv_and_json_is_read_back(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX), json = CP_BUF(CP_TEXT_MAX), tsv = CP_BUF(CP_TEXT_MAX),
		made = CP_BUF(CP_TEXT_MAX);
	char point[8];

	(void)state;
	if (!there_is("python3"))
		skip();
	for (unsigned c = 1; c < 0xd800; c++) {
		assert_int_equal(cp_buf_add(&text, point, put_point(point, c), NULL), CP_OK);
		assert_int_equal(cp_buf_puts(&text, c % 3 ? "\\" : "\xf3\xa0\x81\x81\xcc\x81", NULL), CP_OK);
	}
	put("text", text.data, text.len);
	assert_int_equal(sh("python3 -c 'import json;open(\"json\",\"wb\").write(json.dumps(open(\"text\",\"rb\").read().decode(),"
			"ensure_ascii=False).encode())'"), 0);
	get(&json, "json");
	assert_int_equal(cp_text_json(&made, json.data, json.len, NULL), CP_OK);
	assert_false(cp_text_acts(made.data, made.len));
	put("shown.json", made.data, made.len);
	assert_int_equal(sh("python3 -c 'import json;assert json.load(open(\"shown.json\"))==open(\"text\",\"rb\").read().decode()'"), 0);
	assert_int_equal(cp_text_tsv(&tsv, text.data, text.len, NULL), CP_OK);
	assert_false(cp_text_acts(tsv.data, tsv.len));
	put("tsv", tsv.data, tsv.len);
	assert_int_equal(sh("python3 -c 'import re;t=open(\"tsv\",\"rb\").read().decode();"
			"e={\"n\":\"\\n\",\"t\":\"\\t\",\"r\":\"\\r\",\"\\\\\":\"\\\\\"};"
			"u=re.sub(r\"\\\\(x..|u....|U........|.)\",lambda m:e.get(m[1]) or chr(int(m[1][1:],16)),t);"
			"assert u==open(\"text\",\"rb\").read().decode()'"), 0);
	assert_int_equal(cp_buf_puts(&tsv, "\tsecond\n\nlast", NULL), CP_OK);
	CP_AUTO(tsv) struct cp_tsv lines;
	bool more;

	cp_tsv_begin(&lines, tsv.data, tsv.len);
	assert_int_equal(cp_tsv_next(&lines, &more, NULL), CP_OK);
	assert_true(more && lines.n == 2);
	assert_string_equal(cp_tsv_cell(&lines, 0), text.data);
	assert_string_equal(cp_tsv_cell(&lines, 1), "second");
	assert_string_equal(cp_tsv_cell(&lines, 2), "");
	assert_int_equal(cp_tsv_next(&lines, &more, NULL), CP_OK);
	assert_true(more && lines.n == 1 && *cp_tsv_cell(&lines, 0) == '\0');
	assert_int_equal(cp_tsv_next(&lines, &more, NULL), CP_OK);
	assert_string_equal(cp_tsv_cell(&lines, 0), "last");
	assert_int_equal(cp_tsv_next(&lines, &more, NULL), CP_OK);
	assert_false(more);
}

static void a_cell_that_nobody_writes_is_refused(void **state)
{
	static const char *const bad[] = { "\\", "\\q", "\\x1", "\\u12", "\\ud800", "\\U00110000", "\\xg0", "\\u-123",
		"1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\t13\t14\t15\t16\t17" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CP_AUTO(tsv) struct cp_tsv lines;
		bool more;

		cp_tsv_begin(&lines, bad[i], strlen(bad[i]));
		assert_int_equal(cp_tsv_next(&lines, &more, NULL), CP_EFORMAT);
	}
}

static void no_byte_string_gets_a_control_through(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 0xd800; c++) {
		CP_AUTO(buf) struct cp_buf out = CP_BUF(100);
		char point[8];

		assert_int_equal(cp_text_shown(&out, point, put_point(point, c), false, NULL), CP_OK);
		assert_true(cp_utf8_valid(out.data, out.len));
		assert_false(cp_text_has_controls(out.data, out.len, false) || cp_text_acts(out.data, out.len));
	}
}

static void a_full_buffer_leaves_what_was_there(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(6);

	(void)state;
	assert_int_equal(cp_buf_puts(&out, "abc", NULL), CP_OK);
	assert_int_equal(cp_text_shown(&out, IS("d\x1b" "f"), false, NULL), CP_EFORMAT);
	assert_string_equal(out.data, "abc");
	assert_int_equal(cp_text_diff(&out, IS("a\n"), IS("b\n"), 3, NULL), CP_EFORMAT);
	assert_string_equal(out.data, "abc");
}

static void a_quoted_value_is_short_and_safe(void **state)
{
	CP_AUTO(buf) struct cp_buf marks = CP_BUF(CP_TEXT_MAX);
	char out[CP_QUOTE];

	(void)state;
	assert_string_equal(cp_text_quote(out, IS("a\x1b" "b\n")), "\"a\\x1bb \"");
	assert_string_equal(cp_text_quote(out, "", 0), "\"\"");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(cp_buf_puts(&marks, "e\xcc\x81", NULL), CP_OK);
	cp_text_quote(out, marks.data, marks.len);
	assert_true(cp_utf8_valid(out, strlen(out)));
	assert_int_equal(cp_text_width(out, strlen(out)), 63);
	for (int i = 0; i < 1000; i++) /* one letter under a heap of marks */
		assert_int_equal(cp_buf_puts(&marks, "\xcc\x81", NULL), CP_OK);
	cp_text_quote(out, marks.data + 2998, marks.len - 2998);
	assert_true(cp_utf8_valid(out, strlen(out)) && strlen(out) < CP_QUOTE);
}

static void width_counts_what_a_terminal_shows(void **state)
{
	(void)state;
	assert_int_equal(cp_text_width(IS("abc")), 3);
	assert_int_equal(cp_text_width(IS("\xe6\xa4\x9c\xe7\xb4\xa2")), 4);           /* two wide letters */
	assert_int_equal(cp_text_width(IS("e\xcc\x81")), 1);                           /* a combining accent */
	assert_int_equal(cp_text_width(IS("\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85")), 4);   /* Arabic */
	assert_int_equal(cp_text_width("", 0), 0);
}

static void fits(const char *text, size_t width, const char *wanted)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(1000);

	assert_int_equal(cp_text_fit(&out, text, width, NULL), CP_OK);
	assert_string_equal(out.data, wanted);
	assert_int_equal(cp_text_width(out.data, out.len), width);
}

static void fitted_text_has_exactly_the_width(void **state)
{
	(void)state;
	fits("abc", 5, "abc  ");
	fits("abc", 3, "abc");
	fits("abcd", 3, "ab\xe2\x80\xa6");
	fits("\xe6\xa4\x9c\xe7\xb4\xa2", 3, "\xe6\xa4\x9c\xe2\x80\xa6");
	fits("\xe6\xa4\x9c\xe7\xb4\xa2", 2, "\xe2\x80\xa6 ");
	fits("e\xcc\x81" "e\xcc\x81", 2, "e\xcc\x81" "e\xcc\x81");
	fits("e\xcc\x81" "e\xcc\x81" "e\xcc\x81", 2, "e\xcc\x81\xe2\x80\xa6");
	fits("abc", 0, "");
	fits("", 2, "  ");
}

/* Differences */

static unsigned changed_lines(const char *diff)
{
	unsigned n = 0;

	for (const char *line = diff; *line != '\0'; line = strchr(line, '\n') + 1)
		n += line[0] == '+' || line[0] == '-';
	return n;
}

/* patch makes b from a and our diff; and we need no more lines than `diff --minimal`. */
static void judge(const char *a, size_t a_len, const char *b, size_t b_len, unsigned context, bool minimal)
{
	CP_AUTO(buf) struct cp_buf ours = CP_BUF(CP_TEXT_MAX), theirs = CP_BUF(CP_TEXT_MAX), file = CP_BUF(CP_TEXT_MAX);
	char command[300];

	assert_int_equal(cp_text_diff(&ours, a, a_len, b, b_len, context, NULL), CP_OK);
	if (a_len == b_len && memcmp(a, b, a_len) == 0) {
		assert_int_equal(ours.len, 0);
		return;
	}
	put("a", a, a_len);
	put("b", b, b_len);
	assert_int_equal(cp_buf_puts(&file, "--- a\n+++ a\n", NULL), CP_OK);
	assert_int_equal(cp_buf_add(&file, ours.data, ours.len, NULL), CP_OK);
	put("patch", file.data, file.len);
	assert_int_equal(sh("cp a c && patch -s -F0 --posix c patch && cmp c b"), 0);
	if (!minimal)
		return;
	snprintf(command, sizeof command, "diff --minimal -U%u a b | tail -n +3 >theirs", context);
	sh("%s", command);
	get(&theirs, "theirs");
	assert_int_equal(changed_lines(ours.data), changed_lines(theirs.data));
}

/* Up to n lines out of few, so that many are equal; now and then without the last newline. */
static void random_text(struct cp_buf *out, unsigned n)
{
	cp_buf_clear(out);
	for (unsigned i = dice(n); i > 0; i--)
		assert_int_equal(cp_buf_printf(out, NULL, "line %u\n", dice(12)), CP_OK);
	if (out->len > 0 && dice(4) == 0)
		out->data[--out->len] = '\0';
}

static void mutated(struct cp_buf *out, const struct cp_buf *from)
{
	cp_buf_clear(out);
	for (const char *line = from->len > 0 ? from->data : ""; *line != '\0';) {
		const char *end = strchr(line, '\n');
		size_t len = end != NULL ? (size_t)(end - line) + 1 : strlen(line);
		unsigned fate = dice(20);

		if (fate == 0)
			assert_int_equal(cp_buf_printf(out, NULL, "new %u\n", dice(5)), CP_OK);
		if (fate != 1)
			assert_int_equal(cp_buf_add(out, line, len, NULL), CP_OK);
		line += len;
	}
}

static void patch_makes_the_second_text_from_a_diff(void **state)
{
	CP_AUTO(buf) struct cp_buf a = CP_BUF(CP_TEXT_MAX), b = CP_BUF(CP_TEXT_MAX);

	(void)state;
	if (!there_is("patch") || !there_is("diff"))
		skip();
	for (int i = 0; i < 150; i++) {
		random_text(&a, 60);
		if (i % 2)
			random_text(&b, 60);
		else
			mutated(&b, &a);
		judge(a.data != NULL ? a.data : "", a.len, b.data != NULL ? b.data : "", b.len, dice(5), true);
	}
}

static void one_changed_line_prints_as_diff_prints_it(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(1000);

	(void)state;
	assert_int_equal(cp_text_diff(&out, IS("a\nb\nc"), IS("a\nB\nc"), 1, NULL), CP_OK);
	assert_string_equal(out.data, "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n\\ No newline at end of file\n");
	cp_buf_clear(&out);
	assert_int_equal(cp_text_diff(&out, "", 0, IS("x\n"), 3, NULL), CP_OK);
	assert_string_equal(out.data, "@@ -0,0 +1 @@\n+x\n");
	cp_buf_clear(&out);
	assert_int_equal(cp_text_diff(&out, IS("x\n"), IS("x"), 3, NULL), CP_OK);
	assert_string_equal(out.data, "@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n");
}

static void an_added_paragraph_shows_whole(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(1000);

	(void)state;
	assert_int_equal(cp_text_diff(&out, IS("# A\none\n\n# C\nthree\n"), IS("# A\none\n\n# B\ntwo\n\n# C\nthree\n"), 1,
			NULL), CP_OK);
	assert_string_equal(out.data, "@@ -3,2 +3,5 @@\n \n+# B\n+two\n+\n # C\n");
}

static void two_long_texts_without_a_common_line_are_still_compared(void **state)
{
	CP_AUTO(buf) struct cp_buf a = CP_BUF(CP_TEXT_MAX), b = CP_BUF(CP_TEXT_MAX);

	(void)state;
	for (int i = 0; i < 30000; i++) {
		assert_int_equal(cp_buf_printf(&a, NULL, "%u\n", i % 3 ? dice(1u << 30) : dice(50)), CP_OK);
		assert_int_equal(cp_buf_printf(&b, NULL, "%u\n", i % 3 ? dice(1u << 30) : dice(50)), CP_OK);
	}
	if (!there_is("patch") || !there_is("diff"))
		skip();
	judge(a.data, a.len, b.data, b.len, 3, false);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All stored revisions of a guideline, each against the one before. */
static void every_revision_of_a_real_guideline_patches_into_the_next(void **state)
{
	const char *from = getenv("CASEPACK_GUIDELINES") != NULL ? getenv("CASEPACK_GUIDELINES") : "samples/guidelines";
	CP_AUTO(buf) struct cp_buf a = CP_BUF(CP_TEXT_MAX), b = CP_BUF(CP_TEXT_MAX);
	char *names[500], path[5000];
	size_t n = 0;
	DIR *dir = opendir(from);
	struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	while (n < 500 && (entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, ".md") != NULL && strstr(entry->d_name, "LICENSE") == NULL)
			names[n++] = strdup(entry->d_name);
	closedir(dir);
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", from, names[i]);
		cp_buf_clear(&b);
		assert_int_equal(cp_file_read(&b, path, NULL), CP_OK);
		if (i > 0)
			judge(a.data, a.len, b.data, b.len, 3, true);
		cp_buf_clear(&a);
		assert_int_equal(cp_buf_add(&a, b.data, b.len, NULL), CP_OK);
		free(names[i]);
	}
	assert_true(n > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_utf8_is_what_iconv_reads_except_nul),
		cmocka_unit_test(a_point_beyond_the_last_is_refused),
		cmocka_unit_test(nfc_is_the_nfc_of_unicodedata),
		cmocka_unit_test(nfc_of_invalid_text_is_refused),
		cmocka_unit_test(a_plain_id_has_plain_characters_only),
		cmocka_unit_test(what_could_act_on_a_terminal_is_spelled_out),
		cmocka_unit_test(no_byte_string_gets_a_control_through),
		cmocka_unit_test(a_heap_of_marks_ends_with_the_eighth),
		cmocka_unit_test(what_is_spelled_out_in_tsv_and_json_is_read_back),
		cmocka_unit_test(a_cell_that_nobody_writes_is_refused),
		cmocka_unit_test(a_full_buffer_leaves_what_was_there),
		cmocka_unit_test(a_quoted_value_is_short_and_safe),
		cmocka_unit_test(width_counts_what_a_terminal_shows),
		cmocka_unit_test(fitted_text_has_exactly_the_width),
		cmocka_unit_test(patch_makes_the_second_text_from_a_diff),
		cmocka_unit_test(one_changed_line_prints_as_diff_prints_it),
		cmocka_unit_test(an_added_paragraph_shows_whole),
		cmocka_unit_test(two_long_texts_without_a_common_line_are_still_compared),
		cmocka_unit_test(every_revision_of_a_real_guideline_patches_into_the_next),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
