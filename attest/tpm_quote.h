/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm_quote: what a TPM 2.0 attests, read strictly, and held against values.
 *
 *     TPMS_ATTEST = ff544347 | type u16 | qualifiedSigner TPM2B
 *                 | extraData TPM2B | clock u64 | resetCount u32
 *                 | restartCount u32 | safe u8 | firmwareVersion u64 | attested
 *       quote   8018   count u32 { hash u16 | size u8 | bitmap } | digest TPM2B
 *       certify 8017   name TPM2B | qualifiedName TPM2B
 *
 * Big-endian; TPM 2.0 Library, Part 2, 10.12.  The digest is over the selected
 * PCRs, ascending, by the hash that the key signs with.  Nobody but a TPM makes
 * something that a restricted key signs and that begins with ff544347.
 */
#ifndef ATTEST_TPM_QUOTE_H
#define ATTEST_TPM_QUOTE_H

#include "attest/tpm_public.h"

#define TPM_QUOTE_PCRS 24
#define TPM_QUOTE_DATA_MAX 64 /* extraData that is accepted */

enum tpm_quote_type {
	TPM_QUOTE_CERTIFY = 0x8017,
	TPM_QUOTE_QUOTE = 0x8018,
};

/* All views are borrowed. */
struct tpm_quote {
	enum tpm_quote_type type;
	struct bytes signer; /* qualified name of the key that signed */
	struct bytes data;   /* extraData: what the caller had it sign */
	uint64_t clock_ms;   /* TPM's own, since it was made */
	uint32_t reset_count, restart_count;
	uint8_t safe; /* 1: no clock before was greater */
	uint64_t firmware;
	/* of a quote */
	enum hash_algorithm bank;
	uint32_t selected; /* bit 1 << PCR */
	struct bytes digest;
	/* of a certification */
	struct bytes name, qualified_name;
};

/*
 * Read one TPMS_ATTEST that fills `in` exactly.  ERR_UNAUTHENTIC for another
 * magic number, which no TPM made; ERR_UNSUPPORTED for another type, for PCRs
 * of more than one bank, or of an unknown one.
 */
MUST_CHECK enum err tpm_quote_parse(struct bytes in, struct tpm_quote *out);

/* PCRs by number, each as long as a digest of the bank; NULL: not known. */
struct tpm_quote_values {
	enum hash_algorithm bank;
	const uint8_t *pcrs[TPM_QUOTE_PCRS]; /* borrowed */
};

/*
 * Whether the quote is of exactly these values: the same bank, every PCR that
 * is selected and no other, and the digest is theirs by `hash`.  ERR_DENIED for
 * something that is no quote, another bank or selection or nothing selected,
 * ERR_UNAUTHENTIC for another digest.
 */
MUST_CHECK enum err
tpm_quote_check_values(const struct tpm_quote *quote, enum hash_algorithm hash,
		       const struct tpm_quote_values *values);

/*
 * Everything about one quote: `key` is an attestation key and signed `attest`,
 * a quote of `data` and of these values.  ERR_UNAUTHENTIC where the data are
 * others, else the errors of the parts.
 */
struct tpm_quote_claim {
	struct bytes attest;	/* TPMS_ATTEST */
	struct bytes signature; /* TPMT_SIGNATURE */
	const struct tpm_public *key;
	struct bytes data; /* the qualifying data that is expected */
	struct tpm_quote_values values;
};

MUST_CHECK enum err tpm_quote_check(const struct tpm_quote_claim *claim,
				    struct tpm_quote *out);

/*
 * Whether the qualified name of the signer shows that it is a primary key of
 * this name: H(handle of a hierarchy | name) (Part 1, 26.5).  That ties the
 * signature to all of the TPMT_PUBLIC, not to the key in it alone.
 */
bool tpm_quote_is_by_primary(const struct tpm_quote *quote,
			     const struct tpm_public_name *name);

#endif
