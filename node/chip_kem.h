/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip_kem: private keys of DHKEM(P-256) that never leave the TPM.
 *
 * A key is a primary key of the TPM's null hierarchy, whose seed is new at each
 * boot: it is made anew from 32 bytes that its owner remembers, by this TPM and
 * in this boot alone.  Its policy is PolicyPCR over what firmware, boot loader
 * and kernel measured and over PCR 14: once one of these has changed, it opens
 * nothing any more.  (PCR 11 is left out, since systemd extends it while a
 * machine starts.)
 */
#ifndef NODE_CHIP_KEM_H
#define NODE_CHIP_KEM_H

#include "node/chip.h"

#define CHIP_KEM_SEED_BYTES 32
#define CHIP_KEM_POINT_BYTES 65 /* 04 | x[32] | y[32] */
#define CHIP_KEM_DH_BYTES 32	/* x */
#define CHIP_KEM_PCRS (CHIP_QUOTED & ~(1u << 11))

/* The public key of this seed. */
MUST_CHECK enum err
chip_kem_public(struct chip *chip,
		const uint8_t seed[static CHIP_KEM_SEED_BYTES],
		uint8_t point[static CHIP_KEM_POINT_BYTES]);

/*
 * TPM2_ECDH_ZGen with the key of this seed.  ERR_MALFORMED for a peer that is
 * no point of the curve, ERR_UNAVAILABLE where the policy does not hold.
 */
MUST_CHECK enum err chip_kem_dh(struct chip *chip,
				const uint8_t seed[static CHIP_KEM_SEED_BYTES],
				const uint8_t peer[static CHIP_KEM_POINT_BYTES],
				uint8_t dh[static CHIP_KEM_DH_BYTES]);

#endif
