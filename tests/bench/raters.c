/*
 * Plays raters: opens every bundle of a folder in a workspace of its own, judges all that is
 * assigned, case by case as a person would save it, and writes the return bundle.
 *
 *     raters BUNDLES KEYS WORKSPACES RETURNS
 *
 * A bundle is called PROJECT-to-NAME-NUMBER.casepack; NAME's key is KEYS/NAME. Answers and times
 * are drawn from a generator that begins with the same number each time. Without RETURNS ("-")
 * the workspaces are left open for work: nothing is judged.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/deliver.h"
#include "sync/inner.h"
#include "sync/judge.h"

#define MAX_ANSWERS 1024

static uint64_t drawn = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
	drawn ^= drawn << 13;
	drawn ^= drawn >> 7;
	drawn ^= drawn << 17;
	return (uint32_t)(drawn >> 33) % below;
}

/* Every required field of the page and of each result, grades towards the low end as they are in life. */
static size_t answer(const struct cp_task *t, struct cp_answer out[MAX_ANSWERS])
{
	size_t n = 0;

	for (size_t f = 0; f < t->form.n_fields; f++) {
		const struct cp_field *field = &t->form.fields[f];
		size_t times = field->scope == CP_RESULT ? t->view.n_results : 1;

		if (!field->is_required || field->n_choices == 0)
			continue;
		for (size_t r = 0; r < times && n < MAX_ANSWERS; r++) {
			size_t a = draw((uint32_t)field->n_choices), b = draw((uint32_t)field->n_choices);

			out[n++] = (struct cp_answer){ field->name, field->scope == CP_RESULT ? t->view.results[r].id : "",
				field->choices[a < b ? a : b].value };
		}
	}
	return n;
}

/* The draft is begun some while before it is submitted, as it is when a person reads. */
static enum cp_code judge(struct cp_store *s, const struct cp_task *t, struct cp_err *err)
{
	struct cp_answer answers[MAX_ANSWERS];
	struct cp_judge_result done;
	int64_t active_ms = 4000 + draw(60000), idle_ms = draw(4) == 0 ? draw(90000) : draw(500);
	size_t n = answer(t, answers);

	CP_TRY(cp_judge_begin(s, err));
	CP_TRY(cp_judge(s, t, NULL, 0, CP_SUBMIT_DRAFT, NULL, 0, &done, err));
	CP_TRY(cp_run(s, err, "UPDATE drafts SET begun_us = begun_us - ?2 WHERE id = ?1", "di", &t->assignment,
			(active_ms + idle_ms) * 1000));
	CP_TRY(cp_judge(s, t, answers, n, CP_SUBMIT_IF_COMPLETE, NULL, active_ms, &done, err));
	if (strcmp(done.state, "submitted") != 0)
		return cp_fail(err, CP_EINPUT, "case %s: %s is missing", t->view.id, done.first_missing);
	return cp_judge_commit(s, "judged", err);
}

static enum cp_code judge_all(struct cp_store *s, struct cp_err *err)
{
	bool found = true;

	for (int64_t position = 1; found; position++) {
		struct cp_task t = { 0 };
		enum cp_code code;

		CP_TRY(cp_task_at(s, position, &t, &found, err));
		if (!found)
			return CP_OK;
		code = judge(s, &t, err);
		cp_task_drop(&t);
		CP_TRY(code);
	}
	return CP_OK;
}

static enum cp_code rate(const char *bundle, const char *key, const char *workspace, const char *returns, struct cp_err *err)
{
	CP_AUTO(store) struct cp_store *s = NULL;
	struct cp_opened opened;
	struct cp_sent sent;
	int64_t n;

	CP_TRY(cp_open(workspace, bundle, key, NULL, NULL, &opened, err));
	if (strcmp(returns, "-") == 0)
		return CP_OK;
	CP_TRY(cp_store_open(&s, workspace, err));
	CP_TRY(cp_run(s, err, "PRAGMA synchronous = OFF", "")); /* this is set-up: a power cut only means to begin again */
	CP_TRY(judge_all(s, err));
	return cp_return(s, returns, CP_SEND_PLAIN, &sent, &n, err);
}

/* "chorus-to-anna-0001.casepack" is anna's. */
static bool name_of(char out[64], const char *file)
{
	const char *begin = strstr(file, "-to-"), *end = strrchr(file, '-');

	if (begin == NULL || end <= begin + 4 || strstr(file, ".casepack") == NULL)
		return false;
	snprintf(out, 64, "%.*s", (int)(end - begin - 4), begin + 4);
	return true;
}

int main(int argc, char **argv)
{
	char name[64], bundle[4096], key[4096], workspace[4096];
	struct cp_err err = { 0 };
	struct dirent *e;
	int n = 0;
	DIR *d;

	if (argc != 5 || (d = opendir(argv[1])) == NULL) {
		fprintf(stderr, "usage: raters BUNDLES KEYS WORKSPACES RETURNS\n");
		return 2;
	}
	while ((e = readdir(d)) != NULL) {
		if (!name_of(name, e->d_name))
			continue;
		snprintf(bundle, sizeof bundle, "%s/%s", argv[1], e->d_name);
		snprintf(key, sizeof key, "%s/%s", argv[2], name);
		snprintf(workspace, sizeof workspace, "%s/%s", argv[3], name);
		if (rate(bundle, key, workspace, argv[4], &err) != CP_OK) {
			fprintf(stderr, "raters: %s: %s\n", name, err.text);
			return 1;
		}
		n++;
	}
	closedir(d);
	fprintf(stderr, "%d raters\n", n);
	return n > 0 ? 0 : 1;
}
