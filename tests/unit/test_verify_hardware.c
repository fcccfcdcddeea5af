/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles whose evidence is a TPM's: what it binds, and what it does not. */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/identity.h"
#include "attest/verify.h"
#include "attest/verify_print.h"
#include "crypto/hash.h"
#include "tests/figure.h"
#include "tests/support/paper_tpm.h"
#include "tests/support/sample_bundle.h"

#define NOW SAMPLE_BUNDLE_NOW
#define PCR_IMAGE 4

_Static_assert(SAMPLE_BUNDLE_NOW == PAPER_TPM_NOW, "one time for both");

static struct paper_tpm tpm;
static struct paper_tpm_quote quote;
static struct sample_bundle sample;
static struct verify_policy policy;
static struct appraisal_reference image;
static struct verify_result result;
static uint8_t evidence_memory[16384];

static void setup(void)
{
	paper_tpm_open(PAPER_TPM_P256, &tpm);
	paper_tpm_begin(&quote);
	sample_bundle_prepare(&sample);
	sample.type = BUNDLE_EVIDENCE_TPM2;
	sample.statement.assurance = STATEMENT_TPM2;
	identity_pcr(&sample.statement, quote.pcrs[IDENTITY_PCR]);
	image = (struct appraisal_reference){
		.which = APPRAISAL_PCR0 + PCR_IMAGE, .value = { .len = 32 }
	};
	memcpy(image.value.digest, quote.pcrs[PCR_IMAGE], 32);
	policy = (struct verify_policy){ .evidence = 1u
						     << BUNDLE_EVIDENCE_TPM2 };
	policy.appraisal[BUNDLE_EVIDENCE_TPM2] = (struct appraisal_policy){
		.roots = &tpm.root,
		.root_count = 1,
		.references = &image,
		.reference_count = 1,
	};
}

static void teardown(void)
{
	paper_tpm_close(&tpm);
}

TestSuite(hardware, .init = setup, .fini = teardown);

/* The TPM quotes what the sample says now. */
static void quote_sample(void)
{
	struct evidence_report_data report_data;
	struct paper_tpm_parts parts;
	struct tpm_evidence evidence;
	struct writer out = WRITER_OVER(evidence_memory);

	sample_bundle_bind(&sample, &report_data);
	hash_sha256(BYTES_ARRAY(report_data.bytes), quote.data);
	paper_tpm_evidence(&tpm, &quote, &parts, &evidence);
	cr_assert_eq(tpm_evidence_write(&evidence, &out), ERR_OK);
	sample.evidence = bytes_written(&out);
}

static void judge(const uint8_t *nonce)
{
	verify_bundle(sample_bundle_seal(&sample), &policy, NOW, nonce,
		      &result);
}

static void expect(enum verify_verdict verdict, enum verify_code code,
		   enum record_mark mark)
{
	cr_assert_eq(result.verdict, verdict, "%s: %s",
		     verify_verdict_name(result.verdict),
		     result.records[code].text);
	cr_assert_eq(result.records[code].mark, mark, "%s",
		     result.records[code].text);
}

static const enum verify_code measurement =
	VERIFY_APPRAISAL + APPRAISAL_MEASUREMENT;

Test(hardware, a_node_that_booted_and_measured_what_it_says_is_verified)
{
	quote_sample();
	judge(NULL);
	expect(VERIFY_VERIFIED, VERIFY_IDENTITY, RECORD_PASS);
	expect(VERIFY_VERIFIED, measurement, RECORD_PASS);
	expect(VERIFY_VERIFIED, VERIFY_BINDING, RECORD_PASS);
	for (int i = 0; i < VERIFY_CODES; i++)
		cr_assert_neq(result.records[i].mark, RECORD_FAIL);
}

/* A genuine TPM tells nothing of a machine that may have booted anything. */
Test(hardware, where_no_measurement_is_asked_for_hardware_does_not_pass)
{
	quote_sample();
	policy.appraisal[BUNDLE_EVIDENCE_TPM2].reference_count = 0;
	judge(NULL);
	expect(VERIFY_NOT_VERIFIED, measurement, RECORD_FAIL);
	policy.registers = VERIFY_REGISTERS_ANY;
	judge(NULL);
	expect(VERIFY_VERIFIED, measurement, RECORD_PASS);
	cr_assert_not_null(
		strstr(result.records[measurement].text, "development"));
	cr_assert_not_null(strstr(verify_print_summary(&result),
				  "proves nothing about what runs"));
}

/* Whatever was booted may extend it to what a statement says. */
Test(hardware, a_register_that_anything_may_fill_tells_not_what_was_booted)
{
	static const int loose[] = { IDENTITY_PCR, 16, 23 };

	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		quote.selected |= 1u << loose[i];
		quote_sample();
		image.which = (enum appraisal_register)loose[i];
		memcpy(image.value.digest, quote.pcrs[loose[i]], 32);
		judge(NULL);
		expect(VERIFY_NOT_VERIFIED, measurement, RECORD_FAIL);
	}
	image.which = APPRAISAL_PCR0 + PCR_IMAGE;
	memcpy(image.value.digest, quote.pcrs[PCR_IMAGE], 32);
	judge(NULL);
	expect(VERIFY_VERIFIED, measurement, RECORD_PASS);
}

Test(hardware, measurements_asked_of_hardware_that_is_not_there_are_missing)
{
	policy.evidence |= 1u << BUNDLE_EVIDENCE_SOFTWARE;
	sample.type = BUNDLE_EVIDENCE_SOFTWARE;
	sample.statement.assurance = STATEMENT_SOFTWARE;
	judge(NULL);
	expect(VERIFY_NOT_VERIFIED, VERIFY_EVIDENCE_TYPE, RECORD_FAIL);
	policy.appraisal[BUNDLE_EVIDENCE_TPM2].reference_count = 0;
	judge(NULL);
	expect(VERIFY_VERIFIED, VERIFY_EVIDENCE_TYPE, RECORD_PASS);
}

/* The fields of a statement that A1 names, and the keys. */
static const struct {
	const char *name;
	size_t offset, bytes;
} fields[] = {
	{ "program", offsetof(struct statement, binary_digest), 32 },
	{ "model", offsetof(struct statement, model_root), 32 },
	{ "tokenizer", offsetof(struct statement, tokenizer_digest), 32 },
	{ "policy", offsetof(struct statement, policy_digest), 32 },
	{ "jail", offsetof(struct statement, jail_digest), 32 },
	{ "log", offsetof(struct statement, log_digest), 32 },
	{ "command", offsetof(struct statement, command_digest), 32 },
	{ "key expiry", offsetof(struct statement, key_expiry), 2 },
	{ "receipt key", offsetof(struct statement, receipt_key), 32 },
	{ "node id", offsetof(struct statement, node_id), 32 },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))
#define CHANGES 100

/* Some bit of a field, another one each time; the same one twice undoes it. */
static void flip(uint8_t *field, size_t bytes, size_t round)
{
	size_t bit = round * 37 % (8 * bytes);

	field[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* A quote made before is no quote of what a statement says after. */
Test(hardware, no_changed_bit_of_a_statement_or_of_keys_is_bound_by_a_quote)
{
	size_t refused = 0;

	quote_sample();
	for (size_t i = 0; i < FIELDS; i++) {
		uint8_t *field =
			(uint8_t *)&sample.statement + fields[i].offset;

		for (size_t round = 0; round < CHANGES; round++) {
			flip(field, fields[i].bytes, round);
			judge(NULL);
			cr_assert_eq(result.verdict, VERIFY_NOT_VERIFIED, "%s",
				     fields[i].name);
			cr_assert_eq(result.records[VERIFY_BINDING].mark,
				     RECORD_FAIL);
			flip(field, fields[i].bytes, round);
			refused++;
		}
	}
	for (size_t round = 0; round < CHANGES; round++) {
		flip(sample.key.public_key.bytes, 32, round);
		judge(NULL);
		expect(VERIFY_NOT_VERIFIED, VERIFY_BINDING, RECORD_FAIL);
		flip(sample.key.public_key.bytes, 32, round);
		refused++;
	}
	judge(NULL);
	expect(VERIFY_VERIFIED, VERIFY_BINDING, RECORD_PASS);
	cr_assert_eq(refused, (FIELDS + 1) * CHANGES);
	figure_none("A1", "changed fields that a quote still binds", 0, refused,
		    result.verdict == VERIFY_VERIFIED);
}

/*
 * Whoever runs another program on the machine may have its TPM quote whatever
 * that program says of itself: but not with the registers of the right one.
 */
Test(hardware, a_statement_that_the_machine_did_not_measure_is_refused)
{
	for (size_t i = 0; i < 7; i++) {
		uint8_t *field =
			(uint8_t *)&sample.statement + fields[i].offset;

		for (size_t round = 0; round < CHANGES; round++) {
			flip(field, fields[i].bytes, round);
			quote_sample();
			judge(NULL);
			cr_assert_eq(result.records[VERIFY_BINDING].mark,
				     RECORD_PASS);
			expect(VERIFY_NOT_VERIFIED, VERIFY_IDENTITY,
			       RECORD_FAIL);
			flip(field, fields[i].bytes, round);
		}
	}
}

Test(hardware, another_image_is_refused_in_each_of_its_bits)
{
	for (size_t bit = 0; bit < 256; bit++) {
		quote.pcrs[PCR_IMAGE][bit / 8] ^= (uint8_t)(1u << bit % 8);
		quote_sample();
		judge(NULL);
		expect(VERIFY_NOT_VERIFIED, measurement, RECORD_FAIL);
		quote.pcrs[PCR_IMAGE][bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	quote_sample();
	judge(NULL);
	expect(VERIFY_VERIFIED, measurement, RECORD_PASS);
}

Test(hardware, a_quote_for_one_nonce_is_none_for_a_second)
{
	uint8_t first[EVIDENCE_NONCE_BYTES] = { 1 };
	uint8_t second[EVIDENCE_NONCE_BYTES] = { 2 };

	sample.nonce = first;
	quote_sample();
	judge(first);
	expect(VERIFY_VERIFIED, VERIFY_FRESHNESS, RECORD_PASS);
	judge(second);
	expect(VERIFY_NOT_VERIFIED, VERIFY_FRESHNESS, RECORD_FAIL);
	judge(NULL);
	expect(VERIFY_NOT_VERIFIED, VERIFY_BINDING, RECORD_FAIL);
}

/* Refused, and not only remarked upon. */
Test(hardware, an_old_quote_an_ended_key_and_no_time_at_all_are_refused)
{
	static const uint64_t wrong[] = {
		0,	   1, NOW - 30 * 86400, NOW + 3600, NOW + 365 * 86400,
		UINT64_MAX
	};
	struct bytes bytes;

	quote_sample();
	bytes = sample_bundle_seal(&sample);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		verify_bundle(bytes, &policy, wrong[i], NULL, &result);
		cr_assert_neq(result.verdict, VERIFY_VERIFIED, "%zu", i);
	}
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
}

/* Expiry of a certificate is told from forgery, as that of a key is. */
Test(hardware, a_certificate_that_ended_makes_the_verdict_expired)
{
	quote_sample();
	sample.statement.key_expiry = NOW + 40 * 86400;
	quote_sample();
	verify_bundle(sample_bundle_seal(&sample), &policy,
		      NOW + 40 * 86400 - 3600, NULL, &result);
	cr_assert_eq(result.verdict, VERIFY_EXPIRED, "%s",
		     result.records[VERIFY_APPRAISAL + APPRAISAL_CHAIN].text);
}

/* Another TPM, however genuine, is certified by nobody here. */
Test(hardware, the_quote_of_another_machine_s_tpm_is_refused)
{
	struct paper_tpm other;

	paper_tpm_open(PAPER_TPM_P256, &other);
	paper_tpm_close(&tpm);
	tpm = other;
	/* The policy still has the first one's root. */
	struct certificate_root root;

	memset(&root, 7, sizeof(root));
	policy.appraisal[BUNDLE_EVIDENCE_TPM2].roots = &root;
	quote_sample();
	judge(NULL);
	expect(VERIFY_NOT_VERIFIED, VERIFY_APPRAISAL + APPRAISAL_CHAIN,
	       RECORD_FAIL);
}

Test(hardware, no_flipped_bit_of_a_bundle_leaves_it_verified)
{
	struct bytes bytes;
	size_t same = 0, refused = 0;

	quote_sample();
	bytes = sample_bundle_seal(&sample);
	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		sample.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		verify_bundle(bytes, &policy, NOW, NULL, &result);
		if (result.verdict == VERIFY_VERIFIED)
			same++;
		else
			refused++;
		sample.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	verify_bundle(bytes, &policy, NOW, NULL, &result);
	figure_none("A1", "flipped bits of a bundle with a quote accepted",
		    same, same + refused, result.verdict == VERIFY_VERIFIED);
}
