/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm_public: a public key as a TPM 2.0 tells it, its name, and what it signed.
 *
 *     TPMT_PUBLIC = type u16 | nameAlg u16 | attributes u32 | policy TPM2B
 *                 | parameters of the type | unique
 *       RSA  0001   symmetric | scheme | bits u16 | exponent u32 | n TPM2B
 *       ECC  0023   symmetric | scheme | curve u16 | kdf | x TPM2B | y TPM2B
 *     TPMT_SIGNATURE = scheme u16 | hash u16 | signature TPM2B, or r, s TPM2B
 *     name = nameAlg u16 | H_nameAlg(TPMT_PUBLIC)
 *
 * Big-endian; TPM 2.0 Library, Part 2, sections 11 and 12, and Part 1, 16.
 * Keys with numbers too weak to trust (SHA-1, RSA below 2048) are refused.
 */
#ifndef ATTEST_TPM_PUBLIC_H
#define ATTEST_TPM_PUBLIC_H

#include "base/bytes.h"
#include "crypto/signature.h"

#define TPM_PUBLIC_NAME_MAX 50 /* 000c | SHA-384 */
#define TPM_PUBLIC_BYTES_MAX 1024

enum tpm_public_type {
	TPM_PUBLIC_RSA = 0x0001,
	TPM_PUBLIC_ECC = 0x0023,
};

/* TPMA_OBJECT (Part 2, 8.3). */
enum tpm_public_attribute {
	TPM_PUBLIC_FIXED_TPM = 1 << 1,
	TPM_PUBLIC_ST_CLEAR = 1 << 2,
	TPM_PUBLIC_FIXED_PARENT = 1 << 4,
	TPM_PUBLIC_SENSITIVE_DATA_ORIGIN = 1 << 5,
	TPM_PUBLIC_USER_WITH_AUTH = 1 << 6,
	TPM_PUBLIC_ADMIN_WITH_POLICY = 1 << 7,
	TPM_PUBLIC_NO_DA = 1 << 10,
	TPM_PUBLIC_ENCRYPTED_DUPLICATION = 1 << 11,
	TPM_PUBLIC_RESTRICTED = 1 << 16,
	TPM_PUBLIC_DECRYPT = 1 << 17,
	TPM_PUBLIC_SIGN = 1 << 18,
	TPM_PUBLIC_X509_SIGN = 1 << 19,
};

/* What a storage key encrypts its children with: AES in CFB, or nothing. */
enum tpm_public_symmetric {
	TPM_PUBLIC_NO_SYMMETRIC = 0,
	TPM_PUBLIC_AES_128_CFB = 128,
	TPM_PUBLIC_AES_256_CFB = 256,
};

/* All views are borrowed. */
struct tpm_public {
	struct bytes encoded; /* the TPMT_PUBLIC itself */
	enum tpm_public_type type;
	enum hash_algorithm name_hash; /* SHA-256 or SHA-384 */
	uint32_t attributes;
	struct bytes policy;
	enum tpm_public_symmetric symmetric;
	uint16_t scheme;		 /* TPM_ALG_ID; 0010: none */
	struct signature_scheme signing; /* where that is one that signs */
	uint32_t exponent;		 /* RSA */
	struct bytes modulus;
	enum signature_curve curve; /* ECC */
	struct bytes x, y;	    /* perhaps shorter than the order */
};

struct tpm_public_name {
	size_t len; /* 34 or 50 */
	uint8_t bytes[TPM_PUBLIC_NAME_MAX];
};

/*
 * Read one TPMT_PUBLIC that fills `in` exactly.  ERR_UNSUPPORTED for types,
 * curves and algorithms that are well-formed but not above.
 */
MUST_CHECK enum err tpm_public_parse(struct bytes in, struct tpm_public *out);

/* The key itself.  ERR_MALFORMED for a point off its curve. */
MUST_CHECK enum err tpm_public_key(const struct tpm_public *key,
				   struct signature_key *out);

/* Its name, by which one TPM knows it and others may. */
void tpm_public_name(const struct tpm_public *key, struct tpm_public_name *out);

/*
 * How a certificate names a key whose other properties it vouches for, too: as
 * its common name, "ak-" and the first 24 bytes of the name's digest in hex.
 * The name covers attributes and policy; the certified key does not.
 */
#define TPM_PUBLIC_TEXT_MAX 52
void tpm_public_name_text(const struct tpm_public_name *name,
			  char text[static TPM_PUBLIC_TEXT_MAX]);

/*
 * ERR_DENIED unless it signs what its TPM says and nothing else, was made there
 * and cannot leave: fixedTPM, fixedParent, sensitiveDataOrigin, restricted,
 * sign, not decrypt (Part 1, 25.3).
 */
MUST_CHECK enum err tpm_public_expect_ak(const struct tpm_public *key);

/* ERR_DENIED unless it is a storage key that cannot leave: no sign. */
MUST_CHECK enum err tpm_public_expect_ek(const struct tpm_public *key);

/*
 * Whether `signature`, a TPMT_SIGNATURE, is the key's, of the key's own scheme,
 * over the message.  ERR_MALFORMED or ERR_TRUNCATED for bytes that are no such
 * structure, ERR_UNAUTHENTIC where it does not verify.
 */
MUST_CHECK enum err tpm_public_verify(const struct tpm_public *key,
				      struct bytes message,
				      struct bytes signature);

/* Take a TPM2B: a length u16, then so many bytes. */
MUST_CHECK enum err tpm_public_take_sized(struct bytes *in, struct bytes *out);

/* TPM_ALG_ID of a hash; ERR_UNSUPPORTED for others. */
MUST_CHECK enum err tpm_public_hash(uint16_t id, enum hash_algorithm *out);
uint16_t tpm_public_hash_id(enum hash_algorithm hash);

#endif
