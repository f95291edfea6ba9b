/* Answers: what a person gave, its one spelling, and its rank. The rest of form.h is in form.c. */
#include "formats/form.h"

#include <stdlib.h>
#include <string.h>

#include "formats/decimal.h"
#include "formats/text.h"

/* Text without the white space around it. */
struct span {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span trimmed(const char *text, size_t len)
{
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (len > 0 && is_blank(*text))
		text++, len--;
	return (struct span){ text, len };
}

static bool equals(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(text, s.text, s.len) == 0;
}

/* Index of the choice with exactly this value; n_choices when there is none. */
static size_t by_value(const struct cp_field *f, struct span s)
{
	size_t i = 0;

	while (i < f->n_choices && !equals(s, f->choices[i].value))
		i++;
	return i;
}

static bool folds_to(const char *text, const char *folded)
{
	char *other = cp_text_folded(text, strlen(text));
	bool is_same = other != NULL && strcmp(other, folded) == 0;

	free(other);
	return is_same;
}

/* By value, label or key, whatever the letter case. */
static size_t by_name(const struct cp_field *f, struct span s)
{
	CP_AUTO(str) char *folded = cp_text_folded(s.text, s.len);
	size_t i = 0;

	if (folded == NULL)
		return f->n_choices;
	for (; i < f->n_choices; i++) {
		const struct cp_choice *c = &f->choices[i];

		if (folds_to(c->value, folded) || folds_to(c->label, folded) ||
				(c->hotkey != '\0' && folded[0] == c->hotkey && folded[1] == '\0'))
			break;
	}
	return i;
}

/* "3.0" for "3", as spreadsheets and data frames write it. */
static size_t by_number(const struct cp_field *f, struct span s)
{
	struct cp_decimal want, have;
	size_t found = f->n_choices;

	if (f->level == CP_NOMINAL || !cp_decimal_read(&want, s.text, s.len))
		return found;
	for (size_t i = 0; i < f->n_choices; i++) {
		const char *value = f->choices[i].value;

		if (!cp_decimal_read(&have, value, strlen(value)) || have.mantissa != want.mantissa ||
				have.decimals != want.decimals)
			continue;
		if (found < f->n_choices)
			return f->n_choices; /* "1" and "1.0" are both there: which is meant? */
		found = i;
	}
	return found;
}

static size_t find(const struct cp_field *f, struct span s)
{
	size_t i = by_value(f, s);

	if (i == f->n_choices)
		i = by_name(f, s);
	return i < f->n_choices ? i : by_number(f, s);
}

/* NAME: "what was given" is not one of 0 (Bad), 1 (Fair), ... */
static enum cp_code no_choice(const struct cp_field *f, struct span s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf list = CP_BUF(4096);
	char shown[CP_QUOTE];

	for (size_t i = 0; i < f->n_choices; i++) {
		const struct cp_choice *c = &f->choices[i];

		if (i == 12) {
			CP_TRY(cp_buf_printf(&list, err, " and %zu more", f->n_choices - i));
			break;
		}
		CP_TRY(cp_buf_printf(&list, err, "%s%s", i > 0 ? ", " : "", c->value));
		if (strcmp(c->value, c->label) != 0 && strlen(c->label) <= 40)
			CP_TRY(cp_buf_printf(&list, err, " (%s)", c->label));
	}
	return cp_fail(err, CP_EINPUT, "%s: %s is not one of %s", f->name, cp_text_quote(shown, s.text, s.len),
			list.data);
}

static enum cp_code choice_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	size_t i = find(f, s);

	if (i == f->n_choices)
		return no_choice(f, s, err);
	return cp_buf_puts(out, f->choices[i].value, err);
}

/* The text in front of the next comma or semicolon; *rest goes behind it. */
static struct span next_part(struct span *rest)
{
	size_t n = 0;
	struct span part;

	while (n < rest->len && rest->text[n] != ',' && rest->text[n] != ';')
		n++;
	part = trimmed(rest->text, n);
	n += n < rest->len;
	rest->text += n;
	rest->len -= n;
	return part;
}

static bool all_are_values(const struct cp_field *f, struct span rest)
{
	while (rest.len > 0)
		if (by_value(f, next_part(&rest)) == f->n_choices)
			return false;
	return true;
}

static enum cp_code mark_parts(bool *picked, const struct cp_field *f, struct span rest, struct cp_err *err)
{
	struct span part;
	size_t i = all_are_values(f, rest) ? f->n_choices : find(f, rest); /* a label may hold a comma */

	if (i < f->n_choices) {
		picked[i] = true;
		return CP_OK;
	}
	while (rest.len > 0) {
		part = next_part(&rest);
		if (part.len == 0)
			continue;
		i = find(f, part);
		if (i == f->n_choices)
			return no_choice(f, part, err);
		picked[i] = true;
	}
	return CP_OK;
}

static enum cp_code add_picked(struct cp_buf *out, const bool *picked, const struct cp_field *f, struct span s,
		struct cp_err *err)
{
	bool is_first = true;

	for (size_t i = 0; i < f->n_choices; i++) {
		if (!picked[i])
			continue;
		CP_TRY(cp_buf_printf(out, err, "%s%s", is_first ? "" : ",", f->choices[i].value));
		is_first = false;
	}
	return is_first ? no_choice(f, s, err) : CP_OK;
}

static enum cp_code multi_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	bool *picked = calloc(f->n_choices + 1, sizeof *picked);
	enum cp_code code;

	if (picked == NULL)
		return cp_fail(err, CP_EIO, "out of memory for an answer");
	code = mark_parts(picked, f, s, err);
	if (code == CP_OK)
		code = add_picked(out, picked, f, s, err);
	free(picked);
	return code;
}

static bool is_word(struct span s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == s.len && strncasecmp(*words, s.text, s.len) == 0)
			return true;
	return false;
}

static enum cp_code bool_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	static const char *const yes[] = { "true", "yes", "1", "y", "t", NULL };
	static const char *const no[] = { "false", "no", "0", "n", "f", NULL };
	char shown[CP_QUOTE];

	if (is_word(s, yes))
		return cp_buf_puts(out, "true", err);
	if (is_word(s, no))
		return cp_buf_puts(out, "false", err);
	return cp_fail(err, CP_EINPUT, "%s: %s is not one of true, false, yes, no, 1, 0", f->name,
			cp_text_quote(shown, s.text, s.len));
}

static enum cp_code add_range(struct cp_buf *out, const struct cp_field *f, struct cp_err *err)
{
	struct cp_decimal min, max;

	if (!cp_decimal_of(&min, f->min) || !cp_decimal_of(&max, f->max))
		return CP_OK;
	CP_TRY(cp_buf_puts(out, " from ", err));
	CP_TRY(cp_decimal_print(out, &min, err));
	CP_TRY(cp_buf_puts(out, " to ", err));
	return cp_decimal_print(out, &max, err);
}

static enum cp_code number_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf range = CP_BUF(200);
	struct cp_decimal d;
	char shown[CP_QUOTE];

	if (cp_decimal_read(&d, s.text, s.len) && cp_decimal_value(&d) >= f->min && cp_decimal_value(&d) <= f->max)
		return cp_decimal_print(out, &d, err);
	CP_TRY(add_range(&range, f, err));
	return cp_fail(err, CP_EINPUT, "%s: %s is not a number%s (with a point, at most 15 digits)", f->name,
			cp_text_quote(shown, s.text, s.len), range.len > 0 ? range.data : "");
}

/* Line ends become newlines; nothing else changes. */
static enum cp_code add_lines(struct cp_buf *out, struct span s, struct cp_err *err)
{
	CP_TRY(cp_buf_room(out, s.len, err));
	for (size_t i = 0; i < s.len; i++) {
		char c = s.text[i];

		if (c == '\r' && i + 1 < s.len && s.text[i + 1] == '\n')
			continue;
		out->data[out->len++] = c == '\r' ? '\n' : c;
	}
	out->data[out->len] = '\0';
	return CP_OK;
}

static enum cp_code text_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf lines = CP_BUF(s.len);

	CP_TRY(add_lines(&lines, s, err));
	if (cp_text_has_controls(lines.data, lines.len, true))
		return cp_fail(err, CP_EINPUT, "%s: the text holds a control character; take it out", f->name);
	if (lines.len > f->max_len)
		return cp_fail(err, CP_EINPUT, "%s: the text has %zu bytes; at most %zu are allowed", f->name, lines.len,
				f->max_len);
	return cp_buf_add(out, lines.data, lines.len, err);
}

static enum cp_code add_value(struct cp_buf *out, const struct cp_field *f, struct span s, struct cp_err *err)
{
	switch (f->type) {
	case CP_MULTI:
		return multi_value(out, f, s, err);
	case CP_BOOL:
		return bool_value(out, f, s, err);
	case CP_FREE_TEXT:
		return text_value(out, f, s, err);
	case CP_NUMBER:
		return number_value(out, f, s, err);
	case CP_SCALE:
	case CP_CHOICE:
	case CP_PREFERENCE:
		break;
	}
	return choice_value(out, f, s, err);
}

enum cp_code cp_field_value(struct cp_buf *out, const struct cp_field *field, const char *text, size_t len,
		struct cp_err *err)
{
	struct span s = trimmed(text, len);
	size_t before = out->len;
	enum cp_code code;

	if (s.len == 0)
		return cp_fail(err, CP_EINPUT, "%s: the answer is empty", field->name);
	if (!cp_utf8_valid(s.text, s.len))
		return cp_fail(err, CP_EINPUT, "%s: the answer is not valid UTF-8", field->name);
	code = add_value(out, field, s, err);
	if (code != CP_OK && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return code;
}

bool cp_field_accepts(const struct cp_field *field, const char *text, size_t len)
{
	CP_AUTO(buf) struct cp_buf canonical = CP_BUF(len);

	return cp_field_value(&canonical, field, text, len, NULL) == CP_OK && canonical.len == len &&
		memcmp(canonical.data, text, len) == 0;
}

int cp_field_severity(const struct cp_field *field, const char *text, size_t len)
{
	struct span rest = { text, len };
	int worst = 0;

	if (field->type == CP_BOOL)
		return equals(rest, "true");
	while (rest.len > 0) {
		size_t i = by_value(field, field->type == CP_MULTI ? next_part(&rest) : rest);

		if (i < field->n_choices && field->choices[i].severity > worst)
			worst = field->choices[i].severity;
		if (field->type != CP_MULTI)
			break;
	}
	return worst;
}
