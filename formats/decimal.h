/*
 * Decimal numbers of at most 15 significant digits: all of them, and the doubles
 * nearest to them, turn into each other without loss. No locale has a say in it.
 */
#ifndef CASEPACK_FORMATS_DECIMAL_H
#define CASEPACK_FORMATS_DECIMAL_H

#include "formats/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct cp_decimal {
	int64_t mantissa;  /* -(10^15 - 1) to 10^15 - 1 */
	unsigned decimals; /* digits behind the point, 0 to 15; as few as can be */
};

/* [+-]digits[.digits], also ".5" and "5."; false for anything else or more digits. */
bool cp_decimal_read(struct cp_decimal *out, const char *text, size_t len);

/* The shortest decimal to which value is nearest; false where that has more digits. */
bool cp_decimal_of(struct cp_decimal *out, double value);

double cp_decimal_value(const struct cp_decimal *d);

/* The one spelling: -?digits[.digits], no needless zero, "0" and never "-0". */
CP_CHECKED enum cp_code cp_decimal_print(struct cp_buf *out, const struct cp_decimal *d, struct cp_err *err);

#endif
