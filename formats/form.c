#include "formats/form.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/decimal.h"
#include "formats/text.h"

#define FORM_MAX ((size_t)1 << 20) /* bytes of a definition */
#define FIELDS_MAX 100
#define CHOICES_MAX 100
#define LABEL_MAX 1000
#define HELP_MAX 8000
#define VALUE_MAX 64
#define NAME_MAX_LEN 32
#define ANSWER_MAX 1000000
#define ANSWER_USUAL 4000
#define SEVERITY_MAX 1000
#define NUMBER_MAX 999999999999999.0

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const types[] = { "scale", "choice", "multi", "bool", "text", "number", "preference" };
static const char *const levels[] = { "nominal", "ordinal", "interval", "ratio" };
static const char *const scopes[] = { "page", "result" };
static const char *const policies[] = { "latest", "severest", "review" };

#define BIT(n) (1u << (n))

/* Which levels answers of a type can have, and which they have where the form does not say. */
static const struct {
	unsigned levels;
	enum cp_field_level usual;
} level_rules[] = {
	[CP_SCALE] = { BIT(CP_ORDINAL) | BIT(CP_INTERVAL) | BIT(CP_RATIO), CP_ORDINAL },
	[CP_CHOICE] = { BIT(CP_NOMINAL) | BIT(CP_ORDINAL) | BIT(CP_INTERVAL) | BIT(CP_RATIO), CP_NOMINAL },
	[CP_MULTI] = { BIT(CP_NOMINAL), CP_NOMINAL },
	[CP_BOOL] = { BIT(CP_NOMINAL), CP_NOMINAL },
	[CP_FREE_TEXT] = { BIT(CP_NOMINAL), CP_NOMINAL },
	[CP_NUMBER] = { BIT(CP_ORDINAL) | BIT(CP_INTERVAL) | BIT(CP_RATIO), CP_INTERVAL },
	[CP_PREFERENCE] = { BIT(CP_ORDINAL) | BIT(CP_INTERVAL) | BIT(CP_RATIO), CP_ORDINAL },
};

static bool has_choices(enum cp_field_type type)
{
	return type == CP_SCALE || type == CP_CHOICE || type == CP_MULTI || type == CP_PREFERENCE;
}

static void cp_json_drop(json_t **j)
{
	json_decref(*j);
}

static void *take(size_t n, size_t size)
{
	return calloc(n > 0 ? n : 1, size);
}

static enum cp_code no_memory(struct cp_err *err)
{
	return cp_fail(err, CP_EIO, "out of memory for a form");
}

/* Reading: members of a JSON object */

/* Every member is one of the n names. */
static enum cp_code only_members(json_t *object, const char *const *allowed, size_t n, struct cp_err *err)
{
	char shown[CP_QUOTE];
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(object, key, value) {
		for (i = 0; i < n && strcmp(allowed[i], key) != 0; i++)
			;
		if (i == n)
			return cp_fail(err, CP_EINPUT, "%s is not known here: misspelt, or made for a newer casepack",
					cp_text_quote(shown, key, strlen(key)));
	}
	return CP_OK;
}

/* A text member, or fallback where it is missing; *out is owned by the caller. */
static enum cp_code read_text(char **out, json_t *object, const char *key, const char *fallback, size_t max,
		bool multiline, struct cp_err *err)
{
	json_t *member = json_object_get(object, key);
	const char *text = fallback;
	size_t len;

	if (member != NULL && !json_is_string(member))
		return cp_fail(err, CP_EINPUT, "\"%s\" must be text in quotes", key);
	if (member != NULL)
		text = json_string_value(member);
	if (text == NULL)
		return cp_fail(err, CP_EINPUT, "\"%s\" is missing", key);
	len = strlen(text);
	if (len > max)
		return cp_fail(err, CP_EINPUT, "\"%s\" has %zu bytes; at most %zu are allowed", key, len, max);
	if (cp_text_has_controls(text, len, multiline))
		return cp_fail(err, CP_EINPUT, "\"%s\" holds a control character; take it out", key);
	*out = strdup(text);
	return *out != NULL ? CP_OK : no_memory(err);
}

/* A whole number from 0 to max; *out is left alone where the member is missing. */
static enum cp_code read_count(size_t *out, json_t *object, const char *key, size_t min, size_t max,
		struct cp_err *err)
{
	json_t *member = json_object_get(object, key);
	json_int_t n;

	if (member == NULL)
		return CP_OK;
	n = json_integer_value(member);
	if (!json_is_integer(member) || n < (json_int_t)min || n > (json_int_t)max)
		return cp_fail(err, CP_EINPUT, "\"%s\" must be a whole number from %zu to %zu", key, min, max);
	*out = (size_t)n;
	return CP_OK;
}

static enum cp_code read_flag(bool *out, json_t *object, const char *key, struct cp_err *err)
{
	json_t *member = json_object_get(object, key);

	if (member != NULL && !json_is_boolean(member))
		return cp_fail(err, CP_EINPUT, "\"%s\" must be true or false", key);
	*out = json_is_true(member);
	return CP_OK;
}

/* One of n words as its number; *out is left alone where the member is missing. */
static enum cp_code read_word(unsigned *out, json_t *object, const char *key, const char *const *words, size_t n,
		struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf all = CP_BUF(1000);
	json_t *member = json_object_get(object, key);
	const char *text = json_string_value(member);

	if (member == NULL)
		return CP_OK;
	for (unsigned i = 0; i < n; i++) {
		if (text != NULL && strcmp(words[i], text) == 0) {
			*out = i;
			return CP_OK;
		}
		CP_TRY(cp_buf_printf(&all, err, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]));
	}
	return cp_fail(err, CP_EINPUT, "\"%s\" must be %s", key, all.data);
}

static enum cp_code read_bound(double *out, json_t *object, const char *key, double fallback, struct cp_err *err)
{
	json_t *member = json_object_get(object, key);
	struct cp_decimal exact;

	*out = fallback;
	if (member == NULL)
		return CP_OK;
	if (!json_is_number(member))
		return cp_fail(err, CP_EINPUT, "\"%s\" must be a number", key);
	*out = json_number_value(member);
	if (!cp_decimal_of(&exact, *out))
		return cp_fail(err, CP_EINPUT, "\"%s\" must be a number of at most 15 digits", key);
	*out = cp_decimal_value(&exact);
	return CP_OK;
}

/* Reading: choices */

static bool is_value(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

	return n > 0 && n <= VALUE_MAX && text[n] == '\0';
}

static enum cp_code read_choice(struct cp_choice *c, json_t *j, struct cp_err *err)
{
	static const char *const members[] = { "key", "label", "severity", "value" };
	char shown[CP_QUOTE], *key = NULL;
	size_t severity = 0;

	if (!json_is_object(j))
		return cp_fail(err, CP_EINPUT, "must be an object with \"value\" and \"label\"");
	CP_TRY(only_members(j, members, COUNT(members), err));
	CP_TRY(read_text(&c->value, j, "value", NULL, LABEL_MAX, false, err));
	if (!is_value(c->value))
		return cp_fail(err, CP_EINPUT, "value %s must be 1 to %d of A-Z a-z 0-9 . _ + -",
				cp_text_quote(shown, c->value, strlen(c->value)), VALUE_MAX);
	CP_TRY(read_text(&c->label, j, "label", c->value, LABEL_MAX, false, err));
	CP_TRY(read_count(&severity, j, "severity", 0, SEVERITY_MAX, err));
	c->severity = (int)severity;
	CP_TRY(read_text(&key, j, "key", "", LABEL_MAX, false, err));
	c->hotkey = key[0];
	if (key[0] != '\0' && (key[1] != '\0' || strchr("abcdefghijklmnopqrstuvwxyz0123456789", key[0]) == NULL)) {
		free(key);
		return cp_fail(err, CP_EINPUT, "\"key\" must be one of a-z 0-9");
	}
	free(key);
	return CP_OK;
}

/* What a person may type for a choice, folded so that case does not matter. */
struct alias {
	char *text;
	size_t choice;
};

static int compare_aliases(const void *left, const void *right)
{
	const struct alias *a = left, *b = right;
	int order = strcmp(a->text, b->text);

	return order != 0 ? order : (a->choice > b->choice) - (a->choice < b->choice);
}

static enum cp_code add_alias(struct alias *out, const char *text, size_t len, size_t choice, struct cp_err *err)
{
	out->text = cp_text_folded(text, len);
	out->choice = choice;
	return out->text != NULL ? CP_OK : no_memory(err);
}

static enum cp_code fill_aliases(struct alias *a, size_t *n, const struct cp_field *f, struct cp_err *err)
{
	for (size_t i = 0; i < f->n_choices; i++) {
		const struct cp_choice *c = &f->choices[i];

		CP_TRY(add_alias(&a[*n], c->value, strlen(c->value), i, err));
		++*n;
		CP_TRY(add_alias(&a[*n], c->label, strlen(c->label), i, err));
		++*n;
		if (c->hotkey == '\0')
			continue;
		CP_TRY(add_alias(&a[*n], &c->hotkey, 1, i, err));
		++*n;
	}
	return CP_OK;
}

/* No value, label or key of one choice may be that of another: what a person types means one thing. */
static enum cp_code check_aliases(const struct cp_field *f, struct cp_err *err)
{
	struct alias *all = take(f->n_choices * 3, sizeof *all);
	char shown[CP_QUOTE];
	size_t n = 0;
	enum cp_code code;

	if (all == NULL)
		return no_memory(err);
	code = fill_aliases(all, &n, f, err);
	if (code == CP_OK)
		qsort(all, n, sizeof *all, compare_aliases);
	for (size_t i = 1; code == CP_OK && i < n; i++)
		if (all[i].choice != all[i - 1].choice && strcmp(all[i].text, all[i - 1].text) == 0)
			code = cp_fail(err, CP_EINPUT, "choices %zu and %zu both answer to %s", all[i - 1].choice + 1,
					all[i].choice + 1, cp_text_quote(shown, all[i].text, strlen(all[i].text)));
	for (size_t i = 0; i < n; i++)
		free(all[i].text);
	free(all);
	return code;
}

static enum cp_code read_choices(struct cp_field *f, json_t *j, struct cp_err *err)
{
	json_t *list = json_object_get(j, "choices");
	size_t n = json_array_size(list), least = f->type == CP_MULTI ? 1 : 2;

	if (!has_choices(f->type))
		return list == NULL ? CP_OK : cp_fail(err, CP_EINPUT, "a %s has no \"choices\"", types[f->type]);
	if (!json_is_array(list) || n < least || n > CHOICES_MAX)
		return cp_fail(err, CP_EINPUT, "\"choices\" must list %zu to %d choices", least, CHOICES_MAX);
	f->choices = take(n, sizeof *f->choices);
	if (f->choices == NULL)
		return no_memory(err);
	for (f->n_choices = 0; f->n_choices < n;) {
		struct cp_choice *c = &f->choices[f->n_choices++];

		if (read_choice(c, json_array_get(list, f->n_choices - 1), err) != CP_OK)
			return cp_fail_at(err, "choice %zu", f->n_choices);
	}
	return check_aliases(f, err);
}

/* Values that are counted with must be numbers that rise. */
static enum cp_code check_numbers(const struct cp_field *f, struct cp_err *err)
{
	struct cp_decimal d;
	double last = 0;

	if (!has_choices(f->type) || (f->type != CP_PREFERENCE && f->level < CP_INTERVAL))
		return CP_OK;
	for (size_t i = 0; i < f->n_choices; i++) {
		const char *value = f->choices[i].value;

		if (!cp_decimal_read(&d, value, strlen(value)))
			return cp_fail(err, CP_EINPUT, "value \"%s\" must be a number, as this is a %s of level %s", value,
					types[f->type], levels[f->level]);
		if (i > 0 && cp_decimal_value(&d) <= last)
			return cp_fail(err, CP_EINPUT, "values must rise from choice to choice, \"%s\" does not", value);
		last = cp_decimal_value(&d);
	}
	return CP_OK;
}

/* Sides are shuffled, so that each preference must have its mirror image. */
static enum cp_code check_mirror(const struct cp_field *f, struct cp_err *err)
{
	struct cp_decimal a, b;

	if (f->type != CP_PREFERENCE)
		return CP_OK;
	for (size_t i = 0; i < f->n_choices; i++) {
		const char *left = f->choices[i].value, *right = f->choices[f->n_choices - 1 - i].value;

		if (!cp_decimal_read(&a, left, strlen(left)) || !cp_decimal_read(&b, right, strlen(right)) ||
				a.mantissa != -b.mantissa || a.decimals != b.decimals)
			return cp_fail(err, CP_EINPUT,
					"preference \"%s\" needs its opposite on the other side, not \"%s\"", left, right);
	}
	return CP_OK;
}

/* Reading: fields */

static bool is_field_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return text[0] >= 'a' && text[0] <= 'z' && n <= NAME_MAX_LEN && text[n] == '\0';
}

static enum cp_code read_words(struct cp_field *f, json_t *j, struct cp_err *err)
{
	unsigned type = COUNT(types), level, scope = CP_PAGE, policy = CP_LATEST;

	CP_TRY(read_word(&type, j, "type", types, COUNT(types), err));
	if (type == COUNT(types))
		return cp_fail(err, CP_EINPUT, "\"type\" is missing");
	f->type = (enum cp_field_type)type;
	level = level_rules[type].usual;
	CP_TRY(read_word(&level, j, "level", levels, COUNT(levels), err));
	if (!(level_rules[type].levels & BIT(level)))
		return cp_fail(err, CP_EINPUT, "a %s cannot be of level %s", types[type], levels[level]);
	f->level = (enum cp_field_level)level;
	CP_TRY(read_word(&scope, j, "scope", scopes, COUNT(scopes), err));
	f->scope = (enum cp_field_scope)scope;
	CP_TRY(read_word(&policy, j, "policy", policies, COUNT(policies), err));
	f->policy = (enum cp_policy)policy;
	return CP_OK;
}

static enum cp_code read_limits(struct cp_field *f, json_t *j, struct cp_err *err)
{
	if (f->type != CP_NUMBER && (json_object_get(j, "min") != NULL || json_object_get(j, "max") != NULL))
		return cp_fail(err, CP_EINPUT, "a %s has no \"min\" and \"max\"", types[f->type]);
	if (f->type != CP_FREE_TEXT && json_object_get(j, "max_length") != NULL)
		return cp_fail(err, CP_EINPUT, "a %s has no \"max_length\"", types[f->type]);
	if (f->type == CP_NUMBER) {
		CP_TRY(read_bound(&f->min, j, "min", -NUMBER_MAX, err));
		CP_TRY(read_bound(&f->max, j, "max", NUMBER_MAX, err));
		if (f->min > f->max)
			return cp_fail(err, CP_EINPUT, "\"min\" is above \"max\"");
	}
	if (f->type != CP_FREE_TEXT)
		return CP_OK;
	f->max_len = ANSWER_USUAL;
	return read_count(&f->max_len, j, "max_length", 1, ANSWER_MAX, err);
}

static enum cp_code check_policy(const struct cp_field *f, struct cp_err *err)
{
	if (f->policy != CP_SEVEREST || f->type == CP_BOOL)
		return CP_OK;
	for (size_t i = 1; i < f->n_choices; i++)
		if (f->choices[i].severity != f->choices[0].severity)
			return CP_OK;
	return cp_fail(err, CP_EINPUT, "policy severest needs choices that differ in \"severity\"");
}

static enum cp_code read_field_body(struct cp_field *f, json_t *j, struct cp_err *err)
{
	static const char *const members[] = { "choices", "help", "label", "level", "max", "max_length", "min",
		"name", "policy", "required", "scope", "type" };

	CP_TRY(only_members(j, members, COUNT(members), err));
	CP_TRY(read_text(&f->label, j, "label", f->name, LABEL_MAX, false, err));
	CP_TRY(read_text(&f->help, j, "help", "", HELP_MAX, true, err));
	CP_TRY(read_words(f, j, err));
	CP_TRY(read_flag(&f->is_required, j, "required", err));
	CP_TRY(read_choices(f, j, err));
	CP_TRY(read_limits(f, j, err));
	CP_TRY(check_numbers(f, err));
	CP_TRY(check_mirror(f, err));
	return check_policy(f, err);
}

static enum cp_code read_field(struct cp_form *form, size_t i, json_t *j, struct cp_err *err)
{
	struct cp_field *f = &form->fields[i];
	char shown[CP_QUOTE];

	if (!json_is_object(j))
		return cp_fail(err, CP_EINPUT, "field %zu: must be an object with \"name\" and \"type\"", i + 1);
	if (read_text(&f->name, j, "name", NULL, LABEL_MAX, false, err) != CP_OK)
		return cp_fail_at(err, "field %zu", i + 1);
	if (!is_field_name(f->name))
		return cp_fail(err, CP_EINPUT, "field %zu: name %s must be a-z, then up to 31 of a-z 0-9 _", i + 1,
				cp_text_quote(shown, f->name, strlen(f->name)));
	for (size_t k = 0; k < i; k++)
		if (strcmp(form->fields[k].name, f->name) == 0)
			return cp_fail(err, CP_EINPUT, "field %zu: the name \"%s\" is taken by field %zu", i + 1, f->name,
					k + 1);
	if (read_field_body(f, j, err) != CP_OK)
		return cp_fail_at(err, "field \"%s\"", f->name);
	return CP_OK;
}

static enum cp_code read_form(struct cp_form *form, json_t *root, struct cp_err *err)
{
	static const char *const members[] = { "fields", "title" };
	json_t *list = json_object_get(root, "fields");
	size_t n = json_array_size(list);

	if (!json_is_object(root))
		return cp_fail(err, CP_EINPUT, "must be an object with \"title\" and \"fields\"");
	CP_TRY(only_members(root, members, COUNT(members), err));
	CP_TRY(read_text(&form->title, root, "title", "", LABEL_MAX, false, err));
	if (!json_is_array(list) || n < 1 || n > FIELDS_MAX)
		return cp_fail(err, CP_EINPUT, "\"fields\" must list 1 to %d fields", FIELDS_MAX);
	form->fields = take(n, sizeof *form->fields);
	if (form->fields == NULL)
		return no_memory(err);
	while (form->n_fields < n) {
		form->n_fields++;
		CP_TRY(read_field(form, form->n_fields - 1, json_array_get(list, form->n_fields - 1), err));
	}
	return CP_OK;
}

enum cp_code cp_form_read(struct cp_form *out, const char *json, size_t len, struct cp_err *err)
{
	CP_AUTO(form) struct cp_form form = { 0 };
	CP_AUTO(json) json_t *root = NULL;
	CP_AUTO(buf) struct cp_buf words = CP_BUF(4096);
	struct cp_err spare;
	json_error_t where;

	if (err == NULL)
		err = &spare;
	if (len > FORM_MAX)
		return cp_fail(err, CP_EINPUT, "form: %zu bytes; at most %zu are allowed", len, FORM_MAX);
	if (len >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		json += 3, len -= 3;
	root = json_loadb(len > 0 ? json : "", len, JSON_REJECT_DUPLICATES, &where);
	if (root == NULL) {
		CP_TRY(cp_text_shown(&words, where.text, strlen(where.text), false, err));
		return cp_fail(err, CP_EINPUT, "form: line %d, column %d: %s", where.line, where.column,
				words.len > 0 ? words.data : "not JSON");
	}
	if (read_form(&form, root, err) != CP_OK)
		return cp_fail_at(err, "form");
	*out = form;
	form = (struct cp_form){ 0 };
	return CP_OK;
}

static void drop_field(struct cp_field *f)
{
	for (size_t i = 0; i < f->n_choices; i++) {
		free(f->choices[i].value);
		free(f->choices[i].label);
	}
	free(f->choices);
	free(f->name);
	free(f->label);
	free(f->help);
}

void cp_form_drop(struct cp_form *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_fields; i++)
		drop_field(&f->fields[i]);
	free(f->fields);
	free(f->title);
	*f = (struct cp_form){ 0 };
}

const struct cp_field *cp_form_field(const struct cp_form *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (strcmp(f->fields[i].name, name) == 0)
			return &f->fields[i];
	return NULL;
}

/* Printing */

/* A JSON string: only what JSON demands is escaped. */
static enum cp_code print_text(struct cp_buf *out, const char *text, struct cp_err *err)
{
	static const char letters[] = "btn_fr"; /* 8 to 13; there is no short form of 11 */
	enum cp_code code;

	CP_TRY(cp_buf_puts(out, "\"", err));
	for (const char *at = text; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;

		if (c == '"' || c == '\\')
			code = cp_buf_printf(out, err, "\\%c", c);
		else if (c >= 8 && c <= 13 && c != 11)
			code = cp_buf_printf(out, err, "\\%c", letters[c - 8]);
		else if (c < 0x20)
			code = cp_buf_printf(out, err, "\\u%04x", c);
		else
			code = cp_buf_add(out, at, 1, err);
		CP_TRY(code);
	}
	return cp_buf_puts(out, "\"", err);
}

/* ,"key":"text" and the like; lead is what stands in front. */
static enum cp_code print_member(struct cp_buf *out, const char *lead, const char *text, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, lead, err));
	return print_text(out, text, err);
}

static enum cp_code print_choices(struct cp_buf *out, const struct cp_field *f, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "\"choices\":[", err));
	for (size_t i = 0; i < f->n_choices; i++) {
		const struct cp_choice *c = &f->choices[i];
		char key[2] = { c->hotkey, '\0' };

		CP_TRY(print_member(out, i > 0 ? ",{\"key\":" : "{\"key\":", key, err));
		CP_TRY(print_member(out, ",\"label\":", c->label, err));
		CP_TRY(cp_buf_printf(out, err, ",\"severity\":%d", c->severity));
		CP_TRY(print_member(out, ",\"value\":", c->value, err));
		CP_TRY(cp_buf_puts(out, "}", err));
	}
	return cp_buf_puts(out, "],", err);
}

static enum cp_code print_bound(struct cp_buf *out, const char *key, double value, struct cp_err *err)
{
	struct cp_decimal exact;

	if (!cp_decimal_of(&exact, value))
		return cp_fail(err, CP_EINPUT, "\"%s\" must be a number of at most 15 digits", key);
	CP_TRY(cp_buf_printf(out, err, ",\"%s\":", key));
	return cp_decimal_print(out, &exact, err);
}

static enum cp_code print_field(struct cp_buf *out, const struct cp_field *f, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "{", err));
	if (has_choices(f->type))
		CP_TRY(print_choices(out, f, err));
	CP_TRY(print_member(out, "\"help\":", f->help, err));
	CP_TRY(print_member(out, ",\"label\":", f->label, err));
	CP_TRY(print_member(out, ",\"level\":", levels[f->level], err));
	if (f->type == CP_NUMBER)
		CP_TRY(print_bound(out, "max", f->max, err));
	if (f->type == CP_FREE_TEXT)
		CP_TRY(cp_buf_printf(out, err, ",\"max_length\":%zu", f->max_len));
	if (f->type == CP_NUMBER)
		CP_TRY(print_bound(out, "min", f->min, err));
	CP_TRY(print_member(out, ",\"name\":", f->name, err));
	CP_TRY(print_member(out, ",\"policy\":", policies[f->policy], err));
	CP_TRY(cp_buf_printf(out, err, ",\"required\":%s", f->is_required ? "true" : "false"));
	CP_TRY(print_member(out, ",\"scope\":", scopes[f->scope], err));
	CP_TRY(print_member(out, ",\"type\":", types[f->type], err));
	return cp_buf_puts(out, "}", err);
}

enum cp_code cp_form_print(struct cp_buf *out, const struct cp_form *f, struct cp_err *err)
{
	CP_TRY(cp_buf_puts(out, "{\"fields\":[", err));
	for (size_t i = 0; i < f->n_fields; i++) {
		if (i > 0)
			CP_TRY(cp_buf_puts(out, ",", err));
		CP_TRY(print_field(out, &f->fields[i], err));
	}
	CP_TRY(print_member(out, "],\"title\":", f->title, err));
	return cp_buf_puts(out, "}", err);
}

/* One version after another */

static const struct cp_choice *find_choice(const struct cp_field *f, const char *value, size_t *out_place)
{
	for (size_t i = 0; i < f->n_choices; i++) {
		if (strcmp(f->choices[i].value, value) == 0) {
			*out_place = i;
			return &f->choices[i];
		}
	}
	return NULL;
}

static enum cp_code changed(struct cp_err *err, const char *name, const char *what, const char *from, const char *to)
{
	return cp_fail(err, CP_EINPUT, "field \"%s\": its %s changes from %s to %s; make a new field", name, what,
			from, to);
}

/* All choices are still there, and where their order has a meaning, in the same order. */
static enum cp_code choices_may_follow(const struct cp_field *before, const struct cp_field *next,
		struct cp_err *err)
{
	size_t place = 0, last = 0;

	for (size_t i = 0; i < before->n_choices; i++) {
		const char *value = before->choices[i].value;

		if (find_choice(next, value, &place) == NULL)
			return cp_fail(err, CP_EINPUT, "field \"%s\": the choice \"%s\" goes; make a new field",
					before->name, value);
		if (before->level != CP_NOMINAL && i > 0 && place < last)
			return cp_fail(err, CP_EINPUT, "field \"%s\": the choice \"%s\" changes its rank; make a new field",
					before->name, value);
		last = place;
	}
	return CP_OK;
}

static enum cp_code field_may_follow(const struct cp_field *before, const struct cp_field *next, struct cp_err *err)
{
	if (next == NULL)
		return cp_fail(err, CP_EINPUT, "field \"%s\" goes; keep it, and make a new field beside it",
				before->name);
	if (next->type != before->type)
		return changed(err, before->name, "type", types[before->type], types[next->type]);
	if (next->level != before->level)
		return changed(err, before->name, "level", levels[before->level], levels[next->level]);
	if (next->scope != before->scope)
		return changed(err, before->name, "scope", scopes[before->scope], scopes[next->scope]);
	if (next->min > before->min || next->max < before->max || next->max_len < before->max_len)
		return cp_fail(err, CP_EINPUT, "field \"%s\": answers that were allowed no longer are; make a new field",
				before->name);
	return choices_may_follow(before, next, err);
}

enum cp_code cp_form_may_follow(const struct cp_form *before, const struct cp_form *next, struct cp_err *err)
{
	for (size_t i = 0; i < before->n_fields; i++)
		CP_TRY(field_may_follow(&before->fields[i], cp_form_field(next, before->fields[i].name), err));
	return CP_OK;
}
