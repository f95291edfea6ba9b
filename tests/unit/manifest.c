/* The manifest of a bundle: one value, one spelling. Outside judge: jq. */
#include "formats/bundle.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/bundle_parts.h"

#define OID_A "0123456789abcdef0123456789abcdef01234567"
#define OID_B "fedcba9876543210fedcba9876543210fedcba98"

static void add_part(struct cp_manifest *m, const char *name, uint64_t size, uint64_t expanded)
{
	struct cp_part *p = &m->parts[m->n_parts++];

	memset(p, 0, sizeof *p);
	strcpy(p->name, name);
	p->size = size;
	p->expanded = expanded;
	memset(p->hash.bytes, (int)m->n_parts, sizeof p->hash.bytes);
}

static void fill(struct cp_manifest *m)
{
	memset(m, 0, sizeof *m);
	m->format = m->reader = 1;
	m->schema = 3;
	m->kind = CP_BUNDLE_RETURN;
	memset(m->project.bytes, 0xa1, 16);
	strcpy(m->project_name, "Bildersuche \"März\" 検索 / one");
	memset(m->sender.bytes, 0xb2, 16);
	m->recipients = calloc(2, sizeof *m->recipients);
	m->n_recipients = 2;
	memset(m->recipients[0].bytes, 0xdd, 16);
	memset(m->recipients[1].bytes, 0x0c, 16);
	m->number = 17;
	m->created_us = 1700000000123456;
	m->expires_us = 1800000000000000;
	m->volume = 2;
	m->volumes = 3;
	assert_int_equal(cp_tips_add(&m->tips, "replica/b2", OID_B, NULL), CP_OK);
	assert_int_equal(cp_tips_add(&m->tips, "main", OID_A, NULL), CP_OK);
	assert_int_equal(cp_tips_add(&m->have, "outbound/c3.2", OID_A, NULL), CP_OK);
	add_part(m, "history.tar.zst", 100, 2048);
	add_part(m, "media.tar.zst", 1, CP_MAX_JSON_INT);
}

static void print_into(struct cp_buf *out, const struct cp_manifest *m)
{
	struct cp_err err = { CP_OK, "" };

	if (cp_manifest_print(out, m, &err) != CP_OK)
		fail_msg("%s", err.text);
}

static enum cp_code read_text(const char *text, size_t len, struct cp_err *err)
{
	struct cp_manifest m;
	enum cp_code code = cp_manifest_read(&m, text, len, err);

	if (code != CP_OK) {
		assert_null(m.recipients);
		assert_null(m.tips.list);
	}
	cp_manifest_drop(&m);
	return code;
}

static void assert_refused(const char *text, size_t len, const char *words)
{
	struct cp_err err = { CP_OK, "" };

	if (read_text(text, len, &err) != CP_EFORMAT)
		fail_msg("accepted: %.*s", (int)len, text);
	assert_int_equal(err.code, CP_EFORMAT);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, words);
	assert_null(strchr(err.text, '\n'));
}

/* The printed manifest with one piece of text exchanged. */
static void assert_exchange_refused(const char *old, const char *new, const char *words)
{
	CP_AUTO(buf) struct cp_buf good = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf bad = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m;
	const char *at;

	fill(&m);
	print_into(&good, &m);
	at = strstr(good.data, old);
	assert_non_null(at);
	assert_int_equal(cp_buf_add(&bad, good.data, (size_t)(at - good.data), NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&bad, new, NULL), CP_OK);
	assert_int_equal(cp_buf_puts(&bad, at + strlen(old), NULL), CP_OK);
	assert_refused(bad.data, bad.len, words);
	cp_manifest_drop(&m);
}

static void a_manifest_reads_back_as_it_was_printed(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m, r;
	struct cp_err err;

	(void)state;
	fill(&m);
	print_into(&text, &m);
	assert_int_equal(cp_manifest_read(&r, text.data, text.len, &err), CP_OK);
	assert_int_equal(r.format, 1);
	assert_int_equal(r.reader, 1);
	assert_int_equal(r.schema, 3);
	assert_int_equal(r.kind, CP_BUNDLE_RETURN);
	assert_true(cp_id_equal(&r.project, &m.project));
	assert_true(cp_id_equal(&r.sender, &m.sender));
	assert_string_equal(r.project_name, m.project_name);
	assert_int_equal(r.n_recipients, 2);
	assert_true(cp_id_equal(&r.recipients[0], &m.recipients[1])); /* sorted */
	assert_true(cp_id_equal(&r.recipients[1], &m.recipients[0]));
	assert_int_equal(r.number, 17);
	assert_int_equal(r.created_us, m.created_us);
	assert_int_equal(r.expires_us, m.expires_us);
	assert_int_equal(r.volume, 2);
	assert_int_equal(r.volumes, 3);
	assert_int_equal(r.tips.n, 2);
	assert_int_equal(r.needs.n, 0);
	assert_string_equal(cp_tips_find(&r.tips, "replica/b2"), OID_B);
	assert_string_equal(cp_tips_find(&r.have, "outbound/c3.2"), OID_A);
	assert_int_equal(r.n_parts, 2);
	assert_memory_equal(r.parts, m.parts, 2 * sizeof m.parts[0]);
	print_into(&again, &r);
	assert_string_equal(again.data, text.data);
	cp_manifest_drop(&m);
	cp_manifest_drop(&r);
}

static void jq_would_print_the_same_bytes(void **state)
{
	char path[] = "/tmp/casepack-manifest-XXXXXX", command[128];
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	char printed[8192];
	struct cp_manifest m;
	int fd = mkstemp(path);
	FILE *jq;
	size_t n;

	(void)state;
	fill(&m);
	print_into(&text, &m);
	assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
	close(fd);
	snprintf(command, sizeof command, "jq -cS . %s", path);
	jq = popen(command, "r");
	assert_non_null(jq);
	n = fread(printed, 1, sizeof printed, jq);
	assert_int_equal(pclose(jq), 0);
	unlink(path);
	assert_int_equal(n, text.len);
	assert_memory_equal(printed, text.data, n);
	cp_manifest_drop(&m);
}

/* Each field of an object inside whole is left out, then given another type. */
static void break_each_field(json_t *whole, json_t *object)
{
	json_t *original = json_copy(object);
	const char *name;
	json_t *value;

	json_object_foreach(original, name, value) {
		for (int how = 0; how < 2; how++) {
			CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
			char *json;

			if (how == 0)
				json_object_del(object, name);
			else
				json_object_set_new(object, name, json_true());
			json = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
			assert_int_equal(cp_buf_printf(&text, NULL, "%s\n", json), CP_OK);
			free(json);
			assert_refused(text.data, text.len, name);
		}
		json_object_set(object, name, value);
	}
	json_decref(original);
}

static void a_missing_field_or_another_type_is_refused(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m;
	json_t *whole;

	(void)state;
	fill(&m);
	print_into(&text, &m);
	whole = json_loads(text.data, 0, NULL);
	assert_int_equal(json_object_size(whole), 17);
	break_each_field(whole, whole);
	break_each_field(whole, json_array_get(json_object_get(whole, "parts"), 0));
	json_decref(whole);
	cp_manifest_drop(&m);
}

static void another_spelling_of_the_same_is_refused(void **state)
{
	(void)state;
	assert_exchange_refused(":17,", ": 17,", "canonical");
	assert_exchange_refused("}\n", "}", "canonical");
	assert_exchange_refused("}\n", "}\n\n", "canonical");
	assert_exchange_refused("return", "\\u0072eturn", "canonical");
	assert_exchange_refused("{\"created_us\":1700000000123456,\"expires_us\":1800000000000000,",
	                        "{\"expires_us\":1800000000000000,\"created_us\":1700000000123456,",
	                        "canonical");
	assert_exchange_refused("0c0c0c0c0c", "0C0C0C0C0C", "recipients");
	assert_exchange_refused("a1a1a1a1", "A1A1A1A1", "project");
	assert_exchange_refused("0101010101", "010101010", "blake2b");
	assert_exchange_refused("\"number\":17", "\"number\":17,\"number\":17", "twice");
	assert_exchange_refused("\"number\":17", "\"number\":17.0", "number");
	assert_exchange_refused("\"number\":17", "\"number\":1e1", "number");
	assert_exchange_refused("\"number\":17", "\"number\":017", "JSON");
	assert_exchange_refused("\"number\":17", "\"number\":\"17\"", "number");
	assert_exchange_refused("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", "dddddddddddddddddddddddddddddddd",
	                        "twice");
	assert_exchange_refused("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c\",\"dddddddddddddddddddddddddddddddd",
	                        "dddddddddddddddddddddddddddddddd\",\"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	                        "canonical");
	assert_refused("", 0, "JSON");
	assert_refused("[]\n", 3, "object");
	assert_refused("\xef\xbb\xbf{}\n", 6, "JSON");
	assert_refused("{\"format\":\0 1}\n", 15, "JSON");
}

static void an_unknown_field_is_refused(void **state)
{
	(void)state;
	assert_exchange_refused("\"number\":17", "\"nimble\":1,\"number\":17", "unknown field");
	assert_exchange_refused("\"expanded\":2048", "\"also\":1,\"expanded\":2048", "unknown field");
}

static void a_number_out_of_its_range_is_refused(void **state)
{
	(void)state;
	assert_exchange_refused("\"number\":17", "\"number\":0", "number");
	assert_exchange_refused("\"number\":17", "\"number\":-1", "number");
	assert_exchange_refused("\"number\":17", "\"number\":9007199254740992", "number");
	assert_exchange_refused("\"number\":17", "\"number\":18446744073709551633", "JSON");
	assert_exchange_refused("\"schema\":3", "\"schema\":0", "schema");
	assert_exchange_refused("\"schema\":3", "\"schema\":2147483648", "schema");
	assert_exchange_refused("\"volume\":2", "\"volume\":0", "volume");
	assert_exchange_refused("\"volume\":2", "\"volume\":4", "volume");
	assert_exchange_refused("\"volumes\":3", "\"volumes\":65536", "volumes");
	assert_exchange_refused("\"created_us\":1700000000123456", "\"created_us\":8589934592000000", "created_us");
	assert_exchange_refused("\"created_us\":1", "\"created_us\":-1", "created_us");
	assert_exchange_refused("\"expires_us\":1", "\"expires_us\":-1", "expires_us");
	assert_exchange_refused("\"size\":100", "\"size\":0", "history.tar.zst");
	assert_exchange_refused("\"size\":100", "\"size\":9007199254740992", "size");
	assert_exchange_refused("\"expanded\":2048", "\"expanded\":0", "history.tar.zst");
	assert_exchange_refused("\"format\":1", "\"format\":0", "format");
	assert_exchange_refused("\"reader\":1", "\"reader\":0", "reader");
	assert_exchange_refused("\"reader\":1", "\"reader\":2", "reader");
}

static void a_larger_format_number_asks_for_a_newer_casepack(void **state)
{
	static const char newer[] = "{\"format\":2,\"something\":[\"nobody\",\"knows\"]}\n";

	(void)state;
	assert_exchange_refused("\"format\":1", "\"format\":2", "needs a newer casepack");
	assert_refused(newer, sizeof newer - 1, "needs a newer casepack");
}

static void what_cannot_be_is_refused_in_names_and_parts(void **state)
{
	(void)state;
	assert_exchange_refused("\"return\"", "\"returns\"", "kind");
	assert_exchange_refused("\"Bildersuche", "\"Bilder\\u001bsuche", "project_name");
	assert_exchange_refused("\"Bildersuche", "\"Bilder\\u0000suche", "JSON");
	assert_exchange_refused("\"Bildersuche", "\"Bilder\xff""suche", "JSON");
	assert_exchange_refused("\"history.tar.zst\"", "\"media.tar.zst\"", "parts");
	assert_exchange_refused("\"history.tar.zst\"", "\"../x\"", "parts");
	assert_exchange_refused("\"media.tar.zst\"", "\"history.tar.zst\"", "parts");
	assert_exchange_refused("\"main\":", "\"../main\":", "tips");
	assert_exchange_refused("\"main\":", "\"-main\":", "tips");
	assert_exchange_refused("\"main\":", "\"ma in\":", "tips");
	assert_exchange_refused("\"main\":\"0", "\"main\":\"", "tips");
	assert_exchange_refused("\"outbound/c3.2\":\"0", "\"outbound/c3.2\":\"F", "have");
	assert_exchange_refused("\"needs\":{}", "\"needs\":{\"main\":1}", "needs");
}

static void a_name_of_a_tip_could_be_a_branch(void **state)
{
	static const char *const good[] = { "main", "replica/0a", "replica/0a.2", "outbound/x_y-z" };
	static const char *const bad[] = { "", "/a", "a/", "a//b", "a/.b", ".a", "a..b", "a.", "a b", "a\nb",
		"a:b", "a~1", "-a", "a.lock", "a.lock/b", "\xc3\xa4" };
	struct cp_tips t = { NULL, 0 };
	char longest[81];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char command[128];

		assert_int_equal(cp_tips_add(&t, good[i], OID_A, NULL), CP_OK);
		snprintf(command, sizeof command, "git check-ref-format 'refs/heads/%s'", good[i]);
		assert_int_equal(system(command), 0);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(cp_tips_add(&t, bad[i], OID_A, NULL), CP_EINPUT);
	assert_int_equal(cp_tips_add(&t, "main", OID_B, NULL), CP_EINPUT);
	assert_int_equal(cp_tips_add(&t, "x", "0123", NULL), CP_EINPUT);
	assert_int_equal(cp_tips_add(&t, "x", OID_A "0", NULL), CP_EINPUT);
	memset(longest, 'a', 80);
	longest[80] = '\0';
	assert_int_equal(cp_tips_add(&t, longest, OID_A, NULL), CP_EINPUT);
	longest[79] = '\0';
	assert_int_equal(cp_tips_add(&t, longest, OID_A, NULL), CP_OK);
	assert_int_equal(t.n, 5);
	assert_null(cp_tips_find(&t, "nobody"));
	cp_tips_drop(&t);
}

static void an_impossible_manifest_is_not_printed(void **state)
{
	CP_AUTO(buf) struct cp_buf out = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m;

	(void)state;
	fill(&m);
	m.number = UINT64_MAX;
	assert_int_equal(cp_manifest_print(&out, &m, NULL), CP_EINPUT);
	m.number = 1;
	m.parts[0].size = 0;
	assert_int_equal(cp_manifest_print(&out, &m, NULL), CP_EINPUT);
	m.parts[0].size = 1;
	m.recipients[0] = m.recipients[1];
	assert_int_equal(cp_manifest_print(&out, &m, NULL), CP_EINPUT);
	m.n_recipients = 1;
	m.project_name[0] = (char)0xff;
	assert_int_equal(cp_manifest_print(&out, &m, NULL), CP_EINPUT);
	assert_int_equal(out.len, 0);
	m.project_name[0] = 'x';
	assert_int_equal(cp_manifest_print(&out, &m, NULL), CP_OK);
	cp_manifest_drop(&m);
}

static void thousands_of_tips_pass_and_one_too_many_does_not(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m, r;
	char name[64];

	(void)state;
	fill(&m);
	cp_tips_drop(&m.have);
	for (int i = 0; i < CP_MAX_TIPS; i++) {
		snprintf(name, sizeof name, "replica/%032x", (unsigned)i * 2654435761u);
		assert_int_equal(cp_tips_add(&m.have, name, OID_A, NULL), CP_OK);
	}
	assert_int_equal(cp_tips_add(&m.have, "one.more", OID_A, NULL), CP_EINPUT);
	print_into(&text, &m);
	assert_int_equal(cp_manifest_read(&r, text.data, text.len, NULL), CP_OK);
	assert_int_equal(r.have.n, CP_MAX_TIPS);
	cp_manifest_drop(&m);
	cp_manifest_drop(&r);
}

/* Whatever a bit becomes, a manifest that is still accepted means something else. */
static void no_flipped_bit_leaves_the_meaning(void **state)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_manifest m;

	(void)state;
	fill(&m);
	print_into(&text, &m);
	for (size_t i = 0; i < text.len * 8; i++) {
		struct cp_manifest r;

		text.data[i / 8] = (char)(text.data[i / 8] ^ (1 << (i % 8)));
		if (cp_manifest_read(&r, text.data, text.len, NULL) == CP_OK) {
			CP_AUTO(buf) struct cp_buf again = CP_BUF(CP_TEXT_MAX);

			print_into(&again, &r);
			assert_string_equal(again.data, text.data);
			cp_manifest_drop(&r);
		}
		text.data[i / 8] = (char)(text.data[i / 8] ^ (1 << (i % 8)));
	}
	cp_manifest_drop(&m);
}

/* Runs from the folder that holds formats/, as make does. */
static void the_example_in_the_documentation_is_a_manifest(void **state)
{
	static const char mark[] = "\n    {\"created_us\"";
	CP_AUTO(buf) struct cp_buf page = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	struct cp_manifest m;
	const char *at;

	(void)state;
	assert_int_equal(cp_file_read(&page, "formats/bundle.md", &err), CP_OK);
	at = strstr(page.data, mark);
	assert_non_null(at);
	at += 5;
	if (cp_manifest_read(&m, at, strcspn(at, "\n") + 1, &err) != CP_OK)
		fail_msg("%s", err.text);
	assert_int_equal(m.parts[1].size, 39);
	assert_int_equal(m.parts[1].expanded, 26);
	cp_manifest_drop(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_reads_back_as_it_was_printed),
		cmocka_unit_test(jq_would_print_the_same_bytes),
		cmocka_unit_test(a_missing_field_or_another_type_is_refused),
		cmocka_unit_test(another_spelling_of_the_same_is_refused),
		cmocka_unit_test(an_unknown_field_is_refused),
		cmocka_unit_test(a_number_out_of_its_range_is_refused),
		cmocka_unit_test(a_larger_format_number_asks_for_a_newer_casepack),
		cmocka_unit_test(what_cannot_be_is_refused_in_names_and_parts),
		cmocka_unit_test(a_name_of_a_tip_could_be_a_branch),
		cmocka_unit_test(an_impossible_manifest_is_not_printed),
		cmocka_unit_test(thousands_of_tips_pass_and_one_too_many_does_not),
		cmocka_unit_test(no_flipped_bit_leaves_the_meaning),
		cmocka_unit_test(the_example_in_the_documentation_is_a_manifest),
	};

	cp_hash_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
