/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p256: Diffie-Hellman on NIST P-256 (SP 800-186), keys as in RFC 9180, 7.1.1.
 *
 *     private key  scalar[32], 1 <= scalar < order     big-endian
 *     public key   04 | x[32] | y[32]
 *     secret       x[32] of the product
 */
#ifndef CRYPTO_P256_H
#define CRYPTO_P256_H

#include <stdint.h>

#include "base/err.h"

#define P256_SCALAR_BYTES 32
#define P256_POINT_BYTES 65

/* ERR_MALFORMED for a private key out of range. */
MUST_CHECK enum err p256_public_key(const uint8_t *private_key,
				    uint8_t *public_key);

/*
 * ERR_MALFORMED for a private key out of range, or a peer that is not an
 * uncompressed point of the curve (SP 800-56A, 5.6.2.3.4; the curve's cofactor
 * is one, so that no more needs to be asked).
 */
MUST_CHECK enum err p256_dh(const uint8_t *private_key, const uint8_t *peer,
			    uint8_t *dh);

#endif
