/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kem: the key encapsulation mechanisms of hpke.h, DHKEM (RFC 9180, 4.1).
 *
 *     dh            = DH(private key, public key)
 *     shared secret = ExtractAndExpand(dh, enc | recipient's public key)
 *
 * One row of the table in kem.c is one KEM.  The two steps of a recipient stand
 * apart: a private key that lives in a TPM replaces kem_dh by the TPM's own
 * point multiplication and goes on with kem_shared_secret.  A KEM that is no
 * Diffie-Hellman, such as ML-KEM, adds its own encap and decap to the row.
 */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include "crypto/hpke.h"

#define KEM_DH_BYTES 32 /* Ndh of both groups */

/* Npk and Nenc, which DHKEM has alike; 0 for an unknown KEM. */
size_t kem_public_key_len(uint16_t kem);

MUST_CHECK enum err kem_generate(uint16_t kem,
				 struct hpke_private_key *private_key,
				 struct hpke_public_key *public_key);

/* DeriveKeyPair, RFC 9180, 7.1.3. */
MUST_CHECK enum err kem_derive(uint16_t kem, struct bytes ikm,
			       struct hpke_private_key *private_key,
			       struct hpke_public_key *public_key);

/* The public key of a private one; ERR_MALFORMED if that is out of range. */
MUST_CHECK enum err kem_public_key(const struct hpke_private_key *private_key,
				   struct hpke_public_key *out);

/*
 * Encap (RFC 9180, 4.1) with an ephemeral key that the caller made and uses
 * once.  The encapsulation is that key's public half.
 */
MUST_CHECK enum err kem_encap(const struct hpke_private_key *ephemeral,
			      const struct hpke_public_key *to,
			      uint8_t shared_secret[static HPKE_SECRET_BYTES],
			      struct writer *enc);

/* Decap (RFC 9180, 4.1): kem_dh, then kem_shared_secret. */
MUST_CHECK enum err kem_decap(const struct hpke_private_key *private_key,
			      const struct hpke_public_key *own,
			      struct bytes enc,
			      uint8_t shared_secret[static HPKE_SECRET_BYTES]);

/*
 * The group's Diffie-Hellman.  ERR_MALFORMED for a peer that is not a valid
 * public key (RFC 9180, 7.1.4) or leads to an all-zero secret.
 */
MUST_CHECK enum err kem_dh(const struct hpke_private_key *private_key,
			   struct bytes peer, uint8_t dh[static KEM_DH_BYTES]);

/* ExtractAndExpand (RFC 9180, 4.1); `own` is the recipient's public key. */
void kem_shared_secret(const uint8_t dh[static KEM_DH_BYTES], struct bytes enc,
		       const struct hpke_public_key *own,
		       uint8_t shared_secret[static HPKE_SECRET_BYTES]);

#endif
