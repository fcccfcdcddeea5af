/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/hex.h"

Test(hex, bytes_become_lower_case_digits_and_come_back)
{
	static const uint8_t data[] = { 0x00, 0x09, 0x0a, 0x7f, 0xf0, 0xff };
	uint8_t memory[12], back[6];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(hex_put(&out, BYTES_ARRAY(data)), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out),
			      BYTES_LITERAL("00090a7ff0ff")));
	cr_assert_eq(hex_decode(bytes_written(&out), back, 6), ERR_OK);
	cr_assert_eq(memcmp(back, data, 6), 0);
	cr_assert_eq(hex_decode(BYTES_LITERAL("00090A7FF0FF"), back, 6),
		     ERR_OK);
	cr_assert_eq(memcmp(back, data, 6), 0);
}

Test(hex, what_is_not_exactly_so_many_digits_is_refused)
{
	static const char *const bad[] = { "",	   "0",	   "000",   "00000",
					   "00g0", "0x00", " 0000", "000:" };
	uint8_t back[2] = { 7, 7 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(hex_decode(bytes_of_string(bad[i]), back, 2),
			     ERR_MALFORMED, "%s", bad[i]);
	cr_assert_eq(back[0], 7);
	cr_assert_eq(back[1], 7);
}

Test(hex, what_does_not_fit_is_not_written)
{
	uint8_t memory[5];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(hex_put(&out, BYTES_LITERAL("abc")), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(hex_put(&out, BYTES_LITERAL("ab")), ERR_OK);
}
