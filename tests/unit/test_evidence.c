/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "attest/appraise.h"
#include "wire/hex.h"

#define WANTED_ZERO                                                        \
	"3dfcfe54258a7f736863a9725f5e3dff5824137c26b9fc925e4680a059f164ec" \
	"9592dc5da71b794368bcccacaf574128224d7f5895a56c1dc2beb1359f0b29a2"
#define WANTED_NONCE                                                       \
	"561f6289f937535ed6623a96b3a84bcd5ccbf479423c840f06a40a3dbbe45930" \
	"1f4dac11a4285f954101c13a38bfe9aa1e507fe277b50e9bbb37c8b27cc96936"

static struct evidence_report_data bind(const char *statement, const char *keys,
					const uint8_t *nonce)
{
	struct evidence_claims claims = { bytes_of_string(statement),
					  bytes_of_string(keys), nonce };
	struct evidence_report_data out;

	evidence_bind(&claims, &out);
	return out;
}

/*
 * Computed by another implementation (Python's hashlib):
 *   sha512(b"pcc-node/v1\0" + sha512(b"statement").digest()
 *          + sha512(b"keys").digest() + nonce)
 * with 32 zeros, and with the bytes 0..31.
 */
Test(evidence, report_data_is_the_hash_that_the_format_says)
{
	static const char *const wanted[] = { WANTED_ZERO, WANTED_NONCE };
	uint8_t nonce[EVIDENCE_NONCE_BYTES], digest[64];
	struct evidence_report_data found;

	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)i;
	for (size_t i = 0; i < 2; i++) {
		found = bind("statement", "keys", i == 0 ? NULL : nonce);
		cr_assert_eq(hex_decode(bytes_of_string(wanted[i]), digest, 64),
			     ERR_OK);
		cr_assert_eq(memcmp(found.bytes, digest, 64), 0);
	}
}

static bool same(struct evidence_report_data a, struct evidence_report_data b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

Test(evidence, every_claim_is_bound_in_its_own_place)
{
	uint8_t nonce[EVIDENCE_NONCE_BYTES] = { 1 };

	cr_assert(same(bind("a", "b", NULL), bind("a", "b", NULL)));
	cr_assert_not(same(bind("a", "b", NULL), bind("b", "a", NULL)));
	cr_assert_not(same(bind("a", "b", NULL), bind("ab", "", NULL)));
	cr_assert_not(same(bind("a", "b", NULL), bind("a", "b", nonce)));
}

static enum err check(const struct bundle_evidence *evidence,
		      const struct evidence_report_data *report_data)
{
	struct appraisal_policy policy = { 0 };
	struct appraisal appraisal;

	appraise(evidence, &policy, &appraisal);
	return appraise_binding(evidence->type, &appraisal, report_data);
}

Test(evidence, software_evidence_is_the_report_data_and_nothing_else)
{
	struct evidence_report_data report_data = bind("a", "b", NULL);
	uint8_t memory[65];
	struct writer out = WRITER_OVER(memory);
	struct bundle_evidence evidence;

	cr_assert_eq(
		evidence_make(BUNDLE_EVIDENCE_SOFTWARE, &report_data, &out),
		ERR_OK);
	cr_assert_eq(out.len, 64);
	evidence = (struct bundle_evidence){ BUNDLE_EVIDENCE_SOFTWARE,
					     bytes_written(&out) };
	cr_assert_eq(check(&evidence, &report_data), ERR_OK);
	evidence.value.len = 63;
	cr_assert_eq(check(&evidence, &report_data), ERR_MALFORMED);
	evidence.value.len = 65;
	cr_assert_eq(check(&evidence, &report_data), ERR_MALFORMED);
	evidence.value.len = 64;
	for (size_t bit = 0; bit < 512; bit++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(check(&evidence, &report_data), ERR_UNAUTHENTIC);
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(evidence, a_type_that_this_build_lacks_is_neither_made_nor_believed)
{
	struct evidence_report_data report_data = bind("a", "b", NULL);
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct bundle_evidence evidence = { BUNDLE_EVIDENCE_UNKNOWN,
					    BYTES_ARRAY(report_data.bytes) };

	cr_assert_eq(evidence_make(evidence.type, &report_data, &out),
		     ERR_UNSUPPORTED);
	cr_assert_eq(check(&evidence, &report_data), ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
}
