/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both statements of Intel's, as if they were signed.  One that parses has
 * counts within their limits, states that have a name, and a period that begins
 * before it ends; and the frame around it is found at exactly its place.
 */
#include "attest/tdx_collateral.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_steps(const struct tdx_collateral_steps *steps)
{
	invariant(steps->count <= TDX_COLLATERAL_LEVELS_MAX);
	for (size_t i = 0; i < steps->count; i++)
		invariant(tdx_collateral_status_name(steps->list[i].status) !=
			  NULL);
}

static void check_info(struct bytes in)
{
	static struct tdx_collateral_tcb_info info;

	if (tdx_collateral_parse_tcb_info(in, &info) != ERR_OK)
		return;
	invariant(info.period.issued <= info.period.next);
	invariant(info.level_count <= TDX_COLLATERAL_LEVELS_MAX);
	invariant(info.module_count <= TDX_COLLATERAL_MODULES_MAX);
	for (size_t i = 0; i < info.level_count; i++)
		invariant(info.levels[i].status <= APPRAISAL_TDX_REVOKED);
	for (size_t i = 0; i < info.module_count; i++)
		check_steps(&info.modules[i].steps);
	invariant(tdx_collateral_check_period(&info.period, info.period.next) ==
		  ERR_OK);
}

static void check_identity(struct bytes in)
{
	static struct tdx_collateral_qe_identity identity;

	if (tdx_collateral_parse_qe_identity(in, &identity) != ERR_OK)
		return;
	invariant(identity.period.issued <= identity.period.next);
	check_steps(&identity.steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct signature_key none = { NULL };
	struct bytes in = { data, size };
	struct bytes value;

	check_info(in);
	check_identity(in);
	/* Without a key nothing is authentic, whatever its form. */
	invariant(tdx_collateral_open(in, TDX_COLLATERAL_TCB_INFO, &none,
				      &value) != ERR_OK);
	return 0;
}
