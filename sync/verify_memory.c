/* What was proven, so that it need not be read again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/file.h"
#include "sync/fresh.h"
#include "sync/token.h"
#include "sync/verify_inner.h"

#define HEAD "casepack verified 1"
#define RECORD_MAX 4096

struct record { int64_t at_us; char main[41], hash[CP_HASH_HEX]; };

static enum cp_code read_record(struct cp_store *s, struct record *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf path = CP_BUF(RECORD_MAX), text = CP_BUF(RECORD_MAX);

	memset(out, 0, sizeof *out);
	CP_TRY(cp_token_beside(s, ".verified", &path, err));
	CP_TRY(cp_file_read(&text, path.data, err));
	if (text.len == 0 || sscanf(text.data, HEAD "\nat %" SCNd64 "\nmain %40[0-9a-f-]\nmemory %64[0-9a-f]", &out->at_us, out->main,
			out->hash) != 3)
		return cp_fail(err, CP_EFORMAT, "%s: cannot be read", path.data);
	return CP_OK;
}

static bool is_as_it_was(const char *path, const struct record *r)
{
	struct cp_hash hash;
	uint64_t size;
	char hex[CP_HASH_HEX];

	return cp_file_exists(path) && cp_file_hash(&hash, &size, path, NULL) == CP_OK &&
		strcmp(cp_hex(hex, hash.bytes, sizeof hash.bytes), r->hash) == 0;
}

static enum cp_code take_over(struct cp_verify *v, const char *memory, int64_t at_us, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(v->path, CP_VERIFY_DB);
	CP_AUTO(buf) struct cp_buf main = CP_BUF(64);

	cp_fresh_remove(temp);
	if (rename(memory, temp) != 0)
		return cp_fail_errno(err, "%s", memory);
	CP_TRY(cp_fresh_again(&v->again, v->path, CP_VERIFY_DB, &v->s->me, err));
	CP_TRY(cp_meta_get(v->again, "main", &main, err));
	v->out->relied.is = true;
	v->out->relied.at_us = at_us;
	snprintf(v->out->relied.main.hex, sizeof v->out->relied.main.hex, "%s", main.len ? main.data : "");
	return cp_query_int(v->again, &v->out->relied.commits, 0, err, "SELECT count(*) FROM commits WHERE verdict = 'accepted'", "");
}

enum cp_code cp_memory_open(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *memory = cp_path_join(v->path, CP_VERIFIED_DB);
	struct cp_oid main;
	struct record r;
	bool is_behind = false;

	if (read_record(v->s, &r, NULL) != CP_OK)
		return CP_OK;
	if (strlen(r.main) == 40)
		snprintf(v->known.hex, sizeof v->known.hex, "%s", r.main);
	if (v->ask->is_full || !v->s->me.is_hub || v->s->me.is_relay || !is_as_it_was(memory, &r))
		return CP_OK;
	CP_TRY(cp_repo_branch(v->s->history, "main", &main, err));
	CP_TRY(cp_repo_reaches(v->s->history, main.hex, v->known.hex, &is_behind, err));
	if (!is_behind || take_over(v, memory, r.at_us, NULL) == CP_OK)
		return CP_OK;
	cp_store_close(v->again);
	v->again = NULL;
	memset(&v->out->relied, 0, sizeof v->out->relied);
	return CP_OK;
}

enum cp_code cp_memory_knows(struct cp_verify *v, const char *file, const struct cp_hash *hash, bool *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf known = CP_BUF(64);
	char key[512];

	*out = false;
	if (v->again == NULL)
		return CP_OK;
	snprintf(key, sizeof key, "proven/%s", file);
	CP_TRY(cp_meta_get(v->again, key, &known, err));
	*out = known.len == sizeof hash->bytes && memcmp(known.data, hash->bytes, sizeof hash->bytes) == 0;
	return *out ? CP_OK : cp_meta_set(v->again, key, hash->bytes, sizeof hash->bytes, err);
}

static enum cp_code keep(struct cp_verify *v, struct cp_err *err)
{
	CP_AUTO(str) char *temp = cp_path_join(v->path, CP_VERIFY_DB);
	CP_AUTO(str) char *memory = cp_path_join(v->path, CP_VERIFIED_DB);
	CP_AUTO(buf) struct cp_buf path = CP_BUF(RECORD_MAX), text = CP_BUF(RECORD_MAX);
	struct cp_hash hash;
	uint64_t size;
	char hex[CP_HASH_HEX];

	CP_TRY(cp_token_beside(v->s, ".verified", &path, err));
	cp_store_close(v->again);
	v->again = NULL;
	cp_fresh_remove(memory);
	CP_TRY(cp_file_hash(&hash, &size, temp, err));
	if (rename(temp, memory) != 0)
		return cp_fail_errno(err, "%s", temp);
	CP_TRY(cp_buf_printf(&text, err, HEAD "\nat %" PRId64 "\nmain %s\nmemory %s\n", cp_now_us(),
			*v->out->main.hex ? v->out->main.hex : "-", cp_hex(hex, hash.bytes, sizeof hash.bytes)));
	return cp_file_write(path.data, 0600, text.data, text.len, err);
}

void cp_memory_keep(struct cp_verify *v)
{
	if (v->s->me.is_hub && !v->s->me.is_relay)
		(void)keep(v, &(struct cp_err){ .code = CP_OK });
}
