#include "formats/words.h"

#include <stdio.h>
#include <string.h>

#include "formats/text.h"

static const char blank[] = " \t\r\n\f\v";

/* One word a line, as the line diff wants it. */
static enum cp_code one_a_line(struct cp_buf *out, const char *text, struct cp_err *err)
{
	for (const char *p = text + strspn(text, blank); *p != '\0'; p += strspn(p, blank)) {
		size_t n = strcspn(p, blank);

		CP_TRY(cp_buf_add(out, p, n, err));
		CP_TRY(cp_buf_puts(out, "\n", err));
		p += n;
	}
	return CP_OK;
}

struct writing { struct cp_buf *out; char kind; /* of the run that is open: ' ', '-' or '+' */ };

static enum cp_code close_run(struct writing *w, struct cp_err *err)
{
	char kind = w->kind;

	w->kind = ' ';
	return kind == ' ' ? CP_OK : cp_buf_puts(w->out, kind == '-' ? "-]" : "+}", err);
}

static enum cp_code add_word(struct writing *w, char kind, const char *word, size_t len, struct cp_err *err)
{
	if (kind != w->kind)
		CP_TRY(close_run(w, err));
	if (w->out->len > 0)
		CP_TRY(cp_buf_puts(w->out, " ", err));
	if (kind != w->kind)
		CP_TRY(cp_buf_puts(w->out, kind == '-' ? "[-" : "{+", err));
	w->kind = kind;
	return cp_buf_add(w->out, word, len, err);
}

/* A line of the diff: a word with its sign, or "@@" before a stretch of words. */
static enum cp_code add_line(struct writing *w, const char *line, size_t len, struct cp_err *err)
{
	unsigned first;

	if (sscanf(line, "@@ -%u", &first) == 1) {
		CP_TRY(close_run(w, err));
		return first > 1 || w->out->len > 0 ? cp_buf_puts(w->out, w->out->len > 0 ? " ..." : "...", err) : CP_OK;
	}
	if (*line == '\\')
		return CP_OK;
	return add_word(w, *line, line + 1, len - 1, err);
}

enum cp_code cp_words_diff(struct cp_buf *out, const char *a, const char *b, unsigned around, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf x = CP_BUF(CP_TEXT_MAX), y = CP_BUF(CP_TEXT_MAX), diff = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf made = CP_BUF(CP_TEXT_MAX);
	struct writing w = { &made, ' ' };

	CP_TRY(one_a_line(&x, a, err));
	CP_TRY(one_a_line(&y, b, err));
	CP_TRY(cp_text_diff(&diff, x.data ? x.data : "", x.len, y.data ? y.data : "", y.len, around, err));
	for (const char *p = diff.data; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "\n");

		CP_TRY(add_line(&w, p, n, err));
		p += n + (p[n] == '\n');
	}
	CP_TRY(close_run(&w, err));
	return made.len > 0 ? cp_buf_add(out, made.data, made.len, err) : CP_OK;
}
