/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential: a secret that only one TPM opens, and only beside one of its keys
 * (TPM2_MakeCredential in software; TPM 2.0 Library, Part 1, section 24 and
 * annexes B.10.4, C.6.4).
 *
 *     seed       RSA: random, sealed by OAEP with the label "IDENTITY\0"
 *                EC:  KDFe(x of ECDH, "IDENTITY", ephemeral x, x of the EK)
 *     blob       TPM2B { TPM2B hmac | encrypted }
 *     encrypted  AES-CFB( KDFa(seed, "STORAGE", name), TPM2B secret )
 *     hmac       HMAC( KDFa(seed, "INTEGRITY"), encrypted | name )
 *     sealed     TPM2B { OAEP }, or TPM2B { TPM2B x | TPM2B y }
 *
 * The TPM of the endorsement key (EK) opens the seed, and gives out the secret
 * if an object of that very name is loaded in it.
 */
#ifndef CRYPTO_CREDENTIAL_H
#define CRYPTO_CREDENTIAL_H

#include "crypto/signature.h"

#define CREDENTIAL_SECRET_MAX 32
#define CREDENTIAL_BLOB_MAX 256
#define CREDENTIAL_SEALED_MAX (SIGNATURE_RSA_BITS_MOST / 8 + 2)

/* Whom it is for. */
struct credential_target {
	const struct signature_key *ek; /* RSA, P-256 or P-384 */
	enum hash_algorithm hash;	/* that of the EK's name */
	unsigned aes_bits;		/* of the EK: 128 or 256 */
	struct bytes name;		/* of the other key */
};

/*
 * Append blob and sealed seed, as above.  The secret has 1 to
 * CREDENTIAL_SECRET_MAX bytes, at most those of `hash`.  ERR_UNSUPPORTED for a
 * key of another kind, ERR_TOO_LARGE without room.
 */
MUST_CHECK enum err credential_make(const struct credential_target *target,
				    struct bytes secret, struct writer *blob,
				    struct writer *sealed);

#endif
