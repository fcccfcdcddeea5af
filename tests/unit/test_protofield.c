/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/protofield.h"

#include <criterion/criterion.h>

#include "tests/vector.h"

static uint8_t buffer[64];

/* protobuf.dev, "Encoding": 150 in field 1, "testing" in field 2. */
Test(protofield, the_examples_of_the_documentation_are_read)
{
	struct bytes in = vector_hex("08960112077465"
				     "7374696e67");
	struct protofield field;

	cr_assert_eq(protofield_take(&in, &field), ERR_OK);
	cr_assert_eq(field.number, 1);
	cr_assert_eq(field.type, PROTOFIELD_NUMBER);
	cr_assert_eq(field.value, 150);
	cr_assert_eq(protofield_take(&in, &field), ERR_OK);
	cr_assert_eq(field.number, 2);
	cr_assert(bytes_equal(field.bytes, BYTES_LITERAL("testing")));
	cr_assert_eq(in.len, 0);
}

Test(protofield, fixed_fields_are_passed_over_whole)
{
	struct bytes in = vector_hex("0901020304050607080d01020304");
	struct protofield field;

	cr_assert_eq(protofield_take(&in, &field), ERR_OK);
	cr_assert_eq(field.bytes.len, 8);
	cr_assert_eq(protofield_take(&in, &field), ERR_OK);
	cr_assert_eq(field.bytes.len, 4);
}

Test(protofield, what_is_no_field_is_refused_and_nothing_taken)
{
	static const char *const cases[] = {
		"",
		"08",
		"0880",
		"0a",
		"0a01",
		"0a0561",
		"09010203",
		"0d01",
		"00",
		"0001",
		"0b",
		"0c",
		"0e",
		"0f",
		"8080808010",
		"808080808000",
		/* a length near 2^64, numbers beyond 64 bits */
		"0affffffffffffffffff01",
		"08ffffffffffffffffff02",
		"08ffffffffffffffffffff01",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes in = vector_hex(cases[i]);
		size_t len = in.len;
		struct protofield field = { .number = 7 };

		cr_assert_eq(protofield_take(&in, &field), ERR_MALFORMED, "%s",
			     cases[i]);
		cr_assert(in.len == len && field.number == 7);
	}
}

Test(protofield, numbers_read_as_written)
{
	static const uint64_t values[] = { 1,	      127,	 128,
					   16383,     16384,	 UINT32_MAX,
					   INT64_MAX, UINT64_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct writer out = WRITER_OVER(buffer);
		struct protofield field;
		struct bytes in;

		cr_assert_eq(protofield_put_number(&out, 536870911, values[i]),
			     ERR_OK);
		in = bytes_written(&out);
		cr_assert_eq(protofield_take(&in, &field), ERR_OK);
		cr_assert_eq(field.number, 536870911);
		cr_assert_eq(field.value, values[i]);
	}
}

Test(protofield, zero_and_empty_are_left_out)
{
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(protofield_put_number(&out, 1, 0), ERR_OK);
	cr_assert_eq(protofield_put_bytes(&out, 1, BYTES_LITERAL("")), ERR_OK);
	cr_assert_eq(out.len, 0);
}

Test(protofield, a_full_writer_is_left_as_it_was)
{
	for (size_t max = 0; max < 5; max++) {
		struct writer out = { buffer, 0, max };

		cr_assert_eq(
			protofield_put_bytes(&out, 1, BYTES_LITERAL("abc")),
			ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}
