/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/unicode.h"

#include <criterion/criterion.h>
#include <string.h>

#include "inference/unicode_table.h"

static struct bytes text_of(const char *text)
{
	return bytes_of_string(text);
}

Test(unicode, every_code_point_is_written_and_read_back)
{
	for (uint32_t code = 0; code < 0x110000; code++) {
		uint8_t utf8[UNICODE_UTF8_MAX];
		struct writer out = WRITER_OVER(utf8);
		struct bytes in;
		uint32_t got = 0;

		cr_assert_eq(unicode_put(&out, code), ERR_OK);
		in = bytes_written(&out);
		if (code >= 0xd800 && code <= 0xdfff) {
			cr_assert_eq(unicode_take(&in, &got), ERR_MALFORMED);
			continue;
		}
		cr_assert_eq(unicode_take(&in, &got), ERR_OK);
		cr_assert_eq(got, code);
		cr_assert_eq(in.len, 0);
	}
}

Test(unicode, a_character_cut_short_waits_for_more)
{
	static const char *const texts[] = { "\u00e9", "\u20ac", "\ud7ff",
					     "\U0001f600", "\U0010ffff" };

	for (size_t i = 0; i < 5; i++) {
		struct bytes whole = text_of(texts[i]);

		for (size_t len = 0; len < whole.len; len++) {
			struct bytes in = { whole.data, len };
			uint32_t code;

			cr_assert_eq(unicode_take(&in, &code), ERR_TRUNCATED);
			cr_assert_eq(in.len, len, "nothing is taken");
		}
	}
}

Test(unicode, what_is_not_utf8_is_refused)
{
	/* RFC 3629: stray continuations, long forms, surrogates, too large. */
	static const char *const texts[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xc3\x28",
		"\xe2\x82\x28",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bytes in = text_of(texts[i]);
		size_t len = in.len;
		uint32_t code = 7;

		cr_expect_eq(unicode_take(&in, &code), ERR_MALFORMED, "%zu", i);
		cr_expect_eq(in.len, len);
		cr_expect_eq(code, 7);
		cr_expect_eq(unicode_take_lossy(&in), UNICODE_REPLACEMENT);
		cr_expect_eq(in.len, len - 1);
	}
}

Test(unicode, characters_are_of_their_kind)
{
	static const struct {
		uint32_t code;
		enum unicode_kind kind;
	} facts[] = {
		{ 'a', UNICODE_LETTER },    { 'Z', UNICODE_LETTER },
		{ 0xaa, UNICODE_LETTER },   { 0x3042, UNICODE_LETTER },
		{ 0x4f60, UNICODE_LETTER }, { 0x10ffff, UNICODE_OTHER },
		{ '0', UNICODE_NUMBER },    { 0xbd, UNICODE_NUMBER },
		{ 0x2160, UNICODE_NUMBER }, { 0x0663, UNICODE_NUMBER },
		{ ' ', UNICODE_SPACE },	    { '\n', UNICODE_SPACE },
		{ 0x85, UNICODE_SPACE },    { 0xa0, UNICODE_SPACE },
		{ 0x3000, UNICODE_SPACE },  { 0x200b, UNICODE_OTHER },
		{ 0x1c, UNICODE_OTHER },    { '_', UNICODE_OTHER },
		{ 0x301, UNICODE_OTHER },   { 0x1f600, UNICODE_OTHER },
		{ 0, UNICODE_OTHER },	    { 0xfffd, UNICODE_OTHER },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		cr_expect_eq(unicode_kind_of(facts[i].code), facts[i].kind,
			     "U+%04X", facts[i].code);
}

Test(unicode, letters_have_their_small_forms)
{
	static const uint32_t facts[][2] = {
		{ 'A', 'a' },	      { 'Z', 'z' },	{ 'a', 'a' },
		{ '[', '[' },	      { 0xc9, 0xe9 },	{ 0xd7, 0xd7 },
		{ 0x100, 0x101 },     { 0x101, 0x101 }, { 0x178, 0xff },
		{ 0x391, 0x3b1 },     { 0x3a3, 0x3c3 }, { 0x410, 0x430 },
		{ 0x42f, 0x44f },     { 0x401, 0x451 }, { 0x1e9e, 0xdf },
		{ 0x10400, 0x10428 }, { 0x130, 0x130 }, { 0x4f60, 0x4f60 },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		cr_expect_eq(unicode_lower(facts[i][0]), facts[i][1], "U+%04X",
			     facts[i][0]);
}

Test(unicode, letters_and_marks_have_their_case)
{
	static const struct {
		uint32_t code;
		enum unicode_case is;
	} facts[] = {
		{ 'a', UNICODE_CASE_SMALL },
		{ 'Z', UNICODE_CASE_CAPITAL },
		{ 0xaa, UNICODE_CASE_EITHER },
		{ 0xdf, UNICODE_CASE_SMALL },
		{ 0x100, UNICODE_CASE_CAPITAL },
		{ 0x101, UNICODE_CASE_SMALL },
		{ 0x1c5, UNICODE_CASE_CAPITAL },
		{ 0x2b0, UNICODE_CASE_EITHER },
		{ 0x301, UNICODE_CASE_EITHER },
		{ 0x4f60, UNICODE_CASE_EITHER },
		{ 0x10400, UNICODE_CASE_CAPITAL },
		{ '1', UNICODE_CASE_NONE },
		{ ' ', UNICODE_CASE_NONE },
		{ 0x2160, UNICODE_CASE_NONE },
		{ 0x1f600, UNICODE_CASE_NONE },
		{ 0, UNICODE_CASE_NONE },
		{ 0x10ffff, UNICODE_CASE_NONE },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		cr_expect_eq(unicode_case_of(facts[i].code), facts[i].is,
			     "U+%04X", facts[i].code);
}

#define EXPECT_SORTED(table)                                            \
	do {                                                            \
		for (size_t i = 1; i < table##_count; i++)              \
			cr_assert_gt(table[i].first, table[i - 1].last, \
				     #table " %zu", i);                 \
	} while (0)

Test(unicode, tables_are_sorted)
{
	EXPECT_SORTED(unicode_table_marks);
	EXPECT_SORTED(unicode_table_capitals);
	EXPECT_SORTED(unicode_table_smalls);
	EXPECT_SORTED(unicode_table_letters);
	EXPECT_SORTED(unicode_table_numbers);
	EXPECT_SORTED(unicode_table_lower);
}
