/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip: this machine's TPM 2.0, by tpm2-tss, over a descriptor.
 *
 * The attestation key (AK) is a primary key of the endorsement hierarchy: ECC
 * P-256, restricted, signing, made anew from the TPM's own seed at every start
 * and the same each time.  Nothing is stored in the TPM.  Every object is
 * outside the protection against dictionary attacks, and at most three are
 * loaded at a time, so a TPM without a resource manager will do.
 *
 * Structures of the TPM leave here as the bytes that TPM 2.0 Library, Part 2,
 * says.  Errors: ERR_UNAVAILABLE where the TPM refuses or is gone.
 */
#ifndef NODE_CHIP_H
#define NODE_CHIP_H

#include "attest/identity.h"
#include "base/bytes.h"

#define CHIP_PCRS 24
#define CHIP_PCR_BYTES 32
#define CHIP_ATTEST_MAX 1024
#define CHIP_SIGNATURE_MAX 1024
#define CHIP_PUBLIC_MAX 1024

/*
 * What is quoted: firmware, boot loader, kernel; 11 to 13 by systemd's stub, the
 * last two for what it was handed from outside the image; 14 is ours.
 */
#define CHIP_QUOTED                                                            \
	(1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | \
	 1u << 7 | 1u << 8 | 1u << 9 | 1u << 11 | 1u << 12 | 1u << 13 |        \
	 1u << IDENTITY_PCR)

struct chip;

/* Nothing of an earlier holder of the descriptor stays loaded. */
MUST_CHECK enum err chip_open(int fd, struct chip **out);

/* Flushes what is loaded.  NULL is allowed. */
void chip_close(struct chip *chip);

/* Values of the bank of SHA-256, by number. */
struct chip_pcrs {
	uint8_t values[CHIP_PCRS][CHIP_PCR_BYTES];
};

/* Those that are quoted; the others are zero.  ERR_UNSUPPORTED: no such bank.
 */
MUST_CHECK enum err chip_read_pcrs(struct chip *chip, struct chip_pcrs *out);

/*
 * Extend PCR 14 by those events of the statement that are not in it yet.
 * ERR_DENIED where it holds something else.
 */
MUST_CHECK enum err chip_measure(struct chip *chip,
				 const struct statement *statement);

struct chip_quoted {
	struct chip_pcrs pcrs;
	uint8_t attest[CHIP_ATTEST_MAX]; /* TPMS_ATTEST */
	size_t attest_len;
	uint8_t signature[CHIP_SIGNATURE_MAX]; /* TPMT_SIGNATURE */
	size_t signature_len;
};

/* A quote of the PCRs above, with the values that it is of. */
MUST_CHECK enum err chip_quote(struct chip *chip, const uint8_t data[static 32],
			       struct chip_quoted *out);

/* The AK as a TPMT_PUBLIC. */
MUST_CHECK enum err chip_ak_public(struct chip *chip, struct writer *out);

#endif
