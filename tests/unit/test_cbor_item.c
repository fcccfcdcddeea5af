/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cbor_item.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"

static enum err parse(const char *hex, struct cbor_item *out)
{
	return cbor_item_parse(vector_hex(hex), out);
}

/* RFC 8949, Appendix A, those of one head or with content. */
Test(cbor_item, items_are_what_rfc_8949_says)
{
	static const struct {
		const char *hex;
		enum cbor_item_kind kind;
		uint64_t number;
		size_t content;
	} items[] = {
		{ "00", CBOR_ITEM_UNSIGNED, 0, 0 },
		{ "1bffffffffffffffff", CBOR_ITEM_UNSIGNED, UINT64_MAX, 0 },
		{ "1800", CBOR_ITEM_UNSIGNED, 0, 0 }, /* longer than needed */
		{ "20", CBOR_ITEM_NEGATIVE, 0, 0 },
		{ "3903e7", CBOR_ITEM_NEGATIVE, 999, 0 },
		{ "3bffffffffffffffff", CBOR_ITEM_NEGATIVE, UINT64_MAX, 0 },
		{ "40", CBOR_ITEM_BYTES, 0, 0 },
		{ "4401020304", CBOR_ITEM_BYTES, 4, 4 },
		{ "64f0908591", CBOR_ITEM_TEXT, 4, 4 },
		{ "80", CBOR_ITEM_ARRAY, 0, 0 },
		{ "83010203", CBOR_ITEM_ARRAY, 3, 3 },
		{ "8301820203820405", CBOR_ITEM_ARRAY, 3, 7 },
		{ "9fff", CBOR_ITEM_ARRAY, 0, 0 },
		{ "9f018202039f0405ffff", CBOR_ITEM_ARRAY, 3, 8 },
		{ "83018202039f0405ff", CBOR_ITEM_ARRAY, 3, 8 },
		{ "a0", CBOR_ITEM_MAP, 0, 0 },
		{ "a201020304", CBOR_ITEM_MAP, 2, 4 },
		{ "bf61610161629f0203ffff", CBOR_ITEM_MAP, 2, 9 },
		{ "c11a514b67b0", CBOR_ITEM_TAG, 1, 5 },
		{ "f4", CBOR_ITEM_SIMPLE, CBOR_ITEM_FALSE, 0 },
		{ "f5", CBOR_ITEM_SIMPLE, CBOR_ITEM_TRUE, 0 },
		{ "f6", CBOR_ITEM_SIMPLE, CBOR_ITEM_NULL, 0 },
		{ "f8ff", CBOR_ITEM_SIMPLE, 255, 0 },
		{ "f93c00", CBOR_ITEM_FLOAT, 0x3c00, 0 },
		{ "fb3ff199999999999a", CBOR_ITEM_FLOAT, 0x3ff199999999999a,
		  0 },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct cbor_item item;

		cr_assert_eq(parse(items[i].hex, &item), ERR_OK, "%s",
			     items[i].hex);
		cr_assert_eq(item.kind, items[i].kind, "%s", items[i].hex);
		cr_assert_eq(item.number, items[i].number, "%s", items[i].hex);
		cr_assert_eq(item.content.len, items[i].content, "%s",
			     items[i].hex);
		vector_expect(item.encoding, items[i].hex);
	}
}

/* RFC 8949, Appendix F, and what is well-formed but not ours. */
Test(cbor_item, what_is_not_well_formed_is_refused)
{
	static const struct {
		const char *hex;
		enum err err;
	} items[] = {
		{ "", ERR_TRUNCATED },
		{ "18", ERR_TRUNCATED },
		{ "1a0102", ERR_TRUNCATED },
		{ "41", ERR_TRUNCATED },
		{ "5bffffffffffffffff010203", ERR_TRUNCATED },
		{ "7b7fffffffffffffff010203", ERR_TRUNCATED },
		{ "9bffffffffffffffff00", ERR_TRUNCATED },
		{ "bbffffffffffffffff0000", ERR_TRUNCATED },
		{ "bb800000000000000000", ERR_TRUNCATED },
		{ "818181818181818181", ERR_TRUNCATED },
		{ "a20102", ERR_TRUNCATED },
		{ "c0", ERR_TRUNCATED },
		{ "9f8000", ERR_TRUNCATED },
		{ "bf0102", ERR_TRUNCATED },
		{ "1c", ERR_MALFORMED },
		{ "5d", ERR_MALFORMED },
		{ "9e", ERR_MALFORMED },
		{ "fc", ERR_MALFORMED },
		{ "f800", ERR_MALFORMED },
		{ "f818", ERR_MALFORMED },
		{ "f81f", ERR_MALFORMED },
		{ "ff", ERR_MALFORMED },
		{ "81ff", ERR_MALFORMED },
		{ "a1ff", ERR_MALFORMED },
		{ "a100ff", ERR_MALFORMED },
		{ "bf00ff", ERR_MALFORMED },
		{ "bf000000ff", ERR_MALFORMED },
		{ "9f829f819f9fffffffff", ERR_MALFORMED },
		{ "c0ff", ERR_MALFORMED },
		{ "1f", ERR_MALFORMED },
		{ "3f", ERR_MALFORMED },
		{ "df", ERR_MALFORMED },
		{ "61c3", ERR_MALFORMED }, /* half a character */
		{ "5f4100ff", ERR_UNSUPPORTED },
		{ "7f6100ff", ERR_UNSUPPORTED },
		{ "0000", ERR_MALFORMED }, /* two items */
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct cbor_item item = { .number = 77 };

		cr_assert_eq(parse(items[i].hex, &item), items[i].err, "%s",
			     items[i].hex);
		cr_assert_eq(item.number, 77);
	}
}

/* A document that has something of everything. */
#define SAMPLE                                                         \
	"bf0183820102c11a514b67b0f5616140a2014102200343fe0102f6f93c00" \
	"1903e89f6161ffff"

Test(cbor_item, cut_at_any_length_it_is_truncated)
{
	struct bytes whole = vector_hex(SAMPLE);
	struct cbor_item item;

	cr_assert_eq(cbor_item_parse(whole, &item), ERR_OK);
	for (size_t len = 0; len < whole.len; len++) {
		struct bytes in = { whole.data, len };

		cr_assert_eq(cbor_item_take(&in, &item), ERR_TRUNCATED);
		cr_assert_eq(in.len, len);
	}
}

Test(cbor_item, so_deep_and_no_deeper)
{
	uint8_t memory[CBOR_ITEM_DEPTH + 2];
	struct cbor_item item;

	for (unsigned head = 0; head < 3; head++) {
		static const uint8_t heads[] = { 0x81, 0xc1, 0x9f };
		struct bytes in = { memory, CBOR_ITEM_DEPTH + 1 };

		memset(memory, heads[head], sizeof(memory));
		memory[CBOR_ITEM_DEPTH] = 0;
		cr_assert_eq(cbor_item_take(&in, &item),
			     head == 2 ? ERR_TRUNCATED : ERR_OK);
		memory[CBOR_ITEM_DEPTH] = heads[head];
		in = (struct bytes){ memory, CBOR_ITEM_DEPTH + 2 };
		cr_assert_eq(cbor_item_take(&in, &item), ERR_TOO_LARGE);
	}
}

Test(cbor_item, a_key_is_found_however_it_was_written)
{
	/* { 1: 10, -1: 11, "a": 12, 256 (in eight bytes): 13, h'61': 14 } */
	struct cbor_item item;
	struct cbor_item_map map;

	cr_assert_eq(parse("a5010a200b61610c1b00000000000001000d41610e", &item),
		     ERR_OK);
	cr_assert_eq(cbor_item_map(&item, &map), ERR_OK);
	cr_assert_eq(map.count, 5);
	cr_assert(cbor_item_find(&map, 1, &item));
	cr_assert_eq(item.number, 10);
	cr_assert(cbor_item_find(&map, -1, &item));
	cr_assert_eq(item.number, 11);
	cr_assert(cbor_item_find_text(&map, "a", &item));
	cr_assert_eq(item.number, 12);
	cr_assert(cbor_item_find(&map, 256, &item));
	cr_assert_eq(item.number, 13);
	cr_assert_not(cbor_item_find(&map, 2, &item));
	cr_assert_not(cbor_item_find(&map, INT64_MIN, &item));
	cr_assert_not(cbor_item_find_text(&map, "b", &item));
	cr_assert_eq(item.number, 13);
}

Test(cbor_item, a_key_that_is_there_twice_makes_no_map)
{
	static const char *const twice[] = {
		"a201020103",	    "a20102180103", "a220022003",
		"a2616101616102",   "bf01020103ff", "a2410101410102",
		"a3010203041801f6",
	};
	static const char *const strange[] = { "a1800a", "a1f50a", "a1f93c000a",
					       "a1c1010a" };
	struct cbor_item item;
	struct cbor_item_map map;

	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		cr_assert_eq(parse(twice[i], &item), ERR_OK);
		cr_assert_eq(cbor_item_map(&item, &map), ERR_MALFORMED, "%s",
			     twice[i]);
	}
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		cr_assert_eq(parse(strange[i], &item), ERR_OK);
		cr_assert_eq(cbor_item_map(&item, &map), ERR_MALFORMED);
	}
	cr_assert_eq(parse("8101", &item), ERR_OK);
	cr_assert_eq(cbor_item_map(&item, &map), ERR_MALFORMED);
}

Test(cbor_item, a_map_that_is_looked_up_has_so_many_pairs)
{
	uint8_t memory[2 + 4 * CBOR_ITEM_PAIRS_MAX + 4] = { 0xb8 };
	struct cbor_item item;
	struct cbor_item_map map;

	for (size_t i = 0; i <= CBOR_ITEM_PAIRS_MAX; i++) {
		memory[2 + 3 * i] = 0x18;
		memory[2 + 3 * i + 1] = (uint8_t)(100 + i);
	}
	for (size_t n = CBOR_ITEM_PAIRS_MAX; n <= CBOR_ITEM_PAIRS_MAX + 1;
	     n++) {
		memory[1] = (uint8_t)n;
		cr_assert_eq(
			cbor_item_parse((struct bytes){ memory, 2 + 3 * n },
					&item),
			ERR_OK);
		cr_assert_eq(cbor_item_map(&item, &map),
			     n > CBOR_ITEM_PAIRS_MAX ? ERR_TOO_LARGE : ERR_OK);
	}
}

Test(cbor_item, integers_have_a_range_and_kinds_are_told_apart)
{
	struct bytes in = vector_hex("4101");
	struct cbor_item item;
	int64_t value = 5;

	cr_assert_eq(cbor_item_take_kind(&in, CBOR_ITEM_TEXT, &item),
		     ERR_MALFORMED);
	cr_assert_eq(in.len, 2);
	cr_assert_eq(cbor_item_take_kind(&in, CBOR_ITEM_BYTES, &item), ERR_OK);
	cr_assert_eq(cbor_item_integer(&item, &value), ERR_MALFORMED);
	cr_assert_eq(parse("1b8000000000000000", &item), ERR_OK);
	cr_assert_eq(cbor_item_integer(&item, &value), ERR_UNSUPPORTED);
	cr_assert_eq(value, 5);
	cr_assert_eq(parse("3b7fffffffffffffff", &item), ERR_OK);
	cr_assert_eq(cbor_item_integer(&item, &value), ERR_OK);
	cr_assert_eq(value, INT64_MIN);
	cr_assert_eq(parse("f6", &item), ERR_OK);
	cr_assert(cbor_item_is_null(&item));
	cr_assert_eq(parse("f7", &item), ERR_OK);
	cr_assert_not(cbor_item_is_null(&item));
}

/* Nothing that a bit can do leads outside, or is read in two ways. */
Test(cbor_item, a_flipped_bit_does_no_harm)
{
	struct bytes whole = vector_hex(SAMPLE);
	uint8_t *bits = vector_copy(whole);
	size_t read = 0;

	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		struct bytes in = { bits, whole.len };
		struct cbor_item item;

		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (cbor_item_take(&in, &item) == ERR_OK) {
			read++;
			cr_assert_eq(item.encoding.data, bits);
			cr_assert_eq(item.encoding.len + in.len, whole.len);
		}
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_gt(read, 0);
}
