/*
 * The synced tables as the code sees them: one description for the session, the
 * strict reader, the revision tree, rights, bundles and the canonical hash.
 * Column order is that of sync/schema/; a unit test holds the two together.
 */
#ifndef CASEPACK_SYNC_TABLES_H
#define CASEPACK_SYNC_TABLES_H

#include "formats/changeset.h"

#define CP_SCHEMA 4

enum cp_table {
	CP_T_PROJECT, CP_T_PERSONS, CP_T_REPLICAS, CP_T_CASES, CP_T_GUIDELINES, CP_T_GUIDELINE_REVISIONS,
	CP_T_FORMS, CP_T_FORM_VERSIONS, CP_T_ASSIGNMENTS, CP_T_ADJUDICATIONS, CP_T_SETTLEMENTS,
	CP_T_JUDGMENTS, CP_T_RATINGS,                 /* work */
	CP_T_RESOLUTIONS, CP_T_STALE_SETTLEMENTS,
	CP_T_RULINGS,
	CP_T_EXPORTS,                                 /* all public tables end here */
	CP_T_NAMES, CP_T_SECRETS, CP_T_SIDE_KEYS, CP_T_GOLD, CP_T_METRICS, /* private */
	CP_T_COUNT
};
#define CP_T_PUBLIC 17 /* tables 0 .. 16 stand in history.git, the others in private.git */

/* Columns 0, 1, 2 of every document: id, rev, clock. Of ratings: */
enum { CP_C_ID = 0, CP_C_REV = 1, CP_C_CLOCK = 2 };
enum { CP_R_JUDGMENT = 0, CP_R_FIELD, CP_R_RESULT, CP_R_REV, CP_R_VALUE };
enum { CP_A_CASE = 3, CP_A_PERSON, CP_A_PASS, CP_A_POSITION, CP_A_DUE, CP_A_FORM, CP_A_GUIDELINE, CP_A_STATE };
enum { CP_J_ASSIGNMENT_REV = 3, CP_J_CONTENT, CP_J_FORM_VERSION, CP_J_GUIDELINE_REVISION, CP_J_STATE, CP_J_NOTE,
	CP_J_ACTIVE_MS, CP_J_IDLE_MS, CP_J_WALL_MS };

enum { CP_P_NAME = 3, CP_P_SHOWS_QUERIES, CP_P_POLICIES, CP_P_ENCRYPTION, CP_P_KEEP_DAYS }; /* of project */
/* Of settlements: */
enum { CP_S_STANDS = 3, CP_S_WEIGHED, CP_S_REASON, CP_S_PERSON, CP_S_POLICY };

/* Of stale_settlements: */
enum { CP_SS_JUDGMENT = 3, CP_SS_CAUSE, CP_SS_WEIGHED, CP_SS_DECISION, CP_SS_REASON, CP_SS_PERSON };

/* Of rulings: */
enum { CP_RU_ABOUT = 3, CP_RU_DECISION, CP_RU_REASON, CP_RU_PERSON };

/* Of exports: */
enum { CP_EX_PERSON = 3, CP_EX_FORMAT, CP_EX_SCOPE, CP_EX_FILE, CP_EX_LABELS, CP_EX_MAIN };

extern const struct cp_shape cp_shapes[CP_T_COUNT];   /* what the strict reader demands */
extern const char *const *const cp_columns[CP_T_COUNT]; /* names, in order */

static inline bool cp_table_is_private(size_t t) { return t >= CP_T_PUBLIC; }
static inline bool cp_table_is_work(size_t t) { return t == CP_T_JUDGMENTS || t == CP_T_RATINGS; }
/* What leads decided, about a judgment or a stale one: a document of its own. */
static inline bool cp_table_is_settlement(size_t t) { return t == CP_T_SETTLEMENTS || t == CP_T_STALE_SETTLEMENTS; }
/* One edit's content stands, whole; of all others each column by itself. */
static inline bool cp_table_is_whole(size_t t) { return t == CP_T_JUDGMENTS || cp_table_is_settlement(t); }
/* Column that holds the rev. */
static inline size_t cp_table_rev(size_t t) { return t == CP_T_RATINGS ? (size_t)CP_R_REV : (size_t)CP_C_REV; }

/* What a column holds when an insert does not say. */
void cp_table_default(struct cp_value *out, size_t table, size_t column);
/* -1 when there is none of that name. */
int cp_table_named(const char *name);

#endif
