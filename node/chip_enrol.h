/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip_enrol: what a TPM shows of itself to be enrolled, and opens to prove it.
 *
 * The endorsement key (EK) is the one whose certificate the TPM's maker left in
 * it: RSA 2048, else ECC P-256, by the templates L-1 and L-2 of the TCG's EK
 * Credential Profile, 2.0.
 */
#ifndef NODE_CHIP_ENROL_H
#define NODE_CHIP_ENROL_H

#include "base/secret.h"
#include "node/chip.h"

#define CHIP_ENROL_CERTIFICATE_MAX 4096

struct chip_enrol {
	uint8_t certificate[CHIP_ENROL_CERTIFICATE_MAX]; /* of the EK, DER */
	size_t certificate_len;
	uint8_t ek[CHIP_PUBLIC_MAX]; /* TPMT_PUBLIC */
	size_t ek_len;
	uint8_t ak[CHIP_PUBLIC_MAX]; /* TPMT_PUBLIC */
	size_t ak_len;
};

/* ERR_UNSUPPORTED where the TPM holds no certificate of an EK. */
MUST_CHECK enum err chip_enrol_read(struct chip *chip, struct chip_enrol *out);

/*
 * TPM2_ActivateCredential: what was encrypted to this TPM's EK for its AK, as
 * TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.  ERR_MALFORMED for bytes that are
 * neither, ERR_UNAVAILABLE where the TPM does not open it.
 */
MUST_CHECK enum err chip_enrol_activate(struct chip *chip, struct bytes blob,
					struct bytes encrypted,
					struct secret32 *out);

#endif
