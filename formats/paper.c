#include "formats/paper.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text.h"

/*
 * Dark on white, also where the reader's system is dark; wide tables scroll on a screen and wrap on
 * paper; nothing is told by colour alone.
 */
#define WHOLE_MAX 16 /* an id that is cut to its first digits is not broken; a long one must be */
static const char style[] =
	":root{color-scheme:light}\n"
	"body{margin:2.5rem auto;padding:0 1.5rem;max-width:62rem;background:#fff;color:#1a1a1a;font:15px/1.5 system-ui,\"Segoe UI\",\"Noto Sans\",Arial,sans-serif}\n"
	"h1{font-size:1.7rem;line-height:1.25;margin:0 0 1rem}\n"
	"h2{font-size:1.3rem;margin:2.4rem 0 .7rem;padding-bottom:.25rem;border-bottom:2px solid #1a1a1a}\n"
	"h3{font-size:1.1rem;margin:1.9rem 0 .5rem}\n"
	"h4{font-size:1rem;margin:1.4rem 0 .4rem}\n"
	"p{margin:.5rem 0}\n"
	"ul{margin:.4rem 0;padding-left:1.3rem}\n"
	"li{margin:.2rem 0}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:.6rem 0}\n"
	"dt{color:#555}\n"
	"dd{margin:0;min-width:0;overflow-wrap:anywhere}\n"
	".note{margin:.8rem 0;padding:.5rem .9rem;border-left:4px solid #8a6d00;background:#fdf8e6}\n"
	".wide{overflow-x:auto;margin:.7rem 0}\n"
	"table{border-collapse:collapse;width:100%;font-size:.86rem}\n"
	"th,td{padding:.3rem .55rem;border-bottom:1px solid #ccc;text-align:start;vertical-align:top;overflow-wrap:break-word}\n"
	"thead th{border-bottom:2px solid #777;font-weight:600;vertical-align:bottom}\n"
	"tbody tr:nth-child(even){background:#f7f7f7}\n"
	"code,pre{font-family:ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace;font-size:.9em}\n"
	"code{overflow-wrap:anywhere}\n"
	".whole{white-space:nowrap}\n"
	"pre{margin:.6rem 0;padding:.6rem .8rem;border:1px solid #ccc;background:#fafafa;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45}\n"
	"pre span{display:block;min-height:1.45em}\n"
	"pre ins,pre del{display:block;text-decoration:none}\n"
	"pre ins{background:#e3f4e3}\n"
	"pre del{background:#fbe6e6}\n"
	"q{quotes:\"\\201c\" \"\\201d\"}\n"
	"a{color:#0b4f9e}\n"
	"@media print{html{font-size:10pt}body{margin:0;padding:0;max-width:none;font-size:1rem}table{font-size:.82rem}th,td{padding:.25rem .35rem}h2,h3,h4{break-after:avoid}tr,dd,li,.note{break-inside:avoid}"
	"thead{display:table-header-group}.wide{overflow:visible}pre,.note,tbody tr:nth-child(even){background:none}a{color:inherit;text-decoration:none}}\n"
	"@page{margin:18mm 15mm}\n";

/* ---- what goes out ------------------------------------------------------------------------------ */

static bool is_html(const struct cp_paper *p) { return p->kind == CP_PAPER_HTML; }

/* Keeps the first failure; behind it nothing is done. */
#define DO(p, call)                                   \
	do {                                          \
		if ((p)->err.code == CP_OK)           \
			(void)((call) == CP_OK);      \
	} while (0)

static void raw(struct cp_paper *p, const char *text)
{
	DO(p, cp_buf_puts(p->out, text, &p->err));
}

/* One thing, said in two languages. */
static void mark(struct cp_paper *p, const char *html, const char *markdown)
{
	raw(p, is_html(p) ? html : markdown);
}

static void words(struct cp_paper *p, const char *text)
{
	if (is_html(p))
		DO(p, cp_html_words(p->out, text, strlen(text), &p->err));
	else
		DO(p, cp_markdown_words(p->out, text, &p->err));
}

static void end_list(struct cp_paper *p)
{
	if (p->list != 0)
		mark(p, p->list == 'i' ? "</ul>\n" : "</dl>\n", "\n");
	p->list = 0;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

void cp_paper_begin(struct cp_paper *p, enum cp_paper_kind kind, const char *title, struct cp_buf *out)
{
	*p = (struct cp_paper){ .kind = kind, .out = out };
	if (is_html(p)) {
		raw(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
		words(p, title);
		raw(p, "</title>\n<style>\n");
		raw(p, style);
		raw(p, "</style>\n</head>\n<body>\n<main>\n");
	}
	cp_paper_heading(p, 1, NULL, "%s", title);
}

enum cp_code cp_paper_end(struct cp_paper *p, struct cp_err *err)
{
	assert(p->err.code != CP_OK || (p->block == 0 && p->columns == 0));
	end_list(p);
	mark(p, "</main>\n</body>\n</html>\n", "");
	return p->err.code == CP_OK ? CP_OK : cp_fail(err, p->err.code, "%s", p->err.text);
}

static char *spell(struct cp_paper *p, const char *fmt, va_list args)
{
	char *text = NULL;

	if (p->err.code == CP_OK && vasprintf(&text, fmt, args) < 0) {
		cp_fail(&p->err, CP_EIO, "out of memory");
		return NULL;
	}
	return text;
}

void cp_paper_heading(struct cp_paper *p, int level, const char *anchor, const char *fmt, ...)
{
	static const char *const markdown[] = { "# ", "## ", "### ", "#### " };
	char tag[] = "<h0", end[] = "</h0>\n";
	va_list args;

	assert(level >= 1 && level <= 4 && p->block == 0 && p->columns == 0);
	va_start(args, fmt);
	CP_AUTO(str) char *text = spell(p, fmt, args);
	va_end(args);
	end_list(p);
	tag[2] = end[3] = (char)('0' + level);
	mark(p, tag, markdown[level - 1]);
	if (is_html(p) && anchor != NULL) {
		raw(p, " id=\"");
		raw(p, anchor);
		raw(p, "\"");
	}
	mark(p, ">", "");
	words(p, text ? text : "");
	mark(p, end, "\n\n");
}

/* ---- blocks of one line ------------------------------------------------------------------------- */

static void open_block(struct cp_paper *p, char block, const char *html, const char *markdown)
{
	bool is_list = block == 'i' || block == 'f';

	assert(p->block == 0 && p->columns == 0);
	if (p->list != 0 && (!is_list || p->list != block))
		end_list(p);
	if (is_list && p->list == 0) {
		mark(p, block == 'i' ? "<ul>\n" : "<dl>\n", "");
		p->list = block;
	}
	mark(p, html, markdown);
	p->block = block;
}

void cp_paper_para(struct cp_paper *p) { open_block(p, 'p', "<p>", ""); }
void cp_paper_note(struct cp_paper *p) { open_block(p, 'n', "<p class=\"note\">", "> "); }
void cp_paper_item(struct cp_paper *p) { open_block(p, 'i', "<li>", "- "); }

void cp_paper_fact(struct cp_paper *p, const char *name)
{
	open_block(p, 'f', "<dt>", "- **");
	words(p, name);
	mark(p, "</dt><dd>", ":** ");
}

void cp_paper_close(struct cp_paper *p)
{
	assert(p->err.code != CP_OK || p->block != 0);
	switch (p->block) {
	case 'i': mark(p, "</li>\n", "\n"); break;
	case 'f': mark(p, "</dd>\n", "\n"); break;
	default: mark(p, "</p>\n", "\n\n"); break;
	}
	p->block = 0;
}

/* ---- pieces --------------------------------------------------------------------------------------- */

void cp_paper_say(struct cp_paper *p, const char *fmt, ...)
{
	va_list args;

	assert(p->block != 0 || p->in_cell);
	va_start(args, fmt);
	CP_AUTO(str) char *text = spell(p, fmt, args);
	va_end(args);
	words(p, text ? text : "");
}

void cp_paper_strong(struct cp_paper *p, const char *text)
{
	mark(p, "<strong>", "**");
	words(p, text);
	mark(p, "</strong>", "**");
}

/* A fence that is longer than every run of backticks inside. */
static void fence(struct cp_paper *p, const char *text, size_t len, size_t least)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (size_t i = 0; i < (longest + 1 > least ? longest + 1 : least); i++)
		raw(p, "`");
}

/* Within a table a bar ends the cell even here. */
static void code_in_markdown(struct cp_paper *p, const char *text)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);
	bool needs_space;

	DO(p, cp_text_shown(&shown, text, strlen(text), false, &p->err));
	needs_space = shown.len > 0 && (shown.data[0] == '`' || shown.data[shown.len - 1] == '`' || shown.data[0] == ' ');
	fence(p, shown.data, shown.len, 1);
	raw(p, needs_space ? " " : "");
	for (size_t i = 0; i < shown.len; i++) {
		raw(p, shown.data[i] == '|' && p->columns > 0 ? "\\" : "");
		DO(p, cp_buf_add(p->out, shown.data + i, 1, &p->err));
	}
	raw(p, needs_space ? " " : "");
	fence(p, shown.data, shown.len, 1);
}

void cp_paper_code(struct cp_paper *p, const char *text)
{
	if (*text == '\0')
		return;
	if (!is_html(p)) {
		code_in_markdown(p, text);
		return;
	}
	raw(p, strlen(text) <= WHOLE_MAX ? "<code class=\"whole\">" : "<code>");
	words(p, text);
	raw(p, "</code>");
}

void cp_paper_whole(struct cp_paper *p, const char *text)
{
	mark(p, "<span class=\"whole\">", "");
	words(p, text);
	mark(p, "</span>", "");
}

void cp_paper_said(struct cp_paper *p, const char *text)
{
	mark(p, "<q dir=\"auto\">", "\xe2\x80\x9c");
	words(p, text);
	mark(p, "</q>", "\xe2\x80\x9d");
}

void cp_paper_link(struct cp_paper *p, const char *anchor, const char *text)
{
	if (is_html(p)) {
		raw(p, "<a href=\"#");
		raw(p, anchor);
		raw(p, "\">");
	}
	words(p, text);
	mark(p, "</a>", "");
}

/* ---- tables ------------------------------------------------------------------------------------------ */

void cp_paper_table(struct cp_paper *p, const char *const *columns, size_t n)
{
	assert(p->block == 0 && p->columns == 0 && n > 0);
	end_list(p);
	mark(p, "<div class=\"wide\"><table>\n<thead><tr>", "|");
	for (size_t i = 0; i < n; i++) {
		mark(p, "<th scope=\"col\">", " ");
		words(p, columns[i]);
		mark(p, "</th>", " |");
	}
	mark(p, "</tr></thead>\n<tbody>\n", "\n|");
	for (size_t i = 0; i < n; i++)
		mark(p, "", "---|");
	mark(p, "", "\n");
	p->columns = n;
	p->cell = 0;
}

static void end_cell(struct cp_paper *p)
{
	if (!p->in_cell)
		return;
	mark(p, "</td>", " |");
	p->in_cell = false;
	if (p->cell < p->columns)
		return;
	mark(p, "</tr>\n", "\n");
	p->cell = 0;
}

void cp_paper_cell(struct cp_paper *p)
{
	assert(p->columns > 0);
	end_cell(p);
	if (p->cell == 0)
		mark(p, "<tr>", "|");
	mark(p, "<td>", " ");
	p->cell++;
	p->in_cell = true;
}

void cp_paper_table_end(struct cp_paper *p)
{
	end_cell(p);
	assert(p->err.code != CP_OK || p->cell == 0); /* no half row */
	mark(p, "</tbody>\n</table></div>\n", "\n");
	p->columns = p->cell = 0;
}

/* ---- texts --------------------------------------------------------------------------------------------- */

static void html_line(struct cp_paper *p, enum cp_paper_text kind, const char *line, size_t len)
{
	const char *tag = kind == CP_PAPER_DIFF && len > 0 && *line == '+' ? "ins" : kind == CP_PAPER_DIFF && len > 0 && *line == '-' ? "del" : "span";

	raw(p, "<");
	raw(p, tag);
	raw(p, kind == CP_PAPER_COMMANDS ? ">" : " dir=\"auto\">");
	DO(p, cp_html_words(p->out, line, len, &p->err));
	raw(p, "</");
	raw(p, tag);
	raw(p, ">");
}

static void html_lines(struct cp_paper *p, enum cp_paper_text kind, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline != NULL ? (size_t)(newline - text) - at : len - at;

		html_line(p, kind, text + at, n);
		at += n + 1;
	}
}

void cp_paper_text(struct cp_paper *p, enum cp_paper_text kind, const char *text, size_t len)
{
	static const char *const languages[] = { "\n", "sh\n", "diff\n" };
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	assert(p->block == 0 && p->columns == 0);
	end_list(p);
	DO(p, cp_text_shown(&shown, text, len, true, &p->err));
	if (p->err.code != CP_OK)
		return;
	while (shown.len > 0 && shown.data[shown.len - 1] == '\n')
		shown.len--;
	if (is_html(p)) {
		raw(p, "<pre>");
		html_lines(p, kind, shown.data, shown.len);
		raw(p, "</pre>\n");
		return;
	}
	fence(p, shown.data, shown.len, 3);
	raw(p, languages[kind]);
	DO(p, cp_buf_add(p->out, shown.data, shown.len, &p->err));
	raw(p, "\n");
	fence(p, shown.data, shown.len, 3);
	raw(p, "\n\n");
}
