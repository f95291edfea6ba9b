/*
 * Reads documents in lines (tests/tree/README.md), evaluates each through
 * sync/tree.h, and writes the answers in lines: the judge of them is crosscheck.py.
 */
#include "sync/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64 };

struct column_policy { char name[64]; size_t len; enum cp_policy policy; };

struct doc {
	bool is_whole;
	enum cp_policy policy;
	struct column_policy policies[MAX_COLUMNS]; size_t n_policies;
	bool is_settled;
	struct cp_settlement settlement;
	size_t asked; struct cp_rev *known; size_t n_known; /* of the line "knew" */
	struct cp_edit *edits; size_t n, cap;
	void **owned; size_t n_owned, cap_owned; /* freed with the document */
};

static void die(const char *why, const char *what)
{
	fprintf(stderr, "driver: %s: %s\n", why, what ? what : "");
	exit(1);
}

static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 16;
	array = reallocarray(array, *cap, size);
	if (array == NULL)
		die("out of memory", NULL);
	return array;
}

static void *own(struct doc *d, size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (p == NULL)
		die("out of memory", NULL);
	d->owned = grow(d->owned, d->n_owned, &d->cap_owned, sizeof *d->owned);
	return d->owned[d->n_owned++] = p;
}

static void doc_end(struct doc *d)
{
	for (size_t i = 0; i < d->n_owned; i++)
		free(d->owned[i]);
	free(d->owned);
	free(d->edits);
	memset(d, 0, sizeof *d);
}

static char *word(char **rest)
{
	char *w = strsep(rest, " ");

	if (w == NULL)
		die("a word is missing", NULL);
	return w;
}

static void unhex(void *out, size_t len, const char *hex)
{
	if (!cp_unhex(out, len, hex))
		die("not hex", hex);
}

static uint8_t *hex_bytes(struct doc *d, const char *hex, size_t *len)
{
	uint8_t *bytes = own(d, strlen(hex) / 2, 1);

	*len = strlen(hex) / 2;
	unhex(bytes, *len, hex);
	return bytes;
}

static size_t count_parts(const char *list)
{
	size_t n = strcmp(list, "-") != 0;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static struct cp_rev *read_revs(struct doc *d, char *list, size_t *n)
{
	struct cp_rev *revs = own(d, *n = count_parts(list), sizeof *revs);

	for (size_t i = 0; i < *n; i++)
		unhex(&revs[i], sizeof revs[i], strsep(&list, ","));
	return revs;
}

static enum cp_policy read_policy(const char *w)
{
	static const char *const names[] = { "latest", "severest", "review" };

	for (size_t i = 0; i < 3; i++)
		if (strcmp(w, names[i]) == 0)
			return (enum cp_policy)i;
	die("no policy", w);
	return CP_LATEST;
}

/* NAME=TYPE:VALUE:SEVERITY, name and bytes in hex. */
static struct cp_write read_write(struct doc *d, char *text)
{
	struct cp_write w = { .name = (const char *)hex_bytes(d, strsep(&text, "="), &w.name_len) };
	char *type = strsep(&text, ":"), *value = strsep(&text, ":");

	if (text == NULL)
		die("no write", type);
	w.severity = atoi(text);
	switch (*type) {
	case 'i': w.value = (struct cp_value){ .type = CP_INT, .integer = strtoll(value, NULL, 10) }; break;
	case 'r': w.value = (struct cp_value){ .type = CP_REAL, .real = strtod(value, NULL) }; break;
	case 't': w.value.type = CP_TEXT; break;
	case 'b': w.value.type = CP_BLOB; break;
	default: w.value.type = CP_NULL; break;
	}
	if (w.value.type == CP_TEXT || w.value.type == CP_BLOB)
		w.value.bytes = hex_bytes(d, value, &w.value.len);
	return w;
}

static void read_edit(struct doc *d, char *rest)
{
	struct cp_edit e = { .user = NULL };
	struct cp_write *writes;
	char *flags, *list;

	unhex(&e.rev, sizeof e.rev, word(&rest));
	unhex(&e.replica, sizeof e.replica, word(&rest));
	e.clock = strtoll(word(&rest), NULL, 10);
	flags = word(&rest);
	e.is_resolve = strchr(flags, 'r') != NULL;
	e.is_far = strchr(flags, 'f') != NULL;
	unhex(&e.hash, sizeof e.hash, word(&rest));
	e.replaced = read_revs(d, word(&rest), &e.n_replaced);
	list = word(&rest);
	e.n_writes = count_parts(list);
	writes = own(d, e.n_writes, sizeof *writes);
	for (size_t i = 0; i < e.n_writes; i++)
		writes[i] = read_write(d, strsep(&list, ","));
	e.writes = writes;
	d->edits = grow(d->edits, d->n, &d->cap, sizeof *d->edits);
	d->edits[d->n++] = e;
}

static void read_line(struct doc *d, char *rest)
{
	const char *kind = word(&rest);

	if (strcmp(kind, "doc") == 0) {
		d->is_whole = strcmp(word(&rest), "whole") == 0;
		d->policy = read_policy(word(&rest));
	} else if (strcmp(kind, "policy") == 0 && d->n_policies < MAX_COLUMNS) {
		struct column_policy *p = &d->policies[d->n_policies++];
		const char *hex = word(&rest);

		p->len = strlen(hex) / 2;
		if (p->len > sizeof p->name)
			die("too long a name", hex);
		unhex(p->name, p->len, hex);
		p->policy = read_policy(word(&rest));
	} else if (strcmp(kind, "settle") == 0) {
		d->is_settled = true;
		unhex(&d->settlement.stands, sizeof d->settlement.stands, word(&rest));
		d->settlement.weighed = read_revs(d, word(&rest), &d->settlement.n_weighed);
	} else if (strcmp(kind, "knew") == 0) {
		d->asked = strtoul(word(&rest), NULL, 10);
		d->known = read_revs(d, word(&rest), &d->n_known);
	} else if (strcmp(kind, "edit") == 0) {
		read_edit(d, rest);
	} else {
		die("no such line", kind);
	}
}

static enum cp_policy policy_of(void *user, const char *name, size_t len)
{
	const struct doc *d = user;

	for (size_t i = 0; i < d->n_policies; i++)
		if (d->policies[i].len == len && memcmp(d->policies[i].name, name, len) == 0)
			return d->policies[i].policy;
	return d->policy;
}

static void print_hex(const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", ((const uint8_t *)bytes)[i]);
}

static void print_value(const struct cp_value *v)
{
	printf("%c:", "?irtbn"[v->type]);
	if (v->type == CP_INT)
		printf("%lld", (long long)v->integer);
	else if (v->type == CP_REAL)
		printf("%.17g", v->real);
	else if (v->type != CP_NULL)
		print_hex(v->bytes, v->len);
}

static void print_verdict(size_t shown, size_t stands, bool has_conflict, const size_t *candidates, size_t n)
{
	printf(" %zd %zd %d ", (ssize_t)shown, (ssize_t)stands, has_conflict);
	n = has_conflict ? n : 0; /* heads that agree are none */
	for (size_t i = 0; i < n; i++)
		printf("%s%zu", i ? "," : "", candidates[i]);
	puts(n ? "" : "-");
}

static void print_state(const struct doc *d, const struct cp_doc_state *s)
{
	printf("revs ");
	for (size_t i = 0; i < s->n_revs; i++) {
		printf(i ? "," : "");
		print_hex(&s->revs[i], sizeof s->revs[i]);
	}
	puts(s->n_revs ? "" : "-");
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct cp_column_state *c = &s->columns[i];

		printf("column ");
		print_hex(c->name, c->name_len);
		putchar(' ');
		print_value(&c->value);
		print_verdict(c->shown, c->stands, c->has_conflict, c->candidates, c->n_candidates);
	}
	if (d->is_whole) {
		printf("whole");
		print_verdict(s->shown, s->stands, s->has_conflict, s->candidates, s->n_candidates);
	}
	printf("fates ");
	for (size_t i = 0; i < s->n_edits; i++)
		putchar("SEUOCW"[s->fates[i]]);
	printf("\nforged ");
	for (size_t i = 0; i < s->n_edits; i++)
		putchar(s->is_forged[i] ? '1' : '0');
	putchar('\n');
}

static void evaluate(struct doc *d)
{
	CP_AUTO(doc_state) struct cp_doc_state s = { 0 };
	struct cp_err err = { 0 };
	bool has_known = false;
	enum cp_code code = d->is_whole
		? cp_tree_whole(&s, d->edits, d->n, d->policy, d->is_settled ? &d->settlement : NULL, &err)
		: cp_tree_columns(&s, d->edits, d->n, policy_of, d, &err);

	if (code == CP_OK && d->n)
		code = cp_tree_knew(&has_known, d->edits, d->n, d->asked, d->known, d->n_known, &err);
	if (code != CP_OK)
		die("failed", err.text);
	print_state(d, &s);
	printf("knew %d\nend\n", has_known);
}

int main(void)
{
	struct doc d = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		line[len - 1] = '\0';
		if (strcmp(line, "end") != 0) {
			read_line(&d, line);
			continue;
		}
		evaluate(&d);
		doc_end(&d);
	}
	free(line);
	return fflush(stdout) != 0;
}
