#include "sync/ruling.h"

#include <string.h>

#include "formats/text.h"
#include "sync/edit.h"
#include "sync/inner.h"

static void ruling_id(struct cp_id *out, const char *about)
{
	cp_id_derive(out, "ruling", 1, (const void *const[]){ about }, (const size_t[]){ strlen(about) });
}

enum cp_code cp_ruling_write(struct cp_store *s, const char *about, const char *decision, const char *reason, bool *out_changed,
		struct cp_err *err)
{
	struct cp_id id;

	if (reason == NULL || *reason == '\0')
		return cp_fail(err, CP_EUSAGE, "say why, with --reason: it stays in history beside the decision");
	if (strlen(reason) > CP_REASON_MAX || !cp_utf8_valid(reason, strlen(reason)))
		return cp_fail(err, CP_EINPUT, "a reason is UTF-8, of %d bytes at most", CP_REASON_MAX);
	ruling_id(&id, about);
	return cp_edit_document(s, CP_T_RULINGS, &id, (struct cp_set[]){
			{ "about", cp_v_text(about) }, { "decision", cp_v_text(decision) }, { "reason", cp_v_text(reason) },
			{ "person", cp_v_blob(s->me.person.bytes, 16) } }, 4, CP_EDIT_PLAIN, NULL, out_changed, err);
}

enum cp_code cp_ruling_on(struct cp_store *s, const char *about, char decision[16], struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(64);
	struct cp_id id;

	ruling_id(&id, about);
	CP_TRY(cp_query_text(s, &text, NULL, err, "SELECT decision FROM rulings WHERE id = ?1", "d", &id));
	snprintf(decision, 16, "%s", text.len ? text.data : "");
	return CP_OK;
}
