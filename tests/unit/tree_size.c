#include "sync/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Large documents: what they cost, and that wide ones are still compared exactly. */

/* Edits with numbers for revs; write i of an edit goes to column (first + i). */
struct crowd {
	struct cp_edit *edits; size_t n;
	struct cp_rev *parents; size_t n_parents;
	struct cp_write *writes; size_t n_writes;
	char (*names)[4];
};

static void begin_crowd(struct crowd *c, size_t n, size_t n_parents, size_t n_writes)
{
	*c = (struct crowd){ .edits = calloc(n, sizeof *c->edits), .parents = calloc(n_parents, sizeof *c->parents),
		.writes = calloc(n_writes, sizeof *c->writes), .names = calloc(1000, sizeof *c->names) };
	assert_true(c->edits && c->parents && c->writes && c->names);
	for (size_t i = 0; i < 1000; i++)
		for (size_t k = 0, rest = i; k < 3; k++, rest /= 10)
			c->names[i][2 - k] = (char)('0' + rest % 10);
}

static void cp_crowd_drop(struct crowd *c)
{
	free(c->edits);
	free(c->parents);
	free(c->writes);
	free(c->names);
}

static struct cp_rev number(size_t n)
{
	struct cp_rev rev = { { 0 } };

	for (size_t k = 8; k-- > 0; n >>= 8)
		rev.bytes[k] = (uint8_t)n;
	return rev;
}

/* The next edit; parents and writes are added behind. */
static struct cp_edit *begin_edit(struct crowd *c)
{
	struct cp_edit *e = &c->edits[c->n];

	*e = (struct cp_edit){ .rev = number(c->n), .clock = (int64_t)c->n,
		.replaced = &c->parents[c->n_parents], .writes = &c->writes[c->n_writes] };
	memcpy(&e->hash, &e->rev, sizeof e->rev);
	c->n++;
	return e;
}

static void add_parent(struct crowd *c, struct cp_edit *e, size_t parent)
{
	c->parents[c->n_parents++] = number(parent);
	e->n_replaced++;
}

static void add_write(struct crowd *c, struct cp_edit *e, size_t name, int64_t integer)
{
	c->writes[c->n_writes++] = (struct cp_write){ .name = c->names[name], .name_len = 3,
		.value = { .type = CP_INT, .integer = integer }, .severity = (int)(integer & 7) };
	e->n_writes++;
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

static enum cp_policy three_policies(void *user, const char *name, size_t len)
{
	(void)user;
	return (enum cp_policy)(name[len - 1] % 3);
}

/* Both ways; how long that takes is said, and decides nothing. */
static void expect_leaves(const struct crowd *c, size_t n_leaves)
{
	struct cp_err err = { 0 };
	clock_t begun = clock();

	for (int policy = CP_LATEST; policy <= CP_REVIEW; policy++) {
		CP_AUTO(doc_state) struct cp_doc_state d = { 0 }, w = { 0 };

		assert_int_equal(cp_tree_columns(&d, c->edits, c->n, three_policies, NULL, &err), CP_OK);
		assert_int_equal(cp_tree_whole(&w, c->edits, c->n, (enum cp_policy)policy, NULL, &err), CP_OK);
		assert_int_equal(d.n_revs, n_leaves);
		assert_true(w.n_revs >= n_leaves);
		expect_sum(&d);
		expect_sum(&w);
	}
	print_message("%zu edits, %zu leaves: %.3f s for three policies, both ways\n", c->n, n_leaves,
			(double)(clock() - begun) / CLOCKS_PER_SEC);
}

static void ten_thousand_edits_in_a_line_are_one_leaf(void **state)
{
	CP_AUTO(crowd) struct crowd c;

	(void)state;
	begin_crowd(&c, 10000, 10000, 30000);
	for (size_t i = 0; i < 10000; i++) {
		struct cp_edit *e = begin_edit(&c);

		if (i)
			add_parent(&c, e, i - 1);
		for (size_t k = 0; k < 3; k++)
			add_write(&c, e, (i % 10) * 3 + k, (int64_t)i);
	}
	expect_leaves(&c, 1);
}

static void two_hundred_leaves_are_found_over_ten_thousand_edits(void **state)
{
	CP_AUTO(crowd) struct crowd c;

	(void)state;
	begin_crowd(&c, 10000, 10000, 10000);
	for (size_t i = 0; i < 10000; i++) {
		struct cp_edit *e = begin_edit(&c);

		if (i)
			add_parent(&c, e, i <= 200 ? 0 : i - 200);
		add_write(&c, e, i % 3, (int64_t)i);
	}
	expect_leaves(&c, 200);
}

static void thousands_of_forks_and_merges_end_in_two_leaves(void **state)
{
	CP_AUTO(crowd) struct crowd c;

	(void)state;
	begin_crowd(&c, 6000, 12000, 6000);
	for (size_t i = 0; i < 6000; i++) {     /* 0; 1 and 2 on it; 3 on both; 4 and 5 on that ... */
		struct cp_edit *e = begin_edit(&c);

		if (i % 3 == 0 && i) {
			add_parent(&c, e, i - 1);
			add_parent(&c, e, i - 2);
		} else if (i) {
			add_parent(&c, e, i - i % 3);
		}
		add_write(&c, e, i % 2, (int64_t)i);
	}
	expect_leaves(&c, 2);
}

/*
 * Two lines write the same in opposite order, over hundreds of columns, and meet in
 * one content; then one of them writes one more value.
 */
static void wide_contents_are_compared_to_the_last_column(void **state)
{
	enum { WIDE = 700, ROUNDS = 3 };
	CP_AUTO(crowd) struct crowd c;
	CP_AUTO(doc_state) struct cp_doc_state same = { 0 };
	struct cp_err err = { 0 };
	size_t last[2] = { 0, 0 };

	(void)state;
	begin_crowd(&c, WIDE * ROUNDS * 2 + 2, WIDE * ROUNDS * 2 + 2, WIDE * ROUNDS * 2 + 2);
	begin_edit(&c);
	for (size_t i = 0; i < WIDE * ROUNDS * 2; i++) {
		size_t side = i % 2, round = i / 2 / WIDE, at = i / 2 % WIDE, to = side ? WIDE - 1 - at : at;
		struct cp_edit *e = begin_edit(&c);

		add_parent(&c, e, last[side]);
		add_write(&c, e, to, (int64_t)(to * 7 % 5 + (round < ROUNDS - 1 ? side * 3 + round : 0)));
		last[side] = c.n - 1;
	}
	assert_int_equal(cp_tree_whole(&same, c.edits, c.n, CP_REVIEW, NULL, &err), CP_OK);
	assert_int_equal(same.n_revs, 2);
	assert_false(same.has_conflict);
	assert_int_equal(same.n_columns, WIDE);
	for (size_t column = 0; column < WIDE; column += column % 2 ? 9 : 1) {
		CP_AUTO(doc_state) struct cp_doc_state d = { 0 };
		struct cp_edit *e = begin_edit(&c);

		add_parent(&c, e, last[1]);
		add_write(&c, e, column, column % 2 ? 99 : (int64_t)(column * 7 % 5));
		assert_int_equal(cp_tree_whole(&d, c.edits, c.n, CP_REVIEW, NULL, &err), CP_OK);
		assert_int_equal(d.has_conflict, column % 2);
		c.n--, c.n_parents--, c.n_writes--;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_edits_in_a_line_are_one_leaf),
		cmocka_unit_test(two_hundred_leaves_are_found_over_ten_thousand_edits),
		cmocka_unit_test(thousands_of_forks_and_merges_end_in_two_leaves),
		cmocka_unit_test(wide_contents_are_compared_to_the_last_column),
	};

	cp_hash_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
