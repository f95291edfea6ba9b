#include "sync/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/hash.h"

void cp_checkpoints_drop(struct cp_checkpoints *c)
{
	free(c->list);
	*c = (struct cp_checkpoints){ NULL, 0 };
}

static enum cp_code add(struct cp_checkpoints *out, const char *branch, const char *oid, const char *from, struct cp_err *err)
{
	struct cp_checkpoint *list = reallocarray(out->list, out->n + 1, sizeof *list);

	if (list == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	out->list = list;
	snprintf(list[out->n].branch, sizeof list[out->n].branch, "%s", branch);
	snprintf(list[out->n].oid.hex, sizeof list[out->n].oid.hex, "%.40s", oid);
	snprintf(list[out->n++].from, sizeof list->from, "%s", from);
	return CP_OK;
}

static bool is_oid(const char *text)
{
	uint8_t raw[20];
	char hex[41];

	snprintf(hex, sizeof hex, "%.40s", text);
	return strlen(text) == 40 && cp_unhex(raw, sizeof raw, hex);
}

/* One line, without its end. */
static enum cp_code read_line(struct cp_checkpoints *out, const char *line, const char *from, struct cp_err *err)
{
	char first[80] = "", second[80] = "", rest[2] = "";
	int n = sscanf(line, "%79s %79s %1s", first, second, rest);

	if (n <= 0)
		return CP_OK;
	if (n == 1 && is_oid(first))
		return add(out, "", first, from, err);
	if (n == 2 && is_oid(second))
		return add(out, first, second, from, err);
	return cp_fail(err, CP_EINPUT, "%s: \"%.60s\" is no checkpoint; one is 40 hex digits, `main` and 40 hex digits, a bundle, or a git bundle", from, line);
}

enum cp_code cp_checkpoint_text(struct cp_checkpoints *out, const char *text, const char *from, struct cp_err *err)
{
	size_t before = out->n;

	while (*text != '\0') {
		char line[256];
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line - 1 ? n : sizeof line - 1), text);
		CP_TRY(read_line(out, line, from, err));
		text += n + (text[n] == '\n');
	}
	return out->n > before ? CP_OK : cp_fail(err, CP_EINPUT, "%s: names no commit", from);
}

static bool is_branch(const char *name)
{
	return strcmp(name, "main") == 0 || strncmp(name, "replica/", 8) == 0 || strncmp(name, "outbound/", 9) == 0 ||
		strncmp(name, "hub/", 4) == 0;
}

static enum cp_code add_tips(struct cp_checkpoints *out, const struct cp_tips *tips, const char *from, struct cp_err *err)
{
	for (size_t i = 0; i < tips->n; i++)
		if (is_branch(tips->list[i].name))
			CP_TRY(add(out, tips->list[i].name, tips->list[i].oid.hex, from, err));
	return CP_OK;
}

/* Lines up to an empty one: capabilities (@), commits that it builds on (-), and what it brings. */
static enum cp_code read_head(struct cp_checkpoints *out, FILE *f, const char *path, struct cp_err *err)
{
	static const char heads[] = " refs/heads/";
	char line[512];
	size_t before = out->n;

	while (fgets(line, sizeof line, f) != NULL && strchr(line, '\n') != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '\0')
			return out->n > before ? CP_OK : cp_fail(err, CP_EINPUT, "%s: is a git bundle without a branch of a casepack history", path);
		if (strlen(line) <= 40 || strncmp(line + 40, heads, strlen(heads)) != 0 || !is_branch(line + 40 + strlen(heads)))
			continue;
		line[40] = '\0';
		if (!is_oid(line))
			break;
		CP_TRY(add(out, line + 40 + strlen(heads), line, path, err));
	}
	return cp_fail(err, CP_EFORMAT, "%s: begins like a git bundle, and its head is none", path);
}

enum cp_code cp_checkpoint_git(struct cp_checkpoints *out, const char *path, struct cp_err *err)
{
	char first[32] = "";
	FILE *f = fopen(path, "re");
	enum cp_code code;

	if (f == NULL)
		return cp_fail_errno(err, "%s", path);
	if (fgets(first, sizeof first, f) == NULL || (strcmp(first, "# v2 git bundle\n") != 0 && strcmp(first, "# v3 git bundle\n") != 0))
		code = cp_fail(err, CP_ENOTFOUND, "%s: is no git bundle", path);
	else
		code = read_head(out, f, path, err);
	fclose(f);
	return code;
}

enum cp_code cp_checkpoint_manifest(struct cp_checkpoints *out, const struct cp_manifest *m, const char *from, struct cp_err *err)
{
	size_t before = out->n;

	CP_TRY(add_tips(out, &m->have, from, err));
	if (m->kind == CP_BUNDLE_CASES || m->kind == CP_BUNDLE_HUB)
		CP_TRY(add_tips(out, &m->tips, from, err));
	return out->n > before ? CP_OK : cp_fail(err, CP_EINPUT, "%s: says nothing of a history", from);
}
