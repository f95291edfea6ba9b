/*
 * The terminal's side of cli/dialogue.h: keys read raw, lines written plainly, and
 * each wish carried out. The screen scrolls as it always does; nothing is redrawn but
 * the line being typed.
 */
#include "cli/rate.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/dialogue.h"
#include "cli/table.h"
#include "formats/text.h"
#include "sync/texts.h"

#define ESCAPE_MS 50 /* an escape sequence's bytes come at once; a pressed Esc comes alone */

/* ---- the terminal -------------------------------------------------------------------------- */

/* As it was found; a signal must be able to put it back. */
static struct termios cooked;
static volatile sig_atomic_t is_raw;

static void cook(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	is_raw = 0;
}

static void on_signal(int number)
{
	cook();
	signal(number, SIG_DFL);
	raise(number);
}

static enum cp_code make_raw(struct cp_err *err)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &cooked) != 0)
		return cp_fail_errno(err, "the terminal");
	raw = cooked;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) {
		is_raw = 0;
		return cp_fail_errno(err, "the terminal");
	}
	return CP_OK;
}

static void watch_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static bool has_input(int wait_ms)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, wait_ms) > 0;
}

/* -1 at the end of input. */
static int read_byte(void)
{
	unsigned char byte;
	ssize_t n;

	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? byte : -1;
}

/* What follows an escape byte. */
static int read_escape(void)
{
	if (!has_input(ESCAPE_MS))
		return CP_KEY_ESCAPE;
	int byte = read_byte();
	if (byte != '[' && byte != 'O')
		return CP_KEY_NONE;
	do
		byte = read_byte();
	while (byte >= 0 && (byte < 0x40 || byte > 0x7e));
	if (byte == 'A' || byte == 'D')
		return CP_KEY_BACK;
	return byte == 'B' || byte == 'C' ? CP_KEY_FORTH : CP_KEY_NONE;
}

/* The rest of a UTF-8 character; what is none is no key. */
static int read_character(int first)
{
	int left = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	char bytes[4] = { (char)first };
	int point = first & (0x3f >> left);

	if (first < 0xc2 || first > 0xf4)
		return CP_KEY_NONE;
	for (int i = 1; i <= left; i++) {
		int byte = read_byte();
		if (byte < 0)
			return CP_KEY_END;
		bytes[i] = (char)byte;
		point = point << 6 | (byte & 0x3f);
	}
	return cp_utf8_valid(bytes, (size_t)left + 1) ? point : CP_KEY_NONE;
}

static int read_key(void)
{
	int byte = read_byte();

	switch (byte) {
	case -1:
	case 3:  /* ctrl-c */
	case 4:  /* ctrl-d */
		return CP_KEY_END;
	case '\r':
	case '\n':
		return CP_KEY_ENTER;
	case 8:
	case 0x7f:
		return CP_KEY_BACKSPACE;
	case 21: /* ctrl-u */
		return CP_KEY_KILL;
	case 27:
		return read_escape();
	default:
		break;
	}
	if (byte < 0x20)
		return byte == '\t' ? CP_KEY_FORTH : CP_KEY_NONE;
	return byte < 0x80 ? byte : read_character(byte);
}

/* ---- the talk ------------------------------------------------------------------------------ */

struct talk {
	struct cp_store *store;
	struct cp_dialogue d;
	struct cp_task task;
	struct cp_activity activity;
	bool is_over;
	const char *farewell;
};

static enum cp_code write_out(const struct cp_buf *text, struct cp_err *err)
{
	if (text->len > 0 && fwrite(text->data, 1, text->len, stdout) != text->len)
		return cp_fail_errno(err, "the terminal");
	return fflush(stdout) == 0 ? CP_OK : cp_fail_errno(err, "the terminal");
}

static enum cp_code say(const char *words, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_text_shown(&out, words, strlen(words), false, err));
	CP_TRY(cp_buf_puts(&out, "\n", err));
	return write_out(&out, err);
}

/* The prompt in the last line, with what has been typed. */
static enum cp_code draw_line(struct talk *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_buf_puts(&out, "\r\x1b[K", err));
	CP_TRY(cp_draw_line(&out, &t->d, cp_terminal_width(), err));
	return write_out(&out, err);
}

static enum cp_code draw_step(struct talk *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_draw_step(&out, &t->d, cp_terminal_width(), err));
	CP_TRY(write_out(&out, err));
	return draw_line(t, err);
}

static enum cp_code answer_of(void *user, const char *field, const char *result, struct cp_buf *out, bool *found,
		struct cp_err *err)
{
	struct talk *t = user;

	return cp_task_answer(t->store, &t->task, field, result, out, found, err);
}

/* Time at work since it was last asked for. */
static int64_t take_active_ms(struct talk *t)
{
	int64_t ms = t->activity.active_ms;

	t->activity.active_ms = 0;
	return ms;
}

static enum cp_code save(struct talk *t, const struct cp_answer *answer, enum cp_submit how, const char *note,
		struct cp_judge_result *out, struct cp_err *err)
{
	return cp_judge(t->store, &t->task, answer, answer == NULL ? 0 : 1, how, note, take_active_ms(t), out, err);
}

/* ---- from case to case --------------------------------------------------------------------- */

static enum cp_code carry_out(struct talk *t, const struct cp_wish *first, struct cp_err *err);

/* Takes task. */
static enum cp_code show_case(struct talk *t, struct cp_task *task, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_progress progress;
	struct cp_wish wish;

	cp_task_drop(&t->task);
	t->task = *task;
	t->activity.active_ms = 0;
	CP_TRY(cp_dialogue_begin(&t->d, &t->task, answer_of, t, err));
	CP_TRY(cp_progress(t->store, &progress, err));
	CP_TRY(cp_draw_case(&out, &t->d, &progress, cp_terminal_width(), err));
	CP_TRY(write_out(&out, err));
	CP_TRY(cp_dialogue_arrive(&t->d, &wish, err));
	return carry_out(t, &wish, err);
}

static enum cp_code show_position(struct talk *t, int64_t position, struct cp_err *err)
{
	struct cp_task task = { .held = NULL };
	bool found = false;

	CP_TRY(cp_task_at(t->store, position, &task, &found, err));
	if (!found)
		return cp_fail(err, CP_ENOTFOUND, "there is no case %lld in your list", (long long)position);
	if (task.view.has_content)
		return show_case(t, &task, err);
	char words[128];
	snprintf(words, sizeof words, "The content of case %.64s has %s.", task.view.id, task.view.is_expired ? "expired" : "not come yet");
	cp_task_drop(&task);
	CP_TRY(say(words, err));
	return t->d.task == NULL ? CP_OK : draw_step(t, err);
}

/* The first case to do at or behind from whose content is here; 0: none. */
static enum cp_code find_ready(struct talk *t, int64_t from, int64_t *out, struct cp_err *err)
{
	for (*out = 0;; from = *out + 1) {
		struct cp_task task = { .held = NULL };
		bool found = false;
		CP_TRY(cp_task_next(t->store, from, out, err));
		if (*out == 0)
			return CP_OK;
		CP_TRY(cp_task_at(t->store, *out, &task, &found, err));
		bool is_ready = found && task.view.has_content;
		cp_task_drop(&task);
		if (is_ready)
			return CP_OK;
	}
}

static enum cp_code go_on(struct talk *t, int64_t from, struct cp_err *err)
{
	int64_t position = 0;

	CP_TRY(find_ready(t, from, &position, err));
	if (position == 0 && from > 1)
		CP_TRY(find_ready(t, 1, &position, err));
	if (position > 0)
		return show_position(t, position, err);
	t->is_over = true;
	t->farewell = "Nothing is left to judge. `casepack return -o DIR` or `casepack sync DIR` hands it in.";
	return CP_OK;
}

/* ---- wishes -------------------------------------------------------------------------------- */

static enum cp_code leave_case(struct talk *t, const struct cp_wish *w, struct cp_err *err)
{
	enum cp_submit how = w->todo == CP_TODO_SUBMIT ? CP_SUBMIT_IF_COMPLETE
		: w->todo == CP_TODO_SKIP ? CP_SUBMIT_SKIP : CP_SUBMIT_ESCALATE;
	struct cp_judge_result r = { .state = "" };
	char words[256];

	/* An empty reason leaves the note that is there. */
	CP_TRY(save(t, NULL, how, w->value != NULL && w->value[0] != '\0' ? w->value : NULL, &r, err));
	snprintf(words, sizeof words, r.missing > 0 && how == CP_SUBMIT_IF_COMPLETE ? "%.64s: %s; missing: %s" : "%.64s: %s",
			t->task.view.id, r.state, r.first_missing);
	CP_TRY(say(words, err));
	return go_on(t, t->task.position + 1, err);
}

static enum cp_code page(const struct cp_buf *text, struct cp_err *err)
{
	const char *pager = getenv("PAGER");

	if (pager == NULL || pager[0] == '\0')
		return write_out(text, err);
	cook();
	FILE *f = popen(pager, "w");
	if (f != NULL) {
		signal(SIGPIPE, SIG_IGN);
		fwrite(text->data, 1, text->len, f);
		pclose(f);
		signal(SIGPIPE, SIG_DFL);
	}
	CP_TRY(make_raw(err));
	return f != NULL ? CP_OK : write_out(text, err);
}

static enum cp_code show_guideline(struct talk *t, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	if (t->task.guideline[0] == '\0')
		return say("This case has no guideline.", err);
	CP_TRY(cp_text_get(t->store, false, t->task.guideline, t->task.guideline_number, &body, NULL, err));
	CP_TRY(cp_buf_puts(&shown, "\n", err));
	if (body.len > 0)
		CP_TRY(cp_text_shown(&shown, body.data, body.len, true, err));
	CP_TRY(cp_buf_puts(&shown, "\n", err));
	return page(&shown, err);
}

static enum cp_code show_help(struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_draw_help(&out, err));
	return write_out(&out, err);
}

static enum cp_code save_draft(struct talk *t, const struct cp_wish *w, struct cp_err *err)
{
	struct cp_answer answer = { w->field, w->result, w->value };
	struct cp_judge_result r;

	if (w->todo == CP_TODO_NOTE)
		return save(t, NULL, CP_SUBMIT_DRAFT, w->value, &r, err);
	return save(t, &answer, CP_SUBMIT_DRAFT, NULL, &r, err);
}

static enum cp_code carry_out(struct talk *t, const struct cp_wish *w, struct cp_err *err)
{
	if (w->words != NULL)
		CP_TRY(say(w->words, err));
	switch (w->todo) {
	case CP_TODO_NOTHING:
		return w->words == NULL ? CP_OK : draw_line(t, err);
	case CP_TODO_LINE:
		return has_input(0) ? CP_OK : draw_line(t, err);
	case CP_TODO_ANSWER:
	case CP_TODO_NOTE:
		CP_TRY(save_draft(t, w, err));
		return draw_step(t, err);
	case CP_TODO_DRAW:
		return draw_step(t, err);
	case CP_TODO_SUBMIT:
	case CP_TODO_SKIP:
	case CP_TODO_ESCALATE:
		return leave_case(t, w, err);
	case CP_TODO_CASE:
		return show_position(t, w->position, err);
	case CP_TODO_GUIDE:
		CP_TRY(show_guideline(t, err));
		return draw_step(t, err);
	case CP_TODO_HELP:
		CP_TRY(show_help(err));
		return draw_step(t, err);
	case CP_TODO_QUIT:
		t->is_over = true;
		t->farewell = "Everything is saved.";
		return CP_OK;
	}
	return CP_OK;
}

/* A word typed by hand ends its line before anything else is said. */
static enum cp_code end_line(enum cp_mode mode, const struct cp_wish *w, int key, struct cp_err *err)
{
	bool is_typing = mode != CP_MODE_KEYS || key == CP_KEY_ENTER || key == CP_KEY_ESCAPE;

	if (w->todo == CP_TODO_LINE || (w->todo == CP_TODO_NOTHING && w->words == NULL))
		return CP_OK;
	if (w->words != NULL && !is_typing)
		return CP_OK; /* the words stand behind the prompt */
	return say("", err);
}

static enum cp_code talk_on(struct talk *t, struct cp_err *err)
{
	struct cp_wish wish;

	while (!t->is_over) {
		int key = read_key();
		enum cp_mode mode = t->d.mode;
		cp_activity_key(&t->activity, now_ms());
		CP_TRY(cp_dialogue_key(&t->d, key, &wish, err));
		CP_TRY(end_line(mode, &wish, key, err));
		CP_TRY(carry_out(t, &wish, err));
	}
	return CP_OK;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static enum cp_code begin(struct talk *t, const char *case_id, struct cp_err *err)
{
	struct cp_task task = { .held = NULL };
	struct cp_id key;

	if (case_id == NULL)
		return go_on(t, 1, err);
	CP_TRY(cp_case_find(t->store, case_id, &key, err));
	CP_TRY(cp_task_find(t->store, &key, &task, err));
	const char *why = task.view.is_forgotten ? "was forgotten by the lead" : strcmp(task.state, "withdrawn") == 0
		? "was taken back by the lead" : task.view.is_expired ? "its content expired" : "its content has not come yet";
	bool is_open = task.view.has_content && strcmp(task.state, "withdrawn") != 0;
	enum cp_code code = cp_task_place(t->store, &task, err);
	if (code == CP_OK && is_open)
		return show_case(t, &task, err);
	cp_task_drop(&task);
	CP_TRY(code);
	return cp_fail(err, CP_EINPUT, "case %s: %s", case_id, why);
}

enum cp_code cp_rate_dialogue(struct cp_args *a, const char *case_id, struct cp_err *err)
{
	struct talk t = { .store = a->store, .d = CP_DIALOGUE, .activity = { now_ms(), 0 } };

	CP_TRY(make_raw(err));
	watch_signals(on_signal);
	enum cp_code code = begin(&t, case_id, err);
	if (code == CP_OK)
		code = talk_on(&t, err);
	cook();
	watch_signals(SIG_DFL);
	if (code == CP_OK && t.farewell != NULL)
		code = say(t.farewell, err);
	else if (code != CP_OK)
		fputc('\n', stdout);
	cp_dialogue_drop(&t.d);
	cp_task_drop(&t.task);
	return code;
}
