#include "sync/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * A story is the edits of one document in few words. A rev, a column and a replica
 * are one letter each; values are numbers, and their own severity.
 */
enum { MOST = 40 };

struct story {
	struct cp_edit edits[MOST]; size_t n;
	struct cp_rev parents[MOST][8];
	struct cp_write writes[MOST][8];
	char names[MOST][8];
};

static struct cp_rev rev_of(char letter)
{
	return (struct cp_rev){ { (uint8_t)letter } };
}

static void hash_edit(struct cp_edit *e, const char *parents, const char *writes)
{
	struct cp_hasher h;

	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, &e->rev, sizeof e->rev);
	cp_hasher_add_part(&h, parents, strlen(parents));
	cp_hasher_add_part(&h, writes, strlen(writes));
	cp_hasher_end(&h, &e->hash);
}

/* writes: "x1 y2" writes 1 to x and 2 to y; sorted. */
static struct cp_edit *tell(struct story *s, char rev, const char *parents, char who, int64_t clock,
		const char *writes)
{
	struct cp_edit *e = &s->edits[s->n];
	char *end;

	assert_true(s->n < MOST);
	*e = (struct cp_edit){ .rev = rev_of(rev), .replica = { { (uint8_t)who } }, .clock = clock,
		.replaced = s->parents[s->n], .n_replaced = strlen(parents), .writes = s->writes[s->n] };
	for (size_t i = 0; parents[i]; i++)
		s->parents[s->n][i] = rev_of(parents[i]);
	for (const char *w = writes; *w; w = *end ? end + 1 : end) {
		struct cp_write *out = &s->writes[s->n][e->n_writes];

		s->names[s->n][e->n_writes++] = *w;
		*out = (struct cp_write){ .name = &s->names[s->n][e->n_writes - 1], .name_len = 1 };
		out->value = (struct cp_value){ .type = CP_INT, .integer = strtol(w + 1, &end, 10) };
		out->severity = (int)out->value.integer;
	}
	hash_edit(e, parents, writes);
	s->n++;
	return e;
}

static enum cp_policy same_policy(void *user, const char *name, size_t len)
{
	(void)name;
	assert_int_equal(len, 1);
	return *(enum cp_policy *)user;
}

static struct cp_doc_state by_columns(const struct story *s, enum cp_policy policy)
{
	struct cp_doc_state out;
	struct cp_err err = { 0 };

	assert_int_equal(cp_tree_columns(&out, s->edits, s->n, same_policy, &policy, &err), CP_OK);
	return out;
}

static struct cp_doc_state as_whole(const struct story *s, enum cp_policy policy, const char *weighed, char stands)
{
	struct cp_doc_state out;
	struct cp_err err = { 0 };
	struct cp_rev revs[8];
	struct cp_settlement settlement = { revs, weighed ? strlen(weighed) : 0, rev_of(stands) };

	for (size_t i = 0; i < settlement.n_weighed; i++)
		revs[i] = rev_of(weighed[i]);
	assert_int_equal(cp_tree_whole(&out, s->edits, s->n, policy, weighed ? &settlement : NULL, &err), CP_OK);
	return out;
}

static void expect_revs(const struct cp_doc_state *s, const char *revs)
{
	assert_int_equal(s->n_revs, strlen(revs));
	for (size_t i = 0; i < s->n_revs; i++)
		assert_int_equal(s->revs[i].bytes[0], revs[i]);
}

static void expect_fates(const struct cp_doc_state *s, const char *fates)
{
	assert_int_equal(s->n_edits, strlen(fates));
	for (size_t i = 0; i < s->n_edits; i++)
		assert_int_equal("SEUOCW"[s->fates[i]], fates[i]);
}

static const struct cp_column_state *column(const struct cp_doc_state *s, char name)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (*s->columns[i].name == name)
			return &s->columns[i];
	fail_msg("no column %c", name);
	return NULL;
}

static long long value(const struct cp_doc_state *s, char name)
{
	return column(s, name)->value.integer;
}

/* ---- column by column ---------------------------------------------------------------- */

static void a_line_of_edits_shows_what_was_written_last(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1 y1");
	tell(&s, 'b', "a", 'A', 2, "x2");
	tell(&s, 'c', "b", 'A', 3, "z7");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	expect_revs(&d, "c");
	assert_int_equal(d.n_columns, 3);
	assert_int_equal(value(&d, 'x'), 2);
	assert_int_equal(value(&d, 'y'), 1);
	assert_int_equal(value(&d, 'z'), 7);
	assert_int_equal(column(&d, 'x')->stands, 1);
	assert_false(d.has_conflict);
	expect_fates(&d, "SSS");
}

static void columns_written_in_parallel_both_stand(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1 y1");
	tell(&s, 'c', "a", 'A', 2, "x2");
	tell(&s, 'b', "a", 'B', 2, "y2");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	expect_revs(&d, "bc");
	assert_int_equal(value(&d, 'x'), 2);
	assert_int_equal(value(&d, 'y'), 2);
	assert_false(d.has_conflict);
	expect_fates(&d, "USS");
}

static void the_latest_stands_by_clock_then_replica_then_rev(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'Z', 1, "x1 y1 z1");
	tell(&s, 'b', "a", 'C', 8, "x2 y2 z2");
	tell(&s, 'c', "a", 'B', 9, "x3");
	tell(&s, 'd', "a", 'D', 8, "y4");
	tell(&s, 'e', "a", 'C', 8, "z5");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	assert_int_equal(value(&d, 'x'), 3);
	assert_int_equal(value(&d, 'y'), 4);
	assert_int_equal(value(&d, 'z'), 5);
	assert_true(d.has_conflict);
	assert_int_equal(column(&d, 'x')->n_candidates, 2);
	assert_int_equal(column(&d, 'x')->candidates[0], 1);
	assert_int_equal(column(&d, 'x')->candidates[1], 2);
	expect_fates(&d, "UCSSS");
}

static void the_severest_stands_until_a_lead_resolves_it(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "a", 'A', 9, "x2");
	tell(&s, 'c', "a", 'B', 2, "x3");
	tell(&s, 'd', "bc", 'A', 10, "x0");     /* an author may not choose */
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_SEVEREST);
	assert_int_equal(value(&d, 'x'), 3);
	assert_int_equal(column(&d, 'x')->stands, 2);
	assert_int_equal(column(&d, 'x')->n_candidates, 3);
	expect_fates(&d, "UCSC");
	tell(&s, 'e', "d", 'L', 11, "x2")->is_resolve = true;
	CP_AUTO(doc_state) struct cp_doc_state after = by_columns(&s, CP_SEVEREST);
	assert_int_equal(value(&after, 'x'), 2);
	assert_false(after.has_conflict);
	expect_fates(&after, "UUOOS");
}

static void under_review_nothing_stands_and_the_latest_is_shown(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'b', "", 'A', 5, "x2");
	tell(&s, 'c', "", 'B', 4, "x3");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	assert_int_equal(value(&d, 'x'), 2);
	assert_int_equal(column(&d, 'x')->shown, 0);
	assert_true(column(&d, 'x')->stands == SIZE_MAX);
	expect_fates(&d, "CC");
}

static void who_grew_from_one_candidate_replaces_that_one_alone(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 2, "x2");
	tell(&s, 'c', "ab", 'A', 3, "x3");
	tell(&s, 'd', "c", 'A', 4, "x4");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	assert_int_equal(column(&d, 'x')->n_candidates, 3);
	expect_fates(&d, "CCUC");
	CP_AUTO(doc_state) struct cp_doc_state latest = by_columns(&s, CP_LATEST);
	expect_fates(&latest, "UUUS");
}

static void a_far_clock_turns_latest_to_review_and_no_other_policy(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 1000, "x2")->is_far = true;
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	assert_true(column(&d, 'x')->stands == SIZE_MAX);
	expect_fates(&d, "CC");
	CP_AUTO(doc_state) struct cp_doc_state severest = by_columns(&s, CP_SEVEREST);
	expect_fates(&severest, "CS");
	tell(&s, 'c', "ab", 'A', 2, "x3");
	CP_AUTO(doc_state) struct cp_doc_state closed = by_columns(&s, CP_LATEST);
	expect_fates(&closed, "UUS");
}

static void one_value_written_twice_is_no_conflict(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 2, "x1");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	assert_false(d.has_conflict);
	assert_int_equal(column(&d, 'x')->stands, 1);
	assert_int_equal(column(&d, 'x')->n_candidates, 2);
	expect_fates(&d, "SS");
}

static void values_are_equal_only_with_type_and_bytes(void **state)
{
	static const struct cp_value values[] = {
		{ .type = CP_INT, .integer = 1 }, { .type = CP_REAL, .real = 1 }, { .type = CP_NULL },
		{ .type = CP_TEXT, .len = 1, .bytes = (const uint8_t *)"1" }, { .type = CP_TEXT },
		{ .type = CP_TEXT, .len = 2, .bytes = (const uint8_t *)"1\0" },
		{ .type = CP_BLOB, .len = 1, .bytes = (const uint8_t *)"1" }, { .type = CP_BLOB },
		{ .type = CP_REAL, .real = 1.5 }, { .type = CP_INT, .integer = -1 },
	};
	enum { COUNT = sizeof values / sizeof *values };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < COUNT; j++) {
			struct story s = { .n = 0 };

			tell(&s, 'a', "", 'A', 1, "x1");
			tell(&s, 'b', "", 'B', 1, "x1");
			s.writes[0][0].value = values[i];
			s.writes[1][0].value = values[j];
			CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
			assert_int_equal(d.has_conflict, i != j);
		}
	}
}

static void a_column_in_conflict_weighs_more_than_one_written_over(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1 y1 z1");
	tell(&s, 'b', "", 'B', 2, "x2 y2 z2");
	tell(&s, 'c', "a", 'A', 0, "y3 z3");
	tell(&s, 'd', "b", 'B', 3, "y4 z4");
	tell(&s, 'e', "cd", 'L', 4, "z4")->is_resolve = true;
	tell(&s, 'f', "e", 'L', 5, "");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	expect_fates(&d, "CCCCSS");     /* x of a and b, y of c and d are open */
	CP_AUTO(doc_state) struct cp_doc_state latest = by_columns(&s, CP_LATEST);
	expect_fates(&latest, "CSCSSS");        /* b and d by their clocks; z of c was overruled, but y is open */
}

/* ---- what counts ------------------------------------------------------------------------ */

static void an_orphan_waits_and_so_does_all_that_grew_on_it(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "m", 'A', 2, "x2");
	tell(&s, 'c', "ab", 'A', 3, "y3");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	expect_revs(&d, "a");
	assert_int_equal(d.n_columns, 1);
	expect_fates(&d, "SWW");
	tell(&s, 'm', "", 'B', 0, "x9");
	CP_AUTO(doc_state) struct cp_doc_state come = by_columns(&s, CP_LATEST);
	expect_revs(&come, "c");
	expect_fates(&come, "CSSU");
}

static void a_ring_waits_for_ever(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "c", 'A', 1, "x1");
	tell(&s, 'b', "a", 'A', 2, "x2");
	tell(&s, 'c', "b", 'A', 3, "x3");
	tell(&s, 'd', "d", 'A', 4, "x4");
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	expect_revs(&d, "");
	expect_fates(&d, "WWWW");
	CP_AUTO(doc_state) struct cp_doc_state whole = as_whole(&s, CP_LATEST, NULL, 0);
	expect_revs(&whole, "");
	assert_true(whole.shown == SIZE_MAX && whole.stands == SIZE_MAX);
	expect_fates(&whole, "WWWW");
}

static void a_document_of_no_edits_is_empty(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	CP_AUTO(doc_state) struct cp_doc_state whole = as_whole(&s, CP_LATEST, "a", 'a');
	assert_int_equal(d.n_revs + d.n_columns + d.n_edits, 0);
	assert_int_equal(whole.n_revs + whole.n_columns + whole.n_edits, 0);
}

static void copies_are_one_edit_of_the_lowest_replica_and_clock(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'C', 1, "x1");
	tell(&s, 'a', "", 'B', 9, "x1");
	tell(&s, 'a', "", 'D', 9, "x1");
	tell(&s, 'b', "", 'C', 1, "x2");        /* C is higher than B at the same clock */
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_LATEST);
	assert_int_equal(value(&d, 'x'), 2);
	assert_int_equal(column(&d, 'x')->candidates[0], 1);
	expect_fates(&d, "ECES");
	for (size_t i = 0; i < s.n; i++)
		assert_false(d.is_forged[i]);
	s.edits[2].is_far = true;               /* of one copy, so of the edit */
	CP_AUTO(doc_state) struct cp_doc_state far = by_columns(&s, CP_LATEST);
	expect_fates(&far, "ECEC");
}

static void a_resolve_counts_when_one_of_its_copies_says_so(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 2, "x2");
	tell(&s, 'c', "ab", 'A', 3, "x3");
	tell(&s, 'c', "ab", 'L', 3, "x3")->is_resolve = true;
	CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, CP_REVIEW);
	expect_fates(&d, "OOSE");
}

static void twins_are_forged_and_who_names_their_rev_descends_from_both(void **state)
{
	struct story s = { .n = 0 };
	size_t low;

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'a', "", 'A', 1, "y2");
	low = memcmp(&s.edits[0].hash, &s.edits[1].hash, sizeof(struct cp_hash)) > 0;
	CP_AUTO(doc_state) struct cp_doc_state two = as_whole(&s, CP_LATEST, NULL, 0);
	expect_revs(&two, "a");
	assert_int_equal(two.shown, 1 - low);
	assert_true(two.has_conflict && two.is_forged[0] && two.is_forged[1]);
	assert_int_equal(two.candidates[0], low);
	tell(&s, 'b', "a", 'A', 2, "z3");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_LATEST, NULL, 0);
	expect_revs(&d, "b");
	expect_fates(&d, "UUS");
	assert_false(d.is_forged[2]);
	assert_int_equal(d.n_columns, 2);
	assert_int_equal(column(&d, low ? 'y' : 'x')->shown, low);
	tell(&s, 'a', "m", 'A', 1, "x5");       /* a third that waits: so does their child */
	CP_AUTO(doc_state) struct cp_doc_state waits = as_whole(&s, CP_LATEST, NULL, 0);
	expect_revs(&waits, "a");
	assert_int_equal(waits.fates[2], CP_WAITING);
	assert_int_equal(waits.fates[3], CP_WAITING);
}

static void what_an_author_knew_is_all_that_is_above(void **state)
{
	struct story s = { .n = 0 };
	struct cp_err err = { 0 };
	bool has_known;

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "a", 'A', 2, "x2");
	tell(&s, 'c', "a", 'B', 2, "x3");
	tell(&s, 'd', "m", 'B', 2, "x3");
	for (const char *c = "abcdm"; *c; c++) {
		struct cp_rev rev = rev_of(*c);

		assert_int_equal(cp_tree_knew(&has_known, s.edits, s.n, 1, &rev, 1, &err), CP_OK);
		assert_int_equal(has_known, *c == 'a' || *c == 'b');
		assert_int_equal(cp_tree_knew(&has_known, s.edits, s.n, 3, &rev, 1, &err), CP_OK);
		assert_false(has_known);
	}
}

/* ---- whole -------------------------------------------------------------------------------- */

static void a_judgment_is_never_a_mixture(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1 y1");
	tell(&s, 'b', "a", 'A', 3, "x2");
	tell(&s, 'c', "a", 'B', 2, "y2");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_LATEST, NULL, 0);
	expect_revs(&d, "bc");
	assert_int_equal(value(&d, 'x'), 2);
	assert_int_equal(value(&d, 'y'), 1);
	assert_int_equal(column(&d, 'y')->shown, 0);    /* who wrote it */
	assert_int_equal(d.stands, 1);
	assert_int_equal(d.n_candidates, 2);
	expect_fates(&d, "USC");
	tell(&s, 'd', "cb", 'B', 4, "z1");      /* its row showed c */
	CP_AUTO(doc_state) struct cp_doc_state on_c = as_whole(&s, CP_LATEST, NULL, 0);
	assert_int_equal(value(&on_c, 'x'), 1);
	assert_int_equal(value(&on_c, 'y'), 2);
	expect_fates(&on_c, "UUUS");
}

static void equal_contents_reached_by_different_ways_are_no_conflict(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1 y1");
	tell(&s, 'b', "a", 'A', 2, "x2");
	tell(&s, 'c', "b", 'A', 3, "y2");
	tell(&s, 'd', "a", 'B', 9, "x2 y2");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_REVIEW, NULL, 0);
	assert_false(d.has_conflict);
	assert_int_equal(d.stands, 3);
	expect_revs(&d, "dc");
	expect_fates(&d, "UUSS");
}

static void a_judgment_is_as_severe_as_its_severest_answer(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x5 y1");
	tell(&s, 'b', "a", 'A', 2, "y2");       /* x5 is still its own */
	tell(&s, 'c', "a", 'B', 3, "x0 y4");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_SEVEREST, NULL, 0);
	assert_int_equal(d.stands, 1);
	expect_fates(&d, "USC");
}

static void under_review_a_judgment_stands_nowhere(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 2, "x2");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_REVIEW, NULL, 0);
	assert_int_equal(d.shown, 1);
	assert_true(d.stands == SIZE_MAX && column(&d, 'x')->stands == SIZE_MAX);
	expect_fates(&d, "CC");
}

static void a_settlement_says_which_leaf_stands(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "a", 'A', 3, "x2");
	tell(&s, 'c', "a", 'B', 2, "x3");
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_REVIEW, "bc", 'c');
	assert_false(d.has_conflict);
	assert_int_equal(d.stands, 2);
	expect_revs(&d, "cb");
	expect_fates(&d, "UOS");
	CP_AUTO(doc_state) struct cp_doc_state inner = as_whole(&s, CP_REVIEW, "abc", 'a');
	assert_int_equal(inner.stands, 0);
	expect_revs(&inner, "abc");             /* shown first, though it is no leaf */
	expect_fates(&inner, "SOO");
}

static void a_settlement_waits_for_what_it_chose(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 2, "x2");
	CP_AUTO(doc_state) struct cp_doc_state absent = as_whole(&s, CP_LATEST, "abz", 'z');
	expect_fates(&absent, "CS");
	CP_AUTO(doc_state) struct cp_doc_state unweighed = as_whole(&s, CP_LATEST, "b", 'a');
	expect_fates(&unweighed, "CS");
}

static void a_leaf_that_was_not_weighed_is_unsettled(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 5, "x1");
	tell(&s, 'b', "", 'B', 4, "x2");
	tell(&s, 'c', "b", 'C', 3, "x3");       /* on an overruled one: weighed against what stood */
	CP_AUTO(doc_state) struct cp_doc_state d = as_whole(&s, CP_LATEST, "ab", 'a');
	expect_fates(&d, "SUC");
	assert_int_equal(d.n_candidates, 2);
}

static void what_grew_from_the_settled_one_replaces_it_under_latest_alone(void **state)
{
	struct story s = { .n = 0 };

	(void)state;
	tell(&s, 'a', "", 'A', 1, "x1");
	tell(&s, 'b', "", 'B', 9, "x2");
	tell(&s, 'c', "ab", 'A', 2, "x3");
	CP_AUTO(doc_state) struct cp_doc_state latest = as_whole(&s, CP_LATEST, "ab", 'a');
	assert_false(latest.has_conflict);
	expect_fates(&latest, "UUS");
	CP_AUTO(doc_state) struct cp_doc_state review = as_whole(&s, CP_REVIEW, "ab", 'a');
	assert_true(review.has_conflict);
	expect_fates(&review, "COC");
}

/* ---- properties ----------------------------------------------------------------------------- */

static uint64_t dice = 1;

static size_t roll(size_t sides)
{
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(dice >> 33) % sides;
}

/* Any history, with orphans, copies and twins. */
static void tell_anything(struct story *s)
{
	while (s->n < 25) {
		char parents[3] = "", writes[3] = { "xyz"[roll(3)], (char)('0' + roll(3)), 0 };
		char rev = (char)('a' + roll(4) + s->n - (s->n ? roll(2) : 0));

		for (size_t i = 0; s->n && i < 2 && roll(5); i++)
			parents[i] = (char)('a' + roll(s->n + 1));
		tell(s, rev, parents, (char)('A' + roll(3)), (int64_t)roll(20), writes)->is_far = roll(15) == 0;
		s->edits[s->n - 1].is_resolve = parents[0] && parents[1] && roll(3) == 0;
	}
}

/* All that a state says, of edits by name: the order in which they were given is gone. */
static void fingerprint(struct cp_hash *out, const struct story *s, const struct cp_doc_state *d)
{
	struct cp_hasher h;
	uint64_t sum = 0;

	cp_hasher_begin(&h);
	cp_hasher_add_part(&h, d->revs, d->n_revs * sizeof *d->revs);
	for (size_t i = 0; i < d->n_columns; i++) {
		const struct cp_column_state *c = &d->columns[i];
		size_t all[2] = { c->shown, c->stands };

		cp_hasher_add_part(&h, c->name, c->name_len);
		for (size_t k = 0; k < 2 + c->n_candidates; k++) {
			size_t index = k < 2 ? all[k] : c->candidates[k - 2];

			cp_hasher_add_part(&h, &s->edits[index % MOST].hash, index == SIZE_MAX ? 0 : 32);
		}
	}
	for (size_t k = 0; k < d->n_candidates; k++)
		cp_hasher_add_part(&h, &s->edits[d->candidates[k]].hash, 32);
	for (size_t i = 0; i < d->n_edits; i++) { /* a sum has no order */
		uint8_t said[34];
		struct cp_hash one;
		uint64_t part;

		memcpy(said, &s->edits[i].hash, 32);
		said[32] = (uint8_t)d->fates[i];
		said[33] = d->is_forged[i];
		cp_hash_bytes(&one, said, sizeof said);
		memcpy(&part, &one, sizeof part);
		sum += part;
	}
	cp_hasher_add_part(&h, &sum, sizeof sum);
	cp_hasher_end(&h, out);
}

static void shuffle(struct story *s)
{
	for (size_t i = s->n; i > 1; i--) {
		size_t j = roll(i);
		struct cp_edit e = s->edits[i - 1];

		s->edits[i - 1] = s->edits[j];
		s->edits[j] = e;
	}
}

static void expect_sum(const struct cp_doc_state *d)
{
	size_t counts[CP_FATES] = { 0 }, sum = 0;

	for (size_t i = 0; i < d->n_edits; i++)
		counts[d->fates[i]]++;
	for (size_t i = 0; i < CP_FATES; i++)
		sum += counts[i];
	assert_int_equal(sum, d->n_edits);
}

static void the_order_of_the_edits_never_matters_and_fates_add_up(void **state)
{
	size_t n_open = 0, n_waiting = 0;

	(void)state;
	for (int run = 0; run < 300; run++) {
		struct story s = { .n = 0 };
		struct cp_hash first[2], again[2];
		enum cp_policy policy = (enum cp_policy)(run % 3);

		dice = (uint64_t)run + 1;
		tell_anything(&s);
		for (int turn = 0; turn < 4; turn++) {
			CP_AUTO(doc_state) struct cp_doc_state d = by_columns(&s, policy);
			CP_AUTO(doc_state) struct cp_doc_state w = as_whole(&s, policy, run % 2 ? "cde" : NULL, 'd');

			expect_sum(&d);
			expect_sum(&w);
			fingerprint(&again[0], &s, &d);
			fingerprint(&again[1], &s, &w);
			if (turn == 0)
				memcpy(first, again, sizeof first);
			assert_memory_equal(first, again, sizeof first);
			n_open += d.has_conflict;
			n_waiting += d.fates[0] == CP_WAITING;
			shuffle(&s);
		}
	}
	assert_true(n_open > 200 && n_waiting > 100);
}

/* ---- memory --------------------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(HAS_ASAN)
/* All memory of the tree comes and goes through these; any one request can be made to fail. */
static size_t fail_after; /* 0: never */
static long n_held;
void *__libc_calloc(size_t n, size_t size);
void __libc_free(void *p);

void *calloc(size_t n, size_t size)
{
	void *p = fail_after && --fail_after == 0 ? NULL : __libc_calloc(n, size);

	n_held += p != NULL;
	return p;
}

void *reallocarray(void *old, size_t n, size_t size)
{
	bool is_new = old == NULL;
	void *p = fail_after && --fail_after == 0 ? NULL : realloc(old, n * size);

	n_held += p && is_new;
	return p;
}

void free(void *p)
{
	n_held -= p != NULL;
	__libc_free(p);
}

static void without_memory_nothing_is_answered(void **state)
{
	struct story s = { .n = 0 };
	struct cp_rev weighed[2] = { rev_of('c'), rev_of('d') };
	struct cp_settlement settlement = { weighed, 2, rev_of('d') };
	enum cp_policy policy = CP_REVIEW;
	size_t n_failed = 0;

	(void)state;
	dice = 5;
	tell_anything(&s);
	for (int what = 0; what < 2; what++) {
		enum cp_code code = CP_EIO;

		for (size_t at = 1; code != CP_OK; at++) {
			struct cp_doc_state d = { .n_edits = 77 };
			struct cp_err err = { 0 };
			long before = n_held;

			fail_after = at;
			code = what ? cp_tree_whole(&d, s.edits, s.n, policy, &settlement, &err)
				: cp_tree_columns(&d, s.edits, s.n, same_policy, &policy, &err);
			fail_after = 0;
			if (code == CP_OK) {
				assert_true(n_held > before);
				cp_doc_state_drop(&d);
				assert_int_equal(n_held, before);
				continue;
			}
			assert_int_equal(n_held, before);
			n_failed++;
			assert_int_equal(code, CP_EIO);
			assert_int_equal(err.code, CP_EIO);
			assert_true(d.n_edits == 77 && d.fates == NULL);
		}
	}
	assert_true(n_failed > 40);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_edits_shows_what_was_written_last),
		cmocka_unit_test(columns_written_in_parallel_both_stand),
		cmocka_unit_test(the_latest_stands_by_clock_then_replica_then_rev),
		cmocka_unit_test(the_severest_stands_until_a_lead_resolves_it),
		cmocka_unit_test(under_review_nothing_stands_and_the_latest_is_shown),
		cmocka_unit_test(who_grew_from_one_candidate_replaces_that_one_alone),
		cmocka_unit_test(a_far_clock_turns_latest_to_review_and_no_other_policy),
		cmocka_unit_test(one_value_written_twice_is_no_conflict),
		cmocka_unit_test(values_are_equal_only_with_type_and_bytes),
		cmocka_unit_test(a_column_in_conflict_weighs_more_than_one_written_over),
		cmocka_unit_test(an_orphan_waits_and_so_does_all_that_grew_on_it),
		cmocka_unit_test(a_ring_waits_for_ever),
		cmocka_unit_test(a_document_of_no_edits_is_empty),
		cmocka_unit_test(copies_are_one_edit_of_the_lowest_replica_and_clock),
		cmocka_unit_test(a_resolve_counts_when_one_of_its_copies_says_so),
		cmocka_unit_test(twins_are_forged_and_who_names_their_rev_descends_from_both),
		cmocka_unit_test(what_an_author_knew_is_all_that_is_above),
		cmocka_unit_test(a_judgment_is_never_a_mixture),
		cmocka_unit_test(equal_contents_reached_by_different_ways_are_no_conflict),
		cmocka_unit_test(a_judgment_is_as_severe_as_its_severest_answer),
		cmocka_unit_test(under_review_a_judgment_stands_nowhere),
		cmocka_unit_test(a_settlement_says_which_leaf_stands),
		cmocka_unit_test(a_settlement_waits_for_what_it_chose),
		cmocka_unit_test(a_leaf_that_was_not_weighed_is_unsettled),
		cmocka_unit_test(what_grew_from_the_settled_one_replaces_it_under_latest_alone),
		cmocka_unit_test(the_order_of_the_edits_never_matters_and_fates_add_up),
#if !defined(__SANITIZE_ADDRESS__) && !defined(HAS_ASAN)
		cmocka_unit_test(without_memory_nothing_is_answered),
#endif
	};

	cp_hash_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
