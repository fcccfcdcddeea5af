/* SPDX-License-Identifier: Apache-2.0 */
/* What is over, what was taken back, and what a policy lets pass. */
#include <criterion/criterion.h>

#include "attest/tdx_collateral.h"
#include "tests/unit/tdx_platform.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

#define BIT(code) (UINT32_C(1) << (code))

static void rebuild(struct tdx_platform *platform)
{
	tdx_platform_certify(platform);
	tdx_platform_endorse(platform);
	tdx_platform_sign(platform);
	vector_forget();
}

Test(tdx_time, collateral_that_is_over_or_not_yet_begun_is_expired)
{
	static const struct {
		const char *issued, *next;
		enum record_mark mark;
	} periods[] = {
		{ "2027-01-10T00:00:00Z", "2027-01-15T08:00:00Z", RECORD_PASS },
		{ "2027-01-10T00:00:00Z", "2027-01-15T07:59:59Z", RECORD_FAIL },
		{ "2027-01-15T08:00:00Z", "2027-01-16T00:00:00Z", RECORD_PASS },
		{ "2027-01-15T08:00:01Z", "2027-01-16T00:00:00Z", RECORD_FAIL },
	};
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	for (size_t i = 0; i < 2 * sizeof(periods) / sizeof(periods[0]); i++) {
		size_t at = i / 2;
		struct tdx_platform_frame before =
			i % 2 == 0 ? platform.info : platform.identity;
		struct tdx_platform_frame *frame =
			i % 2 == 0 ? &platform.info : &platform.identity;

		frame->issued = periods[at].issued;
		frame->next = periods[at].next;
		tdx_platform_endorse(&platform);
		vector_forget();
		cr_assert_eq(tdx_platform_accepts(&platform, platform.evidence,
						  &out),
			     periods[at].mark == RECORD_PASS);
		tdx_sample_expect(&out, APPRAISAL_TCB, periods[at].mark,
				  periods[at].mark == RECORD_PASS ? "UpToDate"
				  : i % 2 == 0			  ? "TCB info"
					       : "QE identity");
		cr_assert_eq(out.expired, periods[at].mark == RECORD_PASS
						  ? 0
						  : BIT(APPRAISAL_TCB));
		*frame = before;
	}
	tdx_platform_close(&platform);
}

Test(tdx_time, what_is_both_tampered_with_and_over_is_not_called_expired)
{
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	platform.info.next = "2027-01-14T00:00:00Z";
	platform.pck.pcesvn = 5;
	rebuild(&platform);
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL, "OutOfDate");
	cr_assert_eq(out.expired, 0);
	tdx_platform_close(&platform);
}

Test(tdx_time, certificates_that_are_over_are_expired)
{
	static const struct {
		enum tdx_platform_party party;
		uint32_t expired;
	} cases[] = {
		{ TDX_PCK, BIT(APPRAISAL_CHAIN) | BIT(APPRAISAL_REVOCATION) },
		{ TDX_AUTHORITY,
		  BIT(APPRAISAL_CHAIN) | BIT(APPRAISAL_REVOCATION) },
		{ TDX_ROOT, BIT(APPRAISAL_CHAIN) | BIT(APPRAISAL_REVOCATION) |
				    BIT(APPRAISAL_TCB) },
		{ TDX_SIGNER, BIT(APPRAISAL_TCB) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tdx_platform platform;
		struct appraisal out;

		tdx_platform_open(&platform);
		platform.wishes[cases[i].party].not_after =
			TDX_PLATFORM_NOW - 1;
		rebuild(&platform);
		cr_assert_not(tdx_platform_accepts(&platform, platform.evidence,
						   &out));
		cr_assert_eq(out.expired, cases[i].expired, "%zu: %x", i,
			     out.expired);
		tdx_platform_close(&platform);
	}
}

Test(tdx_time, a_certificate_that_was_taken_back_is_refused)
{
	static const struct {
		enum tdx_platform_party party, issuer;
		int list;
		enum appraisal_code code;
	} cases[] = {
		{ TDX_PCK, TDX_AUTHORITY, 0, APPRAISAL_REVOCATION },
		{ TDX_AUTHORITY, TDX_ROOT, 1, APPRAISAL_REVOCATION },
		{ TDX_SIGNER, TDX_ROOT, 1, APPRAISAL_TCB },
	};
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes before = platform.crls[cases[i].list];

		platform.crls[cases[i].list] =
			authority_list(&(struct authority_list_wish){
				.issuer = &platform.parties[cases[i].issuer],
				.revoked = &platform.parties[cases[i].party] });
		cr_assert_not(tdx_platform_accepts(&platform, platform.evidence,
						   &out));
		tdx_sample_expect(&out, cases[i].code, RECORD_FAIL,
				  cases[i].code == APPRAISAL_TCB ? "denied"
								 : "revoked");
		platform.crls[cases[i].list] = before;
		cr_assert(tdx_platform_accepts(&platform, platform.evidence,
					       &out));
		vector_forget();
	}
	tdx_platform_close(&platform);
}

Test(tdx_time, a_list_that_is_missing_old_or_forged_is_refused)
{
	struct tdx_platform platform;
	struct appraisal out;
	struct bytes before;

	tdx_platform_open(&platform);
	before = platform.crls[0];
	platform.policy.crl_count = 1;
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL, "unavailable");
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_FAIL, "missing");
	platform.policy.crl_count = 2;
	platform.crls[0] = authority_list(&(struct authority_list_wish){
		.issuer = &platform.parties[TDX_AUTHORITY],
		.next = TDX_PLATFORM_NOW - 1 });
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	cr_assert_eq(out.expired, BIT(APPRAISAL_REVOCATION));
	platform.crls[0] = authority_list(&(struct authority_list_wish){
		.issuer = &platform.parties[TDX_AUTHORITY],
		.signer = &platform.parties[TDX_STRANGER_ROOT] });
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_REVOCATION, RECORD_FAIL,
			  "unauthentic");
	platform.crls[0] = (struct bytes){ before.data, before.len - 1 };
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_platform_close(&platform);
}

/* Every state against every worst one that a policy may accept. */
Test(tdx_time,
     a_state_is_accepted_up_to_the_worst_of_the_policy_and_never_revoked)
{
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	for (int is = 0; is <= APPRAISAL_TDX_REVOKED; is++) {
		platform.levels[0].status = tdx_collateral_status_name(
			(enum appraisal_tdx_status)is);
		tdx_platform_endorse(&platform);
		vector_forget();
		for (int worst = 0; worst <= APPRAISAL_TDX_REVOKED; worst++) {
			platform.policy.tdx_worst =
				(enum appraisal_tdx_status)worst;
			cr_assert_eq(tdx_platform_accepts(&platform,
							  platform.evidence,
							  &out),
				     is <= worst && is != APPRAISAL_TDX_REVOKED,
				     "%d under %d", is, worst);
		}
	}
	tdx_platform_close(&platform);
}

Test(tdx_time, an_old_module_or_quoting_enclave_makes_a_good_platform_old)
{
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	platform.body[TDX_BODY_TEE_TCB_SVN] = 5;
	tdx_platform_sign(&platform);
	platform.policy.tdx_worst = APPRAISAL_TDX_OUT_OF_DATE;
	cr_assert(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_PASS, "OutOfDate,");
	platform.levels[0].status = "ConfigurationNeeded";
	tdx_platform_endorse(&platform);
	platform.policy.tdx_worst = APPRAISAL_TDX_OUT_OF_DATE;
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL,
			  "OutOfDateConfigurationNeeded");
	platform.body[TDX_BODY_TEE_TCB_SVN] = 6;
	platform.levels[0].status = "UpToDate";
	platform.qe_steps[0].status = "Revoked";
	tdx_platform_endorse(&platform);
	tdx_platform_sign(&platform);
	platform.policy.tdx_worst = APPRAISAL_TDX_REVOKED;
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_TCB, RECORD_FAIL, "Revoked");
	tdx_platform_close(&platform);
}
