#include "formats/decimal.h"

#include <inttypes.h>

#define MANTISSA_MAX INT64_C(999999999999999)
#define DECIMALS_MAX 15

static int64_t power_of_ten(unsigned n)
{
	int64_t power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Appends digits to the mantissa until something else comes; false when it grows too long. */
static bool read_digits(struct cp_decimal *d, const char *text, size_t len, size_t *at)
{
	for (; *at < len && is_digit(text[*at]); ++*at) {
		if (d->mantissa > (MANTISSA_MAX - (text[*at] - '0')) / 10)
			return false;
		d->mantissa = d->mantissa * 10 + (text[*at] - '0');
	}
	return true;
}

bool cp_decimal_read(struct cp_decimal *out, const char *text, size_t len)
{
	struct cp_decimal d = { 0, 0 };
	size_t sign = len > 0 && (text[0] == '-' || text[0] == '+'), at = sign, point, end = len;

	for (point = sign; point < len && is_digit(text[point]); point++)
		;
	if (len - sign <= (point < len)) /* nothing, or nothing but a point */
		return false;
	while (end > point && text[end - 1] == '0')
		end--;
	if (!read_digits(&d, text, end, &at))
		return false;
	if (at < end && text[at] == '.') {
		at++;
		if (end - at > DECIMALS_MAX || !read_digits(&d, text, end, &at))
			return false;
		d.decimals = (unsigned)(at - point - 1);
	}
	if (at < end)
		return false;
	if (text[0] == '-')
		d.mantissa = -d.mantissa;
	*out = d;
	return true;
}

bool cp_decimal_of(struct cp_decimal *out, double value)
{
	const double limit = (double)MANTISSA_MAX;

	for (unsigned n = 0; n <= DECIMALS_MAX; n++) {
		double power = (double)power_of_ten(n), scaled = value * power;
		struct cp_decimal d = { 0, n };

		if (!(scaled >= -limit && scaled <= limit))
			return false;
		d.mantissa = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
		if (cp_decimal_value(&d) == value) {
			*out = d;
			return true;
		}
	}
	return false;
}

double cp_decimal_value(const struct cp_decimal *d)
{
	return (double)d->mantissa / (double)power_of_ten(d->decimals);
}

enum cp_code cp_decimal_print(struct cp_buf *out, const struct cp_decimal *d, struct cp_err *err)
{
	int64_t power = power_of_ten(d->decimals);
	int64_t size = d->mantissa < 0 ? -d->mantissa : d->mantissa;
	const char *sign = d->mantissa < 0 ? "-" : "";

	if (d->decimals == 0)
		return cp_buf_printf(out, err, "%s%" PRId64, sign, size);
	return cp_buf_printf(out, err, "%s%" PRId64 ".%0*" PRId64, sign, size / power, (int)d->decimals,
			size % power);
}
