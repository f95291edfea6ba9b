/* Tabular input. Outside judges: python3's csv and json modules. */
#include "formats/rows.h"

#include "tests/unit/folder.h"
#include "tests/unit/dice.h"

#include <dirent.h>

#include "formats/text.h"

/*
 * A file as one text: each row as LINE: then its cells, each [TEXT], and a newline; each
 * bad row as its message without the folder; at the end ".".
 */
static void read_all(struct cp_buf *out, const char *name, enum cp_rows_kind kind, bool has_header)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	struct cp_err err = { 0 };
	struct cp_row row;
	bool more = true;
	enum cp_code code = cp_rows_open(&r, at(name), kind, has_header, &cp_limits_default, &err);

	cp_buf_clear(out);
	if (code != CP_OK) {
		assert_int_equal(cp_buf_printf(out, NULL, "%d %s\n", (int)code, strrchr(err.text, '/') + 1), CP_OK);
		return;
	}
	while (more) {
		code = cp_rows_next(r, &row, &more, &err);
		if (code != CP_OK) {
			assert_int_equal(code, CP_EINPUT);
			assert_int_equal(cp_buf_printf(out, NULL, "! %s\n", strrchr(err.text, '/') + 1), CP_OK);
			continue;
		}
		if (!more)
			break;
		assert_int_equal(cp_buf_printf(out, NULL, "%zu:", row.line), CP_OK);
		for (size_t i = 0; i < row.n_cells; i++) {
			assert_int_equal(row.cells[i].column, i + 1);
			assert_int_equal(strlen(row.cells[i].text), row.cells[i].len);
			assert_int_equal(cp_buf_printf(out, NULL, "[%s]", row.cells[i].text), CP_OK);
		}
		assert_int_equal(cp_buf_puts(out, "\n", NULL), CP_OK);
	}
	assert_int_equal(cp_rows_next(r, &row, &more, &err), CP_OK);
	assert_false(more);
	assert_int_equal(cp_buf_puts(out, ".", NULL), CP_OK);
}

static void reads_as(const char *bytes, size_t len, enum cp_rows_kind kind, bool has_header, const char *wanted)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);

	put("f", bytes, len);
	read_all(&out, "f", kind, has_header);
	assert_string_equal(out.data, wanted);
}

#define CSV(text, wanted) reads_as((text), sizeof(text) - 1, CP_ROWS_CSV, true, (wanted))
#define TSV(text, wanted) reads_as((text), sizeof(text) - 1, CP_ROWS_TSV, true, (wanted))
#define JSONL(text, wanted) reads_as((text), sizeof(text) - 1, CP_ROWS_JSONL, true, (wanted))

/* What is read */

static void csv_with_quotes_line_ends_and_blank_lines_is_read(void **state)
{
	(void)state;
	CSV("a,b\n1,2\n3,4", "2:[1][2]\n3:[3][4]\n.");
	CSV("a,b\r\n1,2\r\n\r\n\r\n3,4\r\n", "2:[1][2]\n5:[3][4]\n.");
	CSV("\xef\xbb\xbf\"a\",b\n\"x \"\"y\"\", z\",\"\"\n", "2:[x \"y\", z][]\n.");
	CSV("a,b\n\"one\r\ntwo\n\",2\n3,4\n", "2:[one\r\ntwo\n][2]\n5:[3][4]\n.");
	CSV("a,b\n 1 ,\t2\n", "2:[ 1 ][\t2]\n.");
	CSV("a,b\n,\n", "2:[][]\n.");
	CSV("a\n\"\"\n\nx\n", "4:[x]\n.");
	CSV("a,b\n\xe2\x80\x9cquoted\xe2\x80\x9d,5\xe2\x80\xb3 disk\n", "2:[\xe2\x80\x9cquoted\xe2\x80\x9d][5\xe2\x80\xb3 disk]\n.");
	CSV("a,b\n", ".");
	CSV("a,b\r1,2\r3,4\r", "2:[1][2]\n3:[3][4]\n.");
}

static void tsv_keeps_quotes_and_every_letter(void **state)
{
	(void)state;
	TSV("id\tq\n1\tsay \"hi\", then\n", "2:[1][say \"hi\", then]\n.");
	TSV("id\tq\r\n1\t\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85\r\n",
			"2:[1][\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85]\n.");
	TSV("id\tq\n\t\n\n2\tb", "2:[][]\n4:[2][b]\n.");
	TSV("id\tq\n1\ta\rb\n", "2:[1][a\rb]\n.");
}

static void json_lines_become_cells_of_text(void **state)
{
	(void)state;
	JSONL("{\"a\":\"x\",\"b\":3}\n\n{\"b\":0.1,\"a\":null}\n", "1:[x][3]\n3:[0.1][]\n.");
	JSONL("{\"a\":true,\"b\":[1,{\"c\": \"\xd9\x85\"}, 2.5]}\r\n{}\n", "1:[true][[1,{\"c\":\"\xd9\x85\"},2.5]]\n.");
	JSONL("{\"a\":9007199254740993,\"b\":0.30000000000000004,\"c\":false}", "1:[9007199254740993][0.30000000000000004][false]\n.");
	JSONL("{\"a\":\"\\u00e9 \\ud83d\\ude00\"}", "1:[\xc3\xa9 \xf0\x9f\x98\x80]\n.");
	JSONL("", ".");
}

static void a_file_without_a_header_has_numbered_names(void **state)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	const char *const *names;
	struct cp_row row;
	bool more;

	(void)state;
	reads_as("1,2\n3,4\n5\n", 10, CP_ROWS_CSV, false, "1:[1][2]\n2:[3][4]\n! f:3:2: 1 cells where the first row has 2\n.");
	put("f", "x\ty\n", 4);
	assert_int_equal(cp_rows_open(&r, at("f"), CP_ROWS_TSV, false, &cp_limits_default, NULL), CP_OK);
	assert_int_equal(cp_rows_header(r, &names), 2);
	assert_string_equal(names[1], "2");
	assert_int_equal(cp_rows_next(r, &row, &more, NULL), CP_OK);
	assert_string_equal(cp_row_cell(&row, "2")->text, "y");
	assert_null(cp_row_cell(&row, "3"));
}

static void cells_are_found_by_the_headers_name(void **state)
{
	CP_AUTO(rows) struct cp_rows *r = NULL, *j = NULL;
	const char *const *names;
	struct cp_row row;
	bool more;

	(void)state;
	put("f", ",id , q\n0,7,seven\n", 18);
	assert_int_equal(cp_rows_open(&r, at("f"), CP_ROWS_CSV, true, &cp_limits_default, NULL), CP_OK);
	assert_int_equal(cp_rows_header(r, &names), 3);
	assert_string_equal(names[0], "1");
	assert_int_equal(cp_rows_next(r, &row, &more, NULL), CP_OK);
	assert_true(more);
	assert_string_equal(cp_row_cell(&row, "id")->text, "7");
	assert_string_equal(cp_row_cell(&row, "q")->text, "seven");
	assert_int_equal(cp_row_cell(&row, "q")->column, 3);
	put("f", "{\"b\":1,\"a\":2}\n{\"c\":3}\n", 23);
	assert_int_equal(cp_rows_open(&j, at("f"), CP_ROWS_JSONL, true, &cp_limits_default, NULL), CP_OK);
	assert_int_equal(cp_rows_header(j, &names), 2);
	assert_string_equal(names[0], "b");
	assert_int_equal(cp_rows_next(j, &row, &more, NULL), CP_OK);
	assert_string_equal(cp_row_cell(&row, "a")->text, "2");
	assert_int_equal(cp_rows_next(j, &row, &more, NULL), CP_OK);
	assert_string_equal(cp_row_cell(&row, "c")->text, "3");
	assert_null(cp_row_cell(&row, "a"));
}

static void the_kind_goes_by_the_name(void **state)
{
	enum cp_rows_kind kind;

	(void)state;
	assert_int_equal(cp_rows_kind_of(&kind, "a.b/c.CSV", NULL), CP_OK);
	assert_int_equal(kind, CP_ROWS_CSV);
	assert_int_equal(cp_rows_kind_of(&kind, "x.tab", NULL), CP_OK);
	assert_int_equal(kind, CP_ROWS_TSV);
	assert_int_equal(cp_rows_kind_of(&kind, "x.ndjson", NULL), CP_OK);
	assert_int_equal(kind, CP_ROWS_JSONL);
	assert_int_equal(cp_rows_kind_of(&kind, "x.xlsx", NULL), CP_EUSAGE);
	assert_int_equal(cp_rows_kind_of(&kind, "csv", NULL), CP_EUSAGE);
}

/* What is refused, and where */

static void a_bad_row_is_named_and_the_next_one_read(void **state)
{
	(void)state;
	CSV("a,b\n1\n2,3\n4,5,6\n7,8\n", "! f:2:2: 1 cells where the first row has 2\n3:[2][3]\n"
			"! f:4:3: 3 cells where the first row has 2\n5:[7][8]\n.");
	CSV("a,b\n1,\xff\n2,3\n", "! f:2:2: not valid UTF-8; save the file as UTF-8\n3:[2][3]\n.");
	CSV("a,b\n1,x\0y\n2,3\n", "! f:2:2: a NUL byte; is this a text file in UTF-8?\n3:[2][3]\n.");
	TSV("a\tb\n1\n2\t\xed\xa0\x80\n3\t4", "! f:2:2: 1 cells where the first row has 2\n"
			"! f:3:2: not valid UTF-8; save the file as UTF-8\n4:[3][4]\n.");
}

#define UNBALANCED "unbalanced quotes; put a cell that holds quotes into quotes and double those inside\n"

static void an_open_quote_costs_one_line_only(void **state)
{
	(void)state;
	CSV("a,b\n1,\"x\n2,3\n4,5\n", "! f:2:2: " UNBALANCED "3:[2][3]\n4:[4][5]\n.");
	CSV("a,b\n\"x\"y,1\n2,3\n", "! f:2:1: " UNBALANCED "3:[2][3]\n.");
	CSV("a,b\n1,5\" disk\n2,3\n", "! f:2:2: " UNBALANCED "3:[2][3]\n.");
	CSV("a,b\n1,2\n3,\"x", "2:[1][2]\n! f:3:2: " UNBALANCED ".");
	CSV("a,b\n1,\"x\n2,\"y\"\n3,4\n", "! f:2:2: " UNBALANCED "3:[2][y]\n4:[3][4]\n.");
}

static void bad_json_is_named_with_line_and_column(void **state)
{
	(void)state;
	JSONL("{\"a\":1}\n{\"a\":}\n{\"a\":2}\n", "1:[1]\n! f:2:6: unexpected token near '}'\n3:[2]\n.");
	JSONL("[\n{\"a\":1}\n]\n", "! f:1:1: one object a line is needed; `jq -c '.[]'` makes lines of a JSON array\n"
			"2:[1]\n! f:3:1: '[' or '{' expected near ']'\n.");
	JSONL("[1]\n", "! f:1:1: one object a line is needed; `jq -c '.[]'` makes lines of a JSON array\n.");
	JSONL("{\"a\":1,\"a\":2}\n", "! f:1:10: duplicate object key near '\"a\"'\n.");
	JSONL("{\"a\":\"\xff\"}\n{\"a\":\"x\"}\n", "! f:1:6: unable to decode byte 0xff near '\"'\n2:[x]\n.");
	JSONL("{\"a\":\"\\u0000\"}\n", "! f:1:13: the NUL character \\u0000; take it out\n.");
}

static void a_bad_header_is_refused_at_once(void **state)
{
	(void)state;
	CSV("a,b,a\n1,2,3\n", "2 f:1:3: the header has the name \"a\" twice\n");
	CSV("", "2 f:1:1: the file is empty; its first line must name the columns\n");
	CSV("a,\"b\n1,2\n", "2 f:1:2: " UNBALANCED);
	CSV("\xff\xfe" "a\0b\0", "2 f:1:1: this is UTF-16; save the file as UTF-8\n");
}

static void a_file_that_is_not_there_is_said(void **state)
{
	struct cp_rows *r = NULL;
	struct cp_err err = { 0 };

	(void)state;
	assert_int_equal(cp_rows_open(&r, at("none.csv"), CP_ROWS_CSV, true, &cp_limits_default, &err), CP_ENOTFOUND);
	assert_non_null(strstr(err.text, "none.csv: no such file"));
	assert_null(r);
	assert_int_equal(cp_rows_open(&r, folder, CP_ROWS_CSV, true, &cp_limits_default, &err), CP_EIO);
	assert_null(r);
}

/* n bytes of c between two texts. */
static void long_file(struct cp_buf *out, const char *before, char c, size_t n, const char *behind)
{
	cp_buf_clear(out);
	assert_int_equal(cp_buf_puts(out, before, NULL), CP_OK);
	assert_int_equal(cp_buf_room(out, n, NULL), CP_OK);
	memset(out->data + out->len, c, n);
	out->len += n;
	out->data[out->len] = '\0';
	assert_int_equal(cp_buf_puts(out, behind, NULL), CP_OK);
}

#define OVER(limit, value) "over the limit \"" limit "\" of " value " bytes, the highest there is (`casepack project limits`)\n"

static void what_is_too_long_is_refused_and_passed_over(void **state)
{
	CP_AUTO(buf) struct cp_buf in = CP_BUF((size_t)80 << 20), out = CP_BUF(CP_TEXT_MAX);
	const size_t mib = (size_t)1 << 20;

	(void)state;
	long_file(&in, "a,b\n1,", 'x', mib, "\n2,3\n");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_CSV, true);
	assert_int_equal(out.len, mib + strlen("2:[1][]\n3:[2][3]\n."));
	long_file(&in, "a,b\n1,", 'x', mib + 1, "\n2,3\n");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_CSV, true);
	assert_string_equal(out.data, "! f:2:2: a cell (is a quote not closed?) is " OVER("text", "1048576") "3:[2][3]\n.");
	long_file(&in, "a,b\n1,\"", '\n', mib + 1, "\n2,3\n");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_CSV, true);
	assert_string_equal(out.data, "! f:2:2: a cell (is a quote not closed?) is " OVER("text", "1048576") "1048580:[2][3]\n.");
	long_file(&in, "a\tb\n1\t", 'x', 40 * mib, "\n2\t3\n");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_TSV, true);
	assert_string_equal(out.data, "! f:2:1: the line is " OVER("document", "16777216") "3:[2][3]\n.");
	long_file(&in, "{\"a\":\"", 'x', mib + 1, "\"}\n{\"a\":7}");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_JSONL, true);
	assert_string_equal(out.data, "! f:1:1: a cell is " OVER("text", "1048576") "2:[7]\n.");
	long_file(&in, "a\tb\n1\t", '\t', 20000, "\n2\t3\n");
	put("f", in.data, in.len);
	read_all(&out, "f", CP_ROWS_TSV, true);
	assert_string_equal(out.data, "! f:2:10001: more than 10000 cells\n3:[2][3]\n.");
}

static void standard_input_is_read_as_a_file_is(void **state)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	struct cp_row row;
	struct cp_err err;
	bool more;
	int saved = dup(STDIN_FILENO);

	(void)state;
	put("f", "a,b\n1,2\n3\n", 10);
	assert_non_null(freopen(at("f"), "r", stdin));
	assert_int_equal(cp_rows_open(&r, "-", CP_ROWS_CSV, true, &cp_limits_default, NULL), CP_OK);
	assert_int_equal(cp_rows_next(r, &row, &more, NULL), CP_OK);
	assert_string_equal(row.cells[1].text, "2");
	assert_int_equal(cp_rows_next(r, &row, &more, &err), CP_EINPUT);
	assert_string_equal(err.text, "standard input:3:2: 1 cells where the first row has 2");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

/* Against python3 */

/* Both spell a row as its cells, each with \x1f behind it, and \x1e at the end. */
#define PYTHON_CSV "python3 -c 'import csv,sys\ncsv.field_size_limit(1<<30)\n" \
	"o=open(\"theirs\",\"w\",newline=\"\",encoding=\"utf-8\")\n" \
	"for r in csv.reader(open(sys.argv[1],newline=\"\",encoding=\"utf-8-sig\")):\n" \
	"  if r and r!=[\"\"]: o.write(\"\".join(c+\"\\x1f\" for c in r)+\"\\x1e\")' "

#define PYTHON_TSV "python3 -c 'import sys\no=open(\"theirs\",\"w\",newline=\"\",encoding=\"utf-8\")\n" \
	"for l in open(sys.argv[1],newline=\"\\n\",encoding=\"utf-8-sig\"):\n" \
	"  l=l.rstrip(\"\\n\")\n  if l: o.write(\"\".join(c+\"\\x1f\" for c in l.split(\"\\t\"))+\"\\x1e\")' "

static size_t spell(struct cp_buf *out, const char *path, enum cp_rows_kind kind)
{
	CP_AUTO(rows) struct cp_rows *r = NULL;
	struct cp_err err = { 0 };
	struct cp_row row;
	size_t n = 0;
	bool more;

	cp_buf_clear(out);
	if (cp_rows_open(&r, path, kind, false, &cp_limits_default, &err) != CP_OK)
		fail_msg("%s", err.text);
	for (;; n++) {
		if (cp_rows_next(r, &row, &more, &err) != CP_OK)
			fail_msg("%s", err.text);
		if (!more)
			return n;
		for (size_t i = 0; i < row.n_cells; i++)
			assert_int_equal(cp_buf_printf(out, NULL, "%s\x1f", row.cells[i].text), CP_OK);
		assert_int_equal(cp_buf_puts(out, "\x1e", NULL), CP_OK);
	}
}

static size_t judge(const char *path, enum cp_rows_kind kind)
{
	CP_AUTO(buf) struct cp_buf ours = CP_BUF((size_t)1 << 30), theirs = CP_BUF((size_t)1 << 30);
	char command[12000];
	size_t n = spell(&ours, path, kind);

	snprintf(command, sizeof command, "%s'%s'", kind == CP_ROWS_CSV ? PYTHON_CSV : PYTHON_TSV, path);
	assert_int_equal(sh("%s", command), 0);
	get(&theirs, "theirs");
	assert_int_equal(ours.len, theirs.len);
	if (ours.len > 0)
		assert_memory_equal(ours.data, theirs.data, ours.len);
	return n;
}

static void random_cell(struct cp_buf *out)
{
	static const char *const bits[] = { "a", "\"", ",", "\n", "\r\n", "\t", " ", "\xe2\x80\x9c", "\xe2\x80\x8c",
		"\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7", "x", "7", "\xf0\x9f\x98\x80", "\r" };

	cp_buf_clear(out);
	for (unsigned i = dice(8); i > 0; i--)
		assert_int_equal(cp_buf_puts(out, bits[dice(sizeof bits / sizeof *bits)], NULL), CP_OK);
}

static void what_we_write_as_csv_python_and_we_read_alike(void **state)
{
	CP_AUTO(buf) struct cp_buf file = CP_BUF(CP_TEXT_MAX), cell = CP_BUF(1000), wanted = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf ours = CP_BUF(CP_TEXT_MAX);

	(void)state;
	for (int row = 0; row < 30000; row++) {
		for (int i = 0; i < 4; i++) {
			random_cell(&cell);
			assert_int_equal(cp_csv_add_cell(&file, cell.data != NULL ? cell.data : "", cell.len, NULL), CP_OK);
			assert_int_equal(cp_buf_puts(&file, i < 3 ? "," : row % 2 ? "\n" : "\r\n", NULL), CP_OK);
			assert_int_equal(cp_buf_printf(&wanted, NULL, "%s\x1f", cell.data != NULL ? cell.data : ""), CP_OK);
		}
		assert_int_equal(cp_buf_puts(&wanted, "\x1e", NULL), CP_OK);
	}
	put("written.csv", file.data, file.len);
	assert_int_equal(spell(&ours, at("written.csv"), CP_ROWS_CSV), 30000);
	assert_int_equal(ours.len, wanted.len);
	assert_memory_equal(ours.data, wanted.data, ours.len);
	if (there_is("python3"))
		assert_int_equal(judge(at("written.csv"), CP_ROWS_CSV), 30000);
}

static void what_python_writes_we_read(void **state)
{
	(void)state;
	if (!there_is("python3"))
		skip();
	assert_int_equal(sh("python3 -c 'import csv,random\nrandom.seed(5)\n"
			"b=[\"a\",\"\\\"\",\",\",\"\\n\",\"\\r\\n\",\" \",\"\\u201c\",\"\\u200c\",\"\\u0915\\u094d\",\"\\U0001f600\"]\n"
			"for q,t,n in((0,\"\\r\\n\",\"min\"),(1,\"\\n\",\"all\"),(2,\"\\n\",\"non\")):\n"
			"  w=csv.writer(open(n+\".csv\",\"w\",newline=\"\",encoding=\"utf-8-sig\"),quoting=q,lineterminator=t)\n"
			"  for i in range(3000): w.writerow([i]+[\"\".join(random.choices(b,k=random.randrange(9)))for _ in range(3)])'"),
			0);
	assert_int_equal(judge(at("min.csv"), CP_ROWS_CSV), 3000);
	assert_int_equal(judge(at("all.csv"), CP_ROWS_CSV), 3000);
	assert_int_equal(judge(at("non.csv"), CP_ROWS_CSV), 3000);
}

static void tables_in_three_scripts_keep_every_byte(void **state)
{
	static const char table[] = "q1\t\xd9\x85\xd8\xa7 \xd9\x87\xd9\x8a \xd8\xb9\xd8\xa7\xd8\xb5\xd9\x85\xd8\xa9\xd8\x9f\n"
		"q2\t\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7 \"\xe0\xa4\xb9\xe0\xa4\xbf\"\n"
		"q3\t\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb1\xd9\x88\xd8\xaf \n";

	(void)state;
	if (!there_is("python3"))
		skip();
	put("t.tsv", table, sizeof table - 1);
	assert_int_equal(judge(at("t.tsv"), CP_ROWS_TSV), 3);
}

/* Every .csv and .tsv of a folder that CASEPACK_TABLES names, or of samples/chorus. */
static void real_tables_are_read_as_python_reads_them(void **state)
{
	const char *from = getenv("CASEPACK_TABLES") != NULL ? getenv("CASEPACK_TABLES") : "samples/chorus";
	char path[5000], *whole;
	enum cp_rows_kind kind;
	DIR *dir = opendir(from);
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	if (!there_is("python3"))
		skip();
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (cp_rows_kind_of(&kind, entry->d_name, NULL) != CP_OK || kind == CP_ROWS_JSONL)
			continue;
		snprintf(path, sizeof path, "%s/%s", from, entry->d_name);
		whole = realpath(path, NULL);
		assert_non_null(whole);
		n += judge(whole, kind);
		free(whole);
	}
	closedir(dir);
	assert_true(n > 0);
	print_message("%zu rows\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_with_quotes_line_ends_and_blank_lines_is_read),
		cmocka_unit_test(tsv_keeps_quotes_and_every_letter),
		cmocka_unit_test(json_lines_become_cells_of_text),
		cmocka_unit_test(a_file_without_a_header_has_numbered_names),
		cmocka_unit_test(cells_are_found_by_the_headers_name),
		cmocka_unit_test(the_kind_goes_by_the_name),
		cmocka_unit_test(a_bad_row_is_named_and_the_next_one_read),
		cmocka_unit_test(an_open_quote_costs_one_line_only),
		cmocka_unit_test(bad_json_is_named_with_line_and_column),
		cmocka_unit_test(a_bad_header_is_refused_at_once),
		cmocka_unit_test(a_file_that_is_not_there_is_said),
		cmocka_unit_test(what_is_too_long_is_refused_and_passed_over),
		cmocka_unit_test(standard_input_is_read_as_a_file_is),
		cmocka_unit_test(what_we_write_as_csv_python_and_we_read_alike),
		cmocka_unit_test(what_python_writes_we_read),
		cmocka_unit_test(tables_in_three_scripts_keep_every_byte),
		cmocka_unit_test(real_tables_are_read_as_python_reads_them),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
