/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/decimal.h"

static enum err parse(const char *text, uint64_t max, uint64_t *out)
{
	return decimal_parse(bytes_of_string(text), 0, max, out);
}

Test(decimal, digits_are_a_number)
{
	uint64_t number = 7;

	cr_assert_eq(parse("0", 0, &number), ERR_OK);
	cr_assert_eq(number, 0);
	cr_assert_eq(parse("0065535", 65535, &number), ERR_OK);
	cr_assert_eq(number, 65535);
	cr_assert_eq(parse("18446744073709551615", UINT64_MAX, &number),
		     ERR_OK);
	cr_assert_eq(number, UINT64_MAX);
}

Test(decimal, what_is_beyond_the_most_is_too_large)
{
	uint64_t number = 7;

	cr_expect_eq(parse("1", 0, &number), ERR_TOO_LARGE);
	cr_expect_eq(parse("10", 9, &number), ERR_TOO_LARGE);
	cr_expect_eq(parse("65536", 65535, &number), ERR_TOO_LARGE);
	cr_expect_eq(parse("18446744073709551616", UINT64_MAX, &number),
		     ERR_TOO_LARGE);
	cr_expect_eq(parse("99999999999999999999999", UINT64_MAX, &number),
		     ERR_TOO_LARGE);
	cr_expect_eq(number, 7, "an output of a failed call");
}

Test(decimal, what_is_below_the_least_is_refused)
{
	uint64_t number = 7;

	cr_expect_eq(decimal_parse(BYTES_LITERAL("0"), 1, 9, &number),
		     ERR_TOO_LARGE);
	cr_expect_eq(decimal_parse(BYTES_LITERAL("1"), 1, 9, &number), ERR_OK);
	cr_expect_eq(number, 1);
}

Test(decimal, anything_but_digits_is_refused)
{
	static const char *const texts[] = { "",    " 1",  "1 ",  "+1", "-1",
					     "0x1", "1e3", "1.0", "a",	"/" };
	uint64_t number = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(parse(texts[i], UINT64_MAX, &number),
			     ERR_MALFORMED, "\"%s\"", texts[i]);
	cr_expect_eq(number, 7);
}
