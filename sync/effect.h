/*
 * The judgments made before and after a revision of a guideline, side by side: how often each
 * answer was given, how far raters agreed, and how the labels of the same case by the same
 * rater moved. What goes together with a revision is shown, not what it caused: cases, raters
 * and days differ too.
 *
 * After: what stands under the revision, or under one that grew from it. Before: what stands under
 * any other revision of the same guideline; those among them that it did not grow from either are
 * also counted as beside. A judgment made before and changed after counts on both sides: before
 * with what it said last until then, and as changed.
 *
 * Answers are those of submitted judgments, as cp_label_each gives them; late, stale and
 * conflicting ones are among them and are counted by themselves, but where nothing stands until a
 * lead decides (undecided) there is no answer to count.
 *
 * Agreement: of each rater of a case the latest judgment on that side. An item is one field of
 * one result (or page) of a case that m >= 2 raters answered.
 *
 *   percent   agreeing pairs of raters / all pairs, over all items
 *   alpha     Krippendorff's alpha for nominal data: 1 - (n - 1) D / (n^2 - sum of n_v^2), where n is the
 *             number of answers in items, n_v how many of them say v, and D the sum over items of
 *             (m^2 - sum of m_v^2) / (m - 1), m_v being how many raters of the item say v. None where all
 *             answers are one. (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.)
 *
 * Moves: of each rater and case the latest judgment before (a lower pass, or what the same judgment
 * said before it was changed) and the latest one after; for every question that either answers, from
 * what to what; "" where one of them has no answer (skipped, escalated, taken back, not asked).
 * Fields of free text have neither values, agreement nor moves.
 */
#ifndef CASEPACK_SYNC_EFFECT_H
#define CASEPACK_SYNC_EFFECT_H

#include "sync/revision.h"

enum { CP_BEFORE, CP_AFTER };

/* One side's judgments. */
struct cp_effect_side {
	int64_t judgments, raters, cases;
	int64_t submitted, skipped, escalated, withdrawn;
	int64_t late, stale, in_conflict, undecided, beside;
	int64_t changed;             /* before: stand no longer as they were, but changed, after */
};

struct cp_effect_value { char *value; int64_t n[2]; };
struct cp_effect_move { size_t from, to; int64_t n; }; /* places among the values; SIZE_MAX: no answer */
struct cp_effect_agreement { int64_t items, pairs, agreeing; double alpha; bool has_alpha; };

struct cp_effect_field {
	char *form, *name;
	bool is_text;                /* free text: answers are counted, and nothing else */
	int64_t answers[2];
	struct cp_effect_value *values; size_t n_values; /* numbers by size, then others by name */
	struct cp_effect_agreement agreement[2];
	struct cp_effect_move *moves; size_t n_moves;    /* in the order of from, then to; no answer last */
	int64_t same, moved;                             /* of the moves: from a value to itself, to another */
};

struct cp_effect { struct cp_effect_side side[2]; struct cp_effect_field *fields; size_t n; }; /* by form and name */
void cp_effect_drop(struct cp_effect *e);

/* Of revision number at in the list. field: only this one; NULL: all. */
CP_CHECKED enum cp_code cp_effect_measure(struct cp_store *s, const struct cp_revision_list *revisions, size_t at,
		const char *field, struct cp_effect *out, struct cp_err *err);

#endif
