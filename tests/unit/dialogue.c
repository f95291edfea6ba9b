/*
 * Rating by keys, without a terminal: what a rater presses, what is saved, what is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cli/dialogue.c"
#include "cli/dialogue_draw.c"

static const char form_json[] =
	"{\"title\":\"Everything\",\"fields\":["
	"{\"name\":\"grade\",\"label\":\"Grade?\",\"help\":\"Be fair.\",\"type\":\"scale\",\"level\":\"ordinal\","
	" \"scope\":\"result\",\"required\":true,\"choices\":[{\"value\":\"0\",\"label\":\"Low\",\"key\":\"0\"},"
	" {\"value\":\"1\",\"label\":\"High\",\"key\":\"1\"}]},"
	"{\"name\":\"flags\",\"label\":\"Flags?\",\"type\":\"multi\",\"scope\":\"page\",\"choices\":["
	" {\"value\":\"spam\",\"label\":\"Spam\"},{\"value\":\"old\",\"label\":\"Old\",\"key\":\"u\"}]},"
	"{\"name\":\"ok\",\"label\":\"Ok?\",\"type\":\"bool\",\"scope\":\"page\",\"required\":true},"
	"{\"name\":\"secs\",\"label\":\"Seconds?\",\"type\":\"number\",\"level\":\"ratio\",\"scope\":\"page\","
	" \"min\":0,\"max\":100},"
	"{\"name\":\"why\",\"label\":\"Why?\",\"type\":\"text\",\"scope\":\"page\"}]}";

static struct cp_result_view results[] = {
	{ "r1", "r1", "", "T\x1b[31mred", "A snippet", "https://a.example/1", "", 1 },
	{ "r2", "r2", "", "Second", "", "https://a.example/2", "", 2 },
};

/* A rater at work: the dialogue, its case, and what was saved, as "field@result=value;". */
struct desk { struct cp_dialogue d; struct cp_task task; struct cp_buf saved; struct cp_wish wish; };

static enum cp_code nothing_yet(void *user, const char *field, const char *result, struct cp_buf *out, bool *found,
		struct cp_err *err)
{
	(void)user, (void)field, (void)result, (void)out, (void)err;
	*found = false;
	return CP_OK;
}

/* Whatever is asked: "1". */
static enum cp_code grades_given(void *user, const char *field, const char *result, struct cp_buf *out, bool *found,
		struct cp_err *err)
{
	(void)user, (void)result;
	*found = strcmp(field, "grade") == 0;
	return *found ? cp_buf_puts(out, "1", err) : CP_OK;
}

static void sit_down_with(struct desk *k, cp_answer_of *answer_of)
{
	struct cp_err err = { .code = CP_OK };

	*k = (struct desk){ .d = CP_DIALOGUE, .saved = CP_BUF(65536) };
	assert_int_equal(cp_form_read(&k->task.form, form_json, strlen(form_json), &err), CP_OK);
	k->task.view = (struct cp_case_view){ .name = "q1", .id = "q1", .kind = "serp", .query = "red shoes",
		.locale = "en-US", .market = "", .need = "", .segment = "", .state = "",
		.has_content = true, .results = results, .n_results = 2 };
	k->task.guideline = "aup";
	k->task.guideline_number = 3;
	k->task.position = 2;
	k->task.total = 3;
	k->task.due = "";
	k->task.state = "todo";
	k->task.note = "";
	assert_int_equal(cp_dialogue_begin(&k->d, &k->task, answer_of, NULL, &err), CP_OK);
}

static void sit_down(struct desk *k)
{
	sit_down_with(k, nothing_yet);
}

static void stand_up(struct desk *k)
{
	cp_dialogue_drop(&k->d);
	cp_form_drop(&k->task.form);
	cp_buf_drop(&k->saved);
}

static enum cp_todo press(struct desk *k, int key)
{
	struct cp_err err = { .code = CP_OK };

	assert_int_equal(cp_dialogue_key(&k->d, key, &k->wish, &err), CP_OK);
	if (k->wish.todo == CP_TODO_ANSWER)
		assert_int_equal(cp_buf_printf(&k->saved, &err, "%s@%s=%s;", k->wish.field, k->wish.result,
				k->wish.value), CP_OK);
	return k->wish.todo;
}

static void type_words(struct desk *k, const char *words)
{
	for (; *words != '\0'; words++)
		press(k, (unsigned char)*words);
}

static const char *saved(const struct desk *k)
{
	return k->saved.data == NULL ? "" : k->saved.data;
}

/* ---- answering ----------------------------------------------------------------------------- */

static void a_choice_answers_at_once_and_goes_on(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(press(&k, '1'), CP_TODO_ANSWER);
	assert_string_equal(k.wish.words, "High");
	assert_int_equal(press(&k, '0'), CP_TODO_ANSWER);
	assert_string_equal(saved(&k), "grade@r1=1;grade@r2=0;");
	assert_string_equal(k.d.steps[k.d.at].field->name, "flags");
	stand_up(&k);
}

static void a_whole_case_is_judged_by_keys_and_submitted_with_enter(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	type_words(&k, "101");
	press(&k, CP_KEY_ENTER);
	press(&k, 'y');
	type_words(&k, "7.50");
	press(&k, CP_KEY_ENTER);
	type_words(&k, "because u");
	press(&k, CP_KEY_ENTER);
	assert_string_equal(saved(&k), "grade@r1=1;grade@r2=0;flags@=spam;ok@=true;secs@=7.5;why@=because u;");
	assert_int_equal(k.d.at, k.d.n);
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_SUBMIT);
	stand_up(&k);
}

static void a_required_question_is_not_passed_by_enter_but_by_an_arrow(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_NOTHING);
	assert_non_null(k.wish.words);
	assert_int_equal(k.d.at, 0);
	assert_int_equal(press(&k, CP_KEY_FORTH), CP_TODO_DRAW);
	assert_int_equal(k.d.at, 1);
	stand_up(&k);
}

static void enter_at_the_summary_leads_to_the_first_answer_that_is_missing(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, '1');
	for (int i = 0; i < 5; i++)
		press(&k, CP_KEY_FORTH);
	assert_int_equal(k.d.at, k.d.n);
	assert_int_equal(cp_dialogue_missing(&k.d, NULL), 2);
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_DRAW);
	assert_int_equal(k.d.at, 1);
	stand_up(&k);
}

static void a_draft_goes_on_where_it_was_left(void **state)
{
	struct desk k;

	(void)state;
	sit_down_with(&k, grades_given);
	assert_string_equal(k.d.steps[k.d.at].field->name, "ok");
	stand_up(&k);
}

static void several_choices_are_saved_in_the_forms_order_and_turned_back(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, '1'), press(&k, '1');
	press(&k, 'u');
	press(&k, '1');
	press(&k, 'u');
	press(&k, '1');
	assert_string_equal(strstr(saved(&k), "flags"), "flags@=old;flags@=spam,old;flags@=spam;flags@=;");
	assert_null(k.d.steps[k.d.at].answer);
	stand_up(&k);
}

static void a_number_off_the_scale_is_refused_and_can_be_mended(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 4; i++)
		press(&k, CP_KEY_FORTH);
	type_words(&k, "500");
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_DRAW);
	assert_non_null(strstr(k.wish.words, "100"));
	assert_string_equal(saved(&k), "");
	press(&k, CP_KEY_BACKSPACE);
	press(&k, CP_KEY_ENTER);
	assert_string_equal(saved(&k), "secs@=50;");
	stand_up(&k);
}

static void a_backspace_takes_away_what_a_person_calls_a_character(void **state)
{
	static const int typed[] = { 'a', 0xe9, 'e', 0x301, 0x1f468, 0x200d, 0x1f469 };
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 5; i++)
		press(&k, CP_KEY_FORTH);
	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
		assert_int_equal(press(&k, typed[i]), CP_TODO_LINE);
	press(&k, CP_KEY_BACKSPACE);
	assert_string_equal(k.d.line.data, "a\u00e9e\u0301");
	press(&k, CP_KEY_BACKSPACE);
	assert_string_equal(k.d.line.data, "a\u00e9");
	press(&k, CP_KEY_BACKSPACE);
	assert_string_equal(k.d.line.data, "a");
	stand_up(&k);
}

/* ---- taking back --------------------------------------------------------------------------- */

static void undo_takes_back_answers_from_the_last_to_the_first(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, '1'), press(&k, '0');
	press(&k, CP_KEY_BACK);
	press(&k, '1');
	assert_int_equal(press(&k, CP_KEY_BACKSPACE), CP_TODO_ANSWER);
	assert_string_equal(k.wish.value, "0");
	press(&k, 'u');
	press(&k, 'u');
	assert_string_equal(saved(&k), "grade@r1=1;grade@r2=0;grade@r2=1;grade@r2=0;grade@r2=;grade@r1=;");
	assert_int_equal(k.d.at, 0);
	stand_up(&k);
}

static void undo_goes_back_into_the_case_before(void **state)
{
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, '1');
	k.task.position = 3; /* the next case, of the same shape */
	assert_int_equal(cp_dialogue_begin(&k.d, &k.task, nothing_yet, NULL, &err), CP_OK);
	assert_int_equal(press(&k, 'u'), CP_TODO_CASE);
	assert_int_equal(k.wish.position, 2);
	k.task.position = 2;
	assert_int_equal(cp_dialogue_begin(&k.d, &k.task, grades_given, NULL, &err), CP_OK);
	assert_int_equal(cp_dialogue_arrive(&k.d, &k.wish, &err), CP_OK);
	assert_int_equal(k.wish.todo, CP_TODO_ANSWER);
	assert_string_equal(k.wish.result, "r1");
	assert_string_equal(k.wish.value, "");
	assert_int_equal(k.d.at, 0);
	stand_up(&k);
}

static void undo_with_nothing_left_only_goes_back(void **state)
{
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(press(&k, 'u'), CP_TODO_CASE);
	assert_int_equal(k.wish.position, 1);
	k.task.position = 1;
	assert_int_equal(cp_dialogue_begin(&k.d, &k.task, grades_given, NULL, &err), CP_OK);
	assert_int_equal(cp_dialogue_arrive(&k.d, &k.wish, &err), CP_OK);
	assert_int_equal(k.wish.todo, CP_TODO_DRAW);
	assert_int_equal(k.d.at, k.d.n - 1);
	assert_string_equal(saved(&k), "");
	stand_up(&k);
}

static void a_skip_can_be_taken_back(void **state)
{
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, 's');
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_NOTHING); /* it needs a reason */
	type_words(&k, "broken");
	assert_int_equal(press(&k, CP_KEY_ENTER), CP_TODO_SKIP);
	assert_string_equal(k.wish.value, "broken");
	k.task.position = 3;
	assert_int_equal(cp_dialogue_begin(&k.d, &k.task, nothing_yet, NULL, &err), CP_OK);
	assert_int_equal(press(&k, 'u'), CP_TODO_CASE);
	assert_int_equal(k.wish.position, 2);
	stand_up(&k);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void where_a_choice_has_a_commands_letter_the_capital_is_the_command(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	press(&k, '1'), press(&k, '1'), press(&k, CP_KEY_ENTER);
	assert_string_equal(k.d.steps[k.d.at].field->name, "ok");
	assert_int_equal(press(&k, 'N'), CP_TODO_DRAW);
	assert_int_equal(k.d.mode, CP_MODE_NOTE);
	press(&k, CP_KEY_ESCAPE);
	assert_int_equal(press(&k, 'n'), CP_TODO_ANSWER);
	assert_string_equal(k.wish.value, "false");
	stand_up(&k);
}

static void letters_are_text_while_one_types_and_commands_after_escape(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 5; i++)
		press(&k, CP_KEY_FORTH);
	assert_int_equal(press(&k, 'q'), CP_TODO_LINE);
	press(&k, CP_KEY_ESCAPE);
	assert_int_equal(press(&k, 'g'), CP_TODO_GUIDE);
	assert_int_equal(press(&k, 'q'), CP_TODO_QUIT);
	stand_up(&k);
}

static void what_is_typed_is_not_lost_by_an_arrow(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 5; i++)
		press(&k, CP_KEY_FORTH);
	type_words(&k, "long words");
	assert_int_equal(press(&k, CP_KEY_BACK), CP_TODO_NOTHING);
	assert_string_equal(k.d.line.data, "long words");
	stand_up(&k);
}

static void there_is_no_case_before_the_first_or_behind_the_last(void **state)
{
	struct desk k;

	(void)state;
	sit_down(&k);
	k.task.position = 1;
	assert_int_equal(press(&k, '<'), CP_TODO_NOTHING);
	k.task.position = 3;
	assert_int_equal(press(&k, '>'), CP_TODO_NOTHING);
	assert_non_null(k.wish.words);
	stand_up(&k);
}

static void any_keys_in_any_order_do_no_harm(void **state)
{
	static const int keys[] = { '0', '1', 'u', 'n', 's', 'e', 'g', '?', 'y', 'N', 'U', '<', '>', 'x', '5', ' ', 0x1f600,
		CP_KEY_ENTER, CP_KEY_BACKSPACE, CP_KEY_ESCAPE, CP_KEY_KILL, CP_KEY_BACK, CP_KEY_FORTH, CP_KEY_NONE, 0 };
	struct cp_err err = { .code = CP_OK };
	uint32_t seed = 7;
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 20000; i++) {
		CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
		seed = seed * 1664525 + 1013904223;
		press(&k, keys[(seed >> 16) % (sizeof keys / sizeof *keys)]);
		cp_buf_clear(&k.saved);
		if (k.wish.todo == CP_TODO_CASE) {
			k.task.position = k.wish.position;
			assert_int_equal(cp_dialogue_begin(&k.d, &k.task, nothing_yet, NULL, &err), CP_OK);
			assert_int_equal(cp_dialogue_arrive(&k.d, &k.wish, &err), CP_OK);
		}
		assert_true(k.d.at <= k.d.n);
		assert_int_equal(cp_draw_step(&out, &k.d, 40, &err), CP_OK);
		assert_int_equal(cp_draw_line(&out, &k.d, 40, &err), CP_OK);
	}
	stand_up(&k);
}

/* ---- what is seen -------------------------------------------------------------------------- */

static void nothing_that_a_result_says_acts_on_the_terminal(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_progress progress = { .total = 3, .submitted = 1 };
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(cp_draw_case(&out, &k.d, &progress, 80, &err), CP_OK);
	assert_int_equal(cp_draw_step(&out, &k.d, 80, &err), CP_OK);
	assert_null(strchr(out.data, '\x1b'));
	assert_non_null(strstr(out.data, "T\\x1b[31mred"));
	assert_non_null(strstr(out.data, "case 2 of 3, 1 done"));
	assert_non_null(strstr(out.data, "aup, revision 3"));
	stand_up(&k);
}

static void help_is_shown_once_in_a_case(void **state)
{
	CP_AUTO(buf) struct cp_buf first = CP_BUF(CP_TEXT_MAX), second = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(cp_draw_step(&first, &k.d, 80, &err), CP_OK);
	press(&k, '1');
	assert_int_equal(cp_draw_step(&second, &k.d, 80, &err), CP_OK);
	assert_non_null(strstr(first.data, "Be fair."));
	assert_null(strstr(second.data, "Be fair."));
	assert_non_null(strstr(second.data, "2. Second"));
	stand_up(&k);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	assert_int_equal(cp_draw_step(&out, &k.d, 30, &err), CP_OK);
	for (const char *at = out.data; *at != '\0';) {
		size_t len = strcspn(at, "\n");
		assert_true(cp_text_width(at, len) <= 30);
		at += len + (at[len] == '\n');
	}
	stand_up(&k);
}

static void a_long_line_shows_its_end(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { .code = CP_OK };
	struct desk k;

	(void)state;
	sit_down(&k);
	for (int i = 0; i < 5; i++)
		press(&k, CP_KEY_FORTH);
	for (int i = 0; i < 1000; i++)
		press(&k, i == 999 ? 'z' : 0x4e2d);
	assert_int_equal(cp_draw_line(&out, &k.d, 40, &err), CP_OK);
	assert_true(cp_text_width(out.data, out.len) < 40);
	assert_true(cp_text_width(out.data, out.len) > 34);
	assert_int_equal(out.data[out.len - 1], 'z');
	assert_true(cp_utf8_valid(out.data, out.len));
	stand_up(&k);
}

static void choices_without_a_hotkey_get_a_free_one_each(void **state)
{
	struct cp_choice choices[] = { { "a", "A", 0, 0 }, { "b", "B", '1', 0 }, { "c", "C", 0, 0 }, { "d", "D", '2', 0 } };
	struct cp_field field = { .type = CP_CHOICE, .choices = choices, .n_choices = 4 };

	(void)state;
	assert_int_equal(cp_choice_key(&field, 0), '3');
	assert_int_equal(cp_choice_key(&field, 1), '1');
	assert_int_equal(cp_choice_key(&field, 2), '4');
	assert_int_equal(cp_choice_key(&field, 3), '2');
}

static void a_digit_that_is_a_value_is_its_key(void **state)
{
	struct cp_choice choices[] = { { "0", "Bad", 0, 0 }, { "1", "Fair", 0, 0 }, { "none", "None", 0, 0 },
		{ "2", "Good", 'g', 0 }, { "3", "Best", '2', 0 } };
	struct cp_field field = { .type = CP_SCALE, .choices = choices, .n_choices = 5 };

	(void)state;
	assert_int_equal(cp_choice_key(&field, 0), '0');
	assert_int_equal(cp_choice_key(&field, 1), '1');
	assert_int_equal(cp_choice_key(&field, 2), '3');
	assert_int_equal(cp_choice_key(&field, 3), 'g');
	assert_int_equal(cp_choice_key(&field, 4), '2');
}

static void a_pause_counts_as_a_minute_at_the_most(void **state)
{
	struct cp_activity a = { 1000, 0 };

	(void)state;
	cp_activity_key(&a, 4000);
	assert_int_equal(a.active_ms, 3000);
	cp_activity_key(&a, 4000 + 3600000);
	assert_int_equal(a.active_ms, 63000);
	cp_activity_key(&a, 4000 + 3600000 + 500);
	assert_int_equal(a.active_ms, 63500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_choice_answers_at_once_and_goes_on),
		cmocka_unit_test(a_whole_case_is_judged_by_keys_and_submitted_with_enter),
		cmocka_unit_test(a_required_question_is_not_passed_by_enter_but_by_an_arrow),
		cmocka_unit_test(enter_at_the_summary_leads_to_the_first_answer_that_is_missing),
		cmocka_unit_test(a_draft_goes_on_where_it_was_left),
		cmocka_unit_test(several_choices_are_saved_in_the_forms_order_and_turned_back),
		cmocka_unit_test(a_number_off_the_scale_is_refused_and_can_be_mended),
		cmocka_unit_test(a_backspace_takes_away_what_a_person_calls_a_character),
		cmocka_unit_test(undo_takes_back_answers_from_the_last_to_the_first),
		cmocka_unit_test(undo_goes_back_into_the_case_before),
		cmocka_unit_test(undo_with_nothing_left_only_goes_back),
		cmocka_unit_test(a_skip_can_be_taken_back),
		cmocka_unit_test(where_a_choice_has_a_commands_letter_the_capital_is_the_command),
		cmocka_unit_test(letters_are_text_while_one_types_and_commands_after_escape),
		cmocka_unit_test(what_is_typed_is_not_lost_by_an_arrow),
		cmocka_unit_test(there_is_no_case_before_the_first_or_behind_the_last),
		cmocka_unit_test(any_keys_in_any_order_do_no_harm),
		cmocka_unit_test(nothing_that_a_result_says_acts_on_the_terminal),
		cmocka_unit_test(help_is_shown_once_in_a_case),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(a_long_line_shows_its_end),
		cmocka_unit_test(choices_without_a_hotkey_get_a_free_one_each),
		cmocka_unit_test(a_digit_that_is_a_value_is_its_key),
		cmocka_unit_test(a_pause_counts_as_a_minute_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
