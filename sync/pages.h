/*
 * The files of main: each a pure function of the database's present rows.
 */
#ifndef CASEPACK_SYNC_PAGES_H
#define CASEPACK_SYNC_PAGES_H

#include "sync/store.h"

enum cp_page {
	CP_PAGE_PROJECT,      /* project.json, .gitattributes */
	CP_PAGE_TRUST,        /* trust/allowed_signers, trust/persons.tsv, trust/rulings.tsv */
	CP_PAGE_GUIDELINE,    /* guidelines/<name>.md */
	CP_PAGE_FORM,         /* forms/<name>.json */
	CP_PAGE_CASE,         /* cases/<xx>/<case>.json */
	CP_PAGE_ASSIGNMENTS,  /* assignments/<pseudonym>.tsv; id is the person's */
	CP_PAGE_JUDGMENTS,    /* judgments/<xx>/<case>.tsv; id is the case's */
	CP_PAGE_ADJUDICATIONS,/* adjudications/<xx>/<case>.tsv; id is the case's */
	CP_PAGE_CONFLICT,     /* conflicts/<xx>/<document>.tsv */
	CP_PAGE_SETTLED,      /* settlements/<xx>/<document>.tsv */
	CP_PAGE_EXPORTS,      /* exports.tsv */
	CP_PAGE_VERDICTS,     /* verdicts/<replica>.tsv */
};

/* Of how many files a page is; most of one. */
int cp_page_files(enum cp_page page);

/* Path and text of one file of a page, appended; which counts them from 0. An empty text means that there is no such
 * file now. */
CP_CHECKED enum cp_code cp_page_render(struct cp_store *s, enum cp_page page, int which, const struct cp_id *id,
		struct cp_buf *path, struct cp_buf *text, struct cp_err *err);

/* "<xx>/<case>": where a case's pages stand in their folders, without the ending. */
CP_CHECKED enum cp_code cp_page_case(struct cp_buf *out, const char *name, const struct cp_id *id, struct cp_err *err);

#endif
