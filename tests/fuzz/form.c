/*
 * Forms and answers out of hostile hands. A form that is read is printed, and must
 * read and print the same again. What follows the first zero byte is an answer to each of its fields.
 */
#include "formats/form.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "formats/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken has one spelling, which is taken as it is. */
static void try_answer(const struct cp_field *f, const char *text, size_t len)
{
	CP_AUTO(buf) struct cp_buf once = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { 0 };
	enum cp_code code = cp_field_value(&once, f, text, len, &err);

	if (code == CP_OK) {
		assert(cp_field_accepts(f, once.data, once.len));
		assert(cp_field_severity(f, once.data, once.len) >= 0);
		assert(cp_field_accepts(f, text, len) == (once.len == len && memcmp(once.data, text, len) == 0));
		return;
	}
	assert(code == CP_EINPUT && err.text[0] != '\0');
	assert(!cp_text_has_controls(err.text, strlen(err.text), false));
	assert(!cp_field_accepts(f, text, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CP_AUTO(form) struct cp_form form = { 0 }, again = { 0 };
	CP_AUTO(buf) struct cp_buf once = CP_BUF(CP_TEXT_MAX), twice = CP_BUF(CP_TEXT_MAX);
	const char *text = (const char *)data, *end = size > 0 ? memchr(text, '\0', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - text) : size, rest = end != NULL ? size - len - 1 : 0;
	struct cp_err err = { 0 };
	enum cp_code code = cp_form_read(&form, text, len, &err);

	if (code != CP_OK) {
		assert(code == CP_EINPUT && err.text[0] != '\0' && form.fields == NULL);
		assert(!cp_text_has_controls(err.text, strlen(err.text), false));
		return 0;
	}
	assert(cp_form_print(&once, &form, NULL) == CP_OK);
	assert(cp_form_read(&again, once.data, once.len, NULL) == CP_OK);
	assert(cp_form_print(&twice, &again, NULL) == CP_OK);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	assert(cp_form_may_follow(&form, &again, NULL) == CP_OK && cp_form_may_follow(&again, &form, NULL) == CP_OK);
	for (size_t i = 0; i < form.n_fields; i++) {
		try_answer(&form.fields[i], end != NULL ? end + 1 : "", rest);
		for (size_t k = 0; k < form.fields[i].n_choices; k++) {
			const struct cp_choice *c = &form.fields[i].choices[k];

			assert(cp_field_accepts(&form.fields[i], c->value, strlen(c->value)));
		}
	}
	return 0;
}
