/* SPDX-License-Identifier: Apache-2.0 */
#include <cbor.h>
#include <criterion/criterion.h>
#include <math.h>

#include "crypto/hash.h"
#include "tests/support/receipts.h"
#include "wire/bundle.h"
#include "wire/hex.h"

static uint8_t memory[RECEIPT_BYTES_MAX];
static uint8_t again_memory[RECEIPT_BYTES_MAX];

static struct bytes written(const struct receipt *receipt)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(receipt_write(receipt, &out), ERR_OK);
	return bytes_written(&out);
}

static struct bytes answer_written(const struct receipt_answer *answer)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(receipt_answer_write(answer, &out), ERR_OK);
	cr_assert_leq(out.len, RECEIPT_ANSWER_BYTES_MAX);
	return bytes_written(&out);
}

Test(receipt, what_was_written_is_read_back)
{
	struct receipt in = receipts_sample(), back;
	struct writer again = WRITER_OVER(again_memory);
	struct bytes bytes = written(&in);

	cr_assert_eq(receipt_parse(bytes, &back), ERR_OK);
	cr_assert_eq(back.answer.sampling.temperature, 0.7F);
	cr_assert_eq(back.answer.sampling.top_p, 0.9F);
	cr_assert_eq(back.answer.sampling.numerics, RECEIPT_BF16_PROMPTS);
	cr_assert_eq(back.answer.finish, RECEIPT_FINISH_STOP);
	cr_assert_eq(back.node.key_id, 200);
	cr_assert_eq(back.node.assurance, STATEMENT_TPM2);
	cr_assert_eq(receipt_write(&back, &again), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&again), bytes));
}

/* The map of the header's diagram, as python-cbor2 5.4 encodes it. */
Test(receipt, another_cbor_library_writes_the_same_bytes)
{
	struct receipt in = receipts_sample();
	struct bytes bytes = written(&in);
	uint8_t digest[HASH_SHA256_BYTES], expected[HASH_SHA256_BYTES];

	cr_assert_eq(hex_decode(BYTES_LITERAL("1759412fb4d5ba41e869aa117f94a2f2"
					      "f4f3c987f70fe6c12494a38b23d2e22"
					      "7"),
				expected, sizeof(expected)),
		     ERR_OK);
	hash_sha256(bytes, digest);
	cr_assert_eq(bytes.len, 413);
	cr_assert_arr_eq(digest, expected, sizeof(digest));
}

Test(receipt, another_cbor_library_reads_it)
{
	struct receipt in = receipts_sample();
	struct bytes bytes = written(&in);
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes.data, bytes.len, &result);

	cr_assert_not_null(item);
	cr_assert_eq(result.read, bytes.len);
	cr_assert_eq(cbor_map_size(item), 21);
	for (size_t i = 0; i < 21; i++)
		cr_assert_eq(cbor_get_int(cbor_map_handle(item)[i].key), i + 1);
	cbor_decref(&item);
}

Test(receipt, cut_at_any_length_or_longer_by_a_byte_it_is_refused)
{
	struct receipt in = receipts_sample(), back;
	struct bytes bytes = written(&in);

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(
			receipt_parse((struct bytes){ bytes.data, len }, &back),
			ERR_OK);
	bytes.len++;
	cr_assert_eq(receipt_parse(bytes, &back), ERR_MALFORMED);
}

/* A flipped bit either is refused or says something else, never the same. */
Test(receipt, no_other_bytes_say_the_same)
{
	struct receipt in = receipts_sample(), back;
	struct bytes bytes = written(&in);
	size_t refused = 0;

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer again = WRITER_OVER(again_memory);

		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (receipt_parse(bytes, &back) == ERR_OK) {
			cr_assert_eq(receipt_write(&back, &again), ERR_OK);
			cr_assert(bytes_equal(bytes_written(&again), bytes));
		} else {
			refused++;
		}
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_gt(refused, 300);
}

Test(receipt, the_worker_s_part_is_read_as_strictly)
{
	struct receipt in = receipts_sample();
	struct bytes bytes = answer_written(&in.answer);
	struct receipt_answer back;

	cr_assert_eq(receipt_answer_parse(bytes, &back), ERR_OK);
	cr_assert_eq(back.answer_tokens, 22);
	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(receipt_answer_parse(
				      (struct bytes){ bytes.data, len }, &back),
			      ERR_OK);
	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer again = WRITER_OVER(again_memory);

		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (receipt_answer_parse(bytes, &back) == ERR_OK) {
			cr_assert_eq(receipt_answer_write(&back, &again),
				     ERR_OK);
			cr_assert(bytes_equal(bytes_written(&again), bytes));
		}
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	bytes.len++;
	cr_assert_eq(receipt_answer_parse(bytes, &back), ERR_MALFORMED);
}

/* A worker could otherwise say what is the keeper's to say. */
Test(receipt, a_whole_receipt_is_no_worker_s_part)
{
	struct receipt in = receipts_sample();
	struct receipt_answer back;

	cr_assert_eq(receipt_answer_parse(written(&in), &back), ERR_MALFORMED);
}

Test(receipt, another_version_is_told_apart)
{
	struct receipt in = receipts_sample(), back;
	struct bytes bytes = written(&in);

	cr_assert_eq(memory[2], RECEIPT_VERSION);
	memory[2] = RECEIPT_VERSION + 1;
	cr_assert_eq(receipt_parse(bytes, &back), ERR_UNSUPPORTED);
}

static void expect_unwritable(const struct receipt *receipt)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(receipt_write(receipt, &out), ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
}

Test(receipt, numbers_that_no_sampler_uses_are_not_written)
{
	static const float bad_temperatures[] = { -1.0F, -0.0F, NAN, INFINITY };
	static const float bad_masses[] = { 0.0F, -0.5F, 1.5F, NAN, INFINITY };

	for (size_t i = 0; i < 4; i++) {
		struct receipt bad = receipts_sample();

		bad.answer.sampling.temperature = bad_temperatures[i];
		expect_unwritable(&bad);
	}
	for (size_t i = 0; i < 5; i++) {
		struct receipt bad = receipts_sample();

		bad.answer.sampling.top_p = bad_masses[i];
		expect_unwritable(&bad);
	}
}

Test(receipt, what_no_reader_takes_is_not_written)
{
	struct receipt bad = receipts_sample();

	bad.answer.finish = RECEIPT_FINISH_COUNT;
	expect_unwritable(&bad);
	bad = receipts_sample();
	bad.answer.arena = RECEIPT_ARENA_COUNT;
	expect_unwritable(&bad);
	bad = receipts_sample();
	bad.answer.sampling.numerics = RECEIPT_NUMERICS_COUNT;
	expect_unwritable(&bad);
	bad = receipts_sample();
	bad.node.shape.mode = STATEMENT_MODE_COUNT;
	expect_unwritable(&bad);
	bad = receipts_sample();
	bad.node.time++;
	expect_unwritable(&bad);
	bad = receipts_sample();
	bad.node.evidence_kinds = 1u << BUNDLE_EVIDENCE_COUNT;
	expect_unwritable(&bad);
}

/* What software evidence stands behind can claim nothing more. */
Test(receipt, assurance_beyond_its_evidence_is_refused)
{
	struct receipt receipt = receipts_sample();

	receipt.node.evidence_kinds = 1u << BUNDLE_EVIDENCE_SOFTWARE;
	cr_assert(receipt_is_software_only(&receipt));
	expect_unwritable(&receipt);
	receipt.node.assurance = STATEMENT_SOFTWARE;
	(void)written(&receipt);
	receipt.node.evidence_kinds |= 1u << BUNDLE_EVIDENCE_TDX;
	cr_assert_not(receipt_is_software_only(&receipt));
	receipt.node.evidence_kinds = 0;
	expect_unwritable(&receipt);
}

Test(receipt, the_largest_one_fits_in_its_limit)
{
	struct receipt largest = receipts_sample();

	largest.answer.sampling.top_k = UINT32_MAX;
	largest.answer.sampling.tokens_max = UINT32_MAX;
	largest.answer.sampling.context_max = UINT32_MAX;
	largest.answer.prompt_tokens = UINT32_MAX;
	largest.answer.answer_tokens = UINT32_MAX;
	largest.answer.finish = RECEIPT_FINISH_LENGTH;
	largest.node.shape = (struct statement_shape){ STATEMENT_MODE_OFF,
						       UINT32_MAX, UINT32_MAX };
	largest.node.evidence_kinds = 15;
	largest.node.time = INT64_MAX / 60 * 60;
	(void)written(&largest);
	(void)answer_written(&largest.answer);
}
