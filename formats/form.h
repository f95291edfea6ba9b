/*
 * A form: the questions of a case, as canonical JSON, and its rules (formats/form.md).
 */
#ifndef CASEPACK_FORMATS_FORM_H
#define CASEPACK_FORMATS_FORM_H

#include "formats/buf.h"

#include <stdbool.h>

enum cp_field_type { CP_SCALE, CP_CHOICE, CP_MULTI, CP_BOOL, CP_FREE_TEXT, CP_NUMBER, CP_PREFERENCE };
enum cp_field_level { CP_NOMINAL, CP_ORDINAL, CP_INTERVAL, CP_RATIO };
enum cp_field_scope { CP_PAGE, CP_RESULT }; /* asked once of the page, or of each result */
enum cp_policy { CP_LATEST, CP_SEVEREST, CP_REVIEW };

struct cp_choice {
	char *value;            /* [A-Za-z0-9._+-], 1 to 64, as it stands in history */
	char *label;            /* shown; the form's default locale */
	char hotkey;            /* a-z or 0-9; 0: none */
	int severity;           /* higher is worse; 0 where it means nothing */
};

struct cp_field {
	char *name;             /* [a-z][a-z0-9_]{0,31} */
	char *label, *help;     /* never NULL; label is the name where none is given */
	enum cp_field_type type;
	enum cp_field_level level;
	enum cp_field_scope scope;
	enum cp_policy policy;
	bool is_required;
	struct cp_choice *choices; size_t n_choices; /* scale, choice, multi, preference: in order */
	double min, max;        /* number */
	size_t max_len;         /* text, bytes */
};

struct cp_form {
	char *title; /* never NULL */
	struct cp_field *fields; size_t n_fields;
};

/*
 * Read a form definition (JSON, any spacing). CP_EINPUT names the field. *out ended with cp_form_drop,
 * and untouched on failure. What holds afterwards: names are unique; values, labels and keys of one
 * field mean one choice each, whatever their letter case; choices of a preference, or of level interval
 * or ratio, are numbers that rise; for each choice of a preference its opposite is there too.
 */
CP_CHECKED enum cp_code cp_form_read(struct cp_form *out, const char *json, size_t len, struct cp_err *err);
/* Canonical JSON: sorted keys, no white space, defaults written out. Read then print is a fixed point. */
CP_CHECKED enum cp_code cp_form_print(struct cp_buf *out, const struct cp_form *f, struct cp_err *err);
void cp_form_drop(struct cp_form *f);

const struct cp_field *cp_form_field(const struct cp_form *f, const char *name); /* or NULL */

/*
 * The canonical spelling of an answer ("TRUE" -> "true", "3.50" -> "3.5", multi sorted in the form's
 * order and joined by commas, a choice by its value, label or hotkey, text with LF line ends).
 * White space around it does not count. CP_EINPUT says what is allowed; an empty answer is none,
 * and always CP_EINPUT: what is not answered has no row.
 */
CP_CHECKED enum cp_code cp_field_value(struct cp_buf *out, const struct cp_field *field, const char *text,
		size_t len, struct cp_err *err);
/* Is it canonical and allowed already? (what arrives must be) */
bool cp_field_accepts(const struct cp_field *field, const char *text, size_t len);
/* Rank of a canonical value for `severest`: that of its choice, of multi the worst, true 1; else 0. */
int cp_field_severity(const struct cp_field *field, const char *text, size_t len);

/* May next follow before? Adding fields or choices is minor; a type, level or scope that changes, or a
 * field or choice that goes, is CP_EINPUT ("make a new field"). So are bounds that become narrower, and
 * old choices in another order where the level is not nominal. */
CP_CHECKED enum cp_code cp_form_may_follow(const struct cp_form *before, const struct cp_form *next,
		struct cp_err *err);

/* Presets: relevance-0-3, relevance-0-4, needs-met, page-quality, sxs-7, violation. */
size_t cp_form_presets(const char *const **out_names);
/* Definition as JSON text, static; NULL when there is none of that name. */
const char *cp_form_preset(const char *name);

#endif
