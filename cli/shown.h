/*
 * Results that are no table: lines for people and objects for scripts, on stdout.
 */
#ifndef CASEPACK_CLI_SHOWN_H
#define CASEPACK_CLI_SHOWN_H

#include <jansson.h>
#include <stdint.h>

#include "formats/buf.h"

/* One line on stdout, made safe for a terminal as a whole; the newline is added. CP_EIO. */
CP_CHECKED enum cp_code cp_line(struct cp_err *err, const char *fmt, ...) CP_PRINTF(2, 3);

/* The same line, appended to a buffer. */
CP_CHECKED enum cp_code cp_line_add(struct cp_buf *out, struct cp_err *err, const char *fmt, ...) CP_PRINTF(3, 4);

/* Text of several lines on stdout, made safe, with a newline at its end. */
CP_CHECKED enum cp_code cp_text_print(const char *text, size_t len, struct cp_err *err);

/* One JSON object on one line of stdout; what would act on a terminal is escaped, which is the same JSON.
 * Takes the reference; NULL (no memory) is CP_EIO. */
CP_CHECKED enum cp_code cp_json_line(json_t *object, struct cp_err *err);
/* The same line, appended to a buffer. */
CP_CHECKED enum cp_code cp_json_add(struct cp_buf *out, json_t *object, struct cp_err *err);

/* A JSON string of any bytes: what is no UTF-8 is shown as \xff. NULL text: null. */
json_t *cp_json_text(const char *text);
/* RFC 3339, or null for 0. */
json_t *cp_json_time(int64_t us);
json_t *cp_json_hex(const void *bytes, size_t len);

/* "1 case", "7 cases": for words. */
#define CP_COUNT 48
char *cp_count(char out[CP_COUNT], int64_t n, const char *one, const char *many);

/* "812 B", "3.4 MB" (powers of 1000). */
#define CP_SIZE 24
char *cp_size_text(char out[CP_SIZE], uint64_t bytes);

/* The words of a failure without the "PATH: " that they may begin with. */
const char *cp_why(const struct cp_err *err, const char *path);

#endif
