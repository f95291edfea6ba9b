/*
 * UTF-8 text: whether it is valid, how it compares, how it is shown safely.
 */
#ifndef CASEPACK_FORMATS_TEXT_H
#define CASEPACK_FORMATS_TEXT_H

#include "formats/buf.h"

#include <stdbool.h>

/* Well-formed UTF-8 without NUL, surrogates or code points over U+10FFFF. */
bool cp_utf8_valid(const char *text, size_t len);

/* Append the NFC form (utf8proc), for comparison only. CP_EFORMAT on invalid UTF-8. */
CP_CHECKED enum cp_code cp_text_nfc(struct cp_buf *out, const char *text, size_t len, struct cp_err *err);

/* The NFC form without letter case, for comparison only; NULL on invalid UTF-8 or without memory. */
char *cp_text_folded(const char *text, size_t len);

/* C0, DEL or C1 controls in valid UTF-8; newline, also behind a carriage return, and tab count unless multiline. */
bool cp_text_has_controls(const char *text, size_t len, bool multiline);

/* An id that may stand in history: [A-Za-z0-9._:#-], 1 to 64 characters. */
bool cp_id_is_plain(const char *text, size_t len);

/*
 * What acts where text is shown, or hides in it: control characters (C0, DEL, C1), bidirectional
 * controls (U+202A-202E, U+2066-2069, U+200E/F, U+061C), line and paragraph separators,
 * annotations (U+FFF9-FFFB) and all that is invisible, as Unicode's Default_Ignorable says. Not so
 * a joiner (U+200C/D) behind a letter that is not ASCII, as Persian, Hindi and emoji have it, nor a
 * variation selector behind what it varies. Of combining marks only the ninth and those behind it on one
 * letter, and one that begins a text.
 *
 * Append text so that nothing in it acts: what would becomes \x1b, \u202e, \U000e0041; newline and
 * tab stay only when multiline is true, else become a space. A carriage return in front of a
 * newline belongs to it and is left out; a byte that is no UTF-8 becomes \xff. What was shown
 * once is the same when it is shown again.
 */
CP_CHECKED enum cp_code cp_text_shown(struct cp_buf *out, const char *text, size_t len, bool multiline,
		struct cp_err *err);

/* Has it anything that cp_text_shown would spell out on one line, newline and tab included? */
bool cp_text_acts(const char *text, size_t len);

/* One cell of a TSV file: as shown, but nothing is lost: \\, \t, \n and \r are spelled out, too. */
CP_CHECKED enum cp_code cp_text_tsv(struct cp_buf *out, const char *text, size_t len, struct cp_err *err);

/* The same JSON, printed by a program, with what acts as \u202e or a surrogate pair; it can stand in strings only. */
CP_CHECKED enum cp_code cp_text_json(struct cp_buf *out, const char *json, size_t len, struct cp_err *err);

/*
 * For one value inside a message: as cp_text_shown on one line, quotes included, cut to about
 * 60 columns. Never fails; returns out.
 */
#define CP_QUOTE 512
const char *cp_text_quote(char out[CP_QUOTE], const char *text, size_t len);

/* Terminal columns that text takes (East Asian wide and combining counted by utf8proc). */
size_t cp_text_width(const char *text, size_t len);

/*
 * Appends text cut to width columns with an ellipsis, or padded with spaces to it. Never cuts
 * inside a user-perceived character. text has been through cp_text_shown where it is not ours.
 */
CP_CHECKED enum cp_code cp_text_fit(struct cp_buf *out, const char *text, size_t width, struct cp_err *err);

/*
 * Unified diff of two texts by line, as `diff -u` prints it (no file header), context lines around;
 * nothing when they are equal. `patch` makes the second text from the first and this. Time is
 * bounded: very different long texts get a right diff that is not the shortest.
 */
CP_CHECKED enum cp_code cp_text_diff(struct cp_buf *out, const char *a, size_t a_len, const char *b,
		size_t b_len, unsigned context, struct cp_err *err);

/*
 * Which line of a each line of b is, by the same comparison: (*out)[j] is a line's number, from 0, or CP_LINE_NEW where
 * b's line j came new. A line ends behind its newline; *n of them. The caller frees *out, which is set on CP_OK only.
 */
#define CP_LINE_NEW SIZE_MAX
CP_CHECKED enum cp_code cp_text_pair(size_t **out, size_t *n, const char *a, size_t a_len, const char *b, size_t b_len,
		struct cp_err *err);

#endif
