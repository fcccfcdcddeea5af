/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/signed_receipt.h"
#include "node/signer.h"
#include "tests/support/receipts.h"

#define NOW 1800000059u

static struct signer signer;
static uint8_t part_memory[RECEIPT_ANSWER_BYTES_MAX];
static uint8_t memory[RECEIPT_SIGNED_MAX];

static void begin(void)
{
	cr_assert_eq(signer_open(&signer), ERR_OK);
	signer.node = receipts_sample().node;
	signer.node.assurance = STATEMENT_SOFTWARE;
}

static void end(void)
{
	signer_close(&signer);
}

TestSuite(signer, .init = begin, .fini = end);

static struct bytes part(void)
{
	struct receipt sample = receipts_sample();
	struct writer out = WRITER_OVER(part_memory);

	cr_assert_eq(receipt_answer_write(&sample.answer, &out), ERR_OK);
	return bytes_written(&out);
}

static enum err sign(uint8_t key_id, struct receipt *out)
{
	struct writer sealed = WRITER_OVER(memory);

	TRY(signer_sign(&signer, part(), key_id, NOW, &sealed));
	return signed_receipt_open(bytes_written(&sealed), &signer.public_key,
				   out);
}

Test(signer, what_it_says_of_the_node_is_its_own)
{
	struct receipt receipt;
	uint8_t digest[HASH_SHA256_BYTES];

	signer_note_offer(&signer, BYTES_LITERAL("bundle"), 1, 7);
	cr_assert_eq(sign(7, &receipt), ERR_OK);
	hash_sha256(BYTES_LITERAL("bundle"), digest);
	cr_assert_arr_eq(receipt.node.evidence_digest, digest, sizeof(digest));
	cr_assert_eq(receipt.node.key_id, 7);
	cr_assert_eq(receipt.node.time, 1800000000u); /* coarse */
	cr_assert_arr_eq(receipt.node.model_root, signer.node.model_root, 32);
	cr_assert_eq(receipt.answer.answer_tokens, 22);
	cr_assert(receipt_is_software_only(&receipt));
}

Test(signer, each_live_key_has_the_bundle_that_offered_it)
{
	struct receipt old, new;

	signer_note_offer(&signer, BYTES_LITERAL("first"), 1, 7);
	signer_note_offer(&signer, BYTES_LITERAL("second"), 1, 8);
	cr_assert_eq(sign(7, &old), ERR_OK);
	cr_assert_eq(sign(8, &new), ERR_OK);
	cr_assert_arr_neq(old.node.evidence_digest, new.node.evidence_digest,
			  32);
	signer_note_offer(&signer, BYTES_LITERAL("third"), 1, 9);
	cr_assert_eq(sign(7, &old), ERR_OK);
	signer_note_offer(&signer, BYTES_LITERAL("fourth"), 1, 10);
	cr_assert_eq(sign(7, &old), ERR_EXPIRED);
	cr_assert_eq(sign(8, &old), ERR_OK);
}

Test(signer, a_key_that_was_never_offered_signs_nothing)
{
	struct receipt receipt;

	cr_assert_eq(sign(0, &receipt), ERR_EXPIRED);
}

Test(signer, what_is_no_worker_s_part_is_not_signed)
{
	struct writer sealed = WRITER_OVER(memory);
	struct bytes cut = part();

	signer_note_offer(&signer, BYTES_LITERAL("bundle"), 1, 7);
	cut.len--;
	cr_assert_neq(signer_sign(&signer, cut, 7, NOW, &sealed), ERR_OK);
	cr_assert_eq(sealed.len, 0);
}

Test(signer, every_node_has_a_key_of_its_own)
{
	struct signer other;

	cr_assert_eq(signer_open(&other), ERR_OK);
	cr_assert_arr_neq(other.public_key.bytes, signer.public_key.bytes,
			  SIGN_PUBLIC_BYTES);
	signer_close(&other);
}
