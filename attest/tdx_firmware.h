/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_firmware: the question of APPRAISAL_TCB for TDX: Intel's collateral,
 * believed and applied.
 *
 * Collateral is believed when Intel's "SGX TCB Signing" certificate leads to an
 * accepted root and its key signed both statements.  A statement whose time is
 * over is still applied: only where nothing else is wrong is the answer that it
 * expired, so that tampering never looks like age.
 */
#ifndef ATTEST_TDX_FIRMWARE_H
#define ATTEST_TDX_FIRMWARE_H

#include "attest/tdx_tcb.h"

/* What is judged, and by what.  All is borrowed. */
struct tdx_firmware {
	const struct appraisal_policy *policy;
	const struct certificate_trust *trust; /* with the policy's lists */
	const struct pck *pck;		       /* certified, */
	const struct tdx_quote *quote;	       /* and signed */
};

/* Answer APPRAISAL_TCB. */
void tdx_firmware_judge(const struct tdx_firmware *firmware,
			struct appraisal *out);

/* The appraisal is good no longer than each of these certificates. */
void tdx_firmware_end_with(struct appraisal *out,
			   const struct certificate_chain *chain);

#endif
