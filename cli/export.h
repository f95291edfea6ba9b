/*
 * What the files of `export` share: the request, the file being written, and the
 * forms that explain its values.
 *
 * export.c        the command
 * export_rows.c   CSV and JSON lines, one row an answer
 * qrels.c         TREC qrels of one field
 * dictionary.c    the data dictionary beside each of them
 */
#ifndef CASEPACK_CLI_EXPORT_H
#define CASEPACK_CLI_EXPORT_H

#include "formats/file.h"
#include "formats/form.h"
#include "sync/point.h"
#include "sync/report.h"

enum cp_export_format { CP_EXPORT_CSV, CP_EXPORT_JSONL, CP_EXPORT_QRELS, CP_EXPORT_GIT };
enum cp_aggregate { CP_AGGREGATE_NONE, CP_MAJORITY, CP_MEDIAN, CP_MEAN };
enum cp_ties { CP_TIES_NONE, CP_TIES_LOW, CP_TIES_HIGH };

/* Current versions of all forms. */
struct cp_named_form { char *name; int64_t number; struct cp_form form; };
struct cp_forms { struct cp_named_form *list; size_t n; };
void cp_forms_drop(struct cp_forms *f);
CP_CHECKED enum cp_code cp_forms_load(struct cp_forms *out, struct cp_store *s, struct cp_err *err);
/* The field of that form, or else of any form; NULL when there is none. */
const struct cp_field *cp_forms_field(const struct cp_forms *f, const char *form, const char *field);

struct cp_export {
	struct cp_store *store;      /* with at: as it stood then */
	struct cp_store *here;       /* the workspace, where history keeps that it was exported */
	const struct cp_point *at;   /* NULL: now */
	struct cp_forms forms;
	const char *path;            /* "-": standard output */
	enum cp_export_format format;
	const char *rater, *field;   /* NULL: all */
	char found_field[64];        /* what field points to when qrels found it itself */
	enum cp_aggregate aggregate;
	enum cp_ties ties;
	bool is_guarded, has_no_times;
};

/* ---- a file being written, or standard output ----------------------------------------------- */

struct cp_sheet { struct cp_newfile file; struct cp_buf pending; bool is_stdout; int64_t rows; struct cp_hasher hasher; };
#define CP_SHEET { CP_NEWFILE_NONE, CP_BUF(CP_TEXT_MAX), false, 0, { { { 0 } } } }
CP_CHECKED enum cp_code cp_sheet_begin(struct cp_sheet *s, const char *path, struct cp_err *err);
/* After rows were added to pending: writes it out when it is large. */
CP_CHECKED enum cp_code cp_sheet_row(struct cp_sheet *s, struct cp_err *err);
CP_CHECKED enum cp_code cp_sheet_end(struct cp_sheet *s, struct cp_err *err);
/* Ends the sheet of the labels themselves: at a leads' hub what it holds is noted in history before it stands at its path. */
CP_CHECKED enum cp_code cp_sheet_end_noted(struct cp_sheet *s, const struct cp_export *x, struct cp_err *err);
void cp_sheet_drop(struct cp_sheet *s); /* nothing is at path unless it ended */

/* ---- the formats: each writes the file, and *rows counts its rows ------------------------------ */

struct cp_column_meaning { const char *name, *type, *unit, *meaning; };

CP_CHECKED enum cp_code cp_export_rows(const struct cp_export *x, int64_t *rows, struct cp_err *err);
/* The columns of such a file; *n of them. Static. */
const struct cp_column_meaning *cp_export_columns(const struct cp_export *x, size_t *n);

/* Also writes PATH.topics.tsv, except to standard output. */
CP_CHECKED enum cp_code cp_export_qrels(struct cp_export *x, int64_t *rows, struct cp_err *err);

/* PATH.dictionary.md; nothing for standard output. */
CP_CHECKED enum cp_code cp_export_dictionary(const struct cp_export *x, int64_t rows, struct cp_err *err);

#endif
