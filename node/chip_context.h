/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm_context: what the files that speak with the TPM share, and nobody else
 * sees: tpm2-tss's types.  The contracts are in node/chip.h.
 */
#ifndef NODE_CHIP_CONTEXT_H
#define NODE_CHIP_CONTEXT_H

#include <tss2/tss2_esys.h>

#include "node/chip_kem.h"
#include "node/tcti.h"

/* With the AK all that a TPM holds without a resource manager. */
#define CHIP_KEM_KEYS 2

struct chip_kem_key {
	ESYS_TR handle; /* ESYS_TR_NONE: none */
	uint64_t used;	/* the least is flushed for another */
	uint8_t seed[CHIP_KEM_SEED_BYTES];
	uint8_t point[CHIP_KEM_POINT_BYTES];
};

struct chip {
	ESYS_CONTEXT *esys; /* owned */
	ESYS_TR ak;
	TPM2B_PUBLIC ak_public;
	struct chip_kem_key kem_keys[CHIP_KEM_KEYS];
	uint64_t kem_uses;
	ESYS_TR kem_session;
	struct tcti tcti;
};

/* ERR_OK, or ERR_UNAVAILABLE for whatever the TPM did not like. */
MUST_CHECK enum err chip_result(TSS2_RC code);

/* PCRs (bit 1 << number) of the bank of SHA-256. */
TPML_PCR_SELECTION chip_selection(uint32_t pcrs);

/* SHA-256 over these PCRs (bit 1 << number), as a quote and a policy have it. */
void chip_digest_pcrs(const struct chip_pcrs *pcrs, uint32_t which,
		      uint8_t digest[static 32]);

/* An ECC key of P-256 that cannot leave, with these attributes besides. */
TPM2B_PUBLIC chip_p256_template(TPMA_OBJECT attributes, TPM2_ALG_ID scheme);

/* A primary key without a password; *public is the caller's to Esys_Free(). */
MUST_CHECK enum err chip_create_primary(struct chip *chip, ESYS_TR hierarchy,
					const TPM2B_PUBLIC *template,
					ESYS_TR *key, TPM2B_PUBLIC **public);

/* Append a TPMT_PUBLIC. */
MUST_CHECK enum err chip_put_public(const TPM2B_PUBLIC *public,
				    struct writer *out);

#endif
