/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x25519: the Diffie-Hellman function of RFC 7748, 5.
 *
 * Constant-time, without heap or system calls.
 */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include <stdint.h>

#include "base/err.h"

#define X25519_BYTES 32 /* private keys, public keys and secrets alike */

/* Every 32 bytes are a private key; cannot fail, but see p256.h. */
MUST_CHECK enum err x25519_public_key(const uint8_t *private_key,
				      uint8_t *public_key);

/*
 * ERR_MALFORMED when the result is all zeros, which a peer's point of small
 * order makes it whatever our key (RFC 7748, 6.1).
 */
MUST_CHECK enum err x25519_dh(const uint8_t *private_key, const uint8_t *peer,
			      uint8_t *dh);

#endif
