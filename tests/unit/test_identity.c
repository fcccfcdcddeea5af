/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "attest/identity.h"

static struct statement sample(void)
{
	struct statement statement = { .key_expiry = 1 };

	memset(statement.binary_digest, 2, STATEMENT_DIGEST_BYTES);
	memset(statement.model_root, 3, STATEMENT_DIGEST_BYTES);
	memset(statement.tokenizer_digest, 4, STATEMENT_DIGEST_BYTES);
	memset(statement.policy_digest, 5, STATEMENT_DIGEST_BYTES);
	memset(statement.jail_digest, 6, STATEMENT_DIGEST_BYTES);
	memset(statement.log_digest, 7, STATEMENT_DIGEST_BYTES);
	memset(statement.command_digest, 9, STATEMENT_DIGEST_BYTES);
	return statement;
}

static void expect_hex(const uint8_t *value, size_t len, const char *expected)
{
	char text[2 * HASH_BYTES_MAX + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", value[i]);
	cr_assert_str_eq(text, expected);
}

/* By Python's hashlib, from the sentences in the header:
 *   e = lambda n, d: H(b"pcc-node/v1 event\0" + n + b"\0" + bytes([d])*32)
 *   r = H(r + e(name, digest)) for the seven, from zeros */
Test(identity, both_registers_have_the_values_that_another_program_computes)
{
	struct statement statement = sample();
	uint8_t pcr[IDENTITY_PCR_BYTES], rtmr[IDENTITY_RTMR_BYTES];

	identity_pcr(&statement, pcr);
	identity_rtmr(&statement, rtmr);
	expect_hex(pcr, sizeof(pcr),
		   "1320af7dcbd7a46ab02f28ba57a140f3c7ab1d5b4ea27c5c5f64fac503b"
		   "1e615");
	expect_hex(rtmr, sizeof(rtmr),
		   "30e622cb6b5cb72e189e8515fc1758933da8266a1563a10b2e94994bf44"
		   "48fb9017ba10035077ccffcf82cf687dd35a6");
}

Test(identity, any_bit_of_what_is_measured_changes_both_registers)
{
	static const size_t measured[] = {
		offsetof(struct statement, binary_digest),
		offsetof(struct statement, model_root),
		offsetof(struct statement, tokenizer_digest),
		offsetof(struct statement, policy_digest),
		offsetof(struct statement, jail_digest),
		offsetof(struct statement, log_digest),
		offsetof(struct statement, command_digest),
	};
	struct statement statement = sample();
	uint8_t good[2][IDENTITY_RTMR_BYTES], bad[2][IDENTITY_RTMR_BYTES];

	identity_pcr(&statement, good[0]);
	identity_rtmr(&statement, good[1]);
	for (size_t i = 0; i < 7 * STATEMENT_DIGEST_BYTES * 8; i++) {
		uint8_t *digest = (uint8_t *)&statement + measured[i / 256];

		digest[i % 256 / 8] ^= (uint8_t)(1 << i % 8);
		identity_pcr(&statement, bad[0]);
		identity_rtmr(&statement, bad[1]);
		cr_assert_neq(memcmp(bad[0], good[0], 32), 0);
		cr_assert_neq(memcmp(bad[1], good[1], 48), 0);
		digest[i % 256 / 8] ^= (uint8_t)(1 << i % 8);
	}
}

Test(identity, what_is_not_measured_leaves_them_as_they_are)
{
	struct statement statement = sample();
	uint8_t before[IDENTITY_PCR_BYTES], after[IDENTITY_PCR_BYTES];

	identity_pcr(&statement, before);
	statement.key_expiry = 2;
	memset(statement.node_id, 1, STATEMENT_DIGEST_BYTES);
	memset(statement.receipt_key, 1, STATEMENT_DIGEST_BYTES);
	identity_pcr(&statement, after);
	cr_assert_eq(memcmp(before, after, sizeof(before)), 0);
}

Test(identity, two_digests_that_change_places_are_noticed)
{
	struct statement statement = sample();
	uint8_t before[IDENTITY_PCR_BYTES], after[IDENTITY_PCR_BYTES];

	identity_pcr(&statement, before);
	memset(statement.binary_digest, 3, STATEMENT_DIGEST_BYTES);
	memset(statement.model_root, 2, STATEMENT_DIGEST_BYTES);
	identity_pcr(&statement, after);
	cr_assert_neq(memcmp(before, after, sizeof(before)), 0);
}

Test(identity, a_register_tells_how_far_a_node_came_or_that_it_was_another)
{
	struct statement statement = sample();
	uint8_t value[IDENTITY_RTMR_BYTES] = { 0 };
	uint8_t digest[IDENTITY_RTMR_BYTES];
	size_t done;

	for (size_t i = 0; i <= IDENTITY_EVENTS; i++) {
		cr_assert_eq(identity_progress(&statement, HASH_SHA384, value,
					       &done),
			     ERR_OK);
		cr_assert_eq(done, i);
		value[5] ^= 1;
		cr_assert_eq(identity_progress(&statement, HASH_SHA384, value,
					       &done),
			     ERR_DENIED);
		value[5] ^= 1;
		if (i < IDENTITY_EVENTS)
			identity_event(&statement, i, HASH_SHA384, digest);
		identity_extend(HASH_SHA384, value, digest);
	}
	cr_assert_eq(identity_progress(&statement, HASH_SHA384, value, &done),
		     ERR_DENIED, "an eighth event");
}
