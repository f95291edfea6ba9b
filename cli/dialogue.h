/*
 * Rating in a terminal, without the terminal: keys go in, wishes come out. What a
 * wish asks for (saving, loading a case) is done by the caller, cli/rate_dialogue.c.
 *
 * A case is a row of steps: each field that is asked of results for the first result,
 * then for the second, and so on, then the fields of the page; behind them the summary.
 */
#ifndef CASEPACK_CLI_DIALOGUE_H
#define CASEPACK_CLI_DIALOGUE_H

#include "sync/judge.h"

/* Keys are Unicode code points, and these. */
enum cp_key {
	CP_KEY_ENTER = 0x110000, CP_KEY_BACKSPACE, CP_KEY_ESCAPE, CP_KEY_KILL, /* KILL: forget the line */
	CP_KEY_BACK, CP_KEY_FORTH,  /* arrows: to another step without answering */
	CP_KEY_END,                 /* end of input */
	CP_KEY_NONE,
};

enum cp_todo {
	CP_TODO_NOTHING,
	CP_TODO_DRAW,     /* another step is to be seen */
	CP_TODO_LINE,     /* only the line being typed has changed */
	CP_TODO_ANSWER,   /* save field, result, value ("" takes it back) as a draft, then draw */
	CP_TODO_NOTE,     /* save value as the note, then draw */
	CP_TODO_SUBMIT,   /* then go on to the next case */
	CP_TODO_SKIP,     /* value says why; then go on */
	CP_TODO_ESCALATE, /* value says why, or is ""; then go on */
	CP_TODO_CASE,     /* load the case at position, cp_dialogue_begin, cp_dialogue_arrive */
	CP_TODO_GUIDE,
	CP_TODO_HELP,
	CP_TODO_QUIT,
};

/* Strings are borrowed until the next key. words: one line to be said first, or NULL. */
struct cp_wish {
	enum cp_todo todo;
	const char *field, *result, *value, *words;
	int64_t position;
};

struct cp_step {
	const struct cp_field *field;
	const struct cp_result_view *result; /* NULL: the page */
	char *answer;                        /* canonical; NULL: none */
};

enum cp_mode { CP_MODE_KEYS, CP_MODE_TYPE, CP_MODE_NOTE, CP_MODE_SKIP, CP_MODE_ESCALATE };

/* What an answer was before it was given. field NULL: the case was left without one. */
struct cp_undo { int64_t position; char *field, *result, *before; };

struct cp_dialogue {
	const struct cp_task *task;       /* borrowed; NULL: no case */
	struct cp_step *steps;
	size_t n, at;                     /* at == n: the summary */
	enum cp_mode mode;
	struct cp_buf line, value, words; /* line: what is being typed */
	char *note;
	struct cp_undo *undo;
	size_t n_undo, room;
	bool is_undoing, is_going_back;   /* why the case at hand was asked for */
	const struct cp_result_view *drawn; /* the result that was drawn last */
	bool has_drawn_results;
	uint64_t helped;                  /* fields whose help was shown in this case, by bit */
};
#define CP_DIALOGUE { .line = CP_BUF(CP_TEXT_MAX), .value = CP_BUF(CP_TEXT_MAX), .words = CP_BUF(CP_TEXT_MAX) }
void cp_dialogue_drop(struct cp_dialogue *d);

/* The answer that is there already; *found false when there is none. */
typedef enum cp_code cp_answer_of(void *user, const char *field, const char *result, struct cp_buf *out, bool *found,
		struct cp_err *err);
/* Start a case; what was typed is forgotten, what can be undone is not. */
CP_CHECKED enum cp_code cp_dialogue_begin(struct cp_dialogue *d, const struct cp_task *task, cp_answer_of *answer_of,
		void *user, struct cp_err *err);
/* The first wish in a case: it may carry on with an undo that led here. */
CP_CHECKED enum cp_code cp_dialogue_arrive(struct cp_dialogue *d, struct cp_wish *out, struct cp_err *err);

CP_CHECKED enum cp_code cp_dialogue_key(struct cp_dialogue *d, int key, struct cp_wish *out, struct cp_err *err);

/* Required answers still open; *first (may be NULL) is the first of their steps. */
size_t cp_dialogue_missing(const struct cp_dialogue *d, size_t *first);
/* The key that picks the i-th choice: its hotkey, else the digit that is its value, else one that is free.
 * 0: none was left. */
char cp_choice_key(const struct cp_field *field, size_t i);
/* Choices of a field; a bool has two. */
size_t cp_choice_count(const struct cp_field *field);
const char *cp_choice_value(const struct cp_field *field, size_t i);
const char *cp_choice_label(const struct cp_field *field, size_t i);
bool cp_choice_is_picked(const struct cp_step *step, size_t i);
bool cp_step_is_typed(const struct cp_step *step); /* text or a number, not keys */

/* Time at work: the time since the last key counts, but no more than a minute of it. */
struct cp_activity { int64_t last_ms, active_ms; };
void cp_activity_key(struct cp_activity *a, int64_t now_ms);

/* ---- what is seen (cli/dialogue_draw.c); appended, safe for a terminal, lines end in \n ---- */

CP_CHECKED enum cp_code cp_draw_case(struct cp_buf *out, const struct cp_dialogue *d, const struct cp_progress *p,
		size_t width, struct cp_err *err);
/* The step at hand, with its result where that is another than the last one drawn; or the summary. */
CP_CHECKED enum cp_code cp_draw_step(struct cp_buf *out, struct cp_dialogue *d, size_t width, struct cp_err *err);
/* The line being typed, its end where it is longer than width; no newline. */
CP_CHECKED enum cp_code cp_draw_line(struct cp_buf *out, const struct cp_dialogue *d, size_t width, struct cp_err *err);
CP_CHECKED enum cp_code cp_draw_help(struct cp_buf *out, struct cp_err *err);

#endif
