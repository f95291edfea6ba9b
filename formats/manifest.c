#include "formats/bundle.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "formats/bundle_parts.h"

const char *const cp_part_names[CP_MAX_PARTS] = { "history.tar.zst", "cases.jsonl.zst", "media.tar.zst",
	"private.tar.zst" };

static const char *const kind_names[] = { "cases", "return", "relay", "hub" };

enum { N_KINDS = sizeof kind_names / sizeof kind_names[0] };

const char *cp_bundle_kind_name(enum cp_bundle_kind kind)
{
	assert((unsigned)kind < N_KINDS);
	return kind_names[kind];
}

bool cp_oid_valid(const char *hex)
{
	uint8_t bytes[20];

	return cp_unhex(bytes, sizeof bytes, hex);
}

/* ---- tips ------------------------------------------------------------------------- */

/* What could also be a git branch: [A-Za-z0-9._/-], each component beginning with a letter or digit. */
static bool tip_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof ((struct cp_tip *)NULL)->name || name[len - 1] == '/' ||
	    name[len - 1] == '.' || strstr(name, "..") != NULL || strstr(name, ".lock") != NULL)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool first = i == 0 || name[i - 1] == '/';
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!plain && (first || strchr("._/-", c) == NULL))
			return false;
	}
	return true;
}

/* No words repeat what somebody sent unless it is known to be harmless on a terminal. */
static enum cp_code tips_append(struct cp_tips *t, const char *list_name, const char *name,
		const char *oid_hex, enum cp_code code, struct cp_err *err)
{
	if (!tip_name_valid(name))
		return cp_fail(err, code, "%s: number %zu has a name that no tip can have", list_name, t->n + 1);
	if (!cp_oid_valid(oid_hex))
		return cp_fail(err, code, "%s: %s does not stand at a git object id", list_name, name);
	if (t->n >= CP_MAX_TIPS)
		return cp_fail(err, code, "%s: more than %d", list_name, CP_MAX_TIPS);
	if ((t->n & (t->n - 1)) == 0) { /* 0, 1, 2, 4, 8 ...: full */
		struct cp_tip *list = realloc(t->list, (t->n ? 2 * t->n : 1) * sizeof *list);

		if (list == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		t->list = list;
	}
	memset(&t->list[t->n], 0, sizeof t->list[t->n]);
	memcpy(t->list[t->n].name, name, strlen(name));
	memcpy(t->list[t->n].oid.hex, oid_hex, 40);
	t->n++;
	return CP_OK;
}

enum cp_code cp_tips_add(struct cp_tips *t, const char *name, const char *oid_hex, struct cp_err *err)
{
	if (cp_tips_find(t, name) != NULL)
		return cp_fail(err, CP_EINPUT, "tips: %s is listed twice", name);
	return tips_append(t, "tips", name, oid_hex, CP_EINPUT, err);
}

const char *cp_tips_find(const struct cp_tips *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return t->list[i].oid.hex;
	return NULL;
}

void cp_tips_drop(struct cp_tips *t)
{
	free(t->list);
	t->list = NULL;
	t->n = 0;
}

void cp_manifest_drop(struct cp_manifest *m)
{
	free(m->recipients);
	cp_tips_drop(&m->tips);
	cp_tips_drop(&m->needs);
	cp_tips_drop(&m->have);
	memset(m, 0, sizeof *m);
}

static void cp_json_drop(json_t **j)
{
	json_decref(*j);
}

/* ---- printing --------------------------------------------------------------------- */

/*
 * One set of rules for both directions: code is CP_EINPUT when we were asked to
 * print something impossible, CP_EFORMAT when somebody sent it.
 */
static enum cp_code check_number(const char *name, int64_t value, int64_t min, int64_t max,
		enum cp_code code, struct cp_err *err)
{
	if (value < min || value > max)
		return cp_fail(err, code, "%s: %" PRId64 " is not from %" PRId64 " to %" PRId64, name,
		               value, min, max);
	return CP_OK;
}

static enum cp_code check_numbers(const struct cp_manifest *m, enum cp_code code, struct cp_err *err)
{
	uint64_t number = m->number > INT64_MAX ? 0 : m->number;

	CP_TRY(check_number("format", m->format, CP_BUNDLE_FORMAT, CP_BUNDLE_FORMAT, code, err));
	CP_TRY(check_number("reader", m->reader, 1, m->format, code, err));
	CP_TRY(check_number("schema", m->schema, 1, INT_MAX, code, err));
	CP_TRY(check_number("number", (int64_t)number, 1, CP_MAX_JSON_INT, code, err));
	CP_TRY(check_number("created_us", m->created_us, 0, CP_MAX_CREATED_US, code, err));
	CP_TRY(check_number("expires_us", m->expires_us, 0, CP_MAX_JSON_INT, code, err));
	CP_TRY(check_number("volumes", m->volumes, 1, 65535, code, err));
	return check_number("volume", m->volume, 1, m->volumes, code, err);
}

static enum cp_code check_project_name(const char *name, size_t size, enum cp_code code,
		struct cp_err *err)
{
	size_t len = strnlen(name, size);

	if (len == size)
		return cp_fail(err, code, "project_name: longer than %zu bytes", size - 1);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
			return cp_fail(err, code, "project_name: a control character at byte %zu", i);
	return CP_OK;
}

/* Only the three names, in their order, each once. */
static enum cp_code check_parts(const struct cp_manifest *m, enum cp_code code, struct cp_err *err)
{
	size_t next = 0;

	if (m->n_parts > CP_MAX_PARTS)
		return cp_fail(err, code, "parts: more than %d", CP_MAX_PARTS);
	for (size_t i = 0; i < m->n_parts; i++) {
		const struct cp_part *p = &m->parts[i];

		while (next < CP_MAX_PARTS && strcmp(p->name, cp_part_names[next]) != 0)
			next++;
		if (next++ == CP_MAX_PARTS)
			return cp_fail(err, code, "parts: number %zu is unknown, repeated or out of order",
			               i + 1);
		if (next == CP_PART_PRIVATE + 1 && m->kind != CP_BUNDLE_HUB)
			return cp_fail(err, code, "parts: %s, which only a hub bundle has", p->name);
		if (p->size < 1 || p->size > (uint64_t)CP_MAX_JSON_INT || p->expanded < 1 ||
		    p->expanded > (uint64_t)CP_MAX_JSON_INT)
			return cp_fail(err, code, "%s: a size that no part can have", p->name);
	}
	return CP_OK;
}

static enum cp_code check(const struct cp_manifest *m, enum cp_code code, struct cp_err *err)
{
	CP_TRY(check_numbers(m, code, err));
	CP_TRY(check_project_name(m->project_name, sizeof m->project_name, code, err));
	if ((unsigned)m->kind >= N_KINDS)
		return cp_fail(err, code, "kind: not one that there is");
	if (m->n_recipients > CP_MAX_RECIPIENTS)
		return cp_fail(err, code, "recipients: more than %d", CP_MAX_RECIPIENTS);
	return check_parts(m, code, err);
}

static enum cp_code print_tips(json_t *whole, const char *name, const struct cp_tips *t, enum cp_code code,
		struct cp_err *err)
{
	json_t *list = json_object();

	if (json_object_set_new(whole, name, list) != 0)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < t->n; i++) {
		const struct cp_tip *tip = &t->list[i];

		if (!tip_name_valid(tip->name) || !cp_oid_valid(tip->oid.hex))
			return cp_fail(err, code, "%s: a name or an object id that cannot be", name);
		if (json_object_set_new(list, tip->name, json_string(tip->oid.hex)) != 0)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	if (json_object_size(list) != t->n || t->n > CP_MAX_TIPS)
		return cp_fail(err, code, "%s: a tip listed twice, or more than %d", name, CP_MAX_TIPS);
	return CP_OK;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof (struct cp_id));
}

static enum cp_code print_recipients(json_t *whole, const struct cp_manifest *m, enum cp_code code,
		struct cp_err *err)
{
	struct cp_id sorted[CP_MAX_RECIPIENTS];
	char hex[CP_ID_HEX];
	json_t *list = json_array();

	if (json_object_set_new(whole, "recipients", list) != 0)
		return cp_fail(err, CP_EIO, "out of memory");
	if (m->n_recipients > 0) {
		memcpy(sorted, m->recipients, m->n_recipients * sizeof sorted[0]);
		qsort(sorted, m->n_recipients, sizeof sorted[0], compare_ids);
	}
	for (size_t i = 0; i < m->n_recipients; i++) {
		if (i > 0 && cp_id_equal(&sorted[i - 1], &sorted[i]))
			return cp_fail(err, code, "recipients: one of them is listed twice");
		cp_hex(hex, sorted[i].bytes, sizeof sorted[i].bytes);
		if (json_array_append_new(list, json_string(hex)) != 0)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	return CP_OK;
}

static enum cp_code print_parts(json_t *whole, const struct cp_manifest *m, struct cp_err *err)
{
	json_t *list = json_array();

	if (json_object_set_new(whole, "parts", list) != 0)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < m->n_parts; i++) {
		const struct cp_part *p = &m->parts[i];
		char hex[CP_HASH_HEX];

		cp_hex(hex, p->hash.bytes, sizeof p->hash.bytes);
		if (json_array_append_new(list, json_pack("{s:s,s:I,s:s,s:I}",
				"blake2b", hex, "expanded", (json_int_t)p->expanded,
				"name", p->name, "size", (json_int_t)p->size)) != 0)
			return cp_fail(err, CP_EIO, "out of memory");
	}
	return CP_OK;
}

static enum cp_code print_scalars(json_t *whole, const struct cp_manifest *m, enum cp_code code,
		struct cp_err *err)
{
	char project[CP_ID_HEX], sender[CP_ID_HEX];
	json_t *name = json_string(m->project_name);

	if (name == NULL)
		return cp_fail(err, code, "project_name: not UTF-8");
	cp_hex(project, m->project.bytes, sizeof m->project.bytes);
	cp_hex(sender, m->sender.bytes, sizeof m->sender.bytes);
	if (json_object_update_new(whole, json_pack("{s:i,s:i,s:i,s:s,s:s,s:o,s:s,s:I,s:I,s:I,s:i,s:i}",
			"format", m->format, "reader", m->reader, "schema", m->schema,
			"kind", cp_bundle_kind_name(m->kind), "project", project, "project_name", name,
			"sender", sender, "number", (json_int_t)m->number,
			"created_us", (json_int_t)m->created_us, "expires_us", (json_int_t)m->expires_us,
			"volume", (int)m->volume, "volumes", (int)m->volumes)) != 0)
		return cp_fail(err, CP_EIO, "out of memory");
	return CP_OK;
}

static int dump_to_buf(const char *bytes, size_t len, void *user)
{
	return cp_buf_add(user, bytes, len, NULL) == CP_OK ? 0 : -1;
}

static enum cp_code print(struct cp_buf *out, const struct cp_manifest *m, enum cp_code code,
		struct cp_err *err)
{
	CP_AUTO(json) json_t *whole = json_object();
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_MANIFEST_MAX);

	if (whole == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	CP_TRY(check(m, code, err));
	CP_TRY(print_scalars(whole, m, code, err));
	CP_TRY(print_recipients(whole, m, code, err));
	CP_TRY(print_tips(whole, "tips", &m->tips, code, err));
	CP_TRY(print_tips(whole, "needs", &m->needs, code, err));
	CP_TRY(print_tips(whole, "have", &m->have, code, err));
	CP_TRY(print_parts(whole, m, err));
	if (json_dump_callback(whole, dump_to_buf, &text, JSON_COMPACT | JSON_SORT_KEYS) != 0 ||
	    dump_to_buf("\n", 1, &text) != 0)
		return cp_fail(err, code, "the manifest would be longer than %zu bytes", CP_MANIFEST_MAX);
	return cp_buf_add(out, text.data, text.len, err);
}

enum cp_code cp_manifest_print(struct cp_buf *out, const struct cp_manifest *m, struct cp_err *err)
{
	return print(out, m, CP_EINPUT, err);
}

/* ---- reading ---------------------------------------------------------------------- */

static enum cp_code field(const json_t **out, const json_t *from, const char *name, json_type type,
		struct cp_err *err)
{
	static const char *const type_names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string", [JSON_INTEGER] = "a whole number",
	};
	const json_t *value = json_object_get(from, name);

	if (value == NULL)
		return cp_fail(err, CP_EFORMAT, "%s: missing", name);
	if (json_typeof(value) != type)
		return cp_fail(err, CP_EFORMAT, "%s: not %s", name, type_names[type]);
	*out = value;
	return CP_OK;
}

static enum cp_code read_number(int64_t *out, const json_t *from, const char *name, int64_t max,
		struct cp_err *err)
{
	const json_t *value = NULL;

	CP_TRY(field(&value, from, name, JSON_INTEGER, err));
	*out = json_integer_value(value);
	return check_number(name, *out, 0, max, CP_EFORMAT, err);
}

static enum cp_code read_hex(void *out, size_t len, const json_t *from, const char *name,
		struct cp_err *err)
{
	const json_t *value = NULL;

	CP_TRY(field(&value, from, name, JSON_STRING, err));
	if (!cp_unhex(out, len, json_string_value(value)))
		return cp_fail(err, CP_EFORMAT, "%s: not %zu lower-case hex digits", name, 2 * len);
	return CP_OK;
}

/* Into out, which has room for size bytes with the final zero. */
static enum cp_code read_string(char *out, size_t size, const json_t *from, const char *name,
		struct cp_err *err)
{
	const json_t *value = NULL;

	CP_TRY(field(&value, from, name, JSON_STRING, err));
	if (json_string_length(value) >= size)
		return cp_fail(err, CP_EFORMAT, "%s: longer than %zu bytes", name, size - 1);
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return CP_OK;
}

/* What a newer casepack wrote is said to be newer, whatever else it holds. */
static enum cp_code read_format(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	int64_t format, reader;

	CP_TRY(read_number(&format, whole, "format", CP_MAX_JSON_INT, err));
	if (format > CP_BUNDLE_FORMAT)
		return cp_fail(err, CP_EFORMAT, "the bundle has format %" PRId64 ", this casepack reads "
		               "formats up to %d: it needs a newer casepack", format, CP_BUNDLE_FORMAT);
	CP_TRY(read_number(&reader, whole, "reader", CP_BUNDLE_FORMAT, err));
	m->format = (int)format;
	m->reader = (int)reader;
	return CP_OK;
}

static enum cp_code read_numbers(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	int64_t schema, number, volume, volumes;

	CP_TRY(read_number(&schema, whole, "schema", INT_MAX, err));
	CP_TRY(read_number(&number, whole, "number", CP_MAX_JSON_INT, err));
	CP_TRY(read_number(&volume, whole, "volume", 65535, err));
	CP_TRY(read_number(&volumes, whole, "volumes", 65535, err));
	CP_TRY(read_number(&m->created_us, whole, "created_us", CP_MAX_CREATED_US, err));
	CP_TRY(read_number(&m->expires_us, whole, "expires_us", CP_MAX_JSON_INT, err));
	m->schema = (int)schema;
	m->number = (uint64_t)number;
	m->volume = (unsigned)volume;
	m->volumes = (unsigned)volumes;
	return CP_OK;
}

static enum cp_code read_kind(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	char name[16];

	CP_TRY(read_string(name, sizeof name, whole, "kind", err));
	for (unsigned i = 0; i < N_KINDS; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			m->kind = (enum cp_bundle_kind)i;
			return CP_OK;
		}
	}
	return cp_fail(err, CP_EFORMAT, "kind: not one of cases, return, relay, hub");
}

static enum cp_code read_recipients(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	const json_t *list = NULL;
	size_t n;

	CP_TRY(field(&list, whole, "recipients", JSON_ARRAY, err));
	n = json_array_size(list);
	if (n > CP_MAX_RECIPIENTS)
		return cp_fail(err, CP_EFORMAT, "recipients: more than %d", CP_MAX_RECIPIENTS);
	m->recipients = calloc(n + 1, sizeof *m->recipients);
	if (m->recipients == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (; m->n_recipients < n; m->n_recipients++) {
		const char *hex = json_string_value(json_array_get(list, m->n_recipients));
		struct cp_id *id = &m->recipients[m->n_recipients];

		if (hex == NULL || !cp_unhex(id->bytes, sizeof id->bytes, hex))
			return cp_fail(err, CP_EFORMAT, "recipients: not 32 lower-case hex digits each");
	}
	return CP_OK;
}

static enum cp_code read_tips(struct cp_tips *t, const json_t *whole, const char *name,
		struct cp_err *err)
{
	const json_t *list = NULL;
	const char *tip;
	json_t *oid;

	CP_TRY(field(&list, whole, name, JSON_OBJECT, err));
	json_object_foreach((json_t *)list, tip, oid) {
		if (!json_is_string(oid))
			return cp_fail(err, CP_EFORMAT, "%s: not a git object id", name);
		CP_TRY(tips_append(t, name, tip, json_string_value(oid), CP_EFORMAT, err));
	}
	return CP_OK;
}

static enum cp_code read_part(struct cp_part *p, const json_t *from, struct cp_err *err)
{
	int64_t size, expanded;

	CP_TRY(read_string(p->name, sizeof p->name, from, "name", err));
	CP_TRY(read_number(&size, from, "size", CP_MAX_JSON_INT, err));
	CP_TRY(read_number(&expanded, from, "expanded", CP_MAX_JSON_INT, err));
	CP_TRY(read_hex(p->hash.bytes, sizeof p->hash.bytes, from, "blake2b", err));
	p->size = (uint64_t)size;
	p->expanded = (uint64_t)expanded;
	return CP_OK;
}

static enum cp_code read_parts(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	const json_t *list = NULL;
	size_t n;

	CP_TRY(field(&list, whole, "parts", JSON_ARRAY, err));
	n = json_array_size(list);
	if (n > CP_MAX_PARTS)
		return cp_fail(err, CP_EFORMAT, "parts: more than %d", CP_MAX_PARTS);
	for (; m->n_parts < n; m->n_parts++)
		CP_TRY(read_part(&m->parts[m->n_parts], json_array_get(list, m->n_parts), err));
	return CP_OK;
}

static enum cp_code read_fields(struct cp_manifest *m, const json_t *whole, struct cp_err *err)
{
	CP_TRY(read_format(m, whole, err));
	CP_TRY(read_numbers(m, whole, err));
	CP_TRY(read_kind(m, whole, err));
	CP_TRY(read_hex(m->project.bytes, sizeof m->project.bytes, whole, "project", err));
	CP_TRY(read_hex(m->sender.bytes, sizeof m->sender.bytes, whole, "sender", err));
	CP_TRY(read_string(m->project_name, sizeof m->project_name, whole, "project_name", err));
	CP_TRY(read_recipients(m, whole, err));
	CP_TRY(read_tips(&m->tips, whole, "tips", err));
	CP_TRY(read_tips(&m->needs, whole, "needs", err));
	CP_TRY(read_tips(&m->have, whole, "have", err));
	return read_parts(m, whole, err);
}

/* One value, one spelling: what we would print must be what was read; an unknown field falls here too. */
static enum cp_code check_spelling(const struct cp_manifest *m, const char *text, size_t len,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_MANIFEST_MAX);
	size_t i = 0;

	CP_TRY(print(&again, m, CP_EFORMAT, err));
	while (i < len && i < again.len && text[i] == again.data[i])
		i++;
	if (i < len || i < again.len)
		return cp_fail(err, CP_EFORMAT, "an unknown field, or not the canonical spelling, at byte %zu",
		               i);
	return CP_OK;
}

enum cp_code cp_manifest_read(struct cp_manifest *out, const char *text, size_t len, struct cp_err *err)
{
	CP_AUTO(json) json_t *whole = NULL;
	struct cp_manifest m;
	json_error_t at;
	enum cp_code code;

	memset(&m, 0, sizeof m);
	memset(out, 0, sizeof *out);
	if (len > CP_MANIFEST_MAX)
		return cp_fail(err, CP_EFORMAT, "more than %zu bytes", CP_MANIFEST_MAX);
	whole = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	if (whole == NULL && json_error_code(&at) == json_error_out_of_memory)
		return cp_fail(err, CP_EIO, "out of memory");
	if (whole == NULL)
		return cp_fail(err, CP_EFORMAT, "not JSON, or a field twice, before byte %d", at.position);
	if (!json_is_object(whole))
		return cp_fail(err, CP_EFORMAT, "not a JSON object");
	code = read_fields(&m, whole, err);
	if (code == CP_OK)
		code = check_spelling(&m, text, len, err);
	if (code == CP_OK)
		*out = m;
	else
		cp_manifest_drop(&m);
	return code;
}
