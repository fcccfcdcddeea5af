/* SPDX-License-Identifier: Apache-2.0 */
#include <cbor.h>
#include <criterion/criterion.h>

#include "wire/statement.h"

static struct statement sample(void)
{
	struct statement statement = {
		.shape = { STATEMENT_MODE_PACED, 512, 25 },
		.model_name = BYTES_LITERAL("home-tiny"),
		.key_expiry = 1800000000,
		.assurance = STATEMENT_SOFTWARE,
	};

	memset(statement.node_id, 1, STATEMENT_DIGEST_BYTES);
	memset(statement.binary_digest, 2, STATEMENT_DIGEST_BYTES);
	memset(statement.model_root, 3, STATEMENT_DIGEST_BYTES);
	memset(statement.tokenizer_digest, 4, STATEMENT_DIGEST_BYTES);
	memset(statement.policy_digest, 5, STATEMENT_DIGEST_BYTES);
	memset(statement.jail_digest, 6, STATEMENT_DIGEST_BYTES);
	memset(statement.log_digest, 7, STATEMENT_DIGEST_BYTES);
	memset(statement.receipt_key, 8, STATEMENT_DIGEST_BYTES);
	memset(statement.command_digest, 9, STATEMENT_DIGEST_BYTES);
	return statement;
}

static struct bytes written(const struct statement *statement,
			    struct writer *out)
{
	cr_assert_eq(statement_write(statement, out), ERR_OK);
	return bytes_written(out);
}

Test(statement, what_was_written_is_read_back)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample(), back;
	struct bytes bytes = written(&in, &out);

	cr_assert_eq(statement_parse(bytes, &back), ERR_OK);
	cr_assert_eq(memcmp(back.node_id, in.node_id, 9 * 32), 0);
	cr_assert_eq(back.shape.mode, STATEMENT_MODE_PACED);
	cr_assert_eq(back.shape.frame_bytes, 512);
	cr_assert_eq(back.shape.tick_ms, 25);
	cr_assert(bytes_equal(back.model_name, in.model_name));
	cr_assert_eq(back.key_expiry, in.key_expiry);
	cr_assert_eq(back.assurance, STATEMENT_SOFTWARE);
}

Test(statement, another_cbor_library_reads_the_same)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample();
	struct bytes bytes = written(&in, &out);
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes.data, bytes.len, &result);

	cr_assert_not_null(item);
	cr_assert_eq(result.read, bytes.len);
	cr_assert(cbor_isa_map(item));
	cr_assert_eq(cbor_map_size(item), 14);
	for (size_t i = 0; i < 14; i++)
		cr_assert_eq(cbor_get_int(cbor_map_handle(item)[i].key), i + 1);
	cbor_decref(&item);
}

Test(statement, cut_at_any_length_it_is_refused)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample(), back;
	struct bytes bytes = written(&in, &out);

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(statement_parse((struct bytes){ bytes.data, len },
					      &back),
			      ERR_OK);
}

Test(statement, one_byte_more_is_refused)
{
	uint8_t memory[STATEMENT_BYTES_MAX] = { 0 };
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample(), back;
	struct bytes bytes = written(&in, &out);

	bytes.len++;
	cr_assert_eq(statement_parse(bytes, &back), ERR_MALFORMED);
}

/* A flipped bit either is refused or says something else, never the same. */
Test(statement, no_other_bytes_say_the_same)
{
	uint8_t memory[STATEMENT_BYTES_MAX], again_memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample(), back;
	struct bytes bytes = written(&in, &out);

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer again = WRITER_OVER(again_memory);

		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (statement_parse(bytes, &back) == ERR_OK) {
			cr_assert_eq(statement_write(&back, &again), ERR_OK);
			cr_assert(bytes_equal(bytes_written(&again), bytes));
		}
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(statement, another_version_is_told_apart)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct statement in = sample(), back;
	struct bytes bytes = written(&in, &out);

	cr_assert_eq(memory[2], STATEMENT_VERSION);
	memory[2] = STATEMENT_VERSION - 1;
	cr_assert_eq(statement_parse(bytes, &back), ERR_UNSUPPORTED);
}

Test(statement, what_no_reader_takes_is_not_written)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	char name[STATEMENT_NAME_MAX + 1];
	struct statement bad = sample();

	memset(name, 'a', sizeof(name));
	bad.model_name = BYTES_ARRAY(name);
	cr_assert_eq(statement_write(&bad, &out), ERR_TOO_LARGE);
	bad.model_name.len--;
	cr_assert_eq(statement_write(&bad, &out), ERR_OK);
	out.len = 0;
	bad.model_name.len = 0;
	cr_assert_eq(statement_write(&bad, &out), ERR_MALFORMED);
	bad.model_name = BYTES_LITERAL("a\nb");
	cr_assert_eq(statement_write(&bad, &out), ERR_MALFORMED);
	bad = sample();
	bad.shape.mode = STATEMENT_MODE_COUNT;
	cr_assert_eq(statement_write(&bad, &out), ERR_MALFORMED);
	bad = sample();
	bad.assurance = STATEMENT_ASSURANCE_COUNT;
	cr_assert_eq(statement_write(&bad, &out), ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
}

Test(statement, the_largest_one_fits_in_its_limit)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	char name[STATEMENT_NAME_MAX];
	struct statement largest = sample();

	memset(name, 'a', sizeof(name));
	largest.model_name = BYTES_ARRAY(name);
	largest.key_expiry = UINT64_MAX;
	largest.shape = (struct statement_shape){ STATEMENT_MODE_OFF,
						  UINT32_MAX, UINT32_MAX };
	cr_assert_eq(statement_write(&largest, &out), ERR_OK);
}
