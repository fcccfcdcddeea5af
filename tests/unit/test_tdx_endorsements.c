/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral and certificates, changed field by field and signed again. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/tdx_mutation.h"

static const char *const dates[] = { "2000-01-01T00:00:00Z",
				     "2026-12-31T23:59:60Z",
				     "2027-01-15T07:59:59",
				     "2027-01-15 07:59:59Z",
				     "2027-13-01T00:00:00Z",
				     "1969-12-31T23:59:59Z",
				     "2027-02-29T00:00:00Z",
				     "",
				     "never" };
static const char *const ids[] = { "SGX",  "QE", "QVE",	   "tdx",
				   "TDX ", "",	 "TD_QE_", "TDX_01" };
static const char *const states[] = { "OutOfDate",
				      "Revoked",
				      "SWHardeningNeeded",
				      "ConfigurationNeeded",
				      "uptodate",
				      "UpToDate ",
				      "" };
static const char *const modules[] = { "TDX_00",  "TDX_02", "TDX_1", "TDX_",
				       "TDX_001", "tdx_01", "" };

#define LEVEL p->levels[0]

static void change_digit(char *digits, size_t len)
{
	char *one = &digits[tdx_mutation_below(len)];

	*one = *one == 'A' ? 'B' : 'A';
}

MUTATE(c_info_id, p->info.id = ANY(ids))
MUTATE(c_info_version, p->info.version ^= 1 + tdx_mutation_below(7))
MUTATE(c_info_next, p->info.next = ANY(dates))
MUTATE(c_info_issued,
       p->info.issued = dates[1 + tdx_mutation_below(COUNT(dates) - 1)])
MUTATE(c_id_id, p->identity.id = ANY(ids))
MUTATE(c_id_version, p->identity.version ^= 1 + tdx_mutation_below(7))
MUTATE(c_id_next, p->identity.next = ANY(dates))
MUTATE(c_id_issued,
       p->identity.issued = dates[1 + tdx_mutation_below(COUNT(dates) - 1)])
MUTATE(c_fmspc, change_digit(p->fmspc, 12))
MUTATE(c_fmspc_len, p->fmspc[tdx_mutation_below(12)] = '\0')
MUTATE(c_pceid, change_digit(p->pceid, 4))
MUTATE(c_level_sgx,
       LEVEL.sgx[tdx_mutation_below(16)] = 6 + tdx_mutation_below(500))
MUTATE(c_level_tdx,
       LEVEL.tdx[2 + tdx_mutation_below(14)] = 4 + tdx_mutation_below(500))
MUTATE(c_level_pce, LEVEL.pcesvn = 14 + tdx_mutation_below(100000))
MUTATE(c_level_state, LEVEL.status = ANY(states))
MUTATE(c_module_id, p->module_id = ANY(modules))
MUTATE(c_module_signer, tdx_mutation_change(p->module_signer, 48))
MUTATE(c_module_attributes, tdx_mutation_change(p->module_attributes, 8))
MUTATE(c_module_step,
       p->module_steps[0].isvsvn = 7 + tdx_mutation_below(100000))
MUTATE(c_module_state, p->module_steps[0].status = ANY(states))
MUTATE(c_qe_signer, tdx_mutation_change(p->qe_mrsigner, 32))
MUTATE(c_qe_product, p->qe_isvprodid ^= 1 + tdx_mutation_below(100000))
MUTATE(c_qe_step, p->qe_steps[0].isvsvn = 7 + tdx_mutation_below(100000))
MUTATE(c_qe_state, p->qe_steps[0].status = ANY(states))
MUTATE(c_qe_attributes, tdx_mutation_change(p->qe_attributes + 1, 7))
MUTATE(c_qe_miscselect, tdx_mutation_change(p->qe_miscselect, 4))
MUTATE(c_signer,
       p->collateral_signer = (enum tdx_platform_party)tdx_mutation_below(3))
MUTATE(c_stranger,
       p->collateral_signer = (enum tdx_platform_party)(TDX_ATTESTER +
							tdx_mutation_below(3)))
MUTATE(c_doubled, p->info.more = "\"fmspc\":\"B0C06F000000\",")
MUTATE(c_id_doubled, p->identity.more = "\"isvprodid\":2,")
MUTATE(c_cut_value, p->info.more = "\"a\":[1,2,")
MUTATE(c_id_reopened, p->identity.more = "\"a\":{},{")
MUTATE(c_more, p->info.more = "\"new\":{\"version\":[1,null,\"x\"]},")
MUTATE(c_id_more, p->identity.more = "\"new\":[[]],")
MUTATE(c_lower_level,
       p->levels[1 + tdx_mutation_below(2)].sgx[tdx_mutation_below(16)] =
	       tdx_mutation_below(256))
MUTATE(c_lower_state, p->levels[2].status = "SWHardeningNeeded")
MUTATE(c_level_lowered, LEVEL.sgx[tdx_mutation_below(16)] = 0;
       LEVEL.pcesvn = tdx_mutation_below(13);
       LEVEL.tdx[tdx_mutation_below(2)] = tdx_mutation_below(256))
MUTATE(c_unmasked, tdx_mutation_change(p->qe_attributes + 8, 8))

Test(tdx_mutations,
     of_signed_collateral_none_that_says_something_else_is_accepted)
{
	static const struct tdx_mutation mutations[] = {
		{ c_info_id, false },	    { c_info_version, false },
		{ c_info_next, false },	    { c_info_issued, false },
		{ c_id_id, false },	    { c_id_version, false },
		{ c_id_next, false },	    { c_id_issued, false },
		{ c_fmspc, false },	    { c_fmspc_len, false },
		{ c_pceid, false },	    { c_level_sgx, false },
		{ c_level_tdx, false },	    { c_level_pce, false },
		{ c_level_state, false },   { c_module_id, false },
		{ c_module_signer, false }, { c_module_attributes, false },
		{ c_module_step, false },   { c_module_state, false },
		{ c_qe_signer, false },	    { c_qe_product, false },
		{ c_qe_step, false },	    { c_qe_state, false },
		{ c_qe_attributes, false }, { c_qe_miscselect, false },
		{ c_signer, false },	    { c_stranger, false },
		{ c_doubled, false },	    { c_id_doubled, false },
		{ c_cut_value, false },	    { c_id_reopened, false },
		{ c_more, true },	    { c_id_more, true },
		{ c_lower_level, true },    { c_lower_state, true },
		{ c_level_lowered, true },  { c_unmasked, true },
	};

	tdx_mutation_run(mutations, COUNT(mutations), TDX_MUTATION_COLLATERAL,
			 40000);
}

MUTATE(k_component, p->pck.components[tdx_mutation_below(6)] = 0)
MUTATE(k_pcesvn, p->pck.pcesvn = (uint16_t)tdx_mutation_below(11))
MUTATE(k_fmspc, tdx_mutation_change(p->pck.fmspc, 6))
MUTATE(k_pceid, tdx_mutation_change(p->pck.pceid, 2))
MUTATE(k_instance, tdx_mutation_change(p->pck.instance, 16))
MUTATE(k_no_instance, p->pck.has_instance = false)
MUTATE(k_type, p->pck.type = (enum pck_type)(3 + tdx_mutation_below(125)))
MUTATE(k_name, p->wishes[TDX_PCK].name = p->wishes[tdx_mutation_below(2)].name)
MUTATE(k_authority, p->wishes[TDX_AUTHORITY].name = p->wishes[TDX_SIGNER].name)
MUTATE(k_role, p->wishes[tdx_mutation_below(2)].role = AUTHORITY_LEAF)
MUTATE(k_over,
       p->wishes[tdx_mutation_below(4)].not_after = TDX_PLATFORM_NOW - 1 -
						    tdx_mutation_below(80000))
MUTATE(k_not_yet,
       p->wishes[tdx_mutation_below(4)].not_before = TDX_PLATFORM_NOW + 1 +
						     tdx_mutation_below(80000))
MUTATE(k_signer_name, p->wishes[TDX_SIGNER].name = PCK_NAME)
MUTATE(k_ppid, tdx_mutation_change(p->pck.ppid, 16))
MUTATE(k_cpusvn, tdx_mutation_change(p->pck.cpusvn, 16))
MUTATE(k_newer, p->pck.components[tdx_mutation_below(16)] =
			(uint8_t)(5 + tdx_mutation_below(251));
       p->pck.pcesvn = (uint16_t)(11 + tdx_mutation_below(65525)))
MUTATE(k_configuration, p->pck.smt = (enum pck_answer)tdx_mutation_below(3);
       p->pck.dynamic = (enum pck_answer)tdx_mutation_below(3))

/* Any certificates in any order, but the three that belong together. */
static void k_chain(struct tdx_platform *platform)
{
	unsigned set = 0;

	platform->chain_count = tdx_mutation_below(5);
	for (size_t i = 0; i < platform->chain_count; i++) {
		platform->chain[i] =
			(enum tdx_platform_party)tdx_mutation_below(
				TDX_PARTIES);
		set |= 1u << platform->chain[i];
	}
	if (platform->chain_count == 3 &&
	    set == (1u << TDX_PCK | 1u << TDX_AUTHORITY | 1u << TDX_ROOT))
		platform->chain_count = 2;
}

static void k_order(struct tdx_platform *platform)
{
	size_t one = tdx_mutation_below(3);
	enum tdx_platform_party first = platform->chain[0];

	platform->chain[0] = platform->chain[one];
	platform->chain[one] = first;
}

Test(tdx_endorsements, of_certified_platforms_none_that_is_another_is_accepted)
{
	static const struct tdx_mutation mutations[] = {
		{ k_component, false },	   { k_pcesvn, false },
		{ k_fmspc, false },	   { k_pceid, false },
		{ k_instance, false },	   { k_no_instance, false },
		{ k_type, false },	   { k_name, false },
		{ k_authority, false },	   { k_role, false },
		{ k_over, false },	   { k_not_yet, false },
		{ k_signer_name, false },  { k_chain, false },
		{ k_chain, false },	   { k_ppid, true },
		{ k_cpusvn, true },	   { k_newer, true },
		{ k_configuration, true }, { k_order, true },
	};

	tdx_mutation_run(mutations, COUNT(mutations), TDX_MUTATION_CERTIFICATES,
			 6000);
}
