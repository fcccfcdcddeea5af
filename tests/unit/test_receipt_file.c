/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "wire/receipt_file.h"

static uint8_t memory[512];

static struct receipt_file sample(void)
{
	struct receipt_file file = { .bundle = BYTES_LITERAL("the bundle"),
				     .receipt = BYTES_LITERAL("the receipt"),
				     .request = BYTES_LITERAL("what was asked"),
				     .response = BYTES_LITERAL("what came") };

	memset(file.salt, 7, sizeof(file.salt));
	return file;
}

static struct bytes written(void)
{
	struct receipt_file file = sample();
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(receipt_file_write(&file, &out), ERR_OK);
	return bytes_written(&out);
}

Test(receipt_file, what_was_written_is_read_back)
{
	struct receipt_file in = sample(), back;

	cr_assert_eq(receipt_file_parse(written(), &back), ERR_OK);
	cr_assert(bytes_equal(back.bundle, in.bundle));
	cr_assert(bytes_equal(back.receipt, in.receipt));
	cr_assert(bytes_equal(back.request, in.request));
	cr_assert(bytes_equal(back.response, in.response));
	cr_assert_arr_eq(back.salt, in.salt, sizeof(in.salt));
}

Test(receipt_file, its_parts_and_what_is_around_them_are_all_there_is)
{
	struct receipt_file in = sample();
	size_t parts = in.bundle.len + in.receipt.len + in.request.len +
		       in.response.len;

	cr_assert_leq(written().len, parts + RECEIPT_FILE_AROUND);
}

Test(receipt_file, cut_at_any_length_or_longer_by_a_byte_it_is_refused)
{
	struct receipt_file back;
	struct bytes bytes = written();

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(receipt_file_parse(
				      (struct bytes){ bytes.data, len }, &back),
			      ERR_OK);
	bytes.len++;
	cr_assert_eq(receipt_file_parse(bytes, &back), ERR_MALFORMED);
}

Test(receipt_file, no_other_bytes_say_the_same)
{
	uint8_t again_memory[512];
	struct bytes bytes = written();

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer again = WRITER_OVER(again_memory);
		struct receipt_file back;

		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (receipt_file_parse(bytes, &back) == ERR_OK) {
			cr_assert_eq(receipt_file_write(&back, &again), ERR_OK);
			cr_assert(bytes_equal(bytes_written(&again), bytes));
		}
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(receipt_file, another_version_is_told_apart)
{
	struct receipt_file back;
	struct bytes bytes = written();

	cr_assert_eq(memory[2], RECEIPT_FILE_VERSION);
	memory[2]++;
	cr_assert_eq(receipt_file_parse(bytes, &back), ERR_UNSUPPORTED);
}

Test(receipt_file, where_there_is_no_room_nothing_is_written)
{
	struct receipt_file file = sample();
	size_t size = written().len;

	for (size_t room = 0; room < size; room++) {
		struct writer out = { memory, 0, room };

		cr_assert_eq(receipt_file_write(&file, &out), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}
