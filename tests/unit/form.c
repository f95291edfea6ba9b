/* Forms. Outside judges: jq for the canonical spelling, python3's decimal for numbers. */
#include "formats/form.h"

#include "tests/unit/folder.h"

#include "formats/decimal.h"
#include "formats/text.h"

/* Reads a form that must be good. */
static void read_good(struct cp_form *out, const char *json)
{
	struct cp_err err = { 0 };

	if (cp_form_read(out, json, strlen(json), &err) != CP_OK)
		fail_msg("%s", err.text);
}

static void print_good(struct cp_buf *out, const struct cp_form *f)
{
	cp_buf_clear(out);
	assert_int_equal(cp_form_print(out, f, NULL), CP_OK);
}

#define ONE(field) "{\"title\":\"T\",\"fields\":[{\"name\":\"f\"," field "}]}"
#define AB "\"choices\":[{\"value\":\"a\",\"label\":\"Alpha\",\"key\":\"1\"},{\"value\":\"b\",\"label\":\"B, too\"}]"

static void refused(const char *json, const char *words)
{
	struct cp_form form = { 0 };
	struct cp_err err = { 0 };
	enum cp_code code = cp_form_read(&form, json, strlen(json), &err);

	if (code != CP_EINPUT || strstr(err.text, words) == NULL || strchr(err.text, '\n') != NULL)
		fail_msg("%s\nis %d: %s", json, (int)code, err.text);
	assert_null(form.fields);
	assert_int_equal(cp_form_read(&form, json, strlen(json), NULL), CP_EINPUT);
}

/* Definitions */

static void every_preset_is_a_form_and_its_print_is_a_fixed_point(void **state)
{
	CP_AUTO(buf) struct cp_buf once = CP_BUF(CP_TEXT_MAX), twice = CP_BUF(CP_TEXT_MAX);
	const char *const *names;
	size_t n = cp_form_presets(&names);

	(void)state;
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		CP_AUTO(form) struct cp_form form = { 0 }, again = { 0 };

		read_good(&form, cp_form_preset(names[i]));
		print_good(&once, &form);
		read_good(&again, once.data);
		print_good(&twice, &again);
		assert_string_equal(once.data, twice.data);
		assert_int_equal(cp_form_may_follow(&form, &again, NULL), CP_OK);
	}
	assert_null(cp_form_preset("relevance"));
}

static void the_print_is_what_jq_calls_sorted_and_compact(void **state)
{
	CP_AUTO(buf) struct cp_buf ours = CP_BUF(CP_TEXT_MAX), theirs = CP_BUF(CP_TEXT_MAX);
	const char *const *names;
	size_t n = cp_form_presets(&names);

	(void)state;
	if (!there_is("jq"))
		skip();
	for (size_t i = 0; i <= n; i++) {
		CP_AUTO(form) struct cp_form form = { 0 };

		read_good(&form, i < n ? cp_form_preset(names[i])
			: ONE("\"type\":\"text\",\"label\":\"\\\"q\\\" \\\\ \\/ \xd9\x85\xe2\x80\x8c\",\"help\":\"a\\n\\tb\""));
		print_good(&ours, &form);
		put("form", ours.data, ours.len);
		assert_int_equal(sh("jq -cjS . form"), 0);
		get(&theirs, "said");
		assert_string_equal(ours.data, theirs.data);
	}
}

static void defaults_are_written_out(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(form) struct cp_form number = { 0 }, text = { 0 }, choice = { 0 };

	(void)state;
	read_good(&number, ONE("\"type\":\"number\",\"min\":-0.50"));
	print_good(&out, &number);
	assert_string_equal(out.data, "{\"fields\":[{\"help\":\"\",\"label\":\"f\",\"level\":\"interval\","
		"\"max\":999999999999999,\"min\":-0.5,\"name\":\"f\",\"policy\":\"latest\",\"required\":false,"
		"\"scope\":\"page\",\"type\":\"number\"}],\"title\":\"T\"}");
	read_good(&text, ONE("\"type\":\"text\""));
	print_good(&out, &text);
	assert_string_equal(out.data, "{\"fields\":[{\"help\":\"\",\"label\":\"f\",\"level\":\"nominal\","
		"\"max_length\":4000,\"name\":\"f\",\"policy\":\"latest\",\"required\":false,"
		"\"scope\":\"page\",\"type\":\"text\"}],\"title\":\"T\"}");
	read_good(&choice, "\xef\xbb\xbf" ONE("\"type\":\"multi\",\"scope\":\"result\"," AB));
	print_good(&out, &choice);
	assert_string_equal(out.data, "{\"fields\":[{\"choices\":["
		"{\"key\":\"1\",\"label\":\"Alpha\",\"severity\":0,\"value\":\"a\"},"
		"{\"key\":\"\",\"label\":\"B, too\",\"severity\":0,\"value\":\"b\"}],"
		"\"help\":\"\",\"label\":\"f\",\"level\":\"nominal\",\"name\":\"f\",\"policy\":\"latest\","
		"\"required\":false,\"scope\":\"result\",\"type\":\"multi\"}],\"title\":\"T\"}");
}

static void a_bad_definition_is_refused_with_its_place(void **state)
{
	(void)state;
	refused("", "line 1");
	refused("{\"title\":\"T\",\n\"fields\":[}", "form: line 2, column ");
	refused("{\"title\":\"T\",\"title\":\"T\",\"fields\":[]}", "duplicate");
	refused("[]", "must be an object");
	refused("{}", "\"fields\" must list");
	refused("{\"fields\":[7]}", "field 1: must be an object");
	refused("{\"fields\":[{\"type\":\"bool\"}]}", "field 1: \"name\" is missing");
	refused("{\"fields\":[{\"name\":\"Grade\",\"type\":\"bool\"}]}", "name \"Grade\"");
	refused("{\"fields\":[{\"name\":\"a23456789012345678901234567890123\",\"type\":\"bool\"}]}", "must be a-z");
	refused("{\"fields\":[{\"name\":\"a\",\"type\":\"bool\"},{\"name\":\"a\",\"type\":\"bool\"}]}",
			"field 2: the name \"a\" is taken by field 1");
	refused(ONE("\"kind\":1"), "field \"f\": \"kind\" is not known");
	refused(ONE("\"label\":1"), "\"label\" must be text");
	refused(ONE("\"label\":\"a\\u001bb\""), "control character");
	refused(ONE("\"label\":\"\\u0000\""), "line 1");
	refused(ONE("\"help\":\"x\""), "\"type\" is missing");
	refused(ONE("\"type\":\"sacle\""), "\"type\" must be scale, choice, multi, bool, text, number or preference");
	refused(ONE("\"type\":\"bool\",\"level\":\"ordinal\""), "a bool cannot be of level ordinal");
	refused(ONE("\"type\":\"scale\",\"level\":\"nominal\"," AB), "a scale cannot be of level nominal");
	refused(ONE("\"type\":\"bool\",\"required\":1"), "\"required\" must be true or false");
	refused(ONE("\"type\":\"bool\",\"scope\":\"serp\""), "\"scope\" must be page or result");
	refused(ONE("\"type\":\"bool\",\"policy\":\"first\""), "\"policy\" must be latest, severest or review");
	refused(ONE("\"type\":\"choice\",\"policy\":\"severest\"," AB), "differ in \"severity\"");
	refused(ONE("\"type\":\"text\",\"policy\":\"severest\""), "differ in \"severity\"");
	refused(ONE("\"type\":\"bool\"," AB), "a bool has no \"choices\"");
	refused(ONE("\"type\":\"choice\""), "\"choices\" must list 2 to 100");
	refused(ONE("\"type\":\"choice\",\"choices\":[{\"value\":\"a\"}]"), "\"choices\" must list 2 to 100");
	refused(ONE("\"type\":\"bool\",\"min\":1"), "a bool has no \"min\"");
	refused(ONE("\"type\":\"bool\",\"max_length\":1"), "a bool has no \"max_length\"");
	refused(ONE("\"type\":\"number\",\"min\":2,\"max\":1"), "\"min\" is above \"max\"");
	refused(ONE("\"type\":\"number\",\"min\":0.1234567890123456"), "at most 15 digits");
	refused(ONE("\"type\":\"number\",\"min\":1e300"), "at most 15 digits");
	refused(ONE("\"type\":\"number\",\"min\":\"1\""), "must be a number");
	refused(ONE("\"type\":\"text\",\"max_length\":0"), "whole number from 1");
	refused(ONE("\"type\":\"text\",\"max_length\":9999999"), "whole number from 1");
}

static void a_bad_choice_is_refused_with_its_place(void **state)
{
	(void)state;
#define TWO(second) ONE("\"type\":\"choice\",\"choices\":[{\"value\":\"a\",\"label\":\"Yes\",\"key\":\"1\"}," second "]")
	refused(TWO("7"), "choice 2: must be an object");
	refused(TWO("{\"label\":\"x\"}"), "field \"f\": choice 2: \"value\" is missing");
	refused(TWO("{\"value\":\"x y\"}"), "value \"x y\" must be");
	refused(TWO("{\"value\":\"x,y\"}"), "must be 1 to 64 of");
	refused(TWO("{\"value\":\"\"}"), "must be 1 to 64 of");
	refused(TWO("{\"value\":\"A\"}"), "choices 1 and 2 both answer to \"a\"");
	refused(TWO("{\"value\":\"x\",\"label\":\"yES\"}"), "both answer to \"yes\"");
	refused(TWO("{\"value\":\"x\",\"key\":\"1\"}"), "both answer to \"1\"");
	refused(TWO("{\"value\":\"1\"}"), "both answer to \"1\"");
	refused(TWO("{\"value\":\"x\",\"key\":\"12\"}"), "\"key\" must be one of");
	refused(TWO("{\"value\":\"x\",\"key\":\"A\"}"), "\"key\" must be one of");
	refused(TWO("{\"value\":\"x\",\"severity\":-1}"), "\"severity\" must be a whole number from 0");
	refused(TWO("{\"value\":\"x\",\"severity\":1.5}"), "\"severity\" must be a whole number from 0");
#undef TWO
}

static void values_that_are_counted_with_are_rising_numbers(void **state)
{
	(void)state;
#define VALUES(a, b) "\"choices\":[{\"value\":\"" a "\"},{\"value\":\"" b "\"}]"
	refused(ONE("\"type\":\"scale\",\"level\":\"interval\"," VALUES("low", "high")), "\"low\" must be a number");
	refused(ONE("\"type\":\"scale\",\"level\":\"ratio\"," VALUES("2", "1")), "values must rise");
	refused(ONE("\"type\":\"preference\"," VALUES("left", "right")), "must be a number");
	refused(ONE("\"type\":\"preference\"," VALUES("-1", "2")), "needs its opposite");
	refused(ONE("\"type\":\"preference\"," VALUES("1", "-1")), "values must rise");
#undef VALUES
}

static void a_definition_nested_deeper_than_any_form_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf deep = CP_BUF(CP_TEXT_MAX);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(cp_buf_puts(&deep, "[", NULL), CP_OK);
	refused(deep.data, "depth");
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(cp_buf_puts(&deep, " ", NULL), CP_OK);
	refused(deep.data, "at most 1048576 are allowed");
}

/* Answers */

/* given becomes wanted, wanted stays as it is, and only wanted is accepted. */
static void answers(const struct cp_form *form, const char *given, const char *wanted)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX), again = CP_BUF(CP_TEXT_MAX);
	const struct cp_field *f = &form->fields[0];
	struct cp_err err = { 0 };

	if (cp_field_value(&out, f, given, strlen(given), &err) != CP_OK)
		fail_msg("%s", err.text);
	assert_string_equal(out.data, wanted);
	assert_int_equal(cp_field_value(&again, f, wanted, strlen(wanted), NULL), CP_OK);
	assert_string_equal(again.data, wanted);
	assert_true(cp_field_accepts(f, wanted, strlen(wanted)));
	assert_int_equal(cp_field_accepts(f, given, strlen(given)), strcmp(given, wanted) == 0);
}

static void no_answer(const struct cp_form *form, const char *given, const char *words)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { 0 };
	enum cp_code code;

	assert_int_equal(cp_buf_puts(&out, "before", NULL), CP_OK);
	code = cp_field_value(&out, &form->fields[0], given, strlen(given), &err);
	if (code != CP_EINPUT || strstr(err.text, words) == NULL)
		fail_msg("%s is %d: %s", given, (int)code, err.text);
	assert_string_equal(out.data, "before");
	assert_false(cp_field_accepts(&form->fields[0], given, strlen(given)));
}

static void a_choice_is_taken_by_value_label_or_key(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"choice\",\"choices\":[{\"value\":\"a\",\"label\":\"Alpha\",\"key\":\"1\"},"
			"{\"value\":\"b\",\"label\":\"\xc3\x89t\xc3\xa9\"}]"));
	answers(&form, "a", "a");
	answers(&form, " A\r\n", "a");
	answers(&form, "alpha", "a");
	answers(&form, "1", "a");
	answers(&form, "E\xcc\x81T\xc3\xa9", "b"); /* another spelling of the same letters */
	no_answer(&form, "c", "f: \"c\" is not one of a (Alpha), b (\xc3\x89t\xc3\xa9)");
	no_answer(&form, "", "empty");
	no_answer(&form, "  ", "empty");
	no_answer(&form, "\xff", "UTF-8");
	no_answer(&form, "a,b", "not one of");
	no_answer(&form, "\x1b[2J", "\\x1b[2J");
	no_answer(&form, "1.0", "not one of");
}

static void a_grade_that_a_spreadsheet_wrote_is_understood(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 }, sxs = { 0 };

	(void)state;
	read_good(&form, cp_form_preset("relevance-0-3"));
	answers(&form, "3.0", "3");
	answers(&form, "+2", "2");
	answers(&form, "01", "1");
	answers(&form, "perfectly RELEVANT", "3");
	no_answer(&form, "4", "grade: \"4\" is not one of 0 (Not relevant), 1 (Related)");
	no_answer(&form, "2.5", "not one of");
	read_good(&sxs, cp_form_preset("sxs-7"));
	answers(&sxs, "-3", "-3");
	answers(&sxs, "-3.00", "-3");
	answers(&sxs, "7", "-3"); /* its key */
	answers(&sxs, "+1", "1");
}

static void several_choices_are_sorted_and_joined(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"multi\"," AB));
	answers(&form, "b,a", "a,b");
	answers(&form, " b ; 1, a,", "a,b");
	answers(&form, "B, too", "b");
	answers(&form, "a", "a");
	no_answer(&form, "a,c", "\"c\" is not one of");
	no_answer(&form, ",", "is not one of");
}

static void a_label_that_reads_like_two_values_does_not_hide_them(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"multi\",\"choices\":[{\"value\":\"a\"},{\"value\":\"b\"},"
			"{\"value\":\"c\",\"label\":\"a,b\"}]"));
	answers(&form, "a,b", "a,b");
	answers(&form, "A,B", "c");
}

static void yes_and_no_have_one_spelling(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"bool\",\"policy\":\"severest\""));
	answers(&form, "TRUE", "true");
	answers(&form, "yes", "true");
	answers(&form, "0", "false");
	answers(&form, "false", "false");
	no_answer(&form, "maybe", "true, false");
	assert_int_equal(cp_field_severity(&form.fields[0], "true", 4), 1);
	assert_int_equal(cp_field_severity(&form.fields[0], "false", 5), 0);
}

static void a_number_has_one_spelling_and_bounds(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"number\",\"min\":-2.5,\"max\":1e6"));
	answers(&form, "3.50", "3.5");
	answers(&form, "-0", "0");
	answers(&form, "-0.0", "0");
	answers(&form, "+007.", "7");
	answers(&form, ".5", "0.5");
	answers(&form, "-2.5", "-2.5");
	answers(&form, "1000000", "1000000");
	answers(&form, "-0.25", "-0.25");
	no_answer(&form, "-2.6", "from -2.5 to 1000000");
	no_answer(&form, "1000000.1", "from -2.5 to 1000000");
	no_answer(&form, "3,5", "with a point");
	no_answer(&form, "1e3", "not a number");
	no_answer(&form, ".", "not a number");
	no_answer(&form, "-", "not a number");
	no_answer(&form, "nan", "not a number");
	no_answer(&form, "0.1234567890123456", "15 digits");
}

static void text_keeps_its_letters_and_gets_plain_line_ends(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"text\",\"max_length\":12"));
	answers(&form, "a\r\nb\rc\n\n", "a\nb\nc");
	answers(&form, " a\tb ", "a\tb");
	answers(&form, "\xd9\x85\xe2\x80\x8c\xd9\x86", "\xd9\x85\xe2\x80\x8c\xd9\x86");
	answers(&form, "123456789012", "123456789012");
	no_answer(&form, "1234567890123", "13 bytes; at most 12");
	no_answer(&form, "a\x1b", "control character");
	no_answer(&form, "a\xc2\x85" "b", "control character");
}

static void decimals_are_what_pythons_decimal_says(void **state)
{
	CP_AUTO(buf) struct cp_buf in = CP_BUF(CP_TEXT_MAX), ours = CP_BUF(CP_TEXT_MAX), theirs = CP_BUF(CP_TEXT_MAX);
	unsigned long seed = 3;

	(void)state;
	if (!there_is("python3"))
		skip();
	for (int i = 0; i < 20000; i++) {
		struct cp_decimal d, back;
		char text[64];
		int decimals = i % 12;

		seed = seed * 6364136223846793005ul + 1442695040888963407ul;
		snprintf(text, sizeof text, "%s%ld.%0*ld", i % 2 ? "-" : "", (long)(seed >> 50) % 1000, decimals,
				decimals > 0 ? (long)(seed >> 20) % 1000 : 0l);
		assert_true(cp_decimal_read(&d, text, strlen(text)));
		assert_true(cp_decimal_of(&back, cp_decimal_value(&d)));
		assert_int_equal(back.mantissa, d.mantissa);
		assert_int_equal(back.decimals, d.decimals);
		assert_int_equal(cp_buf_printf(&in, NULL, "%s\n", text), CP_OK);
		assert_int_equal(cp_decimal_print(&ours, &d, NULL), CP_OK);
		assert_int_equal(cp_buf_puts(&ours, "\n", NULL), CP_OK);
	}
	put("numbers", in.data, in.len);
	assert_int_equal(sh("python3 -c 'from decimal import Decimal as D\n"
			"for l in open(\"numbers\"):\n d=D(l); print(0 if d==0 else format(d.normalize(),\"f\"))'"), 0);
	get(&theirs, "said");
	assert_int_equal(ours.len, theirs.len);
	assert_string_equal(ours.data, theirs.data);
}

static void the_worst_of_several_choices_is_the_severity(void **state)
{
	CP_AUTO(form) struct cp_form form = { 0 }, violation = { 0 };

	(void)state;
	read_good(&form, ONE("\"type\":\"multi\",\"policy\":\"severest\",\"choices\":[{\"value\":\"a\",\"severity\":3},"
			"{\"value\":\"b\",\"severity\":1},{\"value\":\"c\"}]"));
	assert_int_equal(cp_field_severity(&form.fields[0], "a,b", 3), 3);
	assert_int_equal(cp_field_severity(&form.fields[0], "b,c", 3), 1);
	assert_int_equal(cp_field_severity(&form.fields[0], "c", 1), 0);
	assert_int_equal(cp_field_severity(&form.fields[0], "", 0), 0);
	read_good(&violation, cp_form_preset("violation"));
	assert_int_equal(cp_field_severity(cp_form_field(&violation, "severity"), "4", 1), 4);
	assert_true(cp_field_severity(cp_form_field(&violation, "violation"), "yes", 3) >
			cp_field_severity(cp_form_field(&violation, "violation"), "no", 2));
}

static void no_preset_key_is_ambiguous_and_each_means_its_choice(void **state)
{
	const char *const *names;
	size_t n = cp_form_presets(&names);

	(void)state;
	for (size_t p = 0; p < n; p++) {
		CP_AUTO(form) struct cp_form form = { 0 };

		read_good(&form, cp_form_preset(names[p]));
		for (size_t i = 0; i < form.n_fields; i++)
			for (size_t k = 0; k < form.fields[i].n_choices; k++) {
				CP_AUTO(buf) struct cp_buf out = CP_BUF(100);
				const struct cp_choice *c = &form.fields[i].choices[k];

				assert_int_not_equal(c->hotkey, 0);
				assert_int_equal(cp_field_value(&out, &form.fields[i], &c->hotkey, 1, NULL), CP_OK);
				assert_string_equal(out.data, c->value);
			}
	}
}

/* Versions */

static void follows(const char *before, const char *next, const char *words)
{
	CP_AUTO(form) struct cp_form a = { 0 }, b = { 0 };
	struct cp_err err = { 0 };
	enum cp_code code;

	read_good(&a, before);
	read_good(&b, next);
	code = cp_form_may_follow(&a, &b, &err);
	if (words == NULL && code != CP_OK)
		fail_msg("%s", err.text);
	if (words != NULL && (code != CP_EINPUT || strstr(err.text, words) == NULL))
		fail_msg("%d: %s", (int)code, err.text);
}

static void a_form_may_grow_but_not_change_its_meaning(void **state)
{
	(void)state;
#define SCALE(more) ONE("\"type\":\"scale\",\"choices\":[" more "]")
	follows(SCALE("{\"value\":\"1\"},{\"value\":\"3\"}"),
			SCALE("{\"value\":\"1\",\"label\":\"One\"},{\"value\":\"2\"},{\"value\":\"3\"}"), NULL);
	follows(SCALE("{\"value\":\"1\"},{\"value\":\"3\"}"), SCALE("{\"value\":\"3\"},{\"value\":\"1\"}"), "its rank");
	follows(SCALE("{\"value\":\"1\"},{\"value\":\"3\"}"), SCALE("{\"value\":\"1\"},{\"value\":\"2\"}"),
			"the choice \"3\" goes; make a new field");
	follows(ONE("\"type\":\"bool\""), "{\"fields\":[{\"name\":\"g\",\"type\":\"text\"},"
			"{\"name\":\"f\",\"type\":\"bool\",\"required\":true}]}", NULL);
	follows(ONE("\"type\":\"bool\""), "{\"fields\":[{\"name\":\"g\",\"type\":\"bool\"}]}", "field \"f\" goes");
	follows(ONE("\"type\":\"bool\""), ONE("\"type\":\"text\""), "type changes from bool to text");
	follows(ONE("\"type\":\"number\""), ONE("\"type\":\"number\",\"level\":\"ratio\""), "level changes");
	follows(ONE("\"type\":\"text\""), ONE("\"type\":\"text\",\"scope\":\"result\""), "scope changes");
	follows(ONE("\"type\":\"number\",\"min\":0"), ONE("\"type\":\"number\",\"min\":1"), "no longer are");
	follows(ONE("\"type\":\"number\",\"min\":0"), ONE("\"type\":\"number\",\"min\":-1"), NULL);
	follows(ONE("\"type\":\"text\""), ONE("\"type\":\"text\",\"max_length\":10"), "no longer are");
#undef SCALE
	follows(ONE("\"type\":\"choice\"," AB), ONE("\"type\":\"choice\",\"choices\":[{\"value\":\"b\"},{\"value\":\"a\"}]"),
			NULL);
}

/* The example of formats/form.md is read, and is as canonical as it says. */
static void the_example_of_the_format_page_is_true(void **state)
{
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX), out = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(form) struct cp_form written = { 0 }, canonical = { 0 };
	char *begin, *end, *line;

	(void)state;
	assert_int_equal(cp_file_read(&page, "formats/form.md", NULL), CP_OK);
	begin = strstr(page.data, "```json\n");
	assert_non_null(begin);
	end = strstr(begin + 8, "```");
	assert_non_null(end);
	*end = '\0';
	read_good(&written, begin + 8);
	line = strstr(end + 1, "\n{\"fields\":");
	assert_non_null(line);
	*strchr(line + 1, '\n') = '\0';
	read_good(&canonical, line + 1);
	print_good(&out, &written);
	assert_string_equal(out.data, line + 1);
	print_good(&out, &canonical);
	assert_string_equal(out.data, line + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_preset_is_a_form_and_its_print_is_a_fixed_point),
		cmocka_unit_test(the_print_is_what_jq_calls_sorted_and_compact),
		cmocka_unit_test(defaults_are_written_out),
		cmocka_unit_test(a_bad_definition_is_refused_with_its_place),
		cmocka_unit_test(a_bad_choice_is_refused_with_its_place),
		cmocka_unit_test(values_that_are_counted_with_are_rising_numbers),
		cmocka_unit_test(a_definition_nested_deeper_than_any_form_is_refused),
		cmocka_unit_test(a_choice_is_taken_by_value_label_or_key),
		cmocka_unit_test(a_grade_that_a_spreadsheet_wrote_is_understood),
		cmocka_unit_test(several_choices_are_sorted_and_joined),
		cmocka_unit_test(a_label_that_reads_like_two_values_does_not_hide_them),
		cmocka_unit_test(yes_and_no_have_one_spelling),
		cmocka_unit_test(a_number_has_one_spelling_and_bounds),
		cmocka_unit_test(text_keeps_its_letters_and_gets_plain_line_ends),
		cmocka_unit_test(decimals_are_what_pythons_decimal_says),
		cmocka_unit_test(the_worst_of_several_choices_is_the_severity),
		cmocka_unit_test(no_preset_key_is_ambiguous_and_each_means_its_choice),
		cmocka_unit_test(a_form_may_grow_but_not_change_its_meaning),
		cmocka_unit_test(the_example_of_the_format_page_is_true),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
