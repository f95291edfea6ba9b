/*
 * What it costs to look for what must not go out (sync/secrets.h): everything of a bundle is shown to the search once
 * more, as it was while the bundle was written.
 *
 *     search WORKSPACE BUNDLE PERSON
 *
 * Prints seconds of processor to read what is looked for, and to look, and bytes looked through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sync/people.h"
#include "sync/secrets.h"

#define MUST(call)                                                     \
	do {                                                           \
		struct cp_err must_err_ = { 0 };                       \
		struct cp_err *err = &must_err_;                       \
		if ((call) != CP_OK) {                                 \
			fprintf(stderr, "search: %s\n", must_err_.text); \
			exit(1);                                       \
		}                                                      \
	} while (0)

struct looking { struct cp_search search; double seconds, bytes; };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* a busy machine measures itself otherwise */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum cp_code look(struct looking *l, const char *part, const char *name, const void *bytes, size_t len, struct cp_err *err)
{
	double start = now();
	enum cp_code code = cp_search_shown(&l->search, part, name, bytes, len, err);

	l->seconds += now() - start;
	l->bytes += (double)len;
	return code;
}

static enum cp_code see_object(void *user, const char *oid, const char *type, const void *bytes, size_t len, struct cp_err *err)
{
	char name[64];

	snprintf(name, sizeof name, "%s.%s", oid, type);
	return look(user, "history.tar.zst", name, bytes, len, err);
}

static enum cp_code see_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	return look(user, "cases.jsonl.zst", "", json, len, err);
}

int main(int argc, char **argv)
{
	struct looking l = { .seconds = 0 };
	struct cp_bundle *b = NULL;
	struct cp_store *s = NULL;
	double start;

	if (argc != 4)
		return 2;
	cp_hash_setup();
	MUST(cp_store_open(&s, argv[1], err));
	MUST(cp_bundle_open(&b, argv[2], &cp_limits_default, err));
	l.search = (struct cp_search){ .s = s, .kind = cp_bundle_manifest(b)->kind, .to = { .replica = cp_bundle_manifest(b)->recipients[0] } };
	MUST(cp_person_find(s, argv[3], &l.search.to.person, err));
	start = now();
	MUST(cp_secrets_load(s, err));
	printf("%.6f ", now() - start);
	MUST(cp_bundle_each_object(b, see_object, &l, err));
	MUST(cp_bundle_each_case(b, see_case, &l, err));
	printf("%.6f %.0f\n", l.seconds, l.bytes);
	cp_search_drop(&l.search);
	cp_bundle_close(b);
	cp_store_close(s);
	return 0;
}
