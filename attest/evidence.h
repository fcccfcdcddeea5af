/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: what ties a node's statement and keys to something a verifier
 * trusts.
 *
 *     report data = SHA-512( "pcc-node/v1" | 00 | SHA-512(statement)
 *                            | SHA-512(ohttp-keys) | nonce[32] or zeros[32] )
 *
 * A root of trust signs the 64 bytes of report data; a TPM, whose field is
 * shorter, signs their SHA-256.  How each type of evidence is checked is told
 * in attest/appraise.h.
 *
 * Software evidence is the report data and nothing else.  It proves that the
 * bundle is of one piece, and nothing about who made it.
 */
#ifndef ATTEST_EVIDENCE_H
#define ATTEST_EVIDENCE_H

#include "base/bytes.h"
#include "wire/bundle.h"

#define EVIDENCE_REPORT_DATA_BYTES 64
#define EVIDENCE_NONCE_BYTES 32

struct evidence_report_data {
	uint8_t bytes[EVIDENCE_REPORT_DATA_BYTES];
};

/* What is bound.  Both views are exactly the bytes that the bundle carries. */
struct evidence_claims {
	struct bytes statement;
	struct bytes keys;
	const uint8_t *nonce; /* EVIDENCE_NONCE_BYTES, or NULL for none */
};

/* The report data of these claims. */
void evidence_bind(const struct evidence_claims *claims,
		   struct evidence_report_data *out);

/*
 * Append evidence of this type for the report data.  ERR_UNSUPPORTED for a type
 * that this build cannot make, ERR_UNAVAILABLE where its device refuses.
 */
MUST_CHECK enum err
evidence_make(enum bundle_evidence_type type,
	      const struct evidence_report_data *report_data,
	      struct writer *out);

#endif
