/*
 * A paper: headings, paragraphs, lists, tables and texts, said once and printed as one HTML file
 * that needs nothing else (no script, nothing fetched, made for paper too), or as Markdown.
 *
 * Whatever is given is text. It is shown as formats/text.h has it, so nothing in it acts or hides,
 * and it brings no markup of its own: HTML is escaped, and so is all that Markdown (GitHub's too)
 * would take for markup or a link.
 *
 * Blocks follow each other: a heading, a table, a text, or an opened paragraph, item or fact,
 * between whose opening and closing pieces of a line are said. Items in a row are one list, facts
 * in a row another. A failure is kept: what is said behind it is nothing, and cp_paper_end returns it.
 */
#ifndef CASEPACK_FORMATS_PAPER_H
#define CASEPACK_FORMATS_PAPER_H

#include <stdbool.h>

#include "formats/buf.h"

enum cp_paper_kind { CP_PAPER_HTML, CP_PAPER_MARKDOWN };
enum cp_paper_text { CP_PAPER_PLAIN, CP_PAPER_COMMANDS, CP_PAPER_DIFF };

struct cp_paper {                /* the caller's; its fields are the writer's alone */
	enum cp_paper_kind kind;
	struct cp_buf *out;          /* borrowed */
	struct cp_err err;
	char list;                   /* what the blocks before were: 'i' items, 'f' facts, 0 */
	char block;                  /* what is open: 'p', 'i', 'f', 'n', 0 */
	size_t columns, cell;        /* of the open table; columns 0: none */
	bool in_cell;
};

void cp_paper_begin(struct cp_paper *p, enum cp_paper_kind kind, const char *title, struct cp_buf *out);
CP_CHECKED enum cp_code cp_paper_end(struct cp_paper *p, struct cp_err *err);

/* level 1 to 4; anchor: of letters, digits and hyphens, each once; NULL: none. */
void cp_paper_heading(struct cp_paper *p, int level, const char *anchor, const char *fmt, ...) CP_PRINTF(4, 5);

void cp_paper_para(struct cp_paper *p);
void cp_paper_note(struct cp_paper *p);                   /* a paragraph that stands out */
void cp_paper_item(struct cp_paper *p);
void cp_paper_fact(struct cp_paper *p, const char *name); /* "NAME: what is said" */
void cp_paper_close(struct cp_paper *p);

/* Pieces of the open block or cell. */
void cp_paper_say(struct cp_paper *p, const char *fmt, ...) CP_PRINTF(2, 3);
void cp_paper_strong(struct cp_paper *p, const char *text);
void cp_paper_code(struct cp_paper *p, const char *text); /* to be read letter by letter: an id, a value */
void cp_paper_whole(struct cp_paper *p, const char *text); /* not broken at the end of a line: a date */
void cp_paper_said(struct cp_paper *p, const char *text); /* what somebody wrote, in quotes, in its own direction */
void cp_paper_link(struct cp_paper *p, const char *anchor, const char *text); /* to a heading; in Markdown the text alone */

/* Cell by cell, row by row; a cell ends where the next one begins. */
void cp_paper_table(struct cp_paper *p, const char *const *columns, size_t n);
void cp_paper_cell(struct cp_paper *p);
void cp_paper_table_end(struct cp_paper *p);

/* Lines as they are; of a diff those that begin with + and - stand out. */
void cp_paper_text(struct cp_paper *p, enum cp_paper_text kind, const char *text, size_t len);

/* Somebody's words as Markdown, on one line, where a paper is too much. */
CP_CHECKED enum cp_code cp_markdown_words(struct cp_buf *out, const char *text, struct cp_err *err);
/* The same as HTML text or within an attribute's quotes. */
CP_CHECKED enum cp_code cp_html_words(struct cp_buf *out, const char *text, size_t len, struct cp_err *err);

#endif
