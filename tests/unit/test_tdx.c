/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused although every signature is right: Intel's and the platform's
 * keys are the test's, and sign whatever a case makes them say.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/tdx_platform.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

struct bend {
	const char *name;
	void (*bend)(struct tdx_platform *platform);
	enum appraisal_code code; /* the question that has to notice */
	const char *words;
};

/* Bend a platform, let everybody sign, and expect the refusal. */
static void refuse(const struct bend *bends, size_t count)
{
	struct tdx_platform platform;
	struct appraisal out;

	for (size_t i = 0; i < count; i++) {
		const struct record *record = &out.records[bends[i].code];

		tdx_platform_open(&platform);
		cr_assert(tdx_platform_accepts(&platform, platform.evidence,
					       &out));
		bends[i].bend(&platform);
		tdx_platform_certify(&platform);
		tdx_platform_endorse(&platform);
		tdx_platform_sign(&platform);
		vector_forget();
		cr_assert_not(tdx_platform_accepts(&platform, platform.evidence,
						   &out),
			      "%s", bends[i].name);
		cr_assert(record->mark == RECORD_FAIL &&
				  strstr(record->text, bends[i].words) != NULL,
			  "%s: %s %s", bends[i].name,
			  record_mark_name(record->mark), record->text);
		cr_assert_eq(out.expired, 0, "%s", bends[i].name);
		tdx_platform_close(&platform);
	}
}

#define REFUSE(bends) refuse(bends, sizeof(bends) / sizeof((bends)[0]))

/* A function of one act on `p`. */
#define BEND(name, act)                          \
	static void name(struct tdx_platform *p) \
	{                                        \
		act;                             \
	}

Test(tdx, a_platform_under_a_root_of_the_policy_is_accepted)
{
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	cr_assert(tdx_platform_accepts(&platform, platform.evidence, &out));
	cr_assert_eq(out.valid_until, TDX_PLATFORM_NOW + AUTHORITY_DAY);
	platform.policy.root_count = 0;
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_CHAIN, RECORD_FAIL, "accepted root");
	platform.policy.root_count = 1;
	platform.chip.id[0] ^= 1;
	cr_assert_not(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_sample_expect(&out, APPRAISAL_CHIP, RECORD_FAIL, "none of the 1");
	tdx_platform_close(&platform);
}

/* Version 4 has no body type, and its body is that of TD 1.0. */
static void be_version_4(struct tdx_platform *platform)
{
	platform->header[0] = 4;
	platform->body_len = 584;
}

Test(tdx, each_form_of_a_quote_is_accepted)
{
	struct tdx_platform platform;
	struct appraisal out;

	tdx_platform_open(&platform);
	be_version_4(&platform);
	tdx_platform_sign(&platform);
	cr_assert(tdx_platform_accepts(&platform, platform.evidence, &out));
	platform.header[0] = 5;
	platform.body_type = 2;
	platform.body_size = 584;
	tdx_platform_sign(&platform);
	cr_assert(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_platform_close(&platform);
}

BEND(version_3, p->header[0] = 3)
BEND(version_6, p->header[0] = 6)
BEND(version_with_a_high_byte, p->header[1] = 1)
BEND(key_type_p384, p->header[2] = 3)
BEND(tee_sgx, p->header[4] = 0)
BEND(reserved_set, p->header[9] = 1)
BEND(other_vendor, p->header[12] ^= 1)
BEND(body_of_sgx, p->body_type = 1)
BEND(body_of_the_future, p->body_type = 4)
BEND(body_size_of_another, p->body_size = 584)
BEND(body_cut, p->body_len = 584)
BEND(version_4_with_a_long_body, p->header[0] = 4)

Test(tdx, a_quote_of_another_form_is_refused_though_it_is_signed)
{
	static const struct bend bends[] = {
		{ "version 3", version_3, APPRAISAL_FORMAT, "unsupported" },
		{ "version 6", version_6, APPRAISAL_FORMAT, "unsupported" },
		{ "version 0x105", version_with_a_high_byte, APPRAISAL_FORMAT,
		  "unsupported" },
		{ "P-384", key_type_p384, APPRAISAL_FORMAT, "unsupported" },
		{ "SGX", tee_sgx, APPRAISAL_FORMAT, "unsupported" },
		{ "reserved", reserved_set, APPRAISAL_FORMAT, "malformed" },
		{ "vendor", other_vendor, APPRAISAL_FORMAT, "unsupported" },
		{ "type 1", body_of_sgx, APPRAISAL_FORMAT, "unsupported" },
		{ "type 4", body_of_the_future, APPRAISAL_FORMAT,
		  "unsupported" },
		{ "size", body_size_of_another, APPRAISAL_FORMAT, "malformed" },
		{ "cut", body_cut, APPRAISAL_FORMAT, "" },
		{ "4 with 648", version_4_with_a_long_body, APPRAISAL_FORMAT,
		  "" },
	};

	REFUSE(bends);
}

BEND(debug, p->body[TDX_BODY_TD_ATTRIBUTES] |= 1)
BEND(profiled, p->body[TDX_BODY_TD_ATTRIBUTES] |= 0x20)
BEND(migratable, p->body[TDX_BODY_TD_ATTRIBUTES + 3] |= 0x20)
BEND(attribute_8, p->body[TDX_BODY_TD_ATTRIBUTES + 1] |= 1)
BEND(attribute_62, p->body[TDX_BODY_TD_ATTRIBUTES + 7] |= 0x40)
BEND(served, p->body[TDX_BODY_MRSERVICETD + 47] = 1)

Test(tdx, a_guest_that_is_not_alone_is_refused)
{
	static const struct bend bends[] = {
		{ "debug", debug, APPRAISAL_GUEST, "debugger" },
		{ "profiled", profiled, APPRAISAL_GUEST, "reserved" },
		{ "migratable", migratable, APPRAISAL_GUEST, "migrated" },
		{ "bit 8", attribute_8, APPRAISAL_GUEST, "reserved" },
		{ "bit 62", attribute_62, APPRAISAL_GUEST, "reserved" },
		{ "service TD", served, APPRAISAL_GUEST, "MRSERVICETD" },
	};

	REFUSE(bends);
}

BEND(sgx_component, p->pck.components[4] = 2)
BEND(every_sgx_component, memset(p->pck.components, 0, 16))
BEND(pcesvn, p->pck.pcesvn = 10)
BEND(pcesvn_of_nobody, p->pck.pcesvn = 2)
BEND(tdx_component, p->body[TDX_BODY_TEE_TCB_SVN + 2] = 1)
BEND(module_svn, p->body[TDX_BODY_TEE_TCB_SVN] = 5)
BEND(module_svn_of_nobody, p->body[TDX_BODY_TEE_TCB_SVN] = 3)
BEND(module_version, p->body[TDX_BODY_TEE_TCB_SVN + 1] = 2)
BEND(running_module_svn, p->body[TDX_BODY_TEE_TCB_SVN2] = 5)
BEND(running_component, p->body[TDX_BODY_TEE_TCB_SVN2 + 2] = 0)
BEND(module_signer, p->body[TDX_BODY_MRSIGNERSEAM] = 1)
BEND(module_attributes, p->body[TDX_BODY_SEAM_ATTRIBUTES + 7] = 0x80)
BEND(fmspc_of_pck, p->pck.fmspc[5] = 1)
BEND(pceid_of_pck, p->pck.pceid[1] = 1)

static void module_attribute_that_is_asked_for(struct tdx_platform *platform)
{
	platform->body[TDX_BODY_SEAM_ATTRIBUTES] = 1;
	platform->module_attributes[0] = 1;
}

/* Without a version, components 0 and 1 are compared like all others. */
static void old_module_without_version(struct tdx_platform *platform)
{
	be_version_4(platform);
	platform->body[TDX_BODY_TEE_TCB_SVN] = 2;
	platform->body[TDX_BODY_TEE_TCB_SVN + 1] = 0;
}

Test(tdx, a_platform_below_its_levels_is_refused)
{
	static const struct bend bends[] = {
		{ "SGX component", sgx_component, APPRAISAL_TCB, "Revoked" },
		{ "all of them", every_sgx_component, APPRAISAL_TCB,
		  "below every level" },
		{ "PCESVN", pcesvn, APPRAISAL_TCB, "OutOfDate" },
		{ "PCESVN 2", pcesvn_of_nobody, APPRAISAL_TCB,
		  "below every level" },
		{ "TDX component", tdx_component, APPRAISAL_TCB, "Revoked" },
		{ "module", module_svn, APPRAISAL_TCB, "OutOfDate" },
		{ "module 3", module_svn_of_nobody, APPRAISAL_TCB,
		  "below every level" },
		{ "module version", module_version, APPRAISAL_TCB, "signer" },
		{ "running module", running_module_svn, APPRAISAL_TCB,
		  "OutOfDate" },
		{ "running", running_component, APPRAISAL_TCB, "Revoked" },
		{ "signer", module_signer, APPRAISAL_TCB, "signer" },
		{ "attributes", module_attributes, APPRAISAL_TCB,
		  "attributes" },
		{ "both", module_attribute_that_is_asked_for, APPRAISAL_TCB,
		  "attributes" },
		{ "old module", old_module_without_version, APPRAISAL_TCB,
		  "below every level" },
		{ "FMSPC", fmspc_of_pck, APPRAISAL_TCB, "of another kind" },
		{ "PCE-ID", pceid_of_pck, APPRAISAL_TCB, "of another kind" },
	};

	REFUSE(bends);
}

BEND(qe_signer, p->qe_report[TDX_QE_MRSIGNER] ^= 1)
BEND(qe_product, p->qe_report[TDX_QE_ISVPRODID] = 1)
BEND(qe_attributes, p->qe_report[TDX_QE_ATTRIBUTES + 1] = 1)
BEND(qe_miscselect, p->qe_report[TDX_QE_MISCSELECT + 3] = 1)
BEND(qe_svn, p->qe_report[TDX_QE_ISVSVN] = 5)
BEND(qe_svn_of_nobody, p->qe_report[TDX_QE_ISVSVN] = 3)

static void qe_for_debugging(struct tdx_platform *platform)
{
	platform->qe_report[TDX_QE_ATTRIBUTES] |= 2;
	platform->qe_attributes_mask[0] = 0;
}

Test(tdx, another_quoting_enclave_is_refused)
{
	static const struct bend bends[] = {
		{ "MRSIGNER", qe_signer, APPRAISAL_TCB, "signer" },
		{ "ISVPRODID", qe_product, APPRAISAL_TCB, "signer" },
		{ "attributes", qe_attributes, APPRAISAL_TCB, "attributes" },
		{ "miscselect", qe_miscselect, APPRAISAL_TCB, "attributes" },
		{ "ISVSVN", qe_svn, APPRAISAL_TCB, "OutOfDate" },
		{ "ISVSVN 3", qe_svn_of_nobody, APPRAISAL_TCB,
		  "below every level" },
		{ "debug", qe_for_debugging, APPRAISAL_TCB, "attributes" },
	};

	REFUSE(bends);
}

BEND(info_of_sgx, p->info.id = "SGX")
BEND(info_of_version_2, p->info.version = 2)
BEND(info_of_version_4, p->info.version = 4)
BEND(info_named_otherwise, p->info.name = "tcbinfo")
BEND(info_is_an_identity, p->info.name = "enclaveIdentity")
BEND(info_that_ends_before, p->info.next = "2027-01-09T00:00:00Z")
BEND(info_on_no_day, p->info.issued = "2026-02-30T00:00:00Z")
BEND(info_without_zone, p->info.issued = "2027-01-10T00:00:00+")
BEND(info_doubled, p->info.more = "\"id\":\"SGX\",")
BEND(info_of_other_fmspc, strcpy(p->fmspc, "B0C06F000001"))
BEND(info_of_short_fmspc, strcpy(p->fmspc, "B0C06F0000"))
BEND(info_of_other_pceid, strcpy(p->pceid, "0001"))
BEND(info_of_another_module, p->module_id = "TDX_02")
BEND(info_of_a_module_without_number, p->module_id = "TDX_1")
BEND(info_with_wide_svn, p->levels[0].sgx[0] = 256)
BEND(info_of_unknown_state, p->levels[0].status = "Fine")
BEND(info_of_module_state, p->module_steps[0].status = "SWHardeningNeeded")
BEND(id_of_sgx, p->identity.id = "QE")
BEND(id_of_version_1, p->identity.version = 1)
BEND(id_doubled, p->identity.more = "\"version\":2,")
BEND(id_of_another, p->qe_mrsigner[31] ^= 0x80)
BEND(id_of_another_product, p->qe_isvprodid = 3)
BEND(id_with_wide_product, p->qe_isvprodid = 65536 + 2)
BEND(signed_by_a_pck, p->collateral_signer = TDX_PCK)
BEND(signed_by_the_root, p->collateral_signer = TDX_ROOT)
BEND(signed_by_a_stranger,
     p->wishes[TDX_SIGNER].issuer = &p->parties[TDX_STRANGER_ROOT])
BEND(signer_of_another_name, p->wishes[TDX_SIGNER].name = "TCB Signing")

Test(tdx, collateral_that_says_something_else_is_refused_though_it_is_signed)
{
	static const struct bend bends[] = {
		{ "SGX", info_of_sgx, APPRAISAL_TCB, "TCB info cannot" },
		{ "2", info_of_version_2, APPRAISAL_TCB, "unsupported" },
		{ "4", info_of_version_4, APPRAISAL_TCB, "unsupported" },
		{ "tcbinfo", info_named_otherwise, APPRAISAL_TCB, "malformed" },
		{ "identity", info_is_an_identity, APPRAISAL_TCB, "malformed" },
		{ "ends", info_that_ends_before, APPRAISAL_TCB, "malformed" },
		{ "day", info_on_no_day, APPRAISAL_TCB, "malformed" },
		{ "zone", info_without_zone, APPRAISAL_TCB, "malformed" },
		{ "doubled", info_doubled, APPRAISAL_TCB, "malformed" },
		{ "FMSPC", info_of_other_fmspc, APPRAISAL_TCB, "another kind" },
		{ "short", info_of_short_fmspc, APPRAISAL_TCB, "malformed" },
		{ "PCE-ID", info_of_other_pceid, APPRAISAL_TCB,
		  "another kind" },
		{ "module", info_of_another_module, APPRAISAL_TCB, "signer" },
		{ "TDX_1", info_of_a_module_without_number, APPRAISAL_TCB,
		  "malformed" },
		{ "256", info_with_wide_svn, APPRAISAL_TCB, "malformed" },
		{ "state", info_of_unknown_state, APPRAISAL_TCB,
		  "unsupported" },
		{ "module's", info_of_module_state, APPRAISAL_TCB,
		  "unsupported" },
		{ "QE", id_of_sgx, APPRAISAL_TCB, "QE identity cannot" },
		{ "1", id_of_version_1, APPRAISAL_TCB, "unsupported" },
		{ "doubled", id_doubled, APPRAISAL_TCB, "malformed" },
		{ "MRSIGNER", id_of_another, APPRAISAL_TCB, "signer" },
		{ "product", id_of_another_product, APPRAISAL_TCB, "signer" },
		{ "65538", id_with_wide_product, APPRAISAL_TCB, "malformed" },
		{ "PCK", signed_by_a_pck, APPRAISAL_TCB, "unauthentic" },
		{ "root", signed_by_the_root, APPRAISAL_TCB, "unauthentic" },
		{ "stranger", signed_by_a_stranger, APPRAISAL_TCB,
		  "unauthentic" },
		{ "name", signer_of_another_name, APPRAISAL_TCB,
		  "unauthentic" },
	};

	REFUSE(bends);
}

BEND(other_key_signed, p->quote_signer = TDX_PCK)
BEND(other_pck_signed, p->qe_signer = TDX_STRANGER)
BEND(attester_signed_itself, p->qe_signer = TDX_ATTESTER)
BEND(other_key_named, p->keeps_qe_data = true; p->qe_report[320] ^= 1)
BEND(more_is_said, p->keeps_qe_data = true; p->qe_report[383] = 1)
BEND(authentication_changed, p->keeps_qe_data = true; p->authentication[0] ^= 1)

Test(tdx, a_key_that_nobody_vouched_for_signs_nothing)
{
	static const struct bend bends[] = {
		{ "quote", other_key_signed, APPRAISAL_SIGNATURE,
		  "did not sign this quote" },
		{ "QE", other_pck_signed, APPRAISAL_SIGNATURE,
		  "PCK did not sign" },
		{ "itself", attester_signed_itself, APPRAISAL_SIGNATURE,
		  "PCK did not sign" },
		{ "key", other_key_named, APPRAISAL_SIGNATURE, "another key" },
		{ "rest", more_is_said, APPRAISAL_SIGNATURE, "another key" },
		{ "authentication", authentication_changed, APPRAISAL_SIGNATURE,
		  "another key" },
	};

	REFUSE(bends);
}

BEND(strangers_certificate, p->chain[0] = TDX_STRANGER)
BEND(strangers_root, p->chain[2] = TDX_STRANGER_ROOT)
BEND(signer_for_authority, p->chain[1] = TDX_SIGNER)
BEND(no_root, p->chain_count = 2)
BEND(one_more, p->chain[3] = TDX_SIGNER; p->chain_count = 4)
BEND(two_pcks, p->chain[1] = TDX_STRANGER)
BEND(no_pck, p->chain[0] = TDX_SIGNER)
BEND(named_otherwise, p->wishes[TDX_PCK].name = "Intel SGX PCK")
BEND(issued_by_root, p->wishes[TDX_PCK].issuer = &p->parties[TDX_ROOT])
BEND(issued_by_signer, p->wishes[TDX_PCK].issuer = &p->parties[TDX_SIGNER])
BEND(authority_of_another_name, p->wishes[TDX_AUTHORITY].name = "PCK CA")
BEND(authority_that_is_none, p->wishes[TDX_AUTHORITY].role = AUTHORITY_LEAF)

static void everything_of_a_stranger(struct tdx_platform *platform)
{
	platform->wishes[TDX_AUTHORITY].issuer =
		&platform->parties[TDX_STRANGER_ROOT];
	platform->chain[2] = TDX_STRANGER_ROOT;
}

Test(tdx, certificates_that_do_not_lead_to_the_root_are_refused)
{
	static const struct bend bends[] = {
		{ "leaf", strangers_certificate, APPRAISAL_CHAIN, "" },
		{ "root", strangers_root, APPRAISAL_CHAIN, "accepted root" },
		{ "signer", signer_for_authority, APPRAISAL_CHAIN, "root" },
		{ "two", no_root, APPRAISAL_CHAIN, "does not carry" },
		{ "four", one_more, APPRAISAL_CHAIN, "does not carry" },
		{ "PCKs", two_pcks, APPRAISAL_CHAIN, "does not carry" },
		{ "no PCK", no_pck, APPRAISAL_CHAIN, "does not carry" },
		{ "name", named_otherwise, APPRAISAL_CHAIN, "does not carry" },
		{ "by root", issued_by_root, APPRAISAL_CHAIN,
		  "does not carry" },
		{ "by signer", issued_by_signer, APPRAISAL_CHAIN,
		  "does not carry" },
		{ "CA's name", authority_of_another_name, APPRAISAL_CHAIN,
		  "does not carry" },
		{ "no CA", authority_that_is_none, APPRAISAL_CHAIN,
		  "accepted root" },
		{ "stranger", everything_of_a_stranger, APPRAISAL_CHAIN,
		  "accepted root" },
	};

	REFUSE(bends);
}
