/*
 * What gather.c and gather_json.c share.
 */
#ifndef CASEPACK_CLI_GATHER_INNER_H
#define CASEPACK_CLI_GATHER_INNER_H

#include "cli/gather.h"
#include "formats/hash.h"

/* Strings that live as long as the gather. */
struct cp_pool { struct cp_pool_piece *last; };

/* Byte strings to numbers. Keys live in the pool. */
struct cp_index_slot { const char *key; size_t len, value; };
struct cp_index {
	struct cp_index_slot *slots;
	size_t n, cap;
	unsigned char secret[crypto_shorthash_KEYBYTES]; /* a file cannot be made to collide */
};

struct cp_gathered {
	struct cp_case_in in;
	struct cp_result_in *results; /* in.results, growing */
	size_t cap;
	struct cp_metric_in *metrics; /* in.metrics, growing */
	size_t metrics_cap;
	const char *path;
	size_t line;
};

struct cp_gather {
	struct cp_gather_how how;
	struct cp_trouble *trouble;
	struct cp_pool pool;
	struct cp_index cases, results, columns, metrics;
	struct cp_gathered *list;
	size_t n, cap;
	const char **unused;
	size_t n_unused;
	const char *where;     /* the file that is being read, fit for messages */
	bool seen_metrics[CP_MAX_METRICS];
	bool seen[CP_TARGETS]; /* targets whose column was met in it */
	struct cp_buf key;     /* scratch */
};

/* A copy in the pool, with a zero byte behind it. CP_EIO without memory. */
CP_CHECKED enum cp_code cp_pool_add(struct cp_pool *p, const char **out, const char *text, size_t len,
		struct cp_err *err);
/* The value of a key, which gets value when it is new (*is_new). */
CP_CHECKED enum cp_code cp_index_add(struct cp_index *x, struct cp_pool *p, const char *key, size_t len,
		size_t value, size_t *out, bool *is_new, struct cp_err *err);

/* A new case that begins in this line. *out is good until the next. Copies nothing of in but the struct. */
CP_CHECKED enum cp_code cp_gather_begin(struct cp_gather *g, struct cp_gathered **out, const struct cp_case_in *in,
		size_t line, struct cp_err *err);
/* One more result; its strings are in the pool. *is_new false: the case has it on that side already. */
CP_CHECKED enum cp_code cp_gather_result(struct cp_gather *g, size_t number, const struct cp_result_in *r,
		bool *is_new, struct cp_err *err);
/* One metric more; its strings are in the pool. *is_good false: the case has another value of it already. */
CP_CHECKED enum cp_code cp_gather_metric(struct cp_gather *g, size_t number, const struct cp_metric_in *m, bool *is_good,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_gather_note_unused(struct cp_gather *g, const char *name, struct cp_err *err);

/* What may stand in a cell: a rank ("" is 0: unranked), and whether a side goes with a kind. */
bool cp_rank_read(const char *text, int64_t *out);
bool cp_side_is_good(const char *kind, const char *side);

/*
 * The results of a case that stands whole on one line, from the JSON text of that cell, into the case of
 * that number. What does not fit is trouble.
 */
CP_CHECKED enum cp_code cp_gather_results(struct cp_gather *g, size_t number, size_t line,
		const struct cp_cell *results, struct cp_err *err);

#endif
