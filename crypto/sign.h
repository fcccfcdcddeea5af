/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign: Ed25519 (RFC 8032) for receipts and notes.
 *
 * Signing is deterministic.  Verification is libsodium's: keys and points of
 * small order, and any encoding that is not the canonical one, are refused.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/bytes.h"

#define SIGN_SEED_BYTES 32
#define SIGN_PUBLIC_BYTES 32
#define SIGN_SIGNATURE_BYTES 64

struct sign_public_key {
	uint8_t bytes[SIGN_PUBLIC_BYTES];
};

/* A secret: seed | public key. */
struct sign_private_key {
	uint8_t bytes[SIGN_SEED_BYTES + SIGN_PUBLIC_BYTES];
};

void sign_key_generate(struct sign_private_key *private_key,
		       struct sign_public_key *public_key);

/* The key pair of a seed (RFC 8032, 5.1.5). */
void sign_key_from_seed(const uint8_t seed[static SIGN_SEED_BYTES],
			struct sign_private_key *private_key,
			struct sign_public_key *public_key);

void sign_private_key_wipe(struct sign_private_key *key);

void sign_message(const struct sign_private_key *key, struct bytes message,
		  uint8_t signature[static SIGN_SIGNATURE_BYTES]);

/* ERR_UNAUTHENTIC unless this key signed exactly this message. */
MUST_CHECK enum err
sign_verify(const struct sign_public_key *key, struct bytes message,
	    const uint8_t signature[static SIGN_SIGNATURE_BYTES]);

#endif
