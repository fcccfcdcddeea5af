/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/commitment.h"
#include "wire/hex.h"

static struct commitment_salt counting(void)
{
	struct commitment_salt salt;

	for (size_t i = 0; i < sizeof(salt.bytes); i++)
		salt.bytes[i] = (uint8_t)i;
	return salt;
}

static void expect_hex(const uint8_t *got, const char *hex)
{
	uint8_t expected[32];

	cr_assert_eq(hex_decode(bytes_of_string(hex), expected, 32), ERR_OK);
	cr_assert_arr_eq(got, expected, 32);
}

/* Computed with Python's hashlib over the bytes of the header's diagram. */
Test(commitment, it_is_the_hash_that_the_header_says)
{
	struct commitment_salt salt = counting();
	uint8_t made[COMMITMENT_BYTES];

	commitment_make(COMMITMENT_REQUEST, &salt, BYTES_LITERAL("hello"),
			made);
	expect_hex(made, "7d25e1f158c30454240a72727577f044"
			 "3d197c0df60aa22b3abc1e716d2f1295");
	commitment_make(COMMITMENT_RESPONSE, &salt, BYTES_LITERAL("hello"),
			made);
	expect_hex(made, "5ccc2aa74c10d7314e47b42bdd9552f7"
			 "18d0a9c1cb9ec0ad52317ff07c50c35b");
}

/* From the exporter secret of RFC 9180, A.1.1, with Python's hmac; the same
 * code gives A.1.1.2's exported values. */
Test(commitment, its_salt_is_exported_from_the_request_s_context)
{
	struct hpke_context context = { .suite = { 0x0020, 0x0001, 0x0001 } };
	struct commitment_salt salt;

	cr_assert_eq(hex_decode(BYTES_LITERAL("45ff1c2e220db587171952c0592d5f5e"
					      "be103f1561a2614e38f2ffd47e99e3f"
					      "8"),
				context.exporter_secret, 32),
		     ERR_OK);
	commitment_salt(&context, &salt);
	expect_hex(salt.bytes, "a51cc4450ffd778cb5338f6a84d71099"
			       "3af7fa4b5ea80f568cd51fd79f7174c7");
}

Test(commitment, pieces_give_what_the_whole_gives)
{
	struct commitment_salt salt = counting();
	struct hash_stream stream = { 0 };
	uint8_t whole[COMMITMENT_BYTES], pieces[COMMITMENT_BYTES];

	commitment_make(COMMITMENT_RESPONSE, &salt, BYTES_LITERAL("hello"),
			whole);
	commitment_begin(COMMITMENT_RESPONSE, &salt, &stream);
	hash_stream_add(&stream, BYTES_LITERAL("hel"));
	hash_stream_add(&stream, BYTES_LITERAL("lo"));
	hash_stream_end(&stream, pieces);
	cr_assert_arr_eq(whole, pieces, sizeof(whole));
}

Test(commitment, without_the_salt_nobody_can_try_prompts)
{
	struct commitment_salt one = counting(), other = counting();
	uint8_t a[COMMITMENT_BYTES], b[COMMITMENT_BYTES];

	other.bytes[31] ^= 1;
	commitment_make(COMMITMENT_REQUEST, &one, BYTES_LITERAL("yes"), a);
	commitment_make(COMMITMENT_REQUEST, &other, BYTES_LITERAL("yes"), b);
	cr_assert_arr_neq(a, b, sizeof(a));
}

Test(commitment, padding_of_a_request_is_no_part_of_it)
{
	struct bytes padded = BYTES_LITERAL("ab\0c\0\0\0");
	struct bytes none = BYTES_LITERAL("\0\0");

	cr_assert(bytes_equal(commitment_unpadded(padded),
			      BYTES_LITERAL("ab\0c")));
	cr_assert_eq(commitment_unpadded(none).len, 0);
}
