/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x25519.h"

#include <sodium.h>
#include <string.h>

#include "base/secret.h"

enum err x25519_public_key(const uint8_t *private_key, uint8_t *public_key)
{
	int done = crypto_scalarmult_curve25519_base(public_key, private_key);

	invariant(done == 0);
	return ERR_OK;
}

enum err x25519_dh(const uint8_t *private_key, const uint8_t *peer, uint8_t *dh)
{
	SCOPED_SECRET32 secret = { { 0 } };

	if (secret_tell(crypto_scalarmult_curve25519(secret.bytes, private_key,
						     peer)) != 0)
		return ERR_MALFORMED;
	memcpy(dh, secret.bytes, sizeof(secret.bytes));
	return ERR_OK;
}
