/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paper_tpm: a TPM 2.0 on paper, whose keys a test holds, so that it can sign
 * what no TPM would.
 *
 * It has an attestation key, a primary one of the endorsement hierarchy, with a
 * certificate under a root of its own, and PCRs that a test sets.
 */
#ifndef TESTS_SUPPORT_PAPER_TPM_H
#define TESTS_SUPPORT_PAPER_TPM_H

#include "attest/tpm_evidence.h"
#include "attest/tpm_public.h"
#include "crypto/certificate.h"
#include "crypto/issuer.h"

#define PAPER_TPM_NOW 1800000000u
#define PAPER_TPM_DAYS 30 /* that its certificates are valid, around now */
#define PAPER_TPM_BYTES_MAX 2048

enum paper_tpm_kind {
	PAPER_TPM_P256 = 0,
	PAPER_TPM_P384,
	PAPER_TPM_RSA,
};

/* Bytes that can be changed and lengthened in place. */
struct paper_tpm_part {
	uint8_t bytes[PAPER_TPM_BYTES_MAX];
	size_t len;
};

struct paper_tpm {
	enum paper_tpm_kind kind;
	void *ak;	      /* owned */
	struct issuer issuer; /* of the root */
	struct certificate_root root;
	struct paper_tpm_part ak_public, ak_certificate, root_certificate;
};

/* What it is to say; every field may be wrong. */
struct paper_tpm_quote {
	uint32_t magic;
	uint16_t type;
	uint8_t data[32];
	uint16_t bank; /* TPM_ALG_ID */
	uint32_t selected;
	uint8_t pcrs[TPM_EVIDENCE_PCRS][32];
};

/* Declare with SCOPED_WIPE(paper_tpm_close). */
void paper_tpm_open(enum paper_tpm_kind kind, struct paper_tpm *out);
void paper_tpm_close(struct paper_tpm *tpm);

/* Its key with these attributes; the certificate, of the key alone, stays. */
void paper_tpm_set_attributes(struct paper_tpm *tpm, uint32_t attributes);

/* A sound quote of PCRs 0 to 7 and 14. */
void paper_tpm_begin(struct paper_tpm_quote *quote);

/* The TPMS_ATTEST of it, and a TPMT_SIGNATURE over anything. */
void paper_tpm_attest(const struct paper_tpm *tpm,
		      const struct paper_tpm_quote *quote,
		      struct paper_tpm_part *out);
void paper_tpm_sign(const struct paper_tpm *tpm,
		    const struct paper_tpm_part *message,
		    struct paper_tpm_part *out);

struct bytes paper_tpm_bytes(const struct paper_tpm_part *part);

/*
 * All of it, as evidence whose views point into `tpm`, `quote` and the parts.
 */
struct paper_tpm_parts {
	struct paper_tpm_part attest, signature;
};

void paper_tpm_evidence(const struct paper_tpm *tpm,
			const struct paper_tpm_quote *quote,
			struct paper_tpm_parts *parts,
			struct tpm_evidence *out);

#endif
