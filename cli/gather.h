/*
 * Cases gathered from the rows of tables: several rows of one case become one case
 * with its results, in the order in which they were first met.
 */
#ifndef CASEPACK_CLI_GATHER_H
#define CASEPACK_CLI_GATHER_H

#include "cli/mapping.h"
#include "sync/cases.h"

/* Bad rows: the first are told at once on stderr, all are counted. */
struct cp_trouble { size_t n; };
#define CP_TROUBLE_SHOWN 20
/* words: "FILE:LINE:COLUMN: what". */
void cp_trouble_note(struct cp_trouble *t, const char *fmt, ...) CP_PRINTF(2, 3);

bool cp_locale_is_good(const char *text);

struct cp_gather; /* opaque */

struct cp_gather_how {
	const struct cp_mapping *mapping; /* borrowed, like all below */
	const char *kind;                 /* item, serp, sxs */
	const char *locale, *market, *segment; /* of rows that say none; NULL: none */
	const struct cp_limits *limits;
	bool has_header;
};

CP_CHECKED enum cp_code cp_gather_new(struct cp_gather **out, const struct cp_gather_how *how,
		struct cp_trouble *trouble, struct cp_err *err);
void cp_gather_free(struct cp_gather *g);
void cp_gather_drop(struct cp_gather **g); /* for CP_AUTO(gather) */

/* Take in a file; bad rows go to the trouble. path is borrowed until the end. */
CP_CHECKED enum cp_code cp_gather_file(struct cp_gather *g, const char *path, enum cp_rows_kind kind,
		struct cp_err *err);

/* What was gathered. The case is borrowed; path and line (either may be NULL) say where it began. */
size_t cp_gather_count(const struct cp_gather *g);
const struct cp_case_in *cp_gather_case(const struct cp_gather *g, size_t i, const char **path, size_t *line);

/* Columns that no target took, each once. */
size_t cp_gather_unused(const struct cp_gather *g, const char *const **out_names);

#endif
