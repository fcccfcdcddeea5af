/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm_evidence: what a node's TPM 2.0 said, as one value of a bundle.
 *
 * Deterministic CBOR (wire/cbor.h), so that one quote has one encoding:
 *
 *     [ 1,                        version
 *       bytes,                    TPMS_ATTEST, a quote (attest/tpm_quote.h)
 *       bytes,                    TPMT_SIGNATURE over it
 *       bytes,                    TPMT_PUBLIC of the attestation key (AK)
 *       [ * bytes ],              DER: the AK's certificate, then its issuers
 *       { * index: bytes[32] },   PCRs of the bank of SHA-256, ascending
 *       bytes ]                   event log (attest/event_log.h), may be empty
 *
 * Nothing is opened here: structures of the TPM stay the bytes that it made.
 */
#ifndef ATTEST_TPM_EVIDENCE_H
#define ATTEST_TPM_EVIDENCE_H

#include "base/bytes.h"

#define TPM_EVIDENCE_VERSION 1
#define TPM_EVIDENCE_PCRS 24
#define TPM_EVIDENCE_PCR_BYTES 32
#define TPM_EVIDENCE_CERTIFICATES_MAX 8

/* All views are borrowed. */
struct tpm_evidence {
	struct bytes attest;
	struct bytes signature;
	struct bytes ak_public;
	struct bytes certificates[TPM_EVIDENCE_CERTIFICATES_MAX];
	size_t certificate_count;
	const uint8_t *pcrs[TPM_EVIDENCE_PCRS]; /* 32 bytes; NULL: not there */
	struct bytes event_log;
};

/* Append the encoding.  ERR_TOO_LARGE where the writer is too small. */
MUST_CHECK enum err tpm_evidence_write(const struct tpm_evidence *evidence,
				       struct writer *out);

/*
 * Read one value that fills `in` exactly.  ERR_UNSUPPORTED for another version,
 * ERR_MALFORMED or ERR_TRUNCATED for anything but the one encoding above.
 */
MUST_CHECK enum err tpm_evidence_parse(struct bytes in,
				       struct tpm_evidence *out);

#endif
