#include "cli/keys.h"

#include <dirent.h>
#include <string.h>

#include "formats/config.h"
#include "formats/file.h"
#include "formats/text.h"
#include "sync/seal.h"

#define NAME_MAX_LEN 63
#define LINE_MAX_BYTES 4096

enum cp_code cp_key_folder(struct cp_buf *out, struct cp_err *err)
{
	CP_TRY(cp_config_folder(out, err));
	return cp_buf_puts(out, "/keys", err);
}

static bool ends_in_pub(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".pub") == 0;
}

static bool is_file(const char *name)
{
	return strchr(name, '/') != NULL || ends_in_pub(name);
}

static bool is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
	size_t n = strlen(name);

	return n > 0 && n <= NAME_MAX_LEN && strchr(first, name[0]) != NULL && strspn(name, more) == n;
}

enum cp_code cp_key_path(struct cp_buf *out, const char *name_or_file, struct cp_err *err)
{
	char shown[CP_QUOTE];
	size_t n = strlen(name_or_file);

	if (is_file(name_or_file))
		return cp_buf_add(out, name_or_file, ends_in_pub(name_or_file) ? n - 4 : n, err);
	if (!is_name(name_or_file))
		return cp_fail(err, CP_EUSAGE, "%s is no name for a key: letters, digits, and . _ - @ behind the first, "
				"%d at most; a file is named with its folder, like ./mykey",
				cp_text_quote(shown, name_or_file, n), NAME_MAX_LEN);
	CP_TRY(cp_key_folder(out, err));
	CP_TRY(cp_buf_puts(out, "/", err));
	return cp_buf_puts(out, name_or_file, err);
}

enum cp_code cp_key_public_path(struct cp_buf *out, const char *name_or_file, struct cp_err *err)
{
	CP_TRY(cp_key_path(out, name_or_file, err));
	return cp_buf_puts(out, ".pub", err);
}

/* Nothing at path: what was meant, where it was looked for, what now. */
static enum cp_code fail_absent(const char *name, const char *path, struct cp_err *err)
{
	if (is_file(name))
		return cp_fail(err, CP_EKEY, "%s: no such key file; `casepack key list` shows the keys that have a name", path);
	return cp_fail(err, CP_EKEY, "%s: no such key; `casepack key new%s%s` makes it, a file is named with its folder, "
			"like ./mykey", path, strcmp(name, CP_KEY_DEFAULT) == 0 ? "" : " ",
			strcmp(name, CP_KEY_DEFAULT) == 0 ? "" : name);
}

enum cp_code cp_key_find(struct cp_buf *out, const char *name_or_file, struct cp_err *err)
{
	CP_TRY(cp_key_path(out, name_or_file, err));
	return cp_file_exists(out->data) ? CP_OK : fail_absent(name_or_file, out->data, err);
}

enum cp_code cp_key_public(struct cp_pubkey *out, struct cp_buf *line, const char *name_or_file,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(LINE_MAX_BYTES);
	CP_AUTO(buf) struct cp_buf text = CP_BUF(LINE_MAX_BYTES);

	CP_TRY(cp_key_public_path(&path, name_or_file, err));
	if (!cp_file_exists(path.data))
		return fail_absent(name_or_file, path.data, err);
	CP_TRY(cp_file_read(&text, path.data, err));
	if (cp_pubkey_read(out, text.data != NULL ? text.data : "", text.len, err) != CP_OK)
		return cp_fail_at(err, "%s", path.data);
	if (line == NULL)
		return CP_OK;
	return cp_buf_add(line, text.data, strcspn(text.data, "\r\n"), err);
}

static enum cp_code visit_one(const char *folder, const char *name, cp_key_visit *visit, void *user, bool *stop, struct cp_err *err)
{
	CP_AUTO(str) char *path = cp_path_join(folder, name);
	struct cp_pubkey key;

	if (!ends_in_pub(name) || cp_key_public(&key, NULL, path, NULL) != CP_OK)
		return CP_OK;
	path[strlen(path) - 4] = '\0';
	return visit(user, path, &key, stop, err);
}

enum cp_code cp_key_each(cp_key_visit *visit, void *user, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf folder = CP_BUF(LINE_MAX_BYTES);
	const struct dirent *e;
	enum cp_code code = CP_OK;
	bool stop = false;
	DIR *d;

	CP_TRY(cp_key_folder(&folder, err));
	d = opendir(folder.data);
	while (d != NULL && code == CP_OK && !stop && (e = readdir(d)) != NULL)
		code = visit_one(folder.data, e->d_name, visit, user, &stop, err);
	if (d != NULL)
		closedir(d);
	return code;
}

struct fitting { const struct cp_agein *file; struct cp_buf *path; };

static enum cp_code note_fitting(void *user, const char *path, const struct cp_pubkey *key, bool *stop, struct cp_err *err)
{
	struct fitting *f = user;

	*stop = cp_agein_is_to(f->file, key) && cp_file_exists(path);
	return *stop ? cp_buf_puts(f->path, path, err) : CP_OK;
}

enum cp_code cp_key_unlock(void *user, struct cp_agein *file, struct cp_err *err)
{
	struct cp_key_search *search = user;
	CP_AUTO(seckey) struct cp_seckey key = { .is_set = false };
	CP_AUTO(buf) struct cp_buf path = CP_BUF(LINE_MAX_BYTES);
	struct fitting f = { file, &path };

	search->recipients = cp_agein_recipients(file);
	search->size = cp_agein_size(file);
	if (cp_arg_given(search->args, "--key"))
		CP_TRY(cp_key_find(&path, cp_arg(search->args, "--key"), err));
	else
		CP_TRY(cp_key_each(note_fitting, &f, err));
	search->is_closed = path.len == 0;
	if (search->is_closed)
		return cp_fail(err, CP_EKEY, "is encrypted, and none of your keys is one that it is to; name the key with --key");
	CP_TRY(cp_key_read(&key, path.data, cp_ask_passphrase, search->args, err));
	return cp_agein_unlock(file, &key, err);
}

enum cp_code cp_seal_if_ready(struct cp_store *s, struct cp_err *err)
{
	struct cp_err why = { .code = CP_OK };
	enum cp_code code;

	if (!cp_store_key_is_ready(s))
		return CP_OK;
	code = cp_seal(s, NULL, &why);
	if (code == CP_EKEY) {
		cp_say("kept, but not sealed yet: %s", why.text);
		return CP_OK;
	}
	return code == CP_OK ? CP_OK : cp_fail(err, code, "kept, but not sealed yet: %s", why.text);
}
