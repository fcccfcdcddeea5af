/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "tests/vector.h"
#include "wire/der.h"

/* X.690, 8.3 and 10.1. */
static const struct {
	const char *hex;
	enum err err;
	uint64_t value;
} integers[] = {
	{ "020100", ERR_OK, 0 },
	{ "02017f", ERR_OK, 127 },
	{ "02020080", ERR_OK, 128 },
	{ "020200d9", ERR_OK, 217 },
	{ "02020100", ERR_OK, 256 },
	{ "020900ffffffffffffffff", ERR_OK, UINT64_MAX },
	{ "02087fffffffffffffff", ERR_OK, INT64_MAX },
	{ "02810100", ERR_MALFORMED, 0 },   /* long form of a short length */
	{ "0282000100", ERR_MALFORMED, 0 }, /* longer still */
	{ "0280010000", ERR_MALFORMED, 0 }, /* indefinite */
	{ "0284000000010a", ERR_MALFORMED, 0 },
	{ "0200", ERR_MALFORMED, 0 },
	{ "0201ff", ERR_MALFORMED, 0 },	  /* negative */
	{ "0202007f", ERR_MALFORMED, 0 }, /* a needless first byte */
	{ "0209010000000000000000", ERR_MALFORMED, 0 }, /* 2^64 */
	{ "020a0000000000000000000001", ERR_MALFORMED, 0 },
	{ "030100", ERR_MALFORMED, 0 }, /* another tag */
	{ "02", ERR_TRUNCATED, 0 },
	{ "0202", ERR_TRUNCATED, 0 },
	{ "020201", ERR_TRUNCATED, 0 },
	{ "0282", ERR_TRUNCATED, 0 },
	{ "028280", ERR_TRUNCATED, 0 },
	{ "", ERR_TRUNCATED, 0 },
};

Test(der, integers_are_read_in_their_one_encoding)
{
	for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
		struct bytes in = vector_hex(integers[i].hex);
		struct bytes before = in;
		uint64_t value = 7;
		enum err err = der_take_unsigned(&in, DER_INTEGER, &value);

		cr_assert_eq(err, integers[i].err, "%s: %s", integers[i].hex,
			     err_name(err));
		if (err == ERR_OK) {
			cr_assert_eq(value, integers[i].value);
			cr_assert_eq(in.len, 0);
		} else {
			cr_assert_eq(value, 7);
			cr_assert(in.data == before.data &&
				  in.len == before.len);
		}
	}
	vector_forget();
}

Test(der, a_boolean_is_all_ones_or_all_zeros)
{
	bool value = false;
	struct bytes yes = vector_hex("0101ff");
	struct bytes no = vector_hex("010100");
	struct bytes other = vector_hex("010101");
	struct bytes two = vector_hex("0102ffff");

	cr_assert_eq(der_take_boolean(&yes, &value), ERR_OK);
	cr_assert(value);
	cr_assert_eq(der_take_boolean(&no, &value), ERR_OK);
	cr_assert_not(value);
	cr_assert_eq(der_take_boolean(&other, &value), ERR_MALFORMED);
	cr_assert_eq(der_take_boolean(&two, &value), ERR_MALFORMED);
	vector_forget();
}

Test(der, another_identifier_stays_where_it_is)
{
	struct bytes in = vector_hex("06032a864802012a");
	struct bytes oid = vector_hex("2a8648");
	struct bytes other = vector_hex("2a86");
	uint64_t value = 0;

	cr_assert(der_is_next(&in, DER_OID));
	cr_assert_eq(der_expect_oid(&in, other), ERR_MALFORMED);
	cr_assert_eq(in.len, 8);
	cr_assert_eq(der_expect_oid(&in, oid), ERR_OK);
	cr_assert_not(der_is_next(&in, DER_OID));
	cr_assert_eq(der_take_unsigned(&in, DER_INTEGER, &value), ERR_OK);
	cr_assert_eq(value, 42);
	cr_assert_not(der_is_next(&in, DER_INTEGER));
	vector_forget();
}

/* A sequence of 300 octets, and of 70000: two and three bytes of length. */
Test(der, long_contents_lie_within_the_input_and_cut_anywhere_are_truncated)
{
	static const size_t sizes[] = { 0,   127,   128,   255,	 256,
					300, 65535, 65536, 70000 };
	static uint8_t memory[70010];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t len = sizes[i];
		struct writer out = WRITER_OVER(memory);
		struct bytes whole;
		struct bytes in;
		struct bytes content;

		cr_assert_eq(bytes_put_u8(&out, DER_SEQUENCE), ERR_OK);
		if (len >= 0x10000)
			cr_assert_eq(bytes_put_u8(&out, 0x83), ERR_OK);
		else if (len >= 0x100)
			cr_assert_eq(bytes_put_u8(&out, 0x82), ERR_OK);
		else if (len >= 0x80)
			cr_assert_eq(bytes_put_u8(&out, 0x81), ERR_OK);
		if (len >= 0x10000)
			cr_assert_eq(bytes_put_u8(&out, (uint8_t)(len >> 16)),
				     ERR_OK);
		if (len >= 0x100)
			cr_assert_eq(bytes_put_u8(&out, (uint8_t)(len >> 8)),
				     ERR_OK);
		cr_assert_eq(bytes_put_u8(&out, (uint8_t)len), ERR_OK);
		whole = (struct bytes){ memory, out.len + len };
		in = whole;
		cr_assert_eq(der_take(&in, DER_SEQUENCE, &content), ERR_OK);
		cr_assert_eq(content.len, len);
		cr_assert(content.data == memory + out.len);
		cr_assert_eq(in.len, 0);
		for (size_t cut = 0; cut < whole.len; cut += 1 + cut / 20) {
			in = (struct bytes){ memory, cut };
			cr_assert_eq(der_take(&in, DER_SEQUENCE, &content),
				     ERR_TRUNCATED);
			cr_assert_eq(in.len, cut);
		}
	}
}
