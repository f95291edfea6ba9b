#include "cli/bundles.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/shown.h"
#include "formats/file.h"
#include "sync/people.h"

void cp_paths_drop(struct cp_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
	*p = (struct cp_paths){ NULL, 0 };
}

enum cp_code cp_paths_add(struct cp_paths *p, char *path, struct cp_err *err)
{
	char **list = path == NULL ? NULL : reallocarray(p->list, p->n + 1, sizeof *list);

	if (list == NULL) {
		free(path);
		return cp_fail(err, CP_EIO, "out of memory");
	}
	p->list = list;
	p->list[p->n++] = path;
	return CP_OK;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static enum cp_code read_folder(struct cp_paths *out, DIR *d, const char *folder, struct cp_err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (e == NULL)
			break;
		if (cp_bundle_is_name(e->d_name))
			CP_TRY(cp_paths_add(out, cp_path_join(folder, e->d_name), err));
	}
	return errno == 0 ? CP_OK : cp_fail_errno(err, "%s", folder);
}

enum cp_code cp_paths_of_folder(struct cp_paths *out, const char *folder, struct cp_err *err)
{
	CP_AUTO(paths) struct cp_paths found = { NULL, 0 };
	DIR *d = opendir(folder);

	if (d == NULL && errno == ENOENT)
		return cp_fail(err, CP_ENOTFOUND, "%s: there is no such folder", folder);
	if (d == NULL && errno == ENOTDIR)
		return cp_fail(err, CP_EINPUT, "%s: this is a file, not a folder", folder);
	if (d == NULL)
		return cp_fail_errno(err, "%s", folder);
	enum cp_code code = read_folder(&found, d, folder, err);
	closedir(d);
	CP_TRY(code);
	if (found.n > 1)
		qsort(found.list, found.n, sizeof *found.list, by_name);
	for (size_t i = 0; i < found.n; i++) {
		char *path = found.list[i];
		found.list[i] = NULL;
		CP_TRY(cp_paths_add(out, path, err));
	}
	return CP_OK;
}

enum cp_code cp_paths_of_words(struct cp_paths *out, const char *const *words, size_t n, struct cp_err *err)
{
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		size_t before = out->n;
		if (stat(words[i], &st) != 0 || !S_ISDIR(st.st_mode)) {
			CP_TRY(cp_paths_add(out, strdup(words[i]), err));
			continue;
		}
		CP_TRY(cp_paths_of_folder(out, words[i], err));
		if (out->n == before)
			return cp_fail(err, CP_EINPUT, "%s: no *" CP_BUNDLE_SUFFIX " or *" CP_BUNDLE_AGE_SUFFIX " file in this folder", words[i]);
	}
	return CP_OK;
}

enum cp_code cp_refused_say(struct cp_args *a, const char *path, const struct cp_err *why, struct cp_err *err)
{
	a->refused = true;
	if (!a->json)
		return cp_line(err, "%s: refused: %s", path, cp_why(why, path));
	return cp_json_line(json_pack("{s:o, s:s, s:o}", "file", cp_json_text(path), "outcome", "refused",
			"why", cp_json_text(cp_why(why, path))), err);
}

unsigned cp_how_to_send(const struct cp_args *a)
{
	return (cp_arg_given(a, "--owed") ? CP_SEND_OWED : 0) | (cp_arg_given(a, "--full") ? CP_SEND_FULL : 0) |
		(cp_arg_given(a, "--plain") ? CP_SEND_PLAIN : 0);
}

bool cp_bundle_is_for_key(const struct cp_manifest *m, const struct cp_pubkey *key)
{
	struct cp_id replica;

	cp_replica_id(&replica, &m->project, key);
	for (size_t i = 0; i < m->n_recipients; i++)
		if (cp_id_equal(&replica, &m->recipients[i]))
			return true;
	return false;
}

/* What a lead forgot went from here too. */
static enum cp_code say_erased(const struct cp_erased *e, struct cp_err *err)
{
	char cases[CP_COUNT], drafts[CP_COUNT + 2] = "", n[CP_COUNT];

	if (e->forgotten == 0)
		return CP_OK;
	if (e->drafts > 0)
		snprintf(drafts, sizeof drafts, ", with %s", cp_count(n, e->drafts, "draft", "drafts"));
	return cp_line(err, "%s forgotten by the lead: what %s showed is erased here%s", cp_count(cases, e->forgotten, "case was",
			"cases were"), e->forgotten == 1 ? "it" : "they", drafts);
}

/* ---- merge --------------------------------------------------------------------------------- */

static const char *outcome(const struct cp_merged *m)
{
	if (m->commits > 0 || m->refused > 0 || m->waiting > 0 || m->proofs > 0 || m->copied[0] != '\0')
		return "taken";
	return "known";
}

static enum cp_code merged_json(const char *path, const struct cp_merged *m, struct cp_err *err)
{
	return cp_json_line(json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			"file", cp_json_text(path), "outcome", outcome(m), "from", cp_json_text(m->from),
			"commits", (json_int_t)m->commits, "edits", (json_int_t)m->edits,
			"known", (json_int_t)m->known, "refused", (json_int_t)m->refused,
			"waiting", (json_int_t)m->waiting, "conflicts", (json_int_t)m->conflicts,
			"proofs", (json_int_t)m->proofs, "taken_back", (json_int_t)m->taken_back,
			"forgotten", (json_int_t)m->erased.forgotten,
			"copied", m->copied[0] == '\0' ? json_null() : cp_json_text(m->copied),
			"why", m->why[0] == '\0' ? json_null() : cp_json_text(m->why)), err);
}

static enum cp_code merged_line(const char *path, const struct cp_merged *m, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf more = CP_BUF(4096);
	char edits[CP_COUNT], commits[CP_COUNT];

	if (m->refused > 0)
		CP_TRY(cp_buf_printf(&more, err, "; %s refused",
				cp_count(commits, m->refused, "commit", "commits")));
	if (m->waiting > 0)
		CP_TRY(cp_buf_printf(&more, err, "; %s waiting",
				cp_count(commits, m->waiting, "commit", "commits")));
	if (m->conflicts > 0)
		CP_TRY(cp_buf_printf(&more, err, "; %s open (%s)", cp_count(commits, m->conflicts, "conflict", "conflicts"),
				m->conflict_classes));
	if (m->copied[0] != '\0')
		CP_TRY(cp_buf_printf(&more, err, "; %s", m->copied));
	if (m->proofs > 0)
		CP_TRY(cp_buf_printf(&more, err, "; %s back that this hub had given and no longer knew", cp_count(commits, m->proofs,
				"commit came", "commits came")));
	if (m->taken_back > 0)
		CP_TRY(cp_buf_printf(&more, err, ", %s taken back from them", cp_count(commits, m->taken_back, "row was", "rows were")));
	if (m->why[0] != '\0')
		CP_TRY(cp_buf_printf(&more, err, ": %s", m->why));
	if (strcmp(outcome(m), "known") == 0)
		return cp_line(err, "%s: known already, from %s%s", path, m->from, more.len > 0 ? more.data : "");
	return cp_line(err, "%s: taken, %s in %s from %s%s", path, cp_count(edits, m->edits, "edit", "edits"),
			cp_count(commits, m->commits, "commit", "commits"), m->from, more.len > 0 ? more.data : "");
}

enum cp_code cp_take_merge(struct cp_args *a, const char *path, bool quiet, struct cp_tally *tally,
		struct cp_err *err)
{
	struct cp_merged m = { .commits = 0 };
	struct cp_err why = { .code = CP_OK };
	enum cp_code code = cp_merge(a->store, path, &m, &why);

	if (code == CP_EFORMAT || code == CP_ETRUST) {
		tally->refused++;
		return cp_refused_say(a, path, &why, err);
	}
	if (code == CP_EBUSY || code == CP_EKEY)
		return cp_fail(err, code, "%s", why.text);
	if (code != CP_OK) {
		if (tally->failed.code == CP_OK)
			tally->failed = why;
		cp_say("%s: not taken: %s", path, cp_why(&why, path));
		return CP_OK;
	}
	tally->waiting += m.waiting;
	tally->conflicts += m.conflicts;
	a->refused = a->refused || m.refused > 0;
	a->waits = a->waits || m.waiting > 0 || m.conflicts > 0;
	bool is_known = strcmp(outcome(&m), "known") == 0;
	tally->known += is_known ? 1 : 0;
	tally->taken += is_known ? 0 : 1;
	if (is_known && quiet)
		return CP_OK;
	if (a->json)
		return merged_json(path, &m, err);
	CP_TRY(merged_line(path, &m, err));
	return say_erased(&m.erased, err);
}

/* ---- open ---------------------------------------------------------------------------------- */

enum cp_code cp_opened_say(const struct cp_args *a, const char *path, const struct cp_opened *o, struct cp_err *err)
{
	char assignments[CP_COUNT], cases[CP_COUNT], withdrawn[CP_COUNT + 2] = "", part[CP_COUNT];

	if (a->json)
		return cp_json_line(json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}",
				"file", cp_json_text(path), "outcome", o->is_old ? "known" : "taken",
				"from", cp_json_text(o->from), "assignments", (json_int_t)o->assignments,
				"cases", (json_int_t)o->cases, "withdrawn", (json_int_t)o->withdrawn,
				"commits", (json_int_t)o->commits, "refused", (json_int_t)o->refused,
				"again", (json_int_t)o->again, "acknowledged", (json_int_t)o->acknowledged,
				"forgotten", (json_int_t)o->erased.forgotten, "drafts_dropped", (json_int_t)o->erased.drafts,
				"expired", (json_int_t)o->erased.expired, "is_old", (int)o->is_old,
				"is_new_workspace", (int)o->is_new_workspace), err);
	if (o->withdrawn > 0)
		snprintf(withdrawn, sizeof withdrawn, ", %s",
				cp_count(part, o->withdrawn, "withdrawn", "withdrawn"));
	if (o->is_old)
		CP_TRY(cp_line(err, "%s: known already, from %s", path, o->from));
	else
		CP_TRY(cp_line(err, "%s: %s from %s, %s%s%s", path, cp_count(assignments, o->assignments, "assignment",
				"assignments"), o->from, cp_count(cases, o->cases, "case", "cases"), withdrawn,
				o->is_new_workspace ? "; a new workspace" : ""));
	if (o->founder[0] != '\0')
		cp_say("a lead's hub, founded by %s with the key %s; compare it with what %s says", o->founder, o->fingerprint, o->founder);
	if (o->acknowledged > 0)
		CP_TRY(cp_line(err, "the hub confirms what you returned"));
	CP_TRY(say_erased(&o->erased, err));
	if (o->refused > 0)
		CP_TRY(cp_line(err, "%s of yours %s refused by the hub, and counts no more; your lead knows why (`casepack log --refused`)",
				cp_count(part, o->refused, "commit", "commits"), o->refused == 1 ? "was" : "were"));
	if (o->again > 0)
		CP_TRY(cp_line(err, "kept: %s made after it, which the next return brings once more",
				cp_count(part, o->again, "edit", "edits")));
	return CP_OK;
}

static enum cp_code on_person(void *user, const struct cp_person_row *row, struct cp_err *err)
{
	(void)user;
	(void)err;
	if (row->devices == 0 && row->assigned > 0 && strcmp(row->state, "active") == 0)
		cp_say("%s has work, but no device to send it to; `casepack person add %s --key FILE.pub` adds one",
				row->pseudonym, row->pseudonym);
	return CP_OK;
}

enum cp_code cp_say_without_device(struct cp_store *s, struct cp_err *err)
{
	return cp_person_each(s, on_person, NULL, err);
}
