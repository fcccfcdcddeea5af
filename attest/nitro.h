/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nitro: judges attestation documents of AWS Nitro enclaves.
 *
 *     COSE_Sign1 (ES384, tagged or not) over a map by names:
 *       module_id text, digest "SHA384", timestamp milliseconds,
 *       pcrs { 0..31: 48 bytes }, certificate DER, cabundle [ DER, ... ],
 *       public_key, user_data, nonce: bytes or null
 *
 * as the Nitro Security Module's documentation has it.  The certificates lead
 * to the one root that AWS has published (attest/roots.h); they live for hours,
 * and no list of revoked ones exists.  An enclave that may be debugged has
 * zeros for PCR 0 to 2.
 */
#ifndef ATTEST_NITRO_H
#define ATTEST_NITRO_H

#include "attest/appraisal.h"

#define NITRO_BYTES_MAX (16u << 10)
#define NITRO_PCRS 16 /* of 32: those that are given back */

#define NITRO_NEEDED                                      \
	(1u << APPRAISAL_FORMAT | 1u << APPRAISAL_CHAIN | \
	 1u << APPRAISAL_SIGNATURE | 1u << APPRAISAL_GUEST)

/* What a document says; views are borrowed, what is null is empty. */
struct nitro_document {
	struct bytes module; /* text */
	uint64_t timestamp_ms;
	struct appraisal_value pcrs[NITRO_PCRS];
	struct bytes certificate;
	struct bytes issuers[CERTIFICATE_CHAIN_MAX - 1]; /* the root first */
	size_t issuer_count;
	struct bytes public_key, user_data, nonce;
};

/* Read the payload.  Nothing is verified. */
MUST_CHECK enum err nitro_read(struct bytes payload,
			       struct nitro_document *out);

/*
 * Answer what there is to ask; never fails but in the records.  The report data
 * is user_data.
 */
void nitro_appraise(struct bytes document,
		    const struct appraisal_policy *policy,
		    struct appraisal *out);

#endif
