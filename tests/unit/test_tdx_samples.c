/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes that real platforms made, each with its documented verdict. */
#include <criterion/criterion.h>

#include "attest/roots.h"
#include "attest/tdx_quote.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

#define JUNE_20_2025 UINT64_C(1750377600)
#define FEBRUARY_20_2026 UINT64_C(1771545600)
#define JULY_1_2023 UINT64_C(1688169600)
#define FEBRUARY_10_2026 UINT64_C(1770681600)

static struct bytes no_log;

/* The questions that failed for the time alone. */
static uint32_t bit(enum appraisal_code code)
{
	return UINT32_C(1) << code;
}

Test(tdx_samples, a_quote_of_production_is_up_to_date_in_its_month)
{
	struct tdx_sample_collateral collateral;
	struct appraisal_policy policy;
	struct appraisal out;
	struct bytes evidence;

	tdx_sample_load(&collateral);
	policy = tdx_sample_policy(&collateral, JUNE_20_2025);
	evidence = tdx_sample_evidence(vector_own("tdx/quote.dat"), no_log);
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_FORMAT, RECORD_PASS, "version 4");
	tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_PASS, "Intel's own");
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_PASS, "none");
	tdx_sample_expect(&out, APPRAISAL_SIGNATURE, RECORD_PASS, "signed");
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_PASS, "UpToDate");
	tdx_sample_expect(&out, APPRAISAL_GUEST, RECORD_PASS,
			  "SEPT_VE_DISABLE is on");
	tdx_sample_expect(&out, APPRAISAL_EVENTS, RECORD_SKIP, "No event log");
	cr_assert(appraisal_holds(&out, TDX_NEEDED));
	cr_assert_eq(out.expired, 0);
	/* The PCK CA's list of July 2025 is looser than the TCB info. */
	cr_assert_eq(out.valid_until, 1752920163, "%lu", out.valid_until);
	cr_assert_eq(out.report_data.len, 64);
	cr_assert_eq(out.registers[APPRAISAL_MRTD].len, 48);
	cr_assert_eq(out.registers[APPRAISAL_RTMR0 + 3].len, 48);
	cr_assert_eq(out.registers[APPRAISAL_PCR0].len, 0);
	cr_assert_eq(out.chip.len, 16);
	vector_forget();
}

Test(tdx_samples, the_same_quote_is_expired_not_tampered_when_its_collateral_is)
{
	struct tdx_sample_collateral collateral;
	struct appraisal_policy policy;
	struct appraisal out;
	struct bytes evidence;

	tdx_sample_load(&collateral);
	policy = tdx_sample_policy(&collateral, FEBRUARY_20_2026);
	evidence = tdx_sample_evidence(vector_own("tdx/quote.dat"), no_log);
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_PASS, "");
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_FAIL,
			  "not valid at this time");
	tdx_sample_expect(&out, APPRAISAL_SIGNATURE, RECORD_PASS, "");
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
			  "not valid at this time");
	cr_assert_eq(out.expired,
		     bit(APPRAISAL_REVOCATION) | bit(APPRAISAL_TCB));
	cr_assert_not(appraisal_holds(&out, TDX_NEEDED));
	policy.crl_count = 0;
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
			  "TCB info is not valid at this time");
	vector_forget();
}

Test(tdx_samples, without_collateral_the_firmware_may_be_old_and_is_refused)
{
	struct appraisal_policy policy = { .now = JUNE_20_2025 };
	struct appraisal out;
	struct bytes evidence =
		tdx_sample_evidence(vector_own("tdx/quote.dat"), no_log);

	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_SKIP, "No list");
	tdx_sample_expect(&out, APPRAISAL_SIGNATURE, RECORD_PASS, "");
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
			  "There is no collateral");
	cr_assert_not(appraisal_holds(&out, TDX_NEEDED));
	vector_forget();
}

/* What each sample of the public sets answers, by its own bytes alone. */
static const struct {
	const char *path;
	uint64_t now;
	uint16_t version;
	enum tdx_quote_body body;
	size_t trailing;
	enum record_mark guest;
	const char *words;
} samples[] = {
	{ "tdx/v4-goTDX/quote.dat", JULY_1_2023, 4, TDX_QUOTE_TD10, 39,
	  RECORD_PASS, "SEPT_VE_DISABLE is off, PKS on" },
	{ "tdx/v4-trustee-debug/quote.dat", JULY_1_2023, 4, TDX_QUOTE_TD10, 0,
	  RECORD_FAIL, "debugger" },
	{ "tdx/v4-phala/tdx_quote", JUNE_20_2025, 4, TDX_QUOTE_TD10, 70,
	  RECORD_PASS, "SEPT_VE_DISABLE is on" },
	{ "tdx/v5-goTDX/quote.dat", FEBRUARY_10_2026, 5, TDX_QUOTE_TD15, 0,
	  RECORD_PASS, "SEPT_VE_DISABLE is on" },
	{ "tdx/v5-trustee/quote.dat", JUNE_20_2025, 5, TDX_QUOTE_TD15, 0,
	  RECORD_FAIL, "MRSERVICETD" },
};

Test(tdx_samples, every_quote_of_the_public_sets_leads_to_intel)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct appraisal_policy policy = { .now = samples[i].now };
		struct bytes file = vector_file(samples[i].path);
		struct bytes evidence = tdx_sample_evidence(file, no_log);
		struct tdx_quote quote;
		struct appraisal out;

		cr_assert_eq(tdx_quote_parse(file, &quote), ERR_OK);
		cr_assert_eq(quote.version, samples[i].version);
		cr_assert_eq(quote.body, samples[i].body);
		cr_assert_eq(quote.trailing, samples[i].trailing);
		tdx_appraise(evidence, &policy, &out);
		tdx_sample_expect(&out, APPRAISAL_FORMAT, RECORD_PASS, "");
		tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_PASS, "");
		tdx_sample_expect(&out, APPRAISAL_SIGNATURE, RECORD_PASS, "");
		tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
				  "no collateral");
		tdx_sample_expect(&out, APPRAISAL_GUEST, samples[i].guest,
				  samples[i].words);
		vector_forget();
	}
}

Test(tdx_samples, a_list_of_the_authoritys_tells_that_none_was_revoked)
{
	struct bytes crls[] = { vector_file("tdx/v4-goTDX/pck.crl.der"),
				vector_file("tdx/v4-goTDX/root.crl.der") };
	struct appraisal_policy policy = { .now = JULY_1_2023,
					   .crls = crls,
					   .crl_count = 2 };
	struct bytes evidence = tdx_sample_evidence(
		vector_file("tdx/v4-goTDX/quote.dat"), no_log);
	struct appraisal out;

	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_PASS, "Every");
	policy.crl_count = 1;
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_FAIL, "missing");
	policy.crl_count = 2;
	policy.now = JUNE_20_2025;
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_FAIL,
			  "not valid at this time");
	vector_forget();
}

/*
 * Intel's synthetic platform: its own root, the certificates as DER, and
 * components beyond a byte in its TCB info, which nothing that is real has.
 */
Test(tdx_samples, intels_synthetic_platform_stands_under_its_own_root_alone)
{
	struct bytes evidence = tdx_sample_evidence(
		vector_file("tdx/v4-intel-synthetic/quote.dat"), no_log);
	struct bytes crls[] = {
		vector_file("tdx/v4-intel-synthetic/intermediateCaCrl.der"),
		vector_file("tdx/v4-intel-synthetic/rootCaCrl.der")
	};
	struct certificate_chain chain = { 0 };
	struct certificate_root root;
	struct appraisal_policy policy = {
		.now = JULY_1_2023,
		.crls = crls,
		.crl_count = 2,
		.tdx_tcb_info =
			vector_file("tdx/v4-intel-synthetic/tcbInfo.json"),
		.tdx_qe_identity =
			vector_file("tdx/v4-intel-synthetic/qeIdentity.json"),
		.tdx_signing_chain =
			vector_file("tdx/v4-intel-synthetic/tcbSignChain.pem"),
	};
	struct appraisal out;

	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_FAIL,
			  "does not lead to an accepted root");
	cr_assert_eq(certificate_chain_add_pem(
			     &chain, vector_file("tdx/v4-intel-synthetic/"
						 "trustedRootCaCert.pem")),
		     ERR_OK);
	certificate_root_of(&chain.list[0], &root);
	certificate_chain_close(&chain);
	policy.roots = &root;
	policy.root_count = 1;
	tdx_appraise(evidence, &policy, &out);
	tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_PASS, "of the policy");
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_PASS, "");
	tdx_sample_expect(&out, APPRAISAL_SIGNATURE, RECORD_PASS, "");
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
			  "TCB info cannot be used: malformed");
	cr_assert_eq(out.chip.len, 32);
	vector_forget();
}
