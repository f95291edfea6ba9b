/*
 * Which column of a table is which part of a case: --map query=QUERY,result=DOCID.
 */
#ifndef CASEPACK_CLI_MAPPING_H
#define CASEPACK_CLI_MAPPING_H

#include "formats/rows.h"

enum cp_target {
	CP_TO_ID, CP_TO_QUERY, CP_TO_RESULT, CP_TO_TITLE, CP_TO_SNIPPET, CP_TO_URL, CP_TO_TYPE, CP_TO_RANK,
	CP_TO_SIDE, CP_TO_LOCALE, CP_TO_MARKET, CP_TO_NEED, CP_TO_SEGMENT, CP_TO_KIND,
	CP_TARGETS
};
const char *cp_target_name(enum cp_target t);

/* metric.NAME=COLUMN: of the row's result, or of its case where rows are cases; case-metric.NAME=COLUMN: of its case. */
#define CP_MAX_METRICS 64
struct cp_mapped_metric { const char *name, *column; bool is_of_case; };

struct cp_mapping {
	const char *column[CP_TARGETS]; /* NULL: no column */
	struct cp_mapped_metric metrics[CP_MAX_METRICS]; size_t n_metrics;
	bool by_name;                   /* no --map: columns that are called like a target */
	char *held;
};

/*
 * text is that of --map, or NULL: then each column that is called like a target is it. With a text
 * nothing is imported but what it names, and only a text names metrics. CP_EUSAGE: an unknown target, one that is named
 * twice, no "=".
 */
CP_CHECKED enum cp_code cp_mapping_read(struct cp_mapping *out, const char *text, struct cp_err *err);
void cp_mapping_drop(struct cp_mapping *m);

/* Is a column of that name used? */
bool cp_mapping_uses(const struct cp_mapping *m, const char *column);

/*
 * Does a file with this header say enough? CP_EINPUT when a column of --map is not there, or without --map none is
 * the result, or none is the id or query; the words name the file and its columns.
 */
CP_CHECKED enum cp_code cp_mapping_check(const struct cp_mapping *m, const char *path, const char *const *header,
		size_t n, struct cp_err *err);

/* The row's cell for a target; NULL when there is none or it is empty. */
const struct cp_cell *cp_mapping_cell(const struct cp_mapping *m, const struct cp_row *row, enum cp_target t);

#endif
