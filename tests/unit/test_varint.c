/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/varint.h"

#include <criterion/criterion.h>

#include "tests/vector.h"

/* RFC 9000, Appendix A.1; the third and the last are the same value. */
static const struct {
	const char *hex;
	uint64_t value;
} examples[] = {
	{ "c2197c5eff14e88c", UINT64_C(151288809941952652) },
	{ "9d7f3e7d", 494878333 },
	{ "7bbd", 15293 },
	{ "25", 37 },
	{ "4025", 37 },
};

#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

Test(varint, the_examples_of_rfc_9000_are_read)
{
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct bytes in = vector_hex(examples[i].hex);
		uint64_t value;

		cr_assert_eq(varint_take(&in, &value), ERR_OK);
		cr_assert_eq(value, examples[i].value);
		cr_assert_eq(in.len, 0);
	}
}

Test(varint, a_cut_at_any_length_takes_nothing)
{
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct bytes whole = vector_hex(examples[i].hex);

		for (size_t len = 0; len < whole.len; len++) {
			struct bytes in = { whole.data, len };
			uint64_t value = 7;

			cr_assert_eq(varint_take(&in, &value), ERR_TRUNCATED);
			cr_assert_eq(in.len, len);
			cr_assert_eq(value, 7);
		}
	}
}

/* The edges of each form: RFC 9000, table 4. */
static const struct {
	uint64_t value;
	size_t size;
} edges[] = {
	{ 0, 1 },     { 63, 1 },	 { 64, 2 },	    { 16383, 2 },
	{ 16384, 4 }, { 1073741823, 4 }, { 1073741824, 8 }, { VARINT_MAX, 8 },
};

#define EDGES (sizeof(edges) / sizeof(edges[0]))

Test(varint, what_is_written_in_any_form_reads_as_itself)
{
	for (size_t i = 0; i < EDGES; i++) {
		for (size_t size = edges[i].size; size <= 8; size *= 2) {
			uint8_t memory[8];
			struct writer out = WRITER_OVER(memory);
			struct bytes in;
			uint64_t value;

			cr_assert_eq(varint_put_in(&out, edges[i].value, size),
				     ERR_OK);
			cr_assert_eq(out.len, size);
			cr_assert_eq(varint_size_of(memory[0]), size);
			in = bytes_written(&out);
			cr_assert_eq(varint_take(&in, &value), ERR_OK);
			cr_assert_eq(value, edges[i].value);
		}
	}
}

Test(varint, the_shortest_form_is_written)
{
	for (size_t i = 0; i < EDGES; i++) {
		uint8_t memory[8];
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(varint_put(&out, edges[i].value), ERR_OK);
		cr_assert_eq(out.len, edges[i].size);
		cr_assert_eq(varint_size(edges[i].value), edges[i].size);
	}
}

Test(varint, a_value_beyond_62_bits_is_refused)
{
	uint8_t memory[8];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(varint_put(&out, VARINT_MAX + 1), ERR_TOO_LARGE);
	cr_assert_eq(varint_put(&out, UINT64_MAX), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
}

Test(varint, a_full_writer_is_left_as_it_was)
{
	for (size_t i = 0; i < EDGES; i++) {
		uint8_t memory[8];
		struct writer out = { memory, 0, edges[i].size - 1 };

		cr_assert_eq(varint_put(&out, edges[i].value), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}
