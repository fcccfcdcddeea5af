/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/signed_receipt.h"
#include "crypto/hash.h"
#include "tests/support/receipts.h"
#include "wire/hex.h"

static struct sign_private_key private_key;
static struct sign_public_key public_key;
static uint8_t memory[RECEIPT_SIGNED_MAX];

static struct bytes sealed(void)
{
	struct receipt receipt = receipts_sample();
	struct writer out = WRITER_OVER(memory);
	uint8_t seed[SIGN_SEED_BYTES];

	memset(seed, 0x2a, sizeof(seed));
	sign_key_from_seed(seed, &private_key, &public_key);
	cr_assert_eq(signed_receipt_write(&receipt, &private_key, &out),
		     ERR_OK);
	return bytes_written(&out);
}

/* Python's cryptography 38 and cbor2 5.4 over the same map and seed. */
Test(signed_receipt, another_implementation_of_cose_gives_the_same_bytes)
{
	struct bytes bytes = sealed();
	uint8_t digest[HASH_SHA256_BYTES], expected[HASH_SHA256_BYTES];

	cr_assert_eq(hex_decode(BYTES_LITERAL("c10b7a710ae5518e092b0bba37911de2"
					      "82daad6006262fd6505a0ed7ce92b2d"
					      "7"),
				expected, sizeof(expected)),
		     ERR_OK);
	hash_sha256(bytes, digest);
	cr_assert_eq(bytes.len, 489);
	cr_assert_arr_eq(digest, expected, sizeof(digest));
}

Test(signed_receipt, what_was_signed_is_opened)
{
	struct bytes bytes = sealed();
	struct receipt back;

	cr_assert_eq(signed_receipt_open(bytes, &public_key, &back), ERR_OK);
	cr_assert_eq(back.answer.answer_tokens, 22);
}

Test(signed_receipt, no_flipped_bit_leaves_it_signed)
{
	struct bytes bytes = sealed();
	struct receipt back;

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(signed_receipt_open(bytes, &public_key, &back),
			      ERR_OK);
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(signed_receipt_open(bytes, &public_key, &back), ERR_OK);
}

Test(signed_receipt, cut_at_any_length_or_longer_by_a_byte_it_is_refused)
{
	struct bytes bytes = sealed();
	struct receipt back;

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(
			signed_receipt_open((struct bytes){ bytes.data, len },
					    &public_key, &back),
			ERR_OK);
	bytes.len++;
	cr_assert_neq(signed_receipt_open(bytes, &public_key, &back), ERR_OK);
}

Test(signed_receipt, another_key_s_signature_is_told_from_no_receipt)
{
	struct bytes bytes = sealed();
	struct receipt back = { 0 };
	struct sign_public_key other = public_key;

	other.bytes[0] ^= 1;
	cr_assert_eq(signed_receipt_open(bytes, &other, &back),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(back.answer.answer_tokens, 22);
}
