/*
 * The most that is accepted of what comes from outside, in one table. It bounds what a
 * hostile or damaged file can cost before it is refused: memory, disk, time. A workspace
 * may make any of these smaller (sync/limit.h), none larger: what is written here stays
 * within the table, so that everybody's casepack reads it.
 */
#ifndef CASEPACK_FORMATS_LIMITS_H
#define CASEPACK_FORMATS_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "formats/err.h"

/* Name in code, name, the highest value and the one in force unless said, unit, what it bounds. */
#define CP_LIMITS(X) \
	X(BUNDLE,    "bundle",    UINT32_MAX,           "bytes",   "a bundle file") \
	X(EXPANDED,  "expanded",  UINT64_C(64) << 30,   "bytes",   "all parts of a bundle, decompressed") \
	X(RATIO,     "ratio",     1000,                 "times",   "a part decompressed, against its size in the bundle (free up to 16 MiB)") \
	X(WINDOW,    "window",    UINT64_C(1) << 27,    "bytes",   "the window that a part's zstd frame asks for, in memory") \
	X(MEMBERS,   "members",   10000000,             "members", "objects, media files or case documents in a part") \
	X(OBJECT,    "object",    UINT64_C(1) << 30,    "bytes",   "one git object or media file") \
	X(CHANGESET, "changeset", UINT64_C(1) << 30,    "bytes",   "the changeset of one change commit, or any other blob of a history") \
	X(DOCUMENT,  "document",  UINT64_C(16) << 20,   "bytes",   "a case document, a guideline, the names of a case's results, a " \
		"line or row of a table") \
	X(TEXT,      "text",      UINT64_C(1) << 20,    "bytes",   "any other text (a cell, a title, a note, an answer, a reason, a name)") \
	X(DEPTH,     "depth",     32,                   "levels",  "lists and objects of JSON within each other") \
	X(SECONDS,   "seconds",   4 * 3600,             "seconds", "reading one bundle, with what is done for each of its members")

enum cp_limit {
#define X(id, name, most, unit, what) CP_LIMIT_##id,
	CP_LIMITS(X)
#undef X
	CP_LIMIT_COUNT
};

/* What a part expands to without any question of ratio. */
#define CP_RATIO_FREE (UINT64_C(16) << 20)

struct cp_limits { uint64_t of[CP_LIMIT_COUNT]; };
extern const struct cp_limits cp_limits_default;

struct cp_limit_row { const char *name; uint64_t most; const char *unit, *what; };
extern const struct cp_limit_row cp_limit_table[CP_LIMIT_COUNT];

/* -1 when there is none of that name. */
int cp_limit_named(const char *name);

/* "WHAT is over the limit ...": its name, its value and how it is changed. CP_EFORMAT, always. */
enum cp_code cp_limit_over(const struct cp_limits *l, enum cp_limit which, struct cp_err *err, const char *what, ...)
	CP_PRINTF(4, 5);
/* The same when n is more than the limit, else CP_OK. */
CP_CHECKED enum cp_code cp_limit_check(const struct cp_limits *l, enum cp_limit which, uint64_t n, struct cp_err *err,
		const char *what);

/*
 * JSON measured without being parsed: the deepest level, and the longest string (its bytes, of
 * an escape at least one). Of what is no JSON the figures say nothing, and cost one pass.
 */
struct cp_json_size { uint64_t depth, string; };
struct cp_json_size cp_json_measure(const char *text, size_t len);
/* CP_EFORMAT: deeper than its limit, or a string longer than a text may be. */
CP_CHECKED enum cp_code cp_limit_json(const struct cp_limits *l, const char *text, size_t len, struct cp_err *err);

#endif
