/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "node/proofs.h"

#define TPM2 (1u << BUNDLE_EVIDENCE_TPM2)
#define SOFTWARE (1u << BUNDLE_EVIDENCE_SOFTWARE)

static struct proofs proofs;
static uint8_t memory[4096];

static struct proof *one(void)
{
	struct proof *proof = proofs_take(&proofs);

	cr_assert_not_null(proof);
	memset(proof->statement, 1, 100);
	proof->statement_len = 100;
	memset(proof->keys, 2, 50);
	proof->keys_len = 50;
	proofs_bind(proof, NULL);
	return proof;
}

Test(proofs, a_ticket_names_what_was_fixed_under_it_and_is_never_used_again)
{
	struct proof *first = one();
	struct proof *second = one();
	uint64_t ticket = first->ticket;

	cr_assert_neq(first->ticket, second->ticket);
	cr_assert_eq(proofs_find(&proofs, second->ticket), second);
	proofs_release(first);
	cr_assert_null(proofs_find(&proofs, ticket));
	cr_assert_null(proofs_find(&proofs, 0), "a free place was found");
	cr_assert_neq(one()->ticket, ticket);
}

Test(proofs, one_too_many_gets_no_place_until_another_is_released)
{
	struct proof *last = NULL;

	for (size_t i = 0; i < LIMIT_PROOFS; i++)
		last = one();
	cr_assert_null(proofs_take(&proofs));
	proofs_release(last);
	cr_assert_eq(proofs_take(&proofs), last);
}

static enum err bundle(uint32_t kinds, struct bytes made, struct bundle *out)
{
	struct writer written = WRITER_OVER(memory);

	TRY(proofs_bundle(one(), kinds, (struct bytes){ NULL, 0 }, made,
			  &written));
	return bundle_parse(bytes_written(&written), out);
}

Test(proofs, each_kind_of_evidence_takes_its_piece)
{
	static const uint8_t two[] = { 0, 0, 0, 3, 'a', 'b', 'c',
				       0, 0, 0, 2, 'd', 'e' };
	struct bundle got;

	cr_assert_eq(bundle(SOFTWARE | TPM2 | 1u << BUNDLE_EVIDENCE_TDX,
			    BYTES_ARRAY(two), &got),
		     ERR_OK);
	cr_assert_eq(got.evidence_count, 3);
	cr_assert_eq(got.evidence[0].type, BUNDLE_EVIDENCE_SOFTWARE);
	cr_assert_eq(got.evidence[1].type, BUNDLE_EVIDENCE_TPM2);
	cr_assert(bytes_equal(got.evidence[1].value, BYTES_LITERAL("abc")));
	cr_assert_eq(got.evidence[2].type, BUNDLE_EVIDENCE_TDX);
	cr_assert(bytes_equal(got.evidence[2].value, BYTES_LITERAL("de")));
}

Test(proofs, an_attester_that_says_more_or_less_is_refused)
{
	static const uint8_t said[] = { 0, 0, 0, 2, 'a', 'b' };
	struct bundle got;

	cr_assert_eq(bundle(TPM2, BYTES_ARRAY(said), &got), ERR_OK);
	for (size_t len = 0; len < sizeof(said); len++) {
		memset(&proofs, 0, sizeof(proofs));
		cr_assert_neq(bundle(TPM2, (struct bytes){ said, len }, &got),
			      ERR_OK, "%zu bytes", len);
	}
	memset(&proofs, 0, sizeof(proofs));
	cr_assert_neq(bundle(SOFTWARE, BYTES_ARRAY(said), &got), ERR_OK);
	cr_assert_neq(bundle(TPM2 | 1u << BUNDLE_EVIDENCE_SEV_SNP,
			     BYTES_ARRAY(said), &got),
		      ERR_OK);
}

Test(proofs, a_statement_claims_the_strongest_kind)
{
	cr_expect_eq(proofs_assurance(SOFTWARE), STATEMENT_SOFTWARE);
	cr_expect_eq(proofs_assurance(SOFTWARE | TPM2), STATEMENT_TPM2);
	cr_expect_eq(proofs_assurance(TPM2 | 1u << BUNDLE_EVIDENCE_SEV_SNP),
		     STATEMENT_SEV_SNP);
	cr_expect_eq(proofs_assurance(TPM2 | 1u << BUNDLE_EVIDENCE_TDX),
		     STATEMENT_TDX);
	cr_expect_not(proofs_need_attester(SOFTWARE));
	cr_expect(proofs_need_attester(TPM2));
	cr_expect(proofs_need_attester(SOFTWARE | TPM2));
}
