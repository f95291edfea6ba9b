#include "sync/exports.h"

#include <inttypes.h>
#include <string.h>

#include "sync/edit.h"
#include "sync/inner.h"

static void export_id(struct cp_id *out, const struct cp_store *s, const struct cp_exported *x)
{
	cp_id_derive(out, "export", 4, (const void *const[]){ s->me.replica.bytes, x->format, x->scope, x->file.bytes },
			(const size_t[]){ 16, strlen(x->format), strlen(x->scope), sizeof x->file.bytes });
}

static enum cp_code write_note(struct cp_store *s, const struct cp_id *id, const struct cp_exported *x, struct cp_err *err)
{
	struct cp_oid main;
	char words[96];

	CP_TRY(cp_repo_branch(s->history, "main", &main, err));
	CP_TRY(cp_edit_document(s, CP_T_EXPORTS, id, (struct cp_set[]){
			{ "person", cp_v_blob(s->me.person.bytes, 16) }, { "format", cp_v_text(x->format) },
			{ "scope", cp_v_text(x->scope) }, { "file", cp_v_blob(x->file.bytes, sizeof x->file.bytes) },
			{ "labels", cp_v_int(x->labels) }, { "main", cp_v_text(x->main ? x->main : main.hex) } }, 6, CP_EDIT_PLAIN, NULL, NULL, err));
	snprintf(words, sizeof words, "%" PRId64 " labels exported as %s", x->labels, x->format);
	return cp_edit_commit(s, words, err);
}

enum cp_code cp_export_note(struct cp_store *s, const struct cp_exported *x, struct cp_err *err)
{
	struct cp_id id;
	int64_t known;
	enum cp_code code;

	if (!s->me.is_hub || s->me.role != CP_LEAD)
		return CP_OK;
	export_id(&id, s, x);
	CP_TRY(cp_query_int(s, &known, 0, err, "SELECT 1 FROM exports WHERE id = ?1", "d", &id));
	if (known)
		return CP_OK;
	CP_TRY(cp_edit_begin(s, err));
	code = write_note(s, &id, x, err);
	if (code != CP_OK)
		cp_edit_abort(s);
	return code;
}
