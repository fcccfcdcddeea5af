/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/cbor.h"
#include "wire/hex.h"

static struct bytes hex_bytes(const char *hex, uint8_t *memory)
{
	size_t len = strlen(hex) / 2;

	cr_assert_eq(hex_decode(bytes_of_string(hex), memory, len), ERR_OK);
	return (struct bytes){ memory, len };
}

/* RFC 8949, Appendix A. */
static const struct {
	uint64_t value;
	const char *hex;
} integers[] = {
	{ 0, "00" },
	{ 1, "01" },
	{ 10, "0a" },
	{ 23, "17" },
	{ 24, "1818" },
	{ 25, "1819" },
	{ 100, "1864" },
	{ 255, "18ff" },
	{ 256, "190100" },
	{ 1000, "1903e8" },
	{ 65535, "19ffff" },
	{ 65536, "1a00010000" },
	{ 1000000, "1a000f4240" },
	{ 4294967295, "1affffffff" },
	{ 4294967296, "1b0000000100000000" },
	{ 1000000000000, "1b000000e8d4a51000" },
	{ UINT64_MAX, "1bffffffffffffffff" },
};

#define INTEGERS (sizeof(integers) / sizeof(integers[0]))

Test(cbor, integers_are_written_and_read_as_in_rfc_8949)
{
	for (size_t i = 0; i < INTEGERS; i++) {
		uint8_t memory[16], wanted_memory[16];
		struct writer out = WRITER_OVER(memory);
		struct bytes wanted = hex_bytes(integers[i].hex, wanted_memory);
		uint64_t value = 0;

		cr_assert_eq(cbor_put_unsigned(&out, integers[i].value),
			     ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out), wanted));
		cr_assert_eq(cbor_take_unsigned(&wanted, &value), ERR_OK);
		cr_assert_eq(value, integers[i].value);
		cr_assert_eq(wanted.len, 0);
	}
}

Test(cbor, a_number_cut_anywhere_is_truncated_and_left_in_place)
{
	for (size_t i = 0; i < INTEGERS; i++) {
		uint8_t memory[16];
		struct bytes whole = hex_bytes(integers[i].hex, memory);

		for (size_t len = 0; len < whole.len; len++) {
			struct bytes in = { whole.data, len };
			uint64_t value = 77;

			cr_assert_eq(cbor_take_unsigned(&in, &value),
				     ERR_TRUNCATED);
			cr_assert_eq(in.len, len);
			cr_assert_eq(value, 77);
		}
	}
}

Test(cbor, what_is_not_the_shortest_form_is_refused)
{
	static const char *const forms[] = {
		"1800",
		"1817",
		"190000",
		"1900ff",
		"1a00000000",
		"1a0000ffff",
		"1b0000000000000000",
		"1b00000000ffffffff",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t memory[16];
		struct bytes in = hex_bytes(forms[i], memory);
		uint64_t value;

		cr_assert_eq(cbor_take_unsigned(&in, &value), ERR_MALFORMED,
			     "%s", forms[i]);
	}
}

Test(cbor, reserved_and_indefinite_lengths_are_refused)
{
	static const char *const forms[] = { "1c",	 "1d",	 "1e",
					     "1f",	 "5f",	 "5fff",
					     "7f6161ff", "9fff", "bfff" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t memory[16];
		const struct bytes in = hex_bytes(forms[i], memory);
		struct bytes view = in, out;
		uint64_t value;
		size_t count;

		cr_assert_eq(cbor_take_unsigned(&view, &value), ERR_MALFORMED);
		cr_assert_eq(cbor_take_bytes(&view, &out), ERR_MALFORMED);
		cr_assert_eq(cbor_take_text(&view, &out), ERR_MALFORMED);
		cr_assert_eq(cbor_take_array(&view, 9, &count), ERR_MALFORMED);
		cr_assert_eq(cbor_take_map(&view, 9, &count), ERR_MALFORMED);
		cr_assert_eq(view.data, in.data);
	}
}

Test(cbor, a_string_longer_than_the_input_is_truncated_whatever_it_claims)
{
	static const char *const forms[] = { "4161", "43616263",
					     "5bffffffffffffffff",
					     "5affffffff00" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t memory[16];
		struct bytes in = hex_bytes(forms[i], memory);
		struct bytes out;

		in.len--;
		cr_assert_eq(cbor_take_bytes(&in, &out), ERR_TRUNCATED, "%s",
			     forms[i]);
	}
}

Test(cbor, text_is_printable_ascii_alone)
{
	static const uint8_t bad[] = { 0x00, 0x09, 0x0a, 0x1b,
				       0x1f, 0x7f, 0x80, 0xff };
	uint8_t memory[8] = { 0x63, 'a', 'b', 'c' };
	struct bytes in = { memory, 4 }, out;

	cr_assert_eq(cbor_take_text(&in, &out), ERR_OK);
	cr_assert(bytes_equal(out, BYTES_LITERAL("abc")));
	for (size_t i = 0; i < sizeof(bad); i++) {
		memory[2] = bad[i];
		in = (struct bytes){ memory, 4 };
		cr_assert_eq(cbor_take_text(&in, &out), ERR_MALFORMED);
	}
}

Test(cbor, counts_beyond_the_callers_are_refused)
{
	uint8_t memory[] = { 0x84 };
	struct bytes in = BYTES_ARRAY(memory);
	size_t count;

	cr_assert_eq(cbor_take_array(&in, 3, &count), ERR_MALFORMED);
	cr_assert_eq(cbor_take_map(&in, 9, &count), ERR_MALFORMED);
	cr_assert_eq(cbor_take_array(&in, 4, &count), ERR_OK);
	cr_assert_eq(count, 4);
}

Test(cbor, what_does_not_fit_is_not_written_at_all)
{
	uint8_t memory[8];

	for (size_t max = 0; max < 7; max++) {
		struct writer out = { memory, 0, max };

		cr_assert_eq(cbor_put_bytes(&out, BYTES_LITERAL("123456")),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}

	struct writer out = { memory, 0, 7 };

	cr_assert_eq(cbor_put_bytes(&out, BYTES_LITERAL("123456")), ERR_OK);
	cr_assert_eq(cbor_put_unsigned(&out, 0), ERR_TOO_LARGE);
}

Test(cbor, an_expected_item_is_that_and_no_other)
{
	uint8_t memory[] = { 0x05, 0x62, 'o', 'k' };
	struct bytes in = BYTES_ARRAY(memory);

	cr_assert_eq(cbor_expect_unsigned(&in, 6), ERR_MALFORMED);
	cr_assert_eq(cbor_expect_text(&in, BYTES_LITERAL("ok")), ERR_MALFORMED);
	cr_assert_eq(cbor_expect_unsigned(&in, 5), ERR_OK);
	cr_assert_eq(cbor_expect_text(&in, BYTES_LITERAL("no")), ERR_MALFORMED);
	cr_assert_eq(cbor_expect_text(&in, BYTES_LITERAL("ok")), ERR_OK);
	cr_assert_eq(in.len, 0);
}

/* RFC 8949, Appendix A. */
Test(cbor, negative_numbers_tags_and_null_are_written_as_in_rfc_8949)
{
	static const struct {
		int64_t value;
		const char *hex;
	} numbers[] = {
		{ -1, "20" },	    { -10, "29" },
		{ -100, "3863" },   { -1000, "3903e7" },
		{ 1000, "1903e8" }, { INT64_MIN, "3b7fffffffffffffff" },
	};
	uint8_t memory[16], wanted[16];
	struct writer out = WRITER_OVER(memory);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		out.len = 0;
		cr_assert_eq(cbor_put_integer(&out, numbers[i].value), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out),
				      hex_bytes(numbers[i].hex, wanted)));
	}
	out.len = 0;
	cr_assert_eq(cbor_put_tag(&out, 32), ERR_OK);
	cr_assert_eq(cbor_put_null(&out), ERR_OK);
	cr_assert(
		bytes_equal(bytes_written(&out), hex_bytes("d820f6", wanted)));
}
