/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "attest/verify.h"
#include "attest/verify_print.h"
#include "tests/figure.h"
#include "tests/support/sample_bundle.h"

#define NOW SAMPLE_BUNDLE_NOW

static struct verify_policy accepting_software(void)
{
	return (struct verify_policy){ .evidence =
					       1u << BUNDLE_EVIDENCE_SOFTWARE };
}

static void judge(struct sample_bundle *sample,
		  const struct verify_policy *policy,
		  struct verify_result *result)
{
	verify_bundle(sample_bundle_seal(sample), policy, NOW, NULL, result);
}

Test(verify, a_sound_bundle_passes_what_the_policy_asks_for)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
	cr_assert_eq(verify_exit_code(result.verdict), 0);
	cr_assert_eq(result.key.key_id, 7);
	for (enum verify_code i = 0; i < VERIFY_CODES; i++)
		cr_assert_neq(result.records[i].mark, RECORD_FAIL, "%s",
			      verify_code_name(i));
}

Test(verify, software_evidence_is_refused_unless_named)
{
	struct sample_bundle sample;
	struct verify_policy none = { 0 };
	struct verify_policy others = { .evidence = 1u
						    << BUNDLE_EVIDENCE_TPM2 };
	struct verify_result result;

	sample_bundle_prepare(&sample);
	judge(&sample, &none, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_EVIDENCE_SOFTWARE].mark,
		     RECORD_FAIL);
	judge(&sample, &others, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_EVIDENCE_SOFTWARE].mark,
		     RECORD_FAIL);
}

Test(verify, software_evidence_is_never_called_more_than_it_is)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	judge(&sample, &policy, &result);
	cr_assert_not_null(strstr(verify_print_summary(&result),
				  "proves nothing about hardware"));
}

Test(verify, evidence_that_cannot_be_checked_does_not_pass)
{
	struct sample_bundle sample;
	struct verify_policy policy = { .evidence = 1u
						    << BUNDLE_EVIDENCE_TPM2 };
	struct verify_result result;

	sample_bundle_prepare(&sample);
	sample.type = BUNDLE_EVIDENCE_TPM2;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_BINDING].mark, RECORD_FAIL);
}

Test(verify, a_statement_may_not_claim_more_than_its_evidence)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	sample.statement.assurance = STATEMENT_TDX;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_ASSURANCE].mark, RECORD_FAIL);
}

Test(verify, expiry_is_told_from_everything_else)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	sample.statement.key_expiry = NOW;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_EXPIRED);
	cr_assert_eq(verify_exit_code(result.verdict), 20);
	sample.statement.key_expiry = NOW + 1;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);

	/* An expired forgery is a forgery. */
	sample.statement.key_expiry = NOW - 1;
	struct bytes bytes = sample_bundle_seal(&sample);

	sample.memory[sample.bytes.len / 2] ^= 1;
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	cr_assert_neq(result.verdict, VERIFY_EXPIRED);
}

Test(verify, a_key_that_would_live_too_long_is_refused)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	sample.statement.key_expiry = NOW + 24 * 3600 + 300;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
	sample.statement.key_expiry++;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_LIFETIME].mark, RECORD_FAIL);
}

Test(verify, evidence_of_another_nonce_is_stale)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;
	uint8_t nonce[EVIDENCE_NONCE_BYTES] = { 1 };
	uint8_t other[EVIDENCE_NONCE_BYTES] = { 2 };
	struct bytes bytes;

	sample_bundle_prepare(&sample);
	sample.nonce = nonce;
	bytes = sample_bundle_seal(&sample);
	verify_bundle(bytes, &policy, NOW, nonce, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
	cr_assert(verify_passed(&result, VERIFY_FRESHNESS));
	verify_bundle(bytes, &policy, NOW, other, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	sample.nonce = NULL;
	bytes = sample_bundle_seal(&sample);
	verify_bundle(bytes, &policy, NOW, nonce, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert(verify_passed(&result, VERIFY_BINDING));
	cr_assert_eq(result.records[VERIFY_FRESHNESS].mark, RECORD_FAIL);
}

/* The claim of a hardware vendor's tag, for what has none: it is of a piece. */
Test(verify, no_flipped_bit_leaves_a_bundle_verified)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;
	struct bytes bytes;

	sample_bundle_prepare(&sample);
	bytes = sample_bundle_seal(&sample);
	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		sample.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		verify_bundle(bytes, &policy, NOW, NULL, &result);
		cr_assert_neq(result.verdict, VERIFY_VERIFIED, "bit %zu", bit);
		cr_assert_neq(result.verdict, VERIFY_EXPIRED, "bit %zu", bit);
		sample.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	figure_none("A1", "flipped bits of a bundle accepted", 0, 8 * bytes.len,
		    result.verdict == VERIFY_VERIFIED);
}

Test(verify, cut_at_any_length_a_bundle_is_malformed)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;
	struct bytes bytes;

	sample_bundle_prepare(&sample);
	bytes = sample_bundle_seal(&sample);
	for (size_t len = 0; len < bytes.len; len++) {
		verify_bundle((struct bytes){ bytes.data, len }, &policy, NOW,
			      NULL, &result);
		cr_assert_eq(result.verdict, VERIFY_MALFORMED);
		cr_assert_eq(result.records[VERIFY_STATEMENT].mark,
			     RECORD_SKIP);
	}
	cr_assert_eq(verify_exit_code(VERIFY_MALFORMED), 30);
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	figure_none("A1", "cuts of a bundle accepted", 0, bytes.len,
		    result.verdict == VERIFY_VERIFIED);
}

Test(verify, each_digest_has_to_be_one_of_the_accepted)
{
	static const uint8_t digests[2][STATEMENT_DIGEST_BYTES] = { { 1 } };
	struct sample_bundle sample;
	struct verify_result result;

	sample_bundle_prepare(&sample);
	memset(sample.statement.model_root, 0, STATEMENT_DIGEST_BYTES);
	for (size_t i = 0; i < VERIFY_DIGESTS; i++) {
		struct verify_policy policy = accepting_software();

		policy.digests[i] = (struct verify_digests){ digests, 1 };
		judge(&sample, &policy, &result);
		cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
		cr_assert_eq(result.records[VERIFY_DIGEST_FIRST + i].mark,
			     RECORD_FAIL);
		policy.digests[i].count = 2; /* the second is all zero */
		judge(&sample, &policy, &result);
		cr_assert_eq(result.verdict, VERIFY_VERIFIED);
		cr_assert(verify_passed(&result, VERIFY_DIGEST_FIRST + i));
	}
}

Test(verify, another_node_than_the_one_asked_for_is_refused)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;
	uint8_t id[STATEMENT_DIGEST_BYTES];

	sample_bundle_prepare(&sample);
	memset(id, 9, sizeof(id));
	policy.node_id = id;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
	id[31] ^= 1;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
}

Test(verify, a_shape_worse_than_accepted_is_refused)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;

	sample_bundle_prepare(&sample);
	sample.statement.shape.mode = STATEMENT_MODE_SIZED;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	cr_assert_eq(result.records[VERIFY_SHAPE].mark, RECORD_FAIL);
	policy.mode_worst = STATEMENT_MODE_OFF;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
	policy.frame_bytes = 1024;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED);
	policy.frame_bytes = 512;
	policy.tick_ms = 25;
	judge(&sample, &policy, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
}

Test(verify, the_json_is_json_and_says_the_same)
{
	struct sample_bundle sample;
	struct verify_policy policy = accepting_software();
	struct verify_result result;
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	json_t *json;

	sample_bundle_prepare(&sample);
	judge(&sample, &policy, &result);
	verify_print_json(&result, out);
	fclose(out);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(json);
	cr_assert_str_eq(json_string_value(json_object_get(json, "verdict")),
			 "verified");
	cr_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(json, "node"), "model_name")),
			 "home \"tiny\"");
	cr_assert_eq(json_array_size(json_object_get(json, "checks")),
		     VERIFY_CODES);
	json_decref(json);
}

Test(verify, the_table_has_a_line_for_every_check)
{
	struct sample_bundle sample;
	struct verify_policy policy = { 0 };
	struct verify_result result;
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	sample_bundle_prepare(&sample);
	judge(&sample, &policy, &result);
	verify_print_table(&result, out);
	fclose(out);
	for (enum verify_code i = 0; i < VERIFY_CODES; i++)
		cr_assert_not_null(strstr(text, verify_code_name(i)));
	cr_assert_not_null(strstr(text, "\nnot verified\n"));
}
