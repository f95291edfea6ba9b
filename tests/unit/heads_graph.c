/*
 * Heads and their nearest common ancestor in random histories, as git finds them.
 */
#include "tests/unit/leads.h"

static void put_revision(int n, const struct cp_id *text, uint32_t parents)
{
	struct cp_value row[CP_MAX_COLUMNS];
	struct cp_rev rev;
	struct cp_id id, joined[4];
	size_t n_joined = 0;

	for (size_t c = 0; c < cp_shapes[CP_T_GUIDELINE_REVISIONS].n_columns; c++)
		cp_table_default(&row[c], CP_T_GUIDELINE_REVISIONS, c);
	memset(id.bytes, n, sizeof id.bytes);
	for (int i = 1; i < 32; i++)
		if (parents >> i & 1)
			memset(joined[n_joined++].bytes, i, sizeof(struct cp_id));
	cp_rev_random(&rev);
	row[CP_C_ID] = cp_v_blob(id.bytes, sizeof id.bytes);
	row[CP_C_REV] = cp_v_blob(rev.bytes, sizeof rev.bytes);
	row[CP_C_CLOCK] = cp_v_int(n);
	row[3] = cp_v_blob(text->bytes, sizeof text->bytes);
	row[4] = cp_v_blob(joined, n_joined * sizeof(struct cp_id));
	OK(cp_row_put(hubs[0], CP_T_GUIDELINE_REVISIONS, row, err));
}

/* A commit in git, with the same parents. */
static void put_commit(FILE *f, int n, uint32_t parents)
{
	const char *word = "from";

	fprintf(f, "reset refs/heads/x\n\ncommit refs/heads/x\nmark :%d\ncommitter a <a> %d +0000\ndata 0\n", n, n);
	for (int i = 1; i < 32; i++)
		if (parents >> i & 1) {
			fprintf(f, "%s :%d\n", word, i);
			word = "merge";
		}
	fprintf(f, "\n");
}

struct marks { char oid[32][41]; }; /* of each number, what git made of it */

static void read_marks(struct marks *m)
{
	FILE *f = fopen(at("marks"), "r");
	char oid[41];
	int n;

	assert_non_null(f);
	memset(m, 0, sizeof *m);
	while (fscanf(f, ":%d %40s\n", &n, oid) == 2)
		memcpy(m->oid[n & 31], oid, sizeof oid);
	assert_int_equal(fclose(f), 0);
}

/* The numbers of the commits in a list, as bits. */
static uint32_t bits_of(const struct marks *m, const char *list)
{
	uint32_t bits = 0;

	for (int n = 1; n < 32; n++)
		if (*m->oid[n] != '\0' && strstr(list, m->oid[n]) != NULL)
			bits |= (uint32_t)1 << n;
	return bits;
}

/* The same random history of n revisions, 1 to n, in the hub and in git. Gives those that are some other's parent. */
static uint32_t invent(int round, int n, const struct cp_id *text, struct marks *marks)
{
	FILE *f = fopen(at("stream"), "w");
	uint32_t all = 0;

	assert_non_null(f);
	for (int i = 1; i <= n; i++) {
		uint32_t parents = 0;

		/* In odd rounds layers of three, whose parents cross; a new root now and then. */
		for (int k = round % 3 == 0 && rand() % 5 == 0 ? 0 : 1 + rand() % 3; i > 1 && k > 0; k--)
			parents |= (uint32_t)1 << (round % 2 && i > 4 ? (i - 1) / 3 * 3 - rand() % 3 : 1 + rand() % (i - 1));
		all |= parents;
		put_revision(i, text, parents);
		put_commit(f, i, parents);
	}
	assert_int_equal(fclose(f), 0);
	shell("git -C graph.git fast-import --quiet --force --export-marks=../marks <stream");
	read_marks(marks);
	return all;
}

static uint32_t git_finds(const struct cp_heads *h, const struct marks *marks)
{
	char list[1024] = "";

	for (size_t i = 0; i < h->n; i++)
		snprintf(list + strlen(list), sizeof list - strlen(list), " %s", marks->oid[h->list[i].id.bytes[0]]);
	return bits_of(marks, shell("git -C graph.git merge-base --octopus --all %s || true", list));
}

/* Revision n, or a lower one. */
static bool has_lower_rev(const struct cp_id *id, int n)
{
	struct cp_id other;
	int64_t is_lower;

	memset(other.bytes, n, sizeof other.bytes);
	OK(cp_query_int(hubs[0], &is_lower, 0, err, "SELECT a.rev <= b.rev FROM guideline_revisions a, guideline_revisions b"
			" WHERE a.id = ?1 AND b.id = ?2", "dd", id, &other));
	return is_lower != 0;
}

static void check_base(const struct cp_heads *h, uint32_t bases)
{
	assert_int_equal(h->has_base, bases != 0);
	if (!h->has_base)
		return;
	assert_true(bases >> h->base.bytes[0] & 1);
	for (int i = 1; i < 32; i++)
		assert_true(!(bases >> i & 1) || has_lower_rev(&h->base, i));
}

static void heads_and_their_nearest_ancestor_are_those_that_git_finds(void **state)
{
	int several = 0, none = 0, many = 0;

	(void)state;
	srand(7);
	shell("git init -q --bare graph.git");
	for (int round = 0; round < 200; round++) {
		int n = 3 + rand() % 9;
		uint32_t heads = 0, above, bases;
		struct marks marks;
		struct cp_heads h;
		struct cp_id text;

		cp_id_random(&text);
		OK(cp_txn_begin(hubs[0], err));
		above = invent(round, n, &text, &marks);
		OK(cp_heads_load(hubs[0], false, &text, &h, err));
		for (size_t i = 0; i < h.n; i++)
			heads |= (uint32_t)1 << h.list[i].id.bytes[0];
		assert_int_equal(heads, ~above & (((uint32_t)1 << n) - 1) << 1);
		for (size_t i = 1; i < h.n; i++)
			assert_true(memcmp(&h.list[i - 1].rev, &h.list[i].rev, sizeof h.list[i].rev) < 0);
		if (h.n > 1) {
			bases = git_finds(&h, &marks);
			check_base(&h, bases);
			several++;
			none += bases == 0;
			many += __builtin_popcount(bases) > 1;
		}
		cp_heads_drop(&h);
		cp_txn_rollback(hubs[0]);
	}
	assert_true(several > 60 && none > 5 && many > 0); /* else this tried too little */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(heads_and_their_nearest_ancestor_are_those_that_git_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
