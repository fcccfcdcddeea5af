/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment: how a TPM's attestation key (AK) comes by a certificate.
 *
 * The node asks with what its TPM shows of two keys; the operator's authority
 * answers with a certificate that nobody reads but the TPM which holds the
 * endorsement key (EK) and an AK of that very name (crypto/credential.h).  All
 * three are deterministic CBOR (wire/cbor.h):
 *
 *     request = [ 1, [ * bytes ]       DER: the EK's certificate, its issuers
 *                    bytes, bytes ]    TPMT_PUBLIC of the EK, of the AK
 *     answer  = [ 1, bytes,            TPM2B_ID_OBJECT, to ActivateCredential
 *                    bytes,            TPM2B_ENCRYPTED_SECRET, likewise
 *                    bytes ]           sealed
 *     sealed  = AES-256-GCM( chain; key: the 32 bytes that ActivateCredential
 *               gives out, nonce: 12 zeros, associated data:
 *               "pcc-node/v1 enrolment" )
 *     chain   = [ * bytes ]            DER: the AK's certificate, its issuer's
 *
 * A secret seals one answer, so that the nonce is never used again.
 */
#ifndef ATTEST_ENROLMENT_H
#define ATTEST_ENROLMENT_H

#include "base/secret.h"
#include "crypto/issuer.h"

#define ENROLMENT_VERSION 1
#define ENROLMENT_CERTIFICATES_MAX 4
#define ENROLMENT_BYTES_MAX (32u << 10) /* a request, an answer, a chain */
#define ENROLMENT_USAGE "2.23.133.8.3"	/* tcg-kp-AIKCertificate */

/* All views are borrowed. */
struct enrolment_request {
	struct bytes certificates[ENROLMENT_CERTIFICATES_MAX];
	size_t certificate_count;
	struct bytes ek_public, ak_public;
};

struct enrolment_answer {
	struct bytes blob, secret, sealed;
};

/*
 * Append, and read what fills `in` exactly.  Errors as in attest/tpm_evidence.h
 * for both kinds.
 */
MUST_CHECK enum err
enrolment_request_write(const struct enrolment_request *request,
			struct writer *out);
MUST_CHECK enum err enrolment_request_parse(struct bytes in,
					    struct enrolment_request *out);
MUST_CHECK enum err
enrolment_answer_write(const struct enrolment_answer *answer,
		       struct writer *out);
MUST_CHECK enum err enrolment_answer_parse(struct bytes in,
					   struct enrolment_answer *out);

/* On whose word, and for how long. */
struct enrolment_authority {
	const struct issuer *issuer;
	struct bytes ek_roots; /* PEM: the roots of makers of TPMs */
	/*
	 * SHA-256 of the one EK's TPMT_PUBLIC; NULL: any that those vouch for,
	 * so whoever has such a TPM, and hands in a request, is answered.
	 */
	const uint8_t *ek;
	uint64_t now; /* Unix seconds */
	uint32_t days;
};

/*
 * Append the answer to a request: the EK's certificate leads to one of the
 * roots, is for an EK and of the key shown, which is the one expected; the keys have the properties that
 * they need.  Where that is not so `why` becomes a sentence, and the error is
 * ERR_MALFORMED, ERR_UNAUTHENTIC, ERR_EXPIRED or ERR_DENIED.
 */
MUST_CHECK enum err
enrolment_answer(const struct enrolment_request *request,
		 const struct enrolment_authority *authority,
		 struct writer *out, const char **why);

/*
 * Append the chain of an answer, opened with what the TPM gave out.
 * ERR_UNAUTHENTIC for another secret.
 */
MUST_CHECK enum err enrolment_open(const struct enrolment_answer *answer,
				   const struct secret32 *secret,
				   struct writer *chain);

/* The certificates of a chain, borrowed; ERR_MALFORMED for more than `max`. */
MUST_CHECK enum err enrolment_chain_parse(struct bytes chain, size_t max,
					  struct bytes *certificates,
					  size_t *count);

#endif
