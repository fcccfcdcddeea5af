/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/utf8.h"

#include <criterion/criterion.h>

/* The bytes of a code point, by the definition and not by the table. */
static struct bytes encode(uint32_t point, uint8_t out[4])
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return (struct bytes){ out, 1 };
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xc0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 0x3f));
		return (struct bytes){ out, 2 };
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xe0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (point & 0x3f));
		return (struct bytes){ out, 3 };
	}
	out[0] = (uint8_t)(0xf0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (point & 0x3f));
	return (struct bytes){ out, 4 };
}

static bool is_surrogate(uint32_t point)
{
	return point >= 0xd800 && point <= 0xdfff;
}

Test(utf8, every_character_is_whole_and_no_surrogate_is)
{
	for (uint32_t point = 0; point < 0x120000; point++) {
		uint8_t raw[4];
		struct bytes text = encode(point, raw);
		struct utf8_step step = utf8_front(text);
		bool good = point <= 0x10ffff && !is_surrogate(point);

		cr_assert_eq(step.shape == UTF8_WHOLE, good, "U+%X", point);
		cr_assert(!good || step.len == text.len);
		cr_assert_eq(utf8_is_valid(text), good);
	}
}

Test(utf8, a_cut_character_is_partial_and_held_back)
{
	static const uint32_t points[] = { 0x80,   0x7ff,   0x800,   0xffff,
					   0xd7ff, 0x10000, 0x10ffff };

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		uint8_t raw[4];
		struct bytes whole = encode(points[i], raw);

		for (size_t len = 1; len < whole.len; len++) {
			struct bytes cut = { whole.data, len };

			cr_assert_eq(utf8_front(cut).shape, UTF8_PARTIAL);
			cr_assert_eq(utf8_front(cut).len, len);
			cr_assert_eq(utf8_complete(cut).len, 0);
			cr_assert_not(utf8_is_valid(cut));
		}
		cr_assert_eq(utf8_complete(whole).len, whole.len);
	}
}

/* Unicode 15, table 3-8: where maximal parts of broken text end. */
Test(utf8, broken_text_falls_into_maximal_parts)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "\xc0\xaf", 1 },
		{ "\xe0\x80\xbf", 1 },
		{ "\xed\xa0\x80", 1 },
		{ "\xf4\x91\x92\x93", 1 },
		{ "\xff", 1 },
		{ "\xe1\x80\xe2", 2 },
		{ "\xf0\x91\x92\xf1", 3 },
		{ "\x80", 1 },
		{ "\xf5\x80\x80\x80", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct utf8_step step =
			utf8_front(bytes_of_string(cases[i].text));

		cr_assert_eq(step.shape, UTF8_BROKEN);
		cr_assert_eq(step.len, cases[i].len, "case %zu", i);
	}
}

Test(utf8, broken_text_at_the_end_is_not_held_back)
{
	cr_assert_eq(utf8_complete(BYTES_LITERAL("a\x80\x80")).len, 3);
	cr_assert_eq(utf8_complete(BYTES_LITERAL("a\xff")).len, 2);
	cr_assert_eq(utf8_complete(BYTES_LITERAL("a\xe0\x80")).len, 3);
	cr_assert_eq(utf8_complete(BYTES_LITERAL("")).len, 0);
	cr_assert_eq(utf8_complete(BYTES_LITERAL("\x80\x80\x80\x80")).len, 4);
}
