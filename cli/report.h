/*
 * A report to an auditor in the making: what `report audit` and its parts share.
 */
#ifndef CASEPACK_CLI_REPORT_H
#define CASEPACK_CLI_REPORT_H

#include "cli/cli.h"
#include "formats/paper.h"
#include "sync/audit.h"
#include "sync/report.h"

/* Change commits and texts that the report names, each once, in the order of their first mention. */
struct cp_report_ids { char (*list)[41]; size_t n, room; };
struct cp_report_texts { struct cp_id *list; size_t n; };
/* What a device was given, read once. */
struct cp_report_device { char hex[CP_ID_HEX]; struct cp_given given; };

struct cp_report {
	struct cp_store *s;
	struct cp_paper paper;
	const char *of_case, *rater; /* what was asked for; NULL: not that */
	struct cp_id case_id, rater_id;
	struct cp_audit_filter filter; /* person: of rater; the period */
	const char *since, *until;   /* as typed; NULL: not given */
	bool shows_content;
	int64_t max_full, max_rows;  /* cases told in full; rows of one table */
	int64_t made_us;
	struct cp_oid main;
	struct cp_report_ids commits;
	struct cp_report_texts texts;
	struct cp_report_device *devices; size_t n_devices;
	size_t full, listed, disputed, left_out; /* cases: told, in a table, disputed, of these only in the table */
};
void cp_report_drop(struct cp_report *r); /* safe on zeroes, also by CP_AUTO(report) */

/* Its parts, in order. */
CP_CHECKED enum cp_code cp_report_head(struct cp_report *r, struct cp_err *err);
CP_CHECKED enum cp_code cp_report_one(struct cp_report *r, const struct cp_id *case_id, struct cp_err *err); /* a case in full */
CP_CHECKED enum cp_code cp_report_many(struct cp_report *r, struct cp_err *err); /* a rater, a period, the project */
CP_CHECKED enum cp_code cp_report_foot(struct cp_report *r, struct cp_err *err); /* texts, signatures, how to check */

/* Parts of a case. */
CP_CHECKED enum cp_code cp_report_conflicts(struct cp_report *r, const struct cp_id *case_id, struct cp_err *err); /* NULL: of no case */
CP_CHECKED enum cp_code cp_report_known(struct cp_report *r, const struct cp_audit_judgments *j, struct cp_err *err);

/* ---- pieces ---------------------------------------------------------------------------------- */

/* A change commit, short, to be listed among the signatures; "" is said to be unsealed. */
CP_CHECKED enum cp_code cp_report_commit(struct cp_report *r, const char *oid, struct cp_err *err);
/* "policy revision 3", "relevance version 1", remembered; nothing for zeros. */
CP_CHECKED enum cp_code cp_report_made_under(struct cp_report *r, bool is_form, const struct cp_id *id, struct cp_err *err);
CP_CHECKED enum cp_code cp_report_given(struct cp_report *r, const char *device_hex, const struct cp_given **out, struct cp_err *err);
/* "2026-03-01 14:05:09", "-" for 0. */
void cp_report_time(struct cp_report *r, int64_t us);
/* An answer: a value of a scale letter by letter, somebody's words in quotes. */
void cp_report_value(struct cp_report *r, const char *value);
/* An id cut to what tells it apart. */
void cp_report_short(struct cp_report *r, const char *hex);
/* A cell with a text, a number, a time. */
void cp_report_cell(struct cp_report *r, const char *text);
void cp_report_number(struct cp_report *r, int64_t n);
void cp_report_time_cell(struct cp_report *r, int64_t us);

#endif
