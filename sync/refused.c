#include "sync/refused.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sync/change.h"
#include "sync/inner.h"

static void path_of(char out[80], const char *oid)
{
	snprintf(out, 80, "refused/%.2s/%s.json", oid, oid);
}

static enum cp_code add_base64(json_t *o, const char *name, const void *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF((size_t)1 << 31);

	CP_TRY(cp_base64_add(&text, bytes, len, err));
	json_object_set_new(o, name, json_string(text.data ? text.data : ""));
	return CP_OK;
}

static enum cp_code print(const struct cp_refused *r, char **out, struct cp_err *err)
{
	json_t *o = json_object();
	enum cp_code code;

	json_object_set_new(o, "reason", json_string(r->reason));
	json_object_set_new(o, "branch", json_string(r->branch));
	code = add_base64(o, "commit", r->commit, r->commit_len, err);
	if (code == CP_OK)
		code = add_base64(o, "tree", r->tree, r->tree_len, err);
	if (code == CP_OK)
		code = add_base64(o, "changeset", r->changeset, r->len, err);
	*out = code == CP_OK ? json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(o);
	return code;
}

enum cp_code cp_refused_keep(struct cp_store *s, struct cp_refused_line *line, const struct cp_refused *r, int64_t at_us,
		struct cp_err *err)
{
	struct cp_repo *repo = s->private;
	char path[80], *text;
	struct cp_oid blob;
	struct cp_commit c = { 0 }, before = { 0 };
	struct cp_tree_edit edit = { path, { "" } };
	const struct cp_seckey *key;
	enum cp_code code;

	path_of(path, r->oid);
	CP_TRY(print(r, &text, err));
	code = cp_repo_blob(repo, text, strlen(text), &blob, err);
	free(text);
	CP_TRY(code);
	CP_TRY(cp_store_key(s, &key, err));
	if (*line->now.hex == '\0') {
		CP_TRY(cp_repo_branch(repo, "refused", &line->was, err));
		line->now = line->was;
	}
	edit.blob = blob;
	if (*line->now.hex != '\0') {
		CP_TRY(cp_repo_read_commit(repo, line->now.hex, &before, err));
		c.n_parents = 1;
		c.parents[0] = line->now;
	}
	code = cp_repo_tree(repo, c.n_parents ? &before.tree : NULL, &edit, 1, &c.tree, err);
	cp_commit_drop(&before);
	CP_TRY(code);
	cp_me_ident(&s->me, at_us, &c.author);
	c.committer = c.author;
	c.message = (char[]){ "refused a change commit\n" };
	CP_TRY(cp_repo_commit(repo, &c, key, &line->now, err));
	return cp_repo_staged(repo) > CP_REPO_PACK_MAX ? cp_repo_flush(repo, err) : CP_OK;
}

enum cp_code cp_refused_publish(struct cp_store *s, const struct cp_refused_line *line, struct cp_err *err)
{
	if (strcmp(line->now.hex, line->was.hex) == 0)
		return CP_OK;
	CP_TRY(cp_repo_flush(s->private, err));
	return cp_repo_move(s->private, "refused", &line->was, &line->now, err);
}

static enum cp_code take_base64(const json_t *o, const char *name, struct cp_buf *out, struct cp_err *err)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_string(v) || cp_base64_read(out, json_string_value(v), json_string_length(v), NULL) != CP_OK)
		return cp_fail(err, CP_EFORMAT, "private.git: what was refused cannot be read: %s", name);
	return CP_OK;
}

static enum cp_code scan(const json_t *o, const char *oid, struct cp_buf parts[4], struct cp_refused *out, struct cp_err *err)
{
	const char *reason = json_string_value(json_object_get(o, "reason")), *branch = json_string_value(json_object_get(o, "branch"));
	size_t at;

	CP_TRY(take_base64(o, "commit", &parts[0], err));
	CP_TRY(take_base64(o, "tree", &parts[1], err));
	CP_TRY(take_base64(o, "changeset", &parts[2], err));
	CP_TRY(cp_buf_puts(&parts[3], reason ? reason : "", err));
	CP_TRY(cp_buf_add(&parts[3], "", 1, err));
	at = parts[3].len;
	CP_TRY(cp_buf_puts(&parts[3], branch ? branch : "", err));
	*out = (struct cp_refused){ oid, parts[3].data + at, parts[3].data, parts[0].data, parts[0].len, parts[1].data, parts[1].len,
		parts[2].data, parts[2].len };
	return CP_OK;
}

enum cp_code cp_refused_read(struct cp_store *s, const char *oid, struct cp_buf parts[4], struct cp_refused *out,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF((size_t)1 << 31);
	struct cp_oid tip = { "" };
	char path[80];
	json_t *o;
	enum cp_code code;

	path_of(path, oid);
	if (s->private != NULL)
		CP_TRY(cp_repo_branch(s->private, "refused", &tip, err));
	code = *tip.hex ? cp_repo_read_path(s->private, tip.hex, path, &text, err) : CP_ENOTFOUND;
	if (code == CP_ENOTFOUND)
		return cp_fail(err, CP_ENOTFOUND, "%.12s: is not kept here; the hub that refused it has it", oid);
	CP_TRY(code);
	o = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	code = scan(o, oid, parts, out, err);
	json_decref(o);
	return code;
}
