/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_tcb: in which state the firmware of a platform is, by what Intel says of
 * it (attest/tdx_collateral.h; the algorithm is that of "Get TDX TCB Info",
 * steps 3 to 6, and of "Get TDX QE Identity", steps 1 to 4).
 *
 * The platform is the first level of which it has every part: each of 16 SGX
 * components and PCESVN by its PCK certificate, each of 16 TDX components by
 * the quote.  A TDX module that names its version (component 1, not zero) is
 * judged by the identity of that version in place of components 0 and 1.  The
 * worst of platform, module and quoting enclave is the state.
 */
#ifndef ATTEST_TDX_TCB_H
#define ATTEST_TDX_TCB_H

#include "attest/tdx_collateral.h"
#include "attest/tdx_quote.h"

/*
 * The state of platform and module.  ERR_DENIED: the information is of another
 * kind of platform.  ERR_UNAUTHENTIC: the module is not Intel's, or not of a
 * version named there.  ERR_UNSUPPORTED: it is below every level.
 */
MUST_CHECK enum err
tdx_tcb_judge_platform(const struct tdx_collateral_tcb_info *info,
		       const struct pck *pck, const struct tdx_quote *quote,
		       enum appraisal_tdx_status *out);

/*
 * The state of the quoting enclave.  ERR_UNAUTHENTIC: it is another enclave, or
 * one for debugging.  ERR_UNSUPPORTED: it is below every level.
 */
MUST_CHECK enum err
tdx_tcb_judge_qe(const struct tdx_collateral_qe_identity *identity,
		 const struct tdx_quote_qe *qe, enum appraisal_tdx_status *out);

/* Both at once: what is out of date stays so, what was configured badly too. */
enum appraisal_tdx_status tdx_tcb_worse(enum appraisal_tdx_status platform,
					enum appraisal_tdx_status part);

#endif
