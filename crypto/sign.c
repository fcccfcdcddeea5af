/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <sodium.h>

#include "base/secret.h"
#include "crypto/random.h"

_Static_assert(sizeof(struct sign_private_key) == crypto_sign_SECRETKEYBYTES,
	       "libsodium's private key is seed | public key");

void sign_key_generate(struct sign_private_key *private_key,
		       struct sign_public_key *public_key)
{
	SCOPED_SECRET32 seed;

	random_bytes(seed.bytes, sizeof(seed.bytes));
	sign_key_from_seed(seed.bytes, private_key, public_key);
}

void sign_key_from_seed(const uint8_t seed[static SIGN_SEED_BYTES],
			struct sign_private_key *private_key,
			struct sign_public_key *public_key)
{
	crypto_sign_ed25519_seed_keypair(public_key->bytes, private_key->bytes,
					 seed);
}

void sign_private_key_wipe(struct sign_private_key *key)
{
	secret_wipe(key, sizeof(*key));
}

void sign_message(const struct sign_private_key *key, struct bytes message,
		  uint8_t signature[static SIGN_SIGNATURE_BYTES])
{
	crypto_sign_ed25519_detached(signature, NULL, message.data, message.len,
				     key->bytes);
}

enum err sign_verify(const struct sign_public_key *key, struct bytes message,
		     const uint8_t signature[static SIGN_SIGNATURE_BYTES])
{
	if (crypto_sign_ed25519_verify_detached(signature, message.data,
						message.len, key->bytes) != 0)
		return ERR_UNAUTHENTIC;
	return ERR_OK;
}
