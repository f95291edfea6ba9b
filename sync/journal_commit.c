/* Commits in words: whose, when, signed by whom, and what became of them. */
#include "sync/journal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sync/believe.h"
#include "sync/change.h"
#include "sync/inner.h"
#include "sync/point.h"
#include "sync/refused.h"

/* A commit with what it holds, wherever it is kept. */
struct seen {
	struct cp_named named;
	struct cp_commit commit;     /* read strictly */
	bool is_commit;              /* false: its bytes could not be read so; why says it */
	struct cp_err why;
	const void *changeset; size_t len;
	bool has_changeset;
	const char *unread;          /* why there are no bytes here */
	struct cp_buf parts[4], bytes;
	char reason[1024];           /* of a refusal, or what it waits for */
};

static void seen_begin(struct seen *x)
{
	memset(x, 0, sizeof *x);
	x->bytes = (struct cp_buf)CP_BUF((size_t)1 << 31);
	for (int i = 0; i < 4; i++)
		x->parts[i] = (struct cp_buf)CP_BUF((size_t)1 << 31);
}

static void seen_drop(struct seen *x)
{
	cp_commit_drop(&x->commit);
	cp_buf_drop(&x->bytes);
	for (int i = 0; i < 4; i++)
		cp_buf_drop(&x->parts[i]);
}
#define cp_seen_drop seen_drop

/* ---- reading one --------------------------------------------------------------------------------------- */

/* What came from outside and is no object here is believed no more than its bytes tell. */
static enum cp_code take_bytes(struct seen *x, const void *commit, size_t commit_len, const void *changeset, size_t len, struct cp_err *err)
{
	struct cp_oid name;

	CP_TRY(cp_repo_name(&name, "commit", commit, commit_len, err));
	if (strcmp(name.hex, x->named.oid.hex) != 0)
		return cp_fail(err, CP_EFORMAT, "%.12s: what is kept of it is another commit", x->named.oid.hex);
	x->is_commit = cp_commit_read(&x->commit, commit, commit_len, &x->why) == CP_OK;
	x->changeset = changeset;
	x->len = len;
	x->has_changeset = true;
	return CP_OK;
}

static enum cp_code read_waiting(struct cp_store *s, struct seen *x, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	const char *oid = x->named.oid.hex;

	CP_TRY(cp_query_text(s, &x->parts[0], NULL, err, "SELECT commit_bytes FROM waiting WHERE oid = ?1", "t", oid));
	CP_TRY(cp_query_text(s, &x->parts[2], NULL, err, "SELECT changeset FROM waiting WHERE oid = ?1", "t", oid));
	CP_TRY(cp_query_text(s, &why, NULL, err, "SELECT why FROM waiting WHERE oid = ?1", "t", oid));
	snprintf(x->reason, sizeof x->reason, "%s", why.len ? why.data : "");
	return take_bytes(x, x->parts[0].data ? x->parts[0].data : "", x->parts[0].len, x->parts[2].data ? x->parts[2].data : "",
			x->parts[2].len, err);
}

static enum cp_code read_refused(struct cp_store *s, struct seen *x, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf why = CP_BUF(CP_TEXT_MAX);
	struct cp_err absent = { .code = CP_OK };
	struct cp_refused r;
	enum cp_code code;

	CP_TRY(cp_query_text(s, &why, NULL, err, "SELECT reason FROM commits WHERE oid = ?1", "t", x->named.oid.hex));
	snprintf(x->reason, sizeof x->reason, "%s", why.len ? why.data : "");
	code = cp_refused_read(s, x->named.oid.hex, x->parts, &r, &absent);
	if (code == CP_OK)
		return take_bytes(x, r.commit, r.commit_len, r.changeset, r.len, err);
	x->unread = "its bytes are not here; the hub that refused it keeps them";
	return code == CP_ENOTFOUND ? CP_OK : cp_fail(err, code, "%s", absent.text);
}

static enum cp_code read_object(struct cp_store *s, struct seen *x, struct cp_err *err)
{
	struct cp_repo *repo = x->named.is_private ? s->private : s->history;

	CP_TRY(cp_repo_read_commit(repo, x->named.oid.hex, &x->commit, err));
	x->is_commit = true;
	if (x->named.kind == CP_NAMED_MAIN)
		return CP_OK;
	CP_TRY(cp_repo_read_path(repo, x->named.oid.hex, "changeset", &x->bytes, err));
	x->changeset = x->bytes.data ? x->bytes.data : "";
	x->len = x->bytes.len;
	x->has_changeset = true;
	return CP_OK;
}

static enum cp_code see(struct cp_store *s, const char *digits, struct seen *x, struct cp_err *err)
{
	struct cp_repo *repo;

	CP_TRY(cp_named_find(s, digits, &x->named, err));
	repo = x->named.is_private ? s->private : s->history;
	if (x->named.is_known && strcmp(x->named.verdict, "waiting") == 0)
		return read_waiting(s, x, err);
	if (x->named.is_known && strcmp(x->named.verdict, "refused") == 0 && !cp_repo_has(repo, x->named.oid.hex))
		return read_refused(s, x, err);
	return read_object(s, x, err);
}

/* ---- what is known of it ----------------------------------------------------------------------------------- */

static json_t *time_json(int64_t us)
{
	time_t at = (time_t)(us / 1000000);
	char text[32];

	if (us <= 0)
		return json_null();
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&at));
	return json_string(text);
}

/* Is it signed by the key that the roster has for its device? And what is that device by now? */
static enum cp_code add_signature(struct cp_store *s, const struct seen *x, json_t *o, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf state = CP_BUF(64);
	struct cp_err why = { .code = CP_OK };
	struct cp_id replica, project;
	enum cp_code code = CP_ETRUST;

	if (!cp_ident_device(&x->commit.committer, &replica, &project))
		cp_fail(&why, CP_ETRUST, "its committer is no device");
	else
		code = cp_believe_key(s, &replica, &x->commit, x->named.oid.hex, &why);
	if (code != CP_OK && code != CP_ETRUST && code != CP_EFORMAT)
		return cp_fail(err, code, "%s", why.text);
	json_object_set_new(o, "signature", json_string(code == CP_OK ? "good" : "bad"));
	if (code != CP_OK) {
		json_object_set_new(o, "signature_why", json_string(why.text));
		return CP_OK;
	}
	CP_TRY(cp_query_text(s, &state, NULL, err, "SELECT state FROM replicas WHERE id = ?1", "d", &replica));
	if (state.len > 0)
		json_object_set_new(o, "device_state", json_string(state.data));
	return CP_OK;
}

/* Each hub's verdict. */
static enum cp_code add_verdicts(struct cp_store *s, const char *oid, json_t *o, struct cp_err *err)
{
	json_t *list = json_array();
	sqlite3_stmt *q;
	bool row;

	json_object_set_new(o, "verdicts", list);
	CP_TRY(cp_query(s, &q, err, "SELECT v.verdict, lower(hex(v.hub)), coalesce(p.pseudonym, ''), v.received_us, v.is_far, v.reason"
			" FROM verdicts v LEFT JOIN replicas r ON r.id = v.hub LEFT JOIN persons p ON p.id = r.person WHERE v.oid = ?1"
			" ORDER BY v.received_us, v.hub", "t", oid));
	for (;;) {
		CP_TRY(cp_step(s, q, &row, err));
		if (!row)
			return CP_OK;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:b, s:s}", "verdict", cp_col_text(q, 0), "hub", cp_col_text(q, 1),
				"by", cp_col_text(q, 2), "received", time_json(sqlite3_column_int64(q, 3)), "is_far",
				sqlite3_column_int(q, 4), "reason", cp_col_text(q, 5)));
	}
}

static enum cp_code add_main_of(struct cp_store *s, const struct seen *x, json_t *o, struct cp_err *err)
{
	struct cp_point p;

	if (!x->named.is_known || x->named.is_private)
		return CP_OK;
	CP_TRY(cp_point_of_change(s, x->named.oid.hex, x->named.verdict, &p, err));
	json_object_set_new(o, "main", *p.oid.hex ? json_string(p.oid.hex) : json_null());
	return CP_OK;
}

/* What main's commit says of the change commits it took in. */
static void add_taken(const struct cp_commit *c, json_t *o)
{
	json_t *list = json_array();
	const char *text;
	size_t len;

	for (size_t i = 0; cp_commit_trailer(c, "Change-commit", i, &text, &len); i++) {
		char line[1024], oid[41] = "", verdict[16] = "";
		long long edits = 0;
		int end = 0;

		snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
		if (sscanf(line, "%40[0-9a-f] %15s %lld %n", oid, verdict, &edits, &end) == 3)
			json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "commit", oid, "verdict", verdict, "edits",
					(json_int_t)edits, "reason", line + end));
	}
	json_object_set_new(o, "took_in", list);
	if (cp_commit_trailer(c, "Branch", 0, &text, &len))
		json_object_set_new(o, "branch", json_stringn(text, len));
	if (c->n_parents > 1)
		json_object_set_new(o, "joins", json_string(c->parents[1].hex));
}

/* The words that its author's casepack wrote, without trailers. */
static json_t *message_json(const struct cp_commit *c)
{
	const char *last = NULL, *next = c->message;
	const char *ours[] = { "\n\nCasepack-", "\n\nBranch: ", "\n\nChange-commit: " };
	size_t len = strlen(c->message);

	for (size_t i = 0; i < 3; i++)
		if ((next = strstr(c->message, ours[i])) != NULL && (last == NULL || next < last))
			last = next;
	len = last != NULL ? (size_t)(last - c->message) : len;
	while (len > 0 && c->message[len - 1] == '\n')
		len--;
	return json_stringn(c->message, len);
}

static const char *kind_of(const struct seen *x)
{
	return x->named.kind == CP_NAMED_MAIN ? "main" : x->named.kind == CP_NAMED_OUTBOUND ? "outbound" : "change";
}

static enum cp_code add_author(struct cp_store *s, const struct seen *x, json_t *o, struct cp_err *err)
{
	const struct cp_commit *c = &x->commit;
	char device[CP_ID_HEX];
	const char *text;
	size_t len;

	snprintf(device, sizeof device, "%.32s", c->committer.email);
	json_object_set_new(o, "who", json_string(c->committer.name));
	json_object_set_new(o, "device", json_string(device));
	json_object_set_new(o, "when", time_json(c->committer.seconds * 1000000));
	if (x->named.kind == CP_NAMED_OUTBOUND) {
		const char *to = strstr(c->message, "\nCasepack-Outbound: ");

		json_object_set_new(o, "to", to ? json_sprintf("%.32s", to + strlen("\nCasepack-Outbound: ")) : json_null());
	}
	if (cp_commit_trailer(c, "Casepack-Edits", 0, &text, &len))
		json_object_set_new(o, "edits", json_integer(strtoll(text, NULL, 10)));
	json_object_set_new(o, "message", message_json(c));
	return add_signature(s, x, o, err);
}

/* All but the changes. */
static enum cp_code head(struct cp_store *s, const struct seen *x, json_t *o, struct cp_err *err)
{
	json_object_set_new(o, "commit", json_string(x->named.oid.hex));
	json_object_set_new(o, "kind", json_string(kind_of(x)));
	json_object_set_new(o, "private", json_boolean(x->named.is_private));
	if (x->named.kind == CP_NAMED_CHANGE)
		json_object_set_new(o, "verdict", x->named.is_known ? json_string(x->named.verdict) : json_null());
	if (*x->reason != '\0')
		json_object_set_new(o, "reason", json_string(x->reason));
	if (x->is_commit)
		CP_TRY(add_author(s, x, o, err));
	else
		json_object_set_new(o, "unread", json_string(x->unread != NULL ? x->unread : x->why.text));
	if (x->named.kind == CP_NAMED_MAIN) {
		add_taken(&x->commit, o);
		return CP_OK;
	}
	if (x->named.kind == CP_NAMED_CHANGE && !x->named.is_private) {
		CP_TRY(add_verdicts(s, x->named.oid.hex, o, err));
		CP_TRY(add_main_of(s, x, o, err));
	}
	return CP_OK;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));

	return t != NULL ? t : "";
}

static enum cp_code say_message(struct cp_buf *out, const char *message, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "\n", err));
	while (*message != '\0') {
		size_t n = strcspn(message, "\n");

		CP_TRY(cp_buf_printf(out, err, "%s%.*s\n", n > 0 ? "    " : "", (int)n, message));
		message += n + (message[n] == '\n');
	}
	return cp_buf_puts(out, "\n", err);
}

static enum cp_code say_signature(struct cp_buf *out, const json_t *o, struct cp_err *err)
{
	const char *state = text(o, "device_state");

	if (strcmp(text(o, "signature"), "good") != 0)
		return cp_buf_printf(out, err, "signature bad: %s\n", text(o, "signature_why"));
	return cp_buf_printf(out, err, "signature good%s%s%s\n", *state && strcmp(state, "active") != 0 ? "; the device is " : "",
			*state && strcmp(state, "active") != 0 ? state : "", *state && strcmp(state, "active") != 0 ? " by now" : "");
}

static enum cp_code say_verdicts(struct cp_buf *out, const json_t *o, struct cp_err *err)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(o, "verdicts"), i, v)
		CP_TRY(cp_buf_printf(out, err, "%s by %s at %s%s%s%s\n", text(v, "verdict"), *text(v, "by") ? text(v, "by") : text(v, "hub"),
				text(v, "received"), json_is_true(json_object_get(v, "is_far")) ? ", its clock far ahead" : "",
				*text(v, "reason") ? ": " : "", text(v, "reason")));
	if (strcmp(text(o, "verdict"), "waiting") == 0)
		CP_TRY(cp_buf_printf(out, err, "waits: %s\n", text(o, "reason")));
	if (*text(o, "main"))
		CP_TRY(cp_buf_printf(out, err, "main %s\n", text(o, "main")));
	return CP_OK;
}

static enum cp_code say_taken(struct cp_buf *out, const json_t *o, struct cp_err *err)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(o, "took_in"), i, v)
		CP_TRY(cp_buf_printf(out, err, "change commit %s %s, edits: %" JSON_INTEGER_FORMAT "%s%s\n", text(v, "commit"), text(v, "verdict"),
				json_integer_value(json_object_get(v, "edits")), *text(v, "reason") ? ": " : "", text(v, "reason")));
	return *text(o, "joins") ? cp_buf_printf(out, err, "joins the main of another hub, %s\n", text(o, "joins")) : CP_OK;
}

static enum cp_code say_head(struct cp_buf *out, const json_t *o, struct cp_err *err)
{
	static const char *const kinds[][2] = { { "main", "commit of main" }, { "outbound", "material" }, { "change", "change commit" } };

	for (size_t i = 0; i < 3; i++)
		if (strcmp(text(o, "kind"), kinds[i][0]) == 0)
			CP_TRY(cp_buf_printf(out, err, "%s%s %s\n", json_is_true(json_object_get(o, "private")) ? "private " : "", kinds[i][1],
					text(o, "commit")));
	if (*text(o, "unread"))
		CP_TRY(cp_buf_printf(out, err, "cannot be read: %s\n", text(o, "unread")));
	else {
		CP_TRY(cp_buf_printf(out, err, "by %s on device %s at %s\n", text(o, "who"), text(o, "device"), text(o, "when")));
		if (*text(o, "to"))
			CP_TRY(cp_buf_printf(out, err, "given to device %s\n", text(o, "to")));
		CP_TRY(say_signature(out, o, err));
	}
	CP_TRY(say_verdicts(out, o, err));
	CP_TRY(say_message(out, text(o, "message"), err));
	return say_taken(out, o, err);
}

/* The head, then the changes. */
static enum cp_code print_words(struct cp_store *s, struct seen *x, json_t *o, struct cp_buf *out, struct cp_err *err)
{
	CP_TRY(say_head(out, o, err));
	if (!x->has_changeset || cp_changeset_words(s, x->changeset, x->len, out, &x->why) == CP_OK)
		return CP_OK;
	return x->why.code == CP_EFORMAT ? cp_buf_printf(out, err, "(no changeset: %s)\n", x->why.text)
		: cp_fail(err, x->why.code, "%s", x->why.text);
}

/* The object, its changes put in at the end as they are made. */
static enum cp_code print_json(struct cp_store *s, struct seen *x, json_t *o, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf changes = CP_BUF((size_t)1 << 31);
	char *json;
	enum cp_code code;

	if (x->has_changeset && cp_changeset_json(s, x->changeset, x->len, &changes, &x->why) != CP_OK) {
		if (x->why.code != CP_EFORMAT)
			return cp_fail(err, x->why.code, "%s", x->why.text);
		json_object_set_new(o, "no_changeset", json_string(x->why.text));
		cp_buf_clear(&changes);
	}
	json = json_dumps(o, JSON_COMPACT);
	if (json == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	code = changes.len > 0 ? cp_buf_printf(out, err, "%.*s,\"changes\":%s}", (int)strlen(json) - 1, json, changes.data)
		: cp_buf_puts(out, json, err);
	free(json);
	return code;
}

typedef enum cp_code printer(struct cp_store *s, struct seen *x, json_t *o, struct cp_buf *out, struct cp_err *err);

static enum cp_code print(struct cp_store *s, const char *digits, printer *as, struct cp_buf *out, struct cp_err *err)
{
	CP_AUTO(seen) struct seen x;
	json_t *o = json_object();
	enum cp_code code;

	seen_begin(&x);
	code = see(s, digits, &x, err);
	if (code == CP_OK)
		code = head(s, &x, o, err);
	if (code == CP_OK)
		code = as(s, &x, o, out, err);
	json_decref(o);
	return code;
}

enum cp_code cp_commit_words(struct cp_store *s, const char *digits, struct cp_buf *out, struct cp_err *err)
{
	return print(s, digits, print_words, out, err);
}

enum cp_code cp_commit_json(struct cp_store *s, const char *digits, struct cp_buf *out, struct cp_err *err)
{
	return print(s, digits, print_json, out, err);
}
