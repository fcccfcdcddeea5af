/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx: evidence of Intel Trust Domain Extensions, appraised.
 *
 *     evidence = CBOR [ outblob: bytes, ccel: bytes ]      ; wire/cbor.h
 *
 * outblob is the quote as Linux gives it (configfs-tsm), ccel the event log of
 * confidential computing (UEFI 2.10, section 38), empty where there is none.
 *
 * What leads from Intel to the 64 bytes of report data: the root signs the
 * authority of PCK certificates, that a platform's PCK, that a quoting
 * enclave's report, in which the digest of the attestation key stands, and that
 * key signs the quote.  Whether this platform's firmware is new enough is not
 * in the evidence: it takes TCB info and QE identity, which the policy brings.
 */
#ifndef ATTEST_TDX_H
#define ATTEST_TDX_H

#include "attest/appraisal.h"

/* Revocation, chip, event log and registers are for a policy to ask for. */
#define TDX_NEEDED                                                           \
	(UINT32_C(1) << APPRAISAL_FORMAT | UINT32_C(1) << APPRAISAL_CHAIN |  \
	 UINT32_C(1) << APPRAISAL_SIGNATURE | UINT32_C(1) << APPRAISAL_TCB | \
	 UINT32_C(1) << APPRAISAL_GUEST)

/*
 * Answer every question that can be answered; `out` is written from new, and
 * borrows from the evidence.  Where chain or signature fail, what comes after
 * them stays RECORD_SKIP, since nobody said it.
 */
void tdx_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out);

/* The two parts of the evidence, borrowed.  ERR_MALFORMED if it is none. */
MUST_CHECK enum err tdx_split(struct bytes evidence, struct bytes *outblob,
			      struct bytes *ccel);

#endif
